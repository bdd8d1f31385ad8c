/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_inbox.h - groups of alerts as analysts work through them
 *
 * A group is archived when an analyst archived it and no alert came since, or
 * when a rule that archives holds for it; the rules are asked when the inbox
 * is read, so that they hold at once and for what is there already.
 *
 * Place    above store_read; below console_inbox and ctl_inbox.
 * Threads  as the reader; a change takes a connection of its own.
 * Memory   a question holds its parsed queries, about 150 KB, on the heap.
 * Cost     a page is read in the order of the index when it is sorted by time;
 *          other orders look at every group that passes.
 */
#ifndef COLLECTOR_STORE_INBOX_H
#define COLLECTOR_STORE_INBOX_H

#include "collector/store_read.h"

#define INBOX_MAX_RULES 32
#define INBOX_MAX_ACT 100000 /* groups that one act changes */
#define INBOX_MAX_TOTAL 10000 /* counted no further */
#define INBOX_TOKEN_CAP 33
#define INBOX_ACTS_KEPT 1000
#define INBOX_LOG_KEPT 500000 /* groups of acts that can be undone */
#define INBOX_MAX_NOTE 2000
#define INBOX_MAX_WHO 64

enum inbox_view { INBOX_OPEN, INBOX_ESCALATED, INBOX_ARCHIVED, INBOX_ALL };
enum inbox_sort { INBOX_LAST, INBOX_FIRST, INBOX_COUNT, INBOX_SEVERITY };

struct inbox;

/* Zeroed is the inbox of real events, the latest first. */
struct inbox_asked {
	struct view query;
	enum inbox_view view;
	enum inbox_sort sort;
	enum store_scope scope;
	const char *exercise; /* with STORE_EXERCISE: this one only */
	int64_t group; /* this one only; 0: all */
	bool on; /* behind the row (key, id) of an earlier page */
	int64_t key, id;
};

/*
 * Reads the query and the rules.  ERR_FORMAT with diag and the column of the
 * query's text, from 1 (0: something else was wrong).
 */
enum err inbox_new(struct inbox **out, struct store_reader *r,
		   const struct inbox_asked *asked, unsigned *column,
		   struct diag *d) MUST_CHECK;
void inbox_free(struct inbox *b);

struct inbox_row {
	struct store_group g;
	const char *src_info, *dst_info; /* JSON objects, or "" */
	bool archived, is_new; /* nobody did anything with it */
	uint64_t escalated_us; /* 0: it is not */
	const char *who, *note; /* of the last act */
	int64_t key; /* what it is sorted by */
};
enum err inbox_read(struct inbox *b, unsigned limit,
		    void (*fn)(void *arg, const struct inbox_row *row),
		    void *arg) MUST_CHECK;
/* How many there are, INBOX_MAX_TOTAL at most; pages are not looked at. */
enum err inbox_total(struct inbox *b, uint64_t *out) MUST_CHECK;

enum inbox_verb {
	INBOX_ARCHIVE,
	INBOX_UNARCHIVE,
	INBOX_ESCALATE,
	INBOX_DEESCALATE,
	INBOX_VERBS
};
const char *inbox_verb_name(enum inbox_verb v); /* NULL from the end on */

/*
 * Acts on the groups of a JSON array 'ids', or (NULL) on all that 'b' is about.
 * '*done' groups changed; 'token' takes it back.  ERR_AGAIN when the writer held
 * the store for seconds, ERR_LIMIT for more than INBOX_MAX_ACT; with diag.
 */
enum err inbox_act(struct inbox *b, enum inbox_verb verb, const char *ids,
		   const char *who, const char *note, uint64_t *done,
		   char token[INBOX_TOKEN_CAP], struct diag *d) MUST_CHECK;
/* Takes an act of 'who' back where nobody acted since; ERR_NOTFOUND. */
enum err inbox_undo(struct store_reader *r, const char *token, const char *who,
		    uint64_t *done, struct diag *d) MUST_CHECK;

/* What was done with a group, the last first. */
struct inbox_done {
	uint64_t at_us, undone_us;
	const char *who, *act, *note;
};
enum err inbox_history(struct store_reader *r, int64_t group,
		       void (*fn)(void *arg, const struct inbox_done *x),
		       void *arg) MUST_CHECK;

#endif
