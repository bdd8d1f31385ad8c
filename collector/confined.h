/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confined.h - what the collector keeps within its reach
 *
 * The store, the feed, the files it enriches from, the broker, the console.
 *
 * Place    above pipeline.h (its settings) and confine; below main.
 * Threads  main's, before there are others.
 * Memory   some, while it works.
 */
#ifndef COLLECTOR_CONFINED_H
#define COLLECTOR_CONFINED_H

#include "collector/pipeline.h"
#include "common/confine.h"

/*
 * Gives up everything else, and says in one line of the log what is in force.
 * With 'check' it only looks whether it could.  Errors as confine_apply().
 */
enum err confined_apply(const struct pipeline_config *cfg,
			const struct conf *conf, bool check,
			struct confine_state *out, struct diag *d) MUST_CHECK;

#endif
