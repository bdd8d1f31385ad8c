/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_scene.h"

#include "sensor/event_trace.h"
#include "sensor/log_file.h"
#include "sensor/log_http.h"

/* The transaction, with what only alerts show of it. */
static void
put_tx(struct json *j, const struct app_tx *tx, const struct alert_conf *c)
{
	const struct http_tx *http = (const struct http_tx *)tx;

	if (tx->parser->proto != APP_HTTP ||
	    !(c->http_body || c->http_body_printable)) {
		line_tx(j, tx);
		return;
	}
	json_obj(j, "http");
	log_http_members(j, http);
	log_http_bodies(j, http, c);
	json_obj_end(j);
}

/* The files that go the way of what matched; not those told of before. */
static void
put_files(struct json *j, const struct app_tx *tx, uint64_t flow_id,
	  enum flow_dir dir)
{
	bool any = false;

	for (const struct file *f = tx->files[dir].first; f != NULL;
	     f = f->next) {
		if (f->logged) {
			continue;
		}
		if (!any) {
			json_arr(j, "files");
			any = true;
		}
		json_obj(j, NULL);
		log_file(j, f, flow_id, tx->id, dir);
		json_obj_end(j);
	}
	if (any) {
		json_arr_end(j);
	}
}

/* The client behind a proxy, by the match's transaction or another one. */
static bool
find_client(const struct xff_conf *x, const struct event_subject *s,
	    struct addr *out)
{
	const struct app_tx *tx = s->tx;
	bool found = false;

	if (!x->enabled || s->f == NULL || app_proto_of(s->f) != APP_HTTP) {
		return false;
	}
	if (tx == NULL && s->f->app != NULL) {
		tx = s->f->app->txs;
	}
	for (; tx != NULL && !found; tx = s->tx != NULL ? NULL : tx->next) {
		found = tx->parser->proto == APP_HTTP &&
			log_http_xff((const struct http_tx *)tx, x->header,
				     x->last, out);
	}
	return found;
}

/* What of a packet its events show; nothing that it borrows. */
struct scene_packet {
	struct addr src, dst;
	uint32_t flags;
	uint16_t sport, dport;
	uint16_t vlan[PKT_MAX_VLANS];
	uint8_t n_vlans, proto, ip_version, icmp_type, icmp_code;
};

static void
put_packet(struct json *j, const struct packet *p)
{
	struct scene_packet shown = {
		.src = p->src,
		.dst = p->dst,
		.flags = p->flags,
		.sport = p->sport,
		.dport = p->dport,
		.n_vlans = p->n_vlans,
		.proto = p->proto,
		.ip_version = p->ip_version,
		.icmp_type = p->icmp_type,
		.icmp_code = p->icmp_code,
	};

	memcpy(shown.vlan, p->vlan, sizeof(shown.vlan));
	json_append(j, view_of(&shown, sizeof(shown)));
}

static void
read_packet(struct packet *p, const uint8_t *bytes)
{
	struct scene_packet shown;

	memcpy(&shown, bytes, sizeof(shown));
	p->src = shown.src;
	p->dst = shown.dst;
	p->flags = shown.flags;
	p->sport = shown.sport;
	p->dport = shown.dport;
	p->n_vlans = shown.n_vlans;
	p->proto = shown.proto;
	p->ip_version = shown.ip_version;
	p->icmp_type = shown.icmp_type;
	p->icmp_code = shown.icmp_code;
	memcpy(p->vlan, shown.vlan, sizeof(shown.vlan));
}

static void
note_flow(struct scene_flow *to, const struct flow *f)
{
	to->addr[0] = f->addr[0];
	to->addr[1] = f->addr[1];
	for (unsigned d = 0; d < 2; d++) {
		to->pkts[d] = f->pkts[d];
		to->bytes[d] = f->bytes[d];
		to->port[d] = f->port[d];
		to->tcp_flags[d] = f->tcp_flags[d];
	}
	to->id = f->id;
	to->first_us = f->first_us;
	to->last_us = f->last_us;
	to->n_alerts = f->n_alerts;
	memcpy(to->vlan, f->vlan, sizeof(to->vlan));
	to->flags = f->flags;
	to->n_vlans = f->n_vlans;
	to->proto = f->proto;
	to->ip_version = f->ip_version;
	to->state = f->state;
	to->end = f->end;
	to->icmp_type = f->icmp_type;
	to->icmp_code = f->icmp_code;
	to->apps = line_apps_of(f);
	to->tcp_state = f->proto == IPP_TCP ? stream_state_name(f) : NULL;
}

static void
read_flow(struct flow *f, const struct scene_flow *from)
{
	for (unsigned d = 0; d < 2; d++) {
		f->addr[d] = from->addr[d];
		f->pkts[d] = from->pkts[d];
		f->bytes[d] = from->bytes[d];
		f->port[d] = from->port[d];
		f->tcp_flags[d] = from->tcp_flags[d];
	}
	f->id = from->id;
	f->first_us = from->first_us;
	f->last_us = from->last_us;
	f->n_alerts = from->n_alerts;
	memcpy(f->vlan, from->vlan, sizeof(f->vlan));
	f->flags = from->flags;
	f->n_vlans = from->n_vlans;
	f->proto = from->proto;
	f->ip_version = from->ip_version;
	f->state = from->state;
	f->end = from->end;
	f->icmp_type = from->icmp_type;
	f->icmp_code = from->icmp_code;
}

void
scene_begin(struct scene *is, struct event_log *l,
	    const struct event_subject *s)
{
	/* Field by field: much of it is not asked of most events. */
	is->set = l->set;
	is->ts_us = s->ts_us;
	is->number = s->number;
	is->iface = s->iface;
	is->dir = (uint8_t)s->dir;
	is->lane = (uint8_t)event_lane_of(l->set->lanes, s);
	is->linktype = 0;
	is->has_client = is->payload_is_stream = false;
	is->payload_gap = is->payload_all = 0;
	is->client = (struct addr){ { 0 } };
	is->trace = (struct trace){ 0 };
	is->evidence.there = false;
	memset(is->part_len, 0, sizeof(is->part_len));
	is->has_flow = s->f != NULL;
	if (is->has_flow) {
		note_flow(&is->flow, s->f);
	} else {
		memset(&is->flow, 0, sizeof(is->flow));
	}
	line_begin(l);
	if (json_room(&l->json, sizeof(*is)) != NULL) {
		l->json.len += sizeof(*is); /* written at the end */
	}
	is->ended = l->json.len;
	if (s->pkt != NULL) {
		is->linktype = log_packet_linktype(s->pkt);
		put_packet(&l->json, s->pkt);
	}
	scene_end_part(is, &l->json, SCENE_FACTS);
}

void
scene_end_part(struct scene *is, struct json *j, enum scene_part part)
{
	is->part_len[part] = (uint32_t)(j->len - is->ended);
	is->ended = j->len;
	j->need_comma = false;
}

struct view
scene_end(struct scene *is, struct event_log *l)
{
	struct json *j = &l->json;

	if (!j->failed) {
		j->len = l->start;
		json_append(j, view_of(is, sizeof(*is)));
		j->len = is->ended;
	}
	return line_done(l);
}

static void
put_parts(struct scene *is, struct json *j, const struct event_subject *s,
	  const struct alert_conf *c, enum packet_dump dump)
{
	if (c->flow || c->app_layer) {
		line_metadata(j, s);
	}
	scene_end_part(is, j, SCENE_METADATA);
	if (s->pkt != NULL) {
		log_tunnel(j, s->pkt);
	}
	scene_end_part(is, j, SCENE_TUNNEL);
	if (s->tx != NULL && c->app_layer) {
		put_tx(j, s->tx, c);
		put_files(j, s->tx, s->f->id, s->dir);
	}
	scene_end_part(is, j, SCENE_TX);
	if (s->pkt != NULL) {
		log_packet(j, s->pkt, dump);
	}
	scene_end_part(is, j, SCENE_PACKET);
}

struct view
event_scene(struct event_log *l, const struct event_subject *s,
	    struct payload payload)
{
	const struct alert_conf *c = &l->set->alert;
	struct json *j = &l->json;
	struct scene is;

	scene_begin(&is, l, s);
	if (l->set->origin.site[0] != '\0') {
		event_trace(s, &is.trace);
	}
	if (s->evidence != NULL) {
		is.evidence = *s->evidence;
	}
	is.has_client = find_client(&c->xff, s, &is.client);
	put_parts(&is, j, s, c, l->set->packet);
	payload_cut(&payload, c);
	is.payload_is_stream = payload.stream;
	is.payload_gap = payload.gap;
	is.payload_all = payload.all;
	json_append(j, payload.v);
	scene_end_part(&is, j, SCENE_PAYLOAD);
	return scene_end(&is, l);
}

/* Lines of 'l' follow 'set' from now on. */
static void
follow(struct event_log *l, const struct event_settings *set)
{
	if (l->set->community_seed != set->community_seed) {
		memset(l->community, 0, sizeof(l->community));
	}
	l->set = set;
}

void
scene_read(struct scene_reader *r, struct event_log *l, const uint8_t *bytes)
{
	struct view facts;

	memcpy(&r->is, bytes, sizeof(r->is));
	follow(l, r->is.set);
	r->text = bytes + sizeof(r->is);
	facts = scene_part(r, SCENE_FACTS);
	if (facts.len > 0) {
		read_packet(&l->pkt, facts.p);
	}
	if (r->is.has_flow) {
		read_flow(&l->flow, &r->is.flow);
	}
	r->subject = (struct event_subject){
		.f = r->is.has_flow ? &l->flow : NULL,
		.pkt = facts.len > 0 ? &l->pkt : NULL,
		.dir = (enum flow_dir)r->is.dir,
		.ts_us = r->is.ts_us,
		.number = r->is.number,
		.iface = r->is.iface,
		.past = &r->past,
		.trace = &r->is.trace,
	};
	r->past = (struct event_past){
		.apps = r->is.flow.apps,
		.metadata = scene_part(r, SCENE_METADATA),
		.tcp_state = r->is.flow.tcp_state,
		.linktype = r->is.linktype,
		.lane = r->is.lane,
	};
	r->payload = (struct payload){
		.v = scene_part(r, SCENE_PAYLOAD),
		.stream = r->is.payload_is_stream,
		.gap = r->is.payload_gap,
		.all = r->is.payload_all,
	};
}

struct view
scene_part(const struct scene_reader *r, enum scene_part part)
{
	size_t at = 0;

	for (unsigned i = 0; i < part; i++) {
		at += r->is.part_len[i];
	}
	return view_of(r->text + at, r->is.part_len[part]);
}
