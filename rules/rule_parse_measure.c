/* SPDX-License-Identifier: Apache-2.0 */
/* entropy and asn1: tests of the bytes as a whole. */
#include <math.h>
#include <stdlib.h>

#include "rules/rule_draft.h"

#define MAX_PARTS 16
#define ENTROPY_MOST 8.0 /* bits in a byte */

/* "4", "4.25" */
static bool
real_of(struct view v, double *out)
{
	char text[32], *end;

	v = text_trim(v);
	if (v.len == 0 || v.len >= sizeof(text) || v.p[0] < '0' ||
	    v.p[0] > '9') {
		return false;
	}
	memcpy(text, v.p, v.len);
	text[v.len] = '\0';
	*out = strtod(text, &end);
	return *end == '\0' && isfinite(*out) && *out <= ENTROPY_MOST;
}

static bool
real_range(struct view v, struct op *op)
{
	size_t at, skip = 2;

	if (!text_find_str(v, "<>", &at)) {
		skip = 1;
		at = text_find(v, '-');
		if (at == v.len) {
			return false;
		}
	}
	op->entropy.compare = CMP_IN;
	return real_of(view_of(v.p, at), &op->entropy.a) &&
	       real_of(view_sub(v, at + skip, v.len), &op->entropy.b) &&
	       op->entropy.a < op->entropy.b;
}

/* "4", "= 4", "!= 4", ">= 4.5", "4 - 5", "!4-5" */
static bool
real_compare(struct view v, struct op *op)
{
	static const struct {
		const char *sign;
		enum cmp c;
	} signs[] = { { "<=", CMP_LE }, { ">=", CMP_GE }, { "!=", CMP_NE },
		      { "<", CMP_LT },  { ">", CMP_GT },  { "=", CMP_EQ } };
	bool negated;

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		size_t n = strlen(signs[i].sign);

		if (v.len > n && memcmp(v.p, signs[i].sign, n) == 0) {
			op->entropy.compare = (uint8_t)signs[i].c;
			return real_of(view_sub(v, n, v.len), &op->entropy.a);
		}
	}
	negated = v.len > 0 && v.p[0] == '!';
	v = negated ? text_trim(view_sub(v, 1, v.len)) : v;
	op->entropy.compare = negated ? CMP_NE : CMP_EQ;
	if (real_of(v, &op->entropy.a)) {
		return true;
	}
	if (!real_range(v, op)) {
		return false;
	}
	op->entropy.compare = negated ? CMP_OUT : CMP_IN;
	return true;
}

/*
 * The buffer's name in the event: the name that Suricata's engine gives it,
 * which for older buffers is not the keyword's.
 */
static const char *
buffer_name(const struct draft_list *l)
{
	static const struct {
		enum inspect_buf buf;
		const char *name;
	} names[] = { { BUF_HTTP_URI, "http_uri" },
		      { BUF_HTTP_URI_RAW, "http_raw_uri" },
		      { BUF_HTTP_METHOD, "http_method" },
		      { BUF_HTTP_REQ_LINE, "http_request_line" },
		      { BUF_HTTP_REQ_PROTOCOL, "http_protocol" },
		      { BUF_HTTP_RESP_PROTOCOL, "http_protocol" },
		      { BUF_HTTP_HOST, "http_host" },
		      { BUF_HTTP_HOST_RAW, "http_raw_host" },
		      { BUF_HTTP_REQ_HEADER, "http_header" },
		      { BUF_HTTP_RESP_HEADER, "http_header" },
		      { BUF_HTTP_REQ_HEADER_RAW, "http_raw_header" },
		      { BUF_HTTP_RESP_HEADER_RAW, "http_raw_header" },
		      { BUF_HTTP_REQ_HEADER_NAMES, "http_header_names" },
		      { BUF_HTTP_RESP_HEADER_NAMES, "http_header_names" },
		      { BUF_HTTP_REQ_START, "http_start" },
		      { BUF_HTTP_RESP_START, "http_start" },
		      { BUF_HTTP_REQ_COOKIE, "http_cookie" },
		      { BUF_HTTP_RESP_COOKIE, "http_cookie" },
		      { BUF_HTTP_USER_AGENT, "http_user_agent" },
		      { BUF_HTTP_REQ_BODY, "http_client_body" },
		      { BUF_HTTP_RESP_BODY, "file_data" },
		      { BUF_HTTP_STAT_CODE, "http_stat_code" },
		      { BUF_HTTP_STAT_MSG, "http_stat_msg" },
		      { BUF_HTTP_RESP_LINE, "http_response_line" },
		      { BUF_FILE_DATA, "file_data" },
		      { BUF_DNS_QUERY, "dns_query" } };

	if (l->is_base64) {
		return "base64_data";
	}
	if (l->word == NULL) {
		return "content";
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (l->word->a == (int16_t)names[i].buf ||
		    (l->word->a == KW_NONE &&
		     l->word->b == (int16_t)names[i].buf)) {
			return names[i].name;
		}
	}
	return l->word->name;
}

/* [bytes N, ][offset N, ]value COMPARISON */
enum err
parse_entropy(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	struct draft_op *o = draft_add_op(r, OP_ENTROPY);
	bool has_value = false;

	if (o == NULL) {
		return ERR_LIMIT;
	}
	for (unsigned i = 0; i < n; i++) {
		struct view name, v = parts[i];
		uint64_t x = 0;
		bool good = false;

		text_next_word(&v, &name);
		v = text_trim(v);
		if (text_is(name, "value")) {
			good = !has_value && real_compare(v, &o->op);
			has_value = true;
		} else if (text_is(name, "bytes")) {
			good = draft_sized(v, UINT32_MAX, &x);
			o->op.entropy.bytes = (uint32_t)x;
		} else if (text_is(name, "offset")) {
			good = draft_sized(v, UINT32_MAX, &x);
			o->op.entropy.offset = (uint32_t)x;
		}
		if (!good) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: \"%.*s\" is not understood: write "
					"bytes N, offset N, value >= 4.5",
					w->name, TEXT_ARG(parts[i]));
		}
	}
	if (!has_value) {
		return diag_set(r->d, ERR_FORMAT, "%s: needs a value", w->name);
	}
	if (!name_table_add(&r->env->notes,
			    view_cstr(buffer_name(draft_cur(r))),
			    &o->op.entropy.name)) {
		return draft_nomem(r);
	}
	return ERR_OK;
}

/* One word of asn1, and the number behind it; false when it is not understood. */
static bool
asn1_word(struct view *rest, struct view word, struct op *op)
{
	struct view number;
	int64_t n;

	if (text_is(word, "bitstring_overflow")) {
		op->asn1.bitstring = true;
		return true;
	}
	if (text_is(word, "double_overflow")) {
		op->asn1.real = true;
		return true;
	}
	if (!text_next_word(rest, &number) || !text_i64(number, &n)) {
		return false;
	}
	if (text_is(word, "oversize_length") && n >= 0 && n <= UINT32_MAX) {
		op->asn1.has_oversize = true;
		op->asn1.oversize = (uint64_t)n;
		return true;
	}
	if (n < -UINT16_MAX || n > UINT16_MAX) {
		return false;
	}
	op->asn1.offset = n;
	if (text_is(word, "relative_offset")) {
		op->flags |= OPF_RELATIVE;
		return true;
	}
	op->flags &= (uint16_t)~OPF_RELATIVE;
	return n >= 0 && text_is(word, "absolute_offset");
}

/* Words with commas or blanks between them. */
enum err
parse_asn1(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view part, word;
	struct draft_op *o = draft_add_op(r, OP_ASN1);

	if (o == NULL) {
		return ERR_LIMIT;
	}
	value = text_unquote(value);
	while (text_next(&value, ',', &part)) {
		while (text_next_word(&part, &word)) {
			if (!asn1_word(&part, word, &o->op)) {
				return diag_set(
					r->d, ERR_FORMAT,
					"%s: \"%.*s\" is not understood: write "
					"bitstring_overflow, double_overflow, "
					"oversize_length N, absolute_offset N "
					"or relative_offset N",
					w->name, TEXT_ARG(word));
			}
		}
	}
	return ERR_OK;
}
