# SPDX-License-Identifier: Apache-2.0
# EVE JSON lines to "pcap_cnt gid:sid src:port -> dst:port".  Picket escapes
# every quote that traffic brings, so that "KEY": stands for itself; the first
# one is the event's own.
function field(key,    s) {
	if (!match($0, "\"" key "\":(\"[^\"]*\"|[0-9]+)")) {
		return "-"
	}
	s = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	gsub(/"/, "", s)
	return s
}
/"event_type":"alert"/ {
	printf "%s %s:%s %s:%s -> %s:%s\n", field("pcap_cnt"), field("gid"),
		field("signature_id"), field("src_ip"), field("src_port"),
		field("dest_ip"), field("dest_port")
}
