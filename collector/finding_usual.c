/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not usual of one host of ours: a peer of a critical asset that it
 * never had, and more bytes out than in any hour before.
 */
#include "collector/finding_parts.h"

#define DAY_US (24 * 3600 * US_PER_S)
#define MEGABYTE 1000000.0
/* Of what goes out, to one: then that one is named. */
#define ONE_OF 0.8

/* -------------------------------------------------------------- first seen */

static void
note_recent(struct state_talk *s, const struct contacts_to *to, uint64_t t)
{
	if (s->n_recent == FINDING_RECENT) {
		memmove(&s->recent[0], &s->recent[1],
			(FINDING_RECENT - 1) * sizeof(s->recent[0]));
		s->n_recent--;
	}
	s->recent[s->n_recent++] = (struct recent){
		.peer = to->ip, .port = to->port, .proto = to->proto, .at_us = t
	};
	s->new_total++;
}

static enum err
emit_first(struct finder_look *l, unsigned i, struct state *st,
	   const struct mission_asset *asset, uint64_t t)
{
	const struct contacts_to *to = &l->c->to[i];
	const struct state_talk *s = &st->body.talk;
	struct finding f = { .kind = FINDING_FIRST_SEEN,
			     .host = l->c->ip,
			     .has_host = true,
			     .host_ours = true,
			     .peer = to->ip,
			     .has_peer = true,
			     .peer_ours = l->to_ours[i],
			     .port = to->port,
			     .proto = to->proto,
			     .first_us = t,
			     .last_us = t,
			     .window_us = DAY_US };
	struct json *j = finder_evidence(l);

	json_cstr(j, "asset", asset->name);
	json_u64(j, "criticality", asset->criticality);
	json_u64(j, "known", s->n_known);
	json_arr(j, "new");
	for (uint32_t k = 0; k < s->n_recent; k++) {
		const struct recent *r = &s->recent[k];

		if (r->at_us + DAY_US >= t && r->at_us <= t + DAY_US) {
			f.measure++;
			json_obj(j, NULL);
			json_addr(j, "ip", &r->peer);
			json_u64(j, "port", r->port);
			json_time(j, "at", r->at_us);
			json_obj_end(j);
		}
	}
	json_arr_end(j);
	return finder_emit(l, &f, st, NULL);
}

static enum err
talk_to(struct finder_look *l, unsigned i, const struct mission_asset *asset,
	uint64_t learned)
{
	const struct contacts_to *to = &l->c->to[i];
	struct state_key key = { .kind = STATE_TALK, .a = l->c->ip };
	uint64_t t = finder_to_us(l, to);
	struct marking mark = l->to_mark[i];
	enum known_verdict v;
	struct state *st;
	bool changed;

	/* That it is critical is known by what depends on it. */
	mission_join_dependents(l->f->map, asset, &mark);
	st = finding_states_get(l->f->states, l->place, &key, t, &mark);
	if (st == NULL) {
		return ERR_NOMEM;
	}
	v = known_note(st->body.talk.known, &st->body.talk.n_known,
		       FINDING_TALK_KNOWN,
		       known_hash(&to->ip, to->port, to->proto), t, &changed);
	if (changed) {
		finding_states_changed(l->f->states, st);
	}
	if (v != KNOWN_NEW || t < learned) {
		return ERR_OK;
	}
	note_recent(&st->body.talk, to, t);
	finding_states_changed(l->f->states, st);
	return emit_first(l, i, st, asset, t);
}

enum err
finder_first_seen(struct finder_look *l)
{
	const struct finding_config *cfg = &l->f->cfg;
	const struct mission_asset *asset;
	enum err e = ERR_OK;

	if (!cfg->on[FINDING_FIRST_SEEN] || !l->ours) {
		return ERR_OK;
	}
	asset = mission_asset(l->f->map, l->line->site, &l->c->ip);
	if (asset == NULL || asset->criticality < cfg->first_criticality) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < l->c->n_to && e == ERR_OK; i++) {
		if (finder_answered(&l->c->to[i]) && !l->to_ignored[i]) {
			e = talk_to(l, i, asset,
				    l->place->since_us +
					    cfg->first_learn * 3600 * US_PER_S);
		}
	}
	return e;
}

/* ------------------------------------------------------------------ volume */

static enum err
emit_volume(struct finder_look *l, struct state *st, uint64_t bytes,
	    double limit, uint64_t line_bytes, unsigned most)
{
	const struct contacts_to *to = &l->c->to[most];
	const struct volume *v = &st->body.volume;
	uint64_t hour = 3600 * US_PER_S;
	struct finding f = { .kind = FINDING_VOLUME,
			     .host = l->c->ip,
			     .has_host = true,
			     .host_ours = true,
			     .first_us = l->c->start_us - l->c->start_us % hour,
			     .last_us = l->c->end_us,
			     .window_us = 2 * hour,
			     .measure = (double)bytes };
	struct json *j = finder_evidence(l);

	if ((double)to->bytes_out >= ONE_OF * (double)line_bytes) {
		f.has_peer = true;
		f.peer = to->ip;
		f.port = to->port;
		f.proto = to->proto;
	}
	json_u64(j, "bytes_out", bytes);
	json_f64(j, "limit", limit);
	json_f64(j, "mean", v->all.mean);
	json_f64(j, "deviation", v->all.dev);
	json_f64(j, "mean_at_this_hour",
		 v->of_hour[l->c->start_us / hour % 24].mean);
	json_u64(j, "hours_learned", v->all.n);
	json_addr(j, "most_to", &to->ip);
	return finder_emit(l, &f, st, NULL);
}

enum err
finder_volume(struct finder_look *l)
{
	const struct finding_config *cfg = &l->f->cfg;
	double k = cfg->volume_deviations, limit;
	uint64_t bytes = 0, hour_bytes;
	struct state_key key = { .kind = STATE_VOLUME, .a = l->c->ip };
	struct marking mark = l->mark;
	unsigned most = 0;
	struct state *st;

	if (!cfg->on[FINDING_VOLUME] || !l->ours) {
		return ERR_OK;
	}
	for (unsigned i = 0; i < l->c->n_to; i++) {
		if (!l->to_ours[i] && !l->to_ignored[i]) {
			most = bytes == 0 || l->c->to[i].bytes_out >
						       l->c->to[most].bytes_out
				       ? i
				       : most;
			bytes += l->c->to[i].bytes_out;
			marking_join(&mark, &l->to_mark[i]);
		}
	}
	st = finding_states_get(l->f->states, l->place, &key, l->c->start_us,
				&mark);
	if (st == NULL) {
		return ERR_NOMEM;
	}
	if (!volume_add(&st->body.volume, l->c->start_us, bytes, k,
			&hour_bytes)) {
		return ERR_OK;
	}
	finding_states_changed(l->f->states, st);
	limit = MAX(volume_limit(&st->body.volume, l->c->start_us, k),
		    cfg->volume_megabytes * MEGABYTE);
	return st->body.volume.all.n >= cfg->volume_learn && bytes > 0 &&
			       (double)hour_bytes > limit
		       ? emit_volume(l, st, hour_bytes, limit, bytes, most)
		       : ERR_OK;
}
