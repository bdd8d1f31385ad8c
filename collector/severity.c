/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/severity.h"

#include "common/words.h"

#include <stdlib.h>

#include "collector/stage.h"

static unsigned
sum(const struct severity_factors *f)
{
	return MIN(f->mission + f->stage + f->spread + f->alert + f->indicator +
			   f->silence,
		   100u);
}

unsigned
severity_score(const struct severity_input *in, struct severity_factors *f)
{
	static const unsigned by_alert[] = { 3, 15, 10, 6, 3 };
	unsigned sites = MAX(in->n_sites, 1u), owners = MAX(in->n_owners, 1u);

	f->mission = MIN(in->criticality, 100u) * 30 / 100;
	/* Half for how far it came, half for how much of the way was seen. */
	f->stage = 0;
	if (in->n_stages > 0) {
		unsigned far = MIN(in->furthest_stage, STAGE_COUNT - 1u) + 1;

		f->stage = 15 * far / STAGE_COUNT + MIN(in->n_stages * 2, 10u);
	}
	f->spread = MIN((sites - 1) * 4, 12u) + (owners > 1 ? 8 : 0);
	f->alert = by_alert[MIN(in->severity, 4u)];
	f->indicator = MIN(in->confidence, 100u) / 10;
	f->silence = MIN(in->n_silent, 2u) * 5;
	return sum(f);
}

unsigned
severity_criticality(const struct severity_factors *f)
{
	return (f->mission * 100 + 29) / 30;
}

unsigned
severity_at_least(struct severity_factors *f,
		  const struct severity_factors *least)
{
	f->mission = MAX(f->mission, least->mission);
	f->stage = MAX(f->stage, least->stage);
	f->spread = MAX(f->spread, least->spread);
	f->alert = MAX(f->alert, least->alert);
	f->indicator = MAX(f->indicator, least->indicator);
	f->silence = MAX(f->silence, least->silence);
	return sum(f);
}

unsigned
severity_level(unsigned score)
{
	static const unsigned from[] = { 20, 35, 50, 65, 80 };
	unsigned level = 0;

	while (level < ARRAY_LEN(from) && score >= from[level]) {
		level++;
	}
	return level;
}

const char *
severity_level_name(unsigned level)
{
	static const char *const names[] = {
		WORD("baseline"), WORD("low"),    WORD("medium"),
		WORD("high"),     WORD("severe"), WORD("emergency")
	};

	return names[MIN(level, 5u)];
}

static int
stake_cmp(const void *x, const void *y)
{
	const struct severity_stake *a = x, *b = y;

	if (a->criticality != b->criticality) {
		return a->criticality > b->criticality ? -1 : 1;
	}
	if (a->n_sites != b->n_sites) {
		return a->n_sites > b->n_sites ? -1 : 1;
	}
	if (a->count != b->count) {
		return a->count > b->count ? -1 : 1;
	}
	return strcmp(a->owner, b->owner);
}

void
severity_order_stakes(struct severity_stake *s, unsigned n)
{
	if (n > 1) {
		qsort(s, n, sizeof(*s), stake_cmp);
	}
}
