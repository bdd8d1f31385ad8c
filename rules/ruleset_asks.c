/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_live.h"
#include "rules/ruleset_db.h"

#define BIT(n) (UINT64_C(1) << (n))

/* The buffers that exist without a parser. */
static bool
is_raw_buffer(enum inspect_buf b)
{
	return b <= BUF_ICMPV6_HDR;
}

uint64_t
ruleset_parsers(const struct ruleset *rs)
{
	const uint64_t *needed = ruleset_needed(rs);
	uint64_t apps = 0;

	if (ruleset_indicator_count(rs) > 0 || rs->n_armed > 0 ||
	    ruleset_armed(rs)) {
		return UINT64_MAX;
	}
	for (uint32_t i = 0; i < ruleset_count(rs); i++) {
		const struct rule *r = ruleset_rule(rs, i);

		if (r->app != APP_UNKNOWN) {
			apps |= BIT(r->app);
		} else if (r->prog == NULL || r->prog->kind == PROG_TX) {
			/* Any protocol's transaction may be meant. */
			return UINT64_MAX;
		}
	}
	for (unsigned b = 0; apps == 0 && b < BUF_COUNT; b++) {
		if (inspect_bit(needed, (enum inspect_buf)b) &&
		    !is_raw_buffer((enum inspect_buf)b)) {
			return UINT64_MAX;
		}
	}
	return apps;
}

void
ruleset_arm(struct ruleset *rs, struct ioc_live *live, bool files)
{
	uint64_t more[2] = { 0, 0 };

	rs->live = live;
	if (live != NULL) {
		ioc_live_needed(more);
		rs->needed[0] |= more[0];
		rs->needed[1] |= more[1];
		rs->file_needs |= files ? RULES_NEED_MD5 | RULES_NEED_SHA1 |
						  RULES_NEED_SHA256
					: 0;
	}
}

bool
ruleset_armed(const struct ruleset *rs)
{
	return rs->live != NULL;
}
