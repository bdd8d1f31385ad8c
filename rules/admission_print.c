/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/admission.h"

#define WORTH_A_LINE 10000.0 /* steps a megabyte */

static const char *const note_words[] = {
	[ADMISSION_NEVER] = "can never match",
	[ADMISSION_IDLE] = "is never heard",
	[ADMISSION_SUSPECT] = "is not what it says",
};
static const char *const note_names[] = {
	[ADMISSION_NEVER] = "never_matches",
	[ADMISSION_IDLE] = "never_heard",
	[ADMISSION_SUSPECT] = "suspect",
};

void
admission_problem(const struct rule_problem *p, char *out, size_t cap)
{
	char line[16] = "", column[16] = "", sid[24] = "";

	if (p->kind == PROBLEM_FILE) { /* its reason begins with the path */
		snprintf(out, cap, "%s", p->reason);
		return;
	}
	if (p->line > 0) { /* none: JSON, where an id says which */
		snprintf(line, sizeof(line), "%u:", p->line);
	}
	if (p->column > 0) {
		snprintf(column, sizeof(column), "%u:", p->column);
	}
	if (p->sid != 0) {
		snprintf(sid, sizeof(sid), " sid %u:", p->sid);
	}
	snprintf(out, cap, "%s:%s%s%s %s%s%s%s", p->file, line, column, sid,
		 p->skipped ? "skipped: " : "", p->reason,
		 p->mend[0] != '\0' ? "; " : "", p->mend);
}

void
admission_print_problems(const struct ruleset *rs, FILE *out)
{
	const struct ruleset_report *r = ruleset_report(rs);

	for (uint32_t i = 0; i < r->n_problems; i++) {
		char line[1024];

		admission_problem(&r->problems[i], line, sizeof(line));
		fprintf(out, "%s\n", line);
	}
	if (r->refused > 0) {
		fprintf(out, "settings: %u lines refused\n", r->refused);
	}
	fprintf(out, "rules: %u loaded, %u failed, %u skipped\n", r->loaded,
		r->failed, r->skipped);
}

static void
print_techniques(const struct admission *a, FILE *out)
{
	uint32_t gone = 0, thinner = 0;

	for (uint32_t i = 0; i < a->n_techniques; i++) {
		const struct admission_technique *t = &a->techniques[i];

		if (t->lost == 0) {
			continue;
		}
		thinner++;
		gone += t->loaded == 0;
		fprintf(out, "attack: %s: %u of its %u rules did not load%s\n",
			t->id, t->lost, t->lost + t->loaded,
			t->loaded == 0 ? ": nothing covers it now" : "");
	}
	if (a->n_techniques > 0) {
		fprintf(out,
			"attack: %u techniques covered, %u with fewer rules "
			"than written, %u lost\n",
			a->n_techniques - gone, thinner, gone);
	}
}

void
admission_print(const struct admission *a, const struct ruleset *rs, FILE *out)
{
	const struct admission_forms *f = &a->forms;

	for (uint32_t i = 0; i < a->n_notes; i++) {
		const struct admission_note *n = &a->notes[i];

		fprintf(out, "%s:%u: ", n->file, n->line);
		if (n->rule != NULL) {
			fprintf(out, "sid %u: ", n->rule->sid);
		}
		fprintf(out, "warning: %s: %s\n", note_words[n->kind], n->text);
	}
	for (uint32_t i = 0; i < a->n_slow; i++) {
		const struct admission_slow *s = &a->slow[i];

		if (s->cost < WORTH_A_LINE) {
			break;
		}
		fprintf(out,
			"%s:%u: sid %u: slowest %u: about %.0f steps a "
			"megabyte\n",
			s->rule->file, s->rule->line, s->rule->sid, i + 1,
			s->cost);
	}
	print_techniques(a, out);
	if (ruleset_count(rs) > 0) {
		fprintf(out,
			"found by: %u a name's whole, %u its end, %u address, "
			"%u a literal; %u tried on every occasion\n",
			f->whole, f->suffix, f->address, f->literal, f->bare);
	}
	admission_print_problems(rs, out);
}

static void
json_rule(struct json *j, const struct rule *r)
{
	json_cstr(j, "file", r->file);
	json_u64(j, "line", r->line);
	json_u64(j, "gid", r->gid);
	json_u64(j, "sid", r->sid);
	json_u64(j, "rev", r->rev);
	json_cstr(j, "msg", r->msg);
}

static const char *
kind_name(enum problem_kind k)
{
	switch (k) {
	case PROBLEM_THRESHOLD:
		return "threshold";
	case PROBLEM_REPUTATION:
		return "reputation";
	case PROBLEM_INDICATOR:
		return "indicator";
	case PROBLEM_FILE:
		return "file";
	default:
		return "rule";
	}
}

static void
json_problems(struct json *j, const struct ruleset_report *r)
{
	json_arr(j, "problems");
	for (uint32_t i = 0; i < r->n_problems; i++) {
		const struct rule_problem *p = &r->problems[i];

		json_obj(j, NULL);
		json_cstr(j, "kind", kind_name(p->kind));
		json_cstr(j, "file", p->file);
		json_u64(j, "line", p->line);
		json_u64(j, "column", p->column);
		json_u64(j, "sid", p->sid);
		json_bool(j, "skipped", p->skipped);
		if (p->keyword[0] != '\0') {
			json_cstr(j, "keyword", p->keyword);
		}
		json_cstr(j, "reason", p->reason);
		if (p->mend[0] != '\0') {
			json_cstr(j, "mend", p->mend);
		}
		if (p->technique[0] != '\0') {
			json_cstr(j, "mitre_technique_id", p->technique);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
json_findings(const struct admission *a, struct json *j)
{
	json_arr(j, "warnings");
	for (uint32_t i = 0; i < a->n_notes; i++) {
		const struct admission_note *n = &a->notes[i];

		json_obj(j, NULL);
		if (n->rule != NULL) {
			json_rule(j, n->rule);
		} else {
			json_cstr(j, "file", n->file);
			json_u64(j, "line", n->line);
		}
		json_cstr(j, "kind", note_names[n->kind]);
		json_cstr(j, "reason", n->text);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_arr(j, "slowest");
	for (uint32_t i = 0; i < a->n_slow; i++) {
		json_obj(j, NULL);
		json_rule(j, a->slow[i].rule);
		json_f64(j, "steps_per_megabyte", a->slow[i].cost);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_arr(j, "techniques");
	for (uint32_t i = 0; i < a->n_techniques; i++) {
		json_obj(j, NULL);
		json_cstr(j, "id", a->techniques[i].id);
		json_u64(j, "loaded", a->techniques[i].loaded);
		json_u64(j, "lost", a->techniques[i].lost);
		json_obj_end(j);
	}
	json_arr_end(j);
}

void
admission_json(const struct admission *a, const struct ruleset *rs,
	       struct json *j)
{
	const struct ruleset_report *r = ruleset_report(rs);

	json_obj(j, NULL);
	json_u64(j, "loaded", r->loaded);
	json_u64(j, "failed", r->failed);
	json_u64(j, "skipped", r->skipped);
	json_u64(j, "settings_refused", r->refused);
	json_u64(j, "never_match", a->n_never);
	json_u64(j, "indicators", ruleset_indicator_count(rs));
	json_cstr(j, "digest", ruleset_digest(rs));
	json_obj(j, "found_by");
	json_u64(j, "whole_value", a->forms.whole);
	json_u64(j, "suffix", a->forms.suffix);
	json_u64(j, "address", a->forms.address);
	json_u64(j, "literal", a->forms.literal);
	json_u64(j, "every_occasion", a->forms.bare);
	json_obj_end(j);
	json_problems(j, r);
	json_findings(a, j);
	json_obj_end(j);
}
