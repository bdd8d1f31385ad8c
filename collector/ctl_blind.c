/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_blind.h"

#include <inttypes.h>

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
	fputs(ctl_clean(x, r->detail), x->out);
	if (r->silent_from_us != 0) {
		fprintf(x->out, "%ssilent, as noticed, until %s",
			r->detail[0] != '\0' ? "; " : "",
			ctl_time(x, r->silent_to_us));
	}
	if (r->n_assets > 0) {
		fprintf(x->out, "%sassets: %s",
			r->detail[0] != '\0' || r->silent_from_us != 0 ? "; "
								       : "",
			ctl_clean(x, r->assets));
		if (r->n_assets > 5) {
			fprintf(x->out, " and %u more", r->n_assets - 5);
		}
	}
	fputc('\n', x->out);
}

static const char *
colour_of(const struct ctl_text *x, enum store_cover state)
{
	return ctl_sgr(x, state == STORE_WATCHED  ? "32"
			  : state == STORE_PARTLY ? "33"
						  : "31;1");
}

static void
put_state(struct ctl_text *x, enum store_cover state)
{
	fputs(colour_of(x, state), x->out);
	ctl_column(x, 9, store_cover_name(state));
	fputs(ctl_sgr(x, "0"), x->out);
}

static void
put_percents(struct ctl_text *x, const struct store_cover_row *r)
{
	if (r->to_us == r->from_us) {
		if (r->sensors > 0) {
			fprintf(x->out,
				"  nothing is known of that time: a collector "
				"looked last at %s\n",
				ctl_time(x, r->to_us));
		}
		return;
	}
	fprintf(x->out, "  %s to ", ctl_time(x, r->from_us));
	fprintf(x->out, "%s:", ctl_time(x, r->to_us));
	for (unsigned s = 0; s < STORE_COVERS; s++) {
		if (r->us[s] > 0) {
			fprintf(x->out, " %s %.1f %%",
				store_cover_name((enum store_cover)s),
				blind_percent(r, (enum store_cover)s));
		}
	}
	fputc('\n', x->out);
	if (r->known_us != 0) {
		fprintf(x->out,
			"  before %s not every interval is kept: it may have "
			"been worse\n",
			ctl_time(x, r->known_us));
	}
	if (r->left_out != 0) {
		fprintf(x->out, "  %" PRIu64 " earlier pieces: --limit\n",
			r->left_out);
	}
}

static void
put_cover(void *arg, const struct store_cover_row *r)
{
	struct answer *a = arg;
	struct ctl_text *x = a->x;

	if (a->n++ == 0) {
		fprintf(x->out, "\n%s%-24s %-14s WATCHED%s\n", ctl_sgr(x, "1"),
			"ASSET", "SITE", ctl_sgr(x, "0"));
	}
	fputs(ctl_sgr(x, "1"), x->out);
	ctl_column(x, 24, r->asset);
	fputs(ctl_sgr(x, "0"), x->out);
	ctl_column(x, 14, r->site);
	put_state(x, r->state);
	fprintf(x->out, "now, by %u sensor%s%s%s\n", r->sensors,
		r->sensors == 1 ? "" : "s", r->why[0] != '\0' ? ": " : "",
		ctl_clean(x, r->why));
	put_percents(x, r);
	for (unsigned i = 0; i < r->n_pieces; i++) {
		const struct store_cover_piece *p = &r->piece[i];

		fputs("  ", x->out);
		put_state(x, p->state);
		ctl_column(x, 20, ctl_time(x, p->from_us));
		ctl_column(x, 20,
			   p->to_us == 0 ? "still so" : ctl_time(x, p->to_us));
		fprintf(x->out, "%s%s\n", p->why[0] != '\0' ? "because " : "",
			ctl_clean(x, p->why));
	}
}

static enum err
answer_text(struct ctl *c, uint64_t since_us, const char *asset, unsigned limit,
	    unsigned *n_assets)
{
	struct answer a = { .x = &c->text };
	uint64_t left_out = 0;
	enum err e;

	fprintf(a.x->out, "%s%-20s %-20s %-14s %-14s %s%s\n", ctl_sgr(a.x, "1"),
		"FROM", "TO", "SITE", "SENSOR", "BLIND BY", ctl_sgr(a.x, "0"));
	e = store_read_blind(c->store, since_us, c->filter.site, asset, limit,
			     put_blind, &a, &left_out);
	if (e == ERR_OK && a.n == 0) {
		fputs("no sensor is known to have been blind\n", a.x->out);
	}
	if (left_out != 0) {
		fprintf(a.x->out,
			"and %" PRIu64 " earlier ones: --limit, --since\n",
			left_out);
	}
	a.n = 0;
	if (e == ERR_OK) {
		e = store_read_cover(c->store, since_us, asset, limit,
				     put_cover, &a);
	}
	*n_assets = a.n;
	return e;
}

enum err
ctl_blind(struct ctl *c, uint64_t since_us, const char *asset, struct diag *d)
{
	unsigned n = 0, limit = c->limited ? c->limit : STORE_BLIND_ROWS;
	enum err e = c->json ? blind_json(c->store, since_us, c->filter.site,
					  asset, limit, &c->j, &n)
			     : answer_text(c, since_us, asset, limit, &n);

	if (e == ERR_OK && asset != NULL && n == 0) {
		return diag_set(d, ERR_NOTFOUND,
				"the mission map has no asset %.128s", asset);
	}
	return e == ERR_OK && c->json ? ctl_flush_json(c) : e;
}

static void
put_mission(void *arg, const struct store_mission_row *r)
{
	struct answer *a = arg;
	struct ctl_text *x = a->x;

	a->n++;
	put_state(x, r->state);
	ctl_column(x, 24, r->mission);
	ctl_column(x, 10, r->owner);
	fprintf(x->out, "%11u %6u %9u  %s\n", r->criticality, r->assets,
		r->incidents, ctl_clean(x, r->why));
}

enum err
ctl_missions(struct ctl *c)
{
	struct answer a = { .x = &c->text };
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		e = blind_json_missions(c->store, &c->j, "missions");
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	fprintf(a.x->out, "%s%-9s %-24s %-10s %11s %6s %9s  %s%s\n",
		ctl_sgr(a.x, "1"), "STATE", "MISSION", "OWNER", "CRITICALITY",
		"ASSETS", "INCIDENTS", "WHY", ctl_sgr(a.x, "0"));
	e = store_read_missions(c->store, put_mission, &a);
	if (e == ERR_OK && a.n == 0) {
		fputs("no mission is known: give the collector --missions\n",
		      a.x->out);
	}
	return e;
}
