/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host of ours administers hosts that it never reached before: several of
 * them, or one from which somebody goes on to the next.
 */
#include "collector/finding_parts.h"

/* By which the clocks of two sensors may differ. */
#define SLACK_US (2 * US_PER_S)

static bool
is_admin(const struct contacts_to *to)
{
	static const uint16_t ports[] = { 22,   23,   135,  139, 445,
					  3389, 5900, 5985, 5986 };

	for (size_t i = 0; to->proto == CONTACTS_TCP && i < ARRAY_LEN(ports);
	     i++) {
		if (to->port == ports[i]) {
			return true;
		}
	}
	return false;
}

static struct state *
admin_of(struct finder_look *l, const struct addr *host, uint64_t t,
	 const struct marking *mark)
{
	struct state_key key = { .kind = STATE_ADMIN, .a = *host };

	return finding_states_get(l->f->states, l->place, &key, t, mark);
}

static void
note_recent(struct state_admin *a, const struct contacts_to *to, uint64_t t)
{
	if (a->n_recent == FINDING_ADMIN_RECENT) {
		memmove(&a->recent[0], &a->recent[1],
			(FINDING_ADMIN_RECENT - 1) * sizeof(a->recent[0]));
		a->n_recent--;
	}
	a->recent[a->n_recent++] = (struct recent){
		.peer = to->ip, .port = to->port, .proto = to->proto, .at_us = t
	};
}

static bool
is_within(uint64_t a, uint64_t b, uint64_t window_us)
{
	return (a > b ? a - b : b - a) <= window_us;
}

static unsigned
reached(const struct state_admin *a, uint64_t t, uint64_t window_us)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < a->n_recent; i++) {
		n += is_within(a->recent[i].at_us, t, window_us);
	}
	return n;
}

/* 'root' is whom it began with, 'last' who went on, by 'hops' steps. */
static enum err
emit(struct finder_look *l, struct state *last, const struct addr *root,
     const struct contacts_to *to, uint32_t hops, uint64_t t)
{
	const struct state_admin *a = &last->body.admin;
	uint64_t window = l->f->cfg.lateral_seconds * US_PER_S;
	unsigned hosts = reached(a, t, window);
	struct finding f = { .kind = FINDING_LATERAL,
			     .host = *root,
			     .has_host = true,
			     .host_ours = true,
			     .peer = to->ip,
			     .has_peer = true,
			     .peer_ours = true,
			     .port = to->port,
			     .proto = to->proto,
			     .first_us = t,
			     .last_us = t,
			     .window_us = window,
			     .measure = MAX(hosts, hops) };
	struct json *j = finder_evidence(l);

	json_u64(j, "hosts", hosts);
	json_u64(j, "hops", hops);
	json_addr(j, "last", &last->key.a);
	json_arr(j, "reached");
	for (uint32_t i = 0; i < a->n_recent; i++) {
		const struct recent *r = &a->recent[i];

		if (is_within(r->at_us, t, window)) {
			f.first_us = MIN(f.first_us, r->at_us);
			f.last_us = MAX(f.last_us, r->at_us);
			json_obj(j, NULL);
			json_addr(j, "ip", &r->peer);
			json_u64(j, "port", r->port);
			json_time(j, "at", r->at_us);
			json_obj_end(j);
		}
	}
	json_arr_end(j);
	return finder_emit(l, &f, last, NULL);
}

/* Who was reached may have gone on, which was told of before. */
static enum err
went_on(struct finder_look *l, struct state *b, uint64_t t)
{
	const struct finding_config *cfg = &l->f->cfg;
	const struct state_admin *a = &b->body.admin;

	for (uint32_t i = 0; i < a->n_recent; i++) {
		const struct recent *r = &a->recent[i];
		struct contacts_to to = { .ip = r->peer,
					  .port = r->port,
					  .proto = r->proto };

		if (r->at_us + SLACK_US >= t &&
		    r->at_us <= t + cfg->lateral_seconds * US_PER_S &&
		    !addr_eq(&r->peer, &l->c->ip) &&
		    a->hops + 1 >= cfg->lateral_hops) {
			return emit(l, b, &a->root, &to, a->hops + 1, r->at_us);
		}
	}
	return ERR_OK;
}

/* 'from' reached the destination, for the first time. */
static enum err
step(struct finder_look *l, unsigned i, struct state *from, uint64_t t)
{
	const struct finding_config *cfg = &l->f->cfg;
	const struct contacts_to *to = &l->c->to[i];
	uint64_t window = cfg->lateral_seconds * US_PER_S;
	struct state_admin *a = &from->body.admin, *b;
	bool goes_on = a->hops > 0 && a->reached_us <= t + SLACK_US &&
		       t <= a->reached_us + window &&
		       !addr_eq(&a->from, &to->ip) &&
		       !addr_eq(&a->root, &to->ip);
	uint32_t hops = goes_on ? a->hops + 1 : 1;
	struct addr root = goes_on ? a->root : l->c->ip;
	struct state *st;
	enum err e = ERR_OK;

	note_recent(a, to, t);
	if (hops >= cfg->lateral_hops ||
	    reached(a, t, window) >= cfg->lateral_hosts) {
		e = emit(l, from, &root, to, hops, t);
	}
	if (e != ERR_OK) {
		return e;
	}
	finding_states_settle(from);
	st = admin_of(l, &to->ip, t, &l->to_mark[i]);
	if (st == NULL) {
		return ERR_NOMEM;
	}
	b = &st->body.admin;
	if (b->hops == 0 || hops >= b->hops || t > b->reached_us + window) {
		b->from = l->c->ip;
		b->root = root;
		b->reached_us = t;
		b->hops = hops;
		finding_states_changed(l->f->states, st);
		e = went_on(l, st, t);
	}
	return e;
}

enum err
finder_lateral(struct finder_look *l)
{
	const struct finding_config *cfg = &l->f->cfg;
	uint64_t learned =
		l->place->since_us + cfg->lateral_learn * 3600 * US_PER_S;
	enum err e = ERR_OK;

	if (!cfg->on[FINDING_LATERAL] || !l->ours) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < l->c->n_to && e == ERR_OK; i++) {
		const struct contacts_to *to = &l->c->to[i];
		uint64_t t = finder_to_us(l, to);
		struct state *st;
		bool changed;
		enum known_verdict v;

		if (!l->to_ours[i] || l->to_ignored[i] || !is_admin(to) ||
		    !finder_answered(to)) {
			continue;
		}
		st = admin_of(l, &l->c->ip, t, &l->to_mark[i]);
		if (st == NULL) {
			return ERR_NOMEM;
		}
		v = known_note(st->body.admin.known, &st->body.admin.n_known,
			       FINDING_ADMIN_KNOWN, known_hash(&to->ip, 0, 0),
			       t, &changed);
		if (changed) {
			finding_states_changed(l->f->states, st);
		}
		if (v == KNOWN_NEW && t >= learned) {
			e = step(l, i, st, t);
		}
	}
	return e;
}
