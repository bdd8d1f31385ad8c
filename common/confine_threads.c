/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp, thread by thread: of what the process may ask for, each kind of
 * thread needs a part, and those that read what strangers wrote need least.
 * The lists are what the threads were seen to do, and what the libraries they
 * call do in rarer cases.  Filters are made here, while there is one thread and
 * errors can be told, and put in force by thread_start().
 */
#include "common/confine_filter.h"
#include "common/confine_parts.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IOCTL_SIOCGIFFLAGS 0x8913

/* Memory, time, locks, open files; signals to oneself, the end. */
static const char *const any[] = {
	"read",
	"write",
	"close",
	"lseek",
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"futex|futex_time64",
	"clock_gettime|clock_gettime64",
	"clock_nanosleep|clock_nanosleep_time64",
	"gettimeofday",
	"poll|ppoll",
	"sched_yield",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"restart_syscall",
	"exit",
	"exit_group",
	"getpid",
	"gettid",
	"getrandom",
	"sysinfo", /* qsort() of much */
};

static const char *const may_tap[] = {
	"getsockopt",
	"setsockopt", /* counters; the end */
	"getsockname", /* libpcap, of an interface that went down */
	"sched_setaffinity",
};

static const char *const may_open[] = { "openat", "newfstatat|fstatat64",
					"fstat" };

static const char *const may_read[] = { "lstat", "pread64", "getdents64",
					"fadvise64", "readlink|readlinkat" };

/* A file as it comes, by the worker that sees it. */
static const char *const may_keep[] = { "rename|renameat", "unlink|unlinkat",
					"mkdir|mkdirat" };

static const char *const may_write[] = {
	"pwrite64",  "pwritev",   "rename",   "renameat",
	"renameat2", "unlink",    "unlinkat", "mkdir|mkdirat",
	"ftruncate", "fallocate", "fsync",    "fdatasync",
	"msync",     "fchmod",    "flock",    "fstatfs",
};

/* SQLite; as root it leaves its files to the store's owner. */
static const char *const may_store[] = {
	"pread64",
	"pwrite64",
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"unlink|unlinkat",
	"fchmod",
	"fchown",
	"geteuid",
	"access|faccessat",
	"getcwd",
	"lstat",
	"readlink|readlinkat",
};

static const char *const may_talk[] = {
	"connect",    "bind",        "sendto",   "recvfrom",
	"sendmsg",    "recvmsg",     "sendmmsg", "setsockopt",
	"getsockopt", "getsockname", "shutdown", "uname",
};

static const char *const may_serve[] = {
	"accept4",   "epoll_wait|epoll_pwait",
	"epoll_ctl", "recvfrom",
	"sendto",    "sendmsg",
	"shutdown",  "setsockopt",
	"getrusage",
};

/* Who starts threads ends them: libmicrohttpd's wakes when its listener is
 * shut, and waits for ever otherwise. */
static const char *const may_start[] = { "set_robust_list", "rseq",
					 "sched_getaffinity", "shutdown" };
/* libpcap opens a tap: what wakes who reads it */
static const char *const may_capture[] = { "eventfd2" };
static const char *const may_notify[] = { "sendto" };
static const char *const may_time[] = { "timer_settime|timer_settime64",
					"timer_delete" };

/* Those that open files. */
#define OPENS \
	(CONFINE_MAY_OPEN | CONFINE_MAY_READ | CONFINE_MAY_KEEP | \
	 CONFINE_MAY_WRITE | CONFINE_MAY_STORE)

struct group {
	unsigned may;
	const char *const *calls;
	size_t n;
};

static const struct group groups[] = {
	{ OPENS, may_open, ARRAY_LEN(may_open) },
	{ CONFINE_MAY_TAP, may_tap, ARRAY_LEN(may_tap) },
	{ CONFINE_MAY_READ, may_read, ARRAY_LEN(may_read) },
	{ CONFINE_MAY_KEEP, may_keep, ARRAY_LEN(may_keep) },
	{ CONFINE_MAY_WRITE, may_write, ARRAY_LEN(may_write) },
	{ CONFINE_MAY_STORE, may_store, ARRAY_LEN(may_store) },
	{ CONFINE_MAY_TALK, may_talk, ARRAY_LEN(may_talk) },
	{ CONFINE_MAY_CAPTURE, may_talk, ARRAY_LEN(may_talk) },
	{ CONFINE_MAY_CAPTURE, may_capture, ARRAY_LEN(may_capture) },
	{ CONFINE_MAY_SERVE, may_serve, ARRAY_LEN(may_serve) },
	{ CONFINE_MAY_START, may_start, ARRAY_LEN(may_start) },
	{ CONFINE_MAY_NOTIFY, may_notify, ARRAY_LEN(may_notify) },
	{ CONFINE_MAY_TIME, may_time, ARRAY_LEN(may_time) },
};

/* What a thread without business there asks for only when it is not ours any
 * more: there is nothing to go on with. */
static void
kill_rules(struct filter *f, unsigned may)
{
	static const char *const network[] = { "socket", "socketpair", "listen",
					       "bind", "connect" };

	if ((may & (CONFINE_MAY_TALK | CONFINE_MAY_CAPTURE)) == 0) {
		filter_calls(f, SCMP_ACT_KILL_PROCESS, network,
			     ARRAY_LEN(network));
	}
	if ((may & CONFINE_MAY_START) == 0) {
		filter_call(f, SCMP_ACT_KILL_PROCESS, "clone", 0, NULL);
	}
}

static void
thread_rules(struct filter *f, unsigned may)
{
	filter_calls(f, SCMP_ACT_ALLOW, any, ARRAY_LEN(any));
	filter_memory(f, (may & CONFINE_MAY_CODE) != 0 ? FILTER_JIT
			 : (may & (CONFINE_MAY_TALK | CONFINE_MAY_CAPTURE)) != 0
				 ? FILTER_LIBRARIES /* name resolution's */
				 : FILTER_NO_CODE);
	filter_allow_if(f, "tgkill",
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if ((may & groups[i].may) != 0) {
			filter_calls(f, SCMP_ACT_ALLOW, groups[i].calls,
				     groups[i].n);
		}
	}
	if ((may & ~(CONFINE_MAY_RUN | CONFINE_MAY_TAP)) != 0) {
		filter_fcntl(f);
	}
	if ((may & CONFINE_MAY_TAP) != 0) {
		filter_allow_if(f, "ioctl",
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff,
					IOCTL_SIOCGIFFLAGS));
	}
	if ((may & (CONFINE_MAY_TALK | CONFINE_MAY_CAPTURE)) != 0) {
		filter_ioctl(f);
		filter_sockets(f);
	}
	if ((may & CONFINE_MAY_CAPTURE) != 0) {
		filter_packet_sockets(f);
	}
	if ((may & CONFINE_MAY_START) != 0) {
		filter_clone(f);
		filter_thread_begin(f);
	}
	kill_rules(f, may);
	filter_not_there(f);
}

/* What libseccomp made, as seccomp(2) takes it. */
static struct sock_fprog *
program_of(const struct filter *f, int *rc)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sock_fprog *p = NULL;
	struct stat st;

	*rc = -errno;
	if (fd < 0) {
		return NULL;
	}
	*rc = seccomp_export_bpf(f->ctx, fd);
	if (*rc == 0 && fstat(fd, &st) != 0) {
		*rc = -errno;
	}
	if (*rc == 0) {
		size_t len = (size_t)st.st_size;

		p = malloc(sizeof(*p) + len);
		*rc = -ENOMEM;
		if (p != NULL && pread(fd, p + 1, len, 0) == st.st_size) {
			p->len = (unsigned short)(len /
						  sizeof(struct sock_filter));
			p->filter = (struct sock_filter *)(p + 1);
			*rc = 0;
		}
	}
	close(fd);
	if (*rc != 0) {
		free(p);
		p = NULL;
	}
	return p;
}

enum err
confine_threads(const struct confine *c, struct confine_state *out,
		struct diag *d)
{
	for (unsigned k = 0; k < THREAD_KINDS; k++) {
		struct sock_fprog *program = NULL;
		struct filter f;
		int rc = -ENOMEM;

		if (c->may[k] == 0) {
			continue;
		}
		if (filter_init(&f)) {
			thread_rules(&f, c->may[k]);
			rc = f.rc;
		}
		if (rc == 0) {
			program = program_of(&f, &rc);
		}
		out->thread_calls[k] = f.calls;
		filter_fini(&f);
		if (program == NULL) {
			return diag_set(d, ERR_IO,
					"seccomp: no filter for threads of "
					"kind %s: %s",
					thread_name(k), strerror(-rc));
		}
		thread_filter(k, program);
	}
	return ERR_OK;
}
