/* SPDX-License-Identifier: Apache-2.0 */
/* ARP (RFC 826): counted, and its form checked; nothing in it is IP. */
#include "sensor/decode_ctx.h"
#include "sensor/ethertype.h"

#define ARP_FIXED 8
#define ARP_ETHERNET_IPV4 28

/* RFC 826, 903, 2390: request and reply of ARP, RARP and InARP. */
static bool
known_opcode(uint16_t op)
{
	return (op >= 1 && op <= 4) || op == 8 || op == 9;
}

enum decode_step
decode_arp(struct decode_ctx *x)
{
	const uint8_t *h = x->rest.p;

	x->count->arp++;
	x->count->not_ip++;
	if (x->rest.len < ARP_FIXED) {
		decode_event(x, EV_DECODE_ARP_PKT_TOO_SMALL);
	} else if (load_be16(h) != 1) {
		decode_event(x, EV_DECODE_ARP_UNSUPPORTED_HARDWARE);
	} else if (load_be16(h + 2) != ETH_IPV4) {
		decode_event(x, EV_DECODE_ARP_UNSUPPORTED_PROTOCOL);
	} else if (h[4] != 6) {
		decode_event(x, EV_DECODE_ARP_INVALID_HARDWARE_SIZE);
	} else if (h[5] != 4) {
		decode_event(x, EV_DECODE_ARP_INVALID_PROTOCOL_SIZE);
	} else if (x->rest.len < ARP_ETHERNET_IPV4) {
		decode_event(x, EV_DECODE_ARP_PKT_TOO_SMALL);
	} else if (!known_opcode(load_be16(h + 6))) {
		decode_event(x, EV_DECODE_ARP_UNSUPPORTED_OPCODE);
	}
	return STEP_DONE;
}
