/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_polls.h - TAXII collections that the settings name, asked in turn
 *
 * A thread for each, so that a server that is slow delays nobody else.  What a
 * poll brought goes through the inbox; only then is it noted in the store how
 * far the collection was read, so that nothing is left out.  An error is told
 * when it begins and when it ends, and longer waits follow each other.
 *
 * Place    above indicator_inbox, taxii and store_reader; below metrics and main.
 * Threads  one a source (THREAD_POLLS), each with its own connection to the
 *          store.  Whoever starts them calls curl_global_init() before the
 *          first thread.
 * Memory   an inbox and a page a source, while it is asked.
 * Cost     the network's, every 'interval_s'.
 */
#ifndef COLLECTOR_INDICATOR_POLLS_H
#define COLLECTOR_INDICATOR_POLLS_H

#include "collector/taxii.h"
#include "common/conf.h"

#define INDICATOR_POLLS_MAX 16
/* Sources that are remembered, those of former settings among them. */
#define INDICATOR_POLLS_KEPT 64
#define INDICATOR_POLLS_LEAST_S 1
#define INDICATOR_POLLS_USUAL_S 300
#define INDICATOR_POLLS_MOST_S 86400

/* One source; texts point into the settings. */
struct indicator_poll {
	char key[64]; /* "indicators.taxii.NAME" */
	const char *source; /* whose indicators they are */
	const char *url, *collection;
	struct taxii_login login;
	uint64_t interval_s;
	struct marking mark; /* of what is unmarked, when 'marks' */
	bool marks;
};

struct indicator_poll_set {
	struct indicator_poll all[INDICATOR_POLLS_MAX];
	unsigned n;
	bool too_many, bad_name;
};

struct indicator_poll_stats {
	uint64_t polls, failed, entries; /* since the start */
	uint64_t failing; /* sources whose last poll failed */
};

/* Of "indicators.taxii"; ERR_USAGE with diag, which names the setting. */
enum err indicator_polls_read(struct indicator_poll_set *s,
			      const struct conf *c, struct diag *d) MUST_CHECK;
/* Calls 'fn' for each file of a login. */
void indicator_polls_files(const struct indicator_poll_set *s,
			   void (*fn)(void *arg, const char *path), void *arg);

struct indicator_polls;

/* 'store' must be there, and stay as 's' must.  None: NULL, which the others
 * take.  ERR_NOMEM, ERR_IO with diag. */
enum err indicator_polls_start(struct indicator_polls **out, const char *store,
			       const struct indicator_poll_set *s,
			       struct diag *d) MUST_CHECK;
/* Waits for polls to notice, some seconds at most. */
void indicator_polls_stop(struct indicator_polls *p);
void indicator_polls_stats(const struct indicator_polls *p,
			   struct indicator_poll_stats *out);

#endif
