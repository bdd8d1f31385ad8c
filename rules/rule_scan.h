/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_scan.h - literals that are looked for together
 *
 * A scan is one prefilter and, for each of its ids, the programs that the
 * literal makes candidates.  Where most programs are bound to a port or to an
 * application protocol there are several scans: one for each protocol, and of
 * all others one for each family of ends, so that the bytes of a flow meet
 * only literals that can matter to it.
 *
 * Place    above prefilter.h and header_index.h; below rule_group.
 * Threads  built by one thread, then read only.
 * Memory   heap; RULE_SCANS_PORTS prefilters and one a protocol at most.
 * Cost     building compiles a literal once for each scan that has it.
 */
#ifndef RULES_RULE_SCAN_H
#define RULES_RULE_SCAN_H

#include "rules/header_index.h"
#include "rules/order_set.h"
#include "rules/prefilter.h"
#include "rules/rule_prog.h"

/* Programs while they are gathered. */
struct rule_gather {
	const struct rule_prog **v;
	uint32_t n, cap;
};

bool rule_gather_add(struct rule_gather *g,
		     const struct rule_prog *p) MUST_CHECK;
/* Moves those that 'is' speaks of from 'from' to 'to', which is emptied. */
bool rule_gather_part(struct rule_gather *from, struct rule_gather *to,
		      bool (*is)(const struct rule_prog *p)) MUST_CHECK;

struct rule_scan {
	struct prefilter *prefilter; /* NULL: none */
	uint32_t n_ids;
	uint32_t *first; /* n_ids + 1: where an id's rules begin */
	uint32_t *orders; /* the programs, by id */
	struct order_set members; /* all of them */
	size_t longest;
	uint64_t reach; /* all of them end before this offset of the buffer */
};

/*
 * The literals of 'with', which is sorted by them: one id for each spelling
 * and place.  'placed': they are looked for where they may begin, not
 * anywhere.  'like': a scan that may have the same literals, or NULL.
 */
enum err rule_scan_build(struct rule_scan *s, const struct rule_scan *like,
			 struct rule_gather *with, bool placed,
			 struct diag *d) MUST_CHECK;
void rule_scan_fini(struct rule_scan *s);

#define RULE_SCANS_PORTS 24

/* Programs that are in the same scans. */
struct rule_scans_part {
	uint32_t in; /* bit per scan for ports */
	struct order_set members;
};

struct rule_scans {
	/* Programs of any protocol, for families of ends, by size; the last
	 * has all of them. */
	struct rule_scan ports[RULE_SCANS_PORTS];
	uint32_t n_ports;
	struct rule_scans_part *parts;
	uint32_t n_parts;
	struct rule_scan *app; /* by protocol, programs bound to it; or NULL */
};

/* Which of the programs bound to a protocol have scans of their own. */
enum rule_scans_apart {
	APART_NONE,
	APART_SURE, /* those that do not wait for the end of a chunk */
	APART_BOUND, /* all of them: packets do not wait */
};

/* 'with' is used up. */
enum err rule_scans_build(struct rule_scans *s, const struct rule_scans *like,
			  const struct header_index *h,
			  struct rule_gather *with, bool placed,
			  enum rule_scans_apart apart,
			  struct diag *d) MUST_CHECK;
void rule_scans_fini(struct rule_scans *s);
/* Calls 'fn' for every scan that there is. */
enum err rule_scans_each(const struct rule_scans *s,
			 enum err (*fn)(void *arg, const struct rule_scan *s),
			 void *arg) MUST_CHECK;

/* Of the programs of 's' that are in 'row', and in 'role' (NULL: all)... */
struct rule_scans_choice {
	/* ...the least of the scans for ports that has all; NULL: none is. */
	const struct rule_scan *ports;
	uint64_t apps; /* ...the protocols that have one, a bit each */
	uint32_t fit; /* bit per scan for ports that has all; 0: no program */
};

struct rule_scans_choice rule_scans_choose(const struct rule_scans *s,
					   const uint64_t *row,
					   const uint64_t *role);

/* The least of the scans for ports that has what 'a' and 'b' both need. */
const struct rule_scan *rule_scans_for_both(const struct rule_scans *s,
					    const struct rule_scans_choice *a,
					    const struct rule_scans_choice *b);

/*
 * rule_ports.c: which families of ends deserve a scan of their own?  Sets
 * in[i] of every program: bit per family that may need it.  Returns how many
 * families there are, less than RULE_SCANS_PORTS; fewer when out of memory.
 */
uint32_t rule_ports_families(const struct header_index *h,
			     const struct rule_prog *const *v, uint32_t n,
			     uint32_t *in);

#endif
