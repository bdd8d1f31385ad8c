/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/event_line.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/clock.h"
#include "rules/ioc_set.h"
#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_tls.h"
#include "sensor/log_dns.h"
#include "sensor/log_file.h"
#include "sensor/log_http.h"
#include "sensor/log_meta.h"
#include "sensor/log_ssh.h"
#include "sensor/log_tls.h"

struct event_log *
event_log_new(const struct event_origin *origin, const struct conf *conf)
{
	struct event_log *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		struct event_settings *s = &l->own;

		s->origin = *origin;
		alert_conf_read(&s->alert, conf);
		s->community_id = conf_bool(conf, "eve.community-id", true);
		s->packet = packet_dump_of(conf);
		s->evidence_dir =
			conf != NULL ? conf_named(conf, "evidence.dir") : NULL;
		s->community_seed = (uint16_t)conf_u64(
			conf, "eve.community-id-seed", 0, 0, 65535);
		l->set = s;
	}
	return l;
}

struct event_log *
event_log_for_later(void)
{
	struct event_log *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		l->set = &l->own;
		l->room = tx_room_new();
	}
	if (l != NULL && l->room == NULL) {
		event_log_free(l);
		l = NULL;
	}
	return l;
}

/* The same settings as before take the same place, so that going back and forth
 * takes no more memory than there are kinds of settings. */
static const struct event_settings *
settings_known(const struct event_log *l, const struct alert_conf *alert,
	       const struct event_lanes *lanes)
{
	if (l->own.lanes == lanes && alert_conf_same(&l->own.alert, alert)) {
		return &l->own;
	}
	for (const struct event_settings *s = l->others; s != NULL;
	     s = s->before) {
		if (s->lanes == lanes && alert_conf_same(&s->alert, alert)) {
			return s;
		}
	}
	return NULL;
}

bool
event_log_set(struct event_log *l, const struct alert_conf *alert,
	      const struct event_lanes *lanes)
{
	const struct event_settings *known = settings_known(l, alert, lanes);
	struct event_settings *s;

	if (known != NULL) {
		l->set = known;
		return true;
	}
	s = malloc(sizeof(*s));
	if (s == NULL) {
		return false;
	}
	*s = l->own;
	s->alert = *alert;
	s->lanes = lanes;
	s->before = l->others;
	l->others = s;
	l->set = s;
	return true;
}

unsigned
event_log_lane(const struct event_log *l, const struct event_subject *s)
{
	return event_lane_of(l->set->lanes, s);
}

const char *
event_log_exercise(const struct event_log *l, const struct event_subject *s)
{
	const struct event_lanes *lanes = l->set->lanes;

	return LIKELY(lanes == NULL || lanes->n == 0)
		       ? ""
		       : event_lane_name(lanes, event_lane_of(lanes, s));
}

void
event_log_free(struct event_log *l)
{
	if (l != NULL) {
		while (l->others != NULL) {
			struct event_settings *s = l->others;

			l->others = s->before;
			free(s);
		}
		json_fini(&l->json);
		tx_room_free(l->room);
		free(l);
	}
}

void
event_log_into(struct event_log *l, struct outbox *const *into)
{
	l->into = into;
}

/*
 * The outbox's memory is the writer's while a line is put together behind what
 * is there: outbox_put() finds it in its place.
 */
void
line_begin(struct event_log *l)
{
	struct json *j = &l->json;

	json_reset(j);
	l->start = 0;
	if (l->into != NULL) {
		const struct outbox *o = *l->into;

		j->p = (char *)o->text;
		j->cap = o->text_cap;
		j->len = l->start = o->text_len;
	}
}

struct view
line_done(struct event_log *l)
{
	struct json *j = &l->json;
	struct view line =
		j->failed ? VIEW_NONE
			  : view_of(j->p + l->start, j->len - l->start);

	if (l->into != NULL) {
		struct outbox *o = *l->into;

		o->text = (uint8_t *)j->p;
		o->text_cap = j->cap;
		j->p = NULL;
		j->len = j->cap = 0;
	}
	return line;
}

/* 'client', unless NULL, stands for the flow's own. */
static void
put_flow_ends(struct json *j, const struct flow *f, unsigned from,
	      const struct addr *client)
{
	const struct addr *ends[2] = { client != NULL ? client : &f->addr[0],
				       &f->addr[1] };
	bool ports = f->proto == IPP_TCP || f->proto == IPP_UDP ||
		     f->proto == IPP_SCTP;

	json_addr(j, "src_ip", ends[from]);
	if (ports) {
		json_u64(j, "src_port", f->port[from]);
	}
	json_addr(j, "dest_ip", ends[1 - from]);
	if (ports) {
		json_u64(j, "dest_port", f->port[1 - from]);
	}
}

void
line_flow_endpoints(struct json *j, const struct flow *f, unsigned from)
{
	put_flow_ends(j, f, from, NULL);
}

static void
put_packet_endpoints(struct json *j, const struct packet *p)
{
	bool ports = p->proto == IPP_TCP || p->proto == IPP_UDP ||
		     p->proto == IPP_SCTP;

	json_addr(j, "src_ip", &p->src);
	if (ports) {
		json_u64(j, "src_port", p->sport);
	}
	json_addr(j, "dest_ip", &p->dst);
	if (ports) {
		json_u64(j, "dest_port", p->dport);
	}
}

static const char *
packet_source(const struct packet *p)
{
	if (p == NULL) {
		return "stream (flow timeout)";
	}
	if (p->flags & PKT_REASSEMBLED) {
		return "defrag";
	}
	return p->flags & PKT_INNER ? "tunnel" : "wire/pcap";
}

static void
put_vlans(struct json *j, const uint16_t *vlan, unsigned n)
{
	if (n == 0) {
		return;
	}
	json_arr(j, "vlan");
	for (unsigned i = 0; i < n; i++) {
		json_u64(j, NULL, vlan[i]);
	}
	json_arr_end(j);
}

static struct view
community_of(struct event_log *l, const struct flow *f)
{
	struct community_slot *s = &l->community[f->id & (COMMUNITY_SLOTS - 1)];

	if (s->len == 0 || s->flow_id != f->id || s->proto != f->proto ||
	    memcmp(s->port, f->port, sizeof(s->port)) != 0 ||
	    s->icmp_type != f->icmp_type || s->icmp_code != f->icmp_code ||
	    !addr_eq(&s->addr[0], &f->addr[0]) ||
	    !addr_eq(&s->addr[1], &f->addr[1])) {
		*s = (struct community_slot){
			.flow_id = f->id,
			.addr = { f->addr[0], f->addr[1] },
			.port = { f->port[0], f->port[1] },
			.proto = f->proto,
			.icmp_type = f->icmp_type,
			.icmp_code = f->icmp_code,
		};
		s->len = (uint8_t)flow_community_id(f, l->set->community_seed,
						    s->text);
	}
	return view_of(s->text, s->len);
}

/* The head that every event shares. 'from' picks the source: see dir. */
void
line_head(struct event_log *l, const struct event_subject *s, const char *type)
{
	struct json *j = &l->json;
	const struct flow *f = s->f;
	char num[4];

	line_begin(l);
	l->lane = s->past != NULL ? s->past->lane
				  : event_lane_of(l->set->lanes, s);
	json_obj(j, NULL);
	json_time(j, "timestamp", s->ts_us);
	if (f != NULL) {
		json_u64(j, "flow_id", f->id);
	}
	if (s->iface > 0 && l->set->origin.ifaces != NULL) {
		json_cstr(j, "in_iface", l->set->origin.ifaces[s->iface - 1]);
	}
	if (s->number > 0) {
		json_u64(j, "pcap_cnt", s->number);
	}
	json_name(j, "event_type", type);
	if (f != NULL) {
		put_vlans(j, f->vlan, f->n_vlans);
		put_flow_ends(j, f, s->dir == FLOW_TOSERVER ? 0 : 1, l->client);
		json_name(j, "proto", ip_proto_name(f->proto, num));
		json_u64(j, "ip_v", f->ip_version);
		if (f->proto == IPP_ICMP || f->proto == IPP_ICMPV6) {
			/* Of the packet at hand, or the flow's first. */
			json_u64(j, "icmp_type",
				 s->pkt != NULL ? s->pkt->icmp_type
						: f->icmp_type);
			json_u64(j, "icmp_code",
				 s->pkt != NULL ? s->pkt->icmp_code
						: f->icmp_code);
		}
	} else if (s->pkt != NULL) {
		put_vlans(j, s->pkt->vlan, s->pkt->n_vlans);
		if (s->pkt->ip_version != 0) {
			put_packet_endpoints(j, s->pkt);
			json_name(j, "proto",
				  ip_proto_name(s->pkt->proto, num));
			json_u64(j, "ip_v", s->pkt->ip_version);
		}
	}
	json_name(j, "pkt_src", packet_source(s->pkt));
	if (f != NULL && l->set->community_id) {
		json_str(j, "community_id", community_of(l, f));
	}
}

/* The names of a marking that is limited to some; none is nobody. */
static void
put_releasable(struct json *j, const struct marking *m)
{
	if (m == NULL || !m->limited) {
		return;
	}
	json_arr(j, "releasable_to");
	for (unsigned i = 0; i < m->n_names; i++) {
		json_cstr(j, NULL, m->names[i]);
	}
	json_arr_end(j);
}

/* By which a collector knows the event again. */
static void
put_trace(struct json *j, const struct trace *t)
{
	char text[TRACE_TEXT_CAP];

	if (t != NULL && (t->content != 0 || t->ip_id != 0 || t->has_isn[0] ||
			  t->has_isn[1])) {
		json_str(j, "trace", view_of(text, trace_format(t, text)));
	}
}

static const char *
line_exercise(const struct event_log *l)
{
	return l->exercise != NULL ? l->exercise
				   : event_lane_name(l->set->lanes, l->lane);
}

/* What Picket adds, under one key. */
static void
put_picket(struct event_log *l, const struct ioc *ioc)
{
	struct json *j = &l->json;
	const struct event_origin *o = &l->set->origin;
	char id[IOC_ID_CAP];
	const char *tlp;

	json_obj(j, "picket");
	if (o->site[0] != '\0') {
		json_cstr(j, "site", o->site);
		json_cstr(j, "sensor", o->sensor);
	}
	if (o->owner[0] != '\0') {
		json_cstr(j, "owner", o->owner);
	}
	/* A run that is an exercise as a whole is no other one's. */
	if (o->exercise[0] != '\0') {
		json_cstr(j, "exercise", o->exercise);
	} else if (line_exercise(l)[0] != '\0') {
		json_cstr(j, "exercise", line_exercise(l));
	}
	/* The sensor's own marking is the least that its events bear. */
	tlp = tlp_stricter(ioc != NULL ? ioc->note->tlp : "", o->tlp);
	if (tlp[0] != '\0') {
		json_cstr(j, "tlp", tlp);
	}
	if (ioc != NULL) {
		put_releasable(j, ioc->note->mark);
		json_obj(j, "indicator");
		json_cstr(j, "id", ioc_id(ioc, id, sizeof(id)));
		json_name(j, "type", ioc_type_name(ioc->note->type));
		json_cstr(j, "value", ioc->value);
		if (ioc->note->type == IOC_DOMAIN && !ioc->note->exact) {
			json_bool(j, "subdomains", true);
		}
		json_cstr(j, "source", ioc->note->source);
		if (ioc->note->description[0] != '\0') {
			json_cstr(j, "description", ioc->note->description);
		}
		if (ioc->note->tactic[0] != '\0') {
			json_cstr(j, "tactic", ioc->note->tactic);
		}
		if (ioc->note->labels[0] != '\0') {
			json_cstr(j, "labels", ioc->note->labels);
		}
		if (ioc->note->kill_chain[0] != '\0') {
			json_cstr(j, "kill_chain", ioc->note->kill_chain);
		}
		json_obj_end(j);
	}
	if (o->site[0] != '\0') {
		put_trace(j, l->trace);
	}
	if (l->evidence != NULL) {
		json_obj(j, "evidence");
		json_u64(j, "offset", l->evidence->offset);
		json_obj_end(j);
	}
	json_obj_end(j);
}

struct view
line_end(struct event_log *l, const struct ioc *ioc)
{
	l->picket_at = 0;
	if (l->set->origin.site[0] != '\0' || ioc != NULL ||
	    line_exercise(l)[0] != '\0' || l->evidence != NULL) {
		l->picket_at = (uint32_t)(l->json.len - l->start);
		put_picket(l, ioc);
	}
	json_obj_end(&l->json);
	return line_done(l);
}

struct line_apps
line_apps_of(const struct flow *f)
{
	return (struct line_apps){
		.proto = (uint8_t)app_proto_of(f),
		.dir = { (uint8_t)app_proto_dir(f, FLOW_TOSERVER),
			 (uint8_t)app_proto_dir(f, FLOW_TOCLIENT) },
		.before = (uint8_t)app_proto_before(f),
	};
}

/* That of one direction, when it is another name than the flow's. */
static void
put_app_dir(struct json *j, const char *key, uint8_t proto, const char *flow)
{
	const char *name = app_proto_name((enum app_proto)proto);

	if (name != NULL && strcmp(name, flow) != 0) {
		json_name(j, key, name);
	}
}

void
line_apps(struct json *j, const struct line_apps *a)
{
	const char *name = app_proto_name((enum app_proto)a->proto);
	const char *before = app_proto_name((enum app_proto)a->before);

	if (name == NULL) {
		return;
	}
	json_name(j, "app_proto", name);
	put_app_dir(j, "app_proto_ts", a->dir[FLOW_TOSERVER], name);
	put_app_dir(j, "app_proto_tc", a->dir[FLOW_TOCLIENT], name);
	if (before != NULL) {
		json_name(j, "app_proto_orig", before);
	}
}

void
line_app(struct json *j, const struct event_subject *s)
{
	struct line_apps now;

	if (s->past != NULL) {
		line_apps(j, &s->past->apps);
		return;
	}
	now = line_apps_of(s->f);
	line_apps(j, &now);
}

void
line_tx(struct json *j, const struct app_tx *tx)
{
	switch (tx->parser->proto) {
	case APP_HTTP:
		log_http(j, (const struct http_tx *)tx);
		break;
	case APP_DNS:
	case APP_MDNS:
		log_dns(j, (const struct dns_tx *)tx);
		break;
	case APP_SSH:
		log_ssh(j, (const struct ssh_tx *)tx);
		break;
	case APP_TLS:
		log_tls(j, (const struct tls_tx *)tx);
		break;
	default:
		break;
	}
}

void
line_flow_counts(struct json *j, const struct flow *f)
{
	json_u64(j, "pkts_toserver", f->pkts[0]);
	json_u64(j, "pkts_toclient", f->pkts[1]);
	json_u64(j, "bytes_toserver", f->bytes[0]);
	json_u64(j, "bytes_toclient", f->bytes[1]);
	json_time(j, "start", f->first_us);
}

void
line_metadata(struct json *j, const struct event_subject *s)
{
	if (s->past != NULL) {
		line_members(j, s->past->metadata);
	} else if (s->meta != NULL) {
		log_meta(j, s->meta, s->pkt != NULL);
	}
}

enum event_type
event_type_of(const struct app_tx *tx)
{
	switch (tx->parser->proto) {
	case APP_HTTP:
		return EVENT_TYPE_HTTP;
	case APP_DNS:
	case APP_MDNS:
		return EVENT_TYPE_DNS;
	case APP_SSH:
		return EVENT_TYPE_SSH;
	case APP_TLS:
		return EVENT_TYPE_TLS;
	default:
		return EVENT_TYPE_COUNT;
	}
}

struct view
line_of_tx(struct event_log *l, const struct event_subject *s)
{
	struct json *j = &l->json;

	line_head(l, s, event_type_name(event_type_of(s->tx)));
	json_u64(j, "tx_id", s->tx->id);
	line_metadata(j, s);
	line_tx(j, s->tx);
	return line_end(l, NULL);
}

struct view
line_of_file(struct event_log *l, const struct event_subject *s,
	     const struct file *f)
{
	struct json *j = &l->json;

	line_head(l, s, "fileinfo");
	line_tx(j, s->tx);
	line_app(j, s);
	json_obj(j, "fileinfo");
	log_file(j, f, s->f->id, s->tx->id, s->dir);
	json_obj_end(j);
	return line_end(l, NULL);
}

/*
 * Suricata prints decoder and stream events with their prefix; application
 * events of its older parsers in capitals, of newer ones (DNS) as they are.
 */
static void
put_anomaly_name(struct json *j, enum event_id e, const char *layer,
		 enum app_proto app)
{
	const char *name = event_name(e), *dot;
	char capitals[96];
	size_t n = 0;

	json_str_begin(j, "event");
	if (strcmp(layer, "app") != 0) {
		json_str_part(j, strcmp(layer, "decode") == 0
					 ? VIEW_LIT("decoder.")
					 : VIEW_LIT("stream."));
		json_str_part(j, view_cstr(name));
		json_str_end(j);
		return;
	}
	dot = strchr(name, '.');
	name = dot != NULL ? dot + 1 : name;
	if (app == APP_HTTP || app == APP_TLS || dot == NULL) {
		for (; name[n] != '\0' && n < sizeof(capitals); n++) {
			capitals[n] = (char)toupper((unsigned char)name[n]);
		}
		json_str_part(j, view_of(capitals, n));
	} else {
		json_str_part(j, view_cstr(name));
	}
	json_str_end(j);
}

struct line_anomaly
line_anomaly(const struct event_subject *s, enum event_id id)
{
	return (struct line_anomaly){
		.id = id,
		.app = s->tx != NULL  ? s->tx->parser->proto
		       : s->f != NULL ? app_proto_of(s->f)
				      : APP_UNKNOWN,
		.has_tx = s->tx != NULL,
		.tx_id = s->tx != NULL ? s->tx->id : 0,
	};
}

struct view
line_of_anomaly(struct event_log *l, const struct event_subject *s,
		const struct line_anomaly *a)
{
	struct json *j = &l->json;
	const char *layer = event_layer(a->id);

	line_head(l, s, "anomaly");
	if (a->has_tx) {
		json_u64(j, "tx_id", a->tx_id);
	}
	json_obj(j, "anomaly");
	if (strcmp(layer, "app") == 0) {
		if (app_proto_name(a->app) != NULL) {
			json_name(j, "app_proto", app_proto_name(a->app));
		}
		json_name(j, "type", "applayer");
		put_anomaly_name(j, a->id, layer, a->app);
		json_name(j, "layer",
			  strchr(event_name(a->id), '.') != NULL
				  ? "proto_parser"
				  : "proto_detect");
	} else {
		json_name(j, "type", layer);
		put_anomaly_name(j, a->id, layer, a->app);
	}
	json_obj_end(j);
	return line_end(l, NULL);
}
