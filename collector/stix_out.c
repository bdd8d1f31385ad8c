/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stix_out.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <time.h>

#include "common/clock.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Drawn once; names of what everybody may name are within it. */
static const uint8_t shared_space[STIX_UUID_BYTES] = {
	0x5e, 0x3b, 0x0c, 0x7a, 0x91, 0xd4, 0x4f, 0x27,
	0x8a, 0x66, 0x2d, 0xc1, 0x4e, 0x09, 0xb3, 0xf8,
};

#define TLP2_EXTENSION \
	"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
#define INCIDENT_EXTENSION_NAME "extension|incident|1"
/* 2022-10-01, when TLP 2.0's markings were made; our own fixed objects'. */
#define TLP2_CREATED_US UINT64_C(1664582400000000)

static const char *const tlp_ids[] = {
	[TLP_CLEAR] =
		"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
	[TLP_GREEN] =
		"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	[TLP_AMBER] =
		"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
	[TLP_AMBER_STRICT] =
		"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
	[TLP_RED] = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
};

static void
uuid5(const uint8_t space[STIX_UUID_BYTES], const char *name,
      uint8_t out[STIX_UUID_BYTES], bool *failed)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };

	if (c == NULL || EVP_DigestInit_ex(c, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestUpdate(c, space, STIX_UUID_BYTES) != 1 ||
	    EVP_DigestUpdate(c, name, strlen(name)) != 1 ||
	    EVP_DigestFinal_ex(c, digest, NULL) != 1) {
		*failed = true;
	}
	EVP_MD_CTX_free(c);
	memcpy(out, digest, STIX_UUID_BYTES);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void
stix_id_text(const char *type, const uint8_t u[STIX_UUID_BYTES],
	     char out[STIX_ID_CAP])
{
	snprintf(out, STIX_ID_CAP,
		 "%s--%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 type, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8],
		 u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

void
stix_id(const struct stix_out *x, bool shared, const char *type,
	const char *name, char out[STIX_ID_CAP])
{
	uint8_t u[STIX_UUID_BYTES];
	bool failed = false;

	uuid5(shared ? shared_space : x->space, name, u, &failed);
	((struct stix_out *)x)->failed |= failed;
	stix_id_text(type, u, out);
}

bool
stix_has(const struct stix_out *x, const char *id)
{
	return json_object_get(x->has, id) != NULL;
}

void
stix_time(struct stix_out *x, const char *key, uint64_t us)
{
	time_t s = (time_t)(us / US_PER_S);
	struct tm tm;
	char text[64];

	if (gmtime_r(&s, &tm) == NULL || tm.tm_year > 8099) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_year = 8099;
		tm.tm_mday = 1;
	}
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, (unsigned)(us % US_PER_S / 1000));
	json_cstr(&x->j, key, text);
}

static void
note(struct stix_out *x, const char *id)
{
	if (json_object_set_new(x->has, id, json_true()) != 0) {
		x->failed = true;
	}
}

static void
define_tlp(struct stix_out *x, enum tlp t)
{
	char name[32] = "TLP:";

	if (stix_has(x, tlp_ids[t])) {
		return;
	}
	note(x, tlp_ids[t]);
	x->objects++;
	for (size_t i = 0; tlp_name(t)[i] != '\0'; i++) {
		char c = tlp_name(t)[i];

		name[4 + i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
	}
	json_obj(&x->j, NULL);
	json_cstr(&x->j, "type", "marking-definition");
	json_cstr(&x->j, "spec_version", "2.1");
	json_cstr(&x->j, "id", tlp_ids[t]);
	stix_time(x, "created", TLP2_CREATED_US);
	json_cstr(&x->j, "name", name);
	json_obj(&x->j, "extensions");
	json_obj(&x->j, TLP2_EXTENSION);
	json_cstr(&x->j, "extension_type", "property-extension");
	json_cstr(&x->j, "tlp_2_0", tlp_name(t));
	json_obj_end(&x->j);
	json_obj_end(&x->j);
	json_obj_end(&x->j);
}

void
stix_object(struct stix_out *x, const char *type, const char *id,
	    uint64_t created_us, uint64_t modified_us,
	    const struct marking *mark)
{
	define_tlp(x, mark->tlp);
	note(x, id);
	x->objects++;
	json_obj(&x->j, NULL);
	json_cstr(&x->j, "type", type);
	json_cstr(&x->j, "spec_version", "2.1");
	json_cstr(&x->j, "id", id);
	if (x->producer[0] != '\0') {
		json_cstr(&x->j, "created_by_ref", x->producer);
	}
	stix_time(x, "created", created_us);
	x->modified_at = x->j.len;
	stix_time(x, "modified", MAX(created_us, modified_us));
	json_arr(&x->j, "object_marking_refs");
	json_cstr(&x->j, NULL, tlp_ids[mark->tlp]);
	json_arr_end(&x->j);
	if (mark->limited) {
		json_arr(&x->j, "x_picket_releasable_to");
		for (unsigned i = 0; i < mark->n_names; i++) {
			json_cstr(&x->j, NULL, mark->names[i]);
		}
		json_arr_end(&x->j);
	}
}

void
stix_exercise(struct stix_out *x, const char *name)
{
	if (name[0] != '\0') {
		json_cstr(&x->j, "x_picket_exercise", name);
	}
}

void
stix_define(struct stix_out *x, const struct marking *mark)
{
	define_tlp(x, mark->tlp);
}

struct stix_place
stix_here(const struct stix_out *x)
{
	return (struct stix_place){ x->j.len, x->j.need_comma, x->objects };
}

void
stix_undo(struct stix_out *x, const struct stix_place *at, const char *id)
{
	if (x->j.failed) {
		return;
	}
	x->j.len = at->len;
	x->j.need_comma = at->need_comma;
	x->objects = at->objects;
	json_object_del(x->has, id);
}

/* ,"modified":"2026-11-24T00:00:00.000Z" */
#define MODIFIED_LEN ((size_t)1 + 10 + 1 + 26)

uint64_t
stix_version(const struct stix_out *x, const struct stix_place *at)
{
	uint64_t h;

	if (x->j.failed || x->modified_at < at->len ||
	    x->modified_at + MODIFIED_LEN > x->j.len) {
		return 0;
	}
	/* Whether a comma stands before it is no part of it. */
	h = XXH64(x->j.p + at->len + at->need_comma,
		  x->modified_at - at->len - at->need_comma, 0);
	return XXH64(x->j.p + x->modified_at + MODIFIED_LEN,
		     x->j.len - x->modified_at - MODIFIED_LEN, h);
}

void
stix_id_bytes(const char *id, uint8_t out[STIX_UUID_BYTES])
{
	const char *p = strstr(id, "--");
	unsigned n = 0;

	memset(out, 0, STIX_UUID_BYTES);
	for (p = p != NULL ? p + 2 : ""; *p != '\0' && n < 32; p++) {
		int v = ascii_hex((uint8_t)*p);

		if (v >= 0) {
			out[n / 2] = (uint8_t)(out[n / 2] << 4 | v);
			n++;
		}
	}
}

void
stix_object_end(struct stix_out *x)
{
	json_obj_end(&x->j);
}

void
stix_identity(struct stix_out *x, const char *id, const char *name,
	      const char *class, const struct marking *mark)
{
	if (stix_has(x, id)) {
		return;
	}
	stix_object(x, "identity", id, TLP2_CREATED_US, TLP2_CREATED_US, mark);
	json_cstr(&x->j, "name", name);
	json_cstr(&x->j, "identity_class", class);
	stix_object_end(x);
}

void
stix_incident_extension(struct stix_out *x)
{
	static const struct marking clear = { .tlp = TLP_CLEAR };
	char id[STIX_ID_CAP];

	stix_id(x, true, "extension-definition", INCIDENT_EXTENSION_NAME, id);
	if (stix_has(x, id)) {
		return;
	}
	stix_object(x, "extension-definition", id, TLP2_CREATED_US,
		    TLP2_CREATED_US, &clear);
	json_cstr(&x->j, "name", "Picket incident");
	json_cstr(&x->j, "schema",
		  "level: 0 to 5; score: 0 to 100; lead, support: owners; "
		  "first, last: of its alerts; sites, stages, actors, victims, "
		  "services, missions: lists of texts");
	json_cstr(&x->j, "version", "1.0.0");
	json_arr(&x->j, "extension_types");
	json_cstr(&x->j, NULL, "property-extension");
	json_arr_end(&x->j);
	stix_object_end(x);
}

void
stix_extension_begin(struct stix_out *x)
{
	char id[STIX_ID_CAP];

	stix_id(x, true, "extension-definition", INCIDENT_EXTENSION_NAME, id);
	json_obj(&x->j, "extensions");
	json_obj(&x->j, id);
	json_cstr(&x->j, "extension_type", "property-extension");
}

void
stix_extension_end(struct stix_out *x)
{
	json_obj_end(&x->j);
	json_obj_end(&x->j);
}

enum err
stix_begin(struct stix_out *x, const char *producer,
	   const uint8_t space[STIX_UUID_BYTES], const char *bundle)
{
	static const struct marking clear = { .tlp = TLP_CLEAR };
	char name[128], id[STIX_ID_CAP];

	*x = (struct stix_out){ .producer_name = producer };
	json_init(&x->j);
	memcpy(x->space, space, STIX_UUID_BYTES);
	x->has = json_object();
	if (x->has == NULL) {
		return ERR_NOMEM;
	}
	json_obj(&x->j, NULL);
	json_cstr(&x->j, "type", "bundle");
	stix_id(x, false, "bundle", bundle, id);
	json_cstr(&x->j, "id", id);
	json_arr(&x->j, "objects");
	snprintf(name, sizeof(name), "identity|%s", producer);
	stix_id(x, true, "identity", name, id);
	stix_identity(x, id, producer, "organization", &clear);
	memcpy(x->producer, id, sizeof(x->producer));
	return ERR_OK;
}

enum err
stix_end(struct stix_out *x)
{
	json_arr_end(&x->j);
	json_obj_end(&x->j);
	return x->failed || x->j.failed ? ERR_NOMEM : ERR_OK;
}

void
stix_fini(struct stix_out *x)
{
	json_fini(&x->j);
	json_decref(x->has);
	x->has = NULL;
	OPENSSL_cleanse(x->space, sizeof(x->space));
}

/* A string of a pattern (9.2): ' and \ are escaped. */
static bool
quote(const char *value, char *out, size_t cap)
{
	size_t n = 0;

	for (; *value != '\0'; value++) {
		if (n + 3 > cap || (uint8_t)*value < 0x20) {
			return false;
		}
		if (*value == '\'' || *value == '\\') {
			out[n++] = '\\';
		}
		out[n++] = *value;
	}
	out[n] = '\0';
	return true;
}

bool
stix_pattern(enum indicator_kind kind, const char *value, char *out, size_t cap)
{
	static const char *const paths[INDICATOR_KINDS] = {
		[INDICATOR_DOMAIN] = "domain-name:value",
		[INDICATOR_URL] = "url:value",
		[INDICATOR_JA3] =
			"network-traffic:extensions.'x-picket-tls'.ja3",
		[INDICATOR_JA4] =
			"network-traffic:extensions.'x-picket-tls'.ja4",
		[INDICATOR_CERT_SHA1] = "x509-certificate:hashes.'SHA-1'",
		[INDICATOR_CERT_SHA256] = "x509-certificate:hashes.'SHA-256'",
		[INDICATOR_FILE_MD5] = "file:hashes.MD5",
		[INDICATOR_FILE_SHA1] = "file:hashes.'SHA-1'",
		[INDICATOR_FILE_SHA256] = "file:hashes.'SHA-256'",
		[INDICATOR_USER_AGENT] =
			"network-traffic:extensions.'http-request-ext'."
			"request_header.'User-Agent'",
	};
	char text[2 * INDICATOR_VALUE_CAP];
	const char *path;
	struct cidr net;

	if (kind == INDICATOR_PATTERN) {
		return (size_t)snprintf(out, cap, "%s", value) < cap;
	}
	if ((size_t)kind >= INDICATOR_KINDS || value[0] == '\0' ||
	    !quote(value, text, sizeof(text))) {
		return false;
	}
	if (kind != INDICATOR_IP) {
		/* A URL is kept without its scheme; what is seen is HTTP. */
		path = kind == INDICATOR_URL && strstr(text, "://") == NULL
			       ? "http://"
			       : "";
		return (size_t)snprintf(out, cap, "[%s = '%s%s']", paths[kind],
					path, text) < cap;
	}
	if (!cidr_parse(view_cstr(value), &net)) {
		return false;
	}
	path = addr_is_v4(&net.addr) && net.bits >= 96 ? "ipv4-addr"
						       : "ipv6-addr";
	return (size_t)snprintf(out, cap, "[%s:value %s '%s']", path,
				net.bits == 128 ? "=" : "ISSUBSET", text) < cap;
}
