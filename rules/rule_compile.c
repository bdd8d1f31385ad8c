/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_compile.h"

#include "rules/rule_check.h"

#define FAST_MAX 40 /* bytes of a literal that the prefilter sees */

/* What the lists together say of the rule. */
struct shape {
	bool payload, packet_bufs, addrs, tx;
	bool only_server, only_client; /* buffers of one direction alone */
	const char *server_word, *client_word;
	uint8_t app;
	uint8_t halves; /* of a "=>" rule: directions asked for */
};

/* The directions in which a list's buffer is looked at. */
static uint8_t
dirs_of(const struct draft_list *l)
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

static bool
list_in_use(const struct rule_draft *r, uint8_t i)
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
			    !list_in_use(r, k) || to->dirs != l->dirs ||
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
check_lists(struct rule_draft *r, struct shape *s)
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
		if (!list_in_use(r, i)) {
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
			uint8_t dirs = dirs_of(l);

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
check_app(struct rule_draft *r, const struct shape *s)
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
check_halves(struct rule_draft *r, const struct shape *s)
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
check_dirs(struct rule_draft *r, const struct shape *s)
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

/*
 * Whether the first packet of a flow and direction says it all: addresses,
 * ports and protocol; and nothing is done that every packet does anew.
 */
static bool
only_header(const struct rule_draft *r)
{
	const struct rule_prog *p = &r->prog;

	if (p->n_bits > 0 || p->n_ints > 0 || r->has_flow_word ||
	    r->header_is_app) {
		return false;
	}
	for (uint16_t i = 0; i < p->n_tests; i++) {
		if (r->tests[i].fact != FACT_IP_PROTO &&
		    r->tests[i].fact != FACT_ADDR) {
			return false;
		}
	}
	for (uint16_t i = 0; i < p->n_bits_set; i++) {
		if (r->bits_set[i].cmd != BIT_SET) {
			return false;
		}
	}
	return true;
}

static bool
asks_shared_bit(const struct rule_draft *r)
{
	for (uint16_t i = 0; i < r->prog.n_shared; i++) {
		if (r->shared[i].cmd == BIT_ISSET ||
		    r->shared[i].cmd == BIT_ISNOTSET) {
			return true;
		}
	}
	return false;
}

static enum prog_kind
kind_of(const struct rule_draft *r, const struct shape *s)
{
	if (s->tx || r->tx_only) {
		return PROG_TX;
	}
	if (s->payload || s->packet_bufs) {
		return PROG_PAYLOAD;
	}
	if (only_header(r) && !s->addrs && !asks_shared_bit(r)) {
		return PROG_IPONLY;
	}
	return PROG_PACKET;
}

static bool
is_placed(const struct rule_draft *r)
{
	const struct draft_list *l = &r->lists[0];

	for (uint16_t i = 0; i < l->n_ops; i++) {
		if (l->ops[i].op.type == OP_CONTENT &&
		    (l->ops[i].op.flags & (OPF_OFFSET | OPF_DEPTH)) != 0) {
			return true;
		}
	}
	return false;
}

/* Facts that are a packet's own: reassembled bytes have none of their own. */
static bool
asks_packet_fact(const struct rule_draft *r)
{
	for (uint16_t i = 0; i < r->prog.n_tests; i++) {
		switch ((enum fact)r->tests[i].fact) {
		case FACT_TTL:
		case FACT_TOS:
		case FACT_IP_ID:
		case FACT_FRAG_OFFSET:
		case FACT_TCP_SEQ:
		case FACT_TCP_ACK:
		case FACT_TCP_WINDOW:
		case FACT_TCP_MSS:
		case FACT_ICMP_TYPE:
		case FACT_ICMP_CODE:
		case FACT_ICMP_ID:
		case FACT_ICMP_SEQ:
		case FACT_DSIZE:
		case FACT_FLOW_AGE:
		case FACT_FLOW_PKTS:
		case FACT_FLOW_BYTES:
		case FACT_FLAGS:
		case FACT_FRAGBITS:
		case FACT_IPOPT:
		case FACT_SAMEIP:
		case FACT_ICMPV6_MTU:
		case FACT_IGMP_TYPE:
		case FACT_TCP_WSCALE:
		case FACT_CSUM:
			return true;
		case FACT_EVENT:
			if (strcmp(event_layer((enum event_id)r->tests[i].a),
				   "app") != 0) {
				return true;
			}
			break;
		default:
			break;
		}
	}
	return false;
}

static bool
asks(const struct rule_draft *r, enum fact f)
{
	for (uint16_t i = 0; i < r->prog.n_tests; i++) {
		if (r->tests[i].fact == (uint8_t)f) {
			return true;
		}
	}
	return false;
}

/*
 * Where raw content is looked for.  A fact of the packet ties it to packets;
 * stream_size is of both, so that bytes may alert as either.
 */
static void
choose_inspection(struct rule_draft *r, const struct shape *s)
{
	struct rule_prog *p = &r->prog;
	bool packets = r->tcp_pkt || s->packet_bufs ||
		       (p->flow & FLOW_NO_STREAM) != 0 || asks_packet_fact(r);
	bool stream = r->tcp_stream || (p->flow & FLOW_ONLY_STREAM) != 0;
	bool both = asks(r, FACT_STREAM_SIZE);

	p->on_stream =
		(p->protos & PROTO_TCP) != 0 && (!packets || both || stream);
	p->on_every_packet = packets || (!stream && (both || is_placed(r)));
	if (stream) {
		p->protos &= PROTO_TCP;
	}
	p->on_packet = !stream || p->on_every_packet;
	/* packets say it at once: of the stream the state counts that follows */
	p->by_chunk =
		p->kind == PROG_PAYLOAD && p->on_every_packet && p->on_stream;
}

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
		if (ops[k].type == OP_CONTENT &&
		    (ops[k].flags & OPF_NOCASE) != 0) {
			ops[k].content.fail = fail_table(r, &ops[k].content);
			e = ops[k].content.fail == NULL ? ERR_NOMEM : ERR_OK;
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

/*
 * How the literal must be changed to be found in the buffer before its
 * transforms; false when they leave no literal to look for.
 */
static bool
literal_before_xforms(const struct draft_list *l, struct view *bytes,
		      bool *nocase)
{
	for (int i = l->n_xforms - 1; i >= 0; i--) {
		switch (l->xforms[i].type) {
		case XFORM_DOTPREFIX:
			if (bytes->len > 1 && bytes->p[0] == '.') {
				*bytes = view_sub(*bytes, 1, bytes->len);
			} else if (bytes->len == 1 && bytes->p[0] == '.') {
				return false;
			}
			break;
		case XFORM_LOWERCASE:
		case XFORM_UPPERCASE:
			*nocase = true;
			break;
		case XFORM_SUBSLICE:
		case XFORM_DOMAIN:
		case XFORM_TLD:
		case XFORM_PCRE:
			break; /* a part of what was there */
		default:
			return false;
		}
	}
	return bytes->len > 0;
}

/* Higher is better: long, and made of bytes that are not everywhere. */
static int
literal_score(struct view v)
{
	bool seen[256] = { false };
	int score = 0;

	for (size_t i = 0; i < v.len && i < FAST_MAX; i++) {
		uint8_t c = v.p[i];

		score += seen[c]                           ? 1
			 : c == 0 || c == 0xff || c == ' ' ? 2
			 : (c >= 'a' && c <= 'z')          ? 4
							   : 5;
		seen[c] = true;
	}
	return score;
}

/* Buffers that say little: a hit there makes too many candidates. */
static int
buffer_weight(const struct draft_list *l)
{
	if (l->word == NULL) {
		return 2;
	}
	switch (l->word->a != KW_NONE ? l->word->a : l->word->b) {
	case BUF_HTTP_METHOD:
	case BUF_HTTP_STAT_CODE:
	case BUF_HTTP_STAT_MSG:
	case BUF_HTTP_REQ_PROTOCOL:
	case BUF_HTTP_REQ_HEADER_NAMES:
		return 1;
	default:
		return 2;
	}
}

static bool
may_trigger(const struct rule_draft *r, uint8_t list, enum prog_kind kind)
{
	const struct draft_list *l = &r->lists[list];

	if (l->is_base64 || l->absent || (list > 0 && l->word == NULL)) {
		return false;
	}
	if (l->word != NULL &&
	    (l->word->flags & (KWF_PACKET | KWF_ADDR)) != 0) {
		return false;
	}
	return (list == 0) == (kind == PROG_PAYLOAD);
}

/* A test right behind content 'k' that only the buffer's end passes. */
static bool
ends_there(const struct draft_list *l, uint16_t k)
{
	const struct op *next;

	if ((l->ops[k].op.flags & OPF_ENDSWITH) != 0) {
		return true;
	}
	if (k + 1 >= l->n_ops) {
		return false;
	}
	next = &l->ops[k + 1].op;
	return next->type == OP_ISDATAAT && (next->flags & OPF_RELATIVE) != 0 &&
	       (next->flags & OPF_NEGATED) != 0 && next->at.var < 0 &&
	       next->at.n == 1;
}

static bool
begins_there(const struct op *op)
{
	const struct content *c = &op->content;

	if ((op->flags & OPF_STARTSWITH) != 0) {
		return true;
	}
	return (op->flags & OPF_DEPTH) != 0 &&
	       (op->flags & OPF_RELATIVE) == 0 && c->offset.var < 0 &&
	       c->offset.n == 0 && c->depth.var < 0 && c->depth.n == c->len;
}

/* The buffer's length is asked for, or always, that of content 'c'. */
static bool
is_as_long(const struct draft_list *l, enum inspect_buf b,
	   const struct content *c)
{
	if ((b == BUF_JA3_HASH || b == BUF_JA3S_HASH) && c->len == 32 &&
	    l->n_xforms == 0) {
		return true; /* MD5 in hexadecimal */
	}
	for (uint16_t k = 0; k < l->n_ops; k++) {
		const struct op *op = &l->ops[k].op;

		if (op->type == OP_BSIZE && op->bsize.compare == CMP_EQ &&
		    op->bsize.a == c->len) {
			return true;
		}
	}
	return false;
}

/* What is a part of the buffer has ends of its own. */
static bool
keeps_ends(const struct draft_list *l)
{
	for (uint8_t i = 0; i < l->n_xforms; i++) {
		switch (l->xforms[i].type) {
		case XFORM_DOTPREFIX:
		case XFORM_LOWERCASE:
		case XFORM_UPPERCASE:
			break;
		default:
			return false;
		}
	}
	return true;
}

/* Whether content 'k' is an indicator in disguise (literal_table.h). */
static enum fast_form
form_of(const struct draft_list *l, enum inspect_buf b, uint16_t k)
{
	const struct op *op = &l->ops[k].op;
	bool ends = ends_there(l, k);

	if (op->content.len > FAST_KEY_MAX || l->word == NULL ||
	    (l->word->flags & KWF_BODY) != 0 || !keeps_ends(l)) {
		return FAST_SCAN;
	}
	if (is_as_long(l, b, &op->content) || (ends && begins_there(op))) {
		return FAST_WHOLE;
	}
	return ends ? FAST_SUFFIX : FAST_SCAN;
}

/* 'numbers' maps a draft list to its place in the program. */
static void
choose_fast(const struct rule_draft *r, struct rule_prog *p,
	    const struct rule_list *lists, const int8_t numbers[RULE_MAX_LISTS])
{
	int best = -1;

	for (uint8_t i = 0; i < r->n_lists; i++) {
		const struct draft_list *l = &r->lists[i];

		if (!may_trigger(r, i, (enum prog_kind)p->kind) ||
		    numbers[i] < 0) {
			continue;
		}
		for (uint16_t k = 0; k < l->n_ops; k++) {
			const struct draft_op *o = &l->ops[k];
			struct view v =
				view_of(o->op.content.bytes, o->op.content.len);
			bool nocase = (o->op.flags & OPF_NOCASE) != 0;
			int score;

			if (o->op.type != OP_CONTENT ||
			    (o->op.flags & OPF_NEGATED) != 0) {
				continue;
			}
			if (o->has_chop) {
				v = view_sub(v, o->chop_offset, o->chop_len);
			}
			if (!literal_before_xforms(l, &v, &nocase)) {
				continue;
			}
			score = literal_score(v) * buffer_weight(l);
			if (o->fast) {
				score = 1 << 20;
			}
			if (score > best) {
				best = score;
				p->fast_list = numbers[i];
				p->fast = view_sub(v, 0, FAST_MAX);
				p->fast_nocase = nocase;
				p->fast_form = (uint8_t)form_of(
					l, lists[numbers[i]].buf, k);
				p->fast_key = view_of(o->op.content.bytes,
						      o->op.content.len);
			}
		}
	}
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
		if (l->is_base64 || !list_in_use(r, i) ||
		    (p->two_halves && (dirs_of(l) >> dir & 1) == 0)) {
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
	choose_fast(r, p, lists, numbers);
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

/* '*of_flow': no test looks at one direction's protocol. */
static bool
only_app_proto(const struct rule_draft *r, bool *of_flow)
{
	*of_flow = true;
	for (uint16_t i = 0; i < r->prog.n_tests; i++) {
		const struct test *t = &r->tests[i];

		if (t->fact != FACT_APP_PROTO) {
			return false;
		}
		*of_flow = *of_flow &&
			   (t->arg == APP_FINAL || t->arg == APP_ORIGINAL);
	}
	return r->prog.n_tests > 0;
}

static enum err
settle(struct rule_draft *r, struct shape *s)
{
	struct rule_prog *p = &r->prog;
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
	if (e == ERR_OK) {
		e = check_protos(r);
	}
	if (e == ERR_OK) {
		e = rule_check(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (p->store != STORE_NONE && p->store_dirs == 0) {
		p->store_dirs = p->dirs;
	}
	p->kind = (uint8_t)kind_of(r, s);
	if (r->of_files && s->packet_bufs) {
		return diag_set(r->d, ERR_FORMAT,
				"a packet's header and a file in one rule");
	}
	if (p->kind == PROG_TX && s->packet_bufs) {
		return diag_set(r->d, ERR_FORMAT,
				"a packet's header and a transaction's buffer "
				"in one rule");
	}
	choose_inspection(r, s);
	/* What only asks for the protocol alerts when that becomes known. */
	p->once = p->kind == PROG_PACKET && p->n_bits == 0 && !s->addrs &&
		  !asks_shared_bit(r) && !r->has_flow_word &&
		  only_app_proto(r, &p->once_a_flow);
	return ERR_OK;
}

enum err
rule_compile(struct rule_draft *r, struct rule_prog *progs[2], struct diag *d)
{
	struct shape s = { .payload = false };
	unsigned n = 0;
	enum err e;

	r->d = d;
	progs[0] = progs[1] = NULL;
	e = settle(r, &s);
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
