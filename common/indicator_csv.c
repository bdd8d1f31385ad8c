/* SPDX-License-Identifier: Apache-2.0 */
/* CSV as RFC 4180 has it, with a header row. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/indicator_lines.h"

#define MAX_COLUMNS 64

enum column {
	COL_TYPE,
	COL_VALUE,
	COL_SOURCE,
	COL_TLP,
	COL_RELEASABLE,
	COL_SEVERITY,
	COL_CONFIDENCE,
	COL_TACTIC,
	COL_DESCRIPTION,
	COL_LABELS,
	COL_VALID_FROM,
	COL_VALID_UNTIL,
	COL_ID,
	COL_TO_IDS,
	COL_COUNT
};

static const struct {
	const char *name;
	enum column col;
} column_names[] = {
	{ "type", COL_TYPE },
	{ "value", COL_VALUE },
	{ "source", COL_SOURCE },
	{ "tlp", COL_TLP },
	{ "releasable_to", COL_RELEASABLE },
	{ "severity", COL_SEVERITY },
	{ "confidence", COL_CONFIDENCE },
	{ "tactic", COL_TACTIC },
	{ "description", COL_DESCRIPTION },
	{ "labels", COL_LABELS },
	{ "valid_from", COL_VALID_FROM },
	{ "valid_until", COL_VALID_UNTIL },
	{ "id", COL_ID },
	{ "to_ids", COL_TO_IDS },
	/* what others call them */
	{ "indicator", COL_VALUE },
	{ "observable", COL_VALUE },
	{ "ioc", COL_VALUE },
	{ "kind", COL_TYPE },
	{ "indicator_type", COL_TYPE },
	{ "ioc_type", COL_TYPE },
	{ "marking", COL_TLP },
	{ "rel_to", COL_RELEASABLE },
	{ "comment", COL_DESCRIPTION },
	{ "tags", COL_LABELS },
	{ "attribute_tag", COL_LABELS },
	{ "event_tag", COL_LABELS },
	{ "expires", COL_VALID_UNTIL },
	{ "uuid", COL_ID },
};

/* Columns of one row; 'at' says which holds what, -1: none. */
struct csv {
	struct indicator_reading *r;
	struct indicator_lines *l;
	uint32_t line; /* where the row began */
	int at[COL_COUNT];
	bool has_labels[MAX_COLUMNS]; /* which may be several */
	char text[INDICATOR_LINE_CAP];
	size_t used;
	char *field[MAX_COLUMNS];
	size_t n;
};

/* How the splitting of a row stands at the end of a line. */
struct splitting {
	bool quoted, closed; /* within quotes; behind the closing one */
	const char *wrong;
};

static void
put(struct csv *c, char ch, struct splitting *s)
{
	if (c->used + 2 > sizeof(c->text)) {
		s->wrong = "row longer than 32 KiB";
		return;
	}
	c->text[c->used++] = ch;
}

static void
next_field(struct csv *c, struct splitting *s)
{
	put(c, '\0', s);
	s->closed = false;
	if (c->n == MAX_COLUMNS) {
		s->wrong = "more than 64 columns";
		return;
	}
	c->field[c->n++] = c->text + c->used;
}

/* Blanks may stand before a quote that opens a field. */
static bool
field_is_empty(const struct csv *c)
{
	const char *f = c->field[c->n - 1];

	return indicator_trimmed(view_of(f, (size_t)(c->text + c->used - f)))
		       .len == 0;
}

static void
split_line(struct csv *c, struct splitting *s, struct view row)
{
	for (size_t i = 0; i < row.len && s->wrong == NULL; i++) {
		char ch = (char)row.p[i];

		if (ch == '\0') {
			s->wrong = "NUL byte";
		} else if (s->quoted) {
			if (ch != '"') {
				put(c, ch, s);
			} else if (i + 1 < row.len && row.p[i + 1] == '"') {
				put(c, ch, s);
				i++;
			} else {
				s->quoted = false;
				s->closed = true;
			}
		} else if (ch == ',') {
			next_field(c, s);
		} else if (s->closed && ch != ' ' && ch != '\t') {
			s->wrong = "text behind a closing quote";
		} else if (ch == '"' && field_is_empty(c)) {
			c->used = (size_t)(c->field[c->n - 1] - c->text);
			s->quoted = true;
		} else if (!s->closed) {
			put(c, ch, s);
		}
	}
}

/*
 * Splits the row that begins with the line at hand.  A quoted field may go on
 * to further lines; where it never ends, or ends amid text, the line that began
 * it is bad and the next one begins a row of its own.  Returns NULL or what is
 * wrong.
 */
static const char *
split_row(struct csv *c)
{
	struct splitting s = { .wrong = c->l->cut ? "line longer than 32 KiB"
						  : NULL };
	uint64_t behind = block_read_offset(c->l->in);

	c->line = c->l->number;
	c->n = 1;
	c->used = 0;
	c->field[0] = c->text;
	for (;;) {
		struct view row = view_of(c->l->text, c->l->len);

		if (row.len > 0 && row.p[row.len - 1] == '\r') {
			row.len--;
		}
		if (s.wrong == NULL) {
			split_line(c, &s, row);
		}
		if (s.wrong != NULL || !s.quoted) {
			break;
		}
		put(c, '\n', &s);
		if (!indicator_next_line(c->l)) {
			s.wrong = "quote without end";
		} else if (c->l->cut) {
			s.wrong = "line longer than 32 KiB";
		}
	}
	if (s.wrong != NULL) {
		block_read_seek(c->l->in, behind);
		c->l->number = c->line;
		return s.wrong;
	}
	c->text[c->used] = '\0';
	return NULL;
}

static struct view
field(const struct csv *c, enum column col)
{
	int at = c->at[col];

	if (at < 0 || (size_t)at >= c->n) {
		return VIEW_NONE;
	}
	return indicator_trimmed(view_cstr(c->field[at]));
}

/* A trimmed field as a string of its own, within the row's buffer. */
static const char *
field_text(struct csv *c, enum column col)
{
	struct view v = field(c, col);
	char *text;

	if (v.len == 0) {
		return "";
	}
	text = c->text + ((const char *)v.p - c->text);
	text[MIN(v.len, INDICATOR_TEXT_CAP - 1)] = '\0';
	return text;
}

static struct view
column_title(const struct csv *c, size_t f)
{
	return indicator_trimmed(view_cstr(c->field[f]));
}

/* COL_COUNT: none that is known. */
static enum column
column_of(struct view title)
{
	for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
		if (view_caseeq(title, view_cstr(column_names[i].name))) {
			return column_names[i].col;
		}
	}
	return COL_COUNT;
}

/* What restricts an entry is in one column, or the other would be lost. */
static bool
is_said_once(enum column col)
{
	return col == COL_TLP || col == COL_RELEASABLE || col == COL_TO_IDS ||
	       col == COL_VALID_FROM || col == COL_VALID_UNTIL;
}

/* A title that stands twice leaves open which one counts; of those that are
 * not known the user is told, for a slip would lose the column. */
static void
check_columns(struct csv *c)
{
	char why[200];

	for (size_t f = 0; f < c->n && c->r->stop == ERR_OK; f++) {
		struct view title = column_title(c, f);
		enum column col = column_of(title);

		c->has_labels[f] = col == COL_LABELS;
		if (col == COL_COUNT && title.len > 0) {
			indicator_reading_doubt(c->r, c->line, NULL,
						"column '%.*s' is not known "
						"and passed over",
						(int)MIN(title.len, 40),
						title.p);
		}
		for (size_t g = 0; col != COL_COUNT && g < f; g++) {
			struct view other = column_title(c, g);

			if (view_caseeq(title, other) ||
			    (is_said_once(col) && column_of(other) == col)) {
				snprintf(why, sizeof(why),
					 "columns '%.*s' and '%.*s' say the "
					 "same; leave one",
					 (int)other.len, other.p,
					 (int)title.len, title.p);
				indicator_reading_stop(c->r, ERR_FORMAT, why);
			}
		}
	}
}

/* Whether the line at hand is a header row; learns the columns' places. */
static bool
take_header(struct csv *c)
{
	for (int i = 0; i < COL_COUNT; i++) {
		c->at[i] = -1;
	}
	memset(c->has_labels, 0, sizeof(c->has_labels));
	if (split_row(c) != NULL) {
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
		int *at = &c->at[column_names[i].col];

		for (size_t f = 0; *at < 0 && f < c->n; f++) {
			if (view_caseeq(column_title(c, f),
					view_cstr(column_names[i].name))) {
				*at = (int)f;
			}
		}
	}
	if (c->at[COL_TYPE] < 0 || c->at[COL_VALUE] < 0) {
		return false;
	}
	check_columns(c);
	return true;
}

static bool
take_dates(struct csv *c, struct indicator *n)
{
	const struct {
		enum column col;
		const char *name;
		uint64_t *to;
	} dates[] = { { COL_VALID_FROM, "valid_from", &n->valid_from_us },
		      { COL_VALID_UNTIL, "valid_until", &n->valid_until_us } };

	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		struct view v = field(c, dates[i].col);

		if (v.len > 0 && !clock_parse_iso(v, dates[i].to)) {
			indicator_reading_refuse(
				c->r, c->line, n->id,
				"%s '%.*s' is not an RFC 3339 time",
				dates[i].name, (int)MIN(v.len, 40), v.p);
			return false;
		}
	}
	return true;
}

/* Names parted by blanks, commas, ';' or '|'. */
static bool
take_names(struct csv *c, struct indicator *n, struct view list)
{
	struct marking m = { .tlp = TLP_CLEAR, .limited = true };
	const char *parts = " ,;|";
	size_t i = 0;

	while (i < list.len) {
		size_t from = i;

		while (i < list.len && strchr(parts, list.p[i]) == NULL) {
			i++;
		}
		if (i > from &&
		    marking_release_to(&m, view_sub(list, from, i - from)) !=
			    ERR_OK) {
			indicator_reading_refuse(
				c->r, c->line, n->id,
				"releasable_to '%.*s' is no list of at most "
				"%d names",
				(int)MIN(list.len, 60), list.p,
				MARKING_MAX_NAMES);
			return false;
		}
		i++;
	}
	if (!n->marked) {
		m.tlp = TLP_RED; /* names without a colour */
	}
	indicator_mark(n, &m);
	return true;
}

static bool
take_marking(struct csv *c, struct indicator *n)
{
	struct view tlp = field(c, COL_TLP);
	struct view names = field(c, COL_RELEASABLE);
	struct marking m = MARKING_CLEAR;
	struct diag d;

	if (tlp.len > 0) {
		if (!tlp_read(tlp, &m.tlp) &&
		    (memchr(tlp.p, '/', tlp.len) == NULL ||
		     marking_read(&m, tlp, &d) != ERR_OK)) {
			indicator_reading_refuse(
				c->r, c->line, n->id,
				"tlp '%.*s' is not clear, green, amber, "
				"amber+strict or red",
				(int)MIN(tlp.len, 40), tlp.p);
			return false;
		}
		indicator_mark(n, &m);
	}
	return names.len == 0 || take_names(c, n, names);
}

static bool
take_words(struct csv *c, struct indicator *n)
{
	struct view sev = field(c, COL_SEVERITY);
	struct view tactic = field(c, COL_TACTIC);
	struct view sure = field(c, COL_CONFIDENCE);

	if (sev.len > 0 && (n->severity = indicator_severity(sev)) == 0) {
		indicator_reading_refuse(
			c->r, c->line, n->id,
			"severity '%.*s' is not critical, high, medium, low, "
			"info or 1 to 255",
			(int)MIN(sev.len, 40), sev.p);
		return false;
	}
	if (tactic.len > 0 && (n->tactic = indicator_tactic(tactic)) == NULL) {
		indicator_reading_refuse(
			c->r, c->line, n->id,
			"tactic '%.*s' is no ATT&CK tactic such as TA0011 or "
			"command-and-control",
			(int)MIN(tactic.len, 40), tactic.p);
		return false;
	}
	if (sure.len > 0 && !indicator_confidence(sure, &n->confidence)) {
		indicator_reading_refuse(c->r, c->line, n->id,
					 "confidence '%.*s' is not 0 to 100, "
					 "low, medium or high",
					 (int)MIN(sure.len, 40), sure.p);
		return false;
	}
	return true;
}

static void
mark_labels(struct indicator *n, struct view all)
{
	for (size_t i = 0, from = 0; i <= all.len; i++) {
		if (i == all.len || all.p[i] == ',' || all.p[i] == ';') {
			indicator_mark_label(n, indicator_trimmed(view_sub(
							all, from, i - from)));
			from = i + 1;
		}
	}
}

/*
 * Labels are parted by ';' or by commas; handed on by commas.  One that is a
 * TLP marks as the column of that name does, in whichever column it stands.
 */
static void
take_labels(struct csv *c, struct indicator *n)
{
	const char *text;
	char *p;

	for (size_t f = 0; f < c->n; f++) {
		if (c->has_labels[f]) {
			mark_labels(n, view_cstr(c->field[f]));
		}
	}
	/* Cut if need be, and only then. */
	n->labels = text = field_text(c, COL_LABELS);
	p = c->text + (text[0] != '\0' ? text - c->text : 0);
	for (; text[0] != '\0' && *p != '\0'; p++) {
		*p = *p == ';' ? ',' : *p;
	}
}

/* MISP's lists have what is for detection and what is not. */
static bool
is_for_detection(const struct csv *c)
{
	static const char *const no[] = { "0", "false", "no" };
	struct view v = field(c, COL_TO_IDS);

	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		if (view_caseeq(v, view_cstr(no[i]))) {
			return false;
		}
	}
	return true;
}

static void
add_typed(struct csv *c, struct indicator *n, struct view type,
	  struct view value)
{
	const struct indicator_type *t = indicator_type_by_name(type);
	char plain[INDICATOR_VALUE_CAP];

	if (t == NULL) {
		indicator_refuse_type(c->r, c->line, n->id, type);
		return;
	}
	n->kind = t->kind;
	n->exact = t->exact;
	if (n->kind == INDICATOR_PATTERN) {
		indicator_reading_pattern(c->r, c->line, n, value);
		return;
	}
	if (n->kind == INDICATOR_IP || n->kind == INDICATOR_DOMAIN ||
	    n->kind == INDICATOR_URL) {
		value = indicator_refanged(value, plain);
	}
	indicator_reading_add(c->r, c->line, n, value);
}

/* Cuts 'all' at its first bar; false: it has none. */
static bool
cut_at_bar(struct view all, struct view *before, struct view *behind)
{
	const uint8_t *bar = all.len > 0 ? memchr(all.p, '|', all.len) : NULL;
	size_t at;

	if (bar == NULL) {
		return false;
	}
	at = (size_t)(bar - all.p);
	*before = view_sub(all, 0, at);
	*behind = view_sub(all, at + 1, all.len);
	return true;
}

/* MISP's types of two: "ip-dst|port", "filename|sha256", "domain|ip". */
static void
add_parts(struct csv *c, struct indicator *n)
{
	struct view type = field(c, COL_TYPE), value = field(c, COL_VALUE);
	struct view types[2], values[2];

	bool file, port;

	if (!cut_at_bar(type, &types[0], &types[1]) ||
	    !cut_at_bar(value, &values[0], &values[1])) {
		add_typed(c, n, type, value);
		return;
	}
	file = view_caseeq(types[0], VIEW_LIT("filename"));
	port = view_caseeq(types[1], VIEW_LIT("port"));
	if (file && port) {
		indicator_refuse_type(c->r, c->line, n->id, type);
		return;
	}
	if (!file) {
		add_typed(c, n, types[0], values[0]);
	}
	if (!port) {
		add_typed(c, n, types[1], values[1]);
	}
}

static void
read_row(struct csv *c)
{
	struct indicator n = indicator_blank(c->r);

	n.id = field_text(c, COL_ID);
	if (strlen(n.id) >= INDICATOR_ID_CAP) {
		indicator_reading_refuse(c->r, c->line, NULL,
					 "an id that is too long");
		return;
	}
	if (!is_for_detection(c)) {
		indicator_reading_refuse(
			c->r, c->line, n.id,
			"to_ids is not set: not for detection");
		return;
	}
	n.description = field_text(c, COL_DESCRIPTION);
	take_labels(c, &n);
	n.source = field_text(c, COL_SOURCE);
	if (n.source[0] == '\0') {
		n.source = c->r->source;
	}
	if (take_marking(c, &n) && take_words(c, &n) && take_dates(c, &n)) {
		add_parts(c, &n);
	}
}

static void
read_rows(struct csv *c)
{
	while (c->r->stop == ERR_OK && indicator_next_line(c->l)) {
		struct view line =
			indicator_trimmed(view_of(c->l->text, c->l->len));
		const char *wrong;

		if (line.len == 0 || line.p[0] == '#') {
			continue;
		}
		wrong = split_row(c);
		if (wrong != NULL) {
			indicator_reading_refuse(c->r, c->line, NULL, "%s",
						 wrong);
			continue;
		}
		read_row(c);
	}
}

bool
indicator_read_csv(struct indicator_reading *r, struct indicator_lines *l)
{
	struct csv *c = malloc(sizeof(*c));
	bool is_csv;

	if (c == NULL) {
		indicator_reading_stop(r, ERR_NOMEM, "out of memory");
		return true;
	}
	c->r = r;
	c->l = l;
	is_csv = take_header(c);
	if (is_csv) {
		read_rows(c);
	}
	free(c);
	return is_csv;
}
