/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

static struct exchange_frame
frame_of(const struct exchange_files *f, uint64_t epoch, uint64_t seq)
{
	struct exchange_frame x = { .epoch = epoch, .seq = seq };

	snprintf(x.from, sizeof(x.from), "%.63s", f->conf->us);
	snprintf(x.to, sizeof(x.to), "%.63s", f->party->name);
	return x;
}

static bool
path_of(const struct exchange_files *f, uint64_t epoch, uint64_t seq,
	const char *end, char out[PATH_MAX])
{
	struct exchange_frame x = frame_of(f, epoch, seq);
	char name[EXCHANGE_FILE_CAP];

	exchange_file_name(&x, end, name);
	return (size_t)snprintf(out, PATH_MAX, "%s/%s", f->party->outbox,
				name) < PATH_MAX;
}

static bool
write_all(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = write(fd, v.p, v.len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		v = view_sub(v, (size_t)n, v.len);
	}
	return true;
}

/* Whole under its name, or not there. */
static enum err
put_file(const char *path, struct view text, struct diag *d)
{
	char part[PATH_MAX];
	int fd = -1;
	bool ok = (size_t)snprintf(part, sizeof(part), "%s.part", path) <
		  sizeof(part);

	if (ok) {
		/* What is left of an earlier one; or a pipe, that we would wait
		 * for, as others may write here. */
		(void)!unlink(part);
		fd = open(part,
			  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			  0640);
		ok = fd >= 0 && write_all(fd, text) && fsync(fd) == 0;
	}
	if (fd >= 0 && close(fd) != 0) {
		ok = false;
	}
	if (ok && rename(part, path) == 0) {
		return ERR_OK;
	}
	diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	if (fd >= 0) {
		unlink(part);
	}
	return ERR_IO;
}

static void
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		/* What a power cut undoes is written again: not yet noted. */
		(void)!fsync(fd);
		close(fd);
	}
}

static enum err
write_one(struct exchange_files *f, struct sign_key *own,
	  const struct exchange_state *s, const struct exchange_made *m,
	  struct diag *d)
{
	struct exchange_frame x = frame_of(f, s->epoch, m->seq);
	char json_path[PATH_MAX], sig_path[PATH_MAX];
	uint8_t mac[FRAME_MAC_MAX];
	uLongf len = (uLongf)m->len;
	uint8_t *text = malloc(m->len + 1);
	struct json sig;
	size_t mac_len;
	enum err e = ERR_OK;

	json_init(&sig);
	if (text == NULL ||
	    uncompress(text, &len, m->data.p, (uLong)m->data.len) != Z_OK ||
	    len != m->len) {
		e = diag_set(d, text == NULL ? ERR_NOMEM : ERR_FORMAT,
			     "bundle %llu cannot be inflated",
			     (unsigned long long)m->seq);
	}
	x.n = m->n;
	x.len = m->len;
	x.data = view_of(text, len);
	if (e == ERR_OK &&
	    exchange_frame_sign(own, &x, mac, &mac_len) == ERR_OK) {
		x.mac = view_of(mac, mac_len);
		exchange_sig_write(&sig, &x);
	}
	if (e == ERR_OK && (x.mac.len == 0 || sig.failed)) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (e == ERR_OK && (!path_of(f, s->epoch, m->seq, ".json", json_path) ||
			    !path_of(f, s->epoch, m->seq, ".sig", sig_path))) {
		e = diag_set(d, ERR_IO, "%s: too long", f->party->outbox);
	}
	if (e == ERR_OK) {
		/* One that was taken back is of no use to a new text. */
		(void)!unlink(sig_path);
		e = put_file(json_path, x.data, d);
	}
	if (e == ERR_OK) {
		e = put_file(sig_path, json_view(&sig), d);
	}
	json_fini(&sig);
	free(text);
	return e;
}

/* The point that was carried back, if there is one. */
static enum err
read_point(const struct exchange_files *f, struct exchange_heard *heard,
	   struct diag *d)
{
	char path[PATH_MAX], name[EXCHANGE_FILE_CAP], text[POINT_TEXT_CAP + 2];
	enum exchange_verdict v;
	ssize_t n;
	int fd;

	heard->known = false;
	if (f->party->inbox == NULL) {
		return ERR_OK;
	}
	exchange_point_file(f->conf->us, f->party->name, name);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", f->party->inbox,
			     name) >= sizeof(path)) {
		return diag_set(d, ERR_IO, "%s: too long", f->party->inbox);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		return errno == ENOENT ? ERR_OK
				       : diag_set(d, ERR_IO, "%s: %s", path,
						  strerror(errno));
	}
	n = read(fd, text, sizeof(text));
	close(fd);
	v = n < 0 ? EXCHANGE_MALFORMED
		  : exchange_point_read(f->party, f->conf->us,
					view_of(text, (size_t)n), &heard->epoch,
					&heard->seq);
	heard->known = v == EXCHANGE_OK;
	return v == EXCHANGE_OK
		       ? ERR_OK
		       : diag_set(d, ERR_FORMAT, "%s is %s: not heeded", path,
				  exchange_verdict_name(v));
}

/* Files that somebody took away count as taken, in order. */
static void
look_what_went(const struct exchange_files *f, struct exchange_state *s)
{
	char path[PATH_MAX];

	while (s->acked < s->sent &&
	       path_of(f, s->epoch, s->acked + 1, ".sig", path) &&
	       access(path, F_OK) != 0 && errno == ENOENT) {
		s->acked++;
	}
}

/* From where to go on writing. */
static void
find_place(struct exchange_files *f, const struct exchange_state *s)
{
	if (f->epoch != s->epoch) {
		f->epoch = s->epoch;
		f->written = f->party->url == NULL ? s->sent : 0;
		memcpy(f->policy, s->policy, sizeof(f->policy));
	}
	/* What waits was taken back: its files are, as far as they are here. */
	if (strcmp(f->policy, s->policy) != 0) {
		exchange_files_remove(f, s->epoch, s->acked, f->written);
		f->written = s->acked;
		memcpy(f->policy, s->policy, sizeof(f->policy));
	}
	f->written = MAX(f->written, s->acked);
}

enum err
exchange_files_turn(struct exchange_files *f, sqlite3 *db, struct sign_key *own,
		    struct exchange_state *state, struct exchange_heard *heard,
		    unsigned *sent, struct diag *d)
{
	enum err e = ERR_OK;

	*sent = 0;
	find_place(f, state);
	while (e == ERR_OK) {
		struct exchange_made m;

		e = exchange_out_next(db, f->party->name, f->written, &m);
		if (e == ERR_OK) {
			e = write_one(f, own, state, &m, d);
		}
		if (e == ERR_OK) {
			f->written = m.seq;
			++*sent;
		}
		exchange_made_fini(&m);
	}
	if (*sent > 0) {
		sync_dir(f->party->outbox);
	}
	if (f->party->url == NULL) {
		state->sent = MAX(state->sent, f->written);
	}
	if (e == ERR_NOTFOUND) {
		e = read_point(f, heard, d);
	}
	/* Where points come back, they alone say what arrived. */
	if (e == ERR_OK && f->party->inbox == NULL && f->party->url == NULL &&
	    access(f->party->outbox, W_OK | X_OK) == 0) {
		look_what_went(f, state);
	}
	if (e != ERR_OK && d->msg[0] == '\0') {
		diag_set(d, e, "the store: %s", sqlite3_errmsg(db));
	}
	return e;
}

void
exchange_files_remove(const struct exchange_files *f, uint64_t epoch,
		      uint64_t from, uint64_t upto)
{
	char path[PATH_MAX];

	for (uint64_t seq = from + 1; seq <= upto; seq++) {
		if (path_of(f, epoch, seq, ".sig", path)) {
			unlink(path);
		}
		if (path_of(f, epoch, seq, ".json", path)) {
			unlink(path);
		}
	}
}
