/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment as a failing disk may leave it.  It is read through, cut, and
 * then every record that was counted must be there, in order, and the file
 * must take another.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "sensor/spool_seg.h"

#define EPOCH 1700000000000
#define FIRST 17

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned seed);

/* Makes the checksums right after two of three mutations, or nothing behind
 * them would ever be reached. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t off = SEG_HEAD;

	size = LLVMFuzzerMutate(data, size, max);
	if (seed % 3 == 0 || size < SEG_HEAD) {
		return size;
	}
	store_le32(data + 28, (uint32_t)crc32_z(0, data, 28));
	while (size - off >= SEG_REC_HEAD) {
		uint8_t *rec = data + off;
		size_t len = MIN((size_t)load_le32(rec + 4),
				 size - off - SEG_REC_HEAD);

		store_le32(rec + 40,
			   (uint32_t)crc32_z(0, rec + SEG_REC_HEAD, len));
		store_le32(rec + 44, (uint32_t)crc32_z(0, rec, 44));
		off += SEG_REC_HEAD + len;
	}
	return size;
}

/* Walks the records; returns how many. */
static uint64_t
walk(struct seg *s, uint8_t *body)
{
	uint64_t off = SEG_HEAD, n = 0, last = FIRST - 1;
	struct seg_rec r;

	while (seg_read_head(s, off, &r) == ERR_OK) {
		if (r.hdr.epoch != EPOCH || r.hdr.seq <= last ||
		    seg_rec_size(&r) > s->size - off) {
			abort();
		}
		(void)!seg_read_data(s, &r, body);
		last = r.hdr.seq;
		off += seg_rec_size(&r);
		n++;
	}
	if (off != s->size || last != s->last_seq) {
		abort();
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t body[FRAME_MAX_DATA];
	struct seg s = { .cls = 1, .epoch = EPOCH, .first_seq = FIRST };
	struct frame_header h = { .epoch = EPOCH, .n = 1, .sev = 2 };
	struct seg_scan scan, again;
	uint64_t frames;

	s.fd = memfd_create("segment", MFD_CLOEXEC);
	if (s.fd < 0 || write(s.fd, data, size) != (ssize_t)size) {
		abort();
	}
	if (seg_scan(&s, &scan) != ERR_OK) {
		abort();
	}
	if (!scan.foreign && s.size >= SEG_HEAD) {
		frames = walk(&s, body);
		if (frames != s.frames) {
			abort();
		}
		h.seq = s.last_seq + 1;
		if (h.seq != 0 &&
		    seg_append(&s, &h, VIEW_LIT("twelve bytes")) != ERR_OK) {
			abort();
		}
		if (h.seq != 0 &&
		    (seg_scan(&s, &again) != ERR_OK || s.frames != frames + 1 ||
		     again.cut_bytes != 0)) {
			abort();
		}
	}
	seg_close(&s);
	return 0;
}
