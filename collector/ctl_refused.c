/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that were refused, by sensor and cause; what is kept no more. */
#include "collector/ctl_show.h"

#include <inttypes.h>

#include "collector/store_bound.h"
#include "collector/store_signed.h"

static void
put_refused(void *arg, const struct store_refused *r)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "site", r->site);
		json_cstr(&c->j, "sensor", r->sensor);
		json_cstr(&c->j, "cause", r->cause);
		json_u64(&c->j, "count", r->n);
		json_time(&c->j, "first", r->first_us);
		json_time(&c->j, "last", r->last_us);
		json_cstr(&c->j, "what", r->what);
		json_obj_end(&c->j);
		return;
	}
	fprintf(x->out, "%srefused%s ", ctl_sgr(x, "31;1"), ctl_sgr(x, "0"));
	/* One text at a time: they share their room. */
	fprintf(x->out, "%s/", ctl_clean(x, r->site));
	fprintf(x->out, "%s: %" PRIu64, ctl_clean(x, r->sensor), r->n);
	fprintf(x->out, " %s", ctl_clean(x, r->cause));
	fprintf(x->out, ", last %s", ctl_time(x, r->last_us));
	fprintf(x->out, ": %s\n", ctl_clean(x, r->what));
}

static void
put_dropped(void *arg, const struct store_dropped *r)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "site", r->site);
		json_cstr(&c->j, "sensor", r->sensor);
		json_cstr(&c->j, "what", r->what);
		json_u64(&c->j, "count", r->n);
		json_u64(&c->j, "events", r->events);
		json_time(&c->j, "first", r->first_us);
		json_time(&c->j, "last", r->last_us);
		json_obj_end(&c->j);
		return;
	}
	fprintf(x->out, "%skept no more%s ", ctl_sgr(x, "31;1"),
		ctl_sgr(x, "0"));
	if (r->site[0] != '\0') {
		fprintf(x->out, "%s/", ctl_clean(x, r->site));
		fprintf(x->out, "%s: ", ctl_clean(x, r->sensor));
	}
	fprintf(x->out, "%" PRIu64, r->n);
	fprintf(x->out, " %s", ctl_clean(x, r->what));
	if (r->events != 0) {
		fprintf(x->out, " with %" PRIu64 " events", r->events);
	}
	fprintf(x->out, ", last %s\n", ctl_time(x, r->last_us));
}

static enum err
dropped(struct ctl *c, const char *site, const char *sensor)
{
	enum err e;

	if (!c->json) {
		return store_read_dropped(c->store, site, sensor, put_dropped,
					  c);
	}
	json_arr(&c->j, "dropped");
	e = store_read_dropped(c->store, site, sensor, put_dropped, c);
	json_arr_end(&c->j);
	return e;
}

enum err
ctl_refused(struct ctl *c, const char *site, const char *sensor)
{
	enum err e;

	if (!c->json) {
		e = store_read_refused(c->store, site, sensor, put_refused, c);
		return e == ERR_OK ? dropped(c, site, sensor) : e;
	}
	json_arr(&c->j, "refused");
	e = store_read_refused(c->store, site, sensor, put_refused, c);
	json_arr_end(&c->j);
	return e == ERR_OK ? dropped(c, site, sensor) : e;
}
