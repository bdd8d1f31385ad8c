/* SPDX-License-Identifier: Apache-2.0 */
/* Frames to alerts: what one entry of a stream becomes. */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"

/* A frame that came broken so often is given up as lost. */
#define MAX_BAD_TRIES 3

/* One frame on its way through. */
struct passage {
	const struct prepared *ready;
	uint64_t lines, foreign; /* in its batch; of other sensors */
	unsigned stream;
	int64_t sensor;
	const char *site, *name;
	struct pipeline_tally *tally;
};

/* What is known of the alert's ends, for its group and the feed. */
static enum err
describe(struct pipeline *p, struct passage *t, const struct alert *a,
	 struct view line, int64_t id, int64_t event, bool undescribed)
{
	char src[ENRICH_JSON_CAP];
	struct view src_info = VIEW_LIT("{}"), dst_info = VIEW_LIT("{}");
	enum err e = ERR_OK;

	if (!undescribed && p->feed == NULL) {
		return ERR_OK;
	}
	if (a->has_addrs) {
		src_info = enrich_addr(p->enrich, t->site, &a->src);
		memcpy(src, src_info.p, src_info.len);
		src_info.p = (const uint8_t *)src;
		dst_info = enrich_addr(p->enrich, t->site, &a->dst);
	}
	if (undescribed) {
		e = store_frame_info(p->store, src_info, dst_info);
	}
	return e == ERR_OK && p->feed != NULL
		       ? feed_alert(p->feed, a, line, id, event, src_info,
				    dst_info)
		       : e;
}

static void
count_alert(struct pipeline_tally *t, const struct alert *a)
{
	t->sum.alerts++;
	t->sum.last_us = MAX(t->sum.last_us, a->timestamp_us);
	if (t->sum.first_us == 0 || a->timestamp_us < t->sum.first_us) {
		t->sum.first_us = a->timestamp_us;
	}
	if (a->owner.len != 0) {
		size_t n = MIN(a->owner.len, sizeof(t->owner) - 1);

		memcpy(t->owner, a->owner.p, n);
		t->owner[n] = '\0';
	}
}

enum err
pipeline_sight_alert(struct pipeline *p, const struct alert *a, int64_t id,
		     const struct taps_view *seen)
{
	enum err e;

	if (sighting_batch_count(p->sightings, a, seen->us, !seen->again)) {
		return ERR_OK;
	}
	e = pipeline_gate_past(p, a);
	if (e != ERR_OK) {
		return e;
	}
	sighting_from_alert(a, p->cfg.missions, &p->set);
	pipeline_warn_alert(p, a, &p->set);
	p->set.alert = id;
	p->set.events = !seen->again;
	if (!p->set.past) {
		p->set.first_us = p->set.last_us = seen->us;
	}
	return pipeline_sight(p, &p->set);
}

/* A part stores it, and leaves it to the head what to make of it. */
static enum err
take_part_alert(struct pipeline *p, struct passage *t, const struct alert *a,
		struct view line)
{
	bool undescribed;
	int64_t id;
	enum err e = store_frame_alert(p->store, a, &id, &undescribed);

	if (e == ERR_OK) {
		e = part_out_alert(p->part.out, t->site, t->name, id, a);
	}
	if (e == ERR_OK) {
		e = describe(p, t, a, line, id, id, undescribed);
	}
	count_alert(t->tally, a);
	return e;
}

static enum err
take_alert(struct pipeline *p, struct passage *t, const struct alert *a,
	   struct view line)
{
	struct alert real;
	bool undescribed;
	int64_t id;
	int inject;
	struct taps_view seen;
	enum err e;

	if (p->part.out != NULL) {
		return take_part_alert(p, t, a, line);
	}
	a = pipeline_exercise_judge(p->exercises, a, &real, &inject);
	e = store_frame_alert(p->store, a, &id, &undescribed);
	if (e == ERR_OK && inject != EXERCISE_REAL) {
		e = pipeline_exercise_note(p->exercises, a, t->site, inject,
					   id);
	}
	if (e == ERR_OK) {
		e = taps_alert(p->taps, t->sensor, id, a, &seen);
	}
	if (e == ERR_OK) {
		e = describe(p, t, a, line, id, seen.event, undescribed);
	}
	if (e != ERR_OK) {
		return e;
	}
	count_alert(t->tally, a);
	return pipeline_sight_alert(p, a, id, &seen);
}

static enum err
take_contacts(struct pipeline *p, struct passage *t, const struct alert *a,
	      struct view line)
{
	bool good = true;
	enum err e = p->part.out != NULL
			     ? pipeline_part_contacts(p, t->site, t->name, line,
						      &good)
			     : pipeline_contacts(p, a, line, &good);

	p->stats.contacts += good;
	p->stats.other_events += good;
	t->tally->sum.lines_refused += !good;
	return e;
}

/* Whoever keeps the interval says so: the other finds it kept. */
static enum err
tell_killed(struct pipeline *p, const struct passage *t,
	    const struct blind_span *span)
{
	bool changed = false;
	enum err e = store_blind_span(p->store, t->sensor, span, &changed);

	if (e != ERR_OK || !changed) {
		return e;
	}
	log_warn("sensor %s/%s: was blind: %s: %s", t->site, t->name,
		 blind_cause_name(span->cause), span->detail);
	return p->feed != NULL
		       ? feed_blind(p->feed, t->site, t->name, span, p->now_us)
		       : ERR_OK;
}

/* Statistics, or a ledger, which stands in an event of the same type. */
static enum err
take_stats(struct pipeline *p, struct passage *t, const struct alert *a,
	   struct view line)
{
	struct ledger l;
	struct blind_span span;
	enum err e = store_ledger_told(p->ledger, t->sensor, a->picket,
				       p->now_us, &l);

	/* Presence tells this too, but only of the last time. */
	if (e == ERR_OK && blind_killed(&l, &span)) {
		e = tell_killed(p, t, &span);
	}
	return e == ERR_OK && l.epoch == 0
		       ? store_sensor_stats(p->store, t->sensor, line)
		       : e;
}

static enum err
take_line(struct pipeline *p, struct passage *t, struct view line,
	  enum eve_kind kind, const struct alert *a)
{
	enum err e = ERR_OK;

	/* A sensor speaks for itself only. */
	if (kind != EVE_BAD && (!view_eq(a->site, view_cstr(t->site)) ||
				!view_eq(a->sensor, view_cstr(t->name)))) {
		kind = EVE_BAD;
		t->foreign++;
		e = store_count(p->store, "lines_foreign", 1);
	}
	if (e == ERR_OK) {
		e = kind == EVE_ALERT ? take_alert(p, t, a, line)
				      : store_frame_other(p->store);
	}
	switch (kind) {
	case EVE_BAD:
		t->tally->sum.lines_refused++;
		break;
	case EVE_ALERT:
		break;
	case EVE_STATS:
		if (e == ERR_OK) {
			e = take_stats(p, t, a, line);
		}
		p->stats.other_events++;
		break;
	case EVE_ANCHOR:
		if (e == ERR_OK) {
			e = p->part.out != NULL
				    ? part_out_anchor(p->part.out, t->site,
						      t->name, a)
				    : taps_anchor(p->taps, t->sensor, a);
		}
		p->stats.other_events++;
		break;
	case EVE_CONTACTS:
		if (e == ERR_OK) {
			e = take_contacts(p, t, a, line);
		}
		break;
	case EVE_OTHER:
		p->stats.other_events++;
		break;
	}
	return e;
}

static enum err
take_lines(struct pipeline *p, struct passage *t, const struct inflated *f)
{
	const struct prepared *ready = t->ready;
	size_t off = ready->rest;
	uint32_t n = 0;
	enum err e = ERR_OK;

	for (; n < ready->n_lines && e == ERR_OK; n++) {
		const struct prepared_line *l = &ready->lines[n];

		e = take_line(p, t, l->text, l->kind, &l->a);
	}
	/* More than are read ahead: from nobody but an attacker. */
	while (off < f->raw.len && e == ERR_OK) {
		const uint8_t *nl =
			memchr(f->raw.p + off, '\n', f->raw.len - off);
		size_t end = nl != NULL ? (size_t)(nl - f->raw.p) : f->raw.len;

		if (end > off) {
			struct view line = view_sub(f->raw, off, end - off);
			const char *why;
			struct alert a;
			enum eve_kind kind = eve_parse(p->eve, line, &a, &why);

			/* Not a bad line: the batch is not taken, and
			 * comes again. */
			e = kind == EVE_BAD && eve_no_memory(p->eve)
				    ? ERR_NOMEM
				    : take_line(p, t, line, kind, &a);
			n++;
		}
		off = end + 1;
	}
	t->lines = n;
	if (e == ERR_OK && t->foreign > 0) {
		e = pipeline_count_refused(p, t->stream, t->sensor,
					   CAUSE_FOREIGN_LINE, t->foreign,
					   "lines that name another sensor");
	}
	if (e == ERR_OK && n != f->h.n) {
		e = store_count(p->store, "frames_miscounted", 1);
	}
	return e;
}

/* Whether a frame that came broken came so once too often. */
static bool
hopeless(struct pipeline *p, int64_t sensor, const struct frame_header *h)
{
	struct bad_frame *b =
		&p->bad[((uint64_t)sensor * 31 + h->seq) % BAD_SLOTS];

	if (b->sensor != sensor || b->epoch != h->epoch || b->seq != h->seq) {
		*b = (struct bad_frame){ sensor, h->epoch, h->seq, 0 };
	}
	return ++b->tries >= MAX_BAD_TRIES;
}

static enum err
refuse(struct pipeline *p, struct passage *t, const struct ingest_entry *e,
       enum pipeline_cause cause, const char *why)
{
	enum err err =
		pipeline_count_refused(p, t->stream, t->sensor, cause, 1, why);

	t->tally->sum.frames_refused++;
	if (err == ERR_OK &&
	    ingest_deadletter(p->ingest, t->stream, e, why) != ERR_OK) {
		/* The broker went away; the count stays. */
		err = store_count(p->store, "deadletters_lost", 1);
	}
	return err;
}

static enum err
refuse_header(struct pipeline *p, struct passage *t,
	      const struct ingest_entry *e, const char *field)
{
	char why[64];

	snprintf(why, sizeof(why), "field %s", field);
	return refuse(p, t, e, CAUSE_HEADER, why);
}

/* With its number: whoever looks into it wants to know which. */
static enum err
refuse_batch(struct pipeline *p, struct passage *t,
	     const struct ingest_entry *e, const struct inflated *f,
	     enum pipeline_cause cause, const char *why)
{
	char what[160];

	snprintf(what, sizeof(what), "epoch %" PRIu64 " seq %" PRIu64 ", %s",
		 f->h.epoch, f->h.seq, why);
	return refuse(p, t, e, cause, what);
}

static enum err
take_gap(struct pipeline *p, struct passage *t, const struct inflated *f,
	 const char *cause)
{
	enum dedupe_verdict verdict;
	uint64_t n = 0;
	enum err e = dedupe_note(p->dedupe, t->sensor, f->h.epoch, f->gap_from,
				 f->gap_to, &verdict, &n);

	if (e != ERR_OK || verdict != DEDUPE_NEW) {
		return e;
	}
	p->stats.gaps++;
	p->stats.frames_lost += n;
	e = store_gap(p->store, t->sensor, f->h.epoch, f->gap_from, f->gap_to,
		      n, f->gap_n, cause, p->now_us);
	return e == ERR_OK
		       ? store_ledger_gap(p->ledger, t->sensor, f->h.epoch, n)
		       : e;
}

/* A frame whose body is broken: kept aside, and in the end given up. */
static enum err
take_bad_body(struct pipeline *p, struct passage *t,
	      const struct ingest_entry *entry, struct inflated *f)
{
	enum err e = refuse_batch(p, t, entry, f, CAUSE_BODY, f->why);

	if (e == ERR_OK && hopeless(p, t->sensor, &f->h)) {
		f->gap_from = f->gap_to = f->h.seq;
		f->gap_n = f->h.n;
		p->stats.frames_abandoned++;
		e = take_gap(p, t, f, "unreadable");
		if (e == ERR_OK) {
			e = store_ledger_batch(p->ledger, t->sensor, &f->h, 0,
					       f->h.n);
		}
	}
	return e;
}

static enum err
take_frame(struct pipeline *p, struct passage *t,
	   const struct ingest_entry *entry, struct inflated *f)
{
	enum dedupe_verdict verdict;
	uint64_t n;
	enum err e;

	if (dedupe_has(p->dedupe, t->sensor, f->h.epoch, f->h.seq)) {
		t->tally->sum.duplicates++;
		/* The sensor does not know yet: say it again. */
		e = dedupe_note(p->dedupe, t->sensor, f->h.epoch, f->h.seq,
				f->h.seq, &verdict, &n);
		return e == ERR_OK ? store_ledger_repeat(p->ledger, t->sensor,
							 f->h.epoch)
				   : e;
	}
	if (t->ready->body != INFLATE_FRAME) {
		return take_bad_body(p, t, entry, f);
	}
	e = dedupe_note(p->dedupe, t->sensor, f->h.epoch, f->h.seq, f->h.seq,
			&verdict, &n);
	if (e == ERR_OK && verdict == DEDUPE_FULL) {
		return store_count(p->store, "frames_postponed", 1);
	}
	if (e == ERR_OK) {
		e = store_frame_begin(p->store, t->sensor, t->site, &f->h);
	}
	if (e == ERR_LIMIT) {
		/* Its mark is not what it was: a store that was mended. */
		t->tally->sum.duplicates++;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		t->tally->sum.frames++;
		p->stats.bytes += f->raw.len;
		e = take_lines(p, t, f);
	}
	if (e == ERR_OK) {
		e = store_ledger_batch(p->ledger, t->sensor, &f->h, t->lines,
				       0);
	}
	return e == ERR_OK ? store_frame_end(p->store, entry->data, p->now_us)
			   : e;
}

/* The sums of the entry's sensor, which is known from here on. */
static enum err
tally_of(struct pipeline *p, unsigned stream, struct pipeline_tally **out)
{
	struct pipeline_tally *t = &p->tallies[stream];
	enum err e = ERR_OK;

	if (t->sensor == 0) {
		e = store_sensor(p->store, ingest_site(p->ingest, stream),
				 ingest_sensor(p->ingest, stream), &t->sensor);
	}
	if (e == ERR_OK && !t->touched) {
		t->touched = true;
		p->touched[p->n_touched++] = stream;
	}
	*out = t;
	return e;
}

enum err
pipeline_take_entry(struct pipeline *p, const struct ingest_entry *entry,
		    struct prepared *ready)
{
	struct passage t = { .ready = ready,
			     .stream = entry->stream,
			     .site = ingest_site(p->ingest, entry->stream),
			     .name = ingest_sensor(p->ingest, entry->stream) };
	enum pipeline_cause cause = CAUSE_NONE;
	struct inflated *f = &ready->f;
	enum err e = tally_of(p, entry->stream, &t.tally);

	if (e != ERR_OK) {
		return e;
	}
	t.sensor = t.tally->sensor;
	t.tally->sum.seen_us = p->now_us;
	if (ready->header == INFLATE_BAD_HEADER) {
		/* An entry that was trimmed away has no fields at all. */
		return entry->v.len != 0 || entry->data.len != 0
			       ? refuse_header(p, &t, entry, f->why)
			       : ERR_OK;
	}
	e = pipeline_admit(p, t.stream, t.tally, ready, &cause);
	if (e != ERR_OK) {
		return e;
	}
	if (cause != CAUSE_NONE) {
		char why[64];

		snprintf(why, sizeof(why),
			 ready->key[0] != '\0' ? "key %s" : "no key",
			 ready->key);
		return refuse_batch(p, &t, entry, f, cause, why);
	}
	return ready->header == INFLATE_GAP
		       ? take_gap(p, &t, f, "declared by the sensor")
		       : take_frame(p, &t, entry, f);
}

static void
clear_tallies(struct pipeline *p)
{
	for (unsigned i = 0; i < p->n_touched; i++) {
		struct pipeline_tally *t = &p->tallies[p->touched[i]];

		*t = (struct pipeline_tally){ .sensor = t->sensor };
	}
	p->n_touched = 0;
}

enum err
pipeline_keep_tallies(struct pipeline *p)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < p->n_touched && e == ERR_OK; i++) {
		struct pipeline_tally *t = &p->tallies[p->touched[i]];
		struct store_tally *sum = &t->sum;

		sum->owner = t->owner;
		p->stats.frames += sum->frames;
		p->stats.alerts += sum->alerts;
		p->stats.lines_refused += sum->lines_refused;
		p->stats.frames_refused += sum->frames_refused;
		p->stats.frames_repeated += sum->duplicates;
		e = store_sensor_add(p->store, t->sensor, sum);
	}
	clear_tallies(p);
	return e;
}

void
pipeline_forget_tallies(struct pipeline *p)
{
	memset(p->tallies, 0, sizeof(p->tallies));
	p->n_touched = 0;
}
