/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correlate_state.h - what the parts of correlate share
 *
 * correlate_flood.c counts alerts by time; correlate_run.c keeps runs, their
 * sites and links; correlate_incident.c ties them together; correlate_split.c
 * takes them apart again and holds them so; correlate_mute.c keeps keys that are
 * muted; correlate_refute.c takes indicators back; correlate_load.c puts back what a store kept; correlate.c takes
 * sightings in and hands changes out.
 *
 * Place    correlate's own: included by correlate*.c only.
 * Threads  one.
 * Memory   the heap; ERR_NOMEM anywhere leaves the correlator to be thrown
 *          away.
 * Cost     a step of correlate_add() is by the runs of one key and by their
 *          links, never by all runs.
 */
#ifndef COLLECTOR_CORRELATE_STATE_H
#define COLLECTOR_CORRELATE_STATE_H

#include "collector/correlate_case.h"

#define CORRELATE_MUTE_BUCKETS 1024

/* A key that is muted. */
struct mute {
	struct mute *next;
	uint64_t hash;
	uint64_t alerts; /* that showed it, since they were last told */
	char exercise[SIGHTING_NAME_CAP];
	enum key_kind kind;
	char key[]; /* NUL-terminated */
};

/* Of two incidents that became one. */
struct incident_pair {
	int64_t from, into;
};

/* Why a run qualifies. */
enum correlate_rule { RULE_SHARED, RULE_STAGES, RULE_FLOOD, CORRELATE_RULES };

struct correlate {
	struct correlate_config cfg;
	struct run **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_runs, n_links, n_incidents;
	uint64_t next_id;
	uint64_t now_us; /* correlate_clock() */
	struct run *dirty;
	struct incident *incidents; /* newest first */
	struct incident_pair *merged;
	size_t n_merged, cap_merged;
	uint64_t *gone;
	size_t n_gone, cap_gone;
	uint64_t evicted, links_refused;
	uint64_t opened[CORRELATE_RULES];
	struct mark_set *marks;
	struct mute *mutes[CORRELATE_MUTE_BUCKETS];
	size_t n_mutes;
	bool doubts; /* some run is, or was, doubted */
	/* Runs by id, only while loading. */
	struct run **by_id;
	size_t n_by_id, cap_by_id;
	struct run *last_loaded;
	bool loading;
};

/* Of a key in its lane; what runs and mutes are found by.  An indicator's is the
 * same in all lanes. */
uint64_t correlate_key_hash(const char *exercise, enum key_kind kind,
			    const char *key);

/* 'r', and its incident unless it is muted, go out with the next flush. */
void correlate_mark_dirty(struct correlate *c, struct run *r);

/*
 * A run that is hashed and counted, with no time, site or link yet; NULL when
 * out of memory.  correlate_run_drop() takes one that nobody needs out of
 * every structure; correlate_run_free() ends one that is in none.
 */
struct run *correlate_run_new(struct correlate *c, uint64_t id,
			      const char *exercise, enum key_kind kind,
			      const char *key);
void correlate_run_drop(struct correlate *c, struct run *r);
void correlate_run_free(struct run *r);

/*
 * The run that a sighting of one key belongs to; opened when there is none,
 * and made one when the sighting bridges several.
 */
enum err correlate_run_at(struct correlate *c, const struct sighting_set *s,
			  const struct sighting_key *k,
			  struct run **out) MUST_CHECK;

/* Adds the counts of 'from' (copied) to the site of that name and owner. */
enum err correlate_add_site(struct correlate *c, struct run *r,
			    const struct run_site *from) MUST_CHECK;

/* Notes that 'alert' showed both ('told': an indicator raised it), and joins
 * them when that ties them.  A link
 * more than there is room for is counted and left out. */
enum err correlate_add_link(struct correlate *c, struct run *a, struct run *b,
			    int64_t alert, bool told) MUST_CHECK;

/* Notes that an analyst put both together: a tie that no rule can end.  'alert'
 * showed both before; 0: none did; 'told' as above. */
enum err correlate_add_hand(struct correlate *c, struct run *a, struct run *b,
			    int64_t alert, bool told) MUST_CHECK;

/* Joins 'r' with all that its links tie it to, those of the oldest run first:
 * of two incidents that are held apart it is the same one each time. */
enum err correlate_join_links(struct correlate *c, struct run *r) MUST_CHECK;

/* Whether 'a' and 'b' belong together when linked; and whether they do by the
 * link 'l' of 'a', which may be an alert's that does not count. */
bool correlate_ties(const struct run *a, const struct run *b);
bool correlate_link_ties(const struct run *a, const struct run_link *l);
/* Whether an indicator in force was seen with both. */
bool correlate_vouched_link(const struct run *a, const struct run *b);
/* What an alert showed of these runs may vouch for others that are doubted. */
enum err correlate_vouch(struct correlate *c, struct run *const *runs,
			 unsigned n) MUST_CHECK;
/* The link of 'a' to 'b'; NULL: none. */
struct run_link *correlate_find_link(struct run *a, const struct run *b);

/* An incident with 'r' as its only member, without an id; NULL when out of
 * memory. */
struct incident *correlate_incident_new(struct correlate *c, struct run *r);

/*
 * Makes one incident of those of 'a' and 'b'.  The smaller is moved into the
 * larger, so that a run moves at most log2(max_runs) times; the lower id (the
 * one opened first) stays.
 */
enum err correlate_join(struct correlate *c, struct run *a,
			struct run *b) MUST_CHECK;

/* The same though they are held apart, which ends. */
enum err correlate_join_by_hand(struct correlate *c, struct run *a,
				struct run *b) MUST_CHECK;

/* Whether two incidents are held apart; notes that they are; forgets that
 * 'i' is held apart from any. */
bool correlate_is_apart(const struct incident *i, const struct incident *j);
enum err correlate_hold_apart(struct incident *i,
			      struct incident *j) MUST_CHECK;
void correlate_forget_apart(struct incident *i);

/* Moves 'r' from its incident into 'to'. */
void correlate_move(struct correlate *c, struct run *r, struct incident *to);

/* The mute of a key; NULL: it is not muted. */
struct mute *correlate_mute_find(const struct correlate *c, uint64_t hash,
				 const char *exercise, enum key_kind kind,
				 const char *key);
void correlate_mutes_free(struct correlate *c);
/* Takes 'i' apart where it only held together by runs that are muted, or what
 * they told, from now on; 'part' of each run is what it was connected with before
 * (correlate_connect). */
enum err correlate_loosen(struct correlate *c, struct incident *i) MUST_CHECK;
/* Numbers the parts of 'i' that are connected by ties and by analysts' words;
 * the highest number.  0: out of memory. */
unsigned correlate_connect(struct incident *i);

/* Takes 'r' out of its incident, which ends with its last member. */
void correlate_leave(struct correlate *c, struct run *r);

/* Counts 's' for the floods of its runs, and that of 'b' to those of 'a',
 * which is the same key. */
void correlate_flood_add(const struct correlate *c, struct run *const *runs,
			 unsigned n, const struct sighting_set *s);
void correlate_flood_merge(const struct correlate *c, struct run *a,
			   const struct run *b);

/* By which rule 'r' qualifies; CORRELATE_RULES: by none. */
enum correlate_rule correlate_rule_of(const struct correlate *c,
				      const struct run *r);

/*
 * Of a run that is doubted: whether what was seen of it at 's' counts; its
 * stages that count; whether its flood does.  'steps' is what may be spent on
 * the first, so that one address with thousands of sites and indicators costs no
 * more than others; what is beyond counts.
 */
#define CORRELATE_DOUBT_STEPS 4096
bool correlate_vouched(const struct run *r, const struct run_site *s,
		       unsigned *steps);
void correlate_vouched_stages(const struct run *r, struct stage_times *out);
bool correlate_vouched_flood(const struct correlate *c, const struct run *r);
/* Looks whether 'r', which did not qualify so far, does now: '*did', and it has
 * an incident then. */
enum err correlate_qualify(struct correlate *c, struct run *r,
			   bool *did) MUST_CHECK;
/* The same, and ties it to its links if so. */
enum err correlate_requalify(struct correlate *c, struct run *r) MUST_CHECK;

#endif
