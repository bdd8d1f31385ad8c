/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the forwarder tells of itself: an alert of what was lost, an event with
 * the ledger, presence, and statistics for whoever asks.
 */
#include "sensor/forward_state.h"

#include "common/clock.h"

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
	ledger_file_raise(f->ledger.file, spool_class(sev), 1);
	pthread_mutex_unlock(&f->lock);
	forward_add_line(f, line, sev, now);
}

void
forward_losses(struct forward *f, struct loss_counts *c)
{
	struct spool_stats sp;

	spool_get_stats(f->spool, &sp);
	pthread_mutex_lock(&f->lock);
	c->queue_full = sum(f->dropped);
	c->oversize = f->st.oversize + f->too_long;
	pthread_mutex_unlock(&f->lock);
	memcpy(c->causes, sp.shed_causes, sizeof(c->causes));
	c->causes[SPOOL_NO_MEMORY] += sum(f->unpacked);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		c->shed[i] = sp.shed_events[i] + f->unpacked[i];
	}
}

static void
losses_since_start(struct forward *f, struct loss_counts *c)
{
	forward_losses(f, c);
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		c->causes[i] -= f->at_start.causes[i];
	}
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		c->shed[i] -= f->at_start.shed[i];
	}
}

/* A loss is reported as what it is: an alert. */
void
forward_tell_losses(struct forward *f, uint64_t now, bool ending)
{
	const struct loss_origin origin = {
		.site = f->o.site,
		.sensor = f->o.sensor,
		.exercise = f->facts.exercise,
	};
	struct loss_counts c;
	bool last = ending && !f->last_report;

	forward_losses(f, &c);
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
void
forward_tell_ledger(struct forward *f, bool ending, uint64_t now)
{
	if (f->o.packets == NULL || f->last_ledger ||
	    (!ending && now < MIN(f->next_ledger_us, now + f->ledger_us))) {
		return;
	}
	f->next_ledger_us = now + f->ledger_us;
	f->last_ledger = ending;
	add_ledger_event(f, now);
	if (ending) {
		forward_seal(f, spool_class(0));
	}
}

/* --- what others may know --- */

void
forward_show_stats(struct forward *f)
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
	st->points_forged = se.points_forged;
	st->points_old = se.points_old;
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

void
forward_show_ledger(struct forward *f)
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
	out->oversize += f->too_long;
	pthread_mutex_unlock(&f->lock);
}

void
forward_tell_presence(struct forward *f, bool ended)
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
	forward_show_ledger(f);
	sp.order = f->ledger_shown.order;
	sp.points_forged = f->st.points_forged;
	sp.ledger = f->o.packets != NULL ? ledger_text(f) : "";
	sender_presence(f->sender, &f->facts, &sp, ended);
}
