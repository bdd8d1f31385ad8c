/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_trace.h - the trace of an alert, from the moment that it was raised
 *
 * Internal: included by event_*.c only.
 *
 * Place    with event_log; above common/trace.h.
 * Threads  the worker's.
 * Memory   none.
 * Cost     a hash of the datagram, or of a transaction's first words.
 */
#ifndef SENSOR_EVENT_TRACE_H
#define SENSOR_EVENT_TRACE_H

#include "common/trace.h"
#include "sensor/event_log.h"

/* The sequence numbers of a TCP flow, as far as its handshake was seen. */
void event_trace_flow(const struct flow *f, struct trace *t);
/*
 * All of it.  The content is, of a datagram, its payload (of ICMP also type,
 * code and sequence number, but no identifier, which a NAT changes), and of a
 * transaction what the client asked for: HTTP's method, URI and host, the
 * random number of TLS, number and question of DNS.
 */
void event_trace(const struct event_subject *s, struct trace *t);

#endif
