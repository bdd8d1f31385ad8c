/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/taxii_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/addr.h"

#define MEDIA_TYPE "application/taxii+json"

/* Called about once a second even when nothing comes. */
static int
on_progress(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_go,
	    curl_off_t went)
{
	const struct taxii_http *h = arg;

	(void)to_come;
	(void)came;
	(void)to_go;
	(void)went;
	return h->stop != NULL && atomic_load(h->stop);
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct taxii_http *h = arg;
	size_t len = size * n;

	if (len > h->max_bytes - h->answer.len) {
		h->too_large = true;
		return 0;
	}
	if (h->answer.len + len + 1 > h->cap) {
		size_t want = MIN(h->max_bytes + 1,
				  MAX(h->cap * 2, h->answer.len + len + 1));
		char *bigger = realloc(h->answer.body, want);

		if (bigger == NULL) {
			return 0;
		}
		h->answer.body = bigger;
		h->cap = want;
	}
	memcpy(h->answer.body + h->answer.len, data, len);
	h->answer.len += len;
	h->answer.body[h->answer.len] = '\0';
	return len;
}

/* The value of header 'name', cut to 'cap', if the line is one. */
static void
take_header(struct view line, const char *name, char *out, size_t cap)
{
	size_t n = strlen(name);
	struct view v;

	if (line.len <= n || line.p[n] != ':' ||
	    !view_caseeq(view_sub(line, 0, n), view_cstr(name))) {
		return;
	}
	v = view_sub(line, n + 1, line.len);
	while (v.len > 0 && v.p[0] == ' ') {
		v = view_sub(v, 1, v.len);
	}
	while (v.len > 0 && v.p[v.len - 1] <= ' ') {
		v.len--;
	}
	snprintf(out, cap, "%.*s", (int)MIN(v.len, cap), v.p);
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct taxii_http *h = arg;
	struct view line = view_of(data, size * n);
	char retry[16] = "";

	take_header(line, "Content-Type", h->type, sizeof(h->type));
	take_header(line, "X-TAXII-Date-Added-First", h->answer.first,
		    sizeof(h->answer.first));
	take_header(line, "X-TAXII-Date-Added-Last", h->answer.last,
		    sizeof(h->answer.last));
	take_header(line, "Retry-After", retry, sizeof(retry));
	if (retry[0] != '\0') {
		/* A date, its other form, is read as a minute. */
		h->answer.retry_after_s =
			retry[0] >= '0' && retry[0] <= '9'
				? MIN(strtoull(retry, NULL, 10), 86400)
				: 60;
	}
	return line.len;
}

static bool
is_loopback(const char *host)
{
	struct view v = view_cstr(host);
	struct addr a;
	struct cidr net;

	if (v.len > 2 && v.p[0] == '[' && v.p[v.len - 1] == ']') {
		v = view_sub(v, 1, v.len - 2);
	}
	if (view_caseeq(v, VIEW_LIT("localhost"))) {
		return true;
	}
	return addr_parse(v, &a) &&
	       ((cidr_parse(VIEW_LIT("127.0.0.0/8"), &net) &&
		 cidr_contains(&net, &a)) ||
		(cidr_parse(VIEW_LIT("::1"), &net) && cidr_contains(&net, &a)));
}

/* "scheme://host:port"; ERR_USAGE when it may not be asked. */
static enum err
origin_of(const char *url, char out[TAXII_URL_CAP], struct diag *d)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	enum err e = ERR_OK;

	if (u == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
		    CURLUE_OK) {
		e = diag_set(d, ERR_USAGE, "%.200s: not a URL", url);
	} else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK) {
		e = diag_set(d, ERR_USAGE,
			     "a URL with a name or password in it: give them "
			     "in a file");
	} else if (strcmp(scheme, "https") != 0 &&
		   (strcmp(scheme, "http") != 0 || !is_loopback(host))) {
		e = diag_set(d, ERR_USAGE,
			     "%.200s: https is needed, except on the loopback",
			     url);
	} else {
		snprintf(out, TAXII_URL_CAP, "%s://%s:%s", scheme, host, port);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	curl_url_cleanup(u);
	return e;
}

enum err
taxii_http_resolve(const char *base, const char *ref, char out[TAXII_URL_CAP])
{
	CURLU *u = curl_url();
	char *full = NULL;
	enum err e = ERR_FORMAT;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, ref, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &full, 0) == CURLUE_OK &&
	    strlen(full) < TAXII_URL_CAP) {
		memcpy(out, full, strlen(full) + 1);
		e = ERR_OK;
	}
	curl_free(full);
	curl_url_cleanup(u);
	return e;
}

/* The first line of a file. */
static enum err
read_secret(const char *path, char out[TAXII_SECRET_CAP], struct diag *d)
{
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	}
	setvbuf(f, NULL, _IONBF, 0); /* leaves no copy behind */
	if (fgets(out, TAXII_SECRET_CAP, f) == NULL) {
		out[0] = '\0';
	}
	fclose(f);
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] != '\0' ? ERR_OK
			      : diag_set(d, ERR_IO, "%s: it is empty", path);
}

static enum err
set_login(struct taxii_http *h, const struct taxii_login *login, struct diag *d)
{
	char secret[TAXII_SECRET_CAP];
	enum err e = ERR_OK;

	if (login->basic_file != NULL) {
		e = read_secret(login->basic_file, secret, d);
		if (e == ERR_OK) {
			curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH,
					 CURLAUTH_BASIC);
			curl_easy_setopt(h->curl, CURLOPT_USERPWD, secret);
		}
	} else if (login->token_file != NULL) {
		e = read_secret(login->token_file, secret, d);
		if (e == ERR_OK) {
			curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH,
					 CURLAUTH_BEARER);
			curl_easy_setopt(h->curl, CURLOPT_XOAUTH2_BEARER,
					 secret);
		}
	}
	explicit_bzero(secret, sizeof(secret));
	if (login->cert_file != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_SSLCERT, login->cert_file);
		curl_easy_setopt(h->curl, CURLOPT_SSLKEY,
				 login->key_file != NULL ? login->key_file
							 : login->cert_file);
	}
	if (login->ca_file != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_CAINFO, login->ca_file);
		curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
	}
	return e;
}

enum err
taxii_http_init(struct taxii_http *h, const char *url,
		const struct taxii_login *login, size_t max_bytes,
		unsigned timeout_s, struct diag *d)
{
	enum err e;

	*h = (struct taxii_http){ .max_bytes = max_bytes };
	e = origin_of(url, h->origin, d);
	if (e != ERR_OK) {
		return e;
	}
	h->curl = curl_easy_init();
	h->headers =
		curl_slist_append(NULL, "Accept: " MEDIA_TYPE ";version=2.1");
	if (h->curl == NULL || h->headers == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "picket");
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, (long)timeout_s);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->problem);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(h->curl, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h->curl, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(h->curl, CURLOPT_NOPROGRESS, 0L);
	return set_login(h, login, d);
}

void
taxii_http_fini(struct taxii_http *h)
{
	curl_easy_cleanup(h->curl);
	curl_slist_free_all(h->headers);
	free(h->answer.body);
	*h = (struct taxii_http){ 0 };
}

/* "application/taxii+json;version=2.1", blanks and other parameters aside. */
static bool
is_taxii(const char *type)
{
	const char *version;

	if (strncasecmp(type, MEDIA_TYPE, sizeof(MEDIA_TYPE) - 1) != 0) {
		return false;
	}
	version = strstr(type, "version=");
	return version != NULL && (strncmp(version + 8, "2.1", 3) == 0 ||
				   strncmp(version + 8, "\"2.1\"", 5) == 0);
}

static enum err
judge(const struct taxii_http *h, const char *url, struct diag *d)
{
	long status = h->answer.status;

	if (status == 401 || status == 403) {
		return diag_set(d, ERR_AUTH, "%.200s: refused (%ld)", url,
				status);
	}
	if (status == 404) {
		return diag_set(d, ERR_NOTFOUND, "%.200s: not there (404)",
				url);
	}
	if (status == 429 || status == 503) {
		return diag_set(d, ERR_AGAIN,
				"%.200s: busy (%ld), again in %llu s", url,
				status,
				(unsigned long long)h->answer.retry_after_s);
	}
	if (status != 200) {
		return diag_set(d, ERR_IO, "%.200s: answered with %ld", url,
				status);
	}
	if (!is_taxii(h->type)) {
		return diag_set(d, ERR_FORMAT,
				"%.200s: not TAXII 2.1 but '%.60s'", url,
				h->type);
	}
	return ERR_OK;
}

enum err
taxii_http_get(struct taxii_http *h, const char *url, struct diag *d)
{
	char origin[TAXII_URL_CAP];
	enum err e = origin_of(url, origin, d);
	char *body = h->answer.body;
	CURLcode rc;

	if (e != ERR_OK) {
		return e;
	}
	if (strcmp(origin, h->origin) != 0) {
		return diag_set(d, ERR_USAGE,
				"%.200s: not asked, for it is another server "
				"than %.100s",
				url, h->origin);
	}
	h->answer = (struct taxii_answer){ .body = body };
	h->type[0] = h->problem[0] = '\0';
	h->too_large = false;
	curl_easy_setopt(h->curl, CURLOPT_URL, url);
	rc = curl_easy_perform(h->curl);
	if (h->too_large) {
		return diag_set(d, ERR_LIMIT,
				"%.200s: an answer of more than %zu bytes", url,
				h->max_bytes);
	}
	if (rc == CURLE_OUT_OF_MEMORY) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (rc != CURLE_OK) {
		return diag_set(d,
				rc == CURLE_PEER_FAILED_VERIFICATION ? ERR_AUTH
								     : ERR_IO,
				"%.200s: %.200s", url,
				h->problem[0] != '\0' ? h->problem
						      : curl_easy_strerror(rc));
	}
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &h->answer.status);
	return judge(h, url, d);
}
