/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule says of itself: its message, numbers, class and metadata. */
#include "rules/rule_draft.h"

#define MAX_META 128

enum err
parse_msg(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view v = text_unquote(value);
	char *s;
	size_t n = 0;

	(void)w;
	s = draft_text(r, v);
	if (s == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] == '\\' && i + 1 < v.len) {
			i++;
		}
		s[n++] = (char)v.p[i];
	}
	s[n] = '\0';
	r->rule->msg = s;
	return ERR_OK;
}

enum err
parse_identity(struct rule_draft *r, const struct keyword *w, struct view value)
{
	uint32_t *out = w->shape == KW_SID   ? &r->rule->sid
			: w->shape == KW_GID ? &r->rule->gid
					     : &r->rule->rev;
	uint64_t n;

	if (w->shape == KW_SID && *out != 0) {
		return diag_set(r->d, ERR_FORMAT, "sid: stands twice");
	}
	if (!text_u64(text_unquote(value), &n) || n > UINT32_MAX ||
	    (n == 0 && w->shape == KW_SID)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is not a number of 32 bits",
				w->name, TEXT_ARG(value));
	}
	*out = (uint32_t)n;
	return ERR_OK;
}

enum err
parse_classtype(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	struct view name = text_unquote(value);
	const struct rule_class *c = rule_class_find(r->env->classes, name);

	if (r->has_class) {
		return diag_set(r->d, ERR_FORMAT, "%s: stands twice", w->name);
	}
	r->has_class = true;
	if (c == NULL) { /* Suricata's way: named, with the default priority */
		r->rule->classtype = draft_word(r, name);
		return r->rule->classtype != NULL ? ERR_OK : ERR_NOMEM;
	}
	r->rule->classtype = draft_word(r, view_cstr(c->name));
	r->rule->category = draft_word(r, view_cstr(c->text));
	if (r->rule->classtype == NULL || r->rule->category == NULL) {
		return ERR_NOMEM;
	}
	if (!r->has_priority) {
		r->rule->priority = c->priority;
	}
	return ERR_OK;
}

enum err
parse_priority(struct rule_draft *r, const struct keyword *w, struct view value)
{
	uint64_t n;

	if (!text_u64(text_unquote(value), &n) || n < 1 || n > 255) {
		return diag_set(r->d, ERR_FORMAT, "%s: a number from 1 to 255",
				w->name);
	}
	r->has_priority = true;
	r->rule->priority = (uint8_t)n;
	return ERR_OK;
}

enum err
parse_metadata(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct rule_meta all[MAX_META], *kept;
	uint32_t n = r->rule->n_metadata;
	struct view part, key;

	if (n > 0) {
		memcpy(all, r->rule->metadata, n * sizeof(all[0]));
	}
	value = text_unquote(value);
	while (text_next(&value, ',', &part)) {
		if (part.len == 0) {
			continue;
		}
		if (n == MAX_META) {
			return diag_set(r->d, ERR_LIMIT,
					"%s: more than %d entries", w->name,
					MAX_META);
		}
		text_next_word(&part, &key);
		all[n].key = draft_word(r, key);
		all[n].value = draft_word(r, text_trim(part));
		if (all[n].key == NULL || all[n].value == NULL) {
			return ERR_NOMEM;
		}
		n++;
	}
	kept = draft_copy(r, all, n * sizeof(all[0]));
	if (kept == NULL) {
		return ERR_NOMEM;
	}
	r->rule->metadata = kept;
	r->rule->n_metadata = n;
	return ERR_OK;
}

enum err
parse_reference(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	const char **refs, **links;
	uint32_t n = r->rule->n_references;
	size_t comma;

	value = text_unquote(value);
	comma = text_find(value, ',');
	if (comma == value.len) {
		return diag_set(r->d, ERR_FORMAT, "%s: write KIND,WHERE",
				w->name);
	}
	refs = arena_alloc(r->env->arena, (n + 1) * sizeof(*refs));
	links = arena_alloc(r->env->arena, (n + 1) * sizeof(*links));
	if (refs == NULL || links == NULL) {
		return draft_nomem(r);
	}
	if (n > 0) {
		memcpy(refs, r->rule->references, n * sizeof(*refs));
		memcpy(links, r->rule->links, n * sizeof(*links));
	}
	refs[n] = draft_text(r, value);
	links[n] = rule_refs_link(
		r->env->refs, r->env->arena,
		text_trim(view_sub(value, 0, comma)),
		text_trim(view_sub(value, comma + 1, value.len)));
	if (refs[n] == NULL || links[n] == NULL) {
		return draft_nomem(r);
	}
	r->rule->references = refs;
	r->rule->links = links;
	r->rule->n_references = n + 1;
	return ERR_OK;
}

enum err
parse_target(struct rule_draft *r, const struct keyword *w, struct view value)
{
	if (text_is(value, "src_ip")) {
		r->rule->target = TARGET_SRC;
	} else if (text_is(value, "dest_ip")) {
		r->rule->target = TARGET_DEST;
	} else {
		return diag_set(r->d, ERR_FORMAT, "%s: src_ip or dest_ip",
				w->name);
	}
	return ERR_OK;
}

enum err
parse_noalert(struct rule_draft *r, const struct keyword *w, struct view value)
{
	(void)w;
	(void)value;
	r->rule->noalert = true;
	return ERR_OK;
}
