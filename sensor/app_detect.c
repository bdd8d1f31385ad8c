/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_detect.h"

enum dirs { TS = 1, TC = 2, BOTH = 3 };

/* A fixed text at a fixed place. */
struct signature {
	uint8_t proto; /* enum app_proto */
	uint8_t dirs;
	bool tcp, nocase;
	uint8_t offset, len;
	const char *bytes;
};

#define SIG_TCP(p, d, off, s) \
	{ \
		APP_##p, d, true, false, off, sizeof(s) - 1, s \
	}
#define SIG_TCP_NOCASE(p, d, off, s) \
	{ \
		APP_##p, d, true, true, off, sizeof(s) - 1, s \
	}
#define SIG_UDP(p, d, off, s) \
	{ \
		APP_##p, d, false, false, off, sizeof(s) - 1, s \
	}

static const struct signature signatures[] = {
	SIG_TCP(SSH, BOTH, 0, "SSH-"), /* RFC 4253 4.2 */
	SIG_TCP(HTTP2, TS, 0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	SIG_TCP_NOCASE(SMTP, TS, 0, "EHLO "), /* RFC 5321 4.1.1.1 */
	SIG_TCP_NOCASE(SMTP, TS, 0, "HELO "),
	SIG_TCP_NOCASE(SMTP, TS, 0, "LHLO "),
	SIG_TCP_NOCASE(FTP, TS, 0, "AUTH TLS\r"),
	SIG_TCP_NOCASE(FTP, TS, 0, "AUTH SSL\r"),
	SIG_TCP_NOCASE(POP3, TS, 0, "CAPA\r"),
	SIG_TCP_NOCASE(POP3, TS, 0, "APOP "),
	SIG_TCP(IMAP, TC, 0, "* OK "), /* RFC 3501 7.1 */
	SIG_TCP(IMAP, TC, 0, "* PREAUTH "),
	SIG_TCP(RFB, BOTH, 0, "RFB 003."), /* RFC 6143 7.1.1 */
	SIG_TCP(SIP, BOTH, 0, "SIP/2.0 "), /* RFC 3261 7.2 */
	SIG_UDP(SIP, BOTH, 0, "SIP/2.0 "),
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d1:ad2:id20:"), /* BEP 5 */
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d1:rd2:id20:"),
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d2:ip"),
	SIG_UDP(BITTORRENT_DHT, BOTH, 0, "d1:el"),
	SIG_TCP(JABBER, BOTH, 0, "<stream:stream"),
};

static enum app_probe
match(const struct signature *s, struct view data)
{
	size_t n;

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
app_detect(struct view data, enum flow_dir dir, bool tcp,
	   const uint16_t ports[2], const bool allowed[APP_PROTO_COUNT])
{
	bool more = false;

	(void)ports;
	for (size_t i = 0; i < ARRAY_LEN(signatures); i++) {
		const struct signature *s = &signatures[i];

		if (s->tcp != tcp ||
		    !(s->dirs & (dir == FLOW_TOSERVER ? TS : TC)) ||
		    !allowed[s->proto]) {
			continue;
		}
		switch (match(s, data)) {
		case PROBE_YES:
			return s->proto;
		case PROBE_MORE:
			more = true;
			break;
		case PROBE_NO:
			break;
		}
	}
	return more ? APP_UNKNOWN : APP_FAILED;
}
