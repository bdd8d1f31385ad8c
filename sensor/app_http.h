/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http.h - HTTP/1 transactions
 *
 * Reads what lenient servers and browsers accept (RFC 9112 and the deviations
 * evaders use), since a sensor must see what the victim sees.
 *
 * Place    above app_parser.h and app_http_body.h; below fill_http, log_http.
 * Threads  one worker.
 * Memory   a head is at most HTTP_HEAD_MAX bytes, a body its configured
 *          limit; fields live in the transaction's arena.
 * Cost     linear in the bytes, however they are cut into segments.
 */
#ifndef SENSOR_APP_HTTP_H
#define SENSOR_APP_HTTP_H

#include "sensor/app_http_body.h"
#include "sensor/app_parser.h"

#define HTTP_HEAD_MAX ((size_t)64 << 10) /* start line and fields */
#define HTTP_FIELDS_MAX 1000

/* One field; repeated ones are joined by ", " at the first one's place. */
struct http_field {
	struct view name, value;
	uint32_t hash; /* of the name, see http_field_find() */
	uint32_t next; /* while joining: index of the next same one, or 0 */
	uint32_t last;
	uint32_t n; /* how often it was sent */
};

enum http_version {
	HTTP_VERSION_NONE = 0, /* a request line without protocol: 0.9 */
	HTTP_VERSION_BAD = 1,
	HTTP_VERSION_0_9 = 9,
	HTTP_VERSION_1_0 = 10,
	HTTP_VERSION_1_1 = 11,
};

/* What fill_http() builds once per message and keeps. */
enum http_built {
	HTTP_BUILT_HEADER = 1 << 0,
	HTTP_BUILT_NAMES = 1 << 1,
	HTTP_BUILT_START = 1 << 2,
	HTTP_BUILT_EACH = 1 << 3,
};

struct http_settings {
	size_t body_limit[2]; /* by enum flow_dir */
	uint32_t body_step[2]; /* new bytes worth an inspection */
	uint64_t bomb_limit;
	uint32_t coding_layers; /* 0: bodies stay coded */
	bool decode_request;
	bool double_decode_path, double_decode_query;
	bool plus_is_space, uri_include_all, lower_path;
	bool backslash_is_slash, compress_slashes;
};

/* One direction of a transaction. */
struct http_msg {
	struct view line; /* start line without its end */
	struct view raw_fields; /* field lines and the empty line, as sent */
	struct http_field *fields;
	uint32_t n_fields;
	struct view protocol;
	enum http_version version;
	bool has_line, head_done;
	struct http_body body;

	uint32_t built; /* enum http_built */
	struct view header, names, start;
	struct view body_view; /* while a call to the rules lasts */
	struct view *each; /* "Name: value", n_fields of them */
};

struct http_tx {
	struct app_tx tx;
	struct http_msg msg[2]; /* by enum flow_dir */
	struct view method;
	struct view uri_raw;
	struct view uri; /* normalised path and query */
	struct view path; /* normalised; names a file */
	struct view uri_host; /* of an absolute or authority form */
	struct view host; /* lower case, no port */
	struct view host_raw;
	uint32_t port; /* of URI or Host; 0: none */
	struct view stat_code, stat_msg;
	int status; /* 100 to 999; 0: none or not a number */
	bool request_unseen; /* a response that belongs to no request */
	bool is_head, is_connect;
	bool form_tried; /* an upload form's file name was looked for */
	bool maybe_body; /* 204, 304 and 1xx should have none, yet may */
	struct view file_name[2], file_view[2];
	bool ending[2]; /* complete, unless bytes without a home follow */
	const struct http_settings *settings;
};

extern const struct app_parser app_http;

/* Reads app-layer.protocols.http.libhtp.default-config.*; false: no memory. */
bool http_setup(struct app_ctx *ctx) MUST_CHECK;
void http_teardown(struct app_ctx *ctx);

/* NULL when the message has no such field; 'name' in any case. */
const struct http_field *http_field_find(const struct http_msg *m,
					 const char *name);
struct view http_field_value(const struct http_msg *m, const char *name);

/*
 * Whether the body of this direction should be offered to the rules: it is
 * complete, or grew by body_step and by half since it last was.
 */
bool http_body_due(const struct http_tx *tx, enum flow_dir dir);

/* Whether a file went that way, and its name (may be empty): the one given
 * by Content-Disposition or an upload form, or the path. */
bool http_has_file(const struct http_tx *tx, enum flow_dir dir);
struct view http_file_name(struct http_tx *tx, enum flow_dir dir);

/* app_http_head.c */
/*
 * Finds line ends of a head that is still arriving.  A request's lines end in
 * LF; in responses a lone CR and LF CR do as well, as browsers have it.
 */
struct http_cutter {
	size_t at; /* where the line begins */
	size_t scan; /* no end before here */
	bool lf_cr; /* the last line ended in LF CR */
	bool any_cr; /* response rules */
};

struct http_line {
	struct view text; /* without its end */
	bool empty; /* nothing but a line end that ends a head */
};

/* False: the line's end, or what must be seen behind it, is not there. */
bool http_cut(struct http_cutter *c, struct view v, bool eof,
	      struct http_line *out);

bool http_is_space(uint8_t c); /* as C's isspace in the C locale */
bool http_is_blank(struct view v); /* white space only */
/* Whether a start line opens a response ("HTTP", any case). */
bool http_opens_response(struct view line);
/* Whether its first word is a method we know, or it ends in a protocol. */
bool http_opens_request(struct view line);

void http_parse_request_line(struct http_tx *tx);
void http_parse_response_line(struct http_tx *tx);
/* Fields of msg[dir] from its raw_fields. */
void http_parse_fields(struct http_tx *tx, enum flow_dir dir);
/* What follows from them: host, framing, codings, events. */
void http_request_head_done(struct http_tx *tx);
void http_response_head_done(struct http_tx *tx);

/* app_http_uri.c: sets uri, path, uri_host, port from uri_raw. */
void http_parse_uri(struct http_tx *tx);
/* "Host: name:port" into host and port; false when it is malformed. */
bool http_parse_host(struct view v, struct view *name, uint32_t *port);

#endif
