/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_group.h"

#include <assert.h>
#include <stdlib.h>

/* Whether a literal of payload or stream can only be at the front. */
static bool
is_near(const struct rule_prog *p)
{
	return (uint64_t)p->fast_to + p->fast.len <= RULE_NEAR;
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

/* Whether 'p' belongs in the index of this side: the narrower one. */
static bool
is_told_by(const struct rule_prog *p, bool by_dst)
{
	const struct range_set *s = by_dst ? p->dst : p->src;
	const struct range_set *other = by_dst ? p->src : p->dst;

	if (p->both_ways || !addr_index_suits(s)) {
		return false;
	}
	/* those of the source's come first, and may not fit in */
	return by_dst || !addr_index_suits(other) ||
	       addr_index_width(s) <= addr_index_width(other);
}

/* Moves the rules that one side tells apart from 'bare' into an index. */
static enum err
build_side(struct rule_group *g, const struct place *at,
	   struct rule_gather *bare, bool by_dst)
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

		if (is_told_by(p, by_dst)) {
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

		if (!is_told_by(p, by_dst)) {
			bare->v[kept++] = p;
		} else {
			g->indexed[g->n_indexed++] = bare_of(p, proto_at(at));
		}
	}
	bare->n = e == ERR_OK ? kept : bare->n;
	return e;
}

static enum err
build_index(struct rule_group *g, const struct place *at,
	    struct rule_gather *bare)
{
	enum err e;

	g->indexed = calloc((size_t)bare->n + 1, sizeof(g->indexed[0]));
	if (g->indexed == NULL) {
		return ERR_NOMEM;
	}
	e = build_side(g, at, bare, false);
	return e == ERR_OK ? build_side(g, at, bare, true) : e;
}

static enum err
build_bare(struct rule_group *g, const struct place *at,
	   const struct rule_gather *bare, struct diag *d)
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
	struct rule_gather with, apart, bare;
	struct diag *d;
};

/* What stands in the former set where 'x' stands in the new one, or NULL. */
static const void *
former(const struct building *b, const void *x)
{
	size_t offset = (size_t)((const uint8_t *)x - (const uint8_t *)b->set);

	return b->prev != NULL ? (const uint8_t *)b->prev + offset : NULL;
}

/* Those literals that rule_groups.far looks for together. */
static bool
is_shared(const struct place *at)
{
	return at->at == AT_STREAM ||
	       (at->at == AT_PAYLOAD && at->which == PACKET_TCP_STREAM);
}

static enum err
build_literals(struct building *b, struct rule_group *g, const struct place *at)
{
	struct rule_gather *with = &b->with;
	const struct header_index *h = &b->set->headers;

	if (!literal_table_build(&g->table, with->v, &with->n)) {
		return diag_set(b->d, ERR_NOMEM, "out of memory");
	}
	if (is_shared(at)) {
		struct rule_scans *s =
			&b->set->near[at->at == AT_STREAM][at->dir];

		if (!rule_gather_part(with, &b->apart, is_near)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
		return rule_scans_build(s, former(b, s), h, &b->apart, true,
					APART_NONE, b->d);
	}
	if (at->at == AT_PAYLOAD) {
		struct rule_scans *s = &b->set->far[at->which][at->dir];

		return rule_scans_build(s, former(b, s), h, with, true,
					APART_BOUND, b->d);
	}
	return rule_scan_build(&g->far, former(b, &g->far), with, true, b->d);
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
	struct rule_gather *bare = &b->bare;
	enum err e;

	b->with.n = bare->n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if (belongs(p, at) &&
		    !rule_gather_add(p->fast_list >= 0 ? &b->with : bare, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	if ((at->at == AT_FIRST || at->at == AT_ALWAYS) &&
	    build_index(g, at, bare) != ERR_OK) {
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
	struct rule_scans *s = &b->set->far[PACKET_TCP_STREAM][d];

	b->with.n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if (p->fast_list >= 0 && !is_near(p) &&
		    (belongs(p, &stream) || belongs(p, &payload)) &&
		    !rule_gather_add(&b->with, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	return rule_scans_build(s, former(b, s), &b->set->headers, &b->with,
				false, APART_SURE, b->d);
}

static enum err
count_ids(void *arg, const struct rule_scan *s)
{
	uint32_t *most = arg;

	*most = MAX(*most, s->n_ids);
	return ERR_OK;
}

struct scan_visitor {
	enum err (*fn)(void *arg, const struct rule_scan *s);
	void *arg;
};

static enum err
scans_of_group(void *arg, struct rule_group *g, const struct place *at)
{
	const struct scan_visitor *v = arg;

	(void)at;
	return v->fn(v->arg, &g->far);
}

/* Visits every scan; some have no prefilter. */
static enum err
each_scan(const struct rule_groups *g,
	  enum err (*fn)(void *arg, const struct rule_scan *s), void *arg)
{
	struct scan_visitor v = { fn, arg };
	enum err e = each_group((struct rule_groups *)g, scans_of_group, &v);

	for (unsigned d = 0; d < 2 && e == ERR_OK; d++) {
		e = fn(arg, &g->body[d]);
		for (unsigned c = 0; c < PACKET_CLASSES && e == ERR_OK; c++) {
			e = rule_scans_each(&g->far[c][d], fn, arg);
		}
		for (unsigned k = 0; k < 2 && e == ERR_OK; k++) {
			e = rule_scans_each(&g->near[k][d], fn, arg);
		}
	}
	return e;
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
		    !rule_gather_add(&b->with, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	return rule_scan_build(s, former(b, s), &b->with, true, b->d);
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
	e = e == ERR_OK ? each_scan(g, count_ids, &g->most_ids) : e;
	free(b.with.v);
	free(b.apart.v);
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
	rule_scan_fini(&g->far);
	literal_table_fini(&g->table);
	free(g->bare);
	free(g->indexed);
	addr_index_fini(&g->by_src);
	addr_index_fini(&g->by_dst);
	return ERR_OK;
}

void
rule_groups_fini(struct rule_groups *g)
{
	(void)each_group(g, drop_one, NULL);
	for (unsigned d = 0; d < 2; d++) {
		rule_scan_fini(&g->body[d]);
		for (unsigned c = 0; c < PACKET_CLASSES; c++) {
			rule_scans_fini(&g->far[c][d]);
		}
		rule_scans_fini(&g->near[0][d]);
		rule_scans_fini(&g->near[1][d]);
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
visit_scan(void *arg, const struct rule_scan *s)
{
	const struct visitor *v = arg;

	return s->prefilter != NULL ? v->fn(v->arg, s->prefilter) : ERR_OK;
}

enum err
rule_groups_each(const struct rule_groups *g,
		 enum err (*fn)(void *arg, const struct prefilter *p),
		 void *arg)
{
	struct visitor v = { fn, arg };

	return each_scan(g, visit_scan, &v);
}
