/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_match.h"

#include <stdlib.h>

#include "rules/rule_facts.h"
#include "rules/rule_verify.h"
#include "rules/ruleset_db.h"

#define MAX_INSTANCES 256 /* of one buffer that are looked at */
#define PEND_EAGER 8 /* tries at every segment, then */
#define PEND_STEP 512 /* only after so many new bytes */

struct rule_matcher {
	const struct ruleset *rs;
	const struct rule_groups *groups;
	struct prefilter_scratch *scratch;
	struct verifier verifier;
	uint64_t *candidates, *summary; /* bit per program; per word of it */
	uint32_t n_words, n_summary;
	uint64_t *id_bits; /* what the prefilter has seen */
	uint32_t *ids;
	struct rule_matcher_stats stats;

	/* of the present call */
	struct inspect *in;
	struct rule_hits *out;
	struct call_facts facts;
	struct rule_flow *flow;
	struct rule_tx *tx;
	bool passed;
};

static enum err
grow_scratch(void *arg, const struct prefilter *p)
{
	return prefilter_scratch_grow(arg, p);
}

struct rule_matcher *
rule_matcher_new(const struct ruleset *rs)
{
	struct rule_matcher *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return NULL;
	}
	m->rs = rs;
	m->groups = &rs->groups;
	m->n_words = rs->n_progs / 64 + 1;
	m->n_summary = m->n_words / 64 + 1;
	m->scratch = prefilter_scratch_new();
	m->candidates = calloc(m->n_words, sizeof(uint64_t));
	m->summary = calloc(m->n_summary, sizeof(uint64_t));
	m->id_bits = calloc(m->groups->most_ids / 64 + 1, sizeof(uint64_t));
	m->ids = calloc(m->groups->most_ids + 1, sizeof(uint32_t));
	if (m->scratch == NULL || m->candidates == NULL || m->summary == NULL ||
	    m->id_bits == NULL || m->ids == NULL ||
	    !verifier_init(&m->verifier, rs->match_limit) ||
	    rule_groups_each(m->groups, grow_scratch, m->scratch) != ERR_OK) {
		rule_matcher_free(m);
		return NULL;
	}
	return m;
}

void
rule_matcher_free(struct rule_matcher *m)
{
	if (m != NULL) {
		verifier_fini(&m->verifier);
		prefilter_scratch_free(m->scratch);
		free(m->candidates);
		free(m->summary);
		free(m->id_bits);
		free(m->ids);
		free(m);
	}
}

static void
add_candidate(struct rule_matcher *m, uint32_t order)
{
	m->candidates[order / 64] |= UINT64_C(1) << (order % 64);
	m->summary[order / 4096] |= UINT64_C(1) << (order / 64 % 64);
}

static void
add_bare(struct rule_matcher *m, const struct rule_group *g)
{
	const struct inspect *in = m->in;
	uint16_t sport = in->pkt.sport, dport = in->pkt.dport;

	if (in->pkt_is_reverse) {
		sport = in->pkt.dport;
		dport = in->pkt.sport;
	}
	for (uint32_t i = 0; i < g->n_bare; i++) {
		const struct bare_rule *b = &g->bare[i];

		if (sport >= b->sport_lo && sport <= b->sport_hi &&
		    dport >= b->dport_lo && dport <= b->dport_hi) {
			add_candidate(m, b->order);
		}
	}
}

static void
add_indexed(struct rule_matcher *m, const struct addr_index *ix,
	    unsigned __int128 addr)
{
	uint32_t n;
	const uint32_t *ids = addr_index_find(ix, addr, &n);

	for (uint32_t i = 0; i < n; i++) {
		add_candidate(m, ids[i]);
	}
}

/* Those of 'g' without a literal, as far as the packet's ends ask for them. */
static void
add_by_ends(struct rule_matcher *m, const struct rule_group *g)
{
	add_bare(m, g);
	add_indexed(m, &g->by_src, m->facts.src);
	add_indexed(m, &g->by_dst, m->facts.dst);
}

/* The rules of 'g' whose literal is in 'data'. */
static void
scan(struct rule_matcher *m, const struct rule_group *g, struct view data)
{
	size_t n;

	if (g->prefilter == NULL || data.len == 0) {
		return;
	}
	n = prefilter_scan(g->prefilter, m->scratch, data, m->id_bits, m->ids);
	for (size_t i = 0; i < n; i++) {
		uint32_t id = m->ids[i];

		m->id_bits[id / 64] &= ~(UINT64_C(1) << (id % 64));
		for (uint32_t k = g->first[id]; k < g->first[id + 1]; k++) {
			add_candidate(m, g->orders[k]);
		}
	}
}

static bool
needs_reach(const struct rule_list *l)
{
	for (uint16_t i = 0; i < l->n_ops; i++) {
		if ((l->ops[i].type == OP_CONTENT ||
		     l->ops[i].type == OP_PCRE) &&
		    (l->ops[i].flags & OPF_NEGATED) == 0) {
			return true;
		}
	}
	return false;
}

/* The payload list, against the stream's window or the packet. */
static bool
payload_ok(struct rule_matcher *m, const struct rule_prog *p,
	   const struct rule_list *l)
{
	const struct inspect *in = m->in;
	struct verify_input v = { .offset = 0 };

	if (in->buf[BUF_STREAM].n > 0) {
		v.data = in->buf[BUF_STREAM].v[0];
		v.offset = in->stream_offset;
		if (in->kind == INSPECT_STREAM) {
			uint64_t used =
				state_spoken_end(m->flow, in->dir, p->order);

			if (used > v.offset) {
				size_t cut = MIN((size_t)(used - v.offset),
						 v.data.len);

				v.data = view_sub(v.data, cut, v.data.len);
				v.offset += cut;
			}
			if (needs_reach(l) && used <= in->stream_offset) {
				v.beyond = in->stream_seen;
			}
		}
	} else if (in->buf[BUF_PAYLOAD].n > 0) {
		v.data = in->buf[BUF_PAYLOAD].v[0];
	} else {
		return false;
	}
	return verify_list(&m->verifier, l, &v);
}

static bool
buffer_ok(struct rule_matcher *m, const struct rule_list *l)
{
	const struct inspect_list *b = &m->in->buf[l->buf];
	struct verify_input v = { .offset = 0 };
	uint32_t n = MIN(b->n, (uint32_t)MAX_INSTANCES);

	if (n == 0) {
		return l->absent;
	}
	if (l->absent && !l->absent_or) {
		return false;
	}
	if (l->body) {
		v.offset = m->in->body_offset[m->in->dir];
	}
	for (uint32_t i = 0; i < n; i++) {
		v.data = b->v[i];
		if (verify_list(&m->verifier, l, &v)) {
			return true;
		}
		if (!l->multi) {
			break;
		}
	}
	return false;
}

static bool
lists_ok(struct rule_matcher *m, const struct rule_prog *p)
{
	memset(m->verifier.vars, 0, sizeof(m->verifier.vars));
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		if (l->buf == BUF_PAYLOAD ? !payload_ok(m, p, l)
					  : !buffer_ok(m, l)) {
			return false;
		}
	}
	return true;
}

/* Flowbits and flow variables of a rule that matched. */
static void
leave_state(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct rule_env *env = &m->rs->env;

	if (p->n_bits_set == 0 && p->n_ints == 0) {
		return;
	}
	m->flow = state_flow(m->in, m->rs->id, true);
	if (m->flow == NULL) {
		m->stats.pending_full++;
		return;
	}
	for (uint16_t i = 0; i < p->n_bits_set; i++) {
		if (!state_bit_change(m->flow, (enum bit_cmd)p->bits_set[i].cmd,
				      p->bits_set[i].ids[0], env->flowbits.n,
				      m->in->pool)) {
			m->stats.pending_full++;
		}
	}
	for (uint16_t i = 0; i < p->n_ints; i++) {
		if (!state_int_change(m->flow, &p->ints[i], env->flowints.n,
				      m->in->pool)) {
			m->stats.pending_full++;
		}
	}
}

static bool
suppressed(const struct rule_matcher *m, const struct rule_prog *p)
{
	for (const struct suppress *s = p->suppress; s != NULL; s = s->next) {
		bool src = s->addrs == NULL ||
			   range_set_has(s->addrs, m->facts.src);
		bool dst = s->addrs == NULL ||
			   range_set_has(s->addrs, m->facts.dst);

		if (s->by == SUPPRESS_ALL || (s->by == SUPPRESS_SRC && src) ||
		    (s->by == SUPPRESS_DST && dst) ||
		    (s->by == SUPPRESS_EITHER && (src || dst))) {
			return true;
		}
	}
	return false;
}

/* A pass rule silences its packet, or the flow when it looked past packets. */
static void
pass(struct rule_matcher *m, const struct rule_prog *p)
{
	bool whole = p->kind == PROG_IPONLY || m->in->kind != INSPECT_PACKET;

	m->passed = true;
	m->flow = state_flow(m->in, m->rs->id, true);
	if (m->flow != NULL) {
		m->flow->pass_packet = true;
		m->flow->pass = m->flow->pass || whole;
	}
}

static void
emit(struct rule_matcher *m, const struct rule_prog *p)
{
	struct rule_hits *out = m->out;

	leave_state(m, p);
	if (p->rule->action == ACTION_PASS) {
		pass(m, p);
		return;
	}
	if (p->rule->noalert || suppressed(m, p)) {
		return;
	}
	m->stats.hits++;
	if (out->n == out->cap) {
		out->overflowed++;
		return;
	}
	out->v[out->n++] = (struct rule_hit){
		.rule = p->rule,
		.tx_id = m->in->tx_id,
		.has_tx = m->in->kind == INSPECT_TX,
	};
}

/* Whether a rule on packet and stream alerted on this packet before. */
static bool
seen_before(struct rule_matcher *m, const struct rule_prog *p)
{
	struct rule_flow *f = m->flow;

	if (f == NULL) {
		return false;
	}
	return state_has(f->seen, f->n_seen, p->order) ||
	       (p->once &&
		state_has(f->once, f->n_once, p->order * 2 + m->in->dir));
}

static void
remember_seen(struct rule_matcher *m, const struct rule_prog *p)
{
	struct rule_flow *f;

	if (!p->once && !(p->kind == PROG_PAYLOAD && p->on_stream)) {
		return;
	}
	f = m->flow = state_flow(m->in, m->rs->id, true);
	if (f == NULL) {
		return;
	}
	if (m->in->kind == INSPECT_STREAM && m->in->buf[BUF_STREAM].n > 0) {
		state_unpend(f, m->in->dir, p->order);
		state_speak(f, m->in->dir, p->order,
			    m->in->stream_offset +
				    m->in->buf[BUF_STREAM].v[0].len);
	}
	if (p->once) {
		if (f->n_once == STATE_ONCE) {
			m->stats.pending_full++;
			return;
		}
		f->once[f->n_once++] = p->order * 2 + m->in->dir;
	} else if (f->n_seen < STATE_SEEN) {
		f->seen[f->n_seen++] = p->order;
	} else {
		m->stats.pending_full++;
	}
}

/* May the stream's next bytes still complete this rule? */
static bool
may_complete(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf == BUF_PAYLOAD) {
			return p->lists[i].n_ops > 1;
		}
	}
	return false;
}

static void
wait_in_stream(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;
	uint64_t end = in->stream_offset;

	if (in->buf[BUF_STREAM].n > 0) {
		end += in->buf[BUF_STREAM].v[0].len;
	}
	m->flow = state_flow(in, m->rs->id, true);
	if (m->flow == NULL ||
	    !state_pend(m->flow, in->dir, p->order, end, in->pool)) {
		m->stats.pending_full++;
	}
}

static void
try_plain(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;

	if ((p->dirs >> in->dir & 1) == 0 || seen_before(m, p) ||
	    !facts_header(p, in, &m->facts, in->pkt_is_reverse) ||
	    !facts_bits(p, in, m->flow) || !facts_tests(p, in, m->flow)) {
		return;
	}
	m->stats.verified++;
	if (p->n_lists > 0 && !lists_ok(m, p)) {
		if (in->kind == INSPECT_STREAM && p->fast_list >= 0 &&
		    may_complete(p)) {
			wait_in_stream(m, p);
		}
		return;
	}
	remember_seen(m, p);
	emit(m, p);
}

enum readiness { READY, NOT_YET, NEVER };

/* Are all the buffers there that the rule asks?  '*grows': one still does. */
static enum readiness
tx_ready(const struct inspect *in, const struct rule_prog *p, bool *grows)
{
	*grows = false;
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];
		bool known = inspect_bit(in->done, l->buf);

		if (l->buf == BUF_PAYLOAD) {
			*grows = true;
			continue;
		}
		if (l->body) {
			bool end = in->body_complete[in->dir] ||
				   in->tx_done[in->dir];

			*grows = *grows || !end;
			known = end || (in->buf[l->buf].n > 0 && !l->wants_end);
		}
		if (!known) {
			return NOT_YET;
		}
		if (in->buf[l->buf].n == 0 && !l->absent && !l->body) {
			return NEVER;
		}
	}
	return READY;
}

static void
wait_in_tx(struct rule_matcher *m, const struct rule_prog *p)
{
	m->tx = state_tx(m->in, m->rs->id, true);
	if (m->tx == NULL ||
	    !state_add(&m->tx->pending, p->order, m->in->pool)) {
		m->stats.pending_full++;
	}
}

static void
try_tx(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;
	/* a program of the other direction meets the packet turned round */
	bool swap = in->pkt_is_reverse != ((p->dirs >> in->dir & 1) == 0);
	bool grows;
	enum readiness ready;

	if (m->tx != NULL &&
	    state_has(m->tx->alerted.v, m->tx->alerted.n, p->order)) {
		return;
	}
	ready = tx_ready(in, p, &grows);
	if (ready != READY) {
		if (ready == NOT_YET) {
			wait_in_tx(m, p);
		}
		return;
	}
	if (!facts_header(p, in, &m->facts, swap) ||
	    !facts_bits(p, in, m->flow)) {
		return;
	}
	m->stats.verified++;
	if (!facts_tests(p, in, m->flow) || !lists_ok(m, p)) {
		if (grows || (p->n_tests > 0 && !in->tx_done[in->dir])) {
			wait_in_tx(m, p);
		}
		return;
	}
	m->tx = state_tx(in, m->rs->id, true);
	if (m->tx == NULL || !state_add(&m->tx->alerted, p->order, in->pool)) {
		/* better one alert too many than none */
		m->stats.pending_full++;
	}
	emit(m, p);
}

/* Candidates in their order of evaluation; leaves the bitmap empty. */
static void
try_candidates(struct rule_matcher *m)
{
	for (uint32_t s = 0; s < m->n_summary; s++) {
		while (m->summary[s] != 0) {
			uint32_t w = s * 64 +
				     (uint32_t)__builtin_ctzll(m->summary[s]);

			m->summary[s] &= m->summary[s] - 1;
			while (m->candidates[w] != 0) {
				uint32_t order =
					w * 64 + (uint32_t)__builtin_ctzll(
							 m->candidates[w]);
				const struct rule_prog *p =
					m->groups->progs[order];

				m->candidates[w] &= m->candidates[w] - 1;
				if (m->passed) {
					continue;
				}
				m->stats.candidates++;
				if (p->kind == PROG_TX) {
					try_tx(m, p);
				} else {
					try_plain(m, p);
				}
			}
		}
	}
}

static enum packet_class
class_of(const struct inspect *in)
{
	switch (in->pkt.proto) {
	case IPP_TCP:
		return in->pkt.in_stream ? PACKET_TCP_STREAM : PACKET_TCP;
	case IPP_UDP:
		return PACKET_UDP;
	case IPP_ICMP:
		return PACKET_ICMP4;
	case IPP_ICMPV6:
		return PACKET_ICMP6;
	case IPP_SCTP:
		return PACKET_SCTP;
	default:
		return PACKET_OTHER;
	}
}

/* The flow's first packet in this direction, or one that has no flow. */
static bool
is_first(const struct inspect *in)
{
	return in->flow == NULL || in->flow->pkts[in->dir] <= 1;
}

static void
gather_packet(struct rule_matcher *m)
{
	const struct inspect *in = m->in;
	enum packet_class c = class_of(in);
	const struct packet_lists *l = &m->groups->packet[c][in->dir];
	const struct rule_group *payload = &m->groups->payload[c][in->dir];

	add_by_ends(m, &l->always);
	if (!event_set_empty(&in->pkt.events)) {
		add_bare(m, &l->event);
	}
	/* a rule of this very call may set the first bit */
	if (in->flow != NULL && ((m->flow != NULL && m->flow->bits != NULL) ||
				 in->flow->pkts[in->dir] <= 1)) {
		add_bare(m, &l->bits);
	}
	if (is_first(in)) {
		add_by_ends(m, &l->first);
	}
	add_bare(m, payload);
	if (in->buf[BUF_PAYLOAD].n > 0) {
		scan(m, payload, in->buf[BUF_PAYLOAD].v[0]);
	}
}

/* 'v' from so far back that a literal across the seam is whole. */
static struct view
news(struct view v, size_t seen, size_t longest)
{
	size_t back = longest > 0 ? longest - 1 : 0;

	return view_sub(v, seen > back ? seen - back : 0, v.len);
}

/*
 * A rule that waits is tried with every segment at first; later only when
 * enough came in to be worth going through the whole window again, so that
 * tiny segments cannot make the window be searched for every byte.
 */
static void
retry(struct rule_matcher *m, struct rule_flow *f,
      const struct state_pending *was)
{
	const struct inspect *in = m->in;
	struct state_pending p = *was;
	uint64_t end = in->stream_offset + in->buf[BUF_STREAM].v[0].len;

	if (m->candidates[p.order / 64] >> (p.order % 64) & 1) {
		p.end = end; /* the literal came again */
		p.tried = end;
	}
	if (p.end <= in->stream_offset) {
		return; /* its literal has left the window */
	}
	if (p.tries < PEND_EAGER || end - p.tried >= PEND_STEP ||
	    in->stream_end) {
		p.tries += p.tries < UINT8_MAX;
		p.tried = end;
		add_candidate(m, p.order);
	}
	f->pending[in->dir][f->n_pending[in->dir]++] = p;
}

static void
gather_stream(struct rule_matcher *m)
{
	const struct inspect *in = m->in;
	const struct rule_group *g = &m->groups->stream[in->dir];
	struct rule_flow *f = m->flow;
	uint8_t n;

	if (in->buf[BUF_STREAM].n == 0) {
		return;
	}
	add_bare(m, g);
	scan(m, g, news(in->buf[BUF_STREAM].v[0], in->stream_seen, g->longest));
	if (f == NULL) {
		return;
	}
	n = f->n_pending[in->dir];
	f->n_pending[in->dir] = 0;
	for (uint8_t i = 0; i < n; i++) {
		retry(m, f, &f->pending[in->dir][i]);
	}
}

/* Buffers of one direction only; their rules run whoever sent the packet. */
static bool
is_one_way(enum inspect_buf b)
{
	return (b >= BUF_HTTP_METHOD && b <= BUF_HTTP_RESP_BODY) ||
	       b == BUF_TLS_SNI || (b >= BUF_JA3_HASH && b <= BUF_JA4_HASH);
}

static bool
is_body(enum inspect_buf b)
{
	return b == BUF_FILE_DATA || b == BUF_HTTP_REQ_BODY ||
	       b == BUF_HTTP_RESP_BODY;
}

static void
gather_buffer(struct rule_matcher *m, enum inspect_buf b, unsigned dir)
{
	const struct inspect *in = m->in;
	const struct rule_group *g = &m->groups->tx[b][dir];
	uint32_t n = MIN(in->buf[b].n, (uint32_t)MAX_INSTANCES);

	add_bare(m, g);
	for (uint32_t i = 0; g->prefilter != NULL && i < n; i++) {
		struct view v = in->buf[b].v[i];

		scan(m, g,
		     is_body(b) ? news(v, in->body_seen[in->dir], g->longest)
				: v);
	}
}

static void
gather_tx(struct rule_matcher *m)
{
	const struct inspect *in = m->in;

	for (unsigned w = 0; w < 2; w++) {
		uint64_t fresh = in->fresh[w] & m->rs->needed[w];

		while (fresh != 0) {
			enum inspect_buf b = (enum inspect_buf)(
				w * 64 + (unsigned)__builtin_ctzll(fresh));

			fresh &= fresh - 1;
			gather_buffer(m, b, in->dir);
			if (is_one_way(b)) {
				gather_buffer(m, b, 1 - in->dir);
			}
		}
	}
	add_bare(m, &m->groups->tx_bare[in->app][in->dir]);
	if (in->app != APP_UNKNOWN) {
		add_bare(m, &m->groups->tx_bare[APP_UNKNOWN][in->dir]);
	}
	if (m->tx != NULL) {
		uint32_t n = m->tx->pending.n;

		m->tx->pending.n = 0;
		for (uint32_t i = 0; i < n; i++) {
			add_candidate(m, m->tx->pending.v[i]);
		}
	}
}

static bool
goes_before(const struct rule_hit *a, const struct rule_hit *b)
{
	if (a->rule->priority != b->rule->priority) {
		return a->rule->priority < b->rule->priority;
	}
	if ((a->ioc == NULL) != (b->ioc == NULL)) {
		return a->ioc == NULL;
	}
	return a->rule->index < b->rule->index;
}

/* Few hits in nearly the right order: insertion. */
static void
sort_hits(struct rule_hit *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct rule_hit h = v[i];
		uint32_t k = i;

		while (k > 0 && goes_before(&h, &v[k - 1])) {
			v[k] = v[k - 1];
			k--;
		}
		v[k] = h;
	}
}

static void
begin_packet(struct rule_matcher *m)
{
	if (m->flow != NULL) {
		m->flow->n_seen = 0;
		m->flow->pass_packet = false;
	}
}

void
rule_match(struct rule_matcher *m, struct inspect *in, struct rule_hits *out)
{
	uint32_t before = out->n;

	m->in = in;
	m->out = out;
	m->stats.calls++;
	m->flow = state_flow(in, m->rs->id, false);
	m->tx = in->kind == INSPECT_TX ? state_tx(in, m->rs->id, false) : NULL;
	m->passed = false;
	if (in->kind == INSPECT_PACKET) {
		begin_packet(m);
	}
	if (m->flow != NULL && (m->flow->pass || m->flow->pass_packet)) {
		return;
	}
	call_facts_of(in, &m->facts);
	switch (in->kind) {
	case INSPECT_PACKET:
		gather_packet(m);
		break;
	case INSPECT_STREAM:
		gather_stream(m);
		break;
	case INSPECT_TX:
		gather_tx(m);
		break;
	}
	try_candidates(m);
	if (m->rs->iocs != NULL && !m->passed) {
		ioc_match(m->rs->iocs, in, out);
	}
	sort_hits(out->v + before, out->n - before);
	m->stats.pcre_limit = m->verifier.pcre_limit;
}

uint32_t
rule_flow_bits(const struct ruleset *rs, const struct rule_flow *f,
	       const char **names, uint32_t cap)
{
	uint32_t n = 0;

	if (f == NULL || f->set_id != rs->id) {
		return 0;
	}
	for (uint32_t i = 0; i < rs->env.flowbits.n && n < cap; i++) {
		if (state_bit(f, i)) {
			names[n++] = rs->env.flowbits.names[i];
		}
	}
	return n;
}

const struct rule_matcher_stats *
rule_matcher_stats(const struct rule_matcher *m)
{
	return &m->stats;
}
