/* SPDX-License-Identifier: Apache-2.0 */
/* The event of what a host contacted in an interval. */
#include "common/proto.h"
#include "sensor/contacts.h"
#include "sensor/event_line.h"

static void
put_sketch(struct json *j, const char *key, const struct hll *h)
{
	json_hex(j, key, view_of(h->b, sizeof(h->b)));
}

static void
put_to(struct json *j, const struct contacts_to *to)
{
	char num[4];

	json_obj(j, NULL);
	json_addr(j, "ip", &to->ip);
	json_u64(j, "port", to->port);
	json_name(j, "proto", ip_proto_name(to->proto, num));
	json_u64(j, "flows", to->flows);
	json_u64(j, "failed", to->failed);
	json_u64(j, "bytes_out", to->bytes_out);
	json_u64(j, "bytes_in", to->bytes_in);
	json_arr(j, "starts");
	for (unsigned i = 0; i < to->n_starts; i++) {
		json_u64(j, NULL, to->starts_ms[i]);
	}
	json_arr_end(j);
	json_obj_end(j);
}

static void
put_contacts(struct json *j, const struct contacts_told *t)
{
	json_obj(j, "contacts");
	json_addr(j, "ip", &t->ip);
	json_time(j, "start", t->start_us);
	json_time(j, "end", t->end_us);
	json_u64(j, "flows", t->flows);
	json_u64(j, "failed", t->failed);
	json_u64(j, "bytes_out", t->bytes_out);
	json_u64(j, "bytes_in", t->bytes_in);
	json_u64(j, "peers", hll_count(&t->peers));
	json_u64(j, "ports", hll_count(&t->ports));
	put_sketch(j, "peers_sketch", &t->peers);
	put_sketch(j, "ports_sketch", &t->ports);
	json_arr(j, "to");
	for (unsigned i = 0; i < t->n_to; i++) {
		put_to(j, &t->to[i]);
	}
	json_arr_end(j);
	json_obj_end(j);
}

struct view
line_of_contacts(struct event_log *l, const struct event_subject *s,
		 const struct contacts_told *t)
{
	struct json *j = &l->json;
	struct view line;

	line_begin(l);
	l->lane = 0;
	json_obj(j, NULL);
	json_time(j, "timestamp", s->ts_us);
	json_name(j, "event_type", "contacts");
	if (l->set->origin.sensor[0] != '\0') {
		json_cstr(j, "host", l->set->origin.sensor);
	}
	put_contacts(j, t);
	l->exercise = t->exercise;
	line = line_end(l, NULL);
	l->exercise = NULL;
	return line;
}
