/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset.h - named sets of values that rules ask for and change
 *
 * A set is declared by a rule or in the settings, filled from a file, and
 * asked for the bytes of a buffer.  A set that no loaded rule changes is read
 * only and is asked where rules match; the others are copied into
 * shared_state.h, where they change in packet order.
 *
 * Place    above rule_file.h and common/conf.h; below rule_prog's users.
 * Threads  built by one thread; sets of a ruleset are read only from then on.
 * Memory   heap: 56 bytes a value, and its bytes when it is a string; below
 *          the set's memcap, where it has one.
 * Cost     a look-up is one hash of the value.
 */
#ifndef RULES_DATASET_H
#define RULES_DATASET_H

#include "common/addr.h"
#include "common/conf.h"
#include "rules/keyhash.h"

#define DATASET_MAX_VALUE ((size_t)65535) /* bytes of one string */
#define DATASET_MAX_JSON ((size_t)65536) /* bytes of what belongs to a value */
#define DATASET_MAX_NAME 63
#define DATASET_SMALL 32 /* bytes of the longest value of fixed size */

enum dataset_type {
	DATASET_NONE,
	DATASET_STRING,
	DATASET_MD5,
	DATASET_SHA256,
	DATASET_IPV4,
	DATASET_IP, /* IPv4 addresses stand as IPv4-mapped (RFC 4291 2.5.5.2) */
};

enum dataset_format { DATASET_CSV, DATASET_JSON, DATASET_NDJSON };

struct dataset_value {
	uint32_t len, hash;
	uint16_t rep; /* datarep's number */
	bool live; /* false: taken out; its place waits for its return */
	union {
		uint8_t small[DATASET_SMALL]; /* len <= DATASET_SMALL */
		uint8_t *large; /* heap */
	};
	char *json; /* one line, heap; or NULL */
};

/* Values in the order in which they came, and an index by hash. */
struct dataset_table {
	struct keyhash hash;
	struct dataset_value *v;
	uint32_t n, cap, n_dead;
	uint32_t *index; /* place in 'v' + 1; 0 is free */
	uint32_t n_index;
	size_t bytes, memcap; /* memcap 0: no bound but memory's */
};

/* ERR_IO when the system gives no secret. */
enum err dataset_table_init(struct dataset_table *t, size_t memcap) MUST_CHECK;
void dataset_table_fini(struct dataset_table *t);
/* NULL when 'key' is not in 't'. */
const struct dataset_value *dataset_table_find(const struct dataset_table *t,
					       struct view key);
/*
 * ERR_OK: new; '*out' is good until the next change.  ERR_AGAIN: it was there
 * already.  ERR_LIMIT: memcap is reached.  ERR_NOMEM.
 */
enum err dataset_table_add(struct dataset_table *t, struct view key,
			   struct dataset_value **out) MUST_CHECK;
/* False when it was not there. */
bool dataset_table_remove(struct dataset_table *t, struct view key);

static inline struct view
dataset_value_bytes(const struct dataset_value *v)
{
	return view_of(v->len <= DATASET_SMALL ? v->small : v->large, v->len);
}

/* What a rule or the settings say of a set; strings may be NULL. */
struct dataset_spec {
	enum dataset_type type;
	enum dataset_format format;
	struct view load, save, state; /* file names as written */
	struct view value_key, array_key;
	bool remove_key;
	bool rep; /* datarep: values carry a number */
	uint64_t memcap, hashsize; /* 0: not said */
};

struct dataset {
	char name[DATASET_MAX_NAME + 1];
	enum dataset_type type;
	enum dataset_format format;
	bool rep;
	bool inherited; /* rules of the former set changed it */
	bool changes; /* a loaded rule sets or unsets in it; or inherited */
	uint32_t number; /* among those that change */
	uint64_t memcap; /* of the values that traffic adds */
	char *load, *save; /* paths to open; NULL: none */
	struct dataset_table table;
	struct dataset *next; /* in order of declaration */
};

enum dataset_cmd {
	DATASET_ISSET,
	DATASET_ISNOTSET,
	DATASET_SET, /* holds when the value is new */
	DATASET_UNSET, /* holds when it was there */
	DATASET_REP, /* datarep: 'compare' with 'rep' */
};

/* What a rule asks of a set. */
struct dataset_op {
	uint8_t cmd; /* enum dataset_cmd */
	char compare; /* '<', '>' or '=' */
	uint16_t rep;
	bool subdomain; /* the value, or a domain above it */
	const char *context; /* the key of its JSON in the alert, or NULL */
	struct dataset *set;
};

/* All sets of one ruleset. */
struct dataset_catalog {
	const struct conf *conf; /* while rules are read; or NULL */
	struct dataset *first, *last;
	uint64_t hashsizes; /* sum, for datasets.limits */
};

/* Declares the sets of the settings ("datasets.NAME.type" and so on). */
enum err dataset_catalog_init(struct dataset_catalog *c,
			      const struct conf *conf,
			      struct diag *d) MUST_CHECK;
void dataset_catalog_fini(struct dataset_catalog *c);
/*
 * The set 'name' as a rule of a file in 'rule_dir' declares it, loaded when it
 * is new.  A set that is there already must be of the same kind.  ERR_FORMAT
 * and the like with the reason; a refused set leaves nothing behind.
 */
enum err dataset_declare(struct dataset_catalog *c, struct view name,
			 const struct dataset_spec *spec, const char *rule_dir,
			 struct dataset **out, struct diag *d) MUST_CHECK;

enum dataset_type dataset_type_of(struct view word);
/*
 * The bytes by which 'data', a buffer's, is known in a set of 'type'; 'room'
 * holds them where they change.  False: it cannot be in such a set.
 */
bool dataset_key(enum dataset_type type, struct view data, uint8_t room[16],
		 struct view *key);

/*
 * Does the test 'op' (not set, not unset) hold for a buffer's 'data' in 't'?
 * '*found', when not NULL, is the value that was met, or NULL.
 */
bool dataset_holds(const struct dataset_table *t, const struct dataset_op *op,
		   struct view data, const struct dataset_value **found);

/*
 * Reads 'text' (a file's) into 'set'; 'name' is the file's for messages, which
 * give the line.  Any bad line refuses the file.
 */
enum err dataset_read(struct dataset *set, const struct dataset_spec *spec,
		      struct view text, const char *name,
		      struct diag *d) MUST_CHECK;
/* Writes 'table' to set->save, by way of a file beside it and rename(2). */
enum err dataset_write(const struct dataset *set,
		       const struct dataset_table *table,
		       struct diag *d) MUST_CHECK;
/* Whether that can be hoped for: ERR_IO with diag when the directory of
 * set->save is not there or may not be written. */
enum err dataset_can_write(const struct dataset *set,
			   struct diag *d) MUST_CHECK;

#endif
