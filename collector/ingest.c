/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

/* Between two rounds through a cluster's streams that found nothing. */
#define ROUND_MS 50

enum err
ingest_new(struct ingest **out, const struct redis_options *redis,
	   const char *consumer, struct diag *d)
{
	struct ingest *in = calloc(1, sizeof(*in));
	enum err e;

	*out = NULL;
	if (in == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	snprintf(in->consumer, sizeof(in->consumer), "%s", consumer);
	in->max_streams = INGEST_READ_STREAMS;
	in->streams = calloc(INGEST_MAX_STREAMS, sizeof(*in->streams));
	in->ask = MAX_ASK;
	in->count = FIRST_COUNT;
	e = in->streams != NULL ? redis_pool_new(&in->pool, redis, d)
				: diag_set(d, ERR_NOMEM, "out of memory");
	if (e != ERR_OK) {
		ingest_free(in);
		return e;
	}
	*out = in;
	return ERR_OK;
}

void
ingest_release(struct ingest *in)
{
	freeReplyObject(in->reply);
	in->reply = NULL;
	while (in->n_more > 0) {
		freeReplyObject(in->more[--in->n_more]);
	}
	in->n_entries = 0;
}

void
ingest_free(struct ingest *in)
{
	if (in == NULL) {
		return;
	}
	ingest_release(in);
	freeReplyObject(in->early.reply);
	freeReplyObject(in->presence);
	redis_pool_free(in->pool);
	free(in->streams);
	free(in);
}

const char *
ingest_site(const struct ingest *in, unsigned stream)
{
	assert(stream < in->n_streams);
	return in->streams[stream].site;
}

const char *
ingest_sensor(const struct ingest *in, unsigned stream)
{
	assert(stream < in->n_streams);
	return in->streams[stream].sensor;
}

uint64_t
ingest_left_out(const struct ingest *in)
{
	return in->left_out;
}

uint64_t
ingest_oversize(const struct ingest *in)
{
	return in->oversize;
}

struct redis_pool *
ingest_pool(struct ingest *in)
{
	return in->pool;
}

const uint64_t *
ingest_troubles(const struct ingest *in)
{
	return redis_pool_troubles(in->pool);
}

unsigned
ingest_n_streams(const struct ingest *in)
{
	return in->n_streams;
}

void
ingest_restrict(struct ingest *in,
		bool (*mine)(void *arg, const char *site, const char *sensor),
		void *arg, bool watch)
{
	in->mine = mine;
	in->mine_arg = arg;
	in->watch = watch;
	in->max_streams = watch ? INGEST_MAX_STREAMS : INGEST_READ_STREAMS;
}

void
ingest_hold(struct ingest *in, bool hold)
{
	in->watch = hold;
}

/* A reply that says a group is gone: the broker lost it. */
static bool
group_lost(struct ingest *in, const redisReply *r)
{
	if (r->type != REDIS_REPLY_ERROR ||
	    (strncmp(r->str, "NOGROUP", 7) != 0 &&
	     strncmp(r->str, "UNBLOCKED", 9) != 0)) {
		return false;
	}
	for (unsigned i = 0; i < in->n_streams; i++) {
		in->streams[i].grouped = false;
	}
	in->discovered_us = 0;
	return true;
}

/* What an error reply means for a read. */
enum err
ingest_read_error(struct ingest *in, struct diag *d)
{
	enum err e = ERR_OK;

	if (in->reply->type == REDIS_REPLY_ERROR &&
	    !group_lost(in, in->reply)) {
		e = diag_set(d, redis_reply_err(in->reply), "Redis: %.200s",
			     in->reply->str);
		if (e == ERR_FORMAT) {
			e = ERR_AGAIN;
		}
	}
	if (in->reply->type == REDIS_REPLY_ERROR) {
		ingest_release(in);
	}
	return e;
}

/*
 * An entry so large that reading it alone costs the connection would hold up
 * every stream for ever.  It is acknowledged and deleted unread; if it was
 * honest, its sensor sends it again.
 */
static enum err
drop_oversize(struct ingest *in, struct stream *s, struct diag *d)
{
	redisReply *r = NULL, *id = NULL, *done = NULL;
	enum err e = redis_pool_call(in->pool, s->key, CALL_MS, &r, d,
				     "XPENDING %s " GROUP " (%s + 1 %s", s->key,
				     s->cursor, in->consumer);

	in->strikes = 0;
	if (e != ERR_OK) {
		return e;
	}
	if (is_array(r) && r->elements == 1 && is_array(r->element[0]) &&
	    r->element[0]->elements > 0) {
		id = r->element[0]->element[0];
	}
	if (is_text(id)) {
		in->oversize++;
		e = redis_pool_call(in->pool, s->key, CALL_MS, &done, d,
				    "XACK %s " GROUP " %s", s->key, id->str);
		freeReplyObject(done);
		done = NULL;
		if (e == ERR_OK) {
			e = redis_pool_call(in->pool, s->key, CALL_MS, &done, d,
					    "XDEL %s %s", s->key, id->str);
		}
		freeReplyObject(done);
	}
	freeReplyObject(r);
	return e;
}

/* One more failure while nothing but one entry of one stream was asked. */
static void
strike(struct ingest *in, const struct stream *s)
{
	unsigned number = (unsigned)(s - in->streams);

	if (in->count > 1) {
		return;
	}
	in->strikes = in->suspect == number ? in->strikes + 1 : 1;
	in->suspect = number;
}

/* Our own entries that a former life left behind, one stream a call. */
static enum err
read_own(struct ingest *in, struct stream *s, struct diag *d)
{
	enum err e = redis_pool_call(
		in->pool, s->key, CALL_MS, &in->reply, d,
		"XREADGROUP GROUP " GROUP " %s COUNT %u STREAMS %s %s",
		in->consumer, in->count, s->key, s->cursor);

	if (e != ERR_OK || (e = ingest_read_error(in, d)) != ERR_OK ||
	    in->reply == NULL) {
		return e;
	}
	ingest_take_streams(in, in->reply);
	if (in->n_entries == 0) {
		s->own_done = true;
	} else {
		snprintf(s->cursor, sizeof(s->cursor), "%s",
			 in->entries[in->n_entries - 1].id);
	}
	return ERR_OK;
}

/* Entries of consumers that died. */
static enum err
claim(struct ingest *in, struct stream *s, struct diag *d)
{
	enum err e = redis_pool_call(
		in->pool, s->key, CALL_MS, &in->reply, d,
		"XAUTOCLAIM %s " GROUP " %s %d %s COUNT %u", s->key,
		in->consumer, CLAIM_IDLE_MS, s->claim, in->count);

	if (e != ERR_OK || (e = ingest_read_error(in, d)) != ERR_OK ||
	    in->reply == NULL) {
		return e;
	}
	s->claim[0] = '\0';
	if (is_array(in->reply) && in->reply->elements >= 2 &&
	    is_text(in->reply->element[0])) {
		if (strcmp(in->reply->element[0]->str, "0-0") != 0) {
			snprintf(s->claim, sizeof(s->claim), "%s",
				 in->reply->element[0]->str);
		}
		ingest_take_entries(in, (unsigned)(s - in->streams),
				    in->reply->element[1]);
	}
	return ERR_OK;
}

/* The reply to the read that is under way; those of other commands, if any,
 * say nothing that is waited for. */
static enum err
await(struct ingest *in, int timeout_ms, struct diag *d)
{
	struct redis_answer a = in->early;

	in->early = (struct redis_answer){ 0, NULL };
	while (a.tag != TAG_READ) {
		freeReplyObject(a.reply);
		if (redis_pool_poll(in->pool, timeout_ms, &a) != ERR_OK) {
			redis_pool_close(in->pool);
			return diag_set(d, ERR_AGAIN,
					"%s: no reply within %d ms",
					redis_pool_name(in->pool), timeout_ms);
		}
	}
	in->reply = a.reply;
	return a.reply != NULL ? ERR_OK
			       : diag_set(d, ERR_CLOSED, "%s",
					  redis_pool_why(in->pool));
}

void
ingest_put_off(struct stream *s)
{
	s->grouped = false;
	s->retry_us = clock_mono_us() + US_PER_S / 2;
}

/* Asks for one stream's new entries, without waiting for any. */
static enum err
ask_one(struct ingest *in, unsigned stream)
{
	char count[16];
	const char *key = in->streams[stream].key;
	const char *argv[] = { "XREADGROUP", "GROUP", GROUP,
			       in->consumer, "COUNT", count,
			       "STREAMS",    key,     ">" };

	snprintf(count, sizeof(count), "%u",
		 MIN(in->count, INGEST_MAX_ENTRIES / MAX_ASK));
	return redis_pool_queue(in->pool, key, (int)ARRAY_LEN(argv), argv, NULL,
				stream);
}

/* One stream's reply, in its place among others; an error is that stream's
 * alone. */
static void
hear_one(struct ingest *in, const struct redis_answer *a)
{
	struct stream *s = &in->streams[a->tag];

	if (a->reply == NULL || a->reply->type == REDIS_REPLY_ERROR ||
	    in->n_more == MAX_ASK) {
		ingest_put_off(s);
		freeReplyObject(a->reply);
		return;
	}
	ingest_take_streams(in, a->reply);
	in->more[in->n_more++] = a->reply;
}

/*
 * In a cluster no command may name streams of several slots, and one that
 * waits holds up all others of its node.  So each stream is asked by itself,
 * and when all are empty we wait a little.
 */
static enum err
read_each(struct ingest *in, int wait_ms, struct diag *d)
{
	unsigned n = MIN(in->ask, in->n_streams);
	struct redis_answer a;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		unsigned k = (in->turn + i) % in->n_streams;

		if (in->streams[k].grouped) {
			e = ask_one(in, k);
		}
	}
	in->turn = n > 0 ? (in->turn + n) % in->n_streams : 0;
	while (e == ERR_OK && redis_pool_unanswered(in->pool) > 0) {
		if (redis_pool_poll(in->pool, CALL_MS, &a) != ERR_OK) {
			redis_pool_close(in->pool);
			return diag_set(d, ERR_AGAIN, "%s: no reply",
					redis_pool_name(in->pool));
		}
		hear_one(in, &a);
	}
	if (e == ERR_OK && in->n_entries == 0 && in->turn < MAX(n, 1U)) {
		(void)!redis_pool_poll(in->pool, MIN(wait_ms, ROUND_MS), &a);
	}
	return e;
}

/*
 * Asks for new entries of as many streams as one command may name; how many
 * they are.  'block_ms' 0: what is there now.
 */
static enum err
ask_new(struct ingest *in, int block_ms, unsigned *n_asked)
{
	const char *argv[9 + 2 * MAX_ASK];
	size_t len[9 + 2 * MAX_ASK];
	char count[16], block[16];
	unsigned n = MIN(in->ask, in->n_streams), first;
	int argc = 0;

	*n_asked = 0;
	in->asked = MIN(in->count, INGEST_MAX_ENTRIES / MAX(n, 1u));
	snprintf(count, sizeof(count), "%u", in->asked);
	snprintf(block, sizeof(block), "%d", block_ms);
	argv[argc++] = "XREADGROUP";
	argv[argc++] = "GROUP";
	argv[argc++] = GROUP;
	argv[argc++] = in->consumer;
	argv[argc++] = "COUNT";
	argv[argc++] = count;
	if (block_ms > 0) {
		argv[argc++] = "BLOCK";
		argv[argc++] = block;
	}
	argv[argc++] = "STREAMS";
	first = (unsigned)argc;
	for (unsigned i = 0; i < in->n_streams && *n_asked < n; i++) {
		unsigned k = (in->turn + i) % in->n_streams;

		if (in->streams[k].grouped) {
			argv[argc++] = in->streams[k].key;
			(*n_asked)++;
		}
	}
	for (unsigned i = 0; i < *n_asked; i++) {
		argv[argc++] = ">";
	}
	if (*n_asked == 0) {
		return ERR_OK;
	}
	in->turn = (in->turn + n) % in->n_streams;
	for (int i = 0; i < argc; i++) {
		len[i] = strlen(argv[i]);
	}
	return redis_pool_queue(in->pool, argv[first], argc, argv, len,
				TAG_READ);
}

/* What ask_new() asked for. */
static enum err
take_new(struct ingest *in, int wait_ms, struct diag *d)
{
	enum err e = await(in, wait_ms + CALL_MS, d);

	if (e == ERR_OK) {
		e = ingest_read_error(in, d);
	}
	if (e == ERR_OK && in->reply != NULL) {
		ingest_take_streams(in, in->reply);
	}
	in->filled = in->n_entries >= in->asked;
	return e;
}

static enum err
read_new(struct ingest *in, int wait_ms, struct diag *d)
{
	unsigned n = MIN(in->ask, in->n_streams), n_asked;
	enum err e;

	/* Streams that this command leaves out must not wait for those in it. */
	if (in->n_streams > n && n > 0) {
		wait_ms = wait_ms * (int)n / (int)in->n_streams;
	}
	e = ask_new(in, MAX(wait_ms, 1), &n_asked);
	if (n_asked == 0) {
		/* No sensor has reported yet: wait as XREADGROUP would. */
		struct timespec t = { 0, (long)MIN(wait_ms, 100) * 1000000 };

		nanosleep(&t, NULL);
		return ERR_OK;
	}
	return e == ERR_OK ? take_new(in, wait_ms, d) : e;
}

void
ingest_ahead(struct ingest *in)
{
	unsigned n_asked;

	if (ask_new(in, 0, &n_asked) != ERR_OK || n_asked == 0) {
		return;
	}
	in->ahead = true;
	/* It is sent now, not when somebody waits for the answer. */
	if (redis_pool_poll(in->pool, 0, &in->early) == ERR_AGAIN) {
		in->early = (struct redis_answer){ 0, NULL };
	}
}

bool
ingest_more(const struct ingest *in)
{
	return in->filled && !redis_pool_is_cluster(in->pool);
}

/* What the entries that were read carry. */
static size_t
reply_bytes(const struct ingest *in)
{
	size_t sum = 0;

	for (size_t i = 0; i < in->n_entries; i++) {
		sum += in->entries[i].data.len;
	}
	return sum;
}

/* Whatever there is, what was delivered before coming first. */
static enum err
read_some(struct ingest *in, int wait_ms, bool *renewed, struct diag *d)
{
	enum err e;

	e = ingest_connect(in, renewed, d);
	if (in->watch) {
		return e;
	}
	for (unsigned i = 0;
	     e == ERR_OK && in->n_entries == 0 && i < in->n_streams; i++) {
		struct stream *s = &in->streams[i];

		if (in->strikes >= MAX_STRIKES && in->suspect == i) {
			e = drop_oversize(in, s, d);
		}
		if (e == ERR_OK && s->grouped && !s->own_done) {
			ingest_release(in);
			e = read_own(in, s, d);
			if (e == ERR_CLOSED) {
				strike(in, s);
			}
		}
		if (e == ERR_OK && in->n_entries == 0 && s->grouped &&
		    s->claim[0] != '\0') {
			ingest_release(in);
			e = claim(in, s, d);
		}
		if (e != ERR_OK && redis_pool_is_cluster(in->pool)) {
			ingest_put_off(s);
			e = ERR_OK;
		}
	}
	if (e == ERR_OK && in->n_entries == 0 && ingest_any_full(in)) {
		wait_ms = MIN(wait_ms, FULL_WAIT_MS);
		e = ingest_read_full(in, d);
	}
	if (e == ERR_OK && in->n_entries == 0) {
		ingest_release(in);
		e = redis_pool_is_cluster(in->pool) ? read_each(in, wait_ms, d)
						    : read_new(in, wait_ms, d);
	}
	return e;
}

enum err
ingest_read(struct ingest *in, int wait_ms, const struct ingest_entry **entries,
	    size_t *n, bool *renewed, struct diag *d)
{
	enum err e;

	ingest_release(in);
	*entries = in->entries;
	*n = 0;
	*renewed = false;
	in->filled = false;
	if (in->ahead) {
		in->ahead = false;
		e = take_new(in, 0, d);
	} else {
		e = read_some(in, wait_ms, renewed, d);
	}
	if (e == ERR_CLOSED || e == ERR_LIMIT || e == ERR_IO) {
		/* Too much at once is one reason; ask for less. */
		in->ask = MAX(in->ask / 2, 1u);
		in->count = MAX(in->count / 2, 1u);
		ingest_release(in);
		e = ERR_AGAIN;
	} else if (e == ERR_OK && in->n_entries > 0) {
		in->ask = MIN(in->ask * 2, (unsigned)MAX_ASK);
		if (reply_bytes(in) < SMALL_REPLY) {
			in->count = MIN(in->count * 2, (unsigned)MAX_COUNT);
		}
	}
	*n = in->n_entries;
	return e;
}

void
ingest_rewind(struct ingest *in)
{
	for (unsigned i = 0; i < in->n_streams; i++) {
		struct stream *s = &in->streams[i];

		s->own_done = false;
		s->full_last[0] = '\0';
		snprintf(s->cursor, sizeof(s->cursor), "0");
	}
}

bool
ingest_idle(const struct ingest *in)
{
	for (unsigned i = 0; i < in->n_streams && !in->watch; i++) {
		if (!in->streams[i].grouped || !in->streams[i].own_done) {
			return false;
		}
	}
	return true;
}
