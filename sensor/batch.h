/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - event lines gathered until they are worth sending
 *
 * Place    above frame.h.
 * Threads  one.
 * Memory   one buffer of FRAME_MAX_RAW bytes.
 * Cost     one copy a line; compression when packed.
 */
#ifndef SENSOR_BATCH_H
#define SENSOR_BATCH_H

#include "common/frame.h"

#define BATCH_BYTES ((size_t)60 << 10) /* due at this size */
#define BATCH_US UINT64_C(250000) /* or at this age, unless told */

struct batch {
	uint8_t *buf;
	size_t len;
	uint32_t n;
	uint8_t sev; /* worst so far, 0 for none */
	uint64_t since_us; /* monotonic time of the first line */
};

enum err batch_init(struct batch *b) MUST_CHECK;
void batch_fini(struct batch *b);

/*
 * Adds a line; a newline at its end is supplied when missing.  'sev' is 1
 * (worst) to 255, or 0 for none.  ERR_AGAIN: no room now, pack first;
 * ERR_LIMIT: longer than any batch may be.
 */
enum err batch_add(struct batch *b, struct view line, uint8_t sev,
		   uint64_t now_us) MUST_CHECK;
/* Whether it is full, or its first line older than 'age_us'. */
bool batch_due(const struct batch *b, uint64_t now_us, uint64_t age_us);
/*
 * Compresses what is there, fills in n, sev, crc and raw_len of 'h', and
 * empties the batch.  'data' is the codec's.
 */
enum err batch_pack(struct batch *b, struct frame_codec *c,
		    struct frame_header *h, struct view *data) MUST_CHECK;

#endif
