/* SPDX-License-Identifier: Apache-2.0 */
/* Who may see what the map names. */
#include "collector/mission_yaml.h"

#include <stddef.h>
#include <stdlib.h>

void
mission_default_mark(struct mission_map *m, const struct marking *mark)
{
	m->unmarked = *mark;
}

enum err
mission_default_read(struct mission_map *m, const char *text, struct diag *d)
{
	struct diag why = { "" };

	return marking_read(&m->unmarked, view_cstr(text), &why) == ERR_OK
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE, "release.default-mark: %s",
				  why.msg);
}

const struct marking *
mission_unmarked(const struct mission_map *m)
{
	return &m->unmarked;
}

static void
join_given(const struct mission_map *m, const struct marking *given,
	   struct marking *mark)
{
	marking_join(mark, given != NULL ? given : &m->unmarked);
}

void
mission_join_site(const struct mission_map *m, const char *site,
		  struct marking *mark)
{
	const struct site *s = mission_find_site(m, site);

	join_given(m, s != NULL ? s->mark : NULL, mark);
}

struct meeting {
	const struct mission_map *m;
	struct marking *mark;
};

static bool
join_net(void *arg, const struct net *n)
{
	const struct meeting *t = arg;

	if (n->mark != NULL) {
		marking_join(t->mark, n->mark);
	}
	if (n->asset >= 0) {
		join_given(t->m, t->m->assets[n->asset].mark, t->mark);
	}
	return true;
}

void
mission_join_addr(const struct mission_map *m, const char *site,
		  const struct addr *a, struct marking *mark)
{
	struct meeting t = { m, mark };

	mission_each_net_of(m, site, a, join_net, &t);
}

void
mission_join_dependents(const struct mission_map *m,
			const struct mission_asset *a, struct marking *mark)
{
	/* The view is a part of its asset. */
	const struct asset *whole =
		(const struct asset *)((const char *)a -
				       offsetof(struct asset, view));

	marking_join(mark, &a->dependents);
	if (whole->unmarked_dependent) {
		marking_join(mark, &m->unmarked);
	}
}

bool
mission_service_mark(const struct mission_map *m, const char *name,
		     struct marking *mark)
{
	bool found = false;

	*mark = MARKING_CLEAR;
	for (unsigned i = 0; i < m->n_services; i++) {
		if (strcmp(m->services[i].name, name) == 0) {
			join_given(m, m->services[i].mark, mark);
			found = true;
		}
	}
	return found;
}

static bool
take_asset(void *arg, const struct net *n)
{
	const struct net **best = arg;

	if (n->asset < 0) {
		return true;
	}
	*best = n;
	return false;
}

const struct mission_asset *
mission_asset_anywhere(const struct mission_map *m, const struct addr *a)
{
	const struct net *n = NULL;

	mission_each_net_of(m, NULL, a, take_asset, &n);
	return n != NULL ? &m->assets[n->asset].view : NULL;
}

static bool
take_any(void *arg, const struct net *n)
{
	(void)n;
	*(bool *)arg = true;
	return false;
}

bool
mission_is_ours_anywhere(const struct mission_map *m, const struct addr *a)
{
	bool ours = false;

	mission_each_net_of(m, NULL, a, take_any, &ours);
	return ours;
}

static const struct marking *
given_or(const struct mission_map *m, const struct marking *given)
{
	return given != NULL ? given : &m->unmarked;
}

void
mission_each_name(const struct mission_map *m,
		  void (*fn)(void *arg, enum mission_name what,
			     const char *name, const struct marking *mark),
		  void *arg)
{
	for (unsigned i = 0; i < m->n_sites; i++) {
		fn(arg, MISSION_SITE, m->sites[i].name,
		   given_or(m, m->sites[i].mark));
	}
	for (unsigned i = 0; i < m->n_assets; i++) {
		fn(arg, MISSION_ASSET, m->assets[i].name,
		   given_or(m, m->assets[i].mark));
	}
	for (unsigned i = 0; i < m->n_services; i++) {
		fn(arg, MISSION_SERVICE, m->services[i].name,
		   given_or(m, m->services[i].mark));
	}
	for (unsigned i = 0; i < m->n_missions; i++) {
		fn(arg, MISSION_MISSION, m->missions[i].name,
		   given_or(m, m->missions[i].mark));
	}
}

/* --- the file --- */

static void
add_name(struct mission_reader *r, const yaml_node_t *n, const char *s,
	 void *arg)
{
	enum err e = marking_release_to(arg, view_cstr(s));

	if (e != ERR_OK) {
		yaml_file_fail(
			r->y, n,
			e == ERR_LIMIT
				? "releasable_to '%s': more than %d names"
				: "releasable_to '%s': a name is at most "
				  "%d letters, digits, '.', '_', '-'",
			s,
			e == ERR_LIMIT ? MARKING_MAX_NAMES
				       : MARKING_NAME_CAP - 1);
	}
}

struct marking *
mission_mark(struct mission_reader *r, const yaml_node_t *map)
{
	const yaml_node_t *tlp = mission_member(r, map, "tlp");
	yaml_node_t *names = mission_member(r, map, "releasable_to");
	const char *word = yaml_file_text(tlp);
	struct marking *out;

	if (tlp == NULL && names == NULL) {
		return NULL;
	}
	out = calloc(1, sizeof(*out));
	if (out == NULL) {
		yaml_file_no_memory(r->y);
		return NULL;
	}
	/* Names alone say nothing of the label: it is the default's, which is
	 * not known here, so that the label has to be written. */
	if (word == NULL || !tlp_read(view_cstr(word), &out->tlp)) {
		yaml_file_fail(r->y, tlp != NULL ? tlp : names,
			       tlp == NULL
				       ? "releasable_to needs a tlp beside it"
				       : "tlp: write clear, green, amber, "
					 "amber+strict or red");
	}
	out->limited = names != NULL;
	mission_each_text(r, names, "releasable_to", add_name, out);
	return out;
}

void
mission_depend(struct asset *a, const struct thing *from)
{
	if (from->mark != NULL) {
		marking_join(&a->view.dependents, from->mark);
	} else {
		a->unmarked_dependent = true;
	}
}
