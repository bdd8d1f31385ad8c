/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment as a failing disk may leave it.  It is looked at, alone and in a
 * spool by spool_check(), which changes nothing; it is read through and cut,
 * as was foretold, and then every record that was counted must be there, in
 * order, and the file must take another.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "sensor/spool_check.h"
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

static char dir[64];

static void
remove_dir(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/1-%020d.seg", dir, FIRST);
	unlink(path);
	rmdir(dir);
}

/* The same bytes as the only file of a spool: what waits is what was seen. */
static void
check_spool(const uint8_t *data, size_t size, const struct seg *s,
	    const struct seg_scan *seen)
{
	struct spool_check c;
	char path[128];
	FILE *null = fopen("/dev/null", "w");
	uint64_t waiting = 0;
	int fd;

	if (dir[0] == '\0') {
		snprintf(dir, sizeof(dir), "%s/fuzz-spool.XXXXXX",
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		if (mkdtemp(dir) == NULL) {
			abort();
		}
		atexit(remove_dir);
	}
	snprintf(path, sizeof(path), "%s/1-%020d.seg", dir, FIRST);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || null == NULL) {
		abort();
	}
	close(fd);
	spool_check(&c, dir);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		waiting += c.waiting[i].batches;
	}
	/* The epoch is the file's here, so it may be less foreign. */
	if (!seen->foreign && c.meta.epoch == EPOCH &&
	    (waiting + c.bad_records != s->frames ||
	     c.torn_bytes != seen->cut_bytes)) {
		abort();
	}
	if (!spool_check_print(&c, null) || !spool_check_json(&c, null)) {
		abort();
	}
	spool_check_fini(&c);
	fclose(null);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t body[FRAME_MAX_DATA];
	struct seg s = { .cls = 1, .epoch = EPOCH, .first_seq = FIRST };
	struct frame_header h = { .epoch = EPOCH, .n = 1, .sev = 2 };
	struct seg_scan look, scan, again;
	uint64_t frames;

	s.fd = memfd_create("segment", MFD_CLOEXEC);
	if (s.fd < 0 || write(s.fd, data, size) != (ssize_t)size) {
		abort();
	}
	if (seg_look(&s, NULL, &look) != ERR_OK) {
		abort();
	}
	check_spool(data, size, &s, &look);
	frames = s.frames;
	if (seg_scan(&s, &scan) != ERR_OK || s.frames != frames ||
	    scan.cut_bytes != look.cut_bytes || scan.beyond != look.beyond) {
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
	seg_fini(&s);
	return 0;
}
