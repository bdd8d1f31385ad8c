/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_body.h - one HTTP body: framing, codings, the bytes kept
 *
 * Place    above http_inflate.h; below app_http.
 * Threads  one worker.
 * Memory   the front of the body, at most its limit, in one pool block.
 * Cost     linear; each kept byte is copied once, plus the buffer's doubling.
 */
#ifndef SENSOR_APP_HTTP_BODY_H
#define SENSOR_APP_HTTP_BODY_H

#include "common/arena.h"
#include "common/events.h"
#include "sensor/http_inflate.h"

/* RFC 9112 6.3 */
enum http_framing {
	HTTP_FRAME_NONE, /* there is no body */
	HTTP_FRAME_LENGTH,
	HTTP_FRAME_CHUNKED,
	HTTP_FRAME_CLOSE, /* until the connection ends */
};

/* Where in a chunked body we are, RFC 9112 7.1. */
enum http_chunk_at {
	HTTP_CHUNK_LEAD, /* before the size */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_EXT, /* the rest of the size's line */
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_END,
	HTTP_CHUNK_TRAILER,
};

#define HTTP_CHUNK_LINE_CAP 64

/* Who else takes the plain bytes, all of them. */
struct http_body_sink {
	void (*data)(void *arg, struct view plain);
	void (*lost)(void *arg, uint64_t bytes);
	void *arg;
};

struct http_body {
	struct buf data; /* plain front of the body */
	uint64_t wire_len; /* bytes on the wire, chunk framing included */
	uint64_t size; /* plain bytes, kept or not; lost ones included */
	uint64_t left; /* of the length or of this chunk */
	struct http_inflate *inflate; /* NULL: not coded */
	struct event_set *events; /* the transaction's */
	bool is_response;
	enum http_framing framing;
	bool complete;
	bool truncated; /* data lacks bytes that were sent */
	bool bomb; /* given up while it was inflated */
	bool gap; /* bytes were lost on the way */
	bool cut_off; /* the connection ended before the body did */

	struct http_body_sink sink; /* data NULL: nobody */
	enum http_chunk_at at;
	bool trailer_text; /* this trailer line is not empty */
	uint8_t n_line;
	uint8_t line[HTTP_CHUNK_LINE_CAP]; /* a size line, should it be body */
};

void http_body_init(struct http_body *b, struct pool *pool, size_t limit,
		    struct event_set *events, bool is_response);
/* NULL is fine; ends the memory of data too. */
void http_body_fini(struct http_body *b);

/*
 * Sets how the body ends ('length' counts for HTTP_FRAME_LENGTH) and what it
 * is coded with.  Unknown or unaffordable codings pass as they are.
 */
void http_body_begin(struct http_body *b, enum http_framing framing,
		     uint64_t length);
void http_body_codings(struct http_body *b, const enum http_coding *codings,
		       unsigned n, uint64_t bomb_limit, size_t lzma_limit);

/* Takes what belongs to the body and returns how much; see 'complete'. */
size_t http_body_feed(struct http_body *b, struct view in);
/* Bytes behind the body's end that can be nothing else; taken as they are. */
void http_body_extra(struct http_body *b, struct view in);
/* Returns how many of the lost bytes were the body's; 0 if none can be. */
uint64_t http_body_gap(struct http_body *b, uint64_t bytes);
/* The connection ended, or the body did: codings give what they hold. */
void http_body_end(struct http_body *b);

#endif
