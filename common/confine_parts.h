/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine_parts.h - what confine.h is made of; included by confine*.c alone
 */
#ifndef COMMON_CONFINE_PARTS_H
#define COMMON_CONFINE_PARTS_H

#include <sys/types.h>

#include "common/confine.h"

/* Who we are to be. */
struct confine_ids {
	bool change;
	uid_t uid;
	gid_t gid;
	char name[64];
};

/* ERR_USAGE with diag: no such user or group, or it is not ours to become. */
enum err confine_ids(const struct confine *c, struct confine_ids *out,
		     struct diag *d) MUST_CHECK;
/* Makes and gives away directories; must come before the rights go. */
enum err confine_give(const struct confine *c, const struct confine_ids *ids,
		      struct diag *d) MUST_CHECK;
/* User, group, capabilities, no_new_privs.  ERR_IO with diag. */
enum err confine_rights(const struct confine *c, const struct confine_ids *ids,
			struct confine_state *out, struct diag *d) MUST_CHECK;

/* The kernel's version of Landlock; 0: it has none, or it is off. */
int confine_landlock_abi(void);
/* ERR_IO with diag. */
enum err confine_files(const struct confine *c, int abi,
		       struct diag *d) MUST_CHECK;

bool confine_seccomp_there(void);
/* What each kind of thread puts on top.  Sets out->thread_calls; ERR_IO with
 * diag.  Before confine_calls(). */
enum err confine_threads(const struct confine *c, struct confine_state *out,
			 struct diag *d) MUST_CHECK;
/* Sets out->calls.  ERR_IO, ERR_NOMEM with diag. */
enum err confine_calls(const struct confine *c, struct confine_state *out,
		       struct diag *d) MUST_CHECK;

#endif
