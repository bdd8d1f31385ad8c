/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - one rule, as loaded; immutable once its set is built
 *
 * Place    above inspect.h.
 * Threads  read only after ruleset_build().
 * Memory   owned by its ruleset.
 */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include "rules/inspect.h"

enum rule_action { ACTION_ALERT, ACTION_PASS, ACTION_DROP, ACTION_REJECT };
/* Whom a reject rule would tell; enum, for EVE's verdict. */
enum reject_to { REJECT_SRC, REJECT_DST, REJECT_BOTH };

enum threshold_type {
	THRESHOLD_NONE,
	THRESHOLD_LIMIT, /* at most 'count' alerts per period */
	THRESHOLD_THRESHOLD, /* every 'count'-th match */
	THRESHOLD_BOTH, /* once per period, at the 'count'-th match */
	THRESHOLD_DETECTION, /* detection_filter: all after the 'count'-th */
	THRESHOLD_BACKOFF, /* at 'count', then each time 'multiplier' later */
	THRESHOLD_RATE, /* rate_filter: a new action after 'count' */
};

enum threshold_track {
	TRACK_BY_SRC,
	TRACK_BY_DST,
	TRACK_BY_BOTH,
	TRACK_BY_RULE,
	TRACK_BY_FLOW,
};

struct rule_threshold {
	enum threshold_type type;
	enum threshold_track track;
	uint32_t count;
	uint32_t seconds; /* 0 with THRESHOLD_BACKOFF: never over */
	uint32_t multiplier; /* THRESHOLD_BACKOFF */
	uint32_t timeout; /* THRESHOLD_RATE: seconds; 0: for ever */
	bool silent; /* THRESHOLD_RATE: its new action is "pass" */
};

enum tag_metric { TAG_PACKETS, TAG_BYTES, TAG_SECONDS };

/* "tag": packets that are wanted after a match. */
struct rule_tag {
	bool host, at_src; /* else the flow's; the receiver's */
	enum tag_metric metric;
	uint32_t count;
};

struct rule_meta {
	const char *key, *value;
};

struct rule_prog; /* compiled tests; rule_compile.h */

/* What leaves the engine: identity and everything an alert prints. */
struct rule {
	uint32_t sid, gid, rev;
	uint32_t index; /* in its ruleset, load order */
	enum rule_action action;
	enum reject_to reject;
	bool noalert;
	bool bypass; /* the flow is inspected no more after a match */
	bool no_tx_log; /* its transaction is not logged after a match */
	uint8_t app; /* enum app_proto that it is for; APP_UNKNOWN: any */
	bool self_contained; /* refers to no table of its set */
	uint8_t priority; /* 1 is worst; EVE's alert.severity */
	const char *msg;
	const char *classtype; /* short name or NULL */
	const char *category; /* classification's description, or "" */
	const struct rule_meta *metadata;
	uint32_t n_metadata;
	const char *const *references; /* "url,example.org/x" */
	const char *const *links; /* where each leads; "https://..." */
	uint32_t n_references;
	const struct rule_tag *tags;
	uint32_t n_tags;
	enum { TARGET_NONE, TARGET_SRC, TARGET_DEST } target;
	struct rule_threshold threshold, detection_filter, rate_filter;
	const char *file; /* where it was read; for reports */
	uint32_t line;
	const char *text; /* the rule as written */
	const struct rule_prog *prog;
};

struct ioc;
struct ioc_prog;
struct note;

/* What a hit still has to ask where all hits meet; shared_state.h. */
struct shared_claim {
	const struct rule_prog *prog; /* NULL: nothing, but for 'pattern' */
	/* Or a pattern of several observations, and which of its leaves this
	 * one satisfies; NULL: none. */
	const struct ioc_prog *pattern;
	uint64_t leaves;
	struct addr src, dst; /* as the rule's header means them */
	uint8_t ip_version;
	uint64_t ts_us;
	struct view values; /* shared_claim.h has the form */
};

static inline bool
claim_is_made(const struct shared_claim *c)
{
	return c->prog != NULL || c->pattern != NULL;
}

/* JSON that a dataset holds beside a value that was met. */
struct rule_datum {
	const char *key, *json;
};

/* One rule that matched in one call. */
struct rule_hit {
	const struct rule *rule;
	const struct ioc *ioc; /* the indicator, when 'rule' stands for one */
	uint64_t tx_id;
	uint32_t rank; /* place in the order of evaluation; 0: indicators */
	/* values captured for the alert; the matcher's, until its next call */
	const struct note *notes;
	uint8_t n_notes;
	bool has_tx;
	bool ip_only; /* asked of addresses alone, for the whole flow */
	bool suppressed; /* by the threshold file: to be counted, not said */
	bool silent; /* not an alert: only its claim counts */
	uint8_t n_data;
	const struct rule_datum *data; /* the matcher's, until its next call */
	struct shared_claim claim; /* its values too */
};

/* Caller-owned growing list; hits are in rule priority, then load order. */
struct rule_hits {
	struct rule_hit *v;
	uint32_t n, cap;
	uint64_t
		overflowed; /* hits that found no memory: counted, never silent */
	bool passed; /* a pass rule matched too */
	bool bypass; /* of a rule with "bypass" */
	bool no_tx_log; /* of one with "config:logging disable" */
};

#endif
