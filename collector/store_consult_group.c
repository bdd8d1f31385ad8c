/* SPDX-License-Identifier: Apache-2.0 */
/* Consultations that are one, and the row of each. */
#include "collector/store_consult.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/store_sql.h"

struct group {
	struct consult_id *ids;
	size_t n, cap;
};

static bool
same_id(const struct consult_id *a, const struct consult_id *b)
{
	return a->number == b->number && strcmp(a->side, b->side) == 0;
}

static enum err
group_add(struct group *g, const struct consult_id *id)
{
	for (size_t i = 0; i < g->n; i++) {
		if (same_id(&g->ids[i], id)) {
			return ERR_OK;
		}
	}
	if (g->n == g->cap) {
		size_t cap = MAX(g->cap * 2, (size_t)8);
		struct consult_id *p = realloc(g->ids, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		g->ids = p;
		g->cap = cap;
	}
	g->ids[g->n++] = *id;
	return ERR_OK;
}

static void
copy_column(sqlite3_stmt *st, int col, char *out, size_t cap)
{
	size_t n = strlen(sql_text(st, col));

	n = MIN(n, cap - 1);
	memcpy(out, sql_text(st, col), n);
	memset(out + n, 0, cap - n);
}

static void
read_sides(struct consult_event *e, const char *s)
{
	while (*s != '\0' && e->n_sides < CONSULT_SIDES) {
		size_t n = strcspn(s, "\n");
		size_t len = MIN(n, sizeof(e->sides[0]) - 1);

		memcpy(e->sides[e->n_sides++], s, len);
		s += n + (s[n] != '\0');
	}
}

void
store_consult_row(sqlite3_stmt *st, struct consult_event *e)
{
	memset(e, 0, sizeof(*e));
	copy_column(st, 0, e->side, sizeof(e->side));
	e->number = sql_u64(st, 1);
	copy_column(st, 2, e->id.side, sizeof(e->id.side));
	e->id.number = sql_u64(st, 3);
	e->kind = (enum consult_kind)sqlite3_column_int(st, 4);
	e->clock = sql_u64(st, 5);
	e->at_us = sql_u64(st, 6);
	copy_column(st, 7, e->who, sizeof(e->who));
	copy_column(st, 8, e->about, sizeof(e->about));
	copy_column(st, 9, e->other.side, sizeof(e->other.side));
	e->other.number = sql_u64(st, 10);
	e->level = (unsigned)sqlite3_column_int(st, 11);
	e->step = (unsigned)sqlite3_column_int(st, 12);
	e->deadline_us = sql_u64(st, 13);
	e->incident = sqlite3_column_int64(st, 14);
	copy_column(st, 15, e->exercise, sizeof(e->exercise));
	read_sides(e, sql_text(st, 16));
	copy_column(st, 17, e->text, sizeof(e->text));
}

/* The event that opened it; ERR_NOTFOUND. */
static enum err
opening(sqlite3 *db, const struct consult_id *id, struct consult_event *e)
{
	sqlite3_stmt *st = NULL;
	enum err err = ERR_IO;
	int rc;

	if (sqlite3_prepare_v2(db,
			       "SELECT " CONSULT_EVENT_COLUMNS
			       " FROM consult_events e WHERE e.side=? AND"
			       " e.number=? AND e.kind=1",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "tu", id->side, id->number) == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			store_consult_row(st, e);
		}
		err = rc == SQLITE_ROW    ? ERR_OK
		      : rc == SQLITE_DONE ? ERR_NOTFOUND
					  : ERR_IO;
	}
	sqlite3_finalize(st);
	return err;
}

/* Whether a side that each was opened with says that the two are one. */
static enum err
are_one(sqlite3 *db, const struct consult_event *a,
	const struct consult_id *other, bool *is)
{
	bool agreed[2] = { false, false };
	struct consult_event b;
	sqlite3_stmt *st = NULL;
	enum err e = opening(db, other, &b);
	int rc = SQLITE_ERROR;

	*is = false;
	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	if (sqlite3_prepare_v2(db,
			       "SELECT side FROM consult_events WHERE kind=9"
			       " AND ((other_side=?1 AND other_number=?2 AND"
			       " consult_side=?3 AND consult_number=?4) OR"
			       " (other_side=?3 AND other_number=?4 AND"
			       " consult_side=?1 AND consult_number=?2))",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "tutu", other->side, other->number, a->id.side,
		     a->id.number) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			agreed[0] |= consult_event_names(a, sql_text(st, 0));
			agreed[1] |= consult_event_names(&b, sql_text(st, 0));
		}
	}
	sqlite3_finalize(st);
	*is = agreed[0] && agreed[1];
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Those that one of the group is one with, too. */
static enum err
grow_from(sqlite3 *db, struct group *g, size_t i)
{
	struct consult_event a;
	struct consult_id from = g->ids[i];
	sqlite3_stmt *st = NULL;
	enum err e = opening(db, &from, &a);
	int rc = SQLITE_ERROR;

	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT other_side,other_number FROM consult_events WHERE"
		    " consult_side=?1 AND consult_number=?2 AND kind=9 UNION"
		    " SELECT consult_side,consult_number FROM consult_events"
		    " WHERE other_side=?1 AND other_number=?2 AND"
		    " other_number>0",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "tu", from.side, from.number) == SQLITE_OK) {
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct consult_id other;
			bool is;

			copy_column(st, 0, other.side, sizeof(other.side));
			other.number = sql_u64(st, 1);
			e = are_one(db, &a, &other, &is);
			if (e == ERR_OK && is) {
				e = group_add(g, &other);
			}
		}
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
find_group(sqlite3 *db, const struct consult_id *id, struct group *g)
{
	enum err e = group_add(g, id);

	for (size_t i = 0; i < g->n && e == ERR_OK; i++) {
		e = grow_from(db, g, i);
	}
	return e;
}

enum err
store_consult_crowd(sqlite3 *db, const struct consult_id *id, bool *is)
{
	struct group g = { NULL, 0, 0 };
	enum err e = group_add(&g, id);

	for (size_t i = 0; i < g.n && g.n <= CONSULT_GROUP_MAX && e == ERR_OK;
	     i++) {
		e = grow_from(db, &g, i);
	}
	*is = g.n > CONSULT_GROUP_MAX;
	free(g.ids);
	return e;
}

static enum err
group_events(sqlite3 *db, const struct group *g, struct consult_event **out,
	     size_t *n)
{
	struct consult_event *list = NULL;
	sqlite3_stmt *st = NULL;
	size_t cap = 0;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT " CONSULT_EVENT_COLUMNS
				    " FROM consult_events e WHERE"
				    " consult_side=? AND consult_number=?",
				    -1, &st, NULL);

	*n = 0;
	for (size_t i = 0; i < g->n && rc == SQLITE_OK; i++) {
		rc = sql_bind(st, "tu", g->ids[i].side, g->ids[i].number);
		while (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
			if (*n == cap) {
				size_t more = MAX(cap * 2, (size_t)16);
				void *p = realloc(list, more * sizeof(*list));

				if (p == NULL) {
					rc = SQLITE_NOMEM;
					break;
				}
				list = p;
				cap = more;
			}
			store_consult_row(st, &list[(*n)++]);
		}
		/* The reset tells how the last step went. */
		if (rc == SQLITE_OK) {
			rc = sqlite3_reset(st);
		}
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_OK) {
		free(list);
		return rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_IO;
	}
	*out = list;
	return ERR_OK;
}

enum err
store_consult_events(sqlite3 *db, const struct consult_id *id,
		     struct consult_event **out, size_t *n)
{
	struct group g = { NULL, 0, 0 };
	enum err e = find_group(db, id, &g);

	*out = NULL;
	*n = 0;
	if (e == ERR_OK) {
		e = group_events(db, &g, out, n);
	}
	free(g.ids);
	return e;
}

/* The number that its opener last gave the incident. */
static int64_t
incident_of(const struct consult_event *e, size_t n,
	    const struct consult_id *id)
{
	int64_t incident = 0;

	for (size_t i = 0; i < n; i++) {
		if (e[i].incident != 0 && same_id(&e[i].id, id) &&
		    strcmp(e[i].side, id->side) == 0) {
			incident = e[i].incident;
		}
	}
	return incident;
}

static enum err
write_row(sqlite3 *db, const struct consult_id *id, const struct consult *c,
	  int64_t incident, struct json *j)
{
	bool root = same_id(id, &c->id);
	sqlite3_stmt *st = NULL;
	unsigned step = 0;
	enum err e = ERR_IO;

	json_reset(j);
	json_obj(j, NULL);
	if (root) {
		consult_json(j, c);
	}
	json_obj_end(j);
	for (unsigned i = 0; i < c->n_sides; i++) {
		step = MAX(step, c->sides[i].acked ? 0 : c->sides[i].step);
	}
	if (!j->failed &&
	    sqlite3_prepare_v2(db,
			       "INSERT OR REPLACE INTO consults SELECT"
			       " ?1,?2,?3,?4,?5,e.local,?6,?7,?8,?9,?10,?11,"
			       "?12,?13,?14,?15,?16 FROM consult_events e"
			       " WHERE e.side=?1 AND e.number=?2",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "tututitdtdduuuuv", id->side, id->number,
			    c->id.side, c->id.number,
			    !root       ? "merged"
			    : c->closed ? "closed"
					: "open",
			    incident, c->exercise, (int)c->level, c->lead,
			    (int)consult_waiting(c), (int)step, c->opened_us,
			    c->changed_us, c->closed_us,
			    root ? c->deadline_us : (uint64_t)0, json_view(j));
	}
	sqlite3_finalize(st);
	return j->failed ? ERR_NOMEM : e;
}

enum err
store_consult_refresh(sqlite3 *db, const struct consult_id *id)
{
	struct group g = { NULL, 0, 0 };
	struct consult_event *events = NULL;
	struct consult c;
	struct json j;
	size_t n = 0;
	enum err e = find_group(db, id, &g);

	json_init(&j);
	if (e == ERR_OK) {
		e = group_events(db, &g, &events, &n);
	}
	if (e == ERR_OK && consult_fold(events, n, &c)) {
		for (size_t i = 0; i < g.n && e == ERR_OK; i++) {
			e = write_row(db, &g.ids[i], &c,
				      incident_of(events, n, &g.ids[i]), &j);
		}
	}
	json_fini(&j);
	free(events);
	free(g.ids);
	return e;
}

/* Which one it is part of by its row; itself without one. */
static enum err
root_of(sqlite3 *db, const struct consult_id *id, struct consult_id *root)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT root_side,root_number FROM consults"
				    " WHERE side=?1 AND number=?2",
				    -1, &st, NULL);

	*root = *id;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "tu", id->side, id->number);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		copy_column(st, 0, root->side, sizeof(root->side));
		root->number = sql_u64(st, 1);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_consult_refresh_all(sqlite3 *db, const struct consult_id *ids, size_t n)
{
	struct group done = { NULL, 0, 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		size_t before = done.n;
		struct consult_id root;

		e = root_of(db, &ids[i], &root);
		if (e == ERR_OK) {
			e = group_add(&done, &root);
		}
		if (e == ERR_OK && done.n > before) {
			e = store_consult_refresh(db, &ids[i]);
		}
	}
	free(done.ids);
	return e;
}
