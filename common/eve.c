/* SPDX-License-Identifier: Apache-2.0 */
#include "common/eve.h"

#include <jansson.h>

#include "common/clock.h"

/* The text under 'key', none when absent; false when it is no text. */
static bool
get_text(const json_t *obj, const char *key, struct view *out)
{
	const json_t *v = json_object_get(obj, key);

	if (v == NULL || json_is_null(v)) {
		return true;
	}
	if (!json_is_string(v)) {
		return false;
	}
	*out = view_of(json_string_value(v), json_string_length(v));
	return true;
}

static bool
get_uint(const json_t *obj, const char *key, uint64_t max, uint64_t *out)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t n;

	if (v == NULL) {
		return true;
	}
	n = json_integer_value(v);
	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max) {
		return false;
	}
	*out = (uint64_t)n;
	return true;
}

static bool
get_u32(const json_t *obj, const char *key, uint32_t *out)
{
	uint64_t v = *out;

	if (!get_uint(obj, key, UINT32_MAX, &v)) {
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool
get_u16(const json_t *obj, const char *key, uint16_t *out)
{
	uint64_t v = *out;

	if (!get_uint(obj, key, UINT16_MAX, &v)) {
		return false;
	}
	*out = (uint16_t)v;
	return true;
}

/* An object that may be absent; false when it is something else. */
static bool
get_object(const json_t *obj, const char *key, const json_t **out)
{
	*out = json_object_get(obj, key);
	return *out == NULL || json_is_object(*out);
}

/* Metadata values are arrays of texts, or one text. */
static bool
get_ids(const json_t *metadata, const char *key, struct view *ids, unsigned *n)
{
	const json_t *v = json_object_get(metadata, key);
	size_t len = json_is_array(v) ? json_array_size(v) : 1;

	if (v == NULL) {
		return true;
	}
	for (size_t i = 0; i < len && *n < ALERT_MAX_IDS; i++) {
		const json_t *id = json_is_array(v) ? json_array_get(v, i) : v;

		if (!json_is_string(id)) {
			return false;
		}
		ids[(*n)++] =
			view_of(json_string_value(id), json_string_length(id));
	}
	return true;
}

static const char *
read_rule(const json_t *root, struct alert *a)
{
	const json_t *rule, *metadata;
	struct view action = VIEW_NONE;
	uint64_t severity = 0;

	if (!get_object(root, "alert", &rule) || rule == NULL) {
		return "alert";
	}
	a->gid = 1;
	if (!get_u32(rule, "gid", &a->gid)) {
		return "alert.gid";
	}
	if (!get_u32(rule, "signature_id", &a->sid) ||
	    json_object_get(rule, "signature_id") == NULL) {
		return "alert.signature_id";
	}
	if (!get_u32(rule, "rev", &a->rev)) {
		return "alert.rev";
	}
	if (!get_uint(rule, "severity", UINT8_MAX, &severity)) {
		return "alert.severity";
	}
	a->severity = (uint8_t)severity;
	if (!get_text(rule, "signature", &a->signature)) {
		return "alert.signature";
	}
	if (!get_text(rule, "category", &a->category)) {
		return "alert.category";
	}
	if (!get_text(rule, "action", &action)) {
		return "alert.action";
	}
	a->blocked = action.len != 0 && !view_eq(action, VIEW_LIT("allowed"));
	if (!get_object(rule, "metadata", &metadata)) {
		return "alert.metadata";
	}
	if (!get_ids(metadata, "mitre_tactic_id", a->tactics, &a->n_tactics)) {
		return "alert.metadata.mitre_tactic_id";
	}
	if (!get_ids(metadata, "mitre_technique_id", a->techniques,
		     &a->n_techniques)) {
		return "alert.metadata.mitre_technique_id";
	}
	return NULL;
}

static const char *
read_flow(const json_t *root, struct alert *a)
{
	struct view src = VIEW_NONE, dst = VIEW_NONE;

	if (!get_uint(root, "flow_id", UINT64_MAX, &a->flow_id)) {
		return "flow_id";
	}
	if (!get_uint(root, "pcap_cnt", UINT64_MAX, &a->pcap_cnt)) {
		return "pcap_cnt";
	}
	if (!get_text(root, "src_ip", &src)) {
		return "src_ip";
	}
	if (!get_text(root, "dest_ip", &dst)) {
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
	if (!get_u16(root, "src_port", &a->src_port)) {
		return "src_port";
	}
	if (!get_u16(root, "dest_port", &a->dst_port)) {
		return "dest_port";
	}
	if (!get_text(root, "proto", &a->proto)) {
		return "proto";
	}
	if (!get_text(root, "app_proto", &a->app_proto)) {
		return "app_proto";
	}
	if (!get_text(root, "community_id", &a->community_id)) {
		return "community_id";
	}
	return NULL;
}

/* The name asked for: at the top of "dns", or in its list of queries. */
static bool
read_dns(const json_t *dns, struct alert *a)
{
	const json_t *q = json_object_get(dns, "query");

	if (q == NULL) {
		q = json_object_get(dns, "queries");
	}
	if (json_is_array(q)) {
		q = json_array_get(q, 0);
	}
	if (json_is_object(q) && !get_text(q, "rrname", &a->dns_rrname)) {
		return false;
	}
	return a->dns_rrname.len != 0 ||
	       get_text(dns, "rrname", &a->dns_rrname);
}

static const char *
read_app(const json_t *root, struct alert *a)
{
	const json_t *http, *dns, *tls, *ja3;

	if (!get_object(root, "http", &http) ||
	    !get_text(http, "hostname", &a->http_host) ||
	    !get_text(http, "url", &a->http_url)) {
		return "http";
	}
	if (!get_object(root, "dns", &dns) || !read_dns(dns, a)) {
		return "dns";
	}
	if (!get_object(root, "tls", &tls) ||
	    !get_text(tls, "sni", &a->tls_sni) ||
	    !get_text(tls, "subject", &a->tls_subject) ||
	    !get_text(tls, "fingerprint", &a->tls_fingerprint) ||
	    !get_object(tls, "ja3", &ja3) ||
	    !get_text(ja3, "hash", &a->tls_ja3)) {
		return "tls";
	}
	return NULL;
}

static const char *
read_indicator(const json_t *picket, struct alert *a)
{
	const json_t *v;
	uint64_t confidence = 0;

	if (!get_object(picket, "indicator", &v)) {
		return "picket.indicator";
	}
	if (v == NULL) {
		return NULL;
	}
	if (!get_text(v, "id", &a->indicator.id) ||
	    !get_text(v, "type", &a->indicator.type) ||
	    !get_text(v, "value", &a->indicator.value) ||
	    !get_text(v, "source", &a->indicator.source) ||
	    !get_uint(v, "confidence", 100, &confidence)) {
		return "picket.indicator";
	}
	a->indicator.confidence = (uint8_t)confidence;
	a->has_indicator =
		a->indicator.value.len != 0 || a->indicator.id.len != 0;
	return NULL;
}

static const char *
read_origin(const json_t *root, struct alert *a)
{
	const json_t *picket;
	struct view ts = VIEW_NONE;

	if (!get_text(root, "timestamp", &ts) ||
	    !clock_parse_iso(ts, &a->timestamp_us) ||
	    a->timestamp_us > INT64_MAX) {
		return "timestamp";
	}
	if (!get_object(root, "picket", &picket)) {
		return "picket";
	}
	if (!get_text(picket, "site", &a->site) ||
	    !get_text(picket, "sensor", &a->sensor) ||
	    !get_text(picket, "owner", &a->owner)) {
		return "picket.site, sensor or owner";
	}
	if (!get_text(picket, "exercise", &a->exercise)) {
		return "picket.exercise";
	}
	if (!get_text(picket, "tlp", &a->tlp)) {
		return "picket.tlp";
	}
	if (!get_uint(picket, "seq", UINT64_MAX, &a->seq)) {
		return "picket.seq";
	}
	return read_indicator(picket, a);
}

enum eve_kind
eve_parse(struct view line, struct alert *a, const char **why)
{
	struct view type = VIEW_NONE;
	json_error_t je;
	json_t *root;

	*a = (struct alert){ 0 };
	*why = "JSON";
	if (line.len > EVE_MAX_LINE) {
		*why = "length";
		return EVE_BAD;
	}
	root = json_loadb((const char *)line.p, line.len,
			  JSON_REJECT_DUPLICATES, &je);
	a->doc = root;
	if (!json_is_object(root)) {
		return EVE_BAD;
	}
	if (!get_text(root, "event_type", &type) || type.len == 0) {
		*why = "event_type";
		return EVE_BAD;
	}
	*why = read_origin(root, a);
	if (*why != NULL) {
		return EVE_BAD;
	}
	if (!view_eq(type, VIEW_LIT("alert"))) {
		return view_eq(type, VIEW_LIT("stats")) ? EVE_STATS : EVE_OTHER;
	}
	*why = read_rule(root, a);
	if (*why == NULL) {
		*why = read_flow(root, a);
	}
	if (*why == NULL) {
		*why = read_app(root, a);
	}
	return *why == NULL ? EVE_ALERT : EVE_BAD;
}

void
eve_alert_fini(struct alert *a)
{
	if (a != NULL) {
		json_decref(a->doc);
		a->doc = NULL;
	}
}

bool
eve_annotate(struct alert *a, const char *key, struct view json)
{
	json_t *picket = json_object_get(a->doc, "picket");
	json_t *value = json_loadb((const char *)json.p, json.len,
				   JSON_DECODE_ANY, NULL);

	/* Takes the reference, also when it fails. */
	return json_object_set_new(picket, key, value) == 0;
}

bool
eve_write(const struct alert *a,
	  int (*put)(const char *bytes, size_t len, void *arg), void *arg)
{
	return json_dump_callback(a->doc, put, arg, JSON_COMPACT) == 0;
}
