/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_cut.h - the packets of one flow out of many files, as one pcapng
 *
 * Somebody asks for packets that are kept here (common/evidence_ask.h).  The
 * files are read a piece at a time, so that whoever writes them is not held up,
 * and what is asked for is gathered in memory, up to a bound.
 *
 *   evidence_cut_begin(c, &ask, names, n)
 *   evidence_cut_step(c)  ... until it is done
 *   evidence_cut_result(c)
 *
 * Files are read as this program wrote them, and strictly: one that is damaged
 * is given up where it is, and the others are still read.
 *
 * Place    above evidence_name, decode and evidence_ask; below evidence.
 * Threads  one at a time.
 * Memory   the answer (at most EVIDENCE_ASK_MAX), and one buffer.
 * Cost     a step reads CUT_STEP bytes at most.
 */
#ifndef SENSOR_EVIDENCE_CUT_H
#define SENSOR_EVIDENCE_CUT_H

#include "common/err.h"
#include "common/evidence_ask.h"
#include "sensor/evidence_name.h"

#define CUT_STEP ((size_t)1 << 20)

struct evidence_cut;

struct evidence_cut_result {
	struct view file; /* pcapng; the cut's, until the next begins */
	uint64_t packets;
	uint64_t files, damaged; /* looked into; given up */
	bool cut; /* max_bytes was reached: there may be more */
};

/* Frames of up to 'snaplen' bytes are read.  NULL without memory. */
struct evidence_cut *evidence_cut_new(uint32_t snaplen);
void evidence_cut_free(struct evidence_cut *c);
/* Files of the directory 'fd', of these names, which are the cut's (malloc)
 * from now on, in that order.  A cut that was under way ends. */
void evidence_cut_begin(struct evidence_cut *c, const struct evidence_ask *a,
			int fd, char (*names)[EVIDENCE_NAME_CAP], size_t n);
/* Reads on; ERR_AGAIN: there is more to read; ERR_OK: it is done; ERR_NOMEM:
 * it ends without an answer. */
enum err evidence_cut_step(struct evidence_cut *c) MUST_CHECK;
struct evidence_cut_result evidence_cut_result(const struct evidence_cut *c);

#endif
