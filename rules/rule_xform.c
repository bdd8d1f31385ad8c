/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/rule_xform.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "rules/rule_text.h"
#include "rules/xform_domain.h"

struct xform_scratch *
xform_scratch_new(void)
{
	struct xform_scratch *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->digest = EVP_MD_CTX_new();
	s->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	s->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	/* the whole and the first group */
	s->match_data = pcre2_match_data_create(2, NULL);
	s->match_context = pcre2_match_context_create(NULL);
	s->inflater = inflater_new();
	if (s->digest == NULL || s->md5 == NULL || s->sha1 == NULL ||
	    s->sha256 == NULL || s->match_data == NULL ||
	    s->match_context == NULL || s->inflater == NULL) {
		xform_scratch_free(s);
		return NULL;
	}
	pcre2_set_match_limit(s->match_context, XFORM_MATCH_LIMIT);
	pcre2_set_depth_limit(s->match_context, XFORM_MATCH_LIMIT);
	return s;
}

void
xform_scratch_free(struct xform_scratch *s)
{
	if (s != NULL) {
		EVP_MD_CTX_free(s->digest);
		EVP_MD_free(s->md5);
		EVP_MD_free(s->sha1);
		EVP_MD_free(s->sha256);
		pcre2_match_data_free(s->match_data);
		pcre2_match_context_free(s->match_context);
		inflater_free(s->inflater);
		free(s);
	}
}

size_t
base64_decode(struct view in, uint8_t *out, size_t cap, bool skip)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < in.len && n < cap; i++) {
		int d = text_base64_digit(in.p[i]);

		if (d < 0) {
			if (in.p[i] == '=' || !skip) {
				break;
			}
			continue;
		}
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

static size_t
digest_of(struct xform_scratch *s, enum xform_type t, struct view in,
	  uint8_t *out)
{
	const EVP_MD *md = t == XFORM_MD5    ? s->md5
			   : t == XFORM_SHA1 ? s->sha1
					     : s->sha256;
	unsigned n = 0;

	if (EVP_DigestInit_ex(s->digest, md, NULL) != 1 ||
	    EVP_DigestUpdate(s->digest, in.p, in.len) != 1 ||
	    EVP_DigestFinal_ex(s->digest, out, &n) != 1) {
		return 0;
	}
	return n;
}

static size_t
whitespace(enum xform_type t, struct view in, uint8_t *out)
{
	bool before = false;
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		bool space = text_is_space(in.p[i]);

		if (!space || (t == XFORM_COMPRESS_WHITESPACE && !before)) {
			out[n++] = in.p[i];
		}
		before = space;
	}
	return n;
}

static size_t
url_decode(struct view in, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i];

		if (c == '%' && i + 2 < in.len && ascii_hex(in.p[i + 1]) >= 0 &&
		    ascii_hex(in.p[i + 2]) >= 0) {
			c = (uint8_t)(ascii_hex(in.p[i + 1]) << 4 |
				      ascii_hex(in.p[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		out[n++] = c;
	}
	return n;
}

/* Names up to the colon to lower case; values as they are. */
static size_t
header_lowercase(struct view in, uint8_t *out)
{
	bool in_name = true;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i];

		if (c == ':') {
			in_name = false;
		} else if (c == '\n') {
			in_name = true;
		}
		out[i] = in_name ? ascii_lower(c) : c;
	}
	return in.len;
}

/* Drops lines that begin with a colon (RFC 9113 8.3). */
static size_t
strip_pseudo(struct view in, uint8_t *out)
{
	size_t n = 0, i = 0;

	while (i < in.len) {
		size_t end = i + text_find(view_sub(in, i, in.len), '\n');

		end = MIN(end + 1, in.len);
		if (in.p[i] != ':') {
			memcpy(out + n, in.p + i, end - i);
			n += end - i;
		}
		i = end;
	}
	return n;
}

/* Bytes that "strict" does not take stay as they are. */
static struct view
from_base64(const struct xform *x, struct view in, uint8_t *to)
{
	struct view part =
		view_sub(in, (size_t)x->a, x->has_b ? (size_t)x->b : in.len);
	uint8_t mode = x->arg.len > 0 ? x->arg.p[0] : 0;
	size_t n;

	for (size_t i = 0; mode == '!' && i < part.len; i++) {
		bool pad = part.p[i] == '=' && part.len - i <= 2;

		if (text_base64_digit(part.p[i]) < 0 && !pad) {
			return in;
		}
	}
	n = base64_decode(part, to, XFORM_MAX, mode == 's');
	return n > 0 ? view_of(to, n) : in;
}

static struct view
slice(const struct xform *x, struct view in)
{
	int64_t len = (int64_t)in.len, start = x->a, end = len;

	if (start < 0) {
		start = MAX(len + start, (int64_t)0);
	}
	if (x->has_b) {
		end = x->b < 0 ? len + x->b : start + x->b;
	}
	end = MIN(end, len);
	if (start >= end) {
		return VIEW_NONE;
	}
	return view_of(in.p + start, (size_t)(end - start));
}

/* The first group; all of 'in' where the expression says nothing. */
static struct view
first_group(struct xform_scratch *s, const struct xform *x, struct view in)
{
	const PCRE2_SIZE *ov;
	int rc = pcre2_match(x->code, in.p != NULL ? in.p : (const uint8_t *)"",
			     in.len, 0, 0, s->match_data, s->match_context);

	/* 1: the group took no part */
	if (rc < 0 || rc == 1) {
		return in;
	}
	ov = pcre2_get_ovector_pointer(s->match_data);
	return ov[2] <= ov[3] ? view_sub(in, ov[2], ov[3] - ov[2]) : VIEW_NONE;
}

/* A name that has no such part stays as it is. */
static struct view
name_part(enum xform_type t, struct view in)
{
	struct view part =
		t == XFORM_TLD ? domain_suffix(in) : domain_registered(in);

	return part.len > 0 ? part : in;
}

static bool
apply_one(struct xform_scratch *s, const struct xform *x, struct view in,
	  uint8_t *to, struct view *out)
{
	size_t n = 0;

	in.len = MIN(in.len, XFORM_MAX - 1);
	switch (x->type) {
	case XFORM_DOTPREFIX:
		to[0] = '.';
		if (in.len > 0) {
			memcpy(to + 1, in.p, in.len);
		}
		n = in.len + 1;
		break;
	case XFORM_LOWERCASE:
		for (n = 0; n < in.len; n++) {
			to[n] = ascii_lower(in.p[n]);
		}
		break;
	case XFORM_UPPERCASE:
		for (n = 0; n < in.len; n++) {
			uint8_t c = in.p[n];

			to[n] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
		}
		break;
	case XFORM_STRIP_WHITESPACE:
	case XFORM_COMPRESS_WHITESPACE:
		n = whitespace(x->type, in, to);
		break;
	case XFORM_MD5:
	case XFORM_SHA1:
	case XFORM_SHA256:
		n = digest_of(s, x->type, in, to);
		break;
	case XFORM_URL_DECODE:
		n = url_decode(in, to);
		break;
	case XFORM_XOR:
		for (n = 0; n < in.len; n++) {
			to[n] = in.p[n] ^ x->arg.p[n % x->arg.len];
		}
		break;
	case XFORM_HEADER_LOWERCASE:
		n = header_lowercase(in, to);
		break;
	case XFORM_STRIP_PSEUDO_HEADERS:
		n = strip_pseudo(in, to);
		break;
	case XFORM_FROM_BASE64:
		*out = from_base64(x, in, to);
		return true;
	case XFORM_SUBSLICE:
		*out = slice(x, in);
		return true;
	case XFORM_DOMAIN:
	case XFORM_TLD:
		*out = name_part(x->type, in);
		return true;
	case XFORM_PCRE:
		*out = first_group(s, x, in);
		return true;
	case XFORM_GUNZIP:
	case XFORM_ZLIB:
		n = inflater_run(s->inflater,
				 x->type == XFORM_GUNZIP ? INFLATE_GZIP
							 : INFLATE_ZLIB,
				 in, to, MIN((size_t)x->a, XFORM_MAX));
		break;
	}
	*out = view_of(to, n);
	return true;
}

void
xform_forget(struct xform_scratch *s)
{
	s->last.x = NULL;
}

static bool
same_xform(const struct xform *a, const struct xform *b)
{
	return a->type == b->type && a->a == b->a && a->b == b->b &&
	       a->has_b == b->has_b && a->code == b->code &&
	       view_eq(a->arg, b->arg);
}

/* The last result is that of the same on the same bytes. */
static bool
is_last(const struct xform_scratch *s, const struct xform *x, size_t n,
	struct view in)
{
	if (s->last.x == NULL || s->last.in.p != in.p ||
	    s->last.in.len != in.len || s->last.n != n) {
		return false;
	}
	for (size_t i = 0; s->last.x != x && i < n; i++) {
		if (!same_xform(&s->last.x[i], &x[i])) {
			return false;
		}
	}
	return true;
}

bool
xform_apply(struct xform_scratch *s, const struct xform *x, size_t n,
	    struct view in, struct view *out)
{
	struct view whole = in;

	if (is_last(s, x, n, in)) {
		*out = s->last.out;
		return true;
	}
	s->last.x = NULL;
	for (size_t i = 0; i < n; i++) {
		/* never the buffer that 'in' may lie in */
		bool in_a = (uintptr_t)in.p - (uintptr_t)s->a < XFORM_MAX;
		uint8_t *to = in_a ? s->b : s->a;

		if (!apply_one(s, &x[i], in, to, &in)) {
			return false;
		}
	}
	s->last.in = whole;
	s->last.out = *out = in;
	s->last.x = x;
	s->last.n = n;
	return true;
}
