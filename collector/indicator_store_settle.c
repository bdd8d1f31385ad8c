/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of one value make of it together, and its state. */
#include "collector/indicator_store_state.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned
known(uint8_t confidence)
{
	return confidence == INDICATOR_CONFIDENCE_UNKNOWN ? 0 : confidence + 1u;
}

static void
join_record(struct indicator_joined *j, const struct indicator *i)
{
	struct indicator *is = &j->is;

	is->exact &= i->exact;
	if (i->severity != 0 &&
	    (is->severity == 0 || i->severity < is->severity)) {
		is->severity = i->severity;
	}
	if (known(i->confidence) > known(is->confidence)) {
		is->confidence = i->confidence;
	}
	marking_join(&is->mark, &i->mark);
	is->valid_from_us = MIN(is->valid_from_us, i->valid_from_us);
	is->valid_until_us =
		is->valid_until_us == 0 || i->valid_until_us == 0
			? 0
			: MAX(is->valid_until_us, i->valid_until_us);
	is->modified_us = MAX(is->modified_us, i->modified_us);
}

void
indicator_joined_add(struct indicator_joined *j, const struct indicator *i,
		     int64_t origin, enum indicator_gone gone, uint64_t now_us)
{
	static const char *const why[] = {
		[INDICATOR_REVOKED] = "revoked by its source",
		[INDICATOR_REPLACED] = "a newer version of it says otherwise",
		[INDICATOR_WITHDRAWN] = "its source's list has it no longer",
	};
	unsigned confidence = known(i->confidence);

	if (gone != INDICATOR_HERE) {
		j->gone = j->gone == NULL ? why[gone] : j->gone;
		return;
	}
	if (i->valid_until_us != 0 && i->valid_until_us <= now_us) {
		j->gone = "expired";
		return;
	}
	if (i->valid_until_us != 0 &&
	    (j->due_us == 0 || i->valid_until_us < j->due_us)) {
		j->due_us = i->valid_until_us;
	}
	if (j->n++ == 0) {
		j->is = *i;
		j->best = 0;
	} else {
		join_record(j, i);
	}
	if (j->best == 0 || confidence > j->best_confidence ||
	    (confidence == j->best_confidence &&
	     i->modified_us > j->best_modified_us)) {
		j->best = origin;
		j->best_confidence = confidence;
		j->best_modified_us = i->modified_us;
	}
}

static void
say(struct indicator_row *row, const char *reason)
{
	snprintf(row->reason, sizeof(row->reason), "%s", reason);
}

void
indicator_decide(struct indicator_row *row, const struct indicator_joined *j,
		 const struct indicator_gate *gate)
{
	struct indicator i = j->is;

	if (row->verdict == VERDICT_REMOVED) {
		row->state = INDICATOR_OFF;
	} else if (j->n == 0) {
		row->state = INDICATOR_OFF;
		say(row, j->gone != NULL ? j->gone : "no source gives it");
	} else if (row->verdict == VERDICT_RELEASED) {
		row->state = INDICATOR_ARMED;
	} else if (row->verdict == VERDICT_HELD) {
		row->state = INDICATOR_HELD;
	} else if (row->state == INDICATOR_OFF ||
		   (row->state == INDICATOR_ARMED && row->exact && !i.exact)) {
		/* New, back again, or wider than what was looked at. */
		i.value = row->value;
		i.kind = row->kind;
		row->reason[0] = '\0';
		row->state =
			gate == NULL || gate->pass(gate->arg, &i, row->reason)
				? INDICATOR_ARMED
				: INDICATOR_HELD;
	}
}

enum err
indicator_row_read(struct indicator_store *s, int64_t id,
		   struct indicator_row *row)
{
	sqlite3_stmt *st = s->st[IS_ROW];
	enum err e = ERR_IO;
	int rc;

	*row = (struct indicator_row){ .id = id };
	if (sql_bind(st, "i", id) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		row->kind = (enum indicator_kind)sqlite3_column_int(st, 0);
		row->state = (enum indicator_state)sqlite3_column_int(st, 1);
		row->verdict =
			(enum indicator_verdict)sqlite3_column_int(st, 2);
		row->exact = sqlite3_column_int(st, 3) != 0;
		say(row, sql_text(st, 4));
		row->value = strdup(sql_text(st, 5));
		e = row->value != NULL ? ERR_OK : ERR_NOMEM;
	} else if (rc == SQLITE_DONE) {
		e = ERR_NOTFOUND;
	}
	sqlite3_reset(st);
	return e;
}

static enum err
join_sources(struct indicator_store *s, int64_t id, uint64_t now_us,
	     struct indicator_joined *j)
{
	sqlite3_stmt *st = s->st[IS_SOURCES];
	int rc;

	if (sql_bind(st, "i", id) != SQLITE_OK) {
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct indicator i = {
			.exact = sqlite3_column_int(st, 1) != 0,
			.severity = (uint8_t)sqlite3_column_int(st, 3),
			.confidence = (uint8_t)sqlite3_column_int(st, 4),
			.valid_from_us = sql_u64(st, 6),
			.valid_until_us = sql_u64(st, 7),
			.modified_us = sql_u64(st, 8),
		};

		if (marking_read(&i.mark, view_cstr(sql_text(st, 5)), NULL) !=
		    ERR_OK) {
			/* What cannot be read restricts most. */
			i.mark = (struct marking){ .tlp = TLP_RED,
						   .limited = true };
		}
		indicator_joined_add(
			j, &i, sqlite3_column_int64(st, 14),
			(enum indicator_gone)sqlite3_column_int(st, 2), now_us);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
keep(struct indicator_store *s, const struct indicator_row *row,
     const struct indicator_joined *j, uint64_t now_us)
{
	char mark[MARKING_TEXT_CAP];
	const struct indicator *is = &j->is;

	if (j->n == 0) {
		return sql_run(s->st[IS_OFF], "iutuu", row->id, ++s->change,
			       row->reason, now_us, UINT64_C(0));
	}
	return sql_run(s->st[IS_SET], "idutdddtuuuiuu", row->id,
		       (int)row->state, ++s->change, row->reason,
		       (int)is->exact, (int)is->severity, (int)is->confidence,
		       marking_text(&is->mark, mark), is->valid_from_us,
		       is->valid_until_us, is->modified_us, j->best, j->due_us,
		       now_us);
}

enum err
indicator_settle(struct indicator_store *s, int64_t id,
		 const struct indicator_gate *gate, uint64_t now_us, bool *held)
{
	struct indicator_joined j = { .n = 0 };
	struct indicator_row row;
	enum indicator_state was;
	enum err e = indicator_row_read(s, id, &row);

	*held = false;
	was = row.state;
	if (e == ERR_OK) {
		e = join_sources(s, id, now_us, &j);
	}
	if (e == ERR_OK) {
		indicator_decide(&row, &j, gate);
		*held = row.state == INDICATOR_HELD && was != INDICATOR_HELD;
		e = keep(s, &row, &j, now_us);
	}
	if (e == ERR_OK && row.state != was) {
		e = sql_run(s->st[IS_LOG], "iuttt", id, now_us, "collector",
			    indicator_state_name(row.state), row.reason);
	}
	free(row.value);
	return e;
}

/* ------------------------------------------------------ what time changes */

enum err
indicator_store_due(struct indicator_store *s, uint64_t now_us, unsigned max,
		    unsigned *n)
{
	enum err e = ERR_OK;

	for (*n = 0; *n < max && e == ERR_OK; (*n)++) {
		uint64_t id = 0;
		bool held;

		if (sql_bind(s->st[IS_DUE], "u", now_us) != SQLITE_OK) {
			return ERR_IO;
		}
		e = indicator_number(s->st[IS_DUE], &id);
		if (e == ERR_OK && id == 0) {
			break;
		}
		if (e == ERR_OK) {
			e = indicator_settle(s, (int64_t)id, NULL, now_us,
					     &held);
		}
	}
	return e;
}

enum err
indicator_store_withdraw(struct indicator_store *s, int64_t origin,
			 int64_t import, uint64_t now_us, unsigned max,
			 int64_t *cursor, unsigned *n, bool *done)
{
	sqlite3_stmt *st = s->st[IS_BEHIND];
	unsigned looked = 0;
	enum err e = ERR_OK;
	int rc = SQLITE_DONE;
	bool held;

	*n = 0;
	/* One row at a time: what is stepped through must not be changed. */
	while (e == ERR_OK && looked < max) {
		bool here;

		if (sql_bind(st, "iii", *cursor, origin, INT64_C(1)) !=
		    SQLITE_OK) {
			return ERR_IO;
		}
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW) {
			break;
		}
		*cursor = sqlite3_column_int64(st, 0);
		here = sqlite3_column_int64(st, 1) == import ||
		       sqlite3_column_int(st, 2) != INDICATOR_HERE;
		sqlite3_reset(st);
		looked++;
		if (!here) {
			e = sql_run(s->st[IS_SOURCE_GONE], "iidu", *cursor,
				    origin, (int)INDICATOR_WITHDRAWN, now_us);
			if (e == ERR_OK) {
				e = indicator_settle(s, *cursor, NULL, now_us,
						     &held);
			}
			(*n)++;
		}
	}
	sqlite3_reset(st);
	*done = rc == SQLITE_DONE;
	return e != ERR_OK                             ? e
	       : rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK
						       : ERR_IO;
}

/* All of one row, and that it went. */
static enum err
drop(struct indicator_store *s, int64_t id, uint64_t change)
{
	static const int steps[] = { IS_DROP_ORIGINS, IS_DROP_SOURCES,
				     IS_DROP_LOG, IS_DROP_SEEN, IS_DROP };
	enum err e = sql_run(s->st[IS_FLOOR], "u", change);

	for (size_t i = 0; i < ARRAY_LEN(steps) && e == ERR_OK; i++) {
		e = sql_run(s->st[steps[i]], "i", id);
	}
	return e;
}

enum err
indicator_store_trim(struct indicator_store *s, unsigned max, unsigned *n)
{
	uint64_t off = 0;
	enum err e = indicator_number(s->st[IS_N_OFF], &off);

	for (*n = 0; e == ERR_OK && *n < max && off > s->limits.keep_off;
	     off--) {
		sqlite3_stmt *st = s->st[IS_OLDEST_OFF];
		int rc = sqlite3_step(st);
		int64_t id = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
		uint64_t change = rc == SQLITE_ROW ? sql_u64(st, 1) : 0;

		sqlite3_reset(st);
		/* The newest change stays, so that no number comes twice. */
		if (id == 0 || change == s->change) {
			break;
		}
		e = drop(s, id, change);
		(*n)++;
	}
	return e == ERR_OK ? sql_run(s->st[IS_LOG_TRIM], "uu",
				     s->limits.keep_log, (uint64_t)max)
			   : e;
}

/* --------------------------------------------------------- an analyst's word */

enum err
indicator_store_judge(struct indicator_store *s, int64_t id,
		      enum indicator_verdict v, const char *who,
		      const char *note, uint64_t now_us, struct diag *d)
{
	static const char *const words[] = { "cleared", "released", "held",
					     "removed" };
	struct indicator_row row;
	char reason[INDICATOR_REASON_CAP];
	enum err e = indicator_row_read(s, id, &row);
	bool held;

	free(row.value);
	if (e == ERR_NOTFOUND) {
		return diag_set(d, e, "there is no indicator %lld",
				(long long)id);
	}
	if (e == ERR_OK && row.verdict == v) {
		return diag_set(d, ERR_USAGE, "indicator %lld is %s already",
				(long long)id, words[v]);
	}
	snprintf(reason, sizeof(reason), "%s by %s%s%s", words[v], who,
		 note[0] != '\0' ? ": " : "", note);
	if (e == ERR_OK) {
		e = sql_run(s->st[IS_VERDICT], "idt", id, (int)v, reason);
	}
	if (e == ERR_OK) {
		e = sql_run(s->st[IS_LOG], "iuttt", id, now_us, who, words[v],
			    note);
	}
	if (e == ERR_OK) {
		e = indicator_settle(s, id, NULL, now_us, &held);
	}
	return e == ERR_OK ? e
			   : diag_set(d, e, "indicator %lld: %s", (long long)id,
				      sqlite3_errmsg(s->db));
}

/* Its row, without the value; the number 0 when there is none. */
static enum err
find_row(struct indicator_store *s, enum indicator_kind kind, const char *value,
	 struct indicator_row *row)
{
	uint64_t id = 0;
	enum err e = sql_bind(s->st[IS_FIND], "idt", indicator_store_key(value),
			      (int)kind, value) == SQLITE_OK
			     ? indicator_number(s->st[IS_FIND], &id)
			     : ERR_IO;

	*row = (struct indicator_row){ .id = 0 };
	if (e == ERR_OK && id > 0) {
		e = indicator_row_read(s, (int64_t)id, row);
		free(row->value);
		row->value = NULL;
	}
	return e;
}

enum err
indicator_store_take_back(struct indicator_store *s, enum indicator_kind kind,
			  const char *value, const char *who, const char *why,
			  uint64_t now_us, bool *held)
{
	struct indicator_row row;
	struct diag d;
	enum err e = find_row(s, kind, value, &row);

	*held = e == ERR_OK && row.id != 0 && row.state == INDICATOR_ARMED &&
		row.verdict == VERDICT_NONE;
	return *held ? indicator_store_judge(s, row.id, VERDICT_HELD, who, why,
					     now_us, &d)
		     : e;
}

enum err
indicator_store_restore(struct indicator_store *s, enum indicator_kind kind,
			const char *value, const char *who, uint64_t now_us,
			struct diag *d)
{
	struct indicator_row row;
	enum err e = find_row(s, kind, value, &row);

	if (e == ERR_OK && row.verdict == VERDICT_REMOVED) {
		e = sql_run(s->st[IS_VERDICT], "idt", row.id, (int)VERDICT_NONE,
			    "given again");
		if (e == ERR_OK) {
			e = sql_run(s->st[IS_LOG], "iuttt", row.id, now_us, who,
				    "cleared", "given again");
		}
	}
	return e == ERR_OK
		       ? e
		       : diag_set(d, e, "the store: %s", sqlite3_errmsg(s->db));
}
