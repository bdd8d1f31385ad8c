/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_right.h - who may ask what of the console
 *
 * One table: a path and method that has no row does not exist.  In a path,
 * ID stands for a number and NAME for one segment of any text.
 *
 * Place    above console_viewer; below console_http.
 * Threads  pure.
 * Memory   constant.
 * Cost     a walk through some hundred rows.
 */
#ifndef COLLECTOR_CONSOLE_RIGHT_H
#define COLLECTOR_CONSOLE_RIGHT_H

#include "collector/console_viewer.h"

/* What of a request that was granted goes into the audit log. */
enum right_record {
	RIGHT_QUIET, /* nothing */
	RIGHT_READ, /* something left: an export, packets */
	RIGHT_ACTED, /* something was changed */
};

struct console_right {
	bool post;
	const char *path; /* "/api/incidents/ID/ack" */
	enum role least; /* ROLE_NONE: without log-in */
	bool partner; /* a partner's people as well: its handler asks viewer */
	enum right_record record;
};

extern const struct console_right console_rights[];
extern const size_t n_console_rights;

/* Its row, or NULL. */
const struct console_right *console_right_find(const char *path, bool post);
/* 0: granted; 401: nobody is logged in; 403: not this one; 404: no row. */
unsigned console_right_check(const struct console_right *row,
			     const struct viewer *v);

#endif
