#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A strict reader of Prometheus' text format 0.0.4, and comparisons.

  prometheus.py check FILE                 is it well-formed to the letter?
  prometheus.py value FILE SAMPLE          the value of NAME or NAME{label="x"}
  prometheus.py same FILE STATS.json       every number of the sensor's
                                           statistics is there, with its value
"""
import json
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|Inf)|NaN")
TYPES = ("counter", "gauge", "untyped")


def fail(text):
    sys.exit("FAIL: prometheus: " + text)


def read(path):
    """Samples by name and labels, and the type of each family."""
    samples, types, helps = {}, {}, set()
    family, bare = None, True
    with open(path, "rb") as f:
        raw = f.read()
    if not raw.endswith(b"\n"):
        fail("the last line has no end")
    for n, line in enumerate(raw.decode("utf-8").split("\n")[:-1], 1):
        where = f"line {n}: {line!r}: "
        if line.startswith("# HELP "):
            name, _, text = line[7:].partition(" ")
            if not re.fullmatch(NAME, name) or not text:
                fail(where + "a HELP line needs a name and a text")
            if name in helps:
                fail(where + "the family comes twice")
            if not bare:
                pass
            elif family is not None:
                fail(where + f"{family} has no sample")
            helps.add(name)
            family, bare = name, True
        elif line.startswith("# TYPE "):
            words = line[7:].split(" ")
            if len(words) != 2 or words[0] != family or words[0] in types:
                fail(where + "TYPE must follow the HELP of its family, once")
            if words[1] not in TYPES:
                fail(where + "unknown type")
            if (words[1] == "counter") != words[0].endswith("_total"):
                fail(where + "counters, and they alone, end in _total")
            types[words[0]] = words[1]
        else:
            m = SAMPLE.fullmatch(line)
            if not m:
                fail(where + "no sample")
            if m[1] != family or family not in types:
                fail(where + "a sample outside of its family")
            if not NUMBER.fullmatch(m[3]):
                fail(where + "no number")
            labels = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="', m[2] or "")
            if len(labels) != len(set(labels)):
                fail(where + "a label comes twice")
            key = m[1] + (m[2] or "")
            if key in samples:
                fail(where + "the sample comes twice")
            if types[family] == "counter" and m[3].startswith("-"):
                fail(where + "a counter below 0")
            samples[key] = m[3]
            bare = False
    if bare:
        fail("the last family has no sample")
    return samples, types


# Where a number of the statistics stands, when it is not under its own name.
# A path that is not here is "picket_sensor_" and the path with "_".
MOVED = [
    (r"uptime|memuse|flow\.memuse", None),  # not the same at two times
    (r"detect\.engines\..*|picket\.alerts\.suppressed\.worst\..*", None),
    (r"flow\.total", "flows_total"),
    (r"flow\.active", "flow_active"),
    (r"flow_bypassed\.payload_not_inspected\.(\w+)",
     r"flow_payload_not_inspected_\1_total"),
    (r"app_layer\.flow\.([\w-]+)", r'app_layer_flows_total{protocol="\1"}'),
    (r"app_layer\.tx\.([\w-]+)",
     r'app_layer_transactions_total{protocol="\1"}'),
    (r"app_layer\.error\.([\w-]+)", r'app_layer_errors_total{protocol="\1"}'),
    (r"detect\.indicators", "indicators"),
    (r"picket\.frames\.in", "frames_total"),
    (r"picket\.frames\.bytes", "frame_bytes_total"),
    (r"picket\.frames\.inspected", "frames_inspected_total"),
    (r"picket\.frames\.skipped\.(\w+)", r'frames_skipped_total{reason="\1"}'),
    (r"picket\.frames\.dropped\.(\w+)", r'frames_dropped_total{reason="\1"}'),
    (r"picket\.frames\.truncated_by_snaplen", "frames_truncated_total"),
    (r"picket\.frames\.files_cut_short", "files_cut_short_total"),
    (r"picket\.contacts\.(\w+)", r"contacts_\1_total"),
    (r"picket\.overload\.(level|highest_level|levels)", r"overload_\1"),
    (r"picket\.overload\.(shed_\w+)\.(\w+)",
     r'overload_\1_total{reason="\2"}'),
    (r"picket\.overload\.(\w+)", r"overload_\1_total"),
    (r"picket\.alerts\.raised", "alerts_raised_total"),
    (r"picket\.alerts\.written", "alerts_written_total"),
    (r"picket\.alerts\.suppressed\.rules", "alerts_held_rules"),
    (r"picket\.alerts\.suppressed\.(\w+)", r'alerts_held_total{cause="\1"}'),
    (r"picket\.alerts\.(\w+)", r'alerts_not_written_total{cause="\1"}'),
    (r"picket\.forwarded", "events_forwarded_total"),
    (r"picket\.workers", "workers"),
    (r"picket\.rules\.(loaded|failed|skipped|version)", r"rules_\1"),
    (r"picket\.rules\.reloads", "rule_reloads_total"),
    (r"picket\.rules\.reload_failed", "rule_reload_failures_total"),
    (r"picket\.(shared_state)\.(\w+)", r"\1_\2_total"),
    (r"picket\.(packets|tunnel_packets|bypassed_packets|anomalies|events_lost|"
     r"write_errors|eve_unwritten|thresholds_evicted)", r"\1_total"),
    (r"(decoder|flow|flow_bypassed|tcp|file|file_store|detect|capture)\.(\w+)",
     r"\1_\2_total"),
]


def numbers(value, path=""):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from numbers(v, f"{path}.{k}" if path else k)
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from numbers(v, f"{path}.{i}")
    elif isinstance(value, (int, float)):
        yield path, value


def where(path):
    for pattern, name in MOVED:
        m = re.fullmatch(pattern, path)
        if m:
            return name and "picket_sensor_" + m.expand(name)
    # counters that have no row yet: under their path, and of lists not looked at
    if re.search(r"\.\d+\.", path):
        return None
    return "picket_sensor_stats_" + re.sub(r"\W", "_", path)


def same(path, stats):
    samples, _ = read(path)
    compared = 0
    with open(stats, encoding="utf-8") as f:
        for at, value in numbers(json.load(f)):
            key = where(at)
            if key is None:
                continue
            if key not in samples:
                fail(f"{at} of the statistics is not there, as {key}")
            if float(samples[key]) != float(value):
                fail(f"{key} is {samples[key]}, {at} of the statistics "
                     f"{value}")
            compared += 1
    if compared < 100:
        fail(f"only {compared} numbers in {stats}")
    print(f"{compared} numbers are the same")


def main():
    if sys.argv[1] == "check":
        samples, types = read(sys.argv[2])
        print(f"{len(samples)} samples of {len(types)} metrics")
    elif sys.argv[1] == "value":
        print(read(sys.argv[2])[0].get(sys.argv[3], "none"))
    elif sys.argv[1] == "same":
        same(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)


main()
