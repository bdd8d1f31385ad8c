/* SPDX-License-Identifier: Apache-2.0 */
/* A candidate of a packet or of the stream. */
#include "rules/rule_matcher.h"

static uint32_t
once_key(const struct rule_matcher *m, const struct rule_prog *p)
{
	return p->uid * 2 + (p->once_a_flow ? 0 : m->in->dir);
}

/*
 * Whether a rule that speaks once a flow, or once a chunk of the stream, has
 * spoken.  A rule on packets and on the stream speaks for each.
 */
static bool
seen_before(const struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;

	if (m->flow == NULL) {
		return false;
	}
	if (p->once) {
		return state_has(m->flow->once, m->flow->n_once,
				 once_key(m, p));
	}
	return in->kind == INSPECT_STREAM &&
	       state_spoken_end(m->flow, in->dir, p->uid) > in->stream_chunk;
}

static void
remember_seen(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;
	bool stream = in->kind == INSPECT_STREAM && in->buf[BUF_STREAM].n > 0;
	struct rule_flow *f;

	if (!p->once && !stream) {
		return;
	}
	f = m->flow = state_flow(in, true);
	if (f == NULL) {
		return;
	}
	if (stream) {
		uint64_t end = in->stream_offset + in->buf[BUF_STREAM].v[0].len;

		if (p->by_chunk) {
			end = in->stream_end ? end : in->stream_chunk;
		} else {
			state_unpend(f, in->dir, p->uid);
		}
		state_speak(f, in->dir, p->uid, end);
	}
	if (p->once) {
		if (f->n_once == STATE_ONCE) {
			m->stats.pending_full++;
			return;
		}
		f->once[f->n_once++] = once_key(m, p);
	}
}

/* May the stream's next bytes still complete this rule? */
static bool
may_complete(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf == BUF_PAYLOAD) {
			return p->lists[i].n_ops > 1;
		}
	}
	return false;
}

static void
wait_in_stream(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;
	uint64_t end = in->stream_offset;

	if (in->buf[BUF_STREAM].n > 0) {
		end += in->buf[BUF_STREAM].v[0].len;
	}
	m->flow = state_flow(in, true);
	if (m->flow == NULL ||
	    !state_pend(m->flow, in->dir, p->uid, end, in->pool)) {
		m->stats.pending_full++;
	}
}

void
try_plain(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;

	if (in->kind == INSPECT_STREAM && p->by_chunk && !in->stream_end &&
	    !state_due(m->flow, in->dir, p->uid)) {
		wait_in_stream(m, p);
		return;
	}
	if ((p->dirs >> in->dir & 1) == 0 || seen_before(m, p) ||
	    !facts_flow(p, in) ||
	    !facts_lasting(p, in, &m->facts, in->pkt_is_reverse) ||
	    !facts_bits(p, in, m->flow) || !facts_tests(p, in, m->flow)) {
		return;
	}
	m->stats.verified++;
	shared_begin(m, in->pkt_is_reverse);
	if (p->n_lists > 0 && !try_lists(m, p)) {
		if (in->kind == INSPECT_STREAM && p->fast_list >= 0 &&
		    !p->by_chunk && may_complete(p)) {
			wait_in_stream(m, p);
		}
		return;
	}
	remember_seen(m, p);
	hit_emit(m, p);
}
