/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/geo.h"

#include <stdlib.h>

#include <maxminddb.h>

#include "rules/rule_text.h"

/* A set that was made before, by its countries. */
struct geo_known {
	char (*countries)[3];
	size_t n;
	bool negated;
	const struct range_set *set;
};

/* Networks share records: the country is read once a record. */
struct geo_record {
	uint32_t offset; /* + 1; 0 is free */
	bool wanted;
};

#define RECORDS (1 << 16)

/*
 * Every node of a tree stands for one network, but for IPv4's, which is hung
 * into IPv6's more than once.  A file whose nodes lead to each other over and
 * over stands for 2^128 of them.
 */
#define WALK_ROUNDS 8

struct geo {
	struct arena *arena;
	MMDB_s db;
	bool open;
	struct geo_known *known;
	size_t n_known;

	/* of one walk */
	const char (*countries)[3];
	size_t n_countries;
	bool negated;
	uint64_t steps; /* nodes that may still be read */
	struct range_list list;
	struct geo_record *records;
};

static enum err
open_database(struct geo *g, const char *path, struct diag *d)
{
	int rc = MMDB_open(path, MMDB_MODE_MMAP, &g->db);

	if (rc != MMDB_SUCCESS) {
		return diag_set(d, ERR_IO, "geoip-database %s: %s", path,
				MMDB_strerror(rc));
	}
	g->open = true;
	return ERR_OK;
}

struct geo *
geo_new(const struct conf *conf, struct arena *a, struct diag *d)
{
	const char *path =
		conf != NULL ? conf_get(conf, "geoip-database") : NULL;
	struct geo *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	g->arena = a;
	if (path != NULL && path[0] != '\0' &&
	    open_database(g, path, d) != ERR_OK) {
		free(g);
		return NULL;
	}
	return g;
}

void
geo_free(struct geo *g)
{
	if (g == NULL) {
		return;
	}
	if (g->open) {
		MMDB_close(&g->db);
	}
	for (size_t i = 0; i < g->n_known; i++) {
		free(g->known[i].countries);
	}
	free(g->known);
	free(g->records);
	range_list_fini(&g->list);
	free(g);
}

static bool
read_country(struct geo *g, MMDB_entry_s *entry)
{
	MMDB_entry_data_s data;
	bool found = false;

	if (MMDB_get_value(entry, &data, "country", "iso_code", NULL) !=
		    MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
	    data.data_size != 2) {
		return false;
	}
	for (size_t i = 0; i < g->n_countries && !found; i++) {
		found = memcmp(data.utf8_string, g->countries[i], 2) == 0;
	}
	return found != g->negated;
}

static bool
is_wanted(struct geo *g, MMDB_entry_s *entry)
{
	uint32_t h = entry->offset * 2654435761u >> 16 & (RECORDS - 1);
	struct geo_record *r = &g->records[h];

	if (r->offset != entry->offset + 1) {
		r->offset = entry->offset + 1;
		r->wanted = read_country(g, entry);
	}
	return r->wanted;
}

/* A step of the walk: a node, and the network that it stands for. */
struct step {
	uint64_t node;
	unsigned __int128 lo;
	uint8_t bits;
};

static enum err
take(struct geo *g, MMDB_entry_s *entry, unsigned __int128 lo, unsigned bits)
{
	if (!is_wanted(g, entry) ||
	    range_list_add(&g->list, lo,
			   bits == 128 ? lo : lo | RANGE_MAX >> bits)) {
		return ERR_OK;
	}
	return ERR_NOMEM;
}

/*
 * All networks below one node.  'skip' is IPv4's own tree, which databases
 * hang into IPv6's in several places.  Depth bounds the stack: one step a bit.
 */
static enum err
walk(struct geo *g, uint64_t root, unsigned __int128 lo, uint8_t bits,
     uint64_t skip)
{
	struct step stack[130];
	unsigned n = 0;

	stack[n++] = (struct step){ root, lo, bits };
	while (n > 0) {
		struct step at = stack[--n];
		MMDB_search_node_s node;

		if (at.node >= g->db.metadata.node_count || at.node == skip ||
		    at.bits >= 128 ||
		    MMDB_read_node(&g->db, (uint32_t)at.node, &node) !=
			    MMDB_SUCCESS) {
			continue;
		}
		if (g->steps-- == 0) {
			return ERR_FORMAT;
		}
		for (unsigned side = 2; side-- > 0;) {
			uint8_t type = side ? node.right_record_type
					    : node.left_record_type;
			unsigned __int128 low =
				at.lo | (unsigned __int128)side
						<< (127 - at.bits);

			if (type == MMDB_RECORD_TYPE_DATA) {
				enum err e =
					take(g,
					     side ? &node.right_record_entry
						  : &node.left_record_entry,
					     low, at.bits + 1u);

				if (e != ERR_OK) {
					return e;
				}
			} else if (type == MMDB_RECORD_TYPE_SEARCH_NODE &&
				   n < ARRAY_LEN(stack)) {
				stack[n++] =
					(struct step){ side ? node.right_record
							    : node.left_record,
						       low,
						       (uint8_t)(at.bits + 1) };
			}
		}
	}
	return ERR_OK;
}

static enum err
walk_all(struct geo *g)
{
	unsigned __int128 v4 = (unsigned __int128)0xffff << 32;
	uint64_t v4_root = UINT64_MAX;
	enum err e = ERR_OK;

	g->steps = ((uint64_t)g->db.metadata.node_count + 1) * WALK_ROUNDS;
	if (g->db.metadata.ip_version == 4) {
		return walk(g, 0, v4, 96, UINT64_MAX);
	}
	/* netmask 96: the tree has IPv4 where it belongs */
	if (g->db.ipv4_start_node.netmask == 96) {
		v4_root = g->db.ipv4_start_node.node_value;
		e = walk(g, v4_root, v4, 96, UINT64_MAX);
	}
	return e == ERR_OK ? walk(g, 0, 0, 0, v4_root) : e;
}

static enum err
remember(struct geo *g, const struct range_set *set, struct diag *d)
{
	struct geo_known *v = realloc(g->known, (g->n_known + 1) * sizeof(*v));
	char(*copy)[3] = calloc(g->n_countries + 1, sizeof(*copy));

	if (v != NULL) {
		g->known = v;
	}
	if (v == NULL || copy == NULL) {
		free(copy);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	memcpy(copy, g->countries, g->n_countries * sizeof(*copy));
	v[g->n_known++] =
		(struct geo_known){ copy, g->n_countries, g->negated, set };
	return ERR_OK;
}

enum err
geo_set(struct geo *g, const char (*countries)[3], size_t n, bool negated,
	const struct range_set **out, struct diag *d)
{
	enum err e;

	if (!g->open) {
		return diag_set(d, ERR_FORMAT,
				"geoip: the setting geoip-database is missing");
	}
	for (size_t i = 0; i < g->n_known; i++) {
		const struct geo_known *k = &g->known[i];

		if (k->n == n && k->negated == negated &&
		    memcmp(k->countries, countries, n * sizeof(*countries)) ==
			    0) {
			*out = k->set;
			return ERR_OK;
		}
	}
	if (g->records == NULL) {
		g->records = malloc(RECORDS * sizeof(*g->records));
	}
	if (g->records == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	memset(g->records, 0, RECORDS * sizeof(*g->records));
	g->countries = countries;
	g->n_countries = n;
	g->negated = negated;
	g->list.n = 0;
	e = walk_all(g);
	if (e == ERR_FORMAT) {
		return diag_set(d, e, "geoip: the database's tree has no end");
	}
	if (e != ERR_OK) {
		return diag_set(d, e, "out of memory");
	}
	range_list_normalise(&g->list);
	*out = range_list_seal(&g->list, g->arena);
	if (*out == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return remember(g, *out, d);
}
