/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/prepare.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/thread.h"

/* One entry in work. */
struct slot {
	bool ready;
	struct prepared out;
	struct frame_codec *codec; /* owns the inflated bytes */
	struct eve *eve; /* owns texts that had escapes */
	struct prepared_line *lines;
};

struct prepare {
	const struct ingest *in;
	struct keyring *keys;
	pthread_t threads[PREPARE_MAX_THREADS];
	unsigned n_threads;
	/* All below: under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	bool stop;
	const struct ingest_entry *entries;
	size_t n;
	int64_t now_s;
	size_t claimed; /* the next that nobody works at */
	size_t given; /* the next that is taken out */
	size_t freed; /* those before it are not looked at any more */
	unsigned busy; /* entries that somebody works at */
	struct slot slots[PREPARE_AHEAD];
};

/* ------------------------------------------------------------- one entry */

static void
read_lines(struct slot *s)
{
	struct prepared *out = &s->out;
	struct view raw = out->f.raw;
	size_t off = 0;

	out->lines = s->lines;
	if (!eve_keep(s->eve, raw.len)) {
		return; /* whoever takes it reads them by himself */
	}
	while (off < raw.len && out->n_lines < PREPARE_LINES) {
		const uint8_t *nl = memchr(raw.p + off, '\n', raw.len - off);
		size_t end = nl != NULL ? (size_t)(nl - raw.p) : raw.len;

		if (end > off) {
			struct prepared_line *l = &s->lines[out->n_lines++];
			const char *why;

			l->text = view_sub(raw, off, end - off);
			l->kind = eve_parse(s->eve, l->text, &l->a, &why);
			if (l->kind == EVE_BAD && eve_no_memory(s->eve)) {
				out->n_lines--; /* likewise */
				break;
			}
		}
		off = end + 1;
	}
	out->rest = MIN(off, raw.len);
}

static enum keyring_verdict
judge(const struct prepare *p, const struct ingest_entry *e, int64_t now_s,
      struct prepared *out)
{
	char name[2 * INGEST_NAME_CAP];

	if (p->keys == NULL) {
		return KEYRING_PASSED;
	}
	snprintf(name, sizeof(name), "%s/%s", ingest_site(p->in, e->stream),
		 ingest_sensor(p->in, e->stream));
	return keyring_judge(p->keys, view_cstr(name), e, &out->f, now_s,
			     out->key);
}

static void
prepare_one(const struct prepare *p, struct slot *s,
	    const struct ingest_entry *e, int64_t now_s)
{
	struct prepared *out = &s->out;

	*out = (struct prepared){ .verdict = KEYRING_PASSED };
	out->header = inflate_header(e, &out->f);
	if (out->header == INFLATE_BAD_HEADER) {
		return;
	}
	out->verdict = judge(p, e, now_s, out);
	/* Nothing is done with bytes of whoever is not believed. */
	if (out->header == INFLATE_GAP || (out->verdict != KEYRING_SIGNED &&
					   out->verdict != KEYRING_PASSED)) {
		return;
	}
	out->body = inflate_body(s->codec, e, &out->f);
	if (out->body == INFLATE_FRAME) {
		read_lines(s);
	}
}

/* --------------------------------------------------------------- threads */

static bool
has_work(const struct prepare *p)
{
	return p->claimed < p->n && p->claimed < p->freed + PREPARE_AHEAD;
}

/* Claims one and does it; the lock is held before and after. */
static void
work_one(struct prepare *p)
{
	size_t i = p->claimed++;
	struct slot *s = &p->slots[i % PREPARE_AHEAD];
	const struct ingest_entry *e = &p->entries[i];
	int64_t now_s = p->now_s;

	p->busy++;
	pthread_mutex_unlock(&p->lock);
	prepare_one(p, s, e, now_s);
	pthread_mutex_lock(&p->lock);
	p->busy--;
	s->ready = true;
}

static void *
run(void *arg)
{
	struct prepare *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (has_work(p)) {
			work_one(p);
			pthread_cond_signal(&p->done);
		} else {
			pthread_cond_wait(&p->work, &p->lock);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void
prepare_set_keys(struct prepare *p, struct keyring *keys)
{
	p->keys = keys;
}

void
prepare_free(struct prepare *p)
{
	if (p == NULL) {
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++) {
		pthread_join(p->threads[i], NULL);
	}
	for (size_t i = 0; i < PREPARE_AHEAD; i++) {
		frame_codec_free(p->slots[i].codec);
		eve_free(p->slots[i].eve);
		free(p->slots[i].lines);
	}
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool
reserve(struct slot *s)
{
	s->codec = frame_codec_new(1);
	s->eve = eve_new();
	s->lines = calloc(PREPARE_LINES, sizeof(*s->lines));
	return s->codec != NULL && s->eve != NULL && s->lines != NULL;
}

enum err
prepare_new(struct prepare **out, const struct ingest *in, struct keyring *keys,
	    unsigned n_threads, struct diag *d)
{
	struct prepare *p = calloc(1, sizeof(*p));
	enum err e = ERR_OK;

	*out = NULL;
	if (p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	p->in = in;
	p->keys = keys;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	for (size_t i = 0; i < PREPARE_AHEAD && e == ERR_OK; i++) {
		e = reserve(&p->slots[i])
			    ? ERR_OK
			    : diag_set(d, ERR_NOMEM, "out of memory");
	}
	n_threads = MIN(n_threads, (unsigned)PREPARE_MAX_THREADS);
	while (e == ERR_OK && p->n_threads < n_threads) {
		int rc = thread_start(&p->threads[p->n_threads], THREAD_PREPARE,
				      run, p);

		if (rc != 0) {
			e = diag_set(d, ERR_IO,
				     "ingest.threads: cannot start a thread: "
				     "%s",
				     strerror(rc));
		} else {
			p->n_threads++;
		}
	}
	if (e != ERR_OK) {
		prepare_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

/* ---------------------------------------------------------- taking it out */

void
prepare_begin(struct prepare *p, const struct ingest_entry *entries, size_t n,
	      int64_t now_s)
{
	pthread_mutex_lock(&p->lock);
	assert(p->busy == 0);
	p->entries = entries;
	p->n = n;
	p->now_s = now_s;
	p->claimed = p->given = p->freed = 0;
	for (size_t i = 0; i < PREPARE_AHEAD; i++) {
		p->slots[i].ready = false;
	}
	if (n > 1) {
		pthread_cond_broadcast(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
}

struct prepared *
prepare_next(struct prepare *p)
{
	struct slot *s;
	size_t i;

	pthread_mutex_lock(&p->lock);
	i = p->given++;
	assert(i < p->n);
	p->freed = i;
	s = &p->slots[i % PREPARE_AHEAD];
	if (p->n_threads > 0 && has_work(p) && p->claimed > i) {
		pthread_cond_signal(&p->work);
	}
	while (!s->ready) {
		if (has_work(p)) {
			work_one(p);
		} else {
			pthread_cond_wait(&p->done, &p->lock);
		}
	}
	s->ready = false;
	pthread_mutex_unlock(&p->lock);
	return &s->out;
}

void
prepare_end(struct prepare *p)
{
	pthread_mutex_lock(&p->lock);
	p->n = p->claimed;
	while (p->busy > 0) {
		pthread_cond_wait(&p->done, &p->lock);
	}
	p->entries = NULL;
	p->n = p->claimed = 0;
	pthread_mutex_unlock(&p->lock);
}
