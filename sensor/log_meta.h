/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_meta.h - what rules remember of a flow, as members of an event
 *
 * "metadata": flowbits, flowints, what a pcre captured for the flow or the
 * packet, the entropy of buffers.  "traffic": flowbits of that namespace.
 *
 * Place    above rule_match.h; below event_log.
 * Threads  the event log's.
 * Memory   none.
 * Cost     linear in what is remembered.
 */
#ifndef SENSOR_LOG_META_H
#define SENSOR_LOG_META_H

#include "common/json.h"
#include "rules/rule_match.h"

/* Captures of the packet are left out when there is none. */
void log_meta(struct json *j, const struct rule_metadata *m, bool has_packet);
/* "context": what the alert's rule captured for it. */
void log_context(struct json *j, const struct rule_metadata *m,
		 const struct rule_hit *hit);

#endif
