/* SPDX-License-Identifier: Apache-2.0 */
#include "common/exercise.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

#define DAY_US (UINT64_C(86400) * US_PER_S)

struct exercise *
exercise_new(void)
{
	struct exercise *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		return NULL;
	}
	e->source = calloc(EXERCISE_MAX_SOURCES, sizeof(*e->source));
	e->target = calloc(EXERCISE_MAX_TARGETS, sizeof(*e->target));
	e->host = calloc(EXERCISE_MAX_NAMES, sizeof(*e->host));
	e->sid = calloc(EXERCISE_MAX_SIDS, sizeof(*e->sid));
	e->value = calloc(EXERCISE_MAX_VALUES, sizeof(*e->value));
	if (e->source == NULL || e->target == NULL || e->host == NULL ||
	    e->sid == NULL || e->value == NULL) {
		exercise_free(e);
		return NULL;
	}
	return e;
}

void
exercise_free(struct exercise *e)
{
	if (e != NULL) {
		free(e->source);
		free(e->target);
		free(e->host);
		free(e->sid);
		free(e->value);
		free(e);
	}
}

struct exercise *
exercise_copy(const struct exercise *from)
{
	struct exercise *e = exercise_new();
	struct exercise own;

	if (e == NULL) {
		return NULL;
	}
	own = *e;
	*e = *from;
	e->source = own.source;
	e->target = own.target;
	e->host = own.host;
	e->sid = own.sid;
	e->value = own.value;
	memcpy(e->source, from->source, from->n_sources * sizeof(*e->source));
	memcpy(e->target, from->target, from->n_targets * sizeof(*e->target));
	memcpy(e->host, from->host, from->n_hosts * sizeof(*e->host));
	memcpy(e->sid, from->sid, from->n_sids * sizeof(*e->sid));
	memcpy(e->value, from->value, from->n_values * sizeof(*e->value));
	return e;
}

bool
exercise_name_ok(struct view v)
{
	if (v.len == 0 || v.len >= EXERCISE_NAME_CAP) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if (!(c >= '0' && c <= '9') && c != '.' && c != '_' &&
		    c != '-' &&
		    !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) {
			return false;
		}
	}
	return true;
}

static void
copy(char *out, size_t cap, struct view v)
{
	size_t n = MIN(v.len, cap - 1);

	if (n > 0) {
		memcpy(out, v.p, n);
	}
	out[n] = '\0';
}

static enum err
read_net(struct view text, struct cidr *out, struct diag *d)
{
	if (cidr_parse(text, out)) {
		return ERR_OK;
	}
	return diag_set(d, ERR_FORMAT,
			"'%.*s' is no network: write 192.0.2.0/24, "
			"2001:db8::/32 or one address",
			(int)MIN(text.len, (size_t)60), (const char *)text.p);
}

enum err
exercise_add_range(struct exercise *e, struct view net, struct diag *d)
{
	enum err err = ERR_OK;

	if (e->n_ranges == EXERCISE_MAX_RANGES) {
		return diag_set(d, ERR_LIMIT, "ranges: more than %d",
				EXERCISE_MAX_RANGES);
	}
	err = read_net(net, &e->range[e->n_ranges], d);
	e->n_ranges += err == ERR_OK;
	return err;
}

enum err
exercise_add_inject(struct exercise *e, struct view id, struct view title,
		    uint64_t at_us, struct diag *d)
{
	struct exercise_inject *i;

	if (e->n_injects == EXERCISE_MAX_INJECTS) {
		return diag_set(d, ERR_LIMIT, "injects: more than %d",
				EXERCISE_MAX_INJECTS);
	}
	if (!exercise_name_ok(id)) {
		return diag_set(d, ERR_FORMAT,
				"id of an inject: 1 to %d letters, digits, "
				"'.', '_' and '-'",
				EXERCISE_NAME_CAP - 1);
	}
	for (unsigned k = 0; k < e->n_injects; k++) {
		if (view_eq(view_cstr(e->inject[k].id), id)) {
			return diag_set(d, ERR_FORMAT,
					"inject %s: another one is called so",
					e->inject[k].id);
		}
	}
	i = &e->inject[e->n_injects++];
	copy(i->id, sizeof(i->id), id);
	copy(i->title, sizeof(i->title), title);
	i->at_us = at_us;
	return ERR_OK;
}

enum err
exercise_add_source(struct exercise *e, struct view net, struct diag *d)
{
	enum err err;

	if (e->n_injects == 0 || e->n_sources == EXERCISE_MAX_SOURCES) {
		return diag_set(d, ERR_LIMIT, "sources: more than %d",
				EXERCISE_MAX_SOURCES);
	}
	err = read_net(net, &e->source[e->n_sources].net, d);
	if (err == ERR_OK) {
		e->source[e->n_sources++].inject = e->n_injects - 1;
	}
	return err;
}

enum err
exercise_add_host(struct exercise *e, struct view name, struct diag *d)
{
	struct exercise_host *h;
	bool good = name.len > 2 && name.len <= EXERCISE_MAX_HOST &&
		    name.p[0] != '.' && name.p[name.len - 1] != '.' &&
		    memchr(name.p, '.', name.len) != NULL;

	for (size_t i = 0; good && i < name.len; i++) {
		good = name.p[i] > ' ' && name.p[i] < 0x7f;
	}
	if (!good) {
		return diag_set(d, ERR_FORMAT,
				"'%.*s' is no name of a host: two labels at "
				"least, at most %d bytes",
				(int)MIN(name.len, (size_t)60),
				(const char *)name.p, EXERCISE_MAX_HOST);
	}
	if (e->n_injects == 0 || e->n_hosts == EXERCISE_MAX_NAMES) {
		return diag_set(d, ERR_LIMIT, "names: more than %d",
				EXERCISE_MAX_NAMES);
	}
	h = &e->host[e->n_hosts++];
	for (size_t i = 0; i < name.len; i++) {
		h->name[i] = (char)ascii_lower(name.p[i]);
	}
	h->name[name.len] = '\0';
	h->inject = e->n_injects - 1;
	return ERR_OK;
}

enum err
exercise_add_player(struct exercise *e, struct view net, struct diag *d)
{
	enum err err;

	if (e->n_players == EXERCISE_MAX_PLAYERS) {
		return diag_set(d, ERR_LIMIT, "players: more than %d",
				EXERCISE_MAX_PLAYERS);
	}
	err = read_net(net, &e->player[e->n_players], d);
	e->n_players += err == ERR_OK;
	return err;
}

enum err
exercise_add_target(struct exercise *e, struct view net, struct diag *d)
{
	enum err err;

	if (e->n_injects == 0 || e->n_targets == EXERCISE_MAX_TARGETS) {
		return diag_set(d, ERR_LIMIT, "targets: more than %d",
				EXERCISE_MAX_TARGETS);
	}
	err = read_net(net, &e->target[e->n_targets].net, d);
	if (err == ERR_OK) {
		e->target[e->n_targets++].inject = e->n_injects - 1;
	}
	return err;
}

static bool
read_number(struct view v, uint32_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || i == 10) {
			return false;
		}
		n = n * 10 + (v.p[i] - '0');
	}
	*out = (uint32_t)n;
	return n > 0 && n <= UINT32_MAX;
}

enum err
exercise_add_sid(struct exercise *e, struct view sid, struct diag *d)
{
	const uint8_t *colon = sid.len > 0 ? memchr(sid.p, ':', sid.len) : NULL;
	size_t left = colon != NULL ? (size_t)(colon - sid.p) : 0;
	struct exercise_sid *s;
	uint32_t gid = 1, n;

	if (e->n_injects == 0 || e->n_sids == EXERCISE_MAX_SIDS) {
		return diag_set(d, ERR_LIMIT, "sids: more than %d",
				EXERCISE_MAX_SIDS);
	}
	if ((colon != NULL && !read_number(view_of(sid.p, left), &gid)) ||
	    !read_number(colon != NULL ? view_of(colon + 1, sid.len - left - 1)
				       : sid,
			 &n)) {
		return diag_set(d, ERR_FORMAT,
				"'%.*s' is no rule: write 2001219 or 1:2001219",
				(int)MIN(sid.len, (size_t)60),
				(const char *)sid.p);
	}
	s = &e->sid[e->n_sids++];
	*s = (struct exercise_sid){ gid, n, e->n_injects - 1 };
	return ERR_OK;
}

enum err
exercise_add_value(struct exercise *e, struct view value, struct diag *d)
{
	struct exercise_value *v;
	bool good = value.len > 0 && value.len < EXERCISE_VALUE_CAP;

	for (size_t i = 0; good && i < value.len; i++) {
		good = value.p[i] >= ' ' && value.p[i] != 0x7f;
	}
	if (!good) {
		return diag_set(d, ERR_FORMAT,
				"an indicator: its value, 1 to %d bytes",
				EXERCISE_VALUE_CAP - 1);
	}
	if (e->n_injects == 0 || e->n_values == EXERCISE_MAX_VALUES) {
		return diag_set(d, ERR_LIMIT, "indicators: more than %d",
				EXERCISE_MAX_VALUES);
	}
	v = &e->value[e->n_values++];
	copy(v->text, sizeof(v->text), value);
	v->inject = e->n_injects - 1;
	return ERR_OK;
}

static bool
is_told(const struct exercise *e, unsigned inject)
{
	for (unsigned i = 0; i < e->n_sources; i++) {
		if (e->source[i].inject == inject) {
			return true;
		}
	}
	for (unsigned i = 0; i < e->n_hosts; i++) {
		if (e->host[i].inject == inject) {
			return true;
		}
	}
	for (unsigned i = 0; i < e->n_sids; i++) {
		if (e->sid[i].inject == inject) {
			return true;
		}
	}
	for (unsigned i = 0; i < e->n_values; i++) {
		if (e->value[i].inject == inject) {
			return true;
		}
	}
	return e->inject[inject].until_us != 0;
}

static enum err
check_inject(const struct exercise *e, unsigned k, struct diag *d)
{
	const struct exercise_inject *i = &e->inject[k];

	if (!is_told(e, k)) {
		return diag_set(d, ERR_FORMAT,
				"inject %s: neither sources nor names to tell "
				"it by, nor sids, indicators or until",
				i->id);
	}
	if (i->until_us != 0 && (i->until_us <= MAX(i->at_us, e->from_us) ||
				 i->until_us > e->until_us)) {
		return diag_set(d, ERR_FORMAT,
				"inject %s: until: behind its at, and within "
				"the exercise",
				i->id);
	}
	return ERR_OK;
}

enum err
exercise_check(const struct exercise *e, struct diag *d)
{
	if (!exercise_name_ok(view_cstr(e->name))) {
		return diag_set(d, ERR_FORMAT,
				"name: 1 to %d letters, digits, '.', '_' and "
				"'-'",
				EXERCISE_NAME_CAP - 1);
	}
	if (e->from_us != 0 && e->until_us != 0 && e->until_us <= e->from_us) {
		return diag_set(d, ERR_FORMAT, "until is not after from");
	}
	if (e->from_us == 0 || e->until_us == 0 ||
	    e->until_us - e->from_us > EXERCISE_MAX_DAYS * DAY_US) {
		return diag_set(d, ERR_FORMAT,
				"from, until: a window of at most %d days",
				EXERCISE_MAX_DAYS);
	}
	if (e->n_ranges == 0 || e->n_injects == 0) {
		return diag_set(d, ERR_FORMAT,
				"an exercise needs a range and an inject");
	}
	for (unsigned i = 0; i < e->n_injects; i++) {
		if (check_inject(e, i, d) != ERR_OK) {
			return ERR_FORMAT;
		}
	}
	if (e->n_players + e->n_sources + e->n_hosts == 0) {
		return diag_set(d, ERR_FORMAT,
				"nobody plays: players, or sources or names "
				"of an inject");
	}
	return ERR_OK;
}
