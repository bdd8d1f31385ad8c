/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_viewer.h - who asks the console, and what that person may see
 *
 * Every request to the API has one.  A viewer is of our own organisation
 * (partner is NULL) and sees everything, or belongs to a partner of the release
 * policy and sees exactly what `picketctl share export --to` would hand over.
 *
 * Place    above share_policy; below console_question and console_right.
 * Threads  immutable while a request lasts.
 * Memory   texts are copies; 'partner' is borrowed from the policy.
 */
#ifndef COLLECTOR_CONSOLE_VIEWER_H
#define COLLECTOR_CONSOLE_VIEWER_H

#include "collector/share_policy.h"

#define USER_NAME_CAP 65 /* with its end */

/* Each may what those before it may. */
enum role {
	ROLE_NONE, /* nobody has logged in */
	ROLE_VIEWER, /* reads */
	ROLE_ANALYST, /* acknowledges, archives, notes, looks at evidence */
	ROLE_COORDINATOR, /* shares, consults, arms, mutes, plays exercises */
	ROLE_ADMINISTRATOR, /* people */
	ROLES
};

struct viewer {
	char name[USER_NAME_CAP]; /* goes into the audit log */
	char owner[USER_NAME_CAP]; /* "" or ours: all of it */
	enum role role;
	const struct share_partner *partner; /* NULL: one of ours */
	char lang[8]; /* "en", "ja"; "" as the browser says */
	char zone[8]; /* "local", "utc"; "" is local */
	char csrf[33]; /* "" when there is no session */
	uint8_t session[32]; /* SHA-256 of its token; zeros: none */
};

/* "viewer", "analyst", "coordinator", "administrator"; "none". */
const char *role_name(enum role r);
/* ROLE_NONE: there is no such role. */
enum role role_read(const char *word);

#endif
