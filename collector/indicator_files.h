/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_files.h - lists that the settings name, read when they change
 *
 * A thread looks at the files every few seconds; one that is new or was put in
 * another's place is read into the inbox as a snapshot: what it has no longer is
 * withdrawn.  One that is damaged is told of once, and read again when it has
 * changed.
 *
 * Place    above indicator_inbox; below main.
 * Threads  one of its own (THREAD_LISTS), with its own connection to the store.
 * Memory   an inbox while it reads.
 * Cost     a stat() a file every INDICATOR_FILES_EVERY_S.
 */
#ifndef COLLECTOR_INDICATOR_FILES_H
#define COLLECTOR_INDICATOR_FILES_H

#include <signal.h>

#include "common/err.h"

#define INDICATOR_FILES_EVERY_S 5
#define INDICATOR_FILES_MAX 64

struct indicator_files;

/* 'store' must be there; 'reread', or NULL: once set, all are read again and it
 * is cleared.  Texts must stay.  ERR_NOMEM, ERR_IO with diag. */
enum err indicator_files_start(struct indicator_files **out, const char *store,
			       const char *const *files, unsigned n,
			       volatile sig_atomic_t *reread,
			       struct diag *d) MUST_CHECK;
/* Waits for the file that is being read, at most as long as its inbox may be
 * full. */
void indicator_files_stop(struct indicator_files *f);

#endif
