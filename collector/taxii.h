/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taxii.h - indicators of a TAXII 2.1 collection, asked for now and then
 *
 * From a discovery URL, an API root or a collection: all pages of what was
 * added since the last time are fetched, then read as one STIX bundle, so that
 * a marking on one page holds for indicators on another.
 *
 * Place    above taxii_http and indicator_read.h.
 * Threads  one client, one thread; it waits for the network.  Who uses it calls
 *          curl_global_init() before the first thread.
 * Memory   one page; the pages lie in an unlinked file.
 * Cost     the network's.
 */
#ifndef COLLECTOR_TAXII_H
#define COLLECTOR_TAXII_H

#include <stdatomic.h>

#include "collector/taxii_http.h"
#include "common/indicator_read.h"

struct taxii_options {
	const char *url; /* discovery, API root, or collection */
	const char *collection; /* id, alias or title; NULL: the only one */
	struct taxii_login login;
	const atomic_bool *stop; /* ends a poll when it is set; or NULL */
	const char *spool_dir; /* where pages lie until they are read */
	/* 0 takes what stands behind it. */
	unsigned timeout_s; /* of one answer: 60 */
	unsigned poll_s; /* of all answers: 600 */
	unsigned page_objects; /* asked for at once: 1000 */
	unsigned max_pages; /* 10000 */
	size_t page_bytes; /* 32 MiB */
	size_t poll_bytes; /* 1 GiB */
};

/* What the caller keeps from one time to the next; zeroed at first. */
struct taxii_state {
	char added_after[TAXII_DATE_CAP]; /* "" all there is */
	uint64_t retry_after_s; /* the server's wish, after ERR_AGAIN */
	uint64_t pages; /* of the last poll */
};

/*
 * Hands what is new to 's', adds the account to 'r', and moves 'state' on as
 * far as is certain: what comes twice is no harm, what never comes is.  Errors
 * as taxii_http_get() and indicator_read_path(); whole pages before the error
 * were read.  Credentials are read from their files each time.
 */
enum err taxii_poll(const struct taxii_options *o, struct taxii_state *state,
		    const struct indicator_sink *s, struct indicator_report *r,
		    struct diag *d) MUST_CHECK;

#endif
