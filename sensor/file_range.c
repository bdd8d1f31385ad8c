/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_range.h"

#include <stdlib.h>

#include "common/clock.h"
#include "rules/keyhash.h"

#define BUCKETS 1024
#define KEY(s) "app-layer.protocols.http.byterange." s

/* Bytes from further on, in order of their start. */
struct piece {
	struct piece *next;
	uint64_t start;
	struct buf data;
};

struct whole {
	struct whole *next; /* in its bucket */
	struct whole *older, *newer;
	uint64_t hash, total, last_us;
	uint64_t at; /* the first byte that is missing */
	struct view key;
	struct arena arena;
	struct file_list list; /* of one file: what is there in order */
	struct piece *pieces;
	uint32_t n_pieces, users;
	bool taken; /* a part is giving bytes in order */
};

struct range_part {
	struct whole *of;
	uint64_t at; /* of its next byte */
	uint64_t end; /* behind its last */
	bool in_order, lost;
	struct piece *piece; /* when it has to wait */
};

struct range_table {
	struct pool *pool;
	uint64_t memcap, mem, timeout_us;
	uint32_t n;
	struct whole *buckets[BUCKETS];
	struct whole *oldest, *newest;
	struct keyhash hash; /* who asks for files names them */
};

struct range_table *
range_table_new(const struct conf *conf, struct pool *pool)
{
	struct range_table *t = calloc(1, sizeof(*t));

	if (t != NULL && keyhash_init(&t->hash) != ERR_OK) {
		free(t);
		t = NULL;
	}
	if (t != NULL) {
		t->pool = pool;
		t->memcap =
			conf_u64(conf, KEY("memcap"), 100 << 20, 0, UINT64_MAX);
		t->timeout_us =
			conf_u64(conf, KEY("timeout"), 60, 1, UINT32_MAX) *
			US_PER_S;
	}
	return t;
}

static void
drop_piece(struct range_table *t, struct piece *p)
{
	t->mem -= p->data.len;
	buf_fini(&p->data);
	pool_put(t->pool, p, sizeof(*p));
}

static void
unlink_whole(struct range_table *t, struct whole *w)
{
	struct whole **at = &t->buckets[w->hash % BUCKETS];

	while (*at != w) {
		at = &(*at)->next;
	}
	*at = w->next;
	*(w->older != NULL ? &w->older->newer : &t->oldest) = w->newer;
	*(w->newer != NULL ? &w->newer->older : &t->newest) = w->older;
	t->n--;
}

static void
drop_whole(struct range_table *t, struct file_ctx *c, struct whole *w)
{
	struct arena arena;

	unlink_whole(t, w);
	while (w->pieces != NULL) {
		struct piece *p = w->pieces;

		w->pieces = p->next;
		drop_piece(t, p);
	}
	if (w->list.first != NULL) {
		file_fini(c, w->list.first);
	}
	arena = w->arena; /* 'w' lies in it */
	arena_reset(&arena);
}

void
range_table_drop(struct range_table *t, struct file_ctx *c)
{
	while (t != NULL && t->oldest != NULL) {
		drop_whole(t, c, t->oldest);
	}
}

void
range_table_free(struct range_table *t)
{
	free(t);
}

/* Both hosts and both names, in one order, as bytes. */
static size_t
key_of(const struct range_id *id, uint8_t out[RANGE_KEY_MAX])
{
	bool turn = memcmp(&id->host[0], &id->host[1], sizeof(id->host[0])) > 0;
	const struct view parts[] = {
		view_of(&id->host[turn], sizeof(id->host[0])),
		view_of(&id->host[!turn], sizeof(id->host[0])),
		view_sub(id->server, 0, 256),
		VIEW_LIT("\n"),
		view_sub(id->name, 0, RANGE_KEY_MAX - 512),
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].len > 0) {
			memcpy(out + n, parts[i].p, parts[i].len);
			n += parts[i].len;
		}
	}
	return n;
}
STATIC_ASSERT(2 * sizeof(struct addr) + 256 + 1 <= 512, "a key fits");

static void
touch(struct range_table *t, struct whole *w, uint64_t now_us)
{
	w->last_us = MAX(w->last_us, now_us);
	if (t->newest == w) {
		return;
	}
	*(w->older != NULL ? &w->older->newer : &t->oldest) = w->newer;
	w->newer->older = w->older;
	w->older = t->newest;
	w->newer = NULL;
	t->newest->newer = w;
	t->newest = w;
}

static void
evict(struct range_table *t, struct file_ctx *c)
{
	struct whole *w = t->oldest;

	while (w != NULL && w->users > 0) {
		w = w->newer;
	}
	if (w != NULL) {
		drop_whole(t, c, w);
	}
}

static struct whole *
add_whole(struct range_table *t, struct file_ctx *c, struct view key,
	  uint64_t hash, const struct file_start *start)
{
	struct arena arena;
	struct whole *w;

	if (t->n >= RANGE_FILES_MAX) {
		evict(t, c);
	}
	arena_init(&arena, t->pool, (size_t)64 << 10);
	w = t->n < RANGE_FILES_MAX ? arena_zalloc(&arena, sizeof(*w)) : NULL;
	if (w == NULL) {
		return NULL;
	}
	w->arena = arena;
	w->hash = hash;
	w->key = arena_copy(&w->arena, key);
	w->next = t->buckets[hash % BUCKETS];
	t->buckets[hash % BUCKETS] = w;
	w->older = t->newest;
	*(t->newest != NULL ? &t->newest->newer : &t->oldest) = w;
	t->newest = w;
	t->n++;
	if (w->key.len < key.len ||
	    file_open(c, &w->arena, &w->list, start) == NULL) {
		drop_whole(t, c, w);
		return NULL;
	}
	return w;
}

static struct whole *
find(struct range_table *t, struct file_ctx *c, const struct range_id *id,
     const struct file_start *start)
{
	uint8_t text[RANGE_KEY_MAX];
	struct view key = view_of(text, key_of(id, text));
	uint64_t h = keyhash(&t->hash, key);
	struct whole *w = t->buckets[h % BUCKETS];

	while (w != NULL && (w->hash != h || !view_eq(w->key, key))) {
		w = w->next;
	}
	/* another file by now, or one that nobody went on with */
	if (w != NULL && w->users == 0 &&
	    (w->total != id->total ||
	     id->now_us > w->last_us + t->timeout_us)) {
		drop_whole(t, c, w);
		w = NULL;
	}
	if (w == NULL) {
		w = add_whole(t, c, key, h, start);
		if (w != NULL) {
			w->total = id->total;
		}
	}
	return w != NULL && w->total == id->total ? w : NULL;
}

static void
keep_piece(struct whole *w, struct piece *p)
{
	struct piece **at = &w->pieces;

	while (*at != NULL && (*at)->start <= p->start) {
		at = &(*at)->next;
	}
	p->next = *at;
	*at = p;
	w->n_pieces++;
}

struct range_part *
range_begin(struct range_table *t, struct file_ctx *c,
	    const struct range_id *id, const struct file_start *start)
{
	struct range_part *p;
	struct whole *w;

	if (t == NULL || id->total == 0 || id->end >= id->total ||
	    id->start > id->end) {
		return NULL;
	}
	w = find(t, c, id, start);
	if (w == NULL) {
		return NULL;
	}
	p = pool_get(t->pool, sizeof(*p));
	if (p == NULL) {
		return NULL;
	}
	*p = (struct range_part){ .of = w,
				  .at = id->start,
				  .end = id->end + 1 };
	p->in_order = id->start <= w->at && !w->taken;
	w->taken = w->taken || p->in_order;
	w->users++;
	touch(t, w, id->now_us);
	return p;
}

/* Gives the bytes of [start, ...) to the file, as far as they are news. */
static void
go_on(struct file_ctx *c, struct whole *w, uint64_t start, struct view data)
{
	if (start <= w->at) {
		data = view_sub(data,
				(size_t)MIN(w->at - start, (uint64_t)data.len),
				data.len);
		w->at += data.len;
		file_data(c, w->list.first, data);
	}
}

static void
wait(struct range_table *t, struct range_part *p, struct view data)
{
	struct whole *w = p->of;

	if (p->piece == NULL && w->n_pieces < RANGE_PIECES_MAX) {
		p->piece = pool_get(t->pool, sizeof(*p->piece));
		if (p->piece != NULL) {
			*p->piece = (struct piece){ .start = p->at };
			buf_init(&p->piece->data, t->pool, POOL_MAX_BLOCK);
		}
	}
	if (p->piece == NULL || t->mem + data.len > t->memcap) {
		p->lost = true;
		return;
	}
	p->lost = buf_append(&p->piece->data, data) < data.len;
	t->mem = t->mem + data.len;
	if (p->lost) { /* count what is really there */
		t->mem -= data.len;
		buf_fini(&p->piece->data);
		t->mem -= MIN(t->mem, p->at - p->piece->start);
		pool_put(t->pool, p->piece, sizeof(*p->piece));
		p->piece = NULL;
	}
}

void
range_data(struct range_table *t, struct file_ctx *c, struct range_part *p,
	   struct view data)
{
	if (p->lost || p->at >= p->end) {
		return;
	}
	data = view_sub(data, 0,
			(size_t)MIN((uint64_t)data.len, p->end - p->at));
	if (p->in_order) {
		go_on(c, p->of, p->at, data);
	} else {
		wait(t, p, data);
	}
	p->at += data.len;
}

void
range_lost(struct range_part *p)
{
	p->lost = true;
}

/* Pieces whose turn has come. */
static void
catch_up(struct range_table *t, struct file_ctx *c, struct whole *w)
{
	while (w->pieces != NULL && w->pieces->start <= w->at) {
		struct piece *p = w->pieces;

		w->pieces = p->next;
		w->n_pieces--;
		go_on(c, w, p->start, buf_view(&p->data));
		drop_piece(t, p);
	}
}

struct file *
range_end(struct range_table *t, struct file_ctx *c, struct range_part *p,
	  struct arena *a, struct file_list *l)
{
	struct whole *w = p->of;
	struct file *f = NULL;

	w->users--;
	if (p->in_order) {
		w->taken = false;
	} else if (p->piece != NULL) {
		keep_piece(w, p->piece);
	}
	pool_put(t->pool, p, sizeof(*p));
	if (!w->taken) {
		catch_up(t, c, w);
	}
	if (w->at == w->total && !w->taken && w->users == 0) {
		f = file_move(w->list.first, a, l);
		if (f != NULL) {
			w->list.first = NULL;
			file_close(c, f, a, FILE_CLOSED);
		}
		drop_whole(t, c, w);
	}
	return f;
}
