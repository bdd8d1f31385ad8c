/* SPDX-License-Identifier: Apache-2.0 */
/* Versions and states of TLS, and the times of its certificates. */
#include "common/clock.h"
#include "rules/rule_draft.h"

/* The bits that a version's name stands for; 0 when it is none. */
static uint64_t
version_bits(struct view v)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} names[] = { { "sslv2", TLS_BIT_SSL2 }, { "sslv3", TLS_BIT_SSL3 },
		      { "1.0", TLS_BIT_10 },     { "1.1", TLS_BIT_11 },
		      { "1.2", TLS_BIT_12 },     { "1.3", TLS_BIT_13 },
		      { "tls1.0", TLS_BIT_10 },  { "tls1.1", TLS_BIT_11 },
		      { "tls1.2", TLS_BIT_12 },  { "tls1.3", TLS_BIT_13 },
		      { "tlsv1.0", TLS_BIT_10 }, { "tlsv1.1", TLS_BIT_11 },
		      { "tlsv1.2", TLS_BIT_12 }, { "tlsv1.3", TLS_BIT_13 } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (text_is(v, names[i].name)) {
			return names[i].bit;
		}
	}
	return 0;
}

/* tls.version:0x7f12, the number that a hello holds. */
static bool
version_number(struct view v, struct test *t)
{
	t->fact = FACT_NUM;
	t->arg = NUM_TLS_VERSION;
	t->compare = CMP_EQ;
	if (v.len > 0 && v.p[0] == '!') {
		t->compare = CMP_NE;
		v = text_trim(view_sub(v, 1, v.len));
	}
	return v.len > 2 && v.p[0] == '0' && text_u64(v, &t->a) &&
	       t->a <= UINT16_MAX;
}

/* Versions with commas: any of those without '!', none of those with it. */
enum err
parse_tls_version(struct rule_draft *r, const struct keyword *w,
		  struct view value)
{
	struct test t = { .fact = FACT_TLS_VERSION }, number = { 0 };
	struct view v = text_unquote(value), part;

	r->tx_only = true;
	if (version_number(v, &number)) {
		return draft_add_test(r, &number);
	}
	while (text_next(&v, ',', &part)) {
		bool no = part.len > 0 && part.p[0] == '!';
		uint64_t bits;

		part = no ? text_trim(view_sub(part, 1, part.len)) : part;
		bits = version_bits(part);
		if (bits == 0) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: \"%.*s\" is no version: write "
					"1.2 or tls1.2",
					w->name, TEXT_ARG(part));
		}
		t.a |= no ? 0 : bits;
		t.b |= no ? bits : 0;
	}
	if (t.a == 0 && t.b == 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: needs a version",
				w->name);
	}
	return draft_add_test(r, &t);
}

/* STATE[,!STATE...] or STATE|STATE */
enum err
parse_ssl_state(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} names[] = { { "client_hello", SSL_STATE_CLIENT_HELLO },
		      { "server_hello", SSL_STATE_SERVER_HELLO },
		      { "client_keyx", SSL_STATE_CLIENT_KEYX },
		      { "server_keyx", SSL_STATE_SERVER_KEYX },
		      { "unknown", SSL_STATE_UNKNOWN } };
	struct test t = { .fact = FACT_SSL_STATE };
	struct view v = text_unquote(value), part, one;

	while (text_next(&v, ',', &part)) {
		while (text_next(&part, '|', &one)) {
			bool no = one.len > 0 && one.p[0] == '!';
			uint8_t bit = 0;

			one = no ? text_trim(view_sub(one, 1, one.len)) : one;
			for (size_t i = 0; i < ARRAY_LEN(names); i++) {
				bit |= text_is(one, names[i].name)
					       ? names[i].bit
					       : 0;
			}
			if (bit == 0) {
				return diag_set(r->d, ERR_FORMAT,
						"%s: \"%.*s\" is no state",
						w->name, TEXT_ARG(one));
			}
			t.a |= no ? 0 : bit;
			t.b |= no ? bit : 0;
		}
	}
	r->tx_only = true;
	return draft_add_test(r, &t);
}

static bool
date_of(struct view v, uint64_t *seconds)
{
	static const char *const rest[] = { "",       "-01-01", "-01", "",
					    ":00:00", ":00",    "" };
	size_t parts = 0;
	char text[64];
	uint64_t us;

	v = text_trim(v);
	if (v.len < 4 || v.len > 30) {
		return false;
	}
	/* count what is given: year, month, day, hour, minute, second */
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		parts += c == '-' || c == ':' || c == 'T' || c == ' ';
		text[i] = c == ' ' ? 'T' : (char)c;
	}
	text[v.len] = '\0';
	if (parts > 5) {
		return false;
	}
	strcat(text, rest[parts + 1]);
	if (strlen(text) > 10) {
		strcat(text, "Z");
	}
	if (!clock_parse_iso(view_cstr(text), &us)) {
		return false;
	}
	*seconds = us / US_PER_S;
	return true;
}

/* "2026-11-22", "<2026", "2025<>2026" */
enum err
parse_cert_time(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	struct test t = { .fact = FACT_NUM,
			  .arg = (uint16_t)w->a,
			  .compare = CMP_EQ };
	struct view v = text_unquote(value);
	bool good;
	size_t at;

	r->tx_only = true;
	if (text_find_str(v, "<>", &at) && at > 0) {
		t.compare = CMP_IN;
		good = date_of(view_of(v.p, at), &t.a) &&
		       date_of(view_sub(v, at + 2, v.len), &t.b) && t.a < t.b;
	} else if (v.len > 0 && (v.p[0] == '<' || v.p[0] == '>')) {
		t.compare = v.p[0] == '<' ? CMP_LT : CMP_GT;
		good = date_of(view_sub(v, 1, v.len), &t.a);
	} else {
		good = date_of(v, &t.a);
	}
	if (!good) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is no date: write YYYY-MM-DD, "
				"with < > or between two",
				w->name, TEXT_ARG(value));
	}
	return draft_add_test(r, &t);
}

enum err
parse_cert_state(struct rule_draft *r, const struct keyword *w,
		 struct view value)
{
	struct test t = { .fact = w->shape == KW_CERT_VALID
					  ? FACT_CERT_VALID
					  : FACT_CERT_EXPIRED };

	(void)value;
	r->tx_only = true;
	return draft_add_test(r, &t);
}
