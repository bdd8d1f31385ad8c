/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/correlator_file.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "collector/baseline.h"
#include "collector/finding_state.h"
#include "collector/stage.h"
#include "collector/yaml_file.h"

#define MAX_THRESHOLDS 7

/* A number of a kind, as the file calls it. */
struct threshold {
	const char *key;
	uint64_t min, max;
	size_t at; /* of an unsigned, in the configuration of its kind */
};

/* What picket-collector(8) shows under CORRELATORS: change both. */
static const struct kind {
	const char *name;
	size_t enabled; /* of a bool, in struct correlate_config, or ... */
	struct threshold threshold[MAX_THRESHOLDS];
	bool finds; /* ... of a kind of finding, in struct finding_config */
} kinds[] = {
	{ "shared",
	  offsetof(struct correlate_config, shared),
	  { { "min-sites", 2, 1000,
	      offsetof(struct correlate_config, min_sites) },
	    { "min-owners", 2, 1000,
	      offsetof(struct correlate_config, min_owners) } },
	  false },
	{ "stages",
	  offsetof(struct correlate_config, stages),
	  { { "min-stages", 2, STAGE_COUNT,
	      offsetof(struct correlate_config, min_stages) } },
	  false },
	{ "flood",
	  offsetof(struct correlate_config, flood),
	  { { "alerts", 100, 1000000000,
	      offsetof(struct correlate_config, flood_alerts) },
	    { "rule-alerts", 100, 1000000000,
	      offsetof(struct correlate_config, flood_rule_alerts) },
	    { "seconds", 60, 86400,
	      offsetof(struct correlate_config, flood_seconds) } },
	  false },
	{ "scan",
	  offsetof(struct finding_config, on[FINDING_SCAN]),
	  { { "seconds", 60, 3600,
	      offsetof(struct finding_config, scan_seconds) },
	    { "peers", 5, 100000, offsetof(struct finding_config, scan_peers) },
	    { "ports", 5, 65535, offsetof(struct finding_config, scan_ports) },
	    { "failed-percent", 1, 100,
	      offsetof(struct finding_config, scan_failed) } },
	  true },
	{ "slow-scan",
	  offsetof(struct finding_config, on[FINDING_SLOW_SCAN]),
	  { { "hours", 4, 168, offsetof(struct finding_config, slow_hours) },
	    { "peers", 5, 100000, offsetof(struct finding_config, slow_peers) },
	    { "ports", 5, 65535, offsetof(struct finding_config, slow_ports) },
	    { "failed-percent", 1, 100,
	      offsetof(struct finding_config, slow_failed) } },
	  true },
	{ "spread",
	  offsetof(struct finding_config, on[FINDING_SPREAD]),
	  { { "seconds", 60, 86400,
	      offsetof(struct finding_config, spread_seconds) },
	    { "sources", 5, 100000,
	      offsetof(struct finding_config, spread_sources) },
	    { "targets", 2, 100000,
	      offsetof(struct finding_config, spread_targets) } },
	  true },
	{ "beacon",
	  offsetof(struct finding_config, on[FINDING_BEACON]),
	  { { "starts", 6, BASELINE_STARTS,
	      offsetof(struct finding_config, beacon_starts) },
	    { "least-seconds", 10, 86400,
	      offsetof(struct finding_config, beacon_least) },
	    { "most-seconds", 10, 86400,
	      offsetof(struct finding_config, beacon_most) },
	    { "jitter-percent", 1, 50,
	      offsetof(struct finding_config, beacon_jitter) },
	    { "clients", 1, 100000,
	      offsetof(struct finding_config, beacon_clients) },
	    { "kilobytes", 1, 1000000,
	      offsetof(struct finding_config, beacon_kilobytes) } },
	  true },
	{ "lateral",
	  offsetof(struct finding_config, on[FINDING_LATERAL]),
	  { { "seconds", 60, 86400,
	      offsetof(struct finding_config, lateral_seconds) },
	    { "hosts", 2, FINDING_ADMIN_RECENT,
	      offsetof(struct finding_config, lateral_hosts) },
	    { "hops", 2, 16, offsetof(struct finding_config, lateral_hops) },
	    { "learn-hours", 0, 8760,
	      offsetof(struct finding_config, lateral_learn) } },
	  true },
	{ "first-seen",
	  offsetof(struct finding_config, on[FINDING_FIRST_SEEN]),
	  { { "criticality", 1, 100,
	      offsetof(struct finding_config, first_criticality) },
	    { "learn-hours", 0, 8760,
	      offsetof(struct finding_config, first_learn) } },
	  true },
	{ "volume",
	  offsetof(struct finding_config, on[FINDING_VOLUME]),
	  { { "megabytes", 1, 1000000,
	      offsetof(struct finding_config, volume_megabytes) },
	    { "deviations", 2, 100,
	      offsetof(struct finding_config, volume_deviations) },
	    { "learn-hours", 1, 8760,
	      offsetof(struct finding_config, volume_learn) } },
	  true },
	{ "silence",
	  offsetof(struct correlate_config, silence),
	  { { "window", 10, 86400,
	      offsetof(struct correlate_config, silence_seconds) } },
	  false },
};

STATIC_ASSERT(ARRAY_LEN(kinds) == CORRELATOR_KINDS, "each has its line");

struct reading {
	struct yaml_file *y;
	struct correlate_config cfg;
	struct finding_config finding;
	bool declared[ARRAY_LEN(kinds)];
	struct correlator_lines lines;
};

static const struct yaml_kind correlators_file = {
	.max = CORRELATOR_FILE_MAX,
	.fault = ERR_USAGE,
	.unread = ERR_IO,
	.named = "correlators: ",
};

static void *
config_of(struct reading *r, const struct kind *k)
{
	return k->finds ? (void *)&r->finding : (void *)&r->cfg;
}

static void
read_enabled(struct reading *r, const struct kind *k, const yaml_node_t *v)
{
	const char *s = yaml_file_text(v);
	bool on =
		s != NULL && (strcmp(s, "yes") == 0 || strcmp(s, "true") == 0);

	if (s == NULL ||
	    (!on && strcmp(s, "no") != 0 && strcmp(s, "false") != 0)) {
		yaml_file_fail(r->y, v, "enabled: write yes or no");
		return;
	}
	*(bool *)((char *)config_of(r, k) + k->enabled) = on;
}

static void
read_number(struct reading *r, const struct kind *k, const struct threshold *t,
	    const yaml_node_t *v)
{
	const char *s = yaml_file_text(v);
	char *end = NULL;
	unsigned long long n;

	errno = 0;
	n = s != NULL && s[0] >= '0' && s[0] <= '9' ? strtoull(s, &end, 10) : 0;
	if (end == NULL || *end != '\0' || errno != 0 || n < t->min ||
	    n > t->max) {
		yaml_file_fail(r->y, v, "%s: a number from %llu to %llu",
			       t->key, (unsigned long long)t->min,
			       (unsigned long long)t->max);
		return;
	}
	*(unsigned *)((char *)config_of(r, k) + t->at) = (unsigned)n;
}

static void
read_member(struct reading *r, const struct kind *k, const yaml_node_t *key,
	    const yaml_node_t *value)
{
	const char *s = yaml_file_text(key);

	if (s != NULL && strcmp(s, "kind") == 0) {
		return;
	}
	if (s != NULL && strcmp(s, "enabled") == 0) {
		read_enabled(r, k, value);
		return;
	}
	for (unsigned i = 0; s != NULL && i < MAX_THRESHOLDS; i++) {
		const struct threshold *t = &k->threshold[i];

		if (t->key != NULL && strcmp(t->key, s) == 0) {
			read_number(r, k, t, value);
			return;
		}
	}
	yaml_file_fail(r->y, key,
		       "%.64s: nothing that a correlator of kind %s has",
		       s != NULL ? s : "a key", k->name);
}

/* The kind may stand behind what it explains. */
static const struct kind *
kind_of(struct reading *r, const yaml_node_t *map)
{
	const yaml_node_t *v = NULL;
	char names[16 * ARRAY_LEN(kinds)] = "";
	size_t n = 0;

	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start;
	     i < map->data.mapping.pairs.top && v == NULL; i++) {
		const char *s = yaml_file_text(yaml_file_node(r->y, i->key));

		v = s != NULL && strcmp(s, "kind") == 0
			    ? yaml_file_node(r->y, i->value)
			    : NULL;
	}
	for (size_t i = 0; yaml_file_text(v) != NULL && i < ARRAY_LEN(kinds);
	     i++) {
		if (strcmp(kinds[i].name, yaml_file_text(v)) == 0) {
			if (r->declared[i]) {
				yaml_file_fail(r->y, v,
					       "kind: %s is there twice",
					       kinds[i].name);
			}
			r->declared[i] = true;
			r->lines.line[i] = (unsigned)map->start_mark.line + 1;
			return &kinds[i];
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      i > 0 ? ", " : "", kinds[i].name);
	}
	yaml_file_fail(r->y, v != NULL ? v : map, "kind: '%.64s' is none of %s",
		       yaml_file_text(v) != NULL ? yaml_file_text(v) : "",
		       names);
	return NULL;
}

/* YAML would take the last of two and not say so. */
static bool
twice(struct reading *r, const yaml_node_t *map, const yaml_node_pair_t *at)
{
	const char *s = yaml_file_text(yaml_file_node(r->y, at->key));

	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start; i < at;
	     i++) {
		const char *t = yaml_file_text(yaml_file_node(r->y, i->key));

		if (s != NULL && t != NULL && strcmp(s, t) == 0) {
			yaml_file_fail(r->y, yaml_file_node(r->y, at->key),
				       "%.64s: there twice", s);
			return true;
		}
	}
	return false;
}

static void
read_correlator(struct reading *r, const yaml_node_t *map)
{
	const struct kind *k;

	if (map == NULL || map->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, map, "correlators: each has a kind");
		return;
	}
	k = kind_of(r, map);
	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start;
	     i < map->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		if (!twice(r, map, i)) {
			read_member(r, k, yaml_file_node(r->y, i->key),
				    yaml_file_node(r->y, i->value));
		}
	}
}

/* Hosts of which no finding is made. */
static void
read_ignore(struct reading *r, const yaml_node_t *list)
{
	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list,
			       "ignore: a list of addresses and networks");
		return;
	}
	r->finding.n_ignore = 0;
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		const yaml_node_t *n = yaml_file_node(r->y, *i);
		const char *s = yaml_file_text(n);

		if (r->finding.n_ignore == FINDING_MAX_IGNORE) {
			yaml_file_fail(r->y, n, "ignore: more than %d",
				       FINDING_MAX_IGNORE);
		} else if (s == NULL ||
			   !cidr_parse(
				   view_cstr(s),
				   &r->finding.ignore[r->finding.n_ignore])) {
			yaml_file_fail(r->y, n,
				       "ignore: %.64s: no address or network",
				       s != NULL ? s : "this");
		} else {
			r->finding.n_ignore++;
		}
	}
}

static void
read_list(struct reading *r, const yaml_node_t *list)
{
	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list, "correlators: a list");
		return;
	}
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		read_correlator(r, yaml_file_node(r->y, *i));
	}
}

/* Two numbers that only together make sense. */
static void
read_both(struct reading *r, const yaml_node_t *root)
{
	if (r->y->err == ERR_OK &&
	    r->finding.beacon_least > r->finding.beacon_most) {
		yaml_file_fail(r->y, root,
			       "beacon: least-seconds is above most-seconds");
	}
}

static void
read_root(struct yaml_file *y, yaml_node_t *root, void *arg)
{
	struct reading *r = arg;
	bool any = false;

	r->y = y;
	if (root == NULL || root->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, root,
			       "no correlators: see picket-collector(8)");
		return;
	}
	for (const yaml_node_pair_t *i = root->data.mapping.pairs.start;
	     i < root->data.mapping.pairs.top && r->y->err == ERR_OK; i++) {
		const char *s = yaml_file_text(yaml_file_node(r->y, i->key));

		if (twice(r, root, i)) {
			return;
		}
		any = true;
		if (s != NULL && strcmp(s, "correlators") == 0) {
			read_list(r, yaml_file_node(r->y, i->value));
		} else if (s != NULL && strcmp(s, "ignore") == 0) {
			read_ignore(r, yaml_file_node(r->y, i->value));
		} else {
			yaml_file_fail(r->y, yaml_file_node(r->y, i->key),
				       "only 'correlators' and 'ignore' may "
				       "stand here");
		}
	}
	if (!any) {
		yaml_file_fail(r->y, root, "correlators: a list");
	}
	read_both(r, root);
}

/* Nothing changes unless all is well. */
static enum err
settle(enum err e, const struct reading *r, struct correlate_config *out,
       struct finding_config *findings, struct correlator_lines *lines)
{
	if (e == ERR_OK) {
		*out = r->cfg;
		*findings = r->finding;
		if (lines != NULL) {
			*lines = r->lines;
		}
	}
	return e;
}

enum err
correlator_file_read(struct correlate_config *out,
		     struct finding_config *findings,
		     struct correlator_lines *lines, const char *name,
		     struct view text, struct diag *d)
{
	struct reading r = { .cfg = *out, .finding = *findings };

	return settle(yaml_file_parse(&correlators_file, name, text, read_root,
				      &r, d),
		      &r, out, findings, lines);
}

enum err
correlator_file_load(struct correlate_config *out,
		     struct finding_config *findings,
		     struct correlator_lines *lines, const char *path,
		     struct diag *d)
{
	struct reading r = { .cfg = *out, .finding = *findings };

	return settle(yaml_file_load(&correlators_file, path, read_root, &r, d),
		      &r, out, findings, lines);
}

/* What a finding or incident of each bears, as docs/correlators.md has it. */
static const char *
tactics_of(const char *kind)
{
	static const struct {
		const char *kind, *tactics;
	} known[] = {
		{ "scan", "TA0007/TA0043" }, { "slow-scan", "TA0007/TA0043" },
		{ "spread", "TA0007" },      { "beacon", "TA0011" },
		{ "lateral", "TA0008" },     { "volume", "TA0010" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(kind, known[i].kind) == 0) {
			return known[i].tactics;
		}
	}
	return "";
}

void
correlator_each(const struct correlate_config *c,
		const struct finding_config *f,
		const struct correlator_lines *lines,
		void (*fn)(void *arg, const struct correlator_row *row),
		void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];
		const char *base = k->finds ? (const char *)f : (const char *)c;
		struct correlator_row row = {
			.kind = k->name,
			.tactics = tactics_of(k->name),
			.keyed = strcmp(k->name, "shared") == 0 ||
				 strcmp(k->name, "stages") == 0,
			.line = lines->line[i],
			.of = k,
			.base = base,
		};

		memcpy(&row.enabled, base + k->enabled, sizeof(row.enabled));
		fn(arg, &row);
	}
}

void
correlator_thresholds(const struct correlator_row *row,
		      void (*fn)(void *arg, const char *key, unsigned value),
		      void *arg)
{
	const struct kind *k = row->of;

	for (size_t i = 0; i < MAX_THRESHOLDS && k->threshold[i].key != NULL;
	     i++) {
		unsigned value;

		memcpy(&value, (const char *)row->base + k->threshold[i].at,
		       sizeof(value));
		fn(arg, k->threshold[i].key, value);
	}
}
