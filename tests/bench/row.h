/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row.h - rows of a table whose runs take turns
 *
 * The machine may be shared: what is compared runs in turns, round after
 * round, and the best round of each row counts.
 *
 * Place    above floor.h, product.h and measure.h.
 * Threads  one.
 * Memory   the rows are the caller's.
 * Cost     each row runs 'rounds' times.
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "tests/bench/floor.h"
#include "tests/bench/product.h"

struct row {
	const char *figure; /* name of its figures, behind the prefix */
	const char *label;
	/* the floor, when it is not NULL, up to 'level' */
	struct floor *floor;
	enum floor_level level;
	/* else Picket up to 'stage' */
	enum product_stage stage;
	const struct conf *conf;
	const struct ruleset *rules;
	bool profile; /* what each rule costs is counted */
	/* what came of it */
	double best_s; /* CPU time */
	uint64_t packets, bytes, alerts;
	uint64_t found; /* literals, by the floor */
};

/* Runs the rows over a capture file. */
void rows_run(struct row *v, unsigned n, unsigned rounds, const char *path);
/*
 * Prints them, and keeps as figures PREFIX.FIGURE.s, .cycles (a packet) and
 * .gbits.
 */
void rows_print(const struct row *v, unsigned n, double hz, const char *prefix);

#endif
