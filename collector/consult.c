/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/consult.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/utf8.h"

static const char *const kind_names[CONSULT_KINDS] = {
	[CONSULT_OPEN] = "opened",       [CONSULT_RAISE] = "raised",
	[CONSULT_ACK] = "acknowledged",  [CONSULT_ESCALATE] = "escalated",
	[CONSULT_HANDOVER] = "handover", [CONSULT_RELEAD] = "relead",
	[CONSULT_CLOSE] = "closed",      [CONSULT_REOPEN] = "reopened",
	[CONSULT_MERGE] = "merged",      [CONSULT_MOVE] = "moved",
};

const char *
consult_kind_name(enum consult_kind k)
{
	return k >= CONSULT_OPEN && k < CONSULT_KINDS ? kind_names[k] : "?";
}

/* One line of well-formed text that ends within its room. */
static bool
good_text(const char *s, size_t cap, bool needed)
{
	size_t n = strnlen(s, cap);
	const uint8_t *p = (const uint8_t *)s;

	if (n == cap || (needed && n == 0)) {
		return false;
	}
	for (size_t i = 0; i < n;) {
		size_t len = utf8_len(p + i, n - i);

		if (len == 0 || p[i] < 0x20 || p[i] == 0x7f) {
			return false;
		}
		i += len;
	}
	return true;
}

bool
consult_event_names(const struct consult_event *e, const char *owner)
{
	for (unsigned i = 0; i < e->n_sides; i++) {
		if (strcmp(e->sides[i], owner) == 0) {
			return true;
		}
	}
	return false;
}

static const char *
wrong_texts(const struct consult_event *e)
{
	if (!good_text(e->side, sizeof(e->side), true) ||
	    !good_text(e->id.side, sizeof(e->id.side), true)) {
		return "side";
	}
	if (!good_text(e->who, sizeof(e->who), true)) {
		return "who";
	}
	if (!good_text(e->about, sizeof(e->about), false) ||
	    !good_text(e->other.side, sizeof(e->other.side), false)) {
		return "about";
	}
	if (!good_text(e->exercise, sizeof(e->exercise), false)) {
		return "exercise";
	}
	if (!good_text(e->text, sizeof(e->text), false)) {
		return "text";
	}
	if (e->n_sides > CONSULT_SIDES) {
		return "sides";
	}
	for (unsigned i = 0; i < e->n_sides; i++) {
		if (!good_text(e->sides[i], sizeof(e->sides[i]), true)) {
			return "sides";
		}
	}
	return NULL;
}

static const char *
wrong_kind(const struct consult_event *e)
{
	bool own =
		e->id.number == e->number && strcmp(e->id.side, e->side) == 0;

	switch (e->kind) {
	case CONSULT_OPEN:
		return !own                               ? "id"
		       : !consult_event_names(e, e->side) ? "sides"
							  : NULL;
	case CONSULT_ESCALATE:
		return e->about[0] == '\0'                      ? "about"
		       : e->step < 1 || e->step > CONSULT_STEPS ? "step"
								: NULL;
	case CONSULT_HANDOVER:
	case CONSULT_RELEAD:
		return e->about[0] == '\0' ? "about" : NULL;
	case CONSULT_MERGE:
		return e->other.side[0] == '\0' || e->other.number == 0
			       ? "about"
			       : NULL;
	case CONSULT_RAISE:
	case CONSULT_ACK:
	case CONSULT_CLOSE:
	case CONSULT_REOPEN:
	case CONSULT_MOVE:
		return NULL;
	case CONSULT_KINDS:
		break;
	}
	return "kind";
}

enum err
consult_event_check(const struct consult_event *e, struct diag *d)
{
	const char *wrong = wrong_texts(e);

	if (wrong == NULL &&
	    (e->number == 0 || e->number > INT64_MAX || e->id.number == 0 ||
	     e->id.number > INT64_MAX || e->other.number > INT64_MAX)) {
		wrong = "number";
	}
	if (wrong == NULL && (e->clock == 0 || e->clock > CONSULT_CLOCK_MAX)) {
		wrong = "clock";
	}
	if (wrong == NULL &&
	    (e->at_us > INT64_MAX || e->deadline_us > INT64_MAX)) {
		wrong = "time";
	}
	if (wrong == NULL && e->level > 5) {
		wrong = "level";
	}
	if (wrong == NULL) {
		wrong = wrong_kind(e);
	}
	return wrong == NULL
		       ? ERR_OK
		       : diag_set(d, ERR_FORMAT,
				  "an event of a consultation: its %s makes no "
				  "sense",
				  wrong);
}

const struct consult_side *
consult_side(const struct consult *c, const char *owner)
{
	for (unsigned i = 0; i < c->n_sides; i++) {
		if (strcmp(c->sides[i].owner, owner) == 0) {
			return &c->sides[i];
		}
	}
	return NULL;
}

unsigned
consult_waiting(const struct consult *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_sides; i++) {
		n += !c->sides[i].acked;
	}
	return n;
}

bool
consult_id_parse(const char *s, struct consult_id *out)
{
	const char *dash = strrchr(s, '-');
	size_t n = dash != NULL ? (size_t)(dash - s) : 0;
	char *end;

	if (n == 0 || n >= sizeof(out->side) || dash[1] < '1' ||
	    dash[1] > '9' || strlen(dash + 1) > 18) {
		return false;
	}
	*out = (struct consult_id){ .number = strtoull(dash + 1, &end, 10) };
	memcpy(out->side, s, n);
	return *end == '\0';
}

const char *
consult_id_text(const struct consult_id *id, char out[CONSULT_ID_CAP])
{
	snprintf(out, CONSULT_ID_CAP, "%s-%" PRIu64, id->side, id->number);
	return out;
}

void
consult_json(struct json *j, const struct consult *c)
{
	char id[CONSULT_ID_CAP];

	json_cstr(j, "id", consult_id_text(&c->id, id));
	json_cstr(j, "state", c->closed ? "closed" : "open");
	json_i64(j, "incident", c->incident);
	json_cstr(j, "exercise", c->exercise);
	json_u64(j, "level", c->level);
	json_cstr(j, "level_name", severity_level_name(c->level));
	json_cstr(j, "lead", c->lead);
	json_bool(j, "lead_by_hand", c->by_hand);
	json_time_known(j, "opened", c->opened_us);
	json_time_known(j, "changed", c->changed_us);
	json_time_known(j, "closed", c->closed_us);
	json_time_known(j, "deadline", c->deadline_us);
	json_arr(j, "sides");
	for (unsigned i = 0; i < c->n_sides; i++) {
		const struct consult_side *s = &c->sides[i];

		json_obj(j, NULL);
		json_cstr(j, "owner", s->owner);
		json_bool(j, "acknowledged", s->acked);
		json_time_known(j, "at", s->acked_us);
		json_cstr(j, "who", s->who);
		json_u64(j, "step", s->step);
		json_time_known(j, "deadline", s->deadline_us);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_cstr(j, "text", c->text);
	json_u64(j, "events", c->events);
	json_u64(j, "clock", c->clock);
}

void
consult_event_json(struct json *j, const struct consult_event *e)
{
	char id[CONSULT_ID_CAP];

	json_cstr(j, "id", consult_id_text(&e->id, id));
	json_cstr(j, "what", consult_kind_name(e->kind));
	json_cstr(j, "side", e->side);
	json_u64(j, "number", e->number);
	json_u64(j, "clock", e->clock);
	json_time_known(j, "at", e->at_us);
	json_cstr(j, "who", e->who);
	if (e->about[0] != '\0') {
		json_cstr(j, "about", e->about);
	}
	if (e->other.number != 0) {
		json_cstr(j, "other", consult_id_text(&e->other, id));
	}
	json_u64(j, "level", e->level);
	json_u64(j, "step", e->step);
	json_time_known(j, "deadline", e->deadline_us);
	json_i64(j, "incident", e->incident);
	json_cstr(j, "exercise", e->exercise);
	json_arr(j, "sides");
	for (unsigned i = 0; i < e->n_sides; i++) {
		json_cstr(j, NULL, e->sides[i]);
	}
	json_arr_end(j);
	json_cstr(j, "text", e->text);
}
