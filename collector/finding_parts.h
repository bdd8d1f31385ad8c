/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_parts.h - what the files of finding_run share
 *
 * Internal header: included by finding_run.c and finding_{sweep,spread,beacon,
 * lateral,usual}.c only.
 *
 * Place    within finding_run.
 * Threads  as finding_run.h.
 */
#ifndef COLLECTOR_FINDING_PARTS_H
#define COLLECTOR_FINDING_PARTS_H

#include "collector/finding_run.h"

struct finder {
	struct finding_config cfg;
	const struct mission_map *map;
	struct finding_states *states;
	struct json j; /* evidence */
	uint64_t ignored, refused;
};

/* One line on its way through the kinds. */
struct finder_look {
	struct finder *f;
	const struct finder_line *line;
	const struct contacts *c;
	const struct finder_sink *sink;
	struct state_place *place;
	bool ours; /* its host is */
	bool to_ours[CONTACTS_MAX_TO], to_ignored[CONTACTS_MAX_TO];
	struct marking mark; /* of the line and its host */
	struct marking to_mark[CONTACTS_MAX_TO]; /* and of the destination */
};

/* When the destination was contacted first. */
static inline uint64_t
finder_to_us(const struct finder_look *l, const struct contacts_to *to)
{
	return to->n_starts > 0 ? to->starts_us[0] : l->c->start_us;
}

/* What a refusal has at most: a header without data. */
#define FINDER_REFUSAL 100
/* Somebody did, and not only to refuse; what failed may have begun before. */
static inline bool
finder_answered(const struct contacts_to *to)
{
	return to->bytes_in > to->failed * FINDER_REFUSAL &&
	       to->failed < MAX(to->flows, UINT64_C(1));
}

/* Evidence is written into finder.j between these two. */
struct json *finder_evidence(struct finder_look *l);
/*
 * Hands out 'f', whose kind, ends, times, window and measure are set; 'st' is
 * what it rests on, whose mark it bears if 'f' has none yet, 'sites' where that
 * was fed (NULL: here only).
 */
enum err finder_emit(struct finder_look *l, struct finding *f,
		     const struct state *st,
		     const struct state_sites *sites) MUST_CHECK;

/* The kinds, each of one line. */
enum err finder_sweep(struct finder_look *l) MUST_CHECK;
enum err finder_spread(struct finder_look *l) MUST_CHECK;
enum err finder_beacon(struct finder_look *l) MUST_CHECK;
enum err finder_lateral(struct finder_look *l) MUST_CHECK;
enum err finder_first_seen(struct finder_look *l) MUST_CHECK;
enum err finder_volume(struct finder_look *l) MUST_CHECK;

#endif
