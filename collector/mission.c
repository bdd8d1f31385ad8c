/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct owner {
	char *name, *title;
};

struct site {
	char *name, *owner, *location;
	double latitude, longitude;
};

struct net {
	struct cidr cidr;
	char *site; /* NULL: at any site */
	int asset; /* -1: ours, but no asset */
};

struct thing { /* a service or a mission */
	char *name, *owner;
	unsigned criticality;
	char **needs;
	unsigned n_needs;
	int line;
	bool visited; /* while dependencies are walked */
};

struct asset {
	char *name, *site;
	struct mission_asset view;
};

struct mission_map {
	struct owner *owners;
	struct site *sites;
	struct net *nets;
	struct asset *assets;
	struct thing *services, *missions;
	unsigned n_owners, n_sites, n_nets, n_assets, n_services, n_missions;
};

/* The document being read, and what went wrong with it. */
struct reader {
	struct mission_map *map;
	yaml_document_t doc;
	const char *path;
	struct diag *d;
	enum err err;
};

static void fail(struct reader *r, const yaml_node_t *n, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void
fail(struct reader *r, const yaml_node_t *n, const char *fmt, ...)
{
	char what[384];
	va_list ap;

	if (r->err != ERR_OK) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	r->err = diag_set(r->d, ERR_FORMAT, "%s:%zu: %s", r->path,
			  n != NULL ? n->start_mark.line + 1 : 1, what);
}

static void
no_memory(struct reader *r)
{
	if (r->err == ERR_OK) {
		r->err =
			diag_set(r->d, ERR_NOMEM, "%s: out of memory", r->path);
	}
}

/* One more element at the end of an array of 'size' bytes each, zeroed. */
static void *
grow(struct reader *r, void **array, unsigned *n, size_t size)
{
	void *p;

	if (*n >= MISSION_MAX_ITEMS) {
		fail(r, NULL, "more than %d items of a kind: join networks",
		     MISSION_MAX_ITEMS);
		return NULL;
	}
	/* Doubling at powers of two keeps the cost linear. */
	if ((*n & (*n - 1)) == 0) {
		p = realloc(*array, (size_t)(*n == 0 ? 1 : *n * 2) * size);
		if (p == NULL) {
			no_memory(r);
			return NULL;
		}
		*array = p;
	}
	p = (char *)*array + (size_t)*n * size;
	memset(p, 0, size);
	(*n)++;
	return p;
}

#define GROW(r, array, n) grow(r, (void **)&(array), &(n), sizeof(*(array)))

static yaml_node_t *
node(struct reader *r, int id)
{
	return yaml_document_get_node(&r->doc, id);
}

static const char *
scalar(const yaml_node_t *n)
{
	return n != NULL && n->type == YAML_SCALAR_NODE
		       ? (const char *)n->data.scalar.value
		       : NULL;
}

static yaml_node_t *
member(struct reader *r, const yaml_node_t *map, const char *key)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE) {
		return NULL;
	}
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const char *k = scalar(node(r, p->key));

		if (k != NULL && strcmp(k, key) == 0) {
			return node(r, p->value);
		}
	}
	return NULL;
}

/* Refuses keys that are not in the NULL-terminated list: a misspelt key
 * would otherwise silently leave an asset without protection. */
static void
check_keys(struct reader *r, const yaml_node_t *map, const char *what,
	   const char *const *known)
{
	if (map->type != YAML_MAPPING_NODE) {
		fail(r, map, "%s: expected 'key: value' pairs", what);
		return;
	}
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *kn = node(r, p->key);
		const char *k = scalar(kn);
		unsigned i = 0;

		while (k != NULL && known[i] != NULL &&
		       strcmp(known[i], k) != 0) {
			i++;
		}
		if (k == NULL || known[i] == NULL) {
			char list[192] = "";
			size_t len = 0;

			for (i = 0; known[i] != NULL; i++) {
				len += (size_t)snprintf(
					list + len, sizeof(list) - len, "%s%s",
					i > 0 ? ", " : "", known[i]);
			}
			fail(r, kn, "%s: unknown key '%s': use one of %s", what,
			     k != NULL ? k : "(not a text)", list);
			return;
		}
	}
}

static char *
text(struct reader *r, const yaml_node_t *map, const char *key, bool needed)
{
	yaml_node_t *n = member(r, map, key);
	const char *s = scalar(n);
	char *copy;

	if (n == NULL && !needed) {
		s = "";
	} else if (s == NULL || (needed && *s == '\0')) {
		fail(r, n != NULL ? n : map, "'%s' must be a text", key);
		return NULL;
	}
	copy = strdup(s);
	if (copy == NULL) {
		no_memory(r);
	}
	return copy;
}

static unsigned
criticality(struct reader *r, const yaml_node_t *map)
{
	static const struct {
		const char *name;
		unsigned value;
	} names[] = {
		{ "none", 0 },  { "low", 25 },       { "medium", 50 },
		{ "high", 75 }, { "critical", 100 },
	};
	yaml_node_t *n = member(r, map, "criticality");
	const char *s = scalar(n);
	char *end = NULL;
	unsigned long v;

	if (n == NULL) {
		return 0;
	}
	for (size_t i = 0; s != NULL && i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, s) == 0) {
			return names[i].value;
		}
	}
	v = s != NULL ? strtoul(s, &end, 10) : 0;
	if (s == NULL || end == s || *end != '\0' || v > 100 || *s == '-') {
		fail(r, n,
		     "criticality '%s': give none, low, medium, high, critical "
		     "or a number from 0 to 100",
		     s != NULL ? s : "(not a text)");
		return 0;
	}
	return (unsigned)v;
}

static double
degrees(struct reader *r, const yaml_node_t *map, const char *key, double max)
{
	yaml_node_t *n = member(r, map, key);
	const char *s = scalar(n);
	char *end = NULL;
	double v;

	if (n == NULL) {
		return NAN;
	}
	v = s != NULL ? strtod(s, &end) : 0;
	if (s == NULL || end == s || *end != '\0' || !(fabs(v) <= max)) {
		fail(r, n, "%s: give degrees from -%.0f to %.0f", key, max,
		     max);
		return NAN;
	}
	return v;
}

/* Calls 'fn' for each text of a list, or for the one text. */
static void
each_text(struct reader *r, yaml_node_t *list, const char *key,
	  void (*fn)(struct reader *r, const yaml_node_t *n, const char *s,
		     void *arg),
	  void *arg)
{
	if (list == NULL) {
		return;
	}
	if (scalar(list) != NULL) {
		fn(r, list, scalar(list), arg);
		return;
	}
	if (list->type != YAML_SEQUENCE_NODE) {
		fail(r, list, "'%s' must be a list of texts", key);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		yaml_node_t *n = node(r, *i);

		if (scalar(n) == NULL) {
			fail(r, n, "'%s' must be a list of texts", key);
			return;
		}
		fn(r, n, scalar(n), arg);
	}
}

struct net_owner {
	const char *site;
	int asset;
};

static void
add_net(struct reader *r, const yaml_node_t *n, const char *s, void *arg)
{
	const struct net_owner *o = arg;
	struct net *net;
	struct cidr cidr;

	if (!cidr_parse(view_cstr(s), &cidr)) {
		fail(r, n,
		     "'%s' is no network: write 192.0.2.0/24, 2001:db8::/32 "
		     "or one address",
		     s);
		return;
	}
	net = GROW(r, r->map->nets, r->map->n_nets);
	if (net == NULL) {
		return;
	}
	net->cidr = cidr;
	net->asset = o->asset;
	if (o->site != NULL && o->site[0] != '\0') {
		net->site = strdup(o->site);
		if (net->site == NULL) {
			no_memory(r);
		}
	}
}

static void
add_need(struct reader *r, const yaml_node_t *n, const char *s, void *arg)
{
	struct thing *t = arg;
	char **need = GROW(r, t->needs, t->n_needs);

	(void)n;
	if (need != NULL) {
		*need = strdup(s);
		if (*need == NULL) {
			no_memory(r);
		}
	}
}

static void
read_owner(struct reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name", "title", NULL };
	struct owner *o;

	check_keys(r, n, "owners", known);
	o = GROW(r, r->map->owners, r->map->n_owners);
	if (o != NULL) {
		o->name = text(r, n, "name", true);
		o->title = text(r, n, "title", false);
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
check_owner(struct reader *r, const yaml_node_t *n, const char *owner)
{
	if (owner != NULL && owner[0] != '\0' && r->map->n_owners != 0 &&
	    !owner_known(r->map, owner)) {
		fail(r, n, "owner '%s' is not in the list of owners", owner);
	}
}

static const struct site *
find_site(const struct mission_map *m, const char *name)
{
	for (unsigned i = 0; i < m->n_sites; i++) {
		if (m->sites[i].name != NULL &&
		    strcmp(m->sites[i].name, name) == 0) {
			return &m->sites[i];
		}
	}
	return NULL;
}

static void
read_site(struct reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name",     "owner",
					     "location", "networks",
					     "latitude", "longitude",
					     NULL };
	struct net_owner at = { NULL, -1 };
	struct site *s;

	check_keys(r, n, "sites", known);
	s = GROW(r, r->map->sites, r->map->n_sites);
	if (s == NULL) {
		return;
	}
	s->name = text(r, n, "name", true);
	s->owner = text(r, n, "owner", false);
	s->location = text(r, n, "location", false);
	s->latitude = degrees(r, n, "latitude", 90);
	s->longitude = degrees(r, n, "longitude", 180);
	check_owner(r, n, s->owner);
	at.site = s->name;
	each_text(r, member(r, n, "networks"), "networks", add_net, &at);
}

static void
read_asset(struct reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name",        "site",
					     "addresses",   "networks",
					     "criticality", NULL };
	struct net_owner at = { NULL, (int)r->map->n_assets };
	struct asset *a;

	check_keys(r, n, "assets", known);
	a = GROW(r, r->map->assets, r->map->n_assets);
	if (a == NULL) {
		return;
	}
	a->name = text(r, n, "name", true);
	a->site = text(r, n, "site", false);
	a->view.criticality = criticality(r, n);
	if (a->site != NULL && a->site[0] != '\0' &&
	    find_site(r->map, a->site) == NULL) {
		fail(r, n, "asset '%s': site '%s' is not in the list of sites",
		     a->name != NULL ? a->name : "", a->site);
		return;
	}
	at.site = a->site;
	each_text(r, member(r, n, "addresses"), "addresses", add_net, &at);
	each_text(r, member(r, n, "networks"), "networks", add_net, &at);
}

static void
read_service(struct reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name", "depends_on",
					     "criticality", NULL };
	struct thing *t;

	check_keys(r, n, "services", known);
	t = GROW(r, r->map->services, r->map->n_services);
	if (t != NULL) {
		t->line = (int)n->start_mark.line + 1;
		t->name = text(r, n, "name", true);
		t->criticality = criticality(r, n);
		each_text(r, member(r, n, "depends_on"), "depends_on", add_need,
			  t);
	}
}

static void
read_mission(struct reader *r, yaml_node_t *n)
{
	static const char *const known[] = { "name", "services", "criticality",
					     "owner", NULL };
	struct thing *t;

	check_keys(r, n, "missions", known);
	t = GROW(r, r->map->missions, r->map->n_missions);
	if (t != NULL) {
		t->line = (int)n->start_mark.line + 1;
		t->name = text(r, n, "name", true);
		t->owner = text(r, n, "owner", false);
		t->criticality = criticality(r, n);
		check_owner(r, n, t->owner);
		each_text(r, member(r, n, "services"), "services", add_need, t);
	}
}

static void
each_item(struct reader *r, yaml_node_t *root, const char *key,
	  void (*fn)(struct reader *r, yaml_node_t *n))
{
	yaml_node_t *list = member(r, root, key);

	if (list == NULL || r->err != ERR_OK) {
		return;
	}
	if (list->type != YAML_SEQUENCE_NODE) {
		fail(r, list, "'%s' must be a list ('- name: ...')", key);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		fn(r, node(r, *i));
	}
}

static void
append(const char **list, unsigned *n, const char *name)
{
	for (unsigned i = 0; i < *n; i++) {
		if (strcmp(list[i], name) == 0) {
			return;
		}
	}
	if (*n < MISSION_MAX_NAMES && name[0] != '\0') {
		list[(*n)++] = name;
	}
}

/*
 * Marks every service that mission 'm' needs, and the assets below them.  A
 * service is walked once a mission, so a ring of services ends.  Depth is
 * bounded too: the file is ours, the stack is not endless.
 */
static void
walk(struct reader *r, const struct thing *mission, const struct thing *from,
     unsigned depth)
{
	struct mission_map *m = r->map;

	if (depth > 64) {
		r->err = diag_set(r->d, ERR_LIMIT,
				  "%s:%d: services depend on each other more "
				  "than 64 deep",
				  r->path, from->line);
	}
	for (unsigned i = 0; i < from->n_needs && r->err == ERR_OK; i++) {
		bool known = false;

		for (unsigned j = 0; j < m->n_services; j++) {
			struct thing *s = &m->services[j];

			if (strcmp(s->name, from->needs[i]) != 0) {
				continue;
			}
			known = true;
			if (!s->visited) {
				s->visited = true;
				walk(r, mission, s, depth + 1);
			}
		}
		for (unsigned j = 0; from != mission && j < m->n_assets; j++) {
			struct mission_asset *a = &m->assets[j].view;
			unsigned crit = from->criticality;

			if (strcmp(m->assets[j].name, from->needs[i]) != 0) {
				continue;
			}
			known = true;
			append(a->services, &a->n_services, from->name);
			if (mission != NULL) {
				append(a->missions, &a->n_missions,
				       mission->name);
				append(a->owners, &a->n_owners, mission->owner);
				crit = MAX(crit, mission->criticality);
			}
			a->criticality = MAX(a->criticality, crit);
		}
		if (!known) {
			r->err = diag_set(r->d, ERR_FORMAT,
					  "%s:%d: '%s' depends on '%s', which "
					  "is neither a service nor an asset",
					  r->path, from->line, from->name,
					  from->needs[i]);
		}
	}
}

static void
resolve(struct reader *r)
{
	struct mission_map *m = r->map;

	for (unsigned i = 0; i < m->n_assets; i++) {
		m->assets[i].view.name = m->assets[i].name;
		m->assets[i].view.site = m->assets[i].site;
	}
	for (unsigned i = 0; i < m->n_missions && r->err == ERR_OK; i++) {
		for (unsigned j = 0; j < m->n_services; j++) {
			m->services[j].visited = false;
		}
		walk(r, &m->missions[i], &m->missions[i], 0);
	}
	/* Services that no mission needs still name their assets. */
	for (unsigned j = 0; j < m->n_services; j++) {
		m->services[j].visited = false;
	}
	for (unsigned j = 0; j < m->n_services && r->err == ERR_OK; j++) {
		if (!m->services[j].visited) {
			m->services[j].visited = true;
			walk(r, NULL, &m->services[j], 0);
		}
	}
}

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
read_document(struct reader *r)
{
	static const char *const known[] = { "owners", "sites",    "networks",
					     "assets", "services", "missions",
					     NULL };
	struct net_owner any = { NULL, -1 };
	yaml_node_t *root = yaml_document_get_root_node(&r->doc);

	if (root == NULL) {
		fail(r, NULL, "empty: describe sites, assets and missions");
		return;
	}
	check_keys(r, root, "mission map", known);
	each_item(r, root, "owners", read_owner);
	each_item(r, root, "sites", read_site);
	each_text(r, member(r, root, "networks"), "networks", add_net, &any);
	each_item(r, root, "assets", read_asset);
	each_item(r, root, "services", read_service);
	each_item(r, root, "missions", read_mission);
	if (r->err == ERR_OK) {
		resolve(r);
	}
	if (r->map->n_nets > 1) {
		qsort(r->map->nets, r->map->n_nets, sizeof(struct net),
		      net_cmp);
	}
}

enum err
mission_load(struct mission_map **out, const char *path, struct diag *d)
{
	struct reader r = { .path = path, .d = d };
	yaml_parser_t parser;
	FILE *f = fopen(path, "rb");

	*out = NULL;
	if (f == NULL) {
		return diag_set(d, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
				"%s: %s: name the mission map with --missions",
				path, strerror(errno));
	}
	r.map = calloc(1, sizeof(*r.map));
	if (r.map == NULL || yaml_parser_initialize(&parser) == 0) {
		fclose(f);
		free(r.map);
		return diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &r.doc) == 0) {
		r.err = diag_set(d, ERR_FORMAT, "%s:%zu: not YAML: %s", path,
				 parser.problem_mark.line + 1,
				 parser.problem != NULL ? parser.problem
							: "unreadable");
	} else {
		read_document(&r);
		yaml_document_delete(&r.doc);
	}
	yaml_parser_delete(&parser);
	fclose(f);
	if (r.err != ERR_OK) {
		mission_free(r.map);
		return r.err;
	}
	*out = r.map;
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
	struct reader r = { .path = "" };
	struct net_owner any = { NULL, -1 };

	r.map = calloc(1, sizeof(*r.map));
	if (r.map == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(private_nets); i++) {
		add_net(&r, NULL, private_nets[i], &any);
	}
	if (r.err != ERR_OK) {
		mission_free(r.map);
		return NULL;
	}
	qsort(r.map->nets, r.map->n_nets, sizeof(struct net), net_cmp);
	return r.map;
}

static void
things_free(struct thing *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < t[i].n_needs; j++) {
			free(t[i].needs[j]);
		}
		free(t[i].needs);
		free(t[i].name);
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
	}
	for (unsigned i = 0; i < m->n_nets; i++) {
		free(m->nets[i].site);
	}
	for (unsigned i = 0; i < m->n_assets; i++) {
		free(m->assets[i].name);
		free(m->assets[i].site);
	}
	things_free(m->services, m->n_services);
	things_free(m->missions, m->n_missions);
	free(m->owners);
	free(m->sites);
	free(m->nets);
	free(m->assets);
	free(m);
}

/* The first network of the segment [lo, n) with these bits and address. */
static unsigned
lower_bound(const struct mission_map *m, const struct net *key)
{
	unsigned lo = 0, hi = m->n_nets;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (net_cmp(&m->nets[mid], key) < 0) {
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
	struct addr out = *a;

	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits > i * 8 ? MIN(bits - i * 8, 8u) : 0;

		out.b[i] &= (uint8_t)(0xff00u >> keep);
	}
	return out;
}

static const struct net *
find_net(const struct mission_map *m, const char *site, const struct addr *a,
	 bool assets_only)
{
	unsigned i = 0;

	while (i < m->n_nets) {
		struct net key = { .cidr.bits = m->nets[i].cidr.bits };
		unsigned j;

		key.cidr.addr = masked(a, key.cidr.bits);
		for (j = lower_bound(m, &key);
		     j < m->n_nets && net_cmp(&m->nets[j], &key) == 0; j++) {
			const struct net *n = &m->nets[j];

			if ((n->site == NULL || strcmp(n->site, site) == 0) &&
			    (!assets_only || n->asset >= 0)) {
				return n;
			}
		}
		/* On to the next shorter prefix length in use. */
		if (key.cidr.bits == 0) {
			break;
		}
		key.cidr.bits--;
		memset(&key.cidr.addr, 0, sizeof(key.cidr.addr));
		i = lower_bound(m, &key);
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
	const struct site *s = find_site(m, site);

	return s != NULL ? s->owner : "";
}

const char *
mission_site_location(const struct mission_map *m, const char *site)
{
	const struct site *s = find_site(m, site);

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
mission_each_asset(const struct mission_map *m,
		   void (*fn)(void *arg, const char *asset, const char *site,
			      const struct cidr *net),
		   void *arg)
{
	for (unsigned i = 0; i < m->n_nets; i++) {
		const struct net *n = &m->nets[i];

		if (n->asset >= 0) {
			const char *site = m->assets[n->asset].site;

			fn(arg, m->assets[n->asset].name,
			   site != NULL ? site : "", &n->cidr);
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
