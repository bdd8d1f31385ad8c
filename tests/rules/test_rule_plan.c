/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of values against the sets themselves, and what plans let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/addr_index.h"
#include "rules/range_classes.h"
#include "rules/rule_match.h"
#include "rules/rule_plan.h"
#include "tests/rnd.h"
#include "tests/rules/rule_case.h"

#define N_SETS 70
#define SPACE 2000

static void
test_classes(void **state)
{
	static struct range ranges[N_SETS][8];
	static struct range_set sets[N_SETS];
	struct range_classes_entry v[N_SETS + 1];
	struct range_classes c;

	(void)state;
	for (uint32_t i = 0; i < N_SETS; i++) {
		unsigned __int128 at = rnd(100);

		sets[i].v = ranges[i];
		for (uint32_t k = 0; k < 1 + rnd(8); k++) {
			ranges[i][k].lo = at;
			ranges[i][k].hi = at + rnd(120);
			at = ranges[i][k].hi + 2 + rnd(200);
			sets[i].n = k + 1;
		}
		if (i % 9 == 0) { /* to the very end */
			ranges[i][sets[i].n - 1].hi = RANGE_MAX;
		}
		v[i] = (struct range_classes_entry){ &sets[i % 50], i };
	}
	v[N_SETS] = (struct range_classes_entry){ NULL, N_SETS };
	assert_int_equal(range_classes_build(&c, v, N_SETS + 1, N_SETS + 1),
			 ERR_OK);
	for (uint32_t x = 0; x < SPACE; x++) {
		const uint64_t *row =
			range_classes_row(&c, range_classes_find(&c, x));

		for (uint32_t i = 0; i <= N_SETS; i++) {
			bool in = (row[i / 64] >> (i % 64) & 1) != 0;

			assert_int_equal(
				in,
				i == N_SETS || range_set_has(&sets[i % 50], x));
		}
	}
	range_classes_fini(&c);
}

/* Addresses in and around blocks that are many enough for a table. */
static void
test_addresses(void **state)
{
	static struct range ranges[200];
	const unsigned __int128 v4 = (unsigned __int128)0xffff << 32;
	struct range_set set = { ranges, ARRAY_LEN(ranges) };
	struct range_classes_entry v[] = { { &set, 0 } };
	struct addr_index_entry entry = { &set, 7 };
	struct range_classes c;
	struct addr_index ix;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(ranges); i++) {
		/* some begin with a block of the table, some end with one */
		ranges[i].lo = v4 + (uint64_t)i * 0x1000000 + i % 3 * 77;
		ranges[i].hi = ranges[i].lo + 0xfffff - i % 2;
	}
	assert_int_equal(range_classes_build(&c, v, 1, 1), ERR_OK);
	assert_int_equal(addr_index_build(&ix, &entry, 1), ERR_OK);
	assert_non_null(c.front.before);
	assert_non_null(ix.front.before);
	for (uint32_t i = 0; i < 100000; i++) {
		unsigned __int128 x = v4 + (uint64_t)rnd(1 << 20) * 4096 +
				      (rnd(2) != 0 ? rnd(4) : 4095 - rnd(4));
		const uint64_t *row;
		uint32_t n;
		bool in;

		if (i % 8 == 0) {
			x = (unsigned __int128)rnd(1 << 20) << (i % 97);
		}
		in = range_set_has(&set, x);
		row = range_classes_row(&c, range_classes_find(&c, x));
		assert_int_equal(row[0] & 1, in);
		(void)addr_index_find(&ix, x, &n);
		assert_int_equal(n, in);
	}
	range_classes_fini(&c);
	addr_index_fini(&ix);
}

static const char rules[] =
	"alert tcp any any -> any 80 (msg:\"a\"; content:\"needle\"; sid:1;)\n"
	"alert tcp any any -> any 25 (msg:\"b\"; flags:S; sid:2;)\n"
	"alert tcp any any -> any 21 (msg:\"c\"; content:\"USER\"; depth:4; "
	"sid:3;)\n"
	"alert udp any any -> any 53 (msg:\"d\"; content:\"|01|\"; sid:4;)\n"
	"alert icmp any any -> any any (msg:\"e\"; itype:8; sid:5;)\n"
	"alert tcp any any -> any 443 (msg:\"f\"; content:\"later\"; "
	"sid:6;)\n"
	"alert udp any any -> any 99 (msg:\"g\"; content:\"ab\"; offset:1; "
	"depth:2; content:\"cdefgh\"; distance:1; within:7; sid:7;)\n"
	"alert udp any any -> any 98 (msg:\"h\"; content:\"ab\"; depth:2; "
	"content:\"|5c 00|\"; fast_pattern; sid:8;)\n"
	"alert udp any any -> any 97 (msg:\"i\"; content:\"ab\"; offset:1; "
	"depth:2; content:\"cdefgh\"; distance:1; sid:9;)\n";

struct look_case {
	uint8_t proto, type;
	uint16_t dport;
	bool in_stream;
	const char *payload;
	bool wanted;
};

static const struct look_case look_cases[] = {
	{ IPP_TCP, 0x18, 80, true, "xx", false },
	{ IPP_TCP, 0x10, 80, false, "", false },
	{ IPP_TCP, 0x18, 80, false, "a needle", true },
	{ IPP_TCP, 0x18, 81, false, "a needle", false },
	{ IPP_TCP, 0x02, 25, false, "", true },
	{ IPP_TCP, 0x10, 25, false, "", false },
	{ IPP_TCP, 0x02, 80, false, "", false },
	{ IPP_TCP, 0x18, 21, true, "USER x", true },
	{ IPP_TCP, 0x18, 21, true, " USER x", false },
	{ IPP_UDP, 0, 53, false, "a\001", true },
	{ IPP_UDP, 0, 53, false, "a", false },
	{ IPP_UDP, 0, 54, false, "a\001", false },
	/* a relative content is looked for where it can be */
	{ IPP_UDP, 0, 99, false, ".ab.cdefgh", true },
	{ IPP_UDP, 0, 99, false, ".ab..cdefgh", true },
	{ IPP_UDP, 0, 99, false, ".ab...cdefgh", false },
	{ IPP_UDP, 0, 99, false, ".abcdefgh", false },
	{ IPP_UDP, 0, 97, false, ".ab...cdefgh", true },
	{ IPP_UDP, 0, 97, false, ".abcdefgh", false },
	/* not a short one that may be anywhere */
	{ IPP_UDP, 0, 98, false, "abc", true },
	{ IPP_UDP, 0, 98, false, "ac\\", false },
	{ IPP_ICMP, 8, 0, false, "", true },
	{ IPP_ICMP, 0, 0, false, "", false },
};

static const struct addr client = {
	.b = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 }
};
static const struct addr outside = {
	.b = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 }
};
static const struct addr server = {
	.b = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 }
};

static struct rule_look
look_at(uint8_t proto, uint16_t dport, const char *payload)
{
	return (struct rule_look){
		.ends = { .src = &client,
			  .dst = &server,
			  .sport = 40000,
			  .dport = dport,
			  .proto = proto,
			  .ip_version = 4,
			  .dir = DIR_TOSERVER,
			  .has_flow = true },
		.established = true,
		.payload = view_of(payload, strlen(payload)),
		.packet = 1,
	};
}

/* A wanted call must follow: without bytes that match, so that nothing does. */
static void
call(struct rule_matcher *m, const struct rule_look *l, enum inspect_kind kind)
{
	static struct inspect in;
	struct inspect_flow flow = { .established = l->established };
	struct rule_hit hit[8];
	struct rule_hits hits = { .v = hit, .cap = 8 };

	in = (struct inspect){
		.kind = kind,
		.dir = (enum inspect_dir)l->ends.dir,
		.pkt = { .src = *l->ends.src,
			 .dst = *l->ends.dst,
			 .sport = l->ends.sport,
			 .dport = l->ends.dport,
			 .proto = l->ends.proto,
			 .ip_version = l->ends.ip_version },
		.flow = &flow,
	};
	rule_match(m, &in, &hits);
}

/* Twice: a flow that remembers its plan is answered as one that does not. */
static void
test_wants_packet(void **state)
{
	struct diag d;
	struct ruleset *rs = rules_of(NULL, rules, &d);
	struct rule_matcher *m = rule_matcher_new(rs);

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < ARRAY_LEN(look_cases); i++) {
		const struct look_case *c = &look_cases[i];
		struct rule_look l = look_at(c->proto, c->dport, c->payload);
		uint32_t plan[2] = { 0, 0 };

		l.type = c->type;
		l.in_stream = c->in_stream;
		l.plan = plan;
		for (unsigned k = 0; k < 2; k++) {
			bool wanted = rule_wants_packet(m, &l);

			if (wanted != c->wanted) {
				fail_msg("look %zu: %d", i, wanted);
			}
			if (wanted) {
				call(m, &l, INSPECT_PACKET);
			}
		}
		assert_int_not_equal(plan[0], 0);
	}
	rule_matcher_free(m);
	ruleset_free(rs);
}

/* What a segment had is not lost when the stream's scan leaves it out. */
static void
test_segment_is_scanned_once(void **state)
{
	static const char window[] = "before the needle behind";
	struct diag d;
	struct ruleset *rs = rules_of(NULL, rules, &d);
	struct rule_matcher *m = rule_matcher_new(rs);

	(void)state;
	for (uint32_t seen = 0; seen < sizeof(window) - 1; seen++) {
		struct rule_look l = look_at(IPP_TCP, 80, window + seen);
		bool wanted;

		l.in_stream = true;
		assert_false(rule_wants_packet(m, &l));
		l.payload = view_of(window, sizeof(window) - 1);
		l.seen = seen;
		/* the last bytes that were seen are looked at again */
		wanted = rule_wants_stream(m, &l);
		assert_int_equal(wanted, seen < 11 + strlen("needle"));
		if (wanted) {
			call(m, &l, INSPECT_STREAM);
		}
		l.ends.dport = 443; /* no rule of this word */
		assert_false(rule_wants_stream(m, &l));
	}
	rule_matcher_free(m);
	ruleset_free(rs);
}

#define MANY_PORTS (RULE_PLANS_MAX + 500)

/* More kinds of ends than plans: all are dropped, none is mistaken. */
static void
test_plans_run_out(void **state)
{
	static char text[1 << 19];
	static uint32_t plan[2 * MANY_PORTS][2];
	struct ruleset *rs;
	struct rule_matcher *m;
	struct diag d;
	size_t n = 0;

	(void)state;
	for (unsigned i = 1; i < MANY_PORTS; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "alert tcp any any -> any %u "
				      "(msg:\"p\"; flags:S; sid:%u;)\n",
				      2 * i, i);
	}
	rs = rules_of(NULL, text, &d);
	m = rule_matcher_new(rs);
	assert_non_null(m);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned port = 1; port < 2 * MANY_PORTS; port++) {
			struct rule_look l =
				look_at(IPP_TCP, (uint16_t)port, "");
			bool wanted;

			l.type = 0x02;
			l.plan = plan[port];
			wanted = rule_wants_packet(m, &l);
			assert_int_equal(wanted, port % 2 == 0);
			if (wanted) {
				call(m, &l, INSPECT_PACKET);
			}
		}
	}
	rule_matcher_free(m);
	ruleset_free(rs);
}

struct port_rule {
	uint16_t sport[2], dport[2]; /* from, to */
	enum app_proto app;
	bool src[2], dst[2]; /* may be in 10.0.0.0/8, or not */
	bool established; /* is asked for */
};

#define N_PORT_RULES 300

/* Ports as rules name them: one, some, those of clients, any. */
static void
make_range(uint16_t r[2])
{
	static const uint16_t known[] = { 21, 25, 53, 80, 139, 443, 445 };

	switch (rnd(6)) {
	case 0:
	case 1:
		r[0] = r[1] = known[rnd(ARRAY_LEN(known))];
		break;
	case 2:
		r[0] = (uint16_t)(1 + rnd(60000));
		r[1] = (uint16_t)(r[0] + rnd(5000));
		break;
	case 3:
		r[0] = 1024;
		r[1] = 65535;
		break;
	default:
		r[0] = 0;
		r[1] = 65535;
	}
}

/* Most rules are about a border between networks. */
static const char *
make_side(bool side[2], unsigned k)
{
	side[0] = k != 1;
	side[1] = k != 0;
	return k == 0 ? "10.0.0.0/8" : k == 1 ? "!10.0.0.0/8" : "any";
}

static struct ruleset *
make_port_rules(struct port_rule *v)
{
	static const struct {
		const char *name;
		enum app_proto app;
	} heads[] = {
		{ "tcp", APP_UNKNOWN }, { "tcp", APP_UNKNOWN },
		{ "tls", APP_TLS },     { "http", APP_HTTP },
		{ "smb", APP_SMB },
	};
	static char text[1 << 16];
	struct diag d;
	size_t n = 0;

	for (unsigned i = 0; i < N_PORT_RULES; i++) {
		unsigned k = rnd(ARRAY_LEN(heads)), out = rnd(9);
		const char *src = make_side(v[i].src, out < 4 ? 0 : out / 4);
		const char *dst =
			make_side(v[i].dst, out < 4 ? 1 : out / 8 * 2);

		v[i].established = i % 5 != 0;
		make_range(v[i].sport);
		make_range(v[i].dport);
		v[i].app = heads[k].app;
		n += (size_t)snprintf(
			text + n, sizeof(text) - n,
			"alert %s %s %u:%u -> %s %u:%u (msg:\"p\"; %s"
			"content:\"%s%03u-\"; sid:%u;)\n",
			heads[k].name, src, v[i].sport[0], v[i].sport[1], dst,
			v[i].dport[0], v[i].dport[1],
			v[i].established ? "flow:established; " : "",
			i % 3 == 0 ? "" : "word", i, i + 1);
	}
	return rules_of(NULL, text, &d);
}

static bool
covers(const struct port_rule *r, const struct rule_look *l)
{
	uint16_t sport = l->ends.sport, dport = l->ends.dport;
	uint8_t app = l->app;

	return r->src[l->ends.src == &outside] &&
	       r->dst[l->ends.dst == &outside] &&
	       (l->established || !r->established) && sport >= r->sport[0] &&
	       sport <= r->sport[1] && dport >= r->dport[0] &&
	       dport <= r->dport[1] &&
	       (r->app == APP_UNKNOWN || (uint8_t)r->app == app ||
		(r->app == APP_HTTP && app == APP_HTTP2));
}

/* Whatever scans are made of the rules: a literal is found in flows on its
 * rule's ends, of its protocol and state, and in no others. */
static void
test_ports_and_protocols(void **state)
{
	static const uint16_t ports[] = { 21,    25,    53,    80,
					  139,   443,   445,   1024,
					  3000,  20000, 40000, 50001,
					  65535, 7,     111,   8080 };
	static const uint8_t apps[] = { APP_UNKNOWN, APP_TLS, APP_HTTP,
					APP_HTTP2,   APP_SMB, APP_SSH };
	static struct port_rule v[N_PORT_RULES];
	struct ruleset *rs = make_port_rules(v);
	struct rule_matcher *m = rule_matcher_new(rs);
	unsigned n_wanted = 0;

	(void)state;
	assert_non_null(m);
	assert_int_equal(ruleset_report(rs)->loaded, N_PORT_RULES);
	for (unsigned i = 0; i < 60000; i++) {
		uint16_t sport = ports[rnd(ARRAY_LEN(ports))];
		unsigned r = rnd(N_PORT_RULES);
		char data[32];
		struct rule_look l =
			look_at(IPP_TCP, ports[rnd(ARRAY_LEN(ports))], data);
		bool wanted, expected;
		int n = snprintf(data, sizeof(data), "..word%03u-..", r);

		l.payload = view_of(data, (size_t)n);
		l.ends.sport = sport;
		l.ends.src = rnd(2) != 0 ? &outside : &client;
		l.ends.dst = rnd(2) != 0 ? &outside : &server;
		l.established = rnd(3) != 0;
		l.app = apps[rnd(ARRAY_LEN(apps))];
		l.in_stream = i % 2 != 0;
		expected = covers(&v[r], &l);
		wanted = rule_wants_packet(m, &l);
		if (l.in_stream) { /* then it is the stream that is asked */
			assert_false(wanted);
			wanted = rule_wants_stream(m, &l);
		}
		if (wanted != expected) {
			fail_msg("rule %u, %u to %u, app %u: %d", r, sport,
				 l.ends.dport, l.app, wanted);
		}
		if (wanted) {
			call(m, &l,
			     l.in_stream ? INSPECT_STREAM : INSPECT_PACKET);
		}
		n_wanted += wanted;
	}
	assert_true(n_wanted > 1000);
	rule_matcher_free(m);
	ruleset_free(rs);
}

/* A flow's protocol may become known between a segment and its stream. */
static void
test_protocol_comes_late(void **state)
{
	static const char tls[] = "alert tls any any -> any any (msg:\"t\"; "
				  "content:\"needle\"; sid:1;)\n";
	struct diag d;
	struct ruleset *rs = rules_of(NULL, tls, &d);
	struct rule_matcher *m = rule_matcher_new(rs);
	struct rule_look l = look_at(IPP_TCP, 443, "a needle");

	(void)state;
	assert_non_null(m);
	l.in_stream = true;
	assert_false(rule_wants_packet(m, &l));
	l.app = APP_TLS;
	assert_true(rule_wants_stream(m, &l));
	call(m, &l, INSPECT_STREAM);
	rule_matcher_free(m);
	ruleset_free(rs);
}

/* Rules on a flow's first packet, by address or number of protocol: those of
 * other ends are not tried. */
static void
test_first_packet(void **state)
{
	static const char text[] =
		"alert ip any any -> any any (msg:\"a\"; ip_proto:41; sid:1;)\n"
		"alert ip 10.0.0.0/8 any -> 10.9.9.9 any (msg:\"b\"; sid:2;)\n"
		"alert ip any any -> any any (msg:\"c\"; ip_proto:!6; "
		"ip_proto:<17; sid:3;)\n";
	static const struct addr listed = {
		.b = { [10] = 0xff, [11] = 0xff, 10, 9, 9, 9 }
	};
	static const struct {
		uint8_t proto;
		const struct addr *dst;
		bool wanted;
	} cases[] = {
		{ IPP_TCP, &server, false }, { IPP_UDP, &server, false },
		{ IPP_TCP, &listed, true },  { IPP_ICMP, &server, true },
		{ 41, &server, true },
	};
	struct diag d;
	struct ruleset *rs = rules_of(NULL, text, &d);
	struct rule_matcher *m = rule_matcher_new(rs);

	(void)state;
	assert_non_null(m);
	assert_int_equal(ruleset_report(rs)->loaded, 3);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rule_look l = look_at(cases[i].proto, 80, "");

		l.first = true;
		l.ends.dst = cases[i].dst;
		if (rule_wants_packet(m, &l) != cases[i].wanted) {
			fail_msg("case %zu", i);
		}
		if (cases[i].wanted) {
			call(m, &l, INSPECT_PACKET);
		}
	}
	rule_matcher_free(m);
	ruleset_free(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_wants_packet),
		cmocka_unit_test(test_segment_is_scanned_once),
		cmocka_unit_test(test_plans_run_out),
		cmocka_unit_test(test_first_packet),
		cmocka_unit_test(test_ports_and_protocols),
		cmocka_unit_test(test_protocol_comes_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
