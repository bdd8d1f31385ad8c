/* SPDX-License-Identifier: Apache-2.0 */
/* MISP feeds: manifest.json, an event in UUID.json each, and hashes.csv. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/id_map.h"
#include "common/indicator_reading.h"

#define MAX_EVENTS 1000000
#define PATH_CAP 4096
#define UUID_LEN 36

struct feed {
	struct indicator_reading *r;
	const char *dir;
	struct id_map events; /* a set: those of the manifest */
};

/* It becomes a file's name, so nothing else will do. */
static bool
is_uuid(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? v.p[i] != '-' : ascii_hex(v.p[i]) < 0) {
			return false;
		}
	}
	return v.len == UUID_LEN;
}

/* An event that cannot be read is told and loses no other. */
static void
read_event_file(struct feed *f, const char *uuid)
{
	struct diag d = { "" };
	struct indicator_reading one = *f->r;
	char path[PATH_CAP];
	bool known;
	enum err e = id_map_put(&f->events, view_cstr(uuid), &known, NULL);

	if (e != ERR_OK) {
		indicator_reading_stop(f->r, e, "more than 1000000 events");
		return;
	}
	if (known) {
		return;
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/%s.json", f->dir, uuid) >=
	    sizeof(path)) {
		indicator_reading_stop(f->r, ERR_LIMIT, "its path is too long");
		return;
	}
	one.d = &d;
	indicator_read_file(&one, path);
	if (one.stop == ERR_IO || one.stop == ERR_FORMAT ||
	    one.stop == ERR_TRUNCATED) {
		indicator_reading_refuse(f->r, 0, uuid, "%s", d.msg);
	} else if (one.stop != ERR_OK) {
		f->r->stop = diag_set(f->r->d, one.stop, "%s", d.msg);
	}
}

static void
read_manifest(struct feed *f, struct block_read *in)
{
	char name[JSON_STREAM_NAME_CAP];
	struct json_stream s;
	uint64_t n = 0;
	enum err e;

	json_stream_init(&s, in);
	if (!json_stream_enter(&s, '{')) {
		indicator_reading_stop(f->r, ERR_FORMAT,
				       "no manifest of a MISP feed");
		return;
	}
	while (f->r->stop == ERR_OK && json_stream_member(&s, &n, name)) {
		if (is_uuid(view_cstr(name))) {
			read_event_file(f, name);
		} else {
			indicator_reading_refuse(f->r, 0, NULL,
						 "'%.60s' in the manifest is "
						 "no event's UUID",
						 name);
		}
		json_stream_skip(&s);
	}
	if (f->r->stop == ERR_OK) {
		e = json_stream_error(&s, f->r->file, f->r->d);
		f->r->stop = e;
	}
	json_stream_fini(&s);
}

/* "MD5,UUID" a line: an event that only this list knows is missing. */
static void
check_hash_line(struct feed *f, struct view line)
{
	struct view uuid;
	bool known;

	while (line.len > 0 && line.p[line.len - 1] <= ' ') {
		line.len--;
	}
	if (line.len < UUID_LEN + 1) {
		return;
	}
	uuid = view_sub(line, line.len - UUID_LEN, UUID_LEN);
	if (!is_uuid(uuid) ||
	    id_map_put(&f->events, uuid, &known, NULL) != ERR_OK || known) {
		return;
	}
	indicator_reading_doubt(f->r, 0, NULL,
				"event %.*s is in hashes.csv, but not in the "
				"manifest: the feed is not complete",
				UUID_LEN, uuid.p);
}

static void
check_hashes(struct feed *f, struct block_read *in)
{
	char line[256];
	size_t len = 0;
	int c;

	while ((c = block_read_peek(in)) >= 0) {
		in->at++;
		if (c == '\n') {
			check_hash_line(f, view_of(line, len));
			len = 0;
		} else if (len < sizeof(line)) {
			line[len++] = (char)c;
		}
	}
	check_hash_line(f, view_of(line, len));
}

static void
with_file(struct feed *f, const char *name, bool needed,
	  void (*fn)(struct feed *f, struct block_read *in))
{
	char path[PATH_CAP];
	struct block_read in;
	const char *dir = f->r->file;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", f->dir, name) >=
	    sizeof(path)) {
		indicator_reading_stop(f->r, ERR_LIMIT, "its path is too long");
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (needed) {
			indicator_reading_stop(f->r, ERR_IO,
					       "a directory without "
					       "manifest.json; only a MISP "
					       "feed's can be read");
		}
		return;
	}
	f->r->file = path;
	if (block_read_file(&in, fd) != ERR_OK) {
		indicator_reading_stop(f->r, ERR_NOMEM, "out of memory");
	} else {
		fn(f, &in);
		block_read_fini(&in);
	}
	f->r->file = dir;
	close(fd);
}

void
indicator_read_feed(struct indicator_reading *r, const char *dir)
{
	struct feed f = { .r = r, .dir = dir };

	if (id_map_init(&f.events, false, MAX_EVENTS) != ERR_OK) {
		indicator_reading_stop(r, ERR_IO, "no random bytes");
		return;
	}
	with_file(&f, "manifest.json", true, read_manifest);
	if (r->stop == ERR_OK) {
		with_file(&f, "hashes.csv", false, check_hashes);
	}
	id_map_fini(&f.events);
}
