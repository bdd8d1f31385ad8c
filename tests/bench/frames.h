/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frames.h - TCP conversations made up in memory
 *
 * Place    above sensor/packet.h; of the benchmark's sections.
 * Threads  one.
 * Memory   FRAMES_MAX frames and 8 bytes a conversation.
 * Cost     making frames is never measured.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include "sensor/packet.h"

#define FRAMES_MAX 65536 /* at once */
#define FRAME_BYTES 1536 /* the longest */

struct frames {
	struct frame v[FRAMES_MAX];
	uint32_t n;
	uint8_t *bytes;
	size_t used, cap;
	uint32_t n_talks; /* conversations */
	uint32_t *seq[2]; /* of each, by who sends; 0 is the client */
	uint16_t port; /* the servers' */
	uint64_t now_us, step_us; /* between two frames */
	uint64_t number;
};

/* Ends the program without memory. */
struct frames *frames_new(uint32_t n_talks, uint16_t port, size_t mean_bytes);
void frames_free(struct frames *f);
/* Forgets the frames; conversations go on. */
void frames_reset(struct frames *f);
bool frames_full(const struct frames *f);
/* The next segment of a conversation. */
void frames_put(struct frames *f, uint32_t talk, unsigned sender,
		uint8_t tcp_flags, struct view payload);
/* The step-th (0 to 2) of the three that open it. */
void frames_open(struct frames *f, uint32_t talk, unsigned step);

#endif
