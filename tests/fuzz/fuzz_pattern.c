/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a STIX pattern, held against observations.  The first line is the
 * pattern; each byte behind it draws a fact, or the next observation.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/pattern_tree.h"
#include "rules/ioc_pattern_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok) {
		abort();
	}
}

static enum err
no_value(void *arg, enum indicator_kind kind, bool exact, struct view value)
{
	unsigned *n = arg;

	require(kind < INDICATOR_PATTERN && !exact && value.p != NULL);
	++*n;
	return ERR_OK;
}

/* Printed and read again it is the same. */
static void
check_print(struct view text)
{
	static char once[1 << 20], twice[1 << 20];
	struct pattern *p, *again;
	struct diag d = { "" };
	unsigned told = 0;
	enum err e = pattern_parse(&p, text, &d);

	require((e == ERR_OK) == (p != NULL));
	if (e != ERR_OK) {
		require(d.msg[0] != '\0');
		return;
	}
	require(pattern_print(p, once, sizeof(once)) < sizeof(once));
	if (pattern_values(p, no_value, &told, &e)) {
		require(told > 0 && e == ERR_OK);
	} else {
		require(told == 0);
	}
	e = pattern_parse(&again, view_cstr(once), &d);
	/* Its spelling may be longer than it was, and too long. */
	require(e == ERR_OK || e == ERR_LIMIT);
	if (e == ERR_OK) {
		require(again->n_comparisons == p->n_comparisons);
		pattern_print(again, twice, sizeof(twice));
		require(strcmp(once, twice) == 0);
	}
	pattern_free(again);
	pattern_free(p);
}

static void
draw_fact(struct observation *o, uint8_t b, struct view rest)
{
	enum pattern_property p =
		(enum pattern_property)(b % PATTERN_PROPERTIES);
	uint8_t object =
		o->n_objects > 0 && (b & 0x80) != 0
			? (uint8_t)(o->n_objects - 1)
			: observation_object(
				  o, (enum observed_type)(b % OBSERVED_TYPES));
	struct observed_fact *f = observation_add(o, p, object, (b & 1) != 0);

	if (f != NULL) {
		f->text = view_sub(rest, 0, b);
		f->name = VIEW_LIT("user-agent");
		f->number = b;
		f->index = b % 3;
		f->addr.b[15] = b;
	}
}

static void
run(struct ioc_pattern_set *s, const struct ioc_prog *p, struct view drawn)
{
	static struct observation o;
	static struct ioc_pattern_hits hits;
	struct ioc_run r;
	struct ioc_pattern_state *t = ioc_pattern_state_new(1);

	require(t != NULL && ioc_run_init(&r));
	r.obs = &o;
	observation_reset(&o, PATTERN_AT_BEGIN, 0);
	for (size_t i = 0; i < drawn.len; i++) {
		uint8_t b = drawn.p[i];

		if (b % 8 != 0) {
			draw_fact(&o, b, view_sub(drawn, i, drawn.len));
			continue;
		}
		ioc_pattern_find(s, &r, &hits);
		require(hits.n <= 1);
		if (hits.n > 0 && p->stateful) {
			ioc_pattern_state_apply(t, p, hits.v[0].leaves,
						o.ts_us);
		} else if (hits.n > 0) {
			ioc_pattern_holds(p, hits.v[0].leaves, o.ts_us);
		}
		observation_reset(&o, (enum pattern_moment)(1 << (b / 8 % 4)),
				  o.ts_us + b * UINT64_C(50000));
	}
	ioc_run_fini(&r);
	ioc_pattern_state_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t n = end != NULL ? (size_t)(end - data) : size;
	struct ioc_pattern_set *s;
	struct ioc_prog *p;
	struct diag d;

	check_print(view_of(data, n));
	if (ioc_prog_new(&p, view_of(data, n), &d) != ERR_OK) {
		return 0;
	}
	s = ioc_pattern_set_new();
	require(s != NULL);
	if (ioc_pattern_set_add(s, p, 0, &d) == ERR_OK) {
		run(s, p, view_sub(view_of(data, size), n, size));
	} else {
		ioc_prog_free(p);
	}
	ioc_pattern_set_free(s);
	return 0;
}
