/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_check.h"

/*
 * The most bytes that a comparison lets through; -1: any number.  The ends
 * that "<" and ranges leave out are let pass, as Suricata's check does.
 */
static int64_t
most_of(uint8_t compare, uint64_t a, uint64_t b)
{
	switch ((enum cmp)compare) {
	case CMP_EQ:
	case CMP_LE:
	case CMP_LT:
		return (int64_t)MIN(a, (uint64_t)INT64_MAX);
	case CMP_IN:
		return (int64_t)MIN(b, (uint64_t)INT64_MAX);
	default:
		return -1;
	}
}

/* The bytes that the contents of a list need at least. */
static int64_t
least_bytes(const struct draft_list *l)
{
	int64_t end = 0, need = 0;

	for (uint16_t i = 0; i < l->n_ops; i++) {
		const struct op *op = &l->ops[i].op;
		const struct content *c = &op->content;

		if (op->type != OP_CONTENT) {
			end = op->type == OP_BSIZE ? end : 0; /* moved */
			continue;
		}
		if ((op->flags & OPF_NEGATED) != 0) {
			continue;
		}
		if ((op->flags & OPF_RELATIVE) != 0) {
			end += c->len +
			       (c->distance.var < 0 ? c->distance.n : 0);
			end = MAX(end, (int64_t)c->len);
		} else {
			end = c->len + (c->offset.var < 0 ? c->offset.n : 0);
		}
		need = MAX(need, end);
	}
	return need;
}

static enum err
too_short(const struct rule_draft *r, const char *word, int64_t most,
	  const struct draft_list *l)
{
	int64_t need = least_bytes(l);

	if (most < 0 || need <= most) {
		return ERR_OK;
	}
	return diag_set(r->d, ERR_FORMAT,
			"%s lets %lld bytes through, the contents need %lld",
			word, (long long)most, (long long)need);
}

/* Contents that need more bytes than dsize or bsize allow never match. */
static enum err
check_sizes(const struct rule_draft *r)
{
	enum err e = ERR_OK;

	for (uint16_t i = 0; e == ERR_OK && i < r->prog.n_tests; i++) {
		const struct test *t = &r->tests[i];

		if (t->fact == FACT_DSIZE) {
			e = too_short(r, "dsize",
				      most_of(t->compare, t->a, t->b),
				      &r->lists[0]);
		}
	}
	for (uint8_t k = 1; k < r->n_lists; k++) {
		const struct draft_list *l = &r->lists[k];

		for (uint16_t i = 0; e == ERR_OK && i < l->n_ops; i++) {
			const struct op *op = &l->ops[i].op;

			if (op->type == OP_BSIZE) {
				e = too_short(r, "bsize",
					      most_of(op->bsize.compare,
						      op->bsize.a, op->bsize.b),
					      l);
			}
		}
	}
	return e;
}

static bool
has_upper(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] >= 'A' && v.p[i] <= 'Z') {
			return true;
		}
	}
	return false;
}

/* http.host is lower case: RFC 9110 4.2.3 lets senders write any. */
static enum err
check_host(const struct rule_draft *r, const struct op *op)
{
	if ((op->flags & OPF_NOCASE) != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"http.host: is lower case; leave nocase out");
	}
	if (has_upper(view_of(op->content.bytes, op->content.len))) {
		return diag_set(r->d, ERR_FORMAT,
				"http.host: is lower case, the content is "
				"not");
	}
	return ERR_OK;
}

/* RFC 9112 3: a method is a token. */
static enum err
check_method(const struct rule_draft *r, const struct op *op)
{
	const struct content *c = &op->content;

	uint8_t first = c->bytes[0], last = c->bytes[c->len - 1];

	if (first == ' ' || first == '\t' || last == ' ' || last == '\t') {
		return diag_set(r->d, ERR_FORMAT,
				"http.method: has no blanks around it, the "
				"content has");
	}
	return ERR_OK;
}

/* Hexadecimal digits as the buffer has them. */
static enum err
set_case(struct rule_draft *r, struct op *op, bool upper)
{
	struct content *c = &op->content;
	uint8_t *bytes;

	if ((op->flags & OPF_NOCASE) != 0) {
		return ERR_OK;
	}
	bytes = draft_copy(r, c->bytes, c->len);
	if (bytes == NULL) {
		return ERR_NOMEM;
	}
	for (uint16_t i = 0; i < c->len; i++) {
		bool lower = bytes[i] >= 'a' && bytes[i] <= 'z';

		if (upper && lower) {
			bytes[i] = (uint8_t)(bytes[i] - 'a' + 'A');
		} else if (!upper) {
			bytes[i] = ascii_lower(bytes[i]);
		}
	}
	c->bytes = bytes;
	return ERR_OK;
}

static enum err
check_content(struct rule_draft *r, const struct draft_list *l, struct op *op)
{
	int buf = l->word->a != KW_NONE ? l->word->a : l->word->b;

	switch (buf) {
	case BUF_HTTP_HOST:
		return check_host(r, op);
	case BUF_HTTP_METHOD:
		return check_method(r, op);
	case BUF_TLS_CERT_FINGERPRINT:
	case BUF_JA3_HASH:
	case BUF_JA3S_HASH:
		return set_case(r, op, false);
	case BUF_TLS_CERT_SERIAL:
		return set_case(r, op, true);
	default:
		return ERR_OK;
	}
}

enum err
rule_check(struct rule_draft *r)
{
	enum err e = check_sizes(r);

	for (uint8_t k = 1; k < r->n_lists; k++) {
		struct draft_list *l = &r->lists[k];

		/* a transform may change all of this */
		for (uint16_t i = 0; l->word != NULL && l->n_xforms == 0 &&
				     e == ERR_OK && i < l->n_ops;
		     i++) {
			if (l->ops[i].op.type == OP_CONTENT) {
				e = check_content(r, l, &l->ops[i].op);
			}
		}
	}
	return e;
}
