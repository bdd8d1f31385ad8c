/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in packets: every tunnel, and tunnels without end. */
#include "tests/sensor/decode_bench.h"

/* Outer packet 0, hello inside as packet 1. */
static void
check_tunnel(unsigned n, uint8_t inner, uint32_t id)
{
	assert_int_equal(n, 2);
	assert_int_equal(out[0].flags & (PKT_OUTER | PKT_INNER), PKT_OUTER);
	assert_int_equal(out[1].flags & (PKT_OUTER | PKT_INNER), PKT_INNER);
	assert_int_equal(out[0].depth, 0);
	assert_int_equal(out[1].depth, 1);
	assert_int_equal(out[1].tunnel_id, id);
	check_hello(&out[1], inner);
}

static void
ip_in_ip_and_gre(void **state)
{
	static const uint8_t key[8] = { 0x30, 0, 8, 0, 0, 0, 0, 77 };
	static const uint8_t pptp[12] = { 0x30, 0x81, 0x88, 0x0b, 0, 37, 0, 9 };
	static const uint8_t erspan2[16] = { 0x10, 0, 0x88, 0xbe, 0, 0,
					     0,    1, 0x10, 7,    0, 5 };
	size_t ip;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		begin();
		ip = i < 2 ? add_ipv4(&f, i % 2 == 0 ? 4 : 41, 8, 9)
			   : add_ipv6(&f, i % 2 == 0 ? 4 : 41, 8, 9);
		if (i % 2 == 0) {
			add_hello();
		} else {
			add_hello6();
		}
		if (i < 2) {
			finish_ipv4(&f, ip);
		} else {
			finish_ipv6(&f, ip);
		}
		check_tunnel(decode(101), i % 2 == 0 ? 4 : 6, 0);
	}
	begin();
	add_ether(&f, 0x8100);
	add_be16(&f, 5);
	add_be16(&f, 0x0800);
	ip = add_ipv4(&f, IPP_GRE, 8, 9);
	add(&f, key, 8);
	add_zero(&f, 4); /* sequence number */
	add_hello();
	finish_ipv4(&f, ip);
	check_tunnel(decode(1), 4, 77);
	assert_int_equal(out[1].vlan[0], 5);

	begin();
	ip = add_ipv4(&f, IPP_GRE, 8, 9);
	add(&f, pptp, 12);
	add_zero(&f, 4); /* sequence, acknowledgement: 16 in all */
	add_be16(&f, 0x21);
	add_hello();
	finish_ipv4(&f, ip);
	check_tunnel(decode(101), 4, 9);

	begin();
	ip = add_ipv4(&f, IPP_GRE, 8, 9);
	add(&f, erspan2, 16);
	add_ether(&f, 0x0800);
	add_hello();
	finish_ipv4(&f, ip);
	check_tunnel(decode(101), 4, 5);
	assert_non_null(out[1].ether);
}

static void
udp_tunnels(void **state)
{
	static const uint8_t vxlan[8] = { 8, 0, 0, 0, 0, 1, 2, 0 };
	static const uint8_t geneve[12] = { 1, 0, 0x65, 0x58, 0, 1, 2 };
	static const uint8_t teredo[8 + 13] = { 0, 1, 0, 0, [13] = 0, 0 };
	size_t ip, udp;

	(void)state;
	begin();
	ip = add_ipv4(&f, IPP_UDP, 8, 9);
	udp = add_udp(&f, 5555, 4789);
	add(&f, vxlan, 8);
	add_ether(&f, 0x0800);
	add_hello();
	finish_udp(&f, udp);
	finish_ipv4(&f, ip);
	check_tunnel(decode(101), 4, 0x102);

	begin();
	ip = add_ipv4(&f, IPP_UDP, 8, 9);
	udp = add_udp(&f, 5555, 6081);
	add(&f, geneve, 12);
	add_ether(&f, 0x86dd);
	add_hello6();
	finish_udp(&f, udp);
	finish_ipv4(&f, ip);
	check_tunnel(decode(101), 6, 0x102);

	begin();
	ip = add_ipv4(&f, IPP_UDP, 8, 9);
	udp = add_udp(&f, 5555, 3544);
	add(&f, teredo, sizeof(teredo));
	add_hello6();
	finish_udp(&f, udp);
	finish_ipv4(&f, ip);
	check_tunnel(decode(101), 6, 0);
	assert_int_equal(out[0].proto, IPP_UDP);
}

static void
tunnels_in_tunnels_end(void **state)
{
	size_t at[40];

	(void)state;
	begin();
	for (unsigned i = 0; i < 40; i++) {
		at[i] = add_ipv4(&f, IPP_IPIP, 1, 2);
	}
	for (unsigned i = 0; i < 40; i++) {
		finish_ipv4(&f, at[i]);
	}
	assert_int_equal(decode(101), FRAME_MAX_PACKETS);
	assert_int_equal(out[FRAME_MAX_PACKETS - 1].depth, 7);
	assert_true(event_set_has(&out[FRAME_MAX_PACKETS - 1].events,
				  EV_DECODE_TOO_MANY_LAYERS));
	assert_true(counters().too_many_layers > 0);
}

static uint32_t
outermost(const struct frame *fr)
{
	struct decode_pairs p;

	decode_pairs(dec, fr, &p);
	return p.hash[0];
}

static void
pair_hash_is_symmetric(void **state)
{
	struct frame fr;
	uint32_t there, back;
	size_t ip;

	(void)state;
	begin();
	add_ether(&f, 0x0800);
	add_hello();
	fr = frame_of(&f, 1);
	there = outermost(&fr);
	assert_int_equal(decode_lone_pair(dec, &fr), there);
	begin();
	add_ether(&f, 0x8100); /* behind a tag, the other way, a fragment */
	add_be16(&f, 1);
	add_be16(&f, 0x0800);
	ip = add_ipv4(&f, IPP_UDP, 2, 1);
	f.b[ip + 6] = 0x20;
	add_zero(&f, 16);
	finish_ipv4(&f, ip);
	fr = frame_of(&f, 1);
	back = outermost(&fr);
	assert_int_equal(decode_lone_pair(dec, &fr), 0);
	assert_int_not_equal(there, 0);
	assert_int_equal(there, back);
	/* Neighbouring pairs spread. */
	begin();
	ip = add_ipv4(&f, IPP_UDP, 1, 3);
	add_zero(&f, 20);
	finish_ipv4(&f, ip);
	fr = frame_of(&f, 101);
	assert_int_not_equal(outermost(&fr), there);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ip_in_ip_and_gre, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(udp_tunnels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tunnels_in_tunnels_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(pair_hash_is_symmetric, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
