/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge_captures - many small captures to one large one, for benchmarks
 *
 *	merge_captures KIND OUT.pcap MEGABYTES <PATHS
 *
 * Takes the Ethernet frames of all captures (a path a line) that can be read
 * and are of the kind (mix: all; http, tls: mostly that; small: mean frame of
 * at most 120 bytes), over and over until OUT has about the size.  Each copy of a capture has
 * hosts of its own and begins at a time of its own, and all frames are put in
 * order of time: the many flows at once that a network has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "tests/bench/readdress.h"

#define LINKTYPE_ETHERNET 1
#define FILE_CAP ((size_t)1 << 20) /* of one capture: no single one rules */
#define SOURCE_CAP ((size_t)400 << 20) /* of all, in memory */
#define COPIES_MAX 250 /* as many as 192.168/16 has networks, nearly */
#define SPAN_US (UINT64_C(600) * 1000000) /* copies begin within it */
#define GAP_US (UINT64_C(5) * 1000000) /* longer silence is cut short */
#define BASE_US UINT64_C(1700000000000000)
#define RECORD_MAX ((size_t)1 << 18)

/* A frame of a source, kept. */
struct kept {
	uint64_t at_us; /* behind its capture's begin */
	const uint8_t *data;
	uint32_t caplen, wirelen;
	uint32_t source;
};

struct source {
	uint32_t first, n; /* of the frames */
};

/* A frame of the output. */
struct slot {
	uint64_t at_us;
	uint32_t frame, copy;
};

struct merge {
	const char *kind;
	struct kept *frames;
	size_t n_frames, cap_frames;
	struct source *sources;
	size_t n_sources, cap_sources;
	struct slot *slots;
	size_t n_slots;
	size_t bytes; /* with record headers */
};

/* What a capture is made of, in bytes. */
struct share {
	uint64_t all, http, tls, frames;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "merge_captures: %s: %s\n", what, why);
	exit(1);
}

static void *
more(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap) {
		return p;
	}
	*cap = *cap == 0 ? 1024 : *cap * 2;
	p = realloc(p, *cap * size);
	if (p == NULL) {
		die("frames", "out of memory");
	}
	return p;
}

static bool
begins(struct view v, const char *with)
{
	size_t n = strlen(with);

	return v.len >= n && memcmp(v.p, with, n) == 0;
}

static void
weigh(struct share *s, const struct frame *f)
{
	struct carried c = carried_by(f->data, f->caplen);
	uint16_t a = c.sport, b = c.dport;

	s->all += f->caplen;
	s->frames++;
	if (c.proto != 6) {
		return;
	}
	if (a == 443 || b == 443 || a == 8443 || b == 8443 || a == 993 ||
	    b == 993 ||
	    (c.payload.len > 5 && c.payload.p[0] >= 0x14 &&
	     c.payload.p[0] <= 0x17 && c.payload.p[1] == 3)) {
		s->tls += f->caplen;
	} else if (a == 80 || b == 80 || a == 8080 || b == 8080 ||
		   begins(c.payload, "GET ") || begins(c.payload, "POST ") ||
		   begins(c.payload, "HTTP/1.")) {
		s->http += f->caplen;
	}
}

static bool
suits(const char *kind, const struct share *s)
{
	if (s->frames == 0) {
		return false;
	}
	if (strcmp(kind, "http") == 0) {
		return s->http * 10 >= s->all * 7;
	}
	if (strcmp(kind, "tls") == 0) {
		return s->tls * 10 >= s->all * 7;
	}
	return strcmp(kind, "small") != 0 || s->all <= s->frames * 120;
}

static void
keep(struct merge *m, const struct frame *f, uint64_t at_us)
{
	uint8_t *copy = malloc(f->caplen);

	if (copy == NULL) {
		die("frames", "out of memory");
	}
	memcpy(copy, f->data, f->caplen);
	m->frames = more(m->frames, m->n_frames, &m->cap_frames,
			 sizeof(m->frames[0]));
	m->frames[m->n_frames++] =
		(struct kept){ at_us, copy, f->caplen, f->wirelen,
			       (uint32_t)m->n_sources };
	m->bytes += f->caplen + 16;
}

static void
forget(struct merge *m, size_t n_frames)
{
	while (m->n_frames > n_frames) {
		const struct kept *k = &m->frames[--m->n_frames];

		m->bytes -= k->caplen + 16;
		free((uint8_t *)(uintptr_t)k->data);
	}
}

/* Keeps a capture when it is of the kind. */
static void
add_source(struct merge *m, const char *path, struct batch_frames *b)
{
	struct share s = { 0 };
	struct capture *c;
	struct diag d;
	size_t first = m->n_frames;
	uint64_t at = 0, last = 0;

	if (capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		return;
	}
	while (s.all < FILE_CAP && capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct frame *f = &b->frame[i];

			if (f->linktype != LINKTYPE_ETHERNET ||
			    f->caplen > RECORD_MAX) {
				continue;
			}
			if (s.frames > 0 && f->ts_us > last) {
				at += MIN(f->ts_us - last, GAP_US);
			}
			last = f->ts_us;
			weigh(&s, f);
			keep(m, f, at);
		}
	}
	capture_close(c);
	if (!suits(m->kind, &s)) {
		forget(m, first);
		return;
	}
	m->sources = more(m->sources, m->n_sources, &m->cap_sources,
			  sizeof(m->sources[0]));
	m->sources[m->n_sources++] = (struct source){
		(uint32_t)first,
		(uint32_t)(m->n_frames - first),
	};
}

static int
by_time(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->at_us != y->at_us) {
		return x->at_us < y->at_us ? -1 : 1;
	}
	if (x->copy != y->copy) {
		return x->copy < y->copy ? -1 : 1;
	}
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* As many copies as the size needs, each at its own time. */
static void
place(struct merge *m, uint64_t limit)
{
	uint64_t x = 1, copies = (limit + m->bytes / 2) / m->bytes;

	copies = MIN(MAX(copies, 1), COPIES_MAX);
	m->slots = malloc(copies * m->n_frames * sizeof(m->slots[0]));
	if (m->slots == NULL) {
		die("frames", "out of memory");
	}
	for (uint32_t k = 0; k < copies; k++) {
		for (size_t s = 0; s < m->n_sources; s++) {
			const struct source *src = &m->sources[s];
			uint64_t begin;

			x = x * UINT64_C(6364136223846793005) + 1;
			begin = (x >> 20) % SPAN_US;
			for (uint32_t i = 0; i < src->n; i++) {
				uint32_t f = src->first + i;

				m->slots[m->n_slots++] = (struct slot){
					begin + m->frames[f].at_us, f, k
				};
			}
		}
	}
	qsort(m->slots, m->n_slots, sizeof(m->slots[0]), by_time);
}

static size_t
put_head(uint8_t *h)
{
	memset(h, 0, 24);
	store_le32(h, 0xa1b2c3d4);
	h[4] = 2;
	h[6] = 4;
	store_le32(h + 16, (uint32_t)RECORD_MAX);
	store_le32(h + 20, LINKTYPE_ETHERNET);
	return 24;
}

static size_t
put_record(const struct merge *m, uint8_t *out, const struct slot *s)
{
	const struct kept *f = &m->frames[s->frame];
	uint64_t ts_us = BASE_US + s->at_us;

	store_le32(out, (uint32_t)(ts_us / 1000000));
	store_le32(out + 4, (uint32_t)(ts_us % 1000000));
	store_le32(out + 8, f->caplen);
	store_le32(out + 12, f->wirelen);
	memcpy(out + 16, f->data, f->caplen);
	/* Each capture has its own hosts too: many show the same ones. */
	readdress(out + 16, f->caplen,
		  s->copy * (uint32_t)m->n_sources + f->source + 1);
	return 16 + f->caplen;
}

static void
write_all(const struct merge *m, const char *path, uint64_t limit)
{
	static uint8_t record[RECORD_MAX + 16];
	bool shown = isatty(STDERR_FILENO);
	FILE *out = fopen(path, "wb");
	/* Whole copies, unless one alone is far too much. */
	uint64_t written, frames = 0, most = limit + limit / 2;

	if (out == NULL || setvbuf(out, NULL, _IOFBF, 1 << 20) != 0) {
		die(path, "cannot be written");
	}
	written = fwrite(record, 1, put_head(record), out);
	for (size_t i = 0; i < m->n_slots && written < most; i++) {
		const struct slot *s = &m->slots[i];
		size_t n = put_record(m, record, s);

		if (fwrite(record, 1, n, out) != n) {
			die(path, "cannot be written");
		}
		written += n;
		if (shown && ++frames % 100000 == 0) {
			fprintf(stderr, "\r%s: %llu of %llu MB", path,
				(unsigned long long)(written / 1000000),
				(unsigned long long)(limit / 1000000));
		}
	}
	if (shown) {
		fputc('\r', stderr);
	}
	if (fclose(out) != 0) {
		die(path, "cannot be written");
	}
	printf("%s: %.1f MB of %zu captures\n", path, (double)written / 1e6,
	       m->n_sources);
}

int
main(int argc, char **argv)
{
	struct batch_frames *b = batch_frames_new();
	struct merge m = { 0 };
	char path[4096];
	unsigned n_read = 0;
	uint64_t limit;

	if (argc != 4 || b == NULL) {
		fputs("usage: merge_captures mix|http|tls|small OUT.pcap "
		      "MEGABYTES <PATHS\n",
		      stderr);
		return 2;
	}
	m.kind = argv[1];
	limit = strtoull(argv[3], NULL, 10) * 1000000;
	while (m.bytes < SOURCE_CAP &&
	       fgets(path, sizeof(path), stdin) != NULL) {
		path[strcspn(path, "\n")] = '\0';
		add_source(&m, path, b);
		if (isatty(STDERR_FILENO) && ++n_read % 50 == 0) {
			fprintf(stderr, "\r%u captures read", n_read);
		}
	}
	if (m.n_frames == 0 || limit == 0) {
		die(argv[2], "there is nothing of this kind to merge");
	}
	place(&m, limit);
	write_all(&m, argv[2], limit);
	forget(&m, 0);
	free(m.frames);
	free(m.sources);
	free(m.slots);
	batch_frames_free(b);
	return 0;
}
