/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/consult.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/consult_rule.h"
#include "collector/situation.h"
#include "collector/store.h"
#include "collector/store_consult.h"
#include "tests/rnd.h"

#define MINUTE (UINT64_C(60) * 1000000)
#define START (UINT64_C(1700000000) * 1000000)

static const char *const owners[] = { "JP", "US", "AU", "NZ" };

#define STORE_DIR "/tmp/picket-consult-XXXXXX"

/* Made at the first time. */
static struct store *
open_store(char *dir)
{
	struct store *s = NULL;
	struct diag d = { "" };
	char path[128];

	if (strcmp(dir, STORE_DIR) == 0) {
		assert_non_null(mkdtemp(dir));
	}
	snprintf(path, sizeof(path), "%s/picket.db", dir);
	assert_int_equal(store_open(&s, path, &d), ERR_OK);
	return s;
}

static void
remove_dir(const char *dir)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(path, sizeof(path), "%s/picket.db%s", dir, tails[i]);
		unlink(path);
	}
	rmdir(dir);
}

static struct consult_event
event(enum consult_kind kind, const char *side, const struct consult_id *id)
{
	struct consult_event e;

	memset(&e, 0, sizeof(e));
	e.kind = kind;
	snprintf(e.side, sizeof(e.side), "%s", side);
	snprintf(e.who, sizeof(e.who), "somebody");
	if (id != NULL) {
		e.id = *id;
	}
	return e;
}

static void
add_side(struct consult_event *e, const char *owner)
{
	snprintf(e->sides[e->n_sides++], sizeof(e->sides[0]), "%s", owner);
}

static struct consult_id
open_one(sqlite3 *db, const char *a, const char *b, unsigned level,
	 int64_t incident, uint64_t now)
{
	struct consult_event e = event(CONSULT_OPEN, a, NULL);
	struct diag d = { "" };

	add_side(&e, a);
	if (b != NULL) {
		add_side(&e, b);
	}
	e.level = level;
	e.incident = incident;
	e.deadline_us = now + MINUTE;
	assert_int_equal(store_consult_say(db, &e, now, 0, &d), ERR_OK);
	return e.id;
}

static enum err
say(sqlite3 *db, struct consult_event e, uint64_t now)
{
	struct diag d = { "" };

	return store_consult_say(db, &e, now, 0, &d);
}

/* ------------------------------------------------- what an event brings */

static void
a_life(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id id = open_one(db, "JP", "US", 3, 7, START);
	struct consult_event e;
	struct consult c;

	(void)state;
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_string_equal(c.lead, "JP");
	assert_int_equal(c.incident, 7);
	assert_int_equal(consult_waiting(&c), 2);
	assert_int_equal(c.deadline_us, START + MINUTE);
	/* More serious: less time, and one more at the table. */
	e = event(CONSULT_RAISE, "JP", &id);
	e.level = 5;
	e.deadline_us = START + MINUTE / 2;
	add_side(&e, "AU");
	assert_int_equal(say(db, e, START + 1), ERR_OK);
	/* Who is not at the table says nothing. */
	assert_int_equal(say(db, event(CONSULT_ACK, "NZ", &id), START), ERR_OK);
	assert_int_equal(say(db, event(CONSULT_ACK, "US", &id), START + 2),
			 ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_int_equal(c.level, 5);
	assert_int_equal(c.n_sides, 3);
	assert_int_equal(consult_waiting(&c), 2);
	assert_int_equal(c.deadline_us, START + MINUTE / 2);
	assert_null(consult_side(&c, "NZ"));
	/* Only the lead hands over, and only to who is there. */
	e = event(CONSULT_HANDOVER, "US", &id);
	snprintf(e.about, sizeof(e.about), "US");
	assert_int_equal(say(db, e, START + 3), ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_string_equal(c.lead, "JP");
	snprintf(e.side, sizeof(e.side), "JP");
	assert_int_equal(say(db, e, START + 3), ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_string_equal(c.lead, "US");
	assert_true(c.by_hand);
	/* Who led no longer closes it. */
	assert_int_equal(say(db, event(CONSULT_CLOSE, "JP", &id), START + 4),
			 ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_false(c.closed);
	assert_int_equal(say(db, event(CONSULT_CLOSE, "US", &id), START + 5),
			 ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_true(c.closed);
	assert_int_equal(c.deadline_us, 0);
	/* Again: everybody is asked anew. */
	e = event(CONSULT_REOPEN, "JP", &id);
	e.deadline_us = START + 9 * MINUTE;
	assert_int_equal(say(db, e, START + 6), ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_false(c.closed);
	assert_int_equal(consult_waiting(&c), 3);
	assert_int_equal(c.deadline_us, START + 9 * MINUTE);
	store_close(s);
	remove_dir(dir);
}

static void
foreign_words(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id id = open_one(db, "JP", "US", 4, 7, START), found;
	struct consult_event e = event(CONSULT_ACK, "US", &id);
	struct store_consult_sums sums;
	struct diag d = { "" };
	struct consult c;
	bool fresh;

	(void)state;
	e.number = 1;
	e.clock = 2;
	e.at_us = START + 5;
	/* For another side, without a clock, and then well. */
	assert_int_equal(store_consult_apply(db, &e, "AU", &fresh, &d),
			 ERR_AUTH);
	e.clock = 0;
	assert_int_equal(store_consult_apply(db, &e, "US", &fresh, &d),
			 ERR_FORMAT);
	e.clock = 2;
	assert_int_equal(store_consult_apply(db, &e, "US", &fresh, &d), ERR_OK);
	assert_true(fresh);
	assert_int_equal(store_consult_apply(db, &e, "US", &fresh, &d), ERR_OK);
	assert_false(fresh);
	/* The same number for something else. */
	e.at_us++;
	assert_int_equal(store_consult_apply(db, &e, "US", &fresh, &d),
			 ERR_FORMAT);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_int_equal(consult_side(&c, "US")->acked_us, START + 5);
	/* A partner's number of an incident is not ours. */
	e = event(CONSULT_OPEN, "US", NULL);
	e.number = e.id.number = 2;
	snprintf(e.id.side, sizeof(e.id.side), "US");
	e.clock = 1;
	e.incident = 99;
	e.deadline_us = 1;
	add_side(&e, "US");
	assert_int_equal(store_consult_apply(db, &e, "US", &fresh, &d), ERR_OK);
	assert_int_equal(store_consult_of(db, 99, &found), ERR_NOTFOUND);
	assert_int_equal(store_consult_of(db, 7, &found), ERR_OK);
	assert_int_equal(found.number, id.number);
	/* It cannot talk itself into ours, only agree with who is in it. */
	e = event(CONSULT_MERGE, "AU", &id);
	e.number = 2;
	e.clock = 3;
	e.other = (struct consult_id){ .side = "AU", .number = 1 };
	assert_int_equal(store_consult_apply(db, &e, "AU", &fresh, &d), ERR_OK);
	e = event(CONSULT_OPEN, "AU", NULL);
	e.number = e.id.number = 1;
	snprintf(e.id.side, sizeof(e.id.side), "AU");
	e.clock = 1;
	add_side(&e, "AU");
	assert_int_equal(store_consult_apply(db, &e, "AU", &fresh, &d), ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_int_equal(c.n_sides, 2);
	e = event(CONSULT_MERGE, "JP", &id);
	e.other = (struct consult_id){ .side = "AU", .number = 1 };
	assert_int_equal(say(db, e, START), ERR_OK);
	assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
	assert_int_equal(c.n_sides, 3);
	assert_int_equal(store_consult_sums(db, &sums), ERR_OK);
	assert_int_equal(sums.refused, 3);
	assert_int_equal(sums.open, 2);
	store_close(s);
	remove_dir(dir);
}

/* Two of one matter: one table, one lead, and either incident leads there. */
static void
merged(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id x = open_one(db, "JP", NULL, 4, 7, START);
	struct consult_id y = open_one(db, "US", "AU", 5, 8, START + 1);
	struct consult_event e;
	struct consult_id found;
	struct store_consult_sums sums;
	struct consult c;

	(void)state;
	assert_int_equal(say(db, event(CONSULT_ACK, "AU", &y), START + 2),
			 ERR_OK);
	/* One side alone cannot, and both together can. */
	e = event(CONSULT_MERGE, "US", &y);
	e.other = x;
	e.incident = 8;
	assert_int_equal(say(db, e, START + 3), ERR_OK);
	assert_int_equal(store_consult_get(db, &x, &c), ERR_OK);
	assert_int_equal(c.n_sides, 1);
	e = event(CONSULT_MERGE, "JP", &x);
	e.other = y;
	e.incident = 8;
	assert_int_equal(say(db, e, START + 4), ERR_OK);
	assert_int_equal(store_consult_get(db, &y, &c), ERR_OK);
	assert_string_equal(c.id.side, "JP");
	assert_string_equal(c.lead, "JP");
	assert_int_equal(c.n_sides, 3);
	assert_int_equal(c.level, 5);
	assert_int_equal(c.incident, 8);
	assert_true(consult_side(&c, "AU")->acked);
	assert_int_equal(consult_waiting(&c), 2);
	assert_int_equal(store_consult_of(db, 8, &found), ERR_OK);
	assert_string_equal(found.side, "JP");
	assert_int_equal(store_consult_sums(db, &sums), ERR_OK);
	assert_int_equal(sums.open, 1);
	/* What is said to the one that went is said to the one that stays. */
	assert_int_equal(say(db, event(CONSULT_ACK, "US", &y), START + 5),
			 ERR_OK);
	assert_int_equal(say(db, event(CONSULT_CLOSE, "JP", &y), START + 6),
			 ERR_OK);
	assert_int_equal(store_consult_get(db, &x, &c), ERR_OK);
	assert_true(c.closed);
	assert_int_equal(consult_waiting(&c), 1);
	/* One that was open does not go under in one that was closed. */
	{
		struct consult_config cfg = consult_defaults;
		struct consult was_open = c, was_closed = c;

		was_open.closed = false;
		assert_false(consult_rule_merged(&cfg, &was_closed, &was_closed,
						 &c, START + 7, &e));
		assert_true(consult_rule_merged(&cfg, &was_closed, &was_open,
						&c, START + 7, &e));
	}
	assert_int_equal(say(db, e, START + 7), ERR_OK);
	assert_int_equal(store_consult_get(db, &x, &c), ERR_OK);
	assert_false(c.closed);
	assert_int_equal(consult_waiting(&c), 3);
	store_close(s);
	remove_dir(dir);
}

/* A partner that floods fills its own room. */
/* One who opens many and says that all are one is heard up to a bound. */
static void
crowded(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id first = open_one(db, "AU", NULL, 1, 0, START);
	struct consult_event *list = NULL;
	unsigned refused = 0;
	size_t n;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	for (unsigned i = 0; i < CONSULT_GROUP_MAX + 5; i++) {
		struct consult_id one = open_one(db, "AU", NULL, 1, 0, START);
		struct consult_event e = event(CONSULT_MERGE, "AU", &one);
		enum err err;

		e.other = first;
		err = say(db, e, START);
		assert_true(err == ERR_OK || err == ERR_LIMIT);
		refused += err == ERR_LIMIT;
	}
	assert_int_equal(refused, 6);
	assert_int_equal(store_consult_events(db, &first, &list, &n), ERR_OK);
	/* An opening each, and what makes it one with the first. */
	assert_int_equal(n, 2 * CONSULT_GROUP_MAX - 1);
	free(list);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	remove_dir(dir);
}

static void
bounded(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id id = open_one(db, "JP", "US", 4, 7, START);
	struct store_consult_sums sums;
	struct diag d = { "" };
	unsigned taken = 0;
	bool fresh;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	for (uint64_t i = 1; i <= CONSULT_OWN_EVENTS + 20; i++) {
		struct consult_event e = event(CONSULT_ACK, "US", &id);
		enum err err;

		e.number = i;
		e.clock = CONSULT_CLOCK_MAX;
		err = store_consult_apply(db, &e, "US", &fresh, &d);
		assert_true(err == ERR_OK || err == ERR_LIMIT);
		taken += err == ERR_OK;
	}
	assert_int_equal(taken, CONSULT_OWN_EVENTS);
	/* What is closed makes room for what is opened. */
	for (uint64_t i = 0; i < CONSULT_SIDE_OPENED + 5; i++) {
		struct consult_id one = open_one(db, "AU", NULL, 1, 0, START);

		assert_int_equal(
			say(db, event(CONSULT_CLOSE, "AU", &one), START),
			ERR_OK);
	}
	assert_int_equal(store_consult_sums(db, &sums), ERR_OK);
	assert_int_equal(sums.expired, 5);
	assert_int_equal(sums.closed, CONSULT_SIDE_OPENED);
	assert_int_equal(sums.refused, 20);
	/* Our own word still counts, though the clock is at its end. */
	assert_int_equal(say(db, event(CONSULT_ACK, "JP", &id), START), ERR_OK);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	remove_dir(dir);
}

/* --------------------------------------- the same log is the same state */

#define MAX_STATES 64

struct states {
	struct consult list[MAX_STATES];
	unsigned n;
};

static void
take_state(void *arg, const struct consult *c)
{
	struct states *s = arg;

	assert_true(s->n < MAX_STATES);
	s->list[s->n++] = *c;
}

static int
state_cmp(const void *x, const void *y)
{
	const struct consult *a = x, *b = y;
	int c = strcmp(a->id.side, b->id.side);

	return c != 0 ? c
		      : (a->id.number > b->id.number) -
				(a->id.number < b->id.number);
}

struct log {
	struct consult_event *list;
	size_t n, cap;
};

static void
take_event(void *arg, const struct consult_event *e)
{
	struct log *l = arg;

	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		l->list = realloc(l->list, l->cap * sizeof(*l->list));
		assert_non_null(l->list);
	}
	l->list[l->n++] = *e;
}

static void
read_states(sqlite3 *db, struct states *out)
{
	out->n = 0;
	assert_int_equal(store_consult_each(db, true, 1000, take_state, out),
			 ERR_OK);
	qsort(out->list, out->n, sizeof(out->list[0]), state_cmp);
}

static void
same_states(const struct states *a, const struct states *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->list, b->list, a->n * sizeof(a->list[0]));
}

/* Anything that may be said, sense or not. */
static void
say_something(sqlite3 *db, struct consult_id *ids, unsigned *n, uint64_t now)
{
	struct consult_event e;

	if (*n == 0 || (rnd(8) == 0 && *n < 12)) {
		ids[(*n)++] = open_one(db, owners[rnd(4)],
				       rnd(3) ? owners[rnd(4)] : NULL, rnd(6),
				       (int64_t)rnd(20) + 1, now);
		return;
	}
	e = event((enum consult_kind)(2 + rnd(CONSULT_KINDS - 2)),
		  owners[rnd(4)], &ids[rnd(*n)]);
	snprintf(e.about, sizeof(e.about), "%s", owners[rnd(4)]);
	e.other = ids[rnd(*n)];
	e.level = rnd(6);
	e.step = 1 + rnd(CONSULT_STEPS);
	e.deadline_us = now + rnd(5) * MINUTE;
	e.incident = rnd(2) ? (int64_t)rnd(20) + 1 : 0;
	if (rnd(2)) {
		add_side(&e, owners[rnd(4)]);
	}
	assert_int_equal(say(db, e, now), ERR_OK);
}

static void
shuffle(struct consult_event *e, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = rnd((uint32_t)i);
		struct consult_event t = e[i - 1];

		e[i - 1] = e[k];
		e[k] = t;
	}
}

/* Takes the list in, and the beginning of it again: each event by itself, or
 * some at a time, as a bundle has them. */
static void
hear_all(sqlite3 *db, const struct log *log, bool bundles)
{
	struct consult_id said[16];
	unsigned n_said = 0;

	for (size_t i = 0; i < log->n + 20; i++) {
		const struct consult_event *e = &log->list[i % log->n];
		struct diag d;
		bool fresh, later = false;

		assert_int_equal(bundles ? store_consult_take(db, e, e->side,
							      &fresh, &later,
							      &d)
					 : store_consult_apply(db, e, e->side,
							       &fresh, &d),
				 ERR_OK);
		assert_int_equal(fresh, i < log->n);
		if (later) {
			said[n_said++] = e->id;
		}
		if (n_said == ARRAY_LEN(said) || rnd(10) == 0) {
			assert_int_equal(
				store_consult_refresh_all(db, said, n_said),
				ERR_OK);
			n_said = 0;
		}
	}
	assert_int_equal(store_consult_refresh_all(db, said, n_said), ERR_OK);
}

/* In any order, with repeats, by two speakers or one: one state. */
static void
replays(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 25; round++) {
		char dir[] = STORE_DIR, dir2[] = STORE_DIR;
		struct store *s = open_store(dir), *s2 = open_store(dir2);
		struct states *x = calloc(3, sizeof(*x));
		struct consult_id ids[16];
		struct log log = { NULL, 0, 0 };
		unsigned n = 0;

		assert_non_null(x);
		assert_int_equal(store_begin(s), ERR_OK);
		for (unsigned i = 0; i < 60; i++) {
			say_something(store_db(s), ids, &n, START + i);
		}
		assert_int_equal(store_commit(s), ERR_OK);
		for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
			assert_int_equal(store_consult_since(store_db(s),
							     owners[i], 1, 1000,
							     take_event, &log),
					 ERR_OK);
		}
		assert_int_equal(log.n, 60);
		read_states(store_db(s), &x[0]);
		shuffle(log.list, log.n);
		assert_int_equal(store_begin(s2), ERR_OK);
		hear_all(store_db(s2), &log, round % 2 != 0);
		assert_int_equal(store_commit(s2), ERR_OK);
		read_states(store_db(s2), &x[1]);
		same_states(&x[0], &x[1]);
		shuffle(log.list, log.n);
		take_event(&log, &log.list[0]);
		assert_int_equal(
			consult_replay(log.list, log.n, take_state, &x[2]),
			ERR_OK);
		qsort(x[2].list, x[2].n, sizeof(x[2].list[0]), state_cmp);
		same_states(&x[0], &x[2]);
		free(log.list);
		free(x);
		store_close(s);
		store_close(s2);
		remove_dir(dir);
		remove_dir(dir2);
	}
}

/* ------------------------------------------------------- situations */

static int64_t
put_incident(struct store *s, const char *exercise, unsigned score,
	     uint64_t at_us, const char *keys, size_t n)
{
	struct store_incident_change c = {
		.exercise = exercise,
		.title = "x",
		.lead = "JP",
		.support = "",
		.score = score,
		.level = severity_level(score),
		.first_us = at_us,
		.last_us = at_us,
		.at_us = at_us,
		.summary = VIEW_LIT("{}"),
	};
	int64_t id = 0;

	assert_int_equal(store_incident_put(s, &c, &id), ERR_OK);
	assert_int_equal(situation_keep(store_db(s), id, view_of(keys, n)),
			 ERR_OK);
	return id;
}

#define PUT(s, exercise, score, at, keys) \
	put_incident(s, exercise, score, at, keys, sizeof(keys))

static void
three_sites_one_level_up(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct situation x;
	int64_t a, b, c, far;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	a = PUT(s, "", 50, START, "mair\0sone\0oJP");
	assert_int_equal(situation_of(db, a, &x), ERR_OK);
	assert_int_equal(x.n, 1);
	assert_int_equal(x.level, 3);
	/* A site or an owner in common is no reason. */
	far = PUT(s, "", 90, START, "msea\0sone\0oJP");
	/* Tied through b: a by a mission, c by a domain. */
	b = PUT(s, "", 40, START + 1, "mair\0kdomain x\0stwo\0oJP");
	c = PUT(s, "", 45, START + 2, "kdomain x\0sthree\0oJP");
	(void)PUT(s, "DRILL", 99, START, "mair\0sfour\0oUS");
	(void)PUT(s, "", 99, START + 3 * SITUATION_WINDOW_US,
		  "mair\0sfive\0oUS");
	assert_int_equal(situation_of(db, c, &x), ERR_OK);
	assert_int_equal(x.n, 3);
	assert_int_equal(x.id, a);
	assert_int_equal(x.incidents[2], c);
	assert_int_equal(x.n_sites, 3);
	assert_int_equal(x.n_owners, 1);
	assert_int_equal(x.score, 65);
	assert_int_equal(x.level, 4);
	assert_int_equal(situation_of(db, far, &x), ERR_OK);
	assert_int_equal(x.n, 1);
	/* Merged away, it ties nothing any more. */
	assert_int_equal(store_incident_merge(s, b, far), ERR_OK);
	assert_int_equal(situation_forget(db, b), ERR_OK);
	assert_int_equal(situation_of(db, a, &x), ERR_OK);
	assert_int_equal(x.n, 1);
	assert_int_equal(situation_of(db, 4711, &x), ERR_NOTFOUND);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	remove_dir(dir);
}

/* Many that share one mission: the worst are kept, in bounded time. */
static void
a_crowd_is_bounded(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	struct situation x;
	int64_t id = 0;

	(void)state;
	assert_int_equal(store_begin(s), ERR_OK);
	for (unsigned i = 0; i < SITUATION_KEPT + 100; i++) {
		id = PUT(s, "", i == 700 ? 77 : 10, START, "mair\0sone\0oJP");
	}
	assert_int_equal(situation_of(store_db(s), id, &x), ERR_OK);
	assert_int_equal(x.n, SITUATION_MAX);
	assert_int_equal(x.worst, 77);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	remove_dir(dir);
}

/* ---------------------------------------------------------------- rules */

static void
lead_stays(void **state)
{
	struct severity_stake stakes[2] = { { "JP", 50, 1, 1 },
					    { "US", 50, 1, 1 } };
	struct consult_facts f = { 7, "", 3, stakes, 2 };
	struct consult_config cfg = consult_defaults;
	struct consult_event log[8];
	struct consult c;
	unsigned n = 0, moves = 0;

	(void)state;
	assert_true(consult_rule_next(&cfg, &f, NULL, START, &log[0]));
	log[0].number = log[0].id.number = log[0].clock = 1;
	snprintf(log[0].id.side, sizeof(log[0].id.side), "JP");
	assert_true(consult_fold(log, ++n, &c));
	assert_false(consult_rule_next(&cfg, &f, &c, START, &log[n]));
	/* More sightings elsewhere, another order: no reason to move. */
	stakes[0] = (struct severity_stake){ "US", 74, 3, 900 };
	stakes[1] = (struct severity_stake){ "JP", 50, 1, 1 };
	assert_false(consult_rule_next(&cfg, &f, &c, START, &log[n]));
	/* As stakes grow, so that they cross each other at each step. */
	for (unsigned crit = 50; crit <= 100 && n < 8; crit += 5) {
		unsigned k = crit / 5 % 2;

		stakes[k].criticality = crit;
		severity_order_stakes(stakes, 2);
		if (consult_rule_next(&cfg, &f, &c, START, &log[n])) {
			assert_int_equal(log[n].kind, CONSULT_RELEAD);
			log[n].number = log[n].clock = n + 1;
			assert_true(consult_fold(log, ++n, &c));
			assert_string_equal(c.lead, stakes[0].owner);
			moves++;
		}
	}
	assert_in_range(moves, 0, 2);
	/* What people decided stays. */
	c.by_hand = true;
	stakes[0] = (struct severity_stake){ "US", 100, 3, 900 };
	stakes[1] = (struct severity_stake){ "JP", 0, 1, 1 };
	snprintf(c.lead, sizeof(c.lead), "JP");
	assert_false(consult_rule_next(&cfg, &f, &c, START, &log[0]));
	c.by_hand = false;
	assert_true(consult_rule_next(&cfg, &f, &c, START, &log[0]));
}

static void
opens_when(void **state)
{
	struct severity_stake stakes[2] = { { "JP", 50, 1, 1 },
					    { "US", 50, 1, 1 } };
	struct consult_config cfg = consult_defaults;
	struct consult_event e;

	(void)state;
	for (unsigned level = 0; level <= 5; level++) {
		for (unsigned n = 0; n <= 2; n++) {
			struct consult_facts f = { 7, "", level, stakes, n };

			assert_int_equal(
				consult_rule_next(&cfg, &f, NULL, START, &e),
				n == 2 || (n == 1 && level >= 4));
		}
	}
	/* A third nation's collector speaks for itself, and is in it. */
	consult_rule_among(&cfg, NULL);
	assert_string_equal(cfg.side, "");
	consult_rule_among(&cfg, "AU");
	consult_rule_among(&cfg, "NZ"); /* it was set */
	assert_true(consult_rule_next(
		&cfg, &(struct consult_facts){ 7, "", 5, stakes, 2 }, NULL,
		START, &e));
	assert_string_equal(e.side, "AU");
	assert_string_equal(e.sides[0], "JP");
	assert_int_equal(e.n_sides, 3);
	assert_int_equal(e.deadline_us, START + 15 * MINUTE);
}

/* Late by hours: one call, and the next counts from there. */
static void
called_once(void **state)
{
	struct consult_config cfg = consult_defaults;
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id id = open_one(db, "JP", NULL, 4, 7, START), due[4];
	uint64_t now = START + 600 * MINUTE;
	struct consult_event e;
	struct consult c;
	unsigned n;

	(void)state;
	for (unsigned step = 1; step <= CONSULT_STEPS; step++) {
		assert_int_equal(store_consult_due(db, now, due, 4, &n),
				 ERR_OK);
		assert_int_equal(n, 1);
		assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
		assert_true(consult_rule_late(&cfg, &c, now, &e));
		assert_int_equal(e.step, step);
		assert_int_equal(say(db, e, now), ERR_OK);
		assert_int_equal(store_consult_get(db, &id, &c), ERR_OK);
		assert_false(consult_rule_late(&cfg, &c, now, &e));
		store_close(s);
		s = open_store(dir);
		db = store_db(s);
		now += 30 * MINUTE;
	}
	assert_int_equal(store_consult_due(db, now * 2, due, 4, &n), ERR_OK);
	assert_int_equal(n, 0);
	store_close(s);
	remove_dir(dir);
}

/* One that takes no more events is due no longer, and later again: those that
 * were opened after it are not kept waiting. */
static void
put_off_for_others(void **state)
{
	char dir[] = STORE_DIR;
	struct store *s = open_store(dir);
	sqlite3 *db = store_db(s);
	struct consult_id full = open_one(db, "JP", "US", 4, 7, START), due[4];
	struct consult_id other =
		open_one(db, "JP", NULL, 4, 8, START + MINUTE);
	uint64_t now = START + 600 * MINUTE;
	struct diag d = { "" };
	enum err e = ERR_OK;
	unsigned n;

	(void)state;
	for (unsigned i = 0; i <= CONSULT_OWN_EVENTS && e == ERR_OK; i++) {
		struct consult_event event = { .id = full,
					       .kind = CONSULT_ACK };

		strcpy(event.side, "JP");
		strcpy(event.who, CONSULT_AUTOMATION);
		strcpy(event.text, "more");
		assert_int_equal(store_begin(s), ERR_OK);
		e = store_consult_say(db, &event, now, 7, &d);
		assert_int_equal(store_commit(s), ERR_OK);
	}
	assert_int_equal(e, ERR_LIMIT);
	assert_int_equal(store_consult_due(db, now, due, 4, &n), ERR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(store_consult_put_off(db, &full, now + 60 * MINUTE),
			 ERR_OK);
	assert_int_equal(store_consult_due(db, now, due, 4, &n), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(due[0].number, other.number);
	assert_int_equal(store_consult_due(db, now + 60 * MINUTE, due, 4, &n),
			 ERR_OK);
	assert_int_equal(n, 2);
	store_close(s);
	remove_dir(dir);
}

static void
ids(void **state)
{
	static const char *const bad[] = { "",     "JP",   "-3",   "JP-",
					   "JP-0", "JP-x", "JP-3x" };
	struct consult_id id;
	char text[CONSULT_ID_CAP];

	(void)state;
	assert_true(consult_id_parse("JP-East-12", &id));
	assert_string_equal(id.side, "JP-East");
	assert_string_equal(consult_id_text(&id, text), "JP-East-12");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(consult_id_parse(bad[i], &id));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life),
		cmocka_unit_test(foreign_words),
		cmocka_unit_test(merged),
		cmocka_unit_test(crowded),
		cmocka_unit_test(bounded),
		cmocka_unit_test(replays),
		cmocka_unit_test(lead_stays),
		cmocka_unit_test(opens_when),
		cmocka_unit_test(called_once),
		cmocka_unit_test(put_off_for_others),
		cmocka_unit_test(ids),
		cmocka_unit_test(three_sites_one_level_up),
		cmocka_unit_test(a_crowd_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
