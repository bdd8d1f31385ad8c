/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/dataset.h"

#include <stdlib.h>

#include "rules/rule_text.h"

#define FIRST_INDEX 64u
#define MAX_LABELS 128 /* of a domain name: RFC 1035 leaves room for 127 */
#define MAX_VALUES ((uint32_t)1 << 30)
/* What a value costs beside its own bytes: itself and two index places. */
#define VALUE_COST (sizeof(struct dataset_value) + 2 * sizeof(uint32_t))

STATIC_ASSERT(sizeof(struct dataset_value) == 56, "as dataset.h says");

enum err
dataset_table_init(struct dataset_table *t, size_t memcap)
{
	memset(t, 0, sizeof(*t));
	t->memcap = memcap;
	return keyhash_init(&t->hash);
}

static void
value_drop(struct dataset_value *v)
{
	if (v->len > DATASET_SMALL) {
		free(v->large);
	}
	free(v->json);
}

void
dataset_table_fini(struct dataset_table *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		value_drop(&t->v[i]);
	}
	free(t->v);
	free(t->index);
	memset(t, 0, sizeof(*t));
}

/* Where 'key' stands in the index, or would. */
static uint32_t
slot_of(const struct dataset_table *t, struct view key, uint32_t hash)
{
	uint32_t i = hash & (t->n_index - 1);

	while (t->index[i] != 0) {
		const struct dataset_value *v = &t->v[t->index[i] - 1];

		if (v->hash == hash && view_eq(dataset_value_bytes(v), key)) {
			break;
		}
		i = (i + 1) & (t->n_index - 1);
	}
	return i;
}

const struct dataset_value *
dataset_table_find(const struct dataset_table *t, struct view key)
{
	const struct dataset_value *v;
	uint32_t at;

	if (t->n == 0) {
		return NULL;
	}
	at = slot_of(t, key, (uint32_t)keyhash(&t->hash, key));
	if (t->index[at] == 0) {
		return NULL;
	}
	v = &t->v[t->index[at] - 1];
	return v->live ? v : NULL;
}

/* Forgets the values taken out and makes the index anew. */
static bool
rebuild(struct dataset_table *t, uint32_t n_index)
{
	uint32_t *index = calloc(n_index, sizeof(*index));
	uint32_t kept = 0;

	if (index == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		struct dataset_value *v = &t->v[i];
		uint32_t at = v->hash & (n_index - 1);

		if (!v->live) {
			t->bytes -= VALUE_COST + v->len;
			value_drop(v);
			continue;
		}
		while (index[at] != 0) {
			at = (at + 1) & (n_index - 1);
		}
		index[at] = kept + 1;
		t->v[kept++] = *v;
	}
	t->n = kept;
	t->n_dead = 0;
	free(t->index);
	t->index = index;
	t->n_index = n_index;
	return true;
}

/* Room for one value more. */
static bool
reserve(struct dataset_table *t)
{
	if (t->n == t->cap) {
		uint32_t cap = t->cap == 0 ? FIRST_INDEX / 2 : t->cap * 2;
		struct dataset_value *v;

		if (t->n_dead > t->n / 4) {
			return rebuild(t, t->n_index);
		}
		v = cap <= MAX_VALUES ? realloc(t->v, cap * sizeof(*v)) : NULL;
		if (v == NULL) {
			return false;
		}
		t->v = v;
		t->cap = cap;
	}
	return t->n_index >= 2 * t->cap || rebuild(t, 2 * t->cap);
}

static enum err
fill(struct dataset_value *v, struct view key, uint32_t hash)
{
	*v = (struct dataset_value){ .len = (uint32_t)key.len,
				     .hash = hash,
				     .live = true };
	if (key.len > DATASET_SMALL) {
		v->large = malloc(key.len);
		if (v->large == NULL) {
			return ERR_NOMEM;
		}
		memcpy(v->large, key.p, key.len);
	} else {
		memcpy(v->small, key.p, key.len);
	}
	return ERR_OK;
}

enum err
dataset_table_add(struct dataset_table *t, struct view key,
		  struct dataset_value **out)
{
	uint32_t hash = (uint32_t)keyhash(&t->hash, key), at;
	size_t cost = VALUE_COST + key.len;
	struct dataset_value *v;

	if (t->n > 0) {
		at = slot_of(t, key, hash);
		if (t->index[at] != 0) {
			v = &t->v[t->index[at] - 1];
			*out = v;
			if (v->live) {
				return ERR_AGAIN;
			}
			v->live = true;
			t->n_dead--;
			return ERR_OK;
		}
	}
	if (t->memcap > 0 && t->bytes + cost > t->memcap &&
	    (t->n_dead == 0 || !rebuild(t, t->n_index) ||
	     t->bytes + cost > t->memcap)) {
		return ERR_LIMIT;
	}
	if (!reserve(t) || fill(&t->v[t->n], key, hash) != ERR_OK) {
		return ERR_NOMEM;
	}
	t->bytes += cost;
	t->index[slot_of(t, key, hash)] = t->n + 1;
	*out = &t->v[t->n++];
	return ERR_OK;
}

bool
dataset_table_remove(struct dataset_table *t, struct view key)
{
	struct dataset_value *v =
		(struct dataset_value *)dataset_table_find(t, key);

	if (v == NULL) {
		return false;
	}
	v->live = false;
	t->n_dead++;
	return true;
}

enum dataset_type
dataset_type_of(struct view word)
{
	static const struct {
		const char *word;
		enum dataset_type type;
	} words[] = { { "string", DATASET_STRING }, { "md5", DATASET_MD5 },
		      { "sha256", DATASET_SHA256 }, { "ipv4", DATASET_IPV4 },
		      { "ip", DATASET_IP },         { "ipv6", DATASET_IP } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(word, words[i].word)) {
			return words[i].type;
		}
	}
	return DATASET_NONE;
}

/*
 * The domain above 'name' as it would stand in the set: with its dot where
 * 'name' begins with one.
 */
static struct view
domain_above(struct view name)
{
	size_t lead = name.len > 0 && name.p[0] == '.' ? 1 : 0;
	struct view rest = view_sub(name, lead, name.len);
	size_t dot = text_find(rest, '.');

	return view_sub(rest, dot + 1 - lead, rest.len);
}

bool
dataset_holds(const struct dataset_table *t, const struct dataset_op *op,
	      struct view data, const struct dataset_value **found)
{
	const struct dataset_value *v = NULL;
	uint8_t room[16];
	struct view key;

	for (unsigned i = 0; i < MAX_LABELS && v == NULL &&
			     dataset_key(op->set->type, data, room, &key);
	     i++) {
		v = dataset_table_find(t, key);
		data = op->subdomain ? domain_above(data) : VIEW_NONE;
	}
	if (found != NULL) {
		*found = v;
	}
	switch (op->cmd) {
	case DATASET_ISNOTSET:
		return v == NULL;
	case DATASET_REP:
		return v != NULL && (op->compare == '<'   ? v->rep < op->rep
				     : op->compare == '>' ? v->rep > op->rep
							  : v->rep == op->rep);
	default:
		return v != NULL;
	}
}

bool
dataset_key(enum dataset_type type, struct view data, uint8_t room[16],
	    struct view *key)
{
	struct addr a;

	*key = data;
	switch (type) {
	case DATASET_STRING:
		return data.len > 0 && data.len <= DATASET_MAX_VALUE;
	case DATASET_MD5:
		return data.len == 16;
	case DATASET_SHA256:
		return data.len == 32;
	case DATASET_IPV4:
		return data.len == 4;
	case DATASET_IP:
		if (data.len == 4) {
			a = addr_from_v4(data.p);
			memcpy(room, a.b, 16);
			*key = view_of(room, 16);
		}
		return data.len == 4 || data.len == 16;
	case DATASET_NONE:
		break;
	}
	return false;
}
