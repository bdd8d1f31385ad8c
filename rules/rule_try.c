/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_matcher.h"

static bool
needs_reach(const struct rule_list *l)
{
	for (uint16_t i = 0; i < l->n_ops; i++) {
		if ((l->ops[i].type == OP_CONTENT ||
		     l->ops[i].type == OP_PCRE) &&
		    (l->ops[i].flags & OPF_NEGATED) == 0) {
			return true;
		}
	}
	return false;
}

/* The bytes of 'data', which begins at 'offset', in complete chunks. */
static struct view
complete_part(const struct inspect *in, struct view data, uint64_t offset)
{
	if (in->stream_end) {
		return data;
	}
	return view_sub(data, 0,
			in->stream_chunk > offset
				? (size_t)(in->stream_chunk - offset)
				: 0);
}

/* The payload list, against the stream's window or the packet. */
static bool
payload_ok(struct rule_matcher *m, const struct rule_prog *p,
	   const struct rule_list *l)
{
	const struct inspect *in = m->in;
	struct verify_input v = { .offset = 0 };

	if (in->kind == INSPECT_TX && m->tx != NULL &&
	    state_has(m->tx->met.v, m->tx->met.n, p->uid)) {
		return true;
	}
	if (in->buf[BUF_STREAM].n > 0) {
		v.data = in->buf[BUF_STREAM].v[0];
		v.offset = in->stream_offset;
		if (in->kind == INSPECT_STREAM) {
			uint64_t used =
				state_spoken_end(m->flow, in->dir, p->uid);

			if (used > v.offset) {
				size_t cut = MIN((size_t)(used - v.offset),
						 v.data.len);

				v.data = view_sub(v.data, cut, v.data.len);
				v.offset += cut;
			}
			if (p->by_chunk) {
				v.data = complete_part(in, v.data, v.offset);
			} else if (needs_reach(l) &&
				   used <= in->stream_offset) {
				v.beyond = in->stream_seen;
			}
		}
	} else if (in->buf[BUF_PAYLOAD].n > 0) {
		v.data = in->buf[BUF_PAYLOAD].v[0];
	} else {
		return false;
	}
	return verify_list(&m->verifier, l, &v);
}

static bool
buffer_ok(struct rule_matcher *m, const struct rule_list *l)
{
	const struct inspect_list *b = &m->in->buf[l->buf];
	struct verify_input v = { .offset = 0 };
	uint32_t n = MIN(b->n, (uint32_t)MAX_INSTANCES);

	if (n == 0) {
		return l->absent;
	}
	if (l->absent && !l->absent_or) {
		return false;
	}
	if (l->body) {
		v.offset = m->in->body_offset[m->in->dir];
	}
	for (uint32_t i = 0; i < n; i++) {
		v.data = b->v[i];
		if (verify_list(&m->verifier, l, &v)) {
			return true;
		}
		if (!l->multi) {
			break;
		}
	}
	return false;
}

static bool
lists_ok(struct rule_matcher *m, const struct rule_prog *p)
{
	memset(m->verifier.vars, 0, sizeof(m->verifier.vars));
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		if (l->buf == BUF_PAYLOAD ? !payload_ok(m, p, l)
					  : !buffer_ok(m, l)) {
			return false;
		}
	}
	return true;
}

/* Flowbits and flow variables of a rule that matched. */
static void
leave_state(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct rule_env *env = &m->rs->env;

	if (p->n_bits_set == 0 && p->n_ints == 0) {
		return;
	}
	m->flow = state_flow(m->in, true);
	if (m->flow == NULL) {
		m->stats.pending_full++;
		return;
	}
	if (p->n_bits_set > 0 && m->flow->bits == NULL &&
	    m->in->kind == INSPECT_PACKET) {
		gather_bits(m, p->order + 1);
	}
	for (uint16_t i = 0; i < p->n_bits_set; i++) {
		if (!state_bit_change(m->flow, (enum bit_cmd)p->bits_set[i].cmd,
				      p->bits_set[i].ids[0], env->flowbits.n,
				      m->in->pool)) {
			m->stats.pending_full++;
		}
	}
	for (uint16_t i = 0; i < p->n_ints; i++) {
		if (!state_int_change(m->flow, &p->ints[i], env->flowints.n,
				      m->in->pool)) {
			m->stats.pending_full++;
		}
	}
}

static bool
suppressed(const struct rule_matcher *m, const struct rule_prog *p)
{
	for (const struct suppress *s = p->suppress; s != NULL; s = s->next) {
		bool src = s->addrs == NULL ||
			   range_set_has(s->addrs, m->facts.src);
		bool dst = s->addrs == NULL ||
			   range_set_has(s->addrs, m->facts.dst);

		if (s->by == SUPPRESS_ALL || (s->by == SUPPRESS_SRC && src) ||
		    (s->by == SUPPRESS_DST && dst) ||
		    (s->by == SUPPRESS_EITHER && (src || dst))) {
			return true;
		}
	}
	return false;
}

/*
 * A pass rule silences its packet; the flow, when it is about addresses or an
 * application, or looked past packets.
 */
static void
pass(struct rule_matcher *m, const struct rule_prog *p)
{
	bool whole = p->kind == PROG_IPONLY || p->app_strict || p->once ||
		     m->in->kind != INSPECT_PACKET;

	m->passed = m->out->passed = true;
	m->flow = state_flow(m->in, true);
	if (m->flow != NULL) {
		m->flow->pass_packet = true;
		m->flow->pass = m->flow->pass || whole;
	}
}

static void
emit(struct rule_matcher *m, const struct rule_prog *p)
{
	struct rule_hits *out = m->out;

	leave_state(m, p);
	out->bypass = out->bypass || p->rule->bypass;
	out->no_tx_log = out->no_tx_log || p->rule->no_tx_log;
	if (p->rule->action == ACTION_PASS) {
		pass(m, p);
		return;
	}
	if (p->rule->noalert) {
		return;
	}
	m->stats.hits++;
	if (out->n == out->cap) {
		out->overflowed++;
		return;
	}
	out->v[out->n++] = (struct rule_hit){
		.rule = p->rule,
		.tx_id = m->in->tx_id,
		.has_tx = m->in->kind == INSPECT_TX,
		.ip_only = p->kind == PROG_IPONLY,
		.suppressed = suppressed(m, p),
	};
}

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
	    !facts_header(p, in, &m->facts, in->pkt_is_reverse) ||
	    !facts_bits(p, in, m->flow) || !facts_tests(p, in, m->flow)) {
		return;
	}
	m->stats.verified++;
	if (p->n_lists > 0 && !lists_ok(m, p)) {
		if (in->kind == INSPECT_STREAM && p->fast_list >= 0 &&
		    !p->by_chunk && may_complete(p)) {
			wait_in_stream(m, p);
		}
		return;
	}
	remember_seen(m, p);
	emit(m, p);
}

enum readiness { READY, NOT_YET, NEVER };

/*
 * The raw bytes of a rule that asks for buffers as well may have gone by when
 * the last buffer comes: looks now, and remembers.
 */
static void
look_at_raw(struct rule_matcher *m, const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf != BUF_PAYLOAD ||
		    !payload_ok(m, p, &p->lists[i])) {
			continue;
		}
		m->tx = state_tx(m->in, true);
		if (m->tx == NULL ||
		    !state_add(&m->tx->met, p->uid, m->in->pool)) {
			m->stats.pending_full++;
		}
	}
}

/* Are all the buffers there that the rule asks?  '*grows': one still does. */
static enum readiness
tx_ready(const struct inspect *in, const struct rule_prog *p, bool *grows)
{
	*grows = false;
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];
		bool known = inspect_bit(in->done, l->buf);

		if (l->buf == BUF_PAYLOAD) {
			*grows = true;
			continue;
		}
		if (l->body) {
			bool end = in->body_complete[in->dir] ||
				   in->tx_done[in->dir];

			*grows = *grows || !end;
			known = end || (in->buf[l->buf].n > 0 && !l->wants_end);
		}
		if (!known) {
			return NOT_YET;
		}
		if (in->buf[l->buf].n == 0 && !l->absent && !l->body) {
			return NEVER;
		}
	}
	return READY;
}

static void
wait_in_tx(struct rule_matcher *m, const struct rule_prog *p)
{
	m->tx = state_tx(m->in, true);
	if (m->tx == NULL || !state_add(&m->tx->pending, p->uid, m->in->pool)) {
		m->stats.pending_full++;
	}
}

void
try_tx(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;
	/* a program of the other direction meets the packet turned round */
	bool swap = in->pkt_is_reverse != ((p->dirs >> in->dir & 1) == 0);
	bool grows, first;
	enum readiness ready;

	if (p->two_halves && (p->dirs >> DIR_TOCLIENT & 1) != 0) {
		swap = !swap; /* its header is written from the client */
	}
	if (m->tx != NULL &&
	    state_has(m->tx->alerted.v, m->tx->alerted.n, p->uid)) {
		return;
	}
	ready = tx_ready(in, p, &grows);
	if (ready != READY) {
		if (ready == NOT_YET) {
			look_at_raw(m, p);
			wait_in_tx(m, p);
		}
		return;
	}
	/* state is asked when the second half of a "=>" rule comes */
	first = p->two_halves &&
		(m->tx == NULL ||
		 !state_has(m->tx->alerted.v, m->tx->alerted.n, p->other->uid));
	if (!facts_header(p, in, &m->facts, swap) ||
	    (!first && !facts_bits(p, in, m->flow))) {
		return;
	}
	m->stats.verified++;
	if ((!first && !facts_tests(p, in, m->flow)) || !lists_ok(m, p)) {
		if (grows || (p->n_tests > 0 && !in->tx_done[in->dir])) {
			look_at_raw(m, p);
			wait_in_tx(m, p);
		}
		return;
	}
	m->tx = state_tx(in, true);
	if (m->tx == NULL || !state_add(&m->tx->alerted, p->uid, in->pool)) {
		/* better one alert too many than none */
		m->stats.pending_full++;
	}
	if (!first) {
		emit(m, p);
	}
}
