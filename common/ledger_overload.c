/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ledger_overload.h"

/* --- writing --- */

static void
put_given_up(struct json *j, const char *key, const struct ledger_given_up *g)
{
	if (g->frames > 0) {
		json_obj(j, key);
		json_u64(j, "frames", g->frames);
		json_u64(j, "since_us", g->since_us);
		json_u64(j, "last_us", g->last_us);
		json_obj_end(j);
	}
}

void
ledger_overload_write(struct json *j, const struct ledger_overload *o)
{
	if (o->levels == 0) {
		return;
	}
	json_obj(j, "overload");
	json_u64(j, "level", o->level);
	json_u64(j, "levels", o->levels);
	json_u64(j, "default_priority", o->default_priority);
	json_bool(j, "missions", o->missions);
	json_arr(j, "given_up"); /* the first is of priority 1 */
	for (unsigned p = 0; p < LEDGER_PRIORITIES; p++) {
		json_obj(j, NULL);
		put_given_up(j, "payload", &o->of[p].payload);
		put_given_up(j, "all", &o->of[p].all);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_arr(j, "networks");
	for (unsigned i = 0; i < o->n_nets; i++) {
		char text[ADDR_TEXT_CAP + 4];
		size_t n = cidr_format(&o->net[i].net, text);

		json_obj(j, NULL);
		json_str(j, "network", view_of(text, n));
		json_u64(j, "priority", o->net[i].priority);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_u64(j, "more_networks", o->more_nets);
	json_obj_end(j);
}

/* --- reading --- */

static const struct json_value *
member(const struct json_reader *r, const struct json_value *obj,
       const char *name, enum json_type type)
{
	const struct json_value *v = json_member(r, obj, view_cstr(name));

	return v != NULL && v->type == type ? v : NULL;
}

static uint64_t
number(const struct json_reader *r, const struct json_value *obj,
       const char *name)
{
	const struct json_value *v = json_member(r, obj, view_cstr(name));
	uint64_t n = 0;

	return v != NULL && json_uint(v, INT64_MAX, &n) ? n : 0;
}

static void
read_given_up(struct ledger_given_up *g, const struct json_reader *r,
	      const struct json_value *obj, const char *name)
{
	const struct json_value *v = json_member(r, obj, view_cstr(name));

	g->frames = number(r, v, "frames");
	g->since_us = number(r, v, "since_us");
	g->last_us = number(r, v, "last_us");
}

static void
read_networks(struct ledger_overload *o, const struct json_reader *r,
	      const struct json_value *arr)
{
	const struct json_value *v;

	for (v = json_first(r, arr); v != NULL && o->n_nets < LEDGER_NETWORKS;
	     v = json_next(r, arr, v)) {
		const struct json_value *net =
			member(r, v, "network", JSON_STRING);
		uint64_t priority = number(r, v, "priority");

		if (net != NULL && priority >= 1 &&
		    priority <= LEDGER_PRIORITIES &&
		    cidr_parse(net->text, &o->net[o->n_nets].net)) {
			o->net[o->n_nets++].priority = priority;
		}
	}
}

void
ledger_overload_read(struct ledger_overload *o, const struct json_reader *r,
		     const struct json_value *obj)
{
	const struct json_value *s = json_member(r, obj, VIEW_LIT("overload"));
	const struct json_value *arr, *v;
	unsigned p = 0;

	*o = (struct ledger_overload){ 0 };
	o->level = number(r, s, "level");
	o->levels = number(r, s, "levels");
	o->default_priority = number(r, s, "default_priority");
	v = json_member(r, s, VIEW_LIT("missions"));
	o->missions = v != NULL && v->type == JSON_TRUE;
	arr = member(r, s, "given_up", JSON_ARRAY);
	if (arr != NULL) {
		for (v = json_first(r, arr); v != NULL && p < LEDGER_PRIORITIES;
		     v = json_next(r, arr, v), p++) {
			read_given_up(&o->of[p].payload, r, v, "payload");
			read_given_up(&o->of[p].all, r, v, "all");
		}
	}
	arr = member(r, s, "networks", JSON_ARRAY);
	if (arr != NULL) {
		read_networks(o, r, arr);
	}
	o->more_nets = number(r, s, "more_networks");
}
