/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ppp_proto.h - what PPP says that it carries
 *
 * IANA's "PPP Data Link Layer Protocol Numbers", as RFC 1661 section 2 uses
 * them; the decoder and the kernel's program for fanout do.
 *
 * Place    below packet.h; includes nothing.
 */
#ifndef SENSOR_PPP_PROTO_H
#define SENSOR_PPP_PROTO_H

enum ppp_proto {
	PPP_IPV4 = 0x0021, /* RFC 1332 */
	PPP_OSI = 0x0023, /* RFC 1377 */
	PPP_XNS = 0x0025, /* RFC 1764 */
	PPP_DECNET = 0x0027, /* RFC 1762 */
	PPP_APPLETALK = 0x0029, /* RFC 1378 */
	PPP_IPX = 0x002b, /* RFC 1552 */
	PPP_VJ_COMPRESSED = 0x002d, /* Van Jacobson, RFC 1144 */
	PPP_VJ_UNCOMPRESSED = 0x002f,
	PPP_BRIDGED = 0x0031, /* RFC 3518 */
	PPP_STREAM = 0x0033, /* ST-II */
	PPP_VINES = 0x0035, /* RFC 1763 */
	PPP_MULTILINK = 0x003d, /* RFC 1990 */
	PPP_IPV6 = 0x0057, /* RFC 5072 */
	PPP_COMPRESSED_LINK = 0x00fb, /* of one link in a group, RFC 1962 */
	PPP_COMPRESSED = 0x00fd, /* RFC 1962 */
	PPP_MPLS = 0x0281, /* RFC 3032 */
	PPP_MPLS_MULTICAST = 0x0283,
	PPP_CDPD = 0x4003,
};

/* From here on are the protocols that set up the link (RFC 1661 section 2). */
#define PPP_CONTROL_MIN 0x8000

#endif
