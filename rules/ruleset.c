/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ruleset.h"

#include <stdlib.h>

#include "rules/ioc_pattern_set.h"
#include "rules/rule_parse.h"
#include "rules/rule_verify.h"
#include "rules/ruleset_read.h"

#define MEMORY_MAX ((size_t)8 << 30)

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
load_set(struct ruleset_reading l, const char *const *patterns,
	 size_t n_patterns, const char *const *indicators, size_t n_indicators)
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
			    ? ruleset_read_rules(&l, patterns, n_patterns)
			    : diag_set(d, ERR_NOMEM, "out of memory");
	}
	rule_draft_free(l.draft);
	former_rules_fini(&l.former);
	ruleset_part_close(rs);
	name_table_fini(&l.keys);
	free(l.entry_of);
	if (e == ERR_OK) {
		e = ruleset_read_indicators(&l, indicators, n_indicators);
	}
	if (e == ERR_OK) {
		e = ruleset_finish(&l, conf);
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
	       struct pattern_list *armed, struct diag *d)
{
	return load_set(
		(struct ruleset_reading){
			.prev = prev, .conf = conf, .armed = armed, .d = d },
		patterns, n_patterns, indicators, n_indicators);
}

struct ruleset *
ruleset_examine(const struct conf *conf, const char *const *patterns,
		size_t n_patterns, const char *const *indicators,
		size_t n_indicators, struct diag *d)
{
	return load_set((struct ruleset_reading){ .conf = conf,
						  .d = d,
						  .examine = true },
			patterns, n_patterns, indicators, n_indicators);
}

struct ruleset *
ruleset_load(const struct conf *conf, const char *const *patterns,
	     size_t n_patterns, const char *const *indicators,
	     size_t n_indicators, struct diag *d)
{
	return ruleset_reload(NULL, conf, patterns, n_patterns, indicators,
			      n_indicators, NULL, d);
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

const struct ioc_set *
ruleset_indicators(const struct ruleset *rs)
{
	return rs->iocs;
}

uint32_t
ruleset_indicator_count(const struct ruleset *rs)
{
	return rs->iocs != NULL ? ioc_set_count(rs->iocs) - rs->n_armed : 0;
}

uint32_t
ruleset_armed_patterns(const struct ruleset *rs, uint64_t *changes)
{
	*changes = rs->armed_changes;
	return rs->n_armed;
}

unsigned
ruleset_pattern_moments(const struct ruleset *rs)
{
	const struct ioc_pattern_set *p =
		rs->iocs != NULL ? ioc_set_patterns(rs->iocs) : NULL;

	return p != NULL ? p->moments : 0;
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
