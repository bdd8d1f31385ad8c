/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_user.h"

#include <stdio.h>
#include <string.h>

#include "collector/audit.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define COLUMNS \
	"SELECT id,name,owner,role,hash,lang,zone,disabled,failed,changed_us" \
	" FROM users"

/* ----------------------------------------------------------------- reading */

static void
read_row(sqlite3_stmt *st, struct user *u)
{
	*u = (struct user){ .id = sqlite3_column_int64(st, 0),
			    .role = role_read(sql_text(st, 3)),
			    .disabled = sqlite3_column_int(st, 7) != 0,
			    .failed = (unsigned)sqlite3_column_int(st, 8),
			    .changed_us = sql_u64(st, 9) };
	snprintf(u->name, sizeof(u->name), "%s", sql_text(st, 1));
	snprintf(u->owner, sizeof(u->owner), "%s", sql_text(st, 2));
	snprintf(u->hash, sizeof(u->hash), "%s", sql_text(st, 4));
	snprintf(u->lang, sizeof(u->lang), "%s", sql_text(st, 5));
	snprintf(u->zone, sizeof(u->zone), "%s", sql_text(st, 6));
}

static int64_t
count_by(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		n = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return n;
}

int64_t
user_count(struct store_reader *r)
{
	return count_by(r->db, "SELECT count(*) FROM users");
}

static enum err
get(sqlite3 *db, const char *name, struct user *out)
{
	sqlite3_stmt *st = NULL;
	int rc =
		sqlite3_prepare_v2(db, COLUMNS " WHERE name=?1", -1, &st, NULL);

	*out = (struct user){ 0 };
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "t", name);
	}
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_row(st, out);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW    ? ERR_OK
	       : rc == SQLITE_DONE ? ERR_NOTFOUND
				   : ERR_IO;
}

enum err
user_get(struct store_reader *r, const char *name, struct user *out)
{
	return get(r->db, name, out);
}

enum err
user_each(struct store_reader *r, void (*fn)(void *arg, const struct user *u),
	  void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(r, COLUMNS " ORDER BY name");
	int rc = SQLITE_ERROR;
	struct user u;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_row(st, &u);
		fn(arg, &u);
	}
	return store_reader_finish(st, rc);
}

void
user_json(struct json *j, const struct user *u)
{
	json_cstr(j, "name", u->name);
	json_cstr(j, "owner", u->owner);
	json_cstr(j, "role", role_name(u->role));
	json_cstr(j, "lang", u->lang);
	json_cstr(j, "zone", u->zone);
	json_bool(j, "disabled", u->disabled);
	json_u64(j, "failed", u->failed);
	json_time(j, "changed", u->changed_us);
}

/* ------------------------------------------------------------------ writing */

/* A name goes into paths, logs and terminals: letters that cannot harm. */
static bool
is_word(const char *s, const char *also)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		bool plain = (s[i] >= 'a' && s[i] <= 'z') ||
			     (s[i] >= 'A' && s[i] <= 'Z') ||
			     (s[i] >= '0' && s[i] <= '9');

		if (!plain && strchr(also, s[i]) == NULL) {
			return false;
		}
	}
	return n < USER_NAME_CAP;
}

static enum err
check_texts(const char *owner, const char *lang, const char *zone,
	    const char *password, struct diag *d)
{
	size_t n = password != NULL ? strlen(password) : 0;

	if (owner != NULL && !is_word(owner, " ._@-")) {
		return diag_set(
			d, ERR_USAGE,
			"owner: letters, digits, blanks and . _ @ -, at "
			"most 64");
	}
	if (lang != NULL && strcmp(lang, "") != 0 && strcmp(lang, "en") != 0 &&
	    strcmp(lang, "ja") != 0) {
		return diag_set(d, ERR_USAGE, "lang: en or ja");
	}
	if (zone != NULL && strcmp(zone, "") != 0 &&
	    strcmp(zone, "local") != 0 && strcmp(zone, "utc") != 0) {
		return diag_set(d, ERR_USAGE, "zone: local or utc");
	}
	if (password != NULL &&
	    (n < USER_PASSWORD_MIN || n > USER_PASSWORD_MAX)) {
		return diag_set(d, ERR_USAGE,
				"password: %d to %d bytes; a few words do well",
				USER_PASSWORD_MIN, USER_PASSWORD_MAX);
	}
	return ERR_OK;
}

/* One statement of a change. */
static enum err
run(sqlite3 *db, const char *sql, const char *text, int64_t number, int64_t id)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = text != NULL ? sql_run(st, "ti", text, id)
				 : sql_run(st, "ii", number, id);
	}
	sqlite3_finalize(st);
	return e;
}

/* What was done, without the password. */
static enum err
audit_change(sqlite3 *db, const char *act, const char *name,
	     const struct user_change *c, const char *who)
{
	struct json j;
	int64_t id;
	enum err e;

	json_init(&j);
	json_obj(&j, NULL);
	json_cstr(&j, "act", act);
	if (c->disabled >= 0) {
		json_bool(&j, "disabled", c->disabled == 1);
	}
	if (c->owner != NULL) {
		json_cstr(&j, "owner", c->owner);
	}
	if (c->password != NULL) {
		json_bool(&j, "password", true);
	}
	if (c->role != ROLE_NONE) {
		json_cstr(&j, "role", role_name(c->role));
	}
	json_cstr(&j, "user", name);
	json_obj_end(&j);
	e = j.failed ? ERR_NOMEM
		     : audit_append(db, AUDIT_ACTED, who, clock_wall_us(),
				    json_view(&j), &id);
	json_fini(&j);
	return e;
}

/* Commits if all is well, and closes. */
static enum err
end(struct store_reader *r, sqlite3 *db, enum err e, struct diag *d)
{
	if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e == ERR_IO) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	sqlite3_close(db);
	return e;
}

static enum err
insert(sqlite3 *db, const struct user *u, const char *hash, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	struct user other;
	int64_t n = count_by(db, "SELECT count(*) FROM users");
	enum err e = get(db, u->name, &other);

	if (e == ERR_OK) {
		return diag_set(d, ERR_USAGE,
				"%s: there is a user of that name", u->name);
	}
	if (e != ERR_NOTFOUND || n < 0) {
		return ERR_IO;
	}
	if (n == 0 && (u->role != ROLE_ADMINISTRATOR || u->owner[0] != '\0')) {
		return diag_set(d, ERR_USAGE,
				"%s: the first user is to be an administrator "
				"without owner, who can add others",
				u->name);
	}
	if (n >= USER_MAX) {
		return diag_set(d, ERR_LIMIT, "%s: there are %d users already",
				u->name, USER_MAX);
	}
	e = ERR_IO;
	if (sqlite3_prepare_v2(db,
			       "INSERT INTO users(name,owner,role,hash,lang,"
			       "zone,disabled,changed_us)"
			       " VALUES(?,?,?,?,?,?,0,?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "ttttttu", u->name, u->owner,
			    role_name(u->role), hash, u->lang, u->zone,
			    clock_wall_us());
	}
	sqlite3_finalize(st);
	return e;
}

enum err
user_add(struct store_reader *r, const struct user *u, const char *password,
	 const char *who, struct diag *d)
{
	const struct user_change c = { .password = password,
				       .owner = u->owner,
				       .role = u->role,
				       .disabled = -1 };
	char hash[USER_HASH_CAP];
	sqlite3 *db;
	enum err e = check_texts(u->owner, u->lang, u->zone, password, d);

	if (e == ERR_OK && (u->name[0] == '\0' || !is_word(u->name, "._@-"))) {
		e = diag_set(d, ERR_USAGE,
			     "name: letters, digits and . _ @ -, at most 64");
	}
	if (e == ERR_OK && u->role == ROLE_NONE) {
		e = diag_set(d, ERR_USAGE,
			     "role: viewer, analyst, coordinator or "
			     "administrator");
	}
	if (e == ERR_OK) {
		e = user_hash(password, hash);
		diag_set(d, e,
			 "too many passwords are being hashed: try again");
	}
	if (e == ERR_OK) {
		e = store_change_begin(r, &db, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	e = insert(db, u, hash, d);
	if (e == ERR_OK) {
		e = audit_change(db, "add", u->name, &c, who);
	}
	return end(r, db, e, d);
}

/* The statements of a change; the transaction is open. */
static enum err
apply(sqlite3 *db, const struct user *u, const struct user_change *c,
      const char *hash)
{
	const struct {
		const char *sql, *text;
	} texts[] = {
		{ "UPDATE users SET owner=?1 WHERE id=?2", c->owner },
		{ "UPDATE users SET lang=?1 WHERE id=?2", c->lang },
		{ "UPDATE users SET zone=?1 WHERE id=?2", c->zone },
		{ "UPDATE users SET hash=?1 WHERE id=?2",
		  c->password != NULL ? hash : NULL },
		{ "UPDATE users SET role=?1 WHERE id=?2",
		  c->role != ROLE_NONE ? role_name(c->role) : NULL },
	};
	bool out = c->owner != NULL || c->password != NULL ||
		   c->role != ROLE_NONE || c->disabled >= 0 || c->remove;
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(texts) && e == ERR_OK; i++) {
		if (texts[i].text != NULL) {
			e = run(db, texts[i].sql, texts[i].text, 0, u->id);
		}
	}
	if (e == ERR_OK && c->disabled >= 0) {
		e = run(db, "UPDATE users SET disabled=?1 WHERE id=?2", NULL,
			c->disabled, u->id);
	}
	if (e == ERR_OK) {
		e = run(db, "UPDATE users SET changed_us=?1 WHERE id=?2", NULL,
			(int64_t)clock_wall_us(), u->id);
	}
	if (e == ERR_OK && out) {
		e = run(db, "DELETE FROM sessions WHERE ?1=0 AND user=?2", NULL,
			0, u->id);
	}
	if (e == ERR_OK && c->remove) {
		e = run(db, "DELETE FROM users WHERE ?1=0 AND id=?2", NULL, 0,
			u->id);
	}
	return e;
}

enum err
user_change(struct store_reader *r, const char *name,
	    const struct user_change *c, const char *who, struct diag *d)
{
	char hash[USER_HASH_CAP] = "";
	struct user u;
	sqlite3 *db;
	enum err e = check_texts(c->owner, c->lang, c->zone, c->password, d);

	if (e == ERR_OK && c->password != NULL) {
		e = user_hash(c->password, hash);
		diag_set(d, e,
			 "too many passwords are being hashed: try again");
	}
	if (e == ERR_OK) {
		e = store_change_begin(r, &db, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	e = get(db, name, &u);
	if (e == ERR_NOTFOUND) {
		diag_set(d, e, "there is no such user");
	}
	if (e == ERR_OK) {
		e = apply(db, &u, c, hash);
	}
	/* The last person may go: that is how one who is locked out begins
	 * anew, with picketctl. */
	if (e == ERR_OK &&
	    count_by(db, "SELECT count(*) FROM users WHERE disabled=0"
			 " AND role='administrator' AND owner=''") == 0 &&
	    count_by(db, "SELECT count(*) FROM users") != 0) {
		e = diag_set(d, ERR_USAGE,
			     "%s: is the last administrator: make another one "
			     "first",
			     u.name);
	}
	if (e == ERR_OK) {
		e = audit_change(db, c->remove ? "remove" : "change", u.name, c,
				 who);
	}
	return end(r, db, e, d);
}

enum err
user_note_login(struct store_reader *r, const struct user *u, bool good)
{
	struct diag d;
	sqlite3 *db;
	enum err e;

	if (good && u->failed == 0) {
		return ERR_OK;
	}
	e = store_change_begin(r, &db, &d);
	if (e != ERR_OK) {
		return e;
	}
	e = run(db,
		"UPDATE users SET failed=CASE ?1 WHEN 1 THEN 0 ELSE"
		" min(failed+1,1000000) END WHERE id=?2",
		NULL, good, u->id);
	return end(r, db, e, &d);
}
