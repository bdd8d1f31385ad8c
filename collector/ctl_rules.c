/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_rules.h"

#include <inttypes.h>

#include "collector/store_rules.h"

struct rows {
	struct ctl_text *x;
	unsigned n;
};

static void
put_rule(void *arg, const struct store_rule *rule)
{
	struct rows *rows = arg;
	struct ctl_text *x = rows->x;
	char id[32];

	rows->n++;
	snprintf(id, sizeof(id), "%" PRIu32 ":%" PRIu32, rule->gid, rule->sid);
	fprintf(x->out, "%10" PRIu64 " %8" PRIu64 " %5" PRIu64 " %3u  ",
		rule->alerts, rule->groups, rule->sites, rule->severity);
	ctl_column(x, 16, id);
	ctl_column(x, 20, ctl_time(x, rule->last_us));
	fprintf(x->out, "%s\n", ctl_clean(x, rule->signature));
}

enum err
ctl_rules_noisy(struct ctl *c)
{
	struct rows rows = { .x = &c->text };
	struct json *j = &c->j;
	unsigned n;
	enum err e;

	if (c->json) {
		json_obj(j, NULL);
		e = store_rules_json(c->store, &c->filter, c->limit, 0, j,
				     "rules", &n);
		if (e == ERR_OK) {
			e = store_rules_json_sensors(c->store, j);
		}
		json_obj_end(j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	fprintf(c->text.out, "%s%10s %8s %5s %3s  %-16s %-20s %s%s\n",
		ctl_sgr(&c->text, "1"), "ALERTS", "GROUPS", "SITES", "SEV",
		"RULE", "LAST", "SIGNATURE", ctl_sgr(&c->text, "0"));
	e = store_read_rules(c->store, &c->filter, c->limit, 0, put_rule,
			     &rows);
	if (e == ERR_OK && rows.n == 0) {
		fputs("no rule raised anything\n", c->text.out);
	}
	return e;
}
