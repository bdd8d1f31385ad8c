/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fill_dns.h"

static void
set_number(struct inspect *in, enum inspect_num n, int64_t value)
{
	in->num[n] = value;
	in->num_set |= UINT32_C(1) << n;
}

/* False when memory is out: the names are then not offered. */
static bool
list_queries(struct dns_tx *tx)
{
	if (tx->query_names == NULL && tx->n_questions > 0) {
		tx->query_names = arena_alloc(
			&tx->tx.arena, tx->n_questions * sizeof(struct view));
		if (tx->query_names == NULL) {
			return false;
		}
		for (uint32_t i = 0; i < tx->n_questions; i++) {
			tx->query_names[i] = tx->questions[i].name.text;
		}
	}
	return true;
}

static bool
list_answers(struct dns_tx *tx)
{
	uint32_t n = tx->n_rr[DNS_ANSWER];

	if (tx->answer_names == NULL && n > 0) {
		tx->answer_names =
			arena_alloc(&tx->tx.arena, n * sizeof(struct view));
		if (tx->answer_names == NULL) {
			return false;
		}
		for (uint32_t i = 0; i < n; i++) {
			tx->answer_names[i] = tx->rr[DNS_ANSWER][i].name.text;
		}
	}
	return true;
}

void
fill_dns(struct inspect *in, struct dns_tx *tx, const uint64_t needed[2])
{
	if (inspect_bit(needed, BUF_DNS_QUERY) ||
	    inspect_bit(needed, BUF_DNS_QUERY_NAME)) {
		uint32_t n = list_queries(tx) ? tx->n_questions : 0;

		inspect_set(in, BUF_DNS_QUERY, tx->query_names,
			    in->dir == DIR_TOSERVER ? n : 0);
		inspect_set(in, BUF_DNS_QUERY_NAME, tx->query_names, n);
	}
	if (inspect_bit(needed, BUF_DNS_ANSWER_NAME)) {
		bool ok = list_answers(tx);

		inspect_set(in, BUF_DNS_ANSWER_NAME, tx->answer_names,
			    ok ? tx->n_rr[DNS_ANSWER] : 0);
	}
	set_number(in, NUM_DNS_OPCODE, tx->opcode);
	set_number(in, NUM_DNS_RCODE, tx->rcode);
	if (tx->n_questions > 0) {
		set_number(in, NUM_DNS_RRTYPE, tx->questions[0].type);
	}
}
