/* SPDX-License-Identifier: Apache-2.0 */
/* The application protocol, events, and numbers of transactions. */
#include "common/dns_text.h"
#include "rules/rule_draft.h"

static bool
app_mode_of(struct view word, uint16_t *mode)
{
	static const struct {
		const char *word;
		enum app_mode mode;
	} modes[] = {
		{ "either", APP_EITHER },      { "to_server", APP_TO_SERVER },
		{ "toserver", APP_TO_SERVER }, { "to_client", APP_TO_CLIENT },
		{ "toclient", APP_TO_CLIENT }, { "direction", APP_OF_FLOW },
		{ "final", APP_FINAL },        { "original", APP_ORIGINAL }
	};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (text_is(word, modes[i].word)) {
			*mode = (uint16_t)modes[i].mode;
			return true;
		}
	}
	return false;
}

/*
 * The bits of one name.  "http" and "dns" stand for their later carriers
 * too, unless 'exact' was asked for.
 */
static uint64_t
app_bits(struct view name, bool exact)
{
	enum app_proto p = app_proto_by_name(name);

	if (text_is(name, "unknown")) {
		return UINT64_C(1) << APP_UNKNOWN;
	}
	if (text_is(name, "ssl")) {
		p = APP_TLS;
	} else if (text_is(name, "http_any") ||
		   (text_is(name, "http") && !exact)) {
		return UINT64_C(1) << APP_HTTP | UINT64_C(1) << APP_HTTP2;
	}
	if (p == APP_UNKNOWN) {
		return 0;
	}
	return UINT64_C(1) << p |
	       (p == APP_DNS && !exact ? UINT64_C(1) << APP_DOH2 : 0) |
	       (p == APP_HTTP2 && !exact ? UINT64_C(1) << APP_DOH2 : 0);
}

/* [!]NAME[|NAME...][,MODE][,exact] */
enum err
parse_app_proto(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	struct test t = { .fact = FACT_APP_PROTO, .arg = APP_OF_FLOW };
	struct view names = VIEW_NONE, v = text_unquote(value), word;
	bool exact = false, good = true, mode = false;

	if (v.len > 0 && v.p[0] == '!') {
		t.negated = true;
		v = text_trim(view_sub(v, 1, v.len));
	}
	text_next(&v, ',', &names);
	while (text_next(&v, ',', &word)) {
		if (text_is(word, "exact") && !exact) {
			exact = true;
		} else {
			good = good && !mode && app_mode_of(word, &t.arg);
			mode = true;
		}
	}
	good = good && names.len > 0;
	while (text_next(&names, '|', &word)) {
		uint64_t bits = app_bits(word, exact);

		good = good && bits != 0;
		t.a |= bits;
	}
	if (!good) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is no application protocol",
				w->name, TEXT_ARG(value));
	}
	if (t.negated && (t.a >> APP_UNKNOWN & 1) != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: unknown cannot be negated", w->name);
	}
	r->prog.flow |= FLOW_NEEDED;
	return draft_add_test(r, &t);
}

enum err
parse_event(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = FACT_EVENT };
	struct view name = text_unquote(value);
	enum app_proto app;

	t.a = event_by_name(w->note, name);
	if (t.a == EVENT_NONE) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: the sensor knows no event \"%.*s\"",
				w->name, TEXT_ARG(name));
	}
	if (w->a == 2) {
		app = app_proto_by_name(view_of(name.p, text_find(name, '.')));
		if (app != APP_UNKNOWN) {
			r->tx_only = true;
			if (r->prog.app == APP_UNKNOWN) {
				r->prog.app = (uint8_t)app;
			}
		}
		r->prog.flow |= FLOW_NEEDED;
	}
	return draft_add_test(r, &t);
}

/* "A", "!NXDOMAIN": the DNS names of numbers. */
static bool
dns_named(int num, struct view v, struct test *t)
{
	int n = -1;

	v = text_unquote(v);
	t->compare = CMP_EQ;
	if (v.len > 1 && v.p[0] == '!') {
		t->compare = CMP_NE;
		v = text_trim(view_sub(v, 1, v.len));
	}
	if (num == NUM_DNS_RRTYPE) {
		n = dns_type_by_name(v);
	} else if (num == NUM_DNS_RCODE) {
		n = dns_rcode_by_name(v);
	}
	t->a = (uint64_t)n;
	return n >= 0;
}

enum err
parse_its_num(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = FACT_NUM, .arg = (uint16_t)w->a };
	enum err e;

	r->tx_only = true;
	if (dns_named(w->a, value, &t)) {
		return draft_add_test(r, &t);
	}
	e = draft_compare(r, w->name, value,
			  w->a == NUM_DNS_OPCODE || w->a == NUM_DNS_RCODE
				  ? UINT8_MAX
			  : w->a == NUM_DNS_RRTYPE ? UINT16_MAX
						   : INT64_MAX,
			  &t);
	return e == ERR_OK ? draft_add_test(r, &t) : e;
}
