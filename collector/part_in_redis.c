/* SPDX-License-Identifier: Apache-2.0 */
/* What parts say, out of Redis, and the word on how far they are. */
#include "collector/part_in.h"

#include <stdio.h>

#include "collector/inflate.h"
#include "collector/part_in_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/point_sign.h"

#define CALL_MS 10000
/* So often a stream may cost the connection before it is cleared. */
#define MAX_STRIKES 3
/* A point that Redis may have lost is published again. */
#define PUBLISH_US (UINT64_C(5) * US_PER_S)
/* Parts are looked at so often, and this is written down so often. */
#define LOOK_US (UINT64_C(2) * US_PER_S)
#define KEEP_US (UINT64_C(5) * US_PER_S)

/*
 * What makes a reply too large costs the connection at each try, and would keep
 * the records of all parts waiting for ever.  All of the stream goes: an honest
 * part sends again what the head does not have.
 */
static enum err
clear_stream(struct part_in *in, struct redis_pool *pool, unsigned part,
	     struct diag *d)
{
	char key[PART_NAME_CAP];
	redisReply *r = NULL;
	enum err e;

	part_stream_key(part, key);
	e = redis_pool_call(pool, key, CALL_MS, &r, d, "XTRIM %s MAXLEN 0",
			    key);
	freeReplyObject(r);
	if (e == ERR_OK) {
		in->source[part - 1].strikes = 0;
		in->committed.refused_format = ++in->stats.refused_format;
		log_warn("parts: what part %u says cannot be read: its stream "
			 "is cleared",
			 part);
	}
	return e;
}

static enum err
read_one(struct part_in *in, struct redis_pool *pool, unsigned part,
	 struct diag *d)
{
	struct part_source *s = &in->source[part - 1];
	char key[PART_NAME_CAP];
	enum err e = ERR_OK;

	part_stream_key(part, key);
	if (s->strikes >= MAX_STRIKES) {
		e = clear_stream(in, pool, part, d);
	}
	if (e == ERR_OK) {
		e = redis_pool_call(pool, key, CALL_MS, &s->reply, d,
				    "XRANGE %s - + COUNT %d", key,
				    PART_IN_ENTRIES);
		s->strikes = e == ERR_CLOSED ? s->strikes + 1 : 0;
	}
	if (e == ERR_OK && s->reply->type != REDIS_REPLY_ARRAY) {
		e = diag_set(d, ERR_AGAIN, "Redis: %s: %.200s", key,
			     s->reply->type == REDIS_REPLY_ERROR ? s->reply->str
								 : "no stream");
		freeReplyObject(s->reply);
		s->reply = NULL;
	}
	return e;
}

enum err
part_in_read(struct part_in *in, struct redis_pool *pool, size_t *n,
	     struct diag *d)
{
	*n = 0;
	for (unsigned k = 0; k < in->cfg->of; k++) {
		struct part_source *s = &in->source[k];
		enum err e;

		freeReplyObject(s->reply);
		s->reply = NULL;
		e = read_one(in, pool, k + 1, d);
		if (e == ERR_OK) {
			*n += s->reply->elements;
			s->away = false;
			continue;
		}
		if (!redis_pool_is_cluster(pool)) {
			return e == ERR_AUTH ? e : ERR_AGAIN;
		}
		if (!s->away) {
			log_warn("parts: what part %u says cannot be read, "
				 "trying on: %s",
				 k + 1, d->msg);
		}
		s->away = true;
	}
	return ERR_OK;
}

static void
take_field(struct ingest_entry *e, struct view *from, const redisReply *k,
	   const redisReply *v)
{
	const struct {
		const char *name;
		struct view *to;
	} fields[] = {
		{ "v", &e->v },     { "epoch", &e->epoch },
		{ "seq", &e->seq }, { "from", from },
		{ "n", &e->n },     { "raw", &e->raw },
		{ "crc", &e->crc }, { "enc", &e->enc },
		{ "mac", &e->mac }, { "data", &e->data },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (view_eq(view_of(k->str, k->len),
			    view_cstr(fields[i].name))) {
			*fields[i].to = view_of(v->str, v->len);
		}
	}
}

bool
part_in_entry(const redisReply *item, struct part_record *out)
{
	struct ingest_entry *e = &out->entry;
	struct view from = VIEW_NONE;
	struct inflated f;
	const redisReply *list;

	*out = (struct part_record){ .from = 1 };
	if (item->type != REDIS_REPLY_ARRAY || item->elements != 2 ||
	    item->element[0]->type != REDIS_REPLY_STRING ||
	    item->element[1]->type != REDIS_REPLY_ARRAY) {
		return false;
	}
	e->id = item->element[0]->str;
	list = item->element[1];
	for (size_t i = 0; i + 1 < list->elements; i += 2) {
		if (list->element[i]->type == REDIS_REPLY_STRING &&
		    list->element[i + 1]->type == REDIS_REPLY_STRING) {
			take_field(e, &from, list->element[i],
				   list->element[i + 1]);
		}
	}
	/* As in a batch; a record has no severity, and is no gap. */
	e->sev = VIEW_LIT("0");
	if (inflate_header(e, &f) != INFLATE_FRAME) {
		return false;
	}
	out->hdr = f.h;
	return inflate_number(from, out->hdr.seq, &out->from) && out->from >= 1;
}

bool
part_in_signed(const struct part_in *in, unsigned part,
	       const struct part_record *r)
{
	struct frame_claim c = { .hdr = &r->hdr,
				 .gap_from = r->from,
				 .enc = r->entry.enc,
				 .data = r->entry.data };
	char name[PART_NAME_CAP];
	struct frame_mac mac;
	struct sign_key *k;

	if (in->cfg->n_keys == 0) {
		return true;
	}
	if (r->entry.enc.len > 255 || !frame_mac_read(r->entry.mac, &mac)) {
		return false;
	}
	part_name(part, name);
	c.name = view_cstr(name);
	k = part_key_of(in->cfg, mac.id);
	return k != NULL && frame_sign_check(k, &c, &mac);
}

static enum err
call_ok(redisReply *r, enum err e, struct diag *d)
{
	if (e == ERR_OK && r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_AGAIN, "Redis: %.200s", r->str);
	}
	freeReplyObject(r);
	return e;
}

static enum err
publish(struct part_in *in, struct redis_pool *pool, unsigned part,
	struct diag *d)
{
	struct part_source *s = &in->source[part - 1];
	char key[PART_NAME_CAP], name[PART_NAME_CAP], text[POINT_TEXT_CAP];
	redisReply *r = NULL;
	enum err e;

	if (s->mark.epoch == 0) {
		return ERR_OK;
	}
	part_name(part, name);
	part_point_key(part, key);
	if (point_write(in->cfg->own, name, s->mark.epoch, s->mark.seq, text) !=
	    ERR_OK) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = redis_pool_call(pool, key, CALL_MS, &r, d, "SET %s %s", key, text);
	return call_ok(r, e, d);
}

/* All of a reply's entries go: applied, or thrown away. */
static enum err
drop(struct part_in *in, struct redis_pool *pool, unsigned part, struct diag *d)
{
	struct part_source *s = &in->source[part - 1];
	const char *argv[2 + PART_IN_ENTRIES];
	char key[PART_NAME_CAP];
	int n = 0;
	enum err e;

	part_stream_key(part, key);
	argv[n++] = "XDEL";
	argv[n++] = key;
	for (size_t i = 0; i < s->reply->elements && i < PART_IN_ENTRIES; i++) {
		const redisReply *item = s->reply->element[i];

		if (item->type == REDIS_REPLY_ARRAY && item->elements > 0 &&
		    item->element[0]->type == REDIS_REPLY_STRING) {
			argv[n++] = item->element[0]->str;
		}
	}
	if (n == 2) {
		return ERR_OK;
	}
	e = redis_pool_queue(pool, key, n, argv, NULL, 1);
	if (e == ERR_OK) {
		e = redis_pool_settle(pool, CALL_MS, d);
	}
	return e == ERR_OK ? ERR_OK : ERR_AGAIN;
}

enum err
part_in_acknowledge(struct part_in *in, struct redis_pool *pool, struct diag *d)
{
	uint64_t now = clock_mono_us();
	bool again = now - in->published_us >= PUBLISH_US;
	enum err e = ERR_OK;

	in->committed = in->stats;
	for (unsigned k = 0; k < in->cfg->of && e == ERR_OK; k++) {
		struct part_source *s = &in->source[k];

		if (s->publish || again) {
			s->publish = true;
			e = publish(in, pool, k + 1, d);
			s->publish = e != ERR_OK;
		}
		if (e == ERR_OK && s->reply != NULL) {
			e = drop(in, pool, k + 1, d);
		}
		if (e != ERR_OK && redis_pool_is_cluster(pool)) {
			e = ERR_OK; /* the other nodes' parts do not wait */
		}
	}
	if (again && e == ERR_OK) {
		in->published_us = now;
	}
	return e == ERR_OK || e == ERR_AUTH ? e : ERR_AGAIN;
}

/* --- who is there --- */

/* What one part says of itself, if it is its own word. */
static void
hear(struct part_in *in, unsigned part, const redisReply *r, uint64_t now_us)
{
	struct part_mark *m = &in->source[part - 1].mark;
	char name[PART_NAME_CAP];
	struct point p;

	if (r->type != REDIS_REPLY_STRING ||
	    !point_read(view_of(r->str, r->len), &p) || p.epoch > INT64_MAX ||
	    p.seq > INT64_MAX) {
		return;
	}
	part_alive_name(part, name);
	if (!part_believes(in->cfg, name, &p)) {
		return;
	}
	m->seen_us = now_us;
	m->said_epoch = p.epoch;
	m->said_seq = p.seq;
}

static void
tell_silent(struct part_in *in, unsigned part, uint64_t now_us)
{
	struct part_source *s = &in->source[part - 1];
	bool silent = now_us > MAX(s->mark.seen_us, in->since_us) +
				       (uint64_t)PART_ALIVE_S * US_PER_S;

	if (silent && !s->silent) {
		log_warn("parts: part %u is not heard of: what its sensors see "
			 "is not joined until it is back",
			 part);
	} else if (!silent && s->silent) {
		log_info("parts: part %u is heard of again", part);
	}
	s->silent = silent;
}

static enum err
keep_looks(struct part_in *in)
{
	enum err e = store_begin(in->store);

	for (unsigned k = 0; k < in->cfg->of && e == ERR_OK; k++) {
		e = part_in_mark(in, k + 1);
	}
	if (e == ERR_OK) {
		e = store_commit(in->store);
	}
	if (e != ERR_OK) {
		store_rollback(in->store); /* it is but a look */
	}
	return e;
}

enum err
part_in_look(struct part_in *in, struct redis_pool *pool, uint64_t now_us,
	     struct diag *d)
{
	uint64_t mono = clock_mono_us();
	char key[PART_NAME_CAP];
	enum err e = ERR_OK;

	if (in->looked_us != 0 && mono - in->looked_us < LOOK_US) {
		return ERR_OK;
	}
	in->since_us = in->since_us != 0 ? in->since_us : now_us;
	for (unsigned k = 0; k < in->cfg->of && e == ERR_OK; k++) {
		redisReply *r = NULL;

		part_alive_key(k + 1, key);
		e = redis_pool_call(pool, key, CALL_MS, &r, d, "GET %s", key);
		if (e == ERR_OK) {
			hear(in, k + 1, r, now_us);
		} else if (redis_pool_is_cluster(pool)) {
			e = ERR_OK; /* its node is away */
		}
		freeReplyObject(r);
		tell_silent(in, k + 1, now_us);
	}
	if (e != ERR_OK) {
		return e == ERR_AUTH ? e : ERR_AGAIN;
	}
	in->looked_us = mono;
	if (in->kept_us == 0 || mono - in->kept_us >= KEEP_US) {
		in->kept_us = mono;
		(void)!keep_looks(in); /* what fails is tried again */
	}
	return ERR_OK;
}
