/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/part_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/inflate.h"
#include "collector/part_in_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/point_sign.h"

#define CALL_MS 10000
#define TELL_US (UINT64_C(60) * US_PER_S)
/* A point that Redis may have lost is published again. */
#define PUBLISH_US (UINT64_C(5) * US_PER_S)

static const char *const statements[ST_PART_IN] = {
	[ST_MARK] = "INSERT OR REPLACE INTO part_marks"
		    " VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_RECORD] = "INSERT INTO part_records VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_OLDEST] = "SELECT part,n,last FROM part_records WHERE id=?1",
	[ST_GONE] = "DELETE FROM part_records WHERE id=?1",
	[ST_TWINS_GONE] = "DELETE FROM twins WHERE alert>=?1 AND alert<=?2",
};

void
part_in_free(struct part_in *in)
{
	if (in == NULL) {
		return;
	}
	for (unsigned i = 0; i < ST_PART_IN; i++) {
		sqlite3_finalize(in->st[i]);
	}
	for (unsigned k = 0; k < PART_MAX; k++) {
		freeReplyObject(in->source[k].reply);
	}
	part_unpack_free(in->unpack);
	frame_codec_free(in->codec);
	free(in);
}

enum err
part_in_new(struct part_in **out, const struct part_config *cfg,
	    struct store *store, struct diag *d)
{
	struct part_in *in = calloc(1, sizeof(*in));
	enum err e = ERR_OK;

	*out = NULL;
	if (in == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	in->cfg = cfg;
	in->store = store;
	in->unpack = part_unpack_new();
	in->codec = frame_codec_new(1);
	if (in->unpack == NULL || in->codec == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < ST_PART_IN && e == ERR_OK; i++) {
		if (sqlite3_prepare_v3(store_db(store), statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &in->st[i],
				       NULL) != SQLITE_OK) {
			e = diag_set(d, ERR_FORMAT, "the store is damaged: %s",
				     store_error(store));
		}
	}
	for (unsigned k = 0; k < PART_MAX; k++) {
		in->source[k].publish = true;
	}
	if (e != ERR_OK) {
		part_in_free(in);
		return e;
	}
	*out = in;
	return ERR_OK;
}

enum err
part_in_reload(struct part_in *in)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(store_db(in->store),
				    "SELECT part,epoch,seq,lost,records,alerts"
				    " FROM part_marks",
				    -1, &st, NULL);

	for (unsigned k = 0; k < PART_MAX; k++) {
		in->source[k].mark = (struct part_mark){ 0 };
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint64_t part = sql_u64(st, 0);

		rc = SQLITE_OK;
		if (part >= 1 && part <= PART_MAX) {
			in->source[part - 1].mark = (struct part_mark){
				.epoch = sql_u64(st, 1),
				.seq = sql_u64(st, 2),
				.lost = sql_u64(st, 3),
				.records = sql_u64(st, 4),
				.alerts = sql_u64(st, 5),
			};
		}
	}
	sqlite3_finalize(st);
	st = NULL;
	if (rc == SQLITE_DONE) {
		rc = sqlite3_prepare_v2(
			store_db(in->store),
			"SELECT coalesce(min(id),1),coalesce(max(id),0)+1,"
			"coalesce(sum(n),0) FROM part_records",
			-1, &st, NULL);
		if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			in->oldest = sqlite3_column_int64(st, 0);
			in->next = sqlite3_column_int64(st, 1);
			in->kept = sql_u64(st, 2);
			rc = SQLITE_DONE;
		}
		sqlite3_finalize(st);
	}
	in->stats = in->committed;
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

void
part_in_renewed(struct part_in *in)
{
	for (unsigned k = 0; k < in->cfg->of; k++) {
		in->source[k].publish = true;
	}
}

void
part_in_stats(const struct part_in *in, struct part_in_stats *out)
{
	*out = in->committed;
}

/* --- out of Redis --- */

enum err
part_in_read(struct part_in *in, struct redis_pool *pool, size_t *n,
	     struct diag *d)
{
	char key[PART_NAME_CAP];

	*n = 0;
	for (unsigned k = 0; k < in->cfg->of; k++) {
		struct part_source *s = &in->source[k];
		enum err e;

		freeReplyObject(s->reply);
		s->reply = NULL;
		part_stream_key(k + 1, key);
		e = redis_pool_call(pool, key, CALL_MS, &s->reply, d,
				    "XRANGE %s - + COUNT %d", key,
				    PART_IN_ENTRIES);
		if (e == ERR_OK && s->reply->type == REDIS_REPLY_ERROR) {
			e = diag_set(d, ERR_AGAIN, "Redis: %s: %.200s", key,
				     s->reply->str);
		}
		if (e == ERR_OK && s->reply->type == REDIS_REPLY_ARRAY) {
			*n += s->reply->elements;
			s->away = false;
			continue;
		}
		freeReplyObject(s->reply);
		s->reply = NULL;
		if (e != ERR_OK && !redis_pool_is_cluster(pool)) {
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

/* The fields of one entry; false when it is not even a record's. */
static bool
read_entry(const redisReply *item, struct part_record *out)
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
	if (from.len == 0 || from.len > 19) {
		return false;
	}
	out->from = 0;
	for (size_t i = 0; i < from.len; i++) {
		if (from.p[i] < '0' || from.p[i] > '9') {
			return false;
		}
		out->from = out->from * 10 + (from.p[i] - '0');
	}
	return out->from >= 1 && out->from <= out->hdr.seq;
}

/* --- what comes of it --- */

static bool
signed_well(const struct part_in *in, unsigned part,
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

static void
tell_refused(struct part_in *in, unsigned part, const char *why)
{
	uint64_t now = clock_mono_us();

	if (in->told_us == 0 || now - in->told_us >= TELL_US) {
		in->told_us = now;
		log_warn("parts: a record of part %u is refused: %s", part,
			 why);
	}
}

/* Whether all of it can be read: what cannot, is not begun. */
static enum err
check_all(struct part_in *in, struct view raw, uint32_t n, struct diag *d)
{
	struct part_sight s;
	uint32_t found = 0;
	enum err e = part_unpack_open(in->unpack, raw, d);

	while (e == ERR_OK) {
		e = part_unpack_next(in->unpack, &s, d);
		found += e == ERR_OK;
	}
	if (e == ERR_NOTFOUND && found != n) {
		return diag_set(d, ERR_FORMAT, "%u pieces, but n is %u", found,
				n);
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* What one record held. */
struct held {
	uint64_t n[PART_CONTACTS + 1]; /* by kind */
	int64_t last; /* number of an alert */
};

static enum err
walk(struct part_in *in, unsigned part, struct view raw, part_in_fn *fn,
     void *arg, struct held *h)
{
	struct part_sight s;
	struct diag d;
	enum err e = part_unpack_open(in->unpack, raw, &d);

	*h = (struct held){ .last = 0 };
	while (e == ERR_OK) {
		e = part_unpack_next(in->unpack, &s, &d);
		if (e == ERR_OK) {
			h->n[s.kind]++;
			h->last = s.kind == PART_ALERT ? MAX(h->last, s.alert)
						       : h->last;
			e = fn(arg, part, &s);
		}
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* Which it is: the next, one that was, or one too early. */
enum place { PLACE_NEXT, PLACE_REPEAT, PLACE_EARLY };

static enum place
place_of(struct part_in *in, unsigned part, const struct part_record *r)
{
	struct part_mark *m = &in->source[part - 1].mark;
	uint64_t lost;

	if (r->hdr.epoch < m->epoch ||
	    (r->hdr.epoch == m->epoch && r->hdr.seq <= m->seq)) {
		return PLACE_REPEAT;
	}
	if (r->hdr.epoch > m->epoch) {
		if (m->epoch != 0) {
			log_warn("parts: the store of part %u was made anew",
				 part);
			in->source[part - 1].anew = true;
		}
		m->epoch = r->hdr.epoch;
		m->seq = 0;
	}
	lost = r->from > m->seq + 1 ? r->from - m->seq - 1 : 0;
	if (lost > 0) {
		log_err("parts: %" PRIu64 " records of part %u, from %" PRIu64
			" on, are gone: what they told is not joined",
			lost, part, m->seq + 1);
		m->lost += lost;
		in->stats.lost += lost;
		m->seq += lost;
	}
	return r->hdr.seq == m->seq + 1 ? PLACE_NEXT : PLACE_EARLY;
}

static enum err
apply(struct part_in *in, unsigned part, const struct part_record *r,
      uint64_t now_us, part_in_fn *fn, void *arg)
{
	struct part_mark *m = &in->source[part - 1].mark;
	struct inflated f = { .h = r->hdr, .has_raw_len = true };
	struct diag d = { "" };
	struct held held = { .last = 0 };
	uint64_t known;
	enum err e;

	if (inflate_body(in->codec, &r->entry, &f) != INFLATE_FRAME) {
		e = diag_set(&d, ERR_FORMAT, "%s", f.why);
	} else {
		e = check_all(in, f.raw, r->hdr.n, &d);
	}
	m->seq = r->hdr.seq;
	if (e == ERR_FORMAT) {
		/* It would be the same the next time. */
		in->stats.refused_format++;
		tell_refused(in, part, d.msg);
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = walk(in, part, f.raw, fn, arg, &held);
	}
	known = held.n[PART_ALERT] + held.n[PART_ANCHOR];
	if (e == ERR_OK && known > 0) {
		e = part_in_keep_record(in, part, r, now_us, known, held.last);
	}
	m->records++;
	m->alerts += held.n[PART_ALERT];
	in->stats.records++;
	in->stats.alerts += held.n[PART_ALERT];
	in->stats.anchors += held.n[PART_ANCHOR];
	in->stats.contacts += held.n[PART_CONTACTS];
	in->stats.bytes += r->entry.data.len;
	return e;
}

static enum err
take_record(struct part_in *in, unsigned part, const redisReply *item,
	    uint64_t now_us, part_in_fn *fn, void *arg)
{
	struct part_record r;

	if (!read_entry(item, &r)) {
		in->stats.refused_format++;
		tell_refused(in, part, "its fields");
		return ERR_OK;
	}
	if (!signed_well(in, part, &r)) {
		in->stats.refused_signature++;
		tell_refused(in, part, "no key of parts.keys signed it so");
		return ERR_OK;
	}
	switch (place_of(in, part, &r)) {
	case PLACE_REPEAT:
		in->stats.repeated++;
		in->source[part - 1].publish = true;
		return ERR_OK;
	case PLACE_EARLY:
		in->stats.early++;
		in->source[part - 1].publish = true;
		return ERR_OK;
	case PLACE_NEXT:
		break;
	}
	in->source[part - 1].moved = true;
	return apply(in, part, &r, now_us, fn, arg);
}

enum err
part_in_apply(struct part_in *in, uint64_t now_us, part_in_fn *fn, void *arg)
{
	enum err e = ERR_OK;

	for (unsigned k = 0; k < in->cfg->of && e == ERR_OK; k++) {
		struct part_source *s = &in->source[k];

		s->moved = s->anew = false;
		for (size_t i = 0;
		     s->reply != NULL && i < s->reply->elements && e == ERR_OK;
		     i++) {
			e = take_record(in, k + 1, s->reply->element[i], now_us,
					fn, arg);
		}
		if (e == ERR_OK && s->anew) {
			e = part_in_forget_twins(in, k + 1);
		}
		if (e == ERR_OK && s->moved) {
			const struct part_mark *m = &s->mark;

			s->publish = true;
			e = sql_run(in->st[ST_MARK], "iuuuuuu", (int64_t)k + 1,
				    m->epoch, m->seq, m->lost, m->records,
				    m->alerts, now_us);
		}
	}
	return e == ERR_OK ? part_in_trim(in) : e;
}

/* --- the word on it --- */

static enum err
call_ok(struct redis_pool *pool, redisReply *r, enum err e, struct diag *d)
{
	if (e == ERR_OK && r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_AGAIN, "Redis: %.200s", r->str);
	}
	freeReplyObject(r);
	(void)pool;
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
	return call_ok(pool, r, e, d);
}

/* All of a reply's entries go: applied, or thrown away. */
static enum err
drop(struct part_in *in, struct redis_pool *pool, unsigned part, struct diag *d)
{
	struct part_source *s = &in->source[part - 1];
	const char *argv[2 + PART_IN_ENTRIES];
	char key[PART_NAME_CAP];
	struct redis_answer a = { 0, NULL };
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
	while (e == ERR_OK && redis_pool_unanswered(pool) > 0) {
		e = redis_pool_poll(pool, CALL_MS, &a);
		if (e != ERR_OK) {
			redis_pool_close(pool);
			return diag_set(d, ERR_AGAIN, "%s: no reply",
					redis_pool_name(pool));
		}
		if (a.reply == NULL) {
			return diag_set(d, ERR_AGAIN, "%s",
					redis_pool_why(pool));
		}
		e = call_ok(pool, a.reply, ERR_OK, d);
	}
	return e;
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
