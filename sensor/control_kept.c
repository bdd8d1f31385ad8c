/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/control_kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"

/* A record: length of the name, of the text (big-endian), the signature, the
 * name, the text. */
#define HEAD 8

struct document {
	char name[CONTROL_KEPT_NAME_CAP];
	uint8_t sig[SIGN_BYTES];
	uint8_t *text;
	size_t len;
};

struct control_kept {
	char *path;
	struct document v[CONTROL_KEPT_MAX];
	unsigned n;
};

static struct document *
find(struct control_kept *k, const char *name)
{
	for (unsigned i = 0; i < k->n; i++) {
		if (strcmp(k->v[i].name, name) == 0) {
			return &k->v[i];
		}
	}
	return NULL;
}

static bool
add(struct control_kept *k, const char *name, struct view text, struct view sig)
{
	struct document *d = find(k, name);
	uint8_t *copy;

	if (strlen(name) >= CONTROL_KEPT_NAME_CAP || sig.len != SIGN_BYTES ||
	    text.len == 0 || text.len > CONTROL_MAX_DOC ||
	    (d == NULL && k->n == CONTROL_KEPT_MAX)) {
		return false;
	}
	copy = malloc(text.len);
	if (copy == NULL) {
		return false;
	}
	memcpy(copy, text.p, text.len);
	if (d == NULL) {
		d = &k->v[k->n++];
		memcpy(d->name, name, strlen(name) + 1);
	} else {
		free(d->text);
	}
	memcpy(d->sig, sig.p, SIGN_BYTES);
	d->text = copy;
	d->len = text.len;
	return true;
}

/* False at the end, or where the file is damaged. */
static bool
read_one(struct control_kept *k, FILE *f)
{
	uint8_t head[HEAD], sig[SIGN_BYTES];
	char name[CONTROL_KEPT_NAME_CAP] = "";
	uint32_t name_len, len;
	uint8_t *text;
	bool good;

	if (fread(head, 1, HEAD, f) != HEAD ||
	    fread(sig, 1, SIGN_BYTES, f) != SIGN_BYTES) {
		return false;
	}
	name_len = load_be32(head);
	len = load_be32(head + 4);
	if (name_len >= sizeof(name) || len == 0 || len > CONTROL_MAX_DOC ||
	    fread(name, 1, name_len, f) != name_len) {
		return false;
	}
	text = malloc(len);
	good = text != NULL && fread(text, 1, len, f) == len &&
	       add(k, name, view_of(text, len), view_of(sig, SIGN_BYTES));
	free(text);
	return good;
}

struct control_kept *
control_kept_open(const char *path)
{
	struct control_kept *k = calloc(1, sizeof(*k));
	FILE *f;

	if (k == NULL || path == NULL) {
		return k;
	}
	k->path = strdup(path);
	if (k->path == NULL) {
		free(k);
		return NULL;
	}
	f = fopen(path, "r");
	if (f != NULL) {
		while (read_one(k, f)) {
		}
		fclose(f);
	}
	return k;
}

void
control_kept_free(struct control_kept *k)
{
	if (k != NULL) {
		for (unsigned i = 0; i < k->n; i++) {
			free(k->v[i].text);
		}
		free(k->path);
		free(k);
	}
}

static bool
write_one(const struct document *d, FILE *f)
{
	uint8_t head[HEAD];
	size_t name_len = strlen(d->name);

	store_be32(head, (uint32_t)name_len);
	store_be32(head + 4, (uint32_t)d->len);
	return fwrite(head, 1, HEAD, f) == HEAD &&
	       fwrite(d->sig, 1, SIGN_BYTES, f) == SIGN_BYTES &&
	       fwrite(d->name, 1, name_len, f) == name_len &&
	       fwrite(d->text, 1, d->len, f) == d->len;
}

static void
write_all(const struct control_kept *k)
{
	char path[1024];
	bool good;
	FILE *f;

	if (k->path == NULL) {
		return;
	}
	snprintf(path, sizeof(path), "%s.new", k->path);
	f = fopen(path, "w");
	good = f != NULL;
	for (unsigned i = 0; i < k->n && good; i++) {
		good = write_one(&k->v[i], f);
	}
	good = good && fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (f != NULL) {
		good = fclose(f) == 0 && good;
	}
	if (!good || rename(path, k->path) != 0) {
		log_warn("%s: %s; after a restart the posture is that of the "
			 "settings, and no exercise is on, until they are told "
			 "anew",
			 k->path, strerror(errno));
	}
}

bool
control_kept_put(struct control_kept *k, const char *name, struct view text,
		 struct view sig)
{
	bool good = add(k, name, text, sig);

	if (good) {
		write_all(k);
	}
	return good;
}

void
control_kept_drop(struct control_kept *k, const char *name)
{
	struct document *d = find(k, name);

	if (d != NULL) {
		free(d->text);
		*d = k->v[--k->n];
		write_all(k);
	}
}

void
control_kept_each(const struct control_kept *k,
		  void (*fn)(void *arg, const char *name, struct view text,
			     struct view sig),
		  void *arg)
{
	for (unsigned i = 0; i < k->n; i++) {
		fn(arg, k->v[i].name, view_of(k->v[i].text, k->v[i].len),
		   view_of(k->v[i].sig, SIGN_BYTES));
	}
}

struct looking {
	uint64_t now_us;
	char over[CONTROL_KEPT_NAME_CAP]; /* "": none so far */
};

static void
note_over(void *arg, const char *name, struct view text, struct view sig)
{
	struct looking *l = arg;
	struct control_doc doc;
	struct exercise *e = NULL;

	(void)sig; /* what is forgotten does no harm */
	if (l->over[0] == '\0' && control_parse(text, &doc) &&
	    doc.action == CONTROL_EXERCISE &&
	    control_exercise(text, &e, NULL) == ERR_OK) {
		if (e->until_us + CONTROL_KEPT_OVER_US < l->now_us) {
			snprintf(l->over, sizeof(l->over), "%s", name);
		}
		exercise_free(e);
	}
}

void
control_kept_drop_over(struct control_kept *k, uint64_t now_us)
{
	struct looking l = { .now_us = now_us };

	do {
		l.over[0] = '\0';
		control_kept_each(k, note_over, &l);
		if (l.over[0] != '\0') {
			control_kept_drop(k, l.over);
		}
	} while (l.over[0] != '\0');
}
