/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_indicator_do.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/indicator_change.h"
#include "collector/indicator_list.h"

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

/* What is doubted of a list is told, so often. */
struct notes {
	struct ctl_text *text;
	unsigned n;
};

static void
tell_doubted(void *arg, const struct indicator_refusal *r)
{
	struct notes *m = arg;

	if (m->n++ < MAX_NOTES) {
		fprintf(stderr,
			"picketctl: note: %s: ", ctl_clean(m->text, r->file));
		if (r->id[0] != '\0') {
			fprintf(stderr, "%s: ", ctl_clean(m->text, r->id));
		}
		fprintf(stderr, "%s\n", ctl_clean(m->text, r->reason));
	} else if (m->n == MAX_NOTES + 1) {
		fprintf(stderr, "picketctl: note: and more of that kind\n");
	}
}

static enum err
import_file(struct ctl *c, const struct ctl_arguments *args, const char *path,
	    const char *who, bool *broken, struct diag *d)
{
	struct notes notes = { .text = &c->text };
	const struct indicator_list_in in = {
		.source = args->source,
		.who = who,
		.mark = args->mark,
		.snapshot = args->snapshot,
		.path = path,
		.doubted = tell_doubted,
		.arg = &notes,
	};
	struct indicator_brought got;
	enum err e = indicator_bring(c->store->path, &in, &got, d);

	if (e != ERR_OK) {
		return e;
	}
	*broken |= got.why.msg[0] != '\0';
	return tell_import(c, got.import, got.source, &got.report, got.why.msg);
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

enum err
ctl_indicator_add(struct ctl *c, const struct ctl_arguments *args,
		  const char *who, struct diag *d)
{
	const struct indicator_given g = {
		.kind = args->words[2],
		.value = args->words[3],
		.mark = args->mark,
		.note = args->note,
		.until_us = args->until_us,
		.who = who,
	};
	const struct indicator_report r = { .total = 1, .loaded = 1 };
	char value[INDICATOR_VALUE_CAP], origin[256];
	int64_t id = 0;
	enum err e = indicator_give(c->store->path, &g, value, &id, d);

	snprintf(origin, sizeof(origin), "analyst %s", who);
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
	enum indicator_verdict v = indicator_verdict_of(verb);
	uint64_t id = 0;
	enum err e = find_named(c, args->words[2], &id, d);

	if (e == ERR_OK) {
		e = indicator_judge(c->store->path, (int64_t)id, v, who,
				    args->note != NULL ? args->note : "", d);
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
		indicator_verdict_done(v));
	return ERR_OK;
}
