/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact_names.h - the names of the map, found in a text
 *
 * A name is its words in lower case and what stands between them; blanks,
 * hyphens and underscores, however many, are one thing, for whoever writes of
 * "Base A" writes of "base-a" too, and lines are broken.
 *
 * Internal header: included by redact*.c only.
 *
 * Place    redact's own, above mission, redact_fold and redact_scan.
 * Threads  one.
 * Memory   a table of the names, once; the map is borrowed.
 * Cost     a lookup is bounded by the longest name.
 */
#ifndef COLLECTOR_REDACT_NAMES_H
#define COLLECTOR_REDACT_NAMES_H

#include "collector/mission.h"

struct redact_name {
	char *key;
	size_t len;
	unsigned what; /* bits of enum mission_name: all that are called so */
	/* Not above the marking of any of them; the map's. */
	const struct marking *mark;
};

struct redact_names;

enum err redact_names_new(struct redact_names **out,
			  const struct mission_map *map) MUST_CHECK;
void redact_names_free(struct redact_names *n);

/* The longest name that begins at text[at], where a word begins, and '*len' of
 * what it takes; NULL: none. */
const struct redact_name *redact_names_at(struct redact_names *n,
					  struct view text, size_t at,
					  size_t *len);

#endif
