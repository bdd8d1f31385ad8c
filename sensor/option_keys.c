/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/option_keys.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/proto.h"

#define NEAR_MAX 2 /* letters wrong, in all of a key */
#define KEY_MAX 128
#define PARTS_MAX 12
#define FAR 1000

/*
 * What modules read, by the parts of the key.  "*" is any one part, "**" any
 * rest (items of a list), "@" the name of an application protocol.  The part
 * before the first dot says which subtrees are looked at.
 */
#define HTP "app-layer.protocols.http.libhtp.default-config."

static const char *const read_keys[] = {
	"stream.midstream",
	"stream.async-oneside",
	"stream.inline",
	"stream.bypass",
	"stream.max-syn-queued",
	"stream.max-synack-queued",
	"stream.checksum-validation",
	"stream.reassembly.memcap",
	"stream.reassembly.depth",
	"stream.reassembly.toserver-chunk-size",
	"stream.reassembly.toclient-chunk-size",
	"stream.reassembly.urgent.policy",
	"flow.memcap",
	"flow.hash-size",
	"flow.prealloc",
	"defrag.memcap",
	"defrag.trackers",
	"defrag.max-frags",
	"defrag.timeout",
	"decoder.max-layers",
	"vlan.use-for-tracking",
	"pcre.match-limit",
	"detect.guess-applayer-tx",
	"detect.thresholds.memcap",
	"detect.thresholds.percent",
	"host.memcap",
	"ippair.memcap",
	"file-store.enabled",
	"file-store.dir",
	"file-store.force-filestore",
	"file-store.write-fileinfo",
	"file-store.force-hash.**",
	"file-store.force-magic",
	"file-store.force-md5",
	"file-store.max-open-files",
	"file-store.max-size",
	"file-store.stream-depth",
	"datasets.defaults.memcap",
	"datasets.defaults.hashsize",
	"datasets.limits.single-hashsize",
	"datasets.limits.total-hashsizes",
	"datasets.rules.allow-write",
	"datasets.rules.allow-absolute-filenames",
	"vars.address-groups.*.**",
	"vars.port-groups.*.**",
	"app-layer.protocols.@.enabled",
	"app-layer.protocols.@.tcp.enabled",
	"app-layer.protocols.@.udp.enabled",
	"app-layer.protocols.@.detection-ports.**",
	"app-layer.protocols.tls.encryption-handling",
	"app-layer.protocols.tls.encrypt-handling",
	"app-layer.protocols.ssh.encryption-handling",
	"app-layer.protocols.ssh.encrypt-handling",
	"app-layer.protocols.@.tcp.detection-ports.**",
	"app-layer.protocols.@.udp.detection-ports.**",
	"app-layer.protocols.http.byterange.memcap",
	"app-layer.protocols.http.byterange.timeout",
	"flow-timeouts.tcp.new",
	"flow-timeouts.tcp.established",
	"flow-timeouts.tcp.closed",
	"flow-timeouts.udp.new",
	"flow-timeouts.udp.established",
	"flow-timeouts.udp.closed",
	"flow-timeouts.icmp.new",
	"flow-timeouts.icmp.established",
	"flow-timeouts.icmp.closed",
	"flow-timeouts.default.new",
	"flow-timeouts.default.established",
	"flow-timeouts.default.closed",
	"decoder.vxlan.enabled",
	"decoder.vxlan.ports.**",
	"decoder.geneve.enabled",
	"decoder.geneve.ports.**",
	"decoder.teredo.enabled",
	"decoder.teredo.ports.**",
	"host-os-policy.bsd.**",
	"host-os-policy.bsd-right.**",
	"host-os-policy.first.**",
	"host-os-policy.last.**",
	"host-os-policy.linux.**",
	"host-os-policy.old-linux.**",
	"host-os-policy.solaris.**",
	"host-os-policy.old-solaris.**",
	"host-os-policy.hpux10.**",
	"host-os-policy.hpux11.**",
	"host-os-policy.irix.**",
	"host-os-policy.macos.**",
	"host-os-policy.windows.**",
	"host-os-policy.vista.**",
	"host-os-policy.windows2k3.**",
	"datasets.*.type",
	"datasets.*.load",
	"datasets.*.save",
	"datasets.*.state",
	"datasets.*.memcap",
	"datasets.*.hashsize",
	"eve.alert.payload",
	"eve.alert.payload-printable",
	"eve.alert.payload-length",
	"eve.alert.payload-buffer-size",
	"eve.alert.http-body",
	"eve.alert.http-body-printable",
	"eve.alert.verdict",
	"eve.alert.tagged-packets",
	"eve.alert.metadata",
	"eve.alert.metadata.app-layer",
	"eve.alert.metadata.flow",
	"eve.alert.metadata.rule.metadata",
	"eve.alert.metadata.rule.raw",
	"eve.alert.metadata.rule.reference",
	"eve.alert.xff.enabled",
	"eve.alert.xff.mode",
	"eve.alert.xff.deployment",
	"eve.alert.xff.header",
	"eve.files.force-hash.**",
	"eve.files.force-magic",
	"eve.files.force-md5",
	HTP "request-body-limit",
	HTP "response-body-limit",
	HTP "request-body-minimal-inspect-size",
	HTP "response-body-minimal-inspect-size",
	HTP "compression-bomb-limit",
	HTP "lzma-enabled",
	HTP "lzma-memlimit",
	HTP "response-body-decompress-layer-limit",
	HTP "double-decode-path",
	HTP "double-decode-query",
	HTP "query-plusspace-decode",
	HTP "uri-include-all",
	HTP "convert-lowercase",
	HTP "path-convert-lowercase",
	HTP "backslash-convert-slashes",
	HTP "path-convert-backslash-separators",
	HTP "path-separators-compress",
};

struct parts {
	struct view v[PARTS_MAX];
	size_t n;
};

static bool
split(const char *key, struct parts *out)
{
	out->n = 0;
	for (;;) {
		size_t len = strcspn(key, ".");

		if (out->n == PARTS_MAX) {
			return false;
		}
		out->v[out->n++] = view_of(key, len);
		if (key[len] == '\0') {
			return true;
		}
		key += len + 1;
	}
}

static bool
is(struct view v, const char *s)
{
	return view_eq(v, view_cstr(s));
}

/* Letters added, left out, changed, or swapped with their neighbour. */
static unsigned
distance(struct view a, struct view b)
{
	unsigned row[3][KEY_MAX + 1];

	if (a.len > KEY_MAX || b.len > KEY_MAX) {
		return FAR;
	}
	for (size_t j = 0; j <= b.len; j++) {
		row[0][j] = (unsigned)j;
	}
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *now = row[i % 3], *up = row[(i - 1) % 3];
		const unsigned *up2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.p[i - 1] == b.p[j - 1];
			unsigned n = up[j - 1] + !same;

			n = MIN(n, up[j] + 1);
			n = MIN(n, now[j - 1] + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1]) {
				n = MIN(n, up2[j - 2] + 1);
			}
			now[j] = n;
		}
	}
	return row[a.len % 3][b.len];
}

/* How far 'part' is from a part of a row; 'best' is what it may mean. */
static unsigned
part_distance(struct view part, struct view row, struct view *best)
{
	unsigned least = FAR;

	*best = part;
	if (is(row, "*")) {
		return 0;
	}
	if (!is(row, "@")) {
		*best = row;
		return distance(part, row);
	}
	for (unsigned i = APP_FAILED + 1; i < APP_PROTO_COUNT; i++) {
		struct view name = view_cstr(app_proto_name((enum app_proto)i));
		unsigned n = distance(part, name);

		if (n < least) {
			least = n;
			*best = name;
		}
	}
	return least;
}

/* 0: a module reads 'key' by this row.  'near' has KEY_MAX bytes. */
static unsigned
row_distance(const struct parts *key, const char *pattern, char *near)
{
	struct parts row;
	size_t at = 0, n;
	unsigned sum = 0;
	bool rest;

	split(pattern, &row);
	rest = is(row.v[row.n - 1], "**");
	n = rest ? row.n - 1 : row.n;
	if (key->n < n || (!rest && key->n != n) ||
	    !view_eq(key->v[0], row.v[0])) {
		return FAR;
	}
	for (size_t i = 0; i < key->n; i++) {
		struct view best = key->v[i];

		if (i < n) {
			sum += part_distance(key->v[i], row.v[i], &best);
		}
		at += (size_t)snprintf(near + at, KEY_MAX - at, "%s%.*s",
				       i > 0 ? "." : "", (int)best.len,
				       (const char *)best.p);
		if (at >= KEY_MAX || sum > NEAR_MAX) {
			return FAR;
		}
	}
	return sum;
}

/* Names of datasets may hold dots, or stand in a list. */
static bool
is_of_set(const struct parts *key)
{
	static const char *const of_set[] = { "type",  "load",   "save",
					      "state", "memcap", "hashsize" };

	for (size_t i = 0; i < ARRAY_LEN(of_set); i++) {
		if (is(key->v[0], "datasets") && key->n > 3 &&
		    is(key->v[key->n - 1], of_set[i])) {
			return true;
		}
	}
	return false;
}

/* Whether a row begins as 'key' does: else it is not this table's. */
static bool
is_ours(const struct parts *key)
{
	for (size_t i = 0; i < ARRAY_LEN(read_keys); i++) {
		struct parts row;

		split(read_keys[i], &row);
		if (view_eq(key->v[0], row.v[0])) {
			/* of "eve" only what is below a subtree */
			return !is(key->v[0], "eve") ||
			       is(key->v[1], "alert") || is(key->v[1], "files");
		}
	}
	return false;
}

static void
look(void *arg, const char *key, const char *value)
{
	struct option_key_report *r = arg;
	char near[KEY_MAX], nearest[KEY_MAX] = "";
	unsigned least = FAR;
	struct parts parts;

	/* an empty section is written "stream:" */
	if (!split(key, &parts) || parts.n < 2 || value[0] == '\0' ||
	    !is_ours(&parts) || is_of_set(&parts)) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(read_keys) && least > 0; i++) {
		unsigned n = row_distance(&parts, read_keys[i], near);

		if (n < least) {
			least = n;
			memcpy(nearest, near, sizeof(nearest));
		}
	}
	if (least == 0) {
		return;
	}
	if (r->unread++ == 0 || (r->near[0] == '\0' && nearest[0] != '\0')) {
		snprintf(r->key, sizeof(r->key), "%s", key);
		memcpy(r->near, nearest, sizeof(r->near));
	}
}

void
option_keys_check(const struct conf *c, struct option_key_report *out)
{
	*out = (struct option_key_report){ .unread = 0 };
	conf_each(c, "", look, out);
}

enum err
option_keys_warn(const struct conf *c, struct diag *d)
{
	struct option_key_report all, own = { .unread = 0 };
	const char *mean, *near, *end;

	conf_each(c, "eve.", look, &own);
	if (own.unread > 0) {
		return diag_set(
			d, ERR_USAGE, "unknown setting '%s'%s%s%s", own.key,
			own.near[0] != '\0' ? "; did you mean \"" : "",
			own.near,
			own.near[0] != '\0' ? "\"?"
					    : "; see picket-sensor.yaml(5)");
	}
	option_keys_check(c, &all);
	if (all.unread == 0) {
		return ERR_OK;
	}
	near = all.near;
	mean = near[0] != '\0' ? "; did you mean \"" : "";
	end = near[0] != '\0' ? "\"?" : "";
	if (all.unread == 1) {
		log_warn("the setting %s is not read and has no effect%s%s%s",
			 all.key, mean, near, end);
	} else {
		log_warn("%u settings are not read and have no effect (for "
			 "example %s%s%s%s)",
			 all.unread, all.key, mean, near, end);
	}
	return ERR_OK;
}
