/* SPDX-License-Identifier: Apache-2.0 */
#include "common/eve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct eve *e;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define CAN_RUN_OUT 1
/* Calls of realloc() that succeed before there is no more memory. */
static int until_out = -1;

void *__libc_realloc(void *p, size_t n);

void *
realloc(void *p, size_t n)
{
	if (until_out == 0) {
		return NULL;
	}
	until_out -= until_out > 0;
	return __libc_realloc(p, n);
}
#endif

static const char full[] =
	"{\"timestamp\":\"2026-11-22T18:26:39.000001+0000\",\"flow_id\":"
	"9007199254740991,\"pcap_cnt\":7,\"event_type\":\"alert\",\"src_ip\":"
	"\"192.0.2.1\",\"src_port\":1024,\"dest_ip\":\"2001:db8::1\","
	"\"dest_port\":443,\"proto\":\"TCP\",\"app_proto\":\"tls\","
	"\"community_id\":\"1:x=\",\"alert\":{\"action\":\"blocked\",\"gid\":3,"
	"\"signature_id\":4294967295,\"rev\":2,\"signature\":\"a \\u00e9 \\\" "
	"b\",\"category\":\"c\",\"severity\":2,\"metadata\":{"
	"\"mitre_tactic_id\":[\"TA0001\",\"TA0011\"],\"mitre_technique_id\":"
	"\"T1190\"}},\"http\":{\"hostname\":\"h.example\",\"url\":\"/x\"},"
	"\"dns\":{\"query\":[{\"rrname\":\"q.example\"}]},\"tls\":{\"sni\":"
	"\"s.example\",\"subject\":\"CN=x\",\"fingerprint\":\"aa:bb\",\"ja3\":"
	"{\"hash\":\"00ff\"}},\"picket\":{\"site\":\"alpha\",\"sensor\":\"s1\","
	"\"owner\":\"JP\",\"exercise\":\"EX\",\"tlp\":\"amber\",\"seq\":12,"
	"\"indicator\":{\"id\":\"i1\",\"type\":\"domain\",\"value\":"
	"\"bad.example\",\"source\":\"list\",\"subdomains\":true,"
	"\"confidence\":80},\"past\":{"
	"\"first\":\"2026-11-01T00:00:00Z\",\"last\":\"2026-11-02T00:00:00Z\","
	"\"count\":9,\"host_bits\":4294967295,\"at_least\":true}}}";

static bool
is(struct view v, const char *s)
{
	return view_eq(v, view_cstr(s));
}

static void
reads_every_field(void **state)
{
	struct alert a;
	const char *why;

	(void)state;
	assert_int_equal(eve_parse(e, view_cstr(full), &a, &why), EVE_ALERT);
	assert_true(a.timestamp_us == UINT64_C(1795371999000001));
	assert_true(a.flow_id == UINT64_C(9007199254740991));
	assert_int_equal(a.pcap_cnt, 7);
	assert_true(a.has_addrs && addr_is_v4(&a.src) && !addr_is_v4(&a.dst));
	assert_int_equal(a.src_port, 1024);
	assert_int_equal(a.dst_port, 443);
	assert_true(is(a.proto, "TCP") && is(a.app_proto, "tls"));
	assert_int_equal(a.gid, 3);
	assert_true(a.sid == UINT32_MAX);
	assert_int_equal(a.severity, 2);
	assert_true(a.blocked);
	assert_true(is(a.signature, "a \xc3\xa9 \" b"));
	assert_int_equal(a.n_tactics, 2);
	assert_true(is(a.tactics[1], "TA0011"));
	assert_int_equal(a.n_techniques, 1);
	assert_true(is(a.http_host, "h.example") && is(a.http_url, "/x"));
	assert_true(is(a.dns_rrname, "q.example"));
	assert_true(is(a.tls_sni, "s.example") && is(a.tls_ja3, "00ff"));
	assert_true(is(a.tls_fingerprint, "aa:bb"));
	assert_true(is(a.site, "alpha") && is(a.sensor, "s1"));
	assert_true(is(a.owner, "JP") && is(a.exercise, "EX"));
	assert_true(is(a.tlp, "amber"));
	assert_int_equal(a.seq, 12);
	assert_true(a.has_indicator && is(a.indicator.value, "bad.example"));
	assert_int_equal(a.indicator.confidence, 80);
	assert_true(a.indicator.subdomains);
	assert_true(a.has_past);
	assert_true(a.past_first_us == UINT64_C(1793491200000000));
	assert_true(a.past_last_us == UINT64_C(1793577600000000));
	assert_int_equal(a.past_count, 9);
	assert_true(a.past_hosts == UINT32_MAX);
}

static void
refuses_whole_lines(void **state)
{
	static const char head[] = "{\"timestamp\":\"2026-11-22T18:26:39Z\",";
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"timestamp\":\"yesterday\",\"event_type\":\"alert\"}",
		"+\"event_type\":\"alert\"}",
		"+\"event_type\":\"alert\",\"alert\":{}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":-1}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":"
		"4294967296}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1.5}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1,"
		"\"severity\":256}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"src_ip\":\"300.1.1.1\",\"dest_ip\":\"1.1.1.1\"}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"src_ip\":\"1.1.1.1\"}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"src_port\":65536}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1,"
		"\"signature\":7}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"http\":[]}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"tls\":{\"sni\":{}}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1,"
		"\"signature_id\":2}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1,"
		"\"signature\":\"\xff\"}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1}} x",
		"+\"event_type\":\"stats\",\"picket\":{\"site\":1}}",
		"+\"event_type\":\"stats\",\"picket\":{\"indicator\":{"
		"\"confidence\":101}}}",
		"+\"event_type\":\"stats\",\"picket\":{\"indicator\":{"
		"\"subdomains\":1}}}",
		"+\"event_type\":\"alert\",\"picket\":{\"past\":[]}}",
		"+\"event_type\":\"alert\",\"picket\":{\"past\":{"
		"\"first\":\"2026-11-01T00:00:00Z\"}}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"picket\":{\"past\":{\"first\":\"2026-11-02T00:00:00Z\","
		"\"last\":\"2026-11-01T00:00:00Z\"}}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"picket\":{\"past\":{\"first\":\"2026-11-01T00:00:00Z\","
		"\"last\":\"2026-11-02T00:00:00Z\",\"count\":-1}}}",
		"+\"event_type\":\"alert\",\"alert\":{\"signature_id\":1},"
		"\"picket\":{\"past\":{\"first\":\"2026-11-01T00:00:00Z\","
		"\"last\":\"2026-11-02T00:00:00Z\",\"host_bits\":"
		"4294967296}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char line[512];
		struct alert a;
		const char *why = NULL;

		snprintf(line, sizeof(line), "%s%s",
			 bad[i][0] == '+' ? head : "",
			 bad[i] + (bad[i][0] == '+'));
		assert_int_equal(eve_parse(e, view_cstr(line), &a, &why),
				 EVE_BAD);
		assert_non_null(why);
	}
}

static void
every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(full) - 1; n++) {
		struct alert a;
		const char *why;

		assert_int_equal(eve_parse(e, view_of(full, n), &a, &why),
				 EVE_BAD);
	}
}

static void
depth_and_length_are_limited(void **state)
{
	size_t n = 300000;
	char *line = malloc(n);
	struct alert a;
	const char *why;

	(void)state;
	assert_non_null(line);
	memset(line, '[', n);
	assert_int_equal(eve_parse(e, view_of(line, n), &a, &why), EVE_BAD);
	assert_int_equal(eve_parse(e, view_of(line, EVE_MAX_LINE), &a, &why),
			 EVE_BAD);
	free(line);
}

/* A line that finds no memory is not a bad line, and is read again. */
static void
no_memory_is_not_the_lines_fault(void **state)
{
#ifdef CAN_RUN_OUT
	struct eve *fresh = eve_new();
	struct alert a;
	const char *why;

	(void)state;
	assert_non_null(fresh);
	for (int k = 0; k < 2; k++) {
		until_out = k;
		assert_int_equal(eve_parse(fresh, view_cstr(full), &a, &why),
				 EVE_BAD);
		until_out = -1;
		assert_true(eve_no_memory(fresh));
	}
	assert_int_equal(eve_parse(fresh, VIEW_LIT("{"), &a, &why), EVE_BAD);
	assert_false(eve_no_memory(fresh));
	assert_int_equal(eve_parse(fresh, view_cstr(full), &a, &why),
			 EVE_ALERT);
	assert_false(eve_no_memory(fresh));
	eve_free(fresh);
#else
	(void)state;
	skip();
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(refuses_whole_lines),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(depth_and_length_are_limited),
		cmocka_unit_test(no_memory_is_not_the_lines_fault),
	};

	int failed;

	e = eve_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	eve_free(e);
	return failed;
}
