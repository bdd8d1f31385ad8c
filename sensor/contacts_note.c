/* SPDX-License-Identifier: Apache-2.0 */
/* From a flow's beginning, bytes and end to the table. */
#include "sensor/contacts_state.h"

/* What still goes behind the end of a connection, such as the last
 * acknowledgement, is no new interval's traffic below this. */
#define AFTERWORD 1024

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
is_contact(const struct contacts *c, const struct flow *f, uint8_t tcp_flags)
{
	if (f->proto == IPP_TCP && (tcp_flags & TCP_SYN) == 0 &&
	    (tcp_flags & TCP_ACK) != 0) {
		return false; /* nobody knows who began */
	}
	if ((f->proto == IPP_ICMP && f->icmp_type != 8) ||
	    (f->proto == IPP_ICMPV6 && f->icmp_type != 128)) {
		return false;
	}
	return is_one(&f->addr[0]) && is_one(&f->addr[1]) &&
	       (contacts_home(c->conf, &f->addr[0]) ||
		contacts_home(c->conf, &f->addr[1]));
}

/* Whether nobody ever answered, as far as the protocol tells. */
static bool
is_failed(const struct flow *f)
{
	switch (f->proto) {
	case IPP_TCP:
		if ((f->tcp_flags[1] & TCP_SYN) != 0) {
			return false;
		}
		return (f->tcp_flags[0] & TCP_SYN) != 0 || f->pkts[1] == 0 ||
		       (f->pkts[1] == 1 && (f->tcp_flags[1] & TCP_RST) != 0);
	case IPP_UDP:
	case IPP_SCTP:
	case IPP_ICMP:
	case IPP_ICMPV6:
		return f->pkts[1] == 0;
	default:
		return false;
	}
}

static bool
has_ports(const struct flow *f)
{
	return f->proto == IPP_TCP || f->proto == IPP_UDP ||
	       f->proto == IPP_SCTP;
}

static struct contacts_to
destination(const struct flow *f)
{
	return (struct contacts_to){ .ip = f->addr[1],
				     .port = has_ports(f) ? f->port[1] : 0,
				     .proto = f->proto };
}

/* 1 + the place of the exercise's name, noted if need be; 0: "", and what is
 * beyond the last place shares that. */
static uint8_t
lane_of(struct contacts *c, const char *exercise)
{
	unsigned i = 0;

	if (exercise[0] == '\0') {
		return 0;
	}
	while (i + 1 < CONTACTS_LANES && c->exercise[i][0] != '\0' &&
	       strcmp(c->exercise[i], exercise) != 0) {
		i++;
	}
	if (c->exercise[i][0] == '\0') {
		strncpy(c->exercise[i], exercise, EXERCISE_NAME_CAP - 1);
	}
	return (uint8_t)(i + 1);
}

const struct contacts_told *
contacts_start(struct contacts *c, struct flow *f, uint8_t tcp_flags,
	       const char *exercise, uint64_t ts_us)
{
	const struct contacts_told *told = NULL;
	struct contacts_to to = destination(f);
	uint64_t interval = ts_us / c->conf->interval_us;
	struct contact_host *h;
	struct contact_pair *p;
	uint32_t i;

	if (!is_contact(c, f, tcp_flags)) {
		return NULL;
	}
	f->flags |= FLOW_CONTACT;
	f->contact_lane = lane_of(c, exercise);
	i = contacts_host_at(c, &f->addr[0], f->contact_lane, interval, &told);
	h = &c->host[i];
	h->flows++;
	c->count.flows++;
	p = contacts_pair_at(c, i, &to, 0);
	if (p == NULL || p->to.flows == 0) {
		hll_add_addr(&h->peers, &to.ip);
		if (has_ports(f)) {
			hll_add_port(&h->ports, to.port);
		}
	}
	if (p != NULL) {
		p->to.flows++;
		if (p->to.n_starts < CONTACTS_STARTS) {
			p->to.starts_ms[p->to.n_starts++] =
				(uint32_t)(ts_us % c->conf->interval_us / 1000);
		}
	}
	return told;
}

/* Counts bytes, and whether the flow failed, in the interval of 'ts_us'. */
static const struct contacts_told *
credit(struct contacts *c, const struct flow *f, const uint64_t bytes[2],
       bool failed, uint64_t ts_us)
{
	const struct contacts_told *told = NULL;
	struct contacts_to to = destination(f);
	struct contact_host *h;
	struct contact_pair *p;
	uint32_t i;

	if (bytes[0] == 0 && bytes[1] == 0 && !failed) {
		return NULL;
	}
	i = contacts_host_at(c, &f->addr[0], f->contact_lane,
			     ts_us / c->conf->interval_us, &told);
	h = &c->host[i];
	h->bytes_out += bytes[0];
	h->bytes_in += bytes[1];
	h->failed += failed;
	p = contacts_pair_at(c, i, &to, bytes[0]);
	if (p != NULL) {
		p->to.bytes_out += bytes[0];
		p->to.bytes_in += bytes[1];
		p->to.failed += failed;
	}
	return told;
}

/* What was not counted yet; a flow's ends may have changed places since. */
static void
rest_of(const struct contacts *c, const struct flow *f, uint64_t rest[2])
{
	for (unsigned d = 0; d < 2; d++) {
		uint64_t was = c->moved[f->contact].bytes[d];

		rest[d] = f->bytes[d] > was ? f->bytes[d] - was : 0;
	}
}

/* Whether it can be noted what was counted: else all waits for the end. */
static bool
may_move(struct contacts *c, struct flow *f)
{
	if (f->contact == 0 && c->moved_free != 0) {
		f->contact = c->moved_free;
		c->moved_free = c->moved[f->contact].next;
		c->moved[f->contact] = (struct contact_moved){ .next = 0 };
	}
	return f->contact != 0;
}

static void
note_moved(struct contacts *c, const struct flow *f)
{
	c->moved[f->contact].bytes[0] = f->bytes[0];
	c->moved[f->contact].bytes[1] = f->bytes[1];
}

const struct contacts_told *
contacts_moved(struct contacts *c, struct flow *f, uint64_t ts_us)
{
	uint64_t rest[2];

	if ((f->flags & FLOW_CONTACT) == 0 || !may_move(c, f)) {
		return NULL;
	}
	rest_of(c, f, rest);
	note_moved(c, f);
	return credit(c, f, rest, false, ts_us);
}

const struct contacts_told *
contacts_closed(struct contacts *c, struct flow *f, uint64_t ts_us)
{
	uint64_t rest[2] = { 0, 0 };

	if ((f->flags & (FLOW_CONTACT | FLOW_CONTACT_CLOSED)) != FLOW_CONTACT) {
		return NULL;
	}
	f->flags |= FLOW_CONTACT_CLOSED;
	if (may_move(c, f)) {
		rest_of(c, f, rest);
		note_moved(c, f);
	}
	return credit(c, f, rest, is_failed(f), ts_us);
}

const struct contacts_told *
contacts_end(struct contacts *c, struct flow *f, uint64_t ts_us, bool leave)
{
	bool closed = (f->flags & FLOW_CONTACT_CLOSED) != 0;
	bool told = f->contact != 0; /* of its bytes, at its close */
	uint64_t rest[2];

	rest_of(c, f, rest);
	if (f->contact != 0) {
		c->moved[f->contact].next = c->moved_free;
		c->moved_free = f->contact;
		f->contact = 0;
	}
	if (leave || (f->flags & FLOW_CONTACT) == 0 ||
	    (closed && told && rest[0] + rest[1] < AFTERWORD)) {
		return NULL;
	}
	return credit(c, f, rest, !closed && is_failed(f), ts_us);
}
