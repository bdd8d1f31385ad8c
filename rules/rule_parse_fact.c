/* SPDX-License-Identifier: Apache-2.0 */
/* Header facts, protocols, events and numbers of transactions. */
#include "common/clock.h"
#include "common/dns_text.h"
#include "rules/rule_draft.h"

static uint64_t
fact_max(int fact)
{
	switch (fact) {
	case FACT_TTL:
	case FACT_TOS:
	case FACT_ICMP_TYPE:
	case FACT_ICMP_CODE:
	case FACT_IGMP_TYPE:
	case FACT_TCP_WSCALE:
		return 255;
	case FACT_IP_ID:
	case FACT_TCP_WINDOW:
	case FACT_TCP_MSS:
	case FACT_ICMP_ID:
	case FACT_ICMP_SEQ:
	case FACT_DSIZE:
		return 65535;
	case FACT_TCP_SEQ:
	case FACT_TCP_ACK:
	case FACT_FLOW_AGE:
	case FACT_FLOW_PKTS:
	case FACT_ICMPV6_MTU:
		return UINT32_MAX;
	default:
		return INT64_MAX;
	}
}

enum err
parse_fact(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = (uint8_t)w->a, .arg = (uint16_t)w->b };
	enum err e = draft_compare(r, w->name, value, fact_max(w->a), &t);

	if (e != ERR_OK) {
		return e;
	}
	if (w->a >= FACT_FLOW_AGE && w->a <= FACT_FLOW_BYTES) {
		r->prog.flow |= FLOW_NEEDED;
	}
	return draft_add_test(r, &t);
}

/* flow.pkts:toserver,>3 */
enum err
parse_flow_count(struct rule_draft *r, const struct keyword *w,
		 struct view value)
{
	struct test t = { .fact = (uint8_t)w->a };
	struct view dir;
	enum err e;

	value = text_unquote(value);
	text_next(&value, ',', &dir);
	if (text_is(dir, "toserver")) {
		t.arg = DIR_TOSERVER;
	} else if (text_is(dir, "toclient")) {
		t.arg = DIR_TOCLIENT;
	} else if (text_is(dir, "either")) {
		t.arg = 3;
	} else {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write toserver, toclient or either, then "
				"a comparison",
				w->name);
	}
	e = draft_compare(r, w->name, value, INT64_MAX, &t);
	r->prog.flow |= FLOW_NEEDED;
	return e == ERR_OK ? draft_add_test(r, &t) : e;
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

static bool
flag_bit(uint8_t c, uint64_t *bit)
{
	static const struct {
		char name;
		uint8_t bit;
	} flags[] = { { 'F', 0x01 }, { 'S', 0x02 }, { 'R', 0x04 },
		      { 'P', 0x08 }, { 'A', 0x10 }, { 'U', 0x20 },
		      { 'E', 0x40 }, { '2', 0x40 }, { 'C', 0x80 },
		      { '1', 0x80 }, { '0', 0 } };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (flags[i].name == (c >= 'a' && c <= 'z' ? c - 32 : c)) {
			*bit = flags[i].bit;
			return true;
		}
	}
	return false;
}

static bool
flags_mode(uint8_t c, struct test *t)
{
	switch (c) {
	case '+':
		t->arg = FLAGS_ALL;
		return true;
	case '*':
		t->arg = FLAGS_ANY;
		return true;
	case '!':
		t->arg = FLAGS_NONE;
		return true;
	default:
		return false;
	}
}

/* [MODE]FLAGS[MODE][,IGNORED] */
enum err
parse_tcp_flags(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	struct test t = { .fact = FACT_FLAGS, .arg = FLAGS_EXACT, .b = 0xff };
	struct view flags = VIEW_NONE;
	uint64_t bit;

	value = text_unquote(value);
	text_next(&value, ',', &flags);
	value = text_trim(value);
	if (flags.len == 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: write some of FSRPAUCE0",
				w->name);
	}
	for (size_t i = 0; i < flags.len; i++) {
		if (flags_mode(flags.p[i], &t)) {
			continue;
		}
		if (!flag_bit(flags.p[i], &bit)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: unknown flag in \"%.*s\"", w->name,
					TEXT_ARG(flags));
		}
		t.a |= bit;
	}
	for (size_t i = 0; i < value.len; i++) {
		if (!flag_bit(value.p[i], &bit)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: unknown flag in \"%.*s\"", w->name,
					TEXT_ARG(value));
		}
		t.b &= ~bit;
	}
	return draft_add_test(r, &t);
}

enum err
parse_fragbits(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = FACT_FRAGBITS, .arg = FLAGS_EXACT, .b = 7 };

	value = text_unquote(value);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t c = ascii_lower(value.p[i]);

		if (c == 'm') {
			t.a |= 1;
		} else if (c == 'd') {
			t.a |= 2;
		} else if (c == 'r') {
			t.a |= 4;
		} else if (!flags_mode(c, &t) && !text_is_space(c)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: write some of M, D, R with + * "
					"or !",
					w->name);
		}
	}
	return draft_add_test(r, &t);
}

enum err
parse_fragoffset(struct rule_draft *r, const struct keyword *w,
		 struct view value)
{
	struct test t = { .fact = FACT_FRAG_OFFSET };
	enum err e = draft_compare(r, w->name, value, 8191, &t);

	return e == ERR_OK ? draft_add_test(r, &t) : e;
}

enum err
parse_ipopts(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		const char *name;
		uint32_t bits;
	} opts[] = {
		{ "rr", IPOPT_BIT_RR },       { "eol", IPOPT_BIT_EOL },
		{ "nop", IPOPT_BIT_NOP },     { "ts", IPOPT_BIT_TS },
		{ "sec", IPOPT_BIT_SEC },     { "esec", IPOPT_BIT_ESEC },
		{ "lsrr", IPOPT_BIT_LSRR },   { "ssrr", IPOPT_BIT_SSRR },
		{ "satid", IPOPT_BIT_SATID }, { "cipso", IPOPT_BIT_CIPSO },
		{ "qs", IPOPT_BIT_QS },       { "rtralt", IPOPT_BIT_RTRALT },
		{ "any", 0xffffffff }
	};
	struct test t = { .fact = FACT_IPOPT };

	for (size_t i = 0; i < ARRAY_LEN(opts); i++) {
		if (text_is(text_unquote(value), opts[i].name)) {
			t.a = opts[i].bits;
		}
	}
	if (t.a == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is no option's name", w->name,
				TEXT_ARG(value));
	}
	return draft_add_test(r, &t);
}

/* valid or invalid */
enum err
parse_csum(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = FACT_CSUM, .arg = (uint16_t)w->a };
	struct view v = text_unquote(value);

	if (text_is(v, "valid")) {
		t.a = 1;
	} else if (!text_is(v, "invalid")) {
		return diag_set(r->d, ERR_FORMAT, "%s: write valid or invalid",
				w->name);
	}
	return draft_add_test(r, &t);
}

static int
proto_number(struct view v)
{
	static const struct {
		const char *name;
		uint8_t n;
	} names[] = { { "icmp", 1 },   { "igmp", 2 },       { "ipip", 4 },
		      { "tcp", 6 },    { "udp", 17 },       { "ipv6", 41 },
		      { "gre", 47 },   { "esp", 50 },       { "ah", 51 },
		      { "icmp6", 58 }, { "ipv6-icmp", 58 }, { "pim", 103 },
		      { "vrrp", 112 }, { "sctp", 132 } };
	uint64_t n;

	if (text_u64(v, &n)) {
		return n <= 255 ? (int)n : -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (text_is(v, names[i].name)) {
			return names[i].n;
		}
	}
	return -1;
}

enum err
parse_ip_proto(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		char sign;
		enum cmp c;
	} signs[] = { { '!', CMP_NE }, { '<', CMP_LT }, { '>', CMP_GT } };
	struct test t = { .fact = FACT_IP_PROTO, .compare = CMP_EQ };
	struct view v = text_unquote(value);
	int n;

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (v.len > 1 && v.p[0] == signs[i].sign) {
			t.compare = (uint8_t)signs[i].c;
			v = text_trim(view_sub(v, 1, v.len));
			break;
		}
	}
	n = proto_number(v);
	if (n < 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: \"%.*s\" is no protocol",
				w->name, TEXT_ARG(v));
	}
	t.a = (uint64_t)n;
	return draft_add_test(r, &t);
}

enum err
parse_sameip(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = FACT_SAMEIP };

	(void)w;
	(void)value;
	return draft_add_test(r, &t);
}

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
