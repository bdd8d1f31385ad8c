/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise.h - an exercise: when, where, and what in it is played
 *
 * Ranges are the networks that the exercise takes place in.  Injects are what
 * the players do, told by where it comes from (networks) and by the names that
 * they use.  Traffic is of the exercise when one of its ends is in a range, the
 * time is within the window, and its other end, or a name in it, is an
 * inject's.  Everything else is real, also within the ranges: a real attacker
 * does not come from an inject.
 *
 * Place    above addr.h, json.h, json_read.h; both programs use it.
 * Threads  read only once it is made.
 * Memory   heap, one owner.
 * Cost     one comparison for each network and name of it.
 */
#ifndef COMMON_EXERCISE_H
#define COMMON_EXERCISE_H

#include "common/addr.h"
#include "common/err.h"
#include "common/json.h"
#include "common/json_read.h"

#define EXERCISE_NAME_CAP 64
#define EXERCISE_TITLE_CAP 128
#define EXERCISE_MAX_RANGES 64
#define EXERCISE_MAX_INJECTS 64
#define EXERCISE_MAX_SOURCES 512 /* of all injects */
#define EXERCISE_MAX_NAMES 512 /* likewise */
#define EXERCISE_MAX_HOST 253 /* RFC 1035 3.1, as dotted text */
/* Nobody plays for longer; a window of years would hide real attacks. */
#define EXERCISE_MAX_DAYS 60

struct exercise_inject {
	char id[EXERCISE_NAME_CAP]; /* letters, digits, '.', '_', '-' */
	char title[EXERCISE_TITLE_CAP];
	uint64_t at_us; /* when it is to begin; 0: not said */
};

struct exercise_source {
	struct cidr net;
	unsigned inject;
};

struct exercise_host {
	char name[EXERCISE_MAX_HOST + 1]; /* lower case; with subdomains */
	unsigned inject;
};

struct exercise {
	char name[EXERCISE_NAME_CAP];
	uint64_t from_us, until_us;
	struct cidr range[EXERCISE_MAX_RANGES];
	struct exercise_inject inject[EXERCISE_MAX_INJECTS];
	struct exercise_source *source;
	struct exercise_host *host;
	unsigned n_ranges, n_injects, n_sources, n_hosts;
};

struct exercise *exercise_new(void);
void exercise_free(struct exercise *e);

bool exercise_name_ok(struct view name);
/*
 * Each adds to one that is being made; ERR_LIMIT: too many, ERR_FORMAT: it is no
 * such thing, with diag.  Sources and hosts are the inject's added last.
 */
enum err exercise_add_range(struct exercise *e, struct view net,
			    struct diag *d) MUST_CHECK;
enum err exercise_add_inject(struct exercise *e, struct view id,
			     struct view title, uint64_t at_us,
			     struct diag *d) MUST_CHECK;
enum err exercise_add_source(struct exercise *e, struct view net,
			     struct diag *d) MUST_CHECK;
enum err exercise_add_host(struct exercise *e, struct view name,
			   struct diag *d) MUST_CHECK;
/* Whether it is whole: a name, a window, a range, an inject, and in each of
 * these something to tell it by. */
enum err exercise_check(const struct exercise *e, struct diag *d) MUST_CHECK;

/* The token: an object's members; the object is open. */
void exercise_write(struct json *j, const struct exercise *e);
/* Reads it back, checked; ERR_FORMAT, ERR_LIMIT, ERR_NOMEM with diag. */
enum err exercise_read(struct exercise **out, const struct json_reader *r,
		       const struct json_value *obj, struct diag *d) MUST_CHECK;

#define EXERCISE_REAL (-1)
/*
 * The inject that traffic between 'a' and 'b' at 'at_us' is of, or
 * EXERCISE_REAL.  'hosts' are names in it, of any case, perhaps none.
 */
int exercise_inject_of(const struct exercise *e, const struct addr *a,
		       const struct addr *b, uint64_t at_us,
		       const struct view *hosts, size_t n_hosts);

#endif
