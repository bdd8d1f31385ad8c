/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_lines.h - alerts of few words, as lines, in frames, into a store
 */
#ifndef TESTS_STORE_LINES_H
#define TESTS_STORE_LINES_H

#include "collector/store.h"

/* What an alert of these tests may say. */
struct brief {
	uint64_t us;
	unsigned src, dst; /* last bytes of 10.0.x.y */
	unsigned sid, severity;
	const char *exercise; /* "" for none */
	bool other; /* the line is no alert */
};

/* Appends the line with its end; how long it is. */
size_t brief_line(char *out, size_t cap, const struct brief *b,
		  const char *site, const char *sensor);
/* A frame of 'n' of them, within the caller's transaction; cmocka asserts. */
void brief_frame(struct store *s, const char *site, const char *sensor,
		 uint64_t seq, const struct brief *b, size_t n, uint64_t at_us);

#endif
