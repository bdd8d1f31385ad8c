/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_exchange.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/audit.h"
#include "collector/exchange_in.h"
#include "collector/exchange_pace.h"
#include "collector/pipeline_state.h"
#include "common/clock.h"
#include "common/log.h"

#define EVERY_MS 200
/* Items of one party in one turn that are only counted. */
#define MAX_COUNTED 64
#define TELL_US (60 * US_PER_S)
#define HOUR_US (UINT64_C(3600) * US_PER_S)

struct party {
	const struct exchange_party *is;
	struct exchange_point at;
	bool known; /* 'at' is what the store has */
	bool tell; /* the party is to be told of it */
	uint64_t hour, room; /* of new sightings */
	struct exchange_pace pace;
	/* Not counted in the store yet; and what was refused since it was last
	 * said, and when that was (monotonic). */
	uint64_t counted[EXCHANGE_COUNTS];
	uint64_t untold[EXCHANGE_COUNTS], told_us[EXCHANGE_COUNTS];
};

struct pipeline_exchange {
	struct pipeline *p;
	struct exchange_in *in;
	struct store_partner *partners;
	struct party *parties;
	unsigned n, first; /* whose turn it is */
	uint64_t next_us; /* monotonic */
	uint64_t turn_max_us; /* the longest turn */
	uint64_t bundle_us; /* what one takes, of late at most */
	bool took; /* one, in this turn */
	bool busy, away;
	uint64_t away_us; /* monotonic: when that was last told */
};

void
pipeline_exchange_free(struct pipeline_exchange *x)
{
	if (x != NULL) {
		exchange_in_free(x->in);
		store_partner_close(x->partners);
		free(x->parties);
		free(x);
	}
}

enum err
pipeline_exchange_new(struct pipeline_exchange **out, struct pipeline *p,
		      struct diag *d)
{
	const struct exchange_conf *conf = p->cfg.exchange;
	struct pipeline_exchange *x;
	enum err e;

	*out = NULL;
	if (conf == NULL || conf->n == 0) {
		return ERR_OK;
	}
	x = calloc(1, sizeof(*x));
	if (x != NULL) {
		x->p = p;
		x->n = conf->n;
		x->parties = calloc(conf->n, sizeof(*x->parties));
	}
	if (x == NULL || x->parties == NULL) {
		free(x);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < x->n; i++) {
		x->parties[i].is = &conf->parties[i];
		x->parties[i].tell = true;
	}
	e = store_partner_open(&x->partners, store_db(p->store), d);
	if (e == ERR_OK) {
		e = exchange_in_new(&x->in, conf, &p->cfg.redis, d);
	}
	if (e != ERR_OK) {
		pipeline_exchange_free(x);
		return e;
	}
	*out = x;
	return ERR_OK;
}

void
pipeline_exchange_reload(struct pipeline_exchange *x)
{
	const struct exchange_conf *conf = NULL;
	struct diag d = { "" };
	struct pipeline *p;

	if (x == NULL || x->p->cfg.read_exchange == NULL) {
		return;
	}
	p = x->p;
	if (p->cfg.read_exchange(p->cfg.read_exchange_arg, &conf, &d) !=
	    ERR_OK) {
		p->stats.keys_failed = ++p->committed.keys_failed;
		log_err("the exchange's keys and policy are not reloaded, the "
			"former ones stay: %s",
			d.msg);
		return;
	}
	p->cfg.exchange = conf;
	exchange_in_use(x->in, conf);
	for (unsigned i = 0; i < x->n; i++) {
		x->parties[i].is = &conf->parties[i];
		x->parties[i].tell = true; /* by the key of now */
	}
	log_info("the exchange's keys and policy are reloaded");
}

bool
pipeline_exchange_busy(const struct pipeline_exchange *x)
{
	return x != NULL && x->busy;
}

int
pipeline_exchange_wait(const struct pipeline_exchange *x, int wait_ms)
{
	return x != NULL ? MIN(wait_ms, EVERY_MS) : wait_ms;
}

void
pipeline_exchange_forget(struct pipeline_exchange *x)
{
	for (unsigned i = 0; x != NULL && i < x->n; i++) {
		x->parties[i].known = false;
	}
}

/* ------------------------------------------------------- what is refused */

/* Once a minute for each cause, with all that came since. */
static void
tell_refused(struct pipeline_exchange *x, struct party *t,
	     enum exchange_count c, uint64_t n, const char *why)
{
	uint64_t now = clock_mono_us();
	struct feed *feed = x->p->feed;
	char words[256];

	t->untold[c] += n;
	if (t->untold[c] == 0 ||
	    (t->told_us[c] != 0 && now - t->told_us[c] < TELL_US)) {
		return;
	}
	/* They are a partner's, or of whoever pretends to be it. */
	snprintf(words, sizeof(words), "%s", why);
	for (char *w = words; *w != '\0'; w++) {
		*w = (uint8_t)*w < ' ' || (uint8_t)*w > '~' ? '?' : *w;
	}
	log_warn("exchange with %s: %s, %" PRIu64 " of them: %s", t->is->name,
		 exchange_count_name(c), t->untold[c], words);
	if (feed != NULL &&
	    feed_exchange(feed, t->is->name, exchange_count_name(c),
			  t->untold[c], words, clock_wall_us()) != ERR_OK) {
		log_warn("exchange: out of memory: the feed has no word of "
			 "what was refused");
	}
	t->told_us[c] = now;
	t->untold[c] = 0;
}

static void
take_counted(struct pipeline_exchange *x, struct party *t, unsigned i,
	     const struct exchange_item *item)
{
	t->counted[item->what] += item->n;
	/* It does not know where we are, or has not heard of it. */
	t->tell |= item->what == EXCHANGE_REPEATED ||
		   item->what == EXCHANGE_REFUSED_GAP;
	if (item->what != EXCHANGE_REPEATED) {
		tell_refused(x, t, item->what, item->n, item->why);
	}
	exchange_in_done(x->in, i, item);
}

static enum err
count_all(struct pipeline_exchange *x, const struct party *t,
	  const uint64_t n[EXCHANGE_COUNTS], uint64_t now_us)
{
	enum err e = ERR_OK;

	for (int c = 0; c < EXCHANGE_COUNTS && e == ERR_OK; c++) {
		e = store_partner_count(
			x->partners, t->is->name,
			exchange_count_name((enum exchange_count)c), n[c],
			now_us);
	}
	return e;
}

/* --------------------------------------------------------- what is applied */

static enum err
audit(struct pipeline_exchange *x, const struct party *t,
      const struct exchange_item *item, const struct exchange_report *r)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	char text[65] = "";
	struct json j;
	int64_t id;
	enum err e;

	if (EVP_Digest(item->f.data.p, item->f.data.len, sum, NULL,
		       EVP_sha256(), NULL) != 1) {
		return ERR_NOMEM;
	}
	for (unsigned i = 0; i < 32; i++) {
		snprintf(text + 2 * (size_t)i, 3, "%02x", sum[i]);
	}
	json_init(&j);
	json_obj(&j, NULL);
	json_obj(&j, "counts");
	for (int c = 0; c < EXCHANGE_COUNTS; c++) {
		if (r->n[c] > 0) {
			json_u64(&j,
				 exchange_count_name((enum exchange_count)c),
				 r->n[c]);
		}
	}
	json_obj_end(&j);
	json_cstr(&j, "data", text);
	json_u64(&j, "epoch", item->f.epoch);
	json_cstr(&j, "partner", t->is->name);
	json_u64(&j, "seq", item->f.seq);
	json_obj_end(&j);
	e = j.failed ? ERR_NOMEM
		     : audit_append(store_db(x->p->store), AUDIT_RECEIVED,
				    "collector", x->p->now_us, json_view(&j),
				    &id);
	json_fini(&j);
	return e;
}

static uint64_t *
room_of(struct party *t, uint64_t now_us)
{
	if (t->hour != now_us / HOUR_US) {
		t->hour = now_us / HOUR_US;
		t->room = EXCHANGE_NEW_SIGHTINGS;
	}
	return &t->room;
}

/* All that the bundle changes, and that it did, up to the commit. */
static enum err
apply(struct pipeline_exchange *x, struct party *t,
      const struct exchange_item *item, struct exchange_report *r)
{
	struct pipeline *p = x->p;
	const struct exchange_apply a = {
		.db = store_db(p->store),
		.partners = x->partners,
		.common = p->common,
		.correlate = p->correlate,
		.party = t->is->name,
		.quota = t->is->quota,
		.now_us = p->now_us,
		.room = room_of(t, p->now_us),
	};
	enum err e = store_begin(p->store);

	r->n[EXCHANGE_BUNDLES] = 1;
	if (item->bundle.len == 0) {
		r->n[EXCHANGE_OBJECT_MALFORMED] += item->f.n;
		snprintf(r->why, sizeof(r->why), "%s", item->why);
	} else if (e == ERR_OK) {
		e = exchange_apply(&a, item->bundle, r);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	if (e == ERR_OK) {
		e = store_partner_move(x->partners, t->is->name, item->f.epoch,
				       item->f.seq, item->added_us, p->now_us);
	}
	if (e == ERR_OK) {
		e = count_all(x, t, r->n, p->now_us);
	}
	if (e == ERR_OK) {
		e = audit(x, t, item, r);
	}
	return e == ERR_OK ? store_commit(p->store) : e;
}

static enum err
take_bundle(struct pipeline_exchange *x, unsigned i,
	    const struct exchange_item *item, struct diag *d)
{
	struct party *t = &x->parties[i];
	struct exchange_report r = { .why = "" };
	uint64_t began = clock_mono_us();
	enum err e;

	x->p->now_us = clock_wall_us();
	e = apply(x, t, item, &r);
	common_set_settled(x->p->common, e == ERR_OK);
	x->bundle_us =
		MAX(clock_mono_us() - began, x->bundle_us - x->bundle_us / 8);
	x->took = true;
	if (e != ERR_OK) {
		return pipeline_recover(x->p, d);
	}
	exchange_pace_count(&t->pace);
	x->p->committed = x->p->stats;
	t->at = (struct exchange_point){ item->f.epoch, item->f.seq };
	t->tell = true;
	exchange_in_done(x->in, i, item);
	for (int c = EXCHANGE_REFUSED; c < EXCHANGE_COUNTS; c++) {
		if (r.n[c] > 0) {
			tell_refused(x, t, (enum exchange_count)c, r.n[c],
				     r.why);
		}
	}
	return ERR_OK;
}

/* -------------------------------------------------------------- the turn */

/* Whose point is not known: what the store says, and what was counted since,
 * in one transaction. */
static enum err
settle(struct pipeline_exchange *x, struct party *t)
{
	static const uint64_t nothing[EXCHANGE_COUNTS];
	struct store *s = x->p->store;
	enum err e;

	if (t->known && memcmp(t->counted, nothing, sizeof(nothing)) == 0) {
		return ERR_OK;
	}
	e = store_begin(s);
	if (e == ERR_OK && !t->known) {
		e = store_partner_point(x->partners, t->is->name, &t->at.epoch,
					&t->at.seq);
	}
	if (e == ERR_OK) {
		e = count_all(x, t, t->counted, clock_wall_us());
	}
	if (e == ERR_OK) {
		e = store_commit(s);
	}
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	t->known = true;
	memset(t->counted, 0, sizeof(t->counted));
	return ERR_OK;
}

/* Whether the slice ends before one more bundle would; the first of a turn is
 * always taken. */
static bool
is_spent(const struct pipeline_exchange *x, uint64_t end_us)
{
	return clock_mono_us() + (x->took ? x->bundle_us : 0) >= end_us;
}

/* Bundles and refusals of one party until there is none, or 'end_us'. */
static enum err
take_party(struct pipeline_exchange *x, unsigned i, uint64_t end_us,
	   bool *redis, struct diag *d)
{
	struct party *t = &x->parties[i];
	struct exchange_item item;
	enum err e = ERR_OK;

	for (unsigned n = 0; n < MAX_COUNTED; n++) {
		if (!t->known) {
			return ERR_OK; /* the store gave up on the last */
		}
		if (!exchange_pace_may(&t->pace, clock_mono_us())) {
			return ERR_OK; /* the rest waits */
		}
		e = exchange_in_next(x->in, i, &t->at, &item, d);
		if (e == ERR_EOF || e == ERR_AGAIN) {
			*redis &= e == ERR_EOF;
			return ERR_OK;
		}
		if (e != ERR_OK) {
			return e;
		}
		if (item.what == EXCHANGE_BUNDLES) {
			e = take_bundle(x, i, &item, d);
		} else {
			take_counted(x, t, i, &item);
		}
		if (e != ERR_OK || is_spent(x, end_us)) {
			break;
		}
	}
	x->busy = true;
	return e;
}

/* Once a minute at most: entries that are too large come as often as their
 * sender likes. */
static void
note_redis(struct pipeline_exchange *x, bool redis, const struct diag *d)
{
	uint64_t now = clock_mono_us();

	if (!redis && !x->away &&
	    (x->away_us == 0 || now - x->away_us >= TELL_US)) {
		log_warn("exchange: %s; trying on",
			 d->msg[0] != '\0' ? d->msg : "Redis is away");
		x->away = true;
		x->away_us = now;
	} else if (redis && x->away) {
		log_info("exchange: Redis is back");
		x->away = false;
	}
}

/* To each for itself: what is wrong with one's stream is no reason that another
 * does not hear. */
static void
tell_points(struct pipeline_exchange *x, bool *redis, struct diag *d)
{
	for (unsigned i = 0; i < x->n; i++) {
		struct party *t = &x->parties[i];
		enum err e = ERR_OK;

		if (t->tell && t->known && t->at.epoch != 0) {
			e = exchange_in_tell(x->in, i, &t->at, d);
			t->tell = e != ERR_OK;
		}
		*redis &= e == ERR_OK;
	}
}

static enum err
take_turn(struct pipeline_exchange *x, uint64_t now, struct diag *d)
{
	uint64_t end = now + PIPELINE_EXCHANGE_US;
	bool ready = false, redis = true;
	unsigned served = 0;
	enum err e;

	x->took = false;
	x->next_us = now + EVERY_MS * UINT64_C(1000);
	d->msg[0] = '\0';
	e = common_set_ready(x->p->common, clock_wall_us(), &ready);
	x->busy = e == ERR_OK && !ready; /* the gate still reads */
	if (!ready) {
		return ERR_OK; /* said by the common set's own turn */
	}
	for (; served < x->n && e == ERR_OK; served++) {
		unsigned at = (x->first + served) % x->n;

		if (settle(x, &x->parties[at]) != ERR_OK) {
			break; /* the disk is full: said elsewhere */
		}
		if (is_spent(x, end)) {
			x->busy = true;
			break;
		}
		e = take_party(x, at, end, &redis, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	x->first = exchange_pace_first(x->first, served, x->n);
	tell_points(x, &redis, d);
	for (unsigned i = 0; i < x->n; i++) {
		(void)!settle(x, &x->parties[i]); /* else the next time */
	}
	note_redis(x, redis, d);
	return x->p->feed != NULL ? feed_flush(x->p->feed, d) : ERR_OK;
}

enum err
pipeline_exchange_turn(struct pipeline_exchange *x, struct diag *d)
{
	uint64_t now = clock_mono_us();
	enum err e;

	if (x == NULL || (now < x->next_us && !x->busy)) {
		return ERR_OK;
	}
	e = take_turn(x, now, d);
	x->turn_max_us = MAX(x->turn_max_us, clock_mono_us() - now);
	return e;
}

uint64_t
pipeline_exchange_longest(const struct pipeline_exchange *x)
{
	return x != NULL ? x->turn_max_us : 0;
}
