# SPDX-License-Identifier: Apache-2.0
"""Whether everything raised is in the store once, or is declared lost.

What must be there comes from undisturbed runs (scene.py) and from what lay on the disk at each
kill (spool.py); what is there comes from the collector's store and from picketctl.
"""
import json
import re
import sqlite3
import subprocess
import zlib
from collections import Counter

import scene
import spool

TAG = re.compile(rb'"exercise":"([^"]*)"')
SHED_SID = b'"signature_id":9009001,'


class Verdict:
    def __init__(self):
        self.raised = 0  # by undisturbed runs of what was read
        self.stored = 0
        self.declared = 0  # lost, and said so
        self.over = 0  # said to be lost, but there
        self.undeclared = 0
        self.twice = 0
        self.memory = 0  # raised or not, of incarnations that were killed
        self.wrong = []


class Stored:
    """What the store has of one sensor, in order of its numbers."""

    def __init__(self, db, site):
        self.frames = []
        row = db.execute("SELECT id FROM sensors WHERE site = ?", (site,)).fetchone()
        self.id = row[0] if row else None
        self.keys = Counter()
        self.crc = {}
        self.gaps = []
        if self.id is None:
            return
        for epoch, seq, n, crc, data in db.execute(
                "SELECT epoch, seq, n, crc, data FROM frames WHERE sensor = ? ORDER BY epoch, seq",
                (self.id,)):
            self.keys[epoch, seq] += 1
            self.crc[epoch, seq] = crc & 0xFFFFFFFF
            self.frames.append((epoch, seq, zlib.decompress(data).splitlines()))
        self.gaps = db.execute("SELECT epoch, lo, hi, events, cause FROM gaps WHERE sensor = ?",
                               (self.id,)).fetchall()

    def in_gap(self, key):
        return any(e == key[0] and lo <= key[1] <= hi for e, lo, hi, _, _ in self.gaps)


def follow(want, got):
    """Walks the stored lines of one incarnation along those that it raised.  Returns how many are
    missing before the last one stored, how many behind it, how many came again or from nowhere."""
    place = {line: i for i, line in enumerate(want)}
    seen = set()
    at = -1
    again = foreign = back = 0
    for line in got:
        i = place.get(line)
        if i is None:
            foreign += 1
        elif i in seen:
            again += 1
        else:
            back += i < at
            seen.add(i)
            at = max(at, i)
    return at + 1 - len(seen), len(want) - at - 1, again, foreign, back


def check_sensor(world, sensor, db, v, sheds):
    st = Stored(db, sensor.site)
    lines = {}
    tags = []
    for _, _, frame in st.frames:
        for line in frame:
            if SHED_SID in line:
                continue
            tag = TAG.search(line).group(1).decode()
            if not tags or tags[-1] != tag:
                tags.append(tag)
            lines.setdefault(tag, []).append(scene.plain(line))
    known = [life.tag for life in sensor.lives]
    if [t for t in known if t in lines] != tags:
        v.wrong.append(f"{sensor.site}: incarnations out of order or foreign: {tags}")
    v.twice += sum(n - 1 for n in st.keys.values())
    lost = 0
    for life in sensor.lives:
        want = sensor.raised(life)
        got = lines.get(life.tag, [])
        middle, end, again, foreign, back = follow(want, got)
        v.raised += len(want)
        v.stored += len(got)
        v.twice += again
        if again or foreign or back:
            v.wrong.append(f"{life.tag}: {again} alerts twice, {foreign} foreign, "
                           f"{back} out of order")
        if life.killed or life.status != 0:
            v.memory += end
            lost += middle
        else:
            lost += middle + end
        if middle + end and not life.killed and life.status == 0 and not sheds:
            v.wrong.append(f"{life.tag}: ended well, but {middle} alerts are missing before the "
                           f"last one stored and {end} behind it")
        elif middle and not sheds:
            v.wrong.append(f"{life.tag}: {middle} alerts are missing before the last one stored")
        if life.left is not None:
            check_left(life, st, v, sheds)
    check_declared(sensor, st, lost, v, sheds)
    return st


def check_left(life, st, v, sheds):
    """What lay on the disk when the sensor was killed has arrived."""
    gone = []
    for key, (_, crc) in sorted(life.left.frames.items()):
        if key in st.crc:
            if st.crc[key] != crc:
                v.wrong.append(f"{life.tag}: batch {key[1]} is another one than was spooled")
        elif not (sheds and st.in_gap(key)):
            gone.append(key[1])
    if gone:
        n = sum(life.left.frames[k][0] for k in life.left.frames if k[1] in gone)
        v.undeclared += n
        v.wrong.append(f"{life.tag}: {len(gone)} batches with {n} alerts were durable when it was "
                       f"killed and are not stored: {gone[:5]}")


def check_declared(sensor, st, lost, v, sheds):
    """What is missing is what was declared; what was declared is missing."""
    declared = spool.read(sensor.spool).shed
    v.declared += min(lost, declared)
    v.over += max(0, declared - lost)
    if lost > declared:
        v.undeclared += lost - declared
        v.wrong.append(f"{sensor.site}: {lost} alerts lost, {declared} declared")
    if not sheds and (declared or st.gaps):
        v.wrong.append(f"{sensor.site}: {declared} events and gaps {st.gaps} declared lost, "
                       "but nothing was shed")
    for epoch, lo, hi, _, cause in st.gaps:
        if cause != "declared by the sensor":
            v.wrong.append(f"{sensor.site}: batches {lo} to {hi} given up: {cause}")
    numbers = {}
    for epoch, seq, _ in st.frames:
        numbers.setdefault(epoch, set()).add(seq)
    for epoch, have in numbers.items():
        holes = [n for n in range(1, max(have) + 1)
                 if n not in have and not st.in_gap((epoch, n))]
        if holes:
            v.wrong.append(f"{sensor.site}: batches never came and no gap was told: {holes[:5]}")


def check_counts(world, by_site, v):
    """What the collector counts is what its store holds."""
    done = subprocess.run([world.bin("picketctl"), "--store", world.collector.store, "sensors",
                           "--json"], capture_output=True, check=False)
    if done.returncode != 0:
        v.wrong.append(f"picketctl ended with status {done.returncode}: "
                       f"{done.stderr.decode(errors='replace').strip()}")
        return
    for s in json.loads(done.stdout)["sensors"]:
        have = sum(len(frame) for _, _, frame in by_site[s["site"]].frames)
        if s["alerts"] != have:
            v.wrong.append(f"{s['site']}: {have} alerts in its batches, {s['alerts']} counted")
        if s["lines_refused"] or s["frames_refused"]:
            v.wrong.append(f"{s['site']}: {s['lines_refused']} lines and {s['frames_refused']} "
                           "batches refused")


def check(world, sheds):
    """'sheds': whether a fault of this run may make a spool shed."""
    v = Verdict()
    db = sqlite3.connect(f"file:{world.collector.store}?mode=ro", uri=True)
    try:
        if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            v.wrong.append("the store is damaged")
        by_site = {s.site: check_sensor(world, s, db, v, sheds) for s in world.sensors}
        check_counts(world, by_site, v)
    finally:
        db.close()
    v.wrong = world.mistakes + v.wrong
    return v
