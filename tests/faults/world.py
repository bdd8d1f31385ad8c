# SPDX-License-Identifier: Apache-2.0
"""The processes of one run: Redis, links that can be broken, a collector, sensors.

Nothing here decides what goes wrong and when (faults.py), or whether it went well (oracle.py).
"""
import ctypes
import heapq
import json
import os
import shutil
import signal
import subprocess
import time

import brokers
import spool

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Stuck(Exception):
    """Something did not come about in good time."""


class Incarnation:
    """One process of a sensor: what it reads, how it ended, what it left on the disk."""

    def __init__(self, sensor, number, scene):
        self.tag = f"{sensor.site}-{number}"
        self.scene = scene  # None: nothing, to empty the spool
        self.eve = os.path.join(sensor.world.dir, self.tag + ".eve")
        self.stats = os.path.join(sensor.world.dir, self.tag + ".stats")
        self.begun = 0
        self.proc = None
        self.feeder = None  # what keeps its pipe open, if it reads from one
        self.killed = False
        self.status = None
        self.left = None  # spool.Left, as found after it was killed

    def ended_badly(self):
        return self.killed or self.status != 0

    def written(self):
        """Alerts in its own file, whole lines."""
        if not os.path.exists(self.eve):
            return 0
        with open(self.eve, "rb") as f:
            return f.read().count(b"\n")


class Sensor:
    """A sensor through its lives: the same name, spool and link."""

    def __init__(self, world, number, options, steady):
        self.world = world
        self.steady = steady  # reads from a pipe that stays open, as if from a live interface
        self.site = f"site{number}"
        self.route = self.site
        self.options = options
        self.spool = os.path.join(world.dir, "spool-" + self.site)
        self.lives = []
        self.preload = {}

    def start(self, scene, more=()):
        if self.running():
            return  # a fault that met nobody began it already
        life = Incarnation(self, len(self.lives), scene)
        w = self.world
        self.lives.append(life)
        path = w.scenes[scene].path if scene is not None else w.empty
        stdin = subprocess.DEVNULL
        if self.steady and scene is not None:
            life.feeder = w.spawn(["tail", "-c", "+1", "-f", path], subprocess.PIPE)
            path, stdin = "-", life.feeder.stdout
        with open(os.path.join(w.dir, self.site + ".log"), "ab") as log:
            log.write(f"--- {life.tag}\n".encode())
            log.flush()
            life.proc = w.spawn(
                [w.bin("picket-sensor"), "--quiet", "--read", path, "--rules", w.rules,
                 "--site", self.site, "--sensor", "tap1", "--exercise", life.tag,
                 "--redis", w.redis.url(self.route), *w.redis.settings(),
                 "--spool", self.spool,
                 "--forward-types", "alert", "--eve", life.eve, "--eve-types", "alert",
                 "--stats", life.stats,
                 "--set", "spool.resend-seconds=1", *self.options, *more],
                log, self.preload, stdin)
        if life.feeder is not None:
            stdin.close()
        life.begun = w.now()
        w.say(f"{life.tag} starts")

    def raised(self, life):
        """Of the lines of its scene: those that a life came to.  One that was told to end did not
        come to all; one that was killed cannot say, and may have come to any."""
        lines = self.world.scenes[life.scene].lines if life.scene is not None else []
        if life.ended_badly():
            return lines
        with open(life.stats, encoding="utf-8") as f:
            return lines[:json.load(f)["picket"]["alerts"]["raised"]]

    def running(self):
        return bool(self.lives) and self.lives[-1].status is None

    def kill(self, torn=False):
        """SIGKILL; then what the disk holds is written down, for the oracle."""
        life = self.lives[-1]
        if life.status is not None:
            return False
        life.proc.kill()
        life.proc.wait()
        self.starve()
        life.status, life.killed = -signal.SIGKILL, True
        life.left = spool.read(self.spool)
        if torn:
            spool.tear(self.spool, self.world.rng)
        return True

    def starve(self):
        """Ends the pipe that it reads from."""
        feeder = self.lives[-1].feeder if self.lives else None
        if feeder is not None and feeder.poll() is None:
            feeder.kill()
            feeder.wait()

    def waits(self):
        """Whether it goes on running, having read all."""
        return self.running() and self.lives[-1].feeder is not None

    def listens(self):
        """Whether it would end in order: before, a signal just ends it, as any program."""
        try:
            with open(f"/proc/{self.lives[-1].proc.pid}/status") as f:
                caught = [line for line in f if line.startswith("SigCgt:")]
        except OSError:
            return True  # gone by itself
        return not caught or int(caught[0].split()[1], 16) >> signal.SIGTERM - 1 & 1

    def terminate(self):
        if self.running():
            self.lives[-1].proc.send_signal(signal.SIGCONT)
            self.world.until(60, self.listens, f"{self.site} to listen to signals")
            self.lives[-1].proc.terminate()

    def look(self):
        """Notes the end of a process that ended by itself; True when it just did."""
        life = self.lives[-1] if self.lives else None
        if life is None or life.status is not None or life.proc.poll() is None:
            return False
        life.status = life.proc.returncode
        self.starve()
        self.world.say(f"{life.tag} ended with status {life.status}")
        if life.status < 0:
            self.world.wrong(f"{life.tag} died of signal {-life.status}")
        return True


class Collector:
    def __init__(self, world):
        self.world = world
        self.dir = os.path.join(world.dir, "store")
        self.store = os.path.join(self.dir, "picket.db")
        self.proc = None
        self.preload = {}
        self.kills = 0
        self.restarts = 0
        os.mkdir(self.dir)

    def start(self, *more):
        if self.running():
            return
        w = self.world
        with open(os.path.join(w.dir, "collector.log"), "ab") as log:
            self.proc = w.spawn([w.bin("picket-collector"), "--redis",
                                 w.redis.url("collector"), *w.redis.settings(),
                                 "--store", self.store, *more], log, self.preload)

    def running(self):
        return self.proc is not None and self.proc.poll() is None

    def kill(self):
        if self.running():
            self.proc.kill()
            self.proc.wait()
            self.kills += 1
        self.proc = None

    def look(self):
        """A collector that gave up is started again, as a service manager would."""
        if self.proc is None or self.proc.poll() is None:
            return
        status, self.proc = self.proc.returncode, None
        self.world.say(f"the collector ended with status {status}")
        if status < 0:
            self.world.wrong(f"the collector died of signal {-status}")
        self.restarts += 1
        self.world.after(0.3, self.start)


class World:
    """Everything that runs, and a clock of what is to happen."""

    def __init__(self, where, rng, args, scenes, broker="single"):
        self.dir = where
        self.rng = rng
        self.args = args
        self.scenes = scenes
        self.rules = os.path.join(args.faults, "load.rules")
        self.empty = os.path.join(args.shared, "empty.pcap")
        self.procs = []
        self.todo = []
        self.order = 0
        self.begun = time.monotonic()
        self.story = []
        self.mistakes = []
        self.skipped = {}
        self.ports = {}
        self.maxmemory = 0  # of Redis, for good
        self.collector_late = 0  # seconds that it starts behind the sensors
        self.mounts = []
        self.fillers = []
        self.proxy = self.spawn([args.proxy], subprocess.PIPE, stdin=subprocess.PIPE)
        self.redis = brokers.KINDS[broker](self)
        self.redises = [self.redis]
        self.collector = Collector(self)
        self.sensors = []

    # --- words

    def say(self, text):
        self.story.append(f"{self.now():6.2f} {text}")

    def wrong(self, text):
        self.say("WRONG: " + text)
        self.mistakes.append(text)

    def now(self):
        return time.monotonic() - self.begun

    # --- processes

    def bin(self, name):
        return os.path.join(self.args.bin, name)

    def spawn(self, argv, out, env=None, stdin=subprocess.DEVNULL):
        env = {**os.environ, **(env or {})}
        p = subprocess.Popen(argv, stdin=stdin, stdout=out, cwd=self.dir, env=env,
                             stderr=None if out == subprocess.PIPE else out,
                             preexec_fn=die_with_parent)
        self.procs.append(p)
        return p

    def end(self):
        for p in self.procs:
            if p.poll() is None:
                p.kill()
                p.wait()
        for path in self.mounts:
            subprocess.run(["umount", "-l", path], check=False)

    # --- links

    def link(self, command):
        self.proxy.stdin.write(command.encode() + b"\n")
        self.proxy.stdin.flush()
        answer = self.proxy.stdout.readline().decode().strip()
        if not answer or answer.startswith("error"):
            raise RuntimeError(f"fault_proxy: {command}: {answer}")
        return answer

    def open_link(self, route, target):
        self.ports[route] = int(self.link(f"listen {route} {target}"))

    def routes(self):
        """None where a broker is reached without them."""
        if self.redis.target is None:
            return []
        return [s.route for s in self.sensors] + ["collector"]

    # --- disks

    def mount(self, path, size):
        """A small disk of its own; False where we may not mount."""
        os.makedirs(path, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path],
                              capture_output=True, check=False)
        if done.returncode == 0:
            self.mounts.append(path)
        return done.returncode == 0

    def fill(self, path):
        """Takes all the room that is left."""
        name = os.path.join(path, "filler")
        with open(name, "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while f.write(b"\0" * size) == size:
                        pass
                except OSError:
                    pass
        self.fillers.append(name)

    def free(self):
        for name in self.fillers:
            if os.path.exists(name):
                os.unlink(name)
        self.fillers = []

    # --- time

    def after(self, seconds, do, *args):
        self.order += 1
        heapq.heappush(self.todo, (self.now() + seconds, self.order, do, args))

    def step(self):
        while self.todo and self.todo[0][0] <= self.now():
            _, _, do, args = heapq.heappop(self.todo)
            do(*args)
        for s in self.sensors:
            s.look()
        self.collector.look()
        time.sleep(0.01)

    def until(self, seconds, what, words):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise Stuck(f"waited {seconds} s for {words}")
            time.sleep(0.02)

    def run_until(self, seconds, what, words):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise Stuck(f"waited {seconds} s for {words}")
            self.step()

    # --- all is well again

    def mend(self):
        self.todo = []
        self.free()
        for r in self.redises:
            r.freeze(False)
        for p in self.procs:
            if p.poll() is None:
                p.send_signal(signal.SIGCONT)
        self.redis.mend()
        for route in self.routes():
            self.link(f"pass {route}")
            self.link(f"target {route} {self.redis.target}")
        self.collector.start()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
