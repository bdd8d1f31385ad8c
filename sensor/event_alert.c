/* SPDX-License-Identifier: Apache-2.0 */
/* The alert event, and packets that rules tag. */
#include "rules/ioc_set.h"
#include "sensor/event_line.h"
#include "sensor/log_file.h"
#include "sensor/log_http.h"
#include "sensor/log_meta.h"

/* EVE groups the values of one metadata key in an array. */
static void
put_rule_metadata(struct json *j, const struct rule *r)
{
	if (r->n_metadata == 0) {
		return;
	}
	json_obj(j, "metadata");
	for (uint32_t i = 0; i < r->n_metadata; i++) {
		const char *key = r->metadata[i].key;
		bool first = true;

		for (uint32_t k = 0; k < i; k++) {
			first = first && strcmp(r->metadata[k].key, key) != 0;
		}
		if (!first) {
			continue;
		}
		json_arr(j, key);
		for (uint32_t k = i; k < r->n_metadata; k++) {
			if (strcmp(r->metadata[k].key, key) == 0) {
				json_cstr(j, NULL, r->metadata[k].value);
			}
		}
		json_arr_end(j);
	}
	json_obj_end(j);
}

/* Where the rule's references lead. */
static void
put_references(struct json *j, const struct rule *r)
{
	if (r->n_references == 0) {
		return;
	}
	json_arr(j, "references");
	for (uint32_t i = 0; i < r->n_references; i++) {
		json_cstr(j, NULL, r->links[i]);
	}
	json_arr_end(j);
}

/* An end of the flow, or of the packet that has none. */
static void
put_side(struct json *j, const char *key, const struct event_subject *s,
	 bool source)
{
	const struct addr *a;
	uint16_t port;
	uint8_t proto;

	if (s->f != NULL) {
		unsigned i = (s->dir == FLOW_TOSERVER) == source ? 0 : 1;

		a = &s->f->addr[i];
		port = s->f->port[i];
		proto = s->f->proto;
	} else {
		a = source ? &s->pkt->src : &s->pkt->dst;
		port = source ? s->pkt->sport : s->pkt->dport;
		proto = s->pkt->proto;
	}
	json_obj(j, key);
	json_addr(j, "ip", a);
	if (proto == IPP_TCP || proto == IPP_UDP || proto == IPP_SCTP) {
		json_u64(j, "port", port);
	}
	json_obj_end(j);
}

static void
put_alert(struct json *j, const struct event_subject *s,
	  const struct rule_hit *hit, const struct alert_conf *c,
	  const struct addr *client)
{
	const struct rule *r = hit->rule;

	json_obj(j, "alert");
	/* A tap cannot drop: whatever the rule asks for, the packet passed. */
	json_cstr(j, "action", "allowed");
	json_u64(j, "gid", r->gid);
	json_u64(j, "signature_id", r->sid);
	json_u64(j, "rev", r->rev);
	json_cstr(j, "signature", r->msg != NULL ? r->msg : "");
	json_cstr(j, "category", r->category != NULL ? r->category : "");
	json_u64(j, "severity",
		 hit->ioc != NULL ? hit->ioc->note->severity : r->priority);
	if (c->rule_reference) {
		put_references(j, r);
	}
	if (r->target != TARGET_NONE &&
	    (s->f != NULL || (s->pkt != NULL && s->pkt->ip_version != 0))) {
		bool at_source = r->target == TARGET_SRC;

		put_side(j, "source", s, !at_source);
		put_side(j, "target", s, at_source);
	}
	if (c->rule_metadata) {
		put_rule_metadata(j, r);
	}
	log_context(j, s->meta, hit);
	if (client != NULL) {
		json_addr(j, "xff", client);
	}
	if (c->rule_raw && r->text != NULL && r->text[0] != '\0') {
		json_cstr(j, "rule", r->text);
	}
	json_obj_end(j);
}

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

struct view
event_alert(struct event_log *l, const struct event_subject *s,
	    const struct rule_hit *hit, const struct payload *payload)
{
	const struct alert_conf *c = &l->alert;
	struct json *j = &l->json;
	struct addr client;
	bool known = find_client(&c->xff, s, &client);

	l->client = known && c->xff.overwrite ? &client : NULL;
	line_head(l, s, "alert");
	l->client = NULL;
	if (hit->has_tx) {
		json_u64(j, "tx_id", hit->tx_id);
	}
	if (s->tx_guessed) {
		json_bool(j, "tx_guessed", true);
	}
	if (c->flow || c->app_layer) {
		line_metadata(j, s);
	}
	put_alert(j, s, hit, c, known && !c->xff.overwrite ? &client : NULL);
	if (s->pkt != NULL) {
		log_tunnel(j, s->pkt);
	}
	if (s->tx != NULL && c->app_layer) {
		put_tx(j, s->tx, c);
		put_files(j, s->tx, s->f->id, s->dir);
	}
	if (s->f != NULL) {
		line_app(j, s->f);
		json_cstr(j, "direction",
			  s->dir == FLOW_TOSERVER ? "to_server" : "to_client");
		if (c->flow) {
			json_obj(j, "flow");
			line_flow_counts(j, s->f);
			line_flow_endpoints(j, s->f, 0);
			json_obj_end(j);
		}
	}
	log_payload(j, payload, c);
	if (s->pkt != NULL) {
		log_packet(j, s->pkt, l->packet);
	}
	return line_end(l, hit->ioc);
}

struct view
event_packet(struct event_log *l, const struct event_subject *s)
{
	line_head(l, s, "packet");
	log_packet(&l->json, s->pkt, DUMP_ALL);
	return line_end(l, NULL);
}

uint32_t
event_picket_at(const struct event_log *l)
{
	return l->picket_at;
}

const struct alert_conf *
event_alert_conf(const struct event_log *l)
{
	return &l->alert;
}
