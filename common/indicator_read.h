/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_read.h - indicator files of several formats, entry by entry
 *
 * Reads STIX 2.1 bundles, MISP events and feeds, CSV with a header row and
 * plain lists; which one it is shows from the content.  Every entry is either
 * handed over or refused with a reason, and all are counted.
 *
 * Place    above marking.h and indicator.h; both programs use it.
 * Threads  one reading, one thread.
 * Memory   what is handed over lives until the call returns.
 * Cost     cold.
 */
#ifndef COMMON_INDICATOR_READ_H
#define COMMON_INDICATOR_READ_H

#include "common/indicator.h"

/* One entry that was not taken. */
struct indicator_refusal {
	const char *file;
	uint32_t line; /* 0 in JSON, whose entries are told by id */
	const char *id; /* STIX id, MISP uuid or "" */
	const char *reason;
};

/*
 * Who takes what is read.  'take' returns ERR_FORMAT with diag to refuse the
 * entry, which is then counted and told as refused; any other error ends the
 * reading.  'refused' may be NULL.
 */
struct indicator_sink {
	void *arg;
	enum err (*take)(void *arg, const struct indicator *i, struct diag *d);
	void (*refused)(void *arg, const struct indicator_refusal *r);
	/* An entry that was taken, but not as its author may have meant it;
	 * may be NULL. */
	void (*doubted)(void *arg, const struct indicator_refusal *r);
};

/*
 * An entry is a line, a MISP attribute, or one value of a STIX pattern (of
 * values joined by OR each is one).  total = loaded + refused.  A reading adds
 * to what is there.
 */
struct indicator_report {
	uint64_t total, loaded, refused;
	uint64_t repeated; /* of those loaded; counted by who takes them */
	uint64_t others; /* objects that are no indicators; not in 'total' */
};

/*
 * Hands the indicators of a file, or of the directory of a MISP feed, to 's'
 * and adds the account to 'r'.  ERR_IO, ERR_LIMIT (too large), ERR_FORMAT (JSON
 * that does not parse, or is neither STIX nor MISP) or ERR_TRUNCATED (it ends
 * within an object) with diag when the file is not usable to its end; single
 * bad entries are no error.  What stood before the error has been handed over.
 */
enum err indicator_read_path(const char *path, const struct indicator_sink *s,
			     struct indicator_report *r,
			     struct diag *d) MUST_CHECK;
/* The same of an open file that can seek, which stays the caller's. */
enum err indicator_read_fd(const char *name, int fd,
			   const struct indicator_sink *s,
			   struct indicator_report *r,
			   struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file in messages. */
enum err indicator_read_bytes(const char *name, struct view data,
			      const struct indicator_sink *s,
			      struct indicator_report *r,
			      struct diag *d) MUST_CHECK;

/* The phase of ATT&CK's kill chain that a tactic's id is: "TA0011" to
 * "command-and-control"; NULL when there is none such. */
const char *indicator_tactic_phase(const char *tactic);

#endif
