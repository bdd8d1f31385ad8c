/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "collector/lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first line is for people, and its first byte for whoever decides. */
#define LINE 256
#define HEAD "# Collectors of the store beside; a line is locked by who lives."

struct lease_file {
	int fd;
	bool entered;
	unsigned slot;
	char path[PATH_MAX];
};

static const char *const roles[] = {
	[LEASE_STANDBY] = "standby",
	[LEASE_OPENING] = "opening",
	[LEASE_SERVING] = "serving",
	[LEASE_UNKNOWN] = "unknown",
};

const char *
lease_role_name(enum lease_role role)
{
	return roles[role];
}

const char *
lease_file_path(const struct lease_file *f)
{
	return f->path;
}

static off_t
line_at(unsigned slot)
{
	return (off_t)(slot + 1) * LINE;
}

/* F_OFD_SETLK, or F_OFD_GETLK; 'l' says what is there afterwards. */
static bool
lock_at(const struct lease_file *f, int command, struct flock *l, short type,
	off_t at)
{
	*l = (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1
	};
	return fcntl(f->fd, command, l) == 0;
}

/* A line of 'text', filled with spaces. */
static bool
write_line(const struct lease_file *f, off_t at, const char *text)
{
	char line[LINE];
	size_t len = MIN(strlen(text), sizeof(line) - 1);

	memset(line, ' ', sizeof(line));
	memcpy(line, text, len);
	line[sizeof(line) - 1] = '\n';
	return pwrite(f->fd, line, sizeof(line), at) == (ssize_t)sizeof(line);
}

/* The first to come makes the lines that are there from then on. */
static bool
fill(const struct lease_file *f)
{
	bool ok = lseek(f->fd, 0, SEEK_END) >= line_at(LEASE_FILE_SLOTS) ||
		  write_line(f, 0, HEAD);

	for (unsigned i = 0; ok && i < LEASE_FILE_SLOTS; i++) {
		if (lseek(f->fd, 0, SEEK_END) <= line_at(i)) {
			ok = write_line(f, line_at(i), "-");
		}
	}
	return ok;
}

/* Whether the file is something else than a store: no lock is laid beside it. */
static bool
is_foreign(const char *store)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	int fd = open(store, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, head, sizeof(head)) : 0;

	if (fd >= 0) {
		close(fd);
	}
	return n > 0 && (n < (ssize_t)sizeof(head) ||
			 memcmp(head, magic, sizeof(head)) != 0);
}

enum err
lease_file_open(struct lease_file **out, const char *store, bool write,
		struct diag *d)
{
	struct lease_file *f = calloc(1, sizeof(*f));
	enum err e = ERR_OK;

	*out = NULL;
	if (f == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (write && is_foreign(store)) {
		free(f);
		return diag_set(d, ERR_FORMAT,
				"%s: file is not a database: name another file "
				"with --store",
				store);
	}
	snprintf(f->path, sizeof(f->path), "%s.lock", store);
	f->fd = open(f->path,
		     O_CLOEXEC | O_NOFOLLOW | (write ? O_RDWR | O_CREAT : 0),
		     0644);
	if (f->fd < 0 && !write && errno == ENOENT) {
		e = ERR_NOTFOUND;
		diag_set(d, e, "%s: no collector has had this store yet",
			 f->path);
	} else if (f->fd < 0 || (write && !fill(f))) {
		e = diag_set(d, ERR_IO,
			     "%s: %s: name a file in a writable directory with "
			     "--store",
			     f->path, strerror(errno));
	}
	if (e != ERR_OK) {
		lease_file_close(f);
		return e;
	}
	*out = f;
	return ERR_OK;
}

void
lease_file_close(struct lease_file *f)
{
	if (f == NULL) {
		return;
	}
	if (f->entered) {
		(void)write_line(f, line_at(f->slot), "-");
	}
	if (f->fd >= 0) {
		close(f->fd);
	}
	free(f);
}

enum err
lease_file_enter(struct lease_file *f, unsigned *slot, struct diag *d)
{
	struct flock l;

	for (unsigned i = 0; i < LEASE_FILE_SLOTS; i++) {
		if (lock_at(f, F_OFD_SETLK, &l, F_WRLCK, line_at(i))) {
			f->entered = true;
			f->slot = *slot = i;
			return write_line(f, line_at(i), "-")
				       ? ERR_OK
				       : diag_set(d, ERR_IO, "%s: %s", f->path,
						  strerror(errno));
		}
		if (errno != EAGAIN && errno != EACCES) {
			return diag_set(d, ERR_IO,
					"%s: it cannot be locked (%s): put the "
					"store on a local file system",
					f->path, strerror(errno));
		}
	}
	return diag_set(d, ERR_LIMIT, "%s: %d collectors wait already: end one",
			f->path, LEASE_FILE_SLOTS);
}

enum err
lease_file_put(struct lease_file *f, const struct lease_record *r)
{
	char text[LINE];

	snprintf(text, sizeof(text),
		 "%s pid %" PRIu64 " number %" PRIu64 " beat %" PRIu64
		 " since %" PRIu64 " guarded %u name %s end",
		 roles[r->role], r->pid, r->number, r->beat_us, r->since_us,
		 r->guarded, r->name);
	return write_line(f, line_at(f->slot), text) ? ERR_OK : ERR_IO;
}

/* Whether the process that the line tells of lives. */
static bool
lives(const struct lease_file *f, unsigned slot)
{
	struct flock l;

	if (f->entered && slot == f->slot) {
		return true;
	}
	return lock_at(f, F_OFD_GETLK, &l, F_WRLCK, line_at(slot)) &&
	       l.l_type != F_UNLCK;
}

/* A record that was cut or mixed with another is none. */
static bool
parse(const char *line, struct lease_record *r)
{
	char role[16], end[4];
	unsigned guarded;

	if (sscanf(line,
		   "%15s pid %" SCNu64 " number %" SCNu64 " beat %" SCNu64
		   " since %" SCNu64 " guarded %u name %63s %3s",
		   role, &r->pid, &r->number, &r->beat_us, &r->since_us,
		   &guarded, r->name, end) != 8 ||
	    strcmp(end, "end") != 0 ||
	    strspn(r->name, LEASE_NAME_BYTES) != strlen(r->name)) {
		return false;
	}
	r->guarded = guarded != 0;
	for (unsigned i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(role, roles[i]) == 0) {
			r->role = (enum lease_role)i;
			return true;
		}
	}
	return false;
}

unsigned
lease_file_read(struct lease_file *f, bool own,
		struct lease_record out[LEASE_FILE_SLOTS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < LEASE_FILE_SLOTS; i++) {
		struct lease_record r = { .slot = i };
		char line[LINE];

		if ((own || !f->entered || i != f->slot) && lives(f, i) &&
		    pread(f->fd, line, sizeof(line), line_at(i)) ==
			    (ssize_t)sizeof(line)) {
			line[sizeof(line) - 1] = '\0';
			if (!parse(line, &r)) {
				r = (struct lease_record){
					.slot = i, .role = LEASE_UNKNOWN
				};
			}
			out[n++] = r;
		}
	}
	return n;
}

bool
lease_file_company(struct lease_file *f)
{
	for (unsigned i = 0; i < LEASE_FILE_SLOTS; i++) {
		if ((!f->entered || i != f->slot) && lives(f, i)) {
			return true;
		}
	}
	return false;
}

bool
lease_file_lock(struct lease_file *f)
{
	struct flock l;

	return lock_at(f, F_OFD_SETLK, &l, F_WRLCK, 0);
}

void
lease_file_unlock(struct lease_file *f)
{
	struct flock l;

	(void)lock_at(f, F_OFD_SETLK, &l, F_UNLCK, 0);
}
