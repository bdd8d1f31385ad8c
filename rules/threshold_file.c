/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/threshold_file.h"

#include "rules/rule_file.h"
#include "rules/threshold_words.h"

enum line_kind { LINE_SUPPRESS, LINE_THRESHOLD, LINE_RATE };

struct line {
	enum line_kind kind;
	uint64_t gid, sid;
	bool has_gid, has_sid;
	struct threshold_words words;
	struct suppress suppress;
	bool has_track;
	struct view ip;
};

static bool
suppress_word(struct line *l, struct view name, struct view v)
{
	if (text_is(name, "track")) {
		l->has_track = true;
		l->suppress.by = text_is(v, "by_src")      ? SUPPRESS_SRC
				 : text_is(v, "by_dst")    ? SUPPRESS_DST
				 : text_is(v, "by_either") ? SUPPRESS_EITHER
							   : SUPPRESS_ALL;
		return l->suppress.by != SUPPRESS_ALL;
	}
	l->ip = v;
	return text_is(name, "ip") && v.len > 0;
}

static bool
read_word(struct line *l, struct view name, struct view v)
{
	if (text_is(name, "gen_id")) {
		l->has_gid = true;
		return text_u64(v, &l->gid) && l->gid <= UINT32_MAX;
	}
	if (text_is(name, "sig_id")) {
		l->has_sid = true;
		return text_u64(v, &l->sid) && l->sid <= UINT32_MAX;
	}
	return l->kind == LINE_SUPPRESS ? suppress_word(l, name, v)
					: threshold_word(&l->words, name, v);
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

static enum err
read_line(struct view text, struct line *l, struct diag *d)
{
	struct view word = VIEW_NONE, part, name;
	const char *lacks = NULL;

	*l = (struct line){ .kind = LINE_THRESHOLD };
	text_next_word(&text, &word);
	if (text_is(word, "suppress")) {
		l->kind = LINE_SUPPRESS;
	} else if (text_is(word, "rate_filter")) {
		l->kind = LINE_RATE;
		l->words.t.type = THRESHOLD_RATE;
	} else if (!text_is(word, "threshold") &&
		   !text_is(word, "event_filter")) {
		return diag_set(d, ERR_FORMAT,
				"\"%.*s\" stands where suppress, threshold, "
				"event_filter or rate_filter belongs",
				TEXT_ARG(word));
	}
	while (next_part(&text, &part)) {
		struct view value = part;

		text_next_word(&value, &name);
		if (!read_word(l, name, text_trim(value))) {
			return diag_set(d, ERR_FORMAT,
					"%.*s: \"%.*s\" is not understood",
					TEXT_ARG(word), TEXT_ARG(part));
		}
	}
	if (!l->has_gid || !l->has_sid) {
		lacks = "needs gen_id and sig_id";
	} else if (l->gid == 0 && l->sid != 0) {
		lacks = "a gen_id of 0 goes with a sig_id of 0";
	} else if (l->kind != LINE_SUPPRESS) {
		lacks = threshold_lacks(&l->words);
	} else if (l->has_track != (l->ip.len > 0)) {
		lacks = "track and ip go together";
	}
	return lacks == NULL ? ERR_OK
			     : diag_set(d, ERR_FORMAT, "%.*s: %s",
					TEXT_ARG(word), lacks);
}

/*
 * A line for one rule takes the place of what the rule itself says; a line for
 * many leaves alone the rules that have a threshold of their own.
 */
static void
set_threshold(struct rule *r, const struct line *l)
{
	bool own = r->threshold.type != THRESHOLD_NONE ||
		   r->detection_filter.type != THRESHOLD_NONE;

	if (l->kind == LINE_RATE) {
		if (l->sid != 0 || r->rate_filter.type == THRESHOLD_NONE) {
			r->rate_filter = l->words.t;
		}
	} else if (l->sid != 0 || !own) {
		r->threshold = l->words.t;
		r->detection_filter.type = THRESHOLD_NONE;
	}
}

static enum err
change(struct ruleset *rs, struct rule_entry *e, const struct line *l)
{
	struct suppress *s;

	if (l->kind != LINE_SUPPRESS) {
		set_threshold(e->rule, l);
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

/* For rules that are not there: not wrong, and worth a warning. */
static enum err
note_unmet(struct ruleset *rs, const struct line *l, const char *path,
	   uint32_t at)
{
	struct unmet_line *u = arena_alloc(&rs->arena, sizeof(*u));
	struct view file =
		arena_copy(&rs->arena, view_of(path, strlen(path) + 1));

	if (u == NULL || file.len == 0) {
		return ERR_NOMEM;
	}
	*u = (struct unmet_line){ .file = (const char *)file.p,
				  .gid = l->gid,
				  .sid = l->sid,
				  .line = at };
	if (rs->unmet == NULL) {
		rs->unmet = u;
	} else {
		*rs->unmet_end = u;
	}
	rs->unmet_end = &u->next;
	return ERR_OK;
}

static enum err
apply(struct ruleset *rs, struct line *l, bool *met, struct diag *d)
{
	enum err e = ERR_OK;

	*met = l->gid == 0; /* for all, however many there are */

	if (l->kind == LINE_SUPPRESS && l->ip.len > 0) {
		e = rule_vars_addrs(rs->env.vars, l->ip, &l->suppress.addrs, d);
	}
	for (uint32_t i = 0; e == ERR_OK && i < rs->n_entries; i++) {
		const struct rule *r = rs->entries[i].rule;

		if ((l->gid == 0 || l->gid == r->gid) &&
		    (l->sid == 0 || l->sid == r->sid)) {
			e = change(rs, &rs->entries[i], l);
			*met = true;
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
	enum err e = rule_file_open_setting(&f, "threshold-file", path, d);

	while (e == ERR_OK && rule_file_next(&f, &text, &at)) {
		struct diag why = { "" };
		struct line l;
		bool met = true;

		e = read_line(text, &l, &why);
		if (e == ERR_OK) {
			e = apply(rs, &l, &met, &why);
		}
		if (e == ERR_OK && !met) {
			e = note_unmet(rs, &l, path, at);
		}
		if (e == ERR_FORMAT) {
			e = ruleset_problem(rs, PROBLEM_THRESHOLD, path, at, 0,
					    false, why.msg)
				    ? ERR_OK
				    : ERR_NOMEM;
		}
	}
	rule_file_close(&f);
	return e == ERR_NOMEM ? diag_set(d, e, "out of memory") : e;
}
