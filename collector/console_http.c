/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_http.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/crypto.h>

#include "collector/console_asset.h"
#include "common/clock.h"
#include "common/thread.h"

#define POOL_BYTES (32 * 1024)
#define STREAM_BLOCK 4096

/* A connection, from accept to close. */
struct peer {
	int fd;
	uint64_t since_us; /* of waiting for a whole request */
	bool busy; /* a request is being answered */
	struct peer *prev, *next;
};

/* A console that follows events. */
struct watcher {
	struct console_http *h;
	struct MHD_Connection *connection;
	struct events_cursor cursor;
	bool suspended;
	struct watcher *prev, *next;
};

struct console_http {
	struct console_api *api;
	struct console_events *events;
	struct console_people *people;
	bool tls;
	struct MHD_Daemon *daemon;
	char hostname[256];
	pthread_t ticker;
	bool ticking;

	pthread_mutex_t lock; /* over all below */
	pthread_cond_t wake;
	bool stopping;
	struct peer *peers;
	struct watcher *watchers;
	unsigned n_watchers;
};

/* One request, while it comes in. */
struct request {
	bool good_target, checked, post;
	char body[HTTP_MAX_BODY];
	size_t n_body;
	bool too_long;
};

/* ----------------------------------------------------------------- answers */

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, struct MHD_Response *r,
       const char *type, const char *cache)
{
	static const char *const fixed[][2] = {
		{ "Content-Security-Policy",
		  "default-src 'none'; script-src 'self'; style-src 'self'; "
		  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
		  "form-action 'self'; frame-ancestors 'none'; "
		  "require-trusted-types-for 'script'; trusted-types 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
	};
	enum MHD_Result ok;

	if (r == NULL) {
		return MHD_NO;
	}
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		MHD_add_response_header(r, fixed[i][0], fixed[i][1]);
	}
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", cache);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
		MHD_add_response_header(r, "Allow", "GET, HEAD, POST");
	}
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

/* Takes over what 'j' holds. */
static enum MHD_Result
answer_json(struct MHD_Connection *c, unsigned status, struct json *j)
{
	struct MHD_Response *r;

	if (j->failed || j->p == NULL) {
		json_fini(j);
		return MHD_NO;
	}
	r = MHD_create_response_from_buffer(j->len, j->p,
					    MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		json_fini(j);
	}
	*j = (struct json){ 0 };
	return answer(c, status, r, "application/json", "no-store");
}

/* What was wrong; the connection is closed, for its framing may be. */
static enum MHD_Result
refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
	struct json j = { 0 };
	struct MHD_Response *r;

	json_obj(&j, NULL);
	json_cstr(&j, "error", why);
	json_obj_end(&j);
	if (j.failed) {
		return MHD_NO;
	}
	r = MHD_create_response_from_buffer(j.len, j.p, MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		json_fini(&j);
		return MHD_NO;
	}
	MHD_add_response_header(r, "Connection", "close");
	return answer(c, status, r, "application/json", "no-store");
}

/* ------------------------------------------------------------------ events */

static void
unlink_watcher(struct watcher *w)
{
	struct console_http *h = w->h;

	if (w->prev != NULL) {
		w->prev->next = w->next;
	} else {
		h->watchers = w->next;
	}
	if (w->next != NULL) {
		w->next->prev = w->prev;
	}
	h->n_watchers--;
}

static void
free_watcher(void *arg)
{
	struct watcher *w = arg;
	struct console_http *h = w->h;

	pthread_mutex_lock(&h->lock);
	unlink_watcher(w);
	pthread_mutex_unlock(&h->lock);
	free(w);
}

/* libmicrohttpd wants more: what there is, or to be woken by the ticker. */
static ssize_t
read_watcher(void *arg, uint64_t pos, char *out, size_t cap)
{
	struct watcher *w = arg;
	struct console_http *h = w->h;
	long n;

	(void)pos;
	pthread_mutex_lock(&h->lock);
	n = h->stopping ? -1
			: console_events_read(h->events, &w->cursor, out, cap);
	if (n == 0) {
		w->suspended = true;
		MHD_suspend_connection(w->connection);
	}
	pthread_mutex_unlock(&h->lock);
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)n;
}

static void
wake_watchers(struct console_http *h)
{
	for (struct watcher *w = h->watchers; w != NULL; w = w->next) {
		if (w->suspended) {
			w->suspended = false;
			MHD_resume_connection(w->connection);
		}
	}
}

static enum MHD_Result
watch(struct console_http *h, struct MHD_Connection *c)
{
	struct watcher *w = calloc(1, sizeof(*w));
	struct MHD_Response *r;
	bool full;

	if (w == NULL) {
		return MHD_NO;
	}
	w->h = h;
	w->connection = c;
	console_events_join(h->events, &w->cursor,
			    MHD_lookup_connection_value(c, MHD_HEADER_KIND,
							"Last-Event-ID"));
	pthread_mutex_lock(&h->lock);
	full = h->n_watchers == HTTP_MAX_WATCHERS || h->stopping;
	if (!full) {
		w->next = h->watchers;
		if (w->next != NULL) {
			w->next->prev = w;
		}
		h->watchers = w;
		h->n_watchers++;
	}
	pthread_mutex_unlock(&h->lock);
	if (full) {
		free(w);
		return refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "too many consoles are watching");
	}
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
					      read_watcher, w, free_watcher);
	if (r == NULL) {
		free_watcher(w);
		return MHD_NO;
	}
	return answer(c, MHD_HTTP_OK, r, "text/event-stream", "no-store");
}

/* ------------------------------------------------------------------ routing */

static enum MHD_Result
serve_asset(struct MHD_Connection *c, const struct console_asset *a,
	    const char *etag)
{
	const char *have = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
						       "If-None-Match");
	bool same = have != NULL && strstr(have, etag) != NULL;
	struct MHD_Response *r = MHD_create_response_from_buffer(
		same ? 0 : a->len, (void *)(uintptr_t)a->data,
		MHD_RESPMEM_PERSISTENT);

	if (r == NULL) {
		return MHD_NO;
	}
	MHD_add_response_header(r, "ETag", etag);
	return answer(c, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, r, a->type,
		      "no-cache");
}

static const char *
query_param(void *arg, const char *name)
{
	return MHD_lookup_connection_value(arg, MHD_GET_ARGUMENT_KIND, name);
}

/* Numeric, of the other end. */
static void
address_of(struct MHD_Connection *c, char out[64])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info != NULL ? info->client_addr : NULL;

	snprintf(out, 64, "unknown");
	if (sa != NULL && sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr,
			  out, 64);
	} else if (sa != NULL && sa->sa_family == AF_INET6) {
		inet_ntop(AF_INET6,
			  &((const struct sockaddr_in6 *)sa)->sin6_addr, out,
			  64);
	}
}

/* Log-in, log-out and people: what the browser keeps comes and goes here. */
static enum MHD_Result
serve_people(struct console_http *h, struct MHD_Connection *c,
	     const struct request *q, const char *path, const struct viewer *v)
{
	char address[64], text[256];
	struct people_request r = {
		.path = path,
		.post = q->post,
		.body = view_of(q->body, q->n_body),
		.address = address,
		.viewer = v,
	};
	struct json j = { 0 };
	struct MHD_Response *m;
	unsigned status;

	address_of(c, address);
	status = console_people_answer(h->people, &r, &j);
	if (j.failed || j.p == NULL) {
		json_fini(&j);
		return MHD_NO;
	}
	m = MHD_create_response_from_buffer(j.len, j.p, MHD_RESPMEM_MUST_FREE);
	if (m == NULL) {
		json_fini(&j);
		return MHD_NO;
	}
	if (r.token[0] != '\0' || r.ended) {
		snprintf(text, sizeof(text),
			 "picket=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
			 r.ended ? "" : r.token, h->tls ? "; Secure" : "",
			 r.ended ? "; Max-Age=0" : "");
		MHD_add_response_header(m, "Set-Cookie", text);
	}
	if (r.wait_s > 0) {
		snprintf(text, sizeof(text), "%u", r.wait_s);
		MHD_add_response_header(m, "Retry-After", text);
	}
	return answer(c, status, m, "application/json", "no-store");
}

/* Whether a change comes from the page that this session was given to. */
static bool
is_own_page(struct MHD_Connection *c, const char *path, const struct viewer *v)
{
	const char *want =
		v->role == ROLE_NONE || strcmp(path, "/api/login") == 0
			? "1"
			: v->csrf;
	const char *have =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, "X-Picket");

	return have != NULL && strlen(have) == strlen(want) &&
	       CRYPTO_memcmp(have, want, strlen(want)) == 0;
}

static enum MHD_Result
serve_granted(struct console_http *h, struct MHD_Connection *c,
	      const struct request *q, const char *path, const struct viewer *v)
{
	struct json j = { 0 };
	struct api_request r = {
		.path = path,
		.post = q->post,
		.body = view_of(q->body, q->n_body),
		.param = query_param,
		.arg = c,
		.viewer = v,
		.alerts_per_minute = console_events_rate(h->events),
	};
	unsigned status = console_api_answer(h->api, &r, &j);

	return answer_json(c, status, &j);
}

static enum MHD_Result
serve_api(struct console_http *h, struct MHD_Connection *c,
	  const struct request *q, const char *path)
{
	const struct console_right *row = console_right_find(path, q->post);
	struct viewer v;
	unsigned status;

	if (console_people_viewer(
		    h->people,
		    MHD_lookup_connection_value(c, MHD_COOKIE_KIND, "picket"),
		    &v) != ERR_OK) {
		return refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the store does not answer");
	}
	status = console_right_check(row, &v);
	if (status != 0) {
		return refuse(c, status,
			      status == 401   ? "log in first"
			      : status == 403 ? "this is not yours to do or see"
					      : "there is no such thing");
	}
	if (q->post && !is_own_page(c, path, &v)) {
		return refuse(c, MHD_HTTP_FORBIDDEN,
			      "X-Picket is not what /api/me gave as csrf");
	}
	if (console_people_mine(path)) {
		return serve_people(h, c, q, path, &v);
	}
	if (console_people_record(h->people, row, path,
				  view_of(q->body, q->n_body), &v) != ERR_OK) {
		return refuse(c, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the audit log cannot be written: try again");
	}
	return !q->post && strcmp(path, "/api/events") == 0
		       ? watch(h, c)
		       : serve_granted(h, c, q, path, &v);
}

static enum MHD_Result
dispatch(struct console_http *h, struct MHD_Connection *c,
	 const struct request *q, const char *path)
{
	const char *etag;
	const struct console_asset *a = console_asset_find(path, &etag);

	if (strncmp(path, "/api/", 5) == 0) {
		return serve_api(h, c, q, path);
	}
	if (q->post) {
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "nothing can be changed here");
	}
	if (strcmp(path, "/healthz") == 0) {
		bool ok = console_api_healthy(h->api);
		const char *text = ok ? "ok\n" : "the store does not answer\n";

		return answer(c, ok ? 200 : 503,
			      MHD_create_response_from_buffer(
				      strlen(text), (void *)(uintptr_t)text,
				      MHD_RESPMEM_PERSISTENT),
			      "text/plain; charset=utf-8", "no-store");
	}
	if (a != NULL) {
		return serve_asset(c, a, etag);
	}
	return refuse(c, MHD_HTTP_NOT_FOUND, "there is no such page");
}

/* ----------------------------------------------------------- libmicrohttpd */

static void *
on_target(void *arg, const char *target, struct MHD_Connection *c)
{
	struct request *q = calloc(1, sizeof(*q));

	(void)arg;
	(void)c;
	if (q != NULL) {
		q->good_target = http_is_good_target(target);
	}
	return q;
}

static void
set_busy(struct console_http *h, struct MHD_Connection *c, bool busy)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct peer *p = info != NULL ? info->socket_context : NULL;

	if (p != NULL) {
		pthread_mutex_lock(&h->lock);
		p->busy = busy;
		p->since_us = clock_mono_us();
		pthread_mutex_unlock(&h->lock);
	}
}

/* Called with the headers, for each part of the body, and at the end. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path,
	   const char *method, const char *version, const char *body,
	   size_t *n_body, void **con_cls)
{
	struct console_http *h = arg;
	struct request *q = *con_cls;
	const char *why;
	unsigned status;

	if (q == NULL) {
		return MHD_NO;
	}
	if (!q->checked) {
		q->checked = true;
		status = http_check(&(struct http_asked){ h->hostname, path,
							  method, version,
							  q->good_target },
				    c, &why);
		q->post = strcmp(method, "POST") == 0;
		return status != 0 ? refuse(c, status, why) : MHD_YES;
	}
	if (*n_body != 0) {
		size_t n = MIN(*n_body, sizeof(q->body) - q->n_body);

		q->too_long |= n < *n_body;
		memcpy(q->body + q->n_body, body, n);
		q->n_body += n;
		*n_body = 0;
		return MHD_YES;
	}
	set_busy(h, c, true);
	if (q->too_long) {
		return refuse(c, MHD_HTTP_CONTENT_TOO_LARGE,
			      "the body is too long");
	}
	return dispatch(h, c, q, path);
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **con_cls,
	     enum MHD_RequestTerminationCode code)
{
	(void)code;
	set_busy(arg, c, false);
	free(*con_cls);
	*con_cls = NULL;
}

static void
on_connection(void *arg, struct MHD_Connection *c, void **socket_context,
	      enum MHD_ConnectionNotificationCode code)
{
	struct console_http *h = arg;
	struct peer *p = *socket_context;

	pthread_mutex_lock(&h->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(
			c, MHD_CONNECTION_INFO_CONNECTION_FD);

		p = calloc(1, sizeof(*p));
		if (p != NULL && info != NULL) {
			p->fd = info->connect_fd;
			p->since_us = clock_mono_us();
			p->next = h->peers;
			if (p->next != NULL) {
				p->next->prev = p;
			}
			h->peers = p;
			*socket_context = p;
		} else {
			free(p);
		}
	} else if (p != NULL) {
		if (p->prev != NULL) {
			p->prev->next = p->next;
		} else {
			h->peers = p->next;
		}
		if (p->next != NULL) {
			p->next->prev = p->prev;
		}
		free(p);
		*socket_context = NULL;
	}
	pthread_mutex_unlock(&h->lock);
}

/* Who drips a request byte by byte is never idle, and yet takes a place. */
static void
end_slow_peers(struct console_http *h)
{
	uint64_t now = clock_mono_us();

	for (struct peer *p = h->peers; p != NULL; p = p->next) {
		if (!p->busy &&
		    now - p->since_us > HTTP_PATIENCE_S * US_PER_S) {
			shutdown(p->fd, SHUT_RDWR);
		}
	}
}

static void *
tick(void *arg)
{
	struct console_http *h = arg;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&h->lock);
	while (!h->stopping) {
		pthread_mutex_unlock(&h->lock);
		console_events_tick(h->events);
		pthread_mutex_lock(&h->lock);
		wake_watchers(h);
		end_slow_peers(h);
		next.tv_sec++;
		while (!h->stopping &&
		       pthread_cond_timedwait(&h->wake, &h->lock, &next) == 0) {
		}
	}
	wake_watchers(h);
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* ------------------------------------------------------------ start and stop */

/* The library's thread: before it reads the first byte of a stranger's. */
static enum MHD_Result
on_accept(void *arg, const struct sockaddr *from, socklen_t n)
{
	(void)arg;
	(void)from;
	(void)n;
	return thread_become(THREAD_CONSOLE) == 0 ? MHD_YES : MHD_NO;
}

static struct MHD_Daemon *
listen_at(struct console_http *h, const struct listen_address *at,
	  const struct console_tls *tls)
{
	/* GnuTLS has no TLS 1.1 by this, nor renegotiation. */
	struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0,
		  (void *)(uintptr_t)tls->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)tls->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
				      "+VERS-TLS1.2:%SAFE_RENEGOTIATION" },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem plain[] = { { MHD_OPTION_END, 0, NULL } };
	struct sockaddr_storage ss;
	unsigned flags =
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;

	listen_sockaddr(at, &ss);
	if (h->tls) {
		flags |= MHD_USE_TLS;
	}
	if (ss.ss_family == AF_INET6) {
		flags |= MHD_USE_IPv6;
	}
	return MHD_start_daemon(
		flags, at->port, on_accept, NULL, on_request, h,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&ss,
		MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_PATIENCE_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
		on_target, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY,
		h->tls ? secure : plain, MHD_OPTION_END);
}

enum err
console_http_start(struct console_http **out, const struct listen_address *at,
		   const struct console_parts *parts, struct diag *d)
{
	struct console_http *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	*out = NULL;
	if (h == NULL || console_asset_init() != ERR_OK) {
		free(h);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	h->api = parts->api;
	h->events = parts->events;
	h->people = parts->people;
	h->tls = parts->tls.certificate != NULL;
	if (gethostname(h->hostname, sizeof(h->hostname) - 1) != 0) {
		h->hostname[0] = '\0';
	}
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	h->daemon = listen_at(h, at, &parts->tls);
	h->ticking = h->daemon != NULL &&
		     thread_start(&h->ticker, THREAD_TICKER, tick, h) == 0;
	if (!h->ticking) {
		console_http_stop(h);
		return diag_set(d, ERR_IO,
				"the console cannot listen at %s port %u: is "
				"the port taken? Give another with --listen",
				at->host, at->port);
	}
	*out = h;
	return ERR_OK;
}

void
console_http_stop(struct console_http *h)
{
	if (h == NULL) {
		return;
	}
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->lock);
	if (h->ticking) {
		/* Its last act is to wake all watchers: a suspended connection
		 * cannot be closed. */
		pthread_join(h->ticker, NULL);
	}
	if (h->daemon != NULL) {
		MHD_stop_daemon(h->daemon);
	}
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

uint16_t
console_http_port(const struct console_http *h)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}
