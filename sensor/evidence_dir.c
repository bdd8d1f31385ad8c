/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/evidence_name.h"

#define BUFFER (256 * 1024)
#define PCAP_NS_MAGIC 0xa1b23c4du
/* After a failure nothing is tried for so long. */
#define RETRY_US US_PER_S

/* A file that is there. */
struct listed {
	TAILQ_ENTRY(listed) link; /* oldest first */
	uint64_t size;
	int64_t made_ns;
	bool open;
	char name[EVIDENCE_NAME_CAP];
};
TAILQ_HEAD(list, listed);

/* The one that a worker's series goes to. */
struct stream {
	int fd; /* -1: none */
	uint32_t file, refused; /* its number; of the one given up */
	struct listed *listed;
	_Atomic uint32_t *broken;
};

struct evidence_dir {
	struct evidence_dir_settings set;
	int fd;
	uint32_t run;
	size_t n;
	struct list list;
	struct stream *stream; /* EVIDENCE_SERIES of each worker */
	/* What waits to be written, at the end of that stream's file. */
	struct stream *now;
	uint8_t *buf;
	size_t len;
	uint64_t waiting, waiting_bytes; /* packets in it */
	uint64_t retry_us; /* 0: all is well */
	struct evidence_dir_counters count;
};

/* --- what is there --- */

static int
by_age(const void *a, const void *b)
{
	const struct listed *x = *(struct listed *const *)a;
	const struct listed *y = *(struct listed *const *)b;

	if (x->made_ns != y->made_ns) {
		return x->made_ns < y->made_ns ? -1 : 1;
	}
	return strcmp(x->name, y->name);
}

static struct listed *
list_one(int fd, const char *name)
{
	struct listed *l;
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode)) {
		return NULL;
	}
	l = calloc(1, sizeof(*l));
	if (l != NULL) {
		l->size = (uint64_t)st.st_size;
		l->made_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
			     st.st_mtim.tv_nsec;
		memcpy(l->name, name, strlen(name) + 1);
	}
	return l;
}

/* Oldest first. */
static enum err
sort_list(struct evidence_dir *v)
{
	struct listed **all = calloc(v->n + 1, sizeof(struct listed *));
	struct listed *l;
	size_t n = 0;

	if (all == NULL) {
		return ERR_NOMEM;
	}
	while ((l = TAILQ_FIRST(&v->list)) != NULL) {
		TAILQ_REMOVE(&v->list, l, link);
		all[n++] = l;
	}
	qsort(all, n, sizeof(*all), by_age);
	for (size_t i = 0; i < n; i++) {
		TAILQ_INSERT_TAIL(&v->list, all[i], link);
	}
	free(all);
	return ERR_OK;
}

static enum err
read_dir(struct evidence_dir *v, struct diag *d)
{
	int fd = openat(v->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	uint32_t run;

	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return diag_set(d, ERR_IO, "evidence.dir %s: %s", v->set.dir,
				strerror(errno));
	}
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		struct listed *l;

		if (strlen(e->d_name) >= EVIDENCE_NAME_CAP ||
		    !evidence_name_read(e->d_name, &run)) {
			continue;
		}
		v->run = MAX(v->run, run);
		l = list_one(v->fd, e->d_name);
		if (l != NULL) {
			TAILQ_INSERT_TAIL(&v->list, l, link);
			v->n++;
			v->count.stored_bytes += l->size;
		}
	}
	closedir(dir);
	v->run++;
	return sort_list(v) == ERR_OK ? ERR_OK
				      : diag_set(d, ERR_NOMEM, "out of memory");
}

enum err
evidence_dir_open(struct evidence_dir **out,
		  const struct evidence_dir_settings *set, struct diag *d)
{
	struct evidence_dir *v = calloc(1, sizeof(*v));
	unsigned n = set->n_workers * EVIDENCE_SERIES;
	enum err e;

	*out = NULL;
	if (v == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	v->set = *set;
	TAILQ_INIT(&v->list);
	v->fd = -1;
	v->buf = malloc(BUFFER + EVIDENCE_PACKET_HEAD + set->snaplen);
	v->stream = calloc(n, sizeof(*v->stream));
	if (v->buf == NULL || v->stream == NULL) {
		evidence_dir_close(v);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < n; i++) {
		v->stream[i].fd = -1;
	}
	(void)mkdir(set->dir, 0750); /* or it is there; open() tells */
	v->fd = open(set->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->fd < 0) {
		e = diag_set(d, ERR_IO, "evidence.dir %s: %s", set->dir,
			     strerror(errno));
	} else if (flock(v->fd, LOCK_EX | LOCK_NB) != 0) {
		e = diag_set(d, ERR_IO,
			     "evidence.dir %s: another sensor keeps its "
			     "evidence there; give this one another",
			     set->dir);
	} else {
		e = read_dir(v, d);
	}
	if (e != ERR_OK) {
		evidence_dir_close(v);
		return e;
	}
	*out = v;
	return ERR_OK;
}

uint32_t
evidence_dir_run(const struct evidence_dir *v)
{
	return v->run;
}

/* --- room --- */

static void
forget(struct evidence_dir *v, struct listed *l)
{
	v->count.stored_bytes -= l->size;
	TAILQ_REMOVE(&v->list, l, link);
	v->n--;
	free(l);
}

static bool
is_full(const struct evidence_dir *v, uint64_t bytes, size_t files)
{
	return v->count.stored_bytes + bytes > v->set.total_size ||
	       v->n + files > EVIDENCE_FILES_MAX;
}

/* So many more bytes and files do not pass the bounds; false with errno: they
 * would, as those that are there cannot be taken away. */
static bool
make_room(struct evidence_dir *v, uint64_t bytes, size_t files)
{
	struct listed *l = TAILQ_FIRST(&v->list), *next;
	int why = ENOSPC;

	for (; l != NULL && is_full(v, bytes, files); l = next) {
		next = TAILQ_NEXT(l, link);
		if (l->open) {
			continue;
		}
		/* Who took it away before us did the same. */
		if (unlinkat(v->fd, l->name, 0) == 0) {
			v->count.removed++;
		} else if (errno != ENOENT) {
			why = errno;
			continue;
		}
		forget(v, l);
	}
	errno = why;
	return !is_full(v, bytes, files);
}

/* --- files --- */

static void
end_file(struct stream *s)
{
	if (s->fd >= 0) {
		close(s->fd);
		s->listed->open = false;
	}
	s->fd = -1;
	s->listed = NULL;
}

/* It came to nothing: while a disk is full they would be so many that they push
 * out those that hold something. */
static void
end_empty(struct evidence_dir *v, struct stream *s)
{
	struct listed *l = s->listed;

	end_file(s);
	if (l != NULL && l->size <= EVIDENCE_FILE_HEAD &&
	    (unlinkat(v->fd, l->name, 0) == 0 || errno == ENOENT)) {
		forget(v, l);
	}
}

/* The stream's file is given up: what it was to hold is lost. */
static void
give_up(struct evidence_dir *v, struct stream *s, const char *what)
{
	if (v->retry_us == 0) {
		log_warn(
			"evidence: cannot %s in %s: %s; packets are lost until "
			"that is mended",
			what, v->set.dir, strerror(errno));
	}
	v->retry_us = clock_mono_us() + RETRY_US;
	v->count.errors++;
	s->refused = s->file;
	atomic_store_explicit(s->broken, s->file, memory_order_relaxed);
	end_empty(v, s);
}

static void
put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* All of it, or what was there before. */
static bool
append(struct stream *s, const uint8_t *p, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(s->fd, p + done, len - done,
				   (off_t)(s->listed->size + done));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			int why = n < 0 ? errno : ENOSPC;

			if (ftruncate(s->fd, (off_t)s->listed->size) != 0) {
				why = errno;
			}
			errno = why;
			return false;
		}
		done += (size_t)n;
	}
	return true;
}

static bool
begin_file(struct evidence_dir *v, struct stream *s,
	   const struct evidence_head *h)
{
	uint8_t head[EVIDENCE_FILE_HEAD] = { 0 };
	struct listed *l = calloc(1, sizeof(*l));
	int fd;

	s->file = h->at.file;
	if (l == NULL) {
		errno = ENOMEM;
		give_up(v, s, "list a file");
		return false;
	}
	evidence_name(&h->at, l->name);
	fd = make_room(v, sizeof(head), 1)
		     ? openat(v->fd, l->name,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
				      O_CLOEXEC,
			      0640)
		     : -1;
	if (fd < 0) {
		int why = errno;

		free(l);
		errno = why;
		give_up(v, s, "make a file");
		return false;
	}
	l->open = true;
	TAILQ_INSERT_TAIL(&v->list, l, link);
	v->n++;
	s->fd = fd;
	s->listed = l;
	put32(head, PCAP_NS_MAGIC);
	head[4 + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)] = 2;
	head[6 + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)] = 4;
	put32(head + 16, v->set.snaplen);
	/* IP alone has another number in files than at interfaces. */
	put32(head + 20,
	      h->linktype == 12 || h->linktype == 14 ? 101 : h->linktype);
	if (!append(s, head, sizeof(head))) {
		give_up(v, s, "write");
		return false;
	}
	l->size = sizeof(head);
	v->count.stored_bytes += sizeof(head);
	v->count.files++;
	return true;
}

void
evidence_dir_flush(struct evidence_dir *v)
{
	struct stream *s = v->now;

	v->now = NULL;
	if (s == NULL || v->len == 0) {
		return;
	}
	if (make_room(v, v->len, 0) && append(s, v->buf, v->len)) {
		s->listed->size += v->len;
		v->count.stored_bytes += v->len;
		v->count.packets += v->waiting;
		v->count.bytes += v->waiting_bytes;
		if (v->retry_us != 0) {
			log_info("evidence: packets are kept again");
			v->retry_us = 0;
		}
	} else {
		v->count.lost += v->waiting;
		give_up(v, s, "write");
	}
	v->len = 0;
	v->waiting = v->waiting_bytes = 0;
}

/* The file that the packet goes to is open. */
static bool
settle_file(struct evidence_dir *v, struct stream *s,
	    const struct evidence_head *h)
{
	if (s->fd >= 0 && s->file == h->at.file) {
		return true;
	}
	if (s->refused == h->at.file) {
		return false;
	}
	end_file(s);
	if (v->retry_us != 0 && clock_mono_us() < v->retry_us) {
		s->refused = h->at.file;
		atomic_store_explicit(s->broken, h->at.file,
				      memory_order_relaxed);
		return false;
	}
	return begin_file(v, s, h);
}

void
evidence_dir_put(struct evidence_dir *v, const struct evidence_head *h,
		 const uint8_t *data, _Atomic uint32_t *broken)
{
	struct stream *s = &v->stream[(h->at.worker - 1) * EVIDENCE_SERIES +
				      h->at.exercise];
	uint8_t *p;

	s->broken = broken;
	if (v->now != s || s->file != h->at.file || v->len >= BUFFER) {
		evidence_dir_flush(v);
	}
	if (!settle_file(v, s, h)) {
		v->count.lost++;
		return;
	}
	v->now = s;
	p = v->buf + v->len;
	put32(p, (uint32_t)(h->ts_us / US_PER_S));
	put32(p + 4, (uint32_t)(h->ts_us % US_PER_S * 1000) + h->ts_ns);
	put32(p + 8, h->caplen);
	put32(p + 12, h->wirelen);
	memcpy(p + EVIDENCE_PACKET_HEAD, data, h->caplen);
	v->len += EVIDENCE_PACKET_HEAD + h->caplen;
	v->waiting++;
	v->waiting_bytes += h->caplen;
}

const struct evidence_dir_counters *
evidence_dir_counters(const struct evidence_dir *v)
{
	return &v->count;
}

void
evidence_dir_close(struct evidence_dir *v)
{
	struct listed *l;

	if (v == NULL) {
		return;
	}
	evidence_dir_flush(v);
	for (unsigned i = 0;
	     v->stream != NULL && i < v->set.n_workers * EVIDENCE_SERIES; i++) {
		end_file(&v->stream[i]);
	}
	while ((l = TAILQ_FIRST(&v->list)) != NULL) {
		TAILQ_REMOVE(&v->list, l, link);
		free(l);
	}
	if (v->fd >= 0) {
		close(v->fd);
	}
	free(v->stream);
	free(v->buf);
	free(v);
}

int
evidence_dir_fd(const struct evidence_dir *v)
{
	return v->fd;
}

enum err
evidence_dir_names(const struct evidence_dir *v,
		   char (**names)[EVIDENCE_NAME_CAP], size_t *n)
{
	const struct listed *l;
	size_t i = 0;

	*names = calloc(v->n + 1, sizeof(**names));
	if (*names == NULL) {
		return ERR_NOMEM;
	}
	TAILQ_FOREACH(l, &v->list, link)
	{
		if (i < v->n) {
			memcpy((*names)[i++], l->name, sizeof(l->name));
		}
	}
	*n = i;
	return ERR_OK;
}
