/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A correlator that is thrown away and read back from its store, at any time
 * and any number of times, goes on as one that never was: all that both write
 * is the same, but for the numbers of runs.  ROUNDS=5000 SEED=7 in the
 * environment draws more, and others.
 */
#include "collector/assess.h"
#include "collector/correlate_case.h"
#include "collector/mute_store.h"
#include "tests/rnd.h"
#include "tests/store_dir.h"

#define MINUTE (UINT64_C(60) * 1000000)
#define HOUR (60 * MINUTE)
#define T0 (UINT64_C(1700000000) * 1000000)
#define STEPS 30

static struct mission_map *map;

/* What an incident has to be worth since another became part of it. */
struct owed {
	int64_t into;
	unsigned score;
	char owners[256]; /* "Os0" to "Os5", with commas between */
};

/* A correlator and its store; its sink does what the pipeline does with it. */
struct world {
	struct store *store;
	struct correlate *c;
	struct correlate_config cfg;
	struct assessment a;
	unsigned opened, merged, flooded, assessed, runs_kept;
	unsigned trimmed; /* assessed with less than there was */
	struct owed owed[256];
	bool small; /* memory, and nothing is ever muted or split */
};

static void
owe(struct owed *o, const struct assess_before *b)
{
	char names[sizeof(b->lead) + sizeof(b->support)], *save = NULL;

	snprintf(names, sizeof(names), "%s,%s", b->lead, b->support);
	for (char *n = strtok_r(names, ",", &save); n != NULL;
	     n = strtok_r(NULL, ",", &save)) {
		size_t len = strlen(o->owners);

		if (strstr(o->owners, n) == NULL) {
			assert_true(len + strlen(n) + 2 <= sizeof(o->owners));
			snprintf(o->owners + len, sizeof(o->owners) - len,
				 ",%s", n);
		}
	}
}

/* Whose the one that became part of it was, it is. */
static void
assert_owned(const struct owed *o, const struct assessment *a)
{
	char names[sizeof(o->owners)], *save = NULL;

	snprintf(names, sizeof(names), "%s", o->owners);
	for (char *n = strtok_r(names, ",", &save); n != NULL;
	     n = strtok_r(NULL, ",", &save)) {
		bool has = false;

		for (unsigned i = 0; i < a->n_owners; i++) {
			has = has || strcmp(a->stakes[i].owner, n) == 0;
		}
		assert_true(has);
	}
}

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	struct world *w = arg;

	struct assess_before before;
	struct store_incident_kept a;
	struct owed *o = &w->owed[into % (int64_t)ARRAY_LEN(w->owed)];

	assert_int_equal(store_incident_get(w->store, from, &a), ERR_OK);
	assert_int_equal(store_incident_before(w->store, from, &before),
			 ERR_OK);
	if (o->into != into) {
		*o = (struct owed){ .into = into };
	}
	o->score = MAX(a.score, o->score);
	owe(o, &before);
	w->merged++;
	return store_incident_merge(w->store, from, into);
}

static enum err
on_incident(void *arg, struct incident *i)
{
	struct world *w = arg;
	struct assessment *a = &w->a;
	struct store_incident_kept was = { 0 };
	struct store_incident_change c;
	const struct owed *o = &w->owed[i->id % (int64_t)ARRAY_LEN(w->owed)];
	enum err e = ERR_OK;

	w->assessed++;
	a->before = (struct assess_before){ .lead = "" };
	if (i->id != 0) {
		e = store_incident_get(w->store, i->id, &was);
	}
	if (e == ERR_OK && was.found && i->trimmed && !i->lessened) {
		w->trimmed++;
		e = store_incident_before(w->store, i->id, &a->before);
	}
	if (e == ERR_OK) {
		e = assess_incident(i, map, NULL, a);
	}
	if (w->small) {
		assert_true(a->score >= was.score && a->level >= was.level);
		assert_true(a->n_owners >= was.n_owners);
		assert_true(a->score >= o->score || o->into != i->id);
		if (o->into == i->id) {
			assert_owned(o, a);
		}
	}
	if (e == ERR_OK && was.found) {
		e = store_incident_mark(w->store, i->id, &a->mark);
	}
	c = (struct store_incident_change){ .id = was.found ? i->id : 0,
					    .exercise = a->exercise,
					    .title = a->title,
					    .lead = a->lead,
					    .support = a->support,
					    .score = a->score,
					    .level = a->level,
					    .first_us = a->first_us,
					    .last_us = a->last_us,
					    .at_us = T0,
					    .summary = json_view(&a->summary),
					    .mark = &a->mark };
	w->opened += !was.found;
	if (e == ERR_OK) {
		e = store_incident_put(w->store, &c, &i->id);
	}
	for (unsigned k = 0; i->split_from != 0 && k < i->n_apart; k++) {
		if (e == ERR_OK) {
			e = apart_put(store_db(w->store), i->id,
				      i->apart[k]->id, T0);
		}
	}
	return e;
}

static enum err
on_run(void *arg, const struct run *r)
{
	struct world *w = arg;

	w->runs_kept++;
	w->flooded += r->flooded;
	return store_run(w->store, r);
}

static enum err
on_gone(void *arg, uint64_t id)
{
	struct world *w = arg;

	return store_run_gone(w->store, id);
}

static void
flush(struct world *w)
{
	struct correlate_sink sink = { w, on_merged, on_incident, on_run,
				       on_gone };

	assert_int_equal(correlate_flush(w->c, &sink), ERR_OK);
}

static enum err
load_mute(void *arg, const struct mute_row *m)
{
	struct world *w = arg;

	return correlate_mute(w->c, m->exercise, (enum key_kind)m->kind,
			      m->key);
}

/* As pipeline_reload() does, with its horizon; that alone writes nothing. */
static void
reload(struct world *w)
{
	uint64_t newest = store_newest_run(w->store);
	uint64_t horizon = 2 * w->cfg.window_us;
	unsigned assessed = w->assessed, kept = w->runs_kept;

	correlate_free(w->c);
	w->c = correlate_new(&w->cfg);
	assert_non_null(w->c);
	assert_int_equal(
		mute_each(store_db(w->store), false, 5000, load_mute, w),
		ERR_OK);
	assert_int_equal(
		store_load_runs(w->store, w->c,
				newest > horizon ? newest - horizon : 0,
				w->cfg.max_runs / 4 * 3),
		ERR_OK);
	flush(w);
	/* What made room before it was tied together comes back. */
	assert_true(w->small ||
		    (w->assessed == assessed && w->runs_kept == kept));
}

/* The store is the same in all rounds, and never has anything to keep. */
static void
world_begin(struct world *w)
{
	struct store *s = w->store;

	*w = (struct world){ .store = s, .cfg = correlate_defaults };
	w->cfg.max_runs = 2000;
	w->cfg.max_links = 4000;
	w->cfg.flood_alerts = 30;
	w->cfg.flood_rule_alerts = 40;
	w->c = correlate_new(&w->cfg);
	assert_non_null(w->c);
	assess_init(&w->a);
	assert_int_equal(store_begin(s), ERR_OK);
}

static void
world_end(struct world *w)
{
	correlate_free(w->c);
	assess_fini(&w->a);
	store_rollback(w->store);
}

/* ------------------------------------------------------------ what is seen */

static const struct {
	enum key_kind kind;
	const char *begin;
	unsigned n;
} things[] = {
	{ KEY_INDICATOR, "bad", 3 },   { KEY_ADDRESS, "198.51.100.", 5 },
	{ KEY_DOMAIN, "evil.", 3 },    { KEY_CERT, "c0ffee", 2 },
	{ KEY_HOST, "a 192.0.2.", 4 }, { KEY_HOST, "b 192.0.2.", 4 },
	{ KEY_JA3, "0123456789", 2 },  { KEY_RULE, "1:", 3 },
};

static void
draw_key(enum key_kind *kind, char *out, size_t cap)
{
	unsigned k = rnd(ARRAY_LEN(things));

	*kind = things[k].kind;
	snprintf(out, cap, "%s%u", things[k].begin, 1 + rnd(things[k].n));
}

static void
draw_mark(struct marking *m)
{
	static const char *const names[] = { "JP", "US", "FR" };

	*m = MARKING_CLEAR;
	m->tlp = (enum tlp)rnd(5);
	for (unsigned i = rnd(4); i < ARRAY_LEN(names); i++) {
		assert_int_equal(marking_release_to(m, view_cstr(names[i])),
				 ERR_OK);
	}
}

/* What was told late is from within the window: what is older may belong to a
 * run that memory let go of. */
static struct sighting_set
draw_set(uint64_t *now)
{
	static const char *const where[] = { "a", "b", "c" };
	static const char *const owners[] = { "JP", "JP", "US" };
	struct sighting_set s = { .severity = (uint8_t)(1 + rnd(4)),
				  .confidence = (uint8_t)rnd(100),
				  .strong = rnd(4) != 0,
				  .past = rnd(8) == 0,
				  .alert = 1 + rnd(1000000),
				  .what = (uint8_t)rnd(INDICATOR_KINDS + 1) };
	unsigned site = rnd(3), n = 1 + rnd(4);

	*now += rnd(8) == 0 ? rnd(40) * HOUR : rnd(60) * MINUTE;
	s.last_us = *now - (rnd(3) == 0 ? rnd(23) * HOUR : 0);
	s.first_us = s.last_us - rnd(10) * MINUTE;
	s.count = 1 + rnd(rnd(4) == 0 ? 40 : 3);
	s.events = rnd((uint32_t)s.count + 1);
	s.stages =
		s.strong && rnd(3) == 0 ? UINT32_C(1) << rnd(STAGE_COUNT) : 0;
	snprintf(s.exercise, sizeof(s.exercise), "%s",
		 rnd(8) == 0 ? "LANTERN" : "");
	snprintf(s.site, sizeof(s.site), "%s", where[site]);
	snprintf(s.owner, sizeof(s.owner), "%s", owners[site]);
	draw_mark(&s.said);
	draw_mark(&s.mark);
	while (s.n_keys < n) {
		struct sighting_key *k = &s.keys[s.n_keys];
		enum key_kind kind;
		bool known = false;

		draw_key(&kind, k->text, sizeof(k->text));
		k->kind = (uint8_t)kind;
		for (unsigned i = 0; i < s.n_keys; i++) {
			known = known || (s.keys[i].kind == k->kind &&
					  strcmp(s.keys[i].text, k->text) == 0);
		}
		s.n_keys += !known;
		n -= known;
	}
	return s;
}

struct step {
	unsigned what, n_sets, kind;
	struct sighting_set sets[3];
	int64_t a, b;
	uint64_t pick;
	char key[SIGHTING_KEY_CAP];
};

static int64_t
draw_incident(const struct world *w)
{
	return w->opened > 0 ? 1 + (int64_t)rnd(w->opened) : 1;
}

static void
draw_step(struct step *s, const struct world *w, uint64_t *now)
{
	enum key_kind kind;

	*s = (struct step){ .what = rnd(24), .n_sets = 1 + rnd(3) };
	for (unsigned i = 0; i < s->n_sets; i++) {
		s->sets[i] = draw_set(now);
	}
	s->a = draw_incident(w);
	s->b = draw_incident(w);
	s->pick = rnd(1000);
	draw_key(&kind, s->key, sizeof(s->key));
	s->kind = kind;
}

/* The same runs in both worlds. */
static bool
by_pick(void *arg, const struct run *r)
{
	return (r->hash + r->first_us / MINUTE + *(uint64_t *)arg) % 3 == 0;
}

/* The incident that goes on with this number; who is asked about one that
 * memory may have let go of gives no order. */
static bool
recent(const struct world *w, int64_t id, uint64_t now)
{
	struct incident *i = correlate_find_incident(w->c, id);
	uint64_t last = 0;

	for (struct run *r = i != NULL ? i->members : NULL; r != NULL;
	     r = r->next_member) {
		last = MAX(last, r->last_us);
	}
	return last + w->cfg.window_us >= now;
}

/* The same of a key: all of its runs are such that memory has them. */
static bool
key_recent(const struct world *w, const struct step *s, uint64_t now)
{
	sqlite3_stmt *st = NULL;
	bool yes;

	assert_int_equal(
		sqlite3_prepare_v2(store_db(w->store),
				   "SELECT coalesce(min(last_us),?3)>=?3 FROM"
				   " runs WHERE kind=?1 AND key=?2",
				   -1, &st, NULL),
		SQLITE_OK);
	sqlite3_bind_int(st, 1, (int)s->kind);
	sqlite3_bind_text(st, 2, s->key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, (int64_t)(now - w->cfg.window_us));
	yes = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0) != 0;
	sqlite3_finalize(st);
	return yes;
}

static enum err
mute(struct world *w, const struct step *s)
{
	struct mute_row m = { .exercise = "",
			      .key = s->key,
			      .kind = s->kind,
			      .from_us = T0,
			      .who = "me",
			      .why = "test" };
	enum err e = mute_put(store_db(w->store), &m);

	return e == ERR_OK ? correlate_mute(w->c, "", (enum key_kind)s->kind,
					    s->key)
			   : e;
}

static enum err
unmute(struct world *w, const struct step *s)
{
	enum err e =
		mute_end(store_db(w->store), "", s->kind, s->key, "me", T0 + 1);

	return e == ERR_OK ? correlate_unmute(w->c, "", (enum key_kind)s->kind,
					      s->key)
			   : e;
}

static enum err
take_step(struct world *w, struct step *s, uint64_t now)
{
	struct incident *to;
	int64_t into;
	enum err e = ERR_OK;

	if (s->what == 0 && recent(w, s->a, now)) {
		e = correlate_split(w->c, s->a, by_pick, &s->pick, &to);
	} else if (s->what == 1 && recent(w, s->a, now) &&
		   recent(w, s->b, now)) {
		e = correlate_merge(w->c, s->a, s->b, &into);
	} else if (s->what == 2 && key_recent(w, s, now)) {
		e = mute(w, s);
	} else if (s->what == 3 && key_recent(w, s, now)) {
		e = unmute(w, s);
	}
	for (unsigned i = 0; s->what > 3 && i < s->n_sets && e == ERR_OK; i++) {
		e = correlate_add(w->c, &s->sets[i]);
	}
	flush(w);
	return e;
}

/* -------------------------------------------------------- what is written */

#define WHO(r) \
#r ".exercise||'/'||" #r ".kind||'/'||" #r ".key||'/'||" #r ".first_us"

/* All tables that correlation writes; a run's number is its own business. */
static void
picture(const struct world *w, char *out, size_t cap)
{
	static const char *const sql[] = {
		"SELECT 'run',exercise,kind,key,first_us,last_us,severity,"
		"confidence,hex(stages),what,said,mark,flooded,flood_at,"
		"flood_n,flood_before FROM runs ORDER BY 2,3,4,5",
		"SELECT 'at'," WHO(
			r) ",s.site,s.owner,s.past,s.first_us,s.last_us,"
			   "s.count,s.strong,s.mark,s.events FROM "
			   "sightings s JOIN runs r"
			   " ON r.id=s.run ORDER BY 2,3,4",
		"SELECT 'link',min(" WHO(a) "," WHO(b) ") AS x,max(" WHO(
			a) "," WHO(b) ") AS y,l.alert,l.by_hand FROM links l"
				      " JOIN runs a ON a.id=l.a JOIN runs b ON "
				      "b.id=l.b ORDER BY 2,3",
		"SELECT 'member',m.incident," WHO(
			r) " FROM incident_runs m"
			   " JOIN runs r ON r.id=m.run ORDER BY 2,3",
		"SELECT 'incident',id,state,exercise,title,score,level,lead,"
		"support,first_us,last_us,merged_into,mark,summary"
		" FROM incidents ORDER BY id",
		"SELECT 'apart',a,b FROM incident_apart ORDER BY a,b",
		("SELECT 'rows',(SELECT count(*) FROM sightings),(SELECT"
		 " count(*) FROM links),(SELECT count(*) FROM incident_runs)"),
	};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		sqlite3_stmt *st = NULL;

		assert_int_equal(sqlite3_prepare_v2(store_db(w->store), sql[i],
						    -1, &st, NULL),
				 SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			for (int k = 0; k < sqlite3_column_count(st); k++) {
				const unsigned char *t =
					sqlite3_column_text(st, k);

				len += (size_t)snprintf(
					out + len, cap - len, "%s%c",
					t != NULL ? (const char *)t : "-",
					k + 1 < sqlite3_column_count(st)
						? ' '
						: '\n');
				assert_true(len < cap);
			}
		}
		sqlite3_finalize(st);
	}
}

/* The first lines that are not the same. */
static void
compare(unsigned round, unsigned step, char *a, char *b)
{
	while (*a != '\0' && strcspn(a, "\n") == strcspn(b, "\n") &&
	       strncmp(a, b, strcspn(a, "\n")) == 0) {
		a += strcspn(a, "\n") + 1;
		b += strcspn(b, "\n") + 1;
	}
	if (strcmp(a, b) != 0) {
		fail_msg("round %u step %u\nwithout %.*s\nwith    %.*s", round,
			 step, (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"),
			 b);
	}
}

static unsigned
drawn(const char *name, unsigned otherwise)
{
	const char *v = getenv(name);

	return v != NULL ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

static void
test_reloads_change_nothing(void **state)
{
	static char one[1 << 20], two[1 << 20];
	struct world w = { 0 }, r = { 0 };
	struct diag d = { "" };
	unsigned opened = 0, merged = 0, flooded = 0, reloads = 0;
	unsigned rounds = drawn("ROUNDS", 150);
	char file[128];

	(void)state;
	rnd_state = drawn("SEED", rnd_state);
	snprintf(file, sizeof(file), "%s/t.db", dir);
	w.store = store_dir_open();
	assert_int_equal(store_open(&r.store, file, &d), ERR_OK);
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t now = T0;

		world_begin(&w);
		world_begin(&r);
		for (unsigned i = 0; i < STEPS; i++) {
			struct step s;

			draw_step(&s, &w, &now);
			assert_int_equal(take_step(&r, &s, now),
					 take_step(&w, &s, now));
			if (rnd(4) == 0) {
				reload(&r);
				reloads++;
			}
			if (i + 1 == STEPS || rnd(16) == 0) {
				picture(&w, one, sizeof(one));
				picture(&r, two, sizeof(two));
				compare(round, i, one, two);
			}
		}
		opened += w.opened;
		merged += w.merged;
		flooded += w.flooded;
		world_end(&w);
		world_end(&r);
	}
	store_close(w.store);
	store_close(r.store);
	unlink(file);
	/* All of it was tried. */
	assert_true(opened > rounds && merged > rounds / 4 &&
		    flooded > rounds / 4 && reloads > rounds * STEPS / 5);
}

static int64_t
count(const struct world *w, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(
		sqlite3_prepare_v2(store_db(w->store), sql, -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
sees(struct world *w, const char *site, uint64_t at, unsigned n,
     const char *const keys[])
{
	struct sighting_set s = { .first_us = at,
				  .last_us = at,
				  .count = 1,
				  .events = 1,
				  .severity = 2,
				  .strong = true,
				  .alert = 1,
				  .n_keys = n };

	snprintf(s.site, sizeof(s.site), "%s", site);
	snprintf(s.owner, sizeof(s.owner), "O%s", site);
	for (unsigned i = 0; i < n; i++) {
		s.keys[i].kind = KEY_ADDRESS;
		snprintf(s.keys[i].text, sizeof(s.keys[i].text), "%s", keys[i]);
	}
	assert_int_equal(correlate_add(w->c, &s), ERR_OK);
	flush(w);
}

/* A sensor told last of what was weeks ago: that has the highest number, and is
 * not put back.  Whoever comes next must not get its number. */
static void
test_numbers_are_not_given_twice(void **state)
{
	struct world w = { .store = store_dir_open() };

	(void)state;
	world_begin(&w);
	sees(&w, "a", T0 + 1000 * HOUR, 1, (const char *[]){ "new" });
	sees(&w, "a", T0, 1, (const char *[]){ "old" });
	reload(&w);
	sees(&w, "b", T0 + 1001 * HOUR, 1, (const char *[]){ "next" });
	assert_int_equal(count(&w, "SELECT count(*) FROM runs"), 3);
	assert_int_equal(
		count(&w, "SELECT count(*) FROM sightings WHERE run=(SELECT id"
			  " FROM runs WHERE key='old') AND site='b'"),
		0);
	world_end(&w);
	store_close(w.store);
}

/* An incident goes on for weeks: who was met first is part of it after a
 * reload, and so are those that it may tie together yet. */
static void
test_long_incidents_stay_whole(void **state)
{
	static const char *const both[] = { "long", "early" };
	static const char *const later[] = { "long", "late" };
	struct world w = { .store = store_dir_open() };

	(void)state;
	world_begin(&w);
	sees(&w, "a", T0, 2, both);
	for (unsigned day = 0; day < 9; day++) {
		sees(&w, "a", T0 + day * 20 * HOUR, 1, both);
	}
	reload(&w);
	/* Nobody but 'early' was at 'first'. */
	sees(&w, "first", T0 + HOUR, 1, &both[1]);
	reload(&w);
	assert_int_equal(count(&w, "SELECT count(*) FROM incidents"), 1);
	assert_int_equal(count(&w, "SELECT count(*) FROM incident_runs"), 2);
	sees(&w, "a", T0 + 180 * HOUR, 2, later);
	reload(&w);
	sees(&w, "b", T0 + 190 * HOUR, 1, later);
	assert_int_equal(count(&w, "SELECT count(*) FROM incidents WHERE"
				   " lead||','||support LIKE '%Ofirst%'"),
			 1);
	assert_int_equal(count(&w, "SELECT count(*) FROM incident_runs"), 3);
	world_end(&w);
	store_close(w.store);
}

/* Of a memory that is too small for all, what a clock a century ahead made is
 * not put back in place of what is. */
static void
test_the_future_comes_last(void **state)
{
	struct world w = { .store = store_dir_open() };
	char text[24];
	const char *key[] = { text };
	static const char *const ours[] = { "ours" };

	(void)state;
	world_begin(&w);
	w.cfg.max_runs = 100;
	sees(&w, "a", T0, 1, ours);
	for (unsigned i = 0; i < 90; i++) {
		snprintf(text, sizeof(text), "ahead%u", i);
		sees(&w, "a", T0 + 876000 * HOUR + i, 1, key);
	}
	correlate_free(w.c);
	w.c = correlate_new(&w.cfg);
	assert_int_equal(store_load_runs(w.store, w.c, 0, 75), ERR_OK);
	sees(&w, "b", T0 + HOUR, 1, ours);
	assert_int_equal(count(&w, "SELECT count(*) FROM incidents"), 1);
	world_end(&w);
	store_close(w.store);
}

/* Many attackers, each met again and again at one site more, or with another
 * key, while memory holds but a few of them: whatever has to make room and
 * however often all is read back, no incident is ever worth less than before,
 * nor is it fewer owners'. */
static void
test_full_memory_lowers_nothing(void **state)
{
	struct world w = { .store = store_dir_open() };
	static const char *const none[] = { "none" };
	unsigned trimmed = 0, merged = 0, rounds = drawn("FULL_ROUNDS", 12);

	(void)state;
	rnd_state = drawn("SEED", rnd_state);
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t now = T0;

		world_begin(&w);
		w.small = true;
		w.cfg.max_runs = 24 + rnd(40);
		reload(&w);
		for (unsigned i = 0; i < 400; i++) {
			char text[3][24], site[8];
			const char *keys[3] = { text[0], text[1], text[2] };
			unsigned n = 1 + rnd(3), one = rnd(12);

			for (unsigned k = 0; k < n; k++) {
				snprintf(text[k], sizeof(text[k]), "k%u.%u",
					 rnd(40) == 0 ? rnd(12) : one, rnd(12));
			}
			snprintf(site, sizeof(site), "s%u", rnd(6));
			now += rnd(30) * MINUTE;
			sees(&w, site, now, n, keys);
			if (rnd(40) == 0) {
				reload(&w);
			}
		}
		sees(&w, "a", now, 1, none);
		trimmed += w.trimmed;
		merged += w.merged;
		world_end(&w);
	}
	store_close(w.store);
	assert_true(trimmed > rounds && merged > rounds / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reloads_change_nothing,
						store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(
			test_numbers_are_not_given_twice, store_dir_make,
			store_dir_remove),
		cmocka_unit_test_setup_teardown(test_long_incidents_stay_whole,
						store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_the_future_comes_last,
						store_dir_make,
						store_dir_remove),
		cmocka_unit_test_setup_teardown(test_full_memory_lowers_nothing,
						store_dir_make,
						store_dir_remove),
	};
	int failed;

	map = mission_empty();
	failed = map == NULL || cmocka_run_group_tests(tests, NULL, NULL);
	mission_free(map);
	return failed;
}
