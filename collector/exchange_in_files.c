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

struct box {
	uint64_t scanned_us; /* monotonic; 0: never */
	bool told; /* that the inbox cannot be read */
	/* The next epoch that begins; 0: none is known. */
	uint64_t epoch;
	/* One that is of no use any more; epoch 0: none. */
	uint64_t old_epoch, old_seq;
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
	} else if (epoch < at->epoch || seq <= at->seq) {
		b->old_epoch = epoch;
		b->old_seq = seq;
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
	b->epoch = b->old_epoch = 0;
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

/* The whole of a file of at most 'max' bytes; ERR_NOTFOUND, ERR_LIMIT, ERR_IO,
 * ERR_NOMEM. */
static enum err
read_whole(const char *path, size_t max, struct exchange_bytes *room,
	   size_t *len)
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

/* Reads 'id' into the item; ERR_NOTFOUND: not there. */
static enum err
read_item(struct exchange_in_files *x, unsigned party,
	  const struct exchange_point *at, struct exchange_item *item)
{
	char path[PATH_MAX], sig[EXCHANGE_SIG_MAX], id[EXCHANGE_FILE_CAP];
	struct exchange_bytes head = { (uint8_t *)sig, sizeof(sig) };
	struct exchange_bytes none = { NULL, 0 };
	struct diag why = { "" };
	size_t len;
	enum err e;

	path_of(x, party, item->id, ".sig", path);
	e = read_whole(path, sizeof(sig), &head, &len);
	if (e == ERR_NOTFOUND || e == ERR_NOMEM) {
		return e;
	}
	if (e != ERR_OK ||
	    !exchange_sig_read(view_of(sig, len), &item->f, item->mac, &why)) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   e == ERR_OK ? why.msg
					       : "the .sig cannot be read");
		return ERR_OK;
	}
	exchange_file_name(&item->f, "", id);
	if (strcmp(id, item->id) != 0) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MISADDRESSED,
				   "its name is not what it was signed as");
		return ERR_OK;
	}
	path_of(x, party, item->id, ".json", path);
	e = read_whole(path, EXCHANGE_MAX_LEN, &x->text, &len);
	if (e == ERR_NOMEM) {
		return e;
	}
	if (e != ERR_OK) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   e == ERR_LIMIT
					   ? "the .json is larger than 4 MiB"
					   : "the .json cannot be read");
		return ERR_OK;
	}
	item->f.data = view_of(x->text.p, len);
	if (item->f.deflated) {
		exchange_in_refuse(item, EXCHANGE_REFUSED_MALFORMED,
				   "a file is plain text");
		return ERR_OK;
	}
	return exchange_in_judge(x->conf, party, at, &none, item);
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
	if (e == ERR_NOTFOUND && b->old_epoch != 0) {
		e = read_named(x, party, at, b->old_epoch, b->old_seq, item);
		b->old_epoch = 0;
		b->scanned_us = e == ERR_OK ? 0 : b->scanned_us;
	}
	if (e == ERR_NOTFOUND && b->epoch > at->epoch) {
		e = read_named(x, party, at, b->epoch, 1, item);
	}
	return e == ERR_NOTFOUND ? ERR_EOF : e;
}

void
exchange_in_files_done(struct exchange_in_files *x, unsigned party,
		       const struct exchange_item *item)
{
	static const char *const ends[] = { ".sig", ".json" };
	bool good = item->what == EXCHANGE_BUNDLES ||
		    item->what == EXCHANGE_REPEATED;
	char from[PATH_MAX], to[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		path_of(x, party, item->id, ends[i], from);
		snprintf(to, sizeof(to), "%.*s.refused", PATH_MAX - 16, from);
		if ((good ? unlink(from) : rename(from, to)) != 0 &&
		    errno != ENOENT && !x->boxes[party].told) {
			x->boxes[party].told = true;
			log_warn("exchange: %s: %s", from, strerror(errno));
		}
	}
}

/* ------------------------------------------------------------------ points */

static bool
write_whole(const char *path, const char *text)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0640);
	size_t len = strlen(text);
	bool done;

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
