/* SPDX-License-Identifier: Apache-2.0 */
/* The flow table at scale: growth, chains, the wheel, what a flow weighs. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/stream.h"
#include "tests/sensor/packet_maker.h"

#define T0 (UINT64_C(1700000000) * US_PER_S)
/* Bytes that an idle connection may take. */
#define IDLE_MAX 400

struct bench {
	struct conf *conf;
	struct pool *pool;
	struct flow_table *t;
};

static void
open_table(struct bench *b, const char *const settings[][2])
{
	b->conf = conf_new();
	b->pool = pool_new((size_t)1 << 30);
	assert_non_null(b->conf);
	assert_non_null(b->pool);
	for (unsigned i = 0; settings != NULL && settings[i][0] != NULL; i++) {
		assert_int_equal(
			conf_set(b->conf, settings[i][0], settings[i][1]),
			ERR_OK);
	}
	b->t = flow_table_new(b->conf, b->pool);
	assert_non_null(b->t);
	flow_table_seed(b->t, 1);
}

static void
close_table(struct bench *b)
{
	flow_table_free(b->t);
	assert_int_equal(pool_in_use(b->pool), 0);
	pool_free(b->pool);
	conf_free(b->conf);
}

/* Packet of the conversation number 'n', there or back. */
static void
make_numbered(struct made *m, uint32_t n, bool back, uint64_t ts_us)
{
	uint8_t client[4] = { 10 }, server[4] = { 192, 168, 0, 1 };

	memset(m, 0, sizeof(*m));
	client[1] = (uint8_t)(n >> 16);
	client[2] = (uint8_t)(n >> 8);
	client[3] = (uint8_t)n;
	m->frame.ts_us = ts_us;
	m->frame.wirelen = m->frame.caplen = 100;
	m->pkt.frame = &m->frame;
	m->pkt.proto = IPP_UDP;
	m->pkt.ip_version = 4;
	m->pkt.src = addr_from_v4(back ? server : client);
	m->pkt.dst = addr_from_v4(back ? client : server);
	m->pkt.sport = back ? 53 : 4000;
	m->pkt.dport = back ? 4000 : 53;
}

static struct flow *
numbered(struct bench *b, uint32_t n, bool back, uint64_t ts_us)
{
	struct made m;
	enum flow_dir dir;
	struct flow *f;

	make_numbered(&m, n, back, ts_us);
	f = flow_find(b->t, &m.pkt, &dir);
	if (f != NULL) {
		assert_int_equal(dir, back ? FLOW_TOCLIENT : FLOW_TOSERVER);
	}
	return f;
}

static void
release_all(struct bench *b)
{
	struct flow *f;

	while ((f = flow_expire(b->t, 0, true)) != NULL) {
		flow_release(b->t, f);
	}
}

/* Whatever the index does as it grows, each flow stays where it is. */
static void
test_growth(void **state)
{
	enum { N = 200000 };
	static struct flow *kept[N];
	struct bench b;

	(void)state;
	open_table(&b, NULL);
	for (uint32_t i = 0; i < N; i++) {
		kept[i] = numbered(&b, i, false, T0);
		assert_non_null(kept[i]);
		/* one from before, in the midst of splitting */
		assert_ptr_equal(numbered(&b, i / 2, true, T0), kept[i / 2]);
	}
	for (uint32_t i = 0; i < N; i++) {
		assert_ptr_equal(numbered(&b, i, true, T0), kept[i]);
	}
	assert_int_equal(flow_counters(b.t)->total, N);
	assert_int_equal(flow_counters(b.t)->active, N);
	/* records of 192 bytes, and 14 to 29 bytes of index */
	assert_true(flow_counters(b.t)->mem <= (uint64_t)N * (192 + 29));
	release_all(&b);
	/* Empty, and as large as it was: used again. */
	assert_non_null(numbered(&b, 7, false, T0));
	assert_int_equal(flow_counters(b.t)->active, 1);
	close_table(&b);
}

/* All in one bucket: what a broken hash, or a lucky attacker, would do. */
static void
test_one_bucket(void **state)
{
	enum { N = 3000 };
	static struct flow *kept[N];
	struct bench b;
	struct made m;
	enum flow_dir dir;

	(void)state;
	open_table(&b, NULL);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < N; i++) {
			make_numbered(&m, i, false, T0);
			m.pkt.flow_hash = UINT64_C(0x8123456789abcdef);
			kept[i] = flow_find(b.t, &m.pkt, &dir);
			assert_non_null(kept[i]);
			flow_ahead_record(b.t, &m.pkt, 1);
			flow_ahead_session(b.t, &m.pkt, 1);
		}
		/* Out in another order: lanes and chain both give way. */
		for (uint32_t i = 0; i < N; i++) {
			uint32_t k = i * 1009u % N;

			make_numbered(&m, k, true, T0);
			m.pkt.flow_hash = UINT64_C(0x8123456789abcdef);
			assert_ptr_equal(flow_find(b.t, &m.pkt, &dir), kept[k]);
			flow_release(b.t, kept[k]);
		}
		assert_int_equal(flow_counters(b.t)->active, 0);
	}
	close_table(&b);
}

static uint64_t
hash_of(struct bench *b, struct made *m, bool turn)
{
	if (turn) {
		struct addr a = m->pkt.src;
		uint16_t port = m->pkt.sport;

		m->pkt.src = m->pkt.dst;
		m->pkt.dst = a;
		m->pkt.sport = m->pkt.dport;
		m->pkt.dport = port;
	}
	return flow_hash(b->t, &m->pkt);
}

static void
test_hash(void **state)
{
	struct bench b;
	struct made m;
	uint64_t v4, v6;

	(void)state;
	open_table(&b, NULL);
	make_packet(&m, T0, IPP_TCP, "10.0.0.1", 40000, "10.0.0.2", 80);
	v4 = hash_of(&b, &m, false);
	assert_int_equal(hash_of(&b, &m, true), v4);
	/* Looked up ahead it is the same. */
	flow_ahead_bucket(b.t, &m.pkt, 1);
	assert_int_equal(m.pkt.flow_hash, v4);
	m.pkt.flow_hash = 0;
	/* Handing the hash over finds the same flow. */
	{
		enum flow_dir dir;
		struct flow *f = flow_find(b.t, &m.pkt, &dir);

		m.pkt.flow_hash = v4;
		assert_ptr_equal(flow_find(b.t, &m.pkt, &dir), f);
		m.pkt.flow_hash = 0;
	}
	/* Ports that changed hosts, another protocol, a tag: others. */
	make_packet(&m, T0, IPP_TCP, "10.0.0.1", 80, "10.0.0.2", 40000);
	assert_true(hash_of(&b, &m, false) != v4);
	make_packet(&m, T0, IPP_UDP, "10.0.0.1", 40000, "10.0.0.2", 80);
	assert_true(hash_of(&b, &m, false) != v4);
	make_packet(&m, T0, IPP_TCP, "10.0.0.1", 40000, "10.0.0.2", 80);
	m.pkt.n_vlans = 1;
	assert_true(hash_of(&b, &m, false) != v4);
	make_packet(&m, T0, IPP_TCP, "2001:db8::1", 40000, "2001:db8::2", 80);
	v6 = hash_of(&b, &m, false);
	assert_int_equal(hash_of(&b, &m, true), v6);
	/* An echo and its answer. */
	make_packet(&m, T0, IPP_ICMP, "10.0.0.1", 0, "10.0.0.2", 0);
	m.pkt.icmp_has_id = true;
	m.pkt.icmp_id = 9;
	m.pkt.icmp_type = 8;
	v4 = hash_of(&b, &m, false);
	m.pkt.icmp_type = 0;
	assert_int_equal(hash_of(&b, &m, true), v4);
	m.pkt.icmp_id = 10;
	assert_true(hash_of(&b, &m, true) != v4);
	close_table(&b);
}

/* Seconds, by state, as the settings below have them. */
static const uint64_t timeout_s[3] = { 5, 3600, 1 };
static const char *const timeouts[][2] = {
	{ "flow-timeouts.udp.new", "5" },
	{ "flow-timeouts.udp.established", "3600" }, /* beyond the wheel */
	{ "flow-timeouts.udp.closed", "1" },
	{ NULL, NULL },
};

static bool
is_over(const struct flow *f, uint64_t now_us)
{
	uint64_t idle =
		f->last_us > now_us ? f->last_us - now_us : now_us - f->last_us;

	return idle > timeout_s[f->state] * US_PER_S + FLOW_DISORDER_US;
}

/*
 * The wheel against a look at every flow: at each call those end that are
 * over, and no others; with time that creeps, leaps and steps back.
 */
static void
test_wheel(void **state)
{
	enum { N = 2000 };
	static struct flow *open[N];
	struct bench b;
	uint64_t now = T0;
	unsigned ended = 0, kept = 0;

	(void)state;
	open_table(&b, timeouts);
	srand(3);
	for (unsigned round = 0; round < 4000; round++) {
		unsigned kind = (unsigned)rand() % 100;
		struct flow *f;

		now += kind < 80   ? (uint64_t)(rand() % 200000)
		       : kind < 97 ? (uint64_t)(rand() % 20000000)
		       : kind < 99 ? (uint64_t)(rand() % 1500) * US_PER_S
				   : 0;
		if (kind == 99) {
			now -= (uint64_t)(rand() % 1000) * US_PER_S;
		}
		flow_table_set_clock(b.t, now);
		while ((f = flow_expire(b.t, now, false)) != NULL) {
			unsigned i = 0;

			assert_true(is_over(f, now));
			assert_int_equal(f->end, FLOW_END_TIMEOUT);
			while (open[i] != f) {
				assert_true(++i < N);
			}
			open[i] = NULL;
			flow_release(b.t, f);
			ended++;
		}
		for (unsigned i = 0; i < N; i++) {
			assert_true(open[i] == NULL || !is_over(open[i], now));
			kept += open[i] != NULL;
		}
		for (unsigned k = 0; k < 20; k++) {
			unsigned i = (unsigned)rand() % N;

			f = numbered(&b, i, false, now);
			if (open[i] != NULL && f != open[i]) {
				/* over, but within the disorder allowed */
				assert_int_equal(open[i]->flags & FLOW_UNLINKED,
						 FLOW_UNLINKED);
				flow_release(b.t, open[i]);
			}
			open[i] = f;
			if (f->last_us == now) {
				/* one in the future would be over by it */
				flow_set_state(b.t, f,
					       (enum flow_state)(rand() % 3));
			}
		}
	}
	assert_true(ended > 1000);
	assert_true(kept > 100000);
	release_all(&b);
	close_table(&b);
}

static double
resident(void)
{
	unsigned long all, here = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &all, &here) != 2) {
		here = 0;
	}
	if (f != NULL) {
		fclose(f);
	}
	return (double)here * (double)sysconf(_SC_PAGESIZE);
}

static void
open_connection(struct bench *b, struct stream_ctx *c, uint32_t n)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
	struct stream_chunk chunk;
	enum flow_dir dir;
	struct flow *f = NULL;

	for (unsigned i = 0; i < 3; i++) {
		struct made m;

		make_numbered(&m, n, i == 1, T0);
		m.pkt.proto = IPP_TCP;
		m.pkt.tcp_flags = flags[i];
		m.pkt.tcp_seq = i == 0 ? 100 : i == 1 ? 500 : 101;
		m.pkt.tcp_ack = i == 0 ? 0 : i == 1 ? 101 : 501;
		m.pkt.tcp_window = 65535;
		m.pkt.tcp_wscale = 0xff;
		f = flow_find(b->t, &m.pkt, &dir);
		assert_non_null(f);
		stream_packet(c, b->t, f, &m.pkt, dir);
		while (stream_next(c, f, &chunk)) {
		}
	}
	assert_int_equal(f->state, FLOW_ESTABLISHED);
}

/*
 * An idle established connection, table and all; four million of them stay
 * below 3 GiB.  A sixteenth of that is opened here.
 */
static void
test_weight(void **state)
{
	enum { N = 250000, ALL = 4000000 };
	static const char *const memcap[][2] = { { "flow.memcap", "1gb" },
						 { "stream.memcap", "1gb" },
						 { NULL, NULL } };
	struct bench b;
	struct stream_ctx *c;
	struct flow *f;
	double before = resident(), each, pages;
	size_t empty;

	(void)state;
	open_table(&b, memcap);
	c = stream_ctx_new(b.conf, b.pool);
	assert_non_null(c);
	empty = pool_in_use(b.pool);
	for (uint32_t i = 0; i < N; i++) {
		open_connection(&b, c, i);
	}
	each = (double)(pool_in_use(b.pool) - empty) / N;
	pages = (resident() - before) / N;
	print_message("%.0f bytes a connection, %.0f of pages\n", each, pages);
	assert_true(each < IDLE_MAX);
#ifndef __SANITIZE_ADDRESS__
	assert_true(pages * ALL < 3.0 * (1 << 30));
#endif
	while ((f = flow_expire(b.t, 0, true)) != NULL) {
		stream_free(c, f);
		flow_release(b.t, f);
	}
	stream_ctx_free(c);
	close_table(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_one_bucket),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_wheel),
		cmocka_unit_test(test_weight),
	};

	return cmocka_run_group_tests_name("flow_table", tests, NULL, NULL);
}
