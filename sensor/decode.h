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
 * The same without the short cut that decode_frame() takes for ordinary frames
 * (decode_plain.c): gives the same packets, for tests to compare.
 */
unsigned decode_frame_by_layers(struct decoder *d, const struct frame *f,
				struct packet out[FRAME_MAX_PACKETS]);

void decode_counters(const struct decoder *d, struct decode_counters *out);

/*
 * A hash of the outermost IP address pair, the same in both directions and
 * for fragments; 0 for anything else.  Stateless: the dispatcher uses it to
 * give all packets of two hosts to one worker.
 */
uint32_t decode_pair_hash(const struct frame *f);

#endif
