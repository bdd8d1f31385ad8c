/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/part_in.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/inflate.h"
#include "collector/part_in_state.h"
#include "common/clock.h"
#include "common/log.h"

static const char *const statements[ST_PART_IN] = {
	[ST_MARK] = "REPLACE INTO part_marks VALUES(?,?,?,?,?,?,?,?,?,?,?)",
	[ST_RECORD] = "INSERT INTO part_records VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_OLDEST] = "SELECT part,n,last FROM part_records WHERE id=?1",
	[ST_GONE] = "DELETE FROM part_records WHERE id=?1",
	[ST_ALL_GONE] = "DELETE FROM part_records WHERE part=?1",
	[ST_KEPT] = "SELECT coalesce(sum(n),0) FROM part_records",
	[ST_TWINS_GONE] = "DELETE FROM twins WHERE alert>=?1 AND alert<=?2",
	[ST_FIND] = ("SELECT id,crc,data FROM part_records"
		     " WHERE part=?1 AND last>=?2 ORDER BY id LIMIT 1"),
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
				    "SELECT part,epoch,seq,lost,records,alerts,"
				    "at_us,seen_us,said_epoch,said_seq,sensors"
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
				.at_us = sql_u64(st, 6),
				.seen_us = sql_u64(st, 7),
				.said_epoch = sql_u64(st, 8),
				.said_seq = sql_u64(st, 9),
				.sensors = sql_u64(st, 10),
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

unsigned
part_in_of(const struct part_in *in)
{
	return in->cfg->of;
}

void
part_in_view(const struct part_in *in, unsigned part, struct part_in_view *out)
{
	const struct part_source *s = &in->source[part - 1];
	const struct part_mark *m = &s->mark;

	*out = (struct part_in_view){
		.silent = s->silent,
		.epoch = m->epoch,
		.seq = m->seq,
		.lost = m->lost,
		.alerts = m->alerts,
		.behind = part_behind(m->epoch, m->seq, m->said_epoch,
				      m->said_seq),
	};
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
walk(struct part_in *in, unsigned part, struct view raw,
     const struct part_in_taker *to, struct held *h)
{
	struct part_sight s;
	struct diag d;
	enum err e = part_unpack_open(in->unpack, raw, &d), taken = ERR_OK;

	*h = (struct held){ .last = 0 };
	while (e == ERR_OK && taken == ERR_OK) {
		e = part_unpack_next(in->unpack, &s, &d);
		if (e == ERR_OK) {
			h->n[s.kind]++;
			h->last = s.kind == PART_ALERT ? MAX(h->last, s.alert)
						       : h->last;
			taken = to->sight(to->arg, part, &s);
		}
	}
	if (taken != ERR_OK) {
		return taken;
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
      uint64_t now_us, const struct part_in_taker *to)
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
		e = walk(in, part, f.raw, to, &held);
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
	    uint64_t now_us, const struct part_in_taker *to)
{
	struct part_record r;
	enum place place;
	enum err e = ERR_OK;

	if (!part_in_entry(item, &r)) {
		in->stats.refused_format++;
		tell_refused(in, part, "its fields");
		return ERR_OK;
	}
	if (!part_in_signed(in, part, &r)) {
		in->stats.refused_signature++;
		tell_refused(in, part, "no key of parts.keys signed it so");
		return ERR_OK;
	}
	place = place_of(in, part, &r);
	if (in->source[part - 1].anew) {
		/* Before the first of the new numbers is joined. */
		in->source[part - 1].anew = false;
		e = part_in_forget(in, part);
		if (e == ERR_OK) {
			e = to->anew(to->arg, part);
		}
	}
	if (e != ERR_OK) {
		return e;
	}
	switch (place) {
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
	return apply(in, part, &r, now_us, to);
}

enum err
part_in_apply(struct part_in *in, uint64_t now_us,
	      const struct part_in_taker *to)
{
	enum err e = ERR_OK;

	in->found_record = 0;
	for (unsigned k = 0; k < in->cfg->of && e == ERR_OK; k++) {
		struct part_source *s = &in->source[k];

		s->moved = s->anew = false;
		for (size_t i = 0;
		     s->reply != NULL && i < s->reply->elements && e == ERR_OK;
		     i++) {
			e = take_record(in, k + 1, s->reply->element[i], now_us,
					to);
		}
		if (e == ERR_OK && s->moved) {
			s->publish = true;
			s->mark.at_us = now_us;
			e = part_in_mark(in, k + 1);
		}
	}
	return e == ERR_OK ? part_in_trim(in) : e;
}
