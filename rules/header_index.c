/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/header_index.h"

#include <stdlib.h>

#define N_PORTS 65536

static void
set_bit(uint64_t *row, uint32_t i)
{
	row[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool
alloc_rows(struct header_index *h)
{
	size_t n = HEADER_KINDS + ARRAY_LEN(h->version) + 1 +
		   2 * (size_t)APP_PROTO_COUNT + 4 + ARRAY_LEN(h->role);
	uint64_t *row = calloc(n * h->n_words, sizeof(*row));

	h->rows = row;
	if (row == NULL) {
		return false;
	}
	for (unsigned i = 0; i < HEADER_KINDS; i++, row += h->n_words) {
		h->proto[i] = row;
	}
	for (unsigned i = 0; i < ARRAY_LEN(h->version); i++) {
		h->version[i] = row;
		row += h->n_words;
	}
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < APP_PROTO_COUNT; i++) {
			h->app[k][i] = row;
			row += h->n_words;
		}
		for (unsigned i = 0; i < 2; i++) {
			h->established[k][i] = row;
			row += h->n_words;
		}
	}
	h->role[0] = row;
	h->role[1] = row + h->n_words;
	h->flowless = row + 2 * (size_t)h->n_words;
	return true;
}

/* "http" is HTTP of any version; "http1" is not. */
bool
header_app_covers(const struct rule_prog *p, enum app_proto app)
{
	return app == (enum app_proto)p->app ||
	       (p->app == APP_HTTP && app == APP_HTTP2 && !p->app_exact) ||
	       (p->app == APP_DNS && app == APP_DOH2);
}

/* What ip_proto says of packets of kind 'i', which all have one number. */
static bool
ip_proto_ok(const struct rule_prog *p, unsigned i)
{
	static const uint8_t numbers[HEADER_KINDS] = {
		IPP_TCP, IPP_UDP, IPP_ICMP, IPP_ICMPV6, IPP_SCTP, 0,
	};

	if (numbers[i] == 0) {
		return true; /* any other */
	}
	for (uint16_t k = 0; k < p->n_tests; k++) {
		const struct test *t = &p->tests[k];

		if (t->fact == FACT_IP_PROTO &&
		    compare_u64(numbers[i], (enum cmp)t->compare, t->a, t->b) ==
			    t->negated) {
			return false;
		}
	}
	return true;
}

static void
fill_state_rows(struct header_index *h, const struct rule_prog *p, unsigned k,
		bool waits)
{
	for (unsigned i = 0; i < APP_PROTO_COUNT; i++) {
		if (waits || p->app == APP_UNKNOWN ||
		    header_app_covers(p, (enum app_proto)i)) {
			set_bit(h->app[k][i], p->order);
		}
	}
	if (waits || (p->flow & FLOW_ESTABLISHED) == 0) {
		set_bit(h->established[k][false], p->order);
	}
	if (waits || (p->flow & FLOW_NOT_ESTABLISHED) == 0) {
		set_bit(h->established[k][true], p->order);
	}
}

static void
fill_rows(struct header_index *h, const struct rule_prog *p)
{
	for (unsigned i = 0; i < HEADER_KINDS; i++) {
		if ((p->protos >> i & 1) != 0 && ip_proto_ok(p, i)) {
			set_bit(h->proto[i], p->order);
		}
	}
	for (unsigned i = 0; i < ARRAY_LEN(h->version); i++) {
		unsigned bits = i; /* version 1: bit 1; 2: bit 2 */

		if (p->ip_versions == 0 || (p->ip_versions & bits) != 0) {
			set_bit(h->version[i], p->order);
		}
	}
	for (unsigned k = 0; k < 2; k++) {
		fill_state_rows(h, p, k, k == 1 && p->by_chunk);
	}
	if (p->on_every_packet) {
		set_bit(h->role[0], p->order);
	}
	if (p->on_stream) {
		set_bit(h->role[1], p->order);
	}
	if ((p->flow & (FLOW_NEEDED | FLOW_ESTABLISHED)) == 0) {
		set_bit(h->flowless, p->order);
	}
}

/* The set that 'p' asks of one end; NULL: any, as far as rows can tell. */
static const struct range_set *
end_of(const struct rule_prog *p, const struct range_set *s, bool addrs)
{
	/* Thousands of lists of addresses are found by another index. */
	return p->both_ways || (addrs && p->kind == PROG_IPONLY) ? NULL : s;
}

static enum err
build_end(struct range_classes *c, const struct rule_prog *const *progs,
	  uint32_t n, size_t member, bool addrs, struct range_classes_entry *v)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct range_set *s;

		memcpy(&s, (const uint8_t *)progs[i] + member, sizeof(s));
		v[i] = (struct range_classes_entry){ end_of(progs[i], s, addrs),
						     progs[i]->order };
	}
	return range_classes_build(c, v, n, n);
}

/* One load a port instead of a search. */
static uint16_t *
port_table(const struct range_classes *c)
{
	uint16_t *t = malloc(N_PORTS * sizeof(*t));

	for (uint32_t i = 0; t != NULL && i < N_PORTS; i++) {
		t[i] = (uint16_t)range_classes_find(c, i);
	}
	return t;
}

enum err
header_index_build(struct header_index *h, const struct rule_prog *const *progs,
		   uint32_t n)
{
	struct range_classes_entry *v = calloc((size_t)n + 1, sizeof(*v));
	enum err e = ERR_NOMEM;

	memset(h, 0, sizeof(*h));
	h->n_words = n / 64 + 1;
	if (v == NULL || !alloc_rows(h)) {
		goto out;
	}
	for (uint32_t i = 0; i < n; i++) {
		fill_rows(h, progs[i]);
	}
#define END(name, addrs) \
	build_end(&h->name, progs, n, offsetof(struct rule_prog, name), addrs, \
		  v)
	e = END(src, true);
	e = e == ERR_OK ? END(dst, true) : e;
	e = e == ERR_OK ? END(sport, false) : e;
	e = e == ERR_OK ? END(dport, false) : e;
#undef END
	if (e == ERR_OK) {
		h->sport_class = port_table(&h->sport);
		h->dport_class = port_table(&h->dport);
		if (h->sport_class == NULL || h->dport_class == NULL) {
			e = ERR_NOMEM;
		}
	}
out:
	free(v);
	if (e != ERR_OK) {
		header_index_fini(h);
	}
	return e;
}

void
header_index_fini(struct header_index *h)
{
	range_classes_fini(&h->src);
	range_classes_fini(&h->dst);
	range_classes_fini(&h->sport);
	range_classes_fini(&h->dport);
	free(h->sport_class);
	free(h->dport_class);
	free(h->rows);
	memset(h, 0, sizeof(*h));
}

size_t
header_index_memory(const struct header_index *h)
{
	size_t rows = HEADER_KINDS + ARRAY_LEN(h->version) + 1 +
		      2 * (size_t)APP_PROTO_COUNT + 4 + ARRAY_LEN(h->role);

	return range_classes_memory(&h->src) + range_classes_memory(&h->dst) +
	       range_classes_memory(&h->sport) +
	       range_classes_memory(&h->dport) +
	       2 * N_PORTS * sizeof(uint16_t) +
	       rows * h->n_words * sizeof(uint64_t);
}
