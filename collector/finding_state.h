/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_state.h - what the correlators over contacts remember, and its bounds
 *
 * A state is a few hundred bytes about a host, a pair, a target or a port: of
 * one site, or of all sites of its lane (an exercise, or none).  It lies in
 * memory and, since the last finding_states_keep(), in the table
 * contact_states; memory is made of that at start and after a rollback.
 *
 * Each kind has a bound.  Whoever fills it gives way first: the site with more
 * than its share loses what it touched longest ago.
 *
 * Place    above baseline, mark_set and store_sql; below finding_run.
 * Threads  one.
 * Memory   at most the bounds, some 150 MB; what is used is allocated.
 * Cost     a hash a lookup; a statement for each state that changed in a
 *          transaction.
 */
#ifndef COLLECTOR_FINDING_STATE_H
#define COLLECTOR_FINDING_STATE_H

#include <sqlite3.h>

#include "collector/baseline.h"
#include "collector/finding.h"

/* Numbers are stored. */
enum state_kind {
	STATE_SWEEP, /* who contacts what does not answer */
	STATE_VOLUME, /* a host of ours */
	STATE_PAIR, /* a host of ours, and a port outside */
	STATE_SERVICE, /* a port outside: how many of ours use it */
	STATE_ADMIN, /* a host of ours, and whom it administers */
	STATE_TALK, /* a critical host of ours, and whom it talks to */
	STATE_TARGET, /* a host of ours that outsiders try */
	STATE_PORT, /* a port that outsiders try */
	STATE_KINDS
};

#define FINDING_SITES 16
#define FINDING_ADMIN_KNOWN 128
#define FINDING_ADMIN_RECENT 16
#define FINDING_TALK_KNOWN 512
#define FINDING_RECENT 8
#define FINDING_ANSWERED 32

/* Where a state of all sites was fed; ids of places, 0: none. */
struct state_sites {
	uint32_t id[FINDING_SITES];
};
/* What came of contacts to one port, in days; old ones fade. */
struct port_use {
	uint32_t flows, failed, day;
	uint16_t port;
	uint8_t proto, unused;
};
#define FINDING_PORTS 8
struct state_sweep {
	struct piece all[2]; /* that it contacts, whatever came of it */
	struct piece fast[2], slow[8]; /* what went unanswered */
	struct port_use use[FINDING_PORTS]; /* those used most */
	uint64_t found_us; /* last seen to scan */
	struct state_sites sites;
};
struct state_pair {
	struct rhythm r;
};
struct state_service {
	struct piece clients[2]; /* a: hosts of ours; by the day */
};
struct recent {
	struct addr peer;
	uint16_t port;
	uint8_t proto, unused[5];
	uint64_t at_us;
};
struct state_admin {
	struct recent recent[FINDING_ADMIN_RECENT]; /* new ones; the newest */
	uint32_t n_recent, n_known;
	/* Who reached this host anew, last; and of what it was told to be a
	 * part. */
	struct addr from, told;
	uint64_t reached_us, told_us;
	struct baseline_known known[FINDING_ADMIN_KNOWN];
};
struct state_talk {
	struct recent recent[FINDING_RECENT];
	uint32_t n_recent, n_known;
	uint64_t new_total; /* since it is known */
	struct baseline_known known[FINDING_TALK_KNOWN];
};
struct state_target {
	struct piece tried[2]; /* a: sources; b: ports */
	/* Ports that answered: a server that is down is not scanned. */
	uint32_t answered[FINDING_ANSWERED]; /* port << 8 | proto */
	uint32_t n_answered, next_answered;
};
struct state_port {
	struct piece tried[2]; /* a: sources; b: targets */
	struct state_sites sites;
};

/* A lane at a site. */
struct state_place {
	uint32_t id; /* as stored */
	char lane[SIGHTING_NAME_CAP], site[SIGHTING_NAME_CAP],
		owner[SIGHTING_NAME_CAP];
	uint64_t since_us, last_us; /* packets: what was learned from when */
	bool dirty;
	unsigned n[STATE_KINDS];
	struct state_list {
		struct state *first, *last; /* first: longest ago */
	} list[STATE_KINDS][2]; /* the young, of whom little is known; others */
	unsigned n_young[STATE_KINDS];
	struct state_place *next;
};

struct state_key {
	enum state_kind kind;
	bool shared; /* by all sites of the lane */
	uint8_t proto;
	uint16_t port;
	struct addr a, b; /* 'b' zero when there is none */
};

struct state {
	struct state_key key;
	struct state_place *place; /* that made it */
	uint64_t hash, touched_us; /* packets */
	int64_t id;
	const struct marking *mark; /* of all that went in */
	bool dirty, old;
	struct state *next_hash, *prev, *next, *next_dirty;
	struct state **dirty_at; /* what points to this one */
	union state_body {
		struct state_sweep sweep;
		struct volume volume;
		struct state_pair pair;
		struct state_service service;
		struct state_admin admin;
		struct state_talk talk;
		struct state_target target;
		struct state_port port;
	} body; /* as much as the kind has */
};

/*
 * Which hosts of ours called a port since 'since_us', in the last two days, out of
 * 'body' of a row of contact_states that has 'kind' and 'version'.  False: the row
 * is no STATE_SERVICE, or another version wrote it.
 */
bool finding_service_callers(int kind, int version, struct view body,
			     uint64_t since_us, struct hll *out) MUST_CHECK;

struct finding_states;

/* Bounds of all sites together, of each kind; for tests others. */
extern const unsigned finding_state_bounds[STATE_KINDS];

struct finding_states *finding_states_new(sqlite3 *db);
void finding_states_free(struct finding_states *s);
void finding_states_bound(struct finding_states *s,
			  const unsigned bounds[STATE_KINDS]);
/* Makes memory agree with the store. */
enum err finding_states_reload(struct finding_states *s) MUST_CHECK;
/* What changed, into the transaction that is open. */
enum err finding_states_keep(struct finding_states *s) MUST_CHECK;

/* A site has so many lanes; the one silent longest goes with all of it.
 * ERR_LIMIT: there are too many sites. */
enum err finding_states_place(struct finding_states *s, const char *lane,
			      const char *site, const char *owner, uint64_t t,
			      struct state_place **out) MUST_CHECK;
const struct state_place *finding_states_place_of(struct finding_states *s,
						  uint32_t id);

/* NULL: there is none. */
struct state *finding_states_find(struct finding_states *s,
				  struct state_place *p,
				  const struct state_key *key);
/* Made when there is none; touched.  NULL: no memory. */
struct state *finding_states_get(struct finding_states *s,
				 struct state_place *p,
				 const struct state_key *key, uint64_t t,
				 const struct marking *mark);
/* It changed, and is to be kept. */
void finding_states_changed(struct finding_states *s, struct state *st);
/* It is worth more than those that came by once. */
void finding_states_settle(struct state *st);
/* Notes a place in a list of them. */
void finding_sites_add(struct state_sites *sites, uint32_t place);

struct finding_states_count {
	uint64_t n[STATE_KINDS], evicted[STATE_KINDS], places;
};
void finding_states_count(const struct finding_states *s,
			  struct finding_states_count *out);

#endif
