/* SPDX-License-Identifier: Apache-2.0 */
/* Streams whose server has no memory left for a group of ours. */
#include "collector/ingest_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"

#define AGAIN_US (UINT64_C(5) * US_PER_S)

/* The least id that is greater; "-" before the first. */
static const char *
behind(const char *id, char out[48])
{
	uint64_t ms, seq;

	if (sscanf(id, "%20" SCNu64 "-%20" SCNu64, &ms, &seq) != 2 ||
	    seq == UINT64_MAX) {
		return "-";
	}
	snprintf(out, 48, "%" PRIu64 "-%" PRIu64, ms, seq + 1);
	return out;
}

/*
 * Behind the last there is nothing.  Now and then it is looked from the start
 * all the same: the stream may be another one by now, and the last entry, which
 * is never trimmed, has its committed point told once more.
 */
static void
look_again(struct stream *s)
{
	uint64_t now = clock_mono_us();

	if (now - s->full_again_us >= AGAIN_US) {
		s->full_again_us = now;
		s->full_last[0] = '\0';
	}
}

/*
 * The next entries of a stream that has no group, since its server has no
 * memory left for one.  Reading and trimming it is what gives some back.
 */
static enum err
read_full(struct ingest *in, struct stream *s, struct diag *d)
{
	char from[48];
	enum err e = redis_pool_call(in->pool, s->key, CALL_MS, &in->reply, d,
				     "XRANGE %s %s + COUNT %u", s->key,
				     behind(s->full_last, from), in->count);

	if (e != ERR_OK || (e = ingest_read_error(in, d)) != ERR_OK ||
	    in->reply == NULL) {
		return e;
	}
	ingest_take_entries(in, (unsigned)(s - in->streams), in->reply);
	if (in->n_entries > 0) {
		snprintf(s->full_last, sizeof(s->full_last), "%s",
			 in->entries[in->n_entries - 1].id);
	} else {
		look_again(s);
	}
	s->own_done = true; /* nothing is delivered that may not be trimmed */
	s->claim[0] = '\0';
	return ERR_OK;
}

enum err
ingest_read_full(struct ingest *in, struct diag *d)
{
	unsigned first = in->full_turn;
	enum err e = ERR_OK;

	if (in->full_before) {
		in->full_before = false;
		return ERR_OK;
	}
	for (unsigned i = 0;
	     e == ERR_OK && in->n_entries == 0 && i < in->n_streams; i++) {
		struct stream *s = &in->streams[(first + i) % in->n_streams];

		if (!s->full) {
			continue;
		}
		in->full_turn = (first + i + 1) % in->n_streams;
		ingest_release(in);
		e = read_full(in, s, d);
		if (e != ERR_OK && redis_pool_is_cluster(in->pool)) {
			ingest_put_off(s);
			e = ERR_OK;
		}
	}
	in->full_before = in->n_entries > 0;
	return e;
}

bool
ingest_any_full(const struct ingest *in)
{
	for (unsigned i = 0; i < in->n_streams; i++) {
		if (in->streams[i].full) {
			return true;
		}
	}
	return false;
}
