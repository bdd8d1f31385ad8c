/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_group.h"

#include <assert.h>
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
compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_literals(const struct rule_prog *x, const struct rule_prog *y)
{
	int c = x->fast_nocase - y->fast_nocase;

	c = c != 0 ? c
		   : (x->fast.len > y->fast.len) - (x->fast.len < y->fast.len);
	c = c != 0 ? c : memcmp(x->fast.p, y->fast.p, x->fast.len);
	c = c != 0 ? c : compare(x->fast_from, y->fast_from);
	return c != 0 ? c : compare(x->fast_to, y->fast_to);
}

static int
by_literal(const void *a, const void *b)
{
	const struct rule_prog *x = *(const struct rule_prog *const *)a;
	const struct rule_prog *y = *(const struct rule_prog *const *)b;
	int c = compare_literals(x, y);

	return c != 0 ? c : compare(x->order, y->order);
}

/*
 * The literals of 'with', one id for each spelling and place.  'placed': they
 * are looked for where they may begin, not anywhere.
 */
static enum err
build_scan(struct rule_groups *set, struct rule_scan *s,
	   const struct rule_scan *like, struct gather *with, bool placed,
	   struct diag *d)
{
	struct prefilter_literal *lits;
	enum err e = ERR_OK;
	uint32_t n = 0;

	if (with->n == 0) {
		return ERR_OK;
	}
	qsort(with->v, with->n, sizeof(with->v[0]), by_literal);
	lits = calloc(with->n, sizeof(*lits));
	s->first = calloc(with->n + 1, sizeof(s->first[0]));
	s->orders = calloc(with->n, sizeof(s->orders[0]));
	if (lits == NULL || s->first == NULL || s->orders == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < with->n; i++) {
		const struct rule_prog *p = with->v[i];

		if (i == 0 || compare_literals(with->v[i - 1], p) != 0) {
			s->first[n] = i;
			lits[n] = (struct prefilter_literal){
				.bytes = p->fast,
				.nocase = p->fast_nocase,
				.id = n,
				.from = placed ? p->fast_from : 0,
				.to = placed ? p->fast_to : PREFILTER_ANYWHERE,
			};
			n++;
		}
		s->orders[i] = p->order;
		s->reach = MAX(s->reach, (uint64_t)p->fast_to + p->fast.len);
	}
	s->first[n] = with->n;
	s->n_ids = n;
	s->prefilter = prefilter_build_like(
		like != NULL ? like->prefilter : NULL, lits, n, d);
	if (s->prefilter == NULL) {
		e = ERR_NOMEM;
		goto out;
	}
	s->longest = prefilter_longest(s->prefilter);
	set->most_ids = MAX(set->most_ids, n);
out:
	free(lits);
	return e;
}

/* Whether a literal of payload or stream can only be at the front. */
static bool
is_near(const struct rule_prog *p)
{
	return (uint64_t)p->fast_to + p->fast.len <= RULE_NEAR;
}

/* Whether a literal is everywhere, but its rule only on some ports. */
static bool
is_odd(const struct rule_prog *p)
{
	bool run = true;

	for (size_t i = 1; i < p->fast.len && run; i++) {
		run = p->fast.p[i] == p->fast.p[0];
	}
	return (p->fast.len <= 3 || run) &&
	       (p->sport != NULL || p->dport != NULL) && !p->both_ways;
}

/* Moves those that 'is' speaks of from 'from' to 'to'. */
static bool
part(struct gather *from, struct gather *to,
     bool (*is)(const struct rule_prog *p))
{
	uint32_t kept = 0;

	to->n = 0;
	for (uint32_t i = 0; i < from->n; i++) {
		if (!is(from->v[i])) {
			from->v[kept++] = from->v[i];
		} else if (!gather_add(to, from->v[i])) {
			return false;
		}
	}
	from->n = kept;
	return true;
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
build_bare(struct rule_group *g, const struct place *at,
	   const struct gather *bare, struct diag *d)
{
	if (bare->n == 0) {
		return ERR_OK;
	}
	g->bare = calloc(bare->n, sizeof(g->bare[0]));
	if (g->bare == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < bare->n; i++) {
		g->bare[i] = bare_of(bare->v[i], proto_at(at));
	}
	g->n_bare = bare->n;
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

struct building {
	struct rule_groups *set;
	const struct rule_groups *prev;
	struct gather with, apart, bare;
	struct diag *d;
};

/* What stands in the former set where 'x' stands in the new one, or NULL. */
static const void *
former(const struct building *b, const void *x)
{
	size_t offset = (size_t)((const uint8_t *)x - (const uint8_t *)b->set);

	return b->prev != NULL ? (const uint8_t *)b->prev + offset : NULL;
}

/* Those literals that rule_groups.tcp looks for instead of the group. */
static bool
is_shared(const struct place *at)
{
	return at->at == AT_STREAM ||
	       (at->at == AT_PAYLOAD && at->which == PACKET_TCP_STREAM);
}

/* Whether scans know where in the buffer they are: of bodies they do not. */
static bool
is_placed(const struct place *at)
{
	return at->at != AT_TX ||
	       (at->which != BUF_HTTP_REQ_BODY &&
		at->which != BUF_HTTP_RESP_BODY && at->which != BUF_FILE_DATA);
}

static enum err
build_literals(struct building *b, struct rule_group *g, const struct place *at)
{
	struct gather *with = &b->with, *apart = &b->apart;
	bool (*is)(const struct rule_prog *p) =
		is_shared(at) ? is_near : is_odd;
	struct rule_scan *s = is_shared(at) ? &g->near : &g->odd;
	enum err e = ERR_OK;

	apart->n = 0;
	if (!literal_table_build(&g->table, with->v, &with->n) ||
	    ((is_shared(at) || at->at == AT_PAYLOAD) &&
	     !part(with, apart, is))) {
		return diag_set(b->d, ERR_NOMEM, "out of memory");
	}
	e = build_scan(b->set, s, former(b, s), apart, true, b->d);
	if (e != ERR_OK || is_shared(at)) {
		return e;
	}
	s = &g->far;
	return build_scan(b->set, s, former(b, s), with, is_placed(at), b->d);
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

static enum err
build_one(void *arg, struct rule_group *g, const struct place *at)
{
	struct building *b = arg;
	struct gather *bare = &b->bare;
	enum err e;

	b->with.n = bare->n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if (belongs(p, at) &&
		    !gather_add(p->fast_list >= 0 ? &b->with : bare, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	if ((at->at == AT_FIRST || at->at == AT_ALWAYS) &&
	    (build_index(g, at, bare, false) != ERR_OK ||
	     build_index(g, at, bare, true) != ERR_OK)) {
		return diag_set(b->d, ERR_NOMEM, "out of memory");
	}
	e = build_literals(b, g, at);
	return e == ERR_OK ? build_bare(g, at, bare, b->d) : e;
}

/* What segments and streams of direction 'd' are scanned for together. */
static enum err
build_tcp(struct building *b, unsigned d)
{
	const struct place stream = { AT_STREAM, 0, d };
	const struct place payload = { AT_PAYLOAD, PACKET_TCP_STREAM, d };
	struct rule_scan *s = &b->set->tcp[d];
	enum err e;

	b->with.n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if (p->fast_list >= 0 && !is_near(p) &&
		    (belongs(p, &stream) || belongs(p, &payload)) &&
		    !gather_add(&b->with, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	if (!part(&b->with, &b->apart, is_odd)) {
		return diag_set(b->d, ERR_NOMEM, "out of memory");
	}
	e = build_scan(b->set, s, former(b, s), &b->with, false, b->d);
	s = &b->set->tcp_odd[d];
	return e == ERR_OK ? build_scan(b->set, s, former(b, s), &b->apart,
					false, b->d)
			   : e;
}

/* Whether a program waits for literal bytes in a scan of its own buffer. */
static bool
is_scanned_in(const struct rule_prog *p, enum inspect_buf b, unsigned d)
{
	return p->fast_list >= 0 && p->fast_form == FAST_SCAN &&
	       belongs(p, &(struct place){ AT_TX, b, d });
}

/* What bodies of direction 'd' and files are scanned for together. */
static enum err
build_body(struct building *b, unsigned d)
{
	enum inspect_buf body =
		d == DIR_TOSERVER ? BUF_HTTP_REQ_BODY : BUF_HTTP_RESP_BODY;
	struct rule_scan *s = &b->set->body[d];

	if (b->set->tx[body][d].far.n_ids == 0 ||
	    b->set->tx[BUF_FILE_DATA][d].far.n_ids == 0) {
		return ERR_OK; /* one scan is all there is */
	}
	b->with.n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if ((is_scanned_in(p, body, d) ||
		     is_scanned_in(p, BUF_FILE_DATA, d)) &&
		    !gather_add(&b->with, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	return build_scan(b->set, s, former(b, s), &b->with, false, b->d);
}

static void
note_live(struct rule_groups *g)
{
	for (unsigned i = 0; i < BUF_COUNT; i++) {
		for (unsigned d = 0; d < 2; d++) {
			const struct rule_group *x = &g->tx[i][d];

			if (x->n_bare > 0 || x->far.n_ids > 0 ||
			    x->table.slots != NULL) {
				g->tx_live[d][i / 64] |= UINT64_C(1)
							 << (i % 64);
			}
		}
	}
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
	for (unsigned k = 0; k < 2 && e == ERR_OK; k++) {
		e = build_tcp(&b, k);
		e = e == ERR_OK ? build_body(&b, k) : e;
	}
	note_live(g);
	free(b.with.v);
	free(b.apart.v);
	free(b.bare.v);
	if (e != ERR_OK) {
		rule_groups_fini(g);
	}
	return e;
}

static void
drop_scan(struct rule_scan *s)
{
	prefilter_free(s->prefilter);
	free(s->first);
	free(s->orders);
}

static enum err
drop_one(void *arg, struct rule_group *g, const struct place *at)
{
	(void)arg;
	(void)at;
	drop_scan(&g->near);
	drop_scan(&g->far);
	drop_scan(&g->odd);
	literal_table_fini(&g->table);
	free(g->bare);
	addr_index_fini(&g->by_src);
	addr_index_fini(&g->by_dst);
	return ERR_OK;
}

void
rule_groups_fini(struct rule_groups *g)
{
	(void)each_group(g, drop_one, NULL);
	for (unsigned d = 0; d < 2; d++) {
		drop_scan(&g->tcp[d]);
		drop_scan(&g->tcp_odd[d]);
		drop_scan(&g->body[d]);
	}
	header_index_fini(&g->headers);
	memset(g, 0, sizeof(*g));
}

static enum err
weigh_one(void *arg, struct rule_group *g, const struct place *at)
{
	(void)at;
	*(size_t *)arg += literal_table_memory(&g->table);
	return ERR_OK;
}

static enum err
weigh_prefilter(void *arg, const struct prefilter *p)
{
	*(size_t *)arg += prefilter_memory(p);
	return ERR_OK;
}

size_t
rule_groups_memory(const struct rule_groups *g)
{
	size_t sum = header_index_memory(&g->headers);
	enum err e;

	(void)each_group((struct rule_groups *)g, weigh_one, &sum);
	e = rule_groups_each(g, weigh_prefilter, &sum);
	assert(e == ERR_OK);
	return sum;
}

struct visitor {
	enum err (*fn)(void *arg, const struct prefilter *p);
	void *arg;
};

static enum err
visit_scan(const struct visitor *v, const struct rule_scan *s)
{
	return s->prefilter != NULL ? v->fn(v->arg, s->prefilter) : ERR_OK;
}

static enum err
visit_one(void *arg, struct rule_group *g, const struct place *at)
{
	const struct visitor *v = arg;
	enum err e = visit_scan(v, &g->near);

	(void)at;
	e = e == ERR_OK ? visit_scan(v, &g->odd) : e;
	return e == ERR_OK ? visit_scan(v, &g->far) : e;
}

enum err
rule_groups_each(const struct rule_groups *g,
		 enum err (*fn)(void *arg, const struct prefilter *p),
		 void *arg)
{
	struct visitor v = { fn, arg };
	enum err e = each_group((struct rule_groups *)g, visit_one, &v);

	for (unsigned d = 0; d < 2 && e == ERR_OK; d++) {
		e = visit_scan(&v, &g->tcp[d]);
		e = e == ERR_OK ? visit_scan(&v, &g->tcp_odd[d]) : e;
		e = e == ERR_OK ? visit_scan(&v, &g->body[d]) : e;
	}
	return e;
}
