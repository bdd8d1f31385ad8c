/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare.h - what needs no store: signatures, zlib, JSON, a few threads ahead
 *
 * Entries go in as they were read and come out in the same order, each with
 * its header, the word on its signature, its body inflated and its lines read.
 * Threads work ahead of whoever takes them out; while he would have to wait he
 * works as well, so that with no thread at all, or one processor, nothing is
 * lost but the time.
 *
 * Place    above ingest, inflate, keyring and eve; below pipeline.
 * Threads  the functions: one.  Between prepare_begin() and prepare_end()
 *          streams are not added to the ingest.
 * Memory   PREPARE_AHEAD entries, each inflated (FRAME_MAX_RAW at most, and
 *          its escaped texts again) with PREPARE_LINES lines.
 * Cost     two locks an entry.
 */
#ifndef COLLECTOR_PREPARE_H
#define COLLECTOR_PREPARE_H

#include "collector/keyring.h"
#include "common/eve.h"

#define PREPARE_MAX_THREADS 16
#define PREPARE_AHEAD 32
/* Lines of a batch that are read ahead; sensors send some hundred at most. */
#define PREPARE_LINES 1024

struct prepared_line {
	struct view text;
	enum eve_kind kind;
	struct alert a;
};

/* One entry, as far as it is good. */
struct prepared {
	enum inflate_verdict header;
	struct inflated f;
	enum keyring_verdict verdict; /* with a good header */
	char key[KEYRING_ID_TEXT];
	/* Of a batch that is let in; INFLATE_BAD_BODY has no lines. */
	enum inflate_verdict body;
	const struct prepared_line *lines;
	size_t n_lines;
	size_t rest; /* where in f.raw lines begin that were not read */
};

struct prepare;

/* 'keys' may be NULL: all pass.  ERR_NOMEM; ERR_IO when the system gives no
 * threads. */
enum err prepare_new(struct prepare **out, const struct ingest *in,
		     struct keyring *keys, unsigned n_threads,
		     struct diag *d) MUST_CHECK;
void prepare_free(struct prepare *p);
/* Other keys from the next prepare_begin() on; not before prepare_end(). */
void prepare_set_keys(struct prepare *p, struct keyring *keys);

/* The entries of one read, which stay until prepare_end(); 'now_s' is seconds
 * since 1970. */
void prepare_begin(struct prepare *p, const struct ingest_entry *entries,
		   size_t n, int64_t now_s);
/* The next of them, 'n' times at most; valid until the next call. */
struct prepared *prepare_next(struct prepare *p);
/* What was not taken is forgotten; no thread looks at the entries any more. */
void prepare_end(struct prepare *p);

#endif
