/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_send.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/output_ecs.h"

#define ANSWER_MAX (4 << 20)
#define SECRET_CAP 4096

struct output_http {
	const struct output_conf *is;
	const atomic_bool *stop;
	CURL *curl;
	struct json body, answer;
	char secret[SECRET_CAP]; /* of the HMAC */
	char problem[CURL_ERROR_SIZE];
	bool too_large;
	long status;
};

static int
on_progress(void *arg, curl_off_t to_come, curl_off_t came, curl_off_t to_go,
	    curl_off_t went)
{
	const struct output_http *h = arg;

	(void)to_come;
	(void)came;
	(void)to_go;
	(void)went;
	return atomic_load(h->stop);
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct output_http *h = arg;

	if (h->answer.len + size * n > ANSWER_MAX) {
		h->too_large = true;
		return 0;
	}
	json_append(&h->answer, view_of(data, size * n));
	return h->answer.failed ? 0 : size * n;
}

/* The first line of a file. */
static enum err
read_secret(const char *path, char out[SECRET_CAP], struct diag *d)
{
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		return diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	}
	setvbuf(f, NULL, _IONBF, 0); /* leaves no copy behind */
	if (fgets(out, SECRET_CAP, f) == NULL) {
		out[0] = '\0';
	}
	fclose(f);
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] != '\0' ? ERR_OK
			      : diag_set(d, ERR_IO, "%s: it is empty", path);
}

static enum err
set_login(struct output_http *h, struct diag *d)
{
	const struct output_conf *is = h->is;
	char secret[SECRET_CAP];
	enum err e = ERR_OK;

	if (is->login_file != NULL) {
		e = read_secret(is->login_file, secret, d);
		if (e == ERR_OK) {
			curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH,
					 CURLAUTH_BASIC);
			curl_easy_setopt(h->curl, CURLOPT_USERPWD, secret);
		}
	} else if (is->token_file != NULL) {
		e = read_secret(is->token_file, secret, d);
		if (e == ERR_OK) {
			curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH,
					 CURLAUTH_BEARER);
			curl_easy_setopt(h->curl, CURLOPT_XOAUTH2_BEARER,
					 secret);
		}
	}
	explicit_bzero(secret, sizeof(secret));
	if (is->cert_file != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_SSLCERT, is->cert_file);
		curl_easy_setopt(h->curl, CURLOPT_SSLKEY,
				 is->key_file != NULL ? is->key_file
						      : is->cert_file);
	}
	if (is->ca_file != NULL) {
		curl_easy_setopt(h->curl, CURLOPT_CAINFO, is->ca_file);
		curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
	}
	if (e == ERR_OK && is->secret_file != NULL) {
		e = read_secret(is->secret_file, h->secret, d);
	}
	return e;
}

enum err
output_http_new(struct output_http **out, const struct output_conf *is,
		const atomic_bool *stop, struct diag *d)
{
	struct output_http *h = calloc(1, sizeof(*h));

	*out = h;
	if (h == NULL || (h->curl = curl_easy_init()) == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	h->is = is;
	h->stop = stop;
	curl_easy_setopt(h->curl, CURLOPT_URL, is->url);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "picket");
	curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(h->curl, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, (long)is->timeout_s);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->problem);
	curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h->curl, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(h->curl, CURLOPT_NOPROGRESS, 0L);
	return set_login(h, d);
}

void
output_http_free(struct output_http *h)
{
	if (h == NULL) {
		return;
	}
	curl_easy_cleanup(h->curl);
	json_fini(&h->body);
	json_fini(&h->answer);
	explicit_bzero(h->secret, sizeof(h->secret));
	free(h);
}

/* Of "TIME.BODY", so that an old request cannot be made a new one.  NULL: out of
 * memory. */
static struct curl_slist *
sign(struct output_http *h, struct curl_slist *l)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	struct json text = { 0 };
	char stamp[32], header[128];
	unsigned n = 0;
	size_t at;

	snprintf(stamp, sizeof(stamp), "%lld", (long long)time(NULL));
	json_append(&text, view_cstr(stamp));
	json_append(&text, VIEW_LIT("."));
	json_append(&text, json_view(&h->body));
	if (!text.failed) {
		HMAC(EVP_sha256(), h->secret, (int)strlen(h->secret),
		     (const unsigned char *)text.p, text.len, mac, &n);
	}
	json_fini(&text);
	at = (size_t)snprintf(header, sizeof(header),
			      "X-Picket-Signature: sha256=");
	for (unsigned i = 0; i < n; i++) {
		at += (size_t)snprintf(header + at, sizeof(header) - at, "%02x",
				       mac[i]);
	}
	l = curl_slist_append(l, header);
	snprintf(header, sizeof(header), "X-Picket-Time: %s", stamp);
	return curl_slist_append(l, header);
}

/* POSTs the body; h->status and h->answer are what came. */
static enum err
post(struct output_http *h, const char *type, struct diag *d)
{
	struct curl_slist *l = curl_slist_append(NULL, type);
	CURLcode rc;

	if (h->body.failed) {
		curl_slist_free_all(l);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (h->secret[0] != '\0') {
		l = sign(h, l);
	}
	l = curl_slist_append(l, "Expect:");
	json_reset(&h->answer);
	h->too_large = false;
	h->problem[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, l);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)h->body.len);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, h->body.p);
	rc = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(l);
	if (rc != CURLE_OK) {
		return diag_set(d,
				rc == CURLE_PEER_FAILED_VERIFICATION ? ERR_AUTH
								     : ERR_IO,
				"%.200s: %.200s", h->is->url,
				h->too_large ? "too long an answer"
				: h->problem[0] != '\0'
					? h->problem
					: curl_easy_strerror(rc));
	}
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &h->status);
	return ERR_OK;
}

static enum err
not_taken(const struct output_http *h, struct diag *d)
{
	enum err e = h->status == 401 || h->status == 403   ? ERR_AUTH
		     : h->status == 429 || h->status == 503 ? ERR_AGAIN
							    : ERR_IO;

	return diag_set(d, e, "%.200s: answered with %ld", h->is->url,
			h->status);
}

/* ------------------------------------------------------------- webhook */

static enum err
post_events(struct output_http *h, const struct output_item *items, size_t n,
	    struct diag *d)
{
	json_reset(&h->body);
	for (size_t i = 0; i < n; i++) {
		json_append(&h->body, i == 0 ? VIEW_LIT("[") : VIEW_LIT(","));
		json_append(&h->body, view_of(items[i].line, items[i].len));
	}
	json_append(&h->body, VIEW_LIT("]"));
	return post(h, "Content-Type: application/json", d);
}

/* Whether it is what was sent that the other end does not want. */
static bool
unwanted(long status)
{
	return status == 400 || status == 413 || status == 422;
}

static enum err
send_webhook(struct output_http *h, const struct output_batch *b,
	     struct output_told *told, struct diag *d)
{
	enum err e = post_events(h, b->items, b->n, d);

	if (e == ERR_OK && h->status / 100 == 2) {
		told->n = b->n;
		return ERR_OK;
	}
	if (e == ERR_OK && !unwanted(h->status)) {
		return not_taken(h, d);
	}
	/* One of them may be why: each by itself. */
	while (e == ERR_OK && told->n < b->n) {
		e = post_events(h, &b->items[told->n], 1, d);
		if (e == ERR_OK && h->status / 100 != 2 &&
		    !unwanted(h->status)) {
			e = not_taken(h, d);
		}
		if (e == ERR_OK) {
			told->refused += h->status / 100 != 2;
			told->n++;
		}
	}
	return e;
}

/* ------------------------------------------------------------- _bulk */

static enum err
fill_bulk(struct output_http *h, const struct output_batch *b, struct diag *d)
{
	struct json doc = { 0 };
	char id[OUTPUT_ECS_ID_CAP];
	enum err e = ERR_OK;

	json_reset(&h->body);
	for (size_t i = 0; i < b->n && e == ERR_OK; i++) {
		const struct output_item *it = &b->items[i];

		json_reset(&doc);
		e = output_ecs(&doc, it->line, it->len, it->id, id);
		if (e != ERR_OK) {
			break;
		}
		json_append(&h->body, VIEW_LIT("{\"create\":{\"_index\":\""));
		json_append(&h->body, view_cstr(h->is->index));
		json_append(&h->body, VIEW_LIT("\",\"_id\":\""));
		json_append(&h->body, view_cstr(id));
		json_append(&h->body, VIEW_LIT("\"}}\n"));
		json_append(&h->body, json_view(&doc));
		json_append(&h->body, VIEW_LIT("\n"));
	}
	json_fini(&doc);
	return e == ERR_OK ? e : diag_set(d, e, "%s: not an event", h->is->url);
}

/* What became of each: taken or there already (409), to be sent again (429 and
 * 5xx, and all behind it), or refused. */
static enum err
judge_bulk(const struct output_http *h, const struct output_batch *b,
	   struct output_told *told, struct diag *d)
{
	json_t *o = json_loadb(h->answer.p, h->answer.len, 0, NULL);
	const json_t *items = json_object_get(o, "items");
	enum err e = ERR_OK;

	if (!json_is_array(items) || json_array_size(items) != b->n) {
		json_decref(o);
		return diag_set(d, ERR_FORMAT, "%.200s: no answer of _bulk",
				h->is->url);
	}
	for (; told->n < b->n; told->n++) {
		json_int_t status = json_integer_value(json_object_get(
			json_object_get(json_array_get(items, told->n),
					"create"),
			"status"));

		if (status / 100 == 2 || status == 409) {
			continue;
		}
		if (status == 429 || status / 100 != 4) {
			e = diag_set(d, ERR_AGAIN,
				     "%.200s: %s answered with "
				     "%" JSON_INTEGER_FORMAT,
				     h->is->url, b->items[told->n].id, status);
			break;
		}
		told->refused++;
	}
	json_decref(o);
	return e;
}

static enum err
send_bulk(struct output_http *h, const struct output_batch *b,
	  struct output_told *told, struct diag *d)
{
	enum err e = fill_bulk(h, b, d);

	if (e == ERR_OK) {
		e = post(h, "Content-Type: application/x-ndjson", d);
	}
	if (e == ERR_OK) {
		e = h->status == 200 ? judge_bulk(h, b, told, d)
				     : not_taken(h, d);
	}
	return e;
}

enum err
output_http_send(struct output_http *h, const struct output_batch *b,
		 struct output_told *told, struct diag *d)
{
	*told = (struct output_told){ 0 };
	return h->is->way == OUTPUT_WEBHOOK ? send_webhook(h, b, told, d)
					    : send_bulk(h, b, told, d);
}
