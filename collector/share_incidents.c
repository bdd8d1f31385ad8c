/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents, with of each what the partner may know. */
#include <inttypes.h>
#include <stdio.h>

#include "collector/mark_set.h"
#include "collector/share_state.h"
#include "collector/sighting.h"
#include "collector/store_sql.h"

/* One incident on its way out. */
struct account {
	struct sharing *s;
	struct json *j;
	const struct marking *mark;
	const json_t *summary;
};

static bool
may(const struct account *a, enum share_field f)
{
	return share_has(a->s->r->to, SHARE_INCIDENT, f);
}

static void
put_text(struct account *a, const char *key, const char *text)
{
	share_text(a->s, SHARE_INCIDENT, a->mark, key, text);
}

static const char *
member(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

/* Whether a partner told that it was seen there: its place is not for others. */
static bool
is_told(const json_t *place)
{
	return json_is_object(place) &&
	       sighting_is_told(member(place, "site"), member(place, "owner"));
}

/* Whether the names of all its sites may be told. */
static bool
tells_sites(const struct account *a)
{
	const json_t *l = json_object_get(a->summary, "sites"), *e;
	size_t i;

	json_array_foreach(l, i, e)
	{
		if (is_told(e)) {
			return false;
		}
	}
	return may(a, SHARE_SITES) && a->s->r->to->sites == SHARE_KEEP;
}

/* Where " (" begins of "at N sites (A, B)", which assess_title() makes; its end
 * when there is none.  What an attacker chose stands before it and may look like
 * it: then more goes. */
static const char *
sites_of(const char *title)
{
	for (const char *p = title; (p = strstr(p, " at ")) != NULL; p++) {
		const char *q = p + 4;
		size_t n = strspn(q, "0123456789");

		if (n == 0 || strncmp(q + n, " site", 5) != 0) {
			continue;
		}
		q += n + 5;
		q += q[0] == 's';
		if (strncmp(q, " (", 2) == 0) {
			return q;
		}
	}
	return title + strlen(title);
}

/* The title; without the names of sites, which the map may not know, where they
 * are not to be told. */
static void
put_title(struct account *a, const char *title)
{
	char text[1024];
	const char *from = sites_of(title), *to = strrchr(from, ')');

	if (tells_sites(a)) {
		put_text(a, "name", title);
		return;
	}
	/* One that was cut has no end, or none that is the list's. */
	if (to == NULL || strchr(to, '(') != NULL) {
		to = "";
	}
	snprintf(text, sizeof(text), "%.*s%s",
		 (int)MIN((size_t)(from - title), sizeof(text) - 1), title,
		 to + (to[0] == ')'));
	put_text(a, "name", text);
}

/* The texts of a list, or member 'key' of its objects; none twice, and nothing of
 * what partners told. */
static void
put_list(struct account *a, const char *name, const char *list, const char *key)
{
	const json_t *l = json_object_get(a->summary, list), *e;
	const char *last = "";
	size_t i;

	json_arr(a->j, name);
	json_array_foreach(l, i, e)
	{
		const char *text = json_string_value(
			key != NULL ? json_object_get(e, key) : e);

		if (is_told(e)) {
			continue;
		}
		if (text != NULL && text[0] != '\0' &&
		    strcmp(text, last) != 0) {
			put_text(a, NULL, text);
			last = text;
		}
	}
	json_arr_end(a->j);
}

static void
put_actors(struct account *a)
{
	const json_t *l = json_object_get(a->summary, "actors"), *e;
	size_t i;

	json_arr(a->j, "actors");
	json_array_foreach(l, i, e)
	{
		const char *kind =
			json_string_value(json_object_get(e, "kind"));
		const char *value =
			json_string_value(json_object_get(e, "value"));

		if (kind == NULL || value == NULL) {
			continue;
		}
		json_obj(a->j, NULL);
		json_cstr(a->j, "kind", kind);
		put_text(a, "value", value);
		if (may(a, SHARE_COUNT)) {
			json_i64(a->j, "count",
				 json_integer_value(
					 json_object_get(e, "count")));
		}
		json_obj_end(a->j);
	}
	json_arr_end(a->j);
}

/* "JP,US" as a list. */
static void
put_owners(struct account *a, const char *key, const char *owners)
{
	json_arr(a->j, key);
	while (*owners != '\0') {
		char name[128];
		size_t n = strcspn(owners, ",");

		snprintf(name, sizeof(name), "%.*s", (int)MIN(n, 127u), owners);
		put_text(a, NULL, name);
		owners += n + (owners[n] == ',');
	}
	json_arr_end(a->j);
}

static void
put_sites(struct account *a)
{
	if (!may(a, SHARE_SITES)) {
		return;
	}
	switch (a->s->r->to->sites) {
	case SHARE_KEEP:
		put_list(a, "sites", "sites", "site");
		break;
	case SHARE_ROLE:
		put_list(a, "sites", "owners", NULL);
		break;
	case SHARE_DROP:
	case SHARE_PSEUDONYM:
		break;
	}
}

static void
put_extension(struct account *a, sqlite3_stmt *st)
{
	struct stix_out *x = &a->s->b->stix;

	stix_extension_begin(x);
	/* By which our words in a consultation name it. */
	if ((a->s->r->to->kinds >> SHARE_CONSULTATION & 1) != 0) {
		json_i64(a->j, "number", sqlite3_column_int64(st, 0));
	}
	if (may(a, SHARE_SEVERITY)) {
		json_u64(a->j, "level", sql_u64(st, 5));
		json_u64(a->j, "score", sql_u64(st, 4));
	}
	if (may(a, SHARE_OWNERS)) {
		put_text(a, "lead", sql_text(st, 6));
		put_owners(a, "support", sql_text(st, 7));
	}
	if (may(a, SHARE_TIMES)) {
		stix_time(x, "first", sql_u64(st, 8));
		stix_time(x, "last", sql_u64(st, 9));
	}
	if (may(a, SHARE_COUNT)) {
		json_i64(a->j, "alerts",
			 json_integer_value(
				 json_object_get(a->summary, "alerts")));
	}
	put_sites(a);
	if (may(a, SHARE_STAGES)) {
		put_list(a, "stages", "stages", "stage");
	}
	if (may(a, SHARE_ACTORS)) {
		put_actors(a);
	}
	if (may(a, SHARE_VICTIMS)) {
		put_list(a, "victims", "victims", "address");
	}
	if (may(a, SHARE_SERVICES)) {
		put_list(a, "services", "services", NULL);
	}
	if (may(a, SHARE_MISSIONS)) {
		put_list(a, "missions", "missions", NULL);
	}
	stix_extension_end(x);
}

static void
incident_id(struct sharing *s, int64_t local, char id[STIX_ID_CAP])
{
	char name[64];

	snprintf(name, sizeof(name), "incident|%" PRId64, local);
	stix_id(&s->b->stix, false, "incident", name, id);
}

static void
put_incident(struct sharing *s, sqlite3_stmt *st, const struct marking *mark)
{
	struct stix_out *x = &s->b->stix;
	json_t *summary = json_loads(sql_text(st, 12), 0, NULL);
	struct account a = { s, &x->j, mark, summary };
	int64_t local = sqlite3_column_int64(st, 0);
	struct stix_place at;
	char id[STIX_ID_CAP];

	stix_incident_extension(x);
	incident_id(s, local, id);
	at = share_begin(s, mark);
	stix_object(x, "incident", id,
		    share_moment(s, SHARE_INCIDENT, sql_u64(st, 10)),
		    share_modified(s, share_moment(s, SHARE_INCIDENT,
						   sql_u64(st, 11))),
		    mark);
	stix_exercise(x, sql_text(st, 2));
	if (may(&a, SHARE_TITLE)) {
		put_title(&a, sql_text(st, 3));
	} else {
		json_cstr(&x->j, "name", "incident");
	}
	put_extension(&a, st);
	stix_object_end(x);
	json_decref(summary);
	if (share_end(s, &at, SHARE_INCIDENT, id, local)) {
		share_note(s, SHARE_INCIDENT, RELEASE_GOES, local, id, mark);
	}
}

/* That one is part of another now, or no longer for this partner. */
static void
revoke(struct sharing *s, int64_t local, const char *id)
{
	struct stix_out *x = &s->b->stix;
	struct marking mark = share_for_partner(s);
	uint64_t now = share_modified(s, 0);

	share_begin(s, &mark);
	stix_object(x, "incident", id, now, now, &mark);
	json_bool(&x->j, "revoked", true);
	json_cstr(&x->j, "name", "incident");
	stix_object_end(x);
	share_gone(s, SHARE_INCIDENT, id, local);
	share_note(s, SHARE_INCIDENT, RELEASE_GOES, local, id, &mark);
}

static void
share_incident(struct sharing *s, sqlite3_stmt *st)
{
	int64_t local = sqlite3_column_int64(st, 0);
	bool merged = strcmp(sql_text(st, 1), "merged") == 0;
	enum release_verdict v;
	struct marking mark;
	char id[STIX_ID_CAP];
	uint64_t was;

	mark_read_kept(&mark, view_cstr(sql_text(st, 13)));
	v = release_judge(s->r->to, SHARE_INCIDENT, sql_text(st, 2), &mark);
	if (s->step != NULL && !share_room(s)) {
		s->full = true;
		return;
	}
	v = v == RELEASE_GOES && !share_room(s) ? HELD_FULL : v;
	incident_id(s, local, id);
	if (v == RELEASE_GOES && !merged) {
		put_incident(s, st, &mark);
	} else if (share_had(s, id, &was)) {
		revoke(s, local, id);
	} else if (!merged) {
		share_note(s, SHARE_INCIDENT, v, local, NULL, &mark);
	}
	if (s->step != NULL && !s->full) {
		s->step->upto = sql_u64(st, 14);
	}
}

#define INCIDENT \
	"SELECT i.id,state,exercise,title,score,level,lead,support,first_us," \
	"last_us,created_us,updated_us,summary,mark"

enum err
share_incidents(struct sharing *s)
{
	bool step = s->step != NULL;
	sqlite3_stmt *st;
	int rc = SQLITE_DONE;

	if (!share_wants(s, SHARE_INCIDENT)) {
		return ERR_OK;
	}
	st = store_reader_prepare(
		s->store,
		step ? INCIDENT ",c.n FROM (SELECT n,local FROM"
				" exchange_changes WHERE kind=2 AND n>?1"
				" ORDER BY n LIMIT ?2) c JOIN incidents i ON"
				" i.id=c.local ORDER BY c.n"
		     : INCIDENT ",0 FROM incidents i WHERE state<>'merged' AND"
				" updated_us>=?1 AND ?2=?2 ORDER BY i.id");
	if (st == NULL ||
	    sql_bind(st, "ud", step ? s->step->since : s->r->since_us,
		     SHARE_STEP_WALK) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while (s->err == ERR_OK && !s->full &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		share_incident(s, st);
	}
	if (step && s->err == ERR_OK && rc == SQLITE_DONE) {
		s->err = share_walked(s);
	}
	return store_reader_finish(
		st, s->err == ERR_OK && !s->full ? rc : SQLITE_DONE);
}
