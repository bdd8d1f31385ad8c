/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One source, many hosts or ports that do not answer.
 *
 * Only what went unanswered counts, so that a proxy or a browser, whose peers
 * are many and answer, is no scanner.
 */
#include "collector/finding_parts.h"

#define SLOW_PIECES 8
/* So many pieces of the long window have something: it goes on. */
#define SLOW_USED 4
#define FAST_PIECES 2
#define DAY_US (24 * 3600 * US_PER_S)

/* What of the line went unanswered. */
struct sweep_part {
	uint64_t flows, failed;
	struct hll peers, ports;
};

/* Of the ports that the host uses most; the one used least makes room. */
static struct port_use *
use_of(struct state_sweep *s, const struct contacts_to *to, uint64_t t)
{
	uint32_t day = (uint32_t)(t / DAY_US);
	struct port_use *least = &s->use[0];

	for (unsigned i = 0; i < FINDING_PORTS; i++) {
		struct port_use *u = &s->use[i];

		if (u->flows + u->failed > 0 && u->port == to->port &&
		    u->proto == to->proto) {
			if (day > u->day) {
				u->flows = (u->flows + 1) / 2;
				u->failed /= 2;
				u->day = day;
			}
			return u;
		}
		least = u->flows < least->flows ? u : least;
	}
	*least = (struct port_use){ .day = day,
				    .port = to->port,
				    .proto = to->proto };
	return least;
}

static uint32_t
plus(uint32_t n, uint64_t more)
{
	return (uint32_t)MIN(n + more, (uint64_t)UINT32_MAX / 2);
}

/*
 * What went unanswered, of the destinations listed.  A port at which most of
 * the host's contacts are answered is one that it uses: some servers of many
 * are always down.
 */
static void
part_of_listed(const struct finder_look *l, struct state_sweep *s,
	       unsigned percent, struct sweep_part *out)
{
	for (unsigned i = 0; i < l->c->n_to; i++) {
		const struct contacts_to *to = &l->c->to[i];
		struct port_use *u;

		if (l->to_ignored[i] || to->flows + to->failed == 0) {
			continue;
		}
		u = use_of(s, to, l->c->start_us);
		u->flows = plus(u->flows, to->flows);
		u->failed = plus(u->failed, to->failed);
		if (to->failed > 0 && !finder_answered(to) &&
		    (uint64_t)u->failed * 100 >= (uint64_t)u->flows * percent) {
			out->flows += to->failed;
			out->failed += to->failed;
			hll_add_addr(&out->peers, &to->ip);
			hll_add_port(&out->ports, to->port);
		}
	}
}

static bool
add(struct piece *pieces, unsigned n, uint64_t len_us, uint64_t t,
    const struct sweep_part *part)
{
	struct piece *p = piece_at(pieces, n, len_us, t);

	if (p == NULL) {
		return false;
	}
	p->flows += part->flows;
	p->failed += part->failed;
	hll_merge(&p->a, &part->peers);
	hll_merge(&p->b, &part->ports);
	return true;
}

/* The sketches can be misled by who picks his targets; the counts of flows
 * cannot be more than there were. */
static bool
is_sweep(const struct piece *sum, unsigned peers, unsigned ports,
	 unsigned failed)
{
	uint64_t n_peers = MIN(hll_count(&sum->a), sum->flows);
	uint64_t n_ports = MIN(hll_count(&sum->b), sum->flows);

	return (n_peers >= peers || n_ports >= ports) &&
	       sum->failed * 100 >= sum->flows * failed;
}

/* Whether no piece has most of it: else it is a burst, which the short window
 * judges, among what fails all day. */
static bool
is_steady(const struct state_sweep *s, const struct piece *sum)
{
	uint64_t most_peers = 0, most_ports = 0;

	for (unsigned i = 0; i < SLOW_PIECES; i++) {
		const struct piece *p = &s->slow[i];

		if (p->flows > 0 && p->start_us >= sum->start_us) {
			most_peers = MAX(most_peers, hll_count(&p->a));
			most_ports = MAX(most_ports, hll_count(&p->b));
		}
	}
	return hll_count(&sum->a) >= hll_count(&sum->b)
		       ? most_peers * 2 <= hll_count(&sum->a)
		       : most_ports * 2 <= hll_count(&sum->b);
}

static enum err
emit(struct finder_look *l, struct state *st, enum finding_kind kind,
     const struct piece *sum, uint64_t window_us)
{
	struct finding f = { .kind = kind,
			     .host = l->c->ip,
			     .has_host = true,
			     .host_ours = l->ours,
			     .first_us = l->c->start_us,
			     .last_us = l->c->end_us,
			     .window_us = window_us };
	uint64_t peers = MIN(hll_count(&sum->a), sum->flows);
	uint64_t ports = MIN(hll_count(&sum->b), sum->flows);
	struct json *j = finder_evidence(l);

	f.first_us = MIN(f.first_us, sum->start_us);
	f.measure = (double)MAX(peers, ports);
	json_u64(j, "peers", peers);
	json_u64(j, "ports", ports);
	json_u64(j, "flows", sum->flows);
	json_u64(j, "failed", sum->failed);
	json_time(j, "from", sum->start_us);
	return finder_emit(l, &f, st, l->ours ? NULL : &st->body.sweep.sites);
}

/* What is not listed is in the sums: a host of which most fails within the
 * window scans, whatever its list has. */
static enum err
judge_fast(struct finder_look *l, struct state *st,
	   const struct sweep_part *part)
{
	const struct finding_config *cfg = &l->f->cfg;
	uint64_t len = cfg->scan_seconds * US_PER_S / FAST_PIECES;
	struct sweep_part all = { l->c->flows, l->c->failed, l->c->peers,
				  l->c->ports };
	struct state_sweep *s = &st->body.sweep;
	uint64_t t = l->c->start_us;
	struct piece sum, sum_all;

	if (!add(s->all, FAST_PIECES, len, t, &all) ||
	    !add(s->fast, FAST_PIECES, len, t, part)) {
		return ERR_OK;
	}
	(void)piece_sum(s->all, FAST_PIECES, len, t, &sum_all);
	(void)piece_sum(s->fast, FAST_PIECES, len, t, &sum);
	if (!is_sweep(&sum, cfg->scan_peers, cfg->scan_ports,
		      cfg->scan_failed)) {
		sum = sum_all;
		if (!is_sweep(&sum, cfg->scan_peers, cfg->scan_ports,
			      cfg->scan_failed)) {
			return ERR_OK;
		}
	}
	s->found_us = MAX(s->found_us, l->c->end_us);
	return emit(l, st, FINDING_SCAN, &sum,
		    MAX(cfg->scan_seconds * US_PER_S, 3600 * US_PER_S));
}

enum err
finder_sweep(struct finder_look *l)
{
	const struct finding_config *cfg = &l->f->cfg;
	uint64_t slow = cfg->slow_hours * 3600 * US_PER_S / SLOW_PIECES;
	uint64_t t = l->c->start_us;
	struct state_key key = { .kind = STATE_SWEEP,
				 .shared = !l->ours,
				 .a = l->c->ip };
	struct sweep_part part;
	struct state_sweep *s;
	struct state *st;
	struct piece sum;
	enum err e = ERR_OK;

	if (!cfg->on[FINDING_SCAN] && !cfg->on[FINDING_SLOW_SCAN]) {
		return ERR_OK;
	}
	/* Outsiders who are answered are visitors, of whom there are many. */
	if (!l->ours && l->c->failed == 0 && l->c->bytes_in > 0 &&
	    contacts_complete(l->c) &&
	    finding_states_find(l->f->states, l->place, &key) == NULL) {
		return ERR_OK;
	}
	st = finding_states_get(l->f->states, l->place, &key, t, &l->mark);
	if (st == NULL) {
		return ERR_NOMEM;
	}
	s = &st->body.sweep;
	finding_states_changed(l->f->states, st);
	finding_sites_add(&s->sites, l->place->id);
	memset(&part, 0, sizeof(part));
	part_of_listed(l, s, MIN(cfg->scan_failed, cfg->slow_failed), &part);
	if (part.flows > 0) {
		finding_states_settle(st);
	}
	if (cfg->on[FINDING_SCAN]) {
		e = judge_fast(l, st, &part);
	}
	if (part.flows == 0) {
		return e;
	}
	/* A scan that was told of is not told of again as a slow one. */
	if (e == ERR_OK && add(s->slow, SLOW_PIECES, slow, t, &part) &&
	    cfg->on[FINDING_SLOW_SCAN] &&
	    (s->found_us == 0 || s->found_us + SLOW_PIECES * slow < t) &&
	    piece_sum(s->slow, SLOW_PIECES, slow, t, &sum) >= SLOW_USED &&
	    is_sweep(&sum, cfg->slow_peers, cfg->slow_ports,
		     cfg->slow_failed) &&
	    is_steady(s, &sum)) {
		e = emit(l, st, FINDING_SLOW_SCAN, &sum, SLOW_PIECES * slow);
	}
	return e;
}
