/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor and Picket, stage by stage, on each capture.
 */
#include "tests/bench/bench.h"
#include "tests/bench/literals.h"
#include "tests/bench/row.h"

#define CAPTURE_FLOWS 2000000

struct parts {
	const struct bench *b;
	struct conf *conf;
	struct ruleset *none, *rules;
	struct floor *payload, *all;
};

/* On the mix: every step. */
static void
all_rows(const struct parts *p)
{
	const struct conf *c = p->conf;
	struct row v[] = {
		{ .figure = "floor.read",
		  .label = "floor: read",
		  .floor = p->payload,
		  .level = FLOOR_READ },
		{ .figure = "floor.decode",
		  .label = "floor: + decode",
		  .floor = p->payload,
		  .level = FLOOR_DECODE },
		{ .figure = "floor.flow",
		  .label = "floor: + flow",
		  .floor = p->payload,
		  .level = FLOOR_FLOW },
		{ .figure = "floor.tcp",
		  .label = "floor: + TCP order",
		  .floor = p->payload,
		  .level = FLOOR_TCP },
		{ .figure = "floor.scan",
		  .label = "floor: + scan, payload literals",
		  .floor = p->payload,
		  .level = FLOOR_SCAN },
		{ .figure = "floor.scan_all",
		  .label = "floor: + scan, all literals",
		  .floor = p->all,
		  .level = FLOOR_SCAN },
		{ .figure = "capture",
		  .label = "picket: capture",
		  .stage = PRODUCT_CAPTURE,
		  .conf = c },
		{ .figure = "decode",
		  .label = "picket: + decode",
		  .stage = PRODUCT_DECODE,
		  .conf = c },
		{ .figure = "flow",
		  .label = "picket: + flow",
		  .stage = PRODUCT_FLOW,
		  .conf = c },
		{ .figure = "stream",
		  .label = "picket: + stream",
		  .stage = PRODUCT_STREAM,
		  .conf = c },
		{ .figure = "none",
		  .label = "picket: whole, no rules",
		  .stage = PRODUCT_WHOLE,
		  .conf = c,
		  .rules = p->none },
		{ .figure = "rules",
		  .label = "picket: whole, with rules",
		  .stage = PRODUCT_WHOLE,
		  .conf = c,
		  .rules = p->rules },
		{ .figure = "profile",
		  .label = "picket: the same, counting per rule",
		  .stage = PRODUCT_WHOLE,
		  .conf = c,
		  .rules = p->rules,
		  .profile = true },
	};

	rows_run(v, ARRAY_LEN(v), p->b->rounds, p->b->mix);
	printf("%s: %llu packets, %.1f MB, mean %.0f bytes\n", p->b->mix,
	       (unsigned long long)v[0].packets, (double)v[0].bytes / 1e6,
	       (double)v[0].bytes / (double)v[0].packets);
	rows_print(v, ARRAY_LEN(v), p->b->hz, "mix");
	figure_put((double)v[0].packets, "mix.packets");
	figure_put((double)v[0].bytes, "mix.bytes");
}

static void
few_rows(const struct parts *p, const char *name, const char *path)
{
	struct row v[] = {
		{ .figure = "floor.tcp",
		  .label = "floor: to TCP order",
		  .floor = p->payload,
		  .level = FLOOR_TCP },
		{ .figure = "floor.scan",
		  .label = "floor: + scan, payload literals",
		  .floor = p->payload,
		  .level = FLOOR_SCAN },
		{ .figure = "none",
		  .label = "picket: whole, no rules",
		  .stage = PRODUCT_WHOLE,
		  .conf = p->conf,
		  .rules = p->none },
		{ .figure = "rules",
		  .label = "picket: whole, with rules",
		  .stage = PRODUCT_WHOLE,
		  .conf = p->conf,
		  .rules = p->rules },
	};

	if (path == NULL) {
		return;
	}
	rows_run(v, ARRAY_LEN(v), p->b->rounds, path);
	printf("\n%s: %llu packets, %.1f MB, mean %.0f bytes\n", path,
	       (unsigned long long)v[0].packets, (double)v[0].bytes / 1e6,
	       (double)v[0].bytes / (double)v[0].packets);
	rows_print(v, ARRAY_LEN(v), p->b->hz, name);
	figure_put((double)v[0].packets, "%s.packets", name);
	figure_put((double)v[0].bytes, "%s.bytes", name);
}

void
section_stages(void *arg)
{
	struct parts p = { .b = arg };
	struct floor_literals payload, all;

	p.conf = product_conf(0);
	p.none = product_rules(p.conf, NULL, NULL, 0);
	p.rules = product_rules(p.conf, p.b->rules, NULL, 0);
	payload = floor_literals_of(p.rules, LITERALS_PAYLOAD);
	all = floor_literals_of(p.rules, LITERALS_ALL);
	p.payload = floor_new(CAPTURE_FLOWS, &payload);
	p.all = floor_new(CAPTURE_FLOWS, &all);
	printf("%u rules; literals to server and to client: payload %u and "
	       "%u, all %u and %u\n",
	       ruleset_report(p.rules)->loaded, payload.n[0], payload.n[1],
	       all.n[0], all.n[1]);
	all_rows(&p);
	few_rows(&p, "http", p.b->http);
	few_rows(&p, "tls", p.b->tls);
	few_rows(&p, "small", p.b->small);
	floor_free(p.payload);
	floor_free(p.all);
	floor_literals_fini(&payload);
	floor_literals_fini(&all);
	ruleset_free(p.rules);
	ruleset_free(p.none);
	conf_free(p.conf);
}
