/* SPDX-License-Identifier: Apache-2.0 */
/* What a pool makes of servers that send it about, lie, or go away; the real
 * ones are in tests/e2e. */
#include "common/redis_pool.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/redis_cluster.h"
#include "tests/wait_for.h"

static unsigned
slot(const char *key)
{
	return redis_cluster_slot(view_cstr(key));
}

/* The values that redis-cli's CLUSTER KEYSLOT gives. */
static void
test_slots(void **state)
{
	(void)state;
	assert_int_equal(slot(""), 0);
	assert_int_equal(slot("123456789"), 12739);
	assert_int_equal(slot("foo"), 12182);
	assert_int_equal(slot("picket:alerts:{a/b}"), slot("a/b"));
	assert_int_equal(slot("picket:committed:{a/b}"), slot("a/b"));
	assert_int_equal(slot("foo{bar}{zap}"), slot("bar"));
	assert_int_equal(slot("foo{{bar}}zap"), slot("{bar"));
	assert_int_not_equal(slot("foo{}{bar}"), slot("bar"));
	assert_int_not_equal(slot("foo{bar"), slot("bar"));
}

static bool
parse(const char *text, struct redis_redirect *to)
{
	char buf[600];
	redisReply r = { .type = REDIS_REPLY_ERROR, .str = buf };

	snprintf(buf, sizeof(buf), "%s", text);
	r.len = strlen(buf);
	return redis_redirect_parse(&r, to);
}

static void
test_redirects(void **state)
{
	static const char *const bad[] = {
		"",
		"MOVED",
		"MOVED ",
		"MOVED 1",
		"MOVED 1 ",
		"MOVED 1 host",
		"MOVED 1 host:",
		"MOVED 1 host:0",
		"MOVED 1 host:65536",
		"MOVED 1 host:999999",
		"MOVED 1 host:x",
		"MOVED 16384 host:1",
		"MOVED 99999999999999999999 host:1",
		"MOVED x host:1",
		"MOVED -1 host:1",
		"MOVED 1 a b:1",
		"ASKING 1 host:1",
		"ERR MOVED 1 host:1",
	};
	char long_host[500];
	struct redis_redirect to;

	(void)state;
	assert_true(parse("MOVED 3999 127.0.0.1:6381", &to));
	assert_false(to.ask);
	assert_int_equal(to.slot, 3999);
	assert_string_equal(to.at.host, "127.0.0.1");
	assert_string_equal(to.at.port, "6381");
	assert_true(parse("ASK 0 ::1:7000", &to));
	assert_true(to.ask);
	assert_string_equal(to.at.host, "::1");
	assert_true(parse("MOVED 16383 [fe80::1]:7000", &to));
	assert_string_equal(to.at.host, "fe80::1");
	assert_true(parse("MOVED 1 :7000", &to));
	assert_string_equal(to.at.host, "");
	assert_true(parse("MOVED 1 ?:7000", &to));
	assert_string_equal(to.at.host, "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i], &to)) {
			fail_msg("'%s' was taken", bad[i]);
		}
	}
	memset(long_host, 'h', sizeof(long_host));
	memcpy(long_host, "MOVED 1 ", 8);
	memcpy(long_host + 490, ":1", 3);
	assert_false(parse(long_host, &to));
}

/* --- a server that says to all but PING what it was told to --- */

struct fake {
	pid_t pid;
	int port;
};

static void
serve(int c, const char *text)
{
	FILE *in = fdopen(c, "r");
	char line[64], word[64];
	int n, len;

	while (fgets(line, sizeof(line), in) != NULL &&
	       sscanf(line, "*%d", &n) == 1) {
		bool ping = false;

		for (int i = 0; i < n; i++) {
			if (fgets(line, sizeof(line), in) == NULL ||
			    sscanf(line, "$%d", &len) != 1 || len > 60 ||
			    fread(word, 1, (size_t)len + 2, in) !=
				    (size_t)len + 2) {
				_exit(0);
			}
			ping |= i == 0 && memcmp(word, "PING", 4) == 0;
		}
		if (strcmp(text, "die") == 0 && !ping) {
			_exit(0);
		}
		if (dprintf(c, "%s\r\n", ping ? "+PONG" : text) < 0) {
			_exit(0);
		}
	}
	_exit(0);
}

/* A text that ends in ':' is followed by the server's own port. */
static struct fake
start(const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct fake f;
	char said[256];

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	f.port = ntohs(sin.sin_port);
	snprintf(said, sizeof(said), "%s", text);
	if (said[0] != '\0' && said[strlen(said) - 1] == ':') {
		snprintf(said + strlen(said), 8, "%d", f.port);
	}
	f.pid = fork();
	if (f.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int c = accept(fd, NULL, NULL);

			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				serve(c, said);
			}
			close(c);
		}
	}
	close(fd);
	return f;
}

static void
end(struct fake f)
{
	kill(f.pid, SIGKILL);
	waitpid(f.pid, NULL, 0);
}

static struct redis_pool *
pool_of(const char *scheme, struct fake f)
{
	char url[64];
	struct redis_options o = { .url = url };
	struct redis_pool *p = NULL;
	struct diag d;

	snprintf(url, sizeof(url), "%s://127.0.0.1:%d", scheme, f.port);
	assert_int_equal(redis_pool_new(&p, &o, &d), ERR_OK);
	assert_int_equal(redis_pool_connect(p, "k", 10000, &d), ERR_OK);
	return p;
}

/* Sent about for ever: after so many hops the caller is told. */
static void
sent_about(const char *text, enum redis_trouble t)
{
	struct fake f = start(text);
	struct redis_pool *p = pool_of("redis+cluster", f);
	redisReply *r;
	struct diag d;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			redis_pool_call(p, "k", 10000, &r, &d, "GET k"),
			ERR_OK);
		assert_int_equal(redis_reply_trouble(r), t);
		freeReplyObject(r);
	}
	assert_int_equal(redis_pool_unanswered(p), 0);
	assert_true(redis_pool_troubles(p)[t] >= 3 * (REDIS_POOL_HOPS + 1));
	assert_true(redis_pool_troubles(p)[t] <= 10 * (REDIS_POOL_HOPS + 1));
	redis_pool_free(p);
	end(f);
}

static void
test_hops(void **state)
{
	(void)state;
	sent_about("-MOVED 7629 127.0.0.1:", REDIS_MOVED);
	sent_about("-ASK 7629 127.0.0.1:", REDIS_ASK);
	sent_about("-MOVED 7629 :", REDIS_MOVED);
}

/* To where nobody is: the command is lost, and the pool lives on. */
static void
test_dead_ends(void **state)
{
	static const char *const texts[] = {
		"-MOVED 7629 127.0.0.1:1",
		"-ASK 7629 127.0.0.1:1",
		"-MOVED 7629 no.such.host.invalid:1",
		"die",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fake f = start(texts[i]);
		struct redis_pool *p = pool_of("redis+cluster", f);
		redisReply *r = NULL;
		struct diag d;

		assert_int_equal(
			redis_pool_call(p, "k", 20000, &r, &d, "GET k"),
			ERR_CLOSED);
		assert_null(r);
		assert_true(d.msg[0] != '\0');
		assert_int_equal(redis_pool_unanswered(p), 0);
		redis_pool_free(p);
		end(f);
	}
}

/* Every command gets its answer, whatever befalls its server. */
static void
test_all_answered(void **state)
{
	bool seen[200] = { false };
	struct fake f = start("die");
	struct redis_pool *p = pool_of("redis", f);
	const char *argv[] = { "GET", "k" };
	struct redis_answer a;

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		assert_int_equal(redis_pool_queue(p, "k", 2, argv, NULL, i),
				 ERR_OK);
	}
	for (int i = 0; i < 200; i++) {
		assert_int_equal(redis_pool_poll(p, 20000, &a), ERR_OK);
		assert_null(a.reply);
		assert_false(seen[a.tag]);
		seen[a.tag] = true;
	}
	assert_int_equal(redis_pool_unanswered(p), 0);
	assert_int_equal(redis_pool_poll(p, 0, &a), ERR_AGAIN);
	redis_pool_free(p);
	end(f);
}

/* What all answers together come to. */
static void
test_settled(void **state)
{
	static const struct {
		const char *text;
		enum err e;
		const char *why;
	} cases[] = {
		{ "+OK", ERR_OK, "" },
		{ "-ERR no", ERR_FORMAT, "Redis: ERR no" },
		{ "die", ERR_AGAIN, "" },
	};
	const char *argv[] = { "GET", "k" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake f = start(cases[i].text);
		struct redis_pool *p = pool_of("redis", f);
		struct diag d = { "" };

		assert_int_equal(redis_pool_settle(p, 10000, &d), ERR_OK);
		for (uint64_t k = 0; k < 3; k++) {
			assert_int_equal(
				redis_pool_queue(p, "k", 2, argv, NULL, k),
				ERR_OK);
		}
		assert_int_equal(redis_pool_settle(p, 10000, &d), cases[i].e);
		assert_non_null(strstr(d.msg, cases[i].why));
		assert_int_equal(redis_pool_unanswered(p), 0);
		redis_pool_free(p);
		end(f);
	}
}

/* A replica is left, once it has said all. */
static void
test_readonly(void **state)
{
	struct fake f = start("-READONLY You can't write");
	struct redis_pool *p = pool_of("redis", f);
	struct redis_answer a;
	redisReply *r;
	struct diag d;

	(void)state;
	assert_int_equal(redis_pool_call(p, "k", 10000, &r, &d, "GET k"),
			 ERR_OK);
	assert_int_equal(redis_reply_trouble(r), REDIS_READONLY);
	freeReplyObject(r);
	wait_for(20, (assert_int_equal(redis_pool_poll(p, 10, &a), ERR_AGAIN),
		      !redis_pool_up(p, "k")));
	redis_pool_free(p);
	end(f);
}

/* One node of a cluster that has all keys sends nobody on; and a slot that
 * moves is no reason to leave. */
static void
test_crossslot(void **state)
{
	static const struct {
		const char *text;
		bool cluster;
	} cases[] = {
		{ "-CROSSSLOT Keys in request don't hash to the same slot",
		  true },
		{ "-TRYAGAIN Multiple keys request during rehashing of slot",
		  false },
		{ "-ERR CROSSSLOT", false },
		{ "+CROSSSLOT is no error here", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake f = start(cases[i].text);
		struct redis_pool *p = pool_of("redis", f);
		redisReply *r;
		struct diag d;

		for (int k = 0; k < 2; k++) {
			assert_int_equal(
				redis_pool_call(p, "k", 10000, &r, &d, "GET k"),
				ERR_OK);
			freeReplyObject(r);
			assert_int_equal(redis_pool_is_cluster(p),
					 cases[i].cluster);
			assert_true(redis_pool_up(p, NULL));
		}
		redis_pool_free(p);
		end(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_dead_ends),
		cmocka_unit_test(test_all_answered),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_crossslot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
