/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/admission.h"
#include "rules/rule_prog.h"

/*
 * Estimated bytes of each buffer in a megabyte of mixed traffic, and how many
 * times it comes.  Orders of magnitude, from captures of offices and servers;
 * the point is the order of rules, not the figure.
 */
struct supply {
	double bytes, calls;
};

static struct supply
supply_of(enum inspect_buf b)
{
	switch (b) {
	case BUF_PAYLOAD:
	case BUF_STREAM:
		return (struct supply){ 1e6, 1400 };
	case BUF_FILE_DATA:
	case BUF_HTTP_RESP_BODY:
		return (struct supply){ 5e5, 100 };
	case BUF_HTTP_REQ_BODY:
		return (struct supply){ 2e4, 20 };
	case BUF_IPV4_HDR:
	case BUF_IPV6_HDR:
	case BUF_TCP_HDR:
	case BUF_UDP_HDR:
		return (struct supply){ 3e4, 1400 };
	default:
		return (struct supply){ 4e3, 60 };
	}
}

/* How often a byte like 'c' stands at a place of ordinary traffic. */
static double
frequency(uint8_t c, bool nocase)
{
	if (c == 0) {
		return 0.08;
	}
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		return nocase ? 0.03 : 0.02;
	}
	if ((c >= '0' && c <= '9') || c == ' ' || c == '.' || c == '/') {
		return 0.015;
	}
	return 0.004;
}

static double
op_cost(const struct op *op, const struct supply *s)
{
	double length = s->bytes / s->calls;

	switch (op->type) {
	case OP_PCRE:
		return 20 + length * (op->flags & OPF_RELATIVE ? 0.5 : 1.0);
	case OP_CONTENT:
		return 1 + length / 64;
	case OP_BASE64:
		return 30;
	default:
		return 1;
	}
}

/* The work of looking at the rule once. */
static double
check_cost(const struct rule_prog *p)
{
	double cost = 1 + p->n_tests + p->n_bits;

	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];
		struct supply s = supply_of(l->buf);

		for (uint16_t k = 0; k < l->n_ops; k++) {
			cost += op_cost(&l->ops[k], &s);
		}
		cost += l->n_xforms * (10 + s.bytes / s.calls / 8);
	}
	return cost;
}

/* How often a megabyte makes the rule a candidate. */
static double
trigger_rate(const struct rule_prog *p)
{
	struct supply s;
	double rate;

	if (p->fast_list < 0) {
		s = p->n_lists > 0 ? supply_of(p->lists[0].buf)
				   : (struct supply){ 1e6, 1400 };
		return p->kind == PROG_IPONLY ? 30 : s.calls;
	}
	s = supply_of(p->lists[p->fast_list].buf);
	if (p->fast_form != FAST_SCAN) {
		return s.calls * 1e-4;
	}
	rate = s.bytes;
	for (size_t i = 0; i < p->fast.len; i++) {
		rate *= frequency(p->fast.p[i], p->fast_nocase);
	}
	return MIN(rate, s.calls);
}

double
admission_cost(const struct rule_prog *p)
{
	return trigger_rate(p) * check_cost(p);
}
