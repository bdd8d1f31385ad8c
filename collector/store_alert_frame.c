/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as rows, read out of the frame that holds them. */
#include "collector/store_search.h"

#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------- what passes */

/* Whether 'part' stands in 'text'; ASCII letters of either case are one. */
static bool
has_text(struct view text, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= text.len; i++) {
		size_t k = 0;

		while (k < n && ascii_lower(text.p[i + k]) ==
					ascii_lower((uint8_t)part[k])) {
			k++;
		}
		if (k == n) {
			return true;
		}
	}
	return false;
}

static bool
in_scope(const struct store_alert_filter *f, struct view exercise)
{
	switch (f->scope) {
	case STORE_REAL:
		return exercise.len == 0;
	case STORE_EXERCISE:
		return f->exercise != NULL
			       ? view_eq(exercise, view_cstr(f->exercise))
			       : exercise.len != 0;
	default:
		return true;
	}
}

static bool
passes(const struct store_alert_filter *f, const struct alert *a)
{
	return in_scope(f, a->exercise) && (f->sid == 0 || a->sid == f->sid) &&
	       (f->max_severity == 0 ||
		(a->severity != 0 && a->severity <= f->max_severity)) &&
	       (f->from_us == 0 || a->timestamp_us >= f->from_us) &&
	       (f->to_us == 0 || a->timestamp_us < f->to_us) &&
	       (!f->has_addr || addr_eq(&a->src, &f->addr) ||
		addr_eq(&a->dst, &f->addr)) &&
	       (f->text == NULL || has_text(a->signature, f->text));
}

static bool
in_range(const struct query_term *t, uint64_t v)
{
	return v >= t->lo && v <= t->hi;
}

static bool
is_indicator(const struct query_term *t, const struct alert *a)
{
	char whole[512];
	struct view v = a->indicator.value.len != 0 ? a->indicator.value
						    : a->indicator.id;
	int n;

	if (!a->has_indicator) {
		return false;
	}
	n = snprintf(whole, sizeof(whole), "%.*s:%.*s",
		     (int)MIN(a->indicator.type.len, (size_t)64),
		     (const char *)a->indicator.type.p,
		     (int)MIN(v.len, (size_t)400), (const char *)v.p);
	return query_text_matches(t, v) ||
	       query_text_matches(t, view_of(whole, (size_t)n));
}

/* True for what groups tell exactly: it was asked of them. */
static bool
term_passes(const struct query_term *t, const struct alert *a,
	    struct view sensor)
{
	switch (t->field) {
	case QUERY_SENSOR:
		return query_text_matches(t, sensor) != t->negated;
	case QUERY_SEV:
		return in_range(t, a->severity) != t->negated;
	case QUERY_PORT:
		return (in_range(t, a->src_port) || in_range(t, a->dst_port)) !=
		       t->negated;
	case QUERY_SPORT:
		return in_range(t, a->src_port) != t->negated;
	case QUERY_DPORT:
		return in_range(t, a->dst_port) != t->negated;
	case QUERY_PROTO:
		return query_text_matches(t, a->proto) != t->negated;
	case QUERY_APP:
		return query_text_matches(t, a->app_proto) != t->negated;
	case QUERY_IOC:
		return is_indicator(t, a) != t->negated;
	case QUERY_FROM:
		return (a->timestamp_us >= t->lo) != t->negated;
	case QUERY_TO:
		return (a->timestamp_us < t->lo) != t->negated;
	default:
		return true;
	}
}

bool
store_search_passes(const struct query *q, const struct alert *a,
		    struct view sensor)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (!term_passes(&q->t[i], a, sensor)) {
			return false;
		}
	}
	return true;
}

/* ---------------------------------------------------- a line as a row */

/* The number of a text; 0 when the store has none. */
static int64_t
name_of(struct search *s, struct view text)
{
	sqlite3_stmt *st = s->q[Q_NAME];
	int64_t id = 0;

	if (sql_bind(st, "v", text) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
	}
	sqlite3_reset(st);
	return id;
}

static int64_t
signature_of(struct search *s, const struct alert *a)
{
	sqlite3_stmt *st = s->q[Q_SIGNATURE];
	int64_t id = 0;

	if (sql_bind(st, "uuuvv", (uint64_t)a->gid, (uint64_t)a->sid,
		     (uint64_t)a->rev, a->signature,
		     a->category) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
	}
	sqlite3_reset(st);
	return id;
}

/* What is known of the alert's ends, as its group has it; left in Q_GROUP,
 * which the caller resets.  The group's number; 0: it has none. */
static int64_t
find_info(struct search *s, const struct alert *a, struct store_alert *out)
{
	struct store_group_key key = {
		.signature = signature_of(s, a),
		.site = name_of(s, view_cstr(out->site)),
		.exercise = name_of(s, a->exercise),
		.src = a->src,
		.dst = a->dst,
	};
	sqlite3_stmt *st = s->q[Q_GROUP];

	out->src_info = out->dst_info = "{}";
	if (sql_bind(st, "i", (int64_t)store_group_hash(&key)) != SQLITE_OK) {
		return 0;
	}
	while (sqlite3_step(st) == SQLITE_ROW) {
		struct addr src = sql_addr(st, 3), dst = sql_addr(st, 4);

		if (sqlite3_column_int64(st, 0) == key.signature &&
		    sqlite3_column_int64(st, 1) == key.site &&
		    sqlite3_column_int64(st, 2) == key.exercise &&
		    addr_eq(&src, &key.src) && addr_eq(&dst, &key.dst)) {
			if (sql_text(st, 5)[0] != '\0') {
				out->src_info = sql_text(st, 5);
				out->dst_info = sql_text(st, 6);
			}
			return sqlite3_column_int64(st, 7);
		}
	}
	return 0;
}

/* Whether the alert's group is one of those that a query is for. */
static bool
is_asked_for(const struct search *s, int64_t group)
{
	size_t at = (size_t)group / 8;

	return (s->f->group == 0 &&
		(s->f->query == NULL || s->f->query->n == 0)) ||
	       (at < s->n_passing && (s->passing[at] >> group % 8 & 1) != 0);
}

/* Appends 'v' and a NUL; where it begins. */
static size_t
keep_text(struct search *s, struct view v)
{
	size_t at = s->text.len;

	json_append(&s->text, v);
	json_append(&s->text, view_of("", 1));
	return at;
}

enum {
	T_EXERCISE,
	T_TLP,
	T_PROTO,
	T_APP,
	T_SIGNATURE,
	T_CATEGORY,
	T_IND,
	T_RAW,
	T_COUNT
};

static enum err
give_row(struct search *s, const struct alert *a, int64_t id, struct view line,
	 struct store_alert *row)
{
	size_t at[T_COUNT];
	const char *p;

	json_reset(&s->text);
	at[T_EXERCISE] = keep_text(s, a->exercise);
	at[T_TLP] = keep_text(s, a->tlp);
	at[T_PROTO] = keep_text(s, a->proto);
	at[T_APP] = keep_text(s, a->app_proto);
	at[T_SIGNATURE] = keep_text(s, a->signature);
	at[T_CATEGORY] = keep_text(s, a->category);
	at[T_IND] = s->text.len;
	if (a->has_indicator) {
		json_append(&s->text, a->indicator.type);
		json_append(&s->text, VIEW_LIT(":"));
		json_append(&s->text, a->indicator.value.len != 0
					      ? a->indicator.value
					      : a->indicator.id);
	}
	json_append(&s->text, view_of("", 1));
	at[T_RAW] = keep_text(s, s->f->raw ? line : VIEW_NONE);
	if (s->text.failed) {
		return ERR_NOMEM;
	}
	p = s->text.p;
	row->id = id;
	row->timestamp_us = a->timestamp_us;
	row->exercise = p + at[T_EXERCISE];
	row->tlp = p + at[T_TLP];
	row->src = a->src;
	row->dst = a->dst;
	row->src_port = a->src_port;
	row->dst_port = a->dst_port;
	row->proto = p + at[T_PROTO];
	row->app_proto = p + at[T_APP];
	row->gid = a->gid;
	row->sid = a->sid;
	row->rev = a->rev;
	row->severity = a->severity;
	row->signature = p + at[T_SIGNATURE];
	row->category = p + at[T_CATEGORY];
	row->indicator = p + at[T_IND];
	row->past_first_us = a->has_past ? a->past_first_us : 0;
	row->past_last_us = a->has_past ? a->past_last_us : 0;
	row->past_count = a->past_count;
	row->past_hosts = a->has_past ? a->past_hosts : 0;
	row->raw = p + at[T_RAW];
	if (is_asked_for(s, find_info(s, a, row))) {
		s->fn(s->arg, row);
		s->left--;
	}
	sqlite3_reset(s->q[Q_GROUP]);
	return ERR_OK;
}

/* -------------------------------------------------------------- a frame */

/* Where the frame's alerts are; how many. */
static enum err
find_lines(struct search *s, struct view raw, struct view others, size_t *n)
{
	uint64_t line = 0, other = 0, step;

	*n = 0;
	other = store_varint_get(&others, &step) ? step : UINT64_MAX;
	for (size_t at = 0; at < raw.len;) {
		const uint8_t *nl = memchr(raw.p + at, '\n', raw.len - at);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;

		if (end > at && ++line == other) {
			other = store_varint_get(&others, &step) ? other + step
								 : UINT64_MAX;
		} else if (end > at) {
			if (*n == s->lines_cap) {
				size_t cap = MAX(2 * *n, (size_t)256);
				struct line *p =
					realloc(s->lines, cap * sizeof(*p));

				if (p == NULL) {
					return ERR_NOMEM;
				}
				s->lines = p;
				s->lines_cap = cap;
			}
			s->lines[(*n)++] = (struct line){ at, end - at };
		}
		at = end + 1;
	}
	return ERR_OK;
}

/* The alerts of the frame in Q_FRAME's row that pass, last one first. */
static enum err
look_at_row(struct search *s, sqlite3_stmt *st)
{
	const struct store_alert_filter *f = s->f;
	struct store_alert row = { .site = sql_text(st, 0),
				   .sensor = sql_text(st, 1) };
	int64_t first;
	struct view raw;
	size_t n;
	enum err e = ERR_OK;

	if ((f->site != NULL && strcmp(f->site, row.site) != 0) ||
	    (f->sensor != NULL && strcmp(f->sensor, row.sensor) != 0)) {
		return ERR_OK;
	}
	e = frame_unpack(s->codec,
			 view_of(sqlite3_column_blob(st, 2),
				 (size_t)sqlite3_column_bytes(st, 2)),
			 (uint32_t)sqlite3_column_int64(st, 3), &raw, NULL);
	if (e != ERR_OK) {
		/* Damaged: nothing of it can be shown. */
		return e == ERR_NOMEM ? e : ERR_OK;
	}
	first = sqlite3_column_int64(st, 4);
	e = find_lines(s, raw,
		       view_of(sqlite3_column_blob(st, 5),
			       (size_t)sqlite3_column_bytes(st, 5)),
		       &n);
	while (e == ERR_OK && n-- > 0 && s->left > 0) {
		struct view line =
			view_sub(raw, s->lines[n].off, s->lines[n].len);
		int64_t id = first + (int64_t)n;
		enum eve_kind kind;
		struct alert a;
		const char *why;

		if ((f->before_id > 0 && id >= f->before_id) ||
		    (f->after_id > 0 && id <= f->after_id)) {
			continue;
		}
		kind = eve_parse(s->eve, line, &a, &why);
		if (kind == EVE_BAD && eve_no_memory(s->eve)) {
			e = ERR_NOMEM;
			break;
		}
		if (kind != EVE_ALERT || !passes(f, &a) ||
		    (f->query != NULL &&
		     !store_search_passes(f->query, &a,
					  view_cstr(row.sensor)))) {
			continue;
		}
		e = give_row(s, &a, id, line, &row);
	}
	return e;
}

enum err
store_search_frame(struct search *s, int64_t frame)
{
	sqlite3_stmt *st = s->q[Q_FRAME];
	enum err e = ERR_IO;
	int rc;

	if (sql_bind(st, "i", frame) == SQLITE_OK) {
		rc = sqlite3_step(st);
		e = rc == SQLITE_ROW    ? look_at_row(s, st)
		    : rc == SQLITE_DONE ? ERR_OK
					: ERR_IO;
	}
	sqlite3_reset(st);
	return e;
}
