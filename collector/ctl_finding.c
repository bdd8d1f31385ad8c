/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_finding.h"

#include <inttypes.h>

#include "collector/finding_store.h"

struct answer {
	struct ctl *c;
	unsigned shown;
};

static void
put_text(struct ctl_text *x, const struct finding_row *r)
{
	fprintf(x->out, "%s%" PRId64 "  %s%s", ctl_sgr(x, "1"), r->id,
		ctl_clean(x, r->kind), ctl_sgr(x, "0"));
	fprintf(x->out, "  severity %u  %s", r->severity,
		ctl_clean(x, r->title));
	if (r->exercise[0] != '\0') {
		fprintf(x->out, "  EXERCISE %s", ctl_clean(x, r->exercise));
	}
	fprintf(x->out, "\n  at %s", ctl_clean(x, r->site));
	fprintf(x->out, ", %s", ctl_time(x, r->first_us));
	fprintf(x->out, " to %s", ctl_time(x, r->last_us));
	fprintf(x->out, ", marked %s", ctl_clean(x, r->mark));
	if (r->updates > 0) {
		fprintf(x->out, ", told of %" PRIu64 " times more", r->updates);
	}
	fprintf(x->out, "\n  %s\n", ctl_clean(x, r->evidence));
}

static enum err
put(void *arg, const struct finding_row *r)
{
	struct answer *a = arg;

	a->shown++;
	if (a->c->json) {
		json_obj(&a->c->j, NULL);
		finding_row_json(&a->c->j, r);
		json_obj_end(&a->c->j);
	} else {
		put_text(&a->c->text, r);
	}
	return ERR_OK;
}

enum err
ctl_findings(struct ctl *c, const char *kind)
{
	struct answer a = { .c = c };
	const char *exercise = c->filter.exercise;
	enum err e;

	if (exercise == NULL && !c->all) {
		exercise = "";
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "findings");
	}
	e = finding_store_list(c->store->db, kind, exercise, c->limit, put, &a);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && a.shown == 0) {
		fputs("no findings\n", c->text.out);
	}
	return e;
}
