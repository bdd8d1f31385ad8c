/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_profile.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "rules/rule_profile_db.h"

struct rule_profile *
rule_profile_new(const struct ruleset *rs)
{
	size_t size = sizeof(struct rule_profile) +
		      rs->n_progs * sizeof(struct profile_cost);
	struct rule_profile *p = aligned_alloc(PROFILE_LINE, size);

	if (p != NULL) {
		memset(p, 0, size);
		p->rs = rs;
	}
	return p;
}

const struct ruleset *
rule_profile_rules(const struct rule_profile *p)
{
	return p->rs;
}

void
rule_profile_free(struct rule_profile *p)
{
	free(p);
}

bool
profile_was_interrupted(struct rule_profile *p)
{
	struct rusage u;
	long before = p->switches;

	if (getrusage(RUSAGE_THREAD, &u) != 0) {
		return false;
	}
	p->switches = u.ru_nvcsw + u.ru_nivcsw;
	return p->switches != before;
}

static void
time_sum(struct profile_time *to, const struct profile_time *from)
{
	to->timed += from->timed;
	to->ticks += from->ticks;
	to->most = MAX(to->most, from->most);
}

static void
cost_sum(struct profile_cost *to, const struct profile_cost *from)
{
	to->checks += from->checks;
	to->matches += from->matches;
	time_sum(&to->miss, &from->miss);
	time_sum(&to->hit, &from->hit);
}

void
rule_profile_add(struct rule_profile *to, const struct rule_profile *from)
{
	to->interrupted += from->interrupted;
	for (unsigned k = 0; k < PROFILE_KINDS; k++) {
		to->gather[k].calls += from->gather[k].calls;
		to->gather[k].candidates += from->gather[k].candidates;
		time_sum(&to->gather[k].time, &from->gather[k].time);
	}
	for (uint32_t i = 0; i < from->rs->n_progs; i++) {
		uint32_t at = ruleset_order_of(to->rs, from->rs->progs[i]->uid);

		if (from->of[i].checks > 0 && at != ORDER_NONE) {
			cost_sum(&to->of[at], &from->of[i]);
		}
	}
}

/* One rule, both its programs. */
struct line {
	const struct rule *rule;
	struct profile_cost cost;
	double ticks; /* of all tries, from those that were timed */
};

static double
mean(const struct profile_time *t)
{
	return t->timed > 0 ? (double)t->ticks / (double)t->timed : 0;
}

static double
mean_of_all(const struct profile_cost *c)
{
	struct profile_time t = c->miss;

	time_sum(&t, &c->hit);
	return mean(&t);
}

static int
by_ticks(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ticks != y->ticks) {
		return x->ticks > y->ticks ? -1 : 1;
	}
	if (x->cost.checks != y->cost.checks) {
		return x->cost.checks > y->cost.checks ? -1 : 1;
	}
	return x->rule->index < y->rule->index ? -1 : 1;
}

/* All rules that were tried; NULL when out of memory. */
static struct line *
lines_of(const struct rule_profile *p, uint32_t *n, double *all)
{
	struct line *v = calloc((size_t)p->rs->n_rules + 1, sizeof(*v));
	uint32_t kept = 0;

	*n = 0;
	*all = 0;
	if (v == NULL) {
		return NULL;
	}
	for (uint32_t i = 0; i < p->rs->n_progs; i++) {
		const struct rule *r = p->rs->progs[i]->rule;

		v[r->index].rule = r;
		cost_sum(&v[r->index].cost, &p->of[i]);
	}
	for (uint32_t i = 0; i < p->rs->n_rules; i++) {
		if (v[i].rule != NULL && v[i].cost.checks > 0) {
			v[kept] = v[i];
			v[kept].ticks = mean_of_all(&v[i].cost) *
					(double)v[i].cost.checks;
			*all += v[kept++].ticks;
		}
	}
	qsort(v, kept, sizeof(*v), by_ticks);
	*n = kept;
	return v;
}

static const char *const kind_names[PROFILE_KINDS] = {
	[INSPECT_PACKET] = "packet",
	[INSPECT_STREAM] = "stream",
	[INSPECT_TX] = "transaction",
};

static double
gather_ticks(const struct profile_gather *g)
{
	return mean(&g->time) * (double)g->calls;
}

static void
print_gather(const struct rule_profile *p, double per_us, FILE *out)
{
	fprintf(out, "\nCalls, and what finding their candidates took\n");
	fprintf(out, "%-12s %12s %12s %12s %10s %10s\n", "Kind", "Calls",
		"Candidates", "Total us", "Avg ns", "Max ns");
	for (unsigned k = 0; k < PROFILE_KINDS; k++) {
		const struct profile_gather *g = &p->gather[k];

		fprintf(out, "%-12s %12llu %12llu %12.0f %10.0f %10.0f\n",
			kind_names[k], (unsigned long long)g->calls,
			(unsigned long long)g->candidates,
			gather_ticks(g) / per_us, mean(&g->time) * 1e3 / per_us,
			(double)g->time.most * 1e3 / per_us);
	}
}

bool
rule_profile_print(const struct rule_profile *p, double per_us, uint32_t limit,
		   FILE *out)
{
	uint32_t n;
	double all;
	struct line *v = lines_of(p, &n, &all);

	if (v == NULL) {
		return false;
	}
	fprintf(out,
		"Rules by cost: %u tried, the first %u; one try in %u timed, "
		"%llu interrupted\n"
		"%5s %10s %5s %5s %6s %10s %10s %9s %10s %9s %9s %9s\n",
		n, MIN(n, limit), PROFILE_SAMPLE,
		(unsigned long long)p->interrupted, "Num", "Rule", "Gid", "Rev",
		"%", "Total us", "Checks", "Matches", "Max ns", "Avg ns",
		"Avg match", "Avg miss");
	for (uint32_t i = 0; i < MIN(n, limit); i++) {
		const struct profile_cost *c = &v[i].cost;

		fprintf(out,
			"%5u %10u %5u %5u %6.2f %10.0f %10llu %9llu %10.0f "
			"%9.0f %9.0f %9.0f\n",
			i + 1, v[i].rule->sid, v[i].rule->gid, v[i].rule->rev,
			all > 0 ? v[i].ticks * 100 / all : 0,
			v[i].ticks / per_us, (unsigned long long)c->checks,
			(unsigned long long)c->matches,
			(double)MAX(c->hit.most, c->miss.most) * 1e3 / per_us,
			mean_of_all(c) * 1e3 / per_us,
			mean(&c->hit) * 1e3 / per_us,
			mean(&c->miss) * 1e3 / per_us);
	}
	print_gather(p, per_us, out);
	free(v);
	return true;
}

static void
put_rule(struct json *j, const struct line *l, double all, double per_us)
{
	const struct profile_cost *c = &l->cost;

	json_obj(j, NULL);
	json_u64(j, "signature_id", l->rule->sid);
	json_u64(j, "gid", l->rule->gid);
	json_u64(j, "rev", l->rule->rev);
	json_u64(j, "checks", c->checks);
	json_u64(j, "matches", c->matches);
	json_u64(j, "timed", c->miss.timed + c->hit.timed);
	json_u64(j, "ticks_total", (uint64_t)l->ticks);
	json_u64(j, "ticks_max", MAX(c->hit.most, c->miss.most));
	json_f64(j, "ticks_avg", mean_of_all(c));
	json_f64(j, "ticks_avg_match", mean(&c->hit));
	json_f64(j, "ticks_avg_nomatch", mean(&c->miss));
	json_f64(j, "total_us", l->ticks / per_us);
	json_f64(j, "percent", all > 0 ? l->ticks * 100 / all : 0);
	json_obj_end(j);
}

bool
rule_profile_json(const struct rule_profile *p, double per_us, struct json *j)
{
	uint32_t n;
	double all;
	struct line *v = lines_of(p, &n, &all);

	if (v == NULL) {
		return false;
	}
	json_obj(j, NULL);
	json_f64(j, "ticks_per_us", per_us);
	json_u64(j, "sample", PROFILE_SAMPLE);
	json_u64(j, "interrupted", p->interrupted);
	json_arr(j, "rules");
	for (uint32_t i = 0; i < n; i++) {
		put_rule(j, &v[i], all, per_us);
	}
	json_arr_end(j);
	json_obj(j, "candidates");
	for (unsigned k = 0; k < PROFILE_KINDS; k++) {
		const struct profile_gather *g = &p->gather[k];

		json_obj(j, kind_names[k]);
		json_u64(j, "calls", g->calls);
		json_u64(j, "candidates", g->candidates);
		json_u64(j, "timed", g->time.timed);
		json_u64(j, "ticks_total", (uint64_t)gather_ticks(g));
		json_u64(j, "ticks_max", g->time.most);
		json_f64(j, "ticks_avg", mean(&g->time));
		json_f64(j, "total_us", gather_ticks(g) / per_us);
		json_obj_end(j);
	}
	json_obj_end(j);
	json_obj_end(j);
	free(v);
	return !j->failed;
}
