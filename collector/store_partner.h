/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_partner.h - what partners' collectors told, in the store
 *
 * For each party the point up to which its bundles were applied, how much of
 * what came, its sightings and its incidents.  The point moves in the
 * transaction of what it stands for, so that each bundle counts once whatever
 * happens.
 *
 * Bounds: STORE_PARTNER_SIGHTINGS and STORE_PARTNER_INCIDENTS rows of a party,
 * of which its own oldest go (counts "sightings-forgotten",
 * "incidents-forgotten").
 *
 * Place    above store_sql and marking; below exchange_apply, the pipeline and
 *          ctl_partner.
 * Threads  as the connection.
 * Memory   prepared statements; texts of a row are valid within the call that
 *          hands it out.
 * Cost     two or three short statements a call.
 */
#ifndef COLLECTOR_STORE_PARTNER_H
#define COLLECTOR_STORE_PARTNER_H

#include <sqlite3.h>

#include "common/err.h"
#include "common/indicator.h"

#define STORE_PARTNER_SIGHTINGS 100000
#define STORE_PARTNER_INCIDENTS 10000

struct store_partner;

/* On a connection that writes.  ERR_NOMEM; ERR_IO with diag. */
enum err store_partner_open(struct store_partner **out, sqlite3 *db,
			    struct diag *d) MUST_CHECK;
void store_partner_close(struct store_partner *s);
/* Other bounds, for tests. */
void store_partner_bound(struct store_partner *s, uint64_t sightings,
			 uint64_t incidents);

/* ------------------------------------ writing, inside of a transaction */

/* The point of 'party', which is known from here on; 0 0: none yet. */
enum err store_partner_point(struct store_partner *s, const char *party,
			     uint64_t *epoch, uint64_t *seq) MUST_CHECK;
/* 'added_us': since when the bundle waited here; 0: not known. */
enum err store_partner_move(struct store_partner *s, const char *party,
			    uint64_t epoch, uint64_t seq, uint64_t added_us,
			    uint64_t now_us) MUST_CHECK;
/* Adds 'n' to a count of the party; nothing when 'n' is 0. */
enum err store_partner_count(struct store_partner *s, const char *party,
			     const char *name, uint64_t n,
			     uint64_t now_us) MUST_CHECK;

struct store_partner_sighting {
	const char *party, *id, *value, *place, *exercise;
	enum indicator_kind kind;
	uint64_t first_us, last_us, count;
	bool past; /* all of it was found in what had been seen before */
	const char *mark; /* marking_text() */
};
/* What one that came is beside the one that is kept of its id. */
enum store_partner_standing {
	STORE_PARTNER_NEW, /* none is kept */
	STORE_PARTNER_SAME, /* no more than is known */
	STORE_PARTNER_GROWN, /* it went on: more of it was counted */
	/* More of it, at another place, or further than STORE_PARTNER_NEAR_US
	 * from when it was: it costs as much as a new one. */
	STORE_PARTNER_FAR,
	/* The id was that of another value or exercise, as before the party's
	 * store was made anew: it is a new one. */
	STORE_PARTNER_OTHER
};
#define STORE_PARTNER_NEAR_US (UINT64_C(86400) * 1000000)
/* '*more' is by how much its count is above what is kept of the same. */
enum err store_partner_look(struct store_partner *s,
			    const struct store_partner_sighting *is,
			    enum store_partner_standing *how,
			    uint64_t *more) MUST_CHECK;
/* Keeps it; 'how' it stands is what store_partner_look() said. */
enum err store_partner_sighting(struct store_partner *s,
				const struct store_partner_sighting *is,
				enum store_partner_standing how,
				uint64_t now_us) MUST_CHECK;

struct store_partner_incident {
	const char *party, *id, *title, *lead, *support, *missions, *sites,
		*stages, *exercise, *mark;
	unsigned level, score;
	uint64_t alerts, first_us, last_us, modified_us;
	uint64_t at_us; /* when it came; set by the store */
	bool revoked;
};
/* Keeps it; '*fresh' is false when the one that is kept is as new. */
enum err store_partner_incident(struct store_partner *s,
				const struct store_partner_incident *is,
				uint64_t now_us, bool *fresh) MUST_CHECK;

/* The value of an indicator by the id that the party itself, or else another
 * source, gave it.  ERR_NOTFOUND: nobody did. */
enum err store_partner_value(struct store_partner *s, const char *id,
			     int64_t origin, enum indicator_kind *kind,
			     char *value, size_t cap) MUST_CHECK;

/* ------------------------------------------------------------ reading */

struct store_partner_row {
	const char *party;
	uint64_t epoch, seq, at_us;
	uint64_t lag_us; /* that the last bundle waited here */
	uint64_t sightings, incidents; /* that are kept */
	uint64_t indicators; /* records of it in the common set */
};
enum err store_partner_each(sqlite3 *db,
			    void (*fn)(void *arg,
				       const struct store_partner_row *row),
			    void *arg) MUST_CHECK;
/* Its counts in order of their names; 'at_us': when it last grew. */
enum err store_partner_each_count(sqlite3 *db, const char *party,
				  void (*fn)(void *arg, const char *name,
					     uint64_t n, uint64_t at_us),
				  void *arg) MUST_CHECK;
/* Incidents of one party, or of all (NULL), the last told first; those that
 * were revoked are left out. */
enum err store_partner_each_incident(
	sqlite3 *db, const char *party, unsigned max,
	void (*fn)(void *arg, const struct store_partner_incident *i),
	void *arg) MUST_CHECK;

/* "partner:NAME": the source of its indicators. */
#define STORE_PARTNER_ORIGIN "partner:"
#define STORE_PARTNER_ORIGIN_CAP 80
void store_partner_origin(const char *party,
			  char out[STORE_PARTNER_ORIGIN_CAP]);

#endif
