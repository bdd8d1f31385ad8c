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
list_section(struct dns_tx *tx, enum dns_section s)
{
	uint32_t n = tx->n_rr[s];

	if (tx->section_names[s] == NULL && n > 0) {
		tx->section_names[s] =
			arena_alloc(&tx->tx.arena, n * sizeof(struct view));
		if (tx->section_names[s] == NULL) {
			return false;
		}
		for (uint32_t i = 0; i < n; i++) {
			tx->section_names[s][i] = tx->rr[s][i].name.text;
		}
	}
	return true;
}

/* Whether the record's data is a host's name too (of SOA: its mname). */
static bool
has_target(const struct dns_rr *rr)
{
	if (!rr->parsed) {
		return false;
	}
	switch (rr->type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_SOA:
	case DNS_TYPE_PTR:
	case DNS_TYPE_MX:
	case DNS_TYPE_SRV:
	case DNS_TYPE_DNAME:
		return true;
	default:
		return false;
	}
}

/* At most two names a record, so that DNS_MAX_RRS bounds this as well. */
static bool
list_response(struct dns_tx *tx)
{
	uint32_t n = tx->n_questions;
	struct view *v;

	for (unsigned s = 0; s < DNS_SECTIONS; s++) {
		n += 2 * tx->n_rr[s];
	}
	if (tx->response_names != NULL || n == 0) {
		return true;
	}
	v = tx->response_names = arena_alloc(&tx->tx.arena, n * sizeof(*v));
	if (v == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < tx->n_questions; i++) {
		*v++ = tx->questions[i].name.text;
	}
	for (unsigned s = 0; s < DNS_SECTIONS; s++) {
		for (uint32_t i = 0; i < tx->n_rr[s]; i++) {
			const struct dns_rr *rr = &tx->rr[s][i];

			*v++ = rr->name.text;
			if (has_target(rr)) {
				*v++ = rr->target.text;
			}
		}
	}
	tx->n_response_names = (uint32_t)(v - tx->response_names);
	return true;
}

static void
fill_queries(struct inspect *in, struct dns_tx *tx)
{
	uint32_t n = list_queries(tx) ? tx->n_questions : 0;

	inspect_set(in, BUF_DNS_QUERY, tx->query_names,
		    in->dir == DIR_TOSERVER ? n : 0);
	inspect_set(in, BUF_DNS_QUERY_NAME, tx->query_names, n);
}

static void
fill_section(struct inspect *in, struct dns_tx *tx, enum dns_section s,
	     enum inspect_buf b)
{
	bool ok = list_section(tx, s);

	inspect_set(in, b, tx->section_names[s], ok ? tx->n_rr[s] : 0);
}

void
fill_dns(struct inspect *in, struct dns_tx *tx, const uint64_t needed[2])
{
	static const enum inspect_buf sections[DNS_SECTIONS] = {
		[DNS_ANSWER] = BUF_DNS_ANSWER_NAME,
		[DNS_AUTHORITY] = BUF_DNS_AUTHORITY_NAME,
		[DNS_ADDITIONAL] = BUF_DNS_ADDITIONAL_NAME,
	};

	if (inspect_bit(needed, BUF_DNS_QUERY) ||
	    inspect_bit(needed, BUF_DNS_QUERY_NAME)) {
		fill_queries(in, tx);
	}
	if (inspect_bit(needed, BUF_DNS_PDU)) {
		inspect_set(in, BUF_DNS_PDU, &tx->message,
			    tx->message.len > 0 ? 1 : 0);
	}
	for (unsigned s = 0; s < DNS_SECTIONS; s++) {
		if (inspect_bit(needed, sections[s])) {
			fill_section(in, tx, (enum dns_section)s, sections[s]);
		}
	}
	if (inspect_bit(needed, BUF_DNS_RESPONSE_NAME)) {
		uint32_t n = tx->response && list_response(tx)
				     ? tx->n_response_names
				     : 0;

		inspect_set(in, BUF_DNS_RESPONSE_NAME, tx->response_names, n);
	}
	set_number(in, NUM_DNS_OPCODE, tx->opcode);
	set_number(in, NUM_DNS_RCODE, tx->rcode); /* of a request too */
	if (tx->n_questions > 0) {
		set_number(in, NUM_DNS_RRTYPE, tx->questions[0].type);
	} else if (tx->n_rr[DNS_ANSWER] > 0) {
		set_number(in, NUM_DNS_RRTYPE, tx->rr[DNS_ANSWER][0].type);
	}
}
