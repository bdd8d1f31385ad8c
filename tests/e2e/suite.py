# SPDX-License-Identifier: Apache-2.0
"""Helper of suite.sh.

suite.py report CHECK.json PER-MILLE    judges a report of --check-json
suite.py verify CORPUS SENSOR SCRATCH   runs the peer's tests with the corpus's
                                        own harness, judges the figures
"""
import importlib.util
import json
import os
import shlex
import sys

# Classes whose protocols the sensor parses.
CLASSES = (
    "byte-ops content-match datasets dns files flowbits-xbits http-evader http1 "
    "ip-only-addr iprep packet-header pcre tcp-stream-flow threshold tls transforms"
).split()
LEAST_OF_TESTS = 0.92
LEAST_OF_CLASSES = 0.85


def report(path, per_mille):
    with open(path, encoding="utf-8") as f:
        r = json.load(f)
    total = r["loaded"] + r["failed"]
    print("%d of %d rules loaded" % (r["loaded"], total))
    bad = r["loaded"] * 1000 < per_mille * total
    for p in r["problems"]:
        if not p["reason"] or not p["line"]:
            print("no reason or line: %s" % p)
            bad = True
    return 1 if bad else 0


def load_harness(corpus):
    """The corpus's judge, told that its index holds pairs as lists."""
    path = os.path.join(corpus, "harness", "verify.py")
    spec = importlib.util.spec_from_file_location("verify", path)
    harness = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    settings = harness.Runner.settings

    def with_tuples(self, test, env):
        test.meta["ycfg"] = [tuple(p) for p in test.meta.get("ycfg", [])]
        return settings(self, test, env)

    harness.Runner.settings = with_tuples
    return harness


def verify(corpus, sensor, scratch):
    out = os.path.join(scratch, "verify.json")
    sys.argv = [
        "verify.py", "--corpus", os.path.join(corpus, "suricata-verify"),
        "--sensor", shlex.quote(sensor) +
        " --strict --rules {rules} --read {pcap} --eve {out}/eve.json {sets}",
        "--scope", "alert", "--json", out, "--quiet", "--timeout", "60",
    ]
    load_harness(corpus).main()
    with open(out, encoding="utf-8") as f:
        r = json.load(f)
    passed, of = {}, {}
    for t in r["results"]:
        if t.get("discriminating") and t["status"] in ("pass", "fail"):
            of[t["cls"]] = of.get(t["cls"], 0) + 1
            passed[t["cls"]] = passed.get(t["cls"], 0) + (t["status"] == "pass")
    classes = [c for c in CLASSES if of.get(c)]
    n = sum(of[c] for c in classes)
    tests = sum(passed[c] for c in classes) / n
    mean = sum(passed[c] / of[c] for c in classes) / len(classes)
    for c in classes:
        print("%-18s %3d of %3d" % (c, passed[c], of[c]))
    print("parsed classes: %.3f of %d tests, %.3f as the mean over classes"
          % (tests, n, mean))
    crashes = r["crashes"] + r["sanitizer"] + r["timeouts"]
    if crashes:
        print("%d crashes, sanitizer reports or time-outs" % crashes)
    good = tests >= LEAST_OF_TESTS and mean >= LEAST_OF_CLASSES
    return 0 if good and not crashes else 1


if __name__ == "__main__":
    if sys.argv[1] == "report":
        sys.exit(report(sys.argv[2], int(sys.argv[3])))
    sys.exit(verify(*sys.argv[2:5]))
