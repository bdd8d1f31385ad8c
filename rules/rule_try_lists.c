/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule asks of bytes: its lists, each in its buffer. */
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

/* Where what is known of a list that waits for more of the stream stands:
 * with the flow, or with the transaction that waits; or NULL. */
static struct state_dries **
dries_of(struct rule_matcher *m)
{
	if (m->in->kind == INSPECT_TX) {
		return m->tx != NULL ? &m->tx->dries : NULL;
	}
	return m->flow != NULL ? &m->flow->dries : NULL;
}

/* verify_list() in the stream, which need not search the same bytes twice. */
static bool
verify_stream(struct rule_matcher *m, const struct rule_prog *p,
	      const struct rule_list *l, struct verify_input *v)
{
	const struct inspect *in = m->in;
	struct state_dries **d = l->dry != NULL ? dries_of(m) : NULL;
	uint32_t set = m->rs->serial;
	const struct state_dry *known;
	struct state_dries *to;

	if (d == NULL) {
		return verify_list(&m->verifier, l, v);
	}
	known = state_dry_find(*d, set, in->dir, p->uid);
	if (known != NULL) {
		v->dry_begin = known->begin;
		v->dry_end = known->begin + known->len;
	}
	if (verify_list(&m->verifier, l, v)) {
		return true;
	}
	if (m->verifier.dry_end > 0 && in->pool != NULL) {
		to = state_dries_of(d, set, in->pool);
		if (to != NULL) {
			state_dry_note(to, in->dir, p->uid,
				       m->verifier.dry_begin,
				       m->verifier.dry_end);
		}
	}
	return false;
}

bool
try_payload(struct rule_matcher *m, const struct rule_prog *p,
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
		return verify_stream(m, p, l, &v);
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
	if (p->uses_vars) {
		memset(m->verifier.vars, 0, sizeof(m->verifier.vars));
	}
	m->verifier.captured.n = m->verifier.measured.n = 0;
	for (uint16_t i = 0; i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		if (l->buf == BUF_PAYLOAD ? !try_payload(m, p, l)
					  : !buffer_ok(m, l)) {
			m->raw_missed = l->buf == BUF_PAYLOAD ? l : NULL;
			return false;
		}
	}
	return true;
}

bool
try_settled(struct rule_matcher *m, const struct rule_prog *p)
{
	for (uint16_t i = 0; p->settles_early && i < p->n_lists; i++) {
		const struct rule_list *l = &p->lists[i];

		if (l->settles && inspect_bit(m->in->done, l->buf) &&
		    !buffer_ok(m, l)) {
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

bool
try_lists(struct rule_matcher *m, const struct rule_prog *p)
{
	bool good = lists_match(m, p);

	leave_measured(m);
	return good;
}
