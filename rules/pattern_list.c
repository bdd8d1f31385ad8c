/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/pattern_list.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/ioc_pattern_prog.h"
#include "rules/keyhash.h"

#define REASON_CAP 160
#define BUCKETS 4096 /* 25 a bucket in a list that is full */

/* Its indicator never changes, so that copies share it without the lock. */
struct listed_pattern {
	_Atomic unsigned refs;
	bool turn; /* armed since pattern_list_begin() */
	bool wrong; /* no set can have it */
	char reason[REASON_CAP]; /* why it is not looked for; "": it is */
	uint64_t hash;
	uint32_t at; /* in the list */
	struct listed_pattern *next; /* in its bucket */
	size_t size; /* of texts */
	struct indicator i;
	char texts[];
};

struct pattern_list {
	struct keyhash key;
	pthread_mutex_t lock; /* of all that follows */
	struct listed_pattern **v;
	uint32_t n, cap, n_refused;
	size_t bytes;
	uint64_t changes;
	struct listed_pattern *bucket[BUCKETS];
};

struct pattern_list *
pattern_list_new(void)
{
	struct pattern_list *l = calloc(1, sizeof(*l));

	if (l == NULL || keyhash_init(&l->key) != ERR_OK) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static void
put(struct listed_pattern *p)
{
	if (atomic_fetch_sub(&p->refs, 1) == 1) {
		free(p);
	}
}

void
pattern_list_free(struct pattern_list *l)
{
	if (l == NULL) {
		return;
	}
	for (uint32_t i = 0; i < l->n; i++) {
		put(l->v[i]);
	}
	pthread_mutex_destroy(&l->lock);
	free(l->v);
	free(l);
}

/* --- one entry --- */

#define TEXTS 8

static void
texts_of(struct indicator *i, const char **out[TEXTS])
{
	out[0] = &i->value;
	out[1] = &i->id;
	out[2] = &i->source;
	out[3] = &i->created_by;
	out[4] = &i->description;
	out[5] = &i->labels;
	out[6] = &i->tactic;
	out[7] = &i->kill_chain;
}

static struct listed_pattern *
entry_new(const struct indicator *from, uint64_t hash)
{
	struct indicator i = *from;
	struct listed_pattern *p;
	const char **text[TEXTS];
	size_t size = 0;
	char *at;

	texts_of(&i, text);
	for (unsigned k = 0; k < TEXTS; k++) {
		size += strlen(*text[k]) + 1;
	}
	p = malloc(sizeof(*p) + size);
	if (p == NULL) {
		return NULL;
	}
	*p = (struct listed_pattern){
		.turn = true, .hash = hash, .size = size, .i = i
	};
	atomic_init(&p->refs, 1);
	texts_of(&p->i, text);
	at = p->texts;
	for (unsigned k = 0; k < TEXTS; k++) {
		size_t len = strlen(*text[k]) + 1;

		memcpy(at, *text[k], len);
		*text[k] = at;
		at += len;
	}
	return p;
}

/* In all that an alert of it would show, and whether there is one. */
static bool
is_same(const struct indicator *a, const struct indicator *b)
{
	char ma[MARKING_TEXT_CAP], mb[MARKING_TEXT_CAP];

	return a->severity == b->severity &&
	       a->valid_from_us == b->valid_from_us &&
	       a->valid_until_us == b->valid_until_us &&
	       strcmp(a->id, b->id) == 0 && strcmp(a->source, b->source) == 0 &&
	       strcmp(a->description, b->description) == 0 &&
	       strcmp(a->tactic, b->tactic) == 0 &&
	       strcmp(a->labels, b->labels) == 0 &&
	       strcmp(a->kill_chain, b->kill_chain) == 0 &&
	       strcmp(marking_text(&a->mark, ma), marking_text(&b->mark, mb)) ==
		       0;
}

/* A set never has it: what the sensor cannot see, or cannot read. */
static bool
judge(struct listed_pattern *p, struct diag *d)
{
	struct ioc_prog *prog = NULL;
	enum err e = ioc_prog_new(&prog, view_cstr(p->i.value), d);

	if (e == ERR_OK) {
		ioc_prog_free(prog);
	} else if (e != ERR_NOMEM) {
		p->wrong = true;
		snprintf(p->reason, sizeof(p->reason), "%.*s", REASON_CAP - 1,
			 d->msg);
	}
	return e != ERR_NOMEM;
}

/* --- the list, under its lock --- */

static struct listed_pattern **
find(struct pattern_list *l, uint64_t hash, const char *text)
{
	struct listed_pattern **at = &l->bucket[hash % BUCKETS];

	while (*at != NULL &&
	       ((*at)->hash != hash || strcmp((*at)->i.value, text) != 0)) {
		at = &(*at)->next;
	}
	return at;
}

static void
take_out(struct pattern_list *l, struct listed_pattern **at)
{
	struct listed_pattern *p = *at;

	*at = p->next;
	l->v[p->at] = l->v[--l->n];
	l->v[p->at]->at = p->at;
	l->bytes -= p->size;
	l->n_refused -= p->reason[0] != '\0';
	l->changes += !p->wrong;
	put(p);
}

static bool
grow(struct pattern_list *l)
{
	uint32_t cap = MAX(l->cap * 2, UINT32_C(64));
	void *v;

	if (l->n < l->cap) {
		return true;
	}
	v = realloc(l->v, cap * sizeof(*l->v));
	if (v == NULL) {
		return false;
	}
	l->v = v;
	l->cap = cap;
	return true;
}

static void
put_in(struct pattern_list *l, struct listed_pattern *p)
{
	struct listed_pattern **first = &l->bucket[p->hash % BUCKETS];

	p->at = l->n;
	p->next = *first;
	*first = p;
	l->v[l->n++] = p;
	l->bytes += p->size;
	l->n_refused += p->wrong;
	l->changes += !p->wrong;
}

/* --- who changes it --- */

/* What is the same already takes part in the sweep, and that is all. */
static bool
is_there(struct pattern_list *l, const struct indicator *i, uint64_t hash,
	 bool *wrong, struct diag *d)
{
	struct listed_pattern *p;
	bool same;

	pthread_mutex_lock(&l->lock);
	p = *find(l, hash, i->value);
	same = p != NULL && is_same(&p->i, i);
	*wrong = same && p->wrong;
	if (same) {
		p->turn = true;
	}
	if (*wrong) {
		diag_set(d, ERR_FORMAT, "%s", p->reason);
	}
	pthread_mutex_unlock(&l->lock);
	return same;
}

enum err
pattern_list_arm(struct pattern_list *l, const struct indicator *i,
		 struct diag *d)
{
	uint64_t hash = keyhash(&l->key, view_cstr(i->value));
	struct listed_pattern *p, **at;
	bool wrong, full, room;

	if (is_there(l, i, hash, &wrong, d)) {
		return wrong ? ERR_FORMAT : ERR_OK;
	}
	p = entry_new(i, hash);
	if (p == NULL || !judge(p, d)) {
		free(p);
		return diag_set(d, ERR_NOMEM, "no memory for patterns");
	}
	wrong = p->wrong;
	pthread_mutex_lock(&l->lock);
	at = find(l, hash, i->value);
	full = *at == NULL && (l->n == PATTERN_LIST_MAX ||
			       l->bytes + p->size > PATTERN_LIST_BYTES);
	room = !full && grow(l);
	if (room) {
		if (*at != NULL) {
			take_out(l, at);
		}
		put_in(l, p);
	}
	pthread_mutex_unlock(&l->lock);
	if (!room) {
		free(p);
		return full ? diag_set(d, ERR_USAGE,
				       "%d patterns or their texts are all "
				       "that are kept",
				       PATTERN_LIST_MAX)
			    : diag_set(d, ERR_NOMEM, "no memory for patterns");
	}
	return wrong ? ERR_FORMAT : ERR_OK;
}

bool
pattern_list_disarm(struct pattern_list *l, const char *text)
{
	uint64_t hash = keyhash(&l->key, view_cstr(text));
	struct listed_pattern **at;
	bool found;

	pthread_mutex_lock(&l->lock);
	at = find(l, hash, text);
	found = *at != NULL;
	if (found) {
		take_out(l, at);
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

void
pattern_list_begin(struct pattern_list *l)
{
	pthread_mutex_lock(&l->lock);
	for (uint32_t i = 0; i < l->n; i++) {
		l->v[i]->turn = false;
	}
	pthread_mutex_unlock(&l->lock);
}

uint32_t
pattern_list_sweep(struct pattern_list *l)
{
	uint32_t went = 0;

	pthread_mutex_lock(&l->lock);
	for (uint32_t i = l->n; i-- > 0;) {
		struct listed_pattern *p = l->v[i];

		if (!p->turn) {
			take_out(l, find(l, p->hash, p->i.value));
			went++;
		}
	}
	pthread_mutex_unlock(&l->lock);
	return went;
}

/* --- by any thread --- */

void
pattern_list_read(struct pattern_list *l, struct pattern_list_counts *out)
{
	pthread_mutex_lock(&l->lock);
	*out = (struct pattern_list_counts){
		.changes = l->changes,
		.armed = l->n - l->n_refused,
		.refused = l->n_refused,
	};
	pthread_mutex_unlock(&l->lock);
}

const char *
pattern_list_refused(struct pattern_list *l, char *out, size_t cap)
{
	uint32_t said = 0;
	size_t len = 0;

	out[0] = '\0';
	pthread_mutex_lock(&l->lock);
	for (uint32_t i = 0; i < l->n && said < l->n_refused; i++) {
		const struct listed_pattern *p = l->v[i];
		/* room for " and N more" stays */
		size_t left = cap > len + 32 ? cap - len - 32 : 0;
		int n;

		if (p->reason[0] == '\0') {
			continue;
		}
		n = snprintf(out + len, left, "%s%s: %s", said > 0 ? "; " : "",
			     p->i.id[0] != '\0' ? p->i.id : p->i.value,
			     p->reason);
		if (n < 0 || (size_t)n >= left) {
			out[len] = '\0';
			break;
		}
		len += (size_t)n;
		said++;
	}
	if (said < l->n_refused) {
		snprintf(out + len, cap - len, "%s%u%s", said > 0 ? "; " : "",
			 l->n_refused - said, said > 0 ? " more" : "");
	}
	pthread_mutex_unlock(&l->lock);
	return out;
}

static int
by_text(const void *a, const void *b)
{
	const struct listed_pattern *const *x = a, *const *y = b;

	return strcmp((*x)->i.value, (*y)->i.value);
}

enum err
pattern_list_take(struct pattern_list *l, struct pattern_list_copy *out)
{
	pthread_mutex_lock(&l->lock);
	*out = (struct pattern_list_copy){ .changes = l->changes };
	out->v = malloc((l->n + (size_t)1) * sizeof(struct listed_pattern *));
	for (uint32_t i = 0; out->v != NULL && i < l->n; i++) {
		if (!l->v[i]->wrong) {
			atomic_fetch_add(&l->v[i]->refs, 1);
			out->v[out->n++] = l->v[i];
		}
	}
	pthread_mutex_unlock(&l->lock);
	if (out->v == NULL) {
		return ERR_NOMEM;
	}
	/* whatever the order in which they came: hits are in that of the set */
	qsort(out->v, out->n, sizeof(*out->v), by_text);
	return ERR_OK;
}

void
pattern_list_give(struct pattern_list_copy *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		put(c->v[i]);
	}
	free(c->v);
	*c = (struct pattern_list_copy){ .n = 0 };
}

const struct indicator *
pattern_list_at(const struct pattern_list_copy *c, uint32_t n)
{
	return &c->v[n]->i;
}

void
pattern_list_refuse(struct pattern_list *l, const struct pattern_list_copy *c,
		    uint32_t n, const char *reason)
{
	struct listed_pattern *p = c->v[n];

	pthread_mutex_lock(&l->lock);
	/* Once it was taken out its reason counts no more. */
	if (p->at < l->n && l->v[p->at] == p) {
		l->n_refused -= p->reason[0] != '\0';
		snprintf(p->reason, sizeof(p->reason), "%s",
			 reason != NULL ? reason : "");
		l->n_refused += p->reason[0] != '\0';
	}
	pthread_mutex_unlock(&l->lock);
}
