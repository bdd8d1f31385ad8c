/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_class.h - classtypes with their words and priorities
 *
 * Starts with the usual ones; the setting classification-file names a
 * classification.config that adds and replaces.
 *
 * Place    above rule_file.
 * Threads  one thread, while rules load.
 * Memory   strings are the arena's.
 * Cost     cold.
 */
#ifndef RULES_RULE_CLASS_H
#define RULES_RULE_CLASS_H

#include "common/arena.h"
#include "common/conf.h"

struct rule_class {
	const char *name, *text;
	uint8_t priority;
};

struct rule_classes;

/* NULL with diag when a file that 'conf' names cannot be read. */
struct rule_classes *rule_classes_new(const struct conf *conf, struct arena *a,
				      struct diag *d);
void rule_classes_free(struct rule_classes *c);
/* NULL when there is no such classtype. */
const struct rule_class *rule_class_find(const struct rule_classes *c,
					 struct view name);

/* Calls 'fn' for each class with its name, and with words and priority. */
void rule_classes_each(const struct rule_classes *c,
		       void (*fn)(void *arg, const char *name,
				  const char *value),
		       void *arg);

#endif
