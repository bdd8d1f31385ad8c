/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/assess.h"
#include "collector/dedupe.h"
#include "collector/enrich.h"
#include "collector/feed.h"
#include "collector/health.h"
#include "collector/inflate.h"
#include "collector/ingest.h"
#include "collector/sighting.h"
#include "collector/store.h"
#include "collector/store_ledger.h"
#include "common/clock.h"
#include "common/eve.h"
#include "common/log.h"

#define WAIT_MS 1000
#define BROKER_PATIENCE_US (UINT64_C(10) * US_PER_S)
/* A frame that came broken so often is given up as lost. */
#define MAX_BAD_TRIES 3
#define BAD_SLOTS 256
/* From this level on both sides are asked to consult. */
#define CONSULT_LEVEL 4

/* Frames that keep coming broken; a small table, overwritten when it fills. */
struct bad_frame {
	int64_t sensor;
	uint64_t epoch, seq;
	unsigned tries;
};

struct pipeline {
	struct pipeline_config cfg;
	struct ingest *ingest;
	struct frame_codec *codec;
	struct eve *eve;
	struct dedupe *dedupe;
	struct enrich *enrich;
	struct sighting_batch *sightings;
	struct correlate *correlate;
	struct assessment assessment;
	struct store *store;
	struct store_ledger *ledger;
	struct health *health;
	struct feed *feed;
	struct bad_frame bad[BAD_SLOTS];
	bool trimmed[INGEST_MAX_STREAMS];
	struct pipeline_stats stats,
		committed; /* with and without this batch */
	struct sighting_set set;
	uint64_t now_us; /* wall clock of this batch */
	bool broker_up;
};

static enum err
load_mark(void *arg, const struct store_mark *m)
{
	struct pipeline *p = arg;

	return dedupe_load(p->dedupe, m->sensor, m->epoch, m->upto,
			   m->published);
}

static enum err
load_range(void *arg, int64_t sensor, uint64_t epoch, uint64_t lo, uint64_t hi)
{
	struct pipeline *p = arg;

	return dedupe_load_range(p->dedupe, sensor, epoch, lo, hi);
}

/* Makes memory agree with the disk: at start, and after a failed commit. */
static enum err
reload(struct pipeline *p)
{
	uint64_t newest = store_newest_run(p->store);
	uint64_t horizon = 2 * p->cfg.correlate.window_us;
	enum err e;

	correlate_free(p->correlate);
	p->correlate = correlate_new(&p->cfg.correlate);
	sighting_batch_reset(p->sightings);
	dedupe_reset(p->dedupe);
	if (p->correlate == NULL) {
		return ERR_NOMEM;
	}
	/* A clock that ran ahead must not make us forget the present. */
	newest = MIN(newest, clock_wall_us());
	e = store_load_runs(p->store, p->correlate,
			    newest > horizon ? newest - horizon : 0,
			    p->cfg.correlate.max_runs / 4 * 3);
	if (e == ERR_OK) {
		e = store_each_mark(p->store, load_mark, p);
	}
	if (e == ERR_OK) {
		e = store_each_range(p->store, load_range, p);
	}
	dedupe_clean(p->dedupe);
	return e;
}

void
pipeline_close(struct pipeline *p)
{
	if (p == NULL) {
		return;
	}
	feed_close(p->feed);
	health_free(p->health);
	assess_fini(&p->assessment);
	correlate_free(p->correlate);
	store_ledger_free(p->ledger);
	store_close(p->store);
	sighting_batch_free(p->sightings);
	enrich_free(p->enrich);
	dedupe_free(p->dedupe);
	eve_free(p->eve);
	frame_codec_free(p->codec);
	ingest_free(p->ingest);
	free(p);
}

enum err
pipeline_open(struct pipeline **out, const struct pipeline_config *cfg,
	      struct diag *d)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	enum err e;

	*out = NULL;
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	p->cfg = *cfg;
	p->broker_up = true;
	assess_init(&p->assessment);
	e = ingest_new(&p->ingest, cfg->redis, cfg->consumer, d);
	if (e == ERR_OK) {
		p->codec = frame_codec_new(1);
		p->eve = eve_new();
		p->dedupe = dedupe_new();
		p->enrich = enrich_new(cfg->missions);
		p->sightings = sighting_batch_new();
		p->health = health_new();
		if (p->codec == NULL || p->eve == NULL || p->dedupe == NULL ||
		    p->enrich == NULL || p->sightings == NULL ||
		    p->health == NULL) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	for (unsigned i = 0; i < cfg->n_geoip && e == ERR_OK; i++) {
		e = enrich_add_db(p->enrich, cfg->geoip[i], d);
	}
	if (e == ERR_OK) {
		e = store_open(&p->store, cfg->store, d);
	}
	if (e == ERR_OK) {
		e = store_ledger_new(&p->ledger, p->store, d);
	}
	if (e == ERR_OK) {
		health_set_ledger(p->health, p->ledger);
		e = reload(p);
		if (e != ERR_OK) {
			e = diag_set(d, e, "%s: cannot be read: %s", cfg->store,
				     store_error(p->store));
		}
	}
	if (e == ERR_OK && cfg->feed != NULL) {
		e = feed_open(&p->feed, cfg->feed, d);
	}
	if (e != ERR_OK) {
		pipeline_close(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

/* ------------------------------------------------- sightings to incidents */

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	struct pipeline *p = arg;
	char text[96];
	enum err e = store_incident_merge(p->store, from, into);

	p->stats.incidents_merged++;
	snprintf(text, sizeof(text),
		 "incident %" PRId64 " turned out to be part of this one",
		 from);
	if (e == ERR_OK) {
		e = store_incident_log(p->store, into, p->now_us, "correlate",
				       "merged", text);
	}
	snprintf(text, sizeof(text), "now part of incident %" PRId64, into);
	if (e == ERR_OK) {
		e = store_incident_log(p->store, from, p->now_us, "correlate",
				       "merged", text);
	}
	log_info("incident %" PRId64 " is now part of incident %" PRId64, from,
		 into);
	return e;
}

/* Who leads, and that both are to talk: once for each reason. */
static enum err
consult(struct pipeline *p, int64_t id, const struct store_incident_kept *was)
{
	const struct assessment *a = &p->assessment;
	char text[768];
	enum err e = ERR_OK;

	if (a->n_owners > 1 && !was->support) {
		snprintf(text, sizeof(text),
			 "touches more than one owner: %s leads, %s supports; "
			 "consult",
			 a->lead, a->support);
		e = store_incident_log(p->store, id, p->now_us, "correlate",
				       "consult", text);
		log_info("incident %" PRId64 " %s", id, text);
	}
	if (e == ERR_OK && a->level >= CONSULT_LEVEL &&
	    (!was->found || was->level < CONSULT_LEVEL)) {
		snprintf(text, sizeof(text),
			 "level %u (%s): serious enough to consult whoever it "
			 "touches",
			 a->level, severity_level_name(a->level));
		e = store_incident_log(p->store, id, p->now_us, "correlate",
				       "consult", text);
		log_info("incident %" PRId64 " %s", id, text);
	}
	return e;
}

/* What is to be said of a change: NULL when it is more of the same. */
static const char *
what_changed(const struct store_incident_kept *was, const struct assessment *a)
{
	if (!was->found) {
		return "opened";
	}
	return a->score > was->score || a->level > was->level ? "raised" : NULL;
}

static enum err
tell(struct pipeline *p, int64_t id, const char *what,
     const struct store_incident_kept *was)
{
	const struct assessment *a = &p->assessment;
	char text[768];
	enum err e = ERR_OK;

	if (was->found && was->closed) {
		e = store_incident_reopen(p->store, id);
		if (e == ERR_OK) {
			e = store_incident_log(p->store, id, p->now_us,
					       "correlate", "open",
					       "new evidence after it was "
					       "closed");
		}
	}
	snprintf(text, sizeof(text), "level %u %s, score %u, %s%s%s: %s",
		 a->level, severity_level_name(a->level), a->score,
		 a->lead[0] != '\0' ? "lead " : "no owner known", a->lead,
		 a->exercise[0] != '\0' ? ", exercise" : "", a->title);
	if (e == ERR_OK) {
		e = store_incident_log(p->store, id, p->now_us, "correlate",
				       what, text);
	}
	log_info("incident %" PRId64 " %s: %s", id, what, text);
	if (e == ERR_OK && p->feed != NULL) {
		e = feed_incident(p->feed, id, what, a, p->now_us);
	}
	return e == ERR_OK ? consult(p, id, was) : e;
}

static enum err
on_incident(void *arg, struct incident *i)
{
	struct pipeline *p = arg;
	struct assessment *a = &p->assessment;
	struct store_incident_kept was = { 0 };
	struct store_incident_change c;
	const char *what;
	enum err e = assess_incident(i, p->cfg.missions, a);

	if (e == ERR_OK && i->id != 0) {
		e = store_incident_get(p->store, i->id, &was);
	}
	if (e != ERR_OK ||
	    (was.found && was.score == a->score &&
	     was.summary_hash == XXH3_64bits(a->summary.p, a->summary.len))) {
		return e;
	}
	c = (struct store_incident_change){
		.id = was.found ? i->id : 0,
		.exercise = a->exercise,
		.title = a->title,
		.lead = a->lead,
		.support = a->support,
		.score = a->score,
		.level = a->level,
		.first_us = a->first_us,
		.last_us = a->last_us,
		.at_us = p->now_us,
		.summary = json_view(&a->summary),
	};
	e = store_incident_put(p->store, &c, &i->id);
	p->stats.incidents_opened += !was.found;
	what = what_changed(&was, a);
	return e == ERR_OK && what != NULL ? tell(p, i->id, what, &was) : e;
}

static enum err
on_run(void *arg, const struct run *r)
{
	struct pipeline *p = arg;

	return store_run(p->store, r);
}

static enum err
on_gone(void *arg, uint64_t run)
{
	struct pipeline *p = arg;

	return store_run_gone(p->store, run);
}

static enum err
correlate_sightings(struct pipeline *p)
{
	enum err e = ERR_OK;
	unsigned n = sighting_batch_len(p->sightings);

	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = correlate_add(p->correlate,
				  sighting_batch_get(p->sightings, i));
	}
	sighting_batch_reset(p->sightings);
	return e;
}

/* ------------------------------------------------------ frames to alerts */

/* One frame on its way through. */
struct passage {
	unsigned stream;
	int64_t sensor, frame;
	const char *site, *name;
	struct store_tally tally;
	uint64_t lines; /* in its batch */
	char owner[SIGHTING_NAME_CAP];
};

static enum err
take_alert(struct pipeline *p, struct passage *t, const struct alert *a,
	   struct view line, size_t off)
{
	char src[ENRICH_JSON_CAP];
	struct view src_info = VIEW_LIT("{}"), dst_info = VIEW_LIT("{}");
	enum err e;

	if (a->has_addrs) {
		src_info = enrich_addr(p->enrich, t->site, &a->src);
		memcpy(src, src_info.p, src_info.len);
		src_info.p = (const uint8_t *)src;
		dst_info = enrich_addr(p->enrich, t->site, &a->dst);
	}
	e = store_alert(p->store, a, t->sensor, t->site, t->frame, off,
			line.len, src_info, dst_info, &p->set.alert);
	if (e != ERR_OK) {
		return e;
	}
	if (p->feed != NULL) {
		e = feed_alert(p->feed, a, line, p->set.alert, src_info,
			       dst_info);
	}
	t->tally.alerts++;
	t->tally.last_us = MAX(t->tally.last_us, a->timestamp_us);
	if (t->tally.first_us == 0 || a->timestamp_us < t->tally.first_us) {
		t->tally.first_us = a->timestamp_us;
	}
	if (a->owner.len != 0) {
		snprintf(t->owner, sizeof(t->owner), "%.*s", (int)a->owner.len,
			 (const char *)a->owner.p);
	}
	{
		int64_t id = p->set.alert;

		sighting_from_alert(a, p->cfg.missions, &p->set);
		p->set.alert = id;
	}
	if (e == ERR_OK && !sighting_batch_add(p->sightings, &p->set)) {
		e = correlate_sightings(p);
		if (e == ERR_OK && !sighting_batch_add(p->sightings, &p->set)) {
			e = ERR_LIMIT;
		}
	}
	return e;
}

/* Statistics, or a ledger, which stands in an event of the same type. */
static enum err
take_stats(struct pipeline *p, struct passage *t, const struct alert *a,
	   struct view line)
{
	struct ledger l;
	enum err e = store_ledger_told(p->ledger, t->sensor, a->picket,
				       p->now_us, &l);

	return e == ERR_OK && l.epoch == 0
		       ? store_sensor_stats(p->store, t->sensor, line)
		       : e;
}

static enum err
take_line(struct pipeline *p, struct passage *t, struct view raw, size_t off,
	  size_t len)
{
	struct view line = view_sub(raw, off, len);
	struct alert a;
	const char *why;
	enum err e = ERR_OK;
	enum eve_kind kind = eve_parse(p->eve, line, &a, &why);

	/* A sensor speaks for itself only. */
	if (kind != EVE_BAD && (!view_eq(a.site, view_cstr(t->site)) ||
				!view_eq(a.sensor, view_cstr(t->name)))) {
		kind = EVE_BAD;
		e = store_count(p->store, "lines_foreign", 1);
	}
	switch (kind) {
	case EVE_BAD:
		t->tally.lines_refused++;
		break;
	case EVE_ALERT:
		e = take_alert(p, t, &a, line, off);
		break;
	case EVE_STATS:
		e = take_stats(p, t, &a, line);
		p->stats.other_events++;
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
	size_t off = 0;
	uint32_t n = 0;
	enum err e = ERR_OK;

	while (off < f->raw.len && e == ERR_OK) {
		const uint8_t *nl =
			memchr(f->raw.p + off, '\n', f->raw.len - off);
		size_t end = nl != NULL ? (size_t)(nl - f->raw.p) : f->raw.len;

		if (end > off) {
			e = take_line(p, t, f->raw, off, end - off);
			n++;
		}
		off = end + 1;
	}
	t->lines = n;
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
       const char *why)
{
	t->tally.frames_refused++;
	if (ingest_deadletter(p->ingest, t->stream, e, why) != ERR_OK) {
		/* The broker went away; the count stays. */
		return store_count(p->store, "deadletters_lost", 1);
	}
	return ERR_OK;
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
	enum err e = refuse(p, t, entry, f->why);

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
		t->tally.duplicates++;
		/* The sensor does not know yet: say it again. */
		e = dedupe_note(p->dedupe, t->sensor, f->h.epoch, f->h.seq,
				f->h.seq, &verdict, &n);
		return e == ERR_OK ? store_ledger_repeat(p->ledger, t->sensor,
							 f->h.epoch)
				   : e;
	}
	if (inflate_body(p->codec, entry, f) != INFLATE_FRAME) {
		return take_bad_body(p, t, entry, f);
	}
	e = dedupe_note(p->dedupe, t->sensor, f->h.epoch, f->h.seq, f->h.seq,
			&verdict, &n);
	if (e == ERR_OK && verdict == DEDUPE_FULL) {
		return store_count(p->store, "frames_postponed", 1);
	}
	if (e == ERR_OK) {
		e = store_frame(p->store, t->sensor, &f->h, entry->data,
				p->now_us, &t->frame);
	}
	if (e == ERR_LIMIT) {
		/* An epoch so old that its mark was forgotten. */
		t->tally.duplicates++;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		t->tally.frames++;
		p->stats.bytes += f->raw.len;
		e = take_lines(p, t, f);
	}
	if (e == ERR_OK) {
		e = store_ledger_batch(p->ledger, t->sensor, &f->h, t->lines,
				       0);
	}
	return e;
}

static enum err
take_entry(struct pipeline *p, const struct ingest_entry *entry)
{
	struct passage t = { .stream = entry->stream,
			     .site = ingest_site(p->ingest, entry->stream),
			     .name = ingest_sensor(p->ingest, entry->stream) };
	struct inflated f;
	enum err e = store_sensor(p->store, t.site, t.name, &t.sensor);

	if (e != ERR_OK) {
		return e;
	}
	t.tally.seen_us = p->now_us;
	switch (inflate_header(entry, &f)) {
	case INFLATE_GAP:
		e = take_gap(p, &t, &f, "declared by the sensor");
		break;
	case INFLATE_FRAME:
		e = take_frame(p, &t, entry, &f);
		break;
	default:
		/* An entry that was trimmed away has no fields at all. */
		if (entry->v.len != 0 || entry->data.len != 0) {
			e = refuse(p, &t, entry, f.why);
		}
		break;
	}
	t.tally.owner = t.owner;
	p->stats.frames += t.tally.frames;
	p->stats.alerts += t.tally.alerts;
	p->stats.lines_refused += t.tally.lines_refused;
	p->stats.frames_refused += t.tally.frames_refused;
	p->stats.frames_repeated += t.tally.duplicates;
	return e == ERR_OK ? store_sensor_add(p->store, t.sensor, &t.tally) : e;
}

/* ----------------------------------------------------- commit, then tell */

static enum err
keep_mark(void *arg, const struct dedupe_mark *m)
{
	struct pipeline *p = arg;
	enum err e = store_mark_clear(p->store, m->sensor, m->epoch);

	for (unsigned i = 0; i < m->n_ranges && e == ERR_OK; i++) {
		e = store_mark_range(p->store, m->sensor, m->epoch,
				     m->ranges[i].lo, m->ranges[i].hi);
	}
	return e == ERR_OK ? store_mark(p->store, m->sensor, m->epoch, m->upto)
			   : e;
}

static enum err
keep_counters(struct pipeline *p)
{
	const struct pipeline_stats *a = &p->stats, *b = &p->committed;
	const struct {
		const char *name;
		uint64_t add;
	} rows[] = {
		{ "frames_stored", a->frames - b->frames },
		{ "alerts_stored", a->alerts - b->alerts },
		{ "events_other", a->other_events - b->other_events },
		{ "frames_refused", a->frames_refused - b->frames_refused },
		{ "frames_repeated", a->frames_repeated - b->frames_repeated },
		{ "lines_refused", a->lines_refused - b->lines_refused },
		{ "frames_lost", a->frames_lost - b->frames_lost },
		{ "frames_abandoned",
		  a->frames_abandoned - b->frames_abandoned },
		{ "entries_oversize",
		  a->entries_oversize - b->entries_oversize },
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(rows) && e == ERR_OK; i++) {
		e = store_count(p->store, rows[i].name, rows[i].add);
	}
	return e;
}

static enum err
take_batch(struct pipeline *p, const struct ingest_entry *entries, size_t n)
{
	struct correlate_sink sink = { p, on_merged, on_incident, on_run,
				       on_gone };
	enum err e = store_begin(p->store);

	p->stats.entries_oversize = ingest_oversize(p->ingest);

	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		e = take_entry(p, &entries[i]);
	}
	if (e == ERR_OK) {
		e = correlate_sightings(p);
	}
	if (e == ERR_OK) {
		e = correlate_flush(p->correlate, &sink);
	}
	if (e == ERR_OK) {
		e = dedupe_each(p->dedupe, true, keep_mark, p);
	}
	if (e == ERR_OK) {
		e = keep_counters(p);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	return e;
}

struct publish {
	struct pipeline *p;
	int64_t sensor; /* the one whose name stands here */
	enum err err;
};

static enum err
publish_mark(void *arg, const struct store_mark *m)
{
	struct pipeline *p = arg;

	return m->published ? ingest_publish(p->ingest, m->site, m->name,
					     m->epoch, m->upto)
			    : ERR_OK;
}

/* Tells every sensor how far it is committed. */
static enum err
publish_all(struct pipeline *p, struct diag *d)
{
	enum err e = store_each_mark(p->store, publish_mark, p);

	return e == ERR_OK ? ingest_done(p->ingest, d) : ERR_AGAIN;
}

struct one_mark {
	struct pipeline *p;
	const char *site, *name;
	int64_t sensor;
	enum err err;
};

static enum err
publish_one(void *arg, const struct dedupe_mark *m)
{
	struct one_mark *o = arg;

	return m->sensor == o->sensor && m->latest
		       ? ingest_publish(o->p->ingest, o->site, o->name,
					m->epoch, m->upto)
		       : ERR_OK;
}

/* The batch is on the disk: publish, acknowledge, trim.  What fails here is
 * delivered again and refused as a repeat. */
static enum err
acknowledge(struct pipeline *p, const struct ingest_entry *entries, size_t n,
	    struct diag *d)
{
	enum err e = ERR_OK;

	memset(p->trimmed, 0, sizeof(p->trimmed));
	for (size_t i = n; i-- > 0 && e == ERR_OK;) {
		const struct ingest_entry *t = &entries[i];
		struct one_mark o = { .p = p };

		e = ingest_ack(p->ingest, t->stream, t->id);
		if (e != ERR_OK || p->trimmed[t->stream]) {
			continue;
		}
		p->trimmed[t->stream] = true;
		o.site = ingest_site(p->ingest, t->stream);
		o.name = ingest_sensor(p->ingest, t->stream);
		e = store_sensor(p->store, o.site, o.name, &o.sensor);
		if (e == ERR_OK) {
			e = dedupe_each(p->dedupe, true, publish_one, &o);
		}
	}
	for (size_t i = n; i-- > 0 && e == ERR_OK;) {
		if (p->trimmed[entries[i].stream]) {
			p->trimmed[entries[i].stream] = false;
			e = ingest_trim(p->ingest, entries[i].stream,
					entries[i].id);
		}
	}
	dedupe_clean(p->dedupe);
	return e == ERR_OK ? ingest_done(p->ingest, d) : ERR_AGAIN;
}

static void
nap(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/*
 * The store refused (disk full, most of the time).  Nothing of the batch is
 * kept or acknowledged; memory goes back to what the disk says, and the batch
 * comes again.
 */
static enum err
recover(struct pipeline *p, struct diag *d)
{
	log_err("%s: the batch could not be stored and will be tried again: %s",
		p->cfg.store, store_error(p->store));
	store_rollback(p->store);
	p->stats = p->committed;
	if (p->feed != NULL) {
		feed_drop(p->feed);
	}
	if (reload(p) != ERR_OK) {
		return diag_set(d, ERR_IO, "%s: %s: restart when it is mended",
				p->cfg.store, store_error(p->store));
	}
	ingest_rewind(p->ingest);
	nap(WAIT_MS);
	return ERR_OK;
}

static enum err
process(struct pipeline *p, const struct ingest_entry *entries, size_t n,
	struct diag *d)
{
	uint64_t start = clock_mono_us();

	p->now_us = clock_wall_us();
	if (take_batch(p, entries, n) != ERR_OK) {
		return recover(p, d);
	}
	p->stats.commits++;
	p->stats.busy_us += clock_mono_us() - start;
	p->committed = p->stats;
	if (p->feed != NULL) {
		enum err e = feed_flush(p->feed, d);

		if (e != ERR_OK) {
			return e;
		}
	}
	return acknowledge(p, entries, n, d) == ERR_AGAIN ? ERR_OK : ERR_OK;
}

static void
log_stats(const struct pipeline *p)
{
	const struct pipeline_stats *s = &p->stats;
	struct correlate_stats c;

	correlate_stats(p->correlate, &c);
	log_info("%" PRIu64 " alerts in %" PRIu64 " frames, %" PRIu64
		 " repeated, %" PRIu64 " refused, %" PRIu64
		 " lines refused, %" PRIu64
		 " frames lost; %zu keys, %zu links, "
		 "%zu incidents in memory; %u sensors, %u silent",
		 s->alerts, s->frames, s->frames_repeated, s->frames_refused,
		 s->lines_refused, s->frames_lost, c.runs, c.links, c.incidents,
		 ingest_n_streams(p->ingest), health_silent(p->health));
}

/* Says once that the broker is gone, and once that it is back. */
static void
note_broker(struct pipeline *p, bool up, const struct diag *d)
{
	if (up != p->broker_up) {
		if (up) {
			log_info("Redis is back");
		} else {
			log_warn("Redis is not there, trying on: %s", d->msg);
		}
	}
	p->broker_up = up;
}

enum err
pipeline_run(struct pipeline *p, volatile sig_atomic_t *stop,
	     volatile sig_atomic_t *report, volatile sig_atomic_t *rotate,
	     struct diag *d)
{
	uint64_t idle_since = clock_mono_us(), down_since = 0;
	enum err e = ERR_OK;

	while (!*stop && e == ERR_OK) {
		const struct ingest_entry *entries;
		bool renewed = false, idle = false;
		size_t n = 0;

		if (p->cfg.turn != NULL) {
			p->cfg.turn(p->cfg.turn_arg);
		}
		if (*report) {
			*report = 0;
			log_stats(p);
		}
		if (*rotate) {
			*rotate = 0;
			if (p->feed != NULL &&
			    feed_reopen(p->feed, d) != ERR_OK) {
				log_warn("%s", d->msg);
			}
		}
		e = ingest_read(p->ingest, WAIT_MS, &entries, &n, &renewed, d);
		if (e == ERR_AGAIN || (e == ERR_AUTH && p->stats.commits > 0)) {
			note_broker(p, false, d);
			e = ERR_OK;
			idle_since = clock_mono_us();
			down_since = down_since != 0 ? down_since : idle_since;
			if (p->cfg.until_idle_us != 0 &&
			    idle_since - down_since >=
				    p->cfg.until_idle_us + BROKER_PATIENCE_US) {
				return ERR_CLOSED;
			}
			nap(100);
			continue;
		}
		if (e != ERR_OK) {
			break;
		}
		note_broker(p, true, d);
		down_since = 0;
		if (n > 0) {
			e = process(p, entries, n, d);
			idle_since = clock_mono_us();
		}
		if (e == ERR_OK && renewed && publish_all(p, d) == ERR_AGAIN) {
			continue;
		}
		if (e == ERR_OK && health_check(p->health, p->ingest, p->store,
						false, d) != ERR_OK) {
			continue;
		}
		if (e == ERR_OK && n == 0 && p->cfg.until_idle_us != 0 &&
		    clock_mono_us() - idle_since >= p->cfg.until_idle_us &&
		    ingest_idle(p->ingest, &idle, d) == ERR_OK && idle) {
			break;
		}
	}
	if (e == ERR_OK &&
	    health_check(p->health, p->ingest, p->store, true, d) != ERR_OK) {
		log_warn("sensors could not be looked at once more: %s",
			 d->msg);
	}
	return e;
}

void
pipeline_stats(const struct pipeline *p, struct pipeline_stats *out)
{
	*out = p->committed;
}

void
pipeline_facts(const struct pipeline *p, struct pipeline_facts *out)
{
	out->broker_up = p->broker_up;
	out->sensors = ingest_n_streams(p->ingest);
	out->sensors_silent = health_silent(p->health);
	correlate_stats(p->correlate, &out->correlate);
}
