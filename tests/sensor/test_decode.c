/* SPDX-License-Identifier: Apache-2.0 */
/* Links, addresses and transports, whole and broken. */
#include "tests/sensor/decode_bench.h"

static void
link_types(void **state)
{
	static const uint8_t sll[16] = { [14] = 8, [15] = 0 };
	static const uint8_t sll2[20] = { 8, 0 };
	static const uint8_t hdlc[4] = { 0x0f, 0, 8, 0 };
	static const uint8_t ppp[4] = { 0xff, 3, 0, 0x21 };
	static const uint8_t ppp_short[1] = { 0x21 };
	static const uint8_t null_le[4] = { 2, 0, 0, 0 };
	static const uint8_t null_be[4] = { 0, 0, 0, 2 };
	static const uint8_t fddi[21] = { [0] = 0x50, [13] = 0xaa, 0xaa, 3, 0,
					  0,          0,           8,    0 };
	static const uint8_t wifi[32] = {
		[0] = 8, [1] = 1, [24] = 0xaa, [25] = 0xaa, 3, 0, 0, 0, 8, 0
	};
	static const uint8_t radio[41] = {
		[2] = 9, [4] = 2, [9] = 8, [10] = 1, [33] = 0xaa, 0xaa,
		3,       0,       0,       0,        8,           0
	};
	static const uint8_t qos[34] = { [0] = 0x88, [1] = 2, [26] = 0xaa, 0xaa,
					 3,          0,       0,           0,
					 8,          0 };
	static const struct {
		uint16_t type;
		const uint8_t *head;
		size_t len;
	} link[] = {
		{ 12, NULL, 0 },   { 14, NULL, 0 },     { 101, NULL, 0 },
		{ 228, NULL, 0 },  { 113, sll, 16 },    { 276, sll2, 20 },
		{ 104, hdlc, 4 },  { 50, hdlc, 4 },     { 50, ppp, 4 },
		{ 9, ppp, 4 },     { 9, ppp_short, 1 }, { 0, null_le, 4 },
		{ 0, null_be, 4 }, { 108, null_be, 4 }, { 10, fddi, 21 },
		{ 105, wifi, 32 }, { 127, radio, 41 },  { 105, qos, 34 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(link); i++) {
		begin();
		if (link[i].len > 0) {
			add(&f, link[i].head, link[i].len);
		}
		add_hello();
		assert_int_equal(decode(link[i].type), 1);
		check_hello(&out[0], 4);
	}
	begin();
	add_hello6();
	assert_int_equal(decode(229), 1);
	check_hello(&out[0], 6);
	assert_int_equal(decode(65000), 1);
	assert_int_equal(out[0].ip_version, 0);
	assert_true(counters().unknown_link > 0);
}

static void
ethernet_vlans_and_llc(void **state)
{
	static const uint8_t snap[8] = { 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 };

	(void)state;
	begin();
	add_ether(&f, 0x88a8);
	add_be16(&f, 0x2007);
	add_be16(&f, 0x9100);
	add_be16(&f, 0xe008);
	add_be16(&f, 0x8100);
	add_be16(&f, 9);
	add_be16(&f, 0x0800);
	add_hello();
	add_zero(&f, 6); /* padding is no payload */
	assert_int_equal(decode(1), 1);
	check_hello(&out[0], 4);
	assert_int_equal(out[0].n_vlans, 3);
	assert_int_equal(out[0].vlan[0], 7);
	assert_int_equal(out[0].vlan[1], 8);
	assert_int_equal(out[0].vlan[2], 9);
	assert_int_equal(out[0].ether_type, 0x0800);
	assert_ptr_equal(out[0].ether, f.b);

	begin();
	add_ether(&f, 8 + 33);
	add(&f, snap, 8);
	add_hello();
	assert_int_equal(decode(1), 1);
	check_hello(&out[0], 4);

	begin();
	add_ether(&f, 0x8100);
	for (unsigned i = 0; i < 4; i++) {
		add_be16(&f, 1);
		add_be16(&f, i < 3 ? 0x8100 : 0x0800);
	}
	add_hello();
	assert_int_equal(decode(1), 1);
	assert_true(event_set_has(&out[0].events,
				  EV_DECODE_VLAN_HEADER_TOO_MANY_LAYERS));

	begin();
	add_ether(&f, 0x0806);
	add_zero(&f, 28);
	assert_int_equal(decode(1), 1);
	assert_int_equal(out[0].ip_version, 0);
	assert_int_equal(out[0].ether_type, 0x0806);
	assert_true(counters().arp > 0);

	begin();
	add_ether(&f, 0xfbb7);
	add_zero(&f, 28);
	decode(1);
	assert_true(event_set_has(&out[0].events,
				  EV_DECODE_ETHERNET_UNKNOWN_ETHERTYPE));
}

static void
pppoe_mpls_and_tags(void **state)
{
	static const uint8_t pppoe[8] = { 0x11, 0, 0, 1, 0, 35, 0, 0x21 };
	static const uint8_t label[8] = { 0, 1, 0, 64, 0, 2, 1, 64 };
	static const uint8_t nsh[8] = { 0, 0x42, 2, 1, 0, 0, 1, 1 };

	(void)state;
	begin();
	add_ether(&f, 0x8864);
	add(&f, pppoe, 8);
	add_hello();
	assert_int_equal(decode(1), 1);
	check_hello(&out[0], 4);

	begin();
	add_ether(&f, 0x8847);
	add(&f, label, 8);
	add_hello6();
	assert_int_equal(decode(1), 1);
	check_hello(&out[0], 6);

	/* A pseudo-wire, with its control word and without. */
	for (unsigned word = 0; word < 2; word++) {
		begin();
		add_ether(&f, 0x8847);
		add(&f, label, 8);
		if (word != 0) {
			add_zero(&f, 4);
		}
		add_ether(&f, 0x0800);
		add_hello();
		assert_int_equal(decode(1), 1);
		check_hello(&out[0], 4);
	}

	begin();
	add_ether(&f, 0x894f);
	add(&f, nsh, 8);
	add_hello();
	assert_int_equal(decode(1), 1);
	check_hello(&out[0], 4);

	begin();
	add_ether(&f, 0x88e7);
	add_zero(&f, 4);
	add_ether(&f, 0x8926);
	add_zero(&f, 4);
	add_be16(&f, 0x0800);
	add_hello();
	assert_int_equal(decode(1), 1);
	check_hello(&out[0], 4);
}

static void
ipv4_headers(void **state)
{
	static const uint8_t options[8] = { 1, 130, 3, 0, 148, 2, 1, 0 };
	size_t ip;

	(void)state;
	begin();
	add_hello();
	f.b[1] = 0xb8;
	store_be16(f.b + 4, 0x1234);
	f.b[6] = 0x40;
	decode(101);
	assert_int_equal(out[0].flags & PKT_BAD_IP_CSUM, PKT_BAD_IP_CSUM);
	assert_int_equal(out[0].tos, 0xb8);
	assert_int_equal(out[0].ttl, 64);
	assert_int_equal(out[0].ip_id, 0x1234);
	assert_int_equal(out[0].frag_flags, 2);

	begin();
	ip = add_ipv4(&f, IPP_TCP, 1, 2);
	f.b[0] = 0x47;
	add(&f, options, 8);
	add_tcp(&f, 1, 2, TCP_SYN);
	finish_ipv4(&f, ip);
	assert_int_equal(decode(101), 1);
	assert_int_equal(out[0].ip_options, IPOPT_BIT_NOP | IPOPT_BIT_SEC |
						    IPOPT_BIT_RTRALT |
						    IPOPT_BIT_EOL);
	assert_int_equal(out[0].l3_hlen, 28);
	assert_int_equal(out[0].sport, 1);
	f.b[22] = 9; /* longer than the header */
	decode(101);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_IPV4_OPT_INVALID_LEN));

	begin();
	add_hello();
	f.b[0] = 0x44;
	decode(228);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_IPV4_HLEN_TOO_SMALL));
	f.b[0] = 0x45;
	store_be16(f.b + 2, 19);
	decode(228);
	assert_true(event_set_has(&out[0].events,
				  EV_DECODE_IPV4_IPLEN_SMALLER_THAN_HLEN));
	/* Short on the wire is no packet; short by the snap length is. */
	store_be16(f.b + 2, 1000);
	decode(228);
	assert_true(event_set_has(&out[0].events, EV_DECODE_IPV4_TRUNC_PKT));
	assert_int_equal(out[0].ip_version, 0);
	assert_int_equal(out[0].flags & PKT_BROKEN, PKT_BROKEN);
	{
		struct frame fr = frame_of(&f, 228);

		fr.wirelen = 1000;
		decode_frame(dec, &fr, out);
		assert_int_equal(out[0].ip_version, 4);
		assert_int_equal(out[0].flags & PKT_TRUNCATED, PKT_TRUNCATED);
		assert_int_equal(out[0].flags & PKT_BROKEN, 0);
	}
}

static void
ipv6_extension_headers(void **state)
{
	size_t ip, udp;
	uint8_t *h;

	(void)state;
	begin();
	ip = add_ipv6(&f, IPP_HOPOPTS, 1, 2);
	h = add_zero(&f, 8);
	h[0] = IPP_ROUTING;
	h = add_zero(&f, 16);
	h[0] = IPP_AH;
	h[1] = 1;
	h = add_zero(&f, 16);
	h[0] = IPP_DSTOPTS;
	h[1] = 2; /* AH counts in units of its own */
	h = add_zero(&f, 8);
	h[0] = IPP_FRAGMENT;
	h = add_zero(&f, 8);
	h[0] = IPP_UDP; /* an "atomic" fragment */
	udp = add_udp(&f, 1111, 2222);
	add(&f, "hello", 5);
	finish_udp(&f, udp);
	finish_l4(&f, ip, udp, IPP_UDP, 6);
	finish_ipv6(&f, ip);
	assert_int_equal(decode(101), 1);
	assert_true(has(EV_DECODE_IPV6_EXTHDR_USELESS_FH));
	assert_true(has(EV_DECODE_IPV6_RH_TYPE_0));
	memset(&out[0].events, 0, sizeof(out[0].events));
	check_hello(&out[0], 6);
	assert_int_equal(out[0].l3_hlen, 40 + 8 + 16 + 16 + 8 + 8);

	begin();
	ip = add_ipv6(&f, IPP_DSTOPTS, 1, 2);
	for (unsigned i = 0; i < 30; i++) {
		h = add_zero(&f, 8);
		h[0] = IPP_DSTOPTS;
	}
	finish_ipv6(&f, ip);
	decode(101);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_IPV6_EXTHDR_TOO_MANY));

	begin();
	ip = add_ipv6(&f, IPP_DSTOPTS, 1, 2);
	h = add_zero(&f, 8);
	h[1] = 200;
	finish_ipv6(&f, ip);
	decode(101);
	assert_true(event_set_has(&out[0].events, EV_DECODE_IPV6_TRUNC_EXTHDR));
}

static void
tcp_segments(void **state)
{
	static const uint8_t options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					     0, 7, 0, 0,    0, 9, 1, 3,  3, 7 };
	size_t ip, tcp;

	(void)state;
	begin();
	ip = add_ipv4(&f, IPP_TCP, 1, 2);
	tcp = add_tcp(&f, 40000, 80, TCP_SYN | TCP_ECE);
	f.b[tcp + 12] = 0xa0;
	add(&f, options, 20);
	add(&f, "GET", 3);
	finish_l4(&f, ip, tcp, IPP_TCP, 16);
	finish_ipv4(&f, ip);
	assert_int_equal(decode(101), 1);
	assert_int_equal(out[0].flags, 0);
	assert_int_equal(out[0].sport, 40000);
	assert_int_equal(out[0].dport, 80);
	assert_int_equal(out[0].tcp_seq, 1000);
	assert_int_equal(out[0].tcp_ack, 2000);
	assert_int_equal(out[0].tcp_flags, TCP_SYN | TCP_ECE);
	assert_int_equal(out[0].tcp_mss, 1460);
	assert_int_equal(out[0].tcp_wscale, 7);
	assert_true(out[0].tcp_sack_ok);
	assert_true(out[0].tcp_has_ts);
	assert_int_equal(out[0].tcp_ts_val, 7);
	assert_int_equal(out[0].tcp_ts_ecr, 9);
	assert_int_equal(out[0].l4_hlen, 40);
	assert_true(view_eq(out[0].payload, VIEW_LIT("GET")));
	assert_true(event_set_empty(&out[0].events));

	f.b[tcp + 41] ^= 1;
	decode(101);
	assert_int_equal(out[0].flags, PKT_BAD_L4_CSUM);
	f.b[tcp + 24] = 2; /* maximum segment size, once more, too short */
	decode(101);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_TCP_OPT_INVALID_LEN));
	f.b[tcp + 12] = 0x40;
	decode(101);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_TCP_INVALID_OPTLEN));
	f.b[tcp + 12] = 0xf0;
	decode(101);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_TCP_HLEN_TOO_SMALL));
}

static void
udp_and_sctp_lengths(void **state)
{
	size_t ip;

	(void)state;
	begin();
	add_hello();
	store_be16(f.b + 26, 0); /* no checksum: right over IPv4 */
	decode(101);
	check_hello(&out[0], 4);
	store_be16(f.b + 24, 10); /* shorter than the datagram */
	decode(101);
	assert_int_equal(out[0].payload.len, 2);
	store_be16(f.b + 24, 7);
	decode(101);
	assert_true(event_set_has(&out[0].events, EV_DECODE_UDP_LEN_INVALID));
	store_be16(f.b + 24, 14);
	decode(101);
	assert_true(event_set_has(&out[0].events, EV_DECODE_UDP_PKT_TOO_SMALL));
	begin();
	add_hello6();
	store_be16(f.b + 46, 0);
	decode(101);
	assert_int_equal(out[0].flags, PKT_BAD_L4_CSUM);

	begin();
	ip = add_ipv4(&f, IPP_SCTP, 1, 2);
	add_be16(&f, 5);
	add_be16(&f, 6);
	add_zero(&f, 8);
	finish_ipv4(&f, ip);
	decode(101);
	assert_int_equal(out[0].sport, 5);
	assert_int_equal(out[0].dport, 6);
}

static void
icmp_of_both_versions(void **state)
{
	static const uint8_t echo[8] = { 8, 0, 0, 0, 0x12, 0x34, 0, 7 };
	static const uint8_t echo6[8] = { 129, 0, 0, 0, 0x12, 0x34, 0, 7 };
	size_t ip, at;
	uint16_t sum;

	(void)state;
	begin();
	ip = add_ipv4(&f, IPP_ICMP, 1, 2);
	at = f.len;
	add(&f, echo, 8);
	sum = (uint16_t)~csum_fold(csum_add(0, f.b + at, 8));
	memcpy(f.b + at + 2, &sum, 2);
	finish_ipv4(&f, ip);
	decode(101);
	assert_int_equal(out[0].flags, 0);
	assert_int_equal(out[0].icmp_type, 8);
	assert_true(out[0].icmp_has_id);
	assert_int_equal(out[0].icmp_id, 0x1234);
	assert_int_equal(out[0].icmp_seq, 7);
	f.b[at] = 3;
	f.b[at + 1] = 16;
	decode(101);
	assert_int_equal(out[0].flags, PKT_ICMP_ERROR | PKT_BAD_L4_CSUM);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_ICMPV4_UNKNOWN_CODE));
	f.b[at] = 7;
	decode(101);
	assert_true(
		event_set_has(&out[0].events, EV_DECODE_ICMPV4_UNKNOWN_TYPE));

	begin();
	ip = add_ipv6(&f, IPP_ICMPV6, 1, 2);
	at = f.len;
	add(&f, echo6, 8);
	finish_l4(&f, ip, at, IPP_ICMPV6, 2);
	finish_ipv6(&f, ip);
	decode(101);
	assert_int_equal(out[0].flags, 0);
	assert_int_equal(out[0].icmp_id, 0x1234);
}

static void
ah_over_ipv4(void **state)
{
	static const uint8_t ah[24] = { IPP_UDP, 4 };
	size_t ip, udp;

	(void)state;
	begin();
	ip = add_ipv4(&f, IPP_AH, 1, 2);
	add(&f, ah, 24);
	udp = add_udp(&f, 1111, 2222);
	add(&f, "hello", 5);
	finish_udp(&f, udp);
	finish_ipv4(&f, ip);
	decode(101);
	check_hello(&out[0], 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(link_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ethernet_vlans_and_llc, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(pppoe_mpls_and_tags, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(ipv4_headers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(ipv6_extension_headers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(tcp_segments, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(udp_and_sctp_lengths, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(icmp_of_both_versions, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(ah_over_ipv4, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
