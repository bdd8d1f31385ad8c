/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contacts_state.h - the inside of the table of contacts
 *
 * Internal: included by contacts.c and contacts_*.c only.
 *
 * Place    with contacts.
 * Threads  as contacts.h.
 * Memory   as contacts.h.
 * Cost     as contacts.h.
 */
#ifndef SENSOR_CONTACTS_STATE_H
#define SENSOR_CONTACTS_STATE_H

#include "sensor/contacts.h"

/* Destinations that are kept of a host, so that the line's can be picked. */
#define KEPT_HOME 24
#define KEPT_OUTSIDE 8
#define PAIRS_PER_HOST 4 /* room for so many, over all hosts */

/* Why a destination is kept; the greater goes first. */
enum pair_weight { PAIR_PLAIN, PAIR_ADMIN, PAIR_AGAIN, PAIR_WEIGHTS };

/* A list by age, the oldest first. */
struct host_list {
	uint32_t first, last, n;
};

struct contact_pair {
	struct contacts_to to;
	uint32_t host; /* whose */
	uint32_t next; /* of the same host, or free */
	uint32_t chain;
	uint8_t weight; /* enum pair_weight */
};

struct contact_host {
	struct addr ip;
	uint64_t interval; /* its number since the epoch */
	uint64_t flows, failed, bytes_out, bytes_in;
	struct hll peers, ports;
	uint64_t least_bytes; /* no plain destination kept has less */
	uint32_t chain;
	uint32_t prev, next; /* by age, or free */
	uint32_t pairs; /* the first */
	uint8_t n_pairs, n_of[PAIR_WEIGHTS];
	uint8_t lane; /* 0, or 1 + place in 'exercise' */
	bool home;
	bool weighed; /* its destinations were; before, all count as plain */
};

/* Pairs of earlier intervals: words of four generations side by side. */
struct seen_pairs {
	uint64_t *word; /* [n * SEEN_GENERATIONS] */
	uint32_t mask; /* n - 1 */
	uint64_t generation; /* the latest */
};
#define SEEN_GENERATIONS 4
#define SEEN_WORDS_PER_HOST 4 /* of each generation */
#define SEEN_SHIFT 6 /* a generation is 2^6 intervals */

struct contacts {
	const struct contacts_conf *conf;
	const struct contact_lanes *lanes;
	uint64_t seed; /* of the buckets */
	/* Numbers count from 1; 0 is none. */
	struct contact_host *host;
	struct contact_pair *pair;
	uint32_t *host_bucket, *pair_bucket;
	uint32_t host_mask, pair_mask;
	uint32_t host_free, pair_free;
	struct host_list list[2]; /* from outside, and of HOME_NET */
	uint32_t list_max[2];
	uint32_t outside_pairs, outside_pairs_max;
	uint32_t early_left; /* lines for want of room, in this interval */
	uint64_t early_interval;
	struct seen_pairs seen;
	/* The sweep. */
	uint64_t due_us; /* before it nothing is due */
	uint64_t now_us, next_due_us;
	uint32_t at;
	unsigned side;
	bool all;
	struct contacts_told told;
	struct contacts_counters count;
};

/* contacts_told.c */
/* Sums up host 'i' in 'c->told', and lets go of it. */
const struct contacts_told *contacts_tell(struct contacts *c, uint32_t i);

/* contacts_seen.c */
bool contacts_seen(const struct contacts *c, const struct addr *ip,
		   const struct contacts_to *to);
void contacts_note_seen(struct contacts *c, const struct addr *ip,
			const struct contacts_to *to, uint64_t interval);

/* contacts_table.c */
/* Makes the host, and its destinations, free again. */
void contacts_forget(struct contacts *c, uint32_t i);
/* The number of the host in this lane and interval, made if need be; 0: there
 * is none.  '*told' is what gave way, or NULL. */
uint32_t contacts_host_at(struct contacts *c, const struct addr *ip,
			  uint8_t lane, uint64_t interval,
			  const struct contacts_told **told);
/* Has its destinations weighed: only when there is not room for all of them, or
 * when they are told of, since most hosts have few. */
void contacts_weigh(struct contacts *c, struct contact_host *h);
/*
 * The destination of 'to', whose first members are set, or NULL: others count
 * for more.  'bytes': what it is about to be given, of one that is not new.
 */
struct contact_pair *contacts_pair_at(struct contacts *c, uint32_t host,
				      const struct contacts_to *to,
				      uint64_t bytes);

static inline uint64_t
contacts_due(const struct contacts *c, uint64_t interval)
{
	return (interval + 1) * c->conf->interval_us + CONTACTS_LATE_US;
}

#endif
