/* SPDX-License-Identifier: Apache-2.0 */
/* States of the correlators over contacts: to the store, and back. */
#include "collector/finding_state_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/store_sql.h"
#include "common/clock.h"

#define DAY_US (UINT64_C(86400) * US_PER_S)

/* What the writer of a state and its reader have to agree on. */
#define BODY_VERSION 1

struct finding_states *
finding_states_new(sqlite3 *db)
{
	struct finding_states *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->db = db;
	s->marks = mark_set_new();
	finding_states_bound(s, finding_state_bounds);
	if (s->marks == NULL ||
	    sqlite3_prepare_v3(
		    db,
		    "INSERT OR REPLACE INTO contact_states(id,kind,place,"
		    "shared,a,b,port,proto,touched_us,settled,mark,version,"
		    "body) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
		    -1, SQLITE_PREPARE_PERSISTENT, &s->put,
		    NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, "DELETE FROM contact_states WHERE id=?", -1,
			       SQLITE_PREPARE_PERSISTENT, &s->gone,
			       NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(
		    db,
		    "INSERT OR REPLACE INTO contact_places(id,exercise,site,"
		    "owner,since_us,last_us) VALUES(?,?,?,?,?,?)",
		    -1, SQLITE_PREPARE_PERSISTENT, &s->put_place,
		    NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, "DELETE FROM contact_places WHERE id=?", -1,
			       SQLITE_PREPARE_PERSISTENT, &s->gone_place,
			       NULL) != SQLITE_OK) {
		finding_states_free(s);
		return NULL;
	}
	return s;
}

void
finding_states_free(struct finding_states *s)
{
	if (s == NULL) {
		return;
	}
	finding_states_empty(s);
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->gone);
	sqlite3_finalize(s->put_place);
	sqlite3_finalize(s->gone_place);
	mark_set_free(s->marks);
	free(s->dropped);
	free(s->dropped_places);
	free(s);
}

/* ----------------------------------------------------------------- reading */

static enum err
read_place(struct finding_states *s, sqlite3_stmt *st)
{
	uint32_t id = (uint32_t)sqlite3_column_int64(st, 0);
	struct state_place *p = finding_states_add_place(s, id);

	if (p == NULL) {
		return ERR_NOMEM;
	}
	snprintf(p->lane, sizeof(p->lane), "%s", sql_text(st, 1));
	snprintf(p->site, sizeof(p->site), "%s", sql_text(st, 2));
	snprintf(p->owner, sizeof(p->owner), "%s", sql_text(st, 3));
	p->since_us = sql_u64(st, 4);
	p->last_us = sql_u64(st, 5);
	s->next_place = MAX(s->next_place, id + 1);
	return ERR_OK;
}

/* A state that an other version wrote begins anew: it is of days, and its
 * loss is not that of an alert. */
static enum err
read_state(struct finding_states *s, sqlite3_stmt *st)
{
	struct state_key key = {
		.kind = (enum state_kind)sqlite3_column_int(st, 1),
		.shared = sqlite3_column_int(st, 3) != 0,
		.a = sql_addr(st, 4),
		.b = sql_addr(st, 5),
		.port = (uint16_t)sqlite3_column_int(st, 6),
		.proto = (uint8_t)sqlite3_column_int(st, 7),
	};
	const struct state_place *place = finding_states_place_of(
		s, (uint32_t)sqlite3_column_int64(st, 2));
	struct marking mark;
	struct state *made;

	s->next_id = MAX(s->next_id, sqlite3_column_int64(st, 0) + 1);
	if ((unsigned)key.kind >= STATE_KINDS || place == NULL ||
	    sqlite3_column_int(st, 11) != BODY_VERSION ||
	    (size_t)sqlite3_column_bytes(st, 12) !=
		    finding_body_size(key.kind)) {
		return ERR_OK;
	}
	made = finding_states_insert(s, (struct state_place *)place, &key);
	if (made == NULL) {
		return ERR_NOMEM;
	}
	made->id = sqlite3_column_int64(st, 0);
	made->touched_us = sql_u64(st, 8);
	mark_read_kept(&mark, view_cstr(sql_text(st, 10)));
	made->mark = mark_set_keep(s->marks, &mark);
	memcpy(&made->body, sqlite3_column_blob(st, 12),
	       finding_body_size(key.kind));
	if (sqlite3_column_int(st, 9) != 0) {
		finding_states_settle(made);
	}
	return ERR_OK;
}

bool
finding_service_callers(int kind, int version, struct view body,
			uint64_t since_us, struct hll *out)
{
	struct state_service s;

	if (kind != STATE_SERVICE || version != BODY_VERSION ||
	    body.len != sizeof(s)) {
		return false;
	}
	memcpy(&s, body.p, sizeof(s));
	*out = (struct hll){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(s.clients); i++) {
		const struct piece *p = &s.clients[i];

		if (p->flows > 0 && p->start_us + DAY_US > since_us) {
			hll_merge(out, &p->a);
		}
	}
	return true;
}

static enum err
read_all(struct finding_states *s, const char *sql,
	 enum err (*row)(struct finding_states *s, sqlite3_stmt *st))
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK) {
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			e = row(s, st);
		}
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
finding_states_reload(struct finding_states *s)
{
	enum err e;

	finding_states_empty(s);
	s->next_id = s->next_place = 1;
	e = read_all(s,
		     "SELECT id,exercise,site,owner,since_us,last_us FROM"
		     " contact_places ORDER BY last_us",
		     read_place);
	return e == ERR_OK
		       ? read_all(s,
				  "SELECT id,kind,place,shared,a,b,port,proto,"
				  "touched_us,settled,mark,version,body FROM"
				  " contact_states ORDER BY touched_us,id",
				  read_state)
		       : e;
}

/* ----------------------------------------------------------------- writing */

static enum err
keep_places(struct finding_states *s)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < s->n_dropped_places && e == ERR_OK; i++) {
		e = sql_run(s->gone_place, "u", (uint64_t)s->dropped_places[i]);
	}
	s->n_dropped_places = 0;
	for (struct state_place *p = s->places; p != NULL && e == ERR_OK;
	     p = p->next) {
		if (p->dirty) {
			p->dirty = false;
			e = sql_run(s->put_place, "utttuu", (uint64_t)p->id,
				    p->lane, p->site, p->owner, p->since_us,
				    p->last_us);
		}
	}
	return e;
}

enum err
finding_states_keep(struct finding_states *s)
{
	char mark[MARKING_TEXT_CAP];
	enum err e = s->failed ? ERR_NOMEM : ERR_OK;

	for (size_t i = 0; i < s->n_dropped && e == ERR_OK; i++) {
		e = sql_run(s->gone, "i", s->dropped[i]);
	}
	s->n_dropped = 0;
	if (e == ERR_OK) {
		e = keep_places(s);
	}
	while (s->dirty != NULL && e == ERR_OK) {
		struct state *st = s->dirty;
		const struct state_key *k = &st->key;

		s->dirty = st->next_dirty;
		if (s->dirty != NULL) {
			s->dirty->dirty_at = &s->dirty;
		}
		st->dirty = false;
		e = sql_run(s->put, "idudaaddudtdb", st->id, (int)k->kind,
			    (uint64_t)st->place->id, (int)k->shared, &k->a,
			    &k->b, (int)k->port, (int)k->proto, st->touched_us,
			    (int)st->old, marking_text(st->mark, mark),
			    BODY_VERSION,
			    view_of(&st->body, finding_body_size(k->kind)));
	}
	return e;
}
