/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_ssh.h - SSH connections until they turn opaque
 *
 * The version lines of both sides (RFC 4253 4.2) and the algorithms that each
 * offers (7.1), from which HASSH makes fingerprints of client and server.  A
 * connection is one transaction; after NEWKEYS nothing of a side is read.
 *
 * Place    above app_parser.h and hex_digest.h, below app.h.
 * Threads  pure, but for the flow and transaction it is given.
 * Memory   a version line, or one KEXINIT, of each side while it arrives; its
 *          texts in the transaction's arena.
 * Cost     linear in the bytes before NEWKEYS.
 */
#ifndef SENSOR_APP_SSH_H
#define SENSOR_APP_SSH_H

#include "sensor/app_parser.h"

#define SSH_LINE_MAX 255 /* RFC 4253 4.2, with CR LF */
#define SSH_PACKET_MAX 35000 /* RFC 4253 6.1 */

/* What one side said of itself. */
struct ssh_side {
	bool has_version, has_kex;
	struct view proto, software; /* "2.0", "OpenSSH_9.2p1" */
	/* key exchange; encryption, MAC and compression of what it sends */
	struct view hassh_string, hassh;
};

struct ssh_tx {
	struct app_tx tx;
	struct ssh_side side[2]; /* by direction of the sender */
};

extern const struct app_parser app_ssh;

#endif
