/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/reload.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"
#include "rules/admission.h"
#include "rules/pattern_list.h"
#include "sensor/reload_past.h"

#define PROBLEMS_SAID 3 /* in the log; --check has them all */

struct reload {
	struct reload_settings set;
	struct ruleset *rules; /* in use; set by who hands out rounds */
	_Atomic(struct reload_change *) ready;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	bool wanted;
	bool patterns_wanted;
	uint64_t patterns_since_us; /* the first change that no set has */
	uint64_t patterns_next_us; /* not sooner for patterns alone */
	uint64_t patterns_in_use; /* changes of the list, of the set in use */
	bool asked; /* the index, for all of the first set */
	_Atomic bool ending;
	bool busy; /* a change was made and is not done yet */
	const char *why;
	uint64_t version;
	struct reload_change *former; /* done: to be freed */
	struct reload_status status;
};

static uint64_t
list_changes(const struct reload *r)
{
	struct pattern_list_counts n;

	pattern_list_read(r->set.armed, &n);
	return n.changes;
}

/* A running sensor is not left without anything to look for. */
static bool
is_empty(const struct reload *r, const struct ruleset *rs)
{
	uint64_t changes;

	return r->set.n_rules + r->set.n_indicators > 0 &&
	       ruleset_count(rs) == 0 && ruleset_indicator_count(rs) == 0 &&
	       ruleset_armed_patterns(rs, &changes) == 0;
}

static void
change_free(struct reload_change *c)
{
	if (c != NULL) {
		for (unsigned i = 0; i < c->n; i++) {
			rule_matcher_free(c->matcher[i]);
		}
		shared_next_free(c->shared);
		ruleset_free(c->rules);
		free(c);
	}
}

/* 'rs' is the change's from now on, also when this fails. */
static struct reload_change *
change_new(const struct reload_settings *s, struct ruleset *rs, struct diag *d)
{
	unsigned n = s->n_workers;
	struct reload_change *c =
		calloc(1, sizeof(*c) + n * sizeof(c->matcher[0]));

	if (c == NULL) {
		ruleset_free(rs);
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->rules = rs;
	c->n = n;
	for (unsigned i = 0; i < n; i++) {
		c->matcher[i] = rule_matcher_new(rs);
		if (c->matcher[i] == NULL ||
		    (s->profile && !rule_matcher_profile(c->matcher[i]))) {
			diag_set(d, ERR_NOMEM, "out of memory for %u matchers",
				 n);
			goto failed;
		}
		if (s->shared != NULL && ruleset_undivided(rs) != NULL) {
			rule_matcher_settle(c->matcher[i], s->shared);
		}
	}
	if (s->shared != NULL &&
	    shared_next_new(&c->shared, s->shared, rs, s->conf, d) != ERR_OK) {
		goto failed;
	}
	return c;
failed:
	change_free(c);
	return NULL;
}

/* What the start settles by running one worker is too late to settle now. */
static enum err
check_divided(const struct reload_settings *s, const struct ruleset *rs,
	      struct diag *d)
{
	const struct rule *r = ruleset_undivided(rs);

	if (s->n_workers > 1 && r != NULL) {
		return diag_set(d, ERR_FORMAT,
				"%s:%u: sid %u tests what flows share and "
				"changes its own flow, for which there are %u "
				"workers too many; start again to load it",
				r->file, r->line, r->sid, s->n_workers - 1);
	}
	r = ruleset_host_tag(rs);
	if (s->n_workers > 1 && r != NULL) {
		return diag_set(d, ERR_FORMAT,
				"%s:%u: sid %u tags hosts, for which there are "
				"%u workers too many; start again to load it",
				r->file, r->line, r->sid, s->n_workers - 1);
	}
	return ERR_OK;
}

static struct reload_change *
load_change(const struct reload *r, struct diag *d)
{
	const struct reload_settings *s = &r->set;
	struct ruleset *rs =
		ruleset_reload(r->rules, s->conf, s->rules, s->n_rules,
			       s->indicators, s->n_indicators, s->armed, d);

	if (rs == NULL) {
		return NULL;
	}
	ruleset_arm(rs, s->live, s->live_files);
	if (ruleset_admit(rs, s->conf, s->strict, d) != ERR_OK ||
	    check_divided(s, rs, d) != ERR_OK) {
		reload_say_refused(rs, "reload: ");
		ruleset_free(rs);
		return NULL;
	}
	if (is_empty(r, rs)) {
		diag_set(d, ERR_FORMAT, "no rule and no indicator loaded");
		reload_say_refused(rs, "reload: ");
		ruleset_free(rs);
		return NULL;
	}
	return change_new(s, rs, d);
}

/* Resident kilobytes of this process; 0 when the system does not tell. */
static long
resident_kb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, pages;

	if (f == NULL) {
		return 0;
	}
	if (fscanf(f, "%ld %ld", &size, &pages) != 2) {
		pages = 0;
	}
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
note_set(struct reload *r, const struct ruleset *rs)
{
	struct reload_status *st = &r->status;
	const struct ruleset_report *p = ruleset_report(rs);

	st->loaded = p->loaded;
	st->refused = p->failed;
	st->skipped = p->skipped;
	st->patterns = ruleset_armed_patterns(rs, &r->patterns_in_use);
	st->indicators = ruleset_indicator_count(rs);
	st->last_us = clock_wall_us();
	snprintf(st->digest, sizeof(st->digest), "%s", ruleset_digest(rs));
}

void
reload_say_refused(const struct ruleset *rs, const char *when)
{
	const struct ruleset_report *r = ruleset_report(rs);
	unsigned said = 0;

	if (r->failed > 0) {
		log_warn("%s%u of %u rules did not load", when, r->failed,
			 r->failed + r->loaded + r->skipped);
	}
	if (r->refused > 0) {
		log_warn("%s%u lines of threshold or reputation files were "
			 "refused",
			 when, r->refused);
	}
	for (uint32_t i = 0; i < r->n_problems && said < PROBLEMS_SAID; i++) {
		char line[1024];

		if (!r->problems[i].skipped) {
			admission_problem(&r->problems[i], line, sizeof(line));
			log_warn("%s%s", when, line);
			said++;
		}
	}
	if (said > 0) {
		log_warn("%srun with --check to see all", when);
	}
}

static void
say_loaded(const struct reload *r, const struct reload_change *c,
	   uint64_t took_us, long extra_kb)
{
	const struct ruleset_report *p = ruleset_report(c->rules);
	struct ruleset_diff diff;

	if (ruleset_compare(r->rules, c->rules, &diff) != ERR_OK) {
		diff = (struct ruleset_diff){ 0 };
	}
	log_info("reload: %u rules loaded, %u failed, %u skipped; %u added, "
		 "%u removed, %u changed; %u indicators; %llu ms, %ld KiB "
		 "more while both sets are there",
		 p->loaded, p->failed, p->skipped, diff.added, diff.removed,
		 diff.changed, ruleset_indicator_count(c->rules),
		 (unsigned long long)(took_us / 1000), MAX(extra_kb, 0L));
}

/* What is loaded, and for whom. */
struct reload_order {
	const char *why; /* NULL: nothing is */
	uint64_t version;
	uint64_t since_us; /* see struct reload_change */
	bool asked_for;
};

static void
reload_once(struct reload *r, const struct reload_order *o)
{
	uint64_t began = clock_mono_us(), took;
	long before = resident_kb();
	struct reload_change *c;
	struct diag d = { "" };

	log_info("reload: begins (%s)", o->why);
	c = load_change(r, &d);
	took = clock_mono_us() - began;
	if (c == NULL) {
		log_err("reload failed: %s; the rules of before stay in use",
			d.msg);
	} else {
		c->version = o->version;
		c->since_us = o->since_us;
		c->asked_for = o->asked_for;
		say_loaded(r, c, took, resident_kb() - before);
		reload_say_refused(c->rules, "reload: ");
	}
	/* Parsers and compilers leave much behind that is free. */
	malloc_trim(0);
	pthread_mutex_lock(&r->lock);
	snprintf(r->status.error, sizeof(r->status.error), "%.255s",
		 c == NULL ? d.msg : "");
	r->status.failed += c == NULL;
	r->busy = c != NULL;
	if (c == NULL && o->since_us > 0) {
		r->patterns_wanted = true;
		r->patterns_since_us = o->since_us;
	}
	r->patterns_next_us = clock_mono_us() +
			      (c == NULL ? RELOAD_AGAIN_US
					 : MAX(RELOAD_PATTERNS_US, 4 * took));
	atomic_store(&r->ready, c);
	pthread_mutex_unlock(&r->lock);
}

/* Whether there is something to do; else waits once for it.  Under the lock. */
static bool
has_work(struct reload *r)
{
	uint64_t due = r->patterns_next_us;
	struct timespec until = { .tv_sec = (time_t)(due / US_PER_S),
				  .tv_nsec = (long)(due % US_PER_S * 1000) };

	if (r->ending || r->former != NULL || (r->wanted && !r->busy)) {
		return true;
	}
	if (r->busy || !r->patterns_wanted) {
		pthread_cond_wait(&r->wake, &r->lock);
		return false;
	}
	if (clock_mono_us() >= due) {
		return true;
	}
	pthread_cond_timedwait(&r->wake, &r->lock, &until);
	return false;
}

/* Under the lock, when a load may begin. */
static struct reload_order
next_order(struct reload *r)
{
	struct reload_order o = { .why = r->wanted ? r->why : "armed patterns",
				  .version = r->version,
				  .asked_for = r->wanted };

	if (r->patterns_wanted) {
		o.since_us = r->patterns_since_us;
	}
	if (!r->wanted && list_changes(r) == r->patterns_in_use) {
		o.why = NULL; /* came and went, or another reload had them */
	}
	r->wanted = r->patterns_wanted = false;
	return o;
}

static void *
run(void *arg)
{
	struct reload *r = arg;
	bool ending = false;

	reload_ask_past(r->set.retro, r->rules, NULL, &r->ending);
	pthread_mutex_lock(&r->lock);
	r->asked = true;
	pthread_mutex_unlock(&r->lock);
	while (!ending) {
		struct reload_order order = { .why = NULL };
		struct reload_change *former;

		pthread_mutex_lock(&r->lock);
		while (!has_work(r)) {
		}
		former = r->former;
		r->former = NULL;
		ending = r->ending;
		if (former == NULL && !ending) {
			order = next_order(r);
		}
		pthread_mutex_unlock(&r->lock);
		if (former != NULL) {
			reload_ask_past(r->set.retro, r->rules, former->rules,
					&r->ending);
			change_free(former);
			malloc_trim(0);
		}
		if (order.why != NULL) {
			reload_once(r, &order);
		}
	}
	return NULL;
}

static enum err
start_thread(struct reload *r, struct diag *d)
{
	int rc = thread_start(&r->thread, THREAD_RELOAD, run, r);

	if (rc != 0) {
		return diag_set(d, ERR_NOMEM, "cannot start a thread: %s",
				strerror(rc));
	}
	r->running = true;
	return ERR_OK;
}

enum err
reload_start(struct reload **out, const struct reload_settings *s,
	     struct ruleset *first, struct diag *d)
{
	struct reload *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	enum err e;

	if (r == NULL) {
		ruleset_free(first);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	r->set = *s;
	r->rules = first;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	note_set(r, first);
	e = start_thread(r, d);
	if (e != ERR_OK) {
		reload_free(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void
reload_free(struct reload *r)
{
	if (r == NULL) {
		return;
	}
	if (r->running) {
		pthread_mutex_lock(&r->lock);
		r->ending = true;
		pthread_cond_signal(&r->wake);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	}
	change_free(atomic_load(&r->ready)); /* came too late to be used */
	change_free(r->former);
	ruleset_free(r->rules);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void
reload_request(struct reload *r, const char *why, uint64_t version)
{
	pthread_mutex_lock(&r->lock);
	r->wanted = true;
	r->why = why;
	r->version = MAX(r->version, version);
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void
reload_patterns(struct reload *r)
{
	pthread_mutex_lock(&r->lock);
	if (!r->patterns_wanted) {
		r->patterns_wanted = true;
		r->patterns_since_us = clock_mono_us();
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
}

bool
reload_has_asked(struct reload *r)
{
	bool asked;

	pthread_mutex_lock(&r->lock);
	asked = r->asked;
	pthread_mutex_unlock(&r->lock);
	return asked;
}

struct reload_change *
reload_take(struct reload *r)
{
	if (r == NULL ||
	    atomic_load_explicit(&r->ready, memory_order_relaxed) == NULL) {
		return NULL;
	}
	return atomic_exchange(&r->ready, NULL);
}

void
reload_settled(struct reload *r, struct reload_change *c)
{
	if (c->shared != NULL) {
		shared_state_follow(r->set.shared, c->shared);
		c->shared = NULL;
	}
}

/* How long they took, and whether the reload was for them alone. */
static void
note_patterns(struct reload *r, const struct reload_change *c)
{
	if (c->since_us > 0) {
		r->status.patterns_us = clock_mono_us() - c->since_us;
		r->status.patterns_most_us =
			MAX(r->status.patterns_most_us, r->status.patterns_us);
	}
	r->status.patterns_reloads += !c->asked_for;
}

void
reload_done(struct reload *r, struct reload_change *c)
{
	struct ruleset *former = r->rules;

	r->rules = c->rules;
	c->rules = former;
	pthread_mutex_lock(&r->lock);
	note_set(r, r->rules);
	r->status.done++;
	note_patterns(r, c);
	r->status.version = c->version;
	r->busy = false;
	r->former = c;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

const struct ruleset *
reload_rules(const struct reload *r)
{
	return r->rules;
}

void
reload_get_status(struct reload *r, struct reload_status *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->status;
	out->ready = r->busy;
	out->patterns_wait =
		r->set.armed != NULL && list_changes(r) != r->patterns_in_use;
	pthread_mutex_unlock(&r->lock);
}
