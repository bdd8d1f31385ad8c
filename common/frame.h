/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - a batch of events on its way: header fields, CRC, zlib
 *
 * The body is newline-delimited EVE JSON, compressed as one RFC 1950 stream.
 * The same header goes into the spool record and into the fields of the Redis
 * stream entry (docs/formats.md).
 *
 * Place    above arena.h; both programs use it.
 * Threads  one encoder, one thread.
 * Memory   inflate is bounded: never more than FRAME_MAX_RAW bytes.
 * Cost     about 0.4 ms for 60 KiB at level 6, 0.1 ms in a hurry; 0.06 ms to
 *          inflate.
 */
#ifndef COMMON_FRAME_H
#define COMMON_FRAME_H

#include "common/err.h"

#define FRAME_VERSION 1
#define FRAME_MAX_RAW ((size_t)1 << 20)
#define FRAME_MAX_DATA ((size_t)1 << 20)

struct frame_header {
	uint64_t epoch; /* ms since 1970 of the spool's birth */
	uint64_t seq; /* 1, 2, 3 ... */
	uint32_t n; /* events in it */
	uint8_t sev; /* worst severity (1 is worst), 0 when none has one */
	uint32_t crc; /* CRC-32 (zlib's) of the inflated bytes */
	uint32_t raw_len; /* inflated length */
};

/*
 * One stream entry, read.  A gap (gap_from != 0) stands for batches that the
 * sensor no longer has: hdr.n is 0, hdr.seq equals gap_to, the body is empty,
 * and whoever waits for gap_from..gap_to need not wait any longer.
 */
struct frame_entry {
	struct frame_header hdr; /* raw_len is 0: known after inflating */
	uint64_t gap_from, gap_to;
	struct view data; /* borrowed, as is mac */
	struct view mac; /* empty when the sender does not sign */
};

/*
 * Reads the 'n' field/value views of a stream entry (n is even), in any order;
 * unknown fields are skipped.  ERR_FORMAT with diag when a field is missing,
 * twice there, no number, out of range, or of a version that is not ours.
 */
enum err frame_read_fields(const struct view *kv, size_t n,
			   struct frame_entry *out, struct diag *d) MUST_CHECK;

struct frame_codec; /* deflate and inflate state, reused */
/* 'level' 1..9; 6 is the usual one.  NULL when out of memory. */
struct frame_codec *frame_codec_new(int level);
/* From now on frame_pack() is to be quick rather than thorough, or not. */
void frame_codec_hurry(struct frame_codec *c, bool hurried);
void frame_codec_free(struct frame_codec *c);

/*
 * Compresses 'raw' and fills in h->crc and h->raw_len.  The result is valid
 * until the codec's next call.  ERR_LIMIT when raw exceeds FRAME_MAX_RAW.
 */
enum err frame_pack(struct frame_codec *c, struct view raw,
		    struct frame_header *h, struct view *data) MUST_CHECK;

/*
 * Inflates in bounded steps; refuses a wrong CRC, trailing bytes, an early
 * end, more than FRAME_MAX_RAW.  ERR_FORMAT with diag.  The result is valid
 * until the codec's next call.
 */
enum err frame_unpack(struct frame_codec *c, struct view data, uint32_t crc,
		      struct view *raw, struct diag *d) MUST_CHECK;

#endif
