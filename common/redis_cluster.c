/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_cluster.h"

#include <stdio.h>

static uint16_t
crc16(struct view v)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < v.len; i++) {
		crc ^= (uint16_t)(v.p[i] << 8);
		for (int bit = 0; bit < 8; bit++) {
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021
						      : crc << 1);
		}
	}
	return crc;
}

unsigned
redis_cluster_slot(struct view key)
{
	const uint8_t *open = key.len > 0 ? memchr(key.p, '{', key.len) : NULL;

	if (open != NULL) {
		size_t at = (size_t)(open - key.p) + 1;
		struct view tag = view_sub(key, at, key.len);
		const uint8_t *end =
			tag.len > 0 ? memchr(tag.p, '}', tag.len) : NULL;

		if (end != NULL && end > tag.p) {
			key = view_sub(tag, 0, (size_t)(end - tag.p));
		}
	}
	return crc16(key) % REDIS_SLOTS;
}

/* The host may hold colons, with or without brackets, or be missing; the port
 * stands behind the last colon. */
static bool
read_address(struct view text, struct redis_endpoint *out)
{
	size_t colon = text.len, n = 0;
	unsigned port = 0;

	while (colon > 0 && text.p[colon - 1] != ':') {
		colon--;
	}
	if (colon == 0 || colon == text.len || text.len - colon > 5 ||
	    colon > sizeof(out->host)) {
		return false;
	}
	for (size_t i = colon; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') {
			return false;
		}
		port = port * 10 + (text.p[i] - '0');
	}
	*out = (struct redis_endpoint){ .is_unix = false };
	for (size_t i = 0; i + 1 < colon; i++) {
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f) {
			return false;
		}
		if (text.p[i] != '[' && text.p[i] != ']') {
			out->host[n++] = (char)text.p[i];
		}
	}
	snprintf(out->port, sizeof(out->port), "%u", port);
	/* A node that does not know its own name says so. */
	if (strcmp(out->host, "?") == 0) {
		out->host[0] = '\0';
	}
	return port >= 1 && port <= 65535;
}

bool
redis_redirect_parse(const redisReply *r, struct redis_redirect *out)
{
	enum redis_trouble t = redis_reply_trouble(r);
	size_t head = t == REDIS_MOVED ? 6 : 4; /* with the blank */
	struct view rest;
	unsigned slot = 0;

	if ((t != REDIS_MOVED && t != REDIS_ASK) || r->len <= head) {
		return false;
	}
	rest = view_of(r->str + head, r->len - head);
	while (rest.len > 0 && rest.p[0] >= '0' && rest.p[0] <= '9' &&
	       slot < REDIS_SLOTS) {
		slot = slot * 10 + (rest.p[0] - '0');
		rest = view_sub(rest, 1, rest.len);
	}
	if (slot >= REDIS_SLOTS || rest.len < 2 || rest.p[0] != ' ') {
		return false;
	}
	out->ask = t == REDIS_ASK;
	out->slot = slot;
	return read_address(view_sub(rest, 1, rest.len), &out->at);
}

static bool
is_slot(const redisReply *r)
{
	return r->type == REDIS_REPLY_INTEGER && r->integer >= 0 &&
	       r->integer < REDIS_SLOTS;
}

/* [host or nil, port, id, ...] */
static bool
read_node(const redisReply *r, struct redis_endpoint *out)
{
	char text[REDIS_HOST_CAP + 8];
	const redisReply *host;
	int n;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 2 ||
	    r->element[1]->type != REDIS_REPLY_INTEGER) {
		return false;
	}
	host = r->element[0];
	if (host->type == REDIS_REPLY_STRING && host->len >= REDIS_HOST_CAP) {
		return false;
	}
	n = snprintf(text, sizeof(text), "%s:%lld",
		     host->type == REDIS_REPLY_STRING ? host->str : "",
		     r->element[1]->integer);
	return n > 0 && (size_t)n < sizeof(text) &&
	       read_address(view_of(text, (size_t)n), out);
}

void
redis_cluster_ranges(const redisReply *r,
		     void (*fn)(void *arg, unsigned from, unsigned to,
				const struct redis_endpoint *at),
		     void *arg)
{
	struct redis_endpoint at;

	for (size_t i = 0;
	     r->type == REDIS_REPLY_ARRAY && i < r->elements && i < REDIS_SLOTS;
	     i++) {
		const redisReply *e = r->element[i];

		if (e->type == REDIS_REPLY_ARRAY && e->elements >= 3 &&
		    is_slot(e->element[0]) && is_slot(e->element[1]) &&
		    read_node(e->element[2], &at)) {
			fn(arg, (unsigned)e->element[0]->integer,
			   (unsigned)e->element[1]->integer, &at);
		}
	}
}
