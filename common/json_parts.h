/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_parts.h - how the parts of json write into its buffer
 *
 * Place    json's own: included by json*.c only.
 * Threads  as json.h.
 * Memory   the writer's buffer.
 * Cost     inline: a key or a number is a few instructions.
 */
#ifndef COMMON_JSON_PARTS_H
#define COMMON_JSON_PARTS_H

#include "common/json.h"

/* Room for 'n' more bytes on the heap; false, and failed, when there is none. */
bool json_grow(struct json *j, size_t n);

/* Makes room for 'n' more bytes; false once memory ran out. */
static inline bool
room(struct json *j, size_t n)
{
	return LIKELY(!j->failed && j->cap - j->len >= n) || json_grow(j, n);
}

/* Keys and names are short: no call for those. */
static inline void
copy_short(char *to, const char *from, size_t n)
{
	if (n > 16) {
		memcpy(to, from, n);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else {
		for (size_t i = 0; i < n; i++) {
			to[i] = from[i];
		}
	}
}

static inline void
put(struct json *j, const char *s, size_t n)
{
	if (room(j, n)) {
		copy_short(j->p + j->len, s, n);
		j->len += n;
	}
}

static inline void
put_char(struct json *j, char c)
{
	if (room(j, 1)) {
		j->p[j->len++] = c;
	}
}

/* A comma if one is due and the key, at 'p', which has room for n + 4 bytes;
 * returns the place behind. */
static inline char *
key_at(struct json *j, char *p, const char *key, size_t n)
{
	*p = ',';
	p += j->need_comma;
	if (key != NULL) {
		*p++ = '"';
		copy_short(p, key, n);
		p += n;
		*p++ = '"';
		*p++ = ':';
	}
	j->need_comma = true;
	return p;
}

#endif
