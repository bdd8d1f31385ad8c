/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/threshold.h"

#include <stdlib.h>

#include "common/clock.h"
#include "rules/aged_table.h"

#define FOR_EVER UINT64_MAX

/* All bytes are compared and hashed: no holes, unused fields are zero. */
struct entry_key {
	struct addr a, b;
	uint64_t flow_id;
	uint32_t gid, sid; /* a new revision goes on with the count */
	uint8_t type, track, lane;
	uint8_t zero[5];
};
STATIC_ASSERT(sizeof(struct entry_key) == 56, "hashed whole");

struct entry {
	struct aged_entry aged; /* its count is of matches in the period */
	struct entry_key key;
	uint64_t end_us; /* the period's last microsecond; 0: none began */
	uint64_t until_us; /* THRESHOLD_RATE: the new action's last one */
	uint64_t next; /* THRESHOLD_BACKOFF: the count that alerts */
};
STATIC_ASSERT(offsetof(struct entry, key) == sizeof(struct aged_entry),
	      "the key follows");
STATIC_ASSERT(sizeof(struct entry) + AGED_INDEX_COST <= THRESHOLD_ENTRY_BYTES,
	      "what a table is sized by");

struct threshold_table {
	struct aged_table table; /* by time of last use */
	uint64_t suppressed, evicted;
	unsigned percent; /* threshold_set_percent() */
};

struct threshold_table *
threshold_table_new(size_t max_entries)
{
	struct threshold_table *t = calloc(1, sizeof(*t));

	if (t != NULL &&
	    !aged_table_init(&t->table, max_entries, sizeof(struct entry),
			     sizeof(struct entry_key))) {
		free(t);
		t = NULL;
	}
	if (t != NULL) {
		t->percent = 100;
	}
	return t;
}

void
threshold_set_percent(struct threshold_table *t, unsigned percent)
{
	t->percent = MAX(percent, 1U);
}

/* Alerts of a period that a limit lets through: at least one. */
static uint64_t
limit_of(const struct threshold_table *t, const struct rule_threshold *th)
{
	/* A count of 0 is as 1: the first match always alerts. */
	return MAX((uint64_t)MAX(th->count, 1U) * t->percent / 100,
		   UINT64_C(1));
}

/* Matches that make one alert, rounded up: at least one. */
static uint64_t
matches_of(const struct threshold_table *t, const struct rule_threshold *th)
{
	return MAX(((uint64_t)th->count * 100 + t->percent - 1) / t->percent,
		   UINT64_C(1));
}

void
threshold_table_free(struct threshold_table *t)
{
	if (t != NULL) {
		aged_table_fini(&t->table);
		free(t);
	}
}

static void
key_fill(struct entry_key *k, const struct rule *rule,
	 const struct rule_threshold *th, const struct threshold_key *key)
{
	memset(k, 0, sizeof(*k));
	k->gid = rule->gid;
	k->sid = rule->sid;
	k->type = (uint8_t)th->type;
	k->track = (uint8_t)th->track;
	k->lane = (uint8_t)key->lane;
	switch (th->track) {
	case TRACK_BY_SRC:
		k->a = key->src;
		break;
	case TRACK_BY_DST:
		k->a = key->dst;
		break;
	case TRACK_BY_BOTH:
		/* A pair is the same pair in both directions. */
		if (addr_cmp(&key->src, &key->dst) < 0) {
			k->a = key->src;
			k->b = key->dst;
		} else {
			k->a = key->dst;
			k->b = key->src;
		}
		break;
	case TRACK_BY_RULE:
		break;
	case TRACK_BY_FLOW:
		k->flow_id = key->flow_id;
		break;
	}
}

/*
 * The entry of this match, counted.  Periods begin at a match, not at a fixed
 * beat: the first match after a period's end begins the next one.
 */
static struct entry *
count_match(struct threshold_table *t, const struct entry_key *key,
	    uint64_t period_us, uint64_t ts_us)
{
	struct entry *e = aged_table_find(&t->table, key);

	if (e != NULL) {
		aged_table_touch(&t->table, e);
	} else {
		const struct entry *out = aged_table_next_out(&t->table);

		t->evicted += out != NULL && out->end_us >= ts_us;
		e = aged_table_add(&t->table, key);
	}
	if (e->end_us == 0 || ts_us > e->end_us) {
		e->end_us =
			period_us == FOR_EVER ? FOR_EVER : ts_us + period_us;
		e->aged.count = 0;
	}
	if (e->aged.count < UINT32_MAX) {
		e->aged.count++;
	}
	return e;
}

/* Alerts at counts c, c*m, c*m*m and so on. */
static bool
backoff(const struct rule_threshold *th, struct entry *e)
{
	if (e->next == 0) {
		e->next = th->count;
	}
	if (e->aged.count < e->next) {
		return false;
	}
	/* both are below 2^32 while the count can still be reached */
	e->next = (uint64_t)MIN(e->next, (uint64_t)UINT32_MAX) *
		  MAX(th->multiplier, 1u);
	if (th->multiplier <= 1) {
		e->next = (uint64_t)e->aged.count + 1;
	}
	return true;
}

/* Whether the rule keeps its own action. */
static bool
rate(const struct rule_threshold *th, struct entry *e, uint64_t ts_us)
{
	if (e->until_us >= ts_us && e->until_us != 0) {
		return !th->silent;
	}
	if (e->until_us != 0) {
		/* The new action's time is over: counting begins again. */
		e->until_us = 0;
		e->end_us = ts_us + th->seconds * US_PER_S;
		e->aged.count = 1;
	}
	if (e->aged.count <= th->count) {
		return true;
	}
	e->until_us =
		th->timeout == 0 ? FOR_EVER : ts_us + th->timeout * US_PER_S;
	return !th->silent;
}

static bool
passes(struct threshold_table *t, const struct rule *rule,
       const struct rule_threshold *th, const struct threshold_key *key,
       uint64_t ts_us)
{
	struct entry_key k;
	struct entry *e;

	key_fill(&k, rule, th, key);
	e = count_match(t, &k,
			th->seconds == 0 && th->type == THRESHOLD_BACKOFF
				? FOR_EVER
				: th->seconds * US_PER_S,
			ts_us);
	switch (th->type) {
	case THRESHOLD_LIMIT:
		return e->aged.count <= limit_of(t, th);
	case THRESHOLD_THRESHOLD:
		if (e->aged.count < matches_of(t, th)) {
			return false;
		}
		e->aged.count = 0;
		return true;
	case THRESHOLD_BOTH:
		return e->aged.count == matches_of(t, th);
	case THRESHOLD_DETECTION:
		return e->aged.count > th->count;
	case THRESHOLD_BACKOFF:
		return backoff(th, e);
	case THRESHOLD_RATE:
		return rate(th, e, ts_us);
	case THRESHOLD_NONE:
		break;
	}
	return true;
}

static bool
held(struct threshold_table *t, const struct rule *rule,
     const struct rule_threshold *th, const struct threshold_key *key,
     uint64_t ts_us)
{
	if (th->type == THRESHOLD_NONE || passes(t, rule, th, key, ts_us)) {
		return false;
	}
	t->suppressed++;
	return true;
}

enum threshold_verdict
threshold_check(struct threshold_table *t, const struct rule *rule,
		const struct threshold_key *key, uint64_t ts_us)
{
	/* What one holds back is no match to the next. */
	if (held(t, rule, &rule->rate_filter, key, ts_us)) {
		return THRESHOLD_BY_RATE;
	}
	if (held(t, rule, &rule->detection_filter, key, ts_us)) {
		return THRESHOLD_BY_FILTER;
	}
	if (held(t, rule, &rule->threshold, key, ts_us)) {
		return THRESHOLD_BY_LIMIT;
	}
	return THRESHOLD_PASS;
}

uint64_t
threshold_suppressed(const struct threshold_table *t)
{
	return t->suppressed;
}

uint64_t
threshold_evicted(const struct threshold_table *t)
{
	return t->evicted;
}
