/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.h - everything a rule may look at, as plain views
 *
 * The sensor fills one of these for a packet, for new bytes of a stream, or
 * for a transaction that went on; rule_match() reads it.  Rules therefore
 * know nothing of capture, flows or protocols, and a rule test is a literal.
 *
 * Place    lowest in rules/; only common/ below it.
 * Threads  one worker's scratch.
 * Memory   views borrow from packet, flow or transaction until the call ends.
 * Cost     filled by need: only buffers that a loaded rule names.
 */
#ifndef RULES_INSPECT_H
#define RULES_INSPECT_H

#include "common/addr.h"
#include "common/events.h"
#include "common/pool.h"
#include "common/proto.h"

enum inspect_dir { DIR_TOSERVER = 0, DIR_TOCLIENT = 1 };

/*
 * BUF(symbol, "rule keyword").  Buffers that exist in both directions of a
 * protocol are two rows (REQ_, RESP_); the rule's direction picks one.
 * A buffer may hold several instances (all DNS query names, each header).
 */
#define INSPECT_BUF_LIST(BUF) \
	BUF(PAYLOAD, "payload") /* this packet's payload */ \
	BUF(STREAM, "stream") /* reassembled window, one direction */ \
	BUF(IP_SRC, "ip.src") /* 4 or 16 bytes; the matcher's own view */ \
	BUF(IP_DST, "ip.dst") \
	BUF(IPV4_HDR, "ipv4.hdr") \
	BUF(IPV6_HDR, "ipv6.hdr") \
	BUF(TCP_HDR, "tcp.hdr") \
	BUF(UDP_HDR, "udp.hdr") \
	BUF(ICMPV4_HDR, "icmpv4.hdr") \
	BUF(ICMPV6_HDR, "icmpv6.hdr") \
	BUF(FILE_DATA, "file.data") /* of one file: see inspect_file */ \
	BUF(FILE_NAME, "file.name") \
	BUF(FILE_MAGIC, "file.magic") \
	BUF(HTTP_METHOD, "http.method") \
	BUF(HTTP_URI, "http.uri") /* normalised */ \
	BUF(HTTP_URI_RAW, "http.uri.raw") /* as sent */ \
	BUF(HTTP_REQ_LINE, "http.request_line") \
	BUF(HTTP_REQ_PROTOCOL, "http.protocol") \
	BUF(HTTP_HOST, "http.host") /* lower-case, no port */ \
	BUF(HTTP_HOST_RAW, "http.host.raw") /* as sent */ \
	BUF(HTTP_REQ_HEADER, "http.header") /* normalised "Name: v\r\n"... */ \
	BUF(HTTP_REQ_HEADER_RAW, "http.header.raw") \
	BUF(HTTP_REQ_HEADER_NAMES, "http.header_names") \
	BUF(HTTP_REQ_START, "http.start") \
	BUF(HTTP_REQ_COOKIE, "http.cookie") \
	BUF(HTTP_USER_AGENT, "http.user_agent") \
	BUF(HTTP_REFERER, "http.referer") \
	BUF(HTTP_ACCEPT, "http.accept") \
	BUF(HTTP_ACCEPT_LANG, "http.accept_lang") \
	BUF(HTTP_ACCEPT_ENC, "http.accept_enc") \
	BUF(HTTP_REQ_CONNECTION, "http.connection") \
	BUF(HTTP_REQ_CONTENT_TYPE, "http.content_type") \
	BUF(HTTP_REQ_CONTENT_LEN, "http.content_len") \
	BUF(HTTP_REQ_ONE_HEADER, "http.request_header") /* multi "Name: v" */ \
	BUF(HTTP_REQ_BODY, "http.request_body") \
	BUF(HTTP_STAT_CODE, "http.stat_code") \
	BUF(HTTP_STAT_MSG, "http.stat_msg") \
	BUF(HTTP_RESP_LINE, "http.response_line") \
	BUF(HTTP_RESP_PROTOCOL, "http.protocol") \
	BUF(HTTP_RESP_HEADER, "http.header") \
	BUF(HTTP_RESP_HEADER_RAW, "http.header.raw") \
	BUF(HTTP_RESP_HEADER_NAMES, "http.header_names") \
	BUF(HTTP_RESP_START, "http.start") \
	BUF(HTTP_RESP_COOKIE, "http.cookie") \
	BUF(HTTP_SERVER, "http.server") \
	BUF(HTTP_LOCATION, "http.location") \
	BUF(HTTP_RESP_CONNECTION, "http.connection") \
	BUF(HTTP_RESP_CONTENT_TYPE, "http.content_type") \
	BUF(HTTP_RESP_CONTENT_LEN, "http.content_len") \
	BUF(HTTP_RESP_ONE_HEADER, "http.response_header") \
	BUF(HTTP_RESP_BODY, "http.response_body") \
	BUF(HTTP_REQ_FRAME, "frame:http1.request") /* whole, as sent */ \
	BUF(HTTP_RESP_FRAME, "frame:http1.response") \
	BUF(DNS_PDU, "frame:dns.pdu") /* without TCP's length */ \
	BUF(DNS_QUERY, "dns.query") /* multi, dotted text */ \
	BUF(DNS_ANSWER_NAME, "dns.answer.name") /* multi */ \
	BUF(DNS_QUERY_NAME, "dns.query.name") /* multi, of either direction */ \
	BUF(DNS_AUTHORITY_NAME, "dns.authorities.rrname") /* multi */ \
	BUF(DNS_ADDITIONAL_NAME, "dns.additionals.rrname") /* multi */ \
	BUF(DNS_RESPONSE_NAME, "dns.response.rrname") /* multi */ \
	BUF(TLS_SNI, "tls.sni") \
	BUF(TLS_VERSION_TEXT, "tls.version_text") \
	BUF(TLS_CERT_SUBJECT, "tls.cert_subject") \
	BUF(TLS_CERT_ISSUER, "tls.cert_issuer") \
	BUF(TLS_CERT_SERIAL, "tls.cert_serial") /* "AA:BB:.." upper case */ \
	BUF(TLS_CERT_FINGERPRINT, "tls.cert_fingerprint") /* sha1 "aa:bb" */ \
	BUF(TLS_CERTS, "tls.certs") /* multi, DER */ \
	BUF(TLS_SUBJECTALTNAME, "tls.subjectaltname") /* multi */ \
	BUF(TLS_ALPN, "tls.alpn") /* multi */ \
	BUF(TLS_RANDOM, "tls.random") \
	BUF(TLS_RANDOM_TIME, "tls.random_time") \
	BUF(TLS_RANDOM_BYTES, "tls.random_bytes") \
	BUF(JA3_HASH, "ja3.hash") \
	BUF(JA3_STRING, "ja3.string") \
	BUF(JA3S_HASH, "ja3s.hash") \
	BUF(JA3S_STRING, "ja3s.string") \
	BUF(JA4_HASH, "ja4.hash") \
	BUF(SSH_PROTO, "ssh.proto") \
	BUF(SSH_SOFTWARE, "ssh.software") \
	BUF(SSH_HASSH, "ssh.hassh") \
	BUF(SSH_HASSH_STRING, "ssh.hassh.string") \
	BUF(SSH_HASSH_SERVER, "ssh.hassh.server") \
	BUF(SSH_HASSH_SERVER_STRING, "ssh.hassh.server.string")

enum inspect_buf {
#define BUF(sym, name) BUF_##sym,
	INSPECT_BUF_LIST(BUF)
#undef BUF
		BUF_COUNT
};

/* NUM(symbol, "rule keyword"): integers that keywords compare. */
#define INSPECT_NUM_LIST(NUM) \
	NUM(DNS_OPCODE, "dns.opcode") \
	NUM(DNS_RCODE, "dns.rcode") \
	NUM(DNS_RRTYPE, "dns.rrtype") \
	NUM(TLS_VERSION, "tls.version") /* 0x0303 = TLS 1.2 */ \
	NUM(TLS_NOT_BEFORE, "tls_cert_notbefore") /* seconds since 1970 */ \
	NUM(TLS_NOT_AFTER, "tls_cert_notafter") \
	NUM(TLS_CHAIN_LEN, "tls.cert_chain_len") \
	NUM(TLS_STATE, "ssl_state") /* bits, enum inspect_ssl_state */

enum inspect_num {
#define NUM(sym, name) NUM_##sym,
	INSPECT_NUM_LIST(NUM)
#undef NUM
		NUM_COUNT
};

enum inspect_ssl_state {
	SSL_STATE_CLIENT_HELLO = 1,
	SSL_STATE_SERVER_HELLO = 2,
	SSL_STATE_CLIENT_KEYX = 4,
	SSL_STATE_SERVER_KEYX = 8,
	SSL_STATE_UNKNOWN = 16,
};

/* All instances of one buffer; n == 0 is "absent". */
struct inspect_list {
	const struct view *v;
	uint32_t n;
};

#define INSPECT_FILES_MAX 64 /* in one call */

enum inspect_digest { INSPECT_MD5, INSPECT_SHA1, INSPECT_SHA256 };

/*
 * A file of this transaction and direction.  All that one rule asks of files
 * is asked of one file at a time.
 */
struct inspect_file {
	struct view name, magic, data;
	bool fresh_name, fresh_magic, fresh_data; /* new since the last call */
	bool data_due; /* enough of it came to be looked at */
	bool magic_known; /* or never will be */
	bool ended; /* no more bytes will come */
	bool whole; /* ended, and nothing is missing */
	uint32_t data_seen; /* bytes of 'data' that former calls had */
	uint64_t size; /* so far */
	const uint8_t *digest[3]; /* by enum inspect_digest; NULL: not known */
	struct rule_tx **state; /* what rules remember of it */
	bool *wanted; /* set by a rule that wants it stored */
};

/* What a rule with filestore wants besides the file that it matched. */
struct inspect_store {
	bool tx[2], flow[2]; /* all files of a direction */
};

/* Facts of the packet that caused this call. */
struct inspect_packet {
	struct addr src, dst;
	uint16_t sport, dport;
	uint8_t proto; /* enum ip_proto */
	uint8_t ip_version; /* 4, 6; 0 when not IP */
	uint8_t ttl, tos;
	uint16_t ip_id;
	uint16_t frag_offset; /* in 8-byte units, as the header has it */
	uint8_t frag_flags; /* bits: 4 reserved, 2 DF, 1 MF */
	uint32_t ip_options; /* bit per IPv4 option: enum inspect_ipopt */
	uint8_t tcp_flags; /* RFC 9293 3.1; CWR 0x80, ECE 0x40 */
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window, tcp_mss; /* mss 0: option absent */
	uint8_t icmp_type, icmp_code; /* also IGMP's type */
	uint16_t icmp_id, icmp_seq;
	bool icmp_has_id;
	uint8_t tcp_wscale; /* 0xff: option absent */
	uint8_t csum; /* enum inspect_csum */
	struct view l4; /* CSUM_L4_DUE: transport header to the end */
	bool icmpv6_has_mtu; /* is "packet too big" */
	uint32_t icmpv6_mtu;
	uint32_t dsize; /* payload bytes of this packet */
	bool in_stream; /* payload was taken by stream reassembly */
	bool is_rebuilt_stream; /* stands for reassembled data */
	uint64_t ts_us;
	struct event_set events; /* decode and stream events of this packet */
};

/* A checksum that cannot be judged is neither right nor wrong. */
enum inspect_csum {
	CSUM_IP_RIGHT = 1 << 0,
	CSUM_IP_WRONG = 1 << 1,
	CSUM_L4_RIGHT = 1 << 2,
	CSUM_L4_WRONG = 1 << 3,
	CSUM_L4_DUE = 1 << 4, /* not summed up yet; who asks does it */
};

enum inspect_ipopt {
	IPOPT_BIT_EOL = 1 << 0,
	IPOPT_BIT_NOP = 1 << 1,
	IPOPT_BIT_RR = 1 << 2,
	IPOPT_BIT_TS = 1 << 3,
	IPOPT_BIT_SEC = 1 << 4,
	IPOPT_BIT_LSRR = 1 << 5,
	IPOPT_BIT_ESEC = 1 << 6,
	IPOPT_BIT_SATID = 1 << 7,
	IPOPT_BIT_SSRR = 1 << 8,
	IPOPT_BIT_QS = 1 << 9,
	IPOPT_BIT_RTRALT = 1 << 10,
	IPOPT_BIT_CIPSO = 1 << 11,
};

/* Facts of the flow; absent (NULL) for packets without one. */
struct inspect_flow {
	uint64_t id;
	bool established; /* TCP handshake done, or both directions seen */
	bool is_tcp; /* and has a session */
	bool first_packet; /* this call is for the flow's first packet */
	enum app_proto app; /* of the flow */
	enum app_proto app_dir[2]; /* as detected in each direction */
	enum app_proto app_before; /* what 'app' was before it changed */
	uint64_t first_us;
	uint64_t pkts[2], bytes[2]; /* by enum inspect_dir */
	uint64_t stream_bytes[2]; /* for stream_size */
};

/* The ends of a packet, as its rules' headers see them. */
struct inspect_ends {
	const struct addr *src, *dst;
	uint16_t sport, dport;
	uint8_t proto; /* enum ip_proto */
	uint8_t ip_version; /* 4, 6; 0 when not IP */
	uint8_t dir; /* enum inspect_dir */
	bool has_flow;
};

enum inspect_kind {
	INSPECT_PACKET, /* BUF_PAYLOAD and header facts; no tx buffers */
	INSPECT_STREAM, /* BUF_STREAM only, plus header facts */
	INSPECT_TX, /* application buffers of one transaction */
};

struct rule_flow; /* what rules remember of a flow: flowbits, pending hits */
struct rule_tx; /* what rules remember of a transaction */

struct inspect {
	enum inspect_kind kind;
	enum inspect_dir dir;
	/* 'pkt' travels against 'dir': a packet of one direction may complete
	 * bytes or a transaction of the other. */
	bool pkt_is_reverse;
	struct inspect_packet pkt;
	const struct inspect_flow *flow;
	struct view pkt_views[4]; /* room for header, payload, stream views */

	struct inspect_list buf[BUF_COUNT];
	/*
	 * Bit per buffer.  'done': its final value is known (a buffer that is
	 * known to be absent is done with n == 0).  'fresh': became done, or
	 * grew (bodies), since the last call for this transaction in this
	 * direction.  'known': was done in a call of the other direction; what
	 * looks at values whatever the direction passes over these.
	 */
	uint64_t done[2], fresh[2], known[2];
	/* Bodies and streams: how much of the front was seen in former calls,
	 * and where the window begins in the whole. */
	uint32_t stream_seen;
	bool stream_end; /* no more will come: the last look */
	uint64_t stream_offset;
	uint64_t stream_chunk; /* where in the whole the present chunk begins */
	uint32_t body_seen[2]; /* of *_BODY, by direction */
	uint64_t body_offset[2];
	bool body_complete[2];
	uint64_t body_end[2]; /* end of what this call was offered */

	uint32_t num_set; /* bit per enum inspect_num */
	int64_t num[NUM_COUNT];
	struct event_set events; /* app-layer events of this transaction */

	/* Files that this call has news of. */
	struct inspect_file files[INSPECT_FILES_MAX];
	uint32_t n_files;
	const struct inspect_file *file; /* the one a rule is being asked of */
	struct inspect_store store; /* written by the rules */

	enum app_proto app; /* whose transaction this is */
	uint64_t tx_id;
	bool tx_done[2]; /* a direction is complete: negated matches may fire */

	/* State slots owned by flow and transaction; created by the rules. */
	struct rule_flow **flow_state;
	struct rule_tx **tx_state;
	struct pool *pool;
};
STATIC_ASSERT(BUF_COUNT <= 128, "done and fresh are two words");
STATIC_ASSERT(NUM_COUNT <= 32, "num_set is one word");

/* There in every call: the matcher takes it from the packet's facts. */
static inline bool
buf_is_addr(enum inspect_buf b)
{
	return b == BUF_IP_SRC || b == BUF_IP_DST;
}

static inline void
inspect_set(struct inspect *in, enum inspect_buf b, const struct view *v,
	    uint32_t n)
{
	in->buf[b].v = v;
	in->buf[b].n = n;
	in->done[b / 64] |= UINT64_C(1) << (b % 64);
}

/* Whether 'b' is asked of each file on its own. */
static inline bool
inspect_of_file(enum inspect_buf b)
{
	return b == BUF_FILE_DATA || b == BUF_FILE_NAME || b == BUF_FILE_MAGIC;
}

static inline bool
inspect_bit(const uint64_t set[2], enum inspect_buf b)
{
	return (set[b / 64] >> (b % 64) & 1) != 0;
}

#endif
