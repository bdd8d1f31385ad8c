/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sender_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/sender_entry.h"

#define PROBE_SLOWEST 60 /* times resend_us */
#define PROBE_SETTLE_US UINT64_C(1000000)
#define WINDOW_BYTES ((uint64_t)128 << 20)
#define RECONNECT_MAX_US UINT64_C(1000000)
#define SMALL_BATCH 1024 /* bytes: what one costs in Redis at least */

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
	sender_set_keys(s, o->sign, o->collector);
	snprintf(s->name, sizeof(s->name), "%s", o->name);
	snprintf(s->stream, sizeof(s->stream), "picket:alerts:{%s}", s->name);
	snprintf(s->committed_key, sizeof(s->committed_key),
		 "picket:committed:{%s}", s->name);
	snprintf(s->evidence_stream, sizeof(s->evidence_stream),
		 EVIDENCE_STREAM, s->name);
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

void
sender_set_keys(struct sender *s, struct sign_key *sign,
		struct sign_key *collector)
{
	s->sign = sign;
	s->collector = collector;
	/* What the former key did not sign the next one may have. */
	s->forged_seq = 0;
}

void
sender_set_state(struct sender *s, enum sender_state state, uint64_t bit,
		 const char *why)
{
	if (state == SENDER_UP) {
		/* After trouble, what was taken says it: sender_taken(). */
		if (s->st.state != SENDER_UP && s->told == 0) {
			log_info("%s: sending", redis_pool_name(s->pool));
		}
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

void
sender_taken(struct sender *s, uint64_t bits)
{
	uint64_t told = s->told;

	s->losses = 0;
	s->told &= ~bits;
	if (told != 0 && s->told == 0) {
		log_info("%s: sending", redis_pool_name(s->pool));
	}
}

/* Sensors that were refused together should not return together. */
uint64_t
sender_jitter(uint64_t us, uint64_t now)
{
	return us / 2 + now % 997 * us / 2 / 997;
}

void
sender_lost_link(struct sender *s, uint64_t bit, const char *why)
{
	uint64_t now = clock_mono_us();

	redis_pool_close(s->pool);
	memset(s->pending, 0, sizeof(s->pending));
	s->n_pending = s->n_batches = s->n_evidence = 0;
	s->asking_committed = s->asking_control = s->asking_length = false;
	s->ready = false;
	s->probe_left = 0;
	s->refused_kinds = 0;
	s->connect_us =
		now + sender_jitter(MIN(PAUSE_MIN_US << MIN(s->losses, 6U),
					RECONNECT_MAX_US),
				    now);
	s->losses++;
	sender_set_state(s, SENDER_DOWN, bit, why);
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
	s->n_evidence += p.kind == PUT_EVIDENCE;
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
	/* Signed when sent, so that with a new key what waits can pass too. */
	if (s->sign != NULL &&
	    sender_entry_sign(&e, s->sign, s->name, it,
			      view_of(s->empty, s->empty_len),
			      s->empty_head.crc) != ERR_OK) {
		return false;
	}
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
	e = presence_queue(s->pool, at, s->name, s->sign, f, sp, ended, &n);
	if (e != ERR_OK) {
		sender_lost_link(s, TOLD_DOWN, "out of memory");
		return;
	}
	p.seq = n;
	note(s, at, p);
}

bool
sender_evidence(struct sender *s, const struct evidence_chunk *c)
{
	char n[12], of[12], packets[24];
	const char *key = s->evidence_stream;
	const char *put[] = { "XADD",    key,       "MAXLEN", EVIDENCE_KEEP,
			      "*",       "id",      c->id,    "n",
			      n,         "of",      of,       "state",
			      c->state,  "packets", packets,  "sha256",
			      c->sha256, "data",    NULL };
	const char *expire[] = { "PEXPIRE", key, EVIDENCE_KEEP_MS };
	size_t len[ARRAY_LEN(put)];
	const struct pending p = { .kind = PUT_EVIDENCE };

	if (!s->ready || s->n_evidence + 2 > EVIDENCE_DEPTH) {
		return false;
	}
	snprintf(n, sizeof(n), "%u", c->n);
	snprintf(of, sizeof(of), "%u", c->of);
	snprintf(packets, sizeof(packets), "%llu",
		 (unsigned long long)c->packets);
	for (size_t i = 0; i + 1 < ARRAY_LEN(put); i++) {
		len[i] = strlen(put[i]);
	}
	put[ARRAY_LEN(put) - 1] = (const char *)c->data.p;
	len[ARRAY_LEN(put) - 1] = c->data.len;
	return queue(s, key, (int)ARRAY_LEN(put), put, len, p) &&
	       queue(s, key, (int)ARRAY_LEN(expire), expire, NULL, p);
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
			sender_set_state(s, SENDER_DOWN,
					 e == ERR_AUTH ? TOLD_AUTH : TOLD_DOWN,
					 d.msg);
		}
		return;
	}
	s->st.connects++;
	if (!ask_committed(s) || !ask_last(s)) {
		sender_lost_link(s, TOLD_DOWN, "out of memory");
	}
}

static void
step_read(struct sender *s, uint64_t now)
{
	struct redis_answer a;

	while (redis_pool_poll(s->pool, 0, &a) == ERR_OK) {
		sender_hear(s, &a, now);
		freeReplyObject(a.reply);
	}
	if ((s->ready || s->asking_committed) &&
	    !redis_pool_up(s->pool, s->stream)) {
		sender_lost_link(s, TOLD_DOWN, redis_pool_why(s->pool));
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

/* Fewer entries than batches that wait: some got lost in Redis, certainly, if
 * they were counted behind the last that was put. */
static bool
lost_some(const struct sender *s)
{
	struct spool_stats st;

	spool_get_stats(s->spool, &st);
	return s->ready && s->knows_length && !s->asking_length &&
	       s->since_length == 0 && s->length < st.frames &&
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
		sender_rewind_all(s);
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
		s->since_length += MAX(it.data.len, (size_t)SMALL_BATCH);
		s->probe_end = it.hdr.seq;
		s->probe_left--;
	}
	s->probe_left = 0;
}

/* What the collector lacks and is freed here, as sender_hear.c found. */
static void
step_lack(struct sender *s, uint64_t now)
{
	uint64_t upto = spool_committed(s->spool);
	const struct spool_item it = {
		.hdr = { .epoch = spool_epoch(s->spool), .seq = upto },
		.gap_from = s->lacks_from,
		.gap_to = upto,
	};

	if (s->lacks_from != 0 && now >= s->pause_until_us &&
	    put_item(s, &it, GAP, PUT_PROBE)) {
		s->lacks_from = 0;
		s->next_lack_us = now + s->resend_us;
	}
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
		step_lack(s, now);
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
