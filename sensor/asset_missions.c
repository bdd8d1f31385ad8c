/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mission map as the sensor reads it: only which networks its assets have
 * and how critical they are.  The collector, which reads all of it, is the one
 * to complain of what else may be wrong there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ledger_overload.h"
#include "sensor/asset_priority.h"

#define CRITICALITY_MAX 100

enum kind { ASSET, SERVICE, MISSION, KINDS };

static const char *const lists[KINDS] = { "assets.", "services.", "missions." };

struct node {
	enum kind kind;
	unsigned long item; /* of its list */
	const char *name, *site;
	unsigned criticality;
};

/* A network of an asset, or what something depends on. */
struct word {
	size_t node;
	const char *text;
	struct node *needs; /* NULL: nothing has that name */
};

struct map {
	struct conf *doc;
	const char *path, *site;
	struct node *node;
	size_t n_nodes, cap_nodes;
	struct word *net, *need;
	size_t n_nets, cap_nets, n_needs, cap_needs;
	struct diag *d;
	enum err err;
};

/* --- reading --- */

/* Room for one more; NULL when out of memory. */
static void *
grow(struct map *m, void *v, size_t n, size_t *cap, size_t size)
{
	size_t more = MAX(*cap * 2, (size_t)64);
	void *bigger;

	if (n < *cap) {
		return v;
	}
	bigger = realloc(v, more * size);
	if (bigger == NULL) {
		m->err = diag_set(m->d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	*cap = more;
	return bigger;
}

static void
add_word(struct map *m, struct word **v, size_t *n, size_t *cap,
	 const char *text)
{
	struct word *bigger = grow(m, *v, *n, cap, sizeof(**v));

	if (bigger != NULL) {
		*v = bigger;
		(*v)[(*n)++] =
			(struct word){ .node = m->n_nodes - 1, .text = text };
	}
}

static unsigned
criticality_of(struct map *m, const char *key, const char *text)
{
	static const struct {
		const char *word;
		unsigned n;
	} words[] = { { "none", 0 },
		      { "low", 25 },
		      { "medium", 50 },
		      { "high", 75 },
		      { "critical", CRITICALITY_MAX } };
	unsigned long n;
	char *end;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i].word) == 0) {
			return words[i].n;
		}
	}
	n = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || n > CRITICALITY_MAX) {
		m->err = diag_set(m->d, ERR_FORMAT,
				  "%s: %s: '%.32s' is no criticality; write "
				  "none, low, medium, high, critical or 0 to "
				  "100",
				  m->path, key, text);
	}
	return (unsigned)n;
}

/* The items of a list come one behind the other. */
static struct node *
node_of(struct map *m, enum kind kind, unsigned long item)
{
	struct node *n = m->n_nodes > 0 ? &m->node[m->n_nodes - 1] : NULL;

	if (n != NULL && n->kind == kind && n->item == item) {
		return n;
	}
	n = grow(m, m->node, m->n_nodes, &m->cap_nodes, sizeof(*n));
	if (n == NULL) {
		return NULL;
	}
	m->node = n;
	n = &m->node[m->n_nodes++];
	*n = (struct node){
		.kind = kind, .item = item, .name = "", .site = ""
	};
	return n;
}

static bool
is_list(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 &&
	       (word[len] == '.' || word[len] == '\0');
}

static void
take_leaf(void *arg, const char *key, const char *value)
{
	struct map *m = arg;
	unsigned kind = 0;
	unsigned long item;
	struct node *n;
	char *word;

	while (kind < KINDS &&
	       strncmp(key, lists[kind], strlen(lists[kind])) != 0) {
		kind++;
	}
	if (m->err != ERR_OK || kind == KINDS) {
		return;
	}
	item = strtoul(key + strlen(lists[kind]), &word, 10);
	n = *word == '.' ? node_of(m, (enum kind)kind, item) : NULL;
	if (n == NULL) {
		return;
	}
	word++;
	if (strcmp(word, "name") == 0) {
		n->name = value;
	} else if (strcmp(word, "site") == 0) {
		n->site = value;
	} else if (strcmp(word, "criticality") == 0) {
		n->criticality = criticality_of(m, key, value);
	} else if (kind == ASSET &&
		   (is_list(word, "addresses") || is_list(word, "networks"))) {
		add_word(m, &m->net, &m->n_nets, &m->cap_nets, value);
	} else if (is_list(word, kind == MISSION ? "services" : "depends_on")) {
		add_word(m, &m->need, &m->n_needs, &m->cap_needs, value);
	}
}

/* --- criticality flows down --- */

static int
by_name(const void *a, const void *b)
{
	const struct node *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void
link_needs(struct map *m, struct node **sorted)
{
	for (size_t i = 0; i < m->n_needs; i++) {
		struct node key = { .name = m->need[i].text };
		const struct node *k = &key;
		struct node **hit = bsearch(&k, sorted, m->n_nodes,
					    sizeof(struct node *), by_name);

		m->need[i].needs = hit != NULL ? *hit : NULL;
	}
}

/* Each turn carries it one step further; no chain is longer than there are
 * things, and a circle comes to rest. */
static void
flow_down(struct map *m)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < m->n_needs; i++) {
			struct node *to = m->need[i].needs;
			unsigned c = m->node[m->need[i].node].criticality;

			if (to != NULL && to->criticality < c) {
				to->criticality = c;
				moved = true;
			}
		}
	}
}

static void
hand_over(struct map *m, struct asset_priorities *t)
{
	for (size_t i = 0; m->err == ERR_OK && i < m->n_nets; i++) {
		const struct node *n = &m->node[m->net[i].node];
		struct cidr net;

		if (m->site[0] != '\0' && n->site[0] != '\0' &&
		    strcmp(n->site, m->site) != 0) {
			continue;
		}
		if (!cidr_parse(view_cstr(m->net[i].text), &net)) {
			m->err = diag_set(m->d, ERR_FORMAT,
					  "%s: asset '%.64s': '%.64s' is no "
					  "address or network",
					  m->path, n->name, m->net[i].text);
			return;
		}
		m->err = asset_priorities_add(
			t, &net, ledger_priority_of(n->criticality), m->d);
	}
}

static void
settle(struct map *m)
{
	struct node **sorted = calloc(m->n_nodes + 1, sizeof(struct node *));

	if (sorted == NULL) {
		m->err = diag_set(m->d, ERR_NOMEM, "out of memory");
		return;
	}
	for (size_t i = 0; i < m->n_nodes; i++) {
		sorted[i] = &m->node[i];
	}
	qsort(sorted, m->n_nodes, sizeof(struct node *), by_name);
	link_needs(m, sorted);
	free(sorted);
	flow_down(m);
}

enum err
asset_priorities_add_missions(struct asset_priorities *t, const char *path,
			      const char *site, struct diag *d)
{
	struct map m = { .path = path, .site = site, .d = d };

	m.doc = conf_new();
	if (m.doc == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	m.err = conf_load(m.doc, path, d);
	if (m.err == ERR_OK) {
		conf_each(m.doc, "", take_leaf, &m);
	}
	if (m.err == ERR_OK) {
		settle(&m);
	}
	if (m.err == ERR_OK) {
		hand_over(&m, t);
	}
	free(m.node);
	free(m.net);
	free(m.need);
	conf_free(m.doc);
	return m.err;
}
