/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/arm_rows.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

/* One change; 'next' is the later one of the same value. */
struct entry {
	char *value;
	const char *mark;
	uint64_t made_us;
	uint32_t next; /* its index; 0: none */
	enum indicator_kind kind;
	bool armed;
};

struct arm_rows {
	pthread_mutex_t lock;
	struct entry *v; /* by number of the change; 0 is none */
	uint32_t n, cap;
	uint32_t *slot, n_slots; /* newest change of a value */
};

struct arm_rows *
arm_rows_new(void)
{
	struct arm_rows *r = calloc(1, sizeof(*r));

	assert(r != NULL);
	pthread_mutex_init(&r->lock, NULL);
	r->n = 1;
	r->n_slots = 1 << 25;
	r->slot = calloc(r->n_slots, sizeof(*r->slot));
	assert(r->slot != NULL);
	return r;
}

void
arm_rows_free(struct arm_rows *r)
{
	for (uint32_t i = 1; i < r->n; i++) {
		free(r->v[i].value);
	}
	free(r->v);
	free(r->slot);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static uint32_t *
slot_of(struct arm_rows *r, enum indicator_kind kind, const char *value)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind, at;

	for (const char *p = value; *p != '\0'; p++) {
		h = (h ^ (uint8_t)*p) * 16777619u;
	}
	at = (h ^ h >> 15) % r->n_slots;
	while (r->slot[at] != 0 && (r->v[r->slot[at]].kind != kind ||
				    strcmp(r->v[r->slot[at]].value, value))) {
		at = (at + 1) % r->n_slots;
	}
	return &r->slot[at];
}

void
arm_rows_put(struct arm_rows *r, enum indicator_kind kind, const char *value,
	     const char *mark, bool armed)
{
	uint32_t *slot;

	pthread_mutex_lock(&r->lock);
	if (r->n >= r->cap) {
		r->cap = MAX(r->cap * 2, 1024U);
		r->v = realloc(r->v, r->cap * sizeof(*r->v));
		assert(r->v != NULL);
	}
	slot = slot_of(r, kind, value);
	if (*slot != 0) {
		r->v[*slot].next = r->n;
	}
	*slot = r->n;
	r->v[r->n] = (struct entry){ .value = strdup(value),
				     .mark = mark,
				     .made_us = clock_wall_us(),
				     .kind = kind,
				     .armed = armed };
	r->n++;
	pthread_mutex_unlock(&r->lock);
}

uint64_t
arm_rows_version(struct arm_rows *r)
{
	uint64_t v;

	pthread_mutex_lock(&r->lock);
	v = r->n - 1;
	pthread_mutex_unlock(&r->lock);
	return v;
}

void
arm_rows_restore(struct arm_rows *r, uint64_t version)
{
	pthread_mutex_lock(&r->lock);
	while (r->n - 1 > version) {
		free(r->v[--r->n].value);
	}
	memset(r->slot, 0, r->n_slots * sizeof(*r->slot));
	for (uint32_t i = 1; i < r->n; i++) {
		*slot_of(r, r->v[i].kind, r->v[i].value) = i;
		if (r->v[i].next >= r->n) {
			r->v[i].next = 0;
		}
	}
	pthread_mutex_unlock(&r->lock);
}

static uint64_t
version(void *arg)
{
	return arm_rows_version(arg);
}

static enum err
changes(void *arg, uint64_t since, size_t max,
	enum err (*fn)(void *arg, const struct indicator *i, uint64_t change,
		       bool armed),
	void *fn_arg)
{
	struct arm_rows *r = arg;
	enum err e = ERR_OK;

	pthread_mutex_lock(&r->lock);
	for (uint64_t k = since + 1; e == ERR_OK && k < r->n && max > 0; k++) {
		const struct entry *v = &r->v[k];
		char id[40];
		struct indicator i = { .kind = v->kind,
				       .severity = 2,
				       .confidence = 80,
				       .modified_us = v->made_us,
				       .value = v->value,
				       .id = id,
				       .source = "test list",
				       .created_by = "",
				       .description = "",
				       .labels = "",
				       .tactic = "",
				       .kill_chain = "" };

		if (v->next != 0 || (since == 0 && !v->armed)) {
			continue;
		}
		id[0] = '\0';
		if (v->kind == INDICATOR_IP) {
			snprintf(id, sizeof(id), "indicator--%llu",
				 (unsigned long long)k);
		}
		assert(marking_read(&i.mark, view_cstr(v->mark), NULL) ==
		       ERR_OK);
		e = fn(fn_arg, &i, k, v->armed);
		max--;
	}
	pthread_mutex_unlock(&r->lock);
	return e;
}

struct arm_source
arm_rows_source(struct arm_rows *r)
{
	return (struct arm_source){ r, version, changes };
}
