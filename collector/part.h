/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part.h - several collectors that share the sensors, and the one that joins
 *
 * A *part* is a collector with a store of its own that takes in the sensors
 * whose names fall to it, and nobody else's.  The *head* takes in no sensor: it
 * joins what the parts' alerts said (part_pack.h), which reaches it in a stream
 * for each part (part_out.h, part_in.h).
 *
 * Place    above common/; below pipeline.
 * Threads  pure; the keys as sign.h.
 * Memory   a configuration owns its keys.
 * Cost     a hash for each part, once a sensor.
 */
#ifndef COLLECTOR_PART_H
#define COLLECTOR_PART_H

#include "common/conf.h"
#include "common/point_sign.h"
#include "common/sign.h"

#define PART_MAX 64
#define PART_MAX_KEYS 8
#define PART_NAME_CAP 32
/* An alert of a part has a number of its own at the head: the part's above
 * that many bits, which 44,000 alerts a second fill in twelve years.  All
 * stays below 2^53, which is where numbers of JavaScript end. */
#define PART_ALERT_BITS 44

/* Rows for the program's table of settings. */
#define PART_ROWS \
	{ "parts.of", "number", "0", \
	  "collectors that share the sensors; 0: there is but one" }, \
		{ "parts.number", "number", "0", \
		  "which of them this is, from 1 on" }, \
		{ "parts.head", "bool", "no", \
		  "join what all parts saw, and take in no sensor" }, \
		{ "parts.max-waiting", "size", "256m", \
		  "of sightings for the head; beyond it sensors wait" }, \
		{ "parts.sign-key", "string", "", \
		  "key that signs what part and head say: FILE, or " \
		  "hmac:FILE" }, \
	{ \
		"parts.keys.*", "list", "", "keys of the others of these" \
	}

struct part_config {
	unsigned of; /* 0: there are no parts */
	unsigned number; /* of this one, from 1 on; 0: it is none */
	bool head;
	uint64_t max_waiting; /* bytes */
	struct sign_key *own; /* NULL: what we say is not signed */
	struct sign_key *keys[PART_MAX_KEYS]; /* of the others */
	unsigned n_keys; /* 0: they need not sign */
};

/* The numbers.  ERR_USAGE with diag, which names the setting. */
enum err part_config_read(struct part_config *p, const struct conf *conf,
			  struct diag *d) MUST_CHECK;
/* And the keys, which part_config_fini() wipes.  ERR_USAGE with diag. */
enum err part_config_keys(struct part_config *p, const struct conf *conf,
			  struct diag *d) MUST_CHECK;
void part_config_fini(struct part_config *p);
/* The key of 'p' that bears this id; NULL: none of them does. */
struct sign_key *part_key_of(const struct part_config *p,
			     const uint8_t id[SIGN_ID_BYTES]);
/* Whether one of the keys of 'p' signed the point 'pt' as 'name'; without keys
 * any point is believed. */
bool part_believes(const struct part_config *p, const char *name,
		   const struct point *pt);

/* Records that a part has said, up to its point 'said', and the head, which came
 * to 'seq' of 'epoch', has not taken in. */
uint64_t part_behind(uint64_t epoch, uint64_t seq, uint64_t said_epoch,
		     uint64_t said_seq);

/*
 * Which of 'of' parts takes the sensor in, from 1 on: the one whose number
 * gives the highest hash together with the name.  A part more takes from each
 * of the others its share, and moves nothing between these.
 */
unsigned part_of(const char *site, const char *sensor, unsigned of);

/* Part 'k' as what it says is signed by; no sensor can have such a name. */
void part_name(unsigned k, char out[PART_NAME_CAP]);
/* Its stream, and the point that the head has come to. */
void part_stream_key(unsigned k, char out[PART_NAME_CAP]);
void part_point_key(unsigned k, char out[PART_NAME_CAP]);
/* That it is there, which it says by a point of its own, under another name;
 * what it said is nothing after so many seconds. */
#define PART_ALIVE_S 30
void part_alive_key(unsigned k, char out[PART_NAME_CAP]);
void part_alive_name(unsigned k, char out[PART_NAME_CAP]);

/* The number at the head of a part's alert, and back: false when 'id' is no
 * part's. */
int64_t part_alert_join(unsigned part, int64_t alert);
bool part_alert_split(int64_t id, unsigned *part, int64_t *alert) MUST_CHECK;

#endif
