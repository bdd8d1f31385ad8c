/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defrag_policy.h - which fragment a host believes
 *
 * Place    above conf.h, below defrag.h.
 * Threads  built once, read by its worker.
 * Memory   heap, at start only.
 * Cost     a look-up per datagram, through the networks configured.
 */
#ifndef SENSOR_DEFRAG_POLICY_H
#define SENSOR_DEFRAG_POLICY_H

#include "common/addr.h"
#include "common/conf.h"

/*
 * Who wins where a fragment overlaps earlier ones; by Novak, "Target-based
 * fragmentation reassembly" (2005).  The later fragment wins ...
 */
enum defrag_policy {
	DEFRAG_FIRST, /* never */
	DEFRAG_LAST, /* always */
	DEFRAG_BSD, /* where it begins before the earlier one */
	DEFRAG_BSD_RIGHT, /* where it does not begin before */
	DEFRAG_LINUX, /* where it begins before or with it */
	DEFRAG_WINDOWS, /* where it begins before and ends after */
	DEFRAG_SOLARIS, /* where it begins before and ends with or after */
};

struct defrag_policies;

/* Reads host-os-policy; 'conf' may be NULL.  NULL when out of memory. */
struct defrag_policies *defrag_policies_new(const struct conf *conf);
void defrag_policies_free(struct defrag_policies *p);

/* The policy of the most specific network 'dst' is in; BSD by default. */
enum defrag_policy defrag_policy_for(const struct defrag_policies *p,
				     const struct addr *dst);

/*
 * Whether a later fragment [start, end) takes the place of an earlier one
 * [e_start, e_end) where the two overlap.
 */
static inline bool
defrag_later_wins(enum defrag_policy policy, uint32_t start, uint32_t end,
		  uint32_t e_start, uint32_t e_end)
{
	switch (policy) {
	case DEFRAG_FIRST:
		return false;
	case DEFRAG_LAST:
		return true;
	case DEFRAG_BSD:
		return start < e_start;
	case DEFRAG_BSD_RIGHT:
		return start >= e_start;
	case DEFRAG_LINUX:
		return start <= e_start;
	case DEFRAG_WINDOWS:
		return start < e_start && end > e_end;
	case DEFRAG_SOLARIS:
		return start < e_start && end >= e_end;
	}
	return false;
}

#endif
