/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/indicator_reading.h"

#define MAX_COLUMNS 64
#define MAX_LINE ((size_t)16 << 10)

enum column {
	COL_TYPE,
	COL_VALUE,
	COL_SOURCE,
	COL_TLP,
	COL_SEVERITY,
	COL_TACTIC,
	COL_DESCRIPTION,
	COL_VALID_FROM,
	COL_VALID_UNTIL,
	COL_ID,
	COL_COUNT
};

static const char *const column_names[COL_COUNT] = {
	"type",   "value",       "source",     "tlp",         "severity",
	"tactic", "description", "valid_from", "valid_until", "id",
};

static const struct type_name {
	const char *name;
	enum indicator_kind kind;
	bool exact;
} type_names[] = {
	{ "ip", INDICATOR_IP, false },
	{ "ipv4", INDICATOR_IP, false },
	{ "ipv6", INDICATOR_IP, false },
	{ "ipv4-addr", INDICATOR_IP, false },
	{ "ipv6-addr", INDICATOR_IP, false },
	{ "ipv4-cidr", INDICATOR_IP, false },
	{ "ipv6-cidr", INDICATOR_IP, false },
	{ "cidr", INDICATOR_IP, false },
	{ "ip-src", INDICATOR_IP, false },
	{ "ip-dst", INDICATOR_IP, false },
	{ "domain", INDICATOR_DOMAIN, false },
	{ "domain-name", INDICATOR_DOMAIN, false },
	{ "hostname", INDICATOR_DOMAIN, true },
	{ "fqdn", INDICATOR_DOMAIN, true },
	{ "url", INDICATOR_URL, false },
	{ "ja3", INDICATOR_JA3, false },
	{ "ja3-fingerprint-md5", INDICATOR_JA3, false },
	{ "cert-sha1", INDICATOR_CERT_SHA1, false },
	{ "x509-fingerprint-sha1", INDICATOR_CERT_SHA1, false },
	{ "cert-sha256", INDICATOR_CERT_SHA256, false },
	{ "x509-fingerprint-sha256", INDICATOR_CERT_SHA256, false },
};

/* Columns of one row; 'at' says which holds what, -1: none. */
struct csv {
	int at[COL_COUNT];
	char line[MAX_LINE];
	char *field[MAX_COLUMNS];
	size_t n;
};

static struct view
trimmed(struct view v)
{
	while (v.len > 0 && isspace(v.p[v.len - 1])) {
		v.len--;
	}
	while (v.len > 0 && isspace(v.p[0])) {
		v = view_sub(v, 1, v.len);
	}
	return v;
}

static bool
next_line(struct view *data, struct view *line)
{
	const uint8_t *end;
	size_t n;

	if (data->len == 0) {
		return false;
	}
	end = memchr(data->p, '\n', data->len);
	n = end != NULL ? (size_t)(end - data->p) : data->len;
	*line = view_of(data->p, n);
	*data = view_sub(*data, n + 1, data->len);
	return true;
}

/*
 * Splits a row at its commas (RFC 4180; a quoted field may not run on to the
 * next line).  Returns NULL or what is wrong with the row.
 */
static const char *
split_row(struct csv *c, struct view row)
{
	char *out = c->line;
	bool quoted = false;

	if (row.len >= sizeof(c->line)) {
		return "line longer than 16 KiB";
	}
	c->n = 1;
	c->field[0] = out;
	for (size_t i = 0; i < row.len; i++) {
		char ch = (char)row.p[i];

		if (ch == '\0') {
			return "NUL byte";
		}
		if (quoted && ch == '"' && i + 1 < row.len &&
		    row.p[i + 1] == '"') {
			*out++ = '"';
			i++;
		} else if (ch == '"') {
			quoted = !quoted;
		} else if (ch == ',' && !quoted) {
			*out++ = '\0';
			if (c->n == MAX_COLUMNS) {
				return "more than 64 columns";
			}
			c->field[c->n++] = out;
		} else {
			*out++ = ch;
		}
	}
	*out = '\0';
	return quoted ? "quote without end" : NULL;
}

static struct view
field(const struct csv *c, enum column col)
{
	int at = c->at[col];

	if (at < 0 || (size_t)at >= c->n) {
		return VIEW_NONE;
	}
	return trimmed(view_cstr(c->field[at]));
}

/* Whether 'line' is a header row; learns the columns' places from it. */
static bool
take_header(struct csv *c, struct view line)
{
	for (int i = 0; i < COL_COUNT; i++) {
		c->at[i] = -1;
	}
	if (split_row(c, trimmed(line)) != NULL) {
		return false;
	}
	for (size_t f = 0; f < c->n; f++) {
		struct view name = trimmed(view_cstr(c->field[f]));

		for (int i = 0; i < COL_COUNT; i++) {
			if (c->at[i] < 0 &&
			    view_caseeq(name, view_cstr(column_names[i]))) {
				c->at[i] = (int)f;
			}
		}
	}
	return c->at[COL_TYPE] >= 0 && c->at[COL_VALUE] >= 0;
}

static const struct type_name *
type_by_name(struct view word)
{
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
		if (view_caseeq(word, view_cstr(type_names[i].name))) {
			return &type_names[i];
		}
	}
	return NULL;
}

static void
refuse_type(struct indicator_reading *r, uint32_t line, const char *id,
	    struct view word)
{
	static const char *const file_hashes[] = { "md5", "sha1", "sha256",
						   "sha512", "file" };

	for (size_t i = 0; i < ARRAY_LEN(file_hashes); i++) {
		if (view_caseeq(word, view_cstr(file_hashes[i]))) {
			indicator_reading_refuse(
				r, line, id, "type '%s': no file hashing yet",
				file_hashes[i]);
			return;
		}
	}
	indicator_reading_refuse(
		r, line, id,
		"type '%.*s' is not known; known are ip, domain, "
		"hostname, url, ja3, cert-sha1 and cert-sha256",
		(int)MIN(word.len, 40), word.p);
}

static bool
take_dates(struct indicator_reading *r, uint32_t line, const struct csv *c,
	   struct indicator *n)
{
	const struct {
		enum column col;
		uint64_t *to;
	} dates[] = { { COL_VALID_FROM, &n->valid_from_us },
		      { COL_VALID_UNTIL, &n->valid_until_us } };

	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		struct view v = field(c, dates[i].col);

		if (v.len > 0 && !clock_parse_iso(v, dates[i].to)) {
			indicator_reading_refuse(
				r, line, n->id,
				"%s '%.*s' is not an RFC 3339 time",
				column_names[dates[i].col], (int)MIN(v.len, 40),
				v.p);
			return false;
		}
	}
	return true;
}

static bool
take_words(struct indicator_reading *r, uint32_t line, const struct csv *c,
	   struct indicator *n)
{
	struct view tlp = field(c, COL_TLP), sev = field(c, COL_SEVERITY);
	struct view tactic = field(c, COL_TACTIC);

	const char *tactic_id = "";
	enum tlp t;

	if (tlp.len > 0 && !tlp_read(tlp, &t)) {
		indicator_reading_refuse(
			r, line, n->id,
			"tlp '%.*s' is not clear, green, amber, "
			"amber+strict or red",
			(int)MIN(tlp.len, 40), tlp.p);
		return false;
	}
	if (tlp.len > 0) {
		indicator_mark(n, t);
	}
	if (sev.len > 0 && (n->severity = indicator_severity(sev)) == 0) {
		indicator_reading_refuse(
			r, line, n->id,
			"severity '%.*s' is not critical, high, "
			"medium, low, info or 1 to 255",
			(int)MIN(sev.len, 40), sev.p);
		return false;
	}
	if (tactic.len > 0 && (tactic_id = indicator_tactic(tactic)) == NULL) {
		indicator_reading_refuse(
			r, line, n->id,
			"tactic '%.*s' is no ATT&CK tactic such as "
			"TA0011 or command-and-control",
			(int)MIN(tactic.len, 40), tactic.p);
		return false;
	}
	n->tactic = tactic_id;
	return true;
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
	text = c->line + ((const char *)v.p - c->line);
	text[v.len] = '\0';
	return text;
}

static void
read_row(struct indicator_reading *r, uint32_t line, struct csv *c)
{
	struct view type = field(c, COL_TYPE), value = field(c, COL_VALUE);
	const struct type_name *t = type_by_name(type);
	struct indicator n = indicator_blank(r);

	n.id = field_text(c, COL_ID);
	if (t == NULL) {
		refuse_type(r, line, n.id, type);
		return;
	}
	n.kind = t->kind;
	n.exact = t->exact;
	n.description = field_text(c, COL_DESCRIPTION);
	n.source = field_text(c, COL_SOURCE);
	if (n.source[0] == '\0') {
		n.source = r->source;
	}
	if (take_words(r, line, c, &n) && take_dates(r, line, c, &n)) {
		indicator_reading_add(r, line, &n, value);
	}
}

static void
read_csv(struct indicator_reading *r, struct csv *c, struct view data,
	 uint32_t number)
{
	struct view line;

	while (r->stop == ERR_OK && next_line(&data, &line)) {
		const char *wrong;

		number++;
		line = trimmed(line);
		if (line.len == 0 || line.p[0] == '#') {
			continue;
		}
		wrong = split_row(c, line);
		if (wrong != NULL) {
			indicator_reading_refuse(r, number, NULL, "%s", wrong);
			continue;
		}
		read_row(r, number, c);
	}
}

static bool
all_hex(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (!isxdigit(v.p[i])) {
			return false;
		}
	}
	return true;
}

/* What a bare value is; NULL when only its owner can know. */
static const struct type_name *
guess_type(struct view v)
{
	struct cidr net;

	if (cidr_parse(v, &net)) {
		return type_by_name(VIEW_LIT("ip"));
	}
	if (memchr(v.p, '/', v.len) != NULL) {
		return type_by_name(VIEW_LIT("url"));
	}
	if ((v.len == 32 || v.len == 40 || v.len == 64) && all_hex(v)) {
		return NULL;
	}
	return type_by_name(VIEW_LIT("domain"));
}

/* "# type: ja3" settles what the values below it are. */
static void
take_directive(struct indicator_reading *r, uint32_t number, struct view line,
	       const struct type_name **fixed)
{
	struct view word = trimmed(view_sub(line, 1, line.len));

	if (word.len < 5 ||
	    !view_caseeq(view_sub(word, 0, 5), VIEW_LIT("type:"))) {
		return;
	}
	word = trimmed(view_sub(word, 5, word.len));
	*fixed = type_by_name(word);
	if (*fixed == NULL) {
		refuse_type(r, number, NULL, word);
	}
}

static void
read_value(struct indicator_reading *r, uint32_t number, struct view line,
	   const struct type_name *fixed)
{
	struct indicator n = indicator_blank(r);
	const struct type_name *t;
	struct view value = line, rest;
	size_t i = 0;

	while (i < line.len && !isspace(line.p[i])) {
		i++;
	}
	value = view_of(line.p, i);
	rest = trimmed(view_sub(line, i, line.len));
	if (rest.len > 0 && rest.p[0] != '#' && rest.p[0] != ';') {
		indicator_reading_refuse(r, number, NULL,
					 "more than one word on a line; only a "
					 "comment with # may follow the value");
		return;
	}
	t = fixed != NULL ? fixed : guess_type(value);
	if (t == NULL) {
		indicator_reading_refuse(
			r, number, NULL,
			"%zu hex digits may be of a file, a "
			"certificate or a JA3; say which with a "
			"line '# type: ja3' or as CSV",
			value.len);
		return;
	}
	n.kind = t->kind;
	n.exact = t->exact;
	indicator_reading_add(r, number, &n, value);
}

static void
read_list(struct indicator_reading *r, struct view data)
{
	const struct type_name *fixed = NULL;
	uint32_t number = 0;
	struct view line;

	while (r->stop == ERR_OK && next_line(&data, &line)) {
		number++;
		line = trimmed(line);
		if (line.len == 0 || line.p[0] == ';') {
			continue;
		}
		if (line.p[0] == '#') {
			take_directive(r, number, line, &fixed);
			continue;
		}
		read_value(r, number, line, fixed);
	}
}

/* A file is CSV when its first line that says anything is a header row. */
void
indicator_read_text(struct indicator_reading *r, struct view data)
{
	struct csv c;
	struct view rest = data, line;
	uint32_t number = 0;

	while (next_line(&rest, &line)) {
		number++;
		line = trimmed(line);
		if (line.len == 0 || line.p[0] == '#') {
			continue;
		}
		if (take_header(&c, line)) {
			read_csv(r, &c, rest, number);
			return;
		}
		break;
	}
	read_list(r, data);
}
