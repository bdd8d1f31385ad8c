/* SPDX-License-Identifier: Apache-2.0 */
/* What our side says in consultations that the partner is a side of. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/mark_set.h"
#include "collector/share_state.h"
#include "collector/store_consult.h"
#include "collector/store_sql.h"

/*
 * An event has no marking of its own: it is amber for the sides it was said to,
 * so that a partner hears only what it was asked into.
 */
static struct marking
mark_of(const struct consult *c)
{
	struct marking m = { .tlp = TLP_AMBER, .limited = true };

	for (unsigned i = 0; i < c->n_sides; i++) {
		if (marking_release_to(&m, view_cstr(c->sides[i].owner)) !=
		    ERR_OK) {
			break; /* stricter, never wider */
		}
	}
	return m;
}

/* Who of us spoke is ours to know; what was said is read as all texts are. */
static void
redact_event(struct sharing *s, struct consult_event *e,
	     const struct marking *mark)
{
	if (strcmp(e->who, CONSULT_AUTOMATION) != 0) {
		snprintf(e->who, sizeof(e->who), "%s", e->side);
	}
	redact_text(s->redact, SHARE_CONSULTATION, mark, view_cstr(e->text),
		    &s->text);
	s->b->stix.failed |= s->text.failed;
	snprintf(e->text, sizeof(e->text), "%.*s",
		 (int)MIN(s->text.len, sizeof(e->text) - 1),
		 s->text.len > 0 ? s->text.p : "");
}

static void
put_event(struct sharing *s, struct consult_event *e, int64_t local,
	  const struct marking *mark)
{
	struct stix_out *x = &s->b->stix;
	char id[STIX_ID_CAP], name[SEVERITY_NAME_CAP + 64];
	struct stix_place at;

	redact_event(s, e, mark);
	snprintf(name, sizeof(name), "consultation|%s|%" PRIu64, e->side,
		 e->number);
	stix_id(x, false, STIX_CONSULTATION, name, id);
	at = share_begin(s, mark);
	stix_object(x, STIX_CONSULTATION, id, e->at_us,
		    share_modified(s, e->at_us), mark);
	stix_exercise(x, e->exercise);
	json_obj(&x->j, "event");
	consult_event_json(&x->j, e);
	json_obj_end(&x->j);
	stix_object_end(x);
	if (share_end(s, &at, SHARE_CONSULTATION, id, local)) {
		share_note(s, SHARE_CONSULTATION, RELEASE_GOES, local, id,
			   mark);
	}
}

/* Which consultation that of 'id' is part of by now. */
static enum err
root_of(struct sharing *s, const struct consult_id *id, struct consult_id *root)
{
	sqlite3_stmt *st = store_reader_prepare(
		s->store, "SELECT root_side,root_number FROM consults WHERE"
			  " side=?1 AND number=?2");
	int rc = SQLITE_ERROR;

	*root = *id;
	if (st != NULL &&
	    sql_bind(st, "tu", id->side, id->number) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		snprintf(root->side, sizeof(root->side), "%s", sql_text(st, 0));
		root->number = sql_u64(st, 1);
	}
	return store_reader_finish(st, rc);
}

/*
 * The marking of what is said in the consultation of 'id'; '*side' whether the
 * partner is a side of it.  It is worked out once for each, in 's->consults': many
 * events may belong to one.
 */
static enum err
look_up(struct sharing *s, const struct consult_id *id, struct consult *c,
	struct marking *mark, bool *side)
{
	char name[CONSULT_ID_CAP], text[MARKING_TEXT_CAP];
	struct consult_id root;
	const char *known;
	enum err e = root_of(s, id, &root);

	*side = false;
	if (e != ERR_OK) {
		return e;
	}
	if (s->consults == NULL && (s->consults = json_object()) == NULL) {
		return ERR_NOMEM;
	}
	consult_id_text(&root, name);
	known = json_string_value(json_object_get(s->consults, name));
	if (known == NULL) {
		e = store_consult_get(s->store->db, &root, c);
		if (e != ERR_OK && e != ERR_NOTFOUND) {
			return e;
		}
		if (e == ERR_OK && consult_side(c, s->r->to->owner) != NULL) {
			*mark = mark_of(c);
			known = marking_text(mark, text);
		} else {
			known = "";
		}
		if (json_object_set_new_nocheck(s->consults, name,
						json_string_nocheck(known)) !=
		    0) {
			return ERR_NOMEM;
		}
	}
	*side = known[0] != '\0';
	if (*side) {
		mark_read_kept(mark, view_cstr(known));
	}
	return ERR_OK;
}

static enum err
share_event(struct sharing *s, sqlite3_stmt *st, struct consult *c)
{
	int64_t local = sqlite3_column_int64(st, 18);
	enum release_verdict v;
	struct consult_event e;
	struct marking mark;
	bool side;
	enum err err;

	store_consult_row(st, &e);
	err = look_up(s, &e.id, c, &mark, &side);
	if (err != ERR_OK || !side) {
		return err;
	}
	v = release_judge(s->r->to, SHARE_CONSULTATION, e.exercise, &mark);
	v = v == RELEASE_GOES && !share_room(s) ? HELD_FULL : v;
	if (v == RELEASE_GOES) {
		put_event(s, &e, local, &mark);
	} else {
		share_note(s, SHARE_CONSULTATION, v, local, NULL, &mark);
	}
	return ERR_OK;
}

/*
 * What we said before the partner had a seat, when 'event' gave it one: those
 * were passed over, and without the opening nothing is known of the rest.  What
 * it has does not go again.
 */
static enum err
share_earlier(struct sharing *s, const struct consult_event *event, int64_t id,
	      struct consult *c)
{
	struct consult_id root;
	sqlite3_stmt *st;
	enum err e;
	int rc = SQLITE_ERROR;

	if (event->kind != CONSULT_MERGE &&
	    (event->kind == CONSULT_OPEN ||
	     !consult_event_names(event, s->r->to->owner))) {
		return ERR_OK;
	}
	e = root_of(s, &event->id, &root);
	if (e != ERR_OK) {
		return e;
	}
	st = store_reader_prepare(
		s->store,
		"SELECT " CONSULT_EVENT_COLUMNS ",e.id FROM consults k"
		" JOIN consult_events e ON e.consult_side=k.side AND"
		" e.consult_number=k.number AND e.side=?3 WHERE"
		" k.root_side=?1 AND k.root_number=?2 AND e.local=1 AND"
		" e.id<?4 ORDER BY e.id");
	if (st != NULL && sql_bind(st, "tuti", root.side, root.number,
				   s->r->policy->producer, id) == SQLITE_OK) {
		while (e == ERR_OK && s->err == ERR_OK && !s->full &&
		       (rc = sqlite3_step(st)) == SQLITE_ROW) {
			s->full = !share_room(s);
			e = s->full ? ERR_OK : share_event(s, st, c);
		}
	}
	if (e != ERR_OK || s->full) {
		sqlite3_finalize(st);
		return e;
	}
	return store_reader_finish(st, rc);
}

/* One of the walk, and what it gives reason to tell. */
static enum err
share_next(struct sharing *s, sqlite3_stmt *st, struct consult *c)
{
	struct consult_event event;
	enum err e = ERR_OK;

	if (s->step != NULL) {
		store_consult_row(st, &event);
		e = share_earlier(s, &event, sqlite3_column_int64(st, 18), c);
	}
	return e == ERR_OK && !s->full ? share_event(s, st, c) : e;
}

enum err
share_consults(struct sharing *s)
{
	struct share_step *step = s->step;
	struct consult *c;
	sqlite3_stmt *st;
	unsigned n = 0;
	enum err e = ERR_OK;
	int rc = SQLITE_ERROR;

	/* Who is to hear nothing of any has nothing held back. */
	if (!share_wants(s, SHARE_CONSULTATION) ||
	    (s->r->to->kinds >> SHARE_CONSULTATION & 1) == 0) {
		return ERR_OK;
	}
	c = malloc(sizeof(*c));
	st = store_reader_prepare(
		s->store, "SELECT " CONSULT_EVENT_COLUMNS
			  ",e.id FROM consult_events e WHERE e.id>?1 AND"
			  " e.at_us>=?2 AND e.local=1 AND e.side=?3"
			  " ORDER BY e.id LIMIT ?4");
	if (c == NULL || st == NULL ||
	    sql_bind(st, "uuti", step != NULL ? step->since : 0, s->r->since_us,
		     s->r->policy->producer,
		     step != NULL ? (int64_t)SHARE_STEP_WALK : INT64_MAX) !=
		    SQLITE_OK) {
		sqlite3_finalize(st);
		free(c);
		return c == NULL ? ERR_NOMEM : ERR_IO;
	}
	while (e == ERR_OK && s->err == ERR_OK && !s->full &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (step != NULL && !share_room(s)) {
			s->full = true;
			break;
		}
		e = share_next(s, st, c);
		if (step != NULL && !s->full) {
			step->upto = sql_u64(st, 18);
			n++;
		}
	}
	if (step != NULL && e == ERR_OK && rc == SQLITE_DONE) {
		step->more = n == SHARE_STEP_WALK;
		if (!step->more) {
			e = share_step_newest(s->store, SHARE_CONSULTATION,
					      &step->upto, NULL);
		}
	}
	free(c);
	return e != ERR_OK
		       ? (sqlite3_finalize(st), e)
		       : store_reader_finish(st, s->full ? SQLITE_DONE : rc);
}
