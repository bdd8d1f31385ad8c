/* SPDX-License-Identifier: Apache-2.0 */
/* Protocols by a fixed text at a fixed place. */
#include "sensor/app_detect.h"

#define ANY 0x100

enum dirs { TS = 1, TC = 2, BOTH = 3 };

/* A fixed text at a fixed place. */
struct signature {
	uint8_t proto; /* enum app_proto */
	uint8_t dirs;
	bool tcp, nocase;
	uint8_t offset, len;
	uint16_t first; /* what byte 0 must be, or ANY */
	const char *bytes;
};

#define SIG_TCP(p, d, off, s) \
	{ \
		APP_##p, d, true, false, off, sizeof(s) - 1, ANY, s \
	}
#define SIG_TCP_NOCASE(p, d, off, s) \
	{ \
		APP_##p, d, true, true, off, sizeof(s) - 1, ANY, s \
	}
/* The text lies behind a header whose first byte is known. */
#define SIG_TCP_BEHIND(p, d, first, off, s) \
	{ \
		APP_##p, d, true, false, off, sizeof(s) - 1, first, s \
	}
#define SIG_UDP(p, d, off, s) \
	{ \
		APP_##p, d, false, false, off, sizeof(s) - 1, ANY, s \
	}

static const struct signature signatures[] = {
	SIG_TCP(SSH, BOTH, 0, "SSH-"), /* RFC 4253 4.2 */
	SIG_TCP(HTTP2, TS, 0,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), /* RFC 9113 3.4 */
	SIG_TCP_NOCASE(SMTP, TS, 0, "EHLO "), /* RFC 5321 4.1.1.1 */
	SIG_TCP_NOCASE(SMTP, TS, 0, "HELO "),
	SIG_TCP_NOCASE(SMTP, TS, 0, "LHLO "),
	SIG_TCP_NOCASE(FTP, TS, 0, "AUTH TLS\r"), /* RFC 4217 4.1 */
	SIG_TCP_NOCASE(FTP, TS, 0, "AUTH SSL\r"),
	SIG_TCP_NOCASE(POP3, TS, 0, "CAPA\r"), /* RFC 2449 section 5 */
	SIG_TCP_NOCASE(POP3, TS, 0, "APOP "),
	SIG_TCP(IMAP, TC, 0, "* OK "), /* RFC 3501 7.1 */
	SIG_TCP(IMAP, TC, 0, "* PREAUTH "),
	SIG_TCP(RFB, BOTH, 0, "RFB 003."), /* RFC 6143 7.1.1 */
	SIG_TCP(SIP, BOTH, 0, "SIP/2.0 "), /* RFC 3261 7.2 */
	SIG_UDP(SIP, BOTH, 0, "SIP/2.0 "),
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d1:ad2:id20:"), /* BEP 5 */
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d1:rd2:id20:"),
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d2:ip6:"),
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d1:eli20"),
	SIG_TCP(JABBER, BOTH, 0, "<stream:stream"), /* RFC 6120 4.2 */
	SIG_TCP_BEHIND(MQTT, TS, 0x10, 2, "\0\4MQTT"), /* MQTT 3.1.1 3.1.2.1 */
	SIG_TCP_BEHIND(MQTT, TS, 0x10, 3,
		       "\0\4MQTT"), /* with a longer length */
	SIG_TCP_BEHIND(MQTT, TS, 0x10, 2, "\0\6MQIsdp"),
	SIG_TCP_BEHIND(SMB, BOTH, 0, 4,
		       "\xffSMB"), /* MS-CIFS 2.2.3.1, after NBSS */
	SIG_TCP_BEHIND(SMB, BOTH, 0, 4, "\xfeSMB"), /* MS-SMB2 2.2.1.2 */
	SIG_TCP_BEHIND(SMB, BOTH, 0, 4,
		       "\xfdSMB"), /* MS-SMB2 2.2.41, encrypted */
	SIG_TCP_BEHIND(PGSQL, TS, 0, 4, "\x04\xd2\x16\x2f"), /* SSLRequest */
	SIG_UDP(DHCP, BOTH, 236, "\x63\x82\x53\x63"), /* RFC 2131 section 3 */
};

static enum app_probe
match(const struct signature *s, struct view data)
{
	size_t n;

	if (s->first != ANY && data.p[0] != s->first) {
		return PROBE_NO;
	}
	if (data.len <= s->offset) {
		return PROBE_MORE;
	}
	n = MIN(data.len - s->offset, (size_t)s->len);
	for (size_t i = 0; i < n; i++) {
		uint8_t a = data.p[s->offset + i], b = (uint8_t)s->bytes[i];

		if (a != b &&
		    !(s->nocase && ascii_lower(a) == ascii_lower(b))) {
			return PROBE_NO;
		}
	}
	return n == s->len ? PROBE_YES : PROBE_MORE;
}

enum app_proto
app_detect_text(struct view data, enum flow_dir dir, bool tcp,
		const bool allowed[APP_PROTO_COUNT])
{
	uint8_t side = dir == FLOW_TOSERVER ? TS : TC;
	bool more = false;

	if (data.len == 0) {
		return APP_UNKNOWN;
	}
	for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
		const struct signature *s = &signatures[i];
		enum app_probe r;

		if (s->tcp != tcp || !(s->dirs & side) || !allowed[s->proto]) {
			continue;
		}
		r = match(s, data);
		if (r == PROBE_YES) {
			return (enum app_proto)s->proto;
		}
		more |= r == PROBE_MORE && tcp; /* a datagram is whole */
	}
	return more ? APP_UNKNOWN : APP_FAILED;
}
