/* SPDX-License-Identifier: Apache-2.0 */
/* Each decoder event: a frame that raises it, and its neighbour that does not. */
#include "sensor/decode.h"

#include "tests/sensor/frame_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct decoder *dec;
static struct pool *pool;
static struct packet out[FRAME_MAX_PACKETS];
static struct build f;
static unsigned n_out;

static int
set_up(void **state)
{
	(void)state;
	pool = pool_new((size_t)16 << 20);
	dec = decoder_new(NULL, pool);
	return dec == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	decoder_free(dec);
	pool_free(pool);
	return 0;
}

/* Appends "0a ff"; "*12" repeats the byte before it to 12 in all. */
static void
add_hex(const char *s)
{
	unsigned byte = 0, n;
	int used;

	while (sscanf(s, " %n", &used) == 0 && s[used] != '\0') {
		s += used;
		if (s[0] == '*') {
			assert_int_equal(sscanf(s, "*%u%n", &n, &used), 1);
			while (n-- > 1) {
				uint8_t b = (uint8_t)byte;

				add(&f, &b, 1);
			}
		} else {
			uint8_t b;

			assert_int_equal(sscanf(s, "%2x%n", &byte, &used), 1);
			b = (uint8_t)byte;
			add(&f, &b, 1);
		}
		s += used;
	}
}

static bool
raised(uint16_t linktype, enum event_id e)
{
	struct frame fr = frame_of(&f, linktype);

	n_out = decode_frame(dec, &fr, out);
	for (unsigned i = 0; i < n_out; i++) {
		if (event_set_has(&out[i].events, e)) {
			return true;
		}
	}
	return false;
}

struct frame_case {
	enum event_id event;
	uint16_t a; /* link type, or protocol behind the IP header */
	const char *bad, *good;
};

#define ETH "02*6 02*6 "
#define IP4 "45 00 00 14 00*5 40 01 00 00 0a 00 00 01 0a 00 00 02 "
#define IP6 "60 00 00 00 00 00 3b 40 20 00*15 20 00*15 "

/* Whole frames. */
static const struct frame_case link_cases[] = {
	{ EV_DECODE_ETHERNET_PKT_TOO_SMALL, 1, "02*13", ETH "08 06" },
	{ EV_DECODE_ETHERNET_UNKNOWN_ETHERTYPE, 1, ETH "fb b7", ETH "08 06" },
	{ EV_DECODE_IPRAW_INVALID_IP_VERSION, 101, "55 00*30", IP4 },
	{ EV_DECODE_VLAN_HEADER_TOO_SMALL, 1, ETH "81 00 00 01",
	  ETH "81 00 00 01 08 00 " IP4 },
	{ EV_DECODE_VLAN_UNKNOWN_TYPE, 1, ETH "81 00 00 01 fb b7 00*20",
	  ETH "81 00 00 01 08 00 " IP4 },
	{ EV_DECODE_VNTAG_HEADER_TOO_SMALL, 1, ETH "89 26 00*5",
	  ETH "89 26 00*4 08 00 " IP4 },
	{ EV_DECODE_VNTAG_UNKNOWN_TYPE, 1, ETH "89 26 00*4 fb b7",
	  ETH "89 26 00*4 08 00 " IP4 },
	{ EV_DECODE_IEEE8021AH_HEADER_TOO_SMALL, 1, ETH "88 e7 00*17",
	  ETH "88 e7 00*4 " ETH "08 00 " IP4 },
	{ EV_DECODE_DCE_PKT_TOO_SMALL, 1, ETH "89 03 00*15",
	  ETH "89 03 00*2 " ETH "08 00 " IP4 },
	{ EV_DECODE_PPPOE_PKT_TOO_SMALL, 1, ETH "88 64 11 00 00",
	  ETH "88 64 11 00 00 01 00 16 00 21 " IP4 },
	{ EV_DECODE_PPPOE_WRONG_CODE, 1, ETH "88 64 11 01 00 01 00 02 c0 21",
	  ETH "88 64 11 00 00 01 00 02 c0 21" },
	{ EV_DECODE_PPPOE_WRONG_CODE, 1, ETH "88 63 11 02 00 00 00 00",
	  ETH "88 63 11 09 00 00 00 00" },
	{ EV_DECODE_PPPOE_MALFORMED_TAGS, 1,
	  ETH "88 63 11 09 00 00 00 08 01 01 00 05 aa*4",
	  ETH "88 63 11 09 00 00 00 08 01 01 00 04 aa*4" },
	{ EV_DECODE_PPPOE_MALFORMED_TAGS, 1,
	  ETH "88 63 11 09 00 00 00 09 01 01 00 04 aa*4",
	  ETH "88 63 11 09 00 00 00 04 01 01 00 00 00*40" },
	{ EV_DECODE_PPP_PKT_TOO_SMALL, 9, "ff 03 00", "ff 03 c0 21" },
	{ EV_DECODE_PPP_IP4_PKT_TOO_SMALL, 9, "00 21 45 00*18", "00 21 " IP4 },
	{ EV_DECODE_PPP_IP6_PKT_TOO_SMALL, 9, "00 57 60 00*38", "00 57 " IP6 },
	{ EV_DECODE_PPP_VJU_PKT_TOO_SMALL, 9, "00 2f 45 00*18", "00 2f " IP4 },
	{ EV_DECODE_PPP_UNSUP_PROTO, 9, "00 2b 00*30", "00 21 " IP4 },
	{ EV_DECODE_PPP_WRONG_TYPE, 9, "0a 0a 00*30", "c0 21 01 01 00 04" },
	{ EV_DECODE_LTNULL_PKT_TOO_SMALL, 0, "02 00 00", "02 00 00 00 " IP4 },
	{ EV_DECODE_LTNULL_UNSUPPORTED_TYPE, 0, "07 00 00 00 00*30",
	  "02 00 00 00 " IP4 },
	{ EV_DECODE_CHDLC_PKT_TOO_SMALL, 104, "0f 00 08", "0f 00 08 00 " IP4 },
	{ EV_DECODE_NSH_HEADER_TOO_SMALL, 1, ETH "89 4f 00 42 01 01 00 00 01",
	  ETH "89 4f 00 42 01 01 00 00 01 01 " IP4 },
	{ EV_DECODE_NSH_UNSUPPORTED_VERSION, 1,
	  ETH "89 4f 40 42 01 01 00 00 01 01 " IP4,
	  ETH "89 4f 00 42 01 01 00 00 01 01 " IP4 },
	{ EV_DECODE_NSH_BAD_HEADER_LENGTH, 1,
	  ETH "89 4f 00 41 01 01 00 00 01 01 " IP4,
	  ETH "89 4f 00 42 02 01 00 00 01 01 " IP4 },
	{ EV_DECODE_NSH_RESERVED_TYPE, 1,
	  ETH "89 4f 00 42 00 01 00 00 01 01 " IP4,
	  ETH "89 4f 00 42 01 01 00 00 01 01 " IP4 },
	{ EV_DECODE_NSH_UNSUPPORTED_TYPE, 1,
	  ETH "89 4f 00 42 03 01 00 00 01 01 " IP4,
	  ETH "89 4f 00 42 01 01 00 00 01 01 " IP4 },
	{ EV_DECODE_NSH_UNKNOWN_PAYLOAD, 1,
	  ETH "89 4f 00 42 01 09 00 00 01 01 " IP4,
	  ETH "89 4f 00 42 01 01 00 00 01 01 " IP4 },
	{ EV_DECODE_MPLS_HEADER_TOO_SMALL, 1, ETH "88 47 00 01 00",
	  ETH "88 47 00 10 01 40 " IP4 },
	{ EV_DECODE_MPLS_PKT_TOO_SMALL, 1, ETH "88 47 00 10 01 40",
	  ETH "88 47 00 10 01 40 " IP4 },
	{ EV_DECODE_MPLS_BAD_LABEL_ROUTER_ALERT, 1,
	  ETH "88 47 00 00 11 40 " IP4,
	  ETH "88 47 00 00 10 40 00 10 01 40 " IP4 },
	{ EV_DECODE_MPLS_BAD_LABEL_IMPLICIT_NULL, 1,
	  ETH "88 47 00 00 31 40 " IP4, ETH "88 47 00 00 01 40 " IP4 },
	{ EV_DECODE_MPLS_BAD_LABEL_RESERVED, 1, ETH "88 47 00 00 51 40 " IP4,
	  ETH "88 47 00 00 70 40 00 10 01 40 " IP4 },
	{ EV_DECODE_MPLS_UNKNOWN_PAYLOAD_TYPE, 1,
	  ETH "88 47 00 10 01 40 99 00*4", ETH "88 47 00 10 01 40 " IP4 },
	{ EV_DECODE_ARP_PKT_TOO_SMALL, 1, ETH "08 06 00 01 08 00 06 04 00 01",
	  ETH "08 06 00 01 08 00 06 04 00 01 00*20" },
	{ EV_DECODE_ARP_UNSUPPORTED_HARDWARE, 1,
	  ETH "08 06 00 06 08 00 06 04 00 01 00*20",
	  ETH "08 06 00 01 08 00 06 04 00 02 00*20" },
	{ EV_DECODE_ARP_UNSUPPORTED_PROTOCOL, 1,
	  ETH "08 06 00 01 08 01 06 04 00 01 00*20",
	  ETH "08 06 00 01 08 00 06 04 00 03 00*20" },
	{ EV_DECODE_ARP_INVALID_HARDWARE_SIZE, 1,
	  ETH "08 06 00 01 08 00 08 04 00 01 00*24",
	  ETH "08 06 00 01 08 00 06 04 00 04 00*20" },
	{ EV_DECODE_ARP_INVALID_PROTOCOL_SIZE, 1,
	  ETH "08 06 00 01 08 00 06 10 00 01 00*44",
	  ETH "08 06 00 01 08 00 06 04 00 08 00*20" },
	{ EV_DECODE_ARP_UNSUPPORTED_OPCODE, 1,
	  ETH "08 06 00 01 08 00 06 04 00 07 00*20",
	  ETH "08 06 00 01 08 00 06 04 00 09 00*20" },
};

/* Behind an IPv6 header; 'a' is what it names. */
static const struct frame_case v6_cases[] = {
	{ EV_DECODE_IPV6_EXTHDR_DUPL_FH, IPP_FRAGMENT, "2c 00*7 11 00*7 00*8",
	  "11 00*7 00*8" },
	{ EV_DECODE_IPV6_EXTHDR_USELESS_FH, IPP_FRAGMENT, "11 00*7 00*8",
	  "11 00 00 01 00*4 00*8" },
	{ EV_DECODE_IPV6_FH_NON_ZERO_RESERVED_FIELD, IPP_FRAGMENT,
	  "11 01 00 01 00*4 00*8", "11 00 00 01 00*4 00*8" },
	{ EV_DECODE_IPV6_FRAG_INVALID_LENGTH, IPP_FRAGMENT,
	  "11 00 00 01 00*4 00*9", "11 00 00 01 00*4 00*8" },
	{ EV_DECODE_IPV6_EXTHDR_DUPL_RH, IPP_ROUTING,
	  "2b 00 02 00*5 3b 00 02 00*5", "3b 00 02 00*5" },
	{ EV_DECODE_IPV6_RH_TYPE_0, IPP_ROUTING, "3b 00*7", "3b 00 02 00*5" },
	{ EV_DECODE_IPV6_EXTHDR_DUPL_HH, IPP_HOPOPTS, "00 00*7 3b 00*7",
	  "3b 00*7" },
	{ EV_DECODE_IPV6_EXTHDR_DUPL_DH, IPP_DSTOPTS, "3c 00*7 3c 00*7 3b 00*7",
	  "3c 00*7 3b 00*7" },
	{ EV_DECODE_IPV6_EXTHDR_DUPL_AH, IPP_AH, "33 01 00*10 3b 01 00*10 00*8",
	  "3b 01 00*10" },
	{ EV_DECODE_IPV6_EXTHDR_AH_RES_NOT_NULL, IPP_AH, "3b 01 00 01 00*8",
	  "3b 01 00*10" },
	{ EV_DECODE_IPV6_EXTHDR_INVALID_OPTLEN, IPP_HOPOPTS, "3b 00 05 05 00*4",
	  "3b 00 05 02 00*4" },
	{ EV_DECODE_IPV6_EXTHDR_INVALID_OPTLEN, IPP_HOPOPTS, "3b 00 05 01 00*4",
	  "3b 00 05 02 00*4" },
	{ EV_DECODE_IPV6_HOPOPTS_UNKNOWN_OPT, IPP_HOPOPTS, "3b 00 22 04 00*4",
	  "3b 00 c2 04 00*4" },
	{ EV_DECODE_IPV6_HOPOPTS_ONLY_PADDING, IPP_HOPOPTS, "3b 00 01 04 00*4",
	  "3b 00 05 02 00 00 01 00" },
	{ EV_DECODE_IPV6_DSTOPTS_UNKNOWN_OPT, IPP_DSTOPTS, "3b 00 22 04 00*4",
	  "3b 00 04 01 04 00*3" },
	{ EV_DECODE_IPV6_DSTOPTS_ONLY_PADDING, IPP_DSTOPTS, "3b 00 01 04 00*4",
	  "3b 00 04 01 04 01 01 00" },
	{ EV_DECODE_IPV6_ZERO_LEN_PADN, IPP_DSTOPTS, "3b 00 01 00 00*4",
	  "3b 00 01 01 00*4" },
	{ EV_DECODE_IPV6_DATA_AFTER_NONE_HEADER, IPP_NONE, "00", "" },
	{ EV_DECODE_IPV6_UNKNOWN_NEXT_HEADER, 254, "00*8", NULL },
	{ EV_DECODE_IPV6_ICMPV4, IPP_ICMP, "08 00*7", NULL },
	{ EV_DECODE_IPV6_TRUNC_EXTHDR, IPP_HOPOPTS, "3b 01 00*6", "3b 00*7" },
	{ EV_DECODE_IPV6_IPV4_IN_IPV6_TOO_SMALL, IPP_IPIP, "45 00*18", IP4 },
	{ EV_DECODE_IPV6_IPV4_IN_IPV6_WRONG_VERSION, IPP_IPIP, IP6, IP4 },
	{ EV_DECODE_IPV6_IPV6_IN_IPV6_TOO_SMALL, IPP_IPV6, "60 00*38", IP6 },
	{ EV_DECODE_IPV6_IPV6_IN_IPV6_WRONG_VERSION, IPP_IPV6, IP4 "00*20",
	  IP6 },
	{ EV_DECODE_ICMPV6_PKT_TOO_SMALL, IPP_ICMPV6, "80 00*6", "80 00*7" },
	{ EV_DECODE_ICMPV6_UNKNOWN_CODE, IPP_ICMPV6, "80 01 00*6", "80 00*7" },
	{ EV_DECODE_ICMPV6_UNKNOWN_TYPE, IPP_ICMPV6, "7f 00*7", "81 00*7" },
	{ EV_DECODE_ICMPV6_UNASSIGNED_TYPE, IPP_ICMPV6, "05 00*7", "81 00*7" },
	{ EV_DECODE_ICMPV6_EXPERIMENTATION_TYPE, IPP_ICMPV6, "c8 00*7",
	  "81 00*7" },
	{ EV_DECODE_ICMPV6_IPV6_TRUNC_PKT, IPP_ICMPV6, "01 00*7 60 00*38",
	  "01 00*7 " IP6 },
	{ EV_DECODE_ICMPV6_IPV6_UNKNOWN_VERSION, IPP_ICMPV6, "01 00*7 40 00*39",
	  "01 00*7 " IP6 },
	{ EV_DECODE_ICMPV6_MLD_MESSAGE_WITH_INVALID_HL, IPP_ICMPV6, "82 00*23",
	  "86 00*23" },
	{ EV_DECODE_ESP_PKT_TOO_SMALL, IPP_ESP, "00*7", "00*8" },
};

/* Behind an IPv4 header without options. */
static const struct frame_case v4_cases[] = {
	{ EV_DECODE_IPV4_UNKNOWN_PROTOCOL, 253, "00*8", NULL },
	{ EV_DECODE_IPV4_ICMPV6, IPP_ICMPV6, "80 00*7", NULL },
	{ EV_DECODE_ICMPV4_PKT_TOO_SMALL, IPP_ICMP, "08 00*6", "08 00*7" },
	{ EV_DECODE_ICMPV4_IPV4_TRUNC_PKT, IPP_ICMP, "03 00*7 45 00*18",
	  "03 00*7 " IP4 },
	{ EV_DECODE_ICMPV4_IPV4_UNKNOWN_VER, IPP_ICMP, "03 00*7 65 00*19",
	  "03 00*7 " IP4 },
	{ EV_DECODE_IGMP_PKT_TOO_SMALL, IPP_IGMP, "16 00*6", "16 00*7" },
	{ EV_DECODE_IGMP_V3_PKT_TOO_SMALL, IPP_IGMP, "11 00*9", "11 00*11" },
	{ EV_DECODE_IGMP_MALFORMED, IPP_IGMP, "22 00*6 01 00*7",
	  "22 00*6 01 00*8" },
	{ EV_DECODE_TCP_PKT_TOO_SMALL, IPP_TCP, "00*19",
	  "00 01 00 02 00*8 50 02 00*6" },
	{ EV_DECODE_UDP_HLEN_TOO_SMALL, IPP_UDP, "00 01 00 02 00 07 00*2",
	  "00 01 00 02 00 08 00*2" },
	{ EV_DECODE_SCTP_PKT_TOO_SMALL, IPP_SCTP, "00*11", "00*12" },
	{ EV_DECODE_GRE_PKT_TOO_SMALL, IPP_GRE, "00*3", "00 00 08 00 " IP4 },
	{ EV_DECODE_GRE_WRONG_VERSION, IPP_GRE, "00 02 08 00 " IP4,
	  "00 00 08 00 " IP4 },
	{ EV_DECODE_GRE_VERSION0_RECUR, IPP_GRE, "01 00 08 00 " IP4,
	  "00 00 08 00 " IP4 },
	{ EV_DECODE_GRE_VERSION0_FLAGS, IPP_GRE, "00 08 08 00 " IP4,
	  "00 00 08 00 " IP4 },
	{ EV_DECODE_GRE_VERSION0_HDR_TOO_BIG, IPP_GRE, "20 00 08 00 00 01",
	  "20 00 08 00 00*3 01 " IP4 },
	{ EV_DECODE_GRE_VERSION0_MALFORMED_SRE_HDR, IPP_GRE,
	  "40 00 08 00 00*4 08 00 00 09 00*4",
	  "40 00 08 00 00*4 08 00 00 04 00*4 00*4 " IP4 },
	{ EV_DECODE_GRE_VERSION1_CHKSUM, IPP_GRE, "a0 01 88 0b 00*8",
	  "20 01 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_ROUTE, IPP_GRE, "60 01 88 0b 00*8",
	  "20 01 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_SSR, IPP_GRE, "28 01 88 0b 00*8",
	  "20 01 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_RECUR, IPP_GRE, "21 01 88 0b 00*8",
	  "20 01 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_FLAGS, IPP_GRE, "20 09 88 0b 00*8",
	  "20 81 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_NO_KEY, IPP_GRE, "00 01 88 0b 00*8",
	  "20 01 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_WRONG_PROTOCOL, IPP_GRE, "20 01 08 00 00*8",
	  "20 01 88 0b 00*8" },
	{ EV_DECODE_GRE_VERSION1_HDR_TOO_BIG, IPP_GRE, "30 01 88 0b 00*6",
	  "30 01 88 0b 00*8" },
	{ EV_DECODE_ERSPAN_HEADER_TOO_SMALL, IPP_GRE,
	  "10 00 88 be 00*4 10 00*6",
	  "10 00 88 be 00*4 10 00*7 " ETH "08 00 " IP4 },
	{ EV_DECODE_ERSPAN_UNSUPPORTED_VERSION, IPP_GRE,
	  "10 00 88 be 00*4 30 00*7 " ETH "08 00 " IP4,
	  "10 00 88 be 00*4 10 00*7 " ETH "08 00 " IP4 },
	{ EV_DECODE_VXLAN_UNKNOWN_PAYLOAD_TYPE, IPP_UDP,
	  "00 01 12 b5 00 1e 00 00 08 00*7 " ETH "fb b7",
	  "00 01 12 b5 00 32 00 00 08 00*7 " ETH "08 00 " IP4 },
	{ EV_DECODE_GENEVE_UNKNOWN_PAYLOAD_TYPE, IPP_UDP,
	  "00 01 17 c1 00 11 00 00 00 00 fb b7 00*4 00",
	  "00 01 17 c1 00 24 00 00 00 00 08 00 00*4 " IP4 },
};

/* Options of IPv4; the header is as long as they are. */
static const struct frame_case option_cases[] = {
	{ EV_DECODE_IPV4_OPT_INVALID_LEN, 0, "07 01 00 00", "07 03 04 00" },
	{ EV_DECODE_IPV4_OPT_INVALID_LEN, 0, "88 03 00 00", "88 04 00 00" },
	{ EV_DECODE_IPV4_OPT_INVALID, 0, "88 03 00 00", "88 04 00 00" },
	{ EV_DECODE_IPV4_OPT_MALFORMED, 0, "07 03 03 00", "07 03 04 00" },
	{ EV_DECODE_IPV4_OPT_MALFORMED, 0, "44 04 04 00", "44 04 05 00" },
	{ EV_DECODE_IPV4_OPT_EOL_REQUIRED, 0, "01 01 01 83", "01*4" },
	{ EV_DECODE_IPV4_OPT_DUPLICATE, 0, "94 04 00 00 94 04 00 00",
	  "94 04 00 00 88 04 00 00" },
	{ EV_DECODE_IPV4_OPT_UNKNOWN, 0, "5e 04 00 00", "94 04 00 00" },
	{ EV_DECODE_IPV4_OPT_PAD_REQUIRED, 0, "94 04 00 00",
	  "94 04 00 00 01*3 00" },
};

static void
check(const struct frame_case *c, bool bad, bool hit)
{
	if (hit != bad) {
		fail_msg("%s: %s for \"%s\"", event_name(c->event),
			 bad ? "not raised" : "raised", bad ? c->bad : c->good);
	}
}

static void
frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(link_cases); i++) {
		const struct frame_case *c = &link_cases[i];

		for (unsigned bad = 0; bad < 2; bad++) {
			f.len = 0;
			add_hex(bad ? c->bad : c->good);
			check(c, bad, raised(c->a, c->event));
		}
	}
}

static void
behind_ip(void **state)
{
	const struct frame_case *c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v4_cases) + ARRAY_LEN(v6_cases); i++) {
		bool v4 = i < ARRAY_LEN(v4_cases);

		c = v4 ? &v4_cases[i] : &v6_cases[i - ARRAY_LEN(v4_cases)];
		for (unsigned bad = 0; bad < 2; bad++) {
			size_t ip;

			if (!bad && c->good == NULL) {
				continue;
			}
			f.len = 0;
			ip = v4 ? add_ipv4(&f, (uint8_t)c->a, 1, 2)
				: add_ipv6(&f, (uint8_t)c->a, 1, 2);
			add_hex(bad ? c->bad : c->good);
			if (v4) {
				finish_ipv4(&f, ip);
			} else {
				finish_ipv6(&f, ip);
			}
			check(c, bad, raised(101, c->event));
		}
	}
}

static void
ipv4_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(option_cases); i++) {
		const struct frame_case *c = &option_cases[i];

		for (unsigned bad = 0; bad < 2; bad++) {
			size_t ip;

			f.len = 0;
			ip = add_ipv4(&f, IPP_UDP, 1, 2);
			add_hex(bad ? c->bad : c->good);
			f.b[ip] = (uint8_t)(0x40 | f.len / 4);
			add_hex("00 01 00 02 00 08 00 00");
			finish_ipv4(&f, ip);
			check(c, bad, raised(101, c->event));
			if (!bad) {
				assert_int_equal(out[0].dport, 2);
			}
		}
	}
}

/* MLD with hop limit 1 is as it must be. */
static void
hop_limit_of_listeners(void **state)
{
	size_t ip;

	(void)state;
	f.len = 0;
	ip = add_ipv6(&f, IPP_ICMPV6, 1, 2);
	f.b[ip + 7] = 1;
	add_hex("82 00*23");
	finish_ipv6(&f, ip);
	assert_false(raised(101, EV_DECODE_ICMPV6_MLD_MESSAGE_WITH_INVALID_HL));
}

/* The tag that the mirror took off comes back; four are too many. */
static void
erspan_vlan(void **state)
{
	size_t ip;

	(void)state;
	for (unsigned tags = 0; tags < 4; tags++) {
		f.len = 0;
		add_ether(&f, tags == 0 ? 0x0800 : 0x8100);
		for (unsigned i = 0; i < tags; i++) {
			add_be16(&f, 5);
			add_be16(&f, i + 1 < tags ? 0x8100 : 0x0800);
		}
		ip = add_ipv4(&f, IPP_GRE, 1, 2);
		add_hex("10 00 88 be 00*4 10 17 00*6 " ETH "08 00 " IP4);
		finish_ipv4(&f, ip);
		assert_int_equal(
			raised(1, EV_DECODE_ERSPAN_TOO_MANY_VLAN_LAYERS),
			tags == 3);
		assert_int_equal(n_out, 2);
		assert_ptr_equal(out[1].outer, &out[0]);
		if (tags < 3) {
			assert_int_equal(out[1].n_vlans, tags + 1);
			assert_int_equal(out[1].vlan[tags], 0x17);
		}
	}
}

static void
packet_too_big(void **state)
{
	size_t ip;

	(void)state;
	f.len = 0;
	ip = add_ipv6(&f, IPP_ICMPV6, 1, 2);
	add_hex("02 00 00 00 00 00 04 b0 " IP6);
	finish_ipv6(&f, ip);
	raised(101, EVENT_NONE + 1);
	assert_true(out[0].icmpv6_has_mtu);
	assert_int_equal(out[0].icmpv6_mtu, 1200);
	f.b[ip + 40] = 1;
	raised(101, EVENT_NONE + 1);
	assert_false(out[0].icmpv6_has_mtu);
}

/* Every name can be found again, and so can the older ones. */
static void
names(void **state)
{
	(void)state;
	for (unsigned e = 1; e < EVENT_COUNT; e++) {
		assert_int_equal(
			event_by_name(event_layer((enum event_id)e),
				      view_cstr(event_name((enum event_id)e))),
			e);
	}
	assert_int_equal(
		event_by_name("stream",
			      VIEW_LIT("est_synack_resend_with_different_ack")),
		EV_STREAM_EST_SYNACK_RESEND_WITH_DIFF_ACK);
	assert_int_equal(event_by_name("app", VIEW_LIT("dns.not_request")),
			 EV_DNS_NOT_A_REQUEST);
	assert_int_equal(event_by_name("decode", VIEW_LIT("dns.not_request")),
			 EVENT_NONE);
	assert_int_equal(event_by_name("stream", VIEW_LIT("no_such")),
			 EVENT_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames, set_up, tear_down),
		cmocka_unit_test_setup_teardown(behind_ip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ipv4_options, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(hop_limit_of_listeners, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(erspan_vlan, set_up, tear_down),
		cmocka_unit_test_setup_teardown(packet_too_big, set_up,
						tear_down),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
