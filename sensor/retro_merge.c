/* SPDX-License-Identifier: Apache-2.0 */
/* Segments into one, a few milliseconds at a time. */
#include "sensor/retro_index_state.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

#define STEP_ENTRIES 16384 /* of what comes out, between two looks around */
#define PART 16 /* a merged segment is at most that part of the bound */
#define LEAST 3 /* fewer are not worth it */
#define CROWDED 64 /* so many are merged whatever their age */
#define RETRY_US (30 * US_PER_S)

static int
by_size(const void *a, const void *b)
{
	const struct retro_seg *x = *(struct retro_seg *const *)a;
	const struct retro_seg *y = *(struct retro_seg *const *)b;

	return x->n != y->n ? (x->n < y->n ? -1 : 1)
			    : (x->id < y->id ? -1 : x->id > y->id);
}

/*
 * The smallest ones, each no larger than those before it together: an entry is
 * written again about as often as the index grows threefold.  Those that are
 * last seen at very different times stay apart, so that old ones can go.
 */
static unsigned
choose(const struct retro_index *x, struct retro_seg *v[RETRO_MAX_SEGMENTS])
{
	uint64_t most = x->conf.max_size / PART, bytes = 0, sum = 0;
	uint32_t from = UINT32_MAX, to = 0;
	uint32_t span = x->conf.keep_s > 0 ? x->conf.keep_s / PART : UINT32_MAX;
	unsigned n = 0, good = 0;

	memcpy(v, x->seg, x->n_segs * sizeof(*v));
	qsort(v, x->n_segs, sizeof(*v), by_size);
	for (; n < x->n_segs && n < RETRO_MERGE_MAX; n++) {
		struct retro_seg *s = v[n];

		from = MIN(from, s->from_s);
		to = MAX(to, s->to_s);
		bytes += s->bytes;
		if (bytes > most ||
		    (x->n_segs < CROWDED && n > 0 && to - from > span)) {
			break;
		}
		if (n > 0 && s->n <= sum) {
			good = n + 1;
		}
		sum += s->n;
	}
	if (x->n_segs >= CROWDED && good < LEAST) {
		return n >= 2 ? n : 0;
	}
	return good >= LEAST ? good : 0;
}

void
retro_merge_abandon(struct retro_index *x)
{
	struct retro_merge *m = &x->merge;

	if (!m->on) {
		return;
	}
	retro_writer_abandon(&m->out);
	for (unsigned i = 0; i < m->n; i++) {
		free(m->in[i].block);
	}
	m->on = false;
	m->n = 0;
}

/* The next entry of an input; damaged blocks are passed over. */
static enum err
advance(struct retro_index *x, struct retro_input *in)
{
	in->at++;
	while (in->at >= in->block->n) {
		enum err e;

		in->at = 0;
		if (in->next == in->seg->n_blocks) {
			return ERR_EOF;
		}
		e = retro_seg_block(in->seg, in->next++, in->block);
		if (e == ERR_IO) {
			return e;
		}
		if (e != ERR_OK) {
			retro_tell_bad(x, in->seg);
			in->block->n = 0;
		}
	}
	return ERR_OK;
}

static enum err
open_input(struct retro_index *x, struct retro_seg *s)
{
	struct retro_merge *m = &x->merge;
	struct retro_input *in = &m->in[m->n];
	enum err e;

	*in = (struct retro_input){ .seg = s,
				    .block = calloc(1, sizeof(*in->block)) };
	if (in->block == NULL) {
		return ERR_NOMEM;
	}
	m->n++;
	e = advance(x, in);
	if (e == ERR_EOF) {
		in->at = UINT32_MAX; /* nothing in it can be read */
		return ERR_OK;
	}
	return e;
}

static void
give_up(struct retro_index *x, const char *what)
{
	retro_told_error(x, what);
	retro_merge_abandon(x);
	x->merge_us = clock_mono_us() + RETRY_US;
}

void
retro_merge_begin(struct retro_index *x)
{
	struct retro_seg *v[RETRO_MAX_SEGMENTS];
	struct retro_merge *m = &x->merge;
	unsigned n = choose(x, v);
	uint64_t bytes = 0;

	if (n == 0) {
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		bytes += v[i]->bytes;
	}
	/* making room may take what was chosen: then there is another time */
	if (retro_bytes(x) + bytes > x->conf.max_size) {
		retro_make_room(x, bytes);
		return;
	}
	if (retro_writer_open(&m->out, x->dirfd, x->next_id) != ERR_OK) {
		retro_told_error(x, "merge");
		x->merge_us = clock_mono_us() + RETRY_US;
		return;
	}
	x->next_id++;
	m->on = true;
	for (unsigned i = 0; i < n; i++) {
		if (open_input(x, v[i]) != ERR_OK) {
			give_up(x, "merge");
			return;
		}
	}
}

/* The inputs become the one that was made of them. */
static void
finish(struct retro_index *x)
{
	struct retro_merge *m = &x->merge;
	struct retro_seg *made = NULL, *kept[RETRO_MAX_SEGMENTS];
	unsigned n = 0, n_before = x->n_segs;

	if (m->out.n > 0) {
		made = calloc(1, sizeof(*made));
		if (made == NULL || retro_writer_finish(&m->out) != ERR_OK ||
		    retro_seg_open(made, x->dirfd, m->out.id, NULL) != ERR_OK) {
			free(made);
			give_up(x, "merge");
			return;
		}
	}
	memcpy(kept, x->seg, sizeof(kept));
	for (unsigned i = 0; i < n_before; i++) {
		bool merged = false;

		for (unsigned k = 0; k < m->n; k++) {
			merged = merged || m->in[k].seg == kept[i];
		}
		if (!merged) {
			x->seg[n++] = kept[i];
		}
	}
	if (made != NULL) {
		x->seg[n++] = made;
	}
	x->n_segs = n;
	if (retro_write_manifest(x) != ERR_OK) {
		memcpy(x->seg, kept, sizeof(kept));
		x->n_segs = n_before;
		if (made != NULL) {
			retro_seg_close(made);
			free(made);
		}
		give_up(x, "manifest");
		retro_sweep_files(x, NULL, NULL);
		return;
	}
	x->count.merged++;
	for (unsigned k = 0; k < m->n; k++) {
		retro_seg_close(m->in[k].seg);
		free(m->in[k].seg);
	}
	retro_merge_abandon(x);
	retro_sweep_files(x, NULL, NULL);
}

/* The least entry of all inputs, joined over them; ERR_EOF: that was all. */
static enum err
next_entry(struct retro_index *x, struct retro_entry *out)
{
	struct retro_merge *m = &x->merge;
	const struct retro_entry *least = NULL;
	struct retro_entry key;

	for (unsigned i = 0; i < m->n; i++) {
		const struct retro_input *in = &m->in[i];

		if (in->at != UINT32_MAX &&
		    (least == NULL ||
		     retro_cmp(&in->block->v[in->at], least) < 0)) {
			least = &in->block->v[in->at];
		}
	}
	if (least == NULL) {
		return ERR_EOF;
	}
	key = *least;
	*out = key;
	out->count = 0;
	for (unsigned i = 0; i < m->n; i++) {
		struct retro_input *in = &m->in[i];
		enum err e;

		if (in->at == UINT32_MAX ||
		    retro_cmp(&in->block->v[in->at], &key) != 0) {
			continue;
		}
		retro_join(out, &in->block->v[in->at]);
		e = advance(x, in);
		if (e == ERR_EOF) {
			in->at = UINT32_MAX;
		} else if (e != ERR_OK) {
			return e;
		}
	}
	return ERR_OK;
}

bool
retro_merge_step(struct retro_index *x, uint64_t mono_us)
{
	struct retro_merge *m = &x->merge;
	uint32_t cutoff = retro_cutoff(x);

	if (!m->on && mono_us >= x->merge_us) {
		retro_merge_begin(x);
	}
	if (!m->on) {
		return false;
	}
	for (unsigned i = 0; i < STEP_ENTRIES; i++) {
		struct retro_entry e;
		enum err got = next_entry(x, &e);

		if (got == ERR_EOF) {
			finish(x);
			return true;
		}
		if (got != ERR_OK) {
			give_up(x, "merge");
			return false;
		}
		if (e.last_s < cutoff) {
			x->count.dropped++;
		} else if (retro_writer_put(&m->out, &e) != ERR_OK) {
			give_up(x, "merge");
			return false;
		}
	}
	return true;
}
