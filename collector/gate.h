/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - the hygiene gate: whether a new indicator may be armed at once
 *
 * An indicator is held for an analyst, with the reason, when it is too wide or
 * too short to mean one adversary, ours, on a list of shared things, a pattern
 * that nobody can try here, or when the last days say that it would have raised
 * too much.  What sensors saw besides, which raised nothing, they tell when they
 * are armed with it: then gate_flood() says whether it has to be taken back.
 *
 * Place    above allow_list, gate_history and mission; below common_set.
 * Threads  one.
 * Memory   its lists, the history, a copy of the map's networks.
 * Cost     a few microseconds an indicator.
 */
#ifndef COLLECTOR_GATE_H
#define COLLECTOR_GATE_H

#include "collector/allow_list.h"
#include "collector/gate_history.h"
#include "collector/indicator_store.h"
#include "collector/mission.h"

struct gate_config {
	bool on;
	unsigned days; /* of history */
	uint64_t max_alerts, max_hosts, max_sites; /* more are too much */
	unsigned min_name; /* characters of a domain */
	bool patterns; /* let through */
};
extern const struct gate_config gate_defaults;

struct gate;

/* Takes the lists over, whatever comes of it.  'db' is the caller's; 'map'
 * is not kept.  ERR_NOMEM with diag. */
enum err gate_new(struct gate **out, const struct gate_config *cfg,
		  struct allow_lists *lists, const struct mission_map *map,
		  sqlite3 *db, struct diag *d) MUST_CHECK;
void gate_free(struct gate *g);
/* Other lists, taken over, in place of those that it had, which are the
 * caller's now. */
struct allow_lists *gate_use_lists(struct gate *g,
				   struct allow_lists *lists) MUST_CHECK;

/* Reads history for about 'budget_us'; '*ready' when indicators may pass. */
enum err gate_turn(struct gate *g, uint64_t now_us, uint64_t budget_us,
		   bool *ready) MUST_CHECK;

/* The allow list that has it, or NULL: what is armed is held by it only as far
 * as incidents go (indicator_word.h). */
const char *gate_allow_list(const struct gate *g, enum indicator_kind kind,
			    const char *value);

/* As indicator_gate.pass; 'arg' is the gate. */
bool gate_pass(void *arg, const struct indicator *i,
	       char reason[INDICATOR_REASON_CAP]);

/* What a sensor of 'site' saw of an indicator before it was armed with it: hosts
 * of ours in a week, as in host_bits.h, the last at 'last_us'.  True: armed, it
 * would flood, and 'reason' says so.  What was last seen before the days of the
 * history does not: it is over. */
bool gate_flood(const struct gate *g, uint32_t hosts, struct view site,
		uint64_t last_us, uint64_t now_us,
		char reason[INDICATOR_REASON_CAP]);

#endif
