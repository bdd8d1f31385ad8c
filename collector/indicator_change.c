/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_change.h"

#include <stdio.h>
#include <string.h>

#include "collector/indicator_inbox.h"
#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/indicator_value.h"

#define BUSY_MS 20000

/* A list on its way to the inbox, and the marking of what bears none in it. */
struct marked_sink {
	struct indicator_sink to;
	struct marking mark;
	const struct indicator_list_in *in;
};

static enum err
take_marked(void *arg, const struct indicator *i, struct diag *d)
{
	const struct marked_sink *m = arg;
	struct indicator own = *i;

	if (m->in->mark != NULL && !i->marked) {
		own.mark = m->mark;
		own.marked = true;
	}
	return m->to.take(m->to.arg, &own, d);
}

static void
pass_refused(void *arg, const struct indicator_refusal *r)
{
	const struct marked_sink *m = arg;

	if (m->to.refused != NULL) {
		m->to.refused(m->to.arg, r);
	}
}

static void
pass_doubted(void *arg, const struct indicator_refusal *r)
{
	const struct marked_sink *m = arg;

	if (m->in->doubted != NULL) {
		m->in->doubted(m->in->arg, r);
	}
}

static const char *
source_of(const struct indicator_list_in *in)
{
	const char *slash = strrchr(in->path, '/');

	return in->source != NULL && in->source[0] != '\0' ? in->source
	       : slash != NULL && slash[1] != '\0'         ? slash + 1
							   : in->path;
}

enum err
indicator_bring(const char *store, const struct indicator_list_in *in,
		struct indicator_brought *out, struct diag *d)
{
	struct indicator_inbox_config cfg = {
		.store = store,
		.origin = source_of(in),
		.who = in->who,
		.snapshot = in->snapshot,
		.patience_s = in->patience_s,
	};
	struct marked_sink marked = { .in = in };
	const struct indicator_sink sink = { .arg = &marked,
					     .take = take_marked,
					     .refused = pass_refused,
					     .doubted = pass_doubted };
	struct indicator_inbox *b = NULL;
	enum err read, e = ERR_OK;

	*out = (struct indicator_brought){ .source = cfg.origin };
	if (in->mark != NULL) {
		e = marking_read(&marked.mark, view_cstr(in->mark), d);
	}
	if (e == ERR_OK) {
		e = indicator_inbox_open(&b, &cfg, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	marked.to = indicator_inbox_sink(b);
	read = in->data.p == NULL
		       ? indicator_read_path(in->path, &sink, &out->report,
					     &out->why)
		       : indicator_read_bytes(in->path, in->data, &sink,
					      &out->report, &out->why);
	if (read == ERR_OK) {
		out->why.msg[0] = '\0';
	}
	return indicator_inbox_close(b, &out->report,
				     read != ERR_OK ? out->why.msg : NULL,
				     &out->import, d);
}

static enum err
make_indicator(const struct indicator_given *g, struct indicator *i,
	       char value[INDICATOR_VALUE_CAP], struct diag *d)
{
	char file[24];
	size_t len = 0;
	enum err e;

	*i = (struct indicator){
		.severity = 2,
		.confidence = INDICATOR_CONFIDENCE_UNKNOWN,
		.mark = { .tlp = TLP_AMBER_STRICT },
		.valid_until_us = g->until_us,
		.modified_us = clock_wall_us(),
		.value = value,
		.id = "",
		.source = "",
		.created_by = "",
		.description = g->note != NULL ? g->note : "",
		.labels = "",
		.tactic = "",
		.kill_chain = "",
	};
	/* "md5" is what lists call it. */
	snprintf(file, sizeof(file), "file-%.16s", g->kind);
	if ((!indicator_kind_read(view_cstr(g->kind), &i->kind) &&
	     !indicator_kind_read(view_cstr(file), &i->kind)) ||
	    i->kind == INDICATOR_PATTERN) {
		return diag_set(d, ERR_USAGE,
				"'%.64s' is no kind: use ip, "
				"domain, url, ja3, ja4, cert-sha1, "
				"cert-sha256, file-md5, file-sha1, "
				"file-sha256 or user-agent; a pattern comes "
				"by a file",
				g->kind);
	}
	e = g->mark != NULL ? marking_read(&i->mark, view_cstr(g->mark), d)
			    : ERR_OK;
	if (e == ERR_OK) {
		e = indicator_value_canon(i->kind, false, view_cstr(g->value),
					  value, &len, d);
		value[e == ERR_OK ? len : 0] = '\0';
	}
	return e != ERR_OK ? ERR_USAGE : e;
}

/* One change of the store: what is done to it by fn(). */
static enum err
change_store(const char *path,
	     enum err (*fn)(struct indicator_store *s, const void *arg,
			    struct diag *d),
	     const void *arg, struct diag *d)
{
	struct indicator_store *s = NULL;
	sqlite3 *db = NULL;
	enum err e = ERR_OK;

	if (sql_open(&db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     BUSY_MS) != ERR_OK ||
	    sql_exec(db, "PRAGMA synchronous=FULL") != ERR_OK) {
		e = diag_set(d, ERR_IO, "%s: %s", path, sqlite3_errmsg(db));
	}
	if (e == ERR_OK) {
		e = indicator_store_open(&s, db, &indicator_limits_default, d);
	}
	if (e == ERR_OK && (e = indicator_store_begin(s)) != ERR_OK) {
		diag_set(d, e, "the store: %s", sqlite3_errmsg(db));
	} else if (e == ERR_OK && (e = fn(s, arg, d)) != ERR_OK) {
		indicator_store_rollback(s);
	} else if (e == ERR_OK && (e = indicator_store_commit(s)) != ERR_OK) {
		diag_set(d, e, "the store: %s", sqlite3_errmsg(db));
	}
	indicator_store_close(s);
	sqlite3_close(db);
	return e;
}

/* Whose word it is, and on what. */
struct word {
	const char *who, *note;
	enum indicator_verdict verdict;
	int64_t id;
	const struct indicator *given;
};

static enum err
restore(struct indicator_store *s, const void *arg, struct diag *d)
{
	const struct word *w = arg;

	return indicator_store_restore(s, w->given->kind, w->given->value,
				       w->who, clock_wall_us(), d);
}

static enum err
judge(struct indicator_store *s, const void *arg, struct diag *d)
{
	const struct word *w = arg;

	return indicator_store_judge(s, w->id, w->verdict, w->who, w->note,
				     clock_wall_us(), d);
}

enum err
indicator_give(const char *store, const struct indicator_given *g,
	       char value[INDICATOR_VALUE_CAP], int64_t *import, struct diag *d)
{
	char origin[256];
	struct indicator_inbox_config cfg = { .store = store,
					      .origin = origin,
					      .who = g->who };
	struct indicator_report r = { .total = 1, .loaded = 1 };
	struct indicator_inbox *b = NULL;
	struct indicator_sink sink;
	struct indicator i;
	const struct word w = { .who = g->who, .given = &i };
	enum err e = make_indicator(g, &i, value, d);

	*import = 0;
	snprintf(origin, sizeof(origin), "analyst %s", g->who);
	if (e == ERR_OK) {
		e = change_store(store, restore, &w, d);
	}
	if (e == ERR_OK) {
		e = indicator_inbox_open(&b, &cfg, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	sink = indicator_inbox_sink(b);
	e = sink.take(sink.arg, &i, d);
	if (e == ERR_OK) {
		return indicator_inbox_close(b, &r, NULL, import, d);
	}
	(void)!indicator_inbox_close(b, &r, d->msg, import, NULL);
	return e;
}

/* -------------------------------------------------------------------- verdicts */

static const struct {
	const char *verb, *done;
	enum indicator_verdict verdict;
} verdicts[] = { { "release", "released", VERDICT_RELEASED },
		 { "hold", "held", VERDICT_HELD },
		 { "remove", "removed", VERDICT_REMOVED } };

enum indicator_verdict
indicator_verdict_of(const char *verb)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		if (strcmp(verdicts[i].verb, verb) == 0) {
			return verdicts[i].verdict;
		}
	}
	return VERDICT_NONE;
}

const char *
indicator_verdict_done(enum indicator_verdict v)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		if (verdicts[i].verdict == v) {
			return verdicts[i].done;
		}
	}
	return "?";
}

enum err
indicator_judge(const char *store, int64_t id, enum indicator_verdict v,
		const char *who, const char *note, struct diag *d)
{
	const struct word w = {
		.who = who, .note = note, .verdict = v, .id = id
	};

	return change_store(store, judge, &w, d);
}
