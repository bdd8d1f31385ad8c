/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base, a slice at a time.  It is read from the source in the order of
 * changes, from the first to the last: what changes meanwhile comes again
 * further on, also what is disarmed, so that at the end it is just the state
 * of that moment.
 */
#include <inttypes.h>
#include <stdio.h>

#include "collector/arm_state.h"
#include "common/clock.h"
#include "common/log.h"

#define SLICE 2048 /* records between two deltas */
#define UNDONE_S 3600 /* parts of a base that was never finished */

void
arm_base_forget(struct arm *a)
{
	a->building = false;
}

static void
begin(struct arm *a)
{
	a->next = (struct arm_base){
		.epoch = a->epoch,
		.number = MAX(clock_wall_us(), a->base.number + 1),
	};
	a->cursor = 0;
	a->rebase = false;
	a->building = true;
	delta_begin(a->part);
}

/* Of what is answered only whether it was an error counts. */
static enum err
done(enum err e, redisReply *r, struct diag *d)
{
	e = arm_good(e, r, d);
	if (e == ERR_OK) {
		freeReplyObject(r);
	}
	return e;
}

/* How long a part stays; 0: for ever. */
static enum err
keep_part(struct arm *a, const struct arm_base *b, uint32_t part,
	  unsigned seconds, struct diag *d)
{
	char key[DELTA_KEY_CAP];
	redisReply *r = NULL;
	enum err e;

	delta_part_key(b->epoch, b->number, part, key);
	e = seconds > 0 ? redis_pool_call(a->pool, key, ARM_ANSWER_MS, &r, d,
					  "EXPIRE %s %u", key, seconds)
			: redis_pool_call(a->pool, key, ARM_ANSWER_MS, &r, d,
					  "PERSIST %s", key);
	return done(e, r, d);
}

static enum err
send_part(struct arm *a, struct diag *d)
{
	struct delta_head h = { .kind = DELTA_PART,
				.epoch = a->next.epoch,
				.base = a->next.number,
				.part = a->next.parts,
				.made_us = clock_wall_us() };
	char key[DELTA_KEY_CAP];
	redisReply *r = NULL;
	struct view doc;
	enum err e = delta_finish(a->part, &h, a->key, &doc, d);

	if (e != ERR_OK) {
		return e;
	}
	delta_part_key(h.epoch, h.base, h.part, key);
	e = redis_pool_call(a->pool, key, ARM_ANSWER_MS, &r, d,
			    "SET %s %b EX %d", key, doc.p, doc.len, UNDONE_S);
	e = done(e, r, d);
	if (e == ERR_OK) {
		a->next.parts++;
		a->next.bytes += doc.len;
		a->next.records += h.n;
		delta_begin(a->part);
	}
	return e;
}

struct gather {
	struct arm *a;
	size_t n;
	bool full;
};

static enum err
add(void *arg, const struct indicator *i, uint64_t change, bool armed)
{
	struct gather *g = arg;
	struct diag d;
	enum err e = delta_add(g->a->part, i, armed, &d);

	if (e == ERR_LIMIT) {
		g->full = true;
		return ERR_EOF;
	}
	/* what no document takes the deltas have counted */
	g->a->cursor = change;
	g->n++;
	return ERR_OK;
}

/* The whole stands: it is told, and what it replaces may go. */
static enum err
send_whole(struct arm *a, struct diag *d)
{
	struct delta_head h = { .kind = DELTA_WHOLE,
				.epoch = a->next.epoch,
				.base = a->next.number,
				.to = a->next.to,
				.parts = a->next.parts,
				.made_us = clock_wall_us() };
	redisReply *r = NULL;
	struct view doc;
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < a->next.parts; i++) {
		e = keep_part(a, &a->next, i, 0, d);
	}
	delta_begin(a->part);
	if (e == ERR_OK) {
		e = delta_finish(a->part, &h, a->key, &doc, d);
	}
	if (e == ERR_OK) {
		e = redis_pool_call(a->pool, DELTA_BASE, ARM_ANSWER_MS, &r, d,
				    "SET %s %b", DELTA_BASE, doc.p, doc.len);
		e = done(e, r, d);
	}
	return e;
}

/* An entry without a document wakes sensors for a base from which no delta
 * would. */
static enum err
tell(struct arm *a, struct diag *d)
{
	char version[DELTA_VERSION_CAP];
	redisReply *r = NULL;
	enum err e;

	delta_version_text(a->base.epoch, a->base.to, version);
	e = redis_pool_call(a->pool, DELTA_STREAM, ARM_ANSWER_MS, &r, d,
			    "XADD %s * version %s", DELTA_STREAM, version);
	return done(e, r, d);
}

/* The former base's parts, and the deltas from before it. */
static enum err
clean(struct arm *a, const struct arm_base *former, const char *former_id,
      struct diag *d)
{
	redisReply *r = NULL;
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < former->parts; i++) {
		e = keep_part(a, former, i, ARM_LINGER_S, d);
	}
	if (e == ERR_OK && former_id[0] != '\0') {
		e = redis_pool_call(a->pool, DELTA_STREAM, ARM_ANSWER_MS, &r, d,
				    "XTRIM %s MINID ~ %s", DELTA_STREAM,
				    former_id);
		e = done(e, r, d);
	}
	return e;
}

static enum err
finish(struct arm *a, struct diag *d)
{
	struct arm_base former = a->base;
	char former_id[ARM_ID_CAP];
	enum err e = ERR_OK;

	if (delta_count(a->part) > 0) {
		e = send_part(a, d);
	}
	if (e == ERR_OK) {
		e = send_whole(a, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	a->base = a->next;
	a->building = false;
	a->delta_bytes = 0;
	if (!a->chained) {
		a->chained = true;
		a->published = a->base.to;
		a->lost = true;
	}
	if (a->lost) {
		e = tell(a, d);
		a->lost = e != ERR_OK;
	}
	memcpy(former_id, a->base_id, sizeof(former_id));
	memcpy(a->base_id, a->last_id, sizeof(a->base_id));
	pthread_mutex_lock(&a->lock);
	a->st.bases++;
	pthread_mutex_unlock(&a->lock);
	log_info("indicators: base at version %" PRIu64 "-%" PRIu64 ": %" PRIu64
		 " records in %" PRIu32 " parts, %" PRIu64 " bytes",
		 a->base.epoch, a->base.to, a->base.records, a->base.parts,
		 a->base.bytes);
	return e == ERR_OK ? clean(a, &former, former_id, d) : e;
}

enum err
arm_base_step(struct arm *a, bool *more, struct diag *d)
{
	const struct arm_source *s = &a->o.source;
	struct gather g = { .a = a };
	uint64_t version;
	enum err e;

	if (!a->building) {
		begin(a);
	}
	*more = true;
	/* Asked before: what comes behind is the next slice's. */
	version = s->version(s->arg);
	e = s->changes(s->arg, a->cursor, SLICE, add, &g);
	if (e == ERR_NOTFOUND && !g.full) {
		a->rebase = true;
		arm_base_forget(a);
		return ERR_OK;
	}
	if (e != ERR_OK && !g.full) {
		return diag_set(d, e, "the set of indicators cannot be read");
	}
	if (g.full) {
		return send_part(a, d);
	}
	if (g.n == SLICE) {
		return ERR_OK;
	}
	*more = false;
	a->next.to = MAX(a->cursor, version);
	return finish(a, d);
}
