/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_ecs.h - an event of the feed by the names of Elastic Common Schema
 *
 * What has a name there gets it; the event as a whole is in event.original.
 *
 * Place    above common/json.h, on jansson; below output_send.
 * Threads  any.
 * Memory   the document while it is written.
 * Cost     cold: some 20 us an event.
 */
#ifndef COLLECTOR_OUTPUT_ECS_H
#define COLLECTOR_OUTPUT_ECS_H

#include "common/err.h"
#include "common/json.h"

#define OUTPUT_ECS_ID_CAP 96

/*
 * Appends the document to 'out'.  'doc_id' is made of 'id' and the event's time:
 * the same whenever it is sent, and another when a new store counts anew.
 * ERR_FORMAT: 'line' is no event; ERR_NOMEM.
 */
enum err output_ecs(struct json *out, const char *line, size_t len,
		    const char *id, char doc_id[OUTPUT_ECS_ID_CAP]) MUST_CHECK;

#endif
