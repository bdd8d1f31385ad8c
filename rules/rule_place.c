/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_place.h"

static uint8_t
class_proto(enum packet_class c)
{
	static const uint8_t protos[PACKET_CLASSES] = {
		[PACKET_TCP_STREAM] = PROTO_TCP, [PACKET_TCP] = PROTO_TCP,
		[PACKET_UDP] = PROTO_UDP,        [PACKET_ICMP4] = PROTO_ICMP4,
		[PACKET_ICMP6] = PROTO_ICMP6,    [PACKET_SCTP] = PROTO_SCTP,
		[PACKET_OTHER] = PROTO_OTHER,
	};

	return protos[c];
}

uint8_t
rule_place_proto(const struct rule_place *at)
{
	return at->at == AT_TX || at->at == AT_TX_BARE || at->at == AT_STREAM
		       ? 0
		       : class_proto((enum packet_class)at->which);
}

/* The buffer whose news make a transaction rule a candidate. */
static int
trigger_buffer(const struct rule_prog *p)
{
	if (p->fast_list >= 0) {
		return (int)p->lists[p->fast_list].buf;
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf != BUF_PAYLOAD &&
		    !buf_is_addr(p->lists[i].buf)) {
			return (int)p->lists[i].buf;
		}
	}
	return -1;
}

static bool
asks_event(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_tests; i++) {
		if (p->tests[i].fact == FACT_EVENT) {
			return true;
		}
	}
	return false;
}

static bool
asks_set_bit(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_bits; i++) {
		if (p->bits[i].cmd == BIT_ISSET) {
			return true;
		}
	}
	return false;
}

static bool
on_this_packet(const struct rule_prog *p, enum packet_class c)
{
	if ((p->protos & class_proto(c)) == 0) {
		return false;
	}
	if (c == PACKET_TCP_STREAM) {
		return p->on_every_packet;
	}
	return c != PACKET_TCP || p->on_packet;
}

bool
rule_belongs(const struct rule_prog *p, const struct rule_place *at)
{
	bool on_class =
		at->which < PACKET_CLASSES &&
		(p->protos & class_proto((enum packet_class)at->which)) != 0;

	if ((p->dirs >> at->dir & 1) == 0 || p->never) {
		return false;
	}
	switch (at->at) {
	case AT_TX:
		return p->kind == PROG_TX &&
		       trigger_buffer(p) == (int)at->which;
	case AT_TX_BARE:
		return p->kind == PROG_TX && trigger_buffer(p) < 0 &&
		       p->app == at->which;
	case AT_STREAM:
		return p->kind == PROG_PAYLOAD && p->on_stream;
	case AT_PAYLOAD:
		return p->kind == PROG_PAYLOAD &&
		       on_this_packet(p, (enum packet_class)at->which);
	case AT_FIRST:
		return on_class && p->kind == PROG_IPONLY;
	case AT_EVENT:
		return on_class && p->kind == PROG_PACKET && asks_event(p);
	case AT_BITS:
		return on_class && p->kind == PROG_PACKET && !asks_event(p) &&
		       asks_set_bit(p);
	default:
		return on_class && p->kind == PROG_PACKET && !asks_event(p) &&
		       !asks_set_bit(p);
	}
}
