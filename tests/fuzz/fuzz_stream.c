/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection whose segments the input builds, in any order and overlap.
 *
 * Oracle: chunks of a direction follow each other without overlap; each byte
 * handed on is one that was sent for its offset; nothing follows the end; all
 * memory returns to the pool.
 *
 * Input: one byte of settings, then records of 8 bytes: flags and direction,
 * offset (2), length, fill, acknowledged (2), window.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "sensor/stream.h"

#define SPAN 4096 /* offsets that segments may reach */
#define ISN 0xfffffc00u /* wraps on the way */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct pool *pool;
	struct flow_table *t;
	struct stream_ctx *c;
	struct flow *f;
	/* Bit set of the values that were sent for each offset. */
	uint32_t sent[2][SPAN * 2][8];
	uint64_t next[2];
	bool ended[2];
	bool loose; /* numbering may have changed: bytes not compared */
};

static void
drain(struct run *r)
{
	struct stream_chunk out;

	while (stream_next(r->c, r->f, &out)) {
		unsigned d = out.dir;

		assert(out.offset == r->next[d]);
		assert(!r->ended[d]);
		assert(out.gap == 0 || out.data.len == 0);
		assert(out.gap > 0 || out.data.len > 0 || out.fin);
		r->next[d] += out.gap + out.data.len;
		r->ended[d] = out.fin;
		for (size_t i = 0; !r->loose && i < out.data.len; i++) {
			uint8_t b = out.data.p[i];

			assert(out.offset + i < SPAN * 2);
			assert(r->sent[d][out.offset + i][b / 32] >> (b % 32) &
			       1);
		}
	}
	for (unsigned d = 0; d < 2; d++) {
		uint32_t seen;
		uint64_t off;
		struct view v = stream_raw(r->f, (enum flow_dir)d, &seen, &off);

		assert(off + v.len <= r->next[d]);
		assert(seen <= v.len);
		if (v.len % 2 == 0) {
			stream_raw_done(r->c, r->f, (enum flow_dir)d);
		}
	}
}

static void
packet(struct run *r, unsigned d, uint8_t flags, uint32_t seq, uint32_t ack,
       uint16_t window, struct view payload, bool stamped)
{
	struct frame frame = { .ts_us = US_PER_S, .wirelen = 60 };
	struct packet pkt = {
		.frame = &frame,
		.ip_version = 4,
		.proto = IPP_TCP,
		.src = { { [15] = (uint8_t)(1 + d) } },
		.dst = { { [15] = (uint8_t)(2 - d) } },
		.sport = d == 0 ? 4000 : 80,
		.dport = d == 0 ? 80 : 4000,
		.tcp_flags = flags,
		.tcp_seq = seq,
		.tcp_ack = ack,
		.tcp_window = window,
		.tcp_wscale = 0xff,
		.tcp_has_ts = stamped,
		.tcp_ts_val = seq,
		.tcp_ts_ecr = window,
		.tcp_signed = (window & 0x3000) == 0x3000,
		.payload = payload,
	};
	uint8_t *mem = malloc(payload.len + 1);
	enum flow_dir dir;
	struct flow *f;

	assert(mem != NULL);
	if ((window & 0xc000) == 0xc000) {
		/* Leaves bytes out: the rest moves up. */
		pkt.tcp_flags |= TCP_URG;
		pkt.tcp_urgent = (uint16_t)(window >> 8 & 0x3f);
		r->loose = true;
	}
	if (payload.len > 0) {
		memcpy(mem, payload.p, payload.len);
	}
	pkt.payload.p = mem;
	f = flow_find(r->t, &pkt, &dir);
	assert(f != NULL);
	if (f != r->f) {
		/* A SYN after the end: another connection. */
		memset(r->next, 0, sizeof(r->next));
		memset(r->ended, 0, sizeof(r->ended));
		r->f = f;
		/* Its client may be who was the server. */
		r->loose |= f->addr[FLOW_TOSERVER].b[15] != 1;
	}
	stream_packet(r->c, r->t, f, &pkt, dir);
	drain(r);
	free(mem);
}

static void
record(struct run *r, const uint8_t *p, bool stamped)
{
	static const uint8_t kinds[8] = {
		TCP_ACK,           TCP_ACK,           TCP_ACK | TCP_PSH,
		TCP_ACK | TCP_FIN, TCP_RST,           TCP_RST | TCP_ACK,
		TCP_SYN,           TCP_SYN | TCP_ACK,
	};
	unsigned d = p[0] >> 7;
	uint8_t kind = kinds[p[0] & 7];
	uint32_t off = load_be16(p + 1) % SPAN, len = p[3];
	uint32_t ack = load_be16(p + 5) % SPAN;
	uint8_t bytes[256];

	for (uint32_t i = 0; i < len; i++) {
		bytes[i] = p[0] & 0x40 ? p[4] : (uint8_t)(off + i);
		r->sent[d][off + i][bytes[i] / 32] |= UINT32_C(1)
						      << (bytes[i] % 32);
	}
	if ((kind & TCP_SYN) != 0 && off != 0) {
		r->loose = true;
	}
	packet(r, d, kind, ISN + off + !(kind & TCP_SYN), ISN + 1 + ack,
	       (uint16_t)(p[7] << 8), view_of(bytes, len), stamped);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const policies[8] = {
		"bsd",     "linux", "old-linux", "solaris",
		"windows", "vista", "first",     "last",
	};
	static struct run run;
	struct run *r = &run;
	struct conf *conf = conf_new();
	char key[64];
	struct flow *f;
	uint8_t how;

	assert(conf != NULL);
	if (size == 0) {
		conf_free(conf);
		return 0;
	}
	how = data[0];
	memset(r, 0, sizeof(*r));
	snprintf(key, sizeof(key), "host-os-policy.%s.0", policies[how & 7]);
	assert(conf_set(conf, key, "::/0") == ERR_OK);
	assert(conf_set(conf, "flow.prealloc", "0") == ERR_OK);
	assert(conf_set(conf, "flow.memcap", "1") == ERR_OK);
	assert(conf_set(conf, "stream.reassembly.memcap",
			how & 8 ? "2000" : "1mb") == ERR_OK);
	assert(conf_set(conf, "stream.reassembly.depth",
			how & 16 ? "1000" : "0") == ERR_OK);
	assert(conf_set(conf, "stream.async-oneside",
			how & 32 ? "yes" : "no") == ERR_OK);
	r->pool = pool_new((size_t)16 << 20);
	r->t = flow_table_new(conf, r->pool);
	r->c = stream_ctx_new(conf, r->pool);
	assert(r->t != NULL && r->c != NULL);
	/* Picked up from an ACK, the other side counts from there. */
	r->loose = (how & 32) != 0 && (how & 64) != 0;
	packet(r, 0, TCP_SYN, ISN, 0, 60000, VIEW_NONE, how & 128);
	if ((how & 64) == 0) {
		packet(r, 1, TCP_SYN | TCP_ACK, ISN, ISN + 1, 60000, VIEW_NONE,
		       how & 128);
		packet(r, 0, TCP_ACK, ISN + 1, ISN + 1, 60000, VIEW_NONE,
		       how & 128);
	}
	for (size_t at = 1; at + 8 <= size && at < 8 * 4096; at += 8) {
		record(r, data + at, how & 128);
	}
	stream_flush(r->c, r->f);
	drain(r);
	while ((f = flow_expire(r->t, 0, true)) != NULL) {
		stream_free(r->c, f);
		flow_release(r->t, f);
	}
	stream_ctx_free(r->c);
	flow_table_free(r->t);
	assert(pool_in_use(r->pool) == 0);
	pool_free(r->pool);
	conf_free(conf);
	return 0;
}
