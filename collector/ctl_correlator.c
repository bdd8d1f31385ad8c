/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_correlator.h"

#include <inttypes.h>

#include "collector/correlator_store.h"
#include "common/clock.h"

struct answer {
	struct ctl *c;
	unsigned shown;
};

/* {"min-sites":2,"min-owners":2} as min-sites=2 min-owners=2: names and numbers
 * of our own making. */
static void
put_thresholds(struct ctl_text *x, const char *json)
{
	bool first = true;

	for (const char *s = ctl_clean(x, json); *s != '\0'; s++) {
		if (*s == ':') {
			fputc('=', x->out);
		} else if (*s == ',') {
			fputc(' ', x->out);
		} else if (strchr("{}\" ", *s) == NULL) {
			if (first) {
				fputs("  ", x->out);
				first = false;
			}
			fputc(*s, x->out);
		}
	}
	fputc('\n', x->out);
}

static void
put_text(struct ctl_text *x, const struct correlator_found *f)
{
	fprintf(x->out, "%s%-12s%s%-5s%-8" PRIu64 "%-10" PRIu64 "%-22s",
		ctl_sgr(x, "1"), ctl_clean(x, f->kind), ctl_sgr(x, "0"),
		f->enabled ? "on" : "off", f->day, f->total,
		f->last_us != 0 ? ctl_time(x, f->last_us) : "never");
	fprintf(x->out, "%-15s", f->tactics[0] != '\0' ? f->tactics : "-");
	fprintf(x->out, "%s\n",
		f->place[0] != '\0' ? ctl_clean(x, f->place) : "as it ships");
	put_thresholds(x, f->thresholds);
}

static void
put_json(struct json *j, const struct correlator_found *f)
{
	json_obj(j, NULL);
	json_cstr(j, "kind", f->kind);
	json_bool(j, "enabled", f->enabled);
	json_cstr(j, "declared", f->place);
	json_cstr(j, "tactics", f->tactics);
	json_raw(j, "thresholds", view_cstr(f->thresholds));
	json_u64(j, "found_24h", f->day);
	json_u64(j, "found", f->total);
	json_time_known(j, "last", f->last_us);
	json_obj_end(j);
}

static enum err
put(void *arg, const struct correlator_found *f)
{
	struct answer *a = arg;

	if (a->c->json) {
		put_json(&a->c->j, f);
	} else {
		if (a->shown == 0) {
			fprintf(a->c->text.out,
				"%-12s%-5s%-8s%-10s%-22s%-15s%s\n",
				"CORRELATOR", "", "24 H", "FOUND", "LAST",
				"TACTIC", "DECLARED");
		}
		put_text(&a->c->text, f);
	}
	a->shown++;
	return ERR_OK;
}

enum err
ctl_correlators(struct ctl *c)
{
	struct answer a = { .c = c };
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "correlators");
	}
	e = correlator_store_each(c->store, clock_wall_us(), put, &a);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && a.shown == 0) {
		fputs("no collector has run on this store since it knows of "
		      "correlators\n",
		      c->text.out);
	}
	return e;
}
