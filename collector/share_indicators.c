/* SPDX-License-Identifier: Apache-2.0 */
/* The common set of indicators: what it lets go, and what it says of values
 * that were seen. */
#include <stdio.h>
#include <stdlib.h>

#include "collector/indicator_list.h"
#include "collector/mark_set.h"
#include "collector/share_words.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define ARMED 2 /* indicators.state */
/* Of what a partner has and the set forgot: no pattern of it is known here. */
#define FORGOTTEN "[domain-name:value = 'forgotten.invalid']"

/* An indicator on its way out. */
struct listed {
	int64_t id;
	enum indicator_kind kind;
	unsigned confidence;
	struct marking mark;
	uint64_t from_us, until_us, first_us, changed_us;
	bool armed; /* and not over yet */
	uint64_t change;
	char pattern[STIX_PATTERN_CAP];
	char stix[STIX_ID_CAP];
	struct share_words words;
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
share_join_known(struct sharing *s, const char *name, const char *value,
		 struct marking *mark)
{
	const char *text =
		name != NULL
			? json_string_value(json_object_get(s->known, name))
			: NULL;
	struct marking m;
	bool known = false;

	if (s->step != NULL || name == NULL) {
		if (indicator_list_marks(s->store, value, &m, &known) !=
		    ERR_OK) {
			s->err = ERR_IO;
		}
		if (known) {
			marking_join(mark, &m);
		}
	} else if (text != NULL) {
		mark_read_kept(&m, view_cstr(text));
		marking_join(mark, &m);
	}
}

bool
share_value_of(struct sharing *s, enum indicator_kind kind, const char *key,
	       char value[INDICATOR_PATTERN_CAP])
{
	bool known = false;

	if ((s->step != NULL || has_set(s)) &&
	    indicator_list_value(s->store, kind, key, value, &known) !=
		    ERR_OK) {
		s->err = ERR_IO;
	}
	return known;
}

/*
 * Ours is what a source in force gave that is no partner.  That a value of a
 * partner was seen here arms it by a warning of our own: so that this is no
 * echo, a warning is no source where a partner is one, or was: what it took
 * back does not come from us.
 *
 * Of what our own lists give, their markings count: we know it without the
 * partner, who by a red one of the same value could else take it away from all
 * that we give it to.  And then nothing is told but what they say.
 */
/* What the sources of one value are, beside each other. */
struct origins {
	bool any, own, warned, partner; /* in force, but 'any' and 'told' */
	bool told; /* a partner gave it once */
	struct marking listed; /* by our own */
	struct share_words *words; /* of our own */
};

static void
add_origin(struct origins *o, sqlite3_stmt *st)
{
	const char *name = sql_text(st, 0);
	bool in_force = sqlite3_column_int(st, 2) != 0;
	bool partner = strncmp(name, "partner:", 8) == 0;
	struct marking m;

	o->any = true;
	o->told |= partner;
	if (!in_force) {
		return;
	}
	if (partner) {
		o->partner = true;
	} else if (strcmp(name, "warning") == 0) {
		o->warned = true;
	} else {
		o->own = true;
		mark_read_kept(&m, view_cstr(sql_text(st, 1)));
		marking_join(&o->listed, &m);
		share_words_take(
			o->words,
			&(struct share_said){
				.labels = sql_text(st, 3),
				.tactic = sql_text(st, 4),
				.kill_chain = sql_text(st, 5),
				.confidence =
					(unsigned)sqlite3_column_int(st, 6),
				.from_us = sql_u64(st, 7),
				.until_us = sql_u64(st, 8) });
	}
}

static enum err
ask_origins(struct sharing *s, struct listed *l, bool *ours)
{
	struct origins o = { .listed = MARKING_CLEAR, .words = &l->words };
	int rc = SQLITE_ERROR;

	if (s->owned == NULL) {
		s->owned = store_reader_prepare(
			s->store,
			"SELECT o.name,s.mark,s.gone=0 AND"
			" (s.valid_until_us=0 OR s.valid_until_us>?2),"
			" s.labels,s.tactic,s.kill_chain,s.confidence,"
			" s.valid_from_us,s.valid_until_us FROM"
			" indicator_sources s JOIN indicator_origins o ON"
			" o.id=s.origin WHERE s.indicator=?1");
	}
	if (s->owned != NULL &&
	    sql_bind(s->owned, "iu", l->id, clock_wall_us()) == SQLITE_OK) {
		while ((rc = sqlite3_step(s->owned)) == SQLITE_ROW) {
			add_origin(&o, s->owned);
		}
		sqlite3_reset(s->owned);
	}
	/* A set of before sources were kept has none to ask. */
	*ours = o.own || (o.warned && !o.told) || !o.any;
	if (o.own && o.partner) {
		l->mark = o.listed;
		l->confidence = l->words.confidence;
		l->from_us = l->words.from_us;
		l->until_us = l->words.until_us;
	}
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static void
take_listed(struct sharing *s, sqlite3_stmt *st, struct listed *l, char *name,
	    size_t cap)
{
	l->id = sqlite3_column_int64(st, 0);
	l->kind = (enum indicator_kind)sqlite3_column_int(st, 1);
	l->confidence = (unsigned)sqlite3_column_int(st, 3);
	mark_read_kept(&l->mark, view_cstr(sql_text(st, 4)));
	l->from_us = sql_u64(st, 5);
	l->until_us = sql_u64(st, 6);
	l->first_us = sql_u64(st, 7);
	l->changed_us = sql_u64(st, 8);
	l->armed = sqlite3_column_int(st, 9) == ARMED &&
		   (l->until_us == 0 || l->until_us > clock_wall_us());
	l->change = sql_u64(st, 10);
	l->words = (struct share_words){ .labels = "" };
	share_indicator_name(l->kind, sql_text(st, 2), name, cap);
	stix_id(&s->b->stix, true, "indicator", name, l->stix);
}

/* What is to become of one that is marked as it is by now. */
static enum release_verdict
judge_listed(struct sharing *s, const struct listed *l, const char *value)
{
	enum release_verdict v =
		release_judge(s->r->to, SHARE_INDICATOR, "", &l->mark);

	if (v == RELEASE_GOES && l->pattern[0] == '\0') {
		v = HELD_FORM;
	}
	if (v == RELEASE_GOES && redact_finds(s->redact, view_cstr(value))) {
		v = HELD_OURS;
	}
	return v == RELEASE_GOES && !share_room(s) ? HELD_FULL : v;
}

static void
read_listed(struct sharing *s, sqlite3_stmt *st, struct listed *l)
{
	char name[INDICATOR_PATTERN_CAP + 32];

	take_listed(s, st, l, name, sizeof(name));
	if (!stix_pattern(l->kind, sql_text(st, 2), l->pattern,
			  sizeof(l->pattern))) {
		l->pattern[0] = '\0';
	}
}

static void
put_listed(struct sharing *s, const struct listed *l)
{
	struct stix_out *x = &s->b->stix;
	uint64_t first = share_moment(s, SHARE_INDICATOR, l->first_us);
	uint64_t from = share_moment(s, SHARE_INDICATOR, l->from_us);
	uint64_t until = share_end_moment(s, SHARE_INDICATOR, l->until_us);
	struct stix_place at = share_begin(s, &l->mark);

	stix_object(x, "indicator", l->stix, first,
		    share_modified(
			    s, share_moment(s, SHARE_INDICATOR, l->changed_us)),
		    &l->mark);
	json_cstr(&x->j, "pattern", l->pattern);
	json_cstr(&x->j, "pattern_type", "stix");
	stix_time(x, "valid_from", from != 0 ? from : first);
	/* Later than its beginning, or STIX has no place for it. */
	if (until > MAX(from, first)) {
		stix_time(x, "valid_until", until);
	}
	json_arr(&x->j, "indicator_types");
	json_cstr(&x->j, NULL, "malicious-activity");
	json_arr_end(&x->j);
	if (l->confidence <= 100 &&
	    share_has(s->r->to, SHARE_INDICATOR, SHARE_CONFIDENCE)) {
		json_u64(&x->j, "confidence", l->confidence);
	}
	share_words_put(s, &l->mark, &l->words);
	stix_object_end(x);
	if (share_end(s, &at, SHARE_INDICATOR, l->stix, l->id)) {
		share_note(s, SHARE_INDICATOR, RELEASE_GOES, l->id, l->stix,
			   &l->mark);
	}
}

/* That one is no more, or no longer for this partner: nothing new is told. */
static void
revoke(struct sharing *s, const char *stix, int64_t local, const char *pattern)
{
	struct stix_out *x = &s->b->stix;
	struct marking mark = share_for_partner(s);
	uint64_t now = share_modified(s, 0);

	share_begin(s, &mark);
	stix_object(x, "indicator", stix, now, now, &mark);
	json_bool(&x->j, "revoked", true);
	json_cstr(&x->j, "pattern", pattern[0] != '\0' ? pattern : FORGOTTEN);
	json_cstr(&x->j, "pattern_type", "stix");
	stix_time(x, "valid_from", now);
	stix_object_end(x);
	share_gone(s, SHARE_INDICATOR, stix, local);
	share_note(s, SHARE_INDICATOR, RELEASE_GOES, local, stix, &mark);
}

void
share_take_back_indicator(struct sharing *s, const char *id, int64_t local)
{
	revoke(s, id, local, "");
}

/* One that changed: the new version, or the end of what the partner has. */
static enum err
tell_listed(struct sharing *s, struct listed *l, const char *value)
{
	bool ours = false;
	uint64_t was;
	enum release_verdict v;
	enum err e = ask_origins(s, l, &ours);

	if (e != ERR_OK) {
		return e;
	}
	v = judge_listed(s, l, value);
	if (l->armed && ours && v == RELEASE_GOES) {
		if (!stix_has(&s->b->stix, l->stix)) {
			put_listed(s, l);
		}
	} else if (share_had(s, l->stix, &was)) {
		/* Of version 0 the partner may never have heard. */
		revoke(s, l->stix, l->id, was != 0 ? l->pattern : "");
	} else if (l->armed && ours) {
		share_note(s, SHARE_INDICATOR, v, l->id, NULL, &l->mark);
	}
	return s->err;
}

#define LISTED \
	"SELECT id,kind,value,confidence,mark,valid_from_us," \
	"valid_until_us,first_us,changed_us,state,change FROM indicators"

enum err
share_set_of(struct sharing *s, enum indicator_kind kind, const char *value,
	     bool *known)
{
	sqlite3_stmt *st = store_reader_prepare(s->store, LISTED
						" WHERE key=?1 AND kind=?2 AND"
						" value=?3 COLLATE NOCASE"
						" ORDER BY value=?3 DESC");
	struct listed *l = malloc(sizeof(*l));
	enum err e = ERR_OK;
	int rc = SQLITE_ERROR;

	*known = false;
	if (st != NULL && l != NULL &&
	    sql_bind(st, "idt", indicator_store_key(value), (int)kind, value) ==
		    SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		*known = true;
		read_listed(s, st, l);
		e = tell_listed(s, l, sql_text(st, 2));
	}
	free(l);
	if (e != ERR_OK) {
		sqlite3_finalize(st);
		return e;
	}
	return store_reader_finish(st, rc);
}

/* What the partner has, whether the set still knows it. */
static enum err
sweep(struct sharing *s)
{
	struct share_step *step = s->step;
	sqlite3_stmt *st = store_reader_prepare(
		s->store,
		"SELECT h.id,h.local,i.id FROM exchange_had h LEFT JOIN"
		" indicators i ON i.id=h.local WHERE h.party=?1 AND h.id>?2"
		" AND h.kind=0 AND h.local<>0 ORDER BY h.id LIMIT ?3");
	unsigned n = 0;
	int rc = SQLITE_DONE;

	if (st == NULL || sql_bind(st, "tbd", s->r->to->name,
				   view_of(step->sweep, sizeof(step->sweep)),
				   SHARE_STEP_WALK) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while (share_room(s) && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		const uint8_t *id = sqlite3_column_blob(st, 0);
		char stix[STIX_ID_CAP];

		if (sqlite3_column_bytes(st, 0) != STIX_UUID_BYTES) {
			continue;
		}
		n++;
		memcpy(step->sweep, id, sizeof(step->sweep));
		if (sqlite3_column_type(st, 2) == SQLITE_NULL) {
			stix_id_text("indicator", id, stix);
			revoke(s, stix, sqlite3_column_int64(st, 1), "");
		}
	}
	/* A slice that was not full was the last one. */
	step->sweeps = n == SHARE_STEP_WALK || !share_room(s);
	step->more |= step->sweeps;
	return store_reader_finish(st, rc);
}

/* What changed in the set behind the step's cursor. */
static enum err
step_set(struct sharing *s, sqlite3_stmt *st, struct listed *l)
{
	struct share_step *step = s->step;
	unsigned n = 0;
	enum err e = ERR_OK;
	int rc = SQLITE_DONE;

	while (e == ERR_OK && s->err == ERR_OK && !s->full &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!share_room(s)) {
			s->full = true;
			break;
		}
		read_listed(s, st, l);
		e = tell_listed(s, l, sql_text(st, 2));
		if (e == ERR_OK && !s->full) {
			step->upto = l->change;
			n++;
		}
	}
	step->more = s->full || n == SHARE_STEP_WALK;
	if (e == ERR_OK && step->sweeps && !s->full) {
		e = sweep(s);
	}
	return e != ERR_OK ? (sqlite3_finalize(st), e)
			   : store_reader_finish(st, rc);
}

enum err
share_set(struct sharing *s)
{
	struct listed *l;
	sqlite3_stmt *st;
	int rc = SQLITE_DONE;
	enum err e;

	if (!share_wants(s, SHARE_INDICATOR) || !has_set(s)) {
		return ERR_OK;
	}
	l = malloc(sizeof(*l));
	st = store_reader_prepare(
		s->store, s->step != NULL
				  ? LISTED " WHERE change>?1 ORDER BY change"
					   " LIMIT ?2"
				  : LISTED " WHERE state=?1 AND changed_us>=?2"
					   " ORDER BY id");
	if (l == NULL || st == NULL ||
	    (s->step != NULL
		     ? sql_bind(st, "ud", s->step->since, SHARE_STEP_WALK)
		     : sql_bind(st, "du", ARMED, s->r->since_us)) !=
		    SQLITE_OK) {
		sqlite3_finalize(st);
		free(l);
		return l == NULL ? ERR_NOMEM : ERR_IO;
	}
	if (s->step != NULL) {
		e = step_set(s, st, l);
		free(l);
		return e;
	}
	while (s->err == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		enum release_verdict v;
		bool ours = false;

		read_listed(s, st, l);
		/* One that is over may not be settled yet: no collector runs. */
		if (!l->armed) {
			continue;
		}
		if (ask_origins(s, l, &ours) != ERR_OK) {
			s->err = ERR_IO;
			break;
		}
		v = ours ? judge_listed(s, l, sql_text(st, 2)) : HELD_THEIRS;
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
