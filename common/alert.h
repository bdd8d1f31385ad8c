/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert.h - one rule, one flow, one moment, at one sensor
 *
 * The record that crosses from sensor to collector, as the collector reads it
 * back.  Every text is a view; absent is a view of length 0.
 *
 * Place    above addr.h and trace.h; eve.h fills it in.
 * Threads  by value.
 * Memory   views borrow from the line and from who read it (eve.h).
 * Cost     a few hundred bytes, no copies.
 */
#ifndef COMMON_ALERT_H
#define COMMON_ALERT_H

#include "common/addr.h"
#include "common/trace.h"

/* More ids than this on one rule say nothing more. */
#define ALERT_MAX_IDS 8

struct alert_indicator {
	struct view id, type, value, source;
	uint8_t confidence; /* 0 to 100; 0 when nobody said */
	bool subdomains; /* a domain, and all below it */
};

struct alert {
	uint64_t timestamp_us; /* wall clock of the packet */
	uint64_t flow_id, pcap_cnt; /* 0 when absent */
	struct addr src, dst;
	uint16_t src_port, dst_port;
	bool has_addrs;
	struct view proto, app_proto, community_id;

	uint32_t gid, sid, rev;
	uint8_t severity; /* 1 is worst; 0 when absent */
	bool blocked; /* action is not "allowed" */
	struct view signature, category;
	struct view tactics[ALERT_MAX_IDS]; /* "TA0001" */
	struct view techniques[ALERT_MAX_IDS]; /* "T1190" */
	unsigned n_tactics, n_techniques;

	struct view http_host, http_url, dns_rrname;
	struct view tls_sni, tls_ja3, tls_subject, tls_fingerprint;

	struct view site, sensor, owner, exercise, tlp;
	struct view
		rule_tlp; /* the rule's metadata; the strictest of several */
	struct view releasable_to; /* the JSON array as it stands; 0: none */
	uint64_t seq; /* the sensor's own alert number */
	struct trace trace; /* empty when absent */
	uint64_t wait_us; /* of an anchor */
	struct alert_indicator indicator;
	bool has_indicator;
	/* It tells of the past: the indicator was seen from then to then. */
	bool has_past;
	uint64_t past_first_us, past_last_us, past_count;
	uint32_t past_hosts; /* of ours, as in host_bits.h; 0: not known */

	struct view picket; /* the object "picket" as it stands in the line */
};

#endif
