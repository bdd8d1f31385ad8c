/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_armed.h - picketctl indicators armed: which sensor runs which version
 *
 * Place    above indicator_list and store_read; below ctl_indicator.
 * Threads  one.
 * Memory   one answer.
 */
#ifndef COLLECTOR_CTL_ARMED_H
#define COLLECTOR_CTL_ARMED_H

#include "collector/ctl_options.h"

/* A line a sensor: its version and how many changes it is behind the store. */
enum err ctl_indicators_armed(struct ctl *c) MUST_CHECK;

#endif
