#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tryagain.py SOCKET TARGET SHARE: stands before the Redis at unix socket
TARGET and answers SHARE of the commands, and the first of each name, with
TRYAGAIN, without passing them on.  How many of which, it says at the end, on
SIGTERM, as JSON."""
import collections
import json
import random
import signal
import socket
import sys
import threading

refused = collections.Counter()
chance = random.Random(1)
share = float(sys.argv[3])
KEYLESS = (b"PING", b"AUTH", b"HELLO", b"CLIENT", b"ROLE", b"SELECT")


def value(f, out):
    """Reads one RESP value, of any kind, into 'out' as it is; its first line."""
    line = f.readline()
    if not line:
        raise EOFError
    out += line
    n = int(line[1:]) if line[:1] in b"$*" else -1
    if line[:1] == b"$" and n >= 0:
        data = f.read(n + 2)
        out += data
        return data[:-2]
    if line[:1] == b"*":
        items = [value(f, out) for _ in range(max(n, 0))]
        return items[0] if items else b""
    return line


def serve(client):
    redis = socket.socket(socket.AF_UNIX)
    redis.connect(sys.argv[2])
    there, here = redis.makefile("rb"), client.makefile("rb")
    try:
        while True:
            command, answer = bytearray(), bytearray()
            name = value(here, command).upper()
            first = refused[name.decode()] == 0
            if name not in KEYLESS and (first or chance.random() < share):
                refused[name.decode()] += 1
                client.sendall(b"-TRYAGAIN Multiple keys request during "
                               b"rehashing of slot\r\n")
                continue
            redis.sendall(command)
            value(there, answer)
            client.sendall(answer)
    except (EOFError, OSError):
        pass
    finally:
        for s in (redis, client):
            s.close()


def end(*_):
    print(json.dumps(refused), flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],),
                     daemon=True).start()
