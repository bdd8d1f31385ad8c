/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/keyring.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DAY_S 86400
#define PATTERN_CAP 160
#define KEY_CAP 64 /* of a setting's name */

struct entry {
	struct sign_key *key;
	char pattern[PATTERN_CAP]; /* of SITE/SENSOR */
	int64_t from_s, to_s; /* [from, to) */
};

struct keyring {
	enum keyring_mode mode;
	struct entry *keys;
	unsigned n;
	uint8_t (*revoked)[SIGN_ID_BYTES];
	unsigned n_revoked;
	struct sign_key *own; /* NULL: none */
};

void
keyring_free(struct keyring *k)
{
	if (k == NULL) {
		return;
	}
	for (unsigned i = 0; i < k->n; i++) {
		sign_key_free(k->keys[i].key);
	}
	sign_key_free(k->own);
	free(k->keys);
	free(k->revoked);
	free(k);
}

enum keyring_mode
keyring_mode(const struct keyring *k)
{
	return k->mode;
}

struct sign_key *
keyring_own(const struct keyring *k)
{
	return k != NULL ? k->own : NULL;
}

void
keyring_id_text(const uint8_t id[SIGN_ID_BYTES], char out[KEYRING_ID_TEXT])
{
	for (unsigned i = 0; i < SIGN_ID_BYTES; i++) {
		snprintf(out + 2 * (size_t)i, 3, "%02x", id[i]);
	}
}

/* --- settings --- */

/* Row 'n' of a growing array; NULL when there is no memory. */
static void *
grow(void **array, unsigned n, size_t size)
{
	if ((n & (n - 1)) == 0) {
		void *p = realloc(*array, (n == 0 ? 1 : (size_t)n * 2) * size);

		if (p == NULL) {
			return NULL;
		}
		*array = p;
	}
	return (char *)*array + n * size;
}

/* A second in UTC, or a day, to which 'day_s' is added. */
static enum err
read_time(const struct conf *c, const char *name, int64_t day_s, int64_t *out,
	  struct diag *d)
{
	const char *text = conf_get(c, name);
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end != NULL && *end == '\0') {
			*out = timegm(&tm) + (i == 0 ? day_s : 0);
			return ERR_OK;
		}
	}
	return text == NULL ? ERR_OK
			    : diag_set(d, ERR_USAGE,
				       "%s: '%.40s' is no time: write "
				       "2026-12-31 or 2026-12-31T18:00:00Z "
				       "(UTC)",
				       name, text);
}

static enum err
read_pattern(const struct conf *c, const char *name, char out[PATTERN_CAP],
	     struct diag *d)
{
	const char *text = conf_get(c, name);
	const char *slash = text != NULL ? strchr(text, '/') : NULL;

	if (slash == NULL || slash == text || slash[1] == '\0' ||
	    strchr(slash + 1, '/') != NULL || strlen(text) >= PATTERN_CAP) {
		return diag_set(d, ERR_USAGE,
				"%s: '%.160s' is not SITE/SENSOR, such as "
				"hq/tap1 or hq/*",
				name, text != NULL ? text : "");
	}
	memcpy(out, text, strlen(text) + 1);
	return ERR_OK;
}

static enum err
read_key(struct keyring *k, const struct conf *c, unsigned i, struct diag *d)
{
	struct entry *en = grow((void **)&k->keys, k->n, sizeof(*k->keys));
	char name[KEY_CAP];
	const char *file;
	enum err e;

	if (en == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	*en = (struct entry){ .from_s = INT64_MIN, .to_s = INT64_MAX };
	k->n++;
	snprintf(name, sizeof(name), "ingest.keys.%u.sensor", i);
	e = read_pattern(c, name, en->pattern, d);
	snprintf(name, sizeof(name), "ingest.keys.%u.not-before", i);
	if (e == ERR_OK) {
		e = read_time(c, name, 0, &en->from_s, d);
	}
	snprintf(name, sizeof(name), "ingest.keys.%u.not-after", i);
	if (e == ERR_OK) {
		e = read_time(c, name, DAY_S, &en->to_s, d);
	}
	snprintf(name, sizeof(name), "ingest.keys.%u.key", i);
	file = conf_get(c, name);
	if (e == ERR_OK && file == NULL) {
		e = diag_set(d, ERR_USAGE,
			     "%s is missing: name the file of the public key "
			     "of %s, or hmac: and the file of its secret",
			     name, en->pattern);
	}
	return e == ERR_OK ? sign_key_load_any(&en->key, file, false, d) : e;
}

static bool
read_hex(const char *text, uint8_t id[SIGN_ID_BYTES])
{
	if (strlen(text) != KEYRING_ID_TEXT - 1 ||
	    strspn(text, "0123456789abcdefABCDEF") != KEYRING_ID_TEXT - 1) {
		return false;
	}
	for (unsigned i = 0; i < SIGN_ID_BYTES; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], '\0' };

		id[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return true;
}

/* By its name in hexadecimal, or by its file. */
static enum err
read_revoked(struct keyring *k, const char *text, struct diag *d)
{
	uint8_t *id = grow((void **)&k->revoked, k->n_revoked, SIGN_ID_BYTES);
	struct sign_key *key;
	enum err e;

	if (id == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (!read_hex(text, id)) {
		e = sign_key_load_any(&key, text, false, d);
		if (e != ERR_OK) {
			return e;
		}
		memcpy(id, sign_key_id(key), SIGN_ID_BYTES);
		sign_key_free(key);
	}
	k->n_revoked++;
	return ERR_OK;
}

static enum err
read_mode(struct keyring *k, const struct conf *c, struct diag *d)
{
	static const char *const names[] = { [KEYRING_OFF] = "off",
					     [KEYRING_ACCEPT] = "accept",
					     [KEYRING_REQUIRE] = "require" };
	const char *text = conf_str(c, "ingest.signatures", "off");

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			k->mode = (enum keyring_mode)i;
			return ERR_OK;
		}
	}
	/* YAML 1.1 has words of its own for "off". */
	if (strcmp(text, "no") == 0 || strcmp(text, "false") == 0) {
		return ERR_OK;
	}
	return diag_set(d, ERR_USAGE,
			"ingest.signatures: '%.32s' is none of off, accept "
			"and require",
			text);
}

struct spelling {
	const char *bad;
};

/* Finds what a misspelt key of a list would silently leave out. */
static void
check_spelling(void *arg, const char *key, const char *value)
{
	static const char *const leaves[] = { ".sensor", ".key", ".not-before",
					      ".not-after" };
	struct spelling *s = arg;
	const char *leaf = key + strlen("ingest.keys.");

	(void)value;
	leaf += strspn(leaf, "0123456789");
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		if (strcmp(leaf, leaves[i]) == 0) {
			return;
		}
	}
	s->bad = key;
}

static enum err
read_keys(struct keyring *k, const struct conf *c, struct diag *d)
{
	struct spelling s = { NULL };
	char name[KEY_CAP];
	enum err e = ERR_OK;

	conf_each(c, "ingest.keys.", check_spelling, &s);
	if (s.bad != NULL) {
		return diag_set(d, ERR_USAGE,
				"%s: a key has sensor, key, not-before and "
				"not-after",
				s.bad);
	}
	for (unsigned i = 0; e == ERR_OK; i++) {
		snprintf(name, sizeof(name), "ingest.keys.%u", i);
		if (!conf_has(c, name)) {
			break;
		}
		e = i < KEYRING_MAX_KEYS
			    ? read_key(k, c, i, d)
			    : diag_set(d, ERR_LIMIT,
				       "ingest.keys: more than %d keys",
				       KEYRING_MAX_KEYS);
	}
	for (unsigned i = 0; e == ERR_OK; i++) {
		const char *text;

		snprintf(name, sizeof(name), "ingest.revoked.%u", i);
		text = conf_get(c, name);
		if (text == NULL) {
			break;
		}
		e = read_revoked(k, text, d);
	}
	return e;
}

enum err
keyring_load(struct keyring **out, const struct conf *c, struct diag *d)
{
	struct keyring *k = calloc(1, sizeof(*k));
	enum err e;

	*out = NULL;
	if (k == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = read_mode(k, c, d);
	if (e == ERR_OK) {
		e = read_keys(k, c, d);
	}
	if (e == ERR_OK && conf_has(c, "ingest.sign-key")) {
		e = sign_key_load_any(
			&k->own, conf_str(c, "ingest.sign-key", ""), true, d);
	}
	if (e == ERR_OK && k->mode == KEYRING_REQUIRE && k->n == 0) {
		e = diag_set(d, ERR_USAGE,
			     "ingest.signatures: require, but ingest.keys "
			     "names no key: every batch would be refused");
	}
	if (e != ERR_OK) {
		keyring_free(k);
		return e;
	}
	*out = k;
	return ERR_OK;
}

/* --- batches --- */

static bool
is_revoked(const struct keyring *k, const uint8_t *id)
{
	for (unsigned i = 0; i < k->n_revoked; i++) {
		if (memcmp(k->revoked[i], id, SIGN_ID_BYTES) == 0) {
			return true;
		}
	}
	return false;
}

static bool
is_meant(const struct entry *en, struct view name)
{
	char text[PATTERN_CAP];

	if (name.len >= sizeof(text)) {
		return false;
	}
	memcpy(text, name.p, name.len);
	text[name.len] = '\0';
	return fnmatch(en->pattern, text, FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

/*
 * The same key may stand there for several sensors and times.  The worst that
 * is said of it is the nearest to letting it in.
 */
static enum keyring_verdict
find(const struct keyring *k, struct view name, const struct frame_mac *m,
     int64_t now_s, struct sign_key **key)
{
	enum keyring_verdict v = KEYRING_UNKNOWN;

	for (unsigned i = 0; i < k->n; i++) {
		const struct entry *en = &k->keys[i];

		if (sign_key_alg(en->key) != m->alg ||
		    memcmp(sign_key_id(en->key), m->id, SIGN_ID_BYTES) != 0) {
			continue;
		}
		if (!is_meant(en, name)) {
			v = v == KEYRING_UNKNOWN ? KEYRING_FOREIGN : v;
		} else if (now_s < en->from_s || now_s >= en->to_s) {
			v = KEYRING_EXPIRED;
		} else {
			*key = en->key;
			return KEYRING_SIGNED;
		}
	}
	return v;
}

/* All but the signature itself: what says of whom it is.  KEYRING_SIGNED: '*key'
 * may sign, and '*m' is to be checked with it. */
static enum keyring_verdict
judge_mac(const struct keyring *k, struct view name, struct view mac,
	  int64_t now_s, char id[KEYRING_ID_TEXT], struct sign_key **key,
	  struct frame_mac *m)
{
	id[0] = '\0';
	if (k->mode == KEYRING_OFF) {
		return KEYRING_PASSED;
	}
	if (mac.p == NULL) {
		return k->mode == KEYRING_REQUIRE ? KEYRING_UNSIGNED
						  : KEYRING_PASSED;
	}
	if (!frame_mac_read(mac, m)) {
		return KEYRING_MALFORMED;
	}
	keyring_id_text(m->id, id);
	return is_revoked(k, m->id) ? KEYRING_REVOKED
				    : find(k, name, m, now_s, key);
}

enum keyring_verdict
keyring_judge(struct keyring *k, struct view name, const struct ingest_entry *e,
	      const struct inflated *f, int64_t now_s, char id[KEYRING_ID_TEXT])
{
	struct frame_claim claim = {
		.name = name,
		.hdr = &f->h,
		.gap_from = f->gap_from,
		.gap_to = f->gap_to,
		.gap_n = f->gap_n,
		.enc = e->enc,
		.data = e->data,
	};
	struct sign_key *key = NULL;
	struct frame_mac m;
	enum keyring_verdict v;

	if (k->mode != KEYRING_OFF && e->mac.p != NULL &&
	    e->data.len > FRAME_MAX_DATA) {
		id[0] = '\0';
		return KEYRING_MALFORMED;
	}
	v = judge_mac(k, name, e->mac, now_s, id, &key, &m);
	return v != KEYRING_SIGNED || frame_sign_check(key, &claim, &m)
		       ? v
		       : KEYRING_FORGED;
}

enum keyring_verdict
keyring_judge_presence(struct keyring *k, struct view name,
		       struct ingest_presence *p, int64_t now_s,
		       char id[KEYRING_ID_TEXT])
{
	struct view text = ingest_presence_field(p, PRESENCE_MAC);
	struct view list = ingest_presence_field(p, PRESENCE_SIGNED);
	struct sign_key *key = NULL;
	uint8_t mac[FRAME_MAC_MAX];
	size_t len = 0;
	struct frame_mac m;
	enum keyring_verdict v;

	/* What is no mac at all is judged as an empty one: malformed. */
	if (text.p != NULL && !frame_mac_unhex(text, mac, &len)) {
		len = 0;
	}
	v = judge_mac(k, name, text.p != NULL ? view_of(mac, len) : VIEW_NONE,
		      now_s, id, &key, &m);
	if (v != KEYRING_SIGNED) {
		return v;
	}
	return presence_pick(list, p->field, &p->n) &&
			       presence_check(key, name, p->field, p->n, &m)
		       ? KEYRING_SIGNED
		       : KEYRING_FORGED;
}
