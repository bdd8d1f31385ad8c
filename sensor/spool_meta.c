/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zlib.h>

#include "sensor/spool_file.h"

#define META_CAP 1024
#define CRC_LINE 13 /* "crc 01234567\n" */

/* Takes up to 'max' decimal numbers; the rest stays. */
static void
numbers(const char *text, uint64_t *v, unsigned max)
{
	char *end;

	for (unsigned i = 0; i < max; i++) {
		uint64_t n = strtoull(text, &end, 10);

		if (end == text) {
			return;
		}
		v[i] = n;
		text = end;
	}
}

static void
take_line(struct spool_meta *m, const char *key, const char *rest)
{
	const struct {
		const char *key;
		uint64_t *v;
		unsigned n;
	} keys[] = {
		{ "epoch", &m->epoch, 1 },
		{ "committed", &m->committed, 1 },
		{ "next", &m->next, 1 },
		{ "shed_frames", m->shed_frames, SPOOL_CLASSES },
		{ "shed_events", m->shed_events, SPOOL_CLASSES },
		{ "shed_causes", m->shed_causes, SPOOL_CAUSES },
		{ "reserved", &m->reserved, 1 },
	};

	if (strcmp(key, "name") == 0) {
		snprintf(m->name, sizeof(m->name), "%.*s",
			 (int)sizeof(m->name) - 1, rest);
	} else if (strcmp(key, "boot") == 0) {
		snprintf(m->boot, sizeof(m->boot), "%.*s",
			 (int)sizeof(m->boot) - 1, rest);
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(key, keys[i].key) == 0) {
			numbers(rest, keys[i].v, keys[i].n);
		}
	}
}

/* Lines "key value ..."; an unknown key is of a later version and passed over.
 * 'text' is taken apart. */
static enum err
parse(struct spool_meta *m, char *text, size_t len)
{
	static const char first[] = "picket-spool 1\n";
	const char *crc_line = len > CRC_LINE ? text + len - CRC_LINE : NULL;
	char *line, *next = text + sizeof(first) - 1;
	uint32_t crc;

	*m = (struct spool_meta){ 0 };
	if (crc_line == NULL || sscanf(crc_line, "crc %8" SCNx32, &crc) != 1 ||
	    crc != (uint32_t)crc32_z(0, (const Bytef *)text, len - CRC_LINE) ||
	    strncmp(text, first, sizeof(first) - 1) != 0) {
		return ERR_FORMAT;
	}
	/* The CRC says that we wrote it: the numbers need no more checks. */
	while ((line = strsep(&next, "\n")) != NULL) {
		char *space = strchr(line, ' ');

		if (space != NULL) {
			*space = '\0';
			take_line(m, line, space + 1);
		}
	}
	return m->name[0] != '\0' && m->epoch != 0 && m->next != 0 ? ERR_OK
								   : ERR_FORMAT;
}

enum err
spool_meta_load(struct spool_meta *m, int dirfd)
{
	char text[META_CAP + 1];
	int fd = file_open_at(dirfd, "meta", O_RDONLY, 0), err;
	ssize_t n;

	if (fd < 0) {
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	}
	do {
		n = read(fd, text, META_CAP);
	} while (n < 0 && errno == EINTR);
	err = errno;
	close(fd);
	errno = err;
	if (n < 0) {
		/* what the disk cannot read is as lost as what is damaged */
		return err == EIO ? ERR_FORMAT : ERR_IO;
	}
	text[n] = '\0';
	return parse(m, text, (size_t)n);
}

/* Appends; 'n' goes on counting beyond the end. */
__attribute__((format(printf, 3, 4))) static void
add(char *text, int *n, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (*n < META_CAP) {
		*n += vsnprintf(text + *n, META_CAP - (size_t)*n, format, ap);
	}
	va_end(ap);
}

static void
add_row(char *text, int *n, const char *key, const uint64_t *v, unsigned count)
{
	add(text, n, "%s", key);
	for (unsigned i = 0; i < count; i++) {
		add(text, n, " %" PRIu64, v[i]);
	}
	add(text, n, "\n");
}

static int
print(const struct spool_meta *m, char *text)
{
	int n = 0;

	add(text, &n, "picket-spool 1\nname %s\n", m->name);
	add_row(text, &n, "epoch", &m->epoch, 1);
	add_row(text, &n, "committed", &m->committed, 1);
	add_row(text, &n, "next", &m->next, 1);
	add_row(text, &n, "shed_frames", m->shed_frames, SPOOL_CLASSES);
	add_row(text, &n, "shed_events", m->shed_events, SPOOL_CLASSES);
	add_row(text, &n, "shed_causes", m->shed_causes, SPOOL_CAUSES);
	if (m->reserved != 0) {
		add_row(text, &n, "reserved", &m->reserved, 1);
		add(text, &n, "boot %s\n", m->boot[0] != '\0' ? m->boot : "-");
	}
	add(text, &n, "crc %08" PRIx32 "\n",
	    (uint32_t)crc32_z(0, (const Bytef *)text, (size_t)n));
	return n;
}

/*
 * The new text goes to where the last but one stood, and the two change
 * places: on a full disk that takes no room.  A file system that cannot
 * exchange names replaces.
 */
static bool
change_places(int dirfd)
{
	return renameat2(dirfd, "meta.new", dirfd, "meta", RENAME_EXCHANGE) ==
		       0 ||
	       renameat(dirfd, "meta.new", dirfd, "meta") == 0;
}

enum err
spool_meta_save(const struct spool_meta *m, int dirfd)
{
	char text[META_CAP];
	int n = print(m, text), err;
	int fd = file_open_at(dirfd, "meta.new", O_WRONLY | O_CREAT, 0600);
	bool ok;

	if (fd < 0) {
		return ERR_IO;
	}
	ok = file_write_at(fd, view_of(text, (size_t)n), VIEW_NONE, 0) &&
	     file_truncate(fd, (uint64_t)n) && file_sync(fd);
	err = errno;
	close(fd); /* synced: what it could still say is of no matter */
	errno = err;
	return ok && change_places(dirfd) && file_sync_dir(dirfd) ? ERR_OK
								  : ERR_IO;
}
