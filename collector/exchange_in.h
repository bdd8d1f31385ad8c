/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_in.h - bundles of partners, from our Redis and from directories
 *
 * Each party's stream and inbox are read in order, judged and inflated within
 * bounds.  What is handed over is either the next bundle of that party, signed
 * by it, or something to be counted: refused, or applied before.  What is
 * deleted, and what is told the party of it, follows when the caller says that
 * its store has it.
 *
 * A stream that holds more than EXCHANGE_IN_ENTRIES or EXCHANGE_IN_BYTES is
 * trimmed, and an entry that is too large to be read goes unread; the sender
 * has what was lost of its own, and sends from our point on again.
 *
 * Place    above exchange_conf, redis_pool and exchange_apply (names of what is
 *          counted); below the pipeline.
 * Threads  the pipeline's; the own key signs for it alone.
 * Memory   one reply of Redis and one bundle: about 25 MiB at most.
 * Cost     a round trip for each party that has nothing; SHA-256 and a check of
 *          the signature for each bundle.
 */
#ifndef COLLECTOR_EXCHANGE_IN_H
#define COLLECTOR_EXCHANGE_IN_H

#include "collector/exchange_apply.h"
#include "collector/exchange_conf.h"
#include "common/redis_options.h"

#define EXCHANGE_IN_ENTRIES 4096
#define EXCHANGE_IN_BYTES (UINT64_C(512) << 20)

/* Where a party stands: what the store has of it. */
struct exchange_point {
	uint64_t epoch, seq;
};

struct exchange_item {
	/* EXCHANGE_BUNDLES: the next one; else what it counts as. */
	enum exchange_count what;
	uint64_t n; /* so many of that */
	struct exchange_frame f; /* 'epoch' and 'seq' of a bundle */
	struct view bundle; /* its text; broken bytes: empty, 'why' says so */
	char why[160];
	uint64_t
		added_us; /* since when it was here, wall clock; 0: not known */
	/* exchange_in's own */
	bool from_file, none;
	char id[EXCHANGE_FILE_CAP];
	uint8_t mac[FRAME_MAC_MAX];
};

struct exchange_in;

/* On a connection of its own to our Redis.  ERR_NOMEM, ERR_USAGE with diag.
 * 'conf' and what 'redis' points to outlive it. */
enum err exchange_in_new(struct exchange_in **out,
			 const struct exchange_conf *conf,
			 const struct redis_options *redis,
			 struct diag *d) MUST_CHECK;
void exchange_in_free(struct exchange_in *in);
/* From here on by 'conf' (exchange_conf_reload()). */
void exchange_in_use(struct exchange_in *in, const struct exchange_conf *conf);

/*
 * What comes next of party number 'party', whose point is 'at'; valid until the
 * next call.  ERR_EOF: nothing for now.  ERR_AGAIN with diag: Redis is away or
 * refuses.
 */
enum err exchange_in_next(struct exchange_in *in, unsigned party,
			  const struct exchange_point *at,
			  struct exchange_item *item,
			  struct diag *d) MUST_CHECK;
/* The store has it, or has counted it: it goes; a file that was refused is kept
 * aside as NAME.refused.  What fails here comes again and counts as repeated. */
void exchange_in_done(struct exchange_in *in, unsigned party,
		      const struct exchange_item *item);
/* Tells the party that all up to here is applied: in our Redis, and in its
 * outbox here.  ERR_AGAIN with diag: Redis did not take it. */
enum err exchange_in_tell(struct exchange_in *in, unsigned party,
			  const struct exchange_point *at,
			  struct diag *d) MUST_CHECK;

/* ------------------------------------ exchange_in*.c among themselves */

struct exchange_bytes {
	uint8_t *p;
	size_t cap;
};

/* What the frame in 'item' is to a party that stands at 'at': sets 'what', and
 * of a bundle its text, inflated into 'room'.  ERR_NOMEM only. */
enum err exchange_in_judge(const struct exchange_conf *conf, unsigned party,
			   const struct exchange_point *at,
			   struct exchange_bytes *room,
			   struct exchange_item *item) MUST_CHECK;
void exchange_in_refuse(struct exchange_item *item, enum exchange_count what,
			const char *why);

/* exchange_in_files.c: the same for inbox and outbox. */
struct exchange_in_files;
enum err exchange_in_files_new(struct exchange_in_files **out,
			       const struct exchange_conf *conf) MUST_CHECK;
void exchange_in_files_free(struct exchange_in_files *x);
void exchange_in_files_use(struct exchange_in_files *x,
			   const struct exchange_conf *conf);
enum err exchange_in_files_next(struct exchange_in_files *x, unsigned party,
				const struct exchange_point *at,
				struct exchange_item *item) MUST_CHECK;
void exchange_in_files_done(struct exchange_in_files *x, unsigned party,
			    const struct exchange_item *item);
void exchange_in_files_tell(const struct exchange_in_files *x, unsigned party,
			    const char *point);

#endif
