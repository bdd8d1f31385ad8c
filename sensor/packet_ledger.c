/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/packet_ledger.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"

struct packet_ledger {
	pthread_mutex_t lock;
	uint64_t started_us;
	struct ledger_link link[LEDGER_LINKS];
	unsigned n_links;
	bool live;
	struct ledger_files files;
	struct ledger_frames frames;
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

void
packet_ledger_take(struct packet_ledger *p, const struct stats_source *s,
		   const struct ledger_link *links, unsigned n)
{
	struct ledger_files files = { 0 };
	struct ledger_frames frames = { 0 };
	struct worker_counters w;

	stats_sum_workers(s, &w);
	if (links == NULL) {
		files = files_of(capture_stats(s->capture));
		frames.delivered = files.delivered;
	}
	n = MIN(n, (unsigned)LEDGER_LINKS);
	for (unsigned i = 0; i < n; i++) {
		frames.delivered += links[i].delivered;
	}
	frames.inspected = w.inspected;
	frames.skipped[LEDGER_SKIPPED_not_ip] = w.skipped_not_ip;
	frames.skipped[LEDGER_SKIPPED_invalid] = w.skipped_invalid;
	frames.pending = frames.delivered - MIN(w.frames, frames.delivered);
	pthread_mutex_lock(&p->lock);
	p->live = links != NULL;
	p->files = files;
	p->frames = frames;
	p->n_links = n;
	if (n > 0) {
		memcpy(p->link, links, n * sizeof(*links));
	}
	pthread_mutex_unlock(&p->lock);
}

void
packet_ledger_read(void *arg, struct ledger *out)
{
	struct packet_ledger *p = arg;

	pthread_mutex_lock(&p->lock);
	out->started_us = p->started_us;
	out->live = p->live;
	out->files = p->files;
	out->frames = p->frames;
	out->n_links = p->n_links;
	memcpy(out->link, p->link, sizeof(out->link));
	pthread_mutex_unlock(&p->lock);
}
