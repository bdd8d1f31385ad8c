/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_taps.h - picketctl skew: whose clock is off, and by how much
 *
 * Place    above ctl_show and taps_json; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_TAPS_H
#define COLLECTOR_CTL_TAPS_H

#include "collector/ctl_show.h"

/* Every sensor whose clock was compared with others'. */
enum err ctl_skew(struct ctl *c) MUST_CHECK;

#endif
