/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct headers {
	size_t bytes;
	unsigned n, n_host, n_length, n_encoding, n_type;
	const char *host, *length, *fetch_site, *origin, *picket;
	bool has_nul;
};

static enum MHD_Result
on_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
	  const char *value, size_t value_len)
{
	struct headers *h = arg;

	(void)kind;
	value = value != NULL ? value : "";
	h->bytes += name_len + value_len + 4;
	h->n++;
	h->has_nul |= strlen(name) != name_len || strlen(value) != value_len;
	if (strcasecmp(name, "Host") == 0) {
		h->n_host++;
		h->host = value;
	} else if (strcasecmp(name, "Content-Length") == 0) {
		h->n_length++;
		h->length = value;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		h->n_encoding++;
	} else if (strcasecmp(name, "Sec-Fetch-Site") == 0) {
		h->fetch_site = value;
	} else if (strcasecmp(name, "Origin") == 0) {
		h->origin = value;
	} else if (strcasecmp(name, "X-Picket") == 0) {
		h->picket = value;
	}
	return MHD_YES;
}

/*
 * A literal address cannot be rebound and "localhost" is ours, as is the
 * machine's own name; any other name may be an attacker's.
 */
static bool
is_our_host(const char *hostname, const char *host)
{
	char name[256];
	const char *end = host + strlen(host);
	const char *port = strrchr(host, ':');
	struct in6_addr v6;
	struct in_addr v4;
	size_t n;

	if (host[0] == '[') {
		const char *close = strchr(host, ']');

		if (close == NULL || (close[1] != '\0' && close[1] != ':')) {
			return false;
		}
		host++;
		port = close[1] == ':' ? close + 1 : NULL;
		end = close;
	} else if (port != NULL) {
		end = port;
	}
	if (port != NULL &&
	    (port[1] == '\0' || strlen(port + 1) > 5 ||
	     strspn(port + 1, "0123456789") != strlen(port + 1))) {
		return false;
	}
	n = (size_t)(end - host);
	if (n == 0 || n >= sizeof(name)) {
		return false;
	}
	memcpy(name, host, n);
	name[n] = '\0';
	if (end[0] == ']') {
		return inet_pton(AF_INET6, name, &v6) == 1;
	}
	return inet_pton(AF_INET, name, &v4) == 1 ||
	       strcasecmp(name, "localhost") == 0 ||
	       (hostname[0] != '\0' && strcasecmp(name, hostname) == 0);
}

/* "http://HOST" or "https://HOST" of the very Host that was asked. */
static bool
is_own_origin(const char *origin, const char *host)
{
	size_t n = strncmp(origin, "http://", 7) == 0    ? 7
		   : strncmp(origin, "https://", 8) == 0 ? 8
							 : 0;

	return n != 0 && strcasecmp(origin + n, host) == 0;
}

unsigned
http_check(const struct http_asked *q, struct MHD_Connection *c,
	   const char **why)
{
	struct headers x = { 0 };
	bool post = strcmp(q->method, "POST") == 0;

	MHD_get_connection_values_n(c, MHD_HEADER_KIND, on_header, &x);
	*why = "the request is malformed";
	if (x.bytes > HTTP_MAX_HEADERS) {
		*why = "the headers are too long";
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	}
	if (!q->good_target || x.has_nul || x.n_length > 1 ||
	    x.n_encoding != 0 || x.n_host > 1 ||
	    (x.n_host == 0 && strcmp(q->version, "HTTP/1.0") != 0)) {
		return MHD_HTTP_BAD_REQUEST;
	}
	if (!post && strcmp(q->method, "GET") != 0 &&
	    strcmp(q->method, "HEAD") != 0) {
		*why = "only GET, HEAD and POST are known here";
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	}
	if (x.n_host == 0 || !is_our_host(q->hostname, x.host)) {
		*why = "this is not a name of this console";
		return MHD_HTTP_MISDIRECTED_REQUEST;
	}
	if (!post && x.length != NULL && strcmp(x.length, "0") != 0) {
		return MHD_HTTP_BAD_REQUEST;
	}
	/* The page itself may be reached by a link from elsewhere. */
	if (x.fetch_site != NULL && strcmp(x.fetch_site, "same-origin") != 0 &&
	    (post || (strcmp(x.fetch_site, "none") != 0 &&
		      strncmp(q->path, "/api/", 5) == 0))) {
		*why = "only the console's own page may ask this";
		return MHD_HTTP_FORBIDDEN;
	}
	if (post && (x.picket == NULL || x.picket[0] == '\0' ||
		     (x.origin != NULL && !is_own_origin(x.origin, x.host)))) {
		*why = "a change needs the header X-Picket and our own origin";
		return MHD_HTTP_FORBIDDEN;
	}
	if (post && x.length == NULL) {
		*why = "a POST needs a Content-Length";
		return MHD_HTTP_LENGTH_REQUIRED;
	}
	if (post && (strlen(x.length) > 6 ||
		     strtoul(x.length, NULL, 10) > HTTP_MAX_BODY)) {
		*why = "the body is too long";
		return MHD_HTTP_CONTENT_TOO_LARGE;
	}
	return 0;
}

bool
http_is_good_target(const char *t)
{
	size_t n = strlen(t);
	size_t path = strcspn(t, "?");

	if (n == 0 || n > HTTP_MAX_TARGET || t[0] != '/') {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (t[i] <= ' ' || t[i] > '~') {
			return false;
		}
		if (t[i] == '%' &&
		    (t[i + 1] == '\0' || strncmp(t + i, "%00", 3) == 0 ||
		     i < path)) {
			return false;
		}
		if (i < path && (t[i] == '\\' || t[i] == '#' ||
				 strncmp(t + i, "//", 2) == 0 ||
				 strncmp(t + i, "/.", 2) == 0)) {
			return false;
		}
	}
	return true;
}
