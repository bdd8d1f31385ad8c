/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_warning.h - picketctl warnings: what all were armed with, and how soon
 *
 * Place    above store_warning; below ctl.
 * Threads  one.
 * Memory   one answer.
 */
#ifndef COLLECTOR_CTL_WARNING_H
#define COLLECTOR_CTL_WARNING_H

#include "collector/ctl_options.h"

/* The newest, --limit of them, and the times from a packet to the last sensor:
 * the median, and what 99 of 100 kept. */
enum err ctl_warnings(struct ctl *c) MUST_CHECK;

#endif
