/* SPDX-License-Identifier: Apache-2.0 */
/* The alert event, and packets that rules tag. */
#include <limits.h>
#include <stdio.h>

#include "rules/ioc_set.h"
#include "sensor/event_scene.h"
#include "sensor/evidence_name.h"
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

/* What is one rule's own in an alert; "context" stands behind it as text, then
 * the indicator. */
struct alert_hit {
	bool has_ioc;
	uint64_t tx_id;
	bool has_tx;
	bool tx_guessed;
	uint32_t context_len;
};

/* An indicator's note, its marking if it has one, then its texts, each with
 * its zero: it may be disarmed before the line is written. */
struct kept_ioc {
	struct ioc ioc;
	struct ioc_note note;
	struct marking mark;
};

static void
keep_ioc(struct json *j, const struct ioc *ioc)
{
	const struct ioc_note *n = ioc->note;
	const char *text[] = { ioc->value, n->id,          n->source,
			       n->tlp,     n->description, n->tactic,
			       n->labels,  n->kill_chain };

	json_append(j, view_of(n, sizeof(*n)));
	if (n->mark != NULL) {
		json_append(j, view_of(n->mark, sizeof(*n->mark)));
	}
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		json_append(j, view_of(text[i], strlen(text[i]) + 1));
	}
}

static const struct ioc *
kept_ioc(struct kept_ioc *k, const uint8_t *p)
{
	const char **text[] = { &k->ioc.value,        &k->note.id,
				&k->note.source,      &k->note.tlp,
				&k->note.description, &k->note.tactic,
				&k->note.labels,      &k->note.kill_chain };

	memcpy(&k->note, p, sizeof(k->note));
	p += sizeof(k->note);
	if (k->note.mark != NULL) {
		memcpy(&k->mark, p, sizeof(k->mark));
		p += sizeof(k->mark);
		k->note.mark = &k->mark;
	}
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		*text[i] = (const char *)p;
		p += strlen(*text[i]) + 1;
	}
	k->ioc.note = &k->note;
	return &k->ioc;
}

static void
put_alert(struct json *j, const struct event_subject *s, const struct rule *r,
	  const struct ioc *ioc, struct view context,
	  const struct alert_conf *c, const struct addr *client)
{
	json_obj(j, "alert");
	/* A tap cannot drop: whatever the rule asks for, the packet passed. */
	json_name(j, "action", "allowed");
	json_u64(j, "gid", r->gid);
	json_u64(j, "signature_id", r->sid);
	json_u64(j, "rev", r->rev);
	json_cstr(j, "signature", r->msg != NULL ? r->msg : "");
	json_cstr(j, "category", r->category != NULL ? r->category : "");
	json_u64(j, "severity",
		 ioc != NULL ? ioc->note->severity : r->priority);
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
	line_members(j, context);
	if (client != NULL) {
		json_addr(j, "xff", client);
	}
	if (c->rule_raw && r->text != NULL && r->text[0] != '\0') {
		json_cstr(j, "rule", r->text);
	}
	json_obj_end(j);
}

struct view
event_hit(struct event_log *l, const struct event_subject *s,
	  const struct rule_hit *hit)
{
	struct alert_hit h = { .has_ioc = hit->ioc != NULL,
			       .tx_id = hit->tx_id,
			       .has_tx = hit->has_tx,
			       .tx_guessed = s->tx_guessed };
	struct json *j = &l->json;

	line_begin(l);
	json_append(j, view_of(&h, sizeof(h)));
	log_context(j, s->meta, hit);
	if (!j->failed) {
		h.context_len = (uint32_t)(j->len - l->start - sizeof(h));
		memcpy(j->p + l->start, &h, sizeof(h));
	}
	if (hit->ioc != NULL) {
		keep_ioc(j, hit->ioc);
	}
	return line_done(l);
}

/* The file that keeps the packet. */
static void
put_capture_file(struct event_log *l, const struct evidence_at *at)
{
	const char *dir = l->set->evidence_dir;
	char name[EVIDENCE_NAME_CAP], path[PATH_MAX];

	l->evidence = NULL;
	if (at->there && dir != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir,
			 evidence_name(at, name));
		json_cstr(&l->json, "capture_file", path);
		l->evidence = at;
	}
}

struct view
event_alert(struct event_log *l, const struct outbox *o, const struct record *r)
{
	struct view own = outbox_line(o, r);
	const struct ioc *ioc = NULL;
	struct kept_ioc kept;
	struct scene_reader s;
	struct alert_hit hit;
	const struct alert_conf *c;
	struct json *j = &l->json;

	memcpy(&hit, own.p, sizeof(hit));
	if (hit.has_ioc) {
		ioc = kept_ioc(&kept, own.p + sizeof(hit) + hit.context_len);
	}
	scene_read(&s, l, o->text + r->scene);
	c = &l->set->alert;
	l->client = s.is.has_client && c->xff.overwrite ? &s.is.client : NULL;
	line_head(l, &s.subject, "alert");
	l->client = NULL;
	if (hit.has_tx) {
		json_u64(j, "tx_id", hit.tx_id);
	}
	if (hit.tx_guessed) {
		json_bool(j, "tx_guessed", true);
	}
	line_members(j, scene_part(&s, SCENE_METADATA));
	put_alert(j, &s.subject, r->rule, ioc,
		  view_sub(own, sizeof(hit), hit.context_len), c,
		  s.is.has_client && !c->xff.overwrite ? &s.is.client : NULL);
	line_members(j, scene_part(&s, SCENE_TUNNEL));
	line_members(j, scene_part(&s, SCENE_TX));
	if (s.subject.f != NULL) {
		line_app(j, &s.subject);
		json_name(j, "direction",
			  s.subject.dir == FLOW_TOSERVER ? "to_server"
							 : "to_client");
		if (c->flow) {
			json_obj(j, "flow");
			line_flow_counts(j, s.subject.f);
			line_flow_endpoints(j, s.subject.f, 0);
			json_obj_end(j);
		}
	}
	log_payload(j, &s.payload, c);
	if (s.subject.pkt != NULL) {
		line_members(j, scene_part(&s, SCENE_PACKET));
		log_packet_info(j, s.is.linktype);
	}
	put_capture_file(l, &s.is.evidence);
	l->trace = &s.is.trace;
	own = line_end(l, ioc);
	l->trace = NULL;
	l->evidence = NULL;
	return own;
}

struct view
line_of_packet(struct event_log *l, const struct event_subject *s)
{
	struct json *j = &l->json;

	line_head(l, s, "packet");
	if (s->past != NULL) {
		json_base64(j, "packet", s->past->packet);
		log_packet_info(j, s->past->linktype);
	} else {
		log_packet(j, s->pkt, DUMP_ALL);
		log_packet_info(j, log_packet_linktype(s->pkt));
	}
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
	return &l->set->alert;
}
