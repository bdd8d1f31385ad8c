/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_consult.h"

#include <inttypes.h>

struct list {
	struct ctl *c;
	unsigned n, hidden; /* hidden: of exercises */
};

static enum err
not_there(enum err e, const struct consult_id *id, struct diag *d)
{
	char text[CONSULT_ID_CAP];

	return e == ERR_NOTFOUND ? diag_set(d, e, "there is no consultation %s",
					    consult_id_text(id, text))
				 : e;
}

static bool
wanted(const struct ctl *c, const struct consult *k)
{
	if (c->filter.exercise != NULL) {
		return strcmp(c->filter.exercise, k->exercise) == 0;
	}
	return c->all || k->exercise[0] == '\0';
}

/* "JP ack, US waits since ..., called 2 times" */
static void
put_sides(struct ctl_text *x, const struct consult *k)
{
	for (unsigned i = 0; i < k->n_sides; i++) {
		const struct consult_side *s = &k->sides[i];

		fprintf(x->out, "%s%s ", i > 0 ? ", " : "",
			ctl_clean(x, s->owner));
		if (s->acked) {
			fputs("acknowledged", x->out);
		} else {
			fprintf(x->out, "%snot yet%s",
				ctl_sgr(x, s->step > 0 ? "31;1" : "33"),
				ctl_sgr(x, "0"));
		}
		if (s->step > 0) {
			fprintf(x->out, " (called %u time%s)", s->step,
				s->step == 1 ? "" : "s");
		}
	}
}

/* What another party opened bears that party's number of the incident, which is
 * another one here. */
static void
put_incident(struct ctl *c, const struct consult *k)
{
	FILE *out = c->text.out;
	bool here;
	int64_t ours;

	if (store_consult_ours(c->store->db, &k->id, &here, &ours) != ERR_OK ||
	    here) {
		fprintf(out, "incident %" PRId64, k->incident);
	} else if (ours != 0) {
		fprintf(out, "incident %" PRId64 " (%" PRId64 " at %s)", ours,
			k->incident, ctl_clean(&c->text, k->id.side));
	} else {
		fprintf(out, "incident %" PRId64 " at %s", k->incident,
			ctl_clean(&c->text, k->id.side));
	}
}

static void
list_one(void *arg, const struct consult *k)
{
	struct list *l = arg;
	struct ctl_text *x = &l->c->text;
	char id[CONSULT_ID_CAP];

	if (!wanted(l->c, k) || l->n == l->c->limit) {
		l->hidden += l->c->filter.exercise == NULL && !wanted(l->c, k);
		return;
	}
	l->n++;
	if (l->c->json) {
		json_obj(&l->c->j, NULL);
		consult_json(&l->c->j, k);
		json_obj_end(&l->c->j);
		return;
	}
	fprintf(x->out, "%s%s%s  %s  %slevel %u %s%s  ", ctl_sgr(x, "1"),
		ctl_clean(x, consult_id_text(&k->id, id)), ctl_sgr(x, "0"),
		k->closed ? "closed" : "open", ctl_level(x, k->level), k->level,
		severity_level_name(k->level), ctl_sgr(x, "0"));
	put_incident(l->c, k);
	fprintf(x->out, "  lead %s  since %s", ctl_clean(x, k->lead),
		ctl_time(x, k->opened_us));
	if (k->exercise[0] != '\0') {
		fprintf(x->out, "  %sEXERCISE %s%s", ctl_sgr(x, "36"),
			ctl_clean(x, k->exercise), ctl_sgr(x, "0"));
	}
	fputs("\n  ", x->out);
	put_sides(x, k);
	fputc('\n', x->out);
}

enum err
ctl_consult_list(struct ctl *c)
{
	struct list l = { .c = c };
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "consultations");
	}
	e = store_consult_each(c->store->db, c->all, STORE_MAX_ROWS, list_one,
			       &l);
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	if (e == ERR_OK && l.n == 0) {
		fputs("no consultations\n", c->text.out);
	}
	if (e == ERR_OK && l.hidden > 0) {
		fprintf(c->text.out,
			"(and %u of exercises: --all shows them)\n", l.hidden);
	}
	return e;
}

static void
put_event(void *arg, const struct consult_event *e)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;
	char id[CONSULT_ID_CAP];

	if (c->json) {
		json_obj(&c->j, NULL);
		consult_event_json(&c->j, e);
		json_obj_end(&c->j);
		return;
	}
	fprintf(x->out, "  %s  %s-%" PRIu64 "  %s, %s", ctl_time(x, e->at_us),
		ctl_clean(x, e->side), e->number, consult_kind_name(e->kind),
		ctl_clean(x, e->who));
	if (e->about[0] != '\0') {
		fprintf(x->out, ", %s %s",
			e->kind == CONSULT_ESCALATE ? "waiting for" : "to",
			ctl_clean(x, e->about));
	}
	if (e->other.number != 0) {
		fprintf(x->out, ", with %s",
			ctl_clean(x, consult_id_text(&e->other, id)));
	}
	if (e->step != 0) {
		fprintf(x->out, ", call %u of %u", e->step, CONSULT_STEPS);
	}
	if (e->text[0] != '\0') {
		fprintf(x->out, ": %s", ctl_clean(x, e->text));
	}
	fputc('\n', x->out);
}

enum err
ctl_consult_log(struct ctl *c, const struct consult_id *id, struct diag *d)
{
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "events");
	}
	e = store_consult_log(c->store->db, id, put_event, c);
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	return not_there(e, id, d);
}

static void
put_side(struct ctl_text *x, const struct consult_side *s, bool lead)
{
	fprintf(x->out, "  %-12s %-7s ", ctl_clean(x, s->owner),
		lead ? "lead" : "support");
	if (s->acked) {
		fprintf(x->out, "acknowledged %s", ctl_time(x, s->acked_us));
		fprintf(x->out, " by %s", ctl_clean(x, s->who));
	} else if (s->deadline_us != 0) {
		fprintf(x->out, "to acknowledge until %s",
			ctl_time(x, s->deadline_us));
	} else {
		fputs("has not acknowledged", x->out);
	}
	if (s->step > 0) {
		fprintf(x->out, ", called again %u of %u times", s->step,
			CONSULT_STEPS);
	}
	fputc('\n', x->out);
}

static void
put_consult(struct ctl *c, const struct consult *k)
{
	struct ctl_text *x = &c->text;
	char id[CONSULT_ID_CAP];

	fprintf(x->out, "%sConsultation %s%s, %s, ", ctl_sgr(x, "1"),
		ctl_clean(x, consult_id_text(&k->id, id)), ctl_sgr(x, "0"),
		k->closed ? "closed" : "open");
	put_incident(c, k);
	fputc('\n', x->out);
	if (k->exercise[0] != '\0') {
		fprintf(x->out, "  %sEXERCISE %s%s, not a real-world event\n",
			ctl_sgr(x, "36"), ctl_clean(x, k->exercise),
			ctl_sgr(x, "0"));
	}
	fprintf(x->out, "  %slevel %u, %s%s; opened %s", ctl_level(x, k->level),
		k->level, severity_level_name(k->level), ctl_sgr(x, "0"),
		ctl_time(x, k->opened_us));
	if (k->closed) {
		fprintf(x->out, ", closed %s", ctl_time(x, k->closed_us));
	}
	fputc('\n', x->out);
	if (k->text[0] != '\0') {
		fprintf(x->out, "  %s\n", ctl_clean(x, k->text));
	}
	for (unsigned i = 0; i < k->n_sides; i++) {
		put_side(x, &k->sides[i],
			 strcmp(k->sides[i].owner, k->lead) == 0);
	}
}

enum err
ctl_consult_show(struct ctl *c, const struct consult_id *id, struct diag *d)
{
	struct consult k;
	enum err e = store_consult_get(c->store->db, id, &k);

	if (e != ERR_OK) {
		return not_there(e, id, d);
	}
	if (!c->json) {
		put_consult(c, &k);
		return store_consult_log(c->store->db, id, put_event, c);
	}
	json_obj(&c->j, NULL);
	consult_json(&c->j, &k);
	json_arr(&c->j, "log");
	e = store_consult_log(c->store->db, id, put_event, c);
	json_arr_end(&c->j);
	json_obj_end(&c->j);
	return e == ERR_OK ? ctl_flush_json(c) : e;
}

enum err
ctl_consult_say(struct ctl *c, const struct consult_order *o, struct diag *d)
{
	struct consult k;
	enum err e = store_consult_speak(c->store, o, &k, d);

	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		consult_json(&c->j, &k);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	put_consult(c, &k);
	return ERR_OK;
}

enum err
ctl_consult_of(struct ctl *c, int64_t incident)
{
	struct ctl_text *x = &c->text;
	char text[CONSULT_ID_CAP];
	struct consult_id id;
	struct consult k;
	enum err e = store_consult_of(c->store->db, incident, &id);

	if (e == ERR_OK) {
		e = store_consult_get(c->store->db, &id, &k);
	}
	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	fprintf(x->out, "%s, %s, lead %s; ",
		ctl_clean(x, consult_id_text(&k.id, text)),
		k.closed ? "closed" : "open", ctl_clean(x, k.lead));
	put_sides(x, &k);
	fputc('\n', x->out);
	return ERR_OK;
}

enum err
ctl_consult_json_of(struct ctl *c, int64_t incident)
{
	struct consult_id id;
	struct consult k;
	enum err e = store_consult_of(c->store->db, incident, &id);

	if (e == ERR_OK) {
		e = store_consult_get(c->store->db, &id, &k);
	}
	if (e != ERR_OK) {
		json_nil(&c->j, "consultation");
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	json_obj(&c->j, "consultation");
	consult_json(&c->j, &k);
	json_obj_end(&c->j);
	return ERR_OK;
}
