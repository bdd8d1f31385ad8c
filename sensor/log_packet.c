/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_packet.h"

/* What a packet without link layer is called (DLT_RAW of Linux). */
#define LINKTYPE_RAW 12

static void
outputs_packet(void *arg, const char *key, const char *value)
{
	static const char tail[] = ".alert.packet";
	size_t n = strlen(key);

	if (n >= sizeof(tail) && strstr(key, ".eve-log.types.") != NULL &&
	    strcmp(key + n - (sizeof(tail) - 1), tail) == 0) {
		*(enum packet_dump *)arg =
			strcmp(value, "yes") == 0 || strcmp(value, "true") == 0
				? DUMP_ALL
				: DUMP_NONE;
	}
}

enum packet_dump
packet_dump_of(const struct conf *conf)
{
	enum packet_dump d = DUMP_REBUILT;
	const char *own;

	if (conf == NULL) {
		return d;
	}
	conf_each(conf, "outputs.", outputs_packet, &d);
	own = conf_get(conf, "eve.packet");
	if (own != NULL) {
		d = strcmp(own, "rebuilt") == 0            ? DUMP_REBUILT
		    : conf_bool(conf, "eve.packet", false) ? DUMP_ALL
							   : DUMP_NONE;
	}
	return d;
}

void
log_tunnel(struct json *j, const struct packet *p)
{
	const struct packet *root = p;
	char num[4];

	while (root->outer != NULL) {
		root = root->outer;
	}
	if (root == p || root->ip_version == 0) {
		return;
	}
	json_obj(j, "tunnel");
	json_addr(j, "src_ip", &root->src);
	if (root->sport != 0 || root->dport != 0) {
		json_u64(j, "src_port", root->sport);
	}
	json_addr(j, "dest_ip", &root->dst);
	if (root->sport != 0 || root->dport != 0) {
		json_u64(j, "dest_port", root->dport);
	}
	json_cstr(j, "proto", ip_proto_name(root->proto, num));
	json_u64(j, "depth", p->depth);
	if (root->frame->number > 0) {
		json_u64(j, "pcap_cnt", root->frame->number);
	}
	json_cstr(j, "pkt_src",
		  root->flags & PKT_REASSEMBLED ? "defrag" : "wire/pcap");
	json_obj_end(j);
}

/* By libpcap's names for what the decoder takes. */
static const char *
linktype_name(uint16_t linktype)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = { { 0, "NULL" },
		      { 1, "EN10MB" },
		      { 9, "PPP" },
		      { 10, "FDDI" },
		      { 12, "RAW" },
		      { 14, "RAW" },
		      { 50, "PPP_SERIAL" },
		      { 51, "PPP_ETHER" },
		      { 101, "RAW" },
		      { 104, "C_HDLC" },
		      { 105, "IEEE802_11" },
		      { 107, "FRELAY" },
		      { 108, "LOOP" },
		      { 113, "LINUX_SLL" },
		      { 119, "PRISM_HEADER" },
		      { 127, "IEEE802_11_RADIO" },
		      { 192, "PPI" },
		      { 228, "IPv4" },
		      { 229, "IPv6" },
		      { 276, "LINUX_SLL2" } };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].type == linktype) {
			return names[i].name;
		}
	}
	return NULL;
}

/* Shown without a link layer: it was inside a tunnel. */
static bool
is_bare(const struct packet *p)
{
	return p->depth > 0 && p->l3.len > 0;
}

void
log_packet_bytes(const struct packet *p, struct view *head, struct view *body)
{
	bool inner = is_bare(p);

	*head = VIEW_NONE;
	*body = p->l3;
	if ((p->flags & PKT_REASSEMBLED) != 0 && !inner) {
		*head = p->link;
	} else if (!inner) {
		*body = view_of(p->frame->data, p->frame->caplen);
	}
}

void
log_packet(struct json *j, const struct packet *p, enum packet_dump dump)
{
	bool rebuilt = (p->flags & PKT_REASSEMBLED) != 0;
	struct view head, body;

	log_packet_bytes(p, &head, &body);
	if (dump == DUMP_ALL || (dump == DUMP_REBUILT && rebuilt)) {
		json_base64_two(j, "packet", head, body);
	}
}

uint16_t
log_packet_linktype(const struct packet *p)
{
	return is_bare(p) ? LINKTYPE_RAW : p->frame->linktype;
}

void
log_packet_info(struct json *j, uint16_t linktype)
{
	const char *name = linktype_name(linktype);

	json_obj(j, "packet_info");
	json_u64(j, "linktype", linktype);
	if (name != NULL) {
		json_cstr(j, "linktype_name", name);
	}
	json_obj_end(j);
}
