/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline.h - root of the collector: ingest to store, then acknowledge
 *
 * The only place that knows the order of the stages.
 *
 * Place    above every stage, below main.
 * Threads  one writer.
 * Memory   as the stages.
 */
#ifndef COLLECTOR_PIPELINE_H
#define COLLECTOR_PIPELINE_H

#include <signal.h>

#include "collector/blind.h"
#include "collector/common_set.h"
#include "collector/consult_rule.h"
#include "collector/correlate.h"
#include "collector/correlator_file.h"
#include "collector/exchange_conf.h"
#include "collector/finding_run.h"
#include "collector/keyring.h"
#include "collector/mission.h"
#include "collector/part.h"
#include "collector/posture_file.h"
#include "collector/store.h"
#include "collector/taps.h"
#include "common/err.h"
#include "common/redis_options.h"

#define PIPELINE_MAX_SETTINGS 8

/* Telling all sites what one of them learnt; zeroed: nothing is. */
struct pipeline_warning {
	bool on;
	unsigned level; /* of incidents, at least */
	uint64_t valid_us; /* that an indicator stays armed */
};

struct pipeline_config {
	struct redis_options redis;
	const char *store, *feed, *consumer; /* 'feed' may be NULL */
	bool outputs; /* what is no alert is kept for outputs */
	struct store_limits limits;
	const char *const *geoip;
	unsigned n_geoip;
	const struct mission_map *missions;
	unsigned threads; /* that prepare batches; 0: none but our own */
	/* NULL: signatures are not looked at.  The pipeline's from
	 * pipeline_open() on, whatever comes of that. */
	struct keyring *keys;
	/* Reads the keys anew when 'rotate' is set; ERR_OK with another
	 * keyring, or diag that says why the former one stays.  Or NULL. */
	enum err (*read_keys)(void *arg, struct keyring **out, struct diag *d);
	void *read_keys_arg;
	const char *settings[PIPELINE_MAX_SETTINGS]; /* files; NULL: no more */
	struct correlate_config correlate;
	size_t max_observations; /* of taps.h; 0: as many as are usual */
	struct finding_config finding; /* at the opening */
	struct correlator_lines correlators; /* where they are declared */
	const char *correlators_file; /* NULL: none */
	struct blind_config blind;
	struct common_set_config common;
	const char *const *allow; /* lists for the gate */
	unsigned n_allow;
	const char *const *files; /* of indicators, read when they change */
	unsigned n_files;
	struct consult_config consult;
	struct pipeline_warning warn;
	const struct exchange_conf *exchange; /* NULL: with nobody */
	/* With SIGHUP: the same by settings and files of now, which stays until
	 * the next; or NULL. */
	enum err (*read_exchange)(void *arg, const struct exchange_conf **out,
				  struct diag *d);
	void *read_exchange_arg;
	/* The levels of readiness that may be ordered. */
	const struct posture_levels *postures;
	/* One of several, or their head; the keys are the pipeline's from
	 * pipeline_open() on, as 'keys'. */
	struct part_config parts;
	/* Signs what sensors are told; NULL: nothing is.  The pipeline's from
	 * pipeline_open() on, as 'keys'. */
	struct sign_key *control_key;
	uint64_t until_idle_us; /* 0: until told to stop */
	/* Told which indicators a sensor runs, as its presence has it; or NULL */
	void (*armed)(void *arg, const char *version);
	void *armed_arg;
	/* Whether the store is ours still (lease.h); NULL: it is. */
	bool (*held)(void *arg);
	void *held_arg;
	/* Another collector had it until now, by the same map: incidents are
	 * not all assessed anew. */
	bool took_over;
	void (*turn)(void *arg); /* each time round the loop; or NULL */
	void *turn_arg;
};

/* Why a batch, or a line of one, is refused. */
enum pipeline_cause {
	CAUSE_NONE,
	CAUSE_UNSIGNED,
	CAUSE_MALFORMED,
	CAUSE_UNKNOWN_KEY,
	CAUSE_REVOKED_KEY,
	CAUSE_EXPIRED_KEY,
	CAUSE_FOREIGN, /* the key is another sensor's */
	CAUSE_FORGED,
	CAUSE_REPLAYED,
	CAUSE_HEADER,
	CAUSE_BODY,
	CAUSE_FOREIGN_LINE, /* of another sensor, in a batch that is good */
	CAUSE_FORGOTTEN, /* of an epoch of which nothing is known any more */
	CAUSE_PRESENCE, /* and on: a presence, the causes from CAUSE_UNSIGNED */
	PIPELINE_CAUSES = CAUSE_PRESENCE + CAUSE_HEADER - CAUSE_UNSIGNED
};
/* As it stands in the store, the feed and the metrics; not of CAUSE_NONE. */
const char *pipeline_cause_name(enum pipeline_cause c);

struct part_in;
struct part_out;

struct pipeline_stats {
	uint64_t frames, alerts, other_events, bytes;
	uint64_t frames_refused, frames_repeated, lines_refused;
	uint64_t gaps, frames_lost, frames_abandoned;
	uint64_t entries_oversize;
	uint64_t refused[PIPELINE_CAUSES];
	uint64_t epochs_fetched; /* forgotten in memory, and read again */
	uint64_t keys_reloads, keys_failed;
	uint64_t commits, incidents_opened, incidents_merged;
	/* given to all; held by the gate; not given: too many of one site */
	uint64_t warnings, warnings_held, warnings_refused;
	uint64_t contacts; /* lines of them */
	uint64_t findings[FINDING_KINDS], findings_forgotten;
	uint64_t busy_us; /* time spent between a read and its commit */
};

/* What is so just now, not since the start. */
struct pipeline_facts {
	bool broker_up;
	unsigned sensors, sensors_silent;
	uint64_t sensors_left_out; /* too many */
	struct correlate_stats correlate;
	struct taps_stats taps; /* since the start */
	uint64_t exchange_turn_us; /* the longest that partners were given */
	struct finder_stats finder;
	const char *store; /* its file */
	/* One of several; of one collector alone both are NULL. */
	const struct part_out *part_out;
	const struct part_in *part_in;
	uint64_t epochs_forgotten; /* in memory, since the start */
	const uint64_t *redis_troubles; /* since the start, by kind */
	unsigned posture_number; /* of the level that holds for all */
	/* Sensors that run, and those of them that do not obey it yet. */
	unsigned posture_sensors, posture_behind;
};

struct pipeline;

enum err pipeline_open(struct pipeline **out, const struct pipeline_config *cfg,
		       struct diag *d) MUST_CHECK;
void pipeline_close(struct pipeline *p);

/*
 * Runs until '*stop' is set, or the streams were empty for until_idle_us.
 * A broker that goes away is waited for; with until_idle_us, for at most ten
 * seconds more than that.  When '*report' is set it is cleared and a line of
 * statistics logged; when '*rotate' is, it is cleared, the feed reopened and the
 * keys are read again.  ERR_CLOSED with diag: the store is not ours any more;
 * nothing of the last transaction is kept or told.
 */
enum err pipeline_run(struct pipeline *p, volatile sig_atomic_t *stop,
		      volatile sig_atomic_t *report,
		      volatile sig_atomic_t *rotate, struct diag *d) MUST_CHECK;
void pipeline_stats(const struct pipeline *p, struct pipeline_stats *out);
/* Of the common set. */
void pipeline_common(const struct pipeline *p, struct common_set_stats *out);
void pipeline_facts(const struct pipeline *p, struct pipeline_facts *out);

#endif
