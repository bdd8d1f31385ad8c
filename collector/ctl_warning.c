/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_warning.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/store_warning.h"

struct times {
	uint64_t *us;
	size_t n;
};

struct answer {
	struct ctl *c;
	/* From its first packet, from the one that made it worth a warning,
	 * and from its transaction, to the last sensor. */
	struct times first, cause, stored;
	unsigned shown;
};

static void
add(struct times *t, uint64_t from_us, uint64_t to_us)
{
	t->us[t->n++] = to_us - MIN(to_us, from_us);
}

static void
put_text(struct ctl_text *x, const struct store_warning *w)
{
	char kind[32];

	snprintf(kind, sizeof(kind), "%s", indicator_kind_name(w->kind));
	fprintf(x->out, "%s%" PRId64 "  %s %s%s%s  %s", ctl_sgr(x, "1"), w->id,
		kind, ctl_clean(x, w->value), ctl_sgr(x, "0"),
		w->kind == INDICATOR_DOMAIN && !w->exact ? " and below it" : "",
		warning_state_name(w->state));
	if (w->incident != 0) {
		fprintf(x->out, "  incident %" PRId64, w->incident);
	}
	if (w->incident != 0 && w->level != 0) {
		fprintf(x->out, ", then at level %u", w->level);
	}
	fprintf(x->out, "\n  first seen at %s", ctl_clean(x, w->site));
	fprintf(x->out, " %s, marked %s\n", ctl_time(x, w->first_us),
		ctl_clean(x, w->mark));
	if (w->armed_us != 0) {
		fprintf(x->out, "  armed at %u sensor%s, the last %s",
			w->sensors, w->sensors == 1 ? "" : "s",
			ctl_clean(x, w->last_site));
		fprintf(x->out,
			"/%s; seconds after its first packet %.3f, after its "
			"cause %.3f, after it was stored %.3f\n",
			ctl_clean(x, w->last_sensor),
			(double)(w->armed_us - MIN(w->armed_us, w->first_us)) /
				1e6,
			(double)(w->armed_us - MIN(w->armed_us, w->cause_us)) /
				1e6,
			(double)(w->armed_us - MIN(w->armed_us, w->stored_us)) /
				1e6);
	}
	if (w->moved_us != 0) {
		fprintf(x->out, "  %s since %s\n",
			w->state == WARNING_OFF    ? "not in force"
			: w->state == WARNING_HELD ? "held"
						   : "in force",
			ctl_time(x, w->moved_us));
	}
}

static enum err
put(void *arg, const struct store_warning *w)
{
	struct answer *a = arg;

	a->shown++;
	/* What waited for an analyst says nothing of us. */
	if (w->armed_us != 0 &&
	    (w->moved_us == 0 || w->armed_us < w->moved_us)) {
		add(&a->first, w->first_us, w->armed_us);
		add(&a->cause, w->cause_us, w->armed_us);
		add(&a->stored, w->stored_us, w->armed_us);
	}
	if (a->c->json) {
		json_obj(&a->c->j, NULL);
		store_warning_json(&a->c->j, w);
		json_obj_end(&a->c->j);
	} else {
		put_text(&a->c->text, w);
	}
	return ERR_OK;
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The value that 'percent' of them do not exceed. */
static double
rank(const struct times *t, unsigned percent)
{
	size_t at = (t->n * percent + 99) / 100;

	return (double)t->us[MAX(at, (size_t)1) - 1] / 1e6;
}

static void
put_times(struct answer *a, const char *key, const char *words, struct times *t)
{
	struct json *j = &a->c->j;

	if (t->n == 0) {
		return;
	}
	qsort(t->us, t->n, sizeof(*t->us), by_size);
	if (!a->c->json) {
		fprintf(a->c->text.out,
			"from %s to the last sensor: p50 %.3f s, p99 %.3f s, "
			"most %.3f s, of %zu warning%s\n",
			words, rank(t, 50), rank(t, 99), rank(t, 100), t->n,
			t->n == 1 ? "" : "s");
		return;
	}
	json_obj(j, key);
	json_u64(j, "n", t->n);
	json_f64(j, "p50", rank(t, 50));
	json_f64(j, "p99", rank(t, 99));
	json_f64(j, "max", rank(t, 100));
	json_obj_end(j);
}

enum err
ctl_warnings(struct ctl *c)
{
	struct answer a = { .c = c };
	size_t max = MAX(c->limit, 1u);
	uint64_t *us = calloc(3 * max, sizeof(*us));
	enum err e;

	if (us == NULL) {
		return ERR_NOMEM;
	}
	a.first.us = us;
	a.cause.us = us + max;
	a.stored.us = us + 2 * max;
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "warnings");
	}
	e = store_warning_list(c->store->db, c->limit, put, &a);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj(&c->j, "seconds");
	} else if (e == ERR_OK && a.shown == 0) {
		fputs("no warnings\n", c->text.out);
	}
	put_times(&a, "first", "the first packet", &a.first);
	put_times(&a, "cause", "the packet that caused it", &a.cause);
	put_times(&a, "stored", "the store", &a.stored);
	free(us);
	if (c->json) {
		json_obj_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	return e;
}
