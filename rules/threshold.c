/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/threshold.h"

#include <stdlib.h>

#include "common/clock.h"
#include "rules/keyhash.h"

/*
 * Entries lie in one array and on one list by time of last use.  An index of
 * open addressing, at most half full, leads from key to entry; deletion moves
 * later entries back, so that probe runs stay short however long it lives.
 */
#define NONE UINT32_MAX
#define MAX_ENTRIES ((size_t)1 << 28)
#define FOR_EVER UINT64_MAX

/* All bytes are compared and hashed: no holes, unused fields are zero. */
struct entry_key {
	struct addr a, b;
	uint64_t flow_id;
	uint32_t gid, sid; /* a new revision goes on with the count */
	uint8_t type, track;
	uint8_t zero[6];
};
STATIC_ASSERT(sizeof(struct entry_key) == 56, "hashed whole");

struct entry {
	struct entry_key key;
	uint64_t end_us; /* the period's last microsecond; 0: none began */
	uint64_t until_us; /* THRESHOLD_RATE: the new action's last one */
	uint64_t next; /* THRESHOLD_BACKOFF: the count that alerts */
	uint32_t count;
	uint32_t hash;
	uint32_t older, newer;
};

STATIC_ASSERT(sizeof(struct entry) + 4 * sizeof(uint32_t) <=
		      THRESHOLD_ENTRY_BYTES,
	      "the index has up to four places for each");

struct threshold_table {
	struct keyhash hash;
	struct entry *entries;
	uint32_t n, max;
	uint32_t *index; /* entry numbers or NONE */
	uint32_t mask;
	uint32_t oldest, newest;
	uint64_t suppressed, evicted;
};

struct threshold_table *
threshold_table_new(size_t max_entries)
{
	struct threshold_table *t;
	size_t cap = 8;

	if (max_entries == 0 || max_entries > MAX_ENTRIES) {
		return NULL;
	}
	while (cap < 2 * max_entries) {
		cap *= 2;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->entries = calloc(max_entries, sizeof(*t->entries));
	t->index = malloc(cap * sizeof(*t->index));
	if (t->entries == NULL || t->index == NULL ||
	    keyhash_init(&t->hash) != ERR_OK) {
		threshold_table_free(t);
		return NULL;
	}
	memset(t->index, 0xff, cap * sizeof(*t->index));
	t->mask = (uint32_t)cap - 1;
	t->max = (uint32_t)max_entries;
	t->oldest = t->newest = NONE;
	return t;
}

void
threshold_table_free(struct threshold_table *t)
{
	if (t != NULL) {
		free(t->entries);
		free(t->index);
		free(t);
	}
}

static void
list_remove(struct threshold_table *t, uint32_t i)
{
	struct entry *e = &t->entries[i];

	if (e->older != NONE) {
		t->entries[e->older].newer = e->newer;
	} else {
		t->oldest = e->newer;
	}
	if (e->newer != NONE) {
		t->entries[e->newer].older = e->older;
	} else {
		t->newest = e->older;
	}
}

static void
list_push(struct threshold_table *t, uint32_t i)
{
	struct entry *e = &t->entries[i];

	e->older = t->newest;
	e->newer = NONE;
	if (t->newest != NONE) {
		t->entries[t->newest].newer = i;
	} else {
		t->oldest = i;
	}
	t->newest = i;
}

/* The index position of 'key', or the free one where it belongs. */
static uint32_t
index_find(const struct threshold_table *t, const struct entry_key *key,
	   uint32_t hash)
{
	uint32_t pos = hash & t->mask;

	while (t->index[pos] != NONE) {
		const struct entry *e = &t->entries[t->index[pos]];

		if (e->hash == hash &&
		    memcmp(&e->key, key, sizeof(*key)) == 0) {
			break;
		}
		pos = (pos + 1) & t->mask;
	}
	return pos;
}

static void
index_remove(struct threshold_table *t, uint32_t i)
{
	uint32_t hole = t->entries[i].hash & t->mask;
	uint32_t pos;

	while (t->index[hole] != i) {
		hole = (hole + 1) & t->mask;
	}
	pos = hole;
	for (;;) {
		uint32_t home;

		pos = (pos + 1) & t->mask;
		if (t->index[pos] == NONE) {
			break;
		}
		home = t->entries[t->index[pos]].hash & t->mask;
		/* Moves back unless its home lies after the hole. */
		if (((pos - home) & t->mask) >= ((pos - hole) & t->mask)) {
			t->index[hole] = t->index[pos];
			hole = pos;
		}
	}
	t->index[hole] = NONE;
}

/* A fresh entry: a new one, or the longest idle, whose count is lost. */
static uint32_t
entry_take(struct threshold_table *t, uint64_t ts_us)
{
	uint32_t i;

	if (t->n < t->max) {
		return t->n++;
	}
	i = t->oldest;
	if (t->entries[i].end_us >= ts_us) {
		t->evicted++;
	}
	index_remove(t, i);
	list_remove(t, i);
	return i;
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
	uint32_t hash = (uint32_t)keyhash(&t->hash, view_of(key, sizeof(*key)));
	uint32_t pos = index_find(t, key, hash);
	uint32_t i = t->index[pos];
	struct entry *e;

	if (i == NONE) {
		i = entry_take(t, ts_us);
		e = &t->entries[i];
		e->key = *key;
		e->hash = hash;
		e->end_us = e->until_us = e->next = 0;
		e->count = 0;
		/* An eviction may have moved the free position. */
		t->index[index_find(t, key, hash)] = i;
	} else {
		e = &t->entries[i];
		list_remove(t, i);
	}
	list_push(t, i);
	if (e->end_us == 0 || ts_us > e->end_us) {
		e->end_us =
			period_us == FOR_EVER ? FOR_EVER : ts_us + period_us;
		e->count = 0;
	}
	if (e->count < UINT32_MAX) {
		e->count++;
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
	if (e->count < e->next) {
		return false;
	}
	/* both are below 2^32 while the count can still be reached */
	e->next = (uint64_t)MIN(e->next, (uint64_t)UINT32_MAX) *
		  MAX(th->multiplier, 1u);
	if (th->multiplier <= 1) {
		e->next = (uint64_t)e->count + 1;
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
		e->count = 1;
	}
	if (e->count <= th->count) {
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
		/* A count of 0 is as 1: the first match always alerts. */
		return e->count <= MAX(th->count, 1);
	case THRESHOLD_THRESHOLD:
		if (e->count < th->count) {
			return false;
		}
		e->count = 0;
		return true;
	case THRESHOLD_BOTH:
		return e->count == th->count;
	case THRESHOLD_DETECTION:
		return e->count > th->count;
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
