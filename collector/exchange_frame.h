/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_frame.h - a bundle on its way from one party to another, signed
 *
 * A frame carries one bundle of STIX 2.1 and says from whom, to whom, and which
 * in order it is.  The signature is Ed25519 over all of that and the SHA-256 of
 * the data (docs/formats.md, "Exchange"), so that neither the broker nor a
 * third party can change, move or readdress one.  The receiver answers with a
 * point, "EPOCH SEQ" and its own signature: up to there it has applied.
 *
 * Place    above frame_sign.h, point_sign.h, json_read.h; below exchange_conf.
 * Threads  a key signs for one thread at a time, and checks for any number.
 * Memory   none kept; views are borrowed.
 * Cost     that of sign.h, and SHA-256 over the data.
 */
#ifndef COLLECTOR_EXCHANGE_FRAME_H
#define COLLECTOR_EXCHANGE_FRAME_H

#include "common/json.h"
#include "common/point_sign.h"

#define EXCHANGE_VERSION 1
#define EXCHANGE_NAME_CAP 64 /* a party's name with its NUL */
#define EXCHANGE_MAX_KEYS 8 /* of one party */
#define EXCHANGE_MAX_OBJECTS 2000
#define EXCHANGE_MAX_LEN ((size_t)4 << 20) /* inflated */
/* zlib never makes more of it than this (compressBound()). */
#define EXCHANGE_MAX_DATA (EXCHANGE_MAX_LEN + (EXCHANGE_MAX_LEN >> 10) + 64)
/* Epochs are when they began, in us, by the sender's clock.  One that is further
 * ahead of ours is not heeded: it would shut out all that could begin later. */
#define EXCHANGE_AHEAD_US (UINT64_C(366) * 86400 * 1000000)
#define EXCHANGE_SIG_MAX 4096 /* bytes of a .sig file */
/* "FROM-TO-EPOCH-SEQ.json" with its NUL. */
#define EXCHANGE_FILE_CAP (2 * EXCHANGE_NAME_CAP + 2 * 21 + 16)
/* "picket:exchanged:{NAME}" with its NUL. */
#define EXCHANGE_KEY_CAP (EXCHANGE_NAME_CAP + 24)

struct exchange_frame {
	char from[EXCHANGE_NAME_CAP], to[EXCHANGE_NAME_CAP];
	uint64_t epoch, seq; /* seq: 1, 2, 3 ... without gaps in an epoch */
	uint32_t n; /* objects in the bundle */
	uint64_t len; /* bytes of the bundle's text */
	struct view data; /* zlib of it, or the text itself */
	struct view mac; /* version, algorithm, key, signature; in bytes */
	bool deflated; /* data is zlib ("enc" is "zlib", else "none") */
};

/* A partner as the settings have it; texts are the settings'. */
struct exchange_party {
	char name[EXCHANGE_NAME_CAP];
	const char *url; /* NULL: not by Redis */
	const char *ca, *cert, *key, *server_name; /* of its TLS; NULL: none */
	const char *outbox, *inbox; /* directories; NULL: none */
	struct sign_key *keys[EXCHANGE_MAX_KEYS]; /* public ones of it */
	unsigned n_keys;
	uint64_t quota; /* most indicators of it in our set */
};

enum exchange_verdict {
	EXCHANGE_OK,
	EXCHANGE_UNSIGNED, /* it bears no mac */
	EXCHANGE_MALFORMED, /* the mac is none, or a number is out of bounds */
	EXCHANGE_UNKNOWN_KEY, /* no key of that party has this id */
	EXCHANGE_FORGED, /* the key is right, the signature is not */
	EXCHANGE_MISADDRESSED, /* not from that party, or not to us */
	EXCHANGE_VERDICTS
};

/* "ok", "unsigned", "malformed", "unknown-key", "forged", "misaddressed". */
const char *exchange_verdict_name(enum exchange_verdict v);

/* 1 to 63 letters, digits, '-' and '_', the first a letter or digit: it is part
 * of keys, of file names and of settings. */
bool exchange_name_ok(struct view name);

/* Writes the mac of 'f', whose own 'mac' is not read.  ERR_NOMEM only. */
enum err exchange_frame_sign(struct sign_key *k, const struct exchange_frame *f,
			     uint8_t mac[FRAME_MAC_MAX],
			     size_t *len) MUST_CHECK;

/*
 * Whether 'f' is what 'party' made for 'us'.  The bundle itself is not looked
 * at; that the sequence goes on is for the caller to see.
 */
enum exchange_verdict exchange_frame_judge(const struct exchange_party *party,
					   const char *us,
					   const struct exchange_frame *f);

/* Keys of Redis, of one slot: the stream that 'from' writes, and the point for it. */
void exchange_stream_key(const char *from, char out[EXCHANGE_KEY_CAP]);
void exchange_point_key(const char *from, char out[EXCHANGE_KEY_CAP]);

/* "FROM-TO-EPOCH-SEQ" and 'end' (".json", ".sig"); the point's: "TO-FROM-point"
 * where 'from' is who sent the bundles. */
void exchange_file_name(const struct exchange_frame *f, const char *end,
			char out[EXCHANGE_FILE_CAP]);
void exchange_point_file(const char *from, const char *to,
			 char out[EXCHANGE_FILE_CAP]);

/* The text of a .sig file: one JSON object with all of 'f' but the data, and
 * the SHA-256 of that.  j->failed: no memory. */
void exchange_sig_write(struct json *j, const struct exchange_frame *f);
/*
 * Reads one; 'f->mac' borrows from 'mac', 'f->data' is left empty for the
 * caller to set before the frame is judged.  False with diag, which names the
 * field, when it is none.
 */
bool exchange_sig_read(struct view text, struct exchange_frame *f,
		       uint8_t mac[FRAME_MAC_MAX], struct diag *d) MUST_CHECK;

/* The point of the bundles that 'from' sent to 'to', who signs it.  ERR_NOMEM
 * only. */
enum err exchange_point_write(struct sign_key *k, const char *from,
			      const char *to, uint64_t epoch, uint64_t seq,
			      char out[POINT_TEXT_CAP]) MUST_CHECK;
/* Reads and judges one that 'party' signed for what 'us' sent; the numbers are
 * set only if it is EXCHANGE_OK.  A line end behind it is passed over. */
enum exchange_verdict exchange_point_read(const struct exchange_party *party,
					  const char *us, struct view text,
					  uint64_t *epoch, uint64_t *seq);

#endif
