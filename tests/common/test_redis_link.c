/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_link_state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/redis_url.h"
#include "tests/redis_fixture.h"
#include "tests/wait_for.h"

static struct redis_fixture redis;
static bool have_redis;

static void
test_urls(void **state)
{
	struct redis_url u;
	struct diag d;

	(void)state;
	assert_int_equal(redis_url_parse(&u, "redis://10.0.0.1", &d), ERR_OK);
	assert_string_equal(u.at[0].host, "10.0.0.1");
	assert_string_equal(u.at[0].port, "6379");
	assert_false(u.has_pass);
	assert_int_equal(redis_url_parse(&u, "redis://me:p%40s@s:w@h:7/12", &d),
			 ERR_OK);
	assert_string_equal(u.user, "me");
	assert_string_equal(u.pass, "p@s@s:w");
	assert_string_equal(u.at[0].port, "7");
	assert_int_equal(u.db, 12);
	assert_string_equal(u.shown, "redis://h:7/12");
	assert_int_equal(redis_url_parse(&u, "redis://:pw@[::1]:99", &d),
			 ERR_OK);
	assert_string_equal(u.at[0].host, "::1");
	assert_string_equal(u.user, "");
	assert_string_equal(u.pass, "pw");
	assert_int_equal(redis_url_parse(&u, "unix:///run/r.sock?db=3", &d),
			 ERR_OK);
	assert_true(u.at[0].is_unix);
	assert_string_equal(u.at[0].host, "/run/r.sock");
	assert_int_equal(u.db, 3);
	assert_int_equal(redis_url_parse(&u, "unix://a:b@/r", &d), ERR_OK);
	assert_string_equal(u.pass, "b");
	redis_url_wipe(&u);
	assert_string_equal(u.pass, "");
	assert_int_equal(redis_url_parse(&u, "rediss://h", &d), ERR_OK);
	assert_true(u.tls);
	assert_string_equal(u.shown, "rediss://h:6379/0");
}

static void
test_urls_of_several(void **state)
{
	struct redis_url u;
	struct diag d;

	(void)state;
	assert_int_equal(redis_url_parse(&u,
					 "rediss+sentinel://a:b@h1,[::2]:9/"
					 "my%20master/3",
					 &d),
			 ERR_OK);
	assert_int_equal(u.layout, REDIS_SENTINEL);
	assert_true(u.tls);
	assert_int_equal(u.n_at, 2);
	assert_string_equal(u.at[0].port, "26379");
	assert_string_equal(u.at[1].host, "::2");
	assert_string_equal(u.at[1].port, "9");
	assert_string_equal(u.master, "my master");
	assert_int_equal(u.db, 3);
	assert_null(strstr(u.shown, "a:b"));
	assert_int_equal(redis_url_parse(&u, "redis+cluster://h:1,h:2,h:3", &d),
			 ERR_OK);
	assert_int_equal(u.layout, REDIS_CLUSTER);
	assert_int_equal(u.n_at, 3);
	assert_string_equal(u.at[2].port, "3");
}

static void
test_bad_urls(void **state)
{
	static const char *const bad[] = {
		"",
		"redis:",
		"http://x:secret@h",
		"redis://:secret@",
		"redis://u:secret@h:0",
		"redis://u:secret@h:65536",
		"redis://u:secret@h:x",
		"redis://u:secret@h/x",
		"redis://u:secret%4@h",
		"redis://u:secret%zz@h",
		"redis://u:secret%00@h",
		"redis://[::1:secret",
		"redis://",
		"unix://u:secret@",
		"unix://host/path",
		"unix:///p?q=1",
		"unix:///p?db=-1",
		"unix:///p?db=",
		"redis://secret@h",
		"redis://h/99999999",
		"redis+cluster://u:secret@h/1",
		"redis+cluster://u:secret@h,",
		"redis+cluster://u:secret@,h",
		"redis+sentinel://u:secret@h:1,h:2",
		"redis+sentinel://u:secret@h:1,h:2/",
		"redis+sentinel://u:secret@h/m/x",
		"redis://u:secret@h,h",
		"rediss://u:secret@h:1:2",
		("unix:///0123456789012345678901234567890123456789012345678901"
		 "2345678901234567890123456789012345678901234567890123456789"),
	};
	struct redis_link *l;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		d.msg[0] = '\0';
		assert_int_equal(redis_link_new(&l, bad[i], &d), ERR_USAGE);
		assert_true(d.msg[0] != '\0');
		assert_null(strstr(d.msg, "secret"));
	}
}

static void
need_redis(void)
{
	if (!have_redis) {
		skip();
	}
}

static struct redis_link *
connected(const char *url)
{
	struct redis_link *l = NULL;
	struct diag d;

	assert_int_equal(redis_link_new(&l, url, &d), ERR_OK);
	assert_int_equal(redis_link_connect(l, 5000, &d), ERR_OK);
	assert_true(redis_link_up(l));
	return l;
}

static void
test_call(void **state)
{
	struct redis_link *l;
	redisReply *r;
	struct diag d;

	(void)state;
	need_redis();
	l = connected(redis.url);
	assert_int_equal(
		redis_link_call(l, 1000, &r, &d, "SET k %b", "a\0b", (size_t)3),
		ERR_OK);
	assert_int_equal(redis_reply_err(r), ERR_OK);
	freeReplyObject(r);
	assert_int_equal(redis_link_call(l, 1000, &r, &d, "GET %s", "k"),
			 ERR_OK);
	assert_int_equal(r->len, 3);
	freeReplyObject(r);
	assert_int_equal(redis_link_call(l, 1000, &r, &d, "NOSUCH"), ERR_OK);
	assert_int_equal(redis_reply_err(r), ERR_FORMAT);
	freeReplyObject(r);
	assert_int_equal(redis_link_reply(l, 10, &r, &d), ERR_USAGE);
	assert_int_equal(redis_link_poll(l, 0, &r, &d), ERR_AGAIN);
	assert_true(redis_link_up(l));
	redis_link_free(l);
}

/* More than socket buffers hold, both ways, before the first reply is read. */
static void
test_pipeline(void **state)
{
	static char body[60000];
	const char *argv[] = { "ECHO", body };
	size_t len[] = { 4, sizeof(body) };
	struct redis_link *l;
	redisReply *r;
	struct diag d;

	(void)state;
	need_redis();
	memset(body, 'x', sizeof(body));
	l = connected(redis.url);
	for (int i = 0; i < 200; i++) {
		memcpy(body, &i, sizeof(i));
		assert_int_equal(redis_link_queue(l, 2, argv, len), ERR_OK);
	}
	assert_int_equal(redis_link_unanswered(l), 200);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(redis_link_reply(l, 5000, &r, &d), ERR_OK);
		assert_int_equal(r->len, sizeof(body));
		assert_memory_equal(r->str, &i, sizeof(i));
		freeReplyObject(r);
	}
	redis_link_free(l);
}

static void
test_auth(void **state)
{
	char url[256];
	struct redis_link *l;
	redisReply *r;
	struct diag d;

	(void)state;
	need_redis();
	l = connected(redis.url);
	assert_int_equal(redis_link_call(l, 1000, &r, &d,
					 "ACL SETUSER u1 on >s3cret ~a:* "
					 "-@all +set +select"),
			 ERR_OK);
	freeReplyObject(r);
	redis_link_free(l);

	snprintf(url, sizeof(url), "unix://u1:s3cret@%s?db=2", redis.sock);
	l = connected(url);
	assert_null(strstr(redis_link_name(l), "s3cret"));
	/* sent, and gone from what commands are written to */
	assert_int_equal(l->out_pos, l->out_len);
	assert_in_range(l->out_cap, 1, 65536);
	assert_null(memmem(l->out, l->out_cap, "s3cret", 6));
	assert_int_equal(redis_link_call(l, 1000, &r, &d, "SET b 1"), ERR_OK);
	assert_int_equal(redis_reply_err(r), ERR_AUTH);
	freeReplyObject(r);
	redis_link_free(l);

	snprintf(url, sizeof(url), "unix://u1:wr0ng@%s", redis.sock);
	assert_int_equal(redis_link_new(&l, url, &d), ERR_OK);
	assert_int_equal(redis_link_connect(l, 5000, &d), ERR_AUTH);
	assert_null(strstr(d.msg, "wr0ng"));
	assert_non_null(strstr(d.msg, "refused user and password"));
	/* who asks while it backs off is told why, again */
	(void)diag_set(&d, ERR_OK, "nothing");
	assert_int_equal(redis_link_connect(l, 0, &d), ERR_AGAIN);
	assert_non_null(strstr(d.msg, "refused user and password"));
	assert_null(strstr(d.msg, "wr0ng"));
	redis_link_free(l);
}

static void
test_frozen_and_gone(void **state)
{
	struct redis_link *l, *second;
	redisReply *r;
	struct diag d;
	bool waiting;

	(void)state;
	need_redis();
	l = connected(redis.url);
	redis_fixture_freeze(&redis, true);
	/* It is silent until it is thawed: each call ends by its own time. */
	assert_int_equal(redis_link_call(l, 200, &r, &d, "PING"), ERR_AGAIN);
	assert_false(redis_link_up(l));
	/* It still takes connections, but does not greet. */
	assert_int_equal(redis_link_new(&second, redis.url, &d), ERR_OK);
	assert_int_equal(redis_link_connect_step(second, 0, &waiting, &d),
			 ERR_AGAIN);
	assert_true(waiting);
	assert_int_equal(redis_link_connect(second, 200, &d), ERR_AGAIN);
	redis_fixture_freeze(&redis, false);
	wait_for(20, redis_link_connect(second, 1000, &d) != ERR_AGAIN);
	redis_fixture_stop(&redis);
	assert_int_equal(redis_link_call(second, 1000, &r, &d, "PING"),
			 ERR_CLOSED);
	assert_int_equal(redis_link_connect(l, 100, &d), ERR_AGAIN);
	assert_true(redis_fixture_start(&redis, NULL, NULL));
	redis_link_free(l);
	redis_link_free(second);
}

/*
 * A server that answers any connection with 'text', over and over when
 * 'endless'.  Returns its pid.
 */
static pid_t
liar(const char *path, const char *text, bool endless)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 5), 0);
	pid = fork();
	if (pid == 0) {
		int c = accept(fd, NULL, NULL);
		char buf[4096];

		do {
			if (send(c, text, strlen(text), MSG_NOSIGNAL) < 0) {
				_exit(0);
			}
		} while (endless);
		while (read(c, buf, sizeof(buf)) > 0) {
		}
		_exit(0);
	}
	close(fd);
	return pid;
}

static void
test_liars(void **state)
{
	static const struct {
		const char *text;
		bool endless;
	} lies[] = {
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", false },
		{ "*1048577\r\n", false },
		{ "*2147483647\r\n", false },
		{ "$-2\r\n", false },
		{ "%1\r\n", false },
		{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		  false },
		{ "+PONG\r\n+extra\r\n", false },
		{ "+a status line without an end ", true },
		{ "*1000000\r\n", true },
	};
	char dir[] = "/tmp/picket-liar.XXXXXX", path[64], url[96];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(url, sizeof(url), "unix://%s", path);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		pid_t pid = liar(path, lies[i].text, lies[i].endless);
		struct redis_link *l;
		redisReply *r = NULL;
		struct diag d;
		enum err e;

		assert_int_equal(redis_link_new(&l, url, &d), ERR_OK);
		e = redis_link_connect(l, 4000, &d);
		if (e == ERR_OK) {
			e = redis_link_poll(l, 1000, &r, &d);
			assert_int_equal(e, ERR_CLOSED);
		}
		assert_int_not_equal(e, ERR_OK);
		assert_false(redis_link_up(l));
		redis_link_free(l);
		waitpid(pid, NULL, 0);
	}
	unlink(path);
	rmdir(dir);
}

static void
test_reply_words(void **state)
{
	static const struct {
		const char *text;
		enum err e;
	} cases[] = {
		{ "OOM command not allowed", ERR_AGAIN },
		{ "LOADING Redis is loading", ERR_AGAIN },
		{ "READONLY You can't write", ERR_AGAIN },
		{ "BUSY Redis is busy", ERR_AGAIN },
		{ "BUSYGROUP exists", ERR_FORMAT },
		{ "NOPERM no", ERR_AUTH },
		{ "NOAUTH", ERR_AUTH },
		{ "ERR unknown command", ERR_FORMAT },
		{ "", ERR_FORMAT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[64];
		redisReply r = { .type = REDIS_REPLY_ERROR, .str = text };

		snprintf(text, sizeof(text), "%s", cases[i].text);
		r.len = strlen(text);
		assert_int_equal(redis_reply_err(&r), cases[i].e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_urls_of_several),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_frozen_and_gone),
		cmocka_unit_test(test_liars),
		cmocka_unit_test(test_reply_words),
	};
	int rc;

	have_redis = redis_fixture_open(&redis) &&
		     redis_fixture_start(&redis, NULL, NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	redis_fixture_close(&redis);
	return rc;
}
