/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_rig.h - the HTTP parser on a bench: bytes in, transactions out
 *
 * For the HTTP tests and the fuzzer.  Transactions are kept until rig_free(),
 * so that everything a run left behind can be looked at.
 */
#ifndef TESTS_HTTP_RIG_H
#define TESTS_HTTP_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include "sensor/app_http.h"
#include "sensor/file_range.h"
#include "sensor/fill_http.h"

struct rig {
	struct conf *conf;
	struct app_ctx ctx;
	struct app_flow af;
	struct flow flow;
	enum app_result result[2];
};

static inline void
rig_init(struct rig *r, size_t pool, const char *const *set)
{
	*r = (struct rig){ 0 };
	r->conf = conf_new();
	for (; set != NULL && *set != NULL; set++) {
		struct diag d;

		if (conf_set_arg(r->conf, *set, &d) != 0) {
			abort();
		}
	}
	r->ctx.pool = pool_new(pool);
	r->ctx.conf = r->conf;
	r->ctx.max_open_tx = 512;
	r->ctx.tx_arena_limit = (size_t)4 << 20;
	if (r->ctx.pool == NULL || !http_setup(&r->ctx)) {
		abort();
	}
	r->ctx.files = file_ctx_new(r->conf, r->ctx.pool);
	r->ctx.ranges = range_table_new(r->conf, r->ctx.pool);
	if (r->ctx.files == NULL || r->ctx.ranges == NULL) {
		abort();
	}
	r->af.flow = &r->flow;
	r->af.parser = &app_http;
	r->af.state = app_http.state_new(&r->ctx, &r->af);
}

static inline void
rig_fini(struct rig *r)
{
	while (r->af.txs != NULL) {
		struct app_tx *tx = r->af.txs;

		r->af.txs = tx->next;
		app_tx_free(&r->ctx, tx);
	}
	app_http.state_free(&r->ctx, &r->af, r->af.state);
	http_teardown(&r->ctx);
	range_table_drop(r->ctx.ranges, r->ctx.files);
	range_table_free(r->ctx.ranges);
	file_ctx_free(r->ctx.files);
	if (pool_in_use(r->ctx.pool) != 0) {
		fprintf(stderr, "%zu bytes of the pool are lost\n",
			pool_in_use(r->ctx.pool));
		abort();
	}
	pool_free(r->ctx.pool);
	conf_free(r->conf);
}

static inline void
rig_feed(struct rig *r, enum flow_dir dir, struct view v)
{
	if (v.len > 0 && r->result[dir] == APP_PARSE_OK &&
	    r->result[!dir] != APP_PARSE_DONE && r->af.state != NULL) {
		r->result[dir] = app_http.parse(&r->ctx, &r->af, dir, v);
	}
}

static inline void
rig_gap(struct rig *r, enum flow_dir dir, uint64_t bytes)
{
	if (r->result[dir] == APP_PARSE_OK &&
	    r->result[!dir] != APP_PARSE_DONE && r->af.state != NULL) {
		r->result[dir] = app_http.gap(&r->ctx, &r->af, dir, bytes);
	}
}

static inline void
rig_eof(struct rig *r, enum flow_dir dir)
{
	if (r->af.state != NULL) {
		app_http.eof(&r->ctx, &r->af, dir);
	}
}

static inline struct http_tx *
rig_tx(const struct rig *r, uint64_t id)
{
	struct app_tx *tx = r->af.txs;

	while (tx != NULL && tx->id != id) {
		tx = tx->next;
	}
	return (struct http_tx *)tx;
}

static inline void
rig_put(FILE *out, const char *name, struct view v)
{
	fprintf(out, "  %s=", name);
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] >= ' ' && v.p[i] < 0x7f && v.p[i] != '\\') {
			fputc(v.p[i], out);
		} else {
			fprintf(out, "\\x%02x", v.p[i]);
		}
	}
	fputc('\n', out);
}

/* Every buffer the rules could see of one direction, as text. */
static inline void
rig_dump_dir(FILE *out, struct http_tx *tx, enum flow_dir dir)
{
	static const char *const names[] = {
#define BUF(sym, name) #sym,
		INSPECT_BUF_LIST(BUF)
#undef BUF
	};
	static struct inspect in;
	const uint64_t all[2] = { UINT64_MAX, UINT64_MAX };

	memset(&in, 0, sizeof(in));
	in.dir = dir == FLOW_TOSERVER ? DIR_TOSERVER : DIR_TOCLIENT;
	fill_http(&in, tx, all);
	for (const struct file *f = tx->tx.files[dir].first; f != NULL;
	     f = f->next) {
		bool own = f->front == &f->own; /* else it is the body */

		/* what follows the body may come too late for its parts */
		if (own && event_set_has(&tx->tx.events,
					 EV_HTTP_REQUEST_BODY_UNEXPECTED)) {
			continue;
		}
		fprintf(out, "  file state=%u gaps=%d range=%d\n", f->state,
			f->gaps, f->has_range);
		rig_put(out, "name", f->name);
		if (own) {
			rig_put(out, "front", buf_view(f->front));
		}
	}
	for (unsigned b = 0; b < BUF_COUNT; b++) {
		for (uint32_t i = 0; i < in.buf[b].n; i++) {
			rig_put(out, names[b], in.buf[b].v[i]);
		}
	}
	fprintf(out, "  size=%llu wire=%llu gap=%d truncated=%d done=%d\n",
		(unsigned long long)tx->msg[dir].body.size,
		(unsigned long long)tx->msg[dir].body.wire_len,
		tx->msg[dir].body.gap, tx->msg[dir].body.truncated,
		tx->tx.done[dir]);
}

/* The run's whole outcome; free() it. */
static inline char *
rig_dump(struct rig *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (struct app_tx *tx = r->af.txs; tx != NULL; tx = tx->next) {
		fprintf(out, "tx %llu\n", (unsigned long long)tx->id);
		rig_dump_dir(out, (struct http_tx *)tx, FLOW_TOSERVER);
		rig_dump_dir(out, (struct http_tx *)tx, FLOW_TOCLIENT);
		for (unsigned e = 1; e < EVENT_COUNT; e++) {
			if (event_set_has(&tx->events, (enum event_id)e)) {
				fprintf(out, "  event %s\n",
					event_name((enum event_id)e));
			}
		}
	}
	fprintf(out, "result %d %d\n", r->result[0], r->result[1]);
	fclose(out);
	return text;
}

#endif
