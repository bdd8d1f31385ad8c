#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""parts.py EVE SITE SENSOR COUNT SEED : as many alerts as are wanted, made of
those of EVE: other ports, times, traces and one of 200 sources each, as if other
connections had raised them."""
import json
import random
import sys

eve, site, sensor, count, seed = sys.argv[1:]
random.seed(int(seed))
made = []
for line in open(eve, encoding="utf-8"):
    a = json.loads(line)
    if a["event_type"] != "alert":
        continue
    a.update(timestamp="@T", src_port="@P", src_ip="@A", community_id="@C")
    a["flow"].update(src_port="@P", src_ip="@A")
    a["picket"].update(site=site, sensor=sensor)
    if "trace" in a["picket"]:
        a["picket"]["trace"] = "@I"
    text = json.dumps(a, separators=(",", ":"))
    made.append(text.replace('"@P"', "@P").replace('"@T"', '"@T"'))
out = []
for i in range(int(count)):
    second, micro = divmod(i * 997, 1000000)
    text = random.choice(made)
    r = random.getrandbits(128)
    text = (
        text.replace("@T", "2026-11-22T%02d:%02d:%02d.%06d+0000"
                     % (10 + second // 3600 % 12, second // 60 % 60,
                        second % 60, micro))
        .replace("@P", str(1024 + r % 60000))
        .replace("@A", "203.%d.113.%d" % (int(seed) % 200, r % 200))
        .replace("@C", "1:%027d=" % (r % 10**27))
        .replace("@I", "%08x-%08x-%016x-" % (r & 0xffffffff,
                                             r >> 32 & 0xffffffff, r >> 64))
    )
    out.append(text)
    if len(out) == 5000:
        sys.stdout.write("\n".join(out) + "\n")
        out.clear()
if out:
    sys.stdout.write("\n".join(out) + "\n")
