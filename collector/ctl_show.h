/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_show.h - picketctl's answers: lists for eyes, JSON for programs
 *
 * Place    above store_json and ctl_text; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_SHOW_H
#define COLLECTOR_CTL_SHOW_H

#include "collector/ctl_text.h"
#include "collector/store_json.h"

/* What the command line asked for. */
struct ctl {
	struct ctl_text text;
	struct store_reader *store;
	struct json j;
	bool json; /* --json */
	bool all; /* --all: closed ones and exercises too */
	bool by_time; /* --order time: alerts, not as they came */
	struct store_alert_filter filter;
	unsigned limit;
	bool limited; /* --limit was given */
};

/* Each writes its whole answer to text.out. */
enum err ctl_status(struct ctl *c) MUST_CHECK;
enum err ctl_sensors(struct ctl *c) MUST_CHECK;
enum err ctl_alerts(struct ctl *c) MUST_CHECK;
/* The alerts of these numbers.  ERR_NOTFOUND with diag: there is none of one of
 * them; the others are shown. */
enum err ctl_alerts_show(struct ctl *c, char *const *numbers, int n,
			 struct diag *d) MUST_CHECK;
enum err ctl_incidents(struct ctl *c) MUST_CHECK;

/* What was refused, and what went beyond the bounds of the store's small
 * tables, of all sensors or of one ('site' NULL: all): members "refused" and
 * "dropped" of the JSON object that is open, or lines of text. */
enum err ctl_refused(struct ctl *c, const char *site,
		     const char *sensor) MUST_CHECK;

/* Writes what is in c->j and a newline; ERR_NOMEM when it failed. */
enum err ctl_flush_json(struct ctl *c) MUST_CHECK;

#endif
