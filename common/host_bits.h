/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_bits.h - about how many hosts, in 32 bits
 *
 * Each host sets one bit by its address, so that who saw the same hosts sets the
 * same bits and sets of hosts are joined by OR.  How many bits stay empty says how
 * many hosts there were: within a host or two up to 10, within a fifth up to 60; a
 * full set says HOST_BITS_MOST, whatever is behind it.  The bit is the five highest
 * of XXH64 with seed 0 of the 16 bytes of the address; bits are stored and sent.
 *
 * Place    above addr.h.
 * Threads  pure.
 * Memory   none.
 * Cost     a few ns.
 */
#ifndef COMMON_HOST_BITS_H
#define COMMON_HOST_BITS_H

#include "common/addr.h"

#define HOST_BITS_MOST 130

/* The one bit of a host. */
uint32_t host_bits_of(const struct addr *a);
/* About how many hosts; 0 only of none. */
unsigned host_bits_count(uint32_t bits);

#endif
