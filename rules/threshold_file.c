/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/threshold_file.h"

#include "rules/rule_file.h"

enum line_kind { LINE_SUPPRESS, LINE_THRESHOLD };

struct line {
	enum line_kind kind;
	uint64_t gid, sid;
	bool has_gid, has_sid, has_track;
	struct rule_threshold threshold;
	struct suppress suppress;
	struct view ip;
};

static bool
read_track(struct line *l, struct view v)
{
	static const char *const words[] = { "by_src", "by_dst", "by_both",
					     "by_rule", "by_flow" };

	l->has_track = true;
	if (text_is(v, "by_either")) {
		l->suppress.by = SUPPRESS_EITHER;
		return l->kind == LINE_SUPPRESS;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(v, words[i])) {
			l->threshold.track = (enum threshold_track)i;
			l->suppress.by = i == 0 ? SUPPRESS_SRC : SUPPRESS_DST;
			return l->kind == LINE_THRESHOLD || i < 2;
		}
	}
	return false;
}

static bool
read_type(struct line *l, struct view v)
{
	l->threshold.type = text_is(v, "limit")       ? THRESHOLD_LIMIT
			    : text_is(v, "threshold") ? THRESHOLD_THRESHOLD
			    : text_is(v, "both")      ? THRESHOLD_BOTH
						      : THRESHOLD_NONE;
	return l->threshold.type != THRESHOLD_NONE;
}

static bool
read_word(struct line *l, struct view name, struct view v)
{
	uint64_t n = 0;
	bool number = text_u64(v, &n) && n <= UINT32_MAX;

	if (text_is(name, "gen_id")) {
		l->gid = n;
		l->has_gid = true;
		return number;
	}
	if (text_is(name, "sig_id")) {
		l->sid = n;
		l->has_sid = true;
		return number;
	}
	if (text_is(name, "track")) {
		return read_track(l, v);
	}
	if (l->kind == LINE_SUPPRESS) {
		l->ip = v;
		return text_is(name, "ip") && v.len > 0;
	}
	if (text_is(name, "type")) {
		return read_type(l, v);
	}
	if (text_is(name, "count")) {
		l->threshold.count = (uint32_t)n;
		return number && n > 0;
	}
	if (text_is(name, "seconds")) {
		l->threshold.seconds = (uint32_t)n;
		return number && n > 0;
	}
	return false;
}

/* Commas inside brackets belong to the address list. */
static bool
next_part(struct view *s, struct view *part)
{
	size_t depth = 0, i;

	if (s->len == 0) {
		return false;
	}
	for (i = 0; i < s->len; i++) {
		depth += s->p[i] == '[';
		depth -= s->p[i] == ']' && depth > 0;
		if (s->p[i] == ',' && depth == 0) {
			break;
		}
	}
	*part = text_trim(view_of(s->p, i));
	*s = i < s->len ? view_sub(*s, i + 1, s->len) : VIEW_NONE;
	return true;
}

static bool
read_line(struct view text, struct line *l)
{
	struct view word, part;

	*l = (struct line){ .kind = LINE_THRESHOLD };
	if (!text_next_word(&text, &word)) {
		return false;
	}
	if (text_is(word, "suppress")) {
		l->kind = LINE_SUPPRESS;
	} else if (!text_is(word, "threshold") &&
		   !text_is(word, "event_filter")) {
		return false;
	}
	while (next_part(&text, &part)) {
		text_next_word(&part, &word);
		if (!read_word(l, word, text_trim(part))) {
			return false;
		}
	}
	if (!l->has_gid || !l->has_sid) {
		return false;
	}
	if (l->kind == LINE_SUPPRESS) {
		return l->has_track == (l->ip.len > 0);
	}
	return l->has_track && l->threshold.type != THRESHOLD_NONE &&
	       l->threshold.count > 0 && l->threshold.seconds > 0;
}

static enum err
change(struct ruleset *rs, struct rule_entry *e, const struct line *l)
{
	struct suppress *s;

	if (l->kind == LINE_THRESHOLD) {
		if (e->rule->threshold.type == THRESHOLD_NONE &&
		    e->rule->detection_filter.type == THRESHOLD_NONE) {
			e->rule->threshold = l->threshold;
		}
		return ERR_OK;
	}
	s = arena_alloc(&rs->arena, sizeof(*s));
	if (s == NULL) {
		return ERR_NOMEM;
	}
	*s = l->suppress;
	s->next = e->progs[0]->suppress;
	e->progs[0]->suppress = s;
	if (e->progs[1] != NULL) {
		e->progs[1]->suppress = s;
	}
	return ERR_OK;
}

static enum err
apply(struct ruleset *rs, struct line *l, struct diag *d)
{
	enum err e = ERR_OK;

	if (l->kind == LINE_SUPPRESS && l->ip.len > 0) {
		e = rule_vars_addrs(rs->env.vars, l->ip, &l->suppress.addrs, d);
	}
	for (uint32_t i = 0; e == ERR_OK && i < rs->n_entries; i++) {
		const struct rule *r = rs->entries[i].rule;

		if ((l->gid == 0 || l->gid == r->gid) &&
		    (l->sid == 0 || l->sid == r->sid)) {
			e = change(rs, &rs->entries[i], l);
		}
	}
	return e;
}

enum err
threshold_file_apply(struct ruleset *rs, const char *path, struct diag *d)
{
	struct rule_file f;
	struct view text;
	uint32_t at;
	enum err e = rule_file_open(&f, path, d);

	while (e == ERR_OK && rule_file_next(&f, &text, &at)) {
		struct diag why = { "not understood: suppress, threshold or "
				    "event_filter with gen_id, sig_id and "
				    "what goes with them" };
		struct line l;

		e = ERR_FORMAT;
		if (read_line(text, &l)) {
			e = apply(rs, &l, &why);
		}
		if (e == ERR_FORMAT) {
			e = ruleset_problem(rs, path, at, 0, false, why.msg)
				    ? ERR_OK
				    : ERR_NOMEM;
		}
	}
	rule_file_close(&f);
	return e == ERR_NOMEM ? diag_set(d, e, "out of memory") : e;
}
