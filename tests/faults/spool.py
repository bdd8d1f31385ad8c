# SPDX-License-Identifier: Apache-2.0
"""A reader of a sensor's spool of its own, by docs/formats.md.

It shares no code with the sensor: what it finds after a kill is what the sensor must deliver.
"""
import os
import re
import struct
import zlib

HEAD = struct.Struct("<8sQQB3xI")
RECORD = struct.Struct("<4sIQQIB3xIIII")
MAGIC = b"\x50\x4b\x53\x45\x47\x01\xf5\xff"
MARK = b"\xf5\x50\x4b\xff"
NAME = re.compile(r"^([0-3])-(\d{20})\.seg$")


class Left:
    """What a spool held."""

    def __init__(self):
        self.epoch = 0
        self.committed = 0
        self.shed = 0  # events since its birth
        self.frames = {}  # (epoch, seq): (events, crc)


def segments(where):
    out = []
    for name in sorted(os.listdir(where)) if os.path.isdir(where) else []:
        if NAME.match(name):
            out.append(os.path.join(where, name))
    return out


def records(data):
    """Whole records up to the first head that is none; bodies that do not match are passed over."""
    if len(data) < HEAD.size:
        return
    magic, _, _, _, crc = HEAD.unpack_from(data)
    if magic != MAGIC or crc != zlib.crc32(data[:28]):
        return
    at = HEAD.size
    while at + RECORD.size <= len(data):
        mark, size, epoch, seq, n, _, crc, _, body_crc, head_crc = RECORD.unpack_from(data, at)
        if mark != MARK or head_crc != zlib.crc32(data[at:at + 44]):
            return
        body = data[at + RECORD.size:at + RECORD.size + size]
        if len(body) < size:
            return
        if zlib.crc32(body) == body_crc:
            yield epoch, seq, n, crc
        at += RECORD.size + size


def read(where):
    left = Left()
    meta = os.path.join(where, "meta")
    if os.path.exists(meta):
        with open(meta, encoding="ascii", errors="replace") as f:
            for line in f:
                word = line.split()
                if word[:1] == ["epoch"]:
                    left.epoch = int(word[1])
                elif word[:1] == ["committed"]:
                    left.committed = int(word[1])
                elif word[:1] == ["shed_events"]:
                    left.shed = sum(map(int, word[1:]))
    for path in segments(where):
        try:
            with open(path, "rb") as f:
                data = f.read()
        except FileNotFoundError:
            continue  # committed while we looked
        for epoch, seq, n, crc in records(data):
            left.frames[epoch, seq] = (n, crc)
    return left


def waiting(where):
    """Batches that are not known to be committed."""
    left = read(where)
    return [seq for epoch, seq in left.frames if epoch == left.epoch and seq > left.committed]


def tear(where, rng):
    """Adds what a write that was cut short would have left behind the newest segment."""
    paths = segments(where)
    if not paths:
        return
    newest = max(paths, key=os.path.getmtime)
    left = read(where)
    seq = max([s for _, s in left.frames] + [left.committed]) + 1
    body = zlib.compress(b'{"event_type":"alert","torn":true}\n' * 50)
    head = RECORD.pack(MARK, len(body) + 4096, left.epoch, seq, 50, 1, 1, 1700, zlib.crc32(body), 0)
    head = head[:44] + struct.pack("<I", zlib.crc32(head[:44]))
    with open(newest, "ab") as f:
        f.write((head + body)[:rng.choice((1, 20, 47, 48, 60, len(head + body)))])
