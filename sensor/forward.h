/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward.h - event lines in, committed batches out: the sensor's last stage
 *
 * One thread takes lines from a queue, gathers them to batches, spools them,
 * and sends them until the collector has committed them.  Redis away, slow,
 * full or wiped costs delay; nothing that reached the spool is lost but by
 * shedding, which is counted, told by a gap record and by an alert.
 *
 *   struct forward_options o = { .redis_url = url, .site = "a",
 *                                .sensor = "tap1", .block = replay };
 *   forward_start(&f, &o, &diag);
 *   forward_push(f, line, severity);            (one at a time)
 *   forward_finish(f, FORWARD_SENT, 10000, &result);
 *   forward_free(f);
 *
 * Place    above sender.h; root of the sending side.
 * Threads  forward_push() by one at a time; forward_get_stats() by any; the rest
 *          by the program's main thread.
 * Memory   the queue (twice queue_bytes / 2), one batch, one frame, and what
 *          Redis has not taken of at most 48 frames.
 * Cost     forward_push() copies the line under a mutex held for copies only.
 */
#ifndef SENSOR_FORWARD_H
#define SENSOR_FORWARD_H

#include "common/ledger.h"
#include "sensor/loss_report.h"
#include "sensor/sender.h"

struct forward;

/* How soon things are told; 0 of each: the default. */
struct forward_pace {
	unsigned batch_ms; /* how long an event may wait for others; 250 */
	unsigned presence_ms; /* 2000 */
	unsigned ledger_s; /* 60 */
};

struct forward_options {
	const char *redis_url; /* see redis_url.h; unless 'redis' is given */
	const struct redis_options *redis; /* NULL: all but the URL default */
	const char *site, *sensor; /* letters, digits and ._- each */
	const char *spool_dir; /* NULL: spool_default_dir() */
	uint64_t spool_max_bytes; /* spool.max-size; 0: 1 GiB */
	enum spool_sync_policy spool_sync; /* spool.sync */
	unsigned resend_s; /* spool.resend-seconds; 0: 10 */
	unsigned depth; /* batches in flight; 0: 16 */
	uint64_t window_bytes; /* in Redis, not committed; 0: 128 MiB */
	size_t queue_bytes; /* 0: 8 MiB */
	int level; /* of compression; 0: 6 */
	bool block; /* a full queue: wait (replay) or drop and count (live) */
	/*
	 * Called by the forwarder's thread every two seconds to learn what
	 * presence says; NULL: what is known here.  Must not block.
	 */
	void (*facts)(void *arg, struct presence_facts *out);
	void *facts_arg;
	/*
	 * Called likewise to learn what became of packets (of 'out' only mode,
	 * started_us, links, files, frames).  With it the ledger is sent with
	 * presence, and every minute and at the end as an event that is as
	 * durable as any; NULL: neither.
	 */
	void (*packets)(void *arg, struct ledger *out);
	void *packets_arg;
	struct forward_pace pace;
	/* At the end, after Redis took all, the collector gets so long to say
	 * that it has committed it; 0: 750. */
	unsigned linger_ms;
	/* Control documents: file of the public key (NULL: none are taken),
	 * and who takes them, in the forwarder's thread, without blocking. */
	const char *control_key;
	void (*control)(void *arg, const struct control_doc *doc,
			struct view text);
	void *control_arg;
	/* Called likewise: the next piece of kept packets that were asked for,
	 * and that it is on its way; NULL: none ever are. */
	bool (*evidence)(void *arg, struct evidence_chunk *out);
	void (*evidence_sent)(void *arg);
	void *evidence_arg;
	/* Key that signs batches: a file, or "hmac:" and a file; NULL: they
	 * are not signed. */
	const char *sign_key;
	/* Public key of the collector (or "hmac:" and a file), which must have
	 * signed the committed point; NULL: any point is believed. */
	const char *collector_key;
};

/* By severity class: 1, 2, 3, and all others. */
struct forward_stats {
	uint64_t events, bytes; /* taken from the queue, raw */
	uint64_t batches, batch_bytes; /* spooled, compressed */
	uint64_t sent, resent; /* batches that Redis took, first and again */
	uint64_t dropped[SPOOL_CLASSES]; /* events: queue full, live */
	uint64_t oversize; /* events too long for any batch */
	uint64_t shed_events[SPOOL_CLASSES]; /* since the spool's birth */
	uint64_t shed_batches[SPOOL_CLASSES];
	uint64_t epoch, last_seq, committed;
	uint64_t depth_batches, depth_bytes, depth_events; /* not committed */
	uint64_t sync_failures, read_failures;
	struct loss_counts lost; /* since the start, and alerts that told it */
	uint64_t loss_alerts;
	uint64_t connects; /* the first one included */
	uint64_t refused; /* commands that Redis answered with an error */
	uint64_t errors[REDIS_TROUBLES]; /* by kind */
	uint64_t points_forged, points_old; /* as struct sender_stats */
	uint64_t keys_reloads, keys_failed; /* of files with keys */
	enum sender_state redis;
	char last_error[256];
};

/* From about now on, and tells presence at once; any thread. */
void forward_set_pace(struct forward *f, const struct forward_pace *pace);

/* Whether the files with keys can be read: for --check.  ERR_USAGE with diag
 * that names the setting's file. */
enum err forward_check_keys(const struct forward_options *o,
			    struct diag *d) MUST_CHECK;

/* Opens the spool and starts the thread; Redis may be away.  ERR_USAGE,
 * ERR_IO with a diag for the user. */
enum err forward_start(struct forward **out, const struct forward_options *o,
		       struct diag *d) MUST_CHECK;

/*
 * Takes a copy of one event line (newline optional).  'severity' is 1 (worst)
 * to 255, 0 for none.  False: dropped and counted.
 */
bool forward_push(struct forward *f, struct view line, uint8_t severity);
/*
 * Accounts for 'n' events of that severity that were lost by 'cause' before
 * they could be pushed.  By whoever pushes, or any one thread at a time.
 */
void forward_lost(struct forward *f, enum ledger_lost cause, uint8_t severity,
		  uint64_t n);

enum forward_goal {
	FORWARD_SPOOLED, /* everything is durable on this machine */
	FORWARD_SENT, /* and Redis has taken it; the collector gets linger_ms
		       * to commit it */
	FORWARD_COMMITTED, /* and the collector has committed it */
};

struct forward_result {
	bool reached; /* the goal, in time */
	uint64_t left_batches, left_events; /* not committed: wait in the spool
					     * for the next start */
};

/*
 * After the last forward_push(): spools what is gathered, waits at most
 * 'wait_ms' for the goal, says farewell and ends the thread.
 */
void forward_finish(struct forward *f, enum forward_goal goal, unsigned wait_ms,
		    struct forward_result *out);
/* Ends the thread too, if forward_finish() did not.  NULL is fine. */
void forward_free(struct forward *f);

void forward_get_stats(struct forward *f, struct forward_stats *out);
/* The ledger as of the start, the last presence or the end: by any thread. */
void forward_get_ledger(struct forward *f, struct ledger *out);

/*
 * Has all files with keys read again, in the forwarder's thread, soon.  When one
 * of them cannot be, that is logged and counted, and all keys stay as they were.
 * Any thread; NULL is passed over.
 */
void forward_reload_keys(struct forward *f);

#endif
