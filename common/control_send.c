/* SPDX-License-Identifier: Apache-2.0 */
#include "common/control_send.h"

#include <stdlib.h>

#include "common/clock.h"

/* ERR_IO with diag for an error reply; the reply is freed unless ERR_OK. */
static enum err
good_reply(struct redis_pool *p, redisReply *r, struct diag *d)
{
	enum err e = ERR_OK;

	if (r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_IO, "%s: %.300s", redis_pool_name(p),
			     r->str);
		freeReplyObject(r);
	}
	return e;
}

/* The version of a stream's entry; 0 when it tells none. */
static uint64_t
version_of(const redisReply *entry)
{
	const redisReply *kv;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[1]->type != REDIS_REPLY_ARRAY) {
		return 0;
	}
	kv = entry->element[1];
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		if (kv->element[i]->type == REDIS_REPLY_STRING &&
		    kv->element[i + 1]->type == REDIS_REPLY_STRING &&
		    strcmp(kv->element[i]->str, "version") == 0) {
			return strtoull(kv->element[i + 1]->str, NULL, 10);
		}
	}
	return 0;
}

/*
 * Milliseconds since 1970, so that versions of many hands grow together;
 * beyond the newest in the stream when a clock is behind.
 */
static enum err
next_version(struct redis_pool *p, int wait_ms, uint64_t *out, struct diag *d)
{
	uint64_t newest = 0;
	redisReply *r;
	enum err e =
		redis_pool_call(p, CONTROL_STREAM, wait_ms, &r, d,
				"XREVRANGE %s + - COUNT 1", CONTROL_STREAM);

	if (e == ERR_OK) {
		e = good_reply(p, r, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 1) {
		newest = version_of(r->element[0]);
	}
	freeReplyObject(r);
	*out = clock_wall_us() / 1000;
	if (newest >= *out && newest < INT64_MAX) {
		*out = newest + 1;
	}
	return ERR_OK;
}

enum err
control_send(struct redis_pool *p, struct sign_key *k, struct control_doc *doc,
	     int wait_ms, struct diag *d)
{
	uint8_t sig[SIGN_BYTES];
	struct json j;
	struct view text;
	redisReply *r;
	enum err e = next_version(p, wait_ms, &doc->version, d);

	if (e != ERR_OK) {
		return e;
	}
	json_init(&j);
	if (!control_write(&j, doc) ||
	    control_sign(k, json_view(&j), sig) != ERR_OK) {
		json_fini(&j);
		return diag_set(d, ERR_NOMEM, "cannot sign");
	}
	text = json_view(&j);
	/* "version" beside the document is for the next one's sake only */
	e = redis_pool_call(p, CONTROL_STREAM, wait_ms, &r, d,
			    "XADD %s MAXLEN ~ " CONTROL_KEEP
			    " * doc %b sig %b version %llu",
			    CONTROL_STREAM, text.p, text.len, sig, sizeof(sig),
			    (unsigned long long)doc->version);
	if (e == ERR_OK) {
		e = good_reply(p, r, d);
	}
	if (e == ERR_OK) {
		freeReplyObject(r);
	}
	json_fini(&j);
	return e;
}
