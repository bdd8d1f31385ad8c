/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/query.h"

#include <string.h>

#include "common/clock.h"

/* What the value of a field is. */
enum value { V_TEXT, V_NUMBER, V_ADDR, V_TIME, V_STATE };

static const struct {
	const char *name, *words;
	enum value value;
	uint64_t max; /* of numbers */
	bool of_alert;
} fields[QUERY_FIELDS] = {
	[QUERY_WORD] = { "", "", V_TEXT, 0, false },
	[QUERY_SITE] = { "site", "name of the site", V_TEXT, 0, false },
	[QUERY_SENSOR] = { "sensor", "name of the sensor", V_TEXT, 0, true },
	[QUERY_SID] = { "sid", "number of the rule", V_NUMBER, UINT32_MAX,
			false },
	[QUERY_GID] = { "gid", "generator of the rule", V_NUMBER, UINT32_MAX,
			false },
	[QUERY_SIG] = { "sig", "text of the rule", V_TEXT, 0, false },
	[QUERY_SEV] = { "sev", "severity, 1 is worst", V_NUMBER, 255, false },
	[QUERY_IP] = { "ip", "address or network of either end", V_ADDR, 0,
		       false },
	[QUERY_SRC] = { "src", "address or network of the source", V_ADDR, 0,
			false },
	[QUERY_DST] = { "dst", "address or network of the target", V_ADDR, 0,
			false },
	[QUERY_PORT] = { "port", "port of either end", V_NUMBER, 65535, true },
	[QUERY_SPORT] = { "sport", "port of the source", V_NUMBER, 65535,
			  true },
	[QUERY_DPORT] = { "dport", "port of the target", V_NUMBER, 65535,
			  true },
	[QUERY_PROTO] = { "proto", "protocol, as tcp", V_TEXT, 0, true },
	[QUERY_APP] = { "app", "protocol of the application, as http", V_TEXT,
			0, true },
	[QUERY_IOC] = { "ioc", "indicator, as type:value or its value", V_TEXT,
			0, true },
	[QUERY_EXERCISE] = { "exercise", "name of the exercise", V_TEXT, 0,
			     false },
	[QUERY_OWNER] = { "owner", "owner of the site's sensors", V_TEXT, 0,
			  false },
	[QUERY_MISSION] = { "mission", "mission of either end", V_TEXT, 0,
			    false },
	[QUERY_FROM] = { "from", "time, or -1h", V_TIME, 0, false },
	[QUERY_TO] = { "to", "time, or -1h", V_TIME, 0, false },
	[QUERY_IS] = { "is", "archived, escalated, new or open", V_STATE, 0,
		       false },
};

static const char *const states[QUERY_STATES] = {
	[QUERY_ARCHIVED] = "archived",
	[QUERY_ESCALATED] = "escalated",
	[QUERY_NEW] = "new",
	[QUERY_OPEN] = "open",
};

const char *
query_field_name(enum query_field f)
{
	return f > QUERY_WORD && f < QUERY_FIELDS ? fields[f].name : NULL;
}

const char *
query_field_words(enum query_field f)
{
	return f > QUERY_WORD && f < QUERY_FIELDS ? fields[f].words : "";
}

const char *
query_is_name(enum query_is s)
{
	return s < QUERY_STATES ? states[s] : NULL;
}

bool
query_field_is_of_alert(enum query_field f)
{
	return f < QUERY_FIELDS && fields[f].of_alert;
}

bool
query_has(const struct query *q, enum query_field f)
{
	for (unsigned i = 0; i < q->n; i++) {
		if (q->t[i].field == f) {
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------ values */

static bool
read_number(struct view v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 10) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9') {
			return false;
		}
		n = n * 10 + (v.p[i] - '0');
	}
	*out = n;
	return n <= max;
}

/* "7" or "1-1024". */
static bool
read_range(struct view v, uint64_t max, struct query_term *t)
{
	const uint8_t *dash = v.len > 0 ? memchr(v.p, '-', v.len) : NULL;
	size_t n = dash != NULL ? (size_t)(dash - v.p) : v.len;

	if (!read_number(view_of(v.p, n), max, &t->lo)) {
		return false;
	}
	t->hi = t->lo;
	return dash == NULL ||
	       (read_number(view_of(dash + 1, v.len - n - 1), max, &t->hi) &&
		t->hi >= t->lo);
}

static bool
read_net(struct view v, struct query_term *t)
{
	struct cidr net;

	if (v.len > 0 && memchr(v.p, '/', v.len) == NULL) {
		t->last = t->first;
		if (!addr_parse(v, &t->first)) {
			return false;
		}
		t->last = t->first;
		return true;
	}
	if (v.len == 0 || !cidr_parse(v, &net)) {
		return false;
	}
	t->first = t->last = net.addr;
	for (unsigned i = 0; i < 128; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		if (i >= net.bits) {
			t->first.b[i / 8] &= (uint8_t)~bit;
			t->last.b[i / 8] |= bit;
		}
	}
	return true;
}

/* "-30m", "-1h", "-7d", "now", "2026-11-24" or RFC 3339. */
static bool
read_time(struct view v, uint64_t now_us, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = { { 's', 1 },
		      { 'm', 60 },
		      { 'h', 3600 },
		      { 'd', 86400 },
		      { 'w', 604800 } };
	char day[32];
	uint64_t n;

	if (view_eq(v, VIEW_LIT("now"))) {
		*out = now_us;
		return true;
	}
	if (v.len > 2 && v.p[0] == '-') {
		for (size_t i = 0; i < ARRAY_LEN(units); i++) {
			if (v.p[v.len - 1] != (uint8_t)units[i].unit ||
			    !read_number(view_of(v.p + 1, v.len - 2), 1000000,
					 &n)) {
				continue;
			}
			n *= units[i].s * US_PER_S;
			*out = n < now_us ? now_us - n : 0;
			return true;
		}
		return false;
	}
	if (v.len == 10) {
		memcpy(day, v.p, 10);
		memcpy(day + 10, "T00:00:00Z", 11);
		v = view_cstr(day);
	}
	return clock_parse_iso(v, out);
}

static bool
read_state(struct view v, uint64_t *out)
{
	for (unsigned i = 0; i < QUERY_STATES; i++) {
		if (view_caseeq(v, view_cstr(states[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------- words */

struct reader {
	struct query *q;
	struct view in;
	size_t at;
	uint64_t now_us;
	unsigned *column;
	struct diag *d;
};

static enum err
wrong(struct reader *r, size_t at, const char *what, const char *mend)
{
	*r->column = (unsigned)at + 1;
	return diag_set(r->d, ERR_FORMAT, "column %u: %s: %s", *r->column, what,
			mend);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* A value as it stands, into the query's text, in lower case. */
static enum err
read_value(struct reader *r, struct view *out)
{
	char *to = r->q->text + r->q->n_text;
	size_t from = r->at, n = 0;
	bool quoted = r->at < r->in.len && r->in.p[r->at] == '"';

	r->at += quoted;
	for (; r->at < r->in.len; r->at++) {
		uint8_t c = r->in.p[r->at];

		if (quoted ? c == '"' : is_blank(c)) {
			break;
		}
		if (quoted && c == '\\' && r->at + 1 < r->in.len &&
		    (r->in.p[r->at + 1] == '"' || r->in.p[r->at + 1] == '\\')) {
			c = r->in.p[++r->at];
		}
		to[n++] = (char)ascii_lower(c);
	}
	if (quoted && r->at == r->in.len) {
		return wrong(r, from, "a quote that does not end",
			     "write \" at its end");
	}
	r->at += quoted;
	if (quoted && r->at < r->in.len && !is_blank(r->in.p[r->at])) {
		return wrong(r, r->at, "text behind a quote",
			     "put a blank between them");
	}
	if (n == 0) {
		return wrong(r, from, "nothing to look for",
			     "write a value, such as sid:2001219");
	}
	to[n] = '\0';
	r->q->n_text += n + 1;
	*out = view_of(to, n);
	return ERR_OK;
}

static enum err
take_value(struct reader *r, struct query_term *t, size_t at)
{
	struct view v = VIEW_NONE;
	enum err e = read_value(r, &v);

	if (e != ERR_OK) {
		return e;
	}
	t->text = (const char *)v.p;
	switch (fields[t->field].value) {
	case V_NUMBER:
		return read_range(v, fields[t->field].max, t)
			       ? ERR_OK
			       : wrong(r, at, "not a number in range",
				       "write one, or two as 1-1024");
	case V_ADDR:
		return read_net(v, t) ? ERR_OK
				      : wrong(r, at, "not an address",
					      "write one, or a network as "
					      "10.0.0.0/8");
	case V_TIME:
		/* Times of ISO 8601 are in capitals. */
		for (size_t i = 0; i < v.len; i++) {
			char *c = (char *)(uintptr_t)&v.p[i];

			*c = *c == 't' ? 'T' : *c == 'z' ? 'Z' : *c;
		}
		return read_time(v, r->now_us, &t->lo)
			       ? ERR_OK
			       : wrong(r, at, "not a time",
				       "write 2026-11-24T10:00:00Z, "
				       "2026-11-24, or -1h");
	case V_STATE:
		return read_state(v, &t->lo)
			       ? ERR_OK
			       : wrong(r, at, "not a state",
				       "use archived, escalated, new or open");
	default:
		return ERR_OK;
	}
}

/* The length of "name:" or "@name:" at r->at; 0: there is none. */
static size_t
name_length(const struct reader *r, size_t *skip)
{
	size_t i = r->at;

	*skip = i < r->in.len && r->in.p[i] == '@';
	i += *skip;
	while (i < r->in.len && ascii_lower(r->in.p[i]) >= 'a' &&
	       ascii_lower(r->in.p[i]) <= 'z') {
		i++;
	}
	return i > r->at + *skip && i < r->in.len && r->in.p[i] == ':'
		       ? i - r->at + 1
		       : 0;
}

static enum err
take_word(struct reader *r)
{
	struct query_term *t = &r->q->t[r->q->n];
	size_t begin = r->at, skip, n;

	if (r->q->n == QUERY_MAX_TERMS) {
		return wrong(r, begin, "too many words",
			     "leave some out: 32 may be asked for at once");
	}
	*t = (struct query_term){ .column = (unsigned)begin + 1 };
	t->negated = r->in.p[r->at] == '-';
	r->at += t->negated;
	n = name_length(r, &skip);
	if (n > 0) {
		struct view name =
			view_of(r->in.p + r->at + skip, n - skip - 1);
		unsigned f = QUERY_WORD + 1;

		while (f < QUERY_FIELDS &&
		       !view_caseeq(name, view_cstr(fields[f].name))) {
			f++;
		}
		if (f == QUERY_FIELDS) {
			return wrong(r, r->at, "there is no such field",
				     "write it in quotes to look for it as "
				     "text");
		}
		t->field = (enum query_field)f;
		r->at += n;
	}
	r->q->n++;
	return take_value(r, t, n > 0 ? r->at : begin);
}

enum err
query_parse(struct query *q, struct view text, uint64_t now_us,
	    unsigned *column, struct diag *d)
{
	struct reader r = { q, text, 0, now_us, column, d };
	enum err e = ERR_OK;

	q->n = 0;
	q->n_text = 0;
	*column = 0;
	if (text.len > QUERY_MAX_LEN) {
		return wrong(&r, QUERY_MAX_LEN, "too long",
			     "1000 bytes may be asked for at once");
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == 0x7f ||
		    (text.p[i] < ' ' && text.p[i] != '\t')) {
			return wrong(&r, i, "a control character",
				     "leave it out");
		}
	}
	while (e == ERR_OK) {
		while (r.at < text.len && is_blank(text.p[r.at])) {
			r.at++;
		}
		if (r.at == text.len) {
			break;
		}
		e = take_word(&r);
	}
	return e;
}

/* ---------------------------------------------------------------- matching */

/* With one place to go back to, each star tried from its last end on. */
bool
query_text_matches(const struct query_term *t, struct view text)
{
	const char *p = t->text, *star = NULL;
	size_t i = 0, back = 0;

	while (i < text.len) {
		if (*p == '*') {
			star = p++;
			back = i;
		} else if (*p != '\0' &&
			   (uint8_t)*p == ascii_lower(text.p[i])) {
			p++;
			i++;
		} else if (star != NULL) {
			p = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (*p == '*') {
		p++;
	}
	return *p == '\0';
}
