/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/armed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libdeflate.h>

#include "common/log.h"
#include "sensor/spool_file.h"

#define NEW ARMED_FILE ".new"
#define MAGIC "PKTIND1\n"
#define MAGIC_LEN 8
#define ENTRY 8 /* length, CRC-32 */
#define SYNC_US UINT64_C(1000000)

struct armed_file {
	int dir, fd, new_fd; /* -1: none */
	uint64_t len, new_len, base_len; /* base_len: up to the deltas */
	uint64_t synced_us;
	bool dirty, told;
	uint8_t *buf; /* one document */
};

enum err
armed_file_open(struct armed_file **out, const char *dir, struct diag *d)
{
	struct armed_file *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->buf = malloc(DELTA_MAX_DOC)) == NULL) {
		free(f);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	f->fd = f->new_fd = -1;
	f->dir = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (f->dir < 0) {
		diag_set(d, ERR_IO, "%s: %s", dir, strerror(errno));
		armed_file_close(f);
		return ERR_IO;
	}
	*out = f;
	return ERR_OK;
}

void
armed_file_close(struct armed_file *f)
{
	if (f == NULL) {
		return;
	}
	armed_file_sync(f, UINT64_MAX);
	if (f->fd >= 0) {
		close(f->fd);
	}
	if (f->new_fd >= 0) {
		close(f->new_fd);
	}
	if (f->dir >= 0) {
		close(f->dir);
	}
	free(f->buf);
	free(f);
}

static enum err
failed(struct diag *d)
{
	return diag_set(d, ERR_IO, ARMED_FILE ": %s", strerror(errno));
}

/* The entry at '*at', into the buffer.  ERR_EOF: nothing more; ERR_TRUNCATED:
 * it ends there, or is damaged. */
static enum err
read_entry(struct armed_file *f, int fd, uint64_t *at, struct view *doc)
{
	uint8_t head[ENTRY];
	uint32_t len;
	enum err e = file_read_at(fd, head, 1, *at);

	if (e != ERR_OK) {
		return e;
	}
	e = file_read_at(fd, head, sizeof(head), *at);
	if (e != ERR_OK) {
		return e == ERR_EOF ? ERR_TRUNCATED : e;
	}
	len = load_be32(head);
	if (len < DELTA_HEAD || len > DELTA_MAX_DOC) {
		return ERR_TRUNCATED;
	}
	e = file_read_at(fd, f->buf, len, *at + ENTRY);
	if (e != ERR_OK) {
		return e == ERR_EOF ? ERR_TRUNCATED : e;
	}
	if (libdeflate_crc32(0, f->buf, len) != load_be32(head + 4)) {
		return ERR_TRUNCATED;
	}
	*at += ENTRY + len;
	*doc = view_of(f->buf, len);
	return ERR_OK;
}

static enum err
write_entry(int fd, uint64_t *at, struct view doc, struct diag *d)
{
	uint8_t head[ENTRY];

	store_be32(head, (uint32_t)doc.len);
	store_be32(head + 4, libdeflate_crc32(0, doc.p, doc.len));
	if (!file_write_at(fd, view_of(head, sizeof(head)), doc, *at)) {
		return failed(d);
	}
	*at += ENTRY + doc.len;
	return ERR_OK;
}

/* --- loading --- */

static enum err
wrong(enum armed_verdict v, struct diag *d)
{
	char why[400];

	snprintf(why, sizeof(why), "%.399s", d->msg);
	return diag_set(d, v == ARMED_FORGED ? ERR_AUTH : ERR_FORMAT,
			ARMED_FILE ": %s", why);
}

static enum err
load_base(struct armed_file *f, struct armed_set *a, uint64_t *at,
	  struct diag *d)
{
	struct delta_head h = { .parts = 0 };
	enum armed_verdict v;
	struct view doc;

	for (uint32_t i = 0; i <= h.parts; i++) {
		if (read_entry(f, f->fd, at, &doc) != ERR_OK) {
			return diag_set(d, ERR_FORMAT,
					ARMED_FILE ": its base is damaged");
		}
		v = i == 0 ? armed_set_base(a, doc, false, &h, d)
			   : armed_set_part(a, doc, i - 1, d);
		if (v != ARMED_TAKEN) {
			return wrong(v, d);
		}
		if (h.parts == UINT32_MAX) {
			return diag_set(d, ERR_FORMAT, ARMED_FILE ": parts");
		}
	}
	armed_set_base_end(a);
	return ERR_OK;
}

/* Deltas as far as they are whole. */
static enum err
load_deltas(struct armed_file *f, struct armed_set *a, uint64_t at,
	    struct diag *d)
{
	struct view doc;
	enum err e;

	while (f->len = at, (e = read_entry(f, f->fd, &at, &doc)) == ERR_OK) {
		enum armed_verdict v = armed_set_delta(a, doc, d);

		if (v != ARMED_TAKEN && v != ARMED_OLD) {
			log_warn(ARMED_FILE ": its end is not taken: %s",
				 v == ARMED_GAP ? "a delta is missing"
						: d->msg);
			e = ERR_TRUNCATED;
			break;
		}
	}
	if (e == ERR_IO) {
		return failed(d);
	}
	return e == ERR_TRUNCATED && !file_truncate(f->fd, f->len) ? failed(d)
								   : ERR_OK;
}

enum err
armed_file_load(struct armed_file *f, struct armed_set *a, struct diag *d)
{
	uint8_t magic[MAGIC_LEN];
	uint64_t at = MAGIC_LEN;
	enum err e;

	f->fd = file_open_at(f->dir, ARMED_FILE, O_RDWR, 0);
	if (f->fd < 0) {
		return errno == ENOENT ? ERR_OK : failed(d);
	}
	e = file_read_at(f->fd, magic, sizeof(magic), 0);
	if (e != ERR_OK || memcmp(magic, MAGIC, MAGIC_LEN) != 0) {
		e = diag_set(d, ERR_FORMAT, ARMED_FILE ": not such a file");
	}
	if (e == ERR_OK) {
		e = load_base(f, a, &at, d);
	}
	f->base_len = at;
	if (e == ERR_OK) {
		e = load_deltas(f, a, at, d);
	}
	if (e != ERR_OK) {
		/* it stays for who wants to look, until a base replaces it */
		armed_set_clear(a);
		close(f->fd);
		f->fd = -1;
	}
	return e;
}

/* --- a base anew --- */

/* One that lacks something must never take the place of the former. */
static enum err
write_new(struct armed_file *f, struct view doc, struct diag *d)
{
	enum err e = write_entry(f->new_fd, &f->new_len, doc, d);

	if (e != ERR_OK) {
		close(f->new_fd);
		f->new_fd = -1;
	}
	return e;
}

enum err
armed_file_begin(struct armed_file *f, struct view doc, struct diag *d)
{
	if (f->new_fd >= 0) {
		close(f->new_fd);
	}
	f->new_fd = file_open_at(f->dir, NEW, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (f->new_fd < 0) {
		return failed(d);
	}
	if (!file_write_at(f->new_fd, VIEW_LIT(MAGIC), VIEW_NONE, 0)) {
		(void)failed(d);
		close(f->new_fd);
		f->new_fd = -1;
		return ERR_IO;
	}
	f->new_len = MAGIC_LEN;
	return write_new(f, doc, d);
}

enum err
armed_file_part(struct armed_file *f, struct view doc, struct diag *d)
{
	return f->new_fd >= 0 ? write_new(f, doc, d) : ERR_IO;
}

/* They were taken once: the head is believed. */
static enum err
copy_deltas(struct armed_file *f, uint64_t epoch, uint64_t to, struct diag *d)
{
	struct delta_reader *r = delta_reader_new();
	uint64_t at = f->base_len;
	struct delta_head h;
	struct view doc;
	enum err e = r != NULL ? ERR_OK : diag_set(d, ERR_NOMEM, "no memory");

	while (e == ERR_OK && f->fd >= 0 &&
	       read_entry(f, f->fd, &at, &doc) == ERR_OK) {
		if (delta_open(r, doc, NULL, &h, d) == ERR_OK &&
		    h.epoch == epoch && h.to > to) {
			e = write_entry(f->new_fd, &f->new_len, doc, d);
		}
	}
	delta_reader_free(r);
	return e;
}

enum err
armed_file_end(struct armed_file *f, bool keep, uint64_t epoch, uint64_t to,
	       struct diag *d)
{
	uint64_t base = f->new_len;
	enum err e = f->new_fd >= 0 ? ERR_OK : ERR_IO;

	if (e == ERR_OK && keep) {
		e = copy_deltas(f, epoch, to, d);
	}
	if (e == ERR_OK && (!file_sync(f->new_fd) ||
			    renameat(f->dir, NEW, f->dir, ARMED_FILE) != 0 ||
			    !file_sync_dir(f->dir))) {
		e = failed(d);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (f->fd >= 0) {
		close(f->fd);
	}
	f->fd = f->new_fd;
	f->new_fd = -1;
	f->len = f->new_len;
	f->base_len = base;
	f->dirty = false;
	return ERR_OK;
}

enum err
armed_file_delta(struct armed_file *f, struct view doc, struct diag *d)
{
	enum err e;

	if (f->fd < 0) {
		return ERR_OK; /* no base to go on from: the next one comes */
	}
	e = write_entry(f->fd, &f->len, doc, d);
	if (e != ERR_OK) {
		/* A hole would end it as well: no more until the next base. */
		if (!file_truncate(f->fd, f->len)) {
			log_warn(ARMED_FILE ": cannot be cut");
		}
		close(f->fd);
		f->fd = -1;
	}
	f->dirty = true;
	return e;
}

void
armed_file_sync(struct armed_file *f, uint64_t now_us)
{
	if (f->dirty && f->fd >= 0 && now_us >= f->synced_us + SYNC_US) {
		f->dirty = false;
		f->synced_us = now_us;
		if (!file_sync(f->fd) && !f->told) {
			f->told = true;
			log_warn(ARMED_FILE ": cannot be made durable: %s",
				 strerror(errno));
		}
	}
}

bool
armed_file_is_long(const struct armed_file *f)
{
	return f->fd < 0 ||
	       f->len - f->base_len > f->base_len + ARMED_FILE_SPARE;
}
