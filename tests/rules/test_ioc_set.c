/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rules/ioc_set.h"

static void
add(struct ioc_set *s, enum ioc_type type, const char *value)
{
	const struct ioc_note n = { .type = type, .source = "test" };
	struct diag d = { "" };

	if (ioc_set_add(s, &n, view_cstr(value), &d) != ERR_OK) {
		fail_msg("%s: %s", value, d.msg);
	}
}

static void
refused(struct ioc_set *s, enum ioc_type type, const char *value,
	const char *why)
{
	const struct ioc_note n = { .type = type };
	struct diag d = { "" };

	assert_int_equal(ioc_set_add(s, &n, view_cstr(value), &d), ERR_FORMAT);
	if (strstr(d.msg, why) == NULL) {
		fail_msg("%s: \"%s\" lacks \"%s\"", value, d.msg, why);
	}
}

static void
is(const struct ioc *got, const char *want)
{
	if (want == NULL) {
		assert_null(got);
	} else {
		assert_non_null(got);
		assert_string_equal(got->value, want);
	}
}

static void
addr_is(const struct ioc_set *s, const char *text, const char *want)
{
	struct addr a;

	assert_true(addr_parse(view_cstr(text), &a));
	is(ioc_find_addr(s, &a, 0), want);
}

static void
domain_is(const struct ioc_set *s, const char *name, const char *want)
{
	is(ioc_find_domain(s, view_cstr(name), 0), want);
}

static void
url_is(const struct ioc_set *s, const char *host, const char *uri,
       const char *want)
{
	is(ioc_find_url(s, view_cstr(host), view_cstr(uri), 0), want);
}

static void
test_empty(void **state)
{
	struct ioc_set *s = ioc_set_new();
	struct inspect in = { .kind = INSPECT_PACKET };
	struct rule_hits hits = { 0 };
	uint64_t needed[2];

	(void)state;
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	addr_is(s, "192.0.2.1", NULL);
	domain_is(s, "example.org", NULL);
	url_is(s, "example.org", "/", NULL);
	ioc_match(s, NULL, &in, &hits);
	assert_int_equal(hits.n + hits.overflowed, 0);
	ioc_set_needed(s, needed);
	assert_true(needed[0] == 0 && needed[1] == 0);
	ioc_set_free(s);
	ioc_set_free(NULL);
}

static void
test_addresses(void **state)
{
	struct ioc_set *s = ioc_set_new();

	(void)state;
	add(s, IOC_IP, "192.0.2.1");
	add(s, IOC_IP, "192.0.2.0/24");
	add(s, IOC_IP, "192.0.2.128/25");
	add(s, IOC_IP, "198.51.100.77/28");
	add(s, IOC_IP, "203.0.113.9/32");
	add(s, IOC_IP, "2001:DB8::/32");
	add(s, IOC_IP, "2001:db8::1");
	add(s, IOC_IP, "192.0.2.1");
	refused(s, IOC_IP, "0.0.0.0/0", "too wide");
	refused(s, IOC_IP, "10.0.0.0/7", "too wide");
	refused(s, IOC_IP, "::/0", "too wide");
	refused(s, IOC_IP, "::/80", "too wide");
	refused(s, IOC_IP, "2000::/3", "too wide");
	refused(s, IOC_IP, "192.0.2", "not an address");
	refused(s, IOC_IP, "example.org", "not an address");
	refused(s, IOC_IP, "", "empty");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	assert_int_equal(ioc_set_count(s), 7);
	addr_is(s, "192.0.2.1", "192.0.2.1");
	addr_is(s, "192.0.2.2", "192.0.2.0/24");
	addr_is(s, "192.0.2.200", "192.0.2.128/25");
	addr_is(s, "192.0.3.1", NULL);
	addr_is(s, "198.51.100.79", "198.51.100.64/28");
	addr_is(s, "198.51.100.80", NULL);
	addr_is(s, "203.0.113.9", "203.0.113.9");
	addr_is(s, "2001:db8::1", "2001:db8::1");
	addr_is(s, "2001:db8:ffff::1", "2001:db8::/32");
	addr_is(s, "2001:db9::1", NULL);
	ioc_set_free(s);
}

static void
test_domains(void **state)
{
	struct ioc_set *s = ioc_set_new();
	const struct ioc_note exact = { .type = IOC_DOMAIN, .exact = true };
	struct diag d;
	char longest[300];

	(void)state;
	add(s, IOC_DOMAIN, "Bad.Example.");
	add(s, IOC_DOMAIN, "worse.bad.example");
	add(s, IOC_DOMAIN, "*.star.test");
	add(s, IOC_DOMAIN, "_svc.xn--bcher-kva.test");
	assert_int_equal(ioc_set_add(s, &exact, VIEW_LIT("host.one.test"), &d),
			 ERR_OK);
	refused(s, IOC_DOMAIN, "com", "top-level");
	refused(s, IOC_DOMAIN, "192.0.2.1", "an address");
	refused(s, IOC_DOMAIN, "b\xc3\xbc.test", "xn--");
	refused(s, IOC_DOMAIN, "a..test", "empty label");
	refused(s, IOC_DOMAIN, "a b.test", "byte 0x20");
	refused(s, IOC_DOMAIN, "*.*.test", "byte 0x2a");
	memset(longest, 'a', sizeof(longest));
	longest[70] = '\0';
	refused(s, IOC_DOMAIN, longest, "63");
	longest[70] = 'a';
	longest[299] = '\0';
	refused(s, IOC_DOMAIN, longest, "253");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	domain_is(s, "bad.example", "bad.example");
	domain_is(s, "BAD.EXAMPLE.", "bad.example");
	domain_is(s, "x.y.bad.example", "bad.example");
	domain_is(s, "worse.bad.example", "worse.bad.example");
	domain_is(s, "a.worse.bad.example", "worse.bad.example");
	domain_is(s, "notbad.example", NULL);
	domain_is(s, "bad.example.org", NULL);
	domain_is(s, "example", NULL);
	domain_is(s, "star.test", "star.test");
	domain_is(s, "_svc.xn--bcher-kva.test", "_svc.xn--bcher-kva.test");
	domain_is(s, "host.one.test", "host.one.test");
	domain_is(s, "a.host.one.test", NULL);
	domain_is(s, "", NULL);
	domain_is(s, ".", NULL);
	domain_is(s, "..bad.example", "bad.example");
	domain_is(s, longest, NULL);
	ioc_set_free(s);
}

static void
test_urls(void **state)
{
	struct ioc_set *s = ioc_set_new();
	static char big[4096];

	(void)state;
	add(s, IOC_URL, "http://Evil.Example/Path?q=1#frag");
	add(s, IOC_URL, "https://evil.example:443");
	add(s, IOC_URL, "evil.example:8080/x");
	add(s, IOC_URL, "http://198.51.100.23/p.sh");
	add(s, IOC_URL, "http://[2001:db8::1]:81/y");
	add(s, IOC_URL, "http://evil.example?only=query");
	refused(s, IOC_URL, "http://user@evil.example/", "user name");
	refused(s, IOC_URL, "http://evil.example/a b", "blank");
	refused(s, IOC_URL, "http:///x", "empty");
	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, "http://a.example/", 17);
	refused(s, IOC_URL, big, "longer than");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	url_is(s, "EVIL.example", "/Path?q=1", "evil.example/Path?q=1");
	url_is(s, "evil.example:80", "/Path?q=1", "evil.example/Path?q=1");
	url_is(s, "evil.example", "/path?q=1", NULL);
	url_is(s, "evil.example", "/Path?q=12", NULL);
	url_is(s, "evil.example.", "/", "evil.example/");
	url_is(s, "evil.example", "", "evil.example/");
	url_is(s, "evil.example:8080", "/x", "evil.example:8080/x");
	url_is(s, "evil.example", "/x", NULL);
	url_is(s, "198.51.100.23", "/p.sh", "198.51.100.23/p.sh");
	url_is(s, "[2001:db8::1]:81", "/y", "[2001:db8::1]:81/y");
	url_is(s, "evil.example", "/?only=query", "evil.example/?only=query");
	url_is(s, "proxy", "http://evil.example/Path?q=1",
	       "evil.example/Path?q=1");
	url_is(s, "", "/", NULL);
	url_is(s, ":", ":", NULL);
	url_is(s, "evil.example", big, NULL);
	ioc_set_free(s);
}

static void
test_digests(void **state)
{
	struct ioc_set *s = ioc_set_new();
	char sha1[41], sha256[65];

	(void)state;
	memset(sha1, 'a', 40);
	sha1[40] = '\0';
	memset(sha256, 'b', 64);
	sha256[64] = '\0';
	add(s, IOC_JA3, "E7D705A3286E19EA42F587B344EE6865");
	add(s, IOC_CERT_SHA1, sha1);
	add(s, IOC_CERT_SHA256, sha256);
	refused(s, IOC_JA3, sha1, "32 hex");
	refused(s, IOC_CERT_SHA1, "zz", "40 hex");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	is(ioc_find_text(s, IOC_JA3,
			 VIEW_LIT("e7d705a3286e19ea42f587b344ee6865"), 0),
	   "e7d705a3286e19ea42f587b344ee6865");
	is(ioc_find_text(s, IOC_CERT_SHA1,
			 VIEW_LIT("AA:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:"
				  "aa:aa:aa:aa:aa:aa"),
			 0),
	   sha1);
	is(ioc_find_text(s, IOC_CERT_SHA256, view_cstr(sha256), 0), sha256);
	is(ioc_find_text(s, IOC_CERT_SHA256, view_cstr(sha1), 0), NULL);
	is(ioc_find_text(s, IOC_JA3, VIEW_NONE, 0), NULL);
	ioc_set_free(s);
}

/* Two lists have one value: neither takes from what the other says of its time,
 * nor is a marking lost. */
static void
test_repeats_are_joined(void **state)
{
	const struct view values[] = {
		VIEW_LIT("a.test"),
		VIEW_LIT("[domain-name:value LIKE 'a.%']"),
		VIEW_LIT("192.0.2.0/24"),
	};
	const enum ioc_type types[] = { IOC_DOMAIN, IOC_PATTERN, IOC_IP };
	struct diag d;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
		struct ioc_set *s = ioc_set_new();
		struct ioc_note now = { .type = types[i],
					.valid_until_us = 200,
					.tlp = "red",
					.source = "now" };
		struct ioc_note later = { .type = types[i],
					  .valid_from_us = 300,
					  .tlp = "green",
					  .source = "later" };
		const struct ioc_note *n;

		assert_int_equal(ioc_set_add(s, &now, values[i], &d), ERR_OK);
		assert_int_equal(ioc_set_add(s, &later, values[i], &d), ERR_OK);
		assert_int_equal(ioc_set_add(s, &now, values[i], &d), ERR_OK);
		assert_int_equal(ioc_set_count(s), 1);
		n = ioc_set_at(s, 0)->note;
		assert_int_equal(n->valid_from_us, 0);
		assert_int_equal(n->valid_until_us, 0);
		assert_string_equal(n->tlp, "red");
		assert_string_equal(n->source, "later");
		ioc_set_free(s);
	}
}

static void
test_dates_and_repeats(void **state)
{
	struct ioc_set *s = ioc_set_new();
	struct ioc_note n = { .type = IOC_DOMAIN, .source = "a" };
	const struct view v = VIEW_LIT("a.test");
	const struct ioc *ioc;
	char id[IOC_ID_CAP];
	struct diag d;

	(void)state;
	n.valid_from_us = 100;
	n.valid_until_us = 200;
	assert_int_equal(ioc_set_add(s, &n, v, &d), ERR_OK);
	n.valid_until_us = 150;
	n.source = "shorter";
	assert_int_equal(ioc_set_add(s, &n, v, &d), ERR_OK);
	n.valid_until_us = 300;
	n.source = "longer";
	n.id = "indicator--1";
	n.tlp = "amber";
	assert_int_equal(ioc_set_add(s, &n, v, &d), ERR_OK);
	n = (struct ioc_note){ .type = IOC_DOMAIN, .valid_until_us = 250 };
	assert_int_equal(ioc_set_add(s, &n, VIEW_LIT("x.a.test"), &d), ERR_OK);
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	assert_int_equal(ioc_set_count(s), 2);
	assert_null(ioc_find_domain(s, v, 99));
	ioc = ioc_find_domain(s, v, 100);
	assert_non_null(ioc);
	assert_string_equal(ioc->note->source, "longer");
	assert_string_equal(ioc->note->tlp, "amber");
	assert_string_equal(ioc->note->tactic, "");
	assert_int_equal(ioc->note->severity, 1);
	assert_string_equal(ioc_id(ioc, id, sizeof(id)), "indicator--1");
	assert_null(ioc_find_domain(s, v, 300));
	/* Where the narrower is out of date the wider still counts. */
	ioc = ioc_find_domain(s, VIEW_LIT("x.a.test"), 249);
	assert_string_equal(ioc->value, "x.a.test");
	assert_string_equal(ioc_id(ioc, id, sizeof(id)), "domain:x.a.test");
	ioc = ioc_find_domain(s, VIEW_LIT("x.a.test"), 260);
	assert_string_equal(ioc->value, "a.test");
	ioc_set_free(s);
}

/* Random networks and names against a search from end to end. */
#define N_RANDOM 3000

static uint64_t
rnd(uint64_t *x)
{
	*x = *x * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *x >> 33;
}

static void
test_networks_against_naive(void **state)
{
	struct ioc_set *s = ioc_set_new();
	static struct cidr nets[N_RANDOM];
	uint64_t x = 3;

	(void)state;
	for (unsigned i = 0; i < N_RANDOM; i++) {
		char text[64];

		snprintf(text, sizeof(text),
			 i % 2 ? "10.%u.%u.%u/%u" : "2001:db8:%u:%u::%u/%u",
			 (unsigned)rnd(&x) % 4, (unsigned)rnd(&x) % 8,
			 (unsigned)rnd(&x) % 256,
			 i % 2 ? 14 + (unsigned)rnd(&x) % 19
			       : 40 + (unsigned)rnd(&x) % 89);
		assert_true(cidr_parse(view_cstr(text), &nets[i]));
		add(s, IOC_IP, text);
	}
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	for (unsigned i = 0; i < 20000; i++) {
		struct addr a = nets[rnd(&x) % N_RANDOM].addr;
		const struct cidr *best = NULL;
		const struct ioc *got;
		struct cidr found;

		a.b[15] ^= (uint8_t)(rnd(&x) % 2 * rnd(&x));
		a.b[14] ^= (uint8_t)(rnd(&x) % 4);
		a.b[5 + rnd(&x) % 10] ^= (uint8_t)(rnd(&x) % 3 == 0);
		for (unsigned k = 0; k < N_RANDOM; k++) {
			if (cidr_contains(&nets[k], &a) &&
			    (best == NULL || nets[k].bits > best->bits)) {
				best = &nets[k];
			}
		}
		got = ioc_find_addr(s, &a, 0);
		assert_int_equal(got != NULL, best != NULL);
		if (got != NULL) {
			assert_true(cidr_parse(view_cstr(got->value), &found));
			assert_int_equal(found.bits, best->bits);
			assert_true(addr_eq(&found.addr, &best->addr));
		}
	}
	ioc_set_free(s);
}

static void
random_name(uint64_t *x, char out[64], unsigned labels)
{
	size_t n = 0;

	for (unsigned i = 0; i < labels; i++) {
		n += (size_t)snprintf(out + n, 64 - n, "%s%c%c",
				      i > 0 ? "." : "", (int)('a' + rnd(x) % 6),
				      (int)('a' + rnd(x) % 6));
	}
}

static void
test_domains_against_naive(void **state)
{
	struct ioc_set *s = ioc_set_new();
	static char names[N_RANDOM][64];
	uint64_t x = 9;

	(void)state;
	for (unsigned i = 0; i < N_RANDOM; i++) {
		random_name(&x, names[i], 2 + (unsigned)rnd(&x) % 3);
		add(s, IOC_DOMAIN, names[i]);
	}
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	for (unsigned i = 0; i < 20000; i++) {
		char name[64];
		const char *best = NULL;

		random_name(&x, name, 1 + (unsigned)rnd(&x) % 6);
		for (unsigned k = 0; k < N_RANDOM; k++) {
			size_t n = strlen(name), m = strlen(names[k]);

			if (m <= n && strcmp(name + n - m, names[k]) == 0 &&
			    (m == n || name[n - m - 1] == '.') &&
			    (best == NULL || m > strlen(best))) {
				best = names[k];
			}
		}
		domain_is(s, name, best);
	}
	ioc_set_free(s);
}

static struct rule_hits
match(const struct ioc_set *s, const struct inspect *in)
{
	static struct rule_hit room[4];
	struct rule_hits hits = { .v = room, .cap = ARRAY_LEN(room) };

	ioc_match(s, NULL, in, &hits);
	return hits;
}

static void
freshen(struct inspect *in, enum inspect_buf b, const struct view *v,
	uint32_t n)
{
	inspect_set(in, b, v, n);
	in->fresh[b / 64] |= UINT64_C(1) << (b % 64);
}

static void
test_match_packet(void **state)
{
	struct ioc_set *s = ioc_set_new();
	struct inspect_flow flow = { .first_packet = true };
	struct inspect in = { .kind = INSPECT_PACKET, .flow = &flow };
	struct rule_hits hits;

	(void)state;
	add(s, IOC_IP, "198.51.100.0/24");
	add(s, IOC_IP, "203.0.113.66");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	in.pkt.ip_version = 4;
	in.pkt.ts_us = 5;
	assert_true(addr_parse(VIEW_LIT("203.0.113.66"), &in.pkt.src));
	assert_true(addr_parse(VIEW_LIT("198.51.100.23"), &in.pkt.dst));
	hits = match(s, &in);
	assert_int_equal(hits.n, 2);
	assert_int_equal(hits.v[0].rule->gid, IOC_GID);
	assert_int_equal(hits.v[0].rule->sid, IOC_SID_BASE + IOC_IP);
	assert_string_equal(hits.v[0].ioc->value, "203.0.113.66");
	assert_string_equal(hits.v[1].ioc->value, "198.51.100.0/24");
	assert_false(hits.v[0].has_tx);
	/* Both ends in one network are one sighting of it. */
	in.pkt.src = in.pkt.dst;
	assert_int_equal(match(s, &in).n, 1);
	flow.first_packet = false;
	assert_int_equal(match(s, &in).n, 0);
	in.flow = NULL;
	assert_int_equal(match(s, &in).n, 1);
	in.kind = INSPECT_STREAM;
	assert_int_equal(match(s, &in).n, 0);
	ioc_set_free(s);
}

/* Kinds that are compared as sent, and digests of files that are whole. */
/* The canonical form is its own, or two readers would differ about it. */
static void
test_url_with_bare_address(void **state)
{
	struct ioc_set *s = ioc_set_new();

	(void)state;
	add(s, IOC_URL, "http://8:://x");
	add(s, IOC_URL, "8:://x");
	add(s, IOC_URL, "HXXP+a.1-b://evil.test/x");
	assert_int_equal(ioc_set_count(s), 2);
	assert_string_equal(ioc_set_at(s, 0)->value, "8:://x");
	assert_string_equal(ioc_set_at(s, 1)->value, "evil.test/x");
	ioc_set_free(s);
}

static void
test_match_texts_and_files(void **state)
{
	static const uint8_t md5[16] = { 0xd4, 0x1d }, sha1[20] = { 1 },
			     sha256[32] = { 2 };
	struct ioc_set *s = ioc_set_new();
	struct inspect in = { .kind = INSPECT_TX };
	const struct view ja4 =
		VIEW_LIT("t13d1516h2_8daaf6152771_b186095e22b6");
	const struct view agent = VIEW_LIT("Evil/1.0 (x)");
	struct rule_hits hits;
	uint64_t needed[2];

	(void)state;
	add(s, IOC_JA4, "T13d1516h2_8daaf6152771_b186095e22b6");
	add(s, IOC_USER_AGENT, "Evil/1.0 (x)");
	add(s, IOC_FILE_MD5, "d41d0000000000000000000000000000");
	add(s, IOC_FILE_SHA1, "0100000000000000000000000000000000000000");
	add(s, IOC_FILE_SHA256,
	    "02000000000000000000000000000000"
	    "00000000000000000000000000000000");
	refused(s, IOC_JA4, "t13d1516h2_8daaf6152771_b186095e22b", "no JA4");
	refused(s, IOC_USER_AGENT, "a\nb", "control byte");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	assert_int_equal(ioc_set_digests(s), 7);
	ioc_set_needed(s, needed);
	assert_true(inspect_bit(needed, BUF_JA4_HASH));
	assert_true(inspect_bit(needed, BUF_HTTP_USER_AGENT));
	freshen(&in, BUF_JA4_HASH, &ja4, 1);
	hits = match(s, &in);
	assert_int_equal(hits.n, 1);
	assert_int_equal(hits.v[0].rule->sid, IOC_SID_BASE + IOC_JA4);
	in.fresh[0] = in.fresh[1] = 0;
	freshen(&in, BUF_HTTP_USER_AGENT, &agent, 1);
	assert_int_equal(match(s, &in).n, 1);
	in.fresh[0] = in.fresh[1] = 0;
	in.n_files = 1;
	in.files[0].digest[INSPECT_MD5] = md5;
	in.files[0].digest[INSPECT_SHA1] = sha1;
	assert_int_equal(match(s, &in).n, 0);
	in.files[0].whole = true;
	assert_int_equal(match(s, &in).n, 2);
	in.files[0].digest[INSPECT_SHA256] = sha256;
	hits = match(s, &in);
	assert_int_equal(hits.n, 3);
	assert_string_equal(hits.v[2].rule->msg,
			    "PICKET indicator: known-bad file (SHA-256)");
	ioc_set_free(s);
}

static void
test_match_tx(void **state)
{
	struct ioc_set *s = ioc_set_new();
	struct inspect in = { .kind = INSPECT_TX, .tx_id = 3 };
	const struct view names[] = { VIEW_LIT("fine.test"),
				      VIEW_LIT("a.evil.test"),
				      VIEW_LIT("b.evil.test") };
	const struct view host = VIEW_LIT("evil.test:80");
	const struct view uri = VIEW_LIT("/%41"), plain = VIEW_LIT("/A");
	const struct view der = VIEW_LIT("abc");
	struct rule_hits hits;
	uint64_t needed[2];

	(void)state;
	add(s, IOC_DOMAIN, "evil.test");
	add(s, IOC_URL, "http://evil.test/A");
	/* SHA-256 of "abc", FIPS 180-4's first example. */
	add(s, IOC_CERT_SHA256,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	freshen(&in, BUF_DNS_QUERY, names, 3);
	hits = match(s, &in);
	assert_int_equal(hits.n, 1);
	assert_true(hits.v[0].has_tx);
	assert_int_equal(hits.v[0].tx_id, 3);
	in.fresh[0] = in.fresh[1] = 0;
	assert_int_equal(match(s, &in).n, 0);
	inspect_set(&in, BUF_HTTP_HOST_RAW, &host, 1);
	freshen(&in, BUF_HTTP_URI_RAW, &uri, 1);
	assert_int_equal(match(s, &in).n, 0);
	freshen(&in, BUF_HTTP_URI, &plain, 1);
	hits = match(s, &in);
	assert_int_equal(hits.n, 1);
	assert_string_equal(hits.v[0].ioc->value, "evil.test/A");
	freshen(&in, BUF_TLS_CERTS, &der, 1);
	assert_int_equal(match(s, &in).n, 2);
	ioc_set_needed(s, needed);
	assert_true(inspect_bit(needed, BUF_TLS_CERTS));
	assert_true(inspect_bit(needed, BUF_HTTP_URI_RAW));
	assert_false(inspect_bit(needed, BUF_JA3_HASH));
	ioc_set_free(s);
}

static void
test_full_hits_are_counted(void **state)
{
	struct ioc_set *s = ioc_set_new();
	struct inspect in = { .kind = INSPECT_TX };
	const struct view names[] = { VIEW_LIT("a.test"), VIEW_LIT("b.test"),
				      VIEW_LIT("c.test"), VIEW_LIT("d.test"),
				      VIEW_LIT("e.test"), VIEW_LIT("f.test") };
	struct rule_hits hits;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		add(s, IOC_DOMAIN, (const char *)names[i].p);
	}
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	freshen(&in, BUF_DNS_QUERY, names, ARRAY_LEN(names));
	hits = match(s, &in);
	assert_int_equal(hits.n, 4);
	assert_int_equal(hits.overflowed, 2);
	ioc_set_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_dates_and_repeats),
		cmocka_unit_test(test_repeats_are_joined),
		cmocka_unit_test(test_networks_against_naive),
		cmocka_unit_test(test_domains_against_naive),
		cmocka_unit_test(test_match_packet),
		cmocka_unit_test(test_url_with_bare_address),
		cmocka_unit_test(test_match_texts_and_files),
		cmocka_unit_test(test_match_tx),
		cmocka_unit_test(test_full_hits_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
