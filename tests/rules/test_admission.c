/* SPDX-License-Identifier: Apache-2.0 */
/* The report before a set is armed: what it finds, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "rules/admission.h"
#include "tests/rules/rule_case.h"

static struct ruleset *
load(const struct conf *conf, const char *text)
{
	struct diag d = { "" };
	struct ruleset *rs = rules_of(conf, text, &d);

	if (rs == NULL) {
		fail_msg("%s", d.msg);
	}
	return rs;
}

/* The kind of note that rule 'sid' gets; -1 when it gets none. */
static int
note_on(const struct conf *conf, const char *text, uint32_t sid)
{
	struct ruleset *rs = load(conf, text);
	struct admission *a = admission_new(rs, conf);
	int kind = -1;

	assert_non_null(a);
	for (uint32_t i = 0; i < a->n_notes; i++) {
		if (a->notes[i].rule != NULL && a->notes[i].rule->sid == sid) {
			kind = a->notes[i].kind;
		}
	}
	admission_free(a);
	ruleset_free(rs);
	return kind;
}

static void
test_flowbits(void **state)
{
	(void)state;
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (flowbits:isset,"
				 "a; sid:1;)\n",
				 1),
			 ADMISSION_NEVER);
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (flowbits:isset,"
				 "a|b; sid:1;)\n"
				 "alert tcp any any -> any any (content:\"x\"; "
				 "flowbits:set,b; sid:2;)\n",
				 1),
			 -1);
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (flowbits:isset,"
				 "a; sid:1;)\n"
				 "alert ip any any -> any any (flowbits:unset,"
				 "a; sid:2;)\n",
				 1),
			 ADMISSION_NEVER);
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (flowbits:"
				 "isnotset,a; sid:1;)\n",
				 1),
			 -1);
}

static void
test_shared_bits(void **state)
{
	(void)state;
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (xbits:isset,a,"
				 "track ip_src; sid:1;)\n",
				 1),
			 ADMISSION_NEVER);
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (xbits:isset,a,"
				 "track ip_src; sid:1;)\n"
				 "alert tcp any any -> any any (content:\"x\"; "
				 "xbits:set,a,track ip_src; noalert; sid:2;)\n",
				 1),
			 -1);
	assert_int_equal(note_on(NULL,
				 "alert tcp any any -> any any (content:\"x\"; "
				 "xbits:set,a,track ip_src; noalert; sid:1;)\n",
				 1),
			 ADMISSION_IDLE);
}

static void
test_contradictions(void **state)
{
	(void)state;
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (ttl:<5; "
				 "ttl:>9; sid:1;)\n",
				 1),
			 ADMISSION_NEVER);
	assert_int_equal(note_on(NULL,
				 "alert ip any any -> any any (ttl:>5; "
				 "ttl:<9; sid:1;)\n",
				 1),
			 -1);
	assert_int_equal(note_on(NULL,
				 "alert dns any any -> any any (dns.query; "
				 "content:\"abcdef\"; bsize:<6; sid:1;)\n",
				 1),
			 ADMISSION_NEVER);
	assert_int_equal(note_on(NULL,
				 "alert dns any any -> any any (dns.query; "
				 "content:\"abcdef\"; bsize:<7; sid:1;)\n",
				 1),
			 -1);
}

static void
test_silence(void **state)
{
	(void)state;
	assert_int_equal(note_on(NULL,
				 "alert tcp any any -> any any (content:\"x\"; "
				 "flowbits:set,a; noalert; sid:1;)\n",
				 1),
			 ADMISSION_IDLE);
	assert_int_equal(note_on(NULL,
				 "alert tcp any any -> any any (content:\"x\"; "
				 "flowbits:set,a; noalert; sid:1;)\n"
				 "alert tcp any any -> any any (flowbits:isset,"
				 "a; sid:2;)\n",
				 1),
			 -1);
}

static void
test_protocol_off(void **state)
{
	struct conf *conf = conf_new();

	(void)state;
	assert_non_null(conf);
	assert_int_equal(
		conf_set(conf, "app-layer.protocols.dns.enabled", "no"),
		ERR_OK);
	assert_int_equal(note_on(conf,
				 "alert dns any any -> any any (dns.query; "
				 "content:\"a\"; sid:1;)\n",
				 1),
			 ADMISSION_NEVER);
	assert_int_equal(note_on(conf,
				 "alert http any any -> any any (http.uri; "
				 "content:\"a\"; sid:1;)\n",
				 1),
			 -1);
	conf_free(conf);
}

static void
test_problems_are_placed(void **state)
{
	struct ruleset *rs = load(
		NULL, "alert tcp any any -> any any (msg:\"x\"; contant:\"a\"; "
		      "metadata:mitre_technique_id T1071.001; sid:1;)\n"
		      "alert tcp any any -> any any (lua:x.lua; sid:2;)\n"
		      "alert tcp any any => any 99999 (sid:3;)\n"
		      "alert ip any any -> any any (ttl:1; metadata:"
		      "mitre_technique_id T1071; sid:4;)\n");
	const struct ruleset_report *r = ruleset_report(rs);
	struct admission *a = admission_new(rs, NULL);

	(void)state;
	assert_int_equal(r->n_problems, 3);
	assert_int_equal(r->problems[0].line, 1);
	assert_int_equal(r->problems[0].column, 40);
	assert_string_equal(r->problems[0].keyword, "contant");
	assert_string_equal(r->problems[0].mend, "did you mean \"content\"?");
	assert_string_equal(r->problems[0].technique, "T1071.001");
	assert_string_equal(r->problems[1].keyword, "lua");
	assert_string_equal(r->problems[1].mend,
			    "write the rule without lua, or leave it out");
	assert_true(r->problems[2].column > 0);
	assert_non_null(a);
	assert_int_equal(a->n_techniques, 2);
	assert_string_equal(a->techniques[1].id, "T1071.001");
	assert_int_equal(a->techniques[1].lost, 1);
	assert_int_equal(a->techniques[0].loaded, 1);
	admission_free(a);
	ruleset_free(rs);
}

static void
test_admit(void **state)
{
	struct ruleset *rs =
		load(NULL, "alert ip any any -> any any (ttl:1; sid:1;)\n"
			   "alert ip any any -> any any (nosuch:1; sid:2;)\n");
	struct conf *conf = conf_new();
	struct diag d = { "" };

	(void)state;
	assert_non_null(conf);
	assert_int_equal(ruleset_admit(rs, NULL, false, &d), ERR_OK);
	assert_int_equal(ruleset_admit(rs, NULL, true, &d), ERR_FORMAT);
	assert_int_equal(conf_set(conf, "rules.min-load-percent", "50"),
			 ERR_OK);
	assert_int_equal(ruleset_admit(rs, conf, false, &d), ERR_OK);
	assert_int_equal(conf_set(conf, "rules.min-load-percent", "51"),
			 ERR_OK);
	assert_int_equal(ruleset_admit(rs, conf, false, &d), ERR_FORMAT);
	conf_free(conf);
	ruleset_free(rs);
}

/* One rule, and the note that it gets alone and beside what mends it. */
static const struct name_case {
	const char *asks, *gives;
	int alone, beside;
} name_cases[] = {
	{ "flowint:n,isset; sid:1;", "flowint:n,+,1; sid:2;", ADMISSION_NEVER,
	  -1 },
	{ "flowint:n,>,3; sid:1;", "flowint:n,=,4; sid:2;", ADMISSION_NEVER,
	  -1 },
	{ "flowint:n,==,m; flowint:n,=,1; sid:1;", "flowint:m,=,1; sid:2;",
	  ADMISSION_NEVER, -1 },
	{ "flowint:n,>,3; sid:1;", "flowint:other,=,4; sid:2;", ADMISSION_NEVER,
	  ADMISSION_NEVER },
	{ "flowint:n,notset; sid:1;", "sid:2;", -1, -1 },
	{ "flowvar:v,\"x\"; sid:1;", "pcre:\"/(?P<flow_v>a+)/\"; sid:2;",
	  ADMISSION_NEVER, -1 },
	{ "flowvar:v,\"x\"; sid:1;", "pcre:\"/(?P<pkt_v>a+)/\"; sid:2;",
	  ADMISSION_NEVER, ADMISSION_NEVER },
	{ "pktvar:v,\"x\"; sid:1;", "pcre:\"/(?P<pkt_v>a+)/\"; sid:2;",
	  ADMISSION_NEVER, -1 },
	{ "dns.query; dataset:isset,d,type string; sid:1;",
	  "dns.query; dataset:set,d,type string; sid:2;", ADMISSION_NEVER, -1 },
	{ "dns.query; dataset:isnotset,d,type string; sid:1;", "sid:2;", -1,
	  -1 },
	{ "classtype:trojan-activity; sid:1;", "sid:2;", -1, -1 },
	{ "classtype:nonesuch; sid:1;", "sid:2;", ADMISSION_SUSPECT,
	  ADMISSION_SUSPECT },
	{ "reference:url,a.example; sid:1;", "sid:2;", -1, -1 },
	{ "reference:url,a.example; reference:moon,3; sid:1;", "sid:2;",
	  ADMISSION_SUSPECT, ADMISSION_SUSPECT },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name_cases); i++) {
		const struct name_case *c = &name_cases[i];
		const char *app =
			strncmp(c->asks, "dns", 3) == 0 ? "dns" : "tcp";
		char text[512];
		int got;

		snprintf(text, sizeof(text),
			 "alert %s any any -> any any (%s)\n", app, c->asks);
		got = note_on(NULL, text, 1);
		if (got != c->alone) {
			fail_msg("%s: %d", text, got);
		}
		snprintf(text, sizeof(text),
			 "alert %s any any -> any any (%s)\n"
			 "alert %s any any -> any any (%s)\n",
			 app, c->asks, app, c->gives);
		got = note_on(NULL, text, 1);
		if (got != c->beside) {
			fail_msg("%s: %d", text, got);
		}
	}
}

static void
test_filestore(void **state)
{
	static const char rule[] = "alert http any any -> any any (filestore; "
				   "sid:1;)\n";
	static const char *const on[] = { "file-store.enabled",
					  "outputs.3.file-store.enabled" };

	(void)state;
	assert_int_equal(note_on(NULL, rule, 1), ADMISSION_SUSPECT);
	for (size_t i = 0; i < ARRAY_LEN(on); i++) {
		struct conf *conf = conf_new();

		assert_int_equal(conf_set(conf, on[i], "no"), ERR_OK);
		assert_int_equal(note_on(conf, rule, 1), ADMISSION_SUSPECT);
		assert_int_equal(conf_set(conf, on[i], "yes"), ERR_OK);
		assert_int_equal(note_on(conf, rule, 1), -1);
		conf_free(conf);
	}
}

static void
write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Wrong lines of settings' files refuse a strict set and fail no rule. */
static void
test_settings_lines(void **state)
{
	char path[] = "/tmp/picket-threshold-XXXXXX";
	struct conf *conf = conf_new();
	struct diag d = { "" };
	struct json j = { .p = NULL };
	struct admission *a;
	struct ruleset *rs;
	const json_t *problem;
	json_t *doc;

	(void)state;
	assert_non_null(conf);
	write_file(path, "suppress gen_id 1\nforget gen_id 1, sig_id 1\n");
	assert_int_equal(conf_set(conf, "threshold-file", path), ERR_OK);
	assert_int_equal(conf_set(conf, "rules.min-load-percent", "100"),
			 ERR_OK);
	rs = load(conf, "alert ip any any -> any any (ttl:1; sid:1;)\n");
	assert_int_equal(ruleset_report(rs)->loaded, 1);
	assert_int_equal(ruleset_report(rs)->failed, 0);
	assert_int_equal(ruleset_report(rs)->refused, 2);
	assert_int_equal(ruleset_admit(rs, conf, false, &d), ERR_OK);
	assert_int_equal(ruleset_admit(rs, conf, true, &d), ERR_FORMAT);
	assert_non_null(strstr(d.msg, "2 lines"));
	a = admission_new(rs, conf);
	assert_non_null(a);
	admission_json(a, rs, &j);
	doc = json_loadb(j.p, j.len, 0, NULL);
	assert_non_null(doc);
	assert_int_equal(
		json_integer_value(json_object_get(doc, "settings_refused")),
		2);
	problem = json_array_get(json_object_get(doc, "problems"), 1);
	assert_string_equal(json_string_value(json_object_get(problem, "kind")),
			    "threshold");
	assert_int_equal(json_integer_value(json_object_get(problem, "line")),
			 2);
	json_decref(doc);
	json_fini(&j);
	admission_free(a);
	ruleset_free(rs);
	conf_free(conf);
	unlink(path);
}

/* Lines for rules that are not there. */
static void
test_unmet_lines(void **state)
{
	char path[] = "/tmp/picket-threshold-XXXXXX";
	struct conf *conf = conf_new();
	struct admission *a;
	struct ruleset *rs;

	(void)state;
	assert_non_null(conf);
	write_file(path,
		   "suppress gen_id 1, sig_id 1\n"
		   "suppress gen_id 1, sig_id 7\n"
		   "suppress gen_id 0, sig_id 0, track by_src, ip 192.0.2.1\n"
		   "event_filter gen_id 3, sig_id 1, type limit, track by_src, "
		   "count 1, seconds 9\n");
	assert_int_equal(conf_set(conf, "threshold-file", path), ERR_OK);
	rs = load(conf, "alert ip any any -> any any (ttl:1; noalert; "
			"sid:1;)\n");
	assert_int_equal(ruleset_report(rs)->refused, 0);
	a = admission_new(rs, conf);
	assert_non_null(a);
	assert_int_equal(a->n_notes, 4); /* and two of the rule itself */
	assert_null(a->notes[2].rule);
	assert_int_equal(a->notes[2].kind, ADMISSION_SUSPECT);
	assert_string_equal(a->notes[2].file, path);
	assert_int_equal(a->notes[2].line, 2);
	assert_non_null(strstr(a->notes[2].text, "sig_id 7"));
	assert_int_equal(a->notes[3].line, 4);
	admission_free(a);
	ruleset_free(rs);
	conf_free(conf);
	unlink(path);
}

static void
test_reputation_lines(void **state)
{
	char names[] = "/tmp/picket-categories-XXXXXX";
	char scores[] = "/tmp/picket-scores-XXXXXX";
	struct conf *conf = conf_new();
	const struct ruleset_report *r;
	struct ruleset *rs;

	(void)state;
	assert_non_null(conf);
	write_file(names, "1,bad,Known bad\n");
	write_file(scores, "192.0.2.1,1,90\n192.0.2.2,2,90\nnowhere,1,9\n");
	assert_int_equal(conf_set(conf, "reputation-categories-file", names),
			 ERR_OK);
	assert_int_equal(conf_set(conf, "reputation-files.0", scores), ERR_OK);
	rs = load(conf, "alert ip any any -> any any (iprep:any,bad,>,50; "
			"sid:1;)\n");
	r = ruleset_report(rs);
	assert_int_equal(r->loaded, 1);
	assert_int_equal(r->failed, 0);
	assert_int_equal(r->refused, 2);
	assert_int_equal(r->problems[0].kind, PROBLEM_REPUTATION);
	assert_int_equal(r->problems[0].line, 2);
	assert_non_null(strstr(r->problems[0].reason, "category"));
	assert_int_equal(r->problems[1].line, 3);
	ruleset_free(rs);
	conf_free(conf);
	unlink(names);
	unlink(scores);
}

static void
test_slowest_and_json(void **state)
{
	struct ruleset *rs =
		load(NULL, "alert tcp any any -> any any (pcre:\"/a.*b/\"; "
			   "sid:1;)\n"
			   "alert dns any any -> any any (dns.query; "
			   "content:\"a.example\"; bsize:9; sid:2;)\n"
			   "alert tcp any any -> any any (content:"
			   "\"longliteral\"; sid:3;)\n");
	struct admission *a = admission_new(rs, NULL);
	struct json j = { .p = NULL };
	json_t *doc;

	(void)state;
	assert_non_null(a);
	assert_int_equal(a->n_slow, 3);
	assert_int_equal(a->slow[0].rule->sid, 1);
	assert_int_equal(a->forms.whole, 1);
	assert_int_equal(a->forms.literal, 1);
	assert_int_equal(a->forms.bare, 1);
	admission_json(a, rs, &j);
	doc = json_loadb(j.p, j.len, 0, NULL);
	assert_non_null(doc);
	assert_int_equal(json_integer_value(json_object_get(doc, "loaded")), 3);
	assert_int_equal(json_array_size(json_object_get(doc, "slowest")), 3);
	json_decref(doc);
	json_fini(&j);
	admission_free(a);
	ruleset_free(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flowbits),
		cmocka_unit_test(test_shared_bits),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_protocol_off),
		cmocka_unit_test(test_problems_are_placed),
		cmocka_unit_test(test_admit),
		cmocka_unit_test(test_settings_lines),
		cmocka_unit_test(test_reputation_lines),
		cmocka_unit_test(test_unmet_lines),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_filestore),
		cmocka_unit_test(test_slowest_and_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
