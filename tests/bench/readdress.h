/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readdress.h - the same frame between other hosts
 *
 * Place    above common/base.h; of the benchmark's tools.
 * Threads  pure functions on the caller's bytes.
 * Memory   none.
 * Cost     some tens of instructions a header.
 */
#ifndef BENCH_READDRESS_H
#define BENCH_READDRESS_H

#include "common/base.h"

/*
 * Moves the addresses of an Ethernet frame, and of what is tunnelled in it,
 * to those of copy number 'copy'; 0 changes nothing.  Private networks stay
 * what they are, public addresses keep their first and last byte, what is
 * not one host's stays.  IPv4, TCP, UDP and ICMPv6 checksums are carried
 * along: right ones stay right, wrong ones wrong.
 */
void readdress(uint8_t *frame, size_t n, uint32_t copy);

/* What a frame carries, as far as its simplest headers tell. */
struct carried {
	uint8_t proto; /* 6, 17; 0: neither */
	uint16_t sport, dport;
	struct view payload;
};
struct carried carried_by(const uint8_t *frame, size_t n);

#endif
