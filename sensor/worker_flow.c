/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

#include "sensor/tag.h"

/* Turns 'pkt', which stands for a flow's last packet, to 'dir'. */
static void
fill_last_packet(struct worker *w, struct packet *pkt, const struct flow *f,
		 enum flow_dir dir)
{
	unsigned from = dir == FLOW_TOSERVER ? 0 : 1;

	pkt->src = f->addr[from];
	pkt->dst = f->addr[1 - from];
	pkt->sport = f->port[from];
	pkt->dport = f->port[1 - from];
	fill_packet(&w->in, pkt, dir, true);
}

/* The last look at what came, as if one more packet had brought it. */
static void
look_last(struct worker *w, struct event_subject *s, struct flow *f)
{
	struct frame last = { .ts_us = f->last_us, .iface = f->iface };
	struct packet pkt = {
		.frame = &last,
		.ip_version = f->ip_version,
		.proto = f->proto,
	};

	fill_flow(&w->in_flow, f);
	w->in.flow = &w->in_flow;
	w->filled = true;
	for (unsigned d = 0; d < 2; d++) {
		s->dir = (enum flow_dir)d;
		fill_last_packet(w, &pkt, f, s->dir);
		if (f->tcp != NULL) {
			worker_inspect_stream(w, s, f,
					      stream_raw_last(f, s->dir, true));
		}
	}
	fill_last_packet(w, &pkt, f, FLOW_TOSERVER);
}

/*
 * A flow's last words: bytes that waited behind holes, transactions that
 * never finished.  They are matched as if a last packet of the flow had come.
 */
static void
drain_flow(struct worker *w, struct event_subject *s, struct flow *f)
{
	if (f->tcp == NULL && f->app == NULL) {
		return;
	}
	if ((f->flags & FLOW_BYPASSED) != 0) {
		/* Nobody looks any more; what is known may be logged. */
		worker_end_txs(w, s, f);
		return;
	}
	if (f->tcp != NULL) {
		stream_flush(w->streams, f);
		worker_run_app(w, s, f, f->last_us);
	}
	if (f->app != NULL) {
		app_eof(w->apps, f, FLOW_TOSERVER, f->last_us);
		app_eof(w->apps, f, FLOW_TOCLIENT, f->last_us);
	}
	w->settled = w->out->n;
	w->count.pseudo_packets++;
	if (w->asks.match) {
		look_last(w, s, f);
	}
	s->dir = FLOW_TOSERVER;
	if (f->app != NULL) {
		worker_inspect_txs(w, s, f);
		worker_end_txs(w, s, f);
	}
	worker_settle(w);
}

/* What patterns say of the flow as a whole. */
static void
match_end(struct worker *w, struct event_subject *s, struct flow *f)
{
	struct frame last = { .ts_us = f->last_us, .iface = f->iface };
	struct packet pkt = {
		.frame = &last,
		.ip_version = f->ip_version,
		.proto = f->proto,
	};

	fill_flow(&w->in_flow, f);
	w->in.flow = &w->in_flow;
	fill_last_packet(w, &pkt, f, FLOW_TOSERVER);
	w->in.flow_state = &f->rules;
	w->in.pkt_is_reverse = false;
	w->filled = true;
	w->settled = w->out->n;
	worker_match_end(w, s);
	worker_settle(w);
}

static void
end_flow(struct worker *w, struct flow *f, uint64_t now_us)
{
	struct event_subject s = {
		.f = f,
		.ts_us = f->last_us,
		.iface = f->iface,
		.dir = FLOW_TOSERVER,
	};

	drain_flow(w, &s, f);
	if (w->asks.ends && (f->flags & FLOW_BYPASSED) == 0) {
		match_end(w, &s, f);
	}
	if (w->tags != NULL) {
		tag_forget(w->tags, f);
	}
	if (worker_wants(w, EVENT_TYPE_FLOW)) {
		worker_remember(w, &s);
		worker_tell(w, &s,
			    &(struct event_what){ .type = EVENT_TYPE_FLOW });
	}
	if (w->retro != NULL) {
		retro_note_flow_end(w->retro, f);
	}
	if (w->contacts != NULL && !contact_notes_settled(f)) {
		worker_end_contact(w, f, now_us);
	}
	rule_flow_free(f->rules, w->pool);
	f->rules = NULL;
	if (f->app != NULL) {
		app_free(w->apps, f);
	}
	if (f->tcp != NULL) {
		stream_free(w->streams, f);
	}
	flow_release(w->flows, f);
}

void
worker_end_flows(struct worker *w, uint64_t now_us, uint64_t number, bool all,
		 struct outbox *out)
{
	struct flow *f;

	w->out = out;
	w->order = record_order(number, RECORD_BEHIND);
	while ((f = flow_expire(w->flows, now_us, all)) != NULL) {
		w->sub = f->id;
		end_flow(w, f, now_us);
	}
}
