/* SPDX-License-Identifier: Apache-2.0 */
/* To the head by way of Redis, and how far it is. */
#include "collector/part_out.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/part_out_state.h"
#include "common/clock.h"
#include "common/frame_sign.h"
#include "common/log.h"
#include "common/point_sign.h"

#define CALL_MS 10000
/* When nothing moved for so long we look whether Redis still has it. */
#define STUCK_US (UINT64_C(2) * US_PER_S)
/* What the head has is freed along with alerts, or by itself after that. */
#define FREE_US US_PER_S
/* That we are there is said so often, and holds for so long. */
#define SAY_US (UINT64_C(2) * US_PER_S)

static void
take_point(struct part_out *o, const redisReply *r)
{
	char name[PART_NAME_CAP];
	struct point p;

	/* Of a life after the one that our store knows, too: it was put back,
	 * or its clock, and what we would say is of the past to the head. */
	if (r->type != REDIS_REPLY_STRING ||
	    !point_read(view_of(r->str, r->len), &p) || p.epoch < o->epoch ||
	    p.epoch >= INT64_MAX - 1 ||
	    (p.epoch == o->epoch && p.seq <= o->point)) {
		return;
	}
	part_name(o->cfg->number, name);
	if (!part_believes(o->cfg, name, &p)) {
		o->committed.points_refused = ++o->stats.points_refused;
		if (!o->told_point) {
			log_warn("parts: what the head says of its point is "
				 "not signed by a key of parts.keys: not "
				 "believed");
			o->told_point = true;
		}
		return;
	}
	o->told_point = false;
	if (p.epoch > o->epoch || p.seq > o->committed_seq) {
		o->behind = true;
		o->head_epoch = p.epoch;
		return;
	}
	o->point = p.seq;
	o->sent = MAX(o->sent, o->point);
	o->moved_us = clock_mono_us();
	if (o->sent == o->point) {
		o->sent_bytes = 0;
	}
}

static enum err
call(struct redis_pool *pool, const char *key, const char *verb,
     redisReply **out, struct diag *d)
{
	enum err e =
		redis_pool_call(pool, key, CALL_MS, out, d, "%s %s", verb, key);

	if (e != ERR_OK) {
		return e == ERR_AUTH ? e : ERR_AGAIN;
	}
	if ((*out)->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_AGAIN, "Redis: %s: %.200s", key,
			     (*out)->str);
		freeReplyObject(*out);
		*out = NULL;
	}
	return e;
}

static enum err
hear(struct part_out *o, struct redis_pool *pool, struct diag *d)
{
	char key[PART_NAME_CAP];
	redisReply *r = NULL;
	enum err e;

	part_point_key(o->cfg->number, key);
	e = call(pool, key, "GET", &r, d);
	if (e == ERR_OK) {
		take_point(o, r);
		freeReplyObject(r);
		o->asked = true;
	}
	return e;
}

/* That we are there, and how much we have said. */
static enum err
say(struct part_out *o, struct redis_pool *pool, struct diag *d)
{
	char key[PART_NAME_CAP], name[PART_NAME_CAP], text[POINT_TEXT_CAP];
	uint64_t now = clock_mono_us();
	redisReply *r = NULL;
	enum err e;

	if (o->said_us != 0 && now - o->said_us < SAY_US) {
		return ERR_OK;
	}
	part_alive_key(o->cfg->number, key);
	part_alive_name(o->cfg->number, name);
	if (point_write(o->cfg->own, name, o->epoch, o->committed_seq, text) !=
	    ERR_OK) {
		return diag_set(d, ERR_AGAIN, "out of memory");
	}
	e = redis_pool_call(pool, key, CALL_MS, &r, d, "SET %s %s EX %d", key,
			    text, PART_ALIVE_S);
	if (e == ERR_OK && r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_AGAIN, "Redis: %s: %.200s", key, r->str);
	}
	freeReplyObject(r);
	o->said_us = e == ERR_OK ? now : o->said_us;
	return e == ERR_OK || e == ERR_AUTH ? e : ERR_AGAIN;
}

/* Redis may have forgotten, or the head have passed something over. */
static enum err
look_again(struct part_out *o, struct redis_pool *pool, struct diag *d)
{
	char key[PART_NAME_CAP];
	redisReply *r = NULL;
	bool anew = o->connects != redis_pool_connects(pool), gone = false;
	enum err e = ERR_OK;

	part_stream_key(o->cfg->number, key);
	if (!anew && clock_mono_us() - o->moved_us >= STUCK_US) {
		o->moved_us = clock_mono_us();
		e = call(pool, key, "XLEN", &r, d);
		gone = e == ERR_OK && r->type == REDIS_REPLY_INTEGER &&
		       r->integer == 0;
		freeReplyObject(r);
		r = NULL;
	}
	if (e != ERR_OK || (!anew && !gone)) {
		return e;
	}
	if (anew) {
		/* Nothing twice: the rest of it is sent again as well. */
		e = redis_pool_call(pool, key, CALL_MS, &r, d,
				    "XTRIM %s MAXLEN 0", key);
		freeReplyObject(r);
		if (e != ERR_OK) {
			return e == ERR_AUTH ? e : ERR_AGAIN;
		}
		o->connects = redis_pool_connects(pool);
	}
	o->committed.resent = o->stats.resent += o->sent - o->point;
	o->sent = o->point;
	o->sent_bytes = 0;
	return ERR_OK;
}

/* --- into Redis --- */

#define ARGS 26

struct entry {
	const char *argv[ARGS];
	size_t len[ARGS];
	int n;
	char text[8][24];
	unsigned n_text;
	char key[PART_NAME_CAP], name[PART_NAME_CAP];
	uint8_t mac[FRAME_MAC_MAX];
	size_t mac_len;
};

static void
add(struct entry *e, const char *name, const void *value, size_t len)
{
	e->argv[e->n] = name;
	e->len[e->n++] = strlen(name);
	e->argv[e->n] = value;
	e->len[e->n++] = len;
}

static void
add_number(struct entry *e, const char *name, uint64_t v)
{
	char *text = e->text[e->n_text++];

	snprintf(text, sizeof(e->text[0]), "%" PRIu64, v);
	add(e, name, text, strlen(text));
}

static enum err
make_entry(const struct part_out *o, sqlite3_stmt *st, struct entry *e)
{
	struct frame_header h = { .epoch = o->epoch,
				  .seq = sql_u64(st, 0),
				  .n = (uint32_t)sql_u64(st, 1),
				  .raw_len = (uint32_t)sql_u64(st, 2),
				  .crc = (uint32_t)sql_u64(st, 3) };
	struct view data = view_of(sqlite3_column_blob(st, 4),
				   (size_t)sqlite3_column_bytes(st, 4));
	struct frame_claim c = { .hdr = &h,
				 .gap_from = o->point + 1,
				 .enc = VIEW_LIT("zlib"),
				 .data = data };

	e->n = 0;
	e->n_text = 0;
	part_stream_key(o->cfg->number, e->key);
	part_name(o->cfg->number, e->name);
	c.name = view_cstr(e->name);
	add(e, "XADD", e->key, strlen(e->key));
	e->argv[e->n] = "*";
	e->len[e->n++] = 1;
	add(e, "v", "1", 1);
	add_number(e, "epoch", h.epoch);
	add_number(e, "seq", h.seq);
	add_number(e, "from", c.gap_from);
	add_number(e, "n", h.n);
	add_number(e, "raw", h.raw_len);
	add_number(e, "crc", h.crc);
	add(e, "enc", "zlib", 4);
	if (o->cfg->own != NULL) {
		if (frame_sign(o->cfg->own, &c, e->mac, &e->mac_len) !=
		    ERR_OK) {
			return ERR_NOMEM;
		}
		add(e, "mac", e->mac, e->mac_len);
	}
	add(e, "data", data.p, data.len);
	return ERR_OK;
}

static enum err
send(struct part_out *o, struct redis_pool *pool, struct diag *d)
{
	sqlite3_stmt *st = o->st[ST_GET];
	uint64_t sent = o->sent, room = PART_WINDOW - (o->sent - o->point);
	struct entry entry;
	enum err e = ERR_OK, heard;
	int rc;

	rc = sql_bind(st, "uu", sent, room);
	while (rc == SQLITE_OK && e == ERR_OK &&
	       o->sent_bytes < PART_WINDOW_BYTES && sent < o->committed_seq &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = make_entry(o, st, &entry);
		if (e == ERR_OK) {
			/* Copied. */
			e = redis_pool_queue(pool, entry.key, entry.n,
					     entry.argv, entry.len, 1);
		}
		if (e == ERR_OK) {
			sent = sql_u64(st, 0);
			o->sent_bytes += entry.len[entry.n - 1];
		}
		rc = SQLITE_OK;
	}
	sqlite3_reset(st);
	if (e == ERR_LIMIT) {
		e = ERR_OK; /* the rest when there is room */
	}
	heard = redis_pool_settle(pool, CALL_MS, d);
	if (e == ERR_OK && heard != ERR_OK) {
		e = ERR_AGAIN;
	}
	if (e != ERR_OK) {
		/* Nobody knows which of them came: all again. */
		o->connects = 0;
		return e;
	}
	o->stats.sent += sent - o->sent;
	o->committed.sent = o->stats.sent;
	if (o->sent == o->point) {
		o->moved_us = clock_mono_us();
	}
	o->sent = sent;
	return ERR_OK;
}

/* What the head has, when no alerts come along with which it would go. */
static enum err
free_alone(struct part_out *o)
{
	enum err e;

	if (o->freed == o->point || clock_mono_us() - o->freed_us < FREE_US) {
		return ERR_OK;
	}
	e = store_begin(o->store);
	if (e == ERR_OK) {
		e = part_out_keep(o);
	}
	if (e == ERR_OK) {
		e = store_commit(o->store);
	}
	if (e == ERR_OK) {
		part_out_committed(o);
		return ERR_OK;
	}
	store_rollback(o->store);
	o->freed_us = clock_mono_us();
	return part_out_reload(o);
}

enum err
part_out_turn(struct part_out *o, struct redis_pool *pool, struct diag *d)
{
	enum err e = ERR_OK;

	if (part_out_waiting(o) || !o->asked) {
		e = hear(o, pool, d);
	}
	if (e == ERR_OK && o->behind) {
		e = part_out_begin_anew(o);
	}
	if (e == ERR_OK) {
		e = say(o, pool, d);
	}
	if (e == ERR_OK && part_out_waiting(o)) {
		e = look_again(o, pool, d);
	}
	if (e == ERR_OK && o->sent < o->committed_seq &&
	    o->sent - o->point < PART_WINDOW) {
		e = send(o, pool, d);
	}
	if ((o->committed_bytes >= o->cfg->max_waiting) != o->told_full) {
		o->told_full = !o->told_full;
		if (o->told_full) {
			log_warn("parts: %.1f MB wait for the head: sensors "
				 "wait until it has come further",
				 (double)o->committed_bytes / 1e6);
		} else {
			log_info("parts: the head has come further, sensors "
				 "are heard again");
		}
	}
	return e == ERR_OK ? free_alone(o) : e;
}
