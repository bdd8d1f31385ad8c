/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles that somebody carries: files in an inbox, points in an outbox. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/exchange_in.h"
#include "common/clock.h"
#include "common/log.h"

/* The next file is known by its name; who has more, or a new epoch, is seen
 * when the directory is gone through. */
#define SCAN_US (5 * US_PER_S)
#define SCAN_NAMES 65536
/* Of no use any more, noted in one scan. */
#define SCAN_OLD 256
/* What was written to so lately may not be whole yet. */
#define WRITTEN_US (10 * US_PER_S)

struct box {
	uint64_t scanned_us; /* monotonic; 0: never */
	bool told; /* that the inbox cannot be read */
	/* The next epoch that begins; 0: none is known. */
	uint64_t epoch;
	/* Those that are of no use any more. */
	struct exchange_point old[SCAN_OLD];
	unsigned n_old;
	/* One that was refused and cannot be put aside; "": none.  While it is
	 * as it was, it is not looked at again. */
	char stuck[EXCHANGE_FILE_CAP];
	struct stat stuck_at;
};

struct exchange_in_files {
	const struct exchange_conf *conf;
	struct box *boxes;
	struct exchange_bytes text;
};

enum err
exchange_in_files_new(struct exchange_in_files **out,
		      const struct exchange_conf *conf)
{
	struct exchange_in_files *x = calloc(1, sizeof(*x));

	*out = NULL;
	if (x != NULL) {
		x->conf = conf;
		x->boxes = calloc(MAX(conf->n, 1u), sizeof(*x->boxes));
	}
	if (x == NULL || x->boxes == NULL) {
		free(x);
		return ERR_NOMEM;
	}
	*out = x;
	return ERR_OK;
}

void
exchange_in_files_free(struct exchange_in_files *x)
{
	if (x != NULL) {
		free(x->boxes);
		free(x->text.p);
		free(x);
	}
}

void
exchange_in_files_use(struct exchange_in_files *x,
		      const struct exchange_conf *conf)
{
	x->conf = conf;
}

/* ---------------------------------------------------------------- what is there */

/* "FROM-TO-EPOCH-SEQ.sig" of that prefix. */
static bool
read_name(const char *prefix, size_t len, const char *file, uint64_t *epoch,
	  uint64_t *seq)
{
	char end[8] = "";
	int used = 0;

	return strncmp(file, prefix, len) == 0 && file[len] >= '1' &&
	       file[len] <= '9' &&
	       sscanf(file + len, "%19" SCNu64 "-%19" SCNu64 "%7s%n", epoch,
		      seq, end, &used) == 3 &&
	       strcmp(end, ".sig") == 0 && file[len + (size_t)used] == '\0';
}

static void
note(struct box *b, const struct exchange_point *at, uint64_t epoch,
     uint64_t seq)
{
	if (epoch > at->epoch) {
		if (seq == 1 && (b->epoch == 0 || epoch < b->epoch)) {
			b->epoch = epoch;
		}
	} else if ((epoch < at->epoch || seq <= at->seq) &&
		   b->n_old < SCAN_OLD) {
		b->old[b->n_old++] = (struct exchange_point){ epoch, seq };
	}
}

static void
scan(struct exchange_in_files *x, unsigned party,
     const struct exchange_point *at)
{
	const struct exchange_party *p = &x->conf->parties[party];
	struct box *b = &x->boxes[party];
	char prefix[2 * EXCHANGE_NAME_CAP + 2];
	DIR *dir = opendir(p->inbox);
	const struct dirent *f;
	size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s-%s-", p->name,
				      x->conf->us);

	if (dir == NULL && !b->told) {
		log_warn("exchange with %s: %s: %s", p->name, p->inbox,
			 strerror(errno));
	}
	b->told = dir == NULL;
	b->scanned_us = clock_mono_us();
	b->epoch = 0;
	b->n_old = 0;
	for (unsigned n = 0;
	     dir != NULL && n < SCAN_NAMES && (f = readdir(dir)) != NULL; n++) {
		uint64_t epoch, seq;

		if (read_name(prefix, len, f->d_name, &epoch, &seq)) {
			note(b, at, epoch, seq);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

/* ------------------------------------------------------------------- files */

static void
path_of(const struct exchange_in_files *x, unsigned party, const char *id,
	const char *end, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s%s", x->conf->parties[party].inbox, id,
		 end);
}

static uint64_t
us_of(const struct timespec *t)
{
	return t->tv_sec > 0 ? (uint64_t)t->tv_sec * US_PER_S +
				       (uint64_t)t->tv_nsec / 1000
			     : 0;
}

/* Whether it was written to a moment ago; who copies files need not give them
 * another name first, as we do. */
static bool
is_being_written(const struct stat *st)
{
	uint64_t now = clock_wall_us(), at = us_of(&st->st_mtim);

	return at <= now && now - at < WRITTEN_US;
}

/* What files that were read are like. */
struct read_file {
	bool fresh; /* one of them may not be whole */
	uint64_t since_us; /* when the last came to lie here; wall clock */
};

/* The whole of a file of at most 'max' bytes; ERR_NOTFOUND, ERR_LIMIT, ERR_IO,
 * ERR_NOMEM. */
static enum err
read_whole(const char *path, size_t max, struct exchange_bytes *room,
	   size_t *len, struct read_file *as)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	enum err e = ERR_OK;
	ssize_t n = 1;

	*len = 0;
	if (fd < 0) {
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		e = ERR_IO;
	} else if (st.st_size < 0 || (uint64_t)st.st_size > max) {
		e = ERR_LIMIT;
	} else if (room->p == NULL) {
		room->cap = EXCHANGE_MAX_LEN;
		room->p = malloc(room->cap);
		e = room->p != NULL ? ERR_OK : ERR_NOMEM;
	}
	if (e == ERR_OK) {
		as->fresh |= is_being_written(&st);
		as->since_us = us_of(&st.st_ctim);
	}
	while (e == ERR_OK && n > 0 && *len < max) {
		n = read(fd, room->p + *len, max - *len);
		if (n < 0 && errno != EINTR) {
			e = ERR_IO;
		}
		*len += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	close(fd);
	return e;
}

/* The .sig of the item, as a frame without its data; ERR_NOTFOUND: it is not
 * there, ERR_FORMAT with the item refused. */
static enum err
read_sig(struct exchange_in_files *x, unsigned party,
	 struct exchange_item *item, struct read_file *as)
{
	char path[PATH_MAX], sig[EXCHANGE_SIG_MAX], id[EXCHANGE_FILE_CAP];
	struct exchange_bytes head = { (uint8_t *)sig, sizeof(sig) };
	struct diag why = { "" };
	size_t len;
	enum err e;

	path_of(x, party, item->id, ".sig", path);
	e = read_whole(path, sizeof(sig), &head, &len, as);
	if (e == ERR_NOTFOUND || e == ERR_NOMEM) {
		return e;
	}
	if (e != ERR_OK ||
	    !exchange_sig_read(view_of(sig, len), &item->f, item->mac, &why)) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   e == ERR_OK ? why.msg
					       : "the .sig cannot be read");
		return ERR_FORMAT;
	}
	exchange_file_name(&item->f, "", id);
	if (strcmp(id, item->id) != 0) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MISADDRESSED,
				   "its name is not what it was signed as");
		return ERR_FORMAT;
	}
	return ERR_OK;
}

static enum err
read_data(struct exchange_in_files *x, unsigned party,
	  struct exchange_item *item, struct read_file *as)
{
	char path[PATH_MAX];
	size_t len;
	enum err e;

	path_of(x, party, item->id, ".json", path);
	e = read_whole(path, EXCHANGE_MAX_LEN, &x->text, &len, as);
	if (e == ERR_NOMEM || e == ERR_NOTFOUND) {
		return e;
	}
	if (e != ERR_OK) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   e == ERR_LIMIT
					   ? "the .json is larger than 4 MiB"
					   : "the .json cannot be read");
		return ERR_FORMAT;
	}
	item->f.data = view_of(x->text.p, len);
	if (item->f.deflated) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   "a file is plain text");
		return ERR_FORMAT;
	}
	return ERR_OK;
}

/* Whether it is the one that could not be put aside, as it was then. */
static bool
is_stuck(const struct exchange_in_files *x, unsigned party, const char *id)
{
	const struct box *b = &x->boxes[party];
	char path[PATH_MAX];
	struct stat st;

	if (b->stuck[0] == '\0' || strcmp(b->stuck, id) != 0) {
		return false;
	}
	path_of(x, party, id, ".sig", path);
	return lstat(path, &st) == 0 && st.st_ino == b->stuck_at.st_ino &&
	       st.st_size == b->stuck_at.st_size &&
	       st.st_mtim.tv_sec == b->stuck_at.st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == b->stuck_at.st_mtim.tv_nsec;
}

/*
 * Reads 'id' into the item; ERR_NOTFOUND: not there, or not yet: its .json is to
 * come, or it is broken and may still be written.
 */
static enum err
read_item(struct exchange_in_files *x, unsigned party,
	  const struct exchange_point *at, struct exchange_item *item)
{
	struct exchange_bytes none = { NULL, 0 };
	struct read_file as = { .fresh = false };
	enum err e;

	if (is_stuck(x, party, item->id)) {
		return ERR_NOTFOUND;
	}
	e = read_sig(x, party, item, &as);
	if (e == ERR_OK) {
		e = read_data(x, party, item, &as);
	}
	if (e == ERR_OK) {
		e = exchange_in_judge(x->conf, party, at, &none, item);
	}
	if (e != ERR_OK && e != ERR_FORMAT) {
		return e;
	}
	item->added_us = as.since_us;
	return as.fresh && (item->what == EXCHANGE_REFUSED_MALFORMED ||
			    item->what == EXCHANGE_REFUSED_FORGED)
		       ? ERR_NOTFOUND
		       : ERR_OK;
}

static enum err
read_named(struct exchange_in_files *x, unsigned party,
	   const struct exchange_point *at, uint64_t epoch, uint64_t seq,
	   struct exchange_item *item)
{
	struct exchange_frame f = { .epoch = epoch, .seq = seq };

	snprintf(f.from, sizeof(f.from), "%s", x->conf->parties[party].name);
	snprintf(f.to, sizeof(f.to), "%s", x->conf->us);
	memset(item, 0, sizeof(*item));
	item->from_file = true;
	exchange_file_name(&f, "", item->id);
	return read_item(x, party, at, item);
}

enum err
exchange_in_files_next(struct exchange_in_files *x, unsigned party,
		       const struct exchange_point *at,
		       struct exchange_item *item)
{
	struct box *b = &x->boxes[party];
	enum err e = ERR_NOTFOUND;

	if (x->conf->parties[party].inbox == NULL) {
		return ERR_EOF;
	}
	if (at->epoch != 0) {
		e = read_named(x, party, at, at->epoch, at->seq + 1, item);
	}
	if (e == ERR_NOTFOUND &&
	    (b->scanned_us == 0 || clock_mono_us() - b->scanned_us > SCAN_US)) {
		scan(x, party, at);
	}
	while (e == ERR_NOTFOUND && b->n_old > 0) {
		const struct exchange_point *old = &b->old[--b->n_old];

		e = read_named(x, party, at, old->epoch, old->seq, item);
		if (e == ERR_OK && b->n_old == 0) {
			b->scanned_us = 0; /* there may be more */
		}
	}
	if (e == ERR_NOTFOUND && b->epoch > at->epoch) {
		e = read_named(x, party, at, b->epoch, 1, item);
	}
	return e == ERR_NOTFOUND ? ERR_EOF : e;
}

/* Moved out of the way; removed where the name that it would get is taken by
 * something that cannot be replaced. */
static bool
put_aside(const char *from)
{
	char to[PATH_MAX];

	snprintf(to, sizeof(to), "%.*s.refused", PATH_MAX - 16, from);
	return rename(from, to) == 0 || errno == ENOENT || remove(from) == 0;
}

void
exchange_in_files_done(struct exchange_in_files *x, unsigned party,
		       const struct exchange_item *item)
{
	static const char *const ends[] = { ".sig", ".json" };
	struct box *b = &x->boxes[party];
	bool good = item->what == EXCHANGE_BUNDLES ||
		    item->what == EXCHANGE_REPEATED;
	char from[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		path_of(x, party, item->id, ends[i], from);
		if (good ? unlink(from) == 0 || errno == ENOENT
			 : put_aside(from)) {
			continue;
		}
		if (!b->told) {
			b->told = true;
			log_warn("exchange: %s: %s", from, strerror(errno));
		}
		if (i == 0 && lstat(from, &b->stuck_at) == 0) {
			memcpy(b->stuck, item->id, sizeof(b->stuck));
		}
	}
}

/* ------------------------------------------------------------------ points */

static bool
write_whole(const char *path, const char *text)
{
	size_t len = strlen(text);
	bool done;
	int fd;

	/* Whoever carries files could have put a pipe there, on which we would
	 * wait for ever. */
	(void)!unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0640);
	if (fd < 0) {
		return false;
	}
	done = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	return close(fd) == 0 && done;
}

void
exchange_in_files_tell(const struct exchange_in_files *x, unsigned party,
		       const char *point)
{
	const struct exchange_party *p = &x->conf->parties[party];
	char name[EXCHANGE_FILE_CAP], path[PATH_MAX], part[PATH_MAX];

	if (p->outbox == NULL || p->inbox == NULL) {
		return;
	}
	exchange_point_file(p->name, x->conf->us, name);
	snprintf(path, sizeof(path), "%s/%s", p->outbox, name);
	snprintf(part, sizeof(part), "%.*s.tmp", PATH_MAX - 8, path);
	if ((!write_whole(part, point) || rename(part, path) != 0) &&
	    !x->boxes[party].told) {
		x->boxes[party].told = true;
		log_warn("exchange with %s: %s: %s", p->name, path,
			 strerror(errno));
	}
}
