/* SPDX-License-Identifier: Apache-2.0 */
/* Protocols by the form of their first bytes, and by port. */
#include "sensor/app_detect.h"

#define GREETING_MAX 256 /* of a first line that is looked into */

/* Is 'v' one of these words, in any case, and then a space or line end? */
static enum app_probe
word(struct view v, const char *const *words, size_t n)
{
	bool more = false;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]), have = MIN(len, v.len);

		if (!view_caseeq(view_sub(v, 0, have),
				 view_sub(view_cstr(words[i]), 0, have))) {
			continue;
		}
		if (v.len <= len) {
			more = true;
		} else if (v.p[len] == ' ' || v.p[len] == '\r' ||
			   v.p[len] == '\n') {
			return PROBE_YES;
		}
	}
	return more ? PROBE_MORE : PROBE_NO;
}

/* Does 'needle', lower-case, occur in the first line of 'v'? */
static bool
line_has(struct view v, struct view needle)
{
	const uint8_t *end = v.len > 0 ? memchr(v.p, '\n', v.len) : NULL;
	size_t n = end != NULL ? (size_t)(end - v.p) : v.len;

	for (size_t i = 0; i + needle.len <= MIN(n, (size_t)GREETING_MAX);
	     i++) {
		if (view_caseeq(view_of(v.p + i, needle.len), needle)) {
			return true;
		}
	}
	return false;
}

static bool
starts(struct view v, struct view with)
{
	return v.len >= with.len && memcmp(v.p, with.p, with.len) == 0;
}

/* A greeting "220 " is FTP's or SMTP's: its words or its port tell. */
static enum app_probe
greeting(struct view v, bool by_port, struct view sign, struct view other)
{
	if (v.len < 4) {
		return memcmp(v.p, "220", MIN(v.len, (size_t)3)) == 0
			       ? PROBE_MORE
			       : PROBE_NO;
	}
	if (!starts(v, VIEW_LIT("220 ")) && !starts(v, VIEW_LIT("220-"))) {
		return PROBE_NO;
	}
	if (line_has(v, sign)) {
		return PROBE_YES;
	}
	if (v.len < GREETING_MAX && memchr(v.p, '\n', v.len) == NULL) {
		return PROBE_MORE;
	}
	return by_port && !line_has(v, other) ? PROBE_YES : PROBE_NO;
}

static enum app_probe
probe_smtp(struct view v, enum flow_dir dir, bool by_port)
{
	return dir == FLOW_TOCLIENT
		       ? greeting(v, by_port, VIEW_LIT("smtp"), VIEW_LIT("ftp"))
		       : PROBE_NO;
}

/* RFC 959 4.1 */
static enum app_probe
probe_ftp(struct view v, enum flow_dir dir, bool by_port)
{
	static const char *const words[] = { "USER", "PASS", "PORT", "FEAT",
					     "SYST", "AUTH", "OPTS" };

	if (dir == FLOW_TOCLIENT) {
		return greeting(v, by_port, VIEW_LIT("ftp"), VIEW_LIT("smtp"));
	}
	return by_port ? word(v, words, ARRAY_LEN(words)) : PROBE_NO;
}

/* RFC 1939 */
static enum app_probe
probe_pop3(struct view v, enum flow_dir dir, bool by_port)
{
	static const char *const ts[] = { "USER", "CAPA", "AUTH",
					  "APOP", "STLS", "QUIT" };
	static const char *const tc[] = { "+OK", "-ERR" };

	if (!by_port) {
		return PROBE_NO;
	}
	return dir == FLOW_TOSERVER ? word(v, ts, ARRAY_LEN(ts))
				    : word(v, tc, ARRAY_LEN(tc));
}

/* RFC 3501 2.2.1: "a001 CAPABILITY" */
static enum app_probe
probe_imap(struct view v, enum flow_dir dir, bool by_port)
{
	static const char *const words[] = { "CAPABILITY", "LOGIN",
					     "STARTTLS",   "AUTHENTICATE",
					     "ID",         "NOOP" };
	const uint8_t *space;
	size_t tag;

	if (dir != FLOW_TOSERVER || !by_port) {
		return PROBE_NO;
	}
	space = v.len > 0 ? memchr(v.p, ' ', MIN(v.len, (size_t)16)) : NULL;
	if (space == NULL) {
		return v.len < 16 ? PROBE_MORE : PROBE_NO;
	}
	tag = (size_t)(space - v.p) + 1;
	return word(view_sub(v, tag, v.len), words, ARRAY_LEN(words));
}

/* RFC 3261 7.1: "INVITE sip:bob@example.org SIP/2.0" */
static enum app_probe
probe_sip(struct view v, enum flow_dir dir, bool by_port)
{
	static const char *const methods[] = {
		"INVITE", "ACK",       "OPTIONS", "CANCEL",   "BYE",
		"NOTIFY", "SUBSCRIBE", "MESSAGE", "REGISTER", "PUBLISH",
	};
	enum app_probe r = word(v, methods, ARRAY_LEN(methods));

	(void)dir;
	(void)by_port;
	if (r != PROBE_YES) {
		return r;
	}
	return line_has(v, VIEW_LIT(" sip/2.0")) ? PROBE_YES
	       : memchr(v.p, '\n', v.len) != NULL || v.len >= GREETING_MAX
		       ? PROBE_NO
		       : PROBE_MORE;
}

/* RFC 1459 4.1 */
static enum app_probe
probe_irc(struct view v, enum flow_dir dir, bool by_port)
{
	static const char *const words[] = { "NICK", "USER", "CAP", "PASS" };

	return dir == FLOW_TOSERVER && by_port
		       ? word(v, words, ARRAY_LEN(words))
		       : PROBE_NO;
}

/* DCE 1.1 RPC chapter 12: version 5.0, a bind or its answer, sane lengths. */
static enum app_probe
probe_dcerpc(struct view v, enum flow_dir dir, bool by_port)
{
	bool little;
	uint16_t len;

	(void)dir;
	(void)by_port;
	if ((v.len >= 1 && v.p[0] != 5) || (v.len >= 2 && v.p[1] > 1)) {
		return PROBE_NO;
	}
	if (v.len < 16) {
		return PROBE_MORE;
	}
	little = v.p[4] == 0x10;
	len = little ? load_le16(v.p + 8) : load_be16(v.p + 8);
	return v.p[2] <= 19 && (little || v.p[4] == 0) && v.p[5] == 0 &&
			       v.p[6] == 0 && v.p[7] == 0 && len >= 16 &&
			       (little ? load_le16(v.p + 10)
				       : load_be16(v.p + 10)) < len
		       ? PROBE_YES
		       : PROBE_NO;
}

/* X.224 13.3 and 13.4 in TPKT (RFC 1006): connection request and confirm. */
static enum app_probe
probe_rdp(struct view v, enum flow_dir dir, bool by_port)
{
	uint16_t len;

	if ((v.len >= 1 && v.p[0] != 3) || (v.len >= 2 && v.p[1] != 0)) {
		return PROBE_NO;
	}
	if (v.len < 7) {
		return PROBE_MORE;
	}
	len = load_be16(v.p + 2);
	if (v.p[5] != (dir == FLOW_TOSERVER ? 0xe0 : 0xd0) || len < 11 ||
	    v.p[4] != len - 5) {
		return PROBE_NO;
	}
	if (by_port) {
		return PROBE_YES;
	}
	/* Elsewhere S7 and others begin alike: only with RDP's cookie. */
	return dir == FLOW_TOSERVER && v.len >= 17 &&
			       memcmp(v.p + 11, "Cookie", 6) == 0
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 4120 5.10: an application-tagged message of version 5. */
static enum app_probe
probe_krb5(struct view v, enum flow_dir dir, bool by_port)
{
	static const uint8_t tags[] = {
		0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x7e
	};

	(void)dir;
	if (!by_port) {
		return PROBE_NO;
	}
	if (v.len >= 5 && v.p[0] == 0 && v.p[1] == 0) { /* 7.2.2: TCP */
		v = view_sub(v, 4, v.len);
	}
	if (v.len < 2) {
		return PROBE_MORE;
	}
	return memchr(tags, v.p[0], sizeof(tags)) != NULL ? PROBE_YES
							  : PROBE_NO;
}

/* RFC 4511 4.1.1: SEQUENCE { messageID INTEGER, protocolOp [APPLICATION] } */
static enum app_probe
probe_ldap(struct view v, enum flow_dir dir, bool by_port)
{
	size_t at;

	(void)dir;
	if (!by_port || (v.len >= 1 && v.p[0] != 0x30)) {
		return PROBE_NO;
	}
	if (v.len < 10) {
		return v.len < 7 ? PROBE_MORE : PROBE_NO;
	}
	at = 2 + (v.p[1] & 0x80 ? (size_t)(v.p[1] & 0x7f) : 0);
	if (at + 2 >= v.len || v.p[at] != 2 || v.p[at + 1] > 4 ||
	    at + 2 + v.p[at + 1] >= v.len) {
		return PROBE_NO;
	}
	return (v.p[at + 2 + v.p[at + 1]] & 0xc0) == 0x40 ? PROBE_YES
							  : PROBE_NO;
}

/* RFC 3416 3, RFC 1157 4: SEQUENCE { version 0, 1 or 3, ... } */
static enum app_probe
probe_snmp(struct view v, enum flow_dir dir, bool by_port)
{
	size_t at;

	(void)dir;
	if (!by_port || v.len < 8 || v.p[0] != 0x30) {
		return PROBE_NO;
	}
	at = 2 + (v.p[1] & 0x80 ? (size_t)(v.p[1] & 0x7f) : 0);
	return at + 3 <= v.len && v.p[at] == 2 && v.p[at + 1] == 1 &&
			       (v.p[at + 2] <= 1 || v.p[at + 2] == 3)
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 5905 7.3: versions 1 to 4, a mode in use. */
static enum app_probe
probe_ntp(struct view v, enum flow_dir dir, bool by_port)
{
	unsigned version = v.len > 0 ? v.p[0] >> 3 & 7 : 0;

	(void)dir;
	return by_port && v.len >= 12 && version >= 1 && version <= 4 &&
			       (v.p[0] & 7) != 0
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 1350 section 5: a request with a mode. */
static enum app_probe
probe_tftp(struct view v, enum flow_dir dir, bool by_port)
{
	(void)dir;
	return by_port && v.len >= 6 && v.p[0] == 0 &&
			       (v.p[1] == 1 || v.p[1] == 2) && v.p[2] >= 0x20
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 7296 3.1; on port 4500 behind four zero bytes (RFC 3948 2.2). */
static enum app_probe
probe_ike(struct view v, enum flow_dir dir, bool by_port)
{
	(void)dir;
	if (v.len >= 4 && load_be32(v.p) == 0) {
		v = view_sub(v, 4, v.len);
	}
	return by_port && v.len >= 28 && (v.p[17] == 0x10 || v.p[17] == 0x20) &&
			       load_be32(v.p + 24) >= 28 &&
			       load_be32(v.p + 24) <= v.len
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 9000 17.2: a long header of a known version. */
static enum app_probe
probe_quic(struct view v, enum flow_dir dir, bool by_port)
{
	uint32_t version;

	(void)dir;
	(void)by_port;
	if (v.len < 100 || (v.p[0] & 0xc0) != 0xc0) {
		return PROBE_NO;
	}
	version = load_be32(v.p + 1);
	return (version == 1 || version == 0x6b3343cf ||
		version >> 8 == 0xff0000 || version >> 8 == 0x513034 ||
		version >> 8 == 0x513035) &&
			       v.p[5] <= 20
		       ? PROBE_YES
		       : PROBE_NO;
}

/* Modbus Messaging on TCP/IP 3.1.3: protocol 0 and a length that fits. */
static enum app_probe
probe_modbus(struct view v, enum flow_dir dir, bool by_port)
{
	(void)dir;
	if (!by_port) {
		return PROBE_NO;
	}
	if (v.len < 8) {
		return PROBE_MORE;
	}
	return load_be16(v.p + 2) == 0 && load_be16(v.p + 4) >= 2 &&
			       load_be16(v.p + 4) <= 254
		       ? PROBE_YES
		       : PROBE_NO;
}

/* IEEE 1815 9.2.4.1 */
static enum app_probe
probe_dnp3(struct view v, enum flow_dir dir, bool by_port)
{
	(void)dir;
	if ((v.len >= 1 && v.p[0] != 0x05) || (v.len >= 2 && v.p[1] != 0x64)) {
		return PROBE_NO;
	}
	if (!by_port) {
		return PROBE_NO;
	}
	return v.len < 3 ? PROBE_MORE : v.p[2] >= 5 ? PROBE_YES : PROBE_NO;
}

/* CIP volume 2, 2-3.1: a known command and no status in a request. */
static enum app_probe
probe_enip(struct view v, enum flow_dir dir, bool by_port)
{
	uint16_t cmd;

	(void)dir;
	if (!by_port) {
		return PROBE_NO;
	}
	if (v.len < 24) {
		return PROBE_MORE;
	}
	cmd = load_le16(v.p);
	return cmd == 0 || cmd == 4 || (cmd >= 0x63 && cmd <= 0x66) ||
			       cmd == 0x6f || cmd == 0x70 || cmd == 0x72 ||
			       cmd == 0x73
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 5531 section 9 with RFC 1813's program 100003. */
static enum app_probe
probe_nfs(struct view v, enum flow_dir dir, bool by_port)
{
	(void)by_port;
	if (dir != FLOW_TOSERVER) {
		return PROBE_NO;
	}
	/* The last fragment of a record of less than 64 KiB. */
	if ((v.len >= 1 && v.p[0] != 0x80) || (v.len >= 2 && v.p[1] != 0)) {
		return PROBE_NO;
	}
	if (v.len < 24) {
		return PROBE_MORE;
	}
	return load_be32(v.p + 8) == 0 && load_be32(v.p + 12) == 2 &&
			       load_be32(v.p + 16) == 100003
		       ? PROBE_YES
		       : PROBE_NO;
}

/* PostgreSQL 55.7: length, then protocol 3.0. */
static enum app_probe
probe_pgsql(struct view v, enum flow_dir dir, bool by_port)
{
	if (!by_port || dir != FLOW_TOSERVER) {
		return PROBE_NO;
	}
	if (v.len < 8) {
		return PROBE_MORE;
	}
	return load_be32(v.p + 4) == 0x30000 && load_be32(v.p) >= 8 &&
			       load_be32(v.p) <= 10000
		       ? PROBE_YES
		       : PROBE_NO;
}

/* RFC 854: an option negotiation. */
static enum app_probe
probe_telnet(struct view v, enum flow_dir dir, bool by_port)
{
	(void)dir;
	if (!by_port || (v.len >= 1 && v.p[0] != 0xff)) {
		return PROBE_NO;
	}
	return v.len < 2 ? PROBE_MORE : v.p[1] >= 0xfa ? PROBE_YES : PROBE_NO;
}

/* Forms that a fixed text cannot tell. */
struct recogniser {
	uint8_t proto; /* enum app_proto */
	bool tcp, udp;
	enum app_probe (*probe)(struct view v, enum flow_dir dir, bool by_port);
	uint16_t ports[6]; /* 0-terminated */
};

static const struct recogniser recognisers[] = {
	{ APP_SMTP, true, false, probe_smtp, { 25, 465, 587 } },
	{ APP_FTP, true, false, probe_ftp, { 21, 2121 } },
	{ APP_POP3, true, false, probe_pop3, { 110 } },
	{ APP_IMAP, true, false, probe_imap, { 143 } },
	{ APP_SIP, true, true, probe_sip, { 5060 } },
	{ APP_IRC, true, false, probe_irc, { 6667, 6666, 6668, 6697 } },
	{ APP_DCERPC, true, false, probe_dcerpc, { 135 } },
	{ APP_RDP, true, false, probe_rdp, { 3389 } },
	{ APP_KRB5, true, true, probe_krb5, { 88 } },
	{ APP_LDAP, true, true, probe_ldap, { 389, 3268 } },
	{ APP_SNMP, false, true, probe_snmp, { 161, 162 } },
	{ APP_NTP, false, true, probe_ntp, { 123 } },
	{ APP_TFTP, false, true, probe_tftp, { 69 } },
	{ APP_IKE, false, true, probe_ike, { 500, 4500 } },
	{ APP_QUIC, false, true, probe_quic, { 443 } },
	{ APP_MODBUS, true, false, probe_modbus, { 502 } },
	{ APP_DNP3, true, false, probe_dnp3, { 20000 } },
	{ APP_ENIP, true, true, probe_enip, { 44818, 2222 } },
	{ APP_NFS, true, false, probe_nfs, { 2049 } },
	{ APP_PGSQL, true, false, probe_pgsql, { 5432 } },
	{ APP_TELNET, true, false, probe_telnet, { 23 } },
};

static bool
on_port(const struct recogniser *r, const uint16_t ports[2])
{
	for (size_t i = 0; i < ARRAY_LEN(r->ports) && r->ports[i] != 0; i++) {
		if (ports[0] == r->ports[i] || ports[1] == r->ports[i]) {
			return true;
		}
	}
	return false;
}

enum app_proto
app_detect_form(struct view data, enum flow_dir dir, bool tcp,
		const uint16_t ports[2], const bool allowed[APP_PROTO_COUNT])
{
	bool more = false;

	if (data.len == 0) {
		return APP_UNKNOWN;
	}
	for (size_t i = 0; i < ARRAY_LEN(recognisers); i++) {
		const struct recogniser *c = &recognisers[i];
		enum app_probe r;

		if (!(tcp ? c->tcp : c->udp) || !allowed[c->proto]) {
			continue;
		}
		r = c->probe(data, dir, on_port(c, ports));
		if (r == PROBE_YES) {
			return (enum app_proto)c->proto;
		}
		more |= r == PROBE_MORE && tcp;
	}
	return more ? APP_UNKNOWN : APP_FAILED;
}
