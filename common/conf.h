/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.h - settings from a YAML file and --set KEY=VALUE
 *
 * A settings tree is flattened to dotted keys ("stream.reassembly.depth",
 * list items by number: "reputation-files.0").  A later setting replaces an
 * earlier one; a setting of "outputs" as a list forgets the former list.
 *
 * Place    above log.h.
 * Threads  built by one thread, read by any.
 * Memory   heap, freed by conf_free(); strings returned live as long.
 * Cost     cold.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include "common/err.h"

struct conf;

struct conf *conf_new(void); /* NULL when out of memory */
void conf_free(struct conf *c);

/* Reads a YAML 1.1 file; the diag names file, line and column. */
enum err conf_load(struct conf *c, const char *path, struct diag *d) MUST_CHECK;
/* "key=value"; ERR_USAGE when there is no '=' or no key. */
enum err conf_set_arg(struct conf *c, const char *arg,
		      struct diag *d) MUST_CHECK;
enum err conf_set(struct conf *c, const char *key,
		  const char *value) MUST_CHECK;

/* NULL / 'fallback' when the key is not set. */
const char *conf_get(const struct conf *c, const char *key);
/* The same, NULL also when it is set to nothing: of what is switched on by being
 * named, so that "--set metrics.listen=" switches off what a file sets. */
const char *conf_named(const struct conf *c, const char *key);
const char *conf_str(const struct conf *c, const char *key,
		     const char *fallback);
/* yes/no, true/false, on/off, 1/0, enabled/disabled, as Suricata reads them. */
bool conf_bool(const struct conf *c, const char *key, bool fallback);
/* Numbers and sizes with kb, mb, gb (1024-based); out of [min,max] clamps. */
uint64_t conf_u64(const struct conf *c, const char *key, uint64_t fallback,
		  uint64_t min, uint64_t max);
/* Whether 'key' or anything below it is set. */
bool conf_has(const struct conf *c, const char *key);

/* Calls 'fn' for each leaf whose key begins with 'prefix' ("" is all). */
void conf_each(const struct conf *c, const char *prefix,
	       void (*fn)(void *arg, const char *key, const char *value),
	       void *arg);

/* A row per setting a program knows: drives checks and the manual. */
struct conf_key {
	const char *key; /* "spool.max-size"; a final ".*" covers a subtree */
	const char
		*type; /* "string", "bool", "size", "number", "list", "map" */
	const char *fallback;
	const char *help;
};

/*
 * Checks every key set against 'keys'.  An unknown key below one of the
 * 'own' top-level names (NULL-terminated) is an error in 'd' (ERR_USAGE);
 * any other unknown key is only counted, and logged once in sum.  The message
 * has file and line of the file read last, and 'manual', the page to read.
 */
enum err conf_check(const struct conf *c, const struct conf_key *keys,
		    size_t n_keys, const char *const *own, const char *manual,
		    struct diag *d) MUST_CHECK;

#endif
