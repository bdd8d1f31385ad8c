#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a unit's SystemCallFilter lets a program do what it was seen to do.

  syscalls.py UNIT TRACE...     traces of strace -f; the program's start and
                                what the loader does is systemd's to allow
"""
import re
import subprocess
import sys


def sets():
    """systemd's groups of system calls: name to members."""
    out = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, check=False).stdout
    out = re.sub(r"\x1b\[[0-9;]*m", "", out)
    groups, name = {}, None
    for line in out.split("\n"):
        if line.startswith("@"):
            name = line.strip()
            groups[name] = []
        elif name and line.startswith("    ") and "#" not in line:
            groups[name].append(line.strip())
    return groups


def expand(groups, word, seen=()):
    if not word.startswith("@"):
        return {word}
    if word not in groups:
        sys.exit(f"FAIL: syscalls: no group {word} in systemd-analyze")
    got = set()
    for member in groups[word]:
        if member not in seen:
            got |= expand(groups, member, (*seen, word))
    return got


def allowed(unit):
    """As systemd.exec(5) reads the lines: the first says that it is a list of
    what is allowed; '~' takes away from it, others add to it."""
    groups = sets()
    calls = set()
    with open(unit, encoding="utf-8") as f:
        lines = re.findall(r"(?m)^SystemCallFilter=(.*)$", f.read())
    if not lines or lines[0].startswith("~"):
        sys.exit("FAIL: syscalls: the filter does not begin with what is "
                 "allowed")
    for line in lines:
        words = set()
        for word in line.lstrip("~").split():
            words |= expand(groups, word)
        calls = calls - words if line.startswith("~") else calls | words
    # never filtered: a process must be able to go on and to end
    return calls | expand(groups, "@default") | {"execve"}


def main():
    may = allowed(sys.argv[1])
    did, failed = set(), []
    for trace in sys.argv[2:]:
        with open(trace, encoding="utf-8", errors="replace") as f:
            for line in f:
                m = re.match(r"(?:\d+ +)?([a-z_0-9]+)\(", line)
                if m:
                    did.add(m[1])
    if len(did) < 20:
        sys.exit(f"FAIL: syscalls: only {len(did)} calls in the traces")
    for call in sorted(did - may):
        failed.append(f"FAIL: {call} is not allowed by {sys.argv[1]}")
    if failed:
        sys.exit("\n".join(failed))
    print(f"{len(did)} system calls, all of them allowed ({len(may)} are)")


main()
