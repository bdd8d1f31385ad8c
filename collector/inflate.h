/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate.h - a stream entry's fields to a header and its lines
 *
 * A frame comes from the wire like any packet: every field is checked, and a
 * bad one is a verdict.
 *
 * Place    after ingest; above frame.
 * Threads  pure; the codec belongs to the caller.
 * Memory   at most FRAME_MAX_RAW inflated bytes, the codec's.
 * Cost     about 150 us for 60 KiB.
 */
#ifndef COLLECTOR_INFLATE_H
#define COLLECTOR_INFLATE_H

#include "collector/ingest.h"
#include "common/frame.h"

enum inflate_verdict {
	INFLATE_FRAME, /* 'raw' is good */
	INFLATE_GAP, /* the sensor gave up [gap_from, gap_to] */
	INFLATE_BAD_HEADER, /* not even a sequence number to go by */
	INFLATE_BAD_BODY, /* the header stands, the data does not */
};

struct inflated {
	struct frame_header h;
	uint64_t gap_from, gap_to, gap_n;
	bool has_raw_len; /* the sender said h.raw_len */
	struct view raw; /* until the codec's next call */
	const char *why; /* static; for the bad */
};

/* A field that is a plain decimal number: no sign, no blanks, at most 'max'. */
bool inflate_number(struct view v, uint64_t max, uint64_t *out) MUST_CHECK;
/* The header alone: cheap enough to find a repeat before inflating it. */
enum inflate_verdict inflate_header(const struct ingest_entry *e,
				    struct inflated *out) MUST_CHECK;
/* The body of what inflate_header() called a frame. */
enum inflate_verdict inflate_body(struct frame_codec *c,
				  const struct ingest_entry *e,
				  struct inflated *out) MUST_CHECK;

#endif
