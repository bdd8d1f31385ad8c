/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arming.h - the common set of the store, published to sensors
 *
 * Place    above arm and indicator_list; below main.
 * Threads  main's; arming_seen() by the pipeline's.
 * Memory   a connection to the store and a publisher.
 * Cost     that of arm.h.
 */
#ifndef COLLECTOR_ARMING_H
#define COLLECTOR_ARMING_H

#include "collector/arm.h"
#include "collector/store_reader.h"
#include "common/conf.h"

/* Rows for the program's table of settings. */
#define ARMING_ROWS \
	{ \
		"control.sign-key", "string", "", \
			"key that signs what sensors are told; absent: " \
			"nothing " \
			"is" \
	}

struct arming {
	struct store_reader *store;
	struct arm *arm; /* NULL: control.sign-key is not set */
};

/* Whether the key can be read: for --check.  ERR_USAGE with diag. */
enum err arming_check(const struct conf *c, struct diag *d) MUST_CHECK;
/* Once the store is there, before anything changes it; 'held' as in arm.h. */
enum err arming_start(struct arming *a, const struct conf *c,
		      const struct redis_options *redis, const char *store,
		      bool (*held)(void *arg), void *held_arg,
		      struct diag *d) MUST_CHECK;
void arming_stop(struct arming *a);
/* A sensor that may be believed said so; 'arg' is the struct arming. */
void arming_seen(void *arg, const char *version);

#endif
