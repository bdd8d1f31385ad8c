/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stix_in_state.h - what the files of stix_in share
 *
 * stix_in.c goes through the bundle, stix_in_object.c reads single objects;
 * stix_in_words.c asks stix_out for ids and consult for events.
 *
 * Place    stix_in's own: included by stix_in*.c only.
 * Threads  as stix_in.h.
 */
#ifndef COLLECTOR_STIX_IN_STATE_H
#define COLLECTOR_STIX_IN_STATE_H

#include "collector/stix_in.h"
#include "common/indicator_stix_index.h"

#define STIX_IN_ID_CAP 80 /* "extension-definition--" and a UUID */

/* An indicator of the bundle. */
struct stix_in_item {
	bool refused; /* and counted */
	bool full; /* it has more values than may be, which is counted */
	unsigned n_values;
	char exercise[SEVERITY_NAME_CAP];
	char *value; /* of its first, on the heap; NULL: none was taken */
	enum indicator_kind kind;
	uint8_t confidence;
};

struct stix_in {
	struct indicator_reading r;
	struct indicator_doc doc;
	struct stix_index index;
	bool indexed;
	uint64_t start; /* of the array of objects */
	struct id_map ids; /* of indicators, to their place in 'items' */
	struct stix_in_item *items;
	size_t n_items;
	uint64_t n_seen; /* objects of this reading */
	uint64_t n_values; /* of all indicators */
	char producer[STIX_IN_ID_CAP], extension[STIX_IN_ID_CAP];
	const struct stix_in_sink *sink;
	struct stix_in_report *report;
	enum err err; /* ends all */
};

/* stix_in_words.c: the ids that 'party' has as a creator, and that all have for
 * what they tell of an incident.  ERR_NOMEM. */
enum err stix_in_ids(const char *party, char producer[STIX_IN_ID_CAP],
		     char extension[STIX_IN_ID_CAP]) MUST_CHECK;
/* The event that the object of these bytes holds.  ERR_FORMAT with diag. */
enum err stix_in_event(struct view raw, struct consult_event *out,
		       struct diag *d) MUST_CHECK;

/* Counts and tells one. */
void stix_in_refuse(struct stix_in *x, enum stix_in_cause cause,
		    struct view type, struct view id, const char *why);

/* stix_in_object.c: reads an object that is no indicator and hands it over, or
 * refuses it. */
void stix_in_take(struct stix_in *x, const struct indicator_object *o,
		  struct view type, struct view id);
/* The exercise that it says it is of; "" when it says nothing, false when that
 * is no name. */
bool stix_in_exercise(const struct stix_in *x, const struct json_value *o,
		      char out[SEVERITY_NAME_CAP]) MUST_CHECK;

#endif
