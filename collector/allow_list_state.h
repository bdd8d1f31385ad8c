/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allow_list_state.h - what the files of the allow lists share
 *
 * Internal header: included by allow_list*.c only.
 *
 * Place    with allow_list.
 * Threads  as allow_list.h.
 * Memory   as allow_list.h.
 */
#ifndef COLLECTOR_ALLOW_LIST_STATE_H
#define COLLECTOR_ALLOW_LIST_STATE_H

#include "collector/allow_list.h"

#define ALLOW_TEXT_CAP 512

/* What a text stands for; the first byte of its key. */
enum { OF_NAME = '@', OF_BELOW = '.', OF_ABOVE = '^', OF_TEXT = '=' };

struct allow_text {
	uint64_t hash; /* of the key; 0 is free */
	char *key;
	uint16_t list;
};

struct allow_net {
	struct cidr cidr;
	uint16_t list;
};

struct allow_lists {
	struct allow_text *texts;
	size_t n_texts, slots; /* a power of two */
	struct allow_net *nets;
	size_t n_nets, nets_cap;
	bool lengths[129];
	uint64_t entries;
	unsigned n_lists;
	bool ready; /* its networks are in order */
	const atomic_bool *ending;
	char names[ALLOW_MAX_LISTS][ALLOW_NAME_CAP];
};

/* Into the list that was begun last.  ERR_FORMAT: it is none, ERR_LIMIT,
 * ERR_NOMEM. */
enum err allow_put_text(struct allow_lists *a, char of,
			struct view v) MUST_CHECK;
enum err allow_put_domain(struct allow_lists *a, struct view v) MUST_CHECK;
enum err allow_put_net(struct allow_lists *a,
		       const struct cidr *net) MUST_CHECK;
bool allow_is_domain(struct view v);
/* Whether reading is to be given up. */
bool allow_is_ending(const struct allow_lists *a);

#endif
