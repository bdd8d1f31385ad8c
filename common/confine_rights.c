/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are, and what of root's power is left to us. */
#include "common/confine_parts.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Numbers are ids also where no name belongs to them. */
static bool
number(const char *s, unsigned *out)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	*out = (unsigned)v;
	return s[0] >= '0' && s[0] <= '9' && *end == '\0' && v < UINT_MAX;
}

static enum err
find_user(const struct confine *c, struct confine_ids *out, struct diag *d)
{
	const struct passwd *pw = getpwnam(c->user);
	const struct group *gr;
	unsigned id;

	if (pw == NULL && number(c->user, &id)) {
		pw = getpwuid(id);
		out->uid = id;
		out->gid = id;
	} else if (pw == NULL) {
		return diag_set(d, ERR_USAGE,
				"run-as.user: there is no user '%s'; make it "
				"with: adduser --system --group %s",
				c->user, c->user);
	}
	if (pw != NULL) {
		out->uid = pw->pw_uid;
		out->gid = pw->pw_gid;
	}
	if (c->group == NULL) {
		return ERR_OK;
	}
	gr = getgrnam(c->group);
	if (gr != NULL) {
		out->gid = gr->gr_gid;
	} else if (number(c->group, &id)) {
		out->gid = id;
	} else {
		return diag_set(d, ERR_USAGE,
				"run-as.group: there is no group '%s'",
				c->group);
	}
	return ERR_OK;
}

enum err
confine_ids(const struct confine *c, struct confine_ids *out, struct diag *d)
{
	const struct passwd *pw;
	enum err e = ERR_OK;

	*out = (struct confine_ids){ .uid = geteuid(), .gid = getegid() };
	if (c->user != NULL) {
		e = find_user(c, out, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	out->change = out->uid != geteuid() || out->gid != getegid();
	if (out->change && geteuid() != 0) {
		return diag_set(d, ERR_USAGE,
				"run-as.user: only root can become user '%s'; "
				"start as root, or leave it out",
				c->user);
	}
	pw = getpwuid(out->uid);
	if (pw != NULL) {
		snprintf(out->name, sizeof(out->name), "%s", pw->pw_name);
	} else {
		snprintf(out->name, sizeof(out->name), "%u",
			 (unsigned)out->uid);
	}
	return ERR_OK;
}

/* ------------------------------------------------------------ giving away */

static void
sync_beside(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;

	snprintf(dir, sizeof(dir), "%.*s",
		 slash != NULL ? (int)MAX(slash - path, 1) : 1,
		 slash != NULL ? path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

/* mkdir -p; what is there stays as it is. */
static bool
make_dirs(const char *dir, mode_t mode)
{
	char path[PATH_MAX];
	size_t n = strlen(dir);

	memcpy(path, dir, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0') {
			continue;
		}
		path[i] = '\0';
		if (mkdir(path, mode) == 0) {
			sync_beside(path);
		} else if (errno != EEXIST) {
			return false;
		}
		path[i] = dir[i];
	}
	return true;
}

/*
 * Only what is root's, and nothing that has a second name: another user who
 * may write here could have made one for a file that is not ours to give.
 */
static bool
give_at(int dirfd, const char *name, const struct confine_ids *ids)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return errno == ENOENT;
	}
	if (st.st_uid != 0 || st.st_uid == ids->uid ||
	    !(S_ISDIR(st.st_mode) ||
	      (S_ISREG(st.st_mode) && st.st_nlink == 1))) {
		return true;
	}
	return fchownat(dirfd, name, ids->uid, ids->gid, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

/* A directory of ours and what lies in it, if it was root's until now. */
static bool
give_dir(const char *path, const struct confine_ids *ids)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	bool ok;
	DIR *dir;

	if (fd < 0 || fstat(fd, &st) != 0) {
		ok = fd < 0;
		if (fd >= 0) {
			close(fd);
		}
		return ok; /* who uses it says what is wrong with it */
	}
	if (st.st_uid != 0 || (dir = fdopendir(fd)) == NULL) {
		close(fd);
		return true;
	}
	ok = true;
	for (const struct dirent *e; ok && (e = readdir(dir)) != NULL;) {
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0) {
			ok = give_at(fd, e->d_name, ids);
		}
	}
	ok = ok && fchown(fd, ids->uid, ids->gid) == 0;
	closedir(dir);
	return ok;
}

enum err
confine_give(const struct confine *c, const struct confine_ids *ids,
	     struct diag *d)
{
	for (size_t i = 0; i < c->n_paths; i++) {
		const char *path = c->paths[i].path;
		bool ok = true;

		if (c->paths[i].access == CONFINE_OWN ||
		    c->paths[i].access == CONFINE_OWN_SHOWN) {
			/* failing is told by who uses it */
			ok = !make_dirs(path, c->paths[i].access == CONFINE_OWN
						      ? 0700
						      : 0750) ||
			     !ids->change || give_dir(path, ids);
		} else if (c->paths[i].access == CONFINE_WRITE_BESIDE &&
			   ids->change) {
			ok = give_at(AT_FDCWD, path, ids);
		}
		if (!ok) {
			return diag_set(d, ERR_IO,
					"%s: cannot be given to user %s: %s; "
					"do so yourself: chown -R %s %s",
					path, ids->name, strerror(errno),
					ids->name, path);
		}
	}
	return ERR_OK;
}

/* ------------------------------------------------------------ capabilities */

static unsigned
held(unsigned wanted)
{
	unsigned have = 0;

	if (capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW)) {
		have |= CONFINE_CAP_NET_RAW;
	}
	if (capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN)) {
		have |= CONFINE_CAP_NET_ADMIN;
	}
	return have & wanted;
}

static void
choose(unsigned caps)
{
	capng_type_t own = CAPNG_EFFECTIVE | CAPNG_PERMITTED;

	capng_clear(CAPNG_SELECT_BOTH);
	if ((caps & CONFINE_CAP_NET_RAW) != 0) {
		capng_update(CAPNG_ADD, own | CAPNG_BOUNDING_SET, CAP_NET_RAW);
	}
	if ((caps & CONFINE_CAP_NET_ADMIN) != 0) {
		capng_update(CAPNG_ADD, own | CAPNG_BOUNDING_SET,
			     CAP_NET_ADMIN);
	}
}

/* Whether we have nothing but 'caps', nor hand anything on. */
static bool
settled(unsigned caps)
{
	if (capng_get_caps_process() != 0 || caps != 0) {
		return false;
	}
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++) {
		if (capng_have_capability(CAPNG_PERMITTED, c) ||
		    capng_have_capability(CAPNG_INHERITABLE, c)) {
			return false;
		}
	}
	return true;
}

enum err
confine_rights(const struct confine *c, const struct confine_ids *ids,
	       struct confine_state *out, struct diag *d)
{
	int rc = 0;

	if (capng_get_caps_process() != 0) {
		return diag_set(d, ERR_IO,
				"the capabilities of this process cannot be "
				"read");
	}
	out->caps = held(c->caps);
	/* only who may set capabilities may narrow the bounding set; without
	 * it, no_new_privs keeps what is in there out of reach */
	out->bounded = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
	choose(out->caps);
	if (out->bounded) {
		rc = capng_apply(CAPNG_SELECT_BOUNDS);
	}
	if (rc == 0 && ids->change) {
		rc = capng_change_id((int)ids->uid, (int)ids->gid,
				     CAPNG_DROP_SUPP_GRP);
	}
	/* a service manager may have left none, and forbidden the call */
	if (rc == 0 && !settled(out->caps)) {
		choose(out->caps);
		rc = capng_apply(CAPNG_SELECT_CAPS);
	}
	if (rc == 0 &&
	    (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	     prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)) {
		rc = -1;
	}
	if (rc != 0) {
		return diag_set(d, ERR_IO,
				"rights cannot be given up (libcap-ng says "
				"%d, the system %s)",
				rc, strerror(errno));
	}
	snprintf(out->user, sizeof(out->user), "%s", ids->name);
	return ERR_OK;
}
