#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packets for sensors that read a pipe, and the time of the loop between two
collectors.

exchange.py head                 a capture's first 24 bytes
exchange.py restamp FILE         its packets, the last of them now, no head
exchange.py loop CTL CONFIG STORE PIPE ROUNDS PARTNER [WORD]
    so often: adds a domain by CTL with CONFIG, asks for it in PIPE again and
    again, until STORE has PARTNER's sighting; prints each round's seconds
"""
import ipaddress
import sqlite3
import struct
import subprocess
import sys
import time

EVERY = 0.05
PATIENCE = 30


def record(packet, at):
    return struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(packet), len(packet)) + packet


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def query(name, port):
    """A frame: a host of us-pacific asks an outside server for name."""
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    dns = struct.pack("!HHHHHH", port, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
    udp = struct.pack("!HHHH", port, 53, 8 + len(dns), 0) + dns
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), port, 0, 64, 17, 0,
        ipaddress.IPv4Address("192.0.2.148").packed,
        ipaddress.IPv4Address("198.51.100.53").packed,
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1" + b"\x08\0" + head + udp


def restamp(path):
    with open(path, "rb") as f:
        data = f.read()
    at, records = 24, []
    while at < len(data):
        seconds, _, held, _ = struct.unpack_from("<IIII", data, at)
        records.append((seconds, at, held))
        at += 16 + held
    by = int(time.time()) - records[-1][0]
    out = sys.stdout.buffer
    for seconds, at, held in records:
        out.write(struct.pack("<I", seconds + by) + data[at + 4 : at + 16 + held])


def back(store, partner, name):
    return store.execute(
        "SELECT 1 FROM partner_sightings WHERE party=? AND value=?", (partner, name)
    ).fetchone()


def loop(ctl, config, path, pipe, rounds, partner, word="round"):
    store = sqlite3.connect("file:%s?mode=ro" % path, uri=True, isolation_level=None)
    port = 20000
    with open(pipe, "wb", buffering=0) as wire:
        for i in range(int(rounds)):
            name = "%s-%d.adversary.example" % (word, i)
            began = time.monotonic()
            subprocess.run(
                [ctl, "--config", config, "indicators", "add", "domain", name,
                 "--mark", "amber//JP,US"],
                check=True, stdout=subprocess.DEVNULL,
            )
            while not back(store, partner, name):
                if time.monotonic() - began > PATIENCE:
                    sys.exit("%s: not back in %d s" % (name, PATIENCE))
                wire.write(record(query(name, port), time.time()))
                port = port + 1 if port < 60000 else 20000
                time.sleep(EVERY)
            print("%.3f" % (time.monotonic() - began), flush=True)


if sys.argv[1] == "head":
    sys.stdout.buffer.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
elif sys.argv[1] == "restamp":
    restamp(sys.argv[2])
else:
    loop(*sys.argv[2:])
