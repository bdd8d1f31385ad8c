/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "collector/indicator_inbox.h"
#include "common/log.h"
#include "common/thread.h"

/* The inbox may be full for so long while we are to end. */
#define PATIENCE_S 10

struct file {
	const char *path;
	bool looked; /* at least once */
	bool there;
	struct timespec changed;
	off_t size;
	ino_t inode;
};

struct indicator_files {
	const char *store;
	struct file files[INDICATOR_FILES_MAX];
	unsigned n;
	volatile sig_atomic_t *reread;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop; /* under the lock */
};

struct taking {
	struct indicator_files *f;
	struct indicator_sink to;
};

static bool
stopping(struct indicator_files *f)
{
	bool stop;

	pthread_mutex_lock(&f->lock);
	stop = f->stop;
	pthread_mutex_unlock(&f->lock);
	return stop;
}

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	struct taking *t = arg;

	return stopping(t->f) ? diag_set(d, ERR_CLOSED, "the collector ends")
			      : t->to.take(t->to.arg, i, d);
}

static void
doubted(void *arg, const struct indicator_refusal *r)
{
	struct taking *t = arg;

	t->to.doubted(t->to.arg, r);
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	struct taking *t = arg;

	t->to.refused(t->to.arg, r);
}

/* False: the store did not take it, which says nothing of the file. */
static bool
read_file(struct indicator_files *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct indicator_inbox_config cfg = {
		.store = f->store,
		.origin = slash != NULL ? slash + 1 : path,
		.who = "indicators.files",
		.snapshot = true,
		.patience_s = PATIENCE_S,
	};
	struct indicator_report r = { .total = 0 };
	struct indicator_inbox *b = NULL;
	struct taking t = { .f = f };
	struct indicator_sink sink = {
		.arg = &t, .take = take, .refused = refused, .doubted = doubted
	};
	struct diag why = { "" }, d = { "" };
	int64_t import;
	enum err read, e = indicator_inbox_open(&b, &cfg, &d);
	bool full = false;

	if (e == ERR_OK) {
		t.to = indicator_inbox_sink(b);
		read = indicator_read_path(path, &sink, &r, &why);
		full = read == ERR_AGAIN;
		if (read != ERR_OK && read != ERR_CLOSED) {
			log_warn("indicators: %s", why.msg);
		}
		e = indicator_inbox_close(
			b, &r, read != ERR_OK ? why.msg : NULL, &import, &d);
	}
	if (e != ERR_OK) {
		log_warn("indicators: %s: %s", path, d.msg);
	}
	return e == ERR_OK && !full;
}

/* Whether the file is another than at the last look. */
static bool
changed(struct file *f)
{
	struct stat st;
	bool was = f->there, first = !f->looked;

	f->looked = true;
	f->there = stat(f->path, &st) == 0;
	if (!f->there) {
		if (was || first) {
			log_warn("indicators: %s is not there; what it gave "
				 "stays",
				 f->path);
		}
		return false;
	}
	if (was && f->size == st.st_size && f->inode == st.st_ino &&
	    f->changed.tv_sec == st.st_mtim.tv_sec &&
	    f->changed.tv_nsec == st.st_mtim.tv_nsec) {
		return false;
	}
	f->size = st.st_size;
	f->inode = st.st_ino;
	f->changed = st.st_mtim;
	return true;
}

/* False: to end. */
static bool
wait_a_while(struct indicator_files *f)
{
	bool stop = false;

	for (int s = 0; s < INDICATOR_FILES_EVERY_S && !stop; s++) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&f->lock);
		if (!f->stop) {
			pthread_cond_timedwait(&f->wake, &f->lock, &until);
		}
		stop = f->stop;
		pthread_mutex_unlock(&f->lock);
		if (f->reread != NULL && *f->reread) {
			break;
		}
	}
	return !stop;
}

static void *
run(void *arg)
{
	struct indicator_files *f = arg;

	do {
		bool all = f->reread != NULL && *f->reread;

		if (all) {
			*f->reread = 0;
		}
		for (unsigned i = 0; i < f->n && !stopping(f); i++) {
			if (changed(&f->files[i]) ||
			    (all && f->files[i].there)) {
				/* What was not taken comes at the next look. */
				f->files[i].there =
					read_file(f, f->files[i].path);
			}
		}
	} while (wait_a_while(f));
	return NULL;
}

enum err
indicator_files_start(struct indicator_files **out, const char *store,
		      const char *const *files, unsigned n,
		      volatile sig_atomic_t *reread, struct diag *d)
{
	struct indicator_files *f = calloc(1, sizeof(*f));
	int rc;

	*out = NULL;
	if (f == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	f->store = store;
	f->reread = reread;
	for (f->n = 0; f->n < MIN(n, (unsigned)INDICATOR_FILES_MAX); f->n++) {
		f->files[f->n].path = files[f->n];
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	rc = thread_start(&f->thread, THREAD_LISTS, run, f);
	if (rc != 0) {
		pthread_cond_destroy(&f->wake);
		pthread_mutex_destroy(&f->lock);
		free(f);
		return diag_set(d, ERR_IO, "a thread cannot be started: %s",
				strerror(rc));
	}
	*out = f;
	return ERR_OK;
}

void
indicator_files_stop(struct indicator_files *f)
{
	if (f == NULL) {
		return;
	}
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
