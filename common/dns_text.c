/* SPDX-License-Identifier: Apache-2.0 */
#include "common/dns_text.h"

struct name_row {
	uint16_t number;
	const char *name;
};

/* IANA "Resource Record (RR) TYPEs", by number. */
static const struct name_row types[] = {
	{ 1, "A" },      { 2, "NS" },       { 3, "MD" },
	{ 4, "MF" },     { 5, "CNAME" },    { 6, "SOA" },
	{ 7, "MB" },     { 8, "MG" },       { 9, "MR" },
	{ 10, "NULL" },  { 11, "WKS" },     { 12, "PTR" },
	{ 13, "HINFO" }, { 14, "MINFO" },   { 15, "MX" },
	{ 16, "TXT" },   { 17, "RP" },      { 18, "AFSDB" },
	{ 19, "X25" },   { 20, "ISDN" },    { 21, "RT" },
	{ 22, "NSAP" },  { 23, "NSAPPTR" }, { 24, "SIG" },
	{ 25, "KEY" },   { 26, "PX" },      { 27, "GPOS" },
	{ 28, "AAAA" },  { 29, "LOC" },     { 30, "NXT" },
	{ 31, "EID" },   { 32, "NIMLOC" },  { 33, "SRV" },
	{ 34, "ATMA" },  { 35, "NAPTR" },   { 36, "KX" },
	{ 37, "CERT" },  { 38, "A6" },      { 39, "DNAME" },
	{ 40, "SINK" },  { 41, "OPT" },     { 42, "APL" },
	{ 43, "DS" },    { 44, "SSHFP" },   { 45, "IPSECKEY" },
	{ 46, "RRSIG" }, { 47, "NSEC" },    { 48, "DNSKEY" },
	{ 49, "DHCID" }, { 50, "NSEC3" },   { 51, "NSEC3PARAM" },
	{ 52, "TLSA" },  { 53, "SMIMEA" },  { 55, "HIP" },
	{ 56, "NINFO" }, { 57, "RKEY" },    { 58, "TALINK" },
	{ 59, "CDS" },   { 60, "CDNSKEY" }, { 61, "OPENPGPKEY" },
	{ 62, "CSYNC" }, { 63, "ZONEMD" },  { 64, "SVCB" },
	{ 65, "HTTPS" }, { 99, "SPF" },     { 100, "UINFO" },
	{ 101, "UID" },  { 102, "GID" },    { 103, "UNSPEC" },
	{ 104, "NID" },  { 105, "L32" },    { 106, "L64" },
	{ 107, "LP" },   { 108, "EUI48" },  { 109, "EUI64" },
	{ 249, "TKEY" }, { 250, "TSIG" },   { 251, "IXFR" },
	{ 252, "AXFR" }, { 253, "MAILB" },  { 254, "MAILA" },
	{ 255, "ANY" },  { 256, "URI" },    { 257, "CAA" },
	{ 258, "AVC" },  { 259, "DOA" },    { 260, "AMTRELAY" },
	{ 32768, "TA" }, { 32769, "DLV" },
};

/* IANA "DNS RCODEs"; the header has room for the first sixteen. */
static const char *const rcodes[] = {
	"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",   "REFUSED",
	"YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",  "DSOTYPENI",
	NULL,       NULL,      NULL,       NULL,       "BADVERS",  "BADKEY",
	"BADTIME",  "BADMODE", "BADNAME",  "BADALG",   "BADTRUNC", "BADCOOKIE",
};

const char *
dns_type_name(uint16_t type)
{
	size_t lo = 0, hi = ARRAY_LEN(types);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (types[mid].number == type) {
			return types[mid].name;
		}
		if (types[mid].number < type) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return NULL;
}

const char *
dns_rcode_name(unsigned rcode)
{
	return rcode < ARRAY_LEN(rcodes) ? rcodes[rcode] : NULL;
}

int
dns_type_by_name(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (view_caseeq(name, view_cstr(types[i].name))) {
			return types[i].number;
		}
	}
	return -1;
}

int
dns_rcode_by_name(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(rcodes); i++) {
		if (rcodes[i] != NULL &&
		    view_caseeq(name, view_cstr(rcodes[i]))) {
			return (int)i;
		}
	}
	return -1;
}
