/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise.h - an exercise: when, where, and what in it is played
 *
 * Ranges are the networks that the exercise takes place in.  Who plays is told
 * by networks (players, and sources of injects) and by the names that injects
 * use.  Traffic is of the exercise when one of its ends is in a range, the time
 * is within the window, and its other end is a player's, or a name in it an
 * inject's.  Everything else is real, also within the ranges: a real attacker
 * does not come from a player.
 *
 * Which inject an alert is of is asked after that, so that no rule or hour can
 * make a real event one of the exercise.  An inject may be told by its own
 * sources and names, by rules and indicators, by networks that it is aimed at
 * and by an end; of what it has, each kind has to hold, and of several injects
 * the one that says most is meant.  What players do besides is of no inject.
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
#define EXERCISE_MAX_PLAYERS 64
#define EXERCISE_MAX_TARGETS 256 /* of all injects */
#define EXERCISE_MAX_SIDS 512 /* likewise */
#define EXERCISE_MAX_VALUES 256 /* likewise */
#define EXERCISE_VALUE_CAP 256
#define EXERCISE_MAX_HOST 253 /* RFC 1035 3.1, as dotted text */
/* Nobody plays for longer; a window of years would hide real attacks. */
#define EXERCISE_MAX_DAYS 60

struct exercise_inject {
	char id[EXERCISE_NAME_CAP]; /* letters, digits, '.', '_', '-' */
	char title[EXERCISE_TITLE_CAP];
	uint64_t at_us; /* when it is to begin; 0: not said */
	uint64_t until_us; /* and to end; 0: not said, else nothing is its own
			    * before 'at_us' or from here on */
};

struct exercise_source {
	struct cidr net;
	unsigned inject;
};

struct exercise_sid {
	uint32_t gid, sid;
	unsigned inject;
};

struct exercise_value { /* of an indicator, of any kind */
	char text[EXERCISE_VALUE_CAP];
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
	struct cidr player[EXERCISE_MAX_PLAYERS];
	struct exercise_source *source, *target;
	struct exercise_host *host;
	struct exercise_sid *sid;
	struct exercise_value *value;
	unsigned n_ranges, n_injects, n_players, n_sources, n_targets, n_hosts,
		n_sids, n_values;
};

struct exercise *exercise_new(void);
void exercise_free(struct exercise *e);
struct exercise *exercise_copy(const struct exercise *from);

bool exercise_name_ok(struct view name);
/*
 * Each adds to one that is being made; ERR_LIMIT: too many, ERR_FORMAT: it is no
 * such thing, with diag.  What an inject has is that of the one added last.
 */
enum err exercise_add_range(struct exercise *e, struct view net,
			    struct diag *d) MUST_CHECK;
enum err exercise_add_inject(struct exercise *e, struct view id,
			     struct view title, uint64_t at_us,
			     struct diag *d) MUST_CHECK;
enum err exercise_add_player(struct exercise *e, struct view net,
			     struct diag *d) MUST_CHECK;
enum err exercise_add_target(struct exercise *e, struct view net,
			     struct diag *d) MUST_CHECK;
/* "2001219", of generator 1, or "3:2001219". */
enum err exercise_add_sid(struct exercise *e, struct view sid,
			  struct diag *d) MUST_CHECK;
enum err exercise_add_value(struct exercise *e, struct view value,
			    struct diag *d) MUST_CHECK;
enum err exercise_add_source(struct exercise *e, struct view net,
			     struct diag *d) MUST_CHECK;
enum err exercise_add_host(struct exercise *e, struct view name,
			   struct diag *d) MUST_CHECK;
/* Whether it is whole: a name, a window, a range, an inject, in each of these
 * something to tell it by, and somebody who plays. */
enum err exercise_check(const struct exercise *e, struct diag *d) MUST_CHECK;

/* The token: an object's members; the object is open. */
void exercise_write(struct json *j, const struct exercise *e);
/* Reads it back, checked; ERR_FORMAT, ERR_LIMIT, ERR_NOMEM with diag. */
enum err exercise_read(struct exercise **out, const struct json_reader *r,
		       const struct json_value *obj, struct diag *d) MUST_CHECK;

/* Whether traffic between 'a' and 'b' at 'at_us' is of it; 'hosts' are names in
 * it, of any case, perhaps none. */
bool exercise_has(const struct exercise *e, const struct addr *a,
		  const struct addr *b, uint64_t at_us,
		  const struct view *hosts, size_t n_hosts);

/* What is known of an alert. */
struct exercise_facts {
	const struct addr *a, *b;
	uint64_t at_us;
	const struct view *hosts;
	size_t n_hosts;
	uint32_t gid, sid; /* 0: of no rule */
	struct view indicator; /* that was met; empty: none */
};

#define EXERCISE_REAL (-1)
#define EXERCISE_BESIDE (-2) /* of the players, and of no inject */
int exercise_inject_of(const struct exercise *e,
		       const struct exercise_facts *f);
/* The inject that an indicator's value, seen at 'at_us', tells of: an address, a
 * name, the host of a URL, or what an inject lists; else EXERCISE_BESIDE. */
int exercise_inject_of_value(const struct exercise *e, struct view value,
			     uint64_t at_us);

#endif
