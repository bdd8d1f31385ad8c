/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_matcher.h"

#define PEND_EAGER 8 /* tries at every segment, then */
#define PEND_STEP 512 /* only after so many new bytes */

static void
add_candidate(struct rule_matcher *m, uint32_t order)
{
	m->candidates[order / 64] |= UINT64_C(1) << (order % 64);
	m->summary[order / 4096] |= UINT64_C(1) << (order / 64 % 64);
	m->any = true;
}

/* The flow's plan and its present state leave the program in question. */
static bool
may_fit(const struct rule_matcher *m, uint32_t order)
{
	uint32_t w = order / 64;

	return m->fits == NULL ||
	       ((m->fits[w] & m->fits_app[w] & m->fits_state[w]) >>
			(order % 64) &
		1) != 0;
}

static void
suggest(struct rule_matcher *m, uint32_t order)
{
	if (may_fit(m, order)) {
		add_candidate(m, order);
	}
}

/* Those of 'g' without a literal, from 'order' on. */
static void
add_bare(struct rule_matcher *m, const struct rule_group *g, uint32_t order)
{
	for (uint32_t i = 0; i < g->n_bare; i++) {
		if (g->bare[i].order >= order) {
			suggest(m, g->bare[i].order);
		}
	}
}

/* Those of them that packets of this type may match. */
static void
add_typed(struct rule_matcher *m, const struct rule_group *g, uint8_t type)
{
	for (uint32_t i = 0; i < g->n_bare; i++) {
		if (type_set_has(&g->bare[i].types, type)) {
			suggest(m, g->bare[i].order);
		}
	}
}

static void
add_indexed(struct rule_matcher *m, const struct addr_index *ix,
	    unsigned __int128 addr)
{
	uint32_t n;
	const uint32_t *ids = addr_index_find(ix, addr, &n);

	for (uint32_t i = 0; i < n; i++) {
		suggest(m, ids[i]);
	}
}

/* Those that hang on the packet's addresses. */
static void
add_by_ends(struct rule_matcher *m, const struct rule_group *g,
	    const struct inspect_ends *ends)
{
	if (g->by_src.n_pieces > 0) {
		add_indexed(m, &g->by_src, addr_value(ends->src));
	}
	if (g->by_dst.n_pieces > 0) {
		add_indexed(m, &g->by_dst, addr_value(ends->dst));
	}
}

/*
 * Finds the literals of 's' in 'data', which begins at 'base' of its buffer,
 * behind what was seen of it and in the last bytes that were: a rule that
 * waits is tried at once while its literal is that near.  Their ids stand in
 * m->ids.
 */
static uint32_t
find_literals(struct rule_matcher *m, const struct rule_scan *s,
	      struct view data, size_t seen, uint64_t base)
{
	size_t back = s->longest > 0 ? s->longest - 1 : 0;
	size_t from = seen > back ? seen - back : 0;
	struct prefilter_input in = {
		.data = view_sub(data, from, data.len),
		.base = base + from,
	};
	const struct prefilter_work *work = prefilter_work(m->scratch);
	uint64_t linear;
	size_t n;

	if (s->prefilter == NULL || in.data.len == 0) {
		return 0;
	}
	linear = work->linear_blocks;
	n = prefilter_scan(s->prefilter, m->scratch, &in, m->id_bits, m->ids);
	m->stats.prefilter_linear += work->linear_blocks - linear;
	for (size_t i = 0; i < n; i++) {
		uint32_t id = m->ids[i].id;

		m->id_bits[id / 64] &= ~(UINT64_C(1) << (id % 64));
	}
	return (uint32_t)n;
}

/* The rules of 's' under 'id' that have 'role' (NULL: all). */
static void
add_found(struct rule_matcher *m, const struct rule_scan *s, uint32_t id,
	  const uint64_t *role)
{
	for (uint32_t k = s->first[id]; k < s->first[id + 1]; k++) {
		uint32_t order = s->orders[k];

		if (role == NULL ||
		    (role[order / 64] >> (order % 64) & 1) != 0) {
			suggest(m, order);
		}
	}
}

/* The rules of 's' with 'role' whose literal is in 'data'. */
static void
scan(struct rule_matcher *m, const struct rule_scan *s, struct view data,
     size_t seen, uint64_t base, const uint64_t *role)
{
	uint32_t n = find_literals(m, s, data, seen, base);

	for (uint32_t i = 0; i < n; i++) {
		add_found(m, s, m->ids[i].id, role);
	}
}

/* Of the scans that direction 'dir' of a flow may need, the one for its
 * protocol, if 'apps' has it; or NULL. */
static const struct rule_scan *
scan_of_app(const struct rule_matcher *m, const struct rule_look *l,
	    enum packet_class c, uint64_t apps)
{
	if (!l->ends.has_flow || (apps >> l->app & 1) == 0) {
		return NULL;
	}
	return &m->groups->far[c][l->ends.dir].app[l->app];
}

/* One of the scans of a segment's payload; the stream will ask for the same. */
static void
scan_segment(struct rule_matcher *m, const struct rule_look *l, unsigned k,
	     const struct rule_scan *s)
{
	uint32_t n = s != NULL ? find_literals(m, s, l->payload, 0, 0) : 0;

	m->segment.scan[k].of = s;
	m->segment.scan[k].n = n;
	for (uint32_t i = 0; i < n; i++) {
		m->segment.scan[k].ids[i] = m->ids[i].id;
		add_found(m, s, m->ids[i].id, m->groups->headers.role[0]);
	}
}

/* Narrows what gathering suggests to the flow's plan, for packets or for the
 * stream. */
static void
narrow(struct rule_matcher *m, const struct rule_look *l,
       const struct rule_plan *plan, bool stream)
{
	const struct header_index *h = &m->groups->headers;
	bool established = l->ends.has_flow && l->established;

	m->fits = plan->fits;
	m->fits_app = h->app[stream][l->ends.has_flow ? l->app : APP_UNKNOWN];
	m->fits_state = h->established[stream][established];
}

static void
scan_packet(struct rule_matcher *m, const struct rule_look *l,
	    const struct rule_plan_packet *p)
{
	bool established = l->ends.has_flow && l->established;
	enum packet_class c = packet_class_of(l->ends.proto, l->in_stream);
	const struct rule_scan *near = p->near[established];
	const struct rule_scan *far = p->far[established];
	const struct rule_scan *app = scan_of_app(m, l, c, p->apps);

	if (near != NULL) {
		scan(m, near, view_sub(l->payload, 0, (size_t)near->reach), 0,
		     0, NULL);
	}
	if (l->in_stream) {
		m->segment.packet = l->packet;
		m->segment.payload = l->payload;
		m->segment.dir = l->ends.dir;
		scan_segment(m, l, 0, far);
		scan_segment(m, l, 1, app);
		return;
	}
	if (far != NULL) {
		scan(m, far, l->payload, 0, 0, NULL);
	}
	if (app != NULL) {
		scan(m, app, l->payload, 0, 0, NULL);
	}
}

/* The rules without a literal that this packet's facts suggest. */
static void
gather_facts(struct rule_matcher *m, const struct rule_look *l,
	     const struct rule_plan_packet *p)
{
	enum packet_class c = packet_class_of(l->ends.proto, l->in_stream);
	const struct packet_lists *lists = &m->groups->packet[c][l->ends.dir];
	const struct rule_group *payload = &m->groups->payload[c][l->ends.dir];

	if (p->has_end_types && type_set_has(&p->end_types, l->type)) {
		add_by_ends(m, &lists->always, &l->ends);
	}
	if ((p->has_types && type_set_has(&p->types, l->type)) ||
	    (p->has_payload_types && l->payload.len > 0 &&
	     type_set_has(&p->payload_types, l->type))) {
		add_typed(m, &lists->always, l->type);
		add_typed(m, payload, l->type);
	}
	if (l->has_events && p->event) {
		add_bare(m, &lists->event, 0);
	}
	if (p->bits && m->flow != NULL && m->flow->bits != NULL) {
		add_bare(m, &lists->bits, 0);
	}
	if (l->first && p->first) {
		add_bare(m, &lists->first, 0);
		add_by_ends(m, &lists->first, &l->ends);
	}
}

void
gather_packet(struct rule_matcher *m, const struct rule_look *l)
{
	const struct rule_plan *plan =
		rule_plan_find(&m->plans, &l->ends, l->plan);
	const struct rule_plan_packet *p = &plan->packet[l->in_stream];

	m->segment.packet = 0;
	narrow(m, l, plan, false);
	gather_facts(m, l, p);
	if (l->payload.len > 0) {
		scan_packet(m, l, p);
	}
}

void
gather_bits(struct rule_matcher *m, uint32_t order)
{
	enum packet_class c =
		packet_class_of(m->in->pkt.proto, m->in->pkt.in_stream);

	add_bare(m, &m->groups->packet[c][m->in->dir].bits, order);
}

/* The new bytes of the stream are those of the segment that was scanned. */
static bool
is_segment(const struct rule_matcher *m, const struct rule_look *l)
{
	struct view fresh = view_sub(l->payload, l->seen, l->payload.len);

	return l->packet != 0 && m->segment.packet == l->packet &&
	       m->segment.dir == l->ends.dir &&
	       view_eq(m->segment.payload, fresh);
}

/* Scan 'k' of a segment, in what is new of the stream. */
static void
scan_stream(struct rule_matcher *m, const struct rule_look *l, unsigned k,
	    const struct rule_scan *s)
{
	const uint64_t *role = m->groups->headers.role[1];
	struct view data = l->payload;

	if (m->segment.scan[k].of == s && is_segment(m, l)) {
		for (uint32_t i = 0; i < m->segment.scan[k].n; i++) {
			add_found(m, s, m->segment.scan[k].ids[i], role);
		}
		if (l->seen == 0) {
			return;
		}
		/* only what lies across the seam is left */
		data = view_sub(data, 0, l->seen + s->longest - 1);
	}
	scan(m, s, data, l->seen, 0, role);
}

void
gather_stream(struct rule_matcher *m, const struct rule_look *l)
{
	const struct rule_plan *plan =
		rule_plan_find(&m->plans, &l->ends, l->plan);
	const struct rule_scan *near = plan->stream_near;
	const struct rule_scan *app =
		scan_of_app(m, l, PACKET_TCP_STREAM, plan->stream_apps);

	narrow(m, l, plan, true);
	if (plan->stream_bare) {
		add_bare(m, &m->groups->stream[l->ends.dir], 0);
	}
	if (near != NULL && l->offset + l->seen < near->reach) {
		scan(m, near,
		     view_sub(l->payload, 0, (size_t)(near->reach - l->offset)),
		     l->seen, l->offset, NULL);
	}
	if (plan->stream_far != NULL) {
		scan_stream(m, l, 0, plan->stream_far);
	}
	if (app != NULL) {
		scan_stream(m, l, 1, app);
	}
}

/* A rule that waits for the end of the chunk in which its literal stood. */
static void
await_chunk(struct rule_matcher *m, struct rule_flow *f, struct state_pending p,
	    uint32_t order, uint64_t end)
{
	const struct inspect *in = m->in;
	bool came = (m->candidates[order / 64] >> (order % 64) & 1) != 0;

	p.due = in->stream_end || p.end <= in->stream_chunk;
	p.again = p.due && came && !in->stream_end;
	if (came) {
		p.end = p.due ? end : p.end;
	}
	if (p.due) {
		add_candidate(m, order);
	}
	f->pending[in->dir][f->n_pending[in->dir]++] = p;
}

/*
 * A rule that waits is tried with every segment at first; later only when
 * enough came in to be worth going through the whole window again, so that
 * tiny segments cannot make the window be searched for every byte.
 */
static void
retry(struct rule_matcher *m, struct rule_flow *f,
      const struct state_pending *was)
{
	const struct inspect *in = m->in;
	struct state_pending p = *was;
	uint64_t end = in->stream_offset + in->buf[BUF_STREAM].v[0].len;
	uint32_t order = ruleset_order_of(m->rs, p.uid);

	if (order == ORDER_NONE) {
		return; /* the rule went with a former set */
	}
	if (m->groups->progs[order]->by_chunk) {
		await_chunk(m, f, p, order, end);
		return;
	}
	if (m->candidates[order / 64] >> (order % 64) & 1) {
		p.end = end; /* the literal came again */
		p.tried = end;
	}
	if (p.end <= in->stream_offset) {
		return; /* its literal has left the window */
	}
	if (p.tries < PEND_EAGER || end - p.tried >= PEND_STEP ||
	    in->stream_end) {
		p.tries += p.tries < UINT8_MAX;
		p.tried = end;
		add_candidate(m, order);
	}
	f->pending[in->dir][f->n_pending[in->dir]++] = p;
}

void
gather_pending(struct rule_matcher *m)
{
	const struct inspect *in = m->in;
	struct rule_flow *f = m->flow;
	uint8_t n;

	if (f == NULL) {
		return;
	}
	n = f->n_pending[in->dir];
	f->n_pending[in->dir] = 0;
	for (uint8_t i = 0; i < n; i++) {
		retry(m, f, &f->pending[in->dir][i]);
	}
}

/* Buffers of one direction only; their rules run whoever sent the packet. */
static bool
is_one_way(enum inspect_buf b)
{
	return (b >= BUF_HTTP_METHOD && b <= BUF_HTTP_RESP_BODY) ||
	       b == BUF_TLS_SNI || (b >= BUF_JA3_HASH && b <= BUF_JA4_HASH);
}

static bool
is_body(enum inspect_buf b)
{
	return b == BUF_HTTP_REQ_BODY || b == BUF_HTTP_RESP_BODY;
}

/* The rules of 'g' whose literal 'value' is or ends with. */
static void
look_up(struct rule_matcher *m, const struct rule_group *g, struct view value)
{
	const struct literal_slot *found[LITERAL_TABLE_FOUND];
	uint32_t n = literal_table_find(&g->table, value, found);

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < found[i]->n; k++) {
			suggest(m, g->table.orders[found[i]->first + k]);
		}
	}
}

static void
gather_buffer(struct rule_matcher *m, enum inspect_buf b, unsigned dir)
{
	const struct inspect *in = m->in;
	const struct rule_group *g = &m->groups->tx[b][dir];
	uint32_t n = MIN(in->buf[b].n, (uint32_t)MAX_INSTANCES);

	add_bare(m, g, 0);
	for (uint32_t i = 0; i < n; i++) {
		struct view v = in->buf[b].v[i];

		look_up(m, g, v);
		scan(m, &g->far, v, is_body(b) ? in->body_seen[in->dir] : 0,
		     is_body(b) ? in->body_offset[in->dir] : 0, NULL);
	}
}

/*
 * The file that is the body which this call is the first to show; NULL when
 * there is none.
 */
static const struct inspect_file *
file_of_body(const struct rule_matcher *m, enum inspect_buf b)
{
	const struct inspect *in = m->in;
	const struct inspect_list *body = &in->buf[b];
	bool mine = (b == BUF_HTTP_REQ_BODY) == (in->dir == DIR_TOSERVER);

	if (!mine || body->n == 0 || in->body_seen[in->dir] != 0 ||
	    m->groups->body[in->dir].prefilter == NULL) {
		return NULL;
	}
	for (uint32_t i = 0; i < in->n_files; i++) {
		const struct inspect_file *f = &in->files[i];

		if (f->fresh_data && f->data_seen == 0 &&
		    f->data.p == body->v[0].p &&
		    f->data.len == body->v[0].len) {
			return f;
		}
	}
	return NULL;
}

/* The same of a body, and of the file's data when 'f' is all of it. */
static void
gather_body(struct rule_matcher *m, enum inspect_buf b,
	    const struct inspect_file *f)
{
	unsigned dir = m->in->dir;
	const struct rule_group *g = &m->groups->tx[b][dir];

	if (f == NULL) {
		gather_buffer(m, b, dir);
		return;
	}
	add_bare(m, g, 0);
	look_up(m, g, f->data);
	g = &m->groups->tx[BUF_FILE_DATA][dir];
	add_bare(m, g, 0);
	look_up(m, g, f->data);
	scan(m, &m->groups->body[dir], f->data, 0, 0, NULL);
}

static void
gather_of_file(struct rule_matcher *m, enum inspect_buf b, struct view v,
	       size_t seen)
{
	const struct rule_group *g = &m->groups->tx[b][m->in->dir];

	add_bare(m, g, 0);
	look_up(m, g, v);
	scan(m, &g->far, v, seen, 0, NULL);
}

/* What is new of 'f', which is one instance of each of its buffers. */
static void
gather_file(struct rule_matcher *m, const struct inspect_file *f, bool data)
{
	if (f->fresh_name) {
		gather_of_file(m, BUF_FILE_NAME, f->name, 0);
	}
	if (f->fresh_magic) {
		gather_of_file(m, BUF_FILE_MAGIC, f->magic, 0);
	}
	if (f->fresh_data && data) {
		gather_of_file(m, BUF_FILE_DATA, f->data, f->data_seen);
	}
}

/*
 * What is fresh, in the groups that have rules; returns the file whose data
 * were looked at together with the body.
 */
static const struct inspect_file *
gather_fresh(struct rule_matcher *m)
{
	const struct inspect *in = m->in;
	const struct inspect_file *whole = NULL;

	for (unsigned w = 0; w < 2; w++) {
		uint64_t fresh = in->fresh[w] & m->rs->needed[w];
		uint64_t own = fresh & m->groups->tx_live[in->dir][w];
		uint64_t other = fresh & m->groups->tx_live[1 - in->dir][w];

		for (; own != 0; own &= own - 1) {
			enum inspect_buf b = (enum inspect_buf)(
				w * 64 + (unsigned)__builtin_ctzll(own));

			if (is_body(b)) {
				whole = file_of_body(m, b);
				gather_body(m, b, whole);
			} else {
				gather_buffer(m, b, in->dir);
			}
		}
		for (; other != 0; other &= other - 1) {
			enum inspect_buf b = (enum inspect_buf)(
				w * 64 + (unsigned)__builtin_ctzll(other));

			if (is_one_way(b)) {
				gather_buffer(m, b, 1 - in->dir);
			}
		}
	}
	return whole;
}

/* The programs that waited in the transaction. */
static void
gather_waiting(struct rule_matcher *m)
{
	uint32_t n = m->tx != NULL ? m->tx->pending.n : 0;

	if (n == 0) {
		return;
	}
	m->tx->pending.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t order = ruleset_order_of(m->rs, m->tx->pending.v[i]);

		if (order != ORDER_NONE) {
			add_candidate(m, order);
		}
	}
}

void
gather_tx(struct rule_matcher *m)
{
	const struct inspect *in = m->in;
	const struct inspect_file *whole;

	m->fits = NULL;
	whole = gather_fresh(m);
	for (uint32_t i = 0; i < in->n_files; i++) {
		gather_file(m, &in->files[i], &in->files[i] != whole);
	}
	add_bare(m, &m->groups->tx_bare[in->app][in->dir], 0);
	if (in->app != APP_UNKNOWN) {
		add_bare(m, &m->groups->tx_bare[APP_UNKNOWN][in->dir], 0);
	}
	gather_waiting(m);
}
