/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of a transaction tells what the transaction tells: of all that a
 * record can hold, and behind a larger one in the same room.
 */
#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_ssh.h"
#include "sensor/app_tls.h"
#include "tests/sensor/copy_same.h"
#include "tests/test.h"

#define TEXT(s) \
	{ \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}
#define NAME(s) \
	{ \
		.text = TEXT(s) \
	}

/* Whether what events say of 'tx' has 'words' in it. */
static void
says(const struct app_tx *tx, const struct file *f, const char *words)
{
	struct json j;

	json_init(&j);
	copy_same_text(&j, tx, f);
	if (memmem(j.p, j.len, words, strlen(words)) == NULL) {
		fail_msg("no %s in %.*s", words, (int)j.len, j.p);
	}
	json_fini(&j);
}

static void
dns_of_every_type(void **state)
{
	static const uint8_t wide[16] = { 0x20, 1 };
	struct dns_rr rr[] = {
		{ .type = DNS_TYPE_A, .rdata = { wide, 4 } },
		{ .type = DNS_TYPE_AAAA, .rdata = { wide, 16 } },
		{ .type = DNS_TYPE_NS, .target = NAME("ns.example") },
		{ .type = DNS_TYPE_CNAME,
		  .target = { .text = TEXT("long"), .truncated = true } },
		{ .type = DNS_TYPE_SOA,
		  .target = { .text = TEXT("m"), .truncated = true },
		  .rname = { .text = TEXT("r"), .truncated = true },
		  .soa = { 1, 2, 3, 4, 5 } },
		{ .type = DNS_TYPE_NULL, .rdata = TEXT("\0\1\2") },
		{ .type = DNS_TYPE_PTR, .target = NAME("ptr") },
		{ .type = DNS_TYPE_MX, .prio = 3, .target = NAME("mx") },
		{ .type = DNS_TYPE_TXT, .rdata = TEXT("\2ab\1c") },
		{ .type = DNS_TYPE_SRV,
		  .prio = 7,
		  .weight = 8,
		  .port = 9,
		  .target = { .text = TEXT("srv"), .truncated = true } },
		{ .type = DNS_TYPE_DNAME, .target = NAME("d") },
		{ .type = DNS_TYPE_OPT, .rdata = TEXT("not shown") },
		{ .type = DNS_TYPE_SSHFP, .rdata = TEXT("\1\2abcdef") },
		{ .type = DNS_TYPE_CAA, .rdata = TEXT("\0\5issueca.example") },
		{ .type = DNS_TYPE_CAA, .rdata = TEXT("\0\377") },
		{ .type = 65000, .rdata = TEXT("?") },
		{ .type = DNS_TYPE_A }, /* not of its form */
	};
	struct dns_question q[] = {
		{ .name = NAME("a.example"), .type = DNS_TYPE_A },
		{ .name = { .text = TEXT("\"\\\n"), .truncated = true },
		  .type = 65001 },
	};
	struct dns_tx tx = {
		.tx = { .parser = &app_dns_udp, .id = 77 },
		.response = true,
		.id = 4711,
		.flags = 0x85f0,
		.opcode = 2,
		.rcode = 15,
		.questions = q,
		.n_questions = ARRAY_LEN(q),
		.rr = { rr, rr, rr },
		.n_rr = { ARRAY_LEN(rr), ARRAY_LEN(rr), ARRAY_LEN(rr) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rr); i++) {
		rr[i].name = (struct dns_name)NAME("owner");
		rr[i].ttl = (uint32_t)i;
		rr[i].parsed = i + 1 < ARRAY_LEN(rr);
	}
	says(&tx.tx, NULL, "\"weight\":8");
	says(&tx.tx, NULL, "issue");
	copy_same(&tx.tx, NULL);
	/* fewer of all, where more were */
	tx.response = false;
	tx.n_rr[DNS_ANSWER] = 0;
	tx.n_rr[DNS_ADDITIONAL] = 1;
	tx.n_questions = 0;
	tx.tx.parser = &app_mdns;
	copy_same(&tx.tx, NULL);
	says(&tx.tx, NULL, "\"mdns\":");
}

static void
dns_as_large_as_any(void **state)
{
	static struct dns_question q[DNS_MAX_RRS];
	static struct dns_rr rr[DNS_MAX_RRS];
	struct dns_tx tx = {
		.tx = { .parser = &app_dns_tcp },
		.questions = q,
		.n_questions = DNS_MAX_RRS,
		.rr = { rr, rr, rr },
		.n_rr = { DNS_MAX_RRS, DNS_MAX_RRS, DNS_MAX_RRS },
	};

	(void)state;
	for (size_t i = 0; i < DNS_MAX_RRS; i++) {
		q[i].name = rr[i].name = (struct dns_name)NAME("name");
		rr[i].type = DNS_TYPE_CNAME;
		rr[i].target = (struct dns_name)NAME("target");
		rr[i].parsed = i % 3 != 0;
	}
	copy_same(&tx.tx, NULL);
}

static void
put_field(struct http_msg *m, enum http_name name, const char *value)
{
	m->fields[m->n_fields].value = view_cstr(value);
	m->at[name] = (uint16_t)++m->n_fields;
}

static void
http_with_and_without(void **state)
{
	struct http_field ask[4] = { 0 }, answer[4] = { 0 };
	struct http_tx tx = {
		.tx = { .parser = &app_http, .id = 3 },
		.msg = { { .fields = ask, .protocol = TEXT("HTTP/1.1") },
			 { .fields = answer, .body = { .wire_len = 12345 } } },
		.method = TEXT("GET"),
		.uri_raw = TEXT("/a?b\xff"),
		.host = TEXT("host.example"),
		.port = 8080,
		.stat_code = TEXT("302"),
		.status = 302,
	};
	struct http_tx bare = { .tx = { .parser = &app_http },
				.stat_code = TEXT("2x") };
	struct file f = { .name = TEXT("a\"b"),
			  .number = 2,
			  .state = FILE_CLOSED,
			  .gaps = true,
			  .stored = true,
			  .size = 99,
			  .has_range = true,
			  .start = 10,
			  .end = 20,
			  .magic = TEXT("PE32"),
			  .sums = { .has = DIGEST_ALL, .sha256 = { 1, 2 } } };

	(void)state;
	put_field(&tx.msg[0], HTTP_NAME_HOST, "not read");
	put_field(&tx.msg[0], HTTP_NAME_REFERER, "from");
	put_field(&tx.msg[0], HTTP_NAME_USER_AGENT, "agent");
	put_field(&tx.msg[1], HTTP_NAME_LOCATION, "there");
	put_field(&tx.msg[1], HTTP_NAME_CONTENT_TYPE, "text/html; x=y");
	put_field(&tx.msg[1], HTTP_NAME_CONTENT_RANGE, "bytes 1-2/3");
	says(&tx.tx, NULL, "\"redirect\":\"there\"");
	says(&tx.tx, NULL, "\"content_range\":");
	says(&tx.tx, NULL, "\"http_refer\":\"from\"");
	says(&bare.tx, NULL, "\"status_string\":\"2x\"");
	says(&tx.tx, &f, "\"file_id\":");
	copy_same(&tx.tx, NULL);
	copy_same(&tx.tx, &f);
	copy_same(&bare.tx, NULL);
	f = (struct file){ .state = FILE_TRUNCATED };
	copy_same(&bare.tx, &f);
}

static void
tls_and_ssh(void **state)
{
	struct view names[TLS_CERT_MAX_SANS], alpn[TLS_MAX_ALPN];
	struct tls_tx tls = {
		.tx = { .parser = &app_tls },
		.hello = { { .seen = true,
			     .alpn = alpn,
			     .n_alpn = TLS_MAX_ALPN,
			     .sni = TEXT("sni") },
			   { .alpn = alpn, .n_alpn = 1 } },
		.version = 0x0303,
		.resumed = true,
		.ja3 = TEXT("771,1"),
		.ja3_hash = TEXT("aa"),
		.ja3s = TEXT("771,2"),
		.ja3s_hash = TEXT("bb"),
		.ja4 = TEXT("t13d"),
	};
	struct ssh_tx ssh = {
		.tx = { .parser = &app_ssh },
		.side = { { .has_version = true,
			    .proto = TEXT("2.0"),
			    .software = TEXT("client"),
			    .hassh = TEXT("cc"),
			    .hassh_string = TEXT("x;y") },
			  { .has_version = true, .software = TEXT("server") } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		names[i] = (struct view)TEXT("san");
	}
	for (size_t i = 0; i < ARRAY_LEN(alpn); i++) {
		alpn[i] = (struct view)TEXT("h2");
	}
	for (unsigned d = 0; d < 2; d++) {
		tls.chain[d] = (struct tls_chain){
			.n = 2 - d,
			.leaf = { .subject = TEXT("CN=s"),
				  .issuer = TEXT("CN=i"),
				  .serial = TEXT("01"),
				  .fingerprint = TEXT("aa:bb"),
				  .sans = names,
				  .n_sans = d == 0 ? ARRAY_LEN(names) : 1,
				  .has_validity = d == 0,
				  .not_before = -1,
				  .not_after = 1 }
		};
	}
	says(&tls.tx, NULL, "\"client\":{\"subject\"");
	says(&tls.tx, NULL, "\"server_alpns\"");
	copy_same(&tls.tx, NULL);
	tls.hello[0].n_alpn = 0;
	tls.chain[0].n = tls.chain[1].leaf.n_sans = 0;
	copy_same(&tls.tx, NULL);
	says(&ssh.tx, NULL, "\"hassh\":{");
	copy_same(&ssh.tx, NULL);
	ssh.side[0].has_version = false;
	copy_same(&ssh.tx, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dns_of_every_type),
		cmocka_unit_test(dns_as_large_as_any),
		cmocka_unit_test(http_with_and_without),
		cmocka_unit_test(tls_and_ssh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
