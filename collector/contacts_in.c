/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/contacts_in.h"

#include "common/clock.h"

/* Flows and bytes of an interval beyond these are not told by anything that
 * counts packets; nor can sums of them, and of percents, run over. */
#define MAX_FLOWS ((uint64_t)UINT32_MAX)
#define MAX_BYTES (UINT64_C(1) << 48)

static const struct json_value *
member(const struct json_reader *r, const struct json_value *obj,
       const char *name)
{
	return json_member(r, obj, view_cstr(name));
}

static bool
read_count(const struct json_reader *r, const struct json_value *obj,
	   const char *name, uint64_t most, uint64_t *out)
{
	const struct json_value *v = member(r, obj, name);

	return v != NULL && json_uint(v, most, out);
}

static bool
read_addr(const struct json_reader *r, const struct json_value *obj,
	  struct addr *out)
{
	const struct json_value *v = member(r, obj, "ip");

	return v != NULL && v->type == JSON_STRING && addr_parse(v->text, out);
}

static bool
read_time(const struct json_reader *r, const struct json_value *obj,
	  const char *name, uint64_t *out)
{
	const struct json_value *v = member(r, obj, name);

	return v != NULL && v->type == JSON_STRING &&
	       clock_parse_iso(v->text, out) && *out <= INT64_MAX;
}

static bool
read_sketch(const struct json_reader *r, const struct json_value *obj,
	    const char *name, struct hll *out)
{
	const struct json_value *v = member(r, obj, name);

	return v != NULL && v->type == JSON_STRING && hll_parse(v->text, out);
}

static bool
read_sums(const struct json_reader *r, const struct json_value *obj,
	  uint64_t *flows, uint64_t *failed, uint64_t *out, uint64_t *in)
{
	return read_count(r, obj, "flows", MAX_FLOWS, flows) &&
	       read_count(r, obj, "failed", MAX_FLOWS, failed) &&
	       read_count(r, obj, "bytes_out", MAX_BYTES, out) &&
	       read_count(r, obj, "bytes_in", MAX_BYTES, in);
}

static bool
read_proto(const struct json_reader *r, const struct json_value *obj,
	   uint8_t *out)
{
	const struct json_value *v = member(r, obj, "proto");

	if (v == NULL || v->type != JSON_STRING) {
		return false;
	}
	*out = view_eq(v->text, VIEW_LIT("TCP"))   ? CONTACTS_TCP
	       : view_eq(v->text, VIEW_LIT("UDP")) ? CONTACTS_UDP
						   : 0;
	return true;
}

static bool
read_starts(const struct json_reader *r, const struct json_value *obj,
	    const struct contacts *c, struct contacts_to *to)
{
	const struct json_value *list = member(r, obj, "starts");
	uint64_t ms;

	if (list == NULL || list->type != JSON_ARRAY) {
		return false;
	}
	for (const struct json_value *v = json_first(r, list); v != NULL;
	     v = json_next(r, list, v)) {
		if (to->n_starts == CONTACTS_MAX_STARTS ||
		    !json_uint(v, CONTACTS_MAX_SPAN_US / 1000, &ms)) {
			return false;
		}
		to->starts_us[to->n_starts++] = c->start_us + ms * 1000;
	}
	return true;
}

static bool
read_to(const struct json_reader *r, const struct json_value *list,
	struct contacts *c)
{
	for (const struct json_value *v = json_first(r, list); v != NULL;
	     v = json_next(r, list, v)) {
		struct contacts_to *to = &c->to[c->n_to];
		uint64_t port = 0;

		if (c->n_to == CONTACTS_MAX_TO || v->type != JSON_OBJECT) {
			return false;
		}
		if (!read_addr(r, v, &to->ip) ||
		    !read_count(r, v, "port", UINT16_MAX, &port) ||
		    !read_proto(r, v, &to->proto) ||
		    !read_sums(r, v, &to->flows, &to->failed, &to->bytes_out,
			       &to->bytes_in) ||
		    !read_starts(r, v, c, to)) {
			return false;
		}
		to->port = (uint16_t)port;
		c->n_to++;
	}
	return true;
}

bool
contacts_read(struct contacts *out, struct json_reader *r, struct view line,
	      const char **why)
{
	const struct json_value *obj, *list;

	memset(out, 0, sizeof(*out));
	*why = "JSON";
	if (!json_read(r, line)) {
		return false;
	}
	*why = "contacts";
	obj = member(r, json_root(r), "contacts");
	if (obj == NULL || obj->type != JSON_OBJECT) {
		return false;
	}
	*why = "contacts.ip";
	if (!read_addr(r, obj, &out->ip)) {
		return false;
	}
	*why = "contacts.start or end";
	if (!read_time(r, obj, "start", &out->start_us) ||
	    !read_time(r, obj, "end", &out->end_us) ||
	    out->end_us < out->start_us ||
	    out->end_us - out->start_us > CONTACTS_MAX_SPAN_US) {
		return false;
	}
	*why = "contacts.flows, failed or bytes";
	if (!read_sums(r, obj, &out->flows, &out->failed, &out->bytes_out,
		       &out->bytes_in)) {
		return false;
	}
	*why = "contacts.peers_sketch or ports_sketch";
	if (!read_sketch(r, obj, "peers_sketch", &out->peers) ||
	    !read_sketch(r, obj, "ports_sketch", &out->ports)) {
		return false;
	}
	*why = "contacts.to";
	list = member(r, obj, "to");
	return list != NULL && list->type == JSON_ARRAY &&
	       read_to(r, list, out);
}

bool
contacts_complete(const struct contacts *c)
{
	uint64_t flows = 0, failed = 0;

	for (unsigned i = 0; i < c->n_to; i++) {
		flows += c->to[i].flows;
		failed += c->to[i].failed;
	}
	return flows >= c->flows && failed >= c->failed;
}
