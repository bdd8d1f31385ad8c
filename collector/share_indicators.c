/* SPDX-License-Identifier: Apache-2.0 */
/* The common set of indicators: what it lets go, and what it says of values
 * that were seen. */
#include <stdio.h>
#include <stdlib.h>

#include "collector/mark_set.h"
#include "collector/share_state.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define ARMED 2 /* indicators.state */

/* An indicator on its way out. */
struct listed {
	int64_t id;
	enum indicator_kind kind;
	unsigned confidence;
	struct marking mark;
	uint64_t from_us, until_us, first_us, changed_us;
	char pattern[STIX_PATTERN_CAP];
	char stix[STIX_ID_CAP];
};

void
share_indicator_name(enum indicator_kind k, const char *value, char *out,
		     size_t cap)
{
	snprintf(out, cap, "indicator|%s|%s", indicator_kind_name(k), value);
}

/* A store without a common set has none of it to share. */
static bool
has_set(struct sharing *s)
{
	sqlite3_stmt *st = store_reader_prepare(
		s->store, "SELECT 1 FROM sqlite_schema WHERE type='table' AND"
			  " name='indicators'");
	bool has = st != NULL && sqlite3_step(st) == SQLITE_ROW;

	sqlite3_finalize(st);
	return has;
}

static enum err
remember(struct sharing *s, sqlite3_stmt *st)
{
	char name[INDICATOR_VALUE_CAP + 32];

	share_indicator_name((enum indicator_kind)sqlite3_column_int(st, 0),
			     sql_text(st, 1), name, sizeof(name));
	return json_object_set_new_nocheck(
		       s->known, name, json_string_nocheck(sql_text(st, 2))) ==
			       0
		       ? ERR_OK
		       : ERR_NOMEM;
}

enum err
share_known_marks(struct sharing *s)
{
	sqlite3_stmt *st;
	int rc = SQLITE_DONE;
	enum err e = ERR_OK;

	s->known = json_object();
	if (s->known == NULL || !has_set(s)) {
		return s->known != NULL ? ERR_OK : ERR_NOMEM;
	}
	st = store_reader_prepare(
		s->store, "SELECT i.kind,lower(i.value),i.mark FROM indicators"
			  " i WHERE EXISTS(SELECT 1 FROM runs r WHERE"
			  " r.kind=0 AND r.key=lower(i.value) AND"
			  " r.last_us>=?1)");
	if (st == NULL || sql_bind(st, "u", s->r->since_us) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = remember(s, st);
	}
	if (store_reader_finish(st, e == ERR_OK ? rc : SQLITE_DONE) != ERR_OK) {
		e = ERR_IO;
	}
	return e;
}

void
share_join_known(const struct sharing *s, const char *name,
		 struct marking *mark)
{
	const char *text = json_string_value(json_object_get(s->known, name));
	struct marking m;

	if (text != NULL) {
		mark_read_kept(&m, view_cstr(text));
		marking_join(mark, &m);
	}
}

static enum release_verdict
read_listed(struct sharing *s, sqlite3_stmt *st, struct listed *l)
{
	char name[INDICATOR_PATTERN_CAP + 32];
	const char *value = sql_text(st, 2);
	enum release_verdict v;

	l->id = sqlite3_column_int64(st, 0);
	l->kind = (enum indicator_kind)sqlite3_column_int(st, 1);
	l->confidence = (unsigned)sqlite3_column_int(st, 3);
	mark_read_kept(&l->mark, view_cstr(sql_text(st, 4)));
	l->from_us = sql_u64(st, 5);
	l->until_us = sql_u64(st, 6);
	l->first_us = sql_u64(st, 7);
	l->changed_us = sql_u64(st, 8);
	share_indicator_name(l->kind, value, name, sizeof(name));
	stix_id(&s->b->stix, true, "indicator", name, l->stix);
	v = release_judge(s->r->to, SHARE_INDICATOR, false, &l->mark);
	if (v == RELEASE_GOES &&
	    !stix_pattern(l->kind, value, l->pattern, sizeof(l->pattern))) {
		v = HELD_FORM;
	}
	if (v == RELEASE_GOES && redact_finds(s->redact, view_cstr(value))) {
		v = HELD_OURS;
	}
	return v == RELEASE_GOES && !share_room(s) ? HELD_FULL : v;
}

static void
put_listed(struct sharing *s, const struct listed *l)
{
	struct stix_out *x = &s->b->stix;
	uint64_t first = share_moment(s, SHARE_INDICATOR, l->first_us);
	uint64_t from = share_moment(s, SHARE_INDICATOR, l->from_us);

	stix_object(x, "indicator", l->stix, first,
		    share_moment(s, SHARE_INDICATOR, l->changed_us), &l->mark);
	json_cstr(&x->j, "pattern", l->pattern);
	json_cstr(&x->j, "pattern_type", "stix");
	stix_time(x, "valid_from", from != 0 ? from : first);
	/* Later than its beginning, or STIX has no place for it. */
	if (l->until_us > MAX(from, first)) {
		stix_time(x, "valid_until", l->until_us);
	}
	json_arr(&x->j, "indicator_types");
	json_cstr(&x->j, NULL, "malicious-activity");
	json_arr_end(&x->j);
	if (l->confidence <= 100 &&
	    share_has(s->r->to, SHARE_INDICATOR, SHARE_CONFIDENCE)) {
		json_u64(&x->j, "confidence", l->confidence);
	}
	stix_object_end(x);
	share_note(s, SHARE_INDICATOR, RELEASE_GOES, l->id, l->stix, &l->mark);
}

enum err
share_set(struct sharing *s)
{
	struct listed *l;
	sqlite3_stmt *st;
	int rc = SQLITE_DONE;

	if (!share_wants(s, SHARE_INDICATOR) || !has_set(s)) {
		return ERR_OK;
	}
	l = malloc(sizeof(*l));
	/* One that is over may not be settled yet: no collector runs. */
	st = store_reader_prepare(
		s->store, "SELECT id,kind,value,confidence,mark,valid_from_us,"
			  "valid_until_us,first_us,changed_us FROM indicators"
			  " WHERE state=?1 AND changed_us>=?2 AND"
			  " (valid_until_us=0 OR valid_until_us>?3)"
			  " ORDER BY id");
	if (l == NULL || st == NULL ||
	    sql_bind(st, "duu", ARMED, s->r->since_us, clock_wall_us()) !=
		    SQLITE_OK) {
		sqlite3_finalize(st);
		free(l);
		return l == NULL ? ERR_NOMEM : ERR_IO;
	}
	while (s->err == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		enum release_verdict v = read_listed(s, st, l);

		if (v != RELEASE_GOES) {
			share_note(s, SHARE_INDICATOR, v, l->id, NULL,
				   &l->mark);
		} else if (!stix_has(&s->b->stix, l->stix)) {
			put_listed(s, l);
		}
	}
	free(l);
	return store_reader_finish(st, s->err == ERR_OK ? rc : SQLITE_DONE);
}
