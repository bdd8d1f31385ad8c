/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_ring.h - entries on their way from a worker to the index's thread
 *
 * A worker folds what it saw a moment ago and writes the rest into a ring that
 * the thread empties.  A full ring loses entries, which are counted; it never
 * makes a packet wait, unless the packets come from files ('patient').
 *
 * Place    above retro_entry.h; below retro_note and retro.
 * Threads  one writes (a worker), one reads (the index's).
 * Memory   fixed: RETRO_RECENT slots; the owner's room of 64 bytes an entry.
 * Cost     about 20 ns an entry, half of that when it is folded.
 */
#ifndef SENSOR_RETRO_RING_H
#define SENSOR_RETRO_RING_H

#include <stdatomic.h>

#include "sensor/retro_entry.h"

#define RETRO_RECENT 4096 /* a power of two */
#define RETRO_FOLD_S 2 /* repeats wait so long, at most */

/* clang-format off */
#define RETRO_NOTE_LIST(C) \
	C(noted)    /* seen, folded ones included */ \
	C(folded)   /* into what was seen a moment ago */ \
	C(lost)     /* no room in the ring */ \
	C(unanswered_left) /* addresses of unanswered flows, above the rate */ \
	C(names_left)      /* names of one domain, above the rate */
/* clang-format on */

struct retro_note_counters {
#define C(name) uint64_t name;
	RETRO_NOTE_LIST(C)
#undef C
};

struct retro_ring {
	struct retro_entry *v;
	uint32_t mask;
	bool patient;
	_Alignas(64) _Atomic uint64_t head; /* written up to */
	uint64_t tail_seen; /* the writer's copy of 'tail' */
	uint32_t sweep; /* slot of 'recent' to look at next */
	uint32_t now_s; /* newest time seen */
	struct retro_note_counters count;
	/* What was written lately; count: since then and not written yet. */
	struct retro_entry recent[RETRO_RECENT];
	_Alignas(64) _Atomic uint64_t tail; /* read up to */
};

/* 'r' is zeroed; 'room' is for 2^bits entries and stays its owner's. */
void retro_ring_init(struct retro_ring *r, struct retro_entry *room,
		     unsigned bits, bool patient);

/* The writer: 'e' was seen once more (e->count flows; 0: only its time). */
void retro_ring_note(struct retro_ring *r, const struct retro_entry *e);
/* The writer: whether it was noted a moment ago, as far as is remembered. */
bool retro_ring_is_recent(const struct retro_ring *r, unsigned kind,
			  const uint8_t key[RETRO_KEY_LEN]);
/* The writer, every round: what was folded and waits too long goes on; 'all':
 * whatever waits. */
void retro_ring_sweep(struct retro_ring *r, uint32_t now_s, bool all);

/* The reader: at most 'cap' entries, taken out; returns how many. */
size_t retro_ring_take(struct retro_ring *r, struct retro_entry *out,
		       size_t cap);

#endif
