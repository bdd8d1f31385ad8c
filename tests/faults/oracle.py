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
ALERT = b'"event_type":"alert"'
SHED_SID = b'"signature_id":9009001,'


CLASSES = range(4)  # severity 1, 2, 3, all others: docs/formats.md


class Verdict:
    def __init__(self):
        self.raised = 0  # by undisturbed runs of what was read
        self.stored = 0
        self.declared = 0  # lost, and said so; of these
        self.killed = 0  # in memory when their sensor was killed
        self.undeclared = 0
        self.over = 0  # said to be lost, but never raised, or there
        self.twice = 0
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


SEVERITY = re.compile(rb'"severity":(\d+)\}')


def severity_class(line):
    n = int(SEVERITY.search(line).group(1))
    return n - 1 if 1 <= n <= 3 else 3


def by_class(lines):
    out = [[] for _ in CLASSES]
    for line in lines:
        out[severity_class(line)].append(line)
    return out


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


class Missing:
    """Alerts of a sensor that are not stored, by class: at least, and at most."""

    def __init__(self):
        self.least = [0] * len(CLASSES)
        self.most = [0] * len(CLASSES)


def check_life(sensor, life, got, missing, v, sheds):
    """What one incarnation raised.  Batches are of one class: order is kept within it.  Of one that
    was killed it is not known how far it came, but it wrote a file as it went."""
    raised = sensor.raised(life)
    seen = life.written()
    sure = by_class(raised[:seen] if life.ended_badly() else raised)
    words = []
    for c, (want, have) in enumerate(zip(by_class(raised), by_class(got))):
        middle, end, again, foreign, back = follow(want, have)
        v.twice += again
        if again or foreign or back:
            words.append(f"{again} alerts of class {c} twice, {foreign} foreign, "
                         f"{back} out of order")
        if middle and not sheds:
            words.append(f"{middle} alerts of class {c} are missing before the last one stored")
        if end and not sheds and not life.ended_badly():
            words.append(f"it ended well, but {end} alerts of class {c} are missing behind the "
                         "last one stored")
        missing.least[c] += max(middle, len(sure[c]) - len(have))
        missing.most[c] += middle + end
    v.raised += len(raised) if not life.ended_badly() else max(seen, len(got))
    v.stored += len(got)
    v.wrong += [f"{life.tag}: {x}" for x in words]


def check_sensor(world, sensor, db, v, sheds):
    st = Stored(db, sensor.site)
    lines = {}
    tags = []
    for _, _, frame in st.frames:
        for line in frame:
            if ALERT not in line or SHED_SID in line:
                continue
            tag = TAG.search(line).group(1).decode()
            if not tags or tags[-1] != tag:
                tags.append(tag)
            lines.setdefault(tag, []).append(scene.plain(line))
    known = [life.tag for life in sensor.lives]
    if [t for t in known if t in lines] != tags:
        v.wrong.append(f"{sensor.site}: incarnations out of order or foreign: {tags}")
    v.twice += sum(n - 1 for n in st.keys.values())
    missing = Missing()
    for life in sensor.lives:
        check_life(sensor, life, lines.get(life.tag, []), missing, v, sheds)
        if life.left is not None:
            check_left(life, st, v, sheds)
    check_numbers(sensor, st, v, sheds)
    check_ledger(world, sensor, missing, v)
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


def check_numbers(sensor, st, v, sheds):
    """Every batch is there or was declared a gap, and gaps have a reason."""
    if not sheds and st.gaps:
        v.wrong.append(f"{sensor.site}: gaps {st.gaps} declared, but nothing was shed")
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


def declared(ledger):
    """Lost by class, of these in memory when it was killed."""
    events = ledger["ledger"]["events"]
    lost = [sum(cause[c] for cause in events["lost"].values()) for c in CLASSES]
    for e in ledger["equations"]:
        if e["name"] == "spooled":  # the collector's view: what arrived all the same is no loss
            c = ["1", "2", "3", "other"].index(e["of"])
            lost[c] += sum(n for cause, n in e["right"].items()
                           if cause in ("shed", "damaged", "unreadable"))
    return lost, sum(events["lost"]["killed"])


def check_ledger(world, sensor, missing, v):
    """What is missing is what is declared.  A sensor's own lines, its ledgers and its reports of
    losses, are events like others: so many may be among those declared."""
    done = subprocess.run([world.bin("picketctl"), "--store", world.collector.store, "ledger",
                           f"{sensor.site}/tap1", "--json"], capture_output=True, check=False)
    try:
        ledgers = json.loads(done.stdout)["sensors"]
    except (ValueError, KeyError):
        ledgers = []
    if not ledgers and all(life.ended_badly() for life in sensor.lives):
        return  # it could never start: its disk was full
    if len(ledgers) != 1:
        v.wrong.append(f"{sensor.site}: picketctl ledger has {len(ledgers)} accounts, exit status "
                       f"{done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        return
    if ledgers[0]["holds"] is not True:
        bad = [(e["name"], e.get("of"), e["difference"]) for e in ledgers[0]["equations"]
               if e["holds"] is not True]
        v.wrong.append(f"{sensor.site}: the ledger does not hold: {bad}")
    said, killed = declared(ledgers[0])
    v.declared += sum(said)
    v.killed += killed
    own = [len(sensor.lives) + 2, 0, 0, len(sensor.lives) + 2]
    for c in CLASSES:
        v.undeclared += max(0, missing.least[c] - said[c])
        v.over += max(0, said[c] - missing.most[c] - own[c])
        if not missing.least[c] <= said[c] <= missing.most[c] + own[c]:
            v.wrong.append(f"{sensor.site}: class {c}: {missing.least[c]} to {missing.most[c]} "
                           f"alerts are missing, {said[c]} are declared lost")


def check_counts(world, by_site, v):
    """What the collector counts is what its store holds."""
    done = subprocess.run([world.bin("picketctl"), "--store", world.collector.store, "sensors",
                           "--json"], capture_output=True, check=False)
    if done.returncode != 0:
        v.wrong.append(f"picketctl ended with status {done.returncode}: "
                       f"{done.stderr.decode(errors='replace').strip()}")
        return
    for s in json.loads(done.stdout)["sensors"]:
        have = sum(ALERT in line for _, _, frame in by_site[s["site"]].frames for line in frame)
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
