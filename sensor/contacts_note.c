/* SPDX-License-Identifier: Apache-2.0 */
/* From a note to the table. */
#include "sensor/contacts_state.h"

/* Addresses that nobody answers for. */
static bool
is_one(const struct addr *a)
{
	static const uint8_t none[16];
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	if (addr_is_v4(a)) {
		return a->b[12] >> 4 != 0xe && a->b[12] != 0 &&
		       memcmp(a->b + 12, all, 4) != 0;
	}
	return a->b[0] != 0xff && memcmp(a->b, none, 16) != 0;
}

static bool
is_contact(const struct contacts *c, const struct contact_note *n)
{
	return is_one(&n->src) && is_one(&n->dst) &&
	       (contacts_home(c->conf, &n->src) ||
		contacts_home(c->conf, &n->dst));
}

static bool
has_ports(const struct contact_note *n)
{
	return n->proto == IPP_TCP || n->proto == IPP_UDP ||
	       n->proto == IPP_SCTP;
}

/* A flow that began, in the record of its host and, if kept, of its pair. */
static void
begin(struct contacts *c, const struct contact_note *n, struct contact_host *h,
      struct contact_pair *p)
{
	h->flows++;
	c->count.flows++;
	if (p == NULL || p->to.flows == 0) {
		hll_add_addr(&h->peers, &n->dst);
		if (has_ports(n)) {
			hll_add_port(&h->ports, n->port);
		}
	}
	if (p != NULL) {
		p->to.flows++;
		if (p->to.n_starts < CONTACTS_STARTS) {
			p->to.starts_ms[p->to.n_starts++] =
				(uint32_t)(n->ts_us % c->conf->interval_us /
					   1000);
		}
	}
}

const struct contacts_told *
contacts_take(struct contacts *c, const struct contact_note *n)
{
	const struct contacts_told *told = NULL;
	struct contacts_to to = { .ip = n->dst,
				  .port = has_ports(n) ? n->port : 0,
				  .proto = n->proto };
	bool failed = (n->what & CONTACT_FAILED) != 0;
	struct contact_host *h;
	struct contact_pair *p;
	uint32_t i;

	if (!is_contact(c, n)) {
		return NULL;
	}
	i = contacts_host_at(c, &n->src, n->lane,
			     n->ts_us / c->conf->interval_us, &told);
	h = &c->host[i];
	p = contacts_pair_at(c, i, &to, n->bytes[0]);
	if ((n->what & CONTACT_BEGAN) != 0) {
		begin(c, n, h, p);
	}
	h->bytes_out += n->bytes[0];
	h->bytes_in += n->bytes[1];
	h->failed += failed;
	if (p != NULL) {
		p->to.bytes_out += n->bytes[0];
		p->to.bytes_in += n->bytes[1];
		p->to.failed += failed;
	}
	return told;
}
