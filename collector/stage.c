/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stage.h"

#include "common/words.h"

static const struct {
	char id[7];
	uint8_t stage;
} tactics[] = {
	{ "TA0043", 0 }, /* Enterprise */
	{ "TA0042", 1 },  { "TA0001", 2 },  { "TA0002", 3 },  { "TA0003", 4 },
	{ "TA0004", 5 },  { "TA0005", 6 },  { "TA0006", 7 },  { "TA0007", 8 },
	{ "TA0008", 9 },  { "TA0009", 10 }, { "TA0011", 11 }, { "TA0010", 12 },
	{ "TA0040", 15 }, { "TA0108", 2 }, /* ICS */
	{ "TA0104", 3 },  { "TA0110", 4 },  { "TA0111", 5 },  { "TA0103", 6 },
	{ "TA0102", 8 },  { "TA0109", 9 },  { "TA0100", 10 }, { "TA0101", 11 },
	{ "TA0107", 13 }, { "TA0106", 14 }, { "TA0105", 15 },
};

static const char *const names[STAGE_COUNT] = {
	WORD("reconnaissance"),
	WORD("resource development"),
	WORD("initial access"),
	WORD("execution"),
	WORD("persistence"),
	WORD("privilege escalation"),
	WORD("defense evasion"),
	WORD("credential access"),
	WORD("discovery"),
	WORD("lateral movement"),
	WORD("collection"),
	WORD("command and control"),
	WORD("exfiltration"),
	WORD("inhibit response function"),
	WORD("impair process control"),
	WORD("impact"),
};

uint8_t
stage_of(struct view tactic_id)
{
	for (size_t i = 0; i < ARRAY_LEN(tactics); i++) {
		if (view_caseeq(tactic_id, view_of(tactics[i].id, 6))) {
			return tactics[i].stage;
		}
	}
	return STAGE_NONE;
}

const char *
stage_name(unsigned stage)
{
	return stage < STAGE_COUNT ? names[stage] : "none";
}

void
stage_add(struct stage_times *t, unsigned stage, uint64_t first, uint64_t last)
{
	if (stage >= STAGE_COUNT) {
		return;
	}
	if (t->first[stage] == 0 || first < t->first[stage]) {
		t->first[stage] = first;
	}
	t->last[stage] = MAX(t->last[stage], last);
}

void
stage_merge(struct stage_times *into, const struct stage_times *from)
{
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (from->first[i] != 0) {
			stage_add(into, i, from->first[i], from->last[i]);
		}
	}
}

uint32_t
stage_mask(const struct stage_times *t)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		mask |= t->first[i] != 0 ? UINT32_C(1) << i : 0;
	}
	return mask;
}

unsigned
stage_progress(const struct stage_times *t, uint64_t slack_us)
{
	/* end[k]: the earliest time at which a chain of k stages can end. */
	uint64_t end[STAGE_COUNT + 1] = { 0 };
	unsigned longest = 0;

	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (t->first[i] == 0) {
			continue;
		}
		for (unsigned k = longest + 1; k-- > 0;) {
			uint64_t at;

			if (t->last[i] + slack_us < end[k]) {
				continue;
			}
			at = MAX(t->first[i], end[k]);
			if (k == longest) {
				longest++;
				end[longest] = at;
				continue;
			}
			end[k + 1] = MIN(end[k + 1], at);
		}
	}
	return longest;
}
