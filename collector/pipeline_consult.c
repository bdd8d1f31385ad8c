/* SPDX-License-Identifier: Apache-2.0 */
/* Consultations: opened with incidents, timed, and told. */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/counterpart.h"
#include "common/clock.h"
#include "common/log.h"

/* Raised, then another lead: more than these cannot follow from one change. */
#define MAX_WORDS 4
/* Of one look. */
#define DUE_AT_ONCE 32
#define TOLD_AT_ONCE 64
/* Until one that has no room for a call is looked at again. */
#define PUT_OFF_US (UINT64_C(3600) * US_PER_S)
#define LOOK_EVERY_US US_PER_S
/* When none of those that are to be one could become it, and this often it is
 * said that something has no room: partners decide how often it is tried. */
#define JOIN_AGAIN_US (10 * US_PER_S)
#define TELL_US (60 * US_PER_S)
/* To look for them takes one part of so many of the time at most: how much there
 * is to look through is partners' to say, too. */
#define JOIN_SHARE 20

/* What a bound or a partner's word stands against is told and goes on: an
 * incident is stored even if nobody can be called. */
static enum err
forgive(struct pipeline *p, enum err e, const struct diag *d)
{
	uint64_t now = clock_mono_us();

	if (e != ERR_LIMIT && e != ERR_FORMAT && e != ERR_AUTH) {
		return e;
	}
	p->consult_unsaid++;
	if (p->unsaid_us == 0 || now - p->unsaid_us >= TELL_US) {
		log_warn("consultation: %s (%" PRIu64
			 " such words since it was "
			 "last said)",
			 d->msg, p->consult_unsaid - p->unsaid_told);
		p->unsaid_us = now;
		p->unsaid_told = p->consult_unsaid;
	}
	return ERR_OK;
}

/* Of an incident: its consultation as it stands, '*has' false without one. */
static enum err
consult_of(struct pipeline *p, int64_t incident, struct consult *c, bool *has)
{
	struct consult_id id;
	enum err e = store_consult_of(store_db(p->store), incident, &id);

	*has = false;
	if (e == ERR_OK) {
		e = store_consult_get(store_db(p->store), &id, c);
		*has = e == ERR_OK;
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err
pipeline_consult(struct pipeline *p, int64_t incident, unsigned level)
{
	const struct assessment *a = &p->assessment;
	struct consult_facts f = {
		.incident = incident,
		.exercise = a->exercise,
		.level = level,
		.stakes = a->stakes,
		.n_stakes = a->n_owners,
	};
	struct consult_event event;
	struct diag d = { "" };
	struct consult c;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < MAX_WORDS && e == ERR_OK; i++) {
		bool has;

		e = consult_of(p, incident, &c, &has);
		if (e != ERR_OK ||
		    !consult_rule_next(&p->cfg.consult, &f, has ? &c : NULL,
				       p->now_us, &event)) {
			break;
		}
		e = store_consult_say(store_db(p->store), &event, p->now_us,
				      incident, &d);
		if (e == ERR_LIMIT || e == ERR_FORMAT || e == ERR_AUTH) {
			return forgive(p, e, &d);
		}
	}
	return e;
}

static enum err
say_merge(struct pipeline *p, const struct consult *in,
	  const struct consult *other, int64_t incident, const char *why)
{
	struct consult_event event = {
		.id = in->id,
		.kind = other != NULL ? CONSULT_MERGE : CONSULT_MOVE,
		.who = CONSULT_AUTOMATION,
		.incident = incident,
	};
	struct diag d = { "" };

	memcpy(event.side, in->id.side, sizeof(event.side));
	if (other != NULL) {
		event.other = other->id;
	}
	snprintf(event.text, sizeof(event.text), "%s", why);
	return forgive(p,
		       store_consult_say(store_db(p->store), &event, p->now_us,
					 incident, &d),
		       &d);
}

/* What was open stays so, though what it is one with now was closed. */
static enum err
keep_open(struct pipeline *p, const struct consult *x, const struct consult *y,
	  int64_t incident)
{
	struct consult_event event;
	struct diag d = { "" };
	struct consult c;
	bool has;
	enum err e = consult_of(p, incident, &c, &has);

	if (e == ERR_OK && has &&
	    consult_rule_merged(&p->cfg.consult, x, y, &c, p->now_us, &event)) {
		e = forgive(p,
			    store_consult_say(store_db(p->store), &event,
					      p->now_us, incident, &d),
			    &d);
	}
	return e;
}

enum err
pipeline_consult_merged(struct pipeline *p, int64_t from, int64_t into)
{
	char why[CONSULT_TEXT_CAP];
	struct consult x, y;
	bool has_x, has_y = false;
	enum err e = consult_of(p, from, &x, &has_x);

	if (e == ERR_OK) {
		e = consult_of(p, into, &y, &has_y);
	}
	if (e != ERR_OK || !has_x) {
		return e;
	}
	snprintf(why, sizeof(why),
		 "the incident turned out to be part of incident %" PRId64,
		 into);
	e = say_merge(p, &x, has_y ? &y : NULL, into, why);
	/* Each opener says it for its own side: neither alone could. */
	if (e == ERR_OK && has_y && strcmp(x.id.side, y.id.side) != 0) {
		e = say_merge(p, &y, &x, into, why);
	}
	return e == ERR_OK && has_y ? keep_open(p, &x, &y, into) : e;
}

/* Everybody who is late in one consultation, once each. */
static enum err
call_again(struct pipeline *p, const struct consult_id *id)
{
	struct consult_event event;
	struct diag d = { "" };
	struct consult c;
	enum err e = store_consult_get(store_db(p->store), id, &c);

	for (unsigned i = 0;
	     i < CONSULT_SIDES && e == ERR_OK &&
	     consult_rule_late(&p->cfg.consult, &c, p->now_us, &event);
	     i++) {
		char text[CONSULT_ID_CAP];

		e = store_consult_say(store_db(p->store), &event, p->now_us,
				      c.incident, &d);
		if (e == ERR_OK) {
			log_warn("consultation %s: %s has not acknowledged, "
				 "call %u of %u%s%s",
				 consult_id_text(id, text), event.about,
				 event.step, CONSULT_STEPS,
				 c.exercise[0] != '\0' ? ", exercise " : "",
				 c.exercise);
			e = store_consult_get(store_db(p->store), id, &c);
		}
	}
	/* Nothing more fits in: it is not to be in the way of all others. */
	if (e == ERR_LIMIT) {
		enum err off = store_consult_put_off(store_db(p->store), id,
						     p->now_us + PUT_OFF_US);

		e = off != ERR_OK ? off : e;
	}
	return forgive(p, e, &d);
}

static enum err
tell_one(void *arg, const struct consult_event *event)
{
	struct pipeline *p = arg;
	char id[CONSULT_ID_CAP];
	struct consult c;
	enum err e = store_consult_get(store_db(p->store), &event->id, &c);

	log_info("consultation %s: %s by %s%s%s",
		 consult_id_text(&event->id, id),
		 consult_kind_name(event->kind), event->side,
		 event->text[0] != '\0' ? ": " : "", event->text);
	if (e == ERR_NOTFOUND) {
		return ERR_OK;
	}
	if (e == ERR_OK && p->feed != NULL) {
		e = feed_consult(p->feed, event, &c, p->now_us);
	}
	return e == ERR_OK && p->feed != NULL && event->kind == CONSULT_ESCALATE
		       ? feed_consult_alert(p->feed, event, &c, p->now_us)
		       : e;
}

/* The feed has it before the store knows so: after a crash it may hear it
 * twice, and never not at all. */
static enum err
tell_all(struct pipeline *p, struct diag *d)
{
	int64_t last = 0;
	enum err e = store_consult_untold(store_db(p->store), TOLD_AT_ONCE,
					  tell_one, p, &last);

	if (e == ERR_OK && last != 0 && p->feed != NULL) {
		e = feed_flush(p->feed, d);
	}
	return e == ERR_OK && last != 0
		       ? store_consult_told(store_db(p->store), last)
		       : e;
}

/* A partner talks of what we talk of: that is one consultation. */
static enum err
join_theirs(struct pipeline *p, const struct counterpart_pair *pair)
{
	struct consult ours, theirs;
	enum err e = store_consult_get(store_db(p->store), &pair->ours, &ours);

	if (e == ERR_OK) {
		e = store_consult_get(store_db(p->store), &pair->theirs,
				      &theirs);
	}
	/* Our word is of the one that we opened, whatever that is part of. */
	ours.id = pair->ours;
	theirs.id = pair->theirs;
	if (e == ERR_OK) {
		e = say_merge(p, &ours, &theirs, pair->incident,
			      "it is of the same incident");
	}
	return e;
}

/* What there is to do, at one look. */
struct due {
	struct consult_id late[DUE_AT_ONCE];
	struct counterpart_pair pairs[DUE_AT_ONCE];
	unsigned n_late, n_pairs;
};

static enum err
join_all(struct pipeline *p, const struct due *due)
{
	uint64_t unsaid = p->consult_unsaid;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < due->n_pairs && e == ERR_OK; i++) {
		e = join_theirs(p, &due->pairs[i]);
	}
	/* They would be the same, and have no room, at the next look. */
	if (due->n_pairs > 0 && p->consult_unsaid - unsaid >= due->n_pairs) {
		p->join_us = MAX(p->join_us, clock_mono_us() + JOIN_AGAIN_US);
	}
	return e;
}

static enum err
look(struct pipeline *p, const struct due *due, struct diag *d)
{
	enum err e = store_begin(p->store);

	if (e == ERR_OK) {
		e = join_all(p, due);
	}
	for (unsigned i = 0; i < due->n_late && e == ERR_OK; i++) {
		e = call_again(p, &due->late[i]);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	if (e == ERR_OK) {
		e = store_begin(p->store);
	}
	if (e == ERR_OK) {
		e = tell_all(p, d);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	if (e != ERR_OK) {
		store_rollback(p->store);
		if (p->feed != NULL) {
			feed_drop(p->feed);
		}
	}
	return e;
}

static enum err
any_untold(void *arg, const struct consult_event *event)
{
	(void)arg;
	(void)event;
	return ERR_OK;
}

static enum err
find_pairs(struct pipeline *p, struct due *due)
{
	uint64_t began = clock_mono_us(), now;
	enum err e = counterpart_consults(store_db(p->store), due->pairs,
					  DUE_AT_ONCE, &due->n_pairs);

	now = clock_mono_us();
	p->join_us = now + MIN(JOIN_SHARE * (now - began), TELL_US);
	return e;
}

void
pipeline_consult_turn(struct pipeline *p, bool now)
{
	uint64_t t = clock_mono_us();
	struct diag d = { "" };
	int64_t untold = 0;
	struct due due = { .n_late = 0 };
	enum err e;

	if (!now && t - p->consulted_us < LOOK_EVERY_US) {
		return;
	}
	p->consulted_us = t;
	p->now_us = clock_wall_us();
	e = store_consult_due(store_db(p->store), p->now_us, due.late,
			      DUE_AT_ONCE, &due.n_late);
	if (e == ERR_OK && t >= p->join_us) {
		e = find_pairs(p, &due);
	}
	if (e == ERR_OK) {
		e = store_consult_untold(store_db(p->store), 1, any_untold, p,
					 &untold);
	}
	if (e == ERR_OK && (due.n_late > 0 || due.n_pairs > 0 || untold != 0)) {
		e = look(p, &due, &d);
	}
	if (e != ERR_OK && !p->consult_failed) {
		log_warn("consultations cannot be looked after, trying on: %s",
			 d.msg[0] != '\0' ? d.msg : store_error(p->store));
	}
	p->consult_failed = e != ERR_OK;
}
