/* SPDX-License-Identifier: Apache-2.0 */
#include "common/metrics_http.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "common/clock.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/thread.h"

#define EXAMPLE "127.0.0.1:9108"
#define POOL_BYTES (16 * 1024)
#define CLIENT_PATIENCE_S 10

struct metrics_http {
	struct metrics_http_config cfg;
	struct MHD_Daemon *daemon;
	_Atomic bool asked; /* somebody waits for a snapshot */
	_Atomic(const char *) well; /* of /healthz */
	_Atomic uint64_t turned_us; /* when the main loop last came round */
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t fresh;
	bool stopping;
	uint8_t *doc;
	size_t doc_len;
	uint64_t made_us;
};

bool
metrics_http_turn(struct metrics_http *m, uint64_t now_us)
{
	if (m == NULL) {
		return false;
	}
	atomic_store_explicit(&m->turned_us, now_us, memory_order_relaxed);
	return atomic_load_explicit(&m->asked, memory_order_relaxed);
}

void
metrics_http_say(struct metrics_http *m, const char *text)
{
	if (m != NULL) {
		atomic_store(&m->well, text);
	}
}

void
metrics_http_publish(struct metrics_http *m, struct view doc)
{
	uint8_t *copy = malloc(doc.len + 1);

	atomic_store_explicit(&m->asked, false, memory_order_relaxed);
	if (copy == NULL || doc.len == 0) {
		free(copy);
		return;
	}
	memcpy(copy, doc.p, doc.len);
	pthread_mutex_lock(&m->lock);
	free(m->doc);
	m->doc = copy;
	m->doc_len = doc.len;
	m->made_us = clock_mono_us();
	pthread_cond_broadcast(&m->fresh);
	pthread_mutex_unlock(&m->lock);
}

/*
 * A copy of the newest snapshot, made after now if the main loop comes round
 * in time; NULL when there is none yet.
 */
static uint8_t *
newest(struct metrics_http *m, size_t *len, uint64_t *age_us)
{
	uint64_t start = clock_mono_us();
	struct timespec until;
	uint8_t *copy = NULL;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += METRICS_PATIENCE_MS / 1000;
	pthread_mutex_lock(&m->lock);
	if (m->doc == NULL || start - m->made_us > METRICS_PAUSE_MS * 1000) {
		atomic_store(&m->asked, true);
		while (!m->stopping && (m->doc == NULL || m->made_us < start) &&
		       pthread_cond_timedwait(&m->fresh, &m->lock, &until) ==
			       0) {
		}
	}
	if (m->doc != NULL && (copy = malloc(m->doc_len)) != NULL) {
		memcpy(copy, m->doc, m->doc_len);
		*len = m->doc_len;
		*age_us = clock_mono_us() - m->made_us;
	}
	pthread_mutex_unlock(&m->lock);
	return copy;
}

/* ----------------------------------------------------------------- answers */

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, struct MHD_Response *r,
       const char *type)
{
	enum MHD_Result ok;

	if (r == NULL) {
		return MHD_NO;
	}
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	}
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result
answer_text(struct MHD_Connection *c, unsigned status, const char *text)
{
	return answer(c, status,
		      MHD_create_response_from_buffer(strlen(text),
						      (void *)(uintptr_t)text,
						      MHD_RESPMEM_PERSISTENT),
		      "text/plain; charset=utf-8");
}

static uint64_t
resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f != NULL) {
		if (fscanf(f, "%*u %llu", &pages) != 1) {
			pages = 0;
		}
		fclose(f);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What Prometheus' own clients tell of their process, and the answer's age. */
static void
put_process(FILE *f, const char *prefix, uint64_t age_us)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	fprintf(f,
		"# HELP %ssnapshot_age_seconds Seconds since the program last "
		"gave its counters.\n"
		"# TYPE %ssnapshot_age_seconds gauge\n"
		"%ssnapshot_age_seconds %.6f\n",
		prefix, prefix, prefix, (double)age_us / 1e6);
	fprintf(f,
		"# HELP process_cpu_seconds_total Seconds of processor time, "
		"user and system.\n"
		"# TYPE process_cpu_seconds_total counter\n"
		"process_cpu_seconds_total %.6f\n",
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) /
				1e6);
	fprintf(f,
		"# HELP process_resident_memory_bytes Bytes of memory in "
		"use.\n"
		"# TYPE process_resident_memory_bytes gauge\n"
		"process_resident_memory_bytes %llu\n",
		(unsigned long long)resident_bytes());
}

static enum MHD_Result
answer_metrics(struct metrics_http *m, struct MHD_Connection *c)
{
	size_t len = 0, text_len = 0, all_len = 0;
	uint64_t age_us = 0;
	uint8_t *doc = newest(m, &len, &age_us);
	char *text = NULL, *all = NULL;
	enum err e = ERR_NOMEM;
	struct MHD_Response *r;
	FILE *f;

	if (doc == NULL) {
		return answer_text(c, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "no counters yet\n");
	}
	e = metrics_text(view_of(doc, len), m->cfg.prefix, m->cfg.rows,
			 m->cfg.n_rows, &text, &text_len);
	free(doc);
	f = e == ERR_OK ? open_memstream(&all, &all_len) : NULL;
	if (f != NULL) {
		fwrite(text, 1, text_len, f);
		put_process(f, m->cfg.prefix, age_us);
		if (fclose(f) != 0) {
			free(all);
			all = NULL;
		}
	}
	free(text);
	if (all == NULL) {
		return answer_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
				   "the counters could not be written\n");
	}
	r = MHD_create_response_from_buffer(all_len, all,
					    MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		free(all);
	}
	return answer(c, MHD_HTTP_OK, r,
		      "text/plain; version=0.0.4; charset=utf-8");
}

static enum MHD_Result
answer_health(const struct metrics_http *m, struct MHD_Connection *c)
{
	uint64_t at = atomic_load_explicit(&m->turned_us, memory_order_relaxed);
	uint64_t now = clock_mono_us();
	bool ok = now < at || now - at < m->cfg.alive_s * US_PER_S;

	return answer_text(c, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			   ok ? atomic_load(&m->well)
			      : "the main loop has stopped turning\n");
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *path,
	   const char *method, const char *version, const char *body,
	   size_t *n_body, void **con_cls)
{
	(void)version;
	(void)body;
	(void)n_body;
	(void)con_cls;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		return answer_text(c, MHD_HTTP_METHOD_NOT_ALLOWED,
				   "GET and HEAD only\n");
	}
	if (strcmp(path, "/metrics") == 0) {
		return answer_metrics(arg, c);
	}
	if (strcmp(path, "/healthz") == 0) {
		return answer_health(arg, c);
	}
	return answer_text(c, MHD_HTTP_NOT_FOUND,
			   "there are /metrics and /healthz\n");
}

/* ----------------------------------------------------------- start and stop */

/* The library's thread: before it reads the first byte of a stranger's. */
static enum MHD_Result
on_accept(void *arg, const struct sockaddr *from, socklen_t n)
{
	(void)arg;
	(void)from;
	(void)n;
	return thread_become(THREAD_METRICS) == 0 ? MHD_YES : MHD_NO;
}

/* Its thread begins with the mask of who starts it. */
static struct MHD_Daemon *
listen_at(struct metrics_http *m, const struct listen_address *at)
{
	struct sockaddr_storage ss;
	struct MHD_Daemon *daemon;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
	sigset_t all, old;

	listen_sockaddr(at, &ss);
	if (ss.ss_family == AF_INET6) {
		flags |= MHD_USE_IPv6;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	daemon = MHD_start_daemon(
		flags, at->port, on_accept, NULL, on_request, m,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&ss,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_MAX_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CLIENT_PATIENCE_S,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return daemon;
}

static enum err
check_address(const char *listen, bool allow_remote, struct listen_address *at,
	      struct diag *d)
{
	enum err e = listen_parse(listen, "metrics.listen", EXAMPLE, at, d);

	if (e == ERR_OK && !at->loopback && !allow_remote) {
		return diag_set(
			d, ERR_USAGE,
			"metrics.listen %.64s: this address is not "
			"loopback, and there is no log-in; listen at " EXAMPLE
			", or allow it with --set "
			"metrics.allow-remote=yes",
			listen);
	}
	return e;
}

enum err
metrics_http_check(const char *listen, bool allow_remote, struct diag *d)
{
	struct listen_address at;

	return check_address(listen, allow_remote, &at, d);
}

enum err
metrics_http_start(struct metrics_http **out,
		   const struct metrics_http_config *cfg, struct diag *d)
{
	struct metrics_http *m;
	struct listen_address at;
	pthread_condattr_t attr;
	enum err e = check_address(cfg->listen, cfg->allow_remote, &at, d);

	*out = NULL;
	if (e != ERR_OK) {
		return e;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	m->cfg = *cfg;
	atomic_store(&m->well, "ok\n");
	atomic_store(&m->turned_us, clock_mono_us());
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->fresh, &attr);
	pthread_condattr_destroy(&attr);
	m->daemon = listen_at(m, &at);
	if (m->daemon == NULL) {
		metrics_http_stop(m);
		return diag_set(d, ERR_IO,
				"metrics.listen %s: cannot listen there: is "
				"the port taken, or the address not this "
				"machine's? Give another",
				cfg->listen);
	}
	log_info(strchr(at.host, ':') != NULL
			 ? "metrics: http://[%s]:%u/metrics"
			 : "metrics: http://%s:%u/metrics",
		 at.host, metrics_http_port(m));
	*out = m;
	return ERR_OK;
}

void
metrics_http_stop(struct metrics_http *m)
{
	if (m == NULL) {
		return;
	}
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->fresh);
	pthread_mutex_unlock(&m->lock);
	if (m->daemon != NULL) {
		MHD_stop_daemon(m->daemon);
	}
	pthread_cond_destroy(&m->fresh);
	pthread_mutex_destroy(&m->lock);
	free(m->doc);
	free(m);
}

uint16_t
metrics_http_port(const struct metrics_http *m)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}
