/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_group.h - which rules could match what just came in?
 *
 * Rules are grouped by where their literal is looked for: a transaction's
 * buffer, a stream, a packet's payload, each by direction.  A group has one
 * prefilter over its literals and the list of rules without one; those are
 * kept apart by what they wait for, so that none is tried blindly.
 *
 * Place    above prefilter.h and rule_prog.h; below rule_match.
 * Threads  built by one thread, then read only.
 * Memory   heap; the prefilters are most of it.
 * Cost     building compiles every literal of the set.
 */
#ifndef RULES_RULE_GROUP_H
#define RULES_RULE_GROUP_H

#include "rules/addr_index.h"
#include "rules/header_index.h"
#include "rules/literal_table.h"
#include "rules/rule_scan.h"

/* Bit per value of a packet's type: its TCP flags, its ICMP type, or 0. */
struct type_set {
	uint64_t w[4];
};

static inline bool
type_set_has(const struct type_set *s, uint8_t type)
{
	return (s->w[type / 64] >> (type % 64) & 1) != 0;
}

/* A program without a literal, and the packets that it may match. */
struct bare_rule {
	uint32_t order;
	bool needs_payload;
	struct type_set types;
};

/* Literals of payload and stream that a depth ties to so many bytes at the
 * front are scanned for there only. */
#define RULE_NEAR 64

struct rule_group {
	struct rule_scan far;
	struct literal_table table; /* those that are looked up */
	struct bare_rule *bare; /* programs without a literal */
	uint32_t n_bare;
	/* more of them, which hang on a narrow set of addresses */
	struct addr_index by_src, by_dst;
	struct bare_rule *indexed;
	uint32_t n_indexed;
};

/* Kinds of packet whose payload rules differ. */
enum packet_class {
	PACKET_TCP_STREAM, /* payload is in the stream as well */
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ICMP4,
	PACKET_ICMP6,
	PACKET_SCTP,
	PACKET_OTHER,
	PACKET_CLASSES
};

/* Rules on a packet's facts, by what must be so before they are tried. */
struct packet_lists {
	struct rule_group always, event, bits, first;
};

struct rule_groups {
	const struct rule_prog *const *progs; /* by order */
	uint32_t n_progs;
	struct header_index headers;
	struct rule_group tx[BUF_COUNT][2];
	struct rule_group tx_bare[APP_PROTO_COUNT][2]; /* no buffer at all */
	struct rule_group stream[2];
	struct rule_group payload[PACKET_CLASSES][2];
	struct packet_lists packet[PACKET_CLASSES][2];
	/*
	 * The literals of payload[].far, by port and protocol.  Those of
	 * PACKET_TCP_STREAM are those of the stream as well: a segment's bytes
	 * are looked at once for both.
	 */
	struct rule_scans far[PACKET_CLASSES][2];
	/* Those of both that can only be at the front: of segments, and of the
	 * stream. */
	struct rule_scans near[2][2];
	/* What the groups of a direction's bodies and of its files' data have,
	 * for a file that is the whole of a body: one look for both. */
	struct rule_scan body[2];
	/* Bit per buffer, by direction: tx[][] has rules there. */
	uint64_t tx_live[2][2];
	uint32_t most_ids; /* of any scan */
};

/* 'progs' in order of evaluation, progs[i]->order == i.  Prefilters that
 * would be those of 'prev' (or NULL) are shared with it. */
enum err rule_groups_build(struct rule_groups *g,
			   const struct rule_groups *prev,
			   const struct rule_prog *const *progs, uint32_t n,
			   struct diag *d) MUST_CHECK;
void rule_groups_fini(struct rule_groups *g);
size_t rule_groups_memory(const struct rule_groups *g);
/* Calls 'fn' for every prefilter. */
enum err rule_groups_each(const struct rule_groups *g,
			  enum err (*fn)(void *arg, const struct prefilter *p),
			  void *arg) MUST_CHECK;

#endif
