/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/product.h"

#include <stdlib.h>

#include "sensor/capture.h"
#include "tests/bench/measure.h"

#define ROUND_BATCHES 32

struct product {
	enum product_stage stage;
	struct product_counts n;
	struct outbox *out;
	/* PRODUCT_WHOLE */
	struct worker *worker;
	struct contacts_conf contacts;
	uint64_t batches; /* given to it */
	/* the stages before it */
	struct pool *pool;
	struct decoder *decoder;
	struct flow_table *flows;
	struct stream_ctx *streams;
};

static void
set(struct conf *conf, const char *key, const char *value)
{
	if (conf_set(conf, key, value) != ERR_OK) {
		bench_die(key, "not a setting");
	}
}

struct conf *
product_conf(uint32_t flows)
{
	struct conf *conf = conf_new();
	char text[32];

	if (conf == NULL) {
		bench_die("settings", "out of memory");
	}
	set(conf, "stream.checksum-validation", "no");
	set(conf, "vars.address-groups.HOME_NET", "any");
	set(conf, "vars.address-groups.EXTERNAL_NET", "any");
	if (flows > 0) {
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)flows * 512);
		set(conf, "flow.memcap", text);
		snprintf(text, sizeof(text), "%u", flows);
		set(conf, "flow.hash-size", text);
	}
	return conf;
}

struct ruleset *
product_rules(const struct conf *conf, const char *rules,
	      const char *const *indicators, size_t n_indicators)
{
	struct diag d;
	struct ruleset *rs = ruleset_load(conf, &rules, rules != NULL,
					  indicators, n_indicators, &d);

	if (rs == NULL) {
		bench_die("rules", d.msg);
	}
	return rs;
}

struct worker *
product_worker(const struct conf *conf, const struct ruleset *rules,
	       size_t ready, bool profile)
{
	struct worker_settings s = {
		.conf = conf,
		.rules = rules,
		.origin = { "", "", "", "", "" },
		.event_types = 1u << EVENT_TYPE_ALERT,
		.memory_limit = PRODUCT_POOL,
		.memory_ready = ready,
		.profile = profile,
	};

	return worker_new(&s);
}

/* HOME_NET is what it is without a setting: private addresses. */
static struct worker *
contacts_worker(struct contacts_conf *contacts, const struct conf *conf,
		const struct ruleset *rules, size_t ready, bool thread)
{
	struct worker_settings s = {
		.conf = conf,
		.rules = rules,
		.origin = { "", "", "", "", "" },
		.event_types =
			1u << EVENT_TYPE_ALERT | 1u << EVENT_TYPE_CONTACTS,
		.memory_limit = PRODUCT_POOL,
		.memory_ready = ready,
		.late_events = true,
		.contacts = contacts,
	};
	struct conf *own = conf_new();
	struct worker *w;
	struct diag d;

	if (own == NULL || contacts_conf_read(contacts, own, &d) != ERR_OK) {
		bench_die("contacts", "no settings");
	}
	conf_free(own);
	w = worker_new(&s);
	if (thread && w != NULL &&
	    worker_start_contacts(w, true, &d) != ERR_OK) {
		bench_die("contacts", d.msg);
	}
	return w;
}

struct product *
product_new(enum product_stage stage, const struct conf *conf,
	    const struct ruleset *rules, size_t ready, bool profile)
{
	struct product *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		bench_die("stages", "out of memory");
	}
	p->stage = stage;
	p->out = outbox_new();
	if (stage >= PRODUCT_CONTACTS) {
		p->worker = contacts_worker(&p->contacts, conf, rules, ready,
					    stage == PRODUCT_CONTACTS);
	} else if (stage == PRODUCT_WHOLE) {
		p->worker = product_worker(conf, rules, ready, profile);
	} else {
		p->pool = pool_new(PRODUCT_POOL);
		if (p->pool == NULL || !pool_warm(p->pool, ready)) {
			bench_die("stages", "out of memory");
		}
		p->decoder = decoder_new(conf, p->pool);
		p->flows = flow_table_new(conf, p->pool);
		p->streams = stream_ctx_new(conf, p->pool);
	}
	if (p->out == NULL ||
	    (stage >= PRODUCT_WHOLE ? p->worker == NULL
				    : p->decoder == NULL || p->flows == NULL ||
					      p->streams == NULL)) {
		bench_die("stages", "out of memory");
	}
	return p;
}

static void
expire(struct product *p, uint64_t now_us, bool all)
{
	struct flow *f;

	while ((f = flow_expire(p->flows, now_us, all)) != NULL) {
		if (f->tcp != NULL) {
			stream_free(p->streams, f);
		}
		flow_release(p->flows, f);
	}
}

void
product_free(struct product *p)
{
	if (p == NULL) {
		return;
	}
	if (p->stage >= PRODUCT_WHOLE) {
		worker_free(p->worker);
		contacts_conf_fini(&p->contacts);
	} else {
		expire(p, 0, true);
		stream_ctx_free(p->streams);
		flow_table_free(p->flows);
		decoder_free(p->decoder);
		pool_free(p->pool);
	}
	outbox_free(p->out);
	free(p);
}

const struct product_counts *
product_counts(const struct product *p)
{
	return &p->n;
}

static void
through_parts(struct product *p, struct packet *pkt)
{
	enum flow_dir dir;
	struct stream_chunk c;
	struct flow *f;

	if (p->stage < PRODUCT_FLOW) {
		return;
	}
	f = flow_find(p->flows, pkt, &dir);
	if (p->stage < PRODUCT_STREAM || f == NULL || f->proto != IPP_TCP) {
		return;
	}
	stream_packet(p->streams, p->flows, f, pkt, dir);
	while (stream_next(p->streams, f, &c)) {
	}
}

static void
parts(struct product *p, const struct frame *v, uint32_t n)
{
	struct packet pkts[FRAME_MAX_PACKETS];

	for (uint32_t i = 0; i < n; i++) {
		unsigned k = decode_frame(p->decoder, &v[i], pkts);

		for (unsigned j = 0; j < k; j++) {
			through_parts(p, &pkts[j]);
		}
	}
	if (p->stage >= PRODUCT_FLOW) {
		expire(p, v[n - 1].ts_us, false);
	}
}

static void
whole(struct product *p, struct frame *v, uint32_t n)
{
	struct frame *ahead[BATCH_FRAMES];

	for (uint32_t i = 0, k; i < n; i += k) {
		k = MIN(n - i, (uint32_t)BATCH_FRAMES);
		for (uint32_t j = 0; j < k; j++) {
			ahead[j] = &v[i + j];
		}
		worker_frames(p->worker, ahead, k, p->out);
	}
	/* as often as replay.c */
	if (++p->batches % ROUND_BATCHES == 0) {
		worker_expire(p->worker, v[n - 1].ts_us, v[n - 1].number,
			      p->out);
	}
	p->n.alerts += p->out->n;
	outbox_reset(p->out);
}

static void
some(struct product *p, struct frame *v, uint32_t n)
{
	p->n.packets += n;
	for (uint32_t i = 0; i < n; i++) {
		p->n.bytes += v[i].caplen;
	}
	if (p->stage >= PRODUCT_WHOLE) {
		whole(p, v, n);
	} else if (p->stage > PRODUCT_CAPTURE) {
		parts(p, v, n);
	}
}

void
product_frames(struct product *p, struct frame *v, uint32_t n)
{
	for (uint32_t at = 0; at < n; at += BATCH_FRAMES) {
		some(p, v + at, MIN(n - at, BATCH_FRAMES));
	}
}

void
product_file(struct product *p, const char *path)
{
	struct batch_frames *b = batch_frames_new();
	struct capture *c = NULL;
	uint64_t last_us = 0;
	struct diag d;
	enum err e;

	if (b == NULL) {
		bench_die(path, "out of memory");
	}
	if (capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		bench_die(path, d.msg);
	}
	if (p->stage >= PRODUCT_WHOLE) {
		capture_spread(c);
	}
	while ((e = capture_next(c, b, &d)) != ERR_EOF) {
		if (e != ERR_OK) {
			bench_die(path, d.msg);
		}
		if (p->stage >= PRODUCT_WHOLE) {
			worker_expect(p->worker, b->next);
		}
		some(p, b->frame, b->n);
		last_us = b->frame[b->n - 1].ts_us;
	}
	if (p->stage >= PRODUCT_WHOLE) {
		worker_finish(p->worker, last_us, 0, p->out);
		p->n.alerts += p->out->n;
		outbox_reset(p->out);
	}
	capture_close(c);
	batch_frames_free(b);
}
