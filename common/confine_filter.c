/* SPDX-License-Identifier: Apache-2.0 */
#include "common/confine_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* linux headers and the C library's do not agree on where these stand */
#define IOCTL_TCGETS 0x5401
#define IOCTL_TIOCGWINSZ 0x5413
#define IOCTL_TIOCOUTQ 0x5411
#define IOCTL_FIONREAD 0x541b
#define IOCTL_FIONBIO 0x5421
#define IOCTL_SOCKETS 0x8900 /* SIOC..., all of them */
#define PRCTL_SET_VMA 0x53564d41 /* malloc names its memory */
#define SECCOMP_MODE_FILTER_OP 1 /* SECCOMP_SET_MODE_FILTER */
#define SECCOMP_SPEC_ALLOW (UINT64_C(1) << 2)
#define SOCKET_TYPE 0xf /* without SOCK_CLOEXEC, SOCK_NONBLOCK */
#define PROTO_NETLINK_ROUTE 0
#define PROTO_NETLINK_GENERIC 16 /* libpcap asks whether it is wireless */
#define CMD_OFD_GETLK 36 /* F_OFD_...: with _GNU_SOURCE only */
#define CMD_OFD_SETLK 37
#define CMD_OFD_SETLKW 38

bool
filter_init(struct filter *f)
{
	*f = (struct filter){ .ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM)) };
	if (f->ctx == NULL) {
		return false;
	}
	/* The search by halves costs each call the same few steps; a filter
	 * shall not switch on what slows speculation down for all we do. */
	(void)seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_KILL_PROCESS);
	return true;
}

void
filter_fini(struct filter *f)
{
	if (f->ctx != NULL) {
		seccomp_release(f->ctx);
		f->ctx = NULL;
	}
}

/* -1: not on this processor. */
static int
number_of(const char *call)
{
	char name[64];

	while (call != NULL) {
		const char *bar = strchr(call, '|');
		size_t n = bar != NULL ? (size_t)(bar - call) : strlen(call);
		int nr;

		memcpy(name, call, n);
		name[n] = '\0';
		nr = seccomp_syscall_resolve_name(name);
		if (nr >= 0) {
			return nr;
		}
		call = bar != NULL ? bar + 1 : NULL;
	}
	return -1;
}

void
filter_call(struct filter *f, uint32_t action, const char *call, unsigned n,
	    const struct scmp_arg_cmp *args)
{
	int nr = number_of(call), rc;

	if (nr < 0 || f->rc != 0) {
		return;
	}
	rc = seccomp_rule_add_array(f->ctx, action, nr, n, args);
	if (rc != 0) {
		f->rc = rc;
	} else if (action == SCMP_ACT_ALLOW && nr < FILTER_MAX_CALLS) {
		f->calls += !f->counted[nr];
		f->counted[nr] = true;
	}
}

void
filter_calls(struct filter *f, uint32_t action, const char *const *calls,
	     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		filter_call(f, action, calls[i], 0, NULL);
	}
}

void
filter_allow_if(struct filter *f, const char *call, struct scmp_arg_cmp arg)
{
	filter_call(f, SCMP_ACT_ALLOW, call, 1, &arg);
}

void
filter_not_there(struct filter *f)
{
	static const char *const calls[] = { "clone3",      "faccessat2",
					     "openat2",     "futex_waitv",
					     "close_range", "copy_file_range",
					     "epoll_pwait2" };

	filter_calls(f, SCMP_ACT_ERRNO(ENOSYS), calls, ARRAY_LEN(calls));
}

/* How code gets in: memory that was written is run. */
void
filter_memory(struct filter *f, enum filter_code code)
{
	struct scmp_arg_cmp wx[] = { SCMP_A2(SCMP_CMP_MASKED_EQ,
					     PROT_WRITE | PROT_EXEC,
					     PROT_WRITE | PROT_EXEC) };
	struct scmp_arg_cmp x[] = { SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC,
					    PROT_EXEC) };

	if (code == FILTER_JIT) {
		filter_call(f, SCMP_ACT_ALLOW, "mmap", 0, NULL);
		filter_call(f, SCMP_ACT_ALLOW, "mprotect", 0, NULL);
		return;
	}
	if (code == FILTER_LIBRARIES) {
		filter_allow_if(
			f, "mmap",
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, 0));
		filter_allow_if(f, "mmap",
				SCMP_A2(SCMP_CMP_MASKED_EQ,
					PROT_WRITE | PROT_EXEC, PROT_WRITE));
		filter_allow_if(f, "mmap",
				SCMP_A2(SCMP_CMP_MASKED_EQ,
					PROT_WRITE | PROT_EXEC, PROT_EXEC));
		filter_call(f, SCMP_ACT_KILL_PROCESS, "mmap", 1, wx);
	} else {
		filter_allow_if(f, "mmap",
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		filter_call(f, SCMP_ACT_KILL_PROCESS, "mmap", 1, x);
	}
	filter_allow_if(f, "mprotect",
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	filter_call(f, SCMP_ACT_KILL_PROCESS, "mprotect", 1, x);
}

void
filter_fcntl(struct filter *f)
{
	/* F_SETOWN and F_SETSIG would have the kernel signal other processes,
	 * F_NOTIFY and leases make it tell of files. */
	static const unsigned commands[] = {
		F_DUPFD,       F_GETFD,       F_SETFD,        F_GETFL,
		F_SETFL,       F_GETLK,       F_SETLK,        F_SETLKW,
		CMD_OFD_GETLK, CMD_OFD_SETLK, CMD_OFD_SETLKW, F_DUPFD_CLOEXEC,
	};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		filter_allow_if(f, "fcntl",
				SCMP_A1(SCMP_CMP_EQ, commands[i], 0));
	}
}

void
filter_clone(struct filter *f)
{
	const scmp_datum_t thread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
	/* who asks for a namespace wants rights there; who shares a trace or
	 * our parent is no thread of ours */
	const scmp_datum_t not = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
				 CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
				 CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED |
				 CLONE_PARENT | CLONE_VFORK;

	filter_allow_if(f, "clone",
			SCMP_A0(SCMP_CMP_MASKED_EQ, thread | not, thread));
}

void
filter_thread_begin(struct filter *f)
{
	/* no listener for another process, no flag that reaches other
	 * threads */
	struct scmp_arg_cmp args[] = {
		SCMP_A0(SCMP_CMP_EQ, SECCOMP_MODE_FILTER_OP, 0),
		SCMP_A1(SCMP_CMP_MASKED_EQ, ~SECCOMP_SPEC_ALLOW, 0),
	};
	static const unsigned long prctls[] = { PR_SET_NAME, PR_GET_NAME,
						PR_GET_DUMPABLE,
						PRCTL_SET_VMA };

	filter_call(f, SCMP_ACT_ALLOW, "seccomp", ARRAY_LEN(args), args);
	for (size_t i = 0; i < ARRAY_LEN(prctls); i++) {
		filter_allow_if(f, "prctl", SCMP_A0(SCMP_CMP_EQ, prctls[i], 0));
	}
}

void
filter_ioctl(struct filter *f)
{
	static const unsigned long asks[] = { IOCTL_TCGETS, IOCTL_TIOCGWINSZ,
					      IOCTL_TIOCOUTQ, IOCTL_FIONREAD,
					      IOCTL_FIONBIO };

	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		filter_allow_if(
			f, "ioctl",
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, asks[i]));
	}
}

static void
allow_socket(struct filter *f, int family, int type)
{
	struct scmp_arg_cmp args[] = {
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0),
		SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, (scmp_datum_t)type),
	};

	filter_call(f, SCMP_ACT_ALLOW, "socket", ARRAY_LEN(args), args);
}

static void
allow_netlink(struct filter *f, int protocol)
{
	struct scmp_arg_cmp args[] = {
		SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
		SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)protocol, 0),
	};

	filter_call(f, SCMP_ACT_ALLOW, "socket", ARRAY_LEN(args), args);
}

void
filter_sockets(struct filter *f)
{
	/* no SOCK_RAW: a sensor that keeps CAP_NET_RAW for its taps could
	 * otherwise send whatever it likes in anybody's name */
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		allow_socket(f, families[i], SOCK_STREAM);
		allow_socket(f, families[i], SOCK_DGRAM);
	}
	allow_netlink(f, PROTO_NETLINK_ROUTE);
}

void
filter_packet_sockets(struct filter *f)
{
	allow_socket(f, AF_PACKET, SOCK_RAW);
	allow_socket(f, AF_PACKET, SOCK_DGRAM);
	allow_netlink(f, PROTO_NETLINK_GENERIC);
	filter_allow_if(f, "ioctl",
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffff00, IOCTL_SOCKETS));
}
