/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/enrich.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <stdlib.h>
#include <sys/socket.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/json.h"

#define MAX_DBS 16

struct record {
	uint64_t hash; /* of site and address; 0 is free */
	struct addr addr;
	char site[64];
	uint16_t len;
	char json[ENRICH_JSON_CAP];
};

struct enrich {
	const struct mission_map *map;
	MMDB_s dbs[MAX_DBS];
	unsigned n_dbs;
	struct json j;
	struct record cache[ENRICH_CACHE];
};

/* What the databases say of one address; views into the mapped files. */
struct geo {
	struct view iso, country, city, org;
	uint64_t asn;
	double latitude, longitude;
	bool has_place;
};

struct enrich *
enrich_new(const struct mission_map *m)
{
	struct enrich *e = calloc(1, sizeof(*e));

	if (e != NULL) {
		e->map = m;
		json_init(&e->j);
	}
	return e;
}

void
enrich_free(struct enrich *e)
{
	if (e == NULL) {
		return;
	}
	for (unsigned i = 0; i < e->n_dbs; i++) {
		MMDB_close(&e->dbs[i]);
	}
	json_fini(&e->j);
	free(e);
}

enum err
enrich_add_db(struct enrich *e, const char *path, struct diag *d)
{
	int rc;

	if (e->n_dbs == MAX_DBS) {
		return diag_set(d, ERR_LIMIT,
				"%s: more than %d GeoIP databases: leave some "
				"out",
				path, MAX_DBS);
	}
	rc = MMDB_open(path, MMDB_MODE_MMAP, &e->dbs[e->n_dbs]);
	if (rc != MMDB_SUCCESS) {
		return diag_set(d, ERR_FORMAT,
				"%s: %s: give a MaxMind DB file (.mmdb) with "
				"--geoip",
				path, MMDB_strerror(rc));
	}
	e->n_dbs++;
	return ERR_OK;
}

static void
geo_text(MMDB_entry_s *entry, struct view *out, const char *const *path)
{
	MMDB_entry_data_s data;

	if (out->len == 0 &&
	    MMDB_aget_value(entry, &data, path) == MMDB_SUCCESS &&
	    data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING) {
		*out = view_of(data.utf8_string, data.data_size);
	}
}

static uint64_t
geo_number(MMDB_entry_s *entry, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS ||
	    !data.has_data) {
		return 0;
	}
	switch (data.type) {
	case MMDB_DATA_TYPE_UINT16:
		return data.uint16;
	case MMDB_DATA_TYPE_UINT32:
		return data.uint32;
	case MMDB_DATA_TYPE_UINT64:
		return data.uint64;
	default:
		return 0;
	}
}

static bool
geo_double(MMDB_entry_s *entry, double *out, const char *const *path)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_DOUBLE) {
		return false;
	}
	*out = data.double_value;
	return true;
}

#define PATH(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
geo_lookup(struct enrich *e, const struct addr *a, struct geo *g)
{
	struct sockaddr_storage ss = { 0 };

	if (addr_is_v4(a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)&ss;

		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, a->b + 12, 4);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;

		in6->sin6_family = AF_INET6;
		memcpy(&in6->sin6_addr, a->b, 16);
	}
	for (unsigned i = 0; i < e->n_dbs; i++) {
		int err = MMDB_SUCCESS;
		MMDB_lookup_result_s r = MMDB_lookup_sockaddr(
			&e->dbs[i], (const struct sockaddr *)&ss, &err);

		if (err != MMDB_SUCCESS || !r.found_entry) {
			continue;
		}
		geo_text(&r.entry, &g->iso, PATH("country", "iso_code"));
		geo_text(&r.entry, &g->country, PATH("country", "names", "en"));
		geo_text(&r.entry, &g->city, PATH("city", "names", "en"));
		geo_text(&r.entry, &g->org,
			 PATH("autonomous_system_organization"));
		if (g->asn == 0) {
			g->asn = geo_number(&r.entry,
					    PATH("autonomous_system_number"));
		}
		if (!g->has_place) {
			g->has_place =
				geo_double(&r.entry, &g->latitude,
					   PATH("location", "latitude")) &&
				geo_double(&r.entry, &g->longitude,
					   PATH("location", "longitude"));
		}
	}
}

static void
put_names(struct json *j, const char *key, const char *const *names, unsigned n)
{
	if (n == 0) {
		return;
	}
	json_arr(j, key);
	for (unsigned i = 0; i < n; i++) {
		json_cstr(j, NULL, names[i]);
	}
	json_arr_end(j);
}

static void
put_text(struct json *j, const char *key, struct view v)
{
	if (v.len != 0) {
		json_str(j, key, v);
	}
}

static void
describe(struct enrich *e, const char *site, const struct addr *a, bool names)
{
	const struct mission_asset *asset = mission_asset(e->map, site, a);
	struct json *j = &e->j;
	struct geo g = { 0 };

	geo_lookup(e, a, &g);
	json_reset(j);
	json_obj(j, NULL);
	put_text(j, "country_iso", g.iso);
	put_text(j, "country", g.country);
	put_text(j, "city", g.city);
	if (g.asn != 0) {
		json_u64(j, "asn", g.asn);
	}
	put_text(j, "org", g.org);
	if (g.has_place) {
		json_f64(j, "latitude", g.latitude);
		json_f64(j, "longitude", g.longitude);
	}
	if (mission_is_ours(e->map, site, a)) {
		json_bool(j, "ours", true);
	}
	if (asset != NULL) {
		json_cstr(j, "asset", asset->name);
		json_u64(j, "criticality", asset->criticality);
		if (names) {
			put_names(j, "services", asset->services,
				  asset->n_services);
			put_names(j, "missions", asset->missions,
				  asset->n_missions);
		}
	}
	json_obj_end(j);
}

struct view
enrich_addr(struct enrich *e, const char *site, const struct addr *a)
{
	uint64_t h = XXH3_64bits_withSeed(a->b, sizeof(a->b),
					  XXH3_64bits(site, strlen(site)));
	struct record *r;

	h |= 1; /* 0 marks a free record */
	r = &e->cache[(h >> 8) % ENRICH_CACHE];
	if (r->hash == h && addr_eq(&r->addr, a) &&
	    strcmp(r->site, site) == 0) {
		return view_of(r->json, r->len);
	}
	describe(e, site, a, true);
	if (e->j.len >= sizeof(r->json)) {
		describe(e, site, a, false);
	}
	if (e->j.failed || e->j.len >= sizeof(r->json) ||
	    strlen(site) >= sizeof(r->site)) {
		return VIEW_LIT("{}");
	}
	memcpy(r->json, e->j.p, e->j.len);
	r->len = (uint16_t)e->j.len;
	r->addr = *a;
	memcpy(r->site, site, strlen(site) + 1);
	r->hash = h;
	return view_of(r->json, r->len);
}
