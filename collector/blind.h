/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blind.h - was anyone looking?
 *
 * Silence is only safety while somebody watches.  What a sensor says about
 * itself, and that it says it, is turned into intervals in which Picket was
 * blind there, each with its cause.  Several causes may hold at once.
 *
 * Place    above blind_overload; below store_blind and health.
 * Threads  values; no clock of its own: the time is a fact like others.
 * Memory   about 8 KiB a sensor, the caller's.
 * Cost     some comparisons a look.
 */
#ifndef COLLECTOR_BLIND_H
#define COLLECTOR_BLIND_H

#include "collector/blind_overload.h"

#define BLIND_CAUSE_LIST(X) \
	X(silent) /* no sign of life */ \
	X(ended) /* ended in order: nobody watches the tap */ \
	X(killed) /* ended without a word, and started again */ \
	X(collector_down) /* and the sensor was not there all the time */ \
	X(tap_silent) /* no packets where there were some */ \
	X(interface_down) \
	X(kernel_drops) \
	X(one_way) /* only one side of too many connections */ \
	X(rules_failed) /* what should be looked for is not */ \
	X(feed_stale) /* indicators are older than they may be */ \
	X(clock) /* its times are wrong */ \
	X(events_lost) \
	X(overload) /* it passed packets or events over */

enum blind_cause {
#define X(name) BLIND_##name,
	BLIND_CAUSE_LIST(X)
#undef X
		BLIND_CAUSES
};

#define BLIND_DETAIL_CAP 96
#define BLIND_MAX_CHANGES (2 * BLIND_CAUSES)
#define BLIND_SAMPLES 16

struct blind_config {
	uint64_t tap_silent_us; /* without a packet */
	double tap_floor; /* packets a second, before; fewer are no tap */
	double drop_percent; /* of what the kernel saw, in a window */
	double one_way_percent; /* of TCP flows, in a window */
	uint64_t clock_us; /* by which a sensor's clock may be off */
	uint64_t window_us; /* of drops, one way, and what was lost */
	uint64_t gap_us; /* a collector away for less is not worth a word */
};

extern const struct blind_config blind_defaults;

/* What is known at one look. */
struct blind_facts {
	uint64_t now_us; /* the collector's clock */
	bool there; /* presence has not run out */
	bool ended; /* and says goodbye */
	const struct ledger *ledger; /* the newest; NULL: none */
	bool rules_failed, feed_stale;
	const char *rules_error; /* why; "" or NULL: not said */
};

/* An interval, or the beginning of one: 'to_us' is 0 while it is open. */
struct blind_span {
	enum blind_cause cause;
	uint64_t from_us, to_us;
	char detail[BLIND_DETAIL_CAP];
	/* Of which priority on all, and payload of encrypted and of very large
	 * flows, was not seen; other causes than overload: 0, of everybody. */
	unsigned all_from, payload_from;
};

/* Sums of one ledger. */
struct blind_sample {
	uint64_t at_us, seen, dropped, flows, one_way, lost;
	struct blind_given_up given_up;
};

struct blind_tap {
	char name[LEDGER_NAME_CAP];
	uint64_t delivered, first_us, first, changed_us;
};

/* The state of one sensor; zeroed is one that was never seen. */
struct blind {
	uint64_t open_us[BLIND_CAUSES]; /* since when; 0: it is not so */
	bool known; /* it was seen, now or by a former collector */
	bool live; /* it watches interfaces, not files */
	uint64_t seen_us; /* when last heard */
	uint64_t started_us; /* of the program that told the samples */
	uint64_t told_us; /* at_us of its newest ledger */
	uint64_t killed_us; /* end of the last kill that was told */
	struct blind_sample sample[BLIND_SAMPLES]; /* a ring */
	unsigned n_samples;
	uint64_t bad_us[BLIND_CAUSES]; /* by a window: last so */
	struct blind_overload overload;
	struct blind_tap tap[LEDGER_LINKS];
	unsigned n_taps;
};

const char *blind_cause_name(enum blind_cause c);
/* BLIND_CAUSES: there is no such cause. */
enum blind_cause blind_cause_find(const char *name);

/*
 * What a former collector knew: 'seen_us' is when that last heard the sensor.
 * Before the first look; open causes are put into open_us.
 */
void blind_resume(struct blind *b, bool live, uint64_t seen_us);
/* After that: the ledger that it heard then.  The next is held against it, and
 * not against the start of its program: what was told is not told again. */
void blind_recall(struct blind *b, const struct ledger *l);

/* The kill that a ledger tells of; false when it tells of none, or of one that
 * ends before it begins. */
bool blind_killed(const struct ledger *l, struct blind_span *out) MUST_CHECK;

/*
 * One look.  'out' has room for BLIND_MAX_CHANGES: what opened and closed, in
 * this order of causes.  'was_down_us' is when a collector looked last before
 * this one began, at its first look only; else 0.  Returns how many.
 */
unsigned blind_look(struct blind *b, const struct blind_config *c,
		    const struct blind_facts *f, uint64_t was_down_us,
		    struct blind_span *out);

#endif
