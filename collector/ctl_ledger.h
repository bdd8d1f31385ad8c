/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_ledger.h - picketctl ledger: does everything add up, wire to store?
 *
 * Place    above ctl_show and store_ledger; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_LEDGER_H
#define COLLECTOR_CTL_LEDGER_H

#include "collector/ctl_show.h"

/*
 * Writes every sensor's chain, or that of 'name' ("SITE/SENSOR", checked).  '*holds' is
 * false when an equation does not.  ERR_NOTFOUND with diag: no such sensor.
 */
enum err ctl_ledger(struct ctl *c, const char *name, bool *holds,
		    struct diag *d) MUST_CHECK;

#endif
