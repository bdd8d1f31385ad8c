/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_bench.h - frames built by hand, decoded, and looked at
 *
 * A test includes it once: decoder, frame and packets are its own.
 */
#ifndef TESTS_SENSOR_DECODE_BENCH_H
#define TESTS_SENSOR_DECODE_BENCH_H

#include <stdlib.h>

#include "rules/inspect.h"
#include "sensor/decode.h"
#include "tests/sensor/frame_build.h"
#include "tests/sensor/pairs_right.h"
#include "tests/test.h"

static struct decoder *dec;

static struct pool *pool;

static struct packet out[FRAME_MAX_PACKETS];

static struct build f;

static inline int
set_up(void **state)
{
	(void)state;
	pool = pool_new((size_t)16 << 20);
	dec = decoder_new(NULL, pool);
	return dec == NULL;
}

static inline int
tear_down(void **state)
{
	(void)state;
	decoder_free(dec);
	assert_int_equal(pool_in_use(pool), 0);
	pool_free(pool);
	return 0;
}

/* All checksums summed up, so that their flags say what they found. */
static inline unsigned
sum_up(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		(void)packet_l4_csum_ok(&out[i]);
	}
	return n;
}

/*
 * Decodes the frame, then every beginning of it in a block of exactly its
 * size, so that a sanitizer sees any read beyond.
 */
static inline unsigned
decode(uint16_t linktype)
{
	struct frame fr = frame_of(&f, linktype);

	for (uint32_t n = 0; n <= fr.caplen; n++) {
		for (unsigned real = 0; real < 2; real++) {
			uint8_t *copy = malloc(n > 0 ? n : 1);
			struct frame cut = fr;
			unsigned k;

			memcpy(copy, f.b, n);
			cut.data = copy;
			cut.caplen = n;
			cut.wirelen = real != 0 ? fr.caplen : n;
			k = sum_up(decode_frame(dec, &cut, out));
			assert_in_range(k, 1, FRAME_MAX_PACKETS);
			assert_true(pairs_right(dec, &cut, out, k));
			for (unsigned i = 0; i < k; i++) {
				assert_true(out[i].payload.len <=
					    out[i].l3.len);
			}
			free(copy);
		}
	}
	return sum_up(decode_frame(dec, &fr, out));
}

static inline struct decode_counters
counters(void)
{
	struct decode_counters n;

	decode_counters(dec, &n);
	return n;
}

static inline void
begin(void)
{
	f.len = 0;
}

/* IPv4 UDP 10.0.0.1:1111 to 10.0.0.2:2222 with "hello", right in all. */
static inline void
add_hello(void)
{
	size_t ip = add_ipv4(&f, IPP_UDP, 1, 2), udp = add_udp(&f, 1111, 2222);

	add(&f, "hello", 5);
	finish_udp(&f, udp);
	finish_l4(&f, ip, udp, IPP_UDP, 6);
	finish_ipv4(&f, ip);
}

static inline void
add_hello6(void)
{
	size_t ip = add_ipv6(&f, IPP_UDP, 1, 2), udp = add_udp(&f, 1111, 2222);

	add(&f, "hello", 5);
	finish_udp(&f, udp);
	finish_l4(&f, ip, udp, IPP_UDP, 6);
	finish_ipv6(&f, ip);
}

static inline void
check_hello(const struct packet *p, uint8_t version)
{
	assert_int_equal(p->ip_version, version);
	assert_int_equal(p->proto, IPP_UDP);
	assert_int_equal(p->sport, 1111);
	assert_int_equal(p->dport, 2222);
	assert_true(view_eq(p->payload, VIEW_LIT("hello")));
	assert_int_equal(p->flags & (PKT_BAD_IP_CSUM | PKT_BAD_L4_CSUM |
				     PKT_BROKEN | PKT_TRUNCATED),
			 0);
	assert_true(event_set_empty(&p->events));
}

static inline bool
has(enum event_id e)
{
	return event_set_has(&out[0].events, e);
}

#endif
