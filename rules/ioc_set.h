/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_set.h - indicators, matched by hash and trie, never by scanning
 *
 * Addresses and networks are looked up in a prefix trie, domain names by each
 * of their label suffixes, URLs, JA3 and certificate digests by exact hash.
 *
 * Place    above rule.h; below rule_match.
 * Threads  built by one thread, then read only.
 * Memory   heap; at most about twice the raw list.
 * Cost     a handful of hash probes per name, one trie walk per address.
 */
#ifndef RULES_IOC_SET_H
#define RULES_IOC_SET_H

#include "common/err.h"
#include "rules/rule.h"

enum ioc_type {
	IOC_IP, /* address or network, either end of a flow */
	IOC_DOMAIN, /* DNS query, TLS SNI, HTTP host; with subdomains */
	IOC_URL, /* HTTP host and URI */
	IOC_JA3, /* 32 hex digits */
	IOC_CERT_SHA1, /* TLS leaf certificate */
	IOC_CERT_SHA256,
	IOC_TYPE_COUNT
};

/* "ip", "domain", "url", "ja3", "cert-sha1", "cert-sha256" */
const char *ioc_type_name(enum ioc_type t);

/* One indicator as loaded.  Strings live as long as the set. */
struct ioc {
	enum ioc_type type;
	bool exact; /* IOC_DOMAIN: not its subdomains */
	const char *id; /* STIX id, or "TYPE:VALUE" when the list has none */
	const char *value; /* canonical text */
	const char *source; /* file or feed name */
	const char *
		tlp; /* "clear", "green", "amber", "amber+strict", "red" or "" */
	const char *description; /* or "" */
	const char *tactic; /* ATT&CK tactic id such as "TA0011", or "" */
	uint8_t severity; /* 1 is worst, as rule priority; default 1 */
	uint64_t valid_from_us, valid_until_us; /* 0: open */
};

struct ioc_set;

struct ioc_set *ioc_set_new(void);
void ioc_set_free(struct ioc_set *s);
/*
 * Copies 'ioc' in, with 'value' normalised; ERR_FORMAT with diag when the
 * value is not of its type.  The same (type, value) again keeps the first.
 */
enum err ioc_set_add(struct ioc_set *s, const struct ioc *ioc,
		     struct diag *d) MUST_CHECK;
/* No more additions after this; required before any look-up. */
enum err ioc_set_seal(struct ioc_set *s) MUST_CHECK;
uint32_t ioc_set_count(const struct ioc_set *s);
const struct ioc *ioc_set_at(const struct ioc_set *s, uint32_t i);

const struct ioc *ioc_find_addr(const struct ioc_set *s, const struct addr *a);
/* 'name' in any case, with or without a final dot. */
const struct ioc *ioc_find_domain(const struct ioc_set *s, struct view name);
/* "host/path?query" is matched exactly, scheme ignored. */
const struct ioc *ioc_find_url(const struct ioc_set *s, struct view host,
			       struct view uri);
const struct ioc *ioc_find_text(const struct ioc_set *s, enum ioc_type type,
				struct view hex);

/*
 * Appends a hit for each indicator that 'in' shows: addresses on the first
 * packet of a flow (INSPECT_PACKET), names and digests on INSPECT_TX when
 * their buffer is fresh.  The hit's rule is the built-in rule of its type,
 * gid IOC_GID, sid IOC_SID_BASE + type.
 */
#define IOC_GID 9000
#define IOC_SID_BASE 9000000
void ioc_match(const struct ioc_set *s, const struct inspect *in,
	       struct rule_hits *out);
/* Bit per enum inspect_buf that ioc_match() reads for the types present. */
void ioc_set_needed(const struct ioc_set *s, uint64_t needed[2]);
const struct rule *ioc_rule(enum ioc_type type);

#endif
