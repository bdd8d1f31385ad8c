/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of values against the sets themselves, and what plans let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/range_classes.h"
#include "rules/rule_match.h"
#include "tests/rules/rule_case.h"

#define N_SETS 70
#define SPACE 2000

static uint32_t rnd_state = 11;

static uint32_t
rnd(uint32_t n)
{
	rnd_state = rnd_state * 1664525u + 1013904223u;
	return (rnd_state >> 8) % n;
}

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

static const char rules[] =
	"alert tcp any any -> any 80 (msg:\"a\"; content:\"needle\"; sid:1;)\n"
	"alert tcp any any -> any 25 (msg:\"b\"; flags:S; sid:2;)\n"
	"alert tcp any any -> any 21 (msg:\"c\"; content:\"USER\"; depth:4; "
	"sid:3;)\n"
	"alert udp any any -> any 53 (msg:\"d\"; content:\"|01|\"; sid:4;)\n"
	"alert icmp any any -> any any (msg:\"e\"; itype:8; sid:5;)\n"
	"alert tcp any any -> any 443 (msg:\"f\"; content:\"later\"; "
	"sid:6;)\n";

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
	{ IPP_ICMP, 8, 0, false, "", true },
	{ IPP_ICMP, 0, 0, false, "", false },
};

static const struct addr client = {
	.b = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 }
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

/* More kinds of ends than plans: all are dropped, none is mistaken. */
static void
test_plans_run_out(void **state)
{
	static char text[1 << 18];
	static uint32_t plan[4096][2];
	struct ruleset *rs;
	struct rule_matcher *m;
	struct diag d;
	size_t n = 0;

	(void)state;
	for (unsigned i = 1; i <= 2000; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "alert tcp any any -> any %u "
				      "(msg:\"p\"; flags:S; sid:%u;)\n",
				      2 * i, i);
	}
	rs = rules_of(NULL, text, &d);
	m = rule_matcher_new(rs);
	assert_non_null(m);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned port = 1; port < 4000; port++) {
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_wants_packet),
		cmocka_unit_test(test_segment_is_scanned_once),
		cmocka_unit_test(test_plans_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
