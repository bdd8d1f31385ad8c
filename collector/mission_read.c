/* SPDX-License-Identifier: Apache-2.0 */
/* The mission map's file: what each kind of item says. */
#include <stdlib.h>

#include "collector/mission_yaml.h"

struct net_owner {
	const char *site;
	int asset;
	yaml_node_t *at; /* of the mark, if it has one of its own */
};

static void
add_net(struct mission_reader *r, const yaml_node_t *n, const char *s,
	void *arg)
{
	const struct net_owner *o = arg;
	struct net *net;
	struct cidr cidr;

	if (!cidr_parse(view_cstr(s), &cidr)) {
		yaml_file_fail(
			r->y, n,
			"'%s' is no network: write 192.0.2.0/24, 2001:db8::/32 "
			"or one address",
			s);
		return;
	}
	net = MISSION_GROW(r, r->map->nets, r->map->n_nets);
	if (net == NULL) {
		return;
	}
	net->cidr = cidr;
	net->asset = o->asset;
	net->mark = o->at != NULL ? mission_mark(r, o->at) : NULL;
	if (o->site != NULL && o->site[0] != '\0') {
		net->site = strdup(o->site);
		if (net->site == NULL) {
			yaml_file_no_memory(r->y);
		}
	}
}

/* Networks of a site, or of any: texts, or "network" with a mark. */
static void
read_networks(struct mission_reader *r, yaml_node_t *list, const char *site)
{
	static const char *const known[] = { "network", "tlp", "releasable_to",
					     NULL };
	struct net_owner o = { site, -1, NULL };

	if (list == NULL || list->type != YAML_SEQUENCE_NODE) {
		mission_each_text(r, list, "networks", add_net, &o);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		yaml_node_t *n = yaml_file_node(r->y, *i);
		const char *s = yaml_file_text(n);

		o.at = NULL;
		if (s == NULL && n->type == YAML_MAPPING_NODE) {
			mission_check_keys(r, n, "networks", known);
			s = yaml_file_text(mission_member(r, n, "network"));
			o.at = n;
		}
		if (s == NULL) {
			yaml_file_fail(r->y, n,
				       "'networks' must be a list of texts, or "
				       "of 'network' with a mark");
			return;
		}
		add_net(r, n, s, &o);
	}
}

static void
add_need(struct mission_reader *r, const yaml_node_t *n, const char *s,
	 void *arg)
{
	struct thing *t = arg;
	char **need = MISSION_GROW(r, t->needs, t->n_needs);

	(void)n;
	if (need != NULL) {
		*need = strdup(s);
		if (*need == NULL) {
			yaml_file_no_memory(r->y);
		}
	}
}

static void
read_owner(struct mission_reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name", "title", NULL };
	struct owner *o;

	mission_check_keys(r, n, "owners", known);
	o = MISSION_GROW(r, r->map->owners, r->map->n_owners);
	if (o != NULL) {
		o->name = mission_text(r, n, "name", true);
		o->title = mission_text(r, n, "title", false);
	}
}

static bool
owner_known(const struct mission_map *m, const char *name)
{
	for (unsigned i = 0; i < m->n_owners; i++) {
		if (m->owners[i].name != NULL &&
		    strcmp(m->owners[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static void
check_owner(struct mission_reader *r, const yaml_node_t *n, const char *owner)
{
	if (owner != NULL && owner[0] != '\0' && r->map->n_owners != 0 &&
	    !owner_known(r->map, owner)) {
		yaml_file_fail(r->y, n,
			       "owner '%s' is not in the list of owners",
			       owner);
	}
}

static void
read_site(struct mission_reader *r, yaml_node_t *n)
{
	static const char *const known[] = {
		"name",      "owner", "location",      "networks", "latitude",
		"longitude", "tlp",   "releasable_to", NULL
	};
	struct site *s;

	mission_check_keys(r, n, "sites", known);
	s = MISSION_GROW(r, r->map->sites, r->map->n_sites);
	if (s == NULL) {
		return;
	}
	s->name = mission_text(r, n, "name", true);
	s->owner = mission_text(r, n, "owner", false);
	s->location = mission_text(r, n, "location", false);
	s->latitude = mission_degrees(r, n, "latitude", 90);
	s->longitude = mission_degrees(r, n, "longitude", 180);
	check_owner(r, n, s->owner);
	s->mark = mission_mark(r, n);
	read_networks(r, mission_member(r, n, "networks"), s->name);
}

static void
read_asset(struct mission_reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name",          "site",
					     "addresses",     "networks",
					     "criticality",   "tlp",
					     "releasable_to", NULL };
	struct net_owner at = { NULL, (int)r->map->n_assets, NULL };
	struct asset *a;

	mission_check_keys(r, n, "assets", known);
	a = MISSION_GROW(r, r->map->assets, r->map->n_assets);
	if (a == NULL) {
		return;
	}
	a->name = mission_text(r, n, "name", true);
	a->site = mission_text(r, n, "site", false);
	a->view.criticality = mission_criticality(r, n);
	a->mark = mission_mark(r, n);
	if (a->site != NULL && a->site[0] != '\0' &&
	    mission_find_site(r->map, a->site) == NULL) {
		yaml_file_fail(
			r->y, n,
			"asset '%s': site '%s' is not in the list of sites",
			a->name != NULL ? a->name : "", a->site);
		return;
	}
	at.site = a->site;
	mission_each_text(r, mission_member(r, n, "addresses"), "addresses",
			  add_net, &at);
	mission_each_text(r, mission_member(r, n, "networks"), "networks",
			  add_net, &at);
}

/* "all" when not given. */
static bool
needs_any(struct mission_reader *r, const yaml_node_t *map)
{
	yaml_node_t *n = mission_member(r, map, "needs");
	const char *s = yaml_file_text(n);

	if (n != NULL &&
	    (s == NULL || (strcmp(s, "all") != 0 && strcmp(s, "any") != 0))) {
		yaml_file_fail(r->y, n,
			       "needs: write all, or any when one will do");
		return false;
	}
	return n != NULL && strcmp(s, "any") == 0;
}

static void
read_service(struct mission_reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name",  "depends_on",
					     "needs", "criticality",
					     "tlp",   "releasable_to",
					     NULL };
	struct thing *t;

	mission_check_keys(r, n, "services", known);
	t = MISSION_GROW(r, r->map->services, r->map->n_services);
	if (t != NULL) {
		t->line = (int)n->start_mark.line + 1;
		t->name = mission_text(r, n, "name", true);
		t->criticality = mission_criticality(r, n);
		t->mark = mission_mark(r, n);
		mission_each_text(r, mission_member(r, n, "depends_on"),
				  "depends_on", add_need, t);
		t->any = needs_any(r, n);
	}
}

static void
read_mission(struct mission_reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name",          "services",
					     "needs",         "criticality",
					     "owner",         "tlp",
					     "releasable_to", NULL };
	struct thing *t;

	mission_check_keys(r, n, "missions", known);
	t = MISSION_GROW(r, r->map->missions, r->map->n_missions);
	if (t != NULL) {
		t->line = (int)n->start_mark.line + 1;
		t->name = mission_text(r, n, "name", true);
		t->owner = mission_text(r, n, "owner", false);
		t->criticality = mission_criticality(r, n);
		t->mark = mission_mark(r, n);
		check_owner(r, n, t->owner);
		mission_each_text(r, mission_member(r, n, "services"),
				  "services", add_need, t);
		t->any = needs_any(r, n);
	}
}

static void
read_document(struct yaml_file *y, yaml_node_t *root, void *arg)
{
	static const char *const known[] = { "owners", "sites",    "networks",
					     "assets", "services", "missions",
					     NULL };
	struct mission_reader reader = { .map = arg, .y = y }, *r = &reader;

	if (root == NULL) {
		yaml_file_fail(r->y, NULL,
			       "empty: describe sites, assets and missions");
		return;
	}
	mission_check_keys(r, root, "mission map", known);
	mission_each_item(r, root, "owners", read_owner);
	mission_each_item(r, root, "sites", read_site);
	read_networks(r, mission_member(r, root, "networks"), NULL);
	mission_each_item(r, root, "assets", read_asset);
	mission_each_item(r, root, "services", read_service);
	mission_each_item(r, root, "missions", read_mission);
	if (r->y->err == ERR_OK) {
		mission_resolve(r);
	}
	if (r->y->err == ERR_OK) {
		mission_link(r);
	}
	mission_sort_nets(r->map);
}

static const struct yaml_kind map_file = {
	.max = MISSION_FILE_MAX,
	.fault = ERR_FORMAT,
	.unread = ERR_IO,
	.hint = ": name the mission map with --missions",
	.no_yaml = "not YAML: ",
};

enum err
mission_load(struct mission_map **out, const char *path, struct diag *d)
{
	struct mission_map *m = calloc(1, sizeof(*m));
	enum err e;

	*out = NULL;
	if (m == NULL) {
		return diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	m->unmarked.tlp = TLP_AMBER;
	e = yaml_file_load(&map_file, path, read_document, m, d);
	if (e != ERR_OK) {
		mission_free(m);
		return e;
	}
	*out = m;
	return ERR_OK;
}

struct mission_map *
mission_empty(void)
{
	static const char *const private_nets[] = {
		"10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16",
		"127.0.0.0/8",    "100.64.0.0/10", "fc00::/7",
		"169.254.0.0/16", "fe80::/10",
	};
	struct yaml_file y = { .kind = &map_file, .name = "" };
	struct mission_reader r = { .y = &y };
	struct net_owner any = { NULL, -1, NULL };

	r.map = calloc(1, sizeof(*r.map));
	if (r.map == NULL) {
		return NULL;
	}
	r.map->unmarked.tlp = TLP_AMBER;
	for (size_t i = 0; i < ARRAY_LEN(private_nets); i++) {
		add_net(&r, NULL, private_nets[i], &any);
	}
	if (y.err != ERR_OK) {
		mission_free(r.map);
		return NULL;
	}
	mission_sort_nets(r.map);
	return r.map;
}
