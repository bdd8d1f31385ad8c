/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_file.h"

#include "sensor/app_http_head.h"
#include "sensor/file_range.h"
#include "sensor/http_range.h"
#include "sensor/multipart.h"

/* The body is a share of a file whose rest other responses bring. */
static void
begin_range(struct http_carrier *c, const struct file_start *part,
	    const struct http_range *range)
{
	struct file_start whole = *part;
	struct range_id id = {
		.server = c->tx->host,
		.name = c->tx->uri_raw,
		.start = range->start,
		.end = range->end,
		.total = range->size,
		.now_us = c->af->now_us,
	};

	if (!range->has_size || c->ctx->ranges == NULL || c->af->flow == NULL) {
		return;
	}
	memcpy(id.host, c->af->flow->addr, sizeof(id.host));
	whole.front = NULL;
	whole.dir |= 2; /* its name in the store is not the part's */
	c->range = range_begin(c->ctx->ranges, c->ctx->files, &id, &whole);
}

/* A range of all is no range. */
static bool
is_all(const struct http_range *r)
{
	return r->has_size && r->start == 0 && r->end + 1 == r->size;
}

/* A new file of the body, named 'name'; it takes the bytes that follow. */
static void
begin_file(struct http_carrier *c, struct view name, bool whole_body)
{
	struct app_tx *tx = &c->tx->tx;
	struct http_msg *m = &c->tx->msg[c->dir];
	struct file_start start = {
		.name = name,
		.flow_id = c->af->flow != NULL ? c->af->flow->id : 0,
		.tx_id = tx->id,
		.dir = c->dir,
		.front = whole_body ? &m->body.data : NULL,
		.front_limit = c->tx->settings->body_limit[c->dir],
		.step = c->tx->settings->body_step[c->dir],
	};
	struct http_range range;

	c->file = file_open(c->ctx->files, &tx->arena, &tx->files[c->dir],
			    &start);
	if (c->file == NULL) {
		return;
	}
	c->file->wanted = c->file->wanted || tx->store_files[c->dir] ||
			  c->af->store_files[c->dir];
	if (whole_body && c->dir == FLOW_TOCLIENT &&
	    http_parse_range(http_value_of(m, HTTP_NAME_CONTENT_RANGE),
			     &range) &&
	    range.has_bytes && !is_all(&range)) {
		c->file->has_range = true;
		c->file->start = range.start;
		c->file->end = range.end;
		begin_range(c, &start, &range);
	}
	tx->updated[c->dir] = true;
}

static void
end_file(struct http_carrier *c, bool whole)
{
	if (c->file != NULL) {
		file_close(c->ctx->files, c->file, &c->tx->tx.arena,
			   whole ? FILE_CLOSED : FILE_TRUNCATED);
		c->tx->tx.updated[c->dir] = true;
		c->file = NULL;
	}
}

static void
end_range(struct http_carrier *c)
{
	struct app_tx *tx = &c->tx->tx;

	if (c->range != NULL &&
	    range_end(c->ctx->ranges, c->ctx->files, c->range, &tx->arena,
		      &tx->files[c->dir]) != NULL) {
		tx->updated[c->dir] = true;
	}
	c->range = NULL;
}

/* The value of field 'name' in the lines of a part's head. */
static struct view
head_field(struct view head, const char *name)
{
	size_t n = strlen(name);

	while (head.len > 0) {
		const uint8_t *lf = memchr(head.p, '\n', head.len);
		size_t len = lf != NULL ? (size_t)(lf - head.p) + 1 : head.len;
		struct view line = view_sub(head, 0, len);

		if (line.len > n && line.p[n] == ':' &&
		    view_caseeq(view_sub(line, 0, n), view_cstr(name))) {
			return view_sub(line, n + 1, line.len);
		}
		head = view_sub(head, len, head.len);
	}
	return VIEW_NONE;
}

/* A part without a file name is a field of the form, RFC 7578 4.2. */
static void
on_part(void *arg, struct view head)
{
	struct view name =
		http_disposition_name(head_field(head, "content-disposition"));

	if (name.len > 0) {
		begin_file(arg, name, false);
	}
}

static void
on_part_data(void *arg, struct view data)
{
	struct http_carrier *c = arg;

	if (c->file != NULL) {
		file_data(c->ctx->files, c->file, data);
	}
}

static void
on_part_end(void *arg, bool whole)
{
	end_file(arg, whole);
}

static bool
begin_form(struct http_carrier *c)
{
	struct http_msg *m = &c->tx->msg[c->dir];
	const struct multipart_out out = { on_part, on_part_data, on_part_end,
					   c };
	struct view boundary;

	if (c->dir != FLOW_TOSERVER ||
	    !multipart_boundary(http_value_of(m, HTTP_NAME_CONTENT_TYPE),
				&boundary)) {
		return false;
	}
	c->form = pool_get(c->ctx->pool, sizeof(*c->form));
	if (c->form == NULL) {
		c->ctx->n_no_memory++;
		return false;
	}
	multipart_init(c->form, boundary, &out);
	return true;
}

/* Requests of other methods say what they want; they carry no file. */
static bool
carries_file(const struct http_carrier *c)
{
	return c->dir == FLOW_TOCLIENT ||
	       view_eq(c->tx->method, VIEW_LIT("POST")) ||
	       view_eq(c->tx->method, VIEW_LIT("PUT"));
}

static void
begin(struct http_carrier *c)
{
	c->begun = true;
	if (!carries_file(c) || begin_form(c)) {
		return;
	}
	begin_file(c, c->tx->file_name[c->dir], true);
}

static void
take(void *arg, struct view plain)
{
	struct http_carrier *c = arg;

	if (plain.len == 0) {
		return;
	}
	if (!c->begun) {
		begin(c);
	}
	if (c->range != NULL) {
		range_data(c->ctx->ranges, c->ctx->files, c->range, plain);
	}
	if (c->form != NULL) {
		multipart_feed(c->form, plain);
	} else if (c->file != NULL) {
		file_data(c->ctx->files, c->file, plain);
	}
	if (c->file != NULL &&
	    file_find_magic(c->ctx->files, c->file, &c->tx->tx.arena)) {
		c->tx->tx.updated[c->dir] = true;
	}
}

static void
lose(void *arg, uint64_t bytes)
{
	struct http_carrier *c = arg;

	if (!c->begun) {
		begin(c);
	}
	if (c->range != NULL) {
		range_lost(c->range);
	}
	if (c->form != NULL) {
		multipart_gap(c->form);
	}
	if (c->file != NULL) {
		file_lost(c->ctx->files, c->file, bytes);
	}
}

void
http_msg_begin(struct app_ctx *ctx, struct app_flow *af, struct http_tx *tx,
	       enum flow_dir dir)
{
	struct http_msg *m = &tx->msg[dir];

	*m = (struct http_msg){ 0 };
	buf_init(&m->frame, ctx->pool, ctx->keep_frames ? HTTP_FRAME_MAX : 0);
	http_body_init(&m->body, ctx->pool, tx->settings->body_limit[dir],
		       &tx->tx.events, dir == FLOW_TOCLIENT);
	m->carrier = (struct http_carrier){
		.ctx = ctx, .af = af, .tx = tx, .dir = (uint8_t)dir
	};
	m->body.sink = (struct http_body_sink){ take, lose, &m->carrier };
}

void
http_msg_end(struct http_tx *tx, enum flow_dir dir)
{
	struct http_msg *m = &tx->msg[dir];

	m->body.sink = (struct http_body_sink){ 0 };
	end_range(&m->carrier);
	if (m->carrier.form != NULL) {
		pool_put(m->carrier.ctx->pool, m->carrier.form,
			 sizeof(*m->carrier.form));
		m->carrier.form = NULL;
	}
	http_body_fini(&m->body);
	buf_fini(&m->frame);
}

void
http_files_end(struct http_tx *tx, enum flow_dir dir)
{
	struct http_msg *m = &tx->msg[dir];
	const struct http_body *b = &m->body;
	struct http_carrier *c = &m->carrier;

	if (!b->complete) {
		return; /* more may come: see http_tx.maybe_body */
	}
	if (c->form != NULL) {
		multipart_end(c->form);
	}
	end_file(c, !b->gap && !b->cut_off && !b->bomb);
	end_range(c);
}

bool
http_files_due(const struct http_tx *tx, enum flow_dir dir)
{
	const struct file *f = tx->msg[dir].carrier.file;

	return f != NULL && file_due(f);
}
