/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_field.h"

#include "sensor/app_http_line.h"
#include "sensor/app_http_plain.h"

/* RFC 9110 5.6.2 */
static const bool is_token_char[256] = {
	['!'] = true,         ['#' ... '\''] = true, ['*'] = true,
	['+'] = true,         ['-'] = true,          ['.'] = true,
	['0' ... '9'] = true, ['A' ... 'Z'] = true,  ['^' ... 'z'] = true,
	['|'] = true,         ['~'] = true,
};

/* What the passes over one head share. */
struct field_reader {
	struct http_tx *tx;
	struct http_msg *m;
	bool response;
	struct view head; /* the field lines */
	struct http_cutter cut;
	uint32_t cap;
};

static void
note(struct field_reader *r, enum event_id request, enum event_id response)
{
	event_set_add(&r->tx->tx.events, r->response ? response : request);
}

/* The length of the name of 'line' as it should be; 0: it is not. */
static size_t
clean_name(struct view line)
{
	size_t n = 0;

	while (n < line.len && is_token_char[line.p[n]]) {
		n++;
	}
	return n < line.len && line.p[n] == ':' ? n : 0;
}

/* Any other: sets where the name ends and where the value may begin. */
static void
find_name(struct field_reader *r, struct view line, size_t *end, size_t *from)
{
	const uint8_t *colon =
		line.len > 0 ? memchr(line.p, ':', line.len) : NULL;

	*end = *from = 0;
	if (colon == NULL) {
		/* Kept under an empty name, so that rules still see it. */
		note(r, EV_HTTP_REQUEST_FIELD_MISSING_COLON,
		     EV_HTTP_RESPONSE_FIELD_MISSING_COLON);
		return;
	}
	*end = (size_t)(colon - line.p);
	*from = *end + 1;
	while (*end > 0 && line.p[*end - 1] <= ' ') {
		(*end)--;
	}
	note(r, EV_HTTP_REQUEST_HEADER_INVALID,
	     EV_HTTP_RESPONSE_HEADER_INVALID);
}

static void
add_field(struct field_reader *r, struct view line)
{
	struct http_field *f;
	size_t end, from;
	bool clean;

	if (r->m->n_fields == r->cap) {
		note(r, EV_HTTP_REQUEST_TOO_MANY_HEADERS,
		     EV_HTTP_RESPONSE_TOO_MANY_HEADERS);
		return;
	}
	end = clean_name(line);
	from = end + 1;
	clean = end > 0;
	if (!clean) {
		find_name(r, line, &end, &from);
	}
	while (from < line.len && http_is_lws(line.p[from])) {
		from++;
	}
	while (line.len > from && http_is_lws(line.p[line.len - 1])) {
		line.len--;
	}
	f = &r->m->fields[r->m->n_fields++];
	*f = (struct http_field){ .name = view_sub(line, 0, end),
				  .value = view_sub(line, from, line.len),
				  .n = 1 };
	if (clean) {
		f->known = http_name_of_token(f->name, &f->hash);
	} else {
		f->hash = http_name_hash(f->name);
		f->known = http_name_known(f->name);
	}
	f->last = r->m->n_fields - 1;
}

static bool
folds(struct view text)
{
	return text.len > 0 && (http_is_lws(text.p[0]) || text.p[0] == 0);
}

static bool
next_line(struct field_reader *r, struct http_line *l)
{
	return http_cut(&r->cut, r->head, true, l) && !l->empty;
}

static bool
has_colon(struct view v)
{
	return v.len > 0 && memchr(v.p, ':', v.len) != NULL;
}

/*
 * Whether 'next' continues a field that began as 'first'.  A folded line that
 * looks like a field of its own is one to browsers (HTTP/1.1 responses).
 */
static bool
continues(struct field_reader *r, bool colon_seen, struct view next)
{
	if (!folds(next)) {
		return false;
	}
	if (r->response && r->m->version == HTTP_VERSION_1_1 && colon_seen &&
	    has_colon(next)) {
		note(r, EV_HTTP_INVALID_REQUEST_FIELD_FOLDING,
		     EV_HTTP_INVALID_RESPONSE_FIELD_FOLDING);
		return false;
	}
	return true;
}

static size_t
put(uint8_t *p, size_t at, struct view v)
{
	if (v.len > 0) {
		memcpy(p + at, v.p, v.len);
	}
	return at + v.len;
}

/* Joins 'first' and the lines folded behind it; they are not contiguous. */
static struct view
unfold(struct field_reader *r, struct view first)
{
	struct http_cutter from = r->cut, stop = r->cut;
	bool colon_seen = has_colon(first);
	size_t total = first.len, len;
	struct http_line l;
	uint8_t *p;

	if (from.at >= r->head.len || !folds(view_sub(r->head, from.at, 1))) {
		return first; /* the next line tells by its first byte */
	}
	while (next_line(r, &l) && continues(r, colon_seen, l.text)) {
		total += l.text.len;
		colon_seen = colon_seen || has_colon(l.text);
		stop = r->cut;
	}
	r->cut = stop;
	if (stop.at == from.at) {
		return first;
	}
	p = arena_alloc(&r->tx->tx.arena, total + 1);
	if (p == NULL) {
		return first;
	}
	len = put(p, 0, first);
	r->cut = from;
	while (r->cut.at < stop.at && next_line(r, &l)) {
		len = put(p, len, l.text);
	}
	r->cut = stop;
	return view_of(p, len);
}

static struct view
trim_fold(struct view v)
{
	size_t i = 0;

	while (i < v.len && (http_is_lws(v.p[i]) || v.p[i] == 0)) {
		i++;
	}
	return view_sub(v, i, v.len);
}

/* RFC 9110 5.3: the values of fields with one name, joined in their order. */
static void
join(struct field_reader *r, struct http_field *first)
{
	struct http_field *all = r->m->fields;
	size_t total = first->value.len, len;
	uint8_t *p;

	for (uint32_t i = first->next; i != 0; i = all[i].next) {
		total += 2 + all[i].value.len;
	}
	p = arena_alloc(&r->tx->tx.arena, total);
	if (p == NULL) {
		return;
	}
	len = put(p, 0, first->value);
	for (uint32_t i = first->next; i != 0; i = all[i].next) {
		p[len++] = ',';
		p[len++] = ' ';
		len = put(p, len, all[i].value);
	}
	first->value = view_of(p, len);
}

static uint64_t
leading_number(struct view v)
{
	uint64_t n = 0;
	size_t i = 0;

	while (i < v.len && (v.p[i] < '0' || v.p[i] > '9')) {
		i++;
	}
	for (; i < v.len && v.p[i] >= '0' && v.p[i] <= '9'; i++) {
		n = n > UINT64_MAX / 16 ? n : n * 10 + (uint64_t)(v.p[i] - '0');
	}
	return n;
}

static void
repeat(struct field_reader *r, uint32_t first, uint32_t again)
{
	struct http_field *a = &r->m->fields[first];
	struct http_field *b = &r->m->fields[again];

	a->n++;
	b->n = 0;
	note(r, EV_HTTP_REQUEST_HEADER_REPETITION,
	     EV_HTTP_RESPONSE_HEADER_REPETITION);
	if (a->known == HTTP_NAME_CONTENT_LENGTH) {
		/* The first one counts, as in browsers. */
		if (leading_number(a->value) != leading_number(b->value)) {
			note(r,
			     EV_HTTP_DUPLICATE_CONTENT_LENGTH_FIELD_IN_REQUEST,
			     EV_HTTP_DUPLICATE_CONTENT_LENGTH_FIELD_IN_RESPONSE);
		}
		return;
	}
	r->m->fields[a->last].next = again;
	a->last = again;
}

static void
merge_repeated(struct field_reader *r)
{
	struct http_field *f = r->m->fields;
	uint32_t n = r->m->n_fields, out = 0;
	uint64_t seen = 0; /* bit per six bits of hash */

	/* At most HTTP_FIELDS_MAX squared comparisons of one word. */
	for (uint32_t i = 0; i < n; i++) {
		uint64_t bit = UINT64_C(1) << (f[i].hash % 64);
		bool maybe = (seen & bit) != 0;

		seen |= bit;
		for (uint32_t k = 0; maybe && k < i; k++) {
			if (f[k].n > 0 && f[k].hash == f[i].hash &&
			    http_name_eq(f[k].name, f[i].name)) {
				repeat(r, k, i);
				break;
			}
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		if (f[i].n > 0 && f[i].next != 0) {
			join(r, &f[i]);
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		if (f[i].n > 0 && out++ != i) {
			f[out - 1] = f[i];
		}
	}
	r->m->n_fields = out;
	for (uint32_t i = 0; i < out; i++) {
		if (f[i].known != HTTP_NAME_COUNT) {
			r->m->at[f[i].known] = (uint16_t)(i + 1);
		}
	}
}

static bool
make_room(struct field_reader *r, size_t n)
{
	r->cap = (uint32_t)MIN(n, (size_t)HTTP_FIELDS_MAX);
	r->m->fields =
		arena_alloc(&r->tx->tx.arena, r->cap * sizeof(*r->m->fields));
	return r->m->fields != NULL;
}

/* Lines that may be folded, or end in any way. */
static void
read_lines(struct field_reader *r)
{
	struct http_line l;
	bool first = true;

	if (!make_room(r, http_count_ends(r->head) + 1)) {
		return;
	}
	while (next_line(r, &l)) {
		if (l.text.len == 0) {
			continue;
		}
		if (folds(l.text)) {
			if (first) {
				note(r, EV_HTTP_INVALID_REQUEST_FIELD_FOLDING,
				     EV_HTTP_INVALID_RESPONSE_FIELD_FOLDING);
			}
			l.text = trim_fold(l.text);
		}
		first = false;
		l.text = unfold(r, l.text);
		if (l.text.len > 0) {
			add_field(r, l.text);
		}
	}
}

static void
read_plain(struct field_reader *r, const struct http_plain *lines)
{
	if (!make_room(r, lines->n + 1)) {
		return;
	}
	for (uint32_t i = 0; i < lines->n; i++) {
		add_field(r, http_plain_line(r->head, lines, i));
	}
}

void
http_parse_fields(struct http_tx *tx, enum flow_dir dir)
{
	struct http_msg *m = &tx->msg[dir];
	struct field_reader r = {
		.tx = tx,
		.m = m,
		.response = dir == FLOW_TOCLIENT,
		.head = m->raw_fields,
		.cut = { .any_cr = dir == FLOW_TOCLIENT },
	};
	struct http_plain lines;

	if (http_plain_lines(r.head, &lines)) {
		read_plain(&r, &lines);
	} else {
		read_lines(&r);
	}
	merge_repeated(&r);
}
