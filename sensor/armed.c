/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/armed.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/redis_pool.h"
#include "common/thread.h"
#include "sensor/armed_file.h"
#include "sensor/armed_state.h"

#define WAIT_MS 200 /* of a read that blocks, or between two in a cluster */
#define TURN_MS 20 /* between two that do not */
#define ANSWER_MS 5000
#define AGAIN_MS 500 /* after an error */

enum err
armed_new(struct armed **out, const struct armed_options *o, struct diag *d)
{
	struct armed *a = calloc(1, sizeof(*a));
	struct sign_key *k = NULL;
	enum err e;

	if (a == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	a->o = *o;
	snprintf(a->last_id, sizeof(a->last_id), "0-0");
	e = sign_key_load(&k, o->key, false, d);
	a->live = ioc_live_new();
	a->patterns = pattern_list_new();
	if (e == ERR_OK && (a->live == NULL || a->patterns == NULL)) {
		sign_key_free(k);
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e == ERR_OK) {
		e = armed_set_new(&a->set, a->live, a->patterns, k, d);
	}
	if (e != ERR_OK) {
		armed_free(a);
		return e;
	}
	*out = a;
	return ERR_OK;
}

void
armed_free(struct armed *a)
{
	if (a != NULL) {
		armed_stop(a);
		armed_file_close(a->file);
		armed_set_free(a->set);
		ioc_live_free(a->live);
		pattern_list_free(a->patterns);
		free(a);
	}
}

struct ioc_live *
armed_live(struct armed *a)
{
	return a->live;
}

struct pattern_list *
armed_patterns(struct armed *a)
{
	return a->patterns;
}

void
armed_load(struct armed *a, const char *dir)
{
	struct pattern_list_counts p;
	struct armed_counts n;
	struct diag d = { "" };
	enum err e = armed_file_open(&a->file, dir, &d);

	if (e == ERR_OK) {
		e = armed_file_load(a->file, a->set, &d);
	}
	if (e != ERR_OK) {
		log_warn("%s; the collector's base is waited for", d.msg);
	}
	armed_set_read(a->set, &n);
	pattern_list_read(a->patterns, &p);
	a->patterns_told = p.changes; /* who loads takes them as they are */
	if (n.epoch > 0) {
		log_info("%" PRIu64 " indicators armed from disk, version "
			 "%" PRIu64 "-%" PRIu64,
			 ioc_live_count(a->live) + p.armed, n.epoch, n.version);
	}
}

/* --- what is told --- */

void
armed_read(struct armed *a, struct armed_status *out)
{
	struct pattern_list_counts p;

	pattern_list_read(a->patterns, &p);
	*out = (struct armed_status){
		.indicators = ioc_live_count(a->live),
		.memory = ioc_live_memory(a->live),
		.patterns = p.armed,
		.patterns_refused = p.refused,
		.lag_us = atomic_load(&a->lag_us),
		.most_lag_us = atomic_load(&a->most_lag_us),
		.taken_us = atomic_load(&a->taken_us),
		.reads_failed = atomic_load(&a->reads_failed),
		.reachable = atomic_load(&a->reachable),
		.saved = !atomic_load(&a->unsaved),
	};
	armed_set_read(a->set, &out->n);
}

void
armed_reload_key(struct armed *a)
{
	atomic_store(&a->key_wanted, true);
}

static void
read_key(struct armed *a)
{
	struct sign_key *k;
	struct diag d;

	if (!atomic_exchange(&a->key_wanted, false)) {
		return;
	}
	if (sign_key_load(&k, a->o.key, false, &d) == ERR_OK) {
		armed_set_key(a->set, k);
	} else {
		log_err("the key of indicators is not reloaded, the former one "
			"stays: %s",
			d.msg);
	}
}

void
armed_saved(struct armed *a, enum err e, const struct diag *d)
{
	if (e != ERR_OK && !atomic_exchange(&a->unsaved, true)) {
		log_warn("%s; indicators are armed, and not kept for the next "
			 "start",
			 d->msg);
	} else if (e == ERR_OK) {
		atomic_store(&a->unsaved, false);
	}
}

void
armed_refused(struct armed *a, enum armed_verdict v, const char *what,
	      const struct diag *d)
{
	/* once a kind: whoever forges must not fill the log */
	if (v == ARMED_FORGED && !a->forged_told) {
		a->forged_told = true;
		log_warn("%s refused: not signed with the key of "
			 "control.public-key",
			 what);
	} else if (v == ARMED_BAD && !a->bad_told) {
		a->bad_told = true;
		log_warn("%s refused: %s", what, d->msg);
	}
}

/* --- the stream --- */

static void
note_lag(struct armed *a, uint64_t made_us)
{
	uint64_t now = clock_wall_us(), lag = now > made_us ? now - made_us : 0;

	atomic_store(&a->taken_us, now);
	if (!a->caught_up) {
		return; /* made while we were away */
	}
	atomic_store(&a->lag_us, lag);
	if (lag > atomic_load(&a->most_lag_us)) {
		atomic_store(&a->most_lag_us, lag);
	}
}

static struct view
field(const redisReply *kv, const char *name)
{
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		const redisReply *k = kv->element[i], *v = kv->element[i + 1];

		if (k->type == REDIS_REPLY_STRING &&
		    v->type == REDIS_REPLY_STRING &&
		    strcmp(k->str, name) == 0) {
			return view_of(v->str, v->len);
		}
	}
	return VIEW_NONE;
}

/* Whether the entry itself says that it is behind us.  Nobody has signed that,
 * but whoever may write it may as well leave the entry out. */
static bool
says_old(struct armed *a, struct view version)
{
	char text[DELTA_VERSION_CAP];
	struct armed_counts n;
	uint64_t epoch, to;

	if (version.len == 0 || version.len >= sizeof(text)) {
		return false;
	}
	memcpy(text, version.p, version.len);
	text[version.len] = '\0';
	armed_set_read(a->set, &n);
	return delta_version_read(text, &epoch, &to) && epoch == n.epoch &&
	       to <= n.version;
}

static void
take_entry(struct armed *a, const redisReply *kv)
{
	struct view doc = field(kv, "doc");
	struct diag d = { "" };
	enum armed_verdict v;

	if (says_old(a, field(kv, "version"))) {
		return;
	}
	if (doc.len == 0) {
		/* a base is there, it says: nobody has signed that, and a
		 * look is all that it brings about */
		a->base_wanted = true;
		return;
	}
	v = armed_set_delta(a->set, doc, &d);
	switch (v) {
	case ARMED_TAKEN:
		note_lag(a, load_be64(doc.p + DELTA_MADE_AT));
		armed_saved(a, armed_file_delta(a->file, doc, &d), &d);
		break;
	case ARMED_GAP:
		a->base_wanted = true;
		break;
	case ARMED_BAD:
		/* what it would have said is in the next base */
		a->base_wanted = true;
		armed_refused(a, v, "a delta of indicators", &d);
		break;
	case ARMED_FORGED:
		armed_refused(a, v, "a delta of indicators", &d);
		break;
	case ARMED_OLD:
		break;
	}
}

static bool
is_entry(const redisReply *e)
{
	return e->type == REDIS_REPLY_ARRAY && e->elements == 2 &&
	       e->element[0]->type == REDIS_REPLY_STRING &&
	       e->element[0]->len < ARMED_ID_CAP &&
	       e->element[1]->type == REDIS_REPLY_ARRAY;
}

/* [[stream, [[id, [field, value, ...]], ...]]], or nil; how many entries. */
static size_t
take_reply(struct armed *a, const redisReply *r)
{
	const redisReply *entries;

	if (r->type != REDIS_REPLY_ARRAY || r->elements != 1 ||
	    r->element[0]->type != REDIS_REPLY_ARRAY ||
	    r->element[0]->elements != 2 ||
	    r->element[0]->element[1]->type != REDIS_REPLY_ARRAY) {
		return 0;
	}
	entries = r->element[0]->element[1];
	for (size_t i = 0; i < entries->elements && !a->base_wanted; i++) {
		const redisReply *e = entries->element[i];

		if (is_entry(e)) {
			snprintf(a->last_id, sizeof(a->last_id), "%s",
				 e->element[0]->str);
			take_entry(a, e->element[1]);
		}
	}
	return entries->elements;
}

enum err
armed_answer(struct armed *a, enum err e, redisReply *r, struct diag *d)
{
	bool bad = e == ERR_OK && r->type == REDIS_REPLY_ERROR;

	if (bad) {
		e = diag_set(d, ERR_IO, "%.200s", r->str);
		freeReplyObject(r);
	}
	if (e != ERR_OK) {
		atomic_fetch_add(&a->reads_failed, 1);
		if (atomic_exchange(&a->reachable, false) || !a->away_told) {
			a->away_told = true;
			log_warn("indicators cannot be read: %s; those that "
				 "are armed stay",
				 d->msg);
		}
	}
	return e;
}

static enum err
read_stream(struct armed *a, size_t *n)
{
	redisReply *r = NULL;
	struct diag d = { "" };
	bool blocks = !redis_pool_is_cluster(a->pool);
	enum err e;

	*n = 0;
	if (redis_pool_connects(a->pool) != a->connects) {
		/* another server, perhaps, whose entries have other ids */
		a->connects = redis_pool_connects(a->pool);
		a->caught_up = false;
		snprintf(a->last_id, sizeof(a->last_id), "0-0");
	}
	e = blocks ? redis_pool_call(a->pool, DELTA_STREAM, ANSWER_MS, &r, &d,
				     "XREAD COUNT 8 BLOCK %d STREAMS %s %s",
				     a->asked ? WAIT_MS : 1, DELTA_STREAM,
				     a->last_id)
		   : redis_pool_call(a->pool, DELTA_STREAM, ANSWER_MS, &r, &d,
				     "XREAD COUNT 8 STREAMS %s %s",
				     DELTA_STREAM, a->last_id);
	e = armed_answer(a, e, r, &d);
	if (e != ERR_OK) {
		return e;
	}
	if (!atomic_exchange(&a->reachable, true) && a->away_told) {
		log_info("indicators can be read again");
	}
	*n = take_reply(a, r);
	freeReplyObject(r);
	if (*n == 0 && !blocks) {
		/* All sensors ask one node. */
		usleep((a->caught_up ? WAIT_MS : TURN_MS) * 1000);
	}
	return ERR_OK;
}

/* --- the thread --- */

/* Who loads sets of rules hears of patterns once a turn. */
static void
tell_patterns(struct armed *a)
{
	struct pattern_list_counts n;

	pattern_list_read(a->patterns, &n);
	if (n.changes != a->patterns_told) {
		a->patterns_told = n.changes;
		if (a->o.patterns_changed != NULL) {
			a->o.patterns_changed(a->o.patterns_arg);
		}
	}
}

static void *
run(void *arg)
{
	struct armed *a = arg;

	a->base_wanted = true; /* if there is a newer one */
	while (!atomic_load(&a->ending)) {
		enum err e = ERR_OK;
		size_t n = 0;

		read_key(a);
		if (armed_base_due(a)) {
			e = armed_fetch(a);
		} else if (a->base_wanted) {
			usleep(TURN_MS * 1000);
			continue;
		}
		if (e == ERR_OK) {
			e = read_stream(a, &n);
		}
		a->idle = n == 0;
		a->caught_up = a->caught_up || (e == ERR_OK && n == 0);
		tell_patterns(a);
		armed_file_sync(a->file, clock_mono_us());
		(void)armed_ask(a); /* the rest in the next turn */
		for (unsigned ms = 0;
		     e != ERR_OK && ms < AGAIN_MS && !atomic_load(&a->ending);
		     ms += TURN_MS) {
			usleep(TURN_MS * 1000);
		}
	}
	return NULL;
}

enum err
armed_start(struct armed *a, struct diag *d)
{
	enum err e;
	int rc;

	if (a->file == NULL) {
		return diag_set(d, ERR_IO,
				"indicators have no place on the disk");
	}
	e = redis_pool_new(&a->pool, a->o.redis, d);
	if (e != ERR_OK) {
		return e;
	}
	armed_set_tell(a->set, armed_told, a);
	rc = thread_start(&a->thread, THREAD_ARMING, run, a);
	if (rc != 0) {
		return diag_set(d, ERR_IO, "thread of indicators: %s",
				strerror(rc));
	}
	a->running = true;
	return ERR_OK;
}

void
armed_stop(struct armed *a)
{
	if (a->running) {
		atomic_store(&a->ending, true);
		pthread_join(a->thread, NULL);
		a->running = false;
	}
	redis_pool_free(a->pool);
	a->pool = NULL;
}
