/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h - a captured frame, and one IP packet found in it
 *
 * A frame that carries a tunnel holds several packets: the outer one and each
 * inner one.  A frame that completes a fragmented datagram holds the fragment
 * and the datagram put together.  Each is inspected on its own.
 *
 * Place    lowest in sensor/.
 * Threads  a worker's own.
 * Memory   views borrow from the capture batch or from the defragmenter, and
 *          are valid until the frame is done with.
 */
#ifndef SENSOR_PACKET_H
#define SENSOR_PACKET_H

#include "common/addr.h"
#include "common/csum.h"
#include "common/events.h"
#include "common/proto.h"

/*
 * What a first look tells of a frame (decode_peek.h): whether it is as nearly
 * all are, and where its headers begin then.
 */
enum frame_kind {
	FRAME_IPV4, /* whole TCP or UDP, no IP options, no fragment */
	FRAME_IPV6, /* the same without extension headers */
	FRAME_OTHER, /* anything else; the layers tell */
};

struct frame_shape {
	uint8_t kind; /* enum frame_kind */
	uint8_t l3_off, l4_off; /* from the frame's first byte */
	uint8_t proto; /* IPP_TCP or IPP_UDP */
	uint16_t l4_len; /* what IP says is behind its header, and is */
};

/* One record of a capture. */
struct frame {
	const uint8_t *data;
	uint32_t caplen; /* bytes present */
	uint32_t wirelen; /* bytes that were on the wire */
	uint64_t ts_us; /* wall time of capture */
	uint64_t number; /* 1-based, EVE's pcap_cnt; 0 for live capture */
	uint16_t linktype; /* DLT/LINKTYPE value of the capture format */
	uint16_t iface; /* of live capture: 1 for the first interface */
	uint16_t ts_ns; /* of live capture: nanoseconds behind ts_us */
};

/* Where what is said of a frame stands among the rest. */
static inline uint64_t
frame_order(const struct frame *f)
{
	return f->number != 0 ? f->number : f->ts_us;
}

#define PKT_MAX_VLANS 3

enum packet_flags {
	PKT_FRAGMENT = 1 << 0, /* an IP fragment; no transport header */
	PKT_REASSEMBLED = 1 << 1, /* put together by defrag */
	PKT_INNER = 1 << 2, /* was inside a tunnel */
	PKT_OUTER = 1 << 3, /* carries a tunnel; see the next packet */
	PKT_TRUNCATED = 1 << 4, /* snap length cut it */
	PKT_BAD_IP_CSUM = 1 << 5,
	PKT_BAD_L4_CSUM = 1 << 6,
	PKT_BROKEN = 1 << 7, /* headers unusable: rules may look, flows not */
	PKT_ICMP_ERROR = 1 << 8, /* carries the head of an offending packet */
	PKT_NO_L4_CSUM = 1 << 9, /* none, or left to the network card */
	PKT_L4_CSUM_DUE = 1 << 10, /* see packet_l4_csum_ok() */
	PKT_IP_CSUM_DUE = 1 << 11, /* see packet_ip_csum_ok() */
};

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

/*
 * What every TCP segment and UDP datagram has comes first; the rest, from
 * PACKET_REST on, stays zero for an ordinary one.
 */
struct packet {
	const struct frame *frame;
	const uint8_t *ether; /* Ethernet header or NULL */
	struct view l3; /* IP header up to the datagram's end */
	struct view l4; /* transport header up to the datagram's end */
	struct view payload;
	struct addr src, dst;
	uint64_t flow_hash; /* by flow_key.h, computed ahead; 0: not yet */
	uint32_t flow_at; /* with it: flow.c's guess where the flow is, or 0 */
	uint32_t flags; /* enum packet_flags */
	uint16_t sport, dport; /* TCP, UDP, SCTP; else 0 */
	/* Side by side, as in struct flow: compared at once. */
	uint8_t n_vlans;
	uint8_t proto; /* final upper-layer protocol */
	uint8_t ip_version; /* 4, 6; 0: not IP, only link facts are set */
	uint8_t ttl;
	uint32_t l3_hlen; /* IPv4 header, or IPv6 with its extension headers */
	uint32_t l4_hlen;
	uint16_t ether_type; /* of the innermost link layer; 0 if none */
	uint8_t tos;
	uint16_t ip_id; /* IPv6: low 16 bits of the fragment id */
	uint32_t frag_id;
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window, tcp_urgent;
	uint8_t tcp_flags;
	uint8_t tcp_wscale; /* shift; 0xff: absent */
	uint8_t frag_flags; /* 4 reserved, 2 DF, 1 MF */

	uint16_t vlan[PKT_MAX_VLANS];
	uint8_t depth; /* 0 outermost, +1 for each tunnel */
	bool tcp_has_ts;
	uint32_t tcp_ts_val, tcp_ts_ecr;
	uint16_t tcp_mss; /* 0: absent */
	bool tcp_sack_ok;
	bool tcp_signed; /* MD5 or authentication option */
	bool tcp_fast_open; /* RFC 7413, or its experiment of RFC 6994 */
	bool icmp_has_id;
	uint16_t frag_offset; /* 8-byte units */
	uint32_t ip_options; /* enum inspect_ipopt bits (rules/inspect.h) */
	uint32_t tunnel_id; /* VNI, GRE key, ...; 0 outside */
	uint8_t icmp_type, icmp_code; /* also IGMP's type */
	uint16_t icmp_id, icmp_seq;
	bool icmpv6_has_mtu; /* is "packet too big" */
	uint32_t icmpv6_mtu;
	const struct packet *outer; /* of the same frame; NULL: outermost */
	struct view link; /* PKT_REASSEMBLED: what stood before its last part */
	struct event_set events;
};

#define PACKET_REST offsetof(struct packet, vlan)

/* Whether that of an IPv4 header is right; the same way. */
static inline bool
packet_ip_csum_ok(const struct packet *p)
{
	if ((p->flags & PKT_IP_CSUM_DUE) != 0) {
		return csum_fold(csum_add(0, p->l3.p, p->l3_hlen)) == 0xffff;
	}
	return (p->flags & PKT_BAD_IP_CSUM) == 0;
}

/*
 * Whether the transport's checksum is right, or cannot be judged.  Summed up
 * at the first question only: most captures are never asked.
 */
static inline bool
packet_l4_csum_ok(struct packet *p)
{
	if ((p->flags & PKT_L4_CSUM_DUE) != 0) {
		p->flags &= ~(uint32_t)PKT_L4_CSUM_DUE;
		if (UNLIKELY(!csum_transport_ok(&p->src, &p->dst, p->ip_version,
						p->proto, p->l4))) {
			p->flags |= PKT_BAD_L4_CSUM;
		}
	}
	return (p->flags & PKT_BAD_L4_CSUM) == 0;
}

/* The most packets one frame may hold (tunnels and a finished datagram). */
#define FRAME_MAX_PACKETS 8

#endif
