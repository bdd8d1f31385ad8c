/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_conf.h - what an alert shows beside the rule that matched
 *
 * Settings are eve.alert.KEY, with Suricata's names of keys; where outputs
 * holds an eve-log as Suricata's own file has it, what it says of alerts is
 * heard, with Suricata's defaults, and eve.alert.KEY goes before.
 *
 * Place    above common/conf; below event_log and worker.
 * Threads  read only once filled.
 * Memory   by value.
 * Cost     cold.
 */
#ifndef SENSOR_ALERT_CONF_H
#define SENSOR_ALERT_CONF_H

#include "common/conf.h"

#define XFF_HEADER_CAP 64

/* The client that a proxy names, beside or in place of the proxy. */
struct xff_conf {
	bool enabled, overwrite;
	bool last; /* a reverse proxy is ours: the last name is its word */
	char header[XFF_HEADER_CAP]; /* lower case */
};

struct alert_conf {
	bool payload, payload_printable, payload_length;
	uint32_t payload_max; /* bytes shown of one payload */
	bool http_body, http_body_printable;
	bool verdict;
	bool tagged_packets;
	/* metadata.* */
	bool app_layer, flow, rule_metadata, rule_raw, rule_reference;
	struct xff_conf xff;
	/* settings of Suricata's top level */
	uint32_t packet_alert_max; /* UINT32_MAX: no bound */
};

bool alert_conf_same(const struct alert_conf *a, const struct alert_conf *b);
void alert_conf_read(struct alert_conf *c, const struct conf *conf);

#endif
