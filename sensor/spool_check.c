/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/json.h"
#include "common/ledger.h"
#include "sensor/spool_file.h"
#include "sensor/spool_seg.h"

#define SHOWN_GAPS 20

__attribute__((format(printf, 3, 4))) static void
problem(struct spool_check *c, enum spool_verdict v, const char *format, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->verdict = MAX(c->verdict, v);
	if (c->n_problems < SPOOL_CHECK_PROBLEMS) {
		c->problem[c->n_problems] = strdup(text);
	}
	c->n_problems++;
}

/* --- who holds it --- */

/*
 * Taking the lock to see whether it is free could keep a sensor from
 * starting, so the system's list of locks is asked.
 */
static bool
is_locked(int fd)
{
	FILE *f = fopen("/proc/locks", "re");
	char line[256], key[64];
	struct stat st;
	bool found = false;

	if (f == NULL || fstat(fd, &st) < 0) {
		if (f != NULL) {
			fclose(f);
		}
		return false;
	}
	snprintf(key, sizeof(key), " %02x:%02x:%llu ", major(st.st_dev),
		 minor(st.st_dev), (unsigned long long)st.st_ino);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		found = strstr(line, "FLOCK") != NULL &&
			strstr(line, key) != NULL;
	}
	fclose(f);
	return found;
}

static void
look_at_lock(struct spool_check *c, int dirfd)
{
	int fd = file_open_at(dirfd, "lock", O_RDONLY, 0);
	char pid[24];
	ssize_t n;

	if (fd < 0) {
		return;
	}
	c->in_use = is_locked(fd);
	n = pread(fd, pid, sizeof(pid) - 1, 0);
	if (c->in_use && n > 0) {
		pid[n] = '\0';
		c->pid = atol(pid);
	}
	close(fd);
}

/* --- what it holds --- */

static void
keep_number(struct spool_check *c, uint64_t seq)
{
	if (c->n_seq == c->cap_seq) {
		size_t cap = c->cap_seq * 2 + 1024;
		uint64_t *p = realloc(c->seq, cap * sizeof(*p));

		if (p == NULL) {
			return; /* told by look_for_gaps() */
		}
		c->seq = p;
		c->cap_seq = cap;
	}
	c->seq[c->n_seq++] = seq;
}

struct visit {
	struct spool_check *c;
	unsigned cls;
};

static void
take_record(void *arg, const struct seg_rec *r, bool good)
{
	const struct visit *v = arg;
	struct spool_check *c = v->c;

	if (good && r->hdr.seq > c->meta.committed) {
		c->waiting[v->cls].batches++;
		c->waiting[v->cls].events += r->hdr.n;
		c->waiting[v->cls].bytes += seg_rec_size(r);
		keep_number(c, r->hdr.seq);
	}
}

/* What one segment's look found, in words. */
static void
judge_seg(struct spool_check *c, const char *name, const struct seg_scan *scan)
{
	c->bad_records += scan->bad_records;
	c->torn_bytes += scan->cut_bytes;
	if (scan->foreign) {
		problem(c, SPOOL_UNUSABLE,
			"%s comes from another spool: a start is refused; take "
			"it out",
			name);
	}
	if (scan->bad_records > 0) {
		problem(c, SPOOL_DAMAGED,
			"%s: %" PRIu64 " batches with a damaged body: passed "
			"over, and told as a gap",
			name, scan->bad_records);
	}
	if (scan->unreadable) {
		problem(c, SPOOL_DAMAGED,
			"%s: the disk does not let %" PRIu64 " bytes be read: "
			"passed over, the file stays",
			name, scan->cut_bytes);
	} else if (scan->cut_bytes > 0 && scan->beyond > 0) {
		problem(c, SPOOL_DAMAGED,
			"%s: a damaged head hides batches up to number %" PRIu64
			": cut, %" PRIu64 " bytes, and told as a gap",
			name, scan->beyond, scan->cut_bytes);
	} else if (scan->cut_bytes > 0 && !c->in_use) {
		problem(c, SPOOL_DAMAGED,
			"%s: %" PRIu64 " bytes of an unfinished write: cut",
			name, scan->cut_bytes);
	}
}

static void
look_at_seg(struct spool_check *c, int dirfd, unsigned cls, uint64_t first)
{
	struct seg g = { .fd = -1, .cls = cls, .first_seq = first };
	struct visit v = { c, cls };
	const struct seg_visit visit = { take_record, &v };
	char name[SEG_NAME_CAP];
	struct seg_scan scan;
	enum err e;

	seg_name(&g, name);
	if (seg_open_to_read(&g, dirfd) != ERR_OK) {
		if (errno != ENOENT || !c->in_use) {
			problem(c, SPOOL_UNUSABLE, "%s: %s", name,
				strerror(errno));
		}
		return; /* committed and removed while we look */
	}
	if (c->meta.epoch == 0) { /* without meta the segments tell */
		(void)!seg_read_epoch(&g, &c->meta.epoch);
	}
	g.epoch = c->meta.epoch;
	e = seg_look(&g, &visit, &scan);
	if (e != ERR_OK) {
		problem(c, SPOOL_UNUSABLE, "%s: %s", name,
			e == ERR_IO ? strerror(errno) : err_name(e));
	} else {
		c->segments++;
		c->waiting[cls].segments++;
		c->disk_bytes += g.size + scan.cut_bytes;
		c->last_seq = MAX(c->last_seq, g.last_seq);
		c->last_seq = MAX(c->last_seq, scan.beyond);
		judge_seg(c, name, &scan);
	}
	seg_fini(&g);
}

struct found {
	unsigned cls;
	uint64_t first;
};

static int
by_name(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* The names first: a directory in use changes while it is read. */
static size_t
list(struct spool_check *c, int dirfd, struct found **out)
{
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *ent;
	struct found f;
	size_t n = 0;

	if (dir == NULL) {
		problem(c, SPOOL_UNUSABLE, "cannot list it: %s",
			strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return 0;
	}
	rewinddir(dir);
	while ((ent = readdir(dir)) != NULL) {
		struct found *p;

		if (!seg_parse_name(ent->d_name, &f.cls, &f.first) ||
		    f.cls >= SPOOL_CLASSES) {
			continue;
		}
		p = (n & (n - 1)) == 0
			    ? realloc(*out, MAX(n * 2, (size_t)1) * sizeof(*p))
			    : *out;
		if (p == NULL) {
			problem(c, SPOOL_UNUSABLE, "out of memory");
			break;
		}
		*out = p;
		p[n++] = f;
	}
	closedir(dir);
	if (n > 1) {
		qsort(*out, n, sizeof(**out), by_name);
	}
	return n;
}

static void
look_at_meta(struct spool_check *c, int dirfd, size_t n_segments)
{
	enum err e = spool_meta_load(&c->meta, dirfd);

	c->has_meta = e == ERR_OK;
	if (e == ERR_OK) {
		return;
	}
	c->meta = (struct spool_meta){ 0 };
	if (e == ERR_IO) {
		problem(c, SPOOL_UNUSABLE, "meta: %s", strerror(errno));
	} else if (n_segments == 0) {
		problem(c, SPOOL_UNUSABLE,
			"no spool: neither meta nor a segment is here");
	} else {
		problem(c, SPOOL_DAMAGED,
			"meta is %s: the epoch is taken from the segments, all "
			"batches are sent again, and numbers go on far behind "
			"the last",
			e == ERR_FORMAT ? "damaged" : "missing");
	}
}

/* --- gaps --- */

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
add_gap(struct spool_check *c, uint64_t from, uint64_t to)
{
	if (c->n_gaps < SPOOL_CHECK_GAPS) {
		c->gap[c->n_gaps].from = from;
		c->gap[c->n_gaps].to = to;
	}
	c->n_gaps++;
	c->gap_numbers += to - from + 1;
}

static void
look_for_gaps(struct spool_check *c)
{
	uint64_t want = c->meta.committed + 1, batches = 0;

	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		batches += c->waiting[i].batches;
	}
	if (batches != c->n_seq) {
		/* Not known to be clean. */
		problem(c, SPOOL_DAMAGED,
			"out of memory: gaps are not told; check again");
		return;
	}
	if (c->n_seq > 1) {
		qsort(c->seq, c->n_seq, sizeof(*c->seq), by_number);
	}
	if (!c->has_meta && c->n_seq > 0) { /* who knows what came before */
		want = c->seq[0];
	}
	for (size_t i = 0; i < c->n_seq; i++) {
		if (c->seq[i] > want) {
			add_gap(c, want, c->seq[i] - 1);
		}
		want = c->seq[i] + 1;
	}
	/* Given, as the ledger knows, and not found. */
	if (!c->in_use && c->meta.next > want) {
		add_gap(c, want, c->meta.next - 1);
	}
}

void
spool_check(struct spool_check *c, const char *dir)
{
	int dirfd = file_open_at(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	struct found *found = NULL;
	size_t n;

	*c = (struct spool_check){ .verdict = SPOOL_CLEAN };
	snprintf(c->dir, sizeof(c->dir), "%s", dir);
	if (dirfd < 0) {
		problem(c, SPOOL_UNUSABLE, "%s%s", strerror(errno),
			errno == ENOENT ? "; no sensor has had this spool yet"
					: "");
		return;
	}
	look_at_lock(c, dirfd);
	/* The ledger before the names: what it declares committed may go, but
	 * what comes meanwhile has numbers above. */
	n = list(c, dirfd, &found);
	look_at_meta(c, dirfd, n);
	for (size_t i = 0; i < n; i++) {
		look_at_seg(c, dirfd, found[i].cls, found[i].first);
	}
	free(found);
	close(dirfd);
	look_for_gaps(c);
}

void
spool_check_fini(struct spool_check *c)
{
	for (unsigned i = 0; i < MIN(c->n_problems, SPOOL_CHECK_PROBLEMS);
	     i++) {
		free(c->problem[i]);
	}
	free(c->seq);
}

const char *
spool_verdict_name(enum spool_verdict v)
{
	static const char *const names[] = { "clean", "damaged", "unusable" };

	return names[v];
}

/* --- in words --- */

static void
print_gaps(const struct spool_check *c, FILE *f)
{
	unsigned shown = MIN(c->n_gaps, (unsigned)SHOWN_GAPS);

	if (c->n_gaps == 0) {
		return;
	}
	fprintf(f, "gaps: %" PRIu64 " numbers are not here:", c->gap_numbers);
	for (unsigned i = 0; i < shown; i++) {
		fprintf(f, " %" PRIu64 "-%" PRIu64, c->gap[i].from,
			c->gap[i].to);
	}
	fprintf(f, "%s\n", shown < c->n_gaps ? " ..." : "");
}

/* "1 batch", "2 batches". */
static void
print_number(FILE *f, const char *before, uint64_t n, const char *one,
	     const char *many)
{
	fprintf(f, "%s%" PRIu64 " %s", before, n, n == 1 ? one : many);
}

static void
print_content(const struct spool_check *c, FILE *f)
{
	const struct spool_meta *m = &c->meta;

	fprintf(f, " of %s, epoch %" PRIu64,
		m->name[0] != '\0' ? m->name : "(unknown)", m->epoch);
	if (c->in_use) {
		fprintf(f, ", in use by process %ld", c->pid);
	}
	fprintf(f, "\ncommitted up to %" PRIu64 ", last number found %" PRIu64,
		m->committed, c->last_seq);
	print_number(f, "\n", c->segments, "segment", "segments");
	print_number(f, ", ", c->disk_bytes, "byte", "bytes");
	fputs(" on disk\n", f);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		fprintf(f, "severity %s", ledger_class_name(i));
		print_number(f, ": ", c->waiting[i].batches, "batch",
			     "batches");
		print_number(f, " with ", c->waiting[i].events, "event",
			     "events");
		print_number(
			f, c->waiting[i].batches == 1 ? " waits, " : " wait, ",
			c->waiting[i].bytes, "byte", "bytes");
		print_number(f, " in ", c->waiting[i].segments, "segment",
			     "segments");
		print_number(f, "; ", m->shed_events[i], "event was",
			     "events were");
		fputs(" shed\n", f);
	}
	print_gaps(c, f);
}

bool
spool_check_print(const struct spool_check *c, FILE *f)
{
	fprintf(f, "spool %s", c->dir);
	if (c->has_meta || c->segments > 0) {
		print_content(c, f);
	} else {
		fputc('\n', f);
	}
	for (unsigned i = 0; i < MIN(c->n_problems, SPOOL_CHECK_PROBLEMS);
	     i++) {
		fprintf(f, "problem: %s\n",
			c->problem[i] != NULL ? c->problem[i] : "");
	}
	fprintf(f, "%s\n", spool_verdict_name(c->verdict));
	return fflush(f) == 0 && !ferror(f);
}

static void
put_classes(const struct spool_check *c, struct json *j)
{
	json_arr(j, "classes");
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		json_obj(j, NULL);
		json_cstr(j, "severity", ledger_class_name(i));
		json_u64(j, "segments", c->waiting[i].segments);
		json_u64(j, "batches", c->waiting[i].batches);
		json_u64(j, "events", c->waiting[i].events);
		json_u64(j, "bytes", c->waiting[i].bytes);
		json_u64(j, "shed_batches", c->meta.shed_frames[i]);
		json_u64(j, "shed_events", c->meta.shed_events[i]);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
put_gaps(const struct spool_check *c, struct json *j)
{
	json_arr(j, "gaps");
	for (unsigned i = 0; i < MIN(c->n_gaps, SPOOL_CHECK_GAPS); i++) {
		json_obj(j, NULL);
		json_u64(j, "from", c->gap[i].from);
		json_u64(j, "to", c->gap[i].to);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_u64(j, "gap_count", c->n_gaps);
	json_u64(j, "gap_numbers", c->gap_numbers);
}

bool
spool_check_json(const struct spool_check *c, FILE *f)
{
	struct json j = { 0 };
	bool ok;

	json_obj(&j, NULL);
	json_cstr(&j, "spool", c->dir);
	json_cstr(&j, "status", spool_verdict_name(c->verdict));
	json_cstr(&j, "sensor", c->meta.name);
	json_u64(&j, "epoch", c->meta.epoch);
	json_u64(&j, "committed", c->meta.committed);
	json_u64(&j, "last", c->last_seq);
	json_bool(&j, "in_use", c->in_use);
	if (c->in_use) {
		json_u64(&j, "pid", (uint64_t)c->pid);
	}
	json_u64(&j, "segments", c->segments);
	json_u64(&j, "disk_bytes", c->disk_bytes);
	put_classes(c, &j);
	put_gaps(c, &j);
	json_u64(&j, "torn_bytes", c->torn_bytes);
	json_u64(&j, "bad_records", c->bad_records);
	json_arr(&j, "problems");
	for (unsigned i = 0; i < MIN(c->n_problems, SPOOL_CHECK_PROBLEMS);
	     i++) {
		json_cstr(&j, NULL, c->problem[i] != NULL ? c->problem[i] : "");
	}
	json_arr_end(&j);
	json_obj_end(&j);
	ok = !j.failed && fprintf(f, "%.*s\n", (int)j.len, j.p) > 0 &&
	     fflush(f) == 0;
	json_fini(&j);
	return ok;
}
