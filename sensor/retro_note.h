/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_note.h - what flows and transactions show, for the index
 *
 * Addresses of a flow are noted with its first packet, with the first answer,
 * and at its end; names, URLs and digests as soon as the parser has them.  What
 * a flood of strangers could fill the index with has a rate: addresses of
 * flows that nobody answered, and names below one domain; the rest of these is
 * counted and left out.
 *
 * Place    above retro_ring and the parsers; below worker.
 * Threads  one worker.
 * Memory   fixed.
 * Cost     two ring entries a flow, and one or two for each value; a
 *          certificate costs its SHA-256.  Nothing for other packets.
 */
#ifndef SENSOR_RETRO_NOTE_H
#define SENSOR_RETRO_NOTE_H

#include "rules/range_set.h"
#include "sensor/app_parser.h"
#include "sensor/packet.h"
#include "sensor/retro_ring.h"

#define RETRO_PARENTS 1024 /* domains whose names are counted; power of two */
#define RETRO_PARENT_NAMES 4096 /* of one of them, in RETRO_PARENT_S */
#define RETRO_PARENT_S 60
#define RETRO_UNANSWERED_BURST 60000 /* flows without an answer */
#define RETRO_UNANSWERED_RATE 500 /* of them a second, later on */
#define RETRO_LABELS_MAX 10 /* a name's suffixes have so many, at most */

struct retro_parent {
	uint64_t key;
	uint32_t since_s, n;
};

struct retro_notes {
	struct retro_ring ring;
	struct retro_secret secret;
	const struct range_set *home; /* whose hosts count; NULL: all */
	uint32_t types; /* bit per enum indicator_kind */
	uint32_t tokens, tokens_s; /* of unanswered flows; when last filled */
	struct retro_parent parent[RETRO_PARENTS];
};

/* 'n' is zeroed but for its ring, types and home, which are set up. */
void retro_notes_init(struct retro_notes *n, const struct retro_secret *s);

/* A packet that is the first of its flow in its direction. */
void retro_note_flow(struct retro_notes *n, const struct flow *f,
		     uint64_t ts_us);
/* The flow is over. */
void retro_note_flow_end(struct retro_notes *n, const struct flow *f);
/* A packet that has no flow. */
void retro_note_packet(struct retro_notes *n, const struct packet *p,
		       uint64_t ts_us);
/* The transaction went on: what is new of it. */
void retro_note_tx(struct retro_notes *n, const struct flow *f,
		   struct app_tx *tx, uint64_t ts_us);
/* A file that ended. */
void retro_note_file(struct retro_notes *n, const struct flow *f,
		     const struct file *file, uint64_t ts_us);

#endif
