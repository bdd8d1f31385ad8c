/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what is armed was seen before: new ones at once, while there is room
 * for questions; those of the start, and those for which there was none, by a
 * walk over all of them that goes on with each turn.
 */
#include "common/clock.h"
#include "common/indicator_value.h"
#include "sensor/armed_state.h"

#define TURN 4096 /* questions between two reads of the stream */

/* Not in force any more, and never again. */
static bool
is_over(const struct indicator *i)
{
	return i->valid_until_us > 0 && i->valid_until_us < clock_wall_us();
}

void
armed_told(void *arg, const struct indicator *i, bool on)
{
	struct armed *a = arg;
	struct indicator same = *i;
	char value[INDICATOR_VALUE_CAP];
	size_t len;

	if (!on || a->o.ask == NULL || is_over(i) ||
	    indicator_value_canon(i->kind, i->exact, view_cstr(i->value), value,
				  &len, NULL) != ERR_OK) {
		return;
	}
	value[len] = '\0';
	same.value = value;
	if (a->o.ask(a->o.ask_arg, &same, false) != ERR_OK) {
		a->walk = (struct ioc_live_walk){ 0 };
		a->asked = false;
	}
}

bool
armed_ask(struct armed *a)
{
	struct indicator i;

	if (a->o.ask == NULL) {
		a->asked = true;
	}
	for (unsigned n = 0; !a->asked && n < TURN; n++) {
		struct ioc_live_walk here = a->walk;

		if (!ioc_live_next(a->live, &a->walk, &i)) {
			a->asked = true;
		} else if (!is_over(&i) &&
			   a->o.ask(a->o.ask_arg, &i, true) != ERR_OK) {
			a->walk = here;
			break;
		}
	}
	return a->asked;
}
