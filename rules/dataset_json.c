/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/dataset_json.h"

#include <stdlib.h>

#include "common/json_read.h"
#include "rules/rule_text.h"

#define MAX_PATH 16 /* parts of a dotted key */

/* Stands in an object or array, in front of a member or its end. */
struct steps {
	struct view text; /* from the bracket to its partner */
	size_t at;
	uint8_t close;
	bool first, bad;
};

static size_t
skip_space(struct view t, size_t i)
{
	while (i < t.len && (t.p[i] == ' ' || t.p[i] == '\t' ||
			     t.p[i] == '\n' || t.p[i] == '\r')) {
		i++;
	}
	return i;
}

/* The offset behind the string that begins at 'i'; 0 when it has no end. */
static size_t
string_end(struct view t, size_t i)
{
	for (i++; i < t.len; i++) {
		if (t.p[i] == '\\') {
			i++;
		} else if (t.p[i] == '"') {
			return i + 1;
		}
	}
	return 0;
}

/* The offset behind the value that begins at 'i'; 0 when it has no end. */
static size_t
value_end(struct view t, size_t i)
{
	size_t depth = 0, start = i;

	while (i < t.len) {
		uint8_t c = t.p[i];

		if (c == '"') {
			i = string_end(t, i);
			if (i == 0) {
				return 0;
			}
		} else if (c == '{' || c == '[') {
			depth++;
			i++;
		} else if (c == '}' || c == ']') {
			if (depth == 0) {
				break;
			}
			depth--;
			i++;
		} else if (depth == 0 && (c == ',' || text_is_space(c))) {
			break;
		} else {
			i++;
			continue; /* inside a number or a word */
		}
		if (depth == 0) {
			return i;
		}
	}
	return depth == 0 && i > start ? i : 0;
}

static bool
begin(struct steps *s, struct view value, uint8_t open)
{
	*s = (struct steps){ .text = value,
			     .at = 1,
			     .close = open == '{' ? '}' : ']',
			     .first = true };
	return value.len >= 2 && value.p[0] == open &&
	       value.p[value.len - 1] == s->close;
}

/* The next member; of an object with its name, without quotes. */
static bool
next(struct steps *s, struct view *name, struct view *value)
{
	struct view t = s->text;
	size_t i = skip_space(t, s->at), end;

	if (i + 1 == t.len) {
		return false; /* its bracket */
	}
	if (!s->first) {
		s->bad = i >= t.len || t.p[i] != ',';
		i = skip_space(t, i + 1);
	}
	s->first = false;
	if (!s->bad && s->close == '}') {
		end = i < t.len && t.p[i] == '"' ? string_end(t, i) : 0;
		s->bad = end == 0;
		if (s->bad) {
			return false;
		}
		*name = view_sub(t, i + 1, end - i - 2);
		i = skip_space(t, end);
		s->bad = i >= t.len || t.p[i] != ':';
		i = skip_space(t, i + 1);
	}
	end = s->bad || i >= t.len ? 0 : value_end(t, i);
	if (end == 0 || end >= t.len) {
		s->bad = true;
		return false;
	}
	*value = view_of(t.p + i, end - i);
	s->at = end;
	return true;
}

static bool
member(struct view object, struct view name, struct view *out)
{
	struct steps s;
	struct view n = VIEW_NONE, v = VIEW_NONE;

	if (!begin(&s, object, '{')) {
		return false;
	}
	while (next(&s, &n, &v)) {
		if (view_eq(n, name)) {
			*out = v;
			return true;
		}
	}
	return false;
}

/* The value at the end of the dotted 'path'. */
static bool
walk(struct view value, struct view path, struct view *out)
{
	struct view part;

	for (unsigned i = 0; text_next(&path, '.', &part); i++) {
		if (i == MAX_PATH || !member(value, part, &value)) {
			return false;
		}
	}
	*out = value;
	return true;
}

static void
put(char *out, size_t *n, const void *p, size_t len)
{
	memcpy(out + *n, p, len);
	*n += len;
}

/* Copies 'v' without white space between its parts. */
static void
put_compact(char *out, size_t *n, struct view v)
{
	for (size_t i = 0; i < v.len;) {
		size_t end = v.p[i] == '"' ? string_end(v, i) : i + 1;

		if (!text_is_space(v.p[i])) {
			put(out, n, v.p + i, end - i);
		}
		i = end;
	}
}

/* As put_compact(), without the member at the end of 'path'. */
static void
put_without(char *out, size_t *n, struct view v, struct view path)
{
	struct view part = VIEW_NONE, name = VIEW_NONE, value = VIEW_NONE;
	struct steps s;
	bool any = false;

	text_next(&path, '.', &part);
	if (!begin(&s, v, '{')) {
		put_compact(out, n, v);
		return;
	}
	put(out, n, "{", 1);
	while (next(&s, &name, &value)) {
		bool here = view_eq(name, part);

		if (here && path.len == 0) {
			continue;
		}
		if (any) {
			put(out, n, ",", 1);
		}
		any = true;
		put(out, n, "\"", 1);
		put(out, n, name.p, name.len);
		put(out, n, "\":", 2);
		if (here) { /* ends: the path has at most MAX_PATH parts */
			put_without(out, n, value, path);
		} else {
			put_compact(out, n, value);
		}
	}
	put(out, n, "}", 1);
}

static char *
one_line(const struct dataset_spec *spec, struct view object)
{
	char *out = malloc(object.len + 1);
	size_t n = 0;

	if (out == NULL) {
		return NULL;
	}
	if (spec->remove_key) {
		put_without(out, &n, object, spec->value_key);
	} else {
		put_compact(out, &n, object);
	}
	out[n] = '\0';
	return out;
}

struct reading {
	const struct dataset_spec *spec;
	const char *name;
	struct json_reader reader;
	dataset_taker *take;
	void *arg;
	uint32_t taken;
};

/* One object; one without the key is passed over. */
static enum err
take_object(struct reading *r, struct view object, uint32_t line,
	    struct diag *d)
{
	struct view text = VIEW_NONE;
	char *json;

	if (object.len > DATASET_MAX_JSON) {
		return diag_set(d, ERR_LIMIT,
				"%s:%u: an object longer than "
				"%zu bytes",
				r->name, line, DATASET_MAX_JSON);
	}
	if (!json_read(&r->reader, object) ||
	    json_root(&r->reader)->type != JSON_OBJECT) {
		return diag_set(d, ERR_FORMAT, "%s:%u: not a JSON object",
				r->name, line);
	}
	if (!walk(object, r->spec->value_key, &text)) {
		return ERR_OK;
	}
	if (text.len < 2 || text.p[0] != '"' || !json_read(&r->reader, text)) {
		return diag_set(d, ERR_FORMAT,
				"%s:%u: the value of \"%.*s\" is not a string",
				r->name, line, TEXT_ARG(r->spec->value_key));
	}
	json = one_line(r->spec, object);
	if (json == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	r->taken++;
	return r->take(r->arg, json_root(&r->reader)->text, json, line, d);
}

static enum err
finish(struct reading *r, enum err e, struct diag *d)
{
	json_reader_fini(&r->reader);
	if (e == ERR_OK && r->taken == 0) {
		return diag_set(d, ERR_FORMAT,
				"%s: no object has the key \"%.*s\"", r->name,
				TEXT_ARG(r->spec->value_key));
	}
	return e;
}

/* Counts the lines from 'from' to 'to'. */
static uint32_t
lines_between(const uint8_t *from, const uint8_t *to)
{
	uint32_t n = 0;

	for (; from < to; from++) {
		n += *from == '\n';
	}
	return n;
}

enum err
dataset_json_array(const struct dataset_spec *spec, struct view text,
		   const char *name, dataset_taker *take, void *arg,
		   struct diag *d)
{
	struct reading r = {
		.spec = spec, .name = name, .take = take, .arg = arg
	};
	struct view array, none = VIEW_NONE, v = VIEW_NONE;
	size_t start = skip_space(text, 0), end;
	const uint8_t *seen = text.p;
	uint32_t line = 1;
	enum err e = ERR_OK;
	struct steps s;

	end = start < text.len ? value_end(text, start) : 0;
	if (end == 0 || skip_space(text, end) != text.len) {
		return diag_set(d, ERR_FORMAT, "%s: not one JSON value", name);
	}
	array = view_of(text.p + start, end - start);
	if (!walk(array, spec->array_key, &array) || !begin(&s, array, '[')) {
		return diag_set(d, ERR_FORMAT, "%s: no JSON array %s%.*s", name,
				spec->array_key.len > 0 ? "at array_key " : "",
				TEXT_ARG(spec->array_key));
	}
	json_reader_init(&r.reader);
	while (e == ERR_OK && next(&s, &none, &v)) {
		line += lines_between(seen, v.p);
		seen = v.p;
		e = take_object(&r, v, line, d);
	}
	if (e == ERR_OK && s.bad) {
		e = diag_set(d, ERR_FORMAT, "%s:%u: not JSON", name, line);
	}
	return finish(&r, e, d);
}

enum err
dataset_json_lines(const struct dataset_spec *spec, struct view text,
		   const char *name, dataset_taker *take, void *arg,
		   struct diag *d)
{
	struct reading r = {
		.spec = spec, .name = name, .take = take, .arg = arg
	};
	uint32_t line = 0;
	enum err e = ERR_OK;

	json_reader_init(&r.reader);
	while (e == ERR_OK && text.len > 0) {
		size_t n = text_find(text, '\n');
		struct view one = text_trim(view_of(text.p, n));

		line++;
		text = view_sub(text, n + 1, text.len);
		if (one.len > 0) {
			e = take_object(&r, one, line, d);
		}
	}
	return finish(&r, e, d);
}
