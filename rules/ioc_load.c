/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_load.h"

#include <stdlib.h>

#include "common/indicator_read.h"

struct loading {
	struct ioc_set *set;
	struct ioc_load_report *report;
	bool nomem; /* stop: the account is no longer complete */
};

static bool
keep_refusal(struct ioc_load_report *rep, const struct indicator_refusal *r)
{
	struct ioc_refusal *f;

	/* The list is reserved whole: its bound is low. */
	if (rep->refusals == NULL) {
		rep->refusals =
			calloc(IOC_LOAD_MAX_REFUSALS, sizeof(*rep->refusals));
		if (rep->refusals == NULL) {
			return false;
		}
	}
	f = &rep->refusals[rep->n_refusals];
	f->line = r->line;
	f->file = strdup(r->file);
	f->id = strdup(r->id);
	f->reason = strdup(r->reason);
	rep->n_refusals++;
	return f->file != NULL && f->id != NULL && f->reason != NULL;
}

static void
on_refused(void *arg, const struct indicator_refusal *r)
{
	struct loading *l = arg;

	if (l->report->n_refusals < IOC_LOAD_MAX_REFUSALS &&
	    !keep_refusal(l->report, r)) {
		l->nomem = true;
	}
}

/*
 * An alert has a TLP and no names: what is for some owners only is red there,
 * for it must never become wider on its way.
 */
static const char *
tlp_of(const struct indicator *i)
{
	if (!i->marked) {
		return "";
	}
	return tlp_name(i->mark.limited ? TLP_RED : i->mark.tlp);
}

static enum err
on_taken(void *arg, const struct indicator *i, struct diag *d)
{
	struct loading *l = arg;
	uint32_t before = ioc_set_count(l->set);
	const struct ioc_note note = {
		.type = (enum ioc_type)i->kind,
		.exact = i->exact,
		.severity = i->severity,
		.id = i->id,
		.source = i->created_by[0] != '\0' ? i->created_by : i->source,
		.tlp = tlp_of(i),
		.description = i->description,
		.tactic = i->tactic,
		.labels = i->labels,
		.kill_chain = i->kill_chain,
		.valid_from_us = i->valid_from_us,
		.valid_until_us = i->valid_until_us,
	};
	enum err e;

	if (l->nomem) {
		return diag_set(d, ERR_NOMEM, "no memory for indicators");
	}
	if (i->revoked) {
		return diag_set(d, ERR_FORMAT, "revoked");
	}
	if (note.type >= IOC_TYPE_COUNT) {
		return diag_set(d, ERR_FORMAT, "not matched by this sensor");
	}
	e = ioc_set_add(l->set, &note, view_cstr(i->value), d);
	if (e == ERR_OK) {
		l->report->repeated += ioc_set_count(l->set) == before;
	}
	return e;
}

static enum err
settle(struct loading *l, const struct indicator_report *r, const char *name,
       enum err e, struct diag *d)
{
	l->report->total += r->total;
	l->report->loaded += r->loaded;
	l->report->refused += r->refused;
	return e == ERR_OK && l->nomem
		       ? diag_set(d, ERR_NOMEM, "%s: no memory for indicators",
				  name)
		       : e;
}

enum err
ioc_load_bytes(struct ioc_set *set, const char *name, struct view data,
	       struct ioc_load_report *report, struct diag *d)
{
	struct loading l = { .set = set, .report = report };
	const struct indicator_sink sink = { &l, on_taken, on_refused, NULL };
	struct indicator_report r = { 0 };
	enum err e = indicator_read_bytes(name, data, &sink, &r, d);

	return settle(&l, &r, name, e, d);
}

enum err
ioc_load_file(struct ioc_set *set, const char *path,
	      struct ioc_load_report *report, struct diag *d)
{
	struct loading l = { .set = set, .report = report };
	const struct indicator_sink sink = { &l, on_taken, on_refused, NULL };
	struct indicator_report r = { 0 };
	enum err e = indicator_read_path(path, &sink, &r, d);

	return settle(&l, &r, path, e, d);
}

void
ioc_load_report_fini(struct ioc_load_report *report)
{
	for (uint32_t i = 0; i < report->n_refusals; i++) {
		free(report->refusals[i].file);
		free(report->refusals[i].id);
		free(report->refusals[i].reason);
	}
	free(report->refusals);
	*report = (struct ioc_load_report){ 0 };
}
