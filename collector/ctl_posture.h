/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_posture.h - picketctl posture: what holds, who obeys, and another one
 *
 * Place    above store_posture and ctl_show; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_POSTURE_H
#define COLLECTOR_CTL_POSTURE_H

#include "collector/ctl_show.h"

/* Levels, what holds where, each sensor's, and the last orders. */
enum err ctl_posture(struct ctl *c) MUST_CHECK;
/* Orders 'level', at the site of --site or everywhere; 'why' may be NULL.
 * Errors as store_posture_order(). */
enum err ctl_posture_order(struct ctl *c, const char *level, const char *who,
			   const char *why, struct diag *d) MUST_CHECK;

#endif
