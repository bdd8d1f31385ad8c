/* SPDX-License-Identifier: Apache-2.0 */
/* The versions that a partner has, and those that it is to get. */
#include "collector/share_step.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/share_state.h"
#include "collector/store_sql.h"

static bool
grow(struct share_step *step)
{
	size_t cap = MAX(2 * step->had_cap, (size_t)64);
	struct share_had *v;

	if (step->n_had < step->had_cap) {
		return true;
	}
	v = realloc(step->had, cap * sizeof(*v));
	if (v == NULL) {
		return false;
	}
	step->had = v;
	step->had_cap = cap;
	return true;
}

static void
put_had(struct sharing *s, enum share_kind kind, const char *id, int64_t local,
	uint64_t version, bool gone)
{
	struct share_step *step = s->step;
	struct share_had *h;

	if (!grow(step)) {
		s->err = ERR_NOMEM;
		return;
	}
	h = &step->had[step->n_had++];
	*h = (struct share_had){
		.kind = kind, .local = local, .version = version, .gone = gone
	};
	stix_id_bytes(id, h->id);
}

bool
share_had(struct sharing *s, const char *id, uint64_t *version)
{
	uint8_t bytes[STIX_UUID_BYTES];
	bool found;

	if (s->step == NULL) {
		return false;
	}
	stix_id_bytes(id, bytes);
	/* What this very bundle says of it is newer than what is kept. */
	for (size_t i = s->step->n_had; i-- > 0;) {
		const struct share_had *h = &s->step->had[i];

		if (memcmp(h->id, bytes, sizeof(bytes)) == 0) {
			*version = h->version;
			return !h->gone;
		}
	}
	if (s->had == NULL) {
		s->had = store_reader_prepare(
			s->store, "SELECT version FROM exchange_had WHERE"
				  " party=?1 AND id=?2");
	}
	if (s->had == NULL ||
	    sql_bind(s->had, "tb", s->r->to->name,
		     view_of(bytes, sizeof(bytes))) != SQLITE_OK) {
		s->err = ERR_IO;
		return false;
	}
	found = sqlite3_step(s->had) == SQLITE_ROW;
	if (found) {
		*version = (uint64_t)sqlite3_column_int64(s->had, 0);
	}
	sqlite3_reset(s->had);
	return found;
}

enum err
share_walked(struct sharing *s)
{
	struct share_step *step = s->step;
	sqlite3_stmt *st = store_reader_prepare(
		s->store,
		"SELECT max(n),count(*),(SELECT max(n) FROM exchange_changes)"
		" FROM (SELECT n FROM exchange_changes WHERE kind=?1 AND n>?2"
		" ORDER BY n LIMIT ?3)");
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "dud", (int)step->kind, step->since,
				   SHARE_STEP_WALK) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		step->more = sql_u64(st, 1) == SHARE_STEP_WALK;
		step->upto = MAX(step->since, sql_u64(st, step->more ? 0 : 2));
	}
	return store_reader_finish(st, rc);
}

uint64_t
share_modified(const struct sharing *s, uint64_t us)
{
	return s->step != NULL ? s->step->now_us : us;
}

struct marking
share_for_partner(const struct sharing *s)
{
	struct marking m = { .tlp = s->r->to->highest };

	if (marking_release_to(&m, view_cstr(s->r->to->owner)) != ERR_OK) {
		m.limited = true;
	}
	return m;
}

struct stix_place
share_begin(struct sharing *s, const struct marking *mark)
{
	stix_define(&s->b->stix, mark);
	return stix_here(&s->b->stix);
}

bool
share_end(struct sharing *s, const struct stix_place *at, enum share_kind kind,
	  const char *id, int64_t local)
{
	struct stix_out *x = &s->b->stix;
	uint64_t version, was = 0;

	if (s->step == NULL) {
		return true;
	}
	version = stix_version(x, at);
	if (share_had(s, id, &was) && was == version) {
		stix_undo(x, at, id);
		return false;
	}
	if (x->j.len > SHARE_STEP_BYTES && x->n > 0) {
		stix_undo(x, at, id);
		s->full = true;
		return false;
	}
	if (x->j.len > SHARE_STEP_MOST) {
		struct marking mark = share_for_partner(s);

		stix_undo(x, at, id);
		share_note(s, kind, HELD_FULL, local, NULL, &mark);
		return false;
	}
	put_had(s, kind, id, local, version, false);
	return true;
}

void
share_gone(struct sharing *s, enum share_kind kind, const char *id,
	   int64_t local)
{
	put_had(s, kind, id, local, 0, true);
}

/* What the partner has of a kind that it is to have no more; sightings and events
 * cannot be taken back. */
static enum err
withdraw(struct sharing *s)
{
	struct share_step *step = s->step;
	sqlite3_stmt *st = store_reader_prepare(
		s->store, "SELECT id,local FROM exchange_had WHERE party=?1 AND"
			  " id>?2 AND kind=?3 ORDER BY id LIMIT ?4");
	bool indicators = step->kind == SHARE_INDICATOR;
	char id[STIX_ID_CAP];
	int rc = SQLITE_ERROR;

	if (st != NULL &&
	    sql_bind(st, "tbdd", s->r->to->name,
		     view_of(step->after, sizeof(step->after)), (int)step->kind,
		     SHARE_STEP_WALK) == SQLITE_OK) {
		rc = SQLITE_ROW;
	}
	while (rc == SQLITE_ROW && s->err == ERR_OK && !s->full &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		s->full = !share_room(s);
		if (s->full || sqlite3_column_bytes(st, 0) != STIX_UUID_BYTES) {
			continue;
		}
		memcpy(step->after, sqlite3_column_blob(st, 0),
		       sizeof(step->after));
		stix_id_text(indicators ? "indicator" : "incident", step->after,
			     id);
		(indicators ? share_take_back_indicator
			    : share_take_back_incident)(
			s, id, sqlite3_column_int64(st, 1));
	}
	return store_reader_finish(st, rc);
}

static enum err
number(struct store_reader *store, const char *sql, uint64_t *out)
{
	sqlite3_stmt *st = store_reader_prepare(store, sql);
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	*out = rc == SQLITE_ROW ? sql_u64(st, 0) : 0;
	return store_reader_finish(st, rc);
}

enum err
share_step_newest(struct store_reader *store, enum share_kind kind,
		  uint64_t *newest, uint64_t *floor)
{
	static const char *const sql[SHARE_KINDS] = {
		[SHARE_INDICATOR] = "SELECT max(change) FROM indicators",
		[SHARE_SIGHTING] = "SELECT max(n) FROM exchange_changes",
		[SHARE_INCIDENT] = "SELECT max(n) FROM exchange_changes",
		[SHARE_CONSULTATION] = "SELECT max(id) FROM consult_events",
	};
	enum err e = number(store, sql[kind], newest);

	if (e == ERR_OK && floor != NULL) {
		e = number(store,
			   "SELECT value FROM counters WHERE"
			   " name='indicators_floor'",
			   floor);
	}
	return e;
}

enum err
share_step_write(struct store_reader *store, const struct share_request *r,
		 struct share_step *step, struct share_bundle *out,
		 struct diag *d)
{
	static enum err (*const walks[SHARE_KINDS])(struct sharing * s) = {
		[SHARE_INDICATOR] = share_set,
		[SHARE_SIGHTING] = share_sightings,
		[SHARE_INCIDENT] = share_incidents,
		[SHARE_CONSULTATION] = share_consults,
	};
	struct share_request all = *r;
	struct sharing s = { .r = &all, .store = store, .b = out };
	enum err e;

	all.since_us = 0;
	all.kinds = 0;
	s.step = step;
	step->upto = step->since;
	step->more = false;
	step->n_had = 0;
	e = share_open(&s, step->name, d);
	if (e == ERR_OK) {
		e = step->withdraws ? withdraw(&s) : walks[step->kind](&s);
	}
	step->more |= s.full;
	return share_close(&s, e);
}

void
share_step_fini(struct share_step *step)
{
	free(step->had);
	step->had = NULL;
	step->n_had = step->had_cap = 0;
}
