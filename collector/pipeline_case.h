/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_case.h - analysts' orders, from the store into the picture
 *
 * Sensors that went blind are held against the incidents near them
 * (pipeline_silence.c).  An order to part incidents, to put them together or to mute a key is carried
 * out and answered in one transaction, between two batches; so is the end of a
 * mute whose time is up, and what follows from an indicator that was withdrawn
 * (pipeline_refute.c).
 *
 * Place    the pipeline's own: above case_order, mute_store and correlate_case.
 * Threads  the pipeline's.
 * Memory   an order at a time.
 * Cost     three look-ups in indexes each half second; a walk of all incidents
 *          when a sensor went blind.
 */
#ifndef COLLECTOR_PIPELINE_CASE_H
#define COLLECTOR_PIPELINE_CASE_H

#include "collector/correlate.h"
#include "collector/silence.h"
#include "common/err.h"

struct pipeline;

/* Indicators whose word is to be asked (pipeline_refute.c). */
#define REFUTE_KEYS 512
struct pipeline_refuted {
	bool loaded;
	uint64_t change, saved; /* up to where the common set was followed */
	size_t place; /* of the correlator's, up to where all were asked */
	bool placed; /* all were */
	bool more; /* there is work left: do not wait */
	unsigned n, at;
	char keys[REFUTE_KEYS][SIGHTING_KEY_CAP];
};

struct pipeline_cases {
	uint64_t next_look_us; /* monotonic */
	bool failed; /* the last look did, and it was told */
	struct silences silences;
	unsigned silences_due; /* the newest: not held against incidents yet */
	struct pipeline_refuted refuted;
	/* Of the order that is carried out; NULL: none is. */
	const char *who, *why;
};

/* The mutes that hold, into a correlator that is empty. */
enum err pipeline_case_load(struct pipeline *p) MUST_CHECK;
/* ERR_IO, ERR_NOMEM with diag when memory and store cannot be made to agree, or
 * the feed cannot be written. */
enum err pipeline_case_turn(struct pipeline *p, struct diag *d) MUST_CHECK;
/* What was counted of mutes, within the batch's transaction. */
enum err pipeline_case_keep(struct pipeline *p) MUST_CHECK;
/* A line of an incident's log, by who gave the order, or by rule. */
enum err pipeline_case_log(struct pipeline *p, int64_t incident,
			   const char *what, const char *text) MUST_CHECK;
/* The silences that are known of 'i' into 'list', before it is assessed. */
enum err pipeline_silence_of(struct pipeline *p, const struct incident *i,
			     struct silence_list *list) MUST_CHECK;
/* Those that it has now are kept, and its log says so. */
enum err pipeline_silence_keep(struct pipeline *p, int64_t incident,
			       const struct silence_list *list) MUST_CHECK;
/* Whoever went blind since the last look makes incidents near it worse. */
enum err pipeline_silence_turn(struct pipeline *p) MUST_CHECK;
/*
 * Follows the common set: what held incidents together by an indicator that is
 * refuted, or in force again, does so no more, or again.  'forget': memory was
 * read anew.
 */
enum err pipeline_refute_turn(struct pipeline *p) MUST_CHECK;
void pipeline_refute_forget(struct pipeline *p);
/* All indicators in memory are asked about once more. */
void pipeline_refute_all(struct pipeline *p);
/* Adds to the correlator what 's' says, which is little when its indicator is
 * refuted. */
enum err pipeline_correlate_set(struct pipeline *p,
				const struct sighting_set *s) MUST_CHECK;
/* An incident that was closed since nothing held it together does again. */
enum err pipeline_refute_stands(struct pipeline *p, const struct incident *i,
				bool *again) MUST_CHECK;
/* 'i', which has its number now, was parted of another. */
enum err pipeline_case_parted(struct pipeline *p,
			      const struct incident *i) MUST_CHECK;

#endif
