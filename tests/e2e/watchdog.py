#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the programs tell a service manager, heard on a real datagram socket.

READY when packets can come, RELOADING and READY around a reload that works and
one that does not, STOPPING at the end; signs of life while all workers move,
and none while one of them is held by the throat (ptrace), however lively the
others are.

  watchdog.py SENSOR RULES CAPTURE
"""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

INTERVAL = 1.0  # of the watchdog: a sign each quarter of it
PATIENCE = 60
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]


def fail(text):
    sys.exit("FAIL: watchdog: " + text)


class Manager:
    """The service manager's end of the socket."""

    def __init__(self, where):
        self.path = os.path.join(where, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def next(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            return self.socket.recv(4096).decode()
        except (TimeoutError, socket.timeout, BlockingIOError):
            return None

    def await_(self, what, seconds=PATIENCE):
        """The first datagram that begins with 'what'."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            m = self.next(end - time.monotonic())
            if m is not None and m.startswith(what):
                return m
        fail(f"no {what} in {seconds} s")

    def signs(self, seconds):
        """Signs of life in so many seconds."""
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            n += self.next(end - time.monotonic()) == "WATCHDOG=1"
        return n

    def drain(self):
        while self.next(0.001) is not None:
            pass


def hold(tid):
    """Stops one thread; False when this is not allowed here."""
    if libc.ptrace(SEIZE, tid, None, None) != 0:
        return False
    if libc.ptrace(INTERRUPT, tid, None, None) != 0:
        fail("ptrace interrupt: " + os.strerror(ctypes.get_errno()))
    os.waitpid(tid, WALL)
    return True


def release(tid):
    if libc.ptrace(DETACH, tid, None, None) != 0:
        fail("ptrace detach: " + os.strerror(ctypes.get_errno()))


def main():
    sensor, rules, capture = sys.argv[1:]
    with tempfile.TemporaryDirectory() as tmp:
        manager = Manager(tmp)
        copy = os.path.join(tmp, "some.rules")
        with open(rules, encoding="utf-8") as f:
            text = f.read()
        with open(copy, "w", encoding="utf-8") as f:
            f.write(text)
        env = dict(os.environ, NOTIFY_SOCKET=manager.path,
                   WATCHDOG_USEC=str(int(INTERVAL * 1e6)))
        env.pop("WATCHDOG_PID", None)
        workers = 3
        with open(os.path.join(tmp, "log"), "w", encoding="utf-8") as log:
            p = subprocess.Popen(
                [sensor, "--read", "-", "--workers", str(workers), "--rules",
                 copy, "--eve", os.path.join(tmp, "eve.json")],
                stdin=subprocess.PIPE, env=env, stderr=log)
        try:
            run(p, manager, copy, text, workers, capture)
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()


def run(p, manager, copy, text, workers, capture):
    manager.await_("STATUS=starting")
    manager.await_("READY=1\nSTATUS=running")
    with open(capture, "rb") as f:
        p.stdin.write(f.read())
    p.stdin.flush()
    manager.await_("WATCHDOG=1")
    if manager.signs(10 * INTERVAL) < 3:
        fail("less than 3 signs of life in ten intervals")

    # a reload that works, and one that does not
    p.send_signal(signal.SIGUSR2)
    if "MONOTONIC_USEC=" not in manager.await_("RELOADING=1"):
        fail("RELOADING without its time")
    manager.await_("READY=1")
    os.unlink(copy)
    p.send_signal(signal.SIGUSR2)
    manager.await_("RELOADING=1")
    if "the latest reload failed" not in manager.await_("READY=1"):
        fail("a reload that failed is not told")
    with open(copy, "w", encoding="utf-8") as f:
        f.write(text)

    # threads begin in order: those of the workers are the last
    tids = sorted(int(t) for t in os.listdir(f"/proc/{p.pid}/task"))
    for tid in [p.pid] + tids[-(workers - 1):]:
        if not hold(tid):
            print("threads cannot be held here (ptrace): not tried")
            break
        manager.signs(INTERVAL)  # those on their way
        n = manager.signs(4 * INTERVAL)
        release(tid)
        if n != 0:
            fail(f"{n} signs of life while thread {tid} of {tids} is held")
        manager.drain()
        manager.await_("WATCHDOG=1")

    p.send_signal(signal.SIGTERM)
    manager.await_("STOPPING=1")
    if p.wait(PATIENCE) != 0:
        fail(f"exit status {p.returncode}")
    print("watchdog: ready, alive, reloading, held, stopping")


main()
