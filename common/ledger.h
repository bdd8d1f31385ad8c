/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - where every packet and every event of a sensor went
 *
 * The sensor fills it in, sends it, and the collector reads it back; what must
 * add up is here as code.  Three chains:
 *
 *   packets  wire -> kernel -> sensor -> inspected or skipped
 *   events   raised -> in memory -> spooled, or lost before that, by cause
 *   store    spooled -> stored, or still waiting, or gone from the spool
 *
 * Packets are counted since the program's start, events since the birth of
 * the spool (its epoch), whatever ended the program in between.  Events are
 * the lines handed to the forwarder, by severity class: 1, 2, 3, and all
 * others (other severities, and events that have none).
 *
 * Place    above json.h and json_read.h; both programs use it.
 * Threads  values.
 * Memory   about 4 KiB, the caller's.
 * Cost     some ten microseconds to write or to read.
 */
#ifndef COMMON_LEDGER_H
#define COMMON_LEDGER_H

#include "common/json.h"
#include "common/json_read.h"
#include "common/ledger_overload.h"

#define LEDGER_VERSION 1
#define LEDGER_CLASSES 4
#define LEDGER_LINKS 16
#define LEDGER_NAME_CAP 32
#define LEDGER_SHEDS 64

/* Events that never reached the spool, by cause. */
#define LEDGER_LOST_LIST(X) \
	X(writer) /* live: the writer of events fell behind */ \
	X(queue_full) /* live: the forwarder's queue was full */ \
	X(oversize) /* longer than any batch */ \
	X(no_memory) \
	X(disk) /* the disk refused the batch */ \
	X(spool_full) /* full of what is more severe */ \
	X(overload) /* shed by the packet path */ \
	X(killed) /* in memory when the program ended without a word */

/* Events that left the spool without being committed, by cause. */
#define LEDGER_GONE_LIST(X) \
	X(shed) /* full: these were the least severe */ \
	X(damaged) /* no longer readable, or no longer there */

/* Frames that workers took and did not inspect, by cause. */
#define LEDGER_SKIPPED_LIST(X) \
	X(not_ip) \
	X(invalid) \
	X(shed_encrypted) /* overload: payload of encrypted flows */ \
	X(shed_elephant) /* payload of very large flows */ \
	X(shed_priority_1) /* all, by the priority of addresses */ \
	X(shed_priority_2) \
	X(shed_priority_3) \
	X(shed_priority_4) \
	X(shed_priority_5)

enum ledger_lost {
#define X(name) LEDGER_LOST_##name,
	LEDGER_LOST_LIST(X)
#undef X
		LEDGER_LOSTS
};

enum ledger_gone {
#define X(name) LEDGER_GONE_##name,
	LEDGER_GONE_LIST(X)
#undef X
		LEDGER_GONES
};

enum ledger_skipped {
#define X(name) LEDGER_SKIPPED_##name,
	LEDGER_SKIPPED_LIST(X)
#undef X
		LEDGER_SKIPPEDS
};

/* One interface; packets since the start. */
#define LEDGER_LINK_LIST(X) \
	X(wire) /* what the network card counted */ \
	X(not_offered) /* of these: filtered, or before we listened */ \
	X(kernel_seen) \
	X(kernel_dropped) \
	X(if_dropped) /* by the card, not in wire */ \
	X(delivered) \
	X(waiting) /* in the ring */ \
	X(unread) /* in rings that had to be closed */ \
	X(up) /* 1: there, set up, with a carrier, and open */ \
	X(last_packet_us) /* 0: none yet */

struct ledger_link {
	char name[LEDGER_NAME_CAP];
#define X(name) uint64_t name;
	LEDGER_LINK_LIST(X)
#undef X
};

/* Capture files; records since the start. */
#define LEDGER_FILES_LIST(X) \
	X(records) \
	X(delivered) \
	X(filtered) \
	X(oversized)

struct ledger_files {
#define X(name) uint64_t name;
	LEDGER_FILES_LIST(X)
#undef X
};

/* What workers did with what was delivered. */
struct ledger_frames {
	uint64_t delivered, inspected;
	uint64_t skipped[LEDGER_SKIPPEDS];
	uint64_t pending; /* not taken by a worker yet; at the end: never */
};

/*
 * Batches of one class that the spool shed, or that were found damaged: all of
 * that class with numbers from 'from' to 'to' that were not committed then.
 * One that had been sent may have arrived all the same; by this the collector
 * knows.
 */
struct ledger_shed {
	uint64_t from, to, events;
	unsigned cls;
	unsigned alone; /* sensor: what stands around it is not gone */
};

struct ledger {
	uint64_t epoch; /* of the spool */
	uint64_t at_us; /* wall clock: when this was so */
	/* Greater in each ledger of the epoch than in those before, whatever
	 * the clock does. */
	uint64_t order;
	uint64_t started_us; /* the program's start */
	uint64_t last_seq, committed; /* of the spool */
	bool live, ended;

	struct ledger_link link[LEDGER_LINKS];
	unsigned n_links;
	struct ledger_files files;
	struct ledger_frames frames;
	struct ledger_overload overload; /* live */
	/* TCP flows whose packets told whether both sides are seen, and those
	 * of which only one is. */
	uint64_t tcp_flows, tcp_one_way;

	uint64_t raised[LEDGER_CLASSES];
	uint64_t memory[LEDGER_CLASSES]; /* queue and open batches */
	uint64_t spooled[LEDGER_CLASSES];
	uint64_t held[LEDGER_CLASSES]; /* in the spool above 'committed' */
	uint64_t lost[LEDGER_LOSTS][LEDGER_CLASSES];
	uint64_t gone[LEDGER_GONES][LEDGER_CLASSES];
	struct ledger_shed shed[LEDGER_SHEDS]; /* the latest, oldest first */
	unsigned n_shed;
	uint64_t shed_more; /* ranges that found no room among them */

	/* The last time that the program ended without a word: nobody was
	 * watching from the last sign of life to the next start.  0: never. */
	uint64_t blind_from_us, blind_to_us;
	/* What was raised is known from below only, since then; 0: exactly. */
	uint64_t unknown_since_us;
	/* Events of batches up to this number are not in 'spooled': the counts
	 * began anew behind it. */
	uint64_t base_seq;
};

/* What the collector has of the same epoch. */
struct ledger_store {
	bool known; /* false: nothing was received yet */
	uint64_t upto; /* of the batches all is there, or declared gone */
	uint64_t committed; /* the batches up to here are in 'stored' */
	/* Events in the batches stored up to the ledger's 'committed', and of
	 * batches above that up to its 'last_seq'. */
	uint64_t stored[LEDGER_CLASSES], ahead[LEDGER_CLASSES];
	/* Events in batches that the sensor counts as shed or damaged and that
	 * are stored all the same. */
	uint64_t returned[LEDGER_CLASSES];
	/* Batches that could not be read and were given up: events. */
	uint64_t unreadable[LEDGER_CLASSES];
	/* Numbers of batches that are there or declared gone, holes or not:
	 * so many batches were stored, and so many are gaps. */
	uint64_t numbers, frames, gap_frames;
};

/* An object under 'key' (NULL: outermost). */
void ledger_write(struct json *j, const char *key, const struct ledger *l);
/* From such an object; what is missing is 0.  False: it is none. */
bool ledger_read(struct ledger *l, const struct json_reader *r,
		 const struct json_value *obj) MUST_CHECK;

const char *ledger_class_name(unsigned cls); /* "1", "2", "3", "other" */
const char *ledger_lost_name(enum ledger_lost cause);
const char *ledger_gone_name(enum ledger_gone cause);
uint64_t ledger_sum(const uint64_t by_class[LEDGER_CLASSES]);

/* --- what must add up --- */

enum ledger_verdict {
	LEDGER_HOLDS,
	LEDGER_BROKEN,
	LEDGER_UNKNOWN, /* counters were lost: cannot be said */
};

#define LEDGER_MAX_TERMS 12

struct ledger_term {
	const char *name;
	uint64_t value;
};

/* left = the sum of the terms */
struct ledger_equation {
	const char *name; /* "wire", "kernel", "files", "delivered", "frames",
			   * "raised", "spooled", "numbers" */
	const char *of; /* the interface or class; "" when there is one only */
	struct ledger_term left;
	struct ledger_term term[LEDGER_MAX_TERMS];
	unsigned n_terms;
	int64_t difference; /* left minus the terms; 0 when it holds */
	enum ledger_verdict verdict;
};

#define LEDGER_MAX_EQUATIONS (2 * LEDGER_LINKS + 4 + 2 * LEDGER_CLASSES)

/*
 * All equations of 'l', and with 's' (may be NULL) those of the store; 'out'
 * has room for LEDGER_MAX_EQUATIONS, and borrows names from 'l'.  Returns how
 * many there are.
 */
unsigned ledger_check(const struct ledger *l, const struct ledger_store *s,
		      struct ledger_equation *out);
/* An object: name, of, left, right, difference, holds (null: unknown). */
void ledger_equation_write(struct json *j, const struct ledger_equation *e);

#endif
