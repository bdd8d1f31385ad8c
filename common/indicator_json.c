/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/clock.h"
#include "common/indicator_reading.h"

bool
indicator_doc_object(struct indicator_doc *doc, struct indicator_object *o)
{
	bool whole;
	int first = json_stream_peek(&doc->s);

	doc->used = 0;
	*o = (struct indicator_object){
		.offset = block_read_offset(doc->s.in),
	};
	if (doc->r->stop != ERR_OK ||
	    !json_stream_take(&doc->s, INDICATOR_MAX_OBJECT, &o->raw, &whole)) {
		return false;
	}
	if (first != '{') {
		o->why = "not an object";
	} else if (!whole) {
		o->why = "an object of more than 1 MiB";
	} else if (json_read(&doc->json, o->raw)) {
		o->v = json_root(&doc->json);
	} else if (doc->json.no_memory) {
		indicator_reading_stop(doc->r, ERR_NOMEM, "out of memory");
		return false;
	} else {
		o->why = "an object that is not valid JSON, is nested deeper "
			 "than 32 levels or has more than 16384 values";
	}
	return true;
}

/* Of a text that is cut no character is left in part. */
static size_t
cut(struct view text, size_t cap)
{
	size_t n = MIN(text.len, cap - 1);

	if (n < text.len) {
		while (n > 0 && (text.p[n] & 0xc0) == 0x80) {
			n--;
		}
	}
	return n;
}

const char *
indicator_doc_copy(struct indicator_doc *doc, struct view text, size_t cap)
{
	char *out = doc->text + doc->used;
	size_t n = cut(text, MIN(cap, INDICATOR_SCRATCH - doc->used));

	if (n == 0 || doc->used + n + 1 >= INDICATOR_SCRATCH) {
		return "";
	}
	memcpy(out, text.p, n);
	out[n] = '\0';
	doc->used += n + 1;
	return out;
}

struct view
indicator_doc_view(const struct indicator_doc *doc, const struct json_value *o,
		   const char *key)
{
	const struct json_value *v = json_member(&doc->json, o, view_cstr(key));

	return v != NULL && v->type == JSON_STRING ? v->text : VIEW_NONE;
}

const char *
indicator_doc_text(struct indicator_doc *doc, const struct json_value *o,
		   const char *key, size_t cap)
{
	return indicator_doc_copy(doc, indicator_doc_view(doc, o, key), cap);
}

bool
indicator_doc_true(const struct indicator_doc *doc, const struct json_value *o,
		   const char *key)
{
	const struct json_value *v = json_member(&doc->json, o, view_cstr(key));

	return v != NULL && v->type == JSON_TRUE;
}

void
indicator_doc_append(struct indicator_doc *doc, const char **list,
		     struct view word)
{
	size_t have = strlen(*list);
	char *out;

	if (word.len == 0 || have + word.len + 2 > INDICATOR_TEXT_CAP) {
		return;
	}
	if (have == 0) {
		if (doc->used + INDICATOR_TEXT_CAP > INDICATOR_SCRATCH) {
			return;
		}
		/* Room for all that will follow. */
		*list = out = doc->text + doc->used;
		doc->used += INDICATOR_TEXT_CAP;
	} else {
		out = doc->text + (*list - doc->text) + have;
		*out++ = ',';
	}
	for (size_t i = 0; i < word.len; i++) {
		uint8_t c = word.p[i];

		*out++ = c == ',' || c < ' ' ? ' ' : (char)c;
	}
	*out = '\0';
}

bool
indicator_doc_time(const struct indicator_doc *doc, const struct json_value *o,
		   const char *key, uint64_t *us)
{
	const struct json_value *v = json_member(&doc->json, o, view_cstr(key));

	return v == NULL || v->type == JSON_NULL ||
	       (v->type == JSON_STRING && clock_parse_iso(v->text, us));
}

/* What a document is shows from the first member that only one format has. */
static bool
read_member(struct indicator_doc *doc, const char *name)
{
	int first = json_stream_peek(&doc->s);

	if (strcmp(name, "objects") == 0 && first == '[') {
		indicator_read_stix(doc);
		return true;
	}
	if ((strcmp(name, "Event") == 0 && first == '{') ||
	    (strcmp(name, "response") == 0 && first == '[')) {
		indicator_read_misp(doc);
		return true;
	}
	json_stream_skip(&doc->s);
	return false;
}

static bool
read_root(struct indicator_doc *doc)
{
	char name[JSON_STREAM_NAME_CAP];
	bool known = false;
	uint64_t n = 0;

	if (json_stream_peek(&doc->s) == '[') {
		indicator_read_misp(doc);
		return true;
	}
	if (!json_stream_enter(&doc->s, '{')) {
		return false;
	}
	while (doc->r->stop == ERR_OK &&
	       json_stream_member(&doc->s, &n, name)) {
		known |= read_member(doc, name);
	}
	/* What there is may be empty. */
	return known || doc->s.e != ERR_OK;
}

void
indicator_read_json(struct indicator_reading *r, struct block_read *in)
{
	struct indicator_doc doc = {
		.r = r,
		.text = malloc(INDICATOR_SCRATCH),
	};
	bool known;
	enum err e;

	json_reader_init(&doc.json);
	json_stream_init(&doc.s, in);
	if (doc.text == NULL) {
		indicator_reading_stop(r, ERR_NOMEM, "out of memory");
		return;
	}
	known = read_root(&doc);
	e = r->stop;
	if (e == ERR_OK) {
		if (known && doc.s.e == ERR_OK &&
		    json_stream_peek(&doc.s) >= 0) {
			doc.s.e = ERR_FORMAT;
			doc.s.why = "more behind the end";
		}
		r->stop = json_stream_error(&doc.s, r->file, r->d);
		if (r->stop == ERR_OK && !known) {
			indicator_reading_stop(
				r, ERR_FORMAT,
				"JSON, but neither a STIX 2.1 bundle "
				"(\"objects\") nor a MISP event (\"Event\")");
		}
	}
	json_stream_fini(&doc.s);
	json_reader_fini(&doc.json);
	free(doc.text);
}
