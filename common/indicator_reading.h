/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_reading.h - what the readers of the single formats share
 *
 * Place    between indicator_read.c and the formats: indicator_text.c,
 *          indicator_stix.c, indicator_misp.c; nobody else includes it.
 * Threads  one reading, one thread.
 * Memory   what is handed on is borrowed for the call.
 * Cost     cold.
 */
#ifndef COMMON_INDICATOR_READING_H
#define COMMON_INDICATOR_READING_H

#include <jansson.h>

#include "common/indicator_read.h"

struct indicator_reading {
	const struct indicator_sink *sink;
	struct indicator_report *report;
	struct diag *d;
	const char *file; /* as named by the user */
	const char *source; /* its last path component */
	enum err stop; /* not ERR_OK: the reading ends; 'd' says why */
};

/* Absent in all respects, and so marked for nobody. */
struct indicator indicator_blank(const struct indicator_reading *r);
/* Counts one entry and hands it over with the canonical form of 'value', or
 * refuses it. */
void indicator_reading_add(struct indicator_reading *r, uint32_t line,
			   const struct indicator *i, struct view value);
void indicator_reading_refuse(struct indicator_reading *r, uint32_t line,
			      const char *id, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void indicator_reading_doubt(struct indicator_reading *r, uint32_t line,
			     const char *id, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

void indicator_read_text(struct indicator_reading *r, struct view data);
void indicator_read_stix(struct indicator_reading *r, const json_t *bundle);
void indicator_read_misp(struct indicator_reading *r, const json_t *event);

/* Words that several formats share. */

/* "critical" and "high" 1, "medium" 2, "low" 3, "info" 4, or 1 to 255;
 * 0: neither. */
uint8_t indicator_severity(struct view word);
/* "TA0011", or ATT&CK's name of it ("command-and-control"), to the id;
 * NULL when it is neither. */
const char *indicator_tactic(struct view word);
/* Joins 't' to the marking of 'i', or makes it the first. */
void indicator_mark(struct indicator *i, enum tlp t);

/* The string member 'key', or "" when there is none. */
const char *ioc_json_text(const json_t *object, const char *key);

#endif
