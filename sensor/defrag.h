/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defrag.h - IP fragments put together again
 *
 * One table for both versions of IP; the version is part of the key, so that
 * an IPv6 fragment can never meet an IPv4 datagram.  What happens where
 * fragments overlap depends on the receiving host: see
 * defrag_policy.h.
 *
 * Place    above packet.h and pool.h, below decode_ctx.h.
 * Threads  one per worker; nothing here may be shared.
 * Memory   from the pool: about 2.5 KiB for the first fragment of a datagram,
 *          then 1.5 times the bytes.  Bounded by defrag.memcap,
 *          defrag.trackers and defrag.max-frags; at a limit the datagrams
 *          that waited longest are given up, and counted.
 * Cost     proportional to the bytes of the fragment, whatever its datagram
 *          looks like; no search through earlier fragments.
 */
#ifndef SENSOR_DEFRAG_H
#define SENSOR_DEFRAG_H

#include "common/conf.h"
#include "common/pool.h"
#include "sensor/packet.h"

struct defrag;

/* One fragment; facts that decoding found are in 'pkt'. */
struct defrag_fragment {
	struct view header; /* IPv4 header, or IPv6 header and what precedes
			       the fragment header */
	size_t next_header_at; /* IPv6: where 'header' names what follows */
	struct view data;
};

struct defrag_counters {
	uint64_t timeout, no_memory;
};

/*
 * Keys read: defrag.memcap, defrag.trackers, defrag.max-frags,
 * defrag.timeout (seconds), host-os-policy.OS (lists of networks),
 * vlan.use-for-tracking.  'conf' may be NULL.
 */
struct defrag *defrag_new(const struct conf *conf, struct pool *pool);
void defrag_free(struct defrag *d);

/*
 * Takes a fragment.  True when it was the last one missing: then '*datagram'
 * is the whole IP datagram, header first (an IPv6 one without its fragment
 * header), and valid until defrag_recycle().  Sets events in pkt->events.
 */
bool defrag_push(struct defrag *d, struct packet *pkt,
		 const struct defrag_fragment *frag, struct view *datagram);

/* Takes back the datagrams handed out. */
void defrag_recycle(struct defrag *d);

const struct defrag_counters *defrag_counters(const struct defrag *d);

#endif
