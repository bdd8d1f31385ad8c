/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_pattern_prog.h"

#include <stdlib.h>

#include "common/pattern_tree.h"

struct sizes {
	size_t tests, leaves, nodes, values, text;
};

struct maker {
	struct ioc_prog *p;
	struct ioc_test *tests;
	struct ioc_leaf *leaves;
	struct ioc_obs_node *nodes;
	struct ioc_test_value *values;
	uint8_t *text;
	struct diag *d;
	enum err e;
};

static void
count_cmp(struct sizes *n, const struct pattern_cmp *c)
{
	n->tests++;
	if (c->join != PATTERN_TEST) {
		count_cmp(n, c->left);
		count_cmp(n, c->right);
		return;
	}
	n->values += c->n_values;
	for (unsigned i = 0; i < c->n_values; i++) {
		n->text += c->values[i].text.len;
	}
	for (unsigned i = 0; i < c->path.n_steps; i++) {
		n->text += c->path.steps[i].key.len;
	}
}

static void
count_obs(struct sizes *n, const struct pattern_obs *o)
{
	n->nodes++;
	if (o->kind == PATTERN_OBSERVATION) {
		n->leaves++;
		count_cmp(n, o->cmp);
		return;
	}
	count_obs(n, o->left);
	if (o->right != NULL) {
		count_obs(n, o->right);
	}
}

static struct view
keep_text(struct maker *m, struct view v, bool lower)
{
	uint8_t *out = m->text;

	for (size_t i = 0; i < v.len; i++) {
		out[i] = lower ? ascii_lower(v.p[i]) : v.p[i];
	}
	m->text += v.len;
	return view_of(out, v.len);
}

/* Digests and serial numbers are written with colons, or without. */
static void
drop_colons(struct ioc_test_value *v)
{
	uint8_t *at = (uint8_t *)v->text.p;
	size_t n = 0;

	for (size_t i = 0; i < v->text.len; i++) {
		if (at[i] != ':') {
			at[n++] = at[i];
		}
	}
	v->text.len = n;
}

static enum observed_type
type_of(enum pattern_property p)
{
	static const char *const names[OBSERVED_TYPES] = {
		[OBSERVED_IPV4] = "ipv4-addr",
		[OBSERVED_IPV6] = "ipv6-addr",
		[OBSERVED_DOMAIN] = "domain-name",
		[OBSERVED_URL] = "url",
		[OBSERVED_TRAFFIC] = "network-traffic",
		[OBSERVED_CERT] = "x509-certificate",
		[OBSERVED_FILE] = "file",
	};
	int t = 0;

	while (strcmp(names[t], pattern_property_row(p)->object) != 0) {
		t++;
	}
	return (enum observed_type)t;
}

static void
make_value(struct maker *m, struct ioc_test *t, const struct pattern_value *v)
{
	enum pattern_type type =
		pattern_property_row((enum pattern_property)t->property)->type;
	struct ioc_test_value *out = m->values++;
	struct view text = v->text;

	/* A name's last dot says nothing. */
	if (t->property == PATTERN_P_DOMAIN && text.len > 1 &&
	    t->op != PATTERN_MATCHES && text.p[text.len - 1] == '.') {
		text.len--;
	}
	out->text = keep_text(
		m, text, type == PATTERN_T_LOWER && t->op != PATTERN_MATCHES);
	if (t->op != PATTERN_MATCHES && t->op != PATTERN_LIKE &&
	    (t->property == PATTERN_P_CERT_SHA1 ||
	     t->property == PATTERN_P_CERT_SHA256 ||
	     t->property == PATTERN_P_CERT_SERIAL)) {
		drop_colons(out);
	}
	out->number = v->kind == PATTERN_TIME ? (int64_t)v->us : v->integer;
	out->real = v->real;
	out->is_real = v->kind == PATTERN_FLOAT;
	if (type == PATTERN_T_ADDR && t->op != PATTERN_LIKE &&
	    t->op != PATTERN_MATCHES && !cidr_parse(v->text, &out->net)) {
		m->e = diag_set(m->d, ERR_FORMAT, "'%.*s' is no address",
				(int)MIN(v->text.len, 60), v->text.p);
	}
}

/* Of one expression, compiled: short ones with bounded repeats in bounded
 * repeats grow by thousands. */
#define EXPRESSION_MAX 32768

static void
make_expression(struct maker *m, struct ioc_test *t)
{
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	struct view v = t->values[0].text;
	int number = 0;
	PCRE2_SIZE at = 0;
	size_t size = 0;

	if (cc != NULL) {
		pcre2_set_parens_nest_limit(cc, 100);
		t->code = pcre2_compile(v.p, v.len, PCRE2_NEVER_BACKSLASH_C,
					&number, &at, cc);
		pcre2_compile_context_free(cc);
	}
	if (t->code == NULL) {
		char why[120] = "out of memory";

		if (number != 0) {
			pcre2_get_error_message(number, (PCRE2_UCHAR *)why,
						sizeof(why));
		}
		m->e = diag_set(m->d, number != 0 ? ERR_FORMAT : ERR_NOMEM,
				"MATCHES '%.*s': %s at byte %zu",
				(int)MIN(v.len, 60), v.p, why, (size_t)at);
		return;
	}
	if (pcre2_pattern_info(t->code, PCRE2_INFO_SIZE, &size) != 0 ||
	    size > EXPRESSION_MAX) {
		m->e = diag_set(m->d, ERR_FORMAT,
				"MATCHES '%.*s': takes %zu bytes, more than %d",
				(int)MIN(v.len, 60), v.p, size, EXPRESSION_MAX);
		return;
	}
	(void)pcre2_jit_compile(t->code, PCRE2_JIT_COMPLETE);
}

/* Moments at which 'p' may become known; see docs/formats.md. */
static uint8_t
moments_of(enum pattern_property p)
{
	uint8_t at = (uint8_t)pattern_property_row(p)->at;

	return p == PATTERN_P_PROTOCOLS || p == PATTERN_P_IS_ACTIVE
		       ? at | PATTERN_AT_END
		       : at;
}

static void
make_test(struct maker *m, const struct pattern_cmp *c, uint8_t *at)
{
	struct ioc_test *t = &m->tests[m->p->n_tests];
	enum pattern_property p = PATTERN_P_IPV4;
	struct view name = VIEW_NONE;
	int64_t index = -1;

	/* Whoever made this pattern asked pattern_supported() before. */
	if (!pattern_property_find(&c->path, &p, &name, &index)) {
		m->e = diag_set(m->d, ERR_FORMAT, "an unknown object");
		return;
	}
	m->p->n_tests++;
	*t = (struct ioc_test){
		.join = PATTERN_TEST,
		.property = (uint8_t)p,
		.op = (uint8_t)c->op,
		.object = (uint8_t)type_of(p),
		.negated = c->negated,
		.has_name = p == PATTERN_P_HEADER,
		.index = (int32_t)MIN(index, INT32_MAX),
		.n_values = c->n_values,
		.values = m->values,
		.name = keep_text(m, name, true),
	};
	*at |= moments_of(p);
	for (unsigned i = 0; i < c->n_values && m->e == ERR_OK; i++) {
		make_value(m, t, &c->values[i]);
	}
	if (m->e == ERR_OK && t->op == PATTERN_MATCHES) {
		make_expression(m, t);
	}
}

static void
make_cmp(struct maker *m, const struct pattern_cmp *c, uint8_t *at)
{
	if (m->e != ERR_OK) {
		return;
	}
	if (c->join == PATTERN_TEST) {
		make_test(m, c, at);
		return;
	}
	make_cmp(m, c->left, at);
	make_cmp(m, c->right, at);
	m->tests[m->p->n_tests++] =
		(struct ioc_test){ .join = (uint8_t)c->join };
}

static void
make_leaf(struct maker *m, const struct pattern_obs *o, struct ioc_obs_node *n)
{
	struct ioc_leaf *leaf = &m->leaves[m->p->n_leaves];

	leaf->first = m->p->n_tests;
	make_cmp(m, o->cmp, &leaf->at);
	leaf->n = (uint16_t)(m->p->n_tests - leaf->first);
	n->leaf = (uint8_t)m->p->n_leaves++;
	n->leaves = UINT64_C(1) << n->leaf;
}

/* Returns the node's number. */
static uint16_t
make_obs(struct maker *m, const struct pattern_obs *o)
{
	struct ioc_obs_node n = { .kind = (uint8_t)o->kind,
				  .repeats = o->repeats,
				  .within_us = o->within_us,
				  .start_us = o->start_us,
				  .stop_us = o->stop_us };

	if (o->kind == PATTERN_OBSERVATION) {
		make_leaf(m, o, &n);
	} else {
		n.left = make_obs(m, o->left);
		n.right = o->right != NULL ? make_obs(m, o->right) : n.left;
		n.leaves = m->nodes[n.left].leaves | m->nodes[n.right].leaves;
	}
	m->nodes[m->p->n_nodes] = n;
	return m->p->n_nodes++;
}

/* How many observations a match needs at the least, and at the most. */
static void
needs_of(const struct ioc_prog *p, uint16_t node, uint64_t *least,
	 uint64_t *most)
{
	const struct ioc_obs_node *n = &p->nodes[node];
	uint64_t l[2], r[2];

	if (n->kind == PATTERN_OBSERVATION) {
		*least = *most = 1;
		return;
	}
	needs_of(p, n->left, &l[0], &l[1]);
	*least = l[0];
	*most = l[1];
	if (n->kind == PATTERN_REPEATS) {
		*least = MIN(l[0] * n->repeats, UINT32_MAX);
		*most = MIN(l[1] * n->repeats, UINT32_MAX);
	} else if (n->kind <= PATTERN_FOLLOWEDBY) {
		needs_of(p, n->right, &r[0], &r[1]);
		*least = n->kind == PATTERN_OR ? MIN(l[0], r[0]) : l[0] + r[0];
		*most = n->kind == PATTERN_OR ? MAX(l[1], r[1]) : l[1] + r[1];
	}
}

static enum err
settle(struct maker *m)
{
	struct ioc_prog *p = m->p;
	uint64_t least, most;

	if (m->e != ERR_OK) {
		return m->e;
	}
	needs_of(p, (uint16_t)(p->n_nodes - 1), &least, &most);
	if (most > IOC_PATTERN_MAX_SLOTS) {
		return diag_set(m->d, ERR_FORMAT,
				"the pattern asks for %llu observations at "
				"once; at most %d are remembered",
				(unsigned long long)most,
				IOC_PATTERN_MAX_SLOTS);
	}
	p->least = (uint32_t)least;
	p->stateful = most > 1;
	return ERR_OK;
}

/* One block for everything; the texts stand last. */
static bool
reserve(struct maker *m, const struct sizes *n)
{
	size_t tests = n->tests * sizeof(struct ioc_test);
	size_t values = n->values * sizeof(struct ioc_test_value);
	size_t nodes = n->nodes * sizeof(struct ioc_obs_node);
	size_t leaves = n->leaves * sizeof(struct ioc_leaf);
	uint8_t *at = calloc(1, sizeof(struct ioc_prog) + tests + values +
					nodes + leaves + n->text + 16);

	if (at == NULL) {
		return false;
	}
	m->p = (struct ioc_prog *)at;
	at += sizeof(struct ioc_prog);
	m->tests = (struct ioc_test *)at;
	at += tests;
	m->values = (struct ioc_test_value *)at;
	at += values;
	m->nodes = (struct ioc_obs_node *)at;
	at += nodes;
	m->leaves = (struct ioc_leaf *)at;
	m->text = at + leaves;
	m->p->tests = m->tests;
	m->p->nodes = m->nodes;
	m->p->leaves = m->leaves;
	return true;
}
STATIC_ASSERT(sizeof(struct ioc_prog) % 8 == 0 &&
		      sizeof(struct ioc_test) % 8 == 0 &&
		      sizeof(struct ioc_test_value) % 8 == 0 &&
		      sizeof(struct ioc_obs_node) % 8 == 0,
	      "they stand behind each other");

enum err
ioc_prog_new(struct ioc_prog **out, struct view text, struct diag *d)
{
	struct maker m = { .d = d };
	struct sizes n = { 0 };
	struct pattern *tree;
	enum err e = pattern_parse(&tree, text, d);

	*out = NULL;
	if (e == ERR_OK) {
		e = pattern_supported(tree, d);
	}
	if (e != ERR_OK) {
		pattern_free(tree);
		return e == ERR_NOMEM ? e : ERR_FORMAT;
	}
	count_obs(&n, tree->root);
	if (!reserve(&m, &n)) {
		pattern_free(tree);
		return diag_set(d, ERR_NOMEM, "no memory for a pattern");
	}
	make_obs(&m, tree->root);
	pattern_free(tree);
	e = settle(&m);
	if (e != ERR_OK) {
		ioc_prog_free(m.p);
		return e;
	}
	*out = m.p;
	return ERR_OK;
}

void
ioc_prog_free(struct ioc_prog *p)
{
	if (p != NULL) {
		for (unsigned i = 0; i < p->n_tests; i++) {
			pcre2_code_free(p->tests[i].code);
		}
		free(p);
	}
}
