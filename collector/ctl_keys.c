/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_keys.h"

#include <inttypes.h>

#include "collector/keyring.h"

#define PATH_CAP 512

/* SITE/SENSOR of letters that may stand in a stream's name and a file's. */
static enum err
check_name(const char *name, struct diag *d)
{
	const char *slash = strchr(name, '/');
	size_t site = slash != NULL ? (size_t)(slash - name) : 0;
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	if (site == 0 || site >= INGEST_NAME_CAP ||
	    strspn(name, letters) != site || name[0] == '.' ||
	    slash[1] == '.' || slash[1] == '\0' ||
	    strlen(slash + 1) >= INGEST_NAME_CAP ||
	    strspn(slash + 1, letters) != strlen(slash + 1)) {
		return diag_set(
			d, ERR_USAGE,
			"--sensor: '%.64s' is not SITE/SENSOR (letters, "
			"digits and ._- each)",
			name);
	}
	return ERR_OK;
}

static void
say_control(struct ctl *c, const char *path)
{
	fprintf(c->text.out,
		"%s (the private key) signs; keep it: orders and indicators "
		"for sensors, as the collector's control.sign-key and --key of "
		"picketctl rules; or committed points, as its ingest.sign-key; "
		"or what partners get, as its exchange.sign-key; or "
		"checkpoints of the audit log, as --key of picketctl audit\n",
		ctl_clean(&c->text, path));
	fprintf(c->text.out,
		"%s.pub (the public key) goes to who checks: the sensors' "
		"control.public-key; or their forward.sign.collector-key; or "
		"the partner's exchange.partners.NAME.public-key; or --key of "
		"picketctl audit verify\n",
		ctl_clean(&c->text, path));
}

static void
say_sensor(struct ctl *c, const struct ctl_keys *k, const char *path,
	   const char *id)
{
	const char *way = k->hmac ? "hmac:" : "";
	const char *pub = k->hmac ? "" : ".pub";
	FILE *out = c->text.out;

	fprintf(out,
		"%s %s goes to the sensor %s, readable by it only; its "
		"settings:\n"
		"  forward:\n    sign:\n      key: %s/etc/picket/%s\n",
		ctl_clean(&c->text, path),
		k->hmac ? "(the secret)" : "(the private key)", k->sensor, way,
		ctl_clean(&c->text, path));
	fprintf(out,
		"%s%s %s goes to the collector; its settings:\n"
		"  ingest:\n    signatures: accept  # require, once all sign\n"
		"    keys:\n      - sensor: %s\n        key: "
		"%s/etc/picket/%s%s\n",
		ctl_clean(&c->text, path), pub,
		k->hmac ? "(the same secret)" : "(the public key)", k->sensor,
		way, ctl_clean(&c->text, path), pub);
	fprintf(out, "messages and ingest.revoked name it %s\n", id);
}

/* The name that the key has in messages. */
static enum err
name_of(const struct ctl_keys *k, const char *path, char id[KEYRING_ID_TEXT],
	struct diag *d)
{
	char spec[PATH_CAP + 8];
	struct sign_key *key;
	enum err e;

	snprintf(spec, sizeof(spec), "%s%s", k->hmac ? "hmac:" : "", path);
	e = sign_key_load_any(&key, spec, true, d);
	if (e == ERR_OK) {
		keyring_id_text(sign_key_id(key), id);
		sign_key_free(key);
	}
	return e;
}

enum err
ctl_keys_make(struct ctl *c, const struct ctl_keys *k, struct diag *d)
{
	char path[PATH_CAP], id[KEYRING_ID_TEXT] = "";
	enum err e = k->sensor != NULL ? check_name(k->sensor, d) : ERR_OK;

	if (e != ERR_OK) {
		return e;
	}
	if (snprintf(path, sizeof(path), "%s%s",
		     k->file != NULL ? k->file : k->sensor,
		     k->file != NULL ? "" : ".key") >= (int)sizeof(path)) {
		return diag_set(d, ERR_USAGE, "%.64s...: too long a name",
				path);
	}
	if (k->file == NULL) {
		*strchr(path, '/') = '-';
	}
	e = k->hmac ? sign_secret_make(path, d) : sign_key_make(path, d);
	if (e == ERR_OK) {
		e = name_of(k, path, id, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_cstr(&c->j, k->hmac ? "secret" : "private", path);
		json_cstr(&c->j, "key", id);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	if (k->sensor == NULL) {
		say_control(c, path);
	} else {
		say_sensor(c, k, path, id);
	}
	return ERR_OK;
}
