/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/part_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/part_pack.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/frame_sign.h"
#include "common/log.h"
#include "common/point_sign.h"

#define CALL_MS 10000
/* When nothing moved for so long we look whether Redis still has it. */
#define STUCK_US (UINT64_C(2) * US_PER_S)
/* What the head has is freed along with alerts, or by itself after that. */
#define FREE_US US_PER_S

enum statement { ST_PUT, ST_GET, ST_FREE, ST_SELF, ST_OUT };

static const char *const statements[ST_OUT] = {
	[ST_PUT] = "INSERT INTO part_outbox VALUES(?1,?2,?3,?4,?5)",
	[ST_GET] = "SELECT seq,n,raw,crc,data FROM part_outbox WHERE seq>?1"
		   " ORDER BY seq LIMIT ?2",
	[ST_FREE] = "DELETE FROM part_outbox WHERE seq<=?1",
	[ST_SELF] = "UPDATE part_self SET seq=?1,point=?2",
};

struct part_out {
	const struct part_config *cfg;
	struct store *store;
	struct part_pack *pack;
	struct frame_codec *codec;
	sqlite3_stmt *st[ST_OUT];
	uint64_t epoch;
	uint64_t seq, committed_seq; /* the last that is written */
	uint64_t point, freed; /* that the head has; of which rows are gone */
	uint64_t sent; /* to this Redis */
	uint64_t sent_bytes; /* since the last word of the head */
	uint64_t bytes, committed_bytes; /* in the table, about */
	uint64_t connects; /* of the pool, when we last sent */
	uint64_t moved_us, freed_us; /* monotonic */
	bool told_full, told_point, changed;
	struct part_out_stats stats, committed;
};

void
part_out_free(struct part_out *o)
{
	if (o == NULL) {
		return;
	}
	for (unsigned i = 0; i < ST_OUT; i++) {
		sqlite3_finalize(o->st[i]);
	}
	part_pack_free(o->pack);
	frame_codec_free(o->codec);
	free(o);
}

/* The store says whose it is, from its first use as a part's on. */
static enum err
claim_store(struct part_out *o, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int64_t part = 0;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(
		store_db(o->store),
		"INSERT OR IGNORE INTO part_self VALUES(1,?1,?2,0,0)", -1, &st,
		NULL);

	if (rc == SQLITE_OK) {
		e = sql_run(st, "iu", (int64_t)o->cfg->number,
			    clock_wall_us() / 1000);
	}
	sqlite3_finalize(st);
	st = NULL;
	if (rc == SQLITE_OK && e == ERR_OK) {
		rc = sqlite3_prepare_v2(store_db(o->store),
					"SELECT part FROM part_self", -1, &st,
					NULL);
	}
	if (rc == SQLITE_OK && e == ERR_OK && sqlite3_step(st) == SQLITE_ROW) {
		part = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	if (part == 0) {
		return diag_set(d, ERR_IO, "the store: %s",
				store_error(o->store));
	}
	return part == (int64_t)o->cfg->number
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "parts.number: %u, but the store is that of "
				  "part %" PRId64 ": name its own with --store",
				  o->cfg->number, part);
}

enum err
part_out_new(struct part_out **out, const struct part_config *cfg,
	     struct store *store, struct diag *d)
{
	struct part_out *o = calloc(1, sizeof(*o));
	enum err e = ERR_OK;

	*out = NULL;
	if (o == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	o->cfg = cfg;
	o->store = store;
	o->pack = part_pack_new();
	o->codec = frame_codec_new(1);
	if (o->pack == NULL || o->codec == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < ST_OUT && e == ERR_OK; i++) {
		if (sqlite3_prepare_v3(store_db(store), statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &o->st[i],
				       NULL) != SQLITE_OK) {
			e = diag_set(d, ERR_FORMAT, "the store is damaged: %s",
				     store_error(store));
		}
	}
	if (e == ERR_OK) {
		e = claim_store(o, d);
	}
	if (e != ERR_OK) {
		part_out_free(o);
		return e;
	}
	*out = o;
	return ERR_OK;
}

enum err
part_out_reload(struct part_out *o)
{
	static const char sql[] =
		"SELECT epoch,seq,point,(SELECT coalesce(sum(length(data)),0)"
		" FROM part_outbox) FROM part_self";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(store_db(o->store), sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		o->epoch = sql_u64(st, 0);
		o->seq = o->committed_seq = sql_u64(st, 1);
		/* What it said since stands. */
		o->freed = sql_u64(st, 2);
		o->point = MIN(MAX(o->point, o->freed), o->seq);
		o->bytes = o->committed_bytes = sql_u64(st, 3);
	}
	sqlite3_finalize(st);
	o->sent = MIN(MAX(o->sent, o->point), o->seq);
	part_pack_reset(o->pack);
	o->stats = o->committed;
	o->changed = false;
	return rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

/* --- into the table --- */

static enum err
close_record(struct part_out *o)
{
	struct frame_header h = { .epoch = o->epoch };
	struct view data;
	enum err e;

	if (part_pack_len(o->pack) == 0) {
		part_pack_reset(o->pack);
		return ERR_OK;
	}
	e = frame_pack(o->codec, part_pack_bytes(o->pack), &h, &data);
	if (e == ERR_OK) {
		e = sql_run(o->st[ST_PUT], "uuuub", o->seq + 1,
			    (uint64_t)part_pack_len(o->pack),
			    (uint64_t)h.raw_len, (uint64_t)h.crc, data);
	}
	if (e == ERR_OK) {
		o->seq++;
		o->bytes += data.len;
		o->stats.records++;
		o->stats.alerts += part_pack_alerts(o->pack);
		o->stats.subjects += part_pack_subjects(o->pack);
		o->stats.bytes += data.len;
		o->changed = true;
	}
	part_pack_reset(o->pack);
	return e;
}

enum err
part_out_alert(struct part_out *o, const char *site, const char *sensor,
	       int64_t id, const struct alert *a)
{
	enum err e = ERR_OK;

	if (!part_pack_alert(o->pack, site, sensor, id, a)) {
		e = close_record(o);
		if (e == ERR_OK &&
		    !part_pack_alert(o->pack, site, sensor, id, a)) {
			e = ERR_LIMIT;
		}
	}
	return e;
}

enum err
part_out_anchor(struct part_out *o, const char *site, const char *sensor,
		const struct alert *a)
{
	enum err e = ERR_OK;

	if (!part_pack_anchor(o->pack, site, sensor, a)) {
		e = close_record(o);
		if (e == ERR_OK &&
		    !part_pack_anchor(o->pack, site, sensor, a)) {
			e = ERR_LIMIT;
		}
	}
	return e;
}

enum err
part_out_contacts(struct part_out *o, const char *site, const char *sensor,
		  struct view line, bool *taken)
{
	enum err e = ERR_OK;

	*taken = line.len <= PART_PACK_LINE;
	if (*taken && !part_pack_contacts(o->pack, site, sensor, line)) {
		e = close_record(o);
		if (e == ERR_OK &&
		    !part_pack_contacts(o->pack, site, sensor, line)) {
			e = ERR_LIMIT;
		}
	}
	return e;
}

enum err
part_out_keep(struct part_out *o)
{
	enum err e = close_record(o);

	if (e == ERR_OK && o->freed < o->point) {
		e = sql_run(o->st[ST_FREE], "u", o->point);
		o->changed = true;
	}
	return e == ERR_OK && o->changed
		       ? sql_run(o->st[ST_SELF], "uu", o->seq, o->point)
		       : e;
}

void
part_out_committed(struct part_out *o)
{
	if (o->freed < o->point) {
		sqlite3_stmt *st = NULL;

		/* What is left, exactly: it grew by what was written. */
		if (sqlite3_prepare_v2(store_db(o->store),
				       "SELECT coalesce(sum(length(data)),0)"
				       " FROM part_outbox",
				       -1, &st, NULL) == SQLITE_OK &&
		    sqlite3_step(st) == SQLITE_ROW) {
			o->bytes = sql_u64(st, 0);
		}
		sqlite3_finalize(st);
	}
	o->freed = o->point;
	o->freed_us = clock_mono_us();
	o->committed_seq = o->seq;
	o->committed_bytes = o->bytes;
	o->committed = o->stats;
	o->changed = false;
}

bool
part_out_full(const struct part_out *o)
{
	return o->committed_bytes >= o->cfg->max_waiting;
}

bool
part_out_waiting(const struct part_out *o)
{
	return o->point < o->committed_seq;
}

/* --- how far the head is --- */

/* Whether the head said so. */
static bool
believed(const struct part_out *o, const struct point *p)
{
	struct frame_mac mac;
	char name[PART_NAME_CAP];
	struct sign_key *k;

	if (o->cfg->n_keys == 0) {
		return true;
	}
	part_name(o->cfg->number, name);
	if (p->mac_len == 0 ||
	    !frame_mac_read(view_of(p->mac, p->mac_len), &mac)) {
		return false;
	}
	k = part_key_of(o->cfg, mac.id);
	return k != NULL && point_check(k, name, p);
}

static void
take_point(struct part_out *o, const redisReply *r)
{
	struct point p;

	if (r->type != REDIS_REPLY_STRING ||
	    !point_read(view_of(r->str, r->len), &p) || p.epoch != o->epoch ||
	    p.seq <= o->point || p.seq > o->committed_seq) {
		return;
	}
	if (!believed(o, &p)) {
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
	}
	return e;
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

/* The answers to what was sent; one that is no id ends it. */
static enum err
await(struct redis_pool *pool, struct diag *d)
{
	struct redis_answer a;
	enum err e = ERR_OK;

	while (redis_pool_unanswered(pool) > 0) {
		if (redis_pool_poll(pool, CALL_MS, &a) != ERR_OK) {
			redis_pool_close(pool);
			return diag_set(d, ERR_AGAIN, "%s: no reply",
					redis_pool_name(pool));
		}
		if (a.reply == NULL) {
			e = diag_set(d, ERR_AGAIN, "%s", redis_pool_why(pool));
		} else if (a.reply->type == REDIS_REPLY_ERROR) {
			e = diag_set(d, ERR_AGAIN, "Redis: %.200s",
				     a.reply->str);
		}
		freeReplyObject(a.reply);
	}
	return e;
}

static enum err
send(struct part_out *o, struct redis_pool *pool, struct diag *d)
{
	sqlite3_stmt *st = o->st[ST_GET];
	uint64_t sent = o->sent, room = PART_WINDOW - (o->sent - o->point);
	struct entry entry;
	enum err e = ERR_OK;
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
	if (redis_pool_unanswered(pool) > 0) {
		enum err heard = await(pool, d);

		e = e == ERR_OK ? heard : e;
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

	if (part_out_waiting(o)) {
		e = hear(o, pool, d);
	}
	if (e == ERR_OK && part_out_waiting(o)) {
		e = look_again(o, pool, d);
	}
	if (e == ERR_OK && o->sent < o->committed_seq &&
	    o->sent - o->point < PART_WINDOW) {
		e = send(o, pool, d);
	}
	if (part_out_full(o) != o->told_full) {
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

void
part_out_stats(const struct part_out *o, struct part_out_stats *out)
{
	*out = o->committed;
	out->waiting = o->committed_seq - o->point;
	out->waiting_bytes = o->committed_bytes;
	out->full = part_out_full(o);
}
