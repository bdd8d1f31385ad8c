/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/reputation.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/rule_file.h"

#define MAX_NESTED 130 /* prefix lengths, and one more */
#define MAX_SCORES ((size_t)1 << 26)

struct score {
	unsigned __int128 lo, hi;
	uint32_t order; /* of reading */
	uint8_t score;
};

/* A run of addresses with one score. */
struct piece {
	unsigned __int128 lo, hi;
	uint8_t score;
};

struct category {
	struct view name; /* empty: not declared */
	struct score *v;
	size_t n, cap;
	struct piece *pieces; /* made when first asked for */
	size_t n_pieces;
	bool cut;
};

/* A test that was worked out before. */
struct known_set {
	uint8_t category, compare;
	bool known, absent;
	uint64_t value;
	const struct range_set *set;
};

struct reputation {
	struct arena *arena;
	struct category category[REPUTATION_MAX_CATEGORY + 1];
	struct known_set *sets;
	size_t n_sets, cap_sets;
	uint32_t n_read;
	bool declared; /* there was a categories file */
};

const char *
reputation_category_line(struct reputation *r, struct view line)
{
	struct view number = VIEW_NONE, name = VIEW_NONE;
	uint64_t n;

	text_next(&line, ',', &number);
	text_next(&line, ',', &name);
	if (!text_u64(number, &n) || n > REPUTATION_MAX_CATEGORY ||
	    name.len == 0) {
		return "write NUMBER,NAME,WORDS with a number up to 60";
	}
	r->category[n].name = arena_copy(r->arena, name);
	return r->category[n].name.len > 0 ? NULL : "out of memory";
}

static bool
add_score(struct reputation *r, struct category *c, const struct cidr *net,
	  uint8_t score)
{
	unsigned __int128 lo = addr_value(&net->addr);

	if (c->n == c->cap) {
		size_t cap = c->cap == 0 ? 256 : c->cap * 2;
		struct score *v = cap > MAX_SCORES
					  ? NULL
					  : realloc(c->v, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = (struct score){
		.lo = lo,
		.hi = net->bits == 128 ? lo : lo | RANGE_MAX >> net->bits,
		.order = r->n_read++,
		.score = score,
	};
	return true;
}

const char *
reputation_score_line(struct reputation *r, struct view line)
{
	struct view who = VIEW_NONE, what = VIEW_NONE, score = VIEW_NONE;
	uint64_t category, value;
	struct cidr net;

	text_next(&line, ',', &who);
	text_next(&line, ',', &what);
	text_next(&line, ',', &score);
	if (!cidr_parse(who, &net)) {
		return "begins with neither an address nor a network";
	}
	if (!text_u64(what, &category) || category > REPUTATION_MAX_CATEGORY) {
		return "the category is a number up to 60";
	}
	if (r->declared && r->category[category].name.len == 0) {
		return "its category is not in the reputation-categories-file";
	}
	if (!text_u64(score, &value) || value > REPUTATION_MAX_SCORE ||
	    text_trim(line).len > 0) {
		return "the score is a number from 0 to 127";
	}
	return add_score(r, &r->category[category], &net, (uint8_t)value)
		       ? NULL
		       : "out of memory";
}

/* What reading a list of files goes by. */
struct reading {
	struct reputation *r;
	const struct conf *conf;
	reputation_bad_line *bad;
	void *arg;
	struct diag *d;
	enum err e;
};

static void
read_file(struct reading *x, const char *setting, const char *path,
	  const char *(*take)(struct reputation *r, struct view line))
{
	struct rule_file f;
	struct view text;
	uint32_t line;

	x->e = rule_file_open_setting(&f, setting, path, x->d);
	while (x->e == ERR_OK && rule_file_next(&f, &text, &line)) {
		const char *why = take(x->r, text);

		if (why != NULL && !x->bad(x->arg, path, line, why)) {
			x->e = diag_set(x->d, ERR_NOMEM, "out of memory");
		}
	}
	rule_file_close(&f);
}

static void
on_file(void *arg, const char *key, const char *value)
{
	struct reading *x = arg;
	const char *dir = conf_get(x->conf, "default-reputation-path");
	char *path;

	(void)key;
	if (x->e != ERR_OK || value[0] == '\0') {
		return;
	}
	if (asprintf(&path, "%s%s%s", dir != NULL && value[0] != '/' ? dir : "",
		     dir != NULL && value[0] != '/' ? "/" : "", value) < 0) {
		x->e = diag_set(x->d, ERR_NOMEM, "out of memory");
		return;
	}
	read_file(x, "reputation-files", path, reputation_score_line);
	free(path);
}

struct reputation *
reputation_new(const struct conf *conf, struct arena *a,
	       reputation_bad_line *bad, void *arg, struct diag *d)
{
	struct reputation *r = calloc(1, sizeof(*r));
	struct reading x = {
		.r = r, .conf = conf, .bad = bad, .arg = arg, .d = d
	};
	const char *categories =
		conf != NULL ? conf_get(conf, "reputation-categories-file")
			     : NULL;

	if (r == NULL) {
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	r->arena = a;
	if (categories != NULL && categories[0] != '\0') {
		r->declared = true;
		read_file(&x, "reputation-categories-file", categories,
			  reputation_category_line);
		if (x.e == ERR_OK) {
			conf_each(conf, "reputation-files", on_file, &x);
		}
	}
	if (x.e != ERR_OK) {
		reputation_free(r);
		return NULL;
	}
	return r;
}

void
reputation_free(struct reputation *r)
{
	if (r == NULL) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(r->category); i++) {
		free(r->category[i].v);
		free(r->category[i].pieces);
	}
	free(r->sets);
	free(r);
}

/* Wider networks before the narrower ones inside them. */
static int
by_place(const void *a, const void *b)
{
	const struct score *x = a, *y = b;

	if (x->lo != y->lo) {
		return x->lo < y->lo ? -1 : 1;
	}
	if (x->hi != y->hi) {
		return x->hi > y->hi ? -1 : 1;
	}
	return x->order < y->order ? -1 : x->order > y->order;
}

static void
add_piece(struct category *c, unsigned __int128 lo, unsigned __int128 hi,
	  uint8_t score)
{
	if (lo <= hi) {
		c->pieces[c->n_pieces++] = (struct piece){ lo, hi, score };
	}
}

/*
 * Cuts the networks, which lie in each other or apart, into runs of one score.
 * A network gives at most two pieces: one where an inner one begins, and one
 * where it ends.
 */
static bool
cut(struct category *c)
{
	const struct score *open[MAX_NESTED];
	unsigned __int128 at = 0;
	unsigned depth = 0;

	if (c->cut) {
		return true;
	}
	if (c->n > 0) {
		qsort(c->v, c->n, sizeof(c->v[0]), by_place);
		c->pieces = calloc(c->n * 2, sizeof(*c->pieces));
		if (c->pieces == NULL) {
			return false;
		}
	}
	for (size_t i = 0; i <= c->n; i++) {
		const struct score *s = i < c->n ? &c->v[i] : NULL;

		/* The ones that end before this begins. */
		while (depth > 0 &&
		       (s == NULL || open[depth - 1]->hi < s->lo)) {
			const struct score *o = open[--depth];

			if (at <= o->hi) {
				add_piece(c, at, o->hi, o->score);
				at = o->hi + 1;
			}
			if (o->hi == RANGE_MAX) {
				depth = 0;
			}
		}
		if (s == NULL) {
			break;
		}
		if (depth > 0 && open[depth - 1]->lo == s->lo &&
		    open[depth - 1]->hi == s->hi) {
			depth--; /* the same again: the later one counts */
		} else if (depth > 0 && at < s->lo) {
			add_piece(c, at, s->lo - 1, open[depth - 1]->score);
		}
		at = s->lo;
		open[depth++] = s;
	}
	c->cut = true;
	return true;
}

static struct category *
category_of(struct reputation *r, struct view name, struct diag *d)
{
	if (!r->declared) {
		diag_set(d, ERR_FORMAT,
			 "iprep: the setting reputation-categories-file is "
			 "missing");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(r->category); i++) {
		if (r->category[i].name.len > 0 &&
		    view_eq(r->category[i].name, name)) {
			return &r->category[i];
		}
	}
	diag_set(d, ERR_FORMAT,
		 "iprep: \"%.*s\" is not in the reputation-categories-file",
		 TEXT_ARG(name));
	return NULL;
}

static bool
remember(struct reputation *r, const struct known_set *k)
{
	if (r->n_sets == r->cap_sets) {
		size_t cap = r->cap_sets == 0 ? 16 : r->cap_sets * 2;
		struct known_set *v = realloc(r->sets, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		r->sets = v;
		r->cap_sets = cap;
	}
	r->sets[r->n_sets++] = *k;
	return true;
}

/* Fills k->set: of an equal test made before, or anew. */
static enum err
make_set(struct reputation *r, struct view name, struct known_set *k,
	 struct diag *d)
{
	struct range_list in = { NULL, 0, 0 }, all = { NULL, 0, 0 },
			  out = { NULL, 0, 0 };
	struct category *c = category_of(r, name, d);
	bool good;

	if (c == NULL) {
		return ERR_FORMAT;
	}
	k->category = (uint8_t)(c - r->category);
	for (size_t i = 0; i < r->n_sets; i++) {
		const struct known_set *o = &r->sets[i];

		if (o->category == k->category && o->compare == k->compare &&
		    o->known == k->known && o->absent == k->absent &&
		    o->value == k->value) {
			k->set = o->set;
			return ERR_OK;
		}
	}
	good = cut(c);
	for (size_t i = 0; good && i < c->n_pieces; i++) {
		const struct piece *p = &c->pieces[i];

		if (k->known ||
		    compare_u64(p->score, (enum cmp)k->compare, k->value, 0)) {
			good = range_list_add(&in, p->lo, p->hi);
		}
	}
	if (good && k->absent) {
		good = range_list_add(&all, 0, RANGE_MAX) &&
		       range_list_subtract(&all, &in, &out);
	} else if (good) {
		range_list_normalise(&in);
	}
	if (good) {
		k->set = range_list_seal(k->absent ? &out : &in, r->arena);
		good = k->set != NULL && remember(r, k);
	}
	range_list_fini(&in);
	range_list_fini(&all);
	range_list_fini(&out);
	return good ? ERR_OK : diag_set(d, ERR_NOMEM, "out of memory");
}

enum err
reputation_set(struct reputation *r, struct view category, enum cmp c,
	       uint64_t value, const struct range_set **out, struct diag *d)
{
	struct known_set k = { .compare = (uint8_t)c, .value = value };
	enum err e = make_set(r, category, &k, d);

	*out = k.set;
	return e;
}

enum err
reputation_known(struct reputation *r, struct view category, bool absent,
		 const struct range_set **out, struct diag *d)
{
	struct known_set k = { .known = true, .absent = absent };
	enum err e = make_set(r, category, &k, d);

	*out = k.set;
	return e;
}
