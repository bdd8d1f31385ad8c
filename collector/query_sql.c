/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/query_sql.h"

#include <stdio.h>
#include <string.h>

/* '@1' is the term's first parameter, '@2' its second. */
#define NAMES_LIKE "(SELECT id FROM names WHERE lower(text) GLOB ?@1)"
#define RULES(condition) \
	"h.signature IN (SELECT id FROM signatures WHERE " condition ")"
#define BETWEEN(column) "h." column " BETWEEN ?@1 AND ?@2"
#define NAMES_OF_MISSION \
	"(SELECT id FROM names WHERE text GLOB '{*' AND json_valid(text) AND" \
	" EXISTS(SELECT 1 FROM json_each(names.text,'$.missions') m WHERE" \
	" lower(m.value) GLOB ?@1))"

static const char *const conditions[QUERY_FIELDS] = {
	[QUERY_WORD] = RULES("lower(text) GLOB ?@1 OR lower(category) GLOB"
			     " ?@1") " OR h.site IN " NAMES_LIKE
				     " OR h.src_info IN " NAMES_LIKE
				     " OR h.dst_info IN " NAMES_LIKE,
	[QUERY_SITE] = "h.site IN " NAMES_LIKE,
	[QUERY_SID] = RULES("sid BETWEEN ?@1 AND ?@2"),
	[QUERY_GID] = RULES("gid BETWEEN ?@1 AND ?@2"),
	[QUERY_SIG] = RULES("lower(text) GLOB ?@1"),
	[QUERY_SEV] = BETWEEN("severity"),
	[QUERY_IP] = BETWEEN("src") " OR " BETWEEN("dst"),
	[QUERY_SRC] = BETWEEN("src"),
	[QUERY_DST] = BETWEEN("dst"),
	[QUERY_EXERCISE] = "h.exercise IN " NAMES_LIKE,
	[QUERY_OWNER] = "h.site IN (SELECT n1.id FROM sensors s1 JOIN names n1"
			" ON n1.text=s1.site WHERE lower(s1.owner) GLOB"
			" ?@1)",
	[QUERY_MISSION] = "h.src_info IN " NAMES_OF_MISSION
			  " OR h.dst_info IN " NAMES_OF_MISSION,
	[QUERY_FROM] = "h.last_us>=?@1",
	[QUERY_TO] = "h.first_us<?@1",
};

static void
add_condition(struct store_query *q, const char *text, unsigned first)
{
	char piece[16];

	for (const char *at; (at = strchr(text, '@')) != NULL; text = at + 2) {
		store_query_add_part(q, view_of(text, (size_t)(at - text)));
		snprintf(piece, sizeof(piece), "%u",
			 at[1] == '1' ? first : first + 1);
		store_query_add(q, piece);
	}
	store_query_add(q, text);
}

static void
add_state(struct store_query *q, const struct query_sql *w, uint64_t state)
{
	switch (state) {
	case QUERY_ARCHIVED:
		store_query_add(q, w->archived);
		break;
	case QUERY_ESCALATED:
		store_query_add(q, "EXISTS(SELECT 1 FROM group_states x WHERE"
				   " x.grp=h.id AND x.escalated_us>0)");
		break;
	case QUERY_NEW:
		store_query_add(q, "NOT EXISTS(SELECT 1 FROM group_states x"
				   " WHERE x.grp=h.id)");
		break;
	default:
		store_query_add(q, "NOT ");
		store_query_add(q, w->archived);
		break;
	}
}

/* Severity and times of a group are those of its alerts together. */
static bool
is_inexact(const struct query_term *t)
{
	return t->negated && (t->field == QUERY_SEV || t->field == QUERY_FROM ||
			      t->field == QUERY_TO);
}

void
query_sql_add(struct store_query *q, const struct query_sql *w)
{
	for (unsigned i = 0; i < w->query->n; i++) {
		const struct query_term *t = &w->query->t[i];
		unsigned p = w->base + 2 * i;

		if (query_field_is_of_alert(t->field) ||
		    (w->coarse && is_inexact(t))) {
			continue;
		}
		store_query_add(q, t->negated ? " AND NOT (" : " AND (");
		if (t->field == QUERY_IS) {
			add_state(q, w, t->lo);
		} else if (w->coarse && t->field == QUERY_SEV) {
			/* Its worst; the others are milder. */
			add_condition(q, "h.severity<=?@2", p);
		} else {
			add_condition(q, conditions[t->field], p);
		}
		store_query_add(q, ")");
	}
}

/* As GLOB wants it: only '*' means more than itself. */
static void
pattern_of(const struct query_term *t, char *out, size_t cap)
{
	bool word = t->field == QUERY_WORD;
	size_t n = 0;

	if (word) {
		out[n++] = '*';
	}
	for (const char *p = t->text; *p != '\0' && n + 5 < cap; p++) {
		if (*p == '?' || *p == '[') {
			out[n++] = '[';
			out[n++] = *p;
			out[n++] = ']';
		} else {
			out[n++] = *p;
		}
	}
	if (word) {
		out[n++] = '*';
	}
	out[n] = '\0';
}

static int
bind_term(sqlite3_stmt *st, const struct query_term *t, int p)
{
	char pattern[3 * QUERY_MAX_LEN + 16];
	int rc;

	switch (t->field) {
	case QUERY_SID:
	case QUERY_GID:
	case QUERY_SEV:
	case QUERY_FROM:
	case QUERY_TO:
		rc = sqlite3_bind_int64(
			st, p, (int64_t)MIN(t->lo, (uint64_t)INT64_MAX));
		if (rc == SQLITE_OK && p < sqlite3_bind_parameter_count(st)) {
			rc = sqlite3_bind_int64(st, p + 1, (int64_t)t->hi);
		}
		return rc;
	case QUERY_IP:
	case QUERY_SRC:
	case QUERY_DST:
		rc = sqlite3_bind_blob(st, p, t->first.b, sizeof(t->first.b),
				       SQLITE_TRANSIENT);
		return rc != SQLITE_OK ? rc
				       : sqlite3_bind_blob(st, p + 1, t->last.b,
							   sizeof(t->last.b),
							   SQLITE_TRANSIENT);
	case QUERY_IS:
		return SQLITE_OK;
	default:
		pattern_of(t, pattern, sizeof(pattern));
		return sqlite3_bind_text(st, p, pattern, -1, SQLITE_TRANSIENT);
	}
}

int
query_sql_bind(sqlite3_stmt *st, const struct query_sql *w)
{
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < w->query->n && rc == SQLITE_OK; i++) {
		int p = (int)(w->base + 2 * i);

		/* What the text does not mention cannot be bound. */
		if (!query_field_is_of_alert(w->query->t[i].field) &&
		    p <= sqlite3_bind_parameter_count(st)) {
			rc = bind_term(st, &w->query->t[i], p);
		}
	}
	return rc;
}
