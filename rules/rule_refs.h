/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_refs.h - where a rule's references lead
 *
 * "reference:cve,2021-44228" is a kind and a place; the kind's prefix makes an
 * address of it.  Starts with the usual kinds; the setting
 * reference-config-file names a reference.config that adds and replaces.
 *
 * Place    above rule_text.
 * Threads  one thread, while rules load.
 * Memory   strings are the arena's.
 * Cost     cold.
 */
#ifndef RULES_RULE_REFS_H
#define RULES_RULE_REFS_H

#include "common/arena.h"
#include "common/conf.h"

struct rule_refs;

/* NULL with diag when a file that 'conf' names cannot be read or has a line
 * that is no reference. */
struct rule_refs *rule_refs_new(const struct conf *conf, struct arena *a,
				struct diag *d);
void rule_refs_free(struct rule_refs *r);

/* One line of such a file, trimmed: "config reference: KIND PREFIX". */
bool rule_refs_line(struct rule_refs *r, struct view line) MUST_CHECK;

/*
 * The address that 'place' of 'kind' stands for.  Of a kind that is not known
 * it is "KIND,PLACE", as written.  Lies in 'a'; NULL when that is full.
 */
const char *rule_refs_link(const struct rule_refs *r, struct arena *a,
			   struct view kind, struct view place);
/* Calls 'fn' for each kind that is known. */
void rule_refs_each(const struct rule_refs *r,
		    void (*fn)(void *arg, struct view kind, struct view prefix),
		    void *arg);

#endif
