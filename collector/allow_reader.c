/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/allow_reader.h"

#include <stdlib.h>

#include "common/thread.h"

struct allow_reader {
	const char *const *paths;
	unsigned n;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool ending;
	/* under the lock */
	bool asked, done;
	struct allow_lists *lists; /* of 'done' */
	struct diag why;
	struct allow_lists *dropped;
};

enum err
allow_reader_read(const char *const *paths, unsigned n,
		  const atomic_bool *ending, struct allow_lists **out,
		  struct diag *d)
{
	struct allow_lists *lists = allow_lists_new();
	enum err e = lists != NULL ? ERR_OK
				   : diag_set(d, ERR_NOMEM, "out of memory");

	*out = NULL;
	if (e == ERR_OK) {
		allow_lists_until(lists, ending);
	}
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = allow_lists_add(lists, paths[i], d);
	}
	if (e != ERR_OK) {
		allow_lists_free(lists);
		return e;
	}
	allow_lists_ready(lists);
	*out = lists;
	return ERR_OK;
}

/* With the lock, which it gives back meanwhile.  Room is made before it is
 * needed. */
static void
serve(struct allow_reader *r)
{
	struct allow_lists *old = r->dropped, *stale = r->lists, *lists = NULL;
	bool read = r->asked;
	struct diag why = { "" };
	enum err e = ERR_OK;

	r->dropped = NULL;
	if (read) {
		r->asked = r->done = false;
		r->lists = NULL;
	} else {
		stale = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	allow_lists_free(old);
	allow_lists_free(stale);
	if (read) {
		e = allow_reader_read(r->paths, r->n, &r->ending, &lists, &why);
	}
	pthread_mutex_lock(&r->lock);
	if (read) {
		r->lists = e == ERR_OK ? lists : NULL;
		r->why = why;
		/* Asked again meanwhile: what was read may be what was before. */
		r->done = !r->asked;
	}
}

static void *
run(void *arg)
{
	struct allow_reader *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!atomic_load(&r->ending)) {
		if (r->asked || r->dropped != NULL) {
			serve(r);
		} else {
			pthread_cond_wait(&r->wake, &r->lock);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void
end(struct allow_reader *r)
{
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	allow_lists_free(r->lists);
	allow_lists_free(r->dropped);
	free(r);
}

enum err
allow_reader_start(struct allow_reader **out, const char *const *paths,
		   unsigned n, struct diag *d)
{
	struct allow_reader *r = calloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	if (r == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	r->paths = paths;
	r->n = n;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	rc = thread_start(&r->thread, THREAD_ALLOW, run, r);
	if (rc != 0) {
		end(r);
		return diag_set(d, ERR_IO,
				"thread that reads the allow lists: %s",
				strerror(rc));
	}
	*out = r;
	return ERR_OK;
}

void
allow_reader_stop(struct allow_reader *r)
{
	if (r == NULL) {
		return;
	}
	pthread_mutex_lock(&r->lock);
	atomic_store(&r->ending, true);
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	end(r);
}

void
allow_reader_ask(struct allow_reader *r)
{
	pthread_mutex_lock(&r->lock);
	r->asked = true;
	r->done = false;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

bool
allow_reader_take(struct allow_reader *r, struct allow_lists **out,
		  struct diag *d)
{
	bool done;

	*out = NULL;
	pthread_mutex_lock(&r->lock);
	done = r->done;
	if (done) {
		*out = r->lists;
		*d = r->why;
		r->lists = NULL;
		r->done = false;
	}
	pthread_mutex_unlock(&r->lock);
	return done;
}

void
allow_reader_drop(struct allow_reader *r, struct allow_lists *lists)
{
	struct allow_lists *more;

	pthread_mutex_lock(&r->lock);
	more = r->dropped;
	r->dropped = lists;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	/* It has not come to those before: not likely, and no reason to wait. */
	allow_lists_free(more);
}
