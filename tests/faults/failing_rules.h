/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing_rules.h - which call fails, and what is written down of it
 *
 * Place    inside of the library that failing_io.c describes.
 * Threads  any; rules count with atomics, the journal has a lock.
 * Memory   static.
 * Cost     a readlink(2) a call on a descriptor.
 */
#ifndef TESTS_FAULTS_FAILING_RULES_H
#define TESTS_FAULTS_FAILING_RULES_H

#include <stdbool.h>
#include <stddef.h>

/* Nothing of this is to take the place of a program's own. */
#pragma GCC visibility push(hidden)

enum kind {
	K_OPEN,
	K_READ,
	K_WRITE,
	K_FSYNC,
	K_RENAME,
	K_UNLINK,
	K_TRUNCATE,
	K_MMAP,
	K_FALLOCATE,
	K_CLOSE,
	K_MKDIR,
	K_FLOCK,
	K_SEND,
	K_ALLOC,
	K_IO, /* all but K_ALLOC */
};

extern _Thread_local bool inside; /* our own calls are not counted */
extern int journal; /* -1: none is written */

/* What the call is to do: 0 go on, 1 fail with errno, 2 be short; *after: die
 * behind it. */
int judge(enum kind k, const char *path, bool *after);
int judge_fd(enum kind k, int fd, bool *after);
int judge_name(enum kind k, int dirfd, const char *name, bool *after);
void die(void); /* SIGKILL */

/* To the journal, when the name lies below the directory under watch. */
void note_name(const char *what, int dirfd, const char *name, const char *rest);
/* 'data' NULL: 'len' alone is noted, and not even that below 0. */
void note_fd(const char *what, int fd, long long off, long long len,
	     const void *data);

void path_of_fd(int fd, char *path, size_t cap);

#pragma GCC visibility pop

#endif
