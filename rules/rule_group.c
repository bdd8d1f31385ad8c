/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_group.h"

#include <stdlib.h>

/* One group's members while they are gathered. */
struct gather {
	const struct rule_prog **v;
	uint32_t n, cap;
};

static bool
gather_add(struct gather *g, const struct rule_prog *p)
{
	if (g->n == g->cap) {
		uint32_t cap = g->cap == 0 ? 1024 : g->cap * 2;
		const struct rule_prog **v = realloc(g->v, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		g->v = v;
		g->cap = cap;
	}
	g->v[g->n++] = p;
	return true;
}

static int
by_literal(const void *a, const void *b)
{
	const struct rule_prog *x = *(const struct rule_prog *const *)a;
	const struct rule_prog *y = *(const struct rule_prog *const *)b;
	int c;

	if (x->fast_nocase != y->fast_nocase) {
		return x->fast_nocase - y->fast_nocase;
	}
	if (x->fast.len != y->fast.len) {
		return x->fast.len < y->fast.len ? -1 : 1;
	}
	c = memcmp(x->fast.p, y->fast.p, x->fast.len);
	return c != 0 ? c : (x->order < y->order ? -1 : x->order > y->order);
}

static bool
same_literal(const struct rule_prog *a, const struct rule_prog *b)
{
	return a->fast_nocase == b->fast_nocase && view_eq(a->fast, b->fast);
}

/* The literals of 'with', one id for each spelling. */
static enum err
build_literals(struct rule_group *g, const struct prefilter *like,
	       struct gather *with, struct diag *d)
{
	struct prefilter_literal *lits;
	enum err e = ERR_OK;
	uint32_t n = 0;

	if (with->n == 0) {
		return ERR_OK;
	}
	qsort(with->v, with->n, sizeof(with->v[0]), by_literal);
	lits = calloc(with->n, sizeof(*lits));
	g->first = calloc(with->n + 1, sizeof(g->first[0]));
	g->orders = calloc(with->n, sizeof(g->orders[0]));
	if (lits == NULL || g->first == NULL || g->orders == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < with->n; i++) {
		const struct rule_prog *p = with->v[i];

		if (i == 0 || !same_literal(with->v[i - 1], p)) {
			g->first[n] = i;
			lits[n] = (struct prefilter_literal){
				p->fast, p->fast_nocase,     n,
				0,       PREFILTER_ANYWHERE,
			};
			n++;
		}
		g->orders[i] = p->order;
	}
	g->first[n] = with->n;
	g->n_ids = n;
	g->prefilter = prefilter_build_like(like, lits, n, d);
	if (g->prefilter == NULL) {
		e = ERR_NOMEM;
		goto out;
	}
	g->longest = prefilter_longest(g->prefilter);
out:
	free(lits);
	return e;
}

/* Where in the set a group stands; says which programs belong to it. */
struct place {
	enum {
		AT_TX,
		AT_TX_BARE,
		AT_STREAM,
		AT_PAYLOAD,
		AT_ALWAYS,
		AT_EVENT,
		AT_BITS,
		AT_FIRST
	} at;
	unsigned which; /* buffer, protocol or packet class */
	unsigned dir;
};

static uint8_t
class_proto(enum packet_class c)
{
	static const uint8_t protos[PACKET_CLASSES] = {
		[PACKET_TCP_STREAM] = PROTO_TCP, [PACKET_TCP] = PROTO_TCP,
		[PACKET_UDP] = PROTO_UDP,        [PACKET_ICMP4] = PROTO_ICMP4,
		[PACKET_ICMP6] = PROTO_ICMP6,    [PACKET_SCTP] = PROTO_SCTP,
		[PACKET_OTHER] = PROTO_OTHER,
	};

	return protos[c];
}

/* The protocol of all packets of a group; 0 when it is not about packets. */
static uint8_t
proto_at(const struct place *at)
{
	return at->at == AT_TX || at->at == AT_TX_BARE || at->at == AT_STREAM
		       ? 0
		       : class_proto((enum packet_class)at->which);
}

/* Where the words of a rule tell types of packet apart. */
static bool
type_ok(const struct test *t, uint8_t proto, uint8_t type)
{
	switch (proto) {
	case PROTO_TCP:
		return t->fact != FACT_FLAGS || flags_match(t, type);
	case PROTO_ICMP4:
	case PROTO_ICMP6:
		return t->fact != FACT_ICMP_TYPE ||
		       compare_u64(type, (enum cmp)t->compare, t->a, t->b);
	default:
		return true;
	}
}

static void
add_types(struct type_set *s, const struct rule_prog *p, uint8_t proto)
{
	if (p->n_tests == 0) {
		memset(s, 0xff, sizeof(*s));
		return;
	}
	for (unsigned type = 0; type < 256; type++) {
		bool ok = true;

		for (uint16_t i = 0; i < p->n_tests && ok; i++) {
			ok = type_ok(&p->tests[i], proto, (uint8_t)type);
		}
		if (ok) {
			s->w[type / 64] |= UINT64_C(1) << (type % 64);
		}
	}
}

static struct bare_rule
bare_of(const struct rule_prog *p, uint8_t proto)
{
	struct bare_rule b = { .order = p->order };

	for (uint16_t i = 0; i < p->n_lists; i++) {
		b.needs_payload |= p->lists[i].buf == BUF_PAYLOAD;
	}
	add_types(&b.types, p, proto);
	return b;
}

/* Moves the rules that one side tells apart from 'bare' into an index. */
static enum err
build_index(struct rule_group *g, const struct place *at, struct gather *bare,
	    bool by_dst)
{
	struct addr_index *ix = by_dst ? &g->by_dst : &g->by_src;
	struct addr_index_entry *v;
	uint32_t kept = 0;
	size_t n = 0;
	enum err e;

	if (bare->n == 0) {
		return ERR_OK;
	}
	v = calloc(bare->n, sizeof(*v));
	if (v == NULL) {
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < bare->n; i++) {
		const struct rule_prog *p = bare->v[i];
		const struct range_set *s = by_dst ? p->dst : p->src;

		if (!p->both_ways && addr_index_suits(s)) {
			v[n++] = (struct addr_index_entry){ s, p->order };
		}
	}
	e = addr_index_build(ix, v, n);
	free(v);
	if (e == ERR_LIMIT) {
		return ERR_OK; /* they stay in the list */
	}
	for (uint32_t i = 0; e == ERR_OK && i < bare->n; i++) {
		const struct rule_prog *p = bare->v[i];

		if (p->both_ways ||
		    !addr_index_suits(by_dst ? p->dst : p->src)) {
			bare->v[kept++] = p;
		} else {
			add_types(&g->types, p, proto_at(at));
		}
	}
	bare->n = e == ERR_OK ? kept : bare->n;
	return e;
}

static enum err
build_group(struct rule_groups *set, struct rule_group *g,
	    const struct place *at, const struct prefilter *like,
	    struct gather *with, struct gather *bare, struct diag *d)
{
	enum err e;

	if (!literal_table_build(&g->table, with->v, &with->n)) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = build_literals(g, like, with, d);
	if (e != ERR_OK) {
		return e;
	}
	if (bare->n > 0) {
		g->bare = calloc(bare->n, sizeof(g->bare[0]));
		if (g->bare == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
		for (uint32_t i = 0; i < bare->n; i++) {
			g->bare[i] = bare_of(bare->v[i], proto_at(at));
		}
		g->n_bare = bare->n;
	}
	set->most_ids = MAX(set->most_ids, g->n_ids);
	return ERR_OK;
}

/* The buffer whose news make a transaction rule a candidate. */
static int
trigger_buffer(const struct rule_prog *p)
{
	if (p->fast_list >= 0) {
		return (int)p->lists[p->fast_list].buf;
	}
	for (uint16_t i = 0; i < p->n_lists; i++) {
		if (p->lists[i].buf != BUF_PAYLOAD &&
		    !buf_is_addr(p->lists[i].buf)) {
			return (int)p->lists[i].buf;
		}
	}
	return -1;
}

static bool
asks_event(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_tests; i++) {
		if (p->tests[i].fact == FACT_EVENT) {
			return true;
		}
	}
	return false;
}

static bool
asks_set_bit(const struct rule_prog *p)
{
	for (uint16_t i = 0; i < p->n_bits; i++) {
		if (p->bits[i].cmd == BIT_ISSET) {
			return true;
		}
	}
	return false;
}

static bool
on_this_packet(const struct rule_prog *p, enum packet_class c)
{
	if ((p->protos & class_proto(c)) == 0) {
		return false;
	}
	if (c == PACKET_TCP_STREAM) {
		return p->on_every_packet;
	}
	return c != PACKET_TCP || p->on_packet;
}

static bool
belongs(const struct rule_prog *p, const struct place *at)
{
	bool on_class =
		at->which < PACKET_CLASSES &&
		(p->protos & class_proto((enum packet_class)at->which)) != 0;

	if ((p->dirs >> at->dir & 1) == 0 || p->never) {
		return false;
	}
	switch (at->at) {
	case AT_TX:
		return p->kind == PROG_TX &&
		       trigger_buffer(p) == (int)at->which;
	case AT_TX_BARE:
		return p->kind == PROG_TX && trigger_buffer(p) < 0 &&
		       p->app == at->which;
	case AT_STREAM:
		return p->kind == PROG_PAYLOAD && p->on_stream;
	case AT_PAYLOAD:
		return p->kind == PROG_PAYLOAD &&
		       on_this_packet(p, (enum packet_class)at->which);
	case AT_FIRST:
		return on_class && p->kind == PROG_IPONLY;
	case AT_EVENT:
		return on_class && p->kind == PROG_PACKET && asks_event(p);
	case AT_BITS:
		return on_class && p->kind == PROG_PACKET && !asks_event(p) &&
		       asks_set_bit(p);
	default:
		return on_class && p->kind == PROG_PACKET && !asks_event(p) &&
		       !asks_set_bit(p);
	}
}

static enum err
fill_group(struct rule_groups *set, struct rule_group *g,
	   const struct place *at, const struct prefilter *like,
	   struct gather *with, struct gather *bare, struct diag *d)
{
	with->n = bare->n = 0;
	for (uint32_t i = 0; i < set->n_progs; i++) {
		const struct rule_prog *p = set->progs[i];

		if (belongs(p, at) &&
		    !gather_add(p->fast_list >= 0 ? with : bare, p)) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if ((at->at == AT_FIRST || at->at == AT_ALWAYS) &&
	    (build_index(g, at, bare, false) != ERR_OK ||
	     build_index(g, at, bare, true) != ERR_OK)) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return build_group(set, g, at, like, with, bare, d);
}

/* Visits every group with its place. */
static enum err
each_group(struct rule_groups *g,
	   enum err (*fn)(void *arg, struct rule_group *g,
			  const struct place *at),
	   void *arg)
{
	enum err e = ERR_OK;

	for (unsigned d = 0; d < 2; d++) {
		for (unsigned i = 0; i < BUF_COUNT && e == ERR_OK; i++) {
			e = fn(arg, &g->tx[i][d],
			       &(struct place){ AT_TX, i, d });
		}
		for (unsigned i = 0; i < APP_PROTO_COUNT && e == ERR_OK; i++) {
			e = fn(arg, &g->tx_bare[i][d],
			       &(struct place){ AT_TX_BARE, i, d });
		}
		for (unsigned i = 0; i < PACKET_CLASSES && e == ERR_OK; i++) {
			struct packet_lists *l = &g->packet[i][d];
			struct {
				struct rule_group *g;
				struct place at;
			} all[] = {
				{ &g->payload[i][d], { AT_PAYLOAD, i, d } },
				{ &l->always, { AT_ALWAYS, i, d } },
				{ &l->event, { AT_EVENT, i, d } },
				{ &l->bits, { AT_BITS, i, d } },
				{ &l->first, { AT_FIRST, i, d } },
			};

			for (size_t k = 0; k < ARRAY_LEN(all) && e == ERR_OK;
			     k++) {
				e = fn(arg, all[k].g, &all[k].at);
			}
		}
		if (e == ERR_OK) {
			e = fn(arg, &g->stream[d],
			       &(struct place){ AT_STREAM, 0, d });
		}
	}
	return e;
}

struct building {
	struct rule_groups *set;
	const struct rule_groups *prev;
	struct gather with, bare;
	struct diag *d;
};

static enum err
build_one(void *arg, struct rule_group *g, const struct place *at)
{
	struct building *b = arg;
	const struct prefilter *like = NULL;

	if (b->prev != NULL) {
		/* the group of the same place */
		size_t offset = (size_t)((uint8_t *)g - (uint8_t *)b->set);

		like = ((const struct rule_group
				 *)(const void *)((const uint8_t *)b->prev +
						  offset))
			       ->prefilter;
	}
	return fill_group(b->set, g, at, like, &b->with, &b->bare, b->d);
}

enum err
rule_groups_build(struct rule_groups *g, const struct rule_groups *prev,
		  const struct rule_prog *const *progs, uint32_t n,
		  struct diag *d)
{
	struct building b = { .set = g, .prev = prev, .d = d };
	enum err e;

	memset(g, 0, sizeof(*g));
	g->progs = progs;
	g->n_progs = n;
	e = header_index_build(&g->headers, progs, n);
	if (e != ERR_OK) {
		(void)diag_set(d, e, "out of memory");
	} else {
		e = each_group(g, build_one, &b);
	}
	free(b.with.v);
	free(b.bare.v);
	if (e != ERR_OK) {
		rule_groups_fini(g);
	}
	return e;
}

static enum err
drop_one(void *arg, struct rule_group *g, const struct place *at)
{
	(void)arg;
	(void)at;
	prefilter_free(g->prefilter);
	literal_table_fini(&g->table);
	free(g->first);
	free(g->orders);
	free(g->bare);
	addr_index_fini(&g->by_src);
	addr_index_fini(&g->by_dst);
	return ERR_OK;
}

void
rule_groups_fini(struct rule_groups *g)
{
	(void)each_group(g, drop_one, NULL);
	header_index_fini(&g->headers);
	memset(g, 0, sizeof(*g));
}

static enum err
weigh_one(void *arg, struct rule_group *g, const struct place *at)
{
	(void)at;
	*(size_t *)arg += literal_table_memory(&g->table);
	if (g->prefilter != NULL) {
		*(size_t *)arg += prefilter_memory(g->prefilter);
	}
	return ERR_OK;
}

size_t
rule_groups_memory(const struct rule_groups *g)
{
	size_t sum = header_index_memory(&g->headers);

	(void)each_group((struct rule_groups *)g, weigh_one, &sum);
	return sum;
}

struct visitor {
	enum err (*fn)(void *arg, const struct prefilter *p);
	void *arg;
};

static enum err
visit_one(void *arg, struct rule_group *g, const struct place *at)
{
	struct visitor *v = arg;

	(void)at;
	return g->prefilter != NULL ? v->fn(v->arg, g->prefilter) : ERR_OK;
}

enum err
rule_groups_each(const struct rule_groups *g,
		 enum err (*fn)(void *arg, const struct prefilter *p),
		 void *arg)
{
	struct visitor v = { fn, arg };

	return each_group((struct rule_groups *)g, visit_one, &v);
}
