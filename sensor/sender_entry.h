/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender_entry.h - a batch as an entry of the stream, and what comes back
 *
 * Matched by collector/inflate.c, which reads the entry.
 *
 * Place    above spool.h, below sender.h.
 * Threads  pure.
 * Memory   the caller's; views and texts point into the item.
 * Cost     some short texts a batch.
 */
#ifndef SENSOR_SENDER_ENTRY_H
#define SENSOR_SENDER_ENTRY_H

#include <hiredis/hiredis.h>

#include "common/frame_sign.h"
#include "common/point_sign.h"
#include "sensor/spool.h"

/* How far each class was sent, with this entry: written into it, so that the
 * last entry that Redis still has tells where to go on. */
struct sender_pos {
	uint64_t upto[SPOOL_CLASSES];
};

/* A command for redisFormatCommandArgv(). */
struct sender_entry {
	const char *argv[32];
	size_t len[32];
	int n;
	char text[8][24];
	int n_text;
	char pos[SPOOL_CLASSES * 21 + 1];
	uint8_t mac[FRAME_MAC_MAX];
};

/* XADD of 'it', a gap with the empty body 'none' of checksum 'none_crc'. */
void sender_entry_make(struct sender_entry *e, const char *stream,
		       const struct spool_item *it,
		       const struct sender_pos *pos, struct view none,
		       uint32_t none_crc);
/* Signs what sender_entry_make() made of the same item for 'name', SITE/SENSOR:
 * adds the mac, and the length that it covers.  ERR_NOMEM only. */
enum err sender_entry_sign(struct sender_entry *e, struct sign_key *k,
			   const char *name, const struct spool_item *it,
			   struct view none, uint32_t none_crc) MUST_CHECK;

/* With a million numbers a second it takes 146,000 years to get there.  Who
 * says that they did would have all batches taken for committed, for ever. */
#define SENDER_MAX_SEQ (UINT64_MAX >> 2)

/* The committed point (point_sign.h), whoever wrote it; anything else is
 * nothing. */
bool sender_read_committed(const redisReply *r, struct point *out);
/*
 * The reply to XREVRANGE + - COUNT 1: false when the stream is empty or its
 * last entry is not of 'epoch'.  An entry that does not say how far each class
 * was sent was sent in order.
 */
bool sender_read_last(const redisReply *r, uint64_t epoch,
		      struct sender_pos *pos);

#endif
