/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/health.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

enum state { UNKNOWN, LIVE, SILENT, ENDED };

struct health {
	uint8_t states[INGEST_MAX_STREAMS];
	uint8_t kept[INGEST_MAX_STREAMS]; /* the same, as committed */
	unsigned n_silent, n_kept_silent;
	uint64_t checked_us;
	struct json j;
	struct health_parts parts;
	/* Of each stream, made when it is first looked at; NULL: anew from the
	 * store. */
	struct watch *watch[INGEST_MAX_STREAMS];
	uint64_t was_down_us; /* when a collector looked last before this */
	bool begun;
	struct store_drop_told dropped;
	struct json_reader reader;
};

#define WATCHES_CAP 512

struct watch {
	struct blind blind;
	struct ledger ledger; /* the newest */
	char watches[WATCHES_CAP]; /* for which its assets are kept */
	struct ledger_overload priorities; /* the same */
	bool assets;
	bool looked;
};

struct health *
health_new(void)
{
	return calloc(1, sizeof(struct health));
}

/* What was not committed is not so. */
static void
forget(struct health *h)
{
	for (unsigned i = 0; i < INGEST_MAX_STREAMS; i++) {
		free(h->watch[i]);
		h->watch[i] = NULL;
	}
	memcpy(h->states, h->kept, sizeof(h->states));
	h->n_silent = h->n_kept_silent;
	h->begun = false;
}

void
health_free(struct health *h)
{
	if (h != NULL) {
		forget(h);
		json_reader_fini(&h->reader);
		json_fini(&h->j);
		free(h);
	}
}

void
health_set_parts(struct health *h, const struct health_parts *p)
{
	h->parts = *p;
}

unsigned
health_silent(const struct health *h)
{
	return h->n_silent;
}

/* --- was anyone looking? --- */

/* A field of presence; "" when it is not there. */
static void
field(struct health *h, const char *name, char *out, size_t cap)
{
	const struct json_value *v =
		json_member(&h->reader, json_root(&h->reader), view_cstr(name));

	out[0] = '\0';
	if (v != NULL && v->type == JSON_STRING) {
		snprintf(out, cap, "%.*s", (int)MIN(v->text.len, cap - 1),
			 (const char *)v->text.p);
	}
}

static enum err
tell_spans(struct health *h, struct store *s, int64_t id, const char *site,
	   const char *sensor, const struct blind_span *span, unsigned n)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		bool changed = false;

		e = store_blind_span(s, id, &span[i], &changed);
		if (e != ERR_OK || !changed) {
			continue;
		}
		log_warn("sensor %s/%s: %s%s%s%s", site, sensor,
			 span[i].to_us == 0 ? "blind: " : "no longer blind: ",
			 blind_cause_name(span[i].cause),
			 span[i].detail[0] != '\0' ? ": " : "", span[i].detail);
		if (h->parts.feed != NULL) {
			e = feed_blind(h->parts.feed, site, sensor, &span[i],
				       clock_wall_us());
		}
	}
	return e;
}

static enum err
keep_assets(struct health *h, struct store *s, struct watch *w, int64_t id,
	    const char *site)
{
	char watches[WATCHES_CAP];

	field(h, "watches", watches, sizeof(watches));
	if (w->assets && strcmp(watches, w->watches) == 0 &&
	    blind_priorities_same(&w->priorities, &w->ledger.overload)) {
		return ERR_OK;
	}
	w->assets = true;
	memcpy(w->watches, watches, sizeof(watches));
	w->priorities = w->ledger.overload;
	return store_blind_assets(s, id, site, h->parts.missions, watches,
				  &w->priorities);
}

static enum err
watch_of(struct health *h, struct store *s, unsigned i, int64_t id,
	 struct watch **out)
{
	struct watch *w = h->watch[i];

	*out = w;
	if (w != NULL) {
		return ERR_OK;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		return ERR_NOMEM;
	}
	*out = h->watch[i] = w;
	return store_blind_load(s, id, &w->blind);
}

/* 'there' and what h->j holds are what presence said just now. */
static enum err
look(struct health *h, struct ingest *in, struct store *s, unsigned i,
     int64_t id, bool there, bool ended)
{
	struct blind_span span[BLIND_MAX_CHANGES];
	char error[BLIND_DETAIL_CAP], stale[8], version[64];
	struct blind_facts f = { .now_us = clock_wall_us(),
				 .there = there,
				 .ended = ended };
	struct watch *w;
	unsigned n;
	enum err e = watch_of(h, s, i, id, &w);

	if (e != ERR_OK) {
		return e;
	}
	if (there && !h->j.failed) {
		e = store_ledger_told(h->parts.ledger, id, json_view(&h->j),
				      f.now_us, &w->ledger);
		f.ledger = w->ledger.epoch != 0 ? &w->ledger : NULL;
	}
	if (e == ERR_OK && there && json_read(&h->reader, json_view(&h->j))) {
		field(h, "reload_error", error, sizeof(error));
		field(h, "indicators_stale", stale, sizeof(stale));
		if (h->parts.armed != NULL) {
			field(h, "indicator_version", version, sizeof(version));
			h->parts.armed(h->parts.armed_arg, version);
		}
		f.rules_failed = error[0] != '\0';
		f.rules_error = error;
		f.feed_stale = strcmp(stale, "1") == 0;
		e = keep_assets(h, s, w, id, ingest_site(in, i));
	}
	if (e != ERR_OK) {
		return e;
	}
	n = blind_look(&w->blind, h->parts.blind, &f,
		       w->looked ? 0 : h->was_down_us, span);
	w->looked = true;
	if (there) {
		e = store_blind_seen(s, id, w->blind.live, w->blind.seen_us);
	}
	return e == ERR_OK ? tell_spans(h, s, id, ingest_site(in, i),
					ingest_sensor(in, i), span, n)
			   : e;
}

/* Whether a former collector saw it watch, without a goodbye since, and whether
 * that one found it silent already. */
static enum err
was_watching(struct health *h, struct store *s, unsigned i, int64_t id,
	     bool *watched, bool *silent)
{
	struct watch *w;
	enum err e =
		h->parts.ledger != NULL ? watch_of(h, s, i, id, &w) : ERR_OK;

	if (e == ERR_OK && h->parts.ledger != NULL) {
		*watched = w->blind.known && w->blind.open_us[BLIND_ended] == 0;
		*silent = w->blind.open_us[BLIND_silent] != 0;
	}
	return e;
}

/* The hash as a JSON object; "signed_by" is our word, not the sensor's. */
static void
write_presence(struct json *j, const struct ingest_presence *p, const char *key)
{
	json_reset(j);
	json_obj(j, NULL);
	for (size_t i = 0; i < p->n; i++) {
		char name[INGEST_NAME_CAP + 1];

		snprintf(name, sizeof(name), "%.*s", (int)p->field[i].name.len,
			 (const char *)p->field[i].name.p);
		if (strcmp(name, "signed_by") != 0) {
			json_str(j, name, p->field[i].value);
		}
	}
	if (key[0] != '\0') {
		json_cstr(j, "signed_by", key);
	}
	json_obj_end(j);
}

/* What presence says, as far as it is believed: in h->j. */
static enum err
hear(struct health *h, struct ingest *in, unsigned i, int64_t id, bool *there,
     bool *ended, bool *passed_over, struct diag *d)
{
	enum health_belief belief = HEALTH_BELIEVED;
	char key[KEYRING_ID_TEXT] = "";
	struct ingest_presence p;
	enum err e = ingest_presence(in, i, &p, d);

	if (e == ERR_OK && p.n > 0 && h->parts.judge != NULL) {
		e = h->parts.judge(h->parts.judge_arg, i, id, &p, key, &belief);
	}
	if (e != ERR_OK) {
		return e;
	}
	*there = p.n > 0 && belief == HEALTH_BELIEVED;
	*passed_over = belief == HEALTH_PASSED_OVER;
	*ended = *there &&
		 view_eq(ingest_presence_field(&p, "state"), VIEW_LIT("ended"));
	write_presence(&h->j, &p, key);
	return ERR_OK;
}

static enum err
check_one(struct health *h, struct ingest *in, struct store *s, unsigned i,
	  struct diag *d)
{
	static const char *const names[] = { "unknown", "live", "silent",
					     "ended" };
	const char *site = ingest_site(in, i), *sensor = ingest_sensor(in, i);
	uint8_t was = h->states[i];
	bool there = false, ended = false, passed_over = false;
	bool missed = false, told_before = false;
	int64_t id;
	enum err e = store_sensor(s, site, sensor, &id);

	if (e == ERR_OK) {
		e = hear(h, in, i, id, &there, &ended, &passed_over, d);
	}
	if (e == ERR_OK && passed_over) {
		h->n_silent += was == SILENT;
		return ERR_OK;
	}
	if (e == ERR_OK && was == UNKNOWN && !there) {
		e = was_watching(h, s, i, id, &missed, &told_before);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (there) {
		h->states[i] = ended ? ENDED : LIVE;
	} else if (was == LIVE || missed) {
		/* Only who was seen can fall silent: a stream may have been
		 * filled by hand, and a replay may be long over. */
		h->states[i] = SILENT;
	}
	h->n_silent += h->states[i] == SILENT;
	if (h->states[i] == SILENT && was != SILENT && !told_before) {
		log_warn("sensor %s/%s is silent: its presence ran out without "
			 "a goodbye",
			 site, sensor);
		e = store_count(s, "sensors_fell_silent", 1);
	} else if (was == SILENT && h->states[i] != SILENT) {
		log_info("sensor %s/%s is back", site, sensor);
	}
	if (e == ERR_OK && (there || h->states[i] != was)) {
		e = store_sensor_state(
			s, id, names[h->states[i]],
			there && !h->j.failed ? json_view(&h->j) : VIEW_NONE,
			there && (h->states[i] == LIVE || was == LIVE)
				? clock_wall_us()
				: 0);
	}
	if (e == ERR_OK && h->parts.ledger != NULL) {
		e = look(h, in, s, i, id, there, h->states[i] == ENDED);
	}
	return e;
}

enum err
health_check(struct health *h, struct ingest *in, struct store *s, bool now,
	     struct diag *d)
{
	static const struct ledger_overload nobody;
	uint64_t t = clock_mono_us();
	enum err e;

	if (!now && h->checked_us != 0 && t - h->checked_us < HEALTH_EVERY_US) {
		return ERR_OK;
	}
	h->checked_us = t;
	h->n_silent = 0;
	e = store_begin(s);
	if (e == ERR_OK && !h->begun) {
		e = store_blind_last_beat(s, &h->was_down_us);
		if (e == ERR_OK) {
			e = store_blind_assets(s, 0, NULL, h->parts.missions,
					       "", &nobody);
		}
		if (e == ERR_OK) {
			e = store_blind_missions(s, h->parts.missions);
		}
		h->begun = e == ERR_OK;
	}
	for (unsigned i = 0; i < ingest_n_streams(in) && e == ERR_OK; i++) {
		e = check_one(h, in, s, i, d);
	}
	if (e == ERR_OK) {
		e = store_blind_beat(s, clock_wall_us());
	}
	if (e == ERR_OK) {
		e = store_commit(s);
	} else {
		store_rollback(s);
	}
	if (e != ERR_OK) {
		forget(h);
	} else {
		store_drop_tell(store_db(s), &h->dropped, clock_wall_us());
		memcpy(h->kept, h->states, sizeof(h->kept));
		h->n_kept_silent = h->n_silent;
	}
	if (h->parts.feed != NULL && e != ERR_OK) {
		feed_drop(h->parts.feed);
	}
	return e == ERR_OK && h->parts.feed != NULL
		       ? feed_flush(h->parts.feed, d)
		       : e;
}
