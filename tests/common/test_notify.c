/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real datagram socket, as a service manager has one. */
#include "common/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/test.h"

struct manager {
	int fd;
	char path[80];
	char got[1024];
};

static void
manager_open(struct manager *m, bool abstract)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n;

	snprintf(m->path, sizeof(m->path), "%spicket-notify.%d",
		 abstract ? "@" : "/tmp/", (int)getpid());
	n = strlen(m->path);
	memcpy(sa.sun_path, m->path, n);
	if (abstract) {
		sa.sun_path[0] = '\0';
	} else {
		unlink(m->path);
	}
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(
		0, bind(m->fd, (struct sockaddr *)&sa,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
				    !abstract)));
	setenv("NOTIFY_SOCKET", m->path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void
manager_close(struct manager *m)
{
	close(m->fd);
	if (m->path[0] == '/') {
		unlink(m->path);
	}
	unsetenv("NOTIFY_SOCKET");
}

/* The next datagram; "" when there is none. */
static const char *
next(struct manager *m)
{
	ssize_t n = recv(m->fd, m->got, sizeof(m->got) - 1, 0);

	m->got[n > 0 ? n : 0] = '\0';
	return m->got;
}

static void
open_ok(struct notify *n)
{
	struct diag d = { "" };

	if (notify_open(n, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
}

static void
test_states(void **state)
{
	struct manager m;
	struct notify n;

	for (int abstract = 0; abstract < 2; abstract++) {
		manager_open(&m, abstract);
		open_ok(&n);
		notify_ready(&n, "watching");
		assert_string_equal("READY=1\nSTATUS=watching", next(&m));
		notify_status(&n, "12 packets");
		assert_string_equal("STATUS=12 packets", next(&m));
		notify_reloading(&n, "rules");
		next(&m);
		assert_memory_equal("RELOADING=1\nMONOTONIC_USEC=", m.got, 27);
		assert_non_null(strstr(m.got, "\nSTATUS=rules"));
		notify_stopping(&n, "bye");
		assert_string_equal("STOPPING=1\nSTATUS=bye", next(&m));
		notify_close(&n);
		manager_close(&m);
	}
	(void)state;
}

/* What a rule file's name holds must not become a variable. */
static void
test_a_status_is_one_line(void **state)
{
	static char text[2000];
	struct manager m;
	struct notify n;

	manager_open(&m, false);
	open_ok(&n);
	notify_status(&n, "a\nREADY=1\x7f");
	assert_string_equal("STATUS=a?READY=1?", next(&m));
	memset(text, 'x', sizeof(text) - 1);
	notify_ready(&n, text);
	assert_memory_equal("READY=1\nSTATUS=xxx", next(&m), 18);
	assert_true(strlen(m.got) < sizeof(m.got) - 1);
	notify_close(&n);
	manager_close(&m);
	(void)state;
}

static void
test_signs_of_life(void **state)
{
	struct manager m;
	struct notify n;
	unsigned signs = 0;

	manager_open(&m, false);
	setenv("WATCHDOG_USEC", "4000000", 1);
	open_ok(&n);
	for (uint64_t t = 100000000; t < 140000000; t += 10000) {
		notify_alive(&n, t);
		signs += strcmp(next(&m), "WATCHDOG=1") == 0;
	}
	/* four in each of the ten intervals of four seconds */
	assert_int_equal(40, signs);
	notify_close(&n);
	manager_close(&m);
	(void)state;
}

static void
test_no_watchdog(void **state)
{
	static const char *const odd[] = { "", "x", "-", "12y" };
	struct manager m;
	struct notify n;
	char pid[24];

	manager_open(&m, false);
	open_ok(&n);
	assert_int_equal(0, n.every_us);
	notify_alive(&n, 1);
	assert_string_equal("", next(&m));
	notify_close(&n);
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		setenv("WATCHDOG_USEC", odd[i], 1);
		open_ok(&n);
		assert_int_equal(0, n.every_us);
		notify_close(&n);
	}
	/* meant for the process that started us */
	setenv("WATCHDOG_USEC", "1000000", 1);
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	setenv("WATCHDOG_PID", pid, 1);
	open_ok(&n);
	assert_int_equal(0, n.every_us);
	notify_close(&n);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	open_ok(&n);
	assert_int_equal(250000, n.every_us);
	notify_close(&n);
	manager_close(&m);
	(void)state;
}

static void
test_nobody_to_tell(void **state)
{
	static const char *const bad[] = {
		"relative", "/", "@", "/nowhere/at/all",
		("/a/path/that/is/longer/than/what/a/socket/address/holds/and/"
		 "so/cannot/be/one/at/all/however/one/looks/at/it/really")
	};
	struct diag d = { "" };
	struct notify n;

	unsetenv("NOTIFY_SOCKET");
	open_ok(&n);
	assert_false(n.open);
	notify_ready(&n, "");
	notify_alive(&n, 1);
	notify_close(&n);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		assert_int_equal(ERR_IO, notify_open(&n, &d));
		assert_non_null(strstr(d.msg, bad[i]));
		assert_false(n.open);
		notify_stopping(&n, "");
		notify_close(&n);
	}
	unsetenv("NOTIFY_SOCKET");
	(void)state;
}

/* A manager that died does not stop the program. */
static void
test_the_manager_is_gone(void **state)
{
	struct manager m;
	struct notify n;

	manager_open(&m, false);
	open_ok(&n);
	manager_close(&m);
	notify_ready(&n, "still here");
	notify_close(&n);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_a_status_is_one_line),
		cmocka_unit_test(test_signs_of_life),
		cmocka_unit_test(test_no_watchdog),
		cmocka_unit_test(test_nobody_to_tell),
		cmocka_unit_test(test_the_manager_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
