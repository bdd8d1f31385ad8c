/* SPDX-License-Identifier: Apache-2.0 */
/*
 * severity.h - how bad an incident is, and whose it is to lead
 *
 * The score is 0 to 100, a sum of six factors that are shown beside it, cut at
 * 100:
 *
 *   mission     up to 30  the most critical asset it touches
 *   stage       up to 25  how far the intrusion came
 *   spread      up to 20  sites and owners it touches
 *   alert       up to 15  the worst alert
 *   indicator   up to 10  how sure the indicator's source is
 *   silence     up to 10  sensors that went blind near its alerts, 5 each
 *
 * Each factor only grows with what is known, so the score never falls as an
 * incident grows; where memory has only a part of it, severity_at_least() keeps
 * what the rest was worth.  The levels are those of the US National Cyber Incident
 * Severity Schema as CISA's scoring system draws them: 0 baseline, 1 low from
 * 20, 2 medium from 35, 3 high from 50, 4 severe from 65, 5 emergency from 80.
 *
 * Place    after correlate.
 * Threads  pure.
 * Memory   caller's.
 */
#ifndef COLLECTOR_SEVERITY_H
#define COLLECTOR_SEVERITY_H

#include "common/base.h"

#define SEVERITY_MAX_OWNERS 16
#define SEVERITY_NAME_CAP 64

struct severity_factors {
	unsigned mission, stage, spread, alert, indicator, silence;
};

/* What is known of one incident. */
struct severity_input {
	unsigned criticality; /* 0 to 100 */
	unsigned furthest_stage; /* of STAGE_COUNT; with n_stages > 0 */
	unsigned n_stages, n_sites, n_owners;
	unsigned severity; /* 1 worst to 4 */
	unsigned confidence; /* 0 to 100; 0 without an indicator */
	unsigned n_silent; /* sensors */
};

unsigned severity_score(const struct severity_input *in,
			struct severity_factors *f);
/* The least criticality that the factor may come from. */
unsigned severity_criticality(const struct severity_factors *f);
/* Raises each factor to what it was found to be before; the score of that. */
unsigned severity_at_least(struct severity_factors *f,
			   const struct severity_factors *least);
unsigned severity_level(unsigned score);
const char *severity_level_name(unsigned level); /* "high" */

/* What an owner stands to lose. */
struct severity_stake {
	char owner[SEVERITY_NAME_CAP];
	unsigned criticality; /* the highest of its assets touched */
	unsigned n_sites;
	uint64_t count; /* sightings on its side */
};

/*
 * Puts the stakes in order, lead first: the most critical asset, then most
 * sites, then most sightings, then by name, so that exactly one leads and
 * both sides compute the same.
 */
void severity_order_stakes(struct severity_stake *s, unsigned n);

#endif
