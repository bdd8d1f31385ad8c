/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_exercise.h"

#include <inttypes.h>

#include "collector/exercise_file.h"
#include "collector/exercise_json.h"
#include "collector/exercise_report.h"
#include "common/clock.h"

/* A list on its way: its titles stand above the first. */
struct listing {
	struct ctl_text *x;
	bool any, untold;
};

static void
text_exercise(void *arg, const struct store_exercise *e)
{
	struct listing *l = arg;
	struct ctl_text *x = l->x;

	if (!l->any) {
		ctl_column(x, 24, word(x->lang, "EXERCISE"));
		ctl_column(x, 13, word(x->lang, "STATE"));
		ctl_column(x, 21, word(x->lang, "FROM"));
		ctl_column(x, 21, word(x->lang, "UNTIL"));
		ctl_column(x, 12, word(x->lang, "BY"));
		fputc('\n', x->out);
	}
	l->any = true;
	l->untold |= e->version == 0 && e->end_us == 0;
	ctl_column(x, 24, e->name);
	ctl_column(x, 13, word(x->lang, exercise_state(e)));
	ctl_column(x, 21, ctl_time(x, e->from_us));
	ctl_column(x, 21, ctl_time(x, e->until_us));
	ctl_column(x, 12, e->who);
	if (e->misplaced > 0) {
		fprintf(x->out,
			word(x->lang,
			     "%" PRIu64 " alerts that were not its own"),
			e->misplaced);
	}
	fputc('\n', x->out);
}

static void
text_sensor(void *arg, int64_t id, const char *site, const char *sensor,
	    const char *exercises)
{
	struct ctl_text *x = arg;

	(void)id;
	ctl_column(x, 14, site);
	ctl_column(x, 14, sensor);
	fprintf(x->out, "%s\n",
		exercises[0] != '\0' ? ctl_clean(x, exercises) : "-");
}

static enum err
list_sensors(struct ctl *c)
{
	struct ctl_text *x = &c->text;

	ctl_column(x, 14, word(x->lang, "SITE"));
	ctl_column(x, 14, word(x->lang, "SENSOR"));
	fprintf(x->out, "%s\n", word(x->lang, "MARKS"));
	return store_exercise_sensors(c->store->db, text_sensor, x);
}

static enum err
list_text(struct ctl *c)
{
	struct ctl_text *x = &c->text;
	struct listing l = { .x = x };
	enum err e = store_exercise_each(c->store->db, NULL, text_exercise, &l);

	if (e == ERR_OK && !l.any) {
		fputs("no exercises: exercise start FILE orders one\n", x->out);
		return ERR_OK;
	}
	if (e == ERR_OK && l.untold) {
		fputs("what is not told yet stays so until a collector runs "
		      "that has a control.sign-key\n",
		      x->out);
	}
	if (e == ERR_OK) {
		fputc('\n', x->out);
		e = list_sensors(c);
	}
	return e;
}

enum err
ctl_exercise_list(struct ctl *c)
{
	struct json *j = &c->j;
	enum err e;

	if (!c->json) {
		return list_text(c);
	}
	json_obj(j, NULL);
	e = exercise_json(c->store, j);
	json_obj_end(j);
	return e == ERR_OK ? ctl_flush_json(c) : e;
}

static enum err
say(struct ctl *c, const char *name, const char *state, const char *text)
{
	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, "exercise", name);
		json_cstr(&c->j, "state", state);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out, "exercise %s: %s\n", ctl_clean(&c->text, name),
		text);
	return ERR_OK;
}

enum err
ctl_exercise_check(struct ctl *c, const char *path, struct diag *d)
{
	struct exercise *x;
	char text[128];
	enum err e = exercise_load(&x, path, d);

	if (e == ERR_OK) {
		snprintf(text, sizeof(text),
			 "good: %u ranges, %u injects with %u networks and %u "
			 "names",
			 x->n_ranges, x->n_injects, x->n_sources, x->n_hosts);
		e = say(c, x->name, "good", text);
		exercise_free(x);
	}
	return e;
}

enum err
ctl_exercise_start(struct ctl *c, const char *path, const char *who,
		   struct diag *d)
{
	struct exercise *x;
	enum err e = exercise_load(&x, path, d);

	if (e != ERR_OK) {
		return e;
	}
	if (x->until_us <= clock_wall_us()) {
		/* Not an error: a capture may be replayed later. */
		fprintf(stderr,
			"picketctl: warning: %s is over already: only a "
			"capture of that time that is replayed can be of it\n",
			x->name);
	}
	e = store_exercise_begin(c->store, x, who, d);
	if (e == ERR_OK) {
		e = say(c, x->name, "on",
			"ordered; the collector tells the sensors if it has a "
			"control.sign-key; picketctl exercise shows which mark "
			"it");
	}
	exercise_free(x);
	return e;
}

enum err
ctl_exercise_stop(struct ctl *c, const char *name, const char *who,
		  struct diag *d)
{
	enum err e = store_exercise_end(c->store, name, who, d);

	return e == ERR_OK ? say(c, name, "ended",
				 "ended; picketctl exercise report shows what "
				 "came of it")
			   : e;
}

enum err
ctl_exercise_report(struct ctl *c, const char *name, bool html, struct diag *d)
{
	struct exercise_report *x;
	enum err e = exercise_report_new(&x, c->store, name,
					 c->json ? LANG_EN : c->text.lang, d);

	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		exercise_report_json(x, &c->j);
		e = ctl_flush_json(c);
	} else if (html) {
		exercise_report_html(x, c->text.out);
	} else {
		exercise_report_markdown(x, c->text.out);
	}
	exercise_report_free(x);
	return e;
}
