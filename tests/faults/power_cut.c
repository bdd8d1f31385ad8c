/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power_cut.c - a spool whose power is cut at any moment
 *
 *   power_cut write DIR POLICY         uses a spool, with failing_io.so
 *                                      preloaded, which writes the journal
 *   power_cut replay JOURNAL DIR STEP VARIANTS SEED
 *
 * The replay takes every STEPth prefix of the journal and rebuilds in DIR what
 * a disk may hold then: what was synced, and of the rest all, nothing, names
 * without data, data without names, the last write torn between sectors, or
 * by chance.  The real spool opens it.  What was handed out as durable must be
 * there, nothing may be misread, and no number may be given twice.
 *
 * The last line says how many points were tried and how many recovered.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor/spool.h"
#include "sensor/spool_check.h"
#include "tests/rnd.h"

#define NAME "site/sensor"
#define SECTOR 512
#define MAX_SEQ 4096
#define MAX_FILES 1024
#define MAX_PENDING 4096
#define N_BATCHES 260
#define MAX_BYTES ((uint64_t)96 << 10)
#define SEG_BYTES ((uint64_t)8 << 10)

static size_t
body_of(uint64_t seq, uint8_t *buf)
{
	size_t len = 60 + seq * 37 % 1900;

	for (size_t i = 0; i < len; i++) {
		buf[i] = (uint8_t)(seq * 31 + len * 7 + i);
	}
	return len;
}

static struct spool *
open_spool(const char *dir, enum spool_sync_policy sync, struct diag *d)
{
	struct spool_options o = { .dir = dir,
				   .name = NAME,
				   .max_bytes = MAX_BYTES,
				   .segment_bytes = SEG_BYTES,
				   .sync = sync };
	struct spool *s = NULL;

	return spool_open(&s, &o, d) == ERR_OK ? s : NULL;
}

/* --- writing --- */

static void
mark(const char *what, uint64_t n)
{
	void (*fn)(const char *) = (void (*)(const char *))(uintptr_t)dlsym(
		RTLD_DEFAULT, "failing_io_mark");
	char text[64];

	if (fn == NULL) {
		fprintf(stderr, "power_cut: failing_io.so is not preloaded\n");
		exit(2);
	}
	snprintf(text, sizeof(text), "%s %llu", what, (unsigned long long)n);
	fn(text);
}

static void
hand_out(struct spool *s, struct spool_cursor *c, bool durable)
{
	struct spool_item it;

	while (spool_next(s, c, &it) == ERR_OK) {
		if (it.gap_from == 0) {
			mark(durable ? "durable" : "handed", it.hdr.seq);
		}
	}
}

/* Appends, hands out, commits; once nobody commits, so that there is shedding,
 * and once the spool is closed and opened. */
static int
write_spool(const char *dir, const char *policy)
{
	static uint8_t buf[FRAME_MAX_DATA];
	struct spool_cursor c = { .seq = 1 };
	enum spool_sync_policy sync;
	struct diag d = { "" };
	struct spool *s;

	if (!spool_sync_policy_read(policy, &sync)) {
		return 2;
	}
	s = open_spool(dir, sync, &d);
	for (unsigned i = 0; s != NULL && i < N_BATCHES; i++) {
		struct frame_header h = { .n = 2, .sev = (uint8_t)(i % 5) };
		size_t len = body_of(spool_last_seq(s) + 1, buf);

		(void)!spool_append(s, &h, view_of(buf, len), &d);
		if (i % 4 == 3) {
			bool ok = spool_sync(s, &d) == ERR_OK;

			hand_out(s, &c, ok && sync == SPOOL_SYNC_BATCH);
		}
		/* The middle third is a collector that is away. */
		if (i % 11 == 10 && (i < 80 || i > 200)) {
			uint64_t upto = c.seq - 1 - i % 7;

			mark("committed", upto);
			(void)!spool_commit(s, upto, &d);
		}
		if (i == 170) {
			spool_close(s);
			s = open_spool(dir, sync, &d);
		}
	}
	if (s == NULL) {
		fprintf(stderr, "%s\n", d.msg);
		return 1;
	}
	spool_close(s);
	return 0;
}

/* --- the disk's model --- */

struct change { /* of a file's content, not synced */
	bool truncate;
	size_t off, len;
	const uint8_t *data; /* in the journal */
};

struct file {
	uint8_t *durable, *now;
	size_t n_durable, n_now, cap;
	struct change change[MAX_PENDING];
	unsigned n_changes;
};

struct names {
	struct {
		char name[40];
		int file;
	} v[64];
	unsigned n;
};

struct naming { /* of the directory, not synced */
	char op, a[64], b[64];
	int file;
};

struct disk {
	struct file *file[MAX_FILES];
	int n_files;
	struct names durable, now;
	struct naming naming[MAX_PENDING];
	unsigned n_namings;
	/* What was told, by number. */
	bool is_durable[MAX_SEQ], is_gone[MAX_SEQ];
	uint64_t handed, committed;
};

static void
die(const char *what)
{
	fprintf(stderr, "power_cut: %s\n", what);
	exit(2);
}

static int
find(const struct names *n, const char *name)
{
	for (unsigned i = 0; i < n->n; i++) {
		if (strcmp(n->v[i].name, name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

static void
drop(struct names *n, const char *name)
{
	int i = find(n, name);

	if (i >= 0) {
		n->v[i] = n->v[--n->n];
	}
}

static void
set(struct names *n, const char *name, int file)
{
	drop(n, name);
	if (n->n == ARRAY_LEN(n->v)) {
		die("too many names");
	}
	snprintf(n->v[n->n].name, sizeof(n->v[0].name), "%s", name);
	n->v[n->n++].file = file;
}

static void
name_change(struct names *n, const struct naming *c)
{
	int a = find(n, c->a), b = find(n, c->b);

	switch (c->op) {
	case 'c':
		set(n, c->a, c->file);
		break;
	case 'u':
		drop(n, c->a);
		break;
	case 'r':
		if (a >= 0) {
			int file = n->v[a].file;

			drop(n, c->a);
			set(n, c->b, file);
		}
		break;
	case 'x':
		if (a >= 0 && b >= 0) {
			int file = n->v[a].file;

			n->v[a].file = n->v[b].file;
			n->v[b].file = file;
		}
		break;
	default:
		die("a change of names that nobody knows");
	}
}

static void
resize(uint8_t **p, size_t *n, size_t to)
{
	uint8_t *q = realloc(*p, MAX(to, (size_t)1));

	if (q == NULL) {
		die("out of memory");
	}
	if (to > *n) {
		memset(q + *n, 0, to - *n);
	}
	*p = q;
	*n = to;
}

static void
content_change(uint8_t **p, size_t *n, const struct change *c)
{
	if (c->truncate) {
		resize(p, n, c->len);
		return;
	}
	if (c->off + c->len > *n) {
		resize(p, n, c->off + c->len);
	}
	memcpy(*p + c->off, c->data, c->len);
}

/* A file that the spool removes: what is in it was committed or shed. */
static void
goes(struct disk *d, const char *name)
{
	int at = find(&d->now, name);
	const struct file *f = at >= 0 ? d->file[d->now.v[at].file] : NULL;

	if (f == NULL || strstr(name, ".seg") == NULL) {
		return;
	}
	for (size_t off = 32; off + 48 <= f->n_now;) {
		uint64_t seq = load_le64(f->now + off + 16);

		if (seq < MAX_SEQ) {
			d->is_gone[seq] = true;
		}
		off += 48 + load_le32(f->now + off + 4);
	}
}

static struct file *
file_of(struct disk *d, const char *name)
{
	int at = find(&d->now, name);

	if (at < 0) {
		die(name);
	}
	return d->file[d->now.v[at].file];
}

static void
take_naming(struct disk *d, char op, const char *a, const char *b)
{
	struct naming *c = &d->naming[d->n_namings++];

	if (d->n_namings == MAX_PENDING) {
		die("too many changes of names");
	}
	*c = (struct naming){ .op = op };
	snprintf(c->a, sizeof(c->a), "%s", a);
	snprintf(c->b, sizeof(c->b), "%s", b);
	if (op == 'c') {
		c->file = d->n_files;
		d->file[d->n_files++] = calloc(1, sizeof(struct file));
		if (d->n_files == MAX_FILES || d->file[c->file] == NULL) {
			die("too many files");
		}
	}
	name_change(&d->now, c);
}

static void
take_content(struct disk *d, const char *name, struct change c)
{
	struct file *f = file_of(d, name);

	if (f->n_changes == MAX_PENDING) {
		die("too many changes of a file");
	}
	f->change[f->n_changes++] = c;
	content_change(&f->now, &f->n_now, &c);
}

static void
take_sync(struct disk *d, const char *name)
{
	struct file *f;

	if (strcmp(name, ".") == 0) {
		d->durable = d->now;
		d->n_namings = 0;
		return;
	}
	f = file_of(d, name);
	resize(&f->durable, &f->n_durable, f->n_now);
	memcpy(f->durable, f->now, f->n_now);
	f->n_changes = 0;
}

static void
take_mark(struct disk *d, const char *what, uint64_t n)
{
	if (n >= MAX_SEQ) {
		die("a number too high");
	}
	if (strcmp(what, "committed") == 0) {
		d->committed = MAX(d->committed, n);
		return;
	}
	d->handed = MAX(d->handed, n);
	d->is_durable[n] |= strcmp(what, "durable") == 0;
}

/* Takes one entry of the journal; returns where the next begins. */
static const uint8_t *
take_entry(struct disk *d, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
	char line[256], op[16] = "", a[64] = "", b[64] = "", c[64] = "";

	if (nl == NULL || nl - p >= (long)sizeof(line)) {
		die("the journal is damaged");
	}
	memcpy(line, p, (size_t)(nl - p));
	line[nl - p] = '\0';
	sscanf(line, "%15s %39s %39s %39s", op, a, b, c);
	p = nl + 1;
	if (strcmp(op, "write") == 0) {
		struct change w = { .off = strtoul(b, NULL, 10),
				    .len = strtoul(c, NULL, 10),
				    .data = p };

		take_content(d, a, w);
		return p + w.len;
	}
	if (strcmp(op, "truncate") == 0) {
		take_content(d, a,
			     (struct change){ .truncate = true,
					      .len = strtoul(b, NULL, 10) });
	} else if (strcmp(op, "sync") == 0) {
		take_sync(d, a);
	} else if (strcmp(op, "mark") == 0) {
		take_mark(d, a, strtoull(b, NULL, 10));
	} else if (strcmp(op, "mkdir") != 0) {
		if (op[0] == 'u') {
			goes(d, a);
		}
		take_naming(d, op[0] == 'e' ? 'x' : op[0], a, b);
	}
	return p;
}

/* --- what may be on it --- */

enum variant {
	V_ALL, /* a process was killed */
	V_NONE,
	V_NAMES_ONLY,
	V_DATA_ONLY,
	V_LAST_TORN,
	V_CHANCE,
};

/* Some sectors of a write, the others zero where the file grew. */
static void
tear(uint8_t **p, size_t *n, const struct change *c, bool front)
{
	size_t end = c->off + c->len,
	       keep = rnd((uint32_t)(c->len / SECTOR + 2));

	if (end > *n) {
		resize(p, n, end);
	}
	for (size_t i = 0; c->off + i < end;) {
		size_t to = (c->off + i) / SECTOR * SECTOR + SECTOR;
		size_t k = MIN(to, end) - c->off - i;

		if (front ? keep > 0 : rnd(2) == 0) {
			memcpy(*p + c->off + i, c->data + i, k);
			keep -= keep > 0;
		}
		i += k;
	}
	if (front && rnd(2) == 0) { /* and the size is not there */
		size_t have = MIN(c->off + keep * SECTOR, end);

		resize(p, n, MAX(have, c->off));
	}
}

static void
build_file(const struct file *f, enum variant v, const char *to)
{
	uint8_t *p = NULL;
	size_t n = 0;
	FILE *out;

	resize(&p, &n, f->n_durable);
	if (n > 0) {
		memcpy(p, f->durable, n);
	}
	for (unsigned i = 0; i < f->n_changes; i++) {
		const struct change *c = &f->change[i];
		bool last = i + 1 == f->n_changes;
		unsigned dice = rnd(4);

		if (v == V_NONE || v == V_NAMES_ONLY ||
		    (v == V_CHANCE && dice == 0)) {
			continue;
		}
		if (!c->truncate && ((v == V_LAST_TORN && last) ||
				     (v == V_CHANCE && dice == 1))) {
			tear(&p, &n, c, v == V_LAST_TORN);
		} else {
			content_change(&p, &n, c);
		}
	}
	out = fopen(to, "wb");
	if (out == NULL || fwrite(p, 1, n, out) != n || fclose(out) != 0) {
		die("cannot write below the work directory");
	}
	free(p);
}

static void
empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.') {
			unlinkat(dirfd(d), e->d_name, 0);
		}
	}
	if (d != NULL) {
		closedir(d);
	}
}

static void
build(const struct disk *d, enum variant v, const char *dir)
{
	struct names n = d->durable;
	char path[300];

	empty(dir);
	for (unsigned i = 0; i < d->n_namings; i++) {
		if (v == V_ALL || v == V_NAMES_ONLY || v == V_LAST_TORN ||
		    (v == V_CHANCE && rnd(2) == 0)) {
			name_change(&n, &d->naming[i]);
		}
	}
	for (unsigned i = 0; i < n.n; i++) {
		snprintf(path, sizeof(path), "%.200s/%.60s", dir, n.v[i].name);
		build_file(d->file[n.v[i].file], v, path);
	}
}

/* --- what must be found --- */

static char why[300];

static bool
wrong(const char *what, uint64_t n)
{
	snprintf(why, sizeof(why), "%s (%llu)", what, (unsigned long long)n);
	return false;
}

/* Reads all there is; marks what was found. */
static bool
read_back(struct spool *s, bool *found, uint64_t *n)
{
	static uint8_t want[FRAME_MAX_DATA];
	struct spool_cursor c;
	struct spool_item it;
	uint64_t next = spool_committed(s) + 1;
	enum err e;

	spool_seek(&c, next);
	while ((e = spool_next(s, &c, &it)) == ERR_OK) {
		if (it.gap_from != 0) {
			next = it.gap_to + 1;
			continue;
		}
		if (it.hdr.seq != next || it.hdr.seq >= 2 * MAX_SEQ ||
		    body_of(next, want) != it.data.len ||
		    memcmp(want, it.data.p, it.data.len) != 0) {
			return wrong("misread", it.hdr.seq);
		}
		found[next++] = true;
		(*n)++;
	}
	return e == ERR_EOF ? true : wrong("the read ended", (uint64_t)-e);
}

static bool
check_opened(const struct disk *d, struct spool *s, uint64_t waiting)
{
	static bool found[2 * MAX_SEQ];
	static uint8_t buf[FRAME_MAX_DATA];
	struct frame_header h = { .n = 1, .sev = 1 };
	uint64_t n = 0;

	memset(found, 0, sizeof(found));
	if (spool_committed(s) > d->committed) {
		return wrong("takes for committed what is not",
			     spool_committed(s));
	}
	if (!read_back(s, found, &n)) {
		return false;
	}
	if (n != waiting) {
		return wrong("spool_check() found other than was read",
			     waiting);
	}
	for (uint64_t q = d->committed + 1; q <= d->handed; q++) {
		if (d->is_durable[q] && !d->is_gone[q] && !found[q]) {
			return wrong("a durable batch is lost", q);
		}
	}
	if (spool_append(s, &h,
			 view_of(buf, body_of(spool_last_seq(s) + 1, buf)),
			 NULL) != ERR_OK ||
	    spool_sync(s, NULL) != ERR_OK) {
		return wrong("takes no more", 0);
	}
	return h.seq > d->handed ? true : wrong("gives a number twice", h.seq);
}

static bool
check_point(const struct disk *d, const char *dir)
{
	struct spool_check c;
	struct diag diag = { "" };
	struct spool *s;
	uint64_t waiting = 0;
	bool ok, unusable, fresh;

	spool_check(&c, dir);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		waiting += c.waiting[i].batches;
	}
	unusable = c.verdict == SPOOL_UNUSABLE;
	fresh = !c.has_meta && c.segments == 0;
	spool_check_fini(&c);
	if (unusable && !(fresh && d->handed == 0)) {
		return wrong("spool_check() says unusable", 0);
	}
	s = open_spool(dir, SPOOL_SYNC_BATCH, &diag);
	if (s == NULL) {
		snprintf(why, sizeof(why), "%.290s", diag.msg);
		return false;
	}
	ok = check_opened(d, s, waiting);
	spool_close(s);
	return ok;
}

static uint8_t *
read_whole(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = NULL;
	size_t cap = 0, k;

	*n = 0;
	if (f == NULL) {
		die(path);
	}
	do {
		cap += 1 << 20;
		p = realloc(p, cap);
		if (p == NULL) {
			die("out of memory");
		}
		k = fread(p + *n, 1, cap - *n, f);
		*n += k;
	} while (k > 0);
	fclose(f);
	return p;
}

static int
replay(const char *journal, const char *dir, unsigned step, unsigned variants,
       unsigned seed)
{
	static struct disk d;
	size_t n;
	uint8_t *text = read_whole(journal, &n);
	const uint8_t *p = text, *end = text + n;
	unsigned long points = 0, good = 0, entry = 0;

	while (p < end) {
		p = take_entry(&d, p, end);
		if (++entry % step != 0 && p < end) {
			continue;
		}
		for (unsigned i = 0; i < variants; i++) {
			rnd_state = (uint32_t)(seed + entry * 64 + i);
			build(&d, (enum variant)MIN(i, (unsigned)V_CHANCE),
			      dir);
			points++;
			if (check_point(&d, dir)) {
				good++;
			} else {
				printf("FAIL: entry %lu variant %u: %s\n",
				       entry, i, why);
			}
		}
	}
	empty(dir);
	printf("%lu points, %lu recovered\n", points, good);
	return good == points && points > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "write") == 0) {
		return write_spool(argv[2], argv[3]);
	}
	if (argc == 7 && strcmp(argv[1], "replay") == 0) {
		return replay(argv[2], argv[3], (unsigned)atoi(argv[4]),
			      (unsigned)atoi(argv[5]), (unsigned)atoi(argv[6]));
	}
	die("write DIR POLICY, or replay JOURNAL DIR STEP VARIANTS SEED");
}
