/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_blind.h - picketctl blind and missions: when was nobody looking, and where?
 *
 * Place    above ctl_show and store_cover; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_BLIND_H
#define COLLECTOR_CTL_BLIND_H

#include "collector/ctl_show.h"

/*
 * Intervals that end after 'since_us'; with 'asset' (may be NULL) only those of
 * the sensors that watch it.  ERR_NOTFOUND with diag: no such asset.
 */
enum err ctl_blind(struct ctl *c, uint64_t since_us, const char *asset,
		   struct diag *d) MUST_CHECK;
/* How each mission's assets are watched now, and why not. */
enum err ctl_missions(struct ctl *c) MUST_CHECK;

#endif
