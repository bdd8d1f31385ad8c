/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/packet_ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "sensor/stats_overload.h"

STATIC_ASSERT(LEDGER_PRIORITIES == PRIORITY_LAST, "the same priorities");
STATIC_ASSERT(LEDGER_SKIPPED_shed_priority_5 - LEDGER_SKIPPED_shed_encrypted ==
		      SHED_PRIORITY_5 - SHED_ENCRYPTED,
	      "the reasons of both stand in the same order");

struct packet_ledger {
	pthread_mutex_t lock;
	uint64_t started_us;
	struct ledger told; /* of it only what becomes of packets */
};

struct packet_ledger *
packet_ledger_new(void)
{
	struct packet_ledger *p = calloc(1, sizeof(*p));

	if (p != NULL) {
		pthread_mutex_init(&p->lock, NULL);
		p->started_us = clock_wall_us();
	}
	return p;
}

void
packet_ledger_free(struct packet_ledger *p)
{
	if (p != NULL) {
		pthread_mutex_destroy(&p->lock);
		free(p);
	}
}

static struct ledger_files
files_of(const struct capture_stats *c)
{
	return (struct ledger_files){
		.records = c->frames + c->filtered + c->oversized,
		.delivered = c->frames,
		.filtered = c->filtered,
		.oversized = c->oversized,
	};
}

static struct ledger_link
link_of(struct live *live, unsigned i)
{
	struct live_counters n;
	struct ledger_link k = { .name = "" };

	live_get_counters(live, i, &n);
	snprintf(k.name, sizeof(k.name), "%s", n.name);
	k.wire = n.wire_packets;
	k.kernel_seen = n.kernel_seen;
	k.not_offered = k.wire - MIN(k.kernel_seen, k.wire);
	k.kernel_dropped = n.kernel_dropped;
	k.if_dropped = n.if_dropped;
	k.delivered = n.delivered;
	k.waiting = n.waiting;
	k.unread = n.unread;
	k.up = n.up;
	k.last_packet_us = n.last_packet_us;
	return k;
}

static struct ledger_given_up
given_up(const struct overload_span *s)
{
	return (struct ledger_given_up){ s->frames, s->since_us, s->last_us };
}

/* What was given up, of whom and when; whose priority is which. */
static void
take_overload(struct ledger_overload *t, const struct overload *sum)
{
	const struct overload_conf *c = sum->conf;
	struct asset_network net[LEDGER_NETWORKS];
	size_t n;

	if (c == NULL || !c->enabled || c->n_levels < 2) {
		return;
	}
	t->level = sum->level;
	t->levels = c->n_levels - 1;
	t->default_priority = c->default_priority;
	t->missions = c->missions;
	for (unsigned p = PRIORITY_FIRST; p <= PRIORITY_LAST; p++) {
		t->of[p - 1].payload = given_up(&sum->count.payload[p]);
		t->of[p - 1].all = given_up(&sum->count.all[p]);
	}
	n = asset_priorities_list(c->table, net, ARRAY_LEN(net));
	t->n_nets = (unsigned)MIN(n, ARRAY_LEN(net));
	t->more_nets = n - t->n_nets;
	for (unsigned i = 0; i < t->n_nets; i++) {
		t->net[i].net = net[i].net;
		t->net[i].priority = net[i].priority;
	}
}

void
packet_ledger_take(struct packet_ledger *p, const struct stats_source *s)
{
	struct ledger t = { .live = s->live != NULL };
	struct worker_counters w;
	struct overload shed;

	stats_sum_workers(s, &w);
	if (t.live) {
		t.n_links =
			MIN(live_interfaces(s->live), (unsigned)LEDGER_LINKS);
	} else {
		t.files = files_of(capture_stats(s->capture));
		t.frames.delivered = t.files.delivered;
	}
	for (unsigned i = 0; i < t.n_links; i++) {
		t.link[i] = link_of(s->live, i);
		t.frames.delivered += t.link[i].delivered;
	}
	t.frames.inspected = w.inspected;
	t.frames.skipped[LEDGER_SKIPPED_not_ip] = w.skipped_not_ip;
	t.frames.skipped[LEDGER_SKIPPED_invalid] = w.skipped_invalid;
	stats_overload_sum(s, &shed);
	for (unsigned i = 0; i < SHED_REASONS; i++) {
		t.frames.skipped[LEDGER_SKIPPED_shed_encrypted + i] =
			shed.count.shed[i].packets;
	}
	take_overload(&t.overload, &shed);
	t.frames.pending =
		t.frames.delivered - MIN(w.frames, t.frames.delivered);
	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct flow_counters *f = worker_flows(s->workers[i]);

		t.tcp_flows += f->tcp_judged;
		t.tcp_one_way += f->tcp_one_way;
	}
	pthread_mutex_lock(&p->lock);
	p->told = t;
	pthread_mutex_unlock(&p->lock);
}

void
packet_ledger_read(void *arg, struct ledger *out)
{
	struct packet_ledger *p = arg;

	pthread_mutex_lock(&p->lock);
	out->started_us = p->started_us;
	out->live = p->told.live;
	out->files = p->told.files;
	out->frames = p->told.frames;
	out->overload = p->told.overload;
	out->n_links = p->told.n_links;
	out->tcp_flows = p->told.tcp_flows;
	out->tcp_one_way = p->told.tcp_one_way;
	memcpy(out->link, p->told.link, sizeof(out->link));
	pthread_mutex_unlock(&p->lock);
}
