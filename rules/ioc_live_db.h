/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_live_db.h - the insides of a live set, for ioc_live*.c only
 *
 * What readers follow are pointers and slots that the writer stores last
 * (release) and they load first (acquire): shard to table, slot to record,
 * number to note.  A record is never changed but for its mark of the sweep,
 * in one atomic word.
 *
 * Place    between ioc_live.c, ioc_live_table.c and ioc_live_note.c, which
 *          write, and ioc_live_find.c.
 * Threads  as ioc_live.h.
 * Memory   a table is one block; a note is one block.
 * Cost     none.
 */
#ifndef RULES_IOC_LIVE_DB_H
#define RULES_IOC_LIVE_DB_H

#include <stdatomic.h>

#include "common/indicator_value.h"
#include "rules/ioc_live.h"
#include "rules/ioc_set_db.h"

/* A slot: nothing yet; nothing any more; else SLOT_FIRST and the record's
 * place in words of four bytes. */
enum { SLOT_EMPTY = 0, SLOT_GONE = 1, SLOT_FIRST = 2 };

/*
 * A record: one word, times that are not open, the value and, if it has one,
 * the id, each with its zero, up to a multiple of four bytes.
 */
#define REC_NOTE UINT32_C(0x00ffffff) /* number of the note */
#define REC_FROM (UINT32_C(1) << 24)
#define REC_UNTIL (UINT32_C(1) << 25)
#define REC_ID (UINT32_C(1) << 26)
#define REC_TURN (UINT32_C(1) << 27) /* armed since the sweep's begin */
#define REC_TYPE_SHIFT 28
#define REC_MAX (4 + 16 + INDICATOR_VALUE_CAP + INDICATOR_ID_CAP + 4)

#define LIVE_LENGTH_WORDS 3 /* of 0 to 128 */

STATIC_ASSERT((unsigned)IOC_TYPE_COUNT <= 16, "four bits of a record");

/* What indicators have in common; 'key' is all of it, and unique. */
struct live_note {
	uint64_t hash;
	uint32_t refs, number, next; /* the writer's */
	uint16_t key_len;
	uint8_t severity;
	bool exact;
	/* each ends with its zero: marking, source, description, tactic,
	 * labels, kill chain */
	char key[];
};

struct live_table {
	uint32_t cap; /* slots */
	size_t room; /* bytes of records */
	uint32_t *slot;
	uint8_t *tag; /* of the hash; 0: empty */
	uint8_t *rec;
};

struct live_shard {
	struct live_table *t;
	/* the writer's: bytes used, of these of records that are gone; slots
	 * that are not empty, of these with a record */
	size_t used, dead;
	uint32_t taken, n;
	uint32_t built; /* tables so far: slots are others in each */
};

struct live_place {
	_Alignas(64) _Atomic uint64_t since; /* 0: looks at nothing */
	_Atomic bool taken;
};

struct live_retired {
	void *p; /* to be freed */
	uint64_t since;
	uint32_t note; /* its number is free then; UINT32_MAX: no note */
};

struct ioc_live {
	struct keyhash key;
	struct live_shard shard[IOC_LIVE_SHARDS];
	struct live_note **notes; /* by number */
	_Atomic uint32_t count[IOC_TYPE_COUNT];
	/* Domains by labels. */
	_Atomic uint32_t labels[IOC_SUFFIXES + 1];
	/* A bit for each length of a prefix that there is. */
	_Atomic uint64_t lengths[LIVE_LENGTH_WORDS];
	_Atomic uint64_t n;
	_Atomic size_t memory;
	_Atomic uint64_t epoch;
	struct live_place reader[IOC_LIVE_READERS];

	/* the writer's alone */
	uint64_t changes;
	uint32_t bits[129]; /* addresses by bits of their prefix */
	uint32_t skip; /* bit per kind */
	uint32_t n_notes, cap_notes;
	uint32_t *bucket, n_buckets, live_notes;
	uint32_t *free_note, n_free, cap_free;
	struct live_retired *retired;
	size_t n_retired, cap_retired;
};

/* The times, value and id of a record. */
struct live_rec {
	uint64_t from_us, until_us;
	const char *value, *id;
	size_t size; /* of all, in the table */
};

static inline uint32_t
live_head(const uint8_t *rec)
{
	return __atomic_load_n((const uint32_t *)rec, __ATOMIC_RELAXED);
}

static inline enum ioc_type
live_type(uint32_t head)
{
	return (enum ioc_type)(head >> REC_TYPE_SHIFT);
}

static inline void
live_read(const uint8_t *rec, struct live_rec *out)
{
	uint32_t head = live_head(rec);
	const uint8_t *p = rec + 4;

	*out = (struct live_rec){ .id = "" };
	if ((head & REC_FROM) != 0) {
		memcpy(&out->from_us, p, 8);
		p += 8;
	}
	if ((head & REC_UNTIL) != 0) {
		memcpy(&out->until_us, p, 8);
		p += 8;
	}
	out->value = (const char *)p;
	p += strlen(out->value) + 1;
	if ((head & REC_ID) != 0) {
		out->id = (const char *)p;
		p += strlen(out->id) + 1;
	}
	out->size = ((size_t)(p - rec) + 3) & ~(size_t)3;
}

static inline uint64_t
live_hash_text(const struct ioc_live *l, enum ioc_type type, struct view v)
{
	return keyhash_join((uint64_t)type, keyhash(&l->key, v));
}

/* 'net' is masked. */
static inline uint64_t
live_hash_net(const struct ioc_live *l, const struct cidr *net)
{
	return keyhash_join(net->bits,
			    keyhash(&l->key, view_of(net->addr.b, 16)));
}

static inline unsigned
live_shard_of(uint64_t hash)
{
	return (unsigned)(hash >> 8) % IOC_LIVE_SHARDS;
}

static inline uint8_t
live_tag(uint64_t hash)
{
	return (uint8_t)hash != 0 ? (uint8_t)hash : 1;
}

static inline uint32_t
live_first(const struct live_table *t, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * t->cap >> 32);
}

/* The next record that may have 'hash'; NULL: none. '*pos' begins with
 * live_first(); 'at' becomes its slot. */
static inline const uint8_t *
live_next(const struct live_table *t, uint64_t hash, uint32_t *pos,
	  uint32_t *at)
{
	uint8_t want = live_tag(hash), tag;

	while ((tag = __atomic_load_n(&t->tag[*pos], __ATOMIC_ACQUIRE)) != 0) {
		*at = *pos;
		*pos = *at + 1 < t->cap ? *at + 1 : 0;
		if (tag == want) {
			uint32_t slot = __atomic_load_n(&t->slot[*at],
							__ATOMIC_ACQUIRE);

			if (slot >= SLOT_FIRST) {
				return t->rec + (size_t)(slot - SLOT_FIRST) * 4;
			}
		}
	}
	return NULL;
}

/* The hash of a canonical value; false: it is none. */
bool live_hash(const struct ioc_live *l, enum ioc_type type, const char *value,
	       uint64_t *out);

/* --- ioc_live_table.c --- */

/* Room for one record of 'size' bytes more; the table may be another then. */
enum err live_table_room(struct ioc_live *l, struct live_shard *s,
			 size_t size) MUST_CHECK;
/* A record in a slot that has none, or in place of that at 'at'. */
void live_table_put(struct live_shard *s, uint64_t hash, const uint8_t *rec,
		    size_t size);
void live_table_replace(struct live_shard *s, uint32_t at, const uint8_t *rec,
			size_t size);
void live_table_remove(struct live_shard *s, uint32_t at);
/* Frees 'p' when all readers that may see it have left; false without memory,
 * and 'p' is kept for ever. */
void live_retire(struct ioc_live *l, void *p, uint32_t note);

/* --- ioc_live_note.c --- */

/* The note of an indicator with one reference more; NULL without memory. */
struct live_note *live_note_get(struct ioc_live *l, const struct indicator *i);
void live_note_put(struct ioc_live *l, uint32_t number);
/* A number whose note is freed. */
void live_note_free_number(struct ioc_live *l, uint32_t number);
void live_notes_fini(struct ioc_live *l);

static inline void
live_memory(struct ioc_live *l, size_t more, size_t less)
{
	atomic_store_explicit(
		&l->memory,
		atomic_load_explicit(&l->memory, memory_order_relaxed) + more -
			less,
		memory_order_relaxed);
}

#endif
