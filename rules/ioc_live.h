/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_live.h - indicators that come and go while packets are matched
 *
 * One thread changes the set, any number look things up at the same time and
 * wait for nobody.  A change is one record written beside the others and one
 * slot of a hash table that points to it; nothing is built anew but, now and
 * then, one of IOC_LIVE_SHARDS parts that ran full.  What a reader may still
 * see is freed when all have left since (epochs).
 *
 *   writer   ioc_live_arm(), ioc_live_disarm(), in any order, at any time;
 *            ioc_live_begin() ... ioc_live_sweep() around a whole set anew
 *   reader   ioc_live_enter(), look-ups, ioc_live_leave(), for one packet or
 *            transaction; what was found stays good until the next enter
 *
 * All look-ups are by hash: a name by each of its label suffixes, an address
 * also by each prefix length in use.  The larger the set, the same.
 *
 * Place    above ioc_set.h (whose struct ioc it gives) and indicator.h; below
 *          rule_match.
 * Threads  one writer at a time; a reader is one thread's.
 * Memory   heap: 12 bytes an indicator and its value and id; what indicators
 *          have in common is kept once.  A reader: 150 KB.
 * Cost     a look-up: as ioc_set.h, and one atomic exchange an enter.  A
 *          change: below 1 us, some ms when a part runs full.
 */
#ifndef RULES_IOC_LIVE_H
#define RULES_IOC_LIVE_H

#include "common/indicator.h"
#include "rules/ioc_set.h"

#define IOC_LIVE_SHARDS 256
#define IOC_LIVE_READERS 256
#define IOC_LIVE_FOUND 16 /* hits of one packet or transaction */

struct ioc_live;
struct ioc_live_reader;

/* --- the writer --- */

struct ioc_live *ioc_live_new(void); /* NULL without memory */
/* There are no readers any more. */
void ioc_live_free(struct ioc_live *l);
/*
 * Puts an indicator in, in place of that of the same kind and value.
 * ERR_FORMAT with diag: no value of its kind; ERR_USAGE with diag: a kind that
 * is not looked for here; ERR_NOMEM: the former one stays.
 */
enum err ioc_live_arm(struct ioc_live *l, const struct indicator *i,
		      struct diag *d) MUST_CHECK;
/* Kinds (a bit each) that are not looked for here: they are refused. */
void ioc_live_skip(struct ioc_live *l, uint32_t kinds);
/* Takes it out; whether it was there. */
bool ioc_live_disarm(struct ioc_live *l, enum indicator_kind kind,
		     const char *value);
/* What is not armed again from here on to the sweep goes with it. */
void ioc_live_begin(struct ioc_live *l);
/* How many went. */
uint64_t ioc_live_sweep(struct ioc_live *l);
/* Frees what no reader can see any more; done by each change as well. */
void ioc_live_reclaim(struct ioc_live *l);

/* How far a walk over all came; zeroed to begin with. */
struct ioc_live_walk {
	uint32_t shard, slot, built;
};
/*
 * The next that is armed, but for its confidence, which is not kept; false:
 * that was all.  What comes or goes between two calls may be missed; all that
 * stays is given, once or more.  'out' is good until the next change.
 */
bool ioc_live_next(const struct ioc_live *l, struct ioc_live_walk *w,
		   struct indicator *out);

/* --- by any thread --- */

uint64_t ioc_live_count(const struct ioc_live *l);
/* Grows with each change that made a difference; the writer's thread. */
uint64_t ioc_live_changes(const struct ioc_live *l);
size_t ioc_live_memory(const struct ioc_live *l); /* bytes */

/* --- readers --- */

/* NULL: no memory, or IOC_LIVE_READERS are there. */
struct ioc_live_reader *ioc_live_reader_new(struct ioc_live *l);
void ioc_live_reader_free(struct ioc_live_reader *r);
/* False: the set is empty, and was not entered. */
bool ioc_live_enter(struct ioc_live_reader *r) MUST_CHECK;
void ioc_live_leave(struct ioc_live_reader *r);
/* Hits that found no room, since it was made. */
uint64_t ioc_live_lost(const struct ioc_live_reader *r);
bool ioc_live_has(const struct ioc_live_reader *r, enum ioc_type type);

/*
 * As those of ioc_set.h.  The same indicator gives the same pointer until the
 * next enter.
 */
const struct ioc *ioc_live_addr(struct ioc_live_reader *r, const struct addr *a,
				uint64_t now_us);
const struct ioc *ioc_live_domain(struct ioc_live_reader *r, struct view name,
				  uint64_t now_us);
const struct ioc *ioc_live_url(struct ioc_live_reader *r, struct view host,
			       struct view uri, uint64_t now_us);
const struct ioc *ioc_live_text(struct ioc_live_reader *r, enum ioc_type type,
				struct view text, uint64_t now_us);

/* Bit per enum inspect_buf that look-ups may be asked of. */
void ioc_live_needed(uint64_t needed[2]);

#endif
