/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_set.h - indicators, matched by hash and trie, never by scanning
 *
 * Addresses are looked up by hash and networks in a prefix trie, domain names
 * by each of their label suffixes, URLs, JA3 and certificate digests by exact
 * hash.
 *
 * Place    above rule.h; below rule_match.
 * Threads  built by one thread, then read only.
 * Memory   heap: 22 bytes an indicator and its text; what indicators have in
 *          common (source, marking, dates) is kept once, in a note.
 * Cost     a handful of hash probes per name or address, one trie walk.
 */
#ifndef RULES_IOC_SET_H
#define RULES_IOC_SET_H

#include "common/err.h"
#include "common/marking.h"
#include "rules/rule.h"

enum ioc_type {
	IOC_IP, /* address or network, either end of a flow */
	IOC_DOMAIN, /* DNS query, TLS SNI, HTTP host; with subdomains */
	IOC_URL, /* HTTP host and URI */
	IOC_JA3, /* 32 hex digits */
	IOC_CERT_SHA1, /* TLS leaf certificate */
	IOC_CERT_SHA256,
	IOC_JA4,
	IOC_FILE_MD5, /* of a whole file, as of the others */
	IOC_FILE_SHA1,
	IOC_FILE_SHA256,
	IOC_USER_AGENT, /* HTTP, whole and as sent */
	IOC_PATTERN, /* STIX pattern that is no single value */
	IOC_TYPE_COUNT
};

/* All but the value.  In a set no string is NULL: absent is "". */
struct ioc_note {
	enum ioc_type type;
	bool exact; /* IOC_DOMAIN: not its subdomains */
	uint8_t severity; /* 1 is worst, as rule priority */
	const char *id; /* STIX id or the like; see ioc_id() */
	const char *source; /* file or feed name */
	const char *tlp; /* "clear", "green", "amber", "amber+strict", "red" */
	const struct marking *mark; /* whom it is releasable to, or NULL */
	const char *description;
	const char *tactic; /* ATT&CK tactic id such as "TA0011" */
	const char *labels, *kill_chain; /* parted by commas, see indicator.h */
	uint64_t valid_from_us, valid_until_us; /* 0: open */
};

/* One indicator as loaded.  Strings live as long as the set. */
struct ioc {
	const char *value; /* canonical text */
	const struct ioc_note *note;
};

struct ioc_set;
struct ioc_pattern_set;

struct ioc_set *ioc_set_new(void);
void ioc_set_free(struct ioc_set *s);
/*
 * Copies 'note' (NULL strings are "", severity 0 is 1) and 'value', which is
 * normalised; ERR_FORMAT with diag when it is not of its type.  The same type
 * and value again is kept once: the first, unless the new one lasts longer or
 * takes in subdomains where the first does not; valid as widely as both, and
 * marked with the join of both.
 */
enum err ioc_set_add(struct ioc_set *s, const struct ioc_note *note,
		     struct view value, struct diag *d) MUST_CHECK;
/*
 * The patterns among them; NULL when there are none.  What they ask for is in
 * ioc_set_needed() too.
 */
const struct ioc_pattern_set *ioc_set_patterns(const struct ioc_set *s);
/* The pattern of this text, by its number there; UINT32_MAX: none. */
uint32_t ioc_set_pattern(const struct ioc_set *s, struct view text);
/* No more additions after this; required before any look-up. */
enum err ioc_set_seal(struct ioc_set *s) MUST_CHECK;
uint32_t ioc_set_count(const struct ioc_set *s);
const struct ioc *ioc_set_at(const struct ioc_set *s, uint32_t i);
size_t ioc_set_memory(const struct ioc_set *s); /* bytes */

/*
 * Look-ups give the narrowest indicator that is valid at 'now_us' (0: at any
 * time), or NULL.
 */
const struct ioc *ioc_find_addr(const struct ioc_set *s, const struct addr *a,
				uint64_t now_us);
/* 'name' in any case, with or without a final dot. */
const struct ioc *ioc_find_domain(const struct ioc_set *s, struct view name,
				  uint64_t now_us);
/*
 * 'host' may end in ":port", of which 80 and 443 are ignored; 'uri' as in the
 * request line (absolute-form brings its own host, RFC 9112 3.2.2).
 */
const struct ioc *ioc_find_url(const struct ioc_set *s, struct view host,
			       struct view uri, uint64_t now_us);
/* Digests as hex, with or without colons; IOC_JA4 and IOC_USER_AGENT as sent. */
const struct ioc *ioc_find_text(const struct ioc_set *s, enum ioc_type type,
				struct view text, uint64_t now_us);

/*
 * Appends a hit for each indicator that 'in' shows: addresses on the first
 * packet of a flow (INSPECT_PACKET) or on one that has no flow, names and
 * digests on INSPECT_TX when their buffer is fresh or their file has ended.  The hit's rule is the
 * built-in rule of its type, gid IOC_GID, sid IOC_SID_BASE + type.
 */
#define IOC_GID 9000
#define IOC_SID_BASE 9000000
struct ioc_live_reader;
/* 's' and 'live' (see ioc_live.h) may each be NULL; what 'live' shows is good
 * until the next call. */
void ioc_match(const struct ioc_set *s, struct ioc_live_reader *live,
	       const struct inspect *in, struct rule_hits *out);
/* Bit per enum inspect_buf that ioc_match() reads for the types present. */
void ioc_set_needed(const struct ioc_set *s, uint64_t needed[2]);
/* Bit per enum inspect_digest of files that it reads. */
unsigned ioc_set_digests(const struct ioc_set *s);
const struct rule *ioc_rule(enum ioc_type type);

/* As indicator_kind_name(). */
const char *ioc_type_name(enum ioc_type type);
/*
 * The list's own id, or "TYPE:VALUE" when it has none, cut to 'cap' bytes
 * with the NUL; returns 'out'.
 */
#define IOC_ID_CAP 320
const char *ioc_id(const struct ioc *ioc, char *out, size_t cap);

#endif
