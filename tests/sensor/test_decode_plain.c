/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short cut for ordinary frames against the layers: every frame of pcaps/
 * and, with PICKET_CORPUS, of the captures there, as it is and with its head
 * spoilt byte by byte and its end cut off.  All fields of the packets, all
 * counters and, in the end, all checksums must be the same; and the flow that
 * was looked up ahead must be the packet's.
 */
#include "sensor/capture.h"
#include "sensor/decode.h"
#include "sensor/decode_peek.h"
#include "sensor/flow.h"
#include "tests/sensor/pairs_right.h"
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* Frames of a capture that are spoilt; all are compared as they are. */
#define SPOILT 40
#define HEAD 80

static struct pool *pool;
static struct decoder *fast, *slow;
static struct flow_table *flows;
static struct packet a[FRAME_MAX_PACKETS], b[FRAME_MAX_PACKETS];
static uint64_t n_plain, n_other;

/* clang-format off */
#define FIELDS(F) \
	F(frame) F(flow_hash) F(ether) F(l3.p) F(l3.len) F(l4.p) F(l4.len) F(payload.p) \
	F(payload.len) F(flags) F(l3_hlen) F(l4_hlen) F(ether_type) \
	F(ip_version) F(proto) F(sport) F(dport) F(ttl) F(tos) F(ip_id) \
	F(frag_id) F(tcp_seq) F(tcp_ack) F(tcp_window) F(tcp_urgent) \
	F(tcp_flags) F(tcp_wscale) F(frag_flags) F(n_vlans) F(vlan[0]) \
	F(vlan[1]) F(vlan[2]) F(depth) F(tcp_has_ts) F(tcp_ts_val) \
	F(tcp_ts_ecr) F(tcp_mss) F(tcp_sack_ok) F(tcp_signed) \
	F(tcp_fast_open) F(icmp_has_id) F(frag_offset) F(ip_options) \
	F(tunnel_id) F(icmp_type) F(icmp_code) F(icmp_id) F(icmp_seq) \
	F(icmpv6_has_mtu) F(icmpv6_mtu) F(link.p) F(link.len)
/* clang-format on */

static bool
packets_same(const struct packet *x, const struct packet *y)
{
	bool same = addr_eq(&x->src, &y->src) && addr_eq(&x->dst, &y->dst) &&
		    memcmp(&x->events, &y->events, sizeof(x->events)) == 0 &&
		    (x->outer != NULL) == (y->outer != NULL);

#define F(name) \
	if (x->name != y->name) { \
		print_error("%s differs\n", #name); \
		same = false; \
	}
	FIELDS(F)
#undef F
	return same;
}

/* Whether views that the defragmenter lends lie in the frame. */
static bool
in_frame(const struct frame *f, const struct packet *p)
{
	return p->l3.len == 0 ||
	       (p->l3.p >= f->data && p->l3.p < f->data + f->caplen);
}

/* What is put off until somebody asks. */
static void
judge_ip_csum(struct packet *p)
{
	bool ok = packet_ip_csum_ok(p);

	p->flags &= ~(uint32_t)(PKT_IP_CSUM_DUE | PKT_BAD_IP_CSUM);
	p->flags |= ok ? 0 : PKT_BAD_IP_CSUM;
}

static void
counters_same(void)
{
	struct decode_counters x, y;

	decode_counters(fast, &x);
	decode_counters(slow, &y);
	assert_memory_equal(&x, &y, sizeof(x));
}

static void
compare(const struct frame *f, const char *path, const char *how)
{
	unsigned n, m;

	/* What is not written must not look as if it were. */
	memset(a, 0xa5, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	n = decode_frame(fast, f, a);
	m = decode_frame_by_layers(slow, f, b);
	if (decode_peek(f).kind == FRAME_OTHER) {
		n_other++;
	} else {
		n_plain++;
	}
	for (unsigned i = 0; i < n && n == m; i++) {
		bool same;

		if (!in_frame(f, &b[i])) {
			continue; /* two defragmenters, two blocks */
		}
		judge_ip_csum(&a[i]);
		judge_ip_csum(&b[i]);
		(void)packet_l4_csum_ok(&a[i]);
		(void)packet_l4_csum_ok(&b[i]);
		same = packets_same(&a[i], &b[i]);
		if (!same) {
			fail_msg("%s: frame %llu, %s", path,
				 (unsigned long long)f->number, how);
		}
	}
	assert_int_equal(n, m);
	counters_same();
	assert_true(pairs_right(fast, f, b, n));
	/* Ahead of its turn: the same again. */
	n = 1;
	if (decode_ahead(fast, f, b)) {
		flow_ahead_bucket(flows, b, 1);
		assert_int_equal(b[0].flow_hash, flow_hash(flows, &a[0]));
	} else {
		n = decode_frame(fast, f, b);
	}
	m = decode_frame_by_layers(slow, f, b);
	assert_int_equal(n, m);
	counters_same();
}

/* Each byte of the head set to what may mean something else, in a block of the
 * frame's own size, so that a sanitizer sees a read beyond it. */
static void
spoil(const struct frame *f, const char *path)
{
	static const uint8_t value[] = { 0, 1, 4, 5, 0x20, 0x45, 0x50, 0xff };
	struct frame bad = *f;
	uint8_t *copy = malloc(f->caplen > 0 ? f->caplen : 1);
	uint32_t head = MIN(f->caplen, (uint32_t)HEAD);

	assert_non_null(copy);
	memcpy(copy, f->data, f->caplen);
	bad.data = copy;
	for (uint32_t at = 0; at < head; at++) {
		uint8_t was = copy[at];

		for (size_t i = 0; i < ARRAY_LEN(value) + 1; i++) {
			copy[at] = i < ARRAY_LEN(value) ? value[i]
							: (uint8_t)(was ^ 1);
			compare(&bad, path, "spoilt");
		}
		copy[at] = was;
	}
	free(copy);
	for (uint32_t n = 0; n < f->caplen; n += n < HEAD ? 1 : 97) {
		copy = malloc(n > 0 ? n : 1);
		assert_non_null(copy);
		memcpy(copy, f->data, n);
		bad.data = copy;
		bad.caplen = n;
		for (unsigned real = 0; real < 2; real++) {
			bad.wirelen = real != 0 ? f->wirelen : n;
			compare(&bad, path, "cut");
		}
		free(copy);
	}
}

static void
one_capture(const char *path, unsigned n_spoilt)
{
	struct batch_frames *frames = batch_frames_new();
	struct capture *c = NULL;
	struct diag d;
	enum err e;

	assert_non_null(frames);
	pool = pool_new((size_t)64 << 20);
	fast = decoder_new(NULL, pool);
	slow = decoder_new(NULL, pool);
	flows = flow_table_new(NULL, pool);
	assert_true(fast != NULL && slow != NULL && flows != NULL);
	e = capture_open_files(&c, &path, 1, NULL, &d);
	while (e != ERR_EOF && c != NULL) {
		e = capture_next(c, frames, &d);
		for (uint32_t i = 0; e == ERR_OK && i < frames->n; i++) {
			compare(&frames->frame[i], path, "as it is");
			if (frames->frame[i].number <= n_spoilt) {
				spoil(&frames->frame[i], path);
			}
		}
	}
	capture_close(c);
	decoder_free(fast);
	decoder_free(slow);
	flow_table_free(flows);
	pool_free(pool);
	batch_frames_free(frames);
}

static bool
is_capture(const char *name)
{
	return strstr(name, ".pcap") != NULL || strstr(name, ".cap") != NULL ||
	       strstr(name, ".trace") != NULL;
}

/* All captures below 'dir', in the order of their names. */
static void
walk(const char *dir, unsigned n_spoilt)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[4096];
		const char *name = list[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (is_capture(name)) {
			one_capture(path, n_spoilt);
		} else if (list[i]->d_type == DT_DIR && name[0] != '.') {
			walk(path, n_spoilt);
		}
		free(list[i]);
	}
	if (n >= 0) {
		free(list);
	}
}

static void
own_captures(void **state)
{
	const char *src = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	char dir[4096];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/pcaps", src);
	n_plain = n_other = 0;
	walk(dir, SPOILT);
	/* Both ways were taken, and often. */
	assert_true(n_plain > 10000 && n_other > 10000);
}

static void
captures_of_others(void **state)
{
	(void)state;
	if (getenv("PICKET_CORPUS") == NULL) {
		skip();
	}
	n_plain = n_other = 0;
	walk(getenv("PICKET_CORPUS"), 2);
	assert_true(n_plain > 100000 && n_other > 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_captures),
		cmocka_unit_test(captures_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
