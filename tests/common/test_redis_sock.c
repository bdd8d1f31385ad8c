/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of one name, of which the first does not answer. */
#include "tests/test.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/redis_sock.h"

#define FILLERS 8

static int
listener(int backlog, char port[8])
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(port, 8, "%u", ntohs(sa.sin_port));
	return fd;
}

static struct redis_endpoint
at(const char *port)
{
	struct redis_endpoint e = { .is_unix = false };

	snprintf(e.host, sizeof(e.host), "127.0.0.1");
	snprintf(e.port, sizeof(e.port), "%s", port);
	return e;
}

static void
goes_on_to_the_next_address(void **state)
{
	struct redis_sock s, filler[FILLERS];
	struct redis_endpoint deaf, good;
	struct addrinfo *next = NULL;
	char port[2][8];
	int a = listener(0, port[0]), b = listener(8, port[1]);
	uint64_t start;
	struct diag d = { "" };
	enum err e;

	(void)state;
	deaf = at(port[0]);
	good = at(port[1]);
	/* Nobody accepts: from some connection on, no answer comes. */
	for (int i = 0; i < FILLERS; i++) {
		redis_sock_init(&filler[i]);
		assert_int_equal(redis_sock_open(&filler[i], &deaf, &d),
				 ERR_OK);
		e = redis_sock_connected(&filler[i], 200, &d);
	}
	if (e == ERR_AGAIN) {
		redis_sock_init(&s);
		start = clock_mono_us();
		assert_int_equal(redis_sock_open(&s, &deaf, &d), ERR_OK);
		assert_int_equal(
			getaddrinfo(good.host, good.port,
				    &(struct addrinfo){ .ai_socktype =
								SOCK_STREAM },
				    &next),
			0);
		s.addrs->ai_next = next;
		assert_int_equal(redis_sock_connected(&s, 0, &d), ERR_AGAIN);
		assert_int_equal(redis_sock_connected(&s, 60000, &d), ERR_OK);
		assert_ptr_equal(s.addr, next);
		/* Not before the first had its time. */
		assert_true(clock_mono_us() - start > US_PER_S);
		redis_sock_close(&s);
	}
	for (int i = 0; i < FILLERS; i++) {
		redis_sock_close(&filler[i]);
	}
	close(a);
	close(b);
	if (e != ERR_AGAIN) {
		print_message("this system answers for whoever does not\n");
		skip();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_to_the_next_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
