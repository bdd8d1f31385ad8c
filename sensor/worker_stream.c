/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

void
worker_fill_subject(struct worker *w, const struct event_subject *s,
		    bool in_stream)
{
	if (s->f != NULL) {
		fill_flow(&w->in_flow, s->f);
	}
	w->in.flow = s->f != NULL ? &w->in_flow : NULL;
	fill_packet(&w->in, s->pkt, s->dir, in_stream);
	w->filled = true;
}

/* Whether any rule may match what is new of direction s->dir. */
static bool
wants_stream(struct worker *w, const struct event_subject *s, struct flow *f,
	     struct view window, uint32_t seen, uint64_t offset)
{
	unsigned from = s->dir;
	struct rule_look look = {
		.ends = { .src = &f->addr[from],
			  .dst = &f->addr[1 - from],
			  .sport = f->port[from],
			  .dport = f->port[1 - from],
			  .proto = f->proto,
			  .ip_version = f->ip_version,
			  .dir = (uint8_t)s->dir,
			  .has_flow = true },
		.established = flow_established(f),
		.app = (uint8_t)app_proto_of(f),
		.payload = window,
		.seen = seen,
		.offset = offset,
		.packet = s->pkt != NULL ? w->count.packets : 0,
		.state = &f->rules,
		.plan = f->plan[s->dir],
	};

	return rule_wants_stream(w->matcher, &look);
}

void
worker_inspect_stream(struct worker *w, struct event_subject *s, struct flow *f,
		      bool last)
{
	uint32_t seen = 0;
	uint64_t offset;
	struct view window;

	if (!w->asks.raw[s->dir]) {
		/* kept for rules that are no longer there */
		stream_raw_disable(w->streams, f, s->dir);
		return;
	}
	window = stream_raw(f, s->dir, &seen, &offset);
	if (window.len == 0 || (seen >= window.len && !last)) {
		return;
	}
	if (wants_stream(w, s, f, window, seen, offset)) {
		worker_need_facts(w, s);
		(void)fill_stream(&w->in, f, s->dir, last);
		w->in.flow_state = &f->rules;
		w->in.tx_state = NULL;
		worker_match(w, s);
	}
	stream_raw_done(w->streams, f, s->dir);
}

void
worker_inspect_streams(struct worker *w, struct event_subject *s,
		       struct flow *f)
{
	enum flow_dir packet_dir = s->dir;

	for (unsigned d = 0; d < 2; d++) {
		s->dir = (enum flow_dir)d;
		w->in.pkt_is_reverse = s->dir != packet_dir;
		worker_inspect_stream(
			w, s, f, stream_raw_last(f, (enum flow_dir)d, false));
	}
	s->dir = packet_dir;
	w->in.pkt_is_reverse = false;
}

/*
 * Moves what the stream made ready into the application parser.  Rules look
 * at the raw bytes before a hole now, because a hole ends the raw window.
 */
void
worker_run_app(struct worker *w, struct event_subject *s, struct flow *f,
	       uint64_t now_us)
{
	struct stream_chunk c;

	while (stream_next(w->streams, f, &c)) {
		if (c.gap > 0 && s->pkt != NULL && w->asks.match) {
			worker_fill_subject(w, s, true);
			worker_inspect_streams(w, s, f);
			w->filled = false;
		}
		if (!w->asks.names && f->app == NULL) {
			continue;
		}
		if (c.gap > 0) {
			app_gap(w->apps, f, c.dir, c.gap, now_us);
		} else if (c.data.len > 0) {
			app_data(w->apps, f, c.dir, c.data, now_us);
		}
		if (c.fin) {
			app_eof(w->apps, f, c.dir, now_us);
		}
	}
}
