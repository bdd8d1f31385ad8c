/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_answer.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/proto.h"
#include "rules/ioc_set.h"

static bool
is_single_label(const char *name)
{
	return strchr(name, '.') == NULL;
}

bool
retro_answer_find(struct retro_index *x, const struct indicator *i,
		  struct retro_past *out)
{
	struct view value = view_cstr(i->value);
	uint8_t key[RETRO_KEY_LEN];
	struct cidr net;

	*out = (struct retro_past){ 0 };
	switch (i->kind) {
	case INDICATOR_IP:
		if (!cidr_parse(value, &net)) {
			return false;
		}
		if (net.bits < 128) {
			retro_index_find_net(x, &net, out);
		} else {
			retro_addr_key(&net.addr, key);
			retro_index_find(x, INDICATOR_IP, key, out);
		}
		return true;
	case INDICATOR_PATTERN:
	case INDICATOR_KINDS:
		return false;
	case INDICATOR_DOMAIN:
		retro_key(retro_index_secret(x), value, key);
		retro_index_find(x, INDICATOR_DOMAIN, key, out);
		if (!i->exact && !is_single_label(i->value)) {
			retro_index_find(x, RETRO_BELOW, key, out);
		}
		return true;
	default:
		retro_key(retro_index_secret(x), value, key);
		retro_index_find(x, i->kind, key, out);
		return true;
	}
}

static const char *
rule_text(enum indicator_kind k)
{
	return (unsigned)k < IOC_TYPE_COUNT
		       ? ioc_rule((enum ioc_type)k)->msg
		       : "PICKET indicator: known-bad value";
}

static void
put_alert(struct json *j, const struct indicator *i)
{
	char text[160];

	snprintf(text, sizeof(text), "%s, seen before it was known",
		 rule_text(i->kind));
	json_obj(j, "alert");
	json_name(j, "action", "allowed");
	json_u64(j, "gid", IOC_GID);
	json_u64(j, "signature_id", IOC_SID_BASE + (unsigned)i->kind);
	json_u64(j, "rev", 1);
	json_cstr(j, "signature", text);
	json_cstr(j, "category", "Known-bad infrastructure was contacted");
	json_u64(j, "severity", MAX(i->severity, (uint8_t)1));
	json_obj(j, "metadata");
	if (i->tactic[0] != '\0' || i->kind != INDICATOR_IP) {
		json_arr(j, "mitre_tactic_id");
		json_cstr(j, NULL, i->tactic[0] != '\0' ? i->tactic : "TA0011");
		json_arr_end(j);
	}
	json_obj_end(j);
	json_obj_end(j);
}

uint32_t
retro_answer_hosts(const struct retro_past *p)
{
	return host_bits_count(p->hosts_before) > host_bits_count(p->hosts)
		       ? p->hosts_before
		       : p->hosts;
}

void
retro_answer_past(struct json *j, const char *key, const struct retro_past *p)
{
	uint32_t hosts = retro_answer_hosts(p);

	json_obj(j, key);
	json_time(j, "first", p->first_s * US_PER_S);
	json_time(j, "last", p->last_s * US_PER_S);
	json_u64(j, "count", MAX(p->count, (uint64_t)1));
	if (hosts != 0) {
		json_u64(j, "hosts", host_bits_count(hosts));
		json_u64(j, "host_bits", hosts);
	}
	if (p->cut) {
		json_bool(j, "at_least", true);
	}
	json_obj_end(j);
}

static void
put_indicator(struct json *j, const struct indicator *i)
{
	char id[INDICATOR_ID_CAP];

	snprintf(id, sizeof(id), "%s:%s", indicator_kind_name(i->kind),
		 i->value);
	json_obj(j, "indicator");
	json_cstr(j, "id", i->id[0] != '\0' ? i->id : id);
	json_name(j, "type", indicator_kind_name(i->kind));
	json_cstr(j, "value", i->value);
	json_cstr(j, "source", i->source);
	if (i->confidence <= 100) {
		json_u64(j, "confidence", i->confidence);
	}
	if (i->description[0] != '\0') {
		json_cstr(j, "description", i->description);
	}
	if (i->tactic[0] != '\0') {
		json_cstr(j, "tactic", i->tactic);
	}
	if (i->labels[0] != '\0') {
		json_cstr(j, "labels", i->labels);
	}
	if (i->kill_chain[0] != '\0') {
		json_cstr(j, "kill_chain", i->kill_chain);
	}
	json_obj_end(j);
}

/* Who may have it: nobody else, and nobody when no name is left. */
static void
put_mark(struct json *j, const struct event_origin *o, const struct marking *m)
{
	bool says = m->tlp != TLP_CLEAR || m->limited;
	const char *tlp = tlp_stricter(says ? tlp_name(m->tlp) : "",
				       o->tlp != NULL ? o->tlp : "");

	if (tlp[0] != '\0') {
		json_cstr(j, "tlp", tlp);
	}
	if (m->limited) {
		json_arr(j, "releasable_to");
		for (unsigned i = 0; i < m->n_names; i++) {
			json_cstr(j, NULL, m->names[i]);
		}
		json_arr_end(j);
	}
}

static void
put_picket(struct json *j, const struct event_origin *o,
	   const struct indicator *i, const struct retro_past *p)
{
	json_obj(j, "picket");
	if (o->site != NULL && o->site[0] != '\0') {
		json_cstr(j, "site", o->site);
		json_cstr(j, "sensor", o->sensor);
	}
	if (o->owner != NULL && o->owner[0] != '\0') {
		json_cstr(j, "owner", o->owner);
	}
	if (o->exercise != NULL && o->exercise[0] != '\0') {
		json_cstr(j, "exercise", o->exercise);
	}
	put_mark(j, o, &i->mark);
	put_indicator(j, i);
	retro_answer_past(j, "past", p);
	json_obj_end(j);
}

void
retro_answer_line(struct json *j, const struct event_origin *o,
		  const struct indicator *i, const struct retro_past *p,
		  uint64_t now_us)
{
	const struct retro_entry *e = &p->example;
	char num[4];

	json_reset(j);
	json_obj(j, NULL);
	json_time(j, "timestamp", now_us);
	json_name(j, "event_type", "alert");
	json_addr(j, "src_ip", &e->src);
	json_addr(j, "dest_ip", &e->dst);
	if (e->proto == IPP_TCP || e->proto == IPP_UDP ||
	    e->proto == IPP_SCTP) {
		json_u64(j, "dest_port", e->port);
	}
	json_name(j, "proto", ip_proto_name(e->proto, num));
	put_alert(j, i);
	put_picket(j, o, i, p);
	json_obj_end(j);
}
