/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "common/clock.h"
#include "common/json.h"

#define GROUP "picket"
#define KEY_PREFIX "picket:alerts:{"
#define KEY_CAP (sizeof(KEY_PREFIX) + 2 * INGEST_NAME_CAP + 2)
#define CALL_MS 10000
/* How often the set of sensors is read again. */
#define DISCOVER_US (UINT64_C(2) * US_PER_S)
/* Entries that another consumer got and did not acknowledge for so long
 * belong to a collector that died. */
#define CLAIM_IDLE_MS 60000
#define CLAIM_EVERY_US (UINT64_C(30) * US_PER_S)
/* Streams asked in one command, and entries of each.  A reply must stay below
 * REDIS_MAX_PENDING: more is asked for while replies are far below it, and
 * half when one was not.  What is read together is committed together, so the
 * more that waits, the less each alert costs. */
#define MAX_ASK 16
#define FIRST_COUNT 16
#define MAX_COUNT 512
#define SMALL_REPLY (REDIS_MAX_PENDING / 8)
#define DEADLETTERS "1000"
/* Failures after which an entry is taken to be too large. */
#define MAX_STRIKES 2

struct stream {
	char site[INGEST_NAME_CAP], sensor[INGEST_NAME_CAP];
	char key[KEY_CAP];
	bool grouped; /* the group exists */
	bool own_done; /* what we left unacknowledged has been read again */
	char cursor[48]; /* through our own pending entries */
	char claim[48]; /* through those of others; "" when done */
};

struct ingest {
	struct redis_link *link;
	char consumer[INGEST_NAME_CAP];
	struct stream *streams;
	unsigned n_streams, turn; /* first stream of the next command */
	unsigned ask, count; /* how much is asked for */
	uint64_t discovered_us, claimed_us;
	bool seen_up;
	/* A stream whose entries alone cost us the connection, and how often. */
	unsigned suspect, strikes;
	uint64_t oversize;
	redisReply *reply;
	struct ingest_entry entries[INGEST_MAX_ENTRIES];
	size_t n_entries;
};

enum err
ingest_new(struct ingest **out, const char *url, const char *consumer,
	   struct diag *d)
{
	struct ingest *in = calloc(1, sizeof(*in));
	enum err e;

	*out = NULL;
	if (in == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	snprintf(in->consumer, sizeof(in->consumer), "%s", consumer);
	in->streams = calloc(INGEST_MAX_STREAMS, sizeof(*in->streams));
	in->ask = MAX_ASK;
	in->count = FIRST_COUNT;
	e = in->streams != NULL ? redis_link_new(&in->link, url, d)
				: diag_set(d, ERR_NOMEM, "out of memory");
	if (e != ERR_OK) {
		ingest_free(in);
		return e;
	}
	*out = in;
	return ERR_OK;
}

static void
release(struct ingest *in)
{
	freeReplyObject(in->reply);
	in->reply = NULL;
	in->n_entries = 0;
}

void
ingest_free(struct ingest *in)
{
	if (in == NULL) {
		return;
	}
	release(in);
	redis_link_free(in->link);
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
ingest_oversize(const struct ingest *in)
{
	return in->oversize;
}

unsigned
ingest_n_streams(const struct ingest *in)
{
	return in->n_streams;
}

static bool
is_array(const redisReply *r)
{
	return r != NULL && r->type == REDIS_REPLY_ARRAY;
}

static bool
is_text(const redisReply *r)
{
	return r != NULL &&
	       (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS);
}

/* Names come from whoever may write to Redis: printable, no '/', '{', '}'. */
static bool
name_ok(const char *s, size_t len)
{
	if (len == 0 || len >= INGEST_NAME_CAP) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] == 0x7f ||
		    strchr("/{}", s[i]) != NULL) {
			return false;
		}
	}
	return true;
}

/* "SITE/SENSOR" becomes a stream, once. */
static void
add_stream(struct ingest *in, const char *name, size_t len)
{
	const char *slash = memchr(name, '/', len);
	size_t site = slash != NULL ? (size_t)(slash - name) : 0;
	struct stream *s;

	if (slash == NULL || !name_ok(name, site) ||
	    !name_ok(slash + 1, len - site - 1) ||
	    in->n_streams == INGEST_MAX_STREAMS) {
		return;
	}
	for (unsigned i = 0; i < in->n_streams; i++) {
		s = &in->streams[i];
		if (strlen(s->site) == site &&
		    memcmp(s->site, name, site) == 0 &&
		    strlen(s->sensor) == len - site - 1 &&
		    memcmp(s->sensor, slash + 1, len - site - 1) == 0) {
			return;
		}
	}
	s = &in->streams[in->n_streams++];
	memset(s, 0, sizeof(*s));
	memcpy(s->site, name, site);
	memcpy(s->sensor, slash + 1, len - site - 1);
	snprintf(s->key, sizeof(s->key), KEY_PREFIX "%s/%s}", s->site,
		 s->sensor);
}

/* Streams that exist though nobody entered them into the set. */
static enum err
scan(struct ingest *in, struct diag *d)
{
	char cursor[32] = "0";
	unsigned rounds = 0;

	do {
		redisReply *r = NULL;
		enum err e = redis_link_call(
			in->link, CALL_MS, &r, d,
			"SCAN %s MATCH picket:alerts:{* COUNT 1000", cursor);

		if (e != ERR_OK) {
			return e;
		}
		if (!is_array(r) || r->elements != 2 ||
		    !is_text(r->element[0]) || !is_array(r->element[1])) {
			freeReplyObject(r);
			return ERR_OK;
		}
		snprintf(cursor, sizeof(cursor), "%s", r->element[0]->str);
		for (size_t i = 0; i < r->element[1]->elements; i++) {
			const redisReply *k = r->element[1]->element[i];
			size_t head = strlen(KEY_PREFIX);

			if (is_text(k) && k->len > head + 1 &&
			    k->str[k->len - 1] == '}' &&
			    memcmp(k->str, KEY_PREFIX, head) == 0) {
				add_stream(in, k->str + head,
					   k->len - head - 1);
			}
		}
		freeReplyObject(r);
	} while (strcmp(cursor, "0") != 0 && ++rounds < 10000);
	return ERR_OK;
}

static enum err
discover(struct ingest *in, struct diag *d)
{
	redisReply *r = NULL;
	enum err e = redis_link_call(in->link, CALL_MS, &r, d,
				     "SMEMBERS picket:sensors");

	if (e != ERR_OK) {
		return e;
	}
	if (r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, redis_reply_err(r), "Redis: %.200s", r->str);
	}
	for (size_t i = 0; is_array(r) && i < r->elements; i++) {
		if (is_text(r->element[i])) {
			add_stream(in, r->element[i]->str, r->element[i]->len);
		}
	}
	freeReplyObject(r);
	in->discovered_us = clock_mono_us();
	return e;
}

/* Makes the group where it is not there yet; from 0, so that what was sent
 * before us counts too. */
static enum err
make_groups(struct ingest *in, bool *renewed, struct diag *d)
{
	for (unsigned i = 0; i < in->n_streams; i++) {
		struct stream *s = &in->streams[i];
		redisReply *r = NULL;
		enum err e;

		if (s->grouped) {
			continue;
		}
		e = redis_link_call(in->link, CALL_MS, &r, d,
				    "XGROUP CREATE %s " GROUP " 0 MKSTREAM",
				    s->key);
		if (e != ERR_OK) {
			return e;
		}
		if (r->type == REDIS_REPLY_ERROR &&
		    strncasecmp(r->str, "BUSYGROUP", 9) != 0) {
			e = diag_set(d, redis_reply_err(r), "Redis: %s: %.200s",
				     s->key, r->str);
			freeReplyObject(r);
			/* A key of another type is one sensor's trouble. */
			if (e == ERR_FORMAT) {
				continue;
			}
			return e;
		}
		if (r->type != REDIS_REPLY_ERROR) {
			*renewed = true;
		}
		freeReplyObject(r);
		s->grouped = true;
		s->own_done = false;
		snprintf(s->cursor, sizeof(s->cursor), "0");
		snprintf(s->claim, sizeof(s->claim), "0-0");
	}
	return ERR_OK;
}

static enum err
connect_up(struct ingest *in, bool *renewed, struct diag *d)
{
	uint64_t now = clock_mono_us();
	enum err e = ERR_OK;

	if (!redis_link_up(in->link)) {
		e = redis_link_connect(in->link, CALL_MS, d);
		if (e != ERR_OK) {
			return e;
		}
		/* The broker may be another one, or empty. */
		for (unsigned i = 0; i < in->n_streams; i++) {
			in->streams[i].grouped = false;
		}
		in->discovered_us = 0;
		*renewed = true;
		if (!in->seen_up) {
			e = scan(in, d);
			in->seen_up = e == ERR_OK;
		}
	}
	if (e == ERR_OK && (in->discovered_us == 0 ||
			    now - in->discovered_us >= DISCOVER_US)) {
		e = discover(in, d);
	}
	if (e == ERR_OK && now - in->claimed_us >= CLAIM_EVERY_US) {
		in->claimed_us = now;
		for (unsigned i = 0; i < in->n_streams; i++) {
			snprintf(in->streams[i].claim,
				 sizeof(in->streams[i].claim), "0-0");
		}
	}
	return e == ERR_OK ? make_groups(in, renewed, d) : e;
}

static void
take_field(struct ingest_entry *e, const redisReply *k, const redisReply *v)
{
	static const struct {
		const char *name;
		size_t off;
	} fields[] = {
#define FIELD(f) { #f, offsetof(struct ingest_entry, f) }
		FIELD(v),    FIELD(epoch),    FIELD(seq),    FIELD(enc),
		FIELD(n),    FIELD(sev),      FIELD(crc),    FIELD(mac),
		FIELD(data), FIELD(gap_from), FIELD(gap_to), FIELD(gap_n),
#undef FIELD
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(k->str, fields[i].name) == 0) {
			struct view *out =
				(struct view *)((char *)e + fields[i].off);

			*out = view_of(v->str, v->len);
		}
	}
}

/* [[id, [field, value, ...]], ...]; a trimmed entry has nil for fields. */
static void
take_entries(struct ingest *in, unsigned stream, const redisReply *list)
{
	for (size_t i = 0; is_array(list) && i < list->elements; i++) {
		const redisReply *item = list->element[i];
		struct ingest_entry *e;

		if (!is_array(item) || item->elements != 2 ||
		    !is_text(item->element[0]) ||
		    in->n_entries == INGEST_MAX_ENTRIES) {
			continue;
		}
		e = &in->entries[in->n_entries++];
		*e = (struct ingest_entry){ .stream = stream,
					    .id = item->element[0]->str };
		for (size_t f = 0; is_array(item->element[1]) &&
				   f + 1 < item->element[1]->elements;
		     f += 2) {
			const redisReply *k = item->element[1]->element[f];
			const redisReply *v = item->element[1]->element[f + 1];

			if (is_text(k) && is_text(v)) {
				take_field(e, k, v);
			}
		}
	}
}

static struct stream *
by_key(struct ingest *in, const redisReply *key)
{
	for (unsigned i = 0; is_text(key) && i < in->n_streams; i++) {
		if (strcmp(in->streams[i].key, key->str) == 0) {
			return &in->streams[i];
		}
	}
	return NULL;
}

/* [[key, entries], ...] */
static void
take_streams(struct ingest *in, const redisReply *r)
{
	for (size_t i = 0; is_array(r) && i < r->elements; i++) {
		const redisReply *item = r->element[i];
		struct stream *s;

		if (!is_array(item) || item->elements != 2) {
			continue;
		}
		s = by_key(in, item->element[0]);
		if (s != NULL) {
			take_entries(in, (unsigned)(s - in->streams),
				     item->element[1]);
		}
	}
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
static enum err
read_error(struct ingest *in, struct diag *d)
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
		release(in);
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
	enum err e = redis_link_call(in->link, CALL_MS, &r, d,
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
		e = redis_link_call(in->link, CALL_MS, &done, d,
				    "XACK %s " GROUP " %s", s->key, id->str);
		freeReplyObject(done);
		done = NULL;
		if (e == ERR_OK) {
			e = redis_link_call(in->link, CALL_MS, &done, d,
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
	enum err e = redis_link_call(
		in->link, CALL_MS, &in->reply, d,
		"XREADGROUP GROUP " GROUP " %s COUNT %u STREAMS %s %s",
		in->consumer, in->count, s->key, s->cursor);

	if (e != ERR_OK || (e = read_error(in, d)) != ERR_OK ||
	    in->reply == NULL) {
		return e;
	}
	take_streams(in, in->reply);
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
	enum err e = redis_link_call(
		in->link, CALL_MS, &in->reply, d,
		"XAUTOCLAIM %s " GROUP " %s %d %s COUNT %u", s->key,
		in->consumer, CLAIM_IDLE_MS, s->claim, in->count);

	if (e != ERR_OK || (e = read_error(in, d)) != ERR_OK ||
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
		take_entries(in, (unsigned)(s - in->streams),
			     in->reply->element[1]);
	}
	return ERR_OK;
}

static enum err
read_new(struct ingest *in, int wait_ms, struct diag *d)
{
	const char *argv[9 + 2 * MAX_ASK];
	size_t len[9 + 2 * MAX_ASK];
	char count[16], block[16];
	unsigned n = MIN(in->ask, in->n_streams), n_asked = 0;
	int argc = 0;
	enum err e;

	snprintf(count, sizeof(count), "%u",
		 MIN(in->count, INGEST_MAX_ENTRIES / MAX(n, 1u)));
	/* Streams that this command leaves out must not wait for those in it. */
	if (in->n_streams > n && n > 0) {
		wait_ms = wait_ms * (int)n / (int)in->n_streams;
	}
	snprintf(block, sizeof(block), "%d", MAX(wait_ms, 1));
	argv[argc++] = "XREADGROUP";
	argv[argc++] = "GROUP";
	argv[argc++] = GROUP;
	argv[argc++] = in->consumer;
	argv[argc++] = "COUNT";
	argv[argc++] = count;
	argv[argc++] = "BLOCK";
	argv[argc++] = block;
	argv[argc++] = "STREAMS";
	for (unsigned i = 0; i < in->n_streams && n_asked < n; i++) {
		unsigned k = (in->turn + i) % in->n_streams;

		if (in->streams[k].grouped) {
			argv[argc++] = in->streams[k].key;
			n_asked++;
		}
	}
	for (unsigned i = 0; i < n_asked; i++) {
		argv[argc++] = ">";
	}
	if (n_asked == 0) {
		/* No sensor has reported yet: wait as XREADGROUP would. */
		struct timespec t = { 0, (long)MIN(wait_ms, 100) * 1000000 };

		nanosleep(&t, NULL);
		return ERR_OK;
	}
	in->turn = (in->turn + n) % in->n_streams;
	for (int i = 0; i < argc; i++) {
		len[i] = strlen(argv[i]);
	}
	e = redis_link_queue(in->link, argc, argv, len);
	if (e == ERR_OK) {
		e = redis_link_reply(in->link, wait_ms + CALL_MS, &in->reply,
				     d);
	}
	if (e == ERR_OK) {
		e = read_error(in, d);
	}
	if (e == ERR_OK && in->reply != NULL) {
		take_streams(in, in->reply);
	}
	return e;
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

enum err
ingest_read(struct ingest *in, int wait_ms, const struct ingest_entry **entries,
	    size_t *n, bool *renewed, struct diag *d)
{
	enum err e;

	release(in);
	*entries = in->entries;
	*n = 0;
	*renewed = false;
	e = connect_up(in, renewed, d);
	for (unsigned i = 0;
	     e == ERR_OK && in->n_entries == 0 && i < in->n_streams; i++) {
		struct stream *s = &in->streams[i];

		if (in->strikes >= MAX_STRIKES && in->suspect == i) {
			e = drop_oversize(in, s, d);
		}
		if (e == ERR_OK && s->grouped && !s->own_done) {
			release(in);
			e = read_own(in, s, d);
			if (e == ERR_CLOSED) {
				strike(in, s);
			}
		}
		if (e == ERR_OK && in->n_entries == 0 && s->grouped &&
		    s->claim[0] != '\0') {
			release(in);
			e = claim(in, s, d);
		}
	}
	if (e == ERR_OK && in->n_entries == 0) {
		release(in);
		e = read_new(in, wait_ms, d);
	}
	if (e == ERR_CLOSED || e == ERR_LIMIT || e == ERR_IO) {
		/* Too much at once is one reason; ask for less. */
		in->ask = MAX(in->ask / 2, 1u);
		in->count = MAX(in->count / 2, 1u);
		release(in);
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

enum err
ingest_publish(struct ingest *in, const char *site, const char *sensor,
	       uint64_t epoch, uint64_t seq)
{
	char key[sizeof("picket:committed:{}") + 2 * INGEST_NAME_CAP];
	char value[48];
	const char *argv[] = { "SET", key, value };
	size_t len[3];

	snprintf(key, sizeof(key), "picket:committed:{%s/%s}", site, sensor);
	snprintf(value, sizeof(value), "%llu %llu", (unsigned long long)epoch,
		 (unsigned long long)seq);
	for (int i = 0; i < 3; i++) {
		len[i] = strlen(argv[i]);
	}
	return redis_link_queue(in->link, 3, argv, len);
}

enum err
ingest_ack(struct ingest *in, unsigned stream, const char *id)
{
	const char *argv[] = { "XACK", in->streams[stream].key, GROUP, id };
	size_t len[] = { 4, strlen(argv[1]), strlen(GROUP), strlen(id) };

	return redis_link_queue(in->link, 4, argv, len);
}

enum err
ingest_trim(struct ingest *in, unsigned stream, const char *id)
{
	const struct stream *s = &in->streams[stream];
	unsigned long long ms, seq;
	char next[48];
	const char *argv[] = { "XTRIM", s->key, "MINID", next };
	size_t len[ARRAY_LEN(argv)];

	if (!s->own_done || s->claim[0] != '\0' ||
	    sscanf(id, "%llu-%llu", &ms, &seq) != 2 || seq == ULLONG_MAX) {
		return ERR_OK;
	}
	snprintf(next, sizeof(next), "%llu-%llu", ms, seq + 1);
	for (size_t i = 0; i < ARRAY_LEN(argv); i++) {
		len[i] = strlen(argv[i]);
	}
	return redis_link_queue(in->link, (int)ARRAY_LEN(argv), argv, len);
}

void
ingest_rewind(struct ingest *in)
{
	for (unsigned i = 0; i < in->n_streams; i++) {
		struct stream *s = &in->streams[i];

		s->own_done = false;
		snprintf(s->cursor, sizeof(s->cursor), "0");
	}
}

enum err
ingest_deadletter(struct ingest *in, unsigned stream,
		  const struct ingest_entry *e, const char *why)
{
	char key[sizeof("picket:deadletter:{}") + 2 * INGEST_NAME_CAP];
	const struct stream *s = &in->streams[stream];
	const char *argv[] = {
		"XADD",      key,
		"MAXLEN",    "~",
		DEADLETTERS, "*",
		"why",       why,
		"id",        e->id,
		"epoch",     (const char *)e->epoch.p,
		"seq",       (const char *)e->seq.p,
		"data",      (const char *)e->data.p,
	};
	size_t len[ARRAY_LEN(argv)];

	snprintf(key, sizeof(key), "picket:deadletter:{%s/%s}", s->site,
		 s->sensor);
	for (size_t i = 0; i < ARRAY_LEN(argv); i++) {
		if (argv[i] == NULL) {
			argv[i] = "";
		}
		len[i] = strlen(argv[i]);
	}
	len[11] = e->epoch.len;
	len[13] = e->seq.len;
	len[15] = MIN(e->data.len, (size_t)65536);
	return redis_link_queue(in->link, (int)ARRAY_LEN(argv), argv, len);
}

enum err
ingest_done(struct ingest *in, struct diag *d)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && redis_link_unanswered(in->link) > 0) {
		redisReply *r = NULL;

		e = redis_link_reply(in->link, CALL_MS, &r, d);
		/* A refused write is no loss: the sensor asks again, and the
		 * entry is delivered again. */
		freeReplyObject(r);
	}
	return e == ERR_OK ? ERR_OK : ERR_AGAIN;
}

enum err
ingest_presence(struct ingest *in, unsigned stream, bool *there,
		struct json *out, char state[INGEST_NAME_CAP], struct diag *d)
{
	const struct stream *s = &in->streams[stream];
	redisReply *r = NULL;
	enum err e = redis_link_call(in->link, CALL_MS, &r, d,
				     "HGETALL picket:sensor:{%s/%s}", s->site,
				     s->sensor);

	*there = false;
	state[0] = '\0';
	if (e != ERR_OK) {
		return ERR_AGAIN;
	}
	json_reset(out);
	json_obj(out, NULL);
	for (size_t i = 0; is_array(r) && i + 1 < r->elements && i < 128;
	     i += 2) {
		const redisReply *k = r->element[i], *v = r->element[i + 1];

		/* Keys are trusted text to the writer: letters only. */
		if (!is_text(k) || !is_text(v) || v->len > 16384 ||
		    k->len > INGEST_NAME_CAP ||
		    strspn(k->str, "abcdefghijklmnopqrstuvwxyz0123456789_-.") !=
			    k->len) {
			continue;
		}
		*there = true;
		json_str(out, k->str, view_of(v->str, v->len));
		if (strcmp(k->str, "state") == 0) {
			snprintf(state, INGEST_NAME_CAP, "%s", v->str);
		}
	}
	json_obj_end(out);
	freeReplyObject(r);
	return ERR_OK;
}

enum err
ingest_idle(struct ingest *in, bool *idle, struct diag *d)
{
	*idle = true;
	for (unsigned i = 0; i < in->n_streams && *idle; i++) {
		const struct stream *s = &in->streams[i];

		*idle = s->grouped && s->own_done;
	}
	(void)d;
	return ERR_OK;
}
