/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "collector/correlate_case.h"
#include "collector/store_read.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/redis_url.h"

#define WAIT_MS 1000
#define FULL_MS 20
#define BROKER_PATIENCE_US (UINT64_C(10) * US_PER_S)

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
enum err
pipeline_reload(struct pipeline *p)
{
	uint64_t newest = store_newest_run(p->store);
	uint64_t horizon = 2 * p->cfg.correlate.window_us;
	enum err e;

	pipeline_refute_forget(p);
	p->counted = (struct correlate_stats){ 0 };
	correlate_free(p->correlate);
	p->correlate = correlate_new(&p->cfg.correlate);
	sighting_batch_reset(p->sightings);
	pipeline_warn_settled(p, false);
	dedupe_reset(p->dedupe);
	if (p->correlate == NULL) {
		return ERR_NOMEM;
	}
	e = pipeline_case_load(p);
	/* A clock that ran ahead must not make us forget the present. */
	newest = MIN(newest, clock_wall_us());
	if (e == ERR_OK) {
		e = store_load_runs(p->store, p->correlate,
				    newest > horizon ? newest - horizon : 0,
				    p->cfg.correlate.max_runs / 4 * 3);
	}
	if (e == ERR_OK) {
		e = store_each_mark(p->store, load_mark, p);
	}
	if (e == ERR_OK) {
		e = store_each_range(p->store, load_range, p);
	}
	if (e == ERR_OK) {
		e = taps_reload(p->taps);
	}
	if (e == ERR_OK) {
		e = finder_reload(p->finder);
	}
	if (e == ERR_OK) {
		e = pipeline_part_reload(p);
	}
	dedupe_clean(p->dedupe);
	return e;
}

/* Redis may have forgotten a sensor that is gone for good: that it does not
 * watch must show all the same. */
static void
know_sensor(void *arg, const char *site, const char *sensor)
{
	struct pipeline *p = arg;

	ingest_know(p->ingest, site, sensor);
}

void
pipeline_close(struct pipeline *p)
{
	if (p == NULL) {
		return;
	}
	pipeline_exchange_free(p->exchange);
	feed_close(p->feed);
	health_free(p->health);
	allow_reader_stop(p->allow);
	common_set_free(p->common);
	assess_fini(&p->assessment);
	correlate_free(p->correlate);
	taps_free(p->taps);
	finder_free(p->finder);
	json_reader_fini(&p->contacts);
	pipeline_part_close(p);
	store_ledger_free(p->ledger);
	store_signed_free(p->signers);
	store_close(p->store);
	sighting_batch_free(p->sightings);
	spellings_free(p->warn.named);
	enrich_free(p->enrich);
	dedupe_free(p->dedupe);
	eve_free(p->eve);
	prepare_free(p->prepare);
	ingest_free(p->ingest);
	keyring_free(p->cfg.keys);
	pipeline_posture_free(p->posture);
	pipeline_exercise_free(p->exercises);
	sign_key_free(p->cfg.control_key);
	part_config_fini(&p->cfg.parts);
	free(p);
}

/* What is kept from before. */
static void
say_store(const char *path)
{
	struct store_reader *r = NULL;
	struct store_status s;
	struct diag why = { "" };

	if (store_reader_open(&r, path, &why) == ERR_OK &&
	    store_read_status(r, &s) == ERR_OK) {
		log_info("store %s is open: schema %d, %" PRIu64
			 " alerts, %" PRIu64 " sensors known, %.1f MB",
			 path, s.schema, s.alerts, s.sensors,
			 (double)s.bytes / 1e6);
	}
	store_reader_close(r);
}

static bool
all_of_them(void *arg, const struct incident *i)
{
	(void)arg;
	(void)i;
	return true;
}

enum err
pipeline_open(struct pipeline **out, const struct pipeline_config *cfg,
	      struct diag *d)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	struct part_config parts;
	enum err e;

	*out = NULL;
	if (p == NULL) {
		keyring_free(cfg->keys);
		sign_key_free(cfg->control_key);
		parts = cfg->parts;
		part_config_fini(&parts);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	p->cfg = *cfg;
	p->broker_up = true;
	p->warn.look = true;
	assess_init(&p->assessment);
	e = ingest_new(&p->ingest, &cfg->redis, cfg->consumer, d);
	if (e == ERR_OK) {
		p->eve = eve_new();
		p->dedupe = dedupe_new();
		p->enrich = enrich_new(cfg->missions);
		p->sightings = sighting_batch_new();
		p->warn.named = spellings_new();
		p->health = health_new();
		if (p->eve == NULL || p->dedupe == NULL || p->enrich == NULL ||
		    p->sightings == NULL || p->health == NULL ||
		    p->warn.named == NULL) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (e == ERR_OK) {
		e = prepare_new(&p->prepare, p->ingest, cfg->keys, cfg->threads,
				d);
	}
	for (unsigned i = 0; i < cfg->n_geoip && e == ERR_OK; i++) {
		e = enrich_add_db(p->enrich, cfg->geoip[i], d);
	}
	if (e == ERR_OK) {
		e = store_open(&p->store, cfg->store, d);
	}
	if (e == ERR_OK) {
		e = store_checkpoints(p->store, cfg->store, d);
	}
	if (e == ERR_OK) {
		store_limit(p->store, &cfg->limits);
		e = store_ledger_new(&p->ledger, p->store, d);
	}
	if (e == ERR_OK) {
		e = store_signed_new(&p->signers, p->store, d);
	}
	if (e == ERR_OK) {
		e = taps_new(&p->taps, p->store, p->cfg.max_observations, d);
	}
	if (e == ERR_OK) {
		e = finder_new(&p->finder, &cfg->finding, cfg->missions,
			       store_db(p->store));
		e = e == ERR_OK
			    ? e
			    : diag_set(d, e, "%s: findings: %s", cfg->store,
				       e == ERR_NOMEM ? "out of memory"
						      : store_error(p->store));
	}
	if (e == ERR_OK) {
		e = pipeline_posture_new(&p->posture, p, d);
	}
	if (e == ERR_OK) {
		e = pipeline_part_open(p, d);
	}
	if (e == ERR_OK) {
		e = pipeline_reload(p);
		if (e == ERR_OK) {
			/* The map of missions may be another one now. */
			if (!cfg->took_over) {
				(void)correlate_look_again(p->correlate,
							   all_of_them, NULL);
			}
			e = store_blind_each_live(p->store, know_sensor, p);
		}
		if (e != ERR_OK) {
			e = diag_set(d, e, "%s: cannot be read: %s", cfg->store,
				     store_error(p->store));
		}
	}
	if (e == ERR_OK) {
		e = pipeline_correlators_declare(p);
		if (e != ERR_OK) {
			e = diag_set(d, e, "%s: %s", cfg->store,
				     store_error(p->store));
		}
	}
	if (e == ERR_OK) {
		e = pipeline_indicators_open(p, d);
	}
	if (e == ERR_OK) {
		e = pipeline_exercise_new(&p->exercises, p, d);
	}
	if (e == ERR_OK) {
		e = pipeline_exchange_new(&p->exchange, p, d);
	}
	if (e == ERR_OK && (cfg->feed != NULL || cfg->outputs)) {
		e = feed_open(&p->feed, cfg->feed, d);
	}
	if (e == ERR_OK && cfg->outputs) {
		e = feed_keep(p->feed, store_db(p->store), d);
	}
	if (e != ERR_OK) {
		pipeline_close(p);
		return e;
	}
	say_store(cfg->store);
	health_set_parts(p->health, &(struct health_parts){
					    .ledger = p->ledger,
					    .missions = cfg->missions,
					    .blind = &p->cfg.blind,
					    .feed = p->feed,
					    .judge = pipeline_judge_presence,
					    .judge_arg = p,
					    .armed = cfg->armed,
					    .armed_arg = cfg->armed_arg });
	*out = p;
	return ERR_OK;
}

/* ------------------------------------------------------ what goes wrong */

static enum err
publish_mark(void *arg, const struct store_mark *m)
{
	struct pipeline *p = arg;

	return m->published && pipeline_part_mine(p, m->site, m->name)
		       ? pipeline_publish(p, m->site, m->name, m->epoch,
					  m->upto)
		       : ERR_OK;
}

/* Tells every sensor how far it is committed. */
static enum err
publish_all(struct pipeline *p, struct diag *d)
{
	enum err e = store_each_mark(p->store, publish_mark, p);

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
enum err
pipeline_recover(struct pipeline *p, struct diag *d)
{
	log_err("%s: the batch could not be stored and will be tried again: %s",
		p->cfg.store, store_error(p->store));
	store_rollback(p->store);
	p->stats = p->committed;
	pipeline_forget_tallies(p);
	pipeline_forget_trust(p);
	pipeline_exercise_forget(p->exercises);
	pipeline_exchange_forget(p->exchange);
	if (p->feed != NULL) {
		feed_drop(p->feed);
	}
	if (pipeline_reload(p) != ERR_OK) {
		return diag_set(d, ERR_IO, "%s: %s: restart when it is mended",
				p->cfg.store, store_error(p->store));
	}
	p->warn.look = true;
	ingest_rewind(p->ingest);
	nap(WAIT_MS);
	return ERR_OK;
}

/* ERR_CLOSED: whatever we would say or take from now on is another's to. */
static enum err
check_held(struct pipeline *p, struct diag *d)
{
	if (p->cfg.held == NULL || p->cfg.held(p->cfg.held_arg)) {
		return ERR_OK;
	}
	store_rollback(p->store);
	if (p->feed != NULL) {
		feed_drop(p->feed);
	}
	return diag_set(d, ERR_CLOSED,
			"%s: another collector has it now: start this one "
			"again, and it stands by",
			p->cfg.store);
}

static enum err
process(struct pipeline *p, const struct ingest_entry *entries, size_t n,
	bool *renewed, struct diag *d)
{
	uint64_t start = clock_mono_us();

	p->now_us = clock_wall_us();
	if (pipeline_part_adopt(p, d) != ERR_OK) {
		/* They come again: as if Redis had gone before. */
		ingest_rewind(p->ingest);
		return ERR_OK;
	}
	if (pipeline_take(p, entries, n, renewed, d) != ERR_OK) {
		enum err e = check_held(p, d);

		return e == ERR_OK ? pipeline_recover(p, d) : e;
	}
	pipeline_part_committed(p);
	p->stats.commits++;
	p->stats.busy_us += clock_mono_us() - start;
	p->committed = p->stats;
	if (p->feed != NULL) {
		enum err e = feed_flush(p->feed, d);

		if (e != ERR_OK) {
			return e;
		}
	}
	if (check_held(p, d) != ERR_OK) {
		return ERR_CLOSED;
	}
	(void)!pipeline_acknowledge(p, d); /* what fails comes again */
	return ERR_OK;
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

/* Where Redis is, without the password. */
static void
say_broker(const struct pipeline *p)
{
	struct redis_url url;
	struct diag why = { "" };

	if (redis_url_parse(&url, p->cfg.redis.url, &why) == ERR_OK) {
		log_info("Redis answers: %s; streams of %u sensor%s", url.shown,
			 ingest_n_streams(p->ingest),
			 ingest_n_streams(p->ingest) == 1 ? "" : "s");
		redis_url_wipe(&url);
	}
}

/*
 * Says once that the broker is gone, once that it refuses us, and once that it
 * is back.  Neither ends the collector, not even at its start: whoever starts
 * both at once, or changes a password, does not do it in our order.
 */
static void
note_broker(struct pipeline *p, enum err e, const struct diag *d)
{
	bool up = e == ERR_OK;

	if (up && !p->broker_told) {
		say_broker(p);
		p->broker_told = true;
	} else if (up && !p->broker_up) {
		log_info("Redis is back");
	} else if (e == ERR_AUTH && !p->refusal_told) {
		log_warn("Redis refuses us, trying on: %s", d->msg);
	} else if (!up && p->broker_up) {
		log_warn("Redis is not there, trying on: %s", d->msg);
	}
	p->refusal_told = !up && (p->refusal_told || e == ERR_AUTH);
	p->broker_up = up;
}

/* Says once that nobody can tell whether sensors are there, and once that it
 * is known again.  The next look tries anew. */
static bool
look_at_sensors(struct pipeline *p, struct diag *d)
{
	bool seen;

	d->msg[0] = '\0';
	p->now_us = clock_wall_us();
	seen = health_check(p->health, p->ingest, p->store, false, d) == ERR_OK;
	/* What was refused at this look is committed, or was not refused. */
	memcpy(seen ? p->committed.refused : p->stats.refused,
	       seen ? p->stats.refused : p->committed.refused,
	       sizeof(p->stats.refused));
	if (seen && p->sensors_unseen) {
		log_info("sensors can be looked at again");
	} else if (!seen && !p->sensors_unseen) {
		log_warn("sensors cannot be looked at, trying on: %s",
			 d->msg[0] != '\0' ? d->msg : store_error(p->store));
	}
	p->sensors_unseen = !seen;
	return seen;
}

/* Something is to be done that waits for nobody's batch. */
static bool
pipeline_busy(const struct pipeline *p)
{
	return common_set_busy(p->common) || p->warn.pending ||
	       p->cases.refuted.more || taps_busy(p->taps) ||
	       pipeline_exchange_busy(p->exchange);
}

/* The next batches; a part that the head keeps waiting lets sensors wait. */
static enum err
read_entries(struct pipeline *p, const struct ingest_entry **entries, size_t *n,
	     bool *renewed, struct diag *d)
{
	int wait_ms = pipeline_busy(p)
			      ? 0
			      : pipeline_exchange_wait(p->exchange, WAIT_MS);
	enum err e;

	if (p->part.out != NULL) {
		ingest_hold(p->ingest, pipeline_part_full(p));
	}
	e = ingest_read(p->ingest, pipeline_part_wait(p, wait_ms), entries, n,
			renewed, d);
	if (e == ERR_OK && pipeline_part_full(p)) {
		nap(FULL_MS);
	}
	return e;
}

/* One of several hears from the others, and says what they are to know; the
 * head, which waits for nobody else, rests when nothing came. */
static enum err
join_parts(struct pipeline *p, bool renewed, size_t *n, struct diag *d)
{
	bool failed;
	enum err e;

	if (renewed) {
		pipeline_part_renewed(p);
	}
	e = pipeline_part_turn(p, n, &failed, d);
	if (failed) {
		enum err held = check_held(p, d);

		return held == ERR_OK ? pipeline_recover(p, d) : held;
	}
	if (e == ERR_AGAIN) {
		nap(100);
	} else if (p->part.in != NULL && *n == 0 && !pipeline_busy(p)) {
		nap(FULL_MS);
	}
	return e;
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
		bool renewed = false;
		size_t n = 0, joined = 0;

		e = check_held(p, d);
		if (e != ERR_OK) {
			break;
		}
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
			pipeline_reload_keys(p);
			pipeline_indicators_reload(p);
			pipeline_exchange_reload(p->exchange);
		}
		e = pipeline_indicators_turn(p, d);
		if (e == ERR_OK) {
			e = pipeline_case_turn(p, d);
		}
		if (e != ERR_OK) {
			break;
		}
		e = read_entries(p, &entries, &n, &renewed, d);
		if (check_held(p, d) != ERR_OK) {
			return ERR_CLOSED;
		}
		if (e == ERR_AGAIN || e == ERR_AUTH) {
			note_broker(p, e, d);
			e = ERR_OK;
			idle_since = clock_mono_us();
			/* Who is late is late without a broker too. */
			pipeline_consult_turn(p, false);
			down_since = down_since != 0 ? down_since : idle_since;
			if (p->cfg.until_idle_us != 0 &&
			    idle_since - down_since >=
				    p->cfg.until_idle_us + BROKER_PATIENCE_US) {
				return ERR_CLOSED;
			}
			nap(common_set_busy(p->common) ? 1 : 100);
			continue;
		}
		if (e != ERR_OK) {
			break;
		}
		note_broker(p, ERR_OK, d);
		down_since = 0;
		if (n > 0) {
			e = process(p, entries, n, &renewed, d);
			idle_since = clock_mono_us();
		} else {
			e = pipeline_taps_turn(p, d);
		}
		if (e == ERR_OK) {
			e = join_parts(p, renewed, &joined, d);
			n += joined;
			idle_since = joined > 0 ? clock_mono_us() : idle_since;
		}
		if (e == ERR_AGAIN) {
			e = ERR_OK;
			continue;
		}
		if (e == ERR_OK) {
			e = pipeline_exchange_turn(p->exchange, d);
		}
		if (e == ERR_OK) {
			e = pipeline_warn_turn(p, d);
		}
		if (e == ERR_OK && renewed && publish_all(p, d) == ERR_AGAIN) {
			continue;
		}
		if (e == ERR_OK) {
			pipeline_consult_turn(p, false);
		}
		if (e == ERR_OK && !look_at_sensors(p, d)) {
			continue;
		}
		if (e == ERR_OK) {
			e = pipeline_posture_turn(p->posture, d);
		}
		if (e == ERR_OK) {
			e = pipeline_exercise_turn(p->exercises, d);
		}
		if (e == ERR_OK && n == 0 && p->cfg.until_idle_us != 0 &&
		    !pipeline_busy(p) && pipeline_part_idle(p) &&
		    clock_mono_us() - idle_since >= p->cfg.until_idle_us &&
		    ingest_idle(p->ingest)) {
			break;
		}
	}
	if (e == ERR_OK) {
		pipeline_consult_turn(p, true);
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
pipeline_common(const struct pipeline *p, struct common_set_stats *out)
{
	common_set_stats(p->common, out);
}

void
pipeline_facts(const struct pipeline *p, struct pipeline_facts *out)
{
	out->broker_up = p->broker_up;
	out->sensors = ingest_n_streams(p->ingest);
	out->sensors_silent = health_silent(p->health);
	correlate_stats(p->correlate, &out->correlate);
	taps_stats(p->taps, &out->taps);
	finder_stats(p->finder, &out->finder);
	out->exchange_turn_us = pipeline_exchange_longest(p->exchange);
	out->store = p->cfg.store;
	out->part_out = p->part.out;
	out->part_in = p->part.in;
	out->sensors_left_out = ingest_left_out(p->ingest);
	out->epochs_forgotten = dedupe_forgotten(p->dedupe);
	out->redis_troubles = ingest_troubles(p->ingest);
	pipeline_posture_facts(p->posture, out);
}
