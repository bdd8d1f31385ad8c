/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/evidence_bundle.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/json_read.h"

#define PURPOSE "picket-evidence-1"
#define BLOCK ((size_t)512)
#define END (2 * BLOCK)

static const char *const names[BUNDLE_MEMBERS] = { "manifest.json",
						   "manifest.sig", "alert.json",
						   "packets.pcapng" };

bool
bundle_digest(struct view v, char out[BUNDLE_SHA256_CAP])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n;

	if (EVP_Digest(v.p, v.len, hash, &n, EVP_sha256(), NULL) != 1 ||
	    2 * n + 1 != BUNDLE_SHA256_CAP) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		snprintf(out + (size_t)2 * i, 3, "%02x", hash[i]);
	}
	return true;
}

/* --- ustar --- */

static size_t
padded(size_t n)
{
	return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* Owner, time and mode are always the same: a bundle tells nothing by them. */
static void
make_head(uint8_t h[BLOCK], const char *name, size_t size)
{
	unsigned sum = 0;

	memset(h, 0, BLOCK);
	memcpy(h, name, strlen(name));
	memcpy(h + 100, "0000600", 8);
	memcpy(h + 108, "0000000", 8);
	memcpy(h + 116, "0000000", 8);
	snprintf((char *)h + 124, 12, "%011zo", size);
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257, "ustar", 6);
	memcpy(h + 263, "00", 2);
	for (size_t i = 0; i < BLOCK; i++) {
		sum += h[i];
	}
	snprintf((char *)h + 148, 8, "%06o", sum);
	h[155] = ' ';
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0) {
			return false;
		}
	}
	return true;
}

/* Takes the next member off the front of 'rest'; false: it is not as written. */
static bool
take_member(struct view *rest, const char *name, struct view *part)
{
	uint8_t head[BLOCK];
	size_t size = 0;

	if (rest->len < BLOCK) {
		return false;
	}
	for (unsigned i = 0; i < 11; i++) {
		uint8_t c = rest->p[124 + i];

		if (c < '0' || c > '7') {
			return false;
		}
		size = size * 8 + (size_t)(c - '0');
	}
	if (size > BUNDLE_MAX || rest->len - BLOCK < padded(size)) {
		return false;
	}
	make_head(head, name, size);
	*part = view_of(rest->p + BLOCK, size);
	if (memcmp(rest->p, head, BLOCK) != 0 ||
	    !is_zero(part->p + size, padded(size) - size)) {
		return false;
	}
	rest->p += BLOCK + padded(size);
	rest->len -= BLOCK + padded(size);
	return true;
}

/* --- written --- */

/* False without memory. */
static bool
write_manifest(struct json *j, const struct bundle *b)
{
	char sha256[BUNDLE_SHA256_CAP];

	json_obj(j, NULL);
	json_u64(j, "v", 1);
	json_cstr(j, "kind", "picket-evidence");
	json_u64(j, "created", b->created_us);
	json_cstr(j, "who", b->who);
	json_cstr(j, "site", b->site);
	json_cstr(j, "sensor", b->sensor);
	json_i64(j, "alert", b->alert);
	json_bool(j, "cut", b->cut);
	json_arr(j, "members");
	for (int i = BUNDLE_ALERT; i < BUNDLE_MEMBERS; i++) {
		if (!bundle_digest(b->part[i], sha256)) {
			return false;
		}
		json_obj(j, NULL);
		json_cstr(j, "name", names[i]);
		json_u64(j, "size", b->part[i].len);
		json_cstr(j, "sha256", sha256);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
	return !j->failed;
}

enum err
bundle_write(const struct bundle *b, struct sign_key *k, uint8_t **out,
	     size_t *len)
{
	struct view part[BUNDLE_MEMBERS];
	uint8_t sig[SIGN_BYTES];
	struct json j;
	size_t at = 0;

	*out = NULL;
	*len = END;
	json_init(&j);
	if (!write_manifest(&j, b) ||
	    sign_make(k, PURPOSE, json_view(&j), sig) != ERR_OK) {
		json_fini(&j);
		return ERR_NOMEM;
	}
	memcpy(part, b->part, sizeof(part));
	part[BUNDLE_MANIFEST] = json_view(&j);
	part[BUNDLE_SIGNATURE] = view_of(sig, sign_len(sign_key_alg(k)));
	for (int i = 0; i < BUNDLE_MEMBERS; i++) {
		*len += BLOCK + padded(part[i].len);
	}
	*out = calloc(1, *len);
	for (int i = 0; *out != NULL && i < BUNDLE_MEMBERS; i++) {
		make_head(*out + at, names[i], part[i].len);
		memcpy(*out + at + BLOCK, part[i].p, part[i].len);
		at += BLOCK + padded(part[i].len);
	}
	json_fini(&j);
	return *out != NULL ? ERR_OK : ERR_NOMEM;
}

/* --- checked --- */

static bool
text_is(const struct json_reader *r, const struct json_value *obj,
	const char *name, const char *text)
{
	const struct json_value *v = json_member(r, obj, view_cstr(name));

	return v != NULL && v->type == JSON_STRING &&
	       view_eq(v->text, view_cstr(text));
}

static enum err
check_members(const struct json_reader *r,
	      const struct view part[BUNDLE_MEMBERS], struct diag *d)
{
	const struct json_value *root = json_root(r);
	const struct json_value *list =
		json_member(r, root, VIEW_LIT("members"));
	const struct json_value *m = list != NULL && list->type == JSON_ARRAY
					     ? json_first(r, list)
					     : NULL;
	char sha256[BUNDLE_SHA256_CAP];

	for (int i = BUNDLE_ALERT; i < BUNDLE_MEMBERS; i++) {
		if (m == NULL || !text_is(r, m, "name", names[i])) {
			return diag_set(d, ERR_FORMAT,
					"manifest.json does not name %s",
					names[i]);
		}
		if (!bundle_digest(part[i], sha256) ||
		    !text_is(r, m, "sha256", sha256)) {
			return diag_set(d, ERR_FORMAT,
					"%s is not what manifest.json says: "
					"it was changed",
					names[i]);
		}
		m = json_next(r, list, m);
	}
	return ERR_OK;
}

static enum err
check_manifest(const struct view part[BUNDLE_MEMBERS], struct diag *d)
{
	struct json_reader r;
	enum err e;

	json_reader_init(&r);
	if (!json_read(&r, part[BUNDLE_MANIFEST]) ||
	    !text_is(&r, json_root(&r), "kind", "picket-evidence")) {
		e = diag_set(d, ERR_FORMAT,
			     "manifest.json is signed, but not understood");
	} else {
		e = check_members(&r, part, d);
	}
	json_reader_fini(&r);
	return e;
}

enum err
bundle_check(struct view file, struct sign_key *k,
	     struct view part[BUNDLE_MEMBERS], struct diag *d)
{
	struct view rest = file;

	for (int i = 0; i < BUNDLE_MEMBERS; i++) {
		if (!take_member(&rest, names[i], &part[i])) {
			return diag_set(d, ERR_FORMAT,
					"%s is not there, or its head or its "
					"padding was changed",
					names[i]);
		}
	}
	if (rest.len != END || !is_zero(rest.p, END)) {
		return diag_set(d, ERR_FORMAT,
				"there is more or less behind %s than the end "
				"of an archive",
				names[BUNDLE_PACKETS]);
	}
	if (!sign_check(k, PURPOSE, part[BUNDLE_MANIFEST],
			part[BUNDLE_SIGNATURE])) {
		return diag_set(d, ERR_AUTH,
				"manifest.json is not signed with this key: "
				"it or manifest.sig was changed, or somebody "
				"else made it");
	}
	return check_manifest(part, d);
}
