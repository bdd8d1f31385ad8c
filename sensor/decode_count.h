/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_count.h - what the decoder counts
 *
 * Place    above base.h.
 * Threads  a worker writes, whoever reports reads copies.
 * Memory   caller's.
 */
#ifndef SENSOR_DECODE_COUNT_H
#define SENSOR_DECODE_COUNT_H

#include "common/base.h"

/* Counters by Suricata's names below stats.decoder where it has them. */
/* clang-format off */
#define DECODE_COUNTER_LIST(C) \
	C(pkts) \
	C(bytes) \
	C(invalid) \
	C(ethernet) \
	C(raw) \
	C(null) \
	C(sll) \
	C(sll2) \
	C(ppp) \
	C(pppoe) \
	C(vlan) \
	C(vlan_qinq) \
	C(mpls) \
	C(arp) \
	C(unknown_ethertype) \
	C(ipv4) \
	C(ipv6) \
	C(tcp) \
	C(udp) \
	C(sctp) \
	C(icmpv4) \
	C(icmpv6) \
	C(esp) \
	C(gre) \
	C(erspan) \
	C(vxlan) \
	C(geneve) \
	C(teredo) \
	C(ipv4_in_ipv6) \
	C(ipv6_in_ipv6) \
	C(ipv4_in_ipv4) \
	C(ipv6_in_ipv4) \
	C(unknown_link) \
	C(not_ip) \
	C(too_many_layers) \
	C(frag_ipv4) \
	C(frag_ipv6) \
	C(frag_ipv4_reassembled) \
	C(frag_ipv6_reassembled) \
	C(frag_timeout) \
	C(frag_no_memory) \
	C(chdlc) \
	C(vntag) \
	C(ieee8021ah) \
	C(nsh) \
	C(igmp) \
	C(fddi) \
	C(wifi)
/* clang-format on */

struct decode_counters {
#define C(name) uint64_t name;
	DECODE_COUNTER_LIST(C)
#undef C
};

/*
 * Ordinary frames (decode_plain.c) are told by three facts, which imply all
 * that there is to count; they are counted apart and added when somebody asks.
 */
#define DECODE_TALLY(is_ipv6, is_tcp, has_tag) \
	((unsigned)(is_ipv6) << 2 | (unsigned)(is_tcp) << 1 | \
	 (unsigned)(has_tag))
#define DECODE_TALLIES 8

struct decode_tally {
	uint64_t bytes;
	uint64_t frames[DECODE_TALLIES];
};

#endif
