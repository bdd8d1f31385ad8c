/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_set.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/indicator_value.h"
#include "rules/ioc_set_db.h"

#define CHUNK_SIZE ((size_t)64 << 10)

struct ioc_chunk {
	struct ioc_chunk *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

struct ioc_set *
ioc_set_new(void)
{
	struct ioc_set *s = calloc(1, sizeof(*s));

	if (s == NULL || keyhash_init(&s->key) != ERR_OK) {
		free(s);
		return NULL;
	}
	ioc_trie_init(&s->nets);
	s->min_labels = UINT32_MAX;
	return s;
}

static void
forget_sharing(struct ioc_set *s)
{
	free(s->notes);
	free(s->strings);
	s->notes = NULL;
	s->strings = NULL;
	s->n_notes = s->cap_notes = s->n_strings = s->cap_strings = 0;
	ioc_table_fini(&s->note_index);
	ioc_table_fini(&s->string_index);
}

void
ioc_set_free(struct ioc_set *s)
{
	if (s == NULL) {
		return;
	}
	forget_sharing(s);
	ioc_table_fini(&s->index);
	ioc_trie_fini(&s->nets);
	ioc_pattern_set_free(s->patterns);
	free(s->v);
	while (s->chunks != NULL) {
		struct ioc_chunk *c = s->chunks;

		s->chunks = c->next;
		free(c);
	}
	free(s);
}

static void *
chunk_alloc(struct ioc_set *s, size_t size, size_t align)
{
	struct ioc_chunk *c = s->chunks;
	size_t at = c != NULL ? (c->used + align - 1) & ~(align - 1) : 0;

	if (c == NULL || at + size > c->size) {
		size_t room = MAX(CHUNK_SIZE - sizeof(*c), size);

		c = malloc(sizeof(*c) + room);
		if (c == NULL) {
			return NULL;
		}
		*c = (struct ioc_chunk){ .next = s->chunks, .size = room };
		s->chunks = c;
		s->chunk_memory += sizeof(*c) + room;
		at = 0;
	}
	c->used = at + size;
	return c->bytes + at;
}

/* Doubles an array of '*cap' elements when 'n' fill it. */
static bool
grow(void *array, uint32_t n, uint32_t *cap, size_t size)
{
	void **p = array;
	uint64_t want = MAX(64, (uint64_t)*cap + *cap / 2);
	void *bigger;

	if (n < *cap) {
		return true;
	}
	if (want >= IOC_TABLE_NONE) {
		return false;
	}
	bigger = realloc(*p, want * size);
	if (bigger == NULL) {
		return false;
	}
	*p = bigger;
	*cap = (uint32_t)want;
	return true;
}

static uint64_t
string_hash(const void *owner, uint32_t i)
{
	const struct ioc_set *s = owner;

	return keyhash(&s->key, view_cstr(s->strings[i]));
}

/* A copy of 'text' that equal texts share. */
static const char *
share_string(struct ioc_set *s, const char *text)
{
	struct view v = view_cstr(text);
	uint64_t hash = keyhash(&s->key, v);
	char *copy;

	if (v.len == 0) {
		return "";
	}
	if (s->string_index.cap > 0) {
		uint32_t pos = ioc_table_first(&s->string_index, hash), i;

		while ((i = ioc_table_next(&s->string_index, hash, &pos)) !=
		       IOC_TABLE_NONE) {
			if (strcmp(s->strings[i], text) == 0) {
				return s->strings[i];
			}
		}
	}
	copy = chunk_alloc(s, v.len + 1, 1);
	if (copy == NULL || !grow(&s->strings, s->n_strings, &s->cap_strings,
				  sizeof(*s->strings))) {
		return NULL;
	}
	memcpy(copy, v.p, v.len + 1);
	s->strings[s->n_strings] = copy;
	if (ioc_table_add(&s->string_index, hash, s->n_strings, string_hash,
			  s) != ERR_OK) {
		return NULL;
	}
	s->n_strings++;
	return copy;
}

static const char *
own_string(struct ioc_set *s, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	char *copy;

	if (len == 0) {
		return "";
	}
	copy = chunk_alloc(s, len + 1, 1);
	if (copy != NULL) {
		memcpy(copy, text, len + 1);
	}
	return copy;
}

/* Over shared strings: equal texts have equal addresses. */
static uint64_t
note_hash_of(const struct ioc_set *s, const struct ioc_note *n)
{
	const uint64_t words[] = {
		(uint64_t)n->type << 16 | (uint64_t)n->exact << 8 | n->severity,
		(uintptr_t)n->source,
		(uintptr_t)n->tlp,
		(uintptr_t)n->tactic,
		(uintptr_t)n->labels,
		(uintptr_t)n->kill_chain,
		n->valid_from_us,
		n->valid_until_us,
	};

	return keyhash(&s->key, view_of(words, sizeof(words)));
}

static uint64_t
note_hash(const void *owner, uint32_t i)
{
	const struct ioc_set *s = owner;

	return note_hash_of(s, s->notes[i]);
}

static bool
note_same(const struct ioc_note *a, const struct ioc_note *b)
{
	return a->type == b->type && a->exact == b->exact &&
	       a->severity == b->severity && a->source == b->source &&
	       a->tlp == b->tlp && a->tactic == b->tactic &&
	       a->labels == b->labels && a->kill_chain == b->kill_chain &&
	       a->valid_from_us == b->valid_from_us &&
	       a->valid_until_us == b->valid_until_us;
}

/* With a marking of its own, if it has one. */
static struct ioc_note *
note_copy(struct ioc_set *s, const struct ioc_note *n)
{
	struct ioc_note *copy =
		chunk_alloc(s, sizeof(*copy), _Alignof(struct ioc_note));
	struct marking *mark = NULL;

	if (n->mark != NULL) {
		mark = chunk_alloc(s, sizeof(*mark), _Alignof(struct marking));
		if (mark == NULL) {
			return NULL;
		}
		*mark = *n->mark;
	}
	if (copy != NULL) {
		*copy = *n;
		copy->mark = mark;
	}
	return copy;
}

/*
 * A copy of 'in' with its strings.  Notes with an id, a description or a list
 * of names are nearly always one of a kind and are not looked for.
 */
static const struct ioc_note *
share_note(struct ioc_set *s, const struct ioc_note *in)
{
	struct ioc_note n = *in, *copy;
	uint64_t hash;

	n.severity = MAX(n.severity, 1);
	n.source = share_string(s, in->source);
	n.tlp = share_string(s, in->tlp);
	n.tactic = share_string(s, in->tactic);
	n.labels = share_string(s, in->labels);
	n.kill_chain = share_string(s, in->kill_chain);
	n.id = own_string(s, in->id);
	/* Lists repeat one description for all of an event. */
	if (s->last_description != NULL && in->description != NULL &&
	    strcmp(s->last_description, in->description) == 0) {
		n.description = s->last_description;
	} else {
		n.description = own_string(s, in->description);
		s->last_description = n.description;
	}
	if (n.source == NULL || n.tlp == NULL || n.tactic == NULL ||
	    n.labels == NULL || n.kill_chain == NULL || n.id == NULL ||
	    n.description == NULL) {
		return NULL;
	}
	if (n.id[0] != '\0' || n.description[0] != '\0' || n.mark != NULL) {
		return note_copy(s, &n);
	}
	hash = note_hash_of(s, &n);
	if (s->note_index.cap > 0) {
		uint32_t pos = ioc_table_first(&s->note_index, hash), i;

		while ((i = ioc_table_next(&s->note_index, hash, &pos)) !=
		       IOC_TABLE_NONE) {
			if (note_same(s->notes[i], &n)) {
				return s->notes[i];
			}
		}
	}
	copy = note_copy(s, &n);
	if (copy == NULL ||
	    !grow(&s->notes, s->n_notes, &s->cap_notes, sizeof(*s->notes))) {
		return NULL;
	}
	s->notes[s->n_notes] = copy;
	if (ioc_table_add(&s->note_index, hash, s->n_notes, note_hash, s) !=
	    ERR_OK) {
		return NULL;
	}
	s->n_notes++;
	return copy;
}

static uint64_t
value_hash(const struct ioc_set *s, enum ioc_type type, struct view value)
{
	uint64_t h = 0;
	struct addr a;

	if (type == IOC_IP && addr_parse(value, &a)) {
		return ioc_hash_text(s, type, view_of(a.b, sizeof(a.b)));
	}
	if (type != IOC_DOMAIN) {
		return ioc_hash_text(s, type, value);
	}
	while (value.len > 0) {
		struct view label = ioc_last_label(value, &value);

		h = ioc_hash_label(&s->key, h, label);
	}
	return h;
}

static uint64_t
record_hash(const void *owner, uint32_t i)
{
	const struct ioc_set *s = owner;

	return value_hash(s, s->v[i].note->type, view_cstr(s->v[i].value));
}

static uint32_t
find_same(const struct ioc_set *s, uint64_t hash, enum ioc_type type,
	  const char *value)
{
	uint32_t pos, i;

	if (s->index.cap == 0) {
		return IOC_TABLE_NONE;
	}
	pos = ioc_table_first(&s->index, hash);
	while ((i = ioc_table_next(&s->index, hash, &pos)) != IOC_TABLE_NONE) {
		if (s->v[i].note->type == type &&
		    strcmp(s->v[i].value, value) == 0) {
			break;
		}
	}
	return i;
}

static void
count_one(struct ioc_set *s, enum ioc_type type, struct view value)
{
	unsigned labels = 1;

	s->count[type]++;
	if (type == IOC_DOMAIN) {
		for (size_t i = 0; i < value.len; i++) {
			labels += value.p[i] == '.';
		}
		s->min_labels = MIN(s->min_labels, labels);
		s->max_labels = MAX(s->max_labels, labels);
	} else if (type == IOC_URL) {
		s->max_url = MAX(s->max_url, value.len);
	}
}

/* Where a value belongs: among the networks or under its hash. */
struct place {
	bool is_net;
	struct cidr net;
	uint64_t hash;
};

/* Finds the place of 'value' and who is there already. */
static uint32_t
find_place(const struct ioc_set *s, enum ioc_type type, struct view value,
	   struct place *at)
{
	at->is_net = type == IOC_IP && cidr_parse(value, &at->net) &&
		     at->net.bits < 128;
	if (at->is_net) {
		return ioc_trie_get(&s->nets, &at->net);
	}
	at->hash = value_hash(s, type, value);
	return find_same(s, at->hash, type, (const char *)value.p);
}
STATIC_ASSERT(IOC_TRIE_NONE == IOC_TABLE_NONE, "one number for absent");

static enum err
append(struct ioc_set *s, const struct ioc_note *note, struct view value,
       const struct place *at)
{
	const char *text = own_string(s, (const char *)value.p);
	enum err e;

	note = share_note(s, note);
	if (note == NULL || text == NULL ||
	    !grow(&s->v, s->n, &s->cap, sizeof(*s->v))) {
		return ERR_NOMEM;
	}
	s->v[s->n] = (struct ioc){ text, note };
	e = at->is_net
		    ? ioc_trie_add(&s->nets, &at->net, s->n)
		    : ioc_table_add(&s->index, at->hash, s->n, record_hash, s);
	if (e == ERR_OK) {
		s->n++;
		count_one(s, note->type, value);
	}
	return e;
}

/* The value is there, as a list or the common set has it, and is given again. */
static enum err
join_note(struct ioc_set *s, uint32_t present, const struct ioc_note *other)
{
	struct ioc_note n;
	struct marking mark;
	const struct ioc_note *joined;

	if (!ioc_note_join(s->v[present].note, other, &mark, &n)) {
		return ERR_OK;
	}
	joined = share_note(s, &n);
	if (joined == NULL) {
		return ERR_NOMEM;
	}
	s->v[present].note = joined;
	return ERR_OK;
}

/* The pattern's own form is made first, for it may be refused. */
static enum err
add_pattern(struct ioc_set *s, const struct ioc_note *note, struct view text,
	    struct diag *d)
{
	char copy[INDICATOR_PATTERN_CAP + 1];
	struct ioc_prog *prog = NULL;
	struct place at;
	uint32_t present;
	enum err e;

	if (text.len >= sizeof(copy)) {
		return diag_set(d, ERR_FORMAT, "longer than %d bytes",
				INDICATOR_PATTERN_CAP);
	}
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	text = view_of(copy, text.len);
	present = find_place(s, IOC_PATTERN, text, &at);
	if (present != IOC_TABLE_NONE) {
		return join_note(s, present, note);
	}
	if (s->patterns == NULL) {
		s->patterns = ioc_pattern_set_new();
	}
	if (s->patterns == NULL) {
		return diag_set(d, ERR_NOMEM, "no memory for patterns");
	}
	e = ioc_prog_new(&prog, text, d);
	if (e == ERR_OK) {
		e = ioc_pattern_set_add(s->patterns, prog, s->n, d);
		if (e != ERR_OK) {
			ioc_prog_free(prog);
		}
	}
	if (e == ERR_OK && append(s, note, text, &at) != ERR_OK) {
		e = diag_set(d, ERR_NOMEM, "no memory for patterns");
	}
	return e;
}

uint32_t
ioc_set_pattern(const struct ioc_set *s, struct view text)
{
	struct place at;
	uint32_t i = find_place(s, IOC_PATTERN, text, &at);

	/* Both are in the order of addition. */
	for (uint32_t from = 0, to = s->patterns != NULL ? s->patterns->n : 0;
	     i != IOC_TABLE_NONE && from < to;) {
		uint32_t mid = from + (to - from) / 2;
		uint32_t there = s->patterns->v[mid]->ioc;

		if (there == i) {
			return mid;
		}
		if (there < i) {
			from = mid + 1;
		} else {
			to = mid;
		}
	}
	return UINT32_MAX;
}

const struct ioc_pattern_set *
ioc_set_patterns(const struct ioc_set *s)
{
	return s->patterns;
}

enum err
ioc_set_add(struct ioc_set *s, const struct ioc_note *note, struct view value,
	    struct diag *d)
{
	char text[INDICATOR_VALUE_CAP];
	struct place at;
	uint32_t present;
	size_t len;
	enum err e;

	assert(!s->sealed);
	if (note->type == IOC_PATTERN) {
		return add_pattern(s, note, value, d);
	}
	e = indicator_value_canon((enum indicator_kind)note->type, note->exact,
				  value, text, &len, d);
	if (e != ERR_OK) {
		return e;
	}
	present = find_place(s, note->type, view_of(text, len), &at);
	if (present == IOC_TABLE_NONE) {
		e = append(s, note, view_of(text, len), &at);
	} else {
		e = join_note(s, present, note);
	}
	if (e != ERR_OK) {
		return diag_set(d, e, "no memory for indicator %u", s->n + 1);
	}
	return ERR_OK;
}

enum err
ioc_set_seal(struct ioc_set *s)
{
	enum err e;

	if (s->sealed) {
		return ERR_OK;
	}
	forget_sharing(s);
	e = ioc_table_settle(&s->index, record_hash, s);
	if (e == ERR_OK) {
		e = ioc_trie_settle(&s->nets);
	}
	if (e == ERR_OK && s->n > 0) {
		struct ioc *v = realloc(s->v, s->n * sizeof(*v));

		if (v == NULL) {
			return ERR_NOMEM;
		}
		s->v = v;
		s->cap = s->n;
	}
	s->sealed = e == ERR_OK;
	return e;
}

uint32_t
ioc_set_count(const struct ioc_set *s)
{
	return s->n;
}

const struct ioc *
ioc_set_at(const struct ioc_set *s, uint32_t i)
{
	assert(i < s->n);
	return &s->v[i];
}

size_t
ioc_set_memory(const struct ioc_set *s)
{
	return sizeof(*s) + s->cap * sizeof(*s->v) + s->chunk_memory +
	       ioc_table_memory(&s->index) + ioc_trie_memory(&s->nets) +
	       s->cap_notes * sizeof(*s->notes) +
	       s->cap_strings * sizeof(*s->strings) +
	       ioc_table_memory(&s->note_index) +
	       ioc_table_memory(&s->string_index);
}

const char *
ioc_type_name(enum ioc_type type)
{
	STATIC_ASSERT((int)IOC_PATTERN == (int)INDICATOR_PATTERN &&
			      (int)IOC_IP == (int)INDICATOR_IP,
		      "one number for a type and an indicator's kind");

	assert(type < IOC_TYPE_COUNT);
	return indicator_kind_name((enum indicator_kind)type);
}

const char *
ioc_id(const struct ioc *ioc, char *out, size_t cap)
{
	if (ioc->note->id[0] != '\0') {
		snprintf(out, cap, "%s", ioc->note->id);
	} else {
		snprintf(out, cap, "%s:%s", ioc_type_name(ioc->note->type),
			 ioc->value);
	}
	return out;
}
