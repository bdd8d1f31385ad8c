/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_set_db.h - the insides of an indicator set, for its own files only
 *
 * Place    between ioc_set.c, which fills it, and ioc_find.c, which searches.
 * Threads  as ioc_set.h.
 * Memory   strings and notes lie in chunks that never move; records in one
 *          array that may move until the set is sealed.
 * Cost     none.
 */
#ifndef RULES_IOC_SET_DB_H
#define RULES_IOC_SET_DB_H

#include "common/indicator_value.h"
#include "rules/ioc_pattern_set.h"
#include "rules/ioc_set.h"
#include "rules/ioc_table.h"
#include "rules/ioc_trie.h"
#include "rules/keyhash.h"

struct ioc_chunk;

struct ioc_set {
	struct keyhash key;
	struct ioc *v;
	uint32_t n, cap;
	struct ioc_table index; /* all but networks */
	struct ioc_trie nets;
	struct ioc_pattern_set *patterns; /* NULL: none */
	uint32_t count[IOC_TYPE_COUNT];
	/* Labels of the shortest and longest domain: bounds for the search. */
	unsigned min_labels, max_labels;
	size_t max_url;
	bool sealed;

	struct ioc_chunk *chunks;
	size_t chunk_memory;
	/* While building: what notes and their strings are shared by. */
	struct ioc_note **notes;
	uint32_t n_notes, cap_notes;
	struct ioc_table note_index;
	const char **strings;
	uint32_t n_strings, cap_strings;
	struct ioc_table string_index;
	const char *last_description;
};

static inline uint64_t
ioc_hash_text(const struct ioc_set *s, enum ioc_type type, struct view v)
{
	return keyhash_join((uint64_t)type, keyhash(&s->key, v));
}

/*
 * The hash of a domain grows label by label from the right, so that all
 * suffixes of a name are hashed in one pass over it.
 */
static inline uint64_t
ioc_hash_label(const struct keyhash *key, uint64_t suffix, struct view label)
{
	return keyhash_join(suffix + IOC_DOMAIN, keyhash(key, label));
}

/* The last label of 'name' and, in '*rest', what is left of its dot. */
static inline struct view
ioc_last_label(struct view name, struct view *rest)
{
	size_t at = name.len;

	while (at > 0 && name.p[at - 1] != '.') {
		at--;
	}
	*rest = view_of(name.p, at > 0 ? at - 1 : 0);
	return view_of(name.p + at, name.len - at);
}

/*
 * What 'old' and 'n', which is of the same value, say together: the note of the
 * one that reaches further, valid as widely as both, marked with the join of
 * both, which lies in 'mark'.  False: just what 'old' says.
 */
bool ioc_note_join(const struct ioc_note *old, const struct ioc_note *n,
		   struct marking *mark, struct ioc_note *out) MUST_CHECK;

/* A suffix of a name, from 'from' on, and its hash. */
struct ioc_suffix {
	uint64_t hash;
	size_t from;
};

#define IOC_SUFFIXES (INDICATOR_DOMAIN_MAX / 2 + 2)

/* The suffixes of 'name', of small letters, the shortest first; how many. */
unsigned ioc_suffixes(const struct keyhash *key, struct view name,
		      unsigned most, struct ioc_suffix v[IOC_SUFFIXES]);

/* That an address is looked for soon, and both of a flow's at once: the first
 * look into the table is a miss of the cache. */
void ioc_fetch_addr(const struct ioc_set *s, const struct addr *a);

/* A URI in absolute form brings its own host: both are cut accordingly. */
void ioc_take_absolute(struct view *host, struct view *uri);

#endif
