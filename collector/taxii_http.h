/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taxii_http.h - one GET of TAXII 2.1, within bounds; for taxii.c only
 *
 * The server is a stranger: it is spoken to by TLS alone (or on the loopback),
 * it redirects nowhere, and answers with one media type, within a size and a
 * time.
 *
 * Place    above err.h, on libcurl; below taxii.
 * Threads  one client, one thread.
 * Memory   one answer, at most 'max_bytes'.
 * Cost     the network's.
 */
#ifndef COLLECTOR_TAXII_HTTP_H
#define COLLECTOR_TAXII_HTTP_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "common/err.h"

#define TAXII_URL_CAP 2048
#define TAXII_SECRET_CAP 4096
#define TAXII_DATE_CAP 40

struct taxii_answer {
	char *body; /* with a NUL behind it; the client's until the next GET */
	size_t len;
	char first[TAXII_DATE_CAP], last[TAXII_DATE_CAP]; /* dates added */
	uint64_t retry_after_s; /* 0: not said */
	long status;
};

struct taxii_http {
	CURL *curl;
	struct curl_slist *headers;
	struct taxii_answer answer;
	size_t cap, max_bytes;
	char type[128];
	char origin[TAXII_URL_CAP]; /* "https://host:port", of the first URL */
	char problem[CURL_ERROR_SIZE];
	bool too_large;
	const atomic_bool *stop; /* ends a GET when it is set; or NULL */
};

struct taxii_login {
	const char *basic_file; /* "user:password" */
	const char *token_file; /* bearer token */
	const char *cert_file, *key_file; /* client certificate */
	const char *ca_file; /* NULL: the system's */
};

/* ERR_USAGE: the URL is none that may be asked; ERR_NOMEM, ERR_IO (a file). */
enum err taxii_http_init(struct taxii_http *h, const char *url,
			 const struct taxii_login *login, size_t max_bytes,
			 unsigned timeout_s, struct diag *d) MUST_CHECK;
void taxii_http_fini(struct taxii_http *h);

/*
 * 'url', which must have the origin of the first.  ERR_IO, ERR_AUTH (401, 403,
 * TLS), ERR_NOTFOUND, ERR_AGAIN (429, 503), ERR_LIMIT (too large), ERR_FORMAT
 * (not TAXII 2.1), ERR_USAGE (another origin).
 */
enum err taxii_http_get(struct taxii_http *h, const char *url,
			struct diag *d) MUST_CHECK;
/* 'ref' as seen from 'base'; ERR_FORMAT. */
enum err taxii_http_resolve(const char *base, const char *ref,
			    char out[TAXII_URL_CAP]) MUST_CHECK;

#endif
