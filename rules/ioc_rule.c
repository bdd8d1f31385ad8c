/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "rules/ioc_set.h"

/*
 * Names and digests betray command and control; an address may as well be a
 * scanner's, so its rule claims no tactic and leaves that to the indicator.
 */
static const struct rule_meta c2_meta[] = {
	{ "mitre_tactic_id", "TA0011" },
	{ "mitre_tactic_name", "Command_And_Control" },
};

#define RULE_OF(t, what, category_, meta_, n_meta, ...) \
	[t] = { .sid = IOC_SID_BASE + (t), \
		.gid = IOC_GID, \
		.rev = 1, \
		.index = UINT32_MAX, \
		.action = ACTION_ALERT, \
		.priority = 1, \
		.msg = "PICKET indicator: " what, \
		.classtype = "trojan-activity", \
		.category = category_, \
		.metadata = meta_, \
		.n_metadata = n_meta, \
		.file = "built-in", \
		.text = "", \
		__VA_ARGS__ }

#define RULE(t, what, ...) \
	RULE_OF(t, what, "Known-bad infrastructure was contacted", __VA_ARGS__)
#define FILE_RULE(t, what) \
	RULE_OF(t, what, "A known-bad file was transferred", NULL, 0, )

static const struct rule rules[IOC_TYPE_COUNT] = {
	/* A scan opens a thousand flows: one alert a minute and pair will do. */
	RULE(IOC_IP, "known-bad address", NULL, 0,
	     .threshold = { .type = THRESHOLD_LIMIT,
			    .track = TRACK_BY_BOTH,
			    .count = 1,
			    .seconds = 60 }),
	RULE(IOC_DOMAIN, "known-bad domain", c2_meta, ARRAY_LEN(c2_meta), ),
	RULE(IOC_URL, "known-bad URL", c2_meta, ARRAY_LEN(c2_meta), ),
	RULE(IOC_JA3, "known-bad TLS client (JA3)", c2_meta,
	     ARRAY_LEN(c2_meta), ),
	RULE(IOC_CERT_SHA1, "known-bad certificate (SHA-1)", c2_meta,
	     ARRAY_LEN(c2_meta), ),
	RULE(IOC_CERT_SHA256, "known-bad certificate (SHA-256)", c2_meta,
	     ARRAY_LEN(c2_meta), ),
	RULE(IOC_JA4, "known-bad TLS client (JA4)", c2_meta,
	     ARRAY_LEN(c2_meta), ),
	FILE_RULE(IOC_FILE_MD5, "known-bad file (MD5)"),
	FILE_RULE(IOC_FILE_SHA1, "known-bad file (SHA-1)"),
	FILE_RULE(IOC_FILE_SHA256, "known-bad file (SHA-256)"),
	RULE(IOC_USER_AGENT, "known-bad user agent", c2_meta,
	     ARRAY_LEN(c2_meta), ),
};

const struct rule *
ioc_rule(enum ioc_type type)
{
	assert(type < IOC_TYPE_COUNT);
	return &rules[type];
}
