/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/redis_pool.h"

#define CALL_MS 5000
#define LOOK_US (5 * US_PER_S) /* between two looks at a stream's size */
#define TRIM_ENTRIES 100000 /* in one go */

/* What is known of one party's stream. */
struct stream {
	char key[EXCHANGE_KEY_CAP], point[EXCHANGE_KEY_CAP];
	uint64_t looked_us; /* monotonic: at its size */
	uint64_t trimmed; /* unread, not handed over yet */
	unsigned strikes; /* replies in a row that could not be read */
};

struct exchange_in {
	const struct exchange_conf *conf;
	struct redis_pool *pool;
	struct exchange_in_files *files;
	struct stream *streams;
	redisReply *reply; /* of the item at hand */
	struct exchange_bytes room;
};

void
exchange_in_free(struct exchange_in *in)
{
	if (in == NULL) {
		return;
	}
	if (in->reply != NULL) {
		freeReplyObject(in->reply);
	}
	exchange_in_files_free(in->files);
	redis_pool_free(in->pool);
	free(in->streams);
	free(in->room.p);
	free(in);
}

enum err
exchange_in_new(struct exchange_in **out, const struct exchange_conf *conf,
		const struct redis_options *redis, struct diag *d)
{
	struct exchange_in *in = calloc(1, sizeof(*in));
	enum err e = ERR_NOMEM;

	*out = NULL;
	if (in != NULL) {
		in->conf = conf;
		in->streams = calloc(MAX(conf->n, 1u), sizeof(*in->streams));
	}
	if (in != NULL && in->streams != NULL) {
		e = exchange_in_files_new(&in->files, conf);
	}
	if (e != ERR_OK) {
		exchange_in_free(in);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = redis_pool_new(&in->pool, redis, d);
	if (e != ERR_OK) {
		exchange_in_free(in);
		return e;
	}
	for (unsigned i = 0; i < conf->n; i++) {
		struct stream *s = &in->streams[i];

		exchange_stream_key(conf->parties[i].name, s->key);
		exchange_point_key(conf->parties[i].name, s->point);
	}
	*out = in;
	return ERR_OK;
}

void
exchange_in_use(struct exchange_in *in, const struct exchange_conf *conf)
{
	in->conf = conf;
	exchange_in_files_use(in->files, conf);
}

/* --------------------------------------------------------------- judging */

void
exchange_in_refuse(struct exchange_item *item, enum exchange_count what,
		   const char *why)
{
	item->what = what;
	item->n = 1;
	item->bundle = VIEW_NONE;
	snprintf(item->why, sizeof(item->why), "%s", why);
}

/* Exactly f->len bytes, or it is no bundle: a bomb ends where it exceeds what
 * it claims. */
static bool
inflate_bundle(const struct exchange_frame *f, uint8_t *out)
{
	z_stream z = { .next_in = (uint8_t *)f->data.p,
		       .avail_in = (uInt)f->data.len,
		       .next_out = out,
		       .avail_out = (uInt)f->len };
	bool whole;

	if (inflateInit(&z) != Z_OK) {
		return false;
	}
	whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0 &&
		z.avail_in == 0;
	inflateEnd(&z);
	return whole;
}

static enum err
unpack(struct exchange_item *item, struct exchange_bytes *room)
{
	const struct exchange_frame *f = &item->f;

	item->what = EXCHANGE_BUNDLES;
	item->n = 1;
	item->bundle = f->data;
	if (!f->deflated) {
		return ERR_OK;
	}
	if (room->p == NULL) {
		room->p = malloc(EXCHANGE_MAX_LEN);
		if (room->p == NULL) {
			return ERR_NOMEM;
		}
	}
	if (inflate_bundle(f, room->p)) {
		item->bundle = view_of(room->p, f->len);
	} else {
		/* Signed, and next: to wait for a better one would be to wait
		 * for ever. */
		item->bundle = VIEW_NONE;
		snprintf(item->why, sizeof(item->why),
			 "it does not inflate to the %" PRIu64
			 " bytes that it claims",
			 f->len);
	}
	return ERR_OK;
}

enum err
exchange_in_judge(const struct exchange_conf *conf, unsigned party,
		  const struct exchange_point *at, struct exchange_bytes *room,
		  struct exchange_item *item)
{
	static const enum exchange_count counts[EXCHANGE_VERDICTS] = {
		[EXCHANGE_UNSIGNED] = EXCHANGE_REFUSED_UNSIGNED,
		[EXCHANGE_MALFORMED] = EXCHANGE_REFUSED_MALFORMED,
		[EXCHANGE_UNKNOWN_KEY] = EXCHANGE_REFUSED_UNKNOWN_KEY,
		[EXCHANGE_FORGED] = EXCHANGE_REFUSED_FORGED,
		[EXCHANGE_MISADDRESSED] = EXCHANGE_REFUSED_MISADDRESSED,
	};
	const struct exchange_frame *f = &item->f;
	enum exchange_verdict v =
		exchange_frame_judge(&conf->parties[party], conf->us, f);
	char why[160];

	snprintf(why, sizeof(why),
		 "epoch %" PRIu64 " number %" PRIu64 ", ours is %" PRIu64
		 " %" PRIu64,
		 f->epoch, f->seq, at->epoch, at->seq);
	if (v != EXCHANGE_OK) {
		exchange_in_refuse(item, counts[v], why);
	} else if (f->epoch > at->epoch &&
		   f->epoch > clock_wall_us() + EXCHANGE_AHEAD_US) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   "its epoch is more than a year ahead");
	} else if (f->epoch < at->epoch) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_OLD_EPOCH, why);
	} else if (f->epoch == at->epoch && f->seq <= at->seq) {
		exchange_in_refuse(item, EXCHANGE_REPEATED, why);
	} else if (f->seq != (f->epoch == at->epoch ? at->seq + 1 : 1)) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_GAP, why);
	} else {
		return unpack(item, room);
	}
	return ERR_OK;
}

/* ---------------------------------------------------------------- entries */

static bool
text_is(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS;
}

static bool
number(struct view v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 19 || (v.len > 1 && v.p[0] == '0')) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9') {
			return false;
		}
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	*out = n;
	return n <= max;
}

static bool
name(struct view v, char out[EXCHANGE_NAME_CAP])
{
	if (!exchange_name_ok(v)) {
		return false;
	}
	memcpy(out, v.p, v.len);
	out[v.len] = '\0';
	return true;
}

/* One field of an entry; false with its name in 'why': it is none. */
static bool
take_field(struct exchange_item *item, struct view key, struct view v)
{
	struct exchange_frame *f = &item->f;
	uint64_t n = 0;
	size_t len = 0;
	bool ok = true;

	if (view_eq(key, VIEW_LIT("v"))) {
		ok = number(v, UINT32_MAX, &n) && n == EXCHANGE_VERSION;
	} else if (view_eq(key, VIEW_LIT("from"))) {
		ok = name(v, f->from);
	} else if (view_eq(key, VIEW_LIT("to"))) {
		ok = name(v, f->to);
	} else if (view_eq(key, VIEW_LIT("epoch"))) {
		ok = number(v, INT64_MAX, &f->epoch);
	} else if (view_eq(key, VIEW_LIT("seq"))) {
		ok = number(v, INT64_MAX, &f->seq);
	} else if (view_eq(key, VIEW_LIT("n"))) {
		ok = number(v, EXCHANGE_MAX_OBJECTS, &n);
		f->n = (uint32_t)n;
	} else if (view_eq(key, VIEW_LIT("len"))) {
		ok = number(v, EXCHANGE_MAX_LEN, &f->len);
	} else if (view_eq(key, VIEW_LIT("enc"))) {
		f->deflated = view_eq(v, VIEW_LIT("zlib"));
		ok = f->deflated || view_eq(v, VIEW_LIT("none"));
	} else if (view_eq(key, VIEW_LIT("mac"))) {
		ok = frame_mac_unhex(v, item->mac, &len);
		f->mac = view_of(item->mac, ok ? len : 0);
	} else if (view_eq(key, VIEW_LIT("data"))) {
		f->data = v;
	}
	return ok;
}

/* "seq is none that we take": which field it was. */
static bool
take_fields(struct exchange_item *item, const redisReply *fields)
{
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		const redisReply *k = fields->element[i];
		const redisReply *v = fields->element[i + 1];
		struct view key;

		if (!text_is(k) || !text_is(v)) {
			exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
					   "a field is no text");
			return false;
		}
		key = view_of(k->str, k->len);
		if (!take_field(item, key, view_of(v->str, v->len))) {
			char why[64];

			snprintf(why, sizeof(why), "field \"%.*s\"",
				 (int)MIN(key.len, 16u), (const char *)key.p);
			exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
					   why);
			return false;
		}
	}
	return true;
}

/* ----------------------------------------------------------------- streams */

static enum err
call_number(struct exchange_in *in, const struct stream *s, const char *cmd,
	    uint64_t arg, uint64_t *out, struct diag *d)
{
	redisReply *r = NULL;
	enum err e = redis_pool_call(in->pool, s->key, CALL_MS, &r, d, cmd,
				     s->key, arg);

	*out = 0;
	if (e == ERR_OK) {
		e = redis_reply_err(r);
		*out = e == ERR_OK && r->type == REDIS_REPLY_INTEGER &&
				       r->integer > 0
			       ? (uint64_t)r->integer
			       : 0;
		freeReplyObject(r);
	}
	return e;
}

/* What waits beyond the bounds goes, the oldest first: Redis has no cheap way
 * to let go of the newest. */
static enum err
bound_stream(struct exchange_in *in, struct stream *s, struct diag *d)
{
	uint64_t now = clock_mono_us(), n = 0, bytes = 0, gone = 0;
	enum err e;

	if (s->looked_us != 0 && now - s->looked_us < LOOK_US) {
		return ERR_OK;
	}
	s->looked_us = now;
	e = call_number(in, s, "XLEN %s", 0, &n, d);
	if (e != ERR_OK && e != ERR_AGAIN) {
		diag_set(d, e, "%s: its length is not told", s->key);
	}
	/* Who may not ask for memory has the bound of entries alone. */
	if (e == ERR_OK &&
	    call_number(in, s, "MEMORY USAGE %s", 0, &bytes, d) == ERR_AGAIN) {
		e = ERR_AGAIN;
	}
	if (e == ERR_OK && n > 1 &&
	    (n > EXCHANGE_IN_ENTRIES || bytes > EXCHANGE_IN_BYTES)) {
		/* Redis stands still meanwhile, for our sensors as well. */
		e = call_number(in, s, "XTRIM %s MAXLEN = %llu",
				MAX(n / 2, n - MIN(n, (uint64_t)TRIM_ENTRIES)),
				&gone, d);
		s->trimmed += gone;
		s->looked_us = 0; /* and again, until it is enough */
	}
	return e;
}

/*
 * The oldest entry cannot be read, since it is larger than any reply may be:
 * found out twice, it goes unread.  The connection may have to come back first.
 */
static enum err
drop_oversize(struct exchange_in *in, struct stream *s,
	      struct exchange_item *item, struct diag *d)
{
	uint64_t n = 0, gone = 0;
	enum err e = call_number(in, s, "XLEN %s", 0, &n, d);

	if (e == ERR_OK && n > 0) {
		e = call_number(in, s, "XTRIM %s MAXLEN = %llu", n - 1, &gone,
				d);
	}
	if (e != ERR_OK) {
		return ERR_AGAIN;
	}
	s->strikes = 0;
	item->none = true;
	exchange_in_refuse(item, EXCHANGE_REFUSED_OVERSIZE,
			   "an entry that is too large to be read");
	item->n = gone;
	return gone > 0 ? ERR_OK : ERR_EOF;
}

/* An entry's id begins with the milliseconds of its Redis's clock. */
static uint64_t
added_at(const char *id)
{
	uint64_t ms = 0;
	size_t n = strcspn(id, "-");

	return n <= 15 && number(view_of(id, n), UINT64_C(1) << 52, &ms)
		       ? ms * 1000
		       : 0;
}

static enum err
read_entry(struct exchange_in *in, struct stream *s, struct exchange_item *item,
	   struct diag *d)
{
	uint64_t garbage = redis_pool_troubles(in->pool)[REDIS_GARBAGE];
	const redisReply *entry;
	enum err e;

	if (s->strikes >= 2) {
		return drop_oversize(in, s, item, d);
	}
	e = redis_pool_call(in->pool, s->key, CALL_MS, &in->reply, d,
			    "XRANGE %s - + COUNT 1", s->key);
	if (e != ERR_OK) {
		s->strikes +=
			redis_pool_troubles(in->pool)[REDIS_GARBAGE] > garbage;
		return ERR_AGAIN;
	}
	s->strikes = 0;
	if (redis_reply_err(in->reply) != ERR_OK) {
		return diag_set(d, ERR_AGAIN, "%s: %s", s->key, in->reply->str);
	}
	if (in->reply->type == REDIS_REPLY_ARRAY && in->reply->elements == 0) {
		return ERR_EOF;
	}
	entry = in->reply->type == REDIS_REPLY_ARRAY ? in->reply->element[0]
						     : in->reply;
	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    !text_is(entry->element[0]) ||
	    entry->element[0]->len >= sizeof(item->id) ||
	    entry->element[1]->type != REDIS_REPLY_ARRAY) {
		return diag_set(d, ERR_AGAIN, "%s: no answer that Redis gives",
				s->key);
	}
	memcpy(item->id, entry->element[0]->str, entry->element[0]->len);
	item->added_us = added_at(item->id);
	return take_fields(item, entry->element[1]) ? ERR_OK : ERR_FORMAT;
}

static enum err
next_entry(struct exchange_in *in, unsigned party,
	   const struct exchange_point *at, struct exchange_item *item,
	   struct diag *d)
{
	struct stream *s = &in->streams[party];
	enum err e = bound_stream(in, s, d);

	if (e == ERR_OK && s->trimmed > 0) {
		item->none = true;
		exchange_in_refuse(item, EXCHANGE_REFUSED_FLOOD,
				   "more waited than may");
		item->n = s->trimmed;
		s->trimmed = 0;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = read_entry(in, s, item, d);
	}
	if (e == ERR_FORMAT || (e == ERR_OK && item->none)) {
		return ERR_OK; /* refused already */
	}
	return e == ERR_OK
		       ? exchange_in_judge(in->conf, party, at, &in->room, item)
		       : e;
}

enum err
exchange_in_next(struct exchange_in *in, unsigned party,
		 const struct exchange_point *at, struct exchange_item *item,
		 struct diag *d)
{
	enum err e, f;

	if (in->reply != NULL) {
		freeReplyObject(in->reply);
		in->reply = NULL;
	}
	memset(item, 0, sizeof(*item));
	e = next_entry(in, party, at, item, d);
	if (e == ERR_OK || e == ERR_NOMEM) {
		return e;
	}
	/* Whatever a broker answers, or does not, is no end of ours. */
	e = e == ERR_EOF ? e : ERR_AGAIN;
	memset(item, 0, sizeof(*item));
	f = exchange_in_files_next(in->files, party, at, item);
	return f != ERR_EOF ? f : e;
}

void
exchange_in_done(struct exchange_in *in, unsigned party,
		 const struct exchange_item *item)
{
	const struct stream *s = &in->streams[party];
	redisReply *r = NULL;
	struct diag d;

	if (item->from_file) {
		exchange_in_files_done(in->files, party, item);
	} else if (!item->none &&
		   redis_pool_call(in->pool, s->key, CALL_MS, &r, &d,
				   "XDEL %s %s", s->key, item->id) == ERR_OK) {
		freeReplyObject(r);
	}
}

enum err
exchange_in_tell(struct exchange_in *in, unsigned party,
		 const struct exchange_point *at, struct diag *d)
{
	const struct stream *s = &in->streams[party];
	char text[POINT_TEXT_CAP];
	redisReply *r = NULL;
	enum err e = exchange_point_write(
		in->conf->own, in->conf->parties[party].name, in->conf->us,
		at->epoch, at->seq, text);

	if (e != ERR_OK) {
		return diag_set(d, e, "out of memory");
	}
	exchange_in_files_tell(in->files, party, text);
	e = redis_pool_call(in->pool, s->point, CALL_MS, &r, d, "SET %s %s",
			    s->point, text);
	if (e == ERR_OK) {
		if (redis_reply_err(r) != ERR_OK) {
			e = diag_set(d, ERR_AGAIN, "%s: %s", s->point, r->str);
		}
		freeReplyObject(r);
	}
	return e == ERR_OK ? e : ERR_AGAIN;
}
