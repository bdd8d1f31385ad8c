/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/spool.h"
#include "sensor/spool_file.h"
#include "sensor/spool_state.h"

#define SEGMENT_MIN ((uint64_t)64 << 10)
/*
 * Numbers passed over when the meta file is lost: more than were ever given
 * behind the last record found, so that none is given twice.
 */
#define LOST_META_SKIP (UINT64_C(1) << 20)

enum err
spool_default_dir(const char *name, char *out, size_t cap, struct diag *d)
{
	const char *state = getenv("STATE_DIRECTORY");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	int n;

	if (state != NULL && state[0] == '/') {
		/* systemd may name several, parted by colons. */
		n = snprintf(out, cap, "%.*s/spool/%s",
			     (int)strcspn(state, ":"), state, name);
	} else if (geteuid() == 0) {
		n = snprintf(out, cap, "/var/lib/picket/spool/%s", name);
	} else if (xdg != NULL && xdg[0] == '/') {
		n = snprintf(out, cap, "%s/picket/spool/%s", xdg, name);
	} else if (home != NULL && home[0] == '/') {
		n = snprintf(out, cap, "%s/.local/state/picket/spool/%s", home,
			     name);
	} else {
		return diag_set(d, ERR_USAGE,
				"no place for the spool: HOME is not set; "
				"name a directory with --spool");
	}
	if (n < 0 || (size_t)n >= cap) {
		return diag_set(d, ERR_USAGE,
				"the path of the spool is too long; name a "
				"shorter one with --spool");
	}
	return ERR_OK;
}

static enum err
io_err(const struct spool *s, const char *what, struct diag *d)
{
	return diag_set(d, ERR_IO,
			"spool %s: %s: %s; mend it or name another directory "
			"with --spool",
			s->dir, what, strerror(errno));
}

/* The name in its parent is as durable as what lies below it must be. */
static bool
sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[sizeof(((struct spool *)0)->dir)];
	int fd;
	bool ok;

	snprintf(parent, sizeof(parent), "%.*s",
		 slash == NULL ? 1 : (int)MAX(slash - path, 1),
		 slash == NULL ? "." : path);
	fd = file_open_at(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		return errno == EACCES; /* may be entered and not be read */
	}
	ok = file_sync_dir(fd) || errno == EINVAL;
	close(fd);
	return ok;
}

/* mkdir -p, for the owner alone: alerts are nobody else's business. */
static bool
make_dirs(const char *dir)
{
	char path[sizeof(((struct spool *)0)->dir)];
	size_t n = strlen(dir);

	memcpy(path, dir, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0') {
			continue;
		}
		path[i] = '\0';
		if (mkdir(path, 0700) == 0) {
			if (!sync_parent(path)) {
				return false;
			}
		} else if (errno != EEXIST) {
			return false;
		}
		path[i] = dir[i];
	}
	return true;
}

static enum err
lock_dir(struct spool *s, struct diag *d)
{
	char pid[16] = "";

	int rc;

	s->lockfd = file_open_at(s->dirfd, "lock", O_RDWR | O_CREAT, 0600);
	if (s->lockfd < 0) {
		return io_err(s, "lock", d);
	}
	do {
		rc = flock(s->lockfd, LOCK_EX | LOCK_NB);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0) {
		if (errno != EWOULDBLOCK) {
			return io_err(s, "lock", d);
		}
		if (pread(s->lockfd, pid, sizeof(pid) - 1, 0) < 0) {
			pid[0] = '\0';
		}
		return diag_set(d, ERR_USAGE,
				"spool %s is in use by another sensor "
				"(process %ld); give each its own --sensor "
				"name or --spool",
				s->dir, atol(pid));
	}
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* The number only helps a reader, and a full disk must not keep a
	 * sensor from starting; the lock is the lock. */
	(void)!(ftruncate(s->lockfd, 0) == 0 &&
		pwrite(s->lockfd, pid, strlen(pid), 0) > 0);
	return ERR_OK;
}

static int
seg_order(const void *a, const void *b)
{
	const struct seg *x = *(struct seg *const *)a,
			 *y = *(struct seg *const *)b;

	if (x->cls != y->cls) {
		return x->cls < y->cls ? -1 : 1;
	}
	return (x->first_seq > y->first_seq) - (x->first_seq < y->first_seq);
}

static enum err
add_seg(struct seg ***list, size_t *n, unsigned cls, uint64_t first_seq)
{
	struct seg **p = *list, *g;

	if ((*n & (*n - 1)) == 0) { /* full at powers of two */
		p = realloc(p, MAX(*n * 2, (size_t)1) * sizeof(*p));
		if (p == NULL) {
			return ERR_NOMEM;
		}
		*list = p;
	}
	g = calloc(1, sizeof(*g));
	if (g == NULL) {
		return ERR_NOMEM;
	}
	g->fd = -1;
	g->cls = cls;
	g->first_seq = first_seq;
	g->sealed = true;
	p[(*n)++] = g;
	return ERR_OK;
}

/* The segments there are, oldest first in each class. */
static enum err
list_segs(struct spool *s, struct seg ***list, size_t *n, struct diag *d)
{
	int fd = fcntl(s->dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *ent;
	enum err e = ERR_OK;
	unsigned cls;
	uint64_t first;

	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return io_err(s, "cannot list it", d);
	}
	rewinddir(dir);
	while (e == ERR_OK && (errno = 0, ent = readdir(dir)) != NULL) {
		if (seg_parse_name(ent->d_name, &cls, &first) &&
		    cls < SPOOL_CLASSES) {
			e = add_seg(list, n, cls, first);
		}
	}
	if (e == ERR_OK && errno != 0) {
		e = io_err(s, "cannot list it", d);
		closedir(dir);
		return e;
	}
	closedir(dir);
	if (e != ERR_OK) {
		return diag_set(d, e, "spool %s: out of memory", s->dir);
	}
	if (*n > 1) {
		qsort(*list, *n, sizeof(**list), seg_order);
	}
	return ERR_OK;
}

/*
 * Without a meta file: a new spool, or one that lost it.  Then its segments
 * tell the epoch, and numbers go on far behind the last.
 */
static enum err
make_meta(struct spool *s, struct seg *const *list, size_t n, struct diag *d)
{
	struct spool_meta *m = &s->meta;
	uint64_t first = UINT64_MAX;

	m->epoch = 0;
	m->committed = 0;
	m->next = 1;
	for (size_t i = 0; i < n; i++) {
		if (seg_open(list[i], s->dirfd) != ERR_OK) {
			return io_err(s, "cannot open a segment", d);
		}
		if (m->epoch == 0 &&
		    seg_read_epoch(list[i], &m->epoch) == ERR_IO &&
		    errno != EIO) {
			return io_err(s, "cannot read a segment", d);
		}
		seg_close(list[i]);
		first = MIN(first, list[i]->first_seq);
		m->next = MAX(m->next, list[i]->first_seq + 1);
	}
	if (n > 0 && m->epoch != 0) {
		m->committed = first - 1;
		m->next += LOST_META_SKIP;
		return ERR_OK;
	}
	m->epoch = MAX(clock_wall_us() / 1000, UINT64_C(1));
	m->next = 1;
	return ERR_OK;
}

static enum err
load_meta(struct spool *s, const char *name, struct seg *const *list, size_t n,
	  struct diag *d)
{
	enum err e = spool_meta_load(&s->meta, s->dirfd);

	if (e == ERR_OK && strcmp(s->meta.name, name) != 0) {
		return diag_set(d, ERR_USAGE,
				"spool %s belongs to sensor %s, not %s; name "
				"another directory with --spool",
				s->dir, s->meta.name, name);
	}
	if (e == ERR_OK) {
		return ERR_OK;
	}
	if (e == ERR_IO) {
		return io_err(s, "cannot read meta", d);
	}
	s->meta = (struct spool_meta){ 0 };
	snprintf(s->meta.name, sizeof(s->meta.name), "%s", name);
	e = make_meta(s, list, n, d);
	if (e == ERR_OK && spool_meta_save(&s->meta, s->dirfd) != ERR_OK) {
		e = io_err(s, "cannot write meta", d);
	}
	return e;
}

/* Reads a segment through and takes it in; what holds nothing is removed. */
static enum err
recover_seg(struct spool *s, struct seg *g, struct diag *d)
{
	struct seg_scan scan;
	char name[SEG_NAME_CAP];
	enum err e;

	seg_name(g, name);
	g->epoch = s->meta.epoch;
	e = seg_open(g, s->dirfd);
	if (e == ERR_OK) {
		e = seg_scan(g, &scan);
	}
	if (e != ERR_OK) {
		e = e == ERR_NOMEM ? diag_set(d, e, "out of memory")
				   : io_err(s, name, d);
		seg_fini(g);
		return e;
	}
	/* What the last run wrote but did not sync is durable from here on. */
	if (!scan.foreign && !file_sync(g->fd)) {
		s->st.sync_failures++;
		s->doubt = true;
	}
	seg_close(g);
	if (scan.foreign) {
		seg_fini(g);
		return diag_set(d, ERR_USAGE,
				"spool %s: %s comes from another spool; take "
				"it out",
				s->dir, name);
	}
	s->st.cut_bytes += scan.cut_bytes;
	s->st.bad_records += scan.bad_records;
	s->st.unreadable += scan.unreadable;
	/* Of an unreadable file the name stays taken. */
	s->meta.next = MAX(s->meta.next, g->last_seq + 1 + scan.unreadable);
	s->meta.next = MAX(s->meta.next, scan.beyond + 1);
	if (g->frames == 0) {
		if (!scan.unreadable) {
			(void)unlinkat(s->dirfd, name, 0);
		}
		seg_fini(g);
		free(g);
		return ERR_OK;
	}
	spool_link(s, g);
	return ERR_OK;
}

/*
 * When the system went down, numbers may have been sent that no record tells
 * of any more.
 */
static void
skip_reserved(struct spool *s)
{
	char boot[CLOCK_BOOT_CAP];

	if (s->meta.reserved == 0) {
		return;
	}
	clock_boot_id(boot);
	if (boot[0] == '\0' || strcmp(boot, s->meta.boot) != 0) {
		s->meta.next = MAX(s->meta.next, s->meta.reserved);
	}
	s->meta.reserved = 0;
}

static enum err
recover(struct spool *s, const char *name, struct diag *d)
{
	struct seg **list = NULL;
	size_t n = 0, i = 0;
	enum err e = list_segs(s, &list, &n, d);

	if (e == ERR_OK) {
		e = load_meta(s, name, list, n, d);
	}
	for (; e == ERR_OK && i < n; i++) {
		e = recover_seg(s, list[i], d);
		if (e != ERR_OK) {
			break; /* list[i] is not linked and freed below */
		}
	}
	for (; i < n; i++) {
		free(list[i]);
	}
	free(list);
	if (e != ERR_OK) {
		return e;
	}
	skip_reserved(s);
	s->synced = s->meta.next - 1;
	spool_mark_done(s);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		while (s->cls[c].head != NULL &&
		       s->cls[c].head->last_seq <= s->meta.committed) {
			spool_unlink_head(s, c);
		}
	}
	return ERR_OK;
}

static bool
name_is_good(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)name[i] <= 0x20 || name[i] == 0x7f) {
			return false;
		}
	}
	return n > 0 && n < SPOOL_NAME_CAP;
}

static enum err
open_dir(struct spool *s, const struct spool_options *o, struct diag *d)
{
	if (strlen(o->dir) >= sizeof(s->dir) || o->dir[0] == '\0' ||
	    !name_is_good(o->name)) {
		return diag_set(d, ERR_USAGE,
				"spool: the directory or the sensor's name is "
				"empty, too long or not printable");
	}
	memcpy(s->dir, o->dir, strlen(o->dir) + 1);
	if (!make_dirs(s->dir)) {
		return io_err(s, "cannot create it", d);
	}
	s->dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd < 0) {
		return io_err(s, "cannot open it", d);
	}
	return lock_dir(s, d);
}

enum err
spool_open(struct spool **out, const struct spool_options *o, struct diag *d)
{
	struct spool *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->dirfd = s->lockfd = -1;
	s->generation = 1;
	s->max_bytes = o->max_bytes != 0 ? o->max_bytes : SPOOL_MAX_SIZE;
	s->segment_bytes = o->segment_bytes;
	s->policy = o->sync;
	if (s->segment_bytes == 0) {
		s->segment_bytes = MIN(MAX(s->max_bytes / 32, SEGMENT_MIN),
				       SPOOL_SEGMENT_SIZE);
	}
	s->body = malloc(FRAME_MAX_DATA);
	e = s->body != NULL ? open_dir(s, o, d)
			    : diag_set(d, ERR_NOMEM, "out of memory");
	if (e == ERR_OK) {
		e = recover(s, o->name, d);
	}
	if (e == ERR_OK) {
		*out = s;
		return ERR_OK;
	}
	s->meta.epoch = 0; /* not ours to write */
	spool_close(s);
	return e;
}

void
spool_close(struct spool *s)
{
	if (s == NULL) {
		return;
	}
	if (s->meta.epoch != 0) {
		/* Failures were counted, and recovery does without both. */
		spool_sync_all(s);
		if (!s->doubt) {
			s->meta.reserved = 0;
		}
		(void)!spool_meta_save(&s->meta, s->dirfd);
	}
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		while (s->cls[c].head != NULL) {
			struct seg *g = s->cls[c].head;

			s->cls[c].head = g->next;
			seg_fini(g);
			free(g);
		}
	}
	if (s->dirfd >= 0) {
		close(s->dirfd);
	}
	if (s->lockfd >= 0) {
		close(s->lockfd); /* and with it the lock */
	}
	free(s->body);
	free(s);
}
