/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correlate.h - sightings to incidents
 *
 * Terms.  A *run* is one key of one exercise (or of none) over a time in which
 * it was never silent for longer than the window.  Two runs are *linked* when
 * one strong alert showed both.  A run *qualifies* when
 *
 *   - it is an indicator, an address of the other side, a domain or a
 *     certificate, and was seen at min_sites sites or by min_owners owners, of
 *     which one at least is no partner's collector (sighting_is_told()); or
 *   - it is one of these, or a host of ours, and min_stages distinct ATT&CK
 *     tactics in order went along with it; or
 *   - it is one of the former, or a rule, and raised a flood of alerts.
 *
 * What analysts change (keys that are muted, incidents that are parted or put
 * together) is in correlate_case.h.
 *
 * An incident is a set of runs: two linked runs belong together when one
 * qualifies and the other either qualifies too or is of the kinds that an
 * adversary owns.  A host of ours that does not qualify ties nothing
 * together (a busy mail server would join all of its attackers).
 *
 * A rule ties nothing together; its floods count only where no flood of
 * something else explains them, and link it to the hosts of ours it befell.
 *
 * All of these only ever grow and none asks for order, so sightings may arrive
 * in any order between sensors and give the same incidents.  Floods are the
 * exception: what comes later than two of their pieces of time counts for none.
 * So are indicators that turn out to be wrong (correlate_case.h).
 *
 * Place    after sighting, before severity; never calls either.
 * Threads  one correlator, one thread.
 * Memory   at most max_runs runs and max_links links; the runs that were
 *          silent longest make room, those first of which only partners told,
 *          and those of open incidents last.
 * Cost     about 1 us a key of a set of sightings.
 */
#ifndef COLLECTOR_CORRELATE_H
#define COLLECTOR_CORRELATE_H

#include "collector/sighting.h"
#include "common/err.h"

struct correlate_config {
	uint64_t window_us; /* silence that ends a run */
	uint64_t slack_us; /* by which sensors' clocks may differ */
	/* Which of the rules above hold; what an incident is made of stays one
	 * when a rule is switched off. */
	bool shared, stages, flood;
	unsigned min_sites, min_owners, min_stages;
	/* Alerts worth an incident within such a piece of time that are a
	 * flood: of one key that ties, and of one rule. */
	unsigned flood_seconds, flood_alerts, flood_rule_alerts;
	/* Whether, and by how many seconds at most from an incident's alerts, a
	 * sensor that goes blind makes it worse (silence.h). */
	bool silence;
	unsigned silence_seconds;
	size_t max_runs, max_links;
};
/* 24 h, 2 s, all, 2, 2, 3, 3600, 10,000, 100,000, all, 900, 200,000, 400,000 */
extern const struct correlate_config correlate_defaults;

struct correlate;
struct run;
struct incident;

/* A run at one site of one owner. */
struct run_site {
	char site[SIGHTING_NAME_CAP], owner[SIGHTING_NAME_CAP];
	uint64_t first_us, last_us, count;
	uint64_t strong; /* of 'count', those worth an incident */
	uint64_t told; /* of 'strong', those that an indicator raised */
	const struct marking *mark; /* that it was seen there; NULL: none */
	uint64_t events; /* of 'strong', those of which no other tap told */
	/* Of 'count', those that our sensors found in what they had seen before
	 * they had the indicator. */
	uint64_t past;
	struct run_site *next;
};

struct run_link {
	struct run *other;
	int64_t alert; /* the first that showed both; evidence */
	bool is_new; /* not yet handed out by flush */
	bool by_hand; /* an analyst put them together: it ties by itself */
	bool told; /* only alerts that an indicator raised showed both */
	struct run_link *next;
};

/* Alerts in a piece of time, which began at 'at' (us), the newest there was;
 * and in the one before. */
struct run_flood {
	uint64_t at, n, before;
};

/* Read only outside of correlate. */
struct run {
	uint64_t id; /* stable; 0 is none */
	char exercise[SIGHTING_NAME_CAP];
	enum key_kind kind;
	uint64_t first_us, last_us;
	uint8_t severity, confidence;
	uint8_t what; /* of an indicator: enum indicator_kind, or more */
	bool flooded;
	struct run_flood flood;
	/* Joined over all that went in, those that no list has room for too:
	 * of what was said of the key, and of where it was seen. */
	const struct marking *said, *mark;
	struct stage_times *stages; /* NULL until it has one */
	struct stage_times *own; /* those that no indicator's alert told */
	struct run_site *sites;
	struct run_link *links;
	unsigned n_links;
	struct incident *incident; /* that it ties together; NULL */
	/* correlate's own */
	bool qualified, dirty, in_dirty_list;
	bool muted; /* correlate_case.h: it ties nothing just now */
	bool refuted; /* an indicator that is out of force: muted as well */
	bool doubted; /* linked to one: what that told counts no more */
	unsigned part; /* while an incident is taken apart */
	struct run *next_member, *next_hash, *next_dirty;
	uint64_t hash;
	char key[]; /* NUL-terminated */
};

struct incident {
	int64_t id; /* 0 until the caller gave it one */
	struct run *members;
	unsigned n_members;
	bool dirty;
	/* Memory has no longer all that it was assessed by: runs of it, or that
	 * they were seen with, made room or were not put back. */
	bool trimmed;
	bool lessened; /* taken apart since the last flush: it may be less bad */
	int64_t split_from; /* the one that it was part of; 0: none */
	/* Those that it is held apart from. */
	struct incident **apart;
	unsigned n_apart, cap_apart;
	struct incident *prev, *next;
};

struct correlate *correlate_new(const struct correlate_config *cfg);
void correlate_free(struct correlate *c);

/* Takes in a set; ERR_NOMEM leaves the correlator to be thrown away. */
enum err correlate_add(struct correlate *c,
		       const struct sighting_set *s) MUST_CHECK;

/*
 * The alert of 's' was counted as an event of its own and turned out to be part
 * of an older one: it counts as an alert only.  Nothing that ties an incident
 * together changes.
 */
void correlate_uncount(struct correlate *c, const struct sighting_set *s);

/*
 * What changed since the last call, in this order: merged (incident 'from' is
 * now part of 'into'; both have ids), then incident for each that is new or
 * changed (the callee gives a new one its id), then run for each run to be
 * kept, then gone for each run id that was absorbed by another.
 */
struct correlate_sink {
	void *arg;
	enum err (*merged)(void *arg, int64_t from, int64_t into);
	enum err (*incident)(void *arg, struct incident *i);
	enum err (*run)(void *arg, const struct run *r);
	enum err (*gone)(void *arg, uint64_t run_id);
};
enum err correlate_flush(struct correlate *c,
			 const struct correlate_sink *sink) MUST_CHECK;

/*
 * Puts back what flush handed out, at start: runs in order of id, then their
 * sites and links, then the incident of each run that has one in order of
 * incident, then the end.
 */
struct run *correlate_load_run(struct correlate *c, uint64_t id,
			       const char *exercise, enum key_kind kind,
			       const char *key, uint64_t first_us,
			       uint64_t last_us, uint8_t severity,
			       uint8_t confidence,
			       const struct stage_times *stages);
/* The markings of a loaded run, and the kind of its indicator. */
void correlate_load_marks(struct correlate *c, struct run *r, uint8_t what,
			  const struct marking *said,
			  const struct marking *mark);
/* What a loaded run knows by itself; whether its indicator is out of force, or
 * one that it was seen with. */
enum err correlate_load_own(struct correlate *c, struct run *r,
			    const struct stage_times *own, bool refuted,
			    bool doubted) MUST_CHECK;
/* What a loaded run counted of floods. */
void correlate_load_flood(struct run *r, bool flooded,
			  const struct run_flood *f);
/* The lasting copy of a marking, for a run_site to be loaded. */
const struct marking *correlate_keep_mark(struct correlate *c,
					  const struct marking *m);
struct run *correlate_find_run(struct correlate *c, uint64_t id);
enum err correlate_load_site(struct correlate *c, struct run *r,
			     const struct run_site *s) MUST_CHECK;
enum err correlate_load_link(struct correlate *c, struct run *a, struct run *b,
			     int64_t alert, bool by_hand, bool told) MUST_CHECK;
enum err correlate_load_incident(struct correlate *c, struct run *r,
				 int64_t id) MUST_CHECK;
/* The store has more of the incident of 'r' than was loaded, if it is of one;
 * 'r' may be NULL. */
void correlate_load_trimmed(struct run *r);
enum err correlate_load_end(struct correlate *c) MUST_CHECK;
/* No new run has an id below this one: the store may know more runs than were
 * loaded. */
void correlate_load_next(struct correlate *c, uint64_t id);

/* What time it is here (us): runs of a time more than CORRELATE_AHEAD_US from
 * now, which a clock that runs ahead made, are the first to make room, the
 * oldest of them first, and floods count such times as now.  0, as at first: nobody
 * knows. */
#define CORRELATE_AHEAD_US (UINT64_C(86400) * 1000000)
void correlate_clock(struct correlate *c, uint64_t now_us);

struct correlate_stats {
	size_t runs, links, incidents;
	uint64_t evicted, links_refused;
	size_t mutes; /* keys that are muted */
	/* Runs that began an incident, by the rule that let them. */
	uint64_t shared, stages, flood;
};
void correlate_stats(const struct correlate *c, struct correlate_stats *out);

#endif
