/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_warn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/correlate_case.h"
#include "collector/pipeline_state.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/delta.h"
#include "common/indicator_value.h"
#include "common/log.h"
#include "common/pattern.h"

/* Keys of one incident that are looked up in one batch. */
#define MAX_LOOKUPS 256
/* Offered in one turn. */
#define MAX_OFFERS 64
/* That are tried for one value, when the first had its share. */
#define MAX_SITES 8
#define FOLLOW_US US_PER_S
#define RETRY_US US_PER_S
/* Rows compared with the common set in one turn; and the next, while there are
 * more: an import changes many, of which few were warned of. */
#define MAX_AGREED 256
#define AGREE_US (US_PER_S / 50)
/* By which a sensor's clock may be behind ours. */
#define CLOCKS_US (15 * US_PER_S)
/* A sensor that has not taken it by then is told of by "indicators armed". */
#define FOLLOW_FOR_US (UINT64_C(3600) * US_PER_S)

/* ------------------------------------------------------------ what is told */

static enum err
tell(struct pipeline *p, const struct store_warning *w)
{
	static const char *const means[WARNING_STATES] = {
		[WARNING_GIVEN] = "all sites are armed",
		[WARNING_HELD] = "the gate holds it",
		[WARNING_KNOWN] = "all sites were armed already",
		[WARNING_REFUSED] = "the common set has no room",
		[WARNING_OFF] = "not in force: removed, withdrawn or over",
	};

	const char *mean = means[w->state];

	if (w->state == WARNING_GIVEN && p->cfg.control_key == NULL) {
		mean = "the common set has it; no sensor is told, as there is "
		       "no control.sign-key";
	}
	log_info("warning: %s %s, first seen at %s, incident %" PRId64 ": %s",
		 indicator_kind_name(w->kind), w->value, w->site, w->incident,
		 mean);
	return p->feed != NULL ? feed_warning(p->feed, w, clock_wall_us())
			       : ERR_OK;
}

/* ----------------------------------------------------------- what is noted */

/* A site of a partner is told as "NAME:PLACE" of owner NAME; what was seen there
 * is the partner's to warn of. */
static bool
is_partners(const struct run_site *s)
{
	size_t n = strlen(s->owner);

	return n > 0 && strncmp(s->site, s->owner, n) == 0 && s->site[n] == ':';
}

/* Where it was seen first by an alert that counts; NULL: nowhere. */
static const struct run_site *
first_site(const struct run *r)
{
	const struct run_site *first = NULL;

	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		if (s->strong > 0 && !is_partners(s) &&
		    (first == NULL || s->first_us < first->first_us)) {
			first = s;
		}
	}
	return first;
}

/* Of what alerts show beside an indicator: what kind of one it would be.  A key
 * that ends in a hash is nobody's value (sighting.c). */
static bool
kind_of(const struct run *r, enum indicator_kind *out)
{
	*out = r->kind == KEY_ADDRESS  ? INDICATOR_IP
	       : r->kind == KEY_DOMAIN ? INDICATOR_DOMAIN
				       : INDICATOR_CERT_SHA1;
	return r->kind <= KEY_CERT && r->kind != KEY_INDICATOR &&
	       strlen(r->key) < SIGHTING_KEY_CAP - 1;
}

/* Who may see the key: whoever may see all that was said of it and all places
 * at which it was seen.  What bears no mark is for nobody. */
static const char *
mark_of(const struct run *r, char text[MARKING_TEXT_CAP])
{
	struct marking m = r->mark != NULL ? *r->mark : mark_nobody;

	if (r->said != NULL) {
		marking_join(&m, r->said);
	}
	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		if (s->mark != NULL) {
			marking_join(&m, s->mark);
		}
	}
	return marking_text(&m, text);
}

/* As readers of lists write a pattern: equal ones are one. */
static bool
canon_pattern(struct view text, char out[INDICATOR_PATTERN_CAP])
{
	struct pattern *p = NULL;
	struct diag why;
	bool ok = pattern_parse(&p, text, &why) == ERR_OK &&
		  pattern_supported(p, &why) == ERR_OK &&
		  pattern_print(p, out, INDICATOR_PATTERN_CAP) <
			  INDICATOR_PATTERN_CAP;

	pattern_free(p);
	return ok;
}

/* What is warned of, and of which incident. */
struct what {
	enum indicator_kind kind;
	bool exact;
	const char *value;
	int64_t incident;
	unsigned level;
	uint64_t cause_us; /* 0: when it was first seen there */
};

static bool
canon(const struct what *is, char out[INDICATOR_PATTERN_CAP])
{
	struct view v = view_cstr(is->value);
	struct diag why;
	size_t len;

	return is->kind == INDICATOR_PATTERN
		       ? canon_pattern(v, out)
		       : indicator_value_canon(is->kind, is->exact, v, out,
					       &len, &why) == ERR_OK;
}

/* Where it was seen first; but a site that had its share, or says that it was
 * first so that nobody hears of it, does not silence the others. */
static enum err
note_of_a_site(struct pipeline *p, const struct run *r, struct store_warning *w,
	       const struct run_site *first, uint64_t cause_us, bool *added,
	       bool *refused)
{
	const struct run_site *s = first;
	uint64_t valid = p->cfg.warn.valid_us, forgotten = 0;
	enum err e;

	for (unsigned n = 0;; n++) {
		w->site = s->site;
		w->first_us = s->first_us;
		w->cause_us = cause_us != 0 ? cause_us : s->first_us;
		e = store_warning_note(store_db(p->store), w,
				       p->now_us - MIN(p->now_us, valid),
				       r->kind == KEY_INDICATOR, added, refused,
				       &forgotten);
		s = s == first ? r->sites : s->next;
		while (s != NULL &&
		       (s == first || s->strong == 0 || is_partners(s))) {
			s = s->next;
		}
		if (e != ERR_OK || !*refused || s == NULL || n == MAX_SITES) {
			break;
		}
	}
	return e == ERR_OK
		       ? store_count(p->store, "warnings_forgotten", forgotten)
		       : e;
}

static enum err
note(struct pipeline *p, const struct run *r, const struct what *is)
{
	const struct run_site *site = first_site(r);
	char value[INDICATOR_PATTERN_CAP], mark[MARKING_TEXT_CAP];
	struct store_warning w = { .kind = is->kind,
				   .exact = is->exact,
				   .value = value,
				   .severity = r->severity,
				   .confidence = r->confidence,
				   .incident = is->incident,
				   .level = is->level,
				   .stored_us = p->now_us };
	bool added = false, refused = false;
	enum err e;

	if (site == NULL || r->muted || r->refuted || !canon(is, value)) {
		return ERR_OK;
	}
	w.mark = mark_of(r, mark);
	e = note_of_a_site(p, r, &w, site, is->cause_us, &added, &refused);
	p->warn.pending |= added && w.state == WARNING_NOTED;
	p->stats.warnings_refused += refused;
	if (e == ERR_OK && added && w.state == WARNING_KNOWN) {
		w.last_site = w.last_sensor = "";
		e = tell(p, &w);
	}
	return e;
}

enum err
pipeline_warn_incident(struct pipeline *p, const struct incident *i, bool all)
{
	const struct assessment *a = &p->assessment;
	struct what is = { .exact = true,
			   .incident = i->id,
			   .level = a->level,
			   .cause_us = a->last_us };
	unsigned n = 0;
	enum err e = ERR_OK;

	if (!p->cfg.warn.on || a->exercise[0] != '\0' ||
	    a->level < p->cfg.warn.level || !correlate_stands(i)) {
		return ERR_OK;
	}
	for (const struct run *r = i->members;
	     r != NULL && e == ERR_OK && n < MAX_LOOKUPS; r = r->next_member) {
		if ((all || r->dirty) && r->exercise[0] == '\0' &&
		    kind_of(r, &is.kind)) {
			is.value = r->key;
			e = note(p, r, &is);
			n++;
		}
	}
	return e;
}

/* Only what an alert of this transaction named has its spelling; what was armed
 * by a warning, here or elsewhere, is no news. */
enum err
pipeline_warn_run(struct pipeline *p, const struct run *r)
{
	const struct spelling *s = p->cfg.warn.on && r->kind == KEY_INDICATOR &&
						   r->exercise[0] == '\0'
					   ? spellings_of(p->warn.named, r->key)
					   : NULL;
	enum err e = ERR_OK;

	for (; s != NULL && e == ERR_OK; s = s->next) {
		struct what is = {
			.kind = s->kind,
			.exact = s->exact,
			.value = s->value,
			.incident = r->incident != NULL ? r->incident->id : 0,
		};

		e = note(p, r, &is);
	}
	return e;
}

void
pipeline_warn_alert(struct pipeline *p, const struct alert *a,
		    const struct sighting_set *s)
{
	enum indicator_kind kind;

	if (!p->cfg.warn.on || !a->has_indicator || s->exercise[0] != '\0' ||
	    a->indicator.value.len == 0 || sighting_is_warned(a) ||
	    !indicator_kind_read(a->indicator.type, &kind)) {
		return;
	}
	for (unsigned i = 0; i < s->n_keys; i++) {
		if (s->keys[i].kind == KEY_INDICATOR &&
		    !spellings_note(p->warn.named, s->site, s->keys[i].text,
				    kind,
				    kind != INDICATOR_DOMAIN ||
					    !a->indicator.subdomains,
				    a->indicator.value)) {
			p->stats.warnings_refused++;
		}
	}
}

void
pipeline_warn_settled(struct pipeline *p, bool committed)
{
	spellings_reset(p->warn.named);
	if (p->warn.moved) {
		common_set_settled(p->common, committed);
		p->warn.moved = false;
	}
}

enum err
pipeline_warn_merged(struct pipeline *p, int64_t from, int64_t into)
{
	return store_warning_merged(store_db(p->store), from, into);
}

/* ------------------------------------------------------- and then offered */

/* The record of our own, 'text' its description. */
static struct indicator
record_of(struct pipeline *p, const struct store_warning *w, const char *text)
{
	struct indicator i = {
		.kind = w->kind,
		.exact = w->exact,
		.marked = true,
		.severity = (uint8_t)w->severity,
		.confidence = (uint8_t)MIN(w->confidence, 100u),
		.valid_from_us = w->stored_us,
		.valid_until_us = w->stored_us + p->cfg.warn.valid_us,
		.modified_us = w->stored_us,
		.value = w->value,
		.id = "",
		.source = INDICATOR_WARNING_SOURCE,
		.created_by = "",
		.description = text,
		.labels = "",
		.tactic = "",
		.kill_chain = "",
	};

	if (i.confidence == 0) {
		i.confidence = INDICATOR_CONFIDENCE_UNKNOWN;
	}
	mark_read_kept(&i.mark, view_cstr(w->mark));
	return i;
}

/* As what an alert shows it, which an incident's is, beside what names it. */
static enum key_kind
key_kind(const struct store_warning *w)
{
	return w->level == 0                    ? KEY_INDICATOR
	       : w->kind == INDICATOR_IP        ? KEY_ADDRESS
	       : w->kind == INDICATOR_DOMAIN    ? KEY_DOMAIN
	       : w->kind == INDICATOR_CERT_SHA1 ? KEY_CERT
						: KEY_INDICATOR;
}

static enum err
offer(void *arg, const struct store_warning *w)
{
	struct pipeline *p = arg;
	uint64_t now = clock_wall_us();
	char text[96] = "seen at a site";
	struct store_warning is = *w;
	struct indicator i = record_of(p, w, text);
	struct indicator_put put;
	enum err e;

	if (w->incident != 0) {
		snprintf(text, sizeof(text), "incident %" PRId64, w->incident);
	}
	e = common_set_offer(p->common, INDICATOR_WARNING_SOURCE, &i, now,
			     &put);
	if (e == ERR_OK && put.outcome != INDICATOR_NO_ROOM) {
		e = common_set_seen_before(p->common, put.id, key_kind(w),
					   w->value);
	}
	if (e == ERR_OK) {
		e = store_warning_offered(
			store_db(p->store), &is,
			put.outcome == INDICATOR_NO_ROOM ? 0 : put.id, now);
	}
	if (e != ERR_OK) {
		return e;
	}
	p->stats.warnings += is.state == WARNING_GIVEN;
	p->stats.warnings_held += is.state == WARNING_HELD;
	p->committed.warnings = p->stats.warnings;
	p->committed.warnings_held = p->stats.warnings_held;
	p->warn.open |= is.state == WARNING_GIVEN;
	return tell(p, &is);
}

/* ------------------------------------------------------- or taken back */

static enum err
take_back(void *arg, const struct store_warning *w)
{
	struct pipeline *p = arg;
	struct indicator i = record_of(p, w, "");
	struct indicator_put put;
	uint64_t evicted = 0;
	enum err e = common_set_join(p->common, INDICATOR_WARNING_SOURCE, 0,
				     p->now_us, &put);

	i.revoked = true;
	i.modified_us = p->now_us;
	p->warn.moved = true;
	if (e == ERR_OK) {
		e = common_set_put(p->common, &i, &put, &evicted);
	}
	if (e == ERR_OK) {
		e = common_set_leave(p->common);
	}
	return e == ERR_OK ? tell(p, w) : e;
}

enum err
pipeline_warn_withdraw(struct pipeline *p, int64_t id)
{
	return store_warning_withdraw(store_db(p->store), id, p->now_us,
				      take_back, p);
}

/* An analyst, the gate, a source or time changed what the set has of it. */
static enum err
on_moved(void *arg, enum warning_state was, const struct store_warning *w)
{
	struct pipeline *p = arg;

	p->warn.open |= w->state == WARNING_GIVEN;
	p->stats.warnings += was == WARNING_HELD && w->state == WARNING_GIVEN;
	p->committed.warnings = p->stats.warnings;
	return was != WARNING_KNOWN ? tell(p, w) : ERR_OK;
}

/* ---------------------------------------------------------- and followed */

/* What all sensors have in force that are there; "n" 0: there are none, or one
 * does not say. */
static enum err
in_force(sqlite3 *db, struct warning_fleet *f)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;
	bool all = true;

	*f = (struct warning_fleet){ .change = UINT64_MAX };
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT site,sensor,json_extract(presence,"
		    "'$.indicator_version'),json_extract(presence,"
		    "'$.indicators_taken_us') FROM sensors WHERE state='live'"
		    " AND json_valid(presence) AND json_extract(presence,"
		    "'$.indicator_version')<>''",
		    -1, &st, NULL) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			uint64_t epoch = 0, version = 0, taken;

			taken = strtoull(sql_text(st, 3), NULL, 10);
			all &= delta_version_read(sql_text(st, 2), &epoch,
						  &version);
			f->change = MIN(f->change, version);
			f->n++;
			if (taken >= f->taken_us) {
				f->taken_us = taken;
				snprintf(f->site, sizeof(f->site), "%s",
					 sql_text(st, 0));
				snprintf(f->sensor, sizeof(f->sensor), "%s",
					 sql_text(st, 1));
			}
		}
	}
	sqlite3_finalize(st);
	f->n = all ? f->n : 0;
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
follow(struct pipeline *p)
{
	struct warning_fleet f;
	uint64_t now = clock_wall_us();
	enum err e = in_force(store_db(p->store), &f);

	return e == ERR_OK ? store_warning_armed(store_db(p->store), &f, now,
						 CLOCKS_US,
						 now - MIN(now, FOLLOW_FOR_US),
						 &p->warn.open)
			   : e;
}

/* What the common set made of warnings meanwhile. */
static enum err
agree(struct pipeline *p)
{
	struct pipeline_warn *w = &p->warn;
	bool more = false;
	enum err e = store_warning_agree(store_db(p->store), &w->cursor,
					 clock_wall_us(), MAX_AGREED, &more,
					 on_moved, p);

	w->next_us = clock_mono_us() + (more ? AGREE_US : FOLLOW_US);
	return e;
}

enum err
pipeline_warn_turn(struct pipeline *p, struct diag *d)
{
	struct pipeline_warn *w = &p->warn;
	sqlite3 *db = store_db(p->store);
	uint64_t now = clock_mono_us();
	enum err e = ERR_OK;

	if (!p->cfg.warn.on) {
		return ERR_OK; /* and nothing is pending: the pipeline may wait */
	}
	if (w->look) {
		w->pending = w->open = true;
		w->look = false;
	}
	if (w->failed && now < w->retry_us) {
		return ERR_OK;
	}
	if (now >= w->next_us) {
		e = agree(p);
	}
	if ((e == ERR_OK || e == ERR_AGAIN) && w->pending) {
		int64_t before = sqlite3_total_changes(db);

		e = store_warning_each(db, WARNING_NOTED, 0, MAX_OFFERS, offer,
				       p);
		w->pending =
			e == ERR_AGAIN || sqlite3_total_changes(db) != before;
	}
	if ((e == ERR_OK || e == ERR_AGAIN) && w->open && now >= w->follow_us) {
		enum err f;

		w->follow_us = now + FOLLOW_US;
		f = follow(p);
		e = f != ERR_OK ? f : e;
	}
	if (e != ERR_OK && e != ERR_AGAIN) {
		if (!w->failed) {
			log_warn("warnings: %s; trying on", sqlite3_errmsg(db));
		}
		w->look = true;
		w->pending = false;
		w->retry_us = now + RETRY_US;
	}
	w->failed = e != ERR_OK && e != ERR_AGAIN;
	return p->feed != NULL ? feed_flush(p->feed, d) : ERR_OK;
}
