/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyword.h - every word a rule may use: one row each
 *
 * Place    above rule_prog.h; below rule_parse.
 * Threads  static table.
 * Memory   none.
 * Cost     look-up is a binary search over an index made once.
 */
#ifndef RULES_KEYWORD_H
#define RULES_KEYWORD_H

#include "rules/rule_prog.h"

/* What kind of word it is; rule_parse.c names the reader of each. */
enum keyword_shape {
	KW_MSG,
	KW_SID,
	KW_GID,
	KW_REV,
	KW_CLASSTYPE,
	KW_PRIORITY,
	KW_METADATA,
	KW_REFERENCE,
	KW_TARGET,
	KW_NOALERT,
	KW_REQUIRES,
	KW_HINT, /* changes how fast, never whether */
	KW_CONTENT,
	KW_URICONTENT,
	KW_TEXT_IN, /* tls.subject:"x": content in buffer 'a' */
	KW_NOCASE,
	KW_RAWBYTES,
	KW_STARTSWITH,
	KW_ENDSWITH,
	KW_OFFSET,
	KW_DEPTH,
	KW_DISTANCE,
	KW_WITHIN,
	KW_FAST_PATTERN,
	KW_PCRE,
	KW_BUFFER, /* sticky: 'a' to server, 'b' to client */
	KW_FRAME, /* sticky: the value names the protocol's unit */
	KW_MODIFIER, /* legacy: moves the content before it */
	KW_PKT_DATA,
	KW_BASE64_DECODE,
	KW_BASE64_DATA,
	KW_BSIZE,
	KW_URILEN,
	KW_ISDATAAT,
	KW_ABSENT,
	KW_BYTE_TEST,
	KW_BYTE_JUMP,
	KW_BYTE_EXTRACT,
	KW_BYTE_MATH,
	KW_ENTROPY,
	KW_ASN1,
	KW_NOTE, /* flowvar, pktvar: 'a' enum note_kind */
	KW_XFORM, /* 'a': enum xform_type */
	KW_FLOW,
	KW_FLOWBITS,
	KW_FLOWINT,
	KW_XBITS,
	KW_HOSTBITS,
	KW_DATASET,
	KW_DATAREP,
	KW_THRESHOLD,
	KW_DETECTION_FILTER,
	KW_STREAM_SIZE,
	KW_FACT, /* a number: 'a' enum fact, 'b' its arg */
	KW_FLOW_COUNT, /* flow.pkts, flow.bytes: "[toserver,]N" */
	KW_ITS_NUM, /* transaction number: 'a' enum inspect_num */
	KW_TCP_FLAGS,
	KW_FRAGBITS,
	KW_FRAGOFFSET,
	KW_IPOPTS,
	KW_CSUM, /* 'a': enum csum_of */
	KW_IP_PROTO,
	KW_SAMEIP,
	KW_APP_PROTO,
	KW_FILE_SIZE,
	KW_FILE_EXT,
	KW_FILE_DIGEST, /* 'a': enum inspect_digest */
	KW_FILESTORE,
	KW_EVENT, /* 'a': 0 decode, 1 stream, 2 app */
	KW_TLS_VERSION,
	KW_SSL_VERSION,
	KW_SSL_STATE,
	KW_CERT_TIME,
	KW_CERT_EXPIRED,
	KW_CERT_VALID,
	KW_TAG,
	KW_BYPASS,
	KW_CONFIG,
	KW_IPREP,
	KW_GEOIP,
	KW_SSH_VERSION, /* a version, or 2_compat */
	KW_REFUSED, /* known, not done: 'note' says why */
};

enum keyword_flag {
	KWF_NO_VALUE = 1, /* a value is an error */
	KWF_VALUE = 2, /* no value is an error */
	KWF_MULTI = 4, /* buffer of several instances */
	KWF_BODY = 8, /* buffer that grows */
	KWF_TCP = 16, /* the rule is for this transport */
	KWF_UDP = 32,
	KWF_ICMP4 = 64,
	KWF_ICMP6 = 128,
	KWF_V4 = 256,
	KWF_V6 = 512,
	KWF_PACKET = 1024, /* a buffer of the packet's headers */
	KWF_ADDR = 2048, /* an address: there whatever is looked at */
};

#define KW_NONE (-1)

struct keyword {
	const char *name;
	uint8_t shape; /* enum keyword_shape */
	uint16_t flags; /* enum keyword_flag */
	int16_t a, b;
	uint8_t app; /* enum app_proto that it implies */
	const char *note;
};

/* Names are compared without case; NULL when there is no such word. */
const struct keyword *keyword_find(struct view name);

/* The table's row 'i', for those who go through all; NULL behind the last. */
const struct keyword *keyword_at(size_t i);

/* The word that 'name' may be a slip of; NULL when none is near. */
const struct keyword *keyword_nearest(struct view name);

#endif
