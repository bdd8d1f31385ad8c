/* SPDX-License-Identifier: Apache-2.0 */
#include "common/evidence_ask.h"

void
evidence_ask_write(struct json *j, const struct evidence_ask *a)
{
	char text[ADDR_TEXT_CAP];

	json_cstr(j, "id", a->id);
	json_arr(j, "hosts");
	for (int i = 0; i < 2; i++) {
		addr_format(&a->host[i], text);
		json_cstr(j, NULL, text);
	}
	json_arr_end(j);
	json_arr(j, "ports");
	json_u64(j, NULL, a->port[0]);
	json_u64(j, NULL, a->port[1]);
	json_arr_end(j);
	json_u64(j, "proto", a->proto);
	json_u64(j, "from", a->from_us);
	json_u64(j, "to", a->to_us);
	json_u64(j, "max_bytes", a->max_bytes);
}

bool
evidence_id_ok(struct view id)
{
	if (id.len == 0 || id.len >= EVIDENCE_ID_CAP) {
		return false;
	}
	for (size_t i = 0; i < id.len; i++) {
		uint8_t c = id.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z')) {
			return false;
		}
	}
	return true;
}

static bool
number(const struct json_reader *r, const struct json_value *obj,
       const char *name, uint64_t max, uint64_t *out)
{
	const struct json_value *v = json_member(r, obj, view_cstr(name));

	return v != NULL && json_uint(v, max, out);
}

/* Two hosts and two ports, no more and no less. */
static bool
read_ends(const struct json_reader *r, const struct json_value *obj,
	  struct evidence_ask *out)
{
	const struct json_value *hosts = json_member(r, obj, VIEW_LIT("hosts"));
	const struct json_value *ports = json_member(r, obj, VIEW_LIT("ports"));
	const struct json_value *h, *p;

	if (hosts == NULL || hosts->type != JSON_ARRAY || ports == NULL ||
	    ports->type != JSON_ARRAY) {
		return false;
	}
	h = json_first(r, hosts);
	p = json_first(r, ports);
	for (int i = 0; i < 2; i++) {
		uint64_t port;

		if (h == NULL || p == NULL || h->type != JSON_STRING ||
		    !addr_parse(h->text, &out->host[i]) ||
		    !json_uint(p, UINT16_MAX, &port)) {
			return false;
		}
		out->port[i] = (uint16_t)port;
		h = json_next(r, hosts, h);
		p = json_next(r, ports, p);
	}
	return h == NULL && p == NULL;
}

bool
evidence_ask_read(const struct json_reader *r, const struct json_value *obj,
		  struct evidence_ask *out)
{
	const struct json_value *id = json_member(r, obj, VIEW_LIT("id"));
	uint64_t proto;

	memset(out, 0, sizeof(*out));
	if (id == NULL || id->type != JSON_STRING ||
	    !evidence_id_ok(id->text) || !read_ends(r, obj, out) ||
	    !number(r, obj, "proto", UINT8_MAX, &proto) ||
	    !number(r, obj, "from", INT64_MAX, &out->from_us) ||
	    !number(r, obj, "to", INT64_MAX, &out->to_us) ||
	    !number(r, obj, "max_bytes", EVIDENCE_ASK_MAX, &out->max_bytes)) {
		return false;
	}
	memcpy(out->id, id->text.p, id->text.len);
	out->proto = (uint8_t)proto;
	return out->from_us <= out->to_us &&
	       out->max_bytes >= EVIDENCE_ASK_LEAST;
}
