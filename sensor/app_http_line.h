/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_line.h - lines of an HTTP head, and the start lines
 *
 * Place    above app_http_uri.h; below app_http_field.
 * Threads  one worker.
 * Memory   views into what is given; the target in the arena.
 * Cost     linear, 16 bytes a step with SSE2; also for heads that come byte by
 *          byte.
 */
#ifndef SENSOR_APP_HTTP_LINE_H
#define SENSOR_APP_HTTP_LINE_H

#include "sensor/http_tx.h"

/*
 * Finds line ends of a head that is still arriving.  A request's lines end in
 * LF; in responses a lone CR and LF CR do as well, as browsers have it.
 */
struct http_cutter {
	size_t at; /* where the line begins */
	size_t scan; /* no end before here */
	bool lf_cr; /* the last line ended in LF CR */
	bool any_cr; /* response rules */
};

struct http_line {
	struct view text; /* without its end */
	bool empty; /* nothing but a line end that ends a head */
};

/* False: the line's end, or what must be seen behind it, is not there. */
bool http_cut(struct http_cutter *c, struct view v, bool eof,
	      struct http_line *out);

/* How many CR and LF are in 'v'. */
size_t http_count_ends(struct view v);

bool http_is_blank(struct view v); /* white space only */
/* Whether a start line opens a response ("HTTP", any case). */
bool http_opens_response(struct view line);
/* Whether its first word is a method we know, or it ends in a protocol. */
bool http_opens_request(struct view line);

/* Sets what the start line says, from msg[].line. */
void http_parse_request_line(struct http_tx *tx);
void http_parse_response_line(struct http_tx *tx);

#endif
