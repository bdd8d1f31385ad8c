/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_detect.h - recognises protocols that have no parser, by first bytes
 *
 * What is found here names the flow (EVE's app_proto, a rule's protocol);
 * nothing of it is taken apart.
 *
 * Place    above app_parser.h, below app.h.
 * Threads  pure; static tables.
 * Cost     one pass over a table of short signatures; a few times a flow.
 */
#ifndef SENSOR_APP_DETECT_H
#define SENSOR_APP_DETECT_H

#include "sensor/app_parser.h"

/*
 * The protocol of these first bytes of direction 'dir', among those with
 * 'allowed' set; APP_FAILED when they are none of them, APP_UNKNOWN when more
 * bytes could tell.  By fixed texts that nothing else begins with, asked
 * before the parsers; and by form and port, asked after them.  'ports' are
 * the flow's client and server port.
 */
enum app_proto app_detect_text(struct view data, enum flow_dir dir, bool tcp,
			       const bool allowed[APP_PROTO_COUNT]);
enum app_proto app_detect_form(struct view data, enum flow_dir dir, bool tcp,
			       const uint16_t ports[2],
			       const bool allowed[APP_PROTO_COUNT]);

#endif
