/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posture.h - a level of readiness, and the settings that it changes
 *
 * A level has a name, a number that grows with readiness (0 is peacetime), and
 * values for some settings that may change while the programs run.  What a
 * level does not name is as the program's own settings have it.
 *
 * Place    above json.h, json_read.h; below control.h.
 * Threads  pure functions on caller's memory.
 * Memory   fixed size.
 * Cost     cold.
 */
#ifndef COMMON_POSTURE_H
#define COMMON_POSTURE_H

#include "common/err.h"
#include "common/json.h"
#include "common/json_read.h"

#define POSTURE_NAME_CAP 32
#define POSTURE_KEY_CAP 40
#define POSTURE_VALUE_CAP 120
#define POSTURE_MAX_SETTINGS 24

struct posture_setting {
	char key[POSTURE_KEY_CAP], value[POSTURE_VALUE_CAP];
};

struct posture {
	char level[POSTURE_NAME_CAP]; /* letters, digits, '.', '_', '-' */
	unsigned number; /* 0 to 255 */
	unsigned n;
	struct posture_setting setting[POSTURE_MAX_SETTINGS];
};

/* Who obeys a setting. */
enum posture_side { POSTURE_SENSOR, POSTURE_COLLECTOR };

/* A setting that a level may change; the sensor's or the collector's own table
 * of settings says what it means. */
struct posture_key {
	const char *key;
	enum posture_side side;
	enum {
		POSTURE_NUMBER,
		POSTURE_BOOL,
		POSTURE_EVENTS,
		POSTURE_EVIDENCE
	} type;
	uint64_t min, max; /* of a number */
};
const struct posture_key *posture_key_find(const char *key);
/* The table, to be listed: NULL behind the last. */
const struct posture_key *posture_key_at(unsigned i);
/* ERR_USAGE with diag: no such setting, or no such value of it. */
enum err posture_setting_check(const char *key, const char *value,
			       struct diag *d) MUST_CHECK;

bool posture_name_ok(const char *name);
/*
 * Adds a checked setting, or replaces the former value.  ERR_USAGE with diag as
 * posture_setting_check(); ERR_LIMIT: too many, or too long.
 */
enum err posture_set(struct posture *p, const char *key, const char *value,
		     struct diag *d) MUST_CHECK;
/* The value, or NULL: the level does not say. */
const char *posture_get(const struct posture *p, const char *key);
/* The same as a number or truth; 'fallback' when it does not say. */
uint64_t posture_number(const struct posture *p, const char *key,
			uint64_t fallback);
bool posture_bool(const struct posture *p, const char *key, bool fallback);
bool posture_same(const struct posture *a, const struct posture *b);

/* The members "level", "number" and "settings" (those of 'side' only) of the
 * object that is open. */
void posture_write(struct json *j, const struct posture *p,
		   enum posture_side side);
/*
 * Reads these members of 'obj'.  False: no level that this program could keep
 * in full; 'd' says why.
 */
bool posture_read(const struct json_reader *r, const struct json_value *obj,
		  struct posture *out, struct diag *d) MUST_CHECK;

#endif
