/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro.h - was it here before?  The thread that keeps the index and answers
 *
 * Workers note what they see (retro_note.h); the thread takes it into the index
 * (retro_index.h).  When an indicator comes into force, whoever brings it asks;
 * what was seen is answered by an alert that says when.
 *
 *   retro_start()               the thread, with a place for each worker
 *   retro_notes(r, i)      ->   worker_settings.retro
 *   retro_ask()                 any thread
 *   retro_take_answers()        who hands out rounds, to the sink
 *
 * Place    above retro_note and retro_index; below reload.
 * Threads  one of its own; retro_ask() and retro_get_counters() by any,
 *          retro_take_answers() by one.
 * Memory   about 30 MiB with few workers, at most 64 MiB: rings share 16 MiB,
 *          at most RETRO_QUESTIONS questions and RETRO_ANSWERS lines wait.
 * Cost     the thread's: about a microsecond an entry.
 */
#ifndef SENSOR_RETRO_H
#define SENSOR_RETRO_H

#include "sensor/event_lane.h"
#include "sensor/event_log.h"
#include "sensor/retro_index.h"
#include "sensor/retro_note.h"

#define RETRO_QUESTIONS 4096
#define RETRO_ANSWERS 1024

struct retro;

struct retro_settings {
	struct retro_index_conf index;
	struct event_origin origin;
	unsigned n_workers;
	uint32_t types; /* bit per enum indicator_kind */
	/* Whose hosts are counted, outlives the thread; NULL: all. */
	const struct range_set *home;
	bool patient; /* packets come from files: they wait for the index */
};

/* clang-format off */
#define RETRO_COUNTER_LIST(C) \
	C(asked)        /* indicators that were asked for */ \
	C(answered)     /* of them, seen before */ \
	C(known)        /* asked for by a former run, and passed over */ \
	C(unanswerable) /* of a kind that the index does not hold */
/* clang-format on */

struct retro_counters {
	struct retro_note_counters note;
	struct retro_index_counters index;
#define C(name) uint64_t name;
	RETRO_COUNTER_LIST(C)
#undef C
};

/* Bit per kind that an index may hold. */
#define RETRO_ALL_TYPES \
	((UINT32_C(1) << INDICATOR_KINDS) - 1 - \
	 (UINT32_C(1) << INDICATOR_PATTERN))
/* "ip", "domain" ... of "retro.types"; false: no such type. */
bool retro_type_read(struct view word, uint32_t *types) MUST_CHECK;

/* What workers need to begin with.  retro_run() opens the index, whose errors it
 * has, and starts the thread: once the process is confined, before the first
 * packet. */
enum err retro_open(struct retro **out, const struct retro_settings *s,
		    struct diag *d) MUST_CHECK;
enum err retro_run(struct retro *r, struct diag *d) MUST_CHECK;
/* Workers have ended: takes what they left, writes it, ends.  NULL is fine. */
void retro_close(struct retro *r);
/* The same in two steps: from the first on all is answered that was asked. */
void retro_end(struct retro *r);

struct retro_notes *retro_notes(struct retro *r, unsigned worker);

/*
 * Asks whether 'i' was seen before, of which it keeps a copy.  The answer is an
 * alert, in its turn; none, when it was not seen.  ERR_LIMIT: too many wait, try
 * again later; ERR_NOMEM.
 */
enum err retro_ask(struct retro *r, const struct indicator *i) MUST_CHECK;
/* The same, unless it was asked for before, by a former run too: for those that
 * are there at the start. */
enum err retro_ask_once(struct retro *r, const struct indicator *i) MUST_CHECK;

/*
 * Exercises that are on ('lanes' may be NULL, and outlives the thread): an
 * answer is of one when what was seen first and last was in its time, and
 * between addresses of one of its injects.  By any thread.
 */
void retro_set_lanes(struct retro *r, const struct event_lanes *lanes);

/* Whether no question waits. */
bool retro_all_answered(struct retro *r);
/* Calls 'take' for each line that waits. */
void retro_take_answers(struct retro *r,
			void (*take)(void *arg, uint8_t severity,
				     struct view line),
			void *arg);
void retro_get_counters(struct retro *r, struct retro_counters *out);

#endif
