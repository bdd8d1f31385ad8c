/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of a made-up world, summed up as a sensor does, as lines. */
#include <stdlib.h>

#include "common/hll.h"
#include "tests/finding_world_state.h"

static int
by_line(const void *x, const void *y)
{
	const struct flow *a = x, *b = y;
	int c;

	if (a->site != b->site) {
		return a->site < b->site ? -1 : 1;
	}
	c = addr_cmp(&a->from, &b->from);
	if (c != 0) {
		return c;
	}
	return a->worker != b->worker ? a->worker - b->worker
	       : a->at != b->at       ? (a->at > b->at) - (a->at < b->at)
				      : (a->ms > b->ms) - (a->ms < b->ms);
}

/* One destination of a line that is being summed up. */
struct dest {
	const struct flow *first;
	unsigned flows, failed, n_starts;
	uint64_t kb, in;
	unsigned starts[MAX_TO];
	unsigned rank;
};

/* Destinations of the host before, to know what comes again. */
#define SEEN 4096
struct seen {
	uint64_t hash[SEEN];
};

static bool
seen_before(struct seen *s, const struct flow *f)
{
	uint64_t h = load_le64(f->to.b + 8) * 0x9e3779b97f4a7c15u + f->port;

	h ^= h >> 29;
	if (s->hash[h % SEEN] == h) {
		return true;
	}
	s->hash[h % SEEN] = h;
	return false;
}

static bool
is_admin(unsigned port)
{
	return port == 22 || port == 23 || port == 135 || port == 139 ||
	       port == 445 || port == 3389 || port == 5900 || port == 5985 ||
	       port == 5986;
}

static int
by_rank(const void *x, const void *y)
{
	const struct dest *a = x, *b = y;

	if (a->rank != b->rank) {
		return a->rank < b->rank ? -1 : 1;
	}
	return a->kb != b->kb ? (a->kb < b->kb) - (a->kb > b->kb)
			      : (a->first > b->first) - (a->first < b->first);
}

struct line {
	uint64_t order;
	unsigned site;
	char *text;
	size_t len;
};

static void
write_to(struct json *j, const struct dest *d)
{
	json_obj(j, NULL);
	json_addr(j, "ip", &d->first->to);
	json_u64(j, "port", d->first->port);
	json_cstr(j, "proto", d->first->proto == TCP ? "TCP" : "UDP");
	json_u64(j, "flows", d->flows);
	json_u64(j, "failed", d->failed);
	json_u64(j, "bytes_out", d->kb * 1000);
	json_u64(j, "bytes_in", d->in);
	json_arr(j, "starts");
	for (unsigned i = 0; i < d->n_starts; i++) {
		json_u64(j, NULL, d->starts[i]);
	}
	json_arr_end(j);
	json_obj_end(j);
}

/* An answer, or a refusal. */
static uint64_t
bytes_in(const struct flow *f)
{
	return f->kb > 0 ? 400 : f->failed && f->begins ? 54 : 0;
}

static void
write_sums(struct json *j, const struct flow *f, size_t n, struct hll *peers,
	   struct hll *ports)
{
	uint64_t flows = 0, failed = 0, kb = 0, in = 0;
	char text[HLL_TEXT_CAP];

	for (size_t i = 0; i < n; i++) {
		failed += f[i].failed;
		kb += f[i].kb;
		in += bytes_in(&f[i]);
		if (f[i].begins) {
			flows++;
			hll_add_addr(peers, &f[i].to);
			hll_add_port(ports, f[i].port);
		}
	}
	json_u64(j, "flows", flows);
	json_u64(j, "failed", failed);
	json_u64(j, "bytes_out", kb * 1000);
	json_u64(j, "bytes_in", in);
	json_u64(j, "peers", hll_count(peers));
	json_u64(j, "ports", hll_count(ports));
	hll_format(peers, text);
	json_cstr(j, "peers_sketch", text);
	hll_format(ports, text);
	json_cstr(j, "ports_sketch", text);
}

/* The flows of one worker, host and interval. */
static void
write_line(struct world *w, const struct flow *f, size_t n, uint32_t start,
	   struct seen *seen)
{
	struct dest *dests = calloc(n, sizeof(*dests));
	struct hll peers = { { 0 } }, ports = { { 0 } };
	struct json *j = &w->j;
	uint64_t from = (BEGIN_S + start) * US_PER_S;
	size_t n_dests = 0;

	if (dests == NULL) {
		abort();
	}
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < n_dests &&
		       (dests[k].first->port != f[i].port ||
			!addr_eq(&dests[k].first->to, &f[i].to))) {
			k++;
		}
		n_dests += k == n_dests;
		dests[k].first =
			dests[k].first != NULL ? dests[k].first : &f[i];
		dests[k].flows += f[i].begins;
		dests[k].in += bytes_in(&f[i]);
		dests[k].failed += f[i].failed;
		dests[k].kb += f[i].kb;
		if (f[i].begins && dests[k].n_starts < MAX_TO) {
			dests[k].starts[dests[k].n_starts++] =
				(f[i].at - start) * 1000 + f[i].ms;
		}
	}
	for (size_t k = 0; k < n_dests; k++) {
		bool again = seen_before(seen, dests[k].first);

		dests[k].rank = again && dests[k].flows <= 3     ? 0
				: is_admin(dests[k].first->port) ? 1
								 : 2;
	}
	qsort(dests, n_dests, sizeof(*dests), by_rank);
	json_reset(j);
	json_obj(j, NULL);
	json_time(j, "timestamp", from + w->cfg.interval_s * US_PER_S);
	json_cstr(j, "event_type", "contacts");
	json_obj(j, "picket");
	json_cstr(j, "site", world_site(f->site));
	json_cstr(j, "sensor", "tap");
	json_cstr(j, "owner", f->site % 2 == 0 ? "JP" : "US");
	json_obj_end(j);
	json_obj(j, "contacts");
	json_addr(j, "ip", &f->from);
	json_time(j, "start", from);
	json_time(j, "end", from + w->cfg.interval_s * US_PER_S);
	write_sums(j, f, n, &peers, &ports);
	json_arr(j, "to");
	for (size_t k = 0; k < n_dests && k < MAX_TO; k++) {
		write_to(j, &dests[k]);
	}
	json_arr_end(j);
	json_obj_end(j);
	json_obj_end(j);
	free(dests);
}

static int
by_order(const void *x, const void *y)
{
	const struct line *a = x, *b = y;

	return (a->order > b->order) - (a->order < b->order);
}

void
world_lines(struct world *w,
	    void (*fn)(void *arg, const char *site, struct view line),
	    void *arg)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct line *lines = NULL;
	size_t n = 0, cap = 0;

	qsort(w->flows, w->n, sizeof(*w->flows), by_line);
	for (size_t i = 0; i < w->n;) {
		const struct flow *f = &w->flows[i];
		uint32_t start = f->at - f->at % w->cfg.interval_s;
		size_t k = i + 1;

		if (i > 0 && (!addr_eq(&f[-1].from, &f->from) ||
			      f[-1].worker != f->worker)) {
			memset(seen, 0, sizeof(*seen));
		}
		while (k < w->n && w->flows[k].site == f->site &&
		       w->flows[k].worker == f->worker &&
		       addr_eq(&w->flows[k].from, &f->from) &&
		       w->flows[k].at < start + w->cfg.interval_s) {
			k++;
		}
		write_line(w, f, k - i, start, seen);
		if (n == cap) {
			cap = cap * 2 + 1024;
			lines = realloc(lines, cap * sizeof(*lines));
			if (lines == NULL) {
				abort();
			}
		}
		lines[n] = (struct line){
			((uint64_t)start + world_rnd(w, LATE_S)) << 32 | n,
			f->site, strndup(w->j.p, w->j.len), w->j.len
		};
		n++;
		i = k;
	}
	qsort(lines, n, sizeof(*lines), by_order);
	for (size_t i = 0; i < n; i++) {
		fn(arg, world_site(lines[i].site),
		   view_of(lines[i].text, lines[i].len));
		free(lines[i].text);
	}
	free(lines);
	free(seen);
}
