/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/release.h"
#include "collector/share_policy.h"
#include "collector/stix_out.h"
#include "tests/test.h"

#define HEAD "producer: JP\npartners:\n"
#define ONE "  - name: us\n    owner: US\n    pseudonym-key: /k\n"

static struct share_policy *
good(const char *text)
{
	struct share_policy *p;
	struct diag d = { "" };

	if (share_policy_read(&p, "policy.yaml", view_cstr(text), &d) !=
	    ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return p;
}

static void
bad(const char *text, const char *where)
{
	struct share_policy *p;
	struct diag d = { "" };

	assert_int_equal(
		share_policy_read(&p, "policy.yaml", view_cstr(text), &d),
		ERR_FORMAT);
	assert_null(p);
	if (strstr(d.msg, where) == NULL) {
		fail_msg("'%s' lacks '%s'", d.msg, where);
	}
}

/* What is not named does not leave. */
static void
test_nothing_by_default(void **state)
{
	struct share_policy *p = good(HEAD ONE);
	const struct share_partner *us = share_partner(p, "us");

	(void)state;
	assert_int_equal(us->kinds, 0);
	assert_int_equal(us->fields[SHARE_INCIDENT], 0);
	assert_int_equal(us->highest, TLP_CLEAR);
	assert_int_equal(us->addresses, SHARE_DROP);
	assert_int_equal(us->sites, SHARE_DROP);
	assert_false(us->keep_domains);
	assert_null(share_partner(p, "au"));
	share_policy_free(p);
}

static void
test_refused(void **state)
{
	(void)state;
	bad("", "policy.yaml:1: ");
	bad("[]", "expected 'key: value'");
	bad("a: [", "not YAML");
	bad("partners:\n" ONE, "'producer'");
	bad("producer: JP\n", "'partners'");
	bad("producer: J P\npartners:\n" ONE, "policy.yaml:1: 'producer'");
	bad(HEAD ONE "    hihgest: green\n", "policy.yaml:6: ");
	bad(HEAD ONE "    name: us\n", "comes twice");
	bad(HEAD ONE ONE, "is there twice");
	bad(HEAD ONE "    highest: red\n", "red never leaves");
	bad(HEAD ONE "    highest: amber+strict\n", "organisation");
	bad(HEAD ONE "    kinds: [payload]\n", "kinds: 'payload'");
	bad(HEAD ONE "    kinds: [packet]\n", "consultation");
	bad(HEAD ONE "    kinds: indicator\n", "list of texts");
	bad(HEAD ONE "    fields: { incident: [payload] }\n", "never leaves");
	bad(HEAD ONE "    fields: { sighting: [users] }\n", "never leaves");
	bad(HEAD ONE "    fields: { sighting: [victims] }\n", "no field");
	bad(HEAD ONE "    redact: { sites: pseudonym }\n", "redact: sites");
	bad(HEAD ONE "    redact: { users: keep }\n", "unknown key 'users'");
	bad(HEAD "  - name: us\n    owner: US\n", "pseudonym-key");
	bad(HEAD "  - name: us\n    pseudonym-key: x\n", "an owner");
	bad(HEAD "  []\n", "a list of 1 to");
	bad("our-domains: [mil]\n" HEAD ONE, "our-domains");
	/* What would be found in no text. */
	bad("our-domains: ['*.mod.example']\n" HEAD ONE, "without '*'");
	bad("our-domains: [mod.example.]\n" HEAD ONE, "mod.example.");
	bad("our-domains: [mod..example]\n" HEAD ONE, "our-domains");
	bad("our-domains: ['mod.example ']\n" HEAD ONE, "our-domains");
	bad("our-domains: ['mod.example:443']\n" HEAD ONE, "our-domains");
	bad("our-domains: ['\xe9\x98\xb2.example']\n" HEAD ONE, "xn--");
	bad("our-domains: [-.example]\n" HEAD ONE, "our-domains");
	bad("our-domains: ['']\n" HEAD ONE, "our-domains");
}

static void
test_domains(void **state)
{
	struct share_policy *p = good("our-domains: [Mod.Example, .a-1.b_c.d, "
				      "xn--0zwm56d.example]\n" HEAD ONE);

	(void)state;
	assert_int_equal(p->n_domains, 3);
	assert_string_equal(p->domains[0], "mod.example");
	assert_string_equal(p->domains[1], "a-1.b_c.d");
	share_policy_free(p);
}

static void
judges(const char *partner, const char *mark, enum release_verdict want)
{
	struct share_policy *p =
		good(HEAD ONE "    highest: amber\n    kinds: [sighting]\n"
			      "  - { name: own, owner: JP, pseudonym-key: x, "
			      "highest: amber+strict, same-organisation: yes,\n"
			      "      kinds: [sighting] }\n");
	struct marking m;
	struct diag d;

	assert_int_equal(marking_read(&m, view_cstr(mark), &d), ERR_OK);
	assert_int_equal(release_judge(share_partner(p, partner),
				       SHARE_SIGHTING, "", &m),
			 want);
	assert_int_equal(release_judge(share_partner(p, partner),
				       SHARE_SIGHTING, "KEEN", &m),
			 HELD_EXERCISE);
	assert_int_equal(release_judge(share_partner(p, partner),
				       SHARE_INCIDENT, "", &m),
			 HELD_KIND);
	share_policy_free(p);
}

static void
test_judged(void **state)
{
	(void)state;
	judges("us", "clear", RELEASE_GOES);
	judges("us", "amber", RELEASE_GOES);
	judges("us", "amber//US", RELEASE_GOES);
	judges("us", "amber//JP,US", RELEASE_GOES);
	judges("us", "clear//JP", HELD_NAMES);
	judges("us", "clear//", HELD_NAMES);
	judges("us", "clear//us", HELD_NAMES);
	judges("us", "amber+strict", HELD_STRICT);
	judges("us", "red", HELD_RED);
	judges("own", "amber+strict", RELEASE_GOES);
	judges("own", "red", HELD_RED);
	judges("own", "red//JP", HELD_RED);
}

static void
pattern(enum indicator_kind k, const char *value, const char *want)
{
	char out[1024];

	if (want == NULL) {
		assert_false(stix_pattern(k, value, out, sizeof(out)));
		return;
	}
	assert_true(stix_pattern(k, value, out, sizeof(out)));
	assert_string_equal(out, want);
}

static void
test_patterns(void **state)
{
	(void)state;
	pattern(INDICATOR_IP, "192.0.2.1", "[ipv4-addr:value = '192.0.2.1']");
	pattern(INDICATOR_IP, "192.0.2.0/24",
		"[ipv4-addr:value ISSUBSET '192.0.2.0/24']");
	pattern(INDICATOR_IP, "2001:db8::/32",
		"[ipv6-addr:value ISSUBSET '2001:db8::/32']");
	pattern(INDICATOR_IP, "x' OR 'y", NULL);
	pattern(INDICATOR_URL, "http://x/'\\",
		"[url:value = 'http://x/\\'\\\\']");
	pattern(INDICATOR_FILE_SHA1, "ab", "[file:hashes.'SHA-1' = 'ab']");
	pattern(INDICATOR_DOMAIN, "", NULL);
	pattern(INDICATOR_KINDS, "x", NULL);
}

/* RFC 9562 appendix A.4 has the way, python's uuid.uuid5() the figure. */
static void
test_ids(void **state)
{
	static const uint8_t dns[STIX_UUID_BYTES] = { 0x6b, 0xa7, 0xb8, 0x10,
						      0x9d, 0xad, 0x11, 0xd1,
						      0x80, 0xb4, 0x00, 0xc0,
						      0x4f, 0xd4, 0x30, 0xc8 };
	struct stix_out x;
	char id[STIX_ID_CAP];

	(void)state;
	assert_int_equal(stix_begin(&x, "JP", dns, "bundle"), ERR_OK);
	stix_id(&x, false, "identity", "www.example.com", id);
	assert_string_equal(id,
			    "identity--2ed6657d-e927-568b-95e1-2665a8aea6a2");
	assert_int_equal(stix_end(&x), ERR_OK);
	stix_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_by_default),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
