/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host of ours administers hosts that it never reached before: several of
 * them, or one from which somebody goes on to the next.
 */
#include "collector/finding_parts.h"

/* By which the clocks of two sensors may differ. */
#define SLACK_US (2 * US_PER_S)
#define MAX_HOPS 16

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

static struct state *
find_admin(struct finder_look *l, const struct addr *host)
{
	struct state_key key = { .kind = STATE_ADMIN, .a = *host };

	return finding_states_find(l->f->states, l->place, &key);
}

/*
 * A chain is followed when it is judged, in both directions from the step that
 * is new: of one interval the steps come in any order.
 */
struct chain {
	struct state *host[MAX_HOPS + 1]; /* first, where it began */
	unsigned n;
	const struct state *told; /* one of them was told of already */
};

static void
add_host(struct chain *c, struct state *st, uint64_t t, uint64_t window)
{
	const struct state_admin *a = &st->body.admin;

	c->host[c->n++] = st;
	if (c->told == NULL && a->told_us != 0 &&
	    is_within(a->told_us, t, window)) {
		c->told = st;
	}
}

static bool
has_host(const struct chain *c, const struct addr *a)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (addr_eq(&c->host[i]->key.a, a)) {
			return true;
		}
	}
	return false;
}

/* From 'st', which went on at 't', to whom it began with. */
static void
go_back(struct finder_look *l, struct state *st, uint64_t t, uint64_t window,
	struct chain *c)
{
	struct state *way[MAX_HOPS / 2];
	unsigned n = 0;

	while (st != NULL && n < ARRAY_LEN(way)) {
		const struct state_admin *a = &st->body.admin;

		for (unsigned i = 0; i < n; i++) {
			if (way[i] == st) {
				st = NULL;
				break;
			}
		}
		if (st == NULL) {
			break;
		}
		way[n++] = st;
		if (a->reached_us == 0 || a->reached_us > t + SLACK_US ||
		    t > a->reached_us + window) {
			break;
		}
		t = a->reached_us;
		st = find_admin(l, &a->from);
	}
	while (n > 0) {
		add_host(c, way[--n], t, window);
	}
}

/* From 'st', which was reached at 't', on: each time by its next step. */
static void
go_on(struct finder_look *l, struct state *st, uint64_t t, uint64_t window,
      struct chain *c)
{
	while (st != NULL && c->n < MAX_HOPS + 1 && !has_host(c, &st->key.a)) {
		const struct state_admin *a = &st->body.admin;
		struct state *next = NULL;

		add_host(c, st, t, window);
		for (uint32_t i = 0; i < a->n_recent && next == NULL; i++) {
			const struct recent *r = &a->recent[i];

			if (r->at_us + SLACK_US >= t &&
			    r->at_us <= t + window && !has_host(c, &r->peer)) {
				next = find_admin(l, &r->peer);
				t = r->at_us;
			}
		}
		st = next;
	}
}

static void
write_evidence(struct json *j, const struct state_admin *a,
	       const struct chain *c, unsigned hosts, struct finding *f)
{
	json_u64(j, "hosts", hosts);
	json_u64(j, "hops", c->n - 1);
	json_arr(j, "chain");
	for (unsigned i = 0; i < c->n; i++) {
		json_addr(j, NULL, &c->host[i]->key.a);
	}
	json_arr_end(j);
	json_arr(j, "reached");
	for (uint32_t i = 0; i < a->n_recent; i++) {
		const struct recent *r = &a->recent[i];

		if (is_within(r->at_us, f->last_us, f->window_us)) {
			f->first_us = MIN(f->first_us, r->at_us);
			json_obj(j, NULL);
			json_addr(j, "ip", &r->peer);
			json_u64(j, "port", r->port);
			json_time(j, "at", r->at_us);
			json_obj_end(j);
		}
	}
	json_arr_end(j);
}

static enum err
emit(struct finder_look *l, struct state *from, const struct contacts_to *to,
     struct chain *c, uint64_t t)
{
	struct state_admin *a = &from->body.admin;
	uint64_t window = l->f->cfg.lateral_seconds * US_PER_S;
	unsigned hosts = reached(a, t, window);
	struct addr key =
		c->told != NULL ? c->told->body.admin.told : c->host[0]->key.a;
	struct finding f = { .kind = FINDING_LATERAL,
			     .host = c->host[0]->key.a,
			     .has_host = true,
			     .host_ours = true,
			     .part_of = &key,
			     .peer = to->ip,
			     .has_peer = true,
			     .peer_ours = true,
			     .port = to->port,
			     .proto = to->proto,
			     .first_us = t,
			     .last_us = t,
			     .window_us = window,
			     .measure = MAX(hosts, c->n - 1) };
	struct marking mark = *from->mark;

	write_evidence(finder_evidence(l), a, c, hosts, &f);
	for (unsigned i = 0; i < c->n; i++) {
		marking_join(&mark, c->host[i]->mark);
		c->host[i]->body.admin.told = key;
		c->host[i]->body.admin.told_us = t;
		finding_states_changed(l->f->states, c->host[i]);
	}
	f.mark = &mark;
	return finder_emit(l, &f, from, NULL);
}

/* 'from' reached the destination, for the first time. */
static enum err
step(struct finder_look *l, unsigned i, struct state *from, uint64_t t)
{
	const struct finding_config *cfg = &l->f->cfg;
	const struct contacts_to *to = &l->c->to[i];
	uint64_t window = cfg->lateral_seconds * US_PER_S;
	struct chain c = { .n = 0 };
	struct state *st;

	note_recent(&from->body.admin, to, t);
	finding_states_changed(l->f->states, from);
	finding_states_settle(from);
	st = admin_of(l, &to->ip, t, &l->to_mark[i]);
	if (st == NULL) {
		return ERR_NOMEM;
	}
	/* Making room may have taken the one that asked. */
	from = find_admin(l, &l->c->ip);
	if (from == NULL || from == st) {
		return ERR_OK;
	}
	st->body.admin.from = l->c->ip;
	st->body.admin.reached_us = t;
	finding_states_changed(l->f->states, st);
	go_back(l, from, t, window, &c);
	go_on(l, st, t, window, &c);
	return c.n > cfg->lateral_hops || reached(&from->body.admin, t,
						  window) >= cfg->lateral_hosts
		       ? emit(l, from, to, &c, t)
		       : ERR_OK;
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
