/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_case.h - picketctl incidents keys, split and merge, and picketctl mute
 *
 * Place    above case_order and mute_store; below ctl.
 * Threads  one.
 * Memory   one order or answer.
 */
#ifndef COLLECTOR_CTL_CASE_H
#define COLLECTOR_CTL_CASE_H

#include "collector/ctl_options.h"

/* The words behind "mute"; ERR_USAGE with diag. */
enum err ctl_mute_check(const struct ctl_arguments *args,
			struct diag *d) MUST_CHECK;
/* The words behind "incidents split" and "incidents merge". */
enum err ctl_case_check(const struct ctl_arguments *args,
			struct diag *d) MUST_CHECK;

/* What an incident is made of: runs, by their numbers. */
enum err ctl_incident_keys(struct ctl *c, int64_t id) MUST_CHECK;

/*
 * Gives the order and waits a few seconds for the collector's answer.
 * '*broken': it was refused, or there was no answer; 'd' says so.
 */
enum err ctl_incident_split(struct ctl *c, const struct ctl_arguments *args,
			    int64_t id, const char *who, bool *broken,
			    struct diag *d) MUST_CHECK;
enum err ctl_incident_merge(struct ctl *c, const struct ctl_arguments *args,
			    int64_t id, const char *who, bool *broken,
			    struct diag *d) MUST_CHECK;
enum err ctl_mute(struct ctl *c, const struct ctl_arguments *args,
		  const char *who, bool *broken, struct diag *d) MUST_CHECK;

#endif
