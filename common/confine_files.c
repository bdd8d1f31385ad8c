/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: files, and ports to listen on.  By raw system calls, as neither
 * the C library nor Debian 12's kernel headers know all of it: what is asked
 * for is what the kernel says it has, see landlock(7).
 */
#include "common/confine_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* linux/landlock.h; the version that brought it stands behind. */
#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define FS_EXECUTE (UINT64_C(1) << 0) /* 1 */
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_DIR (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR (UINT64_C(1) << 7)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_REFER (UINT64_C(1) << 13) /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define FS_ALL_1 ((UINT64_C(1) << 13) - 1)
#define NET_BIND_TCP (UINT64_C(1) << 0) /* 4 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1) /* 6 */

#define RIGHTS_READ (FS_READ_FILE | FS_READ_DIR)
#define RIGHTS_WRITE \
	(RIGHTS_READ | FS_WRITE_FILE | FS_REMOVE_FILE | FS_REMOVE_DIR | \
	 FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
/* what may be said of a file that is no directory */
#define RIGHTS_OF_FILE \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

struct port_attr {
	uint64_t access, port;
};

/*
 * For all programs: name resolution, time zones, libraries that these load,
 * the authorities of TLS and the types of files, our own counters.
 */
static const char *const system_read[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/services",
	"/etc/protocols",
	"/etc/networks",
	"/etc/localtime",
	"/etc/ld.so.cache",
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/etc/magic",
	"/etc/magic.mime",
	"/etc/crypto-policies",
	"/run/systemd/resolve",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/lib",
	"/lib64",
	"/usr/share/zoneinfo",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/usr/share/misc",
	"/usr/share/file",
	"/usr/share/publicsuffix",
	"/sys/class/net",
	"/sys/devices",
	"/proc/self",
	"/proc/sys/kernel",
	"/proc/sys/net",
	"/proc/net",
	"/proc/locks",
	"/proc/cpuinfo",
	"/proc/meminfo",
	"/dev/urandom",
	"/dev/random",
};

static const char *const system_write[] = { "/dev/null", "/dev/zero" };

int
confine_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t
rights_known(int abi)
{
	return FS_ALL_1 | (abi >= 2 ? FS_REFER : 0) |
	       (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
}

/* What is not there needs no rule: nobody may make it either. */
static bool
allow(int ruleset, int abi, const char *path, uint64_t rights)
{
	struct path_attr rule = { .fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;
	bool ok = true;

	if (rule.fd < 0) {
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	}
	rule.access = rights & rights_known(abi);
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
		rule.access &= RIGHTS_OF_FILE;
	}
	/* EBADFD: a pipe or socket by way of /dev/stdin, which is not held
	 * back in the first place */
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
		    0) != 0) {
		ok = errno == EBADFD;
	}
	close(rule.fd);
	return ok;
}

/* The directory that holds 'path', as the file system has it. */
static bool
dir_of(const char *path, char dir[PATH_MAX])
{
	char above[PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(above, sizeof(above), "%.*s",
		 slash != NULL ? (int)MAX(slash - path, 1) : 1,
		 slash != NULL ? path : ".");
	return realpath(above, dir) != NULL;
}

/* "/", "/etc", "/tmp": others have things there. */
static bool
everybodys(const char *dir)
{
	return strchr(dir + 1, '/') == NULL;
}

static bool
allow_beside(int ruleset, int abi, const char *path, uint64_t rights)
{
	char dir[PATH_MAX];
	struct stat st;
	/* a directory, a pipe or a device: nobody puts another in its place */
	bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);

	if (!special && dir_of(path, dir) &&
	    (!everybodys(dir) || (rights & FS_WRITE_FILE) != 0)) {
		return allow(ruleset, abi, dir, rights) &&
		       allow(ruleset, abi, path, rights);
	}
	return allow(ruleset, abi, path, rights);
}

static bool
allow_paths(const struct confine *c, int ruleset, int abi, const char **at)
{
	for (size_t i = 0; i < ARRAY_LEN(system_read); i++) {
		*at = system_read[i];
		if (!allow(ruleset, abi, *at, RIGHTS_READ)) {
			return false;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(system_write); i++) {
		*at = system_write[i];
		if (!allow(ruleset, abi, *at, FS_READ_FILE | FS_WRITE_FILE)) {
			return false;
		}
	}
	for (size_t i = 0; i < c->n_paths; i++) {
		enum confine_access access = c->paths[i].access;
		bool write =
			access != CONFINE_READ && access != CONFINE_READ_BESIDE;
		bool beside = access == CONFINE_READ_BESIDE ||
			      access == CONFINE_WRITE_BESIDE;

		*at = c->paths[i].path;
		if (!(beside ? allow_beside : allow)(ruleset, abi, *at,
						     write ? RIGHTS_WRITE
							   : RIGHTS_READ)) {
			return false;
		}
	}
	return true;
}

static bool
allow_ports(const struct confine *c, int ruleset)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		struct port_attr rule = { NET_BIND_TCP, c->ports[i] };

		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT,
			    &rule, 0) != 0) {
			return false;
		}
	}
	return true;
}

enum err
confine_files(const struct confine *c, int abi, struct diag *d)
{
	struct ruleset_attr attr = { .fs = rights_known(abi),
				     .net = abi >= 4 ? NET_BIND_TCP : 0,
				     .scoped = abi >= 6 ? SCOPE_SIGNAL : 0 };
	/* older kernels know a shorter one */
	size_t size = abi >= 6 ? sizeof(attr) : abi >= 4 ? 16 : 8;
	const char *at = "ports to listen on";
	enum err e = ERR_OK;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	if (fd < 0) {
		return diag_set(d, ERR_IO, "Landlock: no ruleset: %s",
				strerror(errno));
	}
	if (!allow_paths(c, fd, abi, &at) ||
	    (attr.net != 0 && !allow_ports(c, fd))) {
		e = diag_set(d, ERR_IO, "Landlock: %s: %s", at,
			     strerror(errno));
	} else if (syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
		e = diag_set(d, ERR_IO, "Landlock: %s", strerror(errno));
	}
	close(fd);
	return e;
}
