/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture_map.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* More files than the rounds in flight hold frames of. */
#define MAX_MAPS 640
#define AHEAD ((size_t)1 << 20)
#define BEHIND ((size_t)64 << 20)
#define DROP_STEP ((size_t)8 << 20)

#ifndef MADV_POPULATE_READ /* Linux 5.14 */
#define MADV_POPULATE_READ 22
#endif

/* What the handler looks at; a slot is free while its base is 0. */
static struct {
	_Atomic(uintptr_t) base;
	_Atomic(uintptr_t) end;
	struct capture_map *_Atomic map;
} slots[MAX_MAPS];

static struct sigaction former;

/* Async-signal-safe, and in whatever thread touched what is gone. */
static void
on_bus_error(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	(void)sig;
	(void)context;
	for (size_t i = 0; i < MAX_MAPS; i++) {
		uintptr_t base = atomic_load(&slots[i].base);
		uintptr_t end = atomic_load(&slots[i].end);
		uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
		uintptr_t from = at & ~(page - 1);

		if (base == 0 || at < base || at >= end) {
			continue;
		}
		if (mmap((void *)from, end - from, PROT_READ,
			 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0) != MAP_FAILED) {
			atomic_load(&slots[i].map)->torn = 1;
			return;
		}
	}
	/* Not ours: happens again, under the former handler. */
	sigaction(SIGBUS, &former, NULL);
}

/* For each file again: somebody else may have taken the signal since. */
static bool
install(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO }, before;

	sa.sa_sigaction = on_bus_error;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGBUS, &sa, &before) != 0) {
		return false;
	}
	if ((before.sa_flags & SA_SIGINFO) == 0 ||
	    before.sa_sigaction != on_bus_error) {
		former = before;
	}
	return true;
}

static bool
enter_slot(struct capture_map *m)
{
	for (size_t i = 0; i < MAX_MAPS; i++) {
		if (atomic_load(&slots[i].base) == 0) {
			atomic_store(&slots[i].map, m);
			atomic_store(&slots[i].end,
				     (uintptr_t)m->base + m->len);
			atomic_store(&slots[i].base, (uintptr_t)m->base);
			return true;
		}
	}
	return false;
}

static void
leave_slot(const struct capture_map *m)
{
	for (size_t i = 0; i < MAX_MAPS; i++) {
		if (atomic_load(&slots[i].base) == (uintptr_t)m->base) {
			atomic_store(&slots[i].base, 0);
		}
	}
}

struct capture_map *
capture_map_open(int fd, size_t len)
{
	struct capture_map *m;
	void *p;

	if (len == 0 || !install()) {
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		return NULL;
	}
	p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		free(m);
		return NULL;
	}
	m->base = p;
	m->len = len;
	m->refs = 1;
	if (!enter_slot(m)) {
		munmap(p, len);
		free(m);
		return NULL;
	}
	/* A hint only: the kernel reads further ahead. */
	(void)madvise(p, len, MADV_SEQUENTIAL);
	return m;
}

void
capture_map_hold(struct capture_map *m)
{
	m->refs++;
}

void
capture_map_release(struct capture_map *m)
{
	if (m == NULL || --m->refs > 0) {
		return;
	}
	leave_slot(m);
	munmap((void *)(uintptr_t)m->base, m->len);
	free(m);
}

/* Advice that may fail: pages come when they are touched, too. */
static void
advise(const struct capture_map *m, size_t from, size_t to, int advice)
{
	(void)madvise((void *)((uintptr_t)m->base + from), to - from, advice);
}

void
capture_map_advance(struct capture_map *m, size_t at)
{
	if (m->ready < m->len && at + AHEAD / 2 >= m->ready) {
		size_t from = m->ready;

		/* Steps of whole pages from the beginning on. */
		m->ready = MIN(m->len, (at + 2 * AHEAD) & ~(AHEAD - 1));
		advise(m, from, m->ready, MADV_POPULATE_READ);
	}
	/* Frames that are still looked at come back when they are touched. */
	if (at > m->dropped + BEHIND + DROP_STEP) {
		advise(m, m->dropped, m->dropped + DROP_STEP, MADV_DONTNEED);
		m->dropped += DROP_STEP;
	}
}
