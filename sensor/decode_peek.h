/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_peek.h - a first look at a frame
 *
 * Tells the ordinary frame from all others: Ethernet with at most one 802.1Q
 * tag, IPv4 without options or IPv6 without extension headers, whole, TCP or
 * UDP.  Whoever wants the addresses and ports ahead of the packet's turn, to
 * find its flow or its worker, needs no more; decode_frame() goes on from it.
 *
 * Place    above packet.h.
 * Threads  pure.
 * Memory   borrows from the frame; never reads past caplen.
 * Cost     a few compares; touches the first 58 bytes at most.
 */
#ifndef SENSOR_DECODE_PEEK_H
#define SENSOR_DECODE_PEEK_H

#include "sensor/ethertype.h"
#include "sensor/packet.h"

#define PEEK_ETHER 14 /* bytes of the header */
#define PEEK_VLAN 4
#define PEEK_IPV4 20
#define PEEK_IPV6 40
#define PEEK_TCP 20
#define PEEK_UDP 8

/* The least length of the transport's header; 0 for what is not ordinary. */
static inline size_t
peek_transport(uint8_t proto)
{
	return proto == IPP_TCP ? PEEK_TCP : proto == IPP_UDP ? PEEK_UDP : 0;
}

static inline __attribute__((always_inline)) struct frame_shape
decode_peek(const struct frame *f)
{
	struct frame_shape s = { .kind = FRAME_OTHER };
	size_t off = PEEK_ETHER, total, hlen, need;
	const uint8_t *ip;
	uint16_t type;

	/* Enough for a tag and a whole IPv4 header behind it. */
	if (UNLIKELY(f->linktype != 1 ||
		     f->caplen < PEEK_ETHER + PEEK_VLAN + PEEK_IPV4)) {
		return s;
	}
	type = load_be16(f->data + 12);
	if (UNLIKELY(type == ETH_VLAN)) {
		type = load_be16(f->data + 16);
		off += PEEK_VLAN;
	}
	ip = f->data + off;
	if (LIKELY(type == ETH_IPV4)) {
		if (UNLIKELY(ip[0] != 0x45 ||
			     (load_be16(ip + 6) & 0x3fff) != 0)) {
			return s;
		}
		s.kind = FRAME_IPV4;
		s.proto = ip[9];
		total = load_be16(ip + 2);
		hlen = PEEK_IPV4;
	} else if (type == ETH_IPV6) {
		if (UNLIKELY(ip[0] >> 4 != 6)) {
			return s;
		}
		s.kind = FRAME_IPV6;
		s.proto = ip[6];
		total = (size_t)load_be16(ip + 4) + PEEK_IPV6;
		hlen = PEEK_IPV6;
	} else {
		return s;
	}
	need = peek_transport(s.proto);
	if (UNLIKELY(need == 0 || total < hlen + need ||
		     total > f->caplen - off)) {
		return (struct frame_shape){ .kind = FRAME_OTHER };
	}
	s.l3_off = (uint8_t)off;
	s.l4_off = (uint8_t)(off + hlen);
	s.l4_len = (uint16_t)(total - hlen);
	return s;
}

#endif
