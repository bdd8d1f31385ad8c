/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the lease, taking it, and giving it up. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "collector/lease_state.h"
#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"

#define TURN_US UINT64_C(100000)
#define LOOKS_A_TURN 5
/* picketctl and the like write for a moment. */
#define BUSY_MS 200

/* How much of the time since our last look says nothing about the others: what
 * kept us from looking (a machine that was suspended, or has too much to do) may
 * have kept them from a sign of life. */
static uint64_t
away_us(struct lease *l, uint64_t now)
{
	uint64_t since = l->looked_us != 0 ? now - l->looked_us : 0;

	l->looked_us = now;
	return since > LEASE_BEAT_US ? since - LEASE_BEAT_US : 0;
}

/* The others, and since when their signs of life stay the same. */
static unsigned
watch(struct lease *l, struct lease_record now[LEASE_FILE_SLOTS])
{
	unsigned n = lease_file_read(l->file, false, now);
	uint64_t at = clock_mono_us(), away = away_us(l, at);

	for (unsigned i = 0; i < n; i++) {
		struct lease_other *o = &l->others[now[i].slot];

		if (o->changed_us == 0 || o->last.beat_us != now[i].beat_us ||
		    o->last.pid != now[i].pid || o->last.role != now[i].role) {
			o->last = now[i];
			o->changed_us = at;
		} else {
			o->changed_us += MIN(away, at - o->changed_us);
		}
	}
	return n;
}

/* Whether somebody lives who has it: 'hung', and gave no sign of life for long.
 * 'with' is the one of the greatest number. */
static bool
is_taken(struct lease *l, struct lease_record *with, bool *hung)
{
	struct lease_record now[LEASE_FILE_SLOTS];
	unsigned n = watch(l, now);
	bool taken = false;

	for (unsigned i = 0; i < n; i++) {
		if (now[i].role != LEASE_STANDBY &&
		    (!taken || now[i].number >= with->number)) {
			taken = true;
			*with = now[i];
		}
	}
	*hung = taken && clock_mono_us() - l->others[with->slot].changed_us >
				 l->cfg.stale_us;
	return taken;
}

/* The store, made or brought up to date; on it the number is looked at. */
static enum err
open_store(struct lease *l, struct diag *d)
{
	const char *path = l->cfg.store;
	enum err e;

	if (sql_open(&l->db, path,
		     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			     SQLITE_OPEN_NOMUTEX,
		     BUSY_MS) != ERR_OK) {
		return diag_set(d, ERR_IO,
				"%s: %s: name a file in a writable directory "
				"with --store",
				path, sqlite3_errmsg(l->db));
	}
	e = store_schema_migrate(l->db, path, d);
	if (e == ERR_OK &&
	    (sql_exec(l->db, "PRAGMA journal_mode=WAL;"
			     "PRAGMA synchronous=FULL") != ERR_OK ||
	     sqlite3_prepare_v2(l->db, "SELECT number FROM lease", -1, &l->look,
				NULL) != SQLITE_OK)) {
		e = diag_set(d, ERR_IO, "%s: %s", path, sqlite3_errmsg(l->db));
	}
	return e;
}

static void
close_store(struct lease *l)
{
	sqlite3_finalize(l->look);
	sqlite3_close(l->db);
	l->look = NULL;
	l->db = NULL;
}

/* Within a transaction: the next number is ours. */
static enum err
raise_number(struct lease *l, uint64_t now)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(l->db,
			       "INSERT INTO lease VALUES(1,1,?1,?2,?3,0,0)"
			       " ON CONFLICT(id) DO UPDATE SET"
			       " takeovers=takeovers+(released_us=0),"
			       " number=number+1,name=?1,pid=?2,since_us=?3,"
			       "released_us=0 RETURNING number,takeovers",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "tiu", l->cfg.name, (int64_t)getpid(), now) ==
		    SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		l->number = sql_u64(st, 0);
		l->takeovers = sql_u64(st, 1);
		e = ERR_OK;
	}
	sqlite3_finalize(st);
	return e;
}

/* ERR_AGAIN: somebody else writes. */
static enum err
take_number(struct lease *l, struct diag *d)
{
	uint64_t now = clock_wall_us();
	enum err e = sql_exec(l->db, "BEGIN IMMEDIATE");

	if (e == ERR_OK) {
		e = raise_number(l, now);
	}
	if (e == ERR_OK) {
		e = sql_exec(l->db, "COMMIT");
	}
	if (e != ERR_OK) {
		int rc = sqlite3_errcode(l->db);

		diag_set(d, e, "%s: %s", l->cfg.store, sqlite3_errmsg(l->db));
		l->number = 0;
		(void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
		return rc == SQLITE_BUSY ? ERR_AGAIN : e;
	}
	atomic_store(&l->since_us, now);
	return ERR_OK;
}

/* That the store cannot be had, once: 'with' keeps it from us. */
static void
tell_busy(struct lease *l, const struct lease_record *with, bool hung)
{
	if (hung && !l->told_busy) {
		log_err("collector %s (process %" PRIu64 ") hangs within a "
			"transaction, and nobody else can write %s: end that "
			"process with SIGKILL",
			with->name, with->pid, l->cfg.store);
		l->told_busy = true;
	}
}

/* Under the lock: nobody has it, or who has it hangs. */
static enum err
take(struct lease *l, struct diag *d)
{
	struct lease_record with = { .role = LEASE_UNKNOWN };
	bool hung = false;
	enum err e = ERR_OK;

	if (is_taken(l, &with, &hung) && !hung) {
		return ERR_AGAIN;
	}
	if (l->db == NULL) {
		e = open_store(l, d);
		if (e != ERR_OK) {
			int rc = sqlite3_errcode(l->db);

			close_store(l);
			e = rc == SQLITE_BUSY ? ERR_AGAIN : e;
		}
	}
	if (e == ERR_OK) {
		e = take_number(l, d);
	}
	if (e == ERR_AGAIN) {
		tell_busy(l, &with, hung);
	}
	if (e != ERR_OK) {
		return e;
	}
	atomic_store(&l->beat_us, clock_mono_us());
	atomic_store(&l->holds, true);
	lease_fence(l);
	lease_say(l, atomic_load(&l->beat_us));
	if (hung) {
		log_warn("collector %s (process %" PRIu64 ") gave no sign of "
			 "life for %.1f s: taken over from it (lease %" PRIu64
			 ")",
			 with.name, with.pid,
			 (double)l->cfg.stale_us / (double)US_PER_S, l->number);
	} else if (l->waited) {
		log_info("the store is ours (lease %" PRIu64 ")", l->number);
	}
	return ERR_OK;
}

/* Nobody has it, but others who begin now go first. */
static bool
too_early(const struct lease *l)
{
	return l->cfg.standby && !l->waited &&
	       clock_mono_us() - l->began_us < l->cfg.stale_us;
}

/* One look; ERR_AGAIN: another one later. */
static enum err
look(struct lease *l, struct diag *d)
{
	struct lease_record with = { .role = LEASE_UNKNOWN };
	bool hung = false;
	enum err e;

	if (is_taken(l, &with, &hung) && !hung) {
		if (!l->waited && with.role != LEASE_UNKNOWN) {
			l->waited = true;
			log_info("standing by: collector %s (process %" PRIu64
				 ", lease %" PRIu64 ") has %s",
				 with.name, with.pid, with.number,
				 l->cfg.store);
		}
		l->told_stuck = l->told_busy = false;
		return ERR_AGAIN;
	}
	if (too_early(l) || !lease_file_lock(l->file)) {
		return ERR_AGAIN;
	}
	e = take(l, d);
	lease_file_unlock(l->file);
	return e;
}

enum err
lease_wait(struct lease *l, volatile sig_atomic_t *stop,
	   void (*turn)(void *arg), void *arg, struct diag *d)
{
	unsigned looks = 0;
	enum err e;

	l->began_us = clock_mono_us();
	while ((e = look(l, d)) == ERR_AGAIN) {
		struct timespec t = { 0, TURN_US / LOOKS_A_TURN * 1000 };

		if (*stop) {
			return diag_set(d, ERR_CLOSED, "told to end");
		}
		if (looks++ % LOOKS_A_TURN == 0) {
			lease_say(l, clock_mono_us());
			if (turn != NULL) {
				turn(arg);
			}
		}
		nanosleep(&t, NULL);
	}
	return e == ERR_OK ? lease_begin(l, d) : e;
}

bool
lease_waited(const struct lease *l)
{
	return l->waited;
}

void
lease_give_up(struct lease *l)
{
	sqlite3_stmt *st = NULL;

	if (atomic_load(&l->holds) && !atomic_load(&l->lost) &&
	    sqlite3_prepare_v2(
		    l->db, "UPDATE lease SET released_us=?1 WHERE number=?2",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_run(st, "uu", clock_wall_us(), l->number) != ERR_OK) {
		log_warn("%s: %s: the next collector will take it that this "
			 "one died",
			 l->cfg.store, sqlite3_errmsg(l->db));
	}
	sqlite3_finalize(st);
	close_store(l);
}
