/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "rules/ioc_load.h"

/* What one file became. */
struct loaded {
	struct ioc_set *set;
	struct ioc_load_report rep;
	struct diag d;
	enum err e;
};

static struct loaded
load(const char *text)
{
	struct loaded l = { .set = ioc_set_new() };

	assert_non_null(l.set);
	l.e = ioc_load_bytes(l.set, "dir/x.list", view_cstr(text), &l.rep,
			     &l.d);
	assert_int_equal(l.rep.total, l.rep.loaded + l.rep.refused);
	if (l.e == ERR_OK) {
		assert_int_equal(ioc_set_seal(l.set), ERR_OK);
	}
	return l;
}

static void
unload(struct loaded *l)
{
	ioc_set_free(l->set);
	ioc_load_report_fini(&l->rep);
}

static void
counts(const struct loaded *l, uint32_t loaded, uint32_t refused)
{
	if (l->e != ERR_OK) {
		fail_msg("%s", l->d.msg);
	}
	for (uint32_t i = 0;
	     i < l->rep.n_refusals &&
	     (l->rep.loaded != loaded || l->rep.refused != refused);
	     i++) {
		print_message("%s:%u: %s\n", l->rep.refusals[i].id,
			      l->rep.refusals[i].line,
			      l->rep.refusals[i].reason);
	}
	assert_int_equal(l->rep.loaded, loaded);
	assert_int_equal(l->rep.refused, refused);
}

static void
refusal(const struct loaded *l, uint32_t i, uint32_t line, const char *id,
	const char *why)
{
	assert_true(i < l->rep.n_refusals);
	assert_string_equal(l->rep.refusals[i].file, "dir/x.list");
	assert_int_equal(l->rep.refusals[i].line, line);
	assert_string_equal(l->rep.refusals[i].id, id);
	if (strstr(l->rep.refusals[i].reason, why) == NULL) {
		fail_msg("\"%s\" lacks \"%s\"", l->rep.refusals[i].reason, why);
	}
}

static const struct ioc_note *
note(const struct loaded *l, uint32_t i, enum ioc_type type, const char *value)
{
	const struct ioc *ioc = ioc_set_at(l->set, i);

	assert_int_equal(ioc->note->type, type);
	assert_string_equal(ioc->value, value);
	return ioc->note;
}

static void
test_list(void **state)
{
	struct loaded l = load("\xef\xbb\xbf# a list\r\n"
			       "\r\n"
			       "192.0.2.1\r\n"
			       "  198.51.100.0/24  # why\n"
			       "Evil.Example ; why\n"
			       "http://evil.example/x\n"
			       "evil.example/y\n"
			       "two words\n"
			       "e7d705a3286e19ea42f587b344ee6865\n"
			       "b\xc3\xbc.example\n"
			       "# Type: JA3\n"
			       "e7d705a3286e19ea42f587b344ee6865\n"
			       "# type: sha256\n"
			       "192.0.2.1");

	(void)state;
	counts(&l, 6, 4);
	assert_int_equal(l.rep.repeated, 0);
	assert_int_equal(ioc_set_count(l.set), 6);
	refusal(&l, 0, 8, "", "more than one word");
	refusal(&l, 1, 9, "", "# type: ja3");
	refusal(&l, 2, 10, "", "xn--");
	refusal(&l, 3, 14, "", "not 64 hex digits");
	note(&l, 0, IOC_IP, "192.0.2.1");
	note(&l, 1, IOC_IP, "198.51.100.0/24");
	note(&l, 2, IOC_DOMAIN, "evil.example");
	note(&l, 3, IOC_URL, "evil.example/x");
	note(&l, 4, IOC_URL, "evil.example/y");
	assert_string_equal(
		note(&l, 5, IOC_JA3, "e7d705a3286e19ea42f587b344ee6865")
			->source,
		"x.list");
	unload(&l);
	l = load("");
	counts(&l, 0, 0);
	unload(&l);
}

static void
test_csv(void **state)
{
	struct loaded l = load(
		"# exported\n"
		"Type,confidence,VALUE,source,tlp,severity,tactic,description,"
		"valid_from,valid_until,id\n"
		"domain,90,a.test,feed,TLP:AMBER,high,TA0011,"
		"\"says \"\"hi\"\", twice\",2026-01-01,2026-02-01T00:00:00Z,"
		"x-1\n"
		"hostname,,b.test,,amber//JP\n"
		"ipv4-cidr,,192.0.2.0/25,,white,low,initial access\n"
		"sha256,,00,,,,,,,,x-2\n"
		"colour,,blue\n"
		"ip,,300.1.1.1\n"
		"ip,,192.0.2.1,,purple\n"
		"ip,,192.0.2.1,,,huge\n"
		"ip,,192.0.2.1,,,,TA9999\n"
		"ip,,192.0.2.1,,,,,,yesterday\n"
		"ip,,192.0.2.1,,,,,,2026-02-01,2026-01-01\n"
		"ip,,\"192.0.2.1\n"
		"\n"
		"cert-sha1,,aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:"
		"aa:aa:aa:AA\n");
	const struct ioc_note *n;

	(void)state;
	counts(&l, 4, 9);
	n = note(&l, 0, IOC_DOMAIN, "a.test");
	assert_false(n->exact);
	assert_string_equal(n->source, "feed");
	assert_string_equal(n->tlp, "amber");
	assert_int_equal(n->severity, 1);
	assert_string_equal(n->tactic, "TA0011");
	assert_string_equal(n->description, "says \"hi\", twice");
	assert_string_equal(n->id, "x-1");
	assert_true(n->valid_from_us == UINT64_C(1767225600000000));
	assert_true(n->valid_until_us == UINT64_C(1769904000000000));
	n = note(&l, 1, IOC_DOMAIN, "b.test");
	assert_true(n->exact);
	assert_string_equal(n->source, "x.list");
	assert_string_equal(n->tlp, "red");
	n = note(&l, 2, IOC_IP, "192.0.2.0/25");
	assert_string_equal(n->tlp, "clear");
	assert_string_equal(n->tactic, "TA0001");
	assert_int_equal(n->severity, 3);
	note(&l, 3, IOC_CERT_SHA1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	refusal(&l, 0, 6, "x-2", "not 64 hex digits");
	refusal(&l, 1, 7, "", "type 'colour' is not");
	unload(&l);
}

#define IND(id, pattern, more) \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":" \
	"\"indicator--" id "\",\"pattern_type\":\"stix\"," more \
	"\"valid_from\":\"2026-01-01T00:00:00Z\",\"pattern\":\"" pattern "\"}"
#define BUNDLE(objects) \
	"{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[" objects "]}"

/* clang-format off: JSON in macros, which it would scatter */
#define IDENTITY \
	"{\"type\":\"identity\",\"id\":\"identity--1\",\"name\":\"CERT X\"}"
#define OWN_MARKING \
	"{\"type\":\"marking-definition\"," \
	"\"id\":\"marking-definition--9\",\"definition_type\":\"tlp\"," \
	"\"definition\":{\"tlp\":\"green\"}}"
#define GREEN "\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\""
#define STRICT "\"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003\""
#define PHASE(chain, name) \
	"{\"kill_chain_name\":\"" chain "\",\"phase_name\":\"" name "\"}"
#define FULL \
	"\"created_by_ref\":\"identity--1\",\"name\":\"C2\"," \
	"\"object_marking_refs\":[" GREEN "," STRICT "]," \
	"\"kill_chain_phases\":[" PHASE("other", "exfiltration") "," PHASE( \
		"mitre-attack", \
		"command-and-control") "]," \
				       "\"labels\":[\"x\",\"severity:low\"]," \
				       "\"valid_until\":\"2027-01-01T00:00:" \
				       "00.5Z\","

static void
test_stix_fields(void **state)
{
	static const char doc[] = BUNDLE(
		IDENTITY
		"," OWN_MARKING
		"," IND("1", "[domain-name:value = 'a.test']", FULL) "," IND(
			"2", "[ipv4-addr:value = '192.0.2.1']",
			"\"object_marking_refs\":[\"marking-definition--"
			"9\"],"
			"\"revoked\":false,") "," IND("3",
						      "[url:value = "
						      "'http://a.test/"
						      "']",
						      "\"revoked\":"
						      "true,") "," IND("4",
								       "ale"
								       "rt "
								       "tc"
								       "p",
								       "\"m"
								       "odi"
								       "fie"
								       "d\""
								       ":\""
								       "202"
								       "6-"
								       "01-"
								       "02"
								       "\""
								       ",") "," IND("4",
										    "[ipv4-addr:value = '192.0.2.9']",
										    "\"modified\":\"2026-01-01\","));
	/* clang-format on */
	struct loaded l = load(doc);
	const struct ioc_note *n;

	(void)state;
	counts(&l, 2, 3);
	n = note(&l, 0, IOC_DOMAIN, "a.test");
	assert_string_equal(n->id, "indicator--1");
	assert_string_equal(n->source, "CERT X");
	assert_string_equal(n->tlp, "amber+strict");
	assert_string_equal(n->tactic, "TA0011");
	assert_string_equal(n->labels, "x,severity:low");
	assert_string_equal(
		n->kill_chain,
		"other:exfiltration,mitre-attack:command-and-control");
	assert_string_equal(n->description, "C2");
	assert_int_equal(n->severity, 3);
	assert_true(n->valid_until_us == UINT64_C(1798761600500000));
	n = note(&l, 1, IOC_IP, "192.0.2.1");
	assert_string_equal(n->tlp, "green");
	assert_string_equal(n->source, "x.list");
	refusal(&l, 0, 0, "indicator--3", "revoked");
	refusal(&l, 1, 0, "indicator--4", "alert tcp");
	refusal(&l, 2, 0, "indicator--4", "later version");
	unload(&l);
}

/* One pattern in a bundle of its own. */
static void
pattern(const char *text, uint32_t loaded, uint32_t refused, const char *why)
{
	char doc[4096];
	struct loaded l;

	snprintf(doc, sizeof(doc), BUNDLE(IND("1", "%s", "")), text);
	l = load(doc);
	counts(&l, loaded, refused);
	if (refused > 0) {
		refusal(&l, 0, 0, "indicator--1", why);
	}
	unload(&l);
}

static void
test_stix_patterns(void **state)
{
	(void)state;
	pattern("[ipv4-addr:value = '192.0.2.1']", 1, 0, "");
	pattern(" [ ipv4-addr:value='192.0.2.1' ] ", 1, 0, "");
	pattern("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", 1, 0, "");
	pattern("[ipv6-addr:value = '2001:db8::/48']", 1, 0, "");
	pattern("[domain-name:value IN ('a.test', 'b.test','c.test')]", 3, 0,
		"");
	pattern("[domain-name:value = 'a.test' OR url:value = "
		"'https://b.test/x\\\\'y' ] OR [ipv4-addr:value = '192.0.2.1']",
		3, 0, "");
	pattern("[x509-certificate:hashes.'SHA-1' = "
		"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']",
		1, 0, "");
	pattern("[network-traffic:extensions.'x-tls'.ja3 = "
		"'e7d705a3286e19ea42f587b344ee6865']",
		1, 0, "");
	pattern("[network-traffic:extensions.'x-tls'.ja4 = 'x']", 0, 1,
		"no JA4");
	pattern("[file:hashes.'SHA-256' = 'aa']", 0, 1, "not 64 hex digits");
	pattern("[file:hashes.MD5 = 'aa' OR domain-name:value = 'a.test']", 1,
		1, "not 32 hex digits");
	pattern("[domain-name:value = 443]", 0, 1, "not a string");
	pattern("[domain-name:value ISSUBSET 'a.test']", 0, 1, "ISSUBSET");
	pattern("[a:b[*].c = 'x']", 0, 1, "a:b[*].c is not matched");
	pattern("[domain-name:value = 'a']", 0, 1, "top-level");
	pattern("[(domain-name:value = 'a.test')]", 1, 0, "");
	pattern("[domain-name:value = 'a.test'", 0, 1, "']' is expected");
	pattern("[domain-name:value = 'a.test", 0, 1, "end of this string");
	pattern("", 0, 1, "'[' is expected");
}

#define MISP_EVENT(attributes, more) \
	"{\"Event\":{\"uuid\":\"e\",\"info\":\"campaign\"," \
	"\"threat_level_id\":\"2\",\"Orgc\":{\"name\":\"CERT Y\"}," \
	"\"Tag\":[{\"name\":\"tlp:green\"}],\"Attribute\":[" attributes \
	"]" more "}}"
#define ATTR(uuid, type, value, more) \
	"{\"uuid\":\"" uuid "\",\"type\":\"" type "\",\"to_ids\":true," more \
	"\"value\":\"" value "\"}"

/* clang-format off: JSON in macros, which it would scatter */
#define MISP_LIST \
	ATTR("1", "ip-dst", "192.0.2.1", "") \
	"," ATTR("2", "hostname", "h.test", "\"comment\":\"why\",") "," ATTR("3", "domain", "d.test", "\"Tag\":[{\"name\":\"tlp:red\"}],") "," ATTR( \
		"4", "sha256", "00", \
		"") "," ATTR("5", "mutex", "m", \
			     "") "," ATTR("6", "ip-src", "x", \
					  "") "," ATTR("7", "url", \
						       "http://d.test/", \
						       "\"deleted\":" \
						       "true,") "," \
								"{\"uui" \
								"d\":" \
								"\"8\"," \
								"\"type" \
								"\":" \
								"\"ip-" \
								"dst\"," \
								"\"valu" \
								"e\":" \
								"\"192." \
								"0.2." \
								"3\"," \
								"\"to_" \
								"ids\":" \
								"false}"
#define MISP_OBJECTS \
	",\"Object\":[{\"Attribute\":[" ATTR( \
		"9", "ja3-fingerprint-md5", \
		"e7d705a3286e19ea42f587b344ee6865", "") "]}]"

/* clang-format on */

static void
test_misp(void **state)
{
	struct loaded l = load(MISP_EVENT(MISP_LIST, MISP_OBJECTS));
	const struct ioc_note *n;

	(void)state;
	counts(&l, 4, 5);
	n = note(&l, 0, IOC_IP, "192.0.2.1");
	assert_string_equal(n->source, "CERT Y");
	assert_string_equal(n->tlp, "green");
	assert_string_equal(n->description, "campaign");
	assert_string_equal(n->id, "1");
	assert_int_equal(n->severity, 2);
	n = note(&l, 1, IOC_DOMAIN, "h.test");
	assert_true(n->exact);
	assert_string_equal(n->description, "why");
	n = note(&l, 2, IOC_DOMAIN, "d.test");
	assert_false(n->exact);
	assert_string_equal(n->tlp, "red");
	note(&l, 3, IOC_JA3, "e7d705a3286e19ea42f587b344ee6865");
	refusal(&l, 0, 0, "4", "not 64 hex digits");
	refusal(&l, 1, 0, "5", "attribute type 'mutex'");
	refusal(&l, 2, 0, "6", "not an address");
	refusal(&l, 3, 0, "7", "deleted");
	refusal(&l, 4, 0, "8", "to_ids");
	unload(&l);
	l = load("{\"response\":[" MISP_EVENT(
		ATTR("1", "ip-dst", "192.0.2.1", ""), "") "]}");
	counts(&l, 1, 0);
	unload(&l);
}

static void
test_unusable_files(void **state)
{
	struct loaded l = load("{\"objects\": [1,\n 2,");

	(void)state;
	assert_int_equal(l.e, ERR_TRUNCATED);
	assert_non_null(strstr(l.d.msg, "dir/x.list:2:"));
	unload(&l);
	l = load("{\"hello\": 1}");
	assert_int_equal(l.e, ERR_FORMAT);
	assert_non_null(strstr(l.d.msg, "neither a STIX"));
	unload(&l);
	l = load("{\"objects\": [1, null, {\"type\": \"indicator\"}, \"x\"]}");
	counts(&l, 0, 1);
	unload(&l);
	l.set = ioc_set_new();
	assert_int_equal(ioc_load_file(l.set, "/nonexistent/x", &l.rep, &l.d),
			 ERR_IO);
	assert_non_null(strstr(l.d.msg, "/nonexistent/x"));
	assert_int_equal(ioc_load_file(l.set, "/", &l.rep, &l.d), ERR_IO);
	unload(&l);
}

static void
test_refusals_are_capped_and_counted(void **state)
{
	const size_t n = IOC_LOAD_MAX_REFUSALS + 5;
	char *text = malloc(4 * n + 1);
	struct loaded l;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++) {
		memcpy(text + 4 * i, "a b\n", 5);
	}
	l = load(text);
	counts(&l, 0, (uint32_t)n);
	assert_int_equal(l.rep.n_refusals, IOC_LOAD_MAX_REFUSALS);
	unload(&l);
	free(text);
}

/* Several files into one set; a file read by path. */
static void
test_two_files(void **state)
{
	char path[] = "/tmp/test_ioc_load.XXXXXX";
	struct loaded l = { .set = ioc_set_new() };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a.test\nb c\n", 11), 11);
	close(fd);
	assert_int_equal(ioc_load_file(l.set, path, &l.rep, &l.d), ERR_OK);
	assert_int_equal(ioc_load_file(l.set, path, &l.rep, &l.d), ERR_OK);
	unlink(path);
	assert_int_equal(l.rep.total, 4);
	assert_int_equal(l.rep.loaded, 2);
	assert_int_equal(l.rep.repeated, 1);
	assert_int_equal(l.rep.refused, 2);
	assert_int_equal(ioc_set_count(l.set), 1);
	unload(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_stix_fields),
		cmocka_unit_test(test_stix_patterns),
		cmocka_unit_test(test_misp),
		cmocka_unit_test(test_unusable_files),
		cmocka_unit_test(test_refusals_are_capped_and_counted),
		cmocka_unit_test(test_two_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
