/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/eve_writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/thread.h"
#include "sensor/eve_out.h"
#include "sensor/event_log.h"
#include "sensor/forward.h"

/* More than this at once waits for the writer: a slow disk or pipe holds the
 * replay up instead of growing memory. */
#define PARCELS 4

struct eve_writer {
	struct eve_writer_settings set;
	struct forward *forward;
	struct event_log *log; /* makes the lines that are late */
	struct json json; /* a line with what only the sink knows */
	struct eve_out *out;
	struct eve_writer_counters count;
	struct eve_writer_counters told; /* under the lock, behind a parcel */
	struct parcel parcel[PARCELS_MAX];
	unsigned n_parcels;
	pthread_t thread;
	bool started;
	/* Below: shared.  Of the rest, what the thread needs is the thread's
	 * while there are parcels under way or a flush is asked for. */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	uint64_t handed, through; /* parcels */
	bool flush, quit, reopen;
};

/* --- parcels --- */

bool
parcel_reserve(struct parcel *p, size_t n)
{
	struct parcel_item *item;

	if (n <= p->cap) {
		return true;
	}
	item = realloc(p->item, n * 2 * sizeof(*item));
	if (item == NULL) {
		return false;
	}
	p->item = item;
	p->cap = n * 2;
	return true;
}

static uint32_t
add_news(struct parcel *p, struct held_rule *h)
{
	struct parcel_news *v = p->news;

	if (p->n_news == p->cap_news) {
		v = realloc(v, (p->cap_news * 2 + 64) * sizeof(*v));
		if (v == NULL) {
			return 0;
		}
		p->news = v;
		p->cap_news = p->cap_news * 2 + 64;
	}
	memcpy(v[p->n_news].fresh, h->fresh, sizeof(h->fresh));
	held_told(h);
	return (uint32_t)++p->n_news;
}

void
parcel_add(struct parcel *p, uint32_t box, uint32_t index, struct held_rule *h)
{
	p->item[p->n++] = (struct parcel_item){
		.box = box,
		.index = index,
		.news = h != NULL ? add_news(p, h) : 0,
	};
}

static void
parcel_reset(struct parcel *p)
{
	for (unsigned i = 0; i < PARCEL_BOXES; i++) {
		outbox_reset(&p->box[i]);
	}
	p->n = p->n_news = 0;
}

static void
parcel_fini(struct parcel *p)
{
	for (unsigned i = 0; i < PARCEL_BOXES; i++) {
		outbox_fini(&p->box[i]);
	}
	free(p->item);
	free(p->news);
}

/* --- lines --- */

/* Types that another thread may change meanwhile. */
static uint32_t
wanted(const uint32_t *types)
{
	return __atomic_load_n(types, __ATOMIC_RELAXED);
}

void
eve_writer_set_types(struct eve_writer *w, uint32_t eve_types,
		     uint32_t forward_types)
{
	__atomic_store_n(&w->set.eve_types, eve_types, __ATOMIC_RELAXED);
	__atomic_store_n(&w->set.forward_types, forward_types,
			 __ATOMIC_RELAXED);
}

static void
emit(struct eve_writer *w, enum event_type type, uint8_t severity,
     struct view line)
{
	w->count.events[type]++;
	if (wanted(&w->set.eve_types) >> type & 1) {
		eve_out_line(w->out, line);
	}
	if (w->forward != NULL &&
	    (wanted(&w->set.forward_types) >> type & 1) != 0) {
		if (forward_push(w->forward, line, severity)) {
			w->count.forwarded++;
		}
	}
}

static void
put_verdict(struct json *j, const struct record *r)
{
	static const char *const whom[] = { [REJECT_SRC] = "to_client",
					    [REJECT_DST] = "to_server",
					    [REJECT_BOTH] = "both" };

	json_obj(j, "verdict");
	/* A tap cannot drop: "drop" and "reject" let the packet pass too. */
	json_cstr(j, "action", r->passed ? "pass" : "alert");
	if (r->rule->action == ACTION_REJECT) {
		json_cstr(j, "reject-target", whom[r->rule->reject]);
		json_arr(j, "reject");
		json_cstr(j, NULL,
			  r->proto == IPP_TCP ? "tcp-reset" : "icmp-prohib");
		json_arr_end(j);
	}
	json_obj_end(j);
}

static void
put_news(struct json *j, const struct parcel_news *news)
{
	json_obj(j, "suppressed");
	for (unsigned c = 0; c < HELD_CAUSES; c++) {
		if (news->fresh[c] > 0) {
			json_u64(j, held_cause_name((enum held_cause)c),
				 news->fresh[c]);
		}
	}
	json_obj_end(j);
}

/*
 * The line with what only shows where all alerts meet.  Its last member is
 * taken off, and put back behind the new ones: lines are our own, and
 * record.h says where "picket" begins.
 */
static struct view
complete(struct eve_writer *w, const struct record *r,
	 const struct parcel_news *news, struct view line, uint32_t picket_at)
{
	struct view head = view_of(line.p, line.len - 1), picket = VIEW_NONE;
	struct json *j = &w->json;

	if (news == NULL && !w->set.verdict) {
		return line;
	}
	if (picket_at > 0) {
		head.len = picket_at;
		picket =
			view_sub(line, picket_at + 1, line.len - picket_at - 3);
	}
	json_reset(j);
	json_open(j, head);
	if (w->set.verdict) {
		put_verdict(j, r);
	}
	if (picket.len > 0) {
		json_open(j, picket);
	} else if (news != NULL) {
		json_obj(j, "picket");
	}
	if (news != NULL) {
		put_news(j, news);
	}
	if (picket.len > 0 || news != NULL) {
		json_obj_end(j);
	}
	json_obj_end(j);
	return j->failed ? line : json_view(j);
}

static struct view
made_line(struct eve_writer *w, const struct outbox *box,
	  const struct record *r, const struct parcel_news *news)
{
	struct view line = outbox_line(box, r);
	uint32_t picket_at = r->picket_at;

	if (r->late) {
		line = event_later(w->log, box, r);
		picket_at = event_picket_at(w->log);
	}
	return line.len > 0 && r->rule != NULL
		       ? complete(w, r, news, line, picket_at)
		       : line;
}

static void
write_record(struct eve_writer *w, const struct outbox *box,
	     const struct record *r, const struct parcel_news *news)
{
	struct view line = made_line(w, box, r, news);

	if (line.len > 0) {
		emit(w, r->type, r->severity, line);
		return;
	}
	w->count.lost++;
	if (w->forward != NULL &&
	    (wanted(&w->set.forward_types) >> r->type & 1) != 0) {
		forward_lost(w->forward, LEDGER_LOST_no_memory, r->severity, 1);
	}
}

static void
write_parcel(struct eve_writer *w, struct parcel *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct parcel_item *item = &p->item[i];
		const struct outbox *box = &p->box[item->box];

		write_record(w, box, &box->rec[item->index],
			     item->news > 0 ? &p->news[item->news - 1] : NULL);
	}
	parcel_reset(p);
}

/* With what the output counts by itself. */
static void
tell(struct eve_writer *w)
{
	const struct eve_out_counters *n = eve_out_counters(w->out);

	w->count.bytes = n->bytes;
	w->count.write_errors = n->write_errors;
	w->count.unwritten = n->unwritten;
}

/* --- the thread --- */

static void *
run(void *arg)
{
	struct eve_writer *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		if (w->reopen) {
			w->reopen = false;
			pthread_mutex_unlock(&w->lock);
			eve_out_reopen(w->out);
			tell(w);
			pthread_mutex_lock(&w->lock);
		} else if (w->through < w->handed) {
			struct parcel *p =
				&w->parcel[w->through % w->n_parcels];

			pthread_mutex_unlock(&w->lock);
			write_parcel(w, p);
			tell(w);
			pthread_mutex_lock(&w->lock);
			w->through++;
			w->told = w->count;
			pthread_cond_signal(&w->done);
		} else if (w->flush) {
			pthread_mutex_unlock(&w->lock);
			eve_out_flush(w->out);
			tell(w);
			pthread_mutex_lock(&w->lock);
			w->told = w->count;
			/* of what came meanwhile the buffer's end will tell */
			w->flush = w->through < w->handed;
			pthread_cond_signal(&w->done);
		} else if (w->quit) {
			break;
		} else {
			pthread_cond_wait(&w->work, &w->lock);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static enum err
start(struct eve_writer *w, struct diag *d)
{
	int rc = thread_start(&w->thread, THREAD_WRITER, run, w);

	if (rc != 0) {
		return diag_set(d, ERR_IO, "cannot start the writer: %s",
				strerror(rc));
	}
	w->started = true;
	return ERR_OK;
}

enum err
eve_writer_open(struct eve_writer **out, const struct eve_writer_settings *set,
		struct diag *d)
{
	struct eve_writer *w = calloc(1, sizeof(*w));
	struct eve_out_settings out_set = { .path = set->path,
					    .stop = set->stop,
					    .drain_us = set->drain_us };
	enum err e;

	*out = NULL;
	if (w == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	w->set = *set;
	w->n_parcels =
		set->parcels != 0 ? MIN(set->parcels, PARCELS_MAX) : PARCELS;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->done, NULL);
	w->log = event_log_for_later();
	e = w->log != NULL ? eve_out_open(&w->out, &out_set, d)
			   : diag_set(d, ERR_NOMEM, "out of memory");
	if (e == ERR_OK) {
		e = start(w, d);
	}
	if (e != ERR_OK) {
		(void)eve_writer_close(w);
		return e;
	}
	*out = w;
	return ERR_OK;
}

void
eve_writer_forward(struct eve_writer *w, struct forward *f)
{
	eve_writer_wait(w);
	w->forward = f;
}

struct parcel *
eve_writer_take(struct eve_writer *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->handed - w->through == w->n_parcels) {
		pthread_cond_wait(&w->done, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return &w->parcel[w->handed % w->n_parcels];
}

unsigned
eve_writer_room(struct eve_writer *w)
{
	unsigned room;

	pthread_mutex_lock(&w->lock);
	room = w->n_parcels - (unsigned)(w->handed - w->through);
	pthread_mutex_unlock(&w->lock);
	return room;
}

uint64_t
eve_writer_mark(struct eve_writer *w)
{
	return w->handed;
}

bool
eve_writer_passed(struct eve_writer *w, uint64_t mark)
{
	bool passed;

	pthread_mutex_lock(&w->lock);
	passed = w->through >= mark;
	pthread_mutex_unlock(&w->lock);
	return passed;
}

void
eve_writer_hand(struct eve_writer *w, struct parcel *p)
{
	assert(p == &w->parcel[w->handed % w->n_parcels]);
	pthread_mutex_lock(&w->lock);
	w->handed++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void
eve_writer_flush(struct eve_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->flush = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void
eve_writer_wait(struct eve_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->flush = true;
	pthread_cond_signal(&w->work);
	while (w->started && (w->flush || w->through < w->handed)) {
		pthread_cond_wait(&w->done, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

void
eve_writer_line(struct eve_writer *w, enum event_type type, struct view line)
{
	eve_writer_wait(w);
	emit(w, type, 0, line);
	eve_out_flush(w->out);
	tell(w);
}

void
eve_writer_record(struct eve_writer *w, const struct outbox *box,
		  const struct record *r, struct held_rule *h)
{
	struct parcel_news news;

	if (h != NULL) {
		memcpy(news.fresh, h->fresh, sizeof(news.fresh));
		held_told(h);
	}
	eve_writer_wait(w);
	write_record(w, box, r, h != NULL ? &news : NULL);
	tell(w);
}

void
eve_writer_reopen(struct eve_writer *w)
{
	eve_writer_wait(w);
	eve_out_reopen(w->out);
	tell(w);
}

void
eve_writer_reopen_soon(struct eve_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->reopen = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void
eve_writer_counters_now(struct eve_writer *w, struct eve_writer_counters *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->told;
	pthread_mutex_unlock(&w->lock);
}

bool
eve_writer_reader_gone(const struct eve_writer *w)
{
	return eve_out_reader_gone(w->out);
}

const struct eve_writer_counters *
eve_writer_counters(struct eve_writer *w)
{
	return &w->count;
}

enum err
eve_writer_close(struct eve_writer *w)
{
	enum err e;

	if (w == NULL) {
		return ERR_OK;
	}
	if (w->started) {
		eve_writer_wait(w);
		pthread_mutex_lock(&w->lock);
		w->quit = true;
		pthread_cond_signal(&w->work);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	e = eve_out_close(w->out);
	for (unsigned i = 0; i < PARCELS_MAX; i++) {
		parcel_fini(&w->parcel[i]);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	event_log_free(w->log);
	json_fini(&w->json);
	free(w);
	return e;
}
