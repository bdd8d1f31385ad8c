/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/forward.h"

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

#define MAX_SOCKETS 16 /* of the link: one, but in a cluster */
#define QUEUE_BYTES ((size_t)8 << 20)
#define LINE_HEAD 5 /* length, severity */
#define SYNC_EVERY 64 /* batches */
#define FAREWELL_US (US_PER_S / 2)
#define LEDGER_S 60
#define COMMIT_US (US_PER_S * 3 / 4) /* less than until a resend */

/* One half of the queue: filled by the producer or emptied by the thread. */
struct half {
	uint8_t *p;
	size_t len;
};

struct forward {
	struct forward_options o;
	char name[SPOOL_NAME_CAP], dir[512];
	struct spool *spool;
	struct sender *sender;
	struct control_feed *control; /* NULL: documents are not taken */
	struct sign_key *sign; /* NULL: batches are not signed */
	struct frame_codec *codec;
	/* One for each class: what is shed is of one class, and counts by
	 * class are exact. */
	struct batch batch[SPOOL_CLASSES];
	struct forward_ledger ledger;
	struct json line, ledger_json;
	pthread_t thread;
	bool running, begun;
	int wake_fd;
	size_t half_cap;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t room;
	struct half fill;
	bool ending; /* no more lines will come */
	bool ended;
	enum forward_goal goal;
	uint64_t deadline_us;
	uint64_t left; /* batches, when last sent again at the end */
	uint64_t sent_us; /* when FORWARD_SENT was first reached; or 0 */
	bool reached;
	struct forward_stats shown; /* the thread's, as of its last round */
	struct ledger ledger_shown; /* likewise */
	uint64_t dropped[SPOOL_CLASSES];

	/* The thread's own. */
	struct half drain;
	struct forward_stats st;
	struct presence_facts facts;
	unsigned unsynced;
	uint64_t next_presence_us, next_ledger_us;
	uint64_t presence_connects; /* connections that heard of us */
	bool last_ledger; /* the one at the end is on its way */
	struct loss_report losses;
	struct loss_counts at_start; /* shed in the spool's life before */
	bool disk_failing; /* told once per change */
	uint64_t disk_failed_us; /* last */
	bool last_report; /* of losses, at the end: made */
	uint64_t unpacked[SPOOL_CLASSES]; /* shed before they had a frame */
};

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

bool
forward_push(struct forward *f, struct view line, uint8_t severity)
{
	size_t need = LINE_HEAD + line.len;
	uint64_t one = 1;
	bool fits, was_empty;

	if (line.len == 0 || (line.len == 1 && line.p[0] == '\n')) {
		return true;
	}
	pthread_mutex_lock(&f->lock);
	while (f->o.block && need <= f->half_cap &&
	       f->half_cap - f->fill.len < need && !f->ended) {
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

static void
seal_batch(struct forward *f, unsigned cls)
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

static void
add_line(struct forward *f, struct view line, uint8_t sev, uint64_t now)
{
	unsigned cls = spool_class(sev);
	enum err e = batch_add(&f->batch[cls], line, sev, now);

	if (e == ERR_AGAIN) {
		seal_batch(f, cls);
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
		add_line(f, view_of(h.p + at + LINE_HEAD, len), h.p[at + 4],
			 now);
		at += LINE_HEAD + len;
	}
}

static uint64_t
sum(const uint64_t *v)
{
	return v[0] + v[1] + v[2] + v[3];
}

/* A line of the forwarder's own. */
static void
add_own_line(struct forward *f, struct view line, uint8_t sev, uint64_t now)
{
	pthread_mutex_lock(&f->lock);
	ledger_file_raise(f->ledger.file, spool_class(sev));
	pthread_mutex_unlock(&f->lock);
	add_line(f, line, sev, now);
}

/* All that this stage lost. */
static void
count_losses(struct forward *f, struct loss_counts *c)
{
	struct spool_stats sp;

	spool_get_stats(f->spool, &sp);
	pthread_mutex_lock(&f->lock);
	c->queue_full = sum(f->dropped);
	pthread_mutex_unlock(&f->lock);
	c->oversize = f->st.oversize;
	memcpy(c->causes, sp.shed_causes, sizeof(c->causes));
	c->causes[SPOOL_NO_MEMORY] += sum(f->unpacked);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		c->shed[i] = sp.shed_events[i] + f->unpacked[i];
	}
}

static void
losses_since_start(struct forward *f, struct loss_counts *c)
{
	count_losses(f, c);
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		c->causes[i] -= f->at_start.causes[i];
	}
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		c->shed[i] -= f->at_start.shed[i];
	}
}

/* A loss is reported as what it is: an alert. */
static void
report_losses(struct forward *f, uint64_t now, bool ending)
{
	const struct loss_origin origin = {
		.site = f->o.site,
		.sensor = f->o.sensor,
		.exercise = f->facts.exercise,
	};
	struct loss_counts c;
	bool last = ending && !f->last_report;

	count_losses(f, &c);
	f->last_report |= ending;
	if (loss_report(&f->losses, &c, &origin, now, last, &f->line)) {
		add_own_line(f, json_view(&f->line), 1, now);
	}
}

/* --- the ledger --- */

static void
make_ledger(struct forward *f, struct ledger *out)
{
	uint64_t batched[SPOOL_CLASSES];

	*out = (struct ledger){ .ended = f->last_ledger };
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		batched[c] = f->batch[c].n;
	}
	pthread_mutex_lock(&f->lock);
	forward_ledger_raised(&f->ledger, out);
	pthread_mutex_unlock(&f->lock);
	forward_ledger_fill(&f->ledger, batched, out);
	if (f->o.packets != NULL) {
		f->o.packets(f->o.packets_arg, out);
	}
}

/* The ledger as an event, which is spooled and committed as any. */
static void
add_ledger_event(struct forward *f, uint64_t now)
{
	struct json *j = &f->line;
	struct ledger l;

	make_ledger(f, &l);
	json_reset(j);
	json_obj(j, NULL);
	json_time(j, "timestamp", clock_wall_us());
	json_cstr(j, "event_type", "stats");
	json_obj(j, "picket");
	json_cstr(j, "site", f->o.site);
	json_cstr(j, "sensor", f->o.sensor);
	if (f->facts.exercise[0] != '\0') {
		json_cstr(j, "exercise", f->facts.exercise);
	}
	ledger_write(j, "ledger", &l);
	json_obj_end(j);
	json_obj_end(j);
	if (!j->failed) {
		add_own_line(f, json_view(j), 0, now);
	}
}

/* Every minute; and at the end, when all else is in the spool. */
static void
report_ledger(struct forward *f, bool ending, uint64_t now)
{
	if (f->o.packets == NULL || f->last_ledger ||
	    (!ending && now < f->next_ledger_us)) {
		return;
	}
	f->next_ledger_us =
		now +
		(f->o.ledger_s != 0 ? f->o.ledger_s : LEDGER_S) * US_PER_S;
	f->last_ledger = ending;
	add_ledger_event(f, now);
	if (ending) {
		seal_batch(f, spool_class(0));
	}
}

/* --- what others may know --- */

static void
show_stats(struct forward *f)
{
	struct forward_stats *st = &f->st;
	struct sender_stats se;
	struct spool_stats sp;

	sender_get_stats(f->sender, &se);
	spool_get_stats(f->spool, &sp);
	st->sent = se.sent;
	st->resent = se.resent;
	st->connects = se.connects;
	st->refused = se.refused;
	memcpy(st->errors, se.errors, sizeof(st->errors));
	st->redis = se.state;
	memcpy(st->last_error, se.last_error, sizeof(st->last_error));
	memcpy(st->shed_events, sp.shed_events, sizeof(st->shed_events));
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		st->shed_events[c] += f->unpacked[c];
	}
	memcpy(st->shed_batches, sp.shed_frames, sizeof(st->shed_batches));
	st->epoch = spool_epoch(f->spool);
	st->last_seq = spool_last_seq(f->spool);
	st->committed = spool_committed(f->spool);
	st->depth_batches = sp.frames;
	st->depth_bytes = sp.bytes;
	st->depth_events = sp.events;
	st->sync_failures = sp.sync_failures;
	st->read_failures = sp.read_failures;
	losses_since_start(f, &st->lost);
	st->loss_alerts = f->losses.alerts;
	pthread_mutex_lock(&f->lock);
	f->shown = *st;
	pthread_mutex_unlock(&f->lock);
}

static void
show_ledger(struct forward *f)
{
	struct ledger l;

	make_ledger(f, &l);
	pthread_mutex_lock(&f->lock);
	f->ledger_shown = l;
	pthread_mutex_unlock(&f->lock);
}

/* What presence says of the ledger; "" without memory. */
static const char *
ledger_text(struct forward *f)
{
	struct json *j = &f->ledger_json;

	json_reset(j);
	ledger_write(j, NULL, &f->ledger_shown);
	json_append(j, view_of("", 1));
	return j->failed ? "" : (const char *)j->p;
}

void
forward_get_ledger(struct forward *f, struct ledger *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->ledger_shown;
	pthread_mutex_unlock(&f->lock);
}

void
forward_get_stats(struct forward *f, struct forward_stats *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->shown;
	memcpy(out->dropped, f->dropped, sizeof(out->dropped));
	pthread_mutex_unlock(&f->lock);
}

static void
tell_presence(struct forward *f, bool ended)
{
	struct presence_spool sp = {
		.epoch = f->st.epoch,
		.last_seq = f->st.last_seq,
		.committed = f->st.committed,
		.depth_frames = f->st.depth_batches,
		.depth_bytes = f->st.depth_bytes,
		.shed_events = sum(f->st.shed_events),
	};

	if (f->control != NULL) {
		struct control_feed_stats st;

		control_feed_get_stats(f->control, &st);
		sp.control_version = st.version;
		sp.control_refused = st.forged + st.replayed + st.unknown;
	}
	if (f->o.facts != NULL) {
		f->o.facts(f->o.facts_arg, &f->facts);
	}
	show_ledger(f);
	sp.ledger = f->o.packets != NULL ? ledger_text(f) : "";
	sender_presence(f->sender, &f->facts, &sp, ended);
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
	}
	spool_get_stats(f->spool, &sp);
	if (sp.frames == 0) {
		return true;
	}
	if (now < f->sent_us + COMMIT_US) {
		return false;
	}
	/* What Redis has lost from the middle only a stall would tell, and a
	 * sensor that ends has none; nor would the next one. */
	if (now < f->deadline_us && sp.frames < f->left &&
	    sender_send_again(f->sender)) {
		f->left = sp.frames;
		f->sent_us = now;
		return false;
	}
	return true;
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
		uint64_t due = f->batch[c].since_us + BATCH_US;

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

/* One round; false when there is no more to do. */
static bool
turn(struct forward *f)
{
	uint64_t now = clock_mono_us();
	bool ending;

	pthread_mutex_lock(&f->lock);
	ending = f->ending;
	pthread_mutex_unlock(&f->lock);
	take_lines(f, now);
	report_losses(f, now, ending);
	/* Before ending was set, all lines had been pushed: we have them. */
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		if (ending || batch_due(&f->batch[c], now)) {
			seal_batch(f, c);
		}
	}
	report_ledger(f, ending, now);
	sync_spool(f);
	forward_ledger_beat(&f->ledger, now);
	if (now >= f->next_presence_us) {
		f->next_presence_us = now + PRESENCE_PERIOD_US;
		tell_presence(f, false);
	}
	sender_step(f->sender);
	forward_ledger_commit(&f->ledger);
	show_stats(f);
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
	tell_presence(f, true);
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
	show_stats(f);
}

static void *
run(void *arg)
{
	struct forward *f = arg;

	while (turn(f)) {
	}
	farewell(f);
	show_ledger(f);
	pthread_mutex_lock(&f->lock);
	f->ended = true;
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* --- start and end --- */

static bool
name_part_ok(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	/* It stands in paths, in Redis keys and between their braces. */
	return n > 0 && n <= 63 && s[0] != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._-") == n;
}

static enum err
open_spool(struct forward *f, struct diag *d)
{
	struct spool_options so = { .dir = f->o.spool_dir,
				    .name = f->name,
				    .max_bytes = f->o.spool_max_bytes,
				    .sync = f->o.spool_sync };
	struct spool_stats st;
	enum err e;

	if (so.dir == NULL) {
		e = spool_default_dir(f->name, f->dir, sizeof(f->dir), d);
		if (e != ERR_OK) {
			return e;
		}
		so.dir = f->dir;
	} else {
		snprintf(f->dir, sizeof(f->dir), "%s", so.dir);
	}
	e = spool_open(&f->spool, &so, d);
	if (e != ERR_OK) {
		return e;
	}
	spool_get_stats(f->spool, &st);
	count_losses(f, &f->at_start);
	loss_report_init(&f->losses, &f->at_start);
	if (st.unreadable > 0) {
		log_err("spool %s: the disk does not let %llu of its files be "
			"read to their end; what they hold is lost",
			so.dir, (unsigned long long)st.unreadable);
	}
	if (st.cut_bytes > 0 || st.bad_records > 0) {
		log_warn("spool %s: cut %llu bytes of an unfinished write, "
			 "passed over %llu damaged batches",
			 so.dir, (unsigned long long)st.cut_bytes,
			 (unsigned long long)st.bad_records);
	}
	if (st.frames > 0) {
		log_info("spool %s: %llu batches with %llu events from "
			 "before wait to be committed",
			 so.dir, (unsigned long long)st.frames,
			 (unsigned long long)st.events);
	}
	return ERR_OK;
}

/* The newest version is remembered beside the spool's own files. */
static enum err
open_control(struct forward *f, struct diag *d)
{
	char state[sizeof(f->dir) + 16];
	struct control_feed_options co = {
		.key = f->o.control_key,
		.site = f->o.site,
		.sensor = f->o.sensor,
		.state = state,
		.take = f->o.control,
		.arg = f->o.control_arg,
	};

	snprintf(state, sizeof(state), "%s/control", f->dir);
	return control_feed_new(&f->control, &co, d);
}

static enum err
open_parts(struct forward *f, struct diag *d)
{
	struct sender_options so = {
		.redis = { .url = f->o.redis_url },
		.name = f->name,
		.depth = f->o.depth,
		.resend_us = f->o.resend_s * US_PER_S,
		.window_bytes = f->o.window_bytes,
	};
	enum err e = open_spool(f, d);

	if (f->o.redis != NULL) {
		so.redis = *f->o.redis;
	}
	if (e == ERR_OK) {
		e = forward_ledger_open(&f->ledger, f->dir, f->spool, d);
	}
	if (e == ERR_OK && f->o.control_key != NULL) {
		e = open_control(f, d);
		so.control = f->control;
	}
	if (e == ERR_OK && f->o.sign_key != NULL) {
		e = sign_key_load_any(&f->sign, f->o.sign_key, true, d);
		so.sign = f->sign;
	}
	if (e == ERR_OK) {
		e = sender_new(&f->sender, &so, f->spool, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	f->codec = frame_codec_new(f->o.level != 0 ? f->o.level : 6);
	f->half_cap =
		(f->o.queue_bytes != 0 ? f->o.queue_bytes : QUEUE_BYTES) / 2;
	/* One line of any allowed length fits. */
	f->half_cap = MAX(f->half_cap, FRAME_MAX_RAW + LINE_HEAD);
	f->fill.p = malloc(f->half_cap);
	f->drain.p = malloc(f->half_cap);
	f->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		if (batch_init(&f->batch[c]) != ERR_OK) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (f->codec == NULL || f->fill.p == NULL || f->drain.p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return f->wake_fd >= 0
		       ? ERR_OK
		       : diag_set(d, ERR_IO, "eventfd: %s", strerror(errno));
}

static enum err
start_thread(struct forward *f, struct diag *d)
{
	int rc = thread_start(&f->thread, run, f);

	if (rc != 0) {
		return diag_set(d, ERR_NOMEM, "cannot start a thread: %s",
				strerror(rc));
	}
	f->running = f->begun = true;
	return ERR_OK;
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
	f->left = UINT64_MAX;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->room, NULL);
	if (!name_part_ok(o->site) || !name_part_ok(o->sensor)) {
		e = diag_set(d, ERR_USAGE,
			     "--site and --sensor are names of up to 63 "
			     "letters, digits, '.', '_' and '-'");
	}
	if (e == ERR_OK) {
		snprintf(f->name, sizeof(f->name), "%s/%s", o->site, o->sensor);
		f->facts.started_ms = clock_wall_us() / 1000;
		e = open_parts(f, d);
	}
	if (e == ERR_OK) {
		show_stats(f);
		show_ledger(f);
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
	sign_key_free(f->sign);
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
