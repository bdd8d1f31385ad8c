/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_lane.h"

#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_tls.h"
#include "sensor/http_tx.h"

#define HOSTS_MAX 8

/* Names that the transaction is about. */
static size_t
hosts_of(const struct app_tx *tx, struct view *host)
{
	const struct dns_tx *dns;
	size_t n = 0;

	if (tx == NULL) {
		return 0;
	}
	switch (tx->parser->proto) {
	case APP_HTTP:
		host[n++] = ((const struct http_tx *)tx)->host;
		break;
	case APP_TLS:
		host[n++] = ((const struct tls_tx *)tx)->hello[0].sni;
		break;
	case APP_DNS:
	case APP_MDNS:
		dns = (const struct dns_tx *)tx;
		for (uint32_t i = 0; i < dns->n_questions && n < HOSTS_MAX;
		     i++) {
			host[n++] = dns->questions[i].name.text;
		}
		break;
	default:
		break;
	}
	return n;
}

unsigned
event_lane_of(const struct event_lanes *lanes, const struct event_subject *s)
{
	const struct addr *a, *b;
	struct view host[HOSTS_MAX];
	size_t n;

	if (lanes == NULL || lanes->n == 0) {
		return 0;
	}
	if (s->f != NULL) {
		a = &s->f->addr[0];
		b = &s->f->addr[1];
	} else if (s->pkt != NULL && s->pkt->ip_version != 0) {
		a = &s->pkt->src;
		b = &s->pkt->dst;
	} else {
		return 0;
	}
	n = hosts_of(s->tx, host);
	for (unsigned i = 0; i < lanes->n; i++) {
		if (exercise_has(lanes->exercise[i], a, b, s->ts_us, host, n)) {
			return i + 1;
		}
	}
	return 0;
}

const char *
event_lane_name(const struct event_lanes *lanes, unsigned lane)
{
	return lanes != NULL && lane > 0 && lane <= lanes->n
		       ? lanes->exercise[lane - 1]->name
		       : "";
}
