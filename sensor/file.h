/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - a file that a transaction carries, while its bytes go by
 *
 * A parser opens a file when it knows that one begins, gives it the bytes as
 * they come (decoded as far as the protocol codes them), and closes it.  Here
 * it is counted, digested and typed; rules look at it through fill, EVE shows
 * it through log_file.  Nothing of any protocol is known here.
 *
 * Place    above file_digest, file_magic and file_store; below app_parser.
 * Threads  one file_ctx per worker.
 * Memory   a file lies in its transaction's arena, the front that rules look
 *          at in the pool; at most FILES_MAX files a direction.
 * Cost     per byte only what a rule or a setting asks for: digests, storing.
 */
#ifndef SENSOR_FILE_H
#define SENSOR_FILE_H

#include "common/arena.h"
#include "common/conf.h"
#include "sensor/file_digest.h"
#include "sensor/file_store.h"

#define FILES_MAX 64 /* of one transaction and direction */

enum file_state {
	FILE_OPEN, /* bytes still come */
	FILE_CLOSED, /* whole */
	FILE_TRUNCATED, /* bytes are missing: a hole, an end too soon, a bomb */
};

/* What rules and settings ask of files. */
enum file_need {
	FILE_NEED_MD5 = DIGEST_MD5,
	FILE_NEED_SHA1 = DIGEST_SHA1,
	FILE_NEED_SHA256 = DIGEST_SHA256,
	FILE_NEED_MAGIC = 8,
	FILE_NEED_STORE = 16, /* some rule may want a file stored */
};

struct rule_tx; /* rules */

struct file {
	struct file *next; /* of this transaction and direction */
	struct view name; /* may be empty */
	uint64_t size; /* bytes of the file so far, lost ones included */
	uint32_t number; /* 0, 1, 2 ... in its direction */
	uint8_t state; /* enum file_state */
	bool gaps; /* bytes were lost */
	uint32_t step; /* see file_start */
	bool has_range; /* a part of a file: Content-Range and the like */
	uint64_t start, end; /* of the range */

	struct digest_run *digesting; /* NULL: none, or over */
	struct digest_sums sums; /* valid once the file has ended */
	bool magic_tried;
	struct view magic; /* libmagic's words, empty until known */
	struct stored_file *storing; /* NULL: not being written */
	bool wanted; /* a rule asked to store it */
	bool stored; /* it lies in the store now */

	struct buf own; /* the front, when nobody else keeps it */
	const struct buf *front; /* the first bytes, as far as they are kept */

	/* The worker's marks. */
	struct rule_tx *rules;
	uint64_t inspected; /* bytes of the front offered to the rules */
	bool offered, end_offered, magic_offered;
	bool logged;
};

struct file_list {
	struct file *first, *last;
	uint32_t n;
};

struct file_counters {
	uint64_t opened, refused; /* refused: beyond FILES_MAX or memory */
	uint64_t no_digest; /* all digest runs were taken */
};

struct file_ctx;

/* NULL when out of memory, or (with diag) when the store cannot be used. */
struct file_ctx *file_ctx_new(const struct conf *conf, struct pool *pool);
void file_ctx_free(struct file_ctx *c);
/* What the rules ask for, enum file_need, besides what settings do. */
void file_ctx_want(struct file_ctx *c, unsigned needs);
const struct file_counters *file_counters(const struct file_ctx *c);
const struct file_store_counters *file_store_counts(const struct file_ctx *c);

/* See file_store_depth(); 0 without a store. */
uint64_t file_stream_depth(const struct file_ctx *c);

/* How a new file begins. */
struct file_start {
	struct view name; /* copied */
	uint64_t flow_id, tx_id; /* name it while it is written */
	unsigned dir;
	/* Who keeps the front; NULL: the file does, 'front_limit' bytes. */
	const struct buf *front;
	size_t front_limit;
	uint32_t step; /* new bytes of it worth an inspection */
};

/* A new file at the list's end; NULL: refused and counted. 'c' may be NULL
 * in all of these: then there are no digests, no types and no store. */
struct file *file_open(struct file_ctx *c, struct arena *a, struct file_list *l,
		       const struct file_start *s);
/* Moves 'f', which keeps its own front, to another list: the new place, or
 * NULL (and 'f' stays) as file_open(). */
struct file *file_move(struct file *f, struct arena *a, struct file_list *l);
void file_data(struct file_ctx *c, struct file *f, struct view data);
/* 'bytes' of the file were lost here. */
void file_lost(struct file_ctx *c, struct file *f, uint64_t bytes);
/* 'state' is FILE_CLOSED or FILE_TRUNCATED; a file with holes is never whole.
 * The front must still be there.  Closing twice is fine. */
void file_close(struct file_ctx *c, struct file *f, struct arena *a,
		enum file_state state);
/* What it is, once enough of it came; true when that became known now. */
bool file_find_magic(struct file_ctx *c, struct file *f, struct arena *a);
/*
 * Stores what a rule asked for, or throws away what none did: once the rules
 * saw the whole file.  Sets 'stored'.
 */
void file_settle(struct file_ctx *c, struct file *f);
/* The JSON text beside a stored file; 'id' tells its sightings apart. */
bool file_writes_info(const struct file_ctx *c);
void file_write_info(struct file_ctx *c, const struct file *f, uint64_t ts_us,
		     uint64_t id, struct view json);
/* Gives back what a file holds outside its arena. */
void file_fini(struct file_ctx *c, struct file *f);

/* Whether its front should be offered to the rules again. */
bool file_due(const struct file *f);

static inline bool
file_ended(const struct file *f)
{
	return f->state != FILE_OPEN;
}

#endif
