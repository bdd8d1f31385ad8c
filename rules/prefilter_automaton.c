/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the automaton of prefilter_linear.h.  The literals are sorted, so that
 * those with the same beginning stand together: a state is a part of them and
 * how many bytes were read.  States are made shortest first, each with all of
 * its kids; so what a state falls back to, being shorter, is always complete.
 */
#include <stdlib.h>

#include "rules/prefilter_lane.h"

struct word {
	const uint8_t *p; /* classes */
	uint32_t len, entry;
};

/* The words that begin as the state does: [first, end). */
struct part {
	uint32_t first, end;
	uint32_t fail;
};

struct maker {
	struct linear *l;
	struct word *words;
	uint8_t *text;
	struct part *parts; /* of each state */
	uint32_t rows_cap;
};

static int
by_bytes(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int c = memcmp(x->p, y->p, MIN(x->len, y->len));

	if (c != 0 || x->len != y->len) {
		return c != 0 ? c : (x->len < y->len ? -1 : 1);
	}
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* A class for each byte that occurs; both cases of a letter are one. */
static void
number_classes(struct linear *l, const struct prefilter *p,
	       const struct entry_table *t)
{
	bool is_used[256] = { false };

	for (uint32_t i = 0; i < t->n; i++) {
		for (uint32_t k = 0; k < t->v[i].len; k++) {
			is_used[ascii_lower(p->text[t->v[i].text + k])] = true;
		}
	}
	l->n_classes = 1;
	for (unsigned c = 0; c < 256; c++) {
		if (is_used[c]) {
			l->class_of[c] = (uint8_t)l->n_classes++;
		}
	}
	for (unsigned c = 'A'; c <= 'Z'; c++) {
		l->class_of[c] = l->class_of[ascii_lower((uint8_t)c)];
	}
}

static bool
take_words(struct maker *m, const struct prefilter *p,
	   const struct entry_table *t)
{
	struct linear *l = m->l;
	size_t size = 0;
	uint8_t *to;

	for (uint32_t i = 0; i < t->n; i++) {
		size += t->v[i].len;
	}
	m->words = calloc(t->n, sizeof(m->words[0]));
	m->text = to = malloc(size);
	m->parts = malloc((size + 1) * sizeof(m->parts[0]));
	l->states = malloc((size + 1) * sizeof(l->states[0]));
	l->ends = malloc(t->n * sizeof(l->ends[0]));
	if (m->words == NULL || m->text == NULL || m->parts == NULL ||
	    l->states == NULL || l->ends == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		const struct entry *e = &t->v[i];

		m->words[i] = (struct word){ to, e->len, i };
		for (uint32_t k = 0; k < e->len; k++) {
			*to++ = l->class_of[p->text[e->text + k]];
		}
	}
	qsort(m->words, t->n, sizeof(m->words[0]), by_bytes);
	return true;
}

/* The words that are 'depth' bytes long are read; then what ends in them. */
static void
end_words(struct maker *m, uint32_t s, uint32_t depth)
{
	struct linear *l = m->l;
	struct part *part = &m->parts[s];
	uint32_t *link = &l->states[s].ends;

	for (; part->first < part->end && m->words[part->first].len == depth;
	     part->first++) {
		struct linear_end *e = &l->ends[l->n_ends++];

		e->entry = m->words[part->first].entry;
		*link = l->n_ends;
		link = &e->next;
	}
	*link = s == 0 ? 0 : l->states[part->fail].ends;
}

static bool
give_row(struct maker *m, uint32_t s, const uint8_t *by, unsigned n)
{
	struct linear *l = m->l;
	struct linear_state *x = &l->states[s];
	uint32_t *row, fail = m->parts[s].fail;

	if (l->n_rows == m->rows_cap) {
		uint32_t cap = m->rows_cap == 0 ? 16 : m->rows_cap * 2;

		row = realloc(l->rows,
			      (size_t)cap * l->n_classes * sizeof(row[0]));
		if (row == NULL) {
			return false;
		}
		l->rows = row;
		m->rows_cap = cap;
	}
	row = l->rows + (size_t)l->n_rows * l->n_classes;
	for (unsigned c = 0; c < l->n_classes; c++) {
		row[c] = s == 0 ? 0 : linear_step(l, fail, (uint8_t)c);
	}
	for (unsigned i = 0; i < n; i++) {
		row[by[i]] = x->kids + i;
	}
	x->n_kids = LINEAR_ROW;
	x->fail = l->n_rows++ * l->n_classes;
	return true;
}

/* Makes the kids of 's'. */
static bool
complete(struct maker *m, uint32_t s, uint32_t depth)
{
	struct linear *l = m->l;
	struct linear_state *x = &l->states[s];
	const struct part *part = &m->parts[s];
	uint8_t by[256];
	unsigned n = 0;

	x->kids = l->n_states;
	x->fail = part->fail;
	for (uint32_t i = part->first; i < part->end;) {
		uint8_t class = m->words[i].p[depth];
		struct part *kid = &m->parts[l->n_states++];

		kid->first = i;
		kid->fail = s == 0 ? 0 : linear_step(l, part->fail, class);
		while (i < part->end && m->words[i].p[depth] == class) {
			i++;
		}
		kid->end = i;
		by[n++] = class;
	}
	if (n > LINEAR_KIDS || s == 0) {
		return give_row(m, s, by, n);
	}
	x->n_kids = (uint8_t)n;
	memcpy(x->by, by, n);
	return true;
}

static bool
make_states(struct maker *m, uint32_t n_words)
{
	struct linear *l = m->l;
	uint32_t depth = 0, level = 1; /* where the next depth begins */

	l->n_states = 1;
	m->parts[0] = (struct part){ 0, n_words, 0 };
	for (uint32_t s = 0; s < l->n_states; s++) {
		if (s == level) {
			depth++;
			level = l->n_states;
		}
		l->states[s] = (struct linear_state){ .n_kids = 0 };
		end_words(m, s, depth);
		if (!complete(m, s, depth)) {
			return false;
		}
	}
	return true;
}

/* What was reserved for the worst. */
static void
give_back(struct linear *l)
{
	void *p = realloc(l->states, l->n_states * sizeof(l->states[0]));

	l->states = p != NULL ? p : l->states;
	p = realloc(l->rows,
		    (size_t)l->n_rows * l->n_classes * sizeof(l->rows[0]));
	l->rows = p != NULL ? p : l->rows;
}

struct linear *
linear_build(struct prefilter *p, const struct entry_table *t)
{
	struct maker m = { .l = calloc(1, sizeof(*m.l)) };
	bool good = false;

	if (m.l == NULL) {
		return NULL;
	}
	number_classes(m.l, p, t);
	if (take_words(&m, p, t) && make_states(&m, t->n)) {
		good = true;
		give_back(m.l);
		p->memory += sizeof(*m.l) +
			     m.l->n_states * sizeof(m.l->states[0]) +
			     (size_t)m.l->n_rows * m.l->n_classes *
				     sizeof(m.l->rows[0]) +
			     m.l->n_ends * sizeof(m.l->ends[0]);
	}
	free(m.words);
	free(m.text);
	free(m.parts);
	if (!good) {
		linear_free(m.l);
	}
	return good ? m.l : NULL;
}

void
linear_free(struct linear *l)
{
	if (l != NULL) {
		free(l->states);
		free(l->rows);
		free(l->ends);
		free(l);
	}
}
