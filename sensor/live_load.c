/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a worker is behind: how full the fullest of its rings is.
 *
 * The kernel says how many packets wait, not how much room they take.  That is
 * reckoned in two ways, of which the larger counts: by the length of the packets
 * read so far; and, since a block of the ring is handed over after the time-out
 * however little is in it, by how long ago the one that waits longest may have
 * come: not before the last one that was read, and not before the ring last had
 * nothing to give, or a link on which there was silence would look like a
 * worker that is behind.  With few packets a ring is full when hardly a tenth
 * of its bytes are.  A ring that has dropped is full.
 */
#include "sensor/live_state.h"

#include "common/clock.h"

/* Between two looks, while there is something to do. */
#define LOOK_US UINT64_C(5000)
/* The kernel's own words before each packet (TPACKET_V3), and what is rounded
 * up, about. */
#define PACKET_EXTRA 96
/* Of TPACKET_V3, as libpcap makes them. */
#define BLOCK_BYTES 262144
/* What a ring that hands packets over one by one keeps for each, at least. */
#define SLOT_LEAST 2048

static uint64_t
bytes_each(const struct capture_live_options *o,
	   const struct capture_live_counters *n)
{
	uint64_t each = n->delivered > 0 ? n->bytes / n->delivered
					 : MIN(o->snaplen, UINT32_C(1514));

	each += PACKET_EXTRA;
	return o->immediate ? MAX(each, (uint64_t)SLOT_LEAST) : each;
}

/* How many blocks so many packets take that came since the last one that was
 * read, at most. */
static uint64_t
blocks_taken(const struct live_tap *t, const struct capture_live_options *o,
	     uint64_t waiting, uint64_t mono_us)
{
	uint64_t now = clock_wall_us(), age;

	if (o->immediate || waiting == 0 || t->last_us == 0 ||
	    now <= t->last_us || tap_clock_is_foreign(o->timestamp)) {
		return 0;
	}
	/* a ring that was never seen empty says nothing by that */
	age = MIN(now - t->last_us, mono_us - t->clock.empty_us);
	return MIN(waiting, age / 1000 / o->timeout_ms);
}

static unsigned
fill_of(struct live_tap *t, const struct capture_live_options *o,
	uint64_t mono_us)
{
	uint64_t waiting, fill, blocks;
	struct capture_live_counters n;

	capture_live_count(t->handle, &n);
	if (n.dropped > t->dropped) {
		t->dropped = n.dropped;
		return OVERLOAD_FULL;
	}
	t->dropped = n.dropped; /* fewer: another handle */
	waiting = n.seen - n.dropped - MIN(n.delivered, n.seen - n.dropped);
	fill = waiting * bytes_each(o, &n) * OVERLOAD_FULL / o->ring_bytes;
	blocks = blocks_taken(t, o, waiting, mono_us) * OVERLOAD_FULL /
		 MAX(o->ring_bytes / BLOCK_BYTES, 1U);
	fill = MAX(fill, blocks);
	return (unsigned)MIN(fill, (uint64_t)OVERLOAD_FULL);
}

void
live_look_at_load(struct live_worker *w)
{
	uint64_t now = clock_mono_us();
	unsigned fill = 0;

	if (now < w->load_us + LOOK_US) {
		return;
	}
	w->load_us = now;
	for (unsigned i = 0; i < w->live->n_ports; i++) {
		struct live_tap *t = &w->tap[i];

		if (t->handle != NULL && !t->broken) {
			unsigned f =
				fill_of(t, &w->live->port[i].conf->open, now);

			fill = MAX(fill, f);
		}
	}
	worker_behind(w->worker, fill, now);
}
