/* SPDX-License-Identifier: Apache-2.0 */
/* Which streams there are, and our group on each. */
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "collector/ingest_state.h"
#include "common/clock.h"
#include "common/log.h"

/* How often the set of sensors is read again. */
#define DISCOVER_US (UINT64_C(2) * US_PER_S)
/* How often the keys are looked through. */
#define SCAN_US (UINT64_C(20) * US_PER_S)
/* A stream whose server is away is asked for again after that long. */
#define RETRY_US US_PER_S
#define TELL_US (UINT64_C(60) * US_PER_S)

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
	    in->n_streams == in->max_streams) {
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
	s = &in->streams[in->n_streams];
	memset(s, 0, sizeof(*s));
	memcpy(s->site, name, site);
	memcpy(s->sensor, slash + 1, len - site - 1);
	if (in->mine != NULL && !in->mine(in->mine_arg, s->site, s->sensor)) {
		return;
	}
	in->n_streams++;
	snprintf(s->key, sizeof(s->key), KEY_PREFIX "%s/%s}", s->site,
		 s->sensor);
}

void
ingest_know(struct ingest *in, const char *site, const char *sensor)
{
	char name[2 * INGEST_NAME_CAP];
	int n = snprintf(name, sizeof(name), "%s/%s", site, sensor);

	if (n > 0 && (size_t)n < sizeof(name)) {
		add_stream(in, name, (size_t)n);
	}
}

/* Streams that exist though nobody entered them into the set: one part of the
 * keys. */
static enum err
scan_part(struct ingest *in, unsigned part, struct diag *d)
{
	char cursor[32] = "0";
	unsigned rounds = 0;

	do {
		redisReply *r = NULL;
		enum err e = redis_pool_call_at(
			in->pool, part, CALL_MS, &r, d,
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
scan(struct ingest *in, struct diag *d)
{
	enum err e = ERR_OK;

	for (unsigned part = 0; e == ERR_OK; part++) {
		e = scan_part(in, part, d);
		if (e != ERR_OK && e != ERR_NOTFOUND &&
		    redis_pool_is_cluster(in->pool)) {
			e = ERR_OK; /* that node is away */
		}
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* Whoever may write to Redis can enter any number of names. */
static void
count_left_out(struct ingest *in, size_t names)
{
	uint64_t now = clock_mono_us();

	in->left_out =
		in->n_streams == in->max_streams && names > in->max_streams
			? names - in->max_streams
			: 0;
	if (in->left_out > 0 && (in->told_left_out_us == 0 ||
				 now - in->told_left_out_us >= TELL_US)) {
		in->told_left_out_us = now;
		log_warn("more than %u sensors are in " SENSORS ": %" PRIu64
			 " are not looked at; take those away that are none",
			 in->max_streams, in->left_out);
	}
}

static enum err
discover(struct ingest *in, struct diag *d)
{
	redisReply *r = NULL;
	enum err e = redis_pool_call(in->pool, SENSORS, CALL_MS, &r, d,
				     "SMEMBERS " SENSORS);

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
	if (is_array(r)) {
		count_left_out(in, r->elements);
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

		if (s->grouped || clock_mono_us() < s->retry_us) {
			continue;
		}
		e = redis_pool_call(in->pool, s->key, CALL_MS, &r, d,
				    "XGROUP CREATE %s " GROUP " 0 MKSTREAM",
				    s->key);
		if (e != ERR_OK && redis_pool_is_cluster(in->pool)) {
			/* The other nodes' streams must not wait for it. */
			s->retry_us = clock_mono_us() + RETRY_US;
			continue;
		}
		if (e != ERR_OK) {
			return e;
		}
		if (r->type == REDIS_REPLY_ERROR &&
		    strncasecmp(r->str, "BUSYGROUP", 9) != 0) {
			bool full = strncmp(r->str, "OOM", 3) == 0;

			e = diag_set(d, redis_reply_err(r), "Redis: %s: %.200s",
				     s->key, r->str);
			freeReplyObject(r);
			s->retry_us = clock_mono_us() + RETRY_US;
			if (full && !s->full) {
				s->full_last[0] = '\0';
			}
			s->full = full;
			/* A key of another type is one sensor's trouble, as is
			 * a node of a cluster. */
			if (e == ERR_FORMAT || full ||
			    redis_pool_is_cluster(in->pool)) {
				continue;
			}
			return e;
		}
		if (r->type != REDIS_REPLY_ERROR) {
			*renewed = true;
		}
		freeReplyObject(r);
		s->grouped = true;
		s->full = false;
		s->own_done = false;
		snprintf(s->cursor, sizeof(s->cursor), "0");
		snprintf(s->claim, sizeof(s->claim), "0-0");
	}
	return ERR_OK;
}

uint64_t
ingest_garbage(const struct ingest *in)
{
	return redis_pool_troubles(in->pool)[REDIS_GARBAGE];
}

bool
ingest_rests(const struct too_large *t)
{
	return t->strikes >= MAX_STRIKES &&
	       clock_mono_us() - t->rest_us < TOO_LARGE_REST_US;
}

bool
ingest_strikes(const struct ingest *in, struct too_large *t, enum err e,
	       uint64_t before)
{
	/* A cluster's other nodes may have answered well. */
	if (ingest_garbage(in) > before) {
		t->rest_us = clock_mono_us();
		return ++t->strikes == MAX_STRIKES;
	}
	if (e == ERR_OK) {
		t->strikes = 0;
	}
	return false;
}

/* Streams that nobody told us of. */
static enum err
scan_now(struct ingest *in, uint64_t now, struct diag *d)
{
	uint64_t before = ingest_garbage(in);
	enum err e = ingest_rests(&in->keys) ? ERR_OK : scan(in, d);

	if (!ingest_rests(&in->keys) &&
	    ingest_strikes(in, &in->keys, e, before)) {
		log_err("names of keys are too large to be read: streams that "
			"are in no set are not found; look for who wrote them");
	}
	in->scanned_us = e == ERR_OK ? now : in->scanned_us;
	return e;
}

static enum err
discover_now(struct ingest *in, uint64_t now, struct diag *d)
{
	uint64_t before = ingest_garbage(in);
	enum err e = ingest_rests(&in->names) ? ERR_OK : discover(in, d);

	if (!ingest_rests(&in->names) &&
	    ingest_strikes(in, &in->names, e, before)) {
		log_err("what is in " SENSORS " is too large to be read: "
			"sensors are found by their streams alone; take away "
			"those that are none");
	}
	if (e != ERR_OK && e != ERR_AUTH && in->n_streams > 0 &&
	    redis_pool_is_cluster(in->pool)) {
		e = ERR_OK; /* its node is away; we know some */
	}
	in->discovered_us = e == ERR_OK ? now : in->discovered_us;
	return e;
}

enum err
ingest_connect(struct ingest *in, bool *renewed, struct diag *d)
{
	uint64_t now = clock_mono_us();
	enum err e = ERR_OK;

	if (!redis_pool_up(in->pool, NULL)) {
		e = redis_pool_connect(in->pool, NULL, CALL_MS, d);
		if (e != ERR_OK) {
			return e;
		}
	}
	if (in->connects != redis_pool_connects(in->pool)) {
		/* The broker may be another one, or empty. */
		in->connects = redis_pool_connects(in->pool);
		for (unsigned i = 0; i < in->n_streams; i++) {
			in->streams[i].grouped = false;
			in->streams[i].full_last[0] = '\0';
		}
		in->discovered_us = 0;
		*renewed = true;
	}
	if (in->scanned_us == 0 || now - in->scanned_us >= SCAN_US) {
		/* A Redis that is full refuses the sensors' names, and is full
		 * until their streams are read. */
		e = scan_now(in, now, d);
	}
	if (e == ERR_OK && (in->discovered_us == 0 ||
			    now - in->discovered_us >= DISCOVER_US)) {
		e = discover_now(in, now, d);
	}
	if (e == ERR_OK && now - in->claimed_us >= CLAIM_EVERY_US) {
		in->claimed_us = now;
		for (unsigned i = 0; i < in->n_streams; i++) {
			snprintf(in->streams[i].claim,
				 sizeof(in->streams[i].claim), "0-0");
		}
	}
	return e == ERR_OK && !in->watch ? make_groups(in, renewed, d) : e;
}
