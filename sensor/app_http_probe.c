/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_probe.h"

#include "sensor/app_http_line.h"

static enum app_probe
probe_response(struct view v)
{
	struct view want = VIEW_LIT("HTTP/");
	size_t n = MIN(v.len, want.len);

	if (!view_caseeq(view_sub(v, 0, n), view_sub(want, 0, n))) {
		return PROBE_NO;
	}
	return v.len < want.len ? PROBE_MORE : PROBE_YES;
}

static bool
is_method_char(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* METHOD SP target, and a protocol unless the method is one we know. */
static enum app_probe
probe_request(struct view v)
{
	size_t i = 0, word, end;
	struct view line;

	while (i < v.len && i < 16 && (v.p[i] == '\r' || v.p[i] == '\n')) {
		i++;
	}
	v = view_sub(v, i, v.len);
	word = 0;
	while (word < v.len && word < 32 && is_method_char(v.p[word])) {
		word++;
	}
	if (word == v.len) {
		return word < 32 ? PROBE_MORE : PROBE_NO;
	}
	if (word < 2 || (v.p[word] != ' ' && v.p[word] != '\t')) {
		return PROBE_NO;
	}
	if (http_opens_request(view_sub(v, 0, word))) {
		return PROBE_YES;
	}
	end = word;
	while (end < v.len && v.p[end] != '\n') {
		if (v.p[end] == 0) {
			return PROBE_NO;
		}
		end++;
	}
	line = view_sub(v, 0, end);
	if (end == v.len) {
		return v.len < 4096 ? PROBE_MORE : PROBE_NO;
	}
	return http_opens_request(line) ? PROBE_YES : PROBE_NO;
}

enum app_probe
http_probe(struct view data, enum flow_dir dir, bool by_port)
{
	(void)by_port; /* the content says it well enough */
	return dir == FLOW_TOCLIENT ? probe_response(data)
				    : probe_request(data);
}
