/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_polls.h"

#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/indicator_inbox.h"
#include "collector/indicator_poll_store.h"
#include "common/log.h"
#include "common/thread.h"

/* The inbox may be full for so long. */
#define PATIENCE_S 30
#define TIMEOUT_S 30
/* A wait doubles with each failure up to so many times the interval... */
#define BACKOFF_DOUBLINGS 5
/* ... or so long, whichever is less. */
#define BACKOFF_MOST_S 3600

struct source {
	struct indicator_polls *all;
	const struct indicator_poll *is;
	struct taxii_state state;
	pthread_t thread;
	unsigned failures; /* one after the other */
};

struct indicator_polls {
	const char *store;
	char spool_dir[PATH_MAX];
	struct source sources[INDICATOR_POLLS_MAX];
	unsigned n; /* that were started */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop; /* changed under the lock */
	_Atomic uint64_t polls, failed, entries, failing;
};

/* What a poll brings goes to an inbox that is opened for the first of it. */
struct taking {
	struct source *s;
	struct indicator_inbox *inbox;
	struct indicator_sink to;
	struct diag *d;
	enum err err;
	bool kept; /* what was taken is durable */
};

static enum err
open_inbox(struct taking *t)
{
	struct indicator_inbox_config cfg = {
		.store = t->s->all->store,
		.origin = t->s->is->source,
		.who = "indicators.taxii",
		.patience_s = PATIENCE_S,
	};

	if (t->inbox == NULL && t->err == ERR_OK) {
		t->err = indicator_inbox_open(&t->inbox, &cfg, t->d);
		if (t->err == ERR_OK) {
			t->to = indicator_inbox_sink(t->inbox);
		}
	}
	return t->err;
}

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	struct taking *t = arg;
	struct indicator own = *i;
	enum err e;

	if (atomic_load(&t->s->all->stop)) {
		return diag_set(d, ERR_CLOSED, "the collector ends");
	}
	e = open_inbox(t);
	if (e != ERR_OK) {
		return diag_set(d, e, "%s", t->d->msg);
	}
	if (!own.marked && t->s->is->marks) {
		own.mark = t->s->is->mark;
		own.marked = true;
	}
	return t->to.take(t->to.arg, &own, d);
}

static void
doubted(void *arg, const struct indicator_refusal *r)
{
	struct taking *t = arg;

	if (open_inbox(t) == ERR_OK) {
		t->to.doubted(t->to.arg, r);
	}
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	struct taking *t = arg;

	if (open_inbox(t) == ERR_OK) {
		t->to.refused(t->to.arg, r);
	}
}

/* Told when it begins and when it ends. */
static void
tell(struct source *s, enum err e, const struct diag *d)
{
	struct indicator_polls *p = s->all;

	atomic_fetch_add(&p->polls, 1);
	if (e == ERR_OK) {
		if (s->failures > 0) {
			atomic_fetch_sub(&p->failing, 1);
			log_info("indicators: %s: polled again after %u "
				 "failures",
				 s->is->source, s->failures);
		}
		s->failures = 0;
		return;
	}
	atomic_fetch_add(&p->failed, 1);
	if (s->failures++ == 0) {
		atomic_fetch_add(&p->failing, 1);
		log_warn("indicators: %s: %s", s->is->source, d->msg);
	}
}

/* Hands the account in; the error of the poll is part of it.  Until that is
 * durable, the collection counts as read no further than before. */
static enum err
close_inbox(struct taking *t, const struct indicator_report *r, enum err e,
	    struct diag *d)
{
	struct diag why = { "" };
	int64_t import;
	enum err of_closing;

	if (t->inbox == NULL) {
		return e;
	}
	of_closing = indicator_inbox_close(
		t->inbox, r, e != ERR_OK ? d->msg : NULL, &import, &why);
	if (of_closing != ERR_OK) {
		t->kept = false;
		*d = why;
		return of_closing;
	}
	return e;
}

/* One poll.  True: there is more to be had at once. */
static bool
poll_once(struct source *s)
{
	struct indicator_polls *p = s->all;
	const struct taxii_options o = {
		.url = s->is->url,
		.collection = s->is->collection,
		.login = s->is->login,
		.spool_dir = p->spool_dir,
		.timeout_s = TIMEOUT_S,
		.stop = &p->stop,
	};
	struct diag d = { "" }, of_inbox = { "" }, of_saving = { "" };
	struct taking t = { .s = s, .d = &of_inbox, .kept = true };
	struct indicator_sink sink = {
		.arg = &t, .take = take, .refused = refused, .doubted = doubted
	};
	struct indicator_report r = { .total = 0 };
	struct taxii_state next = s->state;
	bool more;
	enum err e = taxii_poll(&o, &next, &sink, &r, &d);

	e = close_inbox(&t, &r, e, &d);
	if (atomic_load(&p->stop) && e != ERR_OK) {
		return false; /* not the server's fault; it is asked again */
	}
	if (!t.kept) {
		memcpy(next.added_after, s->state.added_after,
		       sizeof(next.added_after));
	}
	more = e == ERR_LIMIT &&
	       strcmp(next.added_after, s->state.added_after) != 0;
	e = more ? ERR_OK : e;
	if (indicator_poll_save(p->store, s->is, next.added_after, r.total,
				e != ERR_OK ? d.msg : NULL,
				&of_saving) == ERR_OK) {
		s->state = next;
	} else if (e == ERR_OK) {
		d = of_saving;
		e = ERR_IO;
	}
	atomic_fetch_add(&p->entries, r.total);
	tell(s, e, &d);
	return more && e == ERR_OK;
}

static uint64_t
wait_s(const struct source *s, bool more)
{
	uint64_t wait = s->is->interval_s;
	unsigned n = MIN(s->failures, (unsigned)BACKOFF_DOUBLINGS + 1);

	if (more) {
		return INDICATOR_POLLS_LEAST_S;
	}
	if (n > 1) {
		wait = MAX(wait,
			   MIN(wait << (n - 1), (uint64_t)BACKOFF_MOST_S));
	}
	return n == 0 ? wait
		      : MIN(MAX(wait, s->state.retry_after_s),
			    (uint64_t)INDICATOR_POLLS_MOST_S);
}

/* False: to end. */
static bool
rest(struct indicator_polls *p, uint64_t seconds)
{
	struct timespec until;
	bool stop;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)seconds;
	pthread_mutex_lock(&p->lock);
	while (!atomic_load(&p->stop) && rc == 0) {
		rc = pthread_cond_timedwait(&p->wake, &p->lock, &until);
	}
	stop = atomic_load(&p->stop);
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static void *
run(void *arg)
{
	struct source *s = arg;
	struct diag d = { "" };
	bool more;

	/* From the beginning when that cannot be read: what comes twice is no
	 * harm. */
	if (indicator_poll_load(s->all->store, s->is, s->state.added_after,
				&d) != ERR_OK) {
		log_warn("indicators: %s: %s", s->is->source, d.msg);
	}
	do {
		more = poll_once(s);
	} while (rest(s->all, wait_s(s, more)));
	return NULL;
}

static void
init(struct indicator_polls *p, const char *store)
{
	char path[PATH_MAX];
	pthread_condattr_t attr;

	p->store = store;
	snprintf(path, sizeof(path), "%s", store);
	snprintf(p->spool_dir, sizeof(p->spool_dir), "%s", dirname(path));
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&p->lock, NULL);
}

enum err
indicator_polls_start(struct indicator_polls **out, const char *store,
		      const struct indicator_poll_set *set, struct diag *d)
{
	struct indicator_polls *p;

	*out = NULL;
	if (set->n == 0) {
		return ERR_OK;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	init(p, store);
	while (p->n < set->n) {
		struct source *s = &p->sources[p->n];
		int rc;

		s->all = p;
		s->is = &set->all[p->n];
		rc = thread_start(&s->thread, THREAD_POLLS, run, s);
		if (rc != 0) {
			indicator_polls_stop(p);
			return diag_set(d, ERR_IO,
					"a thread cannot be started: %s",
					strerror(rc));
		}
		p->n++;
	}
	*out = p;
	return ERR_OK;
}

void
indicator_polls_stop(struct indicator_polls *p)
{
	if (p == NULL) {
		return;
	}
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stop, true);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++) {
		pthread_join(p->sources[i].thread, NULL);
	}
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void
indicator_polls_stats(const struct indicator_polls *p,
		      struct indicator_poll_stats *out)
{
	*out = (struct indicator_poll_stats){ 0 };
	if (p != NULL) {
		out->polls = atomic_load(&p->polls);
		out->failed = atomic_load(&p->failed);
		out->entries = atomic_load(&p->entries);
		out->failing = atomic_load(&p->failing);
	}
}
