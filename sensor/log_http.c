/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_http.h"

static void
put(struct json *j, const char *key, struct view v)
{
	if (v.len > 0) {
		json_str(j, key, v);
	}
}

/* Without parameters, RFC 9110 8.3.1. */
static struct view
media_type(struct view v)
{
	const uint8_t *semi = v.len > 0 ? memchr(v.p, ';', v.len) : NULL;

	return semi != NULL ? view_sub(v, 0, (size_t)(semi - v.p)) : v;
}

static void
put_range(struct json *j, struct view raw)
{
	struct http_range r;

	if (!http_parse_range(raw, &r)) {
		return;
	}
	json_obj(j, "content_range");
	json_str(j, "raw", raw);
	if (r.has_bytes) {
		json_u64(j, "start", r.start);
		json_u64(j, "end", r.end);
	}
	if (r.has_size) {
		json_u64(j, "size", r.size);
	}
	json_obj_end(j);
}

void
log_http(struct json *j, const struct http_tx *tx)
{
	json_obj(j, "http");
	log_http_members(j, tx);
	json_obj_end(j);
}

void
log_http_members(struct json *j, const struct http_tx *tx)
{
	const struct http_msg *req = &tx->msg[FLOW_TOSERVER];
	const struct http_msg *resp = &tx->msg[FLOW_TOCLIENT];

	put(j, "hostname", tx->host);
	if (tx->port > 0) {
		json_u64(j, "http_port", tx->port);
	}
	put(j, "url", tx->uri_raw);
	put(j, "http_user_agent", http_value_of(req, HTTP_NAME_USER_AGENT));
	put(j, "http_content_type",
	    media_type(http_value_of(resp, HTTP_NAME_CONTENT_TYPE)));
	put_range(j, http_value_of(resp, HTTP_NAME_CONTENT_RANGE));
	put(j, "http_refer", http_value_of(req, HTTP_NAME_REFERER));
	put(j, "http_method", tx->method);
	put(j, "protocol", req->protocol);
	if (tx->status > 0) {
		json_u64(j, "status", (uint64_t)tx->status);
		if (tx->status > 300 && tx->status < 304) {
			put(j, "redirect",
			    http_value_of(resp, HTTP_NAME_LOCATION));
		}
	} else {
		put(j, "status_string", tx->stat_code);
	}
	json_u64(j, "length", resp->body.wire_len);
}

static struct view
first_entry(struct view v)
{
	const uint8_t *comma = v.len > 0 ? memchr(v.p, ',', v.len) : NULL;

	return comma != NULL ? view_sub(v, 0, (size_t)(comma - v.p)) : v;
}

static struct view
last_entry(struct view v)
{
	size_t begin = v.len;

	while (begin > 0 && v.p[begin - 1] != ',') {
		begin--;
	}
	return view_sub(v, begin, v.len - begin);
}

/* "[2001:db8::1]:80", "192.0.2.1:80" and either without a port. */
static struct view
without_port(struct view v)
{
	const uint8_t *end;

	if (v.len > 0 && v.p[0] == '[') {
		end = memchr(v.p, ']', v.len);
		return end != NULL ? view_sub(v, 1, (size_t)(end - v.p) - 1)
				   : VIEW_NONE;
	}
	end = v.len > 0 ? memchr(v.p, ':', v.len) : NULL;
	if (end != NULL &&
	    memchr(end + 1, ':', v.len - (size_t)(end - v.p) - 1) == NULL) {
		return view_sub(v, 0, (size_t)(end - v.p));
	}
	return v;
}

bool
log_http_xff(const struct http_tx *tx, const char *header, bool last,
	     struct addr *out)
{
	struct view v = http_field_value(&tx->msg[FLOW_TOSERVER], header);

	v = http_trim(last ? last_entry(v) : first_entry(v));
	if (v.len >= 2 && v.p[0] == '"' && v.p[v.len - 1] == '"') {
		v = view_sub(v, 1, v.len - 2);
	}
	return addr_parse(without_port(v), out);
}
