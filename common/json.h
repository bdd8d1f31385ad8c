/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - writes JSON into a buffer; escapes by construction
 *
 * Attacker-controlled bytes are escaped here and nowhere else: control bytes,
 * DEL, C1 and bidirectional controls become \u00XX escapes, bytes that are not
 * UTF-8 become the text \xNN.  Whatever goes in, the output is one valid,
 * printable JSON value.
 *
 * Place    above base.h.
 * Threads  one writer, one thread.
 * Memory   a heap buffer that grows to the longest record and is reused.
 * Cost     about 1 ns a byte; used a record at a time, never a packet.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "common/addr.h"

struct json {
	char *p;
	size_t len, cap;
	bool need_comma;
	bool failed; /* out of memory: the record is unusable, len is 0 */
	/* The date of the latest time, most likely that of the next. */
	uint64_t day; /* since 1970, + 1 */
	char date[12];
};

/* Zeroed is a valid empty writer too. */
void json_init(struct json *j);
void json_fini(struct json *j);
void json_reset(struct json *j); /* empty, memory kept */

/*
 * 'key' is NULL inside arrays and for the outermost value. Trusted text.  The
 * functions on top of json_put_* know the length of a literal key when they
 * are compiled.
 */
void json_put_open(struct json *j, const char *key, size_t n, char open);
void json_put_str(struct json *j, const char *key, size_t n, struct view v);
void json_put_u64(struct json *j, const char *key, size_t n, uint64_t v);
void json_put_name(struct json *j, const char *key, size_t n, const char *name,
		   size_t len);

static inline size_t
json_key_len(const char *key)
{
	return key != NULL ? __builtin_strlen(key) : 0;
}

static inline void
json_obj(struct json *j, const char *key)
{
	json_put_open(j, key, json_key_len(key), '{');
}

void json_obj_end(struct json *j);
/* An object of JSON text that lacks its end: what follows goes on inside. */
void json_open(struct json *j, struct view v);

static inline void
json_arr(struct json *j, const char *key)
{
	json_put_open(j, key, json_key_len(key), '[');
}

void json_arr_end(struct json *j);

static inline void
json_str(struct json *j, const char *key, struct view v)
{
	json_put_str(j, key, json_key_len(key), v);
}

/* A string in parts; no part may end inside a UTF-8 sequence. */
static inline void
json_str_begin(struct json *j, const char *key)
{
	json_put_open(j, key, json_key_len(key), '"');
}

void json_str_part(struct json *j, struct view v);
/* Bytes of any kind: what is no printable ASCII nor a line end becomes '.'. */
void json_printable_part(struct json *j, struct view v);
void json_str_end(struct json *j);

static inline void
json_cstr(struct json *j, const char *key, const char *s)
{
	json_put_str(j, key, json_key_len(key),
		     view_of(s, __builtin_strlen(s)));
}

/* Trusted text, a name of ours: nothing in it needs an escape. */
static inline void
json_name(struct json *j, const char *key, const char *s)
{
	json_put_name(j, key, json_key_len(key), s, __builtin_strlen(s));
}

static inline void
json_u64(struct json *j, const char *key, uint64_t v)
{
	json_put_u64(j, key, json_key_len(key), v);
}

void json_i64(struct json *j, const char *key, int64_t v);
void json_f64(struct json *j, const char *key, double v); /* 3 decimals */
/* The shortest text that reads back as 'v'. */
void json_f64_full(struct json *j, const char *key, double v);
void json_bool(struct json *j, const char *key, bool v);
void json_nil(struct json *j, const char *key);
void json_addr(struct json *j, const char *key, const struct addr *a);
void json_time(struct json *j, const char *key, uint64_t wall_us);
/* 0 is null: not yet, or never. */
void json_time_known(struct json *j, const char *key, uint64_t wall_us);
void json_hex(struct json *j, const char *key, struct view v); /* "0aff" */
void json_base64(struct json *j, const char *key, struct view v); /* RFC 4648 */
/* Of 'a' with 'b' behind it. */
void json_base64_two(struct json *j, const char *key, struct view a,
		     struct view b);
/* A value that is already JSON, e.g. a prefix prepared per rule. */
void json_raw(struct json *j, const char *key, struct view v);

/* Bytes that are none of the JSON around them: for who keeps both together. */
void json_append(struct json *j, struct view v);
/* Where 'n' more bytes of JSON text may be written, for j->len to grow by
 * those that were; NULL when there is no memory. */
char *json_room(struct json *j, size_t n);

static inline struct view
json_view(const struct json *j)
{
	return view_of(j->p, j->len);
}

#endif
