/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_out_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/store_sql.h"

#define STATE \
	"SELECT p.party,p.epoch,p.seq,p.sent,p.acked,p.policy,p.indicators," \
	"p.sightings,p.incidents,p.consultations,p.swept,p.sweep,p.made_us," \
	"p.acked_us,p.renewed_us,p.objects,p.held,p.down_us,p.error," \
	"(SELECT count(*) FROM exchange_outbox o WHERE o.party=p.party)," \
	"(SELECT coalesce(sum(length(o.data)),0) FROM exchange_outbox o" \
	" WHERE o.party=p.party) FROM exchange_parties p"

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;

	return sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK ? st
								       : NULL;
}

/* Steps a statement whose values are bound. */
static enum err
finish(sqlite3_stmt *st, int rc)
{
	if (st != NULL && rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	return st != NULL && (rc == SQLITE_DONE || rc == SQLITE_ROW) ? ERR_OK
								     : ERR_IO;
}

static void
take_state(sqlite3_stmt *st, struct exchange_state *s)
{
	*s = (struct exchange_state){
		.epoch = sql_u64(st, 1),
		.seq = sql_u64(st, 2),
		.sent = sql_u64(st, 3),
		.acked = sql_u64(st, 4),
		.swept = sql_u64(st, 10),
		.made_us = sql_u64(st, 12),
		.acked_us = sql_u64(st, 13),
		.renewed_us = sql_u64(st, 14),
		.objects = sql_u64(st, 15),
		.held = sql_u64(st, 16),
		.down_us = sql_u64(st, 17),
		.waiting = sql_u64(st, 19),
		.waiting_bytes = sql_u64(st, 20),
	};
	for (int k = 0; k < SHARE_KINDS; k++) {
		s->cursor[k] = sql_u64(st, 6 + k);
	}
	snprintf(s->policy, sizeof(s->policy), "%s", sql_text(st, 5));
	snprintf(s->error, sizeof(s->error), "%s", sql_text(st, 18));
	s->sweeps = sqlite3_column_bytes(st, 11) == STIX_UUID_BYTES;
	if (s->sweeps) {
		memcpy(s->sweep, sqlite3_column_blob(st, 11), STIX_UUID_BYTES);
	}
}

enum err
exchange_state_get(sqlite3 *db, const char *party, struct exchange_state *out)
{
	sqlite3_stmt *st = prepare(db, STATE " WHERE p.party=?");
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "t", party) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		take_state(st, out);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW    ? ERR_OK
	       : rc == SQLITE_DONE ? ERR_NOTFOUND
				   : ERR_IO;
}

enum err
exchange_state_make(sqlite3 *db, const char *party, uint64_t now_us)
{
	sqlite3_stmt *st = prepare(db, "INSERT OR IGNORE INTO"
				       " exchange_parties(party,epoch)"
				       " VALUES(?,?)");

	enum err e =
		finish(st, st != NULL ? sql_bind(st, "tu", party, now_us) : 0);

	/* The triggers number what changes from the first party on. */
	return e == ERR_OK ? sql_exec(db, "INSERT OR IGNORE INTO"
					  " exchange_changes(kind,local)"
					  " SELECT 1,id FROM runs WHERE kind=0;"
					  "INSERT OR IGNORE INTO"
					  " exchange_changes(kind,local)"
					  " SELECT 2,id FROM incidents")
			   : e;
}

enum err
exchange_state_renew(sqlite3 *db, const char *party, uint64_t epoch,
		     uint64_t now_us)
{
	sqlite3_stmt *st = prepare(
		db, "UPDATE exchange_parties SET epoch=?2,seq=0,acked=0,"
		    "sent=0,policy='',indicators=0,sightings=0,incidents=0,"
		    "consultations=0,swept=0,sweep=NULL,renewed_us=?3"
		    " WHERE party=?1");
	enum err e = finish(
		st, st != NULL ? sql_bind(st, "tuu", party, epoch, now_us) : 0);

	if (e == ERR_OK) {
		st = prepare(db, "DELETE FROM exchange_outbox WHERE party=?");
		e = finish(st, st != NULL ? sql_bind(st, "t", party) : 0);
	}
	if (e == ERR_OK) {
		st = prepare(db, "DELETE FROM exchange_had WHERE party=?");
		e = finish(st, st != NULL ? sql_bind(st, "t", party) : 0);
	}
	return e;
}

enum err
exchange_state_note(sqlite3 *db, const char *party,
		    const struct exchange_state *s)
{
	/* Of another epoch, it is no longer about what is there. */
	sqlite3_stmt *st = prepare(
		db, "UPDATE exchange_parties SET sent=max(sent,?3),"
		    "acked=max(acked,?4),acked_us=?5,down_us=?6,error=?7"
		    " WHERE party=?1 AND epoch=?2");
	enum err e =
		finish(st, st != NULL ? sql_bind(st, "tuuuuut", party, s->epoch,
						 s->sent, s->acked, s->acked_us,
						 s->down_us, s->error)
				      : 0);

	if (e == ERR_OK) {
		st = prepare(db,
			     "DELETE FROM exchange_outbox WHERE party=?1 AND"
			     " seq<=?3 AND EXISTS(SELECT 1 FROM"
			     " exchange_parties WHERE party=?1 AND epoch=?2)");
		e = finish(st, st != NULL ? sql_bind(st, "tuu", party, s->epoch,
						     s->acked)
					  : 0);
	}
	return e;
}

enum err
exchange_state_advance(sqlite3 *db, const char *party,
		       const struct exchange_state *s, uint64_t was)
{
	sqlite3_stmt *st = prepare(
		db, "UPDATE exchange_parties SET seq=?4,policy=?5,"
		    "indicators=?6,sightings=?7,incidents=?8,consultations=?9,"
		    "swept=?10,sweep=?11,made_us=?12,objects=?13,held=?14"
		    " WHERE party=?1 AND epoch=?2 AND seq=?3");
	const uint64_t *c = s->cursor;
	int rc = SQLITE_ERROR;
	enum err e;

	if (st != NULL) {
		rc = sql_bind(st, "tuuutuuuuubuuu", party, s->epoch, was,
			      s->seq, s->policy, c[SHARE_INDICATOR],
			      c[SHARE_SIGHTING], c[SHARE_INCIDENT],
			      c[SHARE_CONSULTATION], s->swept,
			      view_of(s->sweep, STIX_UUID_BYTES), s->made_us,
			      s->objects, s->held);
	}
	if (rc == SQLITE_OK && !s->sweeps) {
		rc = sqlite3_bind_null(st, 11);
	}
	e = finish(st, rc);
	return e == ERR_OK && sqlite3_changes(db) != 1 ? ERR_AGAIN : e;
}

enum err
exchange_out_put(sqlite3 *db, const char *party, const struct exchange_made *m)
{
	sqlite3_stmt *st =
		prepare(db, "INSERT INTO exchange_outbox(party,seq,kind,n,len,"
			    "made_us,data) VALUES(?,?,?,?,?,?,?)");

	return finish(st, st != NULL ? sql_bind(st, "tuduuub", party, m->seq,
						(int)m->kind, (uint64_t)m->n,
						m->len, m->made_us, m->data)
				     : 0);
}

enum err
exchange_out_had(sqlite3 *db, const char *party, const struct share_had *had,
		 size_t n)
{
	sqlite3_stmt *put = prepare(
		db, "INSERT OR REPLACE INTO exchange_had VALUES(?,?,?,?,?)");
	sqlite3_stmt *gone =
		prepare(db, "DELETE FROM exchange_had WHERE party=? AND id=?");
	enum err e = put != NULL && gone != NULL ? ERR_OK : ERR_IO;

	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		struct view id = view_of(had[i].id, sizeof(had[i].id));

		e = had[i].gone
			    ? sql_run(gone, "tb", party, id)
			    : sql_run(put, "tbdii", party, id, (int)had[i].kind,
				      had[i].local, (int64_t)had[i].version);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(gone);
	return e;
}

enum err
exchange_out_next(sqlite3 *db, const char *party, uint64_t seq,
		  struct exchange_made *out)
{
	sqlite3_stmt *st = prepare(
		db, "SELECT seq,kind,n,len,made_us,data FROM exchange_outbox"
		    " WHERE party=? AND seq>? ORDER BY seq LIMIT 1");
	enum err e = ERR_IO;
	int rc = SQLITE_ERROR;

	*out = (struct exchange_made){ .seq = 0 };
	if (st != NULL && sql_bind(st, "tu", party, seq) == SQLITE_OK) {
		rc = sqlite3_step(st);
		e = rc == SQLITE_DONE  ? ERR_NOTFOUND
		    : rc == SQLITE_ROW ? ERR_OK
				       : ERR_IO;
	}
	if (rc == SQLITE_ROW) {
		size_t len = (size_t)sqlite3_column_bytes(st, 5);
		uint8_t *copy = malloc(len + 1);

		*out = (struct exchange_made){
			.seq = sql_u64(st, 0),
			.kind = (enum share_kind)sqlite3_column_int(st, 1),
			.n = (uint32_t)sql_u64(st, 2),
			.len = sql_u64(st, 3),
			.made_us = sql_u64(st, 4),
			.data = view_of(copy, len),
		};
		if (copy == NULL) {
			e = ERR_NOMEM;
		} else if (len > 0) {
			memcpy(copy, sqlite3_column_blob(st, 5), len);
		}
	}
	sqlite3_finalize(st);
	return e;
}

void
exchange_made_fini(struct exchange_made *m)
{
	free((void *)(uintptr_t)m->data.p);
	m->data = VIEW_NONE;
}

enum err
exchange_out_list(struct store_reader *r,
		  void (*fn)(void *arg, const char *party,
			     const struct exchange_state *s),
		  void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(r, STATE " ORDER BY p.party");
	struct exchange_state s;
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		take_state(st, &s);
		fn(arg, sql_text(st, 0), &s);
	}
	return store_reader_finish(st, rc);
}
