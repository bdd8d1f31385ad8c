/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_source.h - the bytes of a capture file, decompressed, in a window
 *
 * Internal to the capture_*.c files.  Compression is told by magic: gzip
 * (RFC 1952, members may follow one another) and zstd (RFC 8878, frames may
 * follow one another); anything else is read as it is, and mapped when it is a
 * file (capture_map.h).
 *
 * Place    above err.h.
 * Threads  one source, one thread.
 * Memory   a window of SOURCE_WINDOW bytes, and 256 KiB of input and the
 *          decompressor's own (at most 2^SOURCE_ZSTD_WINDOW_LOG bytes) when
 *          compressed.  Kept from file to file.
 * Cost     one read(2) per window, or one madvise(2) per megabyte of a map.
 */
#ifndef SENSOR_CAPTURE_SOURCE_H
#define SENSOR_CAPTURE_SOURCE_H

#include <signal.h>

#include "common/err.h"

#define SOURCE_WINDOW ((size_t)1 << 20)
/* What "zstd --ultra" and "zstd --long" use; more is refused. */
#define SOURCE_ZSTD_WINDOW_LOG 27

struct capture_map;
struct source;

struct source *source_new(void); /* NULL when out of memory */
void source_free(struct source *s);

/* Whoever waits for a pipe's writer gives up, as at the end of the input, once
 * '*stop' is not 0, which may be set by a signal; it must outlive the source. */
void source_stop(struct source *s, const volatile sig_atomic_t *stop);
/* Whether one did, since source_open(). */
bool source_stopped(const struct source *s);

/* "-" is standard input.  ERR_IO with diag when the system refuses. */
enum err source_open(struct source *s, const char *path,
		     struct diag *d) MUST_CHECK;
void source_close(struct source *s);

/*
 * Makes at least 'n' (at most SOURCE_WINDOW / 2) bytes contiguous and returns
 * all that are, from the place read so far on; fewer than 'n' only when the
 * input ends there or is damaged, which source_error() tells.  The view is
 * valid until the next call, or longer: source_map().
 */
struct view source_peek(struct source *s, size_t n);
/*
 * The map that source_peek() shows parts of, whose views live as long as it is
 * held; NULL when the input comes in pieces.  To be asked for each batch, so
 * that what it will read is brought in.
 */
struct capture_map *source_map(struct source *s);
/* Moves on by 'n' bytes that source_peek() has shown. */
void source_consume(struct source *s, size_t n);
/* Moves on by any 'n'; false when the input ends before. */
bool source_skip(struct source *s, uint64_t n) MUST_CHECK;

/*
 * ERR_OK, also at the end; ERR_TRUNCATED when a compressed stream stops short,
 * ERR_FORMAT when it is damaged, ERR_IO when the system refused to read.
 * '*why' (static storage) says it in words.
 */
enum err source_error(const struct source *s, const char **why);

/*
 * Whether source_peek() has more to show than the 'taken' bytes that will be
 * consumed next, without waiting long: always for files, within 'wait_ms' for
 * pipes.  A writer that stops inside a record is waited for.
 */
bool source_ready(const struct source *s, size_t taken, int wait_ms);

/* Bytes of the file (as stored) that were read, and its size or 0. */
uint64_t source_bytes_read(const struct source *s);
uint64_t source_file_size(const struct source *s);

#endif
