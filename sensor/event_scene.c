/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_scene.h"

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
static struct packet
shown_of(const struct packet *p)
{
	struct packet shown = {
		.src = p->src,
		.dst = p->dst,
		.sport = p->sport,
		.dport = p->dport,
		.n_vlans = p->n_vlans,
		.proto = p->proto,
		.ip_version = p->ip_version,
		.icmp_type = p->icmp_type,
		.icmp_code = p->icmp_code,
		.flags = p->flags,
	};

	memcpy(shown.vlan, p->vlan, sizeof(shown.vlan));
	return shown;
}

static void
note_flow(struct scene *is, const struct flow *f)
{
	is->has_flow = true;
	is->flow = *f;
	is->flow.tcp = NULL;
	is->flow.app = NULL;
	is->flow.rules = NULL;
	is->apps = line_apps_of(f);
}

/* Ends a part; the next one begins without a comma. */
static void
end_part(struct scene *is, struct json *j, enum scene_part part, size_t *from)
{
	is->part_len[part] = (uint32_t)(j->len - *from);
	*from = j->len;
	j->need_comma = false;
}

static void
put_parts(struct scene *is, struct json *j, const struct event_subject *s,
	  const struct alert_conf *c, enum packet_dump dump)
{
	size_t from = j->len;

	if (s->pkt != NULL) {
		struct packet shown = shown_of(s->pkt);

		is->linktype = log_packet_linktype(s->pkt);
		json_append(j, view_of(&shown, sizeof(shown)));
	}
	end_part(is, j, SCENE_FACTS, &from);
	if (c->flow || c->app_layer || s->whole) {
		line_metadata(j, s);
	}
	end_part(is, j, SCENE_METADATA, &from);
	if (s->pkt != NULL) {
		log_tunnel(j, s->pkt);
	}
	end_part(is, j, SCENE_TUNNEL, &from);
	if (s->tx != NULL && c->app_layer) {
		put_tx(j, s->tx, c);
		put_files(j, s->tx, s->f->id, s->dir);
	}
	end_part(is, j, SCENE_TX, &from);
	if (s->pkt != NULL) {
		log_packet(j, s->pkt, dump);
	}
	end_part(is, j, SCENE_PACKET, &from);
}

struct view
event_scene(struct event_log *l, const struct event_subject *s,
	    struct payload payload)
{
	const struct alert_conf *c = &l->set->alert;
	struct json *j = &l->json;
	struct scene is = {
		.set = l->set,
		.ts_us = s->ts_us,
		.number = s->number,
		.dir = (uint8_t)s->dir,
		.payload_is_stream = payload.stream,
		.payload_gap = payload.gap,
	};
	size_t from;

	if (s->f != NULL) {
		note_flow(&is, s->f);
	}
	is.has_client = find_client(&c->xff, s, &is.client);
	line_begin(l);
	json_append(j, view_of(&is, sizeof(is)));
	put_parts(&is, j, s, c, l->set->packet);
	from = j->len;
	payload_cut(&payload, c);
	is.payload_all = payload.all;
	json_append(j, payload.v);
	end_part(&is, j, SCENE_PAYLOAD, &from);
	if (!j->failed) {
		memcpy(j->p + l->start, &is, sizeof(is));
	}
	return line_done(l);
}

void
scene_read(struct scene_reader *r, const uint8_t *bytes)
{
	struct view facts;

	memcpy(&r->is, bytes, sizeof(r->is));
	r->text = bytes + sizeof(r->is);
	facts = scene_part(r, SCENE_FACTS);
	if (facts.len > 0) {
		memcpy(&r->pkt, facts.p, sizeof(r->pkt));
	}
	r->subject = (struct event_subject){
		.f = r->is.has_flow ? &r->is.flow : NULL,
		.pkt = facts.len > 0 ? &r->pkt : NULL,
		.dir = (enum flow_dir)r->is.dir,
		.ts_us = r->is.ts_us,
		.number = r->is.number,
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

struct view
event_later(struct event_log *l, const struct outbox *o, const struct record *r)
{
	return r->type == EVENT_TYPE_FLOW ? event_flow_later(l, o, r)
					  : event_alert(l, o, r);
}

void
scene_settings(struct event_log *l, const struct event_settings *set)
{
	if (l->set->community_seed != set->community_seed) {
		memset(l->community, 0, sizeof(l->community));
	}
	l->set = set;
}
