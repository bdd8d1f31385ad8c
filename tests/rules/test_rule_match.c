/* SPDX-License-Identifier: Apache-2.0 */
/* Rules against literal inspect structs: what matches and what does not. */
#include "tests/rules/rule_bench.h"

#include <stdio.h>

#include "common/csum.h"

struct payload_case {
	const char *options;
	const char *payload;
	bool hit;
};

static const struct payload_case payload_cases[] = {
	{ "content:\"abc\";", "xxabcxx", true },
	{ "content:\"abc\";", "xxaBcxx", false },
	{ "content:\"ABC\"; nocase;", "xxaBcxx", true },
	{ "content:\"|41 42|C\";", "ABC", true },
	{ "content:\"a\\;b\\\"c\\:\";", "a;b\"c:", true },
	{ "content:!\"abc\";", "xyz", true },
	{ "content:!\"abc\";", "abc", false },
	{ "content:\"abc\"; depth:3;", "abcd", true },
	{ "content:\"abc\"; depth:3;", "xabc", false },
	{ "content:\"abc\"; offset:1;", "abcd", false },
	{ "content:\"abc\"; offset:1; depth:3;", "xabcd", true },
	{ "content:\"abc\"; startswith;", "abcd", true },
	{ "content:\"abc\"; startswith;", "xabc", false },
	{ "content:\"abc\"; endswith;", "xabc", true },
	{ "content:\"abc\"; endswith;", "abcx", false },
	{ "content:\"ab\"; endswith; startswith;", "ab", true },
	{ "content:\"a\"; content:\"b\"; distance:1;", "axb", true },
	{ "content:\"a\"; content:\"b\"; distance:1;", "ab", false },
	{ "content:\"a\"; content:\"b\"; within:1;", "ab", true },
	{ "content:\"a\"; content:\"b\"; within:1;", "axb", false },
	{ "content:\"a\"; content:\"b\"; distance:1; within:2;", "axxb", true },
	{ "content:\"a\"; content:\"b\"; distance:1; within:2;", "axxxb",
	  false },
	{ "content:\"ab\"; content:\"b\"; distance:-1; within:1;", "ab", true },
	/* the first "a" does not lead on, the second does */
	{ "content:\"a\"; content:\"b\"; within:1;", "axxab", true },
	{ "content:\"a\"; content:\"b\"; within:1; content:\"c\"; within:1;",
	  "abxabxabc", true },
	{ "content:\"a\"; content:!\"b\"; within:1;", "ab", false },
	{ "content:\"a\"; content:!\"b\"; within:1;", "abac", true },
	{ "content:\"abc\"; fast_pattern:0,2;", "abc", true },
	{ "content:\"abc\"; fast_pattern:0,2;", "abd", false },
	{ "content:\"abc\"; fast_pattern:only;", "xxabc", true },
	{ "pcre:\"/^a+b/\";", "aaab", true },
	{ "pcre:\"/^a+b/\";", "xaaab", false },
	{ "pcre:\"/A+B/i\";", "xaaab", true },
	{ "pcre:!\"/a/\";", "b", true },
	{ "pcre:!\"/a/\";", "a", false },
	{ "content:\"x\"; pcre:\"/^a/R\";", "xa", true },
	{ "content:\"x\"; pcre:\"/^a/R\";", "xba", false },
	{ "content:\"x\"; pcre:\"/^a/R\";", "xbxa", true },
	{ "pcre:\"/a/\"; content:\"b\"; within:1;", "axab", true },
	{ "dsize:3;", "abc", true },
	{ "dsize:3;", "abcd", false },
	{ "dsize:2<>4;", "abc", true },
	{ "dsize:2<>4;", "abcd", false },
	{ "dsize:!3;", "abcd", true },
	{ "dsize:>2;", "abc", true },
	{ "content:\"a\"; isdataat:1,relative;", "ab", true },
	{ "content:\"a\"; isdataat:1,relative;", "a", false },
	{ "content:\"a\"; isdataat:!1,relative;", "a", true },
	{ "content:\"a\"; isdataat:!1,relative;", "ab", false },
	{ "content:\"a\"; isdataat:3;", "abcd", true },
	{ "content:\"a\"; isdataat:4;", "abcd", false },
	{ "byte_test:1,=,97,0;", "abc", true },
	{ "byte_test:1,=,98,0;", "abc", false },
	{ "byte_test:2,=,0x6162,0;", "abc", true },
	{ "byte_test:2,=,0x6261,0,little;", "abc", true },
	{ "byte_test:1,!&,1,0;", "b", true },
	{ "byte_test:1,&,1,0;", "a", true },
	{ "byte_test:3,>,122,0,string,dec;", "123", true },
	{ "byte_test:3,>,123,0,string,dec;", "123", false },
	{ "byte_test:0,>,122,0,string,dec;", "123", true },
	{ "content:\"n=\"; byte_test:2,=,0x1f,0,relative,string,hex;", "n=1f",
	  true },
	{ "byte_test:4,=,1,0;", "abc", false },
	{ "byte_jump:1,0,string,dec; content:\"z\"; within:1;", "2xxz", true },
	{ "byte_jump:1,0,string,dec; content:\"z\"; within:1;", "3xxz", false },
	{ "byte_jump:1,0,string,dec,from_beginning; content:\"z\"; within:1;",
	  "2xz", true },
	{ "byte_jump:1,0,string,dec,multiplier 2; content:\"z\"; within:1;",
	  "1xxz", true },
	{ "byte_jump:1,0,string,dec,post_offset -1; content:\"z\"; within:1;",
	  "2xz", true },
	{ "byte_extract:1,0,n,string,dec; content:\"z\"; offset:n;", "2xz",
	  true },
	{ "byte_extract:1,0,n,string,dec; content:\"z\"; offset:n;", "3xz",
	  false },
	{ "byte_extract:1,0,n,string,dec; byte_test:1,=,n,1,string,dec;", "22",
	  true },
	{ "byte_math:bytes 1, offset 0, oper +, rvalue 1, result n, string "
	  "dec; content:\"z\"; offset:n; depth:1;",
	  "1xz", true },
	{ "byte_math:bytes 1, offset 0, oper /, rvalue 2, result n, string "
	  "dec; byte_test:1,=,n,1,string,dec;",
	  "84", true },
	{ "content:\"q=\"; base64_decode:relative; base64_data; "
	  "content:\"hello\";",
	  "q=aGVsbG8=", true },
	{ "content:\"q=\"; base64_decode:relative; base64_data; "
	  "content:\"hellp\";",
	  "q=aGVsbG8=", false },
	{ "content:\"Q?\"; byte_jump:2,0,relative,string,from_end,"
	  "post_offset -17; content:\"pan\"; distance:0; within:3;",
	  "Q?13When the pan?", true },
	{ "content:\"a\"; rawbytes;", "a", true },
};

static void
test_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(payload_cases); i++) {
		const struct payload_case *c = &payload_cases[i];
		struct bench b;
		char rule[512];

		snprintf(rule, sizeof(rule),
			 "alert udp any any -> any any (%s sid:1;)\n",
			 c->options);
		bench_open(&b, rule);
		if ((packet(&b, c->payload) == 1) != c->hit) {
			fail_msg("%s against \"%s\"", c->options, c->payload);
		}
		bench_close(&b);
	}
}

struct tx_case {
	const char *options;
	enum inspect_buf buf;
	const char *value; /* NULL: absent */
	bool hit;
};

static const struct tx_case tx_cases[] = {
	{ "http.uri; content:\"/a\";", BUF_HTTP_URI, "/abc", true },
	{ "http.uri; content:\"/a\";", BUF_HTTP_URI, "/bc", false },
	{ "content:\"/a\"; http_uri;", BUF_HTTP_URI, "/abc", true },
	{ "uricontent:\"/a\";", BUF_HTTP_URI, "/abc", true },
	{ "pcre:\"/a.c/U\";", BUF_HTTP_URI, "/abc", true },
	{ "urilen:4;", BUF_HTTP_URI, "/abc", true },
	{ "urilen:<4;", BUF_HTTP_URI, "/abc", false },
	{ "urilen:4,raw;", BUF_HTTP_URI_RAW, "/abc", true },
	{ "http.uri; bsize:4; content:\"b\";", BUF_HTTP_URI, "/abc", true },
	{ "http.uri; bsize:5; content:\"b\";", BUF_HTTP_URI, "/abc", false },
	{ "http.uri; content:!\"x\";", BUF_HTTP_URI, "/abc", true },
	{ "http.cookie; content:!\"x\";", BUF_HTTP_REQ_COOKIE, NULL, false },
	{ "http.referer; absent;", BUF_HTTP_REFERER, NULL, true },
	{ "http.referer; absent;", BUF_HTTP_REFERER, "x", false },
	{ "http.host; dotprefix; content:\".example.com\"; endswith;",
	  BUF_HTTP_HOST, "example.com", true },
	{ "http.host; dotprefix; content:\".example.com\"; endswith;",
	  BUF_HTTP_HOST, "www.example.com", true },
	{ "http.host; dotprefix; content:\".example.com\"; endswith;",
	  BUF_HTTP_HOST, "badexample.com", false },
	/* the dot is not in the buffer, so what is cut off is not either */
	{ "http.host; dotprefix; content:\".example.com\"; "
	  "fast_pattern:1,11;",
	  BUF_HTTP_HOST, "example.com.invalid", true },
	{ "http.host; dotprefix; content:\".example.com\"; "
	  "fast_pattern:1,11;",
	  BUF_HTTP_HOST, "badexample.com", false },
	{ "http.uri; to_lowercase; content:\"/abc\";", BUF_HTTP_URI, "/ABC",
	  true },
	{ "http.uri; to_uppercase; content:\"/ABC\";", BUF_HTTP_URI, "/abc",
	  true },
	{ "http.uri; url_decode; content:\"/a b\";", BUF_HTTP_URI, "/a%20b",
	  true },
	{ "http.uri; strip_whitespace; content:\"/ab\";", BUF_HTTP_URI, "/a b",
	  true },
	{ "http.uri; compress_whitespace; content:\"/a b\";", BUF_HTTP_URI,
	  "/a   b", true },
	{ "http.uri; xor:\"01\"; content:\"b\";", BUF_HTTP_URI, "c", true },
	{ "http.uri; to_md5; content:\"|90 01 50 98 3c d2 4f b0|\";",
	  BUF_HTTP_URI, "abc", true },
	{ "http.uri; to_sha1; bsize:20;", BUF_HTTP_URI, "abc", true },
	{ "http.uri; to_sha256; content:\"|ba 78 16 bf|\"; startswith;",
	  BUF_HTTP_URI, "abc", true },
	{ "http.uri; from_base64; content:\"hello\";", BUF_HTTP_URI,
	  "aGVsbG8=", true },
	{ "http.uri; subslice:1,2; content:\"bc\"; bsize:2;", BUF_HTTP_URI,
	  "abcd", true },
	{ "http.header; header_lowercase; content:\"host: A\";",
	  BUF_HTTP_REQ_HEADER, "HOST: A\r\n", true },
	{ "http.header; strip_pseudo_headers; bsize:6;", BUF_HTTP_REQ_HEADER,
	  ":m: a\r\nb: c\r\n", true },
	{ "http.host; domain; content:\"example.co.uk\"; bsize:13;",
	  BUF_HTTP_HOST, "www.example.co.uk", true },
	{ "http.host; domain; content:\"www\";", BUF_HTTP_HOST,
	  "www.example.co.uk", false },
	{ "http.host; domain; content:\"co.uk\"; bsize:5;", BUF_HTTP_HOST,
	  "co.uk", true },
	{ "http.host; tld; content:\"co.uk\"; bsize:5;", BUF_HTTP_HOST,
	  "a.b.co.uk", true },
	{ "http.host; tld; content:\"b.co\";", BUF_HTTP_HOST, "a.b.co.uk",
	  false },
	{ "http.host; domain; content:\"not a name\";", BUF_HTTP_HOST,
	  "not a name", true },
	{ "http.uri; pcrexform:\"id=([a-z]+)\"; content:\"abc\"; bsize:3;",
	  BUF_HTTP_URI, "/?id=abc&x=1", true },
	{ "http.uri; pcrexform:\"id=([a-z]+)\"; content:\"x=1\";", BUF_HTTP_URI,
	  "/?id=abc&x=1", false },
	{ "http.uri; pcrexform:\"id=([a-z]+)\"; content:\"/y\";", BUF_HTTP_URI,
	  "/y", true },
	{ "http.uri; pcrexform:\"id=(z)?\"; content:\"id=1\";", BUF_HTTP_URI,
	  "/id=1", true },
	{ "http.uri; from_base64; gunzip; content:\"hello gunzip\"; bsize:12;",
	  BUF_HTTP_URI, "H4sIAAAAAAACA8tIzcnJV0gvzavKLAAAH2eUgQwAAAA=", true },
	{ "http.uri; from_base64; gunzip:max-size 5; content:\"hello\"; "
	  "bsize:5;",
	  BUF_HTTP_URI, "H4sIAAAAAAACA8tIzcnJV0gvzavKLAAAH2eUgQwAAAA=", true },
	{ "http.uri; from_base64; gunzip; content:\"hello\";", BUF_HTTP_URI,
	  "eJzLSM3JyVeoyslMAgAVlQPm", false },
	{ "http.uri; from_base64; zlib_deflate; content:\"hello zlib\"; "
	  "bsize:10;",
	  BUF_HTTP_URI, "eJzLSM3JyVeoyslMAgAVlQPm", true },
	{ "http.uri; from_base64; zlib_deflate; content:\"hello\";",
	  BUF_HTTP_URI, "H4sIAAAAAAACA8tIzcnJV0gvzavKLAAAH2eUgQwAAAA=", false },
	{ "http.uri; gunzip; bsize:0;", BUF_HTTP_URI, "plain text", true },
};

static void
test_transaction(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tx_cases); i++) {
		const struct tx_case *c = &tx_cases[i];
		struct bench b;
		char rule[512];

		snprintf(rule, sizeof(rule),
			 "alert http any any -> any any (flow:to_server; %s "
			 "sid:1;)\n",
			 c->options);
		bench_open(&b, rule);
		b.in.pkt.proto = IPP_TCP;
		b.in.app = b.flow.app = APP_HTTP;
		give(&b, c->buf, c->value);
		if ((call(&b, INSPECT_TX) == 1) != c->hit) {
			fail_msg("%s against \"%s\"", c->options,
				 c->value != NULL ? c->value : "nothing");
		}
		/* the same again is no news */
		assert_int_equal(call(&b, INSPECT_TX), 0);
		bench_close(&b);
	}
}

struct fact_case {
	const char *options;
	bool hit;
};

static const struct fact_case fact_cases[] = {
	{ "ttl:64;", true },
	{ "ttl:<64;", false },
	{ "ttl:60-70;", true },
	{ "id:7;", true },
	{ "seq:1000;", true },
	{ "ack:!2000;", false },
	{ "window:512;", true },
	{ "tcp.mss:>1000;", true },
	{ "tcp.mss:<1000;", false },
	{ "tos:8;", true },
	{ "flags:SA;", true },
	{ "flags:S;", false },
	{ "flags:S+;", true },
	{ "flags:*SR;", true },
	{ "flags:!R;", true },
	{ "flags:S,A;", true },
	{ "fragbits:D;", true },
	{ "fragbits:M;", false },
	{ "fragoffset:0;", true },
	{ "ipopts:rr;", true },
	{ "ipopts:ts;", false },
	{ "ip_proto:tcp; ttl:64;", true },
	{ "ip_proto:!6; ttl:64;", false },
	{ "sameip;", false },
	{ "flow:established;", true },
	{ "flow:not_established;", false },
	{ "flow:to_client;", false },
	{ "flow:no_frag;", true },
	{ "flow.age:<10;", true },
	{ "flow.age:>10;", false },
	{ "flow.pkts_toserver:3;", true },
	{ "flow.pkts:toclient,>3;", false },
	{ "flow.bytes_toclient:200;", true },
	{ "stream_size:client,=,11;", true },
	{ "stream_size:both,>,20;", false },
	{ "stream_size:either,>,20;", true },
	{ "app-layer-protocol:http;", true },
	{ "app-layer-protocol:!http;", false },
	{ "app-layer-protocol:dns;", false },
	{ "app-layer-protocol:dns|http;", true },
	{ "app-layer-protocol:!dns|tls;", true },
	{ "app-layer-protocol:http1,exact;", true },
	{ "app-layer-protocol:http,final,exact;", true },
	{ "app-layer-protocol:dns,original;", false },
	{ "app-layer-protocol:smtp,original;", true },
	{ "app-layer-protocol:!smtp,original;", false },
	{ "app-layer-protocol:http,to_server;", true },
	{ "app-layer-protocol:http,to_client;", false },
	{ "app-layer-protocol:failed,to_client;", true },
	{ "app-layer-protocol:http,either;", true },
	{ "app-layer-protocol:!http,either;", true },
	{ "app-layer-protocol:tls,either;", false },
	{ "app-layer-protocol:unknown;", false },
	{ "app-layer-protocol:unknown|http;", true },
	{ "decode-event:ipv4.opt_malformed;", true },
	{ "decode-event:ipv4.trunc_pkt;", false },
	{ "stream-event:est_invalid_ack;", true },
};

static void
test_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fact_cases); i++) {
		struct bench b;
		char rule[256];

		snprintf(rule, sizeof(rule),
			 "alert tcp any any -> any 80 (%s sid:1;)\n",
			 fact_cases[i].options);
		bench_open(&b, rule);
		b.in.pkt.proto = IPP_TCP;
		b.in.pkt.ip_id = 7;
		b.in.pkt.tos = 8;
		b.in.pkt.tcp_seq = 1000;
		b.in.pkt.tcp_ack = 2000;
		b.in.pkt.tcp_window = 512;
		b.in.pkt.tcp_mss = 1460;
		b.in.pkt.tcp_flags = 0x12;
		b.in.pkt.frag_flags = 2;
		b.in.pkt.ip_options = IPOPT_BIT_RR;
		b.in.pkt.ts_us = 5000000;
		b.flow.is_tcp = true;
		b.flow.app = APP_HTTP;
		b.flow.app_dir[DIR_TOSERVER] = APP_HTTP;
		b.flow.app_dir[DIR_TOCLIENT] = APP_FAILED;
		b.flow.app_before = APP_SMTP;
		b.flow.bytes[1] = 200;
		b.flow.stream_bytes[0] = 11;
		b.flow.stream_bytes[1] = 22;
		event_set_add(&b.in.pkt.events, EV_DECODE_IPV4_OPT_MALFORMED);
		event_set_add(&b.in.pkt.events, EV_STREAM_EST_INVALID_ACK);
		if ((packet(&b, NULL) == 1) != fact_cases[i].hit) {
			fail_msg("%s", fact_cases[i].options);
		}
		bench_close(&b);
	}
}

/* A checksum that nobody has summed up yet is, by the rule that asks. */
static void
test_checksum_when_asked(void **state)
{
	struct bench b;
	uint8_t udp[12] = { 0x9c, 0x40, 0, 80, 0, 12, 0, 0, 'a', 'b', 'c' };
	uint16_t sum;

	(void)state;
	bench_open(&b,
		   "alert udp any any -> any 80 (udpv4-csum:valid; sid:1;)\n"
		   "alert udp any any -> any 80 "
		   "(udpv4-csum:invalid; sid:2;)\n"
		   "alert ip any any -> any 80 (tcpv4-csum:valid; sid:3;)\n");
	sum = (uint16_t)~csum_fold(csum_add_be16(
		csum_add(
			csum_add(csum_add_be16(0, 12), b.in.pkt.src.b + 12, 4) +
				csum_add(0, b.in.pkt.dst.b + 12, 4),
			udp, sizeof(udp)),
		IPP_UDP));
	memcpy(udp + 6, &sum, 2);
	b.in.pkt.csum = CSUM_L4_DUE;
	b.in.pkt.l4 = view_of(udp, sizeof(udp));
	assert_int_equal(packet(&b, "abc"), 1);
	assert_int_equal(b.hits[0].rule->sid, 1);
	udp[9] ^= 1;
	assert_int_equal(packet(&b, "abc"), 1);
	assert_int_equal(b.hits[0].rule->sid, 2);
	b.in.pkt.csum = 0; /* cannot be judged */
	assert_int_equal(packet(&b, "abc"), 0);
	bench_close(&b);
}

static const struct fact_case header_cases[] = {
	{ "udp 192.168.1.5 any -> any 80", true },
	{ "udp 192.168.1.6 any -> any 80", false },
	{ "udp $HOME_NET any -> $EXTERNAL_NET $HTTP_PORTS", true },
	{ "udp any any -> $HOME_NET any", false },
	{ "udp any any -> !$HOME_NET any", true },
	{ "udp any any <> $HOME_NET 40000", true },
	{ "udp [192.168.0.0/16,!192.168.1.0/24] any -> any any", false },
	{ "udp any [1:39999,40001:] -> any any", false },
	{ "udp any !80 -> any [79,80:81]", true },
	{ "udp any any -> any !80", false },
	{ "udp 192.168.1.1-192.168.1.9 any -> any any", true },
	{ "udp 192.168.1.0/255.255.255.0 any -> any any", true },
	{ "udp 2001:db8::/32 any -> any any", false },
	{ "tcp any any -> any any", false },
	{ "ip any any -> any any", true },
	{ "ipv6 any any -> any any", false },
	{ "icmp any any -> any any", false },
	{ "http any any -> any any", false },
};

static void
test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(header_cases); i++) {
		struct bench b;
		char rule[256];

		snprintf(rule, sizeof(rule), "alert %s (dsize:1; sid:1;)\n",
			 header_cases[i].options);
		bench_open(&b, rule);
		if ((packet(&b, "x") == 1) != header_cases[i].hit) {
			fail_msg("%s", header_cases[i].options);
		}
		bench_close(&b);
	}
}

static const struct note *
note_named(struct bench *b, enum note_kind kind, const char *name)
{
	struct rule_metadata meta;

	rule_metadata_of(b->rs, b->flow_state, &meta);
	for (uint32_t i = 0; meta.notes != NULL && i < meta.notes->n; i++) {
		const struct note *n = &meta.notes->v[i];

		if (n->kind == (uint8_t)kind &&
		    strcmp(meta.names[n->name], name) == 0) {
			return n;
		}
	}
	return NULL;
}

static void
test_captures(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (pcre:\"/(a+)(b+)(?P<"
		       "alert_c>c+)/,flow:x,pkt:y\"; content:\"z\"; "
		       "distance:0; sid:1;)\n"
		       "alert udp any any -> any any (flowvar:x,\"aa\"; "
		       "content:\"q\"; sid:2;)\n");
	/* nothing is kept of a rule that does not match */
	assert_int_equal(packet(&b, "aabc"), 0);
	assert_null(note_named(&b, NOTE_FLOW, "x"));
	assert_int_equal(packet(&b, "q"), 0);
	assert_int_equal(packet(&b, "aaabbcz"), 1);
	assert_true(view_eq(note_value(note_named(&b, NOTE_FLOW, "x")),
			    VIEW_LIT("aaa")));
	assert_true(view_eq(note_value(note_named(&b, NOTE_PKT, "y")),
			    VIEW_LIT("bb")));
	assert_int_equal(b.hits[0].n_notes, 1);
	assert_true(view_eq(note_value(&b.hits[0].notes[0]), VIEW_LIT("c")));
	/* the packet's go with it, the flow's stay */
	assert_int_equal(packet(&b, "q"), 1);
	assert_null(note_named(&b, NOTE_PKT, "y"));
	assert_int_equal(b.hits[0].rule->sid, 2);
	assert_int_equal(b.hits[0].n_notes, 0);
	assert_non_null(note_named(&b, NOTE_FLOW, "x"));
	bench_close(&b);
}

static void
test_entropy_is_kept(void **state)
{
	const struct note *n;
	struct bench b;

	(void)state;
	bench_open(&b, "alert udp any any -> any any (entropy:value > 6; "
		       "sid:1;)\n");
	assert_int_equal(packet(&b, "aabb"), 0);
	n = note_named(&b, NOTE_ENTROPY, "content");
	assert_non_null(n);
	assert_true(n->number > 0.999 && n->number < 1.001);
	bench_close(&b);
}

static void
test_instances(void **state)
{
	static const struct view names[] = {
		{ (const uint8_t *)"a.example", 9 },
		{ (const uint8_t *)"b.example", 9 },
	};
	struct bench b;

	(void)state;
	bench_open(&b, "alert dns any any -> any any (dns.query; "
		       "content:\"b.exa\"; startswith; sid:1;)\n"
		       "alert dns any any -> any any (dns.query; "
		       "content:\"a.\"; content:\"b.\"; sid:2;)\n"
		       "alert dns any any -> any any (dns.opcode:0; sid:3;)\n"
		       "alert dns any any -> any any (dns.rrtype:!1; "
		       "sid:4;)\n"
		       "alert dns any any -> any any (dns.rrtype:aaaa; "
		       "sid:5;)\n"
		       "alert dns any any -> any any (dns.rrtype:!aaaa; "
		       "dns.rcode:NXDOMAIN; sid:6;)\n"
		       "alert dns any any -> any any (dns.rcode:!nxdomain; "
		       "sid:7;)\n");
	b.in.app = b.flow.app = APP_DNS;
	inspect_set(&b.in, BUF_DNS_QUERY, names, 2);
	b.in.fresh[BUF_DNS_QUERY / 64] |= UINT64_C(1) << (BUF_DNS_QUERY % 64);
	b.in.num_set = 1u << NUM_DNS_OPCODE | 1u << NUM_DNS_RRTYPE |
		       1u << NUM_DNS_RCODE;
	b.in.num[NUM_DNS_RRTYPE] = 1;
	b.in.num[NUM_DNS_RCODE] = 3;
	assert_int_equal(call(&b, INSPECT_TX), 3);
	assert_int_equal(b.hits[0].rule->sid, 1);
	assert_int_equal(b.hits[1].rule->sid, 3);
	assert_int_equal(b.hits[2].rule->sid, 6);
	bench_close(&b);
}

static void
test_tls_version(void **state)
{
	static const struct {
		const char *option;
		int64_t version;
		bool hit;
	} cases[] = {
		{ "tls.version:1.2", 0x0303, true },
		{ "tls.version:1.2", 0x0302, false },
		{ "tls.version:\"1.3\"", 0x0304, true },
		{ "tls.version:1.3", 0x7f1c, true },
		{ "tls.version:1.3", 0xfb17, true },
		{ "tls.version:!1.3", 0x7f1c, false },
		{ "tls.version:0x7f12", 0x7f12, true },
		{ "tls.version:0x7f12", 0x7f13, false },
		{ "ssl_version:tls1.0,tls1.2", 0x0301, true },
		{ "ssl_version:tls1.0,tls1.2", 0x0302, false },
		{ "ssl_version:!tls1.0,!tls1.2", 0x0302, true },
		{ "ssl_version:!tls1.0,!tls1.2", 0x0303, false },
		{ "ssl_version:sslv2,sslv3", 0x0002, true },
		{ "ssl_version:sslv2,sslv3", 0x0304, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;
		char rule[160];

		snprintf(rule, sizeof(rule),
			 "alert tls any any -> any any (%s; sid:1;)\n",
			 cases[i].option);
		bench_open(&b, rule);
		b.in.pkt.proto = IPP_TCP;
		b.in.app = b.flow.app = APP_TLS;
		b.in.num_set = 1U << NUM_TLS_VERSION;
		b.in.num[NUM_TLS_VERSION] = cases[i].version;
		if ((call(&b, INSPECT_TX) == 1) != cases[i].hit) {
			fail_msg("%s against %#llx", cases[i].option,
				 (unsigned long long)cases[i].version);
		}
		bench_close(&b);
	}
}

/* A rule of facts alone has a program for each direction: one alert each. */
static void
test_facts_of_one_direction(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert tls any any -> any any (tls.cert_chain_len:>1; "
		       "sid:1;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.app = b.flow.app = APP_TLS;
	assert_int_equal(call(&b, INSPECT_TX), 0); /* the client's: none */
	b.in.dir = DIR_TOCLIENT;
	b.in.pkt.sport = 80;
	b.in.pkt.dport = 40000;
	b.in.num_set = 1U << NUM_TLS_CHAIN_LEN;
	b.in.num[NUM_TLS_CHAIN_LEN] = 3;
	assert_int_equal(call(&b, INSPECT_TX), 1);
	assert_int_equal(call(&b, INSPECT_TX), 0);
	bench_close(&b);
}

static void
test_ssh_version(void **state)
{
	static const struct {
		const char *asked, *proto;
		bool hit;
	} cases[] = {
		{ "2_compat", "2.0", true },  { "2_compat", "1.99", true },
		{ "2_compat", "1.5", false }, { "2", "2.0", true },
		{ "2", "1.99", false },       { "1.5", "1.5", true },
		{ "1.5", "105", false },      { "\"2.0\"", "2.0", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;
		char rule[160];

		snprintf(rule, sizeof(rule),
			 "alert ssh any any -> any any (ssh.protoversion:%s; "
			 "ssh.softwareversion:x1; sid:1;)\n",
			 cases[i].asked);
		bench_open(&b, rule);
		b.in.pkt.proto = IPP_TCP;
		b.in.app = b.flow.app = APP_SSH;
		give(&b, BUF_SSH_PROTO, cases[i].proto);
		give(&b, BUF_SSH_SOFTWARE, "dropbear_x1");
		if ((call(&b, INSPECT_TX) == 1) != cases[i].hit) {
			fail_msg("%s against %s", cases[i].asked,
				 cases[i].proto);
		}
		bench_close(&b);
	}
}

static void
test_reverse_packet(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert http $HOME_NET any -> any 80 (http.uri; "
		       "content:\"/a\"; sid:1;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.app = b.flow.app = APP_HTTP;
	/* the server's packet completes the client's transaction */
	b.in.pkt.src = b.in.pkt.dst;
	b.in.pkt.dst = addr_from_v4((const uint8_t[]){ 192, 168, 1, 5 });
	b.in.pkt.sport = 80;
	b.in.pkt.dport = 40000;
	b.in.pkt_is_reverse = true;
	give(&b, BUF_HTTP_URI, "/a");
	assert_int_equal(call(&b, INSPECT_TX), 1);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_transaction),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_checksum_when_asked),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_entropy_is_kept),
		cmocka_unit_test(test_instances),
		cmocka_unit_test(test_facts_of_one_direction),
		cmocka_unit_test(test_tls_version),
		cmocka_unit_test(test_ssh_version),
		cmocka_unit_test(test_reverse_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
