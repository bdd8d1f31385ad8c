#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether bundles hold what the rules in docs/formats.md let go, and nothing
else.  Shares no code with the programs: reads the world that share_world.py
drew and the text of the bundles.

	share_oracle.py DIR	DIR/PARTNER.json of every partner

Prints how many decisions it checked; exits with 1 and the first few that are
wrong."""
import collections
import json
import os
import re
import sys

ORDER = {"clear": 0, "green": 1, "amber": 2, "amber+strict": 3, "red": 4}
LABELS = {
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": 0,
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": 1,
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": 2,
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": 3,
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": 4,
}
wrong = []


def complain(*what):
    wrong.append(" ".join(str(w) for w in what))


# A marking here: (rank, None for everybody or a frozenset of names).
def mark(m, default):
    if m is None:
        return (ORDER[default], None)
    return (ORDER[m["tlp"]],
            frozenset(m["to"]) if "to" in m else None)


def join(marks):
    rank, names = 0, None
    for r, n in marks:
        rank = max(rank, r)
        if n is not None:
            names = n if names is None else names & n
    return (rank, names)


def may_see(p, kind, exercise, m):
    if kind not in p["kinds"] or exercise:
        return False
    if m[0] == 4 or (m[0] == 3 and not p["same-organisation"]):
        return False
    return m[0] <= ORDER[p["highest"]] and (m[1] is None
                                            or p["owner"] in m[1])


class World:
    def __init__(self, where):
        with open(os.path.join(where, "world.json")) as f:
            w = json.load(f)
        self.partners, self.default = w["partners"], w["default"]
        m = w["map"]
        d = self.default
        self.map = m
        self.site = {s["name"]: s for s in m["sites"]}
        self.by_addr = {a["addr"]: a for a in m["assets"]}
        self.needs = collections.defaultdict(list)
        self.service = {s["name"]: mark(s["mark"], d) for s in m["services"]}
        for s in m["services"]:
            for a in s["assets"]:
                self.needs[a].append(mark(s["mark"], d))
                for x in m["missions"]:
                    if s["name"] in x["services"]:
                        self.needs[a].append(mark(x["mark"], d))
        self.campaigns = [self.judge(c) for c in w["campaigns"]]
        self.by_value = {c["value"]: c for c in self.campaigns}

    def said(self, a):
        """What an alert says of its indicator, and of its rule."""
        parts = [mark(a["said"], self.default)]
        if a["rule"]:
            parts.append((ORDER[a["rule"]], None))
        return join(parts)

    def here(self, a):
        """That it was seen there: what it says, the site, the network, the
        asset."""
        s = self.site[a["site"]]
        parts = [self.said(a), mark(s["mark"], self.default)]
        if s["net"]["mark"]:
            parts.append(mark(s["net"]["mark"], self.default))
        if a["host"] in self.by_addr:
            parts.append(mark(self.by_addr[a["host"]]["mark"], self.default))
        return join(parts)

    def judge(self, c):
        places = collections.defaultdict(list)
        deps = []
        for a in c["alerts"]:
            places[a["site"]].append(a)
            if a["host"] in self.by_addr:
                deps += self.needs[self.by_addr[a["host"]]["name"]]
        if c["chain"]:
            # Without an indicator; one incident all the same.
            c["wrong"], c["said_mark"] = "none", (4, frozenset())
            c["place_marks"], c["is_incident"] = {}, True
            c["run_mark"] = join(self.here(a) for a in c["alerts"])
            c["incident_mark"] = join([c["run_mark"]] + deps)
            return c
        c["said_mark"] = join(self.said(a) for a in c["alerts"])
        c["place_marks"] = {k: join([c["said_mark"]]
                                    + [self.here(a) for a in v])
                            for k, v in places.items()}
        c["run_mark"] = join(self.here(a) for a in c["alerts"])
        c["incident_mark"] = join([c["run_mark"]] + deps)
        c["is_incident"] = len(places) >= 2
        return c


def label(o):
    refs = o.get("object_marking_refs", [])
    if len(refs) != 1 or refs[0] not in LABELS:
        complain("no single TLP 2.0 label:", o["id"])
        return (4, frozenset())
    to = o.get("x_picket_releasable_to")
    return (LABELS[refs[0]], None if to is None else frozenset(to))


def show(counter):
    return {str(k): v for k, v in counter.items()}


def check_indicators(w, p, got):
    expected = {}
    for c in w.campaigns:
        if c["wrong"] or "indicator" not in p["kinds"]:
            continue
        seen = any(may_see(p, "sighting", c["exercise"], m)
                   for m in c["place_marks"].values())
        if seen or may_see(p, "indicator", c["exercise"], c["run_mark"]):
            expected[c["value"]] = c["said_mark"]
    found = {}
    for o in got:
        value = re.match(r"^\[[^=]*= '([^']*)'\]$", o["pattern"])
        found[value.group(1) if value else o["pattern"]] = label(o)
        if "confidence" in o and "confidence" not in p["fields"]["indicator"]:
            complain(p["name"], "confidence was not to be told")
        for field, key in (("labels", "labels"),
                           ("stages", "kill_chain_phases")):
            if key in o and field not in p["fields"]["indicator"]:
                complain(p["name"], key, "was not to be told")
    for value in sorted(set(expected) | set(found)):
        if expected.get(value) != found.get(value):
            complain(p["name"], "indicator", value, "expected",
                     expected.get(value), "got", found.get(value))
    return len(w.campaigns)


def check_sightings(w, p, got, ids):
    expected = collections.Counter()
    decisions = 0
    for c in w.campaigns:
        for place, m in c["place_marks"].items():
            decisions += 1
            if not c["wrong"] and may_see(p, "sighting", c["exercise"], m):
                expected[(c["value"] if "indicator" in p["kinds"] else "",
                          m)] += 1
    found = collections.Counter()
    fields = p["fields"]["sighting"]
    for o in got:
        of = ids.get(o["sighting_of_ref"])
        if of is None and o["sighting_of_ref"] not in o.get(
                "x_picket_elsewhere", []):
            complain(p["name"], "a reference to nothing", o["id"])
        value = ""
        if of is not None:
            value = re.match(r"^\[[^=]*= '([^']*)'\]$", of["pattern"]).group(1)
        found[(value, label(o))] += 1
        if ("count" in o and "count" not in fields) or (
                "first_seen" in o and "times" not in fields) or (
                "where_sighted_refs" in o
                and ("sites" not in fields or p["sites"] == "drop")):
            complain(p["name"], "a field that was not to be told", o["id"])
        if "times" not in fields and not o["modified"].endswith(
                "T00:00:00.000Z"):
            complain(p["name"], "a time that was not to be told", o["id"])
    if expected != found:
        complain(p["name"], "sightings: too many", show(found - expected),
                 "too few", show(expected - found))
    return decisions


def check_incidents(w, p, got):
    expected = collections.Counter()
    decisions = 0
    for c in w.campaigns:
        decisions += c["is_incident"]
        if c["is_incident"] and may_see(p, "incident", c["exercise"],
                                        c["incident_mark"]):
            expected[c["incident_mark"]] += 1
    found = collections.Counter(label(o) for o in got)
    if expected != found:
        complain(p["name"], "incidents: too many", show(found - expected),
                 "too few", show(expected - found))
    fields = set(p["fields"]["incident"])
    told = {"level": "severity", "score": "severity", "lead": "owners",
            "support": "owners", "first": "times", "last": "times",
            "alerts": "count", "sites": "sites", "stages": "stages",
            "actors": "actors", "victims": "victims", "services": "services",
            "missions": "missions"}
    for o in got:
        for ext in o.get("extensions", {}).values():
            for k in ext:
                if k == "number" and "consultation" in p["kinds"]:
                    continue
                if k != "extension_type" and told.get(k) not in fields:
                    complain(p["name"], "field", k, "was not to be told")
            check_roles(w, p, o)
        if "title" not in fields and o["name"] != "incident":
            complain(p["name"], "a title that was not to be told")
    return decisions


def check_roles(w, p, o):
    """A service in an asset's place is not above the incident."""
    rank, names = label(o)
    text = json.dumps(o)
    for name, (r, n) in w.service.items():
        if "[" + name + "]" in text and "services" not in p["fields"][
                "incident"]:
            if r > rank or (n is not None
                            and (names is None or not names <= n)):
                complain(p["name"], "service", name, "above its incident")


def check_texts(w, p, text):
    """Nothing that is ours is anywhere in the bundle, however written."""
    text = re.sub(r"anon:[0-9a-f.:]+", "", text).lower()
    if p["addresses"] != "keep":
        for m in re.finditer(r"(?<!\d)(?=(\d{1,3})([._-])\d{1,3}\2\d{1,3}\2"
                             r"(\d{1,3})(?!\d)(\.in-addr\.arpa)?)", text):
            if m.group(1) == "10" or (m.group(3) == "10" and m.group(4)):
                complain(p["name"], "an address of ours:",
                         text[m.start():m.start() + 30])
        # Nor a part of one, before what was taken out.
        m = re.search(r"\d\.(\[[a-z0-9 ]*\])?\.in-addr\.arpa", text)
        if m:
            complain(p["name"], "an address of ours:", m.group(0))
    if p["domains"] != "keep" and "ours.example" in text:
        complain(p["name"], "a name within our domains")
    for a in w.map["assets"]:
        if a["name"].lower() in text:
            complain(p["name"], "an asset:", a["name"])
    fields = p["fields"]
    for s in w.map["sites"]:
        if s["name"].lower() in text and (p["sites"] != "keep" or not (
                "sites" in fields["sighting"]
                or "sites" in fields["incident"])):
            complain(p["name"], "a site:", s["name"])
    for s in w.map["services"]:
        if re.search(r"\b%s\b" % re.escape(s["name"]), text) \
                and "services" not in fields["incident"] \
                and p["addresses"] != "role":
            complain(p["name"], "a service:", s["name"])
    for s in w.map["missions"]:
        if re.search(r"\b%s\b" % re.escape(s["name"].lower()), text) \
                and "missions" not in fields["incident"]:
            complain(p["name"], "a mission:", s["name"])
    for word in ("payload", "packet_data", "username", "keen "):
        if word in text:
            complain(p["name"], "the word", word)


def main():
    where = sys.argv[1]
    w = World(where)
    decisions = released = 0
    for p in w.partners:
        with open(os.path.join(where, p["name"] + ".json")) as f:
            text = f.read()
        objects = json.loads(text)["objects"]
        ids = {o["id"]: o for o in objects}
        kinds = collections.defaultdict(list)
        for o in objects:
            kinds[o["type"]].append(o)
        decisions += check_indicators(w, p, kinds["indicator"])
        decisions += check_sightings(w, p, kinds["sighting"], ids)
        decisions += check_incidents(w, p, kinds["incident"])
        check_texts(w, p, text)
        released += sum(len(kinds[k]) for k in
                        ("indicator", "sighting", "incident"))
    for what in wrong[:20]:
        print("WRONG", what)
    print("%d decisions, %d released, %d wrong"
          % (decisions, released, len(wrong)))
    sys.exit(1 if wrong else 0)


main()
