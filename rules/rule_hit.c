/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule that matched leaves behind: state, captures and its hit. */
#include "rules/rule_matcher.h"

/* What a rule that matched captured: for the flow or packet, or the alert. */
static void
leave_captured(struct rule_matcher *m)
{
	const struct notes *l = &m->verifier.captured;

	m->flow = state_flow(m->in, true);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct note *n = &l->v[i];
		bool kept = false;

		if (n->kind == NOTE_ALERT) {
			kept = m->n_context < NOTES_MAX;
			if (kept) {
				m->context[m->n_context++] = *n;
			}
		} else if (m->flow != NULL) {
			struct notes *to = state_notes(m->flow, m->in->pool);

			kept = to != NULL && notes_copy(to, n);
		}
		m->stats.pending_full += !kept;
	}
}

/* Flowbits and flow variables of a rule that matched. */
static void
leave_state(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct rule_env *env = &m->rs->env;

	if (p->n_bits_set == 0 && p->n_ints == 0) {
		return;
	}
	m->flow = state_flow(m->in, true);
	if (m->flow == NULL) {
		m->stats.pending_full++;
		return;
	}
	if (p->n_bits_set > 0 && m->flow->bits == NULL &&
	    m->in->kind == INSPECT_PACKET) {
		gather_bits(m, p->order + 1);
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

/*
 * A pass rule silences its packet; the flow, when it is about addresses or an
 * application, or looked past packets.
 */
static void
pass(struct rule_matcher *m, const struct rule_prog *p)
{
	bool whole = p->kind == PROG_IPONLY || p->app_strict || p->once ||
		     m->in->kind != INSPECT_PACKET;

	m->passed = m->out->passed = true;
	m->flow = state_flow(m->in, true);
	if (m->flow != NULL) {
		m->flow->pass_packet = true;
		m->flow->pass = m->flow->pass || whole;
	}
}

static void
leave_tx_bits(struct rule_matcher *m, const struct rule_prog *p)
{
	m->tx = state_tx(m->in, true);
	if (m->tx == NULL || !state_tx_bits_change(m->tx, p, m->in->pool)) {
		m->stats.pending_full++;
	}
}

void
hit_emit(struct rule_matcher *m, const struct rule_prog *p)
{
	struct rule_hits *out = m->out;
	uint32_t context = m->n_context;
	struct rule_hit hit = {
		.rule = p->rule,
		.tx_id = m->in->tx_id,
		.has_tx = m->in->kind == INSPECT_TX,
		.rank = p->order + 1,
		.ip_only = p->kind == PROG_IPONLY,
		.suppressed = suppressed(m, p),
		.silent = p->rule->noalert || p->rule->action == ACTION_PASS,
	};

	if (!shared_settle(m, p, &hit)) {
		return;
	}
	if (UNLIKELY(m->profile != NULL)) {
		m->profile->of[p->order].matches++;
	}
	leave_state(m, p);
	if (p->n_tx_bits > 0) {
		leave_tx_bits(m, p);
	}
	out->bypass = out->bypass || p->rule->bypass;
	out->no_tx_log = out->no_tx_log || p->rule->no_tx_log;
	if (p->n_lists > 0 && m->verifier.captured.n > 0) {
		leave_captured(m);
	}
	if (p->rule->action == ACTION_PASS) {
		pass(m, p);
	}
	if (hit.silent && !claim_is_made(&hit.claim)) {
		return;
	}
	m->stats.hits++;
	if (out->n == out->cap) {
		out->overflowed++;
		return;
	}
	hit.notes = &m->context[context];
	hit.n_notes = (uint8_t)(m->n_context - context);
	out->v[out->n++] = hit;
}
