/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_payload.h"

#include <stdio.h>

/* As Suricata prints bytes. */
static void
put_printable(struct json *j, const char *key, struct view head, struct view v)
{
	json_str_begin(j, key);
	json_str_part(j, head);
	json_printable_part(j, v);
	json_str_end(j);
}

static struct view
shown_of(const struct payload *p, const struct alert_conf *c)
{
	size_t n = MIN(p->v.len, (size_t)c->payload_max);

	return p->stream ? view_sub(p->v, p->v.len - n, p->v.len)
			 : view_sub(p->v, 0, n);
}

void
payload_cut(struct payload *p, const struct alert_conf *c)
{
	p->all = MAX(p->all, p->v.len);
	p->v = c->payload || c->payload_printable ? shown_of(p, c) : VIEW_NONE;
}

void
log_payload(struct json *j, const struct payload *p, const struct alert_conf *c)
{
	size_t all = MAX(p->all, p->v.len);

	if (all > 0) {
		char text[48];
		struct view lost = view_of(text, 0);
		struct view shown = shown_of(p, c);

		if (shown.len == all && p->gap > 0) {
			lost.len = (size_t)snprintf(text, sizeof(text),
						    "[%llu bytes missing]",
						    (unsigned long long)p->gap);
		}
		if (c->payload) {
			json_base64_two(j, "payload", lost, shown);
		}
		if (c->payload_printable) {
			put_printable(j, "payload_printable", lost, shown);
		}
		if (c->payload_length) {
			json_u64(j, "payload_length", all);
		}
	}
	if (c->payload || c->payload_printable || c->payload_length) {
		json_u64(j, "stream", p->stream ? 1 : 0);
	}
}

void
log_http_bodies(struct json *j, const struct http_tx *tx,
		const struct alert_conf *c)
{
	static const char *const raw[2] = { "http_request_body",
					    "http_response_body" };
	static const char *const text[2] = { "http_request_body_printable",
					     "http_response_body_printable" };

	for (unsigned d = 0; d < 2; d++) {
		struct view v = buf_view(&tx->msg[d].body.data);

		v = view_sub(v, 0, MIN(v.len, (size_t)c->payload_max));
		if (v.len == 0) {
			continue;
		}
		if (c->http_body) {
			json_base64(j, raw[d], v);
		}
		if (c->http_body_printable) {
			put_printable(j, text[d], VIEW_NONE, v);
		}
	}
}
