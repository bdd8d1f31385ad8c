#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A capture of one datagram: warnings.py SOURCE DESTINATION FILE"""
import ipaddress
import struct
import sys


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source, destination):
    payload = b"hello"
    body = struct.pack("!HHHH", 40000, 4444, 8 + len(payload), 0) + payload
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 7, 0, 64, 17, 0,
        ipaddress.IPv4Address(source).packed,
        ipaddress.IPv4Address(destination).packed,
    )
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1" + b"\x08\0" + head + body


packet = udp(sys.argv[1], sys.argv[2])
with open(sys.argv[3], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    f.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
