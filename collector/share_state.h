/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_state.h - what the files of share have in common
 *
 * Place    share's own: included by share*.c only.
 */
#ifndef COLLECTOR_SHARE_STATE_H
#define COLLECTOR_SHARE_STATE_H

#include "collector/share.h"

/* A bundle in the making. */
struct sharing {
	const struct share_request *r;
	struct store_reader *store;
	struct share_bundle *b;
	struct redact *redact;
	struct json text; /* one redacted text */
	json_t *known; /* markings of the common set, by name */
	enum err err;
};

/* Whether there is room for one more; else it is held. */
bool share_room(const struct sharing *s);
/* 'id' NULL or "": held. */
void share_note(struct sharing *s, enum share_kind kind, enum release_verdict v,
		int64_t local, const char *id, const struct marking *mark);
/* Whether this kind was asked for. */
bool share_wants(const struct sharing *s, enum share_kind k);
/* Without the right to times, days only. */
uint64_t share_moment(const struct sharing *s, enum share_kind k, uint64_t us);
/* 'in' redacted, as a string member of the bundle. */
void share_text(struct sharing *s, enum share_kind k,
		const struct marking *mark, const char *key, const char *in);

/* share_indicators.c: the name that an indicator's id is made of; the common
 * set's markings of what was seen, looked up once; that of one, joined; and the
 * set itself. */
void share_indicator_name(enum indicator_kind k, const char *value, char *out,
			  size_t cap);
enum err share_known_marks(struct sharing *s) MUST_CHECK;
void share_join_known(const struct sharing *s, const char *name,
		      struct marking *mark);
enum err share_set(struct sharing *s) MUST_CHECK;

/* share_sightings.c, share_incidents.c */
enum err share_sightings(struct sharing *s) MUST_CHECK;
enum err share_incidents(struct sharing *s) MUST_CHECK;

#endif
