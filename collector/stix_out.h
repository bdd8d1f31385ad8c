/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stix_out.h - STIX 2.1 objects, written
 *
 * OASIS STIX 2.1 (10 June 2021): bundle 8.1, identity 4.5, incident 4.6,
 * indicator 4.7, sighting 5.2, marking-definition 7.2; TLP 2.0 by its fixed
 * ids.  Ids are UUIDs of version 5 (RFC 9562 5.5), so that the same thing is
 * the same object in every bundle: an indicator's is made of its value and the
 * same for everybody; all others are made within a name space that only we and
 * the partner's key know, since their names could be guessed.
 *
 * Nothing here decides what leaves (release.h) or looks into texts (redact.h).
 *
 * Place    above marking.h, indicator.h, json.h; below share.
 * Threads  one.
 * Memory   the bundle, and the ids that are in it.
 * Cost     about 10 us an object.
 */
#ifndef COLLECTOR_STIX_OUT_H
#define COLLECTOR_STIX_OUT_H

#include <jansson.h>

#include "common/indicator.h"
#include "common/json.h"

#define STIX_ID_CAP 80 /* "marking-definition--" and a UUID, with its NUL */
#define STIX_UUID_BYTES 16
#define STIX_CONSULTATION "x-picket-consultation-event"
#define STIX_PATTERN_CAP (2 * INDICATOR_PATTERN_CAP)

struct stix_out {
	struct json j;
	json_t *has; /* ids in the bundle */
	unsigned n; /* objects that were asked for, not the helping ones */
	unsigned objects; /* all that are in it */
	size_t modified_at; /* where the last object's "modified" begins */
	uint8_t space[STIX_UUID_BYTES]; /* names are within it */
	char producer[STIX_ID_CAP]; /* identity */
	const char *producer_name;
	bool failed; /* out of memory */
};

/* 'space' as above; the bundle is begun, its id made of the name 'bundle'.
 * ERR_NOMEM. */
enum err stix_begin(struct stix_out *x, const char *producer,
		    const uint8_t space[STIX_UUID_BYTES],
		    const char *bundle) MUST_CHECK;
/* The bundle is whole; its text is x->j.  ERR_NOMEM when anything failed. */
enum err stix_end(struct stix_out *x) MUST_CHECK;
void stix_fini(struct stix_out *x);

/* "TYPE--UUID" of a name; 'shared': in the name space that all have. */
void stix_id(const struct stix_out *x, bool shared, const char *type,
	     const char *name, char out[STIX_ID_CAP]);
bool stix_has(const struct stix_out *x, const char *id);

/* "[ipv4-addr:value = '192.0.2.1']"; false: no pattern of ours says it. */
bool stix_pattern(enum indicator_kind kind, const char *value, char *out,
		  size_t cap) MUST_CHECK;

/*
 * An object is begun with what all have, given what is particular by the
 * caller with json_*() on x->j, and ended.  Its marking is defined before it.
 * 'created' and 'modified': microseconds, kept to the millisecond.
 */
void stix_object(struct stix_out *x, const char *type, const char *id,
		 uint64_t created_us, uint64_t modified_us,
		 const struct marking *mark);
void stix_object_end(struct stix_out *x);
/* That it is of an exercise; "": it is not, and nothing is said. */
void stix_exercise(struct stix_out *x, const char *name);
void stix_time(struct stix_out *x, const char *key, uint64_t us);
/* The UUID of an id, as bytes; zeros when it is none. */
void stix_id_text(const char *type, const uint8_t uuid[STIX_UUID_BYTES],
		  char out[STIX_ID_CAP]);
void stix_id_bytes(const char *id, uint8_t out[STIX_UUID_BYTES]);

/* Defines what a marking refers to, so that an object of it can be undone. */
void stix_define(struct stix_out *x, const struct marking *mark);

/* A place in the bundle to which it may be brought back, before an object whose
 * marking is defined. */
struct stix_place {
	size_t len;
	bool need_comma;
	unsigned objects;
};
struct stix_place stix_here(const struct stix_out *x);
void stix_undo(struct stix_out *x, const struct stix_place *at, const char *id);
/* A hash of the one object behind 'at', but for when it was modified. */
uint64_t stix_version(const struct stix_out *x, const struct stix_place *at);

/* An identity of that class ("organization", "system"); once a bundle. */
void stix_identity(struct stix_out *x, const char *id, const char *name,
		   const char *class, const struct marking *mark);
/* Begins the extension of incidents within an incident, defined before the
 * incident by stix_incident_extension(). */
void stix_incident_extension(struct stix_out *x);
void stix_extension_begin(struct stix_out *x);
void stix_extension_end(struct stix_out *x);

#endif
