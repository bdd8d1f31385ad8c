/* SPDX-License-Identifier: Apache-2.0 */
/* The flow event, at once or later. */
#include "common/clock.h"
#include "sensor/event_scene.h"

/* Of a flow told of later: what a copy of it does not tell. */
struct flow_rest {
	const char *tcp_state;
};

static void
put_tcp(struct json *j, const struct flow *f, const char *state)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = { { TCP_SYN, "syn" }, { TCP_FIN, "fin" },
		      { TCP_RST, "rst" }, { TCP_PSH, "psh" },
		      { TCP_ACK, "ack" }, { TCP_URG, "urg" },
		      { TCP_ECE, "ecn" }, { TCP_CWR, "cwr" } };
	uint8_t both = f->tcp_flags[0] | f->tcp_flags[1];

	json_obj(j, "tcp");
	json_hex(j, "tcp_flags", view_of(&both, 1));
	json_hex(j, "tcp_flags_ts", view_of(&f->tcp_flags[0], 1));
	json_hex(j, "tcp_flags_tc", view_of(&f->tcp_flags[1], 1));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (both & names[i].bit) {
			json_bool(j, names[i].name, true);
		}
	}
	json_name(j, "state", state);
	json_obj_end(j);
}

static void
put_flow(struct json *j, const struct flow *f)
{
	static const char *const states[] = { "new", "established", "closed" };
	static const char *const reasons[] = { "timeout", "forced",
					       "shutdown" };

	json_obj(j, "flow");
	line_flow_counts(j, f);
	json_time(j, "end", f->last_us);
	json_u64(j, "age",
		 f->last_us > f->first_us
			 ? f->last_us / US_PER_S - f->first_us / US_PER_S
			 : 0);
	json_name(j, "state", states[f->state]);
	json_name(j, "reason", reasons[f->end]);
	json_bool(j, "alerted", f->n_alerts > 0);
	if ((f->flags & FLOW_REJECTED) != 0) {
		json_name(j, "action", "drop");
	} else if ((f->flags & FLOW_PASSED) != 0) {
		json_name(j, "action", "pass");
	}
	json_obj_end(j);
}

struct view
event_flow(struct event_log *l, const struct event_subject *s)
{
	struct json *j = &l->json;
	const struct flow *f = s->f;

	line_head(l, s, "flow");
	line_app(j, f);
	put_flow(j, f);
	line_metadata(j, s);
	if (f->proto == IPP_TCP) {
		put_tcp(j, f, stream_state_name(f));
	}
	return line_end(l, NULL);
}

struct view
event_flow_rest(struct event_log *l, const struct event_subject *s)
{
	struct flow_rest rest = { stream_state_name(s->f) };

	line_begin(l);
	json_append(&l->json, view_of(&rest, sizeof(rest)));
	return line_done(l);
}

struct view
event_flow_later(struct event_log *l, const struct outbox *o,
		 const struct record *r)
{
	struct json *j = &l->json;
	struct scene_reader s;
	struct flow_rest rest;

	memcpy(&rest, outbox_line(o, r).p, sizeof(rest));
	scene_read(&s, o->text + r->scene);
	scene_settings(l, s.is.set);
	line_head(l, &s.subject, "flow");
	line_apps(j, &s.is.apps);
	put_flow(j, s.subject.f);
	scene_members(j, scene_part(&s, SCENE_METADATA));
	if (s.subject.f->proto == IPP_TCP) {
		put_tcp(j, s.subject.f, rest.tcp_state);
	}
	return line_end(l, NULL);
}
