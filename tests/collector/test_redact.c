/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/pseudonym.h"
#include "collector/redact.h"
#include "tests/rnd.h"
#include "tests/test.h"

/* The key and addresses of the sample that came with the first program of
 * Crypto-PAn's authors. */
static const uint8_t key[PSEUDONYM_KEY_BYTES] = {
	21,  34, 23,  141, 51, 164, 207, 128, 19,  10,  91,
	22,  73, 144, 125, 16, 216, 152, 143, 131, 121, 121,
	101, 39, 98,  87,  76, 45,  42,  132, 34,  2
};

static struct addr
addr_of(const char *s)
{
	struct addr a;

	assert_true(addr_parse(view_cstr(s), &a));
	return a;
}

static void
test_pseudonym_vectors(void **state)
{
	static const char *const pairs[][2] = {
		{ "128.11.68.132", "135.242.180.132" },
		{ "129.118.74.4", "134.136.186.123" },
		{ "130.132.252.244", "133.68.164.234" },
		{ "141.223.7.43", "141.167.8.160" },
		{ "141.233.145.108", "141.129.237.235" },
		{ "152.163.225.39", "151.140.114.167" },
		{ "156.29.3.236", "147.225.12.42" },
		{ "192.41.57.43", "252.222.221.184" },
	};
	struct pseudonym *p;

	(void)state;
	assert_int_equal(pseudonym_new(&p, key), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct addr a = addr_of(pairs[i][0]), out;
		char text[ADDR_TEXT_CAP];

		assert_int_equal(pseudonym_addr(p, &a, &out), ERR_OK);
		addr_format(&out, text);
		assert_string_equal(text, pairs[i][1]);
	}
	pseudonym_free(p);
}

static unsigned
shared_bits(const struct addr *a, const struct addr *b)
{
	for (unsigned i = 0; i < 128; i++) {
		if (((a->b[i / 8] ^ b->b[i / 8]) & 0x80 >> i % 8) != 0) {
			return i;
		}
	}
	return 128;
}

/* As many first bits are shared behind it as before, in both families. */
static void
test_pseudonym_keeps_prefixes(void **state)
{
	struct pseudonym *p;

	(void)state;
	assert_int_equal(pseudonym_new(&p, key), ERR_OK);
	for (int i = 0; i < 2000; i++) {
		uint8_t x[16], y[16];
		size_t n = i % 2 ? 4 : 16;
		unsigned keep = rnd((uint32_t)(8 * n));
		struct addr a, b, pa, pb;

		for (size_t k = 0; k < n; k++) {
			x[k] = (uint8_t)rnd(256);
			y[k] = (uint8_t)rnd(256);
		}
		for (unsigned k = 0; k < keep; k++) {
			uint8_t bit = (uint8_t)(0x80 >> k % 8);

			y[k / 8] =
				(uint8_t)((y[k / 8] & ~bit) | (x[k / 8] & bit));
		}
		a = n == 4 ? addr_from_v4(x) : addr_from_v6(x);
		b = n == 4 ? addr_from_v4(y) : addr_from_v6(y);
		assert_int_equal(pseudonym_addr(p, &a, &pa), ERR_OK);
		assert_int_equal(pseudonym_addr(p, &b, &pb), ERR_OK);
		assert_int_equal(shared_bits(&pa, &pb), shared_bits(&a, &b));
	}
	pseudonym_free(p);
}

/* ----------------------------------------------------------------- redaction */

static const char map_text[] =
	"owners:\n  - name: JP\nsites:\n"
	"  - name: base-a\n    owner: JP\n    networks: [192.0.2.0/24, "
	"\"2001:db8:1::/48\"]\n"
	"  - name: Fuji\n    owner: JP\n    tlp: red\n"
	"assets:\n  - name: mail-gw\n    site: base-a\n"
	"    addresses: [192.0.2.25]\n"
	"  - name: web\n    site: base-a\n    addresses: [192.0.2.80]\n"
	"services:\n  - name: Mail\n    depends_on: [mail-gw]\n    tlp: green\n"
	"  - name: Hidden web\n    depends_on: [web]\n    tlp: red\n"
	"missions:\n  - name: fuji\n    services: [Mail]\n"
	"  - name: \xe9\x98\xb2\xe7\xa9\xba\n    services: [Mail]\n";

static const char policy_text[] =
	"producer: JP\nour-domains: [mod.example]\npartners:\n"
	"  - { name: drop, owner: US, highest: amber, pseudonym-key: x }\n"
	"  - { name: anon, owner: US, highest: amber, pseudonym-key: x,\n"
	"      redact: { addresses: pseudonym } }\n"
	"  - { name: role, owner: US, highest: amber, pseudonym-key: x,\n"
	"      redact: { addresses: role, sites: keep },\n"
	"      fields: { incident: [sites, services, missions] } }\n"
	"  - { name: keep, owner: US, highest: amber, pseudonym-key: x,\n"
	"      redact: { addresses: keep, sites: keep, domains: keep } }\n";

static struct mission_map *map;
static struct share_policy *policy;

static int
make(void **state)
{
	char path[] = "/tmp/picket-map-XXXXXX";
	int fd = mkstemp(path);
	struct diag d = { "" };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, map_text, sizeof(map_text) - 1),
			 sizeof(map_text) - 1);
	close(fd);
	if (mission_load(&map, path, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	unlink(path);
	if (share_policy_read(&policy, "policy", view_cstr(policy_text), &d) !=
	    ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	mission_free(map);
	share_policy_free(policy);
	return 0;
}

static void
becomes(const char *partner, const char *in, const char *want)
{
	static const struct marking mark = { .tlp = TLP_AMBER };
	struct redact *r;
	struct json out;

	json_init(&out);
	assert_int_equal(redact_new(&r, map, policy,
				    share_partner(policy, partner), key),
			 ERR_OK);
	redact_text(r, SHARE_INCIDENT, &mark, view_cstr(in), &out);
	json_append(&out, view_of("", 1));
	assert_string_equal(out.p, want);
	redact_free(r);
	json_fini(&out);
}

static void
test_addresses(void **state)
{
	static const char *const gone[] = {
		"192.0.2.25",
		"192.000.002.025",
		"192-0-2-25",
		"192_0_2_25",
		"10.1.2.3",
		"172.31.255.255",
		"169.254.9.9",
		"127.0.0.1",
		"100.64.0.1",
		"2001:db8:1::25",
		"2001:DB8:1:0:0:0:0:25",
		"::ffff:192.0.2.25",
		"::ffff:c000:219",
		"fd00::1",
		"fe80::1",
		"::1",
		/* made of one of IPv4 */
		"2002:c000:0219::1",
		"2002:a01:203:1:2:3:4:5",
		"64:ff9b::a01:203",
		"64:ff9b::192.0.2.25",
		"::a01:203",
		"::ffff:0:a01:203",
		/* as people write what must not be followed, or by an IME */
		"192[.]0[.]2[.]25",
		"192(.)0{.}2.25",
		"192[dot]0[DOT]2(dot)25",
		"fd00[:]0[:]0::1",
		"10%2E1%2e2%2E3",
		"%31%30.1.2.3",
		"\xef\xbc\x91\xef\xbc\x90\xef\xbc\x8e\xef\xbc\x91.2.3",
		"10\343\200\2021\357\275\2412.3",
		"10.1\xe2\x80\x8b.2\xe2\x80\xae.3",
		"10\342\200\2211-2-3",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
		becomes("drop", gone[i], "[address]");
	}
	becomes("drop", "at 10.1.2.3:443, [fd00::1]:80 and 10.0.0.0/8.",
		"at [address]:443, [[address]]:80 and [address]/8.");
	becomes("drop", "x10.1.2.3y v=1.10.1.2.3", "x[address]y v=1.[address]");
	becomes("drop", "http://10.1.2.3/a?b=192.0.2.25",
		"http://[address]/a?b=[address]");
	becomes("drop", "25.2.0.192.in-addr.arpa", "[address].in-addr.arpa");
	becomes("drop", "3.10.in-addr.arpa", "[address].in-addr.arpa");
	becomes("drop",
		"5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0."
		"0.2.ip6.arpa",
		"[address].ip6.arpa");
	becomes("drop", "10.1.2.30::1", "[address][address]");
	/* One that is taken out hides none beside it. */
	becomes("drop", "web10.1.2.3", "[asset][address]");
	becomes("drop", "10.1.2.3mail-gw", "[address][asset]");
	becomes("drop", "web10.1.2.3web10.1.2.3web",
		"[asset][address][asset][address][asset]");
	becomes("drop", "x.mod.example.10.1.2.3", "[host].[address]");
	/* Nor does what looks like what it became. */
	becomes("drop", "[web] [asset]", "[[asset]] [asset]");
	becomes("drop", "10.1.2.3 \x01 10.1.2.3", "");
	/* What is around it stays as it was written. */
	becomes("drop",
		"\xef\xbc\xa1%41(a)[b] 10[.]1.2.3 50%25 {x} e2%80 "
		"\xe3\x80\x82%",
		"\xef\xbc\xa1%41(a)[b] [address] 50%25 {x} e2%80 "
		"\xe3\x80\x82%");
	becomes("drop", "2002:808:808::1 64:ff9b::8.8.8.8 ::5",
		"2002:808:808::1 64:ff9b::8.8.8.8 ::5");
	/* Those of others stay, and what only looks like one. */
	becomes("drop", "8.8.8.8 2001:db8:2::1 1.2.3 a:b 300.1.2.3.4",
		"8.8.8.8 2001:db8:2::1 1.2.3 a:b 300.1.2.3.4");
	becomes("keep", "10.1.2.3 fd00::1", "10.1.2.3 fd00::1");
	becomes("drop", "", "");
	becomes("drop", ":::::", ":::::");
}

static void
test_pseudonyms(void **state)
{
	struct pseudonym *p;
	struct addr a = addr_of("192.0.2.25"), out;
	char text[ADDR_TEXT_CAP], want[64];

	(void)state;
	assert_int_equal(pseudonym_new(&p, key), ERR_OK);
	assert_int_equal(pseudonym_addr(p, &a, &out), ERR_OK);
	addr_format(&out, text);
	snprintf(want, sizeof(want), "(anon:%s)", text);
	becomes("anon", "(192.0.2.25)", want);
	pseudonym_free(p);
}

static void
test_names(void **state)
{
	(void)state;
	becomes("drop", "mail-gw, MAIL-GW. xmail-gwx web_1 web2",
		"[asset], [asset]. xmail-gwx [asset]_1 web2");
	becomes("drop", "mail-gw.evil.example", "[asset].evil.example");
	becomes("drop", "at base-a (base-ab)", "at [site] (base-ab)");
	becomes("drop", "Hidden web of Mail", "[service] of [service]");
	/* A name that is not ASCII has no blanks around it. */
	becomes("drop",
		"a\xe9\x98\xb2\xe7\xa9\xba"
		"b",
		"a[mission]b");
	becomes("role", "base-a, Mail, mail-gw", "base-a, Mail, [asset]");
	becomes("drop",
		"mx.mod.example MOD.EXAMPLE nomod.example mod.example.x",
		"[host] [host] nomod.example mod.example.x");
	becomes("keep", "mx.mod.example", "mx.mod.example");
	becomes("drop",
		"mx[.]mod[.]example mx(dot)mod.example mx%2Emod.example",
		"[host] [host] [host]");
	becomes("drop",
		"\xef\xbc\xad\xef\xbc\xaf\xef\xbc\xa4\xef\xbc\x8e"
		"example",
		"[host]");
}

/* No name is as long as these; what stands before our domain says more of us
 * than it does. */
static void
test_long_host_names(void **state)
{
	char text[8192], want[8192];

	(void)state;
	for (unsigned n = 240; n < 2000; n += 7) {
		char label[2048];

		memset(label, 'x', n);
		label[n] = '\0';
		snprintf(text, sizeof(text), "at %s.mod.example.", label);
		becomes("drop", text, "at [host].");
		snprintf(text, sizeof(text), "at 1.%s-2.a.mod.example", label);
		becomes("drop", text, "at [host]");
		/* Nor does its length make one ours. */
		snprintf(text, sizeof(text), "%s.mod.example.%s mod.example",
			 label, label);
		snprintf(want, sizeof(want), "%s.mod.example.%s [host]", label,
			 label);
		becomes("drop", text, want);
	}
}

/* Whatever blanks are between the words of a name, and none but those. */
static void
test_names_as_people_write_them(void **state)
{
	char text[2000];

	(void)state;
	becomes("drop", "mail_gw Mail GW mail - gw mail\n\tgw.",
		"[asset] [asset] [asset] [asset].");
	becomes("drop", "hidden-web HIDDEN__WEB", "[service] [service]");
	becomes("drop", "mail.gw mailgw mail, gw",
		"[service].gw mailgw [service], gw");
	becomes("drop", "ba\xc2\xadse-\xef\xbd\x81", "[site]");
	becomes("drop",
		"base\xe3\x80\x80"
		"a base\xe2\x80\x93"
		"a",
		"[site] [site]");
	/* Not at any distance. */
	snprintf(text, sizeof(text), "base%900sa", "");
	becomes("drop", text, text);
}

/* Who may be told of services is not told of one that is marked higher. */
static void
test_names_above_their_object(void **state)
{
	(void)state;
	becomes("role", "Mail and Hidden web", "Mail and [service]");
	/* Nor of what is called like something that is. */
	becomes("role", "Fuji at base-a", "[site] at base-a");
}

/* A service stands for its host only where its own marking allows that. */
static void
test_roles(void **state)
{
	(void)state;
	becomes("role", "192.0.2.25", "[Mail]");
	becomes("role", "192.0.2.80", "[address]");
	becomes("role", "192.0.2.81", "[address]");
}

static void
test_finds(void **state)
{
	struct redact *r;

	(void)state;
	assert_int_equal(
		redact_new(&r, map, policy, share_partner(policy, "keep"), key),
		ERR_OK);
	/* Whatever the partner may see elsewhere. */
	assert_true(redact_finds(r, VIEW_LIT("10.0.0.1")));
	assert_true(redact_finds(r, VIEW_LIT("a.mod.example")));
	assert_true(redact_finds(r, VIEW_LIT("base-a.evil.example")));
	assert_false(redact_finds(r, VIEW_LIT("evil.example")));
	redact_free(r);
}

/* Any bytes: nothing is read beyond them, and no address of ours is left. */
static void
test_any_bytes(void **state)
{
	static const char letters[] = "0123456789:.abcdefx-_/[] \xe9\x98\xb2"
				      "(){}%2Eot\xef\xbc\x91\xe2\x80\x8b";
	struct redact *red;

	(void)state;
	assert_int_equal(redact_new(&red, map, policy,
				    share_partner(policy, "drop"), key),
			 ERR_OK);
	for (int i = 0; i < 200000; i++) {
		size_t n = rnd(40);
		char *text = malloc(n + 1);
		struct json out;

		json_init(&out);
		for (size_t k = 0; k < n; k++) {
			text[k] = letters[rnd(sizeof(letters) - 1)];
		}
		redact_text(red, SHARE_INCIDENT, &MARKING_CLEAR,
			    view_of(text, n), &out);
		assert_false(out.failed);
		assert_false(redact_finds(red, json_view(&out)));
		json_fini(&out);
		free(text);
	}
	redact_free(red);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pseudonym_vectors),
		cmocka_unit_test(test_pseudonym_keeps_prefixes),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_pseudonyms),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_host_names),
		cmocka_unit_test(test_names_as_people_write_them),
		cmocka_unit_test(test_names_above_their_object),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
