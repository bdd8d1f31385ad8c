/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consult.h - a consultation: what its log says, and what follows from it
 *
 * Owners that an incident touches ("sides") talk about it: each acknowledges
 * in time or is called again, one of them leads, the lead may be handed over,
 * and in the end the lead closes it.  All of this is a set of events.  A side
 * numbers its own events from 1, so (side, number) names an event wherever it
 * is kept, and a side speaks in its own name only.
 *
 * The state is a fold over the set in the order of (clock, side, number), and
 * depends on nothing else: two collectors that hold the same events hold the
 * same state, whatever the order they came in and however often.  The clock is
 * a count, one more than the highest that the speaker knew of, so what answers
 * an event stands behind it; times are the speaker's and only told.  An event
 * that makes no sense at its place is kept and changes nothing.
 *
 * Consultations that turn out to be about one thing are merged by events that
 * name the other one, once a side that each was opened with says so: nobody can
 * talk himself into a consultation.  They then are one set; the one whose
 * opening stands first in that order is the one that remains, whichever way
 * round it was said, so rings of merges are harmless.  Who acknowledged one of them has acknowledged
 * what came of it.
 *
 * Place    above severity (names of levels, number of owners); below the store.
 * Threads  pure.
 * Memory   the caller's; nothing is kept.
 * Cost     a sort of the events, and one step for each.
 */
#ifndef COLLECTOR_CONSULT_H
#define COLLECTOR_CONSULT_H

#include "collector/severity.h"
#include "common/err.h"
#include "common/json.h"

#define CONSULT_TEXT_CAP 512
#define CONSULT_ID_CAP (SEVERITY_NAME_CAP + 24)
/* Of an event as JSON. */
#define CONSULT_EVENT_MAX 16384
#define CONSULT_SIDES SEVERITY_MAX_OWNERS
/* A side that does not acknowledge is called so often. */
#define CONSULT_STEPS 3
/* Beyond it clocks stay what they are, and sides and numbers decide. */
#define CONSULT_CLOCK_MAX (UINT64_C(1) << 40)

/* The event that opened it. */
struct consult_id {
	char side[SEVERITY_NAME_CAP];
	uint64_t number;
};

enum consult_kind {
	CONSULT_OPEN = 1, /* sides, level, incident, deadline */
	CONSULT_RAISE, /* a higher level, or further sides */
	CONSULT_ACK, /* the speaker is on it */
	CONSULT_ESCALATE, /* 'about' did not acknowledge: step, deadline */
	CONSULT_HANDOVER, /* the lead gives it to 'about' */
	CONSULT_RELEAD, /* by rule: 'about' has far more at stake */
	CONSULT_CLOSE, /* by the lead */
	CONSULT_REOPEN, /* it went on after that */
	CONSULT_MERGE, /* is one with 'other' */
	CONSULT_MOVE, /* its incident is part of another now */
	CONSULT_KINDS
};
/* "opened", "raised", "acknowledged", ... */
const char *consult_kind_name(enum consult_kind k);

struct consult_event {
	char side[SEVERITY_NAME_CAP]; /* who speaks */
	uint64_t number; /* from 1 */
	struct consult_id id; /* the consultation */
	enum consult_kind kind;
	uint64_t clock, at_us; /* at_us: the speaker's wall clock */
	char who[SEVERITY_NAME_CAP]; /* a person, or CONSULT_AUTOMATION */
	char about[SEVERITY_NAME_CAP];
	struct consult_id other; /* of a merge */
	unsigned level, step;
	uint64_t deadline_us; /* for who has not acknowledged */
	int64_t incident; /* as the opener numbers it; 0: not said */
	char exercise[SEVERITY_NAME_CAP];
	char sides[CONSULT_SIDES][SEVERITY_NAME_CAP];
	unsigned n_sides;
	char text[CONSULT_TEXT_CAP]; /* why */
};
#define CONSULT_AUTOMATION "automation"

/* Bounds, texts and what its kind asks for; ERR_FORMAT with diag. */
enum err consult_event_check(const struct consult_event *e,
			     struct diag *d) MUST_CHECK;

struct consult_side {
	char owner[SEVERITY_NAME_CAP];
	bool acked;
	uint64_t acked_us;
	char who[SEVERITY_NAME_CAP]; /* who acknowledged */
	unsigned step; /* times that it was called again */
	uint64_t deadline_us; /* 0: nothing is waited for */
};

struct consult {
	struct consult_id id;
	bool closed, by_hand; /* by_hand: the lead was handed over */
	char exercise[SEVERITY_NAME_CAP], lead[SEVERITY_NAME_CAP];
	int64_t incident;
	unsigned level;
	uint64_t opened_us, changed_us, closed_us;
	uint64_t clock; /* the highest seen */
	uint64_t deadline_us; /* the next of any side; 0: none */
	struct consult_side sides[CONSULT_SIDES];
	unsigned n_sides;
	char text[CONSULT_TEXT_CAP]; /* why it was opened, or closed */
	uint64_t events;
};

/*
 * The state that the events of one consultation and of those merged with it
 * add up to; sorts 'e'.  False when none of them opens it: nothing can be said
 * yet.
 */
bool consult_fold(struct consult_event *e, size_t n, struct consult *out);
/*
 * The same for a whole log of many, in any order and with repeats: calls 'fn'
 * once for each consultation that remains, in order of id.  ERR_NOMEM.
 */
enum err consult_replay(struct consult_event *e, size_t n,
			void (*fn)(void *arg, const struct consult *c),
			void *arg) MUST_CHECK;
/* The order of the fold: clock, side, number. */
int consult_event_cmp(const struct consult_event *a,
		      const struct consult_event *b);

/* Whether 'owner' is among the sides that it lists. */
bool consult_event_names(const struct consult_event *e, const char *owner);

const struct consult_side *consult_side(const struct consult *c,
					const char *owner);
/* Sides that have not acknowledged. */
unsigned consult_waiting(const struct consult *c);

/* "JP-3": the side, and the number behind the last dash. */
bool consult_id_parse(const char *s, struct consult_id *out);
const char *consult_id_text(const struct consult_id *id,
			    char out[CONSULT_ID_CAP]);

/* As members of an object: all that the state says. */
void consult_json(struct json *j, const struct consult *c);
void consult_event_json(struct json *j, const struct consult_event *e);
/* One object of those members, as another collector wrote it, checked as
 * consult_event_check() does; members that it does not know are passed over.
 * ERR_FORMAT with diag, which names the member. */
enum err consult_event_parse(struct view line, struct consult_event *out,
			     struct diag *d) MUST_CHECK;

#endif
