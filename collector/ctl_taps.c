/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_taps.h"

#include <inttypes.h>

#include "collector/taps.h"
#include "collector/taps_json.h"
#include "common/clock.h"

struct answer {
	struct ctl_text *x;
	unsigned n;
};

static void
put_clock(void *arg, const struct taps_clock *c)
{
	struct answer *a = arg;
	struct ctl_text *x = a->x;
	bool off = strcmp(c->state, "off") == 0;

	a->n++;
	fputs(off ? ctl_sgr(x, "31;1") : "", x->out);
	ctl_column(x, 9, c->state);
	fputs(off ? ctl_sgr(x, "0") : "", x->out);
	ctl_column(x, 14, c->site);
	ctl_column(x, 14, c->sensor);
	fprintf(x->out, "%+14.3f %9.3f %+10.1f %8" PRIu64 " %7u  %s\n",
		(double)c->offset_us / US_PER_S,
		c->error_us <= INT64_MAX / 2 ? (double)c->error_us / US_PER_S
					     : 0.0,
		c->drift * 1e6, c->shared, c->others, ctl_time(x, c->at_us));
}

enum err
ctl_skew(struct ctl *c)
{
	struct answer a = { .x = &c->text };
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		e = taps_json_clocks(c->store, &c->j, "clocks");
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	fprintf(a.x->out, "%s%-9s %-14s %-14s %14s %9s %10s %8s %7s  %s%s\n",
		ctl_sgr(a.x, "1"), "STATE", "SITE", "SENSOR", "AHEAD s",
		"ERROR s", "DRIFT ppm", "SHARED", "SENSORS", "COMPARED",
		ctl_sgr(a.x, "0"));
	e = taps_read_clocks(c->store, put_clock, &a);
	if (e == ERR_OK && a.n == 0) {
		fputs("no clock was compared yet: sensors that see the same "
		      "connections\ntell of them by events of the type "
		      "anchor (forward.types)\n",
		      a.x->out);
	}
	return e;
}
