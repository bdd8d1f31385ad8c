/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_seg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "sensor/spool_file.h"

/* 0xf5 and 0xff never occur in UTF-8 text. */
static const uint8_t file_magic[8] = { 'P', 'K', 'S', 'E', 'G', 1, 0xf5, 0xff };
static const uint8_t rec_magic[4] = { 0xf5, 'P', 'K', 0xff };

static uint32_t
crc_of(const void *p, size_t n)
{
	return (uint32_t)crc32_z(0, p, n);
}

void
seg_name(const struct seg *s, char *name)
{
	snprintf(name, SEG_NAME_CAP, "%u-%020llu.seg", s->cls % 10,
		 (unsigned long long)s->first_seq);
}

bool
seg_parse_name(const char *name, unsigned *cls, uint64_t *first_seq)
{
	uint64_t n = 0;

	if (strlen(name) != 26 || name[0] < '0' || name[0] > '9' ||
	    name[1] != '-' || strcmp(name + 22, ".seg") != 0) {
		return false;
	}
	for (int i = 2; i < 22; i++) {
		unsigned digit = (unsigned char)name[i] - '0';

		if (digit > 9 || n > (UINT64_MAX - digit) / 10) {
			return false;
		}
		n = n * 10 + digit;
	}
	*cls = (unsigned)(name[0] - '0');
	*first_seq = n;
	return n > 0;
}

static void
put_file_head(const struct seg *s, uint8_t *b)
{
	memset(b, 0, SEG_HEAD);
	memcpy(b, file_magic, sizeof(file_magic));
	store_le64(b + 8, s->epoch);
	store_le64(b + 16, s->first_seq);
	b[24] = (uint8_t)s->cls;
	store_le32(b + 28, crc_of(b, 28));
}

static void
put_rec_head(const struct frame_header *h, struct view data, uint8_t *b)
{
	memset(b, 0, SEG_REC_HEAD);
	memcpy(b, rec_magic, sizeof(rec_magic));
	store_le32(b + 4, (uint32_t)data.len);
	store_le64(b + 8, h->epoch);
	store_le64(b + 16, h->seq);
	store_le32(b + 24, h->n);
	b[28] = h->sev;
	store_le32(b + 32, h->crc);
	store_le32(b + 36, h->raw_len);
	store_le32(b + 40, crc_of(data.p, data.len));
	store_le32(b + 44, crc_of(b, 44));
}

/* Reads a record's head; false when it is none. */
static bool
get_rec_head(const uint8_t *b, struct seg_rec *r)
{
	if (memcmp(b, rec_magic, sizeof(rec_magic)) != 0 ||
	    load_le32(b + 44) != crc_of(b, 44)) {
		return false;
	}
	r->data_len = load_le32(b + 4);
	r->hdr.epoch = load_le64(b + 8);
	r->hdr.seq = load_le64(b + 16);
	r->hdr.n = load_le32(b + 24);
	r->hdr.sev = b[28];
	r->hdr.crc = load_le32(b + 32);
	r->hdr.raw_len = load_le32(b + 36);
	r->data_crc = load_le32(b + 40);
	return r->data_len > 0 && r->data_len <= FRAME_MAX_DATA &&
	       r->hdr.raw_len <= FRAME_MAX_RAW;
}

enum err
seg_create(struct seg *s, int dirfd)
{
	uint8_t head[SEG_HEAD];
	char name[SEG_NAME_CAP];
	int err;

	seg_name(s, name);
	s->fd = file_open_at(dirfd, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (s->fd < 0) {
		return ERR_IO;
	}
	put_file_head(s, head);
	if (!file_write_at(s->fd, view_of(head, sizeof(head)), VIEW_NONE, 0)) {
		err = errno;
		unlinkat(dirfd, name, 0);
		seg_close(s);
		errno = err;
		return ERR_IO;
	}
	s->size = s->done_off = SEG_HEAD;
	s->last_seq = s->first_seq - 1;
	s->dirty = true;
	return ERR_OK;
}

static enum err
open_as(struct seg *s, int dirfd, int flags)
{
	char name[SEG_NAME_CAP];

	if (s->fd >= 0) {
		return ERR_OK;
	}
	seg_name(s, name);
	s->fd = file_open_at(dirfd, name, flags, 0);
	return s->fd >= 0 ? ERR_OK : ERR_IO;
}

enum err
seg_open(struct seg *s, int dirfd)
{
	return open_as(s, dirfd, O_RDWR);
}

enum err
seg_open_to_read(struct seg *s, int dirfd)
{
	return open_as(s, dirfd, O_RDONLY);
}

void
seg_close(struct seg *s)
{
	if (s->fd >= 0) {
		close(s->fd);
		s->fd = -1;
	}
}

void
seg_fini(struct seg *s)
{
	seg_close(s);
	free(s->bad);
	s->bad = NULL;
	s->n_bad = 0;
}

enum err
seg_note_bad(struct seg *s, uint64_t seq)
{
	uint64_t *p = s->bad;

	if ((s->n_bad & (s->n_bad - 1)) == 0) { /* full at powers of two */
		p = realloc(p, MAX(s->n_bad * 2UL, 1UL) * sizeof(*p));
		if (p == NULL) {
			return ERR_NOMEM;
		}
		s->bad = p;
	}
	p[s->n_bad++] = seq;
	return ERR_OK;
}

bool
seg_is_bad(const struct seg *s, uint64_t seq)
{
	for (unsigned i = 0; i < s->n_bad; i++) {
		if (s->bad[i] == seq) {
			return true;
		}
	}
	return false;
}

enum err
seg_read_head(const struct seg *s, uint64_t off, struct seg_rec *r)
{
	uint8_t b[SEG_REC_HEAD];
	enum err e;

	if (off >= s->size) {
		return ERR_EOF;
	}
	e = file_read_at(s->fd, b, sizeof(b), off);
	if (e != ERR_OK) {
		return e == ERR_EOF ? ERR_FORMAT : e;
	}
	r->off = off;
	return get_rec_head(b, r) ? ERR_OK : ERR_FORMAT;
}

enum err
seg_read_data(const struct seg *s, const struct seg_rec *r, uint8_t *buf)
{
	enum err e =
		file_read_at(s->fd, buf, r->data_len, r->off + SEG_REC_HEAD);

	if (e != ERR_OK) {
		return e == ERR_EOF ? ERR_FORMAT : e;
	}
	return crc_of(buf, r->data_len) == r->data_crc ? ERR_OK : ERR_FORMAT;
}

static enum err
read_file_head(const struct seg *s, uint8_t *b)
{
	enum err e = file_read_at(s->fd, b, SEG_HEAD, 0);

	if (e != ERR_OK) {
		return e == ERR_EOF ? ERR_FORMAT : e;
	}
	return memcmp(b, file_magic, sizeof(file_magic)) == 0 &&
			       load_le32(b + 28) == crc_of(b, 28)
		       ? ERR_OK
		       : ERR_FORMAT;
}

enum err
seg_read_epoch(const struct seg *s, uint64_t *epoch)
{
	uint8_t b[SEG_HEAD];
	enum err e = read_file_head(s, b);

	if (e == ERR_OK) {
		*epoch = load_le64(b + 8);
	}
	return e;
}

/* Whether the file is ours; ERR_FORMAT when its head is damaged. */
static enum err
check_file_head(const struct seg *s, struct seg_scan *out)
{
	uint8_t b[SEG_HEAD];
	enum err e = read_file_head(s, b);

	if (e == ERR_OK) {
		out->foreign = load_le64(b + 8) != s->epoch ||
			       load_le64(b + 16) != s->first_seq ||
			       b[24] != s->cls;
	}
	return e;
}

/*
 * Behind a damaged head records may stand whose place is known no more.  Their
 * numbers were given: the highest is looked for.
 */
static void
find_beyond(const struct seg *s, uint64_t off, uint64_t file_size, uint8_t *buf,
	    struct seg_scan *out)
{
	while (off + SEG_REC_HEAD <= file_size) {
		size_t n = (size_t)MIN(file_size - off, FRAME_MAX_DATA);
		const uint8_t *p = buf;
		struct seg_rec r;

		if (file_read_at(s->fd, buf, n, off) != ERR_OK) {
			return;
		}
		while (n - (size_t)(p - buf) >= SEG_REC_HEAD) {
			size_t left = n - (size_t)(p - buf);

			p = memmem(p, left - SEG_REC_HEAD + sizeof(rec_magic),
				   rec_magic, sizeof(rec_magic));
			if (p == NULL) {
				break;
			}
			if (get_rec_head(p, &r) && r.hdr.epoch == s->epoch) {
				out->beyond = MAX(out->beyond, r.hdr.seq);
			}
			p++;
		}
		off += n - MIN(n - 1, (size_t)SEG_REC_HEAD - 1);
	}
}

/*
 * Goes over the records.  One with a damaged body is passed over: its number
 * will be missing, and a gap will say so.  It stays in the file, and the
 * readers meet it again and pass it over again.
 */
static enum err
look_at_records(struct seg *s, uint64_t file_size, const struct seg_visit *v,
		struct seg_scan *out)
{
	uint8_t *body = malloc(FRAME_MAX_DATA);
	uint64_t off = SEG_HEAD;
	struct seg_rec r;
	enum err e = ERR_OK;

	if (body == NULL) {
		return ERR_NOMEM;
	}
	s->size = file_size; /* seg_read_head() must see the whole file */
	while (e == ERR_OK) {
		bool good, lost;

		e = seg_read_head(s, off, &r);
		if (e != ERR_OK) {
			break;
		}
		if (r.hdr.epoch != s->epoch || r.hdr.seq <= s->last_seq ||
		    seg_rec_size(&r) > file_size - off) {
			e = ERR_FORMAT;
			break;
		}
		e = seg_read_data(s, &r, body);
		good = e == ERR_OK;
		lost = e == ERR_FORMAT;
		if (lost) {
			out->bad_records++;
			e = seg_note_bad(s, r.hdr.seq);
		} else if (e == ERR_IO && errno == EIO) {
			out->bad_records++; /* it may read at the next try */
			e = ERR_OK;
		}
		if (v != NULL && e == ERR_OK) {
			v->each(v->arg, &r, good);
		}
		s->frames++;
		s->events += lost ? 0 : r.hdr.n;
		s->last_seq = r.hdr.seq;
		off += seg_rec_size(&r);
	}
	if (e == ERR_IO && errno == EIO) {
		/* The disk has lost this place; what follows is not cut. */
		out->unreadable = true;
		e = ERR_FORMAT;
	}
	if (e == ERR_FORMAT) {
		find_beyond(s, off + 1, file_size, body, out);
	}
	free(body);
	s->size = off;
	return e == ERR_EOF || e == ERR_FORMAT ? ERR_OK : e;
}

enum err
seg_look(struct seg *s, const struct seg_visit *v, struct seg_scan *out)
{
	struct stat st;
	uint64_t file_size;
	enum err e;

	*out = (struct seg_scan){ 0 };
	s->frames = s->events = 0;
	s->last_seq = s->first_seq - 1;
	s->size = s->done_off = 0;
	s->n_bad = 0;
	if (fstat(s->fd, &st) < 0) {
		return ERR_IO;
	}
	file_size = (uint64_t)st.st_size;
	e = check_file_head(s, out);
	if (e == ERR_OK && !out->foreign) {
		e = look_at_records(s, file_size, v, out);
	}
	if (e == ERR_IO && errno == EIO) {
		out->unreadable = true;
		e = ERR_FORMAT;
	}
	if (e == ERR_FORMAT) { /* no head: nothing in it can be trusted */
		out->headless = true;
		e = ERR_OK;
	}
	if (e != ERR_OK || out->foreign) {
		return e;
	}
	out->cut_bytes = file_size - s->size;
	s->done_off = MIN(s->size, (uint64_t)SEG_HEAD);
	return ERR_OK;
}

enum err
seg_scan(struct seg *s, struct seg_scan *out)
{
	enum err e = seg_look(s, NULL, out);

	if (e == ERR_OK && !out->foreign && !out->unreadable &&
	    out->cut_bytes > 0 && !file_truncate(s->fd, s->size)) {
		return ERR_IO;
	}
	return e;
}

enum err
seg_append(struct seg *s, const struct frame_header *h, struct view data)
{
	uint8_t head[SEG_REC_HEAD];
	int err;

	put_rec_head(h, data, head);
	s->dirty = true;
	if (file_write_at(s->fd, view_of(head, sizeof(head)), data, s->size)) {
		s->size += sizeof(head) + data.len;
		s->last_seq = h->seq;
		s->frames++;
		s->events += h->n;
		return ERR_OK;
	}
	err = errno;
	if (!file_truncate(s->fd, s->size)) {
		s->sealed = true;
	}
	errno = err;
	return ERR_IO;
}
