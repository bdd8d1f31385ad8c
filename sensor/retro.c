/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"
#include "sensor/retro_answer.h"

#define TURN_NS 20000000 /* between two looks at the rings */
#define TAKE 4096 /* entries of a ring at a time */
#define TURN_QUESTIONS 256 /* between two looks at the rings */
#define RING_BYTES ((size_t)16 << 20) /* of all workers */
#define RING_BITS_MAX 16
#define RING_BITS_MIN 10

/* A copy of an indicator; its texts stand behind it. */
struct question {
	struct indicator i;
	bool once;
	char text[];
};

struct answer {
	char *line;
	size_t len;
	uint8_t severity;
};

struct retro {
	struct retro_settings set;
	char *dir;
	struct retro_index *index;
	struct retro_notes *notes; /* one a worker */
	struct retro_entry *rings, *taken;
	struct json json;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t wake;
	bool ending;
	const struct event_lanes *lanes;
	struct question *question[RETRO_QUESTIONS];
	unsigned q_first, n_questions;
	struct answer answer[RETRO_ANSWERS];
	unsigned a_first, n_answers;
	struct retro_counters count;
};

bool
retro_type_read(struct view word, uint32_t *types)
{
	enum indicator_kind k;

	if (view_eq(word, VIEW_LIT("all"))) {
		*types = RETRO_ALL_TYPES;
		return true;
	}
	if (!indicator_kind_read(word, &k) || k == INDICATOR_PATTERN) {
		return false;
	}
	*types |= UINT32_C(1) << k;
	return true;
}

/* --- what workers left --- */

/* False: there is more. */
static bool
take_notes(struct retro *r)
{
	bool all = true;

	for (unsigned k = 0; k < r->set.n_workers; k++) {
		size_t n = retro_ring_take(&r->notes[k].ring, r->taken, TAKE);

		for (size_t i = 0; i < n; i++) {
			retro_index_add(r->index, &r->taken[i]);
		}
		all = all && n < TAKE;
	}
	return all;
}

/* --- questions --- */

static const char *
keep(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = *at;

	memcpy(copy, text, n);
	*at += n;
	return copy;
}

static struct question *
question_new(const struct indicator *i, bool once)
{
	size_t n = strlen(i->value) + strlen(i->id) + strlen(i->source) +
		   strlen(i->created_by) + strlen(i->description) +
		   strlen(i->labels) + strlen(i->tactic) +
		   strlen(i->kill_chain) + 8;
	struct question *q = malloc(sizeof(*q) + n);
	char *at;

	if (q == NULL) {
		return NULL;
	}
	q->i = *i;
	q->once = once;
	at = q->text;
	q->i.value = keep(&at, i->value);
	q->i.id = keep(&at, i->id);
	q->i.source = keep(&at, i->source);
	q->i.created_by = keep(&at, i->created_by);
	q->i.description = keep(&at, i->description);
	q->i.labels = keep(&at, i->labels);
	q->i.tactic = keep(&at, i->tactic);
	q->i.kill_chain = keep(&at, i->kill_chain);
	return q;
}

static enum err
ask(struct retro *r, const struct indicator *i, bool once)
{
	struct question *q = question_new(i, once);
	enum err e = ERR_OK;

	if (q == NULL) {
		return ERR_NOMEM;
	}
	pthread_mutex_lock(&r->lock);
	if (r->n_questions == RETRO_QUESTIONS) {
		e = ERR_LIMIT;
	} else {
		r->question[(r->q_first + r->n_questions++) % RETRO_QUESTIONS] =
			q;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	if (e != ERR_OK) {
		free(q);
	}
	return e;
}

enum err
retro_ask(struct retro *r, const struct indicator *i)
{
	return ask(r, i, false);
}

enum err
retro_ask_once(struct retro *r, const struct indicator *i)
{
	return ask(r, i, true);
}

/* Whether it was asked for before; it is now. */
static bool
note_asked(struct retro *r, const struct indicator *i)
{
	struct retro_past p = { 0 };
	struct retro_entry e = {
		.kind = (uint8_t)(RETRO_ASKED + i->kind),
		.count = 1,
		/* by the packets' time, as all else that ages */
		.last_s = retro_index_newest(r->index),
	};

	e.first_s = e.last_s;
	retro_key(retro_index_secret(r->index), view_cstr(i->value), e.key);
	retro_index_find(r->index, e.kind, e.key, &p);
	if (!p.found) {
		retro_index_add(r->index, &e);
	}
	return p.found;
}

/* Its name, or "".  Of several who met only the latest are known: what was seen
 * outside its time as well is nobody's exercise. */
static const char *
exercise_of(struct retro *r, const struct indicator *i,
	    const struct retro_past *p)
{
	struct view host = view_cstr(i->value);
	size_t n_hosts = i->kind == INDICATOR_DOMAIN ? 1 : 0;
	const struct event_lanes *l;

	pthread_mutex_lock(&r->lock);
	l = r->lanes;
	pthread_mutex_unlock(&r->lock);
	for (unsigned k = 0; l != NULL && !p->cut && k < l->n; k++) {
		const struct exercise *e = l->exercise[k];

		if (exercise_has(e, &p->example.src, &p->example.dst,
				 p->first_s * US_PER_S, &host, n_hosts) &&
		    exercise_has(e, &p->example.src, &p->example.dst,
				 p->last_s * US_PER_S, &host, n_hosts)) {
			return e->name;
		}
	}
	return "";
}

static void
put_answer(struct retro *r, const struct indicator *i,
	   const struct retro_past *p)
{
	struct answer a = { .severity = MAX(i->severity, (uint8_t)1) };
	struct event_origin o = r->set.origin;

	if (o.exercise == NULL || o.exercise[0] == '\0') {
		o.exercise = exercise_of(r, i, p);
	}
	retro_answer_line(&r->json, &o, i, p, clock_wall_us());
	if (!r->json.failed) {
		a.len = r->json.len;
		a.line = malloc(a.len);
	}
	if (a.line == NULL) {
		log_err("retro: out of memory for an answer");
		return;
	}
	memcpy(a.line, r->json.p, a.len);
	pthread_mutex_lock(&r->lock);
	r->answer[(r->a_first + r->n_answers++) % RETRO_ANSWERS] = a;
	r->count.answered++;
	pthread_mutex_unlock(&r->lock);
}

static void
answer(struct retro *r, const struct question *q)
{
	struct retro_past p;
	bool known = note_asked(r, &q->i), can = true, seen = false;

	if (!(known && q->once)) {
		can = retro_answer_find(r->index, &q->i, &p);
		seen = can && p.found;
	}
	pthread_mutex_lock(&r->lock);
	r->count.asked++;
	r->count.known += known && q->once;
	r->count.unanswerable += !can;
	pthread_mutex_unlock(&r->lock);
	if (seen) {
		put_answer(r, &q->i, &p);
	}
}

/* The next question, while there is room for its answer. */
static struct question *
next_question(struct retro *r)
{
	struct question *q = NULL;

	pthread_mutex_lock(&r->lock);
	if (r->n_questions > 0 && r->n_answers < RETRO_ANSWERS) {
		q = r->question[r->q_first];
		r->q_first = (r->q_first + 1) % RETRO_QUESTIONS;
		r->n_questions--;
	}
	pthread_mutex_unlock(&r->lock);
	return q;
}

/* At most 'max'; false: there may be more that can be answered. */
static bool
answer_some(struct retro *r, unsigned max)
{
	struct question *q;

	for (unsigned n = 0; n < max; n++) {
		q = next_question(r);
		if (q == NULL) {
			return true;
		}
		answer(r, q);
		free(q);
	}
	return false;
}

/* --- the thread --- */

static void
tell(struct retro *r)
{
	struct retro_index_counters index;

	retro_index_counters(r->index, &index);
	pthread_mutex_lock(&r->lock);
	r->count.index = index;
	pthread_mutex_unlock(&r->lock);
}

/* Until there is a question, or it is time to look at the rings; '*asked'
 * questions wait. */
static bool
rest(struct retro *r, bool busy, unsigned *asked)
{
	bool ending;

	pthread_mutex_lock(&r->lock);
	if (!busy && !r->ending &&
	    (r->n_questions == 0 || r->n_answers == RETRO_ANSWERS)) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TURN_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&r->wake, &r->lock, &until);
	}
	ending = r->ending;
	*asked = r->n_questions;
	pthread_mutex_unlock(&r->lock);
	return ending;
}

static void *
run(void *arg)
{
	struct retro *r = arg;
	bool ending = false, busy = false;
	unsigned asked;

	while (!ending) {
		ending = rest(r, busy, &asked);
		/* what was seen before a question is found by it: who asks from
		 * here on may have seen more than is taken now */
		busy = !take_notes(r);
		while (ending && busy) {
			busy = !take_notes(r);
		}
		busy = retro_index_work(r->index, clock_mono_us()) || busy;
		if (asked > 0) {
			asked = MIN(asked, (unsigned)TURN_QUESTIONS);
			busy = !answer_some(r, asked) || busy;
		}
		tell(r);
	}
	while (!answer_some(r, TURN_QUESTIONS)) {
		continue;
	}
	return NULL;
}

static unsigned
ring_bits(unsigned n_workers)
{
	unsigned bits = RING_BITS_MAX;

	while (bits > RING_BITS_MIN &&
	       (sizeof(struct retro_entry) << bits) * n_workers > RING_BYTES) {
		bits--;
	}
	return bits;
}

enum err
retro_open(struct retro **out, const struct retro_settings *s, struct diag *d)
{
	struct retro *r = calloc(1, sizeof(*r));
	unsigned bits = ring_bits(s->n_workers);
	pthread_condattr_t attr;

	*out = NULL;
	if (r == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	r->set = *s;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	r->notes = aligned_alloc(64, s->n_workers * sizeof(*r->notes));
	r->rings = calloc((size_t)s->n_workers << bits, sizeof(*r->rings));
	r->taken = calloc(TAKE, sizeof(*r->taken));
	r->dir = strdup(s->index.dir);
	if (r->notes == NULL || r->rings == NULL || r->taken == NULL ||
	    r->dir == NULL) {
		retro_close(r);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	r->set.index.dir = r->dir;
	memset(r->notes, 0, s->n_workers * sizeof(*r->notes));
	for (unsigned k = 0; k < s->n_workers; k++) {
		retro_ring_init(&r->notes[k].ring,
				r->rings + ((size_t)k << bits), bits,
				s->patient);
		r->notes[k].types = s->types;
		r->notes[k].home = s->home;
	}
	*out = r;
	return ERR_OK;
}

enum err
retro_run(struct retro *r, struct diag *d)
{
	enum err e = retro_index_open(&r->index, &r->set.index, d);
	int rc;

	if (e != ERR_OK) {
		return e;
	}
	for (unsigned k = 0; k < r->set.n_workers; k++) {
		retro_notes_init(&r->notes[k], retro_index_secret(r->index));
	}
	rc = thread_start(&r->thread, THREAD_RETRO, run, r);
	if (rc != 0) {
		return diag_set(d, ERR_NOMEM, "cannot start a thread: %s",
				strerror(rc));
	}
	r->running = true;
	return ERR_OK;
}

void
retro_end(struct retro *r)
{
	if (r == NULL || !r->running) {
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	r->running = false;
	if (retro_index_flush(r->index) != ERR_OK) {
		log_err("retro.dir %s: what was seen last could not be written",
			r->set.index.dir);
	}
	tell(r);
}

static void
drop_answer(void *arg, uint8_t severity, struct view line)
{
	(void)arg;
	(void)severity;
	(void)line;
}

void
retro_close(struct retro *r)
{
	if (r == NULL) {
		return;
	}
	retro_end(r);
	retro_take_answers(r, drop_answer, NULL);
	for (; r->n_questions > 0; r->n_questions--) {
		free(r->question[r->q_first]);
		r->q_first = (r->q_first + 1) % RETRO_QUESTIONS;
	}
	retro_index_close(r->index);
	json_fini(&r->json);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r->notes);
	free(r->rings);
	free(r->taken);
	free(r->dir);
	free(r);
}

struct retro_notes *
retro_notes(struct retro *r, unsigned worker)
{
	return r != NULL ? &r->notes[worker] : NULL;
}

void
retro_set_lanes(struct retro *r, const struct event_lanes *lanes)
{
	pthread_mutex_lock(&r->lock);
	r->lanes = lanes;
	pthread_mutex_unlock(&r->lock);
}

bool
retro_all_answered(struct retro *r)
{
	bool all;

	pthread_mutex_lock(&r->lock);
	all = r->n_questions == 0;
	pthread_mutex_unlock(&r->lock);
	return all;
}

void
retro_take_answers(struct retro *r,
		   void (*take)(void *arg, uint8_t severity, struct view line),
		   void *arg)
{
	for (;;) {
		struct answer a = { .line = NULL };

		pthread_mutex_lock(&r->lock);
		if (r->n_answers > 0) {
			a = r->answer[r->a_first];
			r->a_first = (r->a_first + 1) % RETRO_ANSWERS;
			r->n_answers--;
		}
		pthread_mutex_unlock(&r->lock);
		if (a.line == NULL) {
			return;
		}
		take(arg, a.severity, view_of(a.line, a.len));
		free(a.line);
	}
}

void
retro_get_counters(struct retro *r, struct retro_counters *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->count;
	pthread_mutex_unlock(&r->lock);
	for (unsigned k = 0; k < r->set.n_workers; k++) {
		const struct retro_note_counters *n = &r->notes[k].ring.count;

#define C(name) out->note.name += n->name;
		RETRO_NOTE_LIST(C)
#undef C
	}
}
