/* SPDX-License-Identifier: Apache-2.0 */
#include "common/thread.h"

#include <errno.h>
#include <linux/filter.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/seccomp.h */
#define SET_MODE_FILTER 1
#define FLAG_SPEC_ALLOW (1UL << 2)

static const char *const names[THREAD_KINDS] = {
	[THREAD_MAIN] = "main",         [THREAD_WORKER] = "worker",
	[THREAD_REPLAY] = "replay",     [THREAD_WRITER] = "writer",
	[THREAD_RELOAD] = "reload",     [THREAD_FORWARD] = "forward",
	[THREAD_ARMING] = "arming",     [THREAD_RETRO] = "retro",
	[THREAD_EVIDENCE] = "evidence", [THREAD_METRICS] = "metrics",
	[THREAD_PREPARE] = "prepare",   [THREAD_CONSOLE] = "console",
	[THREAD_TICKER] = "ticker",     [THREAD_LISTS] = "lists",
	[THREAD_POLLS] = "polls",       [THREAD_OUTPUT] = "output",
	[THREAD_EXCHANGE] = "exchange", [THREAD_LEASE] = "lease",
	[THREAD_CONTACTS] = "contacts", [THREAD_CHECKPOINT] = "checkpoint",
	[THREAD_ALLOW] = "allow",
};

/* The process's, as filters are: written before there are other threads. */
static const struct sock_fprog *filters[THREAD_KINDS];
static _Thread_local bool settled;

/* The starter's, until 'ready'. */
struct start {
	void *(*run)(void *);
	void *arg;
	enum thread_kind kind;
	sem_t ready;
	int rc;
};

const char *
thread_name(enum thread_kind kind)
{
	return names[kind];
}

void
thread_filter(enum thread_kind kind, const struct sock_fprog *program)
{
	filters[kind] = program;
}

int
thread_become(enum thread_kind kind)
{
	const struct sock_fprog *f = filters[kind];

	if (settled) {
		return 0;
	}
	/* the main thread's name is the program's */
	if (syscall(SYS_gettid) != getpid()) {
		(void)prctl(PR_SET_NAME, names[kind], 0, 0, 0);
	}
	/* SPEC_ALLOW: as for the process's, see confine_calls.c */
	if (f != NULL &&
	    syscall(SYS_seccomp, SET_MODE_FILTER, FLAG_SPEC_ALLOW, f) != 0) {
		return errno;
	}
	settled = true;
	return 0;
}

static void *
begin(void *p)
{
	struct start *s = p;
	void *(*run)(void *) = s->run;
	void *arg = s->arg;
	int rc = thread_become(s->kind);

	s->rc = rc;
	sem_post(&s->ready);
	return rc == 0 ? run(arg) : NULL;
}

int
thread_start(pthread_t *thread, enum thread_kind kind, void *(*run)(void *),
	     void *arg)
{
	struct start s = { .run = run, .arg = arg, .kind = kind };
	sigset_t all, old;
	int rc;

	if (sem_init(&s.ready, 0, 0) != 0) {
		return errno;
	}
	/* it begins with the mask of who starts it */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(thread, NULL, begin, &s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0) {
		while (sem_wait(&s.ready) != 0) {
			/* a signal came */
		}
		rc = s.rc;
		if (rc != 0) {
			pthread_join(*thread, NULL);
		}
	}
	sem_destroy(&s.ready);
	return rc;
}
