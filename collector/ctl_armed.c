/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_armed.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/indicator_list.h"
#include "common/delta.h"
#include "common/json_read.h"

#define REFUSED_CAP 420 /* as a sensor sends it */

struct answer {
	struct ctl *c;
	struct json_reader reader;
	uint64_t newest; /* change in the store */
	unsigned shown;
};

static const char *
member(struct answer *a, const char *name, char *out, size_t cap)
{
	const struct json_value *v =
		json_member(&a->reader, json_root(&a->reader), view_cstr(name));

	out[0] = '\0';
	if (v != NULL && v->type == JSON_STRING) {
		snprintf(out, cap, "%.*s", (int)MIN(v->text.len, cap - 1),
			 (const char *)v->text.p);
	}
	return out;
}

static uint64_t
number(struct answer *a, const char *name)
{
	char text[24];

	return strtoull(member(a, name, text, sizeof(text)), NULL, 10);
}

static void
put_json(struct answer *a, const struct store_sensor *s, const char *version,
	 bool known, uint64_t behind)
{
	struct json *j = &a->c->j;
	char refused[REFUSED_CAP];

	json_obj(j, NULL);
	json_cstr(j, "site", s->site);
	json_cstr(j, "sensor", s->sensor);
	json_cstr(j, "state", s->state);
	json_cstr(j, "version", version);
	if (known) {
		json_u64(j, "behind", behind);
	} else {
		json_nil(j, "behind");
	}
	json_u64(j, "armed", number(a, "indicators_armed"));
	json_u64(j, "refused", number(a, "indicators_refused"));
	json_u64(j, "forged", number(a, "indicators_forged"));
	json_u64(j, "lag_us", number(a, "indicators_lag_us"));
	json_u64(j, "patterns", number(a, "patterns"));
	json_bool(j, "patterns_wait", number(a, "patterns_wait") > 0);
	json_u64(j, "patterns_lag_us", number(a, "patterns_lag_us"));
	json_cstr(j, "patterns_refused",
		  member(a, "patterns_refused", refused, sizeof(refused)));
	json_obj_end(j);
}

static void
put_text(struct answer *a, const struct store_sensor *s, const char *version,
	 bool known, uint64_t behind)
{
	struct ctl_text *x = &a->c->text;
	char refused[REFUSED_CAP];

	ctl_column(x, 7, s->state);
	ctl_column(x, 20, s->site);
	ctl_column(x, 14, s->sensor);
	ctl_column(x, 28, version[0] != '\0' ? version : "none");
	if (known) {
		fprintf(x->out, "%8" PRIu64, behind);
	} else {
		fprintf(x->out, "%8s", "-");
	}
	fprintf(x->out, " %9" PRIu64 " %8" PRIu64 " %10.1f\n",
		number(a, "indicators_armed"), number(a, "indicators_refused"),
		(double)number(a, "indicators_lag_us") / 1000);
	if (number(a, "patterns_wait") > 0) {
		fputs("        patterns that are armed wait for the sensor's "
		      "next set of rules\n",
		      x->out);
	}
	member(a, "patterns_refused", refused, sizeof(refused));
	if (refused[0] != '\0') {
		fputs("        refused: ", x->out);
		fputs(ctl_clean(x, refused), x->out);
		fputc('\n', x->out);
	}
}

static void
put_sensor(void *arg, const struct store_sensor *s)
{
	struct answer *a = arg;
	char version[DELTA_VERSION_CAP];
	uint64_t epoch = 0, v = 0, behind;
	bool known = false;

	version[0] = '\0';
	if (json_read(&a->reader, view_cstr(s->presence))) {
		member(a, "indicator_version", version, sizeof(version));
		known = delta_version_read(version, &epoch, &v) && epoch > 0;
	}
	behind = a->newest > v ? a->newest - v : 0;
	a->shown++;
	(a->c->json ? put_json : put_text)(a, s, version, known, behind);
}

enum err
ctl_indicators_armed(struct ctl *c)
{
	struct answer a = { .c = c,
			    .newest = indicator_changes_version(c->store) };
	struct ctl_text *x = &c->text;
	enum err e;

	json_reader_init(&a.reader);
	if (c->json) {
		json_obj(&c->j, NULL);
		json_u64(&c->j, "version", a.newest);
		json_arr(&c->j, "sensors");
	} else {
		fprintf(x->out, "%s%-7s %-20s %-14s %-28s %8s %9s %8s %10s%s\n",
			ctl_sgr(x, "1"), "STATE", "SITE", "SENSOR", "VERSION",
			"BEHIND", "ARMED", "REFUSED", "LAG MS",
			ctl_sgr(x, "0"));
	}
	e = store_read_sensors(c->store, put_sensor, &a);
	json_reader_fini(&a.reader);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && a.shown == 0) {
		fputs("no sensor has reported yet\n", x->out);
	}
	return e;
}
