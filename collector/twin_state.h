/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twin_state.h - what the files of twin share
 *
 * twin_same.c says what makes two observations one event, twin.c keeps and finds
 * them, twin_join.c looks again when clocks are known anew.
 *
 * Internal: included by twin*.c only.
 *
 * Place    with twin.
 * Threads  as twin.h.
 * Memory   as twin.h.
 * Cost     as twin.h.
 */
#ifndef COLLECTOR_TWIN_STATE_H
#define COLLECTOR_TWIN_STATE_H

#include "collector/twin.h"

/* Keys by which an observation is found: its connection or datagram, both ends,
 * or each end with what is known beside it. */
enum { KEY_CONNECTION, KEY_ENDS, KEY_SRC, KEY_DST, N_KEYS };

#define NONE UINT32_MAX
#define HINTS 8192
/* Taps of one event. */
#define MAX_PEERS 32

struct seen {
	int64_t alert, event, sensor;
	uint64_t us; /* by a clock that is right as far as known */
	uint64_t told_us; /* by the sensor's */
	uint64_t key[N_KEYS]; /* 0: not by this one */
	uint64_t src, dst; /* of address and port */
	uint64_t src_ip, dst_ip;
	uint32_t next[N_KEYS], prev[N_KEYS]; /* of the same bucket */
	uint32_t peer; /* the next of the event's, in a ring */
	uint32_t younger, older; /* of the same sensor */
	uint32_t isn[2];
	uint32_t owner; /* index of its sensor */
	uint16_t ip_id;
	bool has_isn[2];
	bool clock_known, tcp, has_content;
	bool src_private, dst_private;
};

struct owner {
	int64_t sensor; /* 0: free */
	uint32_t oldest, newest, n;
	uint32_t look; /* the next to be looked at again; NONE: none is */
};

struct bucket {
	uint32_t first, last;
};

struct hint {
	uint64_t key;
	int64_t sensor, alert; /* 'at' is void when it is another alert */
	uint32_t at;
};

struct twins {
	size_t max, n_buckets; /* the latter a power of two */
	uint64_t secret;
	struct seen *v;
	uint32_t n, free; /* 'free' chains by 'peer' */
	uint32_t added; /* the last that twins_add() kept */
	struct bucket *buckets[N_KEYS]; /* the oldest first */
	struct hint hints[HINTS];
	struct owner owners[TWIN_SENSORS];
	uint32_t n_owners, largest;
	uint32_t n_looking, turn; /* owners; the last that was looked at */
	struct twins_stats stats;
};

/* What is known of an alert, in no list yet. */
void twin_describe(const struct twins *t, struct seen *s,
		   const struct twin_seen *seen, const struct alert *a);
/* Whether both are of one event; a connection is believed over long times. */
bool twin_same(const struct seen *a, const struct seen *b);
/* How far apart they are, in microseconds. */
uint64_t twin_apart(const struct seen *a, const struct seen *b);
/* Whether the sequence numbers of both directions are known, and the same. */
bool twin_shaken(const struct seen *a, const struct seen *b);

/* The observation of the same event as 's', which is 'self' or, when it is not
 * kept, NONE; by any key, no sensor's twice.  NONE: there is none. */
uint32_t twin_find(struct twins *t, const struct seen *s, uint32_t self);
/* Whether the event of 'i' has an observation of the sensor. */
bool twin_has_sensor(const struct twins *t, uint32_t i, int64_t sensor);
/* The sensor of the first alert of the event of 'i'; 0: it is not kept. */
int64_t twin_first_sensor(const struct twins *t, uint32_t i);

#endif
