/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_words.h - a rule's text, explained part by part
 *
 * The text is what the sensor that raised the alert sent with it (alert.rule),
 * so it is the very rule that matched, whatever the files say by now.  It is
 * taken apart here, for reading only; what it means to the sensor is decided by
 * rules/rule_parse.h alone.
 *
 * Place    above json.h; below console_alert.
 * Threads  pure, on the caller's writer.
 * Memory   the writer's; at most RULE_WORDS_MAX parts of a rule are told.
 * Cost     linear in the text.
 */
#ifndef COLLECTOR_RULE_WORDS_H
#define COLLECTOR_RULE_WORDS_H

#include "common/json.h"

#define RULE_WORDS_MAX 256

/*
 * The object 'key': "text", "explained" (a list of "keyword", "value", "words",
 * the header first under the name "rule"), "references" (a list of texts as
 * "reference" has them) and "cut" (parts that are not told).
 */
void rule_words_json(struct json *j, const char *key, struct view text);

#endif
