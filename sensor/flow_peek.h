/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_peek.h - the flow of a frame ahead of its turn
 *
 * Place    above decode_peek.h and flow_key.h.
 * Threads  pure.
 * Memory   borrows from the frame.
 * Cost     that of decode_peek() and flow_key_hash().
 */
#ifndef SENSOR_FLOW_PEEK_H
#define SENSOR_FLOW_PEEK_H

#include "sensor/decode_peek.h"
#include "sensor/flow_key.h"

/*
 * What flow_hash() will give for the only packet of an ordinary frame, or for
 * the outermost when its ports are a tunnel's; 0 for all other frames.
 */
static inline uint64_t
flow_peek(const struct flow_keying *k, const struct frame *f)
{
	struct frame_shape s = decode_shape(f);
	const uint8_t *ip = f->data + s.l3_off, *l4 = f->data + s.l4_off;
	bool v6 = s.kind == FRAME_IPV6, tagged = s.l3_off != PEEK_ETHER;
	struct flow_key_addr src, dst;
	uint16_t vlan = 0;

	if (s.kind == FRAME_OTHER) {
		return 0;
	}
	if (v6) {
		src = flow_key_v6(ip + 8);
		dst = flow_key_v6(ip + 24);
	} else {
		src = flow_key_v4(ip + 12);
		dst = flow_key_v4(ip + 16);
	}
	if (UNLIKELY(tagged)) {
		vlan = load_be16(f->data + PEEK_ETHER) & 0xfff;
	}
	return flow_key_hash(
		k, src, dst, load_be16(l4), load_be16(l4 + 2),
		flow_key_rest(k, v6 ? 6 : 4, s.proto, &vlan, tagged, 0));
}

#endif
