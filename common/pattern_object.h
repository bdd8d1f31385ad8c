/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_object.h - which object paths of STIX patterns a sensor can see
 *
 * Place    above pattern_tree.h; below pattern.h's questions and the engine.
 * Threads  pure.
 * Memory   none.
 * Cost     a walk over a table of some forty paths.
 */
#ifndef COMMON_PATTERN_OBJECT_H
#define COMMON_PATTERN_OBJECT_H

#include "common/pattern_tree.h"

/* What a property's values are. */
enum pattern_type {
	PATTERN_T_TEXT,
	PATTERN_T_LOWER, /* text that is compared in lower case */
	PATTERN_T_ADDR,
	PATTERN_T_INTEGER,
	PATTERN_T_BOOL,
	PATTERN_T_TIME,
};

/* When a property is first known: bits. */
enum pattern_moment {
	PATTERN_AT_BEGIN = 1, /* a flow's first packet */
	PATTERN_AT_TX = 2, /* a transaction, as far as it went */
	PATTERN_AT_FILE = 4, /* a file ended */
	PATTERN_AT_END = 8, /* a flow ended */
};

/*
 * P(symbol, object, path below it, type, moment).  In a path '*' stands for
 * one key of any name; lists are written without their index.
 */
#define PATTERN_PROPERTY_LIST(P) \
	P(IPV4, "ipv4-addr", "value", ADDR, BEGIN) \
	P(IPV6, "ipv6-addr", "value", ADDR, BEGIN) \
	P(DOMAIN, "domain-name", "value", LOWER, TX) \
	P(URL, "url", "value", TEXT, TX) \
	P(SRC, "network-traffic", "src_ref.value", ADDR, BEGIN) \
	P(DST, "network-traffic", "dst_ref.value", ADDR, BEGIN) \
	P(SRC_TYPE, "network-traffic", "src_ref.type", TEXT, BEGIN) \
	P(DST_TYPE, "network-traffic", "dst_ref.type", TEXT, BEGIN) \
	P(SRC_PORT, "network-traffic", "src_port", INTEGER, BEGIN) \
	P(DST_PORT, "network-traffic", "dst_port", INTEGER, BEGIN) \
	P(PROTOCOLS, "network-traffic", "protocols", LOWER, BEGIN) \
	P(START, "network-traffic", "start", TIME, BEGIN) \
	P(END, "network-traffic", "end", TIME, END) \
	P(IS_ACTIVE, "network-traffic", "is_active", BOOL, BEGIN) \
	P(SRC_BYTES, "network-traffic", "src_byte_count", INTEGER, END) \
	P(DST_BYTES, "network-traffic", "dst_byte_count", INTEGER, END) \
	P(SRC_PACKETS, "network-traffic", "src_packets", INTEGER, END) \
	P(DST_PACKETS, "network-traffic", "dst_packets", INTEGER, END) \
	P(METHOD, "network-traffic", \
	  "extensions.http-request-ext.request_method", LOWER, TX) \
	P(REQUEST, "network-traffic", \
	  "extensions.http-request-ext.request_value", TEXT, TX) \
	P(VERSION, "network-traffic", \
	  "extensions.http-request-ext.request_version", LOWER, TX) \
	P(HEADER, "network-traffic", \
	  "extensions.http-request-ext.request_header.*", TEXT, TX) \
	P(JA3, "network-traffic", "extensions.*.ja3", LOWER, TX) \
	P(JA4, "network-traffic", "extensions.*.ja4", LOWER, TX) \
	P(SNI, "network-traffic", "extensions.*.server_name", LOWER, TX) \
	P(CERT_SHA1, "x509-certificate", "hashes.SHA-1", LOWER, TX) \
	P(CERT_SHA256, "x509-certificate", "hashes.SHA-256", LOWER, TX) \
	P(CERT_SUBJECT, "x509-certificate", "subject", TEXT, TX) \
	P(CERT_ISSUER, "x509-certificate", "issuer", TEXT, TX) \
	P(CERT_SERIAL, "x509-certificate", "serial_number", LOWER, TX) \
	P(CERT_FROM, "x509-certificate", "validity_not_before", TIME, TX) \
	P(CERT_TO, "x509-certificate", "validity_not_after", TIME, TX) \
	P(FILE_MD5, "file", "hashes.MD5", LOWER, FILE) \
	P(FILE_SHA1, "file", "hashes.SHA-1", LOWER, FILE) \
	P(FILE_SHA256, "file", "hashes.SHA-256", LOWER, FILE) \
	P(FILE_SIZE, "file", "size", INTEGER, FILE) \
	P(FILE_NAME, "file", "name", TEXT, FILE)

enum pattern_property {
#define P(sym, object, path, type, at) PATTERN_P_##sym,
	PATTERN_PROPERTY_LIST(P)
#undef P
		PATTERN_PROPERTIES
};

struct pattern_property_row {
	const char *object, *path;
	enum pattern_type type;
	enum pattern_moment at;
};

const struct pattern_property_row *
pattern_property_row(enum pattern_property p);

/*
 * What 'path' names.  '*header' is the name after request_header, else empty;
 * '*index' is the list's index, or -1 for any.  False: nothing that a sensor
 * sees.
 */
bool pattern_property_find(const struct pattern_path *path,
			   enum pattern_property *out, struct view *header,
			   int64_t *index) MUST_CHECK;

/* Whether a constant of this kind can equal a value of this type. */
bool pattern_comparable(enum pattern_type type, enum pattern_literal literal);

#endif
