/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_correlator.h - picketctl correlators
 *
 * Place    above ctl_show and correlator_store; below ctl.
 * Threads  one.
 * Memory   a row at a time.
 */
#ifndef COLLECTOR_CTL_CORRELATOR_H
#define COLLECTOR_CTL_CORRELATOR_H

#include "collector/ctl_show.h"

enum err ctl_correlators(struct ctl *c) MUST_CHECK;

#endif
