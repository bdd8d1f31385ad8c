/* SPDX-License-Identifier: Apache-2.0 */
/* tag, bypass, config: what a match leads to beside an alert. */
#include "rules/rule_draft.h"

#define MAX_TAGS 16
#define TAG_PACKETS_DEFAULT 256

static bool
read_metric(struct view v, enum tag_metric *out)
{
	static const char *const metrics[] = { [TAG_PACKETS] = "packets",
					       [TAG_BYTES] = "bytes",
					       [TAG_SECONDS] = "seconds" };

	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		if (text_is(v, metrics[i])) {
			*out = (enum tag_metric)i;
			return true;
		}
	}
	return false;
}

static bool
read_tag(struct view value, struct rule_tag *t)
{
	struct view part;
	uint64_t n;

	*t = (struct rule_tag){ .metric = TAG_PACKETS,
				.count = TAG_PACKETS_DEFAULT };
	if (!text_next(&value, ',', &part)) {
		return false;
	}
	t->host = text_is(part, "host");
	if (!t->host && !text_is(part, "session")) {
		return false;
	}
	if (value.len == 0) {
		return true;
	}
	if (!text_next(&value, ',', &part) || !text_u64(part, &n) ||
	    n > UINT32_MAX || !text_next(&value, ',', &part) ||
	    !read_metric(part, &t->metric)) {
		return false;
	}
	t->count = (uint32_t)n;
	if (!text_next(&value, ',', &part)) {
		return true;
	}
	t->at_src = text_is(part, "src");
	return (t->at_src || text_is(part, "dst")) && text_trim(value).len == 0;
}

enum err
parse_tag(struct rule_draft *r, const struct keyword *w, struct view value)
{
	uint32_t n = r->rule->n_tags;
	struct rule_tag *tags;

	if (n == MAX_TAGS) {
		return diag_set(r->d, ERR_LIMIT, "%s: more than %d in a rule",
				w->name, MAX_TAGS);
	}
	tags = arena_alloc(r->env->arena, (n + 1) * sizeof(*tags));
	if (tags == NULL) {
		return draft_nomem(r);
	}
	if (n > 0) {
		memcpy(tags, r->rule->tags, n * sizeof(*tags));
	}
	if (!read_tag(text_unquote(value), &tags[n])) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write session|host[,COUNT,packets|bytes|"
				"seconds[,src|dst]]",
				w->name);
	}
	r->rule->tags = tags;
	r->rule->n_tags = n + 1;
	return ERR_OK;
}

enum err
parse_bypass(struct rule_draft *r, const struct keyword *w, struct view value)
{
	(void)w;
	(void)value;
	r->rule->bypass = true;
	r->prog.flow |= FLOW_NEEDED;
	return ERR_OK;
}

/* logging disable, type tx, scope tx */
enum err
parse_config(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view subsystem = VIEW_NONE, action = VIEW_NONE, part, name;
	bool type = false, scope = false;

	value = text_unquote(value);
	text_next(&value, ',', &part);
	text_next_word(&part, &subsystem);
	action = text_trim(part);
	while (text_next(&value, ',', &part)) {
		text_next_word(&part, &name);
		part = text_trim(part);
		if (text_is(name, "type") && text_is(part, "tx")) {
			type = true;
		} else if (text_is(name, "scope") && text_is(part, "tx")) {
			scope = true;
		} else {
			return diag_set(r->d, ERR_FORMAT,
					"%s: %.*s %.*s is not supported: only "
					"type tx, scope tx",
					w->name, TEXT_ARG(name),
					TEXT_ARG(part));
		}
	}
	if (!text_is(subsystem, "logging") || !text_is(action, "disable") ||
	    !type || !scope) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write logging disable, type tx, scope tx",
				w->name);
	}
	r->rule->no_tx_log = true;
	r->tx_only = true;
	return ERR_OK;
}
