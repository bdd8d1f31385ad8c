/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_session.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "collector/audit.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define TOKEN_BYTES 32
#define CSRF_BYTES 16
/* Between two notes that somebody is still there. */
#define SEEN_US (60 * US_PER_S)

static bool
random_hex(char *out, size_t n)
{
	uint8_t raw[TOKEN_BYTES];

	if (RAND_bytes(raw, (int)n) != 1) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
	}
	return true;
}

static enum err
run_and_end(struct store_reader *r, sqlite3 *db, enum err e, struct diag *d)
{
	if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e != ERR_OK) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	sqlite3_close(db);
	return e;
}

/* Those that have ended go, and the oldest of who has too many. */
static enum err
make_room(sqlite3 *db, int64_t user, uint64_t now)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(
		    db,
		    "DELETE FROM sessions WHERE ends_us<?1 OR seen_us<?2 OR"
		    " hash IN (SELECT hash FROM sessions WHERE user=?3"
		    " ORDER BY created_us DESC LIMIT -1 OFFSET ?4)",
		    -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "uuii", now, now - SESSION_IDLE_S * US_PER_S,
			    user, (int64_t)SESSION_MAX - 1);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
session_open(struct store_reader *r, const struct user *u, const char *address,
	     char token[SESSION_TOKEN_CAP], struct diag *d)
{
	uint64_t now = clock_wall_us();
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char csrf[2 * CSRF_BYTES + 1];
	sqlite3_stmt *st = NULL;
	sqlite3 *db;
	enum err e;

	if (!random_hex(token, TOKEN_BYTES) || !random_hex(csrf, CSRF_BYTES)) {
		return diag_set(d, ERR_IO, "the system has no random bytes");
	}
	SHA256((const uint8_t *)token, strlen(token), hash);
	e = store_change_begin(r, &db, d);
	if (e != ERR_OK) {
		return e;
	}
	e = make_room(db, u->id, now);
	if (e == ERR_OK && sqlite3_prepare_v2(db,
					      "INSERT INTO sessions"
					      " VALUES(?,?,?,?,?,?,?)",
					      -1, &st, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	if (e == ERR_OK) {
		e = sql_run(st, "bituuut", view_of(hash, sizeof(hash)), u->id,
			    csrf, now, now, now + SESSION_WHOLE_S * US_PER_S,
			    address);
	}
	sqlite3_finalize(st);
	return run_and_end(r, db, e, d);
}

/* That somebody is still there; lost when the writer is busy, and made good by
 * the next request. */
static void
note_seen(struct store_reader *r, const uint8_t hash[SHA256_DIGEST_LENGTH],
	  uint64_t now)
{
	sqlite3_stmt *st = NULL;
	struct diag d;
	sqlite3 *db;
	enum err e = store_change_begin(r, &db, &d);

	if (e != ERR_OK) {
		return;
	}
	e = ERR_IO;
	if (sqlite3_prepare_v2(db, "UPDATE sessions SET seen_us=? WHERE hash=?",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "ub", now, view_of(hash, SHA256_DIGEST_LENGTH));
	}
	sqlite3_finalize(st);
	e = run_and_end(r, db, e, &d);
	(void)e;
}

enum err
session_find(struct store_reader *r, const char *token, struct viewer *out)
{
	uint64_t now = clock_wall_us(), seen = 0;
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;

	*out = (struct viewer){ 0 };
	if (strlen(token) != SESSION_TOKEN_CAP - 1) {
		return ERR_NOTFOUND;
	}
	SHA256((const uint8_t *)token, strlen(token), out->session);
	st = store_reader_prepare(
		r, "SELECT u.name,u.owner,u.role,u.lang,u.zone,s.csrf,s.seen_us"
		   " FROM sessions s JOIN users u ON u.id=s.user WHERE"
		   " s.hash=?1 AND u.disabled=0 AND s.ends_us>?2 AND"
		   " s.seen_us>?3");
	if (st != NULL &&
	    sql_bind(st, "buu", view_of(out->session, sizeof(out->session)),
		     now, now - SESSION_IDLE_S * US_PER_S) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		snprintf(out->name, sizeof(out->name), "%s", sql_text(st, 0));
		snprintf(out->owner, sizeof(out->owner), "%s", sql_text(st, 1));
		out->role = role_read(sql_text(st, 2));
		snprintf(out->lang, sizeof(out->lang), "%s", sql_text(st, 3));
		snprintf(out->zone, sizeof(out->zone), "%s", sql_text(st, 4));
		snprintf(out->csrf, sizeof(out->csrf), "%s", sql_text(st, 5));
		seen = sql_u64(st, 6);
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW) {
		*out = (struct viewer){ 0 };
		return rc == SQLITE_DONE ? ERR_NOTFOUND : ERR_IO;
	}
	if (now > seen + SEEN_US) {
		note_seen(r, out->session, now);
	}
	return ERR_OK;
}

enum err
session_close(struct store_reader *r, const struct viewer *v, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db;
	enum err e = store_change_begin(r, &db, d);

	if (e != ERR_OK) {
		return e;
	}
	e = ERR_IO;
	if (sqlite3_prepare_v2(db, "DELETE FROM sessions WHERE hash=?", -1, &st,
			       NULL) == SQLITE_OK) {
		e = sql_run(st, "b", view_of(v->session, sizeof(v->session)));
	}
	sqlite3_finalize(st);
	return run_and_end(r, db, e, d);
}

enum err
session_close_all(struct store_reader *r, const char *name, const char *who,
		  struct diag *d)
{
	sqlite3_stmt *st = NULL;
	struct json j;
	int64_t id;
	sqlite3 *db;
	enum err e = store_change_begin(r, &db, d);

	if (e != ERR_OK) {
		return e;
	}
	e = ERR_IO;
	if (sqlite3_prepare_v2(db,
			       "DELETE FROM sessions WHERE user=(SELECT id FROM"
			       " users WHERE name=?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "t", name);
	}
	sqlite3_finalize(st);
	json_init(&j);
	json_obj(&j, NULL);
	json_cstr(&j, "act", "logout");
	json_cstr(&j, "user", name);
	json_obj_end(&j);
	if (e == ERR_OK) {
		e = audit_append(db, AUDIT_ACTED, who, clock_wall_us(),
				 json_view(&j), &id);
	}
	json_fini(&j);
	return run_and_end(r, db, e, d);
}

enum err
session_list(struct store_reader *r, struct json *j)
{
	uint64_t now = clock_wall_us();
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT u.name,s.created_us,s.seen_us,s.ends_us,s.address"
		   " FROM sessions s JOIN users u ON u.id=s.user WHERE"
		   " s.ends_us>?1 AND s.seen_us>?2 ORDER BY u.name,"
		   "s.created_us");
	int rc = SQLITE_ERROR;

	if (st != NULL) {
		rc = sql_bind(st, "uu", now, now - SESSION_IDLE_S * US_PER_S);
	}
	while (st != NULL && (rc == SQLITE_OK || rc == SQLITE_ROW) &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		json_obj(j, NULL);
		json_cstr(j, "user", sql_text(st, 0));
		json_time(j, "created", sql_u64(st, 1));
		json_time(j, "seen", sql_u64(st, 2));
		json_time(j, "ends", sql_u64(st, 3));
		json_cstr(j, "from", sql_text(st, 4));
		json_obj_end(j);
	}
	return store_reader_finish(st, rc);
}
