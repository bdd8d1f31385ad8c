/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store_sql.h"

#define MAX_VALUE 200 /* bytes of a value that is offered */

/* The word in which the cursor stands. */
struct spot {
	size_t from, to; /* bytes of the query */
	char head[64]; /* "-@sid:" as it was written, or "-" */
	enum query_field field; /* QUERY_WORD: no field yet */
	char begun[128]; /* of the name or value, up to the cursor */
};

/* Where the word around 'at' begins: blanks in quotes are part of it. */
static size_t
word_begin(const char *text, size_t at)
{
	size_t from = 0;
	bool quoted = false;

	for (size_t i = 0; i < at; i++) {
		quoted ^= text[i] == '"' && (i == 0 || text[i - 1] != '\\');
		if (!quoted && (text[i] == ' ' || text[i] == '\t')) {
			from = i + 1;
		}
	}
	return from;
}

static void
find_spot(const char *text, size_t at, struct spot *s)
{
	const char *word, *colon;
	size_t n;

	*s = (struct spot){ .from = word_begin(text, at), .to = at };
	word = text + s->from;
	n = at - s->from;
	colon = memchr(word, ':', n);
	for (unsigned f = QUERY_WORD + 1; colon != NULL && f < QUERY_FIELDS;
	     f++) {
		size_t skip = strspn(word, "-@");
		struct view name =
			view_of(word + MIN(skip, n),
				(size_t)(colon - word) -
					MIN(skip, (size_t)(colon - word)));

		if (view_caseeq(name, view_cstr(query_field_name(
					      (enum query_field)f)))) {
			s->field = (enum query_field)f;
		}
	}
	n = s->field != QUERY_WORD ? (size_t)(colon - word) + 1
				   : strspn(word, "-@");
	snprintf(s->head, sizeof(s->head), "%.*s", (int)MIN(n, (size_t)60),
		 word);
	n = MIN(n, at - s->from);
	n += word[n] == '"' && n < at - s->from;
	snprintf(s->begun, sizeof(s->begun), "%.*s",
		 (int)MIN(at - s->from - n, sizeof(s->begun) - 1), word + n);
}

static void
put_item(struct json *j, const struct spot *s, const char *value,
	 const char *what, bool quote)
{
	json_obj(j, NULL);
	json_str_begin(j, "text");
	json_str_part(j, view_cstr(s->head));
	json_str_part(j, view_cstr(quote ? "\"" : ""));
	while (*value != '\0') {
		/* Up to what needs a stroke before it, and that too. */
		size_t n =
			quote ? 1 + strcspn(value + 1, "\"\\") : strlen(value);

		if (quote && (*value == '"' || *value == '\\')) {
			json_str_part(j, VIEW_LIT("\\"));
		}
		json_str_part(j, view_of(value, n));
		value += n;
	}
	json_str_part(j, view_cstr(quote ? "\"" : ""));
	json_str_end(j);
	json_cstr(j, "what", what);
	json_obj_end(j);
}

static bool
begins(const char *text, const char *with)
{
	size_t n = strlen(with);

	return strlen(text) >= n &&
	       view_caseeq(view_of(text, n), view_cstr(with));
}

static void
put_fields(struct json *j, const struct spot *s)
{
	char name[32];

	for (unsigned f = QUERY_WORD + 1; f < QUERY_FIELDS; f++) {
		if (begins(query_field_name((enum query_field)f), s->begun)) {
			snprintf(name, sizeof(name),
				 "%s:", query_field_name((enum query_field)f));
			put_item(j, s, name,
				 query_field_words((enum query_field)f), false);
		}
	}
}

static void
put_states(struct json *j, const struct spot *s)
{
	for (unsigned i = 0; i < QUERY_STATES; i++) {
		const char *name = query_is_name((enum query_is)i);

		if (begins(name, s->begun)) {
			put_item(j, s, name, "", false);
		}
	}
}

/* Values that the store has, and what stands beside them; ?1 as they begin. */
static const char *const values[QUERY_FIELDS] = {
	[QUERY_SITE] = "SELECT DISTINCT site,'' FROM sensors WHERE"
		       " instr(lower(site),lower(?1))=1 ORDER BY 1 LIMIT 20",
	[QUERY_SENSOR] = "SELECT DISTINCT sensor,site FROM sensors WHERE"
			 " instr(lower(sensor),lower(?1))=1 ORDER BY 1"
			 " LIMIT 20",
	[QUERY_OWNER] = "SELECT DISTINCT owner,'' FROM sensors WHERE owner<>''"
			" AND instr(lower(owner),lower(?1))=1 ORDER BY 1"
			" LIMIT 20",
	[QUERY_EXERCISE] = "SELECT name,state FROM exercises WHERE"
			   " instr(lower(name),lower(?1))=1 ORDER BY id DESC"
			   " LIMIT 20",
	[QUERY_MISSION] = "SELECT DISTINCT mission,'' FROM mission_assets"
			  " WHERE instr(lower(mission),lower(?1))=1 ORDER BY 1"
			  " LIMIT 20",
	[QUERY_SID] = "SELECT DISTINCT sid,text FROM signatures WHERE"
		      " instr(sid,?1)=1 ORDER BY 1 LIMIT 20",
	/* Any part of a rule's text is remembered, not how it begins. */
	[QUERY_SIG] = "SELECT DISTINCT text,sid FROM signatures WHERE"
		      " instr(lower(text),lower(?1))>0 ORDER BY 1 LIMIT 20",
};

static bool
has_control(const char *s)
{
	while (*s != '\0' && (uint8_t)*s >= ' ' && *s != 0x7f) {
		s++;
	}
	return *s != '\0';
}

static enum err
put_values(struct question *q, const struct spot *s)
{
	sqlite3_stmt *st = store_reader_prepare(q->store, values[s->field]);
	int rc = SQLITE_ERROR;

	if (st == NULL || sql_bind(st, "t", s->begun) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *v = sql_text(st, 0);

		/* What cannot be typed is not offered. */
		if (strlen(v) <= MAX_VALUE && !has_control(v)) {
			put_item(q->j, s, v, sql_text(st, 1),
				 strpbrk(v, " \t\"\\") != NULL);
		}
	}
	return store_reader_finish(st, rc);
}

unsigned
console_suggest(struct question *q)
{
	const char *text = question_text(q, "q");
	const char *at = question_text(q, "at");
	size_t n, len;
	struct spot s;
	enum err e = ERR_OK;

	text = text != NULL ? text : "";
	len = strlen(text);
	if (len > QUERY_MAX_LEN ||
	    (at != NULL && strspn(at, "0123456789") != strlen(at))) {
		return question_refuse(q->j, 400,
				       "q: too long, or at: no number");
	}
	n = at != NULL ? (size_t)MIN(strtoull(at, NULL, 10),
				     (unsigned long long)len)
		       : len;
	find_spot(text, n, &s);
	json_obj(q->j, NULL);
	json_u64(q->j, "from", s.from);
	json_u64(q->j, "to", s.to);
	json_arr(q->j, "items");
	if (s.field == QUERY_WORD) {
		put_fields(q->j, &s);
	} else if (s.field == QUERY_IS) {
		put_states(q->j, &s);
	} else if (values[s.field] != NULL) {
		e = put_values(q, &s);
	}
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e == ERR_OK ? 200 : question_failure(q->j, e);
}
