/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ruleset.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "rules/ioc_load.h"
#include "rules/rule_file.h"
#include "rules/rule_parse.h"
#include "rules/rule_verify.h"
#include "rules/ruleset_db.h"
#include "rules/threshold_file.h"

#define MEMORY_MAX ((size_t)8 << 30)

/* While a set is read. */
struct loading {
	struct ruleset *rs;
	const struct ruleset *prev; /* NULL: the first */
	const struct conf *conf;
	struct former_rules former;
	struct rule_draft *draft;
	struct name_table keys; /* "gid:sid" to an entry's number */
	uint32_t *entry_of;
	uint32_t cap_entry_of;
	struct diag *d;
	bool examine; /* goes on where a file cannot be read */
};

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
add_entry(struct loading *l, const struct rule_entry *e)
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
add_or_replace(struct loading *l, const struct rule_entry *e, struct diag *why)
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
locate(struct loading *l, struct view text)
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
place_rule(struct loading *l, struct rule_entry *e, const char *file,
	   uint32_t line, struct diag *why)
{
	e->rule->file = file;
	e->rule->line = line;
	return add_or_replace(l, e, why);
}

/* A rule that the former set has, in the same words. */
static enum err
take_over(struct loading *l, struct view text, const char *file, uint32_t line,
	  bool *found)
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
load_rule(struct loading *l, struct view text, const char *file, uint32_t line)
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
load_file(struct loading *l, const char *path)
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
load_pattern(struct loading *l, const char *pattern)
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

static enum err
load_indicators(struct ruleset *rs, const char *const *paths, size_t n,
		struct diag *d)
{
	struct ioc_load_report report = { .total = 0 };
	enum err e = ERR_OK;

	if (n == 0) {
		return ERR_OK;
	}
	rs->iocs = ioc_set_new();
	if (rs->iocs == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = ioc_load_file(rs->iocs, paths[i], &report, d);
	}
	for (uint32_t i = 0; e == ERR_OK && i < report.n_refusals; i++) {
		const struct ioc_refusal *r = &report.refusals[i];
		char why[400];

		snprintf(why, sizeof(why), "indicator %.120s: %.250s", r->id,
			 r->reason);
		if (!ruleset_problem(rs, PROBLEM_INDICATOR, r->file, r->line, 0,
				     true, why)) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	ioc_load_report_fini(&report);
	return e == ERR_OK ? ioc_set_seal(rs->iocs) : e;
}

/* The rules that stay, numbered in load order. */
static enum err
number_rules(struct ruleset *rs, struct diag *d)
{
	rs->rules = calloc(rs->n_entries + 1, sizeof(*rs->rules));
	if (rs->rules == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < rs->n_entries; i++) {
		if (!rs->entries[i].replaced) {
			rs->entries[i].rule->index = rs->n_rules;
			rs->rules[rs->n_rules++] = rs->entries[i].rule;
		}
	}
	rs->report.loaded = rs->n_rules;
	return ERR_OK;
}

static unsigned
file_needs_of(const struct rule_prog *p)
{
	unsigned needs = p->store != STORE_NONE ? RULES_NEED_STORE : 0;

	for (uint16_t i = 0; i < p->n_tests; i++) {
		if (p->tests[i].fact == FACT_FILE_DIGEST) {
			needs |= RULES_NEED_MD5 << p->tests[i].arg;
		}
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf == BUF_FILE_MAGIC) {
			needs |= RULES_NEED_MAGIC;
		}
	}
	return needs;
}

static void
note_needs(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->n_progs; i++) {
		const struct rule_prog *p = rs->progs[i];

		rs->file_needs |= file_needs_of(p);
		for (uint16_t k = 0; k < p->n_lists; k++) {
			enum inspect_buf b = p->lists[k].buf;

			rs->needed[b / 64] |= UINT64_C(1) << (b % 64);
			if (b == BUF_PAYLOAD &&
			    (p->on_stream || p->kind == PROG_TX)) {
				rs->needed[0] |= UINT64_C(1) << BUF_STREAM;
				rs->needs_stream[0] = rs->needs_stream[0] ||
						      (p->dirs & 1) != 0;
				rs->needs_stream[1] = rs->needs_stream[1] ||
						      (p->dirs & 2) != 0;
			}
		}
	}
	if (rs->iocs != NULL) {
		uint64_t more[2] = { 0, 0 };

		ioc_set_needed(rs->iocs, more);
		rs->needed[0] |= more[0];
		rs->needed[1] |= more[1];
	}
}

static enum err
make_digest(struct ruleset *rs, struct diag *d)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char id[IOC_ID_CAP];
	bool good =
		ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (uint32_t i = 0; good && i < rs->n_rules; i++) {
		good = EVP_DigestUpdate(ctx, rs->rules[i]->text,
					strlen(rs->rules[i]->text) + 1) == 1;
	}
	for (uint32_t i = 0; good && i < ruleset_indicator_count(rs); i++) {
		ioc_id(ioc_set_at(rs->iocs, i), id, sizeof(id));
		good = EVP_DigestUpdate(ctx, id, strlen(id) + 1) == 1;
	}
	good = good && EVP_DigestFinal_ex(ctx, out, &n) == 1 && n == 32;
	EVP_MD_CTX_free(ctx);
	if (!good) {
		return diag_set(d, ERR_NOMEM, "SHA-256 failed");
	}
	for (unsigned i = 0; i < n; i++) {
		snprintf(rs->digest + i * 2, 3, "%02x", out[i]);
	}
	return ERR_OK;
}

static enum err
finish(struct loading *l, const struct conf *conf)
{
	struct ruleset *rs = l->rs;
	struct diag *d = l->d;
	const char *thresholds =
		conf != NULL ? conf_get(conf, "threshold-file") : NULL;
	enum err e = ERR_OK;

	if (thresholds != NULL && thresholds[0] != '\0') {
		rs->env.vars = rule_vars_new(conf, &rs->arena);
		if (rs->env.vars == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
		e = threshold_file_apply(rs, thresholds, d);
	}
	if (e == ERR_OK) {
		e = ruleset_refuse_shared(rs, l->prev, d);
	}
	if (e == ERR_OK) {
		e = number_rules(rs, d);
	}
	if (e == ERR_OK) {
		e = ruleset_order(rs, conf, d);
	}
	if (e == ERR_OK) {
		ruleset_settle_shared(rs);
		e = ruleset_rest_shared(rs, d);
	}
	if (e == ERR_OK) {
		e = ruleset_inherit_uids(rs, l->prev, d);
	}
	if (e == ERR_OK) {
		e = rule_groups_build(&rs->groups,
				      l->prev != NULL ? &l->prev->groups : NULL,
				      rs->progs, rs->n_progs, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	note_needs(rs);
	return make_digest(rs, d);
}

static enum err
load_all(struct loading *l, const char *const *patterns, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = load_pattern(l, patterns[i]);
	}
	return e;
}

static bool
bad_reputation(void *arg, const char *file, uint32_t line, const char *why)
{
	return ruleset_problem(arg, PROBLEM_REPUTATION, file, line, 0, false,
			       why);
}

static struct ruleset *
ruleset_new(const struct conf *conf, struct diag *d)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));

	if (rs == NULL) {
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	rs->match_limit =
		(uint32_t)(conf != NULL
				   ? conf_u64(conf, "pcre.match-limit",
					      VERIFY_MATCH_LIMIT, 1, UINT32_MAX)
				   : VERIFY_MATCH_LIMIT);
	rs->pool = pool_new(MEMORY_MAX);
	if (rs->pool == NULL) {
		goto nomem;
	}
	arena_init(&rs->arena, rs->pool, MEMORY_MAX);
	arena_allow_heap(&rs->arena);
	rs->env.arena = &rs->arena;
	rs->env.data_dir =
		conf != NULL ? conf_get(conf, "default-data-dir") : NULL;
	name_table_init(&rs->env.flowbits, &rs->arena);
	name_table_init(&rs->env.flowints, &rs->arena);
	name_table_init(&rs->env.notes, &rs->arena);
	name_table_init(&rs->env.sharedbits, &rs->arena);
	name_table_init(&rs->env.txbits, &rs->arena);
	rs->env.datasets = &rs->datasets;
	if (dataset_catalog_init(&rs->datasets, conf, d) != ERR_OK) {
		ruleset_free(rs);
		return NULL;
	}
	rs->env.classes = rule_classes_new(conf, &rs->arena, d);
	if (rs->env.classes != NULL) {
		rs->env.refs = rule_refs_new(conf, &rs->arena, d);
	}
	if (rs->env.refs != NULL) {
		rs->env.reputation =
			reputation_new(conf, &rs->arena, bad_reputation, rs, d);
	}
	if (rs->env.reputation != NULL) {
		rs->env.geo = geo_new(conf, &rs->arena, d);
	}
	if (rs->env.geo == NULL) {
		ruleset_free(rs);
		return NULL;
	}
	if (!ruleset_hash_settings(rs, conf)) {
		goto nomem;
	}
	return rs;
nomem:
	diag_set(d, ERR_NOMEM, "out of memory");
	ruleset_free(rs);
	return NULL;
}

static struct ruleset *
load_set(struct loading l, const char *const *patterns, size_t n_patterns,
	 const char *const *indicators, size_t n_indicators)
{
	const struct ruleset *prev = l.prev;
	const struct conf *conf = l.conf;
	struct diag *d = l.d;
	struct ruleset *rs = l.rs = ruleset_new(conf, d);
	enum err e;

	if (rs == NULL) {
		return NULL;
	}
	name_table_init(&l.keys, &rs->arena);
	e = ruleset_inherit_names(rs, prev, d);
	l.draft = rule_draft_new(&rs->env);
	if (e == ERR_OK) {
		e = l.draft != NULL && former_rules_init(&l.former, prev,
							 rs->settings)
			    ? load_all(&l, patterns, n_patterns)
			    : diag_set(d, ERR_NOMEM, "out of memory");
	}
	rule_draft_free(l.draft);
	former_rules_fini(&l.former);
	ruleset_part_close(rs);
	name_table_fini(&l.keys);
	free(l.entry_of);
	if (e == ERR_OK) {
		e = load_indicators(rs, indicators, n_indicators, d);
	}
	if (e == ERR_OK) {
		e = finish(&l, conf);
	}
	if (e != ERR_OK) {
		ruleset_free(rs);
		return NULL;
	}
	/* only what rules are read with; names stay */
	rule_vars_free(rs->env.vars);
	rule_classes_free(rs->env.classes);
	rule_refs_free(rs->env.refs);
	reputation_free(rs->env.reputation);
	geo_free(rs->env.geo);
	rs->env.reputation = NULL;
	rs->env.geo = NULL;
	rs->env.vars = NULL;
	rs->datasets.conf = NULL;
	rs->env.classes = NULL;
	rs->env.refs = NULL;
	rs->env.data_dir = NULL;
	return rs;
}

struct ruleset *
ruleset_reload(const struct ruleset *prev, const struct conf *conf,
	       const char *const *patterns, size_t n_patterns,
	       const char *const *indicators, size_t n_indicators,
	       struct diag *d)
{
	return load_set((struct loading){ .prev = prev, .conf = conf, .d = d },
			patterns, n_patterns, indicators, n_indicators);
}

struct ruleset *
ruleset_examine(const struct conf *conf, const char *const *patterns,
		size_t n_patterns, const char *const *indicators,
		size_t n_indicators, struct diag *d)
{
	return load_set(
		(struct loading){ .conf = conf, .d = d, .examine = true },
		patterns, n_patterns, indicators, n_indicators);
}

struct ruleset *
ruleset_load(const struct conf *conf, const char *const *patterns,
	     size_t n_patterns, const char *const *indicators,
	     size_t n_indicators, struct diag *d)
{
	return ruleset_reload(NULL, conf, patterns, n_patterns, indicators,
			      n_indicators, d);
}

void
ruleset_free(struct ruleset *rs)
{
	if (rs == NULL) {
		return;
	}
	rule_groups_fini(&rs->groups);
	digest_list_free(rs->env.digest_lists);
	ruleset_parts_fini(rs);
	for (uint32_t i = 0; i < rs->report.n_problems; i++) {
		free(rs->report.problems[i].file);
		free(rs->report.problems[i].reason);
	}
	free(rs->report.problems);
	ioc_set_free(rs->iocs);
	rule_vars_free(rs->env.vars);
	rule_classes_free(rs->env.classes);
	rule_refs_free(rs->env.refs);
	reputation_free(rs->env.reputation);
	geo_free(rs->env.geo);
	name_table_fini(&rs->env.flowbits);
	name_table_fini(&rs->env.flowints);
	name_table_fini(&rs->env.notes);
	name_table_fini(&rs->env.sharedbits);
	name_table_fini(&rs->env.txbits);
	dataset_catalog_fini(&rs->datasets);
	free(rs->entries);
	free(rs->rules);
	free(rs->progs);
	free(rs->by_uid);
	arena_reset(&rs->arena);
	pool_free(rs->pool);
	free(rs);
}

const struct ruleset_report *
ruleset_report(const struct ruleset *rs)
{
	return &rs->report;
}

uint32_t
ruleset_count(const struct ruleset *rs)
{
	return rs->n_rules;
}

const struct rule *
ruleset_rule(const struct ruleset *rs, uint32_t index)
{
	return index < rs->n_rules ? rs->rules[index] : NULL;
}

const char *
ruleset_digest(const struct ruleset *rs)
{
	return rs->digest;
}

uint32_t
ruleset_indicator_count(const struct ruleset *rs)
{
	return rs->iocs != NULL ? ioc_set_count(rs->iocs) : 0;
}

const uint64_t *
ruleset_needed(const struct ruleset *rs)
{
	return rs->needed;
}

unsigned
ruleset_file_needs(const struct ruleset *rs)
{
	return rs->file_needs;
}

bool
ruleset_needs_stream(const struct ruleset *rs, enum inspect_dir dir)
{
	return rs->needs_stream[dir];
}

bool
ruleset_tags(const struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->n_rules; i++) {
		if (rs->rules[i]->n_tags > 0) {
			return true;
		}
	}
	return false;
}

const struct rule *
ruleset_host_tag(const struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->n_rules; i++) {
		for (uint32_t k = 0; k < rs->rules[i]->n_tags; k++) {
			if (rs->rules[i]->tags[k].host) {
				return rs->rules[i];
			}
		}
	}
	return NULL;
}
