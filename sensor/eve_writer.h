/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eve_writer.h - the thread that writes the lines the sink let through
 *
 * The sink decides what is said and in which order; making bytes of it and
 * waiting for disk, pipe or Redis is done here, beside the packet path.
 *
 *   p = eve_writer_take(w);     an empty parcel; waits while all are under way
 *   ... fill it ...
 *   eve_writer_hand(w, p);
 *
 * Place    above record.h, rules/held.h and forward.h; below sink.
 * Threads  one of its own; all functions are for one other thread.
 * Memory   some parcels, whose buffers go round with those of the workers'
 *          outboxes, and one write buffer.
 * Cost     a lock and two swaps of pointers for each round and worker.
 */
#ifndef SENSOR_EVE_WRITER_H
#define SENSOR_EVE_WRITER_H

#include <signal.h>

#include "common/err.h"
#include "sensor/record.h"

#define PARCEL_BOXES 64
#define PARCELS_MAX 32

/* What was held back of a rule since its last alert, by cause. */
struct parcel_news {
	uint64_t fresh[HELD_CAUSES];
};

/* One line: which record of which outbox. */
struct parcel_item {
	uint32_t box, index;
	uint32_t news; /* 1 + its place in the parcel's news; 0: none */
};

/* A round's lines in their order. */
struct parcel {
	struct outbox box[PARCEL_BOXES];
	struct parcel_item *item;
	size_t n, cap;
	struct parcel_news *news;
	size_t n_news, cap_news;
};

/* False when there is no memory: nothing was added. */
bool parcel_reserve(struct parcel *p, size_t n);
/* 'h' may be NULL; its news are told then, or stay for another alert. */
void parcel_add(struct parcel *p, uint32_t box, uint32_t index,
		struct held_rule *h);

struct eve_writer;
struct forward;

struct eve_writer_settings {
	const char *path; /* NULL: none; "-": standard output */
	uint32_t eve_types, forward_types; /* bit per enum event_type */
	bool verdict; /* alerts say what became of their packet */
	unsigned parcels; /* 0: 4; at most PARCELS_MAX */
	/* Once it is set, who reads the lines is waited for so long in all;
	 * NULL: for ever. */
	const volatile sig_atomic_t *stop;
	uint64_t drain_us;
};

struct eve_writer_counters {
	uint64_t events[EVENT_TYPE_COUNT]; /* written or forwarded */
	uint64_t lost, forwarded, bytes, write_errors;
	uint64_t unwritten; /* lines that did not get into the output */
};

enum err eve_writer_open(struct eve_writer **out,
			 const struct eve_writer_settings *s,
			 struct diag *d) MUST_CHECK;
void eve_writer_forward(struct eve_writer *w, struct forward *f);
/* Other types from about now on; any thread. */
void eve_writer_set_types(struct eve_writer *w, uint32_t eve_types,
			  uint32_t forward_types);

struct parcel *eve_writer_take(struct eve_writer *w);
void eve_writer_hand(struct eve_writer *w, struct parcel *p);
/* How many eve_writer_take() has without waiting. */
unsigned eve_writer_room(struct eve_writer *w);
/* Of those handed over, a number for each: whether it is out. */
uint64_t eve_writer_mark(struct eve_writer *w);
bool eve_writer_passed(struct eve_writer *w, uint64_t mark);
/* What was handed over goes out soon, without waiting for more. */
void eve_writer_flush(struct eve_writer *w);
/* Waits until all of it is out: no rule is looked at any more. */
void eve_writer_wait(struct eve_writer *w);
/* One line behind all others, written at once. */
void eve_writer_line(struct eve_writer *w, enum event_type type,
		     struct view line);
/* A record behind all others: for whoever has no memory for a parcel.  'h' as in
 * parcel_add(). */
void eve_writer_record(struct eve_writer *w, const struct outbox *box,
		       const struct record *r, struct held_rule *h);
/* Closes and opens the file again, after rotation. */
void eve_writer_reopen(struct eve_writer *w);
/* The same between two parcels, without waiting for it. */
void eve_writer_reopen_soon(struct eve_writer *w);
/* Nobody reads standard output any more; at any time. */
bool eve_writer_reader_gone(const struct eve_writer *w);
/* Of what is out: wait before. */
const struct eve_writer_counters *eve_writer_counters(struct eve_writer *w);
/* Without waiting, of the parcels that are out. */
void eve_writer_counters_now(struct eve_writer *w,
			     struct eve_writer_counters *out);
/* Writes what is left and closes; ERR_IO when something could not be
 * written. */
enum err eve_writer_close(struct eve_writer *w);

#endif
