/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture.h"

#include "common/log.h"
#include "sensor/capture_filter.h"
#include "sensor/capture_format.h"
#include "sensor/capture_map.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Frames begin on cache lines, so that decoding touches as few as can be. */
#define FRAME_ALIGN 64
#define PIPE_WAIT_MS 100 /* for a writer, before others have their turn */

STATIC_ASSERT(BATCH_SLAB >= CAPTURE_MAX_FRAME, "any frame fits a fresh slab");

struct path {
	char *name;
	uint64_t size;
	bool from_directory; /* not asked for by name: may be something else */
};

enum format { FORMAT_NONE, FORMAT_PCAP, FORMAT_PCAPNG };

struct capture {
	struct path *paths;
	size_t n_paths, cap_paths, next_path;
	struct capture_filter *filter; /* or NULL */

	struct source *src;
	enum format format; /* of the open file; FORMAT_NONE: none is open */
	struct pcap_reader pcap;
	struct pcapng_reader pcapng;
	const char *name;
	uint64_t record; /* 1-based, within the file */
	uint64_t number; /* over the run; EVE's pcap_cnt */
	uint64_t done_before; /* bytes of the files read before */

	uint32_t batch_max; /* frames in a batch */
	bool rests; /* see capture_rests() */
	bool spread; /* see capture_spread() */
	bool has_pending; /* 'pending' waits for a batch with room */
	struct capture_record pending;
	enum err error; /* to be told once the frames before it are out */
	bool cut; /* it is that the file ends inside a record */
	struct diag diag;

	struct capture_stats stats;
};

struct batch_frames *
batch_frames_new(void)
{
	struct batch_frames *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		return NULL;
	}
	b->slab = aligned_alloc(FRAME_ALIGN, BATCH_SLAB);
	if (b->slab == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
batch_frames_free(struct batch_frames *b)
{
	if (b != NULL) {
		capture_map_release(b->map);
		free(b->slab);
		free(b);
	}
}

static enum err
add_path(struct capture *c, const char *name, uint64_t size, bool from_dir)
{
	char *copy = strdup(name);

	if (copy == NULL) {
		return ERR_NOMEM;
	}
	if (c->n_paths == c->cap_paths) {
		size_t cap = c->cap_paths == 0 ? 16 : c->cap_paths * 2;
		struct path *p = realloc(c->paths, cap * sizeof(*p));

		if (p == NULL) {
			free(copy);
			return ERR_NOMEM;
		}
		c->paths = p;
		c->cap_paths = cap;
	}
	c->paths[c->n_paths++] = (struct path){ copy, size, from_dir };
	c->stats.file_bytes_total += size;
	return ERR_OK;
}

/* Regular files only; pipes and subdirectories are not waited for. */
static enum err
add_directory_entry(struct capture *c, const char *dir, const char *name)
{
	size_t need = strlen(dir) + strlen(name) + 2;
	char *full = malloc(need);
	struct stat st;
	enum err e = ERR_OK;

	if (full == NULL) {
		return ERR_NOMEM;
	}
	memcpy(full, dir, strlen(dir));
	full[strlen(dir)] = '/';
	memcpy(full + strlen(dir) + 1, name, strlen(name) + 1);
	if (stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
		e = add_path(c, full, (uint64_t)st.st_size, true);
	}
	free(full);
	return e;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err
add_directory(struct capture *c, const char *dir, struct diag *d)
{
	struct dirent **list;
	enum err e = ERR_OK;
	int n = scandir(dir, &list, NULL, by_name);

	if (n < 0) {
		return diag_set(d, ERR_USAGE, "%s: %s", dir, strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		if (e == ERR_OK) {
			e = add_directory_entry(c, dir, list[i]->d_name);
		}
		free(list[i]);
	}
	free(list);
	return e == ERR_OK ? e : diag_set(d, e, "out of memory");
}

static enum err
add_argument(struct capture *c, const char *path, struct diag *d)
{
	struct stat st;

	if (strcmp(path, "-") == 0) {
		return add_path(c, path, 0, false);
	}
	if (stat(path, &st) != 0) {
		return diag_set(d, ERR_USAGE, "%s: %s", path, strerror(errno));
	}
	if (S_ISDIR(st.st_mode)) {
		return add_directory(c, path, d);
	}
	return add_path(c, path, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
			false);
}

enum err
capture_open_files(struct capture **out, const char *const *paths,
		   size_t n_paths, const char *bpf, struct diag *d)
{
	struct capture *c = calloc(1, sizeof(*c));
	enum err e = ERR_OK;

	*out = NULL;
	if (c == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	c->name = "";
	c->batch_max = BATCH_FRAMES;
	c->src = source_new();
	if (c->src == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
		goto out;
	}
	if (bpf != NULL && bpf[0] != '\0') {
		e = capture_filter_new(&c->filter, bpf, d);
	}
	for (size_t i = 0; i < n_paths && e == ERR_OK; i++) {
		e = add_argument(c, paths[i], d);
	}
	for (size_t i = 0; i < c->n_paths; i++) {
		if (strcmp(c->paths[i].name, "-") == 0) {
			c->stats.file_bytes_total = 0;
			break;
		}
	}
out:
	if (e != ERR_OK) {
		capture_close(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void
capture_stop(struct capture *c, const volatile sig_atomic_t *stop)
{
	source_stop(c->src, stop);
}

void
capture_close(struct capture *c)
{
	if (c == NULL) {
		return;
	}
	for (size_t i = 0; i < c->n_paths; i++) {
		free(c->paths[i].name);
	}
	free(c->paths);
	capture_filter_free(c->filter);
	pcapng_reader_fini(&c->pcapng);
	source_free(c->src);
	free(c);
}

static void
close_file(struct capture *c)
{
	/* Done with all of it, also when it was not read to the end. */
	c->done_before +=
		MAX(source_bytes_read(c->src), source_file_size(c->src));
	c->stats.file_bytes_done = c->done_before;
	source_close(c->src);
	c->format = FORMAT_NONE;
}

/* Opens the next path; ERR_OK with format FORMAT_NONE when it was skipped. */
static enum err
open_next(struct capture *c, struct diag *d)
{
	const struct path *p = &c->paths[c->next_path++];
	const char *why = NULL;
	struct view head;
	enum err e;

	c->name = p->name;
	c->record = 0;
	e = source_open(c->src, p->name, d);
	if (e != ERR_OK) {
		return e;
	}
	head = source_peek(c->src, 4);
	if (pcap_recognise(head)) {
		c->format = FORMAT_PCAP;
		e = pcap_reader_begin(&c->pcap, c->src, &why);
	} else if (pcapng_recognise(head)) {
		c->format = FORMAT_PCAPNG;
		e = pcapng_reader_begin(&c->pcapng, c->src, &why);
	} else if (p->from_directory) {
		log_warn("%s: not a capture file, skipped", p->name);
		c->stats.files_skipped++;
		close_file(c);
		return ERR_OK;
	} else {
		e = source_error(c->src, &why);
		if (e == ERR_OK) {
			e = ERR_FORMAT;
			why = head.len == 0 ? "the file is empty"
					    : "not a pcap or pcapng file";
		}
	}
	if (e != ERR_OK) {
		close_file(c);
		return diag_set(d, e, "%s: %s", p->name, why);
	}
	c->stats.files++;
	return ERR_OK;
}

static enum err
next_record(struct capture *c, struct diag *d)
{
	const char *why = NULL, *cut;
	enum err e;

	e = c->format == FORMAT_PCAP
		    ? pcap_reader_next(&c->pcap, &c->pending, &why)
		    : pcapng_reader_next(&c->pcapng, &c->pending, &why);
	if (LIKELY(e == ERR_OK)) {
		c->record++;
		return ERR_OK;
	}
	if (e == ERR_LIMIT) {
		c->record++;
		c->number++;
		c->stats.oversized++;
		return e;
	}
	if (e == ERR_TRUNCATED && source_error(c->src, &cut) == ERR_OK) {
		c->cut = true;
	}
	if (e != ERR_EOF) {
		(void)diag_set(d, e, "%s: packet %llu: %s", c->name,
			       (unsigned long long)(c->record + 1), why);
	}
	close_file(c);
	return e;
}

/* Nobody waits for a pipe any more: what it lacks is no damage, and no other
 * file is opened. */
static bool
gave_up(struct capture *c)
{
	if (!source_stopped(c->src)) {
		return false;
	}
	c->next_path = c->n_paths;
	c->cut = false;
	return true;
}

/* ERR_OK to take it, ERR_NOTFOUND to pass over it, else the file is over. */
static enum err
apply_filter(struct capture *c, const struct capture_record *rec,
	     struct diag *d)
{
	struct diag why;
	enum err e = c->filter != NULL
			     ? capture_filter_take(c->filter, rec, &why)
			     : ERR_OK;

	c->stats.filtered += e == ERR_NOTFOUND;
	if (e != ERR_OK && e != ERR_NOTFOUND) {
		(void)diag_set(d, e, "%s: packet %llu: %s", c->name,
			       (unsigned long long)c->record, why.msg);
	}
	return e;
}

/* The batch's frames live in 'map' from now on, or until it is refilled. */
static void
hold_map(struct batch_frames *b, struct capture_map *map)
{
	/* A batch is of one file, and a file has one map. */
	if (b->map == NULL) {
		capture_map_hold(map);
		b->map = map;
	}
}

static bool
append_frame(struct capture *c, struct batch_frames *b)
{
	const struct capture_record *rec = &c->pending;
	struct capture_map *map = source_map(c->src);
	const uint8_t *data = rec->data.p;
	struct frame *f;
	size_t len = rec->data.len;

	if (b->n == BATCH_FRAMES || b->used + len > BATCH_SLAB) {
		return false;
	}
	f = &b->frame[b->n++];
	if (map != NULL) {
		hold_map(b, map);
	} else {
		data = memcpy(b->slab + b->used, data, len);
	}
	*f = (struct frame){
		.data = data,
		.caplen = (uint32_t)len,
		.wirelen = rec->wirelen,
		.ts_us = rec->ts_us,
		.number = ++c->number,
		.linktype = rec->linktype,
	};
	b->used += (uint32_t)((len + FRAME_ALIGN - 1) &
			      ~(size_t)(FRAME_ALIGN - 1));
	c->stats.frames++;
	c->stats.bytes += len;
	c->stats.truncated += rec->wirelen > len;
	return true;
}

/*
 * As many records as can be had at one go: of a mapped pcap file, when nobody
 * wants to look at each.  Where the batch ends does not depend on that, so
 * that a compressed file gives the same batches.
 */
static void
append_views(struct capture *c, struct batch_frames *b)
{
	struct pcap_views x = {
		.room = BATCH_SLAB - b->used,
		.align = FRAME_ALIGN,
		.number = c->number,
		.fetch = !c->spread,
	};
	uint32_t n;

	if (c->format != FORMAT_PCAP || c->filter != NULL ||
	    b->n >= c->batch_max) {
		return;
	}
	n = pcap_reader_views(&c->pcap, &b->frame[b->n], c->batch_max - b->n,
			      &x);
	if (n == 0) {
		return;
	}
	hold_map(b, source_map(c->src));
	b->n += n;
	b->used = (uint32_t)(BATCH_SLAB - x.room);
	b->next = source_peek(c->src, 0);
	c->number = x.number;
	c->record += n;
	c->stats.frames += n;
	c->stats.bytes += x.bytes;
	c->stats.truncated += x.truncated;
}

void
capture_spread(struct capture *c)
{
	c->spread = true;
}

enum err
capture_next(struct capture *c, struct batch_frames *b, struct diag *d)
{
	b->n = b->used = 0;
	capture_map_release(b->map);
	b->map = NULL;
	b->next = VIEW_NONE;
	c->rests = false;
	for (;;) {
		enum err e;

		if (c->has_pending) {
			if (b->n >= c->batch_max || !append_frame(c, b)) {
				break;
			}
			c->has_pending = false;
		}
		if (c->error != ERR_OK) {
			if (b->n > 0) {
				break;
			}
			e = c->error;
			c->error = ERR_OK;
			c->stats.cut_short += c->cut;
			c->cut = false;
			if (d != NULL) {
				*d = c->diag;
			}
			return e;
		}
		if (c->format == FORMAT_NONE) {
			if (c->next_path == c->n_paths) {
				break;
			}
			/* A batch is of one file: capture_current(). */
			if (b->n > 0) {
				break;
			}
			c->error = open_next(c, &c->diag);
			if (c->error != ERR_OK && gave_up(c)) {
				c->error = ERR_OK;
			}
			continue;
		}
		if (!source_ready(c->src,
				  c->format == FORMAT_PCAP ? c->pcap.taken
							   : c->pcapng.taken,
				  b->n > 0 ? 0 : PIPE_WAIT_MS)) {
			c->rests = true;
			if (b->n > 0) {
				break;
			}
			return ERR_AGAIN;
		}
		append_views(c, b);
		if (b->n >= c->batch_max) {
			break;
		}
		e = next_record(c, &c->diag);
		if (e != ERR_OK && gave_up(c)) {
			e = ERR_EOF;
		}
		if (e == ERR_OK) {
			e = apply_filter(c, &c->pending, &c->diag);
			if (e == ERR_OK) {
				c->has_pending = true;
			} else if (e != ERR_NOTFOUND) {
				close_file(c);
				c->error = e;
			}
		} else if (e != ERR_EOF && e != ERR_LIMIT) {
			c->error = e;
		}
	}
	if (c->format != FORMAT_NONE) {
		c->stats.file_bytes_done =
			c->done_before + source_bytes_read(c->src);
	}
	return b->n > 0 ? ERR_OK : ERR_EOF;
}

bool
capture_rests(const struct capture *c)
{
	return c->rests;
}

void
capture_limit(struct capture *c, uint32_t n)
{
	c->batch_max = n;
}

const struct capture_stats *
capture_stats(const struct capture *c)
{
	return &c->stats;
}

const char *
capture_current(const struct capture *c)
{
	return c->name;
}
