/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_terms.h - the part of STIX 2.1 patterns that names single values
 *
 * Understood are comparisons with =, IN and (addresses) ISSUBSET, joined by
 * OR, in one observation or several joined by OR.  Everything else is refused
 * by name, for half a pattern would match what its author did not mean.
 *
 * Place    above ioc_set.h; below ioc_stix.
 * Threads  pure.
 * Memory   the stack's.
 * Cost     one pass to check, one to report; no recursion.
 */
#ifndef COMMON_INDICATOR_TERMS_H
#define COMMON_INDICATOR_TERMS_H

#include "common/indicator.h"
#include "common/indicator_value.h"

/* One alternative; 'refusal' is "" when it can be matched. */
struct indicator_term {
	enum indicator_kind kind;
	char value[INDICATOR_VALUE_CAP];
	size_t len;
	char refusal[200];
};

/*
 * Calls 'fn' for each alternative in order.  ERR_FORMAT with diag, and no
 * call, when the pattern as a whole does not parse or is not understood.
 */
enum err indicator_terms_each(struct view pattern,
			      void (*fn)(void *arg,
					 const struct indicator_term *term),
			      void *arg, struct diag *d) MUST_CHECK;

#endif
