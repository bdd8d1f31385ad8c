/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_people.h - log-in, log-out and people, as the API has them
 *
 * While there are no people in the store, whoever comes from this machine is
 * the administrator "local", if the console listens on loopback; with the first
 * person that ends.
 *
 * Place    above console_session, console_pace and console_right; below
 *          console_http.
 * Threads  any number.
 * Memory   a connection, the release policy, the failures of log-ins.
 */
#ifndef COLLECTOR_CONSOLE_PEOPLE_H
#define COLLECTOR_CONSOLE_PEOPLE_H

#include "collector/console_right.h"
#include "collector/console_session.h"

struct console_people;

struct console_people_config {
	const char *store;
	/* The release policy, whose partners' people see what they would get;
	 * NULL: people with an owner see nothing. */
	const char *policy;
	bool open; /* nobody has to log in while there are no people */
};

/* ERR_IO; ERR_FORMAT and ERR_NOTFOUND of the policy, with diag. */
enum err console_people_new(struct console_people **out,
			    const struct console_people_config *cfg,
			    struct diag *d) MUST_CHECK;
void console_people_free(struct console_people *p);

/* Who this is; of ROLE_NONE: nobody.  'token' NULL: there is no cookie.
 * ERR_IO: the store does not answer. */
enum err console_people_viewer(struct console_people *p, const char *token,
			       struct viewer *out) MUST_CHECK;

/* A request of log-in, log-out, /api/me or /api/users. */
struct people_request {
	const char *path;
	bool post;
	struct view body;
	const char *address; /* from where */
	const struct viewer *viewer;
	/* Answers. */
	char token[SESSION_TOKEN_CAP]; /* of a new session, "" */
	bool ended; /* the browser is to forget its token */
	unsigned wait_s; /* with 429: for so long */
};
/* Whether it is one of those. */
bool console_people_mine(const char *path);
/* Writes the answer into 'j' and returns its HTTP status. */
unsigned console_people_answer(struct console_people *p,
			       struct people_request *r, struct json *j);
/* Into the audit log: what 'v' asked for and was granted.  Nothing may leave
 * before that is committed. */
enum err console_people_record(struct console_people *p,
			       const struct console_right *row,
			       const char *path, struct view body,
			       const struct viewer *v) MUST_CHECK;

#endif
