/* SPDX-License-Identifier: Apache-2.0 */
/* What is of an exercise, and of which inject. */
#include "common/exercise.h"

/* What an inject has, and what of it holds. */
enum {
	HAS_OWN = 1,
	HAS_TARGET = 2,
	HAS_SPECIFIC = 4,
	TARGET_A = 8, /* this end is aimed at */
	TARGET_B = 16,
	OWN_SOURCE = 32,
	OWN_NAME = 64,
	SPECIFIC = 128
};

static bool
in_range(const struct exercise *e, const struct addr *a)
{
	for (unsigned i = 0; i < e->n_ranges; i++) {
		if (cidr_contains(&e->range[i], a)) {
			return true;
		}
	}
	return false;
}

static bool
is_player(const struct exercise *e, const struct addr *a)
{
	for (unsigned i = 0; i < e->n_players; i++) {
		if (cidr_contains(&e->player[i], a)) {
			return true;
		}
	}
	for (unsigned i = 0; i < e->n_sources; i++) {
		if (cidr_contains(&e->source[i].net, a)) {
			return true;
		}
	}
	return false;
}

/* The name itself, or one below it; a final dot means nothing. */
static bool
is_below(struct view name, const char *host)
{
	size_t n = strlen(host);

	name.len -= name.len > 0 && name.p[name.len - 1] == '.';
	if (name.len < n || (name.len > n && name.p[name.len - n - 1] != '.')) {
		return false;
	}
	return view_caseeq(view_of(name.p + name.len - n, n), view_cstr(host));
}

static bool
any_below(const struct view *names, size_t n, const char *host)
{
	for (size_t i = 0; i < n; i++) {
		if (is_below(names[i], host)) {
			return true;
		}
	}
	return false;
}

bool
exercise_has(const struct exercise *e, const struct addr *a,
	     const struct addr *b, uint64_t at_us, const struct view *hosts,
	     size_t n_hosts)
{
	bool a_in, b_in;

	if (at_us < e->from_us || at_us >= e->until_us) {
		return false;
	}
	a_in = in_range(e, a);
	b_in = in_range(e, b);
	if (!a_in && !b_in) {
		return false;
	}
	if ((a_in && is_player(e, b)) || (b_in && is_player(e, a))) {
		return true;
	}
	for (unsigned i = 0; i < e->n_hosts && n_hosts > 0; i++) {
		if (any_below(hosts, n_hosts, e->host[i].name)) {
			return true;
		}
	}
	return false;
}

/* Which ends of it are aimed at, by inject. */
static void
note_targets(const struct exercise *e, const struct exercise_facts *f,
	     uint8_t *has)
{
	for (unsigned i = 0; i < e->n_targets; i++) {
		const struct exercise_source *t = &e->target[i];

		has[t->inject] |=
			(uint8_t)(HAS_TARGET |
				  (cidr_contains(&t->net, f->a) ? TARGET_A
								: 0) |
				  (cidr_contains(&t->net, f->b) ? TARGET_B
								: 0));
	}
	for (unsigned k = 0; k < e->n_injects; k++) {
		uint8_t all =
			(has[k] & HAS_TARGET) == 0 ? TARGET_A | TARGET_B : 0;

		has[k] |= all;
		has[k] &= in_range(e, f->a) ? 0xff : (uint8_t)~TARGET_A;
		has[k] &= in_range(e, f->b) ? 0xff : (uint8_t)~TARGET_B;
	}
}

static void
note_own(const struct exercise *e, const struct exercise_facts *f, uint8_t *has)
{
	for (unsigned i = 0; i < e->n_sources; i++) {
		const struct exercise_source *s = &e->source[i];
		uint8_t *h = &has[s->inject];

		*h |= HAS_OWN;
		if (((*h & TARGET_A) != 0 && cidr_contains(&s->net, f->b)) ||
		    ((*h & TARGET_B) != 0 && cidr_contains(&s->net, f->a))) {
			*h |= OWN_SOURCE;
		}
	}
	for (unsigned i = 0; i < e->n_hosts; i++) {
		uint8_t *h = &has[e->host[i].inject];

		*h |= HAS_OWN;
		if (any_below(f->hosts, f->n_hosts, e->host[i].name)) {
			*h |= OWN_NAME;
		}
	}
}

static void
note_specific(const struct exercise *e, const struct exercise_facts *f,
	      uint8_t *has)
{
	for (unsigned i = 0; i < e->n_sids; i++) {
		const struct exercise_sid *s = &e->sid[i];

		has[s->inject] |= HAS_SPECIFIC;
		if (f->sid != 0 && s->sid == f->sid && s->gid == f->gid) {
			has[s->inject] |= SPECIFIC;
		}
	}
	for (unsigned i = 0; i < e->n_values; i++) {
		const struct exercise_value *v = &e->value[i];

		has[v->inject] |= HAS_SPECIFIC;
		if (f->indicator.len > 0 &&
		    view_caseeq(f->indicator, view_cstr(v->text))) {
			has[v->inject] |= SPECIFIC;
		}
	}
}

/* How much of what the inject says holds; -1: something does not. */
static int
score_of(const struct exercise_inject *i, uint8_t has, uint64_t at_us)
{
	bool timed = i->until_us != 0;

	if ((has & (TARGET_A | TARGET_B)) == 0 ||
	    ((has & HAS_OWN) != 0 && (has & (OWN_SOURCE | OWN_NAME)) == 0) ||
	    ((has & HAS_SPECIFIC) != 0 && (has & SPECIFIC) == 0) ||
	    (timed && (at_us < i->at_us || at_us >= i->until_us))) {
		return -1;
	}
	return ((has & SPECIFIC) != 0 ? 16 : 0) +
	       ((has & OWN_SOURCE) != 0 ? 8 : 0) +
	       ((has & OWN_NAME) != 0 ? 4 : 0) +
	       ((has & HAS_TARGET) != 0 ? 2 : 0) + (timed ? 1 : 0);
}

int
exercise_inject_of(const struct exercise *e, const struct exercise_facts *f)
{
	uint8_t has[EXERCISE_MAX_INJECTS] = { 0 };
	int best = EXERCISE_BESIDE, most = -1;

	if (!exercise_has(e, f->a, f->b, f->at_us, f->hosts, f->n_hosts)) {
		return EXERCISE_REAL;
	}
	note_targets(e, f, has);
	note_own(e, f, has);
	note_specific(e, f, has);
	for (unsigned k = 0; k < e->n_injects; k++) {
		int score = score_of(&e->inject[k], has[k], f->at_us);

		if (score > most) {
			most = score;
			best = (int)k;
		}
	}
	return best;
}

/* The host of a URL; else the value itself. */
static struct view
host_part(struct view v)
{
	for (size_t i = 0; i + 3 <= v.len; i++) {
		if (memcmp(v.p + i, "://", 3) == 0) {
			v = view_of(v.p + i + 3, v.len - i - 3);
			for (i = 0; i < v.len && v.p[i] != '/' && v.p[i] != ':';
			     i++) {
			}
			return view_of(v.p, i);
		}
	}
	return v;
}

int
exercise_inject_of_value(const struct exercise *e, struct view value,
			 uint64_t at_us)
{
	uint8_t has[EXERCISE_MAX_INJECTS] = { 0 };
	struct view host = host_part(value);
	const struct exercise_facts f = { .hosts = &host,
					  .n_hosts = 1,
					  .indicator = value };
	int best = EXERCISE_BESIDE, most = 0;
	struct addr a;
	bool is_addr = addr_parse(host, &a);

	note_specific(e, &f, has);
	for (unsigned i = 0; i < e->n_sources && is_addr; i++) {
		if (cidr_contains(&e->source[i].net, &a)) {
			has[e->source[i].inject] |= OWN_SOURCE;
		}
	}
	for (unsigned i = 0; i < e->n_hosts; i++) {
		if (any_below(&host, 1, e->host[i].name)) {
			has[e->host[i].inject] |= OWN_NAME;
		}
	}
	for (unsigned k = 0; k < e->n_injects; k++) {
		int score = 0;

		/* What else it has cannot be told of a value. */
		has[k] &= SPECIFIC | OWN_SOURCE | OWN_NAME;
		if (has[k] != 0) {
			score = score_of(&e->inject[k], has[k] | TARGET_A,
					 at_us);
		}
		if (score > most) {
			most = score;
			best = (int)k;
		}
	}
	return best;
}
