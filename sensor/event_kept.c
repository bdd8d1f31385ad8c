/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that are no alerts: their line at once, or what it is made of kept for
 * a thread that has the time.  The line is written by the same function either
 * way, from the same subject: the one of now, or the one set up again.
 */
#include "sensor/contacts.h"
#include "sensor/event_scene.h"

struct view
event_line(struct event_log *l, const struct event_subject *s,
	   const struct event_what *what)
{
	struct line_anomaly a;

	switch (what->type) {
	case EVENT_TYPE_FLOW:
		return line_of_flow(l, s);
	case EVENT_TYPE_ANCHOR:
		return line_of_anchor(l, s);
	case EVENT_TYPE_CONTACTS:
		return line_of_contacts(l, s, what->contacts);
	case EVENT_TYPE_PACKET:
		return line_of_packet(l, s);
	case EVENT_TYPE_FILEINFO:
		return line_of_file(l, s, what->file);
	case EVENT_TYPE_ANOMALY:
		a = line_anomaly(s, what->anomaly);
		return line_of_anomaly(l, s, &a);
	default:
		return line_of_tx(l, s);
	}
}

/* Whether the event tells what rules remember of the flow. */
static bool
tells_metadata(enum event_type t)
{
	return t != EVENT_TYPE_PACKET && t != EVENT_TYPE_FILEINFO &&
	       t != EVENT_TYPE_ANOMALY && t != EVENT_TYPE_ANCHOR &&
	       t != EVENT_TYPE_CONTACTS;
}

/* What only this event has; kept_line() reads it. */
static void
put_own(struct json *j, const struct event_subject *s,
	const struct event_what *what)
{
	struct view head, body;
	struct line_anomaly a;

	switch (what->type) {
	case EVENT_TYPE_FLOW:
	case EVENT_TYPE_ANCHOR:
		break;
	case EVENT_TYPE_CONTACTS:
		json_append(j, view_of(what->contacts,
				       contacts_told_size(what->contacts)));
		break;
	case EVENT_TYPE_PACKET:
		log_packet_bytes(s->pkt, &head, &body);
		json_append(j, head);
		json_append(j, body);
		break;
	case EVENT_TYPE_FILEINFO:
		tx_copy_put(j, s->tx);
		tx_copy_put_file(j, what->file);
		break;
	case EVENT_TYPE_ANOMALY:
		a = line_anomaly(s, what->anomaly);
		json_append(j, view_of(&a, sizeof(a)));
		break;
	default:
		tx_copy_put(j, s->tx);
		break;
	}
}

struct view
event_kept(struct event_log *l, const struct event_subject *s,
	   const struct event_what *what)
{
	struct scene is;

	scene_begin(&is, l, s);
	if (s->trace != NULL) {
		is.trace = *s->trace;
	}
	if (tells_metadata(what->type)) {
		line_metadata(&l->json, s);
	}
	scene_end_part(&is, &l->json, SCENE_METADATA);
	put_own(&l->json, s, what);
	scene_end_part(&is, &l->json, SCENE_OWN);
	return scene_end(&is, l);
}

static struct view
kept_line(struct event_log *l, const uint8_t *bytes, enum event_type type)
{
	struct scene_reader r;
	struct contacts_told contacts;
	struct line_anomaly a;
	struct file file;
	struct view own;

	scene_read(&r, l, bytes);
	own = scene_part(&r, SCENE_OWN);
	switch (type) {
	case EVENT_TYPE_FLOW:
		return line_of_flow(l, &r.subject);
	case EVENT_TYPE_ANCHOR:
		return line_of_anchor(l, &r.subject);
	case EVENT_TYPE_CONTACTS:
		memcpy(&contacts, own.p, MIN(own.len, sizeof(contacts)));
		return line_of_contacts(l, &r.subject, &contacts);
	case EVENT_TYPE_PACKET:
		r.past.packet = own;
		return line_of_packet(l, &r.subject);
	case EVENT_TYPE_FILEINFO:
		r.subject.tx = tx_copy_get(l->room, &own);
		tx_copy_get_file(&file, &own);
		return line_of_file(l, &r.subject, &file);
	case EVENT_TYPE_ANOMALY:
		memcpy(&a, own.p, sizeof(a));
		return line_of_anomaly(l, &r.subject, &a);
	default:
		r.subject.tx = tx_copy_get(l->room, &own);
		return line_of_tx(l, &r.subject);
	}
}

struct view
event_later(struct event_log *l, const struct outbox *o, const struct record *r)
{
	return r->type == EVENT_TYPE_ALERT
		       ? event_alert(l, o, r)
		       : kept_line(l, o->text + r->at, r->type);
}
