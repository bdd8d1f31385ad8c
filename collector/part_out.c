/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to the head, in the store: written along with its alerts. */
#include "collector/part_out.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/part_out_state.h"
#include "common/clock.h"
#include "common/log.h"

static const char *const statements[ST_PART_OUT] = {
	[ST_PUT] = "INSERT INTO part_outbox VALUES(?1,?2,?3,?4,?5)",
	[ST_GET] = "SELECT seq,n,raw,crc,data FROM part_outbox WHERE seq>?1"
		   " ORDER BY seq LIMIT ?2",
	[ST_FREE] = "DELETE FROM part_outbox WHERE seq<=?1"
		    " RETURNING length(data)",
	[ST_SELF] = "UPDATE part_self SET seq=?1,point=?2",
};

void
part_out_free(struct part_out *o)
{
	if (o == NULL) {
		return;
	}
	for (unsigned i = 0; i < ST_PART_OUT; i++) {
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
	for (unsigned i = 0; i < ST_PART_OUT && e == ERR_OK; i++) {
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
		o->start = o->begun ? o->start : o->seq;
		o->begun = true;
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

/* What the head has, goes. */
static enum err
free_records(struct part_out *o)
{
	sqlite3_stmt *st = o->st[ST_FREE];
	int rc = sql_bind(st, "u", o->point);

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		o->bytes -= MIN(sql_u64(st, 0), o->bytes);
		rc = SQLITE_OK;
	}
	sqlite3_reset(st);
	o->changed = true;
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
part_out_keep(struct part_out *o)
{
	enum err e = close_record(o);

	if (e == ERR_OK && o->freed < o->point) {
		e = free_records(o);
	}
	return e == ERR_OK && o->changed
		       ? sql_run(o->st[ST_SELF], "uu", o->seq, o->point)
		       : e;
}

void
part_out_committed(struct part_out *o)
{
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
	return !o->asked || o->behind ||
	       o->committed_bytes >= o->cfg->max_waiting;
}

bool
part_out_waiting(const struct part_out *o)
{
	return o->point < o->committed_seq;
}

void
part_out_stats(const struct part_out *o, struct part_out_stats *out)
{
	*out = o->committed;
	out->waiting = o->committed_seq - o->point;
	out->waiting_bytes = o->committed_bytes;
	out->full = o->committed_bytes >= o->cfg->max_waiting;
}

static enum err
run_with(struct part_out *o, const char *sql, uint64_t v)
{
	sqlite3_stmt *st = NULL;
	enum err e = sqlite3_prepare_v2(store_db(o->store), sql, -1, &st,
					NULL) == SQLITE_OK
			     ? sql_run(st, "u", v)
			     : ERR_IO;

	sqlite3_finalize(st);
	return e;
}

static enum err
renumber(struct part_out *o, uint64_t epoch)
{
	enum err e =
		run_with(o, "DELETE FROM part_outbox WHERE seq<=?1", o->start);

	/* In two steps: none meets another on its way. */
	if (e == ERR_OK) {
		e = run_with(o, "UPDATE part_outbox SET seq=?1-seq", o->start);
	}
	if (e == ERR_OK) {
		e = sql_exec(store_db(o->store),
			     "UPDATE part_outbox SET seq=-seq");
	}
	if (e == ERR_OK) {
		e = run_with(o, "UPDATE part_self SET seq=seq-?1,point=0",
			     o->start);
	}
	return e == ERR_OK ? run_with(o, "UPDATE part_self SET epoch=?1", epoch)
			   : e;
}

enum err
part_out_begin_anew(struct part_out *o)
{
	uint64_t epoch = MAX(clock_wall_us() / 1000, o->head_epoch + 1);
	enum err e = store_begin(o->store);

	if (e == ERR_OK) {
		e = renumber(o, epoch);
	}
	if (e == ERR_OK) {
		e = store_commit(o->store);
	}
	if (e != ERR_OK) {
		store_rollback(o->store);
		return part_out_reload(o);
	}
	log_warn("parts: the head has more than this store knows of: it counts "
		 "anew, from %" PRIu64 " on",
		 epoch);
	o->behind = false;
	o->start = o->point = o->sent = o->sent_bytes = 0;
	o->connects = 0;
	return part_out_reload(o);
}
