/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_bench.h - one TCP connection to play with
 *
 * Sends segments into flow and stream and collects what comes out; holes show
 * as dots.
 *
 * Place    tests only.
 */
#ifndef TESTS_STREAM_BENCH_H
#define TESTS_STREAM_BENCH_H

#include <stdio.h>

#include "common/clock.h"
#include "sensor/stream.h"
#include "tests/sensor/packet_maker.h"

#define C true /* from the client */
#define S false
#define ISN_C b.isn[0]
#define ISN_S b.isn[1]
#define GOT_MAX (1 << 20)

struct bench {
	struct conf *conf;
	struct pool *pool;
	struct flow_table *t;
	struct stream_ctx *c;
	struct flow *f;
	uint32_t isn[2];
	uint64_t sent[2]; /* what the other side's segments acknowledge */
	uint32_t ts_val[2]; /* 0: no timestamps */
	uint32_t pkt_flags;
	uint16_t urgent; /* pointer of the next segments; 0: none */
	uint64_t now_us;
	uint8_t *got[2];
	size_t n_got[2];
	bool fin[2];
	unsigned gaps;
	bool keep_raw; /* the test looks at the raw window itself */
	uint64_t raw_offset[2];
	struct event_set events; /* of all packets */
};

static inline void
bench_set(struct bench *b, const char *arg)
{
	assert_int_equal(conf_set_arg(b->conf, arg, NULL), ERR_OK);
}

static inline void
bench_new(struct bench *b, const char *arg)
{
	memset(b, 0, sizeof(*b));
	b->conf = conf_new();
	assert_non_null(b->conf);
	bench_set(b, "flow.prealloc=0");
	bench_set(b, "flow.memcap=1");
	if (arg != NULL) {
		bench_set(b, arg);
	}
	b->isn[0] = 1000;
	b->isn[1] = 2000000000;
	b->now_us = UINT64_C(1700000000) * US_PER_S;
}

static inline void
bench_start(struct bench *b)
{
	b->pool = pool_new((size_t)64 << 20);
	b->t = flow_table_new(b->conf, b->pool);
	b->c = stream_ctx_new(b->conf, b->pool);
	assert_non_null(b->t);
	assert_non_null(b->c);
	b->got[0] = malloc(GOT_MAX);
	b->got[1] = malloc(GOT_MAX);
	assert_non_null(b->got[0]);
	assert_non_null(b->got[1]);
}

static inline void
bench_open(struct bench *b, const char *arg)
{
	bench_new(b, arg);
	bench_start(b);
}

static inline void
bench_close(struct bench *b)
{
	struct flow *f;

	while ((f = flow_expire(b->t, 0, true)) != NULL) {
		stream_free(b->c, f);
		flow_release(b->t, f);
	}
	stream_ctx_free(b->c);
	flow_table_free(b->t);
	assert_int_equal(pool_in_use(b->pool), 0);
	pool_free(b->pool);
	conf_free(b->conf);
	free(b->got[0]);
	free(b->got[1]);
}

static inline void
drain(struct bench *b)
{
	struct stream_chunk out;

	while (stream_next(b->c, b->f, &out)) {
		unsigned d = out.dir;

		assert_int_equal(out.offset, b->n_got[d]);
		assert_false(b->fin[d]);
		assert_true(b->n_got[d] + out.gap + out.data.len < GOT_MAX);
		assert_true(out.gap == 0 || out.data.len == 0);
		memset(b->got[d] + b->n_got[d], '.', out.gap);
		b->n_got[d] += out.gap;
		b->gaps += out.gap > 0;
		if (out.data.len > 0) {
			memcpy(b->got[d] + b->n_got[d], out.data.p,
			       out.data.len);
			b->n_got[d] += out.data.len;
		}
		b->fin[d] = out.fin;
		if (!b->keep_raw) {
			uint32_t seen;

			stream_raw(b->f, out.dir, &seen, &b->raw_offset[d]);
			stream_raw_done(b->c, b->f, out.dir);
		}
	}
}

static inline bool
send_bytes(struct bench *b, bool client, uint8_t flags, uint32_t seq,
	   uint32_t ack, struct view bytes)
{
	/* A copy that ends with the packet: whoever keeps a view is found. */
	uint8_t *mem = malloc(bytes.len + 1);
	struct made m;
	enum flow_dir dir;
	bool in;

	assert_non_null(mem);
	if (bytes.len > 0) {
		memcpy(mem, bytes.p, bytes.len);
	}
	make_tcp(&m, b->now_us, client, flags, seq, ack, mem, bytes.len);
	m.pkt.flags = b->pkt_flags;
	m.pkt.tcp_ts_val = b->ts_val[!client];
	m.pkt.tcp_has_ts = m.pkt.tcp_ts_val != 0;
	m.pkt.tcp_urgent = b->urgent;
	m.pkt.tcp_flags |= b->urgent != 0 ? TCP_URG : 0;
	b->f = flow_find(b->t, &m.pkt, &dir);
	assert_non_null(b->f);
	in = stream_packet(b->c, b->t, b->f, &m.pkt, dir);
	drain(b);
	for (unsigned i = 0; i < EVENT_WORDS; i++) {
		b->events.w[i] |= m.pkt.events.w[i];
	}
	free(mem);
	return in;
}

#define send_tcp(b_, client, flags, seq, ack, text) \
	send_bytes(b_, client, flags, seq, ack, view_cstr(text))

/* By stream offset; acknowledges 'sent' bytes of the other side. */
static inline bool
data_bytes(struct bench *b, bool client, uint64_t off, struct view bytes)
{
	return send_bytes(
		b, client, TCP_ACK, b->isn[!client] + 1 + (uint32_t)off,
		b->isn[client] + 1 + (uint32_t)b->sent[client], bytes);
}

static inline bool
data(struct bench *b, bool client, uint64_t off, const char *text)
{
	return data_bytes(b, client, off, view_cstr(text));
}

static inline bool
fin(struct bench *b, bool client, uint64_t off, const char *text)
{
	return send_bytes(b, client, TCP_ACK | TCP_FIN,
			  b->isn[!client] + 1 + (uint32_t)off,
			  b->isn[client] + 1 + (uint32_t)b->sent[client],
			  view_cstr(text));
}

static inline void
bench_shake(struct bench *b)
{
	uint32_t c = b->isn[0], s = b->isn[1];

	assert_true(send_tcp(b, C, TCP_SYN, c, 0, ""));
	assert_true(send_tcp(b, S, TCP_SYN | TCP_ACK, s, c + 1, ""));
	assert_true(send_tcp(b, C, TCP_ACK, c + 1, s + 1, ""));
	assert_true(stream_established(b->f));
}

static inline void
bench_established(struct bench *b, const char *arg)
{
	bench_open(b, arg);
	bench_shake(b);
}

static inline void
bench_isn(struct bench *b, uint32_t client, uint32_t server)
{
	bench_open(b, NULL);
	b->isn[0] = client;
	b->isn[1] = server;
	bench_shake(b);
}

#define assert_got(b_, client, text) \
	do { \
		assert_int_equal((b_)->n_got[!(client)], strlen(text)); \
		assert_memory_equal((b_)->got[!(client)], text, strlen(text)); \
	} while (0)

#endif
