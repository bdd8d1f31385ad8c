/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: the system calls that are left.  The lists are what the programs
 * were seen to do, and what the libraries they call do in rarer cases.  What
 * an intruder would do next ends the process; all else fails with EPERM.
 */
#include "common/confine_filter.h"
#include "common/confine_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const always[] = {
	/* files: which ones is Landlock's to say */
	"read",
	"readv",
	"pread64",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"close",
	"openat",
	"fstat",
	"newfstatat",
	"stat",
	"lstat",
	"statx",
	"lseek",
	"access",
	"faccessat",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
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
	"ftruncate",
	"fallocate",
	"fsync",
	"fdatasync",
	"fchown",
	"fchmod",
	/* memory; what may be run is below */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"msync",
	/* threads */
	"futex",
	"futex_time64",
	"set_robust_list",
	"rseq",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"set_tid_address",
	"exit",
	"exit_group",
	"gettid",
	/* time and waiting */
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	"poll",
	"ppoll",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"eventfd2",
	"restart_syscall",
	/* signals to ourselves; a timer's too */
	"timer_create",
	"timer_settime",
	"timer_delete",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	/* who and where we are */
	"getpid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getrusage",
	"sysinfo",
	"uname",
	"getrandom",
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

static void
socket_rules(struct filter *f, unsigned needs)
{
	if ((needs & (CONFINE_NETWORK | CONFINE_CAPTURE)) == 0) {
		return;
	}
	filter_calls(f, SCMP_ACT_ALLOW, network, ARRAY_LEN(network));
	filter_sockets(f);
	if ((needs & CONFINE_CAPTURE) != 0) {
		filter_packet_sockets(f);
		filter_calls(f, SCMP_ACT_ALLOW, capture, ARRAY_LEN(capture));
	}
	filter_allow_if(f, "socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

/* Calls of which the kernel does many things. */
static void
narrow_rules(struct filter *f)
{
	filter_clone(f);
	filter_thread_begin(f);
	filter_fcntl(f);
	filter_ioctl(f);
	/* to ourselves only */
	filter_allow_if(f, "tgkill",
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	filter_allow_if(f, "kill",
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	/* to read */
	filter_allow_if(f, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0));
}

bool
confine_seccomp_there(void)
{
	/* a filter at no address: a kernel that can answers EFAULT */
	return syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, 0, NULL) <
		       0 &&
	       errno == EFAULT;
}

enum err
confine_calls(const struct confine *c, struct confine_state *out,
	      struct diag *d)
{
	struct filter f;
	int rc;

	if (!filter_init(&f)) {
		return diag_set(d, ERR_NOMEM, "seccomp: out of memory");
	}
	/* other threads, which should not be, are taken along */
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	filter_calls(&f, SCMP_ACT_ALLOW, always, ARRAY_LEN(always));
	filter_calls(&f, SCMP_ACT_KILL_PROCESS, fatal, ARRAY_LEN(fatal));
	filter_not_there(&f);
	filter_memory(&f, out->jit ? FILTER_JIT : FILTER_LIBRARIES);
	socket_rules(&f, c->needs);
	narrow_rules(&f);
	rc = f.rc != 0 ? f.rc : seccomp_load(f.ctx);
	filter_fini(&f);
	out->calls = f.calls;
	return rc == 0 ? ERR_OK
		       : diag_set(d, ERR_IO, "seccomp: %s", strerror(-rc));
}
