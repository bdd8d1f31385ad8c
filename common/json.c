/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/json_parts.h"

void
json_init(struct json *j)
{
	*j = (struct json){ 0 };
}

void
json_fini(struct json *j)
{
	free(j->p);
	*j = (struct json){ 0 };
}

void
json_reset(struct json *j)
{
	j->len = 0;
	j->need_comma = false;
	j->failed = false;
}

bool
json_grow(struct json *j, size_t n)
{
	size_t cap;
	char *p;

	if (j->failed) {
		return false;
	}
	cap = MAX(j->cap * 2, MAX(j->len + n, (size_t)1024));
	p = realloc(j->p, cap);
	if (p == NULL) {
		j->failed = true;
		j->len = 0;
		return false;
	}
	j->p = p;
	j->cap = cap;
	return true;
}

static void
put_key(struct json *j, const char *key)
{
	size_t n = json_key_len(key);

	if (room(j, n + 4)) {
		j->len = (size_t)(key_at(j, j->p + j->len, key, n) - j->p);
	}
}

/* 'open' begins an object, an array or a string. */
void
json_put_open(struct json *j, const char *key, size_t n, char open)
{
	char *p;

	if (!room(j, n + 5)) {
		return;
	}
	p = key_at(j, j->p + j->len, key, n);
	*p++ = open;
	j->len = (size_t)(p - j->p);
	j->need_comma = open == '"';
}

void
json_obj_end(struct json *j)
{
	put_char(j, '}');
	j->need_comma = true;
}

void
json_open(struct json *j, struct view v)
{
	put_key(j, NULL);
	put(j, (const char *)v.p, v.len);
	j->need_comma = v.len > 0 && v.p[v.len - 1] != '{';
}

void
json_arr_end(struct json *j)
{
	put_char(j, ']');
	j->need_comma = true;
}

void
json_put_name(struct json *j, const char *key, size_t n, const char *name,
	      size_t len)
{
	char *p;

	if (!room(j, n + 4 + len + 2)) {
		return;
	}
	p = key_at(j, j->p + j->len, key, n);
	*p++ = '"';
	copy_short(p, name, len);
	p += len;
	*p++ = '"';
	j->len = (size_t)(p - j->p);
}

/* The digits of 'v' at 'p'; returns the place behind. */
static inline char *
digits_at(char *p, uint64_t v)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	char tmp[20];
	size_t n = sizeof(tmp);

	while (v >= 100) {
		n -= 2;
		memcpy(tmp + n, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		n -= 2;
		memcpy(tmp + n, pairs + v * 2, 2);
	} else {
		tmp[--n] = (char)('0' + v);
	}
	copy_short(p, tmp + n, sizeof(tmp) - n);
	return p + (sizeof(tmp) - n);
}

void
json_put_u64(struct json *j, const char *key, size_t n, uint64_t v)
{
	if (room(j, n + 4 + 20)) {
		char *p = key_at(j, j->p + j->len, key, n);

		j->len = (size_t)(digits_at(p, v) - j->p);
	}
}

void
json_i64(struct json *j, const char *key, int64_t v)
{
	char tmp[24];
	int n = snprintf(tmp, sizeof(tmp), "%lld", (long long)v);

	put_key(j, key);
	put(j, tmp, (size_t)n);
}

void
json_f64(struct json *j, const char *key, double v)
{
	char tmp[64];
	int n;

	if (!(v > -1e15 && v < 1e15)) { /* also NaN: JSON has no such number */
		json_nil(j, key);
		return;
	}
	n = snprintf(tmp, sizeof(tmp), "%.3f", v);
	put_key(j, key);
	put(j, tmp, (size_t)n);
}

void
json_f64_full(struct json *j, const char *key, double v)
{
	char tmp[64];
	int n = 0;

	if (!(v > -1e15 && v < 1e15)) {
		json_nil(j, key);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(tmp, sizeof(tmp), "%.*g", digits, v);
		if (!(strtod(tmp, NULL) < v) && !(strtod(tmp, NULL) > v)) {
			break;
		}
	}
	put_key(j, key);
	put(j, tmp, (size_t)n);
}

void
json_bool(struct json *j, const char *key, bool v)
{
	put_key(j, key);
	put(j, v ? "true" : "false", v ? 4 : 5);
}

void
json_nil(struct json *j, const char *key)
{
	put_key(j, key);
	put(j, "null", 4);
}

void
json_addr(struct json *j, const char *key, const struct addr *a)
{
	char tmp[ADDR_TEXT_CAP];
	size_t n = addr_format(a, tmp);

	json_put_name(j, key, json_key_len(key), tmp, n);
}

void
json_time(struct json *j, const char *key, uint64_t wall_us)
{
	uint64_t days = wall_us / CLOCK_US_PER_DAY;
	size_t n = json_key_len(key);
	char *p;

	if (!room(j, n + 4 + CLOCK_DATE_LEN + CLOCK_TIME_LEN + 2)) {
		return;
	}
	if (j->day != days + 1) {
		clock_iso_date(days, j->date);
		j->day = days + 1;
	}
	p = key_at(j, j->p + j->len, key, n);
	*p++ = '"';
	memcpy(p, j->date, CLOCK_DATE_LEN);
	clock_iso_time(wall_us - days * CLOCK_US_PER_DAY, p + CLOCK_DATE_LEN);
	p += CLOCK_DATE_LEN + CLOCK_TIME_LEN;
	*p++ = '"';
	j->len = (size_t)(p - j->p);
}

void
json_time_known(struct json *j, const char *key, uint64_t wall_us)
{
	if (wall_us == 0) {
		json_nil(j, key);
	} else {
		json_time(j, key, wall_us);
	}
}

char *
json_room(struct json *j, size_t n)
{
	return room(j, n) ? j->p + j->len : NULL;
}

void
json_append(struct json *j, struct view v)
{
	if (v.len > 0) {
		put(j, (const char *)v.p, v.len);
	}
}

void
json_raw(struct json *j, const char *key, struct view v)
{
	put_key(j, key);
	put(j, (const char *)v.p, v.len);
}
