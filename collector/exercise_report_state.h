/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise_report_state.h - what the files of the report share
 *
 * Internal: included by exercise_report*.c only.
 *
 * Place    with exercise_report.
 * Threads  as exercise_report.h.
 */
#ifndef COLLECTOR_EXERCISE_REPORT_STATE_H
#define COLLECTOR_EXERCISE_REPORT_STATE_H

#include "collector/exercise_report.h"
#include "common/clock.h"
#include "common/exercise.h"

#define TEXT_CAP 192
#define MAX_INCIDENTS 200
#define MAX_BARS 120

struct report_hit {
	unsigned inject;
	char site[64], signature[TEXT_CAP];
	uint64_t first_us, last_us, seen_us, count;
};

struct report_incident {
	int64_t id;
	unsigned score, level;
	char title[TEXT_CAP], lead[64], state[16];
	uint64_t first_us, created_us;
};

struct exercise_report {
	struct exercise *exercise;
	char who[64], end_who[64];
	int64_t id;
	uint64_t at_us, end_us, misplaced, alerts;
	struct report_hit *hit;
	struct report_incident *incident;
	unsigned n_hits, cap_hits, n_incidents, incidents_left_out;
	/* Alerts in equal parts of the time in which there were any. */
	uint64_t bar[MAX_BARS], bar_from_us, bar_us;
	unsigned n_bars;
	struct store_reader *reader;
	const char *name;
	enum err err;
	struct diag *d;
};

/* A moment, "-" for none; returns 'out' or a constant. */
const char *report_when(uint64_t us, char out[CLOCK_ISO_CAP]);
/* "4.2 s", "3 min 5 s", "2 h 10 min"; "-" where nothing was planned. */
const char *report_after(uint64_t from_us, uint64_t to_us, char out[48]);
/* Where the inject was seen first; NULL: nowhere. */
const struct report_hit *report_first(const struct exercise_report *x,
				      unsigned inject);
unsigned report_detected(const struct exercise_report *x);
/* At least 1. */
uint64_t report_highest(const struct exercise_report *x);

#endif
