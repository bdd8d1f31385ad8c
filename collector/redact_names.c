/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/redact_names.h"

#include <stdlib.h>

#include "collector/mark_set.h"
#include "collector/redact_fold.h"
#include "collector/redact_scan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct redact_names {
	struct redact_name *slots; /* open addressing; key NULL is free */
	size_t n, cap;
	size_t longest; /* bytes of a key */
	char *key; /* what is looked up, of 'longest' bytes */
	bool no_memory;
};

/* What is between two words of a name at most; of another text no more is
 * looked at. */
#define GAP_MAX 256

/* A key in the making. */
struct writing {
	char *p;
	size_t len, cap;
	bool full;
};

static void
put(struct writing *w, uint8_t c)
{
	if (w->len == w->cap) {
		w->full = true;
	} else {
		w->p[w->len++] = (char)ascii_lower(c);
	}
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '-' ||
	       c == '_';
}

/* The word at v[at], if one begins there; where it ends. */
static size_t
put_word(struct writing *w, struct view v, size_t at)
{
	size_t end = redact_scan_word(v, at);

	for (; at < end && !w->full; at++) {
		put(w, v.p[at]);
	}
	return end;
}

/* What stands before the next word; where that begins. */
static size_t
put_gap(struct writing *w, struct view v, size_t at)
{
	size_t end = MIN(v.len, at + GAP_MAX);
	bool blank = false;

	while (at < end && !w->full && redact_scan_word(v, at) == at) {
		if (!is_blank(v.p[at])) {
			put(w, v.p[at]);
		} else if (!blank) {
			put(w, ' ');
		}
		blank = is_blank(v.p[at++]);
	}
	return at;
}

static uint64_t
hash_of(const char *key, size_t len)
{
	return XXH3_64bits(key, len);
}

static struct redact_name *
find(const struct redact_names *n, const char *key, size_t len)
{
	size_t slot;

	if (n->n == 0) {
		return NULL;
	}
	for (slot = hash_of(key, len) % n->cap; n->slots[slot].key != NULL;
	     slot = (slot + 1) % n->cap) {
		if (n->slots[slot].len == len &&
		    memcmp(n->slots[slot].key, key, len) == 0) {
			return &n->slots[slot];
		}
	}
	return NULL;
}

const struct redact_name *
redact_names_at(struct redact_names *n, struct view text, size_t at,
		size_t *len)
{
	struct writing w = { .p = n->key, .cap = n->longest };
	const struct redact_name *best = NULL;
	size_t next = at;

	while (next < text.len && !w.full) {
		size_t end = put_word(&w, text, next);
		const struct redact_name *found =
			w.full ? NULL : find(n, w.p, w.len);

		if (end == next) {
			break;
		}
		if (found != NULL) {
			best = found;
			*len = end - at;
		}
		next = put_gap(&w, text, end);
	}
	return best;
}

/* --------------------------------------------------------------- the table */

static void
put_name(struct redact_names *n, struct redact_name name)
{
	size_t slot = hash_of(name.key, name.len) % n->cap;

	while (n->slots[slot].key != NULL) {
		slot = (slot + 1) % n->cap;
	}
	n->slots[slot] = name;
}

static bool
grow(struct redact_names *n)
{
	struct redact_name *old = n->slots;
	size_t was = n->cap;

	if (2 * n->n < n->cap) {
		return true;
	}
	n->cap = MAX(2 * was, (size_t)256);
	n->slots = calloc(n->cap, sizeof(*n->slots));
	if (n->slots == NULL) {
		n->slots = old;
		n->cap = was;
		return false;
	}
	for (size_t i = 0; i < was; i++) {
		if (old[i].key != NULL) {
			put_name(n, old[i]);
		}
	}
	free(old);
	return true;
}

/* From its first word to its last, without what stands around them. */
static void
write_key(struct writing *w, struct view v)
{
	size_t at = 0, words = 0;

	while (at < v.len && redact_scan_word(v, at) == at) {
		at++;
	}
	while (at < v.len) {
		at = put_word(w, v, at);
		words = w->len;
		at = put_gap(w, v, at);
	}
	w->len = words;
}

/* Takes 'key' over. */
static void
take_name(struct redact_names *n, char *key, size_t len, enum mission_name what,
	  const struct marking *mark)
{
	struct redact_name *has = find(n, key, len);

	if (len == 0) {
		free(key);
	} else if (has != NULL) {
		free(key);
		has->what |= 1u << what;
		if (!mark_same(has->mark, mark)) {
			has->mark = &mark_nobody;
		}
	} else if (!grow(n)) {
		free(key);
		n->no_memory = true;
	} else {
		put_name(n, (struct redact_name){ key, len, 1u << what, mark });
		n->n++;
		n->longest = MAX(n->longest, len);
	}
}

static void
add_name(void *arg, enum mission_name what, const char *name,
	 const struct marking *mark)
{
	struct redact_names *n = arg;
	struct redact_fold f;
	bool folded = redact_fold(&f, view_cstr(name));
	struct writing w = { .p = malloc(f.text.len + 1), .cap = f.text.len };

	if (!folded || w.p == NULL) {
		free(w.p);
		n->no_memory = true;
	} else {
		write_key(&w, f.text);
		take_name(n, w.p, w.len, what, mark);
	}
	redact_fold_fini(&f);
}

enum err
redact_names_new(struct redact_names **out, const struct mission_map *map)
{
	struct redact_names *n = calloc(1, sizeof(*n));

	*out = NULL;
	if (n == NULL) {
		return ERR_NOMEM;
	}
	mission_each_name(map, add_name, n);
	n->key = malloc(n->longest + 1);
	if (n->no_memory || n->key == NULL) {
		redact_names_free(n);
		return ERR_NOMEM;
	}
	*out = n;
	return ERR_OK;
}

void
redact_names_free(struct redact_names *n)
{
	if (n == NULL) {
		return;
	}
	for (size_t i = 0; i < n->cap; i++) {
		free(n->slots[i].key);
	}
	free(n->slots);
	free(n->key);
	free(n);
}
