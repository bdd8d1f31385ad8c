/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/arm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/arm_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

#define AGAIN_MS 500 /* after an error */
/* Between two looks at what Redis has: it may lose it without a word. */
#define LOOK_US UINT64_C(1000000)

enum err
arm_new(struct arm **out, const struct arm_options *o, struct diag *d)
{
	struct arm *a = calloc(1, sizeof(*a));
	enum err e;

	if (a == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	a->o = *o;
	a->low = UINT64_MAX;
	pthread_mutex_init(&a->lock, NULL);
	e = sign_key_load(&a->key, o->key, true, d);
	a->delta = delta_writer_new();
	a->part = delta_writer_new();
	if (e == ERR_OK && (a->delta == NULL || a->part == NULL)) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e == ERR_OK) {
		e = redis_pool_new(&a->pool, o->redis, d);
	}
	if (e != ERR_OK) {
		arm_free(a);
		return e;
	}
	a->first_version = o->source.version(o->source.arg);
	*out = a;
	return ERR_OK;
}

void
arm_free(struct arm *a)
{
	if (a == NULL) {
		return;
	}
	if (a->running) {
		atomic_store(&a->ending, true);
		pthread_join(a->thread, NULL);
	}
	redis_pool_free(a->pool);
	delta_writer_free(a->delta);
	delta_writer_free(a->part);
	sign_key_free(a->key);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void
arm_seen(struct arm *a, const char *version)
{
	uint64_t epoch, v;

	if (!delta_version_read(version, &epoch, &v)) {
		return;
	}
	pthread_mutex_lock(&a->lock);
	if (epoch > a->seen_epoch ||
	    (epoch == a->seen_epoch && v > a->seen_version)) {
		a->seen_epoch = epoch;
		a->seen_version = v;
	}
	if (epoch == a->st.epoch && v < a->low) {
		a->low = v;
	}
	pthread_mutex_unlock(&a->lock);
}

void
arm_read(struct arm *a, struct arm_status *out)
{
	pthread_mutex_lock(&a->lock);
	*out = a->st;
	pthread_mutex_unlock(&a->lock);
}

enum err
arm_good(enum err e, redisReply *r, struct diag *d)
{
	if (e == ERR_OK && r->type == REDIS_REPLY_ERROR) {
		e = diag_set(d, ERR_IO, "%.200s", r->str);
		freeReplyObject(r);
	}
	return e;
}

static void
show(struct arm *a, enum err e, const struct diag *d)
{
	bool was;

	pthread_mutex_lock(&a->lock);
	was = a->st.reachable;
	a->st.epoch = a->chained ? a->epoch : 0;
	a->st.version = a->published;
	a->st.base_version = a->base.to;
	a->st.base_parts = a->base.parts;
	a->st.base_bytes = a->base.bytes;
	a->st.base_records = a->base.records;
	a->st.delta_bytes = a->delta_bytes;
	a->st.failed += e != ERR_OK;
	a->st.reachable = e == ERR_OK;
	if (e != ERR_OK) {
		snprintf(a->st.last_error, sizeof(a->st.last_error), "%.199s",
			 d->msg);
	}
	pthread_mutex_unlock(&a->lock);
	if (e != ERR_OK && (was || a->st.failed == 1)) {
		log_warn("indicators are not published: %s; what changes "
			 "meanwhile follows",
			 d->msg);
	} else if (e == ERR_OK && !was && a->st.failed > 0) {
		log_info("indicators are published again");
	}
}

/* What can be done now; 'more' when it is not all. */
static enum err
turn(struct arm *a, bool *more, struct diag *d)
{
	bool more_base = false;
	enum err e = ERR_OK;

	*more = false;
	if (a->o.held != NULL && !a->o.held(a->o.held_arg)) {
		return diag_set(d, ERR_CLOSED,
				"another collector has the store");
	}
	if (!a->looked || redis_pool_connects(a->pool) != a->connects ||
	    clock_mono_us() >= a->look_us) {
		e = arm_look(a, d);
		a->look_us = clock_mono_us() + LOOK_US;
	}
	if (e == ERR_OK) {
		arm_heed_sensors(a);
		e = arm_publish(a, more, d);
	}
	if (e == ERR_OK && (a->rebase || a->building)) {
		e = arm_base_step(a, &more_base, d);
	}
	*more = *more || more_base;
	return e;
}

static void *
run(void *arg)
{
	struct arm *a = arg;

	while (!atomic_load(&a->ending)) {
		struct diag d = { "" };
		bool more = false;
		enum err e = turn(a, &more, &d);
		unsigned ms = e != ERR_OK ? AGAIN_MS : more ? 0 : ARM_TURN_MS;

		if (e != ERR_OK) {
			/* what came of the last command is not known */
			a->looked = false;
		}
		show(a, e, &d);
		for (; ms > 0 && !atomic_load(&a->ending); ms -= ARM_TURN_MS) {
			usleep(ARM_TURN_MS * 1000);
		}
	}
	return NULL;
}

enum err
arm_start(struct arm *a, struct diag *d)
{
	int rc = thread_start(&a->thread, THREAD_ARMING, run, a);

	if (rc != 0) {
		return diag_set(d, ERR_IO, "thread of indicators: %s",
				strerror(rc));
	}
	a->running = true;
	return ERR_OK;
}
