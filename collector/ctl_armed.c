/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_armed.h"

#include <inttypes.h>

#include "collector/indicator_json.h"

struct answer {
	struct ctl *c;
	unsigned shown;
};

static void
put_sensor(void *arg, const struct indicator_armed *is)
{
	struct answer *a = arg;
	struct ctl_text *x = &a->c->text;

	a->shown++;
	ctl_column(x, 7, is->sensor->state);
	ctl_column(x, 20, is->sensor->site);
	ctl_column(x, 14, is->sensor->sensor);
	ctl_column(x, 28, is->version[0] != '\0' ? is->version : "none");
	if (is->known) {
		fprintf(x->out, "%8" PRIu64, is->behind);
	} else {
		fprintf(x->out, "%8s", "-");
	}
	fprintf(x->out, " %9" PRIu64 " %8" PRIu64 " %10.1f\n", is->armed,
		is->refused, (double)is->lag_us / 1000);
	if (is->patterns_wait > 0) {
		fputs("        patterns that are armed wait for the sensor's "
		      "next set of rules\n",
		      x->out);
	}
	if (is->patterns_refused[0] != '\0') {
		fputs("        refused: ", x->out);
		fputs(ctl_clean(x, is->patterns_refused), x->out);
		fputc('\n', x->out);
	}
}

enum err
ctl_indicators_armed(struct ctl *c)
{
	struct answer a = { .c = c };
	struct ctl_text *x = &c->text;
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		e = indicator_json_armed(c->store, &c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	fprintf(x->out, "%s%-7s %-20s %-14s %-28s %8s %9s %8s %10s%s\n",
		ctl_sgr(x, "1"), "STATE", "SITE", "SENSOR", "VERSION", "BEHIND",
		"ARMED", "REFUSED", "LAG MS", ctl_sgr(x, "0"));
	e = indicator_armed_each(c->store, indicator_changes_version(c->store),
				 put_sensor, &a);
	if (e == ERR_OK && a.shown == 0) {
		fputs("no sensor has reported yet\n", x->out);
	}
	return e;
}
