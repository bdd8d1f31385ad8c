/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h - whose signature a batch or a presence must bear, and our own key
 *
 * Read from the settings below "ingest": keys of sensors, from when to when
 * each holds, and keys that are revoked.  A sensor may have several keys at a
 * time, which is how one is replaced by the next.
 *
 * Place    above inflate and frame_sign; below pipeline.
 * Threads  read at the start by one; keyring_judge() by any number at once.
 * Memory   at most KEYRING_MAX_KEYS keys.
 * Cost     a walk over the keys and the check of one signature a batch.
 */
#ifndef COLLECTOR_KEYRING_H
#define COLLECTOR_KEYRING_H

#include "collector/inflate.h"
#include "common/conf.h"
#include "common/frame_sign.h"

#define KEYRING_MAX_KEYS 8192
#define KEYRING_ID_TEXT (2 * SIGN_ID_BYTES + 1)

/* Rows for the program's table of settings. */
#define KEYRING_ROWS \
	{ "ingest.signatures", "string", "off", \
	  "off, accept or require: signatures of batches" }, \
		{ "ingest.sign-key", "string", "", \
		  "key that signs committed points: FILE, or hmac:FILE" }, \
		{ "ingest.keys.*", "list", "", "keys of sensors" }, \
	{ \
		"ingest.revoked.*", "list", "", "keys that hold no longer" \
	}

enum keyring_mode {
	KEYRING_OFF, /* signatures are not looked at */
	KEYRING_ACCEPT, /* checked when there */
	KEYRING_REQUIRE, /* and refused when not */
};

enum keyring_verdict {
	KEYRING_SIGNED, /* by a key that may */
	KEYRING_PASSED, /* not signed, and need not be */
	KEYRING_UNSIGNED,
	KEYRING_MALFORMED, /* the mac is none */
	KEYRING_UNKNOWN, /* no such key */
	KEYRING_REVOKED,
	KEYRING_EXPIRED, /* not yet, or no longer */
	KEYRING_FOREIGN, /* the key is another sensor's */
	KEYRING_FORGED, /* the key is right, the signature is not */
};

struct keyring;

/* ERR_USAGE with diag that names the setting or the file. */
enum err keyring_load(struct keyring **out, const struct conf *c,
		      struct diag *d) MUST_CHECK;
void keyring_free(struct keyring *k);

enum keyring_mode keyring_mode(const struct keyring *k);

/* Our own key, which signs committed points; NULL: they are not signed. */
struct sign_key *keyring_own(const struct keyring *k);

/*
 * Judges a batch or gap whose header was read, before its body is.  'name' is
 * SITE/SENSOR of the stream that it came in; 'now_s' is seconds since 1970.
 * 'id' becomes the key in hexadecimal, "" when there is none.
 */
enum keyring_verdict keyring_judge(struct keyring *k, struct view name,
				   const struct ingest_entry *e,
				   const struct inflated *f, int64_t now_s,
				   char id[KEYRING_ID_TEXT]);

/*
 * The same of a presence.  When it is signed, of its fields only those are left
 * that are.
 */
enum keyring_verdict keyring_judge_presence(struct keyring *k, struct view name,
					    struct ingest_presence *p,
					    int64_t now_s,
					    char id[KEYRING_ID_TEXT]);

/* The key in hexadecimal, as messages show it and ingest.revoked takes it. */
void keyring_id_text(const uint8_t id[SIGN_ID_BYTES],
		     char out[KEYRING_ID_TEXT]);

#endif
