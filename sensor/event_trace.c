/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_trace.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_tls.h"

static uint64_t
add_bytes(uint64_t h, struct view v)
{
	/* Parts that are cut elsewhere differ: the length counts. */
	return XXH3_64bits_withSeed(v.len > 0 ? v.p : (const uint8_t *)"",
				    v.len, h + v.len);
}

static uint64_t
of_http(const struct http_tx *tx)
{
	uint64_t h = add_bytes(APP_HTTP, tx->method);

	h = add_bytes(h, tx->uri_raw);
	return add_bytes(h, tx->host);
}

static uint64_t
of_dns(const struct dns_tx *tx)
{
	uint64_t h = add_bytes(APP_DNS, view_of(&tx->id, sizeof(tx->id)));

	for (unsigned i = 0; i < tx->n_questions; i++) {
		h = add_bytes(h, tx->questions[i].name.text);
		h += tx->questions[i].type;
	}
	return h;
}

/* 0: says nothing that tells one apart. */
static uint64_t
of_tx(const struct app_tx *tx)
{
	const struct tls_tx *tls;

	switch (tx->parser->proto) {
	case APP_HTTP:
		return of_http((const struct http_tx *)tx);
	case APP_DNS:
	case APP_MDNS:
		return of_dns((const struct dns_tx *)tx);
	case APP_TLS:
		tls = (const struct tls_tx *)tx;
		return tls->hello[FLOW_TOSERVER].random.len > 0
			       ? add_bytes(APP_TLS,
					   tls->hello[FLOW_TOSERVER].random)
			       : 0;
	default:
		return 0;
	}
}

static uint64_t
of_datagram(const struct packet *p)
{
	uint64_t h = p->proto;

	if (p->proto == IPP_ICMP || p->proto == IPP_ICMPV6) {
		uint16_t facts[3] = { p->icmp_type, p->icmp_code, p->icmp_seq };

		h = add_bytes(h, view_of(facts, sizeof(facts)));
	}
	return add_bytes(h, p->payload);
}

void
event_trace_flow(const struct flow *f, struct trace *t)
{
	for (unsigned d = 0; d < 2; d++) {
		t->has_isn[d] = f->proto == IPP_TCP &&
				stream_isn(f, (enum flow_dir)d, &t->isn[d]);
	}
}

void
event_trace(const struct event_subject *s, struct trace *t)
{
	const struct packet *p = s->pkt;
	bool tcp = s->f != NULL ? s->f->proto == IPP_TCP
				: p != NULL && p->proto == IPP_TCP;

	*t = (struct trace){ 0 };
	if (s->f != NULL) {
		event_trace_flow(s->f, t);
	}
	/* A packet without bytes of its own stands for a flow that ended. */
	if (!tcp && p != NULL && p->l3.len > 0) {
		t->content = of_datagram(p);
		t->ip_id = p->ip_version == 4 ? p->ip_id : 0;
	} else if (s->tx != NULL) {
		t->content = of_tx(s->tx);
	}
}
