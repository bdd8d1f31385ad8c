/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_pattern_match.h - from what is inspected to the patterns that it meets
 *
 * Place    above ioc_set.h; below rule_match.
 * Threads  one worker's scratch; the set is read only.
 * Memory   all is reserved by ioc_matching_new(), about 100 KiB.
 * Cost     facts are gathered as far as any pattern asks for them.
 */
#ifndef RULES_IOC_PATTERN_MATCH_H
#define RULES_IOC_PATTERN_MATCH_H

#include "rules/inspect.h"
#include "rules/ioc_pattern_set.h"
#include "rules/ioc_set.h"

struct ioc_matching {
	struct ioc_run run;
	struct observation obs;
	struct ioc_pattern_hits hits;
};

struct ioc_matching *ioc_matching_new(void);
void ioc_matching_free(struct ioc_matching *m);

/*
 * Appends a hit for each pattern of 's' that 'in' satisfies: a flow's first
 * packet, or a transaction with its files.  Of a pattern that needs several
 * observations the hit has a claim, see shared_state.h.
 */
void ioc_pattern_match(const struct ioc_set *s, struct ioc_matching *m,
		       const struct inspect *in, struct rule_hits *out);
/* The same for a flow that ended, whose facts 'in' has. */
void ioc_pattern_match_end(const struct ioc_set *s, struct ioc_matching *m,
			   const struct inspect *in, struct rule_hits *out);

/* Bits of enum inspect_buf that patterns look at, added to 'needed', and of
 * enum inspect_digest which files' digests, which is returned. */
unsigned ioc_pattern_needed(const struct ioc_set *s, uint64_t needed[2]);

/* ioc_pattern_observe.c: what 'in' shows at that moment; 'file' is for
 * PATTERN_AT_FILE. */
void ioc_observe(struct observation *o, const struct ioc_pattern_set *s,
		 const struct inspect *in, enum pattern_moment at,
		 const struct inspect_file *file);

#endif
