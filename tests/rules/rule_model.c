/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rules/rule_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/rule_match.h"
#include "tests/rules/rule_case.h"

#define BUFFERS_A_SET 24

static const enum inspect_buf tx_bufs[] = { BUF_HTTP_URI, BUF_HTTP_USER_AGENT,
					    BUF_HTTP_METHOD };

static unsigned
draw(struct model *m, unsigned n)
{
	return m->at < m->n ? m->bytes[m->at++] % n : 0;
}

static char
letter(struct model *m)
{
	return "aAbB.0"[draw(m, 6)];
}

static void
draw_content(struct model *m, struct model_op *op)
{
	op->type = MODEL_CONTENT;
	op->len = 1 + draw(m, 3);
	for (unsigned i = 0; i < op->len; i++) {
		op->text[i] = letter(m);
	}
	op->negated = draw(m, 5) == 0;
	op->nocase = draw(m, 3) == 0;
	op->place = (enum model_place)draw(m, 4);
	op->ends = draw(m, 4) == 0;
	switch (op->place) {
	case MODEL_ABSOLUTE:
		op->offset = (int)draw(m, 6);
		op->depth = draw(m, 2) ? (int)(op->len + draw(m, 6)) : 0;
		op->ends = op->ends && op->depth == 0 && op->offset == 0;
		break;
	case MODEL_RELATIVE:
		op->distance = (int)draw(m, 8) - 3;
		op->within = draw(m, 2) ? (int)(op->len + draw(m, 6)) : 0;
		op->ends = false;
		break;
	default:
		break;
	}
}

static void
draw_op(struct model *m, struct model_op *op, bool first)
{
	*op = (struct model_op){ .type = (enum model_type)draw(m, 12) };
	if (first || op->type > MODEL_BYTE_JUMP) {
		draw_content(m, op);
		return;
	}
	op->relative = draw(m, 2) == 0;
	op->negated = draw(m, 4) == 0;
	op->compare = "<>=&^"[draw(m, 5)];
	op->value = draw(m, MODEL_BYTES);
	op->offset = (int)draw(m, 4);
	op->n_bytes = 1 + draw(m, 2);
	op->little = draw(m, 2) == 0;
	switch (op->type) {
	case MODEL_CONTENT:
	case MODEL_PCRE:
		draw_content(m, op);
		op->type = MODEL_PCRE;
		op->relative = op->place == MODEL_RELATIVE;
		op->ends = false;
		break;
	case MODEL_BSIZE:
		op->compare = "<>="[draw(m, 3)];
		break;
	case MODEL_BYTE_TEST:
		op->value = draw(m, 2) ? 'a' : 0x6162;
		break;
	default:
		break;
	}
}

static void
draw_list(struct model *m, struct model_list *l)
{
	l->n_ops = 1 + draw(m, MODEL_OPS);
	for (unsigned i = 0; i < l->n_ops; i++) {
		draw_op(m, &l->ops[i], i == 0);
	}
}

void
model_draw(struct model *m, const uint8_t *bytes, size_t n)
{
	*m = (struct model){ .bytes = bytes, .n = n };
	m->n_rules = 1 + draw(m, MODEL_RULES);
	for (unsigned i = 0; i < m->n_rules; i++) {
		struct model_rule *r = &m->rules[i];
		unsigned at = draw(m, ARRAY_LEN(tx_bufs));

		r->packet = draw(m, 2) == 0;
		r->n_lists = r->packet ? 1 : 1 + draw(m, MODEL_LISTS);
		for (unsigned k = 0; k < r->n_lists; k++) {
			draw_list(m, &r->lists[k]);
			r->lists[k].buf = r->packet
						  ? BUF_PAYLOAD
						  : tx_bufs[(at + k) %
							    ARRAY_LEN(tx_bufs)];
		}
	}
}

static void
put_content(FILE *out, const struct model_op *op)
{
	fprintf(out, " content:%s\"%.*s\";", op->negated ? "!" : "",
		(int)op->len, op->text);
	if (op->nocase) {
		fputs(" nocase;", out);
	}
	switch (op->place) {
	case MODEL_ABSOLUTE:
		if (op->offset > 0 || op->depth == 0) {
			fprintf(out, " offset:%d;", op->offset);
		}
		if (op->depth > 0) {
			fprintf(out, " depth:%d;", op->depth);
		}
		break;
	case MODEL_RELATIVE:
		fprintf(out, " distance:%d;", op->distance);
		if (op->within > 0) {
			fprintf(out, " within:%d;", op->within);
		}
		break;
	case MODEL_STARTS:
		fputs(" startswith;", out);
		break;
	default:
		break;
	}
	if (op->ends) {
		fputs(" endswith;", out);
	}
}

static void
put_pcre(FILE *out, const struct model_op *op)
{
	fprintf(out, " pcre:%s\"/", op->negated ? "!" : "");
	for (unsigned i = 0; i < op->len; i++) {
		fprintf(out, "[%c]", op->text[i]);
	}
	fprintf(out, "/%s%s\";", op->nocase ? "i" : "",
		op->relative ? "R" : "");
}

static void
put_op(FILE *out, const struct model_op *op, bool packet)
{
	const char *relative = op->relative ? ",relative" : "";

	switch (op->type) {
	case MODEL_CONTENT:
		put_content(out, op);
		break;
	case MODEL_PCRE:
		put_pcre(out, op);
		break;
	case MODEL_ISDATAAT:
		fprintf(out, " isdataat:%s%u%s;", op->negated ? "!" : "",
			op->value, relative);
		break;
	case MODEL_BSIZE:
		if (!packet) {
			fprintf(out, " bsize:%.*s%u;", op->compare != '=',
				&op->compare, op->value + 1);
		}
		break;
	case MODEL_BYTE_TEST:
		fprintf(out, " byte_test:%u,%s%c,%u,%d%s%s;", op->n_bytes,
			op->negated ? "!" : "", op->compare, op->value,
			op->offset, relative, op->little ? ",little" : "");
		break;
	case MODEL_BYTE_JUMP:
		fprintf(out, " byte_jump:1,%d%s,post_offset -%d;", op->offset,
			relative, 'a' - 4);
		break;
	}
}

static void
put_rule(FILE *out, const struct model_rule *r, unsigned sid)
{
	fprintf(out, "alert %s any any -> any any (",
		r->packet ? "udp" : "http");
	for (unsigned k = 0; k < r->n_lists; k++) {
		const struct model_list *l = &r->lists[k];

		switch (l->buf) {
		case BUF_HTTP_URI:
			fputs(" http.uri;", out);
			break;
		case BUF_HTTP_USER_AGENT:
			fputs(" http.user_agent;", out);
			break;
		case BUF_HTTP_METHOD:
			fputs(" http.method;", out);
			break;
		default:
			break;
		}
		for (unsigned i = 0; i < l->n_ops; i++) {
			put_op(out, &l->ops[i], r->packet);
		}
	}
	fprintf(out, " sid:%u;)\n", sid);
}

size_t
model_text(const struct model *m, char *out, size_t cap)
{
	FILE *f = fmemopen(out, cap, "w");
	long n;

	if (f == NULL) {
		return 0;
	}
	for (unsigned i = 0; i < m->n_rules; i++) {
		put_rule(f, &m->rules[i], i + 1);
	}
	n = ftell(f);
	fclose(f);
	return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

size_t
model_buffer(struct model *m, uint8_t out[MODEL_BYTES])
{
	size_t n = draw(m, MODEL_BYTES + 1);

	for (size_t i = 0; i < n; i++) {
		out[i] = (uint8_t)letter(m);
	}
	for (unsigned k = draw(m, 4); k > 0 && m->n_rules > 0; k--) {
		const struct model_rule *r = &m->rules[draw(m, m->n_rules)];
		const struct model_list *l = &r->lists[draw(m, r->n_lists)];
		const struct model_op *op = &l->ops[draw(m, l->n_ops)];
		size_t at = draw(m, MODEL_BYTES);

		for (unsigned i = 0; i < op->len && at + i < n; i++) {
			out[at + i] = (uint8_t)op->text[i];
		}
	}
	return n;
}

/* From here on: the interpreter. */

static bool
stands_at(const struct model_op *op, struct view v, long at)
{
	if (at < 0 || at + (long)op->len > (long)v.len) {
		return false;
	}
	for (unsigned i = 0; i < op->len; i++) {
		uint8_t a = v.p[at + (long)i], b = (uint8_t)op->text[i];

		if (op->nocase ? ascii_lower(a) != ascii_lower(b) : a != b) {
			return false;
		}
	}
	return true;
}

/* May the content stand at 'at', when the last match ended at 'pos'? */
static bool
may_stand(const struct model_op *op, struct view v, long pos, long at)
{
	long end = at + (long)op->len;

	if (!stands_at(op, v, at) || (op->ends && end != (long)v.len)) {
		return false;
	}
	if (op->type == MODEL_PCRE) {
		return !op->relative || at >= pos;
	}
	switch (op->place) {
	case MODEL_ABSOLUTE:
		return at >= op->offset &&
		       (op->depth == 0 || end <= op->offset + op->depth);
	case MODEL_RELATIVE:
		return at >= pos + op->distance &&
		       (op->within == 0 ||
			end <= pos + op->distance + op->within);
	case MODEL_STARTS:
		return at == 0;
	default:
		return true;
	}
}

static bool run(const struct model_list *l, unsigned i, struct view v,
		long pos);

static bool
run_content(const struct model_list *l, unsigned i, struct view v, long pos)
{
	const struct model_op *op = &l->ops[i];
	bool any = false;

	for (long at = 0; at < (long)v.len; at++) {
		if (may_stand(op, v, pos, at)) {
			any = true;
			if (!op->negated &&
			    run(l, i + 1, v, at + (long)op->len)) {
				return true;
			}
		}
	}
	return op->negated && !any && run(l, i + 1, v, pos);
}

static bool
compares(char how, unsigned long a, unsigned long b)
{
	switch (how) {
	case '<':
		return a < b;
	case '>':
		return a > b;
	case '=':
		return a == b;
	case '&':
		return (a & b) != 0;
	default:
		return (a ^ b) != 0;
	}
}

static bool
byte_test(const struct model_op *op, struct view v, long pos)
{
	long at = (op->relative ? pos : 0) + op->offset;
	unsigned long x = 0;

	if (at + (long)op->n_bytes > (long)v.len) {
		return false;
	}
	for (unsigned i = 0; i < op->n_bytes; i++) {
		unsigned k = op->little ? op->n_bytes - 1 - i : i;

		x = x << 8 | v.p[at + (long)k];
	}
	return compares(op->compare, x, op->value) != op->negated;
}

/* Where the jump lands; -1: outside. */
static long
byte_jump(const struct model_op *op, struct view v, long pos)
{
	long at = (op->relative ? pos : 0) + op->offset;
	long to;

	if (at + 1 > (long)v.len) {
		return -1;
	}
	to = at + 1 + v.p[at] - ('a' - 4);
	return to > (long)v.len ? -1 : MAX(to, 0L); /* not before the start */
}

static bool
run(const struct model_list *l, unsigned i, struct view v, long pos)
{
	const struct model_op *op = &l->ops[i];
	long to;

	if (i == l->n_ops) {
		return true;
	}
	switch (op->type) {
	case MODEL_CONTENT:
	case MODEL_PCRE:
		return run_content(l, i, v, pos);
	case MODEL_ISDATAAT:
		return (op->relative ? pos + (long)op->value <= (long)v.len
				     : (long)op->value < (long)v.len) !=
			       op->negated &&
		       run(l, i + 1, v, pos);
	case MODEL_BSIZE:
		return (l->buf == BUF_PAYLOAD ||
			compares(op->compare, v.len, op->value + 1)) &&
		       run(l, i + 1, v, pos);
	case MODEL_BYTE_TEST:
		return byte_test(op, v, pos) && run(l, i + 1, v, pos);
	case MODEL_BYTE_JUMP:
		to = byte_jump(op, v, pos);
		return to >= 0 && run(l, i + 1, v, to);
	}
	return false;
}

bool
model_match(const struct model *m, unsigned i, const struct view *bufs)
{
	const struct model_rule *r = &m->rules[i];

	for (unsigned k = 0; k < r->n_lists; k++) {
		if (!run(&r->lists[k], 0, bufs[r->lists[k].buf], 0)) {
			return false;
		}
	}
	return true;
}

/* From here on: the engine, and the comparison. */

struct engine {
	struct ruleset *rs;
	struct rule_matcher *m;
	struct pool *pool;
};

static uint32_t
engine_hits(struct engine *e, const struct view *bufs, bool packet)
{
	struct rule_flow *flow_state = NULL;
	struct rule_tx *tx_state = NULL;
	struct rule_hit room[MODEL_RULES];
	struct rule_hits out = { .v = room, .cap = MODEL_RULES };
	struct inspect_flow flow = { .established = true,
				     .app = packet ? APP_UNKNOWN : APP_HTTP,
				     .pkts = { 2, 2 } };
	struct inspect in = { .kind = packet ? INSPECT_PACKET : INSPECT_TX,
			      .flow = &flow,
			      .app = flow.app,
			      .flow_state = &flow_state,
			      .tx_state = &tx_state,
			      .pool = e->pool };
	uint32_t hits = 0;

	in.pkt.ip_version = 4;
	in.pkt.proto = packet ? IPP_UDP : IPP_TCP;
	if (packet) {
		in.pkt.dsize = (uint32_t)bufs[BUF_PAYLOAD].len;
		inspect_set(&in, BUF_PAYLOAD, &bufs[BUF_PAYLOAD],
			    in.pkt.dsize > 0);
	}
	for (size_t i = 0; !packet && i < ARRAY_LEN(tx_bufs); i++) {
		enum inspect_buf b = tx_bufs[i];

		inspect_set(&in, b, &bufs[b], 1);
		in.fresh[b / 64] |= UINT64_C(1) << (b % 64);
	}
	rule_match(e->m, &in, &out);
	for (uint32_t i = 0; i < out.n; i++) {
		hits |= 1U << (out.v[i].rule->sid - 1);
	}
	rule_flow_free(flow_state, e->pool);
	rule_tx_free(tx_state, e->pool);
	return hits;
}

static bool
same_hits(const struct model *m, struct engine *e, const struct view *bufs,
	  bool packet)
{
	uint32_t got = engine_hits(e, bufs, packet), want = 0;

	for (unsigned i = 0; i < m->n_rules; i++) {
		if (m->rules[i].packet == packet && model_match(m, i, bufs)) {
			want |= 1U << i;
		}
	}
	return got == want;
}

static void
complain(const char *text, const struct view *bufs)
{
	fprintf(stderr, "model and matcher disagree\n%spayload \"%.*s\"\n",
		text, (int)bufs[BUF_PAYLOAD].len,
		(const char *)bufs[BUF_PAYLOAD].p);
	for (size_t i = 0; i < ARRAY_LEN(tx_bufs); i++) {
		fprintf(stderr, "buffer %zu \"%.*s\"\n", i,
			(int)bufs[tx_bufs[i]].len,
			(const char *)bufs[tx_bufs[i]].p);
	}
}

static bool
compare(struct model *m, struct engine *e, const char *text)
{
	for (unsigned round = 0; round < BUFFERS_A_SET; round++) {
		uint8_t bytes[BUF_COUNT][MODEL_BYTES];
		struct view bufs[BUF_COUNT] = { { 0 } };

		bufs[BUF_PAYLOAD] =
			view_of(bytes[BUF_PAYLOAD],
				model_buffer(m, bytes[BUF_PAYLOAD]));
		for (size_t i = 0; i < ARRAY_LEN(tx_bufs); i++) {
			enum inspect_buf b = tx_bufs[i];

			bufs[b] = view_of(bytes[b], model_buffer(m, bytes[b]));
		}
		if (!same_hits(m, e, bufs, false) ||
		    (bufs[BUF_PAYLOAD].len > 0 &&
		     !same_hits(m, e, bufs, true))) {
			complain(text, bufs);
			return false;
		}
	}
	return true;
}

/*
 * Rules whose contents are longer than bsize or dsize lets through are
 * refused; the model, which knows nothing of that, must never see them match.
 */
static bool
all_loaded(const struct ruleset *rs, unsigned n_rules)
{
	const struct ruleset_report *rep = ruleset_report(rs);

	for (uint32_t i = 0; i < rep->n_problems; i++) {
		if (strstr(rep->problems[i].reason, "the contents need") ==
		    NULL) {
			return false;
		}
	}
	return rep->loaded + rep->failed == n_rules;
}

bool
model_agrees(const uint8_t *bytes, size_t n)
{
	char text[8192] = "";
	struct diag d = { "" };
	struct engine e = { .rs = NULL };
	struct model m;
	bool same = true;

	model_draw(&m, bytes, n);
	if (model_text(&m, text, sizeof(text)) == 0) {
		return true;
	}
	e.rs = rules_of(NULL, text, &d);
	if (e.rs != NULL && all_loaded(e.rs, m.n_rules)) {
		e.m = rule_matcher_new(e.rs);
		e.pool = pool_new((size_t)1 << 20);
		same = e.m != NULL && e.pool != NULL && compare(&m, &e, text);
		rule_matcher_free(e.m);
		pool_free(e.pool);
	} else {
		fprintf(stderr, "%s%s\n", text,
			e.rs != NULL && ruleset_report(e.rs)->n_problems > 0
				? ruleset_report(e.rs)->problems[0].reason
				: d.msg);
		same = false;
	}
	ruleset_free(e.rs);
	return same;
}
