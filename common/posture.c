/* SPDX-License-Identifier: Apache-2.0 */
#include "common/posture.h"

#include <stdlib.h>

static const struct posture_key keys[] = {
	{ "consult.level", POSTURE_COLLECTOR, POSTURE_NUMBER, 1, 5 },
	{ "correlate.window", POSTURE_COLLECTOR, POSTURE_NUMBER, 3600,
	  31536000 },
	{ "correlate.min-sites", POSTURE_COLLECTOR, POSTURE_NUMBER, 2, 1000 },
	{ "correlate.min-owners", POSTURE_COLLECTOR, POSTURE_NUMBER, 2, 16 },
	{ "correlate.min-stages", POSTURE_COLLECTOR, POSTURE_NUMBER, 2, 14 },
	{ "detect.thresholds.percent", POSTURE_SENSOR, POSTURE_NUMBER, 1,
	  10000 },
	{ "eve.alert.http-body", POSTURE_SENSOR, POSTURE_BOOL, 0, 0 },
	{ "eve.alert.http-body-printable", POSTURE_SENSOR, POSTURE_BOOL, 0, 0 },
	{ "eve.alert.payload", POSTURE_SENSOR, POSTURE_BOOL, 0, 0 },
	{ "eve.alert.payload-printable", POSTURE_SENSOR, POSTURE_BOOL, 0, 0 },
	{ "eve.types", POSTURE_SENSOR, POSTURE_EVENTS, 0, 0 },
	{ "evidence.mode", POSTURE_SENSOR, POSTURE_EVIDENCE, 0, 0 },
	{ "forward.batch-ms", POSTURE_SENSOR, POSTURE_NUMBER, 10, 60000 },
	{ "forward.presence-ms", POSTURE_SENSOR, POSTURE_NUMBER, 200, 10000 },
	{ "forward.types", POSTURE_SENSOR, POSTURE_EVENTS, 0, 0 },
	{ "ledger.interval", POSTURE_SENSOR, POSTURE_NUMBER, 1, 3600 },
	{ "packet-alert-max", POSTURE_SENSOR, POSTURE_NUMBER, 1, 65535 },
	{ "stats.interval", POSTURE_SENSOR, POSTURE_NUMBER, 0, 86400 },
};

const struct posture_key *
posture_key_at(unsigned i)
{
	return i < ARRAY_LEN(keys) ? &keys[i] : NULL;
}

const struct posture_key *
posture_key_find(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, key) == 0) {
			return &keys[i];
		}
	}
	return NULL;
}

static bool
read_number(const char *text, uint64_t *out)
{
	size_t n = strspn(text, "0123456789");

	*out = strtoull(text, NULL, 10);
	return n > 0 && n < 19 && text[n] == '\0';
}

static bool
read_bool(const char *text, bool *out)
{
	*out = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 ||
	       strcmp(text, "on") == 0;
	return *out || strcmp(text, "no") == 0 || strcmp(text, "false") == 0 ||
	       strcmp(text, "off") == 0;
}

/* Names and commas; which names there are the sensor knows. */
static bool
is_list(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz_,")] == '\0' &&
	       text[0] != '\0';
}

/* Which packets a sensor keeps as evidence. */
static bool
is_mode(const char *text)
{
	return strcmp(text, "none") == 0 || strcmp(text, "alerts") == 0 ||
	       strcmp(text, "flows") == 0;
}

enum err
posture_setting_check(const char *key, const char *value, struct diag *d)
{
	const struct posture_key *k = posture_key_find(key);
	uint64_t n;
	bool on;

	if (k == NULL) {
		return diag_set(d, ERR_USAGE,
				"'%.60s' is no setting that a posture may "
				"change (picket-collector(8) lists them)",
				key);
	}
	switch (k->type) {
	case POSTURE_NUMBER:
		if (!read_number(value, &n) || n < k->min || n > k->max) {
			return diag_set(d, ERR_USAGE,
					"%s: '%.60s' is no number from %llu "
					"to %llu",
					key, value, (unsigned long long)k->min,
					(unsigned long long)k->max);
		}
		break;
	case POSTURE_BOOL:
		if (!read_bool(value, &on)) {
			return diag_set(d, ERR_USAGE,
					"%s: '%.60s' is neither yes nor no",
					key, value);
		}
		break;
	case POSTURE_EVENTS:
		if (!is_list(value)) {
			return diag_set(d, ERR_USAGE,
					"%s: '%.60s' is no list of event types "
					"parted by commas",
					key, value);
		}
		break;
	case POSTURE_EVIDENCE:
		if (!is_mode(value)) {
			return diag_set(d, ERR_USAGE,
					"%s: '%.60s' is none of none, alerts "
					"and flows",
					key, value);
		}
		break;
	}
	return ERR_OK;
}

bool
posture_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < POSTURE_NAME_CAP &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

enum err
posture_set(struct posture *p, const char *key, const char *value,
	    struct diag *d)
{
	struct posture_setting *s = NULL;
	enum err e = posture_setting_check(key, value, d);

	if (e != ERR_OK) {
		return e;
	}
	for (unsigned i = 0; i < p->n; i++) {
		if (strcmp(p->setting[i].key, key) == 0) {
			s = &p->setting[i];
		}
	}
	if (strlen(value) >= POSTURE_VALUE_CAP ||
	    strlen(key) >= POSTURE_KEY_CAP ||
	    (s == NULL && p->n == POSTURE_MAX_SETTINGS)) {
		return diag_set(d, ERR_LIMIT,
				"%s: too long a value, or one setting too many",
				key);
	}
	s = s != NULL ? s : &p->setting[p->n++];
	memcpy(s->key, key, strlen(key) + 1);
	memcpy(s->value, value, strlen(value) + 1);
	return ERR_OK;
}

const char *
posture_get(const struct posture *p, const char *key)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (strcmp(p->setting[i].key, key) == 0) {
			return p->setting[i].value;
		}
	}
	return NULL;
}

uint64_t
posture_number(const struct posture *p, const char *key, uint64_t fallback)
{
	const char *v = posture_get(p, key);
	uint64_t n;

	return v != NULL && read_number(v, &n) ? n : fallback;
}

bool
posture_bool(const struct posture *p, const char *key, bool fallback)
{
	const char *v = posture_get(p, key);
	bool on;

	return v != NULL && read_bool(v, &on) ? on : fallback;
}

bool
posture_same(const struct posture *a, const struct posture *b)
{
	if (strcmp(a->level, b->level) != 0 || a->number != b->number ||
	    a->n != b->n) {
		return false;
	}
	for (unsigned i = 0; i < a->n; i++) {
		const char *v = posture_get(b, a->setting[i].key);

		if (v == NULL || strcmp(v, a->setting[i].value) != 0) {
			return false;
		}
	}
	return true;
}

void
posture_write(struct json *j, const struct posture *p, enum posture_side side)
{
	json_cstr(j, "level", p->level);
	json_u64(j, "number", p->number);
	json_obj(j, "settings");
	for (unsigned i = 0; i < p->n; i++) {
		const struct posture_setting *s = &p->setting[i];
		const struct posture_key *k = posture_key_find(s->key);

		if (k != NULL && k->side == side) {
			json_cstr(j, s->key, s->value);
		}
	}
	json_obj_end(j);
}

/* A text without NUL inside that fits; false otherwise. */
static bool
copy_text(struct view text, char *out, size_t cap)
{
	if (text.len >= cap ||
	    (text.len > 0 && memchr(text.p, '\0', text.len) != NULL)) {
		return false;
	}
	if (text.len > 0) {
		memcpy(out, text.p, text.len);
	}
	out[text.len] = '\0';
	return true;
}

static bool
read_settings(const struct json_reader *r, const struct json_value *obj,
	      struct posture *out, struct diag *d)
{
	for (const struct json_value *v = json_first(r, obj); v != NULL;
	     v = json_next(r, obj, v)) {
		char key[POSTURE_KEY_CAP], value[POSTURE_VALUE_CAP];

		if (v->type != JSON_STRING ||
		    !copy_text(v->name, key, sizeof(key)) ||
		    !copy_text(v->text, value, sizeof(value))) {
			diag_set(d, ERR_FORMAT,
				 "a setting is no text of at most %d bytes",
				 POSTURE_VALUE_CAP - 1);
			return false;
		}
		if (posture_set(out, key, value, d) != ERR_OK) {
			return false;
		}
	}
	return true;
}

bool
posture_read(const struct json_reader *r, const struct json_value *obj,
	     struct posture *out, struct diag *d)
{
	const struct json_value *level = json_member(r, obj, VIEW_LIT("level"));
	const struct json_value *number =
		json_member(r, obj, VIEW_LIT("number"));
	const struct json_value *settings =
		json_member(r, obj, VIEW_LIT("settings"));
	uint64_t n = 0;

	memset(out, 0, sizeof(*out));
	if (level == NULL || level->type != JSON_STRING ||
	    !copy_text(level->text, out->level, sizeof(out->level)) ||
	    !posture_name_ok(out->level)) {
		diag_set(d, ERR_FORMAT, "no name of a level");
		return false;
	}
	if (number == NULL || !json_uint(number, 255, &n)) {
		diag_set(d, ERR_FORMAT, "no number of a level, 0 to 255");
		return false;
	}
	out->number = (unsigned)n;
	if (settings == NULL || settings->type != JSON_OBJECT) {
		diag_set(d, ERR_FORMAT, "no settings");
		return false;
	}
	return read_settings(r, settings, out, d);
}
