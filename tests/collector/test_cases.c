/* SPDX-License-Identifier: Apache-2.0 */
/* What analysts change in the picture, and that a restart changes nothing. */
#include "collector/correlate_case.h"

#include "collector/assess.h"
#include "collector/case_order.h"
#include "collector/mute_store.h"
#include "collector/silence_store.h"
#include "tests/rnd.h"
#include "tests/store_dir.h"

#include <sys/stat.h>

#define MINUTE (UINT64_C(60) * 1000000)
#define T0 (UINT64_C(1700000000) * 1000000)

/* A correlator and its store; its sink does what the pipeline does with it. */
struct world {
	struct store *store;
	struct correlate *c;
	unsigned opened, merged, parted, stated;
	unsigned refuted; /* bit N: "iocN" */
};

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	struct world *w = arg;

	w->merged++;
	return store_incident_merge(w->store, from, into);
}

static enum err
on_incident(void *arg, struct incident *i)
{
	struct world *w = arg;
	struct store_incident_change c = { .id = i->id,
					   .exercise = "",
					   .title = "",
					   .lead = "",
					   .support = "",
					   .at_us = T0,
					   .summary = VIEW_LIT("{}") };
	enum err e = store_incident_put(w->store, &c, &i->id);

	w->opened += c.id == 0;
	w->stated++;
	if (i->split_from != 0) {
		w->parted++;
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

/* As after a crash: what is known is what the store has. */
static void
restart(struct world *w)
{
	correlate_free(w->c);
	w->c = correlate_new(&correlate_defaults);
	assert_non_null(w->c);
	assert_int_equal(
		mute_each(store_db(w->store), false, 5000, load_mute, w),
		ERR_OK);
	assert_int_equal(store_load_runs(w->store, w->c, 0, 100000), ERR_OK);
	flush(w);
}

static void
world_open(struct world *w, const char *file)
{
	struct diag d = { "" };

	*w = (struct world){ .c = correlate_new(&correlate_defaults) };
	assert_non_null(w->c);
	assert_int_equal(store_open(&w->store, file, &d), ERR_OK);
	/* One transaction all along: this is not about the disk. */
	assert_int_equal(store_begin(w->store), ERR_OK);
}

static void
world_close(struct world *w)
{
	correlate_free(w->c);
	store_rollback(w->store);
	store_close(w->store);
}

/* ----------------------------------------------------- what is done to it */

static void
add(struct world *w, const struct sighting_set *s)
{
	assert_int_equal(correlate_add(w->c, s), ERR_OK);
	flush(w);
}

/* One sighting in short: keys are "kind:text", comma-separated. */
static struct sighting_set
set(const char *site, uint64_t at, const char *keys)
{
	static const char letters[KEY_KINDS + 1] = "iadchjr";
	struct sighting_set s = { .first_us = at,
				  .last_us = at,
				  .count = 1,
				  .events = 1,
				  .severity = 2,
				  .strong = true,
				  .alert = 1 };
	char copy[512], *save = NULL;

	snprintf(s.site, sizeof(s.site), "%s", site);
	snprintf(s.owner, sizeof(s.owner), "O%s", site);
	snprintf(copy, sizeof(copy), "%s", keys);
	for (char *k = strtok_r(copy, ",", &save); k != NULL;
	     k = strtok_r(NULL, ",", &save)) {
		struct sighting_key *out = &s.keys[s.n_keys++];

		out->kind = (uint8_t)(strchr(letters, k[0]) - letters);
		snprintf(out->text, sizeof(out->text), "%s", k + 2);
	}
	return s;
}

static void
sees(struct world *w, const char *site, uint64_t minute, const char *keys)
{
	struct sighting_set s = set(site, T0 + minute * MINUTE, keys);

	add(w, &s);
}

static bool
has_key(void *arg, const struct run *r)
{
	return strstr(arg, r->key) != NULL;
}

static enum err
mute(struct world *w, enum key_kind kind, const char *key)
{
	struct mute_row m = { .exercise = "",
			      .key = key,
			      .kind = kind,
			      .from_us = T0,
			      .who = "me",
			      .why = "test" };
	enum err e = mute_put(store_db(w->store), &m);

	if (e == ERR_OK) {
		e = correlate_mute(w->c, "", kind, key);
	}
	flush(w);
	return e;
}

static enum err
unmute(struct world *w, enum key_kind kind, const char *key)
{
	enum err e = mute_end(store_db(w->store), "", kind, key, "me", T0 + 1);

	if (e == ERR_OK) {
		e = correlate_unmute(w->c, "", kind, key);
	}
	flush(w);
	return e;
}

static enum err
refute(struct world *w, unsigned n, bool is)
{
	struct correlate_touched t;
	char key[16];
	enum err e;

	snprintf(key, sizeof(key), "ioc%u", n);
	e = is ? correlate_refute(w->c, key, 0, &t)
	       : correlate_believe(w->c, key, &t);
	w->refuted = is ? w->refuted | 1u << n : w->refuted & ~(1u << n);
	flush(w);
	return e;
}

/* Whether an indicator of it is one that is refuted. */
static bool
says_refuted(const struct world *w, const struct sighting_set *s)
{
	bool is = false;

	for (unsigned i = 0; i < s->n_keys; i++) {
		unsigned n;

		is = is || (s->keys[i].kind == KEY_INDICATOR &&
			    sscanf(s->keys[i].text, "ioc%u", &n) == 1 &&
			    (w->refuted >> n & 1) != 0);
	}
	return is;
}

/* -------------------------------------------------------- what it shows */

struct text {
	char *p;
	size_t cap, len;
};

static enum err
put_row(struct text *t, sqlite3_stmt *st)
{
	for (int i = 0; i < sqlite3_column_count(st); i++) {
		t->len += (size_t)snprintf(
			t->p + t->len, t->cap - t->len, "%s%s",
			(const char *)sqlite3_column_text(st, i),
			i + 1 < sqlite3_column_count(st) ? " " : "\n");
		assert_true(t->len < t->cap);
	}
	return ERR_OK;
}

/* Incidents with their keys, and what is held apart. */
static void
picture(const struct world *w, char *out, size_t cap)
{
	static const char *const sql[] = {
		"SELECT m.incident,group_concat(r.kind||':'||r.key||'@'||"
		"r.first_us||'-'||r.last_us,' ') FROM (SELECT i.* FROM"
		" incident_runs i JOIN runs o ON o.id=i.run ORDER BY"
		" i.incident,o.kind,o.key,o.first_us) m JOIN runs r ON"
		" r.id=m.run GROUP BY m.incident ORDER BY m.incident",
		"SELECT 'apart',a,b FROM incident_apart ORDER BY a,b",
		/* The number of a run that another took in is given anew. */
		"SELECT r.kind,r.key,r.first_us,sum(strong),sum(count) FROM"
		" sightings s JOIN runs r ON r.id=s.run GROUP BY r.id ORDER BY"
		" 1,2,3",
	};
	struct text t = { .p = out, .cap = cap };

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		sqlite3_stmt *st = NULL;

		assert_int_equal(sqlite3_prepare_v2(store_db(w->store), sql[i],
						    -1, &st, NULL),
				 SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			(void)put_row(&t, st);
		}
		sqlite3_finalize(st);
	}
}

/* The incident that a key is in; 0: none, or of two incidents. */
static int64_t
incident_of(const struct world *w, enum key_kind kind, const char *key)
{
	int64_t ids[4];
	unsigned n = correlate_incidents_of(w->c, "", kind, key, ids, 4);

	return n == 1 ? ids[0] : 0;
}

static size_t
n_incidents(const struct world *w)
{
	struct correlate_stats s;

	correlate_stats(w->c, &s);
	return s.incidents;
}

/* ------------------------------------------------------------- the tests */

/* Two addresses at two sites each, that one alert showed together. */
static void
two_tied(struct world *w)
{
	sees(w, "a", 0, "a:198.51.100.1,h:a 10.0.0.1");
	sees(w, "b", 1, "a:198.51.100.1,h:b 10.0.0.1");
	sees(w, "a", 2, "a:198.51.100.2,h:a 10.0.0.2");
	sees(w, "b", 3, "a:198.51.100.2,h:b 10.0.0.2");
	assert_int_equal(n_incidents(w), 2);
	sees(w, "a", 4, "a:198.51.100.1,a:198.51.100.2,r:1:7");
	assert_int_equal(n_incidents(w), 1);
}

static void
test_split_holds(void **state)
{
	struct incident *to;
	struct world w;
	int64_t into;

	(void)state;
	world_open(&w, path);
	two_tied(&w);
	assert_int_equal(correlate_split(w.c, 9, has_key, "x", &to),
			 ERR_NOTFOUND);
	assert_int_equal(correlate_split(w.c, 1, has_key, "x", &to), ERR_USAGE);
	assert_int_equal(correlate_split(w.c, 1, has_key,
					 "198.51.100.1 198.51.100.2", &to),
			 ERR_USAGE);
	assert_int_equal(correlate_split(w.c, 1, has_key, "198.51.100.2", &to),
			 ERR_OK);
	flush(&w);
	assert_int_equal(w.parted, 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.1"), 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.2"), to->id);
	/* The same tie again, a new one, and what both are tied to. */
	for (int again = 0; again < 2; again++) {
		sees(&w, "a", 5, "a:198.51.100.1,a:198.51.100.2,r:1:7");
		sees(&w, "a", 6, "a:198.51.100.1,d:one.example");
		sees(&w, "a", 7, "a:198.51.100.2,d:one.example");
		assert_int_equal(n_incidents(&w), 2);
		assert_int_equal(incident_of(&w, KEY_DOMAIN, "one.example"), 1);
		restart(&w);
	}
	/* What one of them grows into is held apart as well. */
	sees(&w, "a", 8, "a:198.51.100.3");
	sees(&w, "b", 8, "a:198.51.100.3");
	sees(&w, "b", 8, "a:198.51.100.2,a:198.51.100.3");
	sees(&w, "b", 8, "a:198.51.100.1,a:198.51.100.3");
	assert_int_equal(n_incidents(&w), 2);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.3"),
			 incident_of(&w, KEY_ADDRESS, "198.51.100.2"));
	/* And only by hand are they one again. */
	assert_int_equal(
		correlate_merge(w.c, 1,
				incident_of(&w, KEY_ADDRESS, "198.51.100.2"),
				&into),
		ERR_OK);
	flush(&w);
	assert_int_equal(into, 1);
	assert_int_equal(n_incidents(&w), 1);
	restart(&w);
	assert_int_equal(n_incidents(&w), 1);
	world_close(&w);
}

static void
test_mute_parts(void **state)
{
	struct world w;
	int64_t into;

	(void)state;
	world_open(&w, path);
	/* Two that stand by themselves, tied by a third; and a domain that
	 * only the third ties. */
	sees(&w, "a", 0, "a:198.51.100.1");
	sees(&w, "b", 1, "a:198.51.100.1");
	sees(&w, "a", 2, "a:198.51.100.2");
	sees(&w, "b", 3, "a:198.51.100.2");
	sees(&w, "a", 4, "a:203.0.113.9,a:198.51.100.1");
	sees(&w, "b", 5, "a:203.0.113.9,a:198.51.100.2");
	sees(&w, "b", 6, "a:203.0.113.9,d:only.example");
	assert_int_equal(n_incidents(&w), 1);
	assert_int_equal(mute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(n_incidents(&w), 2);
	assert_int_equal(w.parted, 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.1"), 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.2"), 3);
	/* What stands not by itself stays where it was. */
	assert_int_equal(incident_of(&w, KEY_DOMAIN, "only.example"), 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "203.0.113.9"), 1);
	/* Nothing begins by what is muted, and nothing is tied. */
	restart(&w);
	sees(&w, "c", 7, "a:203.0.113.9,a:198.51.100.2");
	sees(&w, "c", 8, "a:203.0.113.9,a:198.51.100.1");
	assert_int_equal(n_incidents(&w), 2);
	/* A mute that ends: what was known before it counts again. */
	assert_int_equal(unmute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(n_incidents(&w), 1);
	restart(&w);
	assert_int_equal(n_incidents(&w), 1);
	/* Unless an analyst said that they are one. */
	assert_int_equal(mute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(n_incidents(&w), 2);
	into = incident_of(&w, KEY_ADDRESS, "198.51.100.2");
	assert_int_equal(correlate_merge(w.c, into, 1, &into), ERR_OK);
	flush(&w);
	assert_int_equal(unmute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(mute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(n_incidents(&w), 1);
	world_close(&w);
}

static enum err
sum_muted(void *arg, const struct mute_row *m)
{
	*(uint64_t *)arg += m->alerts;
	return ERR_OK;
}

static enum err
keep_muted(void *arg, const char *exercise, enum key_kind kind, const char *key,
	   uint64_t alerts)
{
	struct world *w = arg;

	return mute_count(store_db(w->store), exercise, kind, key, alerts);
}

static void
test_mute_begins_nothing(void **state)
{
	struct world w;
	uint64_t alerts = 0;
	unsigned stated;

	(void)state;
	world_open(&w, path);
	assert_int_equal(mute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(mute(&w, KEY_RULE, "1:7"), ERR_OK);
	sees(&w, "a", 0, "a:203.0.113.9,h:a 10.0.0.1");
	sees(&w, "b", 1, "a:203.0.113.9,h:b 10.0.0.1");
	/* A rule takes along what it tells of others. */
	sees(&w, "a", 2, "a:198.51.100.1,r:1:7");
	sees(&w, "b", 3, "a:198.51.100.1,r:1:7");
	assert_int_equal(n_incidents(&w), 0);
	assert_int_equal(correlate_each_muted(w.c, keep_muted, &w), ERR_OK);
	assert_int_equal(
		mute_each(store_db(w.store), true, 10, sum_muted, &alerts),
		ERR_OK);
	assert_int_equal(alerts, 4);
	/* Nor does it afterwards by what was seen meanwhile. */
	assert_int_equal(unmute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	assert_int_equal(unmute(&w, KEY_RULE, "1:7"), ERR_OK);
	assert_int_equal(unmute(&w, KEY_RULE, "1:7"), ERR_NOTFOUND);
	restart(&w);
	assert_int_equal(n_incidents(&w), 0);
	sees(&w, "a", 4, "a:203.0.113.9");
	assert_int_equal(n_incidents(&w), 0);
	sees(&w, "b", 5, "a:203.0.113.9");
	assert_int_equal(n_incidents(&w), 1);
	/* An incident of what is muted is left alone. */
	assert_int_equal(mute(&w, KEY_ADDRESS, "203.0.113.9"), ERR_OK);
	stated = w.stated;
	sees(&w, "c", 6, "a:203.0.113.9");
	assert_int_equal(w.stated, stated);
	world_close(&w);
}

/* One incident of an analyst's two, since their runs turned out to be one. */
static void
test_bridged(void **state)
{
	const uint64_t day = 24 * 60;
	struct incident *to;
	struct world w;

	(void)state;
	world_open(&w, path);
	two_tied(&w);
	assert_int_equal(correlate_split(w.c, 1, has_key, "198.51.100.2", &to),
			 ERR_OK);
	flush(&w);
	/* Seen again after a day of silence, together with the other. */
	sees(&w, "a", day + 500, "a:198.51.100.2");
	sees(&w, "b", day + 500, "a:198.51.100.2");
	sees(&w, "b", day, "a:198.51.100.1");
	sees(&w, "b", day + 501, "a:198.51.100.1,a:198.51.100.2");
	restart(&w);
	/* And what a sensor was late to tell fills the silence. */
	sees(&w, "b", 800, "a:198.51.100.2");
	restart(&w);
	assert_int_equal(n_incidents(&w), 2);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.2"), 3);
	world_close(&w);
}

/* Whether anything holds the incident of a key together. */
static bool
stands(const struct world *w, enum key_kind kind, const char *key)
{
	return correlate_stands(
		correlate_find_incident(w->c, incident_of(w, kind, key)));
}

/* Two attacks of their own, tied by an indicator that is withdrawn; and what it
 * alone told of. */
static void
test_refuted_parts(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, path);
	sees(&w, "a", 0, "a:198.51.100.1,h:a 10.0.0.1");
	sees(&w, "b", 1, "a:198.51.100.1");
	sees(&w, "a", 2, "a:198.51.100.2");
	sees(&w, "b", 3, "a:198.51.100.2");
	sees(&w, "a", 4, "i:ioc1,a:203.0.113.9,a:198.51.100.1");
	sees(&w, "b", 5, "i:ioc1,a:203.0.113.9,a:198.51.100.2");
	assert_int_equal(n_incidents(&w), 1);
	/* 203.0.113.9 was seen at two sites: by the indicator's alerts only. */
	assert_int_equal(refute(&w, 1, true), ERR_OK);
	assert_int_equal(n_incidents(&w), 2);
	assert_int_equal(w.parted, 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.1"), 1);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "198.51.100.2"), 3);
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "203.0.113.9"), 1);
	restart(&w);
	assert_int_equal(n_incidents(&w), 2);
	/* Another indicator in force, at one of the places only; then at both. */
	sees(&w, "a", 6, "i:ioc2,a:203.0.113.9");
	assert_int_equal(n_incidents(&w), 2);
	sees(&w, "b", 7, "i:ioc2,a:203.0.113.9");
	assert_int_equal(incident_of(&w, KEY_ADDRESS, "203.0.113.9"), 1);
	assert_int_equal(incident_of(&w, KEY_INDICATOR, "ioc2"), 1);
	/* In force again: all is one. */
	assert_int_equal(refute(&w, 1, false), ERR_OK);
	assert_int_equal(n_incidents(&w), 1);
	restart(&w);
	assert_int_equal(n_incidents(&w), 1);
	world_close(&w);
}

/* What nothing holds together any more does not stand, unless alerts of a rule
 * or an analyst do so; what is seen later begins nothing. */
static void
test_refuted_alone(void **state)
{
	struct correlate_touched t;
	struct world w;
	int64_t into;

	(void)state;
	world_open(&w, path);
	for (unsigned n = 0; n < 2; n++) {
		char keys[64];

		snprintf(keys, sizeof(keys), "i:ioc%u,d:evil%u.example", n + 1,
			 n + 1);
		sees(&w, "a", n, keys);
		sees(&w, "b", n, keys);
	}
	assert_int_equal(n_incidents(&w), 2);
	/* One that was in force when it was seen stays. */
	assert_false(correlate_would_refute(w.c, "ioc1", T0 + MINUTE));
	assert_int_equal(correlate_refute(w.c, "ioc1", T0 + MINUTE, &t),
			 ERR_OK);
	assert_int_equal(t.n, 0);
	assert_true(stands(&w, KEY_DOMAIN, "evil1.example"));
	assert_true(correlate_would_refute(w.c, "ioc1", 0));
	assert_int_equal(refute(&w, 1, true), ERR_OK);
	assert_false(stands(&w, KEY_DOMAIN, "evil1.example"));
	assert_true(stands(&w, KEY_DOMAIN, "evil2.example"));
	restart(&w);
	assert_false(stands(&w, KEY_DOMAIN, "evil1.example"));
	/* A rule's alerts count: at one more site than the indicator had. */
	sees(&w, "c", 10, "d:evil1.example,r:1:7");
	assert_false(stands(&w, KEY_DOMAIN, "evil1.example"));
	sees(&w, "a", 11, "d:evil1.example,r:1:7");
	assert_true(stands(&w, KEY_DOMAIN, "evil1.example"));
	/* An analyst's word holds what it holds. */
	assert_int_equal(correlate_merge(w.c, 1, 2, &into), ERR_OK);
	flush(&w);
	assert_int_equal(refute(&w, 2, true), ERR_OK);
	assert_int_equal(n_incidents(&w), 1);
	assert_true(stands(&w, KEY_DOMAIN, "evil2.example"));
	world_close(&w);
	world_open(&w, path);
	w.refuted = 1u << 3;
	for (unsigned n = 0; n < 2; n++) {
		struct sighting_set s =
			set(n == 0 ? "a" : "b", T0, "i:ioc3,a:203.0.113.9");

		s.refuted = says_refuted(&w, &s);
		assert_true(s.refuted);
		add(&w, &s);
	}
	assert_int_equal(n_incidents(&w), 0);
	world_close(&w);
}

/* Tactics that an indicator told of a host count no more with it. */
static void
test_refuted_stages(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, path);
	for (unsigned n = 0; n < 3; n++) {
		struct sighting_set s =
			set("a", T0 + n * MINUTE,
			    n == 1 ? "i:ioc1,h:a 10.0.0.1" : "h:a 10.0.0.1");

		s.stages = UINT32_C(1) << (2 + 3 * n);
		add(&w, &s);
	}
	assert_int_equal(n_incidents(&w), 1);
	assert_true(stands(&w, KEY_HOST, "a 10.0.0.1"));
	assert_int_equal(refute(&w, 1, true), ERR_OK);
	assert_false(stands(&w, KEY_HOST, "a 10.0.0.1"));
	restart(&w);
	assert_false(stands(&w, KEY_HOST, "a 10.0.0.1"));
	assert_int_equal(refute(&w, 1, false), ERR_OK);
	assert_true(stands(&w, KEY_HOST, "a 10.0.0.1"));
	world_close(&w);
}

static const struct {
	enum key_kind kind;
	const char *begin; /* of its keys; a number follows */
} mutable[] = {
	{ KEY_ADDRESS, "198.51.100." },
	{ KEY_DOMAIN, "example" },
	{ KEY_INDICATOR, "ioc" },
	{ KEY_HOST, "a 10.0.0." },
	{ KEY_RULE, "1:" },
};

static void
draw_keys(char *out, size_t cap)
{
	unsigned n = 1 + rnd(3);
	size_t len = 0;

	for (unsigned i = 0; i < n; i++) {
		static const char *const letters[] = { "a", "d", "i", "h",
						       "r" };
		unsigned k = rnd(ARRAY_LEN(mutable));

		len += (size_t)snprintf(out + len, cap - len, "%s%s:%s%u",
					i > 0 ? "," : "", letters[k],
					mutable[k].begin, 1 + rnd(6));
	}
}

struct pick {
	uint32_t seed;
};

/* The same runs in both worlds. */
static bool
by_seed(void *arg, const struct run *r)
{
	const struct pick *p = arg;

	return (r->hash + r->first_us / MINUTE + p->seed) % 3 == 0;
}

/* One of the incidents that there are. */
static int64_t
draw_incident(const struct world *w)
{
	int64_t newest = (int64_t)w->opened, id;

	for (unsigned i = 0; i < 20 && newest > 0; i++) {
		id = 1 + (int64_t)rnd((uint32_t)newest);
		if (correlate_find_incident(w->c, id) != NULL) {
			return id;
		}
	}
	return 1;
}

struct step {
	unsigned what;
	struct sighting_set set;
	int64_t a, b;
	struct pick pick;
	unsigned kind;
	char key[64];
};

static struct step
draw_step(const struct world *w, uint64_t *minute)
{
	static const char *const where[] = { "a", "b", "c" };
	struct step s = { .what = rnd(20) };
	char keys[256];

	*minute += rnd(200) == 0 ? 2000 : rnd(40);
	draw_keys(keys, sizeof(keys));
	s.set = set(where[rnd(3)],
		    T0 + (*minute - MIN((uint64_t)rnd(1600), *minute)) * MINUTE,
		    keys);
	s.set.stages = rnd(4) == 0 ? UINT32_C(1) << rnd(STAGE_COUNT) : 0;
	s.set.strong = rnd(4) != 0;
	s.a = draw_incident(w);
	s.b = draw_incident(w);
	s.pick.seed = rnd(1000);
	s.kind = rnd(ARRAY_LEN(mutable));
	snprintf(s.key, sizeof(s.key), "%s%u", mutable[s.kind].begin,
		 1 + rnd(6));
	return s;
}

static enum err
take_step(struct world *w, const struct step *s)
{
	struct pick pick = s->pick;
	struct sighting_set set;
	struct incident *to;
	int64_t into;
	enum err e = ERR_OK;

	switch (s->what) {
	case 0:
	case 1:
		e = correlate_split(w->c, s->a, by_seed, &pick, &to);
		break;
	case 2:
		e = correlate_merge(w->c, s->a, s->b, &into);
		break;
	case 3:
	case 4:
		return mute(w, mutable[s->kind].kind, s->key);
	case 5:
		return unmute(w, mutable[s->kind].kind, s->key);
	case 6:
	case 7:
		return refute(w, 1 + s->pick.seed % 6, s->what == 6);
	default:
		set = s->set;
		set.refuted = says_refuted(w, &set);
		e = correlate_add(w->c, &set);
		break;
	}
	flush(w);
	return e;
}

/* The first lines that are not the same. */
static const char *
differs(char *one, char *two)
{
	static char out[900];
	char *a = one, *b = two;

	while (strcspn(a, "\n") == strcspn(b, "\n") &&
	       strncmp(a, b, strcspn(a, "\n")) == 0) {
		a += strcspn(a, "\n") + 1;
		b += strcspn(b, "\n") + 1;
	}
	snprintf(out, sizeof(out), "without '%.*s' with '%.*s'",
		 (int)MIN(strcspn(a, "\n"), (size_t)400), a,
		 (int)MIN(strcspn(b, "\n"), (size_t)400), b);
	return out;
}

/*
 * Whatever is seen and ordered, who starts anew now and then has the same
 * incidents, by number and by member, as who never does.
 */
static void
test_restarts_change_nothing(void **state)
{
	static char one[1 << 20], two[1 << 20];
	unsigned opened = 0, merged = 0, parted = 0;
	char file[128];

	(void)state;
	snprintf(file, sizeof(file), "%s/t.db", dir);
	for (unsigned round = 0; round < 12; round++) {
		struct world w, r;
		uint64_t minute = 0;

		world_open(&w, path);
		world_open(&r, file);
		for (unsigned i = 0; i < 250; i++) {
			struct step s = draw_step(&w, &minute);
			enum err e = take_step(&w, &s);

			assert_int_equal(take_step(&r, &s), e);
			if (rnd(6) == 0) {
				restart(&r);
			}
			picture(&w, one, sizeof(one));
			picture(&r, two, sizeof(two));
			if (strcmp(one, two) != 0) {
				fail_msg("round %u step %u (%u): %s", round, i,
					 s.what, differs(one, two));
			}
		}
		opened += w.opened;
		merged += w.merged;
		parted += w.parted;
		world_close(&w);
		world_close(&r);
		unlink(file);
		store_dir_remove(NULL);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	/* All of it was tried. */
	assert_true(opened > 100 && merged > 50 && parted > 30);
	snprintf(file, sizeof(file), "%s/t.db-wal", dir);
	unlink(file);
	snprintf(file, sizeof(file), "%s/t.db-shm", dir);
	unlink(file);
}

static void
went_blind(struct world *w, int64_t sensor, const char *cause, uint64_t at)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(store_db(w->store),
				   "INSERT INTO blind(sensor,cause,from_us,"
				   "to_us,detail) VALUES(?,?,?,0,'')",
				   -1, &st, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(st, 1, sensor);
	sqlite3_bind_text(st, 2, cause, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, (int64_t)at);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

/* Who goes blind near an incident's alerts makes it worse; who does so far from
 * them, elsewhere or in order does not. */
static void
test_silence(void **state)
{
	static const struct {
		const char *sensor, *cause;
		uint64_t minute; /* of 100; alerts are from 100 to 104 */
		unsigned n, score;
	} steps[] = {
		{ "far/tap1", "silent", 100, 0, 0 },
		{ "a/tap1", "ended", 104, 0, 0 },
		{ "a/tap1", "rules_failed", 104, 0, 0 },
		{ "a/tap1", "silent", 84, 0, 0 },
		{ "a/tap1", "silent", 120, 0, 0 },
		{ "a/tap1", "killed", 90, 1, 5 },
		{ "a/tap1", "silent", 91, 2, 5 },
		{ "b/tap2", "interface_down", 118, 3, 10 },
		{ "b/tap3", "overload", 110, 4, 10 },
	};
	static struct silences near = { .on = true, .window_us = 15 * MINUTE };
	struct mission_map *map = mission_empty();
	struct silence_list kept = { .n = 0 };
	struct assessment a;
	struct world w;
	unsigned before, n;
	bool fresh;

	(void)state;
	world_open(&w, path);
	assess_init(&a);
	for (unsigned i = 0; i < 5; i++) {
		sees(&w, i % 2 == 0 ? "a" : "b", 100 + i, "a:198.51.100.1");
	}
	assert_int_equal(
		assess_incident(correlate_find_incident(w.c, 1), map, NULL, &a),
		ERR_OK);
	before = a.score;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		char site[8];
		int64_t id;

		snprintf(site, sizeof(site), "%.*s",
			 (int)strcspn(steps[i].sensor, "/"), steps[i].sensor);
		assert_int_equal(store_sensor(w.store, site,
					      strchr(steps[i].sensor, '/') + 1,
					      &id),
				 ERR_OK);
		went_blind(&w, id, steps[i].cause,
			   T0 + steps[i].minute * MINUTE);
		assert_int_equal(silence_read(store_db(w.store), &near, &n),
				 ERR_OK);
		assert_int_equal(n, silence_counts(steps[i].cause));
		a.silences = kept;
		assert_int_equal(
			assess_incident(correlate_find_incident(w.c, 1), map,
					&near, &a),
			ERR_OK);
		assert_int_equal(a.silences.n, steps[i].n);
		assert_int_equal(a.score, before + steps[i].score);
		for (unsigned k = 0; k < a.silences.n; k++) {
			assert_int_equal(silence_keep(store_db(w.store), 1,
						      &a.silences.s[k], &fresh),
					 ERR_OK);
		}
		assert_int_equal(silence_of(store_db(w.store), 1, &kept),
				 ERR_OK);
		assert_int_equal(kept.n, steps[i].n);
	}
	/* It stays so when the blindness itself is forgotten, and moves along
	 * when the incident is part of another. */
	near.n = 0;
	a.silences = kept;
	assert_int_equal(assess_incident(correlate_find_incident(w.c, 1), map,
					 &near, &a),
			 ERR_OK);
	assert_int_equal(a.score, before + 10);
	assert_int_equal(silence_merged(store_db(w.store), 1, 7), ERR_OK);
	assert_int_equal(silence_of(store_db(w.store), 1, &kept), ERR_OK);
	assert_int_equal(kept.n, 0);
	assert_int_equal(silence_of(store_db(w.store), 7, &kept), ERR_OK);
	assert_int_equal(kept.n, 4);
	assess_fini(&a);
	mission_free(map);
	world_close(&w);
}

/* An order waits until it is answered, and is answered once. */
static void
test_orders(void **state)
{
	struct case_order o = { .what = CASE_SPLIT,
				.who = "me",
				.why = "no kin",
				.incident = 3 },
			  got;
	uint64_t runs[] = { 4, 8, UINT64_C(1) << 40 };
	struct store *s = store_dir_open();
	struct store_reader *r = NULL;
	char answer[CASE_TEXT_CAP];
	enum case_state is;
	struct diag d = { "" };
	int64_t id;

	(void)state;
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	o.runs = runs;
	o.n_runs = 3;
	assert_int_equal(case_order_give(r, &o, &id, &d), ERR_OK);
	assert_int_equal(case_order_wait(r, id, 0, &is, answer), ERR_OK);
	assert_int_equal(is, CASE_WAITING);
	assert_int_equal(case_order_next(store_db(s), &got), ERR_OK);
	assert_int_equal(got.id, id);
	assert_int_equal(got.incident, 3);
	assert_int_equal(got.n_runs, 3);
	assert_memory_equal(got.runs, runs, sizeof(runs));
	assert_string_equal(got.why, "no kin");
	case_order_fini(&got);
	assert_int_equal(
		case_order_answer(store_db(s), id, CASE_REFUSED, "no", T0),
		ERR_OK);
	assert_int_equal(case_order_wait(r, id, 0, &is, answer), ERR_OK);
	assert_int_equal(is, CASE_REFUSED);
	assert_string_equal(answer, "no");
	assert_int_equal(case_order_next(store_db(s), &got), ERR_OK);
	assert_int_equal(got.id, 0);
	/* So many may wait, and no more. */
	o.n_runs = 0;
	for (unsigned i = 0; i < CASE_ORDERS_WAITING; i++) {
		assert_int_equal(case_order_give(r, &o, &id, &d), ERR_OK);
	}
	assert_int_equal(case_order_give(r, &o, &id, &d), ERR_LIMIT);
	store_reader_close(r);
	store_close(s);
}

int
main(void)
{
#define IN_STORE(t) \
	cmocka_unit_test_setup_teardown(t, store_dir_make, store_dir_remove)
	const struct CMUnitTest tests[] = {
		IN_STORE(test_split_holds),
		IN_STORE(test_mute_parts),
		IN_STORE(test_mute_begins_nothing),
		IN_STORE(test_bridged),
		IN_STORE(test_refuted_parts),
		IN_STORE(test_refuted_alone),
		IN_STORE(test_refuted_stages),
		IN_STORE(test_restarts_change_nothing),
		IN_STORE(test_silence),
		IN_STORE(test_orders),
	};
#undef IN_STORE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
