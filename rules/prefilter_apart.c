/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of literals that no lane takes: those of one, two or three bytes,
 * wherever they may begin or at one place only, and those that are a run of
 * one byte.
 */
#include <stdlib.h>

#include "rules/byte_gram.h"
#include "rules/prefilter_lane.h"

void *
prefilter_alloc(size_t n)
{
	void *p;

	n = (n + 63) / 64 * 64;
	p = aligned_alloc(64, n);
	return p != NULL ? memset(p, 0, n) : NULL;
}

/* Of one range stand together, and in it what is as long and as common. */
static int
by_range(const void *a, const void *b)
{
	const struct prefilter_literal *x = *(const void *const *)a;
	const struct prefilter_literal *y = *(const void *const *)b;
	unsigned cx = byte_gram_string(x->bytes, x->nocase);
	unsigned cy = byte_gram_string(y->bytes, y->nocase);

	if (x->from != y->from || x->to != y->to) {
		return x->from != y->from ? (x->from < y->from ? -1 : 1)
					  : (x->to < y->to ? -1 : 1);
	}
	if (x->bytes.len != y->bytes.len) {
		return x->bytes.len < y->bytes.len ? -1 : 1;
	}
	return cx != cy ? (cx < cy ? -1 : 1) : (x > y) - (x < y);
}

static void
add_short(struct shorts *g, enum class_form form,
	  const struct prefilter_literal *l)
{
	g->from = l->from;
	g->to = l->to;
	g->width = MAX(g->width, (unsigned)l->bytes.len);
	g->len[g->n] = (uint8_t)l->bytes.len;
	g->id[g->n] = l->id;
	for (unsigned j = 0; j < SHORT_MAX; j++) {
		for (unsigned c = 0; c < 256; c++) {
			if (j >= l->bytes.len ||
			    ((c ^ l->bytes.p[j]) &
			     byte_mask(l->bytes.p[j], l->nocase)) == 0) {
				filter_admit(&g->at[j], form, g->n, (uint8_t)c);
			}
		}
	}
	g->n++;
}

bool
shorts_build(struct prefilter *p, const struct sorted *s)
{
	struct shorts *g = NULL;

	if (s->n_shorts == 0) {
		return true;
	}
	qsort(s->shorts, s->n_shorts, sizeof(s->shorts[0]), by_range);
	/* at most one for each */
	p->shorts = prefilter_alloc(s->n_shorts * sizeof(p->shorts[0]));
	if (p->shorts == NULL) {
		return false;
	}
	for (size_t i = 0; i < s->n_shorts; i++) {
		const struct prefilter_literal *l = s->shorts[i];

		if (g == NULL || g->n == SHORTS || g->from != l->from ||
		    g->to != l->to) {
			g = &p->shorts[p->n_shorts++];
		}
		add_short(g, p->path->form, l);
	}
	p->memory += p->n_shorts * sizeof(p->shorts[0]);
	return true;
}

static void
add_spot_literal(struct prefilter *p, struct spot *sp,
		 const struct prefilter_literal *l)
{
	struct spot_literal *x = &p->spot_literals[p->n_spot_literals++];

	*x = (struct spot_literal){ .len = (uint32_t)l->bytes.len,
				    .id = l->id };
	for (size_t j = 0; j < l->bytes.len; j++) {
		x->word |= (uint32_t)l->bytes.p[j] << (8 * j);
		x->mask |= (uint32_t)byte_mask(l->bytes.p[j], l->nocase)
			   << (8 * j);
	}
	for (unsigned c = 0; c < 256; c++) {
		if (((c ^ x->word) & x->mask & 0xff) == 0) {
			sp->begins[c / 64] |= UINT64_C(1) << (c % 64);
		}
	}
	sp->end = p->n_spot_literals;
}

bool
spots_build(struct prefilter *p, const struct sorted *s)
{
	struct spot *sp = NULL;

	if (s->n_spots == 0) {
		return true;
	}
	qsort(s->spots, s->n_spots, sizeof(s->spots[0]), by_range);
	/* at most one for each */
	p->spots = calloc(s->n_spots, sizeof(p->spots[0]));
	p->spot_literals = calloc(s->n_spots, sizeof(p->spot_literals[0]));
	if (p->spots == NULL || p->spot_literals == NULL) {
		return false;
	}
	for (size_t i = 0; i < s->n_spots; i++) {
		const struct prefilter_literal *l = s->spots[i];

		if (sp == NULL || sp->at != l->from) {
			sp = &p->spots[p->n_spots++];
			sp->at = l->from;
			sp->first = p->n_spot_literals;
		}
		add_spot_literal(p, sp, l);
	}
	p->memory += s->n_spots *
		     (sizeof(p->spots[0]) + sizeof(p->spot_literals[0]));
	return true;
}

static int
by_run(const void *a, const void *b)
{
	const struct prefilter_literal *x = *(const void *const *)a;
	const struct prefilter_literal *y = *(const void *const *)b;

	if (x->bytes.p[0] != y->bytes.p[0]) {
		return x->bytes.p[0] < y->bytes.p[0] ? -1 : 1;
	}
	if (x->bytes.len != y->bytes.len) {
		return x->bytes.len < y->bytes.len ? -1 : 1;
	}
	return (x > y) - (x < y);
}

bool
runs_build(struct prefilter *p, const struct sorted *s)
{
	if (s->n_runs == 0) {
		return true;
	}
	p->runs = calloc(s->n_runs, sizeof(p->runs[0]));
	if (p->runs == NULL) {
		return false;
	}
	p->memory += s->n_runs * sizeof(p->runs[0]);
	qsort(s->runs, s->n_runs, sizeof(s->runs[0]), by_run);
	for (size_t i = 0; i < s->n_runs; i++) {
		const struct prefilter_literal *l = s->runs[i];
		uint32_t len = (uint32_t)l->bytes.len;

		p->runs[p->n_runs++] = (struct run_literal){
			len,
			l->id,
			l->from,
			l->to,
		};
		p->run_first[l->bytes.p[0] + 1u] = p->n_runs;
		filter_admit(&p->run_bytes.at[0][0], p->path->form, 0,
			     l->bytes.p[0]);
		p->run_max = MAX(p->run_max, len);
	}
	for (unsigned c = 0; c < 256; c++) {
		p->run_first[c + 1] = MAX(p->run_first[c + 1], p->run_first[c]);
	}
	return true;
}
