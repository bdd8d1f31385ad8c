/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_load.h - indicator files in, a set and an honest account out
 *
 * Reads STIX 2.1 bundles, MISP events, CSV with a header row and plain lists;
 * which one it is shows from the content.  Every entry is either loaded or
 * refused with a reason, and all are counted.
 *
 * Place    above ioc_set.h; below ruleset.
 * Threads  one loader, one thread.
 * Memory   the file is read whole; JSON takes about ten times its size while
 *          it is read, which is why its size is bounded.
 * Cost     cold.
 */
#ifndef RULES_IOC_LOAD_H
#define RULES_IOC_LOAD_H

#include "rules/ioc_set.h"

#define IOC_LOAD_MAX_JSON ((size_t)50 << 20)
#define IOC_LOAD_MAX_TEXT ((size_t)256 << 20)
#define IOC_LOAD_MAX_REFUSALS 1000 /* kept; all are counted */

/* One entry that was not loaded. */
struct ioc_refusal {
	char *file;
	uint32_t line; /* 0 in JSON, whose entries are told by id */
	char *id; /* STIX id, MISP uuid or "" */
	char *reason;
};

/*
 * An entry is a line, a MISP attribute, or one value of a STIX pattern (of
 * values joined by OR each is one).  total = loaded + refused.
 */
struct ioc_load_report {
	uint32_t total, loaded, refused;
	uint32_t repeated; /* of those loaded: in the set already */
	struct ioc_refusal *refusals;
	uint32_t n_refusals;
};

/*
 * Adds the indicators of a file to 'set' and the account to 'report' (zeroed
 * before the first file, which may be followed by others).  ERR_IO, ERR_LIMIT
 * (too large) or ERR_FORMAT (JSON that does not parse, or is neither STIX nor
 * MISP) with diag when the file as a whole is unusable; single bad entries
 * are no error.
 */
enum err ioc_load_file(struct ioc_set *set, const char *path,
		       struct ioc_load_report *report,
		       struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file in the report. */
enum err ioc_load_bytes(struct ioc_set *set, const char *name, struct view data,
			struct ioc_load_report *report,
			struct diag *d) MUST_CHECK;
void ioc_load_report_fini(struct ioc_load_report *report);

#endif
