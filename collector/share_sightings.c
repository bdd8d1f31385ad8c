/* SPDX-License-Identifier: Apache-2.0 */
/* Indicators that were seen here, and their sightings. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/share_state.h"
#include "collector/sighting.h"
#include "collector/store_sql.h"

/* One run of an indicator. */
struct seen {
	int64_t run;
	char value[INDICATOR_PATTERN_CAP];
	enum indicator_kind kind;
	unsigned confidence;
	uint64_t first_us, last_us;
	struct marking said, mark;
	char exercise[SIGHTING_NAME_CAP];
	uint64_t change;
	char pattern[STIX_PATTERN_CAP];
	char id[STIX_ID_CAP];
	enum release_verdict form; /* whether it can be said at all */
};

/* Whether only the set knows of what value the key is: one that was too long ends
 * in a hash (sighting.h), and case is lost also where it counts. */
static bool
is_lossy(enum indicator_kind kind, const char *key)
{
	switch (kind) {
	case INDICATOR_URL:
	case INDICATOR_USER_AGENT:
	case INDICATOR_PATTERN:
		return true;
	case INDICATOR_KINDS:
		return false;
	default:
		return strlen(key) >= SIGHTING_KEY_CAP - 1;
	}
}

static void
read_run(struct sharing *s, sqlite3_stmt *st, struct seen *n)
{
	char name[INDICATOR_PATTERN_CAP + SIGHTING_NAME_CAP + 64];
	int what = sqlite3_column_int(st, 2);
	bool lossy, known;

	n->run = sqlite3_column_int64(st, 0);
	n->kind = what >= 0 && what < INDICATOR_KINDS
			  ? (enum indicator_kind)what
			  : INDICATOR_KINDS;
	lossy = is_lossy(n->kind, sql_text(st, 1));
	known = lossy ? share_value_of(s, n->kind, sql_text(st, 1), n->value)
		      : n->kind != INDICATOR_KINDS;
	if (!lossy || !known) {
		snprintf(n->value, sizeof(n->value), "%s", sql_text(st, 1));
	}
	mark_read_kept(&n->said, view_cstr(sql_text(st, 3)));
	mark_read_kept(&n->mark, view_cstr(sql_text(st, 4)));
	snprintf(n->exercise, sizeof(n->exercise), "%s", sql_text(st, 5));
	n->confidence = (unsigned)sqlite3_column_int(st, 6);
	n->first_us = sql_u64(st, 7);
	n->last_us = sql_u64(st, 8);
	n->form = HELD_FORM;
	if (known &&
	    stix_pattern(n->kind, n->value, n->pattern, sizeof(n->pattern))) {
		n->form = redact_finds(s->redact, view_cstr(n->value))
				  ? HELD_OURS
				  : RELEASE_GOES;
	}
	share_indicator_name(n->kind, n->value, name, sizeof(name));
	/* What its lists say now, if that is more than when it was seen. */
	share_join_known(s, lossy && known ? NULL : name, n->value, &n->said);
	share_join_known(s, lossy && known ? NULL : name, n->value, &n->mark);
	n->change = sql_u64(st, 15);
	/* One that was played with is another object than the real one of that
	 * value: neither takes the other's place. */
	if (n->exercise[0] != '\0') {
		snprintf(name, sizeof(name), "exercise|%s|%s|%s", n->exercise,
			 indicator_kind_name(n->kind), n->value);
	}
	stix_id(&s->b->stix, true, "indicator", name, n->id);
}

static void
put_indicator(struct sharing *s, const struct seen *n)
{
	struct stix_out *x = &s->b->stix;
	uint64_t first = share_moment(s, SHARE_INDICATOR, n->first_us);
	struct stix_place at;

	if (stix_has(x, n->id)) {
		return;
	}
	at = share_begin(s, &n->said);
	stix_object(x, "indicator", n->id, first, share_modified(s, first),
		    &n->said);
	stix_exercise(x, n->exercise);
	json_cstr(&x->j, "pattern", n->pattern);
	json_cstr(&x->j, "pattern_type", "stix");
	stix_time(x, "valid_from", first);
	json_arr(&x->j, "indicator_types");
	json_cstr(&x->j, NULL, "malicious-activity");
	json_arr_end(&x->j);
	if (share_has(s->r->to, SHARE_INDICATOR, SHARE_CONFIDENCE)) {
		json_u64(&x->j, "confidence", MIN(n->confidence, 100u));
	}
	stix_object_end(x);
	if (share_end(s, &at, SHARE_INDICATOR, n->id, 0)) {
		share_note(s, SHARE_INDICATOR, RELEASE_GOES, n->run, n->id,
			   &n->said);
	}
}

/* The indicator that a sighting is of: the set's own object if the set knows the
 * value, which is none if only a partner gave it. */
static void
put_what_was_seen(struct sharing *s, const struct seen *n)
{
	bool known = false;

	if (s->step != NULL && n->exercise[0] == '\0') {
		enum err e = share_set_of(s, n->kind, n->value, &known);

		s->err = s->err == ERR_OK ? e : s->err;
	}
	if (!known) {
		put_indicator(s, n);
	}
}

/*
 * The indicator of a run on its own.  That it is told at all tells that it was
 * seen here, so that it is judged by where it was seen, too.
 */
static void
share_indicator(struct sharing *s, const struct seen *n)
{
	enum release_verdict v =
		release_judge(s->r->to, SHARE_INDICATOR, n->exercise, &n->mark);

	if (!share_wants(s, SHARE_INDICATOR) || stix_has(&s->b->stix, n->id)) {
		return;
	}
	/* In a step: only beside its sightings. */
	if (s->step != NULL) {
		return;
	}
	v = v == RELEASE_GOES ? n->form : v;
	v = v == RELEASE_GOES && !share_room(s) ? HELD_FULL : v;
	if (v == RELEASE_GOES) {
		put_indicator(s, n);
	} else {
		share_note(s, SHARE_INDICATOR, v, n->run, NULL, &n->mark);
	}
}

/* The identity of a site, as far as the partner may know; "": not at all. */
static void
put_place(struct sharing *s, const char *site, const char *owner,
	  const struct marking *mark, char id[STIX_ID_CAP])
{
	struct stix_out *x = &s->b->stix;
	const struct share_partner *to = s->r->to;
	char name[128];

	id[0] = '\0';
	if (!share_has(to, SHARE_SIGHTING, SHARE_SITES)) {
		return;
	}
	if (to->sites == SHARE_KEEP && site[0] != '\0') {
		snprintf(name, sizeof(name), "site|%s", site);
		stix_id(x, false, "identity", name, id);
		stix_identity(x, id, site, "system", mark);
	} else if (to->sites == SHARE_ROLE && owner[0] != '\0') {
		snprintf(name, sizeof(name), "identity|%s", owner);
		stix_id(x, true, "identity", name, id);
		stix_identity(x, id, owner, "organization", mark);
	}
}

static void
put_sighting(struct sharing *s, const struct seen *n, sqlite3_stmt *st,
	     const struct marking *mark)
{
	struct stix_out *x = &s->b->stix;
	const struct share_partner *to = s->r->to;
	const char *site = sql_text(st, 9), *owner = sql_text(st, 10);
	uint64_t first = share_moment(s, SHARE_SIGHTING, sql_u64(st, 11));
	uint64_t last = share_moment(s, SHARE_SIGHTING, sql_u64(st, 12));
	char place[STIX_ID_CAP], id[STIX_ID_CAP], name[256];
	struct stix_place at;

	if (share_wants(s, SHARE_INDICATOR) &&
	    (to->kinds >> SHARE_INDICATOR & 1) != 0) {
		put_what_was_seen(s, n);
	}
	put_place(s, site, owner, mark, place);
	snprintf(name, sizeof(name), "sighting|%" PRId64 "|%s|%s", n->run, site,
		 owner);
	stix_id(x, false, "sighting", name, id);
	at = share_begin(s, mark);
	stix_object(x, "sighting", id, first, share_modified(s, last), mark);
	stix_exercise(x, n->exercise);
	json_cstr(&x->j, "sighting_of_ref", n->id);
	if (share_has(to, SHARE_SIGHTING, SHARE_TIMES)) {
		stix_time(x, "first_seen", first);
		stix_time(x, "last_seen", last);
		/* All of it was found in what had been seen before. */
		if (sql_u64(st, 16) > 0 && sql_u64(st, 16) >= sql_u64(st, 13)) {
			json_bool(&x->j, "x_picket_past", true);
		}
	}
	if (share_has(to, SHARE_SIGHTING, SHARE_COUNT)) {
		/* STIX 2.1 section 5.2 has room for no more. */
		json_u64(&x->j, "count",
			 MIN(sql_u64(st, 13), UINT64_C(999999999)));
	}
	if (place[0] != '\0') {
		json_arr(&x->j, "where_sighted_refs");
		json_cstr(&x->j, NULL, place);
		json_arr_end(&x->j);
	}
	if (s->step != NULL) {
		/* The indicator may have gone long ago, or be the partner's. */
		json_cstr(&x->j, "x_picket_pattern", n->pattern);
	}
	if (!stix_has(x, n->id)) {
		json_arr(&x->j, "x_picket_elsewhere");
		json_cstr(&x->j, NULL, n->id);
		json_arr_end(&x->j);
	}
	stix_object_end(x);
	if (share_end(s, &at, SHARE_SIGHTING, id, n->run)) {
		share_note(s, SHARE_SIGHTING, RELEASE_GOES, n->run, id, mark);
	}
}

static void
share_sighting(struct sharing *s, const struct seen *n, sqlite3_stmt *st)
{
	struct marking mark;
	enum release_verdict v;

	/* What a partner's collector told us is never sent on. */
	if (!share_wants(s, SHARE_SIGHTING) ||
	    sighting_is_told(sql_text(st, 9), sql_text(st, 10))) {
		return;
	}
	if (s->step != NULL && !share_room(s)) {
		s->full = true;
		return;
	}
	mark_read_kept(&mark, view_cstr(sql_text(st, 14)));
	/* At least what is said of the indicator, whatever the row has. */
	marking_join(&mark, &n->said);
	v = release_judge(s->r->to, SHARE_SIGHTING, n->exercise, &mark);
	v = v == RELEASE_GOES ? n->form : v;
	v = v == RELEASE_GOES && !share_room(s) ? HELD_FULL : v;
	if (v == RELEASE_GOES) {
		put_sighting(s, n, st, &mark);
	} else {
		share_note(s, SHARE_SIGHTING, v, n->run, NULL, &mark);
	}
}

#define SEEN \
	"SELECT r.id,r.key,r.what,r.said,r.mark,r.exercise,r.confidence," \
	"r.first_us,r.last_us,s.site,s.owner,s.first_us,s.last_us,s.count," \
	"s.mark"

/* Runs that changed, each with its sites. */
#define CHANGED \
	SEEN ",c.n,s.past FROM (SELECT n,local FROM exchange_changes WHERE " \
	     "kind=1" \
	     " AND n>?1 ORDER BY n LIMIT ?2) c JOIN runs r ON r.id=c.local" \
	     " JOIN sightings s ON s.run=r.id ORDER BY c.n,s.site,s.owner"

static sqlite3_stmt *
select_seen(struct sharing *s)
{
	sqlite3_stmt *st = store_reader_prepare(
		s->store, s->step != NULL ? CHANGED
					  : SEEN
				  ",0,s.past FROM runs r JOIN sightings s ON"
				  " s.run=r.id WHERE r.kind=0 AND"
				  " r.last_us>=?1 AND ?2=?2"
				  " ORDER BY r.id,s.site,s.owner");

	if (st != NULL &&
	    sql_bind(st, "ud",
		     s->step != NULL ? s->step->since : s->r->since_us,
		     SHARE_STEP_WALK) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	return st;
}

/* A run was told whole. */
static void
end_run(struct sharing *s, const struct seen *n)
{
	share_indicator(s, n);
	if (s->step != NULL && !s->full) {
		s->step->upto = n->change;
	}
}

enum err
share_sightings(struct sharing *s)
{
	sqlite3_stmt *st = select_seen(s);
	struct seen *n = malloc(sizeof(*n));
	bool any = false;
	int rc = SQLITE_ERROR;

	if (st == NULL || n == NULL) {
		sqlite3_finalize(st);
		free(n);
		return n == NULL ? ERR_NOMEM : ERR_IO;
	}
	while (s->err == ERR_OK && !s->full &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!any || n->run != sqlite3_column_int64(st, 0)) {
			if (any) {
				end_run(s, n);
			}
			read_run(s, st, n);
			any = true;
		}
		share_sighting(s, n, st);
	}
	if (any && s->err == ERR_OK) {
		end_run(s, n);
	}
	free(n);
	if (s->err == ERR_OK && rc == SQLITE_DONE && s->step != NULL) {
		s->err = share_walked(s);
	}
	return store_reader_finish(
		st, s->err == ERR_OK && !s->full ? rc : SQLITE_DONE);
}
