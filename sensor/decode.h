/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.h - one frame to the IP packets in it
 *
 * Place    above decode_link, decode_ip, decode_l4, decode_tunnel, defrag.
 * Threads  one decoder per worker.
 * Memory   fragments wait in the worker's pool, bounded; see defrag.h.
 * Cost     no allocation except for fragments.
 */
#ifndef SENSOR_DECODE_H
#define SENSOR_DECODE_H

#include "common/conf.h"
#include "common/pool.h"
#include "sensor/decode_count.h"
#include "sensor/packet.h"

struct decoder;

struct decoder *decoder_new(const struct conf *conf, struct pool *pool);
void decoder_free(struct decoder *d);

/*
 * Decodes 'f' into 'out', outermost first, and returns how many packets it
 * holds, at least 1.  A frame without IP gives one packet with ip_version 0.
 * Never reads past caplen.  The packets' views are valid until the next call.
 */
unsigned decode_frame(struct decoder *d, const struct frame *f,
		      struct packet out[FRAME_MAX_PACKETS]);

/*
 * Decodes 'f' ahead of its turn, when it is an ordinary frame of one packet
 * that nothing before it can change (decode_plain.c); valid as long as the
 * frame.  False for all others: decode_frame() takes them in their turn.
 */
bool decode_ahead(struct decoder *d, const struct frame *f,
		  struct packet *out) MUST_CHECK;

/*
 * The same without the short cut that decode_frame() takes for ordinary frames
 * (decode_plain.c): gives the same packets, for tests to compare.
 */
unsigned decode_frame_by_layers(struct decoder *d, const struct frame *f,
				struct packet out[FRAME_MAX_PACKETS]);

/* Whether frames of this link type (DLT_) are decoded at all. */
bool decode_knows_link(uint16_t linktype);

void decode_counters(const struct decoder *d, struct decode_counters *out);

/*
 * The same for a frame that several decoders see and one is to count, by
 * decode_count_last() right behind.  Decoders that see the same fragments, in
 * their order, put the same datagrams together.
 */
unsigned decode_frame_uncounted(struct decoder *d, const struct frame *f,
				struct packet out[FRAME_MAX_PACKETS]);
void decode_count_last(struct decoder *d);

/*
 * Whose packets a frame holds (decode_pair.c): for each, outermost first, a hash
 * of its pair of addresses, the same in both directions; 0 where there is no
 * IP.  What a reassembled datagram would hold is not told.
 */
struct decode_pairs {
	uint32_t hash[FRAME_MAX_PACKETS];
	unsigned n; /* at least 1 */
	bool fragment; /* one of them is a fragment */
};

uint32_t decode_pair_hash(const struct packet *p);
/*
 * The hash of a frame that plainly holds one packet, and that not a fragment; 0
 * for all others, which decode_pairs() looks into.  Both read the settings of
 * 'd' only: they are for the one who gives out frames, while 'd' works.
 */
uint32_t decode_lone_pair(const struct decoder *d, const struct frame *f);
void decode_pairs(const struct decoder *d, const struct frame *f,
		  struct decode_pairs *out);

#endif
