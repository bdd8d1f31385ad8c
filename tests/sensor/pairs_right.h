/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what decode_pair.c tells of a frame ahead is what decoding it gave. */
#ifndef TESTS_SENSOR_PAIRS_RIGHT_H
#define TESTS_SENSOR_PAIRS_RIGHT_H

#include "sensor/decode.h"

static inline bool
pairs_right(const struct decoder *d, const struct frame *f,
	    const struct packet *out, unsigned n)
{
	uint32_t lone = decode_lone_pair(d, f);
	struct decode_pairs p;

	decode_pairs(d, f, &p);
	if (lone != 0 && (p.n != 1 || p.fragment || p.hash[0] != lone)) {
		return false;
	}
	/* A datagram put together, and what is in it, come behind. */
	if (p.n > n || (p.n < n && !p.fragment)) {
		return false;
	}
	for (unsigned i = 0; i < p.n; i++) {
		if (p.hash[i] != decode_pair_hash(&out[i]) ||
		    (p.hash[i] != 0) != (out[i].ip_version != 0)) {
			return false;
		}
	}
	return true;
}

#endif
