/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/blind.h"
#include "collector/common_set.h"
#include "collector/finding_store.h"
#include "collector/store_sql.h"
#include "collector/store_warning.h"
#include "common/clock.h"
#include "common/json.h"

struct feed {
	FILE *f;
	char *path;
	char *buf;
	size_t len, cap;
	struct json j, line;
	/* where outputs find what is no alert; or NULL */
	sqlite3_stmt *keep, *forget;
	uint64_t now_us;
};

enum err
feed_open(struct feed **out, const char *path, struct diag *d)
{
	struct feed *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (f == NULL || (path != NULL && (f->path = strdup(path)) == NULL)) {
		free(f);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (path == NULL) {
		*out = f;
		return ERR_OK;
	}
	f->f = strcmp(path, "-") == 0 ? stdout : fopen(path, "ae");
	if (f->f == NULL) {
		enum err e = diag_set(d, ERR_IO,
				      "%s: %s: name a writable file with "
				      "--feed",
				      path, strerror(errno));

		feed_close(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

enum err
feed_keep(struct feed *f, sqlite3 *db, struct diag *d)
{
	if (sqlite3_prepare_v2(db,
			       "INSERT INTO feed_events(at_us,line)"
			       " VALUES(?,?)",
			       -1, &f->keep, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "DELETE FROM feed_events WHERE id<=?", -1,
			       &f->forget, NULL) != SQLITE_OK) {
		return diag_set(d, ERR_IO, "feed_events: %s",
				sqlite3_errmsg(db));
	}
	return ERR_OK;
}

enum err
feed_reopen(struct feed *f, struct diag *d)
{
	FILE *fresh;

	if (f->f == stdout || f->f == NULL) {
		return ERR_OK;
	}
	fresh = fopen(f->path, "ae");
	if (fresh == NULL) {
		return diag_set(d, ERR_IO,
				"%s: %s: the feed goes on in the "
				"old file",
				f->path, strerror(errno));
	}
	fclose(f->f);
	f->f = fresh;
	return ERR_OK;
}

void
feed_close(struct feed *f)
{
	if (f == NULL) {
		return;
	}
	if (f->f != NULL && f->f != stdout) {
		fclose(f->f);
	}
	sqlite3_finalize(f->keep);
	sqlite3_finalize(f->forget);
	json_fini(&f->j);
	json_fini(&f->line);
	free(f->path);
	free(f->buf);
	free(f);
}

static int
append(const char *bytes, size_t len, struct feed *f)
{
	if (f->cap - f->len < len) {
		size_t cap = MAX(f->cap * 2, f->len + len + 4096);
		char *p = realloc(f->buf, cap);

		if (p == NULL) {
			return -1;
		}
		f->buf = p;
		f->cap = cap;
	}
	memcpy(f->buf + f->len, bytes, len);
	f->len += len;
	return 0;
}

enum err
feed_alert_line(struct json *out, struct json *extra, const struct alert *a,
		struct view line, int64_t id, int64_t event,
		struct view src_info, struct view dst_info)
{
	const uint8_t *end = a->picket.p + a->picket.len - 1;

	/* What is added goes in before the brace that ends "picket"; the
	 * line was read as strict JSON, so that brace is where it seems. */
	json_reset(extra);
	json_obj(extra, NULL);
	json_i64(extra, "id", id);
	if (event != id) {
		json_i64(extra, "event", event);
	}
	json_raw(extra, "src", src_info);
	json_raw(extra, "dest", dst_info);
	json_obj_end(extra);
	if (a->picket.len < 3 || extra->failed) {
		return ERR_NOMEM;
	}
	json_append(out, view_of(line.p, (size_t)(end - line.p)));
	json_append(out, VIEW_LIT(","));
	json_append(out, view_of(extra->p + 1, extra->len - 2));
	json_append(out, view_of(end, line.len - (size_t)(end - line.p)));
	return out->failed ? ERR_NOMEM : ERR_OK;
}

enum err
feed_alert(struct feed *f, const struct alert *a, struct view line, int64_t id,
	   int64_t event, struct view src_info, struct view dst_info)
{
	enum err e;

	if (f->f == NULL) {
		return ERR_OK;
	}
	json_reset(&f->line);
	e = feed_alert_line(&f->line, &f->j, a, line, id, event, src_info,
			    dst_info);
	return e != ERR_OK || append(f->line.p, f->line.len, f) != 0 ||
			       append("\n", 1, f) != 0
		       ? ERR_NOMEM
		       : ERR_OK;
}

/* An event of the collector's own, with an object of its name. */
static void
begin(struct feed *f, const char *type, uint64_t now_us)
{
	struct json *j = &f->j;

	f->now_us = now_us;
	json_reset(j);
	json_obj(j, NULL);
	json_time(j, "timestamp", now_us);
	json_cstr(j, "event_type", type);
	json_obj(j, type);
}

/* The oldest beyond FEED_EVENTS_MAX make room, a thousand at once. */
static enum err
keep_line(struct feed *f)
{
	enum err e = sql_run(f->keep, "uv", f->now_us, json_view(&f->j));
	int64_t id;

	if (e != ERR_OK) {
		return e;
	}
	id = sqlite3_last_insert_rowid(sqlite3_db_handle(f->keep));
	return id % 1000 == 0 ? sql_run(f->forget, "i", id - FEED_EVENTS_MAX)
			      : ERR_OK;
}

static enum err
end_line(struct feed *f)
{
	struct json *j = &f->j;

	if (j->failed) {
		return ERR_NOMEM;
	}
	if (f->keep != NULL) {
		enum err e = keep_line(f);

		if (e != ERR_OK) {
			return e;
		}
	}
	return f->f != NULL && (append(j->p, j->len, f) != 0 ||
				append("\n", 1, f) != 0)
		       ? ERR_NOMEM
		       : ERR_OK;
}

static enum err
end_of_sensor(struct feed *f, const char *site, const char *sensor)
{
	struct json *j = &f->j;

	json_obj(j, "picket");
	json_cstr(j, "site", site);
	json_cstr(j, "sensor", sensor);
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

enum err
feed_incident(struct feed *f, int64_t id, const char *what,
	      const struct assessment *a, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "incident", now_us);
	json_i64(j, "id", id);
	json_cstr(j, "what", what);
	json_cstr(j, "title", a->title);
	json_u64(j, "score", a->score);
	json_u64(j, "level", a->level);
	json_cstr(j, "level_name", severity_level_name(a->level));
	json_cstr(j, "lead", a->lead);
	json_cstr(j, "support", a->support);
	json_time(j, "first", a->first_us);
	json_time(j, "last", a->last_us);
	json_raw(j, "summary", json_view(&a->summary));
	json_obj_end(j);
	json_obj(j, "picket");
	if (a->exercise[0] != '\0') {
		json_cstr(j, "exercise", a->exercise);
	}
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

enum err
feed_indicators(struct feed *f, const struct common_set_import *i,
		uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "indicators", now_us);
	json_i64(j, "import", i->id);
	json_cstr(j, "source", i->origin);
	json_cstr(j, "who", i->who);
	json_u64(j, "total", i->total);
	json_u64(j, "supported", i->supported);
	json_u64(j, "refused", i->refused);
	json_u64(j, "taken", i->taken);
	json_u64(j, "new", i->added);
	json_u64(j, "held", i->held);
	json_u64(j, "withdrawn", i->withdrawn);
	json_cstr(j, "error", i->error);
	json_obj_end(j);
	json_obj(j, "picket");
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

enum err
feed_held(struct feed *f, struct view kind, struct view value, struct view site,
	  const char *why, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "held", now_us);
	json_str(j, "type", kind);
	json_str(j, "value", value);
	json_cstr(j, "why", why);
	json_obj_end(j);
	json_obj(j, "picket");
	json_str(j, "site", site);
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

enum err
feed_finding(struct feed *f, const struct finding_row *r, const char *what,
	     uint64_t now_us)
{
	begin(f, "finding", now_us);
	json_cstr(&f->j, "what", what);
	finding_row_json(&f->j, r);
	json_obj_end(&f->j);
	json_obj(&f->j, "picket");
	json_cstr(&f->j, "site", r->site);
	if (r->exercise[0] != '\0') {
		json_cstr(&f->j, "exercise", r->exercise);
	}
	json_obj_end(&f->j);
	json_obj_end(&f->j);
	return end_line(f);
}

enum err
feed_warning(struct feed *f, const struct store_warning *w, uint64_t now_us)
{
	begin(f, "warning", now_us);
	store_warning_json(&f->j, w);
	json_obj_end(&f->j);
	json_obj(&f->j, "picket");
	json_cstr(&f->j, "site", w->site);
	json_obj_end(&f->j);
	json_obj_end(&f->j);
	return end_line(f);
}

enum err
feed_consult(struct feed *f, const struct consult_event *event,
	     const struct consult *c, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "consultation", now_us);
	json_obj(j, "event");
	consult_event_json(j, event);
	json_obj_end(j);
	json_obj(j, "now");
	consult_json(j, c);
	json_obj_end(j);
	json_obj_end(j);
	json_obj(j, "picket");
	if (c->exercise[0] != '\0') {
		json_cstr(j, "exercise", c->exercise);
	}
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

/* As a sensor's alert, for consoles that show nothing else: somebody has to be
 * called who was and does not answer. */
enum err
feed_consult_alert(struct feed *f, const struct consult_event *event,
		   const struct consult *c, uint64_t now_us)
{
	struct json *j = &f->j;
	char id[CONSULT_ID_CAP], text[CONSULT_TEXT_CAP + 64];

	begin(f, "alert", now_us);
	json_cstr(j, "action", "allowed");
	json_u64(j, "gid", CONSULT_GID);
	json_u64(j, "signature_id", CONSULT_SID_LATE);
	json_u64(j, "rev", 1);
	snprintf(text, sizeof(text),
		 "PICKET consultation %s not acknowledged by %s, call %u of %u",
		 consult_id_text(&event->id, id), event->about, event->step,
		 CONSULT_STEPS);
	json_cstr(j, "signature", text);
	json_cstr(j, "category", "Consultation not acknowledged");
	json_u64(j, "severity", 1);
	json_obj_end(j);
	json_obj(j, "picket");
	json_cstr(j, "owner", event->about);
	if (c->exercise[0] != '\0') {
		json_cstr(j, "exercise", c->exercise);
	}
	json_cstr(j, "consultation", id);
	json_u64(j, "incident", (uint64_t)c->incident);
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

enum err
feed_blind(struct feed *f, const char *site, const char *sensor,
	   const struct blind_span *span, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "blind", now_us);
	json_cstr(j, "cause", blind_cause_name(span->cause));
	json_time(j, "from", span->from_us);
	json_time_known(j, "to", span->to_us);
	json_cstr(j, "detail", span->detail);
	json_obj_end(j);
	return end_of_sensor(f, site, sensor);
}

enum err
feed_clock(struct feed *f, const char *site, const char *sensor,
	   const char *state, int64_t ahead_us, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "clock", now_us);
	json_name(j, "state", state);
	json_f64(j, "ahead_s", (double)ahead_us / US_PER_S);
	json_obj_end(j);
	return end_of_sensor(f, site, sensor);
}

enum err
feed_joined(struct feed *f, const char *site, const char *sensor, int64_t was,
	    int64_t event, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "joined", now_us);
	json_i64(j, "event", was);
	json_i64(j, "into", event);
	json_obj_end(j);
	return end_of_sensor(f, site, sensor);
}

enum err
feed_refused(struct feed *f, const char *site, const char *sensor,
	     const char *cause, uint64_t n, const char *what, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "refused", now_us);
	json_cstr(j, "cause", cause);
	json_u64(j, "count", n);
	json_cstr(j, "what", what);
	json_obj_end(j);
	return end_of_sensor(f, site, sensor);
}

enum err
feed_exchange(struct feed *f, const char *partner, const char *cause,
	      uint64_t n, const char *what, uint64_t now_us)
{
	struct json *j = &f->j;

	begin(f, "exchange", now_us);
	json_cstr(j, "partner", partner);
	json_cstr(j, "cause", cause);
	json_u64(j, "count", n);
	json_cstr(j, "what", what);
	json_obj_end(j);
	json_obj(j, "picket");
	json_obj_end(j);
	json_obj_end(j);
	return end_line(f);
}

enum err
feed_flush(struct feed *f, struct diag *d)
{
	size_t n;

	if (f->len == 0) {
		return ERR_OK;
	}
	n = fwrite(f->buf, 1, f->len, f->f);
	if (n != f->len || fflush(f->f) != 0) {
		f->len = 0;
		return diag_set(d, ERR_IO, "%s: %s: the feed cannot be written",
				f->path, strerror(errno));
	}
	f->len = 0;
	return ERR_OK;
}

void
feed_drop(struct feed *f)
{
	f->len = 0;
}
