/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_out.h - what a part's alerts said, kept until the head has it
 *
 * In the transaction that stores alerts, what they said goes into the table
 * "part_outbox" as numbered records (part_pack.h).  From there they are sent to
 * the part's stream in Redis, of which all is disposable: what the head has not
 * committed, by the point that it publishes, is sent again when Redis lost it.
 *
 * Place    above part_pack, part and store; below pipeline.
 * Threads  the store's writer.
 * Memory   that of a packer; PART_WINDOW records of Redis' while they are sent.
 *          The table is bounded by parts.max-waiting: part_out_full() then, and
 *          sensors wait.
 * Cost     0.4 us an alert, zlib with it; one row, one signature and one
 *          command a record.
 */
#ifndef COLLECTOR_PART_OUT_H
#define COLLECTOR_PART_OUT_H

#include "collector/part.h"
#include "collector/store.h"
#include "common/alert.h"
#include "common/redis_pool.h"

/* Records that Redis has and the head has not, at most; and their bytes. */
#define PART_WINDOW 64
#define PART_WINDOW_BYTES (UINT64_C(8) << 20)

struct part_out;

/* ERR_USAGE with diag when the store is another part's; ERR_NOMEM, ERR_IO,
 * ERR_FORMAT. */
enum err part_out_new(struct part_out **out, const struct part_config *cfg,
		      struct store *store, struct diag *d) MUST_CHECK;
void part_out_free(struct part_out *o);
/* Memory as the store has it: at start, and after a failed commit. */
enum err part_out_reload(struct part_out *o) MUST_CHECK;

/* Inside of the store's transaction: an alert that was stored as number 'id',
 * and an event of the kind EVE_ANCHOR. */
enum err part_out_alert(struct part_out *o, const char *site,
			const char *sensor, int64_t id,
			const struct alert *a) MUST_CHECK;
enum err part_out_anchor(struct part_out *o, const char *site,
			 const char *sensor, const struct alert *a) MUST_CHECK;
/* A line of contacts, which may be refused as too long: '*taken'. */
enum err part_out_contacts(struct part_out *o, const char *site,
			   const char *sensor, struct view line,
			   bool *taken) MUST_CHECK;
/* Before the commit: what is left becomes a record; what the head has, goes. */
enum err part_out_keep(struct part_out *o) MUST_CHECK;
/* After it. */
void part_out_committed(struct part_out *o);

/* No room: nothing is to be taken in until the head has come further. */
bool part_out_full(const struct part_out *o);
/* The head has not committed all yet. */
bool part_out_waiting(const struct part_out *o);

/*
 * Outside of a transaction, with no other command under way: hears how far the
 * head is, sends what there is to send, and frees what it has.  ERR_AGAIN with
 * diag when Redis is away or refuses; ERR_IO when the store does.
 */
enum err part_out_turn(struct part_out *o, struct redis_pool *pool,
		       struct diag *d) MUST_CHECK;

struct part_out_stats {
	uint64_t records, alerts, subjects, bytes; /* written since the start */
	uint64_t sent, resent, points_refused; /* since the start */
	uint64_t waiting, waiting_bytes; /* now: records */
	bool full;
};
void part_out_stats(const struct part_out *o, struct part_out_stats *out);

#endif
