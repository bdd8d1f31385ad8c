#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A capture of one request: warnings_kinds.py HOST URI USER-AGENT FILE
With a number behind it: of so many, of user agents "USER-AGENT 0" and so on.
Or the SHA-256 of the certificate in a capture: warnings_kinds.py CAPTURE SHA-1"""
import hashlib
import re
import struct
import sys


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


CLIENT = b"\xc0\0\x02\x15"  # 192.0.2.21
SERVER = (b"\xcb\0\x71\x4d", 80)  # 203.0.113.77


def segment(source, to, seq, ack, flags, payload=b""):
    body = struct.pack(
        "!HHIIBBHHH", source[1], to[1], seq, ack, 5 << 4, flags, 65535, 0, 0
    )
    pseudo = source[0] + to[0] + struct.pack("!HH", 6, len(body + payload))
    body = body[:16] + struct.pack("!H", checksum(pseudo + body + payload))
    body += b"\0\0" + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, 64, 6, 0)
    head += source[0] + to[0]
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + head + body


def exchange(port, request, reply):
    c, s = 1000, 5000
    client = (CLIENT, port)
    yield segment(client, SERVER, c, 0, 0x02)
    yield segment(SERVER, client, s, c + 1, 0x12)
    yield segment(client, SERVER, c + 1, s + 1, 0x10)
    yield segment(client, SERVER, c + 1, s + 1, 0x18, request)
    c += 1 + len(request)
    yield segment(SERVER, client, s + 1, c, 0x18, reply)
    s += 1 + len(reply)
    yield segment(client, SERVER, c, s, 0x11)
    yield segment(SERVER, client, s, c + 1, 0x11)
    yield segment(client, SERVER, c + 1, s + 1, 0x10)


def certificate(capture, sha1):
    for at in re.finditer(b"\x30\x82..\x30\x82", capture, re.S):
        size = int.from_bytes(capture[at.start() + 2 : at.start() + 4], "big")
        der = capture[at.start() : at.start() + size + 4]
        if hashlib.sha1(der).hexdigest() == sha1:
            return hashlib.sha256(der).hexdigest()
    sys.exit("no such certificate")


if len(sys.argv) == 3:
    with open(sys.argv[1], "rb") as f:
        print(certificate(f.read(), sys.argv[2]))
    sys.exit()
host, uri, agent = (a.encode() for a in sys.argv[1:4])
agents = [agent]
if len(sys.argv) > 5:
    agents = [agent + b" %d" % n for n in range(int(sys.argv[5]))]
packets = [
    packet
    for n, each in enumerate(agents)
    for packet in exchange(
        40000 + n,
        b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n"
        % (uri, host, each),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    )
]
with open(sys.argv[4], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for n, packet in enumerate(packets):
        f.write(struct.pack("<IIII", n, 0, len(packet), len(packet)) + packet)
