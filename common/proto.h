/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto.h - names and numbers of transport and application protocols
 *
 * Place    above base.h.
 * Threads  pure; static tables.
 */
#ifndef COMMON_PROTO_H
#define COMMON_PROTO_H

#include "common/base.h"

/* IANA "Assigned Internet Protocol Numbers", those the decoder knows. */
enum ip_proto {
	IPP_HOPOPTS = 0,
	IPP_ICMP = 1,
	IPP_IGMP = 2,
	IPP_IPIP = 4,
	IPP_TCP = 6,
	IPP_UDP = 17,
	IPP_IPV6 = 41,
	IPP_ROUTING = 43,
	IPP_FRAGMENT = 44,
	IPP_GRE = 47,
	IPP_ESP = 50,
	IPP_AH = 51,
	IPP_ICMPV6 = 58,
	IPP_NONE = 59,
	IPP_DSTOPTS = 60,
	IPP_SCTP = 132,
	IPP_MOBILITY = 135,
	IPP_HIP = 139,
	IPP_SHIM6 = 140,
};

/* Application protocols by Suricata's names: APP(symbol, "name"). */
#define APP_PROTO_LIST(APP) \
	APP(HTTP, "http") \
	APP(HTTP2, "http2") \
	APP(DNS, "dns") \
	APP(TLS, "tls") \
	APP(SMTP, "smtp") \
	APP(FTP, "ftp") \
	APP(FTP_DATA, "ftp-data") \
	APP(SSH, "ssh") \
	APP(SMB, "smb") \
	APP(DCERPC, "dcerpc") \
	APP(IMAP, "imap") \
	APP(POP3, "pop3") \
	APP(NFS, "nfs") \
	APP(KRB5, "krb5") \
	APP(LDAP, "ldap") \
	APP(DHCP, "dhcp") \
	APP(TFTP, "tftp") \
	APP(NTP, "ntp") \
	APP(SNMP, "snmp") \
	APP(SIP, "sip") \
	APP(RFB, "rfb") \
	APP(RDP, "rdp") \
	APP(MQTT, "mqtt") \
	APP(MODBUS, "modbus") \
	APP(DNP3, "dnp3") \
	APP(ENIP, "enip") \
	APP(IKE, "ike") \
	APP(QUIC, "quic") \
	APP(PGSQL, "pgsql") \
	APP(TELNET, "telnet") \
	APP(WEBSOCKET, "websocket") \
	APP(MDNS, "mdns") \
	APP(DOH2, "doh2") \
	APP(BITTORRENT_DHT, "bittorrent-dht") \
	APP(IRC, "irc") \
	APP(JABBER, "jabber")

enum app_proto {
	APP_UNKNOWN = 0, /* not detected yet */
	APP_FAILED = 1, /* detection gave up: EVE's "failed" */
#define APP(sym, name) APP_##sym,
	APP_PROTO_LIST(APP)
#undef APP
		APP_PROTO_COUNT
};
STATIC_ASSERT(APP_PROTO_COUNT <= 64, "a set of protocols is one word");

/* "http"; "failed"; NULL for APP_UNKNOWN. */
const char *app_proto_name(enum app_proto p);
/* APP_UNKNOWN when there is no such name.  "http1" is HTTP. */
enum app_proto app_proto_by_name(struct view name);

/* "TCP", "UDP", "ICMP", "IPv6-ICMP", "SCTP", "GRE", ... or the number. */
const char *ip_proto_name(uint8_t proto, char fallback[4]);

#endif
