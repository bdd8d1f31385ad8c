/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static uint64_t
count(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

enum err
output_cursor_load(struct output_cursor *c, const char *store, const char *name,
		   struct diag *d)
{
	char path[PATH_MAX], text[512];
	FILE *f;
	json_t *o;
	size_t n;

	*c = (struct output_cursor){ .told = 0 };
	snprintf(path, sizeof(path), "%s.output-%s", store, name);
	f = fopen(path, "re");
	if (f == NULL) {
		return errno == ENOENT ? ERR_NOTFOUND
				       : diag_set(d, ERR_IO, "%s: %s", path,
						  strerror(errno));
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	o = json_loadb(text, n, 0, NULL);
	if (!json_is_integer(json_object_get(o, "alert")) ||
	    !json_is_integer(json_object_get(o, "event"))) {
		json_decref(o);
		return diag_set(d, ERR_FORMAT,
				"%s: damaged: remove it, and the output begins "
				"anew",
				path);
	}
	c->at.alert = (int64_t)count(o, "alert");
	c->at.event = (int64_t)count(o, "event");
	c->told = count(o, "told");
	c->refused = count(o, "refused");
	c->lost = count(o, "lost");
	json_decref(o);
	return ERR_OK;
}

static enum err
write_file(const struct output_cursor *c, const char *path)
{
	FILE *f = fopen(path, "we");
	bool good = f != NULL;

	if (f == NULL) {
		return ERR_IO;
	}
	fprintf(f,
		"{\"alert\":%lld,\"event\":%lld,\"told\":%llu,\"refused\":%llu,"
		"\"lost\":%llu}\n",
		(long long)c->at.alert, (long long)c->at.event,
		(unsigned long long)c->told, (unsigned long long)c->refused,
		(unsigned long long)c->lost);
	good = fflush(f) == 0 && fsync(fileno(f)) == 0;
	return fclose(f) == 0 && good ? ERR_OK : ERR_IO;
}

enum err
output_cursor_save(const struct output_cursor *c, const char *store,
		   const char *name, struct diag *d)
{
	char path[PATH_MAX], next[PATH_MAX + 8], dir[PATH_MAX];
	enum err e;
	int fd;

	snprintf(path, sizeof(path), "%s.output-%s", store, name);
	snprintf(next, sizeof(next), "%s.new", path);
	snprintf(dir, sizeof(dir), "%s", store);
	e = write_file(c, next);
	if (e == ERR_OK && rename(next, path) != 0) {
		e = ERR_IO;
	}
	fd = e == ERR_OK
		     ? open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		     : -1;
	if (e == ERR_OK && (fd < 0 || fsync(fd) != 0)) {
		e = ERR_IO;
	}
	if (e != ERR_OK) {
		diag_set(d, e, "%s: %s", next, strerror(errno));
	}
	if (fd >= 0) {
		close(fd);
	}
	return e;
}
