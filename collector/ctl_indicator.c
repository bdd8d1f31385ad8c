/* SPDX-License-Identifier: Apache-2.0 */
/* The common set on the terminal; what changes it is in ctl_indicator_do.c. */
#include "collector/ctl_indicator.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/ctl_armed.h"
#include "collector/ctl_indicator_do.h"
#include "collector/indicator_json.h"
#include "collector/indicator_poll_store.h"
#include "common/hide_args.h"

/* ------------------------------------------------------------------- one row */

struct walk {
	struct ctl *c;
	unsigned n;
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

	row_text(&w->c->text, e);
	w->n++;
}

static void
put_counts(struct ctl *c, const uint64_t n[3])
{
	fprintf(c->text.out,
		"%" PRIu64 " armed, %" PRIu64 " held, %" PRIu64 " off\n",
		n[INDICATOR_ARMED], n[INDICATOR_HELD], n[INDICATOR_OFF]);
}

static enum err
list(struct ctl *c, unsigned states)
{
	struct indicator_filter f = { .states = states,
				      .text = c->filter.text };
	struct walk w = { .c = c };
	int64_t last;
	uint64_t n[3];
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		e = indicator_json_list(c->store, &f, c->limit, &c->j,
					"indicators", &last);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	e = indicator_list_counts(c->store, n);
	if (e == ERR_OK) {
		e = indicator_list(c->store, &f, c->limit, list_one, &w);
	}
	if (e == ERR_OK) {
		put_counts(c, n);
	}
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
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;
	char mark[MARKING_TEXT_CAP];
	const char *is = indicator_gone_word(gone);

	(void)at_us;
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

	w->n++;
	if (w->err != ERR_OK) {
		return;
	}
	show_head(&c->text, e);
	w->err = indicator_list_sources(c->store, e->id, show_source, c);
	w->err = w->err == ERR_OK
			 ? indicator_list_seen(c->store, e->id, show_seen, c)
			 : w->err;
	w->err = w->err == ERR_OK
			 ? indicator_list_log(c->store, e->id, show_log, c)
			 : w->err;
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
	if (c->json) {
		json_obj(&c->j, NULL);
		e = indicator_json_show(c->store, &f, &c->j, &w.n);
		json_obj_end(&c->j);
	} else {
		/* A value may be there as several kinds. */
		e = indicator_list(c->store, &f, INDICATOR_KINDS, show_one, &w);
		if (e == ERR_OK && w.n == 0 && f.value != NULL) {
			e = indicator_list_canonical(c->store, word, show_one,
						     &w, &w.n);
		}
		e = e == ERR_OK ? w.err : e;
	}
	if (e == ERR_OK && w.n == 0) {
		return diag_set(d, ERR_NOTFOUND, "there is no indicator %.128s",
				word);
	}
	return e == ERR_OK && c->json ? ctl_flush_json(c) : e;
}

/* ------------------------------------------------------------------- imports */

static void
put_refusal(void *arg, const char *file, uint64_t line, const char *id,
	    const char *reason)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	fprintf(x->out, "    %s", ctl_clean(x, file));
	if (line > 0) {
		fprintf(x->out, ":%" PRIu64, line);
	}
	fprintf(x->out, ": %s%s%s\n", ctl_clean(x, id),
		id[0] != '\0' ? ": " : "", ctl_clean(x, reason));
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
	fprintf(x->out,
		"Import %" PRId64 " of %s by %s, %s, %s: %" PRIu64
		" entries, %" PRIu64 " supported, %" PRIu64 " refused",
		i->id, ctl_clean(x, i->origin), ctl_clean(x, i->who),
		ctl_time(x, i->begun_us), i->state, i->total, i->supported,
		i->refused);
	fprintf(x->out,
		"\n  taken %" PRIu64 ": %" PRIu64 " new, %" PRIu64
		" changed, %" PRIu64 " the same, %" PRIu64 " older, %" PRIu64
		" revoked, %" PRIu64 " without room; held %" PRIu64
		", withdrawn %" PRIu64 "\n",
		i->taken, i->added, i->changed, i->same, i->stale, i->revoked,
		i->no_room, i->held, i->withdrawn);
	if (i->error[0] != '\0') {
		fprintf(x->out, "  not whole: %s\n", ctl_clean(x, i->error));
	}
	w->err = indicator_list_refusals(c->store, i->id, put_refusal, c);
}

static void
poll_one(void *arg, const struct indicator_poll_row *p)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

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

static enum err
report_json(struct ctl *c, int64_t id, unsigned *n)
{
	enum err e;

	json_obj(&c->j, NULL);
	e = indicator_json_imports(c->store, id, c->limit, &c->j, n);
	if (e == ERR_OK && id == 0) {
		e = indicator_json_polls(c->store, &c->j);
	}
	json_obj_end(&c->j);
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
		e = report_json(c, (int64_t)id, &w.n);
	} else {
		e = indicator_list_imports(c->store, (int64_t)id, c->limit,
					   report_one, &w);
		e = e == ERR_OK ? w.err : e;
	}
	if (e == ERR_OK && id != 0 && w.n == 0) {
		return diag_set(d, ERR_NOTFOUND, "there is no import %s", word);
	}
	if (e == ERR_OK && c->json) {
		return ctl_flush_json(c);
	}
	/* How far the servers were read, behind the imports. */
	return e == ERR_OK && id == 0
		       ? indicator_poll_list(c->store, poll_one, c)
		       : e;
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
