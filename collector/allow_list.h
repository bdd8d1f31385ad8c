/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allow_list.h - what must not become an indicator: lists of shared things
 *
 * A list is a file of lines, or a MISP warning list (JSON).  A line is a
 * network; a name, "example.com": itself and "www." before it; a name with a
 * dot before it, ".t.co": itself and all below; or "=TEXT": exactly that value.
 * A line "1,example.com" of a list of top domains is its name.  "#" begins a
 * comment.  Of warning lists the types cidr, hostname and string are read.
 *
 * Place    above addr.h; below gate.
 * Threads  immutable once ready; any thread may ask.
 * Memory   about 60 bytes an entry, at most ALLOW_MAX_ENTRIES.
 * Cost     a question is a few hashes, and a search per prefix length in use.
 */
#ifndef COLLECTOR_ALLOW_LIST_H
#define COLLECTOR_ALLOW_LIST_H

#include <stdatomic.h>

#include "common/addr.h"
#include "common/err.h"

#define ALLOW_MAX_ENTRIES 4000000
#define ALLOW_MAX_LISTS 1024
#define ALLOW_MAX_FILE (UINT64_C(256) << 20)
#define ALLOW_NAME_CAP 64

struct allow_lists;

struct allow_lists *allow_lists_new(void); /* NULL: out of memory */
void allow_lists_free(struct allow_lists *a);
/* Once '*ending' is true reading ends with ERR_CLOSED; NULL: never. */
void allow_lists_until(struct allow_lists *a, const atomic_bool *ending);

/* Reads a file, or all of a directory that end in .txt, .csv or .json.  ERR_IO,
 * ERR_FORMAT, ERR_LIMIT with diag: file, line and what is wrong. */
enum err allow_lists_add(struct allow_lists *a, const char *path,
			 struct diag *d) MUST_CHECK;
/* The same from memory; 'name' is the list's unless it says another. */
enum err allow_lists_add_bytes(struct allow_lists *a, const char *name,
			       struct view data, struct diag *d) MUST_CHECK;
/* After the last is added, before the first question; a second time costs
 * nothing. */
void allow_lists_ready(struct allow_lists *a);
uint64_t allow_lists_entries(const struct allow_lists *a);

/* Each: the name of the list that has it, or NULL. */
/* 'net' lies in one of its networks or holds one. */
const char *allow_lists_net(const struct allow_lists *a,
			    const struct cidr *net);
/* The name, in lower case; unless 'exact', with all below it. */
const char *allow_lists_domain(const struct allow_lists *a, struct view name,
			       bool exact);
const char *allow_lists_text(const struct allow_lists *a, struct view value);

#endif
