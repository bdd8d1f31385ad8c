/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_stream.h - steps through a JSON text (RFC 8259) of any size
 *
 * For texts whose outer levels are a few objects and arrays that hold very
 * many values: one steps through the outer levels and takes or skips whole
 * values below.  What is taken is checked by json_read(); of what is skipped
 * only quotes and brackets are, which is enough to find its end.
 *
 * Place    above block_read.h and json_read.h.
 * Threads  one stream, one thread.
 * Memory   one block, and one value of at most 'max' bytes when it lies across
 *          blocks.  Nothing grows with the depth of the text.
 * Cost     one look at each byte.
 */
#ifndef COMMON_JSON_STREAM_H
#define COMMON_JSON_STREAM_H

#include "common/block_read.h"

#define JSON_STREAM_NAME_CAP 64

struct json_stream {
	struct block_read *in;
	uint8_t *raw; /* a value that lay across blocks */
	size_t raw_len, raw_cap;
	enum err e; /* once not ERR_OK, nothing more comes */
	const char *why;
};

void json_stream_init(struct json_stream *s, struct block_read *in);
void json_stream_fini(struct json_stream *s);
/* Goes on at 'offset', where a value begins; forgets any error. */
void json_stream_seek(struct json_stream *s, uint64_t offset);

/* The first byte of the next value ('{', '[', '"' ...), or -1. */
int json_stream_peek(struct json_stream *s);
/* Steps into the object or array that comes next; false if it is none. */
bool json_stream_enter(struct json_stream *s, char bracket) MUST_CHECK;
/*
 * To the next element of the array, or behind the array: false.  '*n' counts
 * the elements and begins at 0.
 */
bool json_stream_item(struct json_stream *s, uint64_t *n) MUST_CHECK;
/*
 * The same in an object; 'name' as it is spelled, "" when it is longer than
 * any that is looked for.
 */
bool json_stream_member(struct json_stream *s, uint64_t *n,
			char name[JSON_STREAM_NAME_CAP]) MUST_CHECK;

/* Past the next value. */
void json_stream_skip(struct json_stream *s);
/*
 * The next value's bytes, until the next call.  '*whole' is false when it has
 * more than 'max', of which the first are given.  False at an error.
 */
bool json_stream_take(struct json_stream *s, size_t max, struct view *out,
		      bool *whole) MUST_CHECK;

/*
 * The string member 'name' of the object that 'start' begins (and may not end
 * in), without escapes resolved; VIEW_NONE when it is not among what is there.
 */
struct view json_stream_text(struct view start, struct view name);

/* ERR_OK, or 'd' says at which line and byte of 'file' the text went wrong. */
enum err json_stream_error(struct json_stream *s, const char *file,
			   struct diag *d) MUST_CHECK;

#endif
