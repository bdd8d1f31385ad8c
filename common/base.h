/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - views, fixed-width loads and the few macros everything uses
 *
 * Place    lowest; includes nothing of ours.
 * Threads  pure functions on caller's memory.
 * Memory   a view borrows; it never owns.
 * Cost     all inline.
 */
#ifndef COMMON_BASE_H
#define COMMON_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define STATIC_ASSERT(cond, msg) _Static_assert(cond, msg)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Bytes that somebody else owns.  'p' may be NULL only when len is 0. */
struct view {
	const uint8_t *p;
	size_t len;
};

#define VIEW_LIT(s) ((struct view){ (const uint8_t *)(s), sizeof(s) - 1 })
#define VIEW_NONE ((struct view){ NULL, 0 })

static inline struct view
view_of(const void *p, size_t len)
{
	return (struct view){ p, len };
}

static inline struct view
view_cstr(const char *s)
{
	return (struct view){ (const uint8_t *)s, s != NULL ? strlen(s) : 0 };
}

static inline bool
view_eq(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII only: the protocols we compare caselessly are ASCII. */
static inline uint8_t
ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* The value of a hexadecimal digit of either case; -1 when 'c' is none. */
static inline int
ascii_hex(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool
view_caseeq(struct view a, struct view b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i])) {
			return false;
		}
	}
	return true;
}

/* The part of 'v' from 'off' on, at most 'len' bytes; clamps, never overruns. */
static inline struct view
view_sub(struct view v, size_t off, size_t len)
{
	if (off >= v.len) {
		return VIEW_NONE;
	}
	return view_of(v.p + off, MIN(len, v.len - off));
}

static inline uint16_t
load_be16(const void *p)
{
	const uint8_t *b = p;
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t
load_be24(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static inline uint32_t
load_be32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

static inline uint64_t
load_be64(const void *p)
{
	const uint8_t *b = p;
	return (uint64_t)load_be32(b) << 32 | load_be32(b + 4);
}

static inline uint16_t
load_le16(const void *p)
{
	const uint8_t *b = p;
	return (uint16_t)(b[1] << 8 | b[0]);
}

static inline uint32_t
load_le32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[1] << 8 | b[0];
}

static inline uint64_t
load_le64(const void *p)
{
	const uint8_t *b = p;
	return (uint64_t)load_le32(b + 4) << 32 | load_le32(b);
}

static inline void
store_le32(void *p, uint32_t v)
{
	uint8_t *b = p;
	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
	b[2] = (uint8_t)(v >> 16);
	b[3] = (uint8_t)(v >> 24);
}

static inline void
store_le64(void *p, uint64_t v)
{
	store_le32(p, (uint32_t)v);
	store_le32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

static inline void
store_be16(void *p, uint16_t v)
{
	uint8_t *b = p;
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static inline void
store_be32(void *p, uint32_t v)
{
	uint8_t *b = p;
	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

#endif
