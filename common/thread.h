/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread.h - threads by what they do: names, signals, system calls
 *
 * Each kind has a name, which ps, top and perf show, and may have a seccomp
 * filter of its own on top of the process's: see confine.h, which makes them.
 * No thread is started in another way, so that none is forgotten; those that a
 * library starts call thread_become() before they do anything for a stranger.
 *
 * Place    above base.h.
 * Threads  any, but for thread_filter().
 * Memory   one program a kind, for as long as the process lives.
 * Cost     a start; a system call goes through one filter more.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>

#include "common/base.h"

enum thread_kind {
	THREAD_MAIN, /* once everything is started */
	THREAD_WORKER, /* packets of interfaces */
	THREAD_REPLAY, /* packets of files, which it reads as well */
	THREAD_WRITER, /* EVE */
	THREAD_RELOAD, /* rules */
	THREAD_FORWARD, /* spool and Redis */
	THREAD_ARMING, /* common indicators, to sensors and there */
	THREAD_CONTACTS, /* who contacts whom, for a worker */
	THREAD_RETRO, /* the index of what was seen */
	THREAD_EVIDENCE, /* packets of alerts, to disk */
	THREAD_METRICS, /* what is asked for by HTTP */
	THREAD_PREPARE, /* batches, before they are stored */
	THREAD_CONSOLE,
	THREAD_TICKER, /* wakes those who follow the console's events */
	THREAD_LISTS, /* indicators that files give */
	THREAD_POLLS, /* indicators that servers give */
	THREAD_EXCHANGE, /* what partners get */
	THREAD_LEASE, /* signs of life for those who stand by */
	THREAD_CHECKPOINT, /* the log of the store to its place */
	THREAD_ALLOW, /* allow lists, read again */
	THREAD_OUTPUT, /* what other consoles are told */
	THREAD_KINDS
};

struct sock_fprog;

/* "worker": of at most 15 characters. */
const char *thread_name(enum thread_kind kind);

/*
 * The filter of all threads of that kind that begin from now on; the program
 * must stay.  NULL: none.  While there is one thread only.
 */
void thread_filter(enum thread_kind kind, const struct sock_fprog *program);

/*
 * Starts 'run' with 'arg' in a thread of that kind, which takes no signals.
 * 0, or the number of the error and no thread: pthread_create()'s, or
 * seccomp(2)'s where its filter was refused.
 */
int thread_start(pthread_t *thread, enum thread_kind kind, void *(*run)(void *),
		 void *arg) MUST_CHECK;

/*
 * The caller's thread is of that kind from now on; a second time does nothing.
 * There is no way back.  0 or seccomp(2)'s error: it must not go on then.
 */
int thread_become(enum thread_kind kind) MUST_CHECK;

#endif
