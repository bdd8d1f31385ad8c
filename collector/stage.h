/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage.h - how far an intrusion has come, by MITRE ATT&CK tactics
 *
 * The tactics of the Enterprise and the ICS matrix, on one line in the order
 * in which the matrices stand.  Tactics of equal meaning share a stage.
 *
 * Place    above base.h.
 * Threads  pure.
 */
#ifndef COLLECTOR_STAGE_H
#define COLLECTOR_STAGE_H

#include "common/base.h"

#define STAGE_COUNT 16
#define STAGE_NONE 0xff

/* When each stage was seen; a stage never seen has first = 0. */
struct stage_times {
	uint64_t first[STAGE_COUNT], last[STAGE_COUNT];
};

/* "TA0001" to a stage, 0 the earliest; STAGE_NONE when unknown. */
uint8_t stage_of(struct view tactic_id);
/* "initial access" */
const char *stage_name(unsigned stage);

void stage_add(struct stage_times *t, unsigned stage, uint64_t first,
	       uint64_t last);
void stage_merge(struct stage_times *into, const struct stage_times *from);
uint32_t stage_mask(const struct stage_times *t);
/*
 * The most distinct stages that can be put in matrix order without going back
 * in time by more than 'slack_us' (clocks of two sensors differ).  Of a stage
 * only the first and last time are known and all between is taken as seen, so
 * that the result never falls as more is learned, in whatever order.
 */
unsigned stage_progress(const struct stage_times *t, uint64_t slack_us);

#endif
