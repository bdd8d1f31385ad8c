/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_dns.h"

#include <stdio.h>

#define EVE_DNS_VERSION 3

static void
log_type(struct json *j, uint16_t type)
{
	const char *name = dns_type_name(type);
	char tmp[16];

	if (name == NULL) { /* RFC 3597 section 5 */
		snprintf(tmp, sizeof(tmp), "TYPE%u", type);
		name = tmp;
	}
	json_cstr(j, "rrtype", name);
}

static void
log_name(struct json *j, const struct dns_name *n)
{
	json_str(j, "rrname", n->text);
	if (n->truncated) {
		json_bool(j, "rrname_truncated", true);
	}
}

static void
log_soa(struct json *j, const char *key, const struct dns_rr *rr)
{
	static const char *const names[] = { "serial", "refresh", "retry",
					     "expire", "minimum" };

	json_obj(j, key);
	json_str(j, "mname", rr->target.text);
	if (rr->target.truncated) {
		json_bool(j, "mname_truncated", true);
	}
	json_str(j, "rname", rr->rname.text);
	if (rr->rname.truncated) {
		json_bool(j, "rname_truncated", true);
	}
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		json_u64(j, names[i], rr->soa[i]);
	}
	json_obj_end(j);
}

static void
log_srv(struct json *j, const char *key, const struct dns_rr *rr)
{
	json_obj(j, key);
	json_u64(j, "priority", rr->prio);
	json_u64(j, "weight", rr->weight);
	json_u64(j, "port", rr->port);
	json_str(j, "name", rr->target.text);
	if (rr->target.truncated) {
		json_bool(j, "name_truncated", true);
	}
	json_obj_end(j);
}

/* RFC 4255 3.1: algorithm, type, then the digest as "0a:bb:.." */
static void
log_sshfp(struct json *j, const char *key, const struct dns_rr *rr)
{
	static const char hex[] = "0123456789abcdef";
	char text[3 * 64];
	size_t n = 0;

	for (size_t i = 2; i < rr->rdata.len && n + 3 <= sizeof(text); i++) {
		text[n++] = hex[rr->rdata.p[i] >> 4];
		text[n++] = hex[rr->rdata.p[i] & 15];
		text[n++] = ':';
	}
	json_obj(j, key);
	json_str(j, "fingerprint", view_of(text, n > 0 ? n - 1 : 0));
	json_u64(j, "algo", rr->rdata.p[0]);
	json_u64(j, "type", rr->rdata.p[1]);
	json_obj_end(j);
}

/* The strings of a TXT record in a row (RFC 1035 3.3.14). */
static void
log_txt(struct json *j, const char *key, struct view rdata)
{
	uint8_t text[4096]; /* what is longer is cut */
	size_t n = 0;

	for (size_t i = 0; i < rdata.len;) {
		size_t len = MIN((size_t)rdata.p[i], rdata.len - i - 1);

		len = MIN(len, sizeof(text) - n);
		memcpy(text + n, rdata.p + i + 1, len);
		n += len;
		i += 1 + (size_t)rdata.p[i];
	}
	json_str(j, key, view_of(text, n));
}

/* CAA (RFC 8659 4.1): flags, tag, value. */
static void
log_caa(struct json *j, const char *key, struct view rdata)
{
	size_t tag_len = rdata.len >= 2 ? rdata.p[1] : 0;
	char text[512];
	int n;

	if (rdata.len < 2 || rdata.len - 2 < tag_len) {
		return;
	}
	n = snprintf(text, sizeof(text), "%u %.*s \"%.*s\"", rdata.p[0],
		     (int)tag_len, (const char *)rdata.p + 2,
		     (int)MIN(rdata.len - 2 - tag_len, (size_t)200),
		     (const char *)rdata.p + 2 + tag_len);
	json_str(j, key, view_of(text, MIN((size_t)n, sizeof(text) - 1)));
}

/* True when log_rdata() writes something for 'rr'. */
static bool
has_text(const struct dns_rr *rr)
{
	if (!rr->parsed) {
		return false;
	}
	switch (rr->type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_NS:
	case DNS_TYPE_PTR:
	case DNS_TYPE_DNAME:
	case DNS_TYPE_MX:
	case DNS_TYPE_TXT:
	case DNS_TYPE_NULL:
	case DNS_TYPE_SOA:
	case DNS_TYPE_SRV:
	case DNS_TYPE_SSHFP:
		return true;
	case DNS_TYPE_CAA:
		return rr->rdata.len >= 2 &&
		       rr->rdata.len - 2 >= rr->rdata.p[1];
	default:
		return false;
	}
}

/* 'key' names plain text; records with parts have keys of their own. */
static void
log_rdata(struct json *j, const struct dns_rr *rr, bool in_array)
{
	const char *key = in_array ? NULL : "rdata";
	struct addr a;

	switch (rr->type) {
	case DNS_TYPE_A:
		a = addr_from_v4(rr->rdata.p);
		json_addr(j, key, &a);
		break;
	case DNS_TYPE_AAAA:
		a = addr_from_v6(rr->rdata.p);
		json_addr(j, key, &a);
		break;
	case DNS_TYPE_CNAME:
	case DNS_TYPE_NS:
	case DNS_TYPE_PTR:
	case DNS_TYPE_DNAME:
	case DNS_TYPE_MX:
		json_str(j, key, rr->target.text);
		if (rr->target.truncated && !in_array) {
			json_bool(j, "rdata_truncated", true);
		}
		break;
	case DNS_TYPE_TXT:
		log_txt(j, key, rr->rdata);
		break;
	case DNS_TYPE_NULL:
		json_str(j, key, rr->rdata);
		break;
	case DNS_TYPE_SOA:
		log_soa(j, in_array ? NULL : "soa", rr);
		break;
	case DNS_TYPE_SRV:
		log_srv(j, in_array ? NULL : "srv", rr);
		break;
	case DNS_TYPE_SSHFP:
		log_sshfp(j, in_array ? NULL : "sshfp", rr);
		break;
	case DNS_TYPE_CAA:
		log_caa(j, key, rr->rdata);
		break;
	default:
		break;
	}
}

static void
log_section(struct json *j, const char *key, const struct dns_tx *tx,
	    enum dns_section s)
{
	if (tx->n_rr[s] == 0) {
		return;
	}
	json_arr(j, key);
	for (uint32_t i = 0; i < tx->n_rr[s]; i++) {
		const struct dns_rr *rr = &tx->rr[s][i];

		json_obj(j, NULL);
		log_name(j, &rr->name);
		log_type(j, rr->type);
		json_u64(j, "ttl", rr->ttl);
		if (has_text(rr)) {
			log_rdata(j, rr, false);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
}

/* The answers' data by type, in order of each type's first answer. */
static void
log_grouped(struct json *j, const struct dns_tx *tx)
{
	const struct dns_rr *rr = tx->rr[DNS_ANSWER];
	uint32_t n = tx->n_rr[DNS_ANSWER];
	uint64_t seen[5] = { 0 }; /* the types has_text() names are below 320 */

	json_obj(j, "grouped");
	for (uint32_t i = 0; i < n; i++) {
		uint16_t type = rr[i].type;

		if (!has_text(&rr[i]) || (seen[type / 64] >> type % 64 & 1)) {
			continue;
		}
		seen[type / 64] |= UINT64_C(1) << type % 64;
		json_arr(j, dns_type_name(type));
		for (uint32_t k = i; k < n; k++) {
			if (rr[k].type == type && has_text(&rr[k])) {
				log_rdata(j, &rr[k], true);
			}
		}
		json_arr_end(j);
	}
	json_obj_end(j);
}

static void
log_flags(struct json *j, const struct dns_tx *tx)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} bits[] = { { 0x8000, "qr" }, { 0x0400, "aa" }, { 0x0200, "tc" },
		     { 0x0100, "rd" }, { 0x0080, "ra" }, { 0x0040, "z" } };
	static const char digits[] = "0123456789abcdef";
	char hex[4];
	size_t n = sizeof(hex);
	unsigned v = tx->flags;

	do {
		hex[--n] = digits[v & 15];
		v >>= 4;
	} while (v != 0);
	json_str(j, "flags", view_of(hex + n, sizeof(hex) - n));
	for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
		if (tx->flags & bits[i].bit) {
			json_bool(j, bits[i].name, true);
		}
	}
}

static void
log_rcode(struct json *j, const struct dns_tx *tx)
{
	const char *name = dns_rcode_name(tx->rcode);
	char tmp[16];

	if (name == NULL) {
		snprintf(tmp, sizeof(tmp), "%u", tx->rcode);
		name = tmp;
	}
	json_cstr(j, "rcode", name);
}

void
log_dns(struct json *j, const struct dns_tx *tx)
{
	json_obj(j, app_proto_name(tx->tx.parser->proto));
	json_u64(j, "version", EVE_DNS_VERSION);
	json_cstr(j, "type", tx->response ? "response" : "request");
	json_u64(j, "tx_id", tx->tx.id);
	json_u64(j, "id", tx->id);
	log_flags(j, tx);
	json_u64(j, "opcode", tx->opcode);
	if (tx->response) {
		log_rcode(j, tx);
	}
	if (tx->n_questions > 0) {
		json_arr(j, "queries");
		for (uint32_t i = 0; i < tx->n_questions; i++) {
			json_obj(j, NULL);
			log_name(j, &tx->questions[i].name);
			log_type(j, tx->questions[i].type);
			json_obj_end(j);
		}
		json_arr_end(j);
	}
	log_section(j, "answers", tx, DNS_ANSWER);
	if (tx->n_rr[DNS_ANSWER] > 0) {
		log_grouped(j, tx);
	}
	log_section(j, "authorities", tx, DNS_AUTHORITY);
	log_section(j, "additionals", tx, DNS_ADDITIONAL);
	json_obj_end(j);
}
