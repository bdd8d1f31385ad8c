/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_checkpoint.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store_sql.h"
#include "common/thread.h"

struct store_checkpoint {
	sqlite3 *writer;
	sqlite3 *db; /* the thread's */
	pthread_t thread;
	sem_t wake;
	pthread_mutex_t turn; /* the thread's, while it moves something */
	atomic_bool woken, ending;
	atomic_int moved; /* pages of the log that are at their place */
	atomic_uint_least64_t count;
	int pages; /* of the log at the last commit; the writer's */
};

static void *
run(void *arg)
{
	struct store_checkpoint *c = arg;

	for (;;) {
		int in_log = 0, moved = 0;

		while (sem_wait(&c->wake) != 0) {
		}
		if (atomic_load(&c->ending)) {
			return NULL;
		}
		atomic_store(&c->woken, false);
		pthread_mutex_lock(&c->turn);
		/* What fails here is tried again later, by the writer at last,
		 * who has somebody to tell. */
		if (sqlite3_wal_checkpoint_v2(c->db, NULL,
					      SQLITE_CHECKPOINT_PASSIVE,
					      &in_log, &moved) == SQLITE_OK) {
			atomic_store(&c->moved, moved);
			atomic_fetch_add(&c->count, 1);
		}
		pthread_mutex_unlock(&c->turn);
	}
}

/* After each commit of the writer, in its thread; 'pages' are in the log. */
static int
on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store_checkpoint *c = arg;

	if (pages < c->pages) { /* it began anew */
		atomic_store(&c->moved, 0);
	}
	c->pages = pages;
	if (pages >= STORE_CHECKPOINT_LOG) {
		/* A thread that does not keep up is waited for, or the log
		 * would grow as long as its turn lasts. */
		bool wait = pages >= 2 * STORE_CHECKPOINT_LOG;

		if (wait) {
			pthread_mutex_lock(&c->turn);
		}
		/* Little is left to move, unless somebody reads what is old:
		 * then this is tried again at each commit. */
		(void)sqlite3_wal_checkpoint_v2(
			db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		if (wait) {
			pthread_mutex_unlock(&c->turn);
		}
	} else if (pages - atomic_load(&c->moved) >= STORE_CHECKPOINT_PAGES &&
		   !atomic_exchange(&c->woken, true)) {
		sem_post(&c->wake);
	}
	return SQLITE_OK;
}

enum err
store_checkpoint_start(struct store_checkpoint **out, sqlite3 *writer,
		       const char *path, struct diag *d)
{
	struct store_checkpoint *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (c == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	c->writer = writer;
	/* It waits for nobody: what is locked is moved later. */
	if (sql_open(&c->db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     0) != ERR_OK ||
	    sql_exec(c->db, "PRAGMA synchronous=FULL") != ERR_OK) {
		enum err e = diag_set(d, ERR_IO, "%s: %s", path,
				      sqlite3_errmsg(c->db));

		sqlite3_close(c->db);
		free(c);
		return e;
	}
	sem_init(&c->wake, 0, 0);
	pthread_mutex_init(&c->turn, NULL);
	rc = thread_start(&c->thread, THREAD_CHECKPOINT, run, c);
	if (rc != 0) {
		pthread_mutex_destroy(&c->turn);
		sem_destroy(&c->wake);
		sqlite3_close(c->db);
		free(c);
		return diag_set(d, ERR_IO, "thread of the store's log: %s",
				strerror(rc));
	}
	sqlite3_wal_hook(writer, on_commit, c);
	*out = c;
	return ERR_OK;
}

void
store_checkpoint_stop(struct store_checkpoint *c)
{
	if (c == NULL) {
		return;
	}
	sqlite3_wal_autocheckpoint(c->writer, STORE_CHECKPOINT_LOG);
	atomic_store(&c->ending, true);
	sem_post(&c->wake);
	pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->turn);
	sem_destroy(&c->wake);
	sqlite3_close(c->db);
	free(c);
}

uint64_t
store_checkpoint_count(const struct store_checkpoint *c)
{
	return atomic_load(&c->count);
}
