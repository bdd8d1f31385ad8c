/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_seg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sensor/spool_file.h"

#define MAGIC UINT64_C(0x324f52544552504b) /* "KPRETRO2" */
/* Of a version that knew no hosts: its digests have 16 bytes. */
#define MAGIC_1 UINT64_C(0x314f52544552504b)
#define BYTE_ORDER_MARK UINT32_C(0x01020304)

struct head {
	uint64_t magic;
	uint32_t order, n_blocks;
	uint64_t id, n;
	uint32_t from_s, to_s;
	uint64_t fence_sum;
	uint64_t sum; /* of all before it */
};

void
retro_seg_name(uint64_t id, char out[RETRO_SEG_NAME_CAP])
{
	snprintf(out, RETRO_SEG_NAME_CAP, "%016llx.seg",
		 (unsigned long long)id);
}

/* While it is written. */
static void
temporary_name(uint64_t id, char out[RETRO_SEG_NAME_CAP])
{
	snprintf(out, RETRO_SEG_NAME_CAP, "%016llx.new",
		 (unsigned long long)id);
}

static uint64_t
head_sum(const struct head *h)
{
	return XXH3_64bits(h, offsetof(struct head, sum));
}

static uint64_t
block_sum(const struct retro_block *b)
{
	return XXH3_64bits((const uint8_t *)b + sizeof(b->sum),
			   sizeof(*b) - sizeof(b->sum));
}

static uint64_t
size_of(uint32_t n_blocks)
{
	return RETRO_SEG_HEAD +
	       (uint64_t)n_blocks * (RETRO_BLOCK + sizeof(struct retro_fence));
}

static enum err
refuse(struct retro_seg *s, struct diag *d, const char *why)
{
	uint64_t id = s->id;

	retro_seg_close(s);
	return diag_set(d, ERR_FORMAT, "%016llx.seg: %s",
			(unsigned long long)id, why);
}

static enum err
read_fence(struct retro_seg *s, uint64_t sum, struct diag *d)
{
	size_t len = (size_t)s->n_blocks * sizeof(*s->fence);
	enum err e;

	s->fence = malloc(MAX(len, (size_t)1));
	if (s->fence == NULL) {
		retro_seg_close(s);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = file_read_at(s->fd, s->fence, len,
			 RETRO_SEG_HEAD + (uint64_t)s->n_blocks * RETRO_BLOCK);
	if (e != ERR_OK || XXH3_64bits(s->fence, len) != sum) {
		return refuse(s, d, "its list of blocks is damaged");
	}
	for (uint32_t i = 1; i < s->n_blocks; i++) {
		if (retro_cmp_key(s->fence[i - 1].kind, s->fence[i - 1].key,
				  s->fence[i].kind, s->fence[i].key) >= 0) {
			return refuse(s, d, "its blocks are out of order");
		}
	}
	return ERR_OK;
}

enum err
retro_seg_open(struct retro_seg *s, int dirfd, uint64_t id, struct diag *d)
{
	char name[RETRO_SEG_NAME_CAP];
	struct stat st;
	struct head h;

	*s = (struct retro_seg){ .id = id };
	retro_seg_name(id, name);
	s->fd = file_open_at(dirfd, name, O_RDONLY | O_NOFOLLOW, 0);
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		int why = errno;

		retro_seg_close(s);
		errno = why;
		return diag_set(d, ERR_IO, "%s: %s", name, strerror(why));
	}
	if (file_read_at(s->fd, &h, sizeof(h), 0) != ERR_OK ||
	    (h.magic != MAGIC && h.magic != MAGIC_1) ||
	    h.order != BYTE_ORDER_MARK || h.id != id || h.sum != head_sum(&h)) {
		return refuse(s, d, "its head is damaged, or of other make");
	}
	s->bytes = size_of(h.n_blocks);
	if (h.n_blocks > RETRO_SEG_MAX_BLOCKS || h.from_s > h.to_s ||
	    h.n > (uint64_t)h.n_blocks * RETRO_BLOCK_ENTRIES ||
	    (uint64_t)st.st_size != s->bytes) {
		return refuse(s, d, "it is not as long as its head says");
	}
	s->no_hosts = h.magic == MAGIC_1;
	s->n = h.n;
	s->n_blocks = h.n_blocks;
	s->from_s = h.from_s;
	s->to_s = h.to_s;
	return read_fence(s, h.fence_sum, d);
}

void
retro_seg_close(struct retro_seg *s)
{
	if (s->fd >= 0) {
		close(s->fd);
	}
	s->fd = -1;
	free(s->fence);
	s->fence = NULL;
}

static bool
block_ok(const struct retro_seg *s, uint32_t i, const struct retro_block *b)
{
	if (b->sum != block_sum(b) || b->segment != s->id || b->number != i ||
	    b->n == 0 || b->n > RETRO_BLOCK_ENTRIES) {
		return false;
	}
	for (uint32_t k = 0; k < b->n; k++) {
		if (!retro_entry_ok(&b->v[k]) ||
		    (k > 0 && retro_cmp(&b->v[k - 1], &b->v[k]) >= 0)) {
			return false;
		}
	}
	return true;
}

static void
clear_hosts(struct retro_block *b)
{
	for (uint32_t k = 0; k < b->n; k++) {
		if (b->v[k].kind != INDICATOR_IP) {
			b->v[k].hosts = 0;
		}
	}
}

enum err
retro_seg_block(struct retro_seg *s, uint32_t i, struct retro_block *out)
{
	enum err e = file_read_at(s->fd, out, sizeof(*out),
				  RETRO_SEG_HEAD + (uint64_t)i * RETRO_BLOCK);

	if (e == ERR_OK && block_ok(s, i, out)) {
		if (s->no_hosts) {
			clear_hosts(out);
		}
		return ERR_OK;
	}
	s->bad++;
	return e == ERR_IO ? ERR_IO : ERR_FORMAT;
}

uint32_t
retro_seg_find(const struct retro_seg *s, unsigned kind,
	       const uint8_t key[RETRO_KEY_LEN])
{
	uint32_t lo = 0, hi = s->n_blocks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct retro_fence *f = &s->fence[mid];

		if (retro_cmp_key(f->kind, f->key, kind, key) <= 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo > 0 ? lo - 1 : UINT32_MAX;
}

uint32_t
retro_block_find(const struct retro_block *b, unsigned kind,
		 const uint8_t key[RETRO_KEY_LEN])
{
	uint32_t lo = 0, hi = b->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (retro_cmp_key(b->v[mid].kind, b->v[mid].key, kind, key) <
		    0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

/* --- writing --- */

enum err
retro_writer_open(struct retro_writer *w, int dirfd, uint64_t id)
{
	char name[RETRO_SEG_NAME_CAP];

	*w = (struct retro_writer){ .dirfd = dirfd,
				    .id = id,
				    .from_s = UINT32_MAX };
	temporary_name(id, name);
	w->fd = file_open_at(dirfd, name,
			     O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	if (w->fd < 0) {
		return ERR_IO;
	}
	w->block = calloc(1, sizeof(*w->block));
	if (w->block == NULL) {
		retro_writer_abandon(w);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

static enum err
add_fence(struct retro_writer *w)
{
	struct retro_fence *f = w->fence;
	uint32_t cap = w->cap_fence;

	if (w->n_blocks == RETRO_SEG_MAX_BLOCKS) {
		errno = EFBIG;
		return ERR_IO;
	}
	if (w->n_blocks == cap) {
		cap = cap * 2 + 64;
		f = realloc(f, cap * sizeof(*f));
		if (f == NULL) {
			return ERR_NOMEM;
		}
		w->fence = f;
		w->cap_fence = cap;
	}
	f = &w->fence[w->n_blocks];
	*f = (struct retro_fence){ .kind = w->block->v[0].kind };
	memcpy(f->key, w->block->v[0].key, sizeof(f->key));
	return ERR_OK;
}

static enum err
write_block(struct retro_writer *w)
{
	struct retro_block *b = w->block;
	enum err e = add_fence(w);

	if (e != ERR_OK) {
		return e;
	}
	memset(&b->v[b->n], 0, (RETRO_BLOCK_ENTRIES - b->n) * sizeof(b->v[0]));
	b->segment = w->id;
	b->number = w->n_blocks;
	b->sum = block_sum(b);
	if (!file_write_at(w->fd, view_of(b, sizeof(*b)), VIEW_NONE,
			   RETRO_SEG_HEAD +
				   (uint64_t)w->n_blocks * RETRO_BLOCK)) {
		return ERR_IO;
	}
	w->n_blocks++;
	b->n = 0;
	return ERR_OK;
}

enum err
retro_writer_put(struct retro_writer *w, const struct retro_entry *e)
{
	w->block->v[w->block->n++] = *e;
	w->n++;
	w->from_s = MIN(w->from_s, e->last_s);
	w->to_s = MAX(w->to_s, e->last_s);
	return w->block->n == RETRO_BLOCK_ENTRIES ? write_block(w) : ERR_OK;
}

static bool
write_ends(struct retro_writer *w)
{
	static const uint8_t zero[RETRO_SEG_HEAD];
	size_t len = (size_t)w->n_blocks * sizeof(*w->fence);
	struct head h = {
		.magic = MAGIC,
		.order = BYTE_ORDER_MARK,
		.n_blocks = w->n_blocks,
		.id = w->id,
		.n = w->n,
		.from_s = MIN(w->from_s, w->to_s),
		.to_s = w->to_s,
		.fence_sum = XXH3_64bits(w->fence, len),
	};

	h.sum = head_sum(&h);
	return file_write_at(w->fd, view_of(w->fence, len), VIEW_NONE,
			     RETRO_SEG_HEAD +
				     (uint64_t)w->n_blocks * RETRO_BLOCK) &&
	       file_write_at(w->fd, view_of(&h, sizeof(h)),
			     view_of(zero, sizeof(zero) - sizeof(h)), 0) &&
	       file_sync(w->fd);
}

enum err
retro_writer_finish(struct retro_writer *w)
{
	char fresh[RETRO_SEG_NAME_CAP], name[RETRO_SEG_NAME_CAP];
	enum err e = w->block->n > 0 ? write_block(w) : ERR_OK;

	if (e != ERR_OK) {
		return e;
	}
	temporary_name(w->id, fresh);
	retro_seg_name(w->id, name);
	if (!write_ends(w) || renameat(w->dirfd, fresh, w->dirfd, name) < 0) {
		return ERR_IO;
	}
	close(w->fd);
	w->fd = -1;
	retro_writer_abandon(w);
	return ERR_OK;
}

void
retro_writer_abandon(struct retro_writer *w)
{
	char name[RETRO_SEG_NAME_CAP];
	int why = errno;

	if (w->fd >= 0) {
		close(w->fd);
		temporary_name(w->id, name);
		(void)unlinkat(w->dirfd, name, 0);
	}
	w->fd = -1;
	free(w->fence);
	free(w->block);
	w->fence = NULL;
	w->block = NULL;
	errno = why;
}
