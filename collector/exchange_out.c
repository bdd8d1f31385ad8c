/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_out.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/exchange_files.h"
#include "collector/exchange_fill.h"
#include "collector/exchange_send.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

#define BUSY_MS 20000
/* Between two turns while there is more to be made, or to be acknowledged. */
#define HURRY_US UINT64_C(50000)
/* A point stays behind what it was for so long: the partner lost its store. */
#define LOST_US (60 * US_PER_S)
/* At least so long between two epochs that a partner brings about. */
#define RENEW_US (UINT64_C(3600) * US_PER_S)

struct party {
	struct exchange_out *all;
	/* By which it works; changed by its own thread. */
	_Atomic(const struct exchange_conf *) conf;
	const struct exchange_party *is;
	pthread_t thread;
	struct exchange_fill fill;
	struct exchange_sender *sender; /* NULL: not by Redis */
	struct exchange_files files;
	struct sign_key *own;
	struct exchange_state state;
	bool known; /* 'state' is what the store has */
	bool told; /* that it fails */
	uint64_t
		behind_us; /* since when its point is; monotonic, 0: it is not */
};

struct exchange_out {
	_Atomic(const struct exchange_conf *) conf; /* by which all shall */
	struct party parties[EXCHANGE_MAX_PARTIES];
	char names[EXCHANGE_MAX_PARTIES][EXCHANGE_NAME_CAP]; /* of these */
	unsigned n; /* whose threads run */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop; /* changed under the lock */
};

/* In a transaction of its own. */
static enum err
change(struct party *p, enum err (*fn)(struct party *p), struct diag *d)
{
	sqlite3 *db = p->fill.db;
	enum err e = sql_exec(db, "BEGIN IMMEDIATE");

	if (e == ERR_OK) {
		e = fn(p);
	}
	if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e != ERR_OK) {
		diag_set(d, e, "the store: %s", sqlite3_errmsg(db));
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	return e;
}

static enum err
make_row(struct party *p)
{
	return exchange_state_make(p->fill.db, p->is->name, clock_wall_us());
}

static enum err
note(struct party *p)
{
	return exchange_state_note(p->fill.db, p->is->name, &p->state);
}

static enum err
renew(struct party *p)
{
	uint64_t now = clock_wall_us();

	return exchange_state_renew(p->fill.db, p->is->name,
				    MAX(now, p->state.epoch + 1), now);
}

static enum err
load(struct party *p, struct diag *d)
{
	enum err e = exchange_state_get(p->fill.db, p->is->name, &p->state);

	if (e == ERR_NOTFOUND) {
		e = change(p, make_row, d);
		if (e == ERR_OK) {
			e = exchange_state_get(p->fill.db, p->is->name,
					       &p->state);
		}
	}
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the store: %s", sqlite3_errmsg(p->fill.db));
	}
	p->known = e == ERR_OK;
	return e;
}

/* The partner gets all again, by an epoch that it has not seen. */
static enum err
begin_epoch(struct party *p, uint64_t above, const char *why, struct diag *d)
{
	uint64_t now = clock_wall_us();
	enum err e;

	p->behind_us = 0;
	if (p->state.renewed_us != 0 && now >= p->state.renewed_us &&
	    now - p->state.renewed_us < RENEW_US) {
		return diag_set(d, ERR_LIMIT,
				"%s; it gets all again once an hour at most",
				why);
	}
	log_warn("exchange with %s: %s: it gets all again", p->is->name, why);
	p->state.epoch = MAX(p->state.epoch, above);
	e = change(p, renew, d);
	p->known = false;
	if (e == ERR_OK && p->sender != NULL) {
		exchange_sender_forget(p->sender);
	}
	return e == ERR_OK ? load(p, d) : e;
}

/* What the partner says that it has. */
static enum err
heed(struct party *p, const struct exchange_heard *h, struct diag *d)
{
	struct exchange_state *s = &p->state;
	uint64_t now = clock_mono_us();

	if (h->known && h->epoch > s->epoch &&
	    h->epoch > clock_wall_us() + EXCHANGE_AHEAD_US) {
		return diag_set(d, ERR_FORMAT,
				"its point is of an epoch more than a year "
				"ahead: not heeded");
	}
	if (h->known && (h->epoch > s->epoch ||
			 (h->epoch == s->epoch && h->seq > s->seq))) {
		return begin_epoch(p, h->epoch,
				   "it has what this store never made", d);
	}
	if (h->known && h->epoch == s->epoch && h->seq >= s->acked) {
		p->behind_us = 0;
		s->acked = h->seq;
		return ERR_OK;
	}
	if (s->acked == 0) {
		return ERR_OK;
	}
	if (p->behind_us == 0) {
		p->behind_us = now;
	}
	return now - p->behind_us < LOST_US
		       ? ERR_OK
		       : begin_epoch(p, 0, "it lost what it had", d);
}

static enum err
send_by_redis(struct party *p, unsigned *sent, struct diag *d)
{
	struct exchange_heard heard;
	enum err e = exchange_send(p->sender, p->fill.db, p->own, &p->state,
				   &heard, sent, d);
	struct diag why = { "" };
	enum err h;

	if (e != ERR_OK && !heard.known) {
		return e;
	}
	h = heed(p, &heard, &why);
	if (e == ERR_OK && h != ERR_OK) {
		*d = why;
	}
	return e != ERR_OK ? e : h;
}

static enum err
send_by_files(struct party *p, unsigned *sent, struct diag *d)
{
	struct exchange_heard heard;
	enum err e = exchange_files_turn(&p->files, p->fill.db, p->own,
					 &p->state, &heard, sent, d);

	/* A point that was carried here may be an old one: it takes nothing
	 * back. */
	if (e == ERR_OK && heard.known && heard.epoch == p->state.epoch &&
	    heard.seq <= p->state.seq) {
		p->state.acked = MAX(p->state.acked, heard.seq);
	}
	return e;
}

/* Whether it works is told when that changes, and kept for who asks. */
static void
tell(struct party *p, enum err e, const struct diag *d)
{
	struct exchange_state *s = &p->state;

	if (e == ERR_OK) {
		if (p->told) {
			log_info("exchange with %s: works again", p->is->name);
		}
		p->told = false;
		s->down_us = 0;
		return;
	}
	if (!p->told) {
		log_warn("exchange with %s: %s; what is for it waits",
			 p->is->name, d->msg);
	}
	p->told = true;
	s->down_us = s->down_us == 0 ? clock_wall_us() : s->down_us;
	snprintf(s->error, sizeof(s->error), "%.*s", (int)sizeof(s->error) - 1,
		 d->msg);
}

/* What sending came to, into the store, if it is another thing than before. */
static enum err
keep_note(struct party *p, const struct exchange_state *was, struct diag *d)
{
	struct exchange_state *s = &p->state;
	enum err e;

	if (!p->known ||
	    (was->epoch == s->epoch && was->sent == s->sent &&
	     was->acked == s->acked && was->down_us == s->down_us &&
	     strcmp(was->error, s->error) == 0)) {
		return ERR_OK;
	}
	if (s->acked != was->acked || s->epoch != was->epoch) {
		s->acked_us = clock_wall_us();
	}
	e = change(p, note, d);
	if (e == ERR_OK && s->acked != was->acked && s->epoch == was->epoch) {
		if (p->is->outbox != NULL) {
			exchange_files_remove(&p->files, s->epoch, was->acked,
					      s->acked);
		}
	}
	/* What was freed made room. */
	return e == ERR_OK ? load(p, d) : e;
}

/* Keys and policy as they were read again.  What cannot be had stays. */
static void
take_up(struct party *p, const struct exchange_conf *conf)
{
	const struct exchange_party *is =
		exchange_conf_party(conf, p->is->name);
	struct sign_key *own = NULL;
	struct diag d = { "" };

	assert(is != NULL); /* exchange_conf_reload() */
	if (exchange_conf_own(conf, &own, &d) == ERR_OK) {
		sign_key_free(p->own);
		p->own = own;
	} else {
		log_err("exchange with %s: %s; the former key stays", is->name,
			d.msg);
	}
	p->is = is;
	p->fill.conf = conf;
	p->fill.party = is;
	p->fill.to = exchange_conf_policy(conf, is);
	if (share_policy_digest(conf->policy, p->fill.policy) != ERR_OK) {
		p->fill.to = NULL;
	}
	p->files.conf = conf;
	p->files.party = is;
	if (p->sender != NULL) {
		exchange_sender_use(p->sender, conf, is);
	}
	if (p->fill.to == NULL) {
		log_info("exchange with %s: the policy lets it see nothing",
			 is->name);
	}
	atomic_store(&p->conf, conf);
}

/* One look at all; true: the next follows at once. */
static bool
turn(struct party *p)
{
	struct exchange_state was;
	struct diag d = { "" }, of_keeping = { "" };
	unsigned by_redis = 0, by_files = 0;
	bool more = false, failed;
	enum err e = p->known ? ERR_OK : load(p, &d);

	/* What waits was for a policy that let it see that. */
	if (p->fill.to == NULL) {
		return false;
	}
	was = p->state;
	if (e == ERR_OK) {
		e = exchange_fill(&p->fill, &p->state, &more, &d);
		/* Somebody else made a bundle: as the store has it. */
		p->known = e != ERR_AGAIN;
	}
	if (e == ERR_OK && p->sender != NULL) {
		e = send_by_redis(p, &by_redis, &d);
	}
	if ((e == ERR_OK || p->sender != NULL) && p->known &&
	    p->is->outbox != NULL) {
		struct diag why = { "" };
		enum err f = send_by_files(p, &by_files, &why);

		if (e == ERR_OK && f != ERR_OK) {
			e = f;
			d = why;
		}
	}
	failed = e != ERR_OK;
	tell(p, e, &d);
	if (keep_note(p, &was, &of_keeping) != ERR_OK) {
		log_warn("exchange with %s: %s", p->is->name, of_keeping.msg);
		p->known = false;
		failed = true;
	}
	return !failed && (more || by_redis > 0 || p->state.acked != was.acked);
}

/* False: to end. */
static bool
rest(struct exchange_out *x, uint64_t us)
{
	struct timespec until;
	bool stop;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(us / US_PER_S);
	until.tv_nsec += (long)(us % US_PER_S) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&x->lock);
	while (!atomic_load(&x->stop) && rc == 0) {
		rc = pthread_cond_timedwait(&x->wake, &x->lock, &until);
	}
	stop = atomic_load(&x->stop);
	pthread_mutex_unlock(&x->lock);
	return !stop;
}

static void *
run(void *arg)
{
	struct party *p = arg;
	uint64_t interval;
	bool more;

	do {
		const struct exchange_conf *conf = atomic_load(&p->all->conf);

		if (conf != atomic_load(&p->conf)) {
			take_up(p, conf);
		}
		interval = conf->interval_us;
		more = turn(p);
	} while (rest(p->all, more ? MIN(HURRY_US, interval) : interval));
	return NULL;
}

static void
close_party(struct party *p)
{
	exchange_sender_free(p->sender);
	store_reader_close(p->fill.store);
	sqlite3_close(p->fill.db);
	sign_key_free(p->own);
	memset(p, 0, sizeof(*p));
}

static enum err
open_party(struct party *p, const char *store, const struct mission_map *map,
	   struct diag *d)
{
	const struct exchange_conf *conf = atomic_load(&p->all->conf);
	struct exchange_fill *f = &p->fill;
	enum err e = store_reader_open(&f->store, store, d);

	f->conf = conf;
	f->party = p->is;
	f->to = exchange_conf_policy(conf, p->is);
	f->map = map;
	f->stop = &p->all->stop;
	p->files = (struct exchange_files){ .conf = conf, .party = p->is };
	if (e == ERR_OK &&
	    (sql_open(&f->db, store,
		      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		      BUSY_MS) != ERR_OK ||
	     sql_exec(f->db, "PRAGMA synchronous=FULL") != ERR_OK)) {
		e = diag_set(d, ERR_IO, "%s: %s", store, sqlite3_errmsg(f->db));
	}
	if (e == ERR_OK) {
		e = share_policy_digest(conf->policy, f->policy);
	}
	if (e == ERR_OK) {
		e = exchange_conf_own(conf, &p->own, d);
	}
	if (e == ERR_OK && p->is->url != NULL) {
		e = exchange_sender_new(&p->sender, conf, p->is, d);
	}
	return e;
}

static enum err
start_party(struct exchange_out *x, const struct exchange_party *is,
	    const char *store, const struct mission_map *map, struct diag *d)
{
	struct party *p = &x->parties[x->n];
	enum err e;
	int rc;

	memcpy(x->names[x->n], is->name, sizeof(is->name));
	p->all = x;
	atomic_init(&p->conf, atomic_load(&x->conf));
	p->is = is;
	e = open_party(p, store, map, d);
	if (e == ERR_OK) {
		rc = thread_start(&p->thread, THREAD_EXCHANGE, run, p);
		if (rc != 0) {
			e = diag_set(d, ERR_IO,
				     "a thread cannot be started: %s",
				     strerror(rc));
		}
	}
	if (e != ERR_OK) {
		close_party(p);
		return e;
	}
	x->n++;
	return ERR_OK;
}

static struct exchange_out *
make(const struct exchange_conf *conf)
{
	struct exchange_out *x = calloc(1, sizeof(*x));
	pthread_condattr_t attr;

	if (x != NULL) {
		atomic_init(&x->conf, conf);
		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		pthread_cond_init(&x->wake, &attr);
		pthread_condattr_destroy(&attr);
		pthread_mutex_init(&x->lock, NULL);
	}
	return x;
}

enum err
exchange_out_start(struct exchange_out **out, const char *store,
		   const struct exchange_conf *conf,
		   const struct mission_map *map, struct diag *d)
{
	struct exchange_out *x;
	enum err e = ERR_OK;

	*out = NULL;
	if (conf->n == 0) {
		return ERR_OK;
	}
	x = make(conf);
	if (x == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < conf->n && e == ERR_OK; i++) {
		const struct exchange_party *p = &conf->parties[i];

		if (p->url == NULL && p->outbox == NULL) {
			continue;
		}
		if (exchange_conf_policy(conf, p) == NULL) {
			log_info("exchange with %s: the policy lets it see "
				 "nothing",
				 p->name);
			continue;
		}
		e = start_party(x, p, store, map, d);
	}
	if (e != ERR_OK) {
		exchange_out_stop(x);
		return e;
	}
	*out = x;
	return ERR_OK;
}

void
exchange_out_use(struct exchange_out *x, const struct exchange_conf *conf)
{
	if (x == NULL) {
		return;
	}
	for (unsigned i = 0; i < conf->n; i++) {
		const struct exchange_party *p = &conf->parties[i];
		bool runs = false;

		for (unsigned k = 0; k < x->n; k++) {
			runs |= strcmp(x->names[k], p->name) == 0;
		}
		if (!runs && (p->url != NULL || p->outbox != NULL) &&
		    exchange_conf_policy(conf, p) != NULL) {
			log_warn(
				"exchange with %s: what the policy lets it see "
				"now goes from the next start on",
				p->name);
		}
	}
	atomic_store(&x->conf, conf);
}

bool
exchange_out_settled(const struct exchange_out *x)
{
	for (unsigned i = 0; x != NULL && i < x->n; i++) {
		if (atomic_load(&x->parties[i].conf) != atomic_load(&x->conf)) {
			return false;
		}
	}
	return true;
}

void
exchange_out_stop(struct exchange_out *x)
{
	if (x == NULL) {
		return;
	}
	pthread_mutex_lock(&x->lock);
	atomic_store(&x->stop, true);
	pthread_cond_broadcast(&x->wake);
	pthread_mutex_unlock(&x->lock);
	for (unsigned i = 0; i < x->n; i++) {
		pthread_join(x->parties[i].thread, NULL);
		close_party(&x->parties[i]);
	}
	pthread_cond_destroy(&x->wake);
	pthread_mutex_destroy(&x->lock);
	free(x);
}
