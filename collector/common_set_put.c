/* SPDX-License-Identifier: Apache-2.0 */
/* Into the set at once: from partners, and what alerts named. */
#include "collector/common_set_state.h"

#include "common/clock.h"

void
common_set_count(struct common_set_stats *s, const struct indicator_put *p)
{
	uint64_t *const by[] = {
		[INDICATOR_ADDED] = &s->added,
		[INDICATOR_CHANGED] = &s->changed,
		[INDICATOR_SAME] = &s->same,
		[INDICATOR_STALE] = &s->stale,
		[INDICATOR_GONE] = &s->revoked,
		[INDICATOR_NO_ROOM] = &s->no_room,
	};

	(*by[p->outcome])++;
	s->held += p->held;
}

enum err
common_set_offer(struct common_set *c, const char *source,
		 const struct indicator *i, uint64_t now_us,
		 struct indicator_put *p)
{
	bool ready = false;
	enum err e =
		gate_turn(c->gate, now_us, COMMON_SET_SLICE_US / 2, &ready);

	*p = (struct indicator_put){ .now_us = now_us, .gate = &c->as_gate };
	if (e == ERR_OK && (!ready || !sqlite3_get_autocommit(c->db))) {
		e = ERR_AGAIN;
	}
	if (e != ERR_OK) {
		return e;
	}
	e = indicator_store_begin(c->store);
	if (e == ERR_OK) {
		e = indicator_store_origin(c->store, source, &p->origin);
	}
	if (e == ERR_OK) {
		e = indicator_store_put(c->store, i, p);
	}
	p->gate = NULL;
	if (e != ERR_OK) {
		indicator_store_rollback(c->store);
		return e;
	}
	e = indicator_store_commit(c->store);
	if (e == ERR_OK) {
		common_set_count(&c->stats, p);
		c->committed = c->stats;
	}
	return e;
}

enum err
common_set_ready(struct common_set *c, uint64_t now_us, bool *ready)
{
	*ready = false;
	return gate_turn(c->gate, now_us, COMMON_SET_SLICE_US / 2, ready);
}

enum err
common_set_join(struct common_set *c, const char *source, uint64_t quota,
		uint64_t now_us, struct indicator_put *p)
{
	enum err e = indicator_store_join(c->store);

	*p = (struct indicator_put){ .now_us = now_us,
				     .gate = &c->as_gate,
				     .quota = quota };
	return e == ERR_OK
		       ? indicator_store_origin(c->store, source, &p->origin)
		       : e;
}

enum err
common_set_put(struct common_set *c, const struct indicator *i,
	       struct indicator_put *p, uint64_t *evicted)
{
	enum err e = indicator_store_put(c->store, i, p);

	if (e == ERR_OK && p->outcome == INDICATOR_NO_ROOM) {
		/* Some more at once: the next will want room as well. */
		unsigned n = 0, max = p->quota > 10000 ? 100 : 1;

		e = indicator_store_evict(c->store, p->origin, p->now_us, max,
					  &n);
		*evicted += n;
		if (e == ERR_OK && n > 0) {
			e = indicator_store_put(c->store, i, p);
		}
	}
	if (e == ERR_OK) {
		common_set_count(&c->stats, p);
	}
	return e;
}

enum err
common_set_leave(struct common_set *c)
{
	return indicator_store_leave(c->store);
}

void
common_set_settled(struct common_set *c, bool committed)
{
	if (committed) {
		c->committed = c->stats;
	} else {
		c->stats = c->committed;
	}
}

enum err
common_set_seen(struct common_set *c, const struct sighting_set *set)
{
	enum err e = ERR_OK;

	if (set->exercise[0] != '\0') {
		return ERR_OK;
	}
	for (unsigned i = 0; i < set->n_keys && e == ERR_OK; i++) {
		const struct sighting_key *k = &set->keys[i];

		size_t n;

		if (k->kind == KEY_INDICATOR) {
			int64_t value = sighting_key_value(k->text, &n);

			/* Of one that was cut, what is left has to be the same. */
			e = sql_run(c->st[CS_SEEN], "ittuuuddu", value, k->text,
				    set->site, set->first_us, set->last_us,
				    set->count, COMMON_SET_SITES,
				    n < strlen(k->text) ? (int)n
							: INDICATOR_PATTERN_CAP,
				    set->past ? set->count : 0);
		}
	}
	return e;
}

enum err
common_set_past(struct common_set *c, enum indicator_kind kind,
		struct view value, uint32_t hosts, struct view site,
		uint64_t last_us, uint64_t now_us,
		char why[INDICATOR_REASON_CAP])
{
	char text[INDICATOR_VALUE_CAP];
	bool held = false;
	enum err e;

	why[0] = '\0';
	if (hosts == 0 || value.len == 0 || value.len >= sizeof(text) ||
	    !gate_flood(c->gate, hosts, site, last_us, now_us, why)) {
		return ERR_OK;
	}
	memcpy(text, value.p, value.len);
	text[value.len] = '\0';
	e = indicator_store_join(c->store);
	if (e == ERR_OK) {
		e = indicator_store_take_back(c->store, kind, text, "gate", why,
					      now_us, &held);
	}
	if (e == ERR_OK) {
		e = indicator_store_leave(c->store);
	}
	if (!held) {
		why[0] = '\0';
	}
	return e;
}

enum err
common_set_seen_before(struct common_set *c, int64_t indicator,
		       enum key_kind kind, const char *value)
{
	struct sighting_set s;

	sighting_of_indicator(&s, view_cstr(value));
	return s.n_keys == 0
		       ? ERR_OK
		       : sql_run(c->st[CS_SEEN_BEFORE], "idtd", indicator,
				 (int)kind, s.keys[0].text, COMMON_SET_SITES);
}
