/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes made by somebody who knows the literals: what a prefilter has to do for
 * each of them is bounded, and counted here, not timed.
 */
#include <stdlib.h>

#include "rules/prefilter.h"
#include "rules/prefilter_db.h"
#include "tests/test.h"

#define MAX_LITS 2048
#define UNIT 1500
#define UNITS 40
#define LIT_BYTES 48
#define MOST_KEYS 20000
/* A key costs as much as some compares; so many of both to a byte. */
#define KEY_WORTH 8
#define MOST_WORK (KEY_WORTH + 8)
#define MOST_OF_A_KEY 16 /* literals, where they have others to choose from */

struct set {
	struct prefilter_literal lits[MAX_LITS];
	uint8_t bytes[MAX_LITS][LIT_BYTES];
	size_t n;
};

struct attack {
	uint8_t key[MOST_KEYS][4];
	size_t n_keys;
	uint8_t worst[4];
	uint64_t crowd; /* literals of the worst key */
	uint8_t data[UNITS * UNIT];
};

static uint64_t bits[MAX_LITS / 64];
static struct prefilter_hit hits[MAX_LITS];
static struct set set;
static struct attack attack;

static uint32_t
roll(uint32_t below)
{
	static uint64_t x = 7;

	x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((x >> 32) * below >> 32);
}

static void
add(struct set *s, const char *front, const char *back)
{
	uint8_t *p = s->bytes[s->n];
	size_t n = 0, letters = 3 + roll(12);

	assert_true(s->n < MAX_LITS &&
		    strlen(front) + strlen(back) + letters <= LIT_BYTES);
	for (; *front != '\0'; front++) {
		p[n++] = (uint8_t)*front;
	}
	for (size_t i = 0; i < letters; i++) {
		p[n++] = (uint8_t) "etaoinshrdlu_0123"[roll(17)];
	}
	for (; *back != '\0'; back++) {
		p[n++] = (uint8_t)*back;
	}
	s->lits[s->n] = (struct prefilter_literal){
		.bytes = view_of(p, n),
		.nocase = roll(2) == 0,
		.id = (uint32_t)s->n,
		.to = PREFILTER_ANYWHERE,
	};
	s->n++;
}

/* Literals such as rules have: many begin or end like many others. */
static void
make_families(struct set *s)
{
	static const char *const family[][2] = {
		{ "/cgi-bin/", "?" },   { "dbms_repcat.", "" },
		{ "User-Agent: ", "" }, { "action=\"", ".php\"" },
		{ ".php?", "=" },       { "", "lib." },
		{ "${jndi:", "" },      { "", "" },
	};

	s->n = 0;
	for (unsigned i = 0; i < 1600; i++) {
		unsigned k = i % ARRAY_LEN(family);

		add(s, family[k][0], family[k][1]);
	}
}

/* The same rare bytes in front of all: there is no key but theirs. */
static void
make_twins(struct set *s)
{
	s->n = 0;
	for (unsigned i = 0; i < 1200; i++) {
		add(s, "\xf1\x9d\xd7\x83\xb5\xa9\x97\x8b\xf7\xfb\x91\xc5", "");
	}
}

static struct prefilter_work
scan(const struct prefilter *p, struct prefilter_scratch *s, struct view data,
     size_t *found)
{
	struct prefilter_work was = *prefilter_work(s), is;
	const struct prefilter_input in = { .data = data };

	memset(bits, 0, sizeof(bits));
	*found = prefilter_scan(p, s, &in, bits, hits);
	is = *prefilter_work(s);
	is.keys -= was.keys;
	is.compares -= was.compares;
	is.linear_blocks -= was.linear_blocks;
	is.linear_bytes -= was.linear_bytes;
	is.linear_ends -= was.linear_ends;
	return is;
}

/* What somebody could learn who has the program and the rules. */
static void
find_keys(struct attack *a, const struct set *l, const struct prefilter *p,
	  struct prefilter_scratch *s)
{
	a->n_keys = a->crowd = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct view v = l->lits[i].bytes;

		for (size_t at = 0; at + 4 <= v.len; at++) {
			size_t found;
			struct prefilter_work w =
				scan(p, s, view_sub(v, at, 4), &found);

			if (w.compares == 0 || a->n_keys == MOST_KEYS) {
				continue;
			}
			memcpy(a->key[a->n_keys++], v.p + at, 4);
			if (w.compares > a->crowd) {
				a->crowd = w.compares;
				memcpy(a->worst, v.p + at, 4);
			}
		}
	}
	assert_true(a->n_keys >= 6);
}

enum kind { KEYS, WORST, NEAR, WHOLE, FRONTS, KINDS };

static void
make_data(struct attack *a, const struct set *l, enum kind kind)
{
	size_t at = 0;

	while (at < sizeof(a->data)) {
		struct view v = l->lits[roll((uint32_t)l->n)].bytes;
		uint8_t last = v.p[v.len - 1];

		switch (kind) {
		case KEYS:
			v = view_of(a->key[roll((uint32_t)a->n_keys)], 4);
			break;
		case WORST:
			v = view_of(a->worst, 4);
			break;
		case FRONTS:
			v = view_sub(v, 0, MIN(v.len - 1, (size_t)12));
			break;
		default:
			break;
		}
		v = view_sub(v, 0, sizeof(a->data) - at);
		memcpy(a->data + at, v.p, v.len);
		at += v.len;
		if (kind == NEAR) {
			a->data[at - 1] = (uint8_t)(last ^ 0x80);
		}
	}
}

/* As many work units as one byte may cost, whatever the bytes are. */
static void
check_bound(const struct prefilter_work *w)
{
	uint64_t more = (BLOCK_COMPARES + attack.crowd + KEY_WORTH) *
			(UNIT / BLOCK + 1);

	assert_true(w->keys <= UNIT);
	assert_true(w->compares <= more);
	assert_true(w->linear_blocks <= 2 * (UNIT / BLOCK + 1));
	assert_true(w->linear_bytes <=
		    w->linear_blocks * (BLOCK + 2 * LIT_BYTES));
}

/* Each path, each kind of data; says how often the automaton was asked. */
static uint64_t
attack_all(const struct set *l, bool families)
{
	struct prefilter_scratch *s = prefilter_scratch_new();
	uint64_t linear = 0;
	struct diag d;

	for (unsigned i = 0; prefilter_path_name(i) != NULL; i++) {
		struct prefilter *p;

		assert_true(prefilter_force_path(prefilter_path_name(i)));
		p = prefilter_build(l->lits, l->n, &d);
		assert_non_null(p);
		find_keys(&attack, l, p, s);
		if (families) {
			assert_true(attack.crowd <= MOST_OF_A_KEY);
		}
		for (unsigned k = 0; k < KINDS; k++) {
			make_data(&attack, l, (enum kind)k);
			for (unsigned u = 0; u < UNITS; u++) {
				struct view v =
					view_of(attack.data + u * UNIT, UNIT);
				struct prefilter_work w;
				size_t found, again;

				w = scan(p, s, v, &found);
				check_bound(&w);
				linear += w.linear_blocks;
				if (families) {
					assert_true(w.keys * KEY_WORTH +
							    w.compares <=
						    UNIT * MOST_WORK);
				}
				prefilter_force_linear(s, UINT32_MAX);
				(void)scan(p, s, v, &again);
				assert_int_equal(found, again);
				prefilter_force_linear(s, 0);
				(void)scan(p, s, v, &again);
				assert_int_equal(found, again);
				prefilter_force_linear(s, BLOCK_COMPARES);
			}
		}
		prefilter_free(p);
	}
	assert_true(prefilter_force_path(NULL));
	prefilter_scratch_free(s);
	return linear;
}

/* Keys are spread: hostile bytes cost a few compares, and no automaton. */
static void
test_families(void **state)
{
	(void)state;
	make_families(&set);
	assert_int_equal(attack_all(&set, true), 0);
}

/* Where they cannot be, the automaton takes over. */
static void
test_twins(void **state)
{
	(void)state;
	make_twins(&set);
	assert_true(attack_all(&set, false) > 0);
	assert_true(attack.crowd > MOST_OF_A_KEY);
}

/* Runs ask only for literals of their own byte and length. */
static void
test_runs(void **state)
{
	struct prefilter_scratch *s = prefilter_scratch_new();
	struct prefilter *p;
	struct diag d;
	size_t found;

	(void)state;
	set.n = 0;
	for (unsigned i = 0; i < 400; i++) {
		size_t len = 4 + i % 40;

		memset(set.bytes[i], (int)(i % 200 + 1), len);
		set.lits[i] = (struct prefilter_literal){
			.bytes = view_of(set.bytes[i], len),
			.id = i,
			.to = PREFILTER_ANYWHERE,
		};
	}
	p = prefilter_build(set.lits, 400, &d);
	assert_non_null(p);
	for (unsigned i = 0; i < 400; i++) {
		(void)scan(p, s, set.lits[i].bytes, &found);
		/* its own, and what is no longer of the same byte */
		for (size_t k = 0; k < found; k++) {
			const struct prefilter_literal *l =
				&set.lits[hits[k].id];

			assert_int_equal(l->bytes.p[0], set.bytes[i][0]);
			assert_true(l->bytes.len <= set.lits[i].bytes.len);
		}
		assert_true(bits[i / 64] >> (i % 64) & 1);
	}
	prefilter_free(p);
	prefilter_scratch_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
