/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.h - one frame to the IP packets in it
 *
 * Place    above decode_link, decode_ip, decode_l4, decode_tunnel, defrag.
 * Threads  one decoder per worker.
 * Memory   fragments wait in the worker's pool, bounded; see defrag.h.
 * Cost     no allocation except for fragments.
 */
#ifndef SENSOR_DECODE_H
#define SENSOR_DECODE_H

#include "common/conf.h"
#include "common/pool.h"
#include "sensor/packet.h"

struct decoder;

/* Counters by Suricata's names below stats.decoder where it has them. */
#define DECODE_COUNTER_LIST(C) \
	C(pkts) \
	C(bytes) \
	C(invalid) \
	C(ethernet) \
	C(raw) \
	C(null) \
	C(sll) C(sll2) C(ppp) C(pppoe) C(vlan) C(vlan_qinq) C(mpls) C(arp) C( \
		unknown_ethertype) C(ipv4) C(ipv6) C(tcp) C(udp) C(sctp) \
		C(icmpv4) C(icmpv6) C(esp) C(gre) C(erspan) C(vxlan) C(geneve) \
			C(teredo) C(ipv4_in_ipv6) C(ipv6_in_ipv6) C( \
				ipv4_in_ipv4) C(ipv6_in_ipv4) C(unknown_link) \
				C(not_ip) C(too_many_layers) C(frag_ipv4) \
					C(frag_ipv6) C(frag_ipv4_reassembled) \
						C(frag_ipv6_reassembled) C( \
							frag_timeout) \
							C(frag_no_memory)

struct decode_counters {
#define C(name) uint64_t name;
	DECODE_COUNTER_LIST(C)
#undef C
};

struct decoder *decoder_new(const struct conf *conf, struct pool *pool);
void decoder_free(struct decoder *d);

/*
 * Decodes 'f' into 'out', outermost first, and returns how many packets it
 * holds, at least 1.  A frame without IP gives one packet with ip_version 0.
 * Never reads past caplen.  The packets' views are valid until the next call.
 */
unsigned decode_frame(struct decoder *d, const struct frame *f,
		      struct packet out[FRAME_MAX_PACKETS]);

const struct decode_counters *decode_counters(const struct decoder *d);

/*
 * A hash of the outermost IP address pair, the same in both directions and
 * for fragments; 0 for anything else.  Stateless: the dispatcher uses it to
 * give all packets of two hosts to one worker.
 */
uint32_t decode_pair_hash(const struct frame *f);

#endif
