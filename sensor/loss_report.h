/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loss_report.h - what was lost between the event line and the spool, told
 *
 * Whatever is lost has a cause, a counter and, at most every ten seconds, an
 * alert of its own with all counters; the log has one line when losing begins
 * and one when it ends.
 *
 * Place    above spool.h and json.h, below forward.c.
 * Threads  one.
 * Memory   caller's.
 * Cost     a comparison a round while nothing is lost.
 */
#ifndef SENSOR_LOSS_REPORT_H
#define SENSOR_LOSS_REPORT_H

#include "common/json.h"
#include "sensor/spool.h"

/* Suricata's own rules end far below; the console shows it as one rule. */
#define LOSS_REPORT_SID 9009001
#define LOSS_REPORT_US UINT64_C(10000000)

/* Events, all of them rising. */
struct loss_counts {
	uint64_t queue_full; /* the forwarder was behind */
	uint64_t oversize; /* longer than any batch may be */
	uint64_t causes[SPOOL_CAUSES]; /* shed, by cause */
	uint64_t shed[SPOOL_CLASSES]; /* the same, by severity */
};

struct loss_report {
	struct loss_counts told;
	uint64_t next_us; /* not before */
	uint64_t since; /* lost since losing began */
	uint64_t alerts; /* made */
	bool losing;
};

struct loss_origin {
	const char *site, *sensor, *exercise; /* exercise may be "" */
};

/* What was lost before is not told again. */
void loss_report_init(struct loss_report *r, const struct loss_counts *now);
/*
 * True when 'j' holds an alert to be sent, of severity 1 so that it is the
 * last to be shed itself.  'last': tell now what is not told yet.
 */
bool loss_report(struct loss_report *r, const struct loss_counts *c,
		 const struct loss_origin *o, uint64_t now_us, bool last,
		 struct json *j);

/* "spool_full", ... */
const char *loss_cause_name(enum spool_cause cause);
uint64_t loss_total(const struct loss_counts *c);
/* "3 the queue was full, 0 too long, ..." */
void loss_counts_text(const struct loss_counts *c, char *out, size_t cap);
/* Members "queue_full", "oversize", "spool_full", ... of an open object. */
void loss_counts_json(const struct loss_counts *c, struct json *j);

#endif
