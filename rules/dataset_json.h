/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset_json.h - the values of a JSON file, and what belongs to each
 *
 * Files may hold millions of objects, so that the outer text is only stepped
 * through; each object is then read strictly by json_read.h on its own.
 *
 * Place    above dataset.h, which it fills.
 * Threads  one thread, while rules load.
 * Memory   one reader, reused.
 * Cost     linear in the file.
 */
#ifndef RULES_DATASET_JSON_H
#define RULES_DATASET_JSON_H

#include "rules/dataset.h"

/* Takes one value and its JSON on one line, which becomes the taker's. */
typedef enum err dataset_taker(void *arg, struct view value, char *json,
			       uint32_t line, struct diag *d);

/* Whole file, format json: an array, or an object that holds one. */
enum err dataset_json_array(const struct dataset_spec *spec, struct view text,
			    const char *name, dataset_taker *take, void *arg,
			    struct diag *d) MUST_CHECK;
/* One object a line, format ndjson. */
enum err dataset_json_lines(const struct dataset_spec *spec, struct view text,
			    const char *name, dataset_taker *take, void *arg,
			    struct diag *d) MUST_CHECK;

#endif
