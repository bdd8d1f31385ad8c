#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The settings that ship name exactly the keys that the programs know.

  settings.py plain FILE                the file with every '#' taken away
  settings.py compare FILE SOURCE...    its keys and those of the tables
"""
import glob
import os
import re
import sys

import yaml

# Suricata's whole list of outputs is read by the sensor for the sake of its files;
# all of it that Picket heeds has a key of its own.
OTHERS = {"outputs.*"}


def fail(lines):
    sys.exit("\n".join("FAIL: settings: " + line for line in lines))


def plain(path):
    """'#key: value' is a setting, '## words' explains."""
    with open(path, encoding="utf-8") as f:
        return re.sub(r"(?m)^#(?!#)", "", f.read())


def flatten(value, path=""):
    if isinstance(value, dict) and value:
        for k, v in value.items():
            yield from flatten(v, f"{path}.{k}" if path else str(k))
    elif isinstance(value, list) and value:
        for i, v in enumerate(value):
            yield from flatten(v, f"{path}.{i}")
    else:
        yield path


def shared(source, name):
    """The rows of a macro that several programs' tables share."""
    own = os.path.dirname(source)
    for header in (glob.glob(os.path.join(own, "..", "common", "*.h")) +
                   glob.glob(os.path.join(own, "*.h"))):
        with open(header, encoding="utf-8") as f:
            m = re.search(rf"#define {name} ((?:.*\\\n)*.*)", f.read())
        if m:
            return set(re.findall(r'\{[\s\\]*"([^"]+)"', m[1]))
    fail([f"{name} in {source} is defined in no header"])
    return set()


def known(sources):
    """Keys of the tables struct conf_key keys[] and read_keys[]."""
    rows, below = set(), set()
    for source in sources:
        with open(source, encoding="utf-8") as f:
            text = f.read()
        macros = dict(re.findall(r'#define (\w+) "([^"]+)"', text))
        m = re.search(r"struct conf_key keys\[\] = \{(.*?)\n\};", text, re.S)
        if m:
            rows |= set(re.findall(r'^\t\{ "([^"]+)"', m[1], re.M))
            for name in re.findall(r"^\t([A-Z_]+),", m[1], re.M):
                rows |= shared(source, name)
        m = re.search(r"read_keys\[\] = \{(.*?)\n\};", text, re.S)
        if m:
            for macro, key in re.findall(r'^\t(?:(\w+) )?"([^"]+)",', m[1],
                                         re.M):
                below.add(macros.get(macro, "") + key)
    if not rows:
        fail(["no table of settings found in " + " ".join(sources)])
    # a subtree of which the keys are known counts key by key
    tops = {k.split(".")[0] for k in below}
    for row in list(rows - OTHERS):
        if row.endswith(".*") and any(
                k.startswith(row[:-1]) for k in below):
            rows.discard(row)
    unknown = [r for r in rows if r.endswith(".*") and r.split(".")[0] in tops
               and r.count(".") == 1 and r not in OTHERS]
    if unknown:
        fail([f"{r} is known below, but not key by key" for r in unknown])
    return rows - OTHERS if tops else rows, below


def pattern(key):
    parts = []
    for part in key.split("."):
        if part == "**":
            return r"\.".join(parts) + r"(\..+)?"
        parts.append({"*": r"[^.]+", "@": r"[a-z0-9_-]+"}.get(
            part, re.escape(part)))
    return r"\.".join(parts)


def compare(path, sources):
    keys = sorted(set(flatten(yaml.safe_load(plain(path)))))
    rows, below = known(sources)
    patterns = [(r, pattern(r[:-1] + "**") if r.endswith(".*") else pattern(r))
                for r in sorted(rows)] + [(k, pattern(k)) for k in below]
    bad = []
    for key in keys:
        if not any(re.fullmatch(p, key) for _, p in patterns):
            bad.append(f"{key} in {path} is no setting")
    for name, p in patterns:
        # "eve.alert.metadata" is there when something below it is
        if not any(re.fullmatch(p + r"(\..*)?", key) for key in keys):
            bad.append(f"{name} is not in {path}")
    if bad:
        fail(bad)
    print(f"{path}: {len(keys)} keys, {len(patterns)} known")


def main():
    if sys.argv[1] == "plain":
        sys.stdout.write(plain(sys.argv[2]))
    else:
        compare(sys.argv[2], sys.argv[3:])


main()
