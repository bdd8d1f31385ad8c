/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/silence.h"

bool
silence_counts(const char *cause)
{
	static const char *const causes[] = {
		"silent",         "killed",       "tap_silent",
		"interface_down", "kernel_drops", "overload",
	};

	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		if (strcmp(cause, causes[i]) == 0) {
			return true;
		}
	}
	return false;
}

void
silences_add(struct silences *r, const struct silence *s)
{
	r->s[r->next] = *s;
	r->next = (r->next + 1) % SILENCES;
	r->n = MIN(r->n + 1, (unsigned)SILENCES);
}

static int
cmp(const struct silence *a, const struct silence *b)
{
	int c = a->from_us < b->from_us ? -1 : a->from_us > b->from_us;

	if (c == 0) {
		c = strcmp(a->site, b->site);
	}
	if (c == 0) {
		c = strcmp(a->sensor, b->sensor);
	}
	return c != 0 ? c : strcmp(a->cause, b->cause);
}

bool
silence_list_add(struct silence_list *list, const struct silence *s)
{
	unsigned at = 0;

	while (at < list->n && cmp(&list->s[at], s) < 0) {
		at++;
	}
	if (list->n == SILENCE_MAX ||
	    (at < list->n && cmp(&list->s[at], s) == 0)) {
		return false;
	}
	memmove(&list->s[at + 1], &list->s[at],
		(list->n - at) * sizeof(list->s[0]));
	list->s[at] = *s;
	list->n++;
	return true;
}

void
silences_near(const struct silences *r, unsigned newest, const char *site,
	      uint64_t first_us, uint64_t last_us, struct silence_list *list)
{
	uint64_t from = first_us - MIN(first_us, r->window_us);
	uint64_t to = last_us + MIN(UINT64_MAX - last_us, r->window_us);

	for (unsigned i = 0; r->on && i < MIN(r->n, newest); i++) {
		const struct silence *s =
			&r->s[(r->next + SILENCES - 1 - i) % SILENCES];

		if (s->from_us >= from && s->from_us <= to &&
		    strcmp(s->site, site) == 0) {
			(void)silence_list_add(list, s);
		}
	}
}

unsigned
silence_sensors(const struct silence_list *list)
{
	unsigned n = 0;

	for (unsigned i = 0; i < list->n; i++) {
		bool known = false;

		for (unsigned k = 0; k < i && !known; k++) {
			known = strcmp(list->s[k].site, list->s[i].site) == 0 &&
				strcmp(list->s[k].sensor, list->s[i].sensor) ==
					0;
		}
		n += !known;
	}
	return n;
}
