/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geo.h - the networks of a country, for the keyword geoip
 *
 * The setting geoip-database names a MaxMind database (GeoLite2 Country, City
 * and their like: records with country.iso_code).  It is read once, while
 * rules load, for the countries that rules name: each becomes a set of
 * addresses, so that no packet ever looks into the database.
 *
 * Place    above range_set; below rule_parse.
 * Threads  one thread, while rules load.
 * Memory   sets are the arena's; the file is mapped while rules load.
 * Cost     a walk over the whole database for each list of countries that is
 *          spelt differently.
 */
#ifndef RULES_GEO_H
#define RULES_GEO_H

#include "common/conf.h"
#include "common/err.h"
#include "rules/range_set.h"

#define GEO_MAX_COUNTRIES 256 /* in one list */

struct geo;

/*
 * NULL with diag when memory runs out or the database that the setting names
 * cannot be opened; without that setting, each rule with geoip is refused.
 */
struct geo *geo_new(const struct conf *conf, struct arena *a, struct diag *d);
void geo_free(struct geo *g);

/*
 * The addresses in any of the 'n' countries (two capital letters each), or,
 * 'negated', the ones known to be in another country.
 */
enum err geo_set(struct geo *g, const char (*countries)[3], size_t n,
		 bool negated, const struct range_set **out,
		 struct diag *d) MUST_CHECK;

#endif
