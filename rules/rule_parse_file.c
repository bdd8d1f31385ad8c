/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of files: size, digests; and what is to be stored. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "rules/rule_draft.h"

#define PATH_CAP 4096

static enum err
add_file_test(struct rule_draft *r, const struct test *t)
{
	r->tx_only = true;
	r->of_files = true;
	r->prog.flow |= FLOW_NEEDED;
	return draft_add_test(r, t);
}

enum err
parse_file_size(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	struct test t = { .fact = FACT_FILE_SIZE };
	enum err e = draft_compare(r, w->name, value, INT64_MAX, &t);

	return e == ERR_OK ? add_file_test(r, &t) : e;
}

/* 'name' beside the rule file, else in the data directory, else as it is. */
static void
find_list(const struct rule_env *env, struct view name, char out[PATH_CAP])
{
	const char *slash = env->file != NULL ? strrchr(env->file, '/') : NULL;

	snprintf(out, PATH_CAP, "%.*s", (int)name.len, (const char *)name.p);
	if (name.p[0] == '/') {
		return;
	}
	if (slash != NULL) {
		snprintf(out, PATH_CAP, "%.*s/%.*s", (int)(slash - env->file),
			 env->file, (int)name.len, (const char *)name.p);
	}
	if (access(out, R_OK) != 0 && env->data_dir != NULL) {
		char there[PATH_CAP];
		int n = snprintf(there, sizeof(there), "%s/%.*s", env->data_dir,
				 (int)name.len, (const char *)name.p);

		if (n > 0 && (size_t)n < sizeof(there) &&
		    access(there, R_OK) == 0) {
			memcpy(out, there, (size_t)n + 1);
		}
	}
}

/* The list at 'path', read once however many rules name it. */
static const struct digest_list *
list_of(struct rule_draft *r, const char *path, size_t size)
{
	struct digest_list *l = r->env->digest_lists;

	while (l != NULL && (l->size != size || strcmp(l->path, path) != 0)) {
		l = l->next;
	}
	if (l == NULL) {
		l = digest_list_read(path, size, r->d);
		if (l != NULL) {
			l->next = r->env->digest_lists;
			r->env->digest_lists = l;
		}
	}
	return l;
}

/* filemd5:[!]FILE */
enum err
parse_file_digest(struct rule_draft *r, const struct keyword *w,
		  struct view value)
{
	static const uint8_t sizes[] = {
		[INSPECT_MD5] = 16, [INSPECT_SHA1] = 20, [INSPECT_SHA256] = 32
	};
	struct test t = { .fact = FACT_FILE_DIGEST, .arg = (uint16_t)w->a };
	struct view name = text_trim(value);
	char path[PATH_CAP];
	struct diag why = *r->d;

	if (name.len > 0 && name.p[0] == '!') {
		t.negated = true;
		name = text_trim(view_sub(name, 1, name.len));
	}
	name = text_unquote(name);
	if (name.len == 0 || name.len > 1024) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write the name of a list of digests",
				w->name);
	}
	find_list(r->env, name, path);
	t.digests = list_of(r, path, sizes[w->a]);
	if (t.digests == NULL) {
		why = *r->d;
		return diag_set(r->d, ERR_FORMAT, "%s: %s", w->name, why.msg);
	}
	return add_file_test(r, &t);
}

static bool
store_direction(struct view v, uint8_t *dirs)
{
	static const struct {
		const char *word;
		uint8_t dirs;
	} words[] = { { "request", 1 << DIR_TOSERVER },
		      { "to_server", 1 << DIR_TOSERVER },
		      { "toserver", 1 << DIR_TOSERVER },
		      { "response", 1 << DIR_TOCLIENT },
		      { "to_client", 1 << DIR_TOCLIENT },
		      { "toclient", 1 << DIR_TOCLIENT },
		      { "both", 1 << DIR_TOSERVER | 1 << DIR_TOCLIENT } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(v, words[i].word)) {
			*dirs = words[i].dirs;
			return true;
		}
	}
	return false;
}

static bool
store_scope(struct view v, uint8_t *scope)
{
	static const struct {
		const char *word;
		enum store_scope scope;
	} words[] = { { "file", STORE_FILE },
		      { "tx", STORE_TX },
		      { "flow", STORE_FLOW },
		      { "ssn", STORE_FLOW } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(v, words[i].word)) {
			*scope = (uint8_t)words[i].scope;
			return true;
		}
	}
	return false;
}

/* filestore[:DIRECTION[,SCOPE]] */
enum err
parse_filestore(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	struct test t = { .fact = FACT_FILE };
	struct view v = text_unquote(value), dir = VIEW_NONE;
	struct rule_prog *p = &r->prog;

	if (p->store != STORE_NONE) {
		return diag_set(r->d, ERR_FORMAT, "%s: stands twice", w->name);
	}
	p->store = STORE_FILE;
	p->store_dirs = 0; /* the rule's own */
	if (text_next(&v, ',', &dir)) {
		v = text_trim(v);
		if (!store_direction(dir, &p->store_dirs) ||
		    (v.len > 0 && !store_scope(v, &p->store))) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: write request, response or both, "
					"then file, tx or flow",
					w->name);
		}
	}
	return add_file_test(r, &t);
}
