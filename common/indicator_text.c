/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>

#include "common/addr.h"
#include "common/indicator_lines.h"

static const struct indicator_type type_names[] = {
	{ "ipv4", INDICATOR_IP, false },
	{ "ipv6", INDICATOR_IP, false },
	{ "ipv4-addr", INDICATOR_IP, false },
	{ "ipv6-addr", INDICATOR_IP, false },
	{ "ipv4-cidr", INDICATOR_IP, false },
	{ "ipv6-cidr", INDICATOR_IP, false },
	{ "cidr", INDICATOR_IP, false },
	{ "ip-src", INDICATOR_IP, false },
	{ "ip-dst", INDICATOR_IP, false },
	{ "domain-name", INDICATOR_DOMAIN, false },
	{ "hostname", INDICATOR_DOMAIN, true },
	{ "fqdn", INDICATOR_DOMAIN, true },
	{ "ja3-fingerprint-md5", INDICATOR_JA3, false },
	{ "ja4-fingerprint", INDICATOR_JA4, false },
	{ "x509-fingerprint-sha1", INDICATOR_CERT_SHA1, false },
	{ "x509-fingerprint-sha256", INDICATOR_CERT_SHA256, false },
	{ "md5", INDICATOR_FILE_MD5, false },
	{ "sha1", INDICATOR_FILE_SHA1, false },
	{ "sha256", INDICATOR_FILE_SHA256, false },
	{ "filehash-md5", INDICATOR_FILE_MD5, false },
	{ "filehash-sha1", INDICATOR_FILE_SHA1, false },
	{ "filehash-sha256", INDICATOR_FILE_SHA256, false },
	{ "stix", INDICATOR_PATTERN, false },
};

static const struct indicator_type kinds[INDICATOR_KINDS] = {
	[INDICATOR_IP] = { "ip", INDICATOR_IP, false },
	[INDICATOR_DOMAIN] = { "domain", INDICATOR_DOMAIN, false },
	[INDICATOR_URL] = { "url", INDICATOR_URL, false },
	[INDICATOR_JA3] = { "ja3", INDICATOR_JA3, false },
	[INDICATOR_CERT_SHA1] = { "cert-sha1", INDICATOR_CERT_SHA1, false },
	[INDICATOR_CERT_SHA256] = { "cert-sha256", INDICATOR_CERT_SHA256,
				    false },
	[INDICATOR_JA4] = { "ja4", INDICATOR_JA4, false },
	[INDICATOR_FILE_MD5] = { "file-md5", INDICATOR_FILE_MD5, false },
	[INDICATOR_FILE_SHA1] = { "file-sha1", INDICATOR_FILE_SHA1, false },
	[INDICATOR_FILE_SHA256] = { "file-sha256", INDICATOR_FILE_SHA256,
				    false },
	[INDICATOR_USER_AGENT] = { "user-agent", INDICATOR_USER_AGENT, false },
	[INDICATOR_PATTERN] = { "pattern", INDICATOR_PATTERN, false },
};

struct view
indicator_trimmed(struct view v)
{
	while (v.len > 0 && isspace(v.p[v.len - 1])) {
		v.len--;
	}
	while (v.len > 0 && isspace(v.p[0])) {
		v = view_sub(v, 1, v.len);
	}
	return v;
}

bool
indicator_next_line(struct indicator_lines *l)
{
	l->len = 0;
	l->cut = false;
	if (block_read_peek(l->in) < 0) {
		return false;
	}
	l->number++;
	while (block_read_peek(l->in) >= 0) {
		struct block_read *in = l->in;
		const uint8_t *from = in->p + in->at;
		size_t left = in->len - in->at, n, fits;
		const uint8_t *end = memchr(from, '\n', left);

		n = end != NULL ? (size_t)(end - from) : left;
		fits = MIN(n, sizeof(l->text) - l->len);
		memcpy(l->text + l->len, from, fits);
		l->len += fits;
		l->cut |= fits < n;
		in->at += end != NULL ? n + 1 : n;
		if (end != NULL) {
			break;
		}
	}
	return true;
}

/* "File_Hash" is written in all ways: '_' and blanks stand for '-'. */
static bool
same_name(struct view word, const char *name)
{
	size_t n = strlen(name);

	if (word.len != n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t c = ascii_lower(word.p[i]);

		c = c == '_' || c == ' ' ? '-' : c;
		if (c != (uint8_t)name[i]) {
			return false;
		}
	}
	return true;
}

const struct indicator_type *
indicator_type_by_name(struct view word)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (same_name(word, kinds[i].name)) {
			return &kinds[i];
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
		if (same_name(word, type_names[i].name)) {
			return &type_names[i];
		}
	}
	return NULL;
}

void
indicator_refuse_type(struct indicator_reading *r, uint32_t line,
		      const char *id, struct view word)
{
	indicator_reading_refuse(
		r, line, id,
		"type '%.*s' is not known; known are ip, domain, hostname, "
		"url, ja3, ja4, cert-sha1, cert-sha256, md5, sha1, sha256, "
		"user-agent and pattern",
		(int)MIN(word.len, 40), word.p);
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
static const struct indicator_type *
guess_type(struct view v)
{
	struct cidr net;

	if (cidr_parse(v, &net)) {
		return &kinds[INDICATOR_IP];
	}
	if (memchr(v.p, '/', v.len) != NULL) {
		return &kinds[INDICATOR_URL];
	}
	if ((v.len == 32 || v.len == 40 || v.len == 64) && all_hex(v)) {
		return NULL;
	}
	return &kinds[INDICATOR_DOMAIN];
}

/* "# type: ja3" settles what the values below it are. */
static void
take_directive(struct indicator_reading *r, uint32_t number, struct view line,
	       const struct indicator_type **fixed)
{
	struct view word = indicator_trimmed(view_sub(line, 1, line.len));

	if (word.len < 5 ||
	    !view_caseeq(view_sub(word, 0, 5), VIEW_LIT("type:"))) {
		return;
	}
	word = indicator_trimmed(view_sub(word, 5, word.len));
	*fixed = indicator_type_by_name(word);
	if (*fixed == NULL) {
		indicator_refuse_type(r, number, NULL, word);
	}
}

/* Values of these kinds may have blanks: the whole line is the value. */
static bool
is_whole_line(const struct indicator_type *t)
{
	return t != NULL && (t->kind == INDICATOR_USER_AGENT ||
			     t->kind == INDICATOR_PATTERN);
}

static void
add_value(struct indicator_reading *r, uint32_t number,
	  const struct indicator_type *t, struct view value)
{
	struct indicator n = indicator_blank(r);

	n.kind = t->kind;
	n.exact = t->exact;
	if (t->kind == INDICATOR_PATTERN) {
		indicator_reading_pattern(r, number, &n, value);
	} else {
		indicator_reading_add(r, number, &n, value);
	}
}

static void
read_value(struct indicator_reading *r, uint32_t number, struct view line,
	   const struct indicator_type *fixed)
{
	const struct indicator_type *t;
	char plain[INDICATOR_VALUE_CAP];
	struct view value, rest;
	size_t i = 0;

	if (is_whole_line(fixed)) {
		add_value(r, number, fixed, line);
		return;
	}
	while (i < line.len && !isspace(line.p[i])) {
		i++;
	}
	value = view_of(line.p, i);
	rest = indicator_trimmed(view_sub(line, i, line.len));
	if (rest.len > 0 && rest.p[0] != '#' && rest.p[0] != ';') {
		indicator_reading_refuse(r, number, NULL,
					 "more than one word on a line; only a "
					 "comment with # may follow the value");
		return;
	}
	value = indicator_refanged(value, plain);
	t = fixed != NULL ? fixed : guess_type(value);
	if (t == NULL) {
		indicator_reading_refuse(
			r, number, NULL,
			"%zu hex digits may be of a file, a certificate or a "
			"JA3; say which with a line '# type: ja3' or as CSV",
			value.len);
		return;
	}
	add_value(r, number, t, value);
}

static void
read_list(struct indicator_reading *r, struct indicator_lines *l)
{
	const struct indicator_type *fixed = NULL;

	while (r->stop == ERR_OK && indicator_next_line(l)) {
		struct view line = indicator_trimmed(view_of(l->text, l->len));

		if (line.len == 0 || line.p[0] == ';') {
			continue;
		}
		if (line.p[0] == '#') {
			take_directive(r, l->number, line, &fixed);
		} else if (l->cut) {
			indicator_reading_refuse(r, l->number, NULL,
						 "line longer than 32 KiB");
		} else {
			read_value(r, l->number, line, fixed);
		}
	}
}

/* A file is CSV when its first line that says anything is a header row. */
void
indicator_read_text(struct indicator_reading *r, struct block_read *in)
{
	struct indicator_lines *l = malloc(sizeof(*l));
	uint64_t start = block_read_offset(in);

	if (l == NULL) {
		indicator_reading_stop(r, ERR_NOMEM, "out of memory");
		return;
	}
	l->in = in;
	l->number = 0;
	while (indicator_next_line(l)) {
		struct view line = indicator_trimmed(view_of(l->text, l->len));

		if (line.len == 0 || line.p[0] == '#') {
			continue;
		}
		if (indicator_read_csv(r, l)) {
			free(l);
			return;
		}
		break;
	}
	block_read_seek(in, start);
	l->number = 0;
	read_list(r, l);
	free(l);
}
