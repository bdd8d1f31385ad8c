/* SPDX-License-Identifier: Apache-2.0 */
/* Rules and indicators of files into a set; what is wrong with them. */
#include "rules/ruleset_read.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/ioc_load.h"
#include "rules/pattern_list.h"
#include "rules/rule_file.h"
#include "rules/rule_parse.h"

bool
ruleset_problem(struct ruleset *rs, enum problem_kind kind, const char *file,
		uint32_t line, uint32_t sid, bool skipped, const char *reason)
{
	struct ruleset_report *r = &rs->report;
	struct rule_problem *p;

	if (r->n_problems == rs->cap_problems) {
		uint32_t cap =
			rs->cap_problems == 0 ? 64 : rs->cap_problems * 2;

		p = realloc(r->problems, cap * sizeof(*p));
		if (p == NULL) {
			return false;
		}
		r->problems = p;
		rs->cap_problems = cap;
	}
	p = &r->problems[r->n_problems];
	*p = (struct rule_problem){ .kind = kind,
				    .file = strdup(file),
				    .line = line,
				    .sid = sid,
				    .reason = strdup(reason),
				    .skipped = skipped };
	if (p->file == NULL || p->reason == NULL) {
		free(p->file);
		free(p->reason);
		return false;
	}
	r->n_problems++;
	if (skipped) {
		r->skipped++;
	} else if (kind == PROBLEM_FILE) {
		r->unread++;
	} else if (kind == PROBLEM_RULE) {
		r->failed++;
	} else {
		r->refused++;
	}
	return true;
}

static enum err
add_entry(struct ruleset_reading *l, const struct rule_entry *e)
{
	struct ruleset *rs = l->rs;

	if (rs->n_entries == rs->cap_entries) {
		uint32_t cap =
			rs->cap_entries == 0 ? 4096 : rs->cap_entries * 2;
		struct rule_entry *v = realloc(rs->entries, cap * sizeof(*v));

		if (v == NULL) {
			return ERR_NOMEM;
		}
		rs->entries = v;
		rs->cap_entries = cap;
	}
	rs->entries[rs->n_entries++] = *e;
	return ERR_OK;
}

/* A sid may come again as a newer revision; anything else is a mistake. */
static enum err
add_or_replace(struct ruleset_reading *l, const struct rule_entry *e,
	       struct diag *why)
{
	struct ruleset *rs = l->rs;
	const struct rule *rule = e->rule;
	uint32_t key, n = l->keys.n;
	char text[32];
	int len = snprintf(text, sizeof(text), "%u:%u", rule->gid, rule->sid);
	struct rule_entry *old;

	if (!name_table_add(&l->keys, view_of(text, (size_t)len), &key)) {
		return ERR_NOMEM;
	}
	if (key >= l->cap_entry_of) {
		uint32_t cap =
			l->cap_entry_of == 0 ? 4096 : l->cap_entry_of * 2;
		uint32_t *v = realloc(l->entry_of, cap * sizeof(*v));

		if (v == NULL) {
			return ERR_NOMEM;
		}
		l->entry_of = v;
		l->cap_entry_of = cap;
	}
	if (l->keys.n == n) {
		old = &rs->entries[l->entry_of[key]];
		if (rule->rev <= old->rule->rev) {
			return diag_set(why, ERR_FORMAT,
					"sid %u is taken by revision %u at "
					"%s:%u: raise rev or change the sid",
					rule->sid, old->rule->rev,
					old->rule->file, old->rule->line);
		}
		old->replaced = true;
	}
	l->entry_of[key] = rs->n_entries;
	return add_entry(l, e);
}

/* Value of "mitre_technique_id" in a rule that could not be read. */
static void
find_technique(struct view text, char *out, size_t cap)
{
	static const char key[] = "mitre_technique_id";
	size_t n = strlen(key), k = 0;

	for (size_t i = 0; i + n < text.len; i++) {
		if (text.p[i] != key[0] || memcmp(text.p + i, key, n) != 0) {
			continue;
		}
		for (i += n; i < text.len && text.p[i] == ' '; i++) {
		}
		while (k + 1 < cap && i + k < text.len &&
		       (text.p[i + k] == '.' || text.p[i + k] == 'T' ||
			(text.p[i + k] >= '0' && text.p[i + k] <= '9'))) {
			out[k] = (char)text.p[i + k];
			k++;
		}
		break;
	}
	out[k] = '\0';
}

/* Says of the latest problem where in 'text' it lies and what may mend it. */
static void
locate(struct ruleset_reading *l, struct view text)
{
	struct ruleset_report *report = &l->rs->report;
	struct rule_problem *p = &report->problems[report->n_problems - 1];
	struct view at = l->draft->at;
	const struct keyword *w;

	find_technique(text, p->technique, sizeof(p->technique));
	if (at.p < text.p || at.p >= text.p + text.len) {
		return;
	}
	p->column = (uint32_t)(at.p - text.p) + 1;
	snprintf(p->keyword, sizeof(p->keyword), "%.*s",
		 (int)MIN(at.len, (size_t)INT16_MAX), (const char *)at.p);
	w = keyword_find(at);
	if (w != NULL && w->shape == KW_REFUSED) {
		snprintf(p->mend, sizeof(p->mend),
			 "write the rule without %s, or leave it out", w->name);
	} else if (w == NULL && at.p > l->draft->words.dport.p) {
		w = keyword_nearest(at);
		if (w != NULL) {
			snprintf(p->mend, sizeof(p->mend),
				 "did you mean \"%s\"?", w->name);
		}
	}
}

static enum err
place_rule(struct ruleset_reading *l, struct rule_entry *e, const char *file,
	   uint32_t line, struct diag *why)
{
	e->rule->file = file;
	e->rule->line = line;
	return add_or_replace(l, e, why);
}

/* A rule that the former set has, in the same words. */
static enum err
take_over(struct ruleset_reading *l, struct view text, const char *file,
	  uint32_t line, bool *found)
{
	struct rule_entry entry = { .rule = NULL };
	struct diag why = { "" };
	enum err e;

	if (!former_rules_take(&l->former, l->rs, text, &entry, found)) {
		return ERR_NOMEM;
	}
	if (!*found) {
		return ERR_OK;
	}
	e = place_rule(l, &entry, file, line, &why);
	if (e == ERR_FORMAT) {
		e = ruleset_problem(l->rs, PROBLEM_RULE, file, line,
				    entry.rule->sid, false, why.msg)
			    ? ERR_OK
			    : ERR_NOMEM;
	}
	return e;
}

static enum err
load_rule(struct ruleset_reading *l, struct view text, const char *file,
	  uint32_t line)
{
	struct rule_prog *progs[2];
	struct ruleset *rs = l->rs;
	struct rule_draft *r = l->draft;
	struct rule_entry entry = { .rule = NULL };
	struct diag why = { "" };
	enum err e;

	if (!ruleset_part_room(rs, l->conf)) {
		return ERR_NOMEM;
	}
	r->at = VIEW_NONE;
	if (text.len > RULE_MAX_TEXT) {
		e = diag_set(&why, ERR_LIMIT, "longer than %zu bytes",
			     RULE_MAX_TEXT);
	} else {
		e = rule_parse(r, text, &why);
	}
	if (e == ERR_OK && r->skip) {
		return ruleset_problem(rs, PROBLEM_RULE, file, line,
				       rule_lex_sid(text), true, why.msg)
			       ? ERR_OK
			       : ERR_NOMEM;
	}
	if (e == ERR_OK) {
		e = rule_compile(r, progs, &why);
	}
	if (e == ERR_OK) {
		r->rule->text = draft_text(r, text);
		e = r->rule->text == NULL ||
				    !ruleset_own_read(rs, r->rule, &entry)
			    ? ERR_NOMEM
			    : ERR_OK;
	}
	if (e == ERR_OK) {
		e = place_rule(l, &entry, file, line, &why);
	}
	if (e == ERR_NOMEM) {
		return e;
	}
	if (e != ERR_OK) {
		if (!ruleset_problem(rs, PROBLEM_RULE, file, line,
				     rule_lex_sid(text), false, why.msg)) {
			return ERR_NOMEM;
		}
		locate(l, text);
	}
	return ERR_OK;
}

static const char *
dir_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 1 : MAX((size_t)(slash - path), (size_t)1);
	char *dir = arena_alloc(a, n + 1);

	if (dir != NULL) {
		memcpy(dir, slash == NULL ? "." : path, n);
		dir[n] = '\0';
	}
	return dir;
}

static enum err
load_file(struct ruleset_reading *l, const char *path)
{
	struct rule_file f;
	struct view text;
	uint32_t line;
	char *name;
	enum err e = rule_file_open(&f, path, l->d);

	if (e != ERR_OK && l->examine) {
		return ruleset_problem(l->rs, PROBLEM_FILE, path, 0, 0, false,
				       l->d->msg)
			       ? ERR_OK
			       : ERR_NOMEM;
	}
	if (e != ERR_OK) {
		return e;
	}
	l->rs->env.rule_dir = NULL;
	name = arena_alloc(&l->rs->arena, strlen(path) + 1);
	if (name == NULL) {
		e = ERR_NOMEM;
	} else {
		memcpy(name, path, strlen(path) + 1);
		l->rs->env.rule_dir = dir_of(&l->rs->arena, path);
		e = l->rs->env.rule_dir == NULL ? ERR_NOMEM : ERR_OK;
	}
	l->rs->env.file = name;
	while (e == ERR_OK && rule_file_next(&f, &text, &line)) {
		bool found = false;

		e = take_over(l, text, name, line, &found);
		if (e == ERR_OK && !found) {
			e = load_rule(l, text, name, line);
		}
	}
	l->rs->env.file = NULL;
	rule_file_close(&f);
	return e == ERR_NOMEM ? diag_set(l->d, e, "%s: out of memory", path)
			      : e;
}

static enum err
load_pattern(struct ruleset_reading *l, const char *pattern)
{
	enum err e = ERR_OK;
	glob_t found;
	int rc = glob(pattern, GLOB_NOCHECK, NULL, &found);

	if (rc != 0) {
		return diag_set(l->d, ERR_IO, "%s: cannot be searched",
				pattern);
	}
	for (size_t i = 0; e == ERR_OK && i < found.gl_pathc; i++) {
		e = load_file(l, found.gl_pathv[i]);
	}
	globfree(&found);
	return e;
}

/* The files' own, sealed by who calls. */
static enum err
read_files(struct ruleset *rs, const char *const *paths, size_t n,
	   struct diag *d)
{
	struct ioc_load_report report = { .total = 0 };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = ioc_load_file(rs->iocs, paths[i], &report, d);
	}
	for (uint32_t i = 0; e == ERR_OK && i < report.n_refusals; i++) {
		const struct ioc_refusal *r = &report.refusals[i];
		char why[400];

		/* Of a plain list none has an id. */
		snprintf(why, sizeof(why), "indicator%s%.120s: %.250s",
			 r->id[0] != '\0' ? " " : "", r->id, r->reason);
		if (!ruleset_problem(rs, PROBLEM_INDICATOR, r->file, r->line, 0,
				     true, why)) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	ioc_load_report_fini(&report);
	return e;
}

static enum err
add_armed(struct ruleset *rs, const struct indicator *i, struct diag *d)
{
	const struct ioc_note note = {
		.type = IOC_PATTERN,
		.severity = i->severity,
		.id = i->id,
		.source = i->source,
		.tlp = tlp_name(i->mark.tlp),
		.mark = &i->mark,
		.description = i->description,
		.tactic = i->tactic,
		.labels = i->labels,
		.kill_chain = i->kill_chain,
		.valid_from_us = i->valid_from_us,
		.valid_until_us = i->valid_until_us,
	};

	return ioc_set_add(rs->iocs, &note, view_cstr(i->value), d);
}

/* One that cannot be had is refused in the list, and is no problem of files:
 * a set must not fail for what its operator has not written. */
static enum err
read_armed(struct ruleset *rs, struct pattern_list *armed,
	   struct pattern_list_copy *c, struct diag *d)
{
	uint32_t of_files = ioc_set_count(rs->iocs);
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < c->n; i++) {
		struct diag why = { "" };

		e = add_armed(rs, pattern_list_at(c, i), &why);
		if (e == ERR_NOMEM) {
			return diag_set(d, e, "out of memory");
		}
		pattern_list_refuse(armed, c, i, e == ERR_OK ? NULL : why.msg);
		e = ERR_OK;
	}
	rs->n_armed = ioc_set_count(rs->iocs) - of_files;
	return e;
}

enum err
ruleset_read_indicators(struct ruleset_reading *l, const char *const *paths,
			size_t n)
{
	struct ruleset *rs = l->rs;
	struct pattern_list_copy c = { .n = 0 };
	enum err e = ERR_OK;

	if (l->armed != NULL && pattern_list_take(l->armed, &c) != ERR_OK) {
		return diag_set(l->d, ERR_NOMEM, "out of memory");
	}
	rs->armed_changes = c.changes;
	if (n + c.n > 0) {
		rs->iocs = ioc_set_new();
		e = rs->iocs == NULL
			    ? diag_set(l->d, ERR_NOMEM, "out of memory")
			    : read_files(rs, paths, n, l->d);
	}
	if (e == ERR_OK && c.n > 0) {
		e = read_armed(rs, l->armed, &c, l->d);
	}
	pattern_list_give(&c);
	return e == ERR_OK && rs->iocs != NULL ? ioc_set_seal(rs->iocs) : e;
}

enum err
ruleset_read_rules(struct ruleset_reading *l, const char *const *patterns,
		   size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = load_pattern(l, patterns[i]);
	}
	return e;
}
