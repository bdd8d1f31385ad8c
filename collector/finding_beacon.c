/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host of ours that calls a port outside at a rhythm.
 *
 * Time servers and mail have their rhythm too, and many clients: what more than
 * a few hosts of ours call regularly is a service.
 */
#include "collector/finding_parts.h"

#define DAY_US (24 * 3600 * US_PER_S)
/* A pair with so many starts is worth remembering, and counts as a client. */
#define SETTLED 3
#define CLIENT_PIECES 2

/* The same private address at two sites is two hosts. */
static uint64_t
client_hash(const struct finder_look *l)
{
	uint16_t place = (uint16_t)l->place->id;

	return (uint64_t)known_hash(&l->c->ip, place, 1) << 32 |
	       known_hash(&l->c->ip, place, 2);
}

/* How many of ours call that port now and then, in two days; this host, too. */
static enum err
clients_of(struct finder_look *l, unsigned i, uint64_t *n)
{
	const struct contacts_to *to = &l->c->to[i];
	struct state_key key = { .kind = STATE_SERVICE,
				 .shared = true,
				 .a = to->ip,
				 .port = to->port,
				 .proto = to->proto };
	uint64_t t = l->c->start_us;
	struct state *st = finding_states_get(l->f->states, l->place, &key, t,
					      &l->to_mark[i]);
	struct piece *p, sum;
	struct hll was;

	if (st == NULL) {
		return ERR_NOMEM;
	}
	p = piece_at(st->body.service.clients, CLIENT_PIECES, DAY_US, t);
	if (p != NULL) {
		was = p->a;
		hll_add_hash(&p->a, client_hash(l));
		p->flows++;
		if (memcmp(&was, &p->a, sizeof(was)) != 0) {
			finding_states_changed(l->f->states, st);
		}
	}
	(void)piece_sum(st->body.service.clients, CLIENT_PIECES, DAY_US, t,
			&sum);
	*n = hll_count(&sum.a);
	return ERR_OK;
}

static enum err
emit(struct finder_look *l, unsigned i, struct state *st,
     const struct rhythm_verdict *v)
{
	const struct contacts_to *to = &l->c->to[i];
	const struct rhythm *r = &st->body.pair.r;
	struct finding f = { .kind = FINDING_BEACON,
			     .host = l->c->ip,
			     .has_host = true,
			     .host_ours = true,
			     .peer = to->ip,
			     .has_peer = true,
			     .port = to->port,
			     .proto = to->proto,
			     .first_us = r->start_us[0],
			     .last_us = r->start_us[r->n - 1],
			     .window_us = DAY_US,
			     .measure = v->score };
	struct json *j = finder_evidence(l);

	json_f64(j, "score", v->score);
	json_f64(j, "period", v->period_s);
	json_f64(j, "jitter", v->jitter);
	json_f64(j, "regular", v->share);
	json_u64(j, "starts", r->total);
	json_u64(j, "bytes_out", r->bytes_out);
	/* How many clients other sites have is theirs to tell. */
	return finder_emit(l, &f, st, NULL);
}

static enum err
look_at(struct finder_look *l, unsigned i)
{
	const struct finding_config *cfg = &l->f->cfg;
	const struct contacts_to *to = &l->c->to[i];
	struct state_key key = { .kind = STATE_PAIR,
				 .a = l->c->ip,
				 .b = to->ip,
				 .port = to->port,
				 .proto = to->proto };
	struct state *st =
		finding_states_get(l->f->states, l->place, &key,
				   finder_to_us(l, to), &l->to_mark[i]);
	struct rhythm_verdict v;
	struct rhythm *r;
	uint64_t clients = 0;
	bool added = false;
	enum err e;

	if (st == NULL) {
		return ERR_NOMEM;
	}
	r = &st->body.pair.r;
	for (unsigned k = 0; k < to->n_starts; k++) {
		added |= rhythm_add(r, to->starts_us[k]);
	}
	r->bytes_out += to->bytes_out;
	r->calls += MAX(to->flows, UINT64_C(1));
	finding_states_changed(l->f->states, st);
	if (!added || r->n < SETTLED) {
		return ERR_OK;
	}
	finding_states_settle(st);
	e = clients_of(l, i, &clients);
	if (e != ERR_OK || r->n < MIN(cfg->beacon_starts, BASELINE_STARTS) ||
	    clients > cfg->beacon_clients || !rhythm_judge(r, &v)) {
		return e;
	}
	return r->bytes_out <= r->calls * cfg->beacon_kilobytes * 1000 &&
			       v.period_s >= cfg->beacon_least &&
			       v.period_s <= cfg->beacon_most &&
			       v.jitter * 100 <= cfg->beacon_jitter &&
			       v.share >= 0.75
		       ? emit(l, i, st, &v)
		       : ERR_OK;
}

enum err
finder_beacon(struct finder_look *l)
{
	enum err e = ERR_OK;

	if (!l->f->cfg.on[FINDING_BEACON] || !l->ours) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < l->c->n_to && e == ERR_OK; i++) {
		/* A cut list of starts is of somebody who calls all the time. */
		if (!l->to_ours[i] && !l->to_ignored[i] &&
		    l->c->to[i].n_starts > 0 &&
		    l->c->to[i].n_starts < CONTACTS_MAX_STARTS) {
			e = look_at(l, i);
		}
	}
	return e;
}
