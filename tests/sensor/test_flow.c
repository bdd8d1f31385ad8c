/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "sensor/flow.h"
#include "tests/sensor/packet_maker.h"

#define T0 (UINT64_C(1700000000) * US_PER_S)

struct bench {
	struct conf *conf;
	struct pool *pool;
	struct flow_table *t;
};

static void
open_table(struct bench *b, const char *key, const char *value)
{
	b->conf = conf_new();
	b->pool = pool_new((size_t)64 << 20);
	assert_non_null(b->conf);
	assert_non_null(b->pool);
	if (key != NULL) {
		assert_int_equal(conf_set(b->conf, key, value), ERR_OK);
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

static struct flow *
udp(struct bench *b, uint64_t ts_us, bool fwd, uint16_t port,
    enum flow_dir *dir)
{
	struct made m;

	if (fwd) {
		make_packet(&m, ts_us, IPP_UDP, "10.0.0.1", port, "10.0.0.2",
			    53);
	} else {
		make_packet(&m, ts_us, IPP_UDP, "10.0.0.2", 53, "10.0.0.1",
			    port);
	}
	return flow_find(b->t, &m.pkt, dir);
}

static struct flow *
icmp(struct bench *b, const char *src, const char *dst, uint8_t type,
     uint16_t id, enum flow_dir *dir)
{
	struct made m;

	make_packet(&m, T0, IPP_ICMP, src, 0, dst, 0);
	m.pkt.icmp_type = type;
	m.pkt.icmp_has_id = type == 0 || type == 8;
	m.pkt.icmp_id = id;
	return flow_find(b->t, &m.pkt, dir);
}

static void
test_both_ways(void **state)
{
	struct bench b;
	enum flow_dir dir;
	struct flow *f;

	(void)state;
	open_table(&b, NULL, NULL);
	f = udp(&b, T0, true, 1000, &dir);
	assert_non_null(f);
	assert_int_equal(dir, FLOW_TOSERVER);
	assert_int_equal(f->state, FLOW_NEW);
	assert_ptr_equal(udp(&b, T0 + 5, false, 1000, &dir), f);
	assert_int_equal(dir, FLOW_TOCLIENT);
	assert_int_equal(f->state, FLOW_ESTABLISHED);
	assert_ptr_not_equal(udp(&b, T0, true, 1001, &dir), f);
	assert_int_equal(f->pkts[0], 1);
	assert_int_equal(f->pkts[1], 1);
	assert_int_equal(f->bytes[1], 100);
	assert_int_equal(f->first_us, T0);
	assert_int_equal(f->last_us, T0 + 5);
	assert_int_equal(flow_counters(b.t)->active, 2);
	assert_int_equal(flow_counters(b.t)->udp, 2);
	close_table(&b);
}

static void
test_identity_is_deterministic(void **state)
{
	struct bench a, b;
	enum flow_dir dir;
	uint64_t id;

	(void)state;
	open_table(&a, NULL, NULL);
	open_table(&b, NULL, NULL);
	flow_table_seed(b.t, 99);
	id = udp(&a, T0, true, 1000, &dir)->id;
	assert_int_equal(id, udp(&b, T0, true, 1000, &dir)->id);
	assert_true(id > 0 && id < UINT64_C(1) << 53);
	assert_int_not_equal(id, udp(&b, T0, true, 1001, &dir)->id);
	close_table(&a);
	close_table(&b);
}

static void
test_no_flow(void **state)
{
	struct bench b;
	struct made m;
	enum flow_dir dir;

	(void)state;
	open_table(&b, NULL, NULL);
	make_packet(&m, T0, IPP_UDP, "10.0.0.1", 1, "10.0.0.2", 2);
	m.pkt.flags = PKT_FRAGMENT;
	assert_null(flow_find(b.t, &m.pkt, &dir));
	m.pkt.flags = PKT_BROKEN;
	assert_null(flow_find(b.t, &m.pkt, &dir));
	m.pkt.flags = 0;
	m.pkt.ip_version = 0;
	assert_null(flow_find(b.t, &m.pkt, &dir));
	assert_int_equal(flow_counters(b.t)->total, 0);
	close_table(&b);
}

static void
test_vlans(void **state)
{
	static const char *const settings[] = { "yes", "no" };
	enum flow_dir dir;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct bench b;
		struct made m;
		struct flow *f;

		open_table(&b, "vlan.use-for-tracking", settings[i]);
		make_packet(&m, T0, IPP_UDP, "10.0.0.1", 1, "10.0.0.2", 2);
		f = flow_find(b.t, &m.pkt, &dir);
		m.pkt.n_vlans = 1;
		m.pkt.vlan[0] = 0;
		assert_int_equal(flow_find(b.t, &m.pkt, &dir) == f, i);
		m.pkt.vlan[0] = 7;
		assert_int_equal(flow_find(b.t, &m.pkt, &dir) == f, i);
		assert_int_equal(flow_counters(b.t)->active, i == 0 ? 3 : 1);
		close_table(&b);
	}
}

static void
test_icmp_pairs(void **state)
{
	struct bench b;
	enum flow_dir dir;
	struct flow *f;

	(void)state;
	open_table(&b, NULL, NULL);
	f = icmp(&b, "10.0.0.1", "10.0.0.2", 8, 7, &dir);
	assert_ptr_equal(icmp(&b, "10.0.0.2", "10.0.0.1", 0, 7, &dir), f);
	assert_int_equal(dir, FLOW_TOCLIENT);
	assert_int_equal(f->state, FLOW_ESTABLISHED);
	assert_ptr_not_equal(icmp(&b, "10.0.0.1", "10.0.0.2", 8, 8, &dir), f);
	assert_ptr_not_equal(icmp(&b, "10.0.0.1", "10.0.0.2", 3, 0, &dir), f);
	/* To itself. */
	f = icmp(&b, "127.0.0.1", "127.0.0.1", 8, 7, &dir);
	assert_int_equal(dir, FLOW_TOSERVER);
	assert_ptr_equal(icmp(&b, "127.0.0.1", "127.0.0.1", 0, 7, &dir), f);
	assert_int_equal(dir, FLOW_TOCLIENT);
	close_table(&b);
}

static void
test_idle_is_not_reused(void **state)
{
	enum flow_dir dir;

	(void)state;
	/* With and without expiry in between: the same flows. */
	for (unsigned expire = 0; expire < 2; expire++) {
		struct bench b;
		struct flow *f, *gone;
		uint64_t first;

		open_table(&b, NULL, NULL);
		f = udp(&b, T0, true, 1, &dir);
		first = f->id;
		assert_ptr_equal(udp(&b, T0 + 30 * US_PER_S, true, 1, &dir), f);
		udp(&b, T0 + 55 * US_PER_S, true, 2, &dir);
		udp(&b, T0 + 56 * US_PER_S, true, 2, &dir);
		if (expire) {
			assert_null(
				flow_expire(b.t, T0 + 61 * US_PER_S, false));
		}
		f = udp(&b, T0 + 61 * US_PER_S, true, 1, &dir);
		assert_int_not_equal(f->id, first);
		assert_int_equal(f->pkts[0], 1);
		gone = flow_expire(b.t, T0 + 61 * US_PER_S, false);
		assert_non_null(gone);
		assert_int_equal(gone->id, first);
		assert_int_equal(gone->end, FLOW_END_TIMEOUT);
		flow_release(b.t, gone);
		assert_null(flow_expire(b.t, T0 + 61 * US_PER_S, false));
		close_table(&b);
	}
}

static void
test_clock_leaps(void **state)
{
	struct bench b;
	enum flow_dir dir;
	struct flow *f, *g;
	uint64_t year = UINT64_C(31536000) * US_PER_S;

	(void)state;
	open_table(&b, NULL, NULL);
	f = udp(&b, T0, true, 1, &dir);
	/* One wrong clock ends nothing, forwards or backwards. */
	g = udp(&b, T0 + year, true, 2, &dir);
	assert_null(flow_expire(b.t, T0 + year, false));
	assert_null(flow_expire(b.t, T0 + year, false));
	udp(&b, T0 - year, true, 3, &dir);
	assert_null(flow_expire(b.t, T0 - year, false));
	assert_ptr_equal(udp(&b, T0 + 1, true, 1, &dir), f);
	/* Now two agree: the year is over. */
	udp(&b, T0 + year, true, 2, &dir);
	assert_ptr_equal(udp(&b, T0 + year + 1, true, 2, &dir), g);
	assert_int_equal(flow_counters(b.t)->active, 3);
	for (unsigned i = 0; i < 2; i++) {
		struct flow *gone = flow_expire(b.t, T0 + year + 1, false);

		assert_non_null(gone);
		assert_ptr_not_equal(gone, g);
		flow_release(b.t, gone);
	}
	assert_null(flow_expire(b.t, T0 + year + 1, false));
	/* And all the way back. */
	udp(&b, T0, true, 4, &dir);
	udp(&b, T0 + 1, true, 4, &dir);
	assert_ptr_equal(flow_expire(b.t, T0 + 1, false), g);
	flow_release(b.t, g);
	assert_null(flow_expire(b.t, T0 + 1, false));
	/* Who sees all packets needs no second voice. */
	flow_table_set_clock(b.t, T0 + year);
	g = flow_expire(b.t, T0 + year, false);
	assert_non_null(g);
	flow_release(b.t, g);
	close_table(&b);
}

static void
test_tcp_reuse(void **state)
{
	struct bench b;
	struct made m;
	enum flow_dir dir;
	struct flow *f;

	(void)state;
	open_table(&b, NULL, NULL);
	make_tcp(&m, T0, true, TCP_SYN, 1, 0, NULL, 0);
	f = flow_find(b.t, &m.pkt, &dir);
	assert_ptr_equal(flow_find(b.t, &m.pkt, &dir), f);
	assert_int_equal(f->tcp_flags[0], TCP_SYN);
	flow_set_state(b.t, f, FLOW_CLOSED);
	make_tcp(&m, T0, true, TCP_ACK, 1, 0, NULL, 0);
	assert_ptr_equal(flow_find(b.t, &m.pkt, &dir), f);
	make_tcp(&m, T0, true, TCP_SYN, 9, 0, NULL, 0);
	assert_ptr_not_equal(flow_find(b.t, &m.pkt, &dir), f);
	assert_ptr_equal(flow_expire(b.t, T0, false), f);
	flow_release(b.t, f);
	close_table(&b);
}

static void
test_swap(void **state)
{
	struct bench b;
	enum flow_dir dir;
	struct flow *f;

	(void)state;
	open_table(&b, NULL, NULL);
	f = udp(&b, T0, false, 1000, &dir);
	f->flags |= FLOW_IP_CHECKED_TOSERVER;
	flow_swap(b.t, f);
	assert_int_equal(f->port[1], 53);
	assert_int_equal(f->pkts[1], 1);
	assert_int_equal(f->pkts[0], 0);
	assert_int_equal(f->flags, FLOW_IP_CHECKED_TOCLIENT | FLOW_SWAPPED);
	assert_ptr_equal(udp(&b, T0, false, 1000, &dir), f);
	assert_int_equal(dir, FLOW_TOCLIENT);
	close_table(&b);
}

static void
test_memcap_evicts(void **state)
{
	struct bench b;
	enum flow_dir dir;
	unsigned forced = 0, n = 0;
	struct flow *f, *kept;

	(void)state;
	/* 256 flows is the least. */
	open_table(&b, "flow.memcap", "1");
	kept = udp(&b, T0, true, 60000, &dir);
	udp(&b, T0, false, 60000, &dir);
	for (uint16_t i = 1; i <= 10000; i++) {
		assert_non_null(udp(&b, T0 + i, true, i, &dir));
		if (i % 1000 == 0) {
			/* In use: the flood does not push it out. */
			assert_ptr_equal(udp(&b, T0 + i, true, 60000, &dir),
					 kept);
		}
		while ((f = flow_expire(b.t, T0 + i, false)) != NULL) {
			assert_int_equal(f->end, FLOW_END_FORCED);
			assert_ptr_not_equal(f, kept);
			forced++;
			flow_release(b.t, f);
		}
	}
	assert_int_equal(flow_counters(b.t)->emergency_evicted, forced);
	assert_int_equal(forced, 10001 - flow_counters(b.t)->active);
	/* Nobody takes the ended ones: bounded all the same. */
	for (uint16_t i = 10001; i <= 20000; i++) {
		n += udp(&b, T0 + i, true, i, &dir) == NULL;
	}
	assert_int_equal(n, flow_counters(b.t)->no_memory);
	assert_true(n > 0);
	assert_true(flow_counters(b.t)->mem <= (256 + 64) * 256);
	close_table(&b);
}

static void
test_pool_runs_out(void **state)
{
	struct bench b;
	enum flow_dir dir;
	struct flow *f;
	unsigned lost = 0;

	(void)state;
	b.conf = conf_new();
	b.pool = pool_new((size_t)6 << 20);
	assert_int_equal(conf_set(b.conf, "flow.prealloc", "0"), ERR_OK);
	b.t = flow_table_new(b.conf, b.pool);
	assert_non_null(b.t);
	for (uint32_t i = 1; i < 60000; i++) {
		lost += udp(&b, T0 + i, true, (uint16_t)i, &dir) == NULL;
		while ((f = flow_expire(b.t, T0 + i, false)) != NULL) {
			flow_release(b.t, f);
		}
	}
	assert_true(lost > 0);
	assert_int_equal(flow_counters(b.t)->no_memory, lost);
	close_table(&b);
}

static void
test_end_of_all_in_order(void **state)
{
	struct bench b;
	enum flow_dir dir;
	struct flow *f;
	uint64_t last = 0;
	unsigned n = 0;

	(void)state;
	open_table(&b, NULL, NULL);
	srand(1);
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t ts = T0 + (uint64_t)(rand() % 5000000);

		udp(&b, ts, rand() % 2, (uint16_t)(rand() % 2000), &dir);
	}
	while ((f = flow_expire(b.t, T0, true)) != NULL) {
		assert_true(f->first_us >= last);
		last = f->first_us;
		n++;
		flow_release(b.t, f);
	}
	assert_int_equal(n, flow_counters(b.t)->total);
	assert_int_equal(flow_counters(b.t)->active, 0);
	assert_non_null(udp(&b, T0, true, 1, &dir));
	close_table(&b);
}

/* Lists and hash hold together under a random mix, whatever the hash key. */
static void
test_random_mix(void **state)
{
	uint64_t opened[2];

	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		struct bench b;
		enum flow_dir dir;
		struct flow *f;
		uint64_t now = T0, ended = 0;

		open_table(&b, "flow.hash-size", "64");
		flow_table_seed(b.t, 1000 + run);
		srand(7);
		for (unsigned i = 0; i < 200000; i++) {
			uint64_t ts;

			now += (uint64_t)(rand() % 20000);
			ts = now - (uint64_t)(rand() % 3000000);
			f = udp(&b, ts, rand() % 2, (uint16_t)(rand() % 4000),
				&dir);
			assert_non_null(f);
			if (rand() % 50 == 0) {
				flow_set_state(b.t, f, FLOW_CLOSED);
			}
			while (run == 0 &&
			       (f = flow_expire(b.t, ts, false)) != NULL) {
				flow_release(b.t, f);
				ended++;
			}
		}
		assert_int_equal(flow_counters(b.t)->active,
				 flow_counters(b.t)->total - ended);
		opened[run] = flow_counters(b.t)->total;
		while ((f = flow_expire(b.t, 0, true)) != NULL) {
			flow_release(b.t, f);
		}
		close_table(&b);
	}
	/* With expiry at every packet and with none at all. */
	assert_int_equal(opened[0], opened[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_identity_is_deterministic),
		cmocka_unit_test(test_no_flow),
		cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_icmp_pairs),
		cmocka_unit_test(test_idle_is_not_reused),
		cmocka_unit_test(test_clock_leaps),
		cmocka_unit_test(test_tcp_reuse),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_memcap_evicts),
		cmocka_unit_test(test_pool_runs_out),
		cmocka_unit_test(test_end_of_all_in_order),
		cmocka_unit_test(test_random_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
