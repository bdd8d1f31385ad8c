/* SPDX-License-Identifier: Apache-2.0 */
/* The common set on the terminal; what changes it is in ctl_indicator_do.c. */
#include "collector/ctl_indicator.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/ctl_armed.h"
#include "collector/ctl_indicator_do.h"
#include "collector/indicator_list.h"
#include "collector/indicator_poll_store.h"
#include "common/hide_args.h"
#include "common/indicator_value.h"

/* ------------------------------------------------------------------- one row */

static void
json_texts(struct json *j, const struct indicator *i)
{
	char mark[MARKING_TEXT_CAP];

	json_cstr(j, "source", i->source);
	json_cstr(j, "source_id", i->id);
	json_cstr(j, "mark", marking_text(&i->mark, mark));
	json_u64(j, "severity", i->severity);
	if (i->confidence != INDICATOR_CONFIDENCE_UNKNOWN) {
		json_u64(j, "confidence", i->confidence);
	} else {
		json_nil(j, "confidence");
	}
	json_time_known(j, "valid_from", i->valid_from_us);
	json_time_known(j, "valid_until", i->valid_until_us);
	json_time_known(j, "modified", i->modified_us);
	json_cstr(j, "created_by", i->created_by);
	json_cstr(j, "description", i->description);
	json_cstr(j, "labels", i->labels);
	json_cstr(j, "tactic", i->tactic);
	json_cstr(j, "kill_chain", i->kill_chain);
}

/* Leaves the object open. */
static void
json_entry(struct json *j, const struct indicator_entry *e)
{
	json_obj(j, NULL);
	json_i64(j, "id", e->id);
	json_cstr(j, "kind", indicator_kind_name(e->is.kind));
	json_cstr(j, "value", e->is.value);
	json_bool(j, "exact", e->is.exact);
	json_cstr(j, "state", indicator_state_name(e->state));
	json_cstr(j, "reason", e->reason);
	json_u64(j, "change", e->change);
	json_time(j, "first", e->first_us);
	json_time(j, "changed", e->changed_us);
	json_texts(j, &e->is);
}

struct walk {
	struct ctl *c;
	unsigned n;
	int64_t id; /* of the last */
	enum err err;
};

static void
row_text(struct ctl_text *x, const struct indicator_entry *e)
{
	char mark[MARKING_TEXT_CAP];

	fprintf(x->out, "%8" PRId64 " ", e->id);
	ctl_column(x, 6, indicator_state_name(e->state));
	ctl_column(x, 12, indicator_kind_name(e->is.kind));
	ctl_column(x, 40, e->is.value);
	ctl_column(x, 14, marking_text(&e->is.mark, mark));
	fprintf(x->out, "%s\n",
		e->reason[0] != '\0' ? ctl_clean(x, e->reason)
				     : ctl_clean(x, e->is.source));
}

static void
list_one(void *arg, const struct indicator_entry *e)
{
	struct walk *w = arg;

	if (w->c->json) {
		json_entry(&w->c->j, e);
		json_obj_end(&w->c->j);
	} else {
		row_text(&w->c->text, e);
	}
	w->n++;
}

static void
put_counts(struct ctl *c, const uint64_t n[3])
{
	if (c->json) {
		json_obj(&c->j, "counts");
		for (int s = INDICATOR_OFF; s <= INDICATOR_ARMED; s++) {
			json_u64(&c->j,
				 indicator_state_name((enum indicator_state)s),
				 n[s]);
		}
		json_obj_end(&c->j);
	} else {
		fprintf(c->text.out,
			"%" PRIu64 " armed, %" PRIu64 " held, %" PRIu64
			" off\n",
			n[INDICATOR_ARMED], n[INDICATOR_HELD],
			n[INDICATOR_OFF]);
	}
}

static enum err
list(struct ctl *c, unsigned states)
{
	struct indicator_filter f = { .states = states,
				      .text = c->filter.text };
	struct walk w = { .c = c };
	uint64_t n[3];
	enum err e = indicator_list_counts(c->store, n);

	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		put_counts(c, n);
		json_arr(&c->j, "indicators");
	}
	e = indicator_list(c->store, &f, c->limit, list_one, &w);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	put_counts(c, n);
	return e;
}

/* ---------------------------------------------------------------- everything */

static void
heading(struct ctl_text *x, const char *name)
{
	fprintf(x->out, "  %s%-13s%s", ctl_sgr(x, "1"), name, ctl_sgr(x, "0"));
}

static void
show_source(void *arg, const struct indicator *i, enum indicator_gone gone,
	    uint64_t at_us)
{
	static const char *const words[] = { "in force", "revoked", "replaced",
					     "withdrawn" };
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;
	char mark[MARKING_TEXT_CAP];
	const char *is = (size_t)gone < ARRAY_LEN(words) ? words[gone] : "?";

	if (c->json) {
		json_obj(&c->j, NULL);
		json_texts(&c->j, i);
		json_cstr(&c->j, "is", is);
		json_time(&c->j, "at", at_us);
		json_obj_end(&c->j);
		return;
	}
	heading(x, "Source");
	fprintf(x->out, "%s, %s, %s", ctl_clean(x, i->source),
		marking_text(&i->mark, mark), is);
	if (i->valid_until_us != 0) {
		fprintf(x->out, " until %s", ctl_time(x, i->valid_until_us));
	}
	fprintf(x->out, "%s%s%s%s\n", i->id[0] != '\0' ? ", " : "",
		ctl_clean(x, i->id), i->description[0] != '\0' ? ": " : "",
		ctl_clean(x, i->description));
	if (i->labels[0] != '\0') {
		heading(x, "Labels");
		fprintf(x->out, "%s\n", ctl_clean(x, i->labels));
	}
	if (i->kill_chain[0] != '\0' || i->tactic[0] != '\0') {
		heading(x, "Stage");
		fprintf(x->out, "%s\n",
			ctl_clean(x, i->kill_chain[0] != '\0' ? i->kill_chain
							      : i->tactic));
	}
}

static void
show_seen(void *arg, const char *site, uint64_t first_us, uint64_t last_us,
	  uint64_t count, uint64_t past)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "site", site);
		json_time(&c->j, "first", first_us);
		json_time(&c->j, "last", last_us);
		json_u64(&c->j, "count", count);
		json_u64(&c->j, "past", past);
		json_obj_end(&c->j);
		return;
	}
	heading(x, "Seen");
	fprintf(x->out, "%s, %s to %s, %" PRIu64 " times", ctl_clean(x, site),
		ctl_time(x, first_us), ctl_time(x, last_us), count);
	if (past >= count) {
		fputs(", past", x->out);
	} else if (past > 0) {
		fprintf(x->out, ", %" PRIu64 " of them past", past);
	}
	fputc('\n', x->out);
}

static void
show_log(void *arg, uint64_t at_us, const char *who, const char *what,
	 const char *text)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_time(&c->j, "at", at_us);
		json_cstr(&c->j, "who", who);
		json_cstr(&c->j, "what", what);
		json_cstr(&c->j, "text", text);
		json_obj_end(&c->j);
		return;
	}
	heading(x, "Log");
	fprintf(x->out, "%s  %s, %s%s%s\n", ctl_time(x, at_us),
		ctl_clean(x, what), ctl_clean(x, who),
		text[0] != '\0' ? ": " : "", ctl_clean(x, text));
}

static void
show_head(struct ctl_text *x, const struct indicator_entry *e)
{
	char mark[MARKING_TEXT_CAP];

	fprintf(x->out, "%sIndicator %" PRId64 ": %s %s%s%s\n", ctl_sgr(x, "1"),
		e->id, indicator_kind_name(e->is.kind),
		ctl_clean(x, e->is.value), e->is.exact ? " (exact)" : "",
		ctl_sgr(x, "0"));
	heading(x, "State");
	fprintf(x->out, "%s since %s%s%s\n", indicator_state_name(e->state),
		ctl_time(x, e->changed_us), e->reason[0] != '\0' ? ": " : "",
		ctl_clean(x, e->reason));
	heading(x, "Marking");
	fprintf(x->out, "%s\n", marking_text(&e->is.mark, mark));
	heading(x, "Valid");
	fprintf(x->out, "%s to %s\n", ctl_time(x, e->is.valid_from_us),
		ctl_time(x, e->is.valid_until_us));
}

static void
show_one(void *arg, const struct indicator_entry *e)
{
	struct walk *w = arg;
	struct ctl *c = w->c;

	w->id = e->id;
	w->n++;
	if (w->err != ERR_OK) {
		return;
	}
	if (!c->json) {
		show_head(&c->text, e);
		w->err =
			indicator_list_sources(c->store, e->id, show_source, c);
		w->err = w->err == ERR_OK ? indicator_list_seen(c->store, e->id,
								show_seen, c)
					  : w->err;
		w->err = w->err == ERR_OK ? indicator_list_log(c->store, e->id,
							       show_log, c)
					  : w->err;
		return;
	}
	json_entry(&c->j, e);
	json_arr(&c->j, "sources");
	w->err = indicator_list_sources(c->store, e->id, show_source, c);
	json_arr_end(&c->j);
	json_arr(&c->j, "seen");
	w->err = w->err == ERR_OK
			 ? indicator_list_seen(c->store, e->id, show_seen, c)
			 : w->err;
	json_arr_end(&c->j);
	json_arr(&c->j, "log");
	w->err = w->err == ERR_OK
			 ? indicator_list_log(c->store, e->id, show_log, c)
			 : w->err;
	json_arr_end(&c->j);
	json_obj_end(&c->j);
}

/* As it would be kept, for who writes it otherwise: with a scheme, a final dot. */
static enum err
show_canonical(struct ctl *c, const char *word, struct walk *w)
{
	char value[INDICATOR_VALUE_CAP];
	struct indicator_filter f = { .value = value };
	enum err e = ERR_OK;
	struct diag d;
	size_t len;

	for (int k = 0; k < INDICATOR_PATTERN && e == ERR_OK && w->n == 0;
	     k++) {
		if (indicator_value_canon((enum indicator_kind)k, false,
					  view_cstr(word), value, &len,
					  &d) == ERR_OK) {
			value[len] = '\0';
			e = indicator_list(c->store, &f, INDICATOR_KINDS,
					   show_one, w);
		}
	}
	return e;
}

static enum err
show(struct ctl *c, const char *word, struct diag *d)
{
	struct indicator_filter f = { .value = word };
	struct walk w = { .c = c };
	uint64_t id;
	enum err e;

	if (ctl_number("indicators", word, 1, INT64_MAX, &id, NULL) == ERR_OK) {
		f = (struct indicator_filter){ .id = (int64_t)id };
	}
	/* A value may be there as several kinds. */
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "indicators");
	}
	e = indicator_list(c->store, &f, INDICATOR_KINDS, show_one, &w);
	if (e == ERR_OK && w.n == 0 && f.value != NULL) {
		e = show_canonical(c, word, &w);
	}
	e = e == ERR_OK ? w.err : e;
	if (e == ERR_OK && w.n == 0) {
		return diag_set(d, ERR_NOTFOUND, "there is no indicator %.128s",
				word);
	}
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		e = ctl_flush_json(c);
	}
	return e;
}

/* ------------------------------------------------------------------- imports */

static void
put_refusal(void *arg, const char *file, uint64_t line, const char *id,
	    const char *reason)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "file", file);
		json_u64(&c->j, "line", line);
		json_cstr(&c->j, "id", id);
		json_cstr(&c->j, "reason", reason);
		json_obj_end(&c->j);
		return;
	}
	fprintf(x->out, "    %s", ctl_clean(x, file));
	if (line > 0) {
		fprintf(x->out, ":%" PRIu64, line);
	}
	fprintf(x->out, ": %s%s%s\n", ctl_clean(x, id),
		id[0] != '\0' ? ": " : "", ctl_clean(x, reason));
}

static void
report_json(struct ctl *c, const struct indicator_import *i)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = {
		{ "total", i->total },         { "supported", i->supported },
		{ "refused", i->refused },     { "repeated", i->repeated },
		{ "taken", i->taken },         { "new", i->added },
		{ "changed", i->changed },     { "same", i->same },
		{ "stale", i->stale },         { "revoked", i->revoked },
		{ "held", i->held },           { "no_room", i->no_room },
		{ "withdrawn", i->withdrawn },
	};

	json_obj(&c->j, NULL);
	json_i64(&c->j, "id", i->id);
	json_cstr(&c->j, "source", i->origin);
	json_cstr(&c->j, "who", i->who);
	json_cstr(&c->j, "state", i->state);
	json_time(&c->j, "begun", i->begun_us);
	json_time_known(&c->j, "ended", i->ended_us);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		json_u64(&c->j, rows[k].name, rows[k].n);
	}
	json_cstr(&c->j, "error", i->error);
	json_arr(&c->j, "refusals");
}

static void
report_one(void *arg, const struct indicator_import *i)
{
	struct walk *w = arg;
	struct ctl *c = w->c;
	struct ctl_text *x = &c->text;

	w->n++;
	if (w->err != ERR_OK) {
		return;
	}
	if (c->json) {
		report_json(c, i);
	} else {
		fprintf(x->out,
			"Import %" PRId64 " of %s by %s, %s, %s: %" PRIu64
			" entries, %" PRIu64 " supported, %" PRIu64 " refused",
			i->id, ctl_clean(x, i->origin), ctl_clean(x, i->who),
			ctl_time(x, i->begun_us), i->state, i->total,
			i->supported, i->refused);
		fprintf(x->out,
			"\n  taken %" PRIu64 ": %" PRIu64 " new, %" PRIu64
			" changed, %" PRIu64 " the same, %" PRIu64
			" older, %" PRIu64 " revoked, %" PRIu64
			" without room; held %" PRIu64 ", withdrawn %" PRIu64
			"\n",
			i->taken, i->added, i->changed, i->same, i->stale,
			i->revoked, i->no_room, i->held, i->withdrawn);
		if (i->error[0] != '\0') {
			fprintf(x->out, "  not whole: %s\n",
				ctl_clean(x, i->error));
		}
	}
	w->err = indicator_list_refusals(c->store, i->id, put_refusal, c);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
	}
}

static void
poll_one(void *arg, const struct indicator_poll_row *p)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "source", p->source);
		json_cstr(&c->j, "url", p->url);
		json_cstr(&c->j, "collection", p->collection);
		json_cstr(&c->j, "added_after", p->added_after);
		json_time(&c->j, "polled", p->polled_us);
		json_time_known(&c->j, "whole", p->good_us);
		json_u64(&c->j, "polls", p->polls);
		json_u64(&c->j, "failed", p->failed);
		json_u64(&c->j, "entries", p->entries);
		json_cstr(&c->j, "error", p->error);
		json_obj_end(&c->j);
		return;
	}
	fprintf(x->out, "Polled %s", ctl_clean(x, p->source));
	fprintf(x->out, " at %s", ctl_clean(x, p->url));
	fprintf(x->out,
		", %s: %" PRIu64 " times, %" PRIu64 " failed, %" PRIu64
		" entries\n",
		ctl_time(x, p->polled_us), p->polls, p->failed, p->entries);
	if (p->error[0] != '\0') {
		fprintf(x->out, "  failed: %s\n", ctl_clean(x, p->error));
	}
}

/* How far the servers were read, behind the imports. */
static enum err
report_polls(struct ctl *c)
{
	enum err e;

	if (c->json) {
		json_arr(&c->j, "polls");
	}
	e = indicator_poll_list(c->store, poll_one, c);
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
	}
	return e;
}

static enum err
report(struct ctl *c, const char *word, struct diag *d)
{
	struct walk w = { .c = c };
	uint64_t id = 0;
	enum err e = word != NULL ? ctl_number("indicators report", word, 1,
					       INT64_MAX, &id, d)
				  : ERR_OK;

	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "imports");
	}
	e = indicator_list_imports(c->store, (int64_t)id, c->limit, report_one,
				   &w);
	e = e == ERR_OK ? w.err : e;
	if (e == ERR_OK && id != 0 && w.n == 0) {
		return diag_set(d, ERR_NOTFOUND, "there is no import %s", word);
	}
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
	}
	if (e == ERR_OK && id == 0) {
		e = report_polls(c);
	}
	if (e == ERR_OK && c->json) {
		json_obj_end(&c->j);
		e = ctl_flush_json(c);
	}
	return e;
}

/* ------------------------------------------------------------------ the verbs */

static const struct {
	const char *verb;
	int least, most; /* words behind it */
	const char *usage;
} verbs[] = {
	{ "list", 0, 0, "list" },
	{ "held", 0, 0, "held" },
	{ "armed", 0, 0, "armed" },
	{ "report", 0, 1, "report [IMPORT]" },
	{ "show", 1, 1, "show ID, or show VALUE" },
	{ "import", 1, 10000, "import FILE..." },
	{ "add", 2, 2, "add KIND VALUE" },
	{ "release", 1, 1, "release ID, or release VALUE" },
	{ "hold", 1, 1, "hold ID, or hold VALUE" },
	{ "remove", 1, 1, "remove ID, or remove VALUE" },
};

/* A marking or an end that were not heeded would be taken for heeded. */
static enum err
options_fit(const struct ctl_arguments *args, const char *verb, struct diag *d)
{
	bool add = strcmp(verb, "add") == 0;

	if (args->mark != NULL && !add && strcmp(verb, "import") != 0) {
		return diag_set(d, ERR_USAGE,
				"--mark: indicators add and indicators import "
				"take it" CTL_TRY_HELP);
	}
	if (args->until_us != 0 && !add) {
		return diag_set(d, ERR_USAGE,
				"--until: indicators add takes it; a list says "
				"itself until when" CTL_TRY_HELP);
	}
	return ERR_OK;
}

enum err
ctl_indicators_check(const struct ctl_arguments *args, struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "list";
	int n = args->n_words - 2;
	char shown[HIDE_ARG_CAP];

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].verb, verb) != 0) {
			continue;
		}
		if (MAX(n, 0) < verbs[i].least || n > verbs[i].most) {
			return diag_set(d, ERR_USAGE,
					"indicators: write indicators "
					"%s" CTL_TRY_HELP,
					verbs[i].usage);
		}
		return options_fit(args, verb, d);
	}
	return diag_set(
		d, ERR_USAGE,
		"indicators: '%s' is not one of list, held, armed, show, "
		"report, import, add, release, hold, "
		"remove" CTL_TRY_HELP,
		hide_arg(verb, shown));
}

enum err
ctl_indicators(struct ctl *c, const struct ctl_arguments *args, const char *who,
	       bool *broken, struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "list";
	const char *word = args->n_words > 2 ? args->words[2] : NULL;

	*broken = false;
	if (strcmp(verb, "list") == 0) {
		return list(c, c->all ? 0
				      : 1u << INDICATOR_HELD |
						1u << INDICATOR_ARMED);
	}
	if (strcmp(verb, "armed") == 0) {
		return ctl_indicators_armed(c);
	}
	if (strcmp(verb, "held") == 0) {
		return list(c, 1u << INDICATOR_HELD);
	}
	if (strcmp(verb, "report") == 0) {
		return report(c, word, d);
	}
	if (strcmp(verb, "show") == 0) {
		return show(c, word, d);
	}
	if (strcmp(verb, "import") == 0) {
		return ctl_indicator_import(c, args, who, broken, d);
	}
	return strcmp(verb, "add") == 0 ? ctl_indicator_add(c, args, who, d)
					: ctl_indicator_judge(c, args, who, d);
}
