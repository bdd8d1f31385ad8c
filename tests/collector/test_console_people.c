/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask what of the console, over real sockets: each row of the table of
 * rights by everybody, log-in and log-out, and what attackers try with them.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "collector/audit.h"
#include "collector/console.h"
#include "collector/console_pace.h"
#include "collector/console_right.h"
#include "collector/console_session.h"
#include "common/clock.h"
#include "tests/store_fixture.h"
#include "tests/test.h"

#define PATIENCE_MS 60000
#define PASSWORD "a few quiet words"

static char path[128], policy[160];
static struct store *store;
static struct store_reader *reader;
static struct mission_map *map;
static struct console *console;
static char reply[1 << 20];

static const char policy_text[] = "producer: ours\n"
				  "partners:\n"
				  "  - name: port\n"
				  "    owner: Port\n"
				  "    highest: green\n"
				  "    kinds: [incident]\n"
				  "    pseudonym-key: /nowhere/key\n";

static int
setup(void **state)
{
	struct console_config cfg = { .listen = "127.0.0.1:0", .store = path };
	struct diag d = { "" };
	FILE *f;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/picket-people.XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	snprintf(policy, sizeof(policy), "%s.policy", path);
	f = fopen(policy, "w");
	assert_non_null(f);
	fputs(policy_text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(store_open(&store, path, &d), ERR_OK);
	assert_true(store_fixture_fill(store));
	assert_int_equal(store_reader_open(&reader, path, &d), ERR_OK);
	map = mission_empty();
	cfg.missions = map;
	cfg.policy = policy;
	if (console_start(&console, &cfg, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return 0;
}

static int
teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".policy" };
	char other[160];

	(void)state;
	console_stop(console);
	mission_free(map);
	store_reader_close(reader);
	store_close(store);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(other, sizeof(other), "%s%s", path, ends[i]);
		unlink(other);
	}
	return 0;
}

/* Its status; the answer is in 'reply', of events their headers only. */
static int
ask(const char *method, const char *target, const char *token, const char *csrf,
    const char *body)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(console_port(console)) };
	bool endless = strcmp(target, "/api/events") == 0;
	uint64_t end = clock_mono_us() + PATIENCE_MS * 1000;
	char raw[4096];
	size_t n = (size_t)snprintf(
		raw, sizeof(raw),
		"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"%s%s%s%s%s%s",
		method, target, token != NULL ? "Cookie: picket=" : "",
		token != NULL ? token : "", token != NULL ? "\r\n" : "",
		csrf != NULL ? "X-Picket: " : "", csrf != NULL ? csrf : "",
		csrf != NULL ? "\r\n" : "");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int status = 0;

	n += (size_t)(strcmp(method, "POST") == 0
			      ? snprintf(raw + n, sizeof(raw) - n,
					 "Content-Length: %zu\r\n\r\n%s",
					 strlen(body), body)
			      : snprintf(raw + n, sizeof(raw) - n, "\r\n"));
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(send(fd, raw, n, MSG_NOSIGNAL), n);
	for (n = 0; n < sizeof(reply) - 1 && clock_mono_us() < end;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t k;

		if (poll(&p, 1, 100) <= 0) {
			continue;
		}
		k = recv(fd, reply + n, sizeof(reply) - 1 - n, 0);
		if (k <= 0) {
			break;
		}
		n += (size_t)k;
		reply[n] = '\0';
		if (endless && strstr(reply, "\r\n\r\n") != NULL) {
			break;
		}
	}
	reply[n] = '\0';
	close(fd);
	return sscanf(reply, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

struct person {
	struct viewer v; /* with its csrf */
	char token[SESSION_TOKEN_CAP];
};

static void
add(const char *name, enum role role, const char *owner)
{
	struct user u = { .role = role };
	struct diag d = { "" };

	snprintf(u.name, sizeof(u.name), "%s", name);
	snprintf(u.owner, sizeof(u.owner), "%s", owner);
	if (user_add(reader, &u, PASSWORD, "test", &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
}

/* A person with a session. */
static struct person
enter(const char *name)
{
	struct person p;
	struct diag d;
	struct user u;

	assert_int_equal(user_get(reader, name, &u), ERR_OK);
	assert_int_equal(session_open(reader, &u, "::1", p.token, &d), ERR_OK);
	assert_int_equal(session_find(reader, p.token, &p.v), ERR_OK);
	return p;
}

/* ------------------------------------------------------------------- rights */

/* A path of the row, with names of nothing that is there. */
static void
path_of(const struct console_right *row, char *out, size_t cap)
{
	const char *s = row->path;
	size_t n = 0;

	while (*s != '\0' && n < cap - 8) {
		if (strncmp(s, "/ID", 3) == 0) {
			n += (size_t)snprintf(out + n, cap - n, "/999999");
			s += 3;
		} else if (strncmp(s, "/NAME", 5) == 0) {
			n += (size_t)snprintf(out + n, cap - n, "/none");
			s += 5;
		} else {
			out[n++] = *s++;
		}
	}
	out[n] = '\0';
}

/* All rows by one person; NULL: by nobody. */
static void
walk(const struct person *p, enum role role, bool ours)
{
	for (size_t i = 0; i < n_console_rights; i++) {
		const struct console_right *row = &console_rights[i];
		bool may = row->least == ROLE_NONE ||
			   (role >= row->least && (ours || row->partner));
		int want = may ? 0 : role == ROLE_NONE ? 401 : 403;
		char target[160];
		int got;

		if (strcmp(row->path, "/api/logout") == 0 ||
		    strcmp(row->path, "/api/login") == 0) {
			continue;
		}
		path_of(row, target, sizeof(target));
		got = ask(row->post ? "POST" : "GET", target,
			  p != NULL ? p->token : NULL,
			  p != NULL ? p->v.csrf : "1", "{}");
		if (want != 0 ? got != want
			      : got == 0 || got == 401 || got == 403) {
			fail_msg("%s %s by %s of %s: %d", row->path, target,
				 role_name(role), ours ? "ours" : "theirs",
				 got);
		}
	}
}

/* A long body is refused by its head, of who may not send it. */
static void
test_uploads(void **state)
{
	static char list[3000];
	struct person p;

	(void)state;
	for (size_t i = 0; i + 20 < sizeof(list); i += 20) {
		snprintf(list + i, 21, "n%05zu.evil.example\n", i);
	}
	assert_int_equal(ask("POST", "/api/indicators/import", NULL, "1", list),
			 401);
	p = enter("anna");
	assert_int_equal(
		ask("POST", "/api/indicators/import", p.token, p.v.csrf, list),
		403);
	p = enter("cora");
	assert_int_equal(
		ask("POST", "/api/indicators/import", p.token, "1", list), 403);
	assert_int_equal(ask("POST", "/api/indicators/import?who=vera", p.token,
			     p.v.csrf, list),
			 200);
	/* It was the person, whatever the request says. */
	assert_int_equal(
		ask("GET", "/api/indicators/imports", p.token, NULL, NULL),
		200);
	assert_non_null(strstr(reply, "\"who\":\"cora\""));
}

static void
test_rights(void **state)
{
	static const struct {
		const char *name, *owner;
		enum role role;
	} people[] = {
		{ "root", "", ROLE_ADMINISTRATOR },
		{ "vera", "", ROLE_VIEWER },
		{ "anna", "ours", ROLE_ANALYST },
		{ "cora", "", ROLE_COORDINATOR },
		{ "pia", "Port", ROLE_ADMINISTRATOR },
		{ "nobody", "Somebody", ROLE_ADMINISTRATOR },
	};

	(void)state;
	/* without people, this machine is trusted */
	assert_int_equal(ask("GET", "/api/me", NULL, NULL, NULL), 200);
	assert_non_null(strstr(reply, "\"administrator\""));
	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		add(people[i].name, people[i].role, people[i].owner);
	}
	walk(NULL, ROLE_NONE, true);
	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		struct person p = enter(people[i].name);

		walk(&p, people[i].role,
		     people[i].owner[0] == '\0' ||
			     strcmp(people[i].owner, "ours") == 0);
	}
	assert_int_equal(ask("GET", "/api/nothing", NULL, NULL, NULL), 401);
	assert_int_equal(
		ask("GET", "/api/nothing", enter("root").token, NULL, NULL),
		404);
}

/* ------------------------------------------------------------------ sessions */

static void
test_log_in(void **state)
{
	static const char chosen[] = "0123456789abcdef0123456789abcdef"
				     "0123456789abcdef0123456789abcdef";
	char token[SESSION_TOKEN_CAP];
	struct viewer v;
	const char *s;

	(void)state;
	/* a token that somebody else chose is nobody's, then and later */
	assert_int_equal(ask("POST", "/api/login", chosen, "1",
			     "{\"name\":\"vera\",\"password\":\"" PASSWORD
			     "\"}"),
			 200);
	s = strstr(reply, "Set-Cookie: picket=");
	assert_non_null(s);
	assert_int_equal(sscanf(s, "Set-Cookie: picket=%64[0-9a-f]", token), 1);
	assert_non_null(strstr(s, "; HttpOnly"));
	assert_non_null(strstr(s, "; SameSite=Strict"));
	assert_null(strstr(s, "; Secure"));
	assert_string_not_equal(token, chosen);
	assert_int_equal(ask("GET", "/api/status", chosen, NULL, NULL), 401);
	assert_int_equal(ask("GET", "/api/status", token, NULL, NULL), 200);
	assert_int_equal(session_find(reader, token, &v), ERR_OK);
	assert_int_equal(ask("POST", "/api/logout", token, v.csrf, ""), 200);
	assert_non_null(strstr(reply, "Max-Age=0"));
	assert_int_equal(ask("GET", "/api/status", token, NULL, NULL), 401);
	assert_int_equal(ask("POST", "/api/login", NULL, "1",
			     "{\"name\":\"vera\",\"password\":\"wrong\"}"),
			 401);
	assert_int_equal(ask("POST", "/api/login", NULL, "1", "[]"), 400);
	assert_int_equal(ask("POST", "/api/login", NULL, "1",
			     "{\"name\":1,\"password\":null}"),
			 400);
}

static void
test_other_pages(void **state)
{
	struct person anna = enter("anna"), cora = enter("cora");
	static const char *const paths[] = { "/api/me", "/api/incidents/1/ack",
					     "/api/logout" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		assert_int_equal(ask("POST", paths[i], anna.token, NULL, "{}"),
				 403);
		assert_int_equal(ask("POST", paths[i], anna.token, "1", "{}"),
				 403);
		assert_int_equal(
			ask("POST", paths[i], anna.token, cora.v.csrf, "{}"),
			403);
	}
	assert_int_equal(ask("POST", "/api/incidents/1/ack", anna.token,
			     anna.v.csrf, "{\"note\":\"seen\"}"),
			 200);
}

static void
test_rights_that_change(void **state)
{
	struct user_change c = USER_CHANGE_NONE;
	struct person cora = enter("cora"), root = enter("root");
	struct diag d;

	(void)state;
	c.role = ROLE_VIEWER;
	assert_int_equal(user_change(reader, "cora", &c, "test", &d), ERR_OK);
	assert_int_equal(ask("GET", "/api/status", cora.token, NULL, NULL),
			 401);
	cora = enter("cora");
	assert_int_equal(ask("POST", "/api/users", root.token, root.v.csrf,
			     "{\"act\":\"disable\",\"name\":\"cora\"}"),
			 200);
	assert_int_equal(ask("GET", "/api/status", cora.token, NULL, NULL),
			 401);
	assert_int_equal(ask("POST", "/api/login", NULL, "1",
			     "{\"name\":\"cora\",\"password\":\"" PASSWORD
			     "\"}"),
			 401);
	/* what a partner's administrator is does not count */
	assert_int_equal(ask("POST", "/api/users", root.token, root.v.csrf,
			     "{\"act\":\"disable\",\"name\":\"root\"}"),
			 400);
	assert_non_null(strstr(reply, "last administrator"));
	assert_int_equal(ask("GET", "/api/users", root.token, NULL, NULL), 200);
	assert_null(strstr(reply, "scrypt"));
	assert_null(strstr(reply, root.token));
}

/* ------------------------------------------------------------------- records */

static bool saw_ack, saw_secret;

static enum err
on_record(void *arg, int64_t id, struct view record,
	  const uint8_t hash[AUDIT_HASH_BYTES])
{
	(void)arg;
	(void)id;
	(void)hash;
	saw_ack |= memmem(record.p, record.len, "/api/incidents/1/ack", 20) !=
			   NULL &&
		   memmem(record.p, record.len, "\"who\":\"anna\"", 12) != NULL;
	saw_secret |= memmem(record.p, record.len, PASSWORD,
			     strlen(PASSWORD)) != NULL;
	return ERR_OK;
}

static void
test_records(void **state)
{
	struct audit_head head;
	struct diag d = { "" };
	int64_t broken;

	(void)state;
	assert_int_equal(
		audit_walk(reader->db, &head, &broken, on_record, NULL, &d),
		ERR_OK);
	assert_true(saw_ack);
	assert_false(saw_secret);
}

/* -------------------------------------------------------------- brute force */

static void
test_pace(void **state)
{
	static struct pace p;
	uint64_t t = 1000 * US_PER_S;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < PACE_FREE; i++) {
		pace_note(&p, "vera", "192.0.2.1", false, t);
	}
	assert_int_equal(pace_wait(&p, "vera", "192.0.2.2", t), 0);
	for (unsigned i = 0; i < 40; i++) {
		pace_note(&p, "vera", "192.0.2.1", false, t);
	}
	/* the name's owner comes in before long, the address does not */
	assert_in_range(pace_wait(&p, "vera", "192.0.2.2", t), 1,
			PACE_NAME_MAX_S + 1);
	assert_in_range(pace_wait(&p, "anna", "192.0.2.1", t),
			PACE_ADDRESS_MAX_S, PACE_ADDRESS_MAX_S + 1);
	pace_note(&p, "vera", "192.0.2.1", true, t);
	assert_int_equal(pace_wait(&p, "vera", "192.0.2.2", t), 0);
	assert_true(pace_wait(&p, "vera", "192.0.2.1", t) > 0);
	/* one network of IPv6 is one */
	for (unsigned i = 0; i < 10; i++) {
		pace_note(&p, "x", "2001:db8::1", false, t);
	}
	assert_true(pace_wait(&p, "y", "2001:db8::ffff", t) > 0);
	assert_int_equal(pace_wait(&p, "y", "2001:db8:0:1::1", t), 0);
	/* many names do not push out an address that has to wait */
	for (unsigned i = 0; i < 4 * PACE_ROWS; i++) {
		snprintf(name, sizeof(name), "name%u", i);
		pace_note(&p, name, "192.0.2.9", false, t + i);
	}
	assert_true(pace_wait(&p, "y", "192.0.2.1", t) > 0);
}

static void
test_brute_force(void **state)
{
	int got = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * PACE_FREE && got != 429; i++) {
		got = ask("POST", "/api/login", NULL, "1",
			  "{\"name\":\"no such\",\"password\":\"guess\"}");
		assert_true(got == 401 || got == 429);
	}
	assert_int_equal(got, 429);
	assert_non_null(strstr(reply, "Retry-After: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_uploads),
		cmocka_unit_test(test_log_in),
		cmocka_unit_test(test_other_pages),
		cmocka_unit_test(test_rights_that_change),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_brute_force),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
