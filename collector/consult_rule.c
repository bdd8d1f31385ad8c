/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/consult_rule.h"

#include <stdio.h>

#define US_PER_MINUTE (UINT64_C(60) * 1000000)

const struct consult_config consult_defaults = {
	.level = 4,
	.ack_us = { 60 * US_PER_MINUTE, 30 * US_PER_MINUTE,
		    15 * US_PER_MINUTE },
};

uint64_t
consult_rule_patience(const struct consult_config *cfg, unsigned level)
{
	return cfg->ack_us[level >= 5 ? 2 : level == 4 ? 1 : 0];
}

static void
copy_name(char out[SEVERITY_NAME_CAP], const char *s)
{
	snprintf(out, SEVERITY_NAME_CAP, "%s", s);
}

void
consult_rule_among(struct consult_config *cfg, const char *us)
{
	if (us != NULL && cfg->side[0] == '\0') {
		copy_name(cfg->side, us);
	}
}

static void
add_side(struct consult_event *e, const char *owner)
{
	if (e->n_sides < CONSULT_SIDES && !consult_event_names(e, owner)) {
		copy_name(e->sides[e->n_sides++], owner);
	}
}

/* Whose automation speaks: the opener's when ours has no seat there, as after a
 * change of the setting. */
static const char *
speaker(const struct consult_config *cfg, const struct consult *c)
{
	return consult_side(c, cfg->side) != NULL ? cfg->side : c->id.side;
}

static void
begin(struct consult_event *e, enum consult_kind kind, const char *side,
      const struct consult_facts *f)
{
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	copy_name(e->side, side);
	copy_name(e->who, CONSULT_AUTOMATION);
	if (f != NULL) {
		e->incident = f->incident;
		e->level = f->level;
		copy_name(e->exercise, f->exercise);
	}
}

static bool
open_one(const struct consult_config *cfg, const struct consult_facts *f,
	 uint64_t now_us, struct consult_event *e)
{
	bool many = f->n_stakes >= CONSULT_MIN_OWNERS;
	bool serious = f->level >= cfg->level;

	if (f->n_stakes == 0 || (!many && !serious)) {
		return false;
	}
	begin(e, CONSULT_OPEN,
	      cfg->side[0] != '\0' ? cfg->side : f->stakes[0].owner, f);
	for (unsigned i = 0; i < f->n_stakes; i++) {
		/* The last seat is kept for who opens it. */
		if (e->n_sides < CONSULT_SIDES - 1 ||
		    strcmp(f->stakes[i].owner, e->side) == 0) {
			add_side(e, f->stakes[i].owner);
		}
	}
	add_side(e, e->side);
	e->deadline_us = now_us + consult_rule_patience(cfg, f->level);
	snprintf(e->text, sizeof(e->text),
		 "incident, or what it is part of, is at level %u, "
		 "%s%s; %s leads",
		 f->level, severity_level_name(f->level),
		 many ? ", and touches more than one owner" : "", e->sides[0]);
	return true;
}

/* More serious, or more at the table. */
static bool
raise_one(const struct consult_config *cfg, const struct consult_facts *f,
	  const struct consult *c, uint64_t now_us, struct consult_event *e)
{
	const char *side = speaker(cfg, c);

	begin(e, c->closed ? CONSULT_REOPEN : CONSULT_RAISE, side, f);
	for (unsigned i = 0; i < f->n_stakes; i++) {
		if (consult_side(c, f->stakes[i].owner) == NULL &&
		    c->n_sides + e->n_sides < CONSULT_SIDES) {
			add_side(e, f->stakes[i].owner);
		}
	}
	if (f->level <= c->level && e->n_sides == 0) {
		return false;
	}
	e->deadline_us = now_us + consult_rule_patience(cfg, f->level);
	snprintf(e->text, sizeof(e->text),
		 "incident is now at level %u, %s, and touches %u owner%s",
		 f->level, severity_level_name(f->level), f->n_stakes,
		 f->n_stakes == 1 ? "" : "s");
	return true;
}

static bool
move_lead(const struct consult_config *cfg, const struct consult_facts *f,
	  const struct consult *c, struct consult_event *e)
{
	const char *side = speaker(cfg, c);
	const struct severity_stake *top = &f->stakes[0];
	unsigned now = 0;

	if (c->closed || c->by_hand || f->n_stakes == 0 ||
	    (strcmp(side, c->lead) != 0 && strcmp(side, c->id.side) != 0) ||
	    consult_side(c, top->owner) == NULL) {
		return false;
	}
	for (unsigned i = 0; i < f->n_stakes; i++) {
		if (strcmp(f->stakes[i].owner, c->lead) == 0) {
			now = f->stakes[i].criticality;
		}
	}
	if (strcmp(top->owner, c->lead) == 0 ||
	    top->criticality < now + CONSULT_MARGIN) {
		return false;
	}
	begin(e, CONSULT_RELEAD, side, NULL);
	copy_name(e->about, top->owner);
	snprintf(e->text, sizeof(e->text),
		 "%s has assets of criticality %u at stake, %s of %u",
		 top->owner, top->criticality, c->lead, now);
	return true;
}

bool
consult_rule_next(const struct consult_config *cfg,
		  const struct consult_facts *f, const struct consult *c,
		  uint64_t now_us, struct consult_event *e)
{
	bool said;

	if (c == NULL) {
		return open_one(cfg, f, now_us, e);
	}
	said = raise_one(cfg, f, c, now_us, e) || move_lead(cfg, f, c, e);
	if (said) {
		e->id = c->id;
	}
	return said;
}

bool
consult_rule_merged(const struct consult_config *cfg, const struct consult *x,
		    const struct consult *y, const struct consult *now,
		    uint64_t now_us, struct consult_event *e)
{
	if (!now->closed || (x->closed && y->closed)) {
		return false;
	}
	begin(e, CONSULT_REOPEN, speaker(cfg, now), NULL);
	e->id = now->id;
	e->level = now->level;
	e->deadline_us = now_us + consult_rule_patience(cfg, now->level);
	snprintf(e->text, sizeof(e->text),
		 "was closed, and is one with what was not");
	return true;
}

bool
consult_rule_late(const struct consult_config *cfg, const struct consult *c,
		  uint64_t now_us, struct consult_event *e)
{
	const char *side = speaker(cfg, c);

	for (unsigned i = 0; i < c->n_sides && !c->closed; i++) {
		const struct consult_side *s = &c->sides[i];

		if (s->acked || s->deadline_us == 0 ||
		    s->deadline_us > now_us) {
			continue;
		}
		begin(e, CONSULT_ESCALATE, side, NULL);
		e->id = c->id;
		copy_name(e->about, s->owner);
		e->step = s->step + 1;
		e->level = c->level;
		e->deadline_us = now_us + consult_rule_patience(cfg, c->level);
		snprintf(e->text, sizeof(e->text), "%s did not acknowledge%s",
			 s->owner,
			 e->step == CONSULT_STEPS
				 ? ": nobody will be called again"
				 : "");
		return true;
	}
	return false;
}
