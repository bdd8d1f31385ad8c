/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: a key, or the addresses of a network. */
#include "sensor/retro_index_state.h"

/* Blocks that a question about a network reads at most, over all segments: a
 * million addresses. */
#define NET_BLOCKS 4096

/* Before 'e' is taken into p->last_s. */
static void
add_hosts(struct retro_past *p, const struct retro_entry *e)
{
	uint32_t was = p->last_s / RETRO_HOSTS_S, is = retro_week(e);

	if (e->kind == INDICATOR_IP) {
		return;
	}
	if (is > was) {
		p->hosts_before = is == was + 1 ? p->hosts : 0;
		p->hosts = e->hosts;
	} else if (is == was) {
		p->hosts |= e->hosts;
	} else if (is + 1 == was) {
		p->hosts_before |= e->hosts;
	}
}

static void
add(struct retro_index *x, struct retro_past *p, const struct retro_entry *e)
{
	if (e->last_s < retro_cutoff(x)) {
		return;
	}
	if (!p->found) {
		p->first_s = e->first_s;
	}
	add_hosts(p, e);
	p->first_s = MIN(p->first_s, e->first_s);
	if (!p->found || e->last_s >= p->last_s) {
		p->last_s = e->last_s;
		p->example = *e;
	}
	/* a flow of which only the end was told is one all the same */
	p->count += e->count;
	p->found = true;
}

static void
find_in(struct retro_index *x, struct retro_seg *s, unsigned kind,
	const uint8_t *key, struct retro_past *p)
{
	uint32_t i = retro_seg_find(s, kind, key), at;
	const struct retro_entry *e;

	if (i == UINT32_MAX) {
		return;
	}
	if (retro_seg_block(s, i, x->scratch) != ERR_OK) {
		retro_tell_bad(x, s);
		p->cut = true;
		return;
	}
	at = retro_block_find(x->scratch, kind, key);
	e = &x->scratch->v[at];
	if (at < x->scratch->n &&
	    retro_cmp_key(e->kind, e->key, kind, key) == 0) {
		add(x, p, e);
	}
}

void
retro_index_find(struct retro_index *x, unsigned kind,
		 const uint8_t key[RETRO_KEY_LEN], struct retro_past *p)
{
	const struct retro_entry *e =
		x->table.slot != NULL ? retro_table_find(&x->table, kind, key)
				      : NULL;

	if (e != NULL) {
		add(x, p, e);
	}
	for (unsigned i = 0; i < x->n_segs; i++) {
		find_in(x, x->seg[i], kind, key, p);
	}
}

/* The entries of 's' in 'net'; false: no more may be looked at. */
static bool
find_net_in(struct retro_index *x, struct retro_seg *s, const struct cidr *net,
	    struct retro_past *p, unsigned *left)
{
	uint32_t i = retro_seg_find(s, INDICATOR_IP, net->addr.b);

	for (i = i == UINT32_MAX ? 0 : i; i < s->n_blocks; i++) {
		struct addr first;
		uint32_t at;

		memcpy(first.b, s->fence[i].key, sizeof(first.b));
		if (s->fence[i].kind != INDICATOR_IP ||
		    (addr_cmp(&first, &net->addr) > 0 &&
		     !cidr_contains(net, &first))) {
			return true;
		}
		if (*left == 0) {
			return false;
		}
		--*left;
		if (retro_seg_block(s, i, x->scratch) != ERR_OK) {
			retro_tell_bad(x, s);
			p->cut = true;
			continue;
		}
		at = retro_block_find(x->scratch, INDICATOR_IP, net->addr.b);
		for (; at < x->scratch->n; at++) {
			const struct retro_entry *e = &x->scratch->v[at];
			struct addr a;

			memcpy(a.b, e->key, sizeof(a.b));
			if (e->kind != INDICATOR_IP ||
			    !cidr_contains(net, &a)) {
				return true;
			}
			add(x, p, e);
		}
	}
	return true;
}

void
retro_index_find_net(struct retro_index *x, const struct cidr *net,
		     struct retro_past *p)
{
	unsigned left = NET_BLOCKS;

	for (uint32_t i = 0; i < x->table.n; i++) {
		const struct retro_entry *e = &x->table.v[i];
		struct addr a;

		memcpy(a.b, e->key, sizeof(a.b));
		if (e->kind == INDICATOR_IP && cidr_contains(net, &a)) {
			add(x, p, e);
		}
	}
	for (unsigned i = 0; i < x->n_segs; i++) {
		if (!find_net_in(x, x->seg[i], net, p, &left)) {
			p->cut = true;
			return;
		}
	}
}
