#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who contacts whom: captures made up, what is to be told of them, and sums.

    contacts.py pcap SCENE FILE     writes the packets of a scene
    contacts.py sums SCENE          prints what all lines of it have to add up to
    contacts.py lines SCENE [SITE SENSOR]
                                    prints contact events of it, one a host and
                                    interval, as a sensor would write them
    contacts.py merge FILE          adds up the contact events of an EVE file

A scene is names joined by "+": web, scan, outside, beacon, lateral, upload,
names.  "sums" and "merge" print one line for each exercise, host and interval.
Everything is drawn from the name of the scene: the same each time.
"""
import calendar
import json
import random
import struct
import sys
import time

INTERVAL = 60
T0 = 1700000040  # a multiple of it
TIMEOUT = {"tcp": 60, "udp": 30, "icmp": 30}
ANSWERED = 300  # but TCP
NUMBER = {"icmp": 1, "tcp": 6, "udp": 17}
ADMIN = {22, 23, 135, 139, 445, 3389, 5900, 5985, 5986}
MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
    0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotate(x, n):
    return (x << n | x >> (64 - n)) & MASK


def xxh64(b):
    """Of fewer than 32 bytes, seed 0."""
    h = (P5 + len(b)) & MASK
    while len(b) >= 8:
        k = rotate(struct.unpack("<Q", b[:8])[0] * P2 & MASK, 31) * P1 & MASK
        h = (rotate(h ^ k, 27) * P1 + P4) & MASK
        b = b[8:]
    if len(b) >= 4:
        h ^= struct.unpack("<I", b[:4])[0] * P1 & MASK
        h = (rotate(h, 23) * P2 + P3) & MASK
        b = b[4:]
    for c in b:
        h = rotate(h ^ (c * P5 & MASK), 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32


class Sketch:
    """common/hll.h once more."""

    def __init__(self, text=None):
        n = int(text, 16) if text else 0
        self.reg = [n >> 6 * (63 - i) & 63 for i in range(64)]

    def add(self, b):
        h = xxh64(b)
        rest = h << 6 & MASK
        zeros = 64 - rest.bit_length() if rest else 58
        i = h >> 58
        self.reg[i] = max(self.reg[i], zeros + 1)

    def merge(self, other):
        self.reg = [max(a, b) for a, b in zip(self.reg, other.reg)]

    def text(self):
        n = 0
        for r in self.reg:
            n = n << 6 | r
        return f"{n:096x}"


def four(ip):
    return bytes(int(x) for x in ip.split("."))


def mapped(ip):
    return bytes(10) + b"\xff\xff" + four(ip)


# --- flows ---

class Flow:
    def __init__(self, t, src, dst, port, proto="tcp", how="ok", out=(), into=()):
        self.t, self.src, self.dst, self.port = t, src, dst, port
        self.proto, self.how, self.out, self.into = proto, how, out, into


def web(r):
    for h in range(1, 21):
        for _ in range(r.randrange(3, 9)):
            yield Flow(T0 + r.random() * 170, f"10.0.1.{h}",
                       f"198.51.100.{r.randrange(1, 60)}", 443, out=(500, 90),
                       into=(1400,) * r.randrange(1, 12))


def names(r):
    for h in range(1, 21):
        for _ in range(r.randrange(4, 20)):
            yield Flow(T0 + r.random() * 170, f"10.0.1.{h}", "10.0.0.53", 53,
                       "udp", out=(40,), into=(120,))
    for n in range(1, 40):
        yield Flow(T0 + 30 + n / 10, "10.0.1.3", f"10.0.5.{n}", 0, "icmp",
                   "ok" if n % 10 == 0 else "silent", out=(32,), into=(32,))


def scan(r):
    for n in range(600):
        yield Flow(T0 + 20 + n * 0.02, "10.0.1.66", f"10.0.2.{n % 120 + 1}",
                   (22, 80, 445, 3306, 8080)[n % 5], how=r.choice(
                       ("refused", "silent", "silent", "silent")))


def outside(r):
    for n in range(300):
        yield Flow(T0 + 65 + n * 0.05, "203.0.113.9", "10.0.0.80", n + 1,
                   how="ok" if n in (79, 24) else "refused")
    yield Flow(T0 + 5, "203.0.113.9", "198.51.100.1", 80)  # not ours


def beacon(r):
    for n in range(9):
        yield Flow(T0 + 7 + n * 40 + r.random(), "10.0.1.7", "203.0.113.77", 8443,
                   out=(210,), into=(64,))
    for n in range(30):  # more than are told of
        yield Flow(T0 + 245 + n, "10.0.1.7", f"198.51.100.{100 + n}", 443,
                   out=(900, 900), into=(1200,))


def lateral(r):
    way = ("10.0.1.9", "10.0.2.10", "10.0.2.20", "10.0.2.30", "10.0.2.40")
    for n, (a, b) in enumerate(zip(way, way[1:])):
        for port in (445, 5985):
            yield Flow(T0 + 10 + n * 35 + r.random(), a, b, port, out=(700,) * 3,
                       into=(300,) * 3)


def upload(r):
    yield Flow(T0 + 15, "10.0.1.5", "198.51.100.200", 443, out=(1400,) * 600,
               into=(60,) * 20)


SCENES = {f.__name__: f for f in (web, names, scan, outside, beacon, lateral, upload)}


def flows_of(scene):
    r = random.Random(scene)
    v = [f for name in scene.split("+") for f in SCENES[name](r)]
    for n, f in enumerate(sorted(v, key=lambda f: f.t)):
        f.t = round(f.t, 3)
        f.sport = 20000 + n % 40000
    return sorted(v, key=lambda f: f.t)


# --- packets ---

def checksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack(f">{len(b) // 2}H", b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def frame(src, dst, proto, l4, at):
    if proto != "icmp":
        pseudo = four(src) + four(dst) + struct.pack(">BBH", 0, NUMBER[proto], len(l4))
    else:
        pseudo = b""
    l4 = l4[:at] + struct.pack(">H", checksum(pseudo + l4)) + l4[at + 2:]
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(l4), 1, 0x4000, 64,
                       NUMBER[proto], 0, four(src), four(dst))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + head + l4


class Talk:
    """The packets of one flow: (time, direction, bytes, TCP flags)."""

    def __init__(self, f):
        self.f, self.now, self.v = f, f.t, []
        self.seq = [1000, 5000]

    def put(self, way, l4, at, flags=0):
        ends = (self.f.src, self.f.dst)
        self.v.append((self.now, way, frame(ends[way], ends[1 - way], self.f.proto,
                                            l4, at), flags))
        self.now += 0.001

    def tcp(self, way, flags, n=0):
        ports = (self.f.sport, self.f.port)
        self.put(way, struct.pack(
            ">HHIIBBHHH", ports[way], ports[1 - way], self.seq[way],
            self.seq[1 - way] if flags & 16 else 0, 0x50, flags, 60000, 0, 0)
            + b"x" * n, 16, flags)
        self.seq[way] += n + (flags & 3 != 0)

    def udp(self, way, n):
        ports = (self.f.sport, self.f.port)
        self.put(way, struct.pack(">HHHH", ports[way], ports[1 - way], 8 + n, 0)
                 + b"x" * n, 6)

    def all(self):
        f = self.f
        if f.proto == "tcp":
            self.tcp(0, 2)
            if f.how == "refused":
                self.tcp(1, 0x14)
            elif f.how == "ok":
                self.tcp(1, 0x12)
                self.tcp(0, 0x10)
                for way, sizes in ((0, f.out), (1, f.into)):
                    for n in sizes:
                        self.tcp(way, 0x18, n)
                        self.tcp(1 - way, 0x10)
                self.tcp(0, 0x11)
                self.tcp(1, 0x11)
                self.tcp(0, 0x10)
            return self.v
        for n in f.out:
            self.udp(0, n) if f.proto == "udp" else self.put(
                0, struct.pack(">BBHHH", 8, 0, 0, f.sport, 1) + b"x" * n, 2)
        for n in f.into if f.how == "ok" else ():
            self.udp(1, n) if f.proto == "udp" else self.put(
                1, struct.pack(">BBHHH", 0, 0, 0, f.sport, 1) + b"x" * n, 2)
        return self.v


def write_pcap(scene, path):
    v = sorted((p for f in flows_of(scene) for p in Talk(f).all()),
               key=lambda p: p[0])
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for t, _, b, _ in v:
            us = round(t * 1000000)
            out.write(struct.pack("<IIII", us // 1000000, us % 1000000, len(b),
                                  len(b)) + b)


# --- sums ---

class Sum:
    def __init__(self):
        self.n = dict.fromkeys(("flows", "failed", "bytes_out", "bytes_in"), 0)
        self.peers, self.ports, self.to = Sketch(), Sketch(), {}

    def line(self):
        return " ".join([*(f"{k}={v}" for k, v in self.n.items()), self.peers.text(),
                         self.ports.text()])


def start_of(t):
    return round(t * 1000) // (INTERVAL * 1000) * INTERVAL


def ours(ip):
    return ip.startswith("10.")


def credit(sums, f, t, out, into, failed):
    s = sums.setdefault((f.src, start_of(t)), Sum())
    to = s.to.setdefault((f.dst, f.port, f.proto), {
        "flows": 0, "failed": 0, "bytes_out": 0, "bytes_in": 0, "starts": []})
    for n in (s.n, to):
        n["bytes_out"] += out
        n["bytes_in"] += into
        n["failed"] += failed
    return s, to


def looks(f, talk):
    """When bytes are counted: every 64th packet of a way, the close, the end."""
    seen, done, pkts, fins = [0, 0], [0, 0], [0, 0], 0
    closed = False
    for t, way, b, flags in talk:
        seen[way] += len(b)
        pkts[way] += 1
        fins |= (flags & 1) << way
        look = not closed and (flags & 4 or fins == 3)
        closed = closed or look
        if look or pkts[way] > 1 and pkts[way] % 64 == 1:
            yield t, seen[0] - done[0], seen[1] - done[1], bool(look)
            done = seen[:]
    rest = seen[0] - done[0], seen[1] - done[1]
    if not closed or sum(rest) >= 1024:
        answered = f.proto != "tcp" and f.how == "ok"
        wait = ANSWERED if answered else TIMEOUT[f.proto]
        yield talk[-1][0] + wait, *rest, not closed


def sums_of(scene):
    flows = [(f, Talk(f).all()) for f in flows_of(scene)]
    last = max(talk[-1][0] for _, talk in flows)
    sums = {}
    for f, talk in flows:
        if not ours(f.src) and not ours(f.dst):
            continue
        s, to = credit(sums, f, f.t, 0, 0, 0)
        s.n["flows"] += 1
        to["flows"] += 1
        to["starts"].append(round(f.t * 1000) % (INTERVAL * 1000))
        s.peers.add(mapped(f.dst))
        if f.proto != "icmp":
            s.ports.add(struct.pack(">H", f.port))
        for t, out, into, judged in looks(f, talk):
            credit(sums, f, min(t, last), out, into, judged and f.how != "ok")
    return sums


def print_sums(sums):
    for key in sorted(sums):
        print(*key, sums[key].line())


def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000", time.gmtime(t))


def rank(item):
    (ip, port, _), to = item
    admin = port in ADMIN and ours(ip)
    return (not admin, -to["bytes_out"], four(ip), port)


def print_lines(scene, site="hq", sensor="tap1"):
    sums = sums_of(scene)
    for (ip, start), s in sorted(sums.items(), key=lambda x: (x[0][1], x[0][0])):
        to = [{"ip": k[0], "port": k[1], "proto": k[2].upper(), **v,
               "starts": v["starts"][:16]} for k, v in sorted(s.to.items(), key=rank)]
        print(json.dumps({
            "timestamp": stamp(start + INTERVAL), "event_type": "contacts",
            "host": sensor, "contacts": {
                "ip": ip, "start": stamp(start), "end": stamp(start + INTERVAL), **s.n,
                "peers": len({k[0] for k in s.to}), "ports": len({k[1] for k in s.to}),
                "peers_sketch": s.peers.text(), "ports_sketch": s.ports.text(),
                "to": to[:16]},
            "picket": {"site": site, "sensor": sensor}}, separators=(",", ":")))


def merge(path):
    sums = {}
    for line in open(path, encoding="utf-8"):
        e = json.loads(line)
        if e["event_type"] != "contacts":
            continue
        c = e["contacts"]
        exercise = e.get("picket", {}).get("exercise", "")
        t = calendar.timegm(time.strptime(c["start"][:19], "%Y-%m-%dT%H:%M:%S"))
        s = sums.setdefault((exercise + c["ip"], t), Sum())
        for k in s.n:
            s.n[k] += c[k]
        s.peers.merge(Sketch(c["peers_sketch"]))
        s.ports.merge(Sketch(c["ports_sketch"]))
    return sums


def main():
    what = {"pcap": write_pcap, "sums": lambda s: print_sums(sums_of(s)),
            "lines": print_lines, "merge": lambda p: print_sums(merge(p))}
    if len(sys.argv) < 3 or sys.argv[1] not in what:
        sys.exit(__doc__)
    what[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
