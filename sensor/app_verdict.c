/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_driver.h"

#include "sensor/app_detect.h"

static bool
on_port(const struct app_entry *e, const struct flow *f)
{
	for (unsigned i = 0; i < e->n_ports; i++) {
		for (unsigned k = 0; k < 2; k++) {
			if (f->port[k] >= e->ports[i].lo &&
			    f->port[k] <= e->ports[i].hi) {
				return true;
			}
		}
	}
	return false;
}

static const struct app_parser *
parser_for(const struct app_driver *d, enum app_proto proto, bool tcp)
{
	for (size_t i = 0; i < ARRAY_LEN(d->entries); i++) {
		const struct app_parser *p = d->entries[i].parser;

		if (d->entries[i].parse && p->proto == proto &&
		    (tcp ? p->tcp : p->udp)) {
			return p;
		}
	}
	return NULL;
}

struct app_verdict
app_detect(struct app_driver *d, const struct flow *f, enum flow_dir dir,
	   struct view data)
{
	bool tcp = f->proto == IPP_TCP, more = false;
	const bool *allowed = tcp ? d->allowed_tcp : d->allowed_udp;
	enum app_proto proto = app_detect_text(data, dir, tcp, allowed);

	if (proto != APP_FAILED) {
		return (struct app_verdict){ proto, parser_for(d, proto, tcp) };
	}

	for (unsigned pass = 0; pass < 2; pass++) {
		bool by_port = pass == 0;

		for (size_t i = 0; i < ARRAY_LEN(d->entries); i++) {
			struct app_entry *e = &d->entries[i];
			const struct app_parser *p = e->parser;

			if (!e->detect || !(tcp ? p->tcp : p->udp) ||
			    on_port(e, f) != by_port) {
				continue;
			}
			switch (p->probe(data, dir, by_port)) {
			case PROBE_YES:
				return (struct app_verdict){ p->proto,
							     e->parse ? p
								      : NULL };
			case PROBE_MORE:
				more = true;
				break;
			case PROBE_NO:
				break;
			}
		}
	}
	proto = app_detect_form(data, dir, tcp, f->port, allowed);
	if (proto == APP_FAILED && more) {
		proto = APP_UNKNOWN;
	}
	return (struct app_verdict){ proto, NULL };
}

static bool
is_asked(const struct app_driver *d, const struct app_parser *p)
{
	uint64_t asked = (p->tcp ? d->ctx.parse_tcp : 0) |
			 (p->udp ? d->ctx.parse_udp : 0);

	return (asked >> p->proto & 1) != 0;
}

/* The flow's protocol is known now: makes ready to parse it. */
static void
settle(struct app_driver *d, struct app_flow *af, struct app_verdict v)
{
	d->n.flows[v.proto]++;
	if (af->server_first && (v.proto == APP_HTTP || v.proto == APP_TLS)) {
		event_set_add(&af->events,
			      EV_APPLAYER_WRONG_DIRECTION_FIRST_DATA);
	}
	if (v.parser == NULL) {
		return;
	}
	if (!is_asked(d, v.parser)) {
		/* The name is all that is asked: it is the parser's. */
		af->parser = v.parser;
		af->muted = true;
		return;
	}
	if (v.parser->state_new != NULL) {
		af->state = v.parser->state_new(&d->ctx, af);
		if (af->state == NULL) {
			d->n.no_memory++;
			return;
		}
	}
	af->parser = v.parser;
}

/*
 * What was agreed on, for a direction whose first bytes tell nothing: frames
 * of HTTP/2 servers and WebSocket messages begin with no certain text.
 */
static struct app_verdict
as_expected(struct app_driver *d, struct app_flow *af, struct app_verdict v)
{
	if (v.proto == APP_FAILED &&
	    (af->expect == APP_HTTP2 || af->expect == APP_WEBSOCKET)) {
		return (struct app_verdict){ af->expect,
					     parser_for(d, af->expect, true) };
	}
	if (app_known(v.proto) && app_known(af->expect) &&
	    v.proto != af->expect) {
		event_set_add(&af->events,
			      af->expect == APP_TLS
				      ? EV_APPLAYER_NO_TLS_AFTER_STARTTLS
				      : EV_APPLAYER_UNEXPECTED_PROTOCOL);
	}
	return v;
}

void
app_decide(struct app_driver *d, struct app_flow *af, enum flow_dir dir,
	   struct app_verdict v)
{
	enum app_proto other = af->dir_proto[!dir];

	v = as_expected(d, af, v);
	af->dir_proto[dir] = v.proto;
	af->detect_done[dir] = true;
	if (app_known(other) && v.proto == APP_FAILED) {
		event_set_add(&af->events,
			      EV_APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION);
	} else if (app_known(other) && v.proto != other) {
		event_set_add(&af->events,
			      EV_APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS);
	} else if (!app_known(other) && app_known(v.proto)) {
		settle(d, af, v);
		if (other == APP_FAILED) {
			event_set_add(
				&af->events,
				EV_APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION);
		}
	} else if (!app_known(other) && other == v.proto) {
		d->n.flows[APP_FAILED]++;
	}
}
