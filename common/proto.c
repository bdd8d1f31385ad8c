/* SPDX-License-Identifier: Apache-2.0 */
#include "common/proto.h"

#include <stdio.h>

static const char *const app_names[APP_PROTO_COUNT] = { [APP_FAILED] = "failed",
#define APP(sym, name) [APP_##sym] = name,
							APP_PROTO_LIST(APP)
#undef APP
};

const char *
app_proto_name(enum app_proto p)
{
	return p < APP_PROTO_COUNT ? app_names[p] : NULL;
}

enum app_proto
app_proto_by_name(struct view name)
{
	if (view_eq(name, VIEW_LIT("http1"))) {
		return APP_HTTP;
	}
	for (unsigned i = APP_FAILED; i < APP_PROTO_COUNT; i++) {
		if (view_eq(name, view_cstr(app_names[i]))) {
			return (enum app_proto)i;
		}
	}
	return APP_UNKNOWN;
}

const char *
ip_proto_name(uint8_t proto, char fallback[4])
{
	switch (proto) {
	case IPP_ICMP:
		return "ICMP";
	case IPP_IGMP:
		return "IGMP";
	case IPP_IPIP:
		return "IPIP";
	case IPP_TCP:
		return "TCP";
	case IPP_UDP:
		return "UDP";
	case IPP_IPV6:
		return "IPv6";
	case IPP_ROUTING:
		return "IPv6-Route";
	case IPP_FRAGMENT:
		return "IPv6-Frag";
	case IPP_GRE:
		return "GRE";
	case IPP_ESP:
		return "ESP";
	case IPP_AH:
		return "AH";
	case IPP_ICMPV6:
		return "IPv6-ICMP";
	case IPP_NONE:
		return "IPv6-NoNxt";
	case IPP_DSTOPTS:
		return "IPv6-Opts";
	case IPP_SCTP:
		return "SCTP";
	case IPP_HOPOPTS:
		return "HOPOPT";
	default:
		snprintf(fallback, 4, "%03u", proto);
		return fallback;
	}
}
