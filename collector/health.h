/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.h - is every sensor still watching?
 *
 * A sensor's presence in Redis has a time to live.  When it runs out though
 * the sensor did not say goodbye (state "ended"), the sensor is silent, and
 * silence is told apart from safety.
 *
 * Place    after ingest and store.
 * Threads  one.
 * Memory   one state a stream.
 * Cost     one round trip a sensor, every HEALTH_EVERY_US.
 */
#ifndef COLLECTOR_HEALTH_H
#define COLLECTOR_HEALTH_H

#include "collector/feed.h"
#include "collector/ingest.h"
#include "collector/keyring.h"
#include "collector/store_blind.h"
#include "collector/store_ledger.h"

#define HEALTH_EVERY_US (UINT64_C(5) * 1000000)

/* Whether a presence is the sensor's own word. */
enum health_belief {
	HEALTH_BELIEVED,
	/* It is not, but the sensor was heard moments ago: it will be again, or
	 * be silent then. */
	HEALTH_PASSED_OVER,
	HEALTH_REFUSED, /* as good as none */
};

struct health;

struct health *health_new(void);
void health_free(struct health *h);
/* What it needs beside the store; all of it outlives 'h'. */
struct health_parts {
	struct store_ledger *ledger; /* keeps what comes with presence */
	const struct mission_map *missions;
	const struct blind_config *blind;
	struct feed *feed; /* or NULL */
	/*
	 * Called for each presence that is there, within the transaction;
	 * leaves of its fields those that are to be believed, and 'key' becomes
	 * the key that signed them, or "".  NULL: all are believed.
	 */
	enum err (*judge)(void *arg, unsigned stream, int64_t sensor,
			  struct ingest_presence *p, char key[KEYRING_ID_TEXT],
			  enum health_belief *out);
	void *judge_arg;
	/* Told of each "indicator_version" that is to be believed, or NULL. */
	void (*armed)(void *arg, const char *version);
	void *armed_arg;
};
void health_set_parts(struct health *h, const struct health_parts *p);
/*
 * Looks at every sensor when it is time again and writes down what changed,
 * in a transaction of its own.  ERR_AGAIN when the broker is gone.
 */
enum err health_check(struct health *h, struct ingest *in, struct store *s,
		      bool now, struct diag *d) MUST_CHECK;
/* Sensors that are silent, as of the last look. */
unsigned health_silent(const struct health *h);

#endif
