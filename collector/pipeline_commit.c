/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction: what is read until then, its commit, and the word on it.
 *
 * While more waits than one read gives, several of them share a transaction:
 * a group, a key or an incident that comes again is then written once, and
 * the disk is synced once.
 */
#include "collector/pipeline_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"

/* No batch waits longer for its commit because of those behind it. */
#define SHARE_US (US_PER_S / 2)
/* The feed holds the transaction's lines until it is committed. */
#define SHARE_BYTES (UINT64_C(64) << 20)

static enum err
keep_range(void *arg, const struct dedupe_mark *m, struct dedupe_range gone,
	   struct dedupe_range now)
{
	struct pipeline *p = arg;
	enum err e = ERR_OK;

	if (gone.lo <= gone.hi) {
		e = store_mark_clear(p->store, m->sensor, m->epoch, gone.lo,
				     gone.hi);
	}
	return e == ERR_OK && now.lo <= now.hi
		       ? store_mark_range(p->store, m->sensor, m->epoch, now.lo,
					  now.hi)
		       : e;
}

static enum err
keep_mark(void *arg, const struct dedupe_mark *m)
{
	struct pipeline *p = arg;
	enum err e = dedupe_changes(m, keep_range, p);

	return e == ERR_OK ? store_mark(p->store, m->sensor, m->epoch, m->upto,
					m->latest)
			   : e;
}

/* A clock that is wrong, or right again. */
static enum err
tell_clock(void *arg, const struct taps_clock *c)
{
	struct pipeline *p = arg;

	if (strcmp(c->state, "off") == 0) {
		log_warn("sensor %s/%s: its clock is %.3f s %s those of %u "
			 "others",
			 c->site, c->sensor,
			 (double)llabs(c->offset_us) / US_PER_S,
			 c->offset_us < 0 ? "behind" : "ahead of", c->others);
	}
	return p->feed != NULL ? feed_clock(p->feed, c->site, c->sensor,
					    c->state, c->offset_us, p->now_us)
			       : ERR_OK;
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
		{ "contacts", a->contacts - b->contacts },
		{ "findings_forgotten",
		  a->findings_forgotten - b->findings_forgotten },
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
take_entries(struct pipeline *p, const struct ingest_entry *entries, size_t n)
{
	enum err e = ERR_OK;

	prepare_begin(p->prepare, entries, n, (int64_t)(p->now_us / US_PER_S));
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		struct pipeline_taken *t = &p->taken[p->n_taken++];

		t->stream = entries[i].stream;
		snprintf(t->id, sizeof(t->id), "%s", entries[i].id);
		e = pipeline_take_entry(p, &entries[i],
					prepare_next(p->prepare));
	}
	prepare_end(p->prepare);
	return e;
}

/* Whether a further read may follow the one of 'n' entries at hand. */
static bool
may_share(const struct pipeline *p, size_t n, uint64_t start_us)
{
	return ingest_more(p->ingest) && pipeline_part_knows(p) &&
	       p->n_taken + n + INGEST_MAX_ENTRIES <= PIPELINE_ENTRIES &&
	       p->stats.bytes - p->committed.bytes < SHARE_BYTES &&
	       clock_mono_us() - start_us < SHARE_US;
}

/* These entries and what comes at once behind them. */
static enum err
take_reads(struct pipeline *p, const struct ingest_entry *entries, size_t n,
	   bool *renewed, struct diag *d)
{
	uint64_t start = clock_mono_us();
	bool more = true;
	enum err e = ERR_OK;

	p->n_taken = 0;
	while (more && e == ERR_OK && n > 0) {
		bool anew = false;

		more = may_share(p, n, start);
		if (more) {
			ingest_ahead(p->ingest);
		}
		e = take_entries(p, entries, n);
		/* A broker that went away is met again by the next read, and
		 * what it delivered comes again. */
		if (more && ingest_read(p->ingest, 0, &entries, &n, &anew, d) !=
				    ERR_OK) {
			more = false;
		}
		*renewed |= anew;
	}
	return e;
}

enum err
pipeline_conclude(struct pipeline *p)
{
	enum err e;

	taps_clocks(p->taps);
	e = pipeline_correlate(p);
	if (e == ERR_OK) {
		e = pipeline_rejoin(p);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	if (e == ERR_OK) {
		e = pipeline_case_keep(p);
	}
	if (e == ERR_OK) {
		e = dedupe_each(p->dedupe, true, keep_mark, p);
	}
	if (e == ERR_OK) {
		e = taps_keep(p->taps, tell_clock, p);
	}
	if (e == ERR_OK) {
		e = finder_keep(p->finder);
	}
	if (e == ERR_OK) {
		e = pipeline_trim_epochs(p);
	}
	if (e == ERR_OK) {
		e = pipeline_keep_tallies(p);
	}
	if (e == ERR_OK) {
		e = pipeline_exercise_keep(p->exercises);
	}
	if (e == ERR_OK) {
		e = keep_counters(p);
	}
	if (e == ERR_OK && p->part.out != NULL) {
		e = part_out_keep(p->part.out);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	if (e == ERR_OK) {
		pipeline_warn_settled(p, true);
	}
	return e;
}

enum err
pipeline_take(struct pipeline *p, const struct ingest_entry *entries, size_t n,
	      bool *renewed, struct diag *d)
{
	enum err e = store_begin(p->store);

	if (e == ERR_OK) {
		e = pipeline_part_begin(p);
	}
	if (e == ERR_OK) {
		e = take_reads(p, entries, n, renewed, d);
	}
	p->stats.entries_oversize = ingest_oversize(p->ingest);
	return e == ERR_OK ? pipeline_conclude(p) : e;
}

/* ------------------------------------------------------ the word on it */

struct one_mark {
	struct pipeline *p;
	const char *site, *name;
	int64_t sensor;
};

static enum err
publish_one(void *arg, const struct dedupe_mark *m)
{
	struct one_mark *o = arg;

	return m->sensor == o->sensor && m->latest
		       ? pipeline_publish(o->p, o->site, o->name, m->epoch,
					  m->upto)
		       : ERR_OK;
}

static enum err
publish(struct pipeline *p, unsigned stream)
{
	struct one_mark o = { p, ingest_site(p->ingest, stream),
			      ingest_sensor(p->ingest, stream),
			      p->tallies[stream].sensor };

	return dedupe_each(p->dedupe, true, publish_one, &o);
}

/* Acknowledges those of one stream that follow each other; '*i' goes on
 * behind them. */
static enum err
ack_row(struct pipeline *p, size_t *i)
{
	const char *ids[64];
	unsigned stream = p->taken[*i].stream;
	size_t n = 0;

	while (n < ARRAY_LEN(ids) && *i < p->n_taken &&
	       p->taken[*i].stream == stream) {
		ids[n++] = p->taken[(*i)++].id;
	}
	return ingest_ack(p->ingest, stream, ids, n);
}

enum err
pipeline_acknowledge(struct pipeline *p, struct diag *d)
{
	enum err e = ERR_OK;

	memset(p->trimmed, 0, sizeof(p->trimmed));
	for (size_t i = 0; i < p->n_taken && e == ERR_OK;) {
		e = ack_row(p, &i);
	}
	/* From the end: the last of each stream says how far it has come. */
	for (size_t i = p->n_taken; i-- > 0 && e == ERR_OK;) {
		const struct pipeline_taken *t = &p->taken[i];

		if (!p->trimmed[t->stream]) {
			p->trimmed[t->stream] = true;
			e = publish(p, t->stream);
		}
	}
	for (size_t i = p->n_taken; i-- > 0 && e == ERR_OK;) {
		const struct pipeline_taken *t = &p->taken[i];

		if (p->trimmed[t->stream]) {
			p->trimmed[t->stream] = false;
			e = ingest_trim(p->ingest, t->stream, t->id);
		}
	}
	dedupe_clean(p->dedupe);
	return e == ERR_OK ? ingest_done(p->ingest, d) : ERR_AGAIN;
}
