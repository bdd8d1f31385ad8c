#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One truth, seen at several taps.

make OUT CLONES SEED CAPTURE...
    Takes Ethernet captures, repeats their connections and datagrams CLONES
    times as attacks of their own (another port, other sequence numbers, the
    same content), and writes what three taps see of it: OUT/inside.pcap plain,
    with clients of 10.0.0.0/8; OUT/gre.pcap behind the NAT, inside GRE;
    OUT/vxlan.pcap behind the NAT, in a VLAN, inside VXLAN.  Each has its own
    clock, way, time to live, losses and disorder.  OUT/NAME.truth has, a line
    for each frame, what it belongs to.

judge OUT FEED STORE
    Compares which alerts the collector took for one event with the truth, and
    the clocks with those that were set; prints a line of JSON.
"""
import array
import collections
import ipaddress
import json
import os
import random
import sqlite3
import struct
import sys

# Seconds that a tap's clock is ahead, and one way from the first tap to it.
# TAPS_APART: so many seconds further apart, too far to be believed unseen.
APART = float(os.environ.get("TAPS_APART", "0"))
TAPS = {"inside": (0.0, 0.0), "gre": (137.25 + APART, 0.02),
        "vxlan": (-298.5 - APART, 0.035)}
LOSS, DISORDER = 0.003, 0.01
ANSWER_US = 80000
CLIENTS = ipaddress.ip_network("192.0.2.0/24")


def frames_of(path):
    """(time in microseconds, IPv4 packet) of each record; others are left."""
    data = open(path, "rb").read()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at = 24
    while at + 16 <= len(data):
        sec, usec, cap, _ = struct.unpack_from(order + "IIII", data, at)
        frame = data[at + 16 : at + 16 + cap]
        at += 16 + cap
        if frame[12:14] == b"\x08\x00" and len(frame) >= 34:
            total = struct.unpack_from(">H", frame, 16)[0]
            yield sec * 1000000 + usec, bytearray(frame[14 : 14 + total])


def fold(data):
    if len(data) % 2:
        data = bytes(data) + b"\0"
    words = array.array("H", bytes(data))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("=H", 0xFFFF - total)


def seal(ip):
    """Puts in the right checksums."""
    hlen = (ip[0] & 15) * 4
    ip[10:12] = b"\0\0"
    ip[10:12] = fold(ip[:hlen])
    if struct.unpack_from(">H", ip, 6)[0] & 0x3FFF:
        return ip  # a fragment
    at = {6: 16, 17: 6}.get(ip[9])
    if at is not None:
        l4 = ip[hlen:]
        l4[at : at + 2] = b"\0\0"
        pseudo = ip[12:20] + bytes([0, ip[9]]) + struct.pack(">H", len(l4))
        ip[hlen + at : hlen + at + 2] = fold(pseudo + l4)
    return ip


class Flow:
    def __init__(self, number):
        self.number = number
        self.packets = []  # (time, to the server?, packet)


def flows_of(paths):
    flows = {}
    for path in paths:
        for us, ip in frames_of(path):
            hlen = (ip[0] & 15) * 4
            if ip[9] not in (6, 17) or struct.unpack_from(">H", ip, 6)[0] & 0x3FFF:
                continue
            ports = struct.unpack_from(">HH", ip, hlen)
            a = (bytes(ip[12:16]), ports[0])
            b = (bytes(ip[16:20]), ports[1])
            syn = ip[9] == 6 and ip[hlen + 13] & 0x12 == 2
            key = (path, ip[9]) + tuple(sorted((a, b)))
            # A SYN behind anything else begins another connection.
            if key not in flows or (syn and flows[key].packets[-1][2][flows[key].packets[-1][2][0] % 16 * 4 + 13] & 0x12 != 2):
                number = len(flows)
                if key in flows:
                    flows[(key, number)] = flows.pop(key)
                flows[key] = Flow(number)
                flows[key].client = a
            f = flows[key]
            f.packets.append((us, a == f.client, ip))
    return sorted(flows.values(), key=lambda f: f.packets[0][0])


def clone(flow, number, start, rnd):
    """The flow again, from 'start' on: same ends and words, another port, or
    for one of three the same port as the one before."""
    shift = [rnd.getrandbits(32), rnd.getrandbits(32)]
    if rnd.randrange(3) or not hasattr(flow, "port"):
        flow.port = rnd.randrange(20000, 60000)
    port = flow.port
    ident = rnd.randrange(1, 60000)
    first = flow.packets[0][0]
    last = True
    for n, (us, up, old) in enumerate(flow.packets):
        if up != last:
            # Whoever answers has heard it first, at whichever tap.
            start += ANSWER_US
            last = up
        ip = bytearray(old)
        h = (ip[0] & 15) * 4
        struct.pack_into(">H", ip, 4, (ident + n) & 0xFFFF)
        struct.pack_into(">H", ip, h + (0 if up else 2), port)
        if ip[9] == 6:
            seq, ack = struct.unpack_from(">II", ip, h + 4)
            seq = (seq + shift[0 if up else 1]) & 0xFFFFFFFF
            if ip[h + 13] & 0x10:
                ack = (ack + shift[1 if up else 0]) & 0xFFFFFFFF
            struct.pack_into(">II", ip, h + 4, seq, ack)
        yield start + us - first, up, number, ip


def inside(ip):
    """Behind the NAT: clients of the captures are 10.x."""
    ip = bytearray(ip)
    ours = [ipaddress.ip_address(bytes(ip[at : at + 4])) in CLIENTS for at in (12, 16)]
    if ours[0] != ours[1]:  # what stays inside meets no NAT
        at = 12 if ours[0] else 16
        ip[at : at + 3] = bytes([10, 77, 3])
        h = (ip[0] & 15) * 4 + (0 if ours[0] else 2)
        port = struct.unpack_from(">H", ip, h)[0]
        if port >= 20000:  # a client's: the NAT gives out others
            struct.pack_into(">H", ip, h, port ^ 0x155)
    return ip


def wrap(tap, ip):
    ether = bytes.fromhex("020000000002020000000001")
    if tap == "inside":
        return ether + b"\x08\x00" + seal(ip)
    ip[8] -= 3 if ip[8] > 3 else 0
    inner = seal(ip)
    if tap == "gre":
        body = b"\0\0\x08\x00" + inner
        proto = 47
    else:
        body = b"\x08\0\0\0\0\x12\x34\0" + ether + b"\x81\x00\x00\x2a\x08\x00" + inner
        body = struct.pack(">HHHH", 49152, 4789, 8 + len(body), 0) + body
        proto = 17
    outer = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, proto, 0, bytes([198, 18, 0, 1]), bytes([198, 18, 0, 2])))
    outer[10:12] = fold(outer)
    return ether + b"\x08\x00" + bytes(outer) + bytes(body)


def write(out, tap, packets, rnd):
    clock, way = TAPS[tap]
    seen = []
    for us, up, number, ip in packets:
        if rnd.random() < LOSS:
            continue
        at = us + int((clock + (way if up else -way)) * 1e6)
        late = rnd.randrange(20) + (4000 if rnd.random() < DISORDER else 0)
        seen.append((at, at + late, number, ip))
    # Late ones are written late, with the time at which they came.
    seen.sort(key=lambda x: x[1])
    with open(f"{out}/{tap}.pcap", "wb") as pcap, open(f"{out}/{tap}.truth", "w") as truth:
        pcap.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for _, at, number, ip in seen:
            frame = wrap(tap, inside(ip) if tap == "inside" else bytearray(ip))
            pcap.write(struct.pack("<IIII", at // 1000000, at % 1000000, len(frame), len(frame)) + frame)
            truth.write(f"{number}\n")


def make(out, clones, seed, *captures):
    rnd = random.Random(int(seed))
    flows = flows_of(captures)
    base = 1767225600 * 1000000
    packets = []
    number = 0
    for k in range(int(clones)):
        for f in flows:
            number += 1
            start = base + int(number * 20000 + rnd.random() * 900000)
            packets.extend(clone(f, number, start, rnd))
    packets.sort(key=lambda x: x[0])
    for tap in TAPS:
        write(out, tap, packets, rnd)
    print(f"{number} connections and datagrams, {len(packets)} packets")


def pairs(groups):
    return sum(len(g) * (len(g) - 1) // 2 for g in groups)


def judge(out, feed, store):
    truth = {tap: open(f"{out}/{tap}.truth").read().split() for tap in TAPS}
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    event = dict(db.execute("SELECT alert, event FROM twins"))
    real, said, both = (collections.defaultdict(list) for _ in range(3))
    nth = collections.Counter()
    alerts = 0
    for line in open(feed):
        a = json.loads(line)
        if a.get("event_type") != "alert":
            continue
        alerts += 1
        tap, id = a["picket"]["site"], a["picket"]["id"]
        flow = truth[tap][a["pcap_cnt"] - 1]
        what = (flow, a["alert"]["signature_id"])
        # The n-th of a connection at one tap is the n-th at the others.
        nth[tap, what] += 1
        what += (nth[tap, what],)
        real[what].append(id)
        said[event.get(id, id)].append(id)
        both[what, event.get(id, id)].append(id)
    right, merged, due = pairs(both.values()), pairs(said.values()), pairs(real.values())
    clocks = {s: (o / 1e6, n, state) for s, o, n, state in db.execute(
        "SELECT s.site, c.offset_us, c.shared, c.state FROM clocks c JOIN sensors s ON s.id = c.sensor")}
    worst = max((abs(clocks[t][0] - TAPS[t][0]) for t in TAPS if t in clocks), default=9e9)
    print(json.dumps({
        "alerts": alerts, "events": len(said), "events_true": len(real),
        "pairs": due, "precision": round(right / merged, 5) if merged else 0,
        "recall": round(right / due, 5) if due else 0,
        "clocks": len(clocks), "clock_error_s": round(worst, 6),
        "shared": min((c[1] for c in clocks.values()), default=0),
        "states": sorted(c[2] for c in clocks.values())}))


if __name__ == "__main__":
    {"make": make, "judge": judge}[sys.argv[1]](*sys.argv[2:])
