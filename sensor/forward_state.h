/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward_state.h - the inside of the forwarder
 *
 * Internal: included by forward*.c only.  forward.c has the queue and the
 * thread, forward_open.c what it is made of, forward_tell.c what it tells of
 * itself: losses, ledger, presence, statistics.
 *
 * Place    with forward.
 * Threads  as said at each part of struct forward.
 * Memory   as forward.h.
 */
#ifndef SENSOR_FORWARD_STATE_H
#define SENSOR_FORWARD_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/json.h"
#include "sensor/batch.h"
#include "sensor/forward.h"
#include "sensor/forward_ledger.h"

#define LINE_HEAD 5 /* length, severity */

/* One half of the queue: filled by the producer or emptied by the thread. */
struct half {
	uint8_t *p;
	size_t len;
};

/* What is read from files with keys; NULL each: not set. */
struct forward_keys {
	struct sign_key *sign; /* signs batches and presence */
	struct sign_key *collector; /* must have signed committed points */
	struct sign_key *control; /* for the control feed, which owns it then */
};

struct forward {
	struct forward_options o;
	char name[SPOOL_NAME_CAP], dir[512];
	struct spool *spool;
	struct sender *sender;
	struct control_feed *control; /* NULL: documents are not taken */
	struct forward_keys keys;
	struct frame_codec *codec;
	/* One for each class: what is shed is of one class, and counts by
	 * class are exact. */
	struct batch batch[SPOOL_CLASSES];
	struct forward_ledger ledger;
	struct json line, ledger_json;
	pthread_t thread;
	bool running, begun;
	int wake_fd;
	/* The pace, as any thread set it. */
	_Atomic uint64_t batch_us, presence_us, ledger_us;
	atomic_bool presence_soon; /* there is something new to tell */
	size_t half_cap;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t room;
	struct half fill;
	bool ending; /* no more lines will come */
	bool keys_wanted; /* to be read again */
	bool ended;
	enum forward_goal goal;
	uint64_t deadline_us;
	uint64_t left; /* batches, when last sent again at the end */
	uint64_t sent_us; /* when all was sent last, at the end; or 0 */
	uint64_t until_us; /* so long the collector may take to commit it */
	bool reached;
	struct forward_stats shown; /* the thread's, as of its last round */
	struct ledger ledger_shown; /* likewise */
	uint64_t dropped[SPOOL_CLASSES];
	uint64_t too_long; /* lines that were not let into the queue */

	/* The thread's own. */
	struct half drain;
	struct forward_stats st;
	struct presence_facts facts;
	unsigned unsynced;
	uint64_t next_presence_us, next_ledger_us;
	uint64_t presence_connects; /* connections that heard of us */
	bool last_ledger; /* the one at the end is on its way */
	struct loss_report losses;
	struct loss_counts at_start; /* shed in the spool's life before */
	bool disk_failing; /* told once per change */
	uint64_t disk_failed_us; /* last */
	bool last_report; /* of losses, at the end: made */
	uint64_t unpacked[SPOOL_CLASSES]; /* shed before they had a frame */
};

/* Puts a line into the open batch of its class, sealing what is full. */
void forward_add_line(struct forward *f, struct view line, uint8_t sev,
		      uint64_t now);

/* Compresses the open batch of a class and spools it. */
void forward_seal(struct forward *f, unsigned cls);

/* forward_keys.c: all of them, or none with diag. */
enum err forward_keys_load(struct forward_keys *k,
			   const struct forward_options *o,
			   struct diag *d) MUST_CHECK;
void forward_keys_free(struct forward_keys *k);
/* Reads them again if that was asked for; the thread's. */
void forward_keys_turn(struct forward *f);

/* forward_open.c: spool, ledger, control, sender, batches. */
bool forward_name_ok(const char *s);
enum err forward_open_parts(struct forward *f, struct diag *d) MUST_CHECK;

/* forward_tell.c, all of it for the thread alone. */
/* All that this stage lost, in the spool's whole life. */
void forward_losses(struct forward *f, struct loss_counts *c);
/* An alert, when something was lost and it is time to say so. */
void forward_tell_losses(struct forward *f, uint64_t now, bool ending);
/* An event with the ledger, each interval and at the end. */
void forward_tell_ledger(struct forward *f, bool ending, uint64_t now);
void forward_tell_presence(struct forward *f, bool ended);
/* For forward_get_stats() and forward_get_ledger(). */
void forward_show_stats(struct forward *f);
void forward_show_ledger(struct forward *f);

#endif
