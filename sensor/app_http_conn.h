/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_conn.h - one HTTP connection: which message each side is in
 *
 * Requests and responses are matched by their order.  A message that ended
 * is "ending" until it is sure that no bytes without a home follow it.
 *
 * Place    above app_http_head.h and app_http_field.h; below app_http_start.
 * Threads  one worker.
 * Memory   one block a flow, and the heads that are arriving.
 */
#ifndef SENSOR_APP_HTTP_CONN_H
#define SENSOR_APP_HTTP_CONN_H

#include "sensor/app_http_line.h"

enum http_at {
	HTTP_AT_LINE, /* before or in a start line */
	HTTP_AT_PROBE, /* behind a request line without protocol */
	HTTP_AT_FIELDS,
	HTTP_AT_BODY,
	HTTP_AT_WAIT, /* behind a CONNECT that has no answer yet */
	HTTP_AT_END, /* nothing more is read */
};

/* One direction of a connection. */
struct http_side {
	enum http_at at;
	struct view in; /* bytes of the head that is arriving */
	struct buf kept; /* holds 'in', unless it is the segment at hand */
	bool lent; /* it is */
	size_t pos; /* where the head begins in 'in' */
	struct http_cutter cut; /* positions in 'in' */
	struct http_tx *tx; /* whose message this is, or whose just ended */
	uint64_t last_id; /* of the last message here */
	bool has_last, in_junk;
	bool same_tx; /* an interim response: the next is tx's too */
	uint8_t n_interim;
};

struct http_flow {
	struct http_side side[2]; /* by enum flow_dir */
	uint64_t next_response; /* lowest id that may still want one */
	bool tunnel; /* behind a CONNECT that was granted */
	enum app_result result;
};

/* What the functions below pass on. */
struct http_run {
	struct app_ctx *ctx;
	struct app_flow *af;
	struct http_flow *hf;
	struct http_side *s;
	enum flow_dir dir;
	bool eof;
	bool left; /* the connection is no longer HTTP */
};

/* This direction is over; 'maybe_body' ones may go on all the same. */
void http_mark_done(struct http_tx *tx, enum flow_dir dir);
/* The flow's transaction 'least', or the first after it unless 'exact'. */
struct http_tx *http_find_tx(const struct app_flow *af, uint64_t least,
			     bool exact);
/* Whose message this side read last; NULL when it is gone. */
struct http_tx *http_last_tx(const struct http_run *r);
struct http_tx *http_new_tx(struct http_run *r); /* NULL: counted */

/* The bytes that no message took yet. */
struct view http_pending(const struct http_side *s);

/* Notes bytes of 'm' as they were sent, when rules look at them. */
void http_keep_frame(struct http_run *r, struct http_msg *m, struct view v);
void http_begin_line(struct http_side *s);
/* Makes 'text' the start line of tx's message; false: given up. */
bool http_accept_line(struct http_run *r, struct http_tx *tx, struct view text);
/* The head goes as far as 'end' in 'in'. */
void http_on_head_end(struct http_run *r, size_t end);
void http_end_message(struct http_run *r);
void http_settle_ending(struct http_run *r);
/* Bytes behind a message that belong to no other: they are its body. */
void http_unexpected(struct http_run *r, struct http_tx *tx, struct view v);

/* These return whether to go on with the bytes at hand. */
bool http_too_long(struct http_run *r);
/* The side is given up; what it was in ends here. */
bool http_give_up(struct http_run *r);
/*
 * Both sides end: the connection goes on as 'next', or as whatever it turns
 * out to be when that is APP_UNKNOWN.
 */
bool http_leave(struct http_run *r, enum app_proto next);
/* Other bytes than HTTP came at a CONNECT's tunnel. */
bool http_enter_tunnel(struct http_run *r);

#endif
