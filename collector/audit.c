/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/audit.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include <jansson.h>

#include "collector/store_sql.h"

#define PURPOSE "audit"
/* How long is waited for the writer's commit. */
#define BUSY_MS 5000

const char *
audit_what_name(enum audit_what w)
{
	static const char *const names[AUDIT_KINDS] = {
		"released", "held",     "received", "read",
		"policy",   "recalled", "acted",
	};

	return (size_t)w < AUDIT_KINDS ? names[w] : "unknown";
}

/* 'hash' becomes that of the next record. */
static bool
chain(uint8_t hash[AUDIT_HASH_BYTES], struct view record)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool done = c != NULL &&
		    EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(c, hash, AUDIT_HASH_BYTES) == 1 &&
		    EVP_DigestUpdate(c, record.p, record.len) == 1 &&
		    EVP_DigestFinal_ex(c, hash, NULL) == 1;

	EVP_MD_CTX_free(c);
	return done;
}

static enum err
read_head(sqlite3 *db, struct audit_head *head)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc;

	*head = (struct audit_head){ 0 };
	if (sqlite3_prepare_v2(db,
			       "SELECT id,hash FROM audit ORDER BY id DESC"
			       " LIMIT 1",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW &&
	    sqlite3_column_bytes(st, 1) == AUDIT_HASH_BYTES) {
		head->id = sqlite3_column_int64(st, 0);
		memcpy(head->hash, sqlite3_column_blob(st, 1),
		       AUDIT_HASH_BYTES);
	} else if (rc != SQLITE_DONE) {
		e = ERR_IO;
	}
	sqlite3_finalize(st);
	return e;
}

enum err
audit_append(sqlite3 *db, enum audit_what what, const char *who, uint64_t at_us,
	     struct view body, int64_t *id)
{
	struct audit_head head;
	sqlite3_stmt *st = NULL;
	struct json j;
	enum err e = read_head(db, &head);

	json_init(&j);
	json_obj(&j, NULL);
	json_time(&j, "at", at_us);
	json_raw(&j, "body", body);
	json_i64(&j, "id", ++head.id);
	json_cstr(&j, "what", audit_what_name(what));
	json_cstr(&j, "who", who);
	json_obj_end(&j);
	if (e == ERR_OK && j.len > AUDIT_MAX_RECORD) {
		e = ERR_LIMIT;
	}
	if (e == ERR_OK && (j.failed || !chain(head.hash, json_view(&j)))) {
		e = ERR_NOMEM;
	}
	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db, "INSERT INTO audit VALUES(?,?,?)", -1, &st,
			       NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	if (e == ERR_OK) {
		e = sql_run(st, "ivb", head.id, json_view(&j),
			    view_of(head.hash, AUDIT_HASH_BYTES));
		*id = head.id;
	}
	sqlite3_finalize(st);
	json_fini(&j);
	return e;
}

enum err
audit_begin(sqlite3 **db, const char *path, struct diag *d)
{
	enum err e = ERR_OK;

	*db = NULL;
	if (sql_open(db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     BUSY_MS) != ERR_OK ||
	    sql_exec(*db, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE") !=
		    ERR_OK) {
		e = sqlite3_errcode(*db) == SQLITE_BUSY ? ERR_AGAIN : ERR_IO;
		diag_set(d, e, "%s: cannot be written: %s", path,
			 sqlite3_errmsg(*db));
		sqlite3_close(*db);
		*db = NULL;
	}
	return e;
}

enum err
audit_end(sqlite3 *db, bool keep, struct diag *d)
{
	enum err e = keep ? sql_exec(db, "COMMIT") : ERR_OK;

	if (e != ERR_OK) {
		diag_set(d, e, "the audit log cannot be written: %s",
			 sqlite3_errmsg(db));
	}
	/* Closing rolls back what was not committed. */
	sqlite3_close(db);
	return e;
}

/* Whether the record says the number under which it lies. */
static bool
numbered(struct view record, int64_t id)
{
	json_t *o = json_loadb((const char *)record.p, record.len,
			       JSON_REJECT_DUPLICATES, NULL);
	bool is = json_integer_value(json_object_get(o, "id")) == id;

	json_decref(o);
	return is;
}

enum err
audit_walk(sqlite3 *db, struct audit_head *head, int64_t *broken,
	   enum err (*fn)(void *arg, int64_t id, struct view record,
			  const uint8_t hash[AUDIT_HASH_BYTES]),
	   void *arg, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = SQLITE_DONE;

	*head = (struct audit_head){ 0 };
	*broken = 0;
	if (sqlite3_prepare_v2(db,
			       "SELECT id,record,hash FROM audit ORDER BY id",
			       -1, &st, NULL) != SQLITE_OK) {
		return diag_set(d, ERR_IO, "%s", sqlite3_errmsg(db));
	}
	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(st, 0);
		struct view record =
			view_of(sqlite3_column_blob(st, 1),
				(size_t)sqlite3_column_bytes(st, 1));
		const char *why = NULL;

		*broken = head->id + 1;
		if (id != head->id + 1) {
			why = "is missing";
		} else if (!numbered(record, id)) {
			why = "is no record of this number";
		} else if (!chain(head->hash, record)) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		} else if (sqlite3_column_bytes(st, 2) != AUDIT_HASH_BYTES ||
			   memcmp(sqlite3_column_blob(st, 2), head->hash,
				  AUDIT_HASH_BYTES) != 0) {
			why = "does not fit the chain: it, or what is before "
			      "it, was changed";
		}
		if (why != NULL) {
			e = diag_set(d, ERR_FORMAT,
				     "audit: record %" PRId64 " %s", *broken,
				     why);
		}
		if (e == ERR_OK) {
			head->id = id;
			e = fn != NULL ? fn(arg, id, record, head->hash)
				       : ERR_OK;
		}
	}
	if (e == ERR_OK && rc != SQLITE_DONE) {
		e = diag_set(d, ERR_IO, "%s", sqlite3_errmsg(db));
	}
	if (e == ERR_OK) {
		*broken = 0;
	}
	sqlite3_finalize(st);
	return e;
}

/* What is signed: "ID HASH AT", lower-case digits. */
static size_t
signed_text(int64_t id, const char *hash, const char *at, char out[256])
{
	return (size_t)snprintf(out, 256, "%" PRId64 " %.64s %.40s", id, hash,
				at);
}

static void
hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		snprintf(out + 2 * i, 3, "%02x", p[i]);
	}
}

static bool
unhex(const char *s, uint8_t *out, size_t n)
{
	if (s == NULL || strlen(s) != 2 * n) {
		return false;
	}
	for (size_t i = 0; i < 2 * n; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = strchr(digits, s[i]);

		if (at == NULL) {
			return false;
		}
		out[i / 2] = (uint8_t)(out[i / 2] << 4 | (at - digits));
	}
	return true;
}

enum err
audit_checkpoint(const struct audit_head *head, uint64_t at_us,
		 struct sign_key *key, struct json *out)
{
	char hash[2 * AUDIT_HASH_BYTES + 1], at[24], text[256];
	char sig_text[2 * SIGN_BYTES + 1];
	uint8_t sig[SIGN_BYTES];
	size_t n;

	hex(head->hash, AUDIT_HASH_BYTES, hash);
	snprintf(at, sizeof(at), "%" PRIu64, at_us);
	n = signed_text(head->id, hash, at, text);
	if (sign_make(key, PURPOSE, view_of(text, n), sig) != ERR_OK) {
		return ERR_NOMEM;
	}
	hex(sig, sign_len(sign_key_alg(key)), sig_text);
	json_reset(out);
	json_obj(out, NULL);
	json_cstr(out, "checkpoint", "picket-audit-1");
	json_i64(out, "id", head->id);
	json_cstr(out, "hash", hash);
	json_cstr(out, "at_us", at);
	json_cstr(out, "sig", sig_text);
	json_obj_end(out);
	return out->failed ? ERR_NOMEM : ERR_OK;
}

enum err
audit_checkpoint_read(struct view text, struct sign_key *key,
		      struct audit_head *out, struct diag *d)
{
	json_t *o = json_loadb((const char *)text.p, text.len,
			       JSON_REJECT_DUPLICATES, NULL);
	const char *hash = json_string_value(json_object_get(o, "hash"));
	const char *at = json_string_value(json_object_get(o, "at_us"));
	const char *sig = json_string_value(json_object_get(o, "sig"));
	const char *is = json_string_value(json_object_get(o, "checkpoint"));
	uint8_t bytes[SIGN_BYTES] = { 0 };
	size_t n_sig = sign_len(sign_key_alg(key));
	char line[256];
	enum err e = ERR_OK;

	*out = (struct audit_head){ .id = json_integer_value(
					    json_object_get(o, "id")) };
	if (is == NULL || strcmp(is, "picket-audit-1") != 0 || at == NULL ||
	    !unhex(hash, out->hash, AUDIT_HASH_BYTES) ||
	    !unhex(sig, bytes, n_sig)) {
		e = diag_set(d, ERR_FORMAT,
			     "no checkpoint that picketctl "
			     "audit checkpoint wrote");
	} else if (!sign_check(
			   key, PURPOSE,
			   view_of(line, signed_text(out->id, hash, at, line)),
			   view_of(bytes, n_sig))) {
		e = diag_set(d, ERR_FORMAT,
			     "the checkpoint is not signed by this key");
	}
	json_decref(o);
	return e;
}
