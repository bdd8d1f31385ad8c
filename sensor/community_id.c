/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Community ID v1 (Corelight's community-id-spec): SHA-1 over seed, ordered
 * endpoints and protocol.  Cold: computed when an event is written.
 */
#include <openssl/evp.h>

#include "sensor/flow.h"
#include "sensor/hex_digest.h"

/* Request and reply types that form one conversation, as Zeek pairs them. */
static const uint8_t icmp4_pairs[][2] = {
	{ 8, 0 }, /* echo */
	{ 13, 14 }, /* timestamp */
	{ 15, 16 }, /* information */
	{ 10, 9 }, /* router solicitation */
	{ 17, 18 }, /* address mask */
};

static const uint8_t icmp6_pairs[][2] = {
	{ 128, 129 }, /* echo */
	{ 133, 134 }, /* router solicitation */
	{ 135, 136 }, /* neighbour solicitation */
	{ 130, 131 }, /* multicast listener query and report */
	{ 139, 140 }, /* node information */
	{ 144, 145 }, /* home agent address discovery */
};

bool
icmp_counterpart(uint8_t proto, uint8_t type, uint8_t *other, bool *request)
{
	bool v4 = proto == IPP_ICMP;
	const uint8_t(*pairs)[2] = v4 ? icmp4_pairs : icmp6_pairs;
	size_t n = v4 ? ARRAY_LEN(icmp4_pairs) : ARRAY_LEN(icmp6_pairs);

	for (size_t i = 0; i < n; i++) {
		if (pairs[i][0] == type || pairs[i][1] == type) {
			*request = pairs[i][0] == type;
			*other = *request ? pairs[i][1] : pairs[i][0];
			return true;
		}
	}
	return false;
}

/* The two 16-bit words that stand for ports; false when the endpoints are
 * not to be ordered (an ICMP message nobody answers). */
static bool
id_ports(const struct flow *f, uint16_t port[2])
{
	uint8_t other;
	bool request;

	if (f->proto != IPP_ICMP && f->proto != IPP_ICMPV6) {
		port[0] = f->port[0];
		port[1] = f->port[1];
		return true;
	}
	port[0] = f->icmp_type;
	if (icmp_counterpart(f->proto, f->icmp_type, &other, &request)) {
		port[1] = other;
		return true;
	}
	port[1] = f->icmp_code;
	return false;
}

size_t
flow_community_id(const struct flow *f, uint16_t seed,
		  char out[COMMUNITY_ID_CAP])
{
	uint8_t in[2 + 16 + 16 + 1 + 1 + 2 + 2], sum[HEX_SHA1_LEN];
	bool v4 = f->ip_version == 4;
	size_t alen = v4 ? 4 : 16, n = 0;
	unsigned a = 0;
	uint16_t port[2];
	int cmp;

	cmp = addr_cmp(&f->addr[0], &f->addr[1]);
	if (id_ports(f, port) && (cmp > 0 || (cmp == 0 && port[0] > port[1]))) {
		a = 1;
	}
	store_be16(in, seed);
	n += 2;
	memcpy(in + n, f->addr[a].b + 16 - alen, alen);
	n += alen;
	memcpy(in + n, f->addr[!a].b + 16 - alen, alen);
	n += alen;
	in[n++] = f->proto;
	in[n++] = 0;
	/* Protocols without ports hash no ports at all. */
	if (f->proto == IPP_TCP || f->proto == IPP_UDP ||
	    f->proto == IPP_SCTP || f->proto == IPP_ICMP ||
	    f->proto == IPP_ICMPV6) {
		store_be16(in + n, port[a]);
		store_be16(in + n + 2, port[!a]);
		n += 4;
	}
	if (!hex_sha1(view_of(in, n), sum)) {
		memset(sum, 0, sizeof(sum));
	}
	out[0] = '1';
	out[1] = ':';
	EVP_EncodeBlock((unsigned char *)out + 2, sum, (int)sizeof(sum));
	return strlen(out);
}
