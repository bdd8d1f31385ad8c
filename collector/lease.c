/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "collector/lease_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

/* The connections of this process are held back by this one. */
static struct lease *fencing;

/* ------------------------------------------------------------ the number */

bool
lease_number(struct lease *l, uint64_t *number)
{
	bool ok;

	pthread_mutex_lock(&l->lock);
	ok = l->look != NULL && sqlite3_step(l->look) == SQLITE_ROW;
	if (ok) {
		*number = sql_u64(l->look, 0);
	}
	sqlite3_reset(l->look);
	pthread_mutex_unlock(&l->lock);
	return ok;
}

/* Looks at the store; what cannot be read is not ours for now. */
static bool
verify(struct lease *l)
{
	uint64_t now = 0;

	if (!lease_number(l, &now)) {
		return false;
	}
	if (now != l->number && !atomic_exchange(&l->lost, true)) {
		log_err("another collector took this store over (lease %" PRIu64
			", ours was %" PRIu64 "): nothing more is written, "
			"told or acknowledged",
			now, l->number);
	}
	return now == l->number;
}

bool
lease_held(void *arg)
{
	struct lease *l = arg;

	if (!atomic_load(&l->holds) || atomic_load(&l->lost)) {
		return false;
	}
	/* Nobody takes over before the last sign of life is that old. */
	return clock_mono_us() - atomic_load(&l->beat_us) < l->cfg.stale_us ||
	       verify(l);
}

/* A commit of any connection to the store; not 0 makes it a rollback. */
static int
on_commit(void *arg)
{
	struct lease *l = arg;

	return atomic_load(&l->lost) || !verify(l);
}

/* A connection was opened. */
static int
on_open(sqlite3 *db, char **why, const void *api)
{
	const char *name = sqlite3_db_filename(db, "main");

	(void)why;
	(void)api;
	if (fencing != NULL && name != NULL &&
	    strcmp(name, sqlite3_db_filename(fencing->db, "main")) == 0) {
		sqlite3_commit_hook(db, on_commit, fencing);
	}
	return SQLITE_OK;
}

void
lease_fence(struct lease *l)
{
	fencing = l;
	if (l != NULL) {
		sqlite3_auto_extension((void (*)(void))on_open);
	} else {
		sqlite3_cancel_auto_extension((void (*)(void))on_open);
	}
}

/* ------------------------------------------------------- signs of life */

/* Winds up what ends us, or stops it. */
static void
wind(struct lease *l, bool up)
{
	/* Before another would take over: it finds us dead. */
	uint64_t us = up ? l->cfg.stale_us / 6 * 5 : 0;
	struct itimerspec t = {
		.it_value = { .tv_sec = (time_t)(us / US_PER_S),
			      .tv_nsec = (long)(us % US_PER_S * 1000) },
	};

	if (l->timed) {
		l->guarded = timer_settime(l->timer, 0, &t, NULL) == 0 && up;
	}
}

static bool
hangs(const struct lease *l, uint64_t now)
{
	uint64_t turned = atomic_load(&l->turned_us);

	return turned != 0 && now > turned && now - turned > LEASE_PATIENCE_US;
}

void
lease_say(struct lease *l, uint64_t beat_us)
{
	struct lease_record r = {
		.role = !atomic_load(&l->holds)    ? LEASE_STANDBY
			: atomic_load(&l->serving) ? LEASE_SERVING
						   : LEASE_OPENING,
		.pid = (uint64_t)getpid(),
		.number = l->number,
		.beat_us = beat_us,
		.since_us = atomic_load(&l->since_us),
		.guarded = l->guarded,
	};

	memcpy(r.name, l->cfg.name, sizeof(r.name));
	if (lease_file_put(l->file, &r) != ERR_OK && !l->mute) {
		l->mute = true;
		log_err("%s: %s: a collector that stands by would take over",
			lease_file_path(l->file), strerror(errno));
	}
}

/*
 * One sign of life, unless there is none to give: what was stopped and goes on
 * looks first whose the store is, and a pipeline that hangs is not covered for.
 */
static void
beat(struct lease *l)
{
	uint64_t now = clock_mono_us();
	bool company = lease_file_company(l->file);

	if (atomic_load(&l->lost) || hangs(l, now)) {
		if (!l->hung && !atomic_load(&l->lost)) {
			l->hung = true;
			log_err("the pipeline hangs: no signs of life any "
				"more, so that another may take over");
		}
		return;
	}
	l->hung = false;
	if (now - atomic_load(&l->beat_us) > l->cfg.stale_us / 2 &&
	    !verify(l)) {
		return;
	}
	wind(l, company && l->cfg.kill);
	atomic_store(&l->beat_us, now);
	lease_say(l, now);
}

static void *
run(void *arg)
{
	struct lease *l = arg;

	while (!atomic_load(&l->ending)) {
		struct timespec until;

		beat(l);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LEASE_BEAT_US * 1000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)sem_clockwait(&l->wake, CLOCK_MONOTONIC, &until);
	}
	if (l->timed) {
		timer_delete(l->timer);
	}
	return NULL;
}

enum err
lease_begin(struct lease *l, struct diag *d)
{
	struct sigevent end = { .sigev_notify = SIGEV_SIGNAL,
				.sigev_signo = SIGKILL };
	int rc;

	l->timed = l->cfg.kill &&
		   timer_create(CLOCK_MONOTONIC, &end, &l->timer) == 0;
	if (l->cfg.kill && !l->timed) {
		log_warn("lease.kill: no timer is to be had: %s",
			 strerror(errno));
	}
	rc = thread_start(&l->thread, THREAD_LEASE, run, l);
	if (rc != 0) {
		if (l->timed) {
			timer_delete(l->timer);
		}
		return diag_set(d, ERR_IO, "thread of the lease: %s",
				strerror(rc));
	}
	l->running = true;
	return ERR_OK;
}

/* ------------------------------------------------------- begin and end */

enum err
lease_configure(struct lease_config *out, const struct conf *conf,
		struct diag *d)
{
	const char *name = conf_str(conf, "lease.name", "collector");

	out->stale_us = conf_u64(conf, "lease.stale", 3, 1, 3600) * US_PER_S;
	out->kill = conf_bool(conf, "lease.kill", true);
	if (strspn(name, LEASE_NAME_BYTES) != strlen(name) || *name == '\0' ||
	    strlen(name) >= sizeof(out->name)) {
		return diag_set(d, ERR_USAGE,
				"lease.name: give 1 to %zu letters, digits and "
				"-_.:@/",
				sizeof(out->name) - 1);
	}
	memcpy(out->name, name, strlen(name) + 1);
	return ERR_OK;
}

enum err
lease_new(struct lease **out, const struct lease_config *cfg, struct diag *d)
{
	struct lease *l = calloc(1, sizeof(*l));
	unsigned slot;
	enum err e;

	*out = NULL;
	if (l == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	l->cfg = *cfg;
	pthread_mutex_init(&l->lock, NULL);
	sem_init(&l->wake, 0, 0);
	atomic_store(&l->since_us, clock_wall_us());
	e = lease_file_open(&l->file, cfg->store, true, d);
	if (e == ERR_OK) {
		e = lease_file_enter(l->file, &slot, d);
	}
	if (e != ERR_OK) {
		lease_free(l);
		return e;
	}
	lease_say(l, clock_mono_us());
	*out = l;
	return ERR_OK;
}

void
lease_free(struct lease *l)
{
	if (l == NULL) {
		return;
	}
	if (l->running) {
		atomic_store(&l->ending, true);
		sem_post(&l->wake);
		pthread_join(l->thread, NULL);
	}
	if (fencing == l) {
		lease_fence(NULL);
	}
	lease_give_up(l);
	lease_file_close(l->file);
	pthread_mutex_destroy(&l->lock);
	sem_destroy(&l->wake);
	free(l);
}

void
lease_serving(struct lease *l)
{
	atomic_store(&l->serving, true);
	lease_turn(l);
}

void
lease_turn(struct lease *l)
{
	atomic_store(&l->turned_us, clock_mono_us());
}

void
lease_status(struct lease *l, struct lease_status *out)
{
	struct lease_record others[LEASE_FILE_SLOTS];

	out->held = atomic_load(&l->holds) && !atomic_load(&l->lost);
	out->number = l->number;
	out->takeovers = l->takeovers;
	out->others = lease_file_read(l->file, false, others);
}
