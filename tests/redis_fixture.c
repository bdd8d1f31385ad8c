/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/redis_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

bool
redis_fixture_open(struct redis_fixture *f)
{
	const char *tmp = getenv("TMPDIR");

	*f = (struct redis_fixture){ 0 };
	if (access("/usr/bin/redis-server", X_OK) != 0) {
		return false;
	}
	/* The path of a unix socket may not be long. */
	if (tmp == NULL || strlen(tmp) > 32) {
		tmp = "/tmp";
	}
	snprintf(f->dir, sizeof(f->dir), "%s/picket-redis.XXXXXX", tmp);
	if (mkdtemp(f->dir) == NULL) {
		return false;
	}
	snprintf(f->sock, sizeof(f->sock), "%s/sock", f->dir);
	snprintf(f->url, sizeof(f->url), "unix://%s", f->sock);
	return true;
}

static bool
listens(const char *sock)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", sock);
	ok = fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return ok;
}

bool
redis_fixture_start(struct redis_fixture *f, const char *opt, const char *value)
{
	unlink(f->sock);
	f->pid = fork();
	if (f->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execl("/usr/bin/redis-server", "redis-server", "--port", "0",
		      "--unixsocket", f->sock, "--save", "", "--appendonly",
		      "no", "--dir", f->dir, opt, value, (char *)NULL);
		_exit(127);
	}
	/* A minute, for a machine that has much else to do. */
	for (int i = 0; i < 6000 && f->pid > 0; i++) {
		if (listens(f->sock)) {
			return true;
		}
		usleep(10000);
	}
	return false;
}

void
redis_fixture_stop(struct redis_fixture *f)
{
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
		f->pid = 0;
	}
}

void
redis_fixture_freeze(struct redis_fixture *f, bool frozen)
{
	kill(f->pid, frozen ? SIGSTOP : SIGCONT);
}

void
redis_fixture_close(struct redis_fixture *f)
{
	redis_fixture_stop(f);
	if (f->dir[0] != '\0') {
		unlink(f->sock);
		rmdir(f->dir);
	}
}
