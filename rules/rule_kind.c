/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_kind.h"

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
kind_of(const struct rule_draft *r, const struct rule_shape *s)
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
choose_inspection(struct rule_draft *r, const struct rule_shape *s)
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

enum err
rule_kind_choose(struct rule_draft *r, const struct rule_shape *s)
{
	struct rule_prog *p = &r->prog;

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
