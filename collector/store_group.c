/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of alerts and the timeline: summed up in memory over a transaction,
 * so that the tables are touched once for a group and not once for an alert.
 */
#include "collector/store_state.h"

#include <stdlib.h>

#include "common/clock.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool
same_key(const struct store_group_key *a, const struct store_group_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* What is remembered of the group from earlier transactions; or NULL. */
static const struct store_known_group *
known_of(const struct store *s, const struct store_group_sum *g)
{
	const struct store_known_group *k =
		&s->known[g->hash % STORE_KNOWN_GROUPS];

	return k->id != 0 && same_key(&k->key, &g->key) ? k : NULL;
}

/* ------------------------------------------------------- to the tables */

static int
by_key(const void *x, const void *y)
{
	const struct store_order *a = x, *b = y;

	return a->by < b->by ? -1 : a->by > b->by;
}

/* Numbers of the groups that the table has, of those in s->order; they are
 * looked for in the order of its index. */
static enum err
find_groups(struct store *s)
{
	sqlite3_stmt *st = s->st[ST_GROUPS_FIND];
	int rc;

	qsort(s->order, s->n_order, sizeof(*s->order), by_key);
	/* Two groups may share a hash. */
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_group_sum *g =
			&s->groups[sqlite3_column_int64(st, 0)];
		struct store_group_key key = {
			sqlite3_column_int64(st, 2),
			sqlite3_column_int64(st, 3),
			sqlite3_column_int64(st, 4),
			sql_addr(st, 5),
			sql_addr(st, 6),
		};

		if (same_key(&key, &g->key)) {
			g->id = sqlite3_column_int64(st, 1);
		}
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Every group gets its number: the table's, or the next one. */
static enum err
number_groups(struct store *s)
{
	enum err e = ERR_OK;

	s->n_order = 0;
	for (size_t i = 0; i < s->n_groups; i++) {
		struct store_group_sum *g = &s->groups[s->used[i]];

		const struct store_known_group *k = known_of(s, g);

		g->id = k != NULL ? k->id : 0;
		if (g->id == 0) {
			s->order[s->n_order++] =
				(struct store_order){ (int64_t)g->hash,
						      s->used[i] };
		}
	}
	if (s->n_order > 0) {
		e = find_groups(s);
	}
	for (size_t i = 0; i < s->n_groups && e == ERR_OK; i++) {
		struct store_group_sum *g = &s->groups[s->used[i]];

		g->is_new = g->id == 0;
		g->id = g->is_new ? s->next_group++ : g->id;
		s->known[g->hash % STORE_KNOWN_GROUPS] =
			(struct store_known_group){
				g->key, g->id, g->described || g->src_info != 0
			};
		s->order[i] = (struct store_order){ g->id, s->used[i] };
	}
	return e;
}

/* In the order of the tables, so that each of their pages is met once. */
static enum err
put_groups(struct store *s)
{
	enum err e = number_groups(s);

	if (e != ERR_OK) {
		return e;
	}
	s->n_order = s->n_groups;
	qsort(s->order, s->n_order, sizeof(*s->order), by_key);
	e = sql_run(s->st[ST_GROUPS_PUT], "");
	return e == ERR_OK ? sql_run(s->st[ST_LISTS_PUT], "") : e;
}

static enum err
put_minutes(struct store *s)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < STORE_MINUTE_SLOTS && s->n_minutes > 0; i++) {
		struct store_minute_sum *m = &s->minutes[i];

		if (m->count == 0) {
			continue;
		}
		if (e == ERR_OK) {
			e = sql_run(s->st[ST_MINUTE], "iiidu", m->minute,
				    m->site, m->exercise, (int)m->severity,
				    m->count);
			s->minute_rows++;
		}
		m->count = 0;
		s->n_minutes--;
	}
	return e;
}

enum err
store_groups_flush(struct store *s)
{
	enum err e = s->n_groups > 0 ? put_groups(s) : ERR_OK;

	if (e == ERR_OK) {
		e = put_minutes(s);
	}
	store_groups_clear(s);
	return e;
}

void
store_groups_clear(struct store *s)
{
	for (size_t i = 0; i < s->n_groups; i++) {
		s->groups[s->used[i]].count = 0;
	}
	s->n_groups = 0;
	s->n_postings = 0;
	s->newest = NULL;
	if (s->n_minutes > 0) {
		memset(s->minutes, 0, STORE_MINUTE_SLOTS * sizeof(*s->minutes));
		s->n_minutes = 0;
	}
}

/* ---------------------------------------------------------- one alert more */

static void
add_posting(struct store *s, struct store_group_sum *g)
{
	int64_t frame = s->frame.id;

	if (g->last_posting != 0 &&
	    s->postings[g->last_posting - 1].frame == frame) {
		return;
	}
	s->postings[s->n_postings++] = (struct store_posting){ .frame = frame };
	if (g->last_posting != 0) {
		s->postings[g->last_posting - 1].next = s->n_postings;
	} else {
		g->first_posting = s->n_postings;
	}
	g->last_posting = s->n_postings;
}

/* The sum for 'key', found or made; there is room (store_frame_begin()). */
static struct store_group_sum *
group_of(struct store *s, const struct store_group_key *key)
{
	uint64_t h = store_group_hash(key);
	size_t slot = h >> 20 & (STORE_GROUP_SLOTS - 1);
	const struct store_known_group *known;
	struct store_group_sum *g;

	for (;; slot = (slot + 1) & (STORE_GROUP_SLOTS - 1)) {
		g = &s->groups[slot];
		if (g->count == 0) {
			break;
		}
		if (g->hash == h && same_key(&g->key, key)) {
			return g;
		}
	}
	*g = (struct store_group_sum){ .key = *key,
				       .hash = h,
				       .first_us = UINT64_MAX };
	known = known_of(s, g);
	g->described = known != NULL && known->described;
	s->used[s->n_groups++] = (uint32_t)slot;
	return g;
}

static enum err
add_minute(struct store *s, const struct alert *a, int64_t exercise)
{
	struct store_minute_sum m = { (int64_t)(a->timestamp_us /
						(60 * US_PER_S)),
				      s->frame.site, exercise, 1, a->severity };
	size_t slot = XXH3_64bits(&m, 24) % STORE_MINUTE_SLOTS;

	for (;; slot = (slot + 1) % STORE_MINUTE_SLOTS) {
		struct store_minute_sum *t = &s->minutes[slot];

		if (t->count == 0) {
			*t = m;
			s->n_minutes++;
			break;
		}
		if (t->minute == m.minute && t->site == m.site &&
		    t->exercise == m.exercise && t->severity == m.severity) {
			t->count++;
			return ERR_OK;
		}
	}
	return s->n_minutes >= STORE_MINUTE_SLOTS / 4 * 3 ? put_minutes(s)
							  : ERR_OK;
}

static enum err
exercise_of(struct store *s, struct view name, int64_t *id)
{
	enum err e;

	if (s->exercise_id != 0 && s->exercise_len == name.len &&
	    (name.len == 0 || memcmp(s->exercise, name.p, name.len) == 0)) {
		*id = s->exercise_id;
		return ERR_OK;
	}
	e = store_name_id(
		s,
		name.len <= STORE_NAME_LEN ? name : VIEW_LIT(STORE_NAME_OTHER),
		STORE_NAME_OTHER, id);
	if (e == ERR_OK && name.len <= sizeof(s->exercise)) {
		if (name.len != 0) {
			memcpy(s->exercise, name.p, name.len);
		}
		s->exercise_len = name.len;
		s->exercise_id = *id;
	}
	return e;
}

enum err
store_group_alert(struct store *s, const struct alert *a, int64_t id)
{
	struct store_group_key key = { .site = s->frame.site,
				       .src = a->src,
				       .dst = a->dst };
	struct store_group_sum *g;
	enum err e = store_signature_id(s, a, &key.signature);

	if (e == ERR_OK) {
		e = exercise_of(s, a->exercise, &key.exercise);
	}
	if (e != ERR_OK) {
		return e;
	}
	g = group_of(s, &key);
	g->count++;
	g->first_us = MIN(g->first_us, a->timestamp_us);
	g->last_us = MAX(g->last_us, a->timestamp_us);
	g->last_alert = id;
	if (a->severity != 0 &&
	    (g->severity == 0 || a->severity < g->severity)) {
		g->severity = a->severity;
	}
	add_posting(s, g);
	s->newest = g;
	return add_minute(s, a, key.exercise);
}
