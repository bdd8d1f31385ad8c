/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/sender_entry.h"
#include "sensor/spool_order.h"

#define MAX_DEPTH 32
#define PROBE_BATCHES 16
#define PROBE_SLOWEST 60 /* times resend_us */
#define PROBE_SETTLE_US UINT64_C(1000000)
#define WINDOW_BYTES ((uint64_t)128 << 20)
#define PAUSE_MIN_US UINT64_C(100000)
#define PAUSE_MAX_US UINT64_C(5000000)
#define RECONNECT_MAX_US UINT64_C(1000000)
#define SMALL_BATCH 1024 /* bytes: what one costs in Redis at least */
#define GAP SPOOL_CLASSES /* the class of a gap */

enum kind {
	NOTHING,
	ASK_COMMITTED,
	ASK_LAST,
	ASK_LENGTH,
	PUT_BATCH,
	PUT_PROBE,
	TELL_PRESENCE,
	ASK_CONTROL
};

/* A command that Redis has not answered yet. */
struct pending {
	enum kind kind;
	unsigned cls; /* of a batch; GAP */
	uint64_t first, seq; /* a batch: equal; a gap: its range */
	uint64_t front; /* with it, all up to here was sent */
	size_t bytes;
};

#define MAX_PENDING (MAX_DEPTH + PROBE_BATCHES + 2 * PRESENCE_COMMANDS + 6)

struct sender {
	struct redis_pool *pool;
	struct spool *spool;
	struct spool_order order; /* the next batches to send */
	char name[SPOOL_NAME_CAP];
	char stream[SPOOL_NAME_CAP + 32], committed_key[SPOOL_NAME_CAP + 32];
	struct frame_header empty_head; /* of a gap's body */
	uint8_t empty[32];
	size_t empty_len;

	unsigned depth;
	uint64_t resend_us, window_bytes;
	bool more; /* the last sending ended because enough was under way */

	struct pending pending[MAX_PENDING]; /* a command's tag is its place */
	unsigned n_pending, n_batches;
	bool asking_committed, asking_control, asking_length;
	struct control_feed *control; /* NULL: none */
	uint64_t next_control_us;

	bool ready; /* connected, and knowing where to go on */
	uint64_t acked; /* Redis took everything up to here, in this pass */
	uint64_t high[SPOOL_CLASSES + 1]; /* the highest ever taken */
	uint64_t failed[SPOOL_CLASSES + 1]; /* first refused, 0: none */
	bool failing; /* any of them */
	unsigned refused_kinds; /* bits: commands last answered by an error */
	unsigned failures; /* in a row */
	uint64_t pause_until_us;
	uint64_t next_poll_us;
	unsigned losses; /* of the connection, in a row */
	uint64_t connect_us; /* not before */

	/* What stands in Redis, which the collector takes out. */
	bool knows_length;
	uint64_t length, since_length; /* entries; bytes put after */

	uint64_t progress_us; /* when something was committed, or nothing due */
	bool again; /* a probe was asked for */
	uint64_t stall_us; /* how long without is a stall: grows */
	uint64_t probe_end; /* last number of the probe, 0: none */
	uint64_t probe_hit_us; /* when the commit reached just there */
	struct spool_cursor probe;
	unsigned probe_left;

	struct sender_stats st;
	uint64_t told; /* bits: kinds of trouble logged since all was well */
};

#define TOLD_DOWN (UINT64_C(1) << REDIS_TROUBLES)
#define TOLD_AUTH (UINT64_C(2) << REDIS_TROUBLES)

static enum err
make_empty(struct sender *s)
{
	struct frame_codec *c = frame_codec_new(6);
	struct view data;
	enum err e;

	if (c == NULL) {
		return ERR_NOMEM;
	}
	e = frame_pack(c, VIEW_NONE, &s->empty_head, &data);
	if (e == ERR_OK && data.len <= sizeof(s->empty)) {
		memcpy(s->empty, data.p, data.len);
		s->empty_len = data.len;
	}
	frame_codec_free(c);
	return e;
}

enum err
sender_new(struct sender **out, const struct sender_options *o,
	   struct spool *spool, struct diag *d)
{
	struct sender *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = redis_pool_new(&s->pool, &o->redis, d);
	if (e == ERR_OK && make_empty(s) != ERR_OK) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e != ERR_OK) {
		sender_free(s);
		return e;
	}
	s->spool = spool;
	s->control = o->control;
	snprintf(s->name, sizeof(s->name), "%s", o->name);
	snprintf(s->stream, sizeof(s->stream), "picket:alerts:{%s}", s->name);
	snprintf(s->committed_key, sizeof(s->committed_key),
		 "picket:committed:{%s}", s->name);
	s->depth = o->depth != 0 ? MIN(o->depth, MAX_DEPTH) : SENDER_DEPTH;
	s->resend_us = o->resend_us != 0 ? o->resend_us : 10 * US_PER_S;
	s->window_bytes = o->window_bytes != 0 ? o->window_bytes : WINDOW_BYTES;
	*out = s;
	return ERR_OK;
}

void
sender_free(struct sender *s)
{
	if (s != NULL) {
		redis_pool_free(s->pool);
		free(s);
	}
}

/*
 * Keeps the state, and the words for the statistics.  Each kind of trouble
 * ('bit') is logged once, until all is well again.
 */
static void
set_state(struct sender *s, enum sender_state state, uint64_t bit,
	  const char *why)
{
	if (state == SENDER_UP) {
		if (s->st.state != SENDER_UP) {
			log_info("%s: sending", redis_pool_name(s->pool));
		}
		s->told = 0;
		s->losses = 0;
	} else {
		snprintf(s->st.last_error, sizeof(s->st.last_error), "%.255s",
			 why);
		if ((s->told & bit) == 0) {
			log_warn("%s; batches wait in the spool", why);
		}
		s->told |= bit;
	}
	s->st.state = state;
}

/* Sensors that were refused together should not return together. */
static uint64_t
jitter(uint64_t us, uint64_t now)
{
	return us / 2 + now % 997 * us / 2 / 997;
}

static void
lost_link(struct sender *s, uint64_t bit, const char *why)
{
	uint64_t now = clock_mono_us();

	redis_pool_close(s->pool);
	memset(s->pending, 0, sizeof(s->pending));
	s->n_pending = s->n_batches = 0;
	s->asking_committed = s->asking_control = s->asking_length = false;
	s->ready = false;
	s->probe_left = 0;
	s->refused_kinds = 0;
	s->connect_us = now + jitter(MIN(PAUSE_MIN_US << MIN(s->losses, 6U),
					 RECONNECT_MAX_US),
				     now);
	s->losses++;
	set_state(s, SENDER_DOWN, bit, why);
}

/* --- commands --- */

/* A place for one more; its number is the command's tag. */
static unsigned
reserve(const struct sender *s)
{
	unsigned i = 0;

	while (i < MAX_PENDING && s->pending[i].kind != NOTHING) {
		i++;
	}
	return i;
}

static void
note(struct sender *s, unsigned at, struct pending p)
{
	s->pending[at] = p;
	s->n_pending++;
	s->n_batches += p.kind == PUT_BATCH;
}

static bool
queue(struct sender *s, const char *key, int argc, const char **argv,
      const size_t *len, struct pending p)
{
	unsigned at = reserve(s);

	if (at == MAX_PENDING ||
	    redis_pool_queue(s->pool, key, argc, argv, len, at) != ERR_OK) {
		return false;
	}
	note(s, at, p);
	return true;
}

static bool
ask_committed(struct sender *s)
{
	const char *argv[] = { "GET", s->committed_key };

	s->asking_committed = queue(s, s->committed_key, 2, argv, NULL,
				    (struct pending){ .kind = ASK_COMMITTED });
	return s->asking_committed;
}

static void
ask_length(struct sender *s)
{
	const char *argv[] = { "XLEN", s->stream };

	s->asking_length = queue(s, s->stream, 2, argv, NULL,
				 (struct pending){ .kind = ASK_LENGTH });
	s->since_length = 0;
}

static void
ask_control(struct sender *s)
{
	unsigned at = reserve(s);

	if (at == MAX_PENDING ||
	    control_feed_ask(s->control, s->pool, at) != ERR_OK) {
		return;
	}
	note(s, at, (struct pending){ .kind = ASK_CONTROL });
	s->asking_control = true;
}

static bool
ask_last(struct sender *s)
{
	const char *argv[] = { "XREVRANGE", s->stream, "+", "-", "COUNT", "1" };

	return queue(s, s->stream, 6, argv, NULL,
		     (struct pending){ .kind = ASK_LAST });
}

static bool
put_item(struct sender *s, const struct spool_item *it, unsigned cls,
	 enum kind kind)
{
	bool gap = it->gap_from != 0;
	struct sender_entry e;
	struct sender_pos pos;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		pos.upto[c] = s->order.next[c].seq - 1;
	}
	sender_entry_make(&e, s->stream, it, &pos,
			  view_of(s->empty, s->empty_len), s->empty_head.crc);
	return queue(s, s->stream, e.n, e.argv, e.len,
		     (struct pending){
			     .kind = kind,
			     .cls = cls,
			     .first = gap ? it->gap_from : it->hdr.seq,
			     .seq = it->hdr.seq,
			     .front = kind == PUT_BATCH
					      ? spool_order_front(s->spool,
								  &s->order) -
							1
					      : 0,
			     .bytes = it->data.len });
}

void
sender_presence(struct sender *s, const struct presence_facts *f,
		const struct presence_spool *sp, bool ended)
{
	struct pending p = { .kind = TELL_PRESENCE };
	unsigned at = reserve(s), n = 0;
	enum err e;

	if (!redis_pool_up(s->pool, s->stream) ||
	    s->n_pending + PRESENCE_COMMANDS > MAX_PENDING) {
		return;
	}
	/* One place and tag for all three, given back by the last reply. */
	e = presence_queue(s->pool, at, s->name, f, sp, ended, &n);
	if (e != ERR_OK) {
		lost_link(s, TOLD_DOWN, "out of memory");
		return;
	}
	p.seq = n;
	note(s, at, p);
}

/* --- replies --- */

static void
hear_committed(struct sender *s, const redisReply *r, uint64_t now)
{
	uint64_t epoch, seq, before = spool_committed(s->spool);
	struct diag d;

	s->asking_committed = false;
	s->next_poll_us = now + SENDER_POLL_US;
	if (!sender_read_committed(r, &epoch, &seq) ||
	    epoch != spool_epoch(s->spool) || seq <= before) {
		return;
	}
	if (spool_commit(s->spool, seq, &d) != ERR_OK) {
		log_err("%s", d.msg);
	}
	s->progress_us = now;
	s->stall_us = s->resend_us;
	if (s->acked < seq) {
		s->acked = seq;
	}
	if (s->probe_end != 0) {
		s->probe_hit_us = now;
		if (seq > s->probe_end) {
			s->probe_end = 0; /* the collector was just late */
		}
	}
}

/* Goes on behind 'from', or before it where something was refused. */
static void
rewind_to(struct sender *s, const uint64_t from[SPOOL_CLASSES])
{
	uint64_t next[SPOOL_CLASSES], front = spool_committed(s->spool) + 1;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		next[c] = from[c] + 1;
		if (s->failed[c] != 0) {
			next[c] = MIN(next[c], s->failed[c]);
		}
	}
	memset(s->failed, 0, sizeof(s->failed));
	s->failing = false;
	spool_order_seek(&s->order, next, front);
	s->acked = spool_order_front(s->spool, &s->order) - 1;
}

static void
rewind_all(struct sender *s)
{
	uint64_t from[SPOOL_CLASSES];

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		from[c] = spool_committed(s->spool);
	}
	rewind_to(s, from);
}

/*
 * What Redis loses, it loses from the end of a stream: a failover, a log cut
 * short, all of it.  So behind its last entry is where to go on; what was
 * taken out in other ways, a stall will tell.
 */
static void
hear_last(struct sender *s, const redisReply *r, uint64_t now)
{
	uint64_t from[SPOOL_CLASSES], last = spool_last_seq(s->spool);
	struct sender_pos pos = { { 0 } };

	(void)sender_read_last(r, spool_epoch(s->spool), &pos);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		from[c] = spool_committed(s->spool);
		if (pos.upto[c] > from[c] && pos.upto[c] <= last) {
			from[c] = pos.upto[c];
		}
	}
	rewind_to(s, from);
	s->ready = true;
	s->progress_us = now;
	s->stall_us = s->resend_us;
	s->probe_end = 0;
}

static void
refused(struct sender *s, const struct pending *p, const redisReply *r)
{
	enum redis_trouble t = redis_reply_trouble(r);
	enum err e = redis_reply_err(r);
	char why[300];

	s->st.refused++;
	s->refused_kinds |= 1U << p->kind;
	snprintf(why, sizeof(why), "%s: %.200s", redis_pool_name(s->pool),
		 r->str);
	set_state(s, e == ERR_AUTH ? SENDER_REFUSED : SENDER_BUSY,
		  UINT64_C(1) << t, why);
	if (p->kind == PUT_BATCH &&
	    (s->failed[p->cls] == 0 || p->first < s->failed[p->cls])) {
		s->failed[p->cls] = p->first;
		s->failing = true;
	}
	if (e == ERR_AUTH) {
		s->failures = 8; /* will not mend by itself: go slowly */
	}
}

static void
hear_batch(struct sender *s, const struct pending *p)
{
	if (p->seq > s->high[p->cls]) {
		s->high[p->cls] = p->seq;
		s->st.sent++;
	} else {
		s->st.resent++;
	}
	s->st.bytes += p->bytes;
	if (p->kind == PUT_BATCH && !s->failing) {
		s->acked = MAX(s->acked, p->front);
		s->failures = 0;
	}
}

/* Once the last of a refused pipeline is in: wait, and go back. */
static void
settle_refusal(struct sender *s, uint64_t now)
{
	uint64_t from[SPOOL_CLASSES];

	if (!s->failing || s->n_batches > 0) {
		return;
	}
	s->pause_until_us =
		now +
		jitter(MIN(PAUSE_MIN_US << MIN(s->failures, 6U), PAUSE_MAX_US),
		       now);
	s->failures++;
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		from[c] = s->order.next[c].seq - 1;
	}
	rewind_to(s, from);
}

/* A command whose server went away before it answered. */
static void
lost(struct sender *s, const struct pending *p, uint64_t now)
{
	if (p->kind == ASK_CONTROL) {
		s->asking_control = false;
		s->next_control_us = now + CONTROL_PERIOD_US;
	} else if (p->kind != TELL_PRESENCE) {
		lost_link(s, TOLD_DOWN, redis_pool_why(s->pool));
	}
}

/* Replies that are no reason to hold alerts back, whatever they say. */
static bool
hear_aside(struct sender *s, const struct pending *p, const redisReply *r,
	   uint64_t now)
{
	if (p->kind == ASK_CONTROL) {
		s->asking_control = false;
		s->next_control_us = now + CONTROL_PERIOD_US;
		if (control_feed_hear(s->control, r)) {
			s->next_control_us = now;
		}
	} else if (p->kind == ASK_LENGTH) {
		s->asking_length = false;
		s->knows_length = r->type == REDIS_REPLY_INTEGER;
		s->length = s->knows_length && r->integer > 0
				    ? (uint64_t)r->integer
				    : 0;
	} else {
		return false;
	}
	return true;
}

static void
hear_reply(struct sender *s, const struct pending *p, const redisReply *r,
	   uint64_t now)
{
	if (hear_aside(s, p, r, now)) {
		return;
	}
	if (r->type == REDIS_REPLY_ERROR && p->kind != ASK_LAST) {
		refused(s, p, r);
		s->asking_committed &= p->kind != ASK_COMMITTED;
		s->next_poll_us = now + SENDER_POLL_US;
		settle_refusal(s, now);
		return;
	}
	s->refused_kinds &= ~(1U << p->kind);
	if (p->kind == ASK_COMMITTED) {
		hear_committed(s, r, now);
	} else if (p->kind == ASK_LAST) {
		hear_last(s, r, now);
	} else if (p->kind != TELL_PRESENCE) {
		hear_batch(s, p);
	}
	if (s->ready && s->refused_kinds == 0) {
		set_state(s, SENDER_UP, 0, NULL);
	}
	settle_refusal(s, now);
}

static void
hear(struct sender *s, const struct redis_answer *a, uint64_t now)
{
	struct pending *at = &s->pending[a->tag], p = *at;

	if (p.kind == TELL_PRESENCE && --at->seq > 0) {
		p.seq = at->seq; /* more replies come with this tag */
	} else {
		*at = (struct pending){ .kind = NOTHING };
		s->n_pending--;
		s->n_batches -= p.kind == PUT_BATCH;
	}
	if (a->reply == NULL) {
		lost(s, &p, now);
	} else {
		hear_reply(s, &p, a->reply, now);
	}
}

/* --- the steps --- */

static void
step_connect(struct sender *s, uint64_t now)
{
	struct diag d;
	bool waiting = false;
	enum err e;

	if (now < s->connect_us) {
		return;
	}
	e = redis_pool_connect_step(s->pool, s->stream, 0, &waiting, &d);
	if (e != ERR_OK) {
		if (!waiting) {
			set_state(s, SENDER_DOWN,
				  e == ERR_AUTH ? TOLD_AUTH : TOLD_DOWN, d.msg);
		}
		return;
	}
	s->st.connects++;
	if (!ask_committed(s) || !ask_last(s)) {
		lost_link(s, TOLD_DOWN, "out of memory");
	}
}

static void
step_read(struct sender *s, uint64_t now)
{
	struct redis_answer a;

	while (redis_pool_poll(s->pool, 0, &a) == ERR_OK) {
		hear(s, &a, now);
		freeReplyObject(a.reply);
	}
	if ((s->ready || s->asking_committed) &&
	    !redis_pool_up(s->pool, s->stream)) {
		lost_link(s, TOLD_DOWN, redis_pool_why(s->pool));
	}
}

/* What stands in Redis is bounded.  '*oldest': the collector cannot be seen
 * taking things out, so that only its commits make room again, and these wait
 * for the oldest. */
static bool
window_full(struct sender *s, bool *oldest)
{
	uint64_t n = s->st.sent + s->st.resent;
	uint64_t each = MAX(n > 0 ? s->st.bytes / n : 0, SMALL_BATCH);
	uint64_t held;

	*oldest = false;
	if (s->knows_length) {
		return s->length * each + s->since_length >= s->window_bytes;
	}
	held = spool_order_held(s->spool, &s->order);
	*oldest = held >= s->window_bytes;
	return held >= 2 * s->window_bytes;
}

static void
step_send(struct sender *s, uint64_t now)
{
	struct spool_item it;
	unsigned cls;
	bool oldest;

	while (!s->failing && now >= s->pause_until_us &&
	       s->n_batches < s->depth && !window_full(s, &oldest)) {
		struct spool_order before = s->order;

		if (spool_order_next(s->spool, &s->order, oldest, &it, &cls) !=
		    ERR_OK) {
			break;
		}
		if (!put_item(s, &it, cls, PUT_BATCH)) {
			s->order = before;
			break;
		}
		s->since_length += MAX(it.data.len, (size_t)SMALL_BATCH);
	}
	s->more = s->n_batches >= s->depth;
}

/* Fewer entries than batches that wait: some got lost in Redis, certainly. */
static bool
lost_some(const struct sender *s)
{
	struct spool_stats st;

	spool_get_stats(s->spool, &st);
	return s->ready && s->knows_length && s->length < st.frames &&
	       s->acked >= spool_last_seq(s->spool);
}

static void
step_probe(struct sender *s, uint64_t now)
{
	uint64_t committed = spool_committed(s->spool);
	struct spool_item it;

	if (s->acked <= committed || now < s->pause_until_us) {
		s->progress_us = now; /* nothing to wait for */
	} else if (s->probe_end != 0 && committed == s->probe_end &&
		   now - s->probe_hit_us >= PROBE_SETTLE_US &&
		   s->n_batches == 0) {
		/* Just the probe arrived: Redis has lost what followed. */
		rewind_all(s);
		s->probe_end = 0;
	} else if (s->again || now - s->progress_us >= s->stall_us ||
		   (now - s->progress_us >= s->resend_us && lost_some(s))) {
		s->again = false;
		s->progress_us = now;
		s->stall_us =
			MIN(s->stall_us * 2, s->resend_us * PROBE_SLOWEST);
		spool_seek(&s->probe, committed + 1);
		s->probe_left = PROBE_BATCHES;
	}
	while (s->probe_left > 0 &&
	       spool_next(s->spool, &s->probe, &it) == ERR_OK &&
	       it.hdr.seq <= s->acked &&
	       put_item(s, &it,
			it.gap_from != 0 ? GAP : spool_class(it.hdr.sev),
			PUT_PROBE)) {
		s->probe_end = it.hdr.seq;
		s->probe_left--;
	}
	s->probe_left = 0;
}

void
sender_step(struct sender *s)
{
	uint64_t now = clock_mono_us();

	if (!redis_pool_up(s->pool, s->stream)) {
		step_connect(s, now);
	}
	step_read(s, now);
	if (s->ready) {
		step_send(s, now);
		step_probe(s, now);
		if (!s->asking_committed && now >= s->next_poll_us) {
			(void)ask_committed(s);
			if (!s->asking_length) {
				ask_length(s);
			}
		}
		if (s->control != NULL && !s->asking_control &&
		    now >= s->next_control_us) {
			ask_control(s);
		}
		step_read(s, now); /* and with it, write */
	}
}

unsigned
sender_wait(const struct sender *s, struct pollfd *fds, unsigned cap,
	    int *timeout_ms)
{
	uint64_t now = clock_mono_us(), at = now + SENDER_POLL_US;

	if (s->ready && !s->asking_committed) {
		at = MIN(at, MAX(s->next_poll_us, now));
	}
	if (s->pause_until_us > now) {
		at = MIN(at, s->pause_until_us);
	} else if (s->ready && !s->failing && s->more &&
		   s->n_batches < s->depth) {
		/* All answers are read already: none will wake us. */
		at = now;
	}
	if (!s->ready) {
		at = MIN(at, now + 50000);
	}
	*timeout_ms = (int)((at - now + 999) / 1000);
	return redis_pool_fds(s->pool, fds, cap);
}

bool
sender_all_sent(struct sender *s)
{
	struct spool_order o = s->order;
	struct spool_item it;
	unsigned cls;

	return s->ready && s->n_batches == 0 && !s->failing &&
	       spool_order_next(s->spool, &o, false, &it, &cls) == ERR_EOF;
}

bool
sender_send_again(struct sender *s)
{
	s->again = lost_some(s);
	return s->again;
}

bool
sender_quiet(const struct sender *s)
{
	return s->n_pending == 0;
}

void
sender_get_stats(const struct sender *s, struct sender_stats *out)
{
	*out = s->st;
	memcpy(out->errors, redis_pool_troubles(s->pool), sizeof(out->errors));
}
