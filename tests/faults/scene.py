# SPDX-License-Identifier: Apache-2.0
"""What sensors see in a run, and what they raise when nothing disturbs them.

A scene is a capture made from those in pcaps/: their packets over and over,
parted into stretches of a kind so that there are batches of every severity
class, spread over some seconds.  The same number makes the same bytes.
"""
import os
import random
import re
import struct
import subprocess

SITE = "SITE"
TAG = "TAG"
HEAD = struct.Struct("<IHHiIII")
RECORD = struct.Struct("<IIII")
MAGIC = 0xA1B2C3D4
STRETCH = 240  # packets
START_S = 1_790_000_000


def packets(path):
    """The frames of a plain little-endian microsecond capture."""
    with open(path, "rb") as f:
        data = f.read()
    if HEAD.unpack_from(data)[0] != MAGIC or HEAD.unpack_from(data)[6] != 1:
        raise ValueError(f"{path}: not a plain Ethernet capture")
    at, out = HEAD.size, []
    while at + RECORD.size <= len(data):
        _, _, cap, wire = RECORD.unpack_from(data, at)
        at += RECORD.size
        out.append((data[at:at + cap], wire))
        at += cap
    return out


def kind(frame):
    """0: what raises severity 1, 1: TCP with data, 2: without, 3: the rest."""
    if frame[12:14] != b"\x08\x00" or len(frame) < 54:
        return 3
    if frame[23] == 17:
        return 0
    if frame[23] != 6:
        return 3
    ihl = (frame[14] & 15) * 4
    flags = frame[14 + ihl + 13]
    data = struct.unpack_from(">H", frame, 16)[0] - ihl - (frame[14 + ihl + 12] >> 4) * 4
    if flags == 2:
        return 0
    return 1 if data > 0 else 2


def capture(pcaps, number, path, seconds, n_packets):
    rng = random.Random(f"scene {number}")
    names = ["exercise-jp-east", "exercise-jp-west", "exercise-us-pacific", "http", "tls", "dns", "ssh", "scan"]
    rng.shuffle(names)
    frames = []
    while len(frames) < n_packets:
        for name in names:
            frames += packets(os.path.join(pcaps, name + ".pcap"))
    frames = frames[:n_packets]
    ordered = []
    for at in range(0, n_packets, STRETCH):
        ordered += sorted(frames[at:at + STRETCH], key=lambda f: kind(f[0]))
    now = START_S * 1_000_000
    mean = seconds * 1_000_000 / n_packets
    with open(path, "wb") as f:
        f.write(HEAD.pack(MAGIC, 2, 4, 0, 0, 262144, 1))
        for frame, wire in ordered:
            now += int(rng.expovariate(1 / mean))
            f.write(RECORD.pack(now // 1_000_000, now % 1_000_000, len(frame), wire) + frame)


def empty_capture(path):
    with open(path, "wb") as f:
        f.write(HEAD.pack(MAGIC, 2, 4, 0, 0, 262144, 1))


WHO = re.compile(rb'"site":"[^"]*","sensor":"[^"]*","exercise":"[^"]*"')
FLOW = re.compile(rb'"flow_id":\d+')


def plain(line):
    """A line without what tells one incarnation of a sensor from another: names, and the flow's
    number, which is drawn with a secret of the process."""
    return WHO.sub(b"WHO", FLOW.sub(b"FLOW", line, count=1), count=1)


def reference(sensor, rules, path, out):
    """The lines of alerts that the capture raises when nothing happens."""
    done = subprocess.run(
        [sensor, "--quiet", "--read", path, "--rules", rules, "--site", SITE, "--sensor", "tap1",
         "--exercise", TAG, "--eve", out, "--eve-types", "alert"], capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the undisturbed run failed: {done.stderr.decode(errors='replace')}")
    with open(out, "rb") as f:
        return [plain(line) for line in f.read().splitlines()]
