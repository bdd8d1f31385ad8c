/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eve_out.h - lines of EVE JSON to a file, a pipe or standard output
 *
 * Whoever reads a pipe may be slow, and is waited for - but not for ever once
 * the program was told to stop; and may be gone.  What could not be written is
 * counted by the line, and told at the end.
 *
 * Place    above common; below eve_writer.
 * Threads  one at a time; eve_out_reader_gone() any.
 * Memory   one buffer of 1 MiB.
 * Cost     a copy a line; a write for each MiB, or into a pipe two system calls
 *          for each 4 KiB, so that no write of it can wait.
 */
#ifndef SENSOR_EVE_OUT_H
#define SENSOR_EVE_OUT_H

#include <signal.h>

#include "common/err.h"

struct eve_out_settings {
	const char *path; /* NULL: none; "-": standard output */
	/* Once it is set, a pipe is waited for so long in all; NULL: for
	 * ever. */
	const volatile sig_atomic_t *stop;
	uint64_t drain_us;
};

struct eve_out_counters {
	uint64_t bytes, write_errors;
	uint64_t unwritten; /* lines that are not there, or not whole */
};

struct eve_out;

/* ERR_USAGE, ERR_NOMEM with diag.  A FIFO that nobody reads is waited for,
 * until stop. */
enum err eve_out_open(struct eve_out **out, const struct eve_out_settings *s,
		      struct diag *d) MUST_CHECK;
/* 'line' without newline. */
void eve_out_line(struct eve_out *o, struct view line);
void eve_out_flush(struct eve_out *o);
/* Closes and opens the file again, after rotation. */
void eve_out_reopen(struct eve_out *o);
const struct eve_out_counters *eve_out_counters(const struct eve_out *o);
/* Whoever read standard output does so no more, and nobody else ever will. */
bool eve_out_reader_gone(const struct eve_out *o);
/* Writes what is left, tells what could not be written; ERR_IO then. */
enum err eve_out_close(struct eve_out *o);

#endif
