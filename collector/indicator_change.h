/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_change.h - what analysts do to the common set
 *
 * One way for picketctl and for the console: lists and single indicators go to
 * the inbox of the collector that runs; a word on one that is there is written
 * at once.
 *
 * Place    above indicator_inbox and indicator_store; below
 *          console_indicators and ctl_indicator.
 * Threads  each call opens a connection that writes, for as long as it needs.
 * Memory   an import's row of records.
 */
#ifndef COLLECTOR_INDICATOR_CHANGE_H
#define COLLECTOR_INDICATOR_CHANGE_H

#include "collector/indicator_store.h"
#include "common/indicator_read.h"

/* A list that is brought. */
struct indicator_list_in {
	const char *source; /* whose it is; "" or NULL: its file's name */
	const char *who; /* brings it */
	const char *mark; /* of what bears none in it; NULL: as it says */
	bool snapshot; /* what the list no longer has is withdrawn */
	unsigned patience_s; /* waits so long for a full inbox; 0: 60 */
	const char *path; /* its file, or its name with 'data' */
	struct view data; /* of a list in memory; p NULL: it is read */
	/* What is doubted of it is told; may be NULL. */
	void (*doubted)(void *arg, const struct indicator_refusal *r);
	void *arg;
};

/* What came of it, so far. */
struct indicator_brought {
	int64_t import; /* its number */
	const char *source;
	struct indicator_report report;
	struct diag why; /* why it was not read to its end; "" */
};

/* ERR_USAGE (the mark), ERR_AGAIN, ERR_IO, with diag.  A list that cannot be
 * read to its end is no error: out->why says so. */
enum err indicator_bring(const char *store, const struct indicator_list_in *in,
			 struct indicator_brought *out,
			 struct diag *d) MUST_CHECK;

/* One, of an analyst's own. */
struct indicator_given {
	const char *kind, *value; /* as they were written */
	const char *mark; /* NULL: TLP:AMBER+STRICT */
	const char *note; /* NULL: none */
	uint64_t until_us; /* 0: open */
	const char *who;
};

/* ERR_USAGE with diag for what is wrong in 'g'; else as indicator_bring().
 * 'value' is how it is kept. */
enum err indicator_give(const char *store, const struct indicator_given *g,
			char value[INDICATOR_VALUE_CAP], int64_t *import,
			struct diag *d) MUST_CHECK;

/* "release", "hold", "remove"; VERDICT_NONE for any other word. */
enum indicator_verdict indicator_verdict_of(const char *verb);
/* What a verdict makes of it: "released". */
const char *indicator_verdict_done(enum indicator_verdict v);
/* As indicator_store_judge(); ERR_AGAIN or ERR_IO when the store is busy. */
enum err indicator_judge(const char *store, int64_t id,
			 enum indicator_verdict v, const char *who,
			 const char *note, struct diag *d) MUST_CHECK;

#endif
