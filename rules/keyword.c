/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/keyword.h"

#define WORD(name, shape, flags) \
	{ \
		name, shape, flags, KW_NONE, KW_NONE, APP_UNKNOWN, NULL \
	}
#define BUFFER(name, flags, ...) \
	{ \
		name, KW_BUFFER, KWF_NO_VALUE | (flags), __VA_ARGS__, NULL \
	}
#define MODIFIER(name, flags, ...) \
	{ \
		name, KW_MODIFIER, KWF_NO_VALUE | (flags), __VA_ARGS__, \
			APP_HTTP, NULL \
	}
#define FACT(name, fact, arg, flags) \
	{ \
		name, KW_FACT, KWF_VALUE | (flags), fact, arg, APP_UNKNOWN, \
			NULL \
	}
#define CSUM(name, which, flags) \
	{ \
		name, KW_CSUM, KWF_VALUE | (flags), which, KW_NONE, \
			APP_UNKNOWN, NULL \
	}
#define XFORM(name, type, flags) \
	{ \
		name, KW_XFORM, flags, type, KW_NONE, APP_UNKNOWN, NULL \
	}
#define REFUSED(name, note) \
	{ \
		name, KW_REFUSED, 0, KW_NONE, KW_NONE, APP_UNKNOWN, note \
	}
#define BOTH(buf) BUF_##buf, BUF_##buf
#define TO_SERVER(buf) BUF_##buf, KW_NONE
#define TO_CLIENT(buf) KW_NONE, BUF_##buf
#define HTTP_BOTH(buf) BUF_HTTP_REQ_##buf, BUF_HTTP_RESP_##buf

#define NO_SMTP "needs the SMTP transaction, which is not parsed"
#define NO_PROTO "needs a protocol that is not parsed"
#define NO_SHARED "needs state shared between flows and workers"

static const struct keyword table[] = {
	/* identity */
	WORD("msg", KW_MSG, KWF_VALUE),
	WORD("sid", KW_SID, KWF_VALUE),
	WORD("gid", KW_GID, KWF_VALUE),
	WORD("rev", KW_REV, KWF_VALUE),
	WORD("classtype", KW_CLASSTYPE, KWF_VALUE),
	WORD("priority", KW_PRIORITY, KWF_VALUE),
	WORD("metadata", KW_METADATA, KWF_VALUE),
	WORD("reference", KW_REFERENCE, KWF_VALUE),
	WORD("target", KW_TARGET, KWF_VALUE),
	WORD("noalert", KW_NOALERT, KWF_NO_VALUE),
	WORD("requires", KW_REQUIRES, KWF_VALUE),
	WORD("tag", KW_TAG, KWF_VALUE),
	WORD("bypass", KW_BYPASS, KWF_NO_VALUE),
	WORD("config", KW_CONFIG, KWF_VALUE),
	WORD("prefilter", KW_HINT, KWF_NO_VALUE),

	/* content */
	WORD("content", KW_CONTENT, KWF_VALUE),
	{ "uricontent", KW_URICONTENT, KWF_VALUE, TO_SERVER(HTTP_URI), APP_HTTP,
	  NULL },
	WORD("nocase", KW_NOCASE, KWF_NO_VALUE),
	WORD("rawbytes", KW_RAWBYTES, KWF_NO_VALUE),
	WORD("startswith", KW_STARTSWITH, KWF_NO_VALUE),
	WORD("endswith", KW_ENDSWITH, KWF_NO_VALUE),
	WORD("offset", KW_OFFSET, KWF_VALUE),
	WORD("depth", KW_DEPTH, KWF_VALUE),
	WORD("distance", KW_DISTANCE, KWF_VALUE),
	WORD("within", KW_WITHIN, KWF_VALUE),
	WORD("fast_pattern", KW_FAST_PATTERN, 0),
	WORD("pcre", KW_PCRE, KWF_VALUE),
	WORD("pkt_data", KW_PKT_DATA, KWF_NO_VALUE),
	WORD("base64_decode", KW_BASE64_DECODE, 0),
	WORD("base64_data", KW_BASE64_DATA, KWF_NO_VALUE),
	WORD("bsize", KW_BSIZE, KWF_VALUE),
	WORD("urilen", KW_URILEN, KWF_VALUE),
	WORD("isdataat", KW_ISDATAAT, KWF_VALUE),
	WORD("absent", KW_ABSENT, 0),
	WORD("byte_test", KW_BYTE_TEST, KWF_VALUE),
	WORD("byte_jump", KW_BYTE_JUMP, KWF_VALUE),
	WORD("byte_extract", KW_BYTE_EXTRACT, KWF_VALUE),
	WORD("byte_math", KW_BYTE_MATH, KWF_VALUE),
	WORD("entropy", KW_ENTROPY, KWF_VALUE),
	WORD("asn1", KW_ASN1, KWF_VALUE),

	/* transforms */
	XFORM("dotprefix", XFORM_DOTPREFIX, KWF_NO_VALUE),
	XFORM("to_lowercase", XFORM_LOWERCASE, KWF_NO_VALUE),
	XFORM("to_uppercase", XFORM_UPPERCASE, KWF_NO_VALUE),
	XFORM("strip_whitespace", XFORM_STRIP_WHITESPACE, KWF_NO_VALUE),
	XFORM("compress_whitespace", XFORM_COMPRESS_WHITESPACE, KWF_NO_VALUE),
	XFORM("to_md5", XFORM_MD5, KWF_NO_VALUE),
	XFORM("to_sha1", XFORM_SHA1, KWF_NO_VALUE),
	XFORM("to_sha256", XFORM_SHA256, KWF_NO_VALUE),
	XFORM("url_decode", XFORM_URL_DECODE, KWF_NO_VALUE),
	XFORM("xor", XFORM_XOR, KWF_VALUE),
	XFORM("header_lowercase", XFORM_HEADER_LOWERCASE, KWF_NO_VALUE),
	XFORM("strip_pseudo_headers", XFORM_STRIP_PSEUDO_HEADERS, KWF_NO_VALUE),
	XFORM("from_base64", XFORM_FROM_BASE64, 0),
	XFORM("subslice", XFORM_SUBSLICE, KWF_VALUE),
	XFORM("domain", XFORM_DOMAIN, KWF_NO_VALUE),
	XFORM("tld", XFORM_TLD, KWF_NO_VALUE),
	XFORM("pcrexform", XFORM_PCRE, KWF_VALUE),
	XFORM("gunzip", XFORM_GUNZIP, 0),
	XFORM("zlib_deflate", XFORM_ZLIB, 0),

	/* flow and state */
	WORD("flow", KW_FLOW, KWF_VALUE),
	WORD("flowbits", KW_FLOWBITS, KWF_VALUE),
	WORD("flowint", KW_FLOWINT, KWF_VALUE),
	{ "flowvar", KW_NOTE, KWF_VALUE, NOTE_FLOW, KW_NONE, APP_UNKNOWN,
	  NULL },
	{ "pktvar", KW_NOTE, KWF_VALUE, NOTE_PKT, KW_NONE, APP_UNKNOWN, NULL },
	WORD("xbits", KW_XBITS, KWF_VALUE),
	WORD("hostbits", KW_HOSTBITS, KWF_VALUE),
	WORD("dataset", KW_DATASET, KWF_VALUE),
	WORD("datarep", KW_DATAREP, KWF_VALUE),
	WORD("threshold", KW_THRESHOLD, KWF_VALUE),
	WORD("detection_filter", KW_DETECTION_FILTER, KWF_VALUE),
	WORD("stream_size", KW_STREAM_SIZE, KWF_VALUE | KWF_TCP),
	FACT("flow.age", FACT_FLOW_AGE, 0, 0),
	FACT("flow.pkts_toserver", FACT_FLOW_PKTS, DIR_TOSERVER, 0),
	FACT("flow.pkts_toclient", FACT_FLOW_PKTS, DIR_TOCLIENT, 0),
	FACT("flow.bytes_toserver", FACT_FLOW_BYTES, DIR_TOSERVER, 0),
	FACT("flow.bytes_toclient", FACT_FLOW_BYTES, DIR_TOCLIENT, 0),
	{ "flow.pkts", KW_FLOW_COUNT, KWF_VALUE, FACT_FLOW_PKTS, KW_NONE,
	  APP_UNKNOWN, NULL },
	{ "flow.bytes", KW_FLOW_COUNT, KWF_VALUE, FACT_FLOW_BYTES, KW_NONE,
	  APP_UNKNOWN, NULL },

	/* facts of the packet */
	FACT("ttl", FACT_TTL, 0, 0),
	FACT("tos", FACT_TOS, 0, KWF_V4),
	FACT("id", FACT_IP_ID, 0, KWF_V4),
	FACT("seq", FACT_TCP_SEQ, 0, KWF_TCP),
	FACT("tcp.seq", FACT_TCP_SEQ, 0, KWF_TCP),
	FACT("ack", FACT_TCP_ACK, 0, KWF_TCP),
	FACT("tcp.ack", FACT_TCP_ACK, 0, KWF_TCP),
	FACT("window", FACT_TCP_WINDOW, 0, KWF_TCP),
	FACT("tcp.window", FACT_TCP_WINDOW, 0, KWF_TCP),
	FACT("tcp.mss", FACT_TCP_MSS, 0, KWF_TCP),
	FACT("dsize", FACT_DSIZE, 0, 0),
	FACT("itype", FACT_ICMP_TYPE, 0, KWF_ICMP4 | KWF_ICMP6),
	FACT("icode", FACT_ICMP_CODE, 0, KWF_ICMP4 | KWF_ICMP6),
	FACT("icmp_id", FACT_ICMP_ID, 0, KWF_ICMP4 | KWF_ICMP6),
	FACT("icmp_seq", FACT_ICMP_SEQ, 0, KWF_ICMP4 | KWF_ICMP6),
	FACT("icmpv6.mtu", FACT_ICMPV6_MTU, 0, KWF_ICMP6),
	FACT("igmp.type", FACT_IGMP_TYPE, 0, 0),
	FACT("tcp.wscale", FACT_TCP_WSCALE, 0, KWF_TCP),
	CSUM("ipv4-csum", CSUM_IPV4, KWF_V4),
	CSUM("tcpv4-csum", CSUM_TCPV4, KWF_TCP | KWF_V4),
	CSUM("tcpv6-csum", CSUM_TCPV6, KWF_TCP | KWF_V6),
	CSUM("udpv4-csum", CSUM_UDPV4, KWF_UDP | KWF_V4),
	CSUM("udpv6-csum", CSUM_UDPV6, KWF_UDP | KWF_V6),
	CSUM("icmpv4-csum", CSUM_ICMPV4, KWF_ICMP4),
	CSUM("icmpv6-csum", CSUM_ICMPV6, KWF_ICMP6),
	WORD("fragoffset", KW_FRAGOFFSET, KWF_VALUE | KWF_V4),
	WORD("fragbits", KW_FRAGBITS, KWF_VALUE | KWF_V4),
	WORD("ipopts", KW_IPOPTS, KWF_VALUE | KWF_V4),
	WORD("ip_proto", KW_IP_PROTO, KWF_VALUE),
	WORD("iprep", KW_IPREP, KWF_VALUE),
	WORD("geoip", KW_GEOIP, KWF_VALUE),
	WORD("sameip", KW_SAMEIP, KWF_NO_VALUE),
	WORD("flags", KW_TCP_FLAGS, KWF_VALUE | KWF_TCP),
	WORD("tcp.flags", KW_TCP_FLAGS, KWF_VALUE | KWF_TCP),
	BUFFER("ip.src", KWF_ADDR, BOTH(IP_SRC), APP_UNKNOWN),
	BUFFER("ip.dst", KWF_ADDR, BOTH(IP_DST), APP_UNKNOWN),
	BUFFER("ipv4.hdr", KWF_PACKET | KWF_V4, BOTH(IPV4_HDR), APP_UNKNOWN),
	BUFFER("ipv6.hdr", KWF_PACKET | KWF_V6, BOTH(IPV6_HDR), APP_UNKNOWN),
	BUFFER("tcp.hdr", KWF_PACKET | KWF_TCP, BOTH(TCP_HDR), APP_UNKNOWN),
	BUFFER("udp.hdr", KWF_PACKET | KWF_UDP, BOTH(UDP_HDR), APP_UNKNOWN),
	BUFFER("icmpv4.hdr", KWF_PACKET | KWF_ICMP4, BOTH(ICMPV4_HDR),
	       APP_UNKNOWN),
	BUFFER("icmpv6.hdr", KWF_PACKET | KWF_ICMP6, BOTH(ICMPV6_HDR),
	       APP_UNKNOWN),

	/* protocols and events */
	WORD("app-layer-protocol", KW_APP_PROTO, KWF_VALUE),
	{ "decode-event", KW_EVENT, KWF_VALUE, 0, 0, APP_UNKNOWN, "decode" },
	{ "stream-event", KW_EVENT, KWF_VALUE, 1, 0, APP_UNKNOWN, "stream" },
	{ "app-layer-event", KW_EVENT, KWF_VALUE, 2, 0, APP_UNKNOWN, "app" },

	/* files */
	BUFFER("file_data", KWF_BODY, BOTH(FILE_DATA), APP_UNKNOWN),
	BUFFER("file.data", KWF_BODY, BOTH(FILE_DATA), APP_UNKNOWN),
	BUFFER("file.name", 0, BOTH(FILE_NAME), APP_UNKNOWN),
	BUFFER("file.magic", 0, BOTH(FILE_MAGIC), APP_UNKNOWN),
	{ "filename", KW_TEXT_IN, KWF_VALUE, BOTH(FILE_NAME), APP_UNKNOWN,
	  NULL },
	{ "filemagic", KW_TEXT_IN, KWF_VALUE, BOTH(FILE_MAGIC), APP_UNKNOWN,
	  NULL },
	{ "fileext", KW_FILE_EXT, KWF_VALUE, BOTH(FILE_NAME), APP_UNKNOWN,
	  NULL },
	WORD("filesize", KW_FILE_SIZE, KWF_VALUE),
	{ "filemd5", KW_FILE_DIGEST, KWF_VALUE, INSPECT_MD5, KW_NONE,
	  APP_UNKNOWN, NULL },
	{ "filesha1", KW_FILE_DIGEST, KWF_VALUE, INSPECT_SHA1, KW_NONE,
	  APP_UNKNOWN, NULL },
	{ "filesha256", KW_FILE_DIGEST, KWF_VALUE, INSPECT_SHA256, KW_NONE,
	  APP_UNKNOWN, NULL },
	WORD("filestore", KW_FILESTORE, 0),

	/* HTTP: sticky, and older names of sticky buffers */
	BUFFER("http.method", 0, TO_SERVER(HTTP_METHOD), APP_HTTP),
	BUFFER("http.uri", 0, TO_SERVER(HTTP_URI), APP_HTTP),
	BUFFER("http.uri.raw", 0, TO_SERVER(HTTP_URI_RAW), APP_HTTP),
	BUFFER("http.request_line", 0, TO_SERVER(HTTP_REQ_LINE), APP_HTTP),
	BUFFER("http_request_line", 0, TO_SERVER(HTTP_REQ_LINE), APP_HTTP),
	BUFFER("http.protocol", 0, HTTP_BOTH(PROTOCOL), APP_HTTP),
	BUFFER("http_protocol", 0, HTTP_BOTH(PROTOCOL), APP_HTTP),
	BUFFER("http.host", 0, TO_SERVER(HTTP_HOST), APP_HTTP),
	BUFFER("http.host.raw", 0, TO_SERVER(HTTP_HOST_RAW), APP_HTTP),
	BUFFER("http.header", 0, HTTP_BOTH(HEADER), APP_HTTP),
	BUFFER("http.header.raw", 0, HTTP_BOTH(HEADER_RAW), APP_HTTP),
	BUFFER("http.header_names", 0, HTTP_BOTH(HEADER_NAMES), APP_HTTP),
	BUFFER("http_header_names", 0, HTTP_BOTH(HEADER_NAMES), APP_HTTP),
	BUFFER("http.start", 0, HTTP_BOTH(START), APP_HTTP),
	BUFFER("http_start", 0, HTTP_BOTH(START), APP_HTTP),
	BUFFER("http.cookie", 0, HTTP_BOTH(COOKIE), APP_HTTP),
	BUFFER("http.user_agent", 0, TO_SERVER(HTTP_USER_AGENT), APP_HTTP),
	BUFFER("http.referer", 0, TO_SERVER(HTTP_REFERER), APP_HTTP),
	BUFFER("http_referer", 0, TO_SERVER(HTTP_REFERER), APP_HTTP),
	BUFFER("http.accept", 0, TO_SERVER(HTTP_ACCEPT), APP_HTTP),
	BUFFER("http_accept", 0, TO_SERVER(HTTP_ACCEPT), APP_HTTP),
	BUFFER("http.accept_lang", 0, TO_SERVER(HTTP_ACCEPT_LANG), APP_HTTP),
	BUFFER("http_accept_lang", 0, TO_SERVER(HTTP_ACCEPT_LANG), APP_HTTP),
	BUFFER("http.accept_enc", 0, TO_SERVER(HTTP_ACCEPT_ENC), APP_HTTP),
	BUFFER("http_accept_enc", 0, TO_SERVER(HTTP_ACCEPT_ENC), APP_HTTP),
	BUFFER("http.connection", 0, HTTP_BOTH(CONNECTION), APP_HTTP),
	BUFFER("http_connection", 0, HTTP_BOTH(CONNECTION), APP_HTTP),
	BUFFER("http.content_type", 0, HTTP_BOTH(CONTENT_TYPE), APP_HTTP),
	BUFFER("http_content_type", 0, HTTP_BOTH(CONTENT_TYPE), APP_HTTP),
	BUFFER("http.content_len", 0, HTTP_BOTH(CONTENT_LEN), APP_HTTP),
	BUFFER("http_content_len", 0, HTTP_BOTH(CONTENT_LEN), APP_HTTP),
	BUFFER("http.request_header", KWF_MULTI, TO_SERVER(HTTP_REQ_ONE_HEADER),
	       APP_HTTP),
	BUFFER("http.response_header", KWF_MULTI,
	       TO_CLIENT(HTTP_RESP_ONE_HEADER), APP_HTTP),
	BUFFER("http.request_body", KWF_BODY, TO_SERVER(HTTP_REQ_BODY),
	       APP_HTTP),
	BUFFER("http.response_body", KWF_BODY, TO_CLIENT(HTTP_RESP_BODY),
	       APP_HTTP),
	BUFFER("http.stat_code", 0, TO_CLIENT(HTTP_STAT_CODE), APP_HTTP),
	BUFFER("http.stat_msg", 0, TO_CLIENT(HTTP_STAT_MSG), APP_HTTP),
	BUFFER("http.response_line", 0, TO_CLIENT(HTTP_RESP_LINE), APP_HTTP),
	BUFFER("http_response_line", 0, TO_CLIENT(HTTP_RESP_LINE), APP_HTTP),
	BUFFER("http.server", 0, TO_CLIENT(HTTP_SERVER), APP_HTTP),
	BUFFER("http.location", 0, TO_CLIENT(HTTP_LOCATION), APP_HTTP),

	/* HTTP: modifiers of the content before them */
	MODIFIER("http_uri", 0, TO_SERVER(HTTP_URI)),
	MODIFIER("http_raw_uri", 0, TO_SERVER(HTTP_URI_RAW)),
	MODIFIER("http_header", 0, HTTP_BOTH(HEADER)),
	MODIFIER("http_raw_header", 0, HTTP_BOTH(HEADER_RAW)),
	MODIFIER("http_cookie", 0, HTTP_BOTH(COOKIE)),
	MODIFIER("http_method", 0, TO_SERVER(HTTP_METHOD)),
	MODIFIER("http_user_agent", 0, TO_SERVER(HTTP_USER_AGENT)),
	MODIFIER("http_host", 0, TO_SERVER(HTTP_HOST)),
	MODIFIER("http_raw_host", 0, TO_SERVER(HTTP_HOST_RAW)),
	MODIFIER("http_client_body", KWF_BODY, TO_SERVER(HTTP_REQ_BODY)),
	MODIFIER("http_server_body", KWF_BODY, TO_CLIENT(HTTP_RESP_BODY)),
	MODIFIER("http_stat_code", 0, TO_CLIENT(HTTP_STAT_CODE)),
	MODIFIER("http_stat_msg", 0, TO_CLIENT(HTTP_STAT_MSG)),

	/* DNS */
	WORD("frame", KW_FRAME, KWF_VALUE),
	BUFFER("dns.query", KWF_MULTI, TO_SERVER(DNS_QUERY), APP_DNS),
	BUFFER("dns_query", KWF_MULTI, TO_SERVER(DNS_QUERY), APP_DNS),
	BUFFER("dns.query.name", KWF_MULTI, BOTH(DNS_QUERY_NAME), APP_DNS),
	BUFFER("dns.queries.rrname", KWF_MULTI, BOTH(DNS_QUERY_NAME), APP_DNS),
	BUFFER("dns.answer.name", KWF_MULTI, BOTH(DNS_ANSWER_NAME), APP_DNS),
	BUFFER("dns.answers.rrname", KWF_MULTI, BOTH(DNS_ANSWER_NAME), APP_DNS),
	{ "dns.opcode", KW_ITS_NUM, KWF_VALUE, NUM_DNS_OPCODE, KW_NONE, APP_DNS,
	  NULL },
	{ "dns.rcode", KW_ITS_NUM, KWF_VALUE, NUM_DNS_RCODE, KW_NONE, APP_DNS,
	  NULL },
	{ "dns.rrtype", KW_ITS_NUM, KWF_VALUE, NUM_DNS_RRTYPE, KW_NONE, APP_DNS,
	  NULL },
	BUFFER("dns.authorities.rrname", KWF_MULTI, BOTH(DNS_AUTHORITY_NAME),
	       APP_DNS),
	BUFFER("dns.additionals.rrname", KWF_MULTI, BOTH(DNS_ADDITIONAL_NAME),
	       APP_DNS),
	BUFFER("dns.response.rrname", KWF_MULTI, TO_CLIENT(DNS_RESPONSE_NAME),
	       APP_DNS),
	BUFFER("mdns.queries.rrname", KWF_MULTI, BOTH(DNS_QUERY_NAME),
	       APP_MDNS),
	BUFFER("mdns.answers.rrname", KWF_MULTI, BOTH(DNS_ANSWER_NAME),
	       APP_MDNS),
	BUFFER("mdns.authorities.rrname", KWF_MULTI, BOTH(DNS_AUTHORITY_NAME),
	       APP_MDNS),
	BUFFER("mdns.additionals.rrname", KWF_MULTI, BOTH(DNS_ADDITIONAL_NAME),
	       APP_MDNS),
	BUFFER("mdns.response.rrname", KWF_MULTI, BOTH(DNS_RESPONSE_NAME),
	       APP_MDNS),

	/* TLS */
	BUFFER("tls.sni", 0, TO_SERVER(TLS_SNI), APP_TLS),
	BUFFER("tls_sni", 0, TO_SERVER(TLS_SNI), APP_TLS),
	BUFFER("tls.cert_subject", 0, BOTH(TLS_CERT_SUBJECT), APP_TLS),
	BUFFER("tls_cert_subject", 0, BOTH(TLS_CERT_SUBJECT), APP_TLS),
	BUFFER("tls.cert_issuer", 0, BOTH(TLS_CERT_ISSUER), APP_TLS),
	BUFFER("tls_cert_issuer", 0, BOTH(TLS_CERT_ISSUER), APP_TLS),
	BUFFER("tls.cert_serial", 0, BOTH(TLS_CERT_SERIAL), APP_TLS),
	BUFFER("tls_cert_serial", 0, BOTH(TLS_CERT_SERIAL), APP_TLS),
	BUFFER("tls.cert_fingerprint", 0, BOTH(TLS_CERT_FINGERPRINT), APP_TLS),
	BUFFER("tls_cert_fingerprint", 0, BOTH(TLS_CERT_FINGERPRINT), APP_TLS),
	BUFFER("tls.certs", KWF_MULTI, BOTH(TLS_CERTS), APP_TLS),
	BUFFER("tls.subjectaltname", KWF_MULTI, BOTH(TLS_SUBJECTALTNAME),
	       APP_TLS),
	BUFFER("tls.alpn", KWF_MULTI, BOTH(TLS_ALPN), APP_TLS),
	BUFFER("tls.random", 0, BOTH(TLS_RANDOM), APP_TLS),
	BUFFER("tls.random_time", 0, BOTH(TLS_RANDOM_TIME), APP_TLS),
	BUFFER("tls.random_bytes", 0, BOTH(TLS_RANDOM_BYTES), APP_TLS),
	BUFFER("ja3.hash", 0, TO_SERVER(JA3_HASH), APP_UNKNOWN),
	BUFFER("ja3_hash", 0, TO_SERVER(JA3_HASH), APP_UNKNOWN),
	BUFFER("ja3.string", 0, TO_SERVER(JA3_STRING), APP_UNKNOWN),
	BUFFER("ja3_string", 0, TO_SERVER(JA3_STRING), APP_UNKNOWN),
	BUFFER("ja3s.hash", 0, TO_CLIENT(JA3S_HASH), APP_UNKNOWN),
	BUFFER("ja3s.string", 0, TO_CLIENT(JA3S_STRING), APP_UNKNOWN),
	BUFFER("ja4.hash", 0, TO_SERVER(JA4_HASH), APP_UNKNOWN),
	{ "tls.subject", KW_TEXT_IN, KWF_VALUE, BOTH(TLS_CERT_SUBJECT), APP_TLS,
	  NULL },
	{ "tls.issuerdn", KW_TEXT_IN, KWF_VALUE, BOTH(TLS_CERT_ISSUER), APP_TLS,
	  NULL },
	{ "tls.fingerprint", KW_TEXT_IN, KWF_VALUE, BOTH(TLS_CERT_FINGERPRINT),
	  APP_TLS, NULL },
	{ "tls.version", KW_TLS_VERSION, KWF_VALUE, NUM_TLS_VERSION, KW_NONE,
	  APP_TLS, NULL },
	{ "ssl_version", KW_SSL_VERSION, KWF_VALUE, NUM_TLS_VERSION, KW_NONE,
	  APP_TLS, NULL },
	{ "ssl_state", KW_SSL_STATE, KWF_VALUE, NUM_TLS_STATE, KW_NONE, APP_TLS,
	  NULL },
	{ "tls_cert_notbefore", KW_CERT_TIME, KWF_VALUE, NUM_TLS_NOT_BEFORE,
	  KW_NONE, APP_TLS, NULL },
	{ "tls_cert_notafter", KW_CERT_TIME, KWF_VALUE, NUM_TLS_NOT_AFTER,
	  KW_NONE, APP_TLS, NULL },
	{ "tls_cert_expired", KW_CERT_EXPIRED, KWF_NO_VALUE, KW_NONE, KW_NONE,
	  APP_TLS, NULL },
	{ "tls_cert_valid", KW_CERT_VALID, KWF_NO_VALUE, KW_NONE, KW_NONE,
	  APP_TLS, NULL },
	{ "tls.cert_chain_len", KW_ITS_NUM, KWF_VALUE, NUM_TLS_CHAIN_LEN,
	  KW_NONE, APP_TLS, NULL },
	REFUSED("tls.store", "certificates are not written to files"),
	REFUSED("ja4_hash", "write ja4.hash"),

	/* SSH */
	BUFFER("ssh.proto", 0, BOTH(SSH_PROTO), APP_SSH),
	BUFFER("ssh_proto", 0, BOTH(SSH_PROTO), APP_SSH),
	BUFFER("ssh.software", 0, BOTH(SSH_SOFTWARE), APP_SSH),
	BUFFER("ssh_software", 0, BOTH(SSH_SOFTWARE), APP_SSH),
	BUFFER("ssh.hassh", 0, TO_SERVER(SSH_HASSH), APP_SSH),
	BUFFER("ssh.hassh.string", 0, TO_SERVER(SSH_HASSH_STRING), APP_SSH),
	BUFFER("ssh.hassh.server", 0, TO_CLIENT(SSH_HASSH_SERVER), APP_SSH),
	BUFFER("ssh.hassh.server.string", 0, TO_CLIENT(SSH_HASSH_SERVER_STRING),
	       APP_SSH),
	{ "ssh.protoversion", KW_SSH_VERSION, KWF_VALUE, BOTH(SSH_PROTO),
	  APP_SSH, NULL },
	{ "ssh.softwareversion", KW_TEXT_IN, KWF_VALUE, BOTH(SSH_SOFTWARE),
	  APP_SSH, NULL },

	/* known to Suricata, not done here */
	REFUSED("replace", "packets are never rewritten"),
	REFUSED("lua", "scripts are not run"),
	REFUSED("luaxform", "scripts are not run"),
	REFUSED("ftpbounce", NO_PROTO),
	REFUSED("ftpdata_command", NO_PROTO),
	REFUSED("dce_iface", NO_PROTO),
	REFUSED("dce_opnum", NO_PROTO),
	REFUSED("dce_stub_data", NO_PROTO),
	REFUSED("dcerpc.iface", NO_PROTO),
	REFUSED("dcerpc.opnum", NO_PROTO),
	REFUSED("dcerpc.stub_data", NO_PROTO),
	REFUSED("smtp.helo", NO_SMTP),
	REFUSED("smtp.mail_from", NO_SMTP),
	REFUSED("smtp.rcpt_to", NO_SMTP),
	REFUSED("email.from", NO_SMTP),
	REFUSED("smb.named_pipe", NO_PROTO),
	REFUSED("smb.share", NO_PROTO),
	REFUSED("krb5_cname", NO_PROTO),
	REFUSED("krb5_sname", NO_PROTO),
	REFUSED("krb5_msg_type", NO_PROTO),
	REFUSED("krb5_err_code", NO_PROTO),
	REFUSED("snmp.community", NO_PROTO),
	REFUSED("snmp.version", NO_PROTO),
};

/*
 * Rules have a dozen words each and sets tens of thousands of rules, so rows
 * are found by a hash of length and first and last letters, not by walking.
 */
#define N_BUCKETS 1024

static uint32_t
bucket_of(struct view name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++) {
		h = (h ^ ascii_lower(name.p[i])) * 16777619u;
	}
	return (h ^ h >> 15) % N_BUCKETS;
}

STATIC_ASSERT(ARRAY_LEN(table) < N_BUCKETS / 2, "buckets stay sparse");

static uint16_t index_of[N_BUCKETS]; /* row number + 1 */

/* Runs before main(), so that the index is read only in any thread. */
__attribute__((constructor)) static void
build_index(void)
{
	for (uint32_t i = 0; i < ARRAY_LEN(table); i++) {
		uint32_t b = bucket_of(view_cstr(table[i].name));

		while (index_of[b] != 0) {
			b = (b + 1) % N_BUCKETS;
		}
		index_of[b] = (uint16_t)(i + 1);
	}
}

const struct keyword *
keyword_find(struct view name)
{
	uint32_t b = bucket_of(name);

	for (; index_of[b] != 0; b = (b + 1) % N_BUCKETS) {
		const struct keyword *k = &table[index_of[b] - 1];

		if (view_caseeq(view_cstr(k->name), name)) {
			return k;
		}
	}
	return NULL;
}

const struct keyword *
keyword_at(size_t i)
{
	return i < ARRAY_LEN(table) ? &table[i] : NULL;
}

#define NEAR_MAX 40 /* longer words are nobody's slip */

/* Levenshtein's distance, one row at a time. */
static unsigned
distance(struct view a, struct view b)
{
	unsigned row[NEAR_MAX + 1];

	for (unsigned k = 0; k <= b.len; k++) {
		row[k] = k;
	}
	for (unsigned i = 0; i < a.len; i++) {
		unsigned corner = row[0]++;

		for (unsigned k = 0; k < b.len; k++) {
			unsigned swap = corner + (ascii_lower(a.p[i]) !=
						  ascii_lower(b.p[k]));

			corner = row[k + 1];
			row[k + 1] = MIN(swap, MIN(row[k], corner) + 1);
		}
	}
	return row[b.len];
}

const struct keyword *
keyword_nearest(struct view name)
{
	const struct keyword *best = NULL;
	unsigned least = name.len < 5 ? 2 : 3; /* fewer slips than this */

	for (size_t i = 0; i < ARRAY_LEN(table) && name.len <= NEAR_MAX; i++) {
		struct view v = view_cstr(table[i].name);

		if (v.len <= NEAR_MAX && table[i].shape != KW_REFUSED) {
			unsigned d = distance(name, v);

			if (d < least) {
				least = d;
				best = &table[i];
			}
		}
	}
	return best;
}
