/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

#include "rules/ioc_set.h"
#include "sensor/tag.h"

void
worker_remember(struct worker *w, struct event_subject *s)
{
	rule_metadata_of(w->rules, s->f != NULL ? s->f->rules : NULL, &w->meta);
	s->meta = &w->meta;
}

/* Its bytes: the line, or with 'late' what it is going to be made of. */
static void
put_event(struct worker *w, const struct event_subject *s, enum event_type type,
	  struct view bytes, bool late)
{
	struct record r = {
		.order = w->order,
		.sub = w->sub,
		.ts_us = s->ts_us,
		.type = type,
		.late = late,
	};

	if (bytes.len == 0) {
		w->count.events_lost++;
		outbox_lose(w->out, &r);
		return;
	}
	outbox_put(w->out, &r, bytes);
}

void
worker_put_line(struct worker *w, const struct event_subject *s,
		enum event_type type, struct view line)
{
	put_event(w, s, type, line, false);
}

void
worker_tell(struct worker *w, const struct event_subject *s,
	    const struct event_what *what)
{
	put_event(w, s, what->type,
		  w->late_events ? event_kept(w->log, s, what)
				 : event_line(w->log, s, what),
		  w->late_events);
}

/*
 * The bytes that this call looked at: the packet's, or the stream's as far as
 * it is kept.  Where no rule needs the raw stream, the segment that completed
 * the match stands for it.
 */
static struct payload
payload_of(const struct worker *w, const struct event_subject *s)
{
	struct payload p = { .stream = false };
	uint32_t seen;
	uint64_t offset;

	if (w->in.kind != INSPECT_PACKET && s->f != NULL &&
	    s->f->proto == IPP_TCP) {
		p.stream = true;
		p.v = stream_raw(s->f, s->dir, &seen, &offset);
		p.gap = p.v.len > 0 ? stream_raw_gap(s->f, s->dir) : 0;
	}
	if (p.v.len == 0 && s->pkt != NULL && !w->in.pkt_is_reverse) {
		p.v = s->pkt->payload;
	}
	return p;
}

/* Where the moment of the matcher's latest call is kept, with this
 * transaction; false without memory. */
static bool
scene_of(struct worker *w, struct event_subject *s, size_t *at)
{
	if (w->scene.turn != w->turn || w->scene.tx != s->tx) {
		worker_remember(w, s);
		w->scene.turn = w->turn;
		w->scene.tx = s->tx;
		w->scene.kept = outbox_share(
			w->out, event_scene(w->log, s, payload_of(w, s)),
			&w->scene.at);
	}
	s->meta = &w->meta;
	*at = w->scene.at;
	return w->scene.kept;
}

/* The packet of the alert, before others hear of it: a threshold may yet hold
 * the alert back.  At a flow's end there is none. */
static void
keep_evidence(struct worker *w, struct event_subject *s)
{
	struct evidence_tap *t = w->evidence;
	struct flow *f = (struct flow *)s->f;
	bool exercise;

	s->evidence = NULL;
	if (LIKELY(t == NULL) || t->mode == EVIDENCE_NONE || s->pkt == NULL) {
		return;
	}
	exercise = w->drill || event_log_exercise(w->log, s)[0] != '\0';
	if (f != NULL) {
		evidence_catch_up(t, f->id, exercise, f->evidence);
	}
	s->evidence = evidence_keep(t, s->pkt->frame, exercise);
	if (f != NULL) {
		evidence_follow(t, f->id, s->ts_us, exercise, &f->evidence);
	}
}

static void
put_alert(struct worker *w, struct event_subject *s, const struct rule_hit *hit)
{
	struct record r = {
		.order = w->order,
		.sub = w->sub,
		.ts_us = s->ts_us,
		.rule = hit->silent ? NULL : hit->rule,
		.type = EVENT_TYPE_ALERT,
		.rank = hit->rank,
		.held = hit->suppressed ? HELD_SUPPRESS : HELD_NOT,
		.severity = hit->ioc != NULL ? hit->ioc->note->severity
					     : hit->rule->priority,
		.claim = hit->claim,
		.turn = w->turn,
	};
	struct view line = VIEW_NONE;

	if (hit->silent) { /* not seen, but others may ask what it leaves */
		outbox_put(w->out, &r, VIEW_NONE);
		return;
	}

	if (s->f != NULL) {
		unsigned from = s->dir == FLOW_TOSERVER ? 0 : 1;

		r.key.src = s->f->addr[from];
		r.key.dst = s->f->addr[1 - from];
		r.key.flow_id = s->f->id;
		r.proto = s->f->proto;
	} else if (s->pkt != NULL) {
		r.key.src = s->pkt->src;
		r.key.dst = s->pkt->dst;
		r.proto = s->pkt->proto;
	}
	r.key.lane = event_log_lane(w->log, s);
	w->count.alerts++;
	if (w->tags != NULL && hit->rule->n_tags > 0 && s->pkt != NULL &&
	    !hit->suppressed) {
		tag_set(w->tags, hit->rule, s->f, &r.key.src, &r.key.dst,
			s->ts_us);
	}
	if (!hit->suppressed) {
		keep_evidence(w, s);
		r.late = scene_of(w, s, &r.scene);
		if (r.late) {
			line = event_hit(w->log, s, hit);
		}
		r.held = line.len > 0 ? HELD_NOT : HELD_NO_MEMORY;
	}
	outbox_put(w->out, &r, line);
}

void
worker_put_anchor(struct worker *w, const struct event_subject *s)
{
	struct trace t = { 0 };
	struct event_subject subject = *s;

	for (unsigned d = 0; d < 2; d++) {
		t.has_isn[d] = stream_isn(s->f, (enum flow_dir)d, &t.isn[d]);
	}
	if (t.has_isn[0] && t.has_isn[1] &&
	    anchor_take(&w->anchors, t.isn[0], t.isn[1], s->ts_us)) {
		subject.trace = &t;
		worker_tell(w, &subject,
			    &(struct event_what){ .type = EVENT_TYPE_ANCHOR });
	}
}

void
worker_write_anomalies(struct worker *w, const struct event_subject *s,
		       const struct event_set *set)
{
	for (unsigned i = 0; i < EVENT_WORDS; i++) {
		uint64_t bits = set->w[i];

		while (bits != 0) {
			unsigned b = (unsigned)__builtin_ctzll(bits);

			bits &= bits - 1;
			w->count.anomalies++;
			worker_tell(w, s,
				    &(struct event_what){
					    .type = EVENT_TYPE_ANOMALY,
					    .anomaly = (enum event_id)(i * 64 +
								       b) });
		}
	}
}

/*
 * What pass, drop and reject rules decide for the whole flow: those that look
 * past packets, and those on addresses alone.
 */
static void
note_actions(struct worker *w, const struct event_subject *s)
{
	struct flow *f = (struct flow *)s->f;

	if (f == NULL) {
		return;
	}
	if (w->hits.passed && rule_flow_passed(f->rules)) {
		f->flags |= FLOW_PASSED;
	}
	if (w->hits.bypass && (f->flags & FLOW_BYPASSED) == 0) {
		w->count.bypassed_by_rule++;
		f->flags |= FLOW_BYPASSED;
	}
	for (uint32_t i = 0; i < w->hits.n; i++) {
		const struct rule_hit *hit = &w->hits.v[i];

		if (!hit->silent &&
		    (hit->rule->action == ACTION_REJECT ||
		     hit->rule->action == ACTION_DROP) &&
		    (w->in.kind != INSPECT_PACKET || hit->ip_only)) {
			f->flags |= FLOW_REJECTED;
		}
	}
}

/*
 * The transaction to show with an alert of a packet or of raw stream bytes.
 * A datagram is one of its own when the rule is for its protocol; for others
 * it is a guess, made on demand and only when there is one to choose from.
 */
static void
add_tx(const struct worker *w, struct event_subject *s, struct rule_hit *hit)
{
	const struct app_flow *af = s->f != NULL ? s->f->app : NULL;
	bool datagram = s->f != NULL && s->f->proto == IPP_UDP &&
			hit->rule->app != APP_UNKNOWN;

	if (hit->has_tx || s->tx != NULL || af == NULL || af->txs == NULL ||
	    !(datagram || (w->guess_tx && af->n_txs == 1))) {
		return;
	}
	s->tx = datagram ? af->last_tx : af->txs;
	s->tx_guessed = !datagram;
	hit->has_tx = true;
	hit->tx_id = s->tx->id;
}

static void
begin_match(struct worker *w)
{
	w->hits.n = 0;
	w->hits.overflowed = 0;
	w->hits.passed = w->hits.bypass = w->hits.no_tx_log = false;
	w->turn++;
}

/* What the matcher found becomes alerts and claims. */
static void
put_hits(struct worker *w, struct event_subject *s)
{
	w->count.alerts_lost += w->hits.overflowed;
	/* of which class nobody can say */
	w->out->lost_severity[3] += w->hits.overflowed;
	w->passed = w->passed || w->hits.passed;
	note_actions(w, s);
	for (uint32_t i = 0; i < w->hits.n; i++) {
		struct rule_hit *hit = &w->hits.v[i];
		struct event_subject subject = *s;

		if (hit->silent && !claim_is_made(&hit->claim)) {
			continue;
		}
		if (s->f != NULL && !hit->suppressed && !hit->silent) {
			((struct flow *)s->f)->n_alerts++;
		}
		add_tx(w, &subject, hit);
		put_alert(w, &subject, hit);
	}
}

void
worker_match(struct worker *w, struct event_subject *s)
{
	begin_match(w);
	rule_match(w->matcher, &w->in, &w->hits);
	put_hits(w, s);
}

void
worker_match_end(struct worker *w, struct event_subject *s)
{
	begin_match(w);
	rule_match_end(w->matcher, &w->in, &w->hits);
	put_hits(w, s);
}

void
worker_settle_alerts(struct worker *w)
{
	if (w->out->n > w->settled) {
		outbox_settle(w->out, w->settled,
			      event_alert_conf(w->log)->packet_alert_max,
			      w->passed);
	}
	w->settled = w->out->n;
	w->passed = false;
}
