/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_refs.h"

#include <stdlib.h>

#include "rules/rule_file.h"

struct ref_kind {
	struct view name, prefix;
};

struct rule_refs {
	struct arena *arena;
	struct ref_kind *v;
	size_t n, cap;
};

/* As the reference.config that ships. */
static const struct {
	const char *name, *prefix;
} builtin[] = {
	{ "cve", "https://www.cve.org/CVERecord?id=CVE-" },
	{ "url", "https://" },
	{ "bugtraq", "https://www.securityfocus.com/bid/" },
	{ "bid", "https://www.securityfocus.com/bid/" },
	{ "nessus", "https://www.tenable.com/plugins/nessus/" },
	{ "exploitdb", "https://www.exploit-db.com/exploits/" },
	{ "md5", "https://www.virustotal.com/gui/file/" },
	{ "sha256", "https://www.virustotal.com/gui/file/" },
	{ "msft", "https://learn.microsoft.com/security-updates/" },
	{ "et", "https://doc.emergingthreats.net/" },
	{ "etpro", "https://doc.emergingthreatspro.com/" },
	{ "mitre", "https://attack.mitre.org/" },
};

static bool
add_kind(struct rule_refs *r, struct view name, struct view prefix)
{
	for (size_t i = 0; i < r->n; i++) {
		if (view_caseeq(r->v[i].name, name)) {
			r->v[i].prefix = prefix;
			return true;
		}
	}
	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 32 : r->cap * 2;
		struct ref_kind *v = realloc(r->v, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = (struct ref_kind){ name, prefix };
	return true;
}

bool
rule_refs_line(struct rule_refs *r, struct view line)
{
	struct view word, name = VIEW_NONE, prefix = VIEW_NONE;

	if (!text_next_word(&line, &word) || !text_is(word, "config") ||
	    !text_next_word(&line, &word) || !text_is(word, "reference:") ||
	    !text_next_word(&line, &name) || !text_next_word(&line, &prefix) ||
	    text_trim(line).len > 0) {
		return false;
	}
	name = arena_copy(r->arena, name);
	prefix = arena_copy(r->arena, prefix);
	return name.len > 0 && prefix.len > 0 && add_kind(r, name, prefix);
}

static enum err
read_file(struct rule_refs *r, const char *path, struct diag *d)
{
	struct rule_file f;
	struct view text;
	uint32_t line;
	enum err e =
		rule_file_open_setting(&f, "reference-config-file", path, d);

	while (e == ERR_OK && rule_file_next(&f, &text, &line)) {
		if (!rule_refs_line(r, text)) {
			e = diag_set(d, ERR_FORMAT,
				     "reference-config-file: %s:%u: not "
				     "understood: \"%.*s\"; write "
				     "config reference: KIND PREFIX",
				     path, line, TEXT_ARG(text));
		}
	}
	rule_file_close(&f);
	return e;
}

struct rule_refs *
rule_refs_new(const struct conf *conf, struct arena *a, struct diag *d)
{
	struct rule_refs *r = calloc(1, sizeof(*r));
	const char *path =
		conf != NULL ? conf_get(conf, "reference-config-file") : NULL;
	bool good = r != NULL;

	if (good) {
		r->arena = a;
	}
	for (size_t i = 0; good && i < ARRAY_LEN(builtin); i++) {
		good = add_kind(r, view_cstr(builtin[i].name),
				view_cstr(builtin[i].prefix));
	}
	if (!good) {
		diag_set(d, ERR_NOMEM, "out of memory");
	} else if (path == NULL || path[0] == '\0' ||
		   read_file(r, path, d) == ERR_OK) {
		return r;
	}
	rule_refs_free(r);
	return NULL;
}

void
rule_refs_free(struct rule_refs *r)
{
	if (r != NULL) {
		free(r->v);
		free(r);
	}
}

const char *
rule_refs_link(const struct rule_refs *r, struct arena *a, struct view kind,
	       struct view place)
{
	struct view prefix = kind;
	bool known = false;
	char *s;

	for (size_t i = 0; i < r->n && !known; i++) {
		if (view_caseeq(r->v[i].name, kind)) {
			prefix = r->v[i].prefix;
			known = true;
		}
	}
	s = arena_alloc(a, prefix.len + place.len + 2);
	if (s == NULL) {
		return NULL;
	}
	memcpy(s, prefix.p, prefix.len);
	if (!known) {
		s[prefix.len++] = ',';
	}
	if (place.len > 0) {
		memcpy(s + prefix.len, place.p, place.len);
	}
	s[prefix.len + place.len] = '\0';
	return s;
}

void
rule_refs_each(const struct rule_refs *r,
	       void (*fn)(void *arg, struct view kind, struct view prefix),
	       void *arg)
{
	for (size_t i = 0; i < r->n; i++) {
		fn(arg, r->v[i].name, r->v[i].prefix);
	}
}
