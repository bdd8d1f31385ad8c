/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_consult_speak.h"

#include <stdio.h>

#include "collector/store_sql.h"
#include "common/clock.h"

static enum err
too_long(const char *what, const char *s, size_t cap, struct diag *d)
{
	return s == NULL || strlen(s) < cap
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE, "%s: longer than %zu bytes",
				  what, cap - 1);
}

/* "JP, US" */
static const char *
names(const struct consult *c, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < c->n_sides && n < cap; i++) {
		n += (size_t)snprintf(out + n, cap - n, "%s%s",
				      i > 0 ? ", " : "", c->sides[i].owner);
	}
	return out;
}

/*
 * Whether a side has a collector of its own that says here what it says.  Its
 * events have numbers of that collector: what was said for it here would take
 * one of them, be told to nobody, and keep out what it says itself.
 */
static enum err
not_elsewhere(sqlite3 *db, const char *as, const struct consult_id *id,
	      struct diag *d)
{
	char text[CONSULT_ID_CAP];
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT 1 FROM consult_events WHERE side=?1 AND local=0"
		" LIMIT 1",
		-1, &st, NULL);

	if (rc == SQLITE_OK && sql_bind(st, "t", as) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	sqlite3_finalize(st);
	if (rc == SQLITE_ROW) {
		return diag_set(d, ERR_USAGE,
				"%s has a collector of its own: only there can "
				"it be spoken for in %s, and it comes here by "
				"itself; nothing was said",
				as, consult_id_text(id, text));
	}
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Whether it makes a difference from where the consultation stands. */
static enum err
may_say(const struct consult *c, const struct consult_order *o, const char *as,
	struct diag *d)
{
	const struct consult_side *s = consult_side(c, as);
	char id[CONSULT_ID_CAP], list[256];

	consult_id_text(&c->id, id);
	if (s == NULL) {
		return diag_set(d, ERR_USAGE,
				"%s has no seat in consultation %s: its sides "
				"are %s",
				as, id, names(c, list, sizeof(list)));
	}
	if (o->kind == CONSULT_ACK) {
		return s->acked ? diag_set(d, ERR_USAGE,
					   "%s acknowledged %s already, by %s",
					   as, id, s->who)
				: ERR_OK;
	}
	if (c->closed) {
		return diag_set(d, ERR_USAGE, "consultation %s is closed", id);
	}
	if (strcmp(c->lead, as) != 0) {
		return diag_set(d, ERR_USAGE,
				"%s leads consultation %s: only it hands over "
				"or closes",
				c->lead, id);
	}
	if (o->kind == CONSULT_HANDOVER && consult_side(c, o->to) == NULL) {
		return diag_set(d, ERR_USAGE,
				"%s has no seat in consultation %s: its sides "
				"are %s",
				o->to, id, names(c, list, sizeof(list)));
	}
	if (o->kind == CONSULT_HANDOVER && strcmp(o->to, c->lead) == 0) {
		return diag_set(d, ERR_USAGE, "%s leads %s already", o->to, id);
	}
	return ERR_OK;
}

static enum err
say(sqlite3 *db, const struct consult_order *o, struct consult *now,
    struct diag *d)
{
	struct consult_event e;
	const char *as;
	enum err err = store_consult_get(db, &o->id, now);
	char id[CONSULT_ID_CAP];

	if (err == ERR_NOTFOUND) {
		return diag_set(d, err, "there is no consultation %s",
				consult_id_text(&o->id, id));
	}
	if (err != ERR_OK) {
		return err;
	}
	as = o->as != NULL ? o->as : now->lead;
	err = may_say(now, o, as, d);
	if (err == ERR_OK) {
		err = not_elsewhere(db, as, &now->id, d);
	}
	if (err != ERR_OK) {
		return err;
	}
	memset(&e, 0, sizeof(e));
	e.kind = o->kind;
	e.id = now->id;
	snprintf(e.side, sizeof(e.side), "%s", as);
	snprintf(e.who, sizeof(e.who), "%s", o->who);
	snprintf(e.about, sizeof(e.about), "%s", o->to != NULL ? o->to : "");
	snprintf(e.text, sizeof(e.text), "%s", o->why != NULL ? o->why : "");
	err = store_consult_say(db, &e, clock_wall_us(), now->incident, d);
	return err == ERR_OK ? store_consult_get(db, &o->id, now) : err;
}

static enum err
check(const struct consult_order *o, struct diag *d)
{
	enum err e = too_long("--as", o->as, SEVERITY_NAME_CAP, d);

	if (e == ERR_OK) {
		e = too_long("--who", o->who, SEVERITY_NAME_CAP, d);
	}
	if (e == ERR_OK) {
		e = too_long("--to", o->to, SEVERITY_NAME_CAP, d);
	}
	return e == ERR_OK ? too_long("--why", o->why, CONSULT_TEXT_CAP, d) : e;
}

enum err
store_consult_speak(struct store_reader *r, const struct consult_order *o,
		    struct consult *now, struct diag *d)
{
	sqlite3 *db = NULL;
	enum err e = check(o, d);

	if (e != ERR_OK) {
		return e;
	}
	e = store_change_begin(r, &db, d);
	if (e != ERR_OK) {
		return e;
	}
	e = say(db, o, now, d);
	if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e == ERR_IO || e == ERR_NOMEM) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	/* Closing rolls back what was not committed. */
	sqlite3_close(db);
	return e;
}
