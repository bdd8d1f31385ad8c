/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_shape.h"

uint8_t
rule_shape_dirs(const struct draft_list *l)
{
	if (l->word == NULL) {
		return 3;
	}
	if (l->dirs != 0) {
		return l->dirs;
	}
	return (uint8_t)((l->word->a != KW_NONE ? 1 << DIR_TOSERVER : 0) |
			 (l->word->b != KW_NONE ? 1 << DIR_TOCLIENT : 0));
}

bool
rule_shape_asks(const struct rule_draft *r, uint8_t i)
{
	const struct draft_list *l = &r->lists[i];

	return l->n_ops > 0 || l->absent || l->n_datasets > 0;
}

static bool
same_xforms(const struct draft_list *a, const struct draft_list *b)
{
	if (a->n_xforms != b->n_xforms) {
		return false;
	}
	for (uint8_t i = 0; i < a->n_xforms; i++) {
		if (a->xforms[i].type != b->xforms[i].type ||
		    a->xforms[i].a != b->xforms[i].a ||
		    a->xforms[i].b != b->xforms[i].b ||
		    !view_eq(a->xforms[i].arg, b->xforms[i].arg)) {
			return false;
		}
	}
	return true;
}

/*
 * The same sticky buffer named twice is one list, so that "distance" reaches
 * back to the earlier part; buffers of several instances start anew.
 */
static enum err
merge_lists(struct rule_draft *r)
{
	for (uint8_t i = 2; i < r->n_lists; i++) {
		struct draft_list *l = &r->lists[i];

		if (l->word == NULL || l->absent ||
		    (l->word->flags & KWF_MULTI) != 0) {
			continue;
		}
		for (uint8_t k = 1; k < i; k++) {
			struct draft_list *to = &r->lists[k];

			if (to->word == NULL || to->absent ||
			    !rule_shape_asks(r, k) || to->dirs != l->dirs ||
			    to->word->a != l->word->a ||
			    to->word->b != l->word->b || !same_xforms(to, l)) {
				continue;
			}
			r->cur = k;
			for (uint16_t n = 0; n < l->n_ops; n++) {
				struct draft_op *o = draft_add_op(
					r, (enum op_type)l->ops[n].op.type);

				if (o == NULL) {
					return ERR_LIMIT;
				}
				*o = l->ops[n];
			}
			if (to->n_datasets + l->n_datasets >
			    RULE_MAX_DATASETS) {
				return diag_set(r->d, ERR_LIMIT,
						"more than %d datasets of one "
						"buffer",
						RULE_MAX_DATASETS);
			}
			for (uint8_t n = 0; n < l->n_datasets; n++) {
				to->datasets[to->n_datasets++] = l->datasets[n];
			}
			l->n_ops = 0;
			l->n_datasets = 0;
			l->word = NULL; /* gone */
			break;
		}
	}
	return ERR_OK;
}

static enum err
check_lists(struct rule_draft *r, struct rule_shape *s)
{
	s->payload = r->lists[0].n_ops > 0;
	for (uint8_t i = 1; i < r->n_lists; i++) {
		const struct draft_list *l = &r->lists[i];

		if (l->is_base64 && l->n_ops == 0) {
			return diag_set(r->d, ERR_FORMAT,
					"base64_data: nothing is asked of it");
		}
		if (l->word == NULL) {
			continue;
		}
		if (l->absent && l->n_datasets > 0) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: absent, and a dataset of it",
					l->word->name);
		}
		if (l->absent && !l->absent_or && l->n_ops > 0) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: is absent, and something is asked "
					"of it: say absent:or_else",
					l->word->name);
		}
		if (!rule_shape_asks(r, i)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: nothing is asked of this buffer",
					l->word->name);
		}
		if ((l->word->flags & KWF_PACKET) != 0) {
			s->packet_bufs = true;
			continue;
		}
		if ((l->word->flags & KWF_ADDR) != 0) {
			s->addrs = true;
			continue;
		}
		s->tx = true;
		if (r->prog.two_halves) {
			uint8_t dirs = rule_shape_dirs(l);

			if (dirs == 3) {
				return diag_set(r->d, ERR_FORMAT,
						"%s: exists in both directions:"
						" write %s: to_server or %s: "
						"to_client in a rule with =>",
						l->word->name, l->word->name,
						l->word->name);
			}
			s->halves |= dirs;
		} else if (l->word->b == KW_NONE) {
			s->only_server = true;
			s->server_word = l->word->name;
		} else if (l->word->a == KW_NONE) {
			s->only_client = true;
			s->client_word = l->word->name;
		}
		if (l->word->app != APP_UNKNOWN) {
			if (s->app != APP_UNKNOWN && s->app != l->word->app) {
				return diag_set(r->d, ERR_FORMAT,
						"%s: buffers of two protocols "
						"never meet in one transaction",
						l->word->name);
			}
			s->app = l->word->app;
		}
	}
	return ERR_OK;
}

static enum err
check_app(struct rule_draft *r, const struct rule_shape *s)
{
	struct rule_prog *p = &r->prog;

	if (s->app == APP_UNKNOWN) {
		return ERR_OK;
	}
	if (p->app != APP_UNKNOWN && p->app != s->app &&
	    !(s->app == APP_HTTP && p->app == APP_HTTP2)) {
		return diag_set(r->d, ERR_FORMAT,
				"the header says %s, a buffer is of %s",
				app_proto_name((enum app_proto)p->app),
				app_proto_name((enum app_proto)s->app));
	}
	p->app = s->app;
	return ERR_OK;
}

/* "=>": one transaction, asked in both directions. */
static enum err
check_halves(struct rule_draft *r, const struct rule_shape *s)
{
	if (r->prog.dirs != 3) {
		return diag_set(r->d, ERR_FORMAT,
				"a rule with => means both directions: flow "
				"must not name one");
	}
	if (s->halves != 3) {
		return diag_set(r->d, ERR_FORMAT,
				"a rule with => asks for buffers of both "
				"directions; this one does not: write ->");
	}
	if (s->payload || s->packet_bufs) {
		return diag_set(r->d, ERR_FORMAT,
				"a rule with => asks for buffers of a "
				"transaction only, not for raw content");
	}
	return ERR_OK;
}

static enum err
check_dirs(struct rule_draft *r, const struct rule_shape *s)
{
	struct rule_prog *p = &r->prog;

	if (p->two_halves) {
		return check_halves(r, s);
	}

	if (s->only_server && s->only_client) {
		return diag_set(r->d, ERR_FORMAT,
				"%s exists to the server only, %s to the "
				"client only: make it two rules and flowbits",
				s->server_word, s->client_word);
	}
	if (s->only_server && p->dirs == 1 << DIR_TOCLIENT) {
		return diag_set(r->d, ERR_FORMAT,
				"%s exists to the server only, but flow says "
				"to_client",
				s->server_word);
	}
	if (s->only_client && p->dirs == 1 << DIR_TOSERVER) {
		return diag_set(r->d, ERR_FORMAT,
				"%s exists to the client only, but flow says "
				"to_server",
				s->client_word);
	}
	if (s->only_server) {
		p->dirs = 1 << DIR_TOSERVER;
	} else if (s->only_client) {
		p->dirs = 1 << DIR_TOCLIENT;
	}
	return ERR_OK;
}

static enum err
check_protos(struct rule_draft *r)
{
	struct rule_prog *p = &r->prog;
	uint8_t asked = 0;

	asked |= (r->transport & KWF_TCP) != 0 ? PROTO_TCP : 0;
	asked |= (r->transport & KWF_UDP) != 0 ? PROTO_UDP : 0;
	asked |= (r->transport & KWF_ICMP4) != 0 ? PROTO_ICMP4 : 0;
	asked |= (r->transport & KWF_ICMP6) != 0 ? PROTO_ICMP6 : 0;
	if (asked != 0) {
		p->protos &= asked;
	}
	if ((r->transport & KWF_V4) != 0) {
		p->ip_versions = p->ip_versions == 0 ? 1 : p->ip_versions & 1;
	}
	if ((r->transport & KWF_V6) != 0) {
		p->ip_versions = p->ip_versions == 0 ? 2 : p->ip_versions & 2;
	}
	if (p->protos == 0 ||
	    (p->ip_versions == 0 && (r->transport & (KWF_V4 | KWF_V6)) != 0)) {
		return diag_set(r->d, ERR_FORMAT,
				"the header's protocol and a keyword's "
				"exclude each other");
	}
	if ((p->sport != NULL || p->dport != NULL) &&
	    (p->protos & (PROTO_TCP | PROTO_UDP | PROTO_SCTP)) == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"ports, but the protocol has none: write any");
	}
	return ERR_OK;
}

enum err
rule_shape_check(struct rule_draft *r, struct rule_shape *s)
{
	enum err e = merge_lists(r);

	if (e == ERR_OK) {
		e = check_lists(r, s);
	}
	if (e == ERR_OK) {
		e = check_app(r, s);
	}
	if (e == ERR_OK) {
		e = check_dirs(r, s);
	}
	return e == ERR_OK ? check_protos(r) : e;
}
