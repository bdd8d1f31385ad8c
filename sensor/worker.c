/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

#include <stdlib.h>

#include "common/clock.h"
#include "sensor/fill.h"
#include "sensor/tag.h"

#define MAX_HITS 4096

/* What the matcher's set looks at; false when there is no room for tags. */
static bool
note_rules(struct worker *w)
{
	w->rules = rule_matcher_rules(w->matcher);
	memcpy(w->needed, ruleset_needed(w->rules), sizeof(w->needed));
	w->apps->keep_frames = inspect_bit(w->needed, BUF_HTTP_REQ_FRAME) ||
			       inspect_bit(w->needed, BUF_HTTP_RESP_FRAME);
	worker_note_asks(w);
	file_ctx_want(w->apps->files, ruleset_file_needs(w->rules));
	if (w->tags == NULL && ruleset_tags(w->rules) &&
	    worker_wants(w, EVENT_TYPE_PACKET) &&
	    event_alert_conf(w->log)->tagged_packets) {
		w->tags = tag_table_new(w->pool);
		return w->tags != NULL;
	}
	return true;
}

struct worker *
worker_new(const struct worker_settings *s)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return NULL;
	}
	w->overload.conf = s->overload;
	w->event_types = s->event_types;
	w->late_events = s->late_events;
	w->retro = s->retro;
	w->evidence = s->evidence;
	w->drill = s->origin.exercise != NULL && s->origin.exercise[0] != '\0';
	if (s->contacts != NULL &&
	    (w->contacts = contacts_desk_new(s->contacts)) != NULL) {
		w->notes = contacts_desk_notes(w->contacts);
	}
	w->pool = pool_new(s->memory_limit);
	w->hits.v = calloc(MAX_HITS, sizeof(*w->hits.v));
	w->hits.cap = MAX_HITS;
	if (w->pool != NULL && pool_warm(w->pool, s->memory_ready)) {
		w->decoder = decoder_new(s->conf, w->pool);
		w->flows = flow_table_new(s->conf, w->pool);
		w->streams = stream_ctx_new(s->conf, w->pool);
		w->apps = app_ctx_new(s->conf, w->pool);
	}
	if (w->flows != NULL) {
		w->flow_count = flow_counters(w->flows);
	}
	w->matcher = rule_matcher_new(s->rules);
	if (w->matcher != NULL && s->shared != NULL) {
		rule_matcher_settle(w->matcher, s->shared);
	}
	if (w->matcher != NULL && s->profile &&
	    !rule_matcher_profile(w->matcher)) {
		worker_free(w);
		return NULL;
	}
	w->guess_tx = conf_bool(s->conf, "detect.guess-applayer-tx", false);
	w->depth_bypass = conf_bool(s->conf, "stream.bypass", false);
	w->log = event_log_new(&s->origin, s->conf);
	if (w->log != NULL) {
		event_log_into(w->log, &w->out);
	}
	if (w->hits.v == NULL || w->decoder == NULL || w->flows == NULL ||
	    w->streams == NULL || w->apps == NULL || w->matcher == NULL ||
	    w->log == NULL || (s->contacts != NULL && w->contacts == NULL)) {
		worker_free(w);
		return NULL;
	}
	if (!note_rules(w)) {
		worker_free(w);
		return NULL;
	}
	stream_set_file_depth(w->streams, file_stream_depth(w->apps->files));
	w->in.pool = w->pool;
	return w;
}

bool
worker_set_posture(struct worker *w, uint32_t event_types,
		   const struct alert_conf *alert,
		   const struct event_lanes *lanes)
{
	w->event_types = event_types;
	if (!event_log_set(w->log, alert, lanes)) {
		return false;
	}
	return note_rules(w);
}

struct rule_matcher *
worker_change_rules(struct worker *w, struct rule_matcher *next)
{
	struct rule_matcher *former = w->matcher;

	rule_matcher_follow(next, former);
	w->matcher = next;
	if (!note_rules(w)) {
		w->count.events_lost++; /* tagged packets */
	}
	return former;
}

/* The packet itself, when a rule asked for it earlier. */
static void
write_tagged(struct worker *w, const struct event_subject *s)
{
	if (s->pkt->ip_version != 0 &&
	    tag_packet(w->tags, s->f, &s->pkt->src, &s->pkt->dst,
		       s->pkt->frame->caplen, s->ts_us)) {
		worker_tell(w, s,
			    &(struct event_what){ .type = EVENT_TYPE_PACKET });
	}
}

/* One more packet of a flow that alerted, or may yet. */
static void
keep_followed(struct worker *w, const struct event_subject *s)
{
	struct flow *f = (struct flow *)s->f;

	if (w->evidence->mode != EVIDENCE_FLOWS || f == NULL) {
		return;
	}
	if (f->evidence == EVIDENCE_FOLLOWED) {
		evidence_flow_frame(w->evidence, f->id, s->pkt->frame,
				    &f->evidence);
	} else if (f->evidence == EVIDENCE_UNSEEN) {
		evidence_note(w->evidence, f->id, s->pkt->frame);
	}
}

static inline void
put_tagged(struct worker *w, const struct event_subject *s)
{
	if (UNLIKELY(w->tags != NULL)) {
		write_tagged(w, s);
	}
	if (UNLIKELY(w->evidence != NULL)) {
		keep_followed(w, s);
	}
}

/* A session that just began: what no rule looks at is not kept. */
static void
spare_raw(struct worker *w, struct flow *f)
{
	for (unsigned d = 0; d < 2; d++) {
		if (!w->asks.raw[d]) {
			stream_raw_disable(w->streams, f, (enum flow_dir)d);
		}
	}
}

/* A segment that begins or ends something. */
static __attribute__((noinline)) void
note_turn(struct worker *w, const struct event_subject *s, struct flow *f,
	  const struct packet *pkt)
{
	if ((pkt->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK) &&
	    f->pkts[0] == 1 && f->pkts[1] == 1 &&
	    worker_wants(w, EVENT_TYPE_ANCHOR)) {
		worker_put_anchor(w, s);
	}
	if ((pkt->tcp_flags & (TCP_FIN | TCP_RST)) != 0) {
		worker_close_contact(w, s, f);
	}
}

/* 'unread': its payload is given up. */
static void
take_segment(struct worker *w, struct event_subject *s, struct flow *f,
	     struct packet *pkt, struct worker_before *was, bool unread)
{
	bool fresh = f->tcp == NULL;

	/* The ACK that ends the handshake is part of it still, unless it
	 * brings data. */
	was->established = w->asks.match && (stream_established(f) ||
					     (!fresh && pkt->payload.len > 0));
	w->in_stream =
		(!unread ? stream_packet(w->streams, w->flows, f, pkt, s->dir)
			 : worker_follow_segment(w, f, pkt, s->dir)) &&
		pkt->payload.len > 0;
	if (UNLIKELY(fresh)) {
		/* The roles may have been exchanged by a late start. */
		s->dir = flow_packet_dir(f, pkt);
		if (f->tcp != NULL) {
			spare_raw(w, f);
		}
	}
	if (UNLIKELY((pkt->tcp_flags & w->turn_flags) != 0)) {
		note_turn(w, s, f, pkt);
	}
	was->app = app_proto_of(f);
	if (stream_has_next(w->streams)) {
		worker_run_app(w, s, f, s->ts_us);
		worker_settle(w); /* what stood before a hole */
	}
}

static void
take_datagram(struct worker *w, struct event_subject *s, struct flow *f,
	      const struct packet *pkt)
{
	app_data(w->apps, f, s->dir, pkt->payload, s->ts_us);
	if (f->app != NULL && f->app->swap) {
		/* the first datagram was the server's */
		f->app->swap = false;
		flow_swap(w->flows, f);
		s->dir = flow_packet_dir(f, pkt);
	}
}

/* What decides whether any rule could match this packet. */
static bool
wants_packet(struct worker *w, const struct event_subject *s, struct flow *f,
	     const struct worker_before *was, bool unseen)
{
	const struct packet *pkt = s->pkt;
	struct rule_look look = {
		.ends = { .src = &pkt->src,
			  .dst = &pkt->dst,
			  .sport = pkt->sport,
			  .dport = pkt->dport,
			  .proto = pkt->proto,
			  .ip_version = pkt->ip_version,
			  .dir = (uint8_t)s->dir,
			  .has_flow = f != NULL },
		.in_stream = w->in_stream,
		.first = true,
		.has_events = !event_set_empty(&pkt->events),
		.payload = unseen ? VIEW_NONE : pkt->payload,
		.packet = w->count.packets,
	};

	if (pkt->proto == IPP_TCP) {
		look.type = pkt->tcp_flags;
	} else if (pkt->proto == IPP_ICMP || pkt->proto == IPP_ICMPV6) {
		look.type = pkt->icmp_type;
	}
	if (f != NULL) {
		look.established = was->established;
		look.app = (uint8_t)was->app;
		look.first = f->pkts[s->dir] <= 1;
		look.state = &f->rules;
		look.plan = f->plan[s->dir];
	}
	return rule_wants_packet(w->matcher, &look);
}

/* Rules on the packet itself. */
static void
match_packet(struct worker *w, struct event_subject *s, struct flow *f,
	     struct worker_before *was, bool unread)
{
	bool established = f != NULL && flow_established(f);
	bool dark =
		f != NULL && f->app != NULL && f->app->unseen && f->app->dark;
	bool unseen = dark || unread;

	/* a segment's own bytes count once they are acknowledged */
	if (f != NULL && f->proto == IPP_TCP) {
		was->established = was->established && established;
	} else {
		*was = (struct worker_before){ f != NULL ? app_proto_of(f)
							 : APP_UNKNOWN,
					       established };
	}
	if (UNLIKELY(dark)) {
		w->count.unseen_packets++;
		w->count.unseen_bytes += s->pkt->payload.len;
	}
	if (!wants_packet(w, s, f, was, unseen)) {
		return;
	}
	worker_need_facts(w, s);
	if (f != NULL) {
		w->in_flow.app = was->app;
		w->in_flow.established = was->established;
	}
	w->in.flow_state = f != NULL ? &f->rules : NULL;
	w->in.tx_state = NULL;
	if (unseen) {
		w->in.buf[BUF_PAYLOAD].n = 0;
	}
	w->settled = w->out->n;
	worker_match(w, s);
	worker_settle(w);
	if (f != NULL) {
		w->in_flow.established = established;
		w->in_flow.app = app_proto_of(f);
	}
}

/* What a packet did to its flow's bytes and transactions. */
static void
match_flow(struct worker *w, struct event_subject *s, struct flow *f)
{
	if (w->asks.match && f->tcp != NULL) {
		worker_inspect_streams(w, s, f);
	}
	if (f->app != NULL) {
		worker_inspect_txs(w, s, f);
		if (UNLIKELY(f->app->dark && !f->app->unseen)) {
			worker_part_unseen(w, s, f);
		}
	}
	worker_settle(w);
}

/* Who spoke to whom, for later questions: once a flow and direction. */
static inline void
note_ends(struct worker *w, const struct event_subject *s)
{
	if (LIKELY(w->retro == NULL)) {
		return;
	}
	if (s->f == NULL) {
		retro_note_packet(w->retro, s->pkt, s->ts_us);
	} else if (s->f->pkts[s->dir] == 1) {
		retro_note_flow(w->retro, s->f, s->ts_us);
	}
}

static void
packet(struct worker *w, struct packet *pkt)
{
	struct event_subject *s = &w->subject;
	struct worker_before *was = &w->before;
	enum overload_shed what = SHED_NONE;
	struct flow *f;

	w->count.packets++;
	w->count.tunnel_packets += (pkt->flags & PKT_INNER) != 0;
	*s = (struct event_subject){
		.pkt = pkt,
		.ts_us = pkt->frame->ts_us,
		.number = pkt->frame->number,
		.iface = pkt->frame->iface,
	};
	f = flow_find(w->flows, pkt, &s->dir);
	s->f = f;
	w->filled = w->in_stream = false;
	w->settled = w->out->n;
	note_ends(w, s);
	if (UNLIKELY(f == NULL)) {
		if (w->asks.match) {
			match_packet(w, s, f, was, false);
		}
		worker_put_anomalies(w, s, &pkt->events);
		put_tagged(w, s);
		return;
	}
	if (UNLIKELY((f->flags & FLOW_BYPASSED) != 0)) {
		if (worker_contact_turn(w, f, s->dir)) {
			worker_note_contact(w, s, f);
		}
		worker_close_contact(w, s, f);
		w->count.bypassed_packets++;
		w->count.bypassed_bytes += pkt->frame->wirelen;
		put_tagged(w, s);
		return;
	}
	/* One comparison a packet for a worker that is not behind, and each of
	 * the calls below once, so that they are still inlined. */
	if (UNLIKELY(w->overload.level > 0)) {
		what = worker_shed(w, f, pkt, s->dir);
	}
	if (LIKELY(f->proto == IPP_TCP)) {
		take_segment(w, s, f, pkt, was, what != SHED_NONE);
	} else if (f->proto == IPP_UDP && pkt->payload.len > 0 &&
		   w->asks.names && what == SHED_NONE) {
		take_datagram(w, s, f, pkt);
	}
	if (UNLIKELY(worker_contact_turn(w, f, s->dir))) {
		worker_note_contact(w, s, f);
	}
	if (UNLIKELY(overload_sheds_all(what))) {
		put_tagged(w, s);
		return;
	}
	if (w->asks.match) {
		match_packet(w, s, f, was, what != SHED_NONE);
	}
	worker_put_anomalies(w, s, &pkt->events);
	match_flow(w, s, f);
	put_tagged(w, s);
	if (UNLIKELY(w->depth_bypass) && stream_is_past_depth(f) &&
	    (f->flags & FLOW_BYPASSED) == 0) {
		f->flags |= FLOW_BYPASSED;
		w->count.bypassed_depth++;
	}
}

/*
 * At flow.memcap each new flow ends an old one, and only few may wait to be
 * written: in a flood they cannot wait for the round's end.
 */
static void
relieve(struct worker *w, const struct frame *f, struct outbox *out)
{
	uint64_t pressed =
		w->flow_count->emergency_evicted + w->flow_count->no_memory;

	if (UNLIKELY(pressed != w->pressed)) {
		w->pressed = pressed;
		worker_end_flows(w, f->ts_us, frame_order(f), false, out);
	}
}

/* What became of a frame of 'n' packets. */
static void
count_frame(struct worker *w, unsigned n)
{
	bool any_ip = false, broken = false;

	for (unsigned i = 0; i < n; i++) {
		any_ip = any_ip || w->pkts[i].ip_version != 0;
		broken = broken || (w->pkts[i].flags & PKT_BROKEN) != 0;
	}
	w->counted = any_ip;
	if (any_ip) {
		w->count.inspected++;
	} else if (broken) {
		w->count.skipped_invalid++;
	} else {
		w->count.skipped_not_ip++;
	}
}

static inline void
begin_frame(struct worker *w, const struct frame *f, struct outbox *out)
{
	w->out = out;
	w->sub = 0;
	w->count.frames++;
	w->count.bytes += f->caplen;
	evidence_next_frame(w->evidence);
}

void
worker_take_ordinary(struct worker *w, struct packet *pkt, struct outbox *out)
{
	begin_frame(w, pkt->frame, out);
	w->count.inspected++;
	w->counted = true;
	w->order = record_order(frame_order(pkt->frame), 0);
	packet(w, pkt);
	relieve(w, pkt->frame, out);
}

void
worker_frame(struct worker *w, const struct frame *f, struct outbox *out)
{
	unsigned n = decode_frame(w->decoder, f, w->pkts);

	begin_frame(w, f, out);
	count_frame(w, n);
	for (unsigned i = 0; i < n; i++) {
		w->order = record_order(frame_order(f), i);
		packet(w, &w->pkts[i]);
	}
	relieve(w, f, out);
}

/*
 * Bit i: the i-th of 'n' packets is this worker's.  One without IP goes with
 * what it was in.
 */
static unsigned
own_packets(const struct worker *w, unsigned n, struct pair_owners *owners,
	    unsigned self)
{
	unsigned own = 0, owner = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t pair = decode_pair_hash(&w->pkts[i]);

		if (i == 0 || pair != 0) {
			/* one not seen before was in a datagram just put
			 * together: whoever is first settles it for all */
			owner = pair_owner(owners, pair, pair % owners->n);
		}
		own |= (unsigned)(owner == self) << i;
	}
	return own;
}

void
worker_frame_part(struct worker *w, const struct frame *f,
		  struct pair_owners *owners, unsigned self, struct outbox *out)
{
	unsigned n = decode_frame_uncounted(w->decoder, f, w->pkts);
	unsigned own = own_packets(w, n, owners, self);

	w->counted = false;
	evidence_next_frame(w->evidence);
	if ((own & 1) != 0) {
		/* whose the outermost is counts the frame */
		decode_count_last(w->decoder);
		w->count.frames++;
		w->count.bytes += f->caplen;
		count_frame(w, n);
	}
	w->out = out;
	w->sub = 0;
	for (unsigned i = 0; i < n; i++) {
		if ((own >> i & 1) != 0) {
			w->order = record_order(frame_order(f), i);
			packet(w, &w->pkts[i]);
		}
	}
	relieve(w, f, out);
}

void
worker_expire(struct worker *w, uint64_t now_us, uint64_t number,
	      struct outbox *out)
{
	flow_table_set_clock(w->flows, now_us);
	worker_end_flows(w, now_us, number, false, out);
	worker_tell_contacts(w, now_us, false);
	if (w->retro != NULL) {
		retro_ring_sweep(&w->retro->ring, (uint32_t)(now_us / US_PER_S),
				 false);
	}
}

void
worker_finish(struct worker *w, uint64_t now_us, uint64_t number,
	      struct outbox *out)
{
	worker_end_flows(w, now_us, number, true, out);
	worker_tell_contacts(w, now_us, true);
	if (w->retro != NULL) {
		retro_ring_sweep(&w->retro->ring, 0, true);
	}
}

void
worker_free(struct worker *w)
{
	if (w == NULL) {
		return;
	}
	tag_table_free(w->tags);
	contacts_desk_free(w->contacts);
	event_log_free(w->log);
	rule_matcher_free(w->matcher);
	app_ctx_free(w->apps);
	stream_ctx_free(w->streams);
	flow_table_free(w->flows);
	decoder_free(w->decoder);
	pool_free(w->pool);
	free(w->hits.v);
	free(w);
}

void
worker_behind(struct worker *w, unsigned fill, uint64_t now_us)
{
	overload_gauge(&w->overload, fill, now_us);
}
