/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_rules.h - picketctl rules noisy: which rules raise most
 *
 * Place    above ctl_show and store_rules; below ctl.
 * Threads  one.
 * Memory   one row.
 */
#ifndef COLLECTOR_CTL_RULES_H
#define COLLECTOR_CTL_RULES_H

#include "collector/ctl_show.h"

/* Those that raised most first, --limit of them, of the alerts that the other
 * options of alerts let through; in JSON the sensors' sets as well. */
enum err ctl_rules_noisy(struct ctl *c) MUST_CHECK;

#endif
