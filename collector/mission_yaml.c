/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission_yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One more element at the end of an array of 'size' bytes each, zeroed. */
void *
mission_grow(struct mission_reader *r, void **array, unsigned *n, size_t size)
{
	void *p;

	if (*n >= MISSION_MAX_ITEMS) {
		yaml_file_fail(r->y, NULL,
			       "more than %d items of a kind: join networks",
			       MISSION_MAX_ITEMS);
		return NULL;
	}
	/* Doubling at powers of two keeps the cost linear. */
	if ((*n & (*n - 1)) == 0) {
		p = realloc(*array, (size_t)(*n == 0 ? 1 : *n * 2) * size);
		if (p == NULL) {
			yaml_file_no_memory(r->y);
			return NULL;
		}
		*array = p;
	}
	p = (char *)*array + (size_t)*n * size;
	memset(p, 0, size);
	(*n)++;
	return p;
}

yaml_node_t *
mission_member(struct mission_reader *r, const yaml_node_t *map,
	       const char *key)
{
	if (map == NULL || map->type != YAML_MAPPING_NODE) {
		return NULL;
	}
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const char *k = yaml_file_text(yaml_file_node(r->y, p->key));

		if (k != NULL && strcmp(k, key) == 0) {
			return yaml_file_node(r->y, p->value);
		}
	}
	return NULL;
}

/* Refuses keys that are not in the NULL-terminated list: a misspelt key
 * would otherwise silently leave an asset without protection. */
void
mission_check_keys(struct mission_reader *r, const yaml_node_t *map,
		   const char *what, const char *const *known)
{
	if (map->type != YAML_MAPPING_NODE) {
		yaml_file_fail(r->y, map, "%s: expected 'key: value' pairs",
			       what);
		return;
	}
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *kn = yaml_file_node(r->y, p->key);
		const char *k = yaml_file_text(kn);
		unsigned i = 0;

		while (k != NULL && known[i] != NULL &&
		       strcmp(known[i], k) != 0) {
			i++;
		}
		if (k == NULL || known[i] == NULL) {
			char list[192] = "";
			size_t len = 0;

			for (i = 0; known[i] != NULL; i++) {
				len += (size_t)snprintf(
					list + len, sizeof(list) - len, "%s%s",
					i > 0 ? ", " : "", known[i]);
			}
			yaml_file_fail(
				r->y, kn, "%s: unknown key '%s': use one of %s",
				what, k != NULL ? k : "(not a text)", list);
			return;
		}
	}
}

char *
mission_text(struct mission_reader *r, const yaml_node_t *map, const char *key,
	     bool needed)
{
	yaml_node_t *n = mission_member(r, map, key);
	const char *s = yaml_file_text(n);
	char *copy;

	if (n == NULL && !needed) {
		s = "";
	} else if (s == NULL || (needed && *s == '\0')) {
		yaml_file_fail(r->y, n != NULL ? n : map, "'%s' must be a text",
			       key);
		return NULL;
	}
	copy = strdup(s);
	if (copy == NULL) {
		yaml_file_no_memory(r->y);
	}
	return copy;
}

unsigned
mission_criticality(struct mission_reader *r, const yaml_node_t *map)
{
	static const struct {
		const char *name;
		unsigned value;
	} names[] = {
		{ "none", 0 },  { "low", 25 },       { "medium", 50 },
		{ "high", 75 }, { "critical", 100 },
	};
	yaml_node_t *n = mission_member(r, map, "criticality");
	const char *s = yaml_file_text(n);
	char *end = NULL;
	unsigned long v;

	if (n == NULL) {
		return 0;
	}
	for (size_t i = 0; s != NULL && i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, s) == 0) {
			return names[i].value;
		}
	}
	v = s != NULL ? strtoul(s, &end, 10) : 0;
	if (s == NULL || end == s || *end != '\0' || v > 100 || *s == '-') {
		yaml_file_fail(
			r->y, n,
			"criticality '%s': give none, low, medium, high, "
			"critical "
			"or a number from 0 to 100",
			s != NULL ? s : "(not a text)");
		return 0;
	}
	return (unsigned)v;
}

double
mission_degrees(struct mission_reader *r, const yaml_node_t *map,
		const char *key, double max)
{
	yaml_node_t *n = mission_member(r, map, key);
	const char *s = yaml_file_text(n);
	char *end = NULL;
	double v;

	if (n == NULL) {
		return NAN;
	}
	v = s != NULL ? strtod(s, &end) : 0;
	if (s == NULL || end == s || *end != '\0' || !(fabs(v) <= max)) {
		yaml_file_fail(r->y, n, "%s: give degrees from -%.0f to %.0f",
			       key, max, max);
		return NAN;
	}
	return v;
}

/* Calls 'fn' for each text of a list, or for the one text. */
void
mission_each_text(struct mission_reader *r, yaml_node_t *list, const char *key,
		  void (*fn)(struct mission_reader *r, const yaml_node_t *n,
			     const char *s, void *arg),
		  void *arg)
{
	if (list == NULL) {
		return;
	}
	if (yaml_file_text(list) != NULL) {
		fn(r, list, yaml_file_text(list), arg);
		return;
	}
	if (list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list, "'%s' must be a list of texts", key);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		yaml_node_t *n = yaml_file_node(r->y, *i);

		if (yaml_file_text(n) == NULL) {
			yaml_file_fail(r->y, n, "'%s' must be a list of texts",
				       key);
			return;
		}
		fn(r, n, yaml_file_text(n), arg);
	}
}

void
mission_each_item(struct mission_reader *r, yaml_node_t *root, const char *key,
		  void (*fn)(struct mission_reader *r, yaml_node_t *n))
{
	yaml_node_t *list = mission_member(r, root, key);

	if (list == NULL || r->y->err != ERR_OK) {
		return;
	}
	if (list->type != YAML_SEQUENCE_NODE) {
		yaml_file_fail(r->y, list,
			       "'%s' must be a list ('- name: ...')", key);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->y->err == ERR_OK; i++) {
		fn(r, yaml_file_node(r->y, *i));
	}
}
