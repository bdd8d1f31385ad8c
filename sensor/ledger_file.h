/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_file.h - counters of events that outlive the program
 *
 * A few pages in the spool's directory, mapped.  What is stored there is the
 * kernel's from that moment on, so that a program that is killed leaves it
 * whole.  Counters that may change alone are single words.  Those that belong
 * together (what was spooled, up to which batch) are written to the slot that
 * is not in use, and then the slots change places with one store: there is no
 * moment in which the file is torn.
 *
 * After a power cut the page may be older than the spool.  It is synced with
 * every beat, and says when that was.
 *
 * Place    above err.h, below forward.h, its only user.
 * Threads  ledger_file_raise() and ledger_file_lose() by one at a time;
 *          everything else by the forwarder's thread.
 * Memory   8 KiB.
 * Cost     plain stores, and a CRC of 2.5 KiB a slot; ledger_file_beat() waits
 *          for the disk.
 */
#ifndef SENSOR_LEDGER_FILE_H
#define SENSOR_LEDGER_FILE_H

#include "common/err.h"
#include "common/ledger.h"

#define LEDGER_FILE "ledger" /* in the spool's directory */
#define LEDGER_FILE_SIZE 8192

struct ledger_file;

/* What belongs together. */
struct ledger_slot {
	uint64_t seq; /* batches up to here are counted */
	uint64_t committed; /* of the spool, then */
	uint64_t spooled[LEDGER_CLASSES];
	uint64_t done[LEDGER_CLASSES]; /* of these: committed */
	uint64_t lost[LEDGER_LOSTS][LEDGER_CLASSES]; /* the forwarder's */
	uint64_t gone[LEDGER_GONES][LEDGER_CLASSES];
	struct ledger_shed shed[LEDGER_SHEDS];
	uint64_t n_shed, shed_more;
	uint64_t blind_from_us, blind_to_us, unknown_since_us, base_seq;
};

enum ledger_found {
	LEDGER_FILE_NEW, /* there was none, or of another spool */
	LEDGER_FILE_CLEAN, /* the last run ended and said so */
	LEDGER_FILE_KILLED, /* it did not; the counters are exact */
	LEDGER_FILE_POWER, /* the machine stopped: they may be old */
	LEDGER_FILE_DAMAGED, /* they are worth nothing, and begin anew */
};

/*
 * Opens or creates the file in 'dir' for the spool 'epoch'.  A file that
 * cannot be trusted is begun anew.  ERR_IO: the system refuses, with diag.
 */
enum err ledger_file_open(struct ledger_file **out, const char *dir,
			  uint64_t epoch, enum ledger_found *found,
			  struct diag *d) MUST_CHECK;
/* 'clean': all is accounted for, and the next start may rely on it. */
void ledger_file_close(struct ledger_file *f, bool clean);

/* The last sign of life of the run before this one; 0 when there was none. */
uint64_t ledger_file_last_beat(const struct ledger_file *f);
/* A sign of life; with 'sync', until it is on the disk. */
void ledger_file_beat(struct ledger_file *f, uint64_t wall_us, bool sync);

/* The order of the next ledger that is told: greater than any before. */
uint64_t ledger_file_order(struct ledger_file *f, uint64_t wall_us);

/* 'n' events were handed over; before anything else is done with them. */
void ledger_file_raise(struct ledger_file *f, unsigned cls, uint64_t n);
/* And 'n' were lost on the way to the forwarder. */
void ledger_file_lose(struct ledger_file *f, enum ledger_lost cause,
		      unsigned cls, uint64_t n);

/* The slot in use, and what makes another one it. */
const struct ledger_slot *ledger_file_slot(const struct ledger_file *f);
void ledger_file_put(struct ledger_file *f, const struct ledger_slot *s);
/* One cause of lost events as of now: the producer's and the slot's. */
void ledger_file_lost(const struct ledger_file *f, enum ledger_lost cause,
		      uint64_t out[LEDGER_CLASSES]);
void ledger_file_raised(const struct ledger_file *f,
			uint64_t out[LEDGER_CLASSES]);
/* After a power cut: at least so many were raised. */
void ledger_file_raised_least(struct ledger_file *f, unsigned cls, uint64_t n);

#endif
