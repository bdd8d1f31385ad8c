/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - TCP segments to two ordered byte streams
 *
 * In-order bytes are handed on at once, from the packet itself; what arrives
 * early waits in bounded memory.  The first copy of a byte that was handed on
 * is the one that counts, as at a receiver that has already taken it; among
 * bytes that wait, the target's policy decides.
 *
 * Place    after flow, before app; calls neither.
 * Threads  one context per worker.
 * Memory   sessions and segments from the worker's pool, bounded by
 *          stream.reassembly.memcap and a cap per session.
 * Cost     an in-order segment is neither copied nor allocated for, except
 *          into the raw window when rules look at raw bytes.
 */
#ifndef SENSOR_STREAM_H
#define SENSOR_STREAM_H

#include "sensor/flow.h"

struct stream_ctx;
/* The front of a context, for the questions that each packet asks. */
struct stream_front {
	bool ready; /* see stream_has_next() */
	uint8_t fresh; /* see stream_raw_fresh() */
};

/* clang-format off */
#define STREAM_COUNTER_LIST(C) \
	C(sessions) C(midstream_pickups) C(syn) C(synack) C(rst) \
	C(invalid_checksum) C(no_flow) C(pkt_on_wrong_thread) \
	C(segment_memcap_drop) C(session_no_memory) C(stream_depth_reached) \
	C(reassembly_gap) C(reassembly_gap_bytes) C(overlap) \
	C(overlap_diff_data) C(retransmitted) C(out_of_order) \
	C(out_of_window) C(invalid_ack)
/* clang-format on */

struct stream_counters {
#define C(name) uint64_t name;
	STREAM_COUNTER_LIST(C)
#undef C
};

/* Keys: stream.midstream, stream.async-oneside, stream.checksum-validation,
 * stream.reassembly.{memcap,depth,segment-prealloc,toserver-chunk-size,
 * toclient-chunk-size}, host-os-policy.*. */
struct stream_ctx *stream_ctx_new(const struct conf *conf, struct pool *pool);
void stream_ctx_free(struct stream_ctx *c);

/* A run of bytes handed on, or a hole in their place. */
struct stream_chunk {
	enum flow_dir dir;
	uint64_t offset; /* of its first byte in the stream, 0-based */
	struct view data; /* valid until the next call on this context */
	uint64_t gap; /* > 0: this many bytes were lost; data is empty */
	bool fin; /* the stream ends behind this chunk (FIN or RST) */
};

/*
 * Takes one TCP packet of 'f': follows the handshake, sets the flow's state,
 * sets stream events in 'pkt'.  Returns true when the packet belongs to the
 * session (its payload may be inspected as stream), false when it is refused
 * (bad checksum, out of window, no session) or has data in a SYN without TCP
 * fast open: inspect it as a lone packet.
 */
bool stream_packet(struct stream_ctx *c, struct flow_table *t, struct flow *f,
		   struct packet *pkt, enum flow_dir dir);

/* Whether stream_next() may have something to hand on. */
static inline bool
stream_has_next(const struct stream_ctx *c)
{
	return ((const struct stream_front *)(const void *)c)->ready;
}

/*
 * The next bytes that became ready, of either direction; false when there
 * are none.  Call until false after every stream_packet().
 */
bool stream_take_next(struct stream_ctx *c, struct flow *f,
		      struct stream_chunk *out);
static inline bool
stream_next(struct stream_ctx *c, struct flow *f, struct stream_chunk *out)
{
	return stream_has_next(c) && stream_take_next(c, f, out);
}

/*
 * Forces out what still waits behind holes (as gaps), at flow's end; then
 * stream_next() returns it.
 */
void stream_flush(struct stream_ctx *c, struct flow *f);

/*
 * Raw bytes for rules: the window of recent stream bytes of 'dir'.  '*seen' is
 * how many bytes at its front were in the window at the last
 * stream_raw_done(), '*offset' the stream offset of its front.  Nothing is
 * new when '*seen' is its length.  Empty after stream_raw_disable().
 *
 * At least 4 KiB of history stay in front of new bytes; bytes not offered yet
 * are kept up to 1 MiB.  A hole restarts the window behind it: offer what came
 * before it first, that is, look after each chunk and not after the last.
 */
struct view stream_raw(const struct flow *f, enum flow_dir dir, uint32_t *seen,
		       uint64_t *offset);
/* Bytes lost right before that window. */
uint64_t stream_raw_gap(const struct flow *f, enum flow_dir dir);
/* In which directions the packet in hand added to the window, or was the end
 * of it: a bit for each enum flow_dir.  Elsewhere nothing is new. */
static inline unsigned
stream_raw_fresh(const struct stream_ctx *c)
{
	return ((const struct stream_front *)(const void *)c)->fresh;
}
void stream_raw_done(struct stream_ctx *c, struct flow *f, enum flow_dir dir);
/* No more will come: the direction has ended, or the flow does ('closing'),
 * and stream_raw_done() was not called since. */
bool stream_raw_last(const struct flow *f, enum flow_dir dir, bool closing);
/*
 * Raw bytes are cut into chunks, in each of which a rule speaks once: at so
 * many acknowledged bytes, and where a transaction ends.  The offset where
 * the present chunk begins; and a cut behind all that was handed on.
 */
uint64_t stream_raw_chunk(const struct flow *f, enum flow_dir dir);
void stream_raw_cut(struct flow *f, enum flow_dir dir);
void stream_raw_disable(struct stream_ctx *c, struct flow *f,
			enum flow_dir dir);

bool stream_established(const struct flow *f);
/* How far the sequence numbers went, SYN and FIN included: stream_size. */
uint64_t stream_bytes(const struct flow *f, enum flow_dir dir);
/* The initial sequence number of the side that sends in 'dir'; false when its
 * SYN was not seen. */
bool stream_isn(const struct flow *f, enum flow_dir dir, uint32_t *isn);
/* EVE's tcp.state: "established", "closed", ...; "none" without session. */
const char *stream_state_name(const struct flow *f);
/* Events of the session as a whole since the last call, to report. */
void stream_free(struct stream_ctx *c, struct flow *f);

const struct stream_counters *stream_counters(const struct stream_ctx *c);

/*
 * What goes to a store of files is read on beyond stream.reassembly.depth, up
 * to 'depth' (if that is more): in directions that stream_deepen() names
 * before the depth was reached.
 */
void stream_set_file_depth(struct stream_ctx *c, uint64_t depth);
void stream_deepen(struct flow *f, enum flow_dir dir);
/* Whether both directions reached the depth: no byte of the flow will be handed
 * on any more. */
bool stream_is_past_depth(const struct flow *f);

#endif
