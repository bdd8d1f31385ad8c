/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.h - frames in batches, from files or pipes
 *
 * Place    above packet.h.
 * Threads  one capture, one thread.
 * Memory   frames of a batch are views into the mapped file, or, of pipes and
 *          compressed files, live in the batch's slab, until the next
 *          capture_next() into it; a batch may be handed to another thread,
 *          but is refilled and freed by the capture's.
 * Cost     no system call per frame; one copy for those in the slab.
 */
#ifndef SENSOR_CAPTURE_H
#define SENSOR_CAPTURE_H

#include <signal.h>

#include "common/err.h"
#include "sensor/packet.h"

#define BATCH_FRAMES 64
#define BATCH_SLAB ((size_t)512 << 10)

struct capture_map;

struct batch_frames {
	struct frame frame[BATCH_FRAMES];
	uint32_t n;
	uint8_t *slab; /* BATCH_SLAB bytes, the batch's own */
	uint32_t used; /* bytes the frames take there, or would take */
	struct capture_map *map; /* held, or NULL */
	struct view
		next; /* of the map, behind the frames; see capture_spread() */
};

struct batch_frames *batch_frames_new(void);
void batch_frames_free(struct batch_frames *b);

struct capture;

struct capture_stats {
	uint64_t frames, bytes; /* delivered (captured bytes) */
	uint64_t oversized; /* records longer than the largest frame, skipped */
	uint64_t truncated; /* caplen < wirelen */
	uint64_t filtered; /* refused by the BPF filter */
	uint64_t cut_short; /* files that end inside their last record */
	uint64_t files;
	uint64_t files_skipped; /* in a directory, and no captures */
	uint64_t file_bytes_done,
		file_bytes_total; /* total 0: unknown (pipe) */
};

/*
 * Opens a list of paths: pcap (us, ns, both byte orders) and pcapng, plain,
 * gzip or zstd; a directory is read in name order, not recursively; "-" is
 * standard input.  'bpf' (may be NULL) is a pcap-filter(7) expression.
 * A missing path or a bad filter is ERR_USAGE at once.
 */
enum err capture_open_files(struct capture **out, const char *const *paths,
			    size_t n_paths, const char *bpf,
			    struct diag *d) MUST_CHECK;

/* Once '*stop' is not 0 a pipe is not waited for any more, and capture_next()
 * comes to the end; '*stop' must outlive the capture. */
void capture_stop(struct capture *c, const volatile sig_atomic_t *stop);

/*
 * Fills 'b' with the next frames: ERR_OK with b->n > 0, or ERR_EOF after the
 * last.  A damaged file gives what was readable, then one ERR_TRUNCATED or
 * ERR_FORMAT (diag names file and packet number), after which reading goes on
 * with the next file; the caller remembers it for its exit status.  One that
 * only ends inside its last record, as a killed tcpdump leaves it, is told the
 * same way, but has been counted in cut_short.  From a pipe, ERR_OK as soon as
 * the writer has no more for now, ERR_AGAIN when nothing came for a while.
 */
enum err capture_next(struct capture *c, struct batch_frames *b,
		      struct diag *d) MUST_CHECK;

/* Whether the latest capture_next() stopped because a pipe's writer has no more
 * for now. */
bool capture_rests(const struct capture *c);

/* From now on batches of at most 'n' frames, 1 to BATCH_FRAMES. */
void capture_limit(struct capture *c, uint32_t n);

/*
 * The caller will send for the bytes of b->next, as many as the batch has and a
 * few more, while it works on the batch (worker_expect()).  Else capture_next()
 * does, all at once, and waits for some of them.
 */
void capture_spread(struct capture *c);

const struct capture_stats *capture_stats(const struct capture *c);
/*
 * Name of the file the last batch came from (for pcap_filename), or "".  A
 * batch holds frames of one file only.
 */
const char *capture_current(const struct capture *c);
void capture_close(struct capture *c);

#endif
