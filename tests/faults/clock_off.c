/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock_off.c - a library to preload that sets a program's wall clock off
 *
 *   CLOCK_OFF=FILE
 *
 * FILE holds a number of seconds, with sign, in 16 bytes; it is mapped, so that
 * whoever writes over it steps the clock while the program runs.  Clocks that
 * only count on are left alone.
 *
 * Place    tests only.
 * Threads  any.
 * Memory   one page.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LENGTH 16

static const char *file = "0";

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("CLOCK_OFF");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0)
			  : MAP_FAILED;

	if (p != MAP_FAILED) {
		file = p;
	}
	if (fd >= 0) {
		close(fd);
	}
}

static long
seconds_off(void)
{
	char text[LENGTH + 1] = "";

	memcpy(text, file, file[0] == '0' && file[1] == '\0' ? 1 : LENGTH);
	return strtol(text, NULL, 10);
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (rc == 0 &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		t->tv_sec += seconds_off();
	}
	return rc;
}

int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;
	int rc = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
		return -1;
	}
	if (out != NULL) {
		*out = now.tv_sec;
	}
	return now.tv_sec;
}
