/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet_maker.h - packets as literals, for tests of flow and stream
 *
 * Place    tests only.
 * Memory   a packet borrows its frame from the maker.
 */
#ifndef TESTS_PACKET_MAKER_H
#define TESTS_PACKET_MAKER_H

#include "sensor/packet.h"

struct made {
	struct frame frame;
	struct packet pkt;
};

static inline void
make_packet(struct made *m, uint64_t ts_us, uint8_t proto, const char *src,
	    uint16_t sport, const char *dst, uint16_t dport)
{
	bool ok;

	memset(m, 0, sizeof(*m));
	m->frame.ts_us = ts_us;
	m->frame.wirelen = m->frame.caplen = 100;
	m->pkt.frame = &m->frame;
	m->pkt.proto = proto;
	m->pkt.sport = sport;
	m->pkt.dport = dport;
	m->pkt.tcp_wscale = 0xff;
	ok = addr_parse(view_cstr(src), &m->pkt.src) &&
	     addr_parse(view_cstr(dst), &m->pkt.dst);
	m->pkt.ip_version = ok && addr_is_v4(&m->pkt.src) ? 4 : 6;
}

static inline void
make_tcp(struct made *m, uint64_t ts_us, bool from_client, uint8_t flags,
	 uint32_t seq, uint32_t ack, const void *data, size_t len)
{
	if (from_client) {
		make_packet(m, ts_us, IPP_TCP, "10.0.0.1", 40000, "10.0.0.2",
			    80);
	} else {
		make_packet(m, ts_us, IPP_TCP, "10.0.0.2", 80, "10.0.0.1",
			    40000);
	}
	m->pkt.tcp_flags = flags;
	m->pkt.tcp_seq = seq;
	m->pkt.tcp_ack = ack;
	m->pkt.tcp_window = 65535;
	m->pkt.payload = view_of(data, len);
}

#endif
