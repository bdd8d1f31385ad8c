#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A world drawn from a seed: sites and assets with markings, partners with
policies, and alerts of campaigns that share nothing with each other.

	share_world.py DIR SEED CAMPAIGNS PARTNERS

writes missions.yaml, policy.yaml, a key for each partner, lines (for
share_drive) and world.json, what share_oracle.py judges by."""
import json
import os
import random
import sys

TLPS = ["clear", "green", "amber", "amber+strict", "red"]
OWNERS = ["JP", "US", "AU", "UK"]
KINDS = ["indicator", "sighting", "incident"]
FIELDS = {
    "indicator": ["times", "confidence", "labels", "stages"],
    "sighting": ["times", "count", "sites"],
    "incident": ["times", "count", "sites", "title", "severity", "owners",
                 "stages", "actors", "victims", "services", "missions"],
}
DAY = 86400


def some_mark(rnd, often=0.5, label=True):
    """A marking, or none."""
    if rnd.random() > often:
        return None
    m = {"tlp": rnd.choices(TLPS, [6, 6, 6, 1, 1])[0]}
    if rnd.random() < 0.4:
        m["to"] = sorted(rnd.sample(OWNERS, rnd.randint(1, 3)))
    return m


def yaml_mark(m, indent):
    if m is None:
        return ""
    text = "%stlp: %s\n" % (indent, m["tlp"])
    if "to" in m:
        text += "%sreleasable_to: [%s]\n" % (indent, ", ".join(m["to"]))
    return text


def draw_map(rnd):
    sites, assets, services, missions = [], [], [], []
    for i in range(8):
        # Where chains are seen more may leave.
        net = {"net": "10.%d.0.0/16" % i,
               "mark": some_mark(rnd, 0.15) if i > 1 else None}
        sites.append({"name": "Base-%02d" % i, "owner": rnd.choice(OWNERS),
                      "mark": some_mark(rnd, 0.7) if i > 1
                      else {"tlp": "green"}, "net": net})
        for k in range(12):
            assets.append({"name": "host%d-%d.srv" % (i, k),
                           "site": sites[i]["name"],
                           "addr": "10.%d.3.%d" % (i, k + 1),
                           "mark": some_mark(rnd, 0.7)})
    for i in range(20):
        services.append({"name": "service %s%d" % (rnd.choice("xyz"), i),
                         "mark": some_mark(rnd, 0.7),
                         "assets": [a["name"] for a in
                                    rnd.sample(assets, rnd.randint(1, 6))]})
    for i in range(6):
        missions.append({"name": "Mission %s %d" % (rnd.choice("PQ"), i),
                         "mark": some_mark(rnd, 0.7),
                         "services": [s["name"] for s in
                                      rnd.sample(services, 4)]})
    return {"sites": sites, "assets": assets, "services": services,
            "missions": missions}


def write_map(path, m):
    with open(path, "w") as f:
        f.write("owners:\n")
        for o in OWNERS:
            f.write("  - name: %s\n" % o)
        f.write("sites:\n")
        for s in m["sites"]:
            f.write("  - name: %s\n    owner: %s\n" % (s["name"], s["owner"]))
            f.write(yaml_mark(s["mark"], "    "))
            if s["net"]["mark"]:
                f.write("    networks:\n      - network: %s\n"
                        % s["net"]["net"])
                f.write(yaml_mark(s["net"]["mark"], "        "))
            else:
                f.write("    networks: [%s]\n" % s["net"]["net"])
        f.write("assets:\n")
        for a in m["assets"]:
            f.write("  - name: %s\n    site: %s\n    addresses: [%s]\n"
                    % (a["name"], a["site"], a["addr"]))
            f.write(yaml_mark(a["mark"], "    "))
        f.write("services:\n")
        for s in m["services"]:
            f.write("  - name: %s\n    depends_on: [%s]\n"
                    % (s["name"], ", ".join(s["assets"])))
            f.write(yaml_mark(s["mark"], "    "))
        f.write("missions:\n")
        for s in m["missions"]:
            f.write("  - name: %s\n    services: [%s]\n"
                    % (s["name"], ", ".join(s["services"])))
            f.write(yaml_mark(s["mark"], "    "))


def draw_partner(rnd, i):
    same = rnd.random() < 0.2
    return {
        "name": "partner%d" % i, "owner": rnd.choice(OWNERS),
        "highest": rnd.choice(TLPS[:4] if same else TLPS[:3]),
        "same-organisation": same,
        "kinds": rnd.sample(KINDS, rnd.randint(1, 3)) if i else KINDS,
        "fields": {k: rnd.sample(v, rnd.randint(0, len(v))) if i else v
                   for k, v in FIELDS.items()},
        "addresses": rnd.choice(["drop", "pseudonym", "role", "keep"]),
        "sites": rnd.choice(["drop", "role", "keep"]),
        "domains": rnd.choice(["drop", "keep"]),
    }


def write_policy(where, partners):
    with open(os.path.join(where, "policy.yaml"), "w") as f:
        f.write("producer: JP\nour-domains: [ours.example]\npartners:\n")
        for p in partners:
            key = os.path.join(where, p["name"] + ".key")
            with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as k:
                k.write("%064x\n" % random.Random(p["name"]).getrandbits(256))
            f.write("  - name: %s\n    owner: %s\n    highest: %s\n"
                    % (p["name"], p["owner"], p["highest"]))
            f.write("    same-organisation: %s\n"
                    % ("yes" if p["same-organisation"] else "no"))
            f.write("    kinds: [%s]\n    fields:\n" % ", ".join(p["kinds"]))
            for k, v in p["fields"].items():
                f.write("      %s: [%s]\n" % (k, ", ".join(v)))
            f.write("    redact: { addresses: %s, sites: %s, domains: %s }\n"
                    % (p["addresses"], p["sites"], p["domains"]))
            f.write("    pseudonym-key: %s\n" % key)


def draw_value(rnd, i):
    """An indicator: what it is, its value, and whether it can be said."""
    k = rnd.randrange(8)
    if k == 0:
        return "url", "http://evil%d.example/a" % i, "form"
    if k == 1:
        return "ip", "10.%d.7.%d" % (rnd.randrange(8), i % 250), "ours"
    if k == 2:
        return "domain", "c%d.ours.example" % i, "ours"
    if k in (3, 4):
        return "ip", "45.%d.%d.9" % (i // 250, i % 250), ""
    if k == 5:
        return "file-sha256", "%064x" % (i * 7919 + 1), ""
    return "domain", "evil%d.example" % i, ""


def line(world, c, a):
    picket = {"site": a["site"], "sensor": "s", "seq": a["seq"]}
    if not c["chain"]:
        picket["indicator"] = {"type": c["type"], "value": c["value"],
                               "id": "list:%d" % c["number"],
                               "confidence": 70}
    if c["exercise"]:
        picket["exercise"] = "KEEN %d" % (c["number"] % 3)
    if a["said"]:
        picket["tlp"] = a["said"]["tlp"]
        if "to" in a["said"]:
            picket["releasable_to"] = a["said"]["to"]
    rule = {"gid": 1, "signature_id": 9000 + c["number"], "rev": 1,
            "severity": 1, "signature": "x", "category": "", "action":
            "allowed"}
    if a["rule"]:
        rule["metadata"] = {"tlp": [a["rule"]]}
    event = {"timestamp": "2026-11-20T%02d:%02d:%02d.000000+0000"
             % (a["t"] // 3600, a["t"] // 60 % 60, a["t"] % 60),
             "event_type": "alert", "src_ip": a["host"], "src_port": 4000,
             "dest_ip": a["peer"], "dest_port": 443, "proto": "TCP",
             "alert": rule, "picket": picket}
    if a.get("web"):
        event["http"] = {"hostname": a["web"], "url": "/"}
    if a["name"]:
        event["dns"] = {"type": "query", "rrname": a["name"]}
    return json.dumps(event)


def draw_alert(rnd, world, c, n):
    site = rnd.randrange(8)
    asset = rnd.random() < 0.5
    return {
        "site": "Base-%02d" % site, "seq": n, "t": rnd.randrange(DAY // 2),
        "host": "10.%d.3.%d" % (site, rnd.randint(1, 12)) if asset
        else "10.%d.200.%d" % (site, n % 250),
        # A busy campaign has more addresses than a list of an incident.
        "peer": "46.%d.%d.%d" % (c["number"] // 250, c["number"] % 250,
                                 n % 100 if c["big"] else n % 3),
        "said": some_mark(rnd, 0.6 if not c["big"] else 0.5),
        "rule": rnd.choice(TLPS[:3]) if rnd.random() < 0.1 else None,
        "name": rnd.choice(["", "", "", "c%dx.9.3.%d.10.in-addr.arpa"
                            % (c["number"], site),
                            "host%d-1.srv.c%d.example" % (site, c["number"]),
                            "www%d.ours.example" % c["number"],
                            "ip-10-%d-3-4.c%d.example" % (site, c["number"])]),
    }


def draw_chain(rnd, world, c):
    """Addresses and names of which each is seen with the next only: one
    incident with more members than any list has room for, and no key that all
    alerts share.  All may go to many but for one alert, or none."""
    alerts = []
    odd = rnd.randrange(350)
    for n in range(300):
        a = draw_alert(rnd, world, c, n)
        a["host"] = "10.%d.201.%d" % (n % 2, n % 250)
        a["site"] = "Base-%02d" % (n % 2)
        a["peer"] = "47.%d.%d.%d" % (c["number"] // 250, c["number"] % 250,
                                     (n + 1) // 2)
        a["name"], a["web"] = "", "d%d.c%d.example" % (n // 2, c["number"])
        a["said"] = {"tlp": "amber" if n == odd else "clear"}
        if n == odd:
            a["said"]["to"] = [rnd.choice(OWNERS)]
        a["rule"] = None
        alerts.append(a)
    return alerts


def main():
    where, seed, n_campaigns, n_partners = (sys.argv[1],) + tuple(
        int(x) for x in sys.argv[2:5])
    rnd = random.Random(seed)
    world = {"map": draw_map(rnd), "campaigns": [],
             "partners": [draw_partner(rnd, i) for i in range(n_partners)],
             "default": "amber"}
    write_map(os.path.join(where, "missions.yaml"), world["map"])
    write_policy(where, world["partners"])
    lines = []
    for i in range(n_campaigns):
        kind, value, wrong = draw_value(rnd, i)
        c = {"number": i, "type": kind, "value": value, "wrong": wrong,
             "exercise": rnd.random() < 0.15, "big": rnd.random() < 0.02,
             "alerts": [], "chain": rnd.random() < 0.04}
        calm = rnd.random() < 0.6
        if c["chain"]:
            c["exercise"] = False
            c["value"] = "chain%d" % i
            c["alerts"] = draw_chain(rnd, world, c)
            lines += [line(world, c, a) for a in c["alerts"]]
            world["campaigns"].append(c)
            continue
        for n in range(150 if c["big"] else rnd.randint(1, 9)):
            a = draw_alert(rnd, world, c, n)
            # Of most campaigns something may leave.
            if calm and a["said"] and a["said"]["tlp"] in TLPS[3:]:
                a["said"]["tlp"] = "green"
            c["alerts"].append(a)
            lines.append(line(world, c, a))
        world["campaigns"].append(c)
    rnd.shuffle(lines)
    with open(os.path.join(where, "lines"), "w") as f:
        since = []
        for text in lines:
            f.write(text + "\n")
            since.append(text)
            if rnd.random() < 0.02 or len(since) > 800:
                f.write(rnd.choice(["commit", "commit", "restart"]) + "\n")
                since = []
            elif rnd.random() < 0.005:
                f.write("rollback\n" + "\n".join(since) + "\n")
    with open(os.path.join(where, "world.json"), "w") as f:
        json.dump(world, f)
    for p in world["partners"]:
        print(p["name"])


main()
