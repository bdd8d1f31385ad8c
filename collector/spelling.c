/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/spelling.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BUCKETS 4096

/* What one site has named. */
struct from {
	struct from *next;
	unsigned n;
	size_t bytes;
	char site[];
};

/* A value and its key, whose bytes stand behind it. */
struct named {
	struct spelling is; /* first: what follows it is one of these, too */
	struct named *next_of_bucket;
	const struct from *from;
	const char *key;
};

struct spellings {
	uint64_t secret;
	size_t bytes;
	bool any;
	struct named *named[BUCKETS]; /* the first of each key */
	struct from *from[BUCKETS];
};

struct spellings *
spellings_new(void)
{
	struct spellings *s = calloc(1, sizeof(*s));

	/* So that nobody can choose names of one bucket. */
	if (s != NULL &&
	    getrandom(&s->secret, sizeof(s->secret), 0) != sizeof(s->secret)) {
		free(s);
		return NULL;
	}
	return s;
}

void
spellings_free(struct spellings *s)
{
	if (s != NULL) {
		spellings_reset(s);
		free(s);
	}
}

void
spellings_reset(struct spellings *s)
{
	for (size_t i = 0; s->any && i < BUCKETS; i++) {
		while (s->named[i] != NULL) {
			struct spelling *n = &s->named[i]->is;

			s->named[i] = s->named[i]->next_of_bucket;
			while (n != NULL) {
				struct spelling *next = n->next;

				free(n);
				n = next;
			}
		}
		while (s->from[i] != NULL) {
			struct from *next = s->from[i]->next;

			free(s->from[i]);
			s->from[i] = next;
		}
	}
	s->any = false;
	s->bytes = 0;
}

static size_t
bucket_of(const struct spellings *s, const char *text)
{
	return XXH3_64bits_withSeed(text, strlen(text), s->secret) % BUCKETS;
}

static struct named *
find(const struct spellings *s, const char *key)
{
	struct named *n = s->named[bucket_of(s, key)];

	while (n != NULL && strcmp(n->key, key) != 0) {
		n = n->next_of_bucket;
	}
	return n;
}

/* NULL: no memory. */
static struct from *
from_of(struct spellings *s, const char *site)
{
	size_t at = bucket_of(s, site), len = strlen(site) + 1;
	struct from *f = s->from[at];

	while (f != NULL && strcmp(f->site, site) != 0) {
		f = f->next;
	}
	if (f != NULL) {
		return f;
	}
	f = calloc(1, sizeof(*f) + len);
	if (f != NULL) {
		memcpy(f->site, site, len);
		f->next = s->from[at];
		s->from[at] = f;
		s->any = true;
	}
	return f;
}

static struct named *
make(const char *key, enum indicator_kind kind, bool exact, struct view value)
{
	size_t len = strlen(key) + 1;
	struct named *n = malloc(sizeof(*n) + len + value.len + 1);
	char *text = (char *)(n + 1);

	if (n == NULL) {
		return NULL;
	}
	memcpy(text, key, len);
	memcpy(text + len, value.p, value.len);
	text[len + value.len] = '\0';
	*n = (struct named){
		.is = { .kind = kind, .exact = exact, .value = text + len },
		.key = text,
	};
	return n;
}

/* Whether 'value' is there; else '*end' is where it goes, and '*n' how many of
 * the key 'from' has. */
static bool
is_there(struct named *first, enum indicator_kind kind, bool exact,
	 struct view value, const struct from *from, struct spelling ***end,
	 unsigned *n)
{
	struct spelling *i = first != NULL ? &first->is : NULL;

	for (; i != NULL; i = i->next) {
		if (i->kind == kind && view_eq(value, view_cstr(i->value))) {
			i->exact &= exact;
			return true;
		}
		*n += ((struct named *)i)->from == from;
		*end = &i->next;
	}
	return false;
}

bool
spellings_note(struct spellings *s, const char *site, const char *key,
	       enum indicator_kind kind, bool exact, struct view value)
{
	size_t size = sizeof(struct named) + strlen(key) + value.len + 2;
	struct named *first = find(s, key), *named;
	struct spelling **end = NULL;
	unsigned n = 0;
	struct from *f = from_of(s, site);

	if (value.len == 0 || memchr(value.p, '\0', value.len) != NULL) {
		return false;
	}
	if (is_there(first, kind, exact, value, f, &end, &n)) {
		return true;
	}
	if (f == NULL || f->n >= SPELLING_SITE || n >= SPELLING_ALIKE ||
	    size > SPELLING_SITE_BYTES - f->bytes ||
	    size > SPELLING_BYTES - s->bytes) {
		return false;
	}
	named = make(key, kind, exact, value);
	if (named == NULL) {
		return false;
	}
	named->from = f;
	f->n++;
	f->bytes += size;
	s->bytes += size;
	s->any = true;
	if (end != NULL) {
		*end = &named->is;
	} else {
		struct named **bucket = &s->named[bucket_of(s, key)];

		named->next_of_bucket = *bucket;
		*bucket = named;
	}
	return true;
}

const struct spelling *
spellings_of(const struct spellings *s, const char *key)
{
	const struct named *n = find(s, key);

	return n != NULL ? &n->is : NULL;
}
