/* SPDX-License-Identifier: Apache-2.0 */
/* Which segments count, and the secret of their keys. */
#include "sensor/retro_index_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sensor/spool_file.h"

#define MANIFEST_MAX 16384 /* bytes: 256 lines of 25 and a few */
#define FIRST_LINE "picket-retro 1\n"

/* Replaces 'name' whole, durably. */
static bool
write_whole(int dirfd, const char *name, struct view data)
{
	char fresh[32];
	int fd;
	bool ok;

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	fd = file_open_at(dirfd, fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		return false;
	}
	ok = file_write_at(fd, data, VIEW_NONE, 0) && file_sync(fd);
	close(fd);
	ok = ok && renameat(dirfd, fresh, dirfd, name) == 0 &&
	     file_sync_dir(dirfd);
	if (!ok) {
		int why = errno;

		(void)unlinkat(dirfd, fresh, 0);
		errno = why;
	}
	return ok;
}

/* At most 'cap' bytes; -1 with errno. */
static ssize_t
read_whole(int dirfd, const char *name, void *out, size_t cap)
{
	int fd = file_open_at(dirfd, name, O_RDONLY | O_NOFOLLOW, 0);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0) {
		return -1;
	}
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && st.st_size >= 0 &&
	    (uint64_t)st.st_size <= cap &&
	    file_read_at(fd, out, (size_t)st.st_size, 0) == ERR_OK) {
		n = (ssize_t)st.st_size;
	}
	close(fd);
	return n;
}

enum err
retro_read_secret(struct retro_index *x, bool make, struct diag *d)
{
	struct retro_secret *s = &x->secret;
	ssize_t n = read_whole(x->dirfd, "key", s->b, sizeof(s->b));

	if (n == (ssize_t)sizeof(s->b)) {
		return ERR_OK;
	}
	if (n >= 0 || errno != ENOENT) {
		return diag_set(d, ERR_FORMAT,
				"%s/key: not a key of %d bytes; remove the "
				"directory to begin anew",
				x->conf.dir, RETRO_SECRET_LEN);
	}
	if (!make) {
		return diag_set(d, ERR_NOTFOUND,
				"%s: no index of what was seen", x->conf.dir);
	}
	if (getrandom(s->b, sizeof(s->b), 0) != (ssize_t)sizeof(s->b) ||
	    !write_whole(x->dirfd, "key", view_of(s->b, sizeof(s->b)))) {
		return diag_set(d, ERR_IO, "%s/key: %s", x->conf.dir,
				strerror(errno));
	}
	return ERR_OK;
}

/* Lines "next ID", "seg ID" ..., "end CHECKSUM"; '*p' is moved behind it. */
static bool
take_line(const char **p, const char *word, uint64_t *out)
{
	size_t n = strlen(word);
	char *end;

	if (strncmp(*p, word, n) != 0 || (*p)[n] != ' ' ||
	    (*p)[n + 1] == '\0' ||
	    strspn(*p + n + 1, "0123456789abcdef") != 16) {
		return false;
	}
	*out = strtoull(*p + n + 1, &end, 16);
	if (*end != '\n') {
		return false;
	}
	*p = end + 1;
	return true;
}

enum err
retro_read_manifest(int dirfd, uint64_t ids[RETRO_MAX_SEGMENTS], unsigned *n,
		    uint64_t *next, struct diag *d)
{
	char text[MANIFEST_MAX + 1];
	ssize_t len = read_whole(dirfd, "manifest", text, MANIFEST_MAX);
	const char *p = text, *last;
	uint64_t sum;

	*n = 0;
	if (len < 0 && errno == ENOENT) {
		return ERR_NOTFOUND;
	}
	if (len < 0) {
		return diag_set(d, ERR_FORMAT, "manifest: %s", strerror(errno));
	}
	text[len] = '\0';
	if (strncmp(p, FIRST_LINE, strlen(FIRST_LINE)) != 0) {
		return diag_set(d, ERR_FORMAT,
				"manifest:1: not a list of "
				"segments");
	}
	p += strlen(FIRST_LINE);
	if (!take_line(&p, "next", next)) {
		return diag_set(d, ERR_FORMAT, "manifest:2: no number");
	}
	while (*n < RETRO_MAX_SEGMENTS && take_line(&p, "seg", &ids[*n])) {
		++*n;
	}
	last = p;
	if (!take_line(&p, "end", &sum) || p != text + len ||
	    sum != XXH3_64bits(text, (size_t)(last - text))) {
		return diag_set(d, ERR_FORMAT, "manifest:%u: damaged", *n + 3);
	}
	return ERR_OK;
}

enum err
retro_write_manifest(struct retro_index *x)
{
	char text[MANIFEST_MAX];
	size_t n = (size_t)snprintf(text, sizeof(text),
				    FIRST_LINE "next %016" PRIx64 "\n",
				    x->next_id);

	for (unsigned i = 0; i < x->n_segs; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "seg %016" PRIx64 "\n", x->seg[i]->id);
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n,
			      "end %016" PRIx64 "\n",
			      (uint64_t)XXH3_64bits(text, n));
	return write_whole(x->dirfd, "manifest", view_of(text, n)) ? ERR_OK
								   : ERR_IO;
}

static bool
is_listed(const struct retro_index *x, uint64_t id)
{
	for (unsigned i = 0; i < x->n_segs; i++) {
		if (x->seg[i]->id == id) {
			return true;
		}
	}
	return false;
}

void
retro_sweep_files(struct retro_index *x, uint64_t *take, unsigned *n)
{
	int fd = file_open_at(x->dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		uint64_t id;

		if (strlen(e->d_name) != 20 ||
		    strspn(e->d_name, "0123456789abcdef") != 16 ||
		    (strcmp(e->d_name + 16, ".seg") != 0 &&
		     strcmp(e->d_name + 16, ".new") != 0)) {
			continue;
		}
		id = strtoull(e->d_name, NULL, 16);
		if (e->d_name[17] == 'n') {
			/* half of a segment, unless it is the merge's */
			if (take == NULL &&
			    !(x->merge.on && x->merge.out.id == id)) {
				(void)unlinkat(x->dirfd, e->d_name, 0);
			}
			continue;
		}
		x->next_id = MAX(x->next_id, id + 1);
		if (take != NULL) {
			if (*n < RETRO_MAX_SEGMENTS - 1) {
				take[(*n)++] = id;
			}
		} else if (!is_listed(x, id)) {
			(void)unlinkat(x->dirfd, e->d_name, 0);
		}
	}
	closedir(dir);
}
