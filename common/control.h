/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - what the collector's side tells sensors, as signed documents
 *
 * A document is one JSON object:
 *
 *   {"v":1,"kind":"rules","action":"reload","version":1795380000000,
 *    "site":"base-a","sensor":"tap1"}
 *
 * or
 *
 *   {"v":1,"kind":"posture","level":"heightened","number":1,
 *    "settings":{"forward.types":"alert,stats,http"},"version":...}
 *
 * or of "kind" "exercise", with "action" "start" and "token" (exercise.h),
 * or "end" and "name", or of "kind" "evidence" (evidence_ask.h).
 *
 * 'site' and 'sensor' say whom it is for; absent means all.  Versions only
 * grow: a sensor refuses what is not newer than what it last took.  In the
 * stream an entry has the fields "doc" (the object's bytes) and "sig" (the
 * Ed25519 signature of just these bytes).
 *
 * Place    above sign.h, json.h and json_read.h; both programs use it.
 * Threads  pure.
 * Memory   caller's.
 * Cost     cold.
 */
#ifndef COMMON_CONTROL_H
#define COMMON_CONTROL_H

#include "common/evidence_ask.h"
#include "common/exercise.h"
#include "common/json.h"
#include "common/posture.h"
#include "common/sign.h"

#define CONTROL_STREAM "picket:control"
#define CONTROL_KEEP "1000" /* entries that the stream keeps, about */
#define CONTROL_NAME_CAP 64
#define CONTROL_MAX_DOC ((size_t)64 << 10)

enum control_action {
	CONTROL_RULES_RELOAD,
	CONTROL_POSTURE,
	CONTROL_EXERCISE, /* it is to be marked as such from now on */
	CONTROL_EXERCISE_END,
	CONTROL_EVIDENCE /* kept packets are asked for */
};

struct control_doc {
	enum control_action action;
	uint64_t version;
	char site[CONTROL_NAME_CAP], sensor[CONTROL_NAME_CAP]; /* "": all */
	struct posture posture; /* CONTROL_POSTURE: the sensor's part */
	char exercise[EXERCISE_NAME_CAP]; /* CONTROL_EXERCISE, _END */
	/* CONTROL_EXERCISE: what to write; of one read, control_exercise(). */
	const struct exercise *token;
	struct evidence_ask evidence; /* CONTROL_EVIDENCE */
};

/* The document's text into 'j', which is reset; false without memory. */
bool control_write(struct json *j, const struct control_doc *doc) MUST_CHECK;
/* The exercise of a text that control_read() took as CONTROL_EXERCISE; the
 * caller frees it.  As exercise_read(). */
enum err control_exercise(struct view text, struct exercise **out,
			  struct diag *d) MUST_CHECK;
enum err control_sign(struct sign_key *k, struct view text,
		      uint8_t sig[SIGN_BYTES]) MUST_CHECK;

/* Reads a text of whoever's; false when it is no document that we know. */
bool control_parse(struct view text, struct control_doc *doc) MUST_CHECK;
/*
 * Checks the signature, then reads.  ERR_AUTH: not signed with this key;
 * ERR_FORMAT: signed, but not understood (a newer version's, perhaps).
 */
enum err control_read(struct sign_key *k, struct view text, struct view sig,
		      struct control_doc *doc) MUST_CHECK;
bool control_is_for(const struct control_doc *doc, const char *site,
		    const char *sensor);

#endif
