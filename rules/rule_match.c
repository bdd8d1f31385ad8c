/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_match.h"

#include <assert.h>
#include <stdlib.h>

#include "rules/ioc_live.h"
#include "rules/rule_matcher.h"

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
	m->ids = calloc(m->groups->most_ids + 1, sizeof(m->ids[0]));
	m->segment.scan[0].ids =
		calloc(2 * ((size_t)m->groups->most_ids + 1), sizeof(uint32_t));
	m->claims.p = malloc(CLAIM_ROOM);
	if (ruleset_pattern_moments(rs) != 0) {
		m->patterns = ioc_matching_new();
	}
	if ((ruleset_pattern_moments(rs) != 0 && m->patterns == NULL) ||
	    m->claims.p == NULL || m->scratch == NULL ||
	    m->candidates == NULL || m->summary == NULL || m->id_bits == NULL ||
	    m->ids == NULL || m->segment.scan[0].ids == NULL ||
	    !rule_plans_init(&m->plans, m->groups) ||
	    !verifier_init(&m->verifier, rs->match_limit) ||
	    rule_groups_each(m->groups, grow_scratch, m->scratch) != ERR_OK ||
	    (rs->live != NULL &&
	     (m->live = ioc_live_reader_new(rs->live)) == NULL)) {
		rule_matcher_free(m);
		return NULL;
	}
	m->segment.scan[1].ids =
		m->segment.scan[0].ids + m->groups->most_ids + 1;
	return m;
}

void
rule_matcher_free(struct rule_matcher *m)
{
	if (m != NULL) {
		ioc_live_reader_free(m->live);
		rule_plans_fini(&m->plans);
		verifier_fini(&m->verifier);
		rule_profile_free(m->profile);
		ioc_matching_free(m->patterns);
		prefilter_scratch_free(m->scratch);
		free(m->candidates);
		free(m->summary);
		free(m->claims.p);
		free(m->id_bits);
		free(m->ids);
		free(m->segment.scan[0].ids);
		free(m);
	}
}

const struct ruleset *
rule_matcher_rules(const struct rule_matcher *m)
{
	return m->rs;
}

void
rule_matcher_follow(struct rule_matcher *m, const struct rule_matcher *old)
{
	rule_plans_follow(&m->plans, &old->plans);
	m->stats = old->stats;
	m->verifier.pcre_limit = old->verifier.pcre_limit;
	m->verifier.step_limit = old->stats.step_limit;
	m->facts_dropped = old->stats.pattern_facts_dropped;
	if (m->profile != NULL && old->profile != NULL) {
		rule_profile_add(m->profile, old->profile);
	}
}

bool
rule_matcher_profile(struct rule_matcher *m)
{
	if (m->profile == NULL) {
		m->profile = rule_profile_new(m->rs);
	}
	return m->profile != NULL;
}

const struct rule_profile *
rule_matcher_costs(const struct rule_matcher *m)
{
	return m->profile;
}

static void
try_one(struct rule_matcher *m, const struct rule_prog *p)
{
	if (p->kind == PROG_TX) {
		try_tx(m, p);
	} else {
		try_plain(m, p);
	}
}

/* try_one() with its count, and now and then its time. */
static void
try_counted(struct rule_matcher *m, const struct rule_prog *p)
{
	struct profile_cost *c = &m->profile->of[p->order];
	uint64_t matches = c->matches, began;

	m->profile->gather[m->in->kind].candidates++;
	if (!profile_is_timed(c->checks++)) {
		try_one(m, p);
		return;
	}
	began = profile_ticks();
	try_one(m, p);
	profile_time_add(m->profile, c->matches != matches ? &c->hit : &c->miss,
			 profile_ticks() - began);
}

/* Candidates in their order of evaluation; leaves the bitmap empty. */
static void
try_candidates(struct rule_matcher *m)
{
	xform_forget(m->verifier.xforms);
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
				if (UNLIKELY(m->profile != NULL)) {
					try_counted(m, p);
				} else {
					try_one(m, p);
				}
			}
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
		m->flow->pass_packet = false;
		if (m->flow->notes != NULL) {
			notes_drop(m->flow->notes, NOTE_PKT);
		}
	}
}

void
rule_matcher_settle(struct rule_matcher *m, struct shared_state *s)
{
	m->shared = s;
}

/* Marks candidates; 'l' is NULL for a transaction. */
static void
mark(struct rule_matcher *m, enum inspect_kind kind, const struct rule_look *l)
{
	switch (kind) {
	case INSPECT_PACKET:
		gather_packet(m, l);
		break;
	case INSPECT_STREAM:
		gather_stream(m, l);
		break;
	case INSPECT_TX:
		gather_tx(m);
		break;
	}
}

static void
gather(struct rule_matcher *m, enum inspect_kind kind,
       const struct rule_look *l)
{
	struct profile_gather *g;
	uint64_t began;

	if (LIKELY(m->profile == NULL)) {
		mark(m, kind, l);
		return;
	}
	g = &m->profile->gather[kind];
	if (!profile_is_timed(g->calls++)) {
		mark(m, kind, l);
		return;
	}
	began = profile_ticks();
	mark(m, kind, l);
	profile_time_add(m->profile, &g->time, profile_ticks() - began);
}

/* The flow's or datagram's silence that pass rules asked for. */
static bool
is_passed(const struct rule_matcher *m)
{
	return m->flow != NULL && (m->flow->pass || m->flow->pass_packet);
}

bool
rule_wants_packet(struct rule_matcher *m, const struct rule_look *l)
{
	assert(!m->gathered);
	m->flow = l->state != NULL ? *l->state : NULL;
	begin_packet(m);
	if (is_passed(m)) {
		return false;
	}
	gather(m, INSPECT_PACKET, l);
	m->gathered = m->any ||
		      ((m->rs->iocs != NULL || m->live != NULL) && l->first);
	return m->gathered;
}

bool
rule_wants_stream(struct rule_matcher *m, const struct rule_look *l)
{
	assert(!m->gathered);
	m->flow = l->state != NULL ? *l->state : NULL;
	if (is_passed(m)) {
		return false;
	}
	gather(m, INSPECT_STREAM, l);
	m->gathered = m->any ||
		      (m->flow != NULL && m->flow->n_pending[l->ends.dir] > 0);
	return m->gathered;
}

/* What 'in' says of the packet or bytes, for who did not ask before. */
static struct rule_look
look_of(const struct inspect *in)
{
	const struct inspect_packet *pkt = &in->pkt;
	bool turned = in->pkt_is_reverse;
	bool tcp = pkt->proto == IPP_TCP;
	struct rule_look l = {
		.ends = { .src = turned ? &pkt->dst : &pkt->src,
			  .dst = turned ? &pkt->src : &pkt->dst,
			  .sport = turned ? pkt->dport : pkt->sport,
			  .dport = turned ? pkt->sport : pkt->dport,
			  .proto = pkt->proto,
			  .ip_version = pkt->ip_version,
			  .dir = (uint8_t)in->dir,
			  .has_flow = in->flow != NULL },
		.in_stream = tcp && pkt->in_stream,
		.first = in->flow == NULL || in->flow->pkts[in->dir] <= 1,
		.has_events = !event_set_empty(&pkt->events),
		.seen = in->stream_seen,
		.offset = in->stream_offset,
	};
	const struct inspect_list *b =
		&in->buf[in->kind == INSPECT_STREAM ? BUF_STREAM : BUF_PAYLOAD];

	if (tcp) {
		l.type = pkt->tcp_flags;
	} else if (pkt->proto == IPP_ICMP || pkt->proto == IPP_ICMPV6) {
		l.type = pkt->icmp_type;
	}
	if (in->flow != NULL) {
		l.established = in->flow->established;
		l.app = (uint8_t)in->flow->app;
	}
	if (b->n > 0) {
		l.payload = b->v[0];
	}
	return l;
}

/* Marks the candidates of the call. */
static void
gather_call(struct rule_matcher *m)
{
	struct rule_look l;

	if (m->in->kind == INSPECT_TX) {
		gather(m, INSPECT_TX, NULL);
		return;
	}
	if (!m->gathered) {
		l = look_of(m->in);
		gather(m, m->in->kind, &l);
	}
	m->gathered = false;
	if (m->in->kind == INSPECT_STREAM && m->in->buf[BUF_STREAM].n > 0) {
		gather_pending(m);
	}
}

/* STIX patterns; 'end': the flow is over, and nothing else is asked. */
static void
match_patterns(struct rule_matcher *m, const struct inspect *in, bool end,
	       struct rule_hits *out)
{
	uint32_t from = out->n, n = from;

	if (end) {
		ioc_pattern_match_end(m->rs->iocs, m->patterns, in, out);
	} else {
		ioc_pattern_match(m->rs->iocs, m->patterns, in, out);
	}
	if (m->shared == NULL) {
		return;
	}
	for (uint32_t i = from; i < out->n; i++) {
		struct rule_hit *h = &out->v[i];

		if (h->claim.pattern != NULL &&
		    !shared_state_apply(m->shared, &h->claim)) {
			continue;
		}
		h->claim.pattern = NULL; /* settled */
		out->v[n++] = *h;
	}
	out->n = n;
}

void
rule_match_end(struct rule_matcher *m, const struct inspect *in,
	       struct rule_hits *out)
{
	m->flow = in->flow_state != NULL ? *in->flow_state : NULL;
	if (m->patterns != NULL && !is_passed(m)) {
		match_patterns(m, in, true, out);
	}
}

void
rule_match(struct rule_matcher *m, struct inspect *in, struct rule_hits *out)
{
	uint32_t before = out->n;

	m->in = in;
	m->out = out;
	m->stats.calls++;
	m->flow = state_flow(in, false);
	m->tx = in->kind == INSPECT_TX ? state_tx(in, false) : NULL;
	m->passed = false;
	m->n_context = 0;
	claim_reset(&m->claims);
	m->n_data = m->data_kept = 0;
	if (in->kind == INSPECT_PACKET) {
		begin_packet(m);
	}
	if (is_passed(m)) {
		return;
	}
	gather_call(m);
	if (m->any) {
		call_facts_of(in, &m->facts);
		try_candidates(m);
		m->any = false;
	}
	if ((m->rs->iocs != NULL || m->live != NULL) && !m->passed) {
		ioc_match(m->rs->iocs, m->live, in, out);
	}
	if (m->patterns != NULL && !m->passed) {
		match_patterns(m, in, false, out);
	}
	sort_hits(out->v + before, out->n - before);
	m->stats.pcre_limit = m->verifier.pcre_limit;
	m->stats.step_limit = m->verifier.step_limit;
	if (m->patterns != NULL) {
		m->stats.step_limit += m->patterns->run.limited;
		m->stats.pattern_facts_dropped =
			m->facts_dropped + m->patterns->obs.dropped;
	}
}

static void
meta_bits(const struct rule_env *env, const struct rule_flow *f,
	  struct rule_metadata *out)
{
	for (uint32_t w = 0; w < f->n_bit_words; w++) {
		uint64_t bits = f->bits[w];

		while (bits != 0 && out->n_bits < RULE_META_BITS) {
			uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);

			bits &= bits - 1;
			if (i < env->flowbits.n) {
				out->bits[out->n_bits++] =
					env->flowbits.names[i];
			}
		}
	}
}

static void
meta_ints(const struct rule_env *env, const struct rule_flow *f,
	  struct rule_metadata *out)
{
	uint32_t x;

	for (uint32_t i = 0; i < env->flowints.n && f->ints != NULL; i++) {
		if (state_int(f, i, &x) && out->n_ints < RULE_META_INTS) {
			out->ints[out->n_ints].name = env->flowints.names[i];
			out->ints[out->n_ints++].value = x;
		}
	}
}

void
rule_metadata_of(const struct ruleset *rs, const struct rule_flow *f,
		 struct rule_metadata *out)
{
	out->n_bits = out->n_ints = 0;
	out->notes = NULL;
	out->names = rs->env.notes.names;
	if (f != NULL) {
		meta_bits(&rs->env, f, out);
		meta_ints(&rs->env, f, out);
		out->notes = f->notes;
	}
}

bool
rule_flow_passed(const struct rule_flow *f)
{
	return f != NULL && f->pass;
}

const struct rule_matcher_stats *
rule_matcher_stats(const struct rule_matcher *m)
{
	return &m->stats;
}
