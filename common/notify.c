/* SPDX-License-Identifier: Apache-2.0 */
#include "common/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

#define MESSAGE_CAP 512
/* Signs of life in one interval of the watchdog: one that comes late, or gets
 * lost, is no alarm yet. */
#define SIGNS 4

/* 'path' as sd_notify(3) has it: absolute, or "@" and an abstract name. */
static bool
read_address(const char *path, struct sockaddr_un *sa, socklen_t *len)
{
	size_t n = strlen(path);

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n < 2 || n >= sizeof(sa->sun_path) ||
	    (path[0] != '/' && path[0] != '@')) {
		return false;
	}
	memcpy(sa->sun_path, path, n);
	if (path[0] == '@') {
		sa->sun_path[0] = '\0';
	}
	/* an abstract name has no end but its length */
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
			   (path[0] == '/'));
	return true;
}

/* The interval is ours only when the process it is meant for is. */
static uint64_t
read_interval(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	const char *usec = getenv("WATCHDOG_USEC");
	unsigned long long us;
	char *end;

	if (usec == NULL ||
	    (pid != NULL && strtoull(pid, NULL, 10) != (uint64_t)getpid())) {
		return 0;
	}
	errno = 0;
	us = strtoull(usec, &end, 10);
	return *end == '\0' && end != usec && errno == 0 ? us / SIGNS : 0;
}

enum err
notify_open(struct notify *n, struct diag *d)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const struct timeval patience = { .tv_sec = 1 };
	struct sockaddr_un sa;
	socklen_t len;

	*n = (struct notify){ .open = false };
	if (path == NULL || path[0] == '\0') {
		return ERR_OK;
	}
	if (!read_address(path, &sa, &len)) {
		return diag_set(d, ERR_IO,
				"NOTIFY_SOCKET %s: expected an absolute path "
				"or @NAME, of less than %zu bytes",
				path, sizeof(sa.sun_path));
	}
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	n->open = n->fd >= 0;
	if (!n->open || connect(n->fd, (struct sockaddr *)&sa, len) != 0) {
		int why = errno;

		notify_close(n);
		return diag_set(d, ERR_IO,
				"NOTIFY_SOCKET %s: %s; the service manager "
				"is told nothing",
				path, strerror(why));
	}
	setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	n->every_us = read_interval();
	return ERR_OK;
}

void
notify_close(struct notify *n)
{
	if (n->open) {
		close(n->fd);
	}
	*n = (struct notify){ .open = false };
}

/* Nothing can be done about a manager that does not read. */
static void
tell(struct notify *n, const char *what, size_t len)
{
	ssize_t r;

	do {
		r = send(n->fd, what, len, MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
}

static void
tell_state(struct notify *n, const char *state, const char *status)
{
	char m[MESSAGE_CAP];
	size_t len, head = strlen(state);

	if (!n->open) {
		return;
	}
	len = (size_t)snprintf(m, sizeof(m), "%sSTATUS=%s", state, status);
	len = MIN(len, sizeof(m) - 1);
	/* a line end would begin a variable of its own */
	for (size_t i = head; i < len; i++) {
		if ((unsigned char)m[i] < 0x20 || m[i] == 0x7f) {
			m[i] = '?';
		}
	}
	tell(n, m, len);
}

void
notify_ready(struct notify *n, const char *status)
{
	tell_state(n, "READY=1\n", status);
}

void
notify_status(struct notify *n, const char *status)
{
	tell_state(n, "", status);
}

void
notify_reloading(struct notify *n, const char *status)
{
	char state[80];

	/* the time lets the manager tell this reload from an earlier one */
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		 (unsigned long long)clock_mono_us());
	tell_state(n, state, status);
}

void
notify_stopping(struct notify *n, const char *status)
{
	tell_state(n, "STOPPING=1\n", status);
}

void
notify_alive(struct notify *n, uint64_t now_us)
{
	static const char alive[] = "WATCHDOG=1";

	if (n->open && n->every_us > 0 && now_us >= n->next_us) {
		n->next_us = now_us + n->every_us;
		tell(n, alive, sizeof(alive) - 1);
	}
}
