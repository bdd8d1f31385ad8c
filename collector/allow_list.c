/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/allow_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define TEXT_CAP 512

/* What a text stands for; the first byte of its key. */
enum { OF_NAME = '@', OF_BELOW = '.', OF_ABOVE = '^', OF_TEXT = '=' };

struct text {
	uint64_t hash; /* of the key; 0 is free */
	char *key;
	uint16_t list;
};

struct net {
	struct cidr cidr;
	uint16_t list;
};

struct allow_lists {
	struct text *texts;
	size_t n_texts, slots; /* a power of two */
	struct net *nets;
	size_t n_nets, nets_cap;
	bool lengths[129];
	uint64_t entries;
	unsigned n_lists;
	bool ready; /* its networks are in order */
	const atomic_bool *ending;
	char names[ALLOW_MAX_LISTS][ALLOW_NAME_CAP];
};

struct allow_lists *
allow_lists_new(void)
{
	struct allow_lists *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->slots = 1024;
		a->texts = calloc(a->slots, sizeof(*a->texts));
	}
	if (a != NULL && a->texts == NULL) {
		free(a);
		a = NULL;
	}
	return a;
}

void
allow_lists_free(struct allow_lists *a)
{
	if (a == NULL) {
		return;
	}
	for (size_t i = 0; i < a->slots; i++) {
		free(a->texts[i].key);
	}
	free(a->texts);
	free(a->nets);
	free(a);
}

void
allow_lists_until(struct allow_lists *a, const atomic_bool *ending)
{
	a->ending = ending;
}

static bool
is_ending(const struct allow_lists *a)
{
	return a->ending != NULL &&
	       atomic_load_explicit(a->ending, memory_order_relaxed);
}

uint64_t
allow_lists_entries(const struct allow_lists *a)
{
	return a->entries;
}

/* ------------------------------------------------------------------- texts */

static uint64_t
hash_of(const char *key, size_t len)
{
	return XXH3_64bits(key, len) | 1;
}

static struct text *
place_of(struct text *texts, size_t slots, uint64_t hash, const char *key)
{
	size_t i = hash & (slots - 1);

	while (texts[i].hash != 0 &&
	       (texts[i].hash != hash || strcmp(texts[i].key, key) != 0)) {
		i = (i + 1) & (slots - 1);
	}
	return &texts[i];
}

static bool
grow(struct allow_lists *a)
{
	size_t slots = a->slots * 2;
	struct text *texts = calloc(slots, sizeof(*texts));

	if (texts == NULL) {
		return false;
	}
	for (size_t i = 0; i < a->slots; i++) {
		const struct text *t = &a->texts[i];

		if (t->hash != 0) {
			*place_of(texts, slots, t->hash, t->key) = *t;
		}
	}
	free(a->texts);
	a->texts = texts;
	a->slots = slots;
	return true;
}

/* The key of 'of' and 'v' in lower case; false: too long or not one line. */
static bool
make_key(char of, struct view v, char out[TEXT_CAP + 2])
{
	if (v.len == 0 || v.len > TEXT_CAP || memchr(v.p, '\0', v.len)) {
		return false;
	}
	out[0] = of;
	for (size_t i = 0; i < v.len; i++) {
		out[1 + i] = (char)ascii_lower(v.p[i]);
	}
	out[1 + v.len] = '\0';
	return true;
}

static enum err
add_text(struct allow_lists *a, char of, struct view v)
{
	char key[TEXT_CAP + 2];
	struct text *t;
	uint64_t hash;

	if (!make_key(of, v, key)) {
		return ERR_FORMAT;
	}
	if (a->n_texts >= (size_t)ALLOW_MAX_ENTRIES * 2) {
		return ERR_LIMIT;
	}
	if (a->n_texts * 4 >= a->slots * 3 && !grow(a)) {
		return ERR_NOMEM;
	}
	hash = hash_of(key, v.len + 1);
	t = place_of(a->texts, a->slots, hash, key);
	if (t->hash != 0) {
		return ERR_OK;
	}
	t->key = strdup(key);
	if (t->key == NULL) {
		return ERR_NOMEM;
	}
	t->hash = hash;
	t->list = (uint16_t)(a->n_lists - 1);
	a->n_texts++;
	return ERR_OK;
}

static const char *
find_text(const struct allow_lists *a, char of, struct view v)
{
	char key[TEXT_CAP + 2];
	const struct text *t;

	if (!make_key(of, v, key)) {
		return NULL;
	}
	t = place_of(a->texts, a->slots, hash_of(key, v.len + 1), key);
	return t->hash != 0 ? a->names[t->list] : NULL;
}

/* 'v' behind its first label; empty when it has one only. */
static struct view
parent(struct view v)
{
	const uint8_t *dot = v.len > 0 ? memchr(v.p, '.', v.len) : NULL;

	return dot != NULL ? view_sub(v, (size_t)(dot - v.p) + 1, SIZE_MAX)
			   : VIEW_NONE;
}

static bool
is_domain(struct view v)
{
	if (v.len == 0 || v.len > 253 || v.p[0] == '.' ||
	    v.p[v.len - 1] == '.') {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = ascii_lower(v.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.') {
			return false;
		}
	}
	return true;
}

static enum err
add_domain(struct allow_lists *a, struct view v)
{
	char of = OF_NAME;
	enum err e;

	if (v.len > 1 && v.p[0] == '.') {
		of = OF_BELOW;
		v = view_sub(v, 1, SIZE_MAX);
	}
	if (!is_domain(v)) {
		return ERR_FORMAT;
	}
	e = add_text(a, of, v);
	/* An indicator of a name above it would take it in. */
	for (v = parent(v); e == ERR_OK && v.len > 0; v = parent(v)) {
		e = add_text(a, OF_ABOVE, v);
	}
	return e;
}

/* ---------------------------------------------------------------- networks */

static enum err
add_net(struct allow_lists *a, const struct cidr *net)
{
	if (a->n_nets == a->nets_cap) {
		size_t cap = MAX(a->nets_cap * 2, (size_t)64);
		struct net *p = realloc(a->nets, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		a->nets = p;
		a->nets_cap = cap;
	}
	a->nets[a->n_nets++] = (struct net){ *net, (uint16_t)(a->n_lists - 1) };
	a->ready = false;
	a->lengths[net->bits] = true;
	return ERR_OK;
}

static int
by_address(const void *x, const void *y)
{
	const struct net *a = x, *b = y;
	int c = addr_cmp(&a->cidr.addr, &b->cidr.addr);

	return c != 0 ? c : (int)a->cidr.bits - (int)b->cidr.bits;
}

void
allow_lists_ready(struct allow_lists *a)
{
	if (a->n_nets > 0 && !a->ready) {
		qsort(a->nets, a->n_nets, sizeof(*a->nets), by_address);
	}
	a->ready = true;
}

/* The first network not before 'key' in the order of by_address(). */
static const struct net *
first_from(const struct allow_lists *a, const struct cidr *key)
{
	const struct net at = { .cidr = *key };
	size_t lo = 0, hi = a->n_nets;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_address(&a->nets[mid], &at) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < a->n_nets ? &a->nets[lo] : NULL;
}

const char *
allow_lists_net(const struct allow_lists *a, const struct cidr *net)
{
	const struct net *n;

	for (unsigned bits = 0; bits <= net->bits; bits++) {
		struct cidr key = { net->addr, (uint8_t)bits };

		if (!a->lengths[bits]) {
			continue;
		}
		for (unsigned b = bits; b < 128; b++) {
			key.addr.b[b / 8] &= (uint8_t) ~(0x80u >> b % 8);
		}
		n = first_from(a, &key);
		if (n != NULL && n->cidr.bits == bits &&
		    addr_eq(&n->cidr.addr, &key.addr)) {
			return a->names[n->list];
		}
	}
	n = first_from(a, net);
	return n != NULL && cidr_contains(net, &n->cidr.addr)
		       ? a->names[n->list]
		       : NULL;
}

const char *
allow_lists_domain(const struct allow_lists *a, struct view name, bool exact)
{
	const char *hit = find_text(a, OF_NAME, name);

	if (hit == NULL && name.len > 4 && memcmp(name.p, "www.", 4) == 0) {
		hit = find_text(a, OF_NAME, view_sub(name, 4, SIZE_MAX));
	}
	if (hit == NULL && !exact) {
		hit = find_text(a, OF_ABOVE, name);
	}
	for (; hit == NULL && name.len > 0; name = parent(name)) {
		hit = find_text(a, OF_BELOW, name);
	}
	return hit;
}

const char *
allow_lists_text(const struct allow_lists *a, struct view value)
{
	return find_text(a, OF_TEXT, value);
}

/* ----------------------------------------------------------------- reading */

static enum err
new_list(struct allow_lists *a, const char *name)
{
	if (a->n_lists == ALLOW_MAX_LISTS) {
		return ERR_LIMIT;
	}
	snprintf(a->names[a->n_lists++], ALLOW_NAME_CAP, "%s", name);
	return ERR_OK;
}

static enum err
add_entry(struct allow_lists *a, struct view v)
{
	struct cidr net;
	enum err e;

	if (is_ending(a)) {
		return ERR_CLOSED;
	}
	if (a->entries >= ALLOW_MAX_ENTRIES) {
		return ERR_LIMIT;
	}
	if (v.len > 1 && v.p[0] == '=') {
		e = add_text(a, OF_TEXT, view_sub(v, 1, SIZE_MAX));
	} else if (cidr_parse(v, &net)) {
		e = add_net(a, &net);
	} else {
		const uint8_t *comma =
			v.len > 0 ? memchr(v.p, ',', v.len) : NULL;

		e = add_domain(a,
			       comma != NULL
				       ? view_sub(v, (size_t)(comma - v.p) + 1,
						  SIZE_MAX)
				       : v);
	}
	a->entries += e == ERR_OK;
	return e;
}

static struct view
trimmed(struct view v)
{
	const uint8_t *hash =
		v.len > 0 && v.p[0] != '=' ? memchr(v.p, '#', v.len) : NULL;

	if (hash != NULL) {
		v.len = (size_t)(hash - v.p);
	}
	while (v.len > 0 && strchr(" \t\r", v.p[v.len - 1]) != NULL &&
	       v.p[v.len - 1] != '\0') {
		v.len--;
	}
	while (v.len > 0 && (v.p[0] == ' ' || v.p[0] == '\t')) {
		v = view_sub(v, 1, SIZE_MAX);
	}
	return v;
}

static enum err
say(struct diag *d, enum err e, const char *name, unsigned line)
{
	switch (e) {
	case ERR_FORMAT:
		return diag_set(d, e,
				"%s:%u: no network, name or =TEXT; a line of "
				"comment begins with #",
				name, line);
	case ERR_LIMIT:
		return diag_set(d, e, "%s:%u: more than %d entries or %d lists",
				name, line, ALLOW_MAX_ENTRIES, ALLOW_MAX_LISTS);
	case ERR_CLOSED:
		return diag_set(d, e, "%s: not read to its end: we end", name);
	default:
		return diag_set(d, e, "%s: out of memory", name);
	}
}

static enum err
read_lines(struct allow_lists *a, const char *name, struct view data,
	   struct diag *d)
{
	unsigned line = 0;

	while (data.len > 0) {
		const uint8_t *end = memchr(data.p, '\n', data.len);
		size_t n = end != NULL ? (size_t)(end - data.p) : data.len;
		struct view v = trimmed(view_of(data.p, n));
		enum err e;

		line++;
		data = view_sub(data, n + 1, SIZE_MAX);
		e = v.len > 0 ? add_entry(a, v) : ERR_OK;
		if (e != ERR_OK) {
			return say(d, e, name, line);
		}
	}
	return ERR_OK;
}

/* One entry of a warning list; those of a type that we cannot use are left. */
static enum err
add_warning(struct allow_lists *a, const char *type, const char *s)
{
	struct view v = view_cstr(s);
	struct cidr net;
	enum err e;

	if (is_ending(a)) {
		return ERR_CLOSED;
	}
	if (a->entries >= ALLOW_MAX_ENTRIES) {
		return ERR_LIMIT;
	}
	if (strcmp(type, "cidr") == 0) {
		e = cidr_parse(v, &net) ? add_net(a, &net) : ERR_FORMAT;
	} else if (strcmp(type, "hostname") == 0) {
		e = add_domain(a, v);
	} else {
		e = add_text(a, OF_TEXT, v);
		if (e == ERR_OK && cidr_parse(v, &net)) {
			e = add_net(a, &net);
		} else if (e == ERR_OK && is_domain(v) &&
			   memchr(v.p, '.', v.len) != NULL) {
			e = add_text(a, OF_NAME, v);
		}
	}
	a->entries += e == ERR_OK;
	return e == ERR_FORMAT ? ERR_OK : e;
}

static enum err
read_json(struct allow_lists *a, const char *name, struct view data,
	  struct diag *d)
{
	json_error_t why;
	json_t *o = json_loadb((const char *)data.p, data.len, 0, &why);
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *says = json_string_value(json_object_get(o, "name"));
	const json_t *list = json_object_get(o, "list");
	enum err e = ERR_OK;

	if (o == NULL) {
		e = diag_set(d, ERR_FORMAT, "%s:%d: %s", name, why.line,
			     why.text);
	} else if (type == NULL || !json_is_array(list)) {
		e = diag_set(d, ERR_FORMAT,
			     "%s: not a warning list: no \"type\" and \"list\"",
			     name);
	} else if (strcmp(type, "cidr") != 0 && strcmp(type, "hostname") != 0 &&
		   strcmp(type, "string") != 0) {
		e = diag_set(d, ERR_FORMAT,
			     "%s: a list of type '%.32s': only cidr, hostname "
			     "and string are read: leave it out",
			     name, type);
	}
	if (e == ERR_OK && says != NULL) {
		snprintf(a->names[a->n_lists - 1], ALLOW_NAME_CAP, "%s", says);
	}
	for (size_t i = 0; e == ERR_OK && i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		e = s != NULL ? add_warning(a, type, s) : ERR_OK;
		if (e != ERR_OK) {
			e = say(d, e, name, (unsigned)i);
		}
	}
	json_decref(o);
	return e;
}

enum err
allow_lists_add_bytes(struct allow_lists *a, const char *name, struct view data,
		      struct diag *d)
{
	const char *slash = strrchr(name, '/');
	enum err e = new_list(a, slash != NULL ? slash + 1 : name);

	if (e != ERR_OK) {
		return say(d, e, name, 0);
	}
	return trimmed(data).len > 0 && trimmed(data).p[0] == '{'
		       ? read_json(a, name, data, d)
		       : read_lines(a, name, data, d);
}

static enum err
add_file(struct allow_lists *a, const char *path, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st = { .st_size = 0 };
	uint8_t *bytes = NULL;
	size_t have = 0;
	ssize_t n = 1;
	enum err e = ERR_OK;

	if (fd < 0 || fstat(fd, &st) != 0) {
		e = diag_set(d, ERR_IO, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) ||
		   (uint64_t)st.st_size > ALLOW_MAX_FILE) {
		e = diag_set(d, ERR_LIMIT, "%s: no file, or too large", path);
	} else if ((bytes = malloc((size_t)st.st_size + 1)) == NULL) {
		e = diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	while (e == ERR_OK && have < (size_t)st.st_size && n > 0) {
		n = read(fd, bytes + have, (size_t)st.st_size - have);
		have += n > 0 ? (size_t)n : 0;
		if (n < 0 && errno == EINTR) {
			n = 1;
		} else if (n < 0) {
			e = diag_set(d, ERR_IO, "%s: %s", path,
				     strerror(errno));
		}
	}
	if (e == ERR_OK) {
		e = allow_lists_add_bytes(a, path, view_of(bytes, have), d);
	}
	free(bytes);
	if (fd >= 0) {
		close(fd);
	}
	return e;
}

static bool
is_list(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && name[0] != '.' &&
	       (strcmp(dot, ".txt") == 0 || strcmp(dot, ".csv") == 0 ||
		strcmp(dot, ".json") == 0);
}

enum err
allow_lists_add(struct allow_lists *a, const char *path, struct diag *d)
{
	struct dirent **names = NULL;
	char file[4096];
	enum err e = ERR_OK;
	int n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		return errno == ENOTDIR ? add_file(a, path, d)
					: diag_set(d, ERR_IO, "%s: %s", path,
						   strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		if (e == ERR_OK && is_list(names[i]->d_name)) {
			snprintf(file, sizeof(file), "%s/%s", path,
				 names[i]->d_name);
			e = add_file(a, file, d);
		}
		free(names[i]);
	}
	free(names);
	return e;
}
