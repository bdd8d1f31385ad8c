/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_state.h - what the files of share have in common
 *
 * Place    share's own: included by share*.c only.
 */
#ifndef COLLECTOR_SHARE_STATE_H
#define COLLECTOR_SHARE_STATE_H

#include "collector/share_step.h"

/* A bundle in the making. */
struct sharing {
	const struct share_request *r;
	struct store_reader *store;
	struct share_bundle *b;
	struct redact *redact;
	struct json text; /* one redacted text */
	json_t *known; /* markings of the common set, by name */
	json_t *consults; /* markings of consultations; "": not a side's */
	struct share_step *step; /* NULL: the whole is told, not what changed */
	sqlite3_stmt *had; /* of 'step' */
	sqlite3_stmt *owned; /* of share_indicators.c */
	bool begun; /* a transaction that reads */
	bool full; /* the step's bundle has no room for more */
	enum err err;
};

/* What all bundles begin with: keys, redaction, one moment for all that is
 * read; and their end, after 'e'. */
enum err share_open(struct sharing *s, const char *name,
		    struct diag *d) MUST_CHECK;
enum err share_close(struct sharing *s, enum err e) MUST_CHECK;
/* Whether there is room for one more; else it is held. */
bool share_room(const struct sharing *s);
/* 'id' NULL or "": held. */
void share_note(struct sharing *s, enum share_kind kind, enum release_verdict v,
		int64_t local, const char *id, const struct marking *mark);
/* Whether this kind was asked for. */
bool share_wants(const struct sharing *s, enum share_kind k);
/* Without the right to times, days only. */
uint64_t share_moment(const struct sharing *s, enum share_kind k, uint64_t us);
/* The same of when something ends: the day's end. */
uint64_t share_end_moment(const struct sharing *s, enum share_kind k,
			  uint64_t us);
/* 'in' redacted, as a string member of the bundle. */
void share_text(struct sharing *s, enum share_kind k,
		const struct marking *mark, const char *key, const char *in);

/* share_indicators.c: the name that an indicator's id is made of; the common
 * set's markings of what was seen, looked up once; that of one, joined; and the
 * set itself. */
void share_indicator_name(enum indicator_kind k, const char *value, char *out,
			  size_t cap);
enum err share_known_marks(struct sharing *s) MUST_CHECK;
/* 'name' NULL: of one that was not looked up. */
void share_join_known(struct sharing *s, const char *name, const char *value,
		      struct marking *mark);
/* The set's own value of a key in which case was lost, or its end; false: it has
 * none. */
bool share_value_of(struct sharing *s, enum indicator_kind kind,
		    const char *key, char value[INDICATOR_PATTERN_CAP]);
enum err share_set(struct sharing *s) MUST_CHECK;

/* share_indicators.c: the set's own object of a value that was seen, '*known' if
 * it has it. */
enum err share_set_of(struct sharing *s, enum indicator_kind kind,
		      const char *value, bool *known) MUST_CHECK;

/*
 * share_step.c: an object on its way into a step's bundle.  Between begin and
 * end stands its text; end is true when it stays: it is another version than the
 * partner has, and there was room.  Without a step it always stays.
 */
struct stix_place share_begin(struct sharing *s, const struct marking *mark);
bool share_end(struct sharing *s, const struct stix_place *at,
	       enum share_kind kind, const char *id, int64_t local);
/* All of a slice of exchange_changes was walked: the cursor goes on behind it,
 * also over what is of another kind or no more. */
enum err share_walked(struct sharing *s) MUST_CHECK;
/* What the partner has of that id; false: nothing. */
bool share_had(struct sharing *s, const char *id, uint64_t *version);
/* The partner has it no longer: it was told so, once. */
void share_gone(struct sharing *s, enum share_kind kind, const char *id,
		int64_t local);
/* When this version is of, or 'us' without a step. */
uint64_t share_modified(const struct sharing *s, uint64_t us);
/* The marking of what only says that something is no more: for the partner
 * alone, at its own level. */
struct marking share_for_partner(const struct sharing *s);

/* That the partner has one no longer, where only its id is known here. */
void share_take_back_indicator(struct sharing *s, const char *id,
			       int64_t local);
void share_take_back_incident(struct sharing *s, const char *id, int64_t local);

/* share_consults.c */
enum err share_consults(struct sharing *s) MUST_CHECK;

/* share_sightings.c, share_incidents.c */
enum err share_sightings(struct sharing *s) MUST_CHECK;
enum err share_incidents(struct sharing *s) MUST_CHECK;

#endif
