/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_index.h - all that was seen, on disk, within a bound
 *
 * What comes in is gathered in memory and written every few seconds as a sorted
 * file, a segment.  Small segments are merged into larger ones, a little at a
 * time, up to a sixteenth of the bound; larger ones stay as they are until they
 * are the oldest and go.  So what was seen last stays longest, and what is
 * needed besides for a merge is bounded too.  A file "manifest" lists the
 * segments that count; it is replaced whole, so that a crash leaves the former
 * state or the next one.  What was in memory only is lost with the process.
 *
 * Place    above retro_table.h and retro_seg.h; below retro and retro_ask.
 * Threads  one; another process may read beside it.
 * Memory   about 10 MiB, and 0.1 bytes an entry on disk.
 * Cost     adding: a probe and 2 to 4 sequential writes of 64 bytes an entry
 *          in all; a question: one block of each segment, 10 to 30 of them.
 */
#ifndef SENSOR_RETRO_INDEX_H
#define SENSOR_RETRO_INDEX_H

#include "sensor/retro_entry.h"

#define RETRO_MIN_SIZE (UINT64_C(64) << 20)

/* clang-format off */
#define RETRO_INDEX_LIST(C) \
	C(added)        /* entries that came in */ \
	C(lost)         /* and found no room in memory */ \
	C(written)      /* segments made of what came in */ \
	C(merged)       /* segments made of others */ \
	C(write_errors) /* segments or lists that could not be written */ \
	C(dropped)      /* entries given up for size or age */ \
	C(bad_blocks)   /* damaged, refused one by one */ \
	C(bad_segments) /* damaged as a whole */
/* clang-format on */

struct retro_index_counters {
#define C(name) uint64_t name;
	RETRO_INDEX_LIST(C)
#undef C
	uint64_t segments, entries, bytes; /* now, on disk */
};

struct retro_index_conf {
	const char *dir; /* made when it is not there */
	uint64_t max_size; /* bytes, at least RETRO_MIN_SIZE */
	uint32_t keep_s; /* what was last seen longer ago goes; 0: stays */
	uint32_t table; /* entries in memory; 0: 131072 */
};

struct retro_index;

/* What is known of a question's keys, all together. */
struct retro_past {
	bool found;
	bool cut; /* it looked at as much as one may: there may be more */
	uint32_t first_s, last_s;
	uint64_t count;
	/* of ours (host_bits.h) in the week of last_s, and of what is known of
	 * the week before; 0: not known, or none */
	uint32_t hosts, hosts_before;
	struct retro_entry example; /* the latest */
};

/*
 * ERR_IO or ERR_FORMAT with diag: the directory cannot be used, or another
 * sensor has it.  Damaged segments are left out, counted and told.
 */
enum err retro_index_open(struct retro_index **out,
			  const struct retro_index_conf *c,
			  struct diag *d) MUST_CHECK;
/* To ask only, beside the sensor that writes it. */
enum err retro_index_open_read(struct retro_index **out, const char *dir,
			       struct diag *d) MUST_CHECK;
/* Writes what is in memory. */
void retro_index_close(struct retro_index *x);

const struct retro_secret *retro_index_secret(const struct retro_index *x);
/* The latest time that came in, or 1. */
uint32_t retro_index_newest(const struct retro_index *x);
void retro_index_add(struct retro_index *x, const struct retro_entry *e);
/*
 * Writes what is due and goes on with a merge for a few milliseconds; whether
 * there is more of it to do.
 */
bool retro_index_work(struct retro_index *x, uint64_t mono_us);
/* Writes what is in memory now; ERR_IO: it stays there. */
enum err retro_index_flush(struct retro_index *x) MUST_CHECK;

/* Adds what is known of this key to 'p', which is zeroed before the first. */
void retro_index_find(struct retro_index *x, unsigned kind,
		      const uint8_t key[RETRO_KEY_LEN], struct retro_past *p);
/* The same of all addresses in a network. */
void retro_index_find_net(struct retro_index *x, const struct cidr *net,
			  struct retro_past *p);
void retro_index_counters(const struct retro_index *x,
			  struct retro_index_counters *out);

#endif
