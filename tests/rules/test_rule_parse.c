/* SPDX-License-Identifier: Apache-2.0 */
/* What loads, what is refused, and what the refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/admission.h"
#include "tests/rules/rule_case.h"

struct refusal {
	const char *rule, *says;
};

#define UDP "alert udp any any -> any any "

static const struct refusal refusals[] = {
	{ "alert udp any any -> any any", "ends in ( ... )" },
	{ "alert udp any any -> any (sid:1;)", "6 of 7 words" },
	{ "alert udp any any any any any (sid:1;)", "stands where ->" },
	{ "allow udp any any -> any any (sid:1;)", "unknown action" },
	{ "alert foo any any -> any any (sid:1;)", "unknown protocol" },
	{ "alert udp $NOPE any -> any any (sid:1;)",
	  "vars.address-groups.NOPE" },
	{ "alert udp any $NOPE -> any any (sid:1;)", "vars.port-groups.NOPE" },
	{ "alert udp 1.2.3 any -> any any (sid:1;)", "neither an address" },
	{ "alert udp any 70000 -> any any (sid:1;)", "neither a port" },
	{ "alert udp [1.2.3.4 any -> any any (sid:1;)", "3 of 7" },
	{ "alert udp !any any -> any any (sid:1;)", "nothing to match" },
	{ "alert icmp any 80 -> any any (sid:1;)", "protocol has none" },
	{ UDP "(msg:\"x\";)", "no sid" },
	{ UDP "(sid:1)", "no ';'" },
	{ UDP "(sid:x;)", "not a number" },
	{ UDP "(frobnicate:1; sid:1;)", "unknown keyword \"frobnicate\"" },
	{ UDP "(content:abc; sid:1;)", "double quotes" },
	{ UDP "(content:\"|4|\"; sid:1;)", "odd number" },
	{ UDP "(content:\"|zz|\"; sid:1;)", "hexadecimal digits" },
	{ UDP "(content:\"|41\"; sid:1;)", "partner" },
	{ UDP "(content:\"\"; sid:1;)", "no bytes" },
	{ UDP "(nocase; sid:1;)", "no content stands before" },
	{ UDP "(content:\"abc\"; depth:2; sid:1;)", "never match" },
	{ UDP "(content:\"a\"; offset:1; distance:1; sid:1;)", "placed" },
	{ UDP "(content:\"a\"; within:x; sid:1;)", "neither a number" },
	{ UDP "(content:\"a\"; replace:\"b\"; sid:1;)", "replace: not" },
	{ UDP "(content:\"a\"; fast_pattern:0,9; sid:1;)", "fast_pattern" },
	{ UDP "(content:\"a\"; http_uri; dns.query; sid:1;)",
	  "nothing is asked" },
	{ UDP "(pcre:\"/(/\"; sid:1;)", "pcre" },
	{ UDP "(pcre:\"/a/q\"; sid:1;)", "unknown flag" },
	{ UDP "(pcre:\"abc\"; sid:1;)", "/expression/flags" },
	{ UDP "(http.uri; content:\"a\"; dns.query; content:\"b\"; sid:1;)",
	  "two protocols" },
	{ "alert dns any any -> any any (http.uri; content:\"a\"; sid:1;)",
	  "header says dns" },
	{ "alert tcp any any -> any any (http.uri; content:\"a\"; "
	  "http.stat_code; content:\"2\"; sid:1;)",
	  "to the client only" },
	{ "alert http any any => any any (http.uri; content:\"a\"; sid:1;)",
	  "both directions" },
	{ "alert http any any => any any (flow:to_server; http.uri; "
	  "content:\"a\"; http.stat_code; content:\"2\"; sid:1;)",
	  "flow must not" },
	{ "alert http any any => any any (http.uri; content:\"a\"; "
	  "http.stat_code; content:\"2\"; http.header; content:\"x\"; "
	  "sid:1;)",
	  "exists in both directions" },
	{ "alert http any any => any any (http.uri; content:\"a\"; "
	  "http.stat_code; content:\"2\"; pkt_data; content:\"raw\"; sid:1;)",
	  "raw content" },
	{ "alert http any any => any any (http.uri: to_client; "
	  "content:\"a\"; sid:1;)",
	  "not exist in that direction" },
	{ "alert http any any -> any any (http.header: to_client; "
	  "content:\"a\"; sid:1;)",
	  "takes no value" },
	{ "alert tcp any any -> any any (flow:to_client; http.uri; "
	  "content:\"a\"; sid:1;)",
	  "flow says to_client" },
	{ UDP "(flags:S; sid:1;)", "exclude each other" },
	{ UDP "(flow:to_client,to_server; sid:1;)", "contradict" },
	{ UDP "(flow:sideways; sid:1;)", "unknown word" },
	{ UDP "(flowbits:set; sid:1;)", "flowbits" },
	{ UDP "(flowbits:set,a|b; sid:1;)", "one name" },
	{ UDP "(threshold:type limit, track by_src; sid:1;)", "needs" },
	{ UDP "(threshold:type often, track by_src, count 1, seconds 1; "
	      "sid:1;)",
	  "type often" },
	{ UDP "(byte_test:9,=,1,0; sid:1;)", "1 to 8" },
	{ UDP "(byte_test:1,~,1,0; sid:1;)", "sign" },
	{ UDP "(byte_test:2,=,1,0,dce; sid:1;)", "dce" },
	{ UDP "(byte_math:bytes 1, offset 0, oper /, rvalue 0, result n; "
	      "sid:1;)",
	  "division by zero" },
	{ UDP "(byte_extract:1,0,n; http.uri; content:\"a\"; offset:n; "
	      "sid:1;)",
	  "same kind" },
	{ UDP "(dsize:6; content:\"boom\"; content:\"loom\"; distance:3; "
	      "sid:1;)",
	  "the contents need 11" },
	{ UDP "(bsize:5; sid:1;)", "sticky" },
	{ UDP "(dotprefix; content:\"a\"; sid:1;)", "sticky" },
	{ UDP "(http.uri; pcrexform:\"abc\"; content:\"a\"; sid:1;)",
	  "one group" },
	{ UDP "(http.uri; pcrexform:\"(\"; content:\"a\"; sid:1;)",
	  "pcrexform: missing" },
	{ UDP "(http.uri; pcrexform:(a); content:\"a\"; sid:1;)",
	  "double quotes" },
	{ UDP "(http.uri; xor:00; content:\"a\"; sid:1;)", "double quotes" },
	{ UDP "(http.uri; gunzip:max-size 0; content:\"a\"; sid:1;)",
	  "max-size" },
	{ UDP "(http.uri; gunzip:size 1; content:\"a\"; sid:1;)", "max-size" },
	{ UDP "(http.host; content:\"A\"; sid:1;)", "http.host: is lower" },
	{ UDP "(http.host; content:\"a\"; nocase; sid:1;)", "leave nocase" },
	{ UDP "(pcre:\"/A/W\"; sid:1;)", "W is http.host" },
	{ UDP "(http.method; content:\"GET \"; sid:1;)", "no blanks" },
	{ UDP "(http.uri; to_lowercase; content:\"A\"; sid:1;)",
	  "takes out what" },
	{ UDP "(http.uri; strip_whitespace; content:\"a b\"; sid:1;)",
	  "takes out what" },
	{ UDP "(http.uri; content:\"abc\"; bsize:2; sid:1;)",
	  "bsize lets 2 bytes" },
	{ UDP "(http.uri; content:\"abc\"; rawbytes; sid:1;)",
	  "means the payload" },
	{ UDP "(http.uri; uricontent:\"abc\"; sid:1;)", "sticky buffer is" },
	{ UDP "(http.referer; absent; content:\"a\"; sid:1;)", "or_else" },
	{ UDP "(content:\"a\"; nocase; nocase; sid:1;)", "twice" },
	{ UDP "(content:\"a\"; offset:65536; sid:1;)", "outside" },
	{ UDP "(content:\"a\"; fast_pattern:only; content:\"b\"; distance:1; "
	      "sid:1;)",
	  "fast_pattern:only" },
	{ UDP "(pcre:\"/a/R\"; sid:1;)", "R needs" },
	{ UDP "(pcre:\"/a/,flow:x\"; sid:1;)", "more names than groups" },
	{ UDP "(pcre:\"/(a)/,flaw:x\"; sid:1;)", "not understood" },
	{ UDP "(prefilter; sid:1;)", "match before it" },
	{ UDP "(pcre:\"/a/\"; prefilter; sid:1;)", "not on pcre" },
	{ UDP "(sid:1; sid:2;)", "twice" },
	{ UDP "(ttl:5-6; sid:1;)", "no number lies between" },
	{ UDP "(byte_test:2,=,1,0,hex; sid:1;)", "say string" },
	{ UDP "(byte_test:2,=,1,0,from_end; sid:1;)", "belong to byte_jump" },
	{ UDP "(byte_jump:2,0,from_end,from_beginning; sid:1;)", "exclude" },
	{ UDP "(byte_math:bytes 1, bytes 1, offset 0, oper +, rvalue 1, "
	      "result n; sid:1;)",
	  "twice" },
	{ UDP "(entropy:bytes 4; sid:1;)", "needs a value" },
	{ UDP "(entropy:value 9; sid:1;)", "not understood" },
	{ UDP "(asn1:oversize_length; sid:1;)", "not understood" },
	{ UDP "(flowvar:x; sid:1;)", "NAME" },
	{ UDP "(base64_data; content:\"a\"; sid:1;)", "base64_decode" },
	{ UDP "(decode-event:ipv4.no_such; sid:1;)", "no event" },
	{ UDP "(app-layer-protocol:nope; sid:1;)", "no application" },
	{ UDP "(ssh.protoversion:3_compat; sid:1;)", "no version" },
	{ UDP "(app-layer-protocol:tls|nope; sid:1;)", "no application" },
	{ UDP "(app-layer-protocol:tls,final,either; sid:1;)",
	  "no application" },
	{ UDP "(app-layer-protocol:!unknown; sid:1;)", "cannot be negated" },
	{ UDP "(lua:a.lua; sid:1;)", "lua: not supported" },
	{ UDP "(ssl_state:dreaming; sid:1;)", "no state" },
	{ UDP "(tls_cert_notbefore:<soon; sid:1;)", "no date" },
	{ UDP "(ttl:300; sid:1;)", "not a comparison" },
	{ UDP "(requires: version x; sid:1;)", "version" },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct ruleset_report *rep;
		struct diag d = { "" };
		struct ruleset *rs = rules_of(NULL, refusals[i].rule, &d);

		assert_non_null(rs);
		rep = ruleset_report(rs);
		if (rep->failed != 1 ||
		    strstr(rep->problems[0].reason, refusals[i].says) == NULL) {
			fail_msg("%s: %s", refusals[i].rule,
				 rep->n_problems > 0 ? rep->problems[0].reason
						     : "loaded");
		}
		assert_int_equal(rep->problems[0].line, 1);
		ruleset_free(rs);
	}
}

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

static void
test_identity(void **state)
{
	struct ruleset *rs =
		load(NULL, "alert udp any any -> any any (msg:\"a\\;b\"; "
			   "classtype:trojan-activity; reference:url,e.org/x; "
			   "reference:cve,2020-1; metadata:k v w, l m; "
			   "target:src_ip; gid:3; sid:7; rev:2;)\n");
	const struct rule *r = ruleset_rule(rs, 0);

	(void)state;
	assert_non_null(r);
	assert_string_equal(r->msg, "a;b");
	assert_string_equal(r->classtype, "trojan-activity");
	assert_string_equal(r->category, "A Network Trojan was detected");
	assert_int_equal(r->priority, 1);
	assert_int_equal(r->n_references, 2);
	assert_string_equal(r->references[1], "cve,2020-1");
	assert_int_equal(r->n_metadata, 2);
	assert_string_equal(r->metadata[0].value, "v w");
	assert_int_equal(r->target, TARGET_SRC);
	assert_int_equal(r->gid, 3);
	assert_int_equal(r->sid, 7);
	assert_int_equal(r->rev, 2);
	assert_int_equal(strlen(ruleset_digest(rs)), 64);
	assert_null(ruleset_rule(rs, 1));
	ruleset_free(rs);
}

static void
test_lines(void **state)
{
	struct ruleset *rs =
		load(NULL, "# a comment (sid:9;)\r\n"
			   "\n"
			   "alert udp any any -> any any \\\n"
			   "   (content:\"a\"; \\\n sid:1;)\r\n"
			   "bad\n"
			   "# joined \\\nalert udp any any -> any any "
			   "(sid:2;)\n"
			   "alert udp any any -> any any (sid:3;)");
	const struct ruleset_report *rep = ruleset_report(rs);

	(void)state;
	assert_int_equal(rep->loaded, 2);
	assert_int_equal(ruleset_rule(rs, 0)->line, 3);
	assert_int_equal(ruleset_rule(rs, 1)->sid, 3);
	assert_int_equal(rep->failed, 1);
	assert_int_equal(rep->problems[0].line, 6);
	ruleset_free(rs);
}

static void
test_revisions(void **state)
{
	struct ruleset *rs =
		load(NULL, "alert udp any any -> any any (sid:1; rev:1;)\n"
			   "alert udp any any -> any any (sid:1; rev:3;)\n"
			   "alert udp any any -> any any (sid:1; rev:2;)\n"
			   "alert udp any any -> any any (gid:2; sid:1;)\n");

	(void)state;
	assert_int_equal(ruleset_count(rs), 2);
	assert_int_equal(ruleset_rule(rs, 0)->rev, 3);
	assert_int_equal(ruleset_report(rs)->failed, 1);
	ruleset_free(rs);
}

static void
test_requires(void **state)
{
	struct ruleset *rs = load(
		NULL, "alert udp any any -> any any (requires:version >= "
		      "7.0.3; sid:1;)\n"
		      "alert udp any any -> any any (requires:version >= "
		      "6.0.4 < 7 | >= 8.0.0; sid:2;)\n"
		      "alert udp any any -> any any (requires:version >= 9; "
		      "nobody:knows; sid:3;)\n"
		      "alert udp any any -> any any (requires:keyword "
		      "lua; sid:4;)\n"
		      "alert udp any any -> any any (requires:feature "
		      "gravity; sid:5;)\n"
		      "alert udp any any -> any any (requires:feature geoip, "
		      "keyword sid, version >= 8; sid:6;)\n");

	(void)state;
	assert_int_equal(ruleset_report(rs)->loaded, 3);
	assert_int_equal(ruleset_report(rs)->skipped, 3);
	assert_int_equal(ruleset_report(rs)->failed, 0);
	assert_int_equal(ruleset_report(rs)->problems[0].sid, 3);
	assert_true(ruleset_report(rs)->problems[0].skipped);
	ruleset_free(rs);
}

static void
test_variables(void **state)
{
	struct conf *conf = conf_new();
	struct ruleset *rs;

	(void)state;
	assert_non_null(conf);
	assert_int_equal(
		conf_set(conf, "vars.address-groups.A", "[$B,!10.0.0.1]"),
		ERR_OK);
	assert_int_equal(conf_set(conf, "vars.address-groups.B", "10.0.0.0/24"),
			 ERR_OK);
	assert_int_equal(conf_set(conf, "vars.address-groups.LOOP", "$LOOP"),
			 ERR_OK);
	assert_int_equal(
		conf_set(conf, "vars.port-groups.P", "[80,!$HTTP_PORTS]"),
		ERR_OK);
	rs = load(conf, "alert udp $A any -> !$B any (sid:1;)\n"
			"alert udp $LOOP any -> any any (sid:2;)\n"
			"alert udp any $P -> any any (sid:3;)\n");
	assert_int_equal(ruleset_report(rs)->loaded, 1);
	assert_non_null(
		strstr(ruleset_report(rs)->problems[0].reason, "nested"));
	assert_non_null(
		strstr(ruleset_report(rs)->problems[1].reason, "nothing"));
	ruleset_free(rs);
	conf_free(conf);
}

static void
test_missing_file(void **state)
{
	const char *patterns[] = { "/nonexistent/picket.rules" };
	struct diag d = { "" };

	(void)state;
	assert_null(ruleset_load(NULL, patterns, 1, NULL, 0, &d));
	assert_non_null(strstr(d.msg, "/nonexistent/picket.rules"));
}

/* For a report the other files are read; the set is not to be used. */
static void
test_examine(void **state)
{
	char path[] = "/tmp/picket-examine-XXXXXX";
	static const char text[] = "alert udp any any -> any any (sid:1;)\n";
	const char *patterns[] = { "/nonexistent/picket.rules", path };
	int fd = mkstemp(path);
	struct diag d = { "" };
	struct ruleset *rs;

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rs = ruleset_examine(NULL, patterns, 2, NULL, 0, &d);
	assert_non_null(rs);
	assert_int_equal(ruleset_report(rs)->loaded, 1);
	assert_int_equal(ruleset_report(rs)->failed, 0);
	assert_int_equal(ruleset_report(rs)->unread, 1);
	assert_int_equal(ruleset_report(rs)->problems[0].kind, PROBLEM_FILE);
	assert_int_equal(ruleset_admit(rs, NULL, false, &d), ERR_IO);
	assert_non_null(strstr(d.msg, "/nonexistent/picket.rules"));
	ruleset_free(rs);
	rs = ruleset_examine(NULL, patterns + 1, 1, NULL, 0, &d);
	assert_int_equal(ruleset_admit(rs, NULL, false, &d), ERR_OK);
	ruleset_free(rs);
	unlink(path);
}

/* A settings' file that is missing is named with its setting. */
static void
test_missing_settings(void **state)
{
	static const char *const settings[] = { "classification-file",
						"reference-config-file",
						"reputation-categories-file",
						"threshold-file" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		struct conf *conf = conf_new();
		struct diag d = { "" };

		assert_int_equal(conf_set(conf, settings[i], "picket-none"),
				 ERR_OK);
		assert_null(rules_of(conf, "", &d));
		assert_ptr_equal(strstr(d.msg, settings[i]), d.msg);
		assert_non_null(strstr(d.msg, "picket-none"));
		assert_non_null(strstr(d.msg, "looked for in /"));
		conf_free(conf);
	}
}

/* The set of 'rules' with a threshold file of these lines. */
static struct ruleset *
load_thresholds(const char *lines, const char *rules)
{
	char path[] = "/tmp/picket-threshold-XXXXXX";
	int fd = mkstemp(path);
	struct conf *conf = conf_new();
	struct ruleset *rs;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	assert_non_null(conf);
	assert_int_equal(conf_set(conf, "threshold-file", path), ERR_OK);
	rs = load(conf, rules);
	conf_free(conf);
	unlink(path);
	return rs;
}

static void
test_threshold_file(void **state)
{
	struct ruleset *rs = load_thresholds(
		"# a comment\n"
		"threshold gen_id 1, sig_id 1, type limit, track by_src, "
		"count 2, \\\n seconds 60\n"
		"event_filter gen_id 1, sig_id 2, type both, track by_dst, "
		"count 1, seconds 5\n"
		"suppress gen_id 1, sig_id 2, track by_either, ip "
		"[10.0.0.0/8,!10.1.1.1,$HOME_NET]\n"
		"rate_filter gen_id 1, sig_id 0, track by_rule, count 3, "
		"seconds 4, new_action pass, timeout 0\n"
		/* for all rules: only those without their own */
		"threshold gen_id 0, sig_id 0, type backoff, track by_flow, "
		"count 5, multiplier 3\n",
		"alert udp any any -> any any (sid:1;)\n"
		"alert udp any any -> any any (detection_filter:track by_src, "
		"count 9, seconds 9; sid:2;)\n"
		"alert udp any any -> any any (detection_filter:track by_src, "
		"count 9, seconds 9; sid:3;)\n"
		"alert udp any any -> any any (gid:2; sid:4;)\n");
	const struct rule *r = ruleset_rule(rs, 0);

	(void)state;
	assert_int_equal(ruleset_report(rs)->failed, 0);
	assert_int_equal(r->threshold.type, THRESHOLD_LIMIT);
	assert_int_equal(r->threshold.count, 2);
	assert_int_equal(r->rate_filter.type, THRESHOLD_RATE);
	assert_true(r->rate_filter.silent);
	/* a line for one rule takes the place of what the rule says */
	r = ruleset_rule(rs, 1);
	assert_int_equal(r->threshold.type, THRESHOLD_BOTH);
	assert_int_equal(r->threshold.track, TRACK_BY_DST);
	assert_int_equal(r->detection_filter.type, THRESHOLD_NONE);
	r = ruleset_rule(rs, 2);
	assert_int_equal(r->threshold.type, THRESHOLD_NONE);
	assert_int_equal(r->detection_filter.count, 9);
	r = ruleset_rule(rs, 3);
	assert_int_equal(r->threshold.type, THRESHOLD_BACKOFF);
	assert_int_equal(r->threshold.multiplier, 3);
	assert_int_equal(r->rate_filter.type, THRESHOLD_NONE);
	ruleset_free(rs);
}

static void
test_threshold_file_errors(void **state)
{
	static const char *const wrong[] = {
		"suppress gen_id 1",
		"suppress gen_id 1, sig_id 1, track by_src",
		"suppress gen_id 1, sig_id 1, ip 1.2.3.4",
		"suppress gen_id 1, sig_id 1, track by_flow, ip 1.2.3.4",
		"suppress gen_id 1, sig_id 1, track by_src, ip 1.2.3.400",
		"suppress gen_id 0, sig_id 1",
		"threshold gen_id 1, sig_id 1, type limit, track by_src",
		"threshold gen_id 1, sig_id 1, type limit, track by_src, "
		"count 0, seconds 1",
		"rate_filter gen_id 1, sig_id 1, track by_src, count 1, "
		"seconds 1, new_action sing, timeout 1",
		"rate_filter gen_id 1, sig_id 1, track by_src, count 1, "
		"seconds 1, new_action pass",
		"forget gen_id 1, sig_id 1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct ruleset *rs = load_thresholds(
			wrong[i], "alert udp any any -> any any (sid:1;)\n");

		if (ruleset_report(rs)->refused != 1) {
			print_error("not refused: %s\n", wrong[i]);
		}
		assert_int_equal(ruleset_report(rs)->refused, 1);
		assert_int_equal(ruleset_report(rs)->failed, 0);
		assert_int_equal(ruleset_report(rs)->problems[0].line, 1);
		assert_int_equal(ruleset_report(rs)->problems[0].kind,
				 PROBLEM_THRESHOLD);
		ruleset_free(rs);
	}
}

static void
test_references(void **state)
{
	char path[] = "/tmp/picket-reference-XXXXXX";
	static const char text[] = "# ours\n"
				   "config reference: Lab http://lab/\n"
				   "config reference: cve  http://cve/CVE-\n";
	int fd = mkstemp(path);
	struct conf *conf = conf_new();
	const struct rule *r;
	struct ruleset *rs;
	struct diag d = { "" };

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(conf_set(conf, "reference-config-file", path), ERR_OK);
	rs = load(conf, "alert udp any any -> any any (reference:url,a.example/"
			"x?y=1,2; reference:CVE,2020-1; reference:lab,7; "
			"reference:moon,3; sid:1;)\n");
	r = ruleset_rule(rs, 0);
	assert_int_equal(r->n_references, 4);
	assert_string_equal(r->links[0], "https://a.example/x?y=1,2");
	assert_string_equal(r->links[1], "http://cve/CVE-2020-1");
	assert_string_equal(r->links[2], "http://lab/7");
	assert_string_equal(r->links[3], "moon,3");
	ruleset_free(rs);
	assert_int_equal(write(fd, "config reference: x\n", 20), 20);
	close(fd);
	assert_null(rules_of(conf, "", &d));
	assert_non_null(strstr(d.msg, ":4:"));
	conf_free(conf);
	unlink(path);
}

static void
test_needs(void **state)
{
	struct ruleset *rs = load(
		NULL, "alert http any any -> any any (http.uri; content:\"a\"; "
		      "sid:1;)\n"
		      "alert tcp any any -> any any (flow:to_client; "
		      "content:\"a\"; sid:2;)\n");

	(void)state;
	assert_true(inspect_bit(ruleset_needed(rs), BUF_HTTP_URI));
	assert_false(inspect_bit(ruleset_needed(rs), BUF_HTTP_HOST));
	assert_true(ruleset_needs_stream(rs, DIR_TOCLIENT));
	assert_false(ruleset_needs_stream(rs, DIR_TOSERVER));
	ruleset_free(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_revisions),
		cmocka_unit_test(test_requires),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_examine),
		cmocka_unit_test(test_missing_settings),
		cmocka_unit_test(test_threshold_file),
		cmocka_unit_test(test_threshold_file_errors),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
