/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.h - Picket's own packet path, as far as a stage
 *
 * Place    above sensor/worker.h.
 * Threads  one: a lone worker.
 * Memory   the worker's pool, PRODUCT_POOL at most, and its tables.
 * Cost     what is measured; setting up is not.
 */
#ifndef BENCH_PRODUCT_H
#define BENCH_PRODUCT_H

#include "sensor/worker.h"

/* Each with all that stand before it. */
enum product_stage {
	PRODUCT_CAPTURE,
	PRODUCT_DECODE,
	PRODUCT_FLOW,
	PRODUCT_STREAM,
	PRODUCT_WHOLE,
	PRODUCT_CONTACTS, /* contacts of hosts are noted as well */
	PRODUCT_CONTACTS_ALL, /* and summed up by the same thread */
	PRODUCT_STAGES
};

#define PRODUCT_POOL ((size_t)12 << 30)
#define PRODUCT_READY ((size_t)256 << 20) /* of it, as in a long run */

struct product_counts {
	uint64_t packets, bytes, alerts;
};

struct product;

/*
 * Settings for measuring: checksums as they are in captures of others, every
 * address at home, room for 'flows' flows (0: the default).
 */
struct conf *product_conf(uint32_t flows);
/* Loads 'rules' (a glob; NULL: none) and indicator files; ends on failure. */
struct ruleset *product_rules(const struct conf *conf, const char *rules,
			      const char *const *indicators,
			      size_t n_indicators);

/* 'ready': bytes that are at hand before the clock starts; 'profile': what each
 * rule costs is counted.  Of the first: NULL when out of memory. */
struct worker *product_worker(const struct conf *conf,
			      const struct ruleset *rules, size_t ready,
			      bool profile);
struct product *product_new(enum product_stage stage, const struct conf *conf,
			    const struct ruleset *rules, size_t ready,
			    bool profile);
void product_free(struct product *p);
/* All of a capture file; flows end with it. */
void product_file(struct product *p, const char *path);
/* Frames that are in memory; their flows go on. */
void product_frames(struct product *p, struct frame *v, uint32_t n);
const struct product_counts *product_counts(const struct product *p);

#endif
