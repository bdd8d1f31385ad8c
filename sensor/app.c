/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app.h"

#include <stdio.h>
#include <stdlib.h>

#include "sensor/app_detect.h"
#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_ssh.h"
#include "sensor/app_tls.h"
#include "sensor/file_range.h"

/* What a direction may say before it is given up as not recognised. */
#define PENDING_MAX 4096
/* Protocols may lie in each other; this often a connection may change. */
#define CHANGES_MAX 4
#define MAX_PORT_RANGES 32

/* Order matters only where two parsers could both say yes. */
static const struct app_parser *const registry[] = {
	&app_http, &app_dns_udp, &app_dns_tcp, &app_mdns, &app_tls, &app_ssh,
};

struct port_range {
	uint16_t lo, hi;
};

/* A parser as the configuration wants it. */
struct entry {
	const struct app_parser *parser;
	bool detect, parse;
	struct port_range ports[MAX_PORT_RANGES];
	unsigned n_ports;
};

/* What a worker knows of application protocols; starts with the public part. */
struct driver {
	struct app_ctx ctx;
	struct entry entries[ARRAY_LEN(registry)];
	bool allowed_tcp[APP_PROTO_COUNT], allowed_udp[APP_PROTO_COUNT];
	struct app_counters n;
};

static struct driver *
driver_of(struct app_ctx *ctx)
{
	return (struct driver *)ctx;
}

enum wanted { WANT_NO, WANT_DETECT, WANT_YES };

static enum wanted
read_wanted(const struct conf *conf, const char *key, enum wanted fallback)
{
	const char *s = conf_get(conf, key);

	if (s == NULL) {
		return fallback;
	}
	if (strcmp(s, "detection-only") == 0) {
		return WANT_DETECT;
	}
	return conf_bool(conf, key, fallback != WANT_NO) ? WANT_YES : WANT_NO;
}

/* app-layer.protocols.NAME[.tcp|.udp].enabled; the closer one counts. */
static enum wanted
wanted(const struct conf *conf, enum app_proto proto, bool tcp)
{
	const char *name = app_proto_name(proto);
	enum wanted w;
	char key[96];

	snprintf(key, sizeof(key), "app-layer.protocols.%s.enabled", name);
	w = read_wanted(conf, key, WANT_YES);
	snprintf(key, sizeof(key), "app-layer.protocols.%s.%s.enabled", name,
		 tcp ? "tcp" : "udp");
	return read_wanted(conf, key, w);
}

/* "53, 1053" or "[5060:5070]"; what is not a number separates. */
static void
read_ports(struct entry *e, const char *s)
{
	while (*s != '\0' && e->n_ports < MAX_PORT_RANGES) {
		unsigned long lo, hi;
		char *end;

		if (*s < '0' || *s > '9') {
			s++;
			continue;
		}
		lo = hi = strtoul(s, &end, 10);
		s = end;
		if ((*s == ':' || *s == '-') && s[1] >= '0' && s[1] <= '9') {
			hi = strtoul(s + 1, &end, 10);
			s = end;
		}
		if (lo <= hi && hi <= UINT16_MAX) {
			e->ports[e->n_ports++] =
				(struct port_range){ (uint16_t)lo,
						     (uint16_t)hi };
		}
	}
}

static void
add_port_setting(void *arg, const char *key, const char *value)
{
	(void)key;
	read_ports(arg, value);
}

static void
setup_ports(struct entry *e, const struct conf *conf)
{
	const char *name = app_proto_name(e->parser->proto);
	char key[96];

	snprintf(key, sizeof(key), "app-layer.protocols.%s.%s.detection-ports",
		 name, e->parser->tcp ? "tcp" : "udp");
	if (!conf_has(conf, key)) {
		snprintf(key, sizeof(key),
			 "app-layer.protocols.%s.detection-ports", name);
	}
	conf_each(conf, key, add_port_setting, e);
	for (unsigned i = 0; e->n_ports == 0 && e->parser->ports != NULL &&
			     e->parser->ports[i] != 0;
	     i++) {
		if (i == MAX_PORT_RANGES) {
			break;
		}
		e->ports[i].lo = e->ports[i].hi = e->parser->ports[i];
		if (e->parser->ports[i + 1] == 0) {
			e->n_ports = i + 1;
		}
	}
}

struct app_ctx *
app_ctx_new(const struct conf *conf, struct pool *pool)
{
	struct driver *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->ctx.pool = pool;
	d->ctx.conf = conf;
	d->ctx.max_open_tx =
		(uint32_t)conf_u64(conf, "app.max-open-tx", 256, 1, UINT32_MAX);
	d->ctx.tx_arena_limit = (size_t)conf_u64(conf, "app.tx-memory", 4 << 20,
						 64 << 10, UINT64_C(1) << 30);
	for (size_t i = 0; i < ARRAY_LEN(registry); i++) {
		struct entry *e = &d->entries[i];
		enum wanted w =
			wanted(conf, registry[i]->proto, registry[i]->tcp);

		e->parser = registry[i];
		e->detect = w != WANT_NO;
		e->parse = w == WANT_YES;
		setup_ports(e, conf);
	}
	for (unsigned p = APP_FAILED + 1; p < APP_PROTO_COUNT; p++) {
		d->allowed_tcp[p] = wanted(conf, p, true) != WANT_NO;
		d->allowed_udp[p] = wanted(conf, p, false) != WANT_NO;
	}
	d->ctx.files = file_ctx_new(conf, pool);
	d->ctx.ranges = range_table_new(conf, pool);
	if (d->ctx.files == NULL || d->ctx.ranges == NULL ||
	    !http_setup(&d->ctx)) {
		range_table_free(d->ctx.ranges);
		file_ctx_free(d->ctx.files);
		free(d);
		return NULL;
	}
	return &d->ctx;
}

void
app_ctx_free(struct app_ctx *ctx)
{
	if (ctx != NULL) {
		http_teardown(ctx);
		range_table_drop(ctx->ranges, ctx->files);
		range_table_free(ctx->ranges);
		file_ctx_free(ctx->files);
		free(driver_of(ctx));
	}
}

const struct app_counters *
app_counters(const struct app_ctx *ctx)
{
	return &((const struct driver *)ctx)->n;
}

/* The protocol found in one direction; parser is NULL when it has none. */
struct verdict {
	enum app_proto proto; /* APP_UNKNOWN: needs more, APP_FAILED: none */
	const struct app_parser *parser;
};

static bool
on_port(const struct entry *e, const struct flow *f)
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
parser_for(const struct driver *d, enum app_proto proto, bool tcp)
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

/* Fixed texts, then the parsers on their ports, elsewhere, then mere form. */
static struct verdict
detect(struct driver *d, const struct flow *f, enum flow_dir dir,
       struct view data)
{
	bool tcp = f->proto == IPP_TCP, more = false;
	const bool *allowed = tcp ? d->allowed_tcp : d->allowed_udp;
	enum app_proto proto = app_detect_text(data, dir, tcp, allowed);

	if (proto != APP_FAILED) {
		return (struct verdict){ proto, parser_for(d, proto, tcp) };
	}

	for (unsigned pass = 0; pass < 2; pass++) {
		bool by_port = pass == 0;

		for (size_t i = 0; i < ARRAY_LEN(d->entries); i++) {
			struct entry *e = &d->entries[i];
			const struct app_parser *p = e->parser;

			if (!e->detect || !(tcp ? p->tcp : p->udp) ||
			    on_port(e, f) != by_port) {
				continue;
			}
			switch (p->probe(data, dir, by_port)) {
			case PROBE_YES:
				return (struct verdict){ p->proto,
							 e->parse ? p : NULL };
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
	return (struct verdict){ proto, NULL };
}

static struct app_flow *
flow_open(struct driver *d, struct flow *f)
{
	struct app_flow *af = pool_get(d->ctx.pool, sizeof(*af));

	if (af == NULL) {
		d->n.no_memory++;
		return NULL;
	}
	memset(af, 0, sizeof(*af));
	buf_init(&af->pending[0], d->ctx.pool, PENDING_MAX);
	buf_init(&af->pending[1], d->ctx.pool, PENDING_MAX);
	af->flow = f;
	f->app = af;
	return af;
}

static void
account(struct driver *d, struct app_flow *af, uint64_t first_id)
{
	d->n.txs[af->parser->proto] += af->next_tx_id - first_id;
}

static void change(struct driver *d, struct flow *f, enum flow_dir dir,
		   struct view rest);

static void
feed(struct driver *d, struct flow *f, enum flow_dir dir, struct view data)
{
	struct app_flow *af = f->app;
	uint64_t first_id = af->next_tx_id;

	if (af->parser == NULL || data.len == 0 || af->failed[dir] ||
	    af->finished[dir] || af->encrypted) {
		return;
	}
	switch (af->parser->parse(&d->ctx, af, dir, data)) {
	case APP_PARSE_OK:
		break;
	case APP_PARSE_FAILED:
		af->failed[dir] = true;
		d->n.failed[af->parser->proto]++;
		break;
	case APP_PARSE_DONE:
		af->finished[dir] = true;
		break;
	}
	account(d, af, first_id);
	if (UNLIKELY(af->change)) {
		change(d, f, dir, view_sub(data, af->used, data.len));
	}
}

/* The flow's protocol is known now: makes ready to parse it. */
static void
settle(struct driver *d, struct app_flow *af, struct verdict v)
{
	d->n.flows[v.proto]++;
	if (af->server_first && (v.proto == APP_HTTP || v.proto == APP_TLS)) {
		event_set_add(&af->events,
			      EV_APPLAYER_WRONG_DIRECTION_FIRST_DATA);
	}
	if (v.parser == NULL) {
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

static bool
known(enum app_proto p)
{
	return p != APP_UNKNOWN && p != APP_FAILED;
}

/*
 * What was agreed on, for a direction whose first bytes tell nothing: frames
 * of HTTP/2 servers and WebSocket messages begin with no certain text.
 */
static struct verdict
as_expected(struct driver *d, struct app_flow *af, struct verdict v)
{
	if (v.proto == APP_FAILED &&
	    (af->expect == APP_HTTP2 || af->expect == APP_WEBSOCKET)) {
		return (struct verdict){ af->expect,
					 parser_for(d, af->expect, true) };
	}
	if (known(v.proto) && known(af->expect) && v.proto != af->expect) {
		event_set_add(&af->events,
			      af->expect == APP_TLS
				      ? EV_APPLAYER_NO_TLS_AFTER_STARTTLS
				      : EV_APPLAYER_UNEXPECTED_PROTOCOL);
	}
	return v;
}

/* Marks the direction as decided; the other may have been decided before. */
static void
decide(struct driver *d, struct app_flow *af, enum flow_dir dir,
       struct verdict v)
{
	enum app_proto other = af->dir_proto[!dir];

	v = as_expected(d, af, v);
	af->dir_proto[dir] = v.proto;
	af->detect_done[dir] = true;
	if (known(other) && v.proto == APP_FAILED) {
		event_set_add(&af->events,
			      EV_APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION);
	} else if (known(other) && v.proto != other) {
		event_set_add(&af->events,
			      EV_APPLAYER_MISMATCH_PROTOCOL_BOTH_DIRECTIONS);
	} else if (!known(other) && known(v.proto)) {
		settle(d, af, v);
		if (other == APP_FAILED) {
			event_set_add(
				&af->events,
				EV_APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION);
		}
	} else if (!known(other) && other == v.proto) {
		d->n.flows[APP_FAILED]++;
	}
}

static void
drain(struct driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct buf held = af->pending[dir];

	/* A change of protocol may fill 'pending' anew. */
	buf_init(&af->pending[dir], d->ctx.pool, PENDING_MAX);
	feed(d, f, dir, buf_view(&held));
	buf_fini(&held);
}

/*
 * Bytes of a direction that nothing recognised, while the other may still
 * tell what the flow is: they are the parser's then.
 */
static void
hold(struct driver *d, struct app_flow *af, enum flow_dir dir, struct view data)
{
	if (!af->failed[dir] &&
	    buf_append(&af->pending[dir], data) < data.len) {
		buf_fini(&af->pending[dir]);
		af->failed[dir] = true;
		d->n.failed[APP_FAILED]++;
	}
}

/* The flow became known by 'dir': what the other side said came before. */
static void
adopt(struct driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct buf *b = &af->pending[!dir];

	if (b->len == 0) {
		return;
	}
	if (!af->detect_done[!dir]) {
		struct verdict v = detect(d, f, !dir, buf_view(b));

		if (v.proto == APP_UNKNOWN) {
			v.proto = af->dir_proto[dir];
		}
		decide(d, af, !dir, v);
	}
	drain(d, f, !dir);
}

/* Stream bytes of a direction that is decided. */
static void
deliver(struct driver *d, struct flow *f, enum flow_dir dir, struct view data)
{
	struct app_flow *af = f->app;

	if (af->parser != NULL) {
		feed(d, f, dir, data);
	} else if (af->dir_proto[dir] == APP_FAILED && !af->detect_done[!dir]) {
		hold(d, af, dir, data);
	}
}

/* After 'dir' was decided: moves on what had to wait for that. */
static void
release(struct driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;

	if (known(af->dir_proto[dir])) {
		adopt(d, f, dir);
	} else if (af->dir_proto[!dir] == APP_FAILED) {
		buf_fini(&af->pending[!dir]);
	}
	if (known(app_proto_of(f)) || af->detect_done[!dir]) {
		drain(d, f, dir);
	}
}

static void take_bytes(struct driver *d, struct flow *f, enum flow_dir dir,
		       struct view data);

/* Stream bytes of a direction that is not decided yet. */
static void
pend(struct driver *d, struct flow *f, enum flow_dir dir, struct view data)
{
	struct app_flow *af = f->app;
	struct buf *b = &af->pending[dir];
	struct view all = data;
	struct verdict v;
	size_t took = 0;

	if (b->len > 0) {
		took = buf_append(b, data);
		all = buf_view(b);
	}
	v = detect(d, f, dir, all);
	if (v.proto == APP_UNKNOWN && b->len == 0) {
		took = buf_append(b, data);
	}
	if (v.proto == APP_UNKNOWN) {
		if (took == data.len && b->len < PENDING_MAX) {
			return;
		}
		v.proto = APP_FAILED;
	}
	decide(d, af, dir, v);
	release(d, f, dir);
	take_bytes(d, f, dir, view_sub(data, took, data.len));
}

/* New stream bytes of 'dir', whether it is decided or not. */
static void
take_bytes(struct driver *d, struct flow *f, enum flow_dir dir,
	   struct view data)
{
	struct app_flow *af = f->app;

	if (data.len == 0) {
		return;
	}
	if (af->detect_done[dir]) {
		deliver(d, f, dir, data);
	} else {
		pend(d, f, dir, data);
	}
}

/* Bytes that the former parser left are the first of what comes now. */
static void
take_left(struct driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct buf held = af->pending[dir];

	buf_init(&af->pending[dir], d->ctx.pool, PENDING_MAX);
	take_bytes(d, f, dir, buf_view(&held));
	buf_fini(&held);
}

/*
 * The parser is through, the connection is not: it is looked at as if it
 * began here.  Transactions of the former protocol end on their own.
 */
static void
change(struct driver *d, struct flow *f, enum flow_dir dir, struct view rest)
{
	struct app_flow *af = f->app;

	af->change = af->server_first = false;
	if (++af->n_changes > CHANGES_MAX) {
		if (af->parser->proto == APP_HTTP && af->last_tx != NULL) {
			event_set_add(&af->last_tx->events,
				      EV_HTTP_FAILED_PROTOCOL_CHANGE);
			af->last_tx->updated[dir] = true;
		}
		return;
	}
	if (af->parser->state_free != NULL) {
		af->parser->state_free(&d->ctx, af, af->state);
	}
	af->before = af->parser->proto;
	af->state = NULL;
	af->parser = NULL;
	for (unsigned i = 0; i < 2; i++) {
		af->dir_proto[i] = APP_UNKNOWN;
		af->detect_done[i] = af->failed[i] = af->finished[i] = false;
	}
	take_left(d, f, !dir);
	take_left(d, f, dir);
	take_bytes(d, f, dir, rest);
}

static void
take_datagram(struct driver *d, struct flow *f, enum flow_dir dir,
	      struct view data)
{
	struct app_flow *af = f->app;

	if (!af->detect_done[dir]) {
		struct verdict v = detect(d, f, dir, data);

		if (v.proto == APP_UNKNOWN || v.proto == APP_FAILED) {
			/* One side is enough to name an exchange. */
			v.proto = known(af->dir_proto[!dir])
					  ? af->dir_proto[!dir]
					  : APP_FAILED;
		}
		if (v.parser != NULL && v.parser->reversed != NULL &&
		    !af->detect_done[!dir] && v.parser->reversed(data, dir)) {
			af->swap = true;
			dir = !dir;
		}
		decide(d, af, dir, v);
	}
	feed(d, f, dir, data);
}

void
app_data(struct app_ctx *ctx, struct flow *f, enum flow_dir dir,
	 struct view data, uint64_t now_us)
{
	struct driver *d = driver_of(ctx);
	struct app_flow *af = f->app;

	if (data.len == 0) {
		return;
	}
	if (af == NULL) {
		af = flow_open(d, f);
		if (af == NULL) {
			return;
		}
		af->server_first = dir == FLOW_TOCLIENT && f->proto == IPP_TCP;
	}
	af->now_us = now_us;
	if (f->proto != IPP_TCP) {
		take_datagram(d, f, dir, data);
	} else {
		take_bytes(d, f, dir, data);
	}
}

/* No more bytes will come to tell what 'dir' is. */
static void
give_up_detection(struct driver *d, struct flow *f, enum flow_dir dir)
{
	struct app_flow *af = f->app;
	struct verdict v = { APP_FAILED, NULL };

	if (af->pending[dir].len > 0) {
		v = detect(d, f, dir, buf_view(&af->pending[dir]));
	}
	if (v.proto == APP_UNKNOWN) {
		v.proto = APP_FAILED;
	}
	decide(d, af, dir, v);
	release(d, f, dir);
}

void
app_gap(struct app_ctx *ctx, struct flow *f, enum flow_dir dir, uint64_t bytes,
	uint64_t now_us)
{
	struct driver *d = driver_of(ctx);
	struct app_flow *af = f->app;
	uint64_t first_id;

	if (bytes == 0 || (af == NULL && (af = flow_open(d, f)) == NULL)) {
		return;
	}
	af->now_us = now_us;
	if (!af->detect_done[dir]) {
		give_up_detection(d, f, dir);
	}
	d->n.gaps[app_proto_of(f)]++;
	if (af->parser == NULL) {
		/* What waits must not be joined over the hole. */
		buf_fini(&af->pending[dir]);
		af->failed[dir] = true;
		return;
	}
	if (af->failed[dir] || af->finished[dir] || af->encrypted) {
		return;
	}
	first_id = af->next_tx_id;
	if (af->parser->gap == NULL ||
	    af->parser->gap(ctx, af, dir, bytes) == APP_PARSE_FAILED) {
		af->failed[dir] = true;
		d->n.failed[af->parser->proto]++;
	}
	account(d, af, first_id);
}

void
app_eof(struct app_ctx *ctx, struct flow *f, enum flow_dir dir, uint64_t now_us)
{
	struct driver *d = driver_of(ctx);
	struct app_flow *af = f->app;
	uint64_t first_id;

	if (af == NULL || af->eof[dir]) {
		return;
	}
	af->eof[dir] = true;
	af->now_us = now_us;
	if (!af->detect_done[dir] && af->pending[dir].len > 0) {
		give_up_detection(d, f, dir);
	}
	if (af->parser == NULL || af->parser->eof == NULL || af->failed[dir] ||
	    af->encrypted) {
		return;
	}
	first_id = af->next_tx_id;
	af->parser->eof(ctx, af, dir);
	account(d, af, first_id);
}

enum app_proto
app_proto_of(const struct flow *f)
{
	const struct app_flow *af = f->app;

	if (af == NULL) {
		return APP_UNKNOWN;
	}
	if (af->parser != NULL) {
		return af->parser->proto;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (known(af->dir_proto[i])) {
			return af->dir_proto[i];
		}
	}
	if (af->before != APP_UNKNOWN) {
		return af->before; /* nothing is known to have replaced it */
	}
	return af->dir_proto[0] == APP_FAILED && af->dir_proto[1] == APP_FAILED
		       ? APP_FAILED
		       : APP_UNKNOWN;
}

enum app_proto
app_proto_before(const struct flow *f)
{
	const struct app_flow *af = f->app;

	return af != NULL && af->before != app_proto_of(f) ? af->before
							   : APP_UNKNOWN;
}

enum app_proto
app_proto_dir(const struct flow *f, enum flow_dir dir)
{
	return f->app != NULL ? f->app->dir_proto[dir] : APP_UNKNOWN;
}

void
app_tx_end(struct app_ctx *ctx, struct flow *f, struct app_tx *tx)
{
	struct app_flow *af = f->app;
	struct app_tx **at = &af->txs, *prev = NULL;

	while (*at != tx) {
		prev = *at;
		at = &prev->next;
	}
	*at = tx->next;
	if (af->last_tx == tx) {
		af->last_tx = prev;
	}
	af->n_txs--;
	app_tx_free(ctx, tx);
}

void
app_free(struct app_ctx *ctx, struct flow *f)
{
	struct app_flow *af = f->app;

	if (af == NULL) {
		return;
	}
	while (af->txs != NULL) {
		app_tx_end(ctx, f, af->txs);
	}
	if (af->parser != NULL && af->parser->state_free != NULL) {
		af->parser->state_free(ctx, af, af->state);
	}
	buf_fini(&af->pending[0]);
	buf_fini(&af->pending[1]);
	pool_put(ctx->pool, af, sizeof(*af));
	f->app = NULL;
}
