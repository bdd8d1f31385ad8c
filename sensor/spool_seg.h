/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_seg.h - one file of the spool: records one behind the other
 *
 * A segment begins with a head that names spool and class, then records
 * {head, data} follow (docs/formats.md).  The head of a record has a CRC of
 * its own, so that a damaged body costs one record and a damaged head, which
 * hides where the next one begins, costs the rest of the file.
 *
 * Place    above frame.h, below spool.h, its only user.
 * Threads  as the spool: one.
 * Memory   one struct per file.
 * Cost     appending is one write(2); reading two pread(2) a record.
 */
#ifndef SENSOR_SPOOL_SEG_H
#define SENSOR_SPOOL_SEG_H

#include "common/frame.h"

#define SEG_HEAD 32
#define SEG_REC_HEAD 48
#define SEG_NAME_CAP 32

struct seg {
	struct seg *next; /* of the same class, younger */
	unsigned cls;
	uint64_t epoch;
	uint64_t first_seq, last_seq; /* first_seq also names the file */
	uint64_t size; /* bytes that hold good records */
	uint64_t frames, events; /* events: that can be read */
	uint64_t base; /* bytes of the class before this file */
	bool sealed; /* nothing more will be appended */
	bool dirty; /* written since the last sync */
	int fd; /* -1 while not open */
	uint64_t used; /* when last, for the spool's choice what to close */

	/* The committed part at the front. */
	uint64_t done_off, done_frames, done_events;

	/* Records with a damaged body, not in 'events'; in any order. */
	uint64_t *bad;
	unsigned n_bad;
	uint64_t lost_off; /* from here on no record is found any more; or 0 */
	uint64_t walk_off, walk_last; /* a place, and the number before it */
};

/* A record's head as read. */
struct seg_rec {
	struct frame_header hdr;
	uint64_t off; /* of the record's head */
	uint32_t data_len, data_crc;
};

struct seg_scan {
	uint64_t bad_records; /* whole, but with a damaged body */
	uint64_t cut_bytes; /* behind the last good record */
	uint64_t beyond; /* highest number found among these bytes; or 0 */
	bool headless; /* the file's head is damaged */
	bool foreign; /* the head is whole and of another spool or class */
	bool unreadable; /* the disk refuses (EIO) the place of the cut */
};

/* Called for each record with a good head; 'good': so is its body. */
struct seg_visit {
	void (*each)(void *arg, const struct seg_rec *r, bool good);
	void *arg;
};

static inline uint64_t
seg_rec_size(const struct seg_rec *r)
{
	return SEG_REC_HEAD + (uint64_t)r->data_len;
}

/* Writes "2-00000000000000000017.seg"; 'name' holds SEG_NAME_CAP bytes. */
void seg_name(const struct seg *s, char *name);
/* Takes such a name apart; false when 'name' is something else. */
bool seg_parse_name(const char *name, unsigned *cls, uint64_t *first_seq);

/* Creates the file for s->cls, s->epoch, s->first_seq.  ERR_IO with errno. */
enum err seg_create(struct seg *s, int dirfd) MUST_CHECK;
/* Opens an existing file; no-op when open.  ERR_IO with errno. */
enum err seg_open(struct seg *s, int dirfd) MUST_CHECK;
enum err seg_open_to_read(struct seg *s, int dirfd) MUST_CHECK;
void seg_close(struct seg *s);
/* Closes, and frees all but the struct. */
void seg_fini(struct seg *s);
/* The epoch that the head of the open file names; ERR_FORMAT, ERR_IO. */
enum err seg_read_epoch(const struct seg *s, uint64_t *epoch) MUST_CHECK;

/*
 * Reads the open file from the front and keeps what is whole in s->size,
 * frames, events, last_seq; changes nothing.  'v' may be NULL.  ERR_IO when
 * the system refuses, ERR_NOMEM.  A place that the disk cannot read (EIO) is
 * damage as any other.
 */
enum err seg_look(struct seg *s, const struct seg_visit *v,
		  struct seg_scan *out) MUST_CHECK;
/*
 * The same, and cuts the file behind what is whole, but where the disk did
 * not let it be read.  ERR_IO: nothing was removed.
 */
enum err seg_scan(struct seg *s, struct seg_scan *out) MUST_CHECK;

/*
 * Appends.  On failure (ERR_IO with errno) the file is as before, or the
 * segment is sealed when even that cannot be had.
 */
enum err seg_append(struct seg *s, const struct frame_header *h,
		    struct view data) MUST_CHECK;

/* The head at 'off'; ERR_EOF at the end, ERR_FORMAT when damaged, ERR_IO. */
enum err seg_read_head(const struct seg *s, uint64_t off,
		       struct seg_rec *r) MUST_CHECK;
/* The body into 'buf' of at least r->data_len; ERR_FORMAT when damaged. */
enum err seg_read_data(const struct seg *s, const struct seg_rec *r,
		       uint8_t *buf) MUST_CHECK;

/* Remembers that the body of 'seq' is damaged; ERR_NOMEM. */
enum err seg_note_bad(struct seg *s, uint64_t seq) MUST_CHECK;
bool seg_is_bad(const struct seg *s, uint64_t seq);

#endif
