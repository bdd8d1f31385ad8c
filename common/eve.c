/* SPDX-License-Identifier: Apache-2.0 */
#include "common/eve.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/json_read.h"
#include "common/marking.h"

/* Members of the line, of "alert" and of "picket" that are read. */
enum {
	TOP_TIMESTAMP,
	TOP_FLOW_ID,
	TOP_PCAP_CNT,
	TOP_EVENT_TYPE,
	TOP_SRC_IP,
	TOP_SRC_PORT,
	TOP_DEST_IP,
	TOP_DEST_PORT,
	TOP_PROTO,
	TOP_APP_PROTO,
	TOP_COMMUNITY_ID,
	TOP_ALERT,
	TOP_HTTP,
	TOP_DNS,
	TOP_TLS,
	TOP_PICKET,
	TOP_WAIT_US,
	TOP_COUNT
};
enum {
	RULE_GID,
	RULE_SIGNATURE_ID,
	RULE_REV,
	RULE_SEVERITY,
	RULE_SIGNATURE,
	RULE_CATEGORY,
	RULE_ACTION,
	RULE_METADATA,
	RULE_COUNT
};
enum {
	PICKET_SITE,
	PICKET_SENSOR,
	PICKET_OWNER,
	PICKET_EXERCISE,
	PICKET_TLP,
	PICKET_SEQ,
	PICKET_INDICATOR,
	PICKET_PAST,
	PICKET_RELEASABLE_TO,
	PICKET_TRACE,
	PICKET_COUNT
};

static const char *const top_names[TOP_COUNT] = {
	[TOP_TIMESTAMP] = "timestamp",
	[TOP_FLOW_ID] = "flow_id",
	[TOP_PCAP_CNT] = "pcap_cnt",
	[TOP_EVENT_TYPE] = "event_type",
	[TOP_SRC_IP] = "src_ip",
	[TOP_SRC_PORT] = "src_port",
	[TOP_DEST_IP] = "dest_ip",
	[TOP_DEST_PORT] = "dest_port",
	[TOP_PROTO] = "proto",
	[TOP_APP_PROTO] = "app_proto",
	[TOP_COMMUNITY_ID] = "community_id",
	[TOP_ALERT] = "alert",
	[TOP_HTTP] = "http",
	[TOP_DNS] = "dns",
	[TOP_TLS] = "tls",
	[TOP_PICKET] = "picket",
	[TOP_WAIT_US] = "wait_us",
};
static const char *const rule_names[RULE_COUNT] = {
	[RULE_GID] = "gid",
	[RULE_SIGNATURE_ID] = "signature_id",
	[RULE_REV] = "rev",
	[RULE_SEVERITY] = "severity",
	[RULE_SIGNATURE] = "signature",
	[RULE_CATEGORY] = "category",
	[RULE_ACTION] = "action",
	[RULE_METADATA] = "metadata",
};
static const char *const picket_names[PICKET_COUNT] = {
	[PICKET_SITE] = "site",
	[PICKET_SENSOR] = "sensor",
	[PICKET_OWNER] = "owner",
	[PICKET_EXERCISE] = "exercise",
	[PICKET_TLP] = "tlp",
	[PICKET_SEQ] = "seq",
	[PICKET_INDICATOR] = "indicator",
	[PICKET_PAST] = "past",
	[PICKET_RELEASABLE_TO] = "releasable_to",
	[PICKET_TRACE] = "trace",
};

#define NAME_SLOTS 64

/* Names by their hash, so that an object's members are gone through once. */
struct names {
	struct view name[NAME_SLOTS]; /* length 0 is free */
	uint8_t number[NAME_SLOTS];
};

/* What one line is read with. */
struct eve {
	struct json_reader json;
	struct names top_table, rule_table, picket_table;
	const struct json_value *top[TOP_COUNT], *rule[RULE_COUNT],
		*picket[PICKET_COUNT];
};

static void
names_init(struct names *t, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct view name = view_cstr(names[i]);
		size_t slot = json_name_hash(name) % NAME_SLOTS;

		while (t->name[slot].len != 0) {
			slot = (slot + 1) % NAME_SLOTS;
		}
		t->name[slot] = name;
		t->number[slot] = (uint8_t)i;
	}
}

/* The members of 'obj' that are in the table; NULL for those not there. */
static void
gather(const struct eve *e, const struct names *t, const struct json_value *obj,
       const struct json_value **out, size_t n)
{
	const struct json_value *v;

	memset(out, 0, n * sizeof(*out));
	if (obj == NULL || obj->type != JSON_OBJECT) {
		return;
	}
	for (v = json_first(&e->json, obj); v != NULL;
	     v = json_next(&e->json, obj, v)) {
		size_t slot = v->name_hash % NAME_SLOTS;

		for (; t->name[slot].len != 0; slot = (slot + 1) % NAME_SLOTS) {
			if (view_eq(t->name[slot], v->name)) {
				out[t->number[slot]] = v;
				break;
			}
		}
	}
}

static const struct json_value *
member(const struct eve *e, const struct json_value *obj, const char *key)
{
	return obj != NULL ? json_member(&e->json, obj, view_cstr(key)) : NULL;
}

/* A text; nothing when absent; false when it is no text. */
static bool
get_text(const struct json_value *v, struct view *out)
{
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
get_uint(const struct json_value *v, uint64_t max, uint64_t *out)
{
	return v == NULL || json_uint(v, max, out);
}

static bool
get_u32(const struct json_value *v, uint32_t *out)
{
	uint64_t n = *out;

	if (!get_uint(v, UINT32_MAX, &n)) {
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

static bool
get_u16(const struct json_value *v, uint16_t *out)
{
	uint64_t n = *out;

	if (!get_uint(v, UINT16_MAX, &n)) {
		return false;
	}
	*out = (uint16_t)n;
	return true;
}

/* An object that may be absent; false when it is something else. */
static bool
get_object(const struct json_value *v, const struct json_value **out)
{
	*out = v;
	return v == NULL || v->type == JSON_OBJECT;
}

/* The spelling of an array that may be absent. */
static bool
get_array(const struct json_value *v, struct view *out)
{
	if (v == NULL || v->type == JSON_NULL) {
		return true;
	}
	*out = v->text;
	return v->type == JSON_ARRAY;
}

/* Metadata values are arrays of texts, or one text. */
static bool
get_ids(const struct eve *e, const struct json_value *v, struct view *ids,
	unsigned *n)
{
	const struct json_value *id;

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

/* Of several labels the strictest; one that is no label is stricter still. */
static bool
read_rule_tlp(const struct eve *e, const struct json_value *v, struct view *out)
{
	struct view words[ALERT_MAX_IDS];
	enum tlp worst = TLP_CLEAR, t;
	unsigned n = 0;

	if (!get_ids(e, v, words, &n)) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!tlp_read(words[i], &t)) {
			*out = words[i].len != 0 ? words[i] : VIEW_LIT("?");
			return true;
		}
		if (out->len == 0 || t > worst) {
			worst = t;
			*out = words[i];
		}
	}
	return true;
}

static const char *
read_rule(struct eve *e, struct alert *a)
{
	const struct json_value *rule, *metadata;
	struct view action = VIEW_NONE;
	uint64_t severity = 0;

	if (!get_object(e->top[TOP_ALERT], &rule) || rule == NULL) {
		return "alert";
	}
	gather(e, &e->rule_table, rule, e->rule, RULE_COUNT);
	a->gid = 1;
	if (!get_u32(e->rule[RULE_GID], &a->gid)) {
		return "alert.gid";
	}
	if (!get_u32(e->rule[RULE_SIGNATURE_ID], &a->sid) ||
	    e->rule[RULE_SIGNATURE_ID] == NULL) {
		return "alert.signature_id";
	}
	if (!get_u32(e->rule[RULE_REV], &a->rev)) {
		return "alert.rev";
	}
	if (!get_uint(e->rule[RULE_SEVERITY], UINT8_MAX, &severity)) {
		return "alert.severity";
	}
	a->severity = (uint8_t)severity;
	if (!get_text(e->rule[RULE_SIGNATURE], &a->signature)) {
		return "alert.signature";
	}
	if (!get_text(e->rule[RULE_CATEGORY], &a->category)) {
		return "alert.category";
	}
	if (!get_text(e->rule[RULE_ACTION], &action)) {
		return "alert.action";
	}
	a->blocked = action.len != 0 && !view_eq(action, VIEW_LIT("allowed"));
	if (!get_object(e->rule[RULE_METADATA], &metadata)) {
		return "alert.metadata";
	}
	if (!get_ids(e, member(e, metadata, "mitre_tactic_id"), a->tactics,
		     &a->n_tactics)) {
		return "alert.metadata.mitre_tactic_id";
	}
	if (!get_ids(e, member(e, metadata, "mitre_technique_id"),
		     a->techniques, &a->n_techniques)) {
		return "alert.metadata.mitre_technique_id";
	}
	if (!read_rule_tlp(e, member(e, metadata, "tlp"), &a->rule_tlp)) {
		return "alert.metadata.tlp";
	}
	return NULL;
}

static const char *
read_flow(const struct eve *e, struct alert *a)
{
	struct view src = VIEW_NONE, dst = VIEW_NONE;

	if (!get_uint(e->top[TOP_FLOW_ID], UINT64_MAX, &a->flow_id)) {
		return "flow_id";
	}
	if (!get_uint(e->top[TOP_PCAP_CNT], UINT64_MAX, &a->pcap_cnt)) {
		return "pcap_cnt";
	}
	if (!get_text(e->top[TOP_SRC_IP], &src)) {
		return "src_ip";
	}
	if (!get_text(e->top[TOP_DEST_IP], &dst)) {
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
	if (!get_u16(e->top[TOP_SRC_PORT], &a->src_port)) {
		return "src_port";
	}
	if (!get_u16(e->top[TOP_DEST_PORT], &a->dst_port)) {
		return "dest_port";
	}
	if (!get_text(e->top[TOP_PROTO], &a->proto)) {
		return "proto";
	}
	if (!get_text(e->top[TOP_APP_PROTO], &a->app_proto)) {
		return "app_proto";
	}
	if (!get_text(e->top[TOP_COMMUNITY_ID], &a->community_id)) {
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
	    !get_text(member(e, q, "rrname"), &a->dns_rrname)) {
		return false;
	}
	return a->dns_rrname.len != 0 ||
	       get_text(member(e, dns, "rrname"), &a->dns_rrname);
}

static const char *
read_app(const struct eve *e, struct alert *a)
{
	const struct json_value *http, *dns, *tls, *ja3;

	if (!get_object(e->top[TOP_HTTP], &http) ||
	    !get_text(member(e, http, "hostname"), &a->http_host) ||
	    !get_text(member(e, http, "url"), &a->http_url)) {
		return "http";
	}
	if (!get_object(e->top[TOP_DNS], &dns) || !read_dns(e, dns, a)) {
		return "dns";
	}
	if (!get_object(e->top[TOP_TLS], &tls) ||
	    !get_text(member(e, tls, "sni"), &a->tls_sni) ||
	    !get_text(member(e, tls, "subject"), &a->tls_subject) ||
	    !get_text(member(e, tls, "fingerprint"), &a->tls_fingerprint) ||
	    !get_object(member(e, tls, "ja3"), &ja3) ||
	    !get_text(member(e, ja3, "hash"), &a->tls_ja3)) {
		return "tls";
	}
	return NULL;
}

static const char *
read_indicator(const struct eve *e, struct alert *a)
{
	const struct json_value *v;
	uint64_t confidence = 0;

	if (!get_object(e->picket[PICKET_INDICATOR], &v)) {
		return "picket.indicator";
	}
	if (v == NULL) {
		return NULL;
	}
	if (!get_text(member(e, v, "id"), &a->indicator.id) ||
	    !get_text(member(e, v, "type"), &a->indicator.type) ||
	    !get_text(member(e, v, "value"), &a->indicator.value) ||
	    !get_text(member(e, v, "source"), &a->indicator.source) ||
	    !get_uint(member(e, v, "confidence"), 100, &confidence)) {
		return "picket.indicator";
	}
	v = member(e, v, "subdomains");
	if (v != NULL && v->type != JSON_TRUE && v->type != JSON_FALSE) {
		return "picket.indicator";
	}
	a->indicator.subdomains = v != NULL && v->type == JSON_TRUE;
	a->indicator.confidence = (uint8_t)confidence;
	a->has_indicator =
		a->indicator.value.len != 0 || a->indicator.id.len != 0;
	return NULL;
}

/* When an indicator was seen before it was known to be one. */
static const char *
read_past(const struct eve *e, struct alert *a)
{
	const struct json_value *v;
	struct view first = VIEW_NONE, last = VIEW_NONE;

	if (!get_object(e->picket[PICKET_PAST], &v)) {
		return "picket.past";
	}
	if (v == NULL) {
		return NULL;
	}
	a->past_count = 1;
	a->past_hosts = 0;
	if (!get_text(member(e, v, "first"), &first) ||
	    !get_text(member(e, v, "last"), &last) ||
	    !clock_parse_iso(first, &a->past_first_us) ||
	    !clock_parse_iso(last, &a->past_last_us) ||
	    a->past_last_us > INT64_MAX || a->past_first_us > a->past_last_us ||
	    !get_uint(member(e, v, "count"), UINT32_MAX, &a->past_count) ||
	    !get_u32(member(e, v, "host_bits"), &a->past_hosts)) {
		return "picket.past";
	}
	a->has_past = true;
	return NULL;
}

static const char *
read_origin(struct eve *e, struct alert *a)
{
	const struct json_value *picket;
	struct view ts = VIEW_NONE, trace = VIEW_NONE;
	const char *why;

	if (!get_text(e->top[TOP_TIMESTAMP], &ts) ||
	    !clock_parse_iso(ts, &a->timestamp_us) ||
	    a->timestamp_us > INT64_MAX) {
		return "timestamp";
	}
	if (!get_object(e->top[TOP_PICKET], &picket)) {
		return "picket";
	}
	gather(e, &e->picket_table, picket, e->picket, PICKET_COUNT);
	a->picket = picket != NULL ? picket->text : VIEW_NONE;
	if (!get_text(e->picket[PICKET_SITE], &a->site) ||
	    !get_text(e->picket[PICKET_SENSOR], &a->sensor) ||
	    !get_text(e->picket[PICKET_OWNER], &a->owner)) {
		return "picket.site, sensor or owner";
	}
	if (!get_text(e->picket[PICKET_EXERCISE], &a->exercise)) {
		return "picket.exercise";
	}
	if (!get_text(e->picket[PICKET_TLP], &a->tlp)) {
		return "picket.tlp";
	}
	if (!get_array(e->picket[PICKET_RELEASABLE_TO], &a->releasable_to)) {
		return "picket.releasable_to";
	}
	if (!get_uint(e->picket[PICKET_SEQ], UINT64_MAX, &a->seq)) {
		return "picket.seq";
	}
	if (!get_text(e->picket[PICKET_TRACE], &trace) ||
	    (trace.len != 0 && !trace_parse(trace, &a->trace))) {
		return "picket.trace";
	}
	why = read_indicator(e, a);
	return why != NULL ? why : read_past(e, a);
}

struct eve *
eve_new(void)
{
	struct eve *e = calloc(1, sizeof(*e));

	if (e != NULL) {
		names_init(&e->top_table, top_names, TOP_COUNT);
		names_init(&e->rule_table, rule_names, RULE_COUNT);
		names_init(&e->picket_table, picket_names, PICKET_COUNT);
	}
	return e;
}

void
eve_free(struct eve *e)
{
	if (e != NULL) {
		json_reader_fini(&e->json);
		free(e);
	}
}

bool
eve_keep(struct eve *e, size_t bytes)
{
	return json_reader_keep(&e->json, bytes);
}

bool
eve_no_memory(const struct eve *e)
{
	return e->json.no_memory;
}

enum eve_kind
eve_parse(struct eve *e, struct view line, struct alert *a, const char **why)
{
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
	gather(e, &e->top_table, json_root(&e->json), e->top, TOP_COUNT);
	*why = "event_type";
	if (!get_text(e->top[TOP_EVENT_TYPE], &type) || type.len == 0) {
		return EVE_BAD;
	}
	*why = read_origin(e, a);
	if (*why != NULL) {
		return EVE_BAD;
	}
	if (view_eq(type, VIEW_LIT("anchor"))) {
		*why = "wait_us";
		return get_uint(e->top[TOP_WAIT_US], ANCHOR_WAIT_MAX_US,
				&a->wait_us)
			       ? EVE_ANCHOR
			       : EVE_BAD;
	}
	if (view_eq(type, VIEW_LIT("contacts"))) {
		return EVE_CONTACTS;
	}
	if (!view_eq(type, VIEW_LIT("alert"))) {
		return view_eq(type, VIEW_LIT("stats")) ? EVE_STATS : EVE_OTHER;
	}
	*why = read_rule(e, a);
	if (*why == NULL) {
		*why = read_flow(e, a);
	}
	if (*why == NULL) {
		*why = read_app(e, a);
	}
	return *why == NULL ? EVE_ALERT : EVE_BAD;
}
