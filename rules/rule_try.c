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
	bool met = false;

	if (buf_is_addr(l->buf)) {
		v.data = shared_addr_buffer(m, l->buf);
		shared_list(m, l);
		return v.data.len > 0 && verify_list(&m->verifier, l, &v) &&
		       shared_value_ok(m, l);
	}

	if (n == 0) {
		return l->absent;
	}
	if (l->absent && !l->absent_or) {
		return false;
	}
	if (l->body) {
		v.offset = m->in->body_offset[m->in->dir];
	}
	shared_list(m, l);
	for (uint32_t i = 0; i < n; i++) {
		v.data = b->v[i];
		if (verify_list(&m->verifier, l, &v) && shared_value_ok(m, l)) {
			met = true;
			if (!rule_list_changes(l)) {
				break;
			}
		}
		if (!l->multi) {
			break;
		}
	}
	return met;
}

static bool
lists_match(struct rule_matcher *m, const struct rule_prog *p)
{
	memset(m->verifier.vars, 0, sizeof(m->verifier.vars));
	m->verifier.captured.n = m->verifier.measured.n = 0;
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		if (l->buf == BUF_PAYLOAD ? !payload_ok(m, p, l)
					  : !buffer_ok(m, l)) {
			return false;
		}
	}
	return true;
}

/* What the rule measured is kept whether it matched or not. */
static void
leave_measured(struct rule_matcher *m)
{
	const struct notes *l = &m->verifier.measured;
	struct notes *to = NULL;

	if (l->n == 0) {
		return;
	}
	m->flow = state_flow(m->in, true);
	if (m->flow != NULL) {
		to = state_notes(m->flow, m->in->pool);
	}
	for (uint32_t i = 0; i < l->n; i++) {
		if (to == NULL || !notes_copy(to, &l->v[i])) {
			m->stats.pending_full++;
		}
	}
}

/* What a rule that matched captured: for the flow or packet, or the alert. */
static void
leave_captured(struct rule_matcher *m)
{
	const struct notes *l = &m->verifier.captured;

	m->flow = state_flow(m->in, true);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct note *n = &l->v[i];
		bool kept = false;

		if (n->kind == NOTE_ALERT) {
			kept = m->n_context < NOTES_MAX;
			if (kept) {
				m->context[m->n_context++] = *n;
			}
		} else if (m->flow != NULL) {
			struct notes *to = state_notes(m->flow, m->in->pool);

			kept = to != NULL && notes_copy(to, n);
		}
		m->stats.pending_full += !kept;
	}
}

static bool
lists_ok(struct rule_matcher *m, const struct rule_prog *p)
{
	bool good = lists_match(m, p);

	leave_measured(m);
	return good;
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
leave_tx_bits(struct rule_matcher *m, const struct rule_prog *p)
{
	m->tx = state_tx(m->in, true);
	if (m->tx == NULL || !state_tx_bits_change(m->tx, p, m->in->pool)) {
		m->stats.pending_full++;
	}
}

static void
emit(struct rule_matcher *m, const struct rule_prog *p)
{
	struct rule_hits *out = m->out;
	uint32_t context = m->n_context;
	struct rule_hit hit = {
		.rule = p->rule,
		.tx_id = m->in->tx_id,
		.has_tx = m->in->kind == INSPECT_TX,
		.rank = p->order + 1,
		.ip_only = p->kind == PROG_IPONLY,
		.suppressed = suppressed(m, p),
		.silent = p->rule->noalert || p->rule->action == ACTION_PASS,
	};

	if (!shared_settle(m, p, &hit)) {
		return;
	}
	leave_state(m, p);
	if (p->n_tx_bits > 0) {
		leave_tx_bits(m, p);
	}
	out->bypass = out->bypass || p->rule->bypass;
	out->no_tx_log = out->no_tx_log || p->rule->no_tx_log;
	if (p->n_lists > 0 && m->verifier.captured.n > 0) {
		leave_captured(m);
	}
	if (p->rule->action == ACTION_PASS) {
		pass(m, p);
	}
	if (hit.silent && hit.claim.prog == NULL) {
		return;
	}
	m->stats.hits++;
	if (out->n == out->cap) {
		out->overflowed++;
		return;
	}
	hit.notes = &m->context[context];
	hit.n_notes = (uint8_t)(m->n_context - context);
	out->v[out->n++] = hit;
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
	shared_begin(m, in->pkt_is_reverse);
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

/* The buffers of 'l' in a file that is looked at alone. */
static enum readiness
file_ready(const struct inspect_file *f, const struct rule_list *l, bool *grows)
{
	switch (l->buf) {
	case BUF_FILE_NAME:
		return f->name.len > 0 || l->absent ? READY : NEVER;
	case BUF_FILE_MAGIC:
		if (f->magic.len > 0 || (l->absent && f->magic_known)) {
			return READY;
		}
		return f->magic_known ? NEVER : NOT_YET;
	default:
		*grows = *grows || !f->ended;
		return f->ended || (f->data_due && !l->wants_end) ? READY
								  : NOT_YET;
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
		if (inspect_of_file(l->buf)) {
			enum readiness r = file_ready(in->file, l, grows);

			if (r != READY) {
				return r;
			}
			continue;
		}
		if (buf_is_addr(l->buf)) {
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

/* State is asked when the second half of a "=>" rule comes. */
static bool
is_first_half(const struct rule_matcher *m, const struct rule_prog *p)
{
	return p->two_halves &&
	       (m->tx == NULL ||
		!state_has(m->tx->alerted.v, m->tx->alerted.n, p->other->uid));
}

enum attempt { ATTEMPT_HIT, ATTEMPT_WAIT, ATTEMPT_MISS };

/* Asks all of 'p' of the transaction, and of in->file when that is set. */
static enum attempt
attempt(struct rule_matcher *m, const struct rule_prog *p)
{
	const struct inspect *in = m->in;
	/* a program of the other direction meets the packet turned round */
	bool swap = in->pkt_is_reverse != ((p->dirs >> in->dir & 1) == 0);
	bool first = is_first_half(m, p), grows;
	enum readiness ready;

	if (p->two_halves && (p->dirs >> DIR_TOCLIENT & 1) != 0) {
		swap = !swap; /* its header is written from the client */
	}
	if (p->n_lists == 0 && (p->dirs >> in->dir & 1) == 0) {
		/* Only facts, which are those of the direction looked at. */
		return ATTEMPT_WAIT;
	}
	ready = tx_ready(in, p, &grows);
	if (ready == NOT_YET) {
		look_at_raw(m, p);
		return ATTEMPT_WAIT;
	}
	if (ready == NEVER || !facts_header(p, in, &m->facts, swap) ||
	    (!first && !facts_bits(p, in, m->flow))) {
		return ATTEMPT_MISS;
	}
	m->stats.verified++;
	shared_begin(m, swap);
	if ((!first &&
	     (!facts_tests(p, in, m->flow) || !state_tx_bits_ok(m->tx, p))) ||
	    !lists_ok(m, p)) {
		if (grows ||
		    (p->n_tests + p->n_tx_bits > 0 && !in->tx_done[in->dir])) {
			look_at_raw(m, p);
			return ATTEMPT_WAIT;
		}
		return ATTEMPT_MISS;
	}
	return ATTEMPT_HIT;
}

/* 'p' spoke: of this file, or of the transaction when 'f' is NULL. */
static void
remember_alert(struct rule_matcher *m, const struct rule_prog *p,
	       const struct inspect_file *f)
{
	const struct inspect *in = m->in;
	struct rule_tx *t =
		f != NULL ? state_file(in, f, true) : state_tx(in, true);

	if (f == NULL) {
		m->tx = t;
	}
	if (t == NULL || !state_add(&t->alerted, p->uid, in->pool)) {
		/* better one alert too many than none */
		m->stats.pending_full++;
	}
}

/* Makes 'f' what the buffers of files mean. */
static void
turn_to_file(struct inspect *in, const struct inspect_file *f)
{
	in->file = f;
	if (f != NULL) {
		in->buf[BUF_FILE_NAME] =
			(struct inspect_list){ &f->name, f->name.len > 0 };
		in->buf[BUF_FILE_MAGIC] =
			(struct inspect_list){ &f->magic, f->magic.len > 0 };
		in->buf[BUF_FILE_DATA] = (struct inspect_list){ &f->data, 1 };
	}
}

static void
ask_to_store(struct inspect *in, const struct rule_prog *p)
{
	for (unsigned d = 0; d < 2; d++) {
		bool here = (p->store_dirs >> d & 1) != 0;

		in->store.tx[d] |= here && p->store == STORE_TX;
		in->store.flow[d] |= here && p->store == STORE_FLOW;
	}
	if (p->store == STORE_FILE && (p->store_dirs >> in->dir & 1) != 0) {
		*in->file->wanted = true;
	}
}

/* Then it may have become a candidate before its file came. */
static bool
asks_besides_files(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (!inspect_of_file(p->lists[i].buf)) {
			return true;
		}
	}
	return false;
}

/*
 * A program about files is asked of each that it has not spoken of.  It
 * speaks once a call, of however many.
 */
static void
try_files(struct rule_matcher *m, const struct rule_prog *p)
{
	struct inspect *in = m->in;
	bool mine = (p->dirs >> in->dir & 1) != 0, hit = false;
	bool wait = !mine || (asks_besides_files(p) && !in->tx_done[in->dir]);

	for (uint32_t i = 0; mine && i < in->n_files; i++) {
		const struct inspect_file *f = &in->files[i];
		const struct rule_tx *t = state_file(in, f, false);

		if (t != NULL &&
		    state_has(t->alerted.v, t->alerted.n, p->uid)) {
			continue;
		}
		turn_to_file(in, f);
		switch (attempt(m, p)) {
		case ATTEMPT_HIT:
			remember_alert(m, p, f);
			ask_to_store(in, p);
			hit = true;
			break;
		case ATTEMPT_WAIT:
			wait = true;
			break;
		case ATTEMPT_MISS:
			break;
		}
	}
	turn_to_file(in, NULL);
	if (wait) {
		wait_in_tx(m, p);
	}
	if (hit) {
		bool first = is_first_half(m, p);

		if (p->two_halves) {
			remember_alert(m, p, NULL); /* the other half asks */
		}
		if (!first) {
			emit(m, p);
		}
	}
}

void
try_tx(struct rule_matcher *m, const struct rule_prog *p)
{
	bool first;

	if (p->of_files) {
		try_files(m, p);
		return;
	}
	if (m->tx != NULL &&
	    state_has(m->tx->alerted.v, m->tx->alerted.n, p->uid)) {
		return;
	}
	switch (attempt(m, p)) {
	case ATTEMPT_WAIT:
		wait_in_tx(m, p);
		break;
	case ATTEMPT_HIT:
		first = is_first_half(m, p);
		remember_alert(m, p, NULL);
		if (!first) {
			emit(m, p);
		}
		break;
	case ATTEMPT_MISS:
		break;
	}
}
