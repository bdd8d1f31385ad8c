/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_send.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/redis_pool.h"

#define CONNECT_MS 5000
/* A point that stands still for so long makes us look, then twice as long. */
#define STALL_US (15 * US_PER_S)
#define STALL_MOST_US (600 * US_PER_S)
/* Entries that may lie in the partner's stream before copies are added. */
#define COPIES_MOST (4 * EXCHANGE_WINDOW)

struct exchange_sender {
	const struct exchange_conf *conf;
	const struct exchange_party *party;
	struct redis_options options;
	char *texts[5]; /* what the options point to */
	struct redis_pool *pool;
	char stream[EXCHANGE_KEY_CAP], point[EXCHANGE_KEY_CAP];
	uint64_t connects; /* that were looked at */
	uint64_t sent; /* of state->epoch; known to be in the stream */
	uint64_t moved_us, stall_us; /* monotonic: the point last moved */
	uint64_t acked; /* then */
};

/* The settings may be read again, and these be gone. */
static enum err
copy_options(struct exchange_sender *s, struct diag *d)
{
	const struct exchange_party *p = s->party;
	const char *const from[ARRAY_LEN(s->texts)] = { p->url, p->ca, p->cert,
							p->key,
							p->server_name };

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		if (from[i] != NULL &&
		    (s->texts[i] = strdup(from[i])) == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	s->options = (struct redis_options){
		.url = s->texts[0],
		.tls = { .ca = s->texts[1],
			 .cert = s->texts[2],
			 .key = s->texts[3],
			 .server_name = s->texts[4] },
		.connect_ms = CONNECT_MS,
	};
	return ERR_OK;
}

enum err
exchange_sender_new(struct exchange_sender **out,
		    const struct exchange_conf *conf,
		    const struct exchange_party *party, struct diag *d)
{
	struct exchange_sender *s = calloc(1, sizeof(*s));
	enum err e;

	*out = NULL;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->conf = conf;
	s->party = party;
	s->stall_us = STALL_US;
	e = copy_options(s, d);
	if (e != ERR_OK) {
		exchange_sender_free(s);
		return e;
	}
	exchange_stream_key(conf->us, s->stream);
	exchange_point_key(conf->us, s->point);
	e = redis_pool_new(&s->pool, &s->options, d);
	if (e != ERR_OK) {
		s->pool = NULL;
		exchange_sender_free(s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

void
exchange_sender_free(struct exchange_sender *s)
{
	if (s != NULL) {
		redis_pool_free(s->pool);
		for (size_t i = 0; i < ARRAY_LEN(s->texts); i++) {
			free(s->texts[i]);
		}
		free(s);
	}
}

void
exchange_sender_use(struct exchange_sender *s, const struct exchange_conf *conf,
		    const struct exchange_party *party)
{
	s->conf = conf;
	s->party = party;
}

void
exchange_sender_forget(struct exchange_sender *s)
{
	s->sent = s->acked = 0;
	s->moved_us = clock_mono_us();
	s->stall_us = STALL_US;
}

/* An error that Redis answered is ours. */
static enum err
good(enum err e, redisReply *r, const char *what, struct diag *d)
{
	if (e == ERR_OK && r->type == REDIS_REPLY_ERROR) {
		bool denied = strncmp(r->str, "NOPERM", 6) == 0 ||
			      strncmp(r->str, "NOAUTH", 6) == 0;

		e = diag_set(d, denied ? ERR_AUTH : ERR_IO, "%s: %.150s", what,
			     r->str);
		freeReplyObject(r);
	}
	return e;
}

static enum err
read_point(struct exchange_sender *s, struct exchange_heard *heard,
	   struct diag *d)
{
	enum exchange_verdict v;
	redisReply *r;
	enum err e = redis_pool_call(s->pool, s->point, EXCHANGE_ANSWER_MS, &r,
				     d, "GET %s", s->point);

	heard->known = false;
	e = good(e, r, s->point, d);
	if (e != ERR_OK) {
		return e;
	}
	if (r->type == REDIS_REPLY_STRING) {
		v = exchange_point_read(s->party, s->conf->us,
					view_of(r->str, r->len), &heard->epoch,
					&heard->seq);
		heard->known = v == EXCHANGE_OK;
		if (v != EXCHANGE_OK) {
			e = diag_set(d, ERR_FORMAT, "%s is %s: not heeded",
				     s->point, exchange_verdict_name(v));
		}
	}
	freeReplyObject(r);
	return e;
}

static enum err
read_length(struct exchange_sender *s, uint64_t *n, struct diag *d)
{
	redisReply *r;
	enum err e = redis_pool_call(s->pool, s->stream, EXCHANGE_ANSWER_MS, &r,
				     d, "XLEN %s", s->stream);

	e = good(e, r, s->stream, d);
	if (e == ERR_OK) {
		*n = r->type == REDIS_REPLY_INTEGER && r->integer > 0
			     ? (uint64_t)r->integer
			     : 0;
		freeReplyObject(r);
	}
	return e;
}

/*
 * From where to go on: behind what is in the stream, or behind the point when
 * it is not known what is, or it is not there any more.
 */
static enum err
find_place(struct exchange_sender *s, const struct exchange_state *state,
	   uint64_t acked, struct diag *d)
{
	uint64_t now = clock_mono_us(), n = 0;
	bool fresh = redis_pool_connects(s->pool) != s->connects;
	enum err e;

	if (acked != s->acked || s->moved_us == 0) {
		s->acked = acked;
		s->moved_us = now;
		s->stall_us = STALL_US;
	}
	/* What an earlier run of ours sent, it noted. */
	s->sent = MAX(MAX(s->sent, state->sent), acked);
	if (s->sent == acked) {
		/* Nothing waits for the point, so it does not stand still. */
		s->moved_us = now;
	}
	if (s->sent == acked || (!fresh && now - s->moved_us < s->stall_us)) {
		s->connects = redis_pool_connects(s->pool);
		return ERR_OK;
	}
	e = read_length(s, &n, d);
	if (e != ERR_OK) {
		return e;
	}
	s->connects = redis_pool_connects(s->pool);
	if (n == 0 || (!fresh && n < COPIES_MOST)) {
		s->sent = acked;
	}
	if (!fresh) {
		s->moved_us = now;
		s->stall_us = MIN(2 * s->stall_us, STALL_MOST_US);
	}
	return ERR_OK;
}

static enum err
add(struct exchange_sender *s, const struct exchange_frame *f, struct diag *d)
{
	char epoch[24], seq[24], n[24], len[24];
	char mac[2 * FRAME_MAC_MAX + 1];
	const char *argv[] = { "XADD",
			       s->stream,
			       "*",
			       "v",
			       "1",
			       "from",
			       f->from,
			       "to",
			       f->to,
			       "epoch",
			       epoch,
			       "seq",
			       seq,
			       "n",
			       n,
			       "enc",
			       "zlib",
			       "len",
			       len,
			       "mac",
			       mac,
			       "data",
			       (const char *)f->data.p };
	size_t lens[ARRAY_LEN(argv)];
	struct redis_answer a;
	uint64_t until = clock_mono_us() + EXCHANGE_ANSWER_MS * UINT64_C(1000);
	enum err e;

	snprintf(epoch, sizeof(epoch), "%" PRIu64, f->epoch);
	snprintf(seq, sizeof(seq), "%" PRIu64, f->seq);
	snprintf(n, sizeof(n), "%" PRIu32, f->n);
	snprintf(len, sizeof(len), "%" PRIu64, f->len);
	frame_mac_hex(f->mac, mac);
	for (size_t i = 0; i + 1 < ARRAY_LEN(argv); i++) {
		lens[i] = strlen(argv[i]);
	}
	lens[ARRAY_LEN(argv) - 1] = f->data.len;
	e = redis_pool_queue(s->pool, s->stream, ARRAY_LEN(argv), argv, lens,
			     f->seq);
	while (e == ERR_OK) {
		e = redis_pool_poll(s->pool, 200, &a);
		if (e == ERR_OK) {
			break;
		}
		if (e != ERR_AGAIN) {
			return diag_set(d, e, "%s: %s",
					redis_pool_name(s->pool), err_name(e));
		}
		if (clock_mono_us() > until) {
			redis_pool_close(s->pool);
			return diag_set(d, ERR_AGAIN, "%s: no answer",
					redis_pool_name(s->pool));
		}
		e = ERR_OK;
	}
	if (e != ERR_OK) {
		return diag_set(d, e, "%s: %s", redis_pool_name(s->pool),
				err_name(e));
	}
	if (a.reply == NULL) {
		return diag_set(d, ERR_AGAIN, "%s: the connection was lost",
				redis_pool_name(s->pool));
	}
	e = good(ERR_OK, a.reply, s->stream, d);
	if (e == ERR_OK) {
		freeReplyObject(a.reply);
	}
	return e;
}

/* One bundle of the outbox as a frame, signed and added. */
static enum err
send_one(struct exchange_sender *s, struct sign_key *own,
	 const struct exchange_state *state, const struct exchange_made *m,
	 struct diag *d)
{
	uint8_t mac[FRAME_MAC_MAX];
	struct exchange_frame f = { .epoch = state->epoch,
				    .seq = m->seq,
				    .n = m->n,
				    .len = m->len,
				    .data = m->data,
				    .deflated = true };
	size_t len;

	snprintf(f.from, sizeof(f.from), "%.63s", s->conf->us);
	snprintf(f.to, sizeof(f.to), "%.63s", s->party->name);
	if (exchange_frame_sign(own, &f, mac, &len) != ERR_OK) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	f.mac = view_of(mac, len);
	return add(s, &f, d);
}

/* The point, of this epoch. */
static uint64_t
acked_of(const struct exchange_state *state, const struct exchange_heard *heard)
{
	return heard->known && heard->epoch == state->epoch &&
			       heard->seq <= state->seq
		       ? MAX(heard->seq, state->acked)
		       : state->acked;
}

enum err
exchange_send(struct exchange_sender *s, sqlite3 *db, struct sign_key *own,
	      struct exchange_state *state, struct exchange_heard *heard,
	      unsigned *sent, struct diag *d)
{
	enum err e = redis_pool_connect(s->pool, s->stream, CONNECT_MS, d);
	enum err of_point;
	uint64_t acked;

	*sent = 0;
	heard->known = false;
	if (e != ERR_OK) {
		if (d->msg[0] == '\0') {
			diag_set(d, e, "%s: cannot be reached",
				 redis_pool_name(s->pool));
		}
		return e;
	}
	/* A point that somebody forged holds nothing up: it is told. */
	of_point = e = read_point(s, heard, d);
	if (e != ERR_OK && e != ERR_FORMAT) {
		return e;
	}
	acked = acked_of(state, heard);
	e = find_place(s, state, acked, d);
	while (e == ERR_OK && s->sent < acked + EXCHANGE_WINDOW) {
		struct exchange_made m;

		e = exchange_out_next(db, s->party->name, s->sent, &m);
		if (e == ERR_NOTFOUND) {
			exchange_made_fini(&m);
			e = ERR_OK;
			break;
		}
		if (e == ERR_OK) {
			e = send_one(s, own, state, &m, d);
		}
		if (e == ERR_OK) {
			s->sent = m.seq;
			++*sent;
		}
		exchange_made_fini(&m);
	}
	state->sent = MAX(state->sent, s->sent);
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the store: %s", sqlite3_errmsg(db));
	}
	return e != ERR_OK ? e : of_point;
}
