/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_inbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/console_suggest.h"
#include "collector/inbox_json.h"
#include "collector/store_json.h"
#include "common/clock.h"

#define GROUP_ALERTS 50

/* What is wrong with the parameter 'field', in its column. */
static unsigned
refuse_query(struct json *j, const char *field, unsigned column,
	     const char *why)
{
	json_reset(j);
	json_obj(j, NULL);
	json_cstr(j, "error", why);
	json_cstr(j, "field", field);
	if (column > 0) {
		json_u64(j, "column", column);
	}
	json_obj_end(j);
	return 400;
}

static unsigned
refuse_store(struct question *q, enum err e, unsigned column,
	     const struct diag *d)
{
	return e == ERR_FORMAT  ? refuse_query(q->j, "q", column, d->msg)
	       : e == ERR_LIMIT ? question_refuse(q->j, 400, d->msg)
				: question_failure(q->j, e);
}

/* ---------------------------------------------------------------- the inbox */

/* One of 'words' by the parameter 'name'; the first when it is absent. */
static bool
word_param(struct question *q, const char *name, const char *const *words,
	   unsigned n, unsigned *out)
{
	const char *s = question_text(q, name);

	*out = 0;
	while (s != NULL && *out < n && strcmp(words[*out], s) != 0) {
		++*out;
	}
	return *out < n;
}

/* "KEY.ID", as "next" gave it. */
static bool
read_cursor(const char *s, struct inbox_asked *a)
{
	int used = 0;

	a->on = s != NULL;
	return s == NULL || (strlen(s) < 48 &&
			     sscanf(s, "%" SCNd64 ".%" SCNd64 "%n", &a->key,
				    &a->id, &used) == 2 &&
			     s[used] == '\0');
}

static const char *
read_asked(struct question *q, struct inbox_asked *a)
{
	static const char *const views[] = { "inbox", "escalated", "archived",
					     "all" };
	static const char *const sorts[] = { "last", "first", "count",
					     "severity" };
	const char *text = question_text(q, "q");
	unsigned view, sort;

	*a = (struct inbox_asked){
		.query = text != NULL ? view_cstr(text) : VIEW_NONE,
		.scope = q->f.scope,
		.exercise = q->f.exercise,
	};
	if (!word_param(q, "state", views, ARRAY_LEN(views), &view)) {
		return "state";
	}
	if (!word_param(q, "sort", sorts, ARRAY_LEN(sorts), &sort)) {
		return "sort";
	}
	a->view = (enum inbox_view)view;
	a->sort = (enum inbox_sort)sort;
	return read_cursor(question_text(q, "cursor"), a) ? NULL : "cursor";
}

struct page {
	struct json *j;
	unsigned n, limit;
	int64_t key, id;
};

static void
on_row(void *arg, const struct inbox_row *row)
{
	struct page *p = arg;

	/* One more than is shown tells that there are more. */
	if (p->n++ < p->limit) {
		inbox_json_row(p->j, row);
		json_obj_end(p->j);
		p->key = row->key;
		p->id = row->g.id;
	}
}

static void
put_next(struct json *j, const struct page *p)
{
	char next[48];

	if (p->n > p->limit && p->limit > 0) {
		snprintf(next, sizeof(next), "%" PRId64 ".%" PRId64, p->key,
			 p->id);
		json_cstr(j, "next", next);
	} else {
		json_nil(j, "next");
	}
}

static unsigned
get_inbox(struct question *q)
{
	struct page p = { .j = q->j, .limit = q->limit };
	struct diag d = { "" };
	struct inbox_asked a;
	struct inbox *b;
	const char *wrong = read_asked(q, &a);
	uint64_t total = 0;
	unsigned column;
	enum err e;

	if (wrong != NULL) {
		return refuse_query(q->j, wrong, 0,
				    "this value makes no sense");
	}
	e = inbox_new(&b, q->store, &a, &column, &d);
	if (e != ERR_OK) {
		return refuse_store(q, e, column, &d);
	}
	json_obj(q->j, NULL);
	json_arr(q->j, "groups");
	e = inbox_read(b, q->limit + 1, on_row, &p);
	json_arr_end(q->j);
	put_next(q->j, &p);
	if (e == ERR_OK && !a.on) {
		e = inbox_total(b, &total);
		json_u64(q->j, "total", total);
		json_bool(q->j, "total_is_more", total == INBOX_MAX_TOTAL);
	}
	json_obj_end(q->j);
	inbox_free(b);
	return e == ERR_OK ? 200 : question_failure(q->j, e);
}

/* ---------------------------------------------------------------- one group */

static void
on_done(void *arg, const struct inbox_done *x)
{
	inbox_json_done(arg, x);
}

static void
on_alert(void *arg, const struct store_alert *a)
{
	store_json_alert(arg, a);
}

static void
on_only(void *arg, const struct inbox_row *row)
{
	struct page *p = arg;

	p->n++;
	inbox_json_row(p->j, row);
}

unsigned
console_inbox_group(struct question *q, int64_t id)
{
	struct inbox_asked a = { .view = INBOX_ALL,
				 .scope = STORE_BOTH,
				 .group = id };
	struct store_alert_filter f = { .scope = STORE_BOTH, .group = id };
	struct page p = { .j = q->j };
	struct diag d = { "" };
	struct inbox *b;
	unsigned column;
	enum err e = inbox_new(&b, q->store, &a, &column, &d);

	if (e != ERR_OK) {
		return refuse_store(q, e, column, &d);
	}
	e = inbox_read(b, 1, on_only, &p);
	inbox_free(b);
	if (e == ERR_OK && p.n == 0) {
		e = ERR_NOTFOUND;
	}
	if (e != ERR_OK) {
		return question_failure(q->j, e);
	}
	json_arr(q->j, "history");
	e = inbox_history(q->store, id, on_done, q->j);
	json_arr_end(q->j);
	json_arr(q->j, "alerts");
	if (e == ERR_OK) {
		f.before_id = q->f.before_id;
		e = store_read_alerts(q->store, &f,
				      MIN(q->limit, (unsigned)GROUP_ALERTS),
				      on_alert, q->j);
	}
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e == ERR_OK ? 200 : question_failure(q->j, e);
}

/* ------------------------------------------------------------ alerts, rate */

static unsigned
get_alerts(struct question *q)
{
	const char *text = question_text(q, "q");
	struct query *w = malloc(sizeof(*w));
	struct diag d = { "" };
	unsigned column;
	enum err e;

	if (w == NULL) {
		return question_failure(q->j, ERR_NOMEM);
	}
	e = query_parse(w, view_cstr(text), clock_wall_us(), &column, &d);
	if (e != ERR_OK) {
		free(w);
		return refuse_store(q, e, column, &d);
	}
	q->f.query = w;
	if (query_has(w, QUERY_EXERCISE) && q->f.scope == STORE_REAL) {
		q->f.scope = STORE_BOTH;
	}
	json_obj(q->j, NULL);
	json_arr(q->j, "alerts");
	e = store_read_alerts(q->store, &q->f, q->limit, on_alert, q->j);
	json_arr_end(q->j);
	json_obj_end(q->j);
	q->f.query = NULL;
	free(w);
	return e == ERR_OK ? 200 : question_failure(q->j, e);
}

/* A step's counts by severity, of all sites together. */
struct rate {
	struct json *j;
	uint64_t from_us, counts[5];
	bool any;
};

static void
put_step(struct rate *r)
{
	if (!r->any) {
		return;
	}
	json_obj(r->j, NULL);
	json_time(r->j, "from", r->from_us);
	json_arr(r->j, "counts");
	for (unsigned i = 0; i < ARRAY_LEN(r->counts); i++) {
		json_u64(r->j, NULL, r->counts[i]);
	}
	json_arr_end(r->j);
	json_obj_end(r->j);
}

static void
on_bucket(void *arg, const struct store_bucket *b)
{
	struct rate *r = arg;

	if (!r->any || b->from_us != r->from_us) {
		put_step(r);
		*r = (struct rate){ .j = r->j,
				    .from_us = b->from_us,
				    .any = true };
	}
	r->counts[MIN(b->severity, 4)] += b->count;
}

static unsigned
get_rate(struct question *q)
{
	struct rate r = { .j = q->j };
	enum err e;

	json_obj(q->j, NULL);
	json_u64(q->j, "step", MAX((q->step_s + 59) / 60, (uint64_t)1) * 60);
	json_arr(q->j, "buckets");
	e = store_read_timeline(q->store, &q->f, q->step_s, on_bucket, &r);
	put_step(&r);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e == ERR_OK ? 200 : question_failure(q->j, e);
}

unsigned
console_inbox(struct question *q)
{
	const char *path = q->r->path;

	if (strcmp(path, "/api/inbox") == 0) {
		return get_inbox(q);
	}
	if (strcmp(path, "/api/rate") == 0) {
		return get_rate(q);
	}
	if (strcmp(path, "/api/suggest") == 0) {
		return console_suggest(q);
	}
	if (strcmp(path, "/api/alerts") == 0 && question_text(q, "q") != NULL) {
		return get_alerts(q);
	}
	return 0;
}
