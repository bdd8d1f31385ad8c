/* SPDX-License-Identifier: Apache-2.0 */
/* The flow event. */
#include "common/clock.h"
#include "sensor/event_line.h"

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
line_of_anchor(struct event_log *l, const struct event_subject *s)
{
	struct json *j = &l->json;
	const struct flow *f = s->f;
	struct view line;

	line_begin(l);
	/* Not the former line's: two taps' clocks are the same in play. */
	l->lane = 0;
	json_obj(j, NULL);
	json_time(j, "timestamp", s->ts_us);
	json_name(j, "event_type", "anchor");
	/* From the SYN to its answer: a collector takes the middle of both, in
	 * which the way between two taps cancels out. */
	json_u64(j, "wait_us",
		 s->ts_us > f->first_us ? s->ts_us - f->first_us : 0);
	l->trace = s->trace;
	line = line_end(l, NULL);
	l->trace = NULL;
	return line;
}

struct view
line_of_flow(struct event_log *l, const struct event_subject *s)
{
	struct json *j = &l->json;
	const struct flow *f = s->f;

	line_head(l, s, "flow");
	line_app(j, s);
	put_flow(j, f);
	line_metadata(j, s);
	if (f->proto == IPP_TCP) {
		put_tcp(j, f,
			s->past != NULL ? s->past->tcp_state
					: stream_state_name(f));
	}
	return line_end(l, NULL);
}
