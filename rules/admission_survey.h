/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission_survey.h - what the parts of a report share while it is made
 *
 * Place    between admission.h and the admission*.c files; nobody else's.
 * Threads  one.
 * Memory   the survey's maker's; notes are the report's.
 * Cost     cold.
 */
#ifndef RULES_ADMISSION_SURVEY_H
#define RULES_ADMISSION_SURVEY_H

#include "rules/admission.h"
#include "rules/ruleset_db.h"

struct survey {
	struct admission *a;
	const struct ruleset *rs;
	const struct conf *conf;
	uint64_t *set_bits, *asked_bits; /* flowbits, by number */
	uint64_t *set_shared, *asked_shared; /* xbits and hostbits */
	uint32_t cap_notes, cap_techniques;
	bool failed; /* out of memory */
};

/* Notes of a rule; 'rule' is not NULL. */
void admission_note(struct survey *s, const struct rule *rule,
		    enum admission_kind kind, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* The same of a line of a settings' file. */
void admission_note_line(struct survey *s, const struct unmet_line *line);

/* admission_state.c: names that no rule, file or setting gives a meaning. */
void admission_look_at_names(struct survey *s);

static inline void
survey_mark(uint64_t *set, uint32_t id)
{
	set[id / 64] |= UINT64_C(1) << (id % 64);
}

static inline bool
survey_has(const uint64_t *set, uint32_t id)
{
	return (set[id / 64] >> (id % 64) & 1) != 0;
}

#endif
