/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/contacts_desk.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "common/thread.h"

/* Lines of one sweep, at least: the rest waits for the next, so that packets
 * do not wait for all. */
#define SWEEP_LINES 512
/* Flows whose bytes are counted while they go on. */
#define MOVED_PER_HOST 4
#define LINES_BYTES ((size_t)256 << 10)

enum desk_state {
	DESK_FREE,
	DESK_BUSY, /* the thread has it */
	DESK_SHOWS, /* lines that the worker has not taken yet */
};

struct contacts_desk {
	/* The worker's. */
	struct contact_notes notes;
	struct contact_moved *moved;
	enum desk_state state;
	size_t taken; /* of the lines, bytes */
	struct contacts_counters count;
	bool wait, running;
	pthread_t thread;
	sem_t work, done;
	/* Of the two by turns. */
	struct contacts *table;
	struct contact_note *sheet; /* that was handed over */
	uint32_t n, at;
	uint64_t now_us; /* 0: no sweep */
	bool all, sweeps, more, ends;
	uint32_t sweep_left;
	uint8_t *lines;
	size_t len;
};

static size_t
room_of(const struct contacts_told *t)
{
	return (contacts_told_size(t) + 15) & ~(size_t)15;
}

/* Memory whose pages are there, so that no packet waits for them. */
static void *
touched(size_t n)
{
	void *p = malloc(n);

	return p != NULL ? memset(p, 0xff, n) : NULL;
}

static struct contact_note *
sheet_new(void)
{
	return touched((CONTACT_NOTES + 1) * sizeof(struct contact_note));
}

struct contacts_desk *
contacts_desk_new(const struct contacts_conf *conf)
{
	struct contacts_desk *d = calloc(1, sizeof(*d));
	uint32_t n_moved = conf->max_hosts * MOVED_PER_HOST;
	struct contact_note *v;

	if (d == NULL) {
		return NULL;
	}
	sem_init(&d->work, 0, 0);
	sem_init(&d->done, 0, 0);
	d->lines = touched(LINES_BYTES);
	d->sheet = sheet_new();
	v = sheet_new();
	d->moved = calloc((size_t)n_moved + 1, sizeof(*d->moved));
	d->table = contacts_new(conf, &d->notes.lanes);
	d->notes.v = v;
	if (d->lines == NULL || d->sheet == NULL || v == NULL ||
	    d->moved == NULL || d->table == NULL) {
		contacts_desk_free(d);
		return NULL;
	}
	contact_notes_init(&d->notes, v, d->moved, n_moved);
	return d;
}

static void
wait_for(sem_t *s)
{
	while (sem_wait(s) != 0 && errno == EINTR) {
	}
}

void
contacts_desk_free(struct contacts_desk *d)
{
	if (d == NULL) {
		return;
	}
	if (d->running) {
		if (d->state == DESK_BUSY) {
			wait_for(&d->done);
		}
		d->ends = true;
		sem_post(&d->work);
		pthread_join(d->thread, NULL);
	}
	sem_destroy(&d->work);
	sem_destroy(&d->done);
	contacts_free(d->table);
	free(d->notes.v);
	free(d->moved);
	free(d->sheet);
	free(d->lines);
	free(d);
}

/* --- who has the desk --- */

static void
put_line(struct contacts_desk *d, const struct contacts_told *t)
{
	if (t != NULL) {
		memcpy(d->lines + d->len, t, contacts_told_size(t));
		d->len += room_of(t);
	}
}

static bool
has_room(const struct contacts_desk *d)
{
	return LINES_BYTES - d->len >= sizeof(struct contacts_told) + 16;
}

/* What is over, as far as there is room. */
static void
sweep(struct contacts_desk *d)
{
	const struct contacts_told *t;

	if (!d->sweeps) {
		d->sweeps = true;
		d->sweep_left = d->all ? UINT32_MAX
				       : MAX(contacts_size(d->table) / 4,
					     (uint32_t)SWEEP_LINES);
		contacts_sweep(d->table, d->now_us, d->all);
	}
	while (d->sweep_left > 0 && has_room(d)) {
		t = contacts_next(d->table);
		if (t == NULL) {
			return;
		}
		put_line(d, t);
		d->sweep_left--;
	}
	d->more = d->sweep_left > 0;
}

/* A sheet, or as much of it as there is room for what it gives. */
static void
work(struct contacts_desk *d)
{
	d->len = 0;
	d->more = false;
	while (d->at < d->n && has_room(d)) {
		put_line(d, contacts_take(d->table, &d->sheet[d->at++]));
	}
	if (d->at < d->n) {
		d->more = true;
	} else if (d->now_us != 0 || d->all) {
		sweep(d);
	}
}

static void *
run(void *arg)
{
	struct contacts_desk *d = arg;

	for (;;) {
		wait_for(&d->work);
		if (d->ends) {
			return NULL;
		}
		work(d);
		sem_post(&d->done);
	}
}

enum err
contacts_desk_start(struct contacts_desk *d, bool wait, struct diag *diag)
{
	int rc = thread_start(&d->thread, THREAD_CONTACTS, run, d);

	if (rc != 0) {
		return diag_set(diag, ERR_IO, "thread of contacts: %s",
				strerror(rc));
	}
	d->wait = wait;
	d->running = true;
	return ERR_OK;
}

/* --- the worker --- */

struct contact_notes *
contacts_desk_notes(struct contacts_desk *d)
{
	return &d->notes;
}

static void
go(struct contacts_desk *d)
{
	d->state = DESK_BUSY;
	if (d->running) {
		sem_post(&d->work);
	} else {
		work(d);
	}
}

/* Whether the desk is done; with 'wait' it is. */
static bool
is_done(struct contacts_desk *d)
{
	if (!d->running) {
		return true;
	}
	if (d->wait) {
		wait_for(&d->done);
		return true;
	}
	return sem_trywait(&d->done) == 0;
}

bool
contacts_desk_hand(struct contacts_desk *d, uint64_t now_us, bool all)
{
	struct contact_note *v = d->notes.v;

	if (d->state != DESK_FREE) {
		return false;
	}
	d->notes.v = d->sheet;
	d->sheet = v;
	d->n = d->notes.n;
	d->notes.n = d->at = 0;
	d->now_us = now_us;
	d->all = all;
	d->sweeps = false;
	go(d);
	return true;
}

/* The table's counters, while it is the worker's. */
static void
note_counters(struct contacts_desk *d)
{
	uint64_t shed = d->count.shed;

	d->count = *contacts_counters(d->table);
	d->count.shed = shed;
}

const struct contacts_told *
contacts_desk_next(struct contacts_desk *d)
{
	const struct contacts_told *t;

	while (d->state != DESK_FREE) {
		if (d->state == DESK_BUSY) {
			if (!is_done(d)) {
				return NULL;
			}
			note_counters(d);
			d->state = DESK_SHOWS;
			d->taken = 0;
		}
		if (d->taken < d->len) {
			t = (const void *)(d->lines + d->taken);
			d->taken += room_of(t);
			return t;
		}
		if (d->more) {
			go(d);
		} else {
			d->state = DESK_FREE;
		}
	}
	return NULL;
}

void
contacts_desk_wait(struct contacts_desk *d)
{
	d->wait = true;
}

struct contacts_counters *
contacts_desk_counters(struct contacts_desk *d)
{
	return &d->count;
}
