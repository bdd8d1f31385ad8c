/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "collector/output_cursor.h"
#include "collector/output_send.h"
#include "common/log.h"
#include "common/thread.h"

/* A wait doubles with each failure, from so long ... */
#define RETRY_MS 500
/* ... to so long. */
#define RETRY_MOST_MS 60000

struct output {
	struct outputs *all;
	const struct output_conf *is;
	pthread_t thread;
	struct output_reader *reader;
	struct output_http *http;
	struct output_sock *sock;
	struct output_cursor cursor;
	struct output_batch batch;
	bool ready; /* the cursor was read */
	bool old; /* what is gone was before its time, not lost */
	unsigned failures; /* one after the other */
};

struct outputs {
	const char *store;
	struct output *all;
	unsigned n; /* that were started */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stop; /* changed under the lock */
	_Atomic uint64_t told, refused, lost, failures, failing;
};

static enum err
save(struct output *o, struct diag *d)
{
	return output_cursor_save(&o->cursor, o->all->store, o->is->name, d);
}

/* Where it is to go on. */
static enum err
find_start(struct output *o, struct diag *d)
{
	struct output_position end = { 0, 0 };
	enum err e = output_read_end(o->reader, &end);

	if (e != ERR_OK) {
		return diag_set(d, e, "%s: cannot be read", o->all->store);
	}
	e = output_cursor_load(&o->cursor, o->all->store, o->is->name, d);
	if (e == ERR_NOTFOUND) {
		o->old = o->is->from_start;
		if (!o->is->from_start) {
			o->cursor.at = end;
		}
		return save(o, d);
	}
	/* Numbers only grow, unless retention took all of them. */
	if (e == ERR_OK && end.alert != 0 && o->cursor.at.alert > end.alert) {
		log_warn("output %s: the store is another one, or an older "
			 "one: told anew from its beginning",
			 o->is->name);
		o->cursor.at = (struct output_position){ 0, 0 };
		o->old = true;
		return save(o, d);
	}
	return e;
}

static enum err
prepare(struct output *o, struct diag *d)
{
	enum err e = ERR_OK;

	if (o->reader == NULL) {
		e = output_reader_open(&o->reader, o->all->store, o->is, d);
	}
	if (e == ERR_OK && !o->ready) {
		e = find_start(o, d);
		o->ready = e == ERR_OK;
	}
	if (e == ERR_OK && o->is->way == OUTPUT_SOCKET && o->sock == NULL) {
		e = output_sock_new(&o->sock, o->is, &o->all->stop, d);
	} else if (e == ERR_OK && o->is->way != OUTPUT_SOCKET &&
		   o->http == NULL) {
		e = output_http_new(&o->http, o->is, &o->all->stop, d);
		if (e != ERR_OK) {
			output_http_free(o->http);
			o->http = NULL;
		}
	}
	return e;
}

static void
count_lost(struct output *o)
{
	if (o->batch.lost > 0 && !o->old) {
		o->cursor.lost += o->batch.lost;
		atomic_fetch_add(&o->all->lost, o->batch.lost);
		log_warn("output %s: %" PRIu64 " events left the store before "
			 "they were told",
			 o->is->name, o->batch.lost);
	}
	o->old = false;
}

/* One batch.  '*more': there is more at once. */
static enum err
turn(struct output *o, bool *more, struct diag *d)
{
	struct output_batch *b = &o->batch;
	struct output_told told = { 0 };
	struct diag why = { "" };
	enum err e = prepare(o, d), of_saving;

	if (e == ERR_OK) {
		e = output_read(o->reader, &o->cursor.at, b, d);
	}
	if (e != ERR_OK || !b->more) {
		return e;
	}
	if (b->n > 0) {
		e = o->sock != NULL ? output_sock_send(o->sock, b, &told, d)
				    : output_http_send(o->http, b, &told, d);
	}
	if (e != ERR_OK && told.n == 0) {
		return e;
	}
	count_lost(o);
	o->cursor.at = e == ERR_OK ? b->end : b->items[told.n - 1].then;
	o->cursor.told += told.n - told.refused;
	o->cursor.refused += told.refused;
	atomic_fetch_add(&o->all->told, told.n - told.refused);
	atomic_fetch_add(&o->all->refused, told.refused);
	of_saving = save(o, &why);
	if (e == ERR_OK && of_saving != ERR_OK) {
		*d = why;
		e = of_saving;
	}
	*more = e == ERR_OK;
	return e;
}

/* Told when it begins and when it ends. */
static void
tell(struct output *o, enum err e, const struct diag *d)
{
	if (e == ERR_OK) {
		if (o->failures > 0) {
			atomic_fetch_sub(&o->all->failing, 1);
			log_info("output %s: goes on after %u failures",
				 o->is->name, o->failures);
		}
		o->failures = 0;
		return;
	}
	atomic_fetch_add(&o->all->failures, 1);
	if (o->failures++ == 0) {
		atomic_fetch_add(&o->all->failing, 1);
		log_warn("output %s: %s", o->is->name, d->msg);
	}
}

/* False: to end. */
static bool
rest(struct outputs *all, uint64_t ms)
{
	struct timespec until;
	bool stop;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&all->lock);
	while (ms > 0 && !atomic_load(&all->stop) && rc == 0) {
		rc = pthread_cond_timedwait(&all->wake, &all->lock, &until);
	}
	stop = atomic_load(&all->stop);
	pthread_mutex_unlock(&all->lock);
	return !stop;
}

static void *
run(void *arg)
{
	struct output *o = arg;
	uint64_t wait;

	do {
		struct diag d = { "" };
		bool more = false;
		enum err e = turn(o, &more, &d);

		if (atomic_load(&o->all->stop)) {
			break; /* not the other end's fault */
		}
		tell(o, e, &d);
		wait = e == ERR_OK ? (more ? 0 : OUTPUT_LOOK_MS)
				   : MIN((uint64_t)RETRY_MS
						 << MIN(o->failures - 1, 10U),
					 (uint64_t)RETRY_MOST_MS);
	} while (rest(o->all, wait));
	output_reader_close(o->reader);
	output_http_free(o->http);
	output_sock_free(o->sock);
	return NULL;
}

enum err
outputs_start(struct outputs **out, const char *store,
	      const struct output_conf_set *set, struct diag *d)
{
	struct outputs *p;
	pthread_condattr_t attr;

	*out = NULL;
	if (set->n == 0) {
		return ERR_OK;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL || (p->all = calloc(set->n, sizeof(*p->all))) == NULL) {
		free(p);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	p->store = store;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&p->lock, NULL);
	while (p->n < set->n) {
		struct output *o = &p->all[p->n];
		int rc;

		o->all = p;
		o->is = &set->all[p->n];
		rc = thread_start(&o->thread, THREAD_OUTPUT, run, o);
		if (rc != 0) {
			outputs_stop(p);
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
outputs_stop(struct outputs *p)
{
	if (p == NULL) {
		return;
	}
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stop, true);
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n; i++) {
		pthread_join(p->all[i].thread, NULL);
	}
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->all);
	free(p);
}

void
outputs_stats(const struct outputs *p, struct output_stats *out)
{
	*out = (struct output_stats){ 0 };
	if (p != NULL) {
		out->told = atomic_load(&p->told);
		out->refused = atomic_load(&p->refused);
		out->lost = atomic_load(&p->lost);
		out->failures = atomic_load(&p->failures);
		out->failing = atomic_load(&p->failing);
	}
}
