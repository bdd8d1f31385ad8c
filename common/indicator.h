/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator.h - one indicator, as all who read, keep, arm and release it see it
 *
 * Place    above marking.h; both programs use it.
 * Threads  a record is its maker's.
 * Memory   borrows all texts; none is NULL, absent is "".
 */
#ifndef COMMON_INDICATOR_H
#define COMMON_INDICATOR_H

#include "common/marking.h"

/* Numbers are stored and sent. */
enum indicator_kind {
	INDICATOR_IP = 0, /* address or network, either end of a flow */
	INDICATOR_DOMAIN = 1, /* DNS query, SNI, HTTP host; with subdomains */
	INDICATOR_URL = 2,
	INDICATOR_JA3 = 3, /* 32 hex digits */
	INDICATOR_CERT_SHA1 = 4, /* TLS leaf certificate */
	INDICATOR_CERT_SHA256 = 5,
	INDICATOR_JA4 = 6,
	INDICATOR_FILE_MD5 = 7,
	INDICATOR_FILE_SHA1 = 8,
	INDICATOR_FILE_SHA256 = 9,
	INDICATOR_USER_AGENT = 10, /* HTTP, whole and exact */
	INDICATOR_PATTERN = 11, /* STIX 2.1 pattern that is no single value */
	INDICATOR_KINDS = 12
};

/* Source of what one site saw and all are armed with. */
#define INDICATOR_WARNING_SOURCE "warning"
#define INDICATOR_CONFIDENCE_UNKNOWN 255
#define INDICATOR_VALUE_CAP 2049 /* of all kinds but INDICATOR_PATTERN */
#define INDICATOR_PATTERN_CAP 16384
#define INDICATOR_ID_CAP 320
#define INDICATOR_TEXT_CAP 1024 /* any other text; longer ones are cut */

struct indicator {
	enum indicator_kind kind;
	bool exact; /* INDICATOR_DOMAIN: not its subdomains */
	bool revoked;
	bool marked; /* its list says how it is marked; false: 'mark' is red and
			for nobody, until who takes it knows better */
	uint8_t severity; /* 1 worst to 255 */
	uint8_t confidence; /* 0 to 100, or INDICATOR_CONFIDENCE_UNKNOWN */
	struct marking mark;
	uint64_t valid_from_us, valid_until_us; /* 0: open */
	uint64_t modified_us; /* of the object it came from; 0: not said */
	const char *value; /* canonical text */
	const char *id; /* STIX id, MISP uuid; "" when its list has none */
	const char *source; /* file, feed or partner */
	const char *created_by; /* STIX identity or MISP org */
	const char *description;
	const char *labels; /* parted by commas */
	const char *tactic; /* ATT&CK tactic id, "TA0011" */
	const char *kill_chain; /* "NAME:PHASE", parted by commas */
};

/* "ip", "domain", "url", "ja3", "cert-sha1", "cert-sha256", "ja4", "file-md5",
 * "file-sha1", "file-sha256", "user-agent", "pattern". */
const char *indicator_kind_name(enum indicator_kind k);
/* False: no such kind. */
bool indicator_kind_read(struct view word, enum indicator_kind *out) MUST_CHECK;

/* A digest of a value, its case folded: positive.  It is stored. */
int64_t indicator_value_key(struct view value);

#endif
