/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_load.h - indicator files in, a set and an honest account out
 *
 * Takes what common/indicator_read.h reads into a set, and keeps what was
 * refused with file, line, id and reason.
 *
 * Place    above ioc_set.h; below ruleset.
 * Threads  one loader, one thread.
 * Memory   at most IOC_LOAD_MAX_REFUSALS refusals are kept.
 * Cost     cold.
 */
#ifndef RULES_IOC_LOAD_H
#define RULES_IOC_LOAD_H

#include "rules/ioc_set.h"

#define IOC_LOAD_MAX_REFUSALS 1000 /* kept; all are counted */

/* One entry that was not loaded. */
struct ioc_refusal {
	char *file;
	uint32_t line; /* 0 in JSON, whose entries are told by id */
	char *id; /* STIX id, MISP uuid or "" */
	char *reason;
};

/* What an entry is says indicator_read.h.  total = loaded + refused. */
struct ioc_load_report {
	uint64_t total, loaded, refused;
	uint64_t repeated; /* of those loaded: in the set already */
	struct ioc_refusal *refusals;
	uint32_t n_refusals;
};

/*
 * Adds the indicators of a file to 'set' and the account to 'report' (zeroed
 * before the first file, which may be followed by others).  Errors as
 * indicator_read_path(); single bad entries are no error.
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
