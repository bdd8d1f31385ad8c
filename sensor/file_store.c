/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/hex_digest.h"

#define DIR_CAP 3072
#define PATH_CAP (DIR_CAP + 256)
#define SHA256_HEX 64

struct stored_file {
	struct stored_file *next; /* while it is free */
	int fd;
	uint64_t size;
	bool failed;
	char path[PATH_CAP];
};

struct file_store {
	char dir[DIR_CAP];
	bool takes_all, writes_info, made;
	uint32_t max_open, n_open;
	uint64_t max_size, depth;
	struct stored_file *idle;
	struct file_store_counters n;
};

/* What the settings say, wherever they stand. */
struct wanted {
	const char *enabled, *dir, *all, *info, *open, *size, *depth;
};

static void
on_setting(void *arg, const char *key, const char *value)
{
	struct wanted *w = arg;
	const char *at = strstr(key, "file-store.");

	if (at == NULL || (at != key && at[-1] != '.')) {
		return;
	}
	at += strlen("file-store.");
	if (strcmp(at, "enabled") == 0) {
		w->enabled = value;
	} else if (strcmp(at, "dir") == 0) {
		w->dir = value;
	} else if (strcmp(at, "force-filestore") == 0) {
		w->all = value;
	} else if (strcmp(at, "write-fileinfo") == 0) {
		w->info = value;
	} else if (strcmp(at, "max-open-files") == 0) {
		w->open = value;
	} else if (strcmp(at, "max-size") == 0) {
		w->size = value;
	} else if (strcmp(at, "stream-depth") == 0) {
		w->depth = value;
	}
}

/* Reads 'value' as the settings read a key of that kind. */
static uint64_t
number_of(const char *value, uint64_t fallback, uint64_t max)
{
	struct conf *c = value != NULL ? conf_new() : NULL;
	uint64_t n = fallback;

	if (c != NULL && conf_set(c, "n", value) == ERR_OK) {
		n = conf_u64(c, "n", fallback, 0, max);
	}
	conf_free(c);
	return n;
}

static bool
yes(const char *value)
{
	struct conf *c = value != NULL ? conf_new() : NULL;
	bool is = c != NULL && conf_set(c, "b", value) == ERR_OK &&
		  conf_bool(c, "b", false);

	conf_free(c);
	return is;
}

bool
file_store_new(const struct conf *conf, struct file_store **out)
{
	struct wanted w = { .dir = "filestore" };
	struct file_store *s;
	uint64_t n;

	*out = NULL;
	conf_each(conf, "outputs", on_setting, &w);
	conf_each(conf, "file-store", on_setting, &w);
	if (!yes(w.enabled) || strlen(w.dir) >= DIR_CAP) {
		return true;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return false;
	}
	strcpy(s->dir, w.dir);
	s->takes_all = yes(w.all);
	s->writes_info = yes(w.info);
	n = number_of(w.open, 1000, 65536);
	s->max_open = n == 0 ? 1000 : (uint32_t)n;
	s->max_size = number_of(w.size, UINT64_C(1) << 30, UINT64_MAX);
	s->depth = number_of(w.depth, 0, UINT64_MAX);
	if (s->depth == 0) { /* as Suricata has it */
		s->depth = UINT64_MAX;
	}
	*out = s;
	return true;
}

const char *
file_store_dir(const struct conf *conf)
{
	struct wanted w = { .dir = "filestore" };

	conf_each(conf, "outputs", on_setting, &w);
	conf_each(conf, "file-store", on_setting, &w);
	return yes(w.enabled) ? w.dir : NULL;
}

void
file_store_free(struct file_store *s)
{
	if (s == NULL) {
		return;
	}
	while (s->idle != NULL) {
		struct stored_file *f = s->idle;

		s->idle = f->next;
		free(f);
	}
	free(s);
}

bool
file_store_takes_all(const struct file_store *s)
{
	return s->takes_all;
}

uint64_t
file_store_depth(const struct file_store *s)
{
	return s != NULL ? s->depth : 0;
}

bool
file_store_writes_info(const struct file_store *s)
{
	return s != NULL && s->writes_info;
}

const struct file_store_counters *
file_store_counters(const struct file_store *s)
{
	static const struct file_store_counters none;

	return s != NULL ? &s->n : &none;
}

static bool
make_dir(const char *path)
{
	return mkdir(path, 0750) == 0 || errno == EEXIST;
}

static bool
make_dirs(struct file_store *s)
{
	char path[PATH_CAP];

	if (!s->made) {
		snprintf(path, sizeof(path), "%s/tmp", s->dir);
		s->made = make_dir(s->dir) && make_dir(path);
	}
	return s->made;
}

struct stored_file *
file_store_open(struct file_store *s, const struct store_name *name)
{
	struct stored_file *f = s->idle;

	if (s->n_open == s->max_open) {
		s->n.too_many++;
		return NULL;
	}
	if (f != NULL) {
		s->idle = f->next;
	} else {
		f = malloc(sizeof(*f));
	}
	if (f == NULL) {
		s->n.errors++;
		return NULL;
	}
	f->size = 0;
	f->failed = false;
	snprintf(f->path, sizeof(f->path), "%s/tmp/%ld-%llu-%llu-%u-%u", s->dir,
		 (long)getpid(), (unsigned long long)name->flow_id,
		 (unsigned long long)name->tx_id, name->dir, name->number);
	f->fd = make_dirs(s) ? open(f->path,
				    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
					    O_NOFOLLOW,
				    0640)
			     : -1;
	if (f->fd < 0) {
		s->n.errors++;
		f->next = s->idle;
		s->idle = f;
		return NULL;
	}
	s->n_open++;
	return f;
}

void
file_store_write(struct file_store *s, struct stored_file *f, struct view data)
{
	if (f->failed) {
		return;
	}
	f->size += data.len;
	if (f->size > s->max_size) {
		f->failed = true;
		s->n.too_large++;
		return;
	}
	while (data.len > 0) {
		ssize_t n = write(f->fd, data.p, data.len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			f->failed = true;
			s->n.errors++;
			return;
		}
		data = view_sub(data, (size_t)n, data.len);
	}
}

static void
end(struct file_store *s, struct stored_file *f)
{
	s->n_open--;
	f->next = s->idle;
	s->idle = f;
}

bool
file_store_keep(struct file_store *s, struct stored_file *f,
		const struct digest_sums *sums)
{
	char path[PATH_CAP], hex[SHA256_HEX + 3];
	bool good = !f->failed && (sums->has & DIGEST_SHA256) != 0;

	if (!good) {
		file_store_drop(s, f);
		return false;
	}
	hex[hex_text(view_of(sums->sha256, sizeof(sums->sha256)), 0, false, hex,
		     sizeof(hex))] = '\0';
	snprintf(path, sizeof(path), "%s/%.2s", s->dir, hex);
	good = close(f->fd) == 0 && make_dir(path);
	snprintf(path, sizeof(path), "%s/%.2s/%s", s->dir, hex, hex);
	/* the same bytes may lie there: they are then replaced by themselves */
	good = good && rename(f->path, path) == 0;
	if (good) {
		s->n.stored++;
	} else {
		s->n.errors++;
		unlink(f->path);
	}
	end(s, f);
	return good;
}

void
file_store_drop(struct file_store *s, struct stored_file *f)
{
	close(f->fd);
	unlink(f->path);
	end(s, f);
}

void
file_store_info(struct file_store *s, const struct digest_sums *sums,
		uint64_t ts_us, uint64_t number, struct view json)
{
	char path[PATH_CAP], hex[SHA256_HEX + 3];
	FILE *out;

	hex[hex_text(view_of(sums->sha256, sizeof(sums->sha256)), 0, false, hex,
		     sizeof(hex))] = '\0';
	snprintf(path, sizeof(path), "%s/%.2s/%s.%llu.%llu.json", s->dir, hex,
		 hex, (unsigned long long)(ts_us / US_PER_S),
		 (unsigned long long)number);
	out = fopen(path, "we");
	if (out == NULL) {
		s->n.errors++;
		return;
	}
	if (fwrite(json.p, 1, json.len, out) != json.len ||
	    fputc('\n', out) == EOF) {
		s->n.errors++;
	}
	if (fclose(out) != 0) {
		s->n.errors++;
	}
}
