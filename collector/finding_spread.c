/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many sources from outside, one target or one port of ours.
 *
 * Who tries a port that answers others is a client, and of a server that is
 * down there are many: a port that was once seen to answer does not count.
 */
#include "collector/finding_parts.h"

#define PIECES 2

static uint32_t
service_of(const struct contacts_to *to)
{
	return (uint32_t)to->port << 8 | to->proto;
}

static bool
has_answered(const struct state_target *t, uint32_t service)
{
	for (uint32_t i = 0; i < t->n_answered; i++) {
		if (t->answered[i] == service) {
			return true;
		}
	}
	return false;
}

static void
note_answer(struct finder_look *l, struct state *st, uint32_t service)
{
	struct state_target *t = &st->body.target;

	if (!has_answered(t, service)) {
		t->answered[t->next_answered] = service;
		t->next_answered = (t->next_answered + 1) % FINDING_ANSWERED;
		t->n_answered = MIN(t->n_answered + 1, FINDING_ANSWERED);
		finding_states_changed(l->f->states, st);
	}
}

static enum err
emit(struct finder_look *l, struct state *st, const struct contacts_to *to,
     const struct piece *sum)
{
	bool target = st->key.kind == STATE_TARGET;
	struct finding f = { .kind = FINDING_SPREAD,
			     .host = target ? to->ip : (struct addr){ { 0 } },
			     .has_host = target,
			     .host_ours = target,
			     .port = target ? 0 : to->port,
			     .proto = target ? 0 : to->proto,
			     .first_us = MIN(l->c->start_us, sum->start_us),
			     .last_us = l->c->end_us,
			     .window_us = l->f->cfg.spread_seconds * US_PER_S };
	uint64_t sources = MIN(hll_count(&sum->a), sum->flows);
	struct json *j = finder_evidence(l);

	f.measure = (double)sources;
	json_u64(j, "sources", sources);
	json_u64(j, target ? "ports" : "targets",
		 MIN(hll_count(&sum->b), sum->flows));
	json_u64(j, "flows", sum->flows);
	json_time(j, "from", sum->start_us);
	return finder_emit(l, &f, st, target ? NULL : &st->body.port.sites);
}

/* Counts one attempt in a window; what it has then. */
static bool
count(struct piece *pieces, uint64_t len_us, uint64_t t, const struct addr *who,
      const struct contacts_to *to, bool by_port, struct piece *sum)
{
	struct piece *p = piece_at(pieces, PIECES, len_us, t);

	if (p == NULL) {
		return false;
	}
	p->flows += to->failed;
	p->failed += to->failed;
	hll_add_addr(&p->a, who);
	if (by_port) {
		hll_add_port(&p->b, to->port);
	} else {
		hll_add_addr(&p->b, &to->ip);
	}
	(void)piece_sum(pieces, PIECES, len_us, t, sum);
	return true;
}

/* An attempt that nobody answered, at a port that never did. */
static enum err
attempt(struct finder_look *l, unsigned i, struct state *target)
{
	const struct finding_config *cfg = &l->f->cfg;
	const struct contacts_to *to = &l->c->to[i];
	uint64_t len = cfg->spread_seconds * US_PER_S / PIECES;
	uint64_t t = l->c->start_us;
	struct state_key key = { .kind = STATE_PORT,
				 .shared = true,
				 .port = to->port,
				 .proto = to->proto };
	struct state *port = finding_states_get(l->f->states, l->place, &key, t,
						&l->to_mark[i]);
	struct piece sum;

	if (port == NULL) {
		return ERR_NOMEM;
	}
	finding_sites_add(&port->body.port.sites, l->place->id);
	finding_states_changed(l->f->states, port);
	finding_states_changed(l->f->states, target);
	if (count(port->body.port.tried, len, t, &l->c->ip, to, false, &sum) &&
	    hll_count(&sum.a) >= cfg->spread_sources &&
	    sum.flows >= cfg->spread_sources &&
	    hll_count(&sum.b) >= cfg->spread_targets) {
		/* All its targets are told of by this. */
		return emit(l, port, to, &sum);
	}
	return count(target->body.target.tried, len, t, &l->c->ip, to, true,
		     &sum) && hll_count(&sum.a) >= cfg->spread_sources &&
			       sum.flows >= cfg->spread_sources
		       ? emit(l, target, to, &sum)
		       : ERR_OK;
}

enum err
finder_spread(struct finder_look *l)
{
	enum err e = ERR_OK;

	if (!l->f->cfg.on[FINDING_SPREAD] || l->ours) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < l->c->n_to && e == ERR_OK; i++) {
		const struct contacts_to *to = &l->c->to[i];
		struct state_key key = { .kind = STATE_TARGET, .a = to->ip };
		struct state *st;

		if (!l->to_ours[i] || l->to_ignored[i]) {
			continue;
		}
		st = finding_states_get(l->f->states, l->place, &key,
					l->c->start_us, &l->to_mark[i]);
		if (st == NULL) {
			return ERR_NOMEM;
		}
		if (finder_answered(to)) {
			note_answer(l, st, service_of(to));
			finding_states_settle(st);
		} else if (to->failed > 0 &&
			   !has_answered(&st->body.target, service_of(to))) {
			e = attempt(l, i, st);
		}
	}
	return e;
}
