/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_state.h - what rules remember of a flow and of a transaction
 *
 * Flowbits, flow variables, rules whose literal was seen but which are not
 * complete yet, and what has alerted already.
 *
 * Place    above rule_prog.h; below rule_match.
 * Threads  the worker that owns the flow.
 * Memory   the worker's pool; every list has a fixed bound, and a full one is
 *          counted by the caller.
 * Reload   rules stand here by their uid, flowbits and variables by numbers
 *          that a later set inherits: all of it outlives its ruleset.
 * Cost     nothing for flows that no rule remembers anything of.
 */
#ifndef RULES_RULE_STATE_H
#define RULES_RULE_STATE_H

#include "rules/rule_prog.h"

#define STATE_ONCE 32 /* rules that speak once a flow */
#define STATE_PENDING 32 /* a direction */
#define STATE_SPOKEN 16 /* rules of a stream whose last alert is remembered */
#define STATE_TX 1024 /* rules a transaction */

struct state_pending {
	uint64_t end; /* stream offset that was the window's end */
	uint64_t tried; /* end of the window at the last try */
	uint32_t uid;
	uint8_t tries;
	/* of a rule on packets as well: its chunk is complete, and whether its
	 * literal came once more, behind that chunk */
	bool due, again;
};

/* A rule alerted on stream bytes up to 'end': they are used up for it. */
struct state_spoken {
	uint64_t end;
	uint32_t uid;
	uint8_t dir;
};

/*
 * Stretches of the stream in which a literal that a rule cannot do without was
 * looked for in vain: while the rule waits only what came since is searched.
 * When they are full the oldest goes, which costs a search and no alert.
 */
struct state_dry {
	uint64_t begin;
	uint32_t len;
	uint32_t key; /* of rule and direction; 0: none */
};

#define STATE_DRY 7
struct state_dries {
	struct state_dry v[STATE_DRY];
	uint32_t next;
	/* The set of rules that noted them: under the same number another one
	 * may look for another literal. */
	uint32_t set;
};

struct rule_flow {
	uint64_t *bits;
	uint32_t *ints; /* values; 'ints_set' says which exist */
	uint64_t *ints_set;
	uint32_t n_bit_words, n_ints;
	struct notes *notes; /* NULL: none yet */
	struct state_dries *dries; /* NULL: none yet */
	bool pass, pass_packet;
	uint8_t n_once, n_pending[2];
	uint32_t once[STATE_ONCE];
	struct state_pending *pending[2]; /* STATE_PENDING each */
	uint8_t n_spoken, next_spoken;
	struct state_spoken spoken[STATE_SPOKEN]; /* oldest is replaced */
};

struct state_list {
	uint32_t *v;
	uint32_t n, cap;
};

struct rule_tx {
	uint64_t *bits; /* RULE_MAX_TX_BITS, or NULL: none is set */
	struct state_list alerted, pending;
	struct state_dries *dries; /* NULL: none yet */
	struct state_list met; /* raw bytes held, or one half of a "=>" rule */
};

/* The flow's state, made when 'make'; NULL otherwise or when the pool is
 * empty. */
struct rule_flow *state_flow(const struct inspect *in, bool make);
struct rule_tx *state_tx(const struct inspect *in, bool make);
/* The same of one file. */
struct rule_tx *state_file(const struct inspect *in,
			   const struct inspect_file *f, bool make);

bool state_bit(const struct rule_flow *f, uint32_t id);
/* 'n' is how many bits the set has in all; false when the pool is empty. */
bool state_bit_change(struct rule_flow *f, enum bit_cmd cmd, uint32_t id,
		      uint32_t n, struct pool *pool);
bool state_int(const struct rule_flow *f, uint32_t var, uint32_t *out);
bool state_int_change(struct rule_flow *f, const struct int_op *op, uint32_t n,
		      struct pool *pool);

/* The flow's notes, made when there are none; NULL when the pool is empty. */
struct notes *state_notes(struct rule_flow *f, struct pool *pool);

bool state_has(const uint32_t *v, uint32_t n, uint32_t uid);
/* False when the list is full or the pool is. */
bool state_add(struct state_list *l, uint32_t uid, struct pool *pool);
/* The transaction's bits that 'p' asks for; what it changes in them (false
 * when the pool is empty). */
bool state_tx_bits_ok(const struct rule_tx *t, const struct rule_prog *p);
bool state_tx_bits_change(struct rule_tx *t, const struct rule_prog *p,
			  struct pool *pool);
/* What 'set' noted of its 'uid'; NULL when that is nothing. */
const struct state_dry *state_dry_find(const struct state_dries *d,
				       uint32_t set, enum inspect_dir dir,
				       uint32_t uid);
/* Where 'set' may note it; what another set noted is forgotten.  NULL when the
 * pool is empty. */
struct state_dries *state_dries_of(struct state_dries **d, uint32_t set,
				   struct pool *pool);
/* Notes that bytes [begin, end) of the stream lack the rule's literal. */
void state_dry_note(struct state_dries *d, enum inspect_dir dir, uint32_t uid,
		    uint64_t begin, uint64_t end);
/* Stream offset behind the last alert of 'uid'; 0 if not remembered. */
uint64_t state_spoken_end(const struct rule_flow *f, enum inspect_dir dir,
			  uint32_t uid);
void state_speak(struct rule_flow *f, enum inspect_dir dir, uint32_t uid,
		 uint64_t end);
/* 'end': where the window ended that held the literal. */
bool state_pend(struct rule_flow *f, enum inspect_dir dir, uint32_t uid,
		uint64_t end, struct pool *pool);
void state_unpend(struct rule_flow *f, enum inspect_dir dir, uint32_t uid);
/* Whether 'uid' waited for its chunk, which is complete; waits no more. */
bool state_due(struct rule_flow *f, enum inspect_dir dir, uint32_t uid);

#endif
