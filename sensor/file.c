/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file.h"

#include <stdlib.h>

#include "sensor/file_magic.h"

/* Types are told from so many bytes, or from the whole of a shorter file. */
#define MAGIC_MIN 512
#define MAGIC_MAX ((size_t)64 << 10)
#define NAME_MAX_LEN ((size_t)4096)

struct file_ctx {
	struct pool *pool;
	unsigned always; /* settings ask for these, enum file_need */
	unsigned needs; /* settings or rules do */
	struct digest_pool *digests;
	struct file_magic *magic;
	struct file_store *store; /* NULL: files are not stored */
	bool store_all;
	struct file_counters n;
};

struct asked {
	unsigned needs;
};

static bool
ends_with(const char *key, const char *end)
{
	size_t n = strlen(key), m = strlen(end);

	return n >= m && strcmp(key + n - m, end) == 0;
}

static bool
is_yes(const char *v)
{
	return view_caseeq(view_cstr(v), VIEW_LIT("yes")) ||
	       view_caseeq(view_cstr(v), VIEW_LIT("true")) ||
	       view_caseeq(view_cstr(v), VIEW_LIT("on")) || strcmp(v, "1") == 0;
}

/* "md5", "[md5, sha256]", or an item of a list. */
static unsigned
hashes_named(const char *v)
{
	return (strstr(v, "md5") != NULL ? DIGEST_MD5 : 0) |
	       (strstr(v, "sha1") != NULL ? DIGEST_SHA1 : 0) |
	       (strstr(v, "sha256") != NULL ? DIGEST_SHA256 : 0);
}

/* eve.files.*, file-store.* and where Suricata has them, below outputs. */
static void
on_setting(void *arg, const char *key, const char *value)
{
	struct asked *a = arg;

	if (strstr(key, "files.") == NULL &&
	    strstr(key, "file-store.") == NULL) {
		return;
	}
	if (strstr(key, ".force-hash") != NULL) {
		a->needs |= hashes_named(value);
	} else if (ends_with(key, ".force-magic") && is_yes(value)) {
		a->needs |= FILE_NEED_MAGIC;
	} else if (ends_with(key, ".force-md5") && is_yes(value)) {
		a->needs |= FILE_NEED_MD5;
	}
}

struct file_ctx *
file_ctx_new(const struct conf *conf, struct pool *pool)
{
	struct file_ctx *c = calloc(1, sizeof(*c));
	struct asked asked = { 0 };

	if (c == NULL) {
		return NULL;
	}
	conf_each(conf, "eve.files", on_setting, &asked);
	conf_each(conf, "file-store", on_setting, &asked);
	conf_each(conf, "outputs", on_setting, &asked);
	c->pool = pool;
	c->always = asked.needs;
	c->digests = digest_pool_new();
	c->magic = file_magic_new();
	if (c->digests == NULL || c->magic == NULL ||
	    !file_store_new(conf, &c->store)) {
		file_ctx_free(c);
		return NULL;
	}
	if (c->store != NULL) {
		/* a file in the store is named by its digest */
		c->always |= FILE_NEED_SHA256;
		c->store_all = file_store_takes_all(c->store);
	}
	c->needs = c->always;
	return c;
}

void
file_ctx_free(struct file_ctx *c)
{
	if (c != NULL) {
		digest_pool_free(c->digests);
		file_magic_free(c->magic);
		file_store_free(c->store);
		free(c);
	}
}

void
file_ctx_want(struct file_ctx *c, unsigned needs)
{
	c->needs = c->always | needs;
	if ((needs & FILE_NEED_STORE) != 0) {
		c->needs |= FILE_NEED_SHA256;
	}
}

const struct file_counters *
file_counters(const struct file_ctx *c)
{
	return &c->n;
}

const struct file_store_counters *
file_store_counts(const struct file_ctx *c)
{
	return file_store_counters(c->store);
}

uint64_t
file_stream_depth(const struct file_ctx *c)
{
	return file_store_depth(c->store);
}

static void
append(struct file_list *l, struct file *f)
{
	f->number = l->n++;
	if (l->last != NULL) {
		l->last->next = f;
	} else {
		l->first = f;
	}
	l->last = f;
}

struct file *
file_move(struct file *f, struct arena *a, struct file_list *l)
{
	struct file *to = l->n < FILES_MAX ? arena_alloc(a, sizeof(*to)) : NULL;

	if (to != NULL) {
		*to = *f;
		to->next = NULL;
		to->front = &to->own;
		to->name = arena_copy(a, f->name);
		append(l, to);
	}
	return to;
}

struct file *
file_open(struct file_ctx *c, struct arena *a, struct file_list *l,
	  const struct file_start *s)
{
	struct file *f = l->n < FILES_MAX ? arena_zalloc(a, sizeof(*f)) : NULL;

	if (f == NULL) {
		if (c != NULL) {
			c->n.refused++;
		}
		return NULL;
	}
	f->name = arena_copy(a, view_sub(s->name, 0, NAME_MAX_LEN));
	f->step = s->step;
	append(l, f);
	f->front = s->front != NULL ? s->front : &f->own;
	buf_init(&f->own, a->pool, s->front != NULL ? 0 : s->front_limit);
	if (c == NULL) {
		return f;
	}
	c->n.opened++;
	if ((c->needs & DIGEST_ALL) != 0) {
		f->digesting = digest_begin(c->digests, c->needs & DIGEST_ALL);
		c->n.no_digest += f->digesting == NULL;
	}
	if (c->store != NULL &&
	    (c->store_all || (c->needs & FILE_NEED_STORE) != 0)) {
		f->wanted = c->store_all;
		f->storing = file_store_open(
			c->store, &(struct store_name){ .flow_id = s->flow_id,
							.tx_id = s->tx_id,
							.dir = s->dir,
							.number = f->number });
	}
	return f;
}

void
file_data(struct file_ctx *c, struct file *f, struct view data)
{
	if (data.len == 0 || file_ended(f)) {
		return;
	}
	f->size += data.len;
	if (f->front == &f->own && !f->gaps) {
		buf_append(&f->own, data); /* what does not fit is not seen */
	}
	if (c == NULL) {
		return;
	}
	if (f->digesting != NULL) {
		digest_add(f->digesting, data);
	}
	if (f->storing != NULL) {
		file_store_write(c->store, f->storing, data);
	}
}

void
file_lost(struct file_ctx *c, struct file *f, uint64_t bytes)
{
	(void)c;
	if (bytes > 0 && !file_ended(f)) {
		f->size += bytes;
		f->gaps = true;
	}
}

bool
file_find_magic(struct file_ctx *c, struct file *f, struct arena *a)
{
	struct view v = view_sub(buf_view(f->front), 0, MAGIC_MAX);
	const char *words;

	if (c == NULL || (c->needs & FILE_NEED_MAGIC) == 0 || f->magic_tried ||
	    v.len == 0 || (v.len < MAGIC_MIN && !file_ended(f))) {
		return false;
	}
	f->magic_tried = true;
	words = file_magic_of(c->magic, v);
	f->magic = words != NULL ? arena_copy(a, view_cstr(words)) : VIEW_NONE;
	return true;
}

void
file_close(struct file_ctx *c, struct file *f, struct arena *a,
	   enum file_state state)
{
	if (file_ended(f)) {
		return;
	}
	f->state = f->gaps ? FILE_TRUNCATED : state;
	if (f->digesting != NULL) {
		digest_end(c->digests, f->digesting, &f->sums);
		f->digesting = NULL;
	}
	file_find_magic(c, f, a);
}

void
file_settle(struct file_ctx *c, struct file *f)
{
	if (f->storing == NULL || !file_ended(f)) {
		return;
	}
	if (f->wanted) {
		f->stored = file_store_keep(c->store, f->storing, &f->sums);
	} else {
		file_store_drop(c->store, f->storing);
	}
	f->storing = NULL;
}

bool
file_writes_info(const struct file_ctx *c)
{
	return c != NULL && file_store_writes_info(c->store);
}

void
file_write_info(struct file_ctx *c, const struct file *f, uint64_t ts_us,
		uint64_t id, struct view json)
{
	file_store_info(c->store, &f->sums, ts_us, id, json);
}

void
file_fini(struct file_ctx *c, struct file *f)
{
	if (f->digesting != NULL) {
		digest_end(c->digests, f->digesting, &f->sums);
		f->digesting = NULL;
	}
	if (f->storing != NULL) {
		file_store_drop(c->store, f->storing);
		f->storing = NULL;
	}
	buf_fini(&f->own);
}

bool
file_due(const struct file *f)
{
	uint64_t seen = f->inspected, step = f->step;

	return file_ended(f) || f->front->len >= seen + MAX(step, seen / 2);
}
