/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_dns.h - DNS messages over UDP and TCP (RFC 1035)
 *
 * Every message is a transaction of its own: a request of the client, or a
 * response of the server, whether or not the other was seen.  Multicast DNS
 * (RFC 6762) is the same parser under its own name.
 *
 * Place    above app_parser.h, below app.h.
 * Threads  pure, but for the flow and transaction it is given.
 * Memory   a message and its names from the transaction's arena; at most
 *          DNS_MAX_RRS questions or records of a section are kept, the rest
 *          are counted.  TCP keeps at most one message, 64 KiB, a direction.
 * Cost     linear: a kept name costs at most DNS_NAME_MAX_STEPS steps, a
 *          skipped one only its own bytes.
 */
#ifndef SENSOR_APP_DNS_H
#define SENSOR_APP_DNS_H

#include "common/dns_text.h"
#include "sensor/app_parser.h"
#include "sensor/dns_name.h"

#define DNS_MAX_RRS 256

/* RFC 1035 3.2.2 and the IANA registry "DNS Resource Record (RR) TYPEs" */
enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_NULL = 10,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_SSHFP = 44,
	DNS_TYPE_CAA = 257,
};

struct dns_question {
	struct dns_name name;
	uint16_t type, class;
};

struct dns_rr {
	struct dns_name name;
	uint16_t type, class;
	uint32_t ttl;
	struct view rdata; /* as sent; names in it may be compressed */
	/* CNAME, NS, PTR, DNAME, MX, SRV: target.  SOA: mname. */
	struct dns_name target;
	struct dns_name rname; /* SOA */
	uint32_t soa[5]; /* serial, refresh, retry, expire, minimum */
	uint16_t prio, weight, port; /* MX preference is 'prio'; SRV */
	bool parsed; /* rdata had the form of its type */
};

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dns_tx {
	struct app_tx tx;
	bool response;
	uint16_t id, flags;
	uint8_t opcode, rcode; /* the 4-bit rcode of the header */
	uint16_t count[1 + DNS_SECTIONS]; /* as the header claims */
	struct dns_question *questions;
	uint32_t n_questions, n_questions_dropped;
	struct dns_rr *rr[DNS_SECTIONS];
	uint32_t n_rr[DNS_SECTIONS], n_rr_dropped[DNS_SECTIONS];
	struct view message; /* the whole, without TCP's length */
	struct view tcp_length; /* the two bytes before it; empty for UDP */
	/* Names as rules look at them, made when first asked for. */
	struct view *query_names, *section_names[DNS_SECTIONS];
	struct view *response_names; /* of all sections and in their data */
	uint32_t n_response_names;
};

extern const struct app_parser app_dns_udp;
extern const struct app_parser app_dns_tcp;
extern const struct app_parser app_mdns; /* UDP port 5353 */

#endif
