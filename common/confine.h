/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine.h - gives up what a program needs no longer, for good
 *
 * Packets, frames and rules come from strangers.  Whoever finds a mistake in
 * what reads them shall find a process that is nobody, may reach a few
 * directories only, and may ask the kernel for little: user and group are
 * changed, capabilities dropped, no_new_privs is set; Landlock leaves the
 * files, and ports to listen on, that were named; seccomp leaves the system
 * calls that the program was seen to need, and of these to each kind of thread
 * (see thread.h) its own.
 *
 *   confine_read(&c, conf, &d);          settings
 *   confine_path(&c, "/var/spool", ...); what stays within reach
 *   confine_apply(&c, &state, &d);       one thread, before the others
 *   confine_text(&state, ...);
 *
 * Place    above conf.h, listen.h, log.h and thread.h; below each program's
 *          main.
 * Threads  none but the caller's may exist: rights and rules are a thread's,
 *          and threads started later have their starter's.
 * Memory   the caller's; libcap-ng and libseccomp take some while they work.
 * Cost     some milliseconds, once; later about 0.1 us a system call.
 */
#ifndef COMMON_CONFINE_H
#define COMMON_CONFINE_H

#include <limits.h>

#include "common/conf.h"
#include "common/json.h"
#include "common/thread.h"

#define CONFINE_MAX_PATHS 512
#define CONFINE_MAX_PORTS 4

enum confine_mode { CONFINE_AUTO, CONFINE_ON, CONFINE_OFF };

enum confine_access {
	/* read what is there, and all below it */
	CONFINE_READ,
	/* the same of the directory of a file, so that it is found again after
	 * somebody has put another in its place; directories that are not ours
	 * alone, such as /etc, are left out but for the file */
	CONFINE_READ_BESIDE,
	/* write it, and make, rename and remove what is below it */
	CONFINE_WRITE,
	/* the same of a directory that is ours alone: made when it is not
	 * there, given to the user */
	CONFINE_OWN,
	/* the same, and its group may read it */
	CONFINE_OWN_SHOWN,
	/* a file that is made, appended to, renamed: all of its directory */
	CONFINE_WRITE_BESIDE,
};

/* Capabilities that stay. */
enum { CONFINE_CAP_NET_RAW = 1, CONFINE_CAP_NET_ADMIN = 2 };

/* What the program will ask the kernel for, besides what all do. */
enum {
	CONFINE_NETWORK = 1, /* sockets: names, Redis, listeners */
	CONFINE_CAPTURE = 2, /* packet sockets, processors */
	CONFINE_JIT = 4, /* memory that is written and then run */
};

/* What threads of a kind may ask for, of what the process may. */
enum {
	CONFINE_MAY_RUN = 1, /* what all do; files and sockets that are open */
	CONFINE_MAY_OPEN = 4096, /* files: no more than that */
	CONFINE_MAY_READ = 2, /* and directories */
	CONFINE_MAY_WRITE = 4, /* files: make, rename, remove, sync */
	CONFINE_MAY_KEEP = 8, /* of that, what the file store does */
	CONFINE_MAY_STORE = 16, /* what SQLite does */
	CONFINE_MAY_TALK = 32, /* names, Redis */
	CONFINE_MAY_SERVE = 64, /* HTTP, once it listens */
	CONFINE_MAY_TAP = 128, /* packet sockets that are open */
	CONFINE_MAY_CAPTURE = 256, /* open such */
	CONFINE_MAY_START = 512, /* threads */
	CONFINE_MAY_CODE = 1024, /* memory that is written and then run */
	CONFINE_MAY_NOTIFY = 2048, /* the service manager */
	CONFINE_MAY_TIME = 8192, /* wind up a timer that is there */
};

struct confine {
	enum confine_mode sandbox, landlock, seccomp;
	const char *user, *group; /* NULL: as we are */
	unsigned caps; /* CONFINE_CAP_* */
	unsigned needs; /* CONFINE_NETWORK ... */
	unsigned may[THREAD_KINDS]; /* CONFINE_MAY_*; 0: as the process */
	struct {
		char path[PATH_MAX];
		enum confine_access access;
	} * paths;
	size_t n_paths;
	uint16_t ports[CONFINE_MAX_PORTS]; /* to listen on; 0 is any */
	size_t n_ports;
	bool failed; /* a path was not taken; told by confine_apply() */
};

/* Rows for a program's table of settings. */
#define CONFINE_ROWS \
	{ "run-as.user", "string", "", \
	  "user to become when started as root" }, \
		{ "run-as.group", "string", "the user's", "group to become" }, \
		{ "security.sandbox", "string", "auto", \
		  "Landlock and seccomp: auto, on, off" }, \
		{ "security.landlock", "string", "auto", \
		  "only files and ports that are needed" }, \
		{ "security.seccomp", "string", "auto", \
		  "only system calls that are needed" }, \
		{ "security.read.*", "list", "", "more that may be read" }, \
	{ \
		"security.write.*", "list", "", "more that may be written" \
	}

/* What came of it. */
struct confine_state {
	char user[64]; /* its name, else its number */
	unsigned caps;
	bool bounded; /* the bounding set is empty but for 'caps' */
	bool jit;
	int landlock; /* the ABI in force; 0: none */
	unsigned calls; /* that seccomp lets through; 0: all */
	unsigned thread_calls[THREAD_KINDS]; /* of those; 0: the same */
	const char *off; /* why not, when a kind of build is the reason */
};

/*
 * Settings "run-as", whose user may be USER:GROUP, and "security".  ERR_USAGE
 * with diag, ERR_NOMEM.  confine_fini() in any case.
 */
enum err confine_read(struct confine *c, const struct conf *conf,
		      struct diag *d) MUST_CHECK;
void confine_fini(struct confine *c);

/* Keeps a copy of 'path'; NULL and "" name nothing, nor does "-". */
void confine_path(struct confine *c, const char *path,
		  enum confine_access access);
/* The port of "ADDRESS:PORT"; NULL names none. */
void confine_listen(struct confine *c, const char *address);

/*
 * What confine_apply() would bring about here, without doing it.  ERR_USAGE
 * with diag when that is less than is asked for, or there is no such user.
 */
enum err confine_check(const struct confine *c, struct confine_state *out,
		       struct diag *d) MUST_CHECK;

/*
 * There is no way back, and none to apply twice.  ERR_USAGE with diag: what
 * was asked for is not to be had here; ERR_IO: the kernel refused.  The program
 * must not go on then.
 */
enum err confine_apply(const struct confine *c, struct confine_state *out,
		       struct diag *d) MUST_CHECK;

/* "user picket, capabilities net_raw, Landlock 7, seccomp (96 calls, 26 to 60 a
 * thread)": of one line, cut to fit 'cap'. */
void confine_text(const struct confine_state *s, char *out, size_t cap);
/* The same as an object of metrics: "is" with "user" and "off", numbers. */
void confine_json(const struct confine_state *s, struct json *j,
		  const char *key);

#endif
