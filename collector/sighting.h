/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sighting.h - what an alert says about things that can be seen again
 *
 * A sighting is one key (indicator, address, domain, fingerprint, rule, host
 * of ours) at one site over one interval, with a count.  Alerts that differ in
 * time only reduce to one set of sightings, so that correlation costs by the
 * number of distinct keys.
 *
 * Place    after enrich and mission, before correlate.
 * Threads  one batch, one thread.
 * Memory   a batch is fixed at SIGHTING_BATCH sets.
 * Cost     one hash of about 200 bytes an alert; ten times that when it says
 *          something new.
 */
#ifndef COLLECTOR_SIGHTING_H
#define COLLECTOR_SIGHTING_H

#include "collector/mark_set.h"
#include "collector/mission.h"
#include "collector/stage.h"
#include "common/alert.h"
#include "common/indicator.h"

#define SIGHTING_MAX_KEYS 10
#define SIGHTING_KEY_CAP 160
#define SIGHTING_NAME_CAP 64
#define SIGHTING_BATCH 8192
/* Alerts further apart do not share a set; far below any window. */
#define SIGHTING_SPAN_US (UINT64_C(600) * 1000000)
/* Of what is told of the past so much counts, before it was last seen: one
 * sensor's word shall not tie all times together. */
#define SIGHTING_PAST_US (UINT64_C(30) * 86400 * 1000000)

/* Kinds below KEY_CONDUCTS tie incidents together; numbers are stored. */
enum key_kind {
	KEY_INDICATOR = 0,
	KEY_ADDRESS = 1, /* of the other side */
	KEY_DOMAIN = 2,
	KEY_CERT = 3,
	KEY_CONDUCTS = 4, /* the first that does not */
	KEY_HOST = 4, /* an address of ours, "SITE ADDRESS" */
	KEY_JA3 = 5,
	KEY_RULE = 6, /* "GID:SID" */
	KEY_KINDS = 7,
};

struct sighting_key {
	uint8_t kind;
	char text[SIGHTING_KEY_CAP]; /* longer ones end in a hash */
};

/* The keys that one alert, or many alike, showed together. */
struct sighting_set {
	char exercise[SIGHTING_NAME_CAP], site[SIGHTING_NAME_CAP],
		owner[SIGHTING_NAME_CAP];
	uint64_t first_us, last_us, count;
	uint64_t events; /* of 'count', those that no other tap told of */
	uint32_t stages; /* bit per stage */
	uint8_t severity; /* 1 worst, 4 when unknown */
	uint8_t confidence; /* of its indicator */
	/* Worth an incident: severe, a step of an intrusion, or an indicator */
	bool strong;
	bool past; /* seen then, told later (alert.h, has_past) */
	bool refuted; /* its indicator was not in force then */
	int64_t alert; /* id of the first alert with this set */
	uint8_t what; /* enum indicator_kind; INDICATOR_KINDS: none, unknown */
	/* Who may see what the alert says of its indicator or rule; and that
	 * it was seen here: joined with the site, its networks and assets. */
	struct marking said, mark;
	unsigned n_keys;
	struct sighting_key keys[SIGHTING_MAX_KEYS];
};

const char *key_kind_name(enum key_kind k);

/* Reads the keys of 'a', as of an event of its own and at its sensor's time.
 * 'out->alert' is left to the caller. */
void sighting_from_alert(const struct alert *a, const struct mission_map *m,
			 struct sighting_set *out);

/* Its only key becomes the indicator of that value. */
void sighting_of_indicator(struct sighting_set *s, struct view value);

/* Of the text of an indicator's key: indicator_value_key() of the value it stands
 * for, and how many of its bytes are that value's, but for case; all, unless it
 * was cut. */
int64_t sighting_key_value(const char *text, size_t *n);

/* Whether its indicator was armed because another site, or this one, saw it. */
bool sighting_is_warned(const struct alert *a);
/* Whether a partner's collector told it: it stands at sites "OWNER:PLACE". */
bool sighting_is_told(const char *site, const char *owner);

struct sighting_batch;
struct sighting_batch *sighting_batch_new(void);
void sighting_batch_free(struct sighting_batch *b);
/* Counts 'a', which was at 'us', up when an alert that says the same was added
 * since the reset; 'events' is 0 when another tap has told of it before, or 1.
 * False: not known, so read its keys and add them. */
bool sighting_batch_count(struct sighting_batch *b, const struct alert *a,
			  uint64_t us, unsigned events) MUST_CHECK;
/* Adds or counts up; false when full: take what is there and reset first. */
bool sighting_batch_add(struct sighting_batch *b,
			const struct sighting_set *s) MUST_CHECK;
unsigned sighting_batch_len(const struct sighting_batch *b);
const struct sighting_set *sighting_batch_get(const struct sighting_batch *b,
					      unsigned i);
void sighting_batch_reset(struct sighting_batch *b);

#endif
