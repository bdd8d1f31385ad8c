/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - changes of the common indicators as signed documents
 *
 * A document is a head of DELTA_HEAD bytes, records compressed by zlib, and
 * the Ed25519 signature of all before it (purpose "picket-indicators").  All
 * numbers are big-endian; docs/formats.md has the tables.
 *
 *   delta      what changed from version 'from' to version 'to'
 *   base part  some of what is armed; part 'part' of the base 'base'
 *   base       no records: says that base 'base' has 'parts' parts and is what
 *              is armed at version 'to'
 *
 * Versions grow within an epoch, and epochs grow.  A delta holds the state of
 * all that changed after 'from', so that it also fits a version between 'from'
 * and 'to'.
 *
 * Place    above indicator.h and sign.h; both programs use it.
 * Threads  a reader or writer is one thread's.
 * Memory   heap: DELTA_MAX_RAW and what it takes compressed, once, kept from
 *          one document to the next.
 * Cost     about 1 us a record either way, and a signature a document.
 */
#ifndef COMMON_DELTA_H
#define COMMON_DELTA_H

#include "common/indicator.h"
#include "common/sign.h"

#define DELTA_HEAD 64
#define DELTA_MAX_RAW ((size_t)1 << 20) /* of a document's records */
#define DELTA_MAX_RECORDS 65536
/* zlib adds a few bytes to what cannot be made smaller. */
#define DELTA_MAX_DOC (DELTA_HEAD + DELTA_MAX_RAW + 4096 + SIGN_BYTES)

#define DELTA_STREAM "picket:indicators:{set}" /* deltas */
#define DELTA_BASE "picket:indicators:{set}:base" /* the newest base */
/* DELTA_BASE ":" EPOCH "-" BASE ":" PART in decimal: a part. */
#define DELTA_KEY_CAP 128

enum delta_kind { DELTA_CHANGES = 1, DELTA_PART = 2, DELTA_WHOLE = 3 };

struct delta_head {
	enum delta_kind kind;
	uint64_t epoch;
	uint64_t base; /* of parts and their base: its number */
	uint64_t from, to; /* versions; 'to' of a part is 0 */
	uint64_t made_us; /* wall clock */
	uint32_t part; /* from 0 */
	uint32_t parts; /* of DELTA_WHOLE */
	uint32_t n, raw_len; /* records, and their bytes inflated */
};

/* One record: the state that this kind and value is in now. */
struct delta_change {
	bool armed; /* false: only kind, exact and value are said */
	bool known; /* false: of a kind or marking that a later version knows */
	struct indicator i; /* borrows from the reader */
};

/* --- written --- */

struct delta_writer;

struct delta_writer *delta_writer_new(void); /* NULL without memory */
void delta_writer_free(struct delta_writer *w);
/* Empties it. */
void delta_begin(struct delta_writer *w);
/*
 * Adds a record; longer texts than indicator.h allows are cut, the value
 * never: ERR_FORMAT with diag.  ERR_LIMIT: this document is full, and stands
 * as it was.
 */
enum err delta_add(struct delta_writer *w, const struct indicator *i,
		   bool armed, struct diag *d) MUST_CHECK;
uint32_t delta_count(const struct delta_writer *w);
/*
 * The document, signed, valid until the next call; 'n' and 'raw_len' of 'h'
 * are set here.  ERR_NOMEM, ERR_USAGE (no Ed25519 key).
 */
enum err delta_finish(struct delta_writer *w, struct delta_head *h,
		      struct sign_key *k, struct view *out,
		      struct diag *d) MUST_CHECK;

/* --- read --- */

struct delta_reader;

struct delta_reader *delta_reader_new(void); /* NULL without memory */
void delta_reader_free(struct delta_reader *r);
/*
 * Checks the signature, then reads the head and inflates.  ERR_AUTH: not
 * signed with this key; ERR_FORMAT, ERR_LIMIT with diag: signed, and not
 * understood.  'k' NULL: the signature was checked before.
 */
enum err delta_open(struct delta_reader *r, struct view doc, struct sign_key *k,
		    struct delta_head *h, struct diag *d) MUST_CHECK;
/* The next record; ERR_EOF behind the last, ERR_FORMAT with diag. */
enum err delta_next(struct delta_reader *r, struct delta_change *out,
		    struct diag *d) MUST_CHECK;

/* The key of a part in Redis; returns 'out'. */
const char *delta_part_key(uint64_t epoch, uint64_t base, uint32_t part,
			   char out[DELTA_KEY_CAP]);

/*
 * A version as presence and commands show it: "EPOCH-VERSION" in decimal.
 * False: it is none.
 */
#define DELTA_VERSION_CAP 48
const char *delta_version_text(uint64_t epoch, uint64_t version,
			       char out[DELTA_VERSION_CAP]);
bool delta_version_read(const char *text, uint64_t *epoch,
			uint64_t *version) MUST_CHECK;

#endif
