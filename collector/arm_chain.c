/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, one after the other: where the chain ends, and what comes next. */
#include <inttypes.h>
#include <stdio.h>

#include "collector/arm_state.h"
#include "common/clock.h"
#include "common/log.h"

/* A sensor's clock, or a liar, does not push epochs beyond this. */
#define AHEAD_US (UINT64_C(86400) * US_PER_S)
/* Epochs that sensors may bring about in this time: whoever forges presences
 * must not have all take bases all the time. */
#define HEED_MOST 5
#define HEED_US (UINT64_C(600) * US_PER_S)
/* Beyond what a base trims away, should none be written for long. */
#define STREAM_MOST "100000"

/* A document of ours; false: it is none. */
static bool
ours(struct arm *a, struct view doc, enum delta_kind kind, struct delta_head *h)
{
	struct delta_reader *r = delta_reader_new();
	bool good = r != NULL &&
		    delta_open(r, doc, a->key, h, NULL) == ERR_OK &&
		    h->kind == kind;

	delta_reader_free(r);
	return good;
}

/* The base that stands there; 'found' when it is one of ours. */
static enum err
look_at_base(struct arm *a, struct delta_head *h, bool *found, struct diag *d)
{
	redisReply *r;
	enum err e = redis_pool_call(a->pool, DELTA_BASE, ARM_ANSWER_MS, &r, d,
				     "GET %s", DELTA_BASE);

	e = arm_good(e, r, d);
	if (e != ERR_OK) {
		return e;
	}
	*found = r->type == REDIS_REPLY_STRING &&
		 ours(a, view_of(r->str, r->len), DELTA_WHOLE, h);
	freeReplyObject(r);
	return ERR_OK;
}

/* Whether all parts are there: Redis may have evicted or lost some. */
static enum err
look_at_parts(struct arm *a, const struct delta_head *h, bool *found,
	      struct diag *d)
{
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && *found && i < h->parts; i++) {
		char key[DELTA_KEY_CAP];
		redisReply *r;

		delta_part_key(h->epoch, h->base, i, key);
		e = redis_pool_call(a->pool, key, ARM_ANSWER_MS, &r, d,
				    "EXISTS %s", key);
		e = arm_good(e, r, d);
		if (e == ERR_OK) {
			*found = r->type == REDIS_REPLY_INTEGER &&
				 r->integer == 1;
			freeReplyObject(r);
		}
	}
	return e;
}

/* The stream's last entry: its id, and its head if it is of ours. */
static enum err
look_at_stream(struct arm *a, struct delta_head *h, bool *found, struct diag *d)
{
	const redisReply *entry, *kv;
	redisReply *r;
	enum err e =
		redis_pool_call(a->pool, DELTA_STREAM, ARM_ANSWER_MS, &r, d,
				"XREVRANGE %s + - COUNT 1", DELTA_STREAM);

	*found = false;
	e = arm_good(e, r, d);
	if (e != ERR_OK) {
		return e;
	}
	a->last_id[0] = '\0';
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 1 &&
	    r->element[0]->type == REDIS_REPLY_ARRAY &&
	    r->element[0]->elements == 2) {
		entry = r->element[0];
		kv = entry->element[1];
		if (entry->element[0]->type == REDIS_REPLY_STRING) {
			snprintf(a->last_id, sizeof(a->last_id), "%.47s",
				 entry->element[0]->str);
		}
		for (size_t i = 0;
		     kv->type == REDIS_REPLY_ARRAY && i + 1 < kv->elements;
		     i += 2) {
			if (kv->element[i]->type == REDIS_REPLY_STRING &&
			    kv->element[i + 1]->type == REDIS_REPLY_STRING &&
			    strcmp(kv->element[i]->str, "doc") == 0) {
				*found = ours(a,
					      view_of(kv->element[i + 1]->str,
						      kv->element[i + 1]->len),
					      DELTA_CHANGES, h);
			}
		}
	}
	freeReplyObject(r);
	return ERR_OK;
}

void
arm_begin_epoch(struct arm *a, uint64_t above, const char *why)
{
	a->epoch = MAX(clock_wall_us(), above + 1);
	a->chained = false;
	a->published = 0;
	a->rebase = true;
	arm_base_forget(a);
	pthread_mutex_lock(&a->lock);
	a->st.epochs++;
	pthread_mutex_unlock(&a->lock);
	log_info("indicators: epoch %" PRIu64 " begins (%s): all sensors take "
		 "the base anew",
		 a->epoch, why);
}

/* The first look: go on with what a former run published, or begin anew. */
static void
adopt(struct arm *a, bool base, const struct delta_head *b, bool delta,
      const struct delta_head *t)
{
	uint64_t end = 0, greatest = 0;

	if (base) {
		greatest = b->epoch;
		end = b->to;
	}
	if (delta) {
		greatest = MAX(greatest, t->epoch);
		end = base && t->epoch == b->epoch ? MAX(end, t->to) : end;
	}
	if (!base) {
		arm_begin_epoch(a, greatest, "Redis has no base of ours");
	} else if (greatest > b->epoch) {
		arm_begin_epoch(a, greatest, "Redis has another's deltas");
	} else if (end > a->first_version) {
		arm_begin_epoch(a, greatest,
				"the store is behind what was published");
	} else {
		a->epoch = b->epoch;
		a->published = end;
		a->chained = true;
		a->base = (struct arm_base){ .epoch = b->epoch,
					     .number = b->base,
					     .to = b->to,
					     .parts = b->parts };
		/* how large it is nobody remembers: with the next one we do */
		a->rebase = true;
	}
}

/* A later look: what of it is gone is written again. */
static void
compare(struct arm *a, bool base, const struct delta_head *b, bool delta,
	const struct delta_head *t)
{
	uint64_t end = base && b->epoch == a->epoch ? b->to : 0;

	if ((base && b->epoch > a->epoch) || (delta && t->epoch > a->epoch)) {
		arm_begin_epoch(a,
				MAX(base ? b->epoch : 0, delta ? t->epoch : 0),
				"another collector has published");
		return;
	}
	if (delta && t->epoch == a->epoch) {
		end = MAX(end, t->to);
		/* the answer to our last one was lost, it was not */
		if (a->chained && t->to > a->published &&
		    t->from <= a->published) {
			a->published = t->to;
		}
	}
	if (!base || b->epoch != a->epoch || b->base != a->base.number ||
	    end < a->published) {
		arm_base_forget(a);
		a->rebase = true;
		a->lost = true;
	}
}

enum err
arm_look(struct arm *a, struct diag *d)
{
	struct delta_head b = { .epoch = 0 }, t = b;
	bool base = false, delta = false;
	uint64_t connects;
	enum err e = redis_pool_connect(a->pool, DELTA_BASE, ARM_ANSWER_MS, d);

	connects = redis_pool_connects(a->pool);
	if (e == ERR_OK) {
		e = look_at_base(a, &b, &base, d);
	}
	if (e == ERR_OK && base && (!a->looked || connects != a->connects)) {
		e = look_at_parts(a, &b, &base, d);
	}
	if (e == ERR_OK) {
		e = look_at_stream(a, &t, &delta, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	(a->epoch == 0 ? adopt : compare)(a, base, &b, delta, &t);
	a->connects = connects;
	a->looked = true;
	return ERR_OK;
}

/* How many times in a row the one furthest behind has not moved. */
static unsigned
not_moved(struct arm *a)
{
	uint64_t now = clock_mono_us(), low;
	unsigned ms = a->o.heed_ms != 0 ? a->o.heed_ms : ARM_HEED_MS;

	if (now < a->low_us + ms * UINT64_C(1000)) {
		return 0;
	}
	a->low_us = now;
	pthread_mutex_lock(&a->lock);
	low = a->low;
	a->low = UINT64_MAX;
	pthread_mutex_unlock(&a->lock);
	if (low == a->low_before && low < a->low_published) {
		return ++a->low_same;
	}
	a->low_before = low;
	a->low_published = a->published;
	a->low_same = 0;
	return 0;
}

/*
 * A sensor for which a delta is missing from the stream waits for a base.  Of
 * one that is stuck for another reason a base that begins behind it is proof.
 */
static void
heed_stuck(struct arm *a)
{
	if (not_moved(a) < 2 || !a->chained || a->building || a->rebase ||
	    a->low_before < a->base.to || a->heeded == HEED_MOST) {
		return;
	}
	a->heeded++;
	a->rebase = true;
	log_info("indicators: a sensor does not get beyond version %" PRIu64
		 "-%" PRIu64 ": the base is written anew for it",
		 a->epoch, a->low_before);
}

void
arm_heed_sensors(struct arm *a)
{
	uint64_t epoch, version, now = clock_wall_us();

	pthread_mutex_lock(&a->lock);
	epoch = a->seen_epoch;
	version = a->seen_version;
	a->seen_epoch = a->seen_version = 0;
	pthread_mutex_unlock(&a->lock);
	if (now - a->heeded_us > HEED_US) {
		a->heeded = 0;
		a->heeded_us = now;
	}
	heed_stuck(a);
	if (epoch > now + AHEAD_US || a->heeded == HEED_MOST ||
	    epoch < a->epoch ||
	    (epoch == a->epoch && (!a->chained || version <= a->published))) {
		return;
	}
	a->heeded++;
	if (epoch > a->epoch) {
		arm_begin_epoch(a, epoch, "a sensor runs a later one");
	} else {
		arm_begin_epoch(a, epoch,
				"a sensor runs a version that we never had");
	}
}

/* --- deltas --- */

struct gather {
	struct arm *a;
	struct delta_writer *w;
	uint64_t last; /* change */
	size_t n;
	bool full;
};

/* What no document takes is left out and counted: the rest goes on. */
static enum err
add(void *arg, const struct indicator *i, uint64_t change, bool armed)
{
	struct gather *g = arg;
	struct diag d;
	enum err e = delta_add(g->w, i, armed, &d);

	if (e == ERR_LIMIT) {
		g->full = true;
		return ERR_EOF;
	}
	if (e != ERR_OK) {
		pthread_mutex_lock(&g->a->lock);
		g->a->st.refused++;
		pthread_mutex_unlock(&g->a->lock);
	}
	g->last = change;
	g->n++;
	return ERR_OK;
}

static enum err
send_delta(struct arm *a, struct delta_head *h, struct diag *d)
{
	char version[DELTA_VERSION_CAP];
	struct view doc;
	redisReply *r;
	enum err e = delta_finish(a->delta, h, a->key, &doc, d);

	if (e != ERR_OK) {
		return e;
	}
	delta_version_text(h->epoch, h->to, version);
	e = redis_pool_call(a->pool, DELTA_STREAM, ARM_ANSWER_MS, &r, d,
			    "XADD %s MAXLEN ~ " STREAM_MOST
			    " * doc %b version %s",
			    DELTA_STREAM, doc.p, doc.len, version);
	e = arm_good(e, r, d);
	if (e != ERR_OK) {
		return e;
	}
	if (r->type == REDIS_REPLY_STRING) {
		snprintf(a->last_id, sizeof(a->last_id), "%.47s", r->str);
	}
	freeReplyObject(r);
	a->delta_bytes += doc.len;
	return ERR_OK;
}

static void
count(struct arm *a, uint32_t n, uint64_t took_us)
{
	pthread_mutex_lock(&a->lock);
	a->st.deltas++;
	a->st.records += n;
	a->st.slowest_us = MAX(a->st.slowest_us, took_us);
	pthread_mutex_unlock(&a->lock);
}

enum err
arm_publish(struct arm *a, bool *more, struct diag *d)
{
	struct gather g = { .a = a, .w = a->delta, .last = a->published };
	const struct arm_source *s = &a->o.source;
	uint64_t version = s->version(s->arg), began = clock_mono_us();
	struct delta_head h = { .kind = DELTA_CHANGES,
				.epoch = a->epoch,
				.from = a->published,
				.made_us = clock_wall_us() };
	enum err e;

	if (!a->chained || version <= a->published) {
		return ERR_OK;
	}
	delta_begin(a->delta);
	/* From 0 on the source leaves out what is not armed, which nobody can
	 * have that begins there. */
	e = s->changes(s->arg, a->published, ARM_DELTA_RECORDS, add, &g);
	if (e == ERR_NOTFOUND && !g.full) {
		/* it has forgotten what was disarmed since: only a base says */
		log_info("indicators: too far behind for a delta");
		a->chained = false;
		a->rebase = true;
		arm_base_forget(a);
		return ERR_OK;
	}
	if (e != ERR_OK && !g.full) {
		return diag_set(d, e, "the set of indicators cannot be read");
	}
	*more = g.full || g.n == ARM_DELTA_RECORDS;
	h.to = *more ? g.last : MAX(g.last, version);
	e = send_delta(a, &h, d);
	if (e != ERR_OK) {
		return e;
	}
	a->published = h.to;
	count(a, h.n, clock_mono_us() - began);
	if (!a->building &&
	    a->delta_bytes > MAX(a->base.bytes / 2, ARM_REBASE_BYTES)) {
		a->rebase = true;
	}
	return ERR_OK;
}
