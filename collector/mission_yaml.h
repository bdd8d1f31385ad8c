/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mission_yaml.h - texts, numbers and lists of a mission map's YAML
 *
 * The first thing that is wrong is kept, with file, line and mend; what comes
 * after it is not looked at.  A caller therefore reads all it wants and asks
 * for 'err' of the file once.
 *
 * Place    mission's own: above mission_map.h, below mission_read.c.
 * Threads  one.
 * Memory   texts are copies for the map; nodes belong to the document.
 */
#ifndef COLLECTOR_MISSION_YAML_H
#define COLLECTOR_MISSION_YAML_H

#include "collector/mission_map.h"
#include "collector/yaml_file.h"

/* The map that is made, and the document that it is made of. */
struct mission_reader {
	struct mission_map *map;
	struct yaml_file *y;
};

/* One more element at the end of an array of 'size' bytes each, zeroed; NULL
 * and an error at MISSION_MAX_ITEMS or when out of memory. */
void *mission_grow(struct mission_reader *r, void **array, unsigned *n,
		   size_t size);

#define MISSION_GROW(r, array, n) \
	mission_grow(r, (void **)&(array), &(n), sizeof(*(array)))

/* The value of a key; NULL when 'map' is no mapping or has no such key. */
yaml_node_t *mission_member(struct mission_reader *r, const yaml_node_t *map,
			    const char *key);
/* Refuses keys that are not in the NULL-terminated list: a misspelt key
 * would otherwise silently leave an asset without protection. */
void mission_check_keys(struct mission_reader *r, const yaml_node_t *map,
			const char *what, const char *const *known);

/* A copy of the text of a key; "" when it is not there and not 'needed', NULL
 * with an error. */
char *mission_text(struct mission_reader *r, const yaml_node_t *map,
		   const char *key, bool needed);
/* 0 to 100; 0 when not given or wrong. */
unsigned mission_criticality(struct mission_reader *r, const yaml_node_t *map);
/* From -'max' to 'max'; NAN when not given or wrong. */
double mission_degrees(struct mission_reader *r, const yaml_node_t *map,
		       const char *key, double max);

/* "tlp" and "releasable_to" of 'map', on the heap; NULL when it has none, or
 * with an error. */
struct marking *mission_mark(struct mission_reader *r, const yaml_node_t *map);

/* Calls 'fn' for each text of a list, or for the one text. */
void
mission_each_text(struct mission_reader *r, yaml_node_t *list, const char *key,
		  void (*fn)(struct mission_reader *r, const yaml_node_t *n,
			     const char *s, void *arg),
		  void *arg);
/* Calls 'fn' for each item of the list that 'root' has under 'key'. */
void mission_each_item(struct mission_reader *r, yaml_node_t *root,
		       const char *key,
		       void (*fn)(struct mission_reader *r, yaml_node_t *n));

/*
 * Which services and missions depend on which asset, and how critical that
 * makes it; an error for a name that is nothing.
 */
void mission_resolve(struct mission_reader *r);
/* Once that went well: dependencies by number; an error for a ring of them. */
void mission_link(struct mission_reader *r);

#endif
