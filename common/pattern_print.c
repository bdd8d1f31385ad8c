/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "common/pattern.h"
#include "common/pattern_tree.h"

struct printer {
	char *out;
	size_t cap, len;
};

static void
put_bytes(struct printer *w, const void *p, size_t n)
{
	if (w->len < w->cap && n > 0) {
		memcpy(w->out + w->len, p, MIN(n, w->cap - w->len));
	}
	w->len += n;
}

static void
put(struct printer *w, const char *text)
{
	put_bytes(w, text, strlen(text));
}

static void
put_quoted(struct printer *w, struct view v)
{
	put(w, "'");
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] == '\'' || v.p[i] == '\\') {
			put(w, "\\");
		}
		put_bytes(w, v.p + i, 1);
	}
	put(w, "'");
}

static bool
is_plain_name(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = ascii_lower(v.p[i]);

		if (c != '_' && (c < 'a' || c > 'z') &&
		    (i == 0 || c < '0' || c > '9')) {
			return false;
		}
	}
	return v.len > 0;
}

static void
put_path(struct printer *w, const struct pattern_path *path)
{
	put_bytes(w, path->type.p, path->type.len);
	put(w, ":");
	for (unsigned i = 0; i < path->n_steps; i++) {
		const struct pattern_step *s = &path->steps[i];
		char number[32];

		if (s->kind == PATTERN_ANY) {
			put(w, "[*]");
			continue;
		}
		if (s->kind == PATTERN_INDEX) {
			snprintf(number, sizeof(number), "[%lld]",
				 (long long)s->index);
			put(w, number);
			continue;
		}
		put(w, i > 0 ? "." : "");
		if (is_plain_name(s->key)) {
			put_bytes(w, s->key.p, s->key.len);
		} else {
			put_quoted(w, s->key);
		}
	}
}

static void
put_value(struct printer *w, const struct pattern_value *v)
{
	switch (v->kind) {
	case PATTERN_INTEGER:
	case PATTERN_FLOAT:
		put_bytes(w, v->text.p, v->text.len);
		return;
	case PATTERN_BOOL:
		put(w, v->integer != 0 ? "true" : "false");
		return;
	case PATTERN_TIME:
		put(w, "t");
		break;
	case PATTERN_HEX:
		put(w, "h");
		break;
	case PATTERN_BINARY:
		put(w, "b");
		break;
	case PATTERN_STRING:
		break;
	}
	put_quoted(w, v->text);
}

static void
put_test(struct printer *w, const struct pattern_cmp *c)
{
	if (c->op == PATTERN_EXISTS) {
		put(w, c->negated ? "NOT EXISTS " : "EXISTS ");
		put_path(w, &c->path);
		return;
	}
	put_path(w, &c->path);
	put(w, c->negated ? " NOT " : " ");
	put(w, pattern_op_name(c->op));
	put(w, " ");
	if (c->op != PATTERN_IN) {
		put_value(w, &c->values[0]);
		return;
	}
	put(w, "(");
	for (unsigned i = 0; i < c->n_values; i++) {
		put(w, i > 0 ? ", " : "");
		put_value(w, &c->values[i]);
	}
	put(w, ")");
}

/* 'inner' binds less than what is around it: parentheses. */
static void
put_cmp(struct printer *w, const struct pattern_cmp *c, bool inner)
{
	if (c->join == PATTERN_TEST) {
		put_test(w, c);
		return;
	}
	put(w, inner ? "(" : "");
	put_cmp(w, c->left,
		c->left->join != PATTERN_TEST && c->left->join != c->join);
	put(w, c->join == PATTERN_BOTH ? " AND " : " OR ");
	put_cmp(w, c->right, c->right->join != PATTERN_TEST);
	put(w, inner ? ")" : "");
}

static bool
is_joint(const struct pattern_obs *o)
{
	return o->kind == PATTERN_AND || o->kind == PATTERN_OR ||
	       o->kind == PATTERN_FOLLOWEDBY;
}

static void
put_obs(struct printer *w, const struct pattern_obs *o, bool inner)
{
	char number[64];

	put(w, inner ? "(" : "");
	if (o->kind == PATTERN_OBSERVATION) {
		put(w, "[");
		put_cmp(w, o->cmp, false);
		put(w, "]");
	} else if (is_joint(o)) {
		put_obs(w, o->left,
			is_joint(o->left) && o->left->kind != o->kind);
		put(w, o->kind == PATTERN_AND  ? " AND "
		       : o->kind == PATTERN_OR ? " OR "
					       : " FOLLOWEDBY ");
		put_obs(w, o->right, is_joint(o->right));
	} else {
		put_obs(w, o->left, is_joint(o->left));
	}
	if (o->kind == PATTERN_WITHIN) {
		put(w, " WITHIN ");
		put_bytes(w, o->seconds.p, o->seconds.len);
		put(w, " SECONDS");
	} else if (o->kind == PATTERN_REPEATS) {
		snprintf(number, sizeof(number), " REPEATS %u TIMES",
			 o->repeats);
		put(w, number);
	} else if (o->kind == PATTERN_STARTSTOP) {
		put(w, " START t");
		put_quoted(w, o->start);
		put(w, " STOP t");
		put_quoted(w, o->stop);
	}
	put(w, inner ? ")" : "");
}

size_t
pattern_print(const struct pattern *p, char *out, size_t cap)
{
	struct printer w = { out, cap, 0 };

	put_obs(&w, p->root, false);
	if (cap > 0) {
		out[MIN(w.len, cap - 1)] = '\0';
	}
	return w.len;
}
