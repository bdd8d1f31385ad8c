/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - --check: everything that can be told before Redis is asked
 *
 * Place    above enrich; below main.
 * Threads  one.
 * Memory   that of what is opened, which is closed again.
 */
#ifndef COLLECTOR_CHECK_H
#define COLLECTOR_CHECK_H

#include "collector/exchange_conf.h"
#include "collector/pipeline.h"
#include "common/conf.h"

/*
 * Reads the broker's URL, the addresses to listen at and the GeoIP files;
 * cfg->missions is there already.  Touches neither Redis nor the store.
 * ERR_USAGE with diag for the first thing that is wrong.
 */
enum err check_settings(const struct pipeline_config *cfg,
			const struct conf *conf, struct diag *d) MUST_CHECK;

/* Warns of what starts and does not work: a party that the policy has not, and
 * directories that are not there. */
void check_exchange(const struct exchange_conf *x);

#endif
