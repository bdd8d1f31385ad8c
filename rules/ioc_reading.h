/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_reading.h - what the readers of the single formats share
 *
 * Place    between ioc_load.c and the formats: ioc_text.c, ioc_stix.c,
 *          ioc_misp.c; nobody else includes it.
 * Threads  one reading, one thread.
 * Memory   refusals are copied into the report.
 * Cost     cold.
 */
#ifndef RULES_IOC_READING_H
#define RULES_IOC_READING_H

#include <jansson.h>

#include "rules/ioc_load.h"

struct ioc_reading {
	struct ioc_set *set;
	struct ioc_load_report *report;
	const char *file; /* as named by the user */
	const char *source; /* its last path component */
	bool nomem; /* stop: the account is no longer complete */
};

/* Counts one entry and adds it to the set, or refuses it. */
void ioc_reading_add(struct ioc_reading *r, uint32_t line,
		     const struct ioc_note *note, struct view value);
void ioc_reading_refuse(struct ioc_reading *r, uint32_t line, const char *id,
			const char *fmt, ...) PRINTF_LIKE(4, 5);

void ioc_read_text(struct ioc_reading *r, struct view data);
void ioc_read_stix(struct ioc_reading *r, const json_t *bundle);
void ioc_read_misp(struct ioc_reading *r, const json_t *event);

/* Words that several formats share. */

/* "critical" and "high" 1, "medium" 2, "low" 3, "info" 4, or 1 to 255;
 * 0: neither. */
uint8_t ioc_severity(struct view word);
/* "tlp:" may lead, "white" is "clear"; NULL when there is no such marking. */
const char *ioc_tlp(struct view word);
/* The more restrictive of two, either of which may be NULL. */
const char *ioc_tlp_stricter(const char *a, const char *b);
/* "TA0011", or ATT&CK's name of it ("command-and-control"), to the id;
 * NULL when it is neither. */
const char *ioc_tactic(struct view word);

/* The string member 'key', or "" when there is none. */
const char *ioc_json_text(const json_t *object, const char *key);

#endif
