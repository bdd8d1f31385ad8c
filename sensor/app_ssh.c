/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_ssh.h"

#include "sensor/hex_digest.h"

#define HEAD_LEN 6 /* length, length of padding, message number */
#define COOKIE_LEN 16
#define N_LISTS 8 /* of the ten name-lists of a KEXINIT, those in use */

enum message { MSG_KEXINIT = 20, MSG_NEWKEYS = 21 }; /* RFC 4253 12 */

/* RFC 4253 7.1: the lists in their order. */
enum name_list {
	LIST_KEX,
	LIST_HOST_KEY,
	LIST_CIPHER, /* client to server, then server to client */
	LIST_MAC = 4,
	LIST_COMPRESSION = 6,
};

/* One direction's place. */
struct side {
	bool in_packets; /* behind the version line */
	bool in_long; /* passes over a line that is too long */
	bool dark; /* encrypted from here on */
	uint8_t head[HEAD_LEN];
	uint8_t n_head;
	uint32_t left; /* of the packet */
	bool collect; /* a KEXINIT, kept in 'buf' */
	struct buf buf; /* the line, or the packet */
};

struct ssh_state {
	struct ssh_tx *tx; /* NULL once both directions are done */
	struct side side[2];
	bool over; /* the transaction was given away */
};

static void *
state_new(struct app_ctx *ctx, struct app_flow *af)
{
	struct ssh_state *st = pool_get(ctx->pool, sizeof(*st));

	(void)af;
	if (st != NULL) {
		memset(st, 0, sizeof(*st));
		buf_init(&st->side[0].buf, ctx->pool, SSH_PACKET_MAX);
		buf_init(&st->side[1].buf, ctx->pool, SSH_PACKET_MAX);
	}
	return st;
}

static void
state_free(struct app_ctx *ctx, struct app_flow *af, void *state)
{
	struct ssh_state *st = state;

	(void)af;
	if (st != NULL) {
		buf_fini(&st->side[0].buf);
		buf_fini(&st->side[1].buf);
		pool_put(ctx->pool, st, sizeof(*st));
	}
}

static void
add_event(struct ssh_state *st, enum event_id e)
{
	event_set_add(&st->tx->tx.events, e);
}

/* 'dir' will show nothing more. */
static void
side_done(struct ssh_state *st, enum flow_dir dir)
{
	st->tx->tx.done[dir] = true;
	st->tx->tx.updated[dir] = true;
	buf_fini(&st->side[dir].buf);
}

static bool
begins(struct view v, struct view with)
{
	return v.len >= with.len && memcmp(v.p, with.p, with.len) == 0;
}

/* The bytes of 'v' before the first of 'stop'. */
static struct view
until(struct view v, const char *stop)
{
	size_t n = 0;

	while (n < v.len && (v.p[n] == 0 || strchr(stop, v.p[n]) == NULL)) {
		n++;
	}
	return view_sub(v, 0, n);
}

/* "SSH-protoversion-softwareversion SP comments", RFC 4253 4.2. */
static void
take_version(struct ssh_state *st, enum flow_dir dir, struct view line)
{
	struct ssh_tx *tx = st->tx;
	struct ssh_side *out = &tx->side[dir];
	struct view rest, proto, software;

	st->side[dir].in_packets = true;
	rest = view_sub(line, 4, line.len);
	proto = until(rest, "-");
	software = until(view_sub(rest, proto.len + 1, rest.len), " \r\n");
	if (proto.len == 0 || proto.len == rest.len || software.len == 0) {
		add_event(st, EV_SSH_INVALID_BANNER);
		side_done(st, dir);
		return;
	}
	out->proto = arena_copy(&tx->tx.arena, proto);
	out->software = arena_copy(&tx->tx.arena, software);
	out->has_version = true;
	tx->tx.logged = false;
	tx->tx.updated[dir] = true;
	/* 1.99 speaks both; what is older has other packets. */
	if (!begins(proto, VIEW_LIT("2")) &&
	    !view_eq(proto, VIEW_LIT("1.99"))) {
		side_done(st, dir);
	}
}

/* A line before the packets.  A server may say other things first. */
static void
take_line(struct ssh_state *st, enum flow_dir dir, struct view line)
{
	if (begins(line, VIEW_LIT("SSH-"))) {
		take_version(st, dir, line);
	} else if (dir == FLOW_TOSERVER) {
		add_event(st, EV_SSH_INVALID_BANNER);
		side_done(st, dir);
	}
}

static struct view
run_line(struct app_ctx *ctx, struct ssh_state *st, enum flow_dir dir,
	 struct view data)
{
	struct side *s = &st->side[dir];
	const uint8_t *lf = memchr(data.p, '\n', data.len);
	size_t n = lf != NULL ? (size_t)(lf - data.p) + 1 : data.len;
	size_t room = SSH_LINE_MAX - MIN(s->buf.len, (size_t)SSH_LINE_MAX);

	if (!s->in_long && n > room) {
		s->in_long = true;
		n = room;
		lf = NULL;
	} else if (s->in_long) {
		if (lf != NULL) {
			add_event(st, EV_SSH_LONG_BANNER);
			take_line(st, dir, buf_view(&s->buf));
			s->in_long = false;
			s->buf.len = 0;
		}
		return view_sub(data, n, data.len);
	}
	if (buf_append(&s->buf, view_sub(data, 0, n)) < n) {
		ctx->n_no_memory++;
		side_done(st, dir);
		return VIEW_NONE;
	}
	if (lf != NULL) {
		take_line(st, dir, buf_view(&s->buf));
		s->buf.len = 0;
	}
	return view_sub(data, n, data.len);
}

/* Joins what HASSH is made of with ';'. */
static void
make_hassh(struct ssh_tx *tx, enum flow_dir dir,
	   const struct view lists[N_LISTS])
{
	const struct view parts[] = { lists[LIST_KEX], lists[LIST_CIPHER + dir],
				      lists[LIST_MAC + dir],
				      lists[LIST_COMPRESSION + dir] };
	struct ssh_side *out = &tx->side[dir];
	char text[HEX_DIGEST_CAP];
	size_t cap = ARRAY_LEN(parts), n = 0;
	uint8_t *p;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		cap += parts[i].len;
	}
	p = arena_alloc(&tx->tx.arena, cap);
	if (p == NULL) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (i > 0) {
			p[n++] = ';';
		}
		if (parts[i].len > 0) {
			memcpy(p + n, parts[i].p, parts[i].len);
			n += parts[i].len;
		}
	}
	out->hassh_string = view_of(p, n);
	n = hex_digest(HEX_MD5, out->hassh_string, 0, text);
	out->hassh = arena_copy(&tx->tx.arena, view_of(text, n));
}

/* The payload behind the message number, RFC 4253 7.1 and RFC 4251 5. */
static void
take_kexinit(struct ssh_state *st, enum flow_dir dir, struct view v)
{
	struct ssh_tx *tx = st->tx;
	struct view lists[N_LISTS];

	v = view_sub(v, COOKIE_LEN, v.len);
	for (unsigned i = 0; i < N_LISTS; i++) {
		uint32_t len;

		if (v.len < 4 || (len = load_be32(v.p)) > v.len - 4) {
			add_event(st, EV_SSH_INVALID_RECORD);
			return;
		}
		lists[i] = view_sub(v, 4, len);
		v = view_sub(v, 4 + (size_t)len, v.len);
	}
	if (!tx->side[dir].has_kex) {
		tx->side[dir].has_kex = true;
		make_hassh(tx, dir, lists);
	}
	tx->tx.updated[dir] = true;
}

/* RFC 4253 6: the head of a packet is complete; false: it is none. */
static bool
open_packet(struct ssh_state *st, enum flow_dir dir)
{
	struct side *s = &st->side[dir];
	uint32_t len = load_be32(s->head);

	s->n_head = 0;
	if (len < 2 || len > SSH_PACKET_MAX || s->head[4] > len - 2) {
		add_event(st, EV_SSH_INVALID_RECORD);
		return false;
	}
	s->left = len - 2;
	s->collect = s->head[5] == MSG_KEXINIT;
	return true;
}

static void
close_packet(struct ssh_state *st, enum flow_dir dir)
{
	struct side *s = &st->side[dir];

	if (s->collect) {
		take_kexinit(st, dir,
			     view_sub(buf_view(&s->buf), 0,
				      s->buf.len - s->head[4]));
		buf_fini(&s->buf);
	} else if (s->head[5] == MSG_NEWKEYS) {
		s->dark = true;
		side_done(st, dir);
	}
}

static struct view
run_packet(struct app_ctx *ctx, struct ssh_state *st, enum flow_dir dir,
	   struct view data)
{
	struct side *s = &st->side[dir];
	size_t n;

	if (s->left == 0) {
		n = MIN((size_t)(HEAD_LEN - s->n_head), data.len);
		memcpy(s->head + s->n_head, data.p, n);
		s->n_head += (uint8_t)n;
		if (s->n_head == HEAD_LEN && !open_packet(st, dir)) {
			side_done(st, dir);
		} else if (s->n_head == 0 && s->left == 0) {
			close_packet(st, dir);
		}
		return view_sub(data, n, data.len);
	}
	n = MIN((size_t)s->left, data.len);
	s->left -= (uint32_t)n;
	if (s->collect && buf_append(&s->buf, view_sub(data, 0, n)) < n) {
		ctx->n_no_memory++;
		s->collect = false;
		buf_fini(&s->buf);
	}
	if (s->left == 0) {
		close_packet(st, dir);
	}
	return view_sub(data, n, data.len);
}

/* Gives the transaction away when both sides are done. */
static enum app_result
result(struct ssh_state *st, struct app_flow *af, enum flow_dir dir)
{
	struct app_tx *tx = &st->tx->tx;
	bool done = tx->done[dir];

	if (tx->done[0] && tx->done[1]) {
		st->tx = NULL;
		st->over = true;
		af->encrypted = true;
		af->dark = st->side[0].dark && st->side[1].dark;
	}
	return done ? APP_PARSE_DONE : APP_PARSE_OK;
}

static enum app_result
parse(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
      struct view data)
{
	struct ssh_state *st = af->state;

	if (st->over) {
		return APP_PARSE_DONE;
	}
	if (st->tx == NULL) {
		st->tx = app_tx_new(ctx, af, &app_ssh, sizeof(*st->tx));
		if (st->tx == NULL) {
			return APP_PARSE_FAILED;
		}
		st->tx->tx.logged = true; /* nothing to tell before a version */
	}
	while (data.len > 0 && !st->tx->tx.done[dir]) {
		data = st->side[dir].in_packets ? run_packet(ctx, st, dir, data)
						: run_line(ctx, st, dir, data);
	}
	return result(st, af, dir);
}

static enum app_result
gap(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir, uint64_t bytes)
{
	struct ssh_state *st = af->state;
	struct side *s = &st->side[dir];

	(void)ctx;
	if (st->over) {
		return APP_PARSE_DONE;
	}
	if (st->tx == NULL) {
		return APP_PARSE_FAILED;
	}
	if (s->collect || s->n_head > 0 || bytes >= s->left) {
		side_done(st, dir);
		(void)result(st, af, dir);
		return APP_PARSE_FAILED;
	}
	s->left -= (uint32_t)bytes;
	return APP_PARSE_OK;
}

static void
eof(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir)
{
	struct ssh_state *st = af->state;

	(void)ctx;
	if (st->tx != NULL && !st->tx->tx.done[dir]) {
		side_done(st, dir);
		(void)result(st, af, dir);
	}
}

static enum app_probe
probe(struct view v, enum flow_dir dir, bool by_port)
{
	struct view want = VIEW_LIT("SSH-");
	size_t n = MIN(v.len, want.len);

	(void)dir;
	(void)by_port;
	if (!view_eq(view_sub(v, 0, n), view_sub(want, 0, n))) {
		return PROBE_NO;
	}
	return n < want.len ? PROBE_MORE : PROBE_YES;
}

static const uint16_t ports[] = { 22, 0 };

const struct app_parser app_ssh = {
	.proto = APP_SSH,
	.tcp = true,
	.ports = ports,
	.probe = probe,
	.state_new = state_new,
	.state_free = state_free,
	.parse = parse,
	.gap = gap,
	.eof = eof,
};
