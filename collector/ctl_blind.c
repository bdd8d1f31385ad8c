/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_blind.h"

#include "collector/store_blind.h"

struct answer {
	struct ctl *c;
	unsigned n;
};

static void
put_span_times(struct json *j, uint64_t from_us, uint64_t to_us)
{
	json_time(j, "from", from_us);
	if (to_us != 0) {
		json_time(j, "to", to_us);
	} else {
		json_nil(j, "to");
	}
}

static void
put_watch(void *arg, const struct store_watch_row *r)
{
	struct answer *a = arg;
	struct json *j = &a->c->j;

	if (!a->c->json) {
		return;
	}
	json_obj(j, NULL);
	json_cstr(j, "site", r->site);
	json_cstr(j, "sensor", r->sensor);
	json_bool(j, "live", r->live);
	json_time(j, "watched_since", r->since_us);
	json_time(j, "last_seen", r->last_us);
	json_u64(j, "blind_now", r->open);
	json_obj_end(j);
}

static void
put_blind(void *arg, const struct store_blind_row *r)
{
	struct answer *a = arg;
	struct ctl_text *x = &a->c->text;
	struct json *j = &a->c->j;

	a->n++;
	if (a->c->json) {
		json_obj(j, NULL);
		json_cstr(j, "site", r->site);
		json_cstr(j, "sensor", r->sensor);
		json_cstr(j, "cause", r->cause);
		put_span_times(j, r->from_us, r->to_us);
		json_cstr(j, "detail", r->detail);
		json_obj_end(j);
		return;
	}
	ctl_column(x, 20, ctl_time(x, r->from_us));
	fputs(r->to_us == 0 ? ctl_sgr(x, "31;1") : "", x->out);
	ctl_column(x, 20, r->to_us == 0 ? "still so" : ctl_time(x, r->to_us));
	fputs(r->to_us == 0 ? ctl_sgr(x, "0") : "", x->out);
	ctl_column(x, 14, r->site);
	ctl_column(x, 14, r->sensor);
	ctl_column(x, 15, r->cause);
	fprintf(x->out, "%s\n", ctl_clean(x, r->detail));
}

static void
put_cover(void *arg, const struct store_cover_row *r)
{
	struct answer *a = arg;
	struct ctl_text *x = &a->c->text;
	struct json *j = &a->c->j;
	const char *how = r->sensors == 0          ? "unwatched"
			  : r->blind == r->sensors ? "blind"
			  : r->blind > 0           ? "partly"
						   : "watched";

	a->n++;
	if (a->c->json) {
		json_obj(j, NULL);
		json_cstr(j, "asset", r->asset);
		json_cstr(j, "site", r->site);
		json_u64(j, "sensors", r->sensors);
		json_u64(j, "blind_sensors", r->blind);
		json_cstr(j, "state", how);
		if (r->from_us != 0) {
			put_span_times(j, r->from_us, r->to_us);
		}
		json_obj_end(j);
		return;
	}
	if (r->from_us == 0) {
		fprintf(x->out, "%s", ctl_sgr(x, "1"));
		ctl_column(x, 24, r->asset);
		fprintf(x->out, "%s", ctl_sgr(x, "0"));
		ctl_column(x, 14, r->site);
		fprintf(x->out, "%s now, by %u sensor%s\n", how, r->sensors,
			r->sensors == 1 ? "" : "s");
		return;
	}
	fputs("  ", x->out);
	ctl_column(x, 20, ctl_time(x, r->from_us));
	ctl_column(x, 20, r->to_us == 0 ? "still so" : ctl_time(x, r->to_us));
	fprintf(x->out, "%s: %u of %u sensors\n", how, r->blind, r->sensors);
}

static enum err
answer_json(struct answer *a, uint64_t since_us, const char *asset)
{
	struct ctl *c = a->c;
	enum err e;

	json_obj(&c->j, NULL);
	json_arr(&c->j, "sensors");
	e = store_read_watch(c->store, put_watch, a);
	json_arr_end(&c->j);
	json_arr(&c->j, "blind");
	if (e == ERR_OK) {
		e = store_read_blind(c->store, since_us, c->filter.site, asset,
				     put_blind, a);
	}
	json_arr_end(&c->j);
	json_arr(&c->j, "assets");
	a->n = 0;
	if (e == ERR_OK) {
		e = store_read_cover(c->store, since_us, asset, put_cover, a);
	}
	json_arr_end(&c->j);
	json_obj_end(&c->j);
	return e;
}

static enum err
answer_text(struct answer *a, uint64_t since_us, const char *asset)
{
	struct ctl *c = a->c;
	struct ctl_text *x = &c->text;
	enum err e;

	fprintf(x->out, "%s%-20s %-20s %-14s %-14s %-15s %s%s\n",
		ctl_sgr(x, "1"), "FROM", "TO", "SITE", "SENSOR", "BLIND BY", "",
		ctl_sgr(x, "0"));
	e = store_read_blind(c->store, since_us, c->filter.site, asset,
			     put_blind, a);
	if (e == ERR_OK && a->n == 0) {
		fputs("no sensor was blind\n", x->out);
	}
	a->n = 0;
	return e == ERR_OK ? store_read_cover(c->store, since_us, asset,
					      put_cover, a)
			   : e;
}

enum err
ctl_blind(struct ctl *c, uint64_t since_us, const char *asset, struct diag *d)
{
	struct answer a = { .c = c };
	enum err e = c->json ? answer_json(&a, since_us, asset)
			     : answer_text(&a, since_us, asset);

	if (e == ERR_OK && asset != NULL && a.n == 0) {
		return diag_set(d, ERR_NOTFOUND,
				"the mission map has no asset %.128s", asset);
	}
	return e == ERR_OK && c->json ? ctl_flush_json(c) : e;
}
