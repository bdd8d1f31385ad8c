/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allow_reader.h - the allow lists, read again beside the writer
 *
 * Lists may be millions of entries, which take seconds to read, and to free.  A
 * thread does both: the writer asks, goes on, and takes what was read when it
 * is whole.  Lists of which one is broken come as the reason, and whoever has
 * others keeps them.
 *
 * Place    above allow_list and thread; below pipeline.
 * Threads  one of its own (THREAD_ALLOW); all calls are of one other.
 * Memory   what was read, until it is taken: beside those in use one set of
 *          lists at most.
 * Cost     a lock a call.
 */
#ifndef COLLECTOR_ALLOW_READER_H
#define COLLECTOR_ALLOW_READER_H

#include <stdatomic.h>

#include "collector/allow_list.h"

struct allow_reader;

/* Reads the lists at once, ready to be asked; ended by allow_lists_free().
 * 'ending', or NULL: once true, ERR_CLOSED.  Else as allow_lists_add(). */
enum err allow_reader_read(const char *const *paths, unsigned n,
			   const atomic_bool *ending, struct allow_lists **out,
			   struct diag *d) MUST_CHECK;

/* The paths must stay.  ERR_NOMEM, ERR_IO with diag. */
enum err allow_reader_start(struct allow_reader **out, const char *const *paths,
			    unsigned n, struct diag *d) MUST_CHECK;
/* Breaks off what is being read; NULL is taken. */
void allow_reader_stop(struct allow_reader *r);

/* They are read from now on; what was read and not taken counts no more. */
void allow_reader_ask(struct allow_reader *r);
/*
 * False: nothing has been read since it was last taken.  '*out' is the
 * caller's; NULL when the lists could not be read, which 'd' gives the reason
 * of.
 */
bool allow_reader_take(struct allow_reader *r, struct allow_lists **out,
		       struct diag *d) MUST_CHECK;
/* Lists that nobody asks any more, to be freed there; takes them over. */
void allow_reader_drop(struct allow_reader *r, struct allow_lists *lists);

#endif
