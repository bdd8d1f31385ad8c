/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ethertype.h - what a frame, a tunnel or a label says that it carries
 *
 * The numbers of IEEE 802, as the link layers, GRE (RFC 2784), VXLAN, Geneve,
 * ARP and the kernel's program for fanout use them.
 *
 * Place    below packet.h; includes nothing.
 */
#ifndef SENSOR_ETHERTYPE_H
#define SENSOR_ETHERTYPE_H

enum ethertype {
	ETH_IPV4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_ERSPAN_III = 0x22eb,
	ETH_TRANSPARENT = 0x6558, /* Ethernet, RFC 1701 */
	ETH_RARP = 0x8035, /* in Cisco's HDLC: SLARP */
	ETH_VLAN = 0x8100,
	ETH_IPV6 = 0x86dd,
	ETH_PPP = 0x880b,
	ETH_MPLS = 0x8847,
	ETH_MPLS_MULTICAST = 0x8848,
	ETH_PPPOE_DISCOVERY = 0x8863,
	ETH_PPPOE_SESSION = 0x8864,
	ETH_QINQ = 0x88a8,
	ETH_ERSPAN = 0x88be, /* types I and II */
	ETH_BACKBONE = 0x88e7, /* IEEE 802.1ah */
	ETH_FABRIC_PATH = 0x8903, /* Cisco */
	ETH_VNTAG = 0x8926, /* IEEE 802.1BR, Cisco's form */
	ETH_NSH = 0x894f,
	ETH_QINQ_OLD = 0x9100,
	ETH_QINQ_OLD2 = 0x9200,
};

/* Below it, the field is the length of an 802.3 frame. */
#define ETHERTYPE_MIN 0x0600

#endif
