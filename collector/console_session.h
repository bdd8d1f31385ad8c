/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_session.h - who is logged in
 *
 * A session is a random token of 256 bits that the browser keeps; the store has
 * its SHA-256 only, so that who reads the store cannot be somebody else.  It
 * ends SESSION_IDLE_S after its last request, SESSION_WHOLE_S after its
 * log-in, and when its person's rights become others.
 *
 * Place    above console_user; below console_people.
 * Threads  any number.
 * Memory   SESSION_MAX of a person in the store: the oldest go first.
 * Cost     a look into an index; a write a minute.
 */
#ifndef COLLECTOR_CONSOLE_SESSION_H
#define COLLECTOR_CONSOLE_SESSION_H

#include "collector/console_user.h"

#define SESSION_IDLE_S 3600
#define SESSION_WHOLE_S (12 * 3600)
#define SESSION_MAX 16
#define SESSION_TOKEN_CAP 65

/* Begins one of 'u'; its token goes to the browser and nowhere else.  As
 * store_change_begin(). */
enum err session_open(struct store_reader *r, const struct user *u,
		      const char *address, char token[SESSION_TOKEN_CAP],
		      struct diag *d) MUST_CHECK;
/* Name, owner, role, language, zone, csrf and session of who has this token.
 * ERR_NOTFOUND: nobody. */
enum err session_find(struct store_reader *r, const char *token,
		      struct viewer *out) MUST_CHECK;
/* Ends the one of 'v'. */
enum err session_close(struct store_reader *r, const struct viewer *v,
		       struct diag *d) MUST_CHECK;
/* Ends all of a person. */
enum err session_close_all(struct store_reader *r, const char *name,
			   const char *who, struct diag *d) MUST_CHECK;
/* As an array that is open: user, created, seen, ends, from. */
enum err session_list(struct store_reader *r, struct json *j) MUST_CHECK;

#endif
