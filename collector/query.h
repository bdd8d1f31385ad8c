/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - what an analyst types to find alerts
 *
 * Words are separated by blanks and all of them have to hold.  A word is
 *
 *   text              in the signature, its category, the site's name or what
 *                     is known of either end
 *   "some text"       the same, with blanks; \" and \\ stand for themselves
 *   field:value       sid:2001219  ip:10.0.0.0/8  sev:1-2  from:-1h
 *                     (@sid: is taken for sid:, @sig: for sig:, ...)
 *   -word             must not hold
 *
 * A text in which '*' stands is compared with '*' as any text; letters of
 * either case are one.  docs/console.md has the table of fields.
 *
 * Place    above common; below store_query, which makes SQL of it.
 * Threads  pure.
 * Memory   the caller's struct, a few kilobytes.
 * Cost     linear in the text, which is at most QUERY_MAX_LEN bytes.
 */
#ifndef COLLECTOR_QUERY_H
#define COLLECTOR_QUERY_H

#include "common/addr.h"
#include "common/err.h"

#define QUERY_MAX_LEN 1000
#define QUERY_MAX_TERMS 32

enum query_field {
	QUERY_WORD, /* text anywhere; 'text' is lower case */
	QUERY_SITE,
	QUERY_SENSOR,
	QUERY_SID, /* [lo, hi] */
	QUERY_GID,
	QUERY_SIG,
	QUERY_SEV,
	QUERY_IP, /* [first, last], either end */
	QUERY_SRC,
	QUERY_DST,
	QUERY_PORT, /* [lo, hi], either end */
	QUERY_SPORT,
	QUERY_DPORT,
	QUERY_PROTO,
	QUERY_APP,
	QUERY_IOC,
	QUERY_EXERCISE,
	QUERY_OWNER,
	QUERY_MISSION,
	QUERY_FROM, /* lo: microseconds since 1970 */
	QUERY_TO,
	QUERY_IS, /* lo: enum query_is */
	QUERY_FIELDS
};

enum query_is {
	QUERY_ARCHIVED,
	QUERY_ESCALATED,
	QUERY_NEW,
	QUERY_OPEN,
	QUERY_STATES
};

struct query_term {
	enum query_field field;
	bool negated;
	unsigned column; /* where it stands, from 1 */
	const char *text; /* lower case; within the query */
	uint64_t lo, hi;
	struct addr first, last;
};

struct query {
	struct query_term t[QUERY_MAX_TERMS];
	unsigned n;
	size_t n_text;
	char text[QUERY_MAX_LEN + QUERY_MAX_TERMS];
};

/*
 * Reads 'text'; relative times count from 'now_us'.  ERR_FORMAT with diag (what
 * is wrong, and the mend) and the column, from 1, where it stands.
 */
enum err query_parse(struct query *q, struct view text, uint64_t now_us,
		     unsigned *column, struct diag *d) MUST_CHECK;

/* The name of a field, as "sid"; NULL from QUERY_FIELDS on and for
 * QUERY_WORD. */
const char *query_field_name(enum query_field f);
const char *query_is_name(enum query_is s);
/* A few words on what the field compares. */
const char *query_field_words(enum query_field f);
/* Whether alerts of one group differ in this: only single alerts can be asked
 * for it. */
bool query_field_is_of_alert(enum query_field f);
/* Whether any term is of 'f'. */
bool query_has(const struct query *q, enum query_field f);

/* Whether 'text' is as the term's text says. */
bool query_text_matches(const struct query_term *t, struct view text);

#endif
