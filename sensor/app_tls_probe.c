/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_tls_state.h"

static bool
probe_version(const uint8_t *p)
{
	return p[0] == 3 && p[1] <= 4;
}

/* RFC 5246 E.2, with lengths that must agree. */
static enum app_probe
probe_sslv2(struct view v, enum flow_dir dir)
{
	uint16_t len;

	if (v.len < 11) {
		return v.len >= 3 && v.p[2] != (dir == FLOW_TOSERVER ? 1 : 4)
			       ? PROBE_NO
			       : PROBE_MORE;
	}
	len = load_be16(v.p) & SSLV2_MAX_RECORD;
	if (dir == FLOW_TOSERVER) {
		return v.p[2] == 1 &&
				       (probe_version(v.p + 3) ||
					load_be16(v.p + 3) == 2) &&
				       load_be16(v.p + 5) % 3 == 0 &&
				       load_be16(v.p + 5) > 0 &&
				       9 + load_be16(v.p + 5) +
						       load_be16(v.p + 7) +
						       load_be16(v.p + 9) ==
					       len
			       ? PROBE_YES
			       : PROBE_NO;
	}
	return v.p[2] == 4 && v.p[3] <= 1 && v.p[4] <= 2 &&
			       load_be16(v.p + 5) == 2
		       ? PROBE_YES
		       : PROBE_NO;
}

enum app_probe
tls_probe(struct view v, enum flow_dir dir, bool by_port)
{
	uint16_t len;

	(void)by_port;
	if (v.len == 0) {
		return PROBE_MORE;
	}
	if (v.p[0] & 0x80) {
		return probe_sslv2(v, dir);
	}
	if (v.p[0] != RECORD_HANDSHAKE && v.p[0] != RECORD_ALERT) {
		return PROBE_NO;
	}
	if ((v.len >= 2 && v.p[1] != 3) || (v.len >= 3 && v.p[2] > 4)) {
		return PROBE_NO;
	}
	if (v.len < 6) {
		return PROBE_MORE;
	}
	len = load_be16(v.p + 3);
	if (v.p[0] == RECORD_ALERT) { /* level: warning or fatal */
		return len == 2 && (v.p[5] == 1 || v.p[5] == 2) ? PROBE_YES
								: PROBE_NO;
	}
	return len > 0 && len <= MAX_RECORD &&
			       (v.p[5] == (dir == FLOW_TOSERVER
						   ? MSG_CLIENT_HELLO
						   : MSG_SERVER_HELLO) ||
				v.p[5] == 0)
		       ? PROBE_YES
		       : PROBE_NO;
}
