/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_index_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/spool_file.h"

#define TABLE 131072 /* entries, 8 MiB */
#define FLUSH_US (5 * US_PER_S)
#define RETRY_US (10 * US_PER_S)

void
retro_told_error(struct retro_index *x, const char *what)
{
	x->count.write_errors++;
	if (!x->error_told) {
		log_warn("retro.dir %s: %s: %s; what is seen is kept in memory "
			 "as far as it goes",
			 x->conf.dir, what, strerror(errno));
	}
	x->error_told = true;
}

void
retro_tell_bad(struct retro_index *x, struct retro_seg *s)
{
	x->count.bad_blocks++;
	if (!s->told) {
		log_warn("retro.dir %s: %016llx.seg: a block is damaged; what "
			 "it held is not found",
			 x->conf.dir, (unsigned long long)s->id);
	}
	s->told = true;
}

uint64_t
retro_bytes(const struct retro_index *x)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < x->n_segs; i++) {
		n += x->seg[i]->bytes;
	}
	for (unsigned i = 0; i < x->merge.n; i++) {
		n += x->merge.in[i].seg->bytes; /* at most, once it is done */
	}
	return n;
}

/*
 * By the packets' time, or a capture of last year would be gone at once; but
 * not beyond our own clock, or a stamp of the future would clear the index.
 */
uint32_t
retro_cutoff(const struct retro_index *x)
{
	uint32_t wall = (uint32_t)(clock_wall_us() / US_PER_S);
	uint32_t now = MIN(wall, x->newest_s);

	return x->conf.keep_s > 0 && now > x->conf.keep_s ? now - x->conf.keep_s
							  : 0;
}

void
retro_remove(struct retro_index *x, unsigned i)
{
	struct retro_seg *s = x->seg[i];
	char name[RETRO_SEG_NAME_CAP];

	for (unsigned k = 0; k < x->merge.n; k++) {
		if (x->merge.in[k].seg == s) {
			retro_merge_abandon(x);
		}
	}
	retro_seg_name(s->id, name);
	x->count.dropped += s->n;
	x->seg[i] = x->seg[--x->n_segs];
	/* without its file first: a list that names it finds it missing */
	(void)unlinkat(x->dirfd, name, 0);
	if (retro_write_manifest(x) != ERR_OK) {
		retro_told_error(x, "manifest");
	}
	retro_seg_close(s);
	free(s);
}

void
retro_make_room(struct retro_index *x, uint64_t bytes)
{
	while (x->n_segs > 0 && retro_bytes(x) + bytes > x->conf.max_size) {
		unsigned oldest = 0;

		for (unsigned i = 1; i < x->n_segs; i++) {
			if (x->seg[i]->to_s < x->seg[oldest]->to_s) {
				oldest = i;
			}
		}
		retro_remove(x, oldest);
	}
}

static void
drop_aged(struct retro_index *x)
{
	uint32_t cutoff = retro_cutoff(x);

	for (unsigned i = 0; i < x->n_segs;) {
		if (x->seg[i]->to_s < cutoff) {
			retro_remove(x, i);
		} else {
			i++;
		}
	}
}

static enum err
write_table(struct retro_index *x, struct retro_seg *made)
{
	struct retro_writer w;
	uint64_t id = x->next_id++;
	enum err e = retro_writer_open(&w, x->dirfd, id);

	if (e != ERR_OK) {
		return e;
	}
	retro_table_sort(&x->table);
	for (uint32_t i = 0; i < x->table.n && e == ERR_OK; i++) {
		e = retro_writer_put(&w, &x->table.v[i]);
	}
	if (e == ERR_OK) {
		e = retro_writer_finish(&w);
	}
	if (e != ERR_OK) {
		retro_writer_abandon(&w);
		return e;
	}
	return retro_seg_open(made, x->dirfd, id, NULL);
}

enum err
retro_index_flush(struct retro_index *x)
{
	struct retro_seg *made;
	enum err e;

	x->flush_us = 0;
	if (x->table.n == 0) {
		return ERR_OK;
	}
	drop_aged(x);
	retro_make_room(x, (uint64_t)x->table.n * sizeof(struct retro_entry) +
				   2 * RETRO_BLOCK);
	if (x->n_segs == RETRO_MAX_SEGMENTS - 1) {
		/* no merge can be written, and there are too many */
		errno = EMFILE;
		e = ERR_IO;
		made = NULL;
	} else {
		made = calloc(1, sizeof(*made));
		e = made != NULL ? write_table(x, made) : ERR_NOMEM;
	}
	if (e == ERR_OK) {
		x->seg[x->n_segs++] = made;
		e = retro_write_manifest(x);
		if (e != ERR_OK) {
			x->n_segs--;
			retro_seg_close(made);
			if (!x->merge.on) {
				retro_sweep_files(x, NULL, NULL);
			}
		}
	}
	if (e != ERR_OK) {
		free(made);
		retro_told_error(x, "cannot be written");
		x->retry_us = clock_mono_us() + RETRY_US;
		return e;
	}
	x->error_told = false;
	x->count.written++;
	retro_table_reset(&x->table);
	return ERR_OK;
}

uint32_t
retro_index_newest(const struct retro_index *x)
{
	return MAX(x->newest_s, 1U);
}

void
retro_index_add(struct retro_index *x, const struct retro_entry *e)
{
	struct retro_entry own = *e;

	own.first_s = MIN(own.first_s, own.last_s);
	x->count.added++;
	x->newest_s = MAX(x->newest_s, own.last_s);
	if (retro_table_add(&x->table, &own)) {
		return;
	}
	if (clock_mono_us() >= x->retry_us && retro_index_flush(x) == ERR_OK &&
	    retro_table_add(&x->table, &own)) {
		return;
	}
	x->count.lost++;
}

bool
retro_index_work(struct retro_index *x, uint64_t mono_us)
{
	if (x->table.n > 0 && x->flush_us == 0) {
		x->flush_us = mono_us + FLUSH_US;
	}
	if (x->flush_us > 0 && mono_us >= x->flush_us &&
	    mono_us >= x->retry_us && retro_index_flush(x) != ERR_OK) {
		return false;
	}
	return retro_merge_step(x, mono_us);
}

/* --- opening --- */

static void
take_segment(struct retro_index *x, uint64_t id)
{
	struct retro_seg *s = calloc(1, sizeof(*s));
	struct diag d;
	enum err e;

	if (s == NULL) {
		return;
	}
	e = retro_seg_open(s, x->dirfd, id, &d);
	if (e != ERR_OK) {
		if (e == ERR_FORMAT || errno != ENOENT) {
			x->count.bad_segments++;
			log_warn("retro.dir %s: %s", x->conf.dir, d.msg);
		}
		free(s);
		return;
	}
	x->newest_s = MAX(x->newest_s, s->to_s);
	x->seg[x->n_segs++] = s;
}

static enum err
open_segments(struct retro_index *x)
{
	uint64_t ids[RETRO_MAX_SEGMENTS];
	struct diag d;
	unsigned n = 0;
	enum err e = retro_read_manifest(x->dirfd, ids, &n, &x->next_id, &d);

	if (e == ERR_FORMAT) {
		log_warn("retro.dir %s: %s; taking all segments that are there",
			 x->conf.dir, d.msg);
	}
	if (e != ERR_OK) {
		n = 0;
		retro_sweep_files(x, ids, &n);
	}
	for (unsigned i = 0; i < n && x->n_segs < RETRO_MAX_SEGMENTS - 1; i++) {
		take_segment(x, ids[i]);
	}
	return e;
}

static enum err
open_dir(struct retro_index *x, bool make, struct diag *d)
{
	const char *dir = x->conf.dir;

	if (make && mkdir(dir, 0700) < 0 && errno != EEXIST) {
		return diag_set(d, ERR_IO, "retro.dir %s: %s", dir,
				strerror(errno));
	}
	x->dirfd = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (x->dirfd < 0) {
		return diag_set(d, ERR_IO, "retro.dir %s: %s", dir,
				strerror(errno));
	}
	if (!make) {
		return ERR_OK;
	}
	x->lockfd = file_open_at(x->dirfd, "lock", O_RDWR | O_CREAT, 0600);
	if (x->lockfd < 0 || flock(x->lockfd, LOCK_EX | LOCK_NB) < 0) {
		return diag_set(d, ERR_IO, "retro.dir %s: %s", dir,
				errno == EWOULDBLOCK
					? "another sensor writes to it"
					: strerror(errno));
	}
	return ERR_OK;
}

static struct retro_index *
make_index(const char *dir)
{
	struct retro_index *x = calloc(1, sizeof(*x));

	if (x == NULL) {
		return NULL;
	}
	x->dirfd = x->lockfd = x->merge.out.fd = -1;
	x->next_id = 1;
	x->conf.dir = strdup(dir);
	x->scratch = calloc(1, sizeof(*x->scratch));
	if (x->conf.dir == NULL || x->scratch == NULL) {
		retro_index_close(x);
		return NULL;
	}
	return x;
}

enum err
retro_index_open(struct retro_index **out, const struct retro_index_conf *c,
		 struct diag *d)
{
	struct retro_index *x = make_index(c->dir);
	enum err e;

	*out = NULL;
	if (x == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	x->reads_only = true; /* until it is whole: nothing to write */
	x->conf.max_size = MAX(c->max_size, RETRO_MIN_SIZE);
	x->conf.keep_s = c->keep_s;
	e = open_dir(x, true, d);
	if (e == ERR_OK) {
		e = retro_read_secret(x, true, d);
	}
	if (e == ERR_OK &&
	    retro_table_init(&x->table, c->table != 0 ? c->table : TABLE) !=
		    ERR_OK) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e != ERR_OK) {
		retro_index_close(x);
		return e;
	}
	x->reads_only = false;
	(void)open_segments(x);
	retro_sweep_files(x, NULL, NULL); /* what a crash left */
	if (retro_write_manifest(x) != ERR_OK) {
		retro_told_error(x, "manifest");
	}
	*out = x;
	return ERR_OK;
}

enum err
retro_index_open_read(struct retro_index **out, const char *dir, struct diag *d)
{
	struct retro_index *x = make_index(dir);
	enum err e;

	*out = NULL;
	if (x == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	x->reads_only = true;
	e = open_dir(x, false, d);
	if (e == ERR_OK) {
		e = retro_read_secret(x, false, d);
	}
	if (e != ERR_OK) {
		retro_index_close(x);
		return e;
	}
	/* A merge of the sensor's may take away what the list named: the list
	 * is another one then. */
	for (unsigned tries = 0; tries < 10; tries++) {
		uint64_t ids[RETRO_MAX_SEGMENTS], next;
		unsigned n = 0;

		e = open_segments(x);
		if (e != ERR_OK ||
		    retro_read_manifest(x->dirfd, ids, &n, &next, NULL) !=
			    ERR_OK ||
		    n <= x->n_segs + x->count.bad_segments) {
			break;
		}
		while (x->n_segs > 0) {
			retro_seg_close(x->seg[--x->n_segs]);
			free(x->seg[x->n_segs]);
		}
		x->count.bad_segments = 0;
	}
	*out = x;
	return ERR_OK;
}

void
retro_index_close(struct retro_index *x)
{
	if (x == NULL) {
		return;
	}
	if (!x->reads_only) {
		retro_merge_abandon(x);
		if (retro_index_flush(x) != ERR_OK) {
			x->count.lost += x->table.n;
		}
	}
	for (unsigned i = 0; i < x->n_segs; i++) {
		retro_seg_close(x->seg[i]);
		free(x->seg[i]);
	}
	retro_table_fini(&x->table);
	if (x->lockfd >= 0) {
		close(x->lockfd);
	}
	if (x->dirfd >= 0) {
		close(x->dirfd);
	}
	free((char *)(uintptr_t)x->conf.dir);
	free(x->scratch);
	free(x);
}

const struct retro_secret *
retro_index_secret(const struct retro_index *x)
{
	return &x->secret;
}

void
retro_index_counters(const struct retro_index *x,
		     struct retro_index_counters *out)
{
	*out = x->count;
	out->segments = x->n_segs;
	for (unsigned i = 0; i < x->n_segs; i++) {
		out->entries += x->seg[i]->n;
		out->bytes += x->seg[i]->bytes;
	}
}
