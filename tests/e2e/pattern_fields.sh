#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each property that STIX patterns may name, on captures: a value that the
# sensor's own records have raises an alert for each of these records, and the
# same value changed a little raises none.  A property without a case here is a
# failure.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need python3

"$bin/patterncases" --properties >"$tmp/properties" || fail "no properties"
for c in http tls; do
	"$sensor" --quiet --read "$top/pcaps/$c.pcap" \
		--set eve.files.force-hash.0=md5 \
		--set eve.files.force-hash.1=sha1 \
		--set eve.files.force-hash.2=sha256 \
		--eve "$tmp/$c.records" --eve-types flow,http,tls,fileinfo \
		2>"$tmp/log" || fail "records: $(cat "$tmp/log")"
done
cat >"$tmp/cases.py" <<'END'
import collections
import hashlib
import json
import sys

where, step = sys.argv[1:3]
of = collections.defaultdict(list)
for c in ("http", "tls"):
    for line in open("%s/%s.records" % (where, c)):
        e = json.loads(line)
        of[c, e["event_type"]].append(e)


def stamp(text):
    return "t'%sZ'" % text.split("+")[0].rstrip("Z")


def quote(text):
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "\\'")


HTTP = "extensions.http-request-ext."
flow = lambda k: lambda e: e["flow"].get(k)
http = lambda k: lambda e: e["http"].get(k)
tls = lambda k: lambda e: e["tls"].get(k)
info = lambda k: lambda e: e["fileinfo"].get(k)


packets = open(sys.argv[3], "rb").read()


def cert(e):
    """Certificates are in the capture: the one of that fingerprint."""
    want = e["tls"].get("fingerprint", "").replace(":", "")
    at = packets.find(b"\x30\x82")
    while want and at >= 0:
        der = packets[at:at + 4 + int.from_bytes(packets[at + 2:at + 4], "big")]
        if hashlib.sha1(der).hexdigest() == want:
            return hashlib.sha256(der).hexdigest()
        at = packets.find(b"\x30\x82", at + 1)
    return None


def ends(version):
    return lambda e: [a for a in (e["src_ip"], e["dest_ip"])
                      if e["ip_v"] == version]


def kind(e):
    return "ipv%d-addr" % e["ip_v"]


# property: capture, its records, what such a record has of it, how it is written
CASES = {
    "ipv4-addr:value": ("http", "flow", ends(4), quote),
    "ipv6-addr:value": ("http", "flow", ends(6), quote),
    "domain-name:value": ("tls", "tls", tls("sni"), quote),
    "url:value": ("http", "http", lambda e: "http://" +
                  e["http"]["hostname"] + e["http"]["url"], quote),
    "src_ref.value": ("http", "flow", lambda e: e["src_ip"], quote),
    "dst_ref.value": ("http", "flow", lambda e: e["dest_ip"], quote),
    "src_ref.type": ("http", "flow", kind, quote),
    "dst_ref.type": ("http", "flow", kind, quote),
    "src_port": ("http", "flow", lambda e: e.get("src_port"), str),
    "dst_port": ("http", "flow", lambda e: e.get("dest_port"), str),
    "protocols": ("http", "flow", lambda e: e["proto"].lower()
                  if "-" not in e["proto"] else None, quote),
    "start": ("http", "flow", flow("start"), stamp),
    "end": ("http", "flow", flow("end"), stamp),
    "is_active": ("http", "flow", lambda e: "false", str),
    "src_byte_count": ("http", "flow", flow("bytes_toserver"), str),
    "dst_byte_count": ("http", "flow", flow("bytes_toclient"), str),
    "src_packets": ("http", "flow", flow("pkts_toserver"), str),
    "dst_packets": ("http", "flow", flow("pkts_toclient"), str),
    HTTP + "request_method": ("http", "http", http("http_method"), quote),
    HTTP + "request_value": ("http", "http", http("url"), quote),
    HTTP + "request_version": ("http", "http", http("protocol"), quote),
    HTTP + "request_header.*": ("http", "http", http("http_user_agent"), quote),
    "extensions.*.ja3": ("tls", "tls", lambda e: e["tls"]["ja3"]["hash"], quote),
    "extensions.*.ja4": ("tls", "tls", tls("ja4"), quote),
    "extensions.*.server_name": ("tls", "tls", tls("sni"), quote),
    "x509-certificate:hashes.SHA-1": ("tls", "tls", tls("fingerprint"), quote),
    "x509-certificate:hashes.SHA-256": ("tls", "tls", cert, quote),
    "x509-certificate:subject": ("tls", "tls", tls("subject"), quote),
    "x509-certificate:issuer": ("tls", "tls", tls("issuerdn"), quote),
    "x509-certificate:serial_number": ("tls", "tls", tls("serial"), quote),
    "x509-certificate:validity_not_before": ("tls", "tls", tls("notbefore"),
                                             stamp),
    "x509-certificate:validity_not_after": ("tls", "tls", tls("notafter"),
                                            stamp),
    "file:hashes.MD5": ("http", "fileinfo", info("md5"), quote),
    "file:hashes.SHA-1": ("http", "fileinfo", info("sha1"), quote),
    "file:hashes.SHA-256": ("http", "fileinfo", info("sha256"), quote),
    "file:size": ("http", "fileinfo", info("size"), str),
    "file:name": ("http", "fileinfo", info("filename"), quote),
}


def steps(path):
    """As it stands in a pattern."""
    path = path.replace("request_header.*", "request_header.User-Agent")
    path = path.replace("extensions.*", "extensions.x-any")
    return ".".join(s if s.replace("_", "a").isalnum() else quote(s)
                    for s in path.split("."))


def changed(name, literal):
    """The same, but none that a record has."""
    if name in ("is_active",):
        return None
    if name.endswith("type"):
        return "'mac-addr'"
    if name.endswith("_ref.value") or name.startswith("ipv4"):
        return "'192.0.2.177'"
    if name.startswith("ipv6"):
        return "'2001:db8::177'"
    if literal[:2] == "t'":
        return literal[:2] + "2020" + literal[6:]
    if literal[0] == "'":
        return literal[:-1] + ("0'" if literal[-2] != "0" else "1'")
    return str(int(literal) + 1000000)


cases = []  # capture, pattern, how often
for line in open(where + "/properties"):
    n, obj, path, kind_, at = line.rstrip("\n").split("\t")
    name = path if obj == "network-traffic" else obj + ":" + path
    if name not in CASES:
        print("no case for", obj + ":" + path)
        continue
    capture, event, value, write = CASES[name]
    have = collections.Counter()
    for e in of[capture, event]:
        v = value(e)
        for x in set(v if isinstance(v, list) else [v]):
            if x not in (None, ""):
                have[write(x) if not isinstance(x, int) else str(x)] += 1
    if not have:
        print("no record has", obj + ":" + path)
        continue
    full = obj + ":" + steps(path) + ("[*]" if path == "protocols" else "")
    # EXISTS beside it, so that it is no list of values; but of protocols there
    # are more when the flow ends, which is news
    more = "" if path == "protocols" else " AND EXISTS " + full
    for literal, count in sorted(have.items())[:4]:
        cases.append((capture, "[%s = %s%s]" % (full, literal, more), count))
    other = changed(name, literal)
    if other is not None:
        cases.append((capture, "[%s = %s%s]" % (full, other, more), 0))


def indicator(name, pattern, begin="2020", end="2096"):
    return {"type": "indicator", "id": "indicator--" + name,
            "pattern_type": "stix", "pattern": pattern,
            "valid_from": begin + "-01-01T00:00:00Z",
            "valid_until": end + "-01-01T00:00:00Z"}


if step == "write":
    for c in ("http", "tls"):
        all_ = [indicator(str(i), p)
                for i, (of_, p, n) in enumerate(cases) if of_ == c]
        # What is not in force when the packets were, says nothing.
        for i, p in enumerate((
                "[domain-name:value LIKE 'www.exampl_']",
                "[domain-name:value = 'www.example']",
                "[url:value LIKE 'http://www.example/%']",
                "[ipv4-addr:value ISSUBSET '192.0.2.0/24']")):
            if (i < 2) == (c == "http"):
                all_.append(indicator("over-%d" % i, p, "2020", "2021"))
            else:
                all_.append(indicator("to-come-%d" % i, p, "2095"))
        with open("%s/%s.bundle" % (where, c), "w") as f:
            json.dump({"type": "bundle", "objects": all_}, f)
else:
    raised = collections.Counter()
    for c in ("http", "tls"):
        for line in open("%s/%s.alerts" % (where, c)):
            raised[json.loads(line)["picket"]["indicator"]["id"]] += 1
    for i, (c, p, n) in enumerate(cases):
        if raised["indicator--%d" % i] != n:
            print("%s in %s: expected %d, raised %d"
                  % (p, c, n, raised["indicator--%d" % i]))
        del raised["indicator--%d" % i]
    for i in raised:
        print(i, "is not in force")
    if len(cases) < 100:
        print("only %d cases" % len(cases))
END
python3 "$tmp/cases.py" "$tmp" write "$top/pcaps/tls.pcap" \
	>"$tmp/differences" 2>&1 || fail "$(cat "$tmp/differences")"
[ ! -s "$tmp/differences" ] || fail "$(cat "$tmp/differences")"
for c in http tls; do
	"$sensor" --indicators "$tmp/$c.bundle" --read "$top/pcaps/$c.pcap" \
		--check >"$tmp/check" 2>&1
	grep -q ' 0 skipped' "$tmp/check" || fail "refused: $(cat "$tmp/check")"
	"$sensor" --quiet --indicators "$tmp/$c.bundle" --workers 2 \
		--read "$top/pcaps/$c.pcap" --eve "$tmp/$c.alerts" \
		--eve-types alert 2>"$tmp/log" || fail "alerts: $(cat "$tmp/log")"
	no_sanitizer "$tmp/log"
done
python3 "$tmp/cases.py" "$tmp" compare "$top/pcaps/tls.pcap" \
	>"$tmp/differences" 2>&1 || fail "$(cat "$tmp/differences")"
[ ! -s "$tmp/differences" ] || fail "$(cat "$tmp/differences")"
finish
