#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a bundle is STIX 2.1 as the standard (OASIS, 10 June 2021) has it,
for the objects that Picket writes: required properties, their types, ids,
timestamps, references.  A reference leads to an object of the bundle or stands
in "x_picket_elsewhere".

	stix_check.py BUNDLE.json..."""
import json
import re
import sys
import uuid

COMMON = {"type", "spec_version", "id", "created_by_ref", "created",
          "modified", "revoked", "labels", "confidence", "lang",
          "external_references", "object_marking_refs", "granular_markings",
          "extensions", "x_picket_releasable_to"}
# Of each type: what it needs, and what it may have besides.
TYPES = {
    "identity": ({"name"}, {"identity_class", "description", "sectors"}),
    "indicator": ({"pattern", "pattern_type", "valid_from"},
                  {"indicator_types", "name", "description", "valid_until",
                   "kill_chain_phases", "pattern_version"}),
    "sighting": ({"sighting_of_ref"},
                 {"first_seen", "last_seen", "count", "where_sighted_refs",
                  "observed_data_refs", "summary", "x_picket_elsewhere",
                  "x_picket_past"}),
    "incident": ({"name"}, {"description", "kill_chain_phases"}),
    "extension-definition": ({"name", "schema", "version", "extension_types",
                              "created_by_ref"}, {"description",
                                                  "extension_properties"}),
}
TIME = re.compile(r"^\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):"
                  r"[0-5]\d:[0-5]\d(\.\d{3})?Z$")
PATTERN = re.compile(
    r"^\[[a-z0-9-]+:[a-z0-9_-]+(\.([A-Za-z0-9_-]+|'[^']+'))* "
    r"(=|ISSUBSET) '([^'\\]|\\['\\])*'\]$")
TLP = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
bad = []


def need(is_so, *what):
    if not is_so:
        bad.append(" ".join(str(w) for w in what))


def check_id(text, kind=None):
    parts = text.split("--") if isinstance(text, str) else []
    need(len(parts) == 2, "no id:", text)
    if len(parts) == 2:
        try:
            u = uuid.UUID(parts[1])
            need(str(u) == parts[1] and u.variant == uuid.RFC_4122
                 and u.version in (4, 5), "no UUID:", text)
        except ValueError:
            need(False, "no UUID:", text)
        need(kind is None or parts[0] == kind, text, "is no", kind)


def check_marking(o):
    need(set(o) == {"type", "spec_version", "id", "created", "name",
                    "extensions"}, "marking", sorted(o))
    ext = o["extensions"].get(TLP, {})
    need(ext.get("extension_type") == "property-extension"
         and o["name"] == "TLP:" + ext.get("tlp_2_0", "").upper(),
         "marking", o)
    need(o["created"] == "2022-10-01T00:00:00.000Z", "marking", o["created"])


def check_refs(o, ids):
    elsewhere = o.get("x_picket_elsewhere", [])
    for k, v in o.items():
        if not (k.endswith("_ref") or k.endswith("_refs")):
            continue
        for ref in [v] if isinstance(v, str) else v:
            check_id(ref)
            need(ref in ids or ref in elsewhere, o["id"], k, "leads nowhere")
            need(not (ref in ids and ref in elsewhere), o["id"], k)
        need(v, o["id"], k, "is empty")


def check_object(o, ids):
    need(o.get("spec_version") == "2.1", o.get("id"), "spec_version")
    check_id(o.get("id"), o.get("type"))
    if o["type"] == "marking-definition":
        check_marking(o)
        return
    need(o["type"] in TYPES, "type", o["type"])
    required, more = TYPES.get(o["type"], (set(), set()))
    need(required <= set(o), o["id"], "lacks", required - set(o))
    need(set(o) <= COMMON | required | more, o["id"], "has",
         set(o) - COMMON - required - more)
    for k in ("created", "modified", "valid_from", "first_seen", "last_seen"):
        need(k not in o or TIME.match(o[k]), o["id"], k, o.get(k))
    need("created" in o and "modified" in o
         and o["created"] <= o["modified"], o["id"], "times")
    need(o.get("first_seen", "") <= o.get("last_seen", "~"), o["id"], "seen")
    need(len(o.get("object_marking_refs", [])) == 1, o["id"], "marking")
    if "pattern" in o:
        need(o["pattern_type"] == "stix" and PATTERN.match(o["pattern"]),
             o["id"], o["pattern"])
    if "count" in o:
        need(isinstance(o["count"], int) and 0 <= o["count"] <= 999999999,
             o["id"], "count")
    need(0 <= o.get("confidence", 0) <= 100, o["id"], "confidence")
    for k, v in o.get("extensions", {}).items():
        need(k in ids and v.get("extension_type") == "property-extension",
             o["id"], "extension", k)
    check_refs(o, ids)


def main():
    n = 0
    for path in sys.argv[1:]:
        with open(path) as f:
            bundle = json.load(f)
        need(bundle["type"] == "bundle" and set(bundle) == {"type", "id",
                                                            "objects"},
             path, "is no bundle")
        check_id(bundle["id"], "bundle")
        ids = [o["id"] for o in bundle["objects"]]
        need(len(ids) == len(set(ids)), path, "an id twice")
        for o in bundle["objects"]:
            check_object(o, set(ids))
        n += len(ids)
    for what in bad[:20]:
        print("BAD", what)
    print("%d objects, %d bad" % (n, len(bad)))
    sys.exit(1 if bad else 0)


main()
