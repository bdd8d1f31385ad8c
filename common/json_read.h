/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.h - one JSON text (RFC 8259) to a flat list of values
 *
 * Strict, because two readers that disagree about a text are a way in: UTF-8
 * only, no duplicate names, no lone surrogates, nothing after the value.  A NUL
 * (\u0000) is read as U+FFFD.  A text without escapes is not copied.
 *
 * Place    above base.h.
 * Threads  one reader, one thread.
 * Memory   reused; at most JSON_MAX_VALUES values and the text's length again.
 * Cost     about 1 ns a byte; linear but for the search for duplicate names,
 *          which JSON_MAX_NAMES bounds.
 */
#ifndef COMMON_JSON_READ_H
#define COMMON_JSON_READ_H

#include "common/base.h"

#define JSON_MAX_DEPTH 32
#define JSON_MAX_VALUES 16384
#define JSON_MAX_NAMES 1024 /* in one object */

enum json_type {
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER, /* 'text' is its spelling */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_value {
	uint8_t type;
	uint32_t name_hash;
	uint32_t next; /* number of the value behind this one and its own */
	struct view name; /* in an object */
	struct view text; /* decoded string; spelling of all else */
};

struct json_reader {
	struct json_value *values; /* the root first, then in text order */
	uint32_t n, cap;
	char *decoded; /* strings that had escapes */
	size_t len, decoded_cap;
	bool keeps; /* 'decoded' grows from one text to the next */
	bool no_memory; /* why the last text was not read: not its own fault */
};

/* Zeroed is a valid empty reader too. */
void json_reader_init(struct json_reader *r);
void json_reader_fini(struct json_reader *r);

/*
 * Decoded strings of the texts read from now on stay until the next call of
 * this; a text that goes beyond 'bytes' of them all together is refused.  False
 * when out of memory.
 */
bool json_reader_keep(struct json_reader *r, size_t bytes) MUST_CHECK;

/* Values borrow from 'text' and from the reader, until its next call. */
bool json_read(struct json_reader *r, struct view text) MUST_CHECK;

/* The root; NULL before a json_read() that succeeded. */
const struct json_value *json_root(const struct json_reader *r);
/* The member of an object; NULL when 'obj' is NULL, none, or has no such. */
const struct json_value *json_member(const struct json_reader *r,
				     const struct json_value *obj,
				     struct view name);
/* As in 'name_hash': for who looks for many names at once. */
uint32_t json_name_hash(struct view name);
/* Steps through the values of an object or array: first, then next. */
const struct json_value *json_first(const struct json_reader *r,
				    const struct json_value *v);
const struct json_value *json_next(const struct json_reader *r,
				   const struct json_value *parent,
				   const struct json_value *v);
/* A number without sign, fraction or exponent, at most 'max'. */
bool json_uint(const struct json_value *v, uint64_t max,
	       uint64_t *out) MUST_CHECK;

#endif
