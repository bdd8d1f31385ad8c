/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_state.h - what the files of the pipeline share
 *
 * Internal header: included by pipeline*.c only.
 *
 * Place    within pipeline.
 * Threads  as pipeline.h.
 */
#ifndef COLLECTOR_PIPELINE_STATE_H
#define COLLECTOR_PIPELINE_STATE_H

#include "collector/allow_reader.h"
#include "collector/assess.h"
#include "collector/common_set.h"
#include "collector/dedupe.h"
#include "collector/enrich.h"
#include "collector/feed.h"
#include "collector/finding_run.h"
#include "collector/health.h"
#include "collector/ingest.h"
#include "collector/pipeline.h"
#include "collector/pipeline_case.h"
#include "collector/pipeline_exchange.h"
#include "collector/pipeline_exercise.h"
#include "collector/pipeline_part.h"
#include "collector/pipeline_posture.h"
#include "collector/pipeline_warn.h"
#include "collector/prepare.h"
#include "collector/sighting.h"
#include "collector/spelling.h"
#include "collector/store.h"
#include "collector/store_blind.h"
#include "collector/store_consult.h"
#include "collector/store_epoch.h"
#include "collector/store_ledger.h"
#include "collector/store_signed.h"
#include "collector/taps.h"
#include "common/eve.h"
#include "common/exercise.h"

#define BAD_SLOTS 256
/* Entries of one transaction. */
#define PIPELINE_ENTRIES (4 * INGEST_MAX_ENTRIES)
#define PIPELINE_ID_CAP 48 /* two numbers of 64 bits and a dash */

/* Frames that keep coming broken; a small table, overwritten when it fills. */
struct bad_frame {
	int64_t sensor;
	uint64_t epoch, seq;
	unsigned tries;
};

/* What the entries of one stream add to its sensor in this transaction. */
struct pipeline_tally {
	int64_t sensor; /* 0: not looked up yet */
	bool touched;
	bool new_epoch; /* in this transaction */
	struct store_tally sum;
	char owner[SIGHTING_NAME_CAP];
};

/* What is known of the signatures of a stream's sensor. */
struct pipeline_trust {
	bool known; /* looked up */
	uint64_t epoch; /* the newest that it signed; 0: none */
	char key[KEYRING_ID_TEXT]; /* its last */
	/* Its newest presence: signed, and when that first came (monotonic). */
	bool presence_known;
	uint64_t presence_epoch, presence_order, presence_us;
	uint64_t told_us[PIPELINE_CAUSES], untold[PIPELINE_CAUSES];
};

/* An entry that is in the transaction, by what acknowledges it. */
struct pipeline_taken {
	unsigned stream;
	char id[PIPELINE_ID_CAP];
};

struct pipeline {
	struct pipeline_config cfg;
	struct ingest *ingest;
	struct prepare *prepare;
	struct eve *eve; /* for lines that were not read ahead */
	struct dedupe *dedupe;
	struct enrich *enrich;
	struct sighting_batch *sightings;
	struct correlate *correlate;
	struct correlate_stats counted; /* of it, in the store */
	struct assessment assessment;
	struct store *store;
	struct store_ledger *ledger;
	struct store_signed *signers;
	struct taps *taps;
	struct health *health;
	struct common_set *common;
	struct allow_reader *allow; /* NULL: no lists are named */
	bool indicators_stuck; /* its last turn failed */
	struct feed *feed;
	struct pipeline_posture *posture;
	struct pipeline_exercise *exercises;
	struct pipeline_exchange *exchange;
	struct pipeline_warn warn;
	struct finder *finder;
	struct json_reader contacts; /* lines of them */
	struct pipeline_cases cases;
	struct pipeline_part part;
	struct bad_frame bad[BAD_SLOTS];
	struct pipeline_taken taken[PIPELINE_ENTRIES];
	size_t n_taken;
	bool trimmed[INGEST_MAX_STREAMS];
	struct pipeline_tally tallies[INGEST_MAX_STREAMS];
	unsigned touched[INGEST_MAX_STREAMS], n_touched;
	struct pipeline_trust trust[INGEST_MAX_STREAMS];
	uint64_t told_since_us;
	unsigned told; /* words on what was refused, since then */
	struct pipeline_stats stats,
		committed; /* with and without this batch */
	struct sighting_set set;
	uint64_t now_us; /* wall clock of this batch */
	bool weigh_anew; /* whether incidents are worth a consultation now */
	bool broker_up;
	bool broker_told; /* that it answers, once */
	bool refusal_told; /* since it was last up */
	bool sensors_unseen; /* the last look at them failed */
	uint64_t consulted_us; /* the last look at consultations (monotonic) */
	bool consult_failed; /* and it failed */
	/* Words on them that found no room: since the start, when that was last
	 * said and how many there had been; and until when no two are looked
	 * for that are one (monotonic). */
	uint64_t consult_unsaid, unsaid_us, unsaid_told, join_us;
};

/*
 * pipeline_commit.c: takes these entries and what comes at once behind them,
 * up to their commit; after an error the transaction is open.
 */
enum err pipeline_take(struct pipeline *p, const struct ingest_entry *entries,
		       size_t n, bool *renewed, struct diag *d) MUST_CHECK;
/* What follows from all that was taken in, up to the commit. */
enum err pipeline_conclude(struct pipeline *p) MUST_CHECK;
/* It is on the disk: acknowledge, publish, trim.  What fails here is delivered
 * again and refused as a repeat. */
enum err pipeline_acknowledge(struct pipeline *p, struct diag *d) MUST_CHECK;

/* pipeline_indicators.c: opens the common set; and one slice of it, between
 * two transactions.  An error is the feed's; the set's own is told and tried
 * again. */
/* The allow lists are read again, beside it; while that fails the former ones
 * stay. */
void pipeline_indicators_reload(struct pipeline *p);
enum err pipeline_indicators_open(struct pipeline *p,
				  struct diag *d) MUST_CHECK;
enum err pipeline_indicators_turn(struct pipeline *p,
				  struct diag *d) MUST_CHECK;
/* An alert that tells of the past: its indicator is taken back when so many
 * hosts of ours used it that it would flood; in the alert's transaction, before
 * its sighting. */
enum err pipeline_gate_past(struct pipeline *p,
			    const struct alert *a) MUST_CHECK;

/* pipeline_frame.c: one entry into the store and the sightings. */
enum err pipeline_take_entry(struct pipeline *p,
			     const struct ingest_entry *entry,
			     struct prepared *ready) MUST_CHECK;
/* An alert, number 'id', into the batch's sightings. */
enum err pipeline_sight_alert(struct pipeline *p, const struct alert *a,
			      int64_t id,
			      const struct taps_view *seen) MUST_CHECK;
/* pipeline_epoch.c: makes sure that memory knows what arrived of the entry's
 * epoch.  '*forgotten': nobody knows it any more. */
enum err pipeline_know_epoch(struct pipeline *p, struct pipeline_tally *t,
			     uint64_t epoch, bool *forgotten) MUST_CHECK;
/* What is beyond the bound of each sensor that began an epoch goes; the marks
 * of this transaction are kept already, the tallies not yet. */
enum err pipeline_trim_epochs(struct pipeline *p) MUST_CHECK;
/* What the entries since the last call added to their sensors, to the store. */
enum err pipeline_keep_tallies(struct pipeline *p) MUST_CHECK;
/* The transaction is given up: what was summed counts for nothing, and ids of
 * sensors may be gone. */
void pipeline_forget_tallies(struct pipeline *p);

/*
 * pipeline_trust.c: whether a batch or gap with a good header is let in, and
 * then memory knows its epoch.  '*cause' becomes CAUSE_NONE when it is.
 */
enum err pipeline_admit(struct pipeline *p, unsigned stream,
			struct pipeline_tally *t, const struct prepared *ready,
			enum pipeline_cause *cause) MUST_CHECK;
/* As health_parts.judge; 'arg' is the pipeline. */
enum err pipeline_judge_presence(void *arg, unsigned stream, int64_t sensor,
				 struct ingest_presence *presence,
				 char key[KEYRING_ID_TEXT],
				 enum health_belief *out) MUST_CHECK;
/* The text of a committed point, signed if we have a key.  ERR_NOMEM. */
enum err pipeline_publish(struct pipeline *p, const char *site,
			  const char *sensor, uint64_t epoch,
			  uint64_t seq) MUST_CHECK;
/* Reads the keys again; those that we have stay when that fails. */
void pipeline_reload_keys(struct pipeline *p);
/* Counts 'n' refused, by sensor and cause, and tells it now and then. */
enum err pipeline_count_refused(struct pipeline *p, unsigned stream,
				int64_t sensor, enum pipeline_cause cause,
				uint64_t n, const char *what) MUST_CHECK;
/* The transaction is given up: it is looked up again. */
void pipeline_forget_trust(struct pipeline *p);

/* pipeline.c: a transaction failed: it is rolled back, and all that memory
 * knows read again.  ERR_IO: that failed as well. */
enum err pipeline_recover(struct pipeline *p, struct diag *d) MUST_CHECK;
/* pipeline.c: makes memory agree with the disk, with the settings of now. */
enum err pipeline_reload(struct pipeline *p) MUST_CHECK;

/* pipeline_finding.c: a line of contacts, whose origin is 'a', to findings;
 * false in '*good': it is malformed, and counts as such. */
enum err pipeline_contacts(struct pipeline *p, const struct alert *a,
			   struct view line, bool *good) MUST_CHECK;
/* A sighting on its way to the correlator, now or with the batch. */
enum err pipeline_sight(struct pipeline *p,
			const struct sighting_set *s) MUST_CHECK;

/* pipeline_incident.c: the batch's sightings into runs, then incidents. */
enum err pipeline_correlate(struct pipeline *p) MUST_CHECK;
/* Writes down which correlators hold; and that one found something. */
enum err pipeline_correlators_declare(struct pipeline *p) MUST_CHECK;
enum err pipeline_correlator_found(struct pipeline *p, const char *kind,
				   uint64_t n) MUST_CHECK;
enum err pipeline_incidents(struct pipeline *p) MUST_CHECK;
/* What it is now into p->assessment, and '*was' it is kept as. */
enum err pipeline_assess(struct pipeline *p, const struct incident *i,
			 struct store_incident_kept *was) MUST_CHECK;

/* pipeline_taps.c: events that turn out to be one, once clocks are known; within
 * the transaction, before pipeline_incidents(). */
enum err pipeline_rejoin(struct pipeline *p) MUST_CHECK;
/* What is left to be looked at again, while no batch comes: in a transaction of
 * its own.  An error is the feed's, or of a store that cannot be read again. */
enum err pipeline_taps_turn(struct pipeline *p, struct diag *d) MUST_CHECK;

/*
 * pipeline_consult.c: what follows for the consultation of an incident that was
 * just assessed; 'level' is that of its situation, or its own.
 */
enum err pipeline_consult(struct pipeline *p, int64_t incident,
			  unsigned level) MUST_CHECK;
/* An incident is part of another now; so are their consultations. */
enum err pipeline_consult_merged(struct pipeline *p, int64_t from,
				 int64_t into) MUST_CHECK;
/* Deadlines that passed, and what the feed was not told: in transactions of its
 * own, once a second or 'now'. */
void pipeline_consult_turn(struct pipeline *p, bool now);

#endif
