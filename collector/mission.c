/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/mission_map.h"

/* Longest prefix first, so that the first hit is the most specific. */
static int
net_cmp(const void *x, const void *y)
{
	const struct net *a = x, *b = y;

	if (a->cidr.bits != b->cidr.bits) {
		return a->cidr.bits > b->cidr.bits ? -1 : 1;
	}
	return addr_cmp(&a->cidr.addr, &b->cidr.addr);
}

static void
things_free(struct thing *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < t[i].n_needs; j++) {
			free(t[i].needs[j]);
		}
		free(t[i].needs);
		free(t[i].refs);
		free(t[i].name);
		free(t[i].mark);
		free(t[i].owner);
	}
	free(t);
}

void
mission_free(struct mission_map *m)
{
	if (m == NULL) {
		return;
	}
	for (unsigned i = 0; i < m->n_owners; i++) {
		free(m->owners[i].name);
		free(m->owners[i].title);
	}
	for (unsigned i = 0; i < m->n_sites; i++) {
		free(m->sites[i].name);
		free(m->sites[i].owner);
		free(m->sites[i].location);
		free(m->sites[i].mark);
	}
	for (unsigned i = 0; i < m->n_nets; i++) {
		free(m->nets[i].site);
		free(m->nets[i].mark);
	}
	for (unsigned i = 0; i < m->n_assets; i++) {
		free(m->assets[i].name);
		free(m->assets[i].site);
		free(m->assets[i].mark);
	}
	things_free(m->services, m->n_services);
	things_free(m->missions, m->n_missions);
	free(m->owners);
	free(m->sites);
	free(m->nets);
	free(m->assets);
	free(m->order);
	free(m);
}

void
mission_sort_nets(struct mission_map *m)
{
	if (m->n_nets > 1) {
		qsort(m->nets, m->n_nets, sizeof(*m->nets), net_cmp);
	}
	m->n_lengths = 0;
	for (unsigned i = 0; i < m->n_nets; i++) {
		uint8_t bits = m->nets[i].cidr.bits;

		if (m->n_lengths == 0 ||
		    m->lengths[m->n_lengths - 1].bits != bits) {
			m->lengths[m->n_lengths++] =
				(struct net_length){ bits, i, i };
		}
		m->lengths[m->n_lengths - 1].end = i + 1;
	}
}

/* The first network of this length that is not before 'a'. */
static unsigned
lower_bound(const struct mission_map *m, const struct net_length *l,
	    const struct addr *a)
{
	unsigned lo = l->first, hi = l->end;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (addr_cmp(&m->nets[mid].cidr.addr, a) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

static struct addr
masked(const struct addr *a, unsigned bits)
{
	struct addr out = { { 0 } };
	unsigned whole = bits / 8;

	memcpy(out.b, a->b, whole);
	if (bits % 8 != 0) {
		out.b[whole] = a->b[whole] & (uint8_t)(0xff00u >> bits % 8);
	}
	return out;
}

/* Each of the lengths in use costs one search. */
void
mission_each_net_of(const struct mission_map *m, const char *site,
		    const struct addr *a,
		    bool (*fn)(void *arg, const struct net *n), void *arg)
{
	for (unsigned i = 0; i < m->n_lengths; i++) {
		const struct net_length *l = &m->lengths[i];
		struct addr key = masked(a, l->bits);
		unsigned j = lower_bound(m, l, &key);

		for (; j < l->end && addr_eq(&m->nets[j].cidr.addr, &key);
		     j++) {
			const struct net *n = &m->nets[j];

			if ((site == NULL || n->site == NULL ||
			     strcmp(n->site, site) == 0) &&
			    !fn(arg, n)) {
				return;
			}
		}
	}
}

struct net_search {
	const struct net *found;
	bool assets_only;
};

static bool
take_net(void *arg, const struct net *n)
{
	struct net_search *f = arg;

	if (f->assets_only && n->asset < 0) {
		return true;
	}
	f->found = n;
	return false;
}

/* The most specific. */
static const struct net *
find_net(const struct mission_map *m, const char *site, const struct addr *a,
	 bool assets_only)
{
	struct net_search f = { NULL, assets_only };

	mission_each_net_of(m, site, a, take_net, &f);
	return f.found;
}

const struct site *
mission_find_site(const struct mission_map *m, const char *name)
{
	for (unsigned i = 0; i < m->n_sites; i++) {
		if (m->sites[i].name != NULL &&
		    strcmp(m->sites[i].name, name) == 0) {
			return &m->sites[i];
		}
	}
	return NULL;
}

const struct mission_asset *
mission_asset(const struct mission_map *m, const char *site,
	      const struct addr *a)
{
	const struct net *n = find_net(m, site, a, true);

	return n != NULL ? &m->assets[n->asset].view : NULL;
}

bool
mission_is_ours(const struct mission_map *m, const char *site,
		const struct addr *a)
{
	return find_net(m, site, a, false) != NULL;
}

const char *
mission_site_owner(const struct mission_map *m, const char *site)
{
	const struct site *s = mission_find_site(m, site);

	return s != NULL ? s->owner : "";
}

const char *
mission_site_location(const struct mission_map *m, const char *site)
{
	const struct site *s = mission_find_site(m, site);

	return s != NULL ? s->location : "";
}

const char *
mission_owner_title(const struct mission_map *m, const char *owner)
{
	for (unsigned i = 0; i < m->n_owners; i++) {
		if (strcmp(m->owners[i].name, owner) == 0 &&
		    m->owners[i].title[0] != '\0') {
			return m->owners[i].title;
		}
	}
	return owner;
}

void
mission_each_site(const struct mission_map *m,
		  void (*fn)(void *arg, const char *site, const char *owner,
			     const char *location, double latitude,
			     double longitude),
		  void *arg)
{
	for (unsigned i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		fn(arg, s->name, s->owner, s->location, s->latitude,
		   s->longitude);
	}
}

void
mission_each_net(const struct mission_map *m,
		 void (*fn)(void *arg, const struct cidr *net,
			    const char *asset),
		 void *arg)
{
	for (unsigned i = 0; i < m->n_nets; i++) {
		const struct net *n = &m->nets[i];

		fn(arg, &n->cidr,
		   n->asset >= 0 ? m->assets[n->asset].name : "");
	}
}

void
mission_each_asset(const struct mission_map *m,
		   void (*fn)(void *arg, const char *asset, const char *site,
			      unsigned criticality, const struct cidr *net),
		   void *arg)
{
	for (unsigned i = 0; i < m->n_nets; i++) {
		const struct net *n = &m->nets[i];

		if (n->asset >= 0) {
			const struct asset *a = &m->assets[n->asset];

			fn(arg, a->name, a->site != NULL ? a->site : "",
			   a->view.criticality, &n->cidr);
		}
	}
}

void
mission_each_mission(const struct mission_map *m,
		     void (*fn)(void *arg, const char *mission,
				const char *owner, unsigned criticality_,
				const char *services),
		     void *arg)
{
	for (unsigned i = 0; i < m->n_missions; i++) {
		const struct thing *t = &m->missions[i];
		char services[1024] = "";
		size_t len = 0;

		for (unsigned j = 0;
		     j < t->n_needs && len < sizeof(services) - 1; j++) {
			len += (size_t)snprintf(services + len,
						sizeof(services) - len, "%s%s",
						j > 0 ? "," : "", t->needs[j]);
		}
		fn(arg, t->name, t->owner, t->criticality, services);
	}
}
