/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: the system calls that are left.  The lists are what the programs
 * were seen to do, and what the libraries they call do in rarer cases.  What
 * an intruder would do next ends the process; all else fails with EPERM.
 */
#include "common/confine_parts.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux headers and the C library's do not agree on where these stand */
#define CLONE_THREAD_FLAG 0x00010000
#define IOCTL_TCGETS 0x5401
#define IOCTL_TIOCGWINSZ 0x5413
#define IOCTL_FIONREAD 0x541b
#define IOCTL_FIONBIO 0x5421
#define IOCTL_SOCKETS 0x8900 /* SIOC..., all of them */
#define PRCTL_SET_VMA 0x53564d41 /* malloc names its memory */

static const char *const always[] = {
	/* files: which ones is Landlock's to say */
	"read",
	"readv",
	"pread64",
	"preadv",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"close",
	"open",
	"openat",
	"fstat",
	"newfstatat",
	"fstatat64",
	"stat",
	"lstat",
	"statx",
	"lseek",
	"_llseek",
	"access",
	"faccessat",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
	"fcntl",
	"fcntl64",
	"dup",
	"dup2",
	"dup3",
	"statfs",
	"fstatfs",
	"fadvise64",
	"flock",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"mkdir",
	"mkdirat",
	"rmdir",
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"fchown",
	"fchmod",
	"utimensat",
	"umask",
	"pipe",
	"pipe2",
	/* memory; what may be run is below */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"msync",
	"mlock",
	"munlock",
	"mincore",
	/* threads */
	"futex",
	"futex_time64",
	"set_robust_list",
	"rseq",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"getcpu",
	"set_tid_address",
	"exit",
	"exit_group",
	"gettid",
	"arch_prctl",
	/* time and waiting */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"times",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd2",
	"restart_syscall",
	/* signals to ourselves */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigpending",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"sigaltstack",
	/* who and where we are */
	"getpid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"getrusage",
	"getrlimit",
	"sysinfo",
	"uname",
	"getrandom",
	"getpriority",
	"capget",
};

static const char *const network[] = {
	"connect",  "bind",        "listen",      "accept",     "accept4",
	"shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt",
	"sendto",   "recvfrom",    "sendmsg",     "recvmsg",    "sendmmsg",
	"recvmmsg", "sendfile",
};

static const char *const capture[] = { "sched_setaffinity" };

/* The next step of whoever took over: there is nothing to go on with. */
static const char *const fatal[] = {
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_getfd",
	"kcmp",
	"mount",
	"umount2",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsmount",
	"fsconfig",
	"fspick",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"reboot",
	"swapon",
	"swapoff",
	"acct",
	"settimeofday",
	"clock_settime",
	"clock_adjtime",
	"adjtimex",
	"sethostname",
	"setdomainname",
	"iopl",
	"ioperm",
	"modify_ldt",
	"keyctl",
	"add_key",
	"request_key",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"setfsuid",
	"setfsgid",
	"capset",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"open_by_handle_at",
	"lookup_dcookie",
	"quotactl",
	"nfsservctl",
	"personality",
	"syslog",
	"vhangup",
	"mknod",
	"mknodat",
};

/* Who asks for these has an older way, and takes it only for this answer. */
static const char *const not_there[] = {
	"clone3",      "faccessat2",  "openat2",         "epoll_pwait2",
	"futex_waitv", "close_range", "copy_file_range",
};

#define MAX_CALLS 1024 /* numbers of calls are below it */

struct filter {
	scmp_filter_ctx ctx;
	unsigned calls; /* let through */
	bool counted[MAX_CALLS];
	int rc; /* the first that went wrong */
};

static void
rule(struct filter *f, uint32_t action, const char *call, unsigned n,
     const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(call), rc;

	if (nr == __NR_SCMP_ERROR || nr < 0 || f->rc != 0) {
		return; /* not on this processor */
	}
	rc = seccomp_rule_add_array(f->ctx, action, nr, n, args);
	if (rc != 0) {
		f->rc = rc;
	} else if (action == SCMP_ACT_ALLOW && nr < MAX_CALLS) {
		f->calls += !f->counted[nr];
		f->counted[nr] = true;
	}
}

static void
rules(struct filter *f, uint32_t action, const char *const *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rule(f, action, calls[i], 0, NULL);
	}
}

static void
allow_if(struct filter *f, const char *call, struct scmp_arg_cmp arg)
{
	rule(f, SCMP_ACT_ALLOW, call, 1, &arg);
}

/* Written and then run: how code gets in.  Libraries are mapped to be run, and
 * never written. */
static void
memory_rules(struct filter *f, bool jit)
{
	struct scmp_arg_cmp wx[] = { SCMP_A2(SCMP_CMP_MASKED_EQ,
					     PROT_WRITE | PROT_EXEC,
					     PROT_WRITE | PROT_EXEC) };
	struct scmp_arg_cmp x[] = { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC,
					    PROT_EXEC) };

	if (jit) {
		rule(f, SCMP_ACT_ALLOW, "mmap", 0, NULL);
		rule(f, SCMP_ACT_ALLOW, "mprotect", 0, NULL);
		return;
	}
	allow_if(f, "mmap",
		 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0));
	allow_if(f, "mmap",
		 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC,
			 PROT_WRITE));
	allow_if(
		f, "mmap",
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC));
	rule(f, SCMP_ACT_KILL_PROCESS, "mmap", 1, wx);
	allow_if(f, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rule(f, SCMP_ACT_KILL_PROCESS, "mprotect", 1, x);
}

static void
socket_rules(struct filter *f, unsigned needs)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6,
					AF_NETLINK };

	if ((needs & (CONFINE_NETWORK | CONFINE_CAPTURE)) == 0) {
		return;
	}
	rules(f, SCMP_ACT_ALLOW, network, ARRAY_LEN(network));
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		allow_if(f, "socket",
			 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	}
	if ((needs & CONFINE_CAPTURE) != 0) {
		allow_if(f, "socket", SCMP_A0(SCMP_CMP_EQ, AF_PACKET, 0));
		rules(f, SCMP_ACT_ALLOW, capture, ARRAY_LEN(capture));
		allow_if(
			f, "ioctl",
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffff00, IOCTL_SOCKETS));
	}
	allow_if(f, "socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

/* Calls of which the kernel does many things. */
static void
narrow_rules(struct filter *f)
{
	static const unsigned long ioctls[] = { IOCTL_TCGETS, IOCTL_TIOCGWINSZ,
						IOCTL_FIONREAD, IOCTL_FIONBIO };
	static const unsigned long prctls[] = { PR_SET_NAME, PR_GET_NAME,
						PR_GET_DUMPABLE,
						PRCTL_SET_VMA };

	/* threads, no processes */
	allow_if(f, "clone",
		 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD_FLAG,
			 CLONE_THREAD_FLAG));
	allow_if(f, "tgkill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	allow_if(f, "kill", SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	allow_if(f, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0)); /* to read */
	for (size_t i = 0; i < ARRAY_LEN(ioctls); i++) {
		allow_if(f, "ioctl",
			 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, ioctls[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(prctls); i++) {
		allow_if(f, "prctl", SCMP_A0(SCMP_CMP_EQ, prctls[i], 0));
	}
}

bool
confine_seccomp_there(void)
{
	/* a filter at no address: a kernel that can answers EFAULT */
	return prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, NULL, 0, 0) <
		       0 &&
	       errno == EFAULT;
}

enum err
confine_calls(const struct confine *c, struct confine_state *out,
	      struct diag *d)
{
	struct filter f = { .ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM)) };
	int rc;

	if (f.ctx == NULL) {
		return diag_set(d, ERR_NOMEM, "seccomp: out of memory");
	}
	/* The search by halves costs each call the same few steps; other
	 * threads, which should not be, are taken along; a filter shall not
	 * switch on what slows speculation down for all we do. */
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_KILL_PROCESS);
	rules(&f, SCMP_ACT_ALLOW, always, ARRAY_LEN(always));
	rules(&f, SCMP_ACT_KILL_PROCESS, fatal, ARRAY_LEN(fatal));
	rules(&f, SCMP_ACT_ERRNO(ENOSYS), not_there, ARRAY_LEN(not_there));
	memory_rules(&f, out->jit);
	socket_rules(&f, c->needs);
	narrow_rules(&f);
	rc = f.rc != 0 ? f.rc : seccomp_load(f.ctx);
	seccomp_release(f.ctx);
	out->calls = f.calls;
	return rc == 0 ? ERR_OK
		       : diag_set(d, ERR_IO, "seccomp: %s", strerror(-rc));
}
