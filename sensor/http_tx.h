/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_tx.h - an HTTP/1 transaction: what its parser writes and others read
 *
 * Place    above app_parser.h, app_http_body.h and http_name.h; below every app_http_*.
 * Threads  one worker.
 * Memory   a head is at most HTTP_HEAD_MAX bytes, a body its configured
 *          limit; fields live in the transaction's arena.
 */
#ifndef SENSOR_HTTP_TX_H
#define SENSOR_HTTP_TX_H

#include "sensor/app_http_body.h"
#include "sensor/app_parser.h"
#include "sensor/http_name.h"

#define HTTP_HEAD_MAX ((size_t)64 << 10) /* start line and fields */
#define HTTP_FIELDS_MAX 1000
STATIC_ASSERT(HTTP_FIELDS_MAX < UINT16_MAX, "they have short numbers");
#define HTTP_FRAME_MAX ((size_t)1 << 20) /* of a message, for "frame" */

/* One field; repeated ones are joined by ", " at the first one's place. */
struct http_field {
	struct view name, value;
	uint32_t hash; /* http_name_hash() */
	enum http_name known;
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
	HTTP_BUILT_PLAIN = 1 << 4, /* it was found out whether it is plain */
};

struct http_settings {
	size_t body_limit[2]; /* by enum flow_dir */
	uint32_t body_step[2]; /* new bytes worth an inspection */
	uint64_t bomb_limit;
	size_t lzma_limit; /* bytes of dictionary; 0: LZMA stays coded */
	uint32_t coding_layers; /* 0: bodies stay coded */
	bool decode_request;
	bool double_decode_path, double_decode_query;
	bool plus_is_space, uri_include_all, lower_path;
	bool backslash_is_slash, compress_slashes;
};

struct http_tx;

/* How the body of one direction is files: see app_http_file.h. */
struct http_carrier {
	struct app_ctx *ctx;
	struct app_flow *af;
	struct http_tx *tx;
	struct file *file; /* the one that bytes go to, or NULL */
	struct range_part *range; /* its share of a larger file */
	struct multipart *form; /* an upload form's parts are files */
	uint8_t dir; /* enum flow_dir */
	bool begun; /* it was decided which of these it is */
};

/* One direction of a transaction. */
struct http_msg {
	struct view line; /* start line without its end */
	struct view raw_fields; /* field lines and the empty line, as sent */
	struct view whole; /* 'line', CR LF and raw_fields; may be unset */
	struct http_field *fields;
	uint32_t n_fields;
	uint16_t at[HTTP_NAME_COUNT]; /* index of the field + 1; 0: none */
	struct view protocol;
	enum http_version version;
	bool has_line, head_done;
	struct http_body body;

	struct buf frame; /* all of it as sent, if anyone asks */
	struct view frame_view; /* while a call to the rules lasts */
	uint32_t built; /* enum http_built */
	bool plain; /* the fields were sent as rules see them */
	struct view header, names, start;
	struct view body_view; /* while a call to the rules lasts */
	struct http_carrier carrier;
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
	bool maybe_body; /* 204, 304 and 1xx should have none, yet may */
	struct view file_name[2]; /* of a body that is one file */
	bool ending[2]; /* complete, unless bytes without a home follow */
	const struct http_settings *settings;
};

/* As C's isspace() in the C locale. */
static inline bool
http_is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without the white space around it. */
static inline struct view
http_trim(struct view v)
{
	while (v.len > 0 && http_is_space(v.p[0])) {
		v = view_sub(v, 1, v.len);
	}
	while (v.len > 0 && http_is_space(v.p[v.len - 1])) {
		v.len--;
	}
	return v;
}

/* Space or tab, RFC 9110 5.6.3. */
static inline bool
http_is_lws(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* NULL when the message has no such field. */
static inline const struct http_field *
http_field_of(const struct http_msg *m, enum http_name name)
{
	return m->at[name] != 0 ? &m->fields[m->at[name] - 1] : NULL;
}

static inline struct view
http_value_of(const struct http_msg *m, enum http_name name)
{
	const struct http_field *f = http_field_of(m, name);

	return f != NULL ? f->value : VIEW_NONE;
}

/* The same by a name in any case. */
const struct http_field *http_field_find(const struct http_msg *m,
					 const char *name);
struct view http_field_value(const struct http_msg *m, const char *name);

/*
 * Whether the body of this direction should be offered to the rules: it is
 * complete, or grew by body_step and by half since it last was.
 */
bool http_body_due(const struct http_tx *tx, enum flow_dir dir);

#endif
