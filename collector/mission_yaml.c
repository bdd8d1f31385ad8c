/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission_yaml.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
mission_fail(struct mission_reader *r, const yaml_node_t *n, const char *fmt,
	     ...)
{
	char what[384];
	va_list ap;

	if (r->err != ERR_OK) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	r->err = diag_set(r->d, ERR_FORMAT, "%s:%zu: %s", r->path,
			  n != NULL ? n->start_mark.line + 1 : 1, what);
}

void
mission_no_memory(struct mission_reader *r)
{
	if (r->err == ERR_OK) {
		r->err =
			diag_set(r->d, ERR_NOMEM, "%s: out of memory", r->path);
	}
}

/* One more element at the end of an array of 'size' bytes each, zeroed. */
void *
mission_grow(struct mission_reader *r, void **array, unsigned *n, size_t size)
{
	void *p;

	if (*n >= MISSION_MAX_ITEMS) {
		mission_fail(r, NULL,
			     "more than %d items of a kind: join networks",
			     MISSION_MAX_ITEMS);
		return NULL;
	}
	/* Doubling at powers of two keeps the cost linear. */
	if ((*n & (*n - 1)) == 0) {
		p = realloc(*array, (size_t)(*n == 0 ? 1 : *n * 2) * size);
		if (p == NULL) {
			mission_no_memory(r);
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
mission_node(struct mission_reader *r, int id)
{
	return yaml_document_get_node(&r->doc, id);
}

const char *
mission_scalar(const yaml_node_t *n)
{
	return n != NULL && n->type == YAML_SCALAR_NODE
		       ? (const char *)n->data.scalar.value
		       : NULL;
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
		const char *k = mission_scalar(mission_node(r, p->key));

		if (k != NULL && strcmp(k, key) == 0) {
			return mission_node(r, p->value);
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
		mission_fail(r, map, "%s: expected 'key: value' pairs", what);
		return;
	}
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *kn = mission_node(r, p->key);
		const char *k = mission_scalar(kn);
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
			mission_fail(
				r, kn, "%s: unknown key '%s': use one of %s",
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
	const char *s = mission_scalar(n);
	char *copy;

	if (n == NULL && !needed) {
		s = "";
	} else if (s == NULL || (needed && *s == '\0')) {
		mission_fail(r, n != NULL ? n : map, "'%s' must be a text",
			     key);
		return NULL;
	}
	copy = strdup(s);
	if (copy == NULL) {
		mission_no_memory(r);
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
	const char *s = mission_scalar(n);
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
		mission_fail(r, n,
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
	const char *s = mission_scalar(n);
	char *end = NULL;
	double v;

	if (n == NULL) {
		return NAN;
	}
	v = s != NULL ? strtod(s, &end) : 0;
	if (s == NULL || end == s || *end != '\0' || !(fabs(v) <= max)) {
		mission_fail(r, n, "%s: give degrees from -%.0f to %.0f", key,
			     max, max);
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
	if (mission_scalar(list) != NULL) {
		fn(r, list, mission_scalar(list), arg);
		return;
	}
	if (list->type != YAML_SEQUENCE_NODE) {
		mission_fail(r, list, "'%s' must be a list of texts", key);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		yaml_node_t *n = mission_node(r, *i);

		if (mission_scalar(n) == NULL) {
			mission_fail(r, n, "'%s' must be a list of texts", key);
			return;
		}
		fn(r, n, mission_scalar(n), arg);
	}
}

void
mission_each_item(struct mission_reader *r, yaml_node_t *root, const char *key,
		  void (*fn)(struct mission_reader *r, yaml_node_t *n))
{
	yaml_node_t *list = mission_member(r, root, key);

	if (list == NULL || r->err != ERR_OK) {
		return;
	}
	if (list->type != YAML_SEQUENCE_NODE) {
		mission_fail(r, list, "'%s' must be a list ('- name: ...')",
			     key);
		return;
	}
	for (yaml_node_item_t *i = list->data.sequence.items.start;
	     i < list->data.sequence.items.top && r->err == ERR_OK; i++) {
		fn(r, mission_node(r, *i));
	}
}
