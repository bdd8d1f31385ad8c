/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_read.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/feed.h"
#include "collector/store_sql.h"
#include "common/eve.h"

struct output_reader {
	struct store_reader *store;
	const struct output_conf *is;
	struct eve *eve;
	struct json text; /* all lines of the batch */
	struct json extra;
	/* of the alerts of a batch, which come last one first */
	struct {
		int64_t id;
		size_t at, len;
	} rows[OUTPUT_BATCH];
	size_t n_rows;
	bool failed;
};

enum err
output_reader_open(struct output_reader **out, const char *store,
		   const struct output_conf *is, struct diag *d)
{
	struct output_reader *r = calloc(1, sizeof(*r));
	enum err e;

	*out = NULL;
	if (r == NULL || (r->eve = eve_new()) == NULL) {
		output_reader_close(r);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	r->is = is;
	e = store_reader_open(&r->store, store, d);
	if (e != ERR_OK) {
		output_reader_close(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void
output_reader_close(struct output_reader *r)
{
	if (r == NULL) {
		return;
	}
	store_reader_close(r->store);
	eve_free(r->eve);
	json_fini(&r->text);
	json_fini(&r->extra);
	free(r);
}

static bool
wants_type(const struct output_conf *o, const char *type)
{
	for (unsigned i = 0; i < o->n_types; i++) {
		if (strcmp(o->types[i], type) == 0) {
			return true;
		}
	}
	return o->n_types == 0;
}

/* One number of the store; 0 when there is none. */
static enum err
number(struct output_reader *r, const char *sql, int64_t bound, int64_t *out,
       int64_t *second)
{
	sqlite3_stmt *st = store_reader_prepare(r->store, sql);
	int rc = SQLITE_ERROR;

	*out = 0;
	if (st != NULL && (sqlite3_bind_parameter_count(st) == 0 ||
			   sqlite3_bind_int64(st, 1, bound) == SQLITE_OK)) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			*out = sqlite3_column_int64(st, 0);
			if (second != NULL) {
				*second = sqlite3_column_int64(st, 1);
			}
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
output_read_end(struct output_reader *r, struct output_position *out)
{
	enum err e = number(r,
			    "SELECT first_alert+alerts-1 FROM frames INDEXED BY"
			    " frames_alerts WHERE alerts>0 ORDER BY first_alert"
			    " DESC LIMIT 1",
			    0, &out->alert, NULL);

	return e != ERR_OK ? e
			   : number(r,
				    "SELECT coalesce(max(seq),0) FROM"
				    " sqlite_sequence WHERE name='feed_events'",
				    0, &out->event, NULL);
}

/* The first frame with an alert behind 'after'; '*first' is 0 for none. */
static enum err
find_frame(struct output_reader *r, int64_t after, int64_t *first, int64_t *n)
{
	enum err e = number(r,
			    "SELECT first_alert,alerts FROM frames INDEXED BY"
			    " frames_alerts WHERE alerts>0 AND first_alert<=?"
			    " ORDER BY first_alert DESC LIMIT 1",
			    after + 1, first, n);

	if (e == ERR_OK && (*first == 0 || *first + *n <= after + 1)) {
		e = number(r,
			   "SELECT first_alert,alerts FROM frames INDEXED BY"
			   " frames_alerts WHERE alerts>0 AND first_alert>?"
			   " ORDER BY first_alert LIMIT 1",
			   after + 1, first, n);
	}
	return e;
}

static void
take_alert(void *arg, const struct store_alert *row)
{
	struct output_reader *r = arg;
	struct view line = view_cstr(row->raw);
	size_t at = r->text.len;
	struct alert a;
	const char *why;

	if ((row->exercise[0] != '\0' && !r->is->exercises) ||
	    (r->is->min_severity != 0 &&
	     (row->severity == 0 || row->severity > r->is->min_severity)) ||
	    r->n_rows == OUTPUT_BATCH) {
		return;
	}
	if (eve_parse(r->eve, line, &a, &why) != EVE_ALERT ||
	    feed_alert_line(&r->text, &r->extra, &a, line, row->id, row->id,
			    view_cstr(row->src_info),
			    view_cstr(row->dst_info)) != ERR_OK) {
		r->failed = true;
		return;
	}
	json_append(&r->text, view_of("", 1));
	r->rows[r->n_rows].id = row->id;
	r->rows[r->n_rows].at = at;
	r->rows[r->n_rows++].len = r->text.len - at - 1;
}

static enum err
read_alerts(struct output_reader *r, struct output_batch *b)
{
	struct store_alert_filter f = { .scope = STORE_BOTH, .raw = true };
	int64_t first, n = 0;
	enum err e = find_frame(r, b->end.alert, &first, &n);

	r->n_rows = 0;
	if (e != ERR_OK || first == 0) {
		return e;
	}
	f.after_id = MAX(b->end.alert, first - 1);
	f.before_id = MIN(first + n, f.after_id + OUTPUT_BATCH + 1);
	b->lost += (uint64_t)(f.after_id - b->end.alert);
	if (wants_type(r->is, "alert")) {
		e = store_read_alerts(r->store, &f, OUTPUT_BATCH, take_alert,
				      r);
	}
	b->end.alert = f.before_id - 1;
	b->more = true;
	return e;
}

/* False: it is of an exercise, of a type that is not wanted, or no JSON. */
static bool
wants_event(const struct output_reader *r, const char *line)
{
	json_t *o = json_loads(line, 0, NULL);
	const char *type = json_string_value(json_object_get(o, "event_type"));
	bool wants = type != NULL && wants_type(r->is, type) &&
		     (r->is->exercises ||
		      json_object_get(json_object_get(o, "picket"),
				      "exercise") == NULL);

	json_decref(o);
	return wants;
}

/* Lines go behind those of the alerts: their places are noted as such. */
static enum err
read_events(struct output_reader *r, struct output_batch *b)
{
	sqlite3_stmt *st = store_reader_prepare(
		r->store, "SELECT id,line FROM feed_events WHERE id>? ORDER BY"
			  " id LIMIT 256");
	enum err e = st != NULL && sqlite3_bind_int64(st, 1, b->end.event) ==
					     SQLITE_OK
			     ? ERR_OK
			     : ERR_IO;
	int rc = SQLITE_DONE;

	while (e == ERR_OK && b->n < OUTPUT_BATCH &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(st, 0);
		struct view line = view_cstr(sql_text(st, 1));
		struct output_item *i = &b->items[b->n];

		b->lost += (uint64_t)(id - b->end.event - 1);
		b->end.event = id;
		b->more = true;
		if (!wants_event(r, (const char *)line.p)) {
			continue;
		}
		i->then = b->end;
		i->line = NULL;
		i->len = line.len;
		snprintf(i->id, sizeof(i->id), "event-%" PRId64, id);
		json_append(&r->text, line);
		json_append(&r->text, view_of("", 1));
		b->n++;
	}
	sqlite3_finalize(st);
	return e != ERR_OK                             ? e
	       : rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK
						       : ERR_IO;
}

/* Where each line lies, once no more are added. */
static void
point(struct output_reader *r, struct output_batch *b)
{
	size_t at = 0;

	for (size_t i = 0; i < r->n_rows; i++) {
		b->items[i].line = r->text.p + r->rows[r->n_rows - 1 - i].at;
		at += r->rows[i].len + 1;
	}
	for (size_t i = r->n_rows; i < b->n; i++) {
		b->items[i].line = r->text.p + at;
		at += b->items[i].len + 1;
	}
}

enum err
output_read(struct output_reader *r, const struct output_position *from,
	    struct output_batch *b, struct diag *d)
{
	enum err e;

	b->n = 0;
	b->lost = 0;
	b->more = false;
	b->end = *from;
	json_reset(&r->text);
	r->failed = false;
	e = read_alerts(r, b);
	for (size_t i = 0; e == ERR_OK && i < r->n_rows; i++) {
		struct output_item *it = &b->items[i];
		int64_t id = r->rows[r->n_rows - 1 - i].id;

		it->then = (struct output_position){ id, from->event };
		it->len = r->rows[r->n_rows - 1 - i].len;
		snprintf(it->id, sizeof(it->id), "alert-%" PRId64, id);
		b->n++;
	}
	if (e == ERR_OK) {
		e = read_events(r, b);
	}
	if (e == ERR_OK && (r->text.failed || r->failed)) {
		e = ERR_NOMEM;
	}
	if (e != ERR_OK) {
		return diag_set(d, e, "%s: what is to be told cannot be read",
				r->store->path);
	}
	point(r, b);
	return ERR_OK;
}
