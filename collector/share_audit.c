/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log says of a bundle and of a policy. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "collector/audit.h"
#include "collector/share.h"
#include "collector/store_sql.h"

/* Things of one record. */
#define PER_RECORD 1000
#define DIGEST_TEXT 65

static bool
digest(struct view v, char out[DIGEST_TEXT])
{
	uint8_t d[EVP_MAX_MD_SIZE];

	if (EVP_Digest(v.p, v.len, d, NULL, EVP_sha256(), NULL) != 1) {
		return false;
	}
	for (unsigned i = 0; i < 32; i++) {
		snprintf(out + 2 * (size_t)i, 3, "%02x", d[i]);
	}
	return true;
}

/* A part of what went, or of what was held; from 'from' on, where it ended. */
static size_t
put_part(struct json *j, const struct share_bundle *b, bool released,
	 size_t from)
{
	unsigned n = 0;

	json_arr(j, released ? "objects" : "things");
	for (; from < b->n_notes; from++) {
		const struct share_note *t = &b->notes[from];

		if ((t->verdict == RELEASE_GOES) != released) {
			continue;
		}
		if (n++ == PER_RECORD) {
			break;
		}
		json_arr(j, NULL);
		json_cstr(j, NULL, share_kind_name(t->kind));
		json_i64(j, NULL, t->local);
		json_cstr(j, NULL, t->mark);
		json_cstr(j, NULL,
			  released ? t->id : release_verdict_name(t->verdict));
		json_arr_end(j);
	}
	json_arr_end(j);
	return from;
}

static enum err
record(sqlite3 *db, const struct share_request *r, const struct share_bundle *b,
       bool released, const char *who, uint64_t at_us)
{
	char sum[DIGEST_TEXT];
	struct json j;
	size_t from = 0;
	enum err e = ERR_OK;
	int64_t id;

	json_init(&j);
	if (!digest(json_view(&b->stix.j), sum)) {
		return ERR_NOMEM;
	}
	do {
		json_reset(&j);
		json_obj(&j, NULL);
		json_cstr(&j, "bundle", sum);
		json_u64(&j, "count",
			 released ? share_released(b) : share_held(b));
		from = put_part(&j, b, released, from);
		json_cstr(&j, "owner", r->to->owner);
		json_cstr(&j, "partner", r->to->name);
		json_obj_end(&j);
		e = j.failed ? ERR_NOMEM
			     : audit_append(db,
					    released ? AUDIT_RELEASED
						     : AUDIT_HELD,
					    who, at_us, json_view(&j), &id);
	} while (e == ERR_OK && from < b->n_notes);
	json_fini(&j);
	return e;
}

enum err
share_audit(sqlite3 *db, const struct share_request *r,
	    const struct share_bundle *b, const char *who, uint64_t at_us,
	    struct diag *d)
{
	enum err e = share_audit_policy(db, r->policy, who, at_us, d);

	if (e == ERR_OK) {
		e = record(db, r, b, true, who, at_us);
	}
	if (e == ERR_OK && share_held(b) > 0) {
		e = record(db, r, b, false, who, at_us);
	}
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the audit log cannot be written: %s",
			 sqlite3_errmsg(db));
	}
	return e;
}

enum err
share_audit_held(sqlite3 *db, const struct share_request *r,
		 const struct share_bundle *b, const char *who, uint64_t at_us,
		 struct diag *d)
{
	enum err e = share_audit_policy(db, r->policy, who, at_us, d);

	if (e == ERR_OK) {
		e = record(db, r, b, false, who, at_us);
	}
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the audit log cannot be written: %s",
			 sqlite3_errmsg(db));
	}
	return e;
}

static void
put_partner(struct json *j, const struct share_partner *p)
{
	static const char *const redactions[] = { "drop", "pseudonym", "role",
						  "keep" };

	json_obj(j, NULL);
	json_cstr(j, "addresses", redactions[p->addresses]);
	json_bool(j, "domains", p->keep_domains);
	/* Absent when none is listed: a policy of before is the same one. */
	if (p->n_exercises > 0) {
		json_arr(j, "exercises");
		for (unsigned i = 0; i < p->n_exercises; i++) {
			json_cstr(j, NULL, p->exercises[i]);
		}
		json_arr_end(j);
	}
	json_obj(j, "fields");
	for (unsigned k = 0; k < SHARE_KINDS; k++) {
		json_arr(j, share_kind_name((enum share_kind)k));
		for (unsigned f = 0; f < SHARE_FIELDS; f++) {
			if (share_has(p, (enum share_kind)k,
				      (enum share_field)f)) {
				json_cstr(
					j, NULL,
					share_field_name((enum share_field)f));
			}
		}
		json_arr_end(j);
	}
	json_obj_end(j);
	json_cstr(j, "highest", tlp_name(p->highest));
	json_arr(j, "kinds");
	for (unsigned k = 0; k < SHARE_KINDS; k++) {
		if ((p->kinds >> k & 1) != 0) {
			json_cstr(j, NULL, share_kind_name((enum share_kind)k));
		}
	}
	json_arr_end(j);
	json_cstr(j, "name", p->name);
	json_cstr(j, "owner", p->owner);
	json_bool(j, "same_organisation", p->same_organisation);
	json_cstr(j, "sites", redactions[p->sites]);
	json_obj_end(j);
}

/* Whether the policy of this digest is the last one noted. */
static enum err
is_noted(sqlite3 *db, const char *sum, bool *is)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*is = false;
	if (sqlite3_prepare_v2(db,
			       "SELECT digest FROM share_policies"
			       " WHERE partner=''",
			       -1, &st, NULL) == SQLITE_OK) {
		rc = sqlite3_step(st);
		*is = rc == SQLITE_ROW && strcmp(sql_text(st, 0), sum) == 0;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
note_policy(sqlite3 *db, const char *sum, int64_t id)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT OR REPLACE INTO share_policies"
			       " VALUES('',?,?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "ti", sum, id);
	}
	sqlite3_finalize(st);
	return e;
}

static void
put_policy(struct json *j, const struct share_policy *p)
{
	json_obj(j, NULL);
	json_arr(j, "our_domains");
	for (unsigned i = 0; i < p->n_domains; i++) {
		json_cstr(j, NULL, p->domains[i]);
	}
	json_arr_end(j);
	json_arr(j, "partners");
	for (unsigned i = 0; i < p->n_partners; i++) {
		put_partner(j, &p->partners[i]);
	}
	json_arr_end(j);
	json_cstr(j, "producer", p->producer);
	json_obj_end(j);
}

enum err
share_policy_digest(const struct share_policy *p, char out[65])
{
	struct json j;
	enum err e;

	json_init(&j);
	put_policy(&j, p);
	e = !j.failed && digest(json_view(&j), out) ? ERR_OK : ERR_NOMEM;
	json_fini(&j);
	return e;
}

enum err
share_audit_policy(sqlite3 *db, const struct share_policy *p, const char *who,
		   uint64_t at_us, struct diag *d)
{
	char sum[DIGEST_TEXT];
	struct json j;
	bool known = false;
	int64_t id = 0;
	enum err e;

	json_init(&j);
	put_policy(&j, p);
	e = !j.failed && digest(json_view(&j), sum) ? is_noted(db, sum, &known)
						    : ERR_NOMEM;
	if (e == ERR_OK && !known) {
		e = audit_append(db, AUDIT_POLICY, who, at_us, json_view(&j),
				 &id);
		if (e == ERR_OK) {
			e = note_policy(db, sum, id);
		}
	}
	json_fini(&j);
	if (e != ERR_OK) {
		diag_set(d, e, "the audit log cannot be written: %s",
			 sqlite3_errmsg(db));
	}
	return e;
}
