/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap_clock.h - an adapter's clock held against the host's
 *
 * Packets of several interfaces are put in order by their time, and so are the
 * two directions of a link.  That needs one clock.  Time stamps of an adapter
 * are its own: when it is far from the host's, its packets are given the time
 * of the host, as of when they came; what lies between two of them stays.
 *
 * When a packet came is known from both sides: not after it was read, and not
 * before the ring was last seen empty, less what a packet may wait for others
 * in the kernel.  A worker that was behind is thus not mistaken for a clock
 * that is.
 *
 * Place    above capture.h; below live.
 * Threads  one clock, one worker.
 * Memory   caller's.
 * Cost     nothing for stamps of the host; else a few comparisons a batch.
 */
#ifndef SENSOR_TAP_CLOCK_H
#define SENSOR_TAP_CLOCK_H

#include "sensor/capture.h"

/* Nearer than that to what is possible, an adapter's clock is believed. */
#define TAP_CLOCK_FAR_US INT64_C(1000000)

struct tap_clock {
	bool watched; /* the stamps are not the host's */
	bool off; /* far from it: packets are given other times */
	int64_t shift_us; /* added to them */
	uint64_t empty_us; /* monotonic: nothing waited then; 0: not known */
};

/* Whether stamps of this type (pcap-tstamp(7)) are another clock's. */
bool tap_clock_is_foreign(const char *timestamp);

/* Another handle: nothing is known. */
void tap_clock_reset(struct tap_clock *c, bool watched);

/* Nothing waited at 'mono_us'. */
static inline void
tap_clock_empty(struct tap_clock *c, uint64_t mono_us)
{
	c->empty_us = mono_us;
}

/*
 * 'b' was just read, at 'wall_us' and 'mono_us'; no packet waits longer than
 * 'hold_us' before it can be read.  Puts the frames' time right if need be.
 */
void tap_clock_check(struct tap_clock *c, struct batch_frames *b,
		     uint64_t wall_us, uint64_t mono_us, uint64_t hold_us);

#endif
