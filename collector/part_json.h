/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_json.h - parts and head in numbers, for the metrics
 *
 * Place    above part_in and part_out; below metrics.
 * Threads  that of the pipeline.
 * Memory   none.
 * Cost     some numbers a part.
 */
#ifndef COLLECTOR_PART_JSON_H
#define COLLECTOR_PART_JSON_H

#include "collector/part_in.h"
#include "collector/part_out.h"
#include "common/json.h"

/* Writes the member "parts" into the object that is open in 'j': of a part, of
 * a head, or nothing when both are NULL. */
void part_json(struct json *j, const struct part_out *out,
	       const struct part_in *in);

#endif
