/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_word.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/sighting.h"
#include "collector/store_sql.h"

enum word_statement { WORD_ROWS, WORD_SOURCES, WORD_SINCE, WORD_STATEMENTS };

static const char *const statements[WORD_STATEMENTS] = {
	[WORD_ROWS] = "SELECT id,kind,verdict,reason,confidence,value FROM"
		      " indicators WHERE key=?",
	[WORD_SOURCES] = "SELECT s.gone,s.valid_until_us FROM"
			 " indicator_sources s JOIN indicator_origins o ON"
			 " o.id=s.origin WHERE s.indicator=? AND"
			 " o.name<>'" INDICATOR_WARNING_SOURCE "'",
	[WORD_SINCE] = "SELECT change,value FROM indicators WHERE change>?"
		       " ORDER BY change LIMIT ?",
};

struct indicator_words {
	const struct gate *gate;
	sqlite3_stmt *st[WORD_STATEMENTS];
};

enum err
indicator_words_new(struct indicator_words **out, sqlite3 *db,
		    const struct gate *g, struct diag *d)
{
	struct indicator_words *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (w == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	w->gate = g;
	for (int i = 0; i < WORD_STATEMENTS; i++) {
		if (sqlite3_prepare_v3(db, statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &w->st[i],
				       NULL) != SQLITE_OK) {
			indicator_words_free(w);
			return diag_set(d, ERR_IO, "indicators: %s",
					sqlite3_errmsg(db));
		}
	}
	*out = w;
	return ERR_OK;
}

void
indicator_words_free(struct indicator_words *w)
{
	if (w != NULL) {
		for (int i = 0; i < WORD_STATEMENTS; i++) {
			sqlite3_finalize(w->st[i]);
		}
		free(w);
	}
}

static void
refute(struct indicator_word *out, uint64_t until_us, const char *what,
       const char *which)
{
	out->refuted = true;
	out->until_us = until_us;
	snprintf(out->reason, sizeof(out->reason), "%s%s", what, which);
}

/* What its sources make of it. */
static enum err
ask_sources(struct indicator_words *w, int64_t id, uint64_t now_us,
	    struct indicator_word *out)
{
	static const char *const why[] = {
		[INDICATOR_REVOKED] = "revoked by its source",
		[INDICATOR_REPLACED] = "a newer version of it says otherwise",
		[INDICATOR_WITHDRAWN] = "its source's list has it no longer",
	};
	sqlite3_stmt *st = w->st[WORD_SOURCES];
	const char *gone = NULL;
	uint64_t until = 0;
	bool here = false;
	int rc;

	if (sql_bind(st, "i", id) != SQLITE_OK) {
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		unsigned g = (unsigned)sqlite3_column_int(st, 0);
		uint64_t end = sql_u64(st, 1);

		if (g != INDICATOR_HERE) {
			gone = why[MIN(g, (unsigned)INDICATOR_WITHDRAWN)];
		} else if (end == 0 || end > now_us) {
			here = true;
		} else {
			until = MAX(until, end);
		}
	}
	sqlite3_reset(st);
	if (rc == SQLITE_DONE && !here && until > 0) {
		refute(out, until, "its source says that it ran out before",
		       "");
	} else if (rc == SQLITE_DONE && !here && gone != NULL) {
		refute(out, 0, gone, "");
	}
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
ask_row(struct indicator_words *w, const char *value, uint64_t now_us,
	struct indicator_word *out)
{
	sqlite3_stmt *st = w->st[WORD_ROWS];
	int verdict = sqlite3_column_int(st, 2);
	const char *list;

	*out = (struct indicator_word){
		.confidence = (uint8_t)sqlite3_column_int(st, 4)
	};
	if (verdict == VERDICT_RELEASED) {
		return ERR_OK;
	}
	if (verdict == VERDICT_REMOVED || verdict == VERDICT_HELD) {
		refute(out, 0, sql_text(st, 3), "");
		return ERR_OK;
	}
	list = gate_allow_list(
		w->gate, (enum indicator_kind)sqlite3_column_int(st, 1), value);
	if (list != NULL) {
		refute(out, 0, "shared by many: on the allow list ", list);
		return ERR_OK;
	}
	return ask_sources(w, sqlite3_column_int64(st, 0), now_us, out);
}

/* Whether the row is that of 'text', of which 'n' bytes are its value's. */
static bool
is_of(sqlite3_stmt *st, const char *text, size_t n)
{
	struct view v = view_cstr(sql_text(st, 5));

	return (n < strlen(text) ? v.len > n : v.len == n) &&
	       view_caseeq(view_sub(v, 0, n), view_of(text, n));
}

enum err
indicator_word_of(struct indicator_words *w, const char *text, uint64_t now_us,
		  struct indicator_word *out)
{
	sqlite3_stmt *st = w->st[WORD_ROWS];
	enum err e = ERR_OK;
	int rc = SQLITE_DONE;
	unsigned n = 0;
	size_t len;
	int64_t key = sighting_key_value(text, &len);

	*out = (struct indicator_word){ .confidence =
						INDICATOR_CONFIDENCE_UNKNOWN };
	if (sql_bind(st, "i", key) != SQLITE_OK) {
		return ERR_IO;
	}
	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct indicator_word one;

		if (!is_of(st, text, len)) {
			continue;
		}
		e = ask_row(w, len < strlen(text) ? sql_text(st, 5) : text,
			    now_us, &one);
		if (e == ERR_OK && (n++ == 0 || !one.refuted)) {
			*out = one;
		}
		if (e == ERR_OK && !one.refuted) {
			rc = SQLITE_DONE;
			break;
		}
	}
	sqlite3_reset(st);
	return e == ERR_OK && rc != SQLITE_DONE ? ERR_IO : e;
}

enum err
indicator_words_since(struct indicator_words *w, uint64_t *change, unsigned max,
		      void (*fn)(void *arg, const char *value), void *arg,
		      bool *more)
{
	sqlite3_stmt *st = w->st[WORD_SINCE];
	unsigned n = 0;
	int rc;

	if (sql_bind(st, "uu", *change, (uint64_t)max) != SQLITE_OK) {
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		*change = sql_u64(st, 0);
		fn(arg, sql_text(st, 1));
		n++;
	}
	sqlite3_reset(st);
	*more = n == max;
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
