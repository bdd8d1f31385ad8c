/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_group.h"

#include <assert.h>
#include <stdlib.h>

#include "rules/rule_place.h"

/* Whether a literal of payload or stream can only be at the front. */
static bool
is_near(const struct rule_prog *p)
{
	return (uint64_t)p->fast_to + p->fast.len <= RULE_NEAR;
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
is_shared(const struct rule_place *at)
{
	return at->at == AT_STREAM ||
	       (at->at == AT_PAYLOAD && at->which == PACKET_TCP_STREAM);
}

static enum err
build_literals(struct building *b, struct rule_group *g,
	       const struct rule_place *at)
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
			  const struct rule_place *at),
	   void *arg)
{
	enum err e = ERR_OK;

	for (unsigned d = 0; d < 2; d++) {
		for (unsigned i = 0; i < BUF_COUNT && e == ERR_OK; i++) {
			e = fn(arg, &g->tx[i][d],
			       &(struct rule_place){ AT_TX, i, d });
		}
		for (unsigned i = 0; i < APP_PROTO_COUNT && e == ERR_OK; i++) {
			e = fn(arg, &g->tx_bare[i][d],
			       &(struct rule_place){ AT_TX_BARE, i, d });
		}
		for (unsigned i = 0; i < PACKET_CLASSES && e == ERR_OK; i++) {
			struct packet_lists *l = &g->packet[i][d];
			struct {
				struct rule_group *g;
				struct rule_place at;
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
			       &(struct rule_place){ AT_STREAM, 0, d });
		}
	}
	return e;
}

static enum err
build_one(void *arg, struct rule_group *g, const struct rule_place *at)
{
	struct building *b = arg;
	struct rule_gather *bare = &b->bare;
	enum err e;

	b->with.n = bare->n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if (rule_belongs(p, at) &&
		    !rule_gather_add(p->fast_list >= 0 ? &b->with : bare, p)) {
			return diag_set(b->d, ERR_NOMEM, "out of memory");
		}
	}
	if ((at->at == AT_FIRST || at->at == AT_ALWAYS) &&
	    rule_bare_index(g, at, bare) != ERR_OK) {
		return diag_set(b->d, ERR_NOMEM, "out of memory");
	}
	e = build_literals(b, g, at);
	return e == ERR_OK ? rule_bare_build(g, at, bare, b->d) : e;
}

/* What segments and streams of direction 'd' are scanned for together. */
static enum err
build_tcp(struct building *b, unsigned d)
{
	const struct rule_place stream = { AT_STREAM, 0, d };
	const struct rule_place payload = { AT_PAYLOAD, PACKET_TCP_STREAM, d };
	struct rule_scans *s = &b->set->far[PACKET_TCP_STREAM][d];

	b->with.n = 0;
	for (uint32_t i = 0; i < b->set->n_progs; i++) {
		const struct rule_prog *p = b->set->progs[i];

		if (p->fast_list >= 0 && !is_near(p) &&
		    (rule_belongs(p, &stream) || rule_belongs(p, &payload)) &&
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
scans_of_group(void *arg, struct rule_group *g, const struct rule_place *at)
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
	       rule_belongs(p, &(struct rule_place){ AT_TX, b, d });
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
drop_one(void *arg, struct rule_group *g, const struct rule_place *at)
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
weigh_one(void *arg, struct rule_group *g, const struct rule_place *at)
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
