/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_ledger.h"

#include <inttypes.h>

#include "collector/store_ledger.h"
#include "collector/store_runs.h"

struct answer {
	struct ctl *c;
	unsigned shown;
	bool holds;
};

static uint64_t
waiting(const struct ledger_equation *e, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < e[i].n_terms; k++) {
			if (strcmp(e[i].name, "spooled") == 0 &&
			    strcmp(e[i].term[k].name, "waiting") == 0) {
				sum += e[i].term[k].value;
			}
		}
	}
	return sum;
}

/* The worst of all: broken before unknown before holding. */
static enum ledger_verdict
verdict_of(const struct ledger_equation *e, unsigned n)
{
	enum ledger_verdict v = LEDGER_HOLDS;

	for (unsigned i = 0; i < n; i++) {
		if (e[i].verdict == LEDGER_BROKEN) {
			return LEDGER_BROKEN;
		}
		if (e[i].verdict == LEDGER_UNKNOWN) {
			v = LEDGER_UNKNOWN;
		}
	}
	return v;
}

static void
put_verdict(struct json *j, enum ledger_verdict v)
{
	if (v == LEDGER_UNKNOWN) {
		json_nil(j, "holds");
	} else {
		json_bool(j, "holds", v == LEDGER_HOLDS);
	}
}

static void
put_losses(struct json *j, const struct ledger *l)
{
	json_obj(j, "lost");
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		json_u64(j, ledger_lost_name(i), ledger_sum(l->lost[i]));
	}
	json_obj_end(j);
}

static void
row_json(struct json *j, const struct store_ledger_row *r,
	 const struct ledger_equation *e, unsigned n)
{
	json_obj(j, NULL);
	json_cstr(j, "site", r->site);
	json_cstr(j, "sensor", r->sensor);
	json_cstr(j, "state", r->state);
	json_u64(j, "epoch", r->epoch);
	json_bool(j, "newest", r->newest);
	json_time_known(j, "at", r->ledger.at_us);
	json_time_known(j, "seen", r->seen_us);
	json_time_known(j, "unknown_since", r->ledger.unknown_since_us);
	json_time_known(j, "blind_from", r->ledger.blind_from_us);
	json_time_known(j, "blind_to", r->ledger.blind_to_us);
	put_verdict(j, n == 0 ? LEDGER_UNKNOWN : verdict_of(e, n));
	json_u64(j, "raised", ledger_sum(r->ledger.raised));
	put_losses(j, &r->ledger);
	json_u64(j, "waiting", waiting(e, n));
	json_u64(j, "repeats", r->repeats);
	json_arr(j, "equations");
	for (unsigned i = 0; i < n; i++) {
		ledger_equation_write(j, &e[i]);
	}
	json_arr_end(j);
	if (r->ledger.epoch != 0) {
		ledger_write(j, "ledger", &r->ledger);
	}
	json_obj_end(j);
}

/* What an equation is about: an interface, or a class of severity. */
static const char *
label(const struct ledger_equation *e, char *out, size_t cap)
{
	bool events = strcmp(e->left.name, "raised") == 0 ||
		      strcmp(e->left.name, "spooled") == 0;

	snprintf(out, cap, "%s%s",
		 events && e->of[0] != '\0' ? "severity " : "", e->of);
	return out;
}

static void
equation_text(struct ctl_text *x, const struct ledger_equation *e)
{
	static const struct {
		const char *word, *colour;
	} verdict[] = {
		[LEDGER_HOLDS] = { "holds", "32" },
		[LEDGER_BROKEN] = { "BROKEN", "31;1" },
		[LEDGER_UNKNOWN] = { "unknown", "33" },
	};
	char of[64];
	unsigned shown = 0;

	fprintf(x->out, "  %s%-8s%s", ctl_sgr(x, verdict[e->verdict].colour),
		verdict[e->verdict].word, ctl_sgr(x, "0"));
	ctl_column(x, 15, label(e, of, sizeof(of)));
	fprintf(x->out, "%s %" PRIu64 " =", e->left.name, e->left.value);
	for (unsigned i = 0; i < e->n_terms; i++) {
		/* What is none is left out, but for the first. */
		if (e->term[i].value > 0 || i == 0) {
			fprintf(x->out, "%s %s %" PRIu64,
				shown++ > 0 ? " +" : "", e->term[i].name,
				e->term[i].value);
		}
	}
	if (e->difference != 0) {
		fprintf(x->out, "   difference %" PRId64, e->difference);
	}
	if (e->verdict == LEDGER_UNKNOWN && strcmp(e->name, "wire") == 0) {
		fputs(": the interface was read a moment earlier", x->out);
	}
	fputc('\n', x->out);
}

static void
row_text(struct ctl_text *x, const struct store_ledger_row *r,
	 const struct ledger_equation *e, unsigned n)
{
	fprintf(x->out, "%s%s/%s%s", ctl_sgr(x, "1"), ctl_clean(x, r->site),
		ctl_clean(x, r->sensor), ctl_sgr(x, "0"));
	if (r->ledger.epoch == 0) {
		fprintf(x->out,
			"  no ledger came from this sensor yet; %" PRIu64
			" batches stored\n",
			r->store.frames);
		return;
	}
	fprintf(x->out, "  as of %s, %s\n", ctl_time(x, r->ledger.at_us),
		ctl_clean(x, r->state));
	for (unsigned i = 0; i < n; i++) {
		/* An empty class says nothing. */
		if (e[i].left.value > 0 || e[i].verdict != LEDGER_HOLDS) {
			equation_text(x, &e[i]);
		}
	}
	if (r->ledger.unknown_since_us != 0) {
		fprintf(x->out,
			"  what was raised is not exactly known since %s\n",
			ctl_time(x, r->ledger.unknown_since_us));
	}
}

static void
put_row(void *arg, const struct store_ledger_row *r)
{
	static struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct answer *a = arg;
	enum ledger_verdict v;
	unsigned n = 0;

	if (r->ledger.epoch != 0) {
		n = ledger_check(&r->ledger, &r->store, e);
	}
	v = verdict_of(e, n);
	/* A former spool is of interest while something of it is open. */
	if (!r->newest && !a->c->all && v == LEDGER_HOLDS &&
	    waiting(e, n) == 0) {
		return;
	}
	a->shown++;
	a->holds = a->holds && v != LEDGER_BROKEN;
	if (a->c->json) {
		row_json(&a->c->j, r, e, n);
	} else {
		row_text(&a->c->text, r, e, n);
	}
}

/* --- runs that were killed --- */

static void
killed_json(struct json *j, const struct store_run *run)
{
	json_obj(j, NULL);
	json_cstr(j, "site", run->site);
	json_cstr(j, "sensor", run->sensor);
	json_cstr(j, "state", "killed");
	json_u64(j, "epoch", run->epoch);
	json_cstr(j, "mode", run->live ? "live" : "replay");
	json_time_known(j, "started", run->started_us);
	json_time_known(j, "at", run->at_us);
	json_u64(j, "captured", run->captured);
	json_u64(j, "kernel_dropped", run->dropped);
	json_u64(j, "delivered", run->delivered);
	json_u64(j, "inspected", run->inspected);
	json_u64(j, "pending", run->pending);
	json_obj_end(j);
}

static void
killed_text(struct ctl_text *x, const struct store_run *run)
{
	uint64_t known = run->inspected + run->pending;

	fprintf(x->out, "%s%s/%s%s", ctl_sgr(x, "1"), ctl_clean(x, run->site),
		ctl_clean(x, run->sensor), ctl_sgr(x, "0"));
	fprintf(x->out, "  %skilled%s, a run since %s;", ctl_sgr(x, "33"),
		ctl_sgr(x, "0"), ctl_time(x, run->started_us));
	fprintf(x->out, " its last account is of %s\n",
		ctl_time(x, run->at_us));
	fprintf(x->out,
		"  packets  %s %" PRIu64 ", delivered %" PRIu64
		" = inspected %" PRIu64 " + skipped %" PRIu64
		" + pending %" PRIu64,
		run->live ? "kernel_seen" : "records", run->captured,
		run->delivered, run->inspected,
		run->delivered - MIN(known, run->delivered), run->pending);
	if (run->dropped > 0) {
		fprintf(x->out, "; kernel_dropped %" PRIu64, run->dropped);
	}
	fputs("\n  what it did after that is not known\n", x->out);
}

static void
put_killed(void *arg, const struct store_run *run)
{
	struct ctl *c = arg;

	if (c->json) {
		killed_json(&c->j, run);
	} else {
		killed_text(&c->text, run);
	}
}

enum err
ctl_ledger(struct ctl *c, const char *name, bool *holds, struct diag *d)
{
	struct answer a = { .c = c, .holds = true };
	const char *slash = name != NULL ? strchr(name, '/') : NULL;
	char site[128] = "";
	enum err e;

	if (slash != NULL) {
		snprintf(site, sizeof(site), "%.*s",
			 (int)MIN(slash - name, (int)sizeof(site) - 1), name);
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "sensors");
	}
	e = store_read_ledgers(c->store, slash != NULL ? site : NULL,
			       slash != NULL ? slash + 1 : NULL, put_row, &a);
	*holds = a.holds;
	if (e == ERR_OK && name != NULL && a.shown == 0) {
		return diag_set(d, ERR_NOTFOUND, "there is no sensor %.128s",
				name);
	}
	if (c->json) {
		json_arr_end(&c->j);
		json_arr(&c->j, "killed");
	}
	if (e == ERR_OK) {
		e = store_read_killed(c->store, slash != NULL ? site : NULL,
				      slash != NULL ? slash + 1 : NULL,
				      put_killed, c);
	}
	if (c->json) {
		json_arr_end(&c->j);
		if (e == ERR_OK) {
			e = ctl_refused(c, slash != NULL ? site : NULL,
					slash != NULL ? slash + 1 : NULL);
		}
		json_bool(&c->j, "holds", a.holds);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && a.shown == 0) {
		fputs("no sensor has reported yet\n", c->text.out);
	}
	/* What was refused is in no equation: it was never the sensor's. */
	return e == ERR_OK ? ctl_refused(c, slash != NULL ? site : NULL,
					 slash != NULL ? slash + 1 : NULL)
			   : e;
}
