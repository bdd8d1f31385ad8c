/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "common/addr.h"
#include "common/pattern.h"
#include "common/pattern_object.h"

#define PATH_CAP 200

static const char *
path_text(const struct pattern_path *path, char out[PATH_CAP])
{
	size_t n = (size_t)snprintf(out, PATH_CAP,
				    "%.*s:", (int)MIN(path->type.len, 60),
				    path->type.p);

	for (unsigned i = 0; i < path->n_steps && n < PATH_CAP; i++) {
		const struct pattern_step *s = &path->steps[i];

		if (s->kind == PATTERN_KEY) {
			n += (size_t)snprintf(out + n, PATH_CAP - n, "%s%.*s",
					      i > 0 ? "." : "",
					      (int)MIN(s->key.len, 60),
					      s->key.p);
		} else if (s->kind == PATTERN_ANY) {
			n += (size_t)snprintf(out + n, PATH_CAP - n, "[*]");
		} else {
			n += (size_t)snprintf(out + n, PATH_CAP - n, "[%lld]",
					      (long long)s->index);
		}
	}
	return out;
}

/* More than one address; a single one is written with or without its bits. */
static bool
is_network(struct view text)
{
	struct cidr net;

	return cidr_parse(text, &net) && net.bits < 128;
}

/* Why no sensor can judge this test, in 'd'. */
static enum err
test_supported(const struct pattern_cmp *c, struct diag *d)
{
	char path[PATH_CAP];
	enum pattern_property p;
	enum pattern_type type;
	struct view header;
	int64_t index;

	path_text(&c->path, path);
	if (!pattern_property_find(&c->path, &p, &header, &index)) {
		return diag_set(d, ERR_USAGE,
				"%s is not matched by this sensor", path);
	}
	type = pattern_property_row(p)->type;
	if ((c->op == PATTERN_ISSUBSET || c->op == PATTERN_ISSUPERSET) &&
	    type != PATTERN_T_ADDR) {
		return diag_set(d, ERR_USAGE, "%s with %s; it is for addresses",
				pattern_op_name(c->op), path);
	}
	if (c->op == PATTERN_ISSUPERSET && is_network(c->values[0].text)) {
		return diag_set(d, ERR_USAGE,
				"%s ISSUPERSET '%.*s': a sensor sees single "
				"addresses, and none has a network in it",
				path, (int)MIN(c->values[0].text.len, 60),
				c->values[0].text.p);
	}
	if ((c->op == PATTERN_LIKE || c->op == PATTERN_MATCHES) &&
	    type >= PATTERN_T_INTEGER) {
		return diag_set(d, ERR_USAGE, "%s with %s, which is no text",
				pattern_op_name(c->op), path);
	}
	for (unsigned i = 0; i < c->n_values; i++) {
		if (!pattern_comparable(type, c->values[i].kind)) {
			return diag_set(
				d, ERR_USAGE,
				"%s is compared with what is not %s", path,
				type == PATTERN_T_INTEGER ? "a number"
				: type == PATTERN_T_BOOL  ? "true or false"
				: type == PATTERN_T_TIME  ? "a timestamp"
							  : "a string");
		}
	}
	if (c->op == PATTERN_IN && c->n_values == 0) {
		return diag_set(d, ERR_USAGE, "%s IN (): no value matches",
				path);
	}
	return ERR_OK;
}

/* An address, or a network when something may be its subset. */
static enum err
addr_supported(const struct pattern_cmp *c, struct diag *d)
{
	char path[PATH_CAP];
	enum pattern_property p;
	struct view header;
	int64_t index;

	if (!pattern_property_find(&c->path, &p, &header, &index) ||
	    pattern_property_row(p)->type != PATTERN_T_ADDR ||
	    c->op == PATTERN_LIKE || c->op == PATTERN_MATCHES) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < c->n_values; i++) {
		struct cidr net;

		if (!cidr_parse(c->values[i].text, &net)) {
			return diag_set(d, ERR_USAGE,
					"%s is compared with '%.*s', which is "
					"no address or network",
					path_text(&c->path, path),
					(int)MIN(c->values[i].text.len, 60),
					c->values[i].text.p);
		}
	}
	return ERR_OK;
}

/*
 * Types of objects that can satisfy 'c': a bit for each row's object, by the
 * first row that has it.
 */
static uint64_t
objects_of(const struct pattern_cmp *c)
{
	enum pattern_property p;
	struct view header;
	int64_t index;

	if (c->join != PATTERN_TEST) {
		uint64_t l = objects_of(c->left), r = objects_of(c->right);

		return c->join == PATTERN_BOTH ? l & r : l | r;
	}
	if (!pattern_property_find(&c->path, &p, &header, &index)) {
		return 0;
	}
	for (unsigned i = 0;; i++) {
		if (strcmp(pattern_property_row((enum pattern_property)i)
				   ->object,
			   pattern_property_row(p)->object) == 0) {
			return UINT64_C(1) << i;
		}
	}
}
STATIC_ASSERT(PATTERN_PROPERTIES <= 64, "a bit each");

static enum err
cmp_supported(const struct pattern_cmp *c, struct diag *d)
{
	enum err e;

	if (c->join == PATTERN_TEST) {
		e = test_supported(c, d);
		return e == ERR_OK ? addr_supported(c, d) : e;
	}
	e = cmp_supported(c->left, d);
	if (e == ERR_OK) {
		e = cmp_supported(c->right, d);
	}
	if (e == ERR_OK && objects_of(c) == 0) {
		e = diag_set(d, ERR_USAGE,
			     "AND within brackets joins properties of "
			     "different objects, which no object has; "
			     "write [..] AND [..]");
	}
	return e;
}

static enum err
obs_supported(const struct pattern_obs *o, struct diag *d)
{
	enum err e;

	if (o->kind == PATTERN_OBSERVATION) {
		return cmp_supported(o->cmp, d);
	}
	e = obs_supported(o->left, d);
	return e == ERR_OK && o->right != NULL ? obs_supported(o->right, d) : e;
}

enum err
pattern_supported(const struct pattern *p, struct diag *d)
{
	return obs_supported(p->root, d);
}

static bool
is_list(const struct pattern_cmp *c)
{
	if (c->join == PATTERN_EITHER) {
		return is_list(c->left) && is_list(c->right);
	}
	return c->join == PATTERN_TEST && !c->negated &&
	       (c->op == PATTERN_EQ || c->op == PATTERN_IN ||
		c->op == PATTERN_ISSUBSET || c->op == PATTERN_ISSUPERSET);
}

/* Only values joined by OR, whether a sensor sees them or not. */
static bool
is_values(const struct pattern_obs *o)
{
	if (o->kind == PATTERN_OR) {
		return is_values(o->left) && is_values(o->right);
	}
	return o->kind == PATTERN_OBSERVATION && is_list(o->cmp);
}

/* INDICATOR_KINDS: a sensor sees it, but no single indicator says it. */
static enum indicator_kind
kind_of(const struct pattern_cmp *c)
{
	static const struct {
		enum pattern_property p;
		enum indicator_kind kind;
	} known[] = {
		{ PATTERN_P_IPV4, INDICATOR_IP },
		{ PATTERN_P_IPV6, INDICATOR_IP },
		{ PATTERN_P_DOMAIN, INDICATOR_DOMAIN },
		{ PATTERN_P_URL, INDICATOR_URL },
		{ PATTERN_P_JA3, INDICATOR_JA3 },
		{ PATTERN_P_JA4, INDICATOR_JA4 },
		{ PATTERN_P_CERT_SHA1, INDICATOR_CERT_SHA1 },
		{ PATTERN_P_CERT_SHA256, INDICATOR_CERT_SHA256 },
		{ PATTERN_P_FILE_MD5, INDICATOR_FILE_MD5 },
		{ PATTERN_P_FILE_SHA1, INDICATOR_FILE_SHA1 },
		{ PATTERN_P_FILE_SHA256, INDICATOR_FILE_SHA256 },
	};
	enum pattern_property p;
	struct view header;
	int64_t index;

	if (!pattern_property_find(&c->path, &p, &header, &index)) {
		return INDICATOR_KINDS;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].p == p) {
			return known[i].kind;
		}
	}
	return p == PATTERN_P_HEADER &&
			       view_caseeq(header, VIEW_LIT("User-Agent"))
		       ? INDICATOR_USER_AGENT
		       : INDICATOR_KINDS;
}

struct telling {
	enum err (*fn)(void *arg, enum indicator_kind kind, bool exact,
		       struct view value);
	enum err (*unseen)(void *arg, const char *why);
	void *arg;
	bool counting; /* nobody is told yet */
	bool seen; /* something is no indicator, but seen */
	bool missed; /* something is not seen */
	enum err e;
};

/* One test: each of its values, or why it is none. */
static void
tell_test(struct telling *t, const struct pattern_cmp *c)
{
	enum indicator_kind kind = kind_of(c);
	struct diag d;

	if (test_supported(c, &d) != ERR_OK) {
		t->missed = true;
		if (!t->counting && t->e == ERR_OK) {
			t->e = t->unseen(t->arg, d.msg);
		}
		return;
	}
	t->seen = t->seen || kind == INDICATOR_KINDS;
	for (unsigned i = 0; i < c->n_values; i++) {
		if (!t->counting && t->e == ERR_OK) {
			t->e = t->fn(t->arg, kind, false, c->values[i].text);
		}
	}
}

static void
tell_cmp(struct telling *t, const struct pattern_cmp *c)
{
	if (c->join == PATTERN_TEST) {
		tell_test(t, c);
		return;
	}
	tell_cmp(t, c->left);
	tell_cmp(t, c->right);
}

static void
tell_obs(struct telling *t, const struct pattern_obs *o)
{
	if (o->kind == PATTERN_OBSERVATION) {
		tell_cmp(t, o->cmp);
		return;
	}
	tell_obs(t, o->left);
	tell_obs(t, o->right);
}

static bool
tell(const struct pattern *p, struct telling *t, enum err *e)
{
	*e = ERR_OK;
	if (!is_values(p->root)) {
		return false;
	}
	t->counting = true;
	tell_obs(t, p->root);
	if (t->seen || (t->missed && t->unseen == NULL)) {
		return false;
	}
	t->counting = false;
	tell_obs(t, p->root);
	*e = t->e;
	return true;
}

bool
pattern_values(const struct pattern *p,
	       enum err (*fn)(void *arg, enum indicator_kind kind, bool exact,
			      struct view value),
	       void *arg, enum err *e)
{
	struct telling t = { .fn = fn, .arg = arg };

	return tell(p, &t, e);
}

bool
pattern_alternatives(const struct pattern *p,
		     enum err (*fn)(void *arg, enum indicator_kind kind,
				    bool exact, struct view value),
		     enum err (*unseen)(void *arg, const char *why), void *arg,
		     enum err *e)
{
	struct telling t = { .fn = fn, .unseen = unseen, .arg = arg };

	return tell(p, &t, e);
}
