/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_db.h - the insides of a prefilter, for its own parts only
 *
 * Literals are looked for in five ways, chosen by prefilter_build.c:
 *
 *   probe   those that may begin at a few offsets only: one hash look-up at
 *           each such offset, whatever the length of the data;
 *   run     four or more times the same byte: a search for runs;
 *   spot    short ones that may begin at one offset only: the byte there is
 *           looked at;
 *   short   one byte, and two or three that are common or few: eight of them
 *           at a time, a bucket of a filter each, so that what passes is
 *           there; the search ends when it has found all eight;
 *   lane    all others.  Of each literal one piece, its key, stands for it: a
 *           rare one (byte_gram.h).  A lane looks for the keys of all its
 *           literals at once, in three steps of rising cost: a filter by
 *           classes of bytes, in registers, that lets few positions through
 *           (prefilter_path.h); a bitmap of hashed keys; the literals of that
 *           key, compared.  Where bytes ask for too much of that, an automaton
 *           takes the block over (prefilter_linear.h).
 *
 * Place    below prefilter.c, which scans, and prefilter_build.c.
 * Threads  as prefilter.h.
 * Memory   every array is one heap block of the prefilter's.
 * Cost     none.
 */
#ifndef RULES_PREFILTER_DB_H
#define RULES_PREFILTER_DB_H

#include <stdatomic.h>

#include "rules/prefilter.h"
#include "rules/prefilter_linear.h"

#define LANE_WIDTH_MIN 2
#define LANE_WIDTH_MAX 4
#define SHORT_MAX 3 /* bytes of a literal that has a bucket of its own */
#define SHORTS 8 /* literals that are searched for at a time */
#define WORD 4 /* bytes that are compared at a time */
#define TAGS_AT_ONCE 4
#define RUN_MIN 4 /* bytes of a literal that is a run */
#define LANES 2
#define TABLES 4 /* of a filter, at most */
#define PROBES_MAX 16
#define BLOCK 1024 /* positions that are filtered at a time */
#define BLOCK_COMPARES \
	12288 /* of them; what is more is left to the automaton */

/* A literal of a lane or of a probe. */
struct entry {
	/* two words of it, 'a' and 'b' bytes from its start; a mask bit that is
	 * 0 is that of a letter's case */
	uint64_t word, word_mask;
	uint16_t a, b;
	uint16_t key; /* where its key begins */
	uint16_t len;
	uint32_t text; /* len bytes, then as many of a mask */
	uint32_t id;
	uint32_t from, to;
};

struct run_literal {
	uint32_t len;
	uint32_t id;
	uint32_t from, to;
};

/*
 * What stands around the key of an entry: four bytes before it, which are the
 * low half, and four behind its first four.  Of literals that share a key the
 * wrong ones are told by a line of these, without a look at any entry.
 */
struct entry_tag {
	uint64_t around, mask; /* of what the literal does not have: 0 */
};

/* Entries by hash: those of h stand at first[h]..first[h + 1]. */
struct entry_table {
	uint32_t *first;
	struct entry_tag *tags; /* of each entry, and TAGS_AT_ONCE more */
	struct entry *v;
	uint32_t n;
	unsigned shift; /* of the 64-bit hash */
};

/*
 * Which bytes a key of each of eight buckets has at a place, one bit each, by
 * parts of the byte: its low and high four or six bits, or all eight.
 */
union classes {
	struct {
		uint8_t low[64], high[64];
	} six;
	struct {
		uint8_t low[16], high[16];
	} four;
	uint8_t byte[256];
};

/*
 * Literals of one range, each of which is a bucket of its own: so the classes
 * of three bytes say which of them stand there, exactly.
 */
struct shorts {
	union classes at[SHORT_MAX] __attribute__((aligned(64)));
	unsigned n, width; /* of the longest one */
	uint8_t len[SHORTS];
	uint32_t id[SHORTS];
	uint32_t from, to;
};

/* A literal of at most SHORT_MAX bytes that counts at one place only. */
struct spot_literal {
	uint32_t word, mask; /* its bytes; those that it does not have are 0 */
	uint32_t len, id;
};

/* All literals of one place: which bytes any of them begins with. */
struct spot {
	uint32_t at; /* offset in the buffer */
	uint32_t first, end; /* in the prefilter's spot_literals */
	uint64_t begins[4];
};

/* With each table eight buckets more: one, two or four tables. */
struct filter {
	unsigned width; /* bytes looked at: the first ones of a key */
	unsigned tables;
	union classes at[TABLES][LANE_WIDTH_MAX] __attribute__((aligned(64)));
};

/* What each scan asks of it stands first, in a line. */
struct lane {
	unsigned width; /* bytes of a key */
	uint32_t key_mask;
	uint8_t *bitmap;
	unsigned bitmap_shift; /* of the lane's 32-bit hash */
	bool is_short; /* its literals have less than four bytes */
	size_t reach; /* most bytes from a key's start to its literal's end */
	size_t lead; /* ... and before it */
	struct linear *linear; /* NULL: there is too little to choose from */
	struct filter filter;
	struct entry_table table;
};

/* A line of the cache: most of what is asked ends at 'hashes'. */
struct probe {
	uint64_t hashes[4]; /* a bit for the highest byte of each key's hash */
	uint32_t at; /* offset in the buffer */
	uint32_t width; /* bytes of the key */
	uint64_t key_mask;
	uint64_t seed;
	uint64_t reach; /* offset behind the last byte of any literal */
} __attribute__((aligned(64)));

STATIC_ASSERT(sizeof(struct probe) == 64, "a line");

/* What each scan asks for stands first, in two lines. */
struct prefilter {
	const struct prefilter_path *path;
	uint32_t n_lanes, n_probes, n_runs, n_shorts;
	uint64_t probes_end; /* offset in the buffer, behind all probed ones */
	struct lane *lane[LANES];
	struct shorts *shorts;
	struct spot *spots; /* by place */
	struct spot_literal *spot_literals;
	uint32_t n_spots, n_spot_literals;
	uint8_t *text; /* of all entries */
	struct run_literal *runs; /* by byte, then by length */
	uint32_t run_max;
	bool ids_shared;
	struct entry_table probe_table;
	struct probe probe[PROBES_MAX]; /* by where their key ends */
	uint32_t run_first[257]; /* where those of a byte begin */
	struct filter run_bytes; /* of width 1 */
	size_t text_len;
	size_t longest;
	size_t memory;
	uint8_t key[16]; /* digest of the literals */
	atomic_uint refs;
};

struct prefilter_scratch {
	uint32_t limit; /* of a block, in compares */
	struct prefilter_work work;
	uint16_t queue[BLOCK + 64]; /* positions in the block */
	uint32_t hash[BLOCK + 64]; /* of the keys there */
};

/* Eight bytes from 'p' on; those behind the data are 0. */
static inline uint64_t
load_to_end(struct view data, size_t p)
{
	uint64_t v = 0;

	if (LIKELY(p + 8 <= data.len)) {
		return load_le64(data.p + p);
	}
	if (data.len >= 8) {
		return load_le64(data.p + data.len - 8) >>
		       8 * (p + 8 - data.len);
	}
	for (size_t i = data.len; i > p; i--) {
		v = v << 8 | data.p[i - 1];
	}
	return v;
}

/* The four bytes before 'p'; those before the data are 0. */
static inline uint32_t
load_before(struct view data, size_t p)
{
	uint32_t v = 0;

	if (LIKELY(p >= WORD)) {
		return load_le32(data.p + p - WORD);
	}
	for (size_t i = p; i > 0; i--) {
		v = v << 8 | data.p[i - 1];
	}
	return p == 0 ? 0 : v << 8 * (WORD - p);
}

/* Four bytes from 'p' on; those behind the data are 0. */
static inline uint32_t
load_key(struct view data, size_t p)
{
	if (LIKELY(p + 4 <= data.len)) {
		return load_le32(data.p + p);
	}
	return (uint32_t)load_to_end(data, p);
}

#define KEY_TIMES UINT64_C(0x9e3779b97f4a7c15)

/*
 * Keys are compared without case, and a few signs count as one with others;
 * the literal's own bytes decide later.
 */
static inline uint64_t
key_hash(uint64_t bytes, uint64_t key_mask, uint64_t seed)
{
	bytes |= (bytes & UINT64_C(0x4040404040404040)) >> 1;
	return ((bytes & key_mask) + seed) * KEY_TIMES;
}

#define LANE_TIMES UINT32_C(0x9e3779b1)
#define LANE_FOLD 0x40404040

/* The same for a lane, whose keys are short. */
static inline uint32_t
lane_hash(uint32_t bytes, uint32_t key_mask)
{
	bytes |= (bytes & LANE_FOLD) >> 1;
	return (bytes & key_mask) * LANE_TIMES;
}

/* It as that of an entry_table. */
static inline uint64_t
lane_word(uint32_t hash)
{
	return (uint64_t)hash << 32;
}

#endif
