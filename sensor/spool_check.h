/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_check.h - what a spool holds and what the next start will make of it
 *
 * Reads and changes nothing, not even the lock, so that a spool in use can be
 * looked at; then its end may be half written, which is no damage.
 *
 * Place    above spool_seg.h and spool_meta.h; below main.
 * Threads  one.
 * Memory   eight bytes a batch, one record, the problems' texts.
 * Cost     reads the whole spool.
 */
#ifndef SENSOR_SPOOL_CHECK_H
#define SENSOR_SPOOL_CHECK_H

#include <stdio.h>

#include "sensor/spool.h"

enum spool_verdict {
	SPOOL_CLEAN,
	SPOOL_DAMAGED, /* a start recovers; something is or may be lost */
	SPOOL_UNUSABLE, /* no spool, not readable, or a start would refuse */
};

#define SPOOL_CHECK_GAPS 64
#define SPOOL_CHECK_PROBLEMS 64

struct spool_check {
	char dir[512];
	struct spool_meta meta;
	bool has_meta;
	bool in_use;
	long pid; /* as the lock tells; 0: not known */
	uint64_t last_seq; /* the highest number found; 0: none */
	unsigned segments;
	uint64_t disk_bytes, torn_bytes, bad_records;
	/* Whole and not committed. */
	struct {
		unsigned segments;
		uint64_t batches, events, bytes;
	} waiting[SPOOL_CLASSES];
	/* Numbers behind the committed point that are not there. */
	struct {
		uint64_t from, to;
	} gap[SPOOL_CHECK_GAPS];
	unsigned n_gaps; /* all; the first SPOOL_CHECK_GAPS are kept */
	uint64_t gap_numbers;
	/* One line each: what is wrong and what the next start does. */
	char *problem[SPOOL_CHECK_PROBLEMS];
	unsigned n_problems; /* all */
	enum spool_verdict verdict;

	uint64_t *seq; /* of the waiting batches, ascending */
	size_t n_seq, cap_seq;
};

/* Always fills 'out', to be released by spool_check_fini(); what cannot be
 * read is a problem like others. */
void spool_check(struct spool_check *out, const char *dir);
void spool_check_fini(struct spool_check *c);
const char *spool_verdict_name(enum spool_verdict v);

/* For people, and as one JSON object.  False when out of memory or 'f' fails.
 */
bool spool_check_print(const struct spool_check *c, FILE *f) MUST_CHECK;
bool spool_check_json(const struct spool_check *c, FILE *f) MUST_CHECK;

#endif
