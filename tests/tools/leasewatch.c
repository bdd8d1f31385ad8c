/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leasewatch - how long a store has had nobody, as its collectors' signs of life
 * tell
 *
 *	leasewatch STORE.db
 *
 * From the first collector that serves until SIGTERM; then one line: the longest
 * time in milliseconds in which no collector that serves gave a sign of life,
 * and how many held the store one after the other.  Time is the monotonic
 * clock's.
 */
#include <config.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/lease_file.h"
#include "common/clock.h"

#define LOOK_US 2000

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

struct watch {
	uint64_t last_us; /* the last sign of life was seen then */
	uint64_t number, beat_us; /* whose, and which it was */
	uint64_t longest_us;
	unsigned holders;
};

static void
see(struct watch *w, const struct lease_record *r, uint64_t now)
{
	/* Who was replaced may tell of itself for a moment. */
	if (r->role != LEASE_SERVING || r->number < w->number ||
	    (r->number == w->number && r->beat_us == w->beat_us)) {
		return;
	}
	if (w->last_us != 0 && now - w->last_us > w->longest_us) {
		w->longest_us = now - w->last_us;
	}
	w->holders += r->number != w->number;
	w->last_us = now;
	w->number = r->number;
	w->beat_us = r->beat_us;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct lease_file *f = NULL;
	struct watch w = { 0 };
	struct diag d = { "" };

	if (argc != 2) {
		fputs("usage: leasewatch STORE.db\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &sa, NULL);
	while (!stop && lease_file_open(&f, argv[1], false, &d) != ERR_OK) {
		usleep(LOOK_US);
	}
	while (!stop) {
		struct lease_record all[LEASE_FILE_SLOTS];
		unsigned n = lease_file_read(f, false, all);

		for (unsigned i = 0; i < n; i++) {
			see(&w, &all[i], clock_mono_us());
		}
		usleep(LOOK_US);
	}
	/* What lasts until now counts as well. */
	if (w.last_us != 0 && clock_mono_us() - w.last_us > w.longest_us) {
		w.longest_us = clock_mono_us() - w.last_us;
	}
	lease_file_close(f);
	printf("%" PRIu64 " %u\n", w.longest_us / 1000, w.holders);
	return w.holders > 0 ? 0 : 1;
}
