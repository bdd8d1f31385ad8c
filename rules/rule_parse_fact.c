/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a packet's headers and of its flow. */
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
