/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short way for ordinary segments against the general one: every packet of
 * pcaps/ and, with PICKET_CORPUS, of the captures there, as it is and with
 * numbers and flags changed here and there.  Chunks, raw windows, events,
 * counters and the session must be the same after each.
 */
#include "sensor/capture.h"
#include "sensor/decode.h"
#include "sensor/stream_session.h"
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct way {
	struct pool *pool;
	struct flow_table *t;
	struct stream_ctx *c;
	struct flow *f;
	struct packet pkt;
	bool taken;
};

struct settings {
	const char *what;
	const char *arg[3];
	bool spoil;
};

static const struct settings all_settings[] = {
	{ "as it is", { "stream.checksum-validation=no" }, false },
	{ "spoilt", { "stream.checksum-validation=no" }, true },
	{ "midstream",
	  { "stream.checksum-validation=no", "stream.midstream=yes",
	    "stream.async-oneside=yes" },
	  true },
	{ "inline, shallow",
	  { "stream.inline=yes", "stream.reassembly.depth=3000",
	    "stream.reassembly.memcap=200000" },
	  true },
};

static uint64_t n_plain, n_general;
static uint32_t dice;

static uint32_t
roll(void)
{
	dice = dice * 1664525u + 1013904223u;
	return dice >> 8;
}

static void
way_init(struct way *w, const struct settings *set, bool general_only)
{
	struct conf *conf = conf_new();

	assert_non_null(conf);
	/* Thousands of small captures: what is made for each is small too. */
	assert_int_equal(conf_set_arg(conf, "flow.prealloc=0", NULL), ERR_OK);
	assert_int_equal(conf_set_arg(conf, "flow.hash-size=1024", NULL),
			 ERR_OK);
	for (unsigned i = 0; i < 3 && set->arg[i] != NULL; i++) {
		assert_int_equal(conf_set_arg(conf, set->arg[i], NULL), ERR_OK);
	}
	memset(w, 0, sizeof(*w));
	w->pool = pool_new((size_t)256 << 20);
	w->t = flow_table_new(conf, w->pool);
	w->c = stream_ctx_new(conf, w->pool);
	assert_true(w->t != NULL && w->c != NULL);
	flow_table_seed(w->t, 1);
	w->c->general_only = general_only;
	conf_free(conf);
}

static void
way_expire(struct way *w, uint64_t now_us, bool all)
{
	struct flow *f;

	while ((f = flow_expire(w->t, now_us, all)) != NULL) {
		stream_free(w->c, f);
		flow_release(w->t, f);
	}
}

static void
way_fini(struct way *w)
{
	way_expire(w, 0, true);
	stream_ctx_free(w->c);
	flow_table_free(w->t);
	assert_int_equal(pool_in_use(w->pool), 0);
	pool_free(w->pool);
}

/* One in eight is not what was sent. */
static void
spoil(struct packet *p)
{
	uint32_t how = roll() % 128;
	uint32_t by = roll() % 5000;

	switch (how) {
	case 0:
		p->tcp_seq += by;
		break;
	case 1:
		p->tcp_seq -= by;
		break;
	case 2:
		p->tcp_ack += by;
		break;
	case 3:
		p->tcp_ack -= by;
		break;
	case 4:
		p->tcp_window = 0;
		break;
	case 5:
		p->tcp_window = (uint16_t)by;
		break;
	case 6:
		p->tcp_ts_val -= by;
		break;
	case 7:
		p->tcp_has_ts = !p->tcp_has_ts;
		break;
	case 8:
		p->tcp_flags ^= (uint8_t)(1u << by % 8);
		break;
	case 9:
		p->tcp_urgent = (uint16_t)(by % 200);
		p->tcp_flags |= TCP_URG;
		break;
	case 10:
		p->payload = view_sub(p->payload, 0, by % 100);
		break;
	case 11:
		p->tcp_ack += by << 19; /* far off */
		break;
	case 12:
		p->tcp_seq += by << 19;
		break;
	case 13:
		p->tcp_seq--; /* as a keep-alive does */
		break;
	case 14:
		p->tcp_ts_val = 0;
		break;
	default:
		break;
	}
}

static void
same_more(const struct side_more *a, const struct side_more *b)
{
	if (a == NULL || b == NULL) {
		assert_true(a == b);
		return;
	}
	assert_int_equal(a->cap, b->cap);
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->left_out, b->left_out);
	assert_int_equal(a->offset, b->offset);
	assert_int_equal(a->gap, b->gap);
	assert_int_equal(a->chunk_off, b->chunk_off);
	assert_int_equal(a->urgent, b->urgent);
	assert_int_equal(a->rob == NULL, b->rob == NULL);
}

static void
same_side(const struct tcp_side *a, const struct tcp_side *b)
{
	assert_int_equal(a->base_seq, b->base_seq);
	assert_int_equal(a->ts_recent, b->ts_recent);
	assert_int_equal(a->window, b->window);
	assert_int_equal(a->room, b->room);
	assert_int_equal(a->fin_low, b->fin_low);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->wscale, b->wscale);
	assert_int_equal(a->policy, b->policy);
	assert_int_equal(a->waits, b->waits);
	assert_int_equal(a->next_off, b->next_off);
	assert_int_equal(a->max_off, b->max_off);
	assert_int_equal(a->acked, b->acked);
	/* 'moved' may differ: it only says that nothing need be asked. */
	same_more(a->more, b->more);
}

static void
same_session(const struct tcp_session *a, const struct tcp_session *b)
{
	if (a == NULL || b == NULL) {
		assert_true(a == b);
		return;
	}
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->was_established, b->was_established);
	assert_int_equal(a->midstream, b->midstream);
	assert_int_equal(a->async, b->async);
	assert_int_equal(a->n_syns, b->n_syns);
	assert_int_equal(a->n_synacks, b->n_synacks);
	assert_int_equal(a->syn_ts, b->syn_ts);
	assert_int_equal(a->isns == NULL, b->isns == NULL);
	same_side(&a->side[0], &b->side[0]);
	same_side(&a->side[1], &b->side[1]);
}

static void
same_view(struct view a, struct view b)
{
	assert_int_equal(a.len, b.len);
	if (a.len > 0) {
		assert_memory_equal(a.p, b.p, a.len);
	}
}

/* The windows; nothing is new where nothing is said to be. */
static void
same_windows(struct way *a, struct way *b)
{
	unsigned fresh = stream_raw_fresh(a->c);

	assert_int_equal(fresh, stream_raw_fresh(b->c));
	for (unsigned i = 0; i < 2; i++) {
		enum flow_dir d = (enum flow_dir)i;
		uint32_t seen[2];
		uint64_t off[2];
		struct view v[2] = { stream_raw(a->f, d, &seen[0], &off[0]),
				     stream_raw(b->f, d, &seen[1], &off[1]) };

		same_view(v[0], v[1]);
		assert_int_equal(seen[0], seen[1]);
		assert_int_equal(off[0], off[1]);
		assert_int_equal(stream_raw_chunk(a->f, d),
				 stream_raw_chunk(b->f, d));
		if (v[0].len > 0 &&
		    (seen[0] < v[0].len || stream_raw_last(a->f, d, false))) {
			assert_true((fresh >> i & 1) != 0);
		}
		stream_raw_done(a->c, a->f, d);
		stream_raw_done(b->c, b->f, d);
	}
}

static void
same_chunks(struct way *a, struct way *b)
{
	struct stream_chunk x, y;
	bool more = true;

	while (more) {
		more = stream_next(a->c, a->f, &x);
		assert_int_equal(more, stream_next(b->c, b->f, &y));
		if (more) {
			assert_int_equal(x.dir, y.dir);
			assert_int_equal(x.offset, y.offset);
			assert_int_equal(x.gap, y.gap);
			assert_int_equal(x.fin, y.fin);
			same_view(x.data, y.data);
		}
	}
}

static void
take(struct way *w, const struct packet *pkt)
{
	enum flow_dir dir;

	w->pkt = *pkt;
	w->f = flow_find(w->t, &w->pkt, &dir);
	if (w->f != NULL) {
		w->taken = stream_packet(w->c, w->t, w->f, &w->pkt, dir);
	}
}

static void
compare(struct way *a, struct way *b, const struct packet *pkt)
{
	take(a, pkt);
	take(b, pkt);
	assert_int_equal(a->f == NULL, b->f == NULL);
	if (a->f == NULL) {
		return;
	}
	n_plain += a->c->plain;
	n_general += !a->c->plain;
	assert_int_equal(a->taken, b->taken);
	same_chunks(a, b);
	same_windows(a, b);
	same_session(a->f->tcp, b->f->tcp);
	assert_int_equal(a->f->state, b->f->state);
	assert_memory_equal(&a->pkt.events, &b->pkt.events,
			    sizeof(a->pkt.events));
	assert_memory_equal(stream_counters(a->c), stream_counters(b->c),
			    sizeof(struct stream_counters));
	assert_int_equal(a->c->mem, b->c->mem);
}

static void
one_frame(struct way *a, struct way *b, struct decoder *dec,
	  const struct frame *f, bool spoiling)
{
	struct packet pkts[FRAME_MAX_PACKETS];
	unsigned n = decode_frame(dec, f, pkts);

	for (unsigned k = 0; k < n; k++) {
		if (pkts[k].ip_version == 0 || pkts[k].proto != IPP_TCP) {
			continue;
		}
		if (spoiling) {
			spoil(&pkts[k]);
		}
		compare(a, b, &pkts[k]);
	}
}

static void
one_run(const char *path, const struct settings *set)
{
	struct batch_frames *frames = batch_frames_new();
	struct pool *pool = pool_new((size_t)64 << 20);
	struct decoder *dec = decoder_new(NULL, pool);
	struct capture *c = NULL;
	struct way a, b;
	struct diag d;
	enum err e;

	assert_true(frames != NULL && dec != NULL);
	dice = 1;
	way_init(&a, set, false);
	way_init(&b, set, true);
	e = capture_open_files(&c, &path, 1, NULL, &d);
	while (e == ERR_OK && (e = capture_next(c, frames, &d)) == ERR_OK) {
		for (uint32_t i = 0; i < frames->n; i++) {
			one_frame(&a, &b, dec, &frames->frame[i], set->spoil);
			way_expire(&a, frames->frame[i].ts_us, false);
			way_expire(&b, frames->frame[i].ts_us, false);
		}
	}
	capture_close(c);
	way_fini(&a);
	way_fini(&b);
	decoder_free(dec);
	pool_free(pool);
	batch_frames_free(frames);
}

static void
one_capture(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
		one_run(path, &all_settings[i]);
	}
}

static bool
is_capture(const char *name)
{
	return strstr(name, ".pcap") != NULL || strstr(name, ".cap") != NULL ||
	       strstr(name, ".trace") != NULL;
}

/* All captures below 'dir', in the order of their names. */
static void
walk(const char *dir)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[4096];
		const char *name = list[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (is_capture(name)) {
			one_capture(path);
		} else if (list[i]->d_type == DT_DIR && name[0] != '.') {
			walk(path);
		}
		free(list[i]);
	}
	if (n >= 0) {
		free(list);
	}
}

static void
own_captures(void **state)
{
	const char *src = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	char dir[4096];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/pcaps", src);
	n_plain = n_general = 0;
	walk(dir);
	print_message("%llu by the short way, %llu by the general one\n",
		      (unsigned long long)n_plain,
		      (unsigned long long)n_general);
	/* Both ways were taken, and often. */
	assert_true(n_plain > 1000 && n_general > 1000);
}

static void
captures_of_others(void **state)
{
	(void)state;
	if (getenv("PICKET_CORPUS") == NULL) {
		skip();
	}
	n_plain = n_general = 0;
	walk(getenv("PICKET_CORPUS"));
	print_message("%llu by the short way, %llu by the general one\n",
		      (unsigned long long)n_plain,
		      (unsigned long long)n_general);
	assert_true(n_plain > 50000 && n_general > 50000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_captures),
		cmocka_unit_test(captures_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
