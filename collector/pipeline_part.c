/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/contacts_in.h"
#include "common/clock.h"
#include "common/frame_sign.h"
#include "common/log.h"
#include "common/point_sign.h"

/* While the head has not said that it has all, it is asked that often; and it
 * looks that often for what is new. */
#define LOOK_MS 20

bool
pipeline_part_mine(void *arg, const char *site, const char *sensor)
{
	const struct pipeline *p = arg;
	const struct part_config *c = &p->cfg.parts;

	return c->number == 0 || part_of(site, sensor, c->of) == c->number;
}

/* An alert that a part told of: as taps_find_fn. */
static enum err
find_alert(void *arg, int64_t id, struct taps_kept *out)
{
	struct pipeline *p = arg;
	struct part_sight *s = &p->part.found;
	unsigned part;
	int64_t alert;
	enum err e;

	if (!part_alert_split(id, &part, &alert)) {
		return ERR_NOTFOUND;
	}
	e = part_in_find(p->part.in, part, alert, s);
	*out = (struct taps_kept){ &s->a, s->site, s->sensor, 0 };
	return e == ERR_OK ? store_sensor_find(p->store, s->site, s->sensor,
					       &out->sensor_id)
			   : e;
}

enum err
pipeline_part_open(struct pipeline *p, struct diag *d)
{
	const struct part_config *c = &p->cfg.parts;
	enum err e = ERR_OK;

	if (c->number != 0) {
		e = part_out_new(&p->part.out, c, p->store, d);
		ingest_restrict(p->ingest, pipeline_part_mine, p, false);
		if (e == ERR_OK) {
			log_info("part %u of %u", c->number, c->of);
		}
	} else if (c->head) {
		e = part_in_new(&p->part.in, c, p->store, d);
		ingest_restrict(p->ingest, NULL, NULL, true);
		taps_elsewhere(p->taps, find_alert, p);
		if (e == ERR_OK) {
			log_info("head of %u parts", c->of);
		}
	}
	return e;
}

void
pipeline_part_close(struct pipeline *p)
{
	part_out_free(p->part.out);
	part_in_free(p->part.in);
}

static enum err
recall(void *arg, unsigned part, const struct part_sight *s)
{
	struct pipeline *p = arg;
	int64_t sensor;
	enum err e = store_sensor_find(p->store, s->site, s->sensor, &sensor);

	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e; /* it had no room */
	}
	return s->kind == PART_ANCHOR
		       ? taps_recall_anchor(p->taps, sensor, &s->a)
		       : taps_recall(p->taps, sensor,
				     part_alert_join(part, s->alert), &s->a);
}

enum err
pipeline_part_reload(struct pipeline *p)
{
	enum err e = ERR_OK;

	if (p->part.out != NULL) {
		e = part_out_reload(p->part.out);
	}
	if (p->part.in != NULL) {
		e = part_in_reload(p->part.in);
		if (e == ERR_OK) {
			e = part_in_recall(p->part.in, recall, p);
		}
	}
	return e;
}

/* --- of a part --- */

int
pipeline_part_wait(const struct pipeline *p, int wait_ms)
{
	if (p->part.in != NULL) {
		return 0; /* there is no stream that it could wait for */
	}
	return p->part.out != NULL && part_out_waiting(p->part.out)
		       ? MIN(wait_ms, LOOK_MS)
		       : wait_ms;
}

bool
pipeline_part_full(const struct pipeline *p)
{
	return p->part.out != NULL && part_out_full(p->part.out);
}

bool
pipeline_part_knows(const struct pipeline *p)
{
	return p->part.out == NULL ||
	       p->part.known == ingest_n_streams(p->ingest);
}

/* A point that is not signed by our own key is another's word, if we have a
 * key: parts share it, as sensors believe one key. */
static bool
believed(const struct pipeline *p, const char *name, const struct point *pt)
{
	struct sign_key *own = keyring_own(p->cfg.keys);

	return own == NULL || (pt->mac_len > 0 && point_check(own, name, pt));
}

enum err
pipeline_part_adopt(struct pipeline *p, struct diag *d)
{
	struct pipeline_part *t = &p->part;
	struct redis_pool *pool = ingest_pool(p->ingest);

	while (t->out != NULL && t->known < ingest_n_streams(p->ingest)) {
		char name[2 * INGEST_NAME_CAP], key[3 * INGEST_NAME_CAP];
		redisReply *r = NULL;
		struct point pt;
		enum err e;

		snprintf(name, sizeof(name), "%s/%s",
			 ingest_site(p->ingest, t->known),
			 ingest_sensor(p->ingest, t->known));
		snprintf(key, sizeof(key), "picket:committed:{%s}", name);
		e = redis_pool_call(pool, key, 10000, &r, d, "GET %s", key);
		if (e != ERR_OK) {
			return e == ERR_AUTH ? e : ERR_AGAIN;
		}
		if (r->type == REDIS_REPLY_STRING &&
		    point_read(view_of(r->str, r->len), &pt) && pt.epoch > 0 &&
		    pt.epoch < INT64_MAX && pt.seq > 0 && pt.seq < INT64_MAX &&
		    believed(p, name, &pt)) {
			t->starts[t->n_starts++] =
				(struct pipeline_start){ t->known, pt.epoch,
							 pt.seq };
		}
		freeReplyObject(r);
		t->known++;
	}
	return ERR_OK;
}

/* What is at or below the point was committed, by us or by who had the sensor
 * before. */
static enum err
take_over(struct pipeline *p, const struct pipeline_start *s)
{
	const char *site = ingest_site(p->ingest, s->stream);
	const char *name = ingest_sensor(p->ingest, s->stream);
	struct pipeline_tally t = { .sensor = 0 };
	enum dedupe_verdict verdict;
	bool forgotten = false;
	uint64_t n = 0;
	enum err e = store_sensor(p->store, site, name, &t.sensor);

	if (e == ERR_OK) {
		e = pipeline_know_epoch(p, &t, s->epoch, &forgotten);
	}
	if (e == ERR_OK && !forgotten) {
		e = dedupe_note(p->dedupe, t.sensor, s->epoch, 1, s->seq,
				&verdict, &n);
	}
	if (e == ERR_OK && n > 0) {
		log_info("sensor %s/%s: %" PRIu64 " batches up to %" PRIu64
			 " were taken in by another part",
			 site, name, n, s->seq);
	}
	return e;
}

enum err
pipeline_part_begin(struct pipeline *p)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < p->part.n_starts && e == ERR_OK; i++) {
		e = take_over(p, &p->part.starts[i]);
	}
	p->part.adopting = true;
	return e;
}

enum err
pipeline_part_contacts(struct pipeline *p, const char *site, const char *sensor,
		       struct view line, bool *good)
{
	struct contacts c;
	const char *why;

	*good = contacts_read(&c, &p->contacts, line, &why);
	if (!*good) {
		log_debug("a line of contacts is refused: %s", why);
		return p->contacts.no_memory ? ERR_NOMEM : ERR_OK;
	}
	return part_out_contacts(p->part.out, site, sensor, line, good);
}

void
pipeline_part_committed(struct pipeline *p)
{
	if (p->part.adopting) {
		p->part.n_starts = 0;
		p->part.adopting = false;
	}
	if (p->part.out != NULL) {
		part_out_committed(p->part.out);
	}
}

/* --- of the head --- */

/* Its origin is read as in the part, which let it through. */
static enum err
take_contacts(struct pipeline *p, const struct part_sight *s)
{
	const char *why;
	struct alert a;
	bool good = true;
	enum eve_kind kind = eve_parse(p->eve, s->line, &a, &why);
	enum err e = ERR_OK;

	if (kind == EVE_BAD && eve_no_memory(p->eve)) {
		return ERR_NOMEM;
	}
	if (kind != EVE_CONTACTS || !view_eq(a.site, view_cstr(s->site)) ||
	    !view_eq(a.sensor, view_cstr(s->sensor))) {
		return store_count(p->store, "parts_lines_refused", 1);
	}
	e = pipeline_contacts(p, &a, s->line, &good);
	p->stats.contacts += good;
	return e == ERR_OK && !good
		       ? store_count(p->store, "parts_lines_refused", 1)
		       : e;
}

static enum err
take_sight(void *arg, unsigned part, const struct part_sight *s)
{
	struct pipeline *p = arg;
	struct taps_view seen;
	struct alert real;
	const struct alert *a;
	int64_t sensor, id;
	int inject;
	enum err e =
		part_in_sensor(p->part.in, part, s->site, s->sensor, &sensor);

	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e; /* refused, counted */
	}
	if (s->kind == PART_CONTACTS) {
		return take_contacts(p, s);
	}
	if (s->kind == PART_ANCHOR) {
		return taps_anchor(p->taps, sensor, &s->a);
	}
	id = part_alert_join(part, s->alert);
	a = pipeline_exercise_judge(p->exercises, &s->a, &real, &inject);
	if (inject != EXERCISE_REAL) {
		e = pipeline_exercise_note(p->exercises, a, s->site, inject,
					   id);
	}
	if (e == ERR_OK) {
		e = taps_alert(p->taps, sensor, id, a, &seen);
	}
	return e == ERR_OK ? pipeline_sight_alert(p, a, id, &seen) : e;
}

static enum err
forget_part(void *arg, unsigned part)
{
	const int64_t most = (INT64_C(1) << PART_ALERT_BITS) - 1;
	struct pipeline *p = arg;

	return taps_forget(p->taps, part_alert_join(part, 0),
			   part_alert_join(part, most));
}

static enum err
take_records(struct pipeline *p)
{
	const struct part_in_taker to = { take_sight, forget_part, p };
	enum err e = store_begin(p->store);

	p->n_taken = 0;
	if (e == ERR_OK) {
		e = part_in_apply(p->part.in, p->now_us, &to);
	}
	return e == ERR_OK ? pipeline_conclude(p) : e;
}

static enum err
head_turn(struct pipeline *p, size_t *n, bool *failed, struct diag *d)
{
	struct redis_pool *pool = ingest_pool(p->ingest);
	enum err e = part_in_look(p->part.in, pool, clock_wall_us(), d);

	if (e == ERR_OK) {
		e = part_in_read(p->part.in, pool, n, d);
	}
	if (e == ERR_OK && *n > 0) {
		uint64_t start = clock_mono_us();

		p->now_us = clock_wall_us();
		*failed = take_records(p) != ERR_OK;
		if (*failed) {
			return ERR_OK;
		}
		p->stats.commits++;
		p->stats.busy_us += clock_mono_us() - start;
		p->committed = p->stats;
		if (p->feed != NULL) {
			e = feed_flush(p->feed, d);
		}
	}
	if (e != ERR_OK) {
		return e;
	}
	return part_in_acknowledge(p->part.in, pool, d);
}

/* --- of both --- */

enum err
pipeline_part_turn(struct pipeline *p, size_t *n, bool *failed, struct diag *d)
{
	struct pipeline_part *t = &p->part;
	enum err e = ERR_OK;

	*n = 0;
	*failed = false;
	if (t->out != NULL) {
		e = part_out_turn(t->out, ingest_pool(p->ingest), d);
	} else if (t->in != NULL) {
		e = head_turn(p, n, failed, d);
	}
	if (e == ERR_AGAIN || e == ERR_AUTH) {
		if (!t->away) {
			log_warn("parts: Redis does not let us, trying on: %s",
				 d->msg);
		}
		t->away = true;
		return ERR_AGAIN;
	}
	if (e == ERR_OK && t->away) {
		log_info("parts: Redis lets us again");
		t->away = false;
	}
	return e;
}

void
pipeline_part_renewed(struct pipeline *p)
{
	if (p->part.in != NULL) {
		part_in_renewed(p->part.in);
	}
}

bool
pipeline_part_idle(const struct pipeline *p)
{
	return p->part.out == NULL || !part_out_waiting(p->part.out);
}
