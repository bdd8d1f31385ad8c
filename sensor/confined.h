/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confined.h - what the sensor keeps within its reach
 *
 * Captures or interfaces, rules and all they read, the spool, what is written,
 * the broker.  Rules are loaded again while packets come, and what they are
 * made of may change, so that their directories stay readable.
 *
 * Place    above options, file_store and confine; below main.
 * Threads  main's, before there are others.
 * Memory   some, while it works.
 */
#ifndef SENSOR_CONFINED_H
#define SENSOR_CONFINED_H

#include "common/confine.h"
#include "rules/ruleset.h"
#include "sensor/options.h"

/*
 * Gives up everything else, and says in one line of the log what is in force.
 * 'rs' tells which files datasets have.  With o->check it only looks whether
 * it could.  Errors as confine_apply().
 */
enum err confined_apply(const struct options *o, const struct ruleset *rs,
			struct confine_state *out, struct diag *d) MUST_CHECK;

#endif
