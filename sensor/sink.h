/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - where all workers' event lines meet, in packet order
 *
 * A round is a fixed run of frames.  Once every worker has handed over its
 * outbox of a round the sink merges them by frame number, settles what rules
 * ask of shared state and applies thresholds.  What is to be said goes to a
 * thread that writes the EVE file and passes on what is forwarded.  Order, and
 * therefore thresholds, do not depend on the number of workers.
 *
 * Place    above eve_writer.h, rules/threshold.h and rules/shared_state.h;
 *          below replay.
 * Threads  all functions are called by one thread at a time.
 * Memory   one sort index, reused; rounds under way as eve_writer.h says.
 * Cost     one pass per round; flows that ended together are sorted.
 */
#ifndef SENSOR_SINK_H
#define SENSOR_SINK_H

#include <signal.h>

#include "common/conf.h"
#include "rules/shared_state.h"
#include "sensor/record.h"

struct sink;
struct forward;

struct sink_settings {
	const char *eve_path; /* NULL: none; "-": standard output */
	uint32_t eve_types, forward_types; /* bit per enum event_type */
	size_t threshold_entries;
	unsigned threshold_percent; /* threshold_set_percent(); 0: 100 */
	bool verdict; /* alerts say what became of their packet */
	struct shared_state *shared; /* settles claims; or NULL */
	/* Live: nothing here waits for the writer.  When it cannot follow, the
	 * least severe is lost first, and counted. */
	bool live;
	/* Once it is set, who reads the EVE output is waited for so long in
	 * all; NULL: for ever. */
	const volatile sig_atomic_t *stop;
	uint64_t drain_us;
};

struct sink_counters {
	uint64_t events[EVENT_TYPE_COUNT]; /* written or forwarded */
	/* suppressed: by thresholds; see sink_held() for the causes */
	uint64_t alerts, suppressed, lost, forwarded, bytes;
	uint64_t write_errors;
	uint64_t unwritten; /* lines that did not get into the EVE output */
	uint64_t threshold_evicted;
	uint64_t unmet; /* alerts whose claim did not hold */
	/* live: lost because the writer could not follow */
	uint64_t behind_alerts, behind_events;
	uint64_t behind_claims; /* on shared state, of rules without alert */
};

enum err sink_open(struct sink **out, const struct sink_settings *s,
		   struct diag *d) MUST_CHECK;
/*
 * Other types, and more or less held back by thresholds
 * (threshold_set_percent()), from the next round on.
 */
void sink_set_posture(struct sink *s, uint32_t eve_types,
		      uint32_t forward_types, unsigned threshold_percent);
/* Where forwarded types go; NULL: stand-alone. */
void sink_set_forward(struct sink *s, struct forward *f);
/*
 * Merges 'n' outboxes of one round, which are empty or hold what is to be
 * reset after.  Waits while too many rounds are not written yet, unless live.
 */
void sink_round(struct sink *s, struct outbox *const *boxes, unsigned n);
/* One line outside of any round (stats). */
void sink_line(struct sink *s, enum event_type type, struct view line);
/* An alert outside of any round, with its whole line; 'severity' as in a
 * record. */
void sink_alert(struct sink *s, uint8_t severity, struct view line);
/* What was merged so far goes out without waiting for more. */
void sink_flush(struct sink *s);
/* Waits until it is out: the rules of its alerts may go. */
void sink_wait(struct sink *s);
/* The same without waiting: a mark for what was merged so far, and whether
 * that is out. */
uint64_t sink_mark(struct sink *s);
bool sink_passed(struct sink *s, uint64_t mark);
/* No more packets will come: from now on waiting is fine. */
void sink_end_live(struct sink *s);
/* Closes and opens the EVE file again, after rotation. */
void sink_reopen(struct sink *s);
/* Of all that was merged: waits until it is out; live, of what is out. */
const struct sink_counters *sink_counters(struct sink *s);
/* Whether the EVE output was standard output, and nobody reads it any more;
 * it is not tried again. */
bool sink_reader_gone(const struct sink *s);
/* The matches that became no alert, by rule and cause. */
const struct held *sink_held(const struct sink *s);
/* Flushes and closes; ERR_IO when anything could not be written. */
enum err sink_close(struct sink *s);

#endif
