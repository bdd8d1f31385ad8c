/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_blind.h"

#include "collector/blind_json.h"

struct answer {
	struct ctl_text *x;
	unsigned n;
};

static void
put_end(struct ctl_text *x, uint64_t to_us)
{
	fputs(to_us == 0 ? ctl_sgr(x, "31;1") : "", x->out);
	ctl_column(x, 20, to_us == 0 ? "still so" : ctl_time(x, to_us));
	fputs(to_us == 0 ? ctl_sgr(x, "0") : "", x->out);
}

static void
put_blind(void *arg, const struct store_blind_row *r)
{
	struct answer *a = arg;
	struct ctl_text *x = a->x;

	a->n++;
	ctl_column(x, 20, ctl_time(x, r->from_us));
	put_end(x, r->to_us);
	ctl_column(x, 14, r->site);
	ctl_column(x, 14, r->sensor);
	ctl_column(x, 15, r->cause);
	fprintf(x->out, "%s\n", ctl_clean(x, r->detail));
}

static void
put_cover(void *arg, const struct store_cover_row *r)
{
	struct answer *a = arg;
	struct ctl_text *x = a->x;

	a->n++;
	if (r->from_us == 0) {
		fputs(ctl_sgr(x, "1"), x->out);
		ctl_column(x, 24, r->asset);
		fputs(ctl_sgr(x, "0"), x->out);
		ctl_column(x, 14, r->site);
		if (r->sensors == 0) {
			fputs("unwatched now: no live sensor covers it\n",
			      x->out);
			return;
		}
		fprintf(x->out, "%s now, by %u sensor%s\n",
			blind_cover_state(r), r->sensors,
			r->sensors == 1 ? "" : "s");
		return;
	}
	fputs("  ", x->out);
	ctl_column(x, 20, ctl_time(x, r->from_us));
	put_end(x, r->to_us);
	fprintf(x->out, "%s: %u of %u sensors\n", blind_cover_state(r),
		r->blind, r->sensors);
}

static enum err
answer_text(struct ctl *c, uint64_t since_us, const char *asset,
	    unsigned *n_assets)
{
	struct answer a = { .x = &c->text };
	enum err e;

	fprintf(a.x->out, "%s%-20s %-20s %-14s %-14s %s%s\n", ctl_sgr(a.x, "1"),
		"FROM", "TO", "SITE", "SENSOR", "BLIND BY", ctl_sgr(a.x, "0"));
	e = store_read_blind(c->store, since_us, c->filter.site, asset,
			     put_blind, &a);
	if (e == ERR_OK && a.n == 0) {
		fputs("no sensor is known to have been blind\n", a.x->out);
	}
	a.n = 0;
	if (e == ERR_OK) {
		e = store_read_cover(c->store, since_us, asset, put_cover, &a);
	}
	*n_assets = a.n;
	return e;
}

enum err
ctl_blind(struct ctl *c, uint64_t since_us, const char *asset, struct diag *d)
{
	unsigned n = 0;
	enum err e = c->json ? blind_json(c->store, since_us, c->filter.site,
					  asset, &c->j, &n)
			     : answer_text(c, since_us, asset, &n);

	if (e == ERR_OK && asset != NULL && n == 0) {
		return diag_set(d, ERR_NOTFOUND,
				"the mission map has no asset %.128s", asset);
	}
	return e == ERR_OK && c->json ? ctl_flush_json(c) : e;
}
