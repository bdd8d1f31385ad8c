/* SPDX-License-Identifier: Apache-2.0 */
/* A candidate of a transaction, or of the files in it. */
#include "rules/rule_matcher.h"

enum readiness { READY, NOT_YET, NEVER };

/*
 * The raw bytes of a rule that asks for buffers as well may have gone by when
 * the last buffer comes: looks now, and remembers.
 */
static void
look_at_raw(struct rule_matcher *m, const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_lists; i++) {
		/* what failed just now need not be searched again */
		if (p->lists[i].buf != BUF_PAYLOAD ||
		    &p->lists[i] == m->raw_missed ||
		    !try_payload(m, p, &p->lists[i])) {
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

	m->raw_missed = NULL;
	if (p->two_halves && (p->dirs >> DIR_TOCLIENT & 1) != 0) {
		swap = !swap; /* its header is written from the client */
	}
	if (p->n_lists == 0 && (p->dirs >> in->dir & 1) == 0) {
		/* Only facts, which are those of the direction looked at. */
		return ATTEMPT_WAIT;
	}
	if (!facts_lasting(p, in, &m->facts, swap) ||
	    (!p->two_halves && (p->dirs >> in->dir & 1) != 0 &&
	     facts_refused(p, in)) ||
	    !try_settled(m, p)) {
		return ATTEMPT_MISS;
	}
	ready = tx_ready(in, p, &grows);
	if (ready == NOT_YET) {
		look_at_raw(m, p);
		return ATTEMPT_WAIT;
	}
	if (ready == NEVER || !facts_flow(p, in) ||
	    (!first && !facts_bits(p, in, m->flow))) {
		return ATTEMPT_MISS;
	}
	m->stats.verified++;
	shared_begin(m, swap);
	if ((!first &&
	     (!facts_tests(p, in, m->flow) || !state_tx_bits_ok(m->tx, p))) ||
	    !try_lists(m, p)) {
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
			hit_emit(m, p);
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
			hit_emit(m, p);
		}
		break;
	case ATTEMPT_MISS:
		break;
	}
}
