/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_dir.h - a directory of capture files that never grows above a bound
 *
 * Files are plain pcap with nanoseconds, of one link type each, readable by the
 * group (0640).  Before the bound is passed the oldest one goes that is not
 * being written; those of earlier runs count.  When none can go packets are lost,
 * and what could not be written leaves no file without a packet.  Names are made
 * anew each time, and nothing is opened that is there already, so that no link
 * is followed.
 *
 * Place    above evidence_name; below evidence.
 * Threads  one at a time.
 * Memory   about 150 bytes a file, of at most EVIDENCE_FILES_MAX; one buffer.
 * Cost     one write for all packets that came together.
 */
#ifndef SENSOR_EVIDENCE_DIR_H
#define SENSOR_EVIDENCE_DIR_H

#include "common/err.h"
#include "sensor/evidence_name.h"

#define EVIDENCE_FILES_MAX 16384

/* clang-format off */
#define EVIDENCE_DIR_LIST(C) \
	C(packets) /* written */ \
	C(bytes)   /* of these, without heads */ \
	C(lost)    /* packets that could not be written */ \
	C(errors)  /* files that were given up for that */ \
	C(files)   /* begun */ \
	C(removed) /* for room */
/* clang-format on */

struct evidence_dir_counters {
#define C(name) uint64_t name;
	EVIDENCE_DIR_LIST(C)
#undef C
	uint64_t stored_bytes; /* by files of this and of earlier runs */
};

struct evidence_dir_settings {
	const char *dir; /* made (0750) when it is not there */
	uint64_t total_size;
	uint32_t snaplen; /* said in the files' heads */
	unsigned n_workers;
};

struct evidence_dir;

/* ERR_IO: it cannot be read, or another sensor keeps its evidence there;
 * ERR_NOMEM. */
enum err evidence_dir_open(struct evidence_dir **out,
			   const struct evidence_dir_settings *set,
			   struct diag *d) MUST_CHECK;
void evidence_dir_close(struct evidence_dir *v);
/* Of this process: one more than the highest of all files there. */
uint32_t evidence_dir_run(const struct evidence_dir *v);
/* The directory itself, for openat(2); stays the module's. */
int evidence_dir_fd(const struct evidence_dir *v);
/* The files that are there now, the oldest first; the caller frees '*names'.
 * ERR_NOMEM. */
enum err evidence_dir_names(const struct evidence_dir *v,
			    char (**names)[EVIDENCE_NAME_CAP],
			    size_t *n) MUST_CHECK;

/*
 * Puts the packet where h->at says, or counts it as lost.  What a file that
 * could not be written was to hold is lost until h->at names another; 'broken'
 * learns its number (struct evidence_tap has it).
 */
void evidence_dir_put(struct evidence_dir *v, const struct evidence_head *h,
		      const uint8_t *data, _Atomic uint32_t *broken);
/* What was put is in the files now. */
void evidence_dir_flush(struct evidence_dir *v);
const struct evidence_dir_counters *
evidence_dir_counters(const struct evidence_dir *v);

#endif
