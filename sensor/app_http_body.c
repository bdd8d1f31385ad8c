/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_body.h"

/* Chunks above this are attacks or nonsense; 2^31 - 1 as browsers have it. */
#define CHUNK_MAX INT32_MAX
#define ROOM_FACTOR 16 /* of the bytes that came */

/*
 * Room for what a body says that it brings, so that it need not move as it
 * grows; a liar gets little more than it sent.
 */
static void
make_room(struct http_body *b, size_t n)
{
	uint64_t most = MIN(b->left, (uint64_t)n * ROOM_FACTOR);
	size_t room = MIN((size_t)most, b->data.limit);

	if (b->data.cap == 0 && b->framing == HTTP_FRAME_LENGTH &&
	    b->inflate == NULL && room > n && !buf_reserve(&b->data, room)) {
		return; /* then it grows as it comes */
	}
}

static void
keep(void *arg, struct view plain)
{
	struct http_body *b = arg;
	size_t n;

	b->size += plain.len;
	if (!b->truncated) { /* what is kept has no holes */
		make_room(b, plain.len);
		n = buf_append(&b->data, plain);
		b->truncated = n < plain.len;
	}
	if (b->sink.data != NULL) {
		b->sink.data(b->sink.arg, plain);
	}
}

void
http_body_init(struct http_body *b, struct pool *pool, size_t limit,
	       struct event_set *events, bool is_response)
{
	*b = (struct http_body){ .events = events, .is_response = is_response };
	buf_init(&b->data, pool, MIN(limit, POOL_MAX_BLOCK));
}

void
http_body_fini(struct http_body *b)
{
	http_inflate_free(b->inflate);
	b->inflate = NULL;
	buf_fini(&b->data);
}

void
http_body_begin(struct http_body *b, enum http_framing framing, uint64_t length)
{
	b->framing = framing;
	b->left = framing == HTTP_FRAME_LENGTH ? length : 0;
	b->at = HTTP_CHUNK_LEAD;
	b->n_line = 0;
	b->complete = framing == HTTP_FRAME_NONE ||
		      (framing == HTTP_FRAME_LENGTH && length == 0);
}

void
http_body_codings(struct http_body *b, const enum http_coding *codings,
		  unsigned n, uint64_t bomb_limit, size_t lzma_limit)
{
	struct http_inflate_out out = { .sink = keep,
					.arg = b,
					.bomb_limit = bomb_limit,
					.lzma_limit = lzma_limit };

	if (n > 0 && b->inflate == NULL) {
		b->inflate = http_inflate_new(b->data.pool, codings, n, &out);
	}
}

static void
note_codings(struct http_body *b)
{
	if (http_inflate_bomb(b->inflate)) {
		b->truncated = true;
		b->bomb = true;
		event_set_add(b->events, EV_HTTP_COMPRESSION_BOMB);
	}
	if (http_inflate_failed(b->inflate)) {
		event_set_add(b->events, EV_HTTP_GZIP_DECOMPRESSION_FAILED);
	}
}

static void
take(struct http_body *b, struct view in)
{
	if (in.len == 0) {
		return;
	}
	if (b->inflate == NULL) {
		keep(b, in);
		return;
	}
	http_inflate_feed(b->inflate, in);
	note_codings(b);
}

static bool
is_chunk_blank(uint8_t c)
{
	return c == '\r' || c == '\n' || c == ' ' || (c >= '\t' && c <= '\f');
}

/*
 * No chunk size where one must be: the header lied, and browsers show what
 * follows as it is until the connection ends.
 */
static void
not_chunked(struct http_body *b)
{
	event_set_add(b->events, b->is_response
					 ? EV_HTTP_INVALID_RESPONSE_CHUNK_LEN
					 : EV_HTTP_INVALID_REQUEST_CHUNK_LEN);
	b->framing = HTTP_FRAME_CLOSE;
	take(b, view_of(b->line, b->n_line));
	b->n_line = 0;
}

/* One byte of a chunk's size line; false when it is no such line. */
static bool
size_byte(struct http_body *b, uint8_t c)
{
	int digit = ascii_hex(c);

	if (b->at == HTTP_CHUNK_LEAD && c == '\n') {
		b->n_line = 0; /* an empty line before the size */
		return true;
	}
	if (b->at == HTTP_CHUNK_LEAD && digit < 0 && !is_chunk_blank(c)) {
		return false;
	}
	if (digit >= 0) {
		if (b->n_line == sizeof(b->line) || b->left > CHUNK_MAX / 16) {
			return false;
		}
		b->at = HTTP_CHUNK_SIZE;
		b->left = b->left * 16 + (uint64_t)digit;
	} else if (b->at == HTTP_CHUNK_SIZE) {
		b->at = HTTP_CHUNK_EXT;
	} else if (b->n_line == sizeof(b->line)) {
		return false;
	}
	if (b->at != HTTP_CHUNK_EXT) {
		b->line[b->n_line++] = c;
	}
	return true;
}

static void
size_line_done(struct http_body *b)
{
	b->n_line = 0;
	b->at = b->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
	b->trailer_text = false;
}

/* The line of a chunk's size; returns the bytes used. */
static size_t
feed_size(struct http_body *b, struct view in)
{
	size_t i = 0;

	while (i < in.len) {
		uint8_t c = in.p[i];

		if (b->at == HTTP_CHUNK_EXT || b->at == HTTP_CHUNK_SIZE) {
			if (c == '\n') {
				size_line_done(b);
				return i + 1;
			}
			if (c == ';' && !b->is_response) {
				event_set_add(b->events,
					      EV_HTTP_REQUEST_CHUNK_EXTENSION);
			}
		}
		if (b->at != HTTP_CHUNK_EXT && !size_byte(b, c)) {
			not_chunked(b);
			return i;
		}
		i++;
	}
	return i;
}

/* Trailer fields are passed over; an empty line ends them and the body. */
static size_t
feed_trailer(struct http_body *b, struct view in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] == '\n') {
			if (!b->trailer_text) {
				b->complete = true;
				return i + 1;
			}
			b->trailer_text = false;
		} else if (in.p[i] != '\r') {
			b->trailer_text = true;
		}
	}
	return in.len;
}

static size_t
feed_data(struct http_body *b, struct view in)
{
	size_t n = (size_t)MIN((uint64_t)in.len, b->left);

	take(b, view_of(in.p, n));
	b->left -= n;
	return n;
}

static size_t
feed_line_end(struct http_body *b, struct view in)
{
	const uint8_t *lf = memchr(in.p, '\n', in.len);

	if (lf == NULL) {
		return in.len;
	}
	b->at = HTTP_CHUNK_LEAD;
	b->n_line = 0;
	return (size_t)(lf - in.p) + 1;
}

static size_t
feed_chunked(struct http_body *b, struct view in)
{
	size_t n;

	switch (b->at) {
	case HTTP_CHUNK_DATA:
		n = feed_data(b, in);
		if (b->left == 0) {
			b->at = HTTP_CHUNK_DATA_END;
		}
		return n;
	case HTTP_CHUNK_DATA_END:
		return feed_line_end(b, in);
	case HTTP_CHUNK_TRAILER:
		return feed_trailer(b, in);
	default:
		return feed_size(b, in);
	}
}

size_t
http_body_feed(struct http_body *b, struct view in)
{
	size_t used = 0;

	while (used < in.len && !b->complete) {
		struct view rest = view_sub(in, used, in.len);

		switch (b->framing) {
		case HTTP_FRAME_CHUNKED:
			used += feed_chunked(b, rest);
			break;
		case HTTP_FRAME_LENGTH:
			used += feed_data(b, rest);
			b->complete = b->left == 0;
			break;
		default:
			take(b, rest);
			used = in.len;
			break;
		}
	}
	b->wire_len += used;
	if (b->complete) {
		http_body_end(b);
	}
	return used;
}

void
http_body_extra(struct http_body *b, struct view in)
{
	b->wire_len += in.len;
	keep(b, in);
}

uint64_t
http_body_gap(struct http_body *b, uint64_t bytes)
{
	uint64_t lost = 0;

	if (b->complete) {
		return 0;
	}
	if (b->framing == HTTP_FRAME_CLOSE) {
		lost = bytes;
	} else if (b->framing == HTTP_FRAME_LENGTH ||
		   b->at == HTTP_CHUNK_DATA) {
		lost = MIN(bytes, b->left);
		b->left -= lost;
	}
	if (lost == 0) {
		return 0;
	}
	b->gap = true;
	b->size += lost;
	b->wire_len += lost;
	if (b->sink.lost != NULL) {
		b->sink.lost(b->sink.arg, lost);
	}
	if (b->inflate != NULL) {
		http_inflate_gap(b->inflate);
		b->truncated = true;
	}
	if (b->left == 0 && b->framing == HTTP_FRAME_LENGTH) {
		b->complete = true;
		http_body_end(b);
	} else if (b->left == 0 && b->framing == HTTP_FRAME_CHUNKED) {
		b->at = HTTP_CHUNK_DATA_END;
	}
	return lost;
}

void
http_body_end(struct http_body *b)
{
	if (!b->complete && (b->framing == HTTP_FRAME_LENGTH ||
			     b->framing == HTTP_FRAME_CHUNKED)) {
		b->cut_off = true;
	}
	b->complete = true;
	if (b->inflate != NULL) {
		http_inflate_end(b->inflate);
		note_codings(b);
		http_inflate_free(b->inflate);
		b->inflate = NULL;
	}
}
