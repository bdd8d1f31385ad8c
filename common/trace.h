/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - what of an event looks the same at every tap
 *
 * Addresses and ports change at a NAT, times with the clock, headers with the
 * tunnel.  What a sender put inside does not: TCP's initial sequence numbers,
 * the IPv4 identification, the content.  A sensor adds a trace to the alerts
 * that it forwards, so that a collector can tell one event that two taps saw
 * from two events.
 *
 * As text: the sequence numbers of client and server, the content and the
 * identification, in lower case hexadecimal, parted by "-"; what is not known
 * is empty.  The shortest is "---".
 *
 * Place    above base.h; below alert.h.
 * Threads  by value.
 * Memory   none.
 * Cost     some 30 ns each way.
 */
#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

#include "common/base.h"

#define TRACE_TEXT_CAP 48
/* The longest handshake that is believed. */
#define ANCHOR_WAIT_MAX_US UINT64_C(3600000000)

struct trace {
	uint64_t content; /* a hash of what was said; 0: not known */
	uint32_t isn[2]; /* of client and server, as far as they are known */
	bool has_isn[2];
	uint16_t ip_id; /* 0: not known, or of no use */
};

/* Writes the text and a NUL; returns its length. */
size_t trace_format(const struct trace *t, char out[TRACE_TEXT_CAP]);
/* False when 'text' is no trace; '*t' is empty then. */
bool trace_parse(struct view text, struct trace *t) MUST_CHECK;
/* One number of both sequence numbers, well mixed, for a connection whose
 * handshake was seen; the same at every tap. */
uint64_t trace_connection(uint32_t client, uint32_t server);

#endif
