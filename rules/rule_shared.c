/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets and what else a rule asks beyond its flow, as a matcher sees it. */
#include "rules/rule_matcher.h"

static const uint8_t *
addr_bytes(const struct addr *a, uint8_t version)
{
	return version == 4 ? a->b + 12 : a->b;
}

struct view
shared_addr_buffer(const struct rule_matcher *m, enum inspect_buf b)
{
	const struct inspect_packet *pkt = &m->in->pkt;
	bool src = (b == BUF_IP_SRC) != m->swap;

	if (pkt->ip_version != 4 && pkt->ip_version != 6) {
		return VIEW_NONE;
	}
	return view_of(addr_bytes(src ? &pkt->src : &pkt->dst, pkt->ip_version),
		       pkt->ip_version == 4 ? 4 : 16);
}

void
shared_begin(struct rule_matcher *m, bool swap)
{
	m->swap = swap;
	claim_begin(&m->claims);
	m->n_data = m->data_kept;
}

void
shared_list(struct rule_matcher *m, const struct rule_list *l)
{
	if (rule_list_changes(l)) {
		claim_list(&m->claims);
	}
}

bool
shared_value_ok(struct rule_matcher *m, const struct rule_list *l)
{
	struct view data = m->verifier.value;
	uint32_t n_data = m->n_data;

	if (l->n_datasets > 0 && data.len == 0) {
		return false;
	}
	for (uint8_t i = 0; i < l->n_datasets; i++) {
		const struct dataset_op *op = &l->datasets[i];
		const struct dataset_value *v;

		if (op->set->changes) {
			continue; /* asked where hits meet */
		}
		if (!dataset_holds(&op->set->table, op, data, &v)) {
			m->n_data = n_data;
			return false;
		}
		if (v != NULL && v->json != NULL && op->context != NULL) {
			if (m->n_data < MAX_DATA) {
				m->data[m->n_data++] =
					(struct rule_datum){ op->context,
							     v->json };
			} else {
				m->stats.pending_full++;
			}
		}
	}
	if (rule_list_changes(l)) {
		claim_value(&m->claims, data);
	}
	return true;
}

static struct shared_claim
claim_of(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect_packet *pkt = &m->in->pkt;

	return (struct shared_claim){
		.prog = p,
		.src = m->swap ? pkt->dst : pkt->src,
		.dst = m->swap ? pkt->src : pkt->dst,
		.ip_version = pkt->ip_version,
		.ts_us = pkt->ts_us,
		.values = claim_keep(&m->claims),
	};
}

bool
shared_settle(struct rule_matcher *m, const struct rule_prog *p,
	      struct rule_hit *hit)
{
	hit->data = m->data + m->data_kept;
	hit->n_data = (uint8_t)(m->n_data - m->data_kept);
	if (!p->asks_shared) {
		m->data_kept = m->n_data;
		return true;
	}
	if (m->claims.full) {
		m->out->overflowed++;
		return false;
	}
	hit->claim = claim_of(m, p);
	if (m->shared != NULL) {
		bool met = shared_state_apply(m->shared, &hit->claim);

		hit->claim.prog = NULL; /* settled */
		if (!met) {
			return false;
		}
	}
	m->data_kept = m->n_data;
	return true;
}
