/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flow and stream cost a packet, in nanoseconds on this machine:
 * in-order segments with and without raw window, new flows, and the attack of
 * one-byte segments in random order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "sensor/stream.h"

#define SEGMENT 1400
#define N_PACKETS 4000000u

struct bench {
	struct pool *pool;
	struct flow_table *t;
	struct stream_ctx *c;
	uint64_t bytes;
};

static uint8_t payload[SEGMENT];

static void
one(struct bench *b, uint32_t host, unsigned d, uint8_t flags, uint32_t seq,
    uint32_t ack, size_t len, bool raw)
{
	static struct frame frame;
	struct packet pkt;
	struct stream_chunk out;
	struct flow *f;
	enum flow_dir dir;

	frame.ts_us += 1;
	frame.wirelen = 60 + (uint32_t)len;
	memset(&pkt, 0, sizeof(pkt));
	pkt.frame = &frame;
	pkt.ip_version = 4;
	pkt.proto = IPP_TCP;
	store_be32((d == 0 ? &pkt.src : &pkt.dst)->b + 12, host);
	(d == 0 ? &pkt.dst : &pkt.src)->b[15] = 9;
	pkt.sport = d == 0 ? 40000 : 443;
	pkt.dport = d == 0 ? 443 : 40000;
	pkt.tcp_flags = flags;
	pkt.tcp_seq = seq;
	pkt.tcp_ack = ack;
	pkt.tcp_window = 65535;
	pkt.tcp_wscale = 7;
	pkt.payload = view_of(payload, len);
	f = flow_find(b->t, &pkt, &dir);
	if (f == NULL) {
		return;
	}
	stream_packet(b->c, b->t, f, &pkt, dir);
	if (!raw) {
		stream_raw_disable(b->c, f, dir);
	}
	while (stream_next(b->c, f, &out)) {
		b->bytes += out.data.len;
		if (raw) {
			stream_raw_done(b->c, f, out.dir);
		}
	}
}

static void
shake(struct bench *b, uint32_t host, bool raw)
{
	one(b, host, 0, TCP_SYN, 0, 0, 0, raw);
	one(b, host, 1, TCP_SYN | TCP_ACK, 0, 1, 0, raw);
	one(b, host, 0, TCP_ACK, 1, 1, 0, raw);
}

static void
expire_all(struct bench *b)
{
	struct flow *f;

	while ((f = flow_expire(b->t, 0, true)) != NULL) {
		stream_free(b->c, f);
		flow_release(b->t, f);
	}
}

static void
in_order(struct bench *b, uint32_t flows, bool raw)
{
	uint32_t n = N_PACKETS / flows;
	uint64_t t;

	for (uint32_t i = 0; i < flows; i++) {
		shake(b, i, raw);
	}
	t = clock_mono_us();
	for (uint32_t k = 0; k < n; k++) {
		for (uint32_t i = 0; i < flows; i++) {
			one(b, i, 0, TCP_ACK, 1 + k * SEGMENT, 1, SEGMENT, raw);
		}
	}
	t = clock_mono_us() - t;
	printf("in order, %6u flows, raw window %-3s  %7.1f ns/packet\n", flows,
	       raw ? "on" : "off", (double)t * 1e3 / ((double)n * flows));
	expire_all(b);
}

static void
storm(struct bench *b, uint32_t span)
{
	uint64_t t;

	shake(b, 1, false);
	t = clock_mono_us();
	for (uint32_t i = 0; i < N_PACKETS / 8; i++) {
		one(b, 1, 0, TCP_ACK, 3 + (i * 7919u) % span, 1, 1, false);
	}
	t = clock_mono_us() - t;
	printf("one-byte segments at random over %6u  %7.1f ns/packet\n", span,
	       (double)t * 1e3 / (N_PACKETS / 8));
	expire_all(b);
}

static void
new_flows(struct bench *b)
{
	uint64_t t = clock_mono_us();

	for (uint32_t i = 0; i < 200000; i++) {
		shake(b, i, false);
	}
	t = clock_mono_us() - t;
	printf("handshakes of new flows                 %7.1f ns/packet\n",
	       (double)t * 1e3 / 600000);
	expire_all(b);
}

int
main(void)
{
	struct conf *conf = conf_new();
	struct bench b = { .pool = pool_new((size_t)1 << 30) };

	if (conf == NULL || b.pool == NULL ||
	    conf_set(conf, "stream.reassembly.depth", "0") != ERR_OK) {
		return 1;
	}
	b.t = flow_table_new(conf, b.pool);
	b.c = stream_ctx_new(conf, b.pool);
	if (b.t == NULL || b.c == NULL) {
		return 1;
	}
	in_order(&b, 1, false);
	in_order(&b, 1, true);
	in_order(&b, 1000, false);
	in_order(&b, 100000, false);
	new_flows(&b);
	storm(&b, 2000);
	storm(&b, 60000);
	stream_ctx_free(b.c);
	flow_table_free(b.t);
	pool_free(b.pool);
	conf_free(conf);
	return 0;
}
