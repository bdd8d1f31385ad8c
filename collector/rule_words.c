/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule_words.h"

/* '%' stands for the value.  Where there is no value, 'bare' is told. */
static const struct {
	const char *keyword, *words, *bare;
} known[] = {
	{ "msg", "The alert's text is %.", NULL },
	{ "sid", "The number of the rule is %.", NULL },
	{ "rev", "This is revision % of the rule.", NULL },
	{ "gid", "The rule is of the group %.", NULL },
	{ "classtype", "It is classified as %.", NULL },
	{ "priority", "Its severity is set to %, where 1 is the worst.", NULL },
	{ "reference", "More about it: %.", NULL },
	{ "metadata", "What its author notes: %.", NULL },
	{ "target", "Of both ends, the target is %.", NULL },
	{ "flow", "Only in a flow that is %.", NULL },
	{ "flowbits", "What was noted of the flow before: %.", NULL },
	{ "flowint", "A number kept with the flow: %.", NULL },
	{ "xbits", "What was noted of an address before: %.", NULL },
	{ "hostbits", "What was noted of a host before: %.", NULL },
	{ "threshold", "It alerts no more often than %.", NULL },
	{ "detection_filter", "It alerts only once it was seen: %.", NULL },
	{ "content", "There must be the bytes %.", NULL },
	{ "pcre", "There must be a match of the expression %.", NULL },
	{ "nocase", NULL, "Upper and lower case are the same." },
	{ "depth", "That lies within the first % bytes.", NULL },
	{ "offset", "That begins no sooner than byte %.", NULL },
	{ "distance", "That begins at least % bytes behind the match before.",
	  NULL },
	{ "within", "That ends at most % bytes behind the match before.",
	  NULL },
	{ "startswith", NULL, "That is at the very beginning." },
	{ "endswith", NULL, "That is at the very end." },
	{ "fast_pattern", "Of all contents this is searched first (%).",
	  "Of all contents this is searched first." },
	{ "rawbytes", NULL, "The bytes are taken as they were sent." },
	{ "isdataat", "Whether there are more bytes: %.", NULL },
	{ "dsize", "The packet's payload is of % bytes.", NULL },
	{ "bsize", "What is looked at is of % bytes.", NULL },
	{ "byte_test", "A number in the bytes compares as %.", NULL },
	{ "byte_jump", "A number in the bytes says how far on: %.", NULL },
	{ "byte_extract", "A number in the bytes is kept: %.", NULL },
	{ "byte_math", "A number is computed of the bytes: %.", NULL },
	{ "entropy", "How random the bytes are: %.", NULL },
	{ "ttl", "The packet's time to live is %.", NULL },
	{ "itype", "The type of the ICMP message is %.", NULL },
	{ "icode", "The code of the ICMP message is %.", NULL },
	{ "flags", "The TCP flags are %.", NULL },
	{ "window", "The TCP window is %.", NULL },
	{ "ip_proto", "The protocol above IP is %.", NULL },
	{ "app-layer-protocol", "The application's protocol is %.", NULL },
	{ "app-layer-event", "The protocol was broken like this: %.", NULL },
	{ "decode-event", "The packet was broken like this: %.", NULL },
	{ "stream-event", "The stream was broken like this: %.", NULL },
	{ "noalert", NULL, "It raises no alert of its own." },
	{ "tag", "What comes after is recorded too: %.", NULL },
	{ "dataset", "It is compared with a list: %.", NULL },
	{ "iprep", "The reputation of an address: %.", NULL },
	{ "geoip", "The country of an address: %.", NULL },
	{ "urilen", "The URI is of % bytes.", NULL },
	{ "ja3.hash", NULL, "What follows is looked for in the JA3 digest." },
	{ "file_data", NULL,
	  "What follows is looked for in transferred files." },
	{ "pkt_data", NULL, "What follows is looked for in the packet." },
	{ "http_uri", NULL, "That is looked for in the URI." },
	{ "http_header", NULL, "That is looked for in the HTTP headers." },
	{ "http_method", NULL, "That is looked for in the HTTP method." },
	{ "http_host", NULL, "That is looked for in the HTTP host." },
	{ "http_user_agent", NULL, "That is looked for in the user agent." },
	{ "http_cookie", NULL, "That is looked for in the cookies." },
	{ "http_client_body", NULL,
	  "That is looked for in the body of the request." },
	{ "http.uri", NULL, "What follows is looked for in the URI." },
	{ "http.method", NULL, "What follows is looked for in the method." },
	{ "http.host", NULL, "What follows is looked for in the host." },
	{ "http.user_agent", NULL,
	  "What follows is looked for in the user agent." },
	{ "http.request_body", NULL,
	  "What follows is looked for in the body of the request." },
	{ "http.response_body", NULL,
	  "What follows is looked for in the body of the answer." },
	{ "dns.query", NULL,
	  "What follows is looked for in the name that is asked for." },
	{ "tls.sni", NULL,
	  "What follows is looked for in the server's name (SNI)." },
	{ "tls.cert_subject", NULL,
	  "What follows is looked for in the certificate's subject." },
	{ "tls.cert_issuer", NULL,
	  "What follows is looked for in the certificate's issuer." },
};

/* ----------------------------------------------------------------- taking */

static struct view
trim(struct view v)
{
	while (v.len > 0 && (v.p[0] == ' ' || v.p[0] == '\t')) {
		v = view_of(v.p + 1, v.len - 1);
	}
	while (v.len > 0 && (v.p[v.len - 1] == ' ' || v.p[v.len - 1] == '\t')) {
		v.len--;
	}
	return v;
}

/* Where 'stop' stands outside of quotes, or the length. */
static size_t
find_outside(struct view v, uint8_t stop)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < v.len; i++) {
		if (v.p[i] == '\\' && i + 1 < v.len) {
			i++;
		} else if (v.p[i] == '"') {
			quoted = !quoted;
		} else if (v.p[i] == stop && !quoted) {
			return i;
		}
	}
	return v.len;
}

/* The part before 'stop', which is taken off '*v' with it. */
static struct view
take(struct view *v, uint8_t stop)
{
	size_t n = find_outside(*v, stop);
	struct view part = trim(view_of(v->p, n));

	n = MIN(n + 1, v->len);
	*v = view_of(v->p + n, v->len - n);
	return part;
}

/* ----------------------------------------------------------------- saying */

static void
put_words(struct json *j, const char *words, struct view value)
{
	const char *gap = strchr(words, '%');

	json_str_begin(j, "words");
	if (gap == NULL) {
		json_str_part(j, view_cstr(words));
	} else {
		json_str_part(j, view_of(words, (size_t)(gap - words)));
		json_str_part(j, value);
		json_str_part(j, view_cstr(gap + 1));
	}
	json_str_end(j);
}

/* A keyword that is not known is told as it is. */
static void
put_option(struct json *j, struct view keyword, struct view value)
{
	bool negated = value.len > 0 && value.p[0] == '!';
	struct view shown =
		negated ? trim(view_of(value.p + 1, value.len - 1)) : value;

	json_obj(j, NULL);
	json_str(j, "keyword", keyword);
	json_str(j, "value", value);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *words = value.len > 0 && known[i].words != NULL
					    ? known[i].words
					    : known[i].bare;

		if (words == NULL ||
		    !view_eq(keyword, view_cstr(known[i].keyword))) {
			continue;
		}
		if (negated && view_eq(keyword, VIEW_LIT("content"))) {
			words = "There must not be the bytes %.";
		} else if (negated && view_eq(keyword, VIEW_LIT("pcre"))) {
			words = "There must not be a match of the expression "
				"%.";
		} else if (negated) {
			shown = value;
		}
		put_words(j, words, shown);
		json_obj_end(j);
		return;
	}
	if (value.len == 0 && memchr(keyword.p, '.', keyword.len) != NULL) {
		put_words(j, "What follows is looked for in %.", keyword);
	} else {
		json_nil(j, "words");
	}
	json_obj_end(j);
}

/* "alert tcp any any -> any 80": what it does, and to which packets. */
static void
put_header(struct json *j, struct view header)
{
	static const char *const gaps[] = {
		" traffic of ", " from ", ", port ", " ", " ", ", port ", ""
	};
	struct view left = header;

	json_obj(j, NULL);
	json_cstr(j, "keyword", "rule");
	json_str(j, "value", header);
	json_str_begin(j, "words");
	for (size_t i = 0; i < ARRAY_LEN(gaps) && left.len > 0; i++) {
		size_t n = 0;
		unsigned depth = 0;
		struct view word;

		while (n < left.len && (left.p[n] != ' ' || depth > 0)) {
			depth += left.p[n] == '[';
			depth -= left.p[n] == ']' && depth > 0;
			n++;
		}
		word = view_of(left.p, n);
		left = trim(view_of(left.p + n, left.len - n));
		json_str_part(j, view_eq(word, VIEW_LIT("->")) ? VIEW_LIT("to")
				 : view_eq(word, VIEW_LIT("<>"))
					 ? VIEW_LIT("to or from")
					 : word);
		if (left.len > 0) {
			json_str_part(j, view_cstr(gaps[i]));
		}
	}
	json_str_end(j);
	json_obj_end(j);
}

/* The text between the brackets. */
static struct view
body_of(struct view text)
{
	size_t at = find_outside(text, '(');
	struct view body;

	if (at == text.len) {
		return view_of(text.p + at, 0);
	}
	body = trim(view_of(text.p + at + 1, text.len - at - 1));
	if (body.len > 0 && body.p[body.len - 1] == ')') {
		body.len--;
	}
	return body;
}

void
rule_words_json(struct json *j, const char *key, struct view text)
{
	struct view head = text, body = body_of(text);
	unsigned n = 1, cut = 0;

	json_obj(j, key);
	json_str(j, "text", text);
	json_arr(j, "explained");
	put_header(j, take(&head, '('));
	for (struct view left = body; left.len > 0;) {
		struct view value = take(&left, ';');
		struct view keyword = take(&value, ':');

		value = trim(value);
		if (keyword.len == 0) {
			continue;
		}
		if (n == RULE_WORDS_MAX) {
			cut++;
			continue;
		}
		n++;
		put_option(j, keyword, value);
	}
	json_arr_end(j);
	json_arr(j, "references");
	n = 0;
	for (struct view left = body; left.len > 0 && n < RULE_WORDS_MAX;) {
		struct view value = take(&left, ';');

		if (view_eq(take(&value, ':'), VIEW_LIT("reference"))) {
			n++;
			json_str(j, NULL, trim(value));
		}
	}
	json_arr_end(j);
	json_u64(j, "cut", cut);
	json_obj_end(j);
}
