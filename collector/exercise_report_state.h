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
#define MAX_EVENTS 400
#define MAX_NATIONS 16

struct report_hit {
	unsigned inject;
	char site[64], owner[64], signature[TEXT_CAP];
	bool told; /* by a partner: 'count' is of sightings, 'seen_us' is 0 */
	uint64_t first_us, last_us, seen_us, count;
};

struct report_incident {
	int64_t id;
	unsigned score, level;
	char title[TEXT_CAP], lead[64], state[16];
	uint64_t first_us, created_us;
};

/* What happened, in order of time. */
struct report_event {
	uint64_t at_us;
	char text[TEXT_CAP + 96];
};

struct report_nation {
	char name[64];
	unsigned seen, timed; /* injects; those of which the plan has a time */
	uint64_t median_us, longest_us; /* from the plan to the first alert */
};

struct exercise_report {
	struct exercise *exercise;
	enum lang lang;
	char who[64], end_who[64];
	int64_t id;
	uint64_t at_us, end_us, misplaced, alerts;
	struct report_hit *hit;
	struct report_incident *incident;
	struct report_incident *real; /* while it was held */
	struct report_event *event;
	struct report_nation nation[MAX_NATIONS];
	unsigned n_hits, cap_hits, n_incidents, incidents_left_out;
	unsigned n_real, real_left_out, n_events, n_nations;
	uint64_t real_alerts, beside;
	uint64_t now_us; /* what is planned for later was not missed */
	/* Alerts in equal parts of the time in which there were any. */
	uint64_t bar[MAX_BARS], bar_from_us, bar_us;
	unsigned n_bars;
	struct store_reader *reader;
	const char *name;
	enum err err;
	struct diag *d;
};

/* A moment to the second, "-" for none; returns 'out' or a constant. */
const char *report_when(uint64_t us, char out[CLOCK_ISO_CAP]);
/* "4.2 s", "3 min 5 s", "2 h 10 min"; "-" where nothing was planned. */
const char *report_after(enum lang lang, uint64_t from_us, uint64_t to_us,
			 char out[48]);
/* Where the inject was seen first; NULL: nowhere. */
const struct report_hit *report_first(const struct exercise_report *x,
				      unsigned inject);
unsigned report_detected(const struct exercise_report *x);
/* Its time has not come: it is neither seen nor missed. */
bool report_is_later(const struct exercise_report *x, unsigned inject);
/* "seen", "not seen", "not begun", in English: for word(). */
const char *report_verdict(const struct exercise_report *x, unsigned inject);

/* Room for one more, zeroed; NULL, with x->err, without memory. */
struct report_hit *report_hit_new(struct exercise_report *x);
/* exercise_report_read.c: what partners saw, what was real meanwhile, who was
 * how fast, and what happened when; after hits and incidents. */
enum err report_read_rest(struct exercise_report *x) MUST_CHECK;
/* At least 1. */
uint64_t report_highest(const struct exercise_report *x);

#endif
