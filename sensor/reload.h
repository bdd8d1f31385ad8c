/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.h - new rules and indicators while packets flow
 *
 * A thread of its own reads the files anew beside the set that is in use.
 * When that worked, the replay takes the change between two rounds and every
 * worker goes over before the same frame; the former set is freed when its
 * last alert is written.  What does not load leaves the old set in use.
 *
 *   reload_request()       ->  the thread loads
 *   reload_take()          <-  the change, once it is ready
 *   worker_change_rules()      each worker exchanges its matcher
 *   reload_settled()           shared state goes over, between two rounds
 *   reload_done()          ->  the thread frees what was before
 *
 * Place    above rules/, log.h and retro; below replay.
 * Threads  reload_request(), reload_patterns() and reload_get_status() by any; reload_take(),
 *          reload_settled(), reload_done() and reload_rules() by the one that
 *          hands out rounds.
 * Memory   one set, and during a change two, which share what is the same.
 * Cost     reload_take() is one atomic load while there is nothing.
 */
#ifndef SENSOR_RELOAD_H
#define SENSOR_RELOAD_H

#include "rules/rule_match.h"
#include "sensor/retro.h"

struct reload;

struct reload_settings {
	const struct conf *conf; /* lives as long as the reload */
	const char *const *rules; /* globs, evaluated with each load */
	size_t n_rules;
	const char *const *indicators;
	size_t n_indicators;
	unsigned n_workers;
	bool strict; /* one refused rule refuses the set */
	bool profile; /* count and time the rules */
	struct shared_state *shared; /* or NULL; lives as long as the reload */
	struct ioc_live *live; /* likewise: armed indicators */
	bool live_files; /* among them digests of files */
	struct pattern_list *armed; /* likewise: armed patterns */
	/* Asked for each indicator that comes into force; or NULL.  As long. */
	struct retro *retro;
};

/* From one set to the next. */
struct reload_change {
	struct ruleset *rules;
	struct shared_next *shared; /* NULL: nothing is shared */
	uint64_t version; /* see reload_request() */
	uint64_t
		since_us; /* of the first armed pattern that it brings; 0: none */
	bool asked_for; /* by more than patterns */
	unsigned n;
	/* One a worker: the new one, and when exchanged the former one. */
	struct rule_matcher *matcher[];
};

struct reload_status {
	uint64_t done, failed; /* reloads since the start */
	bool ready; /* a change waits to be taken, or is being taken */
	bool patterns_wait; /* those that are armed are not all in a set yet */
	uint32_t patterns; /* armed ones in the set in use */
	uint64_t patterns_us; /* from the first change to the set with it, of
			       * the latest; and the most so far */
	uint64_t patterns_most_us;
	uint64_t patterns_reloads; /* of 'done', for patterns alone */
	uint32_t loaded, refused, skipped, indicators; /* of the set in use */
	char digest[72];
	uint64_t version; /* of the control document it came from; 0: none */
	uint64_t last_us; /* wall clock when the set in use was loaded */
	char error[256]; /* why the latest reload failed; "": it did not */
};

/* Starts the thread.  'first' belongs to the reload from now on, also when
 * this fails. */
enum err reload_start(struct reload **out, const struct reload_settings *s,
		      struct ruleset *first, struct diag *d) MUST_CHECK;
/* Waits for a load that is under way.  Workers must have ended. */
void reload_free(struct reload *r);

/* Asks for a reload; one that runs is followed by another.  'why' (static)
 * goes to the log; 'version' is that of a control document, or 0. */
void reload_request(struct reload *r, const char *why, uint64_t version);
/*
 * The list of armed patterns is another: a reload takes it in, at once or when
 * the last such one has rested (RELOAD_PATTERNS_US, four times as long as it
 * took, or RELOAD_AGAIN_US after one that failed), so that any number of
 * changes costs few.  Any other reload takes it in too.
 */
#define RELOAD_PATTERNS_US UINT64_C(1500000)
#define RELOAD_AGAIN_US UINT64_C(30000000)
void reload_patterns(struct reload *r);

/* Whether the index was asked for all of the first set. */
bool reload_has_asked(struct reload *r);

/* The change that is ready, once; NULL when there is none or 'r' is NULL. */
struct reload_change *reload_take(struct reload *r);
/* The former set's claims are settled; the next ones are of the new set. */
void reload_settled(struct reload *r, struct reload_change *c);
/* All workers went over and no alert of the former set is on its way. */
void reload_done(struct reload *r, struct reload_change *c);

/*
 * Warns of what 'rs' refused: how many, and the first of them with file, line
 * and reason.  Nothing when all was taken; 'when' opens each line.
 */
void reload_say_refused(const struct ruleset *rs, const char *when);

/* The set that is in use. */
const struct ruleset *reload_rules(const struct reload *r);
void reload_get_status(struct reload *r, struct reload_status *out);

#endif
