/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_indicator_do.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/indicator_inbox.h"
#include "collector/indicator_list.h"
#include "collector/indicator_store.h"
#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/indicator_value.h"

#define BUSY_MS 20000

static enum err
tell_import(struct ctl *c, int64_t id, const char *source,
	    const struct indicator_report *r, const char *why)
{
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "import", id);
		json_cstr(&c->j, "source", source);
		json_u64(&c->j, "total", r->total);
		json_u64(&c->j, "supported", r->loaded);
		json_u64(&c->j, "refused", r->refused);
		json_cstr(&c->j, "error", why);
		json_obj_end(&c->j);
		return ERR_OK;
	}
	fprintf(x->out,
		"import %" PRId64 " of %s: %" PRIu64 " of %" PRIu64
		" supported, %" PRIu64 " refused; what became of them: "
		"picketctl indicators report %" PRId64 "\n",
		id, ctl_clean(x, source), r->loaded, r->total, r->refused, id);
	if (why[0] != '\0') {
		fprintf(x->out, "  not read to its end: %s\n",
			ctl_clean(x, why));
	}
	return ERR_OK;
}

#define MAX_NOTES 20

/* A list on its way to the inbox, and the marking of what bears none in it. */
struct marked_sink {
	struct indicator_sink to;
	struct marking mark;
	bool given;
	struct ctl_text *text; /* what is doubted of it is told, so often */
	unsigned notes;
};

static enum err
take_marked(void *arg, const struct indicator *i, struct diag *d)
{
	const struct marked_sink *m = arg;
	struct indicator own = *i;

	if (m->given && !i->marked) {
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
	struct marked_sink *m = arg;

	if (m->notes++ < MAX_NOTES) {
		fprintf(stderr,
			"picketctl: note: %s: ", ctl_clean(m->text, r->file));
		if (r->id[0] != '\0') {
			fprintf(stderr, "%s: ", ctl_clean(m->text, r->id));
		}
		fprintf(stderr, "%s\n", ctl_clean(m->text, r->reason));
	} else if (m->notes == MAX_NOTES + 1) {
		fprintf(stderr, "picketctl: note: and more of that kind\n");
	}
}

static enum err
import_file(struct ctl *c, const struct ctl_arguments *args, const char *path,
	    const char *who, bool *broken, struct diag *d)
{
	const char *slash = strrchr(path, '/');
	struct indicator_inbox_config cfg = {
		.store = c->store->path,
		.origin = args->source != NULL                ? args->source
			  : slash != NULL && slash[1] != '\0' ? slash + 1
							      : path,
		.who = who,
		.snapshot = args->snapshot,
	};
	struct indicator_inbox *b = NULL;
	struct indicator_report r = { .total = 0 };
	struct marked_sink marked = { .given = args->mark != NULL,
				      .text = &c->text };
	const struct indicator_sink sink = { .arg = &marked,
					     .take = take_marked,
					     .refused = pass_refused,
					     .doubted = pass_doubted };
	struct diag why = { "" };
	int64_t id = 0;
	enum err read, e = ERR_OK;

	if (marked.given) {
		e = marking_read(&marked.mark, view_cstr(args->mark), d);
	}
	if (e == ERR_OK) {
		e = indicator_inbox_open(&b, &cfg, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	marked.to = indicator_inbox_sink(b);
	read = indicator_read_path(path, &sink, &r, &why);
	*broken |= read != ERR_OK;
	e = indicator_inbox_close(b, &r, read != ERR_OK ? why.msg : NULL, &id,
				  d);
	return e == ERR_OK ? tell_import(c, id, cfg.origin, &r,
					 read != ERR_OK ? why.msg : "")
			   : e;
}

enum err
ctl_indicator_import(struct ctl *c, const struct ctl_arguments *args,
		     const char *who, bool *broken, struct diag *d)
{
	enum err e = ERR_OK;

	for (int i = 2; i < args->n_words; i++) {
		if (access(args->words[i], R_OK) != 0) {
			return diag_set(d, ERR_IO,
					"%.1024s: %s; nothing was imported",
					args->words[i], strerror(errno));
		}
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "imports");
	}
	for (int i = 2; i < args->n_words && e == ERR_OK; i++) {
		e = import_file(c, args, args->words[i], who, broken, d);
	}
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		e = ctl_flush_json(c);
	}
	if (e == ERR_OK && *broken) {
		diag_set(d, ERR_FORMAT, "not everything could be read");
	}
	return e;
}

static enum err
make_indicator(const struct ctl_arguments *args, struct indicator *i,
	       char value[INDICATOR_VALUE_CAP], struct diag *d)
{
	char file[24];
	size_t len = 0;
	enum err e;

	*i = (struct indicator){
		.severity = 2,
		.confidence = INDICATOR_CONFIDENCE_UNKNOWN,
		.mark = { .tlp = TLP_AMBER_STRICT },
		.valid_until_us = args->until_us,
		.modified_us = clock_wall_us(),
		.value = value,
		.id = "",
		.source = "",
		.created_by = "",
		.description = args->note != NULL ? args->note : "",
		.labels = "",
		.tactic = "",
		.kill_chain = "",
	};
	/* "md5" is what lists call it. */
	snprintf(file, sizeof(file), "file-%.16s", args->words[2]);
	if ((!indicator_kind_read(view_cstr(args->words[2]), &i->kind) &&
	     !indicator_kind_read(view_cstr(file), &i->kind)) ||
	    i->kind == INDICATOR_PATTERN) {
		return diag_set(d, ERR_USAGE,
				"indicators add: '%.64s' is no kind: use ip, "
				"domain, url, ja3, ja4, cert-sha1, "
				"cert-sha256, file-md5, file-sha1, "
				"file-sha256 or user-agent; a pattern comes "
				"by a file" CTL_TRY_HELP,
				args->words[2]);
	}
	e = args->mark != NULL
		    ? marking_read(&i->mark, view_cstr(args->mark), d)
		    : ERR_OK;
	if (e == ERR_OK) {
		e = indicator_value_canon(i->kind, false,
					  view_cstr(args->words[3]), value,
					  &len, d);
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
ctl_indicator_add(struct ctl *c, const struct ctl_arguments *args,
		  const char *who, struct diag *d)
{
	char value[INDICATOR_VALUE_CAP], origin[256];
	struct indicator_inbox_config cfg = { .store = c->store->path,
					      .origin = origin,
					      .who = who };
	struct indicator_report r = { .total = 1, .loaded = 1 };
	struct indicator_inbox *b = NULL;
	struct indicator_sink sink;
	struct indicator i;
	const struct word w = { .who = who, .given = &i };
	int64_t id = 0;
	enum err e = make_indicator(args, &i, value, d);

	snprintf(origin, sizeof(origin), "analyst %s", who);
	if (e == ERR_OK) {
		e = change_store(c->store->path, restore, &w, d);
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
		e = indicator_inbox_close(b, &r, NULL, &id, d);
	} else {
		(void)!indicator_inbox_close(b, &r, d->msg, &id, NULL);
	}
	if (e == ERR_OK) {
		e = tell_import(c, id, origin, &r, "");
	}
	if (e == ERR_OK && !c->json) {
		fprintf(c->text.out,
			"  armed, or held and why: picketctl indicators show "
			"'%s'\n",
			ctl_clean(&c->text, value));
	}
	return e == ERR_OK && c->json ? ctl_flush_json(c) : e;
}

struct named {
	int64_t id;
	unsigned n;
};

static void
note_named(void *arg, const struct indicator_entry *e)
{
	struct named *named = arg;

	named->id = e->id;
	named->n++;
}

/* An indicator by its number, or by its value when it is of one kind only. */
static enum err
find_named(struct ctl *c, const char *word, uint64_t *id, struct diag *d)
{
	struct indicator_filter f = { .value = word };
	struct named named = { .n = 0 };
	enum err e;

	if (ctl_number("indicators", word, 1, INT64_MAX, id, NULL) == ERR_OK) {
		return ERR_OK;
	}
	e = indicator_list(c->store, &f, INDICATOR_KINDS, note_named, &named);
	*id = (uint64_t)named.id;
	if (e == ERR_OK && named.n == 0) {
		return diag_set(d, ERR_NOTFOUND, "there is no indicator %.128s",
				word);
	}
	if (e == ERR_OK && named.n > 1) {
		return diag_set(d, ERR_USAGE,
				"%.128s is there as %u kinds: give the number "
				"that indicators show has of each",
				word, named.n);
	}
	return e;
}

enum err
ctl_indicator_judge(struct ctl *c, const struct ctl_arguments *args,
		    const char *who, struct diag *d)
{
	const char *verb = args->words[1];
	struct word w = {
		.who = who,
		.note = args->note != NULL ? args->note : "",
		.verdict = strcmp(verb, "release") == 0 ? VERDICT_RELEASED
			   : strcmp(verb, "hold") == 0  ? VERDICT_HELD
							: VERDICT_REMOVED,
	};
	uint64_t id = 0;
	enum err e = find_named(c, args->words[2], &id, d);

	if (e == ERR_OK) {
		w.id = (int64_t)id;
		e = change_store(c->store->path, judge, &w, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_u64(&c->j, "id", id);
		json_cstr(&c->j, "done", verb);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out, "indicator %" PRIu64 " is %s\n", id,
		strcmp(verb, "release") == 0 ? "released"
		: strcmp(verb, "hold") == 0  ? "held"
					     : "removed");
	return ERR_OK;
}
