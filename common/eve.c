/* SPDX-License-Identifier: Apache-2.0 */
#include "common/eve.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/json_read.h"

/* What one line is read with. */
struct eve {
	struct json_reader json;
};

/* The text under 'key', none when absent; false when it is no text. */
static bool
get_text(const struct eve *e, const struct json_value *obj, const char *key,
	 struct view *out)
{
	const struct json_value *v = json_member(&e->json, obj, view_cstr(key));

	if (v == NULL || v->type == JSON_NULL) {
		return true;
	}
	if (v->type != JSON_STRING) {
		return false;
	}
	*out = v->text;
	return true;
}

static bool
get_uint(const struct eve *e, const struct json_value *obj, const char *key,
	 uint64_t max, uint64_t *out)
{
	const struct json_value *v = json_member(&e->json, obj, view_cstr(key));

	return v == NULL || json_uint(v, max, out);
}

static bool
get_u32(const struct eve *e, const struct json_value *obj, const char *key,
	uint32_t *out)
{
	uint64_t v = *out;

	if (!get_uint(e, obj, key, UINT32_MAX, &v)) {
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool
get_u16(const struct eve *e, const struct json_value *obj, const char *key,
	uint16_t *out)
{
	uint64_t v = *out;

	if (!get_uint(e, obj, key, UINT16_MAX, &v)) {
		return false;
	}
	*out = (uint16_t)v;
	return true;
}

/* An object that may be absent; false when it is something else. */
static bool
get_object(const struct eve *e, const struct json_value *obj, const char *key,
	   const struct json_value **out)
{
	*out = json_member(&e->json, obj, view_cstr(key));
	return *out == NULL || (*out)->type == JSON_OBJECT;
}

/* Metadata values are arrays of texts, or one text. */
static bool
get_ids(const struct eve *e, const struct json_value *metadata, const char *key,
	struct view *ids, unsigned *n)
{
	const struct json_value *v, *id;

	v = json_member(&e->json, metadata, view_cstr(key));
	if (v == NULL) {
		return true;
	}
	if (v->type == JSON_STRING) {
		ids[(*n)++] = v->text;
		return true;
	}
	if (v->type != JSON_ARRAY) {
		return false;
	}
	for (id = json_first(&e->json, v); id != NULL && *n < ALERT_MAX_IDS;
	     id = json_next(&e->json, v, id)) {
		if (id->type != JSON_STRING) {
			return false;
		}
		ids[(*n)++] = id->text;
	}
	return true;
}

static const char *
read_rule(const struct eve *e, const struct json_value *root, struct alert *a)
{
	const struct json_value *rule, *metadata;
	struct view action = VIEW_NONE;
	uint64_t severity = 0;

	if (!get_object(e, root, "alert", &rule) || rule == NULL) {
		return "alert";
	}
	a->gid = 1;
	if (!get_u32(e, rule, "gid", &a->gid)) {
		return "alert.gid";
	}
	if (!get_u32(e, rule, "signature_id", &a->sid) ||
	    json_member(&e->json, rule, VIEW_LIT("signature_id")) == NULL) {
		return "alert.signature_id";
	}
	if (!get_u32(e, rule, "rev", &a->rev)) {
		return "alert.rev";
	}
	if (!get_uint(e, rule, "severity", UINT8_MAX, &severity)) {
		return "alert.severity";
	}
	a->severity = (uint8_t)severity;
	if (!get_text(e, rule, "signature", &a->signature)) {
		return "alert.signature";
	}
	if (!get_text(e, rule, "category", &a->category)) {
		return "alert.category";
	}
	if (!get_text(e, rule, "action", &action)) {
		return "alert.action";
	}
	a->blocked = action.len != 0 && !view_eq(action, VIEW_LIT("allowed"));
	if (!get_object(e, rule, "metadata", &metadata)) {
		return "alert.metadata";
	}
	if (!get_ids(e, metadata, "mitre_tactic_id", a->tactics,
		     &a->n_tactics)) {
		return "alert.metadata.mitre_tactic_id";
	}
	if (!get_ids(e, metadata, "mitre_technique_id", a->techniques,
		     &a->n_techniques)) {
		return "alert.metadata.mitre_technique_id";
	}
	return NULL;
}

static const char *
read_flow(const struct eve *e, const struct json_value *root, struct alert *a)
{
	struct view src = VIEW_NONE, dst = VIEW_NONE;

	if (!get_uint(e, root, "flow_id", UINT64_MAX, &a->flow_id)) {
		return "flow_id";
	}
	if (!get_uint(e, root, "pcap_cnt", UINT64_MAX, &a->pcap_cnt)) {
		return "pcap_cnt";
	}
	if (!get_text(e, root, "src_ip", &src)) {
		return "src_ip";
	}
	if (!get_text(e, root, "dest_ip", &dst)) {
		return "dest_ip";
	}
	if (src.len != 0 || dst.len != 0) {
		if (!addr_parse(src, &a->src)) {
			return "src_ip";
		}
		if (!addr_parse(dst, &a->dst)) {
			return "dest_ip";
		}
		a->has_addrs = true;
	}
	if (!get_u16(e, root, "src_port", &a->src_port)) {
		return "src_port";
	}
	if (!get_u16(e, root, "dest_port", &a->dst_port)) {
		return "dest_port";
	}
	if (!get_text(e, root, "proto", &a->proto)) {
		return "proto";
	}
	if (!get_text(e, root, "app_proto", &a->app_proto)) {
		return "app_proto";
	}
	if (!get_text(e, root, "community_id", &a->community_id)) {
		return "community_id";
	}
	return NULL;
}

/* The name asked for: at the top of "dns", or in its list of queries. */
static bool
read_dns(const struct eve *e, const struct json_value *dns, struct alert *a)
{
	const struct json_value *q =
		json_member(&e->json, dns, VIEW_LIT("query"));

	if (q == NULL) {
		q = json_member(&e->json, dns, VIEW_LIT("queries"));
	}
	if (q != NULL && q->type == JSON_ARRAY) {
		q = json_first(&e->json, q);
	}
	if (q != NULL && q->type == JSON_OBJECT &&
	    !get_text(e, q, "rrname", &a->dns_rrname)) {
		return false;
	}
	return a->dns_rrname.len != 0 ||
	       get_text(e, dns, "rrname", &a->dns_rrname);
}

static const char *
read_app(const struct eve *e, const struct json_value *root, struct alert *a)
{
	const struct json_value *http, *dns, *tls, *ja3;

	if (!get_object(e, root, "http", &http) ||
	    !get_text(e, http, "hostname", &a->http_host) ||
	    !get_text(e, http, "url", &a->http_url)) {
		return "http";
	}
	if (!get_object(e, root, "dns", &dns) || !read_dns(e, dns, a)) {
		return "dns";
	}
	if (!get_object(e, root, "tls", &tls) ||
	    !get_text(e, tls, "sni", &a->tls_sni) ||
	    !get_text(e, tls, "subject", &a->tls_subject) ||
	    !get_text(e, tls, "fingerprint", &a->tls_fingerprint) ||
	    !get_object(e, tls, "ja3", &ja3) ||
	    !get_text(e, ja3, "hash", &a->tls_ja3)) {
		return "tls";
	}
	return NULL;
}

static const char *
read_indicator(const struct eve *e, const struct json_value *picket,
	       struct alert *a)
{
	const struct json_value *v;
	uint64_t confidence = 0;

	if (!get_object(e, picket, "indicator", &v)) {
		return "picket.indicator";
	}
	if (v == NULL) {
		return NULL;
	}
	if (!get_text(e, v, "id", &a->indicator.id) ||
	    !get_text(e, v, "type", &a->indicator.type) ||
	    !get_text(e, v, "value", &a->indicator.value) ||
	    !get_text(e, v, "source", &a->indicator.source) ||
	    !get_uint(e, v, "confidence", 100, &confidence)) {
		return "picket.indicator";
	}
	a->indicator.confidence = (uint8_t)confidence;
	a->has_indicator =
		a->indicator.value.len != 0 || a->indicator.id.len != 0;
	return NULL;
}

static const char *
read_origin(const struct eve *e, const struct json_value *root, struct alert *a)
{
	const struct json_value *picket;
	struct view ts = VIEW_NONE;

	if (!get_text(e, root, "timestamp", &ts) ||
	    !clock_parse_iso(ts, &a->timestamp_us) ||
	    a->timestamp_us > INT64_MAX) {
		return "timestamp";
	}
	if (!get_object(e, root, "picket", &picket)) {
		return "picket";
	}
	a->picket = picket != NULL ? picket->text : VIEW_NONE;
	if (!get_text(e, picket, "site", &a->site) ||
	    !get_text(e, picket, "sensor", &a->sensor) ||
	    !get_text(e, picket, "owner", &a->owner)) {
		return "picket.site, sensor or owner";
	}
	if (!get_text(e, picket, "exercise", &a->exercise)) {
		return "picket.exercise";
	}
	if (!get_text(e, picket, "tlp", &a->tlp)) {
		return "picket.tlp";
	}
	if (!get_uint(e, picket, "seq", UINT64_MAX, &a->seq)) {
		return "picket.seq";
	}
	return read_indicator(e, picket, a);
}

struct eve *
eve_new(void)
{
	return calloc(1, sizeof(struct eve));
}

void
eve_free(struct eve *e)
{
	if (e != NULL) {
		json_reader_fini(&e->json);
		free(e);
	}
}

enum eve_kind
eve_parse(struct eve *e, struct view line, struct alert *a, const char **why)
{
	const struct json_value *root;
	struct view type = VIEW_NONE;

	*a = (struct alert){ 0 };
	if (line.len > EVE_MAX_LINE) {
		*why = "length";
		return EVE_BAD;
	}
	*why = "JSON";
	if (!json_read(&e->json, line)) {
		return EVE_BAD;
	}
	root = json_root(&e->json);
	*why = "event_type";
	if (!get_text(e, root, "event_type", &type) || type.len == 0) {
		return EVE_BAD;
	}
	*why = read_origin(e, root, a);
	if (*why != NULL) {
		return EVE_BAD;
	}
	if (!view_eq(type, VIEW_LIT("alert"))) {
		return view_eq(type, VIEW_LIT("stats")) ? EVE_STATS : EVE_OTHER;
	}
	*why = read_rule(e, root, a);
	if (*why == NULL) {
		*why = read_flow(e, root, a);
	}
	if (*why == NULL) {
		*why = read_app(e, root, a);
	}
	return *why == NULL ? EVE_ALERT : EVE_BAD;
}
