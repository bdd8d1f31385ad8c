/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_events.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/console_lists.h"
#include "collector/store_json.h"
#include "common/clock.h"

#define RING 512 /* events; a power of two */
#define MAX_ALERTS 200 /* in one event */
#define MAX_INCIDENTS 100
#define SLOTS 4096 /* incidents remembered, by their id */
#define MINUTE 60

struct event {
	char *text;
	size_t len;
};

/* As much of an incident as tells a change. */
struct seen {
	int64_t id;
	uint64_t updated_us;
	unsigned score;
	char state[8];
};

struct console_events {
	pthread_mutex_t lock; /* over the ring and 'rate' */
	struct event ring[RING];
	uint64_t first, next; /* numbers of the oldest and of the coming one */
	size_t bytes;
	uint64_t birth; /* tells this ring's ids from a former one's */
	uint64_t rate;

	/* Of the ticking thread only. */
	struct store_reader *store;
	struct json j;
	int64_t last_alert;
	int64_t version; /* of the database, as this connection counts */
	struct seen seen[SLOTS];
	unsigned n_changed;
	bool primed; /* incidents that were there at the start are no news */
	uint64_t totals[MINUTE];
	unsigned n_totals;
};

enum err
console_events_new(struct console_events **out, const char *store,
		   struct diag *d)
{
	struct console_events *e = calloc(1, sizeof(*e));
	enum err err;

	*out = NULL;
	if (e == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	err = store_reader_open(&e->store, store, d);
	if (err != ERR_OK) {
		free(e);
		return err;
	}
	pthread_mutex_init(&e->lock, NULL);
	json_init(&e->j);
	e->birth = clock_wall_us();
	e->first = e->next = 1;
	e->last_alert = -1;
	*out = e;
	return ERR_OK;
}

void
console_events_free(struct console_events *e)
{
	if (e == NULL) {
		return;
	}
	for (unsigned i = 0; i < RING; i++) {
		free(e->ring[i].text);
	}
	store_reader_close(e->store);
	json_fini(&e->j);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void
drop_oldest(struct console_events *e)
{
	struct event *ev = &e->ring[e->first % RING];

	e->bytes -= ev->len;
	free(ev->text);
	*ev = (struct event){ NULL, 0 };
	e->first++;
}

/* Numbers what is in 'j' and puts it into the ring. */
static void
publish(struct console_events *e, const char *name)
{
	struct event ev;
	char head[96];
	int n;

	if (e->j.failed) {
		return;
	}
	pthread_mutex_lock(&e->lock);
	n = snprintf(head, sizeof(head),
		     "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: ", e->birth,
		     e->next, name);
	ev.len = (size_t)n + e->j.len + 2;
	ev.text = malloc(ev.len);
	if (ev.text != NULL) {
		/* The JSON holds no line end: they are escaped. */
		memcpy(ev.text, head, (size_t)n);
		memcpy(ev.text + n, e->j.p, e->j.len);
		memcpy(ev.text + ev.len - 2, "\n\n", 2);
		while (e->first < e->next &&
		       (e->next - e->first == RING ||
			e->bytes + ev.len > EVENTS_MAX_BYTES)) {
			drop_oldest(e);
		}
		e->ring[e->next % RING] = ev;
		e->bytes += ev.len;
		e->next++;
	}
	pthread_mutex_unlock(&e->lock);
}

/* Whether another connection committed since the last look. */
static bool
has_changed(struct console_events *e)
{
	sqlite3_stmt *st =
		store_reader_prepare(e->store, "PRAGMA data_version");
	int64_t version = 0;

	if (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
		version = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	if (version != 0 && version == e->version) {
		return false;
	}
	e->version = version;
	return true;
}

struct newest {
	struct console_events *e;
	int64_t top;
	unsigned n;
};

static void
on_alert(void *arg, const struct store_alert *a)
{
	struct newest *w = arg;

	w->top = MAX(w->top, a->id);
	w->n++;
	if (w->e->last_alert >= 0) {
		store_json_alert(&w->e->j, a);
	}
}

static void
look_for_alerts(struct console_events *e)
{
	struct store_alert_filter f = { .scope = STORE_BOTH };
	struct newest w = { .e = e, .top = MAX(e->last_alert, INT64_C(0)) };
	bool first = e->last_alert < 0;

	/* An id of 0 is "from the top": there is no alert 0. */
	f.after_id = first ? 0 : e->last_alert;
	json_reset(&e->j);
	json_obj(&e->j, NULL);
	json_arr(&e->j, "alerts");
	if (store_read_alerts(e->store, &f, first ? 1 : MAX_ALERTS, on_alert,
			      &w) != ERR_OK) {
		return;
	}
	json_arr_end(&e->j);
	json_bool(&e->j, "more", w.n == MAX_ALERTS);
	json_obj_end(&e->j);
	e->last_alert = w.top;
	if (!first && w.n > 0) {
		publish(e, "alerts");
	}
}

static void
on_incident(void *arg, const struct store_incident *i)
{
	struct console_events *e = arg;
	struct seen *s = &e->seen[(uint64_t)i->id % SLOTS];

	if (s->id == i->id && s->updated_us == i->updated_us &&
	    s->score == i->score && strcmp(s->state, i->state) == 0) {
		return;
	}
	s->id = i->id;
	s->updated_us = i->updated_us;
	s->score = i->score;
	snprintf(s->state, sizeof(s->state), "%s", i->state);
	if (e->primed && e->n_changed++ < MAX_INCIDENTS) {
		store_json_incident(&e->j, NULL, i);
		json_obj_end(&e->j);
	}
}

static void
look_for_incidents(struct console_events *e)
{
	enum err err;

	e->n_changed = 0;
	json_reset(&e->j);
	json_obj(&e->j, NULL);
	json_arr(&e->j, "incidents");
	err = store_read_incidents(e->store, STORE_BOTH, NULL, 0, SLOTS / 2,
				   on_incident, e);
	if (err == ERR_OK) {
		err = store_read_incidents(e->store, STORE_BOTH, "merged", 0,
					   SLOTS / 2, on_incident, e);
	}
	json_arr_end(&e->j);
	json_obj_end(&e->j);
	if (err == ERR_OK && e->primed && e->n_changed > 0) {
		publish(e, "incidents");
	}
	e->primed |= err == ERR_OK;
}

/* The total now less the total a minute ago. */
static void
measure(struct console_events *e)
{
	struct store_status s;
	uint64_t then, rate;

	if (store_read_status(e->store, &s) != ERR_OK) {
		return;
	}
	then = e->n_totals < MINUTE ? e->totals[0]
				    : e->totals[e->n_totals % MINUTE];
	rate = e->n_totals > 0 && s.alerts > then ? s.alerts - then : 0;
	e->totals[e->n_totals % MINUTE] = s.alerts;
	e->n_totals++;
	pthread_mutex_lock(&e->lock);
	e->rate = rate;
	pthread_mutex_unlock(&e->lock);
}

void
console_events_tick(struct console_events *e)
{
	bool changed = has_changed(e);

	measure(e);
	if (changed) {
		look_for_alerts(e);
		look_for_incidents(e);
	}
	json_reset(&e->j);
	if (console_list_status(e->store, e->rate, &e->j) == ERR_OK) {
		publish(e, "status");
	}
}

uint64_t
console_events_rate(struct console_events *e)
{
	uint64_t rate;

	pthread_mutex_lock(&e->lock);
	rate = e->rate;
	pthread_mutex_unlock(&e->lock);
	return rate;
}

void
console_events_join(struct console_events *e, struct events_cursor *c,
		    const char *last_id)
{
	uint64_t birth, seq;
	int used = 0;
	bool known;

	known = last_id != NULL && strlen(last_id) < 64 &&
		sscanf(last_id, "%" SCNx64 "-%" SCNu64 "%n", &birth, &seq,
		       &used) == 2 &&
		last_id[used] == '\0' && birth == e->birth;
	pthread_mutex_lock(&e->lock);
	*c = (struct events_cursor){ .seq = e->next };
	if (known && seq + 1 >= e->first && seq < e->next) {
		c->seq = seq + 1;
	} else {
		known = false;
	}
	pthread_mutex_unlock(&e->lock);
	snprintf(c->hello, sizeof(c->hello), "retry: 2000\n\n%s",
		 last_id != NULL && !known ? "event: reset\ndata: {}\n\n" : "");
}

long
console_events_read(struct console_events *e, struct events_cursor *c,
		    char *out, size_t cap)
{
	size_t n = strlen(c->hello) - c->hello_off;
	long got = 0;

	if (n > 0) {
		n = MIN(n, cap);
		memcpy(out, c->hello + c->hello_off, n);
		c->hello_off += n;
		return (long)n;
	}
	pthread_mutex_lock(&e->lock);
	if (c->seq < e->first) {
		got = -1;
	} else if (c->seq < e->next) {
		const struct event *ev = &e->ring[c->seq % RING];

		n = MIN(ev->len - c->off, cap);
		memcpy(out, ev->text + c->off, n);
		c->off += n;
		if (c->off == ev->len) {
			c->seq++;
			c->off = 0;
		}
		got = (long)n;
	}
	pthread_mutex_unlock(&e->lock);
	return got;
}
