/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"

#define MAX_DEPTH 32
#define PROBE_BATCHES 16
#define PROBE_SLOWEST 60 /* times resend_us */
#define PROBE_SETTLE_US UINT64_C(1000000)
#define WINDOW_BYTES ((uint64_t)128 << 20)
#define PAUSE_MIN_US UINT64_C(100000)
#define PAUSE_MAX_US UINT64_C(5000000)

enum kind {
	ASK_COMMITTED,
	ASK_LAST,
	PUT_BATCH,
	PUT_PROBE,
	TELL_PRESENCE,
	ASK_CONTROL
};

/* A command that Redis has not answered yet. */
struct pending {
	enum kind kind;
	uint64_t first, seq; /* a batch: equal; a gap: its range */
	size_t bytes;
};

#define MAX_PENDING (MAX_DEPTH + PROBE_BATCHES + 2 * PRESENCE_COMMANDS + 5)

struct sender {
	struct redis_link *link;
	struct spool *spool;
	struct spool_cursor cursor; /* the next batch to send */
	char name[SPOOL_NAME_CAP];
	char stream[SPOOL_NAME_CAP + 32], committed_key[SPOOL_NAME_CAP + 32];
	struct frame_header empty_head; /* of a gap's body */
	uint8_t empty[32];
	size_t empty_len;

	unsigned depth;
	uint64_t resend_us, window_bytes;

	struct pending pending[MAX_PENDING]; /* a ring */
	unsigned first_pending, n_pending, n_batches;
	bool asking_committed, asking_control;
	struct control_feed *control; /* NULL: none */
	uint64_t next_control_us;

	bool ready; /* connected, and knowing where to go on */
	uint64_t resume; /* what ASK_LAST found, 0 for nothing */
	uint64_t acked; /* Redis took everything up to here, in this pass */
	uint64_t high; /* the highest ever taken */
	uint64_t failed_at; /* first refused of those in flight, 0: none */
	unsigned refused_kinds; /* bits: commands last answered by an error */
	unsigned failures; /* in a row */
	uint64_t pause_until_us;
	uint64_t next_poll_us;

	uint64_t progress_us; /* when something was committed, or nothing due */
	uint64_t stall_us; /* how long without is a stall: grows */
	uint64_t probe_end; /* last number of the probe, 0: none */
	uint64_t probe_hit_us; /* when the commit reached just there */
	struct spool_cursor probe;
	unsigned probe_left;

	struct sender_stats st;
	bool down_logged;
};

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
	e = redis_link_new(&s->link, o->url, d);
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
		redis_link_free(s->link);
		free(s);
	}
}

/* Logs a change of state once, and keeps the words for the statistics. */
static void
set_state(struct sender *s, enum sender_state state, const char *why)
{
	if (why != NULL) {
		snprintf(s->st.last_error, sizeof(s->st.last_error), "%.255s",
			 why);
	}
	if (state == s->st.state && (state != SENDER_DOWN || s->down_logged)) {
		return;
	}
	s->down_logged = state == SENDER_DOWN;
	s->st.state = state;
	if (state == SENDER_UP) {
		log_info("%s: sending", redis_link_name(s->link));
	} else {
		log_warn("%s; batches wait in the spool",
			 why != NULL ? why : "Redis is away");
	}
}

static void
push_pending(struct sender *s, struct pending p)
{
	unsigned at = (s->first_pending + s->n_pending) % MAX_PENDING;

	s->pending[at] = p;
	s->n_pending++;
	s->n_batches += p.kind == PUT_BATCH;
}

static void
lost_link(struct sender *s, const char *why)
{
	s->n_pending = s->n_batches = 0;
	s->asking_committed = s->asking_control = false;
	s->ready = false;
	s->probe_left = 0;
	s->refused_kinds = 0;
	set_state(s, SENDER_DOWN, why);
}

static void
rewind_to(struct sender *s, uint64_t seq)
{
	spool_seek(&s->cursor, seq);
	s->acked = seq - 1;
	s->failed_at = 0;
}

/* --- commands --- */

static bool
queue(struct sender *s, int argc, const char **argv, const size_t *len,
      struct pending p)
{
	if (s->n_pending == MAX_PENDING ||
	    redis_link_queue(s->link, argc, argv, len) != ERR_OK) {
		return false;
	}
	push_pending(s, p);
	return true;
}

static bool
ask_committed(struct sender *s)
{
	const char *argv[] = { "GET", s->committed_key };

	s->asking_committed = queue(s, 2, argv, NULL,
				    (struct pending){ .kind = ASK_COMMITTED });
	return s->asking_committed;
}

static void
ask_control(struct sender *s)
{
	if (s->n_pending == MAX_PENDING ||
	    control_feed_ask(s->control, s->link) != ERR_OK) {
		return;
	}
	push_pending(s, (struct pending){ .kind = ASK_CONTROL });
	s->asking_control = true;
}

static bool
ask_last(struct sender *s)
{
	const char *argv[] = { "XREVRANGE", s->stream, "+", "-", "COUNT", "1" };

	return queue(s, 6, argv, NULL, (struct pending){ .kind = ASK_LAST });
}

struct fields {
	const char *argv[26];
	size_t len[26];
	int n;
	char text[8][24];
	int n_text;
};

static void
add(struct fields *f, const char *name, const void *value, size_t len)
{
	f->argv[f->n] = name;
	f->len[f->n++] = strlen(name);
	f->argv[f->n] = value;
	f->len[f->n++] = len;
}

static void
add_u64(struct fields *f, const char *name, uint64_t v)
{
	char *text = f->text[f->n_text++];

	snprintf(text, sizeof(f->text[0]), "%" PRIu64, v);
	add(f, name, text, strlen(text));
}

/* XADD with an id of Redis' choice: a number of ours could be refused for
 * ever after a failover. */
static bool
put_item(struct sender *s, const struct spool_item *it, enum kind kind)
{
	bool gap = it->gap_from != 0;
	struct view data = gap ? view_of(s->empty, s->empty_len) : it->data;
	struct fields f = { .n = 0 };

	add(&f, "XADD", s->stream, strlen(s->stream));
	f.argv[f.n] = "*";
	f.len[f.n++] = 1;
	add(&f, "v", "1", 1);
	add_u64(&f, "epoch", it->hdr.epoch);
	add_u64(&f, "seq", it->hdr.seq);
	add(&f, "enc", "zlib", 4);
	add_u64(&f, "n", it->hdr.n);
	add_u64(&f, "sev", it->hdr.sev);
	add_u64(&f, "crc", gap ? s->empty_head.crc : it->hdr.crc);
	if (gap) {
		add_u64(&f, "gap_from", it->gap_from);
		add_u64(&f, "gap_to", it->gap_to);
	}
	add(&f, "data", data.p, data.len);
	return queue(
		s, f.n, f.argv, f.len,
		(struct pending){ .kind = kind,
				  .first = gap ? it->gap_from : it->hdr.seq,
				  .seq = it->hdr.seq,
				  .bytes = data.len });
}

void
sender_presence(struct sender *s, const struct presence_facts *f,
		const struct presence_spool *sp, bool ended)
{
	if (!redis_link_up(s->link) ||
	    s->n_pending + PRESENCE_COMMANDS > MAX_PENDING) {
		return;
	}
	if (presence_queue(s->link, s->name, f, sp, ended) != ERR_OK) {
		/* Out of memory, perhaps halfway: begin anew. */
		redis_link_close(s->link);
		lost_link(s, "out of memory");
		return;
	}
	for (int i = 0; i < PRESENCE_COMMANDS; i++) {
		push_pending(s, (struct pending){ .kind = TELL_PRESENCE });
	}
}

/* --- replies --- */

/* "EPOCH SEQ", decimal; anything else is nothing. */
static bool
parse_committed(const redisReply *r, uint64_t *epoch, uint64_t *seq)
{
	char text[48];
	int end = 0;

	if (r->type != REDIS_REPLY_STRING || r->len >= sizeof(text)) {
		return false;
	}
	memcpy(text, r->str, r->len);
	text[r->len] = '\0';
	return strspn(text, "0123456789 ") == r->len &&
	       sscanf(text, "%20" SCNu64 " %20" SCNu64 "%n", epoch, seq,
		      &end) == 2 &&
	       (size_t)end == r->len;
}

static void
hear_committed(struct sender *s, const redisReply *r, uint64_t now)
{
	uint64_t epoch, seq, before = spool_committed(s->spool);
	struct diag d;

	s->asking_committed = false;
	s->next_poll_us = now + SENDER_POLL_US;
	if (!parse_committed(r, &epoch, &seq) ||
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

/* Value of a field of a stream entry [id, [k, v, ...]]; 0 when it is none. */
static uint64_t
entry_u64(const redisReply *entry, const char *field)
{
	const redisReply *kv;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[1]->type != REDIS_REPLY_ARRAY) {
		return 0;
	}
	kv = entry->element[1];
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		if (kv->element[i]->type == REDIS_REPLY_STRING &&
		    kv->element[i + 1]->type == REDIS_REPLY_STRING &&
		    strcmp(kv->element[i]->str, field) == 0) {
			return strtoull(kv->element[i + 1]->str, NULL, 10);
		}
	}
	return 0;
}

/*
 * What Redis loses, it loses from the end of a stream: a failover, a log cut
 * short, all of it.  So behind its last entry is where to go on; what was
 * taken out in other ways, a stall will tell.
 */
static void
hear_last(struct sender *s, const redisReply *r, uint64_t now)
{
	uint64_t from = spool_committed(s->spool), last = 0;

	if (r->type == REDIS_REPLY_ARRAY && r->elements == 1 &&
	    entry_u64(r->element[0], "epoch") == spool_epoch(s->spool)) {
		last = entry_u64(r->element[0], "seq");
	}
	if (last > from && last <= spool_last_seq(s->spool)) {
		from = last;
	}
	if (s->failed_at != 0) {
		from = MIN(from, s->failed_at - 1);
	}
	rewind_to(s, from + 1);
	s->ready = true;
	s->progress_us = now;
	s->stall_us = s->resend_us;
	s->probe_end = 0;
}

static void
refused(struct sender *s, const struct pending *p, const redisReply *r)
{
	enum err e = redis_reply_err(r);
	char why[300];

	s->st.refused++;
	s->refused_kinds |= 1U << p->kind;
	snprintf(why, sizeof(why), "%s: %.200s", redis_link_name(s->link),
		 r->str);
	set_state(s, e == ERR_AUTH ? SENDER_REFUSED : SENDER_BUSY, why);
	if (p->kind == PUT_BATCH &&
	    (s->failed_at == 0 || p->first < s->failed_at)) {
		s->failed_at = p->first;
	}
	if (e == ERR_AUTH) {
		s->failures = 8; /* will not mend by itself: go slowly */
	}
}

static void
hear_batch(struct sender *s, const struct pending *p)
{
	if (p->seq > s->high) {
		s->high = p->seq;
		s->st.sent++;
	} else {
		s->st.resent++;
	}
	s->st.bytes += p->bytes;
	if (p->kind == PUT_BATCH && s->failed_at == 0) {
		s->acked = MAX(s->acked, p->seq);
		s->failures = 0;
	}
}

/* Once the last of a refused pipeline is in: wait, and go back. */
static void
settle_refusal(struct sender *s, uint64_t now)
{
	uint64_t pause = PAUSE_MIN_US << MIN(s->failures, 6U);

	if (s->failed_at == 0 || s->n_batches > 0) {
		return;
	}
	pause = MIN(pause, PAUSE_MAX_US);
	s->failures++;
	/* Sensors that were refused together should not return together. */
	s->pause_until_us = now + pause / 2 + (now % 997) * pause / 2 / 997;
	rewind_to(s, s->failed_at);
}

static void
hear(struct sender *s, const redisReply *r, uint64_t now)
{
	struct pending p = s->pending[s->first_pending];

	s->first_pending = (s->first_pending + 1) % MAX_PENDING;
	s->n_pending--;
	s->n_batches -= p.kind == PUT_BATCH;
	if (p.kind == ASK_CONTROL) {
		/* its errors are no reason to hold alerts back */
		s->asking_control = false;
		s->next_control_us = now + CONTROL_PERIOD_US;
		if (control_feed_hear(s->control, r)) {
			s->next_control_us = now;
		}
		return;
	}
	if (r->type == REDIS_REPLY_ERROR && p.kind != ASK_LAST) {
		refused(s, &p, r);
		s->asking_committed &= p.kind != ASK_COMMITTED;
		s->next_poll_us = now + SENDER_POLL_US;
		settle_refusal(s, now);
		return;
	}
	s->refused_kinds &= ~(1U << p.kind);
	if (p.kind == ASK_COMMITTED) {
		hear_committed(s, r, now);
	} else if (p.kind == ASK_LAST) {
		hear_last(s, r, now);
	} else if (p.kind != TELL_PRESENCE) {
		hear_batch(s, &p);
	}
	if (s->ready && s->refused_kinds == 0) {
		set_state(s, SENDER_UP, NULL);
	}
	settle_refusal(s, now);
}

/* --- the steps --- */

static void
step_connect(struct sender *s)
{
	struct diag d;
	bool waiting = false;
	enum err e = redis_link_connect_step(s->link, 0, &waiting, &d);

	if (e != ERR_OK) {
		if (!waiting) {
			set_state(s, SENDER_DOWN, d.msg);
		}
		return;
	}
	s->st.connects++;
	s->n_pending = s->n_batches = 0;
	s->asking_control = false;
	if (!ask_committed(s) || !ask_last(s)) {
		redis_link_close(s->link);
		lost_link(s, "out of memory");
	}
}

static void
step_read(struct sender *s, uint64_t now)
{
	redisReply *r;
	struct diag d;

	while (redis_link_up(s->link)) {
		enum err e = redis_link_poll(s->link, 0, &r, &d);

		if (e == ERR_AGAIN) {
			break;
		}
		if (e != ERR_OK) {
			lost_link(s, d.msg);
			return;
		}
		hear(s, r, now);
		freeReplyObject(r);
	}
	if (redis_link_silent_ms(s->link) > SENDER_SILENCE_MS &&
	    redis_link_reply(s->link, 0, &r, &d) != ERR_OK) {
		diag_set(&d, ERR_AGAIN, "%s: silent for %d ms",
			 redis_link_name(s->link), SENDER_SILENCE_MS);
		lost_link(s, d.msg);
	}
}

static void
step_send(struct sender *s, uint64_t now)
{
	struct spool_item it;

	while (s->failed_at == 0 && now >= s->pause_until_us &&
	       s->n_batches < s->depth &&
	       spool_ahead(s->spool, &s->cursor) < s->window_bytes) {
		struct spool_cursor before = s->cursor;

		if (spool_next(s->spool, &s->cursor, &it) != ERR_OK) {
			break;
		}
		if (!put_item(s, &it, PUT_BATCH)) {
			s->cursor = before;
			break;
		}
	}
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
		rewind_to(s, committed + 1);
		s->probe_end = 0;
	} else if (now - s->progress_us >= s->stall_us) {
		s->progress_us = now;
		s->stall_us =
			MIN(s->stall_us * 2, s->resend_us * PROBE_SLOWEST);
		spool_seek(&s->probe, committed + 1);
		s->probe_left = PROBE_BATCHES;
	}
	while (s->probe_left > 0 &&
	       spool_next(s->spool, &s->probe, &it) == ERR_OK &&
	       it.hdr.seq <= s->acked && put_item(s, &it, PUT_PROBE)) {
		s->probe_end = it.hdr.seq;
		s->probe_left--;
	}
	s->probe_left = 0;
}

void
sender_step(struct sender *s)
{
	uint64_t now = clock_mono_us();

	if (!redis_link_up(s->link)) {
		step_connect(s);
	}
	if (!redis_link_up(s->link)) {
		return;
	}
	step_read(s, now);
	if (!redis_link_up(s->link)) {
		return;
	}
	if (s->ready) {
		step_send(s, now);
		step_probe(s, now);
		if (!s->asking_committed && now >= s->next_poll_us) {
			(void)ask_committed(s);
		}
		if (s->control != NULL && !s->asking_control &&
		    now >= s->next_control_us) {
			ask_control(s);
		}
	}
	step_read(s, now); /* and with it, write */
}

int
sender_wait(const struct sender *s, short *events, int *timeout_ms)
{
	uint64_t now = clock_mono_us(), at = now + SENDER_POLL_US;

	if (s->ready && !s->asking_committed) {
		at = MIN(at, MAX(s->next_poll_us, now));
	}
	if (s->pause_until_us > now) {
		at = MIN(at, s->pause_until_us);
	}
	if (!redis_link_up(s->link)) {
		at = MIN(at, now + 50000);
	}
	*timeout_ms = (int)((at - now + 999) / 1000);
	return redis_link_fd(s->link, events);
}

bool
sender_all_sent(struct sender *s)
{
	struct spool_cursor c = s->cursor;
	struct spool_item it;

	return redis_link_up(s->link) && s->ready && s->n_batches == 0 &&
	       s->failed_at == 0 && spool_next(s->spool, &c, &it) == ERR_EOF;
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
}
