/* SPDX-License-Identifier: Apache-2.0 */
/* What indicators have in common, once. */
#include <stdlib.h>

#include "rules/ioc_live_db.h"

#define NONE UINT32_MAX
#define KEY_CAP (MARKING_TEXT_CAP + 5 * INDICATOR_TEXT_CAP)

/* Text with its zero, of at most INDICATOR_TEXT_CAP bytes. */
static size_t
add_text(char *key, size_t at, const char *text)
{
	size_t len = strnlen(text, INDICATOR_TEXT_CAP - 1);

	memcpy(key + at, text, len);
	key[at + len] = '\0';
	return at + len + 1;
}

static size_t
make_key(const struct indicator *i, char key[KEY_CAP])
{
	char mark[MARKING_TEXT_CAP];
	size_t n = add_text(key, 0, marking_text(&i->mark, mark));

	n = add_text(key, n, i->source);
	n = add_text(key, n, i->description);
	n = add_text(key, n, i->tactic);
	n = add_text(key, n, i->labels);
	return add_text(key, n, i->kill_chain);
}

static bool
is_same(const struct live_note *n, const struct live_note *like,
	const char *key)
{
	return n->hash == like->hash && n->key_len == like->key_len &&
	       n->severity == like->severity && n->exact == like->exact &&
	       memcmp(n->key, key, like->key_len) == 0;
}

/* More buckets; few suffice as well, so that it may fail. */
static void
spread(struct ioc_live *l)
{
	uint32_t n = MAX(l->n_buckets * 2, UINT32_C(64));
	uint32_t *b = malloc(n * sizeof(*b));

	if (b == NULL) {
		return;
	}
	memset(b, 0xff, n * sizeof(*b));
	for (uint32_t i = 0; i < l->n_buckets; i++) {
		for (uint32_t at = l->bucket[i]; at != NONE;) {
			struct live_note *note = l->notes[at];
			uint32_t next = note->next, to = note->hash & (n - 1);

			note->next = b[to];
			b[to] = at;
			at = next;
		}
	}
	live_memory(l, n * sizeof(*b), l->n_buckets * sizeof(*b));
	free(l->bucket);
	l->bucket = b;
	l->n_buckets = n;
}

/* A place for one note more, in an array that readers follow. */
static bool
grow(struct ioc_live *l)
{
	uint32_t cap = MAX(l->cap_notes + l->cap_notes / 2, UINT32_C(64));
	struct live_note **v, **old = l->notes;

	if (l->n_notes < l->cap_notes) {
		return true;
	}
	if (l->n_notes == REC_NOTE) {
		return false;
	}
	v = malloc(cap * sizeof(*v));
	if (v == NULL) {
		return false;
	}
	if (old != NULL) {
		memcpy(v, old, l->n_notes * sizeof(*v));
	}
	__atomic_store_n(&l->notes, v, __ATOMIC_RELEASE);
	live_memory(l, cap * sizeof(*v), l->cap_notes * sizeof(*v));
	l->cap_notes = cap;
	if (old != NULL) {
		live_retire(l, old, NONE);
	}
	return true;
}

static struct live_note *
note_new(struct ioc_live *l, const struct live_note *like, const char *key)
{
	struct live_note *n = malloc(sizeof(*n) + like->key_len);

	if (n == NULL || (l->n_free == 0 && !grow(l))) {
		free(n);
		return NULL;
	}
	*n = *like;
	memcpy(n->key, key, like->key_len);
	n->number = l->n_free > 0 ? l->free_note[--l->n_free] : l->n_notes++;
	__atomic_store_n(&l->notes[n->number], n, __ATOMIC_RELEASE);
	live_memory(l, sizeof(*n) + n->key_len, 0);
	if (++l->live_notes > l->n_buckets) {
		spread(l);
	}
	if (l->n_buckets > 0) {
		n->next = l->bucket[n->hash & (l->n_buckets - 1)];
		l->bucket[n->hash & (l->n_buckets - 1)] = n->number;
	}
	return n;
}

struct live_note *
live_note_get(struct ioc_live *l, const struct indicator *i)
{
	char key[KEY_CAP];
	struct live_note like = { .severity = MAX(i->severity, 1),
				  .exact = i->exact,
				  .next = NONE };
	struct live_note *n = NULL;
	uint32_t at = NONE;

	like.key_len = (uint16_t)make_key(i, key);
	like.hash = keyhash(&l->key, view_of(key, like.key_len));
	if (l->n_buckets > 0) {
		at = l->bucket[like.hash & (l->n_buckets - 1)];
	}
	while (at != NONE && !is_same(l->notes[at], &like, key)) {
		at = l->notes[at]->next;
	}
	n = at != NONE ? l->notes[at] : note_new(l, &like, key);
	if (n != NULL) {
		n->refs++;
	}
	return n;
}

void
live_note_put(struct ioc_live *l, uint32_t number)
{
	struct live_note *n = l->notes[number];

	if (--n->refs > 0) {
		return;
	}
	if (l->n_buckets > 0) {
		uint32_t *at = &l->bucket[n->hash & (l->n_buckets - 1)];

		while (*at != NONE && *at != number) {
			at = &l->notes[*at]->next;
		}
		if (*at == number) {
			*at = n->next;
		}
	}
	l->live_notes--;
	live_memory(l, 0, sizeof(*n) + n->key_len);
	live_retire(l, n, number);
}

void
live_note_free_number(struct ioc_live *l, uint32_t number)
{
	if (l->n_free == l->cap_free) {
		uint32_t cap = MAX(l->cap_free * 2, UINT32_C(64));
		void *v = realloc(l->free_note, cap * sizeof(*l->free_note));

		if (v == NULL) {
			return; /* a number that is not used again */
		}
		l->free_note = v;
		l->cap_free = cap;
	}
	/* It is freed by who calls. */
	l->notes[number] = NULL;
	l->free_note[l->n_free++] = number;
}

void
live_notes_fini(struct ioc_live *l)
{
	for (uint32_t i = 0; i < l->n_notes; i++) {
		free(l->notes[i]);
	}
	free(l->notes);
	free(l->bucket);
	free(l->free_note);
}
