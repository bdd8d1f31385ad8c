/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/case_export.h"

#include <stdio.h>

#include <jansson.h>

/* ------------------------------------------------------------------- texts */

static void
put(struct json *j, const char *html)
{
	json_append(j, view_cstr(html));
}

/* One character of 'n' bytes of valid UTF-8. */
static uint32_t
code_of(const uint8_t *p, size_t *n)
{
	*n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	switch (*n) {
	case 1:
		return p[0];
	case 2:
		return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3fu);
	case 3:
		return (uint32_t)(p[0] & 0x0f) << 12 |
		       (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3fu);
	default:
		return 0x10000; /* none of those that matter */
	}
}

static bool
is_odd(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* 'text' is valid UTF-8, as jansson hands it out. */
static void
put_text(struct json *j, const char *text)
{
	const uint8_t *p = (const uint8_t *)text;

	while (*p != '\0') {
		size_t n;
		uint32_t c = code_of(p, &n);
		char odd[16];

		if (is_odd(c)) {
			snprintf(odd, sizeof(odd), "\\u{%x}", (unsigned)c);
			put(j, odd);
		} else if (c == '<' || c == '>' || c == '&' || c == '"' ||
			   c == '\'') {
			snprintf(odd, sizeof(odd), "&#%u;", (unsigned)c);
			put(j, odd);
		} else {
			json_append(j, view_of(p, n));
		}
		p += n;
	}
}

/* A member as text; numbers too. */
static void
put_member(struct json *j, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	char number[32];

	if (json_is_string(v)) {
		put_text(j, json_string_value(v));
	} else if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld",
			 (long long)json_integer_value(v));
		put(j, number);
	}
}

/* ------------------------------------------------------------------- tables */

struct column {
	const char *title, *key; /* key "": the value itself */
};

static void
put_table(struct json *j, const char *title, const json_t *list,
	  const struct column *c, size_t n)
{
	if (json_array_size(list) == 0) {
		return;
	}
	put(j, "<h2>");
	put(j, title);
	put(j, "</h2>\n<table>\n<thead><tr>");
	for (size_t k = 0; k < n; k++) {
		put(j, "<th scope=\"col\">");
		put(j, c[k].title);
		put(j, "</th>");
	}
	put(j, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		put(j, "<tr>");
		for (size_t k = 0; k < n; k++) {
			put(j, "<td>");
			put_member(j, json_array_get(list, i), c[k].key);
			put(j, "</td>");
		}
		put(j, "</tr>\n");
	}
	put(j, "</tbody>\n</table>\n");
}

static void
put_row(struct json *j, const char *title, const json_t *o, const char *key)
{
	put(j, "<tr><th scope=\"row\">");
	put(j, title);
	put(j, "</th><td>");
	put_member(j, o, key);
	put(j, "</td></tr>\n");
}

static void
put_head(struct json *j, const json_t *o)
{
	put(j, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	       "<meta charset=\"utf-8\">\n<title>Incident ");
	put_member(j, o, "id");
	put(j, "</title>\n<link rel=\"stylesheet\" href=\"/print.css\">\n"
	       "</head>\n<body>\n<h1>Incident ");
	put_member(j, o, "id");
	put(j, ": ");
	put_member(j, o, "title");
	put(j, "</h1>\n<table>\n<tbody>\n");
	put_row(j, "Marking", o, "mark");
	put_row(j, "Exercise", o, "exercise");
	put_row(j, "State", o, "state");
	put_row(j, "Severity", o, "level_name");
	put_row(j, "Score", o, "score");
	put_row(j, "Lead", o, "lead");
	put_row(j, "Support", o, "support");
	put_row(j, "First", o, "first");
	put_row(j, "Last", o, "last");
	put(j, "</tbody>\n</table>\n");
}

static void
put_body(struct json *j, const json_t *o)
{
	static const struct column story[] = { { "Time", "at" },
					       { "Who", "who" },
					       { "What", "text" } };
	static const struct column stages[] = { { "Tactic", "stage" },
						{ "First", "first" },
						{ "Last", "last" } };
	static const struct column nodes[] = {
		{ "Kind", "kind" },   { "Value", "label" },
		{ "Sites", "sites" }, { "Asset", "asset" },
		{ "Seen", "count" },  { "First", "first" },
		{ "Last", "last" }
	};
	static const struct column alerts[] = {
		{ "Time", "timestamp" }, { "Site", "site" },
		{ "Rule", "sid" },       { "Signature", "signature" },
		{ "From", "src" },       { "To", "dest" }
	};
	const json_t *s = json_object_get(o, "summary");

	put_table(j, "What happened", json_object_get(o, "story"), story,
		  ARRAY_LEN(story));
	put_table(j, "ATT&amp;CK tactics", json_object_get(s, "stages"), stages,
		  ARRAY_LEN(stages));
	put_table(j, "What it is made of",
		  json_object_get(json_object_get(o, "graph"), "nodes"), nodes,
		  ARRAY_LEN(nodes));
	put_table(j, "Alerts", json_object_get(o, "evidence"), alerts,
		  ARRAY_LEN(alerts));
}

enum err
case_export_html(struct view answer, struct json *out)
{
	json_t *o = json_loadb((const char *)answer.p, answer.len,
			       JSON_ALLOW_NUL, NULL);

	json_reset(out);
	if (!json_is_object(o)) {
		json_decref(o);
		return ERR_FORMAT;
	}
	put_head(out, o);
	put_body(out, o);
	put(out, "</body>\n</html>\n");
	json_decref(o);
	return out->failed ? ERR_NOMEM : ERR_OK;
}
