/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_compile.h"

#include "rules/fast_pattern.h"
#include "rules/rule_check.h"
#include "rules/rule_kind.h"
#include "rules/rule_need.h"
#include "rules/rule_search.h"
#include "rules/rule_shape.h"

/* Failure table of Knuth, Morris and Pratt, for contents without case. */
static const uint16_t *
fail_table(struct rule_draft *r, const struct content *c)
{
	uint16_t *f = arena_alloc(r->env->arena, (c->len + 1u) * sizeof(*f));
	uint16_t k = 0;

	if (f == NULL) {
		draft_nomem(r);
		return NULL;
	}
	f[0] = f[1] = 0;
	for (uint16_t i = 1; i < c->len; i++) {
		while (k > 0 && c->bytes[i] != c->bytes[k]) {
			k = f[k];
		}
		if (c->bytes[i] == c->bytes[k]) {
			k++;
		}
		f[i + 1] = k;
	}
	return f;
}

static enum err
freeze_content(struct rule_draft *r, struct content *c, bool nocase)
{
	if (nocase) {
		c->fail = fail_table(r, c);
		if (c->fail == NULL) {
			return ERR_NOMEM;
		}
	}
	rule_find_prepare(c, nocase);
	return ERR_OK;
}

static enum err
freeze_pcre(struct rule_draft *r, struct op *op)
{
	struct pcre_literal *v =
		draft_copy(r, op->pcre.literals,
			   op->pcre.n_literals * sizeof(op->pcre.literals[0]));
	enum err e = v == NULL ? ERR_NOMEM : ERR_OK;

	for (uint8_t i = 0; e == ERR_OK && i < op->pcre.n_literals; i++) {
		e = freeze_content(r, &v[i].content, v[i].nocase);
	}
	op->pcre.literals = v;
	return e;
}

static bool
needs_end(const struct op *op)
{
	switch (op->type) {
	case OP_BSIZE:
		return true;
	case OP_CONTENT:
		return (op->flags & (OPF_NEGATED | OPF_ENDSWITH)) != 0;
	case OP_PCRE:
	case OP_ISDATAAT:
		return (op->flags & OPF_NEGATED) != 0;
	default:
		return false;
	}
}

static enum err freeze_list(struct rule_draft *r, uint8_t i,
			    enum inspect_dir dir, struct rule_list *out);

/* base64_data's list hangs below the base64_decode it belongs to. */
static enum err
freeze_base64(struct rule_draft *r, uint8_t list, enum inspect_dir dir,
	      struct op *op)
{
	struct rule_list *data;

	if (list == 0) {
		return ERR_OK;
	}
	data = arena_zalloc(r->env->arena, sizeof(*data));
	if (data == NULL) {
		return draft_nomem(r);
	}
	op->base64.data = data;
	return freeze_list(r, list, dir, data);
}

static enum err
freeze_list(struct rule_draft *r, uint8_t i, enum inspect_dir dir,
	    struct rule_list *out)
{
	const struct draft_list *l = &r->lists[i];
	struct op *ops =
		arena_zalloc(r->env->arena, MAX(l->n_ops, 1) * sizeof(*ops));
	enum err e = ERR_OK;

	if (ops == NULL) {
		return draft_nomem(r);
	}
	out->buf = l->word == NULL       ? BUF_PAYLOAD
		   : dir == DIR_TOSERVER ? (enum inspect_buf)l->word->a
					 : (enum inspect_buf)l->word->b;
	out->multi = l->word != NULL && (l->word->flags & KWF_MULTI) != 0;
	out->body = l->word != NULL && (l->word->flags & KWF_BODY) != 0;
	out->absent = l->absent;
	out->absent_or = l->absent_or;
	out->wants_end = l->absent;
	out->n_ops = l->n_ops;
	out->n_xforms = l->n_xforms;
	out->ops = ops;
	out->xforms =
		draft_copy(r, l->xforms, l->n_xforms * sizeof(l->xforms[0]));
	out->n_datasets = l->n_datasets;
	out->datasets = draft_copy(r, l->datasets,
				   l->n_datasets * sizeof(l->datasets[0]));
	if (out->xforms == NULL || out->datasets == NULL) {
		return ERR_NOMEM;
	}
	out->wants_end = out->wants_end || l->n_datasets > 0;
	for (uint16_t k = 0; e == ERR_OK && k < l->n_ops; k++) {
		ops[k] = l->ops[k].op;
		out->wants_end = out->wants_end || needs_end(&ops[k]);
		if (ops[k].type == OP_CONTENT) {
			e = freeze_content(r, &ops[k].content,
					   (ops[k].flags & OPF_NOCASE) != 0);
		} else if (ops[k].type == OP_PCRE) {
			e = freeze_pcre(r, &ops[k]);
		} else if (ops[k].type == OP_BASE64) {
			e = freeze_base64(r, l->ops[k].base64_list, dir,
					  &ops[k]);
		}
	}
	for (uint8_t k = 0; k < l->n_xforms; k++) {
		enum xform_type t = l->xforms[k].type;

		/* digests and slices are of the whole */
		out->wants_end = out->wants_end ||
				 (t != XFORM_LOWERCASE && t != XFORM_UPPERCASE);
	}
	return e;
}

static enum err
freeze_prog(struct rule_draft *r, enum inspect_dir dir, struct rule_prog *p)
{
	int8_t numbers[RULE_MAX_LISTS];
	struct rule_list lists[RULE_MAX_LISTS];

	*p = r->prog;
	p->rule = r->rule;
	p->of_files = r->of_files;
	memset(lists, 0, sizeof(lists));
	p->n_lists = 0;
	for (uint8_t i = 0; i < r->n_lists; i++) {
		const struct draft_list *l = &r->lists[i];
		struct rule_list *out = &lists[p->n_lists];
		enum err e;

		numbers[i] = -1;
		if (l->is_base64 || !rule_shape_asks(r, i) ||
		    (p->two_halves && (rule_shape_dirs(l) >> dir & 1) == 0)) {
			continue;
		}
		e = freeze_list(r, i, dir, out);
		if (e != ERR_OK) {
			return e;
		}
		numbers[i] = (int8_t)p->n_lists++;
		p->of_files = p->of_files || inspect_of_file(out->buf);
		if (l->word != NULL &&
		    (l->word->flags & (KWF_PACKET | KWF_ADDR)) == 0) {
			p->need[out->buf / 64] |= UINT64_C(1)
						  << (out->buf % 64);
		}
	}
	fast_pattern_choose(r, p, lists, numbers);
	for (uint16_t i = 0; i < p->n_lists; i++) {
		/* of a longer one the prefilter knows only a part */
		bool here = p->fast_list == (int)i &&
			    (p->fast_form != FAST_SCAN ||
			     p->fast.len == p->fast_key.len);
		enum err e = rule_need_choose(r, &lists[i],
					      here ? p->fast_key : VIEW_NONE);

		if (e != ERR_OK) {
			return e;
		}
	}
	rule_need_settle(p, lists, r->tests);
	p->lists = draft_copy(r, lists, p->n_lists * sizeof(lists[0]));
	p->tests = draft_copy(r, r->tests, p->n_tests * sizeof(r->tests[0]));
	p->bits = draft_copy(r, r->bits, p->n_bits * sizeof(r->bits[0]));
	p->bits_set = draft_copy(r, r->bits_set,
				 p->n_bits_set * sizeof(r->bits_set[0]));
	p->ints = draft_copy(r, r->ints, p->n_ints * sizeof(r->ints[0]));
	p->shared =
		draft_copy(r, r->shared, p->n_shared * sizeof(r->shared[0]));
	p->tx_bits =
		draft_copy(r, r->tx_bits, p->n_tx_bits * sizeof(r->tx_bits[0]));
	return p->shared == NULL || p->tx_bits == NULL || p->lists == NULL ||
			       p->tests == NULL || p->bits == NULL ||
			       p->bits_set == NULL || p->ints == NULL
		       ? ERR_NOMEM
		       : ERR_OK;
}

static enum err
settle(struct rule_draft *r)
{
	struct rule_shape s = { .payload = false };
	struct rule_prog *p = &r->prog;
	enum err e = rule_shape_check(r, &s);

	if (e == ERR_OK) {
		e = rule_check(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (p->store != STORE_NONE && p->store_dirs == 0) {
		p->store_dirs = p->dirs;
	}
	return rule_kind_choose(r, &s);
}

enum err
rule_compile(struct rule_draft *r, struct rule_prog *progs[2], struct diag *d)
{
	unsigned n = 0;
	enum err e;

	r->d = d;
	progs[0] = progs[1] = NULL;
	e = settle(r);
	if (e != ERR_OK) {
		return e;
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		if ((r->prog.dirs & 1 << dir) == 0) {
			continue;
		}
		progs[n] = arena_alloc(r->env->arena, sizeof(*progs[n]));
		if (progs[n] == NULL) {
			return draft_nomem(r);
		}
		e = freeze_prog(r, (enum inspect_dir)dir, progs[n]);
		if (e != ERR_OK) {
			return e;
		}
		if (progs[n]->kind != PROG_TX) {
			break;
		}
		progs[n++]->dirs = (uint8_t)(1 << dir);
	}
	if (progs[1] != NULL) {
		progs[0]->other = progs[1];
		progs[1]->other = progs[0];
	}
	r->rule->prog = progs[0];
	r->rule->app = progs[0]->app;
	return ERR_OK;
}
