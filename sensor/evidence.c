/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence.h"

#include <stdlib.h>
#include <time.h>

#include "common/log.h"
#include "common/thread.h"

#define TURN_NS 20000000 /* the thread looks at the rings so often */
#define TURN_PACKETS 4096 /* of a worker before the next one's */

struct evidence {
	struct evidence_conf conf;
	unsigned n;
	struct evidence_tap *tap;
	uint8_t *rooms, *before;
	uint8_t *data; /* of the packet in hand */
	struct evidence_dir *dir;
	struct evidence_desk *desk;
	pthread_t thread;
	bool running;
	_Atomic bool ending;
	bool said_full;
	pthread_mutex_t lock; /* of: */
	struct evidence_dir_counters told;
};

/* Once: how many there were in all is counted, and said at the end. */
static void
say_full(struct evidence *v, const struct evidence_tap *t)
{
	/* The worker counts meanwhile. */
	if (!v->said_full &&
	    __atomic_load_n(&t->count.lost_full, __ATOMIC_RELAXED) > 0) {
		v->said_full = true;
		log_warn("evidence: packets come faster than %s takes them: "
			 "some are lost; evidence.buffer may be larger",
			 v->conf.dir);
	}
}

/* Whether a ring has more. */
static bool
write_some(struct evidence *v)
{
	bool more = false;

	for (unsigned i = 0; i < v->n; i++) {
		struct evidence_tap *t = &v->tap[i];
		struct evidence_head h;
		unsigned k = 0;

		while (k < TURN_PACKETS && evidence_take(t, &h, v->data)) {
			evidence_dir_put(v->dir, &h, v->data,
					 &t->broken[h.at.exercise]);
			k++;
		}
		more = more || k == TURN_PACKETS;
		say_full(v, t);
	}
	evidence_dir_flush(v->dir);
	pthread_mutex_lock(&v->lock);
	v->told = *evidence_dir_counters(v->dir);
	pthread_mutex_unlock(&v->lock);
	return more;
}

static void *
run(void *arg)
{
	struct evidence *v = arg;
	const struct timespec turn = { .tv_nsec = TURN_NS };
	bool ending, more;

	do {
		/* asked for before: what came until then is written */
		ending = atomic_load(&v->ending);
		more = write_some(v);
		if (!ending && evidence_desk_step(v->desk, v->dir)) {
			continue; /* a piece was read, between two looks */
		}
		if (!more && !ending) {
			nanosleep(&turn, NULL);
			continue;
		}
		while (ending && write_some(v)) {
			continue;
		}
	} while (!ending);
	return NULL;
}

/* Files are small enough that all that are open are half of the bound. */
static enum err
settle_sizes(struct evidence_conf *c, unsigned n, struct diag *d)
{
	uint64_t share = c->total_size / (2 * EVIDENCE_SERIES * (uint64_t)n);
	uint64_t least = EVIDENCE_FILE_HEAD + EVIDENCE_PACKET_HEAD +
			 (uint64_t)c->limit.snaplen;

	if (share < least) {
		return diag_set(
			d, ERR_USAGE,
			"evidence.total-size is too small for %u "
			"workers: it takes %llu bytes",
			n,
			(unsigned long long)(least * 2 * EVIDENCE_SERIES * n));
	}
	c->limit.file_size = MAX(MIN(c->limit.file_size, share), least);
	return ERR_OK;
}

enum err
evidence_open(struct evidence **out, const struct evidence_conf *c, unsigned n,
	      bool patient, struct diag *d)
{
	struct evidence *v = calloc(1, sizeof(*v));
	unsigned bits = 63 - (unsigned)__builtin_clzll(c->buffer);
	enum err e;

	*out = NULL;
	if (v == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	pthread_mutex_init(&v->lock, NULL);
	v->conf = *c;
	v->n = n;
	e = settle_sizes(&v->conf, n, d);
	if (e != ERR_OK) {
		evidence_close(v);
		return e;
	}
	v->tap = aligned_alloc(64, n * sizeof(*v->tap));
	v->rooms = malloc((size_t)n << bits);
	/* Touched only in the mode that needs it. */
	v->before = calloc(n, MAX(c->before, (uint64_t)1));
	v->data = malloc(c->limit.snaplen);
	v->desk = evidence_desk_new(c->limit.snaplen);
	if (v->desk == NULL || v->before == NULL || v->tap == NULL ||
	    v->rooms == NULL || v->data == NULL) {
		evidence_close(v);
		return diag_set(d, ERR_NOMEM,
				"out of memory: evidence.buffer and before "
				"take %llu bytes for each worker",
				(1ULL << bits) + (unsigned long long)c->before);
	}
	memset(v->tap, 0, n * sizeof(*v->tap));
	/* a packet is not to wait for a page either */
	memset(v->rooms, 0, (size_t)n << bits);
	for (unsigned i = 0; i < n; i++) {
		struct evidence_tap *t = &v->tap[i];

		evidence_tap_init(t, v->rooms + ((size_t)i << bits), bits,
				  &v->conf.limit, patient);
		t->before.room = v->before + i * c->before;
		t->before.size = c->before;
		t->worker = (uint16_t)(i + 1);
		t->mode = c->mode;
	}
	*out = v;
	return ERR_OK;
}

enum err
evidence_run(struct evidence *v, struct diag *d)
{
	struct evidence_dir_settings set = {
		.dir = v->conf.dir,
		.total_size = v->conf.total_size,
		.snaplen = v->conf.limit.snaplen,
		.n_workers = v->n,
	};
	enum err e = evidence_dir_open(&v->dir, &set, d);
	int rc;

	if (e != ERR_OK) {
		return e;
	}
	for (unsigned i = 0; i < v->n; i++) {
		v->tap[i].run = evidence_dir_run(v->dir);
	}
	v->told = *evidence_dir_counters(v->dir);
	rc = thread_start(&v->thread, THREAD_EVIDENCE, run, v);
	if (rc != 0) {
		return diag_set(d, ERR_NOMEM, "cannot start a thread: %s",
				strerror(rc));
	}
	v->running = true;
	return ERR_OK;
}

struct evidence_tap *
evidence_tap(struct evidence *v, unsigned worker)
{
	return v != NULL ? &v->tap[worker] : NULL;
}

struct evidence_desk *
evidence_desk(struct evidence *v)
{
	return v->desk;
}

bool
evidence_set_mode(struct evidence *v, enum evidence_mode mode)
{
	if (!v->running) {
		return false;
	}
	for (unsigned i = 0; i < v->n; i++) {
		v->tap[i].mode = mode;
	}
	return true;
}

void
evidence_get_counters(struct evidence *v, struct evidence_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < v->n; i++) {
#define C(name) out->tap.name += v->tap[i].count.name;
		EVIDENCE_TAP_LIST(C)
#undef C
	}
	out->mode = v->tap[0].mode;
	pthread_mutex_lock(&v->lock);
	out->dir = v->told;
	pthread_mutex_unlock(&v->lock);
}

void
evidence_end(struct evidence *v)
{
	struct evidence_counters n;

	if (v == NULL || !v->running) {
		return;
	}
	atomic_store(&v->ending, true);
	pthread_join(v->thread, NULL);
	v->running = false;
	evidence_get_counters(v, &n);
	if (n.dir.lost + n.tap.lost_full > 0) {
		log_warn("evidence: %llu packets were to be kept and are lost",
			 (unsigned long long)(n.dir.lost + n.tap.lost_full));
	}
}

void
evidence_close(struct evidence *v)
{
	if (v == NULL) {
		return;
	}
	evidence_end(v);
	evidence_desk_free(v->desk);
	evidence_dir_close(v->dir);
	free(v->tap);
	free(v->rooms);
	free(v->before);
	free(v->data);
	pthread_mutex_destroy(&v->lock);
	free(v);
}
