/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_consult.h - picketctl consult: who is to talk, and what was said
 *
 * Place    above ctl_show and store_consult_speak; below ctl.
 * Threads  one.
 * Memory   one answer.
 */
#ifndef COLLECTOR_CTL_CONSULT_H
#define COLLECTOR_CTL_CONSULT_H

#include "collector/ctl_show.h"
#include "collector/store_consult_speak.h"

/* Open ones; closed ones and those of exercises with --all. */
enum err ctl_consult_list(struct ctl *c) MUST_CHECK;
enum err ctl_consult_show(struct ctl *c, const struct consult_id *id,
			  struct diag *d) MUST_CHECK;
enum err ctl_consult_log(struct ctl *c, const struct consult_id *id,
			 struct diag *d) MUST_CHECK;
/* Says it, and how the consultation stands then. */
enum err ctl_consult_say(struct ctl *c, const struct consult_order *o,
			 struct diag *d) MUST_CHECK;
/* Of one incident, a few lines of its picture; nothing without one. */
enum err ctl_consult_of(struct ctl *c, int64_t incident) MUST_CHECK;
/* The member "consultation" of the object that is open; null without one. */
enum err ctl_consult_json_of(struct ctl *c, int64_t incident) MUST_CHECK;

#endif
