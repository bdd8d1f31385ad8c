/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_name.h - domain names on the wire, compressed or not
 *
 * RFC 1035 3.1 and 4.1.4.  Pointers are the hazard (RFC 9267 2): they may
 * point at themselves, at each other or behind the message.  What bounds them
 * here is the count of steps, whichever way they point; forward pointers are
 * followed, since resolvers exist that do.
 *
 * Place    above arena.h.
 * Threads  pure.
 * Memory   the text is copied to the caller's arena.
 * Cost     at most DNS_NAME_MAX_STEPS labels and pointers a name.
 */
#ifndef SENSOR_DNS_NAME_H
#define SENSOR_DNS_NAME_H

#include "common/arena.h"
#include "common/events.h"

/*
 * Longest text of a name that is kept.  RFC 1035 2.3.4 allows 255 bytes on
 * the wire, yet resolvers have accepted more; what is longer still is cut.
 */
#define DNS_NAME_MAX_TEXT 1025
#define DNS_NAME_MAX_STEPS 255 /* labels and pointers followed */

struct dns_name {
	struct view text; /* dotted, without the last dot; bytes as sent */
	bool truncated; /* only its first DNS_NAME_MAX_TEXT bytes */
};

/*
 * Moves '*pos' behind the name that begins there, following nothing; false
 * when it leaves the message or uses a reserved label type.
 */
bool dns_name_skip(struct view msg, size_t *pos) MUST_CHECK;

/*
 * Reads the name at '*pos' and moves '*pos' behind it.  False when it cannot
 * be read to an end.  DNS_NAME_TOO_LONG, DNS_INFINITE_LOOP and
 * DNS_TOO_MANY_LABELS are added to 'events'; a name that loops is kept as
 * far as it got when what follows it is known.
 */
bool dns_name_read(struct view msg, size_t *pos, struct arena *a,
		   struct dns_name *out, struct event_set *events) MUST_CHECK;

#endif
