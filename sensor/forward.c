/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/forward_state.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/thread.h"
#include "sensor/batch.h"
#include "sensor/forward_ledger.h"

#define LEDGER_S 60
#define MAX_SOCKETS 16 /* of the link: one, but in a cluster */
#define SYNC_EVERY 64 /* batches */
#define FAREWELL_US (US_PER_S / 2)
#define COMMIT_US (US_PER_S * 3 / 4) /* less than until a resend */
#define US_PER_MS UINT64_C(1000)

/* --- the producer's side --- */

static void
put_line(struct half *h, struct view line, uint8_t sev)
{
	store_le32(h->p + h->len, (uint32_t)line.len);
	h->p[h->len + 4] = sev;
	memcpy(h->p + h->len + LINE_HEAD, line.p, line.len);
	h->len += LINE_HEAD + line.len;
}

void
forward_lost(struct forward *f, enum ledger_lost cause, uint8_t severity,
	     uint64_t n)
{
	pthread_mutex_lock(&f->lock);
	forward_ledger_lose(&f->ledger, cause, spool_class(severity), n);
	pthread_mutex_unlock(&f->lock);
}

/* A line that no batch can take: its own cause, however empty the queue. */
static void
refuse_long(struct forward *f, size_t len, uint8_t severity)
{
	bool first;

	pthread_mutex_lock(&f->lock);
	forward_ledger_lose(&f->ledger, LEDGER_LOST_oversize,
			    spool_class(severity), 1);
	first = f->too_long++ == 0;
	pthread_mutex_unlock(&f->lock);
	if (first) {
		log_err("an event of %zu bytes is longer than a batch may be "
			"(%u): it is not forwarded; it and others that follow "
			"are counted as oversize; only a file (--eve) takes "
			"them",
			len, (unsigned)FRAME_MAX_RAW - 1);
	}
}

bool
forward_push(struct forward *f, struct view line, uint8_t severity)
{
	size_t need = LINE_HEAD + line.len;
	uint64_t one = 1;
	bool fits, was_empty;

	line.len -= line.len > 0 && line.p[line.len - 1] == '\n';
	if (line.len == 0) {
		return true;
	}
	if (line.len >= FRAME_MAX_RAW) {
		refuse_long(f, line.len, severity);
		return false;
	}
	pthread_mutex_lock(&f->lock);
	while (f->o.block && f->half_cap - f->fill.len < need && !f->ended) {
		pthread_cond_wait(&f->room, &f->lock);
	}
	fits = f->half_cap - f->fill.len >= need && !f->ending;
	was_empty = f->fill.len == 0;
	forward_ledger_raise(&f->ledger, spool_class(severity), fits);
	if (fits) {
		put_line(&f->fill, line, severity);
	} else {
		f->dropped[spool_class(severity)]++;
	}
	pthread_mutex_unlock(&f->lock);
	/* A full eventfd counter wakes as well as one more. */
	if (fits && was_empty && write(f->wake_fd, &one, sizeof(one)) < 0) {
		return true;
	}
	return fits;
}

/* --- lines to batches to the spool --- */

static void
disk_says(struct forward *f, enum err e, const struct diag *d)
{
	bool failing = e == ERR_IO || e == ERR_NOMEM;

	if (failing && !f->disk_failing) {
		log_err("%s; events that cannot be spooled are lost and "
			"counted as shed",
			d->msg);
	}
	if (failing) {
		f->disk_failed_us = clock_mono_us();
		f->disk_failing = true;
	} else if (f->disk_failing &&
		   clock_mono_us() - f->disk_failed_us >= LOSS_REPORT_US) {
		/* Not at the first success: a disk that is almost full takes
		 * one batch and not the next. */
		log_info("spool %s: is written to again", f->dir);
		f->disk_failing = false;
	}
}

void
forward_seal(struct forward *f, unsigned cls)
{
	struct frame_header h;
	struct view data;
	struct diag d = { "" };
	uint32_t n = f->batch[cls].n;
	enum err e;

	if (n == 0) {
		return;
	}
	e = batch_pack(&f->batch[cls], f->codec, &h, &data);
	if (e != ERR_OK) {
		/* Only a system without memory comes here. */
		f->unpacked[cls] += n;
		forward_ledger_drop(&f->ledger, LEDGER_LOST_no_memory, cls, n);
		log_err("cannot compress a batch: %s", err_name(e));
		return;
	}
	e = spool_append(f->spool, &h, data, &d);
	forward_ledger_batch(&f->ledger, &h, e);
	if (e != ERR_OK) {
		disk_says(f, e, &d);
	} else {
		f->st.batches++;
		f->st.batch_bytes += data.len;
		f->unsynced++;
	}
}

static void
sync_spool(struct forward *f)
{
	struct diag d = { "" };

	if (f->unsynced > 0 || spool_sync_due(f->spool)) {
		enum err e = spool_sync(f->spool, &d);

		f->unsynced = 0;
		disk_says(f, e, &d);
	}
}

void
forward_add_line(struct forward *f, struct view line, uint8_t sev, uint64_t now)
{
	unsigned cls = spool_class(sev);
	enum err e = batch_add(&f->batch[cls], line, sev, now);

	if (e == ERR_AGAIN) {
		forward_seal(f, cls);
		e = batch_add(&f->batch[cls], line, sev, now);
	}
	if (e != ERR_OK) {
		f->st.oversize++;
		forward_ledger_drop(&f->ledger, LEDGER_LOST_oversize, cls, 1);
		return;
	}
	f->st.events++;
	f->st.bytes += line.len;
	if (f->unsynced >= SYNC_EVERY) {
		sync_spool(f);
	}
}

/* Takes the filled half and gives the producer the empty one. */
static void
take_lines(struct forward *f, uint64_t now)
{
	struct half h;

	pthread_mutex_lock(&f->lock);
	h = f->fill;
	f->fill = f->drain;
	f->fill.len = 0;
	pthread_cond_signal(&f->room);
	pthread_mutex_unlock(&f->lock);
	f->drain = h;
	/* Filled faster than it is emptied: lines that wait may be lost. */
	frame_codec_hurry(f->codec, h.len > f->half_cap / 4);
	for (size_t at = 0; at < h.len;) {
		uint32_t len = load_le32(h.p + at);

		forward_ledger_take(&f->ledger, spool_class(h.p[at + 4]));
		forward_add_line(f, view_of(h.p + at + LINE_HEAD, len),
				 h.p[at + 4], now);
		at += LINE_HEAD + len;
	}
}

/* --- the thread --- */

static bool
goal_reached(struct forward *f)
{
	struct spool_stats sp;

	switch (f->goal) {
	case FORWARD_SPOOLED:
		return true;
	case FORWARD_SENT:
		return sender_all_sent(f->sender);
	case FORWARD_COMMITTED:
		spool_get_stats(f->spool, &sp);
		return sp.frames == 0;
	}
	return true;
}

static uint64_t
linger_us(const struct forward *f)
{
	return f->o.linger_ms != 0 ? f->o.linger_ms * US_PER_MS : COMMIT_US;
}

/*
 * Done, or out of time.  A collector that runs commits what Redis took within
 * moments: given these, a user is not told that batches wait when none do.
 */
static bool
ends_now(struct forward *f)
{
	uint64_t now = clock_mono_us();
	struct spool_stats sp;

	f->reached = goal_reached(f);
	if (!f->reached) {
		return now >= f->deadline_us;
	}
	if (f->goal != FORWARD_SENT) {
		return true;
	}
	if (f->sent_us == 0) {
		f->sent_us = now;
		f->until_us = now + linger_us(f);
	}
	spool_get_stats(f->spool, &sp);
	if (sp.frames == 0) {
		return true;
	}
	if (now < f->sent_us + COMMIT_US && now < f->until_us) {
		return false;
	}
	/* What Redis has lost from the middle only a stall would tell, and a
	 * sensor that ends has none; nor would the next one. */
	if (now < f->deadline_us && sp.frames < f->left &&
	    sender_send_again(f->sender)) {
		f->left = sp.frames;
		f->sent_us = now;
		/* what is sent only now may take as long to be committed */
		f->until_us = MAX(f->until_us, now + linger_us(f));
		return false;
	}
	return now >= f->until_us;
}

/* Sleeps until there are lines, the link moves, or something is due. */
static void
nap(struct forward *f, uint64_t now)
{
	struct pollfd p[1 + MAX_SOCKETS] = { { .fd = f->wake_fd,
					       .events = POLLIN } };
	uint64_t count;
	int ms;
	unsigned n = sender_wait(f->sender, p + 1, MAX_SOCKETS, &ms);

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		uint64_t due = f->batch[c].since_us + f->batch_us;

		if (f->batch[c].n > 0) {
			ms = MIN(ms, due > now ? (int)((due - now + 999) / 1000)
					       : 0);
		}
	}
	if (poll(p, 1 + n, ms) > 0 && (p[0].revents & POLLIN) != 0 &&
	    read(f->wake_fd, &count, sizeof(count)) < 0) {
		return; /* somebody else's wake-up was the same one */
	}
}

static void
send_evidence(struct forward *f)
{
	struct evidence_chunk c;

	while (f->o.evidence != NULL && f->o.evidence(f->o.evidence_arg, &c) &&
	       sender_evidence(f->sender, &c)) {
		f->o.evidence_sent(f->o.evidence_arg);
	}
}

/* One round; false when there is no more to do. */
static bool
turn(struct forward *f)
{
	uint64_t now = clock_mono_us();
	bool ending;

	pthread_mutex_lock(&f->lock);
	ending = f->ending;
	pthread_mutex_unlock(&f->lock);
	forward_keys_turn(f);
	take_lines(f, now);
	forward_tell_losses(f, now, ending);
	/* Before ending was set, all lines had been pushed: we have them. */
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		if (ending || batch_due(&f->batch[c], now, f->batch_us)) {
			forward_seal(f, c);
		}
	}
	forward_tell_ledger(f, ending, now);
	sync_spool(f);
	forward_ledger_beat(&f->ledger, now);
	if (atomic_exchange(&f->presence_soon, false) ||
	    now >= f->next_presence_us ||
	    f->next_presence_us - now > f->presence_us) {
		f->next_presence_us = now + f->presence_us;
		forward_tell_presence(f, false);
	}
	send_evidence(f);
	sender_step(f->sender);
	forward_ledger_commit(&f->ledger);
	forward_show_stats(f);
	if (f->st.connects != f->presence_connects) {
		/* Whoever finds streams by names is told while there is room
		 * for names. */
		f->presence_connects = f->st.connects;
		f->next_presence_us = now;
	}
	if (ending && ends_now(f)) {
		return false;
	}
	nap(f, now);
	return true;
}

static void
farewell(struct forward *f)
{
	uint64_t until = clock_mono_us() + FAREWELL_US;
	struct sender_stats st;

	sender_get_stats(f->sender, &st);
	if (st.state == SENDER_DOWN) {
		return;
	}
	forward_tell_presence(f, true);
	do {
		struct pollfd p[MAX_SOCKETS];
		unsigned n;
		int ms;

		sender_step(f->sender);
		sender_get_stats(f->sender, &st);
		n = sender_wait(f->sender, p, MAX_SOCKETS, &ms);
		if (sender_quiet(f->sender) || st.state == SENDER_DOWN) {
			break;
		}
		(void)poll(p, n, MIN(ms, 20));
	} while (clock_mono_us() < until);
	forward_show_stats(f);
}

static void *
run(void *arg)
{
	struct forward *f = arg;

	while (turn(f)) {
	}
	farewell(f);
	forward_show_ledger(f);
	pthread_mutex_lock(&f->lock);
	f->ended = true;
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* --- start and end --- */

static enum err
start_thread(struct forward *f, struct diag *d)
{
	int rc = thread_start(&f->thread, THREAD_FORWARD, run, f);

	if (rc != 0) {
		return diag_set(d, ERR_NOMEM, "cannot start a thread: %s",
				strerror(rc));
	}
	f->running = f->begun = true;
	return ERR_OK;
}

void
forward_set_pace(struct forward *f, const struct forward_pace *p)
{
	f->batch_us = p->batch_ms != 0 ? p->batch_ms * US_PER_MS : BATCH_US;
	f->presence_us = p->presence_ms != 0 ? p->presence_ms * US_PER_MS
					     : PRESENCE_PERIOD_US;
	f->presence_soon = true;
	f->ledger_us = (p->ledger_s != 0 ? p->ledger_s : LEDGER_S) * US_PER_S;
}

enum err
forward_start(struct forward **out, const struct forward_options *o,
	      struct diag *d)
{
	struct forward *f = calloc(1, sizeof(*f));
	enum err e = ERR_OK;

	if (f == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	f->o = *o;
	f->wake_fd = -1;
	forward_set_pace(f, &o->pace);
	f->left = UINT64_MAX;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->room, NULL);
	if (!forward_name_ok(o->site) || !forward_name_ok(o->sensor)) {
		e = diag_set(d, ERR_USAGE,
			     "--site and --sensor are names of up to 63 "
			     "letters, digits, '.', '_' and '-'");
	}
	if (e == ERR_OK) {
		snprintf(f->name, sizeof(f->name), "%s/%s", o->site, o->sensor);
		f->facts.started_ms = clock_wall_us() / 1000;
		e = forward_open_parts(f, d);
	}
	if (e == ERR_OK) {
		forward_show_stats(f);
		forward_show_ledger(f);
		if (f->control != NULL) {
			control_feed_recall(f->control);
		}
		e = start_thread(f, d);
	}
	if (e != ERR_OK) {
		forward_free(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

void
forward_finish(struct forward *f, enum forward_goal goal, unsigned wait_ms,
	       struct forward_result *out)
{
	struct spool_stats sp;
	uint64_t one = 1;

	if (f->running) {
		pthread_mutex_lock(&f->lock);
		f->goal = goal;
		f->deadline_us = clock_mono_us() + (uint64_t)wait_ms * 1000;
		f->ending = true;
		pthread_mutex_unlock(&f->lock);
		/* Should this fail, the thread looks by itself soon. */
		(void)!write(f->wake_fd, &one, sizeof(one));
		pthread_join(f->thread, NULL);
		f->running = false;
	}
	if (out != NULL) {
		spool_get_stats(f->spool, &sp);
		*out = (struct forward_result){ .reached = f->reached,
						.left_batches = sp.frames,
						.left_events = sp.events };
	}
}

void
forward_free(struct forward *f)
{
	if (f == NULL) {
		return;
	}
	if (f->running) {
		forward_finish(f, FORWARD_SPOOLED, 0, NULL);
	}
	sender_free(f->sender);
	control_feed_free(f->control);
	forward_keys_free(&f->keys);
	/* A thread that ran to its end leaves nothing in memory. */
	forward_ledger_close(&f->ledger, f->ended || !f->begun);
	spool_close(f->spool);
	frame_codec_free(f->codec);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		batch_fini(&f->batch[c]);
	}
	json_fini(&f->line);
	json_fini(&f->ledger_json);
	free(f->fill.p);
	free(f->drain.p);
	if (f->wake_fd >= 0) {
		close(f->wake_fd);
	}
	pthread_cond_destroy(&f->room);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
