/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_linear.h"

unsigned
linear_find(const struct linear *l, struct view data, struct linear_run *r,
	    struct linear_found found[LINEAR_ENDS])
{
	uint32_t s = r->state, end = r->end;
	size_t at = r->at;
	unsigned n = 0;

	for (;;) {
		for (; end != 0 && n < LINEAR_ENDS; n++) {
			const struct linear_end *e = &l->ends[end - 1];

			found[n] = (struct linear_found){ e->entry, at };
			end = e->next;
		}
		if (n == LINEAR_ENDS || at == r->to) {
			break;
		}
		s = linear_step(l, s, l->class_of[data.p[at++]]);
		end = l->states[s].ends;
	}
	r->state = s;
	r->end = end;
	r->at = at;
	return n;
}
