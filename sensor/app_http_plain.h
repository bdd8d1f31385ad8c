/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_plain.h - the lines of a head as nearly all programs write it
 *
 * Every line ends in CR LF, none is folded, and an empty one stands behind
 * them: then requests and responses are read alike, and the line ends of 64
 * bytes are found at once.  Whatever else comes goes line by line through
 * http_cut(), with the same result.
 *
 * Place    above common/; below app_http_field.
 * Threads  no state.
 * Memory   the caller's.
 * Cost     about half an instruction a byte with SSE2, and a few a line.
 */
#ifndef SENSOR_APP_HTTP_PLAIN_H
#define SENSOR_APP_HTTP_PLAIN_H

#include "common/base.h"

#define HTTP_PLAIN_LINES 128

struct http_plain {
	size_t len; /* of the head, its empty line included */
	uint32_t n; /* lines before that */
	size_t end[HTTP_PLAIN_LINES]; /* of each, where its CR stands */
};

/* False when 'v', which begins with a line, is anything else, or goes on. */
bool http_plain_lines(struct view v, struct http_plain *out);

/* Line 'i', without its end. */
static inline struct view
http_plain_line(struct view v, const struct http_plain *h, uint32_t i)
{
	size_t begin = i > 0 ? h->end[i - 1] + 2 : 0;

	return view_of(v.p + begin, h->end[i] - begin);
}

#endif
