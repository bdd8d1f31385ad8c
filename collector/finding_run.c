/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/finding_parts.h"

#include <stdio.h>
#include <stdlib.h>

enum err
finder_new(struct finder **out, const struct finding_config *cfg,
	   const struct mission_map *m, sqlite3 *db)
{
	struct finder *f = calloc(1, sizeof(*f));
	enum err e;

	*out = NULL;
	if (f == NULL) {
		return ERR_NOMEM;
	}
	f->cfg = *cfg;
	f->map = m;
	f->states = finding_states_new(db);
	e = f->states == NULL ? ERR_IO : finder_reload(f);
	if (e != ERR_OK) {
		finder_free(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

void
finder_free(struct finder *f)
{
	if (f != NULL) {
		finding_states_free(f->states);
		json_fini(&f->j);
		free(f);
	}
}

enum err
finder_reload(struct finder *f)
{
	return finding_states_reload(f->states);
}

enum err
finder_keep(struct finder *f)
{
	return finding_states_keep(f->states);
}

void
finder_stats(const struct finder *f, struct finder_stats *out)
{
	out->ignored = f->ignored;
	out->refused = f->refused;
	finding_states_count(f->states, &out->states);
}

struct finding_states *
finder_states(struct finder *f)
{
	return f->states;
}

/* ------------------------------------------------------------- handing out */

struct json *
finder_evidence(struct finder_look *l)
{
	json_reset(&l->f->j);
	json_obj(&l->f->j, NULL);
	return &l->f->j;
}

/* "SITE ADDRESS" of ours, "ADDRESS" of others; what has neither is of a port. */
static void
write_key(const struct finder_look *l, const struct finding *f, char *out,
	  size_t cap)
{
	char host[ADDR_TEXT_CAP] = "", peer[ADDR_TEXT_CAP];
	int n = 0;

	if (f->has_host) {
		addr_format(f->part_of != NULL ? f->part_of : &f->host, host);
		n = snprintf(out, cap, "%s%s%s",
			     f->host_ours ? l->line->site : "",
			     f->host_ours ? " " : "", host);
	}
	if (f->kind == FINDING_BEACON) {
		addr_format(&f->peer, peer);
		snprintf(out + n, cap - (size_t)n, " %s %u/%u", peer, f->port,
			 f->proto);
	} else if (!f->has_host) {
		snprintf(out, cap, "port %u/%u", f->port, f->proto);
	}
}

enum err
finder_emit(struct finder_look *l, struct finding *f, const struct state *st,
	    const struct state_sites *sites)
{
	struct finding_place places[FINDING_SITES + 1] = { { l->line->site,
							     l->line->owner } };
	char key[SIGHTING_NAME_CAP + 2 * ADDR_TEXT_CAP + 32];

	json_obj_end(&l->f->j);
	if (l->f->j.failed) {
		return ERR_NOMEM;
	}
	write_key(l, f, key, sizeof(key));
	f->n_places = 1;
	for (unsigned i = 0; sites != NULL && i < FINDING_SITES; i++) {
		const struct state_place *p =
			sites->id[i] != 0 && sites->id[i] != l->place->id
				? finding_states_place_of(l->f->states,
							  sites->id[i])
				: NULL;

		if (p != NULL) {
			places[f->n_places++] =
				(struct finding_place){ p->site, p->owner };
		}
	}
	f->exercise = l->line->exercise;
	f->key = key;
	f->mark = f->mark != NULL ? f->mark : st->mark;
	f->places = places;
	f->evidence = json_view(&l->f->j);
	return l->sink->found(l->sink->arg, f);
}

/* ------------------------------------------------------------ taking it in */

static bool
is_ignored(const struct finding_config *cfg, const struct addr *a)
{
	for (unsigned i = 0; i < cfg->n_ignore; i++) {
		if (cidr_contains(&cfg->ignore[i], a)) {
			return true;
		}
	}
	return false;
}

static void
look_up(struct finder_look *l)
{
	const struct mission_map *m = l->f->map;
	const char *site = l->line->site;

	l->ours = mission_is_ours(m, site, &l->c->ip);
	l->mark = *l->line->mark;
	mission_join_addr(m, site, &l->c->ip, &l->mark);
	for (unsigned i = 0; i < l->c->n_to; i++) {
		const struct addr *a = &l->c->to[i].ip;

		l->to_ours[i] = mission_is_ours(m, site, a);
		l->to_ignored[i] = is_ignored(&l->f->cfg, a);
		l->to_mark[i] = l->mark;
		mission_join_addr(m, site, a, &l->to_mark[i]);
	}
}

enum err
finder_take(struct finder *f, const struct finder_line *line,
	    const struct finder_sink *sink)
{
	static enum err (*const kinds[])(struct finder_look * l) = {
		finder_sweep,   finder_spread,     finder_beacon,
		finder_lateral, finder_first_seen, finder_volume,
	};
	struct finder_look l = {
		.f = f, .line = line, .c = line->contacts, .sink = sink
	};
	enum err e;

	if (is_ignored(&f->cfg, &l.c->ip)) {
		f->ignored++;
		return ERR_OK;
	}
	e = finding_states_place(f->states, line->exercise, line->site,
				 line->owner, l.c->start_us, &l.place);
	if (e == ERR_LIMIT) {
		f->refused++;
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	look_up(&l);
	for (size_t i = 0; i < ARRAY_LEN(kinds) && e == ERR_OK; i++) {
		e = kinds[i](&l);
	}
	return e;
}
