/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threadcall.c - what a thread of another process is answered by the kernel
 *
 *   threadcall TID WHAT...
 *
 * Stops the thread, has it make a system call that only an intruder would want,
 * and lets it go on as if nothing had been.  Prints a line per WHAT: its name
 * and "done", "killed" or the name of the error; nothing comes behind "killed".
 * Exit status: 0, 1 for what cannot be tried, 77 where nothing can.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define SYSCALL_INSN 0x050fL
#define PAGE 4096UL
/* Below what a function without a frame may use of the stack. */
#define TEXT_BELOW 512

struct attempt {
	const char *name;
	long nr;
	const char *text; /* stands in the first or second argument */
	unsigned long arg[5];
};

/* An argument that is told by the thread itself. */
#define TEXT 0xfeed0001UL
#define STACK 0xfeed0002UL

static const struct attempt attempts[] = {
	/* control: every thread may */
	{ "getpid", SYS_getpid, NULL, { 0 } },
	{ "execve", SYS_execve, "/bin/true", { TEXT, 0, 0 } },
	{ "fork", SYS_clone, NULL, { SIGCHLD, 0, 0, 0, 0 } },
	{ "ptrace", SYS_ptrace, NULL, { PTRACE_TRACEME, 0, 0, 0 } },
	{ "setuid", SYS_setuid, NULL, { 0 } },
	{ "bpf", SYS_bpf, NULL, { 0, 0, 0 } },
	{ "tcp", SYS_socket, NULL, { AF_INET, SOCK_STREAM, 0 } },
	{ "raw", SYS_socket, NULL, { AF_INET, SOCK_RAW, 255 } },
	{ "packet", SYS_socket, NULL, { AF_PACKET, SOCK_RAW, 0 } },
	{ "shadow",
	  SYS_openat,
	  "/etc/shadow",
	  { (unsigned long)AT_FDCWD, TEXT } },
	{ "code",
	  SYS_mprotect,
	  NULL,
	  { STACK, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC } },
	{ "map-code",
	  SYS_mmap,
	  NULL,
	  { 0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, (unsigned long)-1 } },
	{ "parent", SYS_kill, NULL, { 1, 0 } },
	{ "owner", SYS_fcntl, NULL, { 2, F_SETOWN, 1 } },
};

static const struct attempt *
attempt_of(const char *name)
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (strcmp(attempts[i].name, name) == 0) {
			return &attempts[i];
		}
	}
	return NULL;
}

static void
poke_text(pid_t tid, unsigned long at, const char *text)
{
	size_t n = strlen(text) + 1;

	for (size_t i = 0; i < n; i += sizeof(long)) {
		long word = 0;

		memcpy(&word, text + i,
		       n - i < sizeof(word) ? n - i : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, tid, at + i, word) != 0) {
			perror("threadcall: POKEDATA");
			exit(1);
		}
	}
}

/* 1: it is no more; its signal is to be SIGSYS. */
static int
step(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, tid, 0, 0) != 0 ||
	    waitpid(tid, &status, __WALL) != tid) {
		perror("threadcall: step");
		exit(1);
	}
	if (WIFSTOPPED(status)) {
		return 0;
	}
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
		fprintf(stderr, "threadcall: ended with status %x\n", status);
		exit(1);
	}
	return 1;
}

/* 0, an errno, or -1: killed. */
static int
make_call(pid_t tid, const struct attempt *a)
{
	struct user_regs_struct was, now;
	unsigned long text, arg[5];
	long insn, before;
	int killed;

	if (ptrace(PTRACE_GETREGS, tid, 0, &was) != 0) {
		perror("threadcall: GETREGS");
		exit(1);
	}
	text = (was.rsp - TEXT_BELOW) & ~15UL;
	if (a->text != NULL) {
		poke_text(tid, text, a->text);
	}
	for (unsigned i = 0; i < 5; i++) {
		arg[i] = a->arg[i] == TEXT    ? text
			 : a->arg[i] == STACK ? was.rsp & ~(PAGE - 1)
					      : a->arg[i];
	}
	now = was;
	now.rip = was.rip - 2;
	now.rax = (unsigned long)a->nr;
	now.orig_rax = (unsigned long)-1; /* it is in no call */
	now.rdi = arg[0];
	now.rsi = arg[1];
	now.rdx = arg[2];
	now.r10 = arg[3];
	now.r8 = arg[4];
	now.r9 = 0;
	errno = 0;
	before = ptrace(PTRACE_PEEKTEXT, tid, now.rip, 0);
	if (errno != 0) {
		perror("threadcall: PEEKTEXT");
		exit(1);
	}
	/* where it waits there is one already */
	insn = (before & ~0xffffL) | SYSCALL_INSN;
	if ((insn != before &&
	     ptrace(PTRACE_POKETEXT, tid, now.rip, insn) != 0) ||
	    ptrace(PTRACE_SETREGS, tid, 0, &now) != 0) {
		perror("threadcall: SETREGS");
		exit(1);
	}
	killed = step(tid);
	if (killed) {
		return -1;
	}
	if (ptrace(PTRACE_GETREGS, tid, 0, &now) != 0 ||
	    (insn != before &&
	     ptrace(PTRACE_POKETEXT, tid, was.rip - 2, before) != 0) ||
	    ptrace(PTRACE_SETREGS, tid, 0, &was) != 0) {
		perror("threadcall: going back");
		exit(1);
	}
	if ((long)now.rax < 0 && (long)now.rax > -4096) {
		return -(int)now.rax;
	}
	if (a->nr == SYS_clone) {
		kill((pid_t)now.rax, SIGKILL); /* the child is nobody's */
	}
	return 0;
}

int
main(int argc, char **argv)
{
	pid_t tid = argc > 2 ? atoi(argv[1]) : 0;
	int status;

	if (tid <= 0) {
		fputs("Usage: threadcall TID WHAT...\n", stderr);
		return 1;
	}
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, 0, 0) != 0 ||
	    waitpid(tid, &status, __WALL) != tid) {
		perror("threadcall: SEIZE");
		return 77;
	}
	for (int i = 2; i < argc; i++) {
		const struct attempt *a = attempt_of(argv[i]);
		int got;

		if (a == NULL) {
			fprintf(stderr, "threadcall: '%s'?\n", argv[i]);
			return 1;
		}
		got = make_call(tid, a);
		printf("%s %s\n", a->name,
		       got < 0    ? "killed"
		       : got == 0 ? "done"
				  : strerrorname_np(got));
		if (got < 0) {
			return 0;
		}
	}
	return ptrace(PTRACE_DETACH, tid, 0, 0) == 0 ? 0 : 1;
}
#else
int
main(void)
{
	fputs("threadcall: not for this processor\n", stderr);
	return 77;
}
#endif
