/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_user.h - the people who may use the console, in the store
 *
 * A password is kept as its scrypt hash with the parameters it was made by, so
 * that they can grow.  Each change is written in one transaction with its record
 * in the audit log, and ends the person's sessions when password, owner, role or
 * state become others.  There is always an administrator once there are people.
 *
 * Place    above store_reader, audit and console_viewer; below console_session,
 *          console_people and ctl_users.
 * Threads  any number; each change has a connection of its own.
 * Memory   a hash takes 32 MiB while it is made; at most USER_HASHERS at once.
 * Cost     a hash about 0.1 s.
 */
#ifndef COLLECTOR_CONSOLE_USER_H
#define COLLECTOR_CONSOLE_USER_H

#include "collector/console_viewer.h"
#include "collector/store_reader.h"
#include "common/json.h"

#define USER_MAX 1000
#define USER_HASHERS 2
#define USER_PASSWORD_MIN 12 /* bytes */
#define USER_PASSWORD_MAX 1024
#define USER_HASH_CAP 256

struct user {
	int64_t id;
	char name[USER_NAME_CAP], owner[USER_NAME_CAP];
	char lang[8], zone[8];
	char hash[USER_HASH_CAP]; /* "": no log-in by password */
	enum role role;
	bool disabled;
	unsigned failed; /* log-ins since the last that was good */
	uint64_t changed_us;
};

/* What becomes another; NULL and -1: stays. */
struct user_change {
	const char *password, *owner, *lang, *zone;
	enum role role; /* ROLE_NONE: stays */
	int disabled;
	bool remove;
};
#define USER_CHANGE_NONE \
	(struct user_change) \
	{ \
		.disabled = -1 \
	}

/* "scrypt$15$8$1$SALT$HASH".  ERR_AGAIN: too many are being made; ERR_NOMEM. */
enum err user_hash(const char *password, char out[USER_HASH_CAP]) MUST_CHECK;
/* In constant time, and in as much for 'hash' "" (nobody's).  ERR_AUTH when
 * it is another password; else as user_hash(). */
enum err user_verify(const char *password, const char *hash) MUST_CHECK;

/* How many there are; negative when the store does not answer. */
int64_t user_count(struct store_reader *r);
/* ERR_NOTFOUND, ERR_IO. */
enum err user_get(struct store_reader *r, const char *name,
		  struct user *out) MUST_CHECK;
/* In order of their names. */
enum err user_each(struct store_reader *r,
		   void (*fn)(void *arg, const struct user *u),
		   void *arg) MUST_CHECK;
/* Members of 'u' that may be shown, into the object that is open. */
void user_json(struct json *j, const struct user *u);

/*
 * 'who' does it.  ERR_USAGE with diag: a name, password or role that does not
 * do, one that exists, the last administrator; ERR_NOTFOUND; ERR_LIMIT; else as
 * store_change_begin().
 */
enum err user_add(struct store_reader *r, const struct user *u,
		  const char *password, const char *who,
		  struct diag *d) MUST_CHECK;
enum err user_change(struct store_reader *r, const char *name,
		     const struct user_change *c, const char *who,
		     struct diag *d) MUST_CHECK;
/* Counts a log-in that was good or not. */
enum err user_note_login(struct store_reader *r, const struct user *u,
			 bool good) MUST_CHECK;

#endif
