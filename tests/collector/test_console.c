/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console over a socket, as a browser and as an attacker would ask it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>
#include <sqlite3.h>

#include "collector/console.h"
#include "common/clock.h"
#include "common/log.h"
#include "tests/store_fixture.h"
#include "tests/test.h"

#define PATIENCE_MS 60000

static char path[128];
static struct store *store;
static struct mission_map *map;
static struct console *console;
static char reply[1 << 20];

static int
setup(void **state)
{
	struct console_config cfg = { .listen = "127.0.0.1:0", .store = path };
	struct diag d;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/picket-console.XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(store_open(&store, path, &d), ERR_OK);
	assert_true(store_fixture_fill(store));
	map = mission_empty();
	cfg.missions = map;
	assert_int_equal(console_start(&console, &cfg, &d), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	char other[160];

	(void)state;
	console_stop(console);
	mission_free(map);
	store_close(store);
	unlink(path);
	snprintf(other, sizeof(other), "%s-wal", path);
	unlink(other);
	snprintf(other, sizeof(other), "%s-shm", path);
	unlink(other);
	return 0;
}

static int
dial(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(console_port(console)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static void
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0) {
			return; /* refused before it was read: so be it */
		}
		p += k;
		n -= (size_t)k;
	}
}

/* Reads until 'until' is there, or the end, or patience is over. */
static bool
receive(int fd, const char *until)
{
	uint64_t end = clock_mono_us() + PATIENCE_MS * 1000;
	size_t n = 0;

	reply[0] = '\0';
	while (n < sizeof(reply) - 1 && clock_mono_us() < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t k;

		if (poll(&p, 1, 100) <= 0) {
			continue;
		}
		k = recv(fd, reply + n, sizeof(reply) - 1 - n, 0);
		if (k <= 0) {
			return until == NULL;
		}
		n += (size_t)k;
		reply[n] = '\0';
		if (until != NULL && strstr(reply, until) != NULL) {
			return true;
		}
	}
	return false;
}

/* Sends 'raw' as it is; the status, 0 when the connection just ended. */
static int
raw_status(const char *raw, size_t n)
{
	int fd = dial();
	int status = 0;

	send_all(fd, raw, n);
	shutdown(fd, SHUT_WR);
	receive(fd, NULL);
	close(fd);
	if (sscanf(reply, "HTTP/1.%*d %d", &status) != 1) {
		status = 0;
	}
	return status;
}

#define RAW(s) raw_status(s, sizeof(s) - 1)

static int
get(const char *target)
{
	char raw[4096];
	int n = snprintf(raw, sizeof(raw),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\n"
			 "Connection: close\r\n\r\n",
			 target);

	return raw_status(raw, (size_t)n);
}

static int
post(const char *target, const char *headers, const char *body)
{
	char raw[8192];
	int n = snprintf(raw, sizeof(raw),
			 "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s"
			 "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
			 target, headers, strlen(body), body);

	return raw_status(raw, (size_t)n);
}

static json_t *
body_json(void)
{
	const char *body = strstr(reply, "\r\n\r\n");
	json_error_t e;
	json_t *v;

	assert_non_null(body);
	v = json_loads(body + 4, JSON_REJECT_DUPLICATES, &e);
	if (v == NULL) {
		fail_msg("%s: %s", e.text, body + 4);
	}
	return v;
}

/* Nothing that a terminal or a parser could trip over leaves as it came. */
static void
is_clean(void)
{
	const uint8_t *p = (const uint8_t *)strstr(reply, "\r\n\r\n") + 4;

	for (; *p != '\0'; p++) {
		assert_true(*p >= 0x20 && *p != 0x7f && *p != 0xff);
		assert_false(p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f);
		assert_false(p[0] == 0xe2 && p[1] == 0x80 && p[2] == 0xae);
	}
}

static void
has_security_headers(const char *cache)
{
	static const char *const want[] = {
		"\r\nContent-Security-Policy: default-src 'none'; script-src "
		"'self'; style-src 'self'; img-src 'self' data:; connect-src "
		"'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
		"'none'; require-trusted-types-for 'script'; trusted-types "
		"'none'\r\n",
		"\r\nX-Content-Type-Options: nosniff\r\n",
		"\r\nReferrer-Policy: no-referrer\r\n",
		"\r\nCross-Origin-Opener-Policy: same-origin\r\n",
		"\r\nCross-Origin-Resource-Policy: same-origin\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_non_null(strstr(reply, want[i]));
	}
	assert_non_null(strstr(reply, cache));
}

static void
every_answer_is_json(void **state)
{
	static const char *const targets[] = {
		"/api/status",
		"/api/sites",
		"/api/sensors",
		"/api/missions",
		"/api/coverage",
		"/api/coverage?site=hq&asset=mail",
		"/api/incidents",
		"/api/incidents?exercise=*",
		"/api/incidents/1",
		"/api/incidents/2",
		"/api/alerts",
		"/api/alerts?exercise=*&limit=5&severity=1&text=plain",
		"/api/alerts/2",
		"/api/alerts/2/taps",
		"/api/clocks",
		"/api/groups",
		"/api/timeline?step=3600",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		assert_int_equal(get(targets[i]), 200);
		has_security_headers("\r\nCache-Control: no-store\r\n");
		is_clean();
		json_decref(body_json());
	}
}

static void
answers_say_what_is_there(void **state)
{
	json_t *v;
	const char *s;

	(void)state;
	assert_int_equal(get("/api/incidents"), 200);
	v = body_json();
	assert_int_equal(json_array_size(json_object_get(v, "incidents")), 2);
	json_decref(v);
	assert_int_equal(get("/api/incidents?exercise=KEEN%20TEST"), 200);
	v = body_json();
	assert_int_equal(json_array_size(json_object_get(v, "incidents")), 1);
	json_decref(v);
	assert_int_equal(get("/api/alerts?address=198.51.100.7&site=beta"),
			 200);
	v = body_json();
	assert_int_equal(json_array_size(json_object_get(v, "alerts")), 1);
	s = json_string_value(json_object_get(
		json_array_get(json_object_get(v, "alerts"), 0), "signature"));
	assert_non_null(strstr(s, HOSTILE_MARKUP));
	json_decref(v);
	assert_int_equal(get("/api/incidents/1"), 200);
	v = body_json();
	assert_string_equal(json_string_value(json_object_get(v, "title")),
			    FIXTURE_TITLE);
	assert_int_equal(json_array_size(json_object_get(v, "log")), 2);
	assert_int_equal(json_array_size(json_object_get(v, "evidence")), 2);
	json_decref(v);
	assert_int_equal(get("/healthz"), 200);
}

static size_t
n_consultations(const char *target)
{
	json_t *v;
	size_t n;

	assert_int_equal(get(target), 200);
	v = body_json();
	n = json_array_size(json_object_get(v, "consultations"));
	json_decref(v);
	return n;
}

static void
consultations_are_told(void **state)
{
	const json_t *c;
	json_t *v;

	(void)state;
	assert_int_equal(get("/api/consultations"), 200);
	v = body_json();
	c = json_array_get(json_object_get(v, "consultations"), 0);
	assert_string_equal(json_string_value(json_object_get(c, "id")),
			    "JP-1");
	assert_int_equal(json_array_size(json_object_get(c, "sides")), 2);
	json_decref(v);
	assert_int_equal(n_consultations("/api/consultations"), 1);
	assert_int_equal(
		n_consultations("/api/consultations?exercise=KEEN%20TEST"), 1);
	assert_int_equal(
		n_consultations("/api/consultations?exercise=*&limit=1"), 1);
	assert_int_equal(n_consultations("/api/consultations?exercise=*"), 2);
	assert_int_equal(get("/api/incidents/1"), 200);
	v = body_json();
	c = json_object_get(v, "consultation");
	assert_string_equal(json_string_value(json_object_get(c, "lead")),
			    "JP");
	assert_true(json_is_null(json_object_get(v, "situation")));
	json_decref(v);
	assert_int_equal(get("/api/incidents/2"), 200);
	v = body_json();
	assert_true(json_is_null(json_object_get(v, "consultation")));
	json_decref(v);
}

static void
the_page_is_served_and_cached(void **state)
{
	char raw[512], *etag, *end;
	int n;

	(void)state;
	assert_int_equal(get("/"), 200);
	has_security_headers("\r\nCache-Control: no-cache\r\n");
	assert_non_null(strstr(reply, "<title>Picket</title>"));
	etag = strstr(reply, "ETag: \"");
	assert_non_null(etag);
	etag += 6;
	end = strstr(etag, "\r\n");
	n = snprintf(
		raw, sizeof(raw),
		"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"If-None-Match: %.*s\r\n\r\n",
		(int)(end - etag), etag);
	assert_int_equal(raw_status(raw, (size_t)n), 304);
	assert_int_equal(get("/app.js"), 200);
	assert_int_equal(get("/style.css"), 200);
	assert_int_equal(get("/icon.svg"), 200);
	assert_int_equal(RAW("HEAD / HTTP/1.1\r\nHost: localhost\r\n"
			     "Connection: close\r\n\r\n"),
			 200);
}

static void
odd_requests_are_refused(void **state)
{
	static char big[20000];

	(void)state;
	assert_int_equal(RAW("GET / HTTP/1.1\r\n\r\n"), 400);
	assert_int_equal(RAW("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
			 421);
	assert_int_equal(
		RAW("GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n"),
		421);
	assert_int_equal(RAW("GET / HTTP/1.1\r\nHost: localhost\r\n"
			     "Host: localhost\r\n\r\n"),
			 400);
	assert_int_equal(RAW("GET / HTTP/1.1\r\nHost: localhost\r\n"
			     "Content-Length: 3\r\n\r\nabc"),
			 400);
	assert_int_equal(RAW("GET / HTTP/1.1\r\nHost: localhost\r\n"
			     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
			 400);
	assert_int_equal(RAW("DELETE /api/incidents/1 HTTP/1.1\r\n"
			     "Host: localhost\r\n\r\n"),
			 405);
	assert_int_equal(get("/../etc/passwd"), 400);
	assert_int_equal(get("/%2e%2e/etc/passwd"), 400);
	assert_int_equal(get("/app.js%00.css"), 400);
	assert_int_equal(get("//app.js"), 400);
	assert_int_equal(get("/api/alerts?text=%00"), 400);
	assert_int_equal(get("/nothing"), 404);
	assert_int_equal(get("/api/nothing"), 404);
	assert_int_equal(get("/api/incidents/99"), 404);
	assert_int_equal(get("/api/incidents/1/ack"), 404);
	assert_int_equal(get("/api/alerts?address=nowhere"), 400);
	assert_int_equal(get("/api/alerts?limit=-1"), 400);
	assert_int_equal(get("/api/alerts?sid=99999999999999999999"), 400);
	assert_int_equal(get("/api/alerts?from=yesterday"), 400);
	/* A name in SQL stays a name. */
	assert_int_equal(get("/api/alerts?site=x%27%20OR%201=1--"), 200);
	assert_non_null(strstr(reply, "{\"alerts\":[]}"));

	memset(big, 'a', sizeof(big));
	memcpy(big, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 36);
	memcpy(big + 9000, "\r\n\r\n", 4);
	assert_int_equal(raw_status(big, 9004), 431);
	memset(big, 'a', sizeof(big));
	memcpy(big, "GET /", 5);
	memcpy(big + 3000, " HTTP/1.1\r\nHost: localhost\r\n\r\n", 30);
	assert_int_equal(raw_status(big, 3030), 400);
	/* And it still answers. */
	assert_int_equal(get("/healthz"), 200);
}

static void
foreign_pages_get_nothing(void **state)
{
	(void)state;
	assert_int_equal(RAW("GET /api/alerts HTTP/1.1\r\nHost: localhost\r\n"
			     "Connection: close\r\n"
			     "Sec-Fetch-Site: cross-site\r\n\r\n"),
			 403);
	assert_int_equal(RAW("GET / HTTP/1.1\r\nHost: localhost\r\n"
			     "Connection: close\r\n"
			     "Sec-Fetch-Site: cross-site\r\n\r\n"),
			 200);
	assert_int_equal(post("/api/incidents/1/ack", "", "{}"), 403);
	assert_int_equal(post("/api/incidents/1/ack",
			      "X-Picket: 1\r\nSec-Fetch-Site: same-site\r\n",
			      "{}"),
			 403);
	assert_int_equal(post("/api/incidents/1/ack",
			      "X-Picket: 1\r\nOrigin: http://evil.example\r\n",
			      "{}"),
			 403);
	assert_int_equal(post("/api/incidents/1/ack",
			      "X-Picket: 1\r\nOrigin: null\r\n", "{}"),
			 403);
}

static void
analysts_steer_incidents(void **state)
{
	static char big[40000];
	json_t *v;
	int n;

	(void)state;
	assert_int_equal(post("/api/incidents/1/ack",
			      "X-Picket: 1\r\nSec-Fetch-Site: same-origin\r\n"
			      "Origin: http://127.0.0.1\r\n",
			      "{\"note\":\"calling \\u001b[31m them\","
			      "\"who\":\"sato\"}"),
			 200);
	assert_int_equal(post("/api/incidents/1/ack", "X-Picket: 1\r\n", ""),
			 409);
	assert_int_equal(post("/api/incidents/1/melt", "X-Picket: 1\r\n", ""),
			 404);
	assert_int_equal(post("/api/incidents/77/ack", "X-Picket: 1\r\n", ""),
			 404);
	assert_int_equal(
		post("/api/incidents/1/close", "X-Picket: 1\r\n", "[\"note\"]"),
		400);
	assert_int_equal(post("/api/incidents/1/close", "X-Picket: 1\r\n",
			      "{\"note\":5}"),
			 400);
	assert_int_equal(post("/", "X-Picket: 1\r\n", "{}"), 405);
	n = snprintf(big, sizeof(big),
		     "POST /api/incidents/1/close HTTP/1.1\r\nHost: localhost"
		     "\r\nX-Picket: 1\r\nContent-Length: 30000\r\n\r\n%030000d",
		     0);
	assert_int_equal(raw_status(big, (size_t)n), 413);
	assert_int_equal(get("/api/incidents/1"), 200);
	is_clean();
	v = body_json();
	assert_string_equal(json_string_value(json_object_get(v, "state")),
			    "ack");
	assert_int_equal(json_array_size(json_object_get(v, "log")), 3);
	json_decref(v);
}

/* A list is longer than any other body may be, and comes in pieces. */
static void
lists_are_uploaded(void **state)
{
	const unsigned n_names = 4000;
	const size_t cap = n_names * 32 + 512;
	char *raw = malloc(cap);
	json_t *v;
	size_t n;

	(void)state;
	assert_non_null(raw);
	n = (size_t)snprintf(raw, cap,
			     "POST /api/indicators/import?name=l.txt&source=s "
			     "HTTP/1.1\r\nHost: localhost\r\nX-Picket: 1\r\n"
			     "Connection: close\r\nContent-Length: %u\r\n\r\n",
			     n_names * 20);
	for (unsigned i = 0; i < n_names; i++) {
		n += (size_t)snprintf(raw + n, cap - n, "n%05u.evil.example\n",
				      i);
	}
	assert_int_equal(raw_status(raw, n), 200);
	v = body_json();
	assert_int_equal(json_integer_value(json_object_get(v, "supported")),
			 n_names);
	json_decref(v);
	n = (size_t)snprintf(raw, cap,
			     "POST /api/indicators/import HTTP/1.1\r\nHost: "
			     "localhost\r\nX-Picket: 1\r\n"
			     "Content-Length: 90000000\r\n\r\n");
	assert_int_equal(raw_status(raw, n), 413);
	free(raw);
}

static void
rules_are_counted(void **state)
{
	const json_t *rows, *row;
	json_t *v;
	uint64_t alerts = 0;

	(void)state;
	assert_int_equal(get("/api/rules"), 200);
	is_clean();
	v = body_json();
	rows = json_object_get(v, "rows");
	assert_int_equal(json_array_size(rows), 1);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		row = json_array_get(rows, i);
		alerts += (uint64_t)json_integer_value(
			json_object_get(row, "alerts"));
	}
	assert_int_equal(alerts, 2);
	assert_true(json_is_null(json_object_get(v, "next")));
	json_decref(v);
	/* Those of exercises, only when they are asked for. */
	assert_int_equal(get("/api/rules?exercise=*&limit=1"), 200);
	v = body_json();
	assert_int_equal(json_array_size(json_object_get(v, "rows")), 1);
	assert_int_equal(json_integer_value(json_object_get(v, "next")), 1);
	json_decref(v);
	assert_int_equal(get("/api/rules?sid=4000000"), 200);
	v = body_json();
	assert_int_equal(json_array_size(json_object_get(v, "rows")), 0);
	json_decref(v);
}

static const char follow[] = "GET /api/events HTTP/1.1\r\nHost: localhost\r\n";

static void
events_bring_what_is_new(void **state)
{
	char again[256], id[64], *at;
	int fd = dial();
	int n, other;

	(void)state;
	send_all(fd, follow, sizeof(follow) - 1);
	send_all(fd, "\r\n", 2);
	assert_true(receive(fd, "event: status"));
	has_security_headers("\r\nCache-Control: no-store\r\n");
	assert_null(strstr(reply, "event: alerts"));
	assert_true(store_fixture_alert(store, 100, "fresh one " HOSTILE, ""));
	assert_true(receive(fd, "fresh one"));
	assert_true(receive(fd, "event: status"));
	assert_int_equal(post("/api/incidents/1/ack", "X-Picket: 1\r\n", ""),
			 200);
	assert_true(receive(fd, "event: incidents"));
	assert_true(receive(fd, "event: status"));
	at = strstr(reply, "id: ");
	if (at == NULL) {
		assert_true(receive(fd, "id: "));
		at = strstr(reply, "id: ");
	}
	assert_int_equal(sscanf(at, "id: %63[0-9a-f-]", id), 1);
	close(fd);

	/* Whoever comes back gets what came meanwhile: what another saw. */
	other = dial();
	send_all(other, follow, sizeof(follow) - 1);
	send_all(other, "\r\n", 2);
	assert_true(receive(other, "event: status"));
	assert_true(store_fixture_alert(store, 101, "meanwhile", ""));
	assert_true(receive(other, "meanwhile"));
	close(other);
	fd = dial();
	n = snprintf(again, sizeof(again), "%sLast-Event-ID: %s\r\n\r\n",
		     follow, id);
	send_all(fd, again, (size_t)n);
	assert_true(receive(fd, "meanwhile"));
	assert_null(strstr(reply, "event: reset"));
	close(fd);
	/* An id of another life means: begin anew. */
	fd = dial();
	n = snprintf(again, sizeof(again), "%sLast-Event-ID: 1-1\r\n\r\n",
		     follow);
	send_all(fd, again, (size_t)n);
	assert_true(receive(fd, "event: reset"));
	close(fd);
}

static void
many_watchers_and_slow_ones_do_no_harm(void **state)
{
	int fd[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = dial();
		if (i % 2 == 0) {
			send_all(fd[i], follow, sizeof(follow) - 1);
			send_all(fd[i], "\r\n", 2);
		} else {
			send_all(fd[i], follow, 9 + i % 20);
		}
	}
	assert_int_equal(get("/healthz"), 200);
	assert_int_equal(get("/api/status"), 200);
	assert_true(receive(fd[0], "event: status"));
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		close(fd[i]);
	}
	assert_int_equal(get("/healthz"), 200);
	/* teardown stops with watchers half gone */
}

static void
listens_only_where_it_may(void **state)
{
	static const char *const bad[] = { "",
					   "8080",
					   "127.0.0.1",
					   "127.0.0.1:",
					   "127.0.0.1:99999",
					   "[::1:80",
					   "host.example:80",
					   "127.0.0.1:8o80" };
	struct console_config cfg = { .store = path, .missions = map };
	struct console *c;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cfg.listen = bad[i];
		assert_int_equal(console_start(&c, &cfg, &d), ERR_USAGE);
		assert_null(c);
	}
	cfg.listen = "0.0.0.0:0";
	assert_int_equal(console_start(&c, &cfg, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "console.allow-remote"));
	cfg.listen = "localhost:0";
	cfg.store = "/nonexistent/picket.db";
	assert_int_equal(console_start(&c, &cfg, &d), ERR_NOTFOUND);
}

static const char *
text_at(const json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i), key));
}

static void
an_alert_tells_all(void **state)
{
	json_t *v, *payload, *rule, *said, *list;

	(void)state;
	assert_int_equal(get("/api/alerts/1"), 200);
	is_clean();
	v = body_json();
	payload = json_object_get(v, "payload");
	assert_int_equal(json_integer_value(json_object_get(payload, "bytes")),
			 18);
	list = json_object_get(payload, "rows");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_at(list, 0, "text"), "GET / HTTP/1.1..");
	assert_string_equal(text_at(list, 1, "hex"), "0d0a");
	list = json_object_get(payload, "marks");
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(
		json_integer_value(json_array_get(json_array_get(list, 0), 1)),
		3);
	rule = json_object_get(v, "rule");
	said = json_object_get(rule, "explained");
	assert_int_equal(json_array_size(said), 6);
	assert_string_equal(text_at(said, 0, "words"),
			    "alert traffic of tcp from any, port any to any, "
			    "port 80");
	assert_string_equal(text_at(said, 2, "words"),
			    "There must be the bytes \"GET\".");
	assert_string_equal(text_at(said, 3, "words"),
			    "That lies within the first 3 bytes.");
	list = json_object_get(rule, "references");
	assert_string_equal(json_string_value(json_array_get(list, 0)),
			    "url,example.org/1");
	list = json_object_get(v, "protocols");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_at(list, 0, "name"), "http");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(v, "evidence"), "state")),
			    "none");
	assert_int_equal(json_array_size(json_object_get(v, "related")), 0);
	json_decref(v);
	/* Another of the same flow at this sensor. */
	assert_true(store_fixture_alert(store, 100, "another", ""));
	assert_int_equal(get("/api/alerts/1"), 200);
	v = body_json();
	list = json_object_get(v, "related");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_at(list, 0, "signature"), "another");
	json_decref(v);
	/* Hostile in every text, the rule's quotes among them. */
	assert_int_equal(get("/api/alerts/2"), 200);
	is_clean();
	json_decref(body_json());
}

/* The fixture's incident gets two keys and a host that one alert showed. */
static void
an_incident_is_a_graph_and_a_story(void **state)
{
	json_t *v, *graph, *list;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(
			db,
			"INSERT INTO runs(id,exercise,kind,key,first_us,"
			"last_us,severity,confidence) VALUES"
			"(7,'',2,'evil.example',1000,9000,1,0),"
			"(8,'',1,'192.0.2.9',2000,8000,1,0),"
			"(9,'',4,'alpha 10.0.0.5',3000,4000,1,0),"
			"(10,'',6,'1:2',3000,4000,1,0);"
			"INSERT INTO sightings(run,site,owner,first_us,"
			"last_us,count,strong) VALUES(7,'alpha','JP',1000,"
			"9000,5,1),(7,'beta','US',1000,9000,6,1);"
			"INSERT INTO incident_runs VALUES(7,1),(8,1);"
			"INSERT INTO links(a,b,alert) VALUES(7,8,1),(7,9,2),"
			"(8,10,2);",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(get("/api/incidents/1"), 200);
	is_clean();
	v = body_json();
	graph = json_object_get(v, "graph");
	list = json_object_get(graph, "nodes");
	/* A rule is neither a member nor a host. */
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(text_at(list, 0, "label"), "evil.example");
	assert_string_equal(text_at(list, 0, "sites"), "alpha, beta");
	assert_string_equal(text_at(list, 2, "kind"), "host");
	assert_string_equal(text_at(list, 2, "label"), "10.0.0.5");
	assert_string_equal(text_at(list, 2, "site"), "alpha");
	list = json_object_get(graph, "edges");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_at(list, 0, "kind"), "seen");
	assert_true(json_is_false(json_object_get(graph, "cut")));
	list = json_object_get(v, "story");
	assert_int_equal(json_array_size(list), 4);
	assert_string_equal(text_at(list, 0, "kind"), "site");
	assert_string_equal(text_at(list, 0, "text"),
			    "first seen at fine, which is fine's");
	assert_string_equal(text_at(list, 1, "text"),
			    "first sign of initial access");
	assert_string_equal(text_at(list, 2, "who"), "correlate");
	json_decref(v);
	assert_int_equal(get("/api/incidents/2"), 200);
	is_clean();
	json_decref(body_json());
}

static void
notes_and_orders_are_given(void **state)
{
	static const char own[] = "X-Picket: 1\r\n";
	json_t *v;

	(void)state;
	assert_int_equal(post("/api/incidents/1/note", own, ""), 400);
	assert_int_equal(
		post("/api/incidents/99/note", own, "{\"note\":\"x\"}"), 404);
	assert_int_equal(post("/api/incidents/1/note", own,
			      "{\"note\":\"seen before\"}"),
			 200);
	assert_int_equal(get("/api/incidents/1"), 200);
	assert_non_null(strstr(reply, "\"what\":\"note\""));
	assert_non_null(strstr(reply, "seen before"));
	assert_int_equal(
		post("/api/incidents/1/split", own, "{\"runs\":[\"7\"]}"), 400);
	assert_int_equal(post("/api/incidents/1/merge", own, "{}"), 400);
	assert_int_equal(post("/api/incidents/1/mute", own,
			      "{\"kind\":\"host\",\"note\":\"x\"}"),
			 400);
	/* Nobody carries it out here. */
	assert_int_equal(post("/api/incidents/1/merge", own, "{\"other\":2}"),
			 202);
	v = body_json();
	assert_int_equal(json_integer_value(json_object_get(v, "order")), 1);
	assert_string_equal(json_string_value(json_object_get(v, "state")),
			    "waiting");
	json_decref(v);
	assert_int_equal(post("/api/consultations/nonsense/ack", own, "{}"),
			 404);
	assert_int_equal(
		post("/api/consultations/JP-99/ack", own, "{\"as\":\"JP\"}"),
		404);
	assert_int_equal(post("/api/consultations/JP-1/ack", own, "{}"), 400);
}

static void
an_incident_is_exported(void **state)
{
	const char *p;

	(void)state;
	assert_int_equal(get("/api/incidents/1/export"), 200);
	assert_non_null(strstr(reply, "application/json"));
	json_decref(body_json());
	assert_int_equal(get("/api/incidents/1/export?format=exe"), 400);
	assert_int_equal(get("/api/incidents/99/export?format=html"), 404);
	assert_int_equal(get("/api/incidents/1/export?format=html"), 200);
	assert_non_null(strstr(reply, "Content-Type: text/html"));
	assert_non_null(strstr(reply, "Shared address at two sites: a title "
				      "&#38; &#60;b&#62;no markup"));
	assert_non_null(strstr(reply, "initial access"));
	assert_null(strstr(reply, "<script"));
	/* Hostile texts are texts. */
	assert_int_equal(get("/api/incidents/2/export?format=html"), 200);
	assert_null(strstr(reply, "<img"));
	assert_null(strstr(reply, "</script"));
	assert_non_null(strstr(reply, "&#60;img src=x"));
	assert_non_null(strstr(reply, "\\u{202e}"));
	for (p = strstr(reply, "\r\n\r\n") + 4; *p != '\0'; p++) {
		assert_true((uint8_t)*p >= 0x20 || *p == '\n');
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_answer_is_json),
		CASE(answers_say_what_is_there),
		CASE(an_alert_tells_all),
		CASE(an_incident_is_exported),
		CASE(notes_and_orders_are_given),
		CASE(an_incident_is_a_graph_and_a_story),
		CASE(consultations_are_told),
		CASE(the_page_is_served_and_cached),
		CASE(odd_requests_are_refused),
		CASE(foreign_pages_get_nothing),
		CASE(analysts_steer_incidents),
		CASE(lists_are_uploaded),
		CASE(rules_are_counted),
		CASE(events_bring_what_is_new),
		CASE(many_watchers_and_slow_ones_do_no_harm),
		CASE(listens_only_where_it_may),
	};

	log_init("test_console", LOG_ERR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
