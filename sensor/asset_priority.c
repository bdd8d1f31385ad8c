/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/asset_priority.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST "overload.priorities."
#define PREFIX_LENGTHS 129

struct network {
	struct cidr net;
	uint8_t priority;
	bool set; /* by the setting, not by a mission map */
};

struct asset_priorities {
	struct network *v; /* sealed: longest prefix first, then by address */
	size_t n, cap;
	size_t begin[PREFIX_LENGTHS + 1]; /* of each length, longest first */
	unsigned used;
};

struct asset_priorities *
asset_priorities_new(void)
{
	return calloc(1, sizeof(struct asset_priorities));
}

void
asset_priorities_free(struct asset_priorities *t)
{
	if (t != NULL) {
		free(t->v);
		free(t);
	}
}

enum err
asset_priorities_add(struct asset_priorities *t, const struct cidr *net,
		     unsigned priority, struct diag *d)
{
	if (t->n == PRIORITY_MAX_NETWORKS) {
		return diag_set(d, ERR_USAGE,
				"more than %d networks have a priority; name "
				"larger ones",
				PRIORITY_MAX_NETWORKS);
	}
	if (t->n == t->cap) {
		size_t cap = MAX(t->cap * 2, (size_t)64);
		struct network *v = realloc(t->v, cap * sizeof(*v));

		if (v == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = (struct network){ *net, (uint8_t)priority, false };
	t->used |= 1U << priority;
	return ERR_OK;
}

/* --- the setting --- */

struct reading {
	struct asset_priorities *t;
	const struct conf *conf;
	struct diag *d;
	enum err err;
};

/* The priority that stands beside the networks of item 'item'. */
static enum err
priority_beside(const struct reading *r, unsigned long item, unsigned *out)
{
	char key[64];
	const char *text;
	char *end;
	unsigned long n;

	snprintf(key, sizeof(key), LIST "%lu.priority", item);
	text = conf_str(r->conf, key, "");
	n = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || n < PRIORITY_FIRST ||
	    n > PRIORITY_LAST) {
		return diag_set(r->d, ERR_USAGE,
				"%s: '%.32s' is no priority; write %d (given "
				"up last) to %d",
				key, text, PRIORITY_FIRST, PRIORITY_LAST);
	}
	*out = (unsigned)n;
	return ERR_OK;
}

/* One network, or a list as --set takes it: "[a, b]". */
static enum err
add_networks(const struct reading *r, const char *key, const char *text,
	     unsigned priority)
{
	static const char parted[] = "[], \t";
	enum err e = ERR_OK;

	while (e == ERR_OK && *(text += strspn(text, parted)) != '\0') {
		size_t n = strcspn(text, parted);
		struct cidr net;

		if (!cidr_parse(view_of(text, n), &net)) {
			return diag_set(r->d, ERR_USAGE,
					"%s: '%.*s' is no network; write "
					"192.0.2.0/24 or 2001:db8::/32",
					key, (int)MIN(n, (size_t)64), text);
		}
		e = asset_priorities_add(r->t, &net, priority, r->d);
		if (e == ERR_OK) {
			r->t->v[r->t->n - 1].set = true;
		}
		text += n;
	}
	return e;
}

static void
take_key(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;
	unsigned priority = PRIORITY_LAST;
	unsigned long item;
	char *word;

	if (r->err != ERR_OK) {
		return;
	}
	item = strtoul(key + strlen(LIST), &word, 10);
	if (strcmp(word, ".networks") == 0 ||
	    strncmp(word, ".networks.", 10) == 0) {
		r->err = priority_beside(r, item, &priority);
		if (r->err == ERR_OK) {
			r->err = add_networks(r, key, value, priority);
		}
	} else if (strcmp(word, ".priority") != 0) {
		r->err = diag_set(r->d, ERR_USAGE,
				  "%s: not known; an item has networks and a "
				  "priority",
				  key);
	}
}

enum err
asset_priorities_add_conf(struct asset_priorities *t, const struct conf *conf,
			  struct diag *d)
{
	struct reading r = { t, conf, d, ERR_OK };

	conf_each(conf, LIST, take_key, &r);
	return r.err;
}

/* --- asking --- */

static int
compare(const void *a, const void *b)
{
	const struct network *x = a, *y = b;
	int c = (int)y->net.bits - (int)x->net.bits;

	if (c == 0) {
		c = addr_cmp(&x->net.addr, &y->net.addr);
	}
	return c != 0 ? c : (int)x->priority - (int)y->priority;
}

void
asset_priorities_seal(struct asset_priorities *t)
{
	size_t at = 0;

	if (t->n > 0) {
		qsort(t->v, t->n, sizeof(*t->v), compare);
	}
	for (unsigned i = 0; i <= PREFIX_LENGTHS; i++) {
		while (at < t->n && 128U - t->v[at].net.bits < i) {
			at++;
		}
		t->begin[i] = at;
	}
}

static struct addr
front_of(const struct addr *a, unsigned bits)
{
	struct addr out = *a;

	for (unsigned i = 0; i < 16; i++) {
		unsigned left = bits > i * 8 ? bits - i * 8 : 0;

		if (left < 8) {
			out.b[i] &= (uint8_t)(0xff00 >> left);
		}
	}
	return out;
}

/* The first of those from 'lo' to before 'hi' that is this network. */
static const struct network *
find(const struct asset_priorities *t, size_t lo, size_t hi,
     const struct addr *net)
{
	size_t end = hi;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&t->v[mid].net.addr, net) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < end && addr_cmp(&t->v[lo].net.addr, net) == 0 ? &t->v[lo]
								  : NULL;
}

unsigned
asset_priority_of(const struct asset_priorities *t, const struct addr *a)
{
	for (unsigned i = 0; i < PREFIX_LENGTHS; i++) {
		struct addr net;
		const struct network *x;

		if (t->begin[i] == t->begin[i + 1]) {
			continue;
		}
		net = front_of(a, 128 - i);
		x = find(t, t->begin[i], t->begin[i + 1], &net);
		if (x != NULL) {
			return x->priority;
		}
	}
	return 0;
}

unsigned
asset_priorities_used(const struct asset_priorities *t)
{
	return t->used;
}

size_t
asset_priorities_list(const struct asset_priorities *t,
		      struct asset_network *out, size_t cap)
{
	size_t n = 0;

	for (unsigned p = PRIORITY_FIRST; p <= PRIORITY_LAST; p++) {
		for (size_t i = 0; i < t->n; i++) {
			const struct network *v = &t->v[i];

			if (!v->set || v->priority != p) {
				continue;
			}
			if (n < cap) {
				out[n] = (struct asset_network){ v->net, p };
			}
			n++;
		}
	}
	return n;
}
