/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/correlate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/assess.h"

#define HOUR (UINT64_C(3600) * 1000000)
#define T0 (UINT64_C(1700000000) * 1000000)

/* One sighting in short: keys are "kind:text", comma-separated. */
static struct sighting_set
set(const char *site, const char *owner, uint64_t at, unsigned stage,
    const char *keys)
{
	struct sighting_set s = { .first_us = at,
				  .last_us = at,
				  .count = 1,
				  .severity = 2,
				  .strong = true,
				  .alert = 1 };
	char copy[512], *save = NULL;

	snprintf(s.site, sizeof(s.site), "%s", site);
	snprintf(s.owner, sizeof(s.owner), "%s", owner);
	s.stages = stage < STAGE_COUNT ? UINT32_C(1) << stage : 0;
	snprintf(copy, sizeof(copy), "%s", keys);
	for (char *k = strtok_r(copy, ",", &save); k != NULL;
	     k = strtok_r(NULL, ",", &save)) {
		static const char letters[KEY_KINDS + 1] = "iadchjr";
		struct sighting_key *out = &s.keys[s.n_keys++];

		out->kind = (uint8_t)(strchr(letters, k[0]) - letters);
		snprintf(out->text, sizeof(out->text), "%s", k + 2);
	}
	return s;
}

/* What flush says, as the pipeline would keep it. */
struct world {
	struct mission_map *map;
	struct assessment a;
	int64_t next_id;
	unsigned opened, merged;
	char summaries[64][32768]; /* by id */
	bool alive[64];
};

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	struct world *w = arg;

	assert_true(from > into);
	w->alive[from] = false;
	w->merged++;
	return ERR_OK;
}

static enum err
on_incident(void *arg, struct incident *i)
{
	struct world *w = arg;
	char *evidence;

	assert_int_equal(assess_incident(i, w->map, NULL, &w->a), ERR_OK);
	if (i->id == 0) {
		i->id = ++w->next_id;
		w->opened++;
	}
	assert_true(i->id < 64);
	w->alive[i->id] = true;
	snprintf(w->summaries[i->id], sizeof(w->summaries[0]), "%s|%u|%s|%.*s",
		 w->a.exercise, w->a.score, w->a.title, (int)w->a.summary.len,
		 w->a.summary.p);
	/* Alert ids follow arrival and may differ. */
	evidence = strstr(w->summaries[i->id], "\"evidence\"");
	assert_non_null(evidence);
	*evidence = '\0';
	return ERR_OK;
}

static enum err
on_run(void *arg, const struct run *r)
{
	(void)arg;
	assert_true(r->id != 0);
	return ERR_OK;
}

static enum err
on_gone(void *arg, uint64_t run)
{
	(void)arg;
	assert_true(run != 0);
	return ERR_OK;
}

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->map = mission_empty();
	assert_non_null(w->map);
	assess_init(&w->a);
}

static void
world_fini(struct world *w)
{
	mission_free(w->map);
	assess_fini(&w->a);
}

static void
flush(struct correlate *c, struct world *w)
{
	struct correlate_sink sink = { w, on_merged, on_incident, on_run,
				       on_gone };

	assert_int_equal(correlate_flush(c, &sink), ERR_OK);
}

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All incidents alive, sorted, as one text. */
static void
render(const struct world *w, char *out, size_t cap)
{
	const char *live[64];
	size_t n = 0, len = 0;

	for (int i = 0; i < 64; i++) {
		if (w->alive[i]) {
			live[n++] = w->summaries[i];
		}
	}
	qsort(live, n, sizeof(live[0]), text_cmp);
	out[0] = '\0';
	for (size_t i = 0; i < n && len < cap; i++) {
		len += (size_t)snprintf(out + len, cap - len, "%s\n", live[i]);
	}
}

static unsigned
count_alive(const struct world *w)
{
	unsigned n = 0;

	for (int i = 0; i < 64; i++) {
		n += w->alive[i];
	}
	return n;
}

static void
feed(struct correlate *c, const struct sighting_set *s)
{
	assert_int_equal(correlate_add(c, s), ERR_OK);
}

static void
one_key_at_two_sites(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	s = set("alpha", "JP", T0, 99, "d:bad.example,h:alpha 10.1.0.1");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	s = set("bravo", "JP", T0 + HOUR, 99, "d:bad.example,h:bravo 10.2.0.1");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	/* A flood of the same stays one incident. */
	for (int i = 0; i < 1000; i++) {
		s.first_us = s.last_us = T0 + HOUR + (uint64_t)i;
		feed(c, &s);
		flush(c, &w);
	}
	assert_int_equal(w.opened, 1);
	correlate_free(c);
	world_fini(&w);
}

static void
two_owners_at_one_site_suffice(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	s = set("alpha", "JP", T0, 99, "i:bad.example");
	feed(c, &s);
	s = set("alpha", "US", T0, 99, "i:bad.example");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	correlate_free(c);
	world_fini(&w);
}

static void
a_rule_that_is_off_opens_nothing(void **state)
{
	static struct world w;
	struct correlate_config cfg = correlate_defaults;

	(void)state;
	for (int on = 0; on < 4; on++) {
		struct correlate *c;
		struct sighting_set s;

		cfg.shared = (on & 1) != 0;
		cfg.stages = (on & 2) != 0;
		c = correlate_new(&cfg);
		world_init(&w);
		for (unsigned i = 0; i < 3; i++) {
			s = set("alpha", "JP", T0 + i * HOUR, 2 + i,
				"h:alpha 10.1.0.1");
			feed(c, &s);
			s = set(i == 0 ? "alpha" : "bravo", "JP", T0 + i * HOUR,
				99, "d:bad.example");
			feed(c, &s);
		}
		flush(c, &w);
		assert_int_equal(w.opened, cfg.shared + cfg.stages);
		correlate_free(c);
		world_fini(&w);
	}
}

/* 'n' sets of 'each' alerts, a second apart. */
static void
feed_many(struct correlate *c, struct sighting_set s, unsigned n, unsigned each)
{
	s.count = s.events = each;
	for (unsigned i = 0; i < n; i++) {
		feed(c, &s);
		s.first_us += 1000000;
		s.last_us += 1000000;
	}
}

static void
a_million_alerts_of_one_cause_are_one_incident(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct correlate_stats st;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < 1000; i++) {
		char keys[128];

		/* One sender, all our hosts, one rule, some names. */
		snprintf(keys, sizeof(keys),
			 "a:198.51.100.9,h:alpha 10.1.0.%u,d:n%u.example,"
			 "r:1:7",
			 i % 250, i % 3);
		feed_many(c, set("alpha", "JP", T0 + i * 2000000, 99, keys), 1,
			  1000);
		flush(c, &w);
	}
	assert_int_equal(w.opened, 1);
	assert_true(w.alive[1]);
	assert_int_equal(w.a.alerts, 1000000);
	assert_non_null(strstr(w.summaries[1], "198.51.100.9"));
	assert_non_null(strstr(w.summaries[1], "\"n_victims\":250"));
	correlate_stats(c, &st);
	assert_int_equal(st.flood, 1);
	assert_int_equal(st.shared + st.stages, 0);
	correlate_free(c);
	world_fini(&w);
}

static void
a_rule_that_misfires_is_one_incident(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < 100200; i += 100) {
		char keys[96];

		/* Senders that are made up: none is much by itself. */
		snprintf(keys, sizeof(keys),
			 "a:198.51.%u.%u,h:alpha 10.1.0.1,r:1:7", i / 100 / 250,
			 i / 100 % 250);
		feed_many(c, set("alpha", "JP", T0 + 1000000, 99, keys), 1,
			  100);
	}
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	assert_non_null(strstr(w.summaries[1], "rule 1:7"));
	assert_non_null(strstr(w.summaries[1], "10.1.0.1"));
	correlate_free(c);
	world_fini(&w);
}

static void
what_is_no_flood_opens_nothing(void **state)
{
	static struct world w;
	struct correlate_config cfg = correlate_defaults;
	struct correlate *c = correlate_new(&cfg);
	struct sighting_set s =
		set("alpha", "JP", T0, 99, "a:198.51.100.9,r:1:7");

	(void)state;
	world_init(&w);
	/* 9,000 an hour over 48 hours */
	for (unsigned i = 0; i < 48; i++) {
		s.first_us = s.last_us = T0 + i * HOUR;
		feed_many(c, s, 9, 1000);
	}
	/* weak, and told of the past */
	s.first_us = s.last_us = T0 + 48 * HOUR;
	s.strong = false;
	feed_many(c, s, 100, 1000);
	s.strong = s.past = true;
	feed_many(c, s, 100, 1000);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	correlate_free(c);
	cfg.flood = false;
	c = correlate_new(&cfg);
	s.past = false;
	feed_many(c, s, 1000, 1000);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	correlate_free(c);
	world_fini(&w);
}

static void
late_alerts_of_a_flood_count(void **state)
{
	static struct world w;

	(void)state;
	/* Two sites' halves of one hour, the second of which comes when the
	 * first has begun the next hour, or the one after that. */
	for (unsigned late = 1; late <= 2; late++) {
		struct correlate *c = correlate_new(&correlate_defaults);
		struct sighting_set s =
			set("alpha", "JP", T0, 99, "a:198.51.100.9");

		world_init(&w);
		feed_many(c, s, 5, 1000);
		s.first_us = s.last_us = T0 + late * HOUR;
		feed_many(c, s, 1, 1);
		s.first_us = s.last_us = T0 + 1000000;
		feed_many(c, s, 5, 1000);
		flush(c, &w);
		assert_int_equal(w.opened, late == 1);
		correlate_free(c);
		world_fini(&w);
	}
}

/* One alert of a clock that is far ahead does not hide the flood that all others
 * see of the same rule. */
static void
the_future_hides_no_flood(void **state)
{
	static struct world w;
	struct correlate_config cfg = correlate_defaults;
	struct correlate *c;
	struct sighting_set s = set("ahead", "US", T0 + 20 * HOUR, 99, "r:1:7");

	(void)state;
	cfg.flood_rule_alerts = 10000;
	c = correlate_new(&cfg);
	world_init(&w);
	correlate_clock(c, T0);
	feed(c, &s);
	feed_many(c, set("alpha", "JP", T0, 99, "r:1:7"), 100, 99);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	feed_many(c, set("alpha", "JP", T0 + 1000000, 99, "r:1:7"), 1, 100);
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	correlate_free(c);
	world_fini(&w);
}

static void
silence_longer_than_the_window_parts(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	s = set("alpha", "JP", T0, 99, "d:bad.example");
	feed(c, &s);
	s = set("bravo", "JP", T0 + 30 * HOUR, 99, "d:bad.example");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	/* What fell between them, arriving late, makes them one. */
	s = set("alpha", "JP", T0 + 15 * HOUR, 99, "d:bad.example");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	correlate_free(c);
	world_fini(&w);
}

static void
weak_and_generic_keys_open_nothing(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 3; i++) {
		char site[8];

		snprintf(site, sizeof(site), "s%d", i);
		s = set(site, "JP", T0, 99, "a:203.0.113.1,d:cdn.example");
		s.strong = false;
		feed(c, &s);
		s = set(site, "JP", T0, 99, "r:1:2001,j:abcdef,h:x 10.0.0.1");
		feed(c, &s);
	}
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	correlate_free(c);
	world_fini(&w);
}

static void
stages_in_order_against_one_host(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	/* Against the order of an intrusion: nothing. */
	for (unsigned i = 0; i < 3; i++) {
		char keys[64];

		snprintf(keys, sizeof(keys), "h:a 10.0.0.9,a:203.0.113.%u",
			 100 + i);
		s = set("a", "JP", T0 + i * HOUR / 4, 12 - i * 5, keys);
		feed(c, &s);
	}
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	/* In order, by three different addresses: the host ties them. */
	for (unsigned i = 0; i < 3; i++) {
		char keys[64];

		snprintf(keys, sizeof(keys), "h:a 10.0.0.1,a:203.0.113.%u",
			 1 + i);
		s = set("a", "JP", T0 + i * HOUR / 4, 2 + i * 5, keys);
		feed(c, &s);
		flush(c, &w);
		assert_int_equal(w.opened, i == 2);
	}
	assert_non_null(strstr(w.summaries[1], "203.0.113.1\""));
	assert_non_null(strstr(w.summaries[1], "initial access"));
	correlate_free(c);
	world_fini(&w);
}

static void
a_busy_host_joins_nothing(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 2; i++) {
		const char *site = i == 0 ? "a" : "b";

		s = set(site, "JP", T0, 99, "a:203.0.113.1,h:a 10.0.0.1");
		feed(c, &s);
		s = set(site, "JP", T0, 99, "a:203.0.113.2,h:a 10.0.0.1");
		feed(c, &s);
	}
	flush(c, &w);
	assert_int_equal(w.opened, 2);
	assert_int_equal(count_alive(&w), 2);
	correlate_free(c);
	world_fini(&w);
}

static void
exercises_do_not_mix(void **state)
{
	static struct world w;
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set s;

	(void)state;
	world_init(&w);
	s = set("alpha", "JP", T0, 99, "d:bad.example");
	feed(c, &s);
	s = set("bravo", "JP", T0, 99, "d:bad.example");
	snprintf(s.exercise, sizeof(s.exercise), "KEEN EDGE");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	s = set("charlie", "JP", T0, 99, "d:bad.example");
	snprintf(s.exercise, sizeof(s.exercise), "KEEN EDGE");
	feed(c, &s);
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	assert_memory_equal(w.summaries[1], "KEEN EDGE|", 10);
	assert_null(strstr(w.summaries[1], "alpha"));
	correlate_free(c);
	world_fini(&w);
}

/* The exercise in small: three sites, two owners, infrastructure shared in
 * pairs only, background beside it.  Any order must end as one incident. */
static size_t
scenario(struct sighting_set *out)
{
	size_t n = 0;

	out[n++] = set("yokosuka", "JP", T0, 0,
		       "a:203.0.113.7,h:yokosuka 10.1.0.5");
	out[n++] = set("sasebo", "US", T0 + HOUR, 0,
		       "a:203.0.113.7,h:sasebo 10.2.0.5");
	out[n++] = set("yokosuka", "JP", T0 + 2 * HOUR, 2,
		       "a:198.51.100.9,d:mail.bad.example,h:yokosuka 10.1.0.5");
	out[n++] = set("misawa", "US", T0 + 3 * HOUR, 11,
		       "d:mail.bad.example,i:mail.bad.example,h:misawa "
		       "10.3.0.8");
	out[n++] = set("yokosuka", "JP", T0 + 4 * HOUR, 11,
		       "d:c2.bad.example,h:yokosuka 10.1.0.5");
	out[n++] = set("misawa", "US", T0 + 5 * HOUR, 12,
		       "d:c2.bad.example,a:198.51.100.77,h:misawa 10.3.0.8");
	out[n++] = set("sasebo", "US", T0 + 6 * HOUR, 9,
		       "h:sasebo 10.2.0.5,h:sasebo 10.2.0.6");
	out[n++] = set("sasebo", "US", T0 + 7 * HOUR, 12,
		       "a:198.51.100.77,h:sasebo 10.2.0.6");
	/* Beside it: one site's own trouble, which is no incident. */
	out[n++] = set("misawa", "US", T0 + HOUR, 0,
		       "a:192.0.2.44,h:misawa 10.3.0.99");
	return n;
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
any_order_gives_the_same(void **state)
{
	static char want[262144], got[262144];
	struct sighting_set s[16];
	size_t n = scenario(s);
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct correlate *c = correlate_new(&correlate_defaults);
		static struct world w;

		world_init(&w);
		for (size_t i = n; round > 0 && i > 1; i--) {
			size_t j = next_random(&seed) % i;
			struct sighting_set swap = s[i - 1];

			s[i - 1] = s[j];
			s[j] = swap;
		}
		for (size_t i = 0; i < n; i++) {
			feed(c, &s[i]);
			/* Batches end anywhere. */
			if (next_random(&seed) % 3 == 0) {
				flush(c, &w);
			}
		}
		flush(c, &w);
		render(&w, round == 0 ? want : got, sizeof(want));
		if (round > 0) {
			assert_string_equal(got, want);
		}
		assert_int_equal(count_alive(&w), 1);
		correlate_free(c);
		world_fini(&w);
	}
	assert_non_null(strstr(want, "yokosuka"));
	assert_non_null(strstr(want, "sasebo"));
	assert_non_null(strstr(want, "misawa"));
	assert_true(strstr(want, "[\"JP\",\"US\"]") != NULL ||
		    strstr(want, "[\"US\",\"JP\"]") != NULL);
	assert_null(strstr(want, "192.0.2.44"));
}

/* Random sightings over few keys: order must never matter. */
static void
random_sightings_in_any_order(void **state)
{
	static char want[1048576], got[1048576];
	uint32_t seed = 99;

	(void)state;
	for (int world = 0; world < 40; world++) {
		struct sighting_set s[40];

		for (size_t i = 0; i < ARRAY_LEN(s); i++) {
			char keys[96], site[8];
			unsigned at = next_random(&seed) % 96;

			snprintf(site, sizeof(site), "s%u",
				 next_random(&seed) % 4);
			snprintf(keys, sizeof(keys),
				 "a:203.0.113.%u,d:d%u.example,h:%s 10.0.0.%u",
				 next_random(&seed) % 8, next_random(&seed) % 8,
				 site, next_random(&seed) % 4);
			s[i] = set(site, next_random(&seed) % 2 ? "JP" : "US",
				   T0 + at * HOUR, next_random(&seed) % 20,
				   keys);
		}
		for (int round = 0; round < 10; round++) {
			struct correlate *c =
				correlate_new(&correlate_defaults);
			static struct world w;

			world_init(&w);
			for (size_t i = ARRAY_LEN(s); i > 1; i--) {
				size_t j = next_random(&seed) % i;
				struct sighting_set swap = s[i - 1];

				s[i - 1] = s[j];
				s[j] = swap;
			}
			for (size_t i = 0; i < ARRAY_LEN(s); i++) {
				feed(c, &s[i]);
				if (next_random(&seed) % 8 == 0) {
					flush(c, &w);
				}
			}
			flush(c, &w);
			render(&w, round == 0 ? want : got, sizeof(want));
			if (round > 0) {
				assert_string_equal(got, want);
			}
			correlate_free(c);
			world_fini(&w);
		}
	}
}

/* Incidents as they grow: by number, what was said of each. */
struct growth {
	struct world *w;
	unsigned score[256];
	unsigned looked, raised, merged, many;
};

static enum err
growth_merged(void *arg, int64_t from, int64_t into)
{
	struct growth *g = arg;

	g->score[into] = MAX(g->score[into], g->score[from]);
	g->merged++;
	return ERR_OK;
}

/* One leads when anybody is known, and supports nobody. */
static void
one_leads(const struct assessment *a)
{
	char support[sizeof(a->support) + 2], lead[SEVERITY_NAME_CAP + 2];

	assert_int_equal(a->n_owners > 0, a->lead[0] != '\0');
	if (a->n_owners > 0) {
		assert_string_equal(a->lead, a->stakes[0].owner);
		snprintf(support, sizeof(support), ",%s,", a->support);
		snprintf(lead, sizeof(lead), ",%s,", a->lead);
		assert_null(strstr(support, lead));
	}
	for (unsigned i = 1; i < a->n_owners; i++) {
		assert_true(a->stakes[i - 1].n_sites >= a->stakes[i].n_sites);
	}
}

static enum err
growth_incident(void *arg, struct incident *i)
{
	struct growth *g = arg;
	struct assessment *a = &g->w->a;

	assert_int_equal(assess_incident(i, g->w->map, NULL, a), ERR_OK);
	i->id = i->id != 0 ? i->id : ++g->w->next_id;
	assert_true(i->id < (int64_t)ARRAY_LEN(g->score));
	if (a->score < g->score[i->id]) {
		fail_msg("incident %d: %u after %u", (int)i->id, a->score,
			 g->score[i->id]);
	}
	g->raised += a->score > g->score[i->id];
	g->score[i->id] = a->score;
	g->many += a->n_owners == SEVERITY_MAX_OWNERS;
	g->looked++;
	one_leads(a);
	return ERR_OK;
}

/* Whatever is seen, no incident is less bad for it, merged or not; of more
 * owners than are listed, who has most sites leads. */
static void
growing_never_lowers(void **state)
{
	static struct world w;
	struct growth g = { .w = &w };
	struct correlate_sink sink = { &g, growth_merged, growth_incident,
				       on_run, on_gone };
	uint32_t seed = 4711;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct correlate *c = correlate_new(&correlate_defaults);

		world_init(&w);
		memset(g.score, 0, sizeof(g.score));
		for (unsigned i = 0; i < 150; i++) {
			unsigned site = next_random(&seed) % 40;
			char keys[128], name[16], owner[16];
			struct sighting_set s;

			snprintf(name, sizeof(name), "s%02u", site);
			snprintf(owner, sizeof(owner), "O%u",
				 round % 2 ? site / 2 : site % 3);
			snprintf(keys, sizeof(keys),
				 "i:ioc%u,a:203.0.113.%u,h:%s 10.0.0.%u",
				 next_random(&seed) % 6, next_random(&seed) % 8,
				 name, next_random(&seed) % 4);
			s = set(name, owner,
				T0 + next_random(&seed) % 40 * HOUR,
				next_random(&seed) % 20, keys);
			s.severity = (uint8_t)(1 + next_random(&seed) % 4);
			s.confidence = (uint8_t)(next_random(&seed) % 101);
			s.strong = next_random(&seed) % 3 != 0;
			feed(c, &s);
			if (next_random(&seed) % 4 == 0) {
				assert_int_equal(correlate_flush(c, &sink),
						 ERR_OK);
			}
		}
		correlate_free(c);
		world_fini(&w);
	}
	/* All of it was tried. */
	assert_true(g.looked > 1000 && g.raised > 200 && g.merged > 50 &&
		    g.many > 100);
}

/* What partners tell alone is no incident of ours, at however many places. */
static void
partners_alone_open_nothing(void **state)
{
	struct correlate *c = correlate_new(&correlate_defaults);
	struct world w;
	struct sighting_set s;

	(void)state;
	world_init(&w);
	s = set("JP:A", "JP", T0, STAGE_COUNT, "i:203.0.113.9");
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	s = set("JP:B", "JP", T0 + 1, STAGE_COUNT, "i:203.0.113.9");
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	s = set("AU:C", "AU", T0 + 2, STAGE_COUNT, "i:203.0.113.9");
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	flush(c, &w);
	assert_int_equal(w.opened, 0);
	s = set("base", "US", T0 + 3, STAGE_COUNT, "i:203.0.113.9");
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	flush(c, &w);
	assert_int_equal(w.opened, 1);
	correlate_free(c);
	world_fini(&w);
}

/* However much they tell, and however new: what our sensors saw stays. */
static void
partners_push_out_their_own(void **state)
{
	struct correlate_config cfg = correlate_defaults;
	struct correlate *c;
	struct correlate_stats stats;
	struct sighting_set s;
	struct world w;
	char key[32];

	(void)state;
	cfg.max_runs = 1000;
	c = correlate_new(&cfg);
	world_init(&w);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "i:10.0.%u.%u", i / 250, i % 250);
		s = set("base", "US", T0 + i, STAGE_COUNT, key);
		assert_int_equal(correlate_add(c, &s), ERR_OK);
	}
	flush(c, &w);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "i:11.0.%u.%u", i / 250, i % 250);
		s = set("JP:A", "JP", T0 + HOUR + i, STAGE_COUNT, key);
		assert_int_equal(correlate_add(c, &s), ERR_OK);
		if (i % 100 == 99) {
			flush(c, &w);
		}
	}
	/* Each of ours is found again, and qualifies at a second site. */
	for (unsigned i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "i:10.0.0.%u", i);
		s = set("fort", "US", T0 + 2 * HOUR, STAGE_COUNT, key);
		assert_int_equal(correlate_add(c, &s), ERR_OK);
	}
	flush(c, &w);
	assert_int_equal(w.opened, 60);
	correlate_stats(c, &stats);
	assert_true(stats.runs <= 1100);
	correlate_free(c);
	world_fini(&w);
}

/* Nor does a sensor whose clock is a century ahead push out what others see. */
static void
the_future_makes_room_first(void **state)
{
	struct correlate_config cfg = correlate_defaults;
	struct correlate *c;
	struct correlate_stats stats;
	struct sighting_set s;
	struct world w;
	char key[32];

	(void)state;
	cfg.max_runs = 1000;
	c = correlate_new(&cfg);
	correlate_clock(c, T0 + HOUR);
	world_init(&w);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "i:10.0.%u.%u", i / 250, i % 250);
		s = set("base", "US", T0 + i, STAGE_COUNT, key);
		assert_int_equal(correlate_add(c, &s), ERR_OK);
	}
	flush(c, &w);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "i:11.0.%u.%u", i / 250, i % 250);
		s = set("A", "US", T0 + 876000 * HOUR + i, STAGE_COUNT, key);
		assert_int_equal(correlate_add(c, &s), ERR_OK);
		if (i % 100 == 99) {
			flush(c, &w);
		}
	}
	for (unsigned i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "i:10.0.0.%u", i);
		s = set("fort", "US", T0 + 2 * HOUR, STAGE_COUNT, key);
		assert_int_equal(correlate_add(c, &s), ERR_OK);
	}
	flush(c, &w);
	assert_int_equal(w.opened, 60);
	correlate_stats(c, &stats);
	assert_true(stats.runs <= 1100);
	correlate_free(c);
	world_fini(&w);
}

/* Scanners that touch many hosts use up the links long before the runs: those
 * that were silent longest make room for links as well. */
static void
old_links_make_room(void **state)
{
	struct correlate_config cfg = correlate_defaults;
	struct correlate_stats st;
	struct correlate *c;
	struct sighting_set s;
	struct world w;
	char keys[64];

	(void)state;
	cfg.max_links = 400;
	c = correlate_new(&cfg);
	world_init(&w);
	for (unsigned i = 0; i < 400; i++) {
		snprintf(keys, sizeof(keys), "a:203.0.113.%u,h:a 10.0.0.%u",
			 i / 20, i % 20);
		s = set("a", "US", T0 + i, STAGE_COUNT, keys);
		feed(c, &s);
	}
	flush(c, &w);
	s = set("a", "US", T0 + HOUR, STAGE_COUNT, "a:198.51.100.1,d:x.org");
	feed(c, &s);
	s = set("b", "US", T0 + HOUR, STAGE_COUNT, "a:198.51.100.1,d:x.org");
	feed(c, &s);
	flush(c, &w);
	correlate_stats(c, &st);
	assert_int_equal(st.links_refused, 0);
	assert_int_equal(w.opened, 1);
	assert_true(st.evicted > 0 && st.links < cfg.max_links);
	correlate_free(c);
	world_fini(&w);
}

static void
memory_is_bounded(void **state)
{
	struct correlate_config cfg = correlate_defaults;
	struct correlate_stats st;
	struct correlate *c;
	static struct world w;
	struct sighting_set s;

	(void)state;
	cfg.max_runs = 2000;
	cfg.max_links = 4000;
	c = correlate_new(&cfg);
	world_init(&w);
	s = set("a", "JP", T0, 99, "d:keep.example");
	feed(c, &s);
	s = set("b", "JP", T0, 99, "d:keep.example");
	feed(c, &s);
	for (unsigned i = 0; i < 20000; i++) {
		char keys[96];

		snprintf(keys, sizeof(keys), "d:x%u.example,a:203.0.113.1", i);
		s = set("a", "JP", T0 + i, 99, keys);
		feed(c, &s);
		if (i % 100 == 0) {
			flush(c, &w);
		}
	}
	flush(c, &w);
	correlate_stats(c, &st);
	assert_true(st.runs <= cfg.max_runs);
	assert_true(st.links <= cfg.max_links);
	assert_true(st.evicted > 0);
	/* The incident outlives the flood. */
	assert_int_equal(st.incidents, 1);
	correlate_free(c);
	world_fini(&w);
}

/* An event that another sensor turns out to have told of before counts as an
 * alert only, once, and where it was counted. */
static void
told_of_twice(void **state)
{
	struct correlate *c = correlate_new(&correlate_defaults);
	struct sighting_set one =
		set("a", "x", T0, STAGE_COUNT, "i:evil,r:1:7");
	struct sighting_set two =
		set("b", "y", T0, STAGE_COUNT, "i:evil,r:1:7");
	struct world *w = malloc(sizeof(*w));

	(void)state;
	assert_non_null(c);
	assert_non_null(w);
	world_init(w);
	one.events = two.events = 1;
	one.count = 3;
	assert_int_equal(correlate_add(c, &one), ERR_OK);
	assert_int_equal(correlate_add(c, &two), ERR_OK);
	flush(c, w);
	assert_int_equal(w->opened, 1);
	assert_int_equal(w->a.alerts, 4);
	assert_int_equal(w->a.events, 2);
	correlate_uncount(c, &two);
	flush(c, w);
	assert_int_equal(w->a.alerts, 4);
	assert_int_equal(w->a.events, 1);
	/* Nobody counted these. */
	correlate_uncount(c, &two);
	two.first_us = two.last_us = T0 + 100 * HOUR;
	correlate_uncount(c, &two);
	one.strong = false;
	correlate_uncount(c, &one);
	flush(c, w);
	assert_int_equal(w->a.events, 1);
	world_fini(w);
	free(w);
	correlate_free(c);
}

struct pasts {
	unsigned n;
	uint64_t ours, theirs;
};

static enum err
note_pasts(void *arg, const struct run *r)
{
	struct pasts *p = arg;

	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		*(strcmp(s->owner, "US") == 0 ? &p->theirs : &p->ours) =
			s->past;
		p->n++;
	}
	return ERR_OK;
}

/* Of what partners tell nobody knows here how they found it. */
static void
the_past_is_counted(void **state)
{
	struct pasts p = { 0 };
	struct correlate_sink sink = { &p, NULL, NULL, note_pasts, NULL };
	struct sighting_set s = set("a", "JP", T0, 99, "i:x");
	struct correlate *c = correlate_new(&correlate_defaults);

	(void)state;
	s.strong = false;
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	s.past = true;
	s.count = 5;
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	s = set("US:b", "US", T0, 99, "i:x");
	s.strong = false;
	s.past = true;
	assert_int_equal(correlate_add(c, &s), ERR_OK);
	assert_int_equal(correlate_flush(c, &sink), ERR_OK);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.ours, 5);
	assert_int_equal(p.theirs, 0);
	correlate_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_key_at_two_sites),
		cmocka_unit_test(two_owners_at_one_site_suffice),
		cmocka_unit_test(a_rule_that_is_off_opens_nothing),
		cmocka_unit_test(
			a_million_alerts_of_one_cause_are_one_incident),
		cmocka_unit_test(a_rule_that_misfires_is_one_incident),
		cmocka_unit_test(what_is_no_flood_opens_nothing),
		cmocka_unit_test(late_alerts_of_a_flood_count),
		cmocka_unit_test(the_future_hides_no_flood),
		cmocka_unit_test(silence_longer_than_the_window_parts),
		cmocka_unit_test(weak_and_generic_keys_open_nothing),
		cmocka_unit_test(stages_in_order_against_one_host),
		cmocka_unit_test(a_busy_host_joins_nothing),
		cmocka_unit_test(exercises_do_not_mix),
		cmocka_unit_test(any_order_gives_the_same),
		cmocka_unit_test(random_sightings_in_any_order),
		cmocka_unit_test(growing_never_lowers),
		cmocka_unit_test(told_of_twice),
		cmocka_unit_test(partners_alone_open_nothing),
		cmocka_unit_test(partners_push_out_their_own),
		cmocka_unit_test(the_future_makes_room_first),
		cmocka_unit_test(old_links_make_room),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(the_past_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
